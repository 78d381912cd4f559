/* Operators that make a tensor of a shape asked for, or keep part of one. Source: ONNX Tile 13,
 * Size 25, ConstantOfShape 25, Range 27, Trilu 14, EyeLike 22. */
#include "base/ops/internal.h"

#include <string.h>

bool ir_eval_tile(const struct ir_eval *e) {
    const struct ir_value *v = ir_in(e->n, 0), *y = e->n->out[0];
    int64_t strides[IR_MAX_RANK], count = ir_elements(y);
    size_t size = ir_dtype_size(y->dtype);
    ir_strides_of(v, strides);
    for (int64_t i = 0; i < count; i++) {
        int64_t from = 0, rest = i;
        for (int d = y->rank - 1; d >= 0; d--) {
            from += rest % y->dims[d] % v->dims[d] * strides[d];
            rest /= y->dims[d];
        }
        memcpy((char *)ir_eval_out(e, 0) + (size_t)i * size,
               (const char *)ir_eval_in(e, 0) + (size_t)from * size, size);
    }
    return true;
}

bool ir_eval_size(const struct ir_eval *e) {
    *(int64_t *)ir_eval_out(e, 0) = ir_elements(ir_in(e->n, 0));
    return true;
}

bool ir_eval_constantofshape(const struct ir_eval *e) {
    static const char zeros[8] = {0};
    const void *fill = ir_in(e->n, 1) == NULL ? zeros : ir_eval_in(e, 1);
    int64_t count = ir_elements(e->n->out[0]);
    size_t size = ir_dtype_size(e->n->out[0]->dtype);
    for (int64_t i = 0; i < count; i++)
        memcpy((char *)ir_eval_out(e, 0) + (size_t)i * size, fill, size);
    return true;
}

bool ir_eval_range(const struct ir_eval *e) {
    enum ir_dtype t = e->n->out[0]->dtype;
    const void *start = ir_eval_in(e, 0), *step = ir_eval_in(e, 2);
    void *y = ir_eval_out(e, 0);
    int64_t count = ir_elements(e->n->out[0]);
    for (int64_t i = 0; i < count; i++)
        if (ir_is_float(t))
            ir_store_float(t, y, i,
                           ir_load_float(t, start, 0) + (double)i * ir_load_float(t, step, 0));
        else
            ir_store_int(t, y, i,
                         (int64_t)((uint64_t)ir_load_int(t, start, 0) +
                                   (uint64_t)i * (uint64_t)ir_load_int(t, step, 0)));
    return true;
}

bool ir_eval_trilu(const struct ir_eval *e) {
    const struct ir_value *v = ir_in(e->n, 0);
    size_t size = ir_dtype_size(v->dtype);
    int64_t k = 0, rows = v->dims[v->rank - 2], cols = v->dims[v->rank - 1];
    int64_t total = ir_elements(v);
    int count;
    bool upper = ir_attr_int(e->n, "upper") != 0;
    if (!ir_eval_ints(e, 1, &k, 1, &count)) return false;
    for (int64_t i = 0; i < total; i++) {
        int64_t right = i % cols - i / cols % rows; /* of the diagonal */
        char *to = (char *)ir_eval_out(e, 0) + (size_t)i * size;
        if (upper ? right >= k : right <= k)
            memcpy(to, (const char *)ir_eval_in(e, 0) + (size_t)i * size, size);
        else
            memset(to, 0, size);
    }
    return true;
}

bool ir_eval_eyelike(const struct ir_eval *e) {
    const struct ir_value *y = e->n->out[0];
    int64_t k = ir_attr_int(e->n, "k"), count = ir_elements(y);
    for (int64_t i = 0; i < count; i++)
        ir_store_int(y->dtype, ir_eval_out(e, 0), i, i % y->dims[1] - i / y->dims[1] == k);
    return true;
}
