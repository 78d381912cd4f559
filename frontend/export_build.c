/* Parts of an ONNX graph: nodes, attributes, constants. All in one arena, written by protobuf-c at
 * the end. Source: onnx.proto. */
#include "frontend/export.h"

#include <string.h>

static char *copy_text(struct fe_export *x, const char *s) {
    return arena_strdup(x->a, s);
}

const char *fe_part(struct fe_export *x) {
    return ir_unique_name(x->g, arena_printf(x->a, "%s/%d", x->n->out[0]->name, ++x->step));
}

/* --- nodes --- */

const char *fe_put(struct fe_export *x, const char *op, const char *out, const char *const *in) {
    Onnx__NodeProto *n = arena_alloc(x->a, sizeof *n);
    size_t count = 0;
    onnx__node_proto__init(n);
    while (in[count] != NULL) count++;
    n->n_input = count;
    n->input = arena_array(x->a, count, sizeof *n->input);
    for (size_t i = 0; i < count; i++) n->input[i] = copy_text(x, in[i]);
    n->n_output = 1;
    n->output = arena_array(x->a, 1, sizeof *n->output);
    n->output[0] = copy_text(x, out != NULL ? out : fe_part(x));
    n->name = n->output[0];
    n->op_type = copy_text(x, op);
    Onnx__GraphProto *g = x->to;
    if (g->n_node == x->node_room) {
        x->node_room = 2 * x->node_room + 64;
        g->node = arena_grow(x->a, g->node, g->n_node, x->node_room, sizeof *g->node);
    }
    g->node[g->n_node++] = n;
    return n->output[0];
}

const char *fe_put1(struct fe_export *x, const char *op, const char *a) {
    return fe_put(x, op, NULL, (const char *const[]){a, NULL});
}

const char *fe_put2(struct fe_export *x, const char *op, const char *a, const char *b) {
    return fe_put(x, op, NULL, (const char *const[]){a, b, NULL});
}

/* --- attributes --- */

static Onnx__AttributeProto *put_attr(struct fe_export *x, const char *name,
                                      Onnx__AttributeProto__AttributeType type) {
    Onnx__NodeProto *n = x->to->node[x->to->n_node - 1];
    Onnx__AttributeProto *a = arena_alloc(x->a, sizeof *a);
    onnx__attribute_proto__init(a);
    a->name = copy_text(x, name);
    a->has_type = 1;
    a->type = type;
    n->attribute =
        arena_grow(x->a, n->attribute, n->n_attribute, n->n_attribute + 1, sizeof *n->attribute);
    n->attribute[n->n_attribute++] = a;
    return a;
}

void fe_put_int(struct fe_export *x, const char *name, int64_t v) {
    Onnx__AttributeProto *a = put_attr(x, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    a->has_i = 1;
    a->i = v;
}

void fe_put_float(struct fe_export *x, const char *name, double v) {
    Onnx__AttributeProto *a = put_attr(x, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    a->has_f = 1;
    a->f = (float)v;
}

void fe_put_ints(struct fe_export *x, const char *name, const int64_t *v, int count) {
    Onnx__AttributeProto *a = put_attr(x, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    a->n_ints = (size_t)count;
    a->ints = arena_copy(x->a, v, a->n_ints * sizeof *v);
}

void fe_put_string(struct fe_export *x, const char *name, const char *v) {
    Onnx__AttributeProto *a = put_attr(x, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);
    a->has_s = 1;
    a->s.data = (uint8_t *)copy_text(x, v);
    a->s.len = strlen(v);
}

const char *fe_put_cast(struct fe_export *x, const char *a, int type, const char *out) {
    out = fe_put(x, "Cast", out, (const char *const[]){a, NULL});
    fe_put_int(x, "to", type);
    return out;
}

/* --- constants --- */

const char *fe_put_tensor(struct fe_export *x, const char *name, int type, int rank,
                          const int64_t *dims, const void *data, size_t bytes) {
    Onnx__TensorProto *t = arena_alloc(x->a, sizeof *t);
    onnx__tensor_proto__init(t);
    t->name = copy_text(x, name);
    t->has_data_type = 1;
    t->data_type = type;
    t->n_dims = (size_t)rank;
    t->dims = arena_copy(x->a, dims, t->n_dims * sizeof *dims);
    t->has_raw_data = 1;
    t->raw_data.len = bytes;
    t->raw_data.data = (uint8_t *)data; /* only read */
    Onnx__GraphProto *g = x->to;
    if (g->n_initializer == x->initializer_room) {
        x->initializer_room = 2 * x->initializer_room + 64;
        g->initializer = arena_grow(x->a, g->initializer, g->n_initializer, x->initializer_room,
                                    sizeof(Onnx__TensorProto *));
    }
    g->initializer[g->n_initializer++] = t;
    return t->name;
}

const char *fe_put_i64s(struct fe_export *x, const int64_t *v, int count) {
    size_t bytes = (size_t)count * sizeof *v;
    return fe_put_tensor(x, fe_part(x), FE_I64, 1, (int64_t[]){count}, arena_copy(x->a, v, bytes),
                         bytes);
}

const char *fe_put_f64(struct fe_export *x, double v) {
    return fe_put_tensor(x, fe_part(x), FE_F64, 0, NULL, arena_copy(x->a, &v, sizeof v), sizeof v);
}

const char *fe_put_f32(struct fe_export *x, double v) {
    float f = (float)v;
    return fe_put_tensor(x, fe_part(x), FE_F32, 0, NULL, arena_copy(x->a, &f, sizeof f), sizeof f);
}

const char *fe_put_channels(struct fe_export *x, const double *v, int64_t count) {
    size_t bytes = (size_t)count * sizeof *v;
    return fe_put_tensor(x, fe_part(x), FE_F64, 3, (int64_t[]){count, 1, 1},
                         arena_copy(x->a, v, bytes), bytes);
}
