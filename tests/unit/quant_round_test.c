/* Weight grids and scales against brute force over all levels and all exponents. */
#include "quant_help.h"

/* Every level of the grid, written out from its definition. */
static int levels_of(const struct quant_grid *g, int *to) {
    int count = 0, magnitudes = (1 << (g->bits - 1)) - 1;
    if (g->kind == QUANT_LINEAR) {
        for (int i = -magnitudes; i <= magnitudes; i++) to[count++] = i;
        return count;
    }
    if (g->bits == 1) {
        to[0] = 1, to[1] = -1;
        return 2;
    }
    to[count++] = 0;
    for (int i = 0; i < magnitudes; i++) {
        to[count++] = 1 << i;
        to[count++] = -(1 << i);
    }
    return count;
}

static double nearest_distance(const struct quant_grid *g, double u) {
    int levels[1 << 9];
    double least = INFINITY;
    for (int i = levels_of(g, levels) - 1; i >= 0; i--) least = fmin(least, fabs(u - levels[i]));
    return least;
}

static bool is_level(const struct quant_grid *g, int q) {
    int levels[1 << 9];
    for (int i = levels_of(g, levels) - 1; i >= 0; i--)
        if (levels[i] == q) return true;
    return false;
}

static const struct quant_grid grids[] = {
    {QUANT_POW2, 1}, {QUANT_POW2, 2}, {QUANT_POW2, 3},
    {QUANT_POW2, 4}, {QUANT_POW2, 5}, {QUANT_LINEAR, 8},
};
enum { GRIDS = sizeof grids / sizeof *grids };

static void near_is_nearest(void **state) {
    (void)state;
    struct rng r = {11};
    for (int k = 0; k < GRIDS; k++)
        for (int i = 0; i < 3000; i++) {
            double u = rng_normal(&r) * ldexp(1, (int)rng_below(&r, 18));
            if (i % 3 == 0) u = rint(4 * u) / 4; /* borders between levels too */
            int q = quant_grid_near(&grids[k], u);
            assert_true(is_level(&grids[k], q));
            assert_true(fabs(u - q) == nearest_distance(&grids[k], u));
        }
}

static void near_at_borders(void **state) {
    (void)state;
    struct quant_grid n4 = {QUANT_POW2, 4}, n1 = {QUANT_POW2, 1}, linear = {QUANT_LINEAR, 8};
    assert_int_equal(quant_grid_near(&n4, 0.5), 0);
    assert_int_equal(quant_grid_near(&n4, -0.5000001), -1);
    assert_int_equal(quant_grid_near(&n4, 1.5), 1);
    assert_int_equal(quant_grid_near(&n4, -3), -2);
    assert_int_equal(quant_grid_near(&n4, 3.0000001), 4);
    assert_int_equal(quant_grid_near(&n4, 1e30), 64);
    assert_int_equal(quant_grid_near(&n1, 0), 1);
    assert_int_equal(quant_grid_near(&n1, -1e-9), -1);
    assert_int_equal(quant_grid_near(&linear, 2.5), 2);
    assert_int_equal(quant_grid_near(&linear, 3.5), 4);
    assert_int_equal(quant_grid_near(&linear, -1e9), -127);
    assert_int_equal(quant_grid_top(&(struct quant_grid){QUANT_POW2, 5}), 16384);
    assert_int_equal(quant_grid_top(&(struct quant_grid){QUANT_LINEAR, 16}), 32767);
}

static double error_at(const struct quant_grid *g, const float *w, int64_t taps, int wexp) {
    double error = 0;
    for (int64_t i = 0; i < taps; i++) {
        double d = nearest_distance(g, (double)w[i] / exp2(wexp)) * exp2(wexp);
        error += d * d;
    }
    return error;
}

static struct quant_layer layer_of(const struct quant_grid *g, const float *w, int64_t taps) {
    return (struct quant_layer){.grid = *g, .weights = w, .channels = 1, .taps = taps};
}

/* No exponent at all is better than the chosen one, on weights of ordinary shape. */
static void scale_is_best(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct rng r = {12};
    for (int k = 0; k < GRIDS * 40; k++) {
        const struct quant_grid *g = &grids[k % GRIDS];
        int64_t taps = quant_between(&r, 1, 90);
        float *w = quant_randoms(a, &r, taps, exp2((double)quant_between(&r, -20, 10)));
        int16_t *q = arena_array(a, (size_t)taps, sizeof *q);
        struct quant_channel got;
        struct quant_layer l = layer_of(g, w, taps);
        quant_rounder_at(0)->round(&l, 0, INT16_MIN, q, &got);
        double best = INFINITY, own = 0;
        for (int wexp = -45; wexp < 20; wexp++) best = fmin(best, error_at(g, w, taps, wexp));
        for (int64_t i = 0; i < taps; i++) {
            double d = (double)w[i] - q[i] * exp2(got.wexp);
            assert_true(is_level(g, q[i]));
            own += d * d;
        }
        assert_true(fabs(own - got.error) <= 1e-9 * own);
        assert_true(own <= best * (1 + 1e-9));
    }
    ctx_free(&c);
}

static void least_exponent_is_kept(void **state) {
    (void)state;
    const float w[] = {0.7f, -0.31f, 0.02f};
    for (int k = 0; k < GRIDS; k++) {
        struct quant_layer l = layer_of(&grids[k], w, 3);
        for (int least = -30; least < 6; least++) {
            struct quant_channel got;
            int16_t q[3];
            quant_rounder_at(0)->round(&l, 0, least, q, &got);
            assert_true(got.wexp >= least);
            assert_true(fabs(got.error - error_at(&grids[k], w, 3, got.wexp)) <= 1e-9);
        }
    }
}

static void zeros_stay_zeros(void **state) {
    (void)state;
    const float w[] = {0, -0.0f, 0};
    for (int k = 0; k < GRIDS; k++) {
        struct quant_layer l = layer_of(&grids[k], w, 3);
        struct quant_channel got;
        int16_t q[3] = {9, 9, 9};
        quant_rounder_at(0)->round(&l, 0, -4, q, &got);
        assert_int_equal(got.wexp, -4);
        assert_true(got.error == 0 && got.energy == 0);
        for (int i = 0; i < 3; i++) assert_int_equal(q[i], 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(near_is_nearest),  cmocka_unit_test(near_at_borders),
        cmocka_unit_test(scale_is_best),    cmocka_unit_test(least_exponent_is_kept),
        cmocka_unit_test(zeros_stay_zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
