/* Byte images to the size a network takes: resize, then crop the centre. In whole numbers and with
 * one rounding, so that every computer and every device sees the same bytes. */
#ifndef NBQ_BASE_IMAGE_H
#define NBQ_BASE_IMAGE_H

#include "base/ctx.h"

enum {
    IMAGE_SIDE_MAX = 1 << 20, /* of an image while it is resized */
    IMAGE_RESIZE_MAX = 16384  /* of struct image_fit */
};

/* What is done to an image. Resize: the shorter side becomes `resize`, the longer one
 * longer · resize / shorter, rounded down. Bilinear, with half-pixel centres: pixel o of n out of m
 * stands at (o + 1/2)·m/n − 1/2. Where an image shrinks, each result is the mean of the pixels
 * under a triangle as wide as two of the result's pixels (antialiased, as Pillow and torchvision
 * do), or with `plain` of the two nearest each way (as OpenCV's INTER_LINEAR does). Results are
 * rounded to the nearest byte, ties up. Crop: the middle crop × crop pixels; of an odd rest the
 * smaller half is above and left. */
struct image_fit {
    int resize, crop; /* pixels; 0: leave out */
    bool plain;
};

struct image {
    int channels, height, width; /* ≥ 1, sides up to 2^26, together up to 2^26 bytes */
    const uint8_t *planes;       /* C×H×W */
};

/* --resize-filter's words: false and true of `plain`. */
extern const char *const image_filters[2];

/* The size an image is resized to, and the part of that which is kept. */
struct image_part {
    int64_t height, width; /* after resizing; when it is too large also beyond IMAGE_SIDE_MAX */
    int top, left, rows, columns;
};

enum image_fault { IMAGE_FITS, IMAGE_TOO_LARGE, IMAGE_TOO_SMALL };

/* image.c: IMAGE_TOO_LARGE when a resized side is beyond IMAGE_SIDE_MAX, IMAGE_TOO_SMALL when it is
 * below the crop; height and width are set nonetheless. */
enum image_fault image_part_of(const struct image_fit *f, int height, int width,
                               struct image_part *out);
/* Whether any image comes out as height × width: sizes that f asks for are told before there are
 * images. */
bool image_can_become(const struct image_fit *f, int64_t height, int64_t width);
/* channels × rows × columns bytes into `to`, for a part that fits; memory from a is not needed
 * afterwards. */
void image_resize(struct arena *a, const struct image_fit *f, const struct image *from,
                  const struct image_part *part, uint8_t *to);

#endif
