/* Softmax, and what float operators share: the clamp of a fused activation. Sums in double in a
 * fixed order, one rounding to float at the end. Source: ONNX Softmax 13. */
#include "base/ops/internal.h"

#include <math.h>
#include <string.h>

bool ir_eval_constant(const struct ir_eval *e) {
    return ir_eval_fail(e,
                        "a constant node has no value of its own; the importer turns it into one");
}

/* --- fused activations --- */

struct ir_activation ir_activation_of(const struct ir_node *n) {
    const char *act = ir_attr_string(n, "act");
    struct ir_activation a = {-INFINITY, INFINITY};
    if (strcmp(act, "relu") == 0) a.min = 0;
    if (strcmp(act, "clip") == 0) {
        if (ir_attr_find(n, "act_min") != NULL) a.min = ir_attr_float(n, "act_min");
        if (ir_attr_find(n, "act_max") != NULL) a.max = ir_attr_float(n, "act_max");
    }
    return a;
}

/* --- softmax --- */

static void softmax(const float *x, float *y, int64_t n, int64_t step) {
    double most = -INFINITY, sum = 0;
    for (int64_t i = 0; i < n; i++) most = (double)x[i * step] > most ? (double)x[i * step] : most;
    for (int64_t i = 0; i < n; i++) sum += exp((double)x[i * step] - most);
    for (int64_t i = 0; i < n; i++) y[i * step] = (float)(exp((double)x[i * step] - most) / sum);
}

bool ir_eval_softmax(const struct ir_eval *e) {
    const struct ir_value *v = ir_in(e->n, 0);
    int64_t axis = ir_attr_int(e->n, "axis");
    if (axis < 0) axis += v->rank;
    bool flat = ir_attr_int(e->n, "flat") != 0;
    int64_t outer = ir_product((int)axis, v->dims);
    int64_t inner = flat ? 1 : ir_product(v->rank - (int)axis - 1, v->dims + axis + 1);
    int64_t n = flat ? ir_product(v->rank - (int)axis, v->dims + axis) : v->dims[axis];
    const float *x = ir_eval_in(e, 0);
    float *y = ir_eval_out(e, 0);
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < inner; i++)
            softmax(x + o * n * inner + i, y + o * n * inner + i, n, inner);
    return true;
}
