/* The evaluator's float operators that add up: matrix products, batch norm, softmax; convolution and
 * pools have their own files. NCHW, sums in double in a fixed order, one rounding to float at the
 * end. Source: ONNX Gemm 13, MatMul 13, BatchNormalization 15, Softmax 13. */
#include "base/ops/internal.h"

#include <math.h>
#include <string.h>

bool ir_eval_constant(const struct ir_eval *e) {
    return ir_eval_fail(e,
                        "a constant node has no value of its own; the importer turns it into one");
}

/* --- fused activations --- */

struct ir_activation ir_activation_of(const struct ir_node *n) {
    const char *act = ir_attr_string(n, "act");
    struct ir_activation a = {-INFINITY, INFINITY};
    if (strcmp(act, "relu") == 0) a.min = 0;
    if (strcmp(act, "clip") == 0) {
        if (ir_attr_find(n, "act_min") != NULL) a.min = ir_attr_float(n, "act_min");
        if (ir_attr_find(n, "act_max") != NULL) a.max = ir_attr_float(n, "act_max");
    }
    return a;
}

/* --- matrix products --- */

struct matrix { /* element (i, j) at i·row + j·col */
    const float *at;
    int64_t row, col;
};

/* sum[j] = Σ_k a[i][k]·b[k][j], the same order of k whichever way b lies in memory. */
static void product_row(const struct matrix *a, const struct matrix *b, int64_t i, int64_t inner,
                        int64_t n, double *sum) {
    memset(sum, 0, (size_t)n * sizeof *sum);
    const float *left = a->at + i * a->row;
    if (b->col == 1) {
        for (int64_t k = 0; k < inner; k++) {
            double f = (double)left[k * a->col];
            const float *right = b->at + k * b->row;
            for (int64_t j = 0; j < n; j++) sum[j] += f * (double)right[j];
        }
        return;
    }
    for (int64_t j = 0; j < n; j++) {
        const float *right = b->at + j * b->col;
        for (int64_t k = 0; k < inner; k++)
            sum[j] += (double)left[k * a->col] * (double)right[k * b->row];
    }
}

bool ir_eval_gemm(const struct ir_eval *e) {
    const struct ir_value *a = ir_in(e->n, 0), *b = ir_in(e->n, 1), *c = ir_in(e->n, 2);
    const struct ir_value *y = e->n->out[0];
    bool ta = ir_attr_int(e->n, "transA") != 0, tb = ir_attr_int(e->n, "transB") != 0;
    struct matrix left = {ir_eval_in(e, 0), ta ? 1 : a->dims[1], ta ? a->dims[1] : 1};
    struct matrix right = {ir_eval_in(e, 1), tb ? 1 : b->dims[1], tb ? b->dims[1] : 1};
    double alpha = ir_attr_float(e->n, "alpha"), beta = ir_attr_float(e->n, "beta");
    const float *add = ir_eval_in(e, 2);
    int64_t rows = y->dims[0], cols = y->dims[1], inner = a->dims[ta ? 0 : 1];
    /* the steps of the added matrix; 0 where it is broadcast */
    int64_t add_col = c != NULL && c->rank > 0 && c->dims[c->rank - 1] > 1;
    int64_t add_row = c != NULL && c->rank == 2 && c->dims[0] > 1 ? c->dims[1] : 0;
    double *sum = arena_array(e->a, (size_t)cols, sizeof *sum);
    float *out = ir_eval_out(e, 0);
    for (int64_t i = 0; i < rows; i++) {
        product_row(&left, &right, i, inner, cols, sum);
        for (int64_t j = 0; j < cols; j++) {
            double extra = add == NULL ? 0 : beta * (double)add[i * add_row + j * add_col];
            *out++ = (float)(alpha * sum[j] + extra);
        }
    }
    return true;
}

/* Where the matrix of a leading index starts in an operand that is broadcast over those. */
static int64_t matrix_offset(const struct ir_value *v, const struct ir_value *y, int skip,
                             int64_t index) {
    int lead = y->rank - skip, own = v->rank - 2;
    int64_t offset = 0, step = v->rank < 2 ? 0 : v->dims[v->rank - 1] * v->dims[v->rank - 2];
    for (int i = 1; i <= lead; i++) {
        int64_t at = index % y->dims[lead - i];
        index /= y->dims[lead - i];
        if (i > own) continue;
        if (v->dims[own - i] > 1) offset += at * step;
        step *= v->dims[own - i];
    }
    return offset;
}

bool ir_eval_matmul(const struct ir_eval *e) {
    const struct ir_value *a = ir_in(e->n, 0), *b = ir_in(e->n, 1), *y = e->n->out[0];
    int64_t inner = a->dims[a->rank - 1];
    int64_t rows = a->rank == 1 ? 1 : a->dims[a->rank - 2];
    int64_t cols = b->rank == 1 ? 1 : b->dims[b->rank - 1];
    int skip = (a->rank > 1) + (b->rank > 1); /* dimensions of y behind the leading ones */
    int64_t count = rows * cols == 0 ? 0 : ir_elements(y) / (rows * cols);
    double *sum = arena_array(e->a, (size_t)cols, sizeof *sum);
    float *out = ir_eval_out(e, 0);
    for (int64_t m = 0; m < count; m++) {
        struct matrix left = {(const float *)ir_eval_in(e, 0) + matrix_offset(a, y, skip, m), inner,
                              1};
        struct matrix right = {(const float *)ir_eval_in(e, 1) + matrix_offset(b, y, skip, m), cols,
                               1};
        for (int64_t i = 0; i < rows; i++) {
            product_row(&left, &right, i, inner, cols, sum);
            for (int64_t j = 0; j < cols; j++) *out++ = (float)sum[j];
        }
    }
    return true;
}

/* --- batch norm --- */

bool ir_eval_batchnorm(const struct ir_eval *e) {
    const struct ir_value *v = ir_in(e->n, 0);
    const float *x = ir_eval_in(e, 0), *scale = ir_eval_in(e, 1), *bias = ir_eval_in(e, 2);
    const float *mean = ir_eval_in(e, 3), *var = ir_eval_in(e, 4);
    float *out = ir_eval_out(e, 0);
    double epsilon = ir_attr_float(e->n, "epsilon");
    int64_t channels = v->dims[1], plane = ir_product(v->rank - 2, v->dims + 2);
    for (int64_t p = 0; p < v->dims[0] * channels; p++) {
        int64_t c = p % channels;
        double factor = (double)scale[c] / sqrt((double)var[c] + epsilon);
        for (int64_t i = 0; i < plane; i++, x++)
            *out++ = (float)(((double)*x - (double)mean[c]) * factor + (double)bias[c]);
    }
    return true;
}

/* --- softmax --- */

static void softmax(const float *x, float *y, int64_t n, int64_t step) {
    double most = -INFINITY, sum = 0;
    for (int64_t i = 0; i < n; i++) most = (double)x[i * step] > most ? (double)x[i * step] : most;
    for (int64_t i = 0; i < n; i++) sum += exp((double)x[i * step] - most);
    for (int64_t i = 0; i < n; i++) y[i * step] = (float)(exp((double)x[i * step] - most) / sum);
}

bool ir_eval_softmax(const struct ir_eval *e) {
    const struct ir_value *v = ir_in(e->n, 0);
    int64_t axis = ir_attr_int(e->n, "axis");
    if (axis < 0) axis += v->rank;
    bool flat = ir_attr_int(e->n, "flat") != 0;
    int64_t outer = ir_product((int)axis, v->dims);
    int64_t inner = flat ? 1 : ir_product(v->rank - (int)axis - 1, v->dims + axis + 1);
    int64_t n = flat ? ir_product(v->rank - (int)axis, v->dims + axis) : v->dims[axis];
    const float *x = ir_eval_in(e, 0);
    float *y = ir_eval_out(e, 0);
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < inner; i++)
            softmax(x + o * n * inner + i, y + o * n * inner + i, n, inner);
    return true;
}
