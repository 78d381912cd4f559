/* Functions of one element: one C function per row IR_FUNCTION of ops.def, named after it. Float
 * evaluation, shape rule, legality, value ranges and the device's tables follow from the row.
 * Source: the ONNX operators of the rows. */
#include "base/ops/ops.h"

#include <math.h>

/* x and y in double; p: the attributes in the order of the row. No branch may depend on how a
 * library function rounds, and what can be said by + − · / and comparisons is: tables are computed
 * from these, and an entry that lies halfway between two integers has to fall the same way
 * everywhere. Values of exp and its kin at a quantized x ≠ 0 are transcendental, never such a tie,
 * and the chance that a library's last digit (2^−53) moves one across is about 2^−37 an entry. */
#define FUNCTION(name) static double at_##name(double x, const double *p __attribute__((unused)))

/* exp of what is not positive only: it cannot overflow. */
FUNCTION(sigmoid) {
    double e = exp(-fabs(x));
    return (x < 0 ? e : 1) / (1 + e);
}

/* Of a quantized x everything before the division is exact. */
FUNCTION(hardswish) {
    return x <= -3 ? 0 : x >= 3 ? x : x * (x + 3) / 6;
}

FUNCTION(tanh) {
    return tanh(x);
}

FUNCTION(hardsigmoid) {
    double y = p[0] * x + p[1];
    return y < 0 ? 0 : y > 1 ? 1 : y; /* not a number stays that */
}

FUNCTION(leakyrelu) {
    return x < 0 ? p[0] * x : x;
}

FUNCTION(elu) {
    return x < 0 ? p[0] * expm1(x) : x;
}

FUNCTION(selu) {
    return p[1] * (x < 0 ? p[0] * expm1(x) : x);
}

FUNCTION(softplus) {
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}

FUNCTION(softsign) {
    if (isinf(x)) return copysign(1, x);
    return x / (1 + fabs(x));
}

FUNCTION(exp) {
    return exp(x);
}

FUNCTION(erf) {
    return erf(x);
}

/* x times a factor that falls to 0 faster than x grows: 0 at infinity too. */
static double damped(double x, double factor) {
    return factor == 0 ? copysign(0, x) : x * factor;
}

/* The hyperbolic tangent of a logarithm is a quotient of polynomials. */
FUNCTION(mish) {
    double e = exp(-fabs(x));
    return damped(x,
                  x < 0 ? e * (e + 2) / (e * (e + 2) + 2) : (1 + 2 * e) / (1 + 2 * e + 2 * e * e));
}

/* x times the normal distribution's, or what comes near it: (1 + tanh u)/2 is the sigmoid of 2u. */
FUNCTION(gelu) {
    const double root = 0.70710678118654752, slope = 0.79788456080286536; /* √(1/2), √(2/π) */
    if (p[0] != 0) return damped(x, at_sigmoid(2 * slope * (x + 0.044715 * x * x * x), NULL));
    return damped(x, erfc(-x * root) / 2);
}

FUNCTION(celu) {
    return x < 0 ? p[0] * expm1(x / p[0]) : x;
}

/* Not a number stays that. */
FUNCTION(thresholdedrelu) {
    return x <= p[0] ? 0 : x;
}

FUNCTION(shrink) {
    if (x < -p[0]) return x + p[1];
    if (x > p[0]) return x - p[1];
    return isnan(x) ? x : 0;
}

FUNCTION(swish) {
    return damped(x, at_sigmoid(p[0] == 0 ? 0 : p[0] * x, NULL));
}

static const struct row {
    double (*at)(double x, const double *p);
    enum { ANY, NONNEG } sign;
} rows[IR_OP_COUNT] = {
#define IR_OP(...)
#define IR_FUNCTION(name, text, onnx, since_min, since_max, attrs, sign, meaning)                  \
    [IR_OP_##name] = {at_##name, sign},
#include "base/ops/ops.def"
#undef IR_OP
};

bool ir_is_function(enum ir_op op) {
    return rows[op].at != NULL;
}

bool ir_function_nonneg(enum ir_op op) {
    return rows[op].sign == NONNEG;
}

/* Attributes are single precision in ONNX; a default is written in the table with fewer digits. */
struct ir_function ir_function_of(const struct ir_node *n) {
    struct ir_function f = {.at = rows[n->op].at};
    struct ir_attr_info info;
    for (int i = 0; i < IR_FUNCTION_PARAMS && ir_attr_schema(n->op, i, &info); i++)
        if (info.kind == IR_ATTR_FLOAT) f.params[i] = (double)(float)ir_attr_float(n, info.name);
    return f;
}
