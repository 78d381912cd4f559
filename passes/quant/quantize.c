/* Quantization: the calibrated float network becomes integers (docs/numbers.md), with a quantize
 * node where floats come in and a dequantize node where they are wanted again. At such a border the
 * float value keeps its name and the integers are called NAME.q.
 */
#include "passes/internal.h"
#include "passes/quant/diag.h"
#include "passes/quant/quant.h"

#include <limits.h>

bool quant_check_act_bits(struct ctx *c, const struct pass_options *o) {
    const struct svpe_target *t = o->target;
    if ((o->act_bits == 8 && t->act8) || (o->act_bits == 16 && t->act16)) return true;
    const char *offers = t->act8 && t->act16 ? "8 and 16" : t->act8 ? "8" : "16";
    diag(c, quant_act_bits, NULL, o->act_bits, t->name, offers);
    return false;
}

static bool check_weight_bits(struct ctx *c, struct arena *a, const struct pass_options *o) {
    const struct svpe_target *t = o->target;
    int most = (int)t->weight_bits, bits = o->weight_bits;
    bool linear = t->element == SVPE_ELEMENT_MULTIPLY;
    if (bits <= most && (linear ? bits == 8 || bits == 16 : bits >= 1 && bits <= 5)) return true;
    const char *takes =
        linear ? most < 16 ? "8" : "8 or 16" : arena_printf(a, "1…%d", most < 5 ? most : 5);
    diag(c, quant_weight_bits, NULL, bits, t->name, takes);
    return false;
}

static bool check_terms(struct ctx *c, const struct pass_options *o) {
    if (o->terms != 2 || o->target->element == SVPE_ELEMENT_SHIFT) return true;
    diag(c, quant_terms, NULL, o->terms, o->target->name);
    return false;
}

/* ---- ranges as they come in: from calibration, or from text somebody wrote ---- */

static bool check_range(struct ir_graph *g, const struct ir_node *n, const struct ir_value *v,
                        int bits) {
    int low = -(1 << (bits - 1));
    if (!quant_is_activation(v)) return true;
    if (!v->quant.bits)
        diag(g->ctx, quant_no_range, ir_node_where(g->arena, n), v->name);
    else if (v->quant.bits != bits)
        diag(g->ctx, quant_range_bits, ir_node_where(g->arena, n), v->name, v->quant.bits, bits);
    else if (v->quant.zero != 0 && v->quant.zero != low)
        diag(g->ctx, quant_range_zero, ir_node_where(g->arena, n), v->name, v->quant.zero, low);
    else
        return true;
    return false;
}

static bool check_node_ranges(struct ir_graph *g, const struct ir_node *n, int bits) {
    bool good = check_range(g, n, n->out[0], bits);
    for (int i = 0; i < n->in_count; i++) good &= check_range(g, n, n->in[i], bits);
    return good;
}

static bool check_ranges(struct ir_graph *g, int bits) {
    bool good = true;
    for (const struct ir_node *n = g->first; n; n = n->next)
        if (quant_convertible(n)) good &= check_node_ranges(g, n, bits);
    return good;
}

/* Members of a family get its largest exponent; their zeros must be one already. */
static bool unite_families(const struct quant_families *f, struct arena *a) {
    int *most = arena_array(a, (size_t)f->graph->value_count, sizeof *most); /* by root */
    for (int i = 0; i < f->graph->value_count; i++) most[i] = INT_MIN;
    for (int i = 0; i < f->graph->value_count; i++) {
        const struct ir_value *v = f->graph->values[i];
        if (!quant_is_activation(v) || !v->quant.bits) continue;
        const struct ir_value *root = f->graph->values[quant_family(f, v)];
        int *exp = &most[quant_family(f, v)];
        *exp = v->quant.exp > *exp ? v->quant.exp : *exp;
        if (!root->quant.bits || root->quant.zero == v->quant.zero) continue;
        diag(f->graph->ctx, quant_family_zero,
             v->producer ? ir_node_where(a, v->producer) : f->graph->file, root->name, v->name,
             root->quant.zero, v->quant.zero);
        return false;
    }
    for (int i = 0; i < f->graph->value_count; i++) {
        struct ir_value *v = f->graph->values[i];
        if (!quant_is_activation(v)) continue;
        int exp = most[quant_family(f, v)];
        v->quant.exp = v->quant.exp > exp ? v->quant.exp : exp;
    }
    return true;
}

/* ---- borders between floats and integers ---- */

struct worklist { /* nodes to convert, and by value id whether one of them makes it */
    struct ir_node **nodes;
    int count;
    bool *made;
    int values; /* that had an id then */
};

static struct worklist worklist_of(struct ir_graph *g, struct arena *a) {
    struct worklist w = {.values = g->value_count};
    for (const struct ir_node *n = g->first; n; n = n->next) w.count += quant_convertible(n);
    w.nodes = arena_array(a, (size_t)w.count, sizeof(struct ir_node *));
    w.made = arena_array(a, (size_t)g->value_count, sizeof *w.made);
    int at = 0;
    for (struct ir_node *n = g->first; n; n = n->next) {
        if (!quant_convertible(n)) continue;
        w.nodes[at++] = n;
        w.made[n->out[0]->id] = true;
    }
    return w;
}

static bool converts(const struct worklist *w, const struct ir_node *n) {
    if (ir_op_info(n->op)->level == IR_LEVEL_QUANT) return true; /* came in by a conversion */
    return n->out_count > 0 && n->out[0] && n->out[0]->id < w->values && w->made[n->out[0]->id];
}

static const char *integer_name(struct ir_graph *g, const struct ir_value *v) {
    return ir_unique_name(g, arena_printf(g->arena, "%s.q", v->name));
}

/* Integers of a float value, for every convertible node that reads it; the first of them is
 * `before`. */
static void enter(struct ir_graph *g, const struct worklist *w, struct ir_node *before,
                  struct ir_value *v) {
    struct ir_value *q =
        ir_value_new(g, integer_name(g, v), quant_dtype(v->quant.bits), v->rank, v->dims);
    q->quant = v->quant;
    for (struct ir_use *u = v->uses, *next; u; u = next) {
        next = u->next;
        if (converts(w, u->node)) ir_set_input(g, u->node, u->index, q);
    }
    ir_node_new(g, before, IR_OP_quantize, q->name, &v, 1, &q, 1);
}

static void enter_all(struct ir_graph *g, const struct worklist *w) {
    for (int k = 0; k < w->count; k++)
        for (int i = 0; i < w->nodes[k]->in_count; i++) {
            struct ir_value *v = w->nodes[k]->in[i];
            if (quant_is_activation(v) && v->id < w->values && !w->made[v->id])
                enter(g, w, w->nodes[k], v);
        }
}

static bool wanted_as_float(const struct worklist *w, const struct ir_value *v) {
    for (const struct ir_use *u = v->uses; u; u = u->next)
        if (!converts(w, u->node)) return true;
    return v->output_count > 0;
}

/* Floats of an integer value, for every other reader. */
static void leave(struct ir_graph *g, const struct worklist *w, struct ir_value *v) {
    const char *name = v->name;
    ir_value_rename(g, v, integer_name(g, v));
    struct ir_value *f = ir_value_new(g, name, IR_F32, v->rank, v->dims);
    for (struct ir_use *u = v->uses, *next; u; u = next) {
        next = u->next;
        if (!converts(w, u->node)) ir_set_input(g, u->node, u->index, f);
    }
    for (int i = 0; i < g->output_count && v->output_count > 0; i++)
        if (g->outputs[i] == v) ir_set_output(g, i, f);
    f->quant = v->quant;
    ir_node_new(g, v->producer->next, IR_OP_dequantize, name, &v, 1, &f, 1);
}

static void drop_constants(struct ir_graph *g, const struct worklist *w) {
    for (int k = 0; k < w->count; k++)
        for (int i = 1; i < w->nodes[k]->in_count; i++) {
            struct ir_value *v = w->nodes[k]->in[i];
            if (!v || !ir_is_const(v) || g->values[v->id] != v || ir_use_count(g, v)) continue;
            ir_value_remove(g, v);
            pass_data_drop(g, v->data, (size_t)ir_elements(v) * ir_dtype_size(v->dtype));
        }
}

static void convert_all(struct ir_graph *g, struct quant_plan *p, const struct worklist *w) {
    enter_all(g, w);
    for (int k = 0; k < w->count; k++) quant_convert(g, p, w->nodes[k]);
    for (int k = 0; k < w->count; k++)
        if (wanted_as_float(w, w->nodes[k]->out[0])) leave(g, w, w->nodes[k]->out[0]);
    drop_constants(g, w);
}

static bool quantize(struct ir_graph *g, struct arena *a, const struct pass_options *o) {
    if (!quant_check_act_bits(g->ctx, o) || !check_weight_bits(g->ctx, a, o) ||
        !check_terms(g->ctx, o))
        return false;
    if (!check_ranges(g, o->act_bits)) return false;
    struct quant_families *f = quant_families_new(g, a, false, NULL);
    struct quant_plan *p = quant_plan_new(g, a, o);
    if (!p || !unite_families(f, a) || !quant_settle(f, p)) return false;
    quant_say_lost(g, p);
    struct worklist w = worklist_of(g, a);
    convert_all(g, p, &w);
    quant_plan_finish(p);
    return true;
}

bool pass_quantize(struct ir_graph *g, const struct pass_options *o) {
    struct arena *a = arena_new(g->ctx);
    bool good = quantize(g, a, o);
    arena_free(a);
    return good;
}
