/* Ranges: independent of order and of merging; exponents against brute force over the values
 * themselves. */
#include "quant_help.h"

enum { COUNT = 20000 };

static float *values_of(struct arena *a, struct rng *r, int shape) {
    float *x = arena_array(a, COUNT, sizeof *x);
    double scale = exp2((double)quant_between(r, -30, 30));
    for (int i = 0; i < COUNT; i++) {
        double v = rng_normal(r), u = rng_unit(r);
        if (shape == 1) v = v > 0 ? v : 0;
        if (shape == 2) v = -log(u + 1e-300) * (v > 0 ? 1 : -1);
        if (shape == 3) v = u < 0.001 ? 40 * v : v;
        if (shape == 4) v = -fabs(v);
        x[i] = (float)(v * scale);
    }
    return x;
}

static void order_does_not_matter(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct rng r = {21};
    struct quant_range *whole = arena_alloc(a, sizeof *whole);
    struct quant_range *parts = arena_array(a, 3, sizeof *parts);
    for (int shape = 0; shape < 5; shape++) {
        float *x = values_of(a, &r, shape);
        x[0] = (float)-exp2(5); /* exactly on the grid's edge */
        quant_range_init(whole);
        quant_range_add(whole, x, COUNT);
        for (int i = COUNT - 1; i > 0; i--) {
            uint32_t k = rng_below(&r, (uint32_t)i + 1);
            float t = x[i];
            x[i] = x[k];
            x[k] = t;
        }
        for (int i = 0; i < 3; i++) quant_range_init(&parts[i]);
        for (int i = 0, n; i < COUNT; i += n) {
            n = (int)quant_between(&r, 0, 400);
            n = n < COUNT - i ? n : COUNT - i;
            quant_range_add(&parts[rng_below(&r, 3)], x + i, n);
        }
        quant_range_merge(&parts[1], &parts[0]);
        quant_range_merge(&parts[2], &parts[1]);
        assert_memory_equal(whole, &parts[2], sizeof *whole);
    }
    ctx_free(&c);
}

/* Each value in its own bin, at scales where the counting takes either way, with zeros of both
 * signs and values far below the grid. */
static void bins_are_floors(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct rng r = {23};
    struct quant_range *range = arena_alloc(a, sizeof *range);
    uint64_t *want = arena_array(a, QUANT_BINS, sizeof *want);
    static const int scales[] = {-126, -60, -11, -10, -9, -1, 0, 1, 9, 10, 11, 60, 125};
    for (size_t k = 0; k < sizeof scales / sizeof *scales; k++) {
        float x[1500];
        uint64_t zeros = 0;
        for (int i = 0; i < 1500; i++) {
            double size = i % 7 ? rng_unit(&r) : exp2(-(double)quant_between(&r, 0, 23));
            x[i] = (float)ldexp(i % 3 ? size : -size, scales[k]);
            if (i % 11 == 0) x[i] = i % 2 ? 0.0f : -0.0f;
            if (i % 13 == 0) x[i] = i % 2 ? 0x1p-149f : -0x1p-149f;
        }
        memset(want, 0, QUANT_BINS * sizeof *want);
        quant_range_init(range);
        quant_range_add(range, x, 1500);
        for (int i = 0; i < 1500; i++) {
            zeros += x[i] == 0;
            double bin = floor((double)x[i] / ldexp(1, range->exp));
            if (x[i] != 0) want[(int)bin + QUANT_BINS / 2]++;
        }
        assert_int_equal(range->zeros, zeros);
        assert_memory_equal(range->bins, want, QUANT_BINS * sizeof *want);
    }
    ctx_free(&c);
}

static double clip(double x, double low, double high) {
    return x < low ? low : x > high ? high : x;
}

static double true_error(const float *x, int bits, bool nonneg, int exp) {
    double low = nonneg ? 0 : -exp2(bits - 1), high = low + exp2(bits) - 1, sum = 0;
    for (int i = 0; i < COUNT; i++) {
        double d = (double)x[i] - clip(rint((double)x[i] / exp2(exp)), low, high) * exp2(exp);
        sum += d * d;
    }
    return sum / COUNT;
}

static void mse_is_least(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct rng r = {22};
    struct quant_range *range = arena_alloc(a, sizeof *range);
    for (int i = 0; i < 40; i++) {
        int shape = i % 4, bits = i % 3 ? 8 : 16;
        float *x = values_of(a, &r, shape);
        bool nonneg = shape == 1;
        quant_range_init(range);
        quant_range_add(range, x, COUNT);
        int widest = quant_range_minmax(range, bits, nonneg);
        int chosen = quant_range_mse(range, bits, nonneg);
        double best = INFINITY;
        for (int exp = widest - 9; exp < widest + 4; exp++) {
            double real = true_error(x, bits, nonneg, exp);
            double said = quant_range_error(range, bits, nonneg, exp);
            assert_true(fabs(said - real) < 0.05 * real);
            best = fmin(best, real);
        }
        assert_true(true_error(x, bits, nonneg, chosen) <= 1.02 * best);
        assert_true(chosen <= widest);
    }
    ctx_free(&c);
}

static bool clips(const float *x, int bits, bool nonneg, int exp) {
    double low = nonneg ? 0 : -exp2(bits - 1), high = low + exp2(bits) - 1;
    for (int i = 0; i < COUNT; i++) {
        double u = rint((double)x[i] / exp2(exp));
        if (u != clip(u, low, high)) return true;
    }
    return false;
}

static void minmax_clips_nothing(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct rng r = {23};
    struct quant_range *range = arena_alloc(a, sizeof *range);
    for (int i = 0; i < 60; i++) {
        float *x = values_of(a, &r, i % 5);
        int bits = i % 2 ? 8 : 16;
        bool nonneg = i % 5 == 1;
        if (i % 3 == 0)
            x[7] = (float)(exp2(12) * (i % 5 == 1 ? 1 : -1)); /* a bound that fits exactly */
        quant_range_init(range);
        quant_range_add(range, x, COUNT);
        int exp = quant_range_minmax(range, bits, nonneg);
        assert_false(clips(x, bits, nonneg, exp));
        assert_true(clips(x, bits, nonneg, exp - 1));
    }
    ctx_free(&c);
}

/* Zeros cost nothing, whatever the step; ReLU makes many. */
static void zeros_have_no_error(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct quant_range *range = arena_alloc(a, sizeof *range);
    const float x[] = {0, 0, -0.0f, 0};
    quant_range_init(range);
    quant_range_add(range, x, 4);
    assert_int_equal(range->zeros, 4);
    assert_int_equal(quant_range_mse(range, 8, true), 0);
    assert_true(quant_range_error(range, 8, false, 5) == 0);
    ctx_free(&c);
}

static void not_finite_is_seen(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct quant_range *range = arena_alloc(a, sizeof *range);
    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        quant_range_init(range);
        quant_range_add(range, &bad[i], 1);
        assert_false(range->finite);
    }
    ctx_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_does_not_matter), cmocka_unit_test(bins_are_floors),
        cmocka_unit_test(mse_is_least),          cmocka_unit_test(minmax_clips_nothing),
        cmocka_unit_test(zeros_have_no_error),   cmocka_unit_test(not_finite_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
