/* Interleave: h·w images of the same channels become one, whose pixel (y, x) comes from image
 * (y mod h)·w + x mod w. No ONNX operator: transposed convolutions and depth-to-space are made of
 * it. Image (r, c) has as many rows and columns as the result has places r + i·h, c + k·w, so that
 * the result's size need not be a multiple. */
#include "base/ops/internal.h"

#include <string.h>

/* False after saying that the attribute is no pair, or not that of so many inputs. */
static bool steps_of(struct ir_infer *x, int64_t step[2]) {
    int count;
    const int64_t *list = ir_attr_ints(x->n, "step", &count);
    bool good = count == 2 && list[0] >= 1 && list[1] >= 1 && list[0] <= x->n->in_count &&
                list[1] <= x->n->in_count && list[0] * list[1] == x->n->in_count;
    if (!good)
        return ir_fail_attr(
            x, "step",
            arena_printf(x->arena, "two integers of product %d, the inputs", x->n->in_count));
    memcpy(step, list, 2 * sizeof *step);
    return true;
}

/* Size of the result along an axis, when its `step` parts are every `apart`-th input from the
 * first on; −1: one is not known. */
static int64_t whole(const struct ir_infer *x, int dim, int64_t step, int64_t apart) {
    int64_t sum = 0;
    for (int64_t i = 0; i < step; i++) {
        int64_t part = ir_in(x->n, (int)(i * apart))->dims[dim];
        if (part < 0 || part > IR_MAX_ELEMENTS) return -1;
        sum += part;
    }
    return sum;
}

static bool want_part(struct ir_infer *x, int64_t i, const int64_t step[2]) {
    static const char *const because = "as the pixels of the result ask for";
    const int64_t at[2] = {i / step[1], i % step[1]};
    if (!ir_want_dim(x, (int)i, 0, ir_in(x->n, 0)->dims[0], "as in input 0") ||
        !ir_want_dim(x, (int)i, 1, ir_in(x->n, 0)->dims[1], "as in input 0"))
        return false;
    for (int d = 0; d < 2; d++) {
        int64_t all = x->out[0].dims[2 + d];
        int64_t part = all < 0 ? -1 : all <= at[d] ? 0 : (all - at[d] + step[d] - 1) / step[d];
        if (!ir_want_dim(x, (int)i, 2 + d, part, because)) return false;
    }
    return true;
}

bool ir_infer_interleave(struct ir_infer *x) {
    int64_t step[2] = {1, 1};
    if (!steps_of(x, step)) return false;
    struct ir_type *y = &x->out[0];
    *y = ir_type_of(ir_in(x->n, 0));
    for (int i = 0; i < x->n->in_count; i++) {
        if (!ir_want(x, i, 4, y->dtype)) return false;
        if (ir_in(x->n, i)->rank < 0) y->rank = -1;
    }
    if (y->rank < 0) return true;
    y->dims[2] = whole(x, 2, step[0], step[1]);
    y->dims[3] = whole(x, 3, step[1], 1);
    for (int64_t i = 0; i < x->n->in_count; i++)
        if (!want_part(x, i, step)) return false;
    return true;
}

bool ir_eval_interleave(const struct ir_eval *e) {
    const struct ir_value *y = e->n->out[0];
    size_t size = ir_dtype_size(y->dtype);
    int count;
    const int64_t *step = ir_attr_ints(e->n, "step", &count);
    int64_t all = ir_elements(y);
    char *out = ir_eval_out(e, 0);
    for (int64_t i = 0; i < all; i++, out += size) {
        int64_t col = i % y->dims[3], row = i / y->dims[3] % y->dims[2];
        int64_t plane = i / y->dims[3] / y->dims[2];
        int part = (int)(row % step[0] * step[1] + col % step[1]);
        const struct ir_value *v = ir_in(e->n, part);
        int64_t at = (plane * v->dims[2] + row / step[0]) * v->dims[3] + col / step[1];
        memcpy(out, (const char *)ir_eval_in(e, part) + (size_t)at * size, size);
    }
    return true;
}
