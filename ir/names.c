/* The names of a graph's values, hashed: whether one is taken, and which number comes next behind
 * it. Names that are gone stay in the table; their numbers are not given again. */
#include "ir/internal.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    const char *text; /* NULL: free */
    int live;         /* values of this name; more than one only in a faulty graph */
    long last;        /* the largest k of a value "TEXT_k" so far */
};

struct ir_names {
    struct hash_key key;
    struct entry *slots;
    size_t count, room; /* room: a power of two */
};

enum { FIRST_ROOM = 64, MAX_DIGITS = 9 };

struct ir_names *ir_names_new(struct arena *a) {
    struct ir_names *t = arena_alloc(a, sizeof *t);
    t->key = hash_key_new();
    t->room = FIRST_ROOM;
    t->slots = arena_array(a, t->room, sizeof *t->slots);
    return t;
}

/* The entry of that text, or the free slot where it belongs. */
static struct entry *slot_of(const struct ir_names *t, const char *text, size_t length) {
    for (uint64_t at = hash_keyed(t->key, text, length);; at++) {
        struct entry *e = &t->slots[at & (t->room - 1)];
        if (e->text == NULL) return e;
        if (strncmp(e->text, text, length) == 0 && e->text[length] == '\0') return e;
    }
}

static void grow(struct ir_names *t, struct arena *a) {
    struct ir_names old = *t;
    t->room *= 2;
    t->slots = arena_array(a, t->room, sizeof *t->slots);
    for (size_t i = 0; i < old.room; i++)
        if (old.slots[i].text != NULL)
            *slot_of(t, old.slots[i].text, strlen(old.slots[i].text)) = old.slots[i];
}

static struct entry *entry_of(struct ir_graph *g, const char *text, size_t length) {
    struct entry *e = slot_of(g->names, text, length);
    if (e->text != NULL) return e;
    if (2 * (g->names->count + 1) > g->names->room) {
        grow(g->names, g->arena);
        e = slot_of(g->names, text, length);
    }
    e->text = arena_strndup(g->arena, text, length);
    g->names->count++;
    return e;
}

/* The k of a name "STEM_k", and where its stem ends; 0: it is none. */
static long suffix_of(const char *name, size_t *stem) {
    const char *bar = strrchr(name, '_');
    if (bar == NULL || bar[1] < '1' || bar[1] > '9') return 0;
    size_t digits = strspn(bar + 1, "0123456789");
    if (digits > MAX_DIGITS || bar[1 + digits] != '\0') return 0;
    *stem = (size_t)(bar - name);
    return strtol(bar + 1, NULL, 10);
}

void ir_names_add(struct ir_graph *g, const char *name) {
    size_t stem;
    long k = suffix_of(name, &stem);
    entry_of(g, name, strlen(name))->live++;
    if (k == 0) return;
    struct entry *e = entry_of(g, name, stem);
    e->last = k > e->last ? k : e->last;
}

void ir_names_drop(struct ir_graph *g, const char *name) {
    struct entry *e = slot_of(g->names, name, strlen(name));
    if (e->text != NULL && e->live > 0) e->live--;
}

static bool is_taken(const struct ir_graph *g, const char *name) {
    const struct entry *e = slot_of(g->names, name, strlen(name));
    return e->text != NULL && e->live > 0;
}

const char *ir_unique_name(struct ir_graph *g, const char *wanted) {
    size_t length = strlen(wanted);
    const struct entry *e = slot_of(g->names, wanted, length);
    if (length > 0 && !is_taken(g, wanted)) return arena_strdup(g->arena, wanted);
    const char *name;
    long k = e->text == NULL ? 0 : e->last;
    do name = arena_printf(g->arena, "%s_%ld", wanted, ++k);
    while (is_taken(g, name)); /* numbers of more than MAX_DIGITS digits are not kept */
    return name;
}
