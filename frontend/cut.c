/* What of a model is wanted: --outputs and --inputs name any values of it. What lies behind the
 * outputs, and before the inputs, is not looked at, so that nothing there has to be supported. */
#include "frontend/import.h"

#include <onnx/onnx.pb-c.h>

#include "frontend/diag.h"

#include <string.h>

/* One word of --inputs. */
struct wanted_input {
    struct fe_entry *entry;
    int rank; /* −1: not given */
    int64_t dims[IR_MAX_RANK];
};

struct cut {
    struct fe_state *s;
    struct wanted_input *inputs;
    size_t input_count;
    bool cutting;
    struct fe_entry **stack; /* wanted, inputs not looked at yet */
    size_t depth;
};

/* Words between commas; empty ones are left out. */
static const char **words(struct arena *a, const char *const *lists, int count, size_t *found) {
    size_t room = 0;
    for (int i = 0; i < count; i++) room += strlen(lists[i]) / 2 + 1;
    const char **to = arena_array(a, room, sizeof *to);
    *found = 0;
    for (int i = 0; i < count; i++)
        for (const char *at = lists[i]; *at;) {
            size_t n = strcspn(at, ",");
            if (n) to[(*found)++] = arena_strndup(a, at, n);
            at += n + (at[n] == ',');
        }
    return to;
}

static struct fe_entry *known(const struct fe_state *s, const char *name) {
    struct fe_entry *e = fe_names_find(&s->names, name);
    return e && e->maker ? e : NULL;
}

static void say_no_value(struct fe_state *s, const char *option, const char *name) {
    const char *near = fe_names_near(&s->names, name, s->arena);
    if (near)
        diag(s->c, fe_cut_name_near, s->file, option, name, near);
    else
        diag(s->c, fe_cut_name, s->file, option, name);
}

static void read_input(struct cut *k, const char *word) {
    struct fe_state *s = k->s;
    struct wanted_input *in = &k->inputs[k->input_count];
    const char *colon = strrchr(word, ':');
    *in = (struct wanted_input){.entry = known(s, word), .rank = -1};
    if (!in->entry && colon && (in->rank = fe_read_shape(colon + 1, in->dims)) >= 0) {
        word = arena_strndup(s->arena, word, (size_t)(colon - word));
        in->entry = known(s, word);
    }
    if (!in->entry)
        say_no_value(s, "inputs", word);
    else if (in->entry->cut)
        diag(s->c, fe_cut_twice, s->file, "inputs", word);
    else {
        in->entry->cut = true;
        k->input_count++;
    }
}

static void read_inputs(struct cut *k) {
    struct fe_state *s = k->s;
    const struct engine_sizes *o = &s->options->sizes;
    size_t count;
    const char **list = words(s->arena, o->inputs, o->input_count, &count);
    k->inputs = arena_array(s->arena, count, sizeof *k->inputs);
    for (size_t i = 0; i < count; i++) read_input(k, list[i]);
}

static void read_outputs(struct cut *k) {
    struct fe_state *s = k->s;
    const struct engine_sizes *o = &s->options->sizes;
    size_t count;
    const char **list = words(s->arena, o->outputs, o->output_count, &count);
    struct fe_names seen;
    fe_names_init(&seen, s->arena);
    s->outputs = list;
    for (size_t i = 0; i < count; i++) {
        struct fe_entry *e = fe_names_add(&seen, list[i]);
        if (e->uses++)
            diag(s->c, fe_cut_twice, s->file, "outputs", list[i]);
        else if (!known(s, list[i]))
            say_no_value(s, "outputs", list[i]);
        else
            s->outputs[s->output_count++] = list[i];
    }
}

static void model_outputs(struct fe_state *s) {
    const Onnx__GraphProto *g = s->model->graph;
    s->outputs = arena_array(s->arena, g->n_output, sizeof *s->outputs);
    for (size_t i = 0; i < g->n_output; i++)
        s->outputs[s->output_count++] = g->output[i]->name ? g->output[i]->name : "";
}

static void want(struct cut *k, const char *name) {
    struct fe_entry *e = name[0] ? fe_names_find(&k->s->names, name) : NULL;
    if (!e || e->wanted) return;
    e->wanted = true;
    if (e->node < 0 || e->cut || k->s->nodes[e->node].wanted) return;
    k->s->nodes[e->node].wanted = true;
    k->stack[k->depth++] = e;
}

/* Marks what the outputs depend on. */
static void mark(struct cut *k) {
    struct fe_state *s = k->s;
    k->stack = arena_array(s->arena, s->node_count, sizeof *k->stack);
    for (size_t i = 0; i < s->output_count; i++) want(k, s->outputs[i]);
    while (k->depth) {
        const Onnx__NodeProto *p = s->nodes[k->stack[--k->depth]->node].proto;
        for (size_t i = 0; i < p->n_input; i++) want(k, p->input[i]);
    }
}

static void want_all(struct fe_state *s) {
    for (size_t i = 0; i < s->node_count; i++) s->nodes[i].wanted = true;
    for (struct fe_entry *e = s->names.newest; e; e = e->before) e->wanted = true;
}

/* What the model says of a value, or NULL. */
static const Onnx__ValueInfoProto *info_in(Onnx__ValueInfoProto *const *list, size_t count,
                                           const char *name) {
    for (size_t i = 0; i < count; i++)
        if (list[i]->name && !strcmp(list[i]->name, name)) return list[i];
    return NULL;
}

const Onnx__ValueInfoProto *fe_value_info(const struct fe_state *s, const char *name) {
    const Onnx__GraphProto *g = s->model->graph;
    const Onnx__ValueInfoProto *v = info_in(g->input, g->n_input, name);
    if (!v) v = info_in(g->output, g->n_output, name);
    if (!v) v = info_in(g->value_info, g->n_value_info, name);
    return v;
}

static Onnx__ValueInfoProto *make_info(struct fe_state *s, const char *name, int32_t type, int rank,
                                       const int64_t *dims) {
    struct {
        Onnx__ValueInfoProto value;
        Onnx__TypeProto type;
        Onnx__TypeProto__Tensor tensor;
        Onnx__TensorShapeProto shape;
        Onnx__TensorShapeProto__Dimension dims[IR_MAX_RANK], *list[IR_MAX_RANK];
    } *m = arena_alloc(s->arena, sizeof *m);
    onnx__value_info_proto__init(&m->value);
    onnx__type_proto__init(&m->type);
    onnx__type_proto__tensor__init(&m->tensor);
    onnx__tensor_shape_proto__init(&m->shape);
    m->value.name = (char *)name; /* nobody writes to it */
    m->value.type = &m->type;
    m->type.value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    m->type.tensor_type = &m->tensor;
    m->tensor.elem_type = type;
    m->tensor.shape = &m->shape;
    m->shape.n_dim = (size_t)rank;
    m->shape.dim = m->list;
    for (int i = 0; i < rank; i++) {
        onnx__tensor_shape_proto__dimension__init(&m->dims[i]);
        m->list[i] = &m->dims[i];
        if (dims[i] < 0) continue;
        m->dims[i].value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        m->dims[i].dim_value = dims[i];
    }
    return &m->value;
}

static int32_t element_type(const Onnx__ValueInfoProto *v) {
    bool tensor = v && v->type && v->type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    return tensor ? v->type->tensor_type->elem_type : ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
}

static bool has_shape(const Onnx__ValueInfoProto *v) {
    return v && v->type && v->type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE &&
           v->type->tensor_type->shape;
}

/* An input that lies within the model: its shape is given, declared, or follows from what lies
 * before it, if that can be imported. NULL after saying that none of it is so. */
static const Onnx__ValueInfoProto *input_info(struct cut *k, const struct wanted_input *in) {
    struct fe_state *s = k->s;
    const char *name = in->entry->name;
    const Onnx__ValueInfoProto *v = fe_value_info(s, name);
    if (in->rank >= 0) return make_info(s, name, element_type(v), in->rank, in->dims);
    if (has_shape(v)) return v;
    struct fe_shape found;
    if (fe_infer_value(s, name, &found))
        return make_info(s, name, found.type, found.rank, found.dims);
    diag(s->c, fe_cut_shape, s->file, name, name);
    return NULL;
}

static void list_inputs(struct cut *k) {
    struct fe_state *s = k->s;
    const Onnx__GraphProto *g = s->model->graph;
    s->inputs = arena_array(s->arena, k->input_count + g->n_input, sizeof *s->inputs);
    for (size_t i = 0; i < k->input_count; i++) {
        struct fe_entry *e = k->inputs[i].entry;
        if (!e->wanted && !s->probing) diag(s->c, fe_cut_unused, s->file, e->name);
        const Onnx__ValueInfoProto *v = e->wanted ? input_info(k, &k->inputs[i]) : NULL;
        if (v) s->inputs[s->input_count++] = v;
    }
    for (size_t i = 0; i < g->n_input; i++) {
        const char *name = g->input[i]->name;
        const struct fe_entry *e = name && name[0] ? fe_names_find(&s->names, name) : NULL;
        bool given = e && e->cut, needed = e ? e->wanted : !k->cutting;
        if (given || !needed) continue;
        if (k->input_count && e->maker == fe_input) diag(s->c, fe_cut_beside, s->file, name);
        s->inputs[s->input_count++] = g->input[i];
    }
}

bool fe_cut(struct fe_state *s) {
    struct cut k = {.s = s};
    int errors = s->c->errors;
    if (s->options->sizes.input_count) read_inputs(&k);
    if (s->options->sizes.output_count)
        read_outputs(&k);
    else
        model_outputs(s);
    if (s->c->errors > errors) return false;
    k.cutting = k.input_count || s->options->sizes.output_count;
    if (k.cutting)
        mark(&k);
    else
        want_all(s);
    list_inputs(&k);
    return s->c->errors == errors;
}
