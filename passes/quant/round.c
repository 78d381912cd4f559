/* Weight grids and rounding to them: powers of two per output channel, or plain integers for
 * multiplier targets.
 *
 * Nearest is meant in the linear domain: between 2 and 4 the border is 3, not 2·√2, which alone is
 * worth up to 13 points of accuracy. The grid is the paper's {0, ±2^-i}, held in units of its
 * smallest level (docs/numbers.md).
 */
#include "passes/quant/quant.h"

#include <math.h>
#include <string.h>

static int magnitudes(int bits) {
    return (1 << (bits - 1)) - 1;
}

int quant_grid_top(const struct quant_grid *g) {
    if (g->kind == QUANT_LINEAR) return (1 << (g->bits - 1)) - 1;
    return g->bits == 1 ? 1 : 1 << (magnitudes(g->bits) - 1);
}

/* The power of two nearest to u, a tie down: a mantissa above 1.5 carries into the exponent. */
static double near_pow2(double u, double top) {
    uint64_t bits;
    double level;
    if (u <= 0.5) return 0;
    memcpy(&bits, &u, sizeof bits);
    bits = (bits + 0x0007ffffffffffff) & 0xfff0000000000000;
    memcpy(&level, &bits, sizeof level);
    level = level < 1 ? 1 : level;
    return level < top ? level : top;
}

int quant_grid_near(const struct quant_grid *g, double u) {
    double top = quant_grid_top(g), size = fabs(u), level;
    if (g->kind == QUANT_LINEAR)
        level = fmin(rint(size), top);
    else if (g->bits == 1)
        level = 1;
    else
        level = near_pow2(size, top);
    return (int)(u < 0 ? -level : level);
}

/* floor(log2(x)) for x > 0. */
static int floor_log2(double x) {
    int exp;
    frexp(x, &exp);
    return exp - 1;
}

/* The exponent that puts the channel's largest weight at the grid's top; for ±1, the mean weight
 * at 1. */
static int aligned_exponent(const struct quant_grid *g, const float *w, int64_t taps) {
    double max = 0, sum = 0;
    for (int64_t i = 0; i < taps; i++) {
        max = fmax(max, fabs((double)w[i]));
        sum += fabs((double)w[i]);
    }
    if (g->kind == QUANT_LINEAR) return floor_log2(max) + 2 - g->bits;
    if (g->bits == 1) return floor_log2(sum / (double)taps);
    return floor_log2(4 * max / 3) - floor_log2(quant_grid_top(g));
}

static double rounding_error(const struct quant_grid *g, const float *w, int64_t taps, int wexp) {
    double error = 0, inverse = ldexp(1, -wexp);
    for (int64_t i = 0; i < taps; i++) {
        double u = (double)w[i] * inverse;
        double d = u - quant_grid_near(g, u);
        error += d * d;
    }
    return ldexp(error, 2 * wexp);
}

/* Candidates around the aligned exponent, the likeliest first: a tie keeps the earlier one. Small n
 * likes to give up its largest weights. */
static const int scale_steps[] = {0, -1, -2, -3, 1};

static void round_nearest_mse(const struct quant_layer *l, int64_t channel, int min_wexp,
                              int16_t *q, struct quant_channel *out) {
    const float *w = l->weights + channel * l->taps;
    double energy = 0;
    for (int64_t i = 0; i < l->taps; i++) energy += (double)w[i] * (double)w[i];
    *out = (struct quant_channel){.energy = energy};
    if (energy == 0) { /* also for n = 1: its 2-bit code has a zero */
        out->wexp = min_wexp;
        for (int64_t i = 0; i < l->taps; i++) q[i] = 0;
        return;
    }
    int aligned = aligned_exponent(&l->grid, w, l->taps);
    out->error = INFINITY;
    for (size_t i = 0; i < sizeof scale_steps / sizeof *scale_steps; i++) {
        int wexp = aligned + scale_steps[i] > min_wexp ? aligned + scale_steps[i] : min_wexp;
        double error = rounding_error(&l->grid, w, l->taps, wexp);
        if (error >= out->error) continue;
        out->error = error;
        out->wexp = wexp;
    }
    double inverse = ldexp(1, -out->wexp);
    for (int64_t i = 0; i < l->taps; i++)
        q[i] = (int16_t)quant_grid_near(&l->grid, (double)w[i] * inverse);
}

static const struct quant_rounder rounders[] = {
    {"nearest-mse", "each weight to its nearest level, scale per channel of least weight error",
     round_nearest_mse},
};

int quant_rounder_count(void) {
    return (int)(sizeof rounders / sizeof *rounders);
}

const struct quant_rounder *quant_rounder_at(int i) {
    return &rounders[i];
}
