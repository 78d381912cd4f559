/* NumPy .npy files, format versions 1 to 3, C order, little-endian; and writing them. */
#include "base/data/data_room.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *descr;
    enum data_type type;
} types[] = {
    {"<f4", DATA_F32},  {"<f8", DATA_F64}, {"|u1", DATA_U8},  {"|i1", DATA_I8},
    {"<i2", DATA_I16},  {"<u2", DATA_U16}, {"<i4", DATA_I32}, {"<i8", DATA_I64},
    {"|b1", DATA_BOOL}, {"<u4", DATA_U32}, {"<u8", DATA_U64},
};

static bool refuse(struct ctx *c, const char *path, const char *why) {
    diag(c, data_npy, path, why);
    return false;
}

/* The text after 'key': in the header's dictionary, or NULL. */
static const char *after_key(const char *header, const char *key) {
    const char *p = strstr(header, key);
    if (!p) return NULL;
    p = strchr(p + strlen(key), ':');
    return p ? p + 1 + strspn(p + 1, " ") : NULL;
}

static bool parse_shape(const char *p, struct data_array *out) {
    if (!p || *p++ != '(') return false;
    for (out->rank = 0; out->rank < 8;) {
        p += strspn(p, " ,");
        if (*p == ')') return true;
        if (*p < '0' || *p > '9') return false;
        char *end;
        out->dims[out->rank++] = strtoull(p, &end, 10);
        p = end;
    }
    p += strspn(p, " ,");
    return *p == ')';
}

static bool parse_header(struct ctx *c, const char *path, const char *text, struct data_array *out,
                         enum data_type *type) {
    const char *descr = after_key(text, "'descr'"), *order = after_key(text, "'fortran_order'");
    if (!descr || !order) return refuse(c, path, "no 'descr' or no 'fortran_order'");
    if (strncmp(order, "False", 5) != 0) return refuse(c, path, "Fortran order; expected C order");
    *type = DATA_TYPE_COUNT;
    bool quoted = *descr == '\'' || *descr == '"'; /* else the header may end here */
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (quoted && !strncmp(descr + 1, types[i].descr, 3) && descr[4] == descr[0])
            *type = types[i].type;
    if (*type == DATA_TYPE_COUNT)
        return refuse(c, path, "element type; expected little-endian float, integer or bool");
    if (!parse_shape(after_key(text, "'shape'"), out))
        return refuse(c, path, "'shape' is no tuple");
    return true;
}

/* Number of elements; SIZE_MAX when it is beyond all bounds. */
static size_t element_count(const struct data_array *x) {
    uint64_t n = 1;
    for (int i = 0; i < x->rank; i++) {
        if (x->dims[i] && n > (UINT64_C(1) << 40) / x->dims[i]) return SIZE_MAX;
        n *= x->dims[i];
    }
    return n;
}

bool data_read_npy(struct ctx *c, struct arena *a, const char *path, struct data_array *out) {
    struct file_view v;
    if (!data_map(c, path, "a NumPy file", &v)) return false;
    struct reader r = reader_of(v.data, v.size);
    const uint8_t *magic = read_bytes(&r, 6);
    if (!magic || memcmp(magic, "\x93NUMPY", 6) != 0) {
        diag(c, data_magic, path, "a NumPy file");
        return false;
    }
    uint8_t major = read_u8(&r);
    read_u8(&r);
    if (major < 1 || major > 3) return refuse(c, path, "format version; expected 1, 2 or 3");
    size_t n = major == 1 ? read_u16(&r) : read_u32(&r);
    const uint8_t *header = n < 65536 ? read_bytes(&r, n) : NULL;
    if (!header) return refuse(c, path, "ends inside the header");
    enum data_type type;
    *out = (struct data_array){0};
    if (!parse_header(c, path, arena_strndup(a, (const char *)header, n), out, &type)) return false;
    size_t count = element_count(out), left = reader_left(&r), size = data_type_size(type);
    if (count > left / size) {
        diag(c, data_truncated, path, v.size,
             count > SIZE_MAX / 16 ? SIZE_MAX : count * size - left, "data");
        return false;
    }
    const uint8_t *data = read_bytes(&r, count * size);
    data_array_fill(a, out, type, data, count);
    return true;
}

bool data_open_npy(struct ctx *c, struct arena *a, const char *path, struct dataset *d) {
    struct data_array x;
    struct sample shape;
    uint64_t count;
    if (!data_read_npy(c, a, path, &x) || !data_array_shape(c, path, &x, &count, &shape))
        return false;
    d->count = (long)count;
    d->channels = shape.channels;
    d->height = shape.height;
    d->width = shape.width;
    d->step = (size_t)d->channels * (size_t)d->height * (size_t)d->width;
    d->bytes = x.bytes;
    d->floats = x.floats;
    d->type = data_type_name(x.type);
    d->elements = x.elements;
    d->element_size = data_type_size(x.type);
    return true;
}

static const char *descr_of(const char *type, size_t *size) {
    size_t i = 0;
    while (strcmp(data_type_name(types[i].type), type) != 0) i++;
    *size = data_type_size(types[i].type);
    return types[i].descr;
}

bool data_write_array(struct ctx *c, const char *path, const char *type, const void *elements,
                      const int64_t *dims, int rank) {
    size_t size;
    struct arena *a = arena_new(c);
    struct writer h, w;
    writer_init(&h, a);
    writer_init(&w, a);
    write_text(&h, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr_of(type, &size));
    size_t count = 1;
    for (int i = 0; i < rank; i++) {
        write_text(&h, "%" PRId64 ",%s", dims[i], i + 1 < rank ? " " : "");
        count *= (size_t)dims[i];
    }
    write_text(&h, "), }");
    while ((10 + h.size + 1) % 64) write_u8(&h, ' ');
    write_u8(&h, '\n');
    write_bytes(&w, "\x93NUMPY\x01\x00", 8);
    write_u16(&w, (uint16_t)h.size);
    write_bytes(&w, h.data, h.size);
    write_bytes(&w, elements, count * size); /* little-endian here as there */
    bool good = file_replace(c, path, w.data, w.size);
    arena_free(a);
    return good;
}

bool data_write_npy(struct ctx *c, const char *path, const float *values, const int64_t *dims,
                    int rank) {
    return data_write_array(c, path, data_type_name(DATA_F32), values, dims, rank);
}
