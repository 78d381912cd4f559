/* Arithmetic of the vector unit: factors and shifts per channel, products, sums, with a number per
 * channel or of one shape, joins of different scales, repeated pixels. Legalized, calibrated,
 * quantized and evaluated by the oracle, the integers must follow the float network as far as
 * activations of so many bits can. */
#include "quant_help.h"

#include <stdio.h>

enum { SEEDS = 25, INPUTS = 3 };

struct net {
    struct ir_graph *g;
    struct rng r;
    int made;
};

static struct ir_value *constant(struct net *n, int rank, const int64_t *dims, double scale) {
    int64_t count = 1;
    for (int i = 0; i < rank; i++) count *= dims[i];
    float *data = quant_randoms(n->g->arena, &n->r, count, scale);
    return ir_const_new(n->g, NULL, IR_F32, rank, dims, data);
}

static struct ir_value *node(struct net *n, enum ir_op op, struct ir_value *const *in, int count) {
    struct ir_value *y = ir_value_new(n->g, NULL, IR_F32, -1, NULL);
    const char *name = arena_printf(n->g->arena, "node%d", n->made++);
    struct ir_node *made = ir_node_new(n->g, NULL, op, name, in, count, &y, 1);
    if (op == IR_OP_concat) ir_set_int(n->g, made, "axis", 1);
    assert_true(ir_infer_node(n->g, made));
    return y;
}

static struct ir_value *two(struct net *n, enum ir_op op, struct ir_value *a, struct ir_value *b) {
    return node(n, op, (struct ir_value *[]){a, b}, 2);
}

static struct ir_value *batchnorm(struct net *n, struct ir_value *x) {
    const int64_t *c = &x->dims[1];
    float *variance = quant_randoms(n->g->arena, &n->r, *c, 1);
    for (int64_t i = 0; i < *c; i++) variance[i] = 0.2f + variance[i] * variance[i];
    struct ir_value *in[] = {x, constant(n, 1, c, 1), constant(n, 1, c, 1), constant(n, 1, c, 1),
                             ir_const_new(n->g, NULL, IR_F32, 1, c, variance)};
    return node(n, IR_OP_batchnorm, in, 5);
}

/* x is read twice everywhere, so that nothing goes into a convolution. */
static struct ir_graph *random_net(struct ctx *c, uint64_t seed) {
    struct net n = {.g = ir_graph_new(c, "net"), .r = {seed * 7919 + 3}};
    struct ir_value *x = quant_input(n.g, quant_between(&n.r, 1, 9), 5, 7);
    int64_t channel[] = {1, x->dims[1], 1, 1}, sizes[] = {1, 0, 10, 21};
    struct ir_value *number = constant(&n, 4, channel, 1), *one = constant(&n, 0, NULL, 1);
    struct ir_value *norm = batchnorm(&n, x);
    struct ir_value *act = node(&n, IR_OP_relu, &norm, 1);
    struct ir_value *gate = node(&n, IR_OP_gavgpool, &act, 1);
    gate = node(&n, IR_OP_sigmoid, &gate, 1);
    struct ir_value *gated = two(&n, IR_OP_mul, gate, act), *square = two(&n, IR_OP_mul, x, norm);
    struct ir_value *sum = two(&n, IR_OP_add, gated, node(&n, IR_OP_gmaxpool, &x, 1));
    struct ir_value *less = two(&n, IR_OP_sub, sum, square);
    struct ir_value *large = two(&n, IR_OP_mul, two(&n, IR_OP_add, number, x), number);
    large = two(&n, IR_OP_div, large, one);
    struct ir_value *joined = node(&n, IR_OP_concat, (struct ir_value *[]){less, large, x}, 3);
    sizes[1] = joined->dims[1];
    struct ir_value *size = ir_const_new(n.g, NULL, IR_I64, 1, (int64_t[]){4},
                                         arena_copy(n.g->arena, sizes, sizeof sizes));
    struct ir_value *in[] = {joined, NULL, NULL, size};
    ir_add_output(n.g, node(&n, IR_OP_resize, in, 4));
    ir_add_output(n.g, less);
    return n.g;
}

static const float **outputs_of(struct ir_graph *g, struct arena *a, const float *x) {
    struct ir_tensor *values = arena_array(a, (size_t)g->value_count, sizeof *values);
    const float **out = arena_array(a, (size_t)g->output_count, sizeof *out);
    assert_true(ir_eval(g, a, (const void *[]){x}, values));
    for (int i = 0; i < g->output_count; i++) out[i] = values[g->outputs[i]->id].data;
    return out;
}

/* The largest difference as a share of the largest number of the output. */
static double difference(const struct ir_value *v, const float *a, const float *b) {
    double most = 0, size = 0;
    for (int64_t i = 0; i < ir_elements(v); i++) {
        most = fmax(most, fabs((double)a[i] - (double)b[i]));
        size = fmax(size, fabs((double)b[i]));
    }
    return most / size;
}

static void follow(uint64_t seed, int act_bits, double bound) {
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct pass_options o = quant_options(svpe_target_find(&c, a, "tiny"), 4, act_bits);
    struct ir_graph *g = random_net(&c, seed), *plain = random_net(&c, seed);
    o.calib_count = INPUTS;
    const struct pass_run run = {.stop_after = "quantize"};
    if (!pass_pipeline(g, &o, &run)) fail_msg("%s: %s", c.last->where, c.last->message);
    for (const struct ir_node *n = g->first; n; n = n->next)
        if (ir_op_info(n->op)->level != IR_LEVEL_QUANT) fail_msg("%s is no integers", n->name);
    struct quant_feed feed;
    const void *x;
    assert_true(quant_feed_open(plain, a, &o, &feed));
    for (long i = 0; i < feed.count; i++) {
        assert_true(quant_feed_get(&feed, &c, a, i, &x));
        const float **found = outputs_of(g, a, x), **want = outputs_of(plain, a, x);
        for (int k = 0; k < plain->output_count; k++) {
            double d = difference(plain->outputs[k], found[k], want[k]);
            if (!(d < bound))
                fail_msg("seed %llu, %d bits: output %d is off by %g", (unsigned long long)seed,
                         act_bits, k, d);
        }
    }
    ctx_free(&c);
}

static void integers_follow_floats(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        follow(seed, 16, 0.004);
        follow(seed, 8, 0.3);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(integers_follow_floats)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
