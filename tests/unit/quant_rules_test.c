/* The rules of docs/numbers.md, computed again from the float weights of random, often extreme,
 * networks: biases, shifts, exponents of neighbours, the overflow bound, pooling factors, stored
 * bounds. */
#include "quant_help.h"

static struct ir_node *node_of(const struct ir_graph *g, const char *name) {
    for (struct ir_node *n = g->first; n; n = n->next)
        if (!strcmp(n->name, name)) return n;
    fail_msg("no node %s", name);
    return NULL;
}

static void set_quant(struct ir_value *v, int bits, int exp, bool nonneg) {
    v->quant = (struct ir_quant){bits, exp, nonneg ? -(1 << bits) / 2 : 0};
}

/* ---- one convolution ---- */

struct conv_case {
    struct ir_graph *g;
    const float *w, *b; /* as they were */
    int64_t taps;
    struct ir_node *q;
    enum weight_rounding rounding;
};

/* Sane sizes: nearest, no weight is further off than by itself and a step. Otherwise weights give
 * way to each other, but none further than the channel's largest goes. */
static void check_error(const struct conv_case *k, double weight, double most, double level,
                        double step) {
    double bound = k->rounding == ROUND_nearest_mse ? fabs(weight) : 2 * most;
    assert_true(fabs(weight - level) <= bound + step);
}

static double largest(const float *w, int64_t count) {
    double most = 0;
    for (int64_t i = 0; i < count; i++) most = fmax(most, fabs((double)w[i]));
    return most;
}

static void check_channel(const struct conv_case *k, int64_t o, int acc_bits) {
    struct ir_quant x = k->q->in[0]->quant, y = k->q->out[0]->quant;
    const int16_t *first = (const int16_t *)k->q->in[1]->data + o * k->taps, *second = NULL;
    if (ir_in(k->q, 6)) second = (const int16_t *)k->q->in[6]->data + o * k->taps;
    int wexp = ((const int32_t *)k->q->in[2]->data)[o];
    int64_t bias = ((const int32_t *)k->q->in[3]->data)[o];
    int shift = ((const int32_t *)k->q->in[4]->data)[o];
    int64_t sum = 0, size = 0;
    int64_t unit = (int64_t)1 << ir_attr_int(k->q, "term_shift");
    double most = largest(k->w + o * k->taps, k->taps);
    for (int64_t i = 0; i < k->taps; i++) {
        int64_t w = first[i] * unit + (second ? second[i] : 0);
        sum += w;
        size += labs(first[i]) * unit + (second ? abs(second[i]) : 0);
        check_error(k, (double)k->w[o * k->taps + i], most, (double)w * exp2(wexp), exp2(wexp));
    }
    assert_int_equal(shift, y.exp - x.exp - wexp);
    assert_in_range(shift, 0, 31);
    double wanted = rint((double)k->b[o] / exp2(x.exp + wexp)) - (double)x.zero * (double)sum;
    assert_true((double)bias == wanted);
    double bound = exp2(x.bits - 1) * (double)size + fabs((double)bias);
    bound += shift ? exp2(shift - 1) : 0;
    assert_true(bound < exp2(acc_bits - 1));
}

static struct conv_case random_case(struct ctx *c, struct rng *r, int act_bits) {
    struct conv_case k = {.g = ir_graph_new(c, "g")};
    struct ir_value *x = quant_input(k.g, quant_between(r, 1, 20), 4, 5);
    struct quant_conv_shape s = {quant_between(r, 1, 9), 3, 2, 1, {1, 0, 1, 1}, {1, 1}, {1, 1}};
    struct ir_value *y = quant_add_conv(k.g, r, "y", x, s, "relu");
    float *w = arena_copy(k.g->arena, y->producer->in[1]->data,
                          (size_t)ir_elements(y->producer->in[1]) * sizeof *w);
    float *b = arena_copy(k.g->arena, y->producer->in[2]->data, (size_t)s.oc * sizeof *b);
    k.taps = 6 * x->dims[1];
    for (int64_t o = 0; o < s.oc; o++) { /* channels of very different sizes, some empty */
        double scale = exp2((double)quant_between(r, -40, 12));
        for (int64_t i = o * k.taps; i < (o + 1) * k.taps; i++)
            w[i] = rng_below(r, 5) ? (float)((double)w[i] * scale) : w[i] * (o % 4 != 1);
        for (int64_t i = o * k.taps; o % 4 == 1 && i < (o + 1) * k.taps; i++) w[i] = 0;
        b[o] = (float)((double)b[o] * exp2((double)quant_between(r, -20, 25)));
    }
    y->producer->in[1]->data = k.w = w;
    y->producer->in[2]->data = k.b = b;
    set_quant(x, act_bits, (int)quant_between(r, -20, 10), rng_below(r, 2));
    set_quant(y, act_bits, (int)quant_between(r, -20, 20), true);
    ir_add_output(k.g, y);
    return k;
}

static void one_conv(struct rng *r, int i) {
    TEST_CTX(c);
    struct svpe_target t = quant_any_target;
    bool linear = i % 5 == 4;
    int act_bits = i % 2 ? 8 : 16, bits = linear ? 8 << i / 5 % 2 : 1 + i / 2 % 5;
    t.acc_bits = i % 3 ? 32 : 48;
    if (linear) t.element = SVPE_ELEMENT_MULTIPLY, t.weight_bits = 16;
    struct conv_case k = random_case(&c, r, act_bits);
    struct pass_options o = quant_options(&t, bits, act_bits);
    o.terms = linear || i / 3 % 2 ? 1 : 2;
    o.rounding = k.rounding = i / 7 % 2 ? ROUND_nearest_mse : ROUND_output_mse;
    int exp = k.g->outputs[0]->quant.exp;
    assert_true(pass_quantize(k.g, &o));
    k.q = node_of(k.g, "y");
    assert_true(k.q->op == IR_OP_qconv && k.q->out[0]->quant.exp >= exp);
    assert_int_equal(ir_attr_int(k.q, "terms"), o.terms);
    assert_int_equal(ir_in(k.q, 6) != NULL, o.terms == 2);
    int64_t channels = k.q->in[1]->dims[0];
    for (int64_t ch = 0; ch < channels; ch++) check_channel(&k, ch, (int)t.acc_bits);
    assert_int_equal(ir_attr_int(k.q, "lo"), k.q->out[0]->quant.zero);
    assert_int_equal(ir_attr_int(k.q, "hi"), (1 << (act_bits - 1)) - 1);
    ctx_free(&c);
}

static void conv_keeps_every_rule(void **state) {
    (void)state;
    struct rng r = {41};
    for (int i = 0; i < 800; i++) one_conv(&r, i);
}

/* Where weights alone decide, nothing is raised: the exponent of the rounder's own choice survives.
 */
static void nothing_is_raised_without_need(void **state) {
    (void)state;
    TEST_CTX(c);
    struct rng r = {42};
    struct ir_graph *g = ir_graph_new(&c, "g");
    struct ir_value *x = quant_input(g, 8, 5, 5);
    struct ir_value *y = quant_add_conv(g, &r, "y", x, quant_same(6), "none");
    set_quant(x, 8, -6, false);
    set_quant(y, 8, -6, false);
    ir_add_output(g, y);
    struct quant_grid grid = {QUANT_POW2, 4};
    struct quant_layer l = {
        .grid = grid, .weights = y->producer->in[1]->data, .taps = 72, .area = 9};
    struct pass_options o = quant_options(&quant_any_target, 4, 8);
    assert_true(pass_quantize(g, &o));
    struct ir_node *q = node_of(g, "y");
    for (int64_t ch = 0; ch < 6; ch++) {
        struct quant_channel got;
        int16_t w[72];
        quant_rounder_at(0)->round(&l, ch, INT16_MIN, (int16_t *const[]){w, NULL}, &got);
        assert_int_equal(((const int32_t *)q->in[2]->data)[ch], got.wexp);
        assert_memory_equal((const int16_t *)q->in[1]->data + ch * 72, w, sizeof w);
    }
    assert_int_equal(q->out[0]->quant.exp, -6);
    assert_int_equal(c.warnings, 0);
    ctx_free(&c);
}

/* ---- neighbours ---- */

/* A convolution whose output is too fine raises it, and max pooling, addition and the next
 * convolution follow. */
static void raising_reaches_consumers(void **state) {
    (void)state;
    TEST_CTX(c);
    struct rng r = {43};
    struct ir_graph *g = ir_graph_new(&c, "g");
    struct ir_value *x = quant_input(g, 4, 8, 8);
    struct ir_value *a = quant_add_conv(g, &r, "a", x, quant_same(4), "relu");
    struct ir_value *m = quant_add_node(g, IR_OP_maxpool, "m", &a, 1);
    struct ir_value *b = quant_add_conv(g, &r, "b", m, quant_same(4), "none");
    struct ir_value *s = quant_add_node(g, IR_OP_add, "s", (struct ir_value *[]){b, m}, 2);
    set_quant(x, 8, 3, false);
    set_quant(a, 8, -30, true);
    set_quant(m, 8, -30, true);
    set_quant(b, 8, -3, false);
    set_quant(s, 8, -40, false);
    ir_add_output(g, s);
    struct pass_options o = quant_options(&quant_any_target, 3, 8);
    assert_true(pass_quantize(g, &o));
    int exp = node_of(g, "a")->out[0]->quant.exp;
    assert_true(exp > -30);
    assert_int_equal(node_of(g, "m")->out[0]->quant.exp, exp);
    const struct ir_node *add = node_of(g, "s"), *conv = node_of(g, "b");
    for (int ch = 0; ch < 4; ch++)
        assert_int_equal(((const int32_t *)conv->in[4]->data)[ch],
                         conv->out[0]->quant.exp - exp - ((const int32_t *)conv->in[2]->data)[ch]);
    int p = add->in[0]->quant.exp, q = add->in[1]->quant.exp;
    assert_true(abs(p - q) <= 15);
    assert_true(add->out[0]->quant.exp >= (p < q ? p : q));
    ctx_free(&c);
}

static void one_sum(struct rng *r) {
    TEST_CTX(c);
    struct ir_graph *g = ir_graph_new(&c, "g");
    struct ir_value *x = quant_input(g, 3, 4, 4);
    struct ir_value *a = quant_add_conv(g, r, "a", x, quant_same(3), "none");
    struct ir_value *b = quant_add_conv(g, r, "b", x, quant_same(3), "none");
    struct ir_value *s = quant_add_node(g, IR_OP_add, "s", (struct ir_value *[]){a, b}, 2);
    struct ir_value *all[] = {x, a, b, s};
    for (int k = 0; k < 4; k++) set_quant(all[k], 8, (int)quant_between(r, -60, 30), false);
    ir_add_output(g, s);
    struct pass_options o = quant_options(&quant_any_target, 4, 8);
    assert_true(pass_quantize(g, &o));
    int p = a->quant.exp, q = b->quant.exp, least = p < q ? p : q;
    assert_true(abs(p - q) <= 15);
    assert_in_range(node_of(g, "s")->out[0]->quant.exp - least, 0, 31);
    ctx_free(&c);
}

static void far_operands_come_together(void **state) {
    (void)state;
    struct rng r = {44};
    for (int i = 0; i < 60; i++) one_sum(&r);
}

/* ---- pools ---- */

static void check_pool(const struct ir_node *q, int64_t count) {
    const int64_t *mult = ir_attr_ints(q, "mult", &(int){0});
    int gap = q->in[0]->quant.exp - q->out[0]->quant.exp;
    int64_t shift = ir_attr_int(q, "shift");
    assert_in_range(shift, 0, 31);
    assert_in_range(mult[0], 1, 32767);
    double wanted = exp2(gap) / (double)count, got = (double)mult[0] / exp2((double)shift);
    if ((count & (count - 1)) == 0)
        assert_true(mult[0] == 1 && got == wanted);
    else
        assert_true(fabs(got / wanted - 1) < 1.0 / 16384);
}

static void one_mean(struct rng *r) {
    TEST_CTX(c);
    struct ir_graph *g = ir_graph_new(&c, "g");
    int64_t h = quant_between(r, 1, 8), w = quant_between(r, 1, 8);
    struct ir_value *x = quant_input(g, 3, h, w);
    struct ir_value *y = ir_value_new(g, "y", IR_F32, -1, NULL);
    struct ir_node *n = ir_node_new(g, NULL, IR_OP_avgpool, "y", &x, 1, &y, 1);
    ir_set_ints(g, n, "kernel_shape", (int64_t[]){h, w}, 2);
    assert_true(ir_infer_node(g, n));
    set_quant(x, 8, -4, true);
    set_quant(y, 8, (int)quant_between(r, -12, 1), true);
    ir_add_output(g, y);
    struct pass_options o = quant_options(&quant_any_target, 4, 8);
    assert_true(pass_quantize(g, &o));
    check_pool(node_of(g, "y"), h * w);
    ctx_free(&c);
}

static void means_are_precise(void **state) {
    (void)state;
    struct rng r = {45};
    for (int i = 0; i < 60; i++) one_mean(&r);
}

/* count_include_pad = 0: the table has a factor for every window that occurs, none above 15 bits.
 */
static void border_means_have_a_table(void **state) {
    (void)state;
    TEST_CTX(c);
    struct ir_graph *g = ir_graph_new(&c, "g");
    struct ir_value *x = quant_input(g, 3, 6, 6);
    struct ir_value *y = ir_value_new(g, "y", IR_F32, -1, NULL);
    struct ir_node *n = ir_node_new(g, NULL, IR_OP_avgpool, "y", &x, 1, &y, 1);
    ir_set_ints(g, n, "kernel_shape", (int64_t[]){3, 3}, 2);
    ir_set_ints(g, n, "pads", (int64_t[]){1, 1, 1, 1}, 4);
    assert_true(ir_infer_node(g, n));
    set_quant(x, 8, -4, true);
    set_quant(y, 8, -5, true);
    ir_add_output(g, y);
    struct pass_options o = quant_options(&quant_any_target, 4, 8);
    assert_true(pass_quantize(g, &o));
    const struct ir_node *q = node_of(g, "y");
    int count;
    const int64_t *mult = ir_attr_ints(q, "mult", &count);
    assert_int_equal(count, 9);
    double unit = exp2((double)ir_attr_int(q, "shift"));
    for (int rows = 2; rows <= 3; rows++)
        for (int cols = 2; cols <= 3; cols++) {
            int64_t m = mult[(rows - 1) * 3 + cols - 1];
            assert_in_range(m, 1, 32767);
            assert_true(fabs((double)m / unit * rows * cols / 2 - 1) < 1.0 / 8192);
        }
    assert_true(mult[4] > 16383);
    ctx_free(&c);
}

/* ---- pixel movers ---- */

static void select_is_exact(void **state) {
    (void)state;
    TEST_CTX(c);
    struct ir_graph *g = ir_graph_new(&c, "g");
    struct ir_value *x = quant_input(g, 2, 4, 4);
    const float weights[] = {0, 0, 1, 0, 0, 1}; /* a channel of zeros, then both inputs */
    struct ir_value *in[] = {x, ir_const_new(g, "w", IR_F32, 4, (int64_t[]){3, 2, 1, 1}, weights)};
    struct ir_value *y = ir_value_new(g, "y", IR_F32, -1, NULL);
    struct ir_node *n = ir_node_new(g, NULL, IR_OP_conv, "y", in, 2, &y, 1);
    ir_set_ints(g, n, "strides", (int64_t[]){2, 2}, 2);
    ir_set_int(g, n, "select", 1);
    assert_true(ir_infer_node(g, n));
    set_quant(x, 8, -4, true);
    set_quant(y, 8, -4, true);
    ir_add_output(g, y);
    struct pass_options o = quant_options(&quant_any_target, 1, 8);
    assert_true(pass_quantize(g, &o));
    const struct ir_node *q = node_of(g, "y");
    const int16_t *w = q->in[1]->data;
    const int32_t *wexp = q->in[2]->data, *bias = q->in[3]->data, *shift = q->in[4]->data;
    for (int i = 0; i < 6; i++) assert_int_equal(w[i], (int)weights[i]);
    for (int ch = 0; ch < 3; ch++) {
        assert_true(wexp[ch] == 0 && shift[ch] == 0);
        assert_int_equal(bias[ch], ch ? 128 : 0);
    }
    assert_int_equal(ir_attr_int(q, "select"), 1);
    ctx_free(&c);
}

/* ---- activations that stand alone, and joins ---- */

static void leftovers_become_copies(void **state) {
    (void)state;
    TEST_CTX(c);
    struct ir_graph *g = ir_graph_new(&c, "g");
    struct ir_value *x = quant_input(g, 2, 3, 3);
    float six = 6;
    struct ir_value *lo = ir_const_new(g, "lo", IR_F32, 0, NULL, &(float){-1});
    struct ir_value *hi = ir_const_new(g, "hi", IR_F32, 0, NULL, &six);
    struct ir_value *r = quant_add_node(g, IR_OP_relu, "r", &x, 1);
    struct ir_value *k = quant_add_node(g, IR_OP_clip, "k", (struct ir_value *[]){x, lo, hi}, 3);
    struct ir_value *y = ir_value_new(g, "y", IR_F32, 4, (int64_t[]){1, 4, 3, 3});
    struct ir_node *join =
        ir_node_new(g, NULL, IR_OP_concat, "y", (struct ir_value *[]){r, k}, 2, &y, 1);
    ir_set_int(g, join, "axis", 1);
    set_quant(x, 8, 12, false);
    set_quant(r, 8, -30, false);
    set_quant(k, 8, -4, false);
    set_quant(y, 8, -4, false);
    ir_add_output(g, y);
    struct pass_options o = quant_options(&quant_any_target, 4, 8);
    assert_true(pass_quantize(g, &o) && ir_verify(g, "quantize"));
    assert_true(node_of(g, "r")->op == IR_OP_qcopy && y->producer->op == IR_OP_qconcat);
    assert_int_equal(k->quant.exp, -3); /* one family with y, x.exp − 15 */
    assert_int_equal(y->quant.exp, -3);
    assert_int_equal(r->quant.exp, -3);
    assert_int_equal(node_of(g, "y")->out[0]->quant.exp, -3);
    assert_int_equal(ir_attr_int(node_of(g, "r"), "lo"), 0);
    assert_int_equal(ir_attr_int(node_of(g, "k"), "lo"), -8);
    assert_int_equal(ir_attr_int(node_of(g, "k"), "hi"), 48);
    ctx_free(&c);
}

/* A fused ReLU whose output has zero 0, as a family with signed members has it: the lower clamp
 * does the work. */
static void relu_clamps_at_zero(void **state) {
    (void)state;
    TEST_CTX(c);
    struct rng r = {47};
    struct ir_graph *g = ir_graph_new(&c, "g");
    struct ir_value *x = quant_input(g, 2, 3, 3);
    struct ir_value *y = quant_add_conv(g, &r, "y", x, quant_same(2), "relu");
    set_quant(x, 8, -4, false);
    set_quant(y, 8, -4, false);
    ir_add_output(g, y);
    struct pass_options o = quant_options(&quant_any_target, 4, 8);
    assert_true(pass_quantize(g, &o));
    assert_int_equal(ir_attr_int(node_of(g, "y"), "lo"), 0);
    ctx_free(&c);
}

/* ---- what is refused ---- */

static void refuse(int bits, int act_bits, const struct svpe_target *t, int range_bits,
                   const char *id) {
    TEST_CTX(c);
    struct rng r = {46};
    struct ir_graph *g = ir_graph_new(&c, "g");
    struct ir_value *x = quant_input(g, 2, 4, 4);
    struct ir_value *y = quant_add_conv(g, &r, "y", x, quant_same(2), "relu");
    set_quant(x, range_bits, -4, false);
    set_quant(y, range_bits, -4, true);
    ir_add_output(g, y);
    struct pass_options o = quant_options(t, bits, act_bits);
    assert_false(pass_quantize(g, &o));
    assert_non_null(diag_find(&c, id));
    ctx_free(&c);
}

static void refuse_terms(const struct svpe_target *t) {
    TEST_CTX(c);
    struct pass_options o = quant_options(t, 8, 8);
    o.terms = 2;
    assert_false(pass_quantize(ir_graph_new(&c, "g"), &o));
    assert_non_null(diag_find(&c, "quant_terms"));
    ctx_free(&c);
}

static void bad_requests_are_refused(void **state) {
    (void)state;
    struct svpe_target n3 = quant_any_target, linear = quant_any_target;
    n3.weight_bits = 3, n3.act16 = 0;
    linear.element = SVPE_ELEMENT_MULTIPLY, linear.weight_bits = 16;
    refuse(4, 8, &n3, 8, "quant_weight_bits");
    refuse(0, 8, &n3, 8, "quant_weight_bits");
    refuse(6, 8, &quant_any_target, 8, "quant_weight_bits");
    refuse(4, 8, &linear, 8, "quant_weight_bits");
    refuse(3, 16, &n3, 16, "quant_act_bits");
    refuse(3, 7, &quant_any_target, 8, "quant_act_bits");
    refuse(3, 8, &n3, 0, "quant_no_range");
    refuse_terms(&linear);
    refuse(3, 8, &n3, 16, "quant_range_bits");
}

/* 20 bits of accumulator hold 2,047 products of 8 bits with ±1, a zero point of any share included;
 * codes of one bit never become 0, so that more of them fit at no scale. */
static bool quantize_taps(struct ctx *c, int64_t taps, int bits, int terms) {
    struct rng r = {47};
    struct svpe_target t = quant_any_target;
    struct ir_graph *g = ir_graph_new(c, "g");
    struct ir_value *x = quant_input(g, taps, 1, 1);
    struct quant_conv_shape point = {1, 1, 1, 1, {0}, {1, 1}, {1, 1}};
    struct ir_value *y = quant_add_conv(g, &r, "y", x, point, "relu");
    set_quant(x, 8, -4, true);
    set_quant(y, 8, -4, true);
    ir_add_output(g, y);
    t.acc_bits = 20;
    struct pass_options o = quant_options(&t, bits, 8);
    o.terms = terms;
    return pass_quantize(g, &o);
}

static void ones_without_end_are_refused(void **state) {
    (void)state;
    TEST_CTX(c);
    assert_true(quantize_taps(&c, 2000, 1, 1));
    assert_true(quantize_taps(&c, 4000, 2, 1));
    assert_null(diag_find(&c, "quant_sum"));
    assert_false(quantize_taps(&c, 2048, 1, 1));
    assert_non_null(diag_find(&c, "quant_sum"));
    assert_false(quantize_taps(&c, 2000, 1, 2));
    ctx_free(&c);
}

/* ---- PRelu ---- */

/* The factor is slope · 2^(x.exp − y.exp) to a part in 2^15, or to a part in 2^32 of one; results
 * rise only where a factor is more than 15 bits, or where the shift above zero asks for it. */
static void one_prelu(struct rng *r, int i) {
    TEST_CTX(c);
    struct ir_graph *g = ir_graph_new(&c, "g");
    int bits = i % 2 ? 8 : 16, channels = 5, count = i % 3 ? channels : 1;
    struct ir_value *x = quant_input(g, channels, 3, 2);
    float *slope = arena_array(g->arena, (size_t)count, sizeof *slope);
    for (int o = 0; o < count; o++) {
        double size = exp2((double)quant_between(r, i % 5 ? -4 : -30, i % 7 ? 1 : 25));
        slope[o] = (float)(size * (double)quant_between(r, -999, 999) / 1000);
    }
    struct ir_value *in[] = {x,
                             ir_const_new(g, "slope", IR_F32, 3, (int64_t[]){count, 1, 1}, slope)};
    struct ir_value *y = quant_add_node(g, IR_OP_prelu, "y", in, 2);
    set_quant(x, bits, (int)quant_between(r, -20, 10), rng_below(r, 2));
    set_quant(y, bits, (int)quant_between(r, -30, 20), false);
    ir_add_output(g, y);
    struct pass_options o = quant_options(&quant_any_target, 4, bits);
    int least = y->quant.exp;
    double most = 0;
    for (int k = 0; k < count; k++) most = fmax(most, fabs((double)slope[k]));
    if (least < x->quant.exp - 15) least = x->quant.exp - 15;
    while (most * exp2(x->quant.exp - least) >= 32767.5) least++;
    assert_true(pass_quantize(g, &o));
    struct ir_node *q = node_of(g, "y");
    assert_int_equal(q->op, IR_OP_qprelu);
    assert_int_equal(q->out[0]->quant.exp, least);
    for (int k = 0; k < channels; k++) {
        int shift = ((const int32_t *)q->in[2]->data)[k];
        double have = ldexp(((const int16_t *)q->in[1]->data)[k], -shift);
        double want = (double)slope[count == 1 ? 0 : k] * exp2(q->in[0]->quant.exp - least);
        assert_in_range(shift, 0, 31);
        assert_true(fabs(have - want) <= fmax(fabs(want) / 32767, exp2(-32)));
    }
    ctx_free(&c);
}

static void prelu_keeps_its_slopes(void **state) {
    (void)state;
    struct rng r = {43};
    for (int i = 0; i < 500; i++) one_prelu(&r, i);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prelu_keeps_its_slopes),
        cmocka_unit_test(conv_keeps_every_rule),
        cmocka_unit_test(nothing_is_raised_without_need),
        cmocka_unit_test(raising_reaches_consumers),
        cmocka_unit_test(far_operands_come_together),
        cmocka_unit_test(means_are_precise),
        cmocka_unit_test(border_means_have_a_table),
        cmocka_unit_test(select_is_exact),
        cmocka_unit_test(leftovers_become_copies),
        cmocka_unit_test(relu_clamps_at_zero),
        cmocka_unit_test(bad_requests_are_refused),
        cmocka_unit_test(ones_without_end_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
