/* The float passes keep what a network computes: random graphs, evaluated by the oracle before
 * and after each prefix of the pipeline. They are idempotent and deterministic: the same text
 * again. */
#include "passes_random.h"

#include <math.h>
#include <stdio.h>

enum { SEEDS = 300, OUTPUTS = 64 };

/* outputs[i]: a copy of the data of output i, in a. */
static bool evaluate(struct ir_graph *g, struct arena *a, uint64_t seed, const float **outputs) {
    struct ir_tensor *values = arena_array(a, (size_t)g->value_count, sizeof *values);
    const void *in[] = {random_input(a, g->inputs[0], seed)};
    if (!ir_eval(g, a, in, values)) return false;
    for (int i = 0; i < g->output_count; i++) outputs[i] = values[g->outputs[i]->id].data;
    return true;
}

/* Within the rounding of convolutions, which sum in float. */
static void expect_equal(const struct ir_graph *g, const float *const *want,
                         const float *const *found, uint64_t seed, const char *after) {
    for (int i = 0; i < g->output_count; i++) {
        int64_t n = ir_elements(g->outputs[i]);
        double largest = 0.1; /* one number alone may be what larger ones cancel down to */
        for (int64_t k = 0; k < n; k++) largest = fmax(largest, fabs((double)want[i][k]));
        for (int64_t k = 0; k < n; k++)
            if (!(fabs((double)want[i][k] - (double)found[i][k]) <= 5e-5 * largest))
                fail_msg("seed %llu after %s: output %d[%lld] was %g, is %g",
                         (unsigned long long)seed, after, i, (long long)k, (double)want[i][k],
                         (double)found[i][k]);
    }
}

static const char *text_of(const struct ir_graph *g, struct arena *a) {
    struct writer w;
    writer_init(&w, a);
    ir_print(g, IR_PRINT_DATA, &w);
    return writer_string(&w);
}

/* One seed through the first `count` passes of all. False: the last of them refused the graph. */
static bool check_prefix(uint64_t seed, const char *const *names, int count, int all) {
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    const float *want[OUTPUTS], *found[OUTPUTS];
    struct ir_graph *g = random_graph(&c, seed), *reference = random_graph(&c, seed);
    /* the reference has its shapes only, since the evaluator needs them */
    assert_true(run_passes(reference, names, 1));
    assert_true(reference->output_count <= OUTPUTS);
    assert_true(evaluate(reference, a, seed, want));
    bool good = run_passes(g, names, count);
    if (good) {
        assert_true(evaluate(g, a, seed, found));
        expect_equal(g, want, found, seed, names[count - 1]);
    } else if (count < all || diag_find(&c, "pass_broken_claim") != NULL) {
        fail_msg("seed %llu: %s: %s", (unsigned long long)seed, names[count - 1], c.last->message);
    }
    ctx_free(&c);
    return good;
}

static void test_meaning_is_kept(void **state) {
    (void)state;
    const char *names[FLOAT_PASSES_MAX];
    int legal = 0, all = float_passes(names);
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        for (int count = 2; count < all; count++) check_prefix(seed, names, count, all);
        legal += check_prefix(seed, names, all, all);
    }
    /* about half of these graphs can run; with few, legalize is hardly tested */
    if (legal < SEEDS * 2 / 5) fail_msg("only %d of %d graphs are legal", legal, SEEDS);
}

/* At the end of the pipeline a pass finds nothing to do; one that provides no property may, since
 * others made it, but only once. */
static void check_idempotent(uint64_t seed) {
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct ir_graph *g = random_graph(&c, seed);
    const char *names[FLOAT_PASSES_MAX];
    int count = float_passes(names);
    if (run_passes(g, names, count)) {
        for (int i = 0; i < count; i++) {
            if (pass_at(i)->provides == 0) assert_true(run_passes(g, &names[i], 1));
            const char *once = text_of(g, a);
            assert_true(run_passes(g, &names[i], 1));
            assert_string_equal(text_of(g, a), once);
        }
    }
    ctx_free(&c);
}

static void check_deterministic(uint64_t seed) {
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct ir_graph *g = random_graph(&c, seed), *h = random_graph(&c, seed);
    const char *names[FLOAT_PASSES_MAX];
    int count = float_passes(names);
    bool good = run_passes(g, names, count);
    assert_int_equal(run_passes(h, names, count), good);
    assert_string_equal(text_of(g, a), text_of(h, a));
    ctx_free(&c);
}

/* Messages and layer tables are made of the model's node names. */
static void check_names(uint64_t seed) {
    TEST_CTX(c);
    struct ir_graph *g = random_graph(&c, seed);
    const char *names[FLOAT_PASSES_MAX];
    int count = float_passes(names);
    if (run_passes(g, names, count))
        for (const struct ir_node *n = g->first; n != NULL; n = n->next)
            if (n->op != IR_OP_reshape) assert_memory_equal(n->name, "node", 4);
    ctx_free(&c);
}

static void test_passes_are_idempotent(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) check_idempotent(seed);
}

static void test_passes_are_deterministic(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) check_deterministic(seed);
}

static void test_names_are_kept(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) check_names(seed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_meaning_is_kept),
        cmocka_unit_test(test_passes_are_idempotent),
        cmocka_unit_test(test_passes_are_deterministic),
        cmocka_unit_test(test_names_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
