/* Part of split-transposed and legalize: what works on each pixel alone moves from behind an
 * interleave to its inputs, where a convolution may take it in. */
#include "passes/internal.h"

/* The input of n that varies from pixel to pixel, where all others are constants that do not;
 * −1: there is none, or n does more than that. */
static int pixel_input(const struct ir_graph *g, const struct ir_node *n) {
    bool pair =
        n->op == IR_OP_add || n->op == IR_OP_sub || n->op == IR_OP_mul || n->op == IR_OP_div;
    bool single = n->op == IR_OP_batchnorm || n->op == IR_OP_relu || n->op == IR_OP_clip ||
                  ir_is_function(n->op);
    if ((!pair && !single) || n->out_count != 1) return -1;
    int at = pair && ir_is_const(n->in[0]);
    for (int i = 0; i < n->in_count; i++)
        if (i != at && n->in[i] != NULL && !ir_is_const(n->in[i])) return -1;
    if (single) return at;
    struct arena *scratch = arena_new(g->ctx);
    const struct ir_value *x = n->in[at];
    bool plain = x->rank == 4 && pass_same_shape(x, n->out[0]) &&
                 pass_per_channel(scratch, n->in[1 - at], x->dims[1], 4) != NULL;
    arena_free(scratch);
    return plain ? at : -1;
}

bool pass_is_behind_interleave(const struct ir_graph *g, const struct ir_node *n) {
    int at = pixel_input(g, n);
    if (at < 0) return false;
    const struct ir_node *maker = n->in[at]->producer;
    return maker != NULL && maker->op == IR_OP_interleave && ir_single_user(g, n->in[at]) == n;
}

/* A copy of n on x, before the interleave. */
static struct ir_value *copy_on(struct ir_graph *g, struct ir_node *interleave,
                                const struct ir_node *n, int at, struct ir_value *x) {
    struct ir_value *y = pass_value_like(g, x, x->name);
    struct ir_node *copy = ir_node_new(g, interleave, n->op, n->name, n->in, n->in_count, &y, 1);
    copy->attrs = arena_copy(g->arena, n->attrs, (size_t)n->attr_count * sizeof *n->attrs);
    copy->attr_count = n->attr_count;
    ir_set_input(g, copy, at, x);
    return y;
}

bool pass_sink_apply(struct ir_graph *g, struct ir_node *n) {
    int at = pixel_input(g, n), first_new = g->value_count;
    struct ir_node *interleave = n->in[at]->producer;
    for (int i = 0; i < interleave->in_count; i++) {
        struct ir_value *x = interleave->in[i];
        if (x->id >= first_new) continue; /* stands there more than once */
        struct ir_value *y = copy_on(g, interleave, n, at, x);
        for (int k = i; k < interleave->in_count; k++)
            if (interleave->in[k] == x) ir_set_input(g, interleave, k, y);
    }
    pass_take_output(g, interleave, n);
    return true;
}
