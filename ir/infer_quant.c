/* Shape inference of the quantized operators (docs/numbers.md, ops.def). The element type of an
 * output follows from its own number of bits, which is not a matter of inference; quantization
 * itself is checked in verify_quant.c. */
#include "ir/internal.h"

#include <string.h>

static enum ir_dtype stored_type(const struct ir_value *v) {
    return v->quant.bits == 8 ? IR_I8 : v->quant.bits == 16 ? IR_I16 : v->dtype;
}

static bool want_activation(struct ir_infer *x, int index, int rank) {
    const struct ir_value *v = ir_in(x->n, index);
    bool stored = v->dtype == IR_I8 || v->dtype == IR_I16;
    if (stored && (rank < 0 || v->rank < 0 || v->rank == rank)) return true;
    return ir_fail_input(x, index, "stored integers (i8 or i16) of 4 dimensions");
}

static int64_t channels_of(const struct ir_value *v) {
    return v->rank == 4 ? v->dims[1] : -1;
}

bool ir_infer_quantize(struct ir_infer *x) {
    if (!ir_want(x, 0, -1, IR_F32)) return false;
    ir_same_as_input(x);
    x->out[0].dtype = stored_type(x->n->out[0]);
    return true;
}

bool ir_infer_dequantize(struct ir_infer *x) {
    if (!want_activation(x, 0, -1)) return false;
    ir_same_as_input(x);
    x->out[0].dtype = IR_F32;
    return true;
}

/* A vector of i32 or i16 with an entry per channel. */
static bool want_vector(struct ir_infer *x, int index, enum ir_dtype t, int64_t channels) {
    return ir_want(x, index, 1, t) && ir_want_dim(x, index, 0, channels, "the number of channels");
}

/* Both operands of the same shape, or the second one value per channel. */
static bool want_same_shape(struct ir_infer *x, int first, int second, bool per_channel) {
    const struct ir_value *b = ir_in(x->n, second);
    struct ir_type a = first < 0 ? x->out[0] : ir_type_of(ir_in(x->n, first));
    if (a.rank != 4 || b->rank != 4) return true;
    bool vector = per_channel && b->dims[2] == 1 && b->dims[3] == 1;
    for (int d = 0; d < (vector ? 2 : 4); d++)
        if (!ir_want_dim(x, second, d, a.dims[d], "as in the other operand")) return false;
    return true;
}

bool ir_infer_qconv(struct ir_infer *x) {
    const struct ir_value *k = ir_in(x->n, 1);
    int64_t group = ir_attr_int(x->n, "group");
    struct ir_window w;
    if (!want_activation(x, 0, 4) || !ir_want(x, 1, 4, IR_I16)) return false;
    int64_t outputs = k->rank == 4 ? k->dims[0] : -1, inputs = k->rank == 4 ? k->dims[1] : -1;
    if (group < 1 || group > IR_MAX_EXTENT || (outputs >= 0 && outputs % group != 0))
        return ir_fail_attr(x, "group", "a divisor of the number of output channels");
    if (inputs > IR_MAX_ELEMENTS) return ir_fail_input(x, 1, "fewer channels");
    if (!ir_want_dim(x, 0, 1, inputs < 0 ? -1 : inputs * group,
                     "the weights' channels times group"))
        return false;
    for (int i = 2; i < 5; i++)
        if (!want_vector(x, i, IR_I32, outputs)) return false;
    if (!ir_node_window(x->arena, x->n, &w)) return false;
    ir_infer_image(x, stored_type(x->n->out[0]), outputs, w.out);
    if (ir_in(x->n, 5) != NULL && (!want_activation(x, 5, 4) || !want_same_shape(x, -1, 5, false)))
        return false;
    if (ir_in(x->n, 6) == NULL) return true;
    for (int d = 0; d < 4; d++)
        if (!ir_want_dim(x, 6, d, k->rank == 4 ? k->dims[d] : -1, "as in the first term"))
            return false;
    return ir_want(x, 6, 4, IR_I16);
}

static bool infer_two(struct ir_infer *x) {
    if (!want_activation(x, 0, 4) || !want_activation(x, 1, 4)) return false;
    ir_same_as_input(x);
    x->out[0].dtype = stored_type(x->n->out[0]);
    return want_same_shape(x, 0, 1, true);
}

bool ir_infer_qadd(struct ir_infer *x) {
    return infer_two(x);
}
bool ir_infer_qmul(struct ir_infer *x) {
    return infer_two(x);
}

bool ir_infer_qscale(struct ir_infer *x) {
    if (!want_activation(x, 0, 4)) return false;
    int64_t channels = channels_of(ir_in(x->n, 0));
    if (!want_vector(x, 1, IR_I16, channels) || !want_vector(x, 2, IR_I32, channels) ||
        !want_vector(x, 3, IR_I32, channels))
        return false;
    ir_same_as_input(x);
    x->out[0].dtype = stored_type(x->n->out[0]);
    return true;
}

bool ir_infer_qprelu(struct ir_infer *x) {
    if (!want_activation(x, 0, 4)) return false;
    int64_t channels = channels_of(ir_in(x->n, 0));
    if (!want_vector(x, 1, IR_I16, channels) || !want_vector(x, 2, IR_I32, channels)) return false;
    ir_same_as_input(x);
    x->out[0].dtype = stored_type(x->n->out[0]);
    return true;
}

static bool infer_qpool(struct ir_infer *x) {
    struct ir_window w;
    if (!want_activation(x, 0, 4) || !ir_node_window(x->arena, x->n, &w)) return false;
    ir_infer_image(x, stored_type(x->n->out[0]), channels_of(ir_in(x->n, 0)), w.out);
    return true;
}

bool ir_infer_qmaxpool(struct ir_infer *x) {
    return infer_qpool(x);
}
bool ir_infer_qavgpool(struct ir_infer *x) {
    return infer_qpool(x);
}

bool ir_infer_qlut(struct ir_infer *x) {
    if (!want_activation(x, 0, -1) || !ir_want(x, 1, 1, IR_I16) ||
        !ir_want_dim(x, 1, 0, 257, "an entry per step and one behind"))
        return false;
    ir_same_as_input(x);
    x->out[0].dtype = stored_type(x->n->out[0]);
    return true;
}

/* Reads one of the pairs of qcopy; at most one of the two attributes may differ from 1. */
static bool pair(struct ir_infer *x, const char *name, int64_t out[2]) {
    int count;
    const int64_t *list = ir_attr_ints(x->n, name, &count);
    bool ok = count == 2;
    for (int i = 0; i < 2 && ok; i++) ok = list[i] >= 1 && list[i] <= IR_MAX_EXTENT;
    if (!ok) {
        ir_fail_attr(x, name, "two integers of 1 or more");
        return false;
    }
    for (int i = 0; i < 2; i++) out[i] = list[i];
    return true;
}

bool ir_infer_qcopy(struct ir_infer *x) {
    const struct ir_value *v = ir_in(x->n, 0);
    int64_t step[2], repeat[2], size[2] = {-1, -1};
    if (!want_activation(x, 0, 4) || !pair(x, "step", step) || !pair(x, "repeat", repeat))
        return false;
    for (int i = 0; i < 2; i++) {
        if (step[i] > 1 && repeat[i] > 1) return ir_fail_attr(x, "repeat", "1 where step is not 1");
        if (v->rank == 4 && v->dims[2 + i] >= 0 && v->dims[2 + i] <= IR_MAX_ELEMENTS)
            size[i] = (v->dims[2 + i] + step[i] - 1) / step[i] * repeat[i];
    }
    ir_infer_image(x, stored_type(x->n->out[0]), channels_of(v), size);
    return true;
}

bool ir_infer_qconcat(struct ir_infer *x) {
    x->out[0].dtype = ir_in(x->n, 0)->dtype;
    for (int i = 0; i < x->n->in_count; i++)
        if (!ir_want(x, i, 4, x->out[0].dtype)) return false;
    return ir_infer_concat_along(x, 1);
}

bool ir_infer_qinterleave(struct ir_infer *x) {
    for (int i = 0; i < x->n->in_count; i++)
        if (!want_activation(x, i, 4)) return false;
    return ir_infer_interleave(x);
}
