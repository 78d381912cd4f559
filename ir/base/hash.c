/* CRC-32C (Castagnoli, as in iSCSI, RFC 3720) by slices of 8, and FNV-1a of 64 bits. */
#include "base/bytes.h"

#include <string.h>

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
