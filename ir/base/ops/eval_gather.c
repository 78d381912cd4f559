/* Operators that take elements from places given by indices, or put them there. Source: ONNX
 * Gather 13, GatherElements 13, GatherND 13, ScatterElements 18, ScatterND 18, OneHot 11. */
#include "base/ops/internal.h"

#include <string.h>

/* Index i of a list as 0…d−1; −1 after saying that it is outside. */
static int64_t index_at(const struct ir_eval *e, int input, int64_t i, int64_t d) {
    int64_t found = ir_load_int(ir_in(e->n, input)->dtype, ir_eval_in(e, input), i);
    int64_t row = found < 0 ? found + d : found;
    if (row >= 0 && row < d) return row;
    ir_eval_fail(e, arena_printf(e->a, "index %lld is outside a dimension of %lld",
                                 (long long)found, (long long)d));
    return -1;
}

bool ir_eval_gather(const struct ir_eval *e) {
    const struct ir_value *v = ir_in(e->n, 0), *rows = ir_in(e->n, 1);
    int axis = ir_axis(ir_attr_int(e->n, "axis"), v->rank);
    int64_t outer = ir_product(axis, v->dims), count = ir_elements(rows);
    size_t block =
        (size_t)ir_product(v->rank - axis - 1, v->dims + axis + 1) * ir_dtype_size(v->dtype);
    const char *x = ir_eval_in(e, 0);
    char *out = ir_eval_out(e, 0);
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < count; i++, out += block) {
            int64_t row = index_at(e, 1, i, v->dims[axis]);
            if (row < 0) return false;
            if (block > 0) memcpy(out, x + (size_t)(o * v->dims[axis] + row) * block, block);
        }
    return true;
}

/* --- by elements: the index of one axis is replaced --- */

/* Where in `data` the element of `place` stands whose index is i, row-major, with its axis taken
 * from the list; −1 after saying that it is outside. */
static int64_t element_at(const struct ir_eval *e, const struct ir_value *data, int axis,
                          int64_t i) {
    const struct ir_value *place = ir_in(e->n, 1);
    int64_t strides[IR_MAX_RANK], at = 0, rest = i;
    ir_strides_of(data, strides);
    for (int d = place->rank - 1; d >= 0; d--) {
        int64_t own = rest % place->dims[d];
        int64_t index = d == axis ? index_at(e, 1, i, data->dims[d]) : own;
        rest /= place->dims[d];
        if (index < 0) return -1;
        at += index * strides[d];
    }
    return at;
}

bool ir_eval_gatherelements(const struct ir_eval *e) {
    const struct ir_value *v = ir_in(e->n, 0);
    int axis = ir_axis(ir_attr_int(e->n, "axis"), v->rank);
    int64_t count = ir_elements(e->n->out[0]);
    size_t size = ir_dtype_size(v->dtype);
    for (int64_t i = 0; i < count; i++) {
        int64_t from = element_at(e, v, axis, i);
        if (from < 0) return false;
        memcpy((char *)ir_eval_out(e, 0) + (size_t)i * size,
               (const char *)ir_eval_in(e, 0) + (size_t)from * size, size);
    }
    return true;
}

/* y[at…] = op(y[at…], update[i…]), `count` elements of them; op NULL: replaced. */
static void put(const struct ir_eval *e, const struct ir_binary *op, int64_t at, int64_t i,
                int64_t count) {
    enum ir_dtype t = ir_in(e->n, 0)->dtype;
    size_t size = ir_dtype_size(t);
    char *y = ir_eval_out(e, 0);
    const char *update = ir_eval_in(e, 2);
    if (op == NULL && count > 0)
        memcpy(y + (size_t)at * size, update + (size_t)i * size, (size_t)count * size);
    for (int64_t k = 0; op != NULL && k < count; k++)
        ir_binary_at(op, t, y, at + k, update, i + k, y, at + k);
}

static const struct ir_binary *start_scatter(const struct ir_eval *e) {
    const struct ir_value *v = ir_in(e->n, 0);
    size_t bytes = (size_t)ir_elements(v) * ir_dtype_size(v->dtype);
    if (bytes > 0) memcpy(ir_eval_out(e, 0), ir_eval_in(e, 0), bytes);
    return ir_binary_by_name(ir_attr_string(e->n, "reduction"));
}

bool ir_eval_scatterelements(const struct ir_eval *e) {
    const struct ir_value *v = ir_in(e->n, 0);
    const struct ir_binary *op = start_scatter(e);
    int axis = ir_axis(ir_attr_int(e->n, "axis"), v->rank);
    int64_t count = ir_elements(ir_in(e->n, 1));
    for (int64_t i = 0; i < count; i++) {
        int64_t at = element_at(e, v, axis, i);
        if (at < 0) return false;
        put(e, op, at, i, 1);
    }
    return true;
}

/* --- by tuples: the last dimension of the indices is a place --- */

/* Where in `data` tuple i leads, from dimension `first` on; −1 after saying that it is outside. */
static int64_t tuple_at(const struct ir_eval *e, const struct ir_value *data, int first,
                        int64_t i) {
    const struct ir_value *list = ir_in(e->n, 1);
    int64_t strides[IR_MAX_RANK], at = 0, n = list->dims[list->rank - 1];
    ir_strides_of(data, strides);
    for (int64_t k = 0; k < n; k++) {
        int64_t index = index_at(e, 1, i * n + k, data->dims[first + k]);
        if (index < 0) return -1;
        at += index * strides[first + k];
    }
    return at;
}

bool ir_eval_gathernd(const struct ir_eval *e) {
    const struct ir_value *v = ir_in(e->n, 0), *list = ir_in(e->n, 1);
    int batch = (int)ir_attr_int(e->n, "batch_dims"), n = (int)list->dims[list->rank - 1];
    int64_t images = ir_product(batch, v->dims);
    int64_t block = ir_product(v->rank - batch - n, v->dims + batch + n);
    int64_t tuples = ir_product(list->rank - 1 - batch, list->dims + batch);
    size_t bytes = (size_t)block * ir_dtype_size(v->dtype);
    int64_t image = ir_product(v->rank - batch, v->dims + batch);
    char *out = ir_eval_out(e, 0);
    for (int64_t i = 0; i < images * tuples; i++, out += bytes) {
        int64_t at = tuple_at(e, v, batch, i);
        if (at < 0) return false;
        at += i / tuples * image;
        if (bytes > 0)
            memcpy(out, (const char *)ir_eval_in(e, 0) + (size_t)at * ir_dtype_size(v->dtype),
                   bytes);
    }
    return true;
}

bool ir_eval_scatternd(const struct ir_eval *e) {
    const struct ir_value *v = ir_in(e->n, 0), *list = ir_in(e->n, 1);
    const struct ir_binary *op = start_scatter(e);
    int n = (int)list->dims[list->rank - 1];
    int64_t block = ir_product(v->rank - n, v->dims + n);
    int64_t tuples = ir_product(list->rank - 1, list->dims);
    for (int64_t i = 0; i < tuples; i++) {
        int64_t at = tuple_at(e, v, 0, i);
        if (at < 0) return false;
        put(e, op, at, i * block, block);
    }
    return true;
}

/* --- one-hot --- */

/* Indices outside −depth…depth − 1 are off everywhere. */
bool ir_eval_onehot(const struct ir_eval *e) {
    const struct ir_value *list = ir_in(e->n, 0), *y = e->n->out[0];
    int axis = ir_axis(ir_attr_int(e->n, "axis"), y->rank);
    int64_t depth = y->dims[axis], inner = ir_product(y->rank - axis - 1, y->dims + axis + 1);
    size_t size = ir_dtype_size(y->dtype);
    int64_t count = ir_elements(y);
    for (int64_t i = 0; i < count; i++) {
        int64_t from = i / (depth * inner) * inner + i % inner;
        int64_t hot = ir_whole_of(ir_load_float(list->dtype, ir_eval_in(e, 0), from));
        bool on = (hot < 0 ? hot + depth : hot) == i / inner % depth;
        memcpy((char *)ir_eval_out(e, 0) + (size_t)i * size,
               (const char *)ir_eval_in(e, 2) + (on ? size : 0), size);
    }
    return true;
}
