/* The float answer of an ONNX model, by the IR's own evaluator, which calibration runs as well:
 * what quantization is measured against. */
#include "frontend/import.h"

#include "frontend/diag.h"

#include "base/engine.h"

struct reference {
    struct ctx *c;
    struct ir_graph *g;
    struct arena *run;             /* results of the last run */
    struct engine_tensor *outputs; /* values point into run */
};

enum { FOLD_MAX = 1 << 20 }; /* elements of a constant that is made here */

static bool is_foldable(const struct ir_node *n) {
    for (int i = 0; i < n->out_count; i++)
        if (ir_elements(n->out[i]) < 0 || ir_elements(n->out[i]) > FOLD_MAX) return false;
    for (int i = 0; i < n->in_count && !ir_op_asks_shape(n->op); i++)
        if (n->in[i] && !ir_is_const(n->in[i])) return false;
    return true;
}

/* The node's outputs become constants. */
static bool fold(struct ir_graph *g, struct ir_node *n) {
    struct arena *scratch = arena_new(g->ctx);
    struct ir_tensor *values = arena_array(scratch, (size_t)g->value_count, sizeof *values);
    /* Shape and its like want their input to be there, and read none of it. */
    for (int i = 0; i < n->in_count; i++)
        if (n->in[i] && !ir_is_const(n->in[i])) values[n->in[i]->id].data = arena_alloc(scratch, 0);
    bool good = ir_eval_node(g, g->arena, n, values);
    for (int i = 0; good && i < n->out_count; i++) {
        n->out[i]->data = values[n->out[i]->id].data;
        n->out[i]->producer = NULL;
    }
    arena_free(scratch);
    if (good) ir_node_remove(g, n);
    return good;
}

/* Shape arithmetic is done first: the evaluator wants every shape, and some follow from values
 * only. */
bool fe_settle_shapes(struct ir_graph *g) {
    for (struct ir_node *n = g->first, *next; n; n = next) {
        next = n->next;
        if (!ir_infer_node(g, n)) return false;
        if (is_foldable(n) && !fold(g, n)) return false;
    }
    return true;
}

static bool describe(struct ctx *c, const char *path, const struct ir_value *v,
                     struct engine_tensor *to) {
    *to = (struct engine_tensor){.name = v->name, .rank = v->rank, .type = ir_dtype_name(v->dtype)};
    for (int i = 0; i < v->rank; i++) to->dims[i] = v->dims[i];
    if (ir_elements(v) >= 0) return true;
    diag(c, fe_reference_shape, path, v->name);
    return false;
}

static bool run(struct engine *e, const void *const *inputs, const struct engine_tensor **outputs) {
    struct reference *r = e->self;
    arena_free(r->run);
    r->run = NULL;
    r->run = arena_new(r->c);
    const void **out = arena_array(r->run, (size_t)e->output_count, sizeof *out);
    if (!ir_eval_observed(r->g, r->run, inputs, NULL, NULL, out)) return false;
    for (int i = 0; i < e->output_count; i++) {
        const struct ir_value *v = r->g->outputs[i];
        size_t bytes = (size_t)ir_elements(v) * ir_dtype_size(v->dtype);
        r->outputs[i].values = arena_copy(r->run, out[i], bytes);
    }
    *outputs = r->outputs;
    return true;
}

struct engine *engine_open_onnx(struct ctx *c, struct arena *a, const char *path,
                                const struct engine_sizes *sizes) {
    struct fe_options o = {.sizes = sizes ? *sizes : (struct engine_sizes){0}};
    struct ir_graph *g = fe_import(c, path, &o);
    if (!g || !fe_settle_shapes(g)) return NULL;
    struct reference *r = arena_alloc(a, sizeof *r);
    struct engine *e = arena_alloc(a, sizeof *e);
    struct engine_tensor *inputs = arena_array(a, (size_t)g->input_count, sizeof *inputs);
    r->c = c;
    r->g = g;
    r->outputs = arena_array(a, (size_t)g->output_count, sizeof *r->outputs);
    bool good = true;
    for (int i = 0; i < g->input_count; i++) good &= describe(c, path, g->inputs[i], &inputs[i]);
    for (int i = 0; i < g->output_count; i++)
        good &= describe(c, path, g->outputs[i], &r->outputs[i]);
    if (!good) return NULL;
    *e = (struct engine){r, g->input_count, g->output_count, inputs, run};
    return e;
}
