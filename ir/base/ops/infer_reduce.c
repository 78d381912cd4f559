/* Shape rules of the operators that reduce along axes or look along one, with ONNX semantics:
 * eval_reduce.c and eval_axis.c compute them. */
#include "base/ops/internal.h"

#include <string.h>

bool ir_reduced_axes(const struct ir_node *n, const int64_t *axes, int count, int rank,
                     unsigned *set) {
    if (count > 0) return ir_axis_set(axes, count, rank, set);
    *set = ir_attr_int(n, "noop_with_empty_axes") != 0 ? 0 : (1u << rank) - 1;
    return true;
}

/* The shape of t without the axes of a set, or with ones in their place. */
static void without(const struct ir_type *t, unsigned set, bool keep, struct ir_type *y) {
    y->dtype = t->dtype;
    y->rank = 0;
    for (int i = 0; i < t->rank; i++)
        if ((set & 1u << i) == 0)
            y->dims[y->rank++] = t->dims[i];
        else if (keep)
            y->dims[y->rank++] = 1;
}

static bool infer_reduction(struct ir_infer *x, bool logic) {
    struct ir_type t = ir_type_of(ir_in(x->n, 0));
    int64_t axes[IR_MAX_RANK];
    int count;
    bool known, keep = ir_attr_int(x->n, "keepdims") != 0;
    unsigned set;
    if (t.dtype == IR_BOOL && !logic) return ir_fail_input(x, 0, "numbers");
    if (!ir_int_input(x, 1, axes, IR_MAX_RANK, &count, &known)) return false;
    x->out[0].dtype = t.dtype;
    if (t.rank < 0) return true;
    if (ir_in(x->n, 1) != NULL && !known) {
        x->out[0].rank = keep ? t.rank : -1;
        return true;
    }
    if (!ir_reduced_axes(x->n, axes, count, t.rank, &set))
        return ir_fail_input(x, 1, arena_printf(x->arena, "axes of %d, each once", t.rank));
    without(&t, set, keep, &x->out[0]);
    return true;
}

bool ir_infer_reducemax(struct ir_infer *x) {
    return infer_reduction(x, true);
}
bool ir_infer_reducemin(struct ir_infer *x) {
    return infer_reduction(x, true);
}
bool ir_infer_reducesum(struct ir_infer *x) {
    return infer_reduction(x, false);
}
bool ir_infer_reducemean(struct ir_infer *x) {
    return infer_reduction(x, false);
}
bool ir_infer_reduceprod(struct ir_infer *x) {
    return infer_reduction(x, false);
}
bool ir_infer_reducel1(struct ir_infer *x) {
    return infer_reduction(x, false);
}
bool ir_infer_reducel2(struct ir_infer *x) {
    return infer_reduction(x, false);
}
bool ir_infer_reducesumsquare(struct ir_infer *x) {
    return infer_reduction(x, false);
}
bool ir_infer_reducelogsum(struct ir_infer *x) {
    return infer_reduction(x, false);
}
bool ir_infer_reducelogsumexp(struct ir_infer *x) {
    return infer_reduction(x, false);
}

/* --- along one axis --- */

/* The attribute axis of input 0, whose rank is known; false after saying that it has none such. */
static bool axis_of(struct ir_infer *x, int rank, int *axis) {
    *axis = ir_axis(ir_attr_int(x->n, "axis"), rank);
    return *axis >= 0 || ir_fail_attr(x, "axis", arena_printf(x->arena, "an axis of %d", rank));
}

static bool infer_arg(struct ir_infer *x) {
    struct ir_type t = ir_type_of(ir_in(x->n, 0));
    int axis;
    if (t.dtype == IR_BOOL) return ir_fail_input(x, 0, "numbers");
    x->out[0].dtype = IR_I64;
    if (t.rank < 0) return true;
    if (!axis_of(x, t.rank, &axis)) return false;
    without(&t, 1u << axis, ir_attr_int(x->n, "keepdims") != 0, &x->out[0]);
    x->out[0].dtype = IR_I64;
    return true;
}

bool ir_infer_argmax(struct ir_infer *x) {
    return infer_arg(x);
}
bool ir_infer_argmin(struct ir_infer *x) {
    return infer_arg(x);
}

/* As Softmax: flat takes everything from the axis on, and there the axis may be the rank. */
static bool infer_line(struct ir_infer *x) {
    int rank = ir_in(x->n, 0)->rank;
    int64_t axis = ir_attr_int(x->n, "axis");
    struct ir_attr_info info;
    bool flat = ir_attr_schema_find(x->n->op, "flat", &info) && ir_attr_int(x->n, "flat") != 0;
    if (!ir_want(x, 0, -1, IR_F32)) return false;
    if (rank >= 0 && ir_axis(axis, rank) < 0 && !(flat && axis == rank))
        return ir_fail_attr(x, "axis", arena_printf(x->arena, "an axis of %d", rank));
    return ir_same_as_input(x);
}

bool ir_infer_logsoftmax(struct ir_infer *x) {
    return infer_line(x);
}
bool ir_infer_hardmax(struct ir_infer *x) {
    return infer_line(x);
}
bool ir_infer_lpnormalization(struct ir_infer *x) {
    int64_t p = ir_attr_int(x->n, "p");
    return (p == 1 || p == 2 || ir_fail_attr(x, "p", "1 or 2")) && infer_line(x);
}

bool ir_infer_cumsum(struct ir_infer *x) {
    int64_t axis;
    int count, rank = ir_in(x->n, 0)->rank;
    bool known;
    if (ir_in(x->n, 0)->dtype == IR_BOOL) return ir_fail_input(x, 0, "numbers");
    if (!ir_int_input(x, 1, &axis, 1, &count, &known)) return false;
    if (known && rank >= 0 && (count != 1 || ir_axis(axis, rank) < 0))
        return ir_fail_input(x, 1, arena_printf(x->arena, "an axis of %d", rank));
    return ir_same_as_input(x);
}

bool ir_infer_topk(struct ir_infer *x) {
    struct ir_type t = ir_type_of(ir_in(x->n, 0));
    int64_t k;
    int count, axis;
    bool known;
    if (t.dtype == IR_BOOL) return ir_fail_input(x, 0, "numbers");
    if (ir_in(x->n, 1) == NULL) return ir_fail_input(x, 1, "how many are wanted");
    if (!ir_int_input(x, 1, &k, 1, &count, &known)) return false;
    if (t.rank >= 0) {
        if (!axis_of(x, t.rank, &axis)) return false;
        int64_t n = t.dims[axis];
        if (known && (count != 1 || k < 0 || (n >= 0 && k > n)))
            return ir_fail_input(x, 1, "a number of 0 to the size of the axis");
        t.dims[axis] = known ? k : -1;
    }
    for (int i = 0; i < x->n->out_count; i++) x->out[i] = t;
    if (x->n->out_count > 1) x->out[1].dtype = IR_I64;
    return true;
}
