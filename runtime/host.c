/* Running host nodes between device segments, with the operators of base/ops. A value that has a
 * tensor is read from it before the first node that needs it, and written into it by the node that
 * makes it; stored integers are converted by docs/numbers.md on the way. What the nodes work on was
 * placed by the loader (host_load.c); what an operator takes for itself comes from what is left of
 * the limit. Nothing but the session is written to: several may run at once. */
#include "runtime/runtime.h"

struct rt_host_state {
    struct ctx ctx; /* of the run: gone after it */
    const struct rt_image *image;
    struct ir_tensor *values; /* by value id */
};

struct rt_tensor_at rt_tensor_of(const struct rt_image *image, struct rt_device *d, int tensor) {
    const struct svpe_tensor *t = &image->program->tensors[tensor];
    return (struct rt_tensor_at){t, d->ops->region(d, t->region), (int)image->machine.target->lanes,
                                 image->machine.act_bits};
}

struct rt_host_state *rt_host_open(struct arena *a, const struct rt_image *image) {
    const struct rt_host *h = image->host;
    struct rt_host_state *s = arena_alloc(a, sizeof *s);
    uint8_t *room = arena_alloc(a, h->room);
    s->image = image;
    s->values = arena_array(a, (size_t)h->value_count, sizeof *s->values);
    for (int n = 0; n < h->value_count; n++)
        if (!ir_is_const(&h->values[n])) s->values[n].data = room + h->at[n];
    return s;
}

static void read_inputs(struct rt_host_state *s, struct rt_device *d, int node) {
    const struct rt_host *h = s->image->host;
    const struct ir_node *n = &h->nodes[node];
    for (int k = 0; k < n->in_count; k++) {
        const struct ir_value *v = n->in[k];
        if (!v || ir_is_const(v) || h->read_at[v->id] != node) continue;
        int tensor = s->image->program->host_values[v->id].tensor;
        rt_read_values(rt_tensor_of(s->image, d, tensor), s->values[v->id].data);
    }
}

static void write_outputs(struct rt_host_state *s, struct rt_device *d, int node) {
    const struct ir_node *n = &s->image->host->nodes[node];
    for (int k = 0; k < n->out_count; k++) {
        int id = n->out[k]->id, tensor = s->image->program->host_values[id].tensor;
        if (tensor >= 0) rt_write_values(rt_tensor_of(s->image, d, tensor), s->values[id].data);
    }
}

static enum nbq_status run_nodes(struct rt_host_state *s, struct rt_device *d, int segment) {
    const struct svpe_segment *g = &s->image->program->segments[segment];
    if (setjmp(s->ctx.oom)) return NBQ_NO_MEMORY;
    for (int n = g->first_node; n < g->first_node + g->node_count; n++) {
        struct arena *scratch = arena_new(&s->ctx);
        read_inputs(s, d, n);
        if (!ir_op_eval(scratch, &s->image->host->nodes[n], s->values)) return NBQ_BAD_INPUT;
        write_outputs(s, d, n);
        arena_free(scratch);
    }
    return NBQ_OK;
}

enum nbq_status rt_host_run(struct rt_host_state *s, struct rt_device *d, int segment, char *error,
                            size_t room) {
    ctx_init(&s->ctx, "nbq", NULL);
    s->ctx.limit = s->image->host->scratch;
    enum nbq_status status = run_nodes(s, d, segment);
    const struct diag *first = s->ctx.first;
    if (status == NBQ_NO_MEMORY)
        snprintf(error, room, "out of memory");
    else if (status != NBQ_OK)
        snprintf(error, room, "%s: %s", first->where, first->message);
    ctx_free(&s->ctx);
    return status;
}
