/* Operators on quantized integers, spelled out: DequantizeLinear before, the operator of float,
 * QuantizeLinear behind it. That is what they compute but for the last bit of a tie, and what
 * take-ranges knows to read. Source: ONNX QLinearConv 10, QLinearMatMul 21, ConvInteger 10,
 * MatMulInteger 10; ONNX Runtime's ContribOperators.md for those of com.microsoft. */
#include "frontend/import.h"

#include <onnx/onnx.pb-c.h>

#include <string.h>

enum { ATTRS_MAX = 16, INPUTS_MAX = 1024 };

static const struct {
    const char *domain, *op;
    int min, max; /* inputs */
    fe_expander *expand;
} rows[] = {
#define FE_EXPAND(domain, op, min, max, function) {domain, op, min, max, function},
#include "frontend/import.def"
};
enum { ROWS = sizeof rows / sizeof *rows };

fe_expander *fe_find_expander(const Onnx__NodeProto *p) {
    const char *domain = p->domain && strcmp(p->domain, "ai.onnx") != 0 ? p->domain : "";
    for (int i = 0; i < ROWS; i++)
        if (p->op_type && !strcmp(rows[i].op, p->op_type) && !strcmp(rows[i].domain, domain) &&
            (int)p->n_input >= rows[i].min && (int)p->n_input <= rows[i].max && p->n_output == 1)
            return rows[i].expand;
    return NULL;
}

const char *fe_expandable(int index, const char **domain) {
    if (index >= ROWS) return NULL;
    *domain = rows[index].domain;
    return rows[index].op;
}

static const char *in(const struct fe_expand *x, size_t i) {
    return i < x->proto->n_input ? x->proto->input[i] : "";
}

static const char *out(const struct fe_expand *x) {
    return x->proto->output[0];
}

static const Onnx__AttributeProto *attr(const struct fe_expand *x, const char *name) {
    for (size_t i = 0; i < x->proto->n_attribute; i++)
        if (x->proto->attribute[i]->name && !strcmp(x->proto->attribute[i]->name, name))
            return x->proto->attribute[i];
    return NULL;
}

static int64_t int_attr(const struct fe_expand *x, const char *name, int64_t otherwise) {
    const Onnx__AttributeProto *a = attr(x, name);
    return a ? a->i : otherwise;
}

/* The call's own attributes but for those named. */
static size_t own_attrs(const struct fe_expand *x, const char *but, const char *but2,
                        Onnx__AttributeProto *list[ATTRS_MAX]) {
    size_t count = 0;
    for (size_t i = 0; i < x->proto->n_attribute && count < ATTRS_MAX; i++) {
        Onnx__AttributeProto *a = x->proto->attribute[i];
        if (a->name && strcmp(a->name, but) != 0 && strcmp(a->name, but2) != 0) list[count++] = a;
    }
    return count;
}

static const char *emit(struct fe_expand *x, const char *op, const char *to,
                        const char *const *from, size_t count) {
    return fe_expand_node(x, op, to, from, count, NULL, 0);
}

static const char *emit_int(struct fe_expand *x, const char *op, const char *to,
                            const char *const *from, size_t count, const char *name, int64_t v) {
    Onnx__AttributeProto *a = fe_expand_int(x, name, v);
    return fe_expand_node(x, op, to, from, count, &a, 1);
}

static const char *dequantized(struct fe_expand *x, const char *v, const char *scale,
                               const char *zero, int64_t axis) {
    const char *from[] = {v, scale, zero};
    return emit_int(x, "DequantizeLinear", NULL, from, zero[0] ? 3 : 2, "axis", axis);
}

static void quantize(struct fe_expand *x, const char *v, const char *scale, const char *zero) {
    const char *from[] = {v, scale, zero};
    emit(x, "QuantizeLinear", out(x), from, zero[0] ? 3 : 2);
}

/* A, its scale and zero point, the same of B, then of the output. */
static bool binary(struct fe_expand *x, const char *op) {
    const char *from[] = {dequantized(x, in(x, 0), in(x, 1), in(x, 2), 1),
                          dequantized(x, in(x, 3), in(x, 4), in(x, 5), 1)};
    quantize(x, emit(x, op, NULL, from, 2), in(x, 6), in(x, 7));
    return true;
}

bool fe_expand_add(struct fe_expand *x) {
    return binary(x, "Add");
}
bool fe_expand_mul(struct fe_expand *x) {
    return binary(x, "Mul");
}

/* X, its scale and zero point, those of the output. */
static bool unary(struct fe_expand *x, const char *op) {
    Onnx__AttributeProto *attrs[ATTRS_MAX];
    size_t count = own_attrs(x, "channels_last", "opset", attrs);
    int64_t here = x->opset, meant = int_attr(x, "opset", x->opset);
    if (int_attr(x, "channels_last", 0) != 0 || meant < 1 || meant > FE_OPSET_MAX) return false;
    const char *from[] = {dequantized(x, in(x, 0), in(x, 1), in(x, 2), 1)};
    x->opset = meant;
    const char *y = fe_expand_node(x, op, NULL, from, 1, attrs, count);
    x->opset = here;
    quantize(x, y, in(x, 3), in(x, 4));
    return true;
}

bool fe_expand_leakyrelu(struct fe_expand *x) {
    return unary(x, "LeakyRelu");
}
bool fe_expand_sigmoid(struct fe_expand *x) {
    return unary(x, "Sigmoid");
}
bool fe_expand_gavgpool(struct fe_expand *x) {
    return unary(x, "GlobalAveragePool");
}
bool fe_expand_avgpool(struct fe_expand *x) {
    return unary(x, "AveragePool");
}
bool fe_expand_softmax(struct fe_expand *x) {
    return unary(x, "Softmax");
}

/* Scale and zero point of the output, then three inputs for each part. */
bool fe_expand_concat(struct fe_expand *x) {
    const char *from[INPUTS_MAX];
    Onnx__AttributeProto *attrs[ATTRS_MAX];
    size_t count = 0, attr_count = own_attrs(x, "", "", attrs);
    if (x->proto->n_input % 3 != 2) return false;
    for (size_t i = 2; i + 2 < x->proto->n_input; i += 3)
        from[count++] = dequantized(x, in(x, i), in(x, i + 1), in(x, i + 2), 1);
    quantize(x, fe_expand_node(x, "Concat", NULL, from, count, attrs, attr_count), in(x, 0),
             in(x, 1));
    return true;
}

/* Of a bias in integers: the product of the scales of x and w. */
static const char *bias(struct fe_expand *x, const char *b, const char *x_scale,
                        const char *w_scale) {
    const char *scales[] = {x_scale, w_scale};
    if (!b[0]) return "";
    return dequantized(x, b, emit(x, "Mul", NULL, scales, 2), "", 0);
}

bool fe_expand_conv(struct fe_expand *x) {
    Onnx__AttributeProto *attrs[ATTRS_MAX];
    size_t count = own_attrs(x, "", "", attrs);
    const char *from[] = {dequantized(x, in(x, 0), in(x, 1), in(x, 2), 1),
                          dequantized(x, in(x, 3), in(x, 4), in(x, 5), 0),
                          bias(x, in(x, 8), in(x, 1), in(x, 4))};
    const char *y = fe_expand_node(x, "Conv", NULL, from, from[2][0] ? 3 : 2, attrs, count);
    quantize(x, y, in(x, 6), in(x, 7));
    return true;
}

bool fe_expand_matmul(struct fe_expand *x) {
    const char *from[] = {dequantized(x, in(x, 0), in(x, 1), in(x, 2), -2),
                          dequantized(x, in(x, 3), in(x, 4), in(x, 5), -1)};
    quantize(x, emit(x, "MatMul", NULL, from, 2), in(x, 6), in(x, 7));
    return true;
}

/* A, its scale and zero point, the same of B, C in integers of both scales, and those of the
 * output, without which it is real. */
bool fe_expand_gemm(struct fe_expand *x) {
    Onnx__AttributeProto *attrs[ATTRS_MAX];
    size_t count = own_attrs(x, "", "", attrs);
    const Onnx__AttributeProto *alpha = attr(x, "alpha");
    if (alpha && alpha->f != 1 && in(x, 6)[0]) return false; /* C is of alpha's scale as well */
    const char *from[] = {
        dequantized(x, in(x, 0), in(x, 1), in(x, 2), 1),
        dequantized(x, in(x, 3), in(x, 4), in(x, 5), int_attr(x, "transB", 0) ? 0 : 1),
        bias(x, in(x, 6), in(x, 1), in(x, 4))};
    bool real = !in(x, 7)[0];
    const char *y =
        fe_expand_node(x, "Gemm", real ? out(x) : NULL, from, from[2][0] ? 3 : 2, attrs, count);
    if (!real) quantize(x, y, in(x, 7), in(x, 8));
    return true;
}

/* As many scales of 1 as there are zero points. */
static const char *ones_like(struct fe_expand *x, const char *zero) {
    enum { FLOAT32 = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT };
    const char *one = fe_expand_one(x);
    if (!zero[0]) return one;
    const char *real = emit_int(x, "Cast", NULL, &zero, 1, "to", FLOAT32);
    const char *same[] = {real, real};
    const char *sum[] = {emit(x, "Sub", NULL, same, 2), one};
    return emit(x, "Add", NULL, sum, 2);
}

/* Integers without a scale: exact in float up to 2^24. */
static bool integer(struct fe_expand *x, const char *op, int64_t axis_a, int64_t axis_b) {
    enum { INT32 = ONNX__TENSOR_PROTO__DATA_TYPE__INT32 };
    Onnx__AttributeProto *attrs[ATTRS_MAX];
    size_t count = own_attrs(x, "", "", attrs);
    const char *from[] = {dequantized(x, in(x, 0), ones_like(x, in(x, 2)), in(x, 2), axis_a),
                          dequantized(x, in(x, 1), ones_like(x, in(x, 3)), in(x, 3), axis_b)};
    const char *y = fe_expand_node(x, op, NULL, from, 2, attrs, count);
    emit_int(x, "Cast", out(x), &y, 1, "to", INT32);
    return true;
}

bool fe_expand_conv_integer(struct fe_expand *x) {
    return integer(x, "Conv", 1, 0);
}
bool fe_expand_matmul_integer(struct fe_expand *x) {
    return integer(x, "MatMul", -2, -1);
}
