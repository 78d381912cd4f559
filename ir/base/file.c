/* Whole files: mapped for reading, replaced atomically for writing. */
#include "base/file.h"

#include "base/base_diag.h"
#include "base/interrupt.h"
#include "base/poison.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_STREAMED = 1 << 30 };

struct mapping {
    void *address;
    size_t size;
};

static size_t whole_pages(size_t size) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (size + page - 1) / page * page;
}

static void unmap(void *object) {
    struct mapping *m = object;
    unpoison(m->address, whole_pages(m->size));
    munmap(m->address, m->size);
    free(m);
}

static bool read_stream(struct ctx *c, const char *where, int fd, struct file_view *out) {
    struct arena *a = arena_new(c);
    struct writer w;
    writer_init(&w, a);
    uint8_t piece[16384];
    for (;;) {
        ssize_t n = read(fd, piece, sizeof piece);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            diag(c, file_read, where, strerror(errno));
            return false;
        }
        if (n == 0) break;
        if (w.size > MOST_STREAMED) { /* /dev/zero is no model */
            diag(c, file_endless, where, (size_t)MOST_STREAMED);
            return false;
        }
        write_bytes(&w, piece, (size_t)n);
    }
    out->data = (const uint8_t *)writer_string(&w);
    out->size = w.size;
    return true;
}

static bool map_regular(struct ctx *c, const char *path, int fd, size_t size,
                        struct file_view *out) {
    void *p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    int error = errno;
    close(fd);
    if (p == MAP_FAILED) {
        diag(c, file_read, path, strerror(error));
        return false;
    }
    struct mapping *m = malloc(sizeof *m);
    if (!m) {
        munmap(p, size);
        ctx_oom(c);
    }
    *m = (struct mapping){p, size};
    poison((char *)p + size, whole_pages(size) - size);
    ctx_defer(c, unmap, m);
    *out = (struct file_view){p, size};
    return true;
}

/* A descriptor the context closes: reading a stream may run out of memory half way. */
static void close_fd(void *object) {
    int *fd = object;
    close(*fd);
    free(fd);
}

static bool read_pipe(struct ctx *c, const char *path, int fd, struct file_view *out) {
    int *kept = malloc(sizeof *kept);
    if (!kept) {
        close(fd);
        ctx_oom(c);
    }
    *kept = fd;
    ctx_defer(c, close_fd, kept);
    return read_stream(c, path, fd, out);
}

const char *file_name(const char *path) {
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

static bool read_stdin(struct ctx *c, struct file_view *out) {
    if (c->stdin_taken) {
        diag(c, file_twice, file_name("-"));
        return false;
    }
    c->stdin_taken = true;
    return read_stream(c, file_name("-"), STDIN_FILENO, out);
}

bool file_map(struct ctx *c, const char *path, struct file_view *out) {
    if (!strcmp(path, "-")) return read_stdin(c, out);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) {
        int error = errno;
        if (fd >= 0) close(fd);
        diag(c, file_open, path, strerror(error));
        return false;
    }
    if (S_ISREG(st.st_mode) && st.st_size > 0)
        return map_regular(c, path, fd, (size_t)st.st_size, out);
    if (!S_ISDIR(st.st_mode)) return read_pipe(c, path, fd, out);
    close(fd);
    diag(c, file_directory, path);
    return false;
}

static bool write_all(int fd, const uint8_t *p, size_t n) {
    while (n) {
        ssize_t k = write(fd, p, n);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return false;
        p += k;
        n -= (size_t)k;
    }
    return true;
}

/* Writes, syncs and closes; the first error stays in errno. */
static bool write_and_close(int fd, const void *data, size_t size, mode_t mode) {
    bool good = write_all(fd, data, size) && fchmod(fd, mode) == 0 && fsync(fd) == 0;
    int error = errno;
    if (close(fd) < 0 && good) return false;
    errno = error;
    return good;
}

bool file_same(const char *a, const char *b) {
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* The file a path ends at: a symbolic link stays one, and what it points to is replaced. */
static const char *behind_links(struct arena *a, const char *path) {
    char *real = arena_alloc(a, PATH_MAX);
    return realpath(path, real) ? real : path; /* a new file has no real path yet */
}

/* A descriptor that is open already: even a regular file behind it is not ours to replace. */
static bool names_descriptor(const char *path) {
    static const char *const names[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(path, names[i]) == 0) return true;
    return strncmp(path, "/dev/fd/", 8) == 0 ||
           (strncmp(path, "/proc/", 6) == 0 && strstr(path, "/fd/") != NULL);
}

/* Devices, pipes, sockets, and whatever /dev/stdout stands for are written to, never replaced. */
static bool is_written_through(const char *path) {
    struct stat st;
    return names_descriptor(path) || (stat(path, &st) == 0 && !S_ISREG(st.st_mode));
}

static bool write_through(const char *path, const void *data, size_t size) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return false;
    bool good = write_all(fd, data, size);
    int error = errno;
    if (close(fd) < 0 && good) return false;
    errno = error;
    return good;
}

static bool write_and_rename(struct arena *a, const char *path, const void *data, size_t size) {
    char *temporary = arena_printf(a, "%s.XXXXXX", path);
    interrupt_hold();
    int fd = mkostemp(temporary, O_CLOEXEC);
    int error = errno;
    interrupt_release(fd < 0 ? NULL : temporary);
    errno = error;
    if (fd < 0) return false;
    mode_t mask = umask(0);
    umask(mask);
    bool good = write_and_close(fd, data, size, 0666 & ~mask);
    error = errno;
    interrupt_hold();
    if (good && rename(temporary, path) != 0) {
        error = errno;
        good = false;
    }
    if (!good) unlink(temporary);
    interrupt_release(NULL);
    errno = error;
    return good;
}

/* Of "name" this folder, of "/name" the root. */
static const char *folder_of(struct arena *a, const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash) return ".";
    return slash == path ? "/" : arena_strndup(a, path, (size_t)(slash - path));
}

bool file_check_write(struct ctx *c, const char *path) {
    struct stat st;
    if (!strcmp(path, "-")) return true;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        diag(c, file_directory, path);
        return false;
    }
    struct arena *a = arena_new(c);
    bool through = is_written_through(path);
    bool good = through ? access(path, W_OK) == 0
                        : access(folder_of(a, behind_links(a, path)), W_OK | X_OK) == 0;
    if (!good) diag(c, file_write, path, strerror(errno));
    arena_free(a);
    return good;
}

bool file_check_read(struct ctx *c, const char *path) {
    struct stat st;
    bool there = stat(path, &st) == 0;
    if (there && S_ISDIR(st.st_mode)) {
        diag(c, file_directory, path);
        return false;
    }
    if (there && access(path, R_OK) == 0) return true;
    diag(c, file_open, path, strerror(errno));
    return false;
}

bool file_replace(struct ctx *c, const char *path, const void *data, size_t size) {
    struct arena *a = arena_new(c);
    bool stdout_named = !strcmp(path, "-"), good;
    if (stdout_named)
        good = write_all(1, data, size);
    else if (is_written_through(path))
        good = write_through(path, data, size);
    else
        good = write_and_rename(a, behind_links(a, path), data, size);
    if (!good) diag(c, file_write, stdout_named ? "standard output" : path, strerror(errno));
    arena_free(a);
    return good;
}
