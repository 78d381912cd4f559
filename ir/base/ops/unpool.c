/* MaxUnpool: shape rule and evaluator. Source: ONNX MaxUnpool 22; indices count the elements of the
 * output that follows from the window, also where output_shape asks for a larger one. */
#include "base/ops/internal.h"

#include <string.h>

/* The spatial sizes that follow from the window; −1: not known. False after saying. */
static bool sizes_of(struct ir_infer *x, int rank, int64_t *out) {
    static const char *const names[] = {"kernel_shape", "strides", "pads"};
    const struct ir_value *v = ir_in(x->n, 0);
    int64_t lists[3][2 * IR_WINDOW_DIMS];
    for (int k = 0; k < 3; k++) {
        int count, want = k == 2 ? 2 * rank : rank;
        const int64_t *list = ir_attr_ints(x->n, names[k], &count);
        bool absent = ir_attr_find(x->n, names[k]) == NULL;
        if (absent ? k == 0 : count != want)
            return ir_fail_attr(x, names[k], arena_printf(x->arena, "%d integers", want));
        for (int i = 0; i < want; i++) {
            lists[k][i] = absent ? k == 1 : list[i];
            if (lists[k][i] < (k < 2) || lists[k][i] > IR_MAX_EXTENT)
                return ir_fail_attr(x, names[k], "sizes of a window");
        }
    }
    for (int i = 0; i < rank; i++) {
        int64_t d = v->dims[2 + i] > IR_MAX_ELEMENTS ? IR_MAX_ELEMENTS : v->dims[2 + i];
        int64_t size = (d - 1) * lists[1][i] + lists[0][i] - lists[2][i] - lists[2][rank + i];
        out[i] = d < 0 ? -1 : size;
        if (d >= 0 && size < 1) return ir_fail_attr(x, "pads", "pads that leave something");
    }
    return true;
}

bool ir_infer_maxunpool(struct ir_infer *x) {
    const struct ir_value *v = ir_in(x->n, 0), *places = ir_in(x->n, 1);
    struct ir_type t = ir_type_of(v), *y = &x->out[0];
    int64_t shape[IR_MAX_RANK];
    int count;
    bool known;
    if (!ir_want(x, 0, -1, IR_F32) || !ir_want(x, 1, v->rank, IR_I64)) return false;
    if (!ir_int_input(x, 2, shape, IR_MAX_RANK, &count, &known)) return false;
    if (t.rank < 0) return true;
    if (t.rank < 3 || t.rank > 2 + IR_WINDOW_DIMS)
        return ir_fail_input(x, 0, arena_printf(x->arena, "3…%d dimensions", 2 + IR_WINDOW_DIMS));
    for (int i = 0; i < t.rank && places->rank >= 0; i++)
        if (!ir_want_dim(x, 1, i, t.dims[i], "as in input 0")) return false;
    *y = t;
    if (!sizes_of(x, t.rank - 2, y->dims + 2)) return false;
    if (ir_in(x->n, 2) == NULL) return true;
    if (known && count != t.rank)
        return ir_fail_input(x, 2, arena_printf(x->arena, "%d sizes", t.rank));
    for (int i = 0; i < t.rank; i++) {
        if (known && (shape[i] < y->dims[i] || shape[i] > IR_MAX_ELEMENTS))
            return ir_fail_input(x, 2, "sizes no smaller than those of the window");
        y->dims[i] = known ? shape[i] : -1;
    }
    return true;
}

bool ir_eval_maxunpool(const struct ir_eval *e) {
    const struct ir_value *v = ir_in(e->n, 0), *y = e->n->out[0];
    struct ir_infer x = {.ctx = e->ctx, .arena = e->a, .n = e->n, .values = e->values};
    int64_t dims[IR_MAX_RANK], strides[IR_MAX_RANK], count = ir_elements(v);
    const int64_t *places = ir_eval_in(e, 1);
    float *out = ir_eval_out(e, 0);
    memcpy(dims, v->dims, sizeof dims);
    if (!sizes_of(&x, v->rank - 2, dims + 2)) return false;
    ir_strides_of(y, strides);
    if (ir_elements(y) > 0) memset(out, 0, (size_t)ir_elements(y) * sizeof *out);
    for (int64_t i = 0; i < count; i++) {
        int64_t rest = places[i], at = 0;
        if (rest < 0 || rest >= ir_product(v->rank, dims))
            return ir_eval_fail(
                e, arena_printf(e->a, "index %lld is outside the output", (long long)rest));
        for (int d = v->rank - 1; d >= 0; d--) {
            at += rest % dims[d] * strides[d];
            rest /= dims[d];
        }
        out[at] = ((const float *)ir_eval_in(e, 0))[i];
    }
    return true;
}
