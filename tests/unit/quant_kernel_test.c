/* Calibration's float convolution against a plain one in double, over random shapes. */
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

static void check(struct arena *a, const struct ir_node *n, const float *x) {
    const struct ir_value *y = n->out[0];
    struct quant_conv_kernel *k = quant_conv_kernel_new(a, n);
    float *scratch = arena_array(a, quant_conv_kernel_scratch(k), sizeof *scratch);
    float *out = arena_array(a, (size_t)ir_elements(y), sizeof *out);
    quant_conv_kernel_run(k, x, out, scratch);
    for (int64_t o = 0, i = 0; o < y->dims[1]; o++)
        for (int64_t r = 0; r < y->dims[2]; r++)
            for (int64_t c = 0; c < y->dims[3]; c++, i++)
                assert_true(fabs((double)out[i] - plain(n, x, o, r, c)) < 1e-4);
}

static void one_shape(struct rng *r, int i) {
    static const char *const acts[] = {"none", "relu", "clip"};
    TEST_CTX(c);
    struct ir_graph *g = ir_graph_new(&c, "g");
    int64_t group = i % 3 ? 1 : quant_between(r, 1, 5);
    int64_t ic = group * quant_between(r, 1, i % 2 ? 1 : 6);
    struct ir_value *x = quant_input(g, ic, quant_between(r, 9, 20), quant_between(r, 9, 20));
    struct quant_conv_shape s = {.oc = group * quant_between(r, 1, i % 2 ? 2 : 9),
                                 .kh = quant_between(r, 1, 4),
                                 .kw = quant_between(r, 1, 4),
                                 .group = group};
    for (int k = 0; k < 4; k++) s.pads[k] = quant_between(r, 0, 3);
    for (int k = 0; k < 2; k++) s.strides[k] = quant_between(r, 1, 3);
    for (int k = 0; k < 2; k++) s.dilations[k] = quant_between(r, 1, 2);
    struct ir_value *y = quant_add_conv(g, r, "y", x, s, acts[i % 3]);
    check(g->arena, y->producer, quant_randoms(g->arena, r, ir_elements(x), 1));
    ctx_free(&c);
}

static void equals_plain(void **state) {
    (void)state;
    struct rng r = {31};
    for (int i = 0; i < 200; i++) one_shape(&r, i);
}

/* 65536 channels in 2^24·2^24 phases: a number of floats that 64 bits do not hold. */
static void far_strides_run_out_of_memory(void **state) {
    (void)state;
    TEST_CTX(c);
    volatile bool out_of_memory = false;
    struct rng r = {5};
    struct ir_graph *g = ir_graph_new(&c, "g");
    struct quant_conv_shape s = {1, 1, 1, 1, {0}, {1 << 24, 1 << 24}, {1, 1}};
    struct ir_value *y = quant_add_conv(g, &r, "y", quant_input(g, 1 << 16, 1, 1), s, "none");
    if (setjmp(c.oom))
        out_of_memory = true;
    else
        check(g->arena, y->producer, quant_randoms(g->arena, &r, 1 << 16, 1));
    assert_true(out_of_memory);
    ctx_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(equals_plain),
                                       cmocka_unit_test(far_strides_run_out_of_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
