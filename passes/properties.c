/* The check behind each property of properties.def: it looks at the graph alone and changes
 * nothing. */
#include "passes/internal.h"
#include "passes/quant/quant.h"

static bool is_shaped(const struct ir_value *v) {
    return ir_elements(v) >= 0;
}

static bool check_SHAPES(const struct ir_graph *g) {
    for (int i = 0; i < g->value_count; i++)
        if (g->values[i] != NULL && !is_shaped(g->values[i])) return false;
    return true;
}

static bool check_FOLDED(const struct ir_graph *g) {
    return !pass_fold_left(g);
}
static bool check_LIVE(const struct ir_graph *g) {
    return pass_is_swept(g);
}
static bool check_CONVS(const struct ir_graph *g) {
    return !pass_dense_left(g);
}
static bool check_NO_BN(const struct ir_graph *g) {
    return !pass_batchnorm_left(g);
}
static bool check_FUSED(const struct ir_graph *g) {
    return !pass_fuse_left(g);
}
static bool check_LEGAL(const struct ir_graph *g) {
    return pass_placed(g);
}
static bool check_RESIDUAL(const struct ir_graph *g) {
    return !pass_residual_left(g);
}

static bool is_activation(const struct ir_value *v) {
    return v != NULL && !ir_is_const(v) && v->dtype == IR_F32;
}

static bool check_RANGES(const struct ir_graph *g) {
    for (const struct ir_node *n = g->first; n != NULL; n = n->next) {
        if (!quant_convertible(n)) continue;
        for (int i = 0; i < n->in_count; i++)
            if (is_activation(n->in[i]) && n->in[i]->quant.bits == 0) return false;
        if (n->out[0]->quant.bits == 0) return false;
    }
    return true;
}

static bool check_QUANTIZED(const struct ir_graph *g) {
    for (const struct ir_node *n = g->first; n != NULL; n = n->next)
        if (ir_op_info(n->op)->level != IR_LEVEL_QUANT && !ir_is_host(n) && !pass_is_view(n->op))
            return false;
    return true;
}

static bool check_PROVEN(const struct ir_graph *g) {
    for (const struct ir_node *n = g->first; n != NULL; n = n->next)
        if (n->op == IR_OP_qconv && ir_attr_int(n, "margin") < 0) return false;
    return check_QUANTIZED(g);
}

static bool (*const checks[PASS_PROPERTY_COUNT])(const struct ir_graph *g) = {
#define PASS_PROPERTY(name, meaning) [PASS_BIT_##name] = check_##name,
#include "passes/properties.def"
#undef PASS_PROPERTY
};

/* The other checks may take shapes for granted: without SHAPES only those hold that do not need
 * it. */
unsigned pass_properties_of(const struct ir_graph *g) {
    unsigned set = 0;
    if (!check_SHAPES(g)) return check_LIVE(g) ? 1u << PASS_BIT_LIVE : 0;
    for (int i = 0; i < PASS_PROPERTY_COUNT; i++)
        if (checks[i](g)) set |= 1u << i;
    return set;
}
