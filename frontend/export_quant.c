/* The operators of the quantized level, each spelled out as ordinary ONNX that a runtime computes
 * exactly: a way to the same integers that shares nothing with the evaluator. Source:
 * docs/numbers.md, the meaning column of base/ops/ops.def.
 *
 * A quantized value is an int8 or int16 tensor of its stored integers. The arithmetic between is in
 * double: every integer here is below 2^52, powers of two scale it without loss, and
 *     round_shift(u, s) = Floor(u · 2^−s + 1/2),
 * where ONNX's integers have no shift that keeps the sign and a division that rounds toward zero.
 * What ONNX has for float only (windows, padding of int16) is done in float, which holds 16-bit
 * integers exactly; sums over windows see to that themselves (export_conv.c). A float that is not a
 * number is the one thing left out: quantize makes it the encoded zero, here it is undefined. */
#include "frontend/export.h"

#include "frontend/diag.h"

#include <math.h>

typedef bool export_fn(struct fe_export *x);

static const struct ir_value *in(const struct fe_export *x, int i) {
    return ir_in(x->n, i);
}

static const struct ir_value *out(const struct fe_export *x) {
    return x->n->out[0];
}

static int64_t lowest(const struct ir_value *v) {
    return -((int64_t)1 << (v->quant.bits - 1));
}

/* --- beginnings and ends --- */

static const char *times(struct fe_export *x, const char *v, int exp) {
    return exp ? fe_put2(x, "Mul", v, fe_put_f64(x, ldexp(1, exp))) : v;
}

static const char *plus(struct fe_export *x, const char *v, double number) {
    return number != 0 ? fe_put2(x, "Add", v, fe_put_f64(x, number)) : v;
}

/* stored − zero of an image that is called so, in double. */
static const char *level(struct fe_export *x, const struct ir_value *v, const char *name) {
    return plus(x, fe_put_cast(x, name, FE_F64, NULL), -v->quant.zero);
}

/* The same of input i, in units of 2^exp. */
static const char *scaled(struct fe_export *x, int i, int exp) {
    return times(x, level(x, in(x, i), in(x, i)->name), in(x, i)->quant.exp - exp);
}

static const char *rounded(struct fe_export *x, const char *v) {
    return fe_put1(x, "Floor", plus(x, v, 0.5));
}

static const char *clipped(struct fe_export *x, const char *v, int64_t lo, int64_t hi) {
    const char *low = fe_put_f64(x, (double)lo), *high = fe_put_f64(x, (double)hi);
    return fe_put(x, "Clip", NULL, (const char *const[]){v, low, high, NULL});
}

static int stored_type(const struct ir_value *v) {
    return fe_onnx_type(v->dtype);
}

static void cast_out(struct fe_export *x, const char *v) {
    fe_put_cast(x, v, stored_type(out(x)), out(x)->name);
}

static int64_t bound(const struct fe_export *x, const char *name, int64_t otherwise) {
    return ir_attr_find(x->n, name) ? ir_attr_int(x->n, name) : otherwise;
}

/* clamp(v + zero, lo, hi), v a whole number: the result of the node. */
static bool store_whole(struct fe_export *x, const char *v) {
    int64_t lo = lowest(out(x));
    v = plus(x, v, out(x)->quant.zero);
    cast_out(x, clipped(x, v, bound(x, "lo", lo), bound(x, "hi", -lo - 1)));
    return true;
}

static bool store(struct fe_export *x, const char *v) {
    return store_whole(x, rounded(x, v));
}

/* v · 2^−shift[c] */
static const char *shifted(struct fe_export *x, const char *v, const struct ir_value *shift) {
    int64_t count = ir_elements(shift);
    double *factors = arena_array(x->a, (size_t)count, sizeof *factors);
    for (int64_t i = 0; i < count; i++) factors[i] = ldexp(1, -((const int32_t *)shift->data)[i]);
    return fe_put2(x, "Mul", v, fe_put_channels(x, factors, count));
}

static const char *biased(struct fe_export *x, const char *v, const struct ir_value *bias) {
    int64_t count = ir_elements(bias);
    double *to = arena_array(x->a, (size_t)count, sizeof *to);
    for (int64_t i = 0; i < count; i++) to[i] = ((const int32_t *)bias->data)[i];
    return fe_put2(x, "Add", v, fe_put_channels(x, to, count));
}

/* --- quantize, dequantize --- */

static bool export_quantize(struct fe_export *x) {
    const char *v = times(x, fe_put_cast(x, in(x, 0)->name, FE_F64, NULL), -out(x)->quant.exp);
    return store_whole(x, fe_put1(x, "Round", v)); /* Round goes to even, as quantize does */
}

static bool export_dequantize(struct fe_export *x) {
    fe_put_cast(x, scaled(x, 0, 0), FE_F32, out(x)->name);
    return true;
}

/* --- windows --- */

/* In float: size[d] rows and columns of `value` around, before and behind. */
static const char *padded(struct fe_export *x, const char *v, const int64_t before[2],
                          const int64_t after[2], double value) {
    if (!before[0] && !before[1] && !after[0] && !after[1]) return v;
    int64_t pads[] = {0, 0, before[0], before[1], 0, 0, after[0], after[1]};
    const char *inputs[] = {v, fe_put_i64s(x, pads, 8), fe_put_f32(x, value), NULL};
    return fe_put(x, "Pad", NULL, inputs);
}

/* What the windows of a pool reach behind the image: ceil_mode lets the last ones stand over. */
static void reach_behind(const struct ir_window *w, int64_t after[2]) {
    for (int d = 0; d < 2; d++) {
        int64_t end = (w->out[d] - 1) * w->stride[d] + (w->kernel[d] - 1) * w->dilation[d] + 1;
        int64_t left = end - w->in[d] - w->before[d];
        after[d] = left > 0 ? left : 0;
    }
}

static struct fe_sum sum_of(const struct ir_window *w, const char *image, int64_t most) {
    struct fe_sum s = {.in = image, .most = most, .group = 1};
    for (int d = 0; d < 2; d++) {
        s.strides[d] = w->stride[d];
        s.dilations[d] = w->dilation[d];
    }
    return s;
}

static const char *convolved(struct fe_export *x, struct fe_sum *s, int weights) {
    const struct ir_value *w = in(x, weights);
    s->w = w->data;
    for (int d = 0; d < 4; d++) s->dims[d] = w->dims[d];
    s->group = ir_attr_int(x->n, "group");
    return fe_put_sum(x, s);
}

static bool export_qconv(struct fe_export *x) {
    struct ir_window w;
    if (!ir_window_of(x->g, x->n, &w)) return false;
    const char *image = fe_put_cast(x, in(x, 0)->name, FE_F32, NULL);
    image = padded(x, image, w.before, w.after, in(x, 0)->quant.zero);
    struct fe_sum s = sum_of(&w, image, -lowest(in(x, 0)));
    const char *acc = convolved(x, &s, 1), *second = NULL;
    if (acc && in(x, 6)) second = convolved(x, &s, 6);
    if (!acc || (in(x, 6) && !second)) return false;
    if (second)
        acc = fe_put2(x, "Add", times(x, acc, (int)ir_attr_int(x->n, "term_shift")), second);
    acc = shifted(x, biased(x, acc, in(x, 3)), in(x, 4));
    if (!in(x, 5)) return store(x, acc);
    int64_t most = ((int64_t)1 << (ir_attr_int(x->n, "mid_bits") - 1)) - 1;
    int exp = out(x)->quant.exp, mid_exp = (int)ir_attr_int(x->n, "mid_exp");
    const char *mid = times(x, clipped(x, rounded(x, acc), -most - 1, most), mid_exp - exp);
    return store(x, fe_put2(x, "Add", mid, scaled(x, 5, exp)));
}

static bool export_qmaxpool(struct fe_export *x) {
    struct ir_window w;
    int64_t after[2];
    if (!ir_window_of(x->g, x->n, &w)) return false;
    reach_behind(&w, after);
    const char *v = fe_put_cast(x, in(x, 0)->name, FE_F32, NULL);
    v = fe_put1(x, "MaxPool", padded(x, v, w.before, after, (double)lowest(in(x, 0))));
    fe_put_ints(x, "kernel_shape", w.kernel, 2);
    fe_put_ints(x, "strides", w.stride, 2);
    fe_put_ints(x, "dilations", w.dilation, 2);
    cast_out(x, v);
    return true;
}

/* How many places of window `at` are within the image. */
static int64_t inside(const struct ir_window *w, int d, int64_t at) {
    int64_t first = at * w->stride[d] - w->before[d], last = first + w->kernel[d];
    return (last < w->in[d] ? last : w->in[d]) - (first > 0 ? first : 0);
}

/* mult of each place of the result: [rows,columns]. */
static const char *put_divisors(struct fe_export *x, const struct ir_window *w, const int64_t *mult,
                                int shift) {
    size_t bytes = (size_t)(w->out[0] * w->out[1]) * sizeof(double);
    double *to = arena_alloc(x->a, bytes);
    for (int64_t y = 0; y < w->out[0]; y++)
        for (int64_t c = 0; c < w->out[1]; c++) {
            int64_t at = (inside(w, 0, y) - 1) * w->kernel[1] + inside(w, 1, c) - 1;
            to[y * w->out[1] + c] = ldexp((double)mult[at], -shift);
        }
    return fe_put_tensor(x, fe_part(x), FE_F64, 2, w->out, to, bytes);
}

static bool export_qavgpool(struct fe_export *x) {
    struct ir_window w;
    int64_t after[2], least = lowest(in(x, 0)), zero = in(x, 0)->quant.zero;
    int count, shift = (int)ir_attr_int(x->n, "shift");
    const int64_t *mult = ir_attr_ints(x->n, "mult", &count);
    if (!ir_window_of(x->g, x->n, &w)) return false;
    reach_behind(&w, after);
    const char *v = fe_put_cast(x, in(x, 0)->name, FE_F32, NULL);
    if (zero) v = fe_put2(x, "Sub", v, fe_put_f32(x, (double)zero));
    v = padded(x, v, w.before, after, 0);
    struct fe_sum s = sum_of(&w, v, zero - least > -least ? zero - least : -least - zero);
    s.group = in(x, 0)->dims[1];
    int64_t ones = s.group * w.kernel[0] * w.kernel[1];
    int16_t *all = arena_array(x->a, (size_t)ones, sizeof *all);
    for (int64_t i = 0; i < ones; i++) all[i] = 1;
    s.w = all;
    s.dims[0] = s.group;
    s.dims[1] = 1;
    s.dims[2] = w.kernel[0];
    s.dims[3] = w.kernel[1];
    const char *sum = fe_put_sum(x, &s);
    if (!sum) return false;
    const char *factor = count == 1 ? fe_put_f64(x, ldexp((double)mult[0], -shift))
                                    : put_divisors(x, &w, mult, shift);
    return store(x, fe_put2(x, "Mul", sum, factor));
}

/* --- element by element --- */

static bool export_qadd(struct fe_export *x) {
    int exp = out(x)->quant.exp;
    return store(x, fe_put2(x, "Add", scaled(x, 0, exp), scaled(x, 1, exp)));
}

static bool export_qmul(struct fe_export *x) {
    const char *product = fe_put2(x, "Mul", scaled(x, 0, 0), scaled(x, 1, 0));
    return store(x, times(x, product, -out(x)->quant.exp));
}

/* v · mult[c], mult input 1 */
static const char *multiplied(struct fe_export *x, const char *v) {
    const struct ir_value *mult = in(x, 1);
    int64_t count = ir_elements(mult);
    double *factors = arena_array(x->a, (size_t)count, sizeof *factors);
    for (int64_t i = 0; i < count; i++) factors[i] = ((const int16_t *)mult->data)[i];
    return fe_put2(x, "Mul", v, fe_put_channels(x, factors, count));
}

static bool export_qscale(struct fe_export *x) {
    const char *v = multiplied(x, level(x, in(x, 0), in(x, 0)->name));
    return store(x, shifted(x, biased(x, v, in(x, 2)), in(x, 3)));
}

static bool export_qprelu(struct fe_export *x) {
    const char *v = level(x, in(x, 0), in(x, 0)->name);
    const char *below = shifted(x, multiplied(x, v), in(x, 2));
    const char *above = times(x, v, in(x, 0)->quant.exp - out(x)->quant.exp);
    const char *negative = fe_put2(x, "Less", v, fe_put_f64(x, 0));
    return store(x, fe_put(x, "Where", NULL, (const char *const[]){negative, below, above, NULL}));
}

/* table[i + more] in double, i whole numbers of 0 or more in double. */
static const char *looked_up(struct fe_export *x, const char *i, int more) {
    const struct ir_value *t = in(x, 1);
    const char *at = fe_put_cast(x, plus(x, i, more), FE_I64, NULL);
    return fe_put_cast(x, fe_put2(x, "Gather", t->name, at), FE_F64, NULL);
}

static bool export_qlut(struct fe_export *x) {
    const char *v = fe_put_cast(x, in(x, 0)->name, FE_F64, NULL);
    int64_t lo = lowest(out(x));
    if (in(x, 0)->dtype == IR_I8) {
        v = looked_up(x, plus(x, v, 128), 0);
    } else { /* a straight line between two entries, which are 256 apart */
        v = plus(x, v, 32768);
        const char *i = fe_put1(x, "Floor", times(x, v, -8));
        const char *part = fe_put2(x, "Sub", v, times(x, i, 8));
        const char *left = looked_up(x, i, 0);
        const char *slope = fe_put2(x, "Sub", looked_up(x, i, 1), left);
        v = rounded(x, times(x, fe_put2(x, "Mul", slope, part), -8));
        v = fe_put2(x, "Add", left, v);
    }
    cast_out(x, clipped(x, v, lo, -lo - 1));
    return true;
}

/* --- moves --- */

/* Every step-th row and column. */
static const char *stepped(struct fe_export *x, const char *v, const int64_t *step) {
    int64_t starts[] = {0, 0}, ends[] = {INT64_MAX, INT64_MAX}, axes[] = {2, 3};
    const char *inputs[] = {v,
                            fe_put_i64s(x, starts, 2),
                            fe_put_i64s(x, ends, 2),
                            fe_put_i64s(x, axes, 2),
                            fe_put_i64s(x, step, 2),
                            NULL};
    return fe_put(x, "Slice", NULL, inputs);
}

/* Each pixel several times, in float. */
static const char *repeated(struct fe_export *x, const char *v, const int64_t *repeat) {
    float *scales = arena_array(x->a, 4, sizeof *scales);
    scales[0] = scales[1] = 1;
    scales[2] = (float)repeat[0];
    scales[3] = (float)repeat[1];
    const char *by = fe_put_tensor(x, fe_part(x), FE_F32, 1, (int64_t[]){4}, scales, 16);
    v = fe_put_cast(x, v, FE_F32, NULL);
    v = fe_put(x, "Resize", NULL, (const char *const[]){v, "", by, NULL});
    fe_put_string(x, "mode", "nearest");
    fe_put_string(x, "nearest_mode", "floor");
    fe_put_string(x, "coordinate_transformation_mode", "asymmetric");
    return v;
}

static bool export_qcopy(struct fe_export *x) {
    int two;
    const int64_t *step = ir_attr_ints(x->n, "step", &two);
    const int64_t *repeat = ir_attr_ints(x->n, "repeat", &two);
    const char *v = in(x, 0)->name;
    if (step[0] > 1 || step[1] > 1) v = stepped(x, v, step);
    if (repeat[0] > 1 || repeat[1] > 1) v = repeated(x, v, repeat);
    return store(x, times(x, level(x, in(x, 0), v), in(x, 0)->quant.exp - out(x)->quant.exp));
}

static const char *joined(struct fe_export *x, const char *const *parts, int axis, const char *to) {
    to = fe_put(x, "Concat", to, parts);
    fe_put_int(x, "axis", axis);
    return to;
}

static const char **names_of_inputs(struct fe_export *x) {
    const char **names = arena_array(x->a, (size_t)x->n->in_count + 1, sizeof *names);
    for (int i = 0; i < x->n->in_count; i++) names[i] = x->n->in[i]->name;
    return names;
}

static bool export_qconcat(struct fe_export *x) {
    joined(x, names_of_inputs(x), 1, out(x)->name);
    return true;
}

static const char *reshaped(struct fe_export *x, const char *v, const int64_t *dims, int rank,
                            const char *to) {
    return fe_put(x, "Reshape", to, (const char *const[]){v, fe_put_i64s(x, dims, rank), NULL});
}

/* Rows and columns become dimensions of their own, along which the images are joined. Images of the
 * last steps may be a row or column short: they are padded, and the result is cut. */
static bool export_interleave(struct fe_export *x) {
    int two;
    const int64_t *step = ir_attr_ints(x->n, "step", &two), *full = in(x, 0)->dims;
    int64_t zero[2] = {0, 0}, narrow[] = {full[0], full[1], full[2], 1, full[3], 1};
    const char **rows = arena_array(x->a, (size_t)step[0] + 1, sizeof *rows);
    for (int64_t r = 0; r < step[0]; r++) {
        const char **parts = arena_array(x->a, (size_t)step[1] + 1, sizeof *parts);
        for (int64_t c = 0; c < step[1]; c++) {
            const struct ir_value *v = in(x, (int)(r * step[1] + c));
            int64_t lack[] = {full[2] - v->dims[2], full[3] - v->dims[3]};
            const char *image = fe_put_cast(x, v->name, FE_F32, NULL);
            parts[c] = reshaped(x, padded(x, image, zero, lack, 0), narrow, 6, NULL);
        }
        rows[r] = joined(x, parts, 5, NULL);
    }
    int64_t whole[] = {full[0], full[1], full[2] * step[0], full[3] * step[1]};
    int64_t axes[] = {2, 3};
    const char *v = reshaped(x, joined(x, rows, 3, NULL), whole, 4, NULL);
    const char *inputs[] = {v, fe_put_i64s(x, zero, 2), fe_put_i64s(x, out(x)->dims + 2, 2),
                            fe_put_i64s(x, axes, 2), NULL};
    cast_out(x, fe_put(x, "Slice", NULL, inputs));
    return true;
}

/* --- the table --- */

static export_fn *const table[IR_OP_COUNT] = {
    [IR_OP_quantize] = export_quantize,
    [IR_OP_dequantize] = export_dequantize,
    [IR_OP_qconv] = export_qconv,
    [IR_OP_qadd] = export_qadd,
    [IR_OP_qmul] = export_qmul,
    [IR_OP_qscale] = export_qscale,
    [IR_OP_qmaxpool] = export_qmaxpool,
    [IR_OP_qavgpool] = export_qavgpool,
    [IR_OP_qprelu] = export_qprelu,
    [IR_OP_qlut] = export_qlut,
    [IR_OP_qcopy] = export_qcopy,
    [IR_OP_qconcat] = export_qconcat,
    [IR_OP_qinterleave] = export_interleave,
    [IR_OP_interleave] = export_interleave,
};

bool fe_exports(enum ir_op op) {
    return table[op] != NULL || op == IR_OP_affine || ir_op_info(op)->onnx[0] != '\0';
}

bool fe_export_quant(struct fe_export *x) {
    if (table[x->n->op]) return table[x->n->op](x);
    diag(x->c, fe_export_op, ir_node_where(x->a, x->n), ir_op_info(x->n->op)->name);
    return false;
}
