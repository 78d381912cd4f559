/* Convolutions that are not two-dimensional, and transposed ones of any dimensions: plain, sums in
 * double in a fixed order (channel, then taps), one rounding to float. Two-dimensional convolution
 * is eval_conv.c's. Source: ONNX Conv 22, ConvTranspose 22. */
#include "base/ops/internal.h"

#include <math.h>

/* Both kinds pair the places i of a small volume with the places i·stride + tap·dilation − before
 * of a large one: a convolution adds up what it reads from the large one, a transposed one adds
 * into it. */
struct volume {
    struct ir_window w; /* with all its dimensions */
    int64_t small[IR_WINDOW_DIMS], large[IR_WINDOW_DIMS];
    bool transposed;
};

/* Of one tap along one dimension: the places of the small volume that have a partner. */
struct span {
    int64_t first, last, shift;
};

static struct span span_of(const struct volume *v, int d, int64_t tap) {
    int64_t stride = v->w.stride[d], shift = tap * v->w.dilation[d] - v->w.before[d];
    int64_t left = v->large[d] - shift;
    struct span s = {.shift = shift};
    s.first = shift < 0 ? (-shift + stride - 1) / stride : 0;
    s.last = left <= 0 ? 0 : (left + stride - 1) / stride;
    if (s.last > v->small[d]) s.last = v->small[d];
    return s;
}

static void add_row(const struct volume *v, const struct span *s, double f, const float *x,
                    double *sum) {
    int64_t stride = v->w.stride[2];
    for (int64_t i = s->first; i < s->last; i++) {
        int64_t far = i * stride + s->shift;
        if (v->transposed)
            sum[far] += f * (double)x[i];
        else
            sum[i] += f * (double)x[far];
    }
}

/* One tap, weight f, for all places. */
static void add_tap(const struct volume *v, const struct span *s, double f, const float *x,
                    double *sum) {
    for (int64_t z = s[0].first; z < s[0].last; z++)
        for (int64_t y = s[1].first; y < s[1].last; y++) {
            int64_t far = (z * v->w.stride[0] + s[0].shift) * v->large[1];
            far = (far + y * v->w.stride[1] + s[1].shift) * v->large[2];
            int64_t near = (z * v->small[1] + y) * v->small[2];
            add_row(v, &s[2], f, x + (v->transposed ? near : far),
                    sum + (v->transposed ? far : near));
        }
}

/* One channel in, one channel out: kernel has its taps in order. */
static void add_channel(const struct volume *v, const float *kernel, const float *x, double *sum) {
    const int64_t *k = v->w.kernel;
    struct span s[IR_WINDOW_DIMS];
    for (int64_t z = 0; z < k[0]; z++)
        for (int64_t y = 0; y < k[1]; y++)
            for (int64_t i = 0; i < k[2]; i++) {
                s[0] = span_of(v, 0, z);
                s[1] = span_of(v, 1, y);
                s[2] = span_of(v, 2, i);
                add_tap(v, s, (double)*kernel++, x, sum);
            }
}

static void store(const double *sum, double bias, struct ir_activation act, int64_t n, float *y) {
    for (int64_t i = 0; i < n; i++) {
        double v = sum[i] + bias;
        v = v < act.min ? act.min : v;
        y[i] = (float)(v > act.max ? act.max : v);
    }
}

/* Channels of a convolution: ic and oc are those of a group. */
struct channels {
    int64_t group, ic, oc;
};

/* Sums of output plane o, counted through all images, without the bias. The kernel of a pair of
 * channels stands at (input, output) for transposed convolutions, at (output, input) for others. */
static void sum_plane(const struct volume *v, struct channels n, const float *x,
                      const float *weights, int64_t o, double *sum) {
    int64_t taps = ir_product(IR_WINDOW_DIMS, v->w.kernel);
    int64_t in = ir_product(IR_WINDOW_DIMS, v->w.in), out = ir_product(IR_WINDOW_DIMS, v->w.out);
    int64_t image = o / (n.group * n.oc), c = o % (n.group * n.oc), g = c / n.oc;
    x += (image * n.group + g) * n.ic * in;
    for (int64_t i = 0; i < out; i++) sum[i] = 0;
    for (int64_t i = 0; i < n.ic; i++) {
        int64_t pair = v->transposed ? (g * n.ic + i) * n.oc + c % n.oc : c * n.ic + i;
        add_channel(v, weights + pair * taps, x + i * in, sum);
    }
}

static bool run(const struct ir_eval *e, const struct volume *v, struct channels n,
                struct ir_activation act) {
    const float *bias = ir_eval_in(e, 2);
    int64_t out = ir_product(IR_WINDOW_DIMS, v->w.out), outputs = n.group * n.oc;
    double *sum = arena_array(e->a, (size_t)out, sizeof *sum);
    float *y = ir_eval_out(e, 0);
    for (int64_t o = 0; o < ir_in(e->n, 0)->dims[0] * outputs; o++, y += out) {
        sum_plane(v, n, ir_eval_in(e, 0), ir_eval_in(e, 1), o, sum);
        store(sum, bias == NULL ? 0 : (double)bias[o % outputs], act, out, y);
    }
    return true;
}

static void set_sizes(struct volume *v, const struct ir_window *w) {
    v->w = ir_window_lift(w, IR_WINDOW_DIMS);
    for (int d = 0; d < IR_WINDOW_DIMS; d++) {
        v->small[d] = v->transposed ? v->w.in[d] : v->w.out[d];
        v->large[d] = v->transposed ? v->w.out[d] : v->w.in[d];
    }
}

static struct channels channels_of(const struct ir_eval *e, bool transposed) {
    const struct ir_value *k = ir_in(e->n, 1);
    int64_t group = ir_attr_int(e->n, "group"), first = k->dims[0] / group;
    return (struct channels){group, transposed ? first : k->dims[1],
                             transposed ? k->dims[1] : first};
}

bool ir_eval_conv_volume(const struct ir_eval *e, const struct ir_window *w) {
    struct volume v = {.transposed = false};
    set_sizes(&v, w);
    return run(e, &v, channels_of(e, false), ir_activation_of(e->n));
}

bool ir_eval_convtranspose(const struct ir_eval *e) {
    struct volume v = {.transposed = true};
    struct ir_window w;
    if (!ir_transposed_window(e->a, e->n, &w)) return false;
    set_sizes(&v, &w);
    return run(e, &v, channels_of(e, true), (struct ir_activation){-INFINITY, INFINITY});
}
