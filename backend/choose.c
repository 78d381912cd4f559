/* The default schedule of a layer: of all tilings with near-even tiles those within a hundredth
 * of the fewest estimated cycles, and of these the one with the most pixels and channels per
 * tile: the fewer instructions the better, when the estimate cannot tell. The same layer on the
 * same target always gets the same one. */
#include "backend/diag.h"
#include "backend/internal.h"

#include <math.h>

enum { MAX_CANDIDATES = 24 };

struct candidates {
    int value[MAX_CANDIDATES], count;
};

/* Tile sizes that cut `whole` into 1, 2, 3, … and then ever more nearly equal tiles, in
 * multiples of unit, largest first, the smallest always among them. */
static struct candidates near_even(int whole, int unit) {
    struct candidates c = {0};
    int units = (whole + unit - 1) / unit;
    for (int parts = 1; c.count < MAX_CANDIDATES - 1; parts += 1 + parts / 4) {
        int size = (units + parts - 1) / parts;
        if (c.count == 0 || size * unit < c.value[c.count - 1]) c.value[c.count++] = size * unit;
        if (parts >= units) break;
    }
    if (c.value[c.count - 1] > unit) c.value[c.count++] = unit;
    return c;
}

static struct candidates along(const struct be_axis *a) {
    struct candidates c = near_even(a->out, a->repeat);
    for (int i = 0; i < c.count; i++)
        if (c.value[i] > a->out) c.value[i] = a->out;
    return c;
}

#define TIE 1.01

struct search {
    const struct be_plan *plan;
    const struct be_layer *layer;
    double fewest; /* cycles of any tiling so far; then those a tiling may have */
    bool choosing; /* the second round, with `fewest` known */
    struct be_tiling best, smallest;
    int64_t best_volume; /* 0: none yet */
    double best_cycles;
    struct be_misfit why; /* of the smallest one */
};

/* Pixels and channels of a tile. */
static int64_t volume(const struct be_tiling *t) {
    return (int64_t)t->rows * t->cols * t->oc;
}

static void consider(struct search *s, const struct be_tiling *t, double cycles) {
    if (!s->choosing) {
        if (cycles < s->fewest) s->fewest = cycles;
        return;
    }
    int64_t v = volume(t);
    if (cycles > s->fewest * TIE || v < s->best_volume ||
        (v == s->best_volume && cycles >= s->best_cycles))
        return;
    s->best = *t;
    s->best_volume = v;
    s->best_cycles = cycles;
}

static bool try_tiling(struct search *s, const struct be_tiling *t) {
    struct be_need need;
    s->smallest = *t;
    if (!be_tiling_fits(s->plan, s->layer, t, &need, &s->why)) return false;
    consider(s, t, be_tiling_cost(s->plan, s->layer, t, &need).cycles);
    return true;
}

/* Without double buffering only what does not fit otherwise: it is never faster. */
static void try_orders(struct search *s, struct be_tiling t, bool channels) {
    for (int order = 0; order < (channels ? 2 : 1); order++) {
        t.order = order ? BE_ORDER_CHANNEL_OUTER : BE_ORDER_SPATIAL_OUTER;
        t.double_buffer = 1;
        if (try_tiling(s, &t)) continue;
        t.double_buffer = 0;
        try_tiling(s, &t);
    }
}

static void try_all(struct search *s, int ic) {
    const struct be_shape *shape = s->layer->shape;
    int unit = be_channel_unit(s->plan->target);
    struct candidates rows = along(&shape->ay), cols = along(&shape->ax);
    struct candidates oc = near_even(shape->out_blocks * (int)s->plan->target->lanes, unit);
    for (int o = 0; o < oc.count; o++)
        for (int c = 0; c < cols.count; c++)
            for (int r = 0; r < rows.count; r++)
                try_orders(s,
                           (struct be_tiling){rows.value[r], cols.value[c], oc.value[o], ic, 0, 0},
                           oc.count > 1);
}

static bool search_at(struct search *s, int blocks) {
    int ic = blocks * (int)s->plan->target->lanes;
    s->fewest = HUGE_VAL;
    try_all(s, ic);
    if (s->fewest == HUGE_VAL) return false;
    s->choosing = true;
    try_all(s, ic);
    return true;
}

static void refuse(const struct search *s) {
    struct ctx *c = arena_ctx(s->plan->arena);
    const char *text = be_tiling_text(s->plan->arena, &s->smallest),
               *target = s->plan->target->name;
    const struct be_misfit *why = &s->why;
    if (why->buffer >= 0) {
        enum svpe_buffer b = (enum svpe_buffer)why->buffer;
        diag(c, be_no_fit, s->layer->where, text, (long long)why->needed,
             be_units(s->plan->arena, b), svpe_buffer_name(b), target, (long long)why->available);
    } else {
        diag(c, be_no_tile, s->layer->where, target, text, be_misfit_text(s->plan->arena, why));
    }
}

/* Input channels are split only where nothing fits otherwise: every further pass reads and
 * writes all sums again. */
bool be_tiling_choose(const struct be_plan *p, const struct be_layer *l, struct be_tiling *out) {
    struct search s = {.plan = p, .layer = l};
    int blocks = l->shape->in_blocks;
    bool found = search_at(&s, blocks);
    while (!found && blocks > 1 && be_splits_input(l)) {
        blocks = (blocks + 1) / 2;
        found = search_at(&s, blocks);
    }
    if (found)
        *out = s.best;
    else
        refuse(&s);
    return found;
}
