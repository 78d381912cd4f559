/* Pass fold-batchnorm. Requires SHAPES. Provides NO_BN. Breaks FUSED: an activation may now
 * follow the convolution.
 *
 * BatchNormalization (inference) behind a convolution nobody else reads: w' = w·f, b' = (b −
 * mean)·f + bias with f = scale / sqrt(var + epsilon), in double. Add, Sub, Mul and Div by one
 * constant per channel go the same way: exporters write them before batch norms (a bias apart)
 * and behind them (scale apart). A batch norm that stands alone stays (DenseNet's stand before
 * the convolution, whose padding would then have to hold something else than zero). */
#include "passes/internal.h"

#include <math.h>

enum { SCALE = 1, BIAS, MEAN, VAR };

static bool is_batchnorm(const struct ir_graph *g, const struct ir_node *n) {
    if (n->op != IR_OP_batchnorm || pass_affine_conv(g, n, 0) == NULL) return false;
    for (int i = SCALE; i <= VAR; i++)
        if (!ir_is_const(n->in[i])) return false;
    double epsilon = ir_attr_float(n, "epsilon");
    for (int64_t c = 0; c < ir_elements(n->in[VAR]); c++)
        if (!(pass_const_at(n->in[VAR], c) + epsilon > 0)) return false;
    return true;
}

static bool fold_batchnorm(struct ir_graph *g, struct ir_node *n) {
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

/* factor and shift of x op constant, per channel of x. */
struct affine {
    double *factor, *shift; /* NULL: 1, 0 */
};

static void set_all(double *to, int64_t n, double value) {
    for (int64_t i = 0; i < n; i++) to[i] = value;
}

static void negate(double *to, int64_t n) {
    for (int64_t i = 0; i < n; i++) to[i] = -to[i];
}

static bool invert(double *to, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        to[i] = 1 / to[i];
        if (!isfinite(to[i])) return false;
    }
    return true;
}

/* n as an affine function of input `index`; c holds the other operand per channel. False: it is
 * none. */
static bool affine_of(struct arena *a, const struct ir_node *n, int index, double *c, int64_t count,
                      struct affine *out) {
    *out = (struct affine){NULL, NULL};
    switch (n->op) {
    case IR_OP_add:
        out->shift = c;
        return true;
    case IR_OP_mul:
        out->factor = c;
        return true;
    case IR_OP_div:
        out->factor = c;
        return index == 0 && invert(c, count);
    case IR_OP_sub:
        out->shift = c;
        if (index == 0) {
            negate(c, count);
        } else {
            out->factor = arena_array(a, (size_t)count, sizeof *out->factor);
            set_all(out->factor, count, -1);
        }
        return true;
    default:
        return false;
    }
}

/* The convolution that n can go into, NULL: none. */
static struct ir_node *affine_target(const struct ir_graph *g, struct arena *a,
                                     const struct ir_node *n, struct affine *out) {
    if (ir_op_info(n->op)->min_in != 2 || n->in_count != 2) return NULL;
    for (int index = 0; index < 2; index++) {
        if (ir_is_const(n->in[index])) continue;
        struct ir_node *conv = pass_affine_conv(g, n, index);
        if (conv == NULL || !pass_same_shape(conv->out[0], n->out[0])) continue;
        int64_t channels = conv->out[0]->dims[1];
        double *c = pass_per_channel(a, n->in[1 - index], channels, conv->out[0]->rank);
        if (c != NULL && affine_of(a, n, index, c, channels, out)) return conv;
    }
    return NULL;
}

static bool is_constant(const struct ir_graph *g, const struct ir_node *n) {
    struct arena *scratch = arena_new(g->ctx);
    struct affine affine = {0};
    bool found = affine_target(g, scratch, n, &affine) != NULL;
    arena_free(scratch);
    return found;
}

static bool fold_constant(struct ir_graph *g, struct ir_node *n) {
    struct arena *scratch = arena_new(g->ctx);
    struct affine affine = {0};
    struct ir_node *conv = affine_target(g, scratch, n, &affine);
    pass_affine_apply(g, conv, affine.factor, affine.shift);
    if (n->op == IR_OP_add) pass_act_set(g, conv, pass_act_get(n));
    pass_take_output(g, conv, n);
    arena_free(scratch);
    return true;
}

static const struct pass_rule rules[] = {
    {"batch norm", is_batchnorm, fold_batchnorm},
    {"constant per channel", is_constant, fold_constant},
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
