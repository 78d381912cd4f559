/* The oracle's operators that only move elements of any type. Source: ONNX Slice 13, Pad 13,
 * Transpose 13, Concat 13, Shape 15. */
#include "base/ops/internal.h"

#include <string.h>

static size_t element_size(const struct ir_eval *e) {
    return ir_dtype_size(e->n->out[0]->dtype);
}

static bool copy_all(const struct ir_eval *e) {
    size_t bytes = (size_t)ir_elements(e->n->out[0]) * element_size(e);
    if (bytes > 0) memcpy(ir_eval_out(e, 0), ir_eval_in(e, 0), bytes);
    return true;
}

bool ir_eval_identity(const struct ir_eval *e) {
    return copy_all(e);
}
bool ir_eval_reshape(const struct ir_eval *e) {
    return copy_all(e);
}
bool ir_eval_flatten(const struct ir_eval *e) {
    return copy_all(e);
}
bool ir_eval_squeeze(const struct ir_eval *e) {
    return copy_all(e);
}
bool ir_eval_unsqueeze(const struct ir_eval *e) {
    return copy_all(e);
}

bool ir_eval_dropout(const struct ir_eval *e) {
    if (e->n->out_count > 1) memset(ir_eval_out(e, 1), 1, (size_t)ir_elements(e->n->out[1]));
    return copy_all(e);
}

static inline __attribute__((always_inline)) void
copy_elements(char *to, const char *from, int64_t count, int64_t step, size_t size) {
    for (int64_t i = 0; i < count; i++, to += size)
        memcpy(to, from + i * step * (int64_t)size, size);
}

/* Elements `step` apart, with the sizes there are known to the compiler. */
static void copy_run(char *to, const char *from, int64_t count, int64_t step, size_t size) {
    if (step == 1)
        memcpy(to, from, (size_t)count * size);
    else if (size == 1)
        copy_elements(to, from, count, step, 1);
    else if (size == 2)
        copy_elements(to, from, count, step, 2);
    else if (size == 4)
        copy_elements(to, from, count, step, 4);
    else
        copy_elements(to, from, count, step, 8);
}

void ir_gather_strided(const struct ir_eval *e, int64_t start, const int64_t *steps) {
    const struct ir_value *y = e->n->out[0];
    const char *x = ir_eval_in(e, 0);
    char *out = ir_eval_out(e, 0);
    size_t size = element_size(e);
    int64_t index[IR_MAX_RANK] = {0}, from = start, count = ir_elements(y);
    int last = y->rank - 1;
    int64_t run = last < 0 ? 1 : y->dims[last], step = last < 0 ? 1 : steps[last];
    for (int64_t i = 0; i < count; i += run) {
        copy_run(out + (size_t)i * size, x + (size_t)from * size, run, step, size);
        for (int d = last - 1; d >= 0; d--) {
            from += steps[d];
            if (++index[d] < y->dims[d]) break;
            from -= steps[d] * y->dims[d];
            index[d] = 0;
        }
    }
}

void ir_strides_of(const struct ir_value *v, int64_t *strides) {
    int64_t step = 1;
    for (int i = v->rank - 1; i >= 0; i--) {
        strides[i] = step;
        step *= v->dims[i];
    }
}

bool ir_eval_transpose(const struct ir_eval *e) {
    const struct ir_value *v = ir_in(e->n, 0);
    int64_t strides[IR_MAX_RANK], steps[IR_MAX_RANK] = {0};
    int count;
    const int64_t *perm = ir_attr_ints(e->n, "perm", &count);
    ir_strides_of(v, strides);
    for (int i = 0; i < v->rank; i++) steps[i] = strides[perm == NULL ? v->rank - 1 - i : perm[i]];
    ir_gather_strided(e, 0, steps);
    return true;
}

bool ir_eval_ints(const struct ir_eval *e, int i, int64_t *out, int max, int *count) {
    const struct ir_value *v = ir_in(e->n, i);
    *count = 0;
    if (v == NULL) return true;
    if (!ir_get_ints(v->dtype, ir_eval_in(e, i), ir_elements(v), out, max))
        return ir_eval_fail(e, arena_printf(e->a, "%%%s is no short list of integers", v->name));
    *count = (int)ir_elements(v);
    return true;
}

bool ir_eval_slice(const struct ir_eval *e) {
    const struct ir_value *v = ir_in(e->n, 0), *y = e->n->out[0];
    struct ir_type t = ir_type_of(v);
    int64_t lists[4][IR_MAX_RANK], strides[IR_MAX_RANK], steps[IR_MAX_RANK], start = 0;
    int counts[4];
    struct ir_slice s;
    for (int i = 0; i < 4; i++)
        if (!ir_eval_ints(e, 1 + i, lists[i], IR_MAX_RANK, &counts[i])) return false;
    const int64_t *axes = ir_in(e->n, 3) == NULL ? NULL : lists[2];
    const int64_t *by = ir_in(e->n, 4) == NULL ? NULL : lists[3];
    if (counts[0] > v->rank || counts[1] != counts[0] || (axes != NULL && counts[2] != counts[0]) ||
        (by != NULL && counts[3] != counts[0]) ||
        !ir_slice_resolve(&t, counts[0], lists[0], lists[1], axes, by, &s))
        return ir_eval_fail(e, "the lists of starts, ends, axes and steps do not fit");
    ir_strides_of(v, strides);
    for (int i = 0; i < v->rank; i++) {
        if (s.count[i] != y->dims[i]) return ir_eval_fail(e, "the output has another shape");
        start += s.start[i] * strides[i];
        steps[i] = s.step[i] * strides[i];
    }
    ir_gather_strided(e, start, steps);
    return true;
}

/* Copies blocks: outer × (count blocks of `block` bytes each). */
bool ir_eval_concat_along(const struct ir_eval *e, int axis) {
    const struct ir_value *y = e->n->out[0];
    char *out = ir_eval_out(e, 0);
    int64_t outer = ir_product(axis, y->dims);
    int64_t inner = ir_product(y->rank - axis - 1, y->dims + axis + 1);
    for (int64_t o = 0; o < outer; o++)
        for (int i = 0; i < e->n->in_count; i++) {
            size_t block = (size_t)(ir_in(e->n, i)->dims[axis] * inner) * element_size(e);
            if (block > 0) memcpy(out, (const char *)ir_eval_in(e, i) + (size_t)o * block, block);
            out += block;
        }
    return true;
}

bool ir_eval_concat(const struct ir_eval *e) {
    return ir_eval_concat_along(e, ir_axis(ir_attr_int(e->n, "axis"), e->n->out[0]->rank));
}

bool ir_eval_shape(const struct ir_eval *e) {
    const struct ir_value *v = ir_in(e->n, 0), *y = e->n->out[0];
    int64_t start = ir_attr_int(e->n, "start");
    if (start < 0) start += v->rank;
    if (start < 0) start = 0;
    for (int64_t i = 0; i < y->dims[0]; i++) ((int64_t *)ir_eval_out(e, 0))[i] = v->dims[start + i];
    return true;
}
