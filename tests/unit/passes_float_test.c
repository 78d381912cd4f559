/* The float passes keep what a network computes: random graphs, evaluated by the oracle before
 * and after each prefix of the pipeline. They are idempotent and deterministic: the same text
 * again.
 *
 * Passes change the order of sums and fold constants, so results differ by rounding, by as much as
 * the network makes of it: convolutions sum in float, and sums may cancel. How much that is, each
 * network says itself: its constants and input are shaken by SHAKE of their size, several times,
 * and the most an output then moves is its noise. No pass may move it by more than NOISES of it. */
#include "passes_random.h"

#include <math.h>
#include <stdio.h>

enum { SEEDS = 300, OUTPUTS = 64, SHAKES = 6 };
#define SHAKE 0x1p-20 /* 16 roundings */

/* What a network computes without passes. */
struct reference {
    const float *outputs[OUTPUTS];
    double noise[OUTPUTS]; /* of any element */
};

static float *shake(struct arena *a, struct rng *r, const float *x, int64_t count) {
    float *y = arena_array(a, (size_t)count, sizeof *y);
    for (int64_t i = 0; i < count; i++)
        y[i] = (float)((double)x[i] * (1 + SHAKE * (2 * rng_unit(r) - 1)));
    return y;
}

/* outputs[i]: a copy of the data of output i, in a. With r, of the graph with shaken numbers. */
static bool evaluate(struct ir_graph *g, struct arena *a, uint64_t seed, struct rng *r,
                     const float **outputs) {
    struct ir_tensor *values = arena_array(a, (size_t)g->value_count, sizeof *values);
    float *input = random_input(a, g->inputs[0], seed);
    if (r != NULL) input = shake(a, r, input, ir_elements(g->inputs[0]));
    for (int i = 0; r != NULL && i < g->value_count; i++) {
        struct ir_value *v = g->values[i];
        if (v != NULL && ir_is_const(v) && v->dtype == IR_F32)
            v->data = shake(g->arena, r, v->data, ir_elements(v));
    }
    if (!ir_eval(g, a, (const void *[]){input}, values)) return false;
    for (int i = 0; i < g->output_count; i++) outputs[i] = values[g->outputs[i]->id].data;
    return true;
}

/* The largest difference between outputs i; *at says where. */
static double difference(const struct ir_graph *g, int i, const float *want, const float *found,
                         int64_t *at) {
    double most = 0;
    int64_t n = ir_elements(g->outputs[i]);
    *at = 0;
    for (int64_t k = 0; k < n; k++) {
        double d = fabs((double)want[k] - (double)found[k]);
        if (d <= most) continue; /* not a number is more than anything */
        most = isnan(d) ? HUGE_VAL : d;
        *at = k;
    }
    return most;
}

/* The evaluator needs the shapes, but no more. */
static struct ir_graph *plain_graph(struct ctx *c, uint64_t seed) {
    struct ir_graph *g = random_graph(c, seed);
    const char *first = pass_at(0)->name;
    assert_true(run_passes(g, &first, 1));
    assert_true(g->output_count <= OUTPUTS);
    return g;
}

static struct reference *reference_of(struct ctx *c, struct arena *a, uint64_t seed) {
    struct reference *want = arena_array(a, 1, sizeof *want);
    const float *shaken[OUTPUTS];
    struct rng r = {seed * 31 + 11};
    assert_true(evaluate(plain_graph(c, seed), a, seed, NULL, want->outputs));
    for (int n = 0; n < SHAKES; n++) {
        struct ir_graph *g = plain_graph(c, seed);
        assert_true(evaluate(g, a, seed, &r, shaken));
        for (int i = 0; i < g->output_count; i++)
            want->noise[i] =
                fmax(want->noise[i], difference(g, i, want->outputs[i], shaken[i], &(int64_t){0}));
    }
    return want;
}

static void expect_equal(const struct ir_graph *g, const struct reference *want,
                         const float *const *found, uint64_t seed, const char *after) {
    for (int i = 0; i < g->output_count; i++) {
        int64_t at;
        double off = difference(g, i, want->outputs[i], found[i], &at);
        if (off > want->noise[i])
            fail_msg("seed %llu after %s: output %d[%lld] was %g, is %g, noise is %g",
                     (unsigned long long)seed, after, i, (long long)at,
                     (double)want->outputs[i][at], (double)found[i][at], want->noise[i]);
    }
}

static const char *text_of(const struct ir_graph *g, struct arena *a) {
    struct writer w;
    writer_init(&w, a);
    ir_print(g, IR_PRINT_DATA, &w);
    return writer_string(&w);
}

/* One seed through the first `count` passes of all. False: the last of them refused the graph. */
static bool check_prefix(struct ctx *c, const struct reference *want, uint64_t seed,
                         const char *const *names, int count, int all) {
    struct arena *a = arena_new(c);
    const float *found[OUTPUTS];
    struct ir_graph *g = random_graph(c, seed);
    bool good = run_passes(g, names, count);
    if (good) {
        assert_true(evaluate(g, a, seed, NULL, found));
        expect_equal(g, want, found, seed, names[count - 1]);
    } else if (count < all || diag_find(c, "pass_broken_claim") != NULL) {
        fail_msg("seed %llu: %s: %s", (unsigned long long)seed, names[count - 1], c->last->message);
    }
    return good;
}

/* One seed through every prefix. Whether all of the pipeline takes it. */
static bool check_meaning(uint64_t seed) {
    TEST_CTX(c);
    const char *names[FLOAT_PASSES_MAX];
    int all = float_passes(names);
    const struct reference *want = reference_of(&c, arena_new(&c), seed);
    bool good = true;
    for (int count = 2; count <= all; count++)
        good = check_prefix(&c, want, seed, names, count, all);
    ctx_free(&c);
    return good;
}

static void test_meaning_is_kept(void **state) {
    (void)state;
    int legal = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) legal += check_meaning(seed);
    /* about half of these graphs can run; with few, legalize is hardly tested */
    if (legal < SEEDS * 2 / 5) fail_msg("only %d of %d graphs are legal", legal, SEEDS);
}

/* Operators that only move pixels become convolutions with weights of their own, constants that
 * find none an affine, an activation behind a concatenation one for each branch: those may be the
 * same as another's. So merge-duplicates, which comes before, has such ones to merge when it runs
 * again, and nothing else. */
struct parts {
    int nodes, constants;
};

static bool is_made(const struct ir_node *n) {
    return n->op == IR_OP_affine || n->op == IR_OP_relu || n->op == IR_OP_clip ||
           (n->op == IR_OP_conv && ir_attr_int(n, "select") == 1);
}

static bool is_of_made(const struct ir_value *constant) {
    for (const struct ir_use *u = constant->uses; u != NULL; u = u->next)
        if (!is_made(u->node)) return false;
    return constant->uses != NULL;
}

/* Without those. */
static struct parts count_parts(const struct ir_graph *g) {
    struct parts n = {0};
    for (const struct ir_node *p = g->first; p != NULL; p = p->next) n.nodes += !is_made(p);
    for (int i = 0; i < g->value_count; i++) {
        const struct ir_value *v = g->values[i];
        n.constants += v != NULL && ir_is_const(v) && !is_of_made(v);
    }
    return n;
}

static void merge_made(struct ir_graph *g, const char *name) {
    struct parts before = count_parts(g);
    assert_true(run_passes(g, &name, 1));
    struct parts after = count_parts(g);
    assert_int_equal(after.nodes, before.nodes);
    assert_int_equal(after.constants, before.constants);
}

/* At the end of the pipeline a pass finds nothing to do. */
static void check_idempotent(uint64_t seed) {
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct ir_graph *g = random_graph(&c, seed);
    const char *names[FLOAT_PASSES_MAX];
    int count = float_passes(names);
    if (run_passes(g, names, count)) {
        for (int i = 0; i < count; i++) {
            if (strcmp(names[i], "merge-duplicates") == 0) merge_made(g, names[i]);
            const char *once = text_of(g, a);
            assert_true(run_passes(g, &names[i], 1));
            if (strcmp(text_of(g, a), once) != 0)
                fail_msg("seed %llu: %s finds something to do", (unsigned long long)seed, names[i]);
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
