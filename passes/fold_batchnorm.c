/* Pass fold-batchnorm. Requires SHAPES. Provides NO_BN. Breaks FUSED: an activation may now
 * follow the convolution.
 *
 * BatchNormalization (inference) behind a convolution nobody else reads: w' = w·f, b' = (b −
 * mean)·f + bias with f = scale / sqrt(var + epsilon), in double. Add, Sub, Mul and Div by one
 * constant per channel go the same way: exporters write them before batch norms (a bias apart)
 * and behind them (scale apart). A batch norm that stands alone stays (DenseNet's stand before
 * the convolution, whose padding would then have to hold something else than zero), until legalize
 * makes it work of the vector unit. */
#include "passes/internal.h"

/* The convolution that n can go into, NULL: none. */
static struct ir_node *target_of(const struct ir_graph *g, struct arena *a, const struct ir_node *n,
                                 struct pass_affine *out) {
    int index;
    return pass_affine_of(a, n, &index, out) ? pass_affine_conv(g, n, index) : NULL;
}

static bool is_foldable(const struct ir_graph *g, const struct ir_node *n) {
    struct arena *scratch = arena_new(g->ctx);
    struct pass_affine affine;
    bool found = target_of(g, scratch, n, &affine) != NULL;
    arena_free(scratch);
    return found;
}

static bool fold(struct ir_graph *g, struct ir_node *n) {
    struct arena *scratch = arena_new(g->ctx);
    struct pass_affine affine;
    struct ir_node *conv = target_of(g, scratch, n, &affine);
    pass_affine_apply(g, conv, affine.factor, affine.shift);
    pass_act_set(g, conv, pass_act_get(n));
    pass_take_output(g, conv, n);
    arena_free(scratch);
    return true;
}

static const struct pass_rule rules[] = {
    {"batch norm, constant per channel", is_foldable, fold},
};
enum { RULE_COUNT = sizeof rules / sizeof rules[0] };

bool pass_batchnorm_left(const struct ir_graph *g) {
    return pass_rules_match(g, rules, RULE_COUNT);
}

bool pass_fold_batchnorm(struct ir_graph *g, const struct pass_options *o) {
    (void)o;
    if (!pass_rules_apply(g, rules, RULE_COUNT)) return false;
    pass_sweep(g);
    return true;
}
