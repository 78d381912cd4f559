/* The normative arithmetic of docs/numbers.md for the oracle. The runtime and the hardware have
 * their own. */
#include "ir/ir.h"

#include <math.h>

int64_t ir_round_shift(int64_t x, int s) {
    if (s == 0) return x;
    /* Unsigned addition: the caller's proof keeps x far from the ends, a hostile graph must not be
     * undefined. */
    int64_t sum = (int64_t)((uint64_t)x + ((uint64_t)1 << (s - 1)));
    return sum >> s; /* arithmetic on every compiler we build with */
}

int64_t ir_saturate(int64_t x, int bits) {
    int64_t max = ((int64_t)1 << (bits - 1)) - 1;
    return x > max ? max : x < -max - 1 ? -max - 1 : x;
}

int64_t ir_quantize_float(double x, struct ir_quant q) {
    if (isnan(x)) return q.zero; /* there is no better integer for it */
    double y = rint(ldexp(x, -q.exp)) + (double)q.zero;
    double max = ldexp(1, q.bits - 1) - 1;
    return (int64_t)(y > max ? max : y < -max - 1 ? -max - 1 : y);
}

double ir_dequantize(int64_t stored, struct ir_quant q) {
    return ldexp((double)(stored - q.zero), q.exp);
}
