/* Shape rules of the operators that slide a window over one to three dimensions, or take all of
 * them: convolutions and pools. Source: ONNX Conv 22, ConvTranspose 22, MaxPool 22, AveragePool 22,
 * LpPool 22, GlobalAveragePool, GlobalMaxPool, GlobalLpPool 22, MaxUnpool 22. */
#include "base/ops/internal.h"

#include <string.h>

bool ir_infer_act(struct ir_infer *x) {
    const char *act = ir_attr_string(x->n, "act");
    if (strcmp(act, "none") == 0 || strcmp(act, "relu") == 0 || strcmp(act, "clip") == 0)
        return true;
    return ir_fail_attr(x, "act", "none, relu or clip");
}

/* Batch, channels and 1…IR_WINDOW_DIMS dimensions behind them. */
static bool want_space(struct ir_infer *x, int index, enum ir_dtype t) {
    const struct ir_value *v = ir_in(x->n, index);
    if (!ir_want(x, index, -1, t)) return false;
    if (v->rank < 0 || (v->rank > 2 && v->rank <= 2 + IR_WINDOW_DIMS)) return true;
    return ir_fail_input(x, index, arena_printf(x->arena, "3…%d dimensions", 2 + IR_WINDOW_DIMS));
}

static int64_t dim_of(const struct ir_value *v, int i) {
    return v->rank > i ? v->dims[i] : -1;
}

static void space(struct ir_infer *x, enum ir_dtype t, int64_t channels, int rank,
                  const int64_t *size) {
    struct ir_type *y = &x->out[0];
    y->dtype = t;
    y->rank = 2 + rank;
    y->dims[0] = dim_of(ir_in(x->n, 0), 0);
    y->dims[1] = channels;
    memcpy(y->dims + 2, size, (size_t)rank * sizeof *size);
}

void ir_infer_image(struct ir_infer *x, enum ir_dtype t, int64_t channels, const int64_t size[2]) {
    space(x, t, channels, 2, size);
}

/* --- convolutions --- */

static bool check_bias(struct ir_infer *x, int64_t outputs) {
    if (ir_in(x->n, 2) == NULL) return true;
    return ir_want(x, 2, 1, IR_F32) &&
           ir_want_dim(x, 2, 0, outputs, "the number of output channels");
}

/* Input and weights of the same rank; groups that divide dimension 0 of the weights. */
static bool check_weights(struct ir_infer *x, int64_t group, const char *whose) {
    const struct ir_value *v = ir_in(x->n, 0), *k = ir_in(x->n, 1);
    if (!want_space(x, 0, IR_F32) || !want_space(x, 1, IR_F32)) return false;
    if (v->rank >= 0 && k->rank >= 0 && v->rank != k->rank) return ir_want(x, 1, v->rank, IR_F32);
    int64_t first = dim_of(k, 0);
    if (group < 1 || group > IR_MAX_EXTENT || (first >= 0 && first % group != 0))
        return ir_fail_attr(x, "group", whose);
    return dim_of(k, 1) <= IR_MAX_ELEMENTS || ir_fail_input(x, 1, "fewer channels");
}

bool ir_infer_conv(struct ir_infer *x) {
    const struct ir_value *v = ir_in(x->n, 0), *k = ir_in(x->n, 1);
    int64_t group = ir_attr_int(x->n, "group");
    struct ir_window w;
    if (!ir_infer_act(x) || !check_weights(x, group, "a divisor of the number of output channels"))
        return false;
    int64_t outputs = dim_of(k, 0), inputs = dim_of(k, 1);
    if (v->rank >= 0 && !ir_want_dim(x, 0, 1, inputs < 0 ? -1 : inputs * group,
                                     "the weights' channels times group"))
        return false;
    if (!check_bias(x, outputs) || !ir_node_window(x->arena, x->n, &w)) return false;
    space(x, IR_F32, outputs, w.rank, w.out);
    return true;
}

bool ir_infer_convtranspose(struct ir_infer *x) {
    const struct ir_value *k = ir_in(x->n, 1);
    int64_t group = ir_attr_int(x->n, "group");
    struct ir_window w;
    if (!check_weights(x, group, "a divisor of the number of input channels")) return false;
    int64_t outputs = dim_of(k, 1) < 0 ? -1 : dim_of(k, 1) * group;
    if (!ir_want_dim(x, 0, 1, dim_of(k, 0), "the weights' input channels")) return false;
    if (!check_bias(x, outputs) || !ir_transposed_window(x->arena, x->n, &w)) return false;
    space(x, IR_F32, outputs, w.rank, w.out);
    return true;
}

/* --- pools --- */

static bool infer_pool(struct ir_infer *x, enum ir_dtype t) {
    struct ir_window w;
    if (!want_space(x, 0, t) || !ir_node_window(x->arena, x->n, &w)) return false;
    space(x, t, dim_of(ir_in(x->n, 0), 1), w.rank, w.out);
    return true;
}

bool ir_infer_maxpool(struct ir_infer *x) {
    enum ir_dtype t = ir_in(x->n, 0)->dtype;
    if (t != IR_I8 && t != IR_U8) t = IR_F32;
    if (!infer_pool(x, t)) return false;
    x->out[1] = x->out[0];
    x->out[1].dtype = IR_I64;
    return true;
}
bool ir_infer_avgpool(struct ir_infer *x) {
    return infer_pool(x, IR_F32);
}
bool ir_infer_lppool(struct ir_infer *x) {
    if (ir_attr_int(x->n, "p") < 1) return ir_fail_attr(x, "p", "1 or more");
    return infer_pool(x, IR_F32);
}

/* Everything behind the channels becomes one. */
static bool infer_global(struct ir_infer *x) {
    const struct ir_value *v = ir_in(x->n, 0);
    if (!ir_want(x, 0, -1, IR_F32)) return false;
    if (v->rank == 0 || v->rank == 1) return ir_fail_input(x, 0, "2 or more dimensions");
    x->out[0] = ir_type_of(v);
    for (int i = 2; i < v->rank; i++) x->out[0].dims[i] = 1;
    return true;
}

bool ir_infer_gavgpool(struct ir_infer *x) {
    return infer_global(x);
}
bool ir_infer_gmaxpool(struct ir_infer *x) {
    return infer_global(x);
}
bool ir_infer_glppool(struct ir_infer *x) {
    if (ir_attr_int(x->n, "p") < 1) return ir_fail_attr(x, "p", "1 or more");
    return infer_global(x);
}
