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
    return t->layout == SVPE_LAYOUT_STEM ? pixels << t->px : pixels * channels;
}

/* Visits the elements in the model's order with the index of each in the layout. */
struct walk {
    const struct svpe_tensor *t;
    size_t lanes, c, y, x;
};

static size_t layout_index(const struct walk *w) {
    size_t height = (size_t)w->t->height, width = (size_t)w->t->width;
    switch (w->t->layout) {
    case SVPE_LAYOUT_BLOCKED:
        return ((w->c / w->lanes * height + w->y) * width + w->x) * w->lanes + w->c % w->lanes;
    case SVPE_LAYOUT_STEM:
        return ((w->y * width + w->x) << w->t->px) + w->c;
    default:
        return (w->c * height + w->y) * width + w->x;
    }
}

static void next(struct walk *w) {
    if (++w->x < (size_t)w->t->width) return;
    w->x = 0;
    if (++w->y < (size_t)w->t->height) return;
    w->y = 0;
    w->c++;
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
    struct walk w = {.t = at.tensor, .lanes = (size_t)at.lanes};
    size_t count = rt_tensor_elements(at.tensor);
    for (size_t n = 0; n < count; n++, next(&w))
        out[n] = get_stored(base, at.tensor->bits, layout_index(&w));
}

static void fill_zero(struct rt_tensor_at at) {
    uint8_t *base = at.region + at.tensor->offset;
    size_t count = layout_elements(at.tensor, at.lanes);
    for (size_t n = 0; n < count; n++) put_stored(base, at.tensor->bits, n, at.tensor->zero);
}

void rt_write_stored(struct rt_tensor_at at, const int16_t *in) {
    uint8_t *base = at.region + at.tensor->offset;
    struct walk w = {.t = at.tensor, .lanes = (size_t)at.lanes};
    size_t count = rt_tensor_elements(at.tensor);
    fill_zero(at);
    for (size_t n = 0; n < count; n++, next(&w))
        put_stored(base, at.tensor->bits, layout_index(&w), in[n]);
}

void rt_read_floats(struct rt_tensor_at at, float *out) {
    const struct svpe_tensor *t = at.tensor;
    const uint8_t *base = at.region + t->offset;
    size_t count = rt_tensor_elements(t);
    if (t->layout == SVPE_LAYOUT_PLAIN) {
        memcpy(out, base, count * sizeof *out);
        return;
    }
    struct walk w = {.t = t, .lanes = (size_t)at.lanes};
    for (size_t n = 0; n < count; n++, next(&w))
        out[n] = (float)ldexp(get_stored(base, t->bits, layout_index(&w)) - t->zero, t->exp);
}

/* sat(rint(x · 2^−exp) + zero); a value that is not a number becomes the zero. */
static int quantize(const struct svpe_tensor *t, float x) {
    double low = -ldexp(1, t->bits - 1), high = -low - 1;
    double v = rint(ldexp((double)x, -t->exp)) + t->zero;
    if (v != v) return t->zero;
    return (int)(v < low ? low : v > high ? high : v);
}

void rt_write_floats(struct rt_tensor_at at, const float *in) {
    const struct svpe_tensor *t = at.tensor;
    uint8_t *base = at.region + t->offset;
    size_t count = rt_tensor_elements(t);
    if (t->layout == SVPE_LAYOUT_PLAIN) {
        memcpy(base, in, count * sizeof *in);
        return;
    }
    struct walk w = {.t = t, .lanes = (size_t)at.lanes};
    fill_zero(at);
    for (size_t n = 0; n < count; n++, next(&w))
        put_stored(base, t->bits, layout_index(&w), quantize(t, in[n]));
}
