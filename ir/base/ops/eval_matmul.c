/* Matrix products: of floats with sums in double in a fixed order and one rounding at the end, of
 * integers exact, or wrapped. Source: ONNX Gemm 13, MatMul 13. */
#include "base/ops/internal.h"

#include <string.h>

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

static bool gemm_floats(const struct ir_eval *e) {
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

static bool matmul_floats(const struct ir_eval *e) {
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

/* --- integers --- */

static bool matmul_whole(const struct ir_eval *e) {
    const struct ir_value *a = ir_in(e->n, 0), *b = ir_in(e->n, 1), *y = e->n->out[0];
    int64_t inner = a->dims[a->rank - 1];
    int64_t rows = a->rank == 1 ? 1 : a->dims[a->rank - 2];
    int64_t cols = b->rank == 1 ? 1 : b->dims[b->rank - 1];
    int skip = (a->rank > 1) + (b->rank > 1);
    for (int64_t at = 0; at < ir_elements(y); at++) {
        int64_t m = at / (rows * cols);
        int64_t i = matrix_offset(a, y, skip, m) + at / cols % rows * inner;
        int64_t j = matrix_offset(b, y, skip, m) + at % cols;
        uint64_t sum = 0;
        for (int64_t k = 0; k < inner; k++)
            sum += (uint64_t)ir_load_int(a->dtype, ir_eval_in(e, 0), i + k) *
                   (uint64_t)ir_load_int(b->dtype, ir_eval_in(e, 1), j + k * cols);
        ir_store_int(y->dtype, ir_eval_out(e, 0), at, (int64_t)sum);
    }
    return true;
}

bool ir_eval_matmul(const struct ir_eval *e) {
    return e->n->out[0]->dtype == IR_F32 ? matmul_floats(e) : matmul_whole(e);
}

/* alpha and beta as numbers; sums that they leave alone are exact. */
static bool gemm_whole(const struct ir_eval *e) {
    const struct ir_value *a = ir_in(e->n, 0), *b = ir_in(e->n, 1), *c = ir_in(e->n, 2);
    const struct ir_value *y = e->n->out[0];
    enum ir_dtype t = y->dtype;
    bool ta = ir_attr_int(e->n, "transA") != 0, tb = ir_attr_int(e->n, "transB") != 0;
    double alpha = ir_attr_float(e->n, "alpha"), beta = ir_attr_float(e->n, "beta");
    int64_t inner = a->dims[ta ? 0 : 1], cols = y->dims[1], steps[2] = {0, 0};
    int64_t row = ta ? 1 : a->dims[1], next = ta ? a->dims[1] : 1;
    if (c != NULL) ir_broadcast_steps(c, y, steps);
    for (int64_t at = 0; at < ir_elements(y); at++) {
        int64_t i = at / cols, j = at % cols;
        uint64_t sum = 0;
        for (int64_t k = 0; k < inner; k++)
            sum += (uint64_t)ir_load_int(t, ir_eval_in(e, 0), i * row + k * next) *
                   (uint64_t)ir_load_int(t, ir_eval_in(e, 1),
                                         tb ? j * b->dims[1] + k : k * b->dims[1] + j);
        int64_t more =
            c == NULL ? 0 : ir_load_int(t, ir_eval_in(e, 2), i * steps[0] + j * steps[1]);
        if (alpha == 1 && beta == 1)
            ir_store_int(t, ir_eval_out(e, 0), at, (int64_t)(sum + (uint64_t)more));
        else
            ir_store_real(t, ir_eval_out(e, 0), at,
                          alpha * (double)(int64_t)sum + beta * (double)more);
    }
    return true;
}

bool ir_eval_gemm(const struct ir_eval *e) {
    return e->n->out[0]->dtype == IR_F32 ? gemm_floats(e) : gemm_whole(e);
}
