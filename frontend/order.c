/* The order of the nodes. ONNX asks for makers before users, but not every exporter obeys: the
 * order is mended where it can be (depth first, so that a right order stays as it is), and cycles
 * are marked. */
#include "frontend/import.h"

#include <onnx/onnx.pb-c.h>

enum mark { NEW, OPEN, CLOSED };

struct walk {
    struct fe_state *s;
    uint8_t *marks;  /* enum mark of each node */
    size_t *stack;   /* open nodes */
    size_t *next_in; /* of each open node: the next input to look at */
    size_t depth;
    size_t *order, count;
};

static void count_use(struct fe_state *s, const char *name) {
    struct fe_entry *e = name[0] ? fe_names_find(&s->names, name) : NULL;
    if (e) e->uses++;
}

static void open_node(struct walk *w, size_t index) {
    const Onnx__NodeProto *p = w->s->nodes[index].proto;
    for (size_t i = 0; i < p->n_input; i++) count_use(w->s, p->input[i]);
    w->marks[index] = OPEN;
    w->next_in[w->depth] = 0;
    w->stack[w->depth++] = index;
}

/* Looks at the next input of the node on top of the stack. */
static void step(struct walk *w) {
    size_t index = w->stack[w->depth - 1];
    struct fe_item *n = &w->s->nodes[index];
    size_t i = w->next_in[w->depth - 1]++;
    if (i == n->proto->n_input) {
        w->marks[index] = CLOSED;
        w->order[w->count++] = index;
        w->depth--;
        return;
    }
    const struct fe_entry *e = fe_names_find(&w->s->names, n->proto->input[i]);
    if (!e || e->cut || e->node < 0 || w->marks[e->node] == CLOSED) return;
    if (w->marks[e->node] == OPEN)
        n->cycle = n->proto->input[i];
    else
        open_node(w, (size_t)e->node);
}

const size_t *fe_order(struct fe_state *s, size_t *count) {
    size_t n = s->node_count;
    struct walk w = {.s = s,
                     .marks = arena_array(s->arena, n, 1),
                     .stack = arena_array(s->arena, n, sizeof *w.stack),
                     .next_in = arena_array(s->arena, n, sizeof *w.next_in),
                     .order = arena_array(s->arena, n, sizeof *w.order)};
    for (size_t i = 0; i < s->output_count; i++) count_use(s, s->outputs[i]);
    for (size_t i = 0; i < n; i++) {
        if (!s->nodes[i].wanted || w.marks[i] != NEW) continue;
        open_node(&w, i);
        while (w.depth) step(&w);
    }
    *count = w.count;
    return w.order;
}
