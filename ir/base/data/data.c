/* Datasets by name, single files by ending. */
#include "base/data/data_room.h"

#include <string.h>
#include <strings.h>

struct data_kind {
    const char *name, *form;
    bool pair; /* two files, with a comma between them */
    bool (*open)(struct ctx *c, struct arena *a, const char *path, struct dataset *d);
};
static const struct data_kind kinds[] = {
    {"cifar10", "cifar10:FILE", false, data_open_cifar10},
    {"idx", "idx:IMAGES or idx:IMAGES,LABELS", true, data_open_idx},
    {"folder", "folder:DIR", false, data_open_folder},
    {"npy", "npy:FILE", false, data_open_npy},
};

/* A name is missing before or behind the comma. */
static bool half_pair(const char *paths) {
    return *paths == ',' || paths[strlen(paths) - 1] == ',';
}

static const struct data_kind *kind_of_spec(struct ctx *c, const char *spec) {
    size_t n = strcspn(spec, ":");
    for (size_t i = 0; spec[n] && i < sizeof kinds / sizeof *kinds; i++) {
        if (strlen(kinds[i].name) != n || memcmp(kinds[i].name, spec, n) != 0) continue;
        if (spec[n + 1] && !(kinds[i].pair && half_pair(spec + n + 1))) return &kinds[i];
        diag(c, data_no_path, NULL, spec, kinds[i].form);
        return NULL;
    }
    diag(c, data_kind, NULL, spec);
    return NULL;
}

bool data_check_kind(struct ctx *c, const char *spec) {
    return kind_of_spec(c, spec) != NULL;
}

struct dataset *data_open(struct ctx *c, struct arena *a, const char *spec) {
    const struct data_kind *kind = kind_of_spec(c, spec);
    if (!kind) return NULL;
    struct dataset *d = arena_alloc(a, sizeof *d);
    d->path = arena_strdup(a, strchr(spec, ':') + 1);
    if (!kind->open(c, a, d->path, d)) return NULL;
    if (d->count > 0) return d;
    diag(c, data_empty, d->path);
    return NULL;
}

long data_count(const struct dataset *d) {
    return d->count;
}

bool data_get(struct ctx *c, struct arena *a, const struct dataset *d, long index,
              struct sample *out) {
    if (d->items) {
        if (!data_read_file(c, a, d->items[index].path, out)) return false;
        out->label = d->items[index].label;
        return true;
    }
    size_t i = (size_t)index;
    *out = (struct sample){.channels = d->channels, .height = d->height, .width = d->width};
    if (d->bytes) out->bytes = d->bytes + i * d->step;
    if (d->floats) out->floats = d->floats + i * d->step;
    if (d->elements) out->elements = (const char *)d->elements + i * d->step * d->element_size;
    out->type = d->type;
    out->label = d->labels ? d->labels[i * d->label_step] : -1;
    out->name = arena_printf(a, "%s#%ld", d->path, index);
    return true;
}

static bool has_ending(const char *path, const char *ending) {
    size_t n = strlen(path), k = strlen(ending);
    return n > k && !strcasecmp(path + n - k, ending);
}

static bool sample_of_array(struct ctx *c, const char *path, const struct data_array *x,
                            struct sample *out) {
    struct data_array shape = *x;
    uint64_t count;
    if (x->rank != 3 && !(x->rank == 4 && x->dims[0] == 1)) {
        shape = (struct data_array){.rank = 3, .dims = {1, 1, 1}};
        for (int i = 0; i < x->rank; i++) shape.dims[0] *= x->dims[i];
    }
    if (!data_array_shape(c, path, &shape, &count, out)) return false;
    out->rank = x->rank;
    for (int i = 0; i < x->rank; i++) out->dims[i] = (int64_t)x->dims[i];
    out->bytes = x->bytes;
    out->floats = x->floats;
    out->type = data_type_name(x->type);
    out->elements = x->elements;
    return true;
}

static bool read_npy(struct ctx *c, struct arena *a, const char *path, struct sample *out) {
    struct data_array x;
    return data_read_npy(c, a, path, &x) && sample_of_array(c, path, &x, out);
}

static bool read_pb(struct ctx *c, struct arena *a, const char *path, struct sample *out) {
    struct data_array x;
    return data_read_pb(c, a, path, &x) && sample_of_array(c, path, &x, out);
}

struct file_kind {
    const char *ending;
    bool image;
    bool (*read)(struct ctx *c, struct arena *a, const char *path, struct sample *out);
};
static const struct file_kind file_kinds[] = {
    {".npy", false, read_npy},        {".pb", false, read_pb},
    {".png", true, data_read_image},  {".jpg", true, data_read_image},
    {".jpeg", true, data_read_image},
};

static const struct file_kind *kind_of_file(const char *path) {
    for (size_t i = 0; i < sizeof file_kinds / sizeof *file_kinds; i++)
        if (has_ending(path, file_kinds[i].ending)) return &file_kinds[i];
    return NULL;
}

bool data_is_image(const char *path) {
    const struct file_kind *k = kind_of_file(path);
    return k && k->image;
}

bool data_read_file(struct ctx *c, struct arena *a, const char *path, struct sample *out) {
    const struct file_kind *k = kind_of_file(path);
    if (!k) {
        diag(c, data_ending, path);
        return false;
    }
    *out = (struct sample){.label = -1};
    const struct ctx_defer *mark = ctx_mark(c);
    bool good = k->read(c, a, path, out);
    if (k->image) ctx_release(c, mark); /* the pixels are in a; an array may lie in its file */
    if (!good) return false;
    out->label = -1;
    out->name = arena_strdup(a, path);
    return true;
}
