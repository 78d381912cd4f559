/* The numbers of the quantized level, as docs/numbers.md has them. Constants without data (parsed
 * from a dump) are taken on trust. */
#include "ir/internal.h"

#include <math.h>
#include <string.h>

struct check {
    struct ir_graph *g;
    const struct ir_node *n;
    const char *where;
};

static bool same_quant(struct ir_quant a, struct ir_quant b) {
    return a.bits == b.bits && a.exp == b.exp && a.zero == b.zero;
}

bool ir_verify_value_quant(struct ir_graph *g, const struct ir_value *v, const char *where) {
    struct ir_quant q = v->quant;
    if (q.bits == 0) return true;
    bool type = v->dtype == IR_F32 || (v->dtype == IR_I8 && q.bits == 8) ||
                (v->dtype == IR_I16 && q.bits == 16);
    bool bits = q.bits == 8 || q.bits == 16;
    bool zero = q.zero == 0 || (bits && q.zero == -(1 << (q.bits - 1)));
    bool exp = q.exp >= -IR_MAX_EXP && q.exp <= IR_MAX_EXP;
    if (type && bits && zero && exp) return true;
    diag(g->ctx, ir_quant_bad, where, ir_dtype_name(v->dtype), q.bits, q.exp, q.zero, IR_MAX_EXP);
    return false;
}

static bool in_range(struct check *c, const char *what, int64_t found, int64_t min, int64_t max) {
    if (found >= min && found <= max) return true;
    diag(c->g->ctx, ir_number_range, c->where, what, (long long)found, (long long)min,
         (long long)max);
    return false;
}

static bool want_quant(struct check *c, const struct ir_value *v) {
    if (v->quant.bits != 0) return true;
    diag(c->g->ctx, ir_quant_missing, c->where, v->name);
    return false;
}

static bool want_same_quant(struct check *c, const struct ir_value *a, const struct ir_value *b) {
    if (same_quant(a->quant, b->quant)) return true;
    diag(c->g->ctx, ir_quant_differs, c->where, a->name, a->quant.bits, a->quant.exp, a->quant.zero,
         b->name, b->quant.bits, b->quant.exp, b->quant.zero);
    return false;
}

static bool want_const(struct check *c, int index) {
    const struct ir_value *v = ir_in(c->n, index);
    if (ir_is_const(v)) return true;
    diag(c->g->ctx, ir_not_const, c->where, index, v->name);
    return false;
}

/* lo and hi inside what the output can hold. */
static bool check_clamp(struct check *c) {
    int64_t max = ((int64_t)1 << (c->n->out[0]->quant.bits - 1)) - 1;
    bool has_lo = ir_attr_find(c->n, "lo") != NULL, has_hi = ir_attr_find(c->n, "hi") != NULL;
    int64_t lo = has_lo ? ir_attr_int(c->n, "lo") : -max - 1;
    int64_t hi = has_hi ? ir_attr_int(c->n, "hi") : max;
    return in_range(c, "lo", lo, -max - 1, max) && in_range(c, "hi", hi, lo, max);
}

/* Exponents of a sum: docs/numbers.md, residual add. */
static bool check_sum(struct check *c, int a, int b, int y) {
    int e = a < b ? a : b;
    return in_range(c, "the gap of the operands' exponents", a > b ? a - b : b - a, 0, 15) &&
           in_range(c, "the shift, y.exp − min(a.exp, b.exp),", y - e, 0, 31);
}

/* --- qconv --- */

static bool is_pow2(int64_t m) {
    return m != 0 && (m & (m - 1)) == 0;
}

/* Every weight on the grid of its bits, or any integer of that many for targets that multiply. */
static bool check_weights(struct check *c, int index, int64_t bits, bool pow2) {
    const struct ir_value *w = ir_in(c->n, index);
    int64_t n = ir_elements(w);
    int64_t most = pow2 ? bits <= 2 ? 1 : (int64_t)1 << ((1 << (bits - 1)) - 2)
                        : ((int64_t)1 << (bits - 1)) - 1;
    if (w->elided != 0) return true;
    for (int64_t i = 0; i < n; i++) {
        int64_t v = ((const int16_t *)w->data)[i], m = v < 0 ? -v : v;
        if (m <= most && (m == 0 || !pow2 || is_pow2(m))) continue;
        diag(c->g->ctx, ir_weight_grid, c->where, (long long)i, w->name, (long long)v,
             pow2 ? "0 or a power of two of at most" : "a magnitude of at most", (long long)most,
             (int)bits);
        return false;
    }
    return true;
}

static bool check_shifts(struct check *c, int x_exp, int y_exp) {
    const struct ir_value *wexp = ir_in(c->n, 2), *shift = ir_in(c->n, 4);
    int64_t n = ir_elements(shift);
    if (wexp->elided != 0 || shift->elided != 0) return true;
    for (int64_t o = 0; o < n; o++) {
        int64_t e = ((const int32_t *)wexp->data)[o], s = ((const int32_t *)shift->data)[o];
        if (s >= 0 && s <= 31 && s == y_exp - x_exp - e) continue;
        diag(c->g->ctx, ir_shift_bad, c->where, (long long)o, (long long)s,
             (long long)(y_exp - x_exp - e));
        return false;
    }
    return true;
}

static bool check_terms(struct check *c) {
    bool second = ir_in(c->n, 6) != NULL;
    int64_t terms = ir_attr_int(c->n, "terms");
    return in_range(c, "the number of terms", terms, second ? 2 : 1, second ? 2 : 1) &&
           in_range(c, "term_shift", ir_attr_int(c->n, "term_shift"), 0, second ? 7 : 0) &&
           (!second || want_const(c, 6));
}

static bool check_residual(struct check *c) {
    const struct ir_value *r = ir_in(c->n, 5);
    int64_t bits = ir_attr_int(c->n, "mid_bits"), exp = ir_attr_int(c->n, "mid_exp");
    if (!want_quant(c, r)) return false;
    if (bits != 8 && bits != 16) {
        diag(c->g->ctx, ir_mid_bits, c->where, (long long)bits);
        return false;
    }
    return in_range(c, "mid_exp", exp, -IR_MAX_EXP, IR_MAX_EXP) &&
           check_sum(c, (int)exp, r->quant.exp, c->n->out[0]->quant.exp);
}

/* A share in percent, which rounding can make more than the whole. */
static bool check_weight_error(struct check *c) {
    const struct ir_attr *a = ir_attr_find(c->n, "weight_error");
    if (a == NULL || (isfinite(a->f) && a->f >= 0)) return true;
    diag(c->g->ctx, ir_weight_error, c->where, a->f);
    return false;
}

static bool check_qconv(struct check *c) {
    const struct ir_value *x = ir_in(c->n, 0), *y = c->n->out[0];
    const char *kind = ir_attr_string(c->n, "kind");
    bool pow2 = strcmp(kind, "pow2") == 0, residual = ir_in(c->n, 5) != NULL;
    int64_t bits = ir_attr_int(c->n, "bits");
    if (!pow2 && strcmp(kind, "linear") != 0) {
        diag(c->g->ctx, ir_attr_bad, c->where, "kind", kind, "pow2 or linear");
        return false;
    }
    for (int i = 1; i < 5; i++)
        if (!want_const(c, i)) return false;
    if (!want_quant(c, x) || !want_quant(c, y) || !check_clamp(c) || !check_terms(c) ||
        !check_weight_error(c) || (residual && !check_residual(c)))
        return false;
    int y_exp = residual ? (int)ir_attr_int(c->n, "mid_exp") : y->quant.exp;
    return in_range(c, "bits", bits, 1, pow2 ? 5 : 16) && check_weights(c, 1, bits, pow2) &&
           (ir_in(c->n, 6) == NULL || check_weights(c, 6, bits, pow2)) &&
           check_shifts(c, x->quant.exp, y_exp);
}

/* --- the others --- */

static bool check_quantize(struct check *c) {
    return want_quant(c, c->n->out[0]);
}
static bool check_dequantize(struct check *c) {
    return want_quant(c, ir_in(c->n, 0));
}

/* Every activation, in and out, and the clamp. */
static bool check_plain(struct check *c, int inputs) {
    for (int i = 0; i < inputs; i++)
        if (!want_quant(c, ir_in(c->n, i))) return false;
    return want_quant(c, c->n->out[0]) && check_clamp(c);
}

static bool check_qadd(struct check *c) {
    return check_plain(c, 2) && check_sum(c, ir_in(c->n, 0)->quant.exp, ir_in(c->n, 1)->quant.exp,
                                          c->n->out[0]->quant.exp);
}

static bool check_qmul(struct check *c) {
    if (!check_plain(c, 2)) return false;
    int a = ir_in(c->n, 0)->quant.exp, b = ir_in(c->n, 1)->quant.exp;
    return in_range(c, "the shift, y.exp − a.exp − b.exp,", c->n->out[0]->quant.exp - a - b, 0, 31);
}

static bool check_channel_shifts(struct check *c, int index) {
    const struct ir_value *shift = ir_in(c->n, index);
    int64_t count = shift->elided != 0 ? 0 : ir_elements(shift);
    for (int64_t i = 0; i < count; i++)
        if (!in_range(c, "a shift", ((const int32_t *)shift->data)[i], 0, 31)) return false;
    return true;
}

static bool check_qscale(struct check *c) {
    return check_plain(c, 1) && want_const(c, 1) && want_const(c, 2) && want_const(c, 3) &&
           check_channel_shifts(c, 3);
}

static bool check_qprelu(struct check *c) {
    int x = ir_in(c->n, 0)->quant.exp, y = c->n->out[0]->quant.exp;
    return check_plain(c, 1) && want_const(c, 1) && want_const(c, 2) && check_sum(c, x, y, y) &&
           check_channel_shifts(c, 2);
}

static bool check_qmaxpool(struct check *c) {
    return check_plain(c, 1) && want_same_quant(c, c->n->out[0], ir_in(c->n, 0));
}

static bool check_qavgpool(struct check *c) {
    int count;
    const int64_t *mult = ir_attr_ints(c->n, "mult", &count);
    struct ir_window w;
    if (!check_plain(c, 1) || !ir_window_of(c->g, c->n, &w)) return false;
    int64_t area = w.kernel[0] * w.kernel[1];
    bool table = count != 1;
    if (table && !in_range(c, "the number of entries of mult (1, or one per window size)", count,
                           area, area))
        return false;
    if (table && !in_range(c, "count_include_pad with a table",
                           ir_attr_int(c->n, "count_include_pad"), 0, 0))
        return false;
    for (int i = 0; i < count; i++)
        if (!in_range(c, "an entry of mult", mult[i], 1, INT16_MAX)) return false;
    return in_range(c, "shift", ir_attr_int(c->n, "shift"), 0, 31);
}

static bool check_qlut(struct check *c) {
    return check_plain(c, 1) && want_const(c, 1);
}

static bool check_qcopy(struct check *c) {
    return check_plain(c, 1) && check_sum(c, ir_in(c->n, 0)->quant.exp, c->n->out[0]->quant.exp,
                                          c->n->out[0]->quant.exp);
}

/* qconcat, qinterleave: integers of all inputs mean the same. */
static bool check_joined(struct check *c) {
    if (!check_plain(c, c->n->in_count)) return false;
    for (int i = 0; i < c->n->in_count; i++)
        if (!want_same_quant(c, c->n->out[0], ir_in(c->n, i))) return false;
    return true;
}

/* --- operators of the float level in a quantized graph --- */

static bool is_stored(const struct ir_value *v) {
    return v != NULL && v->quant.bits != 0 && v->dtype != IR_F32;
}

/* Those that only move elements may work on stored integers, and keep what they stand for. */
static bool check_moved(struct check *c) {
    for (int i = 0; i < c->n->in_count; i++) {
        const struct ir_value *v = ir_in(c->n, i);
        bool moved = i == 0 || c->n->op == IR_OP_concat;
        if (moved && (is_stored(v) || is_stored(c->n->out[0])) &&
            !want_same_quant(c, c->n->out[0], v))
            return false;
    }
    return true;
}

static bool check_float(struct check *c) {
    for (int i = 0; i < c->n->in_count; i++) {
        if (!is_stored(ir_in(c->n, i))) continue;
        diag(c->g->ctx, ir_stored_in_float, c->where, i, ir_in(c->n, i)->name);
        return false;
    }
    return true;
}

typedef bool check_fn(struct check *c);

static check_fn *const checks[IR_OP_COUNT] = {
    [IR_OP_quantize] = check_quantize,  [IR_OP_dequantize] = check_dequantize,
    [IR_OP_qconv] = check_qconv,        [IR_OP_qadd] = check_qadd,
    [IR_OP_qmul] = check_qmul,          [IR_OP_qscale] = check_qscale,
    [IR_OP_qprelu] = check_qprelu,      [IR_OP_qmaxpool] = check_qmaxpool,
    [IR_OP_qavgpool] = check_qavgpool,  [IR_OP_qlut] = check_qlut,
    [IR_OP_qcopy] = check_qcopy,        [IR_OP_qconcat] = check_joined,
    [IR_OP_qinterleave] = check_joined, [IR_OP_identity] = check_moved,
    [IR_OP_reshape] = check_moved,      [IR_OP_flatten] = check_moved,
    [IR_OP_squeeze] = check_moved,      [IR_OP_unsqueeze] = check_moved,
    [IR_OP_transpose] = check_moved,    [IR_OP_slice] = check_moved,
    [IR_OP_concat] = check_moved,       [IR_OP_gather] = check_moved,
    [IR_OP_dropout] = check_moved,
};

bool ir_verify_quant(struct ir_graph *g, const struct ir_node *n, const char *where) {
    struct check c = {.g = g, .n = n, .where = where};
    return checks[n->op] != NULL ? checks[n->op](&c) : check_float(&c);
}
