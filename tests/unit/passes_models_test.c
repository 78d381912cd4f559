/* Real networks: the oracle gives the same outputs before and after the float passes. Reads
 * NBQ_MODELS, a folder of ONNX files; skipped where that is not set. */
#include "passes_random.h"

#include "frontend/frontend.h"

#include <math.h>

static struct ir_graph *read_model(struct ctx *c, struct arena *a, const char *name) {
    const char *folder = getenv("NBQ_MODELS");
    struct fe_options options = {0};
    struct ir_graph *g = fe_import(c, arena_printf(a, "%s/%s", folder, name), &options);
    assert_non_null(g);
    assert_true(run_passes(g, (const char *const[]){"infer-shapes"}, 1));
    return g;
}

static const float *evaluate(struct ir_graph *g, struct arena *a, double scale) {
    struct ir_tensor *values = arena_array(a, (size_t)g->value_count, sizeof *values);
    float *x = random_input(a, g->inputs[0], 2026);
    for (int64_t i = 0; i < ir_elements(g->inputs[0]); i++) x[i] *= (float)scale;
    assert_true(ir_eval(g, a, (const void *[]){x}, values));
    return values[g->outputs[0]->id].data;
}

static void check_model(const char *name, double scale, int convs) {
    if (getenv("NBQ_MODELS") == NULL) skip();
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    const char *names[FLOAT_PASSES_MAX];
    int count = float_passes(names);
    struct ir_graph *reference = read_model(&c, a, name), *g = read_model(&c, a, name);
    assert_true(run_passes(g, names, count));
    int found_convs = 0;
    for (const struct ir_node *n = g->first; n != NULL; n = n->next)
        found_convs += n->op == IR_OP_conv;
    assert_int_equal(found_convs, convs);
    const float *want = evaluate(reference, a, scale), *found = evaluate(g, a, scale);
    double largest = 0;
    for (int64_t i = 0; i < ir_elements(g->outputs[0]); i++)
        largest = fmax(largest, fabs((double)want[i]));
    for (int64_t i = 0; i < ir_elements(g->outputs[0]); i++)
        if (!(fabs((double)want[i] - (double)found[i]) <= 1e-4 * largest))
            fail_msg("%s: output %lld was %g, is %g", name, (long long)i, (double)want[i],
                     (double)found[i]);
    ctx_free(&c);
}

/* 19 convolutions, 2 shortcuts that only move, and the fully connected layer. */
static void test_resnet20(void **state) {
    (void)state;
    check_model("resnet20-cifar10.onnx", 1, 22);
}

static void test_mnist(void **state) {
    (void)state;
    check_model("mnist-cntk-8.onnx", 100, 3);
}

static void test_resnet8(void **state) {
    (void)state;
    check_model("resnet8-cifar10-mlperf.onnx", 100, 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resnet20),
        cmocka_unit_test(test_mnist),
        cmocka_unit_test(test_resnet8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
