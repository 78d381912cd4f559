/* The importer's parts: half floats, order of nodes, the name table, damaged bytes. Seeds are
 * printed on failure. */
#include "frontend_help.h"

#include "frontend/import.h"

#include <math.h>
#include <stdio.h>

enum { SEED = 20 };

/* The value of a half float from its definition: sign, exponent, fraction. */
static double half_value(uint32_t h) {
    double sign = h & 0x8000 ? -1 : 1, fraction = (double)(h & 1023) / 1024;
    int exponent = (int)(h >> 10 & 31);
    if (exponent == 31) return fraction > 0 ? NAN : sign * INFINITY;
    return exponent ? sign * ldexp(1 + fraction, exponent - 15) : sign * ldexp(fraction, -14);
}

static double brain_value(uint32_t h) {
    double sign = h & 0x8000 ? -1 : 1, fraction = (double)(h & 127) / 128;
    int exponent = (int)(h >> 7 & 255);
    if (exponent == 255) return fraction > 0 ? NAN : sign * INFINITY;
    return exponent ? sign * ldexp(1 + fraction, exponent - 127) : sign * ldexp(fraction, -126);
}

static bool same(double a, double b) {
    return (isnan(a) && isnan(b)) || (a == b && signbit(a) == signbit(b));
}

/* Imports every 16-bit pattern as a constant of the type. */
static void check_halves(int32_t type, double (*value)(uint32_t)) {
    TEST_CTX(c);
    struct builder b;
    static uint16_t all[65536];
    static const int64_t dims[1] = {65536}, one[1] = {1};
    for (uint32_t h = 0; h < 65536; h++) all[h] = (uint16_t)h;
    build_start(&b, &c, 13);
    build_raw(&b, "k", type, 1, dims, all, sizeof all);
    build_input(&b, "x", 1, one);
    build_node(&b, "Add", "x k", "y");
    build_output(&b, "y");
    struct ir_graph *g = build_import(&b);
    assert_non_null(g);
    const struct ir_value *k = g->first->in[1];
    assert_int_equal(k->dtype, IR_F32);
    for (uint32_t h = 0; h < 65536; h++)
        if (!same((double)((const float *)k->data)[h], value(h)))
            fail_msg("type %d, 0x%04x is %a, expected %a", type, h,
                     (double)((const float *)k->data)[h], value(h));
    ctx_free(&c);
}

static void every_half_float(void **state) {
    (void)state;
    check_halves(ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16, half_value);
    check_halves(ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16, brain_value);
}

/* --- order --- */

enum { NODES = 40 };

/* Node i computes v<i> = Sub(v<a>, v<b>) of two earlier values; v0 is the input. The nodes are
 * stored in the order given. */
static void build_tangle(struct builder *b, uint64_t seed, const int *order) {
    static const int64_t dims[1] = {3};
    struct rng r = {seed};
    int left[NODES + 1], right[NODES + 1];
    for (int i = 1; i <= NODES; i++) {
        left[i] = (int)rng_below(&r, (uint32_t)i);
        right[i] = (int)rng_below(&r, (uint32_t)i);
    }
    build_input(b, "v0", 1, dims);
    for (int k = 0; k < NODES; k++) {
        char inputs[64], output[16];
        snprintf(inputs, sizeof inputs, "v%d v%d", left[order[k]], right[order[k]]);
        snprintf(output, sizeof output, "v%d", order[k]);
        build_node(b, k % 2 ? "Sub" : "Add", inputs, output);
    }
    char last[16];
    snprintf(last, sizeof last, "v%d", NODES);
    build_output(b, last);
}

/* The verifier has seen that makers come first; here, that no node is lost, and that a right order
 * stays. */
static void check_tangle(uint64_t seed, bool shuffled) {
    TEST_CTX(c);
    struct builder b;
    struct rng r = {seed + 1};
    int order[NODES];
    for (int i = 0; i < NODES; i++) order[i] = i + 1;
    for (int i = NODES - 1; shuffled && i > 0; i--) {
        int k = (int)rng_below(&r, (uint32_t)i + 1), t = order[i];
        order[i] = order[k];
        order[k] = t;
    }
    build_start(&b, &c, 13);
    build_tangle(&b, seed, order);
    struct ir_graph *g = build_import(&b);
    if (!g) fail_msg("seed %llu: %s", (unsigned long long)seed, c.first->message);
    int count = 0;
    for (const struct ir_node *n = g->first; n; n = n->next, count++)
        if (!shuffled) assert_string_equal(n->name, b.graph.node[count]->output[0]);
    assert_int_equal(count, NODES);
    ctx_free(&c);
}

static void nodes_in_any_order(void **state) {
    (void)state;
    for (uint64_t seed = SEED; seed < SEED + 50; seed++) {
        check_tangle(seed, false);
        check_tangle(seed, true);
    }
}

/* A chain as long as real networks never are: no recursion over nodes. */
static void a_long_chain_backwards(void **state) {
    (void)state;
    enum { LENGTH = 20000 };
    static const int64_t dims[1] = {3};
    TEST_CTX(c);
    struct builder b;
    build_start(&b, &c, 13);
    b.graph.node = arena_array(b.a, LENGTH, sizeof *b.graph.node);
    for (int i = LENGTH; i > 0; i--) {
        Onnx__NodeProto *n = arena_alloc(b.a, sizeof *n);
        onnx__node_proto__init(n);
        n->op_type = arena_strdup(b.a, "Relu");
        n->n_input = n->n_output = 1;
        n->input = arena_alloc(b.a, sizeof *n->input);
        n->output = arena_alloc(b.a, sizeof *n->output);
        n->input[0] = arena_printf(b.a, "v%d", i - 1);
        n->output[0] = arena_printf(b.a, "v%d", i);
        b.graph.node[b.graph.n_node++] = n;
    }
    build_input(&b, "v0", 1, dims);
    build_output(&b, "v20000");
    assert_non_null(build_import(&b));
    ctx_free(&c);
}

/* --- names --- */

static void the_name_table_keeps_every_name(void **state) {
    (void)state;
    TEST_CTX(c);
    struct fe_names n;
    struct arena *a = arena_new(&c);
    enum { COUNT = 5000 };
    static struct fe_entry *entries[COUNT];
    fe_names_init(&n, a);
    for (int i = 0; i < COUNT; i++) {
        const char *name = arena_printf(a, "name/%d", i * 7919 % COUNT);
        assert_null(fe_names_find(&n, name));
        entries[i] = fe_names_add(&n, name);
        assert_ptr_equal(fe_names_add(&n, name), entries[i]);
    }
    for (int i = 0; i < COUNT; i++)
        assert_ptr_equal(fe_names_find(&n, arena_printf(a, "name/%d", i * 7919 % COUNT)),
                         entries[i]);
    assert_null(fe_names_find(&n, "name/5000"));
    ctx_free(&c);
}

/* --- damage --- */

static const uint8_t *small_model(struct ctx *c, size_t *size) {
    static const int64_t dims[4] = {1, 2, 4, 4}, wdims[4] = {2, 2, 3, 3}, bdims[1] = {2};
    float w[36];
    struct rng r = {SEED};
    struct builder b;
    for (int i = 0; i < 36; i++) w[i] = (float)rng_normal(&r);
    build_start(&b, c, 13);
    build_raw(&b, "w", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, 4, wdims, w, sizeof w);
    build_raw(&b, "b", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, 1, bdims, w, 8);
    build_input(&b, "x", 4, dims);
    build_node(&b, "Conv", "x w b", "h");
    build_node(&b, "Clip", "h - -", "y");
    build_output(&b, "y");
    return build_bytes(&b, size);
}

/* Refused with a message or taken; the sanitizers watch for the rest. */
static void try_bytes(const uint8_t *bytes, size_t size) {
    TEST_CTX(c);
    struct ir_graph *g = fe_import_bytes(&c, "damaged.onnx", bytes, size, NULL);
    assert_true(g ? c.errors == 0 : c.errors > 0);
    ctx_free(&c);
}

static void every_truncation(void **state) {
    (void)state;
    TEST_CTX(c);
    size_t size;
    const uint8_t *bytes = small_model(&c, &size);
    for (size_t n = 0; n < size; n++) {
        uint8_t *exact = malloc(n ? n : 1); /* so that a read past the end is seen */
        assert_non_null(exact);
        memcpy(exact, bytes, n);
        try_bytes(exact, n);
        free(exact);
    }
    ctx_free(&c);
}

static void every_byte_damaged(void **state) {
    (void)state;
    static const uint8_t masks[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff, 0x7f};
    TEST_CTX(c);
    size_t size;
    const uint8_t *bytes = small_model(&c, &size);
    uint8_t *copy = arena_copy(arena_new(&c), bytes, size);
    for (size_t i = 0; i < size; i++)
        for (size_t k = 0; k < sizeof masks; k++) {
            copy[i] = (uint8_t)(bytes[i] ^ masks[k]);
            try_bytes(copy, size);
            copy[i] = bytes[i];
        }
    ctx_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_half_float),       cmocka_unit_test(nodes_in_any_order),
        cmocka_unit_test(a_long_chain_backwards), cmocka_unit_test(the_name_table_keeps_every_name),
        cmocka_unit_test(every_truncation),       cmocka_unit_test(every_byte_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
