/* Readers of images and arrays: right values, and a reason for every wrong file. */
#include "test.h"

#include "base/data.h"
#include "base/diag.h"

static void cifar_planes_and_labels(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    uint8_t *file = arena_alloc(a, 2 * 3073);
    struct rng r = {2};
    for (int i = 0; i < 2 * 3073; i++) file[i] = (uint8_t)rng_next(&r);
    file[0] = 7;
    file[3073] = 2;
    const char *path = test_file(&c, a, ".bin", file, 2 * 3073);
    struct dataset *d = data_open(&c, a, arena_printf(a, "cifar10:%s", path));
    assert_non_null(d);
    assert_int_equal(data_count(d), 2);
    struct sample s;
    assert_true(data_get(&c, a, d, 1, &s));
    assert_int_equal(s.label, 2);
    assert_int_equal(s.channels * s.height * s.width, 3072);
    assert_memory_equal(s.bytes, file + 3074, 3072);
    file[0] = 10;
    assert_true(file_replace(&c, path, file, 3073));
    assert_null(data_open(&c, a, arena_printf(a, "cifar10:%s", path)));
    assert_non_null(diag_find(&c, "data_label"));
    assert_true(file_replace(&c, path, file, 3072));
    assert_null(data_open(&c, a, arena_printf(a, "cifar10:%s", path)));
    assert_non_null(diag_find(&c, "data_size"));
    unlink(path);
    ctx_free(&c);
}

static void idx_images_and_labels(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    uint8_t images[16 + 12] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2,  0,  0,
                               0, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    uint8_t labels[8 + 2] = {0, 0, 8, 1, 0, 0, 0, 2, 5, 6};
    const char *pi = test_file(&c, a, ".idx3", images, sizeof images);
    const char *pl = test_file(&c, a, ".idx1", labels, sizeof labels);
    struct dataset *d = data_open(&c, a, arena_printf(a, "idx:%s,%s", pi, pl));
    assert_non_null(d);
    struct sample s;
    assert_true(data_get(&c, a, d, 1, &s));
    assert_int_equal(s.label, 6);
    assert_int_equal(s.height, 2);
    assert_int_equal(s.width, 3);
    assert_int_equal(s.bytes[0], 7);
    assert_non_null(data_open(&c, a, arena_printf(a, "idx:%s", pi)));
    labels[7] = 1;
    assert_true(file_replace(&c, pl, labels, sizeof labels));
    assert_null(data_open(&c, a, arena_printf(a, "idx:%s,%s", pi, pl)));
    assert_non_null(diag_find(&c, "data_idx_count"));
    for (size_t n = 0; n < sizeof images; n++) { /* every truncation is refused */
        assert_true(file_replace(&c, pi, images, n));
        assert_null(data_open(&c, a, arena_printf(a, "idx:%s", pi)));
    }
    unlink(pi);
    unlink(pl);
    ctx_free(&c);
}

static void npy_round_trip(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    float values[24];
    struct rng r = {3};
    for (int i = 0; i < 24; i++) values[i] = (float)rng_normal(&r);
    int64_t dims[] = {2, 3, 2, 2};
    const char *path = test_file(&c, a, ".npy", "", 0);
    assert_true(data_write_npy(&c, path, values, dims, 4));
    struct dataset *d = data_open(&c, a, arena_printf(a, "npy:%s", path));
    assert_non_null(d);
    assert_int_equal(data_count(d), 2);
    struct sample s;
    assert_true(data_get(&c, a, d, 1, &s));
    assert_int_equal(s.label, -1);
    assert_memory_equal(s.floats, values + 12, 12 * sizeof *values);
    struct file_view v;
    assert_true(file_map(&c, path, &v));
    uint8_t *copy = arena_copy(a, v.data, v.size);
    for (size_t n = 0; n < v.size; n += 7) {
        assert_true(file_replace(&c, path, copy, n));
        assert_null(data_open(&c, a, arena_printf(a, "npy:%s", path)));
    }
    unlink(path);
    ctx_free(&c);
}

static void tensor_protos(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    /* dims 1, 2, 2; data_type float; raw_data of 4 floats 1, 2, 3, 4 */
    static const uint8_t raw[] = {0x08, 1, 0x08, 2, 0x08, 2, 0x10, 1,    0x4a, 16, 0, 0,    0x80,
                                  0x3f, 0, 0,    0, 0x40, 0, 0,    0x40, 0x40, 0,  0, 0x80, 0x40};
    const char *path = test_file(&c, a, ".pb", raw, sizeof raw);
    struct sample s;
    assert_true(data_read_file(&c, a, path, &s));
    assert_int_equal(s.channels, 1);
    assert_int_equal(s.height, 2);
    static const float expected[] = {1, 2, 3, 4};
    assert_memory_equal(s.floats, expected, sizeof expected);
    /* packed dims, packed int32_data of type uint8: 200, 3 */
    static const uint8_t ints[] = {0x0a, 3, 1, 1, 2, 0x10, 2, 0x2a, 3, 0xc8, 0x01, 3};
    assert_true(file_replace(&c, path, ints, sizeof ints));
    assert_true(data_read_file(&c, a, path, &s));
    assert_null(s.floats);
    assert_true(s.bytes[0] == 200 && s.bytes[1] == 3);
    /* the same bytes as raw_data; then two elements of type int8 */
    static const uint8_t bytes[] = {0x0a, 3, 1, 1, 2, 0x10, 2, 0x4a, 2, 0xc8, 3};
    assert_true(file_replace(&c, path, bytes, sizeof bytes));
    assert_true(data_read_file(&c, a, path, &s));
    assert_true(s.bytes && s.bytes[0] == 200 && s.bytes[1] == 3);
    static const uint8_t signs[] = {0x0a, 3,    1,    1,    2,    0x10, 3,    0x2a, 11,   0x9c,
                                    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 3};
    assert_true(file_replace(&c, path, signs, sizeof signs));
    assert_true(data_read_file(&c, a, path, &s));
    assert_true(s.floats && s.floats[0] == -100 && s.floats[1] == 3);
    /* dims 2, 1: one row of channels, and the file's own shape */
    static const uint8_t flat[] = {0x0a, 2, 2, 1, 0x10, 2, 0x4a, 2, 7, 9};
    assert_true(file_replace(&c, path, flat, sizeof flat));
    assert_true(data_read_file(&c, a, path, &s));
    assert_true(s.channels == 2 && s.height == 1 && s.width == 1);
    assert_true(s.rank == 2 && s.dims[0] == 2 && s.dims[1] == 1);
    for (size_t n = 0; n < sizeof raw; n++) {
        assert_true(file_replace(&c, path, raw, n));
        assert_false(data_read_file(&c, a, path, &s));
    }
    unlink(path);
    ctx_free(&c);
}

static void tensor_protos_that_contradict_themselves(void **state) {
    (void)state;
    static const struct {
        size_t size;
        uint8_t bytes[16];
    } cases[] = {
        /* dims 1, 1, 2 and … */
        {12, {0x0a, 3, 1, 1, 2, 0x10, 2, 0x2a, 3, 0x80, 0x02, 3}}, /* uint8 256 */
        {11, {0x0a, 3, 1, 1, 2, 0x10, 1, 0x2a, 2, 1, 3}},          /* float in int32_data */
        {10, {0x0a, 3, 1, 1, 2, 0x10, 2, 0x2a, 1, 1}},             /* one element of two */
        {12, {0x0a, 3, 1, 1, 2, 0x10, 2, 0x2a, 3, 1, 2, 3}},       /* three of two */
        {11, {0x0a, 3, 1, 1, 2, 0x10, 8, 0x2a, 2, 1, 3}},          /* strings */
        {15, {0x0a, 3, 1, 1, 1, 0x10, 2, 0x22, 4, 0, 0, 0, 0}},    /* uint8 in float_data */
    };
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct sample s;
    const char *path = test_file(&c, a, ".pb", "", 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(file_replace(&c, path, cases[i].bytes, cases[i].size));
        assert_false(data_read_file(&c, a, path, &s));
        assert_string_equal(c.last->id, "data_pb");
    }
    unlink(path);
    ctx_free(&c);
}

/* An array of two uint8 images under any header text. */
static const char *npy_file(struct ctx *c, struct arena *a, const char *header) {
    struct writer w;
    writer_init(&w, a);
    write_bytes(&w, "\x93NUMPY\x01\x00", 8);
    write_u16(&w, (uint16_t)strlen(header));
    write_text(&w, "%s", header);
    write_bytes(&w, "abcd", 4);
    return test_file(c, a, ".npy", w.data, w.size);
}

static void npy_headers(void **state) {
    (void)state;
    static const struct {
        const char *header;
        bool good;
    } cases[] = {
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 1, 1, 2), }\n", true},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 1, 1, 3), }\n", false},
        {"{'descr': '|u1', 'fortran_order': True, 'shape': (2, 1, 1, 2), }\n", false},
        {"{'descr': '>u2', 'fortran_order': False, 'shape': (2, 1, 1, 1), }\n", false},
        {"{'descr': x|u1x, 'fortran_order': False, 'shape': (2, 1, 1, 2), }\n", false},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': 4, }\n", false},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 1, 1, 2", false},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (-1, 1, 1, 2), }\n", false},
        {"'fortran_order': False, 'descr':", false}, /* nothing may be read behind the colon */
        {"'fortran_order': False, 'descr':'|u", false},
        {"'descr': '|u1', 'fortran_order':", false},
        {"'descr'", false},
    };
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = npy_file(&c, a, cases[i].header);
        struct sample s;
        const struct dataset *d = data_open(&c, a, arena_printf(a, "npy:%s", path));
        if (!d == cases[i].good) fail_msg("%s: wrong verdict", cases[i].header);
        if (d) {
            assert_true(data_get(&c, a, d, 1, &s));
            assert_null(s.floats); /* unsigned bytes are images */
            assert_memory_equal(s.bytes, "cd", 2);
        }
        unlink(path);
    }
    ctx_free(&c);
}

/* One row of channels a sample, as networks of flat inputs take it. */
static void npy_of_rows(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    float values[3 * 16];
    struct rng r = {18};
    for (int i = 0; i < 3 * 16; i++) values[i] = (float)rng_normal(&r);
    int64_t dims[] = {3, 16};
    struct sample s;
    const char *path = test_file(&c, a, ".npy", "", 0);
    assert_null(data_open(&c, a, arena_printf(a, "npy:%s", path)));
    assert_string_equal(c.last->id, "data_no_bytes");
    assert_true(data_write_npy(&c, path, values, dims, 2));
    const struct dataset *d = data_open(&c, a, arena_printf(a, "npy:%s", path));
    assert_non_null(d);
    assert_int_equal(data_count(d), 3);
    assert_true(data_get(&c, a, d, 2, &s));
    assert_true(s.channels == 16 && s.height == 1 && s.width == 1);
    assert_memory_equal(s.floats, values + 32, 16 * sizeof *values);
    assert_true(data_write_npy(&c, path, values, dims + 1, 1)); /* 16 samples, or one? */
    assert_null(data_open(&c, a, arena_printf(a, "npy:%s", path)));
    assert_string_equal(c.last->id, "data_shape");
    unlink(path);
    ctx_free(&c);
}

static void damaged_images_are_refused(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct sample s;
    static const char *const endings[] = {".png", ".jpg"};
    for (int i = 0; i < 2; i++) {
        const char *path = test_file(&c, a, endings[i], "not an image at all", 19);
        assert_false(data_read_file(&c, a, path, &s));
        unlink(path);
    }
    assert_int_equal(c.errors, 2);
    assert_false(data_read_file(&c, a, "x.gif", &s));
    assert_non_null(diag_find(&c, "data_ending"));
    assert_null(data_open(&c, a, "tape:x"));
    assert_non_null(diag_find(&c, "data_kind"));
    static const char *const nameless[] = {"folder:", "npy:", "idx:", "idx:,b", "idx:a,"};
    for (size_t i = 0; i < sizeof nameless / sizeof *nameless; i++) {
        assert_false(data_check_kind(&c, nameless[i]));
        assert_string_equal(c.last->id, "data_no_path");
    }
    assert_true(data_check_kind(&c, "folder:,"));
    assert_null(data_open(&c, a, "folder:/nonexistent"));
    assert_non_null(diag_find(&c, "data_folder"));
    ctx_free(&c);
}

static void preprocessing_is_scale_mean_std(void **state) {
    (void)state;
    struct preprocess p = {.scale = 1 / 255.0, .mean = {0.5, 0.25}, .std = {0.5, 2}};
    assert_true(preprocess_byte(&p, 0, 255) == 1.0f);
    assert_true(preprocess_byte(&p, 0, 0) == -1.0f);
    assert_true(preprocess_byte(&p, 1, 255) == 0.375f);
}

static void bgr_is_for_three_channels(void **state) {
    (void)state;
    TEST_CTX(c);
    struct preprocess rgb = {.scale = 1}, bgr = {.scale = 1, .bgr = true};
    for (int channels = 1; channels <= 5; channels++) {
        assert_int_equal(preprocess_check(&c, "x", &rgb, channels), channels <= 4);
        assert_int_equal(preprocess_check(&c, "x", &bgr, channels), channels == 3);
    }
    assert_int_equal(c.errors, 5);
    assert_string_equal(c.first->id, "data_bgr");
    for (int ch = 0; ch < 3; ch++) {
        assert_int_equal(preprocess_source(&rgb, ch), ch);
        assert_int_equal(preprocess_source(&bgr, ch), 2 - ch);
    }
    ctx_free(&c);
}

/* Elements of every type come back as they were written. */
static void arrays_of_every_type(void **state) {
    static const struct {
        const char *name;
        size_t size;
    } types[] = {
#define IR_DTYPE(id, text, size) {text, size},
#include "base/ops/dtypes.def"
#undef IR_DTYPE
    };
    (void)state;
    for (size_t n = 0; n < sizeof types / sizeof *types; n++) {
        const char *path = "base_data_test.typed.npy";
        const int64_t dims[] = {2, 3};
        uint8_t bytes[48] = {0};
        struct rng r = {n};
        struct ctx c;
        struct sample s;
        ctx_init(&c, "test", NULL);
        for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)rng_below(&r, 2);
        assert_true(data_write_array(&c, path, types[n].name, bytes, dims, 2));
        assert_true(data_read_file(&c, arena_new(&c), path, &s));
        assert_string_equal(s.type, types[n].name);
        assert_memory_equal(s.elements, bytes, 6 * types[n].size);
        assert_int_equal(s.rank, 2);
        ctx_free(&c);
        remove(path);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_of_every_type),
        cmocka_unit_test(cifar_planes_and_labels),
        cmocka_unit_test(idx_images_and_labels),
        cmocka_unit_test(npy_round_trip),
        cmocka_unit_test(npy_of_rows),
        cmocka_unit_test(tensor_protos),
        cmocka_unit_test(tensor_protos_that_contradict_themselves),
        cmocka_unit_test(npy_headers),
        cmocka_unit_test(bgr_is_for_three_channels),
        cmocka_unit_test(damaged_images_are_refused),
        cmocka_unit_test(preprocessing_is_scale_mean_std),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
