/* The overflow proof against brute force: the inputs that drive each accumulator furthest are
 * made, every prefix of the sum is looked at, forwards and backwards, and nothing may leave the
 * accumulator that was proven. Bounds are computed here in long double, from numbers.md. */
#include "passes_random.h"

#include <math.h>

enum { SEEDS = 400 };

struct layer {
    int64_t outs, taps;
    int16_t *w1, *w2; /* w2: NULL for one term */
    int32_t *bias, *shift;
    int act_bits, term_shift;
};

static struct layer random_layer(struct maker *m) {
    struct layer l = {.outs = between(m, 1, 4), .taps = between(m, 1, 40)};
    l.act_bits = chance(m, 50) ? 8 : 16;
    l.term_shift = (int)between(m, 0, 7);
    int16_t **terms[] = {&l.w1, &l.w2};
    for (int t = 0; t < (chance(m, 50) ? 1 : 2); t++) {
        *terms[t] = arena_array(m->g->arena, (size_t)(l.outs * l.taps), sizeof **terms[t]);
        for (int64_t i = 0; i < l.outs * l.taps; i++) {
            int magnitude = chance(m, 10) ? 0 : 1 << between(m, 0, 14);
            (*terms[t])[i] = (int16_t)(chance(m, 50) ? magnitude : -magnitude);
        }
    }
    l.bias = arena_array(m->g->arena, (size_t)l.outs, sizeof *l.bias);
    l.shift = arena_array(m->g->arena, (size_t)l.outs, sizeof *l.shift);
    for (int64_t o = 0; o < l.outs; o++) {
        l.bias[o] = (int32_t)(rng_next(&m->r) >> (32 + between(m, 0, 31)));
        if (chance(m, 5)) l.bias[o] = INT32_MIN;
        l.shift[o] = (int32_t)between(m, 0, 31);
    }
    return l;
}

static struct ir_node *layer_node(struct maker *m, const struct layer *l) {
    struct ir_graph *g = m->g;
    int half = 1 << (l->act_bits - 1);
    struct ir_quant q = {l->act_bits, 0, chance(m, 50) ? -half : 0};
    enum ir_dtype t = l->act_bits == 8 ? IR_I8 : IR_I16;
    struct ir_value *x = ir_value_new(g, "x", t, 4, (int64_t[]){1, l->taps, 1, 1});
    struct ir_value *y = ir_value_new(g, "y", t, 4, (int64_t[]){1, l->outs, 1, 1});
    x->quant = y->quant = q;
    int64_t dims[] = {l->outs, l->taps, 1, 1};
    int32_t *wexp = arena_array(g->arena, (size_t)l->outs, sizeof *wexp);
    for (int64_t o = 0; o < l->outs; o++) wexp[o] = -l->shift[o];
    struct ir_value *in[] = {x,
                             ir_const_new(g, "w1", IR_I16, 4, dims, l->w1),
                             ir_const_new(g, "wexp", IR_I32, 1, dims, wexp),
                             ir_const_new(g, "bias", IR_I32, 1, dims, l->bias),
                             ir_const_new(g, "shift", IR_I32, 1, dims, l->shift),
                             NULL,
                             NULL};
    if (l->w2 != NULL) in[6] = ir_const_new(g, "w2", IR_I16, 4, dims, l->w2);
    struct ir_node *n =
        ir_node_new(g, NULL, IR_OP_qconv, "layer", in, l->w2 != NULL ? 7 : 5, &y, 1);
    ir_set_int(g, n, "bits", 5);
    if (l->w2 != NULL) {
        ir_set_int(g, n, "terms", 2);
        ir_set_int(g, n, "term_shift", l->term_shift);
    }
    ir_add_input(g, x);
    ir_add_output(g, y);
    return n;
}

/* docs/numbers.md: 2^(A−1) · Σ|w| + |bias| + rounding */
static long double bound_of(const struct layer *l, int64_t o) {
    long double sum = 0;
    for (int64_t i = 0; i < l->taps; i++) {
        sum += fabsl((long double)l->w1[o * l->taps + i]) *
               (l->w2 != NULL ? ldexpl(1, l->term_shift) : 1);
        if (l->w2 != NULL) sum += fabsl((long double)l->w2[o * l->taps + i]);
    }
    long double rounding = l->shift[o] > 0 ? ldexpl(1, l->shift[o] - 1) : 0;
    return sum * ldexpl(1, l->act_bits - 1) + fabsl((long double)l->bias[o]) + rounding;
}

/* Inputs of the extreme that pulls every product of the channel the same way. */
static int64_t extreme(const struct layer *l, int64_t o, int64_t i, int sign) {
    int64_t w = (int64_t)l->w1[o * l->taps + i];
    if (w == 0 && l->w2 != NULL) w = l->w2[o * l->taps + i];
    int64_t half = (int64_t)1 << (l->act_bits - 1);
    return (w < 0) == (sign > 0) ? -half : half - 1;
}

static void expect_fits(int64_t x, int bits, uint64_t seed) {
    if (x >= (int64_t)1 << (bits - 1) || x < -((int64_t)1 << (bits - 1)))
        fail_msg("seed %llu: an accumulator of %d bits reaches %lld", (unsigned long long)seed,
                 bits, (long long)x);
}

/* Every prefix in this order, term by term, then bias and rounding. */
static void run_channel(const struct layer *l, int64_t o, int sign, bool backwards, int bits,
                        uint64_t seed) {
    const int16_t *terms[] = {l->w1, l->w2};
    int64_t acc = 0;
    for (int t = 0; t < (l->w2 != NULL ? 2 : 1); t++) {
        if (t == 1) acc *= (int64_t)1 << l->term_shift;
        expect_fits(acc, bits, seed);
        for (int64_t k = 0; k < l->taps; k++) {
            int64_t i = backwards ? l->taps - 1 - k : k;
            acc += terms[t][o * l->taps + i] * extreme(l, o, i, sign);
            expect_fits(acc, bits, seed);
        }
    }
    acc += l->bias[o];
    expect_fits(acc, bits, seed);
    expect_fits(acc + (l->shift[o] > 0 ? (int64_t)1 << (l->shift[o] - 1) : 0), bits, seed);
}

/* 1: proven. */
static int check_layer(uint64_t seed, int acc_bits) {
    TEST_CTX(c);
    struct maker m = {.g = ir_graph_new(&c, "proof"), .r = {seed * 53 + 1}};
    struct layer l = random_layer(&m);
    struct ir_node *n = layer_node(&m, &l);
    struct svpe_target target = {.name = "any", .acc_bits = acc_bits};
    struct pass_options options = {.target = &target};
    int proven = pass_prove_overflow(m.g, &options);
    long double worst = 0;
    for (int64_t o = 0; o < l.outs; o++) worst = fmaxl(worst, bound_of(&l, o));
    assert_int_equal(proven, worst < ldexpl(1, acc_bits - 1));
    if (proven) {
        assert_int_equal(ir_attr_int(n, "margin"),
                         (int64_t)floorl((long double)acc_bits - 1 - log2l(fmaxl(worst, 1))));
        for (int64_t o = 0; o < l.outs; o++)
            for (int way = 0; way < 4; way++)
                run_channel(&l, o, way & 1 ? 1 : -1, way & 2, acc_bits, seed);
    } else {
        assert_non_null(diag_find(&c, "pass_acc_overflow"));
    }
    ctx_free(&c);
    return proven;
}

static void test_proof_is_sound_and_sharp(void **state) {
    (void)state;
    int proven = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        proven += check_layer(seed, 32) + check_layer(seed, 48);
    assert_true(proven > SEEDS / 4 && proven < 2 * SEEDS - SEEDS / 4);
}

/* One channel of these weights, at 32 bits; margin −1: it must be refused.
 * NOLINTNEXTLINE(readability-non-const-parameter): a layer may change its weights */
static void check_limit(int16_t *weights, int64_t taps, int32_t bias, int margin) {
    TEST_CTX(c);
    struct maker m = {.g = ir_graph_new(&c, "limit")};
    int32_t shift = 0;
    struct layer l = {1, taps, weights, NULL, &bias, &shift, 16, 0};
    struct ir_node *n = layer_node(&m, &l);
    struct svpe_target target = {.name = "any", .acc_bits = 32};
    struct pass_options options = {.target = &target};
    assert_int_equal(pass_prove_overflow(m.g, &options), margin >= 0);
    assert_int_equal(ir_attr_int(n, "margin"), margin);
    ctx_free(&c);
}

static void test_limit_is_exact(void **state) {
    (void)state;
    /* 2^15 · (3·2^14 + 2^13 + 2^12) = 2^31 − 2^27 */
    int16_t w[] = {1 << 14, 1 << 14, 1 << 14, 1 << 13, 1 << 12};
    check_limit(w, 5, (1 << 27) - 1, 0);
    check_limit(w, 5, 1 << 27, -1);
    check_limit(w, 5, -((1 << 27) - 1), 0);
    check_limit(w, 5, -(1 << 27), -1);
    /* 2^29: 31 − 29 bits to spare, and one less as soon as the bound is above it */
    check_limit(w, 1, 0, 2);
    check_limit(w, 1, 1, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_proof_is_sound_and_sharp),
        cmocka_unit_test(test_limit_is_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
