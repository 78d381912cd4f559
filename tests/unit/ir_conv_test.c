/* The float convolution against a plain one in double, over random shapes, and values that share
 * memory against values that do not. */
#include "ir/internal.h"
#include "quant_help.h"

static double plain(const struct ir_node *n, const float *x, int64_t o, int64_t row, int64_t col) {
    const struct ir_value *in = n->in[0], *w = n->in[1];
    int count;
    const int64_t *pads = ir_attr_ints(n, "pads", &count);
    const int64_t *stride = ir_attr_ints(n, "strides", &count);
    const int64_t *dilation = ir_attr_ints(n, "dilations", &count);
    int64_t ic = w->dims[1], first = o / (w->dims[0] / ir_attr_int(n, "group")) * ic;
    const float *weights = w->data, *bias = n->in[2]->data;
    double sum = (double)bias[o];
    for (int64_t c = 0; c < ic; c++)
        for (int64_t i = 0; i < w->dims[2]; i++)
            for (int64_t k = 0; k < w->dims[3]; k++) {
                int64_t y = row * stride[0] + i * dilation[0] - pads[0];
                int64_t z = col * stride[1] + k * dilation[1] - pads[1];
                if (y < 0 || z < 0 || y >= in->dims[2] || z >= in->dims[3]) continue;
                sum += (double)weights[((o * ic + c) * w->dims[2] + i) * w->dims[3] + k] *
                       (double)x[((first + c) * in->dims[2] + y) * in->dims[3] + z];
            }
    const char *act = ir_attr_string(n, "act");
    if (!strcmp(act, "relu")) return fmax(sum, 0);
    return strcmp(act, "clip") ? sum : fmin(fmax(sum, -0.25), 1.5);
}

static void check(struct ir_graph *g, struct ir_value *y, const float *x) {
    const void *in[] = {x}, *out[1];
    ir_add_output(g, y);
    if (!ir_eval_observed(g, g->arena, in, NULL, NULL, out)) fail_msg("%s", g->ctx->last->message);
    const float *found = out[0];
    for (int64_t o = 0, i = 0; o < y->dims[1]; o++)
        for (int64_t r = 0; r < y->dims[2]; r++)
            for (int64_t c = 0; c < y->dims[3]; c++, i++) {
                double want = plain(y->producer, x, o, r, c);
                if (fabs((double)found[i] - want) <= 1e-4) continue;
                fail_msg("channel %lld, row %lld, column %lld: %g, expected %g", (long long)o,
                         (long long)r, (long long)c, (double)found[i], want);
            }
}

/* Every instruction set this CPU has gives the same bits. */
static void check_levels(struct ir_graph *g, const struct ir_value *y, const float *x) {
    struct ir_tensor *values = arena_array(g->arena, (size_t)g->value_count, sizeof *values);
    size_t bytes = (size_t)ir_elements(y) * sizeof(float);
    const struct ir_eval e = {.ctx = g->ctx, .a = g->arena, .n = y->producer, .values = values};
    values[g->inputs[0]->id].data = (void *)(uintptr_t)x;
    float *plainest = values[y->id].data = arena_alloc(g->arena, bytes);
    assert_true(ir_conv_levels() >= 1 && ir_eval_conv_at(&e, 0));
    for (int level = 1; level < ir_conv_levels(); level++) {
        values[y->id].data = arena_alloc(g->arena, bytes);
        assert_true(ir_eval_conv_at(&e, level));
        assert_memory_equal(values[y->id].data, plainest, bytes);
    }
}

static void one_shape(struct rng *r, int i) {
    static const char *const acts[] = {"none", "relu", "clip"};
    TEST_CTX(c);
    struct ir_graph *g = ir_graph_new(&c, "g");
    int64_t group = i % 3 ? 1 : quant_between(r, 1, 5);
    int64_t ic = group * quant_between(r, 1, i % 2 ? 1 : 6);
    struct ir_value *x = quant_input(g, ic, quant_between(r, 9, 20), quant_between(r, 9, 20));
    bool point = i % 10 == 4; /* 1×1 as most are: no stride, no padding */
    struct quant_conv_shape s = {.oc = group * quant_between(r, 1, i % 2 ? 2 : 9),
                                 .kh = point ? 1 : quant_between(r, 1, 4),
                                 .kw = point ? 1 : quant_between(r, 1, 4),
                                 .group = group};
    for (int k = 0; k < 4; k++) s.pads[k] = point ? 0 : quant_between(r, 0, 3);
    for (int k = 0; k < 2; k++) s.strides[k] = point ? 1 : quant_between(r, 1, 5);
    for (int k = 0; k < 2; k++) s.dilations[k] = quant_between(r, 1, 2);
    struct ir_value *y = quant_add_conv(g, r, "y", x, s, acts[i % 3]);
    const float *data = quant_randoms(g->arena, r, ir_elements(x), 1);
    check(g, y, data);
    check_levels(g, y, data);
    ctx_free(&c);
}

static void equals_plain(void **state) {
    (void)state;
    struct rng r = {31};
    for (int i = 0; i < 300; i++) one_shape(&r, i);
}

/* Images of several bands of rows: a laid-out row takes a good part of a band, or more than one. */
static void bands_meet(void **state) {
    (void)state;
    static const struct {
        int64_t ic, height, width;
        struct quant_conv_shape s;
    } cases[] = {
        {11, 23, 400, {5, 3, 3, 1, {1, 1, 1, 1}, {1, 1}, {1, 1}}},
        {9, 31, 700, {2, 4, 2, 1, {2, 0, 1, 3}, {3, 2}, {2, 1}}},
        {160, 7, 430, {4, 2, 2, 1, {0, 1, 0, 0}, {1, 1}, {1, 1}}},
        {6, 90, 301, {6, 3, 5, 6, {1, 2, 1, 2}, {2, 1}, {1, 2}}},
        {70, 41, 37, {6, 1, 1, 1, {0}, {1, 1}, {1, 1}}},
    };
    struct rng r = {32};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        TEST_CTX(c);
        struct ir_graph *g = ir_graph_new(&c, "g");
        struct ir_value *x = quant_input(g, cases[i].ic, cases[i].height, cases[i].width);
        struct ir_value *y = quant_add_conv(g, &r, "y", x, cases[i].s, "none");
        check(g, y, quant_randoms(g->arena, &r, ir_elements(x), 1));
        ctx_free(&c);
    }
}

/* 65536 channels, one pixel, strides of 2^24: only what taps read is laid out. */
static void far_strides_take_no_room(void **state) {
    (void)state;
    TEST_CTX(c);
    struct rng r = {5};
    struct ir_graph *g = ir_graph_new(&c, "g");
    struct quant_conv_shape s = {1, 1, 1, 1, {0}, {1 << 24, 1 << 24}, {1, 1}};
    struct ir_value *y = quant_add_conv(g, &r, "y", quant_input(g, 1 << 16, 1, 1), s, "none");
    const float *x = quant_randoms(g->arena, &r, 1 << 16, 0.01);
    check(g, y, x);
    ctx_free(&c);
}

/* ---- liveness ---- */

struct copies { /* of what was observed, by value id */
    struct arena *a;
    const void **at;
};

static void keep(void *user, const struct ir_value *v, const void *data) {
    struct copies *k = user;
    k->at[v->id] = arena_copy(k->a, data, (size_t)ir_elements(v) * sizeof(float));
}

static struct ir_value *pick(struct rng *r, struct ir_value *const *made, int count) {
    /* mostly near the end, now and then far back: short and long lives */
    int back = rng_below(r, 4) ? 3 : count;
    int least = count - back > 0 ? count - back : 0;
    return made[least + (int)rng_below(r, (uint32_t)(count - least))];
}

/* Additions, products and convolutions of any values made before; some have no reader, some are
 * outputs. */
static struct ir_graph *random_graph(struct ctx *c, struct rng *r) {
    struct ir_graph *g = ir_graph_new(c, "g");
    struct ir_value *made[40] = {quant_input(g, 3, 5, 6)};
    int count = 1;
    for (; count < 40; count++) {
        const char *name = arena_printf(g->arena, "v%d", count);
        struct ir_value *in[] = {pick(r, made, count), pick(r, made, count)};
        if (rng_below(r, 3) == 0) {
            made[count] = quant_add_conv(g, r, name, in[0], quant_same(3), "clip");
            continue;
        }
        enum ir_op op = rng_below(r, 2) ? IR_OP_add : IR_OP_sub;
        made[count] = quant_add_node(g, op, name, in, 2);
    }
    ir_add_output(g, made[count - 1]);
    ir_add_output(g, made[(int)rng_below(r, 39) + 1]);
    return g;
}

static void sharing_changes_nothing(void **state) {
    (void)state;
    uint64_t shared = 0, apart = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        TEST_CTX(c);
        struct rng r = {seed};
        struct ir_graph *g = random_graph(&c, &r);
        struct arena *a = g->arena;
        const void *in[] = {quant_randoms(a, &r, 90, 1)}, *out[2];
        struct copies k = {a, arena_array(a, (size_t)g->value_count, sizeof *k.at)};
        struct ir_tensor *values = arena_array(a, (size_t)g->value_count, sizeof *values);
        assert_true(ir_eval(g, a, in, values));
        assert_true(ir_eval_observed(g, a, in, keep, &k, out));
        for (const struct ir_node *n = g->first; n; n = n->next, apart += 384)
            assert_memory_equal(k.at[n->out[0]->id], values[n->out[0]->id].data,
                                90 * sizeof(float));
        for (int i = 0; i < 2; i++)
            assert_memory_equal(out[i], values[g->outputs[i]->id].data, 90 * sizeof(float));
        shared += ir_eval_room(g);
        ctx_free(&c);
    }
    assert_true(shared < apart / 2); /* 384: what 360 bytes take */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_plain),
        cmocka_unit_test(bands_meet),
        cmocka_unit_test(far_strides_take_no_room),
        cmocka_unit_test(sharing_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
