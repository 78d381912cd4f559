/* The order of the nodes. ONNX asks for makers before users, but not every exporter obeys: the
 * order is mended where it can be (depth first, so that a right order stays as it is), and cycles,
 * undefined and duplicate names are said. */
#include "frontend/import.h"

#include <onnx/onnx.pb-c.h>

#include "frontend/diag.h"

enum mark { NEW, OPEN, CLOSED };
enum { NEAR_MAX = 20 };

struct walk {
    struct fe_state *s;
    uint8_t *marks;  /* enum mark of each node */
    size_t *stack;   /* open nodes */
    size_t *next_in; /* of each open node: the next input to look at */
    size_t depth;
    size_t *order, count;
};

static void register_outputs(struct fe_state *s, size_t index) {
    const Onnx__NodeProto *p = s->model->graph->node[index];
    for (size_t i = 0; i < p->n_output; i++) {
        if (!p->output[i][0]) continue;
        struct fe_entry *e = fe_names_add(&s->names, p->output[i]);
        if (e->maker) {
            diag(s->c, fe_duplicate, fe_node_where(s, p), p->output[i], e->maker);
            continue;
        }
        e->maker = arena_printf(s->arena, "node \"%s\"", fe_node_name(s, p));
        e->node = (int)index;
    }
}

/* The name that may be meant; not looked for again and again in a model where nothing fits. */
static const char *near(struct fe_state *s, const char *name) {
    return s->c->errors < NEAR_MAX ? fe_names_near(&s->names, name, s->arena) : NULL;
}

/* Counts uses; says inputs that nothing makes. */
static void check_inputs(struct fe_state *s, const Onnx__NodeProto *p) {
    for (size_t i = 0; i < p->n_input; i++) {
        const char *name = p->input[i];
        if (!name[0]) continue;
        struct fe_entry *e = fe_names_find(&s->names, name);
        if (e && e->maker) {
            e->uses++;
            continue;
        }
        const char *meant = near(s, name);
        if (meant)
            diag(s->c, fe_undefined_near, fe_node_where(s, p), (int)i + 1, name, meant);
        else
            diag(s->c, fe_undefined, fe_node_where(s, p), (int)i + 1, name);
    }
}

static void count_outputs(struct fe_state *s) {
    const Onnx__GraphProto *g = s->model->graph;
    for (size_t i = 0; i < g->n_output; i++) {
        struct fe_entry *e =
            g->output[i]->name ? fe_names_find(&s->names, g->output[i]->name) : NULL;
        if (e) e->uses++;
    }
}

static void open_node(struct walk *w, size_t index) {
    w->marks[index] = OPEN;
    w->next_in[w->depth] = 0;
    w->stack[w->depth++] = index;
}

/* Looks at the next input of the node on top of the stack. False: a cycle, said. */
static bool step(struct walk *w) {
    size_t index = w->stack[w->depth - 1];
    const Onnx__NodeProto *p = w->s->model->graph->node[index];
    size_t i = w->next_in[w->depth - 1]++;
    if (i == p->n_input) {
        w->marks[index] = CLOSED;
        w->order[w->count++] = index;
        w->depth--;
        return true;
    }
    const struct fe_entry *e = fe_names_find(&w->s->names, p->input[i]);
    if (!e || e->node < 0 || w->marks[e->node] == CLOSED) return true;
    if (w->marks[e->node] == OPEN) {
        diag(w->s->c, fe_cycle, fe_node_where(w->s, p), p->input[i]);
        return false;
    }
    open_node(w, (size_t)e->node);
    return true;
}

const size_t *fe_order(struct fe_state *s) {
    size_t n = s->model->graph->n_node;
    for (size_t i = 0; i < n; i++) register_outputs(s, i);
    for (size_t i = 0; i < n; i++) check_inputs(s, s->model->graph->node[i]);
    count_outputs(s);
    struct walk w = {.s = s,
                     .marks = arena_array(s->arena, n, 1),
                     .stack = arena_array(s->arena, n, sizeof *w.stack),
                     .next_in = arena_array(s->arena, n, sizeof *w.next_in),
                     .order = arena_array(s->arena, n, sizeof *w.order)};
    for (size_t i = 0; i < n; i++) {
        if (w.marks[i] == NEW) open_node(&w, i);
        while (w.depth)
            if (!step(&w)) return NULL;
    }
    return w.order;
}
