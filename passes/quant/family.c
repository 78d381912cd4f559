/* Which tensors share one exponent and zero, and which can never be negative. Both follow from the
 * operators alone. */
#include "passes/quant/quant.h"

#include <string.h>

enum sign_rule {
    SIGN_OPEN,     /* nothing is known */
    SIGN_POSITIVE, /* never negative */
    SIGN_ALL,      /* not negative when no activation it reads is */
    SIGN_CLIP      /* as SIGN_ALL, or when its lower bound (input 1) is not negative */
};

/* Operators that keep stored integers, or tell a sign. A fused activation is looked at for every
 * operator. */
static const struct op_rule {
    enum ir_op op;
    bool keeps;
    enum sign_rule sign;
} rules[] = {
    {IR_OP_relu, false, SIGN_POSITIVE}, {IR_OP_softmax, false, SIGN_POSITIVE},
    {IR_OP_clip, false, SIGN_CLIP},     {IR_OP_add, false, SIGN_ALL},
    {IR_OP_mul, false, SIGN_ALL},       {IR_OP_avgpool, false, SIGN_ALL},
    {IR_OP_gavgpool, false, SIGN_ALL},  {IR_OP_resize, true, SIGN_ALL},
    {IR_OP_maxpool, true, SIGN_ALL},    {IR_OP_concat, true, SIGN_ALL},
    {IR_OP_reshape, true, SIGN_ALL},    {IR_OP_flatten, true, SIGN_ALL},
    {IR_OP_squeeze, true, SIGN_ALL},    {IR_OP_unsqueeze, true, SIGN_ALL},
    {IR_OP_transpose, true, SIGN_ALL},  {IR_OP_slice, true, SIGN_ALL},
    {IR_OP_interleave, true, SIGN_ALL}, {IR_OP_identity, true, SIGN_ALL},
    {IR_OP_dropout, true, SIGN_ALL},    {IR_OP_prelu, false, SIGN_ALL},
};

static const struct op_rule *rule_of(enum ir_op op) {
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].op == op) return &rules[i];
    return NULL;
}

static bool is_select(const struct ir_node *n) {
    return n->op == IR_OP_conv && ir_attr_int(n, "select") == 1;
}

bool quant_is_activation(const struct ir_value *v) {
    return v && !ir_is_const(v) && v->dtype == IR_F32;
}

static bool keeps_scale(const struct ir_node *n) {
    const struct op_rule *r = rule_of(n->op);
    return !ir_is_host(n) && (is_select(n) || (r && r->keeps));
}

int quant_family(const struct quant_families *f, const struct ir_value *v) {
    int id = v->id;
    while (f->parent[id] != id) id = f->parent[id];
    return id;
}

static void join(struct quant_families *f, const struct ir_value *a, const struct ir_value *b) {
    int i = quant_family(f, a), k = quant_family(f, b), next = f->next[i];
    if (i == k) return;
    f->next[i] = f->next[k]; /* two rings become one */
    f->next[k] = next;
    if (i < k)
        f->parent[k] = i;
    else
        f->parent[i] = k;
}

static bool lower_bound_positive(const struct ir_value *bound) {
    float lo;
    if (!bound || !ir_is_const(bound) || bound->dtype != IR_F32) return false;
    memcpy(&lo, bound->data, sizeof lo);
    return lo >= 0;
}

static bool act_positive(const struct ir_node *n) {
    const char *act = ir_attr_string(n, "act"); /* NULL: an operator without */
    if (!act) return false;
    if (!strcmp(act, "relu")) return true;
    return !strcmp(act, "clip") && ir_attr_float(n, "act_min") >= 0;
}

/* sign[] by value id; the inputs' entries are known because nodes come in topological order. */
static bool all_positive(const struct ir_node *n, const bool *sign) {
    bool first_only = n->op != IR_OP_add && n->op != IR_OP_mul && n->op != IR_OP_concat &&
                      n->op != IR_OP_interleave;
    for (int i = 0; i < (first_only ? 1 : n->in_count); i++)
        if (!quant_is_activation(n->in[i]) || !sign[n->in[i]->id]) return false;
    return true;
}

static bool is_unsigned(enum ir_dtype t) {
    return t == IR_U8 || t == IR_U16 || t == IR_U32 || t == IR_U64 || t == IR_BOOL;
}

static bool output_positive(const struct ir_node *n, const bool *sign) {
    const struct op_rule *r = rule_of(n->op);
    enum sign_rule rule = is_select(n) ? SIGN_ALL : r ? r->sign : SIGN_OPEN;
    if (act_positive(n) || ir_function_nonneg(n->op) || rule == SIGN_POSITIVE) return true;
    if (n->op == IR_OP_cast && is_unsigned(n->in[0]->dtype)) return true;
    if (rule == SIGN_CLIP && n->in_count > 1 && lower_bound_positive(n->in[1])) return true;
    return rule != SIGN_OPEN && all_positive(n, sign);
}

/* Both have a quant, and not the same. */
static bool differs(const struct ir_quant a, const struct ir_quant b) {
    return a.bits != 0 && b.bits != 0 && (a.exp != b.exp || a.zero != b.zero);
}

static bool is_joined(const struct ir_node *n, const struct ir_value *in, const bool *apart) {
    if (!quant_is_activation(in)) return false;
    if (n->op != IR_OP_concat) return true;
    return !(apart && apart[in->id]) && !differs(in->quant, n->out[0]->quant);
}

static void join_node(struct quant_families *f, const struct ir_node *n, const bool *apart) {
    for (int i = 0; i < n->out_count; i++) {
        if (!quant_is_activation(n->out[i])) continue;
        if (!keeps_scale(n)) {
            f->source[n->out[i]->id] = true;
            continue;
        }
        for (int k = 0; k < n->in_count; k++)
            if (is_joined(n, n->in[k], apart)) join(f, n->in[k], n->out[i]);
    }
}

static void mark_device(struct quant_families *f, const struct ir_node *n) {
    f->device[quant_family(f, n->out[0])] = true;
    for (int i = 0; i < n->in_count; i++)
        if (quant_is_activation(n->in[i])) f->device[quant_family(f, n->in[i])] = true;
}

struct quant_families *quant_families_new(struct ir_graph *g, struct arena *a, bool input_nonneg,
                                          const bool *apart) {
    size_t count = (size_t)g->value_count;
    struct quant_families *f = arena_alloc(a, sizeof *f);
    bool *sign = arena_array(a, count, sizeof *sign);
    f->graph = g;
    f->parent = arena_array(a, count, sizeof *f->parent);
    f->nonneg = arena_array(a, count, sizeof *f->nonneg);
    f->source = arena_array(a, count, sizeof *f->source);
    f->next = arena_array(a, count, sizeof *f->next);
    for (size_t i = 0; i < count; i++) f->parent[i] = f->next[i] = (int)i;
    for (int i = 0; i < g->input_count; i++) {
        const struct ir_range *r = &g->inputs[i]->range; /* what is below is clipped */
        sign[g->inputs[i]->id] = input_nonneg || (r->lo >= 0 && r->lo < r->hi);
        f->source[g->inputs[i]->id] = true;
    }
    f->device = arena_array(a, count, sizeof *f->device);
    for (const struct ir_node *n = g->first; n; n = n->next) {
        bool positive = output_positive(n, sign);
        for (int i = 0; i < n->out_count; i++)
            if (n->out[i]) sign[n->out[i]->id] = positive;
        join_node(f, n, apart);
    }
    for (const struct ir_node *n = g->first; n; n = n->next)
        if (quant_convertible(n)) mark_device(f, n);
    memset(f->nonneg, 1, count * sizeof *f->nonneg);
    for (size_t i = 0; i < count; i++)
        if (g->values[i]) f->nonneg[quant_family(f, g->values[i])] &= sign[i];
    return f;
}

bool quant_family_raise(const struct quant_families *f, const struct ir_value *v, int exp) {
    int id = v->id;
    if (v->quant.exp >= exp) return false;
    do {
        struct ir_value *m = f->graph->values[id];
        if (quant_is_activation(m)) m->quant.exp = exp;
        id = f->next[id];
    } while (id != v->id);
    return true;
}

bool quant_all_ranged(struct ir_graph *g, struct arena *a) {
    const struct quant_families *f = quant_families_new(g, a, false, NULL);
    bool *ranged = arena_array(a, (size_t)g->value_count, sizeof *ranged);
    for (int i = 0; i < g->value_count; i++)
        if (g->values[i] && g->values[i]->range.lo < g->values[i]->range.hi)
            ranged[quant_family(f, g->values[i])] = true;
    for (int i = 0; i < g->value_count; i++)
        if (quant_is_activation(g->values[i]) && !ranged[quant_family(f, g->values[i])])
            return false;
    return true;
}
