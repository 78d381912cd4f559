/* Bounds-checked little-endian reader and growing writer, text builder, checksums, hashes. */
#ifndef NBQ_BASE_BYTES_H
#define NBQ_BASE_BYTES_H

#include "base/ctx.h"

/* Reading past the end sets bad and gives zeros; look at bad once, after a group of reads. */
struct reader {
    const uint8_t *data;
    size_t size, at;
    bool bad;
};

struct writer { /* in an arena; data moves when it grows */
    struct arena *arena;
    uint8_t *data;
    size_t size, room;
};

/* bytes.c */
struct reader reader_of(const void *data, size_t size);
uint8_t read_u8(struct reader *r);
uint16_t read_u16(struct reader *r);
uint32_t read_u32(struct reader *r);
uint64_t read_u64(struct reader *r);
const uint8_t *read_bytes(struct reader *r, size_t n); /* NULL and bad past the end */
size_t reader_left(const struct reader *r);

void writer_init(struct writer *w, struct arena *a);
void write_u8(struct writer *w, uint8_t v);
void write_u16(struct writer *w, uint16_t v);
void write_u32(struct writer *w, uint32_t v);
void write_u64(struct writer *w, uint64_t v);
void write_bytes(struct writer *w, const void *p, size_t n);
void write_align(struct writer *w, size_t align); /* pads with zeros */
void write_text(struct writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *writer_string(struct writer *w); /* appends a NUL that size does not count */
void patch_u32(struct writer *w, size_t at, uint32_t v);
void patch_u64(struct writer *w, size_t at, uint64_t v);

/* hash.c */
uint32_t crc32c(uint32_t seed, const void *p,
                size_t n); /* Castagnoli, reflected, seed 0 for a fresh one */
uint64_t hash64(const void *p,
                size_t n); /* FNV-1a, for dumps and target identity; not for security */

/* hash.c: for tables of what somebody else wrote. Whoever does not know the key cannot write much
 * that meets in one slot; a key is drawn by chance for each table, so that nothing but time may
 * depend on a hash. */
struct hash_key {
    uint64_t half[2];
};
struct hash_key hash_key_new(void);
uint64_t hash_keyed(struct hash_key key, const void *p, size_t n); /* SipHash-2-4 */

/* random.c: splitmix64, one rule everywhere a seed is printed. */
struct rng {
    uint64_t state;
};
uint64_t rng_next(struct rng *r);
uint32_t rng_below(struct rng *r, uint32_t n); /* 0…n−1 */
double rng_unit(struct rng *r);                /* [0,1) */
double rng_normal(struct rng *r);              /* mean 0, variance 1, |x| ≤ 6 */

#endif
