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

static bool is_false(const struct ir_value *v) {
    return ir_is_const(v) && v->dtype == IR_BOOL && ir_elements(v) == 1 &&
           *(const uint8_t *)v->data == 0;
}

/* The ratio (input 2) is of training; so is the mask, and training_mode (input 3) must be off. */
void fe_hook_dropout(struct fe_node *n) {
    if (n->out_count > 1) diag(n->s->c, fe_mask_output, n->where, n->out[1]);
    if (n->in_count > 2 && n->in[2] && !is_false(n->in[2]))
        diag(n->s->c, fe_training_mode, n->where);
    if (n->in_count > 1) n->in_count = 1;
}
