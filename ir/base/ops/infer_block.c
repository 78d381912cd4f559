/* Shape rules of the operators that cut a tensor into blocks: Split, DepthToSpace, SpaceToDepth.
 * Source: ONNX Split 18, DepthToSpace 13, SpaceToDepth 13. */
#include "base/ops/internal.h"

#include <string.h>

enum { MAX_PARTS = 1 << 16 };

/* The sizes of the parts where a list says them; the outputs may be fewer: those at the end that
 * nothing reads are left out. */
static bool parts_by_list(struct ir_infer *x, int axis, int64_t size) {
    int64_t *sizes = arena_array(x->arena, MAX_PARTS, sizeof *sizes), sum = 0;
    int count;
    bool known;
    if (!ir_int_input(x, 1, sizes, MAX_PARTS, &count, &known)) return false;
    for (int i = 0; i < x->n->out_count; i++) x->out[i].dims[axis] = -1;
    if (!known) return true;
    if (count < x->n->out_count)
        return ir_fail_input(x, 1, arena_printf(x->arena, "%d sizes", x->n->out_count));
    for (int i = 0; i < count; i++) {
        if (sizes[i] < 0 || sizes[i] > IR_MAX_ELEMENTS)
            return ir_fail_input(x, 1, "sizes of at least 0");
        sum += sizes[i];
        if (i < x->n->out_count) x->out[i].dims[axis] = sizes[i];
    }
    if (size < 0 || sum == size) return true;
    return ir_fail_input(x, 1,
                         arena_printf(x->arena, "sizes that add up to %lld, not %lld",
                                      (long long)size, (long long)sum));
}

/* Equal parts, the last one smaller where it does not divide. */
static bool parts_by_number(struct ir_infer *x, int axis, int64_t size) {
    int64_t parts = x->n->out_count;
    if (ir_attr_find(x->n, "num_outputs") != NULL) parts = ir_attr_int(x->n, "num_outputs");
    if (parts < x->n->out_count || parts > MAX_PARTS)
        return ir_fail_attr(x, "num_outputs", "the number of outputs");
    int64_t each = size < 0 ? -1 : (size + parts - 1) / parts;
    for (int i = 0; i < x->n->out_count; i++) {
        int64_t left = size - i * each;
        x->out[i].dims[axis] = size < 0 ? -1 : left > each ? each : left > 0 ? left : 0;
    }
    return true;
}

bool ir_infer_split(struct ir_infer *x) {
    struct ir_type t = ir_type_of(ir_in(x->n, 0));
    for (int i = 0; i < x->n->out_count; i++) x->out[i] = t;
    if (t.rank < 0) return true;
    int axis = ir_axis(ir_attr_int(x->n, "axis"), t.rank);
    if (axis < 0) return ir_fail_attr(x, "axis", arena_printf(x->arena, "an axis of %d", t.rank));
    if (ir_in(x->n, 1) != NULL) return parts_by_list(x, axis, t.dims[axis]);
    return parts_by_number(x, axis, t.dims[axis]);
}

/* An image and a block size; false after saying. */
static bool want_blocks(struct ir_infer *x, int64_t *size) {
    const struct ir_value *v = ir_in(x->n, 0);
    *size = ir_attr_int(x->n, "blocksize");
    if (*size < 1 || *size > 1 << 12) return ir_fail_attr(x, "blocksize", "1…4096");
    x->out[0].dtype = v->dtype;
    if (v->rank < 0) return true;
    if (v->rank != 4) return ir_fail_input(x, 0, "4 dimensions");
    x->out[0] = ir_type_of(v);
    return true;
}

bool ir_infer_depthtospace(struct ir_infer *x) {
    int64_t size, *d = x->out[0].dims;
    const char *mode = ir_attr_string(x->n, "mode");
    if (strcmp(mode, "DCR") != 0 && strcmp(mode, "CRD") != 0)
        return ir_fail_attr(x, "mode", "DCR or CRD");
    if (!want_blocks(x, &size)) return false;
    if (x->out[0].rank < 0) return true;
    if (d[1] >= 0 && d[1] % (size * size) != 0)
        return ir_fail_input(x, 0, "channels that are a multiple of blocksize²");
    if (d[1] >= 0) d[1] /= size * size;
    for (int i = 2; i < 4; i++)
        if (d[i] >= 0) d[i] = d[i] > IR_MAX_ELEMENTS ? INT64_MAX : d[i] * size;
    return true;
}

bool ir_infer_spacetodepth(struct ir_infer *x) {
    int64_t size, *d = x->out[0].dims;
    if (!want_blocks(x, &size)) return false;
    if (x->out[0].rank < 0) return true;
    for (int i = 2; i < 4; i++) {
        if (d[i] >= 0 && d[i] % size != 0)
            return ir_fail_input(x, 0, "rows and columns that are multiples of blocksize");
        if (d[i] >= 0) d[i] /= size;
    }
    if (d[1] >= 0) d[1] = d[1] > IR_MAX_ELEMENTS ? INT64_MAX : d[1] * size * size;
    return true;
}
