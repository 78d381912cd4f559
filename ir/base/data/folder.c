/* Folders of images: class subfolders, whose place in alphabetical order (of bytes) is the label of
 * the images in them, or images alone, whose names are their labels where they are numbers. Hidden
 * entries are left out in silence, files of other kinds with one warning. */
#include "base/data/data_room.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct names {
    char **list;
    size_t count, room;
};

/* The one folder that is open, for the context to close should memory run out meanwhile; and what
 * was left out of all. */
struct reading {
    DIR *dir;
    long others; /* files of other kinds */
    char *first; /* of them */
};

static int by_name(const void *x, const void *y) {
    return strcmp(*(char *const *)x, *(char *const *)y);
}

/* Order of bytes, not that in which the system lists them. */
static void count_other(struct reading *r, char *name) {
    if (!r->others++ || strcmp(name, r->first) < 0) r->first = name;
}

static void add(struct arena *a, struct names *n, char *name) {
    if (n->count == n->room) {
        n->room = n->room ? 2 * n->room : 64;
        n->list = arena_grow(a, n->list, n->count, n->room, sizeof *n->list);
    }
    n->list[n->count++] = name;
}

static void close_reading(void *object) {
    struct reading *r = object;
    if (r->dir) closedir(r->dir);
    free(r);
}

static struct reading *new_reading(struct ctx *c) {
    struct reading *r = calloc(1, sizeof *r);
    if (!r) ctx_oom(c);
    ctx_defer(c, close_reading, r);
    return r;
}

/* The next name that is not hidden; NULL at the end, with errno set when it is not the end. */
static const char *next_name(DIR *dir) {
    for (;;) {
        errno = 0;
        struct dirent *e = readdir(dir);
        if (!e) return NULL;
        if (e->d_name[0] != '.') return e->d_name;
    }
}

/* Entries of a folder, sorted by bytes: folders and image files apart. */
static bool list_folder(struct ctx *c, struct arena *a, struct reading *r, const char *path,
                        struct names *folders, struct names *files) {
    r->dir = opendir(path);
    int error = errno;
    for (const char *name; r->dir && (name = next_name(r->dir));) {
        char *full = arena_printf(a, "%s/%s", path, name);
        struct stat st;
        if (stat(full, &st) == 0 && S_ISDIR(st.st_mode))
            add(a, folders, full);
        else if (data_is_image(full))
            add(a, files, full);
        else
            count_other(r, full);
    }
    if (r->dir) {
        error = errno;
        closedir(r->dir);
        r->dir = NULL;
    }
    if (error) {
        diag(c, data_folder, path, strerror(error));
        return false;
    }
    if (folders->count) qsort(folders->list, folders->count, sizeof *folders->list, by_name);
    if (files->count) qsort(files->list, files->count, sizeof *files->list, by_name);
    return true;
}

static void append_items(struct arena *a, struct dataset *d, const struct names *files, int label) {
    size_t have = (size_t)d->count;
    d->items = arena_grow(a, d->items, have, have + files->count, sizeof *d->items);
    for (size_t i = 0; i < files->count; i++)
        d->items[have + i] = (struct data_item){files->list[i], label};
    d->count += (long)files->count;
}

/* "…/0042.jpg" is label 42; a name that is no number has none. */
static int label_of_name(const char *path) {
    const char *name = strrchr(path, '/') + 1; /* list_folder() put one there */
    size_t digits = strspn(name, "0123456789"), zeros = strspn(name, "0");
    if (!digits || name + digits != strrchr(name, '.')) return -1;
    return digits - zeros > 9 ? DATA_LABEL_MAX : (int)strtol(name, NULL, 10);
}

/* Classes hold images and nothing below: an image further down would be left out in silence. */
static bool append_class(struct ctx *c, struct arena *a, struct reading *r, struct dataset *d,
                         const char *path, int label) {
    struct names folders = {0}, files = {0};
    if (!list_folder(c, a, r, path, &folders, &files)) return false;
    if (folders.count) {
        diag(c, data_folder_deep, path, folders.list[0]);
        return false;
    }
    append_items(a, d, &files, label);
    return true;
}

bool data_open_folder(struct ctx *c, struct arena *a, const char *path, struct dataset *d) {
    struct names folders = {0}, files = {0};
    struct reading *r = new_reading(c);
    if (!list_folder(c, a, r, path, &folders, &files)) return false;
    if (folders.count && files.count) {
        diag(c, data_folder_mixed, path);
        return false;
    }
    for (size_t i = 0; i < folders.count; i++)
        if (!append_class(c, a, r, d, folders.list[i], (int)i)) return false;
    if (!folders.count) append_items(a, d, &files, -1);
    for (long i = 0; !folders.count && i < d->count; i++)
        d->items[i].label = label_of_name(d->items[i].path);
    if (r->others)
        diag(c, data_other_files, path, r->others, r->others == 1 ? "" : "s",
             strrchr(r->first, '/') + 1);
    return true;
}
