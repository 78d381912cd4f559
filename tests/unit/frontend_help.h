/* Builds ONNX models in memory, by the generated protobuf code: what the importer's tests feed
 * it. */
#ifndef NBQ_TESTS_UNIT_FRONTEND_HELP_H
#define NBQ_TESTS_UNIT_FRONTEND_HELP_H

#include "test.h"

#include "frontend/frontend.h"

#include <onnx/onnx.pb-c.h>

struct builder {
    struct ctx *c;
    struct arena *a;
    Onnx__ModelProto model;
    Onnx__OperatorSetIdProto opset, *opsets[1];
    Onnx__GraphProto graph;
};

static inline void *grown(struct builder *b, void *list, size_t count) {
    return arena_grow(b->a, list, count, count + 1, sizeof(void *));
}

static inline void build_start(struct builder *b, struct ctx *c, int64_t opset) {
    *b = (struct builder){.c = c, .a = arena_new(c)};
    onnx__model_proto__init(&b->model);
    onnx__operator_set_id_proto__init(&b->opset);
    onnx__graph_proto__init(&b->graph);
    b->opset.has_version = 1;
    b->opset.version = opset;
    b->opsets[0] = &b->opset;
    b->model.has_ir_version = 1;
    b->model.ir_version = 8;
    b->model.n_opset_import = 1;
    b->model.opset_import = b->opsets;
    b->model.graph = &b->graph;
    b->graph.name = arena_strdup(b->a, "test");
}

static inline Onnx__ValueInfoProto *build_value(struct builder *b, const char *name, int rank,
                                                const int64_t *dims) {
    Onnx__ValueInfoProto *v = arena_alloc(b->a, sizeof *v);
    Onnx__TypeProto *t = arena_alloc(b->a, sizeof *t);
    Onnx__TypeProto__Tensor *tensor = arena_alloc(b->a, sizeof *tensor);
    Onnx__TensorShapeProto *shape = arena_alloc(b->a, sizeof *shape);
    onnx__value_info_proto__init(v);
    onnx__type_proto__init(t);
    onnx__type_proto__tensor__init(tensor);
    onnx__tensor_shape_proto__init(shape);
    v->name = arena_strdup(b->a, name);
    v->type = t;
    t->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    t->tensor_type = tensor;
    tensor->has_elem_type = 1;
    tensor->elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    if (rank < 0) return v;
    tensor->shape = shape;
    for (int i = 0; i < rank; i++) {
        Onnx__TensorShapeProto__Dimension *d = arena_alloc(b->a, sizeof *d);
        onnx__tensor_shape_proto__dimension__init(d);
        d->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        d->dim_value = dims[i];
        shape->dim = grown(b, shape->dim, shape->n_dim);
        shape->dim[shape->n_dim++] = d;
    }
    return v;
}

static inline void build_input(struct builder *b, const char *name, int rank, const int64_t *dims) {
    b->graph.input = grown(b, b->graph.input, b->graph.n_input);
    b->graph.input[b->graph.n_input++] = build_value(b, name, rank, dims);
}

static inline void build_output(struct builder *b, const char *name) {
    b->graph.output = grown(b, b->graph.output, b->graph.n_output);
    b->graph.output[b->graph.n_output++] = build_value(b, name, -1, NULL);
}

/* A constant of raw bytes. */
static inline void build_raw(struct builder *b, const char *name, int32_t type, int rank,
                             const int64_t *dims, const void *data, size_t size) {
    Onnx__TensorProto *t = arena_alloc(b->a, sizeof *t);
    onnx__tensor_proto__init(t);
    t->name = arena_strdup(b->a, name);
    t->has_data_type = 1;
    t->data_type = type;
    t->n_dims = (size_t)rank;
    t->dims = arena_copy(b->a, dims, (size_t)rank * sizeof *dims);
    t->has_raw_data = 1;
    t->raw_data.data = arena_copy(b->a, data, size);
    t->raw_data.len = size;
    b->graph.initializer = grown(b, b->graph.initializer, b->graph.n_initializer);
    b->graph.initializer[b->graph.n_initializer++] = t;
}

/* Words of text, apart from each other by blanks; "-" stands for the empty name. */
static inline char **build_words(struct builder *b, const char *text, size_t *count) {
    char **words = NULL;
    for (*count = 0; *text;) {
        size_t n = strcspn(text, " ");
        char *word = arena_strndup(b->a, text, n);
        words = grown(b, words, *count);
        words[(*count)++] = strcmp(word, "-") != 0 ? word : arena_strdup(b->a, "");
        text += n;
        text += strspn(text, " ");
    }
    return words;
}

static inline Onnx__NodeProto *build_node(struct builder *b, const char *op, const char *inputs,
                                          const char *outputs) {
    Onnx__NodeProto *n = arena_alloc(b->a, sizeof *n);
    onnx__node_proto__init(n);
    n->op_type = arena_strdup(b->a, op);
    n->input = build_words(b, inputs, &n->n_input);
    n->output = build_words(b, outputs, &n->n_output);
    b->graph.node = grown(b, b->graph.node, b->graph.n_node);
    b->graph.node[b->graph.n_node++] = n;
    return n;
}

static inline Onnx__AttributeProto *build_attr(struct builder *b, Onnx__NodeProto *n,
                                               const char *name) {
    Onnx__AttributeProto *a = arena_alloc(b->a, sizeof *a);
    onnx__attribute_proto__init(a);
    a->name = arena_strdup(b->a, name);
    n->attribute = grown(b, n->attribute, n->n_attribute);
    n->attribute[n->n_attribute++] = a;
    return a;
}

/* The model as a file's bytes. */
static inline const uint8_t *build_bytes(struct builder *b, size_t *size) {
    *size = onnx__model_proto__get_packed_size(&b->model);
    uint8_t *bytes = arena_alloc(b->a, *size);
    onnx__model_proto__pack(&b->model, bytes);
    return bytes;
}

static inline struct ir_graph *build_import(struct builder *b) {
    size_t size;
    const uint8_t *bytes = build_bytes(b, &size);
    return fe_import_bytes(b->c, "test.onnx", bytes, size, NULL);
}

#endif
