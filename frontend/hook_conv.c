/* Pooling, batch norm, dropout: what the rows of import.def cannot say.
 * Source: ONNX LpPool, GlobalLpPool, BatchNormalization, Dropout, Gelu, RoiAlign, all versions. */
#include "frontend/import.h"

#include <onnx/onnx.pb-c.h>

#include "frontend/diag.h"

#include <math.h>
#include <string.h>

/* The exponent is a float in version 1. */
void fe_hook_lp(struct fe_node *n) {
    const Onnx__AttributeProto *p = n->s->opset < 2 ? fe_attr(n, "p") : NULL;
    if (!p) return;
    if (p->f >= 1 && p->f <= 64 && p->f == floorf(p->f))
        fe_node_set_int(n, "p", (int64_t)p->f);
    else
        diag(n->s->c, fe_exponent, n->where, (double)p->f);
}

/* What is of training matters in training only. */
void fe_hook_batchnorm(struct fe_node *n) {
    const Onnx__AttributeProto *mode = fe_attr(n, "training_mode"), *keep = fe_attr(n, "momentum");
    if (mode && mode->i) {
        fe_node_set_int(n, "training_mode", 1);
        if (keep) fe_node_set_float(n, "momentum", (double)keep->f);
        return;
    }
    for (int i = 1; i < n->out_count; i++)
        if (n->out[i][0]) diag(n->s->c, fe_training_output, n->where, i + 1, n->out[i]);
}

/* A constant of one element, as a number; otherwise when it is left out or no constant. */
static double one_number(const struct fe_node *n, int index, double otherwise, double open) {
    const struct ir_value *v = n->in_count > index ? n->in[index] : NULL;
    if (!v) return otherwise;
    if (!ir_is_const(v) || ir_elements(v) != 1) return open;
    if (v->dtype == IR_BOOL) return *(const uint8_t *)v->data;
    return v->dtype == IR_F32 ? (double)*(const float *)v->data : open;
}

/* The ratio (input 2) is of training, whose mode (input 3) must be off, unless nothing is dropped.
 * Then the mask is true everywhere. */
void fe_hook_dropout(struct fe_node *n) {
    bool training = one_number(n, 2, 0, 1) != 0;
    if (training && one_number(n, 1, 0.5, 1) != 0) diag(n->s->c, fe_training_mode, n->where);
    if (n->in_count > 1) n->in_count = 1;
}

/* The approximation is a number in the IR: functions of one element have no texts. */
void fe_hook_gelu(struct fe_node *n) {
    const Onnx__AttributeProto *a = fe_attr(n, "approximate");
    if (!a) return;
    if (a->s.len == 4 && memcmp(a->s.data, "tanh", 4) == 0)
        fe_node_set_float(n, "tanh", 1);
    else if (a->s.len != 4 || memcmp(a->s.data, "none", 4) != 0)
        diag(n->s->c, fe_attr_text, n->where, "approximate",
             arena_strndup(n->s->arena, (const char *)a->s.data, a->s.len), "none or tanh");
}

/* Version 10 had one way, which is not the default any more. */
void fe_hook_roialign(struct fe_node *n) {
    if (n->s->opset < 16)
        fe_node_set_string(n, "coordinate_transformation_mode", "output_half_pixel");
}
