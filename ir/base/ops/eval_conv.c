/* Float convolution, the one both the reference and calibration run: fast on any CPU, and bit for
 * bit the same on every one, because each output's additions have one fixed order (input channel,
 * kernel row, kernel column, then the bias), each product and each sum is rounded to float, and
 * nothing is fused (-ffp-contract=off). Source: ONNX Conv 11.
 *
 * The output is made in bands of rows, so that what a band reads stays in the cache and takes
 * little memory however large the image. The padded input of a group and band is laid out so that
 * every kernel tap reads a contiguous run: strides are taken apart into phases, plane (row % sy,
 * column % sx), pixel (row / sy, column / sx), as far as some tap reads them. All planes have one
 * pitch, so a band's output is one long vector with a few unused columns at the end of each row.
 */
#include "base/ops/internal.h"

#include <string.h>

enum {
    LANES = 8,
    BLOCK = 4,          /* output channels that share the loaded pixels */
    BAND_MAX = 1 << 16, /* floats of a laid-out band, unless one row takes more */
};
typedef float vec __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));

#define ALWAYS_INLINE static inline __attribute__((always_inline))

struct kernels;

struct conv {
    const struct kernels *kernels;
    struct ir_window w;
    int64_t ic, oc;             /* channels of one group */
    int64_t taps;               /* of one output channel */
    int64_t phases[2];          /* that taps read, along rows and columns */
    int64_t more[2];            /* rows and columns of a plane beyond those of the output */
    int64_t band, pitch, plane; /* output rows of a band; floats of a plane's row, of a plane */
    int64_t *offset;            /* of each tap's run in the laid-out band */
    float *planes, *acc;        /* the band; BLOCK output channels of it */
    float lo, hi;
};

/* --- one band --- */

/* Σ over the taps for `channels` channels and `vecs` vectors of pixels; both are constants wherever
 * this is called. */
ALWAYS_INLINE void run_tile(const struct conv *c, const float *x, const float *weights, float *acc,
                            int64_t length, int channels, int vecs) {
    vec sum[BLOCK * BLOCK] = {{0}};
    for (int64_t t = 0; t < c->taps; t++) {
        const vec *from = (const vec *)(x + c->offset[t]);
        for (int j = 0; j < channels; j++)
            for (int v = 0; v < vecs; v++) sum[j * vecs + v] += from[v] * weights[j * c->taps + t];
    }
    for (int j = 0; j < channels; j++)
        for (int v = 0; v < vecs; v++) ((vec *)(acc + j * length))[v] = sum[j * vecs + v];
}

/* All pixels of the band, `vecs` vectors at a time as long as there are as many. */
ALWAYS_INLINE void run_channels(const struct conv *c, const float *weights, int64_t length,
                                int channels, int vecs) {
    int64_t p = 0;
    for (; p + vecs * LANES <= length; p += vecs * LANES)
        run_tile(c, c->planes + p, weights, c->acc + p, length, channels, vecs);
    for (; p < length; p += LANES)
        run_tile(c, c->planes + p, weights, c->acc + p, length, channels, 1);
}

typedef void channels_fn(const struct conv *c, const float *weights, int64_t length);

static void block_plain(const struct conv *c, const float *weights, int64_t length) {
    run_channels(c, weights, length, BLOCK, 1);
}
static void one_plain(const struct conv *c, const float *weights, int64_t length) {
    run_channels(c, weights, length, 1, 4);
}
#ifdef __x86_64__
/* Wider registers, the same operations: without "fma" in the attribute there are none. */
__attribute__((target("avx2"))) static void block_avx2(const struct conv *c, const float *weights,
                                                       int64_t length) {
    run_channels(c, weights, length, BLOCK, 2);
}
__attribute__((target("avx2"))) static void one_avx2(const struct conv *c, const float *weights,
                                                     int64_t length) {
    run_channels(c, weights, length, 1, 4);
}
#endif

struct kernels {
    channels_fn *block, *one; /* of BLOCK output channels, of one */
};

/* Each CPU that has a level has those before it. */
static const struct kernels levels[] = {
    {block_plain, one_plain},
#ifdef __x86_64__
    {block_avx2, one_avx2},
#endif
};

int ir_conv_levels(void) {
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2")) return 2;
#endif
    return 1;
}

/* --- laying out --- */

/* One row of a plane, from an input row (NULL: padding) at columns of one phase. */
static void lay_row(const struct conv *c, const float *x, int64_t phase, float *to) {
    const struct ir_window *w = &c->w;
    int64_t step = w->stride[1], at = phase - w->before[1]; /* the input column of to[0] */
    int64_t from = at < 0 ? (-at + step - 1) / step : 0;
    int64_t end = at < w->in[1] ? (w->in[1] - at + step - 1) / step : 0;
    end = end < c->pitch ? end : c->pitch;
    from = from < end ? from : end;
    if (x == NULL) {
        memset(to, 0, (size_t)c->pitch * sizeof *to);
        return;
    }
    memset(to, 0, (size_t)from * sizeof *to);
    memset(to + end, 0, (size_t)(c->pitch - end) * sizeof *to);
    if (step == 1 && from < end)
        memcpy(to + from, x + at + from, (size_t)(end - from) * sizeof *to);
    for (int64_t i = from; i < end && step > 1; i++) to[i] = x[at + i * step];
}

/* Kernels of 1×1 at every pixel read the input as it lies. */
static bool is_pointwise(const struct conv *c) {
    const struct ir_window *w = &c->w;
    return w->kernel[0] == 1 && w->stride[0] == 1 && w->before[0] == 0 && w->out[0] == w->in[0] &&
           w->kernel[1] == 1 && w->stride[1] == 1 && w->before[1] == 0 && w->out[1] == w->in[1];
}

/* The planes of one group's channels for output rows from `first` on. */
static void lay_band(const struct conv *c, const float *x, int64_t first, int64_t rows) {
    const struct ir_window *w = &c->w;
    float *to = c->planes;
    for (int64_t ch = 0; ch < c->ic && is_pointwise(c); ch++, to += c->plane)
        memcpy(to, x + (ch * w->in[0] + first) * c->pitch, (size_t)(rows * c->pitch) * sizeof *to);
    if (is_pointwise(c)) return;
    for (int64_t ch = 0; ch < c->ic; ch++, x += w->in[0] * w->in[1])
        for (int64_t py = 0; py < c->phases[0]; py++)
            for (int64_t px = 0; px < c->phases[1]; px++, to += c->plane) {
                int64_t phase = px * w->dilation[1] % w->stride[1];
                int64_t y = first * w->stride[0] + py * w->dilation[0] % w->stride[0];
                y -= w->before[0];
                for (int64_t r = 0; r < rows + c->more[0]; r++, y += w->stride[0]) {
                    bool inside = y >= 0 && y < w->in[0];
                    lay_row(c, inside ? x + y * w->in[1] : NULL, phase, to + r * c->pitch);
                }
            }
}

static void store(const struct conv *c, const float *acc, int64_t rows, float bias, float *y) {
    for (int64_t r = 0; r < rows; r++, acc += c->pitch)
        for (int64_t i = 0; i < c->w.out[1]; i++) {
            float v = acc[i] + bias;
            v = v < c->lo ? c->lo : v;
            *y++ = v > c->hi ? c->hi : v;
        }
}

/* Output rows first…first + rows of one group; y: the group's output. */
static void run_band(const struct conv *c, const float *x, const float *weights, const float *bias,
                     float *y, int64_t first, int64_t rows) {
    int64_t length = ((rows - 1) * c->pitch + c->w.out[1] + LANES - 1) / LANES * LANES;
    int64_t plane = c->w.out[0] * c->w.out[1];
    lay_band(c, x, first, rows);
    for (int64_t o = 0, width; o < c->oc; o += width) {
        width = c->oc - o < BLOCK ? 1 : BLOCK;
        (width == BLOCK ? c->kernels->block : c->kernels->one)(c, weights + o * c->taps, length);
        for (int64_t j = 0; j < width; j++)
            store(c, c->acc + j * length, rows, bias == NULL ? 0 : bias[o + j],
                  y + (o + j) * plane + first * c->w.out[1]);
    }
}

/* --- the whole --- */

static int64_t gcd(int64_t a, int64_t b) {
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Taps at multiples of the dilation meet stride / gcd phases in turn. */
static void set_phases(struct conv *c) {
    for (int i = 0; i < 2; i++) {
        const struct ir_window *w = &c->w;
        int64_t period = w->stride[i] / gcd(w->stride[i], w->dilation[i]);
        c->phases[i] = period < w->kernel[i] ? period : w->kernel[i];
        c->more[i] = (w->kernel[i] - 1) * w->dilation[i] / w->stride[i];
    }
    c->pitch = c->w.out[1] + c->more[1];
}

/* As many rows as BAND_MAX allows. */
static void set_band(struct conv *c) {
    int64_t row = c->ic * c->phases[0] * c->phases[1] * c->pitch;
    c->band = BAND_MAX / (row < 1 ? 1 : row) - c->more[0];
    c->band = c->band < 1 ? 1 : c->band > c->w.out[0] ? c->w.out[0] : c->band;
    c->plane = (c->band + c->more[0]) * c->pitch;
}

static void set_offsets(struct conv *c) {
    const struct ir_window *w = &c->w;
    int64_t *to = c->offset;
    for (int64_t ch = 0; ch < c->ic; ch++)
        for (int64_t y = 0; y < w->kernel[0]; y++)
            for (int64_t x = 0; x < w->kernel[1]; x++) {
                int64_t py = y % c->phases[0], px = x % c->phases[1];
                int64_t plane = (ch * c->phases[0] + py) * c->phases[1] + px;
                *to++ = plane * c->plane + y * w->dilation[0] / w->stride[0] * c->pitch +
                        x * w->dilation[1] / w->stride[1];
            }
}

static void conv_of(const struct ir_eval *e, struct conv *c) {
    const struct ir_value *k = ir_in(e->n, 1);
    struct ir_activation act = ir_activation_of(e->n);
    c->lo = (float)act.min;
    c->hi = (float)act.max;
    c->ic = k->dims[1];
    c->oc = k->dims[0] / ir_attr_int(e->n, "group");
    c->taps = c->ic * c->w.kernel[0] * c->w.kernel[1];
}

static void make_room(struct conv *c, struct arena *a) {
    set_phases(c);
    set_band(c);
    /* a band ends up to LANES floats behind its last pixel, and so does what its taps read */
    size_t floats = (size_t)(c->ic * c->phases[0] * c->phases[1] * c->plane + LANES);
    size_t length = (size_t)(c->band * c->pitch + LANES);
    c->planes = arena_array(a, floats, sizeof *c->planes);
    c->acc = arena_array(a, BLOCK * length, sizeof *c->acc);
    c->offset = arena_array(a, (size_t)c->taps, sizeof *c->offset);
    set_offsets(c);
}

bool ir_eval_conv(const struct ir_eval *e) {
    return ir_eval_conv_at(e, ir_conv_levels() - 1);
}

bool ir_eval_conv_at(const struct ir_eval *e, int level) {
    struct conv c = {.kernels = &levels[level]};
    const float *x = ir_eval_in(e, 0), *weights = ir_eval_in(e, 1), *bias = ir_eval_in(e, 2);
    float *y = ir_eval_out(e, 0);
    if (!ir_node_window(e->a, e->n, &c.w)) return false;
    if (ir_elements(e->n->out[0]) == 0) return true;
    if (c.w.rank > 2) return ir_eval_conv_volume(e, &c.w);
    c.w = ir_window_lift(&c.w, 2); /* along one dimension: an image of one row */
    conv_of(e, &c);
    make_room(&c, e->a);
    int64_t group = ir_attr_int(e->n, "group"), batch = ir_in(e->n, 0)->dims[0];
    for (int64_t i = 0; i < batch * group; i++) {
        int64_t o = i % group * c.oc;
        for (int64_t first = 0; first < c.w.out[0]; first += c.band) {
            int64_t left = c.w.out[0] - first;
            run_band(&c, x, weights + o * c.taps, bias == NULL ? NULL : bias + o, y, first,
                     left < c.band ? left : c.band);
        }
        x += c.ic * c.w.in[0] * c.w.in[1];
        y += c.oc * c.w.out[0] * c.w.out[1];
    }
    return true;
}
