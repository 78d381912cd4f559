/* Weights of two terms: w ≈ (first·2^shift + second) · 2^wexp, both on the grid of n bits
 * (docs/numbers.md). Which levels such pairs make, and the nearest of them.
 *
 * A level is often the sum of several pairs: with shift 0, 3 is 2 + 1 and 4 − 1. The pair that
 * stands for it has the smallest |first|·2^shift + |second|, since that is what the overflow proof
 * adds up; then the smaller |second|; then, for 0 = 1 − 1 of n = 1, the positive first.
 */
#include "passes/quant/quant.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VALUES_MAX = 31 }; /* of one term: n = 5 */

/* Where the search for a level starts: by the exponent and the first mantissa bits of |u|, from
 * 2^-2, below which every u is next to the first level, or the border to it. */
enum {
    MANTISSA_BITS = 4,
    DROPPED_BITS = 52 - MANTISSA_BITS,
    FIRST_SLOT = (1023 - 2) << MANTISSA_BITS
};

static uint64_t slot_of(double size) {
    uint64_t bits;
    memcpy(&bits, &size, sizeof bits);
    return bits >> DROPPED_BITS;
}

static double slot_start(uint64_t slot) {
    uint64_t bits = slot << DROPPED_BITS;
    double size;
    memcpy(&size, &bits, sizeof size);
    return size;
}

/* All of one term, 0 first: of n = 1 only ±1. */
static int values_of(const struct quant_grid *g, int *to) {
    int count = 0, top = quant_grid_top(g);
    if (g->bits > 1) to[count++] = 0;
    for (int v = 1; v <= top; v *= 2) {
        to[count++] = v;
        to[count++] = -v;
    }
    return count;
}

/* |first|·2^shift + |second| */
static int size_of(const struct quant_pair *p) {
    return abs(p->level - p->second) + abs(p->second);
}

static int by_level(const void *a, const void *b) {
    const struct quant_pair *x = a, *y = b;
    if (x->level != y->level) return x->level < y->level ? -1 : 1;
    if (size_of(x) != size_of(y)) return size_of(x) < size_of(y) ? -1 : 1;
    if (abs(x->second) != abs(y->second)) return abs(x->second) < abs(y->second) ? -1 : 1;
    return y->first - x->first;
}

/* Every pair with level ≥ 0; the others are their mirror image. */
static int pairs_of(const struct quant_grid *g, int shift, struct quant_pair *to) {
    int values[VALUES_MAX], count = values_of(g, values), pairs = 0;
    for (int i = 0; i < count; i++)
        for (int k = 0; k < count; k++) {
            int level = values[i] * (1 << shift) + values[k];
            if (level >= 0)
                to[pairs++] = (struct quant_pair){level, (int16_t)values[i], (int16_t)values[k]};
        }
    return pairs;
}

/* border[i], between level i and the next, belongs to the lower; behind the last there is none. */
static void fill_borders(struct arena *a, struct quant_levels *l) {
    int room = l->count + VALUES_MAX; /* a search looks that far beyond its start, or less */
    double *border = arena_array(a, (size_t)room, sizeof *border);
    for (int i = 0; i < room; i++)
        border[i] =
            i + 1 < l->count ? ((double)l->pair[i].level + l->pair[i + 1].level) / 2 : INFINITY;
    l->border = border;
}

/* Where each slot begins, and how many levels further on it may end. */
static int fill_starts(struct quant_levels *l) {
    int at = 0, most = 0;
    for (int s = 0; s < QUANT_LEVEL_STARTS; s++) {
        int before = at;
        while (s > 0 && l->border[at] < slot_start(FIRST_SLOT + (uint64_t)s)) at++;
        l->start[s] = (int16_t)at;
        most = at - before > most ? at - before : most;
    }
    return most;
}

struct quant_levels *quant_levels_new(struct arena *a, const struct quant_grid *g, int shift) {
    struct quant_levels *l = arena_alloc(a, sizeof *l);
    l->shift = shift;
    l->pair = arena_array(a, VALUES_MAX * VALUES_MAX, sizeof *l->pair);
    int pairs = pairs_of(g, shift, l->pair);
    qsort(l->pair, (size_t)pairs, sizeof *l->pair, by_level);
    for (int i = 0; i < pairs; i++)
        if (l->count == 0 || l->pair[l->count - 1].level != l->pair[i].level)
            l->pair[l->count++] = l->pair[i];
    fill_borders(a, l);
    int most = fill_starts(l);
    for (l->stride = 1; 2 * l->stride <= most;) l->stride *= 2;
    return l;
}

/* Halves what is left of the slot again and again: without a branch, since which side u lies on is
 * anybody's guess. */
static int index_near(const struct quant_levels *l, double size) {
    uint64_t slot = slot_of(size);
    slot = slot < FIRST_SLOT ? 0 : slot - FIRST_SLOT;
    int at = l->start[slot < QUANT_LEVEL_STARTS ? slot : QUANT_LEVEL_STARTS - 1];
    for (int step = l->stride; step; step /= 2) at += (size > l->border[at + step - 1]) ? step : 0;
    return at;
}

void quant_levels_nearest(const struct quant_levels *l, const double *u, int count,
                          double *levels) {
    for (int k = 0; k < count; k++)
        levels[k] = copysign(l->pair[index_near(l, fabs(u[k]))].level, u[k]);
}

struct quant_pair quant_levels_near(const struct quant_levels *l, double u) {
    struct quant_pair p = l->pair[index_near(l, fabs(u))];
    if (u >= 0 || p.level == 0) return p;
    return (struct quant_pair){-p.level, (int16_t)-p.first, (int16_t)-p.second};
}
