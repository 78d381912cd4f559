/* Pass prove-overflow. Requires QUANTIZED. Provides PROVEN. Breaks nothing.
 *
 * For every channel of every convolution, from its real weights: 2^(A−1) · Σ|w| + |bias| +
 * rounding < 2^(acc_bits−1), with A the bits of the input (docs/numbers.md). |w| of two terms is
 * |w1| · 2^term_shift + |w2|. The left side bounds every prefix of the sum in any order, so
 * neither tiles nor terms can make the accumulator wrap. The bits to spare, of the worst
 * channel, become the attribute `margin`. A channel that needs more than the target has is an
 * error; choosing scales so that it does not happen is the business of quantize. */
#include "passes/internal.h"

enum { X, WEIGHTS, WEXP, BIAS, SHIFT, RESIDUAL, SECOND };

struct channel { /* of one convolution */
    int64_t index, weights, bias, shift;
    int act_bits;
};

static int64_t magnitude(int64_t x) {
    return x < 0 ? -x : x;
}

/* At most 2^31 weights of 16 bits, shifted by 7: below 2^55. */
static int64_t sum_weights(const struct ir_value *w, int64_t channel, int64_t shift) {
    int64_t sum = 0, count = w == NULL ? 0 : ir_elements(w) / w->dims[0];
    for (int64_t i = 0; i < count; i++)
        sum += magnitude(((const int16_t *)w->data)[channel * count + i]);
    return sum << shift;
}

static struct channel channel_of(const struct ir_node *n, int64_t index) {
    const struct ir_value *second = ir_in(n, SECOND);
    int64_t shift = second == NULL ? 0 : ir_attr_int(n, "term_shift");
    return (struct channel){.index = index,
                            .weights = sum_weights(n->in[WEIGHTS], index, shift) +
                                       sum_weights(second, index, 0),
                            .bias = ((const int32_t *)n->in[BIAS]->data)[index],
                            .shift = ((const int32_t *)n->in[SHIFT]->data)[index],
                            .act_bits = n->in[X]->quant.bits};
}

/* The left side of the inequality; UINT64_MAX: more than that. */
static uint64_t bound_of(const struct channel *c) {
    uint64_t rounding = c->shift > 0 ? (uint64_t)1 << (c->shift - 1) : 0;
    uint64_t rest = (uint64_t)magnitude(c->bias) + rounding;
    uint64_t act = (uint64_t)1 << (c->act_bits - 1);
    if ((uint64_t)c->weights > (UINT64_MAX - rest) / act) return UINT64_MAX;
    return (uint64_t)c->weights * act + rest;
}

/* The number of bits of x, 0 of 0. */
static int width(uint64_t x) {
    int bits = 0;
    for (; x != 0; x >>= 1) bits++;
    return bits;
}

static bool prove_channel(struct ir_graph *g, const struct ir_node *n, const struct channel *c,
                          const struct svpe_target *t) {
    const char *where = ir_node_where(g->arena, n);
    if (c->shift < 0 || c->shift > 31) {
        diag(g->ctx, pass_acc_shift, where, (long long)c->index, (long long)c->shift);
        return false;
    }
    int needed = 1 + width(bound_of(c)); /* the smallest w with bound < 2^(w−1) */
    if (needed <= t->acc_bits) return true;
    diag(g->ctx, pass_acc_overflow, where, (long long)c->index, needed, t->name,
         (long long)t->acc_bits, c->act_bits, (long long)c->weights, (long long)c->bias);
    return false;
}

/* w − 1 − log2 of the bound, rounded down. */
static int margin_of(const struct channel *c, const struct svpe_target *t) {
    uint64_t bound = bound_of(c);
    return (int)t->acc_bits - 1 - (bound == 0 ? 0 : width(bound - 1));
}

static bool prove_conv(struct ir_graph *g, struct ir_node *n, const struct svpe_target *t) {
    bool good = true;
    int margin = (int)t->acc_bits;
    for (int i = WEIGHTS; i <= SECOND; i++) {
        const struct ir_value *v = ir_in(n, i);
        if (v == NULL || v->elided == 0) continue;
        diag(g->ctx, pass_proof_elided, ir_node_where(g->arena, n), v->name);
        return false;
    }
    for (int64_t o = 0; o < n->in[WEIGHTS]->dims[0]; o++) {
        struct channel c = channel_of(n, o);
        good = prove_channel(g, n, &c, t) && good;
        if (good && margin_of(&c, t) < margin) margin = margin_of(&c, t);
    }
    if (good) ir_set_int(g, n, "margin", margin);
    return good;
}

bool pass_prove_overflow(struct ir_graph *g, const struct pass_options *o) {
    bool good = true;
    for (struct ir_node *n = g->first; n != NULL; n = n->next)
        if (n->op == IR_OP_qconv) good = prove_conv(g, n, o->target) && good;
    return good;
}
