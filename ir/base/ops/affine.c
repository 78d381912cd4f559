/* Affine: x·factor + shift, one number of each for every channel of an image, and a clamp. No ONNX
 * operator: batch norms and arithmetic with constants become it where they find no convolution to
 * go into. */
#include "base/ops/internal.h"

bool ir_infer_affine(struct ir_infer *x) {
    if (!ir_want(x, 0, 4, IR_F32) || !ir_want(x, 1, 1, IR_F32) || !ir_want(x, 2, 1, IR_F32))
        return false;
    const struct ir_value *v = ir_in(x->n, 0);
    for (int i = 1; i < 3 && v->rank == 4; i++)
        if (!ir_want_dim(x, i, 0, v->dims[1], "the number of channels")) return false;
    return ir_same_as_input(x);
}

bool ir_eval_affine(const struct ir_eval *e) {
    const struct ir_value *v = ir_in(e->n, 0);
    const float *x = ir_eval_in(e, 0), *factor = ir_eval_in(e, 1), *shift = ir_eval_in(e, 2);
    const struct ir_activation act = ir_activation_of(e->n);
    float *y = ir_eval_out(e, 0);
    int64_t planes = v->dims[0] * v->dims[1], plane = v->dims[2] * v->dims[3];
    for (int64_t p = 0; p < planes; p++) {
        double f = (double)factor[p % v->dims[1]], s = (double)shift[p % v->dims[1]];
        for (int64_t i = p * plane; i < (p + 1) * plane; i++) {
            double value = (double)x[i] * f + s;
            value = value < act.min ? act.min : value;
            y[i] = (float)(value > act.max ? act.max : value);
        }
    }
    return true;
}
