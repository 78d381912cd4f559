/* Image files: which reader takes one is told by its first bytes, whatever its name ends in. Both
 * readers give R, G, B planes (grey images: one). */
#include "base/data/data_room.h"

#include <string.h>

bool data_too_big(unsigned channels, unsigned long long height, unsigned long long width) {
    return !height || !width || height > DATA_MAX_ELEMENTS || width > DATA_MAX_ELEMENTS ||
           channels * height * width > DATA_MAX_ELEMENTS;
}

void data_say_too_big(struct ctx *c, const char *path, unsigned channels, unsigned height,
                      unsigned width) {
    diag(c, data_big, path, (unsigned long long)channels, (unsigned long long)height,
         (unsigned long long)width, DATA_MAX_ELEMENTS);
}

bool data_map(struct ctx *c, const char *path, const char *expected, struct file_view *out) {
    if (!file_map(c, path, out)) return false;
    if (out->size) return true;
    diag(c, data_no_bytes, path, expected);
    return false;
}

struct image_kind {
    const char *start;
    size_t size; /* of start */
    bool (*read)(struct ctx *c, struct arena *a, const char *path, const struct file_view *v,
                 struct sample *out);
};
static const struct image_kind image_kinds[] = {
    {"\x89PNG\r\n\x1a\n", 8, data_read_png},
    {"\xff\xd8\xff", 3, data_read_jpeg},
};

/* The bytes that were found, for a message. */
static const char *first_bytes(struct arena *a, const struct file_view *v) {
    enum { SHOWN = 4 };
    struct writer w;
    writer_init(&w, a);
    for (size_t i = 0; i < v->size && i < SHOWN; i++)
        write_text(&w, "%s%02x", i ? " " : "", v->data[i]);
    return writer_string(&w);
}

bool data_read_image(struct ctx *c, struct arena *a, const char *path, struct sample *out) {
    struct file_view v;
    if (!data_map(c, path, "a PNG or JPEG image", &v)) return false;
    for (size_t i = 0; i < sizeof image_kinds / sizeof *image_kinds; i++) {
        const struct image_kind *k = &image_kinds[i];
        if (v.size >= k->size && !memcmp(v.data, k->start, k->size))
            return k->read(c, a, path, &v, out);
    }
    diag(c, data_not_image, path, v.size, first_bytes(a, &v));
    return false;
}
