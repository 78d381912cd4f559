/* Pooling, batch norm, dropout: what the rows of import.def cannot say.
 * Source: ONNX LpPool, GlobalLpPool, BatchNormalization, Dropout, all versions. */
#include "frontend/import.h"

#include <onnx/onnx.pb-c.h>

#include "frontend/diag.h"

#include <math.h>

/* The exponent is a float in version 1. */
void fe_hook_lp(struct fe_node *n) {
    const Onnx__AttributeProto *p = n->s->opset < 2 ? fe_attr(n, "p") : NULL;
    if (!p) return;
    if (p->f >= 1 && p->f <= 64 && p->f == floorf(p->f))
        fe_node_set_int(n, "p", (int64_t)p->f);
    else
        diag(n->s->c, fe_exponent, n->where, (double)p->f);
}

void fe_hook_batchnorm(struct fe_node *n) {
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
