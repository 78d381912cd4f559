/* Operators between reals and integers: what the rows of import.def cannot say. Source: ONNX
 * QuantizeLinear, all versions. */
#include "frontend/import.h"

#include <onnx/onnx.pb-c.h>

#include "frontend/diag.h"

/* From opset 21 on the type may be an attribute; 0 leaves it to the zero point. */
void fe_hook_quantize(struct fe_node *n) {
    const Onnx__AttributeProto *a = fe_attr(n, "output_dtype");
    if (!a || !a->i) return;
    const struct fe_dtype *d = fe_dtype(a->i);
    if (d && d->ir != IR_DTYPE_COUNT)
        fe_node_set_string(n, "dtype", ir_dtype_name(d->ir));
    else
        diag(n->s->c, fe_quantize_type, n->where, d ? d->name : "an unknown type", (long long)a->i);
}
