/* CIFAR-10 binary files, MNIST IDX files, and what arrays of any file have in common. */
#include "base/data/data_room.h"

#include <assert.h>
#include <string.h>

enum {
    CIFAR_SIDE = 32,
    CIFAR_CHANNELS = 3,
    CIFAR_BYTES = CIFAR_SIDE * CIFAR_SIDE * CIFAR_CHANNELS
};

bool data_open_cifar10(struct ctx *c, struct arena *a, const char *path, struct dataset *d) {
    (void)a;
    struct file_view v;
    if (!data_map(c, path, "CIFAR-10 images", &v)) return false;
    const size_t step = CIFAR_BYTES + 1;
    if (!v.size || v.size % step) {
        diag(c, data_size, path, v.size, step, "1 label byte and 3 × 32 × 32 pixels an image");
        return false;
    }
    *d = (struct dataset){.path = d->path,
                          .count = (long)(v.size / step),
                          .channels = CIFAR_CHANNELS,
                          .height = CIFAR_SIDE,
                          .width = CIFAR_SIDE,
                          .bytes = v.data + 1,
                          .step = step,
                          .labels = v.data,
                          .label_step = step};
    for (long i = 0; i < d->count; i++) {
        int label = d->labels[(size_t)i * step];
        if (label <= 9) continue;
        diag(c, data_label, path, label, i, 9);
        return false;
    }
    return true;
}

/* IDX: two zero bytes, element type, rank, then big-endian dimensions. dims gets `rank` of them. */
static bool idx_header(struct ctx *c, const char *path, const struct file_view *v, int rank,
                       const char *expected, uint32_t *dims) {
    size_t header = 4 + 4 * (size_t)rank;
    if (v->size < 4 || v->data[0] || v->data[1]) {
        diag(c, data_magic, path, "an IDX file");
        return false;
    }
    if (v->data[2] != 8 || v->data[3] != rank) {
        diag(c, data_idx_type, path, v->data[2], v->data[3], expected);
        return false;
    }
    uint64_t need = 1;
    for (int i = 0; i < rank && v->size >= header; i++) {
        const uint8_t *p = v->data + 4 + 4 * i;
        dims[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
        need = need > SIZE_MAX / 4 / (dims[i] + 1ull) ? SIZE_MAX / 4 : need * dims[i];
    }
    if (v->size < header || v->size - header < need) {
        size_t have = v->size < header ? 0 : v->size - header;
        diag(c, data_truncated, path, v->size,
             v->size < header ? header - v->size : (size_t)need - have,
             v->size < header ? "header" : "data");
        return false;
    }
    return true;
}

bool data_open_idx(struct ctx *c, struct arena *a, const char *paths, struct dataset *d) {
    const char *comma = strchr(paths, ',');
    const char *images = comma ? arena_strndup(a, paths, (size_t)(comma - paths)) : paths;
    struct file_view v, l;
    uint32_t dims[3], count;
    if (!data_map(c, images, "an IDX file", &v) ||
        !idx_header(c, images, &v, 3, "3 dimensions", dims))
        return false;
    if ((uint64_t)dims[1] * dims[2] > DATA_MAX_ELEMENTS || !dims[1] || !dims[2]) {
        diag(c, data_big, images, 1ull, (unsigned long long)dims[1], (unsigned long long)dims[2],
             DATA_MAX_ELEMENTS);
        return false;
    }
    *d = (struct dataset){.path = images,
                          .count = (long)dims[0],
                          .channels = 1,
                          .height = (int)dims[1],
                          .width = (int)dims[2],
                          .bytes = v.data + 16,
                          .step = (size_t)dims[1] * dims[2]};
    if (!comma) return true;
    if (!data_map(c, comma + 1, "an IDX file", &l) ||
        !idx_header(c, comma + 1, &l, 1, "1 dimension", &count))
        return false;
    if (count != dims[0]) {
        diag(c, data_idx_count, comma + 1, (long)count, (long)dims[0]);
        return false;
    }
    d->labels = l.data + 8;
    d->label_step = 1;
    return true;
}

static const char *dims_text(struct arena *a, const struct data_array *x) {
    struct writer w;
    writer_init(&w, a);
    for (int i = 0; i < x->rank; i++)
        write_text(&w, i ? "×%llu" : "%llu", (unsigned long long)x->dims[i]);
    return writer_string(&w);
}

bool data_array_shape(struct ctx *c, const char *path, const struct data_array *x, uint64_t *count,
                      struct sample *shape) {
    if (x->rank < 2 || x->rank > 4) {
        struct arena *a = arena_new(c);
        diag(c, data_shape, path, x->rank, dims_text(a, x),
             "N×C×H×W, C×H×W, or N×K for inputs 1×K");
        arena_free(a);
        return false;
    }
    const uint64_t flat[3] = {x->dims[1], 1, 1};
    const uint64_t *d = x->rank == 2 ? flat : x->dims + x->rank - 3;
    *count = x->rank == 3 ? 1 : x->dims[0];
    if (!d[0] || !d[1] || !d[2] || d[0] > DATA_MAX_ELEMENTS || d[1] > DATA_MAX_ELEMENTS ||
        d[2] > DATA_MAX_ELEMENTS || d[0] * d[1] > DATA_MAX_ELEMENTS ||
        d[0] * d[1] * d[2] > DATA_MAX_ELEMENTS) {
        diag(c, data_big, path, (unsigned long long)d[0], (unsigned long long)d[1],
             (unsigned long long)d[2], DATA_MAX_ELEMENTS);
        return false;
    }
    *shape = (struct sample){
        .channels = (int)d[0], .height = (int)d[1], .width = (int)d[2], .label = -1};
    return true;
}

size_t data_type_size(enum data_type t) {
    static const size_t sizes[DATA_TYPE_COUNT] = {4, 8, 1, 1, 2, 2, 4, 8, 1, 4, 8};
    assert(t < DATA_TYPE_COUNT);
    return sizes[t];
}

const char *data_type_name(enum data_type t) {
    static const char *const names[DATA_TYPE_COUNT] = {"f32", "f64", "u8",   "i8",  "i16", "u16",
                                                       "i32", "i64", "bool", "u32", "u64"};
    return names[t];
}

static uint64_t little(const uint8_t *p, size_t n) {
    uint64_t v = 0;
    while (n-- > 0) v = v << 8 | p[n];
    return v;
}

static float element(enum data_type t, const uint8_t *p) {
    uint64_t v = little(p, data_type_size(t));
    uint32_t v32 = (uint32_t)v;
    float f;
    double d;
    switch (t) {
    case DATA_F32:
        return memcpy(&f, &v32, sizeof f), f;
    case DATA_F64:
        return memcpy(&d, &v, sizeof d), (float)d;
    case DATA_I8:
        return (float)(int8_t)v;
    case DATA_I16:
        return (float)(int16_t)v;
    case DATA_I32:
        return (float)(int32_t)v;
    case DATA_I64:
        return (float)(int64_t)v;
    case DATA_BOOL:
        return v != 0;
    case DATA_U8:
    case DATA_U16:
    case DATA_U32:
    case DATA_U64:
    case DATA_TYPE_COUNT:
        break;
    }
    return (float)v;
}

float *data_to_floats(struct arena *a, enum data_type t, const uint8_t *from, size_t count) {
    float *out = arena_array(a, count, sizeof *out);
    size_t size = data_type_size(t);
    for (size_t i = 0; i < count; i++) out[i] = element(t, from + i * size);
    return out;
}

void data_array_fill(struct arena *a, struct data_array *x, enum data_type t, const uint8_t *from,
                     size_t count) {
    x->type = t;
    if (t == DATA_U8) {
        x->elements = x->bytes = from;
        return;
    }
    x->floats = data_to_floats(a, t, from, count);
    x->elements = x->floats;
    if (t != DATA_F32) x->elements = arena_copy(a, from, count * data_type_size(t));
}
