/* Building and editing graphs: lists, pointers and counts of uses only, no meaning of
 * operators. */
#include "ir/internal.h"

#include <string.h>

struct ir_graph *ir_graph_new(struct ctx *c, const char *name) {
    struct arena *a = arena_new(c);
    struct ir_graph *g = arena_alloc(a, sizeof *g);
    g->ctx = c;
    g->arena = a;
    g->name = arena_strdup(a, name);
    g->names = ir_names_new(a);
    return g;
}

struct ir_value *ir_value_new(struct ir_graph *g, const char *name, enum ir_dtype t, int rank,
                              const int64_t *dims) {
    struct ir_value *v = arena_alloc(g->arena, sizeof *v);
    if (g->value_count == g->value_room) {
        int room = g->value_room == 0 ? 64 : 2 * g->value_room;
        g->values = arena_grow(g->arena, g->values, (size_t)g->value_room, (size_t)room,
                               sizeof(struct ir_value *));
        g->value_room = room;
    }
    v->id = g->value_count;
    v->name = name == NULL ? ir_unique_name(g, "v") : arena_strdup(g->arena, name);
    v->dtype = t;
    v->rank = rank;
    for (int i = 0; i < IR_MAX_RANK; i++) v->dims[i] = i < rank ? (dims == NULL ? -1 : dims[i]) : 0;
    g->values[g->value_count++] = v;
    ir_names_add(g, v->name);
    return v;
}

void ir_value_rename(struct ir_graph *g, struct ir_value *v, const char *name) {
    const char *copy = arena_strdup(g->arena, name);
    ir_names_drop(g, v->name);
    v->name = copy;
    ir_names_add(g, copy);
}

static void unregister(struct ir_graph *g, struct ir_value *v) {
    if (g->values[v->id] != v) return;
    g->values[v->id] = NULL;
    ir_names_drop(g, v->name);
}

struct ir_value *ir_const_new(struct ir_graph *g, const char *name, enum ir_dtype t, int rank,
                              const int64_t *dims, const void *data) {
    struct ir_value *v = ir_value_new(g, name, t, rank, dims);
    v->data = data != NULL ? data : arena_alloc(g->arena, 0); /* data is what marks a constant */
    return v;
}

static void link_before(struct ir_graph *g, struct ir_node *n, struct ir_node *before) {
    n->next = before;
    n->prev = before != NULL ? before->prev : g->last;
    *(n->prev != NULL ? &n->prev->next : &g->first) = n;
    *(before != NULL ? &before->prev : &g->last) = n;
}

static void link_use(struct ir_node *n, int index) {
    struct ir_use *u = &n->uses[index];
    struct ir_value *v = n->in[index];
    *u = (struct ir_use){.node = n, .index = index, .value = v};
    if (v == NULL) return;
    u->next = v->uses;
    if (v->uses != NULL) v->uses->prev = u;
    v->uses = u;
    v->use_count++;
}

/* From the value that it was linked to, whatever the node says now. */
static void unlink_use(struct ir_use *u) {
    if (u->value == NULL) return;
    *(u->prev != NULL ? &u->prev->next : &u->value->uses) = u->next;
    if (u->next != NULL) u->next->prev = u->prev;
    u->value->use_count--;
    u->value = NULL;
}

struct ir_node *ir_node_new(struct ir_graph *g, struct ir_node *before, enum ir_op op,
                            const char *name, struct ir_value *const *in, int in_count,
                            struct ir_value *const *out, int out_count) {
    struct ir_node *n = arena_alloc(g->arena, sizeof *n);
    n->op = op;
    n->name = name == NULL ? "" : arena_strdup(g->arena, name);
    n->file = g->file;
    n->in = arena_copy(g->arena, in, (size_t)in_count * sizeof *in);
    n->in_count = in_count;
    n->uses = arena_array(g->arena, (size_t)in_count, sizeof *n->uses);
    for (int i = 0; i < in_count; i++) link_use(n, i);
    n->out = arena_copy(g->arena, out, (size_t)out_count * sizeof *out);
    n->out_count = out_count;
    for (int i = 0; i < out_count; i++) out[i]->producer = n;
    link_before(g, n, before);
    return n;
}

void ir_node_remove(struct ir_graph *g, struct ir_node *n) {
    *(n->prev != NULL ? &n->prev->next : &g->first) = n->next;
    *(n->next != NULL ? &n->next->prev : &g->last) = n->prev;
    n->prev = n->next = NULL;
    for (int i = 0; i < n->in_count; i++) unlink_use(&n->uses[i]);
    for (int i = 0; i < n->out_count; i++) {
        if (n->out[i]->producer != n) continue;
        n->out[i]->producer = NULL;
        unregister(g, n->out[i]);
    }
}

void ir_value_remove(struct ir_graph *g, struct ir_value *v) {
    unregister(g, v);
    int kept = 0;
    for (int i = 0; i < g->input_count; i++)
        if (g->inputs[i] != v) g->inputs[kept++] = g->inputs[i];
    g->input_count = kept;
}

/* The room of a list is the power of two that holds it, so that its count says when it is full. */
static void append(struct ir_graph *g, struct ir_value ***list, int *count, struct ir_value *v) {
    size_t old = (size_t)*count;
    if ((old & (old - 1)) == 0)
        *list = arena_grow(g->arena, *list, old, old == 0 ? 1 : 2 * old, sizeof **list);
    (*list)[old] = v;
    ++*count;
}

void ir_add_input(struct ir_graph *g, struct ir_value *v) {
    append(g, &g->inputs, &g->input_count, v);
}

void ir_add_output(struct ir_graph *g, struct ir_value *v) {
    append(g, &g->outputs, &g->output_count, v);
    v->output_count++;
}

void ir_set_output(struct ir_graph *g, int index, struct ir_value *v) {
    g->outputs[index]->output_count--;
    g->outputs[index] = v;
    v->output_count++;
}

static void grow_inputs(struct ir_graph *g, struct ir_node *n, int count) {
    size_t old = (size_t)n->in_count;
    for (int i = 0; i < n->in_count; i++) unlink_use(&n->uses[i]);
    n->in = arena_grow(g->arena, n->in, old, (size_t)count, sizeof(struct ir_value *));
    n->uses = arena_array(g->arena, (size_t)count, sizeof *n->uses);
    n->in_count = count;
    for (int i = 0; i < count; i++) link_use(n, i);
}

void ir_set_input(struct ir_graph *g, struct ir_node *n, int index, struct ir_value *v) {
    if (n->in_count <= index) grow_inputs(g, n, index + 1);
    unlink_use(&n->uses[index]);
    n->in[index] = v;
    link_use(n, index);
}

void ir_replace_uses(struct ir_graph *g, struct ir_value *from, struct ir_value *to) {
    if (from == to) return;
    if (to->range.lo == to->range.hi && to->data == NULL) to->range = from->range;
    while (from->uses != NULL) ir_set_input(g, from->uses->node, from->uses->index, to);
    for (int i = 0; from->output_count > 0 && i < g->output_count; i++)
        if (g->outputs[i] == from) ir_set_output(g, i, to);
}

int ir_use_count(const struct ir_graph *g, const struct ir_value *v) {
    (void)g;
    return v->use_count + v->output_count;
}

struct ir_node *ir_single_user(const struct ir_graph *g, const struct ir_value *v) {
    return ir_use_count(g, v) == 1 && v->uses != NULL ? v->uses->node : NULL;
}

/* --- attributes --- */

/* The attribute of that name, made if it is not there; its value is cleared. */
static struct ir_attr *slot(struct ir_graph *g, struct ir_node *n, const char *name,
                            enum ir_attr_kind kind) {
    struct ir_attr *a = (struct ir_attr *)ir_attr_find(n, name);
    if (a == NULL) {
        size_t old = (size_t)n->attr_count;
        n->attrs = arena_grow(g->arena, n->attrs, old, old + 1, sizeof *n->attrs);
        n->attr_count++;
        a = &n->attrs[old];
        name = arena_strdup(g->arena, name);
    } else {
        name = a->name;
    }
    *a = (struct ir_attr){.name = name, .kind = kind};
    return a;
}

void ir_set_int(struct ir_graph *g, struct ir_node *n, const char *name, int64_t v) {
    slot(g, n, name, IR_ATTR_INT)->i = v;
}

void ir_set_float(struct ir_graph *g, struct ir_node *n, const char *name, double v) {
    slot(g, n, name, IR_ATTR_FLOAT)->f = v;
}

/* The copies are made before the slot is cleared: v may be the old value of the same attribute. */
void ir_set_string(struct ir_graph *g, struct ir_node *n, const char *name, const char *v) {
    const char *copy = arena_strdup(g->arena, v);
    slot(g, n, name, IR_ATTR_STRING)->s = copy;
}

void ir_set_ints(struct ir_graph *g, struct ir_node *n, const char *name, const int64_t *v,
                 int count) {
    const int64_t *copy = arena_copy(g->arena, v, (size_t)count * sizeof *v);
    struct ir_attr *a = slot(g, n, name, IR_ATTR_INTS);
    a->ints = copy;
    a->count = count;
}

void ir_attr_remove(struct ir_node *n, const char *name) {
    struct ir_attr *a = (struct ir_attr *)ir_attr_find(n, name);
    if (a == NULL) return;
    size_t after = (size_t)(n->attrs + n->attr_count - (a + 1));
    memmove(a, a + 1, after * sizeof *a);
    n->attr_count--;
}
