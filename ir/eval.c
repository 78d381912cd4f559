/* Evaluation of graphs: nodes in order, buffers of values, liveness. What operators compute stands
 * in eval_quant.c and base/ops. */
#include "ir/internal.h"

#include "base/place.h"

#include <string.h>

static size_t bytes_of(const struct ir_value *v) {
    return (size_t)ir_elements(v) * ir_dtype_size(v->dtype);
}

bool ir_eval_node(struct ir_graph *g, struct arena *a, const struct ir_node *n,
                  struct ir_tensor *values) {
    (void)g;
    return ir_rule_eval(ir_rule(n->op), a, n, values);
}

static void set_inputs(const struct ir_graph *g, const void *const *in, struct ir_tensor *values) {
    for (int i = 0; i < g->input_count; i++) values[g->inputs[i]->id].data = (void *)in[i];
    for (int i = 0; i < g->value_count; i++)
        if (g->values[i] != NULL && ir_is_const(g->values[i]))
            values[i].data = (void *)g->values[i]->data;
}

bool ir_eval(struct ir_graph *g, struct arena *a, const void *const *in, struct ir_tensor *values) {
    memset(values, 0, (size_t)g->value_count * sizeof *values);
    set_inputs(g, in, values);
    for (const struct ir_node *n = g->first; n != NULL; n = n->next)
        if (!ir_eval_node(g, a, n, values)) return false;
    return true;
}

/* --- with liveness --- */

/* What nodes make lies in one block, where values share memory that are not needed together. */
struct block {
    struct placed *items; /* in the order of the nodes and their outputs */
    int count, steps;
    int *item; /* by value id: index of what a node makes, −1: none */
};

static void needed(const struct block *b, const struct ir_value *v, int step) {
    if (v != NULL && b->item[v->id] >= 0) b->items[b->item[v->id]].last = step;
}

/* A value is there from the node that makes it to the last that reads it; outputs of the graph to
 * the end. A shape that is not known takes no room: ir_eval_node says it. */
static struct block lifetimes(const struct ir_graph *g, struct arena *a) {
    struct block b = {.item = arena_array(a, (size_t)g->value_count, sizeof *b.item)};
    b.items = arena_array(a, (size_t)g->value_count, sizeof *b.items);
    for (int i = 0; i < g->value_count; i++) b.item[i] = -1;
    for (const struct ir_node *n = g->first; n != NULL; n = n->next, b.steps++) {
        for (int i = 0; i < n->in_count; i++) needed(&b, n->in[i], b.steps);
        for (int i = 0; i < n->out_count; i++) {
            size_t bytes = ir_elements(n->out[i]) < 0 ? 0 : bytes_of(n->out[i]);
            b.item[n->out[i]->id] = b.count;
            b.items[b.count++] = (struct placed){b.steps, b.steps, bytes, 0};
        }
    }
    for (int i = 0; i < g->output_count; i++) needed(&b, g->outputs[i], b.steps);
    return b;
}

static void make_room(const struct ir_graph *g, struct arena *a, struct ir_tensor *values) {
    struct arena *scratch = arena_new(arena_ctx(a));
    struct block b = lifetimes(g, scratch);
    char *data = arena_alloc(a, (size_t)place_all(arena_ctx(a), b.items, b.count));
    for (int i = 0; i < g->value_count; i++)
        if (b.item[i] >= 0) values[i].data = data + b.items[b.item[i]].at;
    arena_free(scratch);
}

uint64_t ir_eval_room(const struct ir_graph *g) {
    struct arena *scratch = arena_new(g->ctx);
    struct block b = lifetimes(g, scratch);
    uint64_t bytes = place_all(g->ctx, b.items, b.count);
    arena_free(scratch);
    return bytes;
}

bool ir_eval_observed(struct ir_graph *g, struct arena *a, const void *const *in,
                      ir_observe_fn *observe, void *user, const void **out) {
    struct ir_tensor *values = arena_array(a, (size_t)g->value_count, sizeof *values);
    set_inputs(g, in, values);
    make_room(g, a, values);
    for (int i = 0; i < g->input_count && observe != NULL; i++) observe(user, g->inputs[i], in[i]);
    for (const struct ir_node *n = g->first; n != NULL; n = n->next) {
        if (!ir_eval_node(g, a, n, values)) return false;
        for (int i = 0; i < n->out_count && observe != NULL; i++)
            observe(user, n->out[i], values[n->out[i]->id].data);
    }
    for (int i = 0; i < g->output_count; i++) out[i] = values[g->outputs[i]->id].data;
    return true;
}
