/* Arenas: chunks from calloc, handed out from the front, freed all at once. Fresh pages of the
 * system are zero already, so that memory nobody writes to is never there. The address sanitizer
 * sees what is not handed out, and a gap behind each allocation, as not ours. */
#include "base/ctx.h"
#include "base/poison.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef NBQ_POISON
enum { GAP = 16 };
#else
enum { GAP = 0 };
#endif

enum { FIRST_CHUNK = 4096, LARGEST_CHUNK = 1 << 20, SMALL_ALIGN = 16, LARGE_ALIGN = 64 };

struct chunk {
    struct chunk *next;
    size_t size, used; /* of the bytes after this header; used counts the gaps */
};

struct arena {
    struct ctx *ctx;
    struct arena *prev, *next; /* list of the context */
    struct chunk *chunks;      /* newest first */
    size_t next_size;
};

struct arena *arena_new(struct ctx *c) {
    struct arena *a = calloc(1, sizeof *a);
    if (!a) ctx_oom(c);
    a->ctx = c;
    a->next_size = FIRST_CHUNK;
    a->next = c->arenas;
    if (c->arenas) c->arenas->prev = a;
    c->arenas = a;
    return a;
}

void arena_free(struct arena *a) {
    if (!a) return;
    if (a->prev)
        a->prev->next = a->next;
    else
        a->ctx->arenas = a->next;
    if (a->next) a->next->prev = a->prev;
    for (struct chunk *k = a->chunks, *next; k; k = next) {
        next = k->next;
        a->ctx->memory -= k->size;
        unpoison(k + 1, k->size);
        free(k);
    }
    free(a);
}

/* Room for size bytes at the wanted alignment, whatever malloc's is. */
static struct chunk *new_chunk(struct arena *a, size_t size) {
    size_t want = size + LARGE_ALIGN + GAP;
    size_t room = want > a->next_size ? want : a->next_size;
    if (a->next_size < LARGEST_CHUNK) a->next_size *= 2;
    struct ctx *c = a->ctx;
    if (c->limit && (c->memory > c->limit || room > c->limit - c->memory)) ctx_oom(c);
    struct chunk *k = calloc(1, sizeof *k + room);
    if (!k) ctx_oom(c);
    c->memory += room;
    k->size = room;
    k->next = a->chunks;
    a->chunks = k;
    poison(k + 1, room);
    return k;
}

static size_t aligned_start(const struct chunk *k, size_t align) {
    uintptr_t base = (uintptr_t)(k + 1);
    return (size_t)(((base + k->used + align - 1) & ~(uintptr_t)(align - 1)) - base);
}

void *arena_alloc(struct arena *a, size_t size) {
    if (size > SIZE_MAX / 2) ctx_oom(a->ctx);
    if (!size) size = 1;
    size_t align = size >= LARGE_ALIGN ? LARGE_ALIGN : SMALL_ALIGN;
    struct chunk *k = a->chunks;
    size_t at = k ? aligned_start(k, align) : 0;
    if (!k || at > k->size || size > k->size - at) {
        k = new_chunk(a, size);
        at = aligned_start(k, align);
    }
    k->used = at + size + GAP;
    char *p = (char *)(k + 1) + at;
    unpoison(p, size);
    return p;
}

void *arena_array(struct arena *a, size_t count, size_t size) {
    if (size && count > SIZE_MAX / 2 / size) ctx_oom(a->ctx);
    return arena_alloc(a, count * size);
}

void *arena_grow(struct arena *a, const void *old, size_t old_count, size_t new_count,
                 size_t size) {
    void *p = arena_array(a, new_count, size);
    if (old_count) memcpy(p, old, old_count * size);
    return p;
}

void *arena_copy(struct arena *a, const void *p, size_t size) {
    void *q = arena_alloc(a, size);
    if (size) memcpy(q, p, size);
    return q;
}

char *arena_strdup(struct arena *a, const char *s) {
    return arena_strndup(a, s, strlen(s));
}

char *arena_strndup(struct arena *a, const char *s, size_t n) {
    char *t = arena_alloc(a, n + 1);
    if (n) memcpy(t, s, n);
    return t;
}

char *arena_printf(struct arena *a, const char *fmt, ...) {
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *s = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
    if (s) vsnprintf(s, (size_t)n + 1, fmt, again);
    va_end(again);
    if (!s) ctx_oom(a->ctx);
    return s;
}

static bool holds(const struct arena *a, uintptr_t first, uintptr_t end) {
    for (const struct chunk *k = a->chunks; k; k = k->next) {
        uintptr_t base = (uintptr_t)(k + 1);
        if (base <= first && end <= base + k->used) return true;
    }
    return false;
}

static bool has_arena_with(const struct ctx *c, uintptr_t first, uintptr_t end) {
    for (const struct arena *a = c->arenas; a; a = a->next)
        if (holds(a, first, end)) return true;
    return false;
}

void arena_drop(const struct ctx *c, const void *p, size_t size) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = (uintptr_t)p;
    uintptr_t first = (start + page - 1) / page * page, end = (start + size) / page * page;
    if (first >= end || !has_arena_with(c, start, start + size)) return;
#ifdef MADV_DONTNEED
    madvise((char *)p + (first - start), end - first, MADV_DONTNEED);
#endif
    poison((const char *)p + (first - start), end - first);
}

struct ctx *arena_ctx(const struct arena *a) {
    return a->ctx;
}
