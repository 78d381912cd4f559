/* Weight codes: every code of every format to its value and back, the set of values each format can
 * hold, packing by hand-made bytes and at random. */
#include "test.h"

#include "isa/isa.h"

/* The values of n-bit weights, as docs/numbers.md has them: ±2^k, k below r = 2^(n−1) − 1 levels,
 * and 0. */
static bool is_level(int value, int levels) {
    int size = value < 0 ? -value : value;
    for (int k = 0; k < levels; k++) {
        if (size == 1 << k) return true;
    }
    return value == 0;
}

static void test_values(void **state) {
    (void)state;
    static const int levels[] = {[SVPE_WFMT_P2] = 1, [SVPE_WFMT_P4] = 7, [SVPE_WFMT_P8] = 15};
    for (int f = 0; f < SVPE_WFMT_COUNT; f++) {
        const struct svpe_wfmt_info *info = svpe_wfmt_info((enum svpe_wfmt)f);
        for (int value = -40000; value <= 40000; value++) {
            bool linear = value >= -(1 << (info->bits - 1)) && value < 1 << (info->bits - 1);
            bool can = info->linear ? linear : is_level(value, levels[f]);
            int code = svpe_wcode((enum svpe_wfmt)f, value), back;
            assert_int_equal(code >= 0, can);
            if (!can) continue;
            assert_true(code < 1 << info->bits);
            assert_true(svpe_wvalue((enum svpe_wfmt)f, (unsigned)code, &back));
            assert_int_equal(back, value);
        }
    }
}

static void test_codes(void **state) {
    (void)state;
    for (int f = 0; f < SVPE_WFMT_COUNT; f++) {
        const struct svpe_wfmt_info *info = svpe_wfmt_info((enum svpe_wfmt)f);
        unsigned sign = 1u << info->magnitude_bits;
        for (unsigned code = 0; code < 1u << 17; code++) {
            bool good = code < 1u << info->bits;
            if (!info->linear) good = code < 2 * sign && code != sign;
            int value = 12345;
            assert_int_equal(svpe_wvalue((enum svpe_wfmt)f, code, &value), good);
            if (good) assert_int_equal(svpe_wcode((enum svpe_wfmt)f, value), code);
        }
    }
}

static void test_choice(void **state) {
    (void)state;
    static const enum svpe_wfmt shift[] = {SVPE_WFMT_P2, SVPE_WFMT_P2, SVPE_WFMT_P4, SVPE_WFMT_P4,
                                           SVPE_WFMT_P8};
    for (int n = 1; n <= 5; n++) {
        assert_int_equal(svpe_wfmt_for(false, n), shift[n - 1]);
        int levels = n == 1 ? 1 : (1 << (n - 1)) - 1; /* the largest one must have a code */
        assert_true(svpe_wcode(svpe_wfmt_for(false, n), -(1 << (levels - 1))) > 0);
    }
    assert_int_equal(svpe_wfmt_for(true, 8), SVPE_WFMT_I8);
    assert_int_equal(svpe_wfmt_for(true, 16), SVPE_WFMT_I16);
}

/* Bit by bit. False: a bad code. */
static bool unpack(enum svpe_wfmt f, const uint8_t *from, size_t count, int16_t *values) {
    size_t bits = (size_t)svpe_wfmt_info(f)->bits;
    for (size_t i = 0; i < count; i++) {
        unsigned code = 0;
        int value;
        for (size_t b = 0; b < bits; b++)
            code |= (unsigned)(from[(i * bits + b) / 8] >> (i * bits + b) % 8 & 1) << b;
        if (!svpe_wvalue(f, code, &value)) return false;
        values[i] = (int16_t)value;
    }
    return true;
}

static void check_bytes(enum svpe_wfmt f, const int16_t *values, size_t count, const char *hex) {
    TEST_CTX(c);
    struct writer w;
    writer_init(&w, arena_new(&c));
    svpe_pack(f, values, count, &w);
    char text[64] = "";
    for (size_t i = 0; i < w.size; i++) snprintf(text + 2 * i, 3, "%02x", w.data[i]);
    assert_string_equal(text, hex);
    ctx_free(&c);
}

/* By hand: p2 codes 1, 3 (−1), 0, 1, 3 → 01 11 00 01 | 11, lowest bits first: 0x4d, 0x03. */
static void test_bytes(void **state) {
    (void)state;
    static const int16_t ones[] = {1, -1, 0, 1, -1};
    static const int16_t shifts[] = {1, -64, 0, 8, -2};
    static const int16_t wide[] = {16384, -1, 0};
    static const int16_t bytes[] = {-128, 127, -1};
    static const int16_t words[] = {-32768, 258};
    check_bytes(SVPE_WFMT_P2, ones, 5, "4d03000000000000");
    check_bytes(SVPE_WFMT_P4, shifts, 5, "f1400a0000000000");
    check_bytes(SVPE_WFMT_P8, wide, 3, "0f11000000000000");
    check_bytes(SVPE_WFMT_I8, bytes, 3, "807fff0000000000");
    check_bytes(SVPE_WFMT_I16, words, 2, "0080020100000000");
}

static void test_random_blocks(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct rng r = {4711};
    for (int t = 0; t < svpe_target_count(); t++) {
        const struct svpe_target *target = svpe_target_find(&c, a, svpe_target_name(t));
        for (int f = 0; f < SVPE_WFMT_COUNT; f++) {
            size_t count = (size_t)(target->lanes * target->elements);
            int16_t values[128 * 16], back[128 * 16];
            struct writer w;
            assert_true(count <= 128 * 16);
            for (size_t i = 0; i < count; i++) {
                int value;
                while (!svpe_wvalue((enum svpe_wfmt)f, rng_below(&r, 1u << 16) >> (f < 3 ? 11 : 0),
                                    &value)) {
                }
                values[i] = (int16_t)value;
            }
            writer_init(&w, a);
            svpe_pack((enum svpe_wfmt)f, values, count, &w);
            assert_int_equal(w.size, svpe_block_bytes(target, (enum svpe_wfmt)f));
            assert_true(unpack((enum svpe_wfmt)f, w.data, count, back));
            assert_memory_equal(values, back, count * sizeof *values);
        }
    }
    ctx_free(&c);
}

static void test_bad_codes(void **state) {
    (void)state;
    int16_t out[4];
    assert_false(unpack(SVPE_WFMT_P2, (const uint8_t[]){0x20}, 4, out)); /* −0 in place 2 */
    assert_true(unpack(SVPE_WFMT_P2, (const uint8_t[]){0x20}, 2, out));
    assert_false(unpack(SVPE_WFMT_P4, (const uint8_t[]){0x18, 0}, 2, out));
    assert_false(unpack(SVPE_WFMT_P8, (const uint8_t[]){0x0f, 0x10}, 2, out));
    assert_false(unpack(SVPE_WFMT_P8, (const uint8_t[]){0x0f, 0x21}, 2, out));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_choice),        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_random_blocks), cmocka_unit_test(test_bad_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
