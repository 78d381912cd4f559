/* Pass merge-duplicates. Requires nothing. Provides nothing. Breaks NO_BN, FUSED, RESIDUAL: a value
 * whose readers were the same now has one reader only.
 *
 * Nodes of the same operator, attributes and inputs become one, the first; so do constants of equal
 * type, shape and bytes. Exporters write a shape, a scale or a shortcut's Slice once for each
 * reader. An output of the network keeps its name; two outputs that are the same stay two values.
 * Dropout is left alone: in general it is random. Attributes count as they are written: one that
 * gives its default is not the same as none.
 *
 * By hashing, in time linear in the size of graph and constants; the hash has a key, so that no
 * input can be written for which it takes longer. */
#include "passes/internal.h"

#include <string.h>

struct seen { /* a constant or a node; both NULL: a free slot */
    uint64_t hash;
    struct ir_value *constant;
    struct ir_node *node;
};

struct merge {
    struct ir_graph *g;
    struct hash_key key;
    struct seen *slots;
    size_t room;             /* a power of two */
    struct ir_value **first; /* by value id: the first value that is the same; NULL: itself */
};

/* --- hashes --- */

static uint64_t mix(const struct merge *m, uint64_t hash, uint64_t word) {
    uint64_t both[] = {hash, word};
    return hash_keyed(m->key, both, sizeof both);
}

static uint64_t mix_bytes(const struct merge *m, uint64_t hash, const void *p, size_t size) {
    return mix(m, hash, hash_keyed(m->key, p, size));
}

static uint64_t mix_type(const struct merge *m, uint64_t hash, const struct ir_value *v) {
    hash = mix(m, mix(m, hash, (uint64_t)v->dtype), (uint64_t)v->rank);
    return mix_bytes(m, hash, v->dims, (size_t)v->rank * sizeof *v->dims);
}

static size_t bytes_of(const struct ir_value *v) {
    return (size_t)ir_elements(v) * ir_dtype_size(v->dtype);
}

static uint64_t hash_constant(const struct merge *m, const struct ir_value *v) {
    uint64_t hash = mix(m, mix_type(m, 1, v), v->elided);
    return v->elided != 0 ? hash : mix_bytes(m, hash, v->data, bytes_of(v));
}

/* So that 0 and −0 differ, and not-a-number is the same as itself. */
static uint64_t bits_of(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static uint64_t hash_attr(const struct merge *m, const struct ir_attr *a) {
    uint64_t hash = mix_bytes(m, (uint64_t)a->kind, a->name, strlen(a->name));
    if (a->kind == IR_ATTR_STRING) return mix_bytes(m, hash, a->s, strlen(a->s));
    if (a->kind == IR_ATTR_FLOAT) return mix(m, hash, bits_of(a->f));
    if (a->kind == IR_ATTR_INT) return mix(m, hash, (uint64_t)a->i);
    return mix_bytes(m, hash, a->ints, (size_t)a->count * sizeof *a->ints);
}

static const struct ir_value *first_of(const struct merge *m, const struct ir_value *v) {
    return v != NULL && m->first[v->id] != NULL ? m->first[v->id] : v;
}

static uint64_t hash_node(const struct merge *m, const struct ir_node *n) {
    uint64_t hash = mix_type(m, mix(m, 2, (uint64_t)n->op), n->out[0]), attrs = 0;
    for (int i = 0; i < n->in_count; i++)
        hash = mix(m, hash, n->in[i] == NULL ? 0 : 1 + (uint64_t)first_of(m, n->in[i])->id);
    for (int i = 0; i < n->attr_count; i++) attrs += hash_attr(m, &n->attrs[i]); /* in any order */
    return mix(m, hash, attrs);
}

/* --- what is the same --- */

static bool same_type(const struct ir_value *a, const struct ir_value *b) {
    return a->dtype == b->dtype && pass_same_shape(a, b) && a->quant.bits == b->quant.bits &&
           a->quant.exp == b->quant.exp && a->quant.zero == b->quant.zero;
}

static bool same_constant(const struct ir_value *a, const struct ir_value *b) {
    return same_type(a, b) && a->elided == b->elided && memcmp(a->data, b->data, bytes_of(a)) == 0;
}

static bool same_attr(const struct ir_attr *a, const struct ir_attr *b) {
    if (b == NULL || a->kind != b->kind) return false;
    if (a->kind == IR_ATTR_STRING) return strcmp(a->s, b->s) == 0;
    if (a->kind == IR_ATTR_FLOAT) return bits_of(a->f) == bits_of(b->f);
    if (a->kind == IR_ATTR_INT) return a->i == b->i;
    return a->count == b->count &&
           (a->count == 0 || memcmp(a->ints, b->ints, (size_t)a->count * sizeof *a->ints) == 0);
}

static bool same_node(const struct merge *m, const struct ir_node *a, const struct ir_node *b) {
    if (a->op != b->op || a->in_count != b->in_count || a->attr_count != b->attr_count)
        return false;
    for (int i = 0; i < a->in_count; i++)
        if (first_of(m, a->in[i]) != first_of(m, b->in[i])) return false;
    for (int i = 0; i < a->attr_count; i++)
        if (!same_attr(&a->attrs[i], ir_attr_find(b, a->attrs[i].name))) return false;
    return same_type(a->out[0], b->out[0]);
}

static bool same(const struct merge *m, const struct seen *a, const struct seen *b) {
    if (a->hash != b->hash || (a->node == NULL) != (b->node == NULL)) return false;
    return a->node == NULL ? same_constant(a->constant, b->constant)
                           : same_node(m, a->node, b->node);
}

/* The slot of what is the same as key, after key has taken a free one if there was none. */
static struct seen *meet(struct merge *m, struct seen key) {
    for (uint64_t at = key.hash;; at++) {
        struct seen *slot = &m->slots[at & (m->room - 1)];
        if (slot->constant == NULL && slot->node == NULL) *slot = key;
        if (same(m, slot, &key)) return slot;
    }
}

/* --- merging --- */

/* False: both are outputs of the network and stay; their readers count as reading the same. */
static bool give_uses(struct merge *m, struct ir_value *from, struct ir_value *to) {
    if (from->output_count > 0 && to->output_count > 0) {
        m->first[from->id] = to;
        return false;
    }
    ir_replace_uses(m->g, from, to);
    return true;
}

static void merge_constant(struct merge *m, struct ir_value *v) {
    struct ir_value *to = meet(m, (struct seen){hash_constant(m, v), v, NULL})->constant;
    const char *output = v->output_count > 0 ? v->name : NULL;
    if (to == v || !give_uses(m, v, to)) return;
    ir_value_remove(m->g, v);
    if (output != NULL) ir_value_rename(m->g, to, output);
}

static void merge_node(struct merge *m, struct ir_node *n) {
    if (n->op == IR_OP_dropout || n->in_count == 0 || n->out_count != 1) return;
    struct ir_value *v = n->out[0];
    struct ir_node *to = meet(m, (struct seen){hash_node(m, n), NULL, n})->node;
    const char *output = v->output_count > 0 ? v->name : NULL;
    if (to == n || !give_uses(m, v, to->out[0])) return;
    ir_node_remove(m->g, n);
    if (output != NULL) ir_value_rename(m->g, to->out[0], output);
}

bool pass_merge_duplicates(struct ir_graph *g, const struct pass_options *o) {
    (void)o;
    struct arena *scratch = arena_new(g->ctx);
    struct merge m = {.g = g, .key = hash_key_new(), .room = 1};
    size_t count = (size_t)g->value_count; /* a node has an output of its own */
    while (m.room < 2 * count + 2) m.room *= 2;
    m.slots = arena_array(scratch, m.room, sizeof *m.slots);
    m.first = arena_array(scratch, count, sizeof(struct ir_value *));
    for (int i = 0; i < g->value_count; i++)
        if (g->values[i] != NULL && ir_is_const(g->values[i])) merge_constant(&m, g->values[i]);
    for (struct ir_node *n = g->first, *next; n != NULL; n = next) {
        next = n->next;
        merge_node(&m, n);
    }
    arena_free(scratch);
    return true;
}
