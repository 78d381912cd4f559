/* The range of one tensor, gathered in one pass over any amount of data and merged between threads,
 * and the exponent chosen from it.
 */
#include "passes/quant/quant.h"

#include <math.h>
#include <string.h>

enum {
    HALF = QUANT_BINS / 2,
    HALF_LOG2 = 10,
    EXP_LEAST = -120, /* values below 2^-110 share the two bins around zero */
    STEPS_DOWN = 8    /* how far below the clip-free exponent the search goes */
};

void quant_range_init(struct quant_range *r) {
    memset(r, 0, sizeof *r);
    r->exp = EXP_LEAST;
    r->finite = true;
}

/* Bin i of the finer grid is bin floor(i / 2) of the coarser: halves move towards the middle. */
static void widen(struct quant_range *r) {
    uint64_t *middle = r->bins + HALF;
    for (int i = 0; i < HALF / 2; i++) middle[i] = middle[2 * i] + middle[2 * i + 1];
    for (int i = 1; i <= HALF / 2; i++) middle[-i] = middle[-2 * i] + middle[-2 * i + 1];
    memset(r->bins, 0, HALF / 2 * sizeof *r->bins);
    memset(middle + HALF / 2, 0, HALF / 2 * sizeof *r->bins);
    r->exp++;
}

static void widen_to(struct quant_range *r, int exp) {
    if (r->count == r->zeros) r->exp = exp > r->exp ? exp : r->exp; /* nothing to move */
    while (r->exp < exp) widen(r);
}

/* The smallest exponent whose bins hold min and max. */
static int exp_for(double min, double max) {
    double size = fmax(-min, max);
    if (size == 0) return EXP_LEAST;
    int exp;
    double mantissa = frexp(size, &exp);      /* size in [2^(exp−1), 2^exp) */
    if (mantissa == 0.5 && max < size) exp--; /* −2^k is the lowest bin's edge */
    return exp - HALF_LOG2 > EXP_LEAST ? exp - HALF_LOG2 : EXP_LEAST;
}

enum { CHUNK = 512 };

/* floor(x · inverse) of each: of −0.5 it is −1. */
static void bins_of(const float *x, int count, double inverse, int32_t *bin) {
    for (int i = 0; i < count; i++) {
        double t = (double)x[i] * inverse;
        int32_t whole = (int32_t)t;
        bin[i] = whole - (t < whole);
    }
}

/* The same in float, twice as quick, where the product is exact: scaling up by a power of two, to
 * less than 2^HALF_LOG2, is. */
static void bins_up(const float *x, int count, float inverse, int32_t *bin) {
    for (int i = 0; i < count; i++) {
        float t = x[i] * inverse;
        int32_t whole = (int32_t)t;
        bin[i] = whole - (t < (float)whole);
    }
}

/* Zeros are counted in bin 0 first: many activations are, and a branch on it costs more than all
 * the rest. */
static void count_bins(struct quant_range *r, const float *values, int64_t count) {
    uint64_t *middle = r->bins + HALF, zeros = 0;
    int32_t bin[CHUNK];
    for (int n; count > 0; count -= n, values += n) {
        n = count < CHUNK ? (int)count : CHUNK;
        if (r->exp <= 0)
            bins_up(values, n, (float)ldexp(1, -r->exp), bin);
        else
            bins_of(values, n, ldexp(1, -r->exp), bin);
        uint32_t none = 0;
        for (int i = 0; i < n; i++) none += values[i] == 0;
        zeros += none;
        for (int i = 0; i < n; i++) middle[bin[i]]++;
    }
    middle[0] -= zeros;
    r->zeros += zeros;
}

enum { LANES = 8 };

/* False if a value is infinite or none at all. *min and *max take them in: in lanes, because one
 * minimum after the other would take longer than all the rest. */
static bool bounds_of(const float *values, int64_t count, float *min, float *max) {
    float low[LANES], high[LANES];
    uint32_t odd[LANES] = {0}; /* x − x is 0 for finite x alone */
    int64_t i = 0;
    for (int j = 0; j < LANES; j++) low[j] = *min, high[j] = *max;
    for (; i + LANES <= count; i += LANES)
        for (int j = 0; j < LANES; j++) {
            float x = values[i + j];
            low[j] = x < low[j] ? x : low[j];
            high[j] = x > high[j] ? x : high[j];
            odd[j] |= x - x != 0;
        }
    for (; i < count; i++) {
        low[0] = values[i] < low[0] ? values[i] : low[0];
        high[0] = values[i] > high[0] ? values[i] : high[0];
        odd[0] |= values[i] - values[i] != 0;
    }
    for (int j = 0; j < LANES; j++) {
        *min = low[j] < *min ? low[j] : *min;
        *max = high[j] > *max ? high[j] : *max;
        odd[0] |= odd[j];
    }
    return odd[0] == 0;
}

void quant_range_add(struct quant_range *r, const float *values, int64_t count) {
    float min = r->count ? r->min : INFINITY, max = r->count ? r->max : -INFINITY;
    r->finite &= bounds_of(values, count, &min, &max);
    if (!r->finite || !count) return;
    widen_to(r, exp_for((double)min, (double)max));
    r->min = min + 0.0f; /* of zeros, the positive one */
    r->max = max + 0.0f;
    r->count += (uint64_t)count;
    count_bins(r, values, count);
}

void quant_range_merge(struct quant_range *into, const struct quant_range *from) {
    into->finite &= from->finite;
    if (!from->count) return;
    struct quant_range other = *from;
    int exp = into->exp > other.exp ? into->exp : other.exp;
    widen_to(into, exp);
    widen_to(&other, exp);
    into->min = into->count && into->min < other.min ? into->min : other.min;
    into->max = into->count && into->max > other.max ? into->max : other.max;
    into->count += other.count;
    into->zeros += other.zeros;
    for (int i = 0; i < QUANT_BINS; i++) into->bins[i] += other.bins[i];
}

struct grid { /* representable values: low·step … high·step */
    double step, low, high;
};

static struct grid grid_of(int bits, bool nonneg, int exp) {
    struct grid g = {.step = ldexp(1, exp)};
    g.low = nonneg ? 0 : -ldexp(g.step, bits - 1);
    g.high = nonneg ? ldexp(g.step, bits) - g.step : ldexp(g.step, bits - 1) - g.step;
    return g;
}

/* ∫ (x − center)² over [from, to]. */
static double integral(double from, double to, double center) {
    double a = from - center, b = to - center;
    return (b * b * b - a * a * a) / 3;
}

/* Mean squared error of values spread evenly over [from, from + width). Bins and grid are both
 * powers of two times an integer: a bin is within one rounding cell (or half of one), or made of
 * whole cells. */
static double bin_error(double from, double width, const struct grid *g) {
    double middle = from + width / 2;
    if (middle > g->high) return integral(from, from + width, g->high) / width;
    if (middle < g->low) return integral(from, from + width, g->low) / width;
    if (width > g->step / 2) return g->step * g->step / 12;
    double center = fmin(fmax(rint(middle / g->step) * g->step, g->low), g->high);
    return integral(from, from + width, center) / width;
}

double quant_range_error(const struct quant_range *r, int bits, bool nonneg, int exp) {
    if (!r->count) return 0;
    struct grid g = grid_of(bits, nonneg, exp);
    double width = ldexp(1, r->exp), error = 0;
    for (int i = 0; i < QUANT_BINS; i++)
        if (r->bins[i]) error += (double)r->bins[i] * bin_error((i - HALF) * width, width, &g);
    return error / (double)r->count;
}

int quant_range_minmax(const struct quant_range *r, int bits, bool nonneg) {
    double min = r->count ? (double)r->min : 0, max = r->count ? (double)r->max : 0;
    if (nonneg && min < 0) min = 0;
    if (min == 0 && max == 0) return 0;
    int exp;
    frexp(fmax(-min, max), &exp);
    exp -= nonneg ? bits + 1 : bits; /* certainly too small */
    for (;; exp++) {
        struct grid g = grid_of(bits, nonneg, exp);
        if (rint(max / g.step) * g.step <= g.high && rint(min / g.step) * g.step >= g.low)
            return exp;
    }
}

int quant_range_mse(const struct quant_range *r, int bits, bool nonneg) {
    int widest = quant_range_minmax(r, bits, nonneg), best = widest;
    double least = quant_range_error(r, bits, nonneg, widest);
    for (int exp = widest - 1; exp >= widest - STEPS_DOWN; exp--) {
        double error = quant_range_error(r, bits, nonneg, exp);
        if (error >= least) continue;
        least = error;
        best = exp;
    }
    return best;
}
