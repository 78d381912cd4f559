/* The exporter: no operator of the quantized level is forgotten; what cannot be written is said.
 * That the integers are the same is for tests/e2e/emit_onnx.sh. */
#include "frontend/frontend.h"
#include "test.h"

#include <string.h>

static void test_every_quantized_operator(void **state) {
    (void)state;
    for (int op = 0; op < IR_OP_COUNT; op++) {
        const struct ir_op_info *row = ir_op_info((enum ir_op)op);
        if (row->level != IR_LEVEL_QUANT) continue;
        if (!fe_exports((enum ir_op)op)) print_message("%s is not exported\n", row->name);
        assert_true(fe_exports((enum ir_op)op));
    }
}

/* False with the diagnostic `name` and nothing written, or true without one. */
static void expect(const char *text, const char *name) {
    struct ctx c;
    ctx_init(&c, "test", NULL);
    if (setjmp(c.oom)) fail();
    struct ir_graph *g = ir_parse(&c, "g.nir", text, strlen(text));
    struct writer w;
    assert_non_null(g);
    writer_init(&w, g->arena);
    bool good = fe_export(g, &w);
    assert_int_equal(good, name == NULL);
    assert_int_equal(w.size > 0, good);
    if (name) assert_non_null(diag_find(&c, name));
    ctx_free(&c);
}

static void test_what_is_said(void **state) {
    (void)state;
    expect("graph \"g\" { input %x: f32[1x2] %y: f32[1x2] = relu(%x) return %y }", NULL);
    expect("graph \"g\" { input %x: f32[1x1x2x2] %y: f32[1x1x4x2] = interleave(%x, %x) "
           "{step=[2, 1]} return %y }",
           NULL);
    expect(
        "graph \"g\" { input %x: f32[2] const %s: f32[] = [1.] %y: f32[2] = bipolarquant(%x, %s) "
        "return %y }",
        "fe_export_op");
    expect("graph \"g\" { input %x: f32[1x32] const %c: f32[1x32] = hash:0x0123456789abcdef "
           "%y: f32[1x32] = add(%x, %c) return %y }",
           "fe_export_elided");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_quantized_operator),
        cmocka_unit_test(test_what_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
