/* The oracle's driver: nodes in order, buffers of values, liveness. What operators compute stands
 * in eval_*.c. */
#include "ir/internal.h"

#include <string.h>

static ir_eval_fn *const rules[IR_OP_COUNT] = {
#define IR_OP(name, ...)       [IR_OP_##name] = ir_eval_##name,
#define IR_FUNCTION(name, ...) [IR_OP_##name] = ir_eval_function,
#include "ir/ops.def"
#undef IR_OP
};

const void *ir_eval_in(const struct ir_eval *e, int i) {
    const struct ir_value *v = ir_in(e->n, i);
    if (v == NULL) return NULL;
    return ir_is_const(v) ? v->data : e->values[v->id].data;
}

void *ir_eval_out(const struct ir_eval *e, int i) {
    return e->values[e->n->out[i]->id].data;
}

bool ir_eval_fail(const struct ir_eval *e, const char *why) {
    diag(e->ctx, ir_eval_failed, ir_node_where(e->a, e->n), why);
    return false;
}

static size_t bytes_of(const struct ir_value *v) {
    return (size_t)ir_elements(v) * ir_dtype_size(v->dtype);
}

/* Inputs have data, outputs a shape. */
static bool check_ready(const struct ir_eval *e) {
    for (int i = 0; i < e->n->in_count; i++) {
        const struct ir_value *v = e->n->in[i];
        if (v == NULL || (ir_eval_in(e, i) != NULL && ir_elements(v) >= 0)) continue;
        return ir_eval_fail(
            e, arena_printf(e->a, "input %%%s has no data or no known shape", v->name));
    }
    for (int i = 0; i < e->n->out_count; i++) {
        const struct ir_value *v = e->n->out[i];
        if (ir_elements(v) >= 0) continue;
        return ir_eval_fail(e, arena_printf(e->a, "the shape of output %%%s, %s, is not known",
                                            v->name, ir_type_text(e->a, v)));
    }
    return true;
}

/* The verifier could not look into shapes, axes and pads that are computed; here their numbers are
 * known, and what they say has to be what the outputs are declared to be. */
static bool check_types(const struct ir_eval *e) {
    struct ir_type types[IR_MAX_OUTPUTS];
    if (!ir_infer_types(e->g, e->n, e->values, types)) return false;
    for (int i = 0; i < e->n->out_count; i++) {
        const struct ir_value *v = e->n->out[i];
        if (ir_type_agrees(v, &types[i])) continue;
        struct ir_value follows = {.dtype = types[i].dtype, .rank = types[i].rank};
        memcpy(follows.dims, types[i].dims, sizeof follows.dims);
        diag(e->ctx, ir_type_differs, ir_node_where(e->a, e->n), v->name, ir_type_text(e->a, v),
             ir_type_text(e->a, &follows));
        return false;
    }
    return true;
}

bool ir_eval_node(struct ir_graph *g, struct arena *a, const struct ir_node *n,
                  struct ir_tensor *values) {
    struct ctx *c = arena_ctx(a);
    struct ir_graph seen = *g;
    struct ir_eval e = {.ctx = c, .a = arena_new(c), .g = &seen, .n = n, .values = values};
    seen.ctx = c;
    seen.arena = e.a;
    bool ok = check_ready(&e) && check_types(&e);
    for (int i = 0; ok && i < n->out_count; i++) {
        struct ir_tensor *t = &values[n->out[i]->id];
        if (t->data == NULL) t->data = arena_alloc(a, bytes_of(n->out[i]));
    }
    ok = ok && rules[n->op](&e);
    arena_free(e.a);
    return ok;
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

struct buffer {
    void *data;
    size_t size;
};

/* Buffers whose values nobody needs any more. */
struct pool {
    struct buffer *free;
    int count;
};

static void *pool_take(struct pool *p, struct arena *a, size_t size) {
    int best = -1;
    for (int i = 0; i < p->count; i++)
        if (p->free[i].size >= size && (best < 0 || p->free[i].size < p->free[best].size)) best = i;
    if (best < 0) return arena_alloc(a, size);
    void *data = p->free[best].data;
    p->free[best] = p->free[--p->count];
    return data;
}

struct observed {
    struct ir_graph *g;
    struct arena *a;
    struct ir_tensor *values;
    int *uses;    /* by value id: nodes that still read it; outputs of the graph have one more */
    size_t *size; /* by value id: bytes of the buffer that it owns; 0: none */
    struct pool pool;
};

static void count_uses(struct observed *o) {
    for (const struct ir_node *n = o->g->first; n != NULL; n = n->next)
        for (int i = 0; i < n->in_count; i++)
            if (n->in[i] != NULL) o->uses[n->in[i]->id]++;
    for (int i = 0; i < o->g->output_count; i++) o->uses[o->g->outputs[i]->id]++;
}

static void release(struct observed *o, int id) {
    if (o->uses[id] > 0 || o->size[id] == 0) return;
    o->pool.free[o->pool.count++] = (struct buffer){o->values[id].data, o->size[id]};
    o->size[id] = 0;
    o->values[id].data = NULL;
}

static bool run_observed(struct observed *o, ir_observe_fn *observe, void *user) {
    for (const struct ir_node *n = o->g->first; n != NULL; n = n->next) {
        for (int i = 0; i < n->out_count; i++) {
            int id = n->out[i]->id;
            if (ir_elements(n->out[i]) < 0) continue; /* ir_eval_node says it */
            size_t size = bytes_of(n->out[i]);
            o->size[id] = size == 0 ? 1 : size;
            o->values[id].data = pool_take(&o->pool, o->a, o->size[id]);
        }
        if (!ir_eval_node(o->g, o->a, n, o->values)) return false;
        for (int i = 0; i < n->out_count; i++)
            if (observe != NULL) observe(user, n->out[i], o->values[n->out[i]->id].data);
        for (int i = 0; i < n->in_count; i++) {
            if (n->in[i] == NULL) continue;
            o->uses[n->in[i]->id]--;
            release(o, n->in[i]->id);
        }
        for (int i = 0; i < n->out_count; i++) release(o, n->out[i]->id);
    }
    return true;
}

bool ir_eval_observed(struct ir_graph *g, struct arena *a, const void *const *in,
                      ir_observe_fn *observe, void *user, const void **out) {
    size_t count = (size_t)g->value_count;
    struct observed o = {.g = g, .a = a};
    o.values = arena_array(a, count, sizeof *o.values);
    o.uses = arena_array(a, count, sizeof *o.uses);
    o.size = arena_array(a, count, sizeof *o.size);
    o.pool.free = arena_array(a, count, sizeof *o.pool.free);
    count_uses(&o);
    set_inputs(g, in, o.values);
    for (int i = 0; i < g->input_count && observe != NULL; i++) observe(user, g->inputs[i], in[i]);
    if (!run_observed(&o, observe, user)) return false;
    for (int i = 0; i < g->output_count; i++) out[i] = o.values[g->outputs[i]->id].data;
    return true;
}
