/* Float operators to their integer counterparts, one row per operator. An operator in a form that
 * has no counterpart is not convertible: it stays float, and the host runs it.
 */
#include "passes/internal.h"
#include "passes/quant/quant.h"

#include <math.h>
#include <string.h>

enum ir_dtype quant_dtype(int bits) {
    return bits == 8 ? IR_I8 : IR_I16;
}

/* ---- which forms there are ---- */

static bool is_map(const struct ir_value *v) {
    return quant_is_activation(v) && v->rank == 4 && ir_elements(v) > 0;
}

static bool is_floats(const struct ir_value *v) {
    return v && ir_is_const(v) && v->dtype == IR_F32;
}

static bool no_auto_pad(const struct ir_node *n) {
    return !strcmp(ir_attr_string(n, "auto_pad"), "NOTSET");
}

static bool takes_conv(const struct ir_node *n) {
    const struct ir_value *bias = n->in_count > 2 ? n->in[2] : NULL;
    return is_floats(n->in[1]) && n->in[1]->rank == 4 && (!bias || is_floats(bias)) &&
           no_auto_pad(n);
}

static bool is_vector_of(const struct ir_value *b, const struct ir_value *a) {
    return b->dims[1] == a->dims[1] && b->dims[2] == 1 && b->dims[3] == 1;
}

/* Of the same shape, or one of them a number per channel. */
static bool takes_pair(const struct ir_node *n) {
    const struct ir_value *a = n->in[0], *b = n->in[1];
    return is_map(b) && (!memcmp(a->dims, b->dims, 4 * sizeof *a->dims) || is_vector_of(a, b) ||
                         is_vector_of(b, a));
}

static bool takes_affine(const struct ir_node *n) {
    return is_floats(n->in[1]) && is_floats(n->in[2]);
}

static bool takes_prelu(const struct ir_node *n) {
    return pass_is_per_channel(n->in[1], n->in[0]->dims[1], 4);
}

static bool takes_maxpool(const struct ir_node *n) {
    int count;
    const int64_t *dilation = ir_attr_ints(n, "dilations", &count);
    return no_auto_pad(n) && (!dilation || (dilation[0] == 1 && dilation[1] == 1));
}

/* Does the last window reach beyond the padded input? Then ONNX divides by less than kh·kw. */
static bool overhangs(const struct ir_node *n, int axis) {
    int count;
    int64_t kernel = ir_attr_ints(n, "kernel_shape", &count)[axis];
    int64_t stride = ir_attr_ints(n, "strides", &count)[axis];
    const int64_t *pads = ir_attr_ints(n, "pads", &count);
    int64_t last = (n->out[0]->dims[2 + axis] - 1) * stride + kernel;
    return last > n->in[0]->dims[2 + axis] + pads[axis] + pads[2 + axis];
}

static bool takes_avgpool(const struct ir_node *n) {
    if (!no_auto_pad(n)) return false;
    return ir_attr_int(n, "count_include_pad") == 0 || (!overhangs(n, 0) && !overhangs(n, 1));
}

static bool takes_map(const struct ir_node *n) {
    (void)n;
    return true;
}

static bool takes_resize(const struct ir_node *n) {
    int64_t repeat[2];
    return pass_repeats(n, repeat);
}

static bool takes_clip(const struct ir_node *n) {
    for (int i = 1; i < n->in_count; i++)
        if (n->in[i] && !is_floats(n->in[i])) return false;
    return true;
}

static bool takes_concat(const struct ir_node *n) {
    for (int i = 0; i < n->in_count; i++)
        if (!is_map(n->in[i])) return false;
    int64_t axis = ir_attr_int(n, "axis");
    return axis == 1 || axis == -3;
}

static bool takes_interleave(const struct ir_node *n) {
    for (int i = 0; i < n->in_count; i++)
        if (!is_map(n->in[i])) return false;
    return true;
}

/* ---- what they become ---- */

static struct ir_node *put(struct ir_graph *g, struct ir_node *n, enum ir_op op,
                           struct ir_value *const *in, int in_count) {
    struct ir_node *q = ir_node_new(g, n, op, n->name, in, in_count, n->out, 1);
    n->out[0]->dtype = quant_dtype(n->out[0]->quant.bits);
    return q;
}

static void copy_ints(struct ir_graph *g, struct ir_node *to, const struct ir_node *from,
                      const char *const *names) {
    for (; *names; names++) {
        int count;
        const int64_t *v = ir_attr_ints(from, *names, &count);
        if (ir_attr_find(from, *names)) ir_set_ints(g, to, *names, v, count);
    }
}

static void copy_int(struct ir_graph *g, struct ir_node *to, const struct ir_node *from,
                     const char *name) {
    if (ir_attr_find(from, name)) ir_set_int(g, to, name, ir_attr_int(from, name));
}

struct bounds {
    int64_t lo, hi;
};

static struct bounds whole(struct ir_quant q) {
    return (struct bounds){-((int64_t)1 << (q.bits - 1)), ((int64_t)1 << (q.bits - 1)) - 1};
}

/* The fused activation of a convolution or addition, in the output's stored form. */
static struct bounds act_bounds(const struct ir_node *n) {
    struct ir_quant q = n->out[0]->quant;
    struct bounds b = whole(q);
    const char *act = ir_attr_string(n, "act"); /* NULL: an operator without */
    if (!act) return b;
    if (!strcmp(act, "relu")) b.lo = ir_quantize_float(0, q);
    if (!strcmp(act, "clip")) {
        b.lo = ir_quantize_float(ir_attr_float(n, "act_min"), q);
        b.hi = ir_quantize_float(ir_attr_float(n, "act_max"), q);
    }
    return b;
}

static void set_bounds(struct ir_graph *g, struct ir_node *q, struct bounds b) {
    ir_set_int(g, q, "lo", b.lo);
    ir_set_int(g, q, "hi", b.hi);
}

/* data: in the graph's arena. */
static struct ir_value *constant(struct ir_graph *g, const struct ir_node *n, const char *suffix,
                                 enum ir_dtype t, int rank, const int64_t *dims, const void *data) {
    const char *name = arena_printf(g->arena, "%s.%s", n->out[0]->name, suffix);
    return ir_const_new(g, ir_unique_name(g, name), t, rank, dims, data);
}

static void convert_conv(struct ir_graph *g, struct quant_plan *p, struct ir_node *n) {
    struct quant_conv *c = quant_plan_conv(p, n);
    const struct quant_grid *grid = &c->layer.grid;
    const int64_t *dims = n->in[1]->dims;
    quant_conv_finish(p, c);
    struct ir_value *in[] = {n->in[0],
                             constant(g, n, "w", IR_I16, 4, dims, c->q[0]),
                             constant(g, n, "wexp", IR_I32, 1, dims, c->wexp),
                             constant(g, n, "bias", IR_I32, 1, dims, c->bias_q),
                             constant(g, n, "shift", IR_I32, 1, dims, c->shift),
                             NULL, /* the residual, which fuse-residual finds */
                             c->q[1] ? constant(g, n, "w2", IR_I16, 4, dims, c->q[1]) : NULL};
    struct ir_node *q = put(g, n, IR_OP_qconv, in, c->q[1] ? 7 : 5);
    copy_ints(g, q, n, (const char *const[]){"pads", "strides", "dilations", NULL});
    copy_int(g, q, n, "group");
    ir_set_int(g, q, "bits", grid->bits);
    set_bounds(g, q, act_bounds(n));
    if (grid->kind == QUANT_LINEAR) ir_set_string(g, q, "kind", "linear");
    if (c->select)
        ir_set_int(g, q, "select", 1);
    else
        ir_set_float(g, q, "weight_error", rint(100 * quant_conv_weight_error(c)) / 100);
    if (c->q[1]) {
        ir_set_int(g, q, "terms", 2);
        ir_set_int(g, q, "term_shift", c->layer.levels->shift);
    }
}

/* Integer operators have the number per channel second. */
static void put_pair(struct ir_graph *g, struct ir_node *n, enum ir_op op) {
    bool swap = is_vector_of(n->in[0], n->in[1]) && !is_vector_of(n->in[1], n->in[0]);
    struct ir_value *in[] = {n->in[swap], n->in[!swap]};
    set_bounds(g, put(g, n, op, in, 2), act_bounds(n));
}

static void convert_add(struct ir_graph *g, struct quant_plan *p, struct ir_node *n) {
    (void)p;
    put_pair(g, n, IR_OP_qadd);
}

static void convert_mul(struct ir_graph *g, struct quant_plan *p, struct ir_node *n) {
    (void)p;
    put_pair(g, n, IR_OP_qmul);
}

/* docs/numbers.md, factor and bias: mult / 2^shift ≈ factor · 2^(x.exp − y.exp), the shift as large
 * as 15 bits of factor and 30 of bias allow. A bias that is too large for any shift would clamp the
 * result anyway. */
struct scaling {
    int16_t mult;
    int32_t bias, shift;
};

static struct scaling scaling_of(double factor, double shift, int x_exp, int y_exp) {
    const double most_mult = INT16_MAX, most_bias = (double)(1 << 30);
    factor = ldexp(factor, x_exp - y_exp);
    shift = ldexp(shift, -y_exp);
    int s = 0;
    while (s < 31 && fabs(rint(ldexp(factor, s + 1))) <= most_mult &&
           fabs(rint(ldexp(shift, s + 1))) <= most_bias)
        s++;
    double mult = fmax(fmin(rint(ldexp(factor, s)), most_mult), -most_mult);
    double bias = fmax(fmin(rint(ldexp(shift, s)), most_bias), -most_bias);
    return (struct scaling){(int16_t)mult, (int32_t)bias, s};
}

static void convert_affine(struct ir_graph *g, struct quant_plan *p, struct ir_node *n) {
    (void)p;
    const float *factor = n->in[1]->data, *shift = n->in[2]->data;
    size_t channels = (size_t)n->in[0]->dims[1];
    int16_t *mult = arena_array(g->arena, channels, sizeof *mult);
    int32_t *bias = arena_array(g->arena, channels, sizeof *bias);
    int32_t *right = arena_array(g->arena, channels, sizeof *right);
    for (size_t c = 0; c < channels; c++) {
        struct scaling s = scaling_of((double)factor[c], (double)shift[c], n->in[0]->quant.exp,
                                      n->out[0]->quant.exp);
        mult[c] = s.mult, bias[c] = s.bias, right[c] = s.shift;
    }
    const int64_t *dims = n->in[1]->dims;
    struct ir_value *in[] = {n->in[0], constant(g, n, "mult", IR_I16, 1, dims, mult),
                             constant(g, n, "bias", IR_I32, 1, dims, bias),
                             constant(g, n, "shift", IR_I32, 1, dims, right)};
    set_bounds(g, put(g, n, IR_OP_qscale, in, 4), act_bounds(n));
}

/* Below zero a factor without a bias. */
static void convert_prelu(struct ir_graph *g, struct quant_plan *p, struct ir_node *n) {
    const struct ir_value *x = n->in[0];
    size_t channels = (size_t)x->dims[1];
    const double *slope = pass_per_channel(p->arena, n->in[1], x->dims[1], 4);
    int16_t *mult = arena_array(g->arena, channels, sizeof *mult);
    int32_t *right = arena_array(g->arena, channels, sizeof *right);
    for (size_t c = 0; c < channels; c++) {
        struct scaling s = scaling_of(slope[c], 0, x->quant.exp, n->out[0]->quant.exp);
        mult[c] = s.mult, right[c] = s.shift;
    }
    struct ir_value *in[] = {n->in[0], constant(g, n, "mult", IR_I16, 1, x->dims + 1, mult),
                             constant(g, n, "shift", IR_I32, 1, x->dims + 1, right)};
    set_bounds(g, put(g, n, IR_OP_qprelu, in, 3), whole(n->out[0]->quant));
}

static void convert_maxpool(struct ir_graph *g, struct quant_plan *p, struct ir_node *n) {
    (void)p;
    struct ir_node *q = put(g, n, IR_OP_qmaxpool, n->in, 1);
    copy_ints(g, q, n, (const char *const[]){"kernel_shape", "strides", "pads", NULL});
    copy_int(g, q, n, "ceil_mode");
}

static void convert_avgpool(struct ir_graph *g, struct quant_plan *p, struct ir_node *n) {
    struct quant_mean mean;
    quant_mean_factors(p->arena, n, &mean);
    struct ir_node *q = put(g, n, IR_OP_qavgpool, n->in, 1);
    copy_ints(g, q, n, (const char *const[]){"kernel_shape", "strides", "pads", NULL});
    copy_int(g, q, n, "ceil_mode");
    copy_int(g, q, n, "count_include_pad");
    ir_set_ints(g, q, "mult", mean.mult, mean.count);
    ir_set_int(g, q, "shift", mean.shift);
}

static void convert_relu(struct ir_graph *g, struct quant_plan *p, struct ir_node *n) {
    (void)p;
    struct bounds b = whole(n->out[0]->quant);
    b.lo = ir_quantize_float(0, n->out[0]->quant);
    set_bounds(g, put(g, n, IR_OP_qcopy, n->in, 1), b);
}

static void convert_resize(struct ir_graph *g, struct quant_plan *p, struct ir_node *n) {
    (void)p;
    int64_t repeat[2];
    pass_repeats(n, repeat);
    struct ir_node *q = put(g, n, IR_OP_qcopy, n->in, 1);
    ir_set_ints(g, q, "repeat", repeat, 2);
    set_bounds(g, q, whole(n->out[0]->quant));
}

static int64_t stored_bound(const struct ir_node *n, int index, int64_t open) {
    float bound;
    if (n->in_count <= index || !n->in[index]) return open;
    memcpy(&bound, n->in[index]->data, sizeof bound);
    return ir_quantize_float((double)bound, n->out[0]->quant);
}

static void convert_clip(struct ir_graph *g, struct quant_plan *p, struct ir_node *n) {
    (void)p;
    struct bounds b = whole(n->out[0]->quant);
    b.lo = stored_bound(n, 1, b.lo);
    b.hi = stored_bound(n, 2, b.hi);
    set_bounds(g, put(g, n, IR_OP_qcopy, n->in, 1), b);
}

/* x in the exponent and zero of n's output. */
static struct ir_value *requantized(struct ir_graph *g, struct ir_node *n, struct ir_value *x) {
    struct ir_quant q = n->out[0]->quant;
    if (x->quant.exp == q.exp && x->quant.zero == q.zero) return x;
    const char *name = arena_printf(g->arena, "%s.as.%s", x->name, n->out[0]->name);
    struct ir_value *y =
        ir_value_new(g, ir_unique_name(g, name), quant_dtype(q.bits), x->rank, x->dims);
    y->quant = q;
    set_bounds(g, ir_node_new(g, n, IR_OP_qcopy, n->name, &x, 1, &y, 1), whole(q));
    return y;
}

static void convert_concat(struct ir_graph *g, struct quant_plan *p, struct ir_node *n) {
    struct ir_value **in = arena_array(p->arena, (size_t)n->in_count, sizeof *in);
    for (int i = 0; i < n->in_count; i++) in[i] = requantized(g, n, n->in[i]);
    put(g, n, IR_OP_qconcat, in, n->in_count);
}

static void convert_interleave(struct ir_graph *g, struct quant_plan *p, struct ir_node *n) {
    (void)p;
    struct ir_node *q = put(g, n, IR_OP_qinterleave, n->in, n->in_count);
    copy_ints(g, q, n, (const char *const[]){"step", NULL});
}

enum { LUT_ENTRIES = 257 };

/* docs/numbers.md, functions: entry i is the stored result of stored x = −128 + i, in 16 bits
 * −32768 + 256·i, rounded to nearest, ties to even. The last entry of 8 bits is never read. */
static void convert_function(struct ir_graph *g, struct quant_plan *p, struct ir_node *n) {
    (void)p;
    struct ir_function f = ir_function_of(n);
    struct ir_quant from = n->in[0]->quant, to = n->out[0]->quant;
    int16_t *table = arena_array(g->arena, LUT_ENTRIES, sizeof *table);
    int64_t least = whole(from).lo, step = from.bits == 8 ? 1 : 256;
    for (int64_t i = 0; i < LUT_ENTRIES; i++) {
        double x = ir_dequantize(least + i * step, from);
        table[i] = (int16_t)ir_quantize_float(f.at(x, f.params), to);
    }
    struct ir_value *in[] = {n->in[0],
                             constant(g, n, "table", IR_I16, 1, (int64_t[]){LUT_ENTRIES}, table)};
    put(g, n, IR_OP_qlut, in, 2);
}

static const struct conversion {
    enum ir_op op;
    bool (*takes)(const struct ir_node *n); /* input 0 and the output are known to be 4-D */
    void (*convert)(struct ir_graph *g, struct quant_plan *p, struct ir_node *n);
} conversions[] = {
    {IR_OP_conv, takes_conv, convert_conv},
    {IR_OP_add, takes_pair, convert_add},
    {IR_OP_mul, takes_pair, convert_mul},
    {IR_OP_affine, takes_affine, convert_affine},
    {IR_OP_prelu, takes_prelu, convert_prelu},
    {IR_OP_resize, takes_resize, convert_resize},
    {IR_OP_maxpool, takes_maxpool, convert_maxpool},
    {IR_OP_avgpool, takes_avgpool, convert_avgpool},
    {IR_OP_relu, takes_map, convert_relu},
    {IR_OP_clip, takes_clip, convert_clip},
    {IR_OP_concat, takes_concat, convert_concat},
    {IR_OP_interleave, takes_interleave, convert_interleave},
};
static const struct conversion functions = {IR_OP_COUNT, takes_map, convert_function};

static const struct conversion *conversion_of(enum ir_op op) {
    if (ir_is_function(op)) return &functions;
    for (size_t i = 0; i < sizeof conversions / sizeof *conversions; i++)
        if (conversions[i].op == op) return &conversions[i];
    return NULL;
}

bool quant_convertible(const struct ir_node *n) {
    const struct conversion *c = conversion_of(n->op);
    return c && !ir_is_host(n) && n->out_count == 1 && is_map(n->in[0]) && is_map(n->out[0]) &&
           c->takes(n);
}

void quant_convert(struct ir_graph *g, struct quant_plan *p, struct ir_node *n) {
    conversion_of(n->op)->convert(g, p, n);
    ir_node_remove(g, n);
}
