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
 * costs no more than rounding once.
 */
#include "passes/quant/quant.h"

#include <math.h>

#define SAME_CHANNEL 1.0
#define ANY_CHANNEL  0.03

enum { SWEEPS = 4 };

/* In units of 2^wexp, as everything here. */
struct descent {
    const struct quant_layer *layer;
    const float *weights;
    double inverse, same; /* 2^−wexp; SAME_CHANNEL, 0 for kernels of one tap */
    int16_t *const *q;
    double block, all; /* Σ e over the input channel at hand; over all */
};

static double error_at(const struct descent *d, int64_t i) {
    return (double)d->weights[i] * d->inverse - quant_level(d->layer, d->q, i);
}

static double sum_errors(const struct descent *d, int64_t from, int64_t count) {
    double sum = 0;
    for (int64_t i = from; i < from + count; i++) sum += error_at(d, i);
    return sum;
}

/* Moves one weight to its best level; true if that is another one. */
static bool improve(struct descent *d, int64_t i) {
    double level = quant_level(d->layer, d->q, i);
    double pull = (double)d->weights[i] * d->inverse - level;
    pull += d->same * d->block + ANY_CHANNEL * d->all;
    quant_put_level(d->layer, level + pull / (1 + d->same + ANY_CHANNEL), d->q, i);
    double moved = level - quant_level(d->layer, d->q, i);
    d->block += moved;
    d->all += moved;
    return moved != 0;
}

static bool sweep(struct descent *d, int64_t area) {
    bool moved = false;
    d->all = sum_errors(d, 0, d->layer->taps);
    for (int64_t from = 0; from < d->layer->taps; from += area) {
        if (d->same > 0) d->block = sum_errors(d, from, area);
        for (int64_t i = from; i < from + area; i++) moved |= improve(d, i);
    }
    return moved;
}

void quant_descend(const struct quant_layer *l, int64_t channel, int wexp, int16_t *const q[2]) {
    int64_t area = l->area > 1 ? l->area : 1;
    struct descent d = {.layer = l,
                        .weights = l->weights + channel * l->taps,
                        .inverse = ldexp(1, -wexp),
                        .same = area > 1 ? SAME_CHANNEL : 0,
                        .q = q};
    for (int i = 0; i < SWEEPS && sweep(&d, area); i++) {
    }
}
