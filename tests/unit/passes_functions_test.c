/* Pass fuse-functions: functions that are spelled out give the same numbers as the operator they
 * become, and chains with one number changed keep their own. Computed by the float evaluator from
 * both graphs; the chains here are written apart from the forms of the pass. */
#include "ir_test.h"

#include "passes/passes.h"

#include <stdio.h>

#define T "f32[1x2x4x25]"

/* Lines that make %y of %x with the constants %k0…%k3, and the operator of the only node that is
 * left. */
static const struct chain {
    const char *lines, *left;
    double k[4];
} chains[] = {
    {"%a: " T " = sigmoid(%x)\n%y: " T " = mul(%a, %x)", "swish", {0}},
    {"%a: " T " = mul(%x, %k0)\n%b: " T " = sigmoid(%a)\n%y: " T " = mul(%x, %b)", "swish", {1.5}},
    {"%a: " T " = add(%k0, %x)\n%b: " T " = clip(%a, %k1, %k2)\n%c: " T " = mul(%b, %x)\n"
     "%y: " T " = div(%c, %k3)",
     "hardswish",
     {3, 0, 6, 6}},
    {"%a: " T " = add(%x, %k0)\n%b: " T " = clip(%a, %k1, %k2)\n%c: " T " = div(%b, %k3)\n"
     "%y: " T " = mul(%x, %c)",
     "hardswish",
     {3, 0, 6, 6}},
    {"%a: " T " = add(%x, %k0)\n%b: " T " = max(%a, %k1)\n%c: " T " = min(%b, %k2)\n"
     "%y: " T " = mul(%c, %k3)",
     "hardsigmoid",
     {3, 0, 6, 1.0 / 6}},
    {"%a: " T " = mul(%x, %k0)\n%b: " T " = add(%k1, %a)\n%y: " T " = clip(%b, %k2, %k3)",
     "hardsigmoid",
     {0.3, 0.6, 0, 1}},
    {"%a: " T " = softplus(%x)\n%b: " T " = tanh(%a)\n%y: " T " = mul(%x, %b)", "mish", {0}},
    {"%a: " T " = exp(%x)\n%b: " T " = add(%a, %k0)\n%c: " T " = log(%b)\n%d: " T " = tanh(%c)\n"
     "%y: " T " = mul(%d, %x)",
     "mish",
     {1}},
    {"%a: " T " = mul(%k0, %x)\n%y: " T " = max(%x, %a)", "leakyrelu", {0.125}},
    {"%a: " T " = relu(%x)\n%y: " T " = min(%a, %k0)", "clip", {4}},
    {"%a: " T " = min(%x, %k0)\n%y: " T " = max(%k1, %a)", "clip", {2, -1}},
};
enum { CHAINS = sizeof chains / sizeof *chains, ELEMENTS = 200, SEEDS = 60 };

static struct ir_graph *graph_of(struct ctx *c, const struct chain *chain, const double *k) {
    struct arena *a = arena_new(c);
    return ir_test_parse(
        c, arena_printf(a,
                        "input %%x: " T "\nconst %%k0: f32[] = [%.9g]\nconst %%k1: f32[] = [%.9g]\n"
                        "const %%k2: f32[] = [%.9g]\nconst %%k3: f32[] = [%.9g]\n%s",
                        k[0], k[1], k[2], k[3], chain->lines));
}

static const float *outputs(struct ir_graph *g, const float *x) {
    struct ir_tensor *values = arena_array(g->arena, (size_t)g->value_count, sizeof *values);
    assert_true(ir_eval(g, g->arena, (const void *[]){x}, values));
    return values[g->outputs[0]->id].data;
}

static struct ir_graph *fused(struct ctx *c, const struct chain *chain, const double *k) {
    static const char *const names[] = {"infer-shapes", "fold-constants", "fuse-functions"};
    struct ir_graph *g = graph_of(c, chain, k);
    struct pass_options o = {0};
    if (!pass_pipeline(g, &o, &(struct pass_run){.names = names, .count = 3}))
        fail_msg("%s", c->first->message);
    assert_true(ir_verify(g, "test"));
    return g;
}

/* Values where the pieces of the functions meet, and random ones. */
static void fill(float *x, struct rng *r) {
    static const float special[] = {0, -0.0F, 3, -3, 6, -6, 1, -1, 2.5F, -2.5F, 40, -40};
    for (size_t i = 0; i < ELEMENTS; i++)
        x[i] = i < sizeof special / sizeof *special ? special[i] : (float)(rng_normal(r) * 4);
}

static void check(const struct chain *chain, uint64_t seed) {
    struct ctx c;
    struct rng r = {seed};
    float x[ELEMENTS];
    double k[4];
    ctx_init(&c, "test", NULL);
    memcpy(k, chain->k, sizeof k);
    if (seed > 1) k[rng_below(&r, 4)] += rng_unit(&r) * 2 - 1;
    fill(x, &r);
    struct ir_graph *g = fused(&c, chain, k);
    const float *want = outputs(graph_of(&c, chain, k), x), *found = outputs(g, x);
    bool alone = g->first == g->last && !strcmp(ir_op_info(g->first->op)->name, chain->left);
    if (seed == 1 && !alone) fail_msg("%s is not found in\n%s", chain->left, chain->lines);
    for (int i = 0; i < ELEMENTS; i++) {
        double error = fabs((double)found[i] - (double)want[i]);
        if (error > 1e-5 * (1 + fabs((double)want[i])))
            fail_msg("%s, seed %d: at %g %.9g, expected %.9g\n%s", chain->left, (int)seed,
                     (double)x[i], (double)found[i], (double)want[i], chain->lines);
    }
    ctx_free(&c);
}

static void test_numbers_stay(void **state) {
    (void)state;
    for (int i = 0; i < CHAINS; i++)
        for (uint64_t seed = 1; seed <= SEEDS; seed++) check(&chains[i], seed);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_numbers_stay)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
