/* Pass infer-shapes. Requires nothing. Provides SHAPES. Breaks LIVE: arithmetic that is done
 * leaves constants behind.
 *
 * Infers types and shapes node by node. Shape arithmetic (Shape, Gather, Concat … into Reshape)
 * is evaluated on the way, because the shapes after it depend on its numbers. What stays open is
 * said: network inputs by dimension, and the first value of each chain that is unknown though
 * its inputs are known. */
#include "passes/internal.h"

static bool is_known(const struct ir_value *v) {
    return v == NULL || ir_elements(v) >= 0;
}

static bool are_inputs_known(const struct ir_node *n) {
    for (int i = 0; i < n->in_count; i++)
        if (!is_known(n->in[i])) return false;
    return true;
}

/* Sizes are few; exporters compute some of them in floats (Shape, Cast, Div, Ceil, Cast). */
enum { MOST_SIZES = 64 };

static bool is_foldable_arithmetic(const struct ir_node *n) {
    if (!is_known(n->out[0]) || ir_elements(n->out[0]) > MOST_SIZES) return false;
    if (ir_op_asks_shape(n->op)) return is_known(n->in[0]);
    for (int i = 0; i < n->in_count; i++)
        if (n->in[i] != NULL && !ir_is_const(n->in[i])) return false;
    return true;
}

static bool expect_input(struct ir_graph *g, const struct ir_value *v) {
    bool good = v->rank >= 0;
    if (!good) diag(g->ctx, pass_input_dim, g->file, 0, v->name, ir_type_text(g->arena, v));
    for (int i = 0; i < v->rank; i++) {
        if (v->dims[i] >= 0) continue;
        diag(g->ctx, pass_input_dim, g->file, i, v->name, ir_type_text(g->arena, v));
        good = false;
    }
    return good;
}

/* The computed values that the node reads: where the model can be cut. */
static void say_way_out(struct ir_graph *g, const struct ir_node *n) {
    const char *names = NULL;
    for (int i = 0; i < n->in_count; i++)
        if (n->in[i] != NULL && n->in[i]->producer != NULL)
            names = names == NULL ? n->in[i]->name
                                  : arena_printf(g->arena, "%s,%s", names, n->in[i]->name);
    if (names != NULL) diag(g->ctx, pass_shape_way_out, ir_node_where(g->arena, n), names);
}

/* Only the first of a chain is said: the others follow from it. */
static bool expect_outputs(struct ir_graph *g, const struct ir_node *n) {
    bool good = true;
    for (int i = 0; i < n->out_count; i++) {
        const struct ir_value *v = n->out[i];
        if (is_known(v)) continue;
        good = false;
        if (!are_inputs_known(n)) continue;
        diag(g->ctx, pass_shape_unknown, ir_node_where(g->arena, n), v->name,
             ir_type_text(g->arena, v));
        say_way_out(g, n);
    }
    return good;
}

bool pass_infer_shapes(struct ir_graph *g, const struct pass_options *o) {
    (void)o;
    bool good = true;
    for (struct ir_node *n = g->first, *next; n != NULL; n = next) {
        next = n->next;
        bool inferred = ir_infer_node(g, n);
        good = good && inferred;
        if (inferred && is_foldable_arithmetic(n)) good = pass_fold_node(g, n) && good;
    }
    if (!good) return false; /* what is open now would only repeat it */
    for (int i = 0; i < g->input_count; i++) good = expect_input(g, g->inputs[i]) && good;
    for (const struct ir_node *n = g->first; n != NULL; n = n->next)
        good = expect_outputs(g, n) && good;
    return good;
}
