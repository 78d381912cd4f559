/* The oracle's quantized operators: exactly docs/numbers.md and the meaning column of ops.def, in
 * 64-bit integers. The overflow proof makes an exact accumulator equal to one modulo 2^w. Nothing
 * here is shared with the runtime. */
#include "ir/internal.h"

/* --- what all of them do at the end --- */

struct result { /* of one operator: its type and its clamp */
    void *data;
    enum ir_dtype t;
    int64_t zero, lo, hi;
};

static struct result result_of(const struct ir_eval *e) {
    const struct ir_value *y = e->n->out[0];
    struct result r = {ir_eval_out(e, 0), y->dtype, y->quant.zero, 0, 0};
    r.lo = -((int64_t)1 << (y->quant.bits - 1));
    r.hi = -r.lo - 1;
    if (ir_attr_find(e->n, "lo") != NULL) r.lo = ir_attr_int(e->n, "lo");
    if (ir_attr_find(e->n, "hi") != NULL) r.hi = ir_attr_int(e->n, "hi");
    return r;
}

/* y = clamp(round_shift(u, s) + zero, lo, hi) */
static void put(const struct result *r, int64_t at, int64_t u, int64_t s) {
    int64_t v = ir_round_shift(u, (int)s) + r->zero;
    ir_store_int(r->t, r->data, at, v < r->lo ? r->lo : v > r->hi ? r->hi : v);
}

struct operand {
    const void *data;
    enum ir_dtype t;
    int64_t zero;
    int exp;
};

static struct operand operand_of(const struct ir_eval *e, int i) {
    const struct ir_value *v = ir_in(e->n, i);
    if (v == NULL) return (struct operand){0};
    return (struct operand){ir_eval_in(e, i), v->dtype, v->quant.zero, v->quant.exp};
}

static int64_t stored(const struct operand *x, int64_t i) {
    return ir_load_int(x->t, x->data, i);
}

static int64_t times_pow2(int64_t x, int k) {
    return (int64_t)((uint64_t)x << k);
}

/* --- quantize, dequantize --- */

bool ir_eval_quantize(const struct ir_eval *e) {
    const struct ir_value *y = e->n->out[0];
    const float *x = ir_eval_in(e, 0);
    int64_t count = ir_elements(y);
    for (int64_t i = 0; i < count; i++)
        ir_store_int(y->dtype, ir_eval_out(e, 0), i, ir_quantize_float((double)x[i], y->quant));
    return true;
}

bool ir_eval_dequantize(const struct ir_eval *e) {
    const struct ir_value *v = ir_in(e->n, 0);
    struct operand x = operand_of(e, 0);
    float *y = ir_eval_out(e, 0);
    int64_t count = ir_elements(v);
    for (int64_t i = 0; i < count; i++) y[i] = (float)ir_dequantize(stored(&x, i), v->quant);
    return true;
}

/* --- qconv --- */

struct conv {
    struct ir_window w;
    int64_t *padded; /* all channels of one image, padding holds the encoded zero */
    int64_t rows, cols;
    int64_t channels, outputs, group; /* channels: of one group */
};

static void spread(struct conv *v, const struct operand *x, int64_t image) {
    const struct ir_window *w = &v->w;
    int64_t all = v->channels * v->group;
    for (int64_t i = 0; i < all * v->rows * v->cols; i++) v->padded[i] = x->zero;
    for (int64_t row = 0; row < all * w->in[0]; row++) {
        int64_t c = row / w->in[0], y = row % w->in[0] + w->before[0];
        int64_t *to = v->padded + (c * v->rows + y) * v->cols + w->before[1];
        for (int64_t i = 0; i < w->in[1]; i++)
            to[i] = stored(x, (image * all * w->in[0] + row) * w->in[1] + i);
    }
}

/* acc[x] += Σ w·stored over the group's channels and the kernel, for output row oy of channel o. */
static void accumulate(const struct conv *v, const int16_t *k, int64_t o, int64_t oy,
                       int64_t *acc) {
    const struct ir_window *w = &v->w;
    int64_t first = o / (v->outputs / v->group) * v->channels;
    k += o * v->channels * w->kernel[0] * w->kernel[1];
    for (int64_t c = 0; c < v->channels; c++)
        for (int64_t ky = 0; ky < w->kernel[0]; ky++)
            for (int64_t kx = 0; kx < w->kernel[1]; kx++) {
                int64_t y = oy * w->stride[0] + ky * w->dilation[0], weight = *k++;
                const int64_t *x =
                    v->padded + ((first + c) * v->rows + y) * v->cols + kx * w->dilation[1];
                for (int64_t i = 0; i < w->out[1]; i++) acc[i] += weight * x[i * w->stride[1]];
            }
}

/* What follows the accumulator: bias, shift, residual, clamp. */
struct finish {
    struct result y;
    const int32_t *bias, *shift;
    struct operand residual;
    int mid_bits, left_mid, left_residual; /* with a residual: see docs/numbers.md, residual add */
    int64_t sum_shift;
};

static struct finish finish_of(const struct ir_eval *e) {
    struct finish f = {.y = result_of(e), .residual = operand_of(e, 5)};
    f.bias = ir_eval_in(e, 3);
    f.shift = ir_eval_in(e, 4);
    if (f.residual.data == NULL) return f;
    int mid = (int)ir_attr_int(e->n, "mid_exp");
    int least = mid < f.residual.exp ? mid : f.residual.exp;
    f.mid_bits = (int)ir_attr_int(e->n, "mid_bits");
    f.left_mid = mid - least;
    f.left_residual = f.residual.exp - least;
    f.sum_shift = e->n->out[0]->quant.exp - least;
    return f;
}

static void finish(const struct finish *f, int64_t at, int64_t o, int64_t acc) {
    int64_t sum = acc + f->bias[o];
    if (f->residual.data == NULL) {
        put(&f->y, at, sum, f->shift[o]);
        return;
    }
    int64_t mid = ir_saturate(ir_round_shift(sum, f->shift[o]), f->mid_bits);
    int64_t other = stored(&f->residual, at) - f->residual.zero;
    put(&f->y, at, times_pow2(mid, f->left_mid) + times_pow2(other, f->left_residual),
        f->sum_shift);
}

static bool prepare_conv(const struct ir_eval *e, struct conv *v) {
    const struct ir_value *k = ir_in(e->n, 1);
    if (!ir_node_window(e->a, e->n, &v->w)) return false;
    v->rows = v->w.in[0] + v->w.before[0] + v->w.after[0];
    v->cols = v->w.in[1] + v->w.before[1] + v->w.after[1];
    v->outputs = k->dims[0];
    v->channels = k->dims[1];
    v->group = ir_attr_int(e->n, "group");
    v->padded = arena_array(e->a, (size_t)(v->channels * v->group * v->rows),
                            (size_t)v->cols * sizeof *v->padded);
    return true;
}

bool ir_eval_qconv(const struct ir_eval *e) {
    struct operand x = operand_of(e, 0);
    const int16_t *first = ir_eval_in(e, 1), *second = ir_eval_in(e, 6);
    struct finish f = finish_of(e);
    struct conv v;
    if (!prepare_conv(e, &v)) return false;
    int term_shift = (int)ir_attr_int(e->n, "term_shift");
    int64_t height = v.w.out[0], width = v.w.out[1];
    int64_t *acc = arena_array(e->a, (size_t)width, sizeof *acc);
    for (int64_t job = 0; job < ir_in(e->n, 0)->dims[0] * v.outputs * height; job++) {
        int64_t oy = job % height, o = job / height % v.outputs;
        if (oy == 0 && o == 0) spread(&v, &x, job / height / v.outputs);
        for (int64_t i = 0; i < width; i++) acc[i] = 0;
        accumulate(&v, first, o, oy, acc);
        for (int64_t i = 0; i < width && second != NULL; i++)
            acc[i] = times_pow2(acc[i], term_shift);
        if (second != NULL) accumulate(&v, second, o, oy, acc);
        for (int64_t i = 0; i < width; i++) finish(&f, job * width + i, o, acc[i]);
    }
    return true;
}

/* --- element by element --- */

/* How many elements of input 0 in a row go with one of input 1: all of a plane, or one. */
static int64_t sharing(const struct ir_eval *e) {
    const struct ir_value *a = ir_in(e->n, 0), *b = ir_in(e->n, 1);
    int64_t plane = a->dims[2] * a->dims[3];
    return b->dims[2] * b->dims[3] != plane ? plane : 1;
}

bool ir_eval_qadd(const struct ir_eval *e) {
    struct operand a = operand_of(e, 0), b = operand_of(e, 1);
    struct result y = result_of(e);
    int least = a.exp < b.exp ? a.exp : b.exp;
    int shift = e->n->out[0]->quant.exp - least;
    int64_t count = ir_elements(e->n->out[0]), share = sharing(e);
    for (int64_t i = 0; i < count; i++)
        put(&y, i,
            times_pow2(stored(&a, i) - a.zero, a.exp - least) +
                times_pow2(stored(&b, i / share) - b.zero, b.exp - least),
            shift);
    return true;
}

bool ir_eval_qmul(const struct ir_eval *e) {
    struct operand a = operand_of(e, 0), b = operand_of(e, 1);
    struct result y = result_of(e);
    int shift = e->n->out[0]->quant.exp - a.exp - b.exp;
    int64_t count = ir_elements(e->n->out[0]), share = sharing(e);
    for (int64_t i = 0; i < count; i++)
        put(&y, i, (stored(&a, i) - a.zero) * (stored(&b, i / share) - b.zero), shift);
    return true;
}

bool ir_eval_qscale(const struct ir_eval *e) {
    struct operand x = operand_of(e, 0);
    const struct ir_value *v = ir_in(e->n, 0);
    const int16_t *mult = ir_eval_in(e, 1);
    const int32_t *bias = ir_eval_in(e, 2), *shift = ir_eval_in(e, 3);
    struct result y = result_of(e);
    int64_t count = ir_elements(v), plane = v->dims[2] * v->dims[3];
    for (int64_t i = 0; i < count; i++) {
        int64_t c = i / plane % v->dims[1];
        put(&y, i, (stored(&x, i) - x.zero) * mult[c] + bias[c], shift[c]);
    }
    return true;
}

bool ir_eval_qprelu(const struct ir_eval *e) {
    struct operand x = operand_of(e, 0);
    const struct ir_value *v = ir_in(e->n, 0);
    const int16_t *mult = ir_eval_in(e, 1);
    const int32_t *shift = ir_eval_in(e, 2);
    struct result y = result_of(e);
    int y_exp = e->n->out[0]->quant.exp, least = x.exp < y_exp ? x.exp : y_exp;
    int64_t count = ir_elements(v), plane = v->dims[2] * v->dims[3];
    for (int64_t i = 0; i < count; i++) {
        int64_t c = i / plane % v->dims[1], level = stored(&x, i) - x.zero;
        if (level < 0)
            put(&y, i, level * mult[c], shift[c]);
        else
            put(&y, i, times_pow2(level, x.exp - least), y_exp - least);
    }
    return true;
}

bool ir_eval_qlut(const struct ir_eval *e) {
    struct operand x = operand_of(e, 0);
    const int16_t *table = ir_eval_in(e, 1);
    const struct ir_value *y = e->n->out[0];
    int64_t count = ir_elements(y);
    for (int64_t i = 0; i < count; i++) {
        int64_t v = stored(&x, i), found;
        if (x.t == IR_I8) {
            found = table[v + 128];
        } else {
            int64_t at = (v + 32768) >> 8, part = (v + 32768) & 255;
            found = table[at] + ir_round_shift((table[at + 1] - table[at]) * part, 8);
        }
        ir_store_int(y->dtype, ir_eval_out(e, 0), i, ir_saturate(found, y->quant.bits));
    }
    return true;
}

bool ir_eval_qcopy(const struct ir_eval *e) {
    struct operand x = operand_of(e, 0);
    const struct ir_value *v = ir_in(e->n, 0), *out = e->n->out[0];
    struct result y = result_of(e);
    int two;
    const int64_t *step = ir_attr_ints(e->n, "step", &two);
    const int64_t *repeat = ir_attr_ints(e->n, "repeat", &two);
    int least = x.exp < out->quant.exp ? x.exp : out->quant.exp;
    int64_t height = out->dims[2], width = out->dims[3], count = ir_elements(out);
    for (int64_t i = 0; i < count; i++) {
        int64_t row = i / width % height / repeat[0] * step[0];
        int64_t col = i % width / repeat[1] * step[1], plane = i / width / height;
        int64_t from = (plane * v->dims[2] + row) * v->dims[3] + col;
        put(&y, i, times_pow2(stored(&x, from) - x.zero, x.exp - least), out->quant.exp - least);
    }
    return true;
}

bool ir_eval_qinterleave(const struct ir_eval *e) {
    return ir_eval_interleave(e);
}

/* --- pooling --- */

/* One plane of an image and one window on it. */
struct glance {
    const struct ir_window *w;
    const struct operand *x;
    int64_t plane;
    int64_t y, x0; /* upper left corner, may be negative */
};

static bool look(const struct glance *g, int64_t ky, int64_t kx, int64_t *value) {
    int64_t row = g->y + ky, col = g->x0 + kx;
    if (row < 0 || row >= g->w->in[0] || col < 0 || col >= g->w->in[1]) return false;
    *value = stored(g->x, (g->plane * g->w->in[0] + row) * g->w->in[1] + col);
    return true;
}

static int64_t overlap(int64_t start, int64_t size, int64_t in) {
    int64_t first = start < 0 ? 0 : start, last = start + size > in ? in : start + size;
    return last - first;
}

struct mean {
    const int64_t *mult;
    int count;
    int64_t shift;
};

static void put_mean(const struct glance *g, const struct mean *m, const struct result *y,
                     int64_t at) {
    int64_t sum = 0, v;
    for (int64_t ky = 0; ky < g->w->kernel[0]; ky++)
        for (int64_t kx = 0; kx < g->w->kernel[1]; kx++)
            if (look(g, ky, kx, &v)) sum += v - g->x->zero;
    int64_t rows = overlap(g->y, g->w->kernel[0], g->w->in[0]);
    int64_t cols = overlap(g->x0, g->w->kernel[1], g->w->in[1]);
    int64_t factor = m->mult[m->count == 1 ? 0 : (rows - 1) * g->w->kernel[1] + cols - 1];
    put(y, at, sum * factor, m->shift);
}

static void put_max(const struct glance *g, const struct result *y, int64_t at) {
    int64_t most = -((int64_t)1 << (8 * ir_dtype_size(g->x->t) - 1)), v;
    for (int64_t ky = 0; ky < g->w->kernel[0]; ky++)
        for (int64_t kx = 0; kx < g->w->kernel[1]; kx++)
            if (look(g, ky, kx, &v) && v > most) most = v;
    ir_store_int(y->t, y->data, at, most);
}

static bool eval_pool(const struct ir_eval *e, const struct mean *mean) {
    const struct ir_value *out = e->n->out[0];
    struct operand x = operand_of(e, 0);
    struct result y = result_of(e);
    struct ir_window w;
    if (!ir_node_window(e->a, e->n, &w)) return false;
    int64_t count = ir_elements(out);
    for (int64_t i = 0; i < count; i++) {
        struct glance g = {.w = &w, .x = &x, .plane = i / w.out[1] / w.out[0]};
        g.y = i / w.out[1] % w.out[0] * w.stride[0] - w.before[0];
        g.x0 = i % w.out[1] * w.stride[1] - w.before[1];
        if (mean != NULL)
            put_mean(&g, mean, &y, i);
        else
            put_max(&g, &y, i);
    }
    return true;
}

bool ir_eval_qmaxpool(const struct ir_eval *e) {
    return eval_pool(e, NULL);
}

bool ir_eval_qavgpool(const struct ir_eval *e) {
    struct mean m = {.shift = ir_attr_int(e->n, "shift")};
    m.mult = ir_attr_ints(e->n, "mult", &m.count);
    return eval_pool(e, &m);
}

bool ir_eval_qconcat(const struct ir_eval *e) {
    return ir_eval_concat_along(e, 1);
}
