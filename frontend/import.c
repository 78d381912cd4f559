/* ONNX import, from the top: bytes are checked and unpacked, then initializers, inputs, nodes in
 * order, outputs become the graph. Every step says what it finds wrong and goes on; the graph is
 * given out only if nothing was. */
#include "frontend/import.h"

#include <onnx/onnx.pb-c.h>

#include "frontend/diag.h"

#include "base/file.h"

#include <string.h>

/* The version of the standard operators; 0 after saying why there is none. */
static int64_t find_opset(struct fe_state *s) {
    const Onnx__ModelProto *m = s->model;
    bool found = m->ir_version < 3 && !m->n_opset_import; /* models older than operator sets */
    int64_t version = 1;
    for (size_t i = 0; i < m->n_opset_import; i++) {
        const Onnx__OperatorSetIdProto *o = m->opset_import[i];
        if (o->domain && o->domain[0] && strcmp(o->domain, "ai.onnx") != 0) continue;
        version = o->version;
        found = true;
    }
    if (!found)
        diag(s->c, fe_no_opset, s->file);
    else if (version < 1 || version > FE_OPSET_MAX)
        diag(s->c, fe_opset, s->file, (long long)version, 1, FE_OPSET_MAX);
    else
        return version;
    return 0;
}

bool fe_enough(struct fe_state *s) {
    if (s->c->errors - s->errors < FE_ERRORS_MAX) return false;
    if (!s->enough) diag(s->c, fe_enough, s->file, FE_ERRORS_MAX);
    s->enough = true;
    return true;
}

static void import_initializer(struct fe_state *s, size_t index) {
    const Onnx__TensorProto *t = s->model->graph->initializer[index];
    if (!t->name || !t->name[0]) {
        diag(s->c, fe_nameless, s->file, "initializer", index);
        return;
    }
    struct fe_entry *e = fe_names_find(&s->names, t->name);
    if (!e->wanted || e->cut) return;
    const char *where = arena_printf(s->arena, "%s: initializer \"%s\"", s->file, t->name);
    if (e->maker != fe_initializer || e->index != (int)index)
        fe_say_duplicate(s, s->file, e);
    else
        e->value = fe_tensor(s, t, t->name, where);
}

static void import_initializers(struct fe_state *s) {
    const Onnx__GraphProto *p = s->model->graph;
    for (size_t i = 0; i < p->n_initializer && !fe_enough(s); i++) import_initializer(s, i);
    for (size_t i = 0; i < p->n_sparse_initializer && !fe_enough(s); i++) {
        const Onnx__TensorProto *t = p->sparse_initializer[i]->values;
        diag(s->c, fe_sparse, s->file, t && t->name ? t->name : "");
    }
}

static void import_nodes(struct fe_state *s) {
    size_t count;
    const size_t *order = fe_order(s, &count);
    for (size_t i = 0; i < count && !fe_enough(s); i++) fe_node_import(s, order[i]);
    fe_say_way_out(s, order, count);
}

static void import_graph(struct fe_state *s) {
    fe_names_init(&s->names, s->arena);
    fe_names_init(&s->unknown_ops, s->arena);
    fe_names_init(&s->files, s->arena);
    const char *name = s->model->graph->name;
    s->g = ir_graph_new(s->c, name && name[0] ? name : "model");
    s->g->file = arena_strdup(s->g->arena, s->file);
    s->errors = s->c->errors;
    s->opset = s->model_opset = find_opset(s);
    fe_list_nodes(s);
    fe_register(s);
    if (!fe_cut(s)) return;
    import_initializers(s);
    fe_inputs(s);
    if (s->opset) import_nodes(s);
    if (s->opset) fe_outputs(s);
}

/* A model has bytes that no text has, among its first ones. */
static bool is_text(const uint8_t *bytes, size_t size) {
    enum { LOOK = 256 };
    for (size_t i = 0; i < size && i < LOOK; i++)
        if (bytes[i] < ' ' && !memchr("\t\r\n", bytes[i], 3)) return false;
    return size > 0;
}

/* What is easily taken for a model is called what it is. "SVPE" starts a program
 * (isa/container.def). */
static bool is_another(struct fe_state *s, const uint8_t *bytes, size_t size) {
    if (size >= 4 && !memcmp(bytes, "SVPE", 4))
        diag(s->c, fe_program, s->file);
    else if (is_text(bytes, size))
        diag(s->c, fe_text, s->file);
    else
        return false;
    return true;
}

/* The part of the model before it is imported once more, with a context of its own, so that nothing
 * is heard of what may be wrong there. */
struct ir_graph *fe_probe(const struct fe_state *s, struct ctx *quiet, const char *name, bool cut) {
    struct fe_options o = *s->options;
    o.sizes.outputs = &name;
    o.sizes.output_count = 1;
    if (!cut) o.sizes.input_count = 0;
    struct fe_state t = {.c = quiet, .file = s->file, .options = &o, .model = s->model};
    t.arena = arena_new(quiet);
    t.probing = true;
    t.decided = s->decided;
    t.decided_count = s->decided_count;
    import_graph(&t);
    return !quiet->errors && t.g->output_count == 1 ? t.g : NULL;
}

bool fe_infer_value(const struct fe_state *s, const char *name, struct fe_shape *out) {
    struct ctx quiet;
    volatile bool good = false;
    ctx_init(&quiet, s->c->tool, NULL);
    if (!setjmp(quiet.oom)) {
        const struct ir_graph *g = fe_probe(s, &quiet, name, false);
        const struct ir_value *v = g ? g->outputs[0] : NULL;
        good = v && ir_elements(v) >= 0;
        if (good) {
            *out = (struct fe_shape){.type = fe_dtype_of(v->dtype), .rank = v->rank};
            memcpy(out->dims, v->dims, sizeof out->dims);
        }
    }
    ctx_free(&quiet);
    return good;
}

static bool import_model(struct fe_state *s, const uint8_t *bytes, size_t size) {
    int errors = s->c->errors;
    if (is_another(s, bytes, size)) return false;
    if (!fe_wire_check(s->c, s->file, bytes, size)) return false;
    s->model = fe_unpack(s->c, arena_new(s->c), s->file, bytes, size);
    if (!s->model) return false;
    if (!s->model->graph) {
        diag(s->c, fe_no_graph, s->file);
        return false;
    }
    if (s->model->ir_version > FE_IR_VERSION_MAX)
        diag(s->c, fe_ir_version, s->file, (long long)s->model->ir_version, FE_IR_VERSION_MAX);
    import_graph(s);
    return s->c->errors == errors && ir_verify(s->g, "import");
}

struct ir_graph *fe_import_bytes(struct ctx *c, const char *file, const uint8_t *bytes, size_t size,
                                 const struct fe_options *o) {
    static const struct fe_options none = {0};
    struct fe_state s = {.c = c, .arena = arena_new(c), .file = file, .options = o ? o : &none};
    bool good = import_model(&s, bytes, size);
    arena_free(s.arena);
    return good ? s.g : NULL;
}

struct ir_graph *fe_import(struct ctx *c, const char *path, const struct fe_options *o) {
    struct file_view view;
    if (!file_map(c, path, &view)) return NULL;
    struct fe_options here = o ? *o : (struct fe_options){0};
    here.folder = fe_folder(arena_new(c), path);
    return fe_import_bytes(c, path, view.data, view.size, &here);
}
