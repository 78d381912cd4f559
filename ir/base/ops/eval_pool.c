/* Pooling over windows of one to three dimensions, and over all of a channel. Sums in double in a
 * fixed order, one rounding to float at the end. Source: ONNX MaxPool 22, AveragePool 22, LpPool 22
 * and the global ones; a window that ceil_mode lets hang over is cut where the padding ends, as in
 * ONNX Runtime. */
#include "base/ops/internal.h"

#include <math.h>

/* Where the windows along one dimension meet the input. */
struct reach {
    int64_t first, last; /* input positions, in steps of the dilation; first ≥ last: none */
    int64_t count;       /* what a mean along this dimension divides by */
};

struct pool {
    const struct ir_eval *e;
    struct ir_window w; /* with all its dimensions */
    const struct reach *reach[IR_WINDOW_DIMS];
    int64_t plane;    /* elements of an input channel */
    int64_t from, to; /* first element of the channel; element of the output */
    double p;         /* of LpPool */
    bool columns;     /* indices count along the first dimension first */
};

/* The part of a window inside the input along one dimension, as the first and one past the last
 * kernel index. */
static void inside(const struct ir_window *w, int d, int64_t o, int64_t *first, int64_t *last) {
    int64_t start = o * w->stride[d] - w->before[d];
    *first = 0;
    *last = w->kernel[d];
    while (*first < *last && start + *first * w->dilation[d] < 0) ++*first;
    while (*last > *first && start + (*last - 1) * w->dilation[d] >= w->in[d]) --*last;
}

/* How many taps of the window lie inside the input or its padding. */
static int64_t with_padding(const struct ir_window *w, int d, int64_t o) {
    int64_t left = w->in[d] + w->after[d] + w->before[d] - o * w->stride[d];
    int64_t taps = (left + w->dilation[d] - 1) / w->dilation[d];
    return taps < w->kernel[d] ? taps : w->kernel[d];
}

static const struct reach *reaches(struct arena *a, const struct ir_window *w, int d,
                                   bool include_pad) {
    struct reach *r = arena_array(a, (size_t)w->out[d], sizeof *r);
    for (int64_t o = 0; o < w->out[d]; o++) {
        int64_t first, last, start = o * w->stride[d] - w->before[d];
        inside(w, d, o, &first, &last);
        r[o].first = start + first * w->dilation[d];
        r[o].last = start + last * w->dilation[d];
        r[o].count = include_pad ? with_padding(w, d, o) : last - first;
    }
    return r;
}

/* The windows of one output element, one per dimension. */
struct place {
    const struct reach *r[IR_WINDOW_DIMS];
};
typedef void window_fn(const struct pool *p, const struct place *at);

/* Calls it for every output element, channel by channel. */
static bool each_window(const struct ir_eval *e, struct pool *p, bool include_pad, window_fn *f) {
    const struct ir_value *v = ir_in(e->n, 0);
    struct ir_window w;
    if (!ir_node_window(e->a, e->n, &w)) return false;
    if (ir_elements(e->n->out[0]) == 0) return true;
    p->e = e;
    p->w = ir_window_lift(&w, IR_WINDOW_DIMS);
    for (int d = 0; d < IR_WINDOW_DIMS; d++) p->reach[d] = reaches(e->a, &p->w, d, include_pad);
    p->plane = ir_product(IR_WINDOW_DIMS, p->w.in);
    struct place at;
    for (int64_t c = 0; c < v->dims[0] * v->dims[1]; c++, p->from += p->plane)
        for (int64_t z = 0; z < p->w.out[0]; z++)
            for (int64_t y = 0; y < p->w.out[1]; y++)
                for (int64_t x = 0; x < p->w.out[2]; x++, p->to++) {
                    at.r[0] = &p->reach[0][z];
                    at.r[1] = &p->reach[1][y];
                    at.r[2] = &p->reach[2][x];
                    f(p, &at);
                }
    return true;
}

/* `i` runs over the elements of the channel that the window covers, in order. */
#define EACH_ELEMENT(p, at, i)                                                                     \
    for (int64_t z_ = (at)->r[0]->first; z_ < (at)->r[0]->last; z_ += (p)->w.dilation[0])          \
        for (int64_t y_ = (at)->r[1]->first; y_ < (at)->r[1]->last; y_ += (p)->w.dilation[1])      \
            for (int64_t row_ = (z_ * (p)->w.in[1] + y_) * (p)->w.in[2],                           \
                         i = row_ + (at)->r[2]->first;                                             \
                 i < row_ + (at)->r[2]->last; i += (p)->w.dilation[2])

/* --- maximum --- */

/* The element's number in the input, in the order that storage_order asks for. */
static int64_t index_of(const struct pool *p, int64_t i) {
    const int64_t *in = p->w.in;
    int64_t x = i % in[2], y = i / in[2] % in[1], z = i / in[2] / in[1];
    return p->from + (p->columns ? z + in[0] * (y + in[1] * x) : i);
}

static void max_at(const struct pool *p, const struct place *at) {
    enum ir_dtype t = p->e->n->out[0]->dtype;
    const void *x = ir_eval_in(p->e, 0);
    int64_t best = -1;
    double most = -INFINITY;
    EACH_ELEMENT(p, at, i) {
        double v = t == IR_F32 ? (double)((const float *)x)[p->from + i]
                               : ir_load_float(t, x, p->from + i);
        if (best >= 0 && !(v > most) && !isnan(most)) continue;
        most = v;
        best = i;
    }
    ir_store_real(t, ir_eval_out(p->e, 0), p->to, most);
    if (p->e->n->out_count > 1)
        ((int64_t *)ir_eval_out(p->e, 1))[p->to] = best < 0 ? -1 : index_of(p, best);
}

bool ir_eval_maxpool(const struct ir_eval *e) {
    struct pool p = {.columns = ir_attr_int(e->n, "storage_order") != 0};
    return each_window(e, &p, false, max_at);
}

/* --- mean and Lp norm --- */

static void mean_at(const struct pool *p, const struct place *at) {
    const float *x = (const float *)ir_eval_in(p->e, 0) + p->from;
    double sum = 0;
    EACH_ELEMENT(p, at, i) sum += (double)x[i];
    int64_t count = at->r[0]->count * at->r[1]->count * at->r[2]->count;
    ((float *)ir_eval_out(p->e, 0))[p->to] = (float)(sum / (double)count);
}

bool ir_eval_avgpool(const struct ir_eval *e) {
    struct pool p = {0};
    return each_window(e, &p, ir_attr_int(e->n, "count_include_pad") != 0, mean_at);
}

static double power(double x, double p) {
    return p == 1 ? fabs(x) : p == 2 ? x * x : pow(fabs(x), p);
}
static double root(double sum, double p) {
    return p == 1 ? sum : p == 2 ? sqrt(sum) : pow(sum, 1 / p);
}

static void norm_at(const struct pool *p, const struct place *at) {
    const float *x = (const float *)ir_eval_in(p->e, 0) + p->from;
    double sum = 0;
    EACH_ELEMENT(p, at, i) sum += power((double)x[i], p->p);
    ((float *)ir_eval_out(p->e, 0))[p->to] = (float)root(sum, p->p);
}

bool ir_eval_lppool(const struct ir_eval *e) {
    struct pool p = {.p = (double)ir_attr_int(e->n, "p")};
    return each_window(e, &p, false, norm_at);
}

/* --- all of a channel --- */

typedef double fold_fn(const float *x, int64_t n, double p);

static bool each_channel(const struct ir_eval *e, fold_fn *f, double p) {
    const struct ir_value *v = ir_in(e->n, 0);
    const float *x = ir_eval_in(e, 0);
    float *out = ir_eval_out(e, 0);
    int64_t plane = ir_product(v->rank - 2, v->dims + 2);
    for (int64_t c = 0; c < v->dims[0] * v->dims[1]; c++)
        out[c] = (float)f(x + c * plane, plane, p);
    return true;
}

static double mean_of(const float *x, int64_t n, double p) {
    double sum = 0;
    (void)p;
    for (int64_t i = 0; i < n; i++) sum += (double)x[i];
    return sum / (double)n;
}
static double max_of(const float *x, int64_t n, double p) {
    double most = -INFINITY;
    (void)p;
    for (int64_t i = 0; i < n; i++) most = (double)x[i] > most ? (double)x[i] : most;
    return most;
}
static double norm_of(const float *x, int64_t n, double p) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += power((double)x[i], p);
    return root(sum, p);
}

bool ir_eval_gavgpool(const struct ir_eval *e) {
    return each_channel(e, mean_of, 0);
}
bool ir_eval_gmaxpool(const struct ir_eval *e) {
    return each_channel(e, max_of, 0);
}
bool ir_eval_glppool(const struct ir_eval *e) {
    return each_channel(e, norm_of, (double)ir_attr_int(e->n, "p"));
}
