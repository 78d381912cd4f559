/* Between reals and the integers of models that come quantized: shapes and values of
 * QuantizeLinear, DequantizeLinear and QONNX's quantizers, whose output is real again. Computed
 * in float, as ONNX and QONNX say. Source: ONNX QuantizeLinear 25, DequantizeLinear 25; QONNX
 * Quant, BipolarQuant, Trunc (qonnx.custom_op.general). */
#include "base/ops/internal.h"

#include <math.h>
#include <string.h>

/* --- ONNX: scales of the tensor, of each row of an axis, or of blocks of it --- */

struct grid {
    const float *scale;
    const void *zero; /* NULL: zeros */
    enum ir_dtype zero_type;
    int64_t outer, count, inner; /* the tensor around the axis */
    int64_t rows, block;         /* scales along the axis, elements that each is for */
    bool blocked, single;
};

static bool is_single(const struct ir_value *v) {
    return v->rank == 0 || (v->rank == 1 && v->dims[0] == 1);
}

static bool quantized_type(enum ir_dtype t) {
    return t == IR_I8 || t == IR_U8 || t == IR_I16 || t == IR_U16;
}

/* Scale and zero point have one shape; along the axis it fits. */
static bool check_scales(struct ir_infer *x) {
    const struct ir_value *v = ir_in(x->n, 0), *scale = ir_in(x->n, 1), *zero = ir_in(x->n, 2);
    int64_t block = ir_attr_int(x->n, "block_size");
    if (!ir_want(x, 1, -1, IR_F32)) return false;
    if (v->rank < 0 || scale->rank < 0) return true;
    if (block < 0 || block > IR_MAX_EXTENT)
        return ir_fail_attr(x, "block_size", "0 or more, and no more than a dimension may be");
    if (zero && zero->rank >= 0 && !(is_single(zero) && is_single(scale)) &&
        (zero->rank != scale->rank ||
         memcmp(zero->dims, scale->dims, (size_t)scale->rank * sizeof *scale->dims) != 0))
        return ir_fail_input(x, 2, "the shape of the scale");
    if (is_single(scale) && !block) return true;
    int axis = ir_axis(ir_attr_int(x->n, "axis"), v->rank);
    if (axis < 0) return ir_fail_attr(x, "axis", "an axis of input 1");
    if (!block) {
        if (scale->rank != 1) return ir_fail_input(x, 1, "one number, or one dimension");
        return ir_want_dim(x, 1, 0, v->dims[axis], "one scale for each row of the axis");
    }
    if (scale->rank != v->rank) return ir_fail_input(x, 1, "as many dimensions as input 1");
    for (int i = 0; i < v->rank; i++) {
        int64_t want = v->dims[i];
        if (i == axis && want >= 0) want = (want + block - 1) / block;
        if (!ir_want_dim(x, 1, i, want, "one scale for each block")) return false;
    }
    return true;
}

bool ir_infer_quantizelinear(struct ir_infer *x) {
    const struct ir_value *zero = ir_in(x->n, 2);
    const char *type = ir_attr_string(x->n, "dtype");
    enum ir_dtype t = zero ? zero->dtype : type ? ir_dtype_by_name(type) : IR_U8;
    if (x->n->in[0]->dtype != IR_I32 && !ir_want(x, 0, -1, IR_F32)) return false;
    if (!quantized_type(t)) return ir_fail_input(x, 2, "i8, u8, i16 or u16");
    if (!check_scales(x)) return false;
    ir_same_as_input(x);
    x->out[0].dtype = t;
    return true;
}

bool ir_infer_dequantizelinear(struct ir_infer *x) {
    const struct ir_value *v = ir_in(x->n, 0), *zero = ir_in(x->n, 2);
    if (!quantized_type(v->dtype) && v->dtype != IR_I32)
        return ir_fail_input(x, 0, "i8, u8, i16, u16 or i32");
    if (zero && zero->dtype != v->dtype) return ir_fail_input(x, 2, "the type of input 1");
    if (!check_scales(x)) return false;
    ir_same_as_input(x);
    x->out[0].dtype = IR_F32;
    return true;
}

static struct grid grid_of(const struct ir_eval *e) {
    const struct ir_value *v = ir_in(e->n, 0), *scale = ir_in(e->n, 1), *zero = ir_in(e->n, 2);
    struct grid g = {ir_eval_in(e, 1), ir_eval_in(e, 2), IR_U8, 1, 1, 1, 1, 1, false, false};
    int64_t block = ir_attr_int(e->n, "block_size");
    if (zero) g.zero_type = zero->dtype;
    g.single = is_single(scale) && !block;
    if (g.single) {
        g.inner = ir_elements(v);
        return g;
    }
    int axis = ir_axis(ir_attr_int(e->n, "axis"), v->rank);
    for (int i = 0; i < axis; i++) g.outer *= v->dims[i];
    g.count = v->dims[axis];
    for (int i = axis + 1; i < v->rank; i++) g.inner *= v->dims[i];
    g.blocked = block > 0;
    g.block = block > 0 ? block : 1;
    g.rows = (g.count + g.block - 1) / g.block;
    return g;
}

/* Index of the scale of element (outer o, row i, inner k). */
static int64_t scale_at(const struct grid *g, int64_t o, int64_t i, int64_t k) {
    if (g->single) return 0;
    return g->blocked ? (o * g->rows + i / g->block) * g->inner + k : i;
}

static int64_t zero_at(const struct grid *g, int64_t at) {
    return g->zero ? ir_load_int(g->zero_type, g->zero, at) : 0;
}

bool ir_eval_quantizelinear(const struct ir_eval *e) {
    struct grid g = grid_of(e);
    enum ir_dtype from = ir_in(e->n, 0)->dtype, to = e->n->out[0]->dtype;
    const void *x = ir_eval_in(e, 0);
    void *y = ir_eval_out(e, 0);
    int64_t at = 0;
    for (int64_t o = 0; o < g.outer; o++)
        for (int64_t i = 0; i < g.count; i++)
            for (int64_t k = 0; k < g.inner; k++, at++) {
                int64_t s = scale_at(&g, o, i, k);
                float level = rintf((float)ir_load_float(from, x, at) / g.scale[s]);
                /* Not a number becomes the zero point; what is too large for i64 the limit. */
                if (isnan(level)) level = 0;
                level = fminf(fmaxf(level, -0x1p30f), 0x1p30f);
                ir_store_int(to, y, at, ir_limit_int(to, (int64_t)level + zero_at(&g, s)));
            }
    return true;
}

bool ir_eval_dequantizelinear(const struct ir_eval *e) {
    struct grid g = grid_of(e);
    enum ir_dtype from = ir_in(e->n, 0)->dtype;
    const void *x = ir_eval_in(e, 0);
    float *y = ir_eval_out(e, 0);
    int64_t at = 0;
    for (int64_t o = 0; o < g.outer; o++)
        for (int64_t i = 0; i < g.count; i++)
            for (int64_t k = 0; k < g.inner; k++, at++) {
                int64_t s = scale_at(&g, o, i, k);
                y[at] = (float)(ir_load_int(from, x, at) - zero_at(&g, s)) * g.scale[s];
            }
    return true;
}

/* --- QONNX: scale and zero point are broadcast over x --- */

static bool check_broadcast(struct ir_infer *x, int count) {
    struct ir_type v = ir_type_of(ir_in(x->n, 0)), out;
    for (int i = 0; i < count; i++) {
        struct ir_type s = ir_type_of(ir_in(x->n, i));
        if (!ir_want(x, i, -1, IR_F32)) return false;
        if (v.rank < 0 || s.rank < 0) continue;
        if (!ir_broadcast(&v, &s, &out) || out.rank != v.rank ||
            memcmp(out.dims, v.dims, (size_t)v.rank * sizeof *v.dims) != 0)
            return ir_fail_input(x, i, "a shape that is broadcast over input 1");
    }
    return ir_same_as_input(x);
}

static float rounded(const char *mode, float x) {
    if (!strcmp(mode, "CEIL")) return ceilf(x);
    if (!strcmp(mode, "FLOOR")) return floorf(x);
    if (!strcmp(mode, "UP")) return x < 0 ? floorf(x) : ceilf(x);
    if (!strcmp(mode, "DOWN")) return truncf(x);
    if (!strcmp(mode, "HALF_UP")) return roundf(x);
    if (!strcmp(mode, "HALF_DOWN")) return x < 0 ? floorf(x + 0.5f) : ceilf(x - 0.5f);
    return rintf(x);
}

static bool check_rounding(struct ir_infer *x) {
    static const char *const modes[] = {"ROUND", "CEIL",    "FLOOR",    "UP",
                                        "DOWN",  "HALF_UP", "HALF_DOWN"};
    const char *mode = ir_attr_string(x->n, "rounding_mode");
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (!strcmp(mode, modes[i])) return true;
    return ir_fail_attr(x, "rounding_mode", "ROUND, CEIL, FLOOR, UP, DOWN, HALF_UP or HALF_DOWN");
}

/* Number of an input that is one number; false after saying that it is not. */
static bool one_number(const struct ir_eval *e, int i, float *out) {
    const float *v = ir_eval_in(e, i);
    if (ir_elements(ir_in(e->n, i)) != 1)
        return ir_eval_fail(e, "a number of bits is no one number");
    *out = *v;
    return *out >= 1 && *out <= 32 ? true : ir_eval_fail(e, "a number of bits is not in 1…32");
}

struct walk { /* over x, with the scale's and zero point's elements */
    int64_t steps[2][IR_MAX_RANK], at[IR_MAX_RANK], index[2];
    const struct ir_value *x;
};

static struct walk walk_new(const struct ir_eval *e) {
    struct walk w = {.x = ir_in(e->n, 0)};
    ir_broadcast_steps(ir_in(e->n, 1), w.x, w.steps[0]);
    if (ir_in(e->n, 2)) ir_broadcast_steps(ir_in(e->n, 2), w.x, w.steps[1]);
    return w;
}

static void walk_next(struct walk *w) {
    for (int d = w->x->rank - 1; d >= 0; d--) {
        for (int k = 0; k < 2; k++) w->index[k] += w->steps[k][d];
        if (++w->at[d] < w->x->dims[d]) return;
        for (int k = 0; k < 2; k++) w->index[k] -= w->steps[k][d] * w->at[d];
        w->at[d] = 0;
    }
}

bool ir_infer_quant(struct ir_infer *x) {
    return check_rounding(x) && check_broadcast(x, 4);
}

bool ir_eval_quant(const struct ir_eval *e) {
    const float *x = ir_eval_in(e, 0), *scale = ir_eval_in(e, 1), *zero = ir_eval_in(e, 2);
    const char *mode = ir_attr_string(e->n, "rounding_mode");
    bool has_sign = ir_attr_int(e->n, "signed") != 0, narrow = ir_attr_int(e->n, "narrow") != 0;
    float *y = ir_eval_out(e, 0), bits = 0;
    if (!one_number(e, 3, &bits)) return false;
    float min = has_sign ? -exp2f(bits - 1) + (narrow ? 1 : 0) : 0;
    float max = has_sign ? exp2f(bits - 1) - 1 : exp2f(bits) - (narrow ? 2 : 1);
    struct walk w = walk_new(e);
    for (int64_t i = 0, n = ir_elements(w.x); i < n; i++, walk_next(&w)) {
        float s = scale[w.index[0]], z = zero[w.index[1]];
        float level = rounded(mode, fminf(fmaxf(x[i] / s + z, min), max));
        y[i] = (level - z) * s;
    }
    return true;
}

bool ir_infer_bipolarquant(struct ir_infer *x) {
    return check_broadcast(x, 2);
}

bool ir_eval_bipolarquant(const struct ir_eval *e) {
    const float *x = ir_eval_in(e, 0), *scale = ir_eval_in(e, 1);
    float *y = ir_eval_out(e, 0);
    struct walk w = walk_new(e);
    for (int64_t i = 0, n = ir_elements(w.x); i < n; i++, walk_next(&w))
        y[i] = x[i] >= 0 ? scale[w.index[0]] : -scale[w.index[0]];
    return true;
}

bool ir_infer_trunc(struct ir_infer *x) {
    return check_rounding(x) && check_broadcast(x, 5);
}

bool ir_eval_trunc(const struct ir_eval *e) {
    const float *x = ir_eval_in(e, 0), *scale = ir_eval_in(e, 1), *zero = ir_eval_in(e, 2);
    const char *mode = ir_attr_string(e->n, "rounding_mode");
    float *y = ir_eval_out(e, 0), bits_in = 0, bits_out = 0;
    if (!one_number(e, 3, &bits_in) || !one_number(e, 4, &bits_out)) return false;
    float unit = exp2f(bits_in - bits_out);
    struct walk w = walk_new(e);
    for (int64_t i = 0, n = ir_elements(w.x); i < n; i++, walk_next(&w)) {
        float s = scale[w.index[0]], z = zero[w.index[1]];
        y[i] = (rounded(mode, rintf(x[i] / s + z) / unit) - z) * s;
    }
    return true;
}
