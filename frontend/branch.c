/* Which branch of an If runs, where that is known before anything runs: the condition is a
 * constant, or follows from shapes, as in what PyTorch writes for squeeze(). What it depends on is
 * imported by itself, with a context of its own, and computed. function.c puts the branch's nodes
 * in place of the If. Source: ONNX If 25. */
#include "frontend/import.h"

#include <onnx/onnx.pb-c.h>

#include <string.h>

enum {
    UNKNOWN = -1,
    DECIDED_MAX = 128 /* each costs an import of what lies before it */
};

/* Elements of any type are zero if all their bytes are. */
static int truth(const struct ir_value *v) {
    if (!ir_is_const(v) || v->elided || v->dtype != IR_BOOL || ir_elements(v) != 1) return UNKNOWN;
    return *(const uint8_t *)v->data != 0;
}

static int decide(const struct fe_state *s, const char *condition) {
    struct ctx quiet;
    volatile int found = UNKNOWN;
    ctx_init(&quiet, s->c->tool, NULL);
    if (!setjmp(quiet.oom)) {
        struct ir_graph *g = fe_probe(s, &quiet, condition, true);
        if (g && fe_settle_shapes(g)) found = truth(g->outputs[0]);
    }
    ctx_free(&quiet);
    return found;
}

/* The attribute, if the branch makes as many values as the If and can be copied. */
static const Onnx__GraphProto *graph_of(const Onnx__NodeProto *p, const char *name) {
    const Onnx__GraphProto *g = NULL;
    for (size_t i = 0; i < p->n_attribute; i++)
        if (p->attribute[i]->name && !strcmp(p->attribute[i]->name, name)) g = p->attribute[i]->g;
    if (!g || g->n_output != p->n_output || g->n_input || g->n_sparse_initializer) return NULL;
    for (size_t i = 0; i < g->n_output; i++)
        if (!g->output[i]->name) return NULL;
    return g;
}

const Onnx__GraphProto *fe_branch(struct fe_state *s, const Onnx__NodeProto *p, size_t index) {
    if (index == s->decided_count && !s->probing && index < DECIDED_MAX && p->n_input == 1) {
        int8_t *list = arena_array(s->arena, index + 1, sizeof *list);
        if (index) memcpy(list, s->decided, index * sizeof *list);
        list[index] = (int8_t)decide(s, p->input[0]);
        s->decided = list;
        s->decided_count = index + 1;
    }
    if (index >= s->decided_count || s->decided[index] == UNKNOWN) return NULL;
    return graph_of(p, s->decided[index] ? "then_branch" : "else_branch");
}
