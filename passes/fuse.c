/* Pass fuse. Requires SHAPES, FOLDED, NO_BN. Provides FUSED. Breaks RANGES.
 *
 * Relu and Clip become the attribute `act` of the convolution, addition or affine before them,
 * through a max-pool where one stands between. Behind a Concat each operand is clamped instead. Pad
 * by zeros becomes padding of the convolution or pool behind it. What feeds anybody else as well is
 * left alone. */
#include "passes/internal.h"

#include <string.h>

/* A convolution, addition, or affine: it has a clamp of its own. */
static bool has_act(const struct ir_node *n) {
    return n->op == IR_OP_conv || n->op == IR_OP_add || n->op == IR_OP_affine;
}

/* That which makes v for a single reader. */
static struct ir_node *act_target(const struct ir_graph *g, const struct ir_value *v) {
    struct ir_node *n = v->producer;
    if (n == NULL || !has_act(n)) return NULL;
    return ir_single_user(g, v) != NULL ? n : NULL;
}

static bool is_activation(const struct ir_graph *g, const struct ir_node *n) {
    struct pass_clamp clamp;
    return pass_clamp_of(n, &clamp) && act_target(g, n->in[0]) != NULL;
}

static bool fuse_activation(struct ir_graph *g, struct ir_node *n) {
    struct ir_node *target = act_target(g, n->in[0]);
    struct pass_clamp clamp;
    pass_clamp_of(n, &clamp);
    pass_act_set(g, target, pass_clamp_then(pass_act_get(target), clamp));
    pass_take_output(g, target, n);
    return true;
}

/* Every window holds a pixel of its input: padding, with `more` added, is smaller than the
 * kernel on each side. */
static bool has_full_windows(const struct ir_node *pool, const int64_t *more) {
    int kernel_count, pad_count, dilation_count;
    const int64_t *kernel = ir_attr_ints(pool, "kernel_shape", &kernel_count);
    const int64_t *pads = ir_attr_ints(pool, "pads", &pad_count);
    const int64_t *dilations = ir_attr_ints(pool, "dilations", &dilation_count);
    if (pool->out_count > 1) return false; /* where the maxima stand is asked for */
    if (kernel_count != 2 || pad_count != 4 || ir_attr_int(pool, "ceil_mode") != 0) return false;
    if (strcmp(ir_attr_string(pool, "auto_pad"), "NOTSET") != 0) return false;
    for (int i = 0; i < 4; i++)
        if (pads[i] + more[i] >= kernel[i % 2]) return false;
    return dilation_count == 0 || (dilations[0] == 1 && dilations[1] == 1);
}

static const int64_t no_pads[4] = {0, 0, 0, 0};

/* The max-pool between a clamp and what it could be fused with. */
static bool is_clamp_after_pool(const struct ir_graph *g, const struct ir_node *n) {
    struct pass_clamp clamp;
    if (!pass_clamp_of(n, &clamp) || ir_single_user(g, n->in[0]) == NULL) return false;
    const struct ir_node *pool = n->in[0]->producer;
    return pool != NULL && pool->op == IR_OP_maxpool && has_full_windows(pool, no_pads) &&
           act_target(g, pool->in[0]) != NULL;
}

static bool swap_with_pool(struct ir_graph *g, struct ir_node *n) {
    struct ir_node *pool = n->in[0]->producer;
    struct ir_value *moved = pass_value_like(g, pool->in[0], n->in[0]->name);
    ir_set_input(g, n, 0, pool->in[0]);
    ir_node_new(g, pool, n->op, n->name, n->in, n->in_count, &moved, 1);
    ir_set_input(g, n, 0, pool->out[0]);
    ir_set_input(g, pool, 0, moved);
    pass_take_output(g, pool, n);
    return true;
}

/* Clamping operands costs no more than clamping the whole, and some may have a convolution. */
static bool is_clamp_after_concat(const struct ir_graph *g, const struct ir_node *n) {
    struct pass_clamp clamp;
    if (!pass_clamp_of(n, &clamp) || ir_single_user(g, n->in[0]) == NULL) return false;
    const struct ir_node *concat = n->in[0]->producer;
    if (concat == NULL || concat->op != IR_OP_concat) return false;
    for (int i = 0; i < concat->in_count; i++)
        if (ir_is_const(concat->in[i])) return false;
    return true;
}

static bool swap_with_concat(struct ir_graph *g, struct ir_node *n) {
    struct ir_node *concat = n->in[0]->producer;
    int first_new = g->value_count;
    for (int i = 0; i < concat->in_count; i++) {
        struct ir_value *x = concat->in[i];
        if (x->id >= first_new) continue; /* joined more than once */
        struct ir_value *moved = pass_value_like(g, x, x->name);
        ir_set_input(g, n, 0, x);
        ir_node_new(g, concat, n->op, n->name, n->in, n->in_count, &moved, 1);
        for (int k = i; k < concat->in_count; k++)
            if (concat->in[k] == x) ir_set_input(g, concat, k, moved);
    }
    ir_set_input(g, n, 0, concat->out[0]);
    pass_take_output(g, concat, n);
    return true;
}

/* The Pad by zeros of height and width that makes input 0 of n: pads in ONNX's order for two
 * dimensions. */
static struct ir_node *zero_pad(const struct ir_node *n, int64_t pads[4]) {
    struct ir_node *pad = n->in[0]->producer;
    int64_t all[2 * IR_MAX_RANK];
    int count = 0;
    if (pad == NULL || pad->op != IR_OP_pad || n->in[0]->rank != 4) return NULL;
    if (strcmp(ir_attr_string(pad, "mode"), "constant") != 0 || ir_in(pad, 3) != NULL) return NULL;
    const struct ir_value *fill = ir_in(pad, 2);
    if (fill != NULL && (!ir_is_const(fill) || pass_const_at(fill, 0) != 0)) return NULL;
    if (!pass_const_ints(ir_in(pad, 1), all, 2 * IR_MAX_RANK, &count) || count != 8) return NULL;
    for (int i = 0; i < 8; i++)
        if (all[i] < 0 || (i % 4 < 2 && all[i] != 0)) return NULL;
    for (int i = 0; i < 4; i++) pads[i] = all[i < 2 ? 2 + i : 4 + i];
    return pad;
}

static bool has_plain_pads(const struct ir_node *n) {
    const char *mode = ir_attr_string(n, "auto_pad");
    return strcmp(mode, "NOTSET") == 0 || strcmp(mode, "VALID") == 0;
}

/* The value is clamped to something not negative, so that padding by 0 and by −inf give the same
 * maximum. */
static bool is_not_negative(const struct ir_value *v) {
    const struct ir_node *n = v->producer;
    struct pass_clamp clamp;
    if (n == NULL) return false;
    if (has_act(n)) return pass_act_get(n).lo >= 0;
    return pass_clamp_of(n, &clamp) && clamp.lo >= 0;
}

static bool has_no_pads(const struct ir_node *n) {
    int count;
    const int64_t *pads = ir_attr_ints(n, "pads", &count);
    for (int i = 0; i < count; i++)
        if (pads[i] != 0) return false;
    return true;
}

static bool is_padded(const struct ir_graph *g, const struct ir_node *n) {
    (void)g;
    int64_t pads[4];
    if (n->op != IR_OP_conv && n->op != IR_OP_maxpool && n->op != IR_OP_avgpool) return false;
    const struct ir_node *pad = zero_pad(n, pads);
    if (pad == NULL || !has_plain_pads(n)) return false;
    if (n->op == IR_OP_conv) return true;
    if (!has_full_windows(n, pads)) return false;
    if (n->op == IR_OP_maxpool) return is_not_negative(pad->in[0]);
    return ir_attr_int(n, "count_include_pad") != 0 || has_no_pads(n);
}

static bool fuse_pad(struct ir_graph *g, struct ir_node *n) {
    int64_t pads[4] = {0};
    int count;
    struct ir_node *pad = zero_pad(n, pads);
    const int64_t *own = ir_attr_ints(n, "pads", &count);
    bool uses_own = strcmp(ir_attr_string(n, "auto_pad"), "NOTSET") == 0;
    for (int i = 0; uses_own && i < count && i < 4; i++) pads[i] += own[i];
    ir_set_ints(g, n, "pads", pads, 4);
    ir_attr_remove(n, "auto_pad");
    if (n->op == IR_OP_avgpool) ir_set_int(g, n, "count_include_pad", 1);
    ir_set_input(g, n, 0, pad->in[0]);
    if (ir_use_count(g, pad->out[0]) == 0) ir_node_remove(g, pad);
    return true;
}

static const struct pass_rule rules[] = {
    {"activation", is_activation, fuse_activation},
    {"activation behind max-pool", is_clamp_after_pool, swap_with_pool},
    {"activation behind concat", is_clamp_after_concat, swap_with_concat},
    {"padding", is_padded, fuse_pad},
};
enum { RULE_COUNT = sizeof rules / sizeof rules[0] };

bool pass_fuse_left(const struct ir_graph *g) {
    return pass_rules_match(g, rules, RULE_COUNT);
}

bool pass_fuse(struct ir_graph *g, const struct pass_options *o) {
    (void)o;
    if (!pass_rules_apply(g, rules, RULE_COUNT)) return false;
    pass_sweep(g);
    return true;
}
