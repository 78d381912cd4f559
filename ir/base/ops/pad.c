/* Pad and CenterCropPad: shape rules and evaluators, elements of any type. Source: ONNX Pad 25,
 * CenterCropPad 18. */
#include "base/ops/internal.h"

#include <string.h>

enum { PADS = 1, FILL = 2, AXES = 3 };

/* Where along one dimension of size d a padded element comes from; −1: it is the constant. */
typedef int64_t source_fn(int64_t at, int64_t d);

static int64_t from_constant(int64_t at, int64_t d) {
    return at >= 0 && at < d ? at : -1;
}
static int64_t from_edge(int64_t at, int64_t d) {
    return at < 0 ? 0 : at >= d ? d - 1 : at;
}
static int64_t from_reflect(int64_t at, int64_t d) {
    return at < 0 ? -at : at >= d ? 2 * (d - 1) - at : at;
}
static int64_t from_wrap(int64_t at, int64_t d) {
    return (at % d + d) % d;
}

static const struct mode {
    const char *name;
    source_fn *from;
} modes[] = {
    {"constant", from_constant},
    {"edge", from_edge},
    {"reflect", from_reflect},
    {"wrap", from_wrap},
};

/* NULL: another. */
static source_fn *mode_of(const struct ir_node *n) {
    const char *name = ir_attr_string(n, "mode");
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(name, modes[i].name) == 0) return modes[i].from;
    return NULL;
}

/* Pads of all dimensions, those before and then those behind, from the axes that input 3 speaks of.
 * *known: they are in out. False after saying what does not fit. */
static bool pads_of(struct ir_infer *x, int rank, int64_t *out, bool *known) {
    int64_t pads[2 * IR_MAX_RANK], axes[IR_MAX_RANK];
    int count, axis_count;
    bool pads_known, axes_known;
    unsigned set;
    if (ir_in(x->n, PADS) == NULL) return ir_fail_input(x, PADS, "the pads");
    if (!ir_int_input(x, PADS, pads, 2 * IR_MAX_RANK, &count, &pads_known) ||
        !ir_int_input(x, AXES, axes, IR_MAX_RANK, &axis_count, &axes_known))
        return false;
    bool all = ir_in(x->n, AXES) == NULL;
    *known = pads_known && (all || axes_known) && rank >= 0;
    if (!*known) return true;
    if (!all && !ir_axis_set(axes, axis_count, rank, &set))
        return ir_fail_input(x, AXES, arena_printf(x->arena, "axes of %d, each once", rank));
    if (all) axis_count = rank;
    if (count != 2 * axis_count)
        return ir_fail_input(x, PADS, arena_printf(x->arena, "%d pads", 2 * axis_count));
    memset(out, 0, 2 * (size_t)rank * sizeof *out);
    for (int i = 0; i < axis_count; i++) {
        int axis = all ? i : ir_axis(axes[i], rank);
        out[axis] = pads[i];
        out[axis + rank] = pads[axis_count + i];
    }
    return true;
}

/* Nothing to mirror from, no edge, less than nothing left. */
static bool pads_fit(source_fn *const from, int64_t lo, int64_t hi, int64_t d) {
    int64_t most = IR_MAX_EXTENT;
    if (lo > most || hi > most || lo < -d || hi < -d || lo + hi < -d) return false;
    if (from == from_reflect) return lo < d && hi < d;
    return from == from_constant || d > 0 || lo + hi == 0;
}

bool ir_infer_pad(struct ir_infer *x) {
    struct ir_type t = ir_type_of(ir_in(x->n, 0));
    const struct ir_value *fill = ir_in(x->n, FILL);
    int64_t pads[2 * IR_MAX_RANK], fills = fill == NULL ? 1 : ir_elements(fill);
    bool known;
    source_fn *from = mode_of(x->n);
    if (from == NULL) return ir_fail_attr(x, "mode", "constant, reflect, edge or wrap");
    if (!pads_of(x, t.rank, pads, &known)) return false;
    if (fill != NULL && (fill->dtype != t.dtype || (fills >= 0 && fills != 1)))
        return ir_fail_input(x, FILL, arena_printf(x->arena, "one %s", ir_dtype_name(t.dtype)));
    x->out[0] = t;
    for (int i = 0; i < t.rank; i++) {
        int64_t *d = &x->out[0].dims[i];
        if (!known || *d < 0) {
            *d = -1;
            continue;
        }
        if (!pads_fit(from, pads[i], pads[t.rank + i], *d))
            return ir_fail_input(
                x, PADS,
                arena_printf(x->arena, "pads that fit dimension %d of %lld", i, (long long)*d));
        *d += pads[i] + pads[t.rank + i];
    }
    return true;
}

/* Output place o along dimension d comes from place o − before[d]. */
static bool copy_moved(const struct ir_eval *e, const int64_t *before, source_fn *from,
                       const void *fill) {
    const struct ir_value *v = ir_in(e->n, 0), *y = e->n->out[0];
    const char *x = ir_eval_in(e, 0);
    size_t size = ir_dtype_size(y->dtype);
    int64_t strides[IR_MAX_RANK], total = ir_elements(y);
    ir_strides_of(v, strides);
    for (int64_t i = 0; i < total; i++) {
        int64_t rest = i, at = 0;
        for (int d = v->rank - 1; d >= 0; d--) {
            int64_t place = from(rest % y->dims[d] - before[d], v->dims[d]);
            rest /= y->dims[d];
            at = place < 0 || at < 0 ? -1 : at + place * strides[d];
        }
        memcpy((char *)ir_eval_out(e, 0) + (size_t)i * size, at < 0 ? fill : x + (size_t)at * size,
               size);
    }
    return true;
}

static const char zeros[8] = {0};

bool ir_eval_pad(const struct ir_eval *e) {
    struct ir_infer x = {.ctx = e->ctx, .arena = e->a, .n = e->n, .values = e->values};
    int64_t pads[2 * IR_MAX_RANK] = {0};
    bool known;
    if (!pads_of(&x, ir_in(e->n, 0)->rank, pads, &known)) return false;
    const void *fill = ir_in(e->n, FILL) == NULL ? zeros : ir_eval_in(e, FILL);
    return copy_moved(e, pads, mode_of(e->n), fill);
}

/* --- center-crop-pad --- */

bool ir_infer_centercroppad(struct ir_infer *x) {
    struct ir_type t = ir_type_of(ir_in(x->n, 0));
    int64_t shape[IR_MAX_RANK];
    int count, axis_count;
    bool known;
    unsigned set;
    const int64_t *axes = ir_attr_ints(x->n, "axes", &axis_count);
    x->out[0] = t;
    if (!ir_int_input(x, 1, shape, IR_MAX_RANK, &count, &known)) return false;
    if (t.rank < 0) return true;
    if (axes == NULL) axis_count = t.rank;
    if (axes != NULL && !ir_axis_set(axes, axis_count, t.rank, &set))
        return ir_fail_attr(x, "axes", arena_printf(x->arena, "axes of %d, each once", t.rank));
    if (known && count != axis_count)
        return ir_fail_input(x, 1, arena_printf(x->arena, "%d sizes", axis_count));
    for (int i = 0; i < axis_count; i++) {
        if (known && (shape[i] < 0 || shape[i] > IR_MAX_ELEMENTS))
            return ir_fail_input(x, 1, "sizes of at least 0");
        x->out[0].dims[axes == NULL ? i : ir_axis(axes[i], t.rank)] = known ? shape[i] : -1;
    }
    return true;
}

/* What is odd is cut off, or added, at the end. */
bool ir_eval_centercroppad(const struct ir_eval *e) {
    const struct ir_value *v = ir_in(e->n, 0), *y = e->n->out[0];
    int64_t before[IR_MAX_RANK] = {0};
    for (int d = 0; d < v->rank; d++) before[d] = (y->dims[d] - v->dims[d]) / 2;
    return copy_moved(e, before, from_constant, zeros);
}
