/* Operators that are none of ours: what each is, why it is refused, and which values to cut the
 * model at, so that the rest can be compiled. */
#include "frontend/import.h"

#include <onnx/onnx.pb-c.h>

#include "frontend/diag.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *op, *why;
} reasons[] = {
#define FE_REFUSED(op, why) {op, why},
#include "frontend/import.def"
};
enum { REASONS = sizeof reasons / sizeof *reasons, CUT_MAX = 16 };

static const char *op_type(const Onnx__NodeProto *p) {
    return p->op_type ? p->op_type : "";
}

static const char *reason_of(const Onnx__NodeProto *p) {
    for (int i = 0; i < REASONS; i++)
        if (!strcmp(reasons[i].op, op_type(p)) && (!p->domain || !p->domain[0]))
            return reasons[i].why;
    return NULL;
}

/* One of ours in other letter case. A name that is only near may be that of another operator, which
 * computes something else. */
static const char *respelled(const char *op) {
    for (int i = 0; i < IR_OP_COUNT; i++)
        if (*op && !strcasecmp(ir_op_info((enum ir_op)i)->onnx, op))
            return ir_op_info((enum ir_op)i)->onnx;
    return NULL;
}

/* Each operator is named for its first nodes, then counted: a network has hundreds of some. */
void fe_refuse(struct fe_state *s, const Onnx__NodeProto *p, const char *where) {
    if (fe_names_add(&s->unknown_ops, op_type(p))->uses++ >= FE_SAY_EACH) return;
    const char *why = reason_of(p), *near = respelled(op_type(p));
    const char *domain = p->domain ? p->domain : "";
    if (why)
        diag(s->c, fe_refused, where, op_type(p), why);
    else if (near && strcmp(near, op_type(p)) != 0)
        diag(s->c, fe_unknown_op_near, where, op_type(p), domain, (long long)s->opset, near);
    else
        diag(s->c, fe_unknown_op, where, op_type(p), domain, (long long)s->opset);
}

/* --- The way out --- */

/* What a node has to do with the refused ones and with the network's work. */
struct place {
    bool refused;
    bool behind; /* it, or something it depends on, is refused and has to go from the end */
    bool before; /* the same from the start: a refused one there depends on it, or it is one */
    bool data;   /* depends on a network input, and not only on its shape */
    int heavy;   /* convolutions and the like that it depends on, one path each; saturates */
};

struct way {
    struct fe_state *s;
    const size_t *order;
    size_t count;
    struct place *of; /* by node */
};

static bool is_heavy(const Onnx__NodeProto *p) {
    static const char *const names[] = {"Conv", "ConvTranspose", "Gemm", "QLinearConv"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(op_type(p), names[i])) return true;
    return false;
}

static bool is_shape(const Onnx__NodeProto *p) {
    return !strcmp(op_type(p), "Shape") || !strcmp(op_type(p), "Size");
}

static const struct place *maker_of(const struct way *w, const char *name) {
    const struct fe_entry *e = name[0] ? fe_names_find(&w->s->names, name) : NULL;
    return e && e->node >= 0 && !e->cut ? &w->of[e->node] : NULL;
}

static bool is_data(const struct way *w, const char *name) {
    const struct fe_entry *e = name[0] ? fe_names_find(&w->s->names, name) : NULL;
    if (!e) return false;
    return e->node >= 0 && !e->cut ? w->of[e->node].data : e->maker == fe_input || e->cut;
}

/* Nodes in order: what each depends on. */
static void look_back(struct way *w, size_t index) {
    const struct fe_item *n = &w->s->nodes[index];
    struct place *at = &w->of[index];
    at->refused = n->call || fe_find_op(n) == IR_OP_COUNT;
    for (size_t i = 0; i < n->proto->n_input; i++) {
        const struct place *from = maker_of(w, n->proto->input[i]);
        at->data |= is_data(w, n->proto->input[i]);
        if (from && from->heavy > at->heavy) at->heavy = from->heavy;
    }
    if (is_shape(n->proto)) at->data = false;
    if (is_heavy(n->proto)) at->heavy++;
}

/* Refused ones that no convolution lies before are preprocessing: they go from the start, if one
 * lies behind at all. */
static void choose_ends(struct way *w) {
    int most = 0;
    for (size_t i = 0; i < w->count; i++)
        if (w->of[w->order[i]].heavy > most) most = w->of[w->order[i]].heavy;
    for (size_t i = w->count; i-- > 0;) {
        struct place *at = &w->of[w->order[i]];
        const Onnx__NodeProto *p = w->s->nodes[w->order[i]].proto;
        if (at->refused && most && !at->heavy && at->data) at->before = true;
        for (size_t k = 0; at->before && k < p->n_input; k++) {
            const struct place *from = maker_of(w, p->input[k]);
            if (from) w->of[from - w->of].before = true;
        }
    }
    for (size_t i = 0; i < w->count; i++) {
        struct place *at = &w->of[w->order[i]];
        const Onnx__NodeProto *p = w->s->nodes[w->order[i]].proto;
        at->behind = at->refused && !at->before;
        for (size_t k = 0; k < p->n_input; k++) {
            const struct place *from = maker_of(w, p->input[k]);
            at->behind |= from && from->behind;
        }
    }
}

/* Names for one of the options; each once. */
struct list {
    struct writer text;
    struct fe_names seen;
    int count;
};

static void add_name(struct list *l, const char *name) {
    if (fe_names_add(&l->seen, name)->uses++) return;
    if (l->count++ < CUT_MAX) write_text(&l->text, "%s%s", l->count > 1 ? "," : "", name);
}

static bool good_place(const struct way *w, const char *name) {
    const struct place *from = maker_of(w, name);
    return from && !from->behind && !from->before && from->data;
}

/* Values of the part that stays which the parts of an If or a Loop read; how many. */
static int cut_parts(const struct way *w, const Onnx__NodeProto *p, struct list *l) {
    int found = 0;
    for (size_t i = 0; i < p->n_attribute; i++) {
        const Onnx__GraphProto *g = p->attribute[i]->g;
        for (size_t k = 0; g && k < g->n_node; k++)
            for (size_t n = 0; n < g->node[k]->n_input; n++)
                if (good_place(w, g->node[k]->input[n])) {
                    add_name(l, g->node[k]->input[n]);
                    found++;
                }
    }
    return found;
}

/* Values of the part that stays which what goes reads, or which are outputs already. The condition
 * of an If is none that anybody wants. */
static void cut_end(const struct way *w, struct list *l) {
    for (size_t i = 0; i < w->count; i++) {
        const Onnx__NodeProto *p = w->s->nodes[w->order[i]].proto;
        if (!w->of[w->order[i]].behind) continue;
        if (cut_parts(w, p, l) && !strcmp(op_type(p), "If")) continue;
        for (size_t k = 0; k < p->n_input; k++)
            if (good_place(w, p->input[k])) add_name(l, p->input[k]);
    }
    for (size_t i = 0; i < w->s->output_count && l->count; i++)
        if (good_place(w, w->s->outputs[i])) add_name(l, w->s->outputs[i]);
}

/* Values that what goes from the start makes for the part that stays. */
static void cut_start(const struct way *w, struct list *l) {
    for (size_t i = 0; i < w->count; i++) {
        const struct place *at = &w->of[w->order[i]];
        const Onnx__NodeProto *p = w->s->nodes[w->order[i]].proto;
        for (size_t k = 0; !at->before && !at->behind && k < p->n_input; k++) {
            const struct place *from = maker_of(w, p->input[k]);
            if (from && from->before && from->data) add_name(l, p->input[k]);
        }
    }
}

static void list_init(struct list *l, struct arena *a) {
    l->count = 0;
    writer_init(&l->text, a);
    fe_names_init(&l->seen, a);
}

static void say_cut(const struct way *w) {
    struct list end, start;
    list_init(&end, w->s->arena);
    list_init(&start, w->s->arena);
    cut_end(w, &end);
    cut_start(w, &start);
    struct arena *a = w->s->arena;
    if (end.count > CUT_MAX || start.count > CUT_MAX || !(end.count + start.count)) return;
    const char *outputs = "", *inputs = "";
    if (end.count) outputs = arena_printf(a, " --outputs=%s", writer_string(&end.text));
    if (start.count) inputs = arena_printf(a, " --inputs=%s", writer_string(&start.text));
    diag(w->s->c, fe_way_out, w->s->file, inputs, outputs);
}

void fe_say_way_out(struct fe_state *s, const size_t *order, size_t count) {
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        const char *op = op_type(s->nodes[order[i]].proto);
        struct fe_entry *e = fe_names_find(&s->unknown_ops, op);
        if (!e || fe_find_op(&s->nodes[order[i]]) != IR_OP_COUNT) continue;
        any = true;
        if (e->uses > FE_SAY_EACH) diag(s->c, fe_more_unknown, s->file, op, e->uses - FE_SAY_EACH);
        e->uses = 0;
    }
    if (!any) return;
    struct way w = {.s = s, .order = order, .count = count};
    w.of = arena_array(s->arena, s->node_count, sizeof *w.of);
    for (size_t i = 0; i < count; i++) look_back(&w, order[i]);
    choose_ends(&w);
    say_cut(&w);
}
