/* Slices and pads as selecting convolutions: random chains, with negative starts, early ends,
 * steps, and pads that add or remove. What legalize accepts must give the same bits; what it may
 * refuse is written down here, apart from its code. */
#include "passes_random.h"

enum { SEEDS = 3000 };

static const char *const legalize[] = {"infer-shapes", "fold-constants", "eliminate-dead",
                                       "legalize"};

static void make_any_slice(struct maker *m) {
    int64_t starts[3], ends[3], axes[3], steps[3];
    int count = 0;
    for (int64_t axis = 1; axis < 4; axis++) {
        int64_t size = m->x->dims[axis];
        if (!chance(m, 60) && !(axis == 3 && count == 0)) continue;
        starts[count] = between(m, 0, size - 1);
        ends[count] = between(m, starts[count] + 1, size);
        steps[count] = between(m, 1, 3);
        if (chance(m, 40)) starts[count] -= size;
        if (chance(m, 40)) ends[count] = INT64_MAX;
        axes[count++] = chance(m, 30) ? axis - 4 : axis;
    }
    struct ir_value *more[] = {make_ints(m, starts, count), make_ints(m, ends, count),
                               make_ints(m, axes, count), make_ints(m, steps, count)};
    finish_node(m, make_node(m, IR_OP_slice, more, 4));
}

static void make_any_pad(struct maker *m) {
    int64_t pads[8] = {0};
    for (int d = 1; d < 4; d++) {
        int64_t size = m->x->dims[d];
        pads[d] = chance(m, 60) ? between(m, size > 2 && chance(m, 30) ? -1 : 0, 2) : 0;
        pads[4 + d] = chance(m, 60) ? between(m, size > 2 && chance(m, 30) ? -1 : 0, 2) : 0;
    }
    struct ir_value *more = make_ints(m, pads, 8);
    finish_node(m, make_node(m, IR_OP_pad, &more, 1));
}

static struct ir_graph *random_moves(struct ctx *c, uint64_t seed) {
    struct maker m = {.g = ir_graph_new(c, "moves"), .r = {seed * 977 + 3}};
    int64_t dims[] = {1, between(&m, 1, 4), between(&m, 3, 9), between(&m, 3, 9)};
    m.x = ir_value_new(m.g, "input", IR_F32, 4, dims);
    ir_add_input(m.g, m.x);
    for (int64_t steps = between(&m, 1, 4); steps > 0; steps--) {
        if (chance(&m, 60))
            make_any_slice(&m);
        else
            make_any_pad(&m);
        if (chance(&m, 10)) ir_add_output(m.g, m.x);
    }
    ir_add_output(m.g, m.x);
    return m.g;
}

static bool only_convs(const struct ir_graph *g) {
    for (const struct ir_node *n = g->first; n != NULL; n = n->next)
        if (n->op != IR_OP_conv || ir_attr_int(n, "select") != 1) return false;
    return true;
}

static int count_nodes(const struct ir_graph *g) {
    int count = 0;
    for (const struct ir_node *n = g->first; n != NULL; n = n->next) count++;
    return count;
}

static void evaluate(struct ir_graph *g, struct arena *a, uint64_t seed, const float **outputs) {
    struct ir_tensor *values = arena_array(a, (size_t)g->value_count, sizeof *values);
    const void *in[] = {random_input(a, g->inputs[0], seed)};
    assert_true(ir_eval(g, a, in, values));
    for (int i = 0; i < g->output_count; i++) outputs[i] = values[g->outputs[i]->id].data;
}

/* 1: rewritten and equal, 0: refused. */
static int check_moves(uint64_t seed, int *nodes_before, int *nodes_after) {
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct ir_graph *g = random_moves(&c, seed), *reference = random_moves(&c, seed);
    const float *want[8], *found[8];
    bool legal = run_passes(g, legalize, 4);
    assert_null(diag_find(&c, "pass_broken_claim"));
    if (legal) {
        assert_true(only_convs(g));
        evaluate(reference, a, seed, want);
        evaluate(g, a, seed, found);
        for (int i = 0; i < g->output_count; i++)
            for (int64_t k = 0; k < ir_elements(g->outputs[i]); k++)
                if (want[i][k] != found[i][k])
                    fail_msg("seed %llu: output %d[%lld] was %g, is %g", (unsigned long long)seed,
                             i, (long long)k, (double)want[i][k], (double)found[i][k]);
        *nodes_before += count_nodes(reference);
        *nodes_after += count_nodes(g);
    }
    ctx_free(&c);
    return legal;
}

static void test_moves_are_exact(void **state) {
    (void)state;
    int legal = 0, before = 0, after = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) legal += check_moves(seed, &before, &after);
    if (legal < SEEDS * 3 / 4) fail_msg("only %d of %d chains were rewritten", legal, SEEDS);
    if (after > before * 3 / 4) fail_msg("chains do not merge: %d nodes became %d", before, after);
}

enum refused { REVERSE, ONES, BATCH, REFUSED_COUNT };

/* A slice that reverses, a pad by ones, a pad of the batch: not what a convolution of this kind
 * does. */
static void check_refused(enum refused kind) {
    TEST_CTX(c);
    struct maker m = {.g = ir_graph_new(&c, "refused")};
    m.x = ir_value_new(m.g, "input", IR_F32, 4, (int64_t[]){1, 2, 3, 3});
    ir_add_input(m.g, m.x);
    struct ir_value *reverse[] = {
        make_ints(&m, (int64_t[]){-1}, 1), make_ints(&m, (int64_t[]){-9}, 1),
        make_ints(&m, (int64_t[]){3}, 1), make_ints(&m, (int64_t[]){-1}, 1)};
    struct ir_value *ones[] = {make_ints(&m, (int64_t[]){0, 0, 1, 1, 0, 0, 1, 1}, 8),
                               make_floats(&m, 0, NULL, 1, 1)};
    struct ir_value *batch = make_ints(&m, (int64_t[]){1, 0, 0, 0, 0, 0, 0, 0}, 8);
    if (kind == REVERSE) finish_node(&m, make_node(&m, IR_OP_slice, reverse, 4));
    if (kind == ONES) finish_node(&m, make_node(&m, IR_OP_pad, ones, 2));
    if (kind == BATCH) finish_node(&m, make_node(&m, IR_OP_pad, &batch, 1));
    ir_add_output(m.g, m.x);
    assert_false(run_passes(m.g, legalize, 4));
    assert_non_null(diag_find(&c, kind == ONES ? "pass_pad_value" : "pass_move"));
    ctx_free(&c);
}

static void test_others_are_refused(void **state) {
    (void)state;
    for (int kind = 0; kind < REFUSED_COUNT; kind++) check_refused((enum refused)kind);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moves_are_exact),
        cmocka_unit_test(test_others_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
