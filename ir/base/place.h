/* Where things lie that are alive for a part of a sequence of steps only: two of them share memory
 * if no step has both. */
#ifndef NBQ_BASE_PLACE_H
#define NBQ_BASE_PLACE_H

#include "base/ctx.h"

enum { PLACE_ALIGN = 64 };

struct placed {
    int first, last; /* steps from the first to the last, both included; 0 ≤ first ≤ last */
    uint64_t bytes;
    uint64_t at; /* found: a multiple of PLACE_ALIGN */
};

/* Places all of them, the largest first (of equal ones the earlier), each into the smallest gap
 * that those alive with it leave; the same for the same items. Returns the bytes they take
 * together. Time: n log n, and of each item as long as sorting those alive with it takes; where
 * they are more than a thousand, the item goes behind all others. */
uint64_t place_all(struct ctx *c, struct placed *items, int count);
/* The most bytes alive in one step: no way to place them takes less. */
uint64_t place_least(struct ctx *c, const struct placed *items, int count);

#endif
