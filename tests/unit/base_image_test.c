/* Decoded images by value, folders of them: labels, order, what is refused. */
#include "test.h"

#include "base_images.h"

#include "base/data.h"
#include "base/diag.h"

#include <math.h>
#include <sys/resource.h>
#include <sys/stat.h>

static uint8_t *random_bytes(struct arena *a, struct rng *r, size_t n) {
    uint8_t *p = arena_alloc(a, n);
    for (size_t i = 0; i < n; i++) p[i] = (uint8_t)rng_next(r);
    return p;
}

static void assert_shape(const struct sample *s, int channels, int height, int width) {
    assert_int_equal(s->channels, channels);
    assert_int_equal(s->height, height);
    assert_int_equal(s->width, width);
    assert_int_equal(s->label, -1);
    assert_non_null(s->bytes);
    assert_null(s->floats);
}

/* Alpha is blended over black, in linear light. */
static void assert_png(const struct sample *s, int channels, const uint8_t *pixels) {
    int plane = s->height * s->width, colours = channels - (channels % 2 == 0);
    for (int i = 0; i < plane; i++)
        for (int c = 0; c < colours; c++) {
            int x = pixels[i * channels + c], found = s->bytes[c * plane + i];
            if (colours == channels)
                assert_int_equal(found, x);
            else if (pixels[i * channels + colours] == 0)
                assert_int_equal(found, 0);
            else if (pixels[i * channels + colours] == 255)
                assert_int_equal(found, x);
            else
                assert_true(found <= x + 8); /* 8 bits of linear light are coarse in the dark */
        }
}

static void png_planes(void **state) {
    (void)state;
    for (int channels = 1; channels <= 4; channels++) {
        TEST_CTX(c);
        struct arena *a = arena_new(&c);
        struct rng r = {(uint64_t)channels};
        struct writer w;
        struct sample s;
        int height = 5 + channels, width = 13 - channels;
        uint8_t *pixels = random_bytes(a, &r, (size_t)channels * (size_t)height * (size_t)width);
        for (int i = 0; channels % 2 == 0 && i < height * width; i++)
            if (i % 3) pixels[i * channels + channels - 1] = i % 3 == 1 ? 0 : 255;
        writer_init(&w, a);
        image_png(&w, a, channels, height, width, pixels);
        const char *path = test_file(&c, a, ".PNG", w.data, w.size);
        assert_true(data_read_file(&c, a, path, &s));
        assert_shape(&s, channels < 3 ? 1 : 3, height, width);
        assert_png(&s, channels, pixels);
        assert_string_equal(s.name, path);
        for (size_t n = 0; n < w.size - 12; n++) { /* the last 12 bytes only say that it ends */
            assert_true(file_replace(&c, path, w.data, n));
            assert_false(data_read_file(&c, a, path, &s));
        }
        unlink(path);
        ctx_free(&c);
    }
}

static int byte_of(double x) {
    return x < 0 ? 0 : x > 255 ? 255 : (int)lround(x);
}

/* Colours of JFIF (ITU-T T.871, 7), of the block the pixel lies in. */
static void assert_jpeg(const struct sample *s, const uint8_t *blocks) {
    int across = (s->width + 7) / 8, plane = s->height * s->width;
    for (int i = 0; i < plane; i++) {
        const uint8_t *b = blocks + (i / s->width / 8 * across + i % s->width / 8) * s->channels;
        double cb = s->channels == 3 ? b[1] - 128 : 0, cr = s->channels == 3 ? b[2] - 128 : 0;
        const double rgb[3] = {b[0] + 1.402 * cr, b[0] - 0.344136 * cb - 0.714136 * cr,
                               b[0] + 1.772 * cb};
        for (int c = 0; c < s->channels; c++)
            assert_in_range(s->bytes[c * plane + i] + 1 - byte_of(rgb[c]), 0, 2);
    }
}

static void jpeg_planes(void **state) {
    (void)state;
    for (int channels = 1; channels <= 3; channels += 2) {
        TEST_CTX(c);
        struct arena *a = arena_new(&c);
        struct rng r = {(uint64_t)channels + 7};
        struct writer w;
        struct sample s;
        int height = 21, width = 35; /* 3 × 5 blocks, cut */
        const uint8_t *blocks = random_bytes(a, &r, (size_t)channels * 15);
        writer_init(&w, a);
        image_jpeg(&w, channels, height, width, blocks);
        const char *path = test_file(&c, a, ".jpg", w.data, w.size);
        assert_true(data_read_file(&c, a, path, &s));
        assert_shape(&s, channels, height, width);
        assert_jpeg(&s, blocks);
        for (size_t n = 0; n + 2 < w.size; n++) { /* also where only the last block is cut */
            assert_true(file_replace(&c, path, w.data, n));
            assert_false(data_read_file(&c, a, path, &s));
        }
        unlink(path);
        ctx_free(&c);
    }
}

/* A header of 65,000 × 65,000 pixels is refused before memory for them is asked for. */
static void huge_images_are_refused(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct writer w;
    struct sample s;
    writer_init(&w, a);
    jpeg_headers(&w, 3, 65000, 65000);
    w.data[7 + 64 + 1] = 0xc2; /* progressive: the library would keep all coefficients */
    const char *jpeg = test_file(&c, a, ".jpeg", w.data, w.size);
    writer_init(&w, a);
    image_png(&w, a, 1, 1, 1, (const uint8_t *)"");
    for (int i = 16; i < 24; i += 4) patch_u32(&w, (size_t)i, 0xff3f0000); /* 16,383 each way */
    const char *png = test_file(&c, a, ".png", w.data, w.size);
    assert_false(data_read_file(&c, a, jpeg, &s));
    assert_string_equal(c.last->id, "data_big");
    assert_non_null(strstr(c.last->message, "3 × 65000 × 65000"));
    assert_false(data_read_file(&c, a, png, &s));
    unlink(jpeg);
    unlink(png);
    ctx_free(&c);
}

/* ---- folders ---- */

struct folder {
    struct ctx *c;
    struct arena *a;
    char *path;
};

static struct folder new_folder(struct ctx *c, struct arena *a) {
    const char *dir = getenv("TMPDIR");
    struct folder f = {c, a, arena_printf(a, "%s/nbq-test-XXXXXX", dir ? dir : "/tmp")};
    assert_non_null(mkdtemp(f.path));
    return f;
}

static void add_folder(struct folder *f, const char *name) {
    assert_int_equal(mkdir(arena_printf(f->a, "%s/%s", f->path, name), 0777), 0);
}

/* A grey image of one pixel, which tells the files apart. */
static void add_image(struct folder *f, const char *name, uint8_t pixel) {
    struct writer w;
    writer_init(&w, f->a);
    image_png(&w, f->a, 1, 1, 1, &pixel);
    assert_true(file_replace(f->c, arena_printf(f->a, "%s/%s", f->path, name), w.data, w.size));
}

static void remove_folder(struct folder *f) {
    /* NOLINTNEXTLINE(cert-env33-c): a name of our own */
    assert_int_equal(system(arena_printf(f->a, "rm -r '%s'", f->path)), 0);
}

static struct dataset *open_folder(struct folder *f) {
    return data_open(f->c, f->a, arena_printf(f->a, "folder:%s", f->path));
}

static void assert_item(struct folder *f, const struct dataset *d, long i, uint8_t pixel,
                        int label) {
    struct sample s;
    const struct ctx_defer *mark = ctx_mark(f->c);
    assert_true(data_get(f->c, f->a, d, i, &s));
    assert_ptr_equal(ctx_mark(f->c), mark); /* the file is closed, the library's memory free */
    assert_int_equal(s.bytes[0], pixel);
    assert_int_equal(s.label, label);
}

static void classes_are_labels(void **state) {
    (void)state;
    TEST_CTX(c);
    struct folder f = new_folder(&c, arena_new(&c));
    add_folder(&f, "dog");
    add_folder(&f, "ant"); /* empty, and counts nonetheless */
    add_folder(&f, "cat");
    add_folder(&f, ".hidden");
    add_image(&f, "dog/2.png", 11);
    add_image(&f, "dog/10.png", 12);
    add_image(&f, "cat/x.png", 13);
    add_image(&f, ".hidden/x.png", 14);
    assert_true(file_replace(&c, arena_printf(f.a, "%s/list.txt", f.path), "x", 1));
    const struct dataset *d = open_folder(&f);
    assert_non_null(d);
    assert_int_equal(data_count(d), 3);
    assert_item(&f, d, 0, 13, 1);
    assert_item(&f, d, 1, 12, 2);
    assert_item(&f, d, 2, 11, 2);
    add_folder(&f, "cat/more");
    assert_null(open_folder(&f));
    assert_non_null(diag_find(&c, "data_folder_deep"));
    remove_folder(&f);
    ctx_free(&c);
}

static void numbers_are_labels(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int label;
    } files[] = {/* in the order of their bytes */
                 {"+1.png", -1}, {"-1.png", -1},         {"0.png", 0},        {"000000012.png", 12},
                 {"1 .png", -1}, {"1.2.png", -1},        {"1000000.png", -1}, {"42.png", 42},
                 {"7a.png", -1}, {"999999.png", 999999}, {"cat.png", -1}};
    enum { COUNT = sizeof files / sizeof *files };
    TEST_CTX(c);
    struct folder f = new_folder(&c, arena_new(&c));
    for (int i = COUNT - 1; i >= 0; i--) add_image(&f, files[i].name, (uint8_t)(3 * i + 1));
    const struct dataset *d = open_folder(&f);
    assert_non_null(d);
    assert_int_equal(data_count(d), COUNT);
    for (int i = 0; i < COUNT; i++) assert_item(&f, d, i, (uint8_t)(3 * i + 1), files[i].label);
    add_folder(&f, "class");
    assert_null(open_folder(&f));
    assert_non_null(diag_find(&c, "data_folder_mixed"));
    remove_folder(&f);
    ctx_free(&c);
}

static void folders_that_hold_nothing_are_refused(void **state) {
    (void)state;
    TEST_CTX(c);
    struct folder f = new_folder(&c, arena_new(&c));
    assert_null(open_folder(&f));
    add_folder(&f, "class");
    assert_null(open_folder(&f));
    assert_int_equal(c.errors, 2);
    assert_string_equal(c.last->id, "data_empty");
    remove_folder(&f);
    ctx_free(&c);
}

/* More classes than the process may open at once. */
static void folders_are_closed_again(void **state) {
    (void)state;
    TEST_CTX(c);
    struct folder f = new_folder(&c, arena_new(&c));
    for (int i = 0; i < 100; i++) add_folder(&f, arena_printf(f.a, "%03d", i));
    add_image(&f, "099/x.png", 5);
    struct rlimit old, few;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    few = (struct rlimit){64, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    const struct dataset *d = open_folder(&f);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_non_null(d);
    assert_item(&f, d, 0, 5, 99);
    remove_folder(&f);
    ctx_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(png_planes),
        cmocka_unit_test(jpeg_planes),
        cmocka_unit_test(huge_images_are_refused),
        cmocka_unit_test(classes_are_labels),
        cmocka_unit_test(numbers_are_labels),
        cmocka_unit_test(folders_that_hold_nothing_are_refused),
        cmocka_unit_test(folders_are_closed_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
