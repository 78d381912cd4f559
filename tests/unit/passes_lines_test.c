/* Networks over one dimension, [N,C,L], put on images of one row: same outputs, and no operator is
 * left that works on lines. Random convolutions, transposed ones, pools, batch norms, functions,
 * sums, joins. */
#include "passes_random.h"

#include <math.h>

enum { SEEDS = 600 };

static void make_line_conv(struct maker *m) {
    int64_t c = m->x->dims[1], k = between(m, 1, 3), o = between(m, 1, 5);
    int64_t group = chance(m, 25) ? c : 1;
    o = group > 1 ? group : o;
    struct ir_value *more[] = {make_floats(m, 3, (int64_t[]){o, c / group, k}, -1, 1),
                               chance(m, 50) ? make_floats(m, 1, &o, -1, 1) : NULL};
    struct ir_node *n = make_node(m, IR_OP_conv, more, more[1] != NULL ? 2 : 1);
    ir_set_int(m->g, n, "group", group);
    ir_set_ints(m->g, n, "pads", (int64_t[]){between(m, 0, 2), between(m, 1, 2)}, 2);
    ir_set_ints(m->g, n, "strides", (int64_t[]){between(m, 1, 2)}, 1);
    if (m->x->dims[2] > 6) ir_set_ints(m->g, n, "dilations", (int64_t[]){between(m, 1, 2)}, 1);
    if (chance(m, 30)) ir_set_ints(m->g, n, "kernel_shape", &k, 1);
    finish_node(m, n);
}

static void make_line_transposed(struct maker *m) {
    int64_t c = m->x->dims[1], k = between(m, 2, 4), o = between(m, 1, 4);
    struct ir_value *w = make_floats(m, 3, (int64_t[]){c, o, k}, -1, 1);
    struct ir_node *n = make_node(m, IR_OP_convtranspose, &w, 1);
    ir_set_ints(m->g, n, "strides", (int64_t[]){between(m, 1, 2)}, 1);
    ir_set_ints(m->g, n, "pads", (int64_t[]){0, between(m, 0, 1)}, 2);
    finish_node(m, n);
}

static void make_line_pool(struct maker *m) {
    int64_t most = m->x->dims[2] < 3 ? m->x->dims[2] : 3, k = between(m, 1, most);
    struct ir_node *n = make_node(m, chance(m, 50) ? IR_OP_maxpool : IR_OP_avgpool, NULL, 0);
    ir_set_ints(m->g, n, "kernel_shape", &k, 1);
    ir_set_ints(m->g, n, "strides", (int64_t[]){between(m, 1, 2)}, 1);
    if (chance(m, 50)) ir_set_ints(m->g, n, "pads", (int64_t[]){0, between(m, 0, k - 1)}, 2);
    finish_node(m, n);
}

static void make_line_pair(struct maker *m) {
    static const enum ir_op ops[] = {IR_OP_add, IR_OP_sub, IR_OP_mul};
    int64_t c = m->x->dims[1];
    struct ir_value *k = chance(m, 50) ? make_floats(m, 2, (int64_t[]){c, 1}, 0.5, 2)
                                       : make_floats(m, 3, (int64_t[]){1, c, 1}, 0.5, 2);
    finish_node(m, make_node(m, ops[between(m, 0, 2)], &k, 1));
}

static void make_line_join(struct maker *m) {
    struct ir_value *x = m->x;
    make_plain(m, IR_OP_relu);
    struct ir_node *n = make_node(m, IR_OP_concat, &x, 1);
    ir_set_int(m->g, n, "axis", chance(m, 50) ? 1 : -2);
    finish_node(m, n);
}

static void make_line_sum(struct maker *m) {
    struct ir_value *x = m->x;
    make_plain(m, IR_OP_sigmoid);
    finish_node(m, make_node(m, IR_OP_add, &x, 1));
}

static void make_line_relu(struct maker *m) {
    make_plain(m, IR_OP_relu);
}

static void (*const steps[])(struct maker *m) = {
    make_line_conv, make_line_conv, make_line_transposed, make_line_pool, make_batchnorm,
    make_line_pair, make_line_relu, make_line_join,       make_line_sum};

static struct ir_graph *random_lines(struct ctx *c, uint64_t seed) {
    struct maker m = {.g = ir_graph_new(c, "lines"), .r = {seed * 977 + 5}};
    m.x = ir_value_new(m.g, "input", IR_F32, 3,
                       (int64_t[]){1, between(&m, 1, 4), between(&m, 5, 12)});
    ir_add_input(m.g, m.x);
    for (int64_t count = between(&m, 1, 6); count > 0; count--) {
        steps[between(&m, 0, sizeof steps / sizeof *steps - 1)](&m);
        if (chance(&m, 15)) ir_add_output(m.g, m.x);
    }
    make_line_conv(&m);
    if (chance(&m, 30)) make_plain(&m, IR_OP_gavgpool);
    ir_add_output(m.g, m.x);
    return m.g;
}

static void evaluate(struct ir_graph *g, struct arena *a, uint64_t seed, const float **outputs) {
    struct ir_tensor *values = arena_array(a, (size_t)g->value_count, sizeof *values);
    const void *in[] = {random_input(a, g->inputs[0], seed)};
    assert_true(ir_eval(g, a, in, values));
    for (int i = 0; i < g->output_count; i++) outputs[i] = values[g->outputs[i]->id].data;
}

/* Views at the ends alone. */
static bool is_lifted(const struct ir_graph *g) {
    for (const struct ir_node *n = g->first; n != NULL; n = n->next) {
        if (n->op != IR_OP_squeeze && n->op != IR_OP_unsqueeze && n->out[0]->rank != 4)
            return false;
        if (n->op == IR_OP_unsqueeze && n->in[0]->producer != NULL) return false;
    }
    return true;
}

static void check(uint64_t seed) {
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct ir_graph *g = random_lines(&c, seed), *reference = random_lines(&c, seed);
    static const char *const names[] = {"infer-shapes", "lift-lines"};
    const float *want[12], *found[12];
    if (!run_passes(g, names, 2))
        fail_msg("seed %llu: %s", (unsigned long long)seed, c.first->message);
    if (!is_lifted(g)) fail_msg("seed %llu: something is left", (unsigned long long)seed);
    evaluate(reference, a, seed, want);
    evaluate(g, a, seed, found);
    for (int i = 0; i < g->output_count; i++) {
        assert_string_equal(g->outputs[i]->name, reference->outputs[i]->name);
        assert_int_equal(g->outputs[i]->rank, 3);
        for (int64_t k = 0; k < ir_elements(g->outputs[i]); k++) {
            double w = (double)want[i][k], f = (double)found[i][k];
            if (fabs(w - f) > 1e-4 * (1 + fabs(w)))
                fail_msg("seed %llu: output %d[%lld] was %g, is %g", (unsigned long long)seed, i,
                         (long long)k, w, f);
        }
    }
    ctx_free(&c);
}

static void test_lines(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) check(seed);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lines)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
