/* Tensors between the model's order and the layouts in DRAM, against places computed from the
 * layouts' definitions; float to stored by ties to even; elements of all types. */
#include "test.h"

#include "runtime/runtime.h"

#include <math.h>

enum { BYTES = 8192, CHANNELS = 11, HEIGHT = 3, WIDTH = 5, COUNT = CHANNELS * HEIGHT * WIDTH };

struct layout_case {
    enum svpe_layout layout;
    int lanes, px, channels, bits, exp, zero;
};

static const struct layout_case layout_cases[] = {
    {SVPE_LAYOUT_BLOCKED, 8, 0, CHANNELS, 8, -3, 0},
    {SVPE_LAYOUT_BLOCKED, 8, 0, CHANNELS, 8, -3, -128},
    {SVPE_LAYOUT_BLOCKED, 4, 0, CHANNELS, 16, -9, -32768},
    {SVPE_LAYOUT_BLOCKED, 16, 0, CHANNELS, 16, 2, 0},
    {SVPE_LAYOUT_STEM, 16, 4, CHANNELS, 8, 0, -128},
    {SVPE_LAYOUT_STEM, 8, 2, 3, 16, -7, 0},
    {SVPE_LAYOUT_STEM, 8, 0, 1, 8, -7, 0},
};
enum { LAYOUT_CASES = sizeof layout_cases / sizeof *layout_cases };

static struct svpe_tensor tensor_of(const struct layout_case *k) {
    return (struct svpe_tensor){.name = "x",
                                .offset = 24,
                                .layout = k->layout,
                                .px = k->px,
                                .channels = k->channels,
                                .height = HEIGHT,
                                .width = WIDTH,
                                .bits = k->bits,
                                .exp = k->exp,
                                .zero = k->zero};
}

/* Byte of element (c, y, x), from the definitions in isa/isa.h. */
static size_t place_of(const struct layout_case *k, int c, int y, int x) {
    size_t lanes = k->layout == SVPE_LAYOUT_STEM ? (size_t)1 << k->px : (size_t)k->lanes;
    size_t block = (size_t)c / lanes, lane = (size_t)c % lanes;
    size_t pixel = block * HEIGHT * WIDTH + (size_t)y * WIDTH + (size_t)x;
    return 24 + (pixel * lanes + lane) * (size_t)(k->bits / 8);
}

static int stored_at(const uint8_t *p, int bits) {
    int v = bits == 8 ? p[0] : p[0] + 256 * p[1];
    return v >= 1 << (bits - 1) ? v - (1 << bits) : v;
}

static void try_layout(const struct layout_case *k, uint64_t seed) {
    struct svpe_tensor t = tensor_of(k);
    uint8_t memory[BYTES], untouched[BYTES];
    int16_t in[COUNT], out[COUNT];
    struct rng r = {seed};
    int half = 1 << (k->bits - 1), count = k->channels * HEIGHT * WIDTH;
    memset(memory, 0xa5, sizeof memory);
    memset(untouched, 0xa5, sizeof untouched);
    for (int n = 0; n < count; n++)
        in[n] = (int16_t)((int)rng_below(&r, 2 * (uint32_t)half) - half);
    struct rt_tensor_at at = {&t, memory, k->lanes, k->bits};
    rt_write_stored(at, in);
    rt_read_stored(at, out);
    assert_memory_equal(in, out, (size_t)count * sizeof *in);
    size_t lanes = k->layout == SVPE_LAYOUT_STEM ? (size_t)1 << k->px : (size_t)k->lanes;
    size_t depth = ((size_t)k->channels + lanes - 1) / lanes * lanes;
    for (int c = 0; c < (int)depth; c++)
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++) {
                int want = c < k->channels ? in[(c * HEIGHT + y) * WIDTH + x] : k->zero;
                assert_int_equal(stored_at(memory + place_of(k, c, y, x), k->bits), want);
                memset(memory + place_of(k, c, y, x), 0xa5, (size_t)k->bits / 8);
            }
    assert_memory_equal(memory, untouched, sizeof memory);
}

static void layouts(void **state) {
    (void)state;
    for (int n = 0; n < LAYOUT_CASES; n++) try_layout(&layout_cases[n], (uint64_t)n);
}

static void floats_round_trip(void **state) {
    (void)state;
    for (int n = 0; n < LAYOUT_CASES; n++) {
        const struct layout_case *k = &layout_cases[n];
        struct svpe_tensor t = tensor_of(k);
        uint8_t memory[BYTES] = {0};
        float in[COUNT], out[COUNT];
        struct rng r = {(uint64_t)n};
        int half = 1 << (k->bits - 1), count = k->channels * HEIGHT * WIDTH;
        for (int i = 0; i < count; i++)
            in[i] =
                (float)(((int)rng_below(&r, 2 * (uint32_t)half) - half - k->zero) * pow(2, k->exp));
        struct rt_tensor_at at = {&t, memory, k->lanes, k->bits};
        rt_write_values(at, in);
        rt_read_floats(at, out);
        assert_memory_equal(in, out, (size_t)count * sizeof *in);
    }
}

static const struct {
    int bits, exp, zero;
    double x;
    int want;
} roundings[] = {
    {8, 0, 0, 0.5, 0},
    {8, 0, 0, 1.5, 2},
    {8, 0, 0, 2.5, 2},
    {8, 0, 0, -0.5, 0},
    {8, 0, 0, -1.5, -2},
    {8, 0, 0, 0.5000001, 1},
    {8, -2, 0, 0.375, 2},
    {8, -2, 0, 0.125, 0},
    {8, 3, 0, 12, 2},
    {8, 3, 0, 4, 0},
    {8, 0, 0, 127.4, 127},
    {8, 0, 0, 127.6, 127},
    {8, 0, 0, 1e30, 127},
    {8, 0, 0, -1e30, -128},
    {8, 0, -128, 0, -128},
    {8, 0, -128, -3, -128},
    {8, 0, -128, 2.5, -126},
    {8, 0, -128, 254.5, 126},
    {8, 0, -128, 255.5, 127},
    {8, 0, -128, 300, 127},
    {16, -8, 0, 1, 256},
    {16, 0, -32768, 65535, 32767},
    {16, 0, 0, INFINITY, 32767},
    {8, 0, -128, -INFINITY, -128},
    {8, 0, -128, NAN, -128},
    {8, 0, 0, NAN, 0},
    {8, 300, 0, 1, 0},
    {8, -300, 0, 1e-3, 127},
};

static void floats_become_stored(void **state) {
    (void)state;
    for (size_t n = 0; n < sizeof roundings / sizeof *roundings; n++) {
        struct svpe_tensor t = {.name = "x",
                                .layout = SVPE_LAYOUT_BLOCKED,
                                .channels = 1,
                                .height = 1,
                                .width = 1,
                                .bits = roundings[n].bits,
                                .exp = roundings[n].exp,
                                .zero = roundings[n].zero};
        uint8_t memory[16];
        float x = (float)roundings[n].x;
        rt_write_values((struct rt_tensor_at){&t, memory, 4, t.bits}, &x);
        if (stored_at(memory, t.bits) != roundings[n].want)
            fail_msg("case %zu: %d, expected %d", n, stored_at(memory, t.bits), roundings[n].want);
    }
}

/* ---- What host nodes see ---- */

static void reals_of_stored(void **state) {
    (void)state;
    struct svpe_tensor t = tensor_of(&layout_cases[1]);
    uint8_t memory[BYTES] = {0};
    int16_t in[COUNT], back[COUNT];
    float real[COUNT];
    struct rng r = {9};
    struct rt_tensor_at at = {&t, memory, layout_cases[1].lanes, t.bits};
    for (int n = 0; n < COUNT; n++) in[n] = (int16_t)((int)rng_below(&r, 256) - 128);
    rt_write_stored(at, in);
    rt_read_values(at, real);
    for (int n = 0; n < COUNT; n++) assert_true(real[n] == (float)(in[n] + 128) / 8);
    for (int n = 0; n < COUNT; n++) real[n] += 0.0624f;
    rt_write_values(at, real);
    rt_read_stored(at, back);
    assert_memory_equal(in, back, sizeof in);
}

/* Elements of any type lie as they are, and become the nearest floats. */
static void plain_elements(void **state) {
    (void)state;
    for (int type = 0; type < IR_DTYPE_COUNT; type++) {
        enum ir_dtype dtype = (enum ir_dtype)type;
        size_t size = ir_dtype_size(dtype);
        struct svpe_tensor t = {.name = "p",
                                .offset = 24,
                                .layout = SVPE_LAYOUT_PLAIN,
                                .dtype = ir_dtype_name(dtype),
                                .channels = COUNT,
                                .height = 1,
                                .width = 1,
                                .bits = 8 * (int)size};
        _Alignas(8) uint8_t memory[BYTES] = {0}, in[8 * COUNT] = {0}, out[8 * COUNT] = {0};
        float floats[COUNT];
        struct rng r = {(uint64_t)type};
        for (int n = 0; n < COUNT; n++)
            ir_store_int(dtype, in, n, (int64_t)rng_next(&r) >> rng_below(&r, 63));
        struct rt_tensor_at at = {&t, memory, 8, 8};
        rt_write_values(at, in);
        assert_memory_equal(memory + 24, in, COUNT * size);
        rt_read_values(at, out);
        assert_memory_equal(in, out, COUNT * size);
        rt_read_floats(at, floats);
        for (int n = 0; n < COUNT; n++)
            assert_true(floats[n] == (float)ir_load_float(dtype, in, n));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layouts),
        cmocka_unit_test(floats_round_trip),
        cmocka_unit_test(floats_become_stored),
        cmocka_unit_test(reals_of_stored),
        cmocka_unit_test(plain_elements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
