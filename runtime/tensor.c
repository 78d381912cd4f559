/* Tensors between the model's order of elements (C×H×W, N = 1) and the layouts they have in DRAM, isa/isa.h. */
#include "runtime/runtime.h"

#include <math.h>
#include <string.h>

enum { MAX_EXPONENT = 1024 };

static size_t element_bytes(const struct svpe_tensor *t) {
    return t->layout == SVPE_LAYOUT_PLAIN ? sizeof(float) : (size_t)t->bits / 8;
}

size_t rt_tensor_elements(const struct svpe_tensor *t) {
    return (size_t)t->channels * (size_t)t->height * (size_t)t->width;
}

/* ---- Checks ---- */

/* false: more than any region may have */
static bool multiply(uint64_t *product, int64_t by) {
    if (by < 1 || *product > RT_MEMORY_LIMIT / (uint64_t)by) return false;
    *product *= (uint64_t)by;
    return true;
}

static const char *shape_fault(const struct svpe_tensor *t) {
    uint64_t elements = 1, dims = 1;
    if (!multiply(&elements, t->channels) || !multiply(&elements, t->height) ||
        !multiply(&elements, t->width))
        return "channels, height or width are not positive, or too large together";
    if (t->rank < 0 || t->rank > 8) return "the rank is not in 0…8";
    for (int n = 0; n < t->rank; n++)
        if (!multiply(&dims, t->dims[n]))
            return "a dimension is not positive, or all are too large";
    return dims == elements ? NULL : "the dimensions do not multiply to channels × height × width";
}

/* Elements the layout holds, tails included; UINT64_MAX when no region could. */
static uint64_t layout_elements(const struct svpe_tensor *t, int64_t lanes) {
    uint64_t n = 1;
    int64_t depth = t->layout == SVPE_LAYOUT_BLOCKED ? (t->channels + lanes - 1) / lanes * lanes
                    : t->layout == SVPE_LAYOUT_STEM  ? (int64_t)1 << t->px
                                                     : t->channels;
    bool fits = multiply(&n, depth) && multiply(&n, t->height) && multiply(&n, t->width);
    return fits ? n : UINT64_MAX;
}

static bool check_values(struct ctx *c, const char *where, const struct rt_image *image,
                         const struct svpe_tensor *t) {
    int bits = image->machine.act_bits;
    bool plain = t->layout == SVPE_LAYOUT_PLAIN;
    bool zero = plain || t->zero == 0 || t->zero == -(1 << (bits - 1));
    if ((plain ? t->bits == 32 : t->bits == bits) && zero && t->exp >= -MAX_EXPONENT &&
        t->exp <= MAX_EXPONENT)
        return true;
    const char *expected = plain ? "32" : bits == 8 ? "8" : "16";
    diag(c, rt_tensor_value, where, t->bits, t->exp, t->zero, expected, MAX_EXPONENT, MAX_EXPONENT);
    return false;
}

static bool check_region(struct ctx *c, const char *where, const struct rt_image *image,
                         const struct svpe_tensor *t) {
    if (t->region != SVPE_REGION_WORK && t->region != SVPE_REGION_IN &&
        t->region != SVPE_REGION_OUT) {
        diag(c, rt_tensor_region, where, svpe_region_name(t->region));
        return false;
    }
    uint64_t size = image->machine.region_bytes[t->region];
    if (t->offset > size || t->bytes > size - t->offset) {
        diag(c, rt_tensor_bytes, where, t->offset, t->offset + t->bytes,
             svpe_region_name(t->region), size);
        return false;
    }
    return true;
}

bool rt_check_tensor(struct ctx *c, const char *where, const struct rt_image *image,
                     const struct svpe_tensor *t) {
    int64_t lanes = image->machine.target->lanes;
    if (!check_region(c, where, image, t)) return false;
    const char *fault = shape_fault(t);
    if (fault) {
        diag(c, rt_tensor_shape, where, fault);
        return false;
    }
    if (t->layout == SVPE_LAYOUT_STEM &&
        (t->px < 0 || t->px > 7 || 1 << t->px > lanes || t->channels > 1 << t->px)) {
        diag(c, rt_tensor_stem, where, t->channels, t->px, (int)lanes);
        return false;
    }
    if (!check_values(c, where, image, t)) return false;
    uint64_t elements = layout_elements(t, lanes), bytes = element_bytes(t);
    if (elements > t->bytes / bytes) {
        diag(c, rt_tensor_size, where, t->bytes,
             elements == UINT64_MAX ? UINT64_MAX : elements * bytes);
        return false;
    }
    return true;
}

/* ---- Access ---- */

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
    size_t count = (size_t)layout_elements(at.tensor, at.lanes);
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
