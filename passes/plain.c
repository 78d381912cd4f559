/* Operators that say in other words what plainer ones say as well; part of pass lower-dense, as
 * what stands behind them may be a fully connected layer:
 *   - ReduceMean and ReduceMax over height and width, or over the length of a line, are global
 *     pools; pass lift-lines uses the latter,
 *   - Sum and Mean of several values are additions. */
#include "passes/internal.h"

enum { H = 2, W = 3, RANK = 4, LINE = 3 /* the rank of values over one spatial dimension */ };

static bool is_image(const struct ir_value *v) {
    return (v->rank == RANK || v->rank == LINE) && v->dims[0] == 1 && v->dtype == IR_F32 &&
           !ir_is_const(v);
}

/* ---- reductions ---- */

/* Over every dimension behind the channels, and no other. */
static bool is_over_plane(const struct ir_node *n) {
    int64_t axes[RANK];
    int count, rank = n->in[0]->rank;
    if (!pass_const_ints(ir_in(n, 1), axes, RANK, &count) || count != rank - H) return false;
    int64_t a = axes[0] < 0 ? axes[0] + rank : axes[0];
    if (count == 1) return a == H;
    int64_t b = axes[1] < 0 ? axes[1] + rank : axes[1];
    return (a == H && b == W) || (a == W && b == H);
}

bool pass_is_plane_reduction(const struct ir_graph *g, const struct ir_node *n) {
    (void)g;
    bool known = n->op == IR_OP_reducemean || n->op == IR_OP_reducemax;
    return known && is_image(n->in[0]) && is_over_plane(n);
}

bool pass_give_pool(struct ir_graph *g, struct ir_node *n) {
    enum ir_op op = n->op == IR_OP_reducemean ? IR_OP_gavgpool : IR_OP_gmaxpool;
    struct ir_value *out = n->out[0];
    if (out->rank == n->in[0]->rank) {
        ir_node_new(g, n, op, n->name, n->in, 1, &out, 1);
        ir_node_remove(g, n);
        return true;
    }
    const char *name = arena_printf(g->arena, "%s.4d", out->name);
    struct ir_value *y = pass_emit(g, n, op, n->name, name, n->in, 1);
    if (y == NULL) return false;
    name = arena_printf(g->arena, "%s.shape", out->name);
    struct ir_value *shape = pass_const_new_ints(g, name, out->dims, out->rank);
    ir_node_new(g, n, IR_OP_reshape, "", (struct ir_value *[]){y, shape}, 2, &out, 1);
    ir_node_remove(g, n);
    return true;
}

/* ---- sums ---- */

static bool is_sum(const struct ir_graph *g, const struct ir_node *n) {
    (void)g;
    if ((n->op != IR_OP_sum && n->op != IR_OP_mean) || n->in_count < 2) return false;
    return n->out[0]->dtype == IR_F32;
}

static struct ir_value *add_up(struct ir_graph *g, struct ir_node *n, int count) {
    struct ir_value *sum = n->in[0];
    for (int i = 1; sum != NULL && i < count; i++) {
        const char *name = arena_printf(g->arena, "%s.sum%d", n->out[0]->name, i);
        sum = pass_emit(g, n, IR_OP_add, n->name, name, (struct ir_value *[]){sum, n->in[i]}, 2);
    }
    return sum;
}

/* The last operator makes n's value: the last addition, or the division of a mean. */
static bool give_additions(struct ir_graph *g, struct ir_node *n) {
    bool mean = n->op == IR_OP_mean;
    int last = n->in_count - 1;
    struct ir_value *sum = add_up(g, n, mean ? last + 1 : last);
    if (sum == NULL) return false;
    struct ir_value *other = n->in[last];
    const double share = 1.0 / (last + 1);
    if (mean)
        other =
            pass_const_new(g, arena_printf(g->arena, "%s.share", n->out[0]->name), 0, NULL, &share);
    ir_node_new(g, n, mean ? IR_OP_mul : IR_OP_add, n->name, (struct ir_value *[]){sum, other}, 2,
                n->out, 1);
    ir_node_remove(g, n);
    return true;
}

static const struct pass_rule rules[] = {
    {"reduction over a plane", pass_is_plane_reduction, pass_give_pool},
    {"sum of several", is_sum, give_additions},
};
enum { RULE_COUNT = sizeof rules / sizeof rules[0] };

bool pass_plain_left(const struct ir_graph *g) {
    return pass_rules_match(g, rules, RULE_COUNT);
}

bool pass_plain(struct ir_graph *g) {
    return pass_rules_apply(g, rules, RULE_COUNT);
}
