/* Building and editing graphs: lists and pointers only, no meaning of operators. */
#include "ir/ir.h"

#include <stdlib.h>
#include <string.h>

struct ir_graph *ir_graph_new(struct ctx *c, const char *name) {
    struct arena *a = arena_new(c);
    struct ir_graph *g = arena_alloc(a, sizeof *g);
    g->ctx = c;
    g->arena = a;
    g->name = arena_strdup(a, name);
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
    return v;
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

struct ir_node *ir_node_new(struct ir_graph *g, struct ir_node *before, enum ir_op op,
                            const char *name, struct ir_value *const *in, int in_count,
                            struct ir_value *const *out, int out_count) {
    struct ir_node *n = arena_alloc(g->arena, sizeof *n);
    n->op = op;
    n->name = name == NULL ? "" : arena_strdup(g->arena, name);
    n->in = arena_copy(g->arena, in, (size_t)in_count * sizeof *in);
    n->in_count = in_count;
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
    for (int i = 0; i < n->out_count; i++) {
        if (n->out[i]->producer != n) continue;
        n->out[i]->producer = NULL;
        g->values[n->out[i]->id] = NULL;
    }
}

void ir_value_remove(struct ir_graph *g, struct ir_value *v) {
    g->values[v->id] = NULL;
    int kept = 0;
    for (int i = 0; i < g->input_count; i++)
        if (g->inputs[i] != v) g->inputs[kept++] = g->inputs[i];
    g->input_count = kept;
}

static void append(struct ir_graph *g, struct ir_value ***list, int *count, struct ir_value *v) {
    size_t old = (size_t)*count;
    *list = arena_grow(g->arena, *list, old, old + 1, sizeof **list);
    (*list)[old] = v;
    ++*count;
}

void ir_add_input(struct ir_graph *g, struct ir_value *v) {
    append(g, &g->inputs, &g->input_count, v);
}

void ir_add_output(struct ir_graph *g, struct ir_value *v) {
    append(g, &g->outputs, &g->output_count, v);
}

void ir_set_input(struct ir_graph *g, struct ir_node *n, int index, struct ir_value *v) {
    while (n->in_count <= index) append(g, &n->in, &n->in_count, NULL);
    n->in[index] = v;
}

static void replace(struct ir_value **list, int count, struct ir_value *from, struct ir_value *to) {
    for (int i = 0; i < count; i++)
        if (list[i] == from) list[i] = to;
}

void ir_replace_uses(struct ir_graph *g, struct ir_value *from, struct ir_value *to) {
    for (struct ir_node *n = g->first; n != NULL; n = n->next)
        replace(n->in, n->in_count, from, to);
    replace(g->outputs, g->output_count, from, to);
}

static int occurrences(struct ir_value *const *list, int count, const struct ir_value *v) {
    int found = 0;
    for (int i = 0; i < count; i++) found += list[i] == v;
    return found;
}

int ir_use_count(const struct ir_graph *g, const struct ir_value *v) {
    int uses = occurrences(g->outputs, g->output_count, v);
    for (const struct ir_node *n = g->first; n != NULL; n = n->next)
        uses += occurrences(n->in, n->in_count, v);
    return uses;
}

struct ir_node *ir_single_user(const struct ir_graph *g, const struct ir_value *v) {
    struct ir_node *user = NULL;
    if (occurrences(g->outputs, g->output_count, v) > 0) return NULL;
    for (struct ir_node *n = g->first; n != NULL; n = n->next) {
        int uses = occurrences(n->in, n->in_count, v);
        if (uses > 1 || (uses == 1 && user != NULL)) return NULL;
        if (uses == 1) user = n;
    }
    return user;
}

/* The number k of a name "WANTED_k", 0 for WANTED itself, −1 for any other name. */
static long suffix_of(const char *name, const char *wanted, size_t length) {
    if (strncmp(name, wanted, length) != 0) return -1;
    if (name[length] == '\0') return 0;
    if (name[length] != '_' || name[length + 1] < '1' || name[length + 1] > '9') return -1;
    char *end;
    long k = strtol(name + length + 1, &end, 10);
    return *end == '\0' && k < 1000000000 ? k : -1;
}

const char *ir_unique_name(struct ir_graph *g, const char *wanted) {
    size_t length = strlen(wanted);
    long last = -1;
    bool taken = length == 0;
    for (int i = 0; i < g->value_count; i++) {
        if (g->values[i] == NULL) continue;
        long k = suffix_of(g->values[i]->name, wanted, length);
        last = k > last ? k : last;
        taken = taken || k == 0;
    }
    if (!taken) return arena_strdup(g->arena, wanted);
    return arena_printf(g->arena, "%s_%ld", wanted, (last < 0 ? 0 : last) + 1);
}

bool ir_is_const(const struct ir_value *v) {
    return v->data != NULL;
}

struct ir_value *ir_in(const struct ir_node *n, int index) {
    return index < n->in_count ? n->in[index] : NULL;
}
