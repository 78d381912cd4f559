/* Shape inference: what is done around every rule, what the rules share, and the arithmetic
 * operators with ONNX semantics. infer_shape.c has those that only move elements. */
#include "base/ops/internal.h"

#include <string.h>

static const char *where(const struct ir_infer *x) {
    return ir_node_where(x->arena, x->n);
}

struct ir_type ir_type_of(const struct ir_value *v) {
    struct ir_type t = {.dtype = v == NULL ? IR_F32 : v->dtype, .rank = v == NULL ? -1 : v->rank};
    if (v != NULL) memcpy(t.dims, v->dims, sizeof t.dims);
    return t;
}

bool ir_fail_input(struct ir_infer *x, int index, const char *expected) {
    const struct ir_value *v = ir_in(x->n, index);
    if (v == NULL)
        diag(x->ctx, ir_input_missing, where(x), index, expected);
    else
        diag(x->ctx, ir_input_bad, where(x), index, v->name, ir_type_text(x->arena, v), expected);
    return false;
}

static const char *attr_text(struct ir_infer *x, const char *name) {
    const struct ir_attr *a = ir_attr_find(x->n, name);
    if (a == NULL) return "absent";
    if (a->kind == IR_ATTR_STRING) return arena_printf(x->arena, "\"%s\"", a->s);
    if (a->kind == IR_ATTR_FLOAT) return arena_printf(x->arena, "%g", a->f);
    if (a->kind == IR_ATTR_INT) return arena_printf(x->arena, "%lld", (long long)a->i);
    struct writer w;
    writer_init(&w, x->arena);
    for (int i = 0; i < a->count && i < 16; i++)
        write_text(&w, "%s%lld", i > 0 ? "," : "[", (long long)a->ints[i]);
    write_text(&w, a->count == 0 ? "[]" : a->count > 16 ? ",…]" : "]");
    return writer_string(&w);
}

bool ir_fail_attr(struct ir_infer *x, const char *name, const char *expected) {
    diag(x->ctx, ir_attr_bad, where(x), name, attr_text(x, name), expected);
    return false;
}

bool ir_want(struct ir_infer *x, int index, int rank, enum ir_dtype t) {
    const struct ir_value *v = ir_in(x->n, index);
    if (v != NULL && v->dtype == t && (rank < 0 || v->rank < 0 || v->rank == rank)) return true;
    const char *type = ir_dtype_name(t);
    if (rank < 0) return ir_fail_input(x, index, type);
    return ir_fail_input(x, index, arena_printf(x->arena, "%s of %d dimensions", type, rank));
}

bool ir_want_dim(struct ir_infer *x, int index, int dim, int64_t expected, const char *because) {
    const struct ir_value *v = ir_in(x->n, index);
    if (v == NULL || v->rank <= dim || v->dims[dim] < 0 || expected < 0) return true;
    if (v->dims[dim] == expected) return true;
    diag(x->ctx, ir_dim_bad, where(x), dim, index, v->name, ir_type_text(x->arena, v),
         (long long)v->dims[dim], (long long)expected, because);
    return false;
}

bool ir_same_as_input(struct ir_infer *x) {
    x->out[0] = ir_type_of(ir_in(x->n, 0));
    return true;
}

static const char *range_text(struct arena *a, int min, int max) {
    return max < 0 ? arena_printf(a, "%d or more", min) : arena_printf(a, "%d…%d", min, max);
}

/* Counts of inputs and outputs; the verifier relies on it as well. */
static bool check_arity(struct ir_infer *x) {
    const struct ir_node *n = x->n;
    const struct ir_op_info *info = ir_op_info(n->op);
    bool ok = true;
    if (n->in_count < info->min_in || (info->max_in >= 0 && n->in_count > info->max_in)) {
        const char *range = range_text(x->arena, info->min_in, info->max_in);
        diag(x->ctx, ir_arity, where(x), n->in_count, "inputs", range);
        ok = false;
    }
    if (n->out_count < info->min_out || (info->max_out >= 0 && n->out_count > info->max_out)) {
        const char *range = range_text(x->arena, info->min_out, info->max_out);
        diag(x->ctx, ir_arity, where(x), n->out_count, "outputs", range);
        ok = false;
    }
    for (int i = 0; ok && i < info->min_in; i++)
        if (n->in[i] == NULL) ok = ir_fail_input(x, i, "a value");
    if (ok && info->max_in < 0)
        for (int i = 0; i < n->in_count; i++)
            if (n->in[i] == NULL) ok = ir_fail_input(x, i, "a value");
    return ok;
}

static bool check_size(struct ir_infer *x, const struct ir_type *t) {
    struct writer shape;
    if (ir_shape_fits(t->rank, t->dims)) return true;
    writer_init(&shape, x->arena);
    ir_write_shape(&shape, t->rank, t->dims);
    diag(x->ctx, ir_output_large, where(x), (long long)IR_MAX_ELEMENTS, writer_string(&shape));
    return false;
}

/* Rules compute with dimensions: none overflows. */
static bool check_inputs(struct ir_infer *x) {
    for (int i = 0; i < x->n->in_count; i++) {
        const struct ir_value *v = x->n->in[i];
        if (v == NULL || ir_shape_fits(v->rank, v->dims)) continue;
        const char *most = arena_printf(x->arena, "at most %lld elements, zeros left out",
                                        (long long)IR_MAX_ELEMENTS);
        return ir_fail_input(x, i, most);
    }
    return true;
}

bool ir_rule_types(const struct ir_rule *rule, struct arena *a, const struct ir_node *n,
                   const struct ir_tensor *values, struct ir_type *out) {
    struct ir_infer x = {.ctx = arena_ctx(a), .arena = a, .n = n, .values = values};
    int most = ir_op_info(n->op)->max_out, room = n->out_count > most ? n->out_count : most;
    x.out = arena_array(a, (size_t)room, sizeof *x.out);
    for (int i = 0; i < room; i++) {
        x.out[i].rank = -1;
        for (int d = 0; d < IR_MAX_RANK; d++) x.out[i].dims[d] = -1;
        if (i < n->out_count) x.out[i].dtype = n->out[i]->dtype;
    }
    if (!check_arity(&x) || !check_inputs(&x) || !rule->types(&x)) return false;
    for (int i = 0; i < n->out_count; i++)
        if (!check_size(&x, &x.out[i])) return false;
    memcpy(out, x.out, (size_t)n->out_count * sizeof *out);
    return true;
}

bool ir_op_types(struct arena *a, const struct ir_node *n, const struct ir_tensor *values,
                 struct ir_type *out) {
    return ir_rule_types(ir_float_rule(n->op), a, n, values, out);
}

/* --- arithmetic --- */

bool ir_infer_relu(struct ir_infer *x) {
    if (ir_in(x->n, 0)->dtype == IR_BOOL) return ir_fail_input(x, 0, "numbers");
    return ir_same_as_input(x);
}

bool ir_infer_function(struct ir_infer *x) {
    return ir_want(x, 0, -1, IR_F32) && ir_same_as_input(x);
}

bool ir_infer_clip(struct ir_infer *x) {
    enum ir_dtype t = ir_in(x->n, 0)->dtype;
    if (t == IR_BOOL) return ir_fail_input(x, 0, "numbers");
    for (int i = 1; i <= 2; i++) {
        const struct ir_value *bound = ir_in(x->n, i);
        if (bound == NULL) continue;
        int64_t count = ir_elements(bound);
        if (bound->dtype != t || (count >= 0 && count != 1))
            return ir_fail_input(x, i, arena_printf(x->arena, "one %s", ir_dtype_name(t)));
    }
    return ir_same_as_input(x);
}

bool ir_infer_softmax(struct ir_infer *x) {
    const struct ir_value *v = ir_in(x->n, 0);
    if (!ir_want(x, 0, -1, IR_F32)) return false;
    int64_t axis = ir_attr_int(x->n, "axis");
    bool flat = ir_attr_int(x->n, "flat") != 0; /* there the axis may be the rank: rows of one */
    if (v->rank >= 0 && ir_axis(axis, v->rank) < 0 && !(flat && axis == v->rank))
        return ir_fail_attr(x, "axis", arena_printf(x->arena, "an axis of %d", v->rank));
    return ir_same_as_input(x);
}

bool ir_infer_cast(struct ir_infer *x) {
    const char *to = ir_attr_string(x->n, "to");
    enum ir_dtype t = to == NULL ? IR_DTYPE_COUNT : ir_dtype_by_name(to);
    if (t == IR_DTYPE_COUNT) return ir_fail_attr(x, "to", "an element type (f32, i64, …)");
    const char *form = ir_attr_string(x->n, "form"), *mode = ir_attr_string(x->n, "round_mode");
    const struct ir_narrow *narrow = ir_narrow_by_name(form);
    if (form != NULL && (narrow == NULL || ir_narrow_is_int(narrow) == ir_is_float(t)))
        return ir_fail_attr(x, "form", "a type narrower than the one in to: float8e4m3fn, int4, …");
    if (strcmp(mode, "up") != 0 && strcmp(mode, "down") != 0 && strcmp(mode, "nearest") != 0)
        return ir_fail_attr(x, "round_mode", "up, down or nearest");
    ir_same_as_input(x);
    x->out[0].dtype = t;
    return true;
}
