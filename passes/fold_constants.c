/* Pass fold-constants. Requires SHAPES. Provides FOLDED. Breaks LIVE (constants lose their last
 * use), CONVS, NO_BN and FUSED (nodes that stood between two others go).
 *
 * Nodes whose inputs are all constant, and Shape, are evaluated by the oracle's evaluator. Nodes
 * that hand on their input as it is are removed: Identity, Dropout (inference), Cast to the same
 * type, Concat of one, and Reshape, Flatten, Squeeze, Unsqueeze, Slice, Pad, Clip and Transpose
 * that change nothing. A Transpose that moves only dimensions of size 1 becomes a Reshape. */
#include "passes/internal.h"

#include <float.h>

/* Bytes: a chain of Concat doubles with every node. */
static const int64_t fold_limit = (int64_t)1 << 30;

static bool all_const(const struct ir_node *n) {
    for (int i = 0; i < n->in_count; i++)
        if (n->in[i] != NULL && !ir_is_const(n->in[i])) return false;
    return n->in_count > 0;
}

static bool is_small_enough(struct ir_graph *g, const struct ir_node *n, const struct ir_value *v) {
    int64_t size = (int64_t)ir_dtype_size(v->dtype);
    int64_t count = ir_elements(v);
    if (count <= fold_limit / size) return true;
    int64_t bytes = count > INT64_MAX / size ? INT64_MAX : count * size;
    diag(g->ctx, pass_fold_large, ir_node_where(g->arena, n), v->name, ir_type_text(g->arena, v),
         (long long)bytes, (long long)fold_limit);
    return false;
}

bool pass_fold_node(struct ir_graph *g, struct ir_node *n) {
    for (int i = 0; i < n->out_count; i++)
        if (!is_small_enough(g, n, n->out[i])) return false;
    struct arena *scratch = arena_new(g->ctx);
    struct ir_tensor *values = arena_array(scratch, (size_t)g->value_count, sizeof *values);
    for (int i = 0; i < n->in_count; i++) {
        const struct ir_value *v = n->in[i];
        if (v == NULL) continue;
        /* Shape and its like read no element, but the evaluator wants every input to be there. */
        values[v->id].data = ir_is_const(v) ? (void *)v->data : arena_alloc(scratch, 0);
    }
    bool good = ir_eval_node(g, g->arena, n, values);
    for (int i = 0; good && i < n->out_count; i++) {
        n->out[i]->data = values[n->out[i]->id].data;
        n->out[i]->producer = NULL;
    }
    arena_free(scratch);
    if (good) ir_node_remove(g, n);
    return good;
}

static bool is_constant(const struct ir_graph *g, const struct ir_node *n) {
    (void)g;
    return ir_op_asks_shape(n->op) || all_const(n);
}

/* Dimensions of size 1 may move: the elements stay in their order. */
static bool keeps_order(const struct ir_node *n) {
    int count;
    const int64_t *perm = ir_attr_ints(n, "perm", &count);
    const struct ir_value *x = n->in[0];
    int64_t last = -1;
    for (int i = 0; i < x->rank; i++) {
        int64_t from = count > 0 ? perm[i] : x->rank - 1 - i;
        if (x->dims[from] == 1) continue;
        if (from < last) return false;
        last = from;
    }
    return true;
}

static bool has_positive_steps(const struct ir_node *n) {
    int64_t steps[IR_MAX_RANK];
    int count = 0;
    if (ir_in(n, 4) == NULL) return true;
    if (!pass_const_ints(n->in[4], steps, IR_MAX_RANK, &count)) return false;
    for (int i = 0; i < count; i++)
        if (steps[i] < 0) return false;
    return true;
}

static bool has_zero_pads(const struct ir_node *n) {
    int64_t pads[2 * IR_MAX_RANK];
    int count = 0;
    if (!pass_const_ints(ir_in(n, 1), pads, 2 * IR_MAX_RANK, &count)) return false;
    for (int i = 0; i < count; i++)
        if (pads[i] != 0) return false;
    return true;
}

static bool has_no_bounds(const struct ir_node *n) {
    struct pass_clamp clamp;
    return pass_clamp_of(n, &clamp) && clamp.lo <= -FLT_MAX && clamp.hi >= FLT_MAX;
}

bool pass_is_view(enum ir_op op) {
    return op == IR_OP_reshape || op == IR_OP_flatten || op == IR_OP_squeeze ||
           op == IR_OP_unsqueeze;
}

/* The shapes in and out are equal. */
static bool is_copy(const struct ir_node *n) {
    switch (n->op) {
    case IR_OP_cast:
        return n->in[0]->dtype == n->out[0]->dtype && !ir_attr_find(n, "form");
    case IR_OP_transpose:
        return keeps_order(n);
    case IR_OP_slice:
        return has_positive_steps(n);
    case IR_OP_pad:
        return has_zero_pads(n);
    case IR_OP_clip:
        return has_no_bounds(n);
    case IR_OP_concat:
        return n->in_count == 1;
    default:
        return n->op == IR_OP_identity || n->op == IR_OP_dropout || pass_is_view(n->op);
    }
}

static bool is_without_effect(const struct ir_graph *g, const struct ir_node *n) {
    if (n->in_count == 0 || n->in[0] == NULL || !pass_same_shape(n->in[0], n->out[0])) return false;
    if (n->out_count > 1 && ir_use_count(g, n->out[1]) > 0) return false; /* the mask of dropout */
    return is_copy(n) && pass_can_bypass(g, n);
}

static bool is_view_in_disguise(const struct ir_graph *g, const struct ir_node *n) {
    (void)g;
    return n->op == IR_OP_transpose && !pass_same_shape(n->in[0], n->out[0]) && keeps_order(n);
}

static bool become_reshape(struct ir_graph *g, struct ir_node *n) {
    const struct ir_value *out = n->out[0];
    const char *name = arena_printf(g->arena, "%s.shape", out->name);
    ir_attr_remove(n, "perm");
    n->op = IR_OP_reshape;
    ir_set_input(g, n, 1, pass_const_new_ints(g, name, out->dims, out->rank));
    return true;
}

static const struct pass_rule rules[] = {
    {"constant", is_constant, pass_fold_node},
    {"copy", is_without_effect, pass_bypass},
    {"transpose of ones", is_view_in_disguise, become_reshape},
};
enum { RULE_COUNT = sizeof rules / sizeof rules[0] };

bool pass_fold_left(const struct ir_graph *g) {
    return pass_rules_match(g, rules, RULE_COUNT);
}

bool pass_fold_constants(struct ir_graph *g, const struct pass_options *o) {
    (void)o;
    return pass_rules_apply(g, rules, RULE_COUNT);
}
