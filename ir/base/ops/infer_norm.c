/* Shape rules of the normalisations: all give the shape of their input. Source: ONNX
 * BatchNormalization 15, InstanceNormalization 22, LayerNormalization 17, RMSNormalization 23,
 * GroupNormalization 21, MeanVarianceNormalization 13, LRN 13. */
#include "base/ops/internal.h"

/* Input 0: floats of at least `least` dimensions. */
static bool want_maps(struct ir_infer *x, int least) {
    const struct ir_value *v = ir_in(x->n, 0);
    if (!ir_want(x, 0, -1, IR_F32)) return false;
    if (v->rank < 0 || v->rank >= least) return ir_same_as_input(x);
    return ir_fail_input(x, 0, arena_printf(x->arena, "%d or more dimensions", least));
}

/* Inputs first…last: one number per channel of input 0. */
static bool want_channels(struct ir_infer *x, int first, int last) {
    const struct ir_value *v = ir_in(x->n, 0);
    for (int i = first; i <= last; i++)
        if (!ir_want(x, i, 1, IR_F32) ||
            !ir_want_dim(x, i, 0, v->rank < 0 ? -1 : v->dims[1], "the channels of input 0"))
            return false;
    return true;
}

bool ir_infer_batchnorm(struct ir_infer *x) {
    if (!want_maps(x, 2) || !want_channels(x, 1, 4)) return false;
    bool training = ir_attr_int(x->n, "training_mode") != 0;
    if (x->n->out_count > 1 && !training)
        return ir_fail_attr(x, "training_mode", "1 where the running mean and variance are used");
    for (int i = 1; i < x->n->out_count; i++) x->out[i] = ir_type_of(ir_in(x->n, 2 + i));
    return true;
}

bool ir_infer_instancenorm(struct ir_infer *x) {
    return want_maps(x, 3) && want_channels(x, 1, 2);
}

bool ir_infer_mvn(struct ir_infer *x) {
    int count;
    unsigned set;
    const struct ir_value *v = ir_in(x->n, 0);
    const int64_t *axes = ir_attr_ints(x->n, "axes", &count);
    if (!want_maps(x, 1)) return false;
    if (v->rank < 0 || ir_axis_set(axes, count, v->rank, &set)) return true;
    return ir_fail_attr(x, "axes", arena_printf(x->arena, "axes of %d, each once", v->rank));
}

bool ir_infer_lrn(struct ir_infer *x) {
    int64_t size = ir_attr_int(x->n, "size");
    if (size < 1 || size > IR_MAX_EXTENT) return ir_fail_attr(x, "size", "1 or more");
    return want_maps(x, 2);
}

/* Scale and bias have one number per channel, or, in version 18, one per group. */
bool ir_infer_groupnorm(struct ir_infer *x) {
    const struct ir_value *v = ir_in(x->n, 0);
    int64_t groups = ir_attr_int(x->n, "num_groups"), channels = v->rank > 1 ? v->dims[1] : -1;
    if (!want_maps(x, 3)) return false;
    if (groups < 1 || (channels >= 0 && channels % groups != 0))
        return ir_fail_attr(x, "num_groups", "a divisor of the number of channels");
    for (int i = 1; i <= 2; i++) {
        if (!ir_want(x, i, 1, IR_F32)) return false;
        int64_t count = ir_elements(ir_in(x->n, i));
        if (count >= 0 && channels >= 0 && count != channels && count != groups)
            return ir_fail_input(x, i, "a number per channel or per group");
    }
    return true;
}

/* Input `index`, where there is one, broadcasts to input 0 without making it larger. */
static bool want_smaller(struct ir_infer *x, int index) {
    struct ir_type t = ir_type_of(ir_in(x->n, 0)), y;
    if (ir_in(x->n, index) == NULL) return true;
    if (!ir_want(x, index, -1, IR_F32)) return false;
    struct ir_type by = ir_type_of(ir_in(x->n, index));
    bool fits = ir_broadcast(&t, &by, &y) && (t.rank < 0 || y.rank <= t.rank);
    for (int i = 0; fits && i < t.rank && y.rank >= 0; i++)
        fits = t.dims[i] < 0 || y.dims[i] < 0 || t.dims[i] == y.dims[i];
    return fits || ir_fail_input(x, index, "a shape that broadcasts to that of input 0");
}

/* Outputs 1 and 2, mean and reciprocal deviation, keep the dimensions before the axis. */
static bool infer_layer(struct ir_infer *x) {
    const struct ir_value *v = ir_in(x->n, 0);
    if (!want_maps(x, 1) || !want_smaller(x, 1) || !want_smaller(x, 2)) return false;
    if (v->rank < 0) return true;
    int axis = ir_axis(ir_attr_int(x->n, "axis"), v->rank);
    if (axis < 0) return ir_fail_attr(x, "axis", arena_printf(x->arena, "an axis of %d", v->rank));
    for (int i = 1; i < x->n->out_count; i++) {
        x->out[i] = ir_type_of(v);
        for (int d = axis; d < v->rank; d++) x->out[i].dims[d] = 1;
    }
    return true;
}

bool ir_infer_layernorm(struct ir_infer *x) {
    return infer_layer(x);
}
bool ir_infer_rmsnorm(struct ir_infer *x) {
    return infer_layer(x);
}
