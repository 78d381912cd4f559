/* Pass legalize. Requires SHAPES, FOLDED, CONVS, NO_BN, FUSED. Provides LEGAL. Breaks RANGES,
 * QUANTIZED, PROVEN: it makes float convolutions.
 *
 * Rewrites what can be said in other words: auto_pad and ceil_mode become plain padding, global
 * pools get their kernel, Slice and Pad become selecting convolutions (move.c), arithmetic that
 * found no convolution becomes work of the vector unit (alone.c). Then every
 * node that the device still cannot run goes to the host (place.c), by the rules of legal.c. */
#include "passes/internal.h"

#include <string.h>

static bool is_pool(const struct ir_node *n) {
    return n->op == IR_OP_maxpool || n->op == IR_OP_avgpool;
}

static bool has_auto_pad(const struct ir_node *n) {
    return (is_pool(n) || n->op == IR_OP_conv) &&
           strcmp(ir_attr_string(n, "auto_pad"), "NOTSET") != 0;
}

/* The rows or columns a ceil-mode pool reads past its padding, along dimension d. */
static int64_t overhang(const struct ir_window *w, int d) {
    int64_t reach = (w->out[d] - 1) * w->stride[d] + (w->kernel[d] - 1) * w->dilation[d] + 1;
    int64_t over = reach - w->in[d] - w->before[d] - w->after[d];
    return over > 0 ? over : 0;
}

/* Padding of an average that is counted, and an overhang that is not, cannot both be plain
 * padding. */
static bool is_plain_ceil(const struct ir_node *n, const struct ir_window *w) {
    bool counted = n->op == IR_OP_avgpool && ir_attr_int(n, "count_include_pad") != 0;
    bool padded = w->before[0] + w->before[1] + w->after[0] + w->after[1] > 0;
    return !counted || !padded || overhang(w, 0) + overhang(w, 1) == 0;
}

static bool is_implicit(const struct ir_graph *g, const struct ir_node *n) {
    struct ir_window w;
    if (n->in_count == 0 || n->in[0] == NULL || n->in[0]->rank != 4) return false;
    if (!has_auto_pad(n) && !(is_pool(n) && ir_attr_int(n, "ceil_mode") != 0)) return false;
    return ir_window_of((struct ir_graph *)g, n, &w) && is_plain_ceil(n, &w);
}

static bool make_explicit(struct ir_graph *g, struct ir_node *n) {
    struct ir_window w;
    if (!ir_window_of(g, n, &w)) return false;
    int64_t pads[] = {w.before[0], w.before[1], w.after[0], w.after[1]};
    if (is_pool(n)) {
        bool hangs = overhang(&w, 0) + overhang(&w, 1) > 0;
        pads[2] += overhang(&w, 0);
        pads[3] += overhang(&w, 1);
        if (hangs && n->op == IR_OP_avgpool) ir_attr_remove(n, "count_include_pad");
        ir_attr_remove(n, "ceil_mode");
    }
    ir_set_ints(g, n, "pads", pads, 4);
    ir_attr_remove(n, "auto_pad");
    return true;
}

static bool is_global_pool(const struct ir_graph *g, const struct ir_node *n) {
    (void)g;
    return (n->op == IR_OP_gavgpool || n->op == IR_OP_gmaxpool) && n->in[0]->rank == 4;
}

static bool give_kernel(struct ir_graph *g, struct ir_node *n) {
    n->op = n->op == IR_OP_gmaxpool ? IR_OP_maxpool : IR_OP_avgpool;
    ir_set_ints(g, n, "kernel_shape", &n->in[0]->dims[2], 2);
    return true;
}

/* What v is a view of, if that has v's shape again; else v. */
static struct ir_value *seen_through(struct ir_value *v) {
    struct ir_value *found = v;
    for (struct ir_value *x = v; x->producer != NULL && pass_is_view(x->producer->op);) {
        x = x->producer->in[0];
        if (pass_same_shape(x, v)) found = x;
    }
    return found;
}

static int returning_view(const struct ir_node *n) {
    for (int i = 0; i < n->in_count && !pass_is_view(n->op); i++)
        if (n->in[i] != NULL && seen_through(n->in[i]) != n->in[i]) return i;
    return -1;
}

/* Shapes that change and change back do not concern who reads the last of them. */
static bool reads_returning_view(const struct ir_graph *g, const struct ir_node *n) {
    (void)g;
    return returning_view(n) >= 0;
}

static bool read_through(struct ir_graph *g, struct ir_node *n) {
    int i = returning_view(n);
    struct ir_node *view = n->in[i]->producer;
    ir_set_input(g, n, i, seen_through(n->in[i]));
    while (view != NULL && pass_is_view(view->op) && ir_use_count(g, view->out[0]) == 0) {
        struct ir_node *before = view->in[0]->producer;
        ir_node_remove(g, view);
        view = before;
    }
    return true;
}

static const struct pass_rule plain_rules[] = {
    {"slice and pad", pass_is_move, pass_move_apply},
    {"implicit padding", is_implicit, make_explicit},
    {"global pool", is_global_pool, give_kernel},
    {"repeated pixels", pass_is_repeat, pass_give_repeat},
    {"view of a view", reads_returning_view, read_through},
};

#define COUNT(rules) ((int)(sizeof(rules) / sizeof(rules)[0]))

/* What is made here may take in what stood behind the node it was made of. */
static bool fuse_again(struct ir_graph *g, const struct pass_options *o) {
    return pass_fold_batchnorm(g, o) && pass_fuse(g, o);
}

bool pass_legalize(struct ir_graph *g, const struct pass_options *o) {
    pass_rearrange(g);
    return pass_rules_apply(g, plain_rules, COUNT(plain_rules)) && fuse_again(g, o) &&
           pass_alone(g) && fuse_again(g, o) && pass_fold_moves(g) && pass_place(g, o);
}
