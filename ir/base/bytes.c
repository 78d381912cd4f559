/* Bounds-checked little-endian reading, growing little-endian writing. */
#include "base/bytes.h"

#include <string.h>

struct reader reader_of(const void *data, size_t size) {
    return (struct reader){.data = data, .size = size};
}

size_t reader_left(const struct reader *r) {
    return r->size - r->at;
}

const uint8_t *read_bytes(struct reader *r, size_t n) {
    if (r->bad || n > r->size - r->at) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *p = r->data + r->at;
    r->at += n;
    return p;
}

static uint64_t read_little(struct reader *r, size_t n) {
    const uint8_t *p = read_bytes(r, n);
    uint64_t v = 0;
    for (size_t i = n; p && i-- > 0;) v = v << 8 | p[i];
    return v;
}

uint8_t read_u8(struct reader *r) {
    return (uint8_t)read_little(r, 1);
}
uint16_t read_u16(struct reader *r) {
    return (uint16_t)read_little(r, 2);
}
uint32_t read_u32(struct reader *r) {
    return (uint32_t)read_little(r, 4);
}
uint64_t read_u64(struct reader *r) {
    return read_little(r, 8);
}

void writer_init(struct writer *w, struct arena *a) {
    *w = (struct writer){.arena = a};
}

static uint8_t *make_room(struct writer *w, size_t n) {
    if (n > w->room - w->size) {
        size_t room = w->room ? w->room : 256;
        while (room - w->size < n) {
            if (room > SIZE_MAX / 4) ctx_oom(arena_ctx(w->arena));
            room *= 2;
        }
        w->data = arena_grow(w->arena, w->data, w->size, room, 1);
        w->room = room;
    }
    return w->data + w->size;
}

void write_bytes(struct writer *w, const void *p, size_t n) {
    uint8_t *to = make_room(w, n);
    if (n) memcpy(to, p, n);
    w->size += n;
}

static void put_little(uint8_t *to, uint64_t v, size_t n) {
    for (size_t i = 0; i < n; i++) to[i] = (uint8_t)(v >> 8 * i);
}

static void write_little(struct writer *w, uint64_t v, size_t n) {
    put_little(make_room(w, n), v, n);
    w->size += n;
}

void write_u8(struct writer *w, uint8_t v) {
    write_little(w, v, 1);
}
void write_u16(struct writer *w, uint16_t v) {
    write_little(w, v, 2);
}
void write_u32(struct writer *w, uint32_t v) {
    write_little(w, v, 4);
}
void write_u64(struct writer *w, uint64_t v) {
    write_little(w, v, 8);
}

void write_align(struct writer *w, size_t align) {
    while (w->size % align) write_u8(w, 0);
}

void write_text(struct writer *w, const char *fmt, ...) {
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n > 0) {
        uint8_t *to = make_room(w, (size_t)n + 1);
        vsnprintf((char *)to, (size_t)n + 1, fmt, again);
        w->size += (size_t)n;
    }
    va_end(again);
}

const char *writer_string(struct writer *w) {
    *make_room(w, 1) = 0;
    return (const char *)w->data;
}

void patch_u32(struct writer *w, size_t at, uint32_t v) {
    put_little(w->data + at, v, 4);
}

void patch_u64(struct writer *w, size_t at, uint64_t v) {
    put_little(w->data + at, v, 8);
}
