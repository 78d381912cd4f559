/* TensorProto to a constant. float16, bfloat16 and double become f32: the compiler knows one float
 * type. The data stays where protobuf-c has put it, where that has the IR's form.
 * Source: onnx.proto, TensorProto. */
#include "frontend/import.h"

#include <onnx/onnx.pb-c.h>

#include "frontend/diag.h"

#include <inttypes.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "raw_data is little-endian and is used in place"
#endif

/* Where the elements stand in the message. */
struct source {
    const struct fe_dtype *type;
    const char *field; /* name, for messages */
    const void *data;
    size_t count; /* elements */
    size_t bytes; /* of raw_data */
    bool raw;
};

static float from_half(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exp = (h >> 10) & 31, frac = h & 1023, bits;
    float f;
    if (exp == 0) {
        f = (float)frac * 0x1p-24f;
        return sign ? -f : f;
    }
    bits = sign | (exp == 31 ? 0x7f800000u : (exp + 112) << 23) | frac << 13;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static float from_bfloat(uint16_t h) {
    uint32_t bits = (uint32_t)h << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static const float *halves_to_floats(struct arena *a, const struct source *s, size_t n) {
    float *to = arena_array(a, n, sizeof *to);
    bool brain = s->type->number == ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16;
    for (size_t i = 0; i < n; i++) {
        uint16_t h;
        if (s->raw)
            memcpy(&h, (const uint8_t *)s->data + 2 * i, 2);
        else
            h = (uint16_t)((const int32_t *)s->data)[i];
        to[i] = brain ? from_bfloat(h) : from_half(h);
    }
    return to;
}

static const float *doubles_to_floats(struct arena *a, const struct source *s, size_t n) {
    float *to = arena_array(a, n, sizeof *to);
    for (size_t i = 0; i < n; i++) {
        double d;
        memcpy(&d, (const uint8_t *)s->data + 8 * i, 8);
        to[i] = (float)d;
    }
    return to;
}

/* int32_data holds the narrow types as well, an element in each number. NULL: out of range,
 * said. */
static const void *narrow(struct fe_state *st, const struct source *s, size_t n,
                          const char *where) {
    const int32_t *from = s->data;
    enum ir_dtype t = s->type->ir;
    size_t size = s->type->bytes;
    bool has_sign = t == IR_I8 || t == IR_I16;
    int64_t top = t == IR_BOOL ? 1 : (1 << (8 * size - (has_sign ? 1 : 0))) - 1;
    uint8_t *to = arena_array(st->g->arena, n, size);
    for (size_t i = 0; i < n; i++) {
        if (from[i] > top || from[i] < (has_sign ? -top - 1 : 0)) {
            diag(st->c, fe_tensor_range, where, i, (int)from[i], s->type->name);
            return NULL;
        }
        memcpy(to + i * size, &from[i], size);
    }
    return to;
}

static bool only_bools(struct fe_state *st, const struct source *s, size_t n, const char *where) {
    const uint8_t *from = s->data;
    for (size_t i = 0; i < n; i++)
        if (from[i] > 1) {
            diag(st->c, fe_tensor_range, where, i, (int)from[i], s->type->name);
            return false;
        }
    return true;
}

static const void *elements(struct fe_state *st, const struct source *s, size_t n,
                            const char *where) {
    struct arena *a = st->g->arena;
    switch (s->type->number) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16:
    case ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16:
        return halves_to_floats(a, s, n);
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
        return doubles_to_floats(a, s, n);
    default:
        if (n == 0) return arena_alloc(a, 0);
        if (s->raw && s->type->ir == IR_BOOL && !only_bools(st, s, n, where)) return NULL;
        bool same = s->raw || s->type->field != FE_IN_INT32 || s->type->bytes == 4;
        if (!same) return narrow(st, s, n, where);
        /* A file's offset may be any. */
        bool aligned = (uintptr_t)s->data % s->type->bytes == 0;
        return aligned ? s->data : arena_copy(a, s->data, s->bytes);
    }
}

static struct source typed_field(const Onnx__TensorProto *t, const struct fe_dtype *type) {
    switch (type->field) {
    case FE_IN_FLOAT:
        return (struct source){type, "float_data", t->float_data, t->n_float_data, 0, false};
    case FE_IN_INT32:
        return (struct source){type, "int32_data", t->int32_data, t->n_int32_data, 0, false};
    case FE_IN_INT64:
        return (struct source){type, "int64_data", t->int64_data, t->n_int64_data, 0, false};
    case FE_IN_DOUBLE:
        return (struct source){type, "double_data", t->double_data, t->n_double_data, 0, false};
    case FE_IN_NONE:
        break;
    }
    return (struct source){type, "raw_data", NULL, 0, 0, false};
}

static bool find_source(struct fe_state *s, const Onnx__TensorProto *t, const struct fe_bytes *raw,
                        struct source *out, uint64_t n, const char *where) {
    char shape[FE_SHAPE_TEXT];
    struct source typed = typed_field(t, out->type);
    if (raw->size && typed.count) {
        diag(s->c, fe_tensor_both, where, typed.field);
        return false;
    }
    *out = typed;
    fe_shape_text(shape, t->n_dims, t->dims);
    if (raw->size || (!typed.count && raw->given)) {
        *out = (struct source){typed.type, "raw_data", raw->data, n, raw->size, true};
        if (raw->size == n * typed.type->bytes) return true;
        diag(s->c, fe_tensor_bytes, where, raw->size, shape, typed.type->name,
             (unsigned long long)(n * typed.type->bytes));
        return false;
    }
    if (typed.count == n) return true;
    diag(s->c, fe_tensor_count, where, typed.field, typed.count, shape, (unsigned long long)n);
    return false;
}

static const struct fe_dtype *check_type(struct fe_state *s, const Onnx__TensorProto *t,
                                         const char *where) {
    const struct fe_dtype *d = fe_dtype(t->data_type);
    if (!d)
        diag(s->c, fe_tensor_unknown_type, where, (int)t->data_type, fe_dtype_names(s->arena));
    else if (d->ir == IR_DTYPE_COUNT || (!d->bytes && t->raw_data.len + t->n_int32_data))
        diag(s->c, fe_tensor_type, where, d->name, d->number, fe_dtype_names(s->arena));
    else
        return d;
    return NULL;
}

/* Number of elements, −1 after saying what is wrong with the shape. */
static int64_t check_shape(struct fe_state *s, const Onnx__TensorProto *t, const char *where) {
    if (t->n_dims > IR_MAX_RANK) {
        diag(s->c, fe_value_rank, where, t->n_dims, IR_MAX_RANK);
        return -1;
    }
    for (size_t i = 0; i < t->n_dims; i++)
        if (t->dims[i] < 0 || t->dims[i] > INT32_MAX) {
            diag(s->c, fe_tensor_dim, where, i, (long long)t->dims[i], INT32_MAX);
            return -1;
        }
    int64_t n = fe_elements(t->n_dims, t->dims, FE_ELEMENTS_MAX);
    if (n < 0) {
        char shape[FE_SHAPE_TEXT];
        diag(s->c, fe_value_size, where, fe_shape_text(shape, t->n_dims, t->dims),
             (long long)FE_ELEMENTS_MAX);
    }
    return n;
}

/* False after saying why the bytes cannot be had; *raw becomes those of an external file. */
static bool find_bytes(struct fe_state *s, const Onnx__TensorProto *t, struct fe_bytes *raw,
                       const char *where) {
    bool external = t->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
    *raw = (struct fe_bytes){t->raw_data.data, t->raw_data.len, t->raw_data.len || t->has_raw_data};
    if (t->segment)
        diag(s->c, fe_tensor_segment, where);
    else
        return external || t->n_external_data ? fe_external(s, t, raw, where) : true;
    return false;
}

struct ir_value *fe_tensor(struct fe_state *s, const Onnx__TensorProto *t, const char *name,
                           const char *where) {
    struct source from = {.type = check_type(s, t, where)};
    int64_t n = check_shape(s, t, where);
    struct fe_bytes raw;
    if (!from.type || n < 0 || !find_bytes(s, t, &raw, where)) return NULL;
    if (!find_source(s, t, &raw, &from, (uint64_t)n, where)) return NULL;
    const void *data = elements(s, &from, (size_t)n, where);
    if (!data) return NULL;
    return ir_const_new(s->g, name, from.type->ir, (int)t->n_dims, t->dims, data);
}
