/* Part of pass legalize: convolutions that only choose channels (1×1, select=1) go into the
 * convolutions beside them.
 *
 * Behind a convolution: each of several choices becomes that convolution with the filters it
 * chooses (a split, a pixel shuffle). In front of one: its weights for the channels chosen move to
 * where those come from (a channel shuffle). Both where the array takes no more steps for it, which
 * count whole blocks of channels. A function of one element between a convolution and choices moves
 * behind them. */
#include "passes/internal.h"

#include <string.h>

static bool is_plain(const struct ir_node *n) {
    int count;
    const int64_t *pads = ir_attr_ints(n, "pads", &count);
    for (int i = 0; i < count; i++)
        if (pads[i] != 0) return false;
    const int64_t *strides = ir_attr_ints(n, "strides", &count);
    for (int i = 0; i < count; i++)
        if (strides[i] != 1) return false;
    return strcmp(ir_attr_string(n, "auto_pad"), "NOTSET") == 0;
}

static bool is_dense(const struct ir_node *n) {
    return n != NULL && n->op == IR_OP_conv && n->in[0]->rank == 4 &&
           ir_attr_int(n, "group") == 1 && ir_is_const(n->in[1]) && n->in[1]->dtype == IR_F32 &&
           (ir_in(n, 2) == NULL || ir_is_const(n->in[2])) && ir_attr_find(n, "host") == NULL;
}

static bool is_choice(const struct ir_node *n) {
    return is_dense(n) && ir_attr_int(n, "select") == 1 && ir_in(n, 2) == NULL &&
           n->in[1]->dims[2] == 1 && n->in[1]->dims[3] == 1 && is_plain(n);
}

/* The channel that output channel o is; −1: none, it is zero. */
static int64_t chosen(const struct ir_node *choice, int64_t o) {
    const struct ir_value *w = choice->in[1];
    const float *row = (const float *)w->data + o * w->dims[1];
    for (int64_t c = 0; c < w->dims[1]; c++)
        if (row[c] != 0) return c;
    return -1;
}

static bool chooses_zero(const struct ir_node *choice) {
    for (int64_t o = 0; o < choice->in[1]->dims[0]; o++)
        if (chosen(choice, o) < 0) return true;
    return false;
}

/* Steps of the array per pixel, by the most common size of its blocks. */
static int64_t steps_of(const struct ir_value *weights) {
    const int64_t *d = weights->dims, block = 16;
    return (d[0] + block - 1) / block * ((d[1] + block - 1) / block) * d[2] * d[3];
}

static int64_t steps_with(const struct ir_value *weights, int64_t outs, int64_t ins) {
    struct ir_value other = *weights;
    other.dims[0] = outs;
    other.dims[1] = ins;
    return steps_of(&other);
}

/* Every reader of v is a choice, and the array gains when each is a convolution like `conv`, which
 * made v before some function. */
static bool is_chosen_from(const struct ir_value *v, const struct ir_node *conv) {
    int64_t now = steps_of(conv->in[1]), then = 0;
    for (const struct ir_use *u = v->uses; u != NULL; u = u->next) {
        if (!is_choice(u->node) || u->index != 0 || chooses_zero(u->node)) return false;
        now += steps_of(u->node->in[1]);
        then += steps_with(conv->in[1], u->node->in[1]->dims[0], conv->in[1]->dims[1]);
    }
    return v->output_count == 0 && v->uses != NULL && then <= now;
}

/* ---- Into the convolution before ------------------------------------------------------------- */

static bool is_behind_conv(const struct ir_graph *g, const struct ir_node *n) {
    (void)g;
    return is_choice(n) && is_dense(n->in[0]->producer) &&
           is_chosen_from(n->in[0], n->in[0]->producer);
}

/* Rows of a constant, one per output channel of the choice. */
static struct ir_value *rows_of(struct ir_graph *g, const struct ir_value *v,
                                const struct ir_node *choice) {
    int64_t dims[IR_MAX_RANK], count = choice->in[1]->dims[0], each = ir_elements(v) / v->dims[0];
    struct arena *scratch = arena_new(g->ctx);
    double *to = arena_array(scratch, (size_t)(count * each), sizeof *to);
    for (int64_t o = 0; o < count; o++)
        for (int64_t i = 0; i < each; i++)
            to[o * each + i] = pass_const_at(v, chosen(choice, o) * each + i);
    for (int i = 0; i < v->rank; i++) dims[i] = i == 0 ? count : v->dims[i];
    struct ir_value *rows = pass_const_new(g, v->name, v->rank, dims, to);
    arena_free(scratch);
    return rows;
}

static void copy_attrs(struct ir_graph *g, struct ir_node *to, const struct ir_node *from) {
    to->attrs = arena_copy(g->arena, from->attrs, (size_t)from->attr_count * sizeof *from->attrs);
    to->attr_count = from->attr_count;
}

static bool choose_filters(struct ir_graph *g, struct ir_node *n) {
    struct ir_node *conv = n->in[0]->producer;
    const struct ir_value *bias = ir_in(conv, 2);
    struct ir_value *in[] = {conv->in[0], rows_of(g, conv->in[1], n),
                             bias != NULL ? rows_of(g, bias, n) : NULL};
    struct pass_clamp clamp = pass_clamp_then(pass_act_get(conv), pass_act_get(n));
    struct ir_value *y = pass_value_like(g, n->out[0], n->out[0]->name);
    struct ir_node *part =
        ir_node_new(g, n, IR_OP_conv, conv->name, in, bias != NULL ? 3 : 2, &y, 1);
    copy_attrs(g, part, conv);
    pass_act_set(g, part, clamp);
    pass_take_output(g, part, n);
    return true;
}

/* ---- Behind a function ----------------------------------------------------------------------- */

/* The convolution is read by the function, and by choices that have stood behind it already. */
static bool is_made_for(const struct ir_value *x, const struct ir_node *f) {
    for (const struct ir_use *u = x->uses; u != NULL; u = u->next)
        if (u->node != f && !is_choice(u->node)) return false;
    return x->output_count == 0;
}

static bool is_behind_function(const struct ir_graph *g, const struct ir_node *n) {
    (void)g;
    if (!is_choice(n) || strcmp(ir_attr_string(n, "act"), "none") != 0) return false;
    const struct ir_node *f = n->in[0]->producer;
    if (f == NULL || !ir_is_function(f->op) || ir_attr_find(f, "host") != NULL) return false;
    const struct ir_node *conv = f->in[0]->producer;
    return is_dense(conv) && is_made_for(f->in[0], f) && is_chosen_from(n->in[0], conv);
}

static bool choose_before_function(struct ir_graph *g, struct ir_node *n) {
    struct ir_node *f = n->in[0]->producer;
    struct ir_value *x = n->out[0];
    const char *name = x->name;
    ir_value_rename(g, x, ir_unique_name(g, arena_printf(g->arena, "%s.in", name)));
    struct ir_value *y = pass_value_like(g, x, name);
    struct ir_node *copy = ir_node_new(g, n->next, f->op, f->name, n->out, 1, &y, 1);
    copy_attrs(g, copy, f);
    for (struct ir_use *u = x->uses, *next; u != NULL; u = next) {
        next = u->next;
        if (u->node != copy) ir_set_input(g, u->node, u->index, y);
    }
    for (int i = 0; i < g->output_count; i++)
        if (g->outputs[i] == x) ir_set_output(g, i, y);
    ir_set_input(g, n, 0, f->in[0]);
    if (f->out[0]->use_count == 0) ir_node_remove(g, f);
    return true;
}

/* ---- Into the convolution behind ------------------------------------------------------------- */

/* Steps when everybody reads what the choice reads, against those now. */
static bool is_worth_reading_whole(const struct ir_value *v, const struct ir_node *choice) {
    int64_t now = steps_of(choice->in[1]), then = 0, ins = choice->in[1]->dims[1];
    for (const struct ir_use *u = v->uses; u != NULL; u = u->next) {
        const struct ir_value *w = u->node->in[1];
        if (!is_dense(u->node) || u->index != 0) return false;
        now += steps_of(w);
        then += steps_with(w, w->dims[0], ins);
    }
    return v->output_count == 0 && v->uses != NULL && then <= now;
}

static bool is_before_conv(const struct ir_graph *g, const struct ir_node *n) {
    (void)g;
    if (!is_dense(n) || n->in[0]->producer == NULL || !is_choice(n->in[0]->producer)) return false;
    const struct ir_node *choice = n->in[0]->producer;
    return strcmp(ir_attr_string(choice, "act"), "none") == 0 && ir_attr_int(n, "select") == 0 &&
           is_worth_reading_whole(n->in[0], choice);
}

static bool read_whole(struct ir_graph *g, struct ir_node *n) {
    const struct ir_node *choice = n->in[0]->producer;
    const struct ir_value *w = n->in[1];
    int64_t ins = choice->in[1]->dims[1], plane = w->dims[2] * w->dims[3];
    int64_t dims[] = {w->dims[0], ins, w->dims[2], w->dims[3]};
    struct arena *scratch = arena_new(g->ctx);
    double *to = arena_array(scratch, (size_t)(dims[0] * ins * plane), sizeof *to);
    for (int64_t c = 0; c < w->dims[1]; c++) {
        int64_t from = chosen(choice, c);
        for (int64_t o = 0; o < dims[0] && from >= 0; o++)
            for (int64_t i = 0; i < plane; i++)
                to[(o * ins + from) * plane + i] +=
                    pass_const_at(w, (o * w->dims[1] + c) * plane + i);
    }
    ir_set_input(g, n, 1, pass_const_new(g, w->name, 4, dims, to));
    ir_set_input(g, n, 0, choice->in[0]);
    arena_free(scratch);
    return true;
}

static const struct pass_rule rules[] = {
    {"choice behind a function", is_behind_function, choose_before_function},
    {"choice behind a convolution", is_behind_conv, choose_filters},
    {"choice before a convolution", is_before_conv, read_whole},
};

bool pass_fold_moves(struct ir_graph *g) {
    if (!pass_rules_apply(g, rules, (int)(sizeof rules / sizeof rules[0]))) return false;
    pass_sweep(g);
    return true;
}
