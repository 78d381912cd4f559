/* Pass fold-batchnorm. Requires SHAPES. Provides NO_BN. Breaks nothing.
 *
 * BatchNormalization (inference) behind a convolution nobody else reads: w' = w·f, b' = (b − mean)·f + bias with
 * f = scale / sqrt(var + epsilon), in double. One that stands alone stays (DenseNet's stand before the convolution, whose
 * padding would then have to hold something else than zero). */
#include "passes/internal.h"

#include <math.h>

enum { SCALE = 1, BIAS, MEAN, VAR };

static bool is_foldable(const struct ir_graph *g, const struct ir_node *n) {
    if (n->op != IR_OP_batchnorm || pass_affine_conv(g, n, 0) == NULL) return false;
    for (int i = SCALE; i <= VAR; i++)
        if (!ir_is_const(n->in[i])) return false;
    double epsilon = ir_attr_float(n, "epsilon");
    for (int64_t c = 0; c < ir_elements(n->in[VAR]); c++)
        if (!(pass_const_at(n->in[VAR], c) + epsilon > 0)) return false;
    return true;
}

static bool fold(struct ir_graph *g, struct ir_node *n) {
    struct ir_node *conv = pass_affine_conv(g, n, 0);
    struct arena *scratch = arena_new(g->ctx);
    int64_t channels = ir_elements(n->in[VAR]);
    double *factor = arena_array(scratch, (size_t)channels, sizeof *factor);
    double *shift = arena_array(scratch, (size_t)channels, sizeof *shift);
    for (int64_t c = 0; c < channels; c++) {
        factor[c] = pass_const_at(n->in[SCALE], c) /
                    sqrt(pass_const_at(n->in[VAR], c) + ir_attr_float(n, "epsilon"));
        shift[c] = pass_const_at(n->in[BIAS], c) - pass_const_at(n->in[MEAN], c) * factor[c];
    }
    pass_affine_apply(g, conv, factor, shift);
    pass_take_output(g, conv, n);
    arena_free(scratch);
    return true;
}

static const struct pass_rule rules[] = {{"batch norm", is_foldable, fold}};

bool pass_batchnorm_left(const struct ir_graph *g) {
    return pass_rules_match(g, rules, 1);
}

bool pass_fold_batchnorm(struct ir_graph *g, const struct pass_options *o) {
    (void)o;
    if (!pass_rules_apply(g, rules, 1)) return false;
    pass_sweep(g);
    return true;
}
