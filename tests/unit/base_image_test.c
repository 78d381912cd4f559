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

/* v · share / whole, to the nearest. */
static int part(int v, int share, int whole) {
    return (int)floor((double)v * share / whole + 0.5);
}

/* Alpha is blended over black. */
static void assert_png(const struct sample *s, int channels, const uint8_t *pixels) {
    int plane = s->height * s->width, colours = channels - (channels % 2 == 0);
    for (int i = 0; i < plane; i++)
        for (int c = 0; c < colours; c++) {
            int alpha = colours == channels ? 255 : pixels[i * channels + colours];
            assert_int_equal(s->bytes[c * plane + i], part(pixels[i * channels + c], alpha, 255));
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

/* Every value of 16 bits there is, and random ones with alpha. */
static void png_of_16_bits(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct rng r = {16};
    struct writer w;
    struct sample s;
    uint8_t *rows = arena_alloc(a, 2 << 16);
    for (int v = 0; v < 1 << 16; v++) rows[2 * v] = (uint8_t)(v >> 8), rows[2 * v + 1] = (uint8_t)v;
    struct png_form f = {.colour_type = 0, .bits = 16, .height = 256, .width = 256};
    writer_init(&w, a);
    image_png_of(&w, a, &f, rows);
    const char *path = test_file(&c, a, ".png", w.data, w.size);
    assert_true(data_read_file(&c, a, path, &s));
    assert_shape(&s, 1, 256, 256);
    for (int v = 0; v < 1 << 16; v++) assert_int_equal(s.bytes[v], part(v, 1, 257));
    static const int types[] = {2, 4, 6};
    for (int t = 0; t < 3; t++) {
        f = (struct png_form){.colour_type = types[t], .bits = 16, .height = 31, .width = 17};
        int channels = png_channels(&f), count = 31 * 17 * channels;
        rows = random_bytes(a, &r, 2 * (size_t)count);
        uint8_t *bytes = arena_alloc(a, (size_t)count);
        for (int i = 0; i < count; i++)
            bytes[i] = (uint8_t)part(rows[2 * i] << 8 | rows[2 * i + 1], 1, 257);
        writer_init(&w, a);
        image_png_of(&w, a, &f, rows);
        assert_true(file_replace(&c, path, w.data, w.size));
        assert_true(data_read_file(&c, a, path, &s));
        assert_shape(&s, channels < 3 ? 1 : 3, 31, 17);
        assert_png(&s, channels, bytes);
    }
    unlink(path);
    ctx_free(&c);
}

/* gAMA, sRGB and cHRM say how to show an image; networks are trained on the bytes. */
static void png_colour_chunks_are_ignored(void **state) {
    (void)state;
    static const uint8_t gamma[] = {0, 1, 0x86, 0xa0}, srgb[] = {0}; /* gAMA 1.0 */
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct rng r = {31};
    const char *path = test_file(&c, a, ".png", "", 0);
    for (int type = 0; type <= 6; type += 2)
        for (int chunk = 0; chunk < 2; chunk++) {
            struct writer w;
            struct sample s;
            struct png_form f = {.colour_type = type, .bits = 8, .height = 9, .width = 14};
            f.chunks[0].type = chunk ? "sRGB" : "gAMA";
            f.chunks[0].data = chunk ? srgb : gamma;
            f.chunks[0].size = chunk ? sizeof srgb : sizeof gamma;
            int channels = png_channels(&f);
            const uint8_t *pixels = random_bytes(a, &r, 9 * 14 * (size_t)channels);
            writer_init(&w, a);
            image_png_of(&w, a, &f, pixels);
            assert_true(file_replace(&c, path, w.data, w.size));
            assert_true(data_read_file(&c, a, path, &s));
            assert_png(&s, channels, pixels);
        }
    unlink(path);
    ctx_free(&c);
}

/* Palettes with transparent entries; grey of 4 bits, one of whose values is transparent. */
static void png_palettes_and_few_bits(void **state) {
    (void)state;
    enum { COLOURS = 13, HEIGHT = 7, WIDTH = 11 };
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct rng r = {5};
    struct writer w;
    struct sample s;
    const uint8_t *palette = random_bytes(a, &r, 3 * COLOURS), *alpha = random_bytes(a, &r, 9);
    uint8_t rows[HEIGHT * WIDTH], pixels[4 * HEIGHT * WIDTH];
    for (int i = 0; i < HEIGHT * WIDTH; i++) {
        rows[i] = (uint8_t)rng_below(&r, COLOURS);
        memcpy(pixels + (ptrdiff_t)4 * i, palette + (ptrdiff_t)3 * rows[i], 3);
        pixels[4 * i + 3] = rows[i] < 9 ? alpha[rows[i]] : 255;
    }
    struct png_form f = {3, 8, HEIGHT, WIDTH, {{"PLTE", palette, 3 * COLOURS}, {"tRNS", alpha, 9}}};
    writer_init(&w, a);
    image_png_of(&w, a, &f, rows);
    const char *path = test_file(&c, a, ".png", w.data, w.size);
    assert_true(data_read_file(&c, a, path, &s));
    assert_shape(&s, 3, HEIGHT, WIDTH);
    assert_png(&s, 4, pixels);
    const uint8_t *nibbles = random_bytes(a, &r, HEIGHT * ((WIDTH + 1) / 2));
    f = (struct png_form){0, 4, HEIGHT, WIDTH, {{"tRNS", "\0\x0b", 2}}};
    writer_init(&w, a);
    image_png_of(&w, a, &f, nibbles);
    assert_true(file_replace(&c, path, w.data, w.size));
    assert_true(data_read_file(&c, a, path, &s));
    assert_shape(&s, 1, HEIGHT, WIDTH);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            int v = nibbles[y * ((WIDTH + 1) / 2) + x / 2] >> (x % 2 ? 0 : 4) & 15;
            assert_int_equal(s.bytes[y * WIDTH + x], v == 11 ? 0 : 17 * v);
        }
    unlink(path);
    ctx_free(&c);
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

/* Inks as libjpeg gives them, by formulas of its documentation: of YCCK the three colours are 255
 * less luma and chroma; in files with an Adobe marker 255 is no ink, otherwise 0 is. */
static int colour_of_inks(const uint8_t *b, int ch, bool ycck, bool adobe) {
    double cb = b[1] - 128, cr = b[2] - 128;
    const double rgb[3] = {b[0] + 1.402 * cr, b[0] - 0.344136 * cb - 0.714136 * cr,
                           b[0] + 1.772 * cb};
    int ink = ycck ? 255 - byte_of(rgb[ch]) : b[ch], black = b[3];
    return adobe ? part(ink, black, 255) : part(255 - ink, 255 - black, 255);
}

static void jpeg_of_four_inks(void **state) {
    (void)state;
    enum { HEIGHT = 21, WIDTH = 35, ACROSS = 5 };
    static const int markers[] = {0, 2, -1};
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct rng r = {44};
    const char *path = test_file(&c, a, ".jpg", "", 0);
    for (int m = 0; m < 3; m++) {
        struct writer w;
        struct sample s;
        const uint8_t *blocks = random_bytes(a, &r, (size_t)4 * 3 * ACROSS);
        writer_init(&w, a);
        image_jpeg_of(&w, 4, markers[m], HEIGHT, WIDTH, blocks);
        assert_true(file_replace(&c, path, w.data, w.size));
        assert_true(data_read_file(&c, a, path, &s));
        assert_shape(&s, 3, HEIGHT, WIDTH);
        for (int i = 0; i < 3 * HEIGHT * WIDTH; i++) {
            int y = i / WIDTH % HEIGHT, x = i % WIDTH, ch = i / WIDTH / HEIGHT;
            const uint8_t *b = blocks + (ptrdiff_t)4 * (y / 8 * ACROSS + x / 8);
            int expected = colour_of_inks(b, ch, markers[m] == 2, markers[m] >= 0);
            assert_in_range(s.bytes[i] + 1 - expected, 0, 2);
        }
    }
    unlink(path);
    ctx_free(&c);
}

/* What a file is, its first bytes say; that it is an image, its name. */
static void first_bytes_tell_the_kind(void **state) {
    (void)state;
    static const struct {
        const char *bytes, *id, *words;
        size_t size;
    } refused[] = {
        {"", "data_no_bytes", "is empty; expected a PNG or JPEG image", 0},
        {"\x89PN", "data_not_image", "3 bytes that start with 89 50 4e;", 3},
        {"GIF89a\1\0\1\0", "data_not_image", "10 bytes that start with 47 49 46 38;", 10},
        {"\x89PNG\r\n\x1a\n\0", "data_png", "the file ends in the middle", 9},
    };
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct writer png, jpeg;
    struct sample s;
    const uint8_t pixels[] = {3, 200, 77};
    writer_init(&png, a);
    image_png(&png, a, 3, 1, 1, pixels);
    writer_init(&jpeg, a);
    image_jpeg(&jpeg, 1, 8, 8, pixels + 2);
    const char *path = test_file(&c, a, ".jpg", png.data, png.size);
    assert_true(data_read_file(&c, a, path, &s));
    assert_shape(&s, 3, 1, 1);
    assert_memory_equal(s.bytes, pixels, 3);
    unlink(path);
    path = test_file(&c, a, ".png", jpeg.data, jpeg.size);
    assert_true(data_read_file(&c, a, path, &s));
    assert_shape(&s, 1, 8, 8);
    assert_in_range(s.bytes[9] + 1 - 77, 0, 2);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_true(file_replace(&c, path, refused[i].bytes, refused[i].size));
        assert_false(data_read_file(&c, a, path, &s));
        assert_string_equal(c.last->id, refused[i].id);
        assert_non_null(strstr(c.last->message, refused[i].words));
    }
    unlink(path);
    ctx_free(&c);
}

/* A header of 65,000 × 65,000 pixels is refused before memory for them is asked for. */
static void huge_images_are_refused(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct writer w;
    struct sample s;
    writer_init(&w, a);
    jpeg_headers(&w, 3, -1, 65000, 65000);
    w.data[7 + 64 + 1] = 0xc2; /* progressive: the library would keep all coefficients */
    const char *jpeg = test_file(&c, a, ".jpeg", w.data, w.size);
    writer_init(&w, a);
    image_png(&w, a, 1, 1, 1, (const uint8_t *)"");
    for (int i = 16; i < 24; i += 4) patch_u32(&w, (size_t)i, 0xff3f0000); /* 16,383 each way */
    const char *png = test_file(&c, a, ".png", w.data, w.size);
    assert_false(data_read_file(&c, a, jpeg, &s));
    assert_string_equal(c.last->id, "data_big");
    assert_non_null(strstr(c.last->message, "3 × 65000 × 65000"));
    patch_u32(&w, 16, 0x7fffff7f); /* beyond the library's own limit */
    assert_true(file_replace(&c, png, w.data, w.size));
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
    assert_non_null(
        strstr(diag_find(&c, "data_other_files")->message, "1 file left out, 'list.txt'"));
    assert_true(file_replace(&c, arena_printf(f.a, "%s/cat/a.webp", f.path), "x", 1));
    assert_non_null(open_folder(&f));
    assert_non_null(strstr(c.last->message, "2 files left out, 'a.webp' first"));
    assert_int_equal(c.warnings, 2);
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
                 {"+1.png", -1},
                 {"-1.png", -1},
                 {"0.png", 0},
                 {"000000012.png", 12},
                 {"1 .png", -1},
                 {"1.2.png", -1},
                 {"1000000.png", 1000000},
                 {"4000000000.png", DATA_LABEL_MAX},
                 {"42.png", 42},
                 {"7a.png", -1},
                 {"999999999.png", 999999999},
                 {"cat.png", -1}};
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
        cmocka_unit_test(png_of_16_bits),
        cmocka_unit_test(png_colour_chunks_are_ignored),
        cmocka_unit_test(png_palettes_and_few_bits),
        cmocka_unit_test(jpeg_planes),
        cmocka_unit_test(jpeg_of_four_inks),
        cmocka_unit_test(first_bytes_tell_the_kind),
        cmocka_unit_test(huge_images_are_refused),
        cmocka_unit_test(classes_are_labels),
        cmocka_unit_test(numbers_are_labels),
        cmocka_unit_test(folders_that_hold_nothing_are_refused),
        cmocka_unit_test(folders_are_closed_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
