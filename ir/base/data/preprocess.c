/* Byte images to what a network's input takes: channels, size, and the formula of the values. */
#include "base/data/data_room.h"

#include <string.h>

static bool is_image(const struct sample *s) {
    return s->bytes && (s->rank == 0 || s->rank == 3 || (s->rank == 4 && s->dims[0] == 1));
}

/* Pixels that were made anew are an image, whatever the file's shape was. */
static void set_pixels(struct sample *s, int channels, int height, int width,
                       const uint8_t *bytes) {
    s->channels = channels;
    s->height = height;
    s->width = width;
    s->bytes = bytes;
    s->rank = 0;
}

static void repeat_grey(struct arena *a, struct sample *s) {
    size_t plane = (size_t)s->height * (size_t)s->width;
    uint8_t *to = arena_alloc(a, 3 * plane);
    for (size_t c = 0; c < 3; c++) memcpy(to + c * plane, s->bytes, plane);
    set_pixels(s, 3, s->height, s->width, to);
}

static bool resize(struct ctx *c, struct arena *a, const struct image_fit *f, struct sample *s) {
    struct image_part part;
    enum image_fault fault = image_part_of(f, s->height, s->width, &part);
    long long height = part.height, width = part.width;
    size_t size = (size_t)s->channels * (size_t)part.rows * (size_t)part.columns;
    if (fault == IMAGE_TOO_SMALL) {
        diag(c, data_crop, s->name, height, width, f->resize ? " after --resize" : "", f->crop);
        return false;
    }
    if (fault == IMAGE_TOO_LARGE) {
        diag(c, data_long, s->name, s->height, s->width, f->resize, height, width, IMAGE_SIDE_MAX);
        return false;
    }
    if (size > DATA_MAX_ELEMENTS && f->crop) {
        diag(c, data_cropped, s->name, f->crop, f->crop, f->crop, s->channels, DATA_MAX_ELEMENTS);
        return false;
    }
    if (size > DATA_MAX_ELEMENTS) {
        diag(c, data_resized, s->name, f->resize, height, width, DATA_MAX_ELEMENTS);
        return false;
    }
    uint8_t *to = arena_alloc(a, size);
    struct image from = {s->channels, s->height, s->width, s->bytes};
    struct arena *scratch = arena_new(c);
    image_resize(scratch, f, &from, &part, to);
    arena_free(scratch);
    set_pixels(s, s->channels, part.rows, part.columns, to);
    return true;
}

bool preprocess_fit(struct ctx *c, struct arena *a, const struct preprocess *p, int channels,
                    struct sample *s) {
    if (!is_image(s)) return true;
    if (s->channels == 3 && channels == 1) {
        diag(c, data_colour, s->name);
        return false;
    }
    if ((p->fit.resize || p->fit.crop) && !resize(c, a, &p->fit, s)) return false;
    if (s->channels == 1 && channels == 3) repeat_grey(a, s);
    return true;
}

bool preprocess_check(struct ctx *c, const char *where, const struct preprocess *p, int channels) {
    if (p->bgr && channels != 3)
        diag(c, data_bgr, where, channels);
    else if (channels > PREPROCESS_CHANNELS)
        diag(c, data_channels, where, channels, PREPROCESS_CHANNELS);
    else
        return true;
    return false;
}

bool image_shape_of(int rank, const int64_t *dims, struct image_shape *out) {
    if (rank != 3 && !(rank == 4 && dims[0] == 1)) return false;
    const int64_t *d = dims + rank - 3;
    bool last = d[0] > PREPROCESS_CHANNELS;
    int64_t channels = last ? d[2] : d[0], height = last ? d[0] : d[1], width = last ? d[1] : d[2];
    *out = (struct image_shape){(int)channels, (int)height, (int)width, last};
    return channels >= 1 && channels <= PREPROCESS_CHANNELS && height > 1 && width > 1 &&
           height <= DATA_MAX_ELEMENTS && width <= DATA_MAX_ELEMENTS;
}

bool preprocess_raw(struct ctx *c, struct arena *a, const struct preprocess *p,
                    const struct image_shape *to, struct sample *s) {
    if (!preprocess_fit(c, a, p, to->channels, s)) return false;
    if (s->channels != to->channels || s->height != to->height || s->width != to->width)
        return true;
    s->type = data_type_name(DATA_U8);
    s->elements = s->bytes;
    if (!to->last) return true;
    size_t plane = (size_t)to->height * (size_t)to->width, channels = (size_t)to->channels;
    uint8_t *pixels = arena_alloc(a, channels * plane);
    for (size_t ch = 0; ch < channels; ch++)
        for (size_t i = 0; i < plane; i++) pixels[i * channels + ch] = s->bytes[ch * plane + i];
    s->elements = pixels;
    return true;
}

int preprocess_source(const struct preprocess *p, int ch) {
    return p->bgr && ch < 3 ? 2 - ch : ch;
}

float preprocess_byte(const struct preprocess *p, int ch, uint8_t x) {
    return (float)((x * p->scale - p->mean[ch]) / p->std[ch]);
}
