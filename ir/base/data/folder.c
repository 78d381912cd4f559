/* Folders of images: class subfolders in alphabetical order are the labels, or file names that are numbers. */
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

static int by_name(const void *x, const void *y) {
    return strcmp(*(char *const *)x, *(char *const *)y);
}

static void add(struct arena *a, struct names *n, char *name) {
    if (n->count == n->room) {
        n->room = n->room ? 2 * n->room : 64;
        n->list = arena_grow(a, n->list, n->count, n->room, sizeof *n->list);
    }
    n->list[n->count++] = name;
}

static void close_folder(void *object) {
    closedir(object);
}

/* Entries of a folder, sorted by bytes, hidden ones left out: folders and image files apart. */
static bool list_folder(struct ctx *c, struct arena *a, const char *path, struct names *folders,
                        struct names *files) {
    DIR *dir = opendir(path);
    if (!dir) {
        diag(c, data_folder, path, strerror(errno));
        return false;
    }
    ctx_defer(c, close_folder, dir);
    for (struct dirent *e; (e = readdir(dir));) {
        if (e->d_name[0] == '.') continue;
        char *full = arena_printf(a, "%s/%s", path, e->d_name);
        struct stat st;
        if (stat(full, &st) < 0) continue;
        if (S_ISDIR(st.st_mode))
            add(a, folders, full);
        else if (data_is_image(full))
            add(a, files, full);
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
    const char *base = strrchr(path, '/');
    char *end;
    long v = strtol(base ? base + 1 : path, &end, 10);
    return *end == '.' && v >= 0 && v < 1000000 && end != (base ? base + 1 : path) ? (int)v : -1;
}

bool data_open_folder(struct ctx *c, struct arena *a, const char *path, struct dataset *d) {
    struct names folders = {0}, files = {0};
    if (!list_folder(c, a, path, &folders, &files)) return false;
    if (folders.count && files.count) {
        diag(c, data_folder_mixed, path);
        return false;
    }
    for (size_t i = 0; i < folders.count; i++) {
        struct names inner = {0}, images = {0};
        if (!list_folder(c, a, folders.list[i], &inner, &images)) return false;
        append_items(a, d, &images, (int)i);
    }
    if (!folders.count) append_items(a, d, &files, -1);
    for (long i = 0; !folders.count && i < d->count; i++)
        d->items[i].label = label_of_name(d->items[i].path);
    return true;
}
