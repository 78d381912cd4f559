/* Tensors whose data lies in files of their own, beside the model: mapped, not copied, and only
 * from the model's folder or below it, wherever links lead. Source: onnx.proto, TensorProto
 * external_data (keys location, offset, length; a checksum is not looked at). */
#include "frontend/import.h"

#include <onnx/onnx.pb-c.h>

#include "frontend/diag.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct fe_file { /* one that tensors name */
    struct file_view view;
    bool good; /* else it was said */
};

const char *fe_folder(struct arena *a, const char *path) {
    const char *slash = strrchr(path, '/');
    if (!strcmp(path, "-")) return NULL;
    if (!slash) return ".";
    return slash == path ? "/" : arena_strndup(a, path, (size_t)(slash - path));
}

static const char *value_of(const Onnx__TensorProto *t, const char *key) {
    for (size_t i = 0; i < t->n_external_data; i++) {
        const Onnx__StringStringEntryProto *e = t->external_data[i];
        if (e->key && e->value && !strcmp(e->key, key)) return e->value;
    }
    return NULL;
}

/* A number of bytes; `otherwise` where there is none. False after saying what it is instead. */
static bool read_count(struct fe_state *s, const Onnx__TensorProto *t, const char *key,
                       uint64_t otherwise, uint64_t *out, const char *where) {
    const char *text = value_of(t, key);
    *out = otherwise;
    if (!text) return true;
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    if (*text >= '0' && *text <= '9' && !*end && !errno) return true;
    diag(s->c, fe_external_number, where, key, text);
    return false;
}

/* The file without links, if it lies in the folder; NULL after saying why not. */
static const char *resolve(struct fe_state *s, const char *location, const char *where) {
    const char *path = arena_printf(s->arena, "%s/%s", s->options->folder, location);
    char *folder = realpath(s->options->folder, NULL), *file = realpath(path, NULL);
    int error = errno;
    const char *out = NULL;
    size_t n = folder ? strlen(folder) : 0;
    if (n == 1) n = 0; /* "/" */
    if (!folder || !file)
        diag(s->c, fe_external_open, where, location, strerror(error));
    else if (strncmp(file, folder, n) != 0 || file[n] != '/')
        diag(s->c, fe_external_outside, where, location);
    else
        out = path;
    free(folder);
    free(file);
    return out;
}

/* "a/../b" stays within, but nobody writes it who means well. */
static bool climbs(const char *location) {
    for (const char *at = location; at; at = strchr(at, '/')) {
        at += *at == '/';
        if (!strncmp(at, "..", 2) && (at[2] == '/' || !at[2])) return true;
    }
    return location[0] == '/';
}

static bool map_file(struct fe_state *s, const char *location, struct file_view *to,
                     const char *where) {
    if (climbs(location)) {
        diag(s->c, fe_external_outside, where, location);
        return false;
    }
    struct stat st;
    const char *path = resolve(s, location, where);
    if (!path) return false;
    if (stat(path, &st) == 0 && S_ISREG(st.st_mode)) return file_map(s->c, path, to);
    diag(s->c, fe_external_open, where, location, "it is no regular file");
    return false;
}

/* Mapped once, said once. */
static const struct fe_file *find_file(struct fe_state *s, const char *location,
                                       const char *where) {
    struct fe_entry *e = fe_names_add(&s->files, location);
    if (!e->file) {
        e->file = arena_alloc(s->arena, sizeof *e->file);
        e->file->good = map_file(s, location, &e->file->view, where);
    }
    return e->file->good ? e->file : NULL;
}

bool fe_external(struct fe_state *s, const Onnx__TensorProto *t, struct fe_bytes *out,
                 const char *where) {
    const char *location = value_of(t, "location");
    uint64_t offset, length;
    if (!location || !location[0]) {
        diag(s->c, fe_external_location, where);
        return false;
    }
    if (!s->options->folder) {
        diag(s->c, fe_external_folder, where, location);
        return false;
    }
    const struct fe_file *f = find_file(s, location, where);
    if (!f) return false;
    uint64_t size = f->view.size;
    if (!read_count(s, t, "offset", 0, &offset, where)) return false;
    uint64_t rest = offset < size ? size - offset : 0;
    if (!read_count(s, t, "length", rest, &length, where)) return false;
    if (offset > size || length > rest) {
        diag(s->c, fe_external_short, where, location, (unsigned long long)size,
             (unsigned long long)length, (unsigned long long)offset);
        return false;
    }
    *out = (struct fe_bytes){f->view.data + offset, (size_t)length, true};
    return true;
}
