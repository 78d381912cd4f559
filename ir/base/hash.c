/* CRC-32C (Castagnoli, as in iSCSI, RFC 3720) by slices of 8, FNV-1a of 64 bits, and SipHash-2-4
 * (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012). */
#include "base/bytes.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { SLICES = 8 };

static void make_tables(uint32_t t[SLICES][256]) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t v = i;
        for (int k = 0; k < 8; k++) v = v & 1 ? v >> 1 ^ 0x82f63b78u : v >> 1;
        t[0][i] = v;
    }
    for (int s = 1; s < SLICES; s++)
        for (int i = 0; i < 256; i++) t[s][i] = t[s - 1][i] >> 8 ^ t[0][t[s - 1][i] & 255];
}

uint32_t crc32c(uint32_t seed, const void *p, size_t n) {
    uint32_t t[SLICES][256];
    make_tables(t);
    const uint8_t *b = p;
    uint32_t crc = ~seed;
    for (; n >= 8; n -= 8, b += 8) {
        uint32_t lo =
            (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
        lo ^= crc;
        crc = t[7][lo & 255] ^ t[6][lo >> 8 & 255] ^ t[5][lo >> 16 & 255] ^ t[4][lo >> 24] ^
              t[3][b[4]] ^ t[2][b[5]] ^ t[1][b[6]] ^ t[0][b[7]];
    }
    for (; n; n--, b++) crc = crc >> 8 ^ t[0][(crc ^ *b) & 255];
    return ~crc;
}

uint64_t hash64(const void *p, size_t n) {
    const uint8_t *b = p;
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++) h = (h ^ b[i]) * 0x100000001b3u;
    return h;
}

/* A system that has no random numbers yet gives what is at least not in the input. */
struct hash_key hash_key_new(void) {
    struct hash_key key;
    if (getrandom(&key, sizeof key, GRND_NONBLOCK) == (ssize_t)sizeof key) return key;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    key.half[0] = (uint64_t)t.tv_nsec << 32 ^ (uint64_t)t.tv_sec;
    key.half[1] = (uint64_t)getpid();
    return key;
}

static uint64_t rotate(uint64_t x, int by) {
    return x << by | x >> (64 - by);
}

static void sip_rounds(uint64_t v[4], int count) {
    for (int i = 0; i < count; i++) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32) + v[3];
        v[2] += v[1];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[2] = rotate(v[2], 32);
    }
}

static void sip_word(uint64_t v[4], uint64_t word) {
    v[3] ^= word;
    sip_rounds(v, 2);
    v[0] ^= word;
}

uint64_t hash_keyed(struct hash_key key, const void *p, size_t n) {
    const uint8_t *b = p;
    uint64_t v[4] = {key.half[0] ^ 0x736f6d6570736575u, key.half[1] ^ 0x646f72616e646f6du,
                     key.half[0] ^ 0x6c7967656e657261u, key.half[1] ^ 0x7465646279746573u};
    uint64_t last = (uint64_t)n << 56;
    for (; n >= 8; n -= 8, b += 8) {
        uint64_t word = 0;
        for (int i = 0; i < 8; i++) word |= (uint64_t)b[i] << (8 * i);
        sip_word(v, word);
    }
    for (size_t i = 0; i < n; i++) last |= (uint64_t)b[i] << (8 * i);
    sip_word(v, last);
    v[2] ^= 0xff;
    sip_rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
