/* Evaluation of one node: what is checked before its operator runs. What operators compute stands
 * in eval_*.c. */
#include "base/ops/internal.h"

#include <string.h>

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

/* Before, shapes, axes and pads that are computed could not be looked into; here their numbers are
 * known. What they say has to be what the outputs are declared to be, and leave nothing open: the
 * operator writes that much. */
static bool check_types(const struct ir_eval *e, const struct ir_rule *rule) {
    struct ir_type *types = arena_array(e->a, (size_t)e->n->out_count, sizeof *types);
    if (!ir_rule_types(rule, e->a, e->n, e->values, types)) return false;
    for (int i = 0; i < e->n->out_count; i++) {
        const struct ir_value *v = e->n->out[i];
        if (ir_type_is(v, &types[i])) continue;
        struct ir_value follows = {.dtype = types[i].dtype, .rank = types[i].rank};
        memcpy(follows.dims, types[i].dims, sizeof follows.dims);
        diag(e->ctx, ir_type_differs, ir_node_where(e->a, e->n), v->name, ir_type_text(e->a, v),
             ir_type_text(e->a, &follows));
        return false;
    }
    return true;
}

bool ir_rule_eval(const struct ir_rule *rule, struct arena *a, const struct ir_node *n,
                  struct ir_tensor *values) {
    struct ctx *c = arena_ctx(a);
    struct ir_eval e = {.ctx = c, .a = arena_new(c), .n = n, .values = values};
    bool ok = check_ready(&e) && check_types(&e, rule);
    for (int i = 0; ok && i < n->out_count; i++) {
        struct ir_tensor *t = &values[n->out[i]->id];
        if (t->data == NULL) t->data = arena_alloc(a, bytes_of(n->out[i]));
    }
    ok = ok && rule->eval(&e);
    arena_free(e.a);
    return ok;
}

bool ir_op_eval(struct arena *a, const struct ir_node *n, struct ir_tensor *values) {
    return ir_rule_eval(ir_float_rule(n->op), a, n, values);
}
