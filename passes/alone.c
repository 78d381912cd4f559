/* Part of pass legalize: arithmetic that found no convolution to go into, in the words of the
 * vector unit. A batch norm or a constant per channel becomes an affine, two of them in a row one;
 * a difference of activations becomes a sum. */
#include "passes/internal.h"

static bool is_image(const struct ir_value *v) {
    return v->rank == 4 && v->dims[0] == 1 && v->dtype == IR_F32 && !ir_is_const(v);
}

/* ---- batch norm, constant per channel ---- */

static bool is_alone(const struct ir_graph *g, const struct ir_node *n) {
    struct arena *scratch = arena_new(g->ctx);
    struct pass_affine affine;
    int index;
    bool found = pass_affine_of(scratch, n, &index, &affine) && is_image(n->in[index]);
    arena_free(scratch);
    return found;
}

/* y = x·factor + shift in the place of n and with its output. */
static struct ir_node *put_affine(struct ir_graph *g, struct ir_node *n, struct ir_value *x,
                                  const double *factor, const double *shift) {
    int64_t channels = x->dims[1];
    const char *name = n->out[0]->name;
    struct ir_value *in[] = {
        x, pass_const_new(g, arena_printf(g->arena, "%s.factor", name), 1, &channels, factor),
        pass_const_new(g, arena_printf(g->arena, "%s.shift", name), 1, &channels, shift)};
    struct ir_node *y = ir_node_new(g, n, IR_OP_affine, n->name, in, 3, n->out, 1);
    pass_act_set(g, y, pass_act_get(n));
    ir_node_remove(g, n);
    return y;
}

static const double *or_all(struct arena *a, const double *given, int64_t n, double value) {
    if (given != NULL) return given;
    double *to = arena_array(a, (size_t)n, sizeof *to);
    for (int64_t i = 0; i < n; i++) to[i] = value;
    return to;
}

static bool give_affine(struct ir_graph *g, struct ir_node *n) {
    struct arena *scratch = arena_new(g->ctx);
    struct pass_affine affine;
    int index;
    pass_affine_of(scratch, n, &index, &affine);
    int64_t channels = n->in[index]->dims[1];
    put_affine(g, n, n->in[index], or_all(scratch, affine.factor, channels, 1),
               or_all(scratch, affine.shift, channels, 0));
    arena_free(scratch);
    return true;
}

/* ---- one behind another ---- */

static struct ir_node *affine_before(const struct ir_graph *g, const struct ir_node *n) {
    struct ir_node *first = n->in[0]->producer;
    if (first == NULL || first->op != IR_OP_affine || ir_is_host(first)) return NULL;
    return ir_single_user(g, first->out[0]) == n && ir_attr_find(first, "act") == NULL ? first
                                                                                       : NULL;
}

static bool is_second(const struct ir_graph *g, const struct ir_node *n) {
    return n->op == IR_OP_affine && !ir_is_host(n) && affine_before(g, n) != NULL;
}

static bool merge_affines(struct ir_graph *g, struct ir_node *n) {
    struct arena *scratch = arena_new(g->ctx);
    struct ir_node *first = affine_before(g, n);
    int64_t channels = n->in[0]->dims[1];
    double *factor = pass_const_copy(scratch, first->in[1]);
    double *shift = pass_const_copy(scratch, first->in[2]);
    for (int64_t c = 0; c < channels; c++) {
        double f = pass_const_at(n->in[1], c);
        factor[c] *= f;
        shift[c] = shift[c] * f + pass_const_at(n->in[2], c);
    }
    put_affine(g, n, first->in[0], factor, shift);
    ir_node_remove(g, first);
    arena_free(scratch);
    return true;
}

/* ---- a difference ---- */

static bool is_difference(const struct ir_graph *g, const struct ir_node *n) {
    (void)g;
    return n->op == IR_OP_sub && is_image(n->in[0]) && is_image(n->in[1]);
}

/* a − b = a + (−1)·b */
static bool give_sum(struct ir_graph *g, struct ir_node *n) {
    struct ir_value *b = n->in[1];
    struct arena *scratch = arena_new(g->ctx);
    const char *name = arena_printf(scratch, "%s.minus", n->out[0]->name);
    struct ir_value *minus = pass_value_like(g, b, name);
    struct ir_node *copy = ir_node_new(g, n, IR_OP_identity, n->name, &b, 1, &minus, 1);
    put_affine(g, copy, b, or_all(scratch, NULL, b->dims[1], -1),
               or_all(scratch, NULL, b->dims[1], 0));
    ir_set_input(g, n, 1, minus);
    n->op = IR_OP_add;
    arena_free(scratch);
    return true;
}

static const struct pass_rule rules[] = {
    {"constant alone", is_alone, give_affine},
    {"affine behind affine", is_second, merge_affines},
    {"difference", is_difference, give_sum},
};

bool pass_alone(struct ir_graph *g) {
    return pass_rules_apply(g, rules, (int)(sizeof rules / sizeof *rules));
}
