/* Resizing and cropping of byte images, against the definition in floating point: a sum over every
 * pixel of the image, weighted by a triangle around the result's centre. */
#include "test.h"

#include "base/data.h"
#include "base/diag.h"
#include "base/image.h"

#include <math.h>

/* The value of result (y, x) of height × width, by both axes at once. */
static double triangle(double distance, double half_width) {
    double w = 1 - fabs(distance) / half_width;
    return w > 0 ? w : 0;
}

static double defined(const uint8_t *plane, int h, int w, int height, int width, bool plain, int y,
                      int x) {
    double sy = (double)h / height, sx = (double)w / width, sum = 0, weights = 0;
    double ry = plain || sy < 1 ? 1 : sy, rx = plain || sx < 1 ? 1 : sx;
    for (int i = 0; i < h; i++) {
        double wy = triangle(i + 0.5 - (y + 0.5) * sy, ry);
        for (int k = 0; wy > 0 && k < w; k++) {
            double weight = wy * triangle(k + 0.5 - (x + 0.5) * sx, rx);
            sum += weight * plane[i * w + k];
            weights += weight;
        }
    }
    return sum / weights;
}

static void check_size(struct arena *a, struct rng *r, int channels, int h, int w,
                       struct image_fit f) {
    uint8_t *planes = arena_alloc(a, (size_t)channels * (size_t)h * (size_t)w);
    for (int i = 0; i < channels * h * w; i++) planes[i] = (uint8_t)rng_next(r);
    struct image from = {channels, h, w, planes};
    struct image_part p;
    assert_int_equal(image_part_of(&f, h, w, &p), IMAGE_FITS);
    uint8_t *to = arena_alloc(a, (size_t)channels * (size_t)p.rows * (size_t)p.columns);
    image_resize(a, &f, &from, &p, to);
    for (int c = 0; c < channels; c++)
        for (int y = 0; y < p.rows; y++)
            for (int x = 0; x < p.columns; x++) {
                double expected = defined(planes + c * h * w, h, w, (int)p.height, (int)p.width,
                                          f.plain, y + p.top, x + p.left);
                int found = to[(c * p.rows + y) * p.columns + x];
                assert_true(fabs(found - expected) <= 0.5 + 1e-6);
            }
}

static void random_sizes(void **state) {
    (void)state;
    struct rng r = {41};
    for (int n = 0; n < 120; n++) {
        TEST_CTX(c);
        int h = 1 + (int)(rng_next(&r) % 40), w = 1 + (int)(rng_next(&r) % 40);
        int resize = 1 + (int)(rng_next(&r) % 50);
        int crop = n % 3 ? 1 + (int)(rng_next(&r) % (uint64_t)resize) : 0;
        check_size(arena_new(&c), &r, 1 + n % 3, h, w, (struct image_fit){resize, crop, n % 2});
        ctx_free(&c);
    }
}

static void odd_shapes(void **state) {
    (void)state;
    static const int cases[][4] = {/* height, width, resize, crop */
                                   {1, 1, 17, 0},   {1, 1, 1, 1},     {1, 60, 2, 2},
                                   {60, 1, 3, 0},   {7, 7, 7, 0},     {224, 224, 128, 0},
                                   {31, 17, 0, 16}, {100, 133, 1, 1}, {64, 64, 63, 61}};
    struct rng r = {42};
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++)
        for (int plain = 0; plain < 2; plain++) {
            TEST_CTX(c);
            check_size(arena_new(&c), &r, 3, cases[n][0], cases[n][1],
                       (struct image_fit){cases[n][2], cases[n][3], plain});
            ctx_free(&c);
        }
}

/* Sides as torchvision has them; the middle; what cannot be. */
static void parts(void **state) {
    (void)state;
    static const struct {
        int resize, crop, height, width;
        struct image_part part;
        enum image_fault fault;
    } cases[] = {
        {256, 224, 375, 500, {256, 341, 16, 58, 224, 224}, IMAGE_FITS},
        {256, 0, 500, 375, {341, 256, 0, 0, 341, 256}, IMAGE_FITS},
        {0, 4, 9, 7, {9, 7, 2, 1, 4, 4}, IMAGE_FITS},
        {0, 0, 9, 7, {9, 7, 0, 0, 9, 7}, IMAGE_FITS},
        {0, 8, 9, 7, {9, 7, 0, 0, 0, 0}, IMAGE_TOO_SMALL},
        {5, 6, 9, 9, {5, 5, 0, 0, 0, 0}, IMAGE_TOO_SMALL},
        {16384, 1, 1, 1 << 26, {16384, 1LL << 40, 0, 0, 0, 0}, IMAGE_TOO_LARGE},
        {16384, 1, 64, 1, {1 << 20, 16384, 524287, 8191, 1, 1}, IMAGE_FITS},
        {16384, 1, 65, 1, {65 << 14, 16384, 0, 0, 0, 0}, IMAGE_TOO_LARGE},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        struct image_fit f = {cases[n].resize, cases[n].crop, false};
        const struct image_part *e = &cases[n].part;
        struct image_part p;
        assert_int_equal(image_part_of(&f, cases[n].height, cases[n].width, &p), cases[n].fault);
        assert_true(p.height == e->height && p.width == e->width);
        assert_true(p.top == e->top && p.left == e->left);
        assert_true(p.rows == e->rows && p.columns == e->columns);
    }
}

/* The largest weights there are: sums have to stay exact. Of equal pixels every mean is that. */
static void extremes_are_exact(void **state) {
    (void)state;
    static const int sizes[][2] = {{8192, 8192}, {1, 64}, {64, 1}, {4000, 3}};
    static const int resizes[] = {1, 16384, 16384, 2};
    for (size_t n = 0; n < sizeof resizes / sizeof *resizes; n++) {
        TEST_CTX(c);
        struct arena *a = arena_new(&c);
        struct image from = {1, sizes[n][0], sizes[n][1], NULL};
        size_t size = (size_t)from.height * (size_t)from.width;
        uint8_t *planes = arena_alloc(a, size), to[4];
        memset(planes, 255, size);
        from.planes = planes;
        struct image_fit f = {resizes[n], resizes[n] < 2 ? 1 : 2, false};
        struct image_part p;
        assert_int_equal(image_part_of(&f, from.height, from.width, &p), IMAGE_FITS);
        image_resize(a, &f, &from, &p, to);
        for (int i = 0; i < p.rows * p.columns; i++) assert_int_equal(to[i], 255);
        ctx_free(&c);
    }
}

/* ---- Samples ---- */

static struct sample image_of(const uint8_t *bytes, int channels, int height, int width) {
    return (struct sample){.channels = channels,
                           .height = height,
                           .width = width,
                           .bytes = bytes,
                           .label = 3,
                           .name = "x.png"};
}

static void grey_is_repeated(void **state) {
    (void)state;
    TEST_CTX(c);
    static const uint8_t grey[] = {1, 2, 3, 4, 5, 6};
    struct arena *a = arena_new(&c);
    struct preprocess p = {.scale = 1};
    struct sample s = image_of(grey, 1, 2, 3);
    assert_true(preprocess_fit(&c, a, &p, 3, &s));
    assert_true(s.channels == 3 && s.height == 2 && s.width == 3 && s.label == 3);
    for (size_t ch = 0; ch < 3; ch++) assert_memory_equal(s.bytes + 6 * ch, grey, sizeof grey);
    s = image_of(grey, 1, 2, 3);
    assert_true(preprocess_fit(&c, a, &p, 1, &s));
    assert_ptr_equal(s.bytes, grey);
    ctx_free(&c);
}

static void what_does_not_fit_is_said(void **state) {
    (void)state;
    TEST_CTX(c);
    static const uint8_t bytes[18] = {0};
    struct arena *a = arena_new(&c);
    struct preprocess p = {.scale = 1};
    struct sample s = image_of(bytes, 3, 2, 3);
    assert_false(preprocess_fit(&c, a, &p, 1, &s));
    assert_string_equal(c.last->id, "data_colour");
    p.fit.crop = 3;
    assert_false(preprocess_fit(&c, a, &p, 3, &s));
    assert_string_equal(c.last->id, "data_crop");
    p.fit = (struct image_fit){16384, 0, false};
    assert_false(preprocess_fit(&c, a, &p, 3, &s));
    assert_string_equal(c.last->id, "data_resized");
    s = image_of(bytes, 1, 1, 18);
    s.rank = 2; /* an array that is no image stays as it is */
    assert_true(preprocess_fit(&c, a, &p, 1, &s));
    assert_true(s.bytes == bytes && s.width == 18 && s.rank == 2);
    ctx_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_sizes),
        cmocka_unit_test(odd_shapes),
        cmocka_unit_test(parts),
        cmocka_unit_test(extremes_are_exact),
        cmocka_unit_test(grey_is_repeated),
        cmocka_unit_test(what_does_not_fit_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
