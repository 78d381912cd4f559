/* The oracle's float operators that add up: convolution, matrix products, batch norm, pooling,
 * softmax. NCHW, sums in double in a fixed order (channel, kernel row, kernel column), one rounding
 * to float at the end. Source: ONNX Conv 11, Gemm 13, MatMul 13, BatchNormalization 15, MaxPool 12,
 * AveragePool 11, Softmax 13. */
#include "ir/internal.h"

#include <math.h>
#include <string.h>

bool ir_eval_constant(const struct ir_eval *e) {
    return ir_eval_fail(e,
                        "a constant node has no value of its own; the importer turns it into one");
}

/* --- convolution --- */

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

static float activate(double x, struct ir_activation a) {
    x = x < a.min ? a.min : x;
    return (float)(x > a.max ? a.max : x);
}

/* Input planes in double with their padding around them. The columns of a row are sorted by x %
 * stride, so that the pixels one kernel column meets along an output row lie side by side. */
struct planes {
    double *at;
    int64_t rows, cols, stride, span; /* span: columns per remainder */
};

static int64_t column(const struct planes *p, int64_t x) {
    return x % p->stride * p->span + x / p->stride;
}

static struct planes planes_new(const struct ir_eval *e, int64_t channels,
                                const struct ir_window *w) {
    struct planes p = {.rows = w->in[0] + w->before[0] + w->after[0], .stride = w->stride[1]};
    int64_t width = w->in[1] + w->before[1] + w->after[1];
    p.span = (width + p.stride - 1) / p.stride;
    p.cols = p.span * p.stride;
    p.at = arena_array(e->a, (size_t)(channels * p.rows), (size_t)p.cols * sizeof *p.at);
    return p;
}

/* Overwrites the pixels; the padding stays 0. */
static void spread(const struct planes *p, const float *x, int64_t channels,
                   const struct ir_window *w) {
    for (int64_t row = 0; row < channels * w->in[0]; row++) {
        int64_t c = row / w->in[0], y = row % w->in[0] + w->before[0];
        double *to = p->at + (c * p->rows + y) * p->cols;
        for (int64_t i = 0; i < w->in[1]; i++)
            to[column(p, i + w->before[1])] = (double)x[row * w->in[1] + i];
    }
}

static void add_scaled(double *restrict sum, const double *restrict x, double k, int64_t n) {
    for (int64_t i = 0; i < n; i++) sum[i] += k * x[i];
}

/* One output row: all channels of the group, all kernel positions. */
static void convolve_row(const struct planes *p, const struct ir_window *w, const float *k,
                         int64_t channels, int64_t oy, double *sum) {
    for (int64_t c = 0; c < channels; c++)
        for (int64_t ky = 0; ky < w->kernel[0]; ky++) {
            int64_t y = oy * w->stride[0] + ky * w->dilation[0];
            const double *row = p->at + (c * p->rows + y) * p->cols;
            for (int64_t kx = 0; kx < w->kernel[1]; kx++)
                add_scaled(sum, row + column(p, kx * w->dilation[1]), (double)*k++, w->out[1]);
        }
}

bool ir_eval_conv(const struct ir_eval *e) {
    const struct ir_value *x = ir_in(e->n, 0), *k = ir_in(e->n, 1);
    const float *data = ir_eval_in(e, 0), *weights = ir_eval_in(e, 1), *bias = ir_eval_in(e, 2);
    float *out = ir_eval_out(e, 0);
    struct ir_activation act = ir_activation_of(e->n);
    struct ir_window w;
    if (!ir_window_of(e->g, e->n, &w)) return false;
    int64_t group = ir_attr_int(e->n, "group"), channels = k->dims[1], outputs = k->dims[0];
    double *sum = arena_array(e->a, (size_t)w.out[1], sizeof *sum);
    struct planes p = planes_new(e, x->dims[1], &w);
    for (int64_t job = 0; job < x->dims[0] * outputs * w.out[0]; job++) {
        int64_t oy = job % w.out[0], o = job / w.out[0] % outputs, n = job / w.out[0] / outputs;
        if (oy == 0 && o == 0)
            spread(&p, data + n * x->dims[1] * w.in[0] * w.in[1], x->dims[1], &w);
        struct planes mine = p;
        mine.at += o / (outputs / group) * channels * p.rows * p.cols;
        for (int64_t i = 0; i < w.out[1]; i++) sum[i] = bias == NULL ? 0 : (double)bias[o];
        convolve_row(&mine, &w, weights + o * channels * w.kernel[0] * w.kernel[1], channels, oy,
                     sum);
        for (int64_t i = 0; i < w.out[1]; i++) *out++ = activate(sum[i], act);
    }
    return true;
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

/* --- pooling --- */

/* The part of a window inside the input along one dimension, as the first and one past the last
 * kernel index. */
static void inside(const struct ir_window *w, int d, int64_t o, int64_t *first, int64_t *last) {
    int64_t start = o * w->stride[d] - w->before[d];
    *first = 0;
    *last = w->kernel[d];
    while (*first < *last && start + *first * w->dilation[d] < 0) ++*first;
    while (*last > *first && start + (*last - 1) * w->dilation[d] >= w->in[d]) --*last;
}

/* How many rows (columns) of the window lie inside the input or its padding: a window that
 * ceil_mode lets hang over is cut there, as in ONNX Runtime. */
static int64_t with_padding(const struct ir_window *w, int d, int64_t o) {
    int64_t left = w->in[d] + w->after[d] + w->before[d] - o * w->stride[d];
    return left < w->kernel[d] ? left : w->kernel[d];
}

struct pool {
    struct ir_window w;
    bool mean, include_pad;
};

static float pool_at(const struct pool *p, const float *plane, int64_t oy, int64_t ox) {
    const struct ir_window *w = &p->w;
    int64_t y0, y1, x0, x1;
    inside(w, 0, oy, &y0, &y1);
    inside(w, 1, ox, &x0, &x1);
    double sum = 0, most = -INFINITY;
    for (int64_t ky = y0; ky < y1; ky++)
        for (int64_t kx = x0; kx < x1; kx++) {
            int64_t y = oy * w->stride[0] - w->before[0] + ky * w->dilation[0];
            int64_t x = ox * w->stride[1] - w->before[1] + kx * w->dilation[1];
            double v = (double)plane[y * w->in[1] + x];
            sum += v;
            most = v > most ? v : most;
        }
    if (!p->mean) return (float)most;
    int64_t count = (y1 - y0) * (x1 - x0);
    if (p->include_pad) count = with_padding(w, 0, oy) * with_padding(w, 1, ox);
    return (float)(sum / (double)count);
}

static bool eval_pool(const struct ir_eval *e, bool mean) {
    const struct ir_value *v = ir_in(e->n, 0);
    struct pool p = {.mean = mean};
    if (!ir_window_of(e->g, e->n, &p.w)) return false;
    p.include_pad = mean && ir_attr_int(e->n, "count_include_pad") != 0;
    const float *x = ir_eval_in(e, 0);
    float *out = ir_eval_out(e, 0);
    for (int64_t plane = 0; plane < v->dims[0] * v->dims[1]; plane++)
        for (int64_t oy = 0; oy < p.w.out[0]; oy++)
            for (int64_t ox = 0; ox < p.w.out[1]; ox++)
                *out++ = pool_at(&p, x + plane * p.w.in[0] * p.w.in[1], oy, ox);
    return true;
}

bool ir_eval_maxpool(const struct ir_eval *e) {
    return eval_pool(e, false);
}
bool ir_eval_avgpool(const struct ir_eval *e) {
    return eval_pool(e, true);
}

bool ir_eval_gavgpool(const struct ir_eval *e) {
    const struct ir_value *v = ir_in(e->n, 0);
    const float *x = ir_eval_in(e, 0);
    float *out = ir_eval_out(e, 0);
    int64_t plane = v->dims[2] * v->dims[3];
    for (int64_t p = 0; p < v->dims[0] * v->dims[1]; p++) {
        double sum = 0;
        for (int64_t i = 0; i < plane; i++) sum += (double)*x++;
        out[p] = (float)(sum / (double)plane);
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
