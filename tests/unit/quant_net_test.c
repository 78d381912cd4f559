/* Whole small networks: calibrated, quantized, and evaluated by the oracle. The integers must
 * follow the float network whose weights are the rounded ones to within the rounding of
 * activations; and nothing may depend on threads. */
#include "quant_help.h"

static float *clone(struct arena *a, const void *x, int64_t count) {
    return arena_copy(a, x, (size_t)count * sizeof(float));
}

static struct ir_node *node_of(const struct ir_graph *g, const char *name) {
    for (struct ir_node *n = g->first; n; n = n->next)
        if (!strcmp(n->name, name)) return n;
    fail_msg("no node %s", name);
    return NULL;
}

/* Gives the float network the weights and biases that the quantized one really has. */
static void take_rounded(struct ir_graph *g, const struct ir_graph *quantized) {
    for (struct ir_node *n = g->first; n; n = n->next) {
        if (n->op != IR_OP_conv) continue;
        const struct ir_node *q = node_of(quantized, n->name);
        const int16_t *w = q->in[1]->data;
        const int32_t *wexp = q->in[2]->data;
        int64_t channels = n->in[1]->dims[0], taps = ir_elements(n->in[1]) / channels;
        float *real = clone(g->arena, n->in[1]->data, channels * taps);
        for (int64_t i = 0; i < channels * taps; i++) {
            int64_t channel = i / taps;
            real[i] = (float)(w[i] * exp2(wexp[channel]));
        }
        n->in[1]->data = real;
    }
}

static const float *output_of(struct ir_graph *g, struct arena *a, const float *x) {
    struct ir_tensor *values = arena_array(a, (size_t)g->value_count, sizeof *values);
    const void *in[] = {x};
    assert_true(ir_eval(g, a, in, values));
    return values[g->outputs[0]->id].data;
}

/* Largest difference as a share of the largest output. */
static double difference(const float *a, const float *b, int64_t count) {
    double most = 0, size = 0;
    for (int64_t i = 0; i < count; i++) {
        most = fmax(most, fabs((double)a[i] - (double)b[i]));
        size = fmax(size, fabs((double)b[i]));
    }
    return most / size;
}

/* The small network, its weights taken from `like` if given, through both passes. */
static struct ir_graph *quantized_net(struct ctx *c, uint64_t seed, const struct ir_graph *like,
                                      const struct pass_options *o) {
    struct ir_graph *g = quant_small_net(c, seed);
    if (like) take_rounded(g, like);
    assert_true(pass_calibrate(g, o) && pass_quantize(g, o));
    if (!ir_verify(g, "quantize")) fail_msg("%s: %s", c->last->where, c->last->message);
    return g;
}

static double worst(struct ir_graph *g, struct ir_graph *plain, const struct pass_options *o) {
    struct arena *a = arena_new(g->ctx);
    struct quant_feed feed;
    const void *x;
    double most = 0;
    assert_true(quant_feed_open(plain, a, o, &feed));
    for (long i = 0; i < feed.count; i++) {
        assert_true(quant_feed_get(&feed, g->ctx, a, i, &x));
        const float *q = output_of(g, a, x), *f = output_of(plain, a, x);
        most = fmax(most, difference(q, f, ir_elements(plain->outputs[0])));
    }
    arena_free(a);
    return most;
}

/* A data set of normal noise, to calibrate and to compare on. */
static const char *noise(struct ctx *c, struct arena *a, uint64_t seed) {
    struct rng r = {seed + 500};
    const int64_t dims[4] = {5, 3, 11, 9};
    const char *path = test_file(c, a, ".npy", "", 0);
    assert_true(data_write_npy(c, path, quant_randoms(a, &r, 5 * 3 * 11 * 9, 1), dims, 4));
    return path;
}

/* Against the float network as it was, the weights' rounding shows: a bound per weight width.
 * Against the one with weights that are on the grid already, only activations are rounded. */
static void one_net(int bits, int act_bits, uint64_t seed) {
    static const double bounds[] = {0, 2, 2, 0.8, 0.5, 0.5};
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct pass_options o = quant_options(&quant_any_target, bits, act_bits);
    const char *path = noise(&c, a, seed);
    o.calib_spec = arena_printf(a, "npy:%s", path);
    o.calib = CALIB_MINMAX; /* nothing saturates on the calibration inputs themselves */
    o.calib_count = 0;
    struct ir_graph *plain = quant_small_net(&c, seed);
    struct ir_graph *first = quantized_net(&c, seed, NULL, &o);
    assert_true(worst(first, plain, &o) < bounds[bits]);
    struct ir_graph *second = quantized_net(&c, seed, first, &o);
    take_rounded(plain, second);
    assert_true(worst(second, plain, &o) < (act_bits == 8 ? 0.15 : 0.001));
    unlink(path);
    ctx_free(&c);
}

static void integers_follow_floats(void **state) {
    (void)state;
    for (int bits = 1; bits <= 5; bits++)
        for (int act_bits = 8; act_bits <= 16; act_bits += 8)
            for (uint64_t seed = 1; seed <= 3; seed++) one_net(bits, act_bits, seed);
}

/* ---- threads ---- */

/* CIFAR-10 records of random bytes; number 7 alone reaches 255. */
static const char *records(struct ctx *c, struct arena *a, int count) {
    struct rng r = {52};
    uint8_t *bytes = arena_alloc(a, (size_t)count * 3073);
    for (int i = 0; i < count * 3073; i++)
        bytes[i] = (uint8_t)(rng_next(&r) >> 56 >> (i / 3073 == 7 ? 0 : 3));
    for (int i = 0; i < count; i++) bytes[i * 3073] = (uint8_t)(i % 10);
    return test_file(c, a, ".bin", bytes, (size_t)count * 3073);
}

static const char *text_after(struct ctx *c, struct arena *a, const char *spec, int threads) {
    struct rng r = {53};
    struct ir_graph *g = ir_graph_new(c, "g");
    struct ir_value *x = quant_input(g, 3, 32, 32);
    struct ir_value *y = quant_add_conv(g, &r, "a", x, quant_same(6), "relu");
    y = quant_add_node(g, IR_OP_maxpool, "m", &y, 1);
    struct ir_value *z = quant_add_conv(g, &r, "b", y, quant_same(6), "clip");
    ir_add_output(g, quant_add_node(g, IR_OP_add, "s", (struct ir_value *[]){y, z}, 2));
    struct pass_options o = quant_options(&quant_any_target, 4, 8);
    o.calib_spec = spec;
    o.calib_count = spec ? 0 : 4;
    o.terms = spec ? 2 : 1;
    o.threads = threads;
    assert_true(pass_calibrate(g, &o) && pass_quantize(g, &o));
    struct writer w;
    writer_init(&w, a);
    ir_print(g, IR_PRINT_DATA, &w);
    return writer_string(&w);
}

static void threads_change_nothing(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    const char *path = records(&c, a, 11), *spec = arena_printf(a, "cifar10:%s", path);
    for (int k = 0; k < 2; k++) {
        const char *one = text_after(&c, a, k ? spec : NULL, 1);
        for (int threads = 2; threads < 5; threads++)
            assert_string_equal(one, text_after(&c, a, k ? spec : NULL, threads));
    }
    unlink(path);
    ctx_free(&c);
}

/* ---- inputs ---- */

static void bgr_swaps_planes(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct ir_graph *g = ir_graph_new(&c, "g");
    quant_input(g, 3, 32, 32);
    const char *path = records(&c, a, 3);
    struct pass_options o = quant_options(&quant_any_target, 4, 8);
    o.calib_spec = arena_printf(a, "cifar10:%s", path);
    o.preprocess =
        (struct preprocess){.scale = 0.5, .mean = {1, 2, 3}, .std = {1, 2, 4}, .bgr = true};
    struct quant_feed feed;
    struct file_view file;
    const void *x;
    assert_true(quant_feed_open(g, a, &o, &feed) && file_map(&c, path, &file));
    assert_int_equal(feed.count, 3);
    assert_true(quant_feed_get(&feed, &c, a, 1, &x));
    const float *values = x;
    for (int ch = 0; ch < 3; ch++)
        for (int i = 0; i < 1024; i++) {
            double byte = file.data[3073 + 1 + (2 - ch) * 1024 + i];
            double wanted = (byte * 0.5 - (ch + 1)) / (1 << ch);
            assert_true(fabs((double)values[ch * 1024 + i] - wanted) < 1e-4);
        }
    unlink(path);
    ctx_free(&c);
}

/* Without data nothing that was seen is clipped, and two bits are left above it. */
static void synthetic_inputs_leave_room(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct ir_graph *g = quant_small_net(&c, 8);
    struct pass_options o = quant_options(&quant_any_target, 4, 8);
    struct quant_feed feed;
    struct quant_range *range = arena_alloc(a, sizeof *range);
    const void *x;
    quant_range_init(range);
    assert_true(quant_feed_open(g, a, &o, &feed));
    assert_int_equal(feed.count, 4);
    for (long i = 0; i < feed.count; i++) {
        assert_true(quant_feed_get(&feed, &c, a, i, &x));
        quant_range_add(range, x, ir_elements(g->inputs[0]));
    }
    assert_true(pass_calibrate(g, &o));
    assert_int_equal(g->inputs[0]->quant.exp, quant_range_minmax(range, 8, false) + 2);
    ctx_free(&c);
}

/* ---- signs ---- */

static int zero_of(const struct ir_graph *g, const char *name) {
    for (int i = 0; i < g->value_count; i++)
        if (g->values[i] && !strcmp(g->values[i]->name, name)) return g->values[i]->quant.zero;
    fail_msg("no value %s", name);
    return 1;
}

static void signs_come_from_structure(void **state) {
    (void)state;
    TEST_CTX(c);
    struct ir_graph *g = quant_small_net(&c, 5);
    struct pass_options o = quant_options(&quant_any_target, 4, 8);
    assert_true(pass_calibrate(g, &o));
    assert_non_null(diag_find(&c, "quant_no_data"));
    assert_int_equal(zero_of(g, "x"), 0);
    assert_int_equal(zero_of(g, "a"), -128); /* relu */
    assert_int_equal(zero_of(g, "b"), 0);
    assert_int_equal(zero_of(g, "sum"), 0);  /* one operand is open */
    assert_int_equal(zero_of(g, "deep"), 0); /* clip from −0.25 */
    o.preprocess.given = true;
    o.preprocess.scale = 1; /* bytes as they are */
    assert_true(pass_calibrate(g, &o));
    assert_int_equal(zero_of(g, "x"), -128);
    assert_int_equal(g->inputs[0]->quant.exp, 0);
    o.preprocess.mean[1] = 0.5; /* one channel may be negative */
    assert_true(pass_calibrate(g, &o));
    assert_int_equal(zero_of(g, "x"), 0);
    ctx_free(&c);
}

/* ---- what is refused ---- */

static void samples_must_fit(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    const char *path = records(&c, a, 5);
    struct ir_graph *g = quant_small_net(&c, 6);
    struct pass_options o = quant_options(&quant_any_target, 4, 8);
    o.calib_spec = arena_printf(a, "cifar10:%s", path);
    for (o.threads = 1; o.threads <= 3; o.threads++) {
        c.first = c.last = NULL;
        assert_false(pass_calibrate(g, &o));
        assert_non_null(diag_find(&c, "quant_sample_shape"));
        assert_non_null(strstr(c.first->message, "3×32×32"));
        assert_non_null(strstr(c.first->message, "1×3×11×9"));
        assert_non_null(strstr(c.first->where, "#0")); /* the first one, at any number of threads */
        assert_null(c.first->next);
    }
    unlink(path);
    ctx_free(&c);
}

static void infinities_are_named(void **state) {
    (void)state;
    TEST_CTX(c);
    struct ir_graph *g = quant_small_net(&c, 7);
    struct ir_node *n = node_of(g, "b");
    float *b = clone(g->arena, n->in[2]->data, 7);
    b[3] = INFINITY;
    n->in[2]->data = b;
    struct pass_options o = quant_options(&quant_any_target, 4, 8);
    assert_false(pass_calibrate(g, &o));
    const struct diag *d = diag_find(&c, "quant_not_finite");
    assert_non_null(d);
    assert_string_equal(d->where, "node \"b\" (conv, output %b)");
    ctx_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_follow_floats),    cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(bgr_swaps_planes),          cmocka_unit_test(synthetic_inputs_leave_room),
        cmocka_unit_test(signs_come_from_structure), cmocka_unit_test(samples_must_fit),
        cmocka_unit_test(infinities_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
