/* Exponents of neighbouring tensors must fit each other's shifts (docs/numbers.md). Exponents only
 * ever rise, until nothing changes.
 */
#include "passes/quant/diag.h"
#include "passes/quant/quant.h"

#include <math.h>
#include <string.h>

enum {
    PRE_SHIFT_MAX = 15, /* of an operand before an addition */
    SHIFT_MAX = 31,
    EXP_MAX = 300,
    FACTOR_MAX = 32767
};

static int lower(int a, int b) {
    return a < b ? a : b;
}

/* y = round_shift((a << p) + (b << q), s): p, q ≤ 15 and 0 ≤ s ≤ 31. */
static bool settle_add(const struct quant_families *f, struct quant_plan *p, struct ir_node *n) {
    (void)p;
    struct ir_value *a = n->in[0], *b = n->in[1], *y = n->out[0];
    if (!quant_is_activation(a) || !quant_is_activation(b)) return false;
    bool raised = quant_family_raise(f, a, b->quant.exp - PRE_SHIFT_MAX);
    raised |= quant_family_raise(f, b, a->quant.exp - PRE_SHIFT_MAX);
    raised |= quant_family_raise(f, y, lower(a->quant.exp, b->quant.exp));
    struct ir_value *fine = a->quant.exp < b->quant.exp ? a : b;
    return quant_family_raise(f, fine, y->quant.exp - SHIFT_MAX) || raised;
}

/* y = round_shift(x << p, s), the same limits. */
static bool settle_shift(const struct quant_families *f, struct ir_value *x, struct ir_value *y) {
    bool raised = quant_family_raise(f, y, x->quant.exp - PRE_SHIFT_MAX);
    return quant_family_raise(f, x, y->quant.exp - SHIFT_MAX) || raised;
}

static bool settle_copy(const struct quant_families *f, struct quant_plan *p, struct ir_node *n) {
    (void)p;
    return settle_shift(f, n->in[0], n->out[0]);
}

/* What is not of its family is requantized. */
static bool settle_concat(const struct quant_families *f, struct quant_plan *p, struct ir_node *n) {
    (void)p;
    bool raised = false;
    for (int i = 0; i < n->in_count; i++)
        if (quant_family(f, n->in[i]) != quant_family(f, n->out[0]))
            raised |= settle_shift(f, n->in[i], n->out[0]);
    return raised;
}

/* y = round_shift(a·b, s): 0 ≤ s ≤ 31. */
static bool settle_mul(const struct quant_families *f, struct quant_plan *p, struct ir_node *n) {
    (void)p;
    struct ir_value *a = n->in[0], *b = n->in[1], *y = n->out[0];
    struct ir_value *fine = a->quant.exp < b->quant.exp ? a : b, *other = fine == a ? b : a;
    bool raised = quant_family_raise(f, y, a->quant.exp + b->quant.exp);
    return quant_family_raise(f, fine, y->quant.exp - other->quant.exp - SHIFT_MAX) || raised;
}

/* A factor, here a constant of f32, has 15 bits and no more than a shift to the right. */
static bool settle_factors(const struct quant_families *f, const struct ir_node *n,
                           const struct ir_value *factors) {
    double most = 0;
    for (int64_t i = 0; i < ir_elements(factors); i++)
        most = fmax(most, fabs((double)((const float *)factors->data)[i]));
    int x = n->in[0]->quant.exp, y = n->out[0]->quant.exp;
    while (y <= EXP_MAX && rint(ldexp(most, x - y)) > FACTOR_MAX) y++;
    return quant_family_raise(f, n->out[0], y);
}

static bool settle_affine(const struct quant_families *f, struct quant_plan *p, struct ir_node *n) {
    (void)p;
    return settle_factors(f, n, n->in[1]);
}

/* Above zero a shift, as of a copy, below a factor. */
static bool settle_prelu(const struct quant_families *f, struct quant_plan *p, struct ir_node *n) {
    (void)p;
    bool raised = settle_shift(f, n->in[0], n->out[0]);
    return settle_factors(f, n, n->in[1]) || raised;
}

struct windows { /* of an average pool */
    int64_t kh, kw;
    int64_t rows, cols; /* of the smallest window, inside the input */
    bool table;         /* the divisor differs between windows */
};

/* The smallest part of any window that lies inside an axis of the input. */
static int64_t least_inside(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t pad) {
    int64_t least = kernel;
    for (int64_t i = 0; i < out; i++) {
        int64_t from = i * stride - pad, to = from + kernel;
        int64_t inside = (to < in ? to : in) - (from > 0 ? from : 0);
        least = inside < least ? inside : least;
    }
    return least < 1 ? 1 : least;
}

static struct windows windows_of(const struct ir_node *n) {
    const struct ir_value *x = n->in[0], *y = n->out[0];
    int count;
    const int64_t *k = ir_attr_ints(n, "kernel_shape", &count);
    const int64_t *stride = ir_attr_ints(n, "strides", &count);
    const int64_t *pad = ir_attr_ints(n, "pads", &count);
    struct windows w = {.kh = k[0], .kw = k[1], .rows = k[0], .cols = k[1]};
    if (ir_attr_int(n, "count_include_pad") == 1) return w;
    w.rows = least_inside(x->dims[2], y->dims[2], k[0], stride[0], pad[0]);
    w.cols = least_inside(x->dims[3], y->dims[3], k[1], stride[1], pad[1]);
    w.table = w.rows * w.cols < w.kh * w.kw;
    return w;
}

static int floor_log2(int64_t x) {
    int log = 0;
    while (x >>= 1) log++;
    return log;
}

/* A result finer than one unit of the sum tells nothing; so a window of 2^k keeps the factor 1. */
static bool settle_mean(const struct quant_families *f, struct quant_plan *p, struct ir_node *n) {
    (void)p;
    struct windows w = windows_of(n);
    return quant_family_raise(f, n->out[0], n->in[0]->quant.exp - floor_log2(w.rows * w.cols));
}

static bool settle_conv(const struct quant_families *f, struct quant_plan *p, struct ir_node *n) {
    struct quant_conv *c = p ? quant_plan_conv(p, n) : NULL;
    if (!c) return false;
    quant_conv_fit(p, c);
    return quant_family_raise(f, n->out[0], quant_conv_need(c));
}

static const struct settle_rule {
    enum ir_op op;
    bool (*settle)(const struct quant_families *f, struct quant_plan *p, struct ir_node *n);
} rules[] = {
    {IR_OP_add, settle_add},      {IR_OP_relu, settle_copy},     {IR_OP_clip, settle_copy},
    {IR_OP_avgpool, settle_mean}, {IR_OP_conv, settle_conv},     {IR_OP_concat, settle_concat},
    {IR_OP_mul, settle_mul},      {IR_OP_affine, settle_affine}, {IR_OP_prelu, settle_prelu},
};

static bool settle_node(const struct quant_families *f, struct quant_plan *p, struct ir_node *n) {
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].op == n->op && quant_convertible(n)) return rules[i].settle(f, p, n);
    return false;
}

bool quant_settle(const struct quant_families *f, struct quant_plan *p) {
    bool raised = true;
    while (raised) {
        raised = false;
        for (struct ir_node *n = f->graph->first; n; n = n->next) {
            raised |= settle_node(f, p, n);
            if (n->out_count < 1 || n->out[0]->quant.exp <= EXP_MAX) continue;
            diag(f->graph->ctx, quant_unsettled, ir_node_where(f->graph->arena, n), n->out[0]->name,
                 EXP_MAX);
            return false;
        }
    }
    return true;
}

/* The largest shift that keeps the largest factor within 15 bits. */
static int shift_for(double factor) {
    int shift = 0;
    while (shift < SHIFT_MAX && rint(ldexp(factor, shift + 1)) <= FACTOR_MAX) shift++;
    return shift;
}

void quant_mean_factors(struct arena *a, const struct ir_node *pool, struct quant_mean *out) {
    struct windows w = windows_of(pool);
    int gap = pool->in[0]->quant.exp - pool->out[0]->quant.exp;
    int64_t least = w.rows * w.cols;
    out->count = w.table ? (int)(w.kh * w.kw) : 1;
    out->mult = arena_array(a, (size_t)out->count, sizeof *out->mult);
    int exact = floor_log2(least) - gap;
    bool power = !w.table && (least & (least - 1)) == 0 && exact >= 0 && exact <= SHIFT_MAX;
    out->shift = power ? exact : shift_for(ldexp(1, gap) / (double)least);
    for (int64_t i = 0; i < out->count; i++) {
        int64_t cells = w.table ? (i / w.kw + 1) * (i % w.kw + 1) : least;
        double factor = rint(ldexp(1, gap + out->shift) / (double)cells);
        out->mult[i] =
            (int64_t)fmin(fmax(factor, 1), FACTOR_MAX); /* above: windows that do not occur */
    }
}
