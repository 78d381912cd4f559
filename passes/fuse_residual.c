/* Pass fuse-residual. Requires QUANTIZED. Provides RESIDUAL. Breaks PROVEN: the convolutions are
 * new nodes.
 *
 * qconv, then qadd, becomes a qconv with a residual input: m = sat(round_shift(acc + bias,
 * shift)) with exponent mid_exp and zero 0 is what the qconv stored before, so the bits are the
 * same (docs/numbers.md, residual add). The convolution must have no clamp of its own and the
 * addition as its one reader; of two such convolutions the one with more multiplications takes
 * the addition, so that the cheaper one's result is what waits in memory. */
#include "passes/internal.h"

enum { X, WEIGHTS, WEXP, BIAS, SHIFT, RESIDUAL, SECOND };

/* The bounds leave the whole range of the stored integers. */
static bool is_unclamped(const struct ir_node *n) {
    int64_t max = ((int64_t)1 << (n->out[0]->quant.bits - 1)) - 1;
    bool lo = ir_attr_find(n, "lo") == NULL || ir_attr_int(n, "lo") == -max - 1;
    return lo && (ir_attr_find(n, "hi") == NULL || ir_attr_int(n, "hi") == max);
}

static struct ir_node *residual_conv(const struct ir_graph *g, const struct ir_node *add, int i) {
    struct ir_node *conv = add->in[i]->producer;
    if (conv == NULL || conv->op != IR_OP_qconv || ir_in(conv, RESIDUAL) != NULL) return NULL;
    if (conv->out[0]->quant.zero != 0 || !is_unclamped(conv)) return NULL;
    if (conv->out[0]->quant.bits != add->out[0]->quant.bits) return NULL;
    return ir_single_user(g, conv->out[0]) == add ? conv : NULL;
}

static int64_t macs(const struct ir_node *conv) {
    return ir_elements(conv->in[WEIGHTS]) * conv->out[0]->dims[2] * conv->out[0]->dims[3];
}

/* The operand of the addition whose convolution takes it, −1: none. */
static int best_operand(const struct ir_graph *g, const struct ir_node *n) {
    int best = -1;
    int64_t most = -1;
    if (n->op != IR_OP_qadd) return -1;
    for (int i = 0; i < 2; i++) {
        const struct ir_node *conv = residual_conv(g, n, i);
        if (conv == NULL || macs(conv) <= most) continue;
        best = i;
        most = macs(conv);
    }
    return best;
}

static bool is_residual(const struct ir_graph *g, const struct ir_node *n) {
    return best_operand(g, n) >= 0;
}

static void copy_bound(struct ir_graph *g, struct ir_node *to, const struct ir_node *from,
                       const char *name) {
    ir_attr_remove(to, name);
    if (ir_attr_find(from, name) != NULL) ir_set_int(g, to, name, ir_attr_int(from, name));
}

/* The convolution moves to the place of the addition: its other operand may be made after the
 * convolution was. */
static bool fuse_residual(struct ir_graph *g, struct ir_node *add) {
    int i = best_operand(g, add);
    struct ir_node *conv = residual_conv(g, add, i);
    struct ir_quant mid = conv->out[0]->quant;
    struct ir_node *fused =
        ir_node_new(g, add, IR_OP_qconv, conv->name, conv->in, conv->in_count, add->out, 1);
    fused->attrs = conv->attrs;
    fused->attr_count = conv->attr_count;
    ir_set_input(g, fused, RESIDUAL, add->in[1 - i]);
    ir_set_int(g, fused, "mid_exp", mid.exp);
    ir_set_int(g, fused, "mid_bits", mid.bits);
    ir_attr_remove(fused, "margin");
    copy_bound(g, fused, add, "lo");
    copy_bound(g, fused, add, "hi");
    ir_node_remove(g, add);
    ir_node_remove(g, conv);
    return true;
}

static const struct pass_rule rules[] = {{"residual", is_residual, fuse_residual}};

bool pass_residual_left(const struct ir_graph *g) {
    return pass_rules_match(g, rules, 1);
}

bool pass_fuse_residual(struct ir_graph *g, const struct pass_options *o) {
    (void)o;
    return pass_rules_apply(g, rules, 1);
}
