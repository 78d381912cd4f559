/* Reductions over a set of axes, and the index of an extreme along one. Sums in double in the order
 * of the elements, one rounding at the end; sums and products of integers wrap. Source: ONNX
 * ReduceMean 18, ReduceSum 13, ReduceMax 20, ReduceMin 20, ReduceProd 18, ReduceL1 18, ReduceL2 18,
 * ReduceLogSum 18, ReduceLogSumExp 18, ReduceSumSquare 18, ArgMax 13, ArgMin 13. */
#include "base/ops/internal.h"

#include <math.h>
#include <string.h>

/* Dimensions that are walked together. */
struct span {
    int rank;
    int64_t dims[IR_MAX_RANK], steps[IR_MAX_RANK];
};

static void span_add(struct span *s, int64_t dim, int64_t step) {
    s->dims[s->rank] = dim;
    s->steps[s->rank++] = step;
}

/* Where the i-th of its elements stands. */
static int64_t span_at(const struct span *s, int64_t i) {
    int64_t at = 0;
    for (int d = s->rank - 1; d >= 0; d--) {
        at += i % s->dims[d] * s->steps[d];
        i /= s->dims[d];
    }
    return at;
}

/* What stays and what is reduced. False after saying why not. */
static bool split(const struct ir_eval *e, struct span *kept, struct span *gone) {
    const struct ir_value *v = ir_in(e->n, 0);
    int64_t axes[IR_MAX_RANK], strides[IR_MAX_RANK];
    int count;
    unsigned set;
    *kept = *gone = (struct span){0};
    if (!ir_eval_ints(e, 1, axes, IR_MAX_RANK, &count)) return false;
    if (!ir_reduced_axes(e->n, axes, count, v->rank, &set))
        return ir_eval_fail(e, "the axes are not its dimensions, each once");
    ir_strides_of(v, strides);
    for (int i = 0; i < v->rank; i++)
        span_add((set & 1u << i) != 0 ? gone : kept, v->dims[i], strides[i]);
    return true;
}

/* A reduction: y = end(fold(… fold(start, map(x₀)) …), n). */
struct reduction {
    double (*map)(double x);
    const struct ir_binary *fold;
    enum { FROM_ZERO, FROM_ONE, FROM_LEAST, FROM_MOST } start;
    double (*end)(double sum, double n);
    bool shift; /* the largest is subtracted before and added behind: exp does not overflow */
    bool whole; /* integers by the fold's own arithmetic; else by way of double */
};

static double start_of(const struct reduction *r) {
    static const double starts[] = {0, 1, -INFINITY, INFINITY};
    return starts[r->start];
}

static double reduce_real(const struct reduction *r, enum ir_dtype t, const void *x, int64_t from,
                          const struct span *gone) {
    int64_t n = ir_product(gone->rank, gone->dims);
    double acc = start_of(r), top = r->shift ? -INFINITY : 0;
    for (int64_t i = 0; i < n && r->shift; i++)
        top = fmax(top, ir_load_float(t, x, from + span_at(gone, i)));
    if (isinf(top)) top = 0;
    for (int64_t i = 0; i < n; i++) {
        double v = ir_load_float(t, x, from + span_at(gone, i)) - top;
        acc = r->fold->real(acc, r->map == NULL ? v : r->map(v));
    }
    return top + (r->end == NULL ? acc : r->end(acc, (double)n));
}

static int64_t reduce_whole(const struct reduction *r, enum ir_dtype t, const void *x, int64_t from,
                            const struct span *gone) {
    const int64_t starts[] = {0, 1, ir_limit_int(t, INT64_MIN), ir_limit_int(t, INT64_MAX)};
    int64_t n = ir_product(gone->rank, gone->dims), acc = starts[r->start];
    if (n > 0 && r->start >= FROM_LEAST) acc = ir_load_int(t, x, from + span_at(gone, 0));
    for (int64_t i = 0; i < n; i++)
        acc = r->fold->whole(acc, ir_load_int(t, x, from + span_at(gone, i)), t);
    return acc;
}

static bool reduce(const struct ir_eval *e, const char *fold, struct reduction r) {
    enum ir_dtype t = ir_in(e->n, 0)->dtype;
    const void *x = ir_eval_in(e, 0);
    void *y = ir_eval_out(e, 0);
    struct span kept, gone;
    r.fold = ir_binary_by_name(fold);
    if (!split(e, &kept, &gone)) return false;
    int64_t count = ir_elements(e->n->out[0]);
    for (int64_t i = 0; i < count; i++) {
        int64_t from = span_at(&kept, i);
        if (ir_is_float(t))
            ir_store_float(t, y, i, reduce_real(&r, t, x, from, &gone));
        else if (r.whole)
            ir_store_int(t, y, i, reduce_whole(&r, t, x, from, &gone));
        else
            ir_store_int(t, y, i, ir_limit_int(t, ir_whole_of(reduce_real(&r, t, x, from, &gone))));
    }
    return true;
}

static double square(double x) {
    return x * x;
}
static double mean_end(double sum, double n) {
    return sum / n;
}
static double root_end(double sum, double n) {
    (void)n;
    return sqrt(sum);
}
static double log_end(double sum, double n) {
    (void)n;
    return log(sum);
}

bool ir_eval_reducesum(const struct ir_eval *e) {
    return reduce(e, "add", (struct reduction){.whole = true});
}
bool ir_eval_reducemean(const struct ir_eval *e) {
    return reduce(e, "add", (struct reduction){.end = mean_end});
}
bool ir_eval_reducemax(const struct ir_eval *e) {
    return reduce(e, "max", (struct reduction){.start = FROM_LEAST, .whole = true});
}
bool ir_eval_reducemin(const struct ir_eval *e) {
    return reduce(e, "min", (struct reduction){.start = FROM_MOST, .whole = true});
}
bool ir_eval_reduceprod(const struct ir_eval *e) {
    return reduce(e, "mul", (struct reduction){.start = FROM_ONE, .whole = true});
}
bool ir_eval_reducel1(const struct ir_eval *e) {
    return reduce(e, "add", (struct reduction){.map = fabs});
}
bool ir_eval_reducel2(const struct ir_eval *e) {
    return reduce(e, "add", (struct reduction){.map = square, .end = root_end});
}
bool ir_eval_reducesumsquare(const struct ir_eval *e) {
    return reduce(e, "add", (struct reduction){.map = square});
}
bool ir_eval_reducelogsum(const struct ir_eval *e) {
    return reduce(e, "add", (struct reduction){.end = log_end});
}
bool ir_eval_reducelogsumexp(const struct ir_eval *e) {
    return reduce(e, "add", (struct reduction){.map = exp, .end = log_end, .shift = true});
}

/* --- along one axis --- */

/* The first of the extremes, or the last. */
static bool eval_arg(const struct ir_eval *e, int sign) {
    const struct ir_value *v = ir_in(e->n, 0);
    enum ir_dtype t = v->dtype;
    const void *x = ir_eval_in(e, 0);
    int64_t *y = ir_eval_out(e, 0);
    int axis = ir_axis(ir_attr_int(e->n, "axis"), v->rank);
    bool last = ir_attr_int(e->n, "select_last_index") != 0;
    int64_t outer = ir_product(axis, v->dims), n = v->dims[axis];
    int64_t inner = ir_product(v->rank - axis - 1, v->dims + axis + 1);
    if (n == 0 && outer * inner > 0) return ir_eval_fail(e, "the axis has no elements");
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < inner; i++) {
            int64_t from = o * n * inner + i, best = 0;
            for (int64_t k = 1; k < n; k++) {
                int order = ir_compare_at(t, x, from + k * inner, from + best * inner) * sign;
                if (order > 0 || (order == 0 && last)) best = k;
            }
            *y++ = best;
        }
    return true;
}

bool ir_eval_argmax(const struct ir_eval *e) {
    return eval_arg(e, 1);
}
bool ir_eval_argmin(const struct ir_eval *e) {
    return eval_arg(e, -1);
}
