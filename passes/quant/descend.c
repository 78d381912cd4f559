/* Rounding by coordinate descent against the inputs a convolution of images can expect, without
 * looking at any.
 *
 * An error e = w − q·2^wexp of the weights costs e'·E[xx']·e in a channel's output. Nearest levels
 * are best where inputs are uncorrelated and of mean zero: E[xx'] = I. Inputs of convolutions are
 * neither. They are mostly ≥ 0, so that errors of one sign add up, and neighbours in one input
 * channel are alike, so that what one tap gets too much another can give back. The model here is
 *
 *     E[xx'] = I + SAME_CHANNEL · [taps of one input channel] + ANY_CHANNEL · [any two taps]
 *
 * in units of a channel's variance; [ ] is 1 where it holds, and kernels of one tap have no
 * SAME_CHANNEL. How the two factors were found: docs/quantization.md. With it
 * the best value of one weight, all others fixed, is known from two running sums, so that a sweep
 * costs no more than rounding once. Few weights move, and one that stays changes no sum: the best
 * levels of a run of weights are worked out side by side, and those behind one that moves anew.
 */
#include "passes/quant/quant.h"

#include <math.h>

enum { SWEEPS = 4, RUN = 64 };

/* In units of 2^wexp, as everything here. */
struct descent {
    const struct quant_layer *layer;
    const float *weights;
    double inverse, same; /* 2^−wexp; QUANT_SAME_CHANNEL, 0 for kernels of one tap */
    double own;           /* what a unit of a weight's own error weighs */
    int16_t *const *q;
    double block, all; /* Σ e over the input channel at hand; over all */
    double next_all;   /* Σ e over what this sweep has left behind: the next one's `all` */
};

struct run { /* some weights in a row */
    int64_t first;
    int count;
    double level[RUN], error[RUN];
};

static double error_of(const struct descent *d, int64_t i, double level) {
    return (double)d->weights[i] * d->inverse - level;
}

/* As many from `first` on as there are before `end`. */
static void load(const struct descent *d, int64_t first, int64_t end, struct run *r) {
    r->first = first;
    r->count = (int)(end - first < RUN ? end - first : RUN);
    quant_levels_read(d->layer, d->q, first, r->count, r->level);
    for (int k = 0; k < r->count; k++) r->error[k] = error_of(d, first + k, r->level[k]);
}

/* `sum` and one error after another: the order is part of the result. */
static double add_errors(const struct run *r, double sum) {
    for (int k = 0; k < r->count; k++) sum += r->error[k];
    return sum;
}

static double sum_errors(const struct descent *d, int64_t from, int64_t end) {
    struct run r;
    double sum = 0;
    for (; from < end; from += RUN) {
        load(d, from, end, &r);
        sum = add_errors(&r, sum);
    }
    return sum;
}

static int first_difference(const double *a, const double *b, int from, int count) {
    int differ = 0;
    for (int k = from; k < count; k++) differ |= a[k] != b[k];
    if (!differ) return count;
    while (a[from] == b[from]) from++;
    return from;
}

/* The first weight of the run from `from` on that has a better level, next to *u; or the count. */
static int find_move(const struct descent *d, const struct run *r, int from, double *u) {
    double want[RUN], best[RUN];
    double pull = d->same * d->block + QUANT_ANY_CHANNEL * d->all;
    for (int k = from; k < r->count; k++) want[k] = r->level[k] + (r->error[k] + pull) / d->own;
    quant_levels_round(d->layer, want + from, r->count - from, best + from);
    int k = first_difference(best, r->level, from, r->count);
    if (k < r->count) *u = want[k];
    return k;
}

static void move(struct descent *d, struct run *r, int k, double u) {
    double before = r->level[k];
    quant_put_level(d->layer, u, d->q, r->first + k);
    quant_levels_read(d->layer, d->q, r->first + k, 1, &r->level[k]);
    r->error[k] = error_of(d, r->first + k, r->level[k]);
    d->block += before - r->level[k];
    d->all += before - r->level[k];
}

/* Moves weights to their best levels; true if one has another now. */
static bool improve(struct descent *d, int64_t from, int64_t end) {
    struct run r;
    bool moved = false;
    for (; from < end; from += RUN) {
        double u;
        load(d, from, end, &r);
        for (int k = 0; (k = find_move(d, &r, k, &u)) < r.count; k++) {
            move(d, &r, k, u);
            moved = true;
        }
        d->next_all = add_errors(&r, d->next_all);
    }
    return moved;
}

static bool sweep(struct descent *d, int64_t block) {
    bool moved = false;
    d->all = d->next_all;
    d->next_all = 0;
    for (int64_t from = 0; from < d->layer->taps; from += block) {
        if (d->same > 0) d->block = sum_errors(d, from, from + block);
        moved |= improve(d, from, from + block);
    }
    return moved;
}

void quant_descend(const struct quant_layer *l, int64_t channel, int wexp, int16_t *const q[2]) {
    bool alike = l->area > 1;
    struct descent d = {.layer = l,
                        .weights = l->weights + channel * l->taps,
                        .inverse = ldexp(1, -wexp),
                        .same = alike ? QUANT_SAME_CHANNEL : 0,
                        .q = q};
    d.own = 1 + d.same + QUANT_ANY_CHANNEL;
    d.next_all = sum_errors(&d, 0, l->taps);
    for (int i = 0; i < SWEEPS && sweep(&d, alike ? l->area : l->taps); i++) {
    }
}
