/* The names of a model, hashed: open addressing, never more than half full. */
#include "frontend/import.h"

#include <onnx/onnx.pb-c.h>

#include "frontend/diag.h"

#include "base/options.h"

#include <string.h>

const char fe_initializer[] = "an initializer", fe_input[] = "an input";

void fe_names_init(struct fe_names *n, struct arena *a) {
    fe_names_init_keyed(n, a, hash_key_new());
}

void fe_names_init_keyed(struct fe_names *n, struct arena *a, struct hash_key key) {
    *n = (struct fe_names){.arena = a, .key = key, .room = 64};
    n->slots = arena_array(a, n->room, sizeof *n->slots);
}

static size_t slot_of(const struct fe_names *n, const char *name) {
    size_t at = (size_t)hash_keyed(n->key, name, strlen(name)) & (n->room - 1);
    while (n->slots[at] && strcmp(n->slots[at]->name, name) != 0) at = (at + 1) & (n->room - 1);
    return at;
}

static void grow(struct fe_names *n) {
    struct fe_entry **old = n->slots;
    size_t old_room = n->room;
    n->room *= 2;
    n->slots = arena_array(n->arena, n->room, sizeof *n->slots);
    for (size_t i = 0; i < old_room; i++)
        if (old[i]) n->slots[slot_of(n, old[i]->name)] = old[i];
}

struct fe_entry *fe_names_find(const struct fe_names *n, const char *name) {
    return n->slots[slot_of(n, name)];
}

struct fe_entry *fe_names_add(struct fe_names *n, const char *name) {
    size_t at = slot_of(n, name);
    if (n->slots[at]) return n->slots[at];
    struct fe_entry *e = arena_alloc(n->arena, sizeof *e);
    e->name = name;
    e->node = -1;
    e->before = n->newest;
    n->newest = e;
    n->slots[at] = e;
    if (++n->count > n->room / 2) grow(n);
    return e;
}

const char *fe_names_near(const struct fe_names *n, const char *name, struct arena *a) {
    const char **all = arena_array(a, n->count, sizeof *all);
    size_t first = n->count; /* of two that are as near, the one that came first */
    for (const struct fe_entry *e = n->newest; e; e = e->before)
        if (e->maker) all[--first] = e->name;
    return nearest_name(name, all + first, (int)(n->count - first));
}

/* The first maker keeps the name. */
static void make(struct fe_state *s, const char *name, const char *maker, size_t node, bool by_node,
                 size_t index) {
    if (!name || !name[0]) return;
    struct fe_entry *e = fe_names_add(&s->names, name);
    if (e->maker) return;
    e->maker = maker;
    e->node = by_node ? (int)node : -1;
    e->index = (int)index;
}

void fe_register(struct fe_state *s) {
    const Onnx__GraphProto *g = s->model->graph;
    for (size_t i = 0; i < g->n_initializer; i++)
        make(s, g->initializer[i]->name, fe_initializer, 0, false, i);
    for (size_t i = 0; i < g->n_input; i++) make(s, g->input[i]->name, fe_input, 0, false, i);
    for (size_t i = 0; i < s->node_count; i++) {
        const Onnx__NodeProto *p = s->nodes[i].proto;
        for (size_t k = 0; k < p->n_output; k++) make(s, p->output[k], "a node", i, true, k);
    }
}

void fe_say_duplicate(struct fe_state *s, const char *where, const struct fe_entry *e) {
    const char *maker = e->maker;
    if (e->node >= 0)
        maker = arena_printf(s->arena, "node \"%s\"", fe_node_name(s, s->nodes[e->node].proto));
    diag(s->c, fe_duplicate, where, e->name, maker);
}
