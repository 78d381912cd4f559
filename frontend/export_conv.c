/* A convolution of integers by ONNX's Conv, which computes in float: exactly, whatever order a
 * runtime adds in and however it fuses, as long as no sum of magnitudes passes 2^24. Where one
 * would, weights are cut into groups of binary digits, and 16-bit activations into bytes; the parts
 * meet again in double. ConvInteger would say the same in one node, but runtimes add pairs of its
 * products in 16 bits on some CPUs, saturating. */
#include "frontend/export.h"

#include "frontend/diag.h"

#include <math.h>
#include <stdlib.h>

#define EXACT ((int64_t)1 << 24)
enum { ALL_DIGITS = 16 };

static int64_t digits_of(int16_t w, int from, int count) {
    int64_t magnitude = (abs(w) >> from) & ((1 << count) - 1);
    return w < 0 ? -magnitude : magnitude;
}

/* The longest sum of magnitudes of an output channel, weights cut to `count` digits. */
static int64_t longest(const struct fe_sum *s, int from, int count) {
    int64_t each = s->dims[1] * s->dims[2] * s->dims[3], most = 0;
    for (int64_t o = 0; o < s->dims[0]; o++) {
        int64_t sum = 0;
        for (int64_t i = 0; i < each; i++) sum += llabs(digits_of(s->w[o * each + i], from, count));
        if (sum > most) most = sum;
    }
    return most;
}

/* The most digits that a group may have for sums to be exact; 0: not even one. */
static int digits_at_once(const struct fe_sum *s, int64_t most) {
    for (int count = ALL_DIGITS; count > 0; count /= 2) {
        bool good = true;
        for (int from = 0; good && from < ALL_DIGITS; from += count)
            good = longest(s, from, count) <= EXACT / most;
        if (good) return count;
    }
    return 0;
}

static const char *put_weights(struct fe_export *x, const struct fe_sum *s, int from, int count) {
    size_t n = (size_t)(s->dims[0] * s->dims[1] * s->dims[2] * s->dims[3]);
    bool narrow = true;
    for (size_t i = 0; i < n && narrow; i++)
        narrow = llabs(digits_of(s->w[i], from, count)) <= INT8_MAX;
    size_t bytes = narrow ? n : n * sizeof(int16_t);
    void *data = arena_alloc(x->a, bytes);
    for (size_t i = 0; i < n; i++) {
        int64_t v = digits_of(s->w[i], from, count);
        if (narrow)
            ((int8_t *)data)[i] = (int8_t)v;
        else
            ((int16_t *)data)[i] = (int16_t)v;
    }
    const char *w = fe_put_tensor(x, fe_part(x), narrow ? FE_I8 : FE_I16, 4, s->dims, data, bytes);
    return fe_put_cast(x, w, FE_F32, NULL);
}

static const char *put_conv(struct fe_export *x, const struct fe_sum *s, const char *in,
                            const char *weights) {
    const char *out = fe_put2(x, "Conv", in, weights);
    fe_put_ints(x, "kernel_shape", s->dims + 2, 2);
    fe_put_ints(x, "strides", s->strides, 2);
    fe_put_ints(x, "dilations", s->dilations, 2);
    fe_put_int(x, "group", s->group);
    return fe_put_cast(x, out, FE_F64, NULL);
}

/* sum + 2^exp · part */
static const char *add_part(struct fe_export *x, const char *sum, const char *part, int exp) {
    if (exp) part = fe_put2(x, "Mul", part, fe_put_f64(x, ldexp(1, exp)));
    return sum ? fe_put2(x, "Add", sum, part) : part;
}

static const char *add_groups(struct fe_export *x, const struct fe_sum *s, const char *sum,
                              const char *in, int64_t most, int exp) {
    int count = digits_at_once(s, most);
    if (!count) {
        diag(x->c, fe_export_long, ir_node_where(x->a, x->n),
             (long long)(s->dims[1] * s->dims[2] * s->dims[3]));
        return NULL;
    }
    for (int from = 0; from < ALL_DIGITS; from += count) {
        if (from > 0 && longest(s, from, count) == 0) continue;
        sum = add_part(x, sum, put_conv(x, s, in, put_weights(x, s, from, count)), from + exp);
    }
    return sum;
}

const char *fe_put_sum(struct fe_export *x, const struct fe_sum *s) {
    enum { BYTE = 256 };
    if (s->most <= BYTE) return add_groups(x, s, NULL, s->in, s->most, 0);
    const char *high = fe_put1(x, "Floor", fe_put2(x, "Mul", s->in, fe_put_f32(x, 1.0 / BYTE)));
    const char *low = fe_put2(x, "Sub", s->in, fe_put2(x, "Mul", high, fe_put_f32(x, BYTE)));
    const char *sum = add_groups(x, s, NULL, high, s->most / BYTE + 1, 8);
    return sum ? add_groups(x, s, sum, low, BYTE - 1, 0) : NULL;
}
