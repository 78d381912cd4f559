/* A scale and a shift per output channel go into the weights and the bias of a convolution. */
#include "passes/internal.h"

#include <string.h>

struct ir_node *pass_affine_conv(const struct ir_graph *g, const struct ir_node *n, int index) {
    struct ir_node *conv = n->in[index]->producer;
    if (conv == NULL || conv->op != IR_OP_conv || ir_single_user(g, conv->out[0]) != n) return NULL;
    const struct ir_value *bias = ir_in(conv, 2);
    if (!ir_is_const(conv->in[1]) || (bias != NULL && !ir_is_const(bias))) return NULL;
    return strcmp(ir_attr_string(conv, "act"), "none") == 0 ? conv : NULL;
}

static void scale_weights(struct ir_graph *g, struct arena *a, struct ir_node *conv,
                          const double *factor) {
    const struct ir_value *w = conv->in[1];
    int64_t channels = w->dims[0], count = ir_elements(w);
    double *scaled = pass_const_copy(a, w);
    for (int64_t i = 0; i < count; i++) scaled[i] *= factor[i / (count / channels)];
    pass_const_replace(g, conv, 1, scaled);
}

static void set_bias(struct ir_graph *g, struct arena *a, struct ir_node *conv,
                     const double *factor, const double *shift) {
    int64_t channels = conv->in[1]->dims[0];
    const struct ir_value *old = ir_in(conv, 2);
    double *bias = arena_array(a, (size_t)channels, sizeof *bias);
    for (int64_t o = 0; o < channels; o++)
        bias[o] = (old == NULL ? 0 : pass_const_at(old, o)) * (factor == NULL ? 1 : factor[o]) +
                  (shift == NULL ? 0 : shift[o]);
    if (old != NULL) {
        pass_const_replace(g, conv, 2, bias);
        return;
    }
    const char *name = arena_printf(g->arena, "%s.bias", conv->out[0]->name);
    ir_set_input(g, conv, 2, pass_const_new(g, name, 1, &channels, bias));
}

void pass_affine_apply(struct ir_graph *g, struct ir_node *conv, const double *factor,
                       const double *shift) {
    struct arena *scratch = arena_new(g->ctx);
    if (factor != NULL) scale_weights(g, scratch, conv, factor);
    if (shift != NULL || ir_in(conv, 2) != NULL) set_bias(g, scratch, conv, factor, shift);
    ir_attr_remove(conv, "select"); /* no longer one that only moves pixels */
    arena_free(scratch);
}
