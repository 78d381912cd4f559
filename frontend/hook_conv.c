/* Convolution, pooling, batch norm, dropout: what the rows of import.def cannot say.
 * Source: ONNX Conv, MaxPool, AveragePool, BatchNormalization, Dropout, all versions. */
#include "frontend/import.h"

#include "frontend/diag.h"

/* Every operator here has two spatial dimensions: the input is N×C×H×W. */
void fe_hook_2d(struct fe_node *n) {
    const struct ir_value *x = n->in_count > 0 ? n->in[0] : NULL;
    if (!x || x->rank < 0 || x->rank == 4) return;
    char shape[FE_SHAPE_TEXT];
    diag(n->s->c, fe_rank, n->where, 1, fe_shape_text(shape, (size_t)x->rank, x->dims), 4);
}

void fe_hook_maxpool(struct fe_node *n) {
    fe_hook_2d(n);
    if (n->out_count > 1) diag(n->s->c, fe_indices_output, n->where, n->out[1]);
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
