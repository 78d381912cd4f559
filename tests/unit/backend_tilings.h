/* Random tilings in place of a plan's own. */
#ifndef NBQ_TESTS_UNIT_BACKEND_TILINGS_H
#define NBQ_TESTS_UNIT_BACKEND_TILINGS_H

#include "backend/internal.h"

static struct be_tiling random_tiling(const struct be_plan *p, const struct be_layer *l,
                                      struct rng *r) {
    int unit = be_channel_unit(p->target), lanes = (int)p->target->lanes;
    int blocks = be_splits_input(l) ? 1 + (int)rng_below(r, 4) : l->shape->in_blocks;
    return (struct be_tiling){.rows = 1 + (int)rng_below(r, (uint32_t)l->shape->ay.out),
                              .cols = 1 + (int)rng_below(r, (uint32_t)l->shape->ax.out),
                              .oc = unit * (1 + (int)rng_below(r, 4)),
                              .ic = lanes * blocks,
                              .order =
                                  rng_below(r, 2) ? BE_ORDER_CHANNEL_OUTER : BE_ORDER_SPATIAL_OUTER,
                              .double_buffer = (int)rng_below(r, 2)};
}

/* Every layer gets the first of some random tilings that fits. */
static void shuffle_tilings(struct be_plan *p, struct rng *r) {
    for (int i = 0; i < p->layer_count; i++) {
        struct be_layer *l = &p->layers[i];
        for (int attempt = 0; attempt < 40; attempt++) {
            struct be_tiling t = random_tiling(p, l, r);
            struct be_need need;
            struct be_misfit why;
            if (!be_tiling_fits(p, l, &t, &need, &why)) continue;
            l->tiling = t;
            *l->need = need;
            l->est_bytes = be_tiling_cost(p, l, &t, &need).bytes;
            break;
        }
    }
    be_chip_plan(p);
}

#endif
