/* One ONNX TensorProto (the .pb files of ONNX's own test sets), read from its wire format: dims
 * (field 1), data_type (2), float_data (4), int32_data (5), int64_data (7), raw_data (9),
 * double_data (10). */
#include "base/data/data_room.h"

#include <string.h>

static bool refuse(struct ctx *c, const char *path, const char *why) {
    diag(c, data_pb, path, why);
    return false;
}

static const char COUNT[] = "too few or too many elements";

static uint64_t varint(struct reader *r) {
    uint64_t v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        uint8_t b = read_u8(r);
        v |= (uint64_t)(b & 127) << shift;
        if (!(b & 128)) return v;
    }
    r->bad = true;
    return 0;
}

enum form { NO_DATA, RAW, FLOATS, DOUBLES, INTS };

struct fields {
    struct data_array array;
    uint64_t type;
    struct reader raw; /* raw_data or a packed list */
    enum form form;
};

static void take_dim(struct fields *f, uint64_t v, struct reader *r) {
    if (f->array.rank < 8)
        f->array.dims[f->array.rank++] = v;
    else
        r->bad = true;
}

static void take_bytes(struct fields *f, unsigned field, struct reader part, struct reader *r) {
    static const struct {
        unsigned field;
        enum form form;
    } forms[] = {{4, FLOATS}, {5, INTS}, {7, INTS}, {9, RAW}, {10, DOUBLES}};
    while (field == 1 && reader_left(&part) && !part.bad) take_dim(f, varint(&part), r);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (forms[i].field != field) continue;
        if (f->form != NO_DATA && part.size)
            r->bad = true; /* one list only; unpacked lists are not written by anybody */
        f->raw = part;
        f->form = forms[i].form;
    }
    if (part.bad) r->bad = true;
}

static bool read_fields(struct reader *r, struct fields *f) {
    while (reader_left(r) && !r->bad) {
        uint64_t tag = varint(r), n;
        unsigned field = (unsigned)(tag >> 3 & 0xffffffff);
        switch (tag & 7) {
        case 0:
            n = varint(r);
            if (field == 1) take_dim(f, n, r);
            if (field == 2) f->type = n;
            break;
        case 1:
            read_u64(r);
            break;
        case 2: {
            n = varint(r);
            const uint8_t *p = n <= reader_left(r) ? read_bytes(r, n) : NULL;
            if (!p) return false;
            take_bytes(f, field, reader_of(p, n), r);
            break;
        }
        case 5:
            read_u32(r);
            break;
        default:
            return false;
        }
    }
    return !r->bad;
}

/* ONNX TensorProto.DataType numbers. */
static enum data_type type_of(uint64_t onnx) {
    static const enum data_type table[14] = {
        DATA_TYPE_COUNT, DATA_F32,        DATA_U8,   DATA_I8,         DATA_U16, DATA_I16, DATA_I32,
        DATA_I64,        DATA_TYPE_COUNT, DATA_BOOL, DATA_TYPE_COUNT, DATA_F64, DATA_U32, DATA_U64};
    return onnx < 14 ? table[onnx] : DATA_TYPE_COUNT;
}

/* int32_data and int64_data: a varint an element. */
static bool convert_ints(struct ctx *c, struct arena *a, const char *path, struct fields *f,
                         enum data_type t, size_t count) {
    size_t size = data_type_size(t);
    uint8_t *bytes = arena_array(a, count, size);
    for (size_t i = 0; i < count; i++) {
        uint64_t v = varint(&f->raw);
        if (t == DATA_U8 && v > UINT8_MAX) return refuse(c, path, "a uint8 element is above 255");
        for (size_t k = 0; k < size; k++) bytes[i * size + k] = (uint8_t)(v >> 8 * k);
    }
    if (f->raw.bad || reader_left(&f->raw)) return refuse(c, path, COUNT);
    data_array_fill(a, &f->array, t, bytes, count);
    return true;
}

/* Each typed list is for some element types only; raw_data is for all. */
static bool form_fits(enum form form, enum data_type t) {
    if (form == FLOATS) return t == DATA_F32;
    if (form == DOUBLES) return t == DATA_F64;
    return form != INTS || (t != DATA_F32 && t != DATA_F64);
}

static bool convert(struct ctx *c, struct arena *a, const char *path, struct fields *f,
                    size_t count) {
    enum data_type t = type_of(f->type);
    if (t == DATA_TYPE_COUNT) return refuse(c, path, "element type is not one that is read");
    if (!form_fits(f->form, t)) return refuse(c, path, "the list is of another element type");
    if (f->form == INTS) return convert_ints(c, a, path, f, t, count);
    if (f->raw.size != count * data_type_size(t)) return refuse(c, path, COUNT);
    data_array_fill(a, &f->array, t, f->raw.data, count);
    return true;
}

bool data_read_pb(struct ctx *c, struct arena *a, const char *path, struct data_array *out) {
    struct file_view v;
    if (!data_map(c, path, "an ONNX TensorProto", &v)) return false;
    struct reader r = reader_of(v.data, v.size);
    struct fields f = {.form = NO_DATA};
    if (!read_fields(&r, &f)) return refuse(c, path, "not a protobuf message, or cut short");
    uint64_t count = 1;
    for (int i = 0; i < f.array.rank; i++) {
        if (f.array.dims[i] > DATA_MAX_ELEMENTS) return refuse(c, path, "dimensions are too large");
        count *= f.array.dims[i];
        if (count > DATA_MAX_ELEMENTS) return refuse(c, path, "dimensions are too large");
    }
    if (count > v.size) return refuse(c, path, "fewer bytes than elements");
    if (!convert(c, a, path, &f, count)) return false;
    *out = f.array;
    return true;
}
