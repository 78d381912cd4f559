/* Operators that look along one axis: normalised, ordered, summed up. Source: ONNX LogSoftmax 13,
 * Hardmax 13, LpNormalization 22, CumSum 14, TopK 24. */
#include "base/ops/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The lines of a tensor along an axis: element k of line (o, i) stands at (o·n + k)·inner + i. */
struct lines {
    int64_t outer, n, inner;
};

static struct lines lines_of(const struct ir_value *v, int axis, bool flat) {
    int64_t rest = ir_product(v->rank - axis, v->dims + axis);
    if (flat) return (struct lines){ir_product(axis, v->dims), rest, 1};
    return (struct lines){ir_product(axis, v->dims), v->dims[axis],
                          ir_product(v->rank - axis - 1, v->dims + axis + 1)};
}

/* y[k·step] of n elements from x[k·step]. */
typedef void line_fn(const float *x, float *y, int64_t n, int64_t step, int64_t parameter);

static bool eval_lines(const struct ir_eval *e, line_fn *line, bool flat, int64_t parameter) {
    const struct ir_value *v = ir_in(e->n, 0);
    int64_t axis = ir_attr_int(e->n, "axis");
    if (axis < 0) axis += v->rank;
    struct lines l = lines_of(v, (int)axis, flat);
    const float *x = ir_eval_in(e, 0);
    float *y = ir_eval_out(e, 0);
    for (int64_t o = 0; o < l.outer; o++)
        for (int64_t i = 0; i < l.inner; i++) {
            int64_t from = o * l.n * l.inner + i;
            line(x + from, y + from, l.n, l.inner, parameter);
        }
    return true;
}

static void log_softmax(const float *x, float *y, int64_t n, int64_t step, int64_t unused) {
    double top = -INFINITY, sum = 0;
    (void)unused;
    for (int64_t i = 0; i < n; i++) top = (double)x[i * step] > top ? (double)x[i * step] : top;
    for (int64_t i = 0; i < n; i++) sum += exp((double)x[i * step] - top);
    for (int64_t i = 0; i < n; i++) y[i * step] = (float)((double)x[i * step] - top - log(sum));
}

/* 1 at the first of the largest. */
static void hard_max(const float *x, float *y, int64_t n, int64_t step, int64_t unused) {
    int64_t best = 0;
    (void)unused;
    for (int64_t i = 1; i < n; i++)
        if (x[i * step] > x[best * step]) best = i;
    for (int64_t i = 0; i < n; i++) y[i * step] = i == best;
}

/* A line of zeros stays one. */
static void lp_normalize(const float *x, float *y, int64_t n, int64_t step, int64_t p) {
    double norm = 0;
    for (int64_t i = 0; i < n; i++) {
        double v = fabs((double)x[i * step]);
        norm += p == 1 ? v : v * v;
    }
    if (p == 2) norm = sqrt(norm);
    for (int64_t i = 0; i < n; i++)
        y[i * step] = norm == 0 ? 0 : (float)((double)x[i * step] / norm);
}

bool ir_eval_logsoftmax(const struct ir_eval *e) {
    return eval_lines(e, log_softmax, ir_attr_int(e->n, "flat") != 0, 0);
}
bool ir_eval_hardmax(const struct ir_eval *e) {
    return eval_lines(e, hard_max, ir_attr_int(e->n, "flat") != 0, 0);
}
bool ir_eval_lpnormalization(const struct ir_eval *e) {
    return eval_lines(e, lp_normalize, false, ir_attr_int(e->n, "p"));
}

/* --- sums so far --- */

bool ir_eval_cumsum(const struct ir_eval *e) {
    const struct ir_value *v = ir_in(e->n, 0);
    const void *x = ir_eval_in(e, 0);
    void *y = ir_eval_out(e, 0);
    int64_t axis;
    int count;
    bool reverse = ir_attr_int(e->n, "reverse") != 0, less = ir_attr_int(e->n, "exclusive") != 0;
    if (!ir_eval_ints(e, 1, &axis, 1, &count)) return false;
    struct lines l = lines_of(v, ir_axis(axis, v->rank), false);
    for (int64_t o = 0; o < l.outer * l.inner; o++) {
        int64_t from = o / l.inner * l.n * l.inner + o % l.inner;
        double real = 0;
        uint64_t whole = 0;
        for (int64_t k = 0; k < l.n; k++) {
            int64_t at = from + (reverse ? l.n - 1 - k : k) * l.inner;
            double r = ir_load_float(v->dtype, x, at);
            uint64_t w = (uint64_t)ir_load_int(v->dtype, x, at);
            if (ir_is_float(v->dtype))
                ir_store_float(v->dtype, y, at, less ? real : real + r);
            else
                ir_store_int(v->dtype, y, at, (int64_t)(less ? whole : whole + w));
            real += r;
            whole += w;
        }
    }
    return true;
}

/* --- order --- */

int ir_compare_at(enum ir_dtype t, const void *x, int64_t i, int64_t j) {
    if (ir_is_float(t)) {
        double a = ir_load_float(t, x, i), b = ir_load_float(t, x, j);
        if (isnan(a) || isnan(b)) return isnan(a) - isnan(b);
        return (a > b) - (a < b);
    }
    int64_t a = ir_load_int(t, x, i), b = ir_load_int(t, x, j);
    if (t == IR_U64) return ((uint64_t)a > (uint64_t)b) - ((uint64_t)a < (uint64_t)b);
    return (a > b) - (a < b);
}

struct order {
    enum ir_dtype t;
    const void *x;
    int64_t from, step;
    int sign; /* −1: the largest come first */
};

/* Of two that are equal the one of the smaller index comes first. */
static bool before(const struct order *o, int64_t a, int64_t b) {
    int c = o->sign * ir_compare_at(o->t, o->x, o->from + a * o->step, o->from + b * o->step);
    return c < 0 || (c == 0 && a < b);
}

/* Joins what is in order from i to middle and from there to end. */
static void merge(const struct order *o, const int64_t *from, int64_t i, int64_t middle,
                  int64_t end, int64_t *to) {
    int64_t k = middle;
    for (int64_t at = i; at < end; at++)
        to[at] = i < middle && (k >= end || before(o, from[i], from[k])) ? from[i++] : from[k++];
}

/* The indices of n elements in order, in one of two buffers of n. */
static const int64_t *sorted(const struct order *o, int64_t n, int64_t *from, int64_t *to) {
    for (int64_t i = 0; i < n; i++) from[i] = i;
    for (int64_t run = 1; run < n; run *= 2) {
        for (int64_t i = 0; i < n; i += 2 * run)
            merge(o, from, i, i + run < n ? i + run : n, i + 2 * run < n ? i + 2 * run : n, to);
        int64_t *swap = from;
        from = to;
        to = swap;
    }
    return from;
}

bool ir_eval_topk(const struct ir_eval *e) {
    const struct ir_value *v = ir_in(e->n, 0), *y = e->n->out[0];
    int axis = ir_axis(ir_attr_int(e->n, "axis"), v->rank);
    struct lines l = lines_of(v, axis, false);
    struct order o = {v->dtype, ir_eval_in(e, 0), 0, l.inner,
                      ir_attr_int(e->n, "largest") != 0 ? -1 : 1};
    int64_t k = y->dims[axis], *room = arena_array(e->a, 2 * (size_t)l.n, sizeof *room);
    size_t size = ir_dtype_size(v->dtype);
    char *values = ir_eval_out(e, 0);
    int64_t *indices = e->n->out_count > 1 ? ir_eval_out(e, 1) : NULL;
    for (int64_t line = 0; line < l.outer * l.inner; line++) {
        o.from = line / l.inner * l.n * l.inner + line % l.inner;
        const int64_t *best = sorted(&o, l.n, room, room + l.n);
        for (int64_t i = 0; i < k; i++) {
            int64_t to = (line / l.inner * k + i) * l.inner + line % l.inner;
            memcpy(values + (size_t)to * size,
                   (const char *)o.x + (size_t)(o.from + best[i] * l.inner) * size, size);
            if (indices != NULL) indices[to] = best[i];
        }
    }
    return true;
}
