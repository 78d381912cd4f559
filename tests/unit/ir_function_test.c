/* Functions of one element, every row IR_FUNCTION of ops.def: float evaluation against formulas
 * written another way, in long double; quantized tables against the same formulas, bit for bit; the
 * emulator against the oracle, bit for bit. */
#include "quant_help.h"

#include "backend/backend.h"
#include "runtime/nbq.h"

/* p: the attributes in the order of the row. */
typedef long double formula_fn(long double x, const double *p);

static long double of_sigmoid(long double x, const double *p) {
    (void)p;
    return 1 / (1 + expl(-x));
}

static long double of_hardswish(long double x, const double *p) {
    (void)p;
    return x * fminl(1, fmaxl(0, x / 6 + 0.5L));
}

static long double of_tanh(long double x, const double *p) {
    (void)p;
    return expm1l(2 * x) / (expm1l(2 * x) + 2);
}

static long double of_hardsigmoid(long double x, const double *p) {
    return fminl(1, fmaxl(0, (long double)p[0] * x + (long double)p[1]));
}

static long double of_leakyrelu(long double x, const double *p) {
    return x * (x < 0 ? (long double)p[0] : 1);
}

static long double of_elu(long double x, const double *p) {
    return x < 0 ? (long double)p[0] * 2 * sinhl(x / 2) * expl(x / 2) : x;
}

static long double of_selu(long double x, const double *p) {
    long double a = (long double)p[0], b = (long double)p[1];
    return x < 0 ? b * a * 2 * sinhl(x / 2) * expl(x / 2) : b * x;
}

static long double of_softplus(long double x, const double *p) {
    (void)p;
    return x < -40 ? expl(x) : log1pl(expl(x));
}

static long double of_softsign(long double x, const double *p) {
    (void)p;
    return x < 0 ? x / (1 - x) : x / (1 + x);
}

static long double of_exp(long double x, const double *p) {
    (void)p;
    return expm1l(x) + 1 > 0.5L ? expm1l(x) + 1 : 1 / expl(-x);
}

static long double of_erf(long double x, const double *p) {
    (void)p;
    return x < 0 ? -erfl(-x) : erfl(x);
}

static long double of_mish(long double x, const double *p) {
    (void)p;
    return x * tanhl(log1pl(expl(x)));
}

static long double of_swish(long double x, const double *p) {
    return x / (1 + expl(-(long double)p[0] * x));
}

static long double of_gelu(long double x, const double *p) {
    long double inner =
        p[0] != 0 ? sqrtl(2 / acosl(-1)) * (x + 0.044715L * x * x * x) : x / sqrtl(2);
    if (p[0] != 0) return x / (1 + expl(-2 * inner));
    return x * erfcl(-inner) / 2;
}

static long double of_celu(long double x, const double *p) {
    long double a = (long double)p[0];
    return fmaxl(0, x) + fminl(0, a * 2 * sinhl(x / a / 2) * expl(x / a / 2));
}

static long double of_thresholdedrelu(long double x, const double *p) {
    return x > (long double)p[0] ? x : 0;
}

static long double of_shrink(long double x, const double *p) {
    long double away = fabsl(x) > (long double)p[0] ? fabsl(x) - (long double)p[1] : 0;
    return x < 0 ? -away : away;
}

/* clang-format off */
static formula_fn *const formulas[IR_OP_COUNT] = {
    [IR_OP_sigmoid] = of_sigmoid,
    [IR_OP_hardswish] = of_hardswish,
    [IR_OP_tanh] = of_tanh,
    [IR_OP_hardsigmoid] = of_hardsigmoid,
    [IR_OP_leakyrelu] = of_leakyrelu,
    [IR_OP_elu] = of_elu,
    [IR_OP_selu] = of_selu,
    [IR_OP_softplus] = of_softplus,
    [IR_OP_softsign] = of_softsign,
    [IR_OP_exp] = of_exp,
    [IR_OP_erf] = of_erf,
    [IR_OP_mish] = of_mish,
    [IR_OP_swish] = of_swish,
    [IR_OP_gelu] = of_gelu,
    [IR_OP_celu] = of_celu,
    [IR_OP_thresholdedrelu] = of_thresholdedrelu,
    [IR_OP_shrink] = of_shrink,
};
/* clang-format on */

static formula_fn *formula_of(enum ir_op op) {
    if (formulas[op] == NULL) fail_msg("no formula for %s", ir_op_info(op)->name);
    return formulas[op];
}

static void each_function(void (*test)(enum ir_op op, formula_fn *f, uint64_t seed)) {
    for (int op = 0; op < IR_OP_COUNT; op++)
        if (ir_is_function((enum ir_op)op))
            for (uint64_t seed = 1; seed <= 4; seed++)
                test((enum ir_op)op, formula_of((enum ir_op)op), seed);
}

/* y = op(x) with attributes that are no defaults, from the second seed on. */
static struct ir_value *add_function(struct ir_graph *g, enum ir_op op, const char *name,
                                     struct ir_value *x, struct rng *r, uint64_t seed) {
    struct ir_attr_info attr;
    struct ir_value *y = quant_add_node(g, op, name, &x, 1);
    for (int i = 0; seed > 1 && ir_attr_schema(op, i, &attr) && attr.kind == IR_ATTR_FLOAT; i++)
        ir_set_float(g, y->producer, attr.name, (double)(float)(0.1 + rng_unit(r)));
    return y;
}

static void params_of(const struct ir_node *n, double *p) {
    struct ir_attr_info attr;
    for (int i = 0; ir_attr_schema(n->op, i, &attr) && attr.kind == IR_ATTR_FLOAT; i++)
        p[i] = (double)(float)ir_attr_float(n, attr.name);
}

/* --- float --- */

enum { COUNT = 600 };

static void fill(float *x, struct rng *r) {
    static const float special[] = {0, -0.0F, 1, -1, 1e-6F, -1e-6F, 15, -15, 80, -80, 0.5F, -3, 3};
    for (size_t i = 0; i < COUNT; i++)
        x[i] = i < sizeof special / sizeof *special ? special[i]
                                                    : (float)(rng_normal(r) * (i % 3 == 0 ? 8 : 1));
}

static void check_values(enum ir_op op, formula_fn *f, uint64_t seed) {
    TEST_CTX(c);
    struct rng r = {seed};
    struct ir_graph *g = ir_graph_new(&c, "values");
    struct ir_value *y = add_function(g, op, "y", quant_input(g, 2, 20, 15), &r, seed);
    struct ir_tensor *values = arena_array(g->arena, (size_t)g->value_count, sizeof *values);
    double p[IR_FUNCTION_PARAMS] = {0};
    float x[COUNT];
    fill(x, &r);
    params_of(y->producer, p);
    assert_true(ir_eval(g, g->arena, (const void *[]){x}, values));
    const float *found = values[y->id].data;
    for (int i = 0; i < COUNT; i++) {
        double want = (double)f((long double)x[i], p), error = fabs((double)found[i] - want);
        if (!(error <= 1e-7 * fabs(want) + 1e-40 || (double)found[i] == want))
            fail_msg("%s(%g), seed %d: %.9g, expected %.9g", ir_op_info(op)->name, (double)x[i],
                     (int)seed, (double)found[i], want);
        assert_true(!ir_function_nonneg(op) || found[i] >= 0);
    }
    ctx_free(&c);
}

static void test_values(void **state) {
    (void)state;
    each_function(check_values);
}

/* Limits at ±infinity with the attributes' defaults, from the formulas. */
static const struct limits {
    enum ir_op op;
    double low, high;
} limits[] = {
    {IR_OP_sigmoid, 0, 1},
    {IR_OP_hardswish, 0, INFINITY},
    {IR_OP_tanh, -1, 1},
    {IR_OP_hardsigmoid, 0, 1},
    {IR_OP_leakyrelu, -INFINITY, INFINITY},
    {IR_OP_elu, -1, INFINITY},
    {IR_OP_softplus, 0, INFINITY},
    {IR_OP_softsign, -1, 1},
    {IR_OP_exp, 0, INFINITY},
    {IR_OP_erf, -1, 1},
    {IR_OP_mish, 0, INFINITY},
    {IR_OP_swish, 0, INFINITY},
    {IR_OP_gelu, 0, INFINITY},
    {IR_OP_celu, -1, INFINITY},
    {IR_OP_thresholdedrelu, 0, INFINITY},
    {IR_OP_shrink, -INFINITY, INFINITY},
};

static struct ir_function function_of(struct ctx *c, enum ir_op op, double alpha) {
    struct ir_graph *g = ir_graph_new(c, "one");
    struct ir_value *y =
        quant_add_node(g, op, "y", (struct ir_value *[]){quant_input(g, 1, 1, 1)}, 1);
    if (alpha >= -1) ir_set_float(g, y->producer, "alpha", alpha);
    return ir_function_of(y->producer);
}

static void test_limits(void **state) {
    (void)state;
    TEST_CTX(c);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct ir_function f = function_of(&c, limits[i].op, -2);
        double low = f.at(-INFINITY, f.params), high = f.at(INFINITY, f.params);
        if (low != limits[i].low || high != limits[i].high)
            fail_msg("%s: %g … %g", ir_op_info(limits[i].op)->name, low, high);
    }
    struct ir_function half = function_of(&c, IR_OP_swish, 0); /* x / 2 */
    assert_true(half.at(-INFINITY, half.params) == -INFINITY);
    assert_true(half.at(INFINITY, half.params) == INFINITY);
    struct ir_function mirrored = function_of(&c, IR_OP_swish, -1);
    assert_true(mirrored.at(INFINITY, mirrored.params) == 0);
    assert_true(mirrored.at(-INFINITY, mirrored.params) == -INFINITY);
    ctx_free(&c);
}

static void test_not_a_number(void **state) {
    (void)state;
    TEST_CTX(c);
    for (int op = 0; op < IR_OP_COUNT; op++) {
        if (!ir_is_function((enum ir_op)op)) continue;
        struct ir_function f = function_of(&c, (enum ir_op)op, -2);
        if (!isnan(f.at(NAN, f.params))) fail_msg("%s", ir_op_info((enum ir_op)op)->name);
    }
    ctx_free(&c);
}

/* --- tables --- */

static struct ir_quant random_quant(struct rng *r, int bits, int low, bool nonneg) {
    return (struct ir_quant){.bits = bits,
                             .exp = (int)quant_between(r, low, low + 4) - bits,
                             .zero = nonneg ? -(1 << (bits - 1)) : 0};
}

static int64_t stored(formula_fn *f, const double *p, int64_t x, struct ir_quant from,
                      struct ir_quant to) {
    int64_t most = ((int64_t)1 << (to.bits - 1)) - 1;
    long double y = rintl(ldexpl(f(ldexpl((long double)(x - from.zero), from.exp), p), -to.exp));
    y += (long double)to.zero;
    return y < -(long double)most - 1 ? -most - 1 : y > (long double)most ? most : (int64_t)y;
}

/* What docs/numbers.md says of one stored integer. */
static int64_t expected(formula_fn *f, const double *p, int64_t x, struct ir_quant from,
                        struct ir_quant to) {
    if (from.bits == 8) return stored(f, p, x, from, to);
    int64_t left = (x + 32768) / 256 * 256 - 32768, part = x - left;
    int64_t a = stored(f, p, left, from, to), b = stored(f, p, left + 256, from, to);
    return a + (int64_t)floorl((long double)((b - a) * part + 128) / 256);
}

static void check_table(enum ir_op op, formula_fn *f, uint64_t seed, int bits) {
    TEST_CTX(c);
    struct rng r = {seed * 97 + (uint64_t)bits};
    struct ir_graph *g = ir_graph_new(&c, "table");
    struct ir_value *x = quant_input(g, 3, 20, 10);
    struct ir_value *y = add_function(g, op, "y", x, &r, seed);
    double p[IR_FUNCTION_PARAMS] = {0};
    params_of(y->producer, p);
    ir_add_output(g, y);
    x->quant = random_quant(&r, bits, 2, seed == 3);
    y->quant = random_quant(&r, bits, -1, ir_function_nonneg(op));
    struct ir_quant from = x->quant, to = y->quant;
    struct pass_options o = quant_options(&quant_any_target, 4, bits);
    assert_true(pass_pipeline(
        g, &o, &(struct pass_run){.names = (const char *const[]){"quantize"}, .count = 1}));
    struct ir_tensor *values = arena_array(g->arena, (size_t)g->value_count, sizeof *values);
    float data[COUNT];
    for (int i = 0; i < COUNT; i++)
        data[i] = (float)ir_dequantize(quant_between(&r, -(1 << (bits - 1)), (1 << (bits - 1)) - 1),
                                       from);
    assert_true(ir_eval(g, g->arena, (const void *[]){data}, values));
    const float *found = values[g->outputs[0]->id].data;
    for (int i = 0; i < COUNT; i++) {
        int64_t at = (int64_t)ldexp((double)data[i], -from.exp) + from.zero;
        double want = ldexp((double)(expected(f, p, at, from, to) - to.zero), to.exp);
        if ((double)found[i] != want)
            fail_msg("%s of stored %d, %d bits, seed %d: %.9g, expected %.9g", ir_op_info(op)->name,
                     (int)at, bits, (int)seed, (double)found[i], want);
    }
    ctx_free(&c);
}

static void check_tables(enum ir_op op, formula_fn *f, uint64_t seed) {
    check_table(op, f, seed, 8);
    check_table(op, f, seed, 16);
}

static void test_tables(void **state) {
    (void)state;
    each_function(check_tables);
}

/* --- device --- */

/* A convolution before each of two functions, and an odd number of channels. */
static struct ir_graph *small_net(struct ctx *c, enum ir_op op, uint64_t seed) {
    struct rng r = {seed};
    struct ir_graph *g = ir_graph_new(c, "device");
    struct ir_value *x = quant_add_conv(g, &r, "a", quant_input(g, 3, 9, 7), quant_same(5), "none");
    x = add_function(g, op, "b", x, &r, seed);
    x = quant_add_conv(g, &r, "c", x, quant_same(11), "none");
    ir_add_output(g, add_function(g, op, "y", x, &r, seed));
    return g;
}

static void run_device(struct ctx *c, const struct svpe_program *p, const float *x, size_t count,
                       float *y, size_t result_count) {
    struct nbq_program *program;
    struct nbq_session *s;
    struct writer file;
    char message[400];
    writer_init(&file, arena_new(c));
    svpe_write(p, &file);
    if (nbq_load(file.data, file.size, "t", &program, message, sizeof message) != NBQ_OK)
        fail_msg("%s", message);
    assert_int_equal(nbq_open(program, "emulator", &s), NBQ_OK);
    assert_int_equal(nbq_set_input_f32(s, 0, x, count), NBQ_OK);
    if (nbq_run(s) != NBQ_OK) fail_msg("%s", nbq_error(s));
    assert_int_equal(nbq_get_output_f32(s, 0, y, result_count), NBQ_OK);
    nbq_close(s);
    nbq_program_free(program);
}

static void check_device(enum ir_op op, uint64_t seed, const char *target, int act_bits) {
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct rng r = {seed + 100};
    struct ir_graph *g = small_net(&c, op, seed);
    struct pass_options o = quant_options(svpe_target_find(&c, a, target), 3, act_bits);
    assert_true(pass_pipeline(g, &o, &(struct pass_run){0}));
    int tables = 0;
    for (const struct ir_node *n = g->first; n; n = n->next) tables += n->op == IR_OP_qlut;
    assert_int_equal(tables, 2);
    struct be_options b = {.target = o.target, .act_bits = act_bits, .preprocess = o.preprocess};
    const struct be_plan *plan = be_plan(&c, g, &b);
    const struct svpe_program *program = plan ? be_lower(&c, plan, &b) : NULL;
    assert_non_null(program);
    size_t count = (size_t)ir_elements(g->inputs[0]), results = (size_t)ir_elements(g->outputs[0]);
    float *x = quant_randoms(a, &r, (int64_t)count, 1), *y = arena_array(a, results, sizeof *y);
    struct ir_tensor *values = arena_array(a, (size_t)g->value_count, sizeof *values);
    assert_true(ir_eval(g, a, (const void *[]){x}, values));
    run_device(&c, program, x, count, y, results);
    const float *want = values[g->outputs[0]->id].data;
    for (size_t i = 0; i < results; i++)
        if (y[i] != want[i])
            fail_msg("%s on %s, %d bits, seed %d, element %d: %g, expected %g",
                     ir_op_info(op)->name, target, act_bits, (int)seed, (int)i, (double)y[i],
                     (double)want[i]);
    ctx_free(&c);
}

static void check_devices(enum ir_op op, formula_fn *f, uint64_t seed) {
    (void)f;
    check_device(op, seed, "zcu102", 8);
    check_device(op, seed, "tiny", seed % 2 ? 8 : 16);
    check_device(op, seed, "zcu102-a16", 16);
}

static void test_devices(void **state) {
    (void)state;
    each_function(check_devices);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),       cmocka_unit_test(test_limits),
        cmocka_unit_test(test_not_a_number), cmocka_unit_test(test_tables),
        cmocka_unit_test(test_devices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
