/* Pass lift-lines. Requires SHAPES, FOLDED. Breaks CONVS, NO_BN, FUSED, LEGAL, RANGES,
 * QUANTIZED, PROVEN.
 *
 * Networks over one spatial dimension, [N,C,L], become networks over images of one row,
 * [N,C,1,L]: an Unsqueeze in front of each operator that has such a form, a Squeeze behind it, and
 * where the two meet neither. What is left of them stands at the ends, where views cost nothing,
 * or beside an operator that has no such form. */
#include "passes/internal.h"

#include <string.h>

enum { LINE = 3, ROW = 2 /* the axis that is added */ };

static bool is_line(const struct ir_value *v) {
    return v != NULL && v->dtype == IR_F32 && v->rank == LINE && ir_elements(v) > 0;
}

static bool has_weights(enum ir_op op) {
    return op == IR_OP_conv || op == IR_OP_convtranspose;
}

static bool has_window(enum ir_op op) {
    return has_weights(op) || op == IR_OP_maxpool || op == IR_OP_avgpool;
}

/* Both operands and the result of one shape, or one of them a constant. */
static bool is_pair(enum ir_op op) {
    return op == IR_OP_add || op == IR_OP_sub || op == IR_OP_mul || op == IR_OP_div;
}

static bool is_single(enum ir_op op) {
    return op == IR_OP_relu || op == IR_OP_clip || op == IR_OP_batchnorm || op == IR_OP_gavgpool ||
           op == IR_OP_gmaxpool || ir_is_function(op);
}

/* A constant that a line is added to, multiplied by…: along length and channels only. */
static bool is_operand(const struct ir_value *v) {
    return is_line(v) || (v != NULL && v->dtype == IR_F32 && ir_is_const(v) && v->rank <= LINE);
}

static bool is_joined_along_channels(const struct ir_node *n) {
    int64_t axis = ir_attr_int(n, "axis");
    if (n->op != IR_OP_concat || (axis != 1 && axis != 1 - LINE)) return false;
    for (int i = 0; i < n->in_count; i++)
        if (!is_line(n->in[i]) || ir_is_const(n->in[i])) return false;
    return true;
}

static bool is_liftable(const struct ir_graph *g, const struct ir_node *n) {
    (void)g;
    if (n->out_count != 1 || !is_line(n->out[0])) return false;
    if (is_pair(n->op))
        return is_operand(n->in[0]) && is_operand(n->in[1]) &&
               !(ir_is_const(n->in[0]) && ir_is_const(n->in[1]));
    if (n->op == IR_OP_concat) return is_joined_along_channels(n);
    if (!is_line(n->in[0]) || ir_is_const(n->in[0])) return false;
    if (has_weights(n->op)) return is_line(n->in[1]) && ir_is_const(n->in[1]);
    return has_window(n->op) || is_single(n->op);
}

/* An Unsqueeze of v in front of n; for a constant one more dimension before the last. */
static struct ir_value *lifted(struct ir_graph *g, struct ir_node *n, struct ir_value *v) {
    if (v->rank < 2) return v;
    if (!ir_is_const(v)) {
        struct ir_value *axes = pass_const_new_ints(g, "row", (int64_t[]){ROW}, 1);
        const char *name = arena_printf(g->arena, "%s.row", v->name);
        return pass_emit(g, n, IR_OP_unsqueeze, "", name, (struct ir_value *[]){v, axes}, 2);
    }
    int64_t dims[LINE + 1];
    for (int i = 0; i < v->rank; i++) dims[i < v->rank - 1 ? i : i + 1] = v->dims[i];
    dims[v->rank - 1] = 1;
    const char *name = ir_unique_name(g, arena_printf(g->arena, "%s.row", v->name));
    return ir_const_new(g, name, v->dtype, v->rank + 1, dims, v->data);
}

/* One number per dimension, or per end of one: the same with a row that has none. */
static void lift_list(struct ir_graph *g, struct ir_node *n, const char *name, int64_t row) {
    int count;
    if (ir_attr_find(n, name) == NULL) return;
    const int64_t *list = ir_attr_ints(n, name, &count);
    if (count == 1) ir_set_ints(g, n, name, (int64_t[]){row, list[0]}, 2);
    if (count == 2) ir_set_ints(g, n, name, (int64_t[]){row, list[0], row, list[1]}, 4);
}

static void lift_attrs(struct ir_graph *g, struct ir_node *n) {
    static const struct {
        const char *name;
        int64_t row;
    } lists[] = {{"pads", 0},         {"strides", 1},        {"dilations", 1},
                 {"kernel_shape", 1}, {"output_padding", 0}, {"output_shape", 1}};
    for (size_t i = 0; has_window(n->op) && i < sizeof lists / sizeof *lists; i++)
        lift_list(g, n, lists[i].name, lists[i].row);
    if (n->op == IR_OP_concat) ir_set_int(g, n, "axis", 1);
}

/* The inputs that have a length. */
static bool is_lifted_input(const struct ir_node *n, int i) {
    return i == 0 || is_pair(n->op) || n->op == IR_OP_concat || (i == 1 && has_weights(n->op));
}

static bool lift(struct ir_graph *g, struct ir_node *n) {
    struct ir_value *y = n->out[0];
    for (int i = 0; i < n->in_count; i++) {
        struct ir_value *x = is_lifted_input(n, i) ? lifted(g, n, n->in[i]) : n->in[i];
        if (is_lifted_input(n, i) && x == NULL) return false;
        if (x != n->in[i]) ir_set_input(g, n, i, x);
    }
    lift_attrs(g, n);
    const char *name = ir_unique_name(g, arena_printf(g->arena, "%s.row", y->name));
    struct ir_value *row = ir_value_new(g, name, y->dtype, -1, NULL);
    n->out[0] = row;
    row->producer = n;
    y->producer = NULL;
    if (!ir_infer_node(g, n)) return false;
    struct ir_value *axes = pass_const_new_ints(g, "row", (int64_t[]){ROW}, 1);
    ir_node_new(g, n->next, IR_OP_squeeze, "", (struct ir_value *[]){row, axes}, 2, &y, 1);
    return true;
}

static bool is_row_axis(const struct ir_node *n) {
    int64_t axis;
    int count;
    return n->in_count == 2 && pass_const_ints(n->in[1], &axis, 1, &count) && count == 1 &&
           axis == ROW;
}

/* An Unsqueeze of what a Squeeze has just taken the same dimension from. */
static bool is_undone(const struct ir_graph *g, const struct ir_node *n) {
    (void)g;
    if (n->op != IR_OP_unsqueeze || !is_row_axis(n)) return false;
    const struct ir_node *before = n->in[0]->producer;
    return before != NULL && before->op == IR_OP_squeeze && is_row_axis(before) &&
           before->in[0]->rank == LINE + 1 && n->out[0]->output_count == 0;
}

static bool take_back(struct ir_graph *g, struct ir_node *n) {
    ir_replace_uses(g, n->out[0], n->in[0]->producer->in[0]);
    ir_node_remove(g, n);
    return true;
}

/* Reductions over the length are global pools, which have a lifted form. */
static bool is_line_reduction(const struct ir_graph *g, const struct ir_node *n) {
    bool line = n->in_count > 0 && is_line(n->in[0]);
    return line && pass_is_plane_reduction(g, n);
}

static const struct pass_rule rules[] = {
    {"reduction over the length", is_line_reduction, pass_give_pool},
    {"over lines", is_liftable, lift},
    {"up and down again", is_undone, take_back},
};
enum { RULE_COUNT = sizeof rules / sizeof rules[0] };

bool pass_lift_lines(struct ir_graph *g, const struct pass_options *o) {
    (void)o;
    if (!pass_rules_apply(g, rules, RULE_COUNT)) return false;
    pass_sweep(g);
    return true;
}
