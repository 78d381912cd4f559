/* The table of passes and the runner: what it promises about itself, and what it says when it is
 * asked for nonsense. */
#include "passes_random.h"

static void test_table_is_sound(void **state) {
    (void)state;
    unsigned provided = 0, all = (1u << PASS_PROPERTY_COUNT) - 1;
    for (int i = 0; i < pass_count(); i++) {
        const struct pass_info *p = pass_at(i);
        assert_ptr_equal(pass_find(p->name), p); /* names are unique */
        assert_true(p->name[0] != '\0' && p->meaning[0] != '\0');
        assert_int_equal(p->provides & p->breaks, 0);
        /* the default pipeline: what is required was provided before */
        assert_int_equal(p->requires & ~provided, 0);
        assert_int_equal(p->provides & provided, 0);
        provided |= p->provides;
    }
    assert_int_equal(provided, all);
    assert_null(pass_find("fold"));
}

/* The mean of the input's planes, alone; on a graph with an open batch size. */
static struct ir_graph *small_graph(struct ctx *c, int64_t batch) {
    struct maker m = {.g = ir_graph_new(c, "small")};
    m.x = ir_value_new(m.g, "input", IR_F32, 4, (int64_t[]){batch, 2, 3, 3});
    ir_add_input(m.g, m.x);
    make_plain(&m, IR_OP_gavgpool);
    ir_add_output(m.g, m.x);
    return m.g;
}

static void expect_message(struct ir_graph *g, const struct pass_run *run, const char *id) {
    struct pass_options options = {0};
    assert_false(pass_pipeline(g, &options, run));
    assert_non_null(diag_find(g->ctx, id));
    ctx_free(g->ctx);
}

static void test_unknown_names_are_said(void **state) {
    (void)state;
    TEST_CTX(c);
    static const char *const wrong[] = {"infer-shape"}, *const right[] = {"infer-shapes"};
    expect_message(small_graph(&c, 1), &(struct pass_run){.names = wrong, .count = 1},
                   "pass_unknown_near");
    static const char *const strange[] = {"frobnicate"};
    expect_message(small_graph(&c, 1), &(struct pass_run){.names = strange, .count = 1},
                   "pass_unknown");
    expect_message(small_graph(&c, 1),
                   &(struct pass_run){.names = right, .count = 1, .stop_after = "fuse"},
                   "pass_not_planned");
    static const char *const print[] = {"legalise"};
    expect_message(small_graph(&c, 1),
                   &(struct pass_run){.print_after = print, .print_after_count = 1},
                   "pass_unknown_near");
}

static void test_requirements_are_checked(void **state) {
    (void)state;
    TEST_CTX(c);
    static const char *const fold[] = {"fold-constants"}, *const prove[] = {"prove-overflow"};
    expect_message(small_graph(&c, -1), &(struct pass_run){.names = fold, .count = 1},
                   "pass_requires");
    expect_message(small_graph(&c, 1), &(struct pass_run){.names = prove, .count = 1},
                   "pass_requires");
    expect_message(small_graph(&c, -1), &(struct pass_run){.stop_after = "infer-shapes"},
                   "pass_input_dim");
}

static void test_stop_after_stops(void **state) {
    (void)state;
    TEST_CTX(c);
    struct pass_options options = {0};
    struct ir_graph *g = small_graph(&c, 1);
    assert_true(pass_pipeline(g, &options, &(struct pass_run){.stop_after = "fuse"}));
    assert_int_equal(g->first->op, IR_OP_gavgpool);
    assert_true(pass_pipeline(g, &options, &(struct pass_run){.stop_after = "legalize"}));
    assert_int_equal(g->first->op, IR_OP_avgpool);
    ctx_free(&c);
}

static unsigned bit(enum pass_property p) {
    return 1u << p;
}

static void test_properties_are_computed(void **state) {
    (void)state;
    TEST_CTX(c);
    assert_int_equal(pass_properties_of(small_graph(&c, -1)) & bit(PASS_BIT_SHAPES), 0);
    unsigned have = pass_properties_of(small_graph(&c, 1));
    unsigned want = bit(PASS_BIT_SHAPES) | bit(PASS_BIT_FOLDED) | bit(PASS_BIT_LIVE) |
                    bit(PASS_BIT_CONVS) | bit(PASS_BIT_NO_BN) | bit(PASS_BIT_FUSED);
    assert_int_equal(have & want, want);
    assert_int_equal(have & (bit(PASS_BIT_LEGAL) | bit(PASS_BIT_QUANTIZED) | bit(PASS_BIT_PROVEN)),
                     0);
    ctx_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_is_sound),
        cmocka_unit_test(test_unknown_names_are_said),
        cmocka_unit_test(test_requirements_are_checked),
        cmocka_unit_test(test_stop_after_stops),
        cmocka_unit_test(test_properties_are_computed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
