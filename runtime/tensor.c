/* Tensors between the model's order of elements (C×H×W, N = 1) and the layouts they have in
 * DRAM, isa/isa.h. */
#include "runtime/runtime.h"

#include <math.h>
#include <string.h>

size_t rt_tensor_elements(const struct svpe_tensor *t) {
    return (size_t)t->channels * (size_t)t->height * (size_t)t->width;
}

/* Elements the layout holds, tails included. */
static size_t layout_elements(const struct svpe_tensor *t, int lanes) {
    size_t pixels = (size_t)t->height * (size_t)t->width, channels = (size_t)t->channels,
           V = (size_t)lanes;
    if (t->layout == SVPE_LAYOUT_BLOCKED) return (channels + V - 1) / V * V * pixels;
    return pixels << t->px;
}

/* The pixels of one channel lie at first, first + step, … */
struct plane {
    size_t first, step, pixels;
};

static struct plane plane_of(struct rt_tensor_at at, size_t c) {
    const struct svpe_tensor *t = at.tensor;
    size_t pixels = (size_t)t->height * (size_t)t->width, lanes = (size_t)at.lanes;
    if (t->layout == SVPE_LAYOUT_STEM) return (struct plane){c, (size_t)1 << t->px, pixels};
    return (struct plane){c / lanes * pixels * lanes + c % lanes, lanes, pixels};
}

static int16_t get_stored(const uint8_t *base, int bits, size_t index) {
    if (bits == 8) return (int8_t)base[index];
    return (int16_t)(base[2 * index] | base[2 * index + 1] << 8);
}

static void put_stored(uint8_t *base, int bits, size_t index, int value) {
    if (bits == 8) {
        base[index] = (uint8_t)value;
    } else {
        base[2 * index] = (uint8_t)value;
        base[2 * index + 1] = (uint8_t)((unsigned)value >> 8);
    }
}

void rt_read_stored(struct rt_tensor_at at, int16_t *out) {
    const uint8_t *base = at.region + at.tensor->offset;
    for (size_t c = 0; c < (size_t)at.tensor->channels; c++) {
        struct plane p = plane_of(at, c);
        for (size_t n = 0; n < p.pixels; n++)
            *out++ = get_stored(base, at.tensor->bits, p.first + n * p.step);
    }
}

static void fill_zero(struct rt_tensor_at at) {
    uint8_t *base = at.region + at.tensor->offset;
    size_t count = layout_elements(at.tensor, at.lanes);
    for (size_t n = 0; n < count; n++) put_stored(base, at.tensor->bits, n, at.tensor->zero);
}

void rt_write_stored(struct rt_tensor_at at, const int16_t *in) {
    uint8_t *base = at.region + at.tensor->offset;
    fill_zero(at);
    for (size_t c = 0; c < (size_t)at.tensor->channels; c++) {
        struct plane p = plane_of(at, c);
        for (size_t n = 0; n < p.pixels; n++)
            put_stored(base, at.tensor->bits, p.first + n * p.step, *in++);
    }
}

/* Times a power of two is exact, but 0 times one that is no double. */
static float real(const struct svpe_tensor *t, double unit, int stored) {
    return stored == t->zero ? 0 : (float)((stored - t->zero) * unit);
}

static void read_reals(struct rt_tensor_at at, float *out) {
    const struct svpe_tensor *t = at.tensor;
    const uint8_t *base = at.region + t->offset;
    double unit = ldexp(1, t->exp);
    for (size_t c = 0; c < (size_t)t->channels; c++) {
        struct plane p = plane_of(at, c);
        for (size_t n = 0; n < p.pixels; n++)
            *out++ = real(t, unit, get_stored(base, t->bits, p.first + n * p.step));
    }
}

/* sat(rint(x · 2^−exp) + zero); a value that is not a number becomes the zero. */
static int quantize(const struct svpe_tensor *t, double per_unit, float x) {
    double high = (1 << (t->bits - 1)) - 1, low = -high - 1;
    double v = rint((double)x * per_unit) + t->zero;
    if (v != v) return t->zero;
    return (int)(v < low ? low : v > high ? high : v);
}

static void write_reals(struct rt_tensor_at at, const float *in) {
    const struct svpe_tensor *t = at.tensor;
    uint8_t *base = at.region + t->offset;
    double per_unit = ldexp(1, -t->exp);
    fill_zero(at);
    for (size_t c = 0; c < (size_t)t->channels; c++) {
        struct plane p = plane_of(at, c);
        for (size_t n = 0; n < p.pixels; n++)
            put_stored(base, t->bits, p.first + n * p.step, quantize(t, per_unit, *in++));
    }
}

void rt_read_values(struct rt_tensor_at at, void *out) {
    const struct svpe_tensor *t = at.tensor;
    if (t->layout == SVPE_LAYOUT_PLAIN)
        memcpy(out, at.region + t->offset, rt_tensor_elements(t) * (size_t)(t->bits / 8));
    else
        read_reals(at, out);
}

void rt_write_values(struct rt_tensor_at at, const void *in) {
    const struct svpe_tensor *t = at.tensor;
    if (t->layout == SVPE_LAYOUT_PLAIN)
        memcpy(at.region + t->offset, in, rt_tensor_elements(t) * (size_t)(t->bits / 8));
    else
        write_reals(at, in);
}

void rt_read_floats(struct rt_tensor_at at, float *out) {
    const struct svpe_tensor *t = at.tensor;
    enum ir_dtype type = t->layout == SVPE_LAYOUT_PLAIN ? ir_dtype_by_name(t->dtype) : IR_F32;
    if (type == IR_F32) {
        rt_read_values(at, out);
        return;
    }
    size_t count = rt_tensor_elements(t);
    for (size_t n = 0; n < count; n++)
        out[n] = (float)ir_load_float(type, at.region + t->offset, (int64_t)n);
}
