/* Shape inference of the operators that only move elements, with ONNX semantics. */
#include "base/ops/internal.h"

#include <assert.h>
#include <string.h>

const void *ir_infer_data(const struct ir_infer *x, const struct ir_value *v) {
    return ir_is_const(v) || x->values == NULL ? v->data : x->values[v->id].data;
}

bool ir_known_ints(const struct ir_infer *x, int index, int64_t *out, int max, int *count) {
    const struct ir_value *v = ir_in(x->n, index);
    *count = 0;
    if (v == NULL || ir_infer_data(x, v) == NULL) return false;
    if (!ir_get_ints(v->dtype, ir_infer_data(x, v), ir_elements(v), out, max)) return false;
    *count = (int)ir_elements(v);
    return true;
}

bool ir_int_input(struct ir_infer *x, int index, int64_t *out, int max, int *count, bool *known) {
    const struct ir_value *v = ir_in(x->n, index);
    *known = ir_known_ints(x, index, out, max, count);
    if (v == NULL || *known) return true;
    if (v->dtype != IR_I64 && v->dtype != IR_I32) return ir_fail_input(x, index, "i64 or i32");
    if (ir_infer_data(x, v) == NULL) return true;
    return ir_fail_input(x, index, arena_printf(x->arena, "at most %d integers", max));
}

static struct ir_type input_type(const struct ir_infer *x) {
    return ir_type_of(ir_in(x->n, 0));
}

bool ir_infer_identity(struct ir_infer *x) {
    return ir_same_as_input(x);
}

bool ir_infer_dropout(struct ir_infer *x) {
    x->out[1] = input_type(x);
    x->out[1].dtype = IR_BOOL;
    return ir_same_as_input(x);
}

/* A constant node has become a constant value at import; one that is left is what it says. */
bool ir_infer_constant(struct ir_infer *x) {
    x->out[0] = ir_type_of(x->n->out[0]);
    return true;
}

/* --- slice --- */

static int64_t clamp(int64_t v, int64_t lo, int64_t hi) {
    return v < lo ? lo : v > hi ? hi : v;
}

/* One axis of size d: where the slice starts and how many elements it takes. */
static void slice_axis(int64_t d, int64_t start, int64_t end, int64_t step, struct ir_slice *out,
                       int axis) {
    int64_t last = step < 0 ? d - 1 : d, first = step < 0 ? -1 : 0;
    step = clamp(step, -d - 1, d + 1);
    start = clamp(start < 0 ? start + d : start, step < 0 && d > 0 ? 0 : first, last);
    end = clamp(end < 0 ? end + d : end, first, last);
    if (step < 0 && start > d - 1) start = d - 1;
    int64_t span = step > 0 ? end - start : start - end;
    int64_t stride = step > 0 ? step : -step;
    assert(stride > 0);
    out->start[axis] = start;
    out->step[axis] = step;
    out->count[axis] = span <= 0 ? 0 : (span + stride - 1) / stride;
}

bool ir_slice_resolve(const struct ir_type *x, int n, const int64_t *starts, const int64_t *ends,
                      const int64_t *axes, const int64_t *steps, struct ir_slice *out) {
    unsigned seen = 0;
    for (int i = 0; i < x->rank; i++) {
        out->start[i] = 0;
        out->step[i] = 1;
        out->count[i] = x->dims[i];
    }
    for (int i = 0; i < n; i++) {
        int axis = ir_axis(axes == NULL ? i : axes[i], x->rank);
        int64_t step = steps == NULL ? 1 : steps[i];
        if (axis < 0 || step == 0 || (seen & 1u << axis) != 0) return false;
        seen |= 1u << axis;
        if (x->dims[axis] >= 0) slice_axis(x->dims[axis], starts[i], ends[i], step, out, axis);
    }
    return true;
}

bool ir_infer_slice(struct ir_infer *x) {
    struct ir_type t = input_type(x);
    int64_t lists[4][IR_MAX_RANK];
    int counts[4];
    bool known[4];
    struct ir_slice s;
    for (int i = 0; i < 4; i++) {
        if (!ir_int_input(x, 1 + i, lists[i], IR_MAX_RANK, &counts[i], &known[i])) return false;
        bool given = ir_in(x->n, 1 + i) != NULL;
        if (given && known[0] && known[i] && counts[i] != counts[0])
            return ir_fail_input(x, 1 + i, arena_printf(x->arena, "%d integers", counts[0]));
        known[i] = known[i] || !given;
    }
    x->out[0] = t;
    if (t.rank < 0) return true;
    for (int i = 0; i < t.rank; i++) x->out[0].dims[i] = -1;
    if (!known[0] || !known[1] || !known[2] || !known[3]) return true;
    const int64_t *axes = ir_in(x->n, 3) == NULL ? NULL : lists[2];
    const int64_t *steps = ir_in(x->n, 4) == NULL ? NULL : lists[3];
    if (counts[0] > t.rank || !ir_slice_resolve(&t, counts[0], lists[0], lists[1], axes, steps, &s))
        return ir_fail_input(x, 0, "axes within its dimensions, each once, and steps other than 0");
    memcpy(x->out[0].dims, s.count, sizeof s.count[0] * (size_t)t.rank);
    return true;
}

/* --- concat --- */

static bool any_rank_unknown(const struct ir_infer *x) {
    for (int i = 0; i < x->n->in_count; i++)
        if (ir_in(x->n, i)->rank < 0) return true;
    return false;
}

bool ir_infer_concat_along(struct ir_infer *x, int axis) {
    struct ir_type *y = &x->out[0];
    if (any_rank_unknown(x)) return true;
    *y = input_type(x);
    int64_t total = 0;
    for (int i = 0; i < x->n->in_count; i++) {
        struct ir_type t = ir_type_of(ir_in(x->n, i));
        bool fits = t.dtype == y->dtype && t.rank == y->rank;
        for (int d = 0; d < t.rank && fits; d++) {
            if (d == axis) continue;
            fits = t.dims[d] == y->dims[d] || t.dims[d] < 0 || y->dims[d] < 0;
            if (y->dims[d] < 0) y->dims[d] = t.dims[d];
        }
        if (!fits) {
            const struct ir_value *v = ir_in(x->n, i);
            diag(x->ctx, ir_concat_bad, ir_node_where(x->arena, x->n), i, v->name,
                 ir_type_text(x->arena, v), ir_type_text(x->arena, ir_in(x->n, 0)), axis);
            return false;
        }
        bool unknown = total < 0 || t.dims[axis] < 0 || t.dims[axis] > IR_MAX_ELEMENTS ||
                       total > IR_MAX_ELEMENTS;
        total = unknown ? -1 : total + t.dims[axis];
    }
    y->dims[axis] = total;
    return true;
}

bool ir_infer_concat(struct ir_infer *x) {
    struct ir_type t = input_type(x);
    if (ir_attr_find(x->n, "axis") == NULL) return ir_fail_attr(x, "axis", "an axis");
    x->out[0].dtype = t.dtype;
    if (any_rank_unknown(x)) return true;
    int axis = ir_axis(ir_attr_int(x->n, "axis"), t.rank);
    if (axis < 0) return ir_fail_attr(x, "axis", arena_printf(x->arena, "an axis of %d", t.rank));
    return ir_infer_concat_along(x, axis);
}

/* --- reshape and its kin --- */

/* Puts the size that follows from the number of elements where the shape has −1; false: it does not
 * divide. */
static bool fill_inferred(struct ir_type *y, int hole, int64_t elements) {
    int64_t rest = 1;
    if (hole < 0 || elements < 0) return true;
    for (int i = 0; i < y->rank; i++) {
        if (i == hole) continue;
        if (y->dims[i] < 0) return true;
        if (__builtin_mul_overflow(rest, y->dims[i], &rest)) return false;
    }
    if (rest == 0 || elements % rest != 0) return false;
    y->dims[hole] = elements / rest;
    return true;
}

bool ir_infer_reshape(struct ir_infer *x) {
    struct ir_type t = input_type(x), *y = &x->out[0];
    const struct ir_value *shape = ir_in(x->n, 1);
    int64_t want[IR_MAX_RANK];
    int count, hole = -1;
    bool known, zeros = ir_attr_int(x->n, "allowzero") == 0;
    y->dtype = t.dtype;
    if (!ir_int_input(x, 1, want, IR_MAX_RANK, &count, &known)) return false;
    if (!known) {
        if (shape->rank == 1 && shape->dims[0] <= IR_MAX_RANK) y->rank = (int)shape->dims[0];
        return true;
    }
    y->rank = count;
    for (int i = 0; i < count; i++) {
        bool copy = want[i] == 0 && zeros;
        if (want[i] < -1 || (want[i] == -1 && hole >= 0) || (copy && t.rank >= 0 && i >= t.rank))
            return ir_fail_input(x, 1, "sizes, at most one −1, and 0 only for a dimension to copy");
        if (want[i] == -1) hole = i;
        y->dims[i] = copy ? (t.rank < 0 ? -1 : t.dims[i]) : want[i];
    }
    int64_t elements = ir_product(t.rank, t.dims);
    bool fits = fill_inferred(y, hole, elements);
    int64_t found = ir_product(y->rank, y->dims);
    if (fits && (found < 0 || elements < 0 || found == elements)) return true;
    struct writer text;
    writer_init(&text, x->arena);
    ir_write_shape(&text, y->rank, y->dims);
    diag(x->ctx, ir_reshape_bad, ir_node_where(x->arena, x->n),
         ir_type_text(x->arena, ir_in(x->n, 0)), writer_string(&text));
    return false;
}

bool ir_infer_flatten(struct ir_infer *x) {
    struct ir_type t = input_type(x), *y = &x->out[0];
    int64_t axis = ir_attr_int(x->n, "axis");
    y->dtype = t.dtype;
    y->rank = 2;
    if (t.rank < 0) return true;
    if (axis < -t.rank || axis > t.rank)
        return ir_fail_attr(x, "axis", arena_printf(x->arena, "−%d…%d", t.rank, t.rank));
    int split = (int)(axis < 0 ? axis + t.rank : axis);
    y->dims[0] = ir_product(split, t.dims);
    y->dims[1] = ir_product(t.rank - split, t.dims + split);
    return true;
}

bool ir_infer_transpose(struct ir_infer *x) {
    struct ir_type t = input_type(x), *y = &x->out[0];
    int count;
    unsigned seen = 0;
    const int64_t *perm = ir_attr_ints(x->n, "perm", &count);
    *y = t;
    if (t.rank < 0) return true;
    if (perm != NULL && count != t.rank)
        return ir_fail_attr(x, "perm", arena_printf(x->arena, "%d axes", t.rank));
    for (int i = 0; i < t.rank; i++) {
        int64_t from = perm == NULL ? t.rank - 1 - i : perm[i];
        if (from < 0 || from >= t.rank || (seen & 1u << from) != 0)
            return ir_fail_attr(x, "perm", "each axis once");
        seen |= 1u << from;
        y->dims[i] = t.dims[from];
    }
    return true;
}

bool ir_axis_set(const int64_t *axes, int count, int rank, unsigned *set) {
    *set = 0;
    for (int i = 0; i < count; i++) {
        int axis = ir_axis(axes[i], rank);
        if (axis < 0 || (*set & 1u << axis) != 0) return false;
        *set |= 1u << axis;
    }
    return true;
}

bool ir_infer_squeeze(struct ir_infer *x) {
    struct ir_type t = input_type(x), *y = &x->out[0];
    int64_t axes[IR_MAX_RANK];
    int count;
    bool known;
    unsigned set = 0;
    y->dtype = t.dtype;
    if (!ir_int_input(x, 1, axes, IR_MAX_RANK, &count, &known)) return false;
    if (t.rank < 0 || (ir_in(x->n, 1) != NULL && !known)) return true;
    for (int i = 0; i < t.rank; i++) {
        if (known) break;
        if (t.dims[i] < 0) return true; /* whether it goes away is not known */
        if (t.dims[i] == 1) set |= 1u << i;
    }
    if (known && !ir_axis_set(axes, count, t.rank, &set))
        return ir_fail_input(x, 1, arena_printf(x->arena, "axes of %d, each once", t.rank));
    y->rank = 0;
    for (int i = 0; i < t.rank; i++) {
        bool drop = (set & 1u << i) != 0;
        if (drop && !ir_want_dim(x, 0, i, 1, "because it is squeezed")) return false;
        if (!drop) y->dims[y->rank++] = t.dims[i];
    }
    return true;
}

bool ir_infer_unsqueeze(struct ir_infer *x) {
    struct ir_type t = input_type(x), *y = &x->out[0];
    int64_t axes[IR_MAX_RANK];
    int count;
    bool known;
    unsigned set;
    y->dtype = t.dtype;
    if (!ir_int_input(x, 1, axes, IR_MAX_RANK, &count, &known)) return false;
    if (t.rank < 0 || !known) return true;
    if (t.rank + count > IR_MAX_RANK) {
        diag(x->ctx, ir_rank_large, ir_node_where(x->arena, x->n), t.rank + count, IR_MAX_RANK);
        return false;
    }
    if (!ir_axis_set(axes, count, t.rank + count, &set))
        return ir_fail_input(x, 1, arena_printf(x->arena, "axes of %d, each once", t.rank + count));
    y->rank = t.rank + count;
    for (int i = 0, from = 0; i < y->rank; i++)
        y->dims[i] = (set & 1u << i) != 0 ? 1 : t.dims[from++];
    return true;
}

/* --- shape --- */

bool ir_infer_shape(struct ir_infer *x) {
    struct ir_type t = input_type(x);
    x->out[0].dtype = IR_I64;
    x->out[0].rank = 1;
    if (t.rank < 0) return true;
    int64_t start = ir_attr_int(x->n, "start");
    int64_t end = ir_attr_find(x->n, "end") == NULL ? t.rank : ir_attr_int(x->n, "end");
    start = clamp(start < 0 ? start + t.rank : start, 0, t.rank);
    end = clamp(end < 0 ? end + t.rank : end, 0, t.rank);
    x->out[0].dims[0] = end > start ? end - start : 0;
    return true;
}
