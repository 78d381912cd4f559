/* Pass take-ranges. Requires SHAPES. Provides nothing. Breaks what new nodes and lost constants
 * can: FOLDED, LIVE, CONVS, NO_BN, FUSED, LEGAL.
 *
 * A model that comes quantized says its integers as QuantizeLinear and DequantizeLinear around
 * operators of float, or as QONNX's quantizers. Here it becomes the float network again: the pairs
 * go, what was carried between them as integers is carried as floats, and every tensor keeps the
 * range that its integers had, for calibrate. A quantizer whose lowest integer stands for 0 was an
 * activation as well (that is how ONNX Runtime leaves relu and relu6 out): there a clip is put.
 * Pairs that cannot go, such as one scale per channel of an activation, stay and run on the
 * host. */
#include "passes/diag.h"
#include "passes/internal.h"

#include <math.h>

/* Integers that are one tensor's under several shapes: of a component of values, by its root. */
struct carried {
    int parent;
    bool known, bad; /* scale and zero are; it has to stay */
    double scale;
    int64_t zero;
};

struct state {
    struct ir_graph *g;
    struct carried *of; /* by value id */
    bool *real;         /* by value id: integers that become reals */
    bool *nonneg;       /* by value id */
    int room;           /* values, before the pass makes some */
    int count;          /* ranges taken */
};

/* Operators that only hand elements on, whatever they are. */
static bool carries(enum ir_op op) {
    static const enum ir_op ops[] = {IR_OP_maxpool,   IR_OP_reshape, IR_OP_flatten,
                                     IR_OP_transpose, IR_OP_squeeze, IR_OP_unsqueeze,
                                     IR_OP_slice,     IR_OP_concat,  IR_OP_identity};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (ops[i] == op) return true;
    return false;
}

static bool is_integers(const struct ir_value *v) {
    return v &&
           (v->dtype == IR_I8 || v->dtype == IR_U8 || v->dtype == IR_I16 || v->dtype == IR_U16);
}

static int root_of(const struct state *s, const struct ir_value *v) {
    int id = v->id;
    while (s->of[id].parent != id) id = s->of[id].parent;
    return id;
}

static void mark_bad(struct state *s, const struct ir_value *v) {
    s->of[root_of(s, v)].bad = true;
}

static void settle(struct carried *c, double scale, int64_t zero) {
    if (c->known && (c->scale != scale || c->zero != zero)) c->bad = true;
    c->known = true;
    c->scale = scale;
    c->zero = zero;
}

static void join(struct state *s, const struct ir_value *a, const struct ir_value *b) {
    int i = root_of(s, a), k = root_of(s, b);
    if (i == k) return;
    s->of[k].parent = i;
    s->of[i].bad |= s->of[k].bad;
    if (s->of[k].known) settle(&s->of[i], s->of[k].scale, s->of[k].zero);
}

/* One scale and one zero point for the whole tensor. */
static bool read_grid(const struct ir_node *n, double *scale, int64_t *zero) {
    const struct ir_value *s = ir_in(n, 1), *z = ir_in(n, 2);
    if (!ir_is_const(s) || ir_elements(s) != 1 || (z && !ir_is_const(z))) return false;
    *scale = pass_const_at(s, 0);
    *zero = z ? (int64_t)pass_const_at(z, 0) : 0;
    return *scale > 0 && isfinite(*scale);
}

/* Between v and the reals it stands for. */
static void meet(struct state *s, const struct ir_node *n, const struct ir_value *v) {
    double scale;
    int64_t zero;
    if (ir_is_const(v)) return;
    if (read_grid(n, &scale, &zero))
        settle(&s->of[root_of(s, v)], scale, zero);
    else
        mark_bad(s, v);
}

static void look_at(struct state *s, const struct ir_node *n) {
    const struct ir_value *out = n->out[0];
    if (n->op == IR_OP_quantizelinear) {
        meet(s, n, out);
        if (n->in[0]->dtype != IR_F32 || ir_is_const(n->in[0])) mark_bad(s, out);
        return;
    }
    if (n->op == IR_OP_dequantizelinear && is_integers(n->in[0])) {
        meet(s, n, n->in[0]);
        return;
    }
    for (int i = 0; i < n->in_count; i++) {
        const struct ir_value *v = n->in[i];
        if (!is_integers(v)) continue;
        if (!carries(n->op) || ir_is_const(v) || n->out_count != 1 || out->dtype != v->dtype)
            mark_bad(s, v);
        else
            join(s, out, v);
        if (is_integers(out) && (ir_is_const(v) || !carries(n->op))) mark_bad(s, out);
    }
    for (int i = 0; i < n->out_count; i++)
        if (is_integers(n->out[i]) && !carries(n->op)) mark_bad(s, n->out[i]);
}

static struct ir_range range_of(const struct state *s, const struct ir_value *v) {
    const struct carried *c = &s->of[root_of(s, v)];
    int bits = 8 * (int)ir_dtype_size(v->dtype);
    bool sign = v->dtype == IR_I8 || v->dtype == IR_I16;
    int64_t least = !sign ? 0 : -((int64_t)1 << (bits - 1));
    int64_t most = least + ((int64_t)1 << bits) - 1;
    return (struct ir_range){c->scale * (double)(least - c->zero),
                             c->scale * (double)(most - c->zero)};
}

/* --- signs --- */

static bool all_nonneg(const struct state *s, const struct ir_node *n, int count) {
    for (int i = 0; i < count && i < n->in_count; i++)
        if (!n->in[i] || ir_is_const(n->in[i]) || !s->nonneg[n->in[i]->id]) return false;
    return true;
}

static bool makes_nonneg(const struct state *s, const struct ir_node *n) {
    struct pass_clamp clamp;
    if (pass_clamp_of(n, &clamp) && clamp.lo >= 0) return true;
    if (n->op == IR_OP_softmax || ir_function_nonneg(n->op)) return true;
    if (n->op == IR_OP_avgpool || n->op == IR_OP_gavgpool || n->op == IR_OP_dequantizelinear ||
        n->op == IR_OP_quantizelinear)
        return all_nonneg(s, n, 1);
    if (n->op == IR_OP_concat || n->op == IR_OP_add) return all_nonneg(s, n, n->in_count);
    return carries(n->op) && all_nonneg(s, n, 1);
}

/* --- rewriting --- */

/* A wider one where there are two: other users may have quantized it otherwise. */
static void note(struct ir_value *v, struct ir_range r) {
    bool has = v->range.lo < v->range.hi;
    if (v->data) return;
    v->range.lo = has && v->range.lo < r.lo ? v->range.lo : r.lo;
    v->range.hi = has && v->range.hi > r.hi ? v->range.hi : r.hi;
}

static struct ir_value *bound(struct ir_graph *g, const char *name, double x) {
    float *data = arena_alloc(g->arena, sizeof *data);
    *data = (float)x;
    return ir_const_new(g, ir_unique_name(g, name), IR_F32, 0, NULL, data);
}

/* Another node of one input makes n's output. */
static bool replace(struct ir_graph *g, struct ir_node *n, enum ir_op op, struct ir_range clip) {
    struct ir_value *in[3] = {n->in[0]};
    if (op == IR_OP_clip) {
        in[1] = bound(g, "lo", clip.lo);
        in[2] = bound(g, "hi", clip.hi);
    }
    struct ir_value *v =
        pass_emit(g, n, op, n->name, n->out[0]->name, in, op == IR_OP_clip ? 3 : 1);
    if (!v) return false;
    pass_take_output(g, v->producer, n);
    return true;
}

/* The value before is real; n's output becomes the same real number. */
static bool drop_quantize(struct state *s, struct ir_node *n, struct ir_range r) {
    struct ir_value *x = n->in[0], *y = n->out[0];
    bool clip = r.lo == 0 && x->producer && !s->nonneg[x->id];
    if (r.lo == 0) s->nonneg[y->id] = true;
    note(clip ? y : x, r);
    s->count++;
    return replace(s->g, n, clip ? IR_OP_clip : IR_OP_identity, r);
}

/* QONNX: real numbers on both sides. Not known: scales that are computed. */
static bool quant_range(const struct ir_node *n, struct ir_range *r) {
    const struct ir_value *scale = ir_in(n, 1), *zero = ir_in(n, 2), *bits = ir_in(n, 3);
    bool has_sign = ir_attr_int(n, "signed") != 0, narrow = ir_attr_int(n, "narrow") != 0;
    if (!ir_is_const(scale) || !ir_is_const(zero) || !ir_is_const(bits)) return false;
    if (ir_elements(zero) != 1 || ir_elements(bits) != 1 || ir_elements(scale) < 1) return false;
    double b = pass_const_at(bits, 0), z = pass_const_at(zero, 0), most = 0;
    for (int64_t i = 0; i < ir_elements(scale); i++) most = fmax(most, pass_const_at(scale, i));
    if (!(b >= 1 && b <= 32 && most > 0 && isfinite(most))) return false;
    double least = has_sign ? -exp2(b - 1) + narrow : 0;
    double top = has_sign ? exp2(b - 1) - 1 : exp2(b) - 1 - narrow;
    *r = (struct ir_range){most * (least - z), most * (top - z)};
    return true;
}

static bool rewrite(struct state *s, struct ir_node *n) {
    struct ir_range r = {0, 0};
    if (n->op == IR_OP_quantizelinear && s->real[n->out[0]->id])
        return drop_quantize(s, n, range_of(s, n->out[0]));
    if (n->op == IR_OP_dequantizelinear && s->real[n->in[0]->id])
        return replace(s->g, n, IR_OP_identity, r);
    if (n->op == IR_OP_quant && !ir_is_const(n->in[0]) && quant_range(n, &r))
        return drop_quantize(s, n, r);
    return true;
}

/* Which integers become the reals they stand for; those of the network's ends are said. */
static void choose(struct state *s) {
    struct ir_graph *g = s->g;
    for (int i = 0; i < s->room; i++) {
        struct ir_value *v = g->values[i];
        s->real[i] = v && !ir_is_const(v) && is_integers(v) && s->of[root_of(s, v)].known &&
                     !s->of[root_of(s, v)].bad;
    }
    for (int i = 0; i < g->input_count; i++)
        if (s->real[g->inputs[i]->id])
            diag(g->ctx, pass_real_input, g->file, g->inputs[i]->name,
                 ir_dtype_name(g->inputs[i]->dtype));
    for (int i = 0; i < g->output_count; i++)
        if (s->real[g->outputs[i]->id])
            diag(g->ctx, pass_real_output, g->file, g->outputs[i]->name,
                 ir_dtype_name(g->outputs[i]->dtype));
}

static void make_real(const struct state *s) {
    for (int i = 0; i < s->room; i++) {
        struct ir_value *v = s->g->values[i];
        if (!s->real[i] || !v) continue;
        note(v, range_of(s, v));
        v->dtype = IR_F32;
    }
}

bool pass_take_ranges(struct ir_graph *g, const struct pass_options *o) {
    (void)o;
    struct arena *a = arena_new(g->ctx);
    size_t room = (size_t)g->value_count;
    struct state s = {.g = g, .room = g->value_count};
    bool good = true;
    s.of = arena_array(a, room, sizeof *s.of);
    s.real = arena_array(a, room, sizeof *s.real);
    s.nonneg = arena_array(a, room, sizeof *s.nonneg);
    for (size_t i = 0; i < room; i++) s.of[i].parent = (int)i;
    for (const struct ir_node *n = g->first; n; n = n->next) look_at(&s, n);
    choose(&s);
    for (struct ir_node *n = g->first, *next; n && good; n = next) {
        next = n->next;
        for (int i = 0; i < n->out_count; i++) s.nonneg[n->out[i]->id] = makes_nonneg(&s, n);
        good = rewrite(&s, n);
    }
    make_real(&s);
    if (s.count) diag(g->ctx, pass_ranges, g->file, s.count);
    arena_free(a);
    return good;
}
