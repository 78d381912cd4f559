/* PNG and JPEG files written by hand, so that tests of the readers share no library with them. */
#ifndef NBQ_TESTS_UNIT_BASE_IMAGES_H
#define NBQ_TESTS_UNIT_BASE_IMAGES_H

#include "base/bytes.h"

#include <string.h>

static inline void image_u32(struct writer *w, uint32_t v) { /* big-endian */
    for (int shift = 24; shift >= 0; shift -= 8) write_u8(w, (uint8_t)(v >> shift));
}

static inline void image_u16(struct writer *w, unsigned v) {
    write_u8(w, (uint8_t)(v >> 8));
    write_u8(w, (uint8_t)v);
}

/* ---- PNG (ISO/IEC 15948): no filter, deflate blocks that are stored as they are ---- */

static inline void png_chunk(struct writer *w, const char *type, const void *data, size_t size) {
    image_u32(w, (uint32_t)size);
    size_t from = w->size;
    write_bytes(w, type, 4);
    write_bytes(w, data, size);
    uint32_t crc = 0xffffffff;
    for (size_t i = from; i < w->size; i++) {
        crc ^= w->data[i];
        for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    image_u32(w, ~crc);
}

/* What a PNG is made of. */
struct png_form {
    int colour_type; /* 0 grey, 2 colour, 3 palette, 4 grey and alpha, 6 colour and alpha */
    int bits, height, width;
    struct {
        const char *type;
        const void *data;
        size_t size;
    } chunks[3]; /* between header and pixels; type NULL: no more */
};

static inline int png_channels(const struct png_form *f) {
    static const int channels[] = {1, 0, 3, 1, 2, 0, 4};
    return channels[f->colour_type];
}

/* Rows of ⌈width · channels · bits / 8⌉ bytes, at most 65,534, samples of 16 bits big-endian: a
 * deflate block for each, filter type 0, then the pixels. */
static inline void png_rows(struct writer *data, const struct png_form *f, const uint8_t *rows) {
    uint32_t low = 1, high = 0; /* Adler-32 */
    size_t row = ((size_t)png_channels(f) * (size_t)f->width * (size_t)f->bits + 7) / 8;
    write_bytes(data, "\x78\x01", 2);
    for (int y = 0; y < f->height; y++) {
        const uint8_t *from = rows + row * (size_t)y;
        write_u8(data, y + 1 == f->height);
        write_u16(data, (uint16_t)(row + 1));
        write_u16(data, (uint16_t) ~(row + 1));
        write_u8(data, 0);
        write_bytes(data, from, row);
        high = (high + low) % 65521;
        for (size_t i = 0; i < row; i++) {
            low = (low + from[i]) % 65521;
            high = (high + low) % 65521;
        }
    }
    image_u32(data, high << 16 | low);
}

static inline void image_png_of(struct writer *w, struct arena *a, const struct png_form *f,
                                const uint8_t *rows) {
    struct writer head, data;
    writer_init(&head, a);
    writer_init(&data, a);
    image_u32(&head, (uint32_t)f->width);
    image_u32(&head, (uint32_t)f->height);
    const uint8_t form[] = {(uint8_t)f->bits, (uint8_t)f->colour_type, 0, 0, 0};
    write_bytes(&head, form, sizeof form);
    png_rows(&data, f, rows);
    write_bytes(w, "\x89PNG\r\n\x1a\n", 8);
    png_chunk(w, "IHDR", head.data, head.size);
    for (int i = 0; i < 3 && f->chunks[i].type; i++)
        png_chunk(w, f->chunks[i].type, f->chunks[i].data, f->chunks[i].size);
    png_chunk(w, "IDAT", data.data, data.size);
    png_chunk(w, "IEND", NULL, 0);
}

/* 8 bits; channels: 1 grey, 2 grey and alpha, 3 colour, 4 colour and alpha. */
static inline void image_png(struct writer *w, struct arena *a, int channels, int height, int width,
                             const uint8_t *pixels) {
    static const int colour_types[] = {0, 0, 4, 2, 6};
    struct png_form f = {
        .colour_type = colour_types[channels], .bits = 8, .height = height, .width = width};
    image_png_of(w, a, &f, pixels);
}

/* ---- JPEG (ITU-T T.81), baseline: blocks of 8 × 8 pixels of one value each ---- */

struct jpeg_bits {
    struct writer *w;
    unsigned held, count;
};

static inline void jpeg_put(struct jpeg_bits *b, unsigned value, unsigned count) {
    while (count-- > 0) {
        b->held = b->held << 1 | (value >> count & 1);
        if (++b->count < 8) continue;
        write_u8(b->w, (uint8_t)b->held);
        if ((b->held & 255) == 255) write_u8(b->w, 0);
        b->held = b->count = 0;
    }
}

/* The difference of two block values and no other coefficient. */
static inline void jpeg_block(struct jpeg_bits *b, int difference) {
    unsigned size = 0, magnitude = (unsigned)(difference < 0 ? -difference : difference);
    while (magnitude >> size) size++;
    jpeg_put(b, size, 4);
    jpeg_put(b, (unsigned)(difference < 0 ? difference - 1 : difference) & ((1u << size) - 1),
             size);
    jpeg_put(b, 0, 1);
}

/* An Adobe marker: 0 the channels are what they are (CMYK), 2 luma, Cb, Cr and black (YCCK). To
 * stand behind the first two bytes of a file. */
static inline void jpeg_adobe(struct writer *w, uint8_t transform) {
    write_bytes(w,
                "\xff\xee\0\x0e"
                "Adobe\0\x64\0\0\0\0",
                15);
    write_u8(w, transform);
}

static inline void jpeg_headers(struct writer *w, int channels, int adobe, int height, int width) {
    write_bytes(w, "\xff\xd8", 2);
    if (adobe >= 0) jpeg_adobe(w, (uint8_t)adobe);
    /* every quantizer 8: a block's DC is its value */
    write_bytes(w, "\xff\xdb\0\x43\0", 5);
    for (int i = 0; i < 64; i++) write_u8(w, 8);
    write_bytes(w, "\xff\xc0", 2);
    image_u16(w, 8 + 3 * (unsigned)channels);
    write_u8(w, 8);
    image_u16(w, (unsigned)height);
    image_u16(w, (unsigned)width);
    write_u8(w, (uint8_t)channels);
    for (int c = 0; c < channels; c++) {
        const uint8_t component[] = {(uint8_t)(c + 1), 0x11, 0};
        write_bytes(w, component, sizeof component);
    }
    /* DC: sizes 0…11 with codes of 4 bits each; AC: end of block alone, with 1 bit. */
    static const uint8_t lengths[2][16] = {{0, 0, 0, 12}, {1}};
    write_bytes(w, "\xff\xc4\0\x1f\0", 5);
    write_bytes(w, lengths[0], 16);
    for (int i = 0; i < 12; i++) write_u8(w, (uint8_t)i);
    write_bytes(w, "\xff\xc4\0\x14\x10", 5);
    write_bytes(w, lengths[1], 16);
    write_u8(w, 0);
    write_bytes(w, "\xff\xda", 2);
    image_u16(w, 6 + 2 * (unsigned)channels);
    write_u8(w, (uint8_t)channels);
    for (int c = 0; c < channels; c++) {
        write_u8(w, (uint8_t)(c + 1));
        write_u8(w, 0);
    }
    write_bytes(w, "\0\x3f\0", 3);
}

/* channels: 1 grey, 3 luma, Cb, Cr, 4 inks; with adobe >= 0 that marker. blocks: (⌈height/8⌉ ·
 * ⌈width/8⌉) × channels values, row by row. */
static inline void image_jpeg_of(struct writer *w, int channels, int adobe, int height, int width,
                                 const uint8_t *blocks) {
    int count = (height + 7) / 8 * ((width + 7) / 8), before[4] = {128, 128, 128, 128};
    struct jpeg_bits b = {w, 0, 0};
    jpeg_headers(w, channels, adobe, height, width);
    for (int i = 0; i < count; i++)
        for (int c = 0; c < channels; c++) {
            int value = blocks[i * channels + c];
            jpeg_block(&b, value - before[c]);
            before[c] = value;
        }
    jpeg_put(&b, 127, b.count ? 8 - b.count : 0);
    write_bytes(w, "\xff\xd9", 2);
}

static inline void image_jpeg(struct writer *w, int channels, int height, int width,
                              const uint8_t *blocks) {
    image_jpeg_of(w, channels, -1, height, width, blocks);
}

#endif
