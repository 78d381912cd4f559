/* Any bytes as a file of every kind the data readers know. Each refuses them with a message or
 * gives samples, every element of which is read; the sanitizer knows where files and arenas end. */
#include "base/data/data_room.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SAMPLES = 8 };

typedef bool array_reader(struct ctx *, struct arena *, const char *, struct data_array *);
typedef bool opener(struct ctx *, struct arena *, const char *, struct dataset *);

/* A file in memory, of these bytes, as long as the process is in the reader. */
static int memory_file(const void *data, size_t size) {
    int fd = memfd_create("fuzz", 0);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) abort();
    return fd;
}

static void touch(size_t count, const uint8_t *bytes, const float *floats) {
    volatile float seen;
    for (size_t i = 0; i < count; i++) seen = bytes ? (float)bytes[i] : floats ? floats[i] : 0;
    (void)seen;
}

static void touch_sample(const struct sample *s) {
    if (s->channels <= 0 || s->height <= 0 || s->width <= 0 || !s->bytes == !s->floats) abort();
    touch((size_t)s->channels * (size_t)s->height * (size_t)s->width, s->bytes, s->floats);
}

static void try_array(array_reader *read, const char *path) {
    struct ctx c;
    ctx_init(&c, NULL, NULL);
    if (!setjmp(c.oom)) {
        struct data_array x;
        bool good = read(&c, arena_new(&c), path, &x);
        if (!good && !c.errors) abort();
        size_t count = 1;
        for (int i = 0; good && i < x.rank; i++) count *= x.dims[i];
        if (good) touch(count, x.bytes, x.floats);
    }
    ctx_free(&c);
}

/* Sizes that come of the image itself, small ones so that no time is spent on pixels. */
static void try_fit(struct ctx *c, const struct sample *s) {
    unsigned at = s->bytes[0];
    struct preprocess p = {.fit = {(int)at * (s->height > 64 ? 1 : 64), (int)at % 48, at & 1}};
    struct sample fitted = *s;
    int errors = c->errors;
    bool good = preprocess_fit(c, arena_new(c), &p, at & 2 ? 3 : 1, &fitted);
    if (good == (c->errors > errors)) abort();
    if (good) touch_sample(&fitted);
}

static void try_image(const char *path) {
    struct ctx c;
    ctx_init(&c, NULL, NULL);
    if (!setjmp(c.oom)) {
        struct sample s;
        bool good = data_read_image(&c, arena_new(&c), path, &s);
        if (!good && !c.errors) abort();
        if (good) {
            touch_sample(&s);
            try_fit(&c, &s);
        }
    }
    ctx_free(&c);
}

static void try_dataset(opener *open, const char *path) {
    struct ctx c;
    ctx_init(&c, NULL, NULL);
    if (!setjmp(c.oom)) {
        struct arena *a = arena_new(&c);
        struct dataset d = {.path = path};
        struct sample s;
        bool good = open(&c, a, path, &d);
        if (!good && !c.errors) abort();
        for (long i = 0; good && i < d.count && i < SAMPLES; i++) {
            long last = d.count - 1 - i;
            if (data_get(&c, a, &d, i, &s)) touch_sample(&s);
            if (data_get(&c, a, &d, last, &s)) touch_sample(&s);
        }
    }
    ctx_free(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t images[] = {0, 0, 8, 3, 0, 0, 0, 7, 0, 0, 0, 1,
                                     0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7};
    int fd = memory_file(data, size), other = memory_file(images, sizeof images);
    char path[64], both[160];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    snprintf(both, sizeof both, "/proc/self/fd/%d,%s", other, path);
    try_array(data_read_npy, path);
    try_array(data_read_pb, path);
    try_image(path);
    try_dataset(data_open_npy, path);
    try_dataset(data_open_idx, path);
    try_dataset(data_open_idx, both); /* as the labels */
    try_dataset(data_open_cifar10, path);
    close(fd);
    close(other);
    return 0;
}
