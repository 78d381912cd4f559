/* DynamicQuantizeLinear: scale and zero point from the numbers, 0 among them, then their nearest
 * integers. In single precision, as ONNX Runtime does: which integer is the nearest may hang on it.
 * Source: ONNX DynamicQuantizeLinear 11. */
#include "base/ops/internal.h"

#include <math.h>

bool ir_infer_dynamicquantizelinear(struct ir_infer *x) {
    static const enum ir_dtype types[] = {IR_U8, IR_F32, IR_U8};
    if (!ir_want(x, 0, -1, IR_F32)) return false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) { /* room for absent ones, too */
        x->out[i].rank = 0;
        if (i == 0) x->out[i] = ir_type_of(ir_in(x->n, 0));
        x->out[i].dtype = types[i];
    }
    return true;
}

/* The nearest integer, ties to even, in 0…255. */
static uint8_t nearest(float x) {
    float whole = rintf(x);
    return whole > 0 ? (uint8_t)fminf(whole, UINT8_MAX) : 0;
}

bool ir_eval_dynamicquantizelinear(const struct ir_eval *e) {
    const float *x = ir_eval_in(e, 0);
    uint8_t *y = ir_eval_out(e, 0);
    int64_t count = ir_elements(ir_in(e->n, 0));
    float low = 0, high = 0;
    for (int64_t i = 0; i < count; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    float scale = high > low ? (high - low) / UINT8_MAX : 1;
    uint8_t zero = nearest(-low / scale);
    if (e->n->out_count > 1) *(float *)ir_eval_out(e, 1) = scale;
    if (e->n->out_count > 2) *(uint8_t *)ir_eval_out(e, 2) = zero;
    for (int64_t i = 0; i < count; i++) y[i] = nearest(rintf(x[i] / scale) + (float)zero);
    return true;
}
