/* A graph as an ONNX file: float nodes as the operators that they are, the quantized level spelled
 * out by export_quant.c. Values keep their names; outputs are the network's. Weights are copied
 * once, into the file's bytes. Source: onnx.proto; operators mean what base/ops/ops.def says. */
#include "frontend/export.h"

#include "frontend/diag.h"
#include "frontend/import.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPSET = 21, /* widely understood; raised to what the newest operator in the graph needs */
    IR_VERSION = 10
};

int fe_onnx_type(enum ir_dtype t) {
    for (int i = 1;; i++) {
        const struct fe_dtype *row = fe_dtype(i);
        if (!row) return FE_F64; /* which an import never leaves as it is */
        if (row->ir == t && row->bytes == ir_dtype_size(t)) return row->number;
    }
}

/* --- float nodes --- */

static const char *clip_bound(struct fe_export *x, const char *name) {
    return ir_attr_find(x->n, name) ? fe_put_f32(x, ir_attr_float(x->n, name)) : "";
}

/* The activation that is fused into the node, as a node of its own. */
static void put_act(struct fe_export *x, const char *from) {
    const char *to = x->n->out[0]->name;
    if (!strcmp(ir_attr_string(x->n, "act"), "relu"))
        fe_put(x, "Relu", to, (const char *const[]){from, NULL});
    else
        fe_put(
            x, "Clip", to,
            (const char *const[]){from, clip_bound(x, "act_min"), clip_bound(x, "act_max"), NULL});
}

/* Softmax, LogSoftmax and Hardmax of old: all axes from one on are one. */
static bool put_flat(struct fe_export *x) {
    const struct ir_value *v = x->n->in[0], *y = x->n->out[0];
    assert(v);
    int64_t axis = ir_attr_int(x->n, "axis");
    const char *flat = fe_put1(x, "Flatten", v->name);
    fe_put_int(x, "axis", axis < 0 ? axis + v->rank : axis);
    flat = fe_put1(x, ir_op_info(x->n->op)->onnx, flat);
    fe_put_int(x, "axis", 1);
    fe_put(x, "Reshape", y->name,
           (const char *const[]){flat, fe_put_i64s(x, y->dims, y->rank), NULL});
    return true;
}

/* What Upsample did has no name of its own in Resize. */
static const char *text_of(const struct fe_export *x, const struct ir_attr *a) {
    const struct ir_value *v = x->n->in[0], *y = x->n->out[0];
    if (x->n->op != IR_OP_resize || strcmp(a->s, "simple") != 0) return a->s;
    for (int i = 0; i < v->rank && v->rank == y->rank; i++)
        if (v->dims[i] >= 0 && y->dims[i] >= 0 && y->dims[i] < v->dims[i]) return "ceil";
    return "floor";
}

static void put_attr(struct fe_export *x, const struct ir_attr *a) {
    enum ir_dtype type = a->kind == IR_ATTR_STRING ? ir_dtype_by_name(a->s) : IR_DTYPE_COUNT;
    if (x->n->op == IR_OP_quantizelinear && !strcmp(a->name, "dtype") && !ir_in(x->n, 2))
        fe_put_int(x, "output_dtype", fe_onnx_type(type));
    else if (x->n->op == IR_OP_gelu && !strcmp(a->name, "tanh") && a->f != 0)
        fe_put_string(x, "approximate", "tanh");
    else if (x->n->op == IR_OP_eyelike && !strcmp(a->name, "to"))
        fe_put_int(x, "dtype", fe_onnx_type(type));
    else if (fe_attr_hidden(x->n->op, a->name))
        return;
    else if (type != IR_DTYPE_COUNT && (!strcmp(a->name, "to") || !strcmp(a->name, "dtype")))
        fe_put_int(x, a->name, fe_onnx_type(type));
    else if (a->kind == IR_ATTR_INT)
        fe_put_int(x, a->name, a->i);
    else if (a->kind == IR_ATTR_FLOAT)
        fe_put_float(x, a->name, a->f);
    else if (a->kind == IR_ATTR_INTS)
        fe_put_ints(x, a->name, a->ints, a->count);
    else
        fe_put_string(x, a->name, text_of(x, a));
}

/* Outputs that ONNX wants to be there, though the graph leaves out what nothing reads. */
static int outputs_of(const struct ir_node *n) {
    int least = n->op == IR_OP_dynamicquantizelinear ? 3 : n->op == IR_OP_topk ? 2 : 1;
    return n->out_count > least ? n->out_count : least;
}

static void put_more_outputs(struct fe_export *x, int count) {
    Onnx__NodeProto *n = x->to->node[x->to->n_node - 1];
    char **out = arena_array(x->a, (size_t)count, sizeof *out);
    out[0] = n->output[0];
    for (int i = 1; i < count; i++)
        out[i] = arena_strdup(x->a, i < x->n->out_count && x->n->out[i] ? x->n->out[i]->name
                                                                        : fe_part(x));
    n->output = out;
    n->n_output = (size_t)count;
}

/* One number per group, as opset 18 has them, becomes one per channel, as 21 wants them. */
static const char *per_channel(struct fe_export *x, const struct ir_value *v) {
    assert(x->n->in[0]);
    int64_t channels = x->n->in[0]->dims[1], groups = ir_attr_int(x->n, "num_groups");
    if (v->dims[0] == channels || v->dims[0] != groups) return v->name;
    const char *columns = fe_put_i64s(x, (int64_t[]){groups, 1}, 2);
    const char *spread = fe_put_i64s(x, (int64_t[]){groups, channels / groups}, 2);
    const char *all = fe_put2(x, "Expand", fe_put2(x, "Reshape", v->name, columns), spread);
    return fe_put2(x, "Reshape", all, fe_put_i64s(x, &channels, 1));
}

/* x·factor + shift, of channels. */
static bool put_affine(struct fe_export *x) {
    static const int64_t form[] = {-1, 1, 1};
    struct ir_value *const *in = x->n->in;
    assert(in[0] && in[1] && in[2]);
    const char *factor = fe_put2(x, "Reshape", in[1]->name, fe_put_i64s(x, form, 3));
    const char *shift = fe_put2(x, "Reshape", in[2]->name, fe_put_i64s(x, form, 3));
    const char *product = fe_put2(x, "Mul", in[0]->name, factor);
    bool act = strcmp(ir_attr_string(x->n, "act"), "none") != 0;
    const char *y = fe_put(x, "Add", act ? NULL : x->n->out[0]->name,
                           (const char *const[]){product, shift, NULL});
    if (act) put_act(x, y);
    return true;
}

/* The value is an input here, and an attribute there. */
static bool put_fill(struct fe_export *x) {
    const struct ir_node *n = x->n;
    const char *value = fe_put1(x, "Squeeze", n->in[1]->name);
    fe_put(x, "Expand", n->out[0]->name, (const char *const[]){value, n->in[0]->name, NULL});
    return true;
}

static bool put_float_node(struct fe_export *x) {
    const struct ir_node *n = x->n;
    const struct ir_op_info *row = ir_op_info(n->op);
    if (n->op == IR_OP_affine) return put_affine(x);
    if (!row->onnx[0]) return fe_export_quant(x);
    if (row->since_min > x->opset) x->opset = row->since_min;
    struct ir_attr_info info;
    if (ir_attr_schema_find(n->op, "flat", &info) && ir_attr_int(n, "flat")) return put_flat(x);
    if (n->op == IR_OP_constantofshape && ir_in(n, 1)) return put_fill(x);
    bool act =
        ir_attr_schema_find(n->op, "act", &info) && strcmp(ir_attr_string(n, "act"), "none") != 0;
    const char **in = arena_array(x->a, (size_t)n->in_count + 1, sizeof *in);
    for (int i = 0; i < n->in_count; i++) in[i] = n->in[i] ? n->in[i]->name : "";
    for (int i = 1; n->op == IR_OP_groupnorm && i < 3; i++) in[i] = per_channel(x, n->in[i]);
    const char *y = fe_put(x, row->onnx, act ? NULL : n->out[0]->name, in);
    for (int i = 0; i < n->attr_count; i++) put_attr(x, &n->attrs[i]);
    if (outputs_of(n) > 1) put_more_outputs(x, outputs_of(n));
    if (act) put_act(x, y);
    return true;
}

/* --- the graph --- */

static Onnx__ValueInfoProto *describe(struct fe_export *x, const struct ir_value *v) {
    Onnx__ValueInfoProto *info = arena_alloc(x->a, sizeof *info);
    Onnx__TypeProto *type = arena_alloc(x->a, sizeof *type);
    Onnx__TypeProto__Tensor *tensor = arena_alloc(x->a, sizeof *tensor);
    Onnx__TensorShapeProto *shape = arena_alloc(x->a, sizeof *shape);
    onnx__value_info_proto__init(info);
    onnx__type_proto__init(type);
    onnx__type_proto__tensor__init(tensor);
    onnx__tensor_shape_proto__init(shape);
    info->name = arena_strdup(x->a, v->name);
    info->type = type;
    type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = tensor;
    tensor->has_elem_type = 1;
    tensor->elem_type = fe_onnx_type(v->dtype);
    tensor->shape = v->rank < 0 ? NULL : shape;
    shape->n_dim = v->rank < 0 ? 0 : (size_t)v->rank;
    shape->dim = arena_array(x->a, shape->n_dim, sizeof *shape->dim);
    for (size_t i = 0; i < shape->n_dim; i++) {
        shape->dim[i] = arena_alloc(x->a, sizeof **shape->dim);
        onnx__tensor_shape_proto__dimension__init(shape->dim[i]);
        if (v->dims[i] < 0) continue;
        shape->dim[i]->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        shape->dim[i]->dim_value = v->dims[i];
    }
    return info;
}

static Onnx__ValueInfoProto **describe_all(struct fe_export *x, struct ir_value *const *v,
                                           int count) {
    Onnx__ValueInfoProto **to = arena_array(x->a, (size_t)count, sizeof *to);
    for (int i = 0; i < count; i++) to[i] = describe(x, v[i]);
    return to;
}

/* Constants that nodes read as they are: those of float nodes, tables, outputs. */
static bool put_constants(struct fe_export *x, const bool *wanted) {
    bool good = true;
    for (int i = 0; i < x->g->value_count; i++) {
        const struct ir_value *v = x->g->values[i];
        if (!v || !ir_is_const(v)) continue;
        if (v->elided) {
            diag(x->c, fe_export_elided, NULL, v->name);
            good = false;
        } else if (wanted[i] || v->output_count > 0)
            fe_put_tensor(x, v->name, fe_onnx_type(v->dtype), v->rank, v->dims, v->data,
                          (size_t)ir_elements(v) * ir_dtype_size(v->dtype));
    }
    return good;
}

static bool put_node(struct fe_export *x, const struct ir_node *n, bool *wanted) {
    bool plain = ir_op_info(n->op)->level == IR_LEVEL_FLOAT;
    x->n = n;
    x->step = 0;
    for (int i = 0; i < n->in_count; i++)
        if (n->in[i] && (plain || n->op == IR_OP_qlut)) wanted[n->in[i]->id] = true;
    return plain ? put_float_node(x) : fe_export_quant(x);
}

static bool put_graph(struct fe_export *x) {
    bool good = true;
    bool *wanted = arena_array(x->a, (size_t)x->g->value_count, sizeof *wanted);
    onnx__graph_proto__init(x->to);
    x->to->name = arena_strdup(x->a, x->g->name && x->g->name[0] ? x->g->name : "graph");
    x->to->n_input = (size_t)x->g->input_count;
    x->to->input = describe_all(x, x->g->inputs, x->g->input_count);
    x->to->n_output = (size_t)x->g->output_count;
    x->to->output = describe_all(x, x->g->outputs, x->g->output_count);
    for (const struct ir_node *n = x->g->first; n; n = n->next) good &= put_node(x, n, wanted);
    return put_constants(x, wanted) && good;
}

static bool pack(struct fe_export *x, struct writer *to) {
    Onnx__OperatorSetIdProto opset, *opsets[] = {&opset};
    Onnx__ModelProto model;
    char producer[] = "nbqc", version[] = NBQ_VERSION;
    onnx__operator_set_id_proto__init(&opset);
    onnx__model_proto__init(&model);
    opset.has_version = 1;
    opset.version = x->opset;
    model.has_ir_version = 1;
    model.ir_version = IR_VERSION;
    model.n_opset_import = 1;
    model.opset_import = opsets;
    model.producer_name = producer;
    model.producer_version = version;
    model.graph = x->to;
    size_t size = onnx__model_proto__get_packed_size(&model);
    if (size > INT32_MAX) { /* protobuf's own limit, of whoever reads it */
        diag(x->c, fe_export_size, NULL, size);
        return false;
    }
    to->data = arena_grow(to->arena, to->data, to->size, to->size + size, 1);
    to->room = to->size + size;
    to->size += onnx__model_proto__pack(&model, to->data + to->size);
    return true;
}

bool fe_export(struct ir_graph *g, struct writer *to) {
    Onnx__GraphProto graph;
    struct fe_export x = {
        .c = g->ctx, .a = arena_new(g->ctx), .g = g, .to = &graph, .opset = OPSET};
    bool good = put_graph(&x) && pack(&x, to);
    arena_free(x.a);
    return good;
}
