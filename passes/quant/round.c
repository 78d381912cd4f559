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

/* The power of two nearest to u, a tie down: a mantissa above 1.5 carries into the exponent.
 * Without a branch, so that compilers work several out at once. */
static double near_pow2(double u, double top) {
    double size = fabs(u), level;
    uint64_t bits;
    memcpy(&bits, &size, sizeof bits);
    bits = (bits + 0x0007ffffffffffff) & 0xfff0000000000000;
    memcpy(&level, &bits, sizeof level);
    level = level < 1 ? 1 : level;
    level = level < top ? level : top;
    return copysign(size <= 0.5 ? 0 : level, u);
}

static double near_other(const struct quant_grid *g, double u) {
    double level = g->kind == QUANT_LINEAR ? fmin(rint(fabs(u)), quant_grid_top(g)) : 1;
    return u < 0 ? -level : level;
}

static bool is_zero_or_pow2(const struct quant_grid *g) {
    return g->kind == QUANT_POW2 && g->bits > 1;
}

int quant_grid_near(const struct quant_grid *g, double u) {
    return (int)(is_zero_or_pow2(g) ? near_pow2(u, quant_grid_top(g)) : near_other(g, u));
}

void quant_levels_round(const struct quant_layer *l, const double *u, int count, double *levels) {
    double top = quant_grid_top(&l->grid);
    if (l->levels)
        quant_levels_nearest(l->levels, u, count, levels);
    else if (is_zero_or_pow2(&l->grid))
        for (int k = 0; k < count; k++) levels[k] = near_pow2(u[k], top);
    else
        for (int k = 0; k < count; k++) levels[k] = near_other(&l->grid, u[k]);
}

/* floor(log2(x)) for x > 0. */
static int floor_log2(double x) {
    int exp;
    frexp(x, &exp);
    return exp - 1;
}

/* The exponent that puts the channel's largest weight at the grid's top; for ±1, the mean weight
 * at 1. Of two terms: the least that clips nothing. */
static int aligned_exponent(const struct quant_layer *l, const float *w) {
    const struct quant_grid *g = &l->grid;
    const int64_t taps = l->taps;
    double max = 0, sum = 0;
    for (int64_t i = 0; i < taps; i++) {
        max = fmax(max, fabs((double)w[i]));
        sum += fabs((double)w[i]);
    }
    if (l->levels) return floor_log2(max / l->levels->pair[l->levels->count - 1].level) + 1;
    if (g->kind == QUANT_LINEAR) return floor_log2(max) + 2 - g->bits;
    if (g->bits == 1) return floor_log2(sum / (double)taps);
    return floor_log2(4 * max / 3) - floor_log2(quant_grid_top(g));
}

/* INFINITY once it is certain to be `most` or more. */
static double rounding_error(const struct quant_layer *l, const float *w, int wexp, double most) {
    enum { RUN = 64 }; /* taps at once, after which that is asked */
    double error = 0, inverse = ldexp(1, -wexp), stop = ldexp(most, -2 * wexp);
    double u[RUN], level[RUN];
    for (int64_t i = 0; i < l->taps && error < stop; i += RUN) {
        int count = (int)(l->taps - i < RUN ? l->taps - i : RUN);
        for (int k = 0; k < count; k++) u[k] = (double)w[i + k] * inverse;
        quant_levels_round(l, u, count, level);
        for (int k = 0; k < count; k++) error += (u[k] - level[k]) * (u[k] - level[k]);
    }
    return error < stop ? ldexp(error, 2 * wexp) : INFINITY;
}

/* Candidates around the aligned exponent, the likeliest first: a tie keeps the earlier one. Small n
 * likes to give up its largest weights; terms far apart leave their largest sums unused. */
static const int scale_steps[] = {0, -1, -2, -3, 1, 2, 3, 4, 5, 6, 7, 8};
enum { ONE_TERM_STEPS = 5 };

static int step_count(const struct quant_layer *l) {
    return ONE_TERM_STEPS + (l->levels ? l->levels->shift : 0);
}

/* cppcheck-suppress constParameter; what its pointers point to is written */
void quant_put_level(const struct quant_layer *l, double u, int16_t *const q[2], int64_t i) {
    if (!l->levels) {
        q[0][i] = (int16_t)quant_grid_near(&l->grid, u);
        return;
    }
    struct quant_pair p = quant_levels_near(l->levels, u);
    q[0][i] = p.first;
    q[1][i] = p.second;
}

/* cppcheck-suppress constParameter; q has to suit the callers' arrays */
void quant_levels_read(const struct quant_layer *l, int16_t *const q[2], int64_t first, int count,
                       double *levels) {
    const int16_t *a = q[0] + first, *b = l->levels ? q[1] + first : NULL;
    if (!b)
        for (int k = 0; k < count; k++) levels[k] = a[k];
    else
        for (int k = 0; k < count; k++) levels[k] = a[k] * (1 << l->levels->shift) + b[k];
}

static void put_levels(const struct quant_layer *l, const float *w, int wexp, int16_t *const q[2]) {
    double inverse = ldexp(1, -wexp);
    for (int64_t i = 0; i < l->taps; i++) quant_put_level(l, (double)w[i] * inverse, q, i);
}

/* A channel of zeros stays one, also at n = 1: its 2-bit code has a zero. */
static bool round_zeros(const struct quant_layer *l, int min_wexp, int16_t *const q[2],
                        struct quant_channel *out) {
    if (out->energy > 0) return false;
    out->wexp = min_wexp;
    for (int t = 0; t < (l->levels ? 2 : 1); t++) memset(q[t], 0, (size_t)l->taps * sizeof *q[t]);
    return true;
}

static double energy_of(const float *w, int64_t taps) {
    double energy = 0;
    for (int64_t i = 0; i < taps; i++) energy += (double)w[i] * (double)w[i];
    return energy;
}

/* The scale of least error, and that error. */
static void choose_scale(const struct quant_layer *l, const float *w, int min_wexp,
                         struct quant_channel *out) {
    int aligned = aligned_exponent(l, w);
    out->error = INFINITY;
    for (int i = 0; i < step_count(l); i++) {
        int wexp = aligned + scale_steps[i] > min_wexp ? aligned + scale_steps[i] : min_wexp;
        double error = rounding_error(l, w, wexp, out->error);
        if (error >= out->error) continue;
        out->error = error;
        out->wexp = wexp;
    }
}

double quant_nearest_error(const struct quant_layer *l, int64_t channel) {
    const float *w = l->weights + channel * l->taps;
    struct quant_channel found = {.energy = energy_of(w, l->taps)};
    if (found.energy > 0) choose_scale(l, w, INT16_MIN, &found);
    return found.error;
}

static void round_nearest_mse(const struct quant_layer *l, int64_t channel, int min_wexp,
                              int16_t *const q[2], struct quant_channel *out) {
    const float *w = l->weights + channel * l->taps;
    *out = (struct quant_channel){.energy = energy_of(w, l->taps)};
    if (round_zeros(l, min_wexp, q, out)) return;
    choose_scale(l, w, min_wexp, out);
    put_levels(l, w, out->wexp, q);
}

static double level_error(const struct quant_layer *l, const float *w, int wexp,
                          int16_t *const q[2]) {
    double error = 0, unit = ldexp(1, wexp);
    for (int64_t i = 0; i < l->taps; i++) {
        double level;
        quant_levels_read(l, q, i, 1, &level);
        double e = (double)w[i] - level * unit;
        error += e * e;
    }
    return error;
}

/* The scale stays that of least weight error: choosing it by the cost gained nothing. */
static void round_output_mse(const struct quant_layer *l, int64_t channel, int min_wexp,
                             int16_t *const q[2], struct quant_channel *out) {
    const float *w = l->weights + channel * l->taps;
    round_nearest_mse(l, channel, min_wexp, q, out);
    if (out->energy == 0) return;
    quant_descend(l, channel, out->wexp, q);
    out->error = level_error(l, w, out->wexp, q);
}

static const struct quant_rounder rounders[ROUND_COUNT] = {
#define ROUNDER(function, name, meaning) {name, meaning, round_##function},
#include "passes/quant/rounders.def"
#undef ROUNDER
};

const struct quant_rounder *quant_rounder_at(int i) {
    return &rounders[i];
}
