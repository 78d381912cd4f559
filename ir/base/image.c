/* Resizing and cropping of byte images: see image.h. A result is one fraction of whole numbers: tap
 * i of result o of n, out of m pixels, has the weight max(0, 2·s − |(2·i + 1)·n − (2·o + 1)·m|),
 * which is the triangle of half-width s/n around the result's centre, times 2·n; s is the larger of
 * m and n, or n where the filter stays plain. Rows first, then columns, and only then a division by
 * the sum of the weights: there is no order of computation that could differ. Sums stay below 2^63:
 * weights of one side add up to 2·m² at most, or to 2·n where the image grows, both sides together
 * have 2^26 pixels before, and each has 2^20 at most after. */
#include "base/image.h"

const char *const image_filters[2] = {"antialias", "plain"};

struct taps { /* of one result: weights of the pixels first … first + count − 1 */
    int first, count;
    const int64_t *weights;
    int64_t sum;
};

static int64_t magnitude(int64_t x) {
    return x < 0 ? -x : x;
}

static struct taps taps_of(struct arena *a, int64_t m, int64_t n, bool plain, int64_t o) {
    int64_t spread = plain || n > m ? n : m, centre = (2 * o + 1) * m;
    int64_t first = (centre - 2 * spread - n) / (2 * n), last = (centre + 2 * spread) / (2 * n);
    first = first < 0 ? 0 : first;
    last = last > m - 1 ? m - 1 : last;
    int64_t *weights = arena_array(a, (size_t)(last - first + 1), sizeof *weights);
    struct taps t = {(int)first, (int)(last - first + 1), weights, 0};
    for (int64_t i = first; i <= last; i++) {
        int64_t w = 2 * spread - magnitude((2 * i + 1) * n - centre);
        weights[i - first] = w > 0 ? w : 0;
        t.sum += weights[i - first];
    }
    return t;
}

/* Of the results from `from` on. */
static struct taps *all_taps(struct arena *a, int64_t m, int64_t n, bool plain, int from,
                             int count) {
    struct taps *t = arena_array(a, (size_t)count, sizeof *t);
    for (int o = 0; o < count; o++) t[o] = taps_of(a, m, n, plain, from + o);
    return t;
}

static void add_rows(const uint8_t *plane, int width, const struct taps *t, int64_t *sums) {
    for (int x = 0; x < width; x++) sums[x] = 0;
    for (int i = 0; i < t->count; i++) {
        const uint8_t *row = plane + (size_t)(t->first + i) * (size_t)width;
        int64_t w = t->weights[i];
        for (int x = 0; w && x < width; x++) sums[x] += w * row[x];
    }
}

static uint8_t add_columns(const int64_t *sums, const struct taps *t, int64_t rows_sum) {
    int64_t total = 0, weights = t->sum * rows_sum;
    for (int i = 0; i < t->count; i++) total += t->weights[i] * sums[t->first + i];
    return (uint8_t)((total + weights / 2) / weights);
}

static void resize_plane(const uint8_t *plane, int width, const struct taps *down,
                         const struct taps *across, const struct image_part *part, int64_t *sums,
                         uint8_t *to) {
    for (int y = 0; y < part->rows; y++) {
        add_rows(plane, width, &down[y], sums);
        for (int x = 0; x < part->columns; x++) *to++ = add_columns(sums, &across[x], down[y].sum);
    }
}

void image_resize(struct arena *a, const struct image_fit *f, const struct image *from,
                  const struct image_part *part, uint8_t *to) {
    const struct taps *down =
        all_taps(a, from->height, part->height, f->plain, part->top, part->rows);
    const struct taps *across =
        all_taps(a, from->width, part->width, f->plain, part->left, part->columns);
    int64_t *sums = arena_array(a, (size_t)from->width, sizeof *sums);
    size_t plane = (size_t)from->height * (size_t)from->width;
    size_t result = (size_t)part->rows * (size_t)part->columns;
    for (int c = 0; c < from->channels; c++)
        resize_plane(from->planes + (size_t)c * plane, from->width, down, across, part, sums,
                     to + (size_t)c * result);
}

bool image_can_become(const struct image_fit *f, int64_t height, int64_t width) {
    if (f->crop) return height == f->crop && width == f->crop;
    return !f->resize || (height < width ? height : width) == f->resize;
}

enum image_fault image_part_of(const struct image_fit *f, int height, int width,
                               struct image_part *out) {
    int64_t shorter = height < width ? height : width;
    *out = (struct image_part){.height = height, .width = width};
    if (f->resize) {
        out->height = (int64_t)height * f->resize / shorter;
        out->width = (int64_t)width * f->resize / shorter;
        if (out->height > IMAGE_SIDE_MAX || out->width > IMAGE_SIDE_MAX) return IMAGE_TOO_LARGE;
    }
    if (out->height < f->crop || out->width < f->crop) return IMAGE_TOO_SMALL;
    out->rows = f->crop ? f->crop : (int)out->height;
    out->columns = f->crop ? f->crop : (int)out->width;
    out->top = (int)(out->height - out->rows) / 2;
    out->left = (int)(out->width - out->columns) / 2;
    return IMAGE_FITS;
}
