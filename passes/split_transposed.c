/* Pass split-transposed. Requires SHAPES, FOLDED. Breaks NO_BN, FUSED, LEGAL, RANGES,
 * QUANTIZED, PROVEN.
 *
 * A transposed convolution of stride s becomes ordinary ones, one for each place that an output
 * pixel has modulo s, and an interleave of what they make. Output place Y gets tap k of input
 * place i where Y + before = i·s + k·d (ONNX ConvTranspose 11); so with Y = r + m·s the taps that
 * place r has are those with s | r + before − k·d, each at input m + (r + before − k·d)/s: a kernel
 * of its own, with dilation d / gcd(s, d). Nothing is multiplied by zeros put in between.
 *
 * Batch norms, constants per channel and activations behind move to the parts, where they still
 * fold. Not split: weights that are no constants, more than MAX_PARTS parts, an output smaller than
 * a stride; and what is no image. */
#include "passes/internal.h"

#include <assert.h>

enum { N, C, H, W, DIMS, MAX_PARTS = 64 };

static int64_t gcd(int64_t a, int64_t b) {
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* The taps that output places ≡ r of one axis get, as an ordinary convolution of that axis. */
struct taps {
    int64_t count, dilation, before, after, out;
    int64_t first, step; /* tap j of it is tap first − j·step of the whole; there may be none */
};

static int64_t floor_div(int64_t a, int64_t b) {
    assert(b > 0); /* strides and dilations */
    return a >= 0 ? a / b : -((b - 1 - a) / b);
}

static int64_t ceil_div(int64_t a, int64_t b) {
    return -floor_div(-a, b);
}

static struct taps taps_of(const struct ir_window *w, int axis, int64_t r) {
    int64_t s = w->stride[axis], d = w->dilation[axis], g = gcd(s, d), at = r + w->before[axis];
    struct taps t = {.dilation = d / g, .step = s / g, .out = (w->out[axis] - r + s - 1) / s};
    t.first = -1;
    for (int64_t k = 0; k < w->kernel[axis]; k++) /* the last one reads the input furthest back */
        if (floor_div(at - k * d, s) * s == at - k * d) t.first = k;
    bool none = t.first < 0;
    int64_t back = none ? 0 : floor_div(at - t.first * d, s); /* where tap 0 reads, for m = 0 */
    t.count = none ? 1 : t.first / t.step + 1;
    if (back > 0) { /* padding cannot be negative: taps of zero in front */
        int64_t more = ceil_div(back, t.dilation);
        back -= more * t.dilation;
        t.count += more;
        t.first += none ? 0 : more * t.step;
    }
    t.before = -back;
    int64_t spare = w->in[axis] + t.before - (t.out - 1) - (t.count - 1) * t.dilation - 1;
    if (spare > 0) t.count += ceil_div(spare, t.dilation);
    t.after = (t.out - 1) + (t.count - 1) * t.dilation + 1 - w->in[axis] - t.before;
    return t;
}

static bool is_image(const struct ir_value *v) {
    return v->dtype == IR_F32 && v->rank == DIMS && v->dims[N] == 1 && ir_elements(v) > 0;
}

static bool is_constant(const struct ir_value *v) {
    return v == NULL || (ir_is_const(v) && v->dtype == IR_F32);
}

static bool is_splittable(const struct ir_graph *g, const struct ir_node *n) {
    struct ir_window w;
    if (n->op != IR_OP_convtranspose || !is_image(n->in[0]) || ir_is_const(n->in[0])) return false;
    if (!is_constant(n->in[1]) || !is_constant(ir_in(n, 2))) return false;
    struct arena *scratch = arena_new(g->ctx);
    bool good = ir_transposed_window(scratch, n, &w) && w.rank == 2;
    arena_free(scratch);
    return good && w.stride[0] <= MAX_PARTS && w.stride[1] <= MAX_PARTS &&
           w.stride[0] * w.stride[1] <= MAX_PARTS && w.out[0] >= w.stride[0] &&
           w.out[1] >= w.stride[1];
}

/* [C][O/g][kh][kw] to [O][C/g][y.count][x.count], with the taps of one part. */
static struct ir_value *weights_of(struct ir_graph *g, const struct ir_node *n, int64_t group,
                                   const struct ir_window *w, const struct taps t[2]) {
    const struct ir_value *whole = n->in[1];
    int64_t ins = whole->dims[0] / group, outs = whole->dims[1],
            plane = w->kernel[0] * w->kernel[1];
    int64_t dims[] = {outs * group, ins, t[0].count, t[1].count}, at = 0;
    struct arena *scratch = arena_new(g->ctx);
    double *to = arena_array(scratch, (size_t)(dims[0] * dims[1] * dims[2] * dims[3]), sizeof *to);
    for (int64_t o = 0; o < dims[0]; o++)
        for (int64_t c = 0; c < ins; c++)
            for (int64_t y = 0; y < t[0].count; y++)
                for (int64_t x = 0; x < t[1].count; x++, at++) {
                    int64_t ky = t[0].first - y * t[0].step, kx = t[1].first - x * t[1].step;
                    int64_t from = (o / outs * ins + c) * outs + o % outs;
                    if (ky < 0 || ky >= w->kernel[0] || kx < 0 || kx >= w->kernel[1]) continue;
                    to[at] = pass_const_at(whole, from * plane + ky * w->kernel[1] + kx);
                }
    struct ir_value *v = pass_const_new(g, whole->name, DIMS, dims, to);
    arena_free(scratch);
    return v;
}

static struct ir_value *emit_part(struct ir_graph *g, struct ir_node *n, const struct ir_window *w,
                                  int64_t row, int64_t col) {
    const struct taps t[2] = {taps_of(w, 0, row), taps_of(w, 1, col)};
    int64_t group = ir_attr_int(n, "group");
    struct ir_value *in[] = {n->in[0], weights_of(g, n, group, w, t), ir_in(n, 2)};
    int64_t dims[] = {1, n->out[0]->dims[C], t[0].out, t[1].out};
    const char *name = arena_printf(g->arena, "%s.part", n->out[0]->name);
    struct ir_value *y = ir_value_new(g, ir_unique_name(g, name), IR_F32, DIMS, dims);
    struct ir_node *conv = ir_node_new(g, n, IR_OP_conv, n->name, in, in[2] != NULL ? 3 : 2, &y, 1);
    int64_t pads[] = {t[0].before, t[1].before, t[0].after, t[1].after};
    ir_set_ints(g, conv, "pads", pads, 4);
    ir_set_ints(g, conv, "dilations", (int64_t[]){t[0].dilation, t[1].dilation}, 2);
    ir_set_int(g, conv, "group", group);
    return y;
}

static bool split(struct ir_graph *g, struct ir_node *n) {
    struct ir_window w;
    struct arena *scratch = arena_new(g->ctx);
    bool good = ir_transposed_window(scratch, n, &w);
    arena_free(scratch);
    if (!good) return false;
    struct ir_value *parts[MAX_PARTS];
    int count = 0;
    for (int64_t row = 0; row < w.stride[0]; row++)
        for (int64_t col = 0; col < w.stride[1]; col++)
            parts[count++] = emit_part(g, n, &w, row, col);
    if (count == 1) {
        pass_take_output(g, parts[0]->producer, n);
        return true;
    }
    struct ir_value *y = pass_value_like(g, n->out[0], n->out[0]->name);
    struct ir_node *join = ir_node_new(g, n, IR_OP_interleave, n->name, parts, count, &y, 1);
    ir_set_ints(g, join, "step", w.stride, 2);
    pass_take_output(g, join, n);
    return true;
}

static const struct pass_rule rules[] = {
    {"transposed convolution", is_splittable, split},
    {"behind an interleave", pass_is_behind_interleave, pass_sink_apply},
};
enum { RULE_COUNT = sizeof rules / sizeof rules[0] };

bool pass_split_transposed(struct ir_graph *g, const struct pass_options *o) {
    (void)o;
    if (!pass_rules_apply(g, rules, RULE_COUNT)) return false;
    pass_sweep(g);
    return true;
}
