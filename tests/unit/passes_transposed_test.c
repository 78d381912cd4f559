/* Transposed convolutions become ordinary ones and an interleave. Weights and inputs are small
 * integers, so that every sum is exact and both forms give the same bits; a batch norm behind is
 * one of powers of two. The reference is ONNX's own sum, written down here. */
#include "passes_random.h"

enum { SEEDS = 1200 };

static struct ir_value *make_integers(struct maker *m, int rank, const int64_t *dims) {
    size_t count = 1;
    for (int i = 0; i < rank; i++) count *= (size_t)dims[i];
    float *data = arena_array(m->g->arena, count, sizeof *data);
    for (size_t i = 0; i < count; i++) data[i] = (float)between(m, -7, 7);
    return ir_const_new(m->g, NULL, IR_F32, rank, dims, data);
}

static const float *copy_data(struct ir_graph *g, const struct ir_value *v) {
    return arena_copy(g->arena, v->data, (size_t)ir_elements(v) * sizeof(float));
}

struct transposed {
    int64_t in[2], kernel[2], stride[2], dilation[2], pad[4], more[2], out[2];
    int64_t group, ins, outs; /* channels: all, per group */
    const float *w, *bias;    /* copies: passes change the constants */
    bool act, norm;
    double factor, shift;
};

static bool pick_sizes(struct maker *m, struct transposed *t) {
    t->group = between(m, 1, 3);
    t->ins = t->group * between(m, 1, 3);
    t->outs = between(m, 1, 3);
    for (int d = 0; d < 2; d++) {
        t->in[d] = between(m, 1, 6);
        t->kernel[d] = between(m, 1, 5);
        t->stride[d] = between(m, 1, 4);
        t->dilation[d] = chance(m, 30) ? between(m, 2, 3) : 1;
        t->pad[d] = between(m, 0, 2);
        t->pad[2 + d] = between(m, 0, 2);
        t->more[d] = chance(m, 30) ? between(m, 0, t->stride[d] - 1) : 0;
        t->out[d] = t->stride[d] * (t->in[d] - 1) + t->more[d] +
                    (t->kernel[d] - 1) * t->dilation[d] + 1 - t->pad[d] - t->pad[2 + d];
        if (t->out[d] < t->stride[d]) return false;
    }
    return true;
}

static struct ir_graph *graph_of(struct ctx *c, uint64_t seed, struct transposed *t) {
    struct maker m = {.g = ir_graph_new(c, "transposed"), .r = {seed * 977 + 1}};
    while (!pick_sizes(&m, t)) {
    }
    m.x = ir_value_new(m.g, "input", IR_F32, 4, (int64_t[]){1, t->ins, t->in[0], t->in[1]});
    ir_add_input(m.g, m.x);
    int64_t all = t->outs * t->group;
    int64_t dims[] = {t->ins, t->outs, t->kernel[0], t->kernel[1]};
    struct ir_value *more[] = {make_integers(&m, 4, dims),
                               chance(&m, 60) ? make_integers(&m, 1, &all) : NULL};
    t->w = copy_data(m.g, more[0]);
    t->bias = more[1] != NULL ? copy_data(m.g, more[1]) : NULL;
    struct ir_node *n = make_node(&m, IR_OP_convtranspose, more, t->bias != NULL ? 2 : 1);
    ir_set_ints(m.g, n, "pads", t->pad, 4);
    ir_set_ints(m.g, n, "strides", t->stride, 2);
    ir_set_ints(m.g, n, "dilations", t->dilation, 2);
    ir_set_int(m.g, n, "group", t->group);
    if (t->more[0] + t->more[1] > 0) ir_set_ints(m.g, n, "output_padding", t->more, 2);
    finish_node(&m, n);
    t->norm = chance(&m, 40);
    t->act = chance(&m, 50);
    if (t->norm) {
        t->factor = 0.5, t->shift = 3;
        struct ir_value *k = make_floats(&m, 0, NULL, 0.5, 0.5);
        finish_node(&m, make_node(&m, IR_OP_mul, &k, 1));
        k = make_floats(&m, 0, NULL, 3, 3);
        finish_node(&m, make_node(&m, IR_OP_add, &k, 1));
    }
    if (t->act) make_plain(&m, IR_OP_relu);
    ir_add_output(m.g, m.x);
    return m.g;
}

static double *expected(struct arena *a, const struct transposed *t, const float *x) {
    int64_t all = t->outs * t->group, plane = t->out[0] * t->out[1], each = t->ins / t->group;
    double *y = arena_array(a, (size_t)(all * plane), sizeof *y);
    for (int64_t i = 0; i < all * plane; i++)
        y[i] = t->bias != NULL ? (double)t->bias[i / plane] : 0;
    for (int64_t c = 0; c < t->ins; c++)
        for (int64_t o = 0; o < t->outs; o++)
            for (int64_t p = 0; p < t->in[0] * t->in[1]; p++)
                for (int64_t k = 0; k < t->kernel[0] * t->kernel[1]; k++) {
                    int64_t row =
                        p / t->in[1] * t->stride[0] - t->pad[0] + k / t->kernel[1] * t->dilation[0];
                    int64_t col =
                        p % t->in[1] * t->stride[1] - t->pad[1] + k % t->kernel[1] * t->dilation[1];
                    if (row < 0 || row >= t->out[0] || col < 0 || col >= t->out[1]) continue;
                    int64_t to = (c / each * t->outs + o) * plane + row * t->out[1] + col;
                    y[to] += (double)x[c * t->in[0] * t->in[1] + p] *
                             (double)t->w[(c * t->outs + o) * t->kernel[0] * t->kernel[1] + k];
                }
    for (int64_t i = 0; i < all * plane; i++) {
        if (t->norm) y[i] = y[i] * t->factor + t->shift;
        if (t->act && y[i] < 0) y[i] = 0;
    }
    return y;
}

static void check_form(const struct ir_graph *g, const struct transposed *t, uint64_t seed) {
    int64_t convs = 0, others = 0;
    for (const struct ir_node *n = g->first; n != NULL; n = n->next) {
        convs += n->op == IR_OP_conv;
        others += n->op != IR_OP_conv && n->op != IR_OP_interleave;
    }
    if (convs != t->stride[0] * t->stride[1] || others != 0)
        fail_msg("seed %llu: %d convolutions and %d others", (unsigned long long)seed, (int)convs,
                 (int)others);
}

static void check(uint64_t seed) {
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct transposed t = {0};
    const char *names[FLOAT_PASSES_MAX];
    struct ir_graph *g = graph_of(&c, seed, &t);
    if (!run_passes(g, names, float_passes(names)))
        fail_msg("seed %llu: %s", (unsigned long long)seed, c.first->message);
    check_form(g, &t, seed);
    struct ir_tensor *values = arena_array(a, (size_t)g->value_count, sizeof *values);
    struct rng r = {seed};
    size_t count = (size_t)ir_elements(g->inputs[0]);
    float *x = arena_array(a, count, sizeof *x);
    for (size_t i = 0; i < count; i++) x[i] = (float)((int)rng_below(&r, 17) - 8);
    const void *in[] = {x};
    assert_true(ir_eval(g, a, in, values));
    const float *found = values[g->outputs[0]->id].data;
    const double *want = expected(a, &t, x);
    assert_int_equal(ir_elements(g->outputs[0]), t.outs * t.group * t.out[0] * t.out[1]);
    for (int64_t i = 0; i < ir_elements(g->outputs[0]); i++)
        if ((double)found[i] != want[i])
            fail_msg("seed %llu: element %lld is %g, not %g", (unsigned long long)seed,
                     (long long)i, (double)found[i], want[i]);
    ctx_free(&c);
}

static void test_parts_are_exact(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) check(seed);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_parts_are_exact)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
