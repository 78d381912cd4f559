/* Graphs as Graphviz dot, coloured by where operators run (ops.def). Weights and other constants
 * are left out; what they are stands in the labels of the nodes that use them. */
#include "base/utf8.h"
#include "ir/internal.h"

static const struct {
    const char *name, *colour;
} places[] = {[IR_PLACE_ARRAY] = {"array", "#9ecae1"},
              [IR_PLACE_VECTOR] = {"vector unit", "#a1d99b"},
              [IR_PLACE_HOST] = {"host", "#fdae6b"},
              [IR_PLACE_FOLDED] = {"folded, or a view", "#e0e0e0"}};

/* Inside quotes. Dot reads \ as an escape, and & as the start of an HTML one. */
static void write_label(struct writer *w, const char *text) {
    for (const char *s = utf8_printable(w->arena, text); *s != '\0'; s++) {
        if (*s == '&') {
            write_text(w, "&amp;");
            continue;
        }
        if (*s == '"' || *s == '\\') write_u8(w, '\\');
        write_u8(w, (uint8_t)*s);
    }
}

/* "1x16x8x8, 8 bits, 2^-6", "f32[1x10]" */
static void write_type(struct writer *w, const struct ir_value *v) {
    write_label(w, ir_type_text(w->arena, v));
    if (v->quant.bits == 0) return;
    write_text(w, "\\n%d bits, unit 2^%d, zero %d", v->quant.bits, v->quant.exp, v->quant.zero);
}

static void write_end(struct writer *w, const struct ir_value *v, const char *kind, int number) {
    write_text(w, "  %s%d [shape=oval, fillcolor=\"#ffffff\", label=\"", kind, number);
    write_label(w, v->name);
    write_text(w, "\\n");
    write_type(w, v);
    write_text(w, "\"];\n");
}

/* The node that makes the value, or the input; constants have no edges. */
static void write_edge(struct writer *w, const struct ir_value *v, const char *to, int number,
                       const char *label) {
    if (v == NULL || ir_is_const(v)) return;
    if (v->producer != NULL)
        write_text(w, "  n%d", v->producer->out[0]->id);
    else
        write_text(w, "  in%d", v->id);
    write_text(w, " -> %s%d", to, number);
    if (label != NULL) write_text(w, " [label=\"%s\"]", label);
    write_text(w, ";\n");
}

/* Into input i; a residual is added to what the others make. */
static void write_input(struct writer *w, const struct ir_node *n, int i) {
    bool residual = n->op == IR_OP_qconv && i == 5;
    write_edge(w, n->in[i], "n", n->out[0]->id, residual ? "residual" : NULL);
}

/* The weights of a convolution: their shape, and their bits once they have some. */
static void write_weights(struct writer *w, const struct ir_node *n) {
    const struct ir_value *v = ir_op_info(n->op)->place == IR_PLACE_ARRAY ? ir_in(n, 1) : NULL;
    if (v == NULL || !ir_is_const(v)) return;
    write_text(w, "\\nweights ");
    for (int i = 0; i < v->rank; i++) write_text(w, "%s%lld", i ? "x" : "", (long long)v->dims[i]);
    if (ir_attr_find(n, "bits") == NULL) return;
    write_text(w, ", %lld bits", (long long)ir_attr_int(n, "bits"));
    if (ir_attr_int(n, "terms") == 2) write_text(w, ", 2 terms");
}

static void write_node(struct writer *w, const struct ir_node *n) {
    const struct ir_op_info *info = ir_op_info(n->op);
    write_text(w, "  n%d [fillcolor=\"%s\", label=\"%s\\n", n->out[0]->id,
               places[info->place].colour, info->name);
    write_label(w, n->name[0] != '\0' ? n->name : n->out[0]->name);
    write_weights(w, n);
    const char *act = ir_act_text(w->arena, n);
    if (act != NULL) write_text(w, "\\n%s", act);
    write_text(w, "\\n");
    write_type(w, n->out[0]);
    write_text(w, "\"];\n");
}

static void write_legend(struct writer *w) {
    write_text(w, "  subgraph cluster_legend {\n    label=\"runs on\";\n");
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        write_text(w, "    legend%zu [fillcolor=\"%s\", label=\"%s\"];\n", i, places[i].colour,
                   places[i].name);
    write_text(w, "  }\n");
}

void ir_print_dot(const struct ir_graph *g, struct writer *to) {
    write_text(to, "digraph \"");
    write_label(to, g->name);
    write_text(to, "\" {\n  node [shape=box, style=filled, fontname=\"sans-serif\"];\n");
    write_legend(to);
    for (int i = 0; i < g->input_count; i++) write_end(to, g->inputs[i], "in", g->inputs[i]->id);
    for (const struct ir_node *n = g->first; n != NULL; n = n->next) {
        write_node(to, n);
        for (int i = 0; i < n->in_count; i++) write_input(to, n, i);
    }
    for (int i = 0; i < g->output_count; i++) { /* by place: one value may be several outputs */
        write_end(to, g->outputs[i], "out", i);
        write_edge(to, g->outputs[i], "out", i, NULL);
    }
    write_text(to, "}\n");
}
