/* Operators between reals and integers: what the rows of import.def cannot say. Source: ONNX
 * QuantizeLinear, all versions. */
#include "frontend/import.h"

#include <onnx/onnx.pb-c.h>

#include "frontend/diag.h"

#include <string.h>

/* The type the model declares for a constant or an input; NULL: for neither. */
static const struct fe_dtype *declared_type(const struct fe_state *s, const char *name) {
    const Onnx__GraphProto *g = s->model->graph;
    for (size_t i = 0; i < g->n_initializer; i++)
        if (g->initializer[i]->name && !strcmp(g->initializer[i]->name, name))
            return fe_dtype(g->initializer[i]->data_type);
    for (size_t i = 0; i < g->n_input; i++) {
        const Onnx__TypeProto *t = g->input[i]->type;
        if (g->input[i]->name && !strcmp(g->input[i]->name, name) && t &&
            t->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
            return fe_dtype(t->tensor_type->elem_type);
    }
    return NULL;
}

/* Types narrower than a byte, and the small floats, have wider ones here, which saturate later. */
static void check_width(const struct fe_node *n) {
    const struct fe_dtype *d =
        n->proto->n_input > 2 ? declared_type(n->s, n->proto->input[2]) : NULL;
    if (d && d->ir != IR_DTYPE_COUNT && d->bytes == 0)
        diag(n->s->c, fe_quantize_type, n->where, d->name, (long long)d->number);
}

/* From opset 21 on the type may be an attribute; 0 leaves it to the zero point. */
void fe_hook_quantize(struct fe_node *n) {
    const Onnx__AttributeProto *a = fe_attr(n, "output_dtype");
    check_width(n);
    if (!a || !a->i) return;
    const struct fe_dtype *d = fe_dtype(a->i);
    if (d && d->ir != IR_DTYPE_COUNT && d->bytes > 0)
        fe_node_set_string(n, "dtype", ir_dtype_name(d->ir));
    else
        diag(n->s->c, fe_quantize_type, n->where, d ? d->name : "an unknown type", (long long)a->i);
}
