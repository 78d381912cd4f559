/* The outline of a graph has the nodes, names, shapes and widths of the quantized one, and leaves
 * the graph it is of alone. */
#include "quant_help.h"

static const char *text_of(const struct ir_graph *g, struct arena *a) {
    struct writer w;
    writer_init(&w, a);
    ir_print(g, IR_PRINT_DATA, &w);
    return writer_string(&w);
}

static void expect_alike(const struct ir_graph *outline, const struct ir_graph *real) {
    const struct ir_node *n = outline->first;
    for (const struct ir_node *r = real->first; r; r = r->next, n = n->next) {
        assert_non_null(n);
        assert_int_equal(n->op, r->op);
        assert_string_equal(n->name, r->name);
        assert_string_equal(n->out[0]->name, r->out[0]->name);
        assert_int_equal(n->out[0]->dtype, r->out[0]->dtype);
        assert_int_equal(n->out[0]->quant.bits, r->out[0]->quant.bits);
        assert_memory_equal(n->out[0]->dims, r->out[0]->dims, 4 * sizeof *r->out[0]->dims);
    }
    assert_null(n);
}

static void outline_is_like_the_quantized_graph(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++)
        for (int act_bits = 8; act_bits <= 16; act_bits += 8) {
            TEST_CTX(c);
            struct arena *a = arena_new(&c);
            struct ir_graph *g = quant_small_net(&c, seed);
            struct pass_options o = quant_options(&quant_any_target, 4, act_bits);
            const char *before = text_of(g, a);
            struct ir_graph *outline = pass_outline(g, &o);
            assert_non_null(outline);
            assert_true(ir_verify(outline, "outline"));
            assert_string_equal(before, text_of(g, a));
            assert_true(pass_calibrate(g, &o) && pass_quantize(g, &o) && pass_fuse_residual(g, &o));
            expect_alike(outline, g);
            arena_free(outline->arena); /* all of it is there */
            ctx_free(&c);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(outline_is_like_the_quantized_graph)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
