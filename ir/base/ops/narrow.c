/* Element types that the IR has no storage for: what a Cast to them leaves of a number, which is
 * kept in the next wider type. Source: ONNX Cast 28; "FP8 formats for deep learning" (E4M3FN,
 * E5M2), their FNUZ variants, OCP microscaling (E2M1, E8M0). */
#include "base/ops/internal.h"

#include <math.h>
#include <string.h>

struct ir_narrow {
    const char *name;
    /* Floats: bits of exponent and mantissa, what the exponent is off by, how many of the mantissas
     * of the largest exponent are no numbers, and what stands for those that are too large. */
    int exponent, mantissa, bias, lost;
    double over;
    /* Integers: bits; 0: a float. */
    int bits;
    bool sign;
};

static const struct ir_narrow types[] = {
    {"float8e4m3fn", 4, 3, 7, 1, NAN, 0, true},
    {"float8e4m3fnuz", 4, 3, 8, 0, NAN, 0, true},
    {"float8e5m2", 5, 2, 15, 4, INFINITY, 0, true},
    {"float8e5m2fnuz", 5, 2, 16, 0, NAN, 0, true},
    {"float4e2m1", 2, 1, 1, 0, NAN, 0, true},
    {"float8e8m0", 8, 0, 127, 1, NAN, 0, false},
    {"uint4", .bits = 4},
    {"int4", .bits = 4, .sign = true},
    {"uint2", .bits = 2},
    {"int2", .bits = 2, .sign = true},
};

const struct ir_narrow *ir_narrow_by_name(const char *name) {
    for (size_t i = 0; name != NULL && i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, name) == 0) return &types[i];
    return NULL;
}

static double largest(const struct ir_narrow *t) {
    int codes = 1 << t->mantissa, used = codes - t->lost % codes;
    int top = (1 << t->exponent) - 1 - (t->lost == codes) - t->bias;
    return ldexp(codes + used - 1, top - t->mantissa);
}

/* The exponent alone, without a sign: powers of two. */
static double power_of_two(const struct ir_narrow *t, double x, char mode) {
    int e;
    if (!(x >= 0)) return NAN;
    double least = ldexp(1, -t->bias), f = frexp(x, &e); /* x = f·2^e, f in [1/2, 1) */
    if (x <= least) return least;
    bool up = mode == 'u' ? f > 0.5 : mode == 'd' ? false : f >= 0.75;
    return fmin(ldexp(1, e - 1 + up), largest(t));
}

double ir_narrow_float(const struct ir_narrow *t, double x, bool saturate, char mode) {
    bool tiny = t->exponent + t->mantissa < 7; /* E2M1 has numbers only */
    if (isnan(x)) return tiny ? 0 : x;
    if (!t->sign) return power_of_two(t, x, mode);
    double most = largest(t), y = x;
    if (!isinf(x) && x != 0) {
        int e = ilogb(x) > 1 - t->bias ? ilogb(x) : 1 - t->bias;
        double step = ldexp(1, e - t->mantissa);
        y = x / step;
        y = (y - remainder(y, 1)) * step;
    }
    if (fabs(y) <= most) return y;
    return copysign(saturate || tiny ? most : t->over, x);
}

int64_t ir_narrow_int(const struct ir_narrow *t, int64_t v) {
    uint64_t range = (uint64_t)1 << t->bits, low = (uint64_t)v & (range - 1);
    return (int64_t)(t->sign && low >= range / 2 ? low - range : low);
}

bool ir_narrow_is_int(const struct ir_narrow *t) {
    return t->bits > 0;
}
