/* PRelu: shape rule and evaluator. Source: ONNX PRelu 16. */
#include "base/ops/internal.h"

bool ir_infer_prelu(struct ir_infer *x) {
    struct ir_type t = ir_type_of(ir_in(x->n, 0)), slope = ir_type_of(ir_in(x->n, 1)), y;
    if (t.dtype == IR_BOOL) return ir_fail_input(x, 0, "numbers");
    if (!ir_want(x, 1, -1, t.dtype)) return false;
    bool fits = ir_broadcast(&t, &slope, &y) && (t.rank < 0 || y.rank <= t.rank);
    for (int i = 0; fits && i < t.rank && y.rank >= 0; i++)
        fits = t.dims[i] < 0 || y.dims[i] < 0 || t.dims[i] == y.dims[i];
    if (!fits) return ir_fail_input(x, 1, "a shape that broadcasts to that of input 0");
    return ir_same_as_input(x);
}

static void slope_at(enum ir_dtype t, const void *x, int64_t i, const void *slope, int64_t j,
                     void *y) {
    if (ir_is_float(t)) {
        double v = ir_load_float(t, x, i);
        ir_store_float(t, y, i, v < 0 ? v * ir_load_float(t, slope, j) : v);
    } else {
        int64_t v = ir_load_int(t, x, i);
        uint64_t scaled = (uint64_t)v * (uint64_t)ir_load_int(t, slope, j);
        ir_store_int(t, y, i, v < 0 ? (int64_t)scaled : v);
    }
}

bool ir_eval_prelu(const struct ir_eval *e) {
    const struct ir_value *v = ir_in(e->n, 0), *y = e->n->out[0];
    int64_t steps[IR_MAX_RANK] = {0}, index[IR_MAX_RANK] = {0}, j = 0, count = ir_elements(v);
    ir_broadcast_steps(ir_in(e->n, 1), y, steps);
    for (int64_t i = 0; i < count; i++) {
        slope_at(v->dtype, ir_eval_in(e, 0), i, ir_eval_in(e, 1), j, ir_eval_out(e, 0));
        for (int d = y->rank - 1; d >= 0; d--) {
            j += steps[d];
            if (++index[d] < y->dims[d]) break;
            j -= steps[d] * y->dims[d];
            index[d] = 0;
        }
    }
    return true;
}
