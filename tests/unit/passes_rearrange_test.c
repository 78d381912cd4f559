/* Chains of moves between images: channel shuffles, depth and space exchanged, channels gathered,
 * split and joined again, in several spellings. Legalize turns each into selecting convolutions
 * and interleaves, and what comes out must be the same bits. What no convolution can do stays. */
#include "passes_random.h"

#include <math.h>

enum { SEEDS = 1500 };

static const char *const legalize[] = {"infer-shapes", "fold-constants", "eliminate-dead",
                                       "legalize"};

static void make_reshape(struct maker *m, int rank, const int64_t *dims) {
    struct ir_value *shape = make_ints(m, dims, rank);
    finish_node(m, make_node(m, IR_OP_reshape, &shape, 1));
}

static void make_transpose(struct maker *m, int rank, const int64_t *perm) {
    struct ir_node *n = make_node(m, IR_OP_transpose, NULL, 0);
    ir_set_ints(m->g, n, "perm", perm, rank);
    finish_node(m, n);
}

static void make_shuffle(struct maker *m) {
    const int64_t c = m->x->dims[1], h = m->x->dims[2], w = m->x->dims[3];
    int64_t group = between(m, 1, c);
    while (c % group != 0) group--;
    if (chance(m, 50)) {
        make_reshape(m, 5, (int64_t[]){1, group, c / group, h, w});
        make_transpose(m, 5, (int64_t[]){0, 2, 1, 3, 4});
    } else {
        make_reshape(m, 3, (int64_t[]){group, c / group, h * w});
        make_transpose(m, 3, (int64_t[]){1, 0, 2});
    }
    make_reshape(m, 4, (int64_t[]){1, -1, h, w});
}

static void make_depth_to_space(struct maker *m) {
    int64_t c = m->x->dims[1], h = m->x->dims[2], w = m->x->dims[3], a = 2, b = between(m, 1, 3);
    if (c % (a * b) != 0) return;
    c /= a * b;
    bool column_first = chance(m, 50);
    if (column_first)
        make_reshape(m, 6, (int64_t[]){1, a, b, c, h, w});
    else
        make_reshape(m, 6, (int64_t[]){1, c, a, b, h, w});
    make_transpose(m, 6,
                   column_first ? (int64_t[]){0, 3, 4, 1, 5, 2} : (int64_t[]){0, 1, 4, 2, 5, 3});
    make_reshape(m, 4, (int64_t[]){1, c, h * a, w * b});
}

static void make_space_to_depth(struct maker *m) {
    int64_t c = m->x->dims[1], h = m->x->dims[2], w = m->x->dims[3], b = 2;
    if (h % b != 0 || w % b != 0) return;
    make_reshape(m, 6, (int64_t[]){1, c, h / b, b, w / b, b});
    make_transpose(m, 6,
                   chance(m, 50) ? (int64_t[]){0, 3, 5, 1, 2, 4} : (int64_t[]){0, 1, 3, 5, 2, 4});
    make_reshape(m, 4, (int64_t[]){1, c * b * b, h / b, w / b});
}

static void make_gather_channels(struct maker *m) {
    int64_t list[8], count = between(m, 1, 8);
    for (int64_t i = 0; i < count; i++) list[i] = between(m, 0, m->x->dims[1] - 1);
    struct ir_value *index = make_ints(m, list, (int)count);
    struct ir_node *n = make_node(m, IR_OP_gather, &index, 1);
    ir_set_int(m->g, n, "axis", 1);
    finish_node(m, n);
}

/* Rows or columns of each phase become channels of their own: space-to-depth as detectors write
 * it. */
static void make_focus(struct maker *m) {
    struct ir_value *x = m->x, *parts[4];
    if (x->dims[2] % 2 != 0 || x->dims[3] % 2 != 0) return;
    for (int i = 0; i < 4; i++) {
        m->x = x;
        for (int d = 0; d < 2; d++) {
            int64_t start = i >> d & 1, end = INT64_MAX, axis = 2 + d, step = 2;
            struct ir_value *more[] = {make_ints(m, &start, 1), make_ints(m, &end, 1),
                                       make_ints(m, &axis, 1), make_ints(m, &step, 1)};
            finish_node(m, make_node(m, IR_OP_slice, more, 4));
        }
        parts[i] = m->x;
    }
    m->x = parts[0];
    struct ir_node *n = make_node(m, IR_OP_concat, parts + 1, 3);
    ir_set_int(m->g, n, "axis", 1);
    finish_node(m, n);
}

static void make_views(struct maker *m) {
    struct ir_value *axes = make_ints(m, (int64_t[]){2, 4}, 2);
    finish_node(m, make_node(m, IR_OP_unsqueeze, &axes, 1));
    axes = make_ints(m, (int64_t[]){4, 2}, 2);
    finish_node(m, make_node(m, IR_OP_squeeze, &axes, 1));
}

static void (*const steps[])(struct maker *m) = {make_shuffle,        make_depth_to_space,
                                                 make_space_to_depth, make_gather_channels,
                                                 make_focus,          make_views};

static struct ir_graph *random_chain(struct ctx *c, uint64_t seed) {
    struct maker m = {.g = ir_graph_new(c, "chain"), .r = {seed * 977 + 11}};
    int64_t dims[] = {1, between(&m, 1, 12), between(&m, 1, 6), between(&m, 1, 6)};
    m.x = ir_value_new(m.g, "input", IR_F32, 4, dims);
    ir_add_input(m.g, m.x);
    for (int64_t count = between(&m, 1, 3); count > 0; count--) {
        steps[between(&m, 0, sizeof steps / sizeof *steps - 1)](&m);
        if (chance(&m, 20)) { /* somebody reads the middle */
            struct ir_value *x = m.x;
            make_plain(&m, IR_OP_relu);
            ir_add_output(m.g, m.x);
            m.x = x;
        }
    }
    if (chance(&m, 70)) make_plain(&m, IR_OP_relu);
    if (m.x->producer == NULL) make_plain(&m, IR_OP_relu);
    ir_add_output(m.g, m.x);
    return m.g;
}

static void evaluate(struct ir_graph *g, struct arena *a, uint64_t seed, const float **outputs) {
    struct ir_tensor *values = arena_array(a, (size_t)g->value_count, sizeof *values);
    float *x = random_input(a, g->inputs[0], seed);
    for (int64_t i = 0; i < ir_elements(g->inputs[0]); i++) x[i] = rintf(x[i]);
    const void *in[] = {x};
    assert_true(ir_eval(g, a, in, values));
    for (int i = 0; i < g->output_count; i++) outputs[i] = values[g->outputs[i]->id].data;
}

static bool all_selected(const struct ir_graph *g) {
    for (const struct ir_node *n = g->first; n != NULL; n = n->next)
        if (n->op != IR_OP_interleave && n->op != IR_OP_conv && n->op != IR_OP_relu) return false;
    return true;
}

static void check_chain(uint64_t seed, int *rewritten) {
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct ir_graph *g = random_chain(&c, seed), *reference = random_chain(&c, seed);
    const float *want[8], *found[8];
    bool legal = run_passes(g, legalize, 4);
    assert_null(diag_find(&c, "pass_broken_claim"));
    if (legal && all_selected(g)) {
        (*rewritten)++;
        evaluate(reference, a, seed, want);
        evaluate(g, a, seed, found);
        assert_int_equal(g->output_count, reference->output_count);
        for (int i = 0; i < g->output_count; i++) {
            assert_string_equal(g->outputs[i]->name, reference->outputs[i]->name);
            assert_int_equal(ir_elements(g->outputs[i]), ir_elements(reference->outputs[i]));
            for (int64_t k = 0; k < ir_elements(g->outputs[i]); k++)
                if (want[i][k] != found[i][k])
                    fail_msg("seed %llu: output %d[%lld] was %g, is %g", (unsigned long long)seed,
                             i, (long long)k, (double)want[i][k], (double)found[i][k]);
        }
    }
    ctx_free(&c);
}

static void test_chains_are_exact(void **state) {
    (void)state;
    int rewritten = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) check_chain(seed, &rewritten);
    if (rewritten < SEEDS * 4 / 5) /* views of nothing stay at outputs */
        fail_msg("only %d of %d chains were rewritten", rewritten, SEEDS);
}

static int count_of(const struct ir_graph *g, enum ir_op op) {
    int count = 0;
    for (const struct ir_node *n = g->first; n != NULL; n = n->next) count += n->op == op;
    return count;
}

/* What each becomes: as few convolutions as there can be. */
static void check_form(void (*step)(struct maker *m), int channels, int convs, int interleaves) {
    TEST_CTX(c);
    struct maker m = {.g = ir_graph_new(&c, "form"), .r = {5}};
    m.x = ir_value_new(m.g, "input", IR_F32, 4, (int64_t[]){1, channels, 4, 6});
    ir_add_input(m.g, m.x);
    step(&m);
    make_plain(&m, IR_OP_sigmoid);
    ir_add_output(m.g, m.x);
    assert_true(run_passes(m.g, legalize, 4));
    assert_int_equal(count_of(m.g, IR_OP_conv), convs);
    assert_int_equal(count_of(m.g, IR_OP_interleave), interleaves);
    assert_int_equal(count_of(m.g, IR_OP_sigmoid), 1);
    ctx_free(&c);
}

static void test_forms(void **state) {
    (void)state;
    check_form(make_shuffle, 12, 1, 0);
    check_form(make_space_to_depth, 3, 1, 0);
    check_form(make_focus, 3, 1, 0);
    check_form(make_views, 3, 0, 0);
}

/* ---- Choices of channels beside convolutions ---- */

static struct ir_value *make_integers(struct maker *m, int rank, const int64_t *dims) {
    size_t count = 1;
    for (int i = 0; i < rank; i++) count *= (size_t)dims[i];
    float *data = arena_array(m->g->arena, count, sizeof *data);
    for (size_t i = 0; i < count; i++) data[i] = (float)between(m, -7, 7);
    return ir_const_new(m->g, NULL, IR_F32, rank, dims, data);
}

static void make_exact_conv(struct maker *m) {
    int64_t c = m->x->dims[1], o = between(m, 1, 40), k = chance(m, 50) ? 3 : 1;
    struct ir_value *more[] = {make_integers(m, 4, (int64_t[]){o, c, k, k}),
                               chance(m, 50) ? make_integers(m, 1, &o) : NULL};
    struct ir_node *n = make_node(m, IR_OP_conv, more, more[1] != NULL ? 2 : 1);
    ir_set_ints(m->g, n, "pads", (int64_t[]){k / 2, k / 2, k / 2, k / 2}, 4);
    finish_node(m, n);
}

/* Convolution, perhaps a function, one or two choices of its channels, each before a convolution.
 * Without a function everything is integers, and both forms give the same bits. */
static struct ir_graph *random_choices(struct ctx *c, uint64_t seed) {
    struct maker m = {.g = ir_graph_new(c, "choices"), .r = {seed * 977 + 7}};
    m.x = ir_value_new(m.g, "input", IR_F32, 4, (int64_t[]){1, between(&m, 1, 20), 3, 4});
    ir_add_input(m.g, m.x);
    make_exact_conv(&m);
    if (chance(&m, 30)) make_plain(&m, IR_OP_relu);
    if (chance(&m, 30)) make_plain(&m, IR_OP_hardsigmoid);
    struct ir_value *x = m.x;
    for (int64_t count = between(&m, 1, 2); count > 0; count--) {
        m.x = x;
        if (chance(&m, 50))
            make_shuffle(&m);
        else
            make_gather_channels(&m);
        if (chance(&m, 30)) make_plain(&m, IR_OP_relu);
        if (chance(&m, 30)) ir_add_output(m.g, m.x);
        if (chance(&m, 70)) make_exact_conv(&m);
        ir_add_output(m.g, m.x);
    }
    return m.g;
}

static int count_choices(const struct ir_graph *g) {
    int count = 0;
    for (const struct ir_node *n = g->first; n != NULL; n = n->next)
        count += n->op == IR_OP_conv && ir_attr_int(n, "select") == 1;
    return count;
}

static void test_choices_fold(void **state) {
    (void)state;
    int left = 0, all = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        TEST_CTX(c);
        struct arena *a = arena_new(&c);
        struct ir_graph *g = random_choices(&c, seed), *reference = random_choices(&c, seed);
        const char *names[FLOAT_PASSES_MAX];
        const float *want[8], *found[8];
        if (!run_passes(g, names, float_passes(names)))
            fail_msg("seed %llu: %s", (unsigned long long)seed, c.last->message);
        evaluate(reference, a, seed, want);
        evaluate(g, a, seed, found);
        for (int i = 0; i < g->output_count; i++)
            for (int64_t k = 0; k < ir_elements(g->outputs[i]); k++) {
                double w = (double)want[i][k], f = (double)found[i][k];
                if (fabs(w - f) > 1e-2) /* of sums of thousands; without a function 0 */
                    fail_msg("seed %llu: output %d[%lld] was %g, is %g", (unsigned long long)seed,
                             i, (long long)k, w, f);
            }
        left += count_choices(g);
        all += count_of(reference, IR_OP_gather) + count_of(reference, IR_OP_transpose);
        ctx_free(&c);
    }
    if (left > all / 2) fail_msg("%d of %d choices are left", left, all);
}

/* Rows turned over, height and width exchanged. */
static void test_others_stay(void **state) {
    (void)state;
    TEST_CTX(c);
    struct maker m = {.g = ir_graph_new(&c, "others")};
    m.x = ir_value_new(m.g, "input", IR_F32, 4, (int64_t[]){1, 2, 3, 5});
    ir_add_input(m.g, m.x);
    make_transpose(&m, 4, (int64_t[]){0, 1, 3, 2});
    ir_add_output(m.g, m.x);
    run_passes(m.g, legalize, 4);
    assert_int_equal(count_of(m.g, IR_OP_conv), 0);
    assert_int_equal(count_of(m.g, IR_OP_transpose), 1);
    ctx_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chains_are_exact),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_choices_fold),
        cmocka_unit_test(test_others_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
