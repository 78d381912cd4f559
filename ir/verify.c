/* The verifier: what every pass may rely on. Structure, names, attributes and shapes here; numbers
 * of quantized values and operators in verify_quant.c. Every fault is said. */
#include "ir/internal.h"

#include <stdlib.h>
#include <string.h>

struct verify {
    struct ir_graph *g;
    struct arena *a; /* scratch */
    const char *stage;
    int faults;
    bool *ready; /* by value id: may be used at this place */
    int *uses;   /* by value id: inputs of nodes found so far that are this value */
};

static const char *place(const struct verify *v, const char *what) {
    if (v->g->file == NULL) return arena_printf(v->a, "after %s: %s", v->stage, what);
    return arena_printf(v->a, "%s: after %s: %s", v->g->file, v->stage, what);
}

static const char *value_place(const struct verify *v, const struct ir_value *x) {
    return place(v, arena_printf(v->a, "value %%%s", x->name));
}

static const char *node_place(const struct verify *v, const struct ir_node *n) {
    return place(v, ir_node_text(v->a, n));
}

/* --- values --- */

static bool type_ok(const struct ir_value *x) {
    if ((int)x->dtype < 0 || x->dtype >= IR_DTYPE_COUNT) return false;
    if (x->rank < -1 || x->rank > IR_MAX_RANK) return false;
    for (int i = 0; i < x->rank; i++)
        if (x->dims[i] < -1) return false;
    return ir_shape_fits(x->rank, x->dims);
}

static void check_value(struct verify *v, const struct ir_value *x) {
    struct ctx *c = v->g->ctx;
    const char *where = value_place(v, x);
    int before = c->errors;
    if (x->name[0] == '\0') diag(c, ir_value_nameless, place(v, "values"), x->id);
    if (!type_ok(x)) {
        diag(c, ir_value_type, where, (long long)IR_MAX_ELEMENTS);
    } else if (ir_is_const(x)) {
        if (ir_elements(x) < 0) diag(c, ir_value_open, where, ir_type_text(v->a, x));
        if ((uintptr_t)x->data % ir_dtype_size(x->dtype) != 0) diag(c, ir_value_align, where);
        if (x->producer != NULL)
            diag(c, ir_value_const_made, where, ir_node_text(v->a, x->producer));
        v->ready[x->id] = true;
    }
    if (type_ok(x)) ir_verify_value_quant(v->g, x, where);
    v->faults += c->errors - before;
}

static int by_name(const void *a, const void *b) {
    const struct ir_value *x = *(const struct ir_value *const *)a;
    const struct ir_value *y = *(const struct ir_value *const *)b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : (x->id > y->id) - (x->id < y->id);
}

static void check_values(struct verify *v) {
    struct ir_graph *g = v->g;
    struct ir_value **sorted = arena_array(v->a, (size_t)g->value_count, sizeof *sorted);
    size_t count = 0;
    for (int i = 0; i < g->value_count; i++) {
        struct ir_value *x = g->values[i];
        if (x == NULL) continue;
        if (x->id != i) {
            diag(g->ctx, ir_value_id, value_place(v, x), x->id, i);
            v->faults++;
            continue;
        }
        check_value(v, x);
        sorted[count++] = x;
    }
    if (count > 1) qsort(sorted, count, sizeof(struct ir_value *), by_name);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(sorted[i - 1]->name, sorted[i]->name) != 0) continue;
        diag(g->ctx, ir_value_same_name, value_place(v, sorted[i]), sorted[i - 1]->id,
             sorted[i]->id);
        v->faults++;
    }
}

static bool registered(const struct verify *v, const struct ir_value *x) {
    return x->id >= 0 && x->id < v->g->value_count && v->g->values[x->id] == x;
}

/* --- nodes --- */

static void check_uses(struct verify *v, const struct ir_node *n) {
    for (int i = 0; i < n->in_count; i++) {
        const struct ir_value *x = n->in[i];
        if (x == NULL) continue;
        bool known = registered(v, x), tracked = n->uses[i].value == x;
        if (known) v->uses[x->id]++;
        if (known && tracked && v->ready[x->id]) continue;
        if (!tracked)
            diag(v->g->ctx, ir_use_untracked, node_place(v, n), i, x->name);
        else if (!known)
            diag(v->g->ctx, ir_use_removed, node_place(v, n), i, x->name);
        else
            diag(v->g->ctx, ir_use_early, node_place(v, n), i, x->name);
        v->faults++;
    }
}

static void check_definitions(struct verify *v, const struct ir_node *n) {
    for (int i = 0; i < n->out_count; i++) {
        const struct ir_value *x = n->out[i];
        const char *name = x == NULL ? "" : x->name;
        bool known = x != NULL && registered(v, x);
        if (known && x->producer == n && !v->ready[x->id]) {
            v->ready[x->id] = true;
            continue;
        }
        const char *fault = "is not a value of the graph";
        if (known && x->producer != n)
            fault = "has another producer";
        else if (known)
            fault = "is defined twice, or an input, or a constant";
        diag(v->g->ctx, ir_output_bad, node_place(v, n), i, name, fault);
        v->faults++;
    }
}

static void check_types(struct verify *v, const struct ir_node *n) {
    struct ir_type *types = arena_array(v->a, (size_t)n->out_count, sizeof *types);
    if (!ir_rule_types(ir_rule(n->op), v->a, n, NULL, types)) {
        v->faults++;
        return;
    }
    for (int i = 0; i < n->out_count; i++) {
        const struct ir_value *x = n->out[i];
        if (ir_type_agrees(x, &types[i])) continue;
        struct ir_value follows = {.dtype = types[i].dtype, .rank = types[i].rank};
        memcpy(follows.dims, types[i].dims, sizeof follows.dims);
        diag(v->g->ctx, ir_type_differs, node_place(v, n), x->name, ir_type_text(v->a, x),
             ir_type_text(v->a, &follows));
        v->faults++;
    }
}

static void check_node(struct verify *v, const struct ir_node *n) {
    int before = v->faults;
    check_uses(v, n);
    check_definitions(v, n);
    if (!ir_check_attrs(v->g->ctx, node_place(v, n), n)) v->faults++;
    if (v->faults != before) return; /* shapes and numbers would only repeat it */
    check_types(v, n);
    if (v->faults != before) return;
    if (!ir_verify_quant(v->g, n, node_place(v, n))) v->faults++;
}

static void check_nodes(struct verify *v) {
    const struct ir_node *prev = NULL;
    for (const struct ir_node *n = v->g->first; n != NULL; prev = n, n = n->next) {
        bool linked = n->prev == prev && (n->next != NULL || v->g->last == n);
        if (!linked || (int)n->op < 0 || n->op >= IR_OP_COUNT) {
            diag(v->g->ctx, ir_list_broken, place(v, "the list of nodes"));
            v->faults++;
            return;
        }
        check_node(v, n);
    }
}

/* --- the graph --- */

static void check_inputs(struct verify *v) {
    struct ir_graph *g = v->g;
    for (int i = 0; i < g->input_count; i++) {
        const struct ir_value *x = g->inputs[i];
        if (!registered(v, x) || v->ready[x->id] || x->producer != NULL) {
            diag(g->ctx, ir_graph_input, value_place(v, x));
            v->faults++;
            continue;
        }
        v->ready[x->id] = true;
    }
}

static void check_outputs(struct verify *v) {
    struct ir_graph *g = v->g;
    int *outputs = arena_array(v->a, (size_t)g->value_count, sizeof *outputs);
    for (int i = 0; i < g->output_count; i++) {
        const struct ir_value *x = g->outputs[i];
        if (registered(v, x)) outputs[x->id]++;
        if (registered(v, x) && v->ready[x->id]) continue;
        diag(g->ctx, ir_graph_output, value_place(v, x));
        v->faults++;
    }
    for (int i = 0; i < g->value_count && v->faults == 0; i++) {
        const struct ir_value *x = g->values[i];
        if (x == NULL || (x->use_count == v->uses[i] && x->output_count == outputs[i])) continue;
        diag(g->ctx, ir_use_counts, value_place(v, x), x->use_count, x->output_count, v->uses[i],
             outputs[i]);
        v->faults++;
    }
}

bool ir_verify(struct ir_graph *g, const char *stage) {
    struct verify v = {.g = g, .a = arena_new(g->ctx), .stage = stage};
    v.ready = arena_array(v.a, (size_t)g->value_count, sizeof *v.ready);
    v.uses = arena_array(v.a, (size_t)g->value_count, sizeof *v.uses);
    check_values(&v);
    check_inputs(&v);
    check_nodes(&v);
    check_outputs(&v);
    arena_free(v.a);
    return v.faults == 0;
}
