/* Weight grids, levels of two terms and scales against brute force over all levels, all pairs and
 * all exponents; rounding against likely inputs against the cost written out as a matrix. */
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

/* ---- two terms ---- */

enum { PAIRS_MAX = 31 * 31, CASES = 5 * (QUANT_TERM_SHIFT_MAX + 1) }; /* n = 1…5, every shift */

struct pairs { /* all there are, in no order */
    struct quant_pair at[PAIRS_MAX];
    int count;
};

static struct quant_grid grid_of_case(int k) {
    return (struct quant_grid){QUANT_POW2, 1 + k % 5};
}

static void all_pairs(int k, struct pairs *to) {
    struct quant_grid g = grid_of_case(k);
    int values[1 << 9], count = levels_of(&g, values);
    to->count = 0;
    for (int a = 0; a < count; a++)
        for (int b = 0; b < count; b++)
            to->at[to->count++] = (struct quant_pair){values[a] * (1 << k / 5) + values[b],
                                                      (int16_t)values[a], (int16_t)values[b]};
}

static double nearest_pair_distance(const struct pairs *p, double u) {
    double least = INFINITY;
    for (int i = 0; i < p->count; i++) least = fmin(least, fabs(u - p->at[i].level));
    return least;
}

static int bound_of(struct quant_pair p, int shift) { /* what the overflow proof adds up */
    return abs(p.first) * (1 << shift) + abs(p.second);
}

/* It is a pair, its level is the nearest, and no other pair stands for it better. */
static void check_pair(const struct pairs *all, int shift, double u, struct quant_pair got) {
    bool found = false;
    assert_int_equal(got.level, got.first * (1 << shift) + got.second);
    assert_true(fabs(u - got.level) == nearest_pair_distance(all, u));
    for (int i = 0; i < all->count; i++) {
        struct quant_pair p = all->at[i];
        found |= p.first == got.first && p.second == got.second;
        if (fabs(u - p.level) == fabs(u - got.level)) assert_true(abs(got.level) <= abs(p.level));
        if (p.level != got.level) continue;
        assert_true(bound_of(got, shift) <= bound_of(p, shift));
        if (bound_of(got, shift) == bound_of(p, shift))
            assert_true(abs(got.second) <= abs(p.second));
    }
    assert_true(found);
}

static void pairs_are_nearest(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct pairs *all = arena_alloc(a, sizeof *all);
    struct rng r = {13};
    for (int k = 0; k < CASES; k++) {
        struct quant_grid g = grid_of_case(k);
        struct quant_levels *l = quant_levels_new(a, &g, k / 5);
        all_pairs(k, all);
        for (int i = 0; i < 600; i++) {
            double u = rng_normal(&r) * ldexp(1, (int)rng_below(&r, 24) - 3);
            if (i % 3 == 0) u = rint(2 * u) / 2; /* borders between levels too */
            struct quant_pair got = quant_levels_near(l, u), mirror = quant_levels_near(l, -u);
            check_pair(all, k / 5, u, got);
            if (u != 0) assert_int_equal(mirror.level, -got.level);
        }
        check_pair(all, k / 5, 1e8, quant_levels_near(l, 1e8));
        check_pair(all, k / 5, -1e-300, quant_levels_near(l, -1e-300));
    }
    ctx_free(&c);
}

/* n = 3, shift 2: 3 is 4 − 1, 4 is 1·4 + 0 rather than 0·4 + 4, 11 lies between 10 and 12. n = 1,
 * shift 0: 0 is 1 − 1, 2 is 1 + 1. */
static void pairs_by_hand(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    static const struct {
        int bits, shift;
        double u;
        int level, first, second;
    } cases[] = {
        {3, 2, 2.9, 3, 1, -1},    {3, 2, -3.6, -4, -1, 0}, {3, 2, 11, 10, 2, 2},
        {3, 2, 1e9, 20, 4, 4},    {1, 0, 1.5, 2, 1, 1},    {1, 0, -0.3, 0, 1, -1},
        {1, 1, -0.01, -1, -1, 1}, {4, 0, 3.2, 3, 2, 1},    {2, 1, 2.6, 3, 1, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct quant_grid g = {QUANT_POW2, cases[i].bits};
        struct quant_pair p =
            quant_levels_near(quant_levels_new(a, &g, cases[i].shift), cases[i].u);
        assert_int_equal(p.level, cases[i].level);
        assert_int_equal(p.first, cases[i].first);
        assert_int_equal(p.second, cases[i].second);
    }
    ctx_free(&c);
}

/* ---- a channel, in one term or two ---- */

/* Cases 0 … GRIDS − 1: one term; then two of every grid and shift. */
enum { LAYERS = GRIDS + CASES };

static struct quant_layer layer_of(struct arena *a, int k, const float *w, int64_t taps) {
    struct quant_layer l = {.weights = w, .channels = 1, .taps = taps, .area = 1};
    l.grid = k < GRIDS ? grids[k] : grid_of_case(k - GRIDS);
    if (k >= GRIDS) l.levels = quant_levels_new(a, &l.grid, (k - GRIDS) / 5);
    return l;
}

static double distance(const struct quant_layer *l, const struct pairs *all, double u) {
    return l->levels ? nearest_pair_distance(all, u) : nearest_distance(&l->grid, u);
}

static double error_at(const struct quant_layer *l, const struct pairs *all, int wexp) {
    double error = 0;
    for (int64_t i = 0; i < l->taps; i++) {
        double d = distance(l, all, (double)l->weights[i] / exp2(wexp)) * exp2(wexp);
        error += d * d;
    }
    return error;
}

struct codes { /* of one channel */
    int16_t *q[2];
};

static struct codes codes_new(struct arena *a, int64_t taps) {
    return (struct codes){{arena_array(a, (size_t)taps, sizeof(int16_t)),
                           arena_array(a, (size_t)taps, sizeof(int16_t))}};
}

static double level_at(const struct quant_layer *l, const struct codes *c, int64_t i) {
    assert_true(is_level(&l->grid, c->q[0][i]));
    if (!l->levels) return c->q[0][i];
    assert_true(is_level(&l->grid, c->q[1][i]));
    return c->q[0][i] * exp2(l->levels->shift) + c->q[1][i];
}

/* No exponent at all is better than the chosen one, on weights of ordinary shape. */
static void scale_is_best(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct rng r = {12};
    struct pairs *all = arena_alloc(a, sizeof *all);
    for (int k = 0; k < LAYERS * 10; k++) {
        int64_t taps = quant_between(&r, k % LAYERS < GRIDS ? 1 : 20, 60);
        float *w = quant_randoms(a, &r, taps, exp2((double)quant_between(&r, -20, 10)));
        struct codes q = codes_new(a, taps);
        struct quant_channel got;
        struct quant_layer l = layer_of(a, k % LAYERS, w, taps);
        if (l.levels) all_pairs(k % LAYERS - GRIDS, all);
        quant_rounder_at(ROUND_nearest_mse)->round(&l, 0, INT16_MIN, q.q, &got);
        double best = INFINITY, own = 0;
        for (int step = -14; step < 10; step++)
            best = fmin(best, error_at(&l, all, got.wexp + step));
        for (int64_t i = 0; i < taps; i++)
            own += pow((double)w[i] - level_at(&l, &q, i) * exp2(got.wexp), 2);
        assert_true(fabs(own - got.error) <= 1e-9 * own);
        if (own > best * (1 + 1e-9)) fail_msg("case %d: %g, %g is possible", k, own, best);
        assert_true(fabs(quant_nearest_error(&l, 0) - own) <= 1e-9 * own);
    }
    ctx_free(&c);
}

static void least_exponent_is_kept(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct pairs *all = arena_alloc(a, sizeof *all);
    const float w[] = {0.7f, -0.31f, 0.02f};
    for (int k = 0; k < LAYERS * ROUND_COUNT; k++) {
        struct quant_layer l = layer_of(a, k % LAYERS, w, 3);
        if (l.levels) all_pairs(k % LAYERS - GRIDS, all);
        for (int least = -30; least < 6; least++) {
            struct quant_channel got;
            struct codes q = codes_new(a, 3);
            quant_rounder_at(k / LAYERS)->round(&l, 0, least, q.q, &got);
            assert_true(got.wexp >= least);
            if (k / LAYERS == ROUND_nearest_mse)
                assert_true(fabs(got.error - error_at(&l, all, got.wexp)) <= 1e-9);
        }
    }
    ctx_free(&c);
}

static void zeros_stay_zeros(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    const float w[] = {0, -0.0f, 0};
    for (int k = 0; k < LAYERS * ROUND_COUNT; k++) {
        struct quant_layer l = layer_of(a, k % LAYERS, w, 3);
        struct quant_channel got;
        int16_t first[3] = {9, 9, 9}, second[3] = {9, 9, 9};
        quant_rounder_at(k / LAYERS)->round(&l, 0, -4, (int16_t *const[]){first, second}, &got);
        assert_int_equal(got.wexp, -4);
        assert_true(got.error == 0 && got.energy == 0);
        for (int i = 0; i < 3; i++) assert_int_equal(first[i], 0);
        for (int i = 0; i < 3; i++) assert_int_equal(second[i], l.levels ? 0 : 9);
    }
    ctx_free(&c);
}

/* ---- against likely inputs ---- */

/* e'·H·e of docs/quantization.md. */
static double cost_of(const struct quant_layer *l, const double *e) {
    double cost = 0;
    for (int64_t i = 0; i < l->taps; i++)
        for (int64_t k = 0; k < l->taps; k++) {
            double same = l->area > 1 && i / l->area == k / l->area ? 1 : 0;
            cost += e[i] * e[k] * ((i == k ? 1 : 0) + same + 0.03);
        }
    return cost;
}

static void errors_of(const struct quant_layer *l, const struct codes *q, int wexp, double *e) {
    for (int64_t i = 0; i < l->taps; i++)
        e[i] = (double)l->weights[i] - level_at(l, q, i) * exp2(wexp);
}

/* No step of one weight to a neighbouring level saves more than a hundredth: sweeps are few. */
static void check_steps(const struct quant_layer *l, const struct pairs *all, int wexp, double *e) {
    double cost = cost_of(l, e);
    for (int64_t i = 0; i < l->taps; i++) {
        double was = e[i];
        for (int k = 0; k < all->count; k++) {
            e[i] = (double)l->weights[i] - all->at[k].level * exp2(wexp);
            if (fabs(e[i] - was) > 4 * exp2(wexp)) continue;
            assert_true(cost_of(l, e) >= cost * 0.99);
        }
        e[i] = was;
    }
}

static void output_costs_less(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct pairs *all = arena_alloc(a, sizeof *all);
    struct rng r = {14};
    double nearest = 0, descended = 0;
    for (int k = 0; k < LAYERS * 4; k++) {
        int64_t area = k % 3 ? 9 : 1, taps = area * quant_between(&r, 1, 6);
        float *w = quant_randoms(a, &r, taps, 1);
        double *e = arena_array(a, (size_t)taps, sizeof *e);
        struct quant_layer l = layer_of(a, k % LAYERS, w, taps);
        struct quant_channel got, plain;
        struct codes q = codes_new(a, taps);
        l.area = area;
        quant_rounder_at(ROUND_nearest_mse)->round(&l, 0, INT16_MIN, q.q, &plain);
        errors_of(&l, &q, plain.wexp, e);
        double before = cost_of(&l, e);
        quant_rounder_at(ROUND_output_mse)->round(&l, 0, INT16_MIN, q.q, &got);
        errors_of(&l, &q, got.wexp, e);
        double after = cost_of(&l, e), error = 0;
        for (int64_t i = 0; i < taps; i++) error += e[i] * e[i];
        assert_true(fabs(error - got.error) <= 1e-9 * error);
        assert_int_equal(got.wexp, plain.wexp);
        assert_true(after <= before * (1 + 1e-9));
        if (l.levels) {
            all_pairs(k % LAYERS - GRIDS, all);
            check_steps(&l, all, got.wexp, e);
        }
        nearest += before / plain.energy;
        descended += after / plain.energy;
    }
    assert_true(descended < 0.7 * nearest);
    ctx_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(near_is_nearest),  cmocka_unit_test(near_at_borders),
        cmocka_unit_test(scale_is_best),    cmocka_unit_test(least_exponent_is_kept),
        cmocka_unit_test(zeros_stay_zeros), cmocka_unit_test(pairs_are_nearest),
        cmocka_unit_test(pairs_by_hand),    cmocka_unit_test(output_costs_less),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
