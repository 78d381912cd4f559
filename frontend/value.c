/* Network inputs and outputs: types, shapes, dynamic dimensions (--dim). */
#include "frontend/import.h"

#include <onnx/onnx.pb-c.h>

#include "frontend/diag.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { DIM_MAX = 1 << 30 };

const char *fe_shape_text(char *to, size_t rank, const int64_t *dims) {
    size_t at = 0;
    to[at++] = '[';
    for (size_t i = 0; i < rank && i < IR_MAX_RANK; i++) {
        if (i) to[at++] = 'x';
        if (dims[i] == -1)
            to[at++] = '?';
        else
            at += (size_t)snprintf(to + at, FE_SHAPE_TEXT - at, "%" PRId64, dims[i]);
    }
    snprintf(to + at, FE_SHAPE_TEXT - at, "]");
    return to;
}

int64_t fe_elements(size_t rank, const int64_t *dims, int64_t limit) {
    int64_t n = 1;
    for (size_t i = 0; i < rank; i++)
        if (dims[i] == 0) return 0;
    for (size_t i = 0; i < rank; i++)
        if (__builtin_mul_overflow(n, dims[i], &n) || n > limit) return -1;
    return n;
}

/* A named dimension and its size. */
struct dim {
    const char *name;
    int64_t size; /* 0: none yet */
    bool used, said;
};
struct dims {
    struct dim *rows;
    size_t count, room;
};

static struct dim *dim_find(struct dims *d, const char *name) {
    for (size_t i = 0; i < d->count; i++)
        if (!strcmp(d->rows[i].name, name)) return &d->rows[i];
    return NULL;
}

static struct dim *dim_add(struct fe_state *s, struct dims *d, const char *name) {
    struct dim *row = dim_find(d, name);
    if (row) return row;
    if (d->count == d->room) {
        d->rows = arena_grow(s->arena, d->rows, d->count, d->room * 2 + 8, sizeof *d->rows);
        d->room = d->room * 2 + 8;
    }
    row = &d->rows[d->count++];
    *row = (struct dim){.name = name};
    return row;
}

/* The sizes given with --dim. */
static void read_options(struct fe_state *s, struct dims *d) {
    const struct engine_sizes *sizes = &s->options->sizes;
    for (int i = 0; i < sizes->dim_count; i++) {
        const char *text = sizes->dims[i], *equals = strrchr(text, '=');
        char *end = NULL;
        errno = 0;
        long long size = equals ? strtoll(equals + 1, &end, 10) : 0;
        if (!equals || equals == text || end == equals + 1 || *end || errno || size < 1 ||
            size > DIM_MAX)
            diag(s->c, fe_dim_form, s->file, text, DIM_MAX);
        else
            dim_add(s, d, arena_strndup(s->arena, text, (size_t)(equals - text)))->size = size;
    }
}

int fe_read_shape(const char *text, int64_t dims[IR_MAX_RANK]) {
    int rank = 0;
    for (;; text++) {
        char *end;
        errno = 0;
        long long size = *text >= '0' && *text <= '9' ? strtoll(text, &end, 10) : 0;
        if (size < 1 || size > INT32_MAX || errno || rank == IR_MAX_RANK) return -1;
        dims[rank++] = size;
        text = end;
        if (*text != 'x') return *text ? -1 : rank;
    }
}

static const char *input_where(struct fe_state *s, const char *kind, const char *name) {
    return arena_printf(s->arena, "%s: %s \"%s\"", s->file, kind, name);
}

static const char *kind_of(const Onnx__TypeProto *t) {
    switch (t ? t->value_case : ONNX__TYPE_PROTO__VALUE__NOT_SET) {
    case ONNX__TYPE_PROTO__VALUE_SEQUENCE_TYPE:
        return "sequence";
    case ONNX__TYPE_PROTO__VALUE_MAP_TYPE:
        return "map";
    case ONNX__TYPE_PROTO__VALUE_OPTIONAL_TYPE:
        return "optional";
    case ONNX__TYPE_PROTO__VALUE_SPARSE_TENSOR_TYPE:
        return "sparse tensor";
    default:
        return "value without a type";
    }
}

/* The shape if the value is a tensor of a type and rank the IR has; NULL after saying what it is
 * instead. */
static const Onnx__TensorShapeProto *tensor_shape(struct fe_state *s, const Onnx__ValueInfoProto *v,
                                                  const char *where, enum ir_dtype *type) {
    if (!v->type || v->type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE) {
        diag(s->c, fe_value_kind, where, kind_of(v->type));
        return NULL;
    }
    const Onnx__TypeProto__Tensor *t = v->type->tensor_type;
    const struct fe_dtype *d = fe_dtype(t->elem_type);
    if (!d || d->ir == IR_DTYPE_COUNT) {
        diag(s->c, fe_value_type, where, d ? d->name : "unknown", (int)t->elem_type,
             fe_dtype_names(s->arena));
        return NULL;
    }
    *type = d->ir;
    if (!t->shape)
        diag(s->c, fe_value_shape, where);
    else if (t->shape->n_dim > IR_MAX_RANK)
        diag(s->c, fe_value_rank, where, t->shape->n_dim, IR_MAX_RANK);
    else
        return t->shape;
    return NULL;
}

/* Fixed size of a dimension; 0: dynamic, *name is its name or NULL. Exporters write −1 for dynamic
 * ones as well. */
static int64_t declared(const Onnx__TensorShapeProto__Dimension *d, const char **name) {
    *name = NULL;
    if (d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE)
        return d->dim_value == -1 ? 0 : d->dim_value == 0 ? -1 : d->dim_value;
    if (d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM && d->dim_param[0])
        *name = d->dim_param;
    return 0;
}

/* What the next input's dimension i is in the other model; 0: it has none that fits. */
static int64_t size_there(const struct fe_state *s, const Onnx__TensorShapeProto *shape, size_t i) {
    const struct engine_sizes *sizes = &s->options->sizes;
    if (s->g->input_count >= sizes->like_count) return 0;
    const struct engine_tensor *t = &sizes->like[s->g->input_count];
    return (size_t)t->rank == shape->n_dim ? t->dims[i] : 0;
}

/* Size of dimension i of an input; 0 after saying why there is none. A dynamic batch is 1: programs
 * are for one image. */
static int64_t resolve(struct fe_state *s, struct dims *dims, const Onnx__TensorShapeProto *shape,
                       size_t i, const char *where) {
    const char *name;
    int64_t size = declared(shape->dim[i], &name);
    if (size > 0) return size;
    if (size < 0) {
        diag(s->c, fe_value_dim, where, i, (long long)shape->dim[i]->dim_value);
        return 0;
    }
    struct dim *d = name ? dim_add(s, dims, name) : NULL;
    if (d) d->used = true;
    if (d && d->size) return d->size;
    size = size_there(s, shape, i);
    if (!size && i == 0 && shape->n_dim > 1) size = 1;
    if (d) d->size = size;
    if (size) return size;
    if (!d) diag(s->c, fe_dynamic_unnamed, where, i);
    if (d && !d->said) diag(s->c, fe_dynamic, where, i, name, name);
    if (d) d->said = true;
    return 0;
}

static void import_input(struct fe_state *s, struct dims *dims, const Onnx__ValueInfoProto *v,
                         struct fe_entry *e) {
    const char *where = input_where(s, "input", v->name);
    enum ir_dtype type;
    int64_t sizes[IR_MAX_RANK];
    bool good = true;
    const Onnx__TensorShapeProto *shape = tensor_shape(s, v, where, &type);
    if (!shape) return;
    for (size_t i = 0; i < shape->n_dim; i++)
        good &= (sizes[i] = resolve(s, dims, shape, i, where)) > 0;
    if (good && fe_elements(shape->n_dim, sizes, FE_ELEMENTS_MAX) < 0) {
        char text[FE_SHAPE_TEXT];
        diag(s->c, fe_value_size, where, fe_shape_text(text, shape->n_dim, sizes),
             (long long)FE_ELEMENTS_MAX);
        good = false;
    }
    if (!good) return;
    e->value = ir_value_new(s->g, v->name, type, (int)shape->n_dim, sizes);
    ir_add_input(s->g, e->value);
}

static void say_unused(struct fe_state *s, const struct dims *d) {
    struct writer w;
    writer_init(&w, s->arena);
    for (size_t i = 0; i < d->count; i++)
        if (d->rows[i].used) write_text(&w, "%s%s", w.size ? ", " : "", d->rows[i].name);
    const char *known = w.size ? writer_string(&w) : "none";
    for (size_t i = 0; i < d->count; i++)
        if (!d->rows[i].used) diag(s->c, fe_dim_unused, s->file, d->rows[i].name, known);
}

void fe_inputs(struct fe_state *s) {
    struct dims dims = {0};
    read_options(s, &dims);
    for (size_t i = 0; i < s->input_count && !fe_enough(s); i++) {
        const Onnx__ValueInfoProto *v = s->inputs[i];
        if (!v->name || !v->name[0]) {
            diag(s->c, fe_nameless, s->file, "input", i);
            continue;
        }
        struct fe_entry *e = fe_names_find(&s->names, v->name);
        if (e->maker == fe_initializer && !e->cut) continue; /* IR versions below 4 list them */
        if (e->listed)
            fe_say_duplicate(s, s->file, e);
        else
            import_input(s, &dims, v, e);
        e->listed = true;
    }
    if (!s->probing) say_unused(s, &dims);
}

/* A declared size that is fixed must be the one that was inferred; other tools only warn as
 * well. */
static void compare(struct fe_state *s, const Onnx__ValueInfoProto *v, const struct ir_value *made,
                    const char *where) {
    char found[FE_SHAPE_TEXT], wanted[FE_SHAPE_TEXT];
    int64_t sizes[IR_MAX_RANK];
    const Onnx__TypeProto *t = v->type;
    if (!t || t->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE || !t->tensor_type->shape)
        return;
    const Onnx__TensorShapeProto *shape = t->tensor_type->shape;
    if (made->rank < 0 || shape->n_dim > IR_MAX_RANK) return;
    bool same = shape->n_dim == (size_t)made->rank;
    for (size_t i = 0; i < shape->n_dim; i++) {
        const char *name;
        int64_t size = declared(shape->dim[i], &name);
        sizes[i] = size > 0 ? size : -1;
        same = same && (size <= 0 || made->dims[i] < 0 || made->dims[i] == size);
    }
    if (same) return;
    fe_shape_text(wanted, shape->n_dim, sizes);
    fe_shape_text(found, (size_t)made->rank, made->dims);
    diag(s->c, fe_output_shape, where, wanted, found);
}

void fe_outputs(struct fe_state *s) {
    const Onnx__GraphProto *p = s->model->graph;
    bool cut = s->options->sizes.output_count > 0;
    for (size_t i = 0; i < s->output_count && !fe_enough(s); i++) {
        const char *name = s->outputs[i];
        if (!name[0]) {
            diag(s->c, fe_nameless, s->file, "output", i);
            continue;
        }
        struct fe_entry *e = fe_names_find(&s->names, name);
        const char *where = input_where(s, "output", name);
        if (!e || !e->maker) {
            diag(s->c, fe_output_undefined, where);
            continue;
        }
        if (!e->value) continue; /* its maker failed, and was said */
        const Onnx__ValueInfoProto *v = cut ? fe_value_info(s, name) : p->output[i];
        if (v) compare(s, v, e->value, where);
        ir_add_output(s->g, e->value);
    }
    if (s->output_count == 0) diag(s->c, fe_no_outputs, s->file);
}
