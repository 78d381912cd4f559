/* Editing the graph: outputs taken over, nodes bypassed, dead parts swept. */
#include "passes/internal.h"

#include <string.h>

static bool contains(struct ir_value *const *list, int count, const struct ir_value *v) {
    for (int i = 0; i < count; i++)
        if (list[i] == v) return true;
    return false;
}

bool pass_is_input(const struct ir_graph *g, const struct ir_value *v) {
    return contains(g->inputs, g->input_count, v);
}

bool pass_is_output(const struct ir_graph *g, const struct ir_value *v) {
    return contains(g->outputs, g->output_count, v);
}

void pass_take_output(struct ir_graph *g, struct ir_node *to, struct ir_node *from) {
    struct ir_value *old = to->out[0];
    to->out[0] = from->out[0];
    to->out[0]->producer = to;
    ir_node_remove(g, from);
    old->producer = NULL;
    ir_value_remove(g, old);
}

bool pass_can_bypass(const struct ir_graph *g, const struct ir_node *n) {
    const struct ir_value *in = n->in[0];
    return !pass_is_output(g, n->out[0]) || (in->producer != NULL && !pass_is_output(g, in));
}

bool pass_bypass(struct ir_graph *g, struct ir_node *n) {
    struct ir_value *in = n->in[0], *out = n->out[0];
    if (!pass_can_bypass(g, n)) return false;
    if (!pass_is_output(g, out)) {
        ir_replace_uses(g, out, in);
        ir_node_remove(g, n);
        return true;
    }
    struct ir_node *maker = in->producer;
    for (int i = 0; i < maker->out_count; i++)
        if (maker->out[i] == in) maker->out[i] = out;
    out->producer = maker; /* so that it does not go with n */
    in->producer = NULL;
    ir_node_remove(g, n); /* before the uses move: n's own must not become a cycle */
    ir_replace_uses(g, in, out);
    ir_value_remove(g, in);
    return true;
}

/* live[id]: the value is needed for an output of the network, or is an input. */
static bool *live_values(const struct ir_graph *g, struct arena *a) {
    bool *live = arena_array(a, (size_t)g->value_count, sizeof *live);
    for (int i = 0; i < g->output_count; i++) live[g->outputs[i]->id] = true;
    for (const struct ir_node *n = g->last; n != NULL; n = n->prev) {
        bool needed = false;
        for (int i = 0; i < n->out_count; i++) needed = needed || live[n->out[i]->id];
        for (int i = 0; i < n->out_count; i++) live[n->out[i]->id] = needed;
        for (int i = 0; needed && i < n->in_count; i++)
            if (n->in[i] != NULL) live[n->in[i]->id] = true;
    }
    for (int i = 0; i < g->input_count; i++) live[g->inputs[i]->id] = true;
    return live;
}

void pass_sweep(struct ir_graph *g) {
    struct arena *scratch = arena_new(g->ctx);
    const bool *live = live_values(g, scratch);
    for (struct ir_node *n = g->last, *prev; n != NULL; n = prev) {
        prev = n->prev;
        if (n->out_count == 0 || !live[n->out[0]->id]) ir_node_remove(g, n);
    }
    for (int i = 0; i < g->value_count; i++) {
        struct ir_value *v = g->values[i];
        if (v != NULL && v->producer == NULL && !live[i]) ir_value_remove(g, v);
    }
    arena_free(scratch);
}

bool pass_is_swept(const struct ir_graph *g) {
    struct arena *scratch = arena_new(g->ctx);
    const bool *live = live_values(g, scratch);
    bool all = true;
    for (int i = 0; i < g->value_count; i++) all = all && (g->values[i] == NULL || live[i]);
    arena_free(scratch);
    return all;
}

struct ir_value *pass_value_like(struct ir_graph *g, const struct ir_value *v, const char *wanted) {
    return ir_value_new(g, ir_unique_name(g, wanted), v->dtype, v->rank, v->dims);
}

bool pass_same_shape(const struct ir_value *a, const struct ir_value *b) {
    return a->rank == b->rank &&
           (a->rank <= 0 || memcmp(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims) == 0);
}

struct ir_value *pass_emit(struct ir_graph *g, struct ir_node *before, enum ir_op op,
                           const char *name, const char *out, struct ir_value *const *in,
                           int in_count) {
    struct ir_value *v = ir_value_new(g, ir_unique_name(g, out), in[0]->dtype, -1, NULL);
    struct ir_node *n = ir_node_new(g, before, op, name, in, in_count, &v, 1);
    return ir_infer_node(g, n) ? v : NULL;
}
