/* Small random networks for the tests of passes/quant. */
#ifndef NBQ_TESTS_UNIT_QUANT_HELP_H
#define NBQ_TESTS_UNIT_QUANT_HELP_H

#include "passes/quant/quant.h"
#include "test.h"

#include <math.h>

static const struct svpe_target quant_any_target __attribute__((unused)) = {
    .name = "any",
    .element = SVPE_ELEMENT_SHIFT,
    .act8 = 1,
    .act16 = 1,
    .weight_bits = 5,
    .acc_bits = 48,
};

static inline struct pass_options quant_options(const struct svpe_target *t, int weight_bits,
                                                int act_bits) {
    return (struct pass_options){.target = t,
                                 .weight_bits = weight_bits,
                                 .act_bits = act_bits,
                                 .calib = CALIB_MSE,
                                 .calib_count = 4,
                                 .preprocess = {.scale = 1.0 / 255, .std = {1, 1, 1, 1}},
                                 .seed = 7,
                                 .threads = 1};
}

static inline int64_t quant_between(struct rng *r, int64_t low, int64_t high) {
    return low + rng_below(r, (uint32_t)(high - low + 1));
}

static inline float *quant_randoms(struct arena *a, struct rng *r, int64_t count, double scale) {
    float *x = arena_array(a, (size_t)count, sizeof *x);
    for (int64_t i = 0; i < count; i++) x[i] = (float)(scale * rng_normal(r));
    return x;
}

static inline struct ir_value *quant_input(struct ir_graph *g, int64_t c, int64_t h, int64_t w) {
    struct ir_value *v = ir_value_new(g, "x", IR_F32, 4, (int64_t[]){1, c, h, w});
    ir_add_input(g, v);
    return v;
}

struct quant_conv_shape {
    int64_t oc, kh, kw, group;
    int64_t pads[4], strides[2], dilations[2];
};

/* A convolution with random weights of about 1/√taps and a random bias; its output is NAME. */
static inline struct ir_value *quant_add_conv(struct ir_graph *g, struct rng *r, const char *name,
                                              struct ir_value *x, struct quant_conv_shape s,
                                              const char *act) {
    int64_t ic = x->dims[1] / s.group, taps = ic * s.kh * s.kw;
    int64_t wdims[4] = {s.oc, ic, s.kh, s.kw};
    float *w = quant_randoms(g->arena, r, s.oc * taps, 1 / sqrt((double)taps));
    float *b = quant_randoms(g->arena, r, s.oc, 0.3);
    struct ir_value *in[] = {
        x, ir_const_new(g, arena_printf(g->arena, "%s_w", name), IR_F32, 4, wdims, w),
        ir_const_new(g, arena_printf(g->arena, "%s_b", name), IR_F32, 1, wdims, b)};
    struct ir_value *y = ir_value_new(g, name, IR_F32, -1, NULL);
    struct ir_node *n = ir_node_new(g, NULL, IR_OP_conv, name, in, 3, &y, 1);
    ir_set_ints(g, n, "pads", s.pads, 4);
    ir_set_ints(g, n, "strides", s.strides, 2);
    ir_set_ints(g, n, "dilations", s.dilations, 2);
    ir_set_int(g, n, "group", s.group);
    if (strcmp(act, "none") != 0) ir_set_string(g, n, "act", act);
    if (!strcmp(act, "clip")) {
        ir_set_float(g, n, "act_min", -0.25);
        ir_set_float(g, n, "act_max", 1.5);
    }
    assert_true(ir_infer_node(g, n));
    return y;
}

static inline struct ir_value *quant_add_node(struct ir_graph *g, enum ir_op op, const char *name,
                                              struct ir_value *const *in, int count) {
    struct ir_value *y = ir_value_new(g, name, IR_F32, -1, NULL);
    struct ir_node *n = ir_node_new(g, NULL, op, name, in, count, &y, 1);
    if (op == IR_OP_maxpool || op == IR_OP_avgpool) {
        ir_set_ints(g, n, "kernel_shape", (const int64_t[]){3, 2}, 2);
        ir_set_ints(g, n, "strides", (const int64_t[]){2, 1}, 2);
        ir_set_ints(g, n, "pads", (const int64_t[]){1, 1, 0, 0}, 4);
    }
    assert_true(ir_infer_node(g, n));
    return y;
}

static inline struct quant_conv_shape quant_same(int64_t oc) {
    return (struct quant_conv_shape){oc, 3, 3, 1, {1, 1, 1, 1}, {1, 1}, {1, 1}};
}

/* conv-relu, two branches joined by an addition, both pools, a fully connected end. */
static inline struct ir_graph *quant_small_net(struct ctx *c, uint64_t seed) {
    struct rng r = {seed};
    struct ir_graph *g = ir_graph_new(c, "small");
    struct ir_value *x = quant_input(g, 3, 11, 9);
    struct ir_value *a = quant_add_conv(g, &r, "a", x, quant_same(7), "relu");
    struct ir_value *b = quant_add_conv(g, &r, "b", a, quant_same(7), "none");
    struct ir_value *sum = quant_add_node(g, IR_OP_add, "sum", (struct ir_value *[]){b, a}, 2);
    struct ir_value *m = quant_add_node(g, IR_OP_maxpool, "max", &sum, 1);
    struct quant_conv_shape deep = {14, 3, 2, 7, {1, 0, 1, 1}, {2, 1}, {1, 2}};
    struct ir_value *d = quant_add_conv(g, &r, "deep", m, deep, "clip");
    struct ir_value *p = quant_add_node(g, IR_OP_avgpool, "mean", &d, 1);
    struct quant_conv_shape full = {5, p->dims[2], p->dims[3], 1, {0}, {1, 1}, {1, 1}};
    ir_add_output(g, quant_add_conv(g, &r, "out", p, full, "none"));
    return g;
}

#endif
