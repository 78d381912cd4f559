/* Float convolution for calibration: fast on any CPU, and bit for bit the same on every one,
 * because each output's additions have one fixed order (input channel, kernel row, kernel column)
 * and nothing is fused.
 *
 * The padded input of a group is laid out so that every kernel tap reads a contiguous run: strides
 * are taken apart into phases, plane (row % sy, column % sx), pixel (row / sy, column / sx). All
 * planes have one pitch, so the output is one long vector with a few unused columns at the end of
 * each row.
 */
#include "passes/quant/quant.h"

#include <math.h>
#include <string.h>

enum { LANES = 8, BLOCK = 4 };
typedef float vec __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));

struct quant_conv_kernel {
    int64_t batch, groups, ic, oc; /* channels of one group */
    int64_t ih, iw, oh, ow;
    int64_t kh, kw, sy, sx, dy, dx, top, left;
    int64_t ph, pw;       /* rows and pitch of a plane */
    int64_t planes;       /* floats of the laid-out input of one group */
    int64_t taps, length; /* length: of the output vector, a multiple of LANES */
    int64_t *offset;      /* of each tap's run in the laid-out input */
    float *weights;       /* per group and block of channels: [taps][block width] */
    float *bias;          /* [groups·oc] */
    float lo, hi;
};

/* Depthwise layers have one output channel per group: blocks of one. */
static int64_t block_width(const struct quant_conv_kernel *k) {
    return k->oc == 1 ? 1 : BLOCK;
}

static int64_t blocks(const struct quant_conv_kernel *k) {
    return (k->oc + block_width(k) - 1) / block_width(k);
}

size_t quant_conv_kernel_scratch(const struct quant_conv_kernel *k) {
    return (size_t)(k->planes + LANES + BLOCK * k->length);
}

static void set_shape(struct quant_conv_kernel *k, const struct ir_node *n) {
    const struct ir_value *x = n->in[0], *w = n->in[1], *y = n->out[0];
    int count;
    const int64_t *pads = ir_attr_ints(n, "pads", &count);
    const int64_t *strides = ir_attr_ints(n, "strides", &count);
    const int64_t *dilations = ir_attr_ints(n, "dilations", &count);
    *k = (struct quant_conv_kernel){
        .batch = x->dims[0],
        .groups = ir_attr_int(n, "group"),
        .ic = w->dims[1],
        .ih = x->dims[2],
        .iw = x->dims[3],
        .oh = y->dims[2],
        .ow = y->dims[3],
        .kh = w->dims[2],
        .kw = w->dims[3],
        .sy = strides[0],
        .sx = strides[1],
        .dy = dilations[0],
        .dx = dilations[1],
        .top = pads[0],
        .left = pads[1],
    };
    k->oc = w->dims[0] / k->groups;
    k->ph = k->oh + (k->kh - 1) * k->dy / k->sy;
    k->pw = k->ow + (k->kw - 1) * k->dx / k->sx;
    k->taps = k->ic * k->kh * k->kw;
    k->length = ((k->oh - 1) * k->pw + k->ow + LANES - 1) / LANES * LANES;
}

/* A stride may be as large as it likes: false where not even the number of floats that the planes
 * take can be told. */
static bool set_planes(struct quant_conv_kernel *k) {
    const int64_t factors[] = {k->ic, k->sy, k->sx, k->ph, k->pw};
    k->planes = 1;
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++)
        if (__builtin_mul_overflow(k->planes, factors[i], &k->planes)) return false;
    return k->planes <= INT64_MAX / (int64_t)sizeof(float) / 2;
}

static void set_bounds(struct quant_conv_kernel *k, const struct ir_node *n) {
    const char *act = ir_attr_string(n, "act");
    k->lo = strcmp(act, "none") ? 0 : -INFINITY;
    k->hi = INFINITY;
    if (strcmp(act, "clip")) return;
    k->lo = (float)ir_attr_float(n, "act_min");
    k->hi = (float)ir_attr_float(n, "act_max");
}

static void set_offsets(struct quant_conv_kernel *k) {
    int64_t plane = k->ph * k->pw, *to = k->offset;
    for (int64_t c = 0; c < k->ic; c++)
        for (int64_t y = 0; y < k->kh; y++)
            for (int64_t x = 0; x < k->kw; x++) {
                int64_t row = y * k->dy, column = x * k->dx;
                int64_t phase = (c * k->sy + row % k->sy) * k->sx + column % k->sx;
                *to++ = phase * plane + row / k->sy * k->pw + column / k->sx;
            }
}

/* Weights of a block side by side; channels beyond the last are zero. */
static void pack_weights(struct quant_conv_kernel *k, const void *data) {
    int64_t width = block_width(k);
    float *to = k->weights;
    for (int64_t g = 0; g < k->groups; g++)
        for (int64_t b = 0; b < blocks(k); b++)
            for (int64_t t = 0; t < k->taps; t++)
                for (int64_t j = 0; j < width; j++, to++) {
                    int64_t o = b * width + j, at = (g * k->oc + o) * k->taps + t;
                    if (o < k->oc) memcpy(to, (const char *)data + at * 4, sizeof *to);
                }
}

struct quant_conv_kernel *quant_conv_kernel_new(struct arena *a, const struct ir_node *n) {
    struct quant_conv_kernel *k = arena_alloc(a, sizeof *k);
    set_shape(k, n);
    if (!set_planes(k)) ctx_oom(arena_ctx(a));
    set_bounds(k, n);
    size_t channels = (size_t)(k->groups * k->oc);
    size_t packed = (size_t)(k->groups * blocks(k) * block_width(k));
    k->offset = arena_array(a, (size_t)k->taps, sizeof *k->offset);
    k->weights = arena_array(a, packed * (size_t)k->taps, sizeof *k->weights);
    k->bias = arena_array(a, channels, sizeof *k->bias);
    if (n->in_count > 2 && n->in[2]) memcpy(k->bias, n->in[2]->data, channels * sizeof *k->bias);
    set_offsets(k);
    pack_weights(k, n->in[1]->data);
    return k;
}

/* One plane row: column c of phase px holds input column c·sx + px − left, or padding. */
static void lay_row(const struct quant_conv_kernel *k, const float *x, int64_t px, float *to) {
    for (int64_t c = 0; c < k->pw; c++) {
        int64_t column = c * k->sx + px - k->left;
        to[c] = x && column >= 0 && column < k->iw ? x[column] : 0;
    }
}

static void lay_out(const struct quant_conv_kernel *k, const float *x, float *to) {
    for (int64_t c = 0; c < k->ic; c++, x += k->ih * k->iw)
        for (int64_t py = 0; py < k->sy; py++)
            for (int64_t px = 0; px < k->sx; px++)
                for (int64_t r = 0; r < k->ph; r++, to += k->pw) {
                    int64_t row = r * k->sy + py - k->top;
                    bool inside = row >= 0 && row < k->ih;
                    lay_row(k, inside ? x + row * k->iw : NULL, px, to);
                }
    memset(to, 0, LANES * sizeof *to);
}

/* The one loop that takes time. width is a constant wherever this is called. */
static inline __attribute__((always_inline)) void run_block(const struct quant_conv_kernel *k,
                                                            const float *planes,
                                                            const float *weights, float *acc,
                                                            int width) {
    for (int64_t p = 0; p < k->length; p += LANES) {
        vec sum[BLOCK] = {{0}};
        const float *w = weights;
        for (int64_t t = 0; t < k->taps; t++, w += width) {
            vec x = *(const vec *)(planes + k->offset[t] + p);
            for (int j = 0; j < width; j++) sum[j] += x * w[j];
        }
        for (int j = 0; j < width; j++) *(vec *)(acc + j * k->length + p) = sum[j];
    }
}

static void store_channel(const struct quant_conv_kernel *k, const float *acc, float bias,
                          float *y) {
    for (int64_t r = 0; r < k->oh; r++, acc += k->pw)
        for (int64_t c = 0; c < k->ow; c++) {
            float v = acc[c] + bias;
            v = v < k->lo ? k->lo : v;
            *y++ = v > k->hi ? k->hi : v;
        }
}

static void run_group(const struct quant_conv_kernel *k, int64_t g, const float *planes, float *acc,
                      float *y) {
    int64_t width = block_width(k), step = width * k->taps;
    const float *w = k->weights + g * blocks(k) * step;
    for (int64_t b = 0; b < blocks(k); b++, w += step) {
        if (width == 1)
            run_block(k, planes, w, acc, 1);
        else
            run_block(k, planes, w, acc, BLOCK);
        for (int64_t o = b * width; o < (b + 1) * width && o < k->oc; o++, y += k->oh * k->ow)
            store_channel(k, acc + (o - b * width) * k->length, k->bias[g * k->oc + o], y);
    }
}

void quant_conv_kernel_run(const struct quant_conv_kernel *k, const float *x, float *y,
                           float *scratch) {
    float *acc = scratch + k->planes + LANES;
    for (int64_t n = 0; n < k->batch; n++)
        for (int64_t g = 0; g < k->groups; g++) {
            lay_out(k, x, scratch);
            run_group(k, g, scratch, acc, y);
            x += k->ic * k->ih * k->iw;
            y += k->oc * k->oh * k->ow;
        }
}
