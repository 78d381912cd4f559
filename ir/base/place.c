/* Placing by lifetime: greedy by size, as TensorFlow Lite's planner and others do. Who is alive
 * with an item is asked of a tree over the steps, in which each placed item stands at the few
 * nodes that make up its lifetime, and of a list of those that begin within the item's own. */
#include "base/place.h"

#include <stdlib.h>

static uint64_t aligned(uint64_t n) {
    return (n + PLACE_ALIGN - 1) / PLACE_ALIGN * PLACE_ALIGN;
}

static int by_size(const void *x, const void *y) {
    const struct placed *a = *(const struct placed *const *)x,
                        *b = *(const struct placed *const *)y;
    if (a->bytes != b->bytes) return a->bytes < b->bytes ? 1 : -1;
    if (a->first != b->first) return a->first < b->first ? -1 : 1;
    return a < b ? -1 : a > b; /* in one array */
}

static int by_place(const void *x, const void *y) {
    const struct placed *a = *(const struct placed *const *)x,
                        *b = *(const struct placed *const *)y;
    return a->at < b->at ? -1 : a->at > b->at;
}

struct entry { /* one item in one list */
    const struct placed *item;
    struct entry *next;
};

struct tree {
    struct arena *arena;
    int leaves;            /* a power of two */
    struct entry **covers; /* by node, 1 the root: items alive in all steps below it */
    struct entry **begins; /* by step: items that begin there */
};

static struct tree tree_new(struct arena *a, const struct placed *items, int count) {
    struct tree t = {.arena = a, .leaves = 1};
    for (int i = 0; i < count; i++)
        while (t.leaves <= items[i].last) t.leaves *= 2;
    t.covers = arena_array(a, 2 * (size_t)t.leaves, sizeof(struct entry *));
    t.begins = arena_array(a, (size_t)t.leaves, sizeof(struct entry *));
    return t;
}

static void push(struct tree *t, struct entry **list, const struct placed *item) {
    struct entry *e = arena_alloc(t->arena, sizeof *e);
    *e = (struct entry){item, *list};
    *list = e;
}

static void insert(struct tree *t, const struct placed *item) {
    int from = item->first + t->leaves, to = item->last + t->leaves + 1;
    push(t, &t->begins[item->first], item);
    for (; from < to; from /= 2, to /= 2) {
        if (from & 1) push(t, &t->covers[from++], item);
        if (to & 1) push(t, &t->covers[--to], item);
    }
}

/* Among more than these no gap is looked for: their number squared is time, and a program file may
 * have any number of values. */
enum { MOST_NEAR = 1024 };

/* Those alive when the item begins, and those that begin later while it is alive; MOST_NEAR of them
 * at most. */
static int neighbours(const struct tree *t, const struct placed *item, const struct placed **near) {
    int count = 0;
    for (int node = item->first + t->leaves; node > 0; node /= 2)
        for (const struct entry *e = t->covers[node]; e && count < MOST_NEAR; e = e->next)
            near[count++] = e->item;
    for (int step = item->first + 1; step <= item->last && count < MOST_NEAR; step++)
        for (const struct entry *e = t->begins[step]; e && count < MOST_NEAR; e = e->next)
            near[count++] = e->item;
    return count;
}

/* The smallest gap between the neighbours, sorted by place, that takes the bytes; behind all of
 * them if there is none. */
static uint64_t best_gap(const struct placed *const *near, int count, uint64_t bytes) {
    uint64_t end = 0, best = UINT64_MAX, best_size = UINT64_MAX;
    for (int i = 0; i < count; i++) {
        uint64_t at = near[i]->at, gap = at > end ? at - end : 0;
        if (gap >= bytes && gap < best_size) best = end, best_size = gap;
        uint64_t after = at + aligned(near[i]->bytes);
        if (after > end) end = after;
    }
    return best != UINT64_MAX ? best : end;
}

uint64_t place_all(struct ctx *c, struct placed *items, int count) {
    struct arena *a = arena_new(c);
    struct placed **order = arena_array(a, (size_t)count, sizeof *order);
    const struct placed **near = arena_array(a, MOST_NEAR, sizeof *near);
    struct tree t = tree_new(a, items, count);
    uint64_t total = 0;
    for (int i = 0; i < count; i++) order[i] = &items[i];
    qsort(order, (size_t)count, sizeof *order, by_size);
    for (int i = 0; i < count; i++) {
        struct placed *item = order[i];
        int found = neighbours(&t, item, near);
        bool crowded = found == MOST_NEAR;
        if (!crowded) qsort(near, (size_t)found, sizeof *near, by_place);
        item->at = crowded ? total : best_gap(near, found, aligned(item->bytes));
        insert(&t, item);
        uint64_t end = item->at + aligned(item->bytes);
        if (end > total) total = end;
    }
    arena_free(a);
    return total;
}

uint64_t place_least(struct ctx *c, const struct placed *items, int count) {
    struct arena *a = arena_new(c);
    int steps = 0;
    for (int i = 0; i < count; i++) steps = items[i].last >= steps ? items[i].last + 1 : steps;
    uint64_t *begin = arena_array(a, (size_t)steps + 1, sizeof *begin);
    uint64_t *end = arena_array(a, (size_t)steps + 1, sizeof *end);
    for (int i = 0; i < count; i++) {
        begin[items[i].first] += aligned(items[i].bytes);
        end[items[i].last + 1] += aligned(items[i].bytes);
    }
    uint64_t most = 0, alive = 0;
    for (int i = 0; i < steps; i++) {
        alive += begin[i];
        alive -= end[i];
        most = alive > most ? alive : most;
    }
    arena_free(a);
    return most;
}
