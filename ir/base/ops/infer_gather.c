/* Shape rules of the operators that take elements by indices, and of those that make tensors of a
 * shape asked for, with ONNX semantics: eval_gather.c and eval_make.c compute them. */
#include "base/ops/internal.h"

#include <math.h>
#include <string.h>

static bool fail_rank(struct ir_infer *x, int rank) {
    diag(x->ctx, ir_rank_large, ir_node_where(x->arena, x->n), rank, IR_MAX_RANK);
    return false;
}

static bool want_indices(struct ir_infer *x, int index) {
    enum ir_dtype t = ir_in(x->n, index)->dtype;
    return t == IR_I64 || t == IR_I32 || ir_fail_input(x, index, "i64 or i32");
}

static bool axis_of(struct ir_infer *x, int rank, int *axis) {
    *axis = ir_axis(ir_attr_int(x->n, "axis"), rank);
    return *axis >= 0 || ir_fail_attr(x, "axis", arena_printf(x->arena, "an axis of %d", rank));
}

bool ir_infer_gather(struct ir_infer *x) {
    struct ir_type t = ir_type_of(ir_in(x->n, 0)), rows = ir_type_of(ir_in(x->n, 1));
    struct ir_type *y = &x->out[0];
    int axis;
    y->dtype = t.dtype;
    if (!want_indices(x, 1)) return false;
    if (t.rank < 0 || rows.rank < 0) return true;
    if (!axis_of(x, t.rank, &axis)) return false;
    if (t.rank - 1 + rows.rank > IR_MAX_RANK) return fail_rank(x, t.rank - 1 + rows.rank);
    y->rank = 0;
    for (int i = 0; i < axis; i++) y->dims[y->rank++] = t.dims[i];
    for (int i = 0; i < rows.rank; i++) y->dims[y->rank++] = rows.dims[i];
    for (int i = axis + 1; i < t.rank; i++) y->dims[y->rank++] = t.dims[i];
    return true;
}

/* The indices have as many dimensions as the data, and are no larger but along the axis. */
static bool by_elements(struct ir_infer *x) {
    struct ir_type t = ir_type_of(ir_in(x->n, 0)), list = ir_type_of(ir_in(x->n, 1));
    int axis;
    if (!want_indices(x, 1)) return false;
    if (t.rank < 0 || list.rank < 0) return true;
    if (!axis_of(x, t.rank, &axis)) return false;
    if (list.rank != t.rank)
        return ir_fail_input(x, 1, arena_printf(x->arena, "%d dimensions", t.rank));
    for (int i = 0; i < t.rank; i++)
        if (i != axis && t.dims[i] >= 0 && list.dims[i] > t.dims[i])
            return ir_fail_input(x, 1, "indices within the dimensions of input 0");
    return true;
}

bool ir_infer_gatherelements(struct ir_infer *x) {
    if (!by_elements(x)) return false;
    x->out[0] = ir_type_of(ir_in(x->n, 1));
    x->out[0].dtype = ir_in(x->n, 0)->dtype;
    return true;
}

/* The updates are as large as `want`. */
static bool want_updates(struct ir_infer *x, const struct ir_type *want) {
    const struct ir_value *v = ir_in(x->n, 2);
    const char *reduction = ir_attr_string(x->n, "reduction");
    if (strcmp(reduction, "none") != 0 && ir_binary_by_name(reduction) == NULL)
        return ir_fail_attr(x, "reduction", "none, add, mul, max or min");
    if (!ir_want(x, 2, -1, ir_in(x->n, 0)->dtype)) return false;
    if (want->rank >= 0 && !ir_type_agrees(v, want)) {
        struct writer w;
        writer_init(&w, x->arena);
        ir_write_shape(&w, want->rank, want->dims);
        return ir_fail_input(x, 2, writer_string(&w));
    }
    return ir_same_as_input(x);
}

bool ir_infer_scatterelements(struct ir_infer *x) {
    struct ir_type want = ir_type_of(ir_in(x->n, 1));
    want.dtype = ir_in(x->n, 0)->dtype;
    return by_elements(x) && want_updates(x, &want);
}

/* What tuples of indices lead to: their own dimensions, and those of the data they leave over.
 * False after saying why; rank −1: not known. */
static bool by_tuples(struct ir_infer *x, int batch, struct ir_type *out) {
    struct ir_type t = ir_type_of(ir_in(x->n, 0)), list = ir_type_of(ir_in(x->n, 1));
    *out = (struct ir_type){.dtype = t.dtype, .rank = -1};
    if (!want_indices(x, 1)) return false;
    if (t.rank < 0 || list.rank < 0) return true;
    if (list.rank <= batch) return ir_fail_input(x, 1, "more dimensions");
    int64_t n = list.dims[list.rank - 1];
    if (n < 0) return true;
    if (n > t.rank - batch)
        return ir_fail_input(x, 1, arena_printf(x->arena, "tuples of %d at most", t.rank - batch));
    int left = t.rank - batch - (int)n;
    if (list.rank - 1 + left > IR_MAX_RANK) return fail_rank(x, list.rank - 1 + left);
    out->rank = 0;
    for (int i = 0; i < list.rank - 1; i++) out->dims[out->rank++] = list.dims[i];
    for (int i = t.rank - left; i < t.rank; i++) out->dims[out->rank++] = t.dims[i];
    return true;
}

bool ir_infer_gathernd(struct ir_infer *x) {
    int64_t batch = ir_attr_int(x->n, "batch_dims");
    const struct ir_value *v = ir_in(x->n, 0);
    if (batch < 0 || batch >= IR_MAX_RANK || (v->rank >= 0 && batch >= v->rank))
        return ir_fail_attr(x, "batch_dims", "fewer than the dimensions of input 0");
    for (int i = 0; i < batch; i++)
        if (v->rank >= 0 && !ir_want_dim(x, 1, i, v->dims[i], "a batch dimension")) return false;
    return by_tuples(x, (int)batch, &x->out[0]);
}

bool ir_infer_scatternd(struct ir_infer *x) {
    struct ir_type want;
    return by_tuples(x, 0, &want) && want_updates(x, &want);
}

/* --- made of a shape asked for --- */

/* One number of an input, where it is known. False after saying that it is none. */
static bool one_int(struct ir_infer *x, int index, int64_t *v, bool *known) {
    int count;
    if (!ir_int_input(x, index, v, 1, &count, known)) return false;
    return !*known || count == 1 || ir_fail_input(x, index, "one integer");
}

bool ir_infer_onehot(struct ir_infer *x) {
    struct ir_type t = ir_type_of(ir_in(x->n, 0));
    const struct ir_value *size = ir_in(x->n, 1), *values = ir_in(x->n, 2);
    const void *data = ir_infer_data(x, size);
    x->out[0].dtype = values->dtype;
    if (ir_elements(values) >= 0 && ir_elements(values) != 2)
        return ir_fail_input(x, 2, "two elements: off and on");
    if (t.rank < 0) return true;
    if (t.rank == IR_MAX_RANK) return fail_rank(x, t.rank + 1);
    int axis = ir_axis(ir_attr_int(x->n, "axis"), t.rank + 1);
    if (axis < 0)
        return ir_fail_attr(x, "axis", arena_printf(x->arena, "an axis of %d", t.rank + 1));
    int64_t depth = -1;
    if (data != NULL) {
        if (ir_elements(size) != 1) return ir_fail_input(x, 1, "one number");
        depth = ir_whole_of(ir_load_float(size->dtype, data, 0));
        if (depth < 1) return ir_fail_input(x, 1, "1 or more");
    }
    x->out[0].rank = t.rank + 1;
    for (int i = 0, from = 0; i <= t.rank; i++)
        x->out[0].dims[i] = i == axis ? depth : t.dims[from++];
    return true;
}

bool ir_infer_tile(struct ir_infer *x) {
    struct ir_type t = ir_type_of(ir_in(x->n, 0));
    int64_t times[IR_MAX_RANK];
    int count;
    bool known;
    if (!ir_int_input(x, 1, times, IR_MAX_RANK, &count, &known)) return false;
    x->out[0] = t;
    if (known && t.rank >= 0 && count != t.rank)
        return ir_fail_input(x, 1, arena_printf(x->arena, "%d integers", t.rank));
    for (int i = 0; i < t.rank; i++) {
        if (known && (times[i] < 0 || times[i] > IR_MAX_ELEMENTS))
            return ir_fail_input(x, 1, "how often, 0 or more");
        x->out[0].dims[i] = known && t.dims[i] >= 0 ? t.dims[i] * times[i] : -1;
    }
    return true;
}

bool ir_infer_size(struct ir_infer *x) {
    x->out[0].dtype = IR_I64;
    x->out[0].rank = 0;
    return true;
}

bool ir_infer_constantofshape(struct ir_infer *x) {
    const struct ir_value *fill = ir_in(x->n, 1);
    struct ir_type *y = &x->out[0];
    bool known;
    int rank;
    int64_t dims[IR_MAX_RANK];
    y->dtype = fill == NULL ? IR_F32 : fill->dtype;
    if (fill != NULL && ir_elements(fill) != 1) return ir_fail_input(x, 1, "one element");
    if (!ir_int_input(x, 0, dims, IR_MAX_RANK, &rank, &known)) return false;
    if (!known) return true;
    for (int i = 0; i < rank; i++)
        if (dims[i] < 0) return ir_fail_input(x, 0, "dimensions of 0 or more");
    y->rank = rank;
    memcpy(y->dims, dims, sizeof dims);
    return true;
}

/* As many as lie from the start on before the limit. */
bool ir_infer_range(struct ir_infer *x) {
    enum ir_dtype t = ir_in(x->n, 0)->dtype;
    double v[3];
    bool known = true;
    if (t == IR_BOOL) return ir_fail_input(x, 0, "numbers");
    x->out[0].dtype = t;
    x->out[0].rank = 1;
    for (int i = 0; i < 3; i++) {
        const struct ir_value *in = ir_in(x->n, i);
        if (!ir_want(x, i, -1, t)) return false;
        if (ir_elements(in) >= 0 && ir_elements(in) != 1) return ir_fail_input(x, i, "one number");
        const void *data = ir_infer_data(x, in);
        known = known && data != NULL;
        if (known) v[i] = ir_load_float(t, data, 0);
    }
    if (!known) return true;
    double count = ceil((v[1] - v[0]) / v[2]);
    if (v[2] == 0 || !(count <= (double)IR_MAX_ELEMENTS))
        return ir_fail_input(x, 2, "a step other than 0 that makes a tensor of bearable size");
    x->out[0].dims[0] = count > 0 ? (int64_t)count : 0;
    return true;
}

bool ir_infer_trilu(struct ir_infer *x) {
    int rank = ir_in(x->n, 0)->rank;
    int64_t k;
    bool known;
    if (rank == 0 || rank == 1) return ir_fail_input(x, 0, "2 or more dimensions");
    return one_int(x, 1, &k, &known) && ir_same_as_input(x);
}

bool ir_infer_eyelike(struct ir_infer *x) {
    const char *to = ir_attr_string(x->n, "to");
    if (!ir_want(x, 0, 2, ir_in(x->n, 0)->dtype)) return false;
    ir_same_as_input(x);
    if (to != NULL) x->out[0].dtype = ir_dtype_by_name(to);
    return x->out[0].dtype != IR_DTYPE_COUNT || ir_fail_attr(x, "to", "an element type (f32, …)");
}
