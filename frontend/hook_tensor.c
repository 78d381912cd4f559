/* Arithmetic with the broadcasting of old, padding, casts, constants: what the rows of import.def
 * cannot say. Source: ONNX Add, Sub, Mul, Div, Pad, Cast, Constant, all versions. */
#include "frontend/import.h"

#include <onnx/onnx.pb-c.h>

#include "frontend/diag.h"

#include <string.h>

struct ir_value *fe_extended(struct fe_node *n, struct ir_value *b, int ones) {
    struct ir_graph *g = n->s->g;
    const char *name = fe_fresh_name(n->s, b->name);
    int64_t dims[IR_MAX_RANK], axes[IR_MAX_RANK];
    for (int i = 0; i < b->rank; i++) dims[i] = b->dims[i];
    for (int i = 0; i < ones; i++) {
        dims[b->rank + i] = 1;
        axes[i] = b->rank + i;
    }
    if (ir_is_const(b)) return ir_const_new(g, name, b->dtype, b->rank + ones, dims, b->data);
    struct ir_value *in[2] = {
        b, fe_const_ints(n->s, arena_printf(n->s->arena, "%s.axes", name), 1, axes, ones)};
    struct ir_value *v = ir_value_new(g, name, b->dtype, b->rank + ones, dims);
    ir_node_new(g, NULL, IR_OP_unsqueeze, name, in, 2, &v, 1);
    return v;
}

/* Opsets 1…6: with broadcast=1, axis says which dimension of a the first one of b belongs to. */
void fe_hook_arithmetic(struct fe_node *n) {
    const Onnx__AttributeProto *axis = n->s->opset < 7 ? fe_attr(n, "axis") : NULL;
    const Onnx__AttributeProto *on = n->s->opset < 7 ? fe_attr(n, "broadcast") : NULL;
    if (!axis || !on || !on->i || n->in_count < 2 || !n->in[0] || !n->in[1]) return;
    const struct ir_value *a = n->in[0];
    struct ir_value *b = n->in[1];
    if (a->rank < 0 || b->rank < 0) return;
    int64_t at = axis->i < 0 && axis->i >= -a->rank ? axis->i + a->rank : axis->i;
    if (at < 0 || at > a->rank - b->rank) {
        char as[FE_SHAPE_TEXT], bs[FE_SHAPE_TEXT];
        diag(n->s->c, fe_axis, n->where, (long long)axis->i, 0,
             a->rank > b->rank ? a->rank - b->rank : 0, fe_shape_text(as, (size_t)a->rank, a->dims),
             fe_shape_text(bs, (size_t)b->rank, b->dims));
        return;
    }
    int ones = a->rank - b->rank - (int)at;
    if (ones > 0) n->in[1] = fe_extended(n, b, ones);
}

static const int64_t *const_ints(const struct ir_value *v) {
    return v && ir_is_const(v) && v->dtype == IR_I64 ? v->data : NULL;
}

/* Opset 18 lets pads speak of some axes only (input 4): where both are known they are written out
 * for all, which is what passes look for. */
void fe_hook_pad(struct fe_node *n) {
    if (n->s->opset < 18 || n->in_count < 4 || !n->in[3] || !n->in[1] || n->blind) return;
    const int64_t *axes = const_ints(n->in[3]), *pads = const_ints(n->in[1]);
    int64_t count = ir_elements(n->in[3]), full[2 * IR_MAX_RANK] = {0};
    int rank = n->in[0] ? n->in[0]->rank : -1;
    if (!axes || !pads || rank < 0 || count > rank || ir_elements(n->in[1]) != 2 * count) return;
    for (int64_t i = 0; i < count; i++) {
        int64_t axis = axes[i] < 0 ? axes[i] + rank : axes[i];
        if (axis < 0 || axis >= rank) return; /* the shape rule says it */
        full[axis] = pads[i];
        full[axis + rank] = pads[count + i];
    }
    n->in[1] = fe_const_ints(n->s, n->in[1]->name, 1, full, 2 * rank);
    n->in_count = 3;
}

/* The type is a name before opset 6, then a number. */
void fe_hook_cast(struct fe_node *n) {
    const Onnx__AttributeProto *to = fe_attr(n, "to");
    const char *known = fe_dtype_names(n->s->arena);
    if (!to) {
        diag(n->s->c, fe_attr_missing, n->where, "to");
        return;
    }
    bool named = n->s->opset < 6;
    const struct fe_dtype *d =
        named ? fe_dtype_by_name((const char *)to->s.data, to->s.len) : fe_dtype(to->i);
    if (d && d->ir != IR_DTYPE_COUNT) {
        fe_node_set_string(n, "to", ir_dtype_name(d->ir));
        if (!d->bytes) fe_node_set_string(n, "form", d->name);
    } else if (named)
        diag(n->s->c, fe_cast_name, n->where,
             arena_strndup(n->s->arena, (const char *)to->s.data, to->s.len), known);
    else
        diag(n->s->c, fe_cast_type, n->where, d ? d->name : "an unknown type", (long long)to->i,
             known);
}

/* The type of the result is a number, and the input's where there is none. */
void fe_hook_eyelike(struct fe_node *n) {
    const Onnx__AttributeProto *to = fe_attr(n, "dtype");
    const struct fe_dtype *d = to ? fe_dtype(to->i) : NULL;
    if (d && d->ir != IR_DTYPE_COUNT)
        fe_node_set_string(n, "to", ir_dtype_name(d->ir));
    else if (to)
        diag(n->s->c, fe_cast_type, n->where, d ? d->name : "an unknown type", (long long)to->i,
             fe_dtype_names(n->s->arena));
}

/* Opsets 1…5: how often, and along which axis, are inputs 2 and 3, one number each. */
void fe_hook_tile(struct fe_node *n) {
    int64_t full[IR_MAX_RANK];
    const struct ir_value *x = n->in_count == 3 ? n->in[0] : NULL;
    if (n->s->opset > 5 || !x || x->rank < 0) return;
    const struct ir_value *times = n->in[1], *axis = n->in[2];
    for (int i = 1; i < 3; i++)
        if (!n->in[i] || !ir_is_const(n->in[i]) || ir_elements(n->in[i]) != 1 ||
            n->in[i]->dtype != IR_I64) {
            diag(n->s->c, fe_not_constant, n->where, i + 1, n->in[i] ? n->in[i]->name : "");
            return;
        }
    int64_t at = *(const int64_t *)axis->data;
    if (at < 0 || at >= x->rank) {
        diag(n->s->c, fe_axis_range, n->where, (long long)at, x->rank - 1);
        return;
    }
    for (int i = 0; i < x->rank; i++) full[i] = i == at ? *(const int64_t *)times->data : 1;
    n->in[1] =
        fe_const_ints(n->s, arena_printf(n->s->arena, "%s.times", n->name), 1, full, x->rank);
    n->in_count = 2;
}

/* The attribute becomes input 1. */
void fe_hook_fill(struct fe_node *n) {
    const Onnx__AttributeProto *value = fe_attr(n, "value");
    if (!value || !value->t || n->in_count != 1) return;
    const char *name = fe_fresh_name(n->s, arena_printf(n->s->arena, "%s.value", n->name));
    n->in[n->in_count++] = fe_tensor(n->s, value->t, name, n->where);
}

static struct ir_value *constant_of(struct fe_node *n, const Onnx__AttributeProto *a) {
    const char *name = n->out_count ? n->out[0] : n->name;
    struct arena *arena = n->s->g->arena;
    if (!strcmp(a->name, "value") && a->t) return fe_tensor(n->s, a->t, name, n->where);
    bool list = !strcmp(a->name, "value_ints") || !strcmp(a->name, "value_floats");
    bool ints = !strcmp(a->name, "value_ints") || !strcmp(a->name, "value_int");
    if (!ints && strncmp(a->name, "value_float", 11) != 0) {
        diag(n->s->c, fe_constant_kind, n->where, a->name);
        return NULL;
    }
    size_t count = !list ? 1 : ints ? a->n_ints : a->n_floats;
    const void *from = ints ? (const void *)(list ? a->ints : &a->i) : list ? a->floats : &a->f;
    int64_t dims[1] = {(int64_t)count};
    size_t size = ints ? sizeof(int64_t) : sizeof(float);
    return ir_const_new(n->s->g, name, ints ? IR_I64 : IR_F32, list, dims,
                        arena_copy(arena, from, count * size));
}

/* Not a node any more: a constant value under the output's name. */
void fe_hook_constant(struct fe_node *n) {
    n->done = true;
    if (n->proto->n_attribute != 1 || !n->proto->attribute[0]->name || n->out_count != 1) {
        diag(n->s->c, fe_constant_values, n->where, (int)n->proto->n_attribute);
        return;
    }
    struct ir_value *v = constant_of(n, n->proto->attribute[0]);
    if (v && n->out[0][0]) fe_names_find(&n->s->names, n->out[0])->value = v;
}
