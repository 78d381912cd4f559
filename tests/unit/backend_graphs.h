/* Random quantized graphs for the backend's tests: every operation that becomes a layer, odd
 * sizes, residuals, values used twice, several outputs; and host nodes between them. All numbers
 * come from one seed. */
#ifndef NBQ_TESTS_BACKEND_GRAPHS_H
#define NBQ_TESTS_BACKEND_GRAPHS_H

#include "ir/ir.h"
#include "isa/isa.h"

enum { GEN_MAX_VALUES = 64 };

struct gen {
    struct ir_graph *g;
    struct rng rng;
    const struct svpe_target *target;
    int act_bits;
    bool small; /* no channel counts that only large buffers hold */
    struct ir_value *live[GEN_MAX_VALUES];
    int live_count;
};

static int gen_pick(struct gen *r, int lo, int hi) {
    return lo + (int)rng_below(&r->rng, (uint32_t)(hi - lo + 1));
}

static struct ir_value *gen_value(struct gen *r, int c, int h, int w, int exp) {
    int64_t dims[4] = {1, c, h, w};
    struct ir_value *v = ir_value_new(r->g, NULL, r->act_bits == 8 ? IR_I8 : IR_I16, 4, dims);
    v->quant =
        (struct ir_quant){r->act_bits, exp, gen_pick(r, 0, 1) ? -(1 << (r->act_bits - 1)) : 0};
    return v;
}

static void *gen_array(struct gen *r, size_t count, size_t size) {
    return arena_array(r->g->arena, count, size);
}

static struct ir_value *gen_i32(struct gen *r, const int32_t *values, int count) {
    int64_t dims[1] = {count};
    return ir_const_new(r->g, NULL, IR_I32, 1, dims, values);
}

/* A weight the target can code. */
static int16_t gen_weight(struct gen *r, int bits) {
    int sign = gen_pick(r, 0, 1) ? 1 : -1;
    if (r->target->element == SVPE_ELEMENT_MULTIPLY)
        return (int16_t)(sign * gen_pick(r, 0, (1 << (bits - 1)) - 1));
    if (bits == 1) return (int16_t)sign;
    int magnitudes = (1 << (bits - 1)) - 1, m = gen_pick(r, 0, magnitudes);
    return (int16_t)(m == 0 ? 0 : sign * (1 << (m - 1)));
}

static struct ir_value *gen_weights(struct gen *r, const int64_t dims[4], int bits,
                                    int64_t *largest) {
    int64_t each = dims[1] * dims[2] * dims[3];
    int16_t *w = gen_array(r, (size_t)(dims[0] * each), sizeof *w);
    for (int64_t o = 0; o < dims[0]; o++) {
        int64_t sum = 0;
        for (int64_t k = 0; k < each; k++) {
            w[o * each + k] = gen_weight(r, bits);
            sum += w[o * each + k] < 0 ? -w[o * each + k] : w[o * each + k];
        }
        if (sum > *largest) *largest = sum;
    }
    return ir_const_new(r->g, NULL, IR_I16, 4, dims, w);
}

static void gen_clamp(struct gen *r, struct ir_node *n) {
    int half = 1 << (r->act_bits - 1), lo = gen_pick(r, -half, half / 4);
    if (gen_pick(r, 0, 3)) return;
    ir_set_int(r->g, n, "lo", lo);
    ir_set_int(r->g, n, "hi", gen_pick(r, lo, half - 1));
}

static int gen_bits(struct gen *r) {
    int most = (int)r->target->weight_bits;
    if (r->target->element == SVPE_ELEMENT_MULTIPLY)
        return most == 16 && gen_pick(r, 0, 1) ? 16 : 8;
    return gen_pick(r, 1, most);
}

struct gen_window {
    int k[2], s[2], d[2], before[2], after[2], out[2];
};

/* A window that fits a value of the given size. */
static bool gen_window(struct gen *r, const struct ir_value *x, int largest, bool dilate,
                       struct gen_window *w) {
    for (int i = 0; i < 2; i++) {
        int in = (int)x->dims[2 + i];
        w->k[i] = gen_pick(r, 1, largest);
        w->s[i] = gen_pick(r, 1, 3);
        w->d[i] = dilate && gen_pick(r, 0, 3) == 0 ? 2 : 1;
        w->before[i] = gen_pick(r, 0, w->k[i] - 1);
        w->after[i] = gen_pick(r, 0, w->k[i] - 1);
        int reach = (w->k[i] - 1) * w->d[i] + 1, padded = in + w->before[i] + w->after[i];
        if (padded < reach) return false;
        w->out[i] = (padded - reach) / w->s[i] + 1;
    }
    return true;
}

static void gen_window_attrs(struct gen *r, struct ir_node *n, const struct gen_window *w,
                             bool dilate) {
    int64_t pads[4] = {w->before[0], w->before[1], w->after[0], w->after[1]};
    int64_t strides[2] = {w->s[0], w->s[1]};
    ir_set_ints(r->g, n, "pads", pads, 4);
    ir_set_ints(r->g, n, "strides", strides, 2);
    if (dilate) ir_set_ints(r->g, n, "dilations", (int64_t[]){w->d[0], w->d[1]}, 2);
}

static struct ir_value *gen_same_shape(struct gen *r, const struct ir_value *like) {
    int start = gen_pick(r, 0, r->live_count - 1);
    for (int i = 0; i < r->live_count; i++) {
        struct ir_value *v = r->live[(start + i) % r->live_count];
        if (v->dims[1] == like->dims[1] && v->dims[2] == like->dims[2] &&
            v->dims[3] == like->dims[3])
            return v;
    }
    return NULL;
}

static int gen_log2_above(int64_t v) {
    int n = 0;
    while ((int64_t)1 << n < v) n++;
    return n;
}

struct gen_conv {
    struct ir_value *x, *y, *residual;
    int64_t dims[4];
    int bits, terms, term_shift, group;
};

/* Shifts that keep the sums inside the activations more often than not, and the exponents they
 * stand for. */
static void gen_requantize(struct gen *r, struct gen_conv *v, int64_t largest, struct ir_value **in,
                           int y_exp) {
    size_t outs = (size_t)v->dims[0];
    int32_t *wexp = gen_array(r, outs, sizeof *wexp), *bias = gen_array(r, outs, sizeof *bias);
    int32_t *shift = gen_array(r, outs, sizeof *shift);
    int usual = gen_log2_above(largest + 1) - 2;
    for (size_t o = 0; o < outs; o++) {
        int s = usual + gen_pick(r, -3, 1);
        shift[o] = s < 0 ? 0 : s > 31 ? 31 : s;
        wexp[o] = y_exp - v->x->quant.exp - shift[o];
        int64_t reach = largest << (r->act_bits - 1);
        int32_t bound = reach > (1 << 30) ? 1 << 30 : (int32_t)reach + 1;
        bias[o] = gen_pick(r, -(bound / 2), bound / 2);
    }
    in[2] = gen_i32(r, wexp, (int)outs);
    in[3] = gen_i32(r, bias, (int)outs);
    in[4] = gen_i32(r, shift, (int)outs);
}

static struct ir_node *gen_conv_node(struct gen *r, struct gen_conv *v, struct ir_value **in,
                                     int y_exp) {
    int64_t largest = 0;
    in[0] = v->x;
    in[1] = gen_weights(r, v->dims, v->bits, &largest);
    if (v->terms == 2) in[6] = gen_weights(r, v->dims, v->bits, &largest);
    gen_requantize(r, v, v->terms == 2 ? (largest << v->term_shift) + largest : largest, in, y_exp);
    in[5] = v->residual;
    struct ir_node *n = ir_node_new(r->g, NULL, IR_OP_qconv, NULL, in,
                                    v->terms == 2 ? 7
                                    : v->residual ? 6
                                                  : 5,
                                    &v->y, 1);
    ir_set_int(r->g, n, "bits", v->bits);
    ir_set_int(r->g, n, "group", v->group);
    if (v->terms == 2) {
        ir_set_int(r->g, n, "terms", 2);
        ir_set_int(r->g, n, "term_shift", v->term_shift);
    }
    if (r->target->element == SVPE_ELEMENT_MULTIPLY) ir_set_string(r->g, n, "kind", "linear");
    return n;
}

static int gen_gap(int a, int b) {
    return a > b ? a - b : b - a;
}

static struct ir_value *gen_conv(struct gen *r, struct ir_value *x) {
    struct gen_window w;
    struct gen_conv v = {
        .x = x, .bits = gen_bits(r), .terms = gen_pick(r, 0, 3) ? 1 : 2, .group = 1};
    int channels = (int)x->dims[1], outs = gen_pick(r, 1, r->small ? 20 : 70),
        kind = gen_pick(r, 0, 4);
    if (!gen_window(r, x, 5, true, &w)) return NULL;
    if (gen_pick(r, 0, 2) == 0) { /* keeps the shape, so that residuals fit */
        outs = channels;
        w = (struct gen_window){
            .k = {3, 3}, .s = {1, 1}, .d = {1, 1}, .before = {1, 1}, .after = {1, 1}};
        w.out[0] = (int)x->dims[2], w.out[1] = (int)x->dims[3];
    }
    v.term_shift = v.terms == 2 ? gen_pick(r, 0, 3) : 0;
    if (kind == 0) v.group = outs = channels;
    if (kind == 2 && channels % 4 == 0) v.group = channels / 4, outs = channels;
    if (kind == 1 && channels % 2 == 0) v.group = 2, outs += outs % 2;
    const int64_t dims[4] = {outs, channels / v.group, w.k[0], w.k[1]};
    for (int i = 0; i < 4; i++) v.dims[i] = dims[i];
    int mid_exp = x->quant.exp + gen_pick(r, -2, 2);
    v.y = gen_value(r, outs, w.out[0], w.out[1], mid_exp);
    if (gen_pick(r, 0, 1)) v.residual = gen_same_shape(r, v.y);
    if (v.residual && gen_gap(mid_exp, v.residual->quant.exp) > 15) v.residual = NULL;
    if (v.residual) {
        int least = mid_exp < v.residual->quant.exp ? mid_exp : v.residual->quant.exp;
        v.y->quant.exp = least + gen_pick(r, 0, 5);
    }
    struct ir_value *in[7] = {0};
    struct ir_node *n = gen_conv_node(r, &v, in, mid_exp);
    gen_window_attrs(r, n, &w, true);
    gen_clamp(r, n);
    if (v.residual) {
        ir_set_int(r->g, n, "mid_exp", mid_exp);
        ir_set_int(r->g, n, "mid_bits", r->act_bits);
    }
    return v.y;
}

static struct ir_value *gen_add(struct gen *r, struct ir_value *x) {
    struct ir_value *b = gen_same_shape(r, x), *in[2] = {x, b};
    int least = x->quant.exp < b->quant.exp ? x->quant.exp : b->quant.exp;
    if (gen_gap(x->quant.exp, b->quant.exp) > 15) return NULL;
    struct ir_value *y =
        gen_value(r, (int)x->dims[1], (int)x->dims[2], (int)x->dims[3], least + gen_pick(r, 0, 4));
    gen_clamp(r, ir_node_new(r->g, NULL, IR_OP_qadd, NULL, in, 2, &y, 1));
    return y;
}

/* A mean over all pixels, or over windows, with one factor or one per window. */
static struct ir_value *gen_mean(struct gen *r, struct ir_value *x, const struct gen_window *w) {
    int taps = w->k[0] * w->k[1], count = taps > 1 && gen_pick(r, 0, 1) ? taps : 1;
    int64_t *mult = gen_array(r, (size_t)count, sizeof *mult);
    int64_t kernel[2] = {w->k[0], w->k[1]};
    for (int i = 0; i < count; i++) mult[i] = gen_pick(r, 1, 2000);
    struct ir_value *y = gen_value(r, (int)x->dims[1], w->out[0], w->out[1], x->quant.exp);
    struct ir_node *n = ir_node_new(r->g, NULL, IR_OP_qavgpool, NULL, &x, 1, &y, 1);
    ir_set_ints(r->g, n, "kernel_shape", kernel, 2);
    gen_window_attrs(r, n, w, false);
    ir_set_ints(r->g, n, "mult", mult, count);
    ir_set_int(r->g, n, "shift", gen_pick(r, 8, 13));
    return y;
}

static struct ir_value *gen_global(struct gen *r, struct ir_value *x) {
    struct gen_window w = {
        .k = {(int)x->dims[2], (int)x->dims[3]}, .s = {1, 1}, .d = {1, 1}, .out = {1, 1}};
    return gen_mean(r, x, &w);
}

/* By a tensor of the same shape, or as in squeeze-and-excite by one number per channel. */
static struct ir_value *gen_mul(struct gen *r, struct ir_value *x) {
    struct ir_value *b = gen_pick(r, 0, 1) ? gen_same_shape(r, x) : gen_global(r, x);
    struct ir_value *in[2] = {x, b};
    int exp = x->quant.exp + b->quant.exp + gen_pick(r, r->act_bits - 4, r->act_bits + 2);
    struct ir_value *y = gen_value(r, (int)x->dims[1], (int)x->dims[2], (int)x->dims[3], exp);
    gen_clamp(r, ir_node_new(r->g, NULL, IR_OP_qmul, NULL, in, 2, &y, 1));
    return y;
}

/* A factor per channel and a bias, or a PRelu. */
static struct ir_value *gen_scale(struct gen *r, struct ir_value *x) {
    size_t n = (size_t)x->dims[1];
    int64_t dims[1] = {x->dims[1]};
    int16_t *mult = gen_array(r, n, sizeof *mult);
    int32_t *bias = gen_array(r, n, sizeof *bias), *shift = gen_array(r, n, sizeof *shift);
    for (size_t o = 0; o < n; o++) {
        mult[o] = (int16_t)gen_pick(r, -32768, 32767);
        bias[o] = gen_pick(r, -(1 << 22), 1 << 22);
        shift[o] = gen_pick(r, 12, 17);
    }
    bool prelu = x->id % 2 != 0; /* no draw: graphs stay what they are */
    struct ir_value *m = ir_const_new(r->g, NULL, IR_I16, 1, dims, mult);
    struct ir_value *b = gen_i32(r, bias, (int)n), *s = gen_i32(r, shift, (int)n);
    int exp = x->quant.exp + (prelu ? mult[0] % 4 : 0); /* shifts to the left and to the right */
    struct ir_value *y = gen_value(r, (int)n, (int)x->dims[2], (int)x->dims[3], exp);
    gen_clamp(r, prelu ? ir_node_new(r->g, NULL, IR_OP_qprelu, NULL, (struct ir_value *[]){x, m, s},
                                     3, &y, 1)
                       : ir_node_new(r->g, NULL, IR_OP_qscale, NULL,
                                     (struct ir_value *[]){x, m, b, s}, 4, &y, 1));
    return y;
}

static struct ir_value *gen_lut(struct gen *r, struct ir_value *x) {
    int64_t dims[1] = {257};
    int16_t *table = gen_array(r, 257, sizeof *table);
    int half = 1 << (r->act_bits - 1);
    for (int i = 0; i < 257; i++) table[i] = (int16_t)gen_pick(r, -half, half - 1);
    struct ir_value *in[2] = {x, ir_const_new(r->g, NULL, IR_I16, 1, dims, table)};
    struct ir_value *y =
        gen_value(r, (int)x->dims[1], (int)x->dims[2], (int)x->dims[3], x->quant.exp);
    ir_node_new(r->g, NULL, IR_OP_qlut, NULL, in, 2, &y, 1);
    return y;
}

static struct ir_value *gen_copy(struct gen *r, struct ir_value *x) {
    int64_t step[2] = {1, 1}, repeat[2] = {1, 1}, size[2];
    for (int i = 0; i < 2; i++) {
        if (gen_pick(r, 0, 1))
            step[i] = gen_pick(r, 1, 3);
        else if (x->dims[2 + i] < 12)
            repeat[i] = gen_pick(r, 1, 3);
        size[i] = (x->dims[2 + i] + step[i] - 1) / step[i] * repeat[i];
    }
    struct ir_value *y = gen_value(r, (int)x->dims[1], (int)size[0], (int)size[1],
                                   x->quant.exp + gen_pick(r, -3, 3));
    struct ir_node *n = ir_node_new(r->g, NULL, IR_OP_qcopy, NULL, &x, 1, &y, 1);
    ir_set_ints(r->g, n, "step", step, 2);
    ir_set_ints(r->g, n, "repeat", repeat, 2);
    gen_clamp(r, n);
    return y;
}

static void gen_kernel(struct gen *r, struct ir_node *n, const struct gen_window *w) {
    int64_t kernel[2] = {w->k[0], w->k[1]};
    ir_set_ints(r->g, n, "kernel_shape", kernel, 2);
    gen_window_attrs(r, n, w, false);
}

static struct ir_value *gen_max(struct gen *r, struct ir_value *x) {
    struct gen_window w;
    if (!gen_window(r, x, 4, false, &w)) return NULL;
    struct ir_value *y = gen_value(r, (int)x->dims[1], w.out[0], w.out[1], x->quant.exp);
    y->quant.zero = x->quant.zero;
    gen_kernel(r, ir_node_new(r->g, NULL, IR_OP_qmaxpool, NULL, &x, 1, &y, 1), &w);
    return y;
}

static struct ir_value *gen_avg(struct gen *r, struct ir_value *x) {
    struct gen_window w;
    if (gen_pick(r, 0, 3) == 0) return gen_global(r, x);
    return gen_window(r, x, 4, false, &w) ? gen_mean(r, x, &w) : NULL;
}

/* Concatenation wants one exponent and one zero: three values made from one by copies. */
static struct ir_value *gen_concat(struct gen *r, struct ir_value *x) {
    struct ir_value *in[3], *y;
    int count = gen_pick(r, 1, 3), channels = 0, exp = x->quant.exp, zero = x->quant.zero;
    for (int i = 0; i < count; i++) {
        struct gen_conv v = {.x = x, .bits = gen_bits(r), .terms = 1, .group = 1};
        v.dims[0] = gen_pick(r, 1, 20), v.dims[1] = x->dims[1], v.dims[2] = v.dims[3] = 1;
        v.y = gen_value(r, (int)v.dims[0], (int)x->dims[2], (int)x->dims[3], exp);
        v.y->quant.zero = zero;
        struct ir_value *operands[7] = {0};
        gen_conv_node(r, &v, operands, exp);
        in[i] = v.y;
        channels += (int)v.dims[0];
    }
    y = gen_value(r, channels, (int)x->dims[2], (int)x->dims[3], exp);
    y->quant.zero = zero;
    ir_node_new(r->g, NULL, IR_OP_qconcat, NULL, in, count, &y, 1);
    return y;
}

/* Images of the same channels, some a row or a column shorter than the first. */
static struct ir_value *gen_interleave(struct gen *r, struct ir_value *x) {
    int step[2] = {gen_pick(r, 1, 3), gen_pick(r, 1, 3)}, size[2], channels = gen_pick(r, 1, 20);
    struct ir_value *in[9];
    for (int d = 0; d < 2; d++) {
        int most = (int)x->dims[2 + d] * step[d];
        size[d] = x->dims[2 + d] < 2 ? most : most - gen_pick(r, 0, step[d] - 1);
    }
    int exp = x->quant.exp, zero = x->quant.zero;
    for (int i = 0; i < step[0] * step[1]; i++) {
        struct gen_conv v = {.x = x, .bits = gen_bits(r), .terms = 1, .group = 1};
        const int at[2] = {i / step[1], i % step[1]};
        int part[2];
        v.dims[0] = channels, v.dims[1] = x->dims[1];
        for (int d = 0; d < 2; d++) {
            part[d] = (size[d] - at[d] + step[d] - 1) / step[d];
            v.dims[2 + d] = x->dims[2 + d] - part[d] + 1;
        }
        v.y = gen_value(r, channels, part[0], part[1], exp);
        v.y->quant.zero = zero;
        struct ir_value *operands[7] = {0};
        gen_conv_node(r, &v, operands, exp);
        in[i] = v.y;
    }
    struct ir_value *y = gen_value(r, channels, size[0], size[1], exp);
    y->quant.zero = zero;
    struct ir_node *n =
        ir_node_new(r->g, NULL, IR_OP_qinterleave, NULL, in, step[0] * step[1], &y, 1);
    ir_set_ints(r->g, n, "step", (int64_t[]){step[0], step[1]}, 2);
    return y;
}

static void gen_output(struct gen *r, struct ir_value *v, bool softmax) {
    struct ir_value *f = ir_value_new(r->g, NULL, IR_F32, 4, v->dims), *p;
    ir_node_new(r->g, NULL, IR_OP_dequantize, NULL, &v, 1, &f, 1);
    if (softmax) {
        p = ir_value_new(r->g, NULL, IR_F32, 4, v->dims);
        struct ir_node *n = ir_node_new(r->g, NULL, IR_OP_softmax, NULL, &f, 1, &p, 1);
        ir_set_int(r->g, n, "axis", gen_pick(r, 0, 3));
        ir_set_int(r->g, n, "flat", gen_pick(r, 0, 1));
        f = p;
    }
    ir_add_output(r->g, f);
}

/* ---- Host nodes ------------------------------------------------------------------------------ */

/* A node that only the host can run, from floats to a value of any type. */
static struct ir_node *gen_host_node(struct gen *r, enum ir_op op, struct ir_value *const *in,
                                     int count, enum ir_dtype type, int rank, const int64_t *dims) {
    struct ir_value *y = ir_value_new(r->g, NULL, type, rank, dims);
    struct ir_node *n = ir_node_new(r->g, NULL, op, NULL, in, count, &y, 1);
    ir_set_string(r->g, n, "host", "a test");
    return n;
}

static struct ir_value *gen_real(struct gen *r, struct ir_value *v) {
    struct ir_value *f = ir_value_new(r->g, NULL, IR_F32, v->rank, v->dims);
    ir_node_new(r->g, NULL, IR_OP_dequantize, NULL, &v, 1, &f, 1);
    return f;
}

static struct ir_value *gen_stored(struct gen *r, struct ir_value *f, int exp) {
    struct ir_value *y = gen_value(r, (int)f->dims[1], (int)f->dims[2], (int)f->dims[3], exp);
    ir_node_new(r->g, NULL, IR_OP_quantize, NULL, &f, 1, &y, 1);
    return y;
}

static struct ir_value *gen_host_unary(struct gen *r, struct ir_value *f, int exp) {
    (void)exp;
    struct ir_node *n = gen_host_node(r, IR_OP_tanh, &f, 1, IR_F32, 4, f->dims);
    return n->out[0];
}

static struct ir_value *gen_host_softmax(struct gen *r, struct ir_value *f, int exp) {
    (void)exp;
    struct ir_node *n = gen_host_node(r, IR_OP_softmax, &f, 1, IR_F32, 4, f->dims);
    ir_set_int(r->g, n, "axis", gen_pick(r, 1, 3));
    return n->out[0];
}

static struct ir_value *gen_host_transpose(struct gen *r, struct ir_value *f, int exp) {
    (void)exp;
    int64_t dims[4] = {1, f->dims[1], f->dims[3], f->dims[2]};
    struct ir_node *n = gen_host_node(r, IR_OP_transpose, &f, 1, IR_F32, 4, dims);
    ir_set_ints(r->g, n, "perm", (int64_t[]){0, 1, 3, 2}, 4);
    return n->out[0];
}

/* With what the device made elsewhere, or with the network's input. */
static struct ir_value *gen_host_add(struct gen *r, struct ir_value *f, int exp) {
    (void)exp;
    struct ir_value *in[2] = {f, r->g->inputs[0]};
    if (gen_pick(r, 0, 3) || memcmp(in[1]->dims, f->dims, sizeof f->dims) != 0) {
        struct ir_value *other = gen_same_shape(r, f);
        in[1] = other ? gen_real(r, other) : f;
    }
    return gen_host_node(r, IR_OP_add, in, 2, IR_F32, 4, f->dims)->out[0];
}

/* Through a flat row and back, by nodes that have a reason or none. */
static struct ir_value *gen_host_view(struct gen *r, struct ir_value *f, int exp) {
    (void)exp;
    int64_t *shape = gen_array(r, 6, sizeof *shape), rank[1] = {4}, two[1] = {2};
    shape[0] = 1, shape[1] = ir_elements(f);
    memcpy(shape + 2, f->dims, 4 * sizeof *shape);
    struct ir_value *flat = ir_value_new(r->g, NULL, IR_F32, 2, shape);
    struct ir_value *back = ir_value_new(r->g, NULL, IR_F32, 4, f->dims);
    struct ir_value *in[2] = {f, ir_const_new(r->g, NULL, IR_I64, 1, two, shape)};
    struct ir_node *n = ir_node_new(r->g, NULL, IR_OP_reshape, NULL, in, 2, &flat, 1);
    if (gen_pick(r, 0, 1)) ir_set_string(r->g, n, "host", "between host nodes");
    in[0] = flat, in[1] = ir_const_new(r->g, NULL, IR_I64, 1, rank, shape + 2);
    if (gen_pick(r, 0, 3) == 0) ir_add_output(r->g, flat);
    ir_node_new(r->g, NULL, IR_OP_reshape, NULL, in, 2, &back, 1);
    return back;
}

/* Whole numbers in between, which may be an output as well. */
static struct ir_value *gen_host_integers(struct gen *r, struct ir_value *f, int exp) {
    (void)exp;
    struct ir_node *n = gen_host_node(r, IR_OP_cast, &f, 1, IR_I64, 4, f->dims);
    ir_set_string(r->g, n, "to", "i64");
    if (gen_pick(r, 0, 3) == 0) ir_add_output(r->g, n->out[0]);
    n = gen_host_node(r, IR_OP_cast, n->out, 1, IR_F32, 4, f->dims);
    ir_set_string(r->g, n, "to", "f32");
    return n->out[0];
}

/* A constant that several nodes share. */
static struct ir_value *gen_host_scale(struct gen *r, struct ir_value *f, int exp) {
    (void)exp;
    float *w = gen_array(r, (size_t)f->dims[1], sizeof *w);
    for (int64_t i = 0; i < f->dims[1]; i++) w[i] = (float)gen_pick(r, -30, 30) / 16;
    int64_t dims[4] = {1, f->dims[1], 1, 1};
    struct ir_value *in[2] = {f, ir_const_new(r->g, NULL, IR_F32, 4, dims, w)};
    in[0] = gen_host_node(r, IR_OP_mul, in, 2, IR_F32, 4, f->dims)->out[0];
    return gen_host_node(r, IR_OP_add, in, 2, IR_F32, 4, f->dims)->out[0];
}

/* Rounded as if for the device, and back. */
static struct ir_value *gen_host_rounded(struct gen *r, struct ir_value *f, int exp) {
    return gen_real(r, gen_stored(r, f, exp));
}

typedef struct ir_value *gen_host_fn(struct gen *r, struct ir_value *f, int exp);

static struct ir_value *gen_host(struct gen *r, struct ir_value *x) {
    static gen_host_fn *const makers[] = {gen_host_unary, gen_host_softmax, gen_host_transpose,
                                          gen_host_add,   gen_host_view,    gen_host_integers,
                                          gen_host_scale, gen_host_rounded};
    struct ir_value *f = gen_real(r, x);
    for (int n = gen_pick(r, 1, 3); n > 0; n--)
        f = makers[gen_pick(r, 0, (int)(sizeof makers / sizeof *makers) - 1)](r, f, x->quant.exp);
    if (gen_pick(r, 0, 5) == 0) ir_add_output(r->g, f);
    if (gen_pick(r, 0, 5) == 0 && r->live_count < GEN_MAX_VALUES / 2)
        r->live[r->live_count++] = gen_stored(r, f, x->quant.exp + 1);
    return gen_stored(r, f, x->quant.exp);
}

typedef struct ir_value *gen_layer_fn(struct gen *r, struct ir_value *x);

/* A graph of `layers` layers on target t, `hosts` in a hundred of them on the host; owned by c. */
static struct ir_graph *gen_graph_hosts(struct ctx *c, const struct svpe_target *t, int act_bits,
                                        uint64_t seed, int layers, int hosts) {
    static gen_layer_fn *const makers[] = {gen_conv, gen_conv,   gen_conv,      gen_conv, gen_add,
                                           gen_mul,  gen_scale,  gen_lut,       gen_copy, gen_max,
                                           gen_avg,  gen_concat, gen_interleave};
    struct gen r = {.g = ir_graph_new(c, "random"),
                    .rng = {seed},
                    .target = t,
                    .act_bits = act_bits,
                    .small = t->act_bytes < 100000};
    int64_t dims[4] = {1, gen_pick(&r, 1, 3) < 3 ? gen_pick(&r, 1, 4) : gen_pick(&r, 5, 20),
                       gen_pick(&r, 4, 14), gen_pick(&r, 4, 14)};
    struct ir_value *input = ir_value_new(r.g, "input", IR_F32, 4, dims);
    ir_add_input(r.g, input);
    struct ir_value *x = gen_value(&r, (int)dims[1], (int)dims[2], (int)dims[3], 3 - act_bits);
    ir_node_new(r.g, NULL, IR_OP_quantize, NULL, &input, 1, &x, 1);
    r.live[r.live_count++] = x;
    while (r.live_count <= layers) {
        struct ir_value *from =
            r.live[gen_pick(&r, 0, 2) ? r.live_count - 1 : gen_pick(&r, 0, r.live_count - 1)];
        bool host = hosts && gen_pick(&r, 1, 100) <= hosts;
        struct ir_value *y =
            host ? gen_host(&r, from)
                 : makers[gen_pick(&r, 0, (int)(sizeof makers / sizeof *makers) - 1)](&r, from);
        if (y) r.live[r.live_count++] = y;
    }
    gen_output(&r, r.live[r.live_count - 1], gen_pick(&r, 0, 3) == 0);
    for (int i = 0; i < r.live_count - 1; i++) /* what nothing uses, and one in the middle */
        if (ir_use_count(r.g, r.live[i]) == 0 || gen_pick(&r, 0, 9) == 0)
            gen_output(&r, r.live[i], false);
    return r.g;
}

static inline struct ir_graph *gen_graph(struct ctx *c, const struct svpe_target *t, int act_bits,
                                         uint64_t seed, int layers) {
    return gen_graph_hosts(c, t, act_bits, seed, layers, 0);
}

#endif
