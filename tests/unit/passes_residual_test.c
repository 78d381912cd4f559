/* fuse-residual keeps every bit: random integer graphs with convolutions and additions, before
 * and after. */
#include "passes_random.h"

enum { SEEDS = 500 };

static const char *const fuse[] = {"fuse-residual"};

static struct ir_value *make_vector(struct maker *m, enum ir_dtype t, int64_t count, int64_t low,
                                    int64_t high) {
    int32_t *wide = arena_array(m->g->arena, (size_t)count, sizeof *wide);
    for (int64_t i = 0; i < count; i++) wide[i] = (int32_t)between(m, low, high);
    return ir_const_new(m->g, NULL, t, 1, &count, wide);
}

static struct ir_value *make_weights(struct maker *m, int64_t o, int64_t c, int64_t k) {
    int16_t *w = arena_array(m->g->arena, (size_t)(o * c * k * k), sizeof *w);
    for (int64_t i = 0; i < o * c * k * k; i++) {
        int16_t level = (int16_t)(1 << between(m, 0, 6));
        w[i] = chance(m, 20) ? 0 : (int16_t)(chance(m, 50) ? level : -level);
    }
    return ir_const_new(m->g, NULL, IR_I16, 4, (int64_t[]){o, c, k, k}, w);
}

static struct ir_value *make_stored(struct maker *m, struct ir_quant q, const int64_t *dims) {
    struct ir_value *v =
        ir_value_new(m->g, NULL, q.bits == 8 ? IR_I8 : IR_I16, dims == NULL ? -1 : 4, dims);
    v->quant = q;
    return v;
}

static struct ir_value *finish_stored(struct maker *m, enum ir_op op, struct ir_value *const *in,
                                      int in_count, struct ir_quant q, struct ir_node **node) {
    struct ir_value *out = make_stored(m, q, NULL);
    *node = ir_node_new(m->g, NULL, op, "n", in, in_count, &out, 1);
    return out;
}

static void set_clamp(struct maker *m, struct ir_node *n, struct ir_quant q) {
    int64_t half = (int64_t)1 << (q.bits - 1);
    ir_set_int(m->g, n, "lo", chance(m, 50) ? -half : between(m, -half, 0));
    ir_set_int(m->g, n, "hi", chance(m, 50) ? half - 1 : between(m, 0, half - 1));
}

/* A convolution of the same shape; now and then with a clamp, or with a zero, that forbids
 * fusing. */
static struct ir_value *make_qconv(struct maker *m, struct ir_value *x) {
    int64_t c = x->dims[1], k = chance(m, 50) ? 3 : 1;
    struct ir_quant q = {x->quant.bits, (int)between(m, -6, -2), chance(m, 15) ? x->quant.zero : 0};
    int32_t *wexp = arena_array(m->g->arena, (size_t)c, sizeof *wexp);
    struct ir_value *shift = make_vector(m, IR_I32, c, 0, 12);
    for (int64_t o = 0; o < c; o++)
        wexp[o] = q.exp - x->quant.exp - ((const int32_t *)shift->data)[o];
    struct ir_value *in[] = {x, make_weights(m, c, c, k),
                             ir_const_new(m->g, NULL, IR_I32, 1, &c, wexp),
                             make_vector(m, IR_I32, c, -20000, 20000), shift};
    struct ir_node *n;
    struct ir_value *y = finish_stored(m, IR_OP_qconv, in, 5, q, &n);
    ir_set_int(m->g, n, "bits", 4);
    if (k == 3) ir_set_ints(m->g, n, "pads", (int64_t[]){1, 1, 1, 1}, 4);
    if (chance(m, 30)) set_clamp(m, n, q);
    if (!ir_infer_node(m->g, n)) fail_msg("the test made a convolution that cannot be");
    return y;
}

static struct ir_value *make_qadd(struct maker *m, struct ir_value *a, struct ir_value *b) {
    int low = a->quant.exp < b->quant.exp ? a->quant.exp : b->quant.exp, bits = a->quant.bits;
    struct ir_quant q = {bits, low + (int)between(m, 0, 3), chance(m, 50) ? -(1 << (bits - 1)) : 0};
    struct ir_node *n;
    struct ir_value *y = finish_stored(m, IR_OP_qadd, (struct ir_value *[]){a, b}, 2, q, &n);
    set_clamp(m, n, q);
    if (!ir_infer_node(m->g, n)) fail_msg("the test made an addition that cannot be");
    return y;
}

static struct ir_graph *random_residuals(struct ctx *c, uint64_t seed) {
    struct maker m = {.g = ir_graph_new(c, "residuals"), .r = {seed * 31 + 11}};
    int bits = chance(&m, 50) ? 8 : 16;
    struct ir_quant q = {bits, -4, chance(&m, 50) ? -(1 << (bits - 1)) : 0};
    struct ir_value *x =
        make_stored(&m, q, (int64_t[]){1, between(&m, 1, 4), between(&m, 1, 5), between(&m, 1, 5)});
    ir_add_input(m.g, x);
    for (int64_t blocks = between(&m, 1, 4); blocks > 0; blocks--) {
        struct ir_value *a = make_qconv(&m, x), *b = chance(&m, 40) ? make_qconv(&m, x) : x;
        if (chance(&m, 10)) ir_add_output(m.g, a);
        x = chance(&m, 50) ? make_qadd(&m, a, b) : make_qadd(&m, b, a);
    }
    ir_add_output(m.g, x);
    return m.g;
}

static void *random_stored(struct arena *a, const struct ir_value *v, uint64_t seed) {
    struct rng r = {seed};
    int64_t n = ir_elements(v);
    int8_t *narrow = arena_array(a, (size_t)n, 2);
    for (int64_t i = 0; i < n; i++) {
        int16_t x = (int16_t)rng_next(&r);
        if (v->dtype == IR_I8)
            narrow[i] = (int8_t)x;
        else
            memcpy(narrow + 2 * i, &x, 2);
    }
    return narrow;
}

static void evaluate(struct ir_graph *g, struct arena *a, uint64_t seed, const void **outputs) {
    struct ir_tensor *values = arena_array(a, (size_t)g->value_count, sizeof *values);
    const void *in[] = {random_stored(a, g->inputs[0], seed)};
    assert_true(ir_eval(g, a, in, values));
    for (int i = 0; i < g->output_count; i++) outputs[i] = values[g->outputs[i]->id].data;
}

static int count_op(const struct ir_graph *g, enum ir_op op) {
    int count = 0;
    for (const struct ir_node *n = g->first; n != NULL; n = n->next) count += n->op == op;
    return count;
}

static void check_bits(uint64_t seed, int *fused, int *left) {
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct ir_graph *g = random_residuals(&c, seed), *reference = random_residuals(&c, seed);
    const void *want[8], *found[8];
    if (!run_passes(g, fuse, 1))
        fail_msg("seed %llu: %s", (unsigned long long)seed, c.last->message);
    evaluate(reference, a, seed, want);
    evaluate(g, a, seed, found);
    for (int i = 0; i < g->output_count; i++) {
        size_t bytes = (size_t)ir_elements(g->outputs[i]) * ir_dtype_size(g->outputs[i]->dtype);
        if (memcmp(want[i], found[i], bytes) != 0)
            fail_msg("seed %llu: output %d differs", (unsigned long long)seed, i);
    }
    *left += count_op(g, IR_OP_qadd);
    *fused += count_op(reference, IR_OP_qadd) - count_op(g, IR_OP_qadd);
    ctx_free(&c);
}

static void test_bits_are_kept(void **state) {
    (void)state;
    int fused = 0, left = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) check_bits(seed, &fused, &left);
    if (fused < SEEDS / 2 || left < SEEDS / 4)
        fail_msg("%d additions fused, %d not: one of the two is hardly tested", fused, left);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bits_are_kept)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
