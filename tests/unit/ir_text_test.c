/* The text form: what is printed parses back to the same text, and faults are said with their
 * place. */
#include "ir_test.h"

static const char *print(const struct ir_graph *g, unsigned flags) {
    struct writer w;
    writer_init(&w, g->arena);
    ir_print(g, flags, &w);
    return writer_string(&w);
}

/* Text that has to come out as it went in, in either mode. */
static void expect_same(const char *text, unsigned flags) {
    struct ctx c;
    ctx_init(&c, "test", NULL);
    struct ir_graph *g = ir_parse(&c, "t.nir", text, strlen(text));
    if (g == NULL) fail_msg("%s: %s", c.first->where, c.first->message);
    assert_string_equal(print(g, flags), text);
    ctx_free(&c);
}

static void test_same(void **state) {
    (void)state;
    expect_same("graph \"empty\" {\n  return\n}\n", 0);
    expect_same("graph \"a \\\"quoted\\\" \\\\ name\\n\\t\\x01\" {\n"
                "  input %x: f32[1x3x32x32]\n"
                "  input %a/b.c:0-d: f32[?x2]\n"
                "  input %\"odd name:\": i64[*]\n"
                "  input %\"%\\\"\": f32[]\n"
                "  const %w: f32[16x3x3x3] = hash:0x00000000deadbeef\n"
                "  const %none: i8[0x3] = []\n"
                "  const %f: f32[6] = [0.1, -0, 1.4013e-45, inf, -inf, nan]\n"
                "  const %d: f64[2] = [0.1, 1e+300]\n"
                "  const %i: i64[2] = [-9223372036854775808, 9223372036854775807]\n"
                "  const %b: bool[2] = [0, 1]\n"
                "  %y: f32[1x16x32x32] = conv(%x, %w, _) {pads=[1,0,1,0], act=clip, act_min=-0.5, "
                "act_max=1e+30} \"conv \\\"1\\\"\"\n"
                "  %q: i8[1x16x32x32] q(bits=8, exp=-4, zero=-128) = quantize(%y)\n"
                "  %z: f32[6] = clip(%f, _, %f)\n"
                "  %p: f32[?x2], %\"\303\251\": bool[?x2] = dropout(%a/b.c:0-d)\n"
                "  %n: f32[6] = batchnorm(%f, %f, %f, %f, %f) {epsilon=0.001f}\n"
                "  %c: i64[2] = cast(%none) {to=i64}\n"
                "  %c2: i64[2] = cast(%d) {to=\"a b\"}\n"
                "  return %y, %q, %\"odd name:\", %i, %b\n"
                "}\n",
                0);
}

/* All that may be written but is not printed so. */
static void test_accepted(void **state) {
    (void)state;
    static const char text[] =
        "// comment\n# comment\n; comment\ngraph \"g\" { input %x : f32[1x2]\r\n"
        "\t%\"y\": f32[1x2]=relu(%x){} // behind\n"
        "%z: f32[1x2] = softmax(%late)\n { axis = +1, flat=0 }\"n\"\n"
        "const %late: f32[1x2] = [1., 0x10]\n"
        "%u: i32[1] = identity(%k)\nconst %k: i32[1] = [007]\n"
        "return %y , %z, %u }";
    struct ctx c;
    ctx_init(&c, "test", NULL);
    struct ir_graph *g = ir_parse(&c, "t.nir", text, strlen(text));
    if (g == NULL) fail_msg("%s: %s", c.first->where, c.first->message);
    assert_string_equal(print(g, 0), "graph \"g\" {\n"
                                     "  input %x: f32[1x2]\n"
                                     "  const %late: f32[1x2] = [1, 16]\n"
                                     "  const %k: i32[1] = [7]\n"
                                     "  %y: f32[1x2] = relu(%x)\n"
                                     "  %z: f32[1x2] = softmax(%late) {axis=1} \"n\"\n"
                                     "  %u: i32[1] = identity(%k)\n"
                                     "  return %y, %z, %u\n"
                                     "}\n");
    ctx_free(&c);
}

/* --- constants --- */

static void test_hash_stands_for_data(void **state) {
    (void)state;
    struct ctx c;
    ctx_init(&c, "test", NULL);
    struct ir_graph *g = ir_graph_new(&c, "g");
    float data[17];
    for (int i = 0; i < 17; i++) data[i] = 0.1f * (float)(i * i - 40);
    struct ir_value *v = ir_const_new(g, "w", IR_F32, 1, (int64_t[]){17}, data);
    ir_add_output(g, v);
    const char *brief = print(g, 0), *full = print(g, IR_PRINT_DATA);
    assert_non_null(strstr(brief, "hash:0x"));
    assert_null(strstr(full, "hash"));
    struct ir_graph *b = ir_parse(&c, "b", brief, strlen(brief));
    struct ir_graph *f = ir_parse(&c, "f", full, strlen(full));
    assert_string_equal(print(b, 0), brief);
    assert_string_equal(print(b, IR_PRINT_DATA), brief); /* there is no data to print */
    assert_true(((const float *)b->outputs[0]->data)[16] == 0);
    assert_string_equal(print(f, IR_PRINT_DATA), full);
    assert_string_equal(print(f, 0), brief);
    assert_memory_equal(f->outputs[0]->data, data, sizeof data);
    data[3] += 1e-6f;
    assert_string_not_equal(print(g, 0), brief);
    ctx_free(&c);
}

/* Random bits as floats, doubles and integers come back bit for bit (seed 7; not-a-numbers lose
 * their payload). */
static void test_random_data(void **state) {
    (void)state;
    struct rng r = {7};
    struct ctx c;
    ctx_init(&c, "test", NULL);
    for (int t = 0; t < IR_DTYPE_COUNT; t++) {
        struct ir_graph *g = ir_graph_new(&c, "g");
        size_t bytes = 500 * ir_dtype_size((enum ir_dtype)t);
        uint8_t *data = arena_alloc(g->arena, bytes);
        for (size_t i = 0; i < bytes; i++)
            data[i] = (uint8_t)(rng_next(&r) & (t == IR_BOOL ? 1 : 255));
        ir_add_output(g, ir_const_new(g, "w", (enum ir_dtype)t, 2, (int64_t[]){5, 100}, data));
        const char *text = print(g, IR_PRINT_DATA);
        struct ir_graph *again = ir_parse(&c, "t", text, strlen(text));
        assert_non_null(again);
        for (int64_t i = 0; i < 500; i++) {
            double x = ir_load_float((enum ir_dtype)t, data, i);
            if (isnan(x)) continue;
            size_t size = ir_dtype_size((enum ir_dtype)t);
            assert_memory_equal((const uint8_t *)again->outputs[0]->data + (size_t)i * size,
                                data + (size_t)i * size, size);
        }
        assert_string_equal(print(again, IR_PRINT_DATA), text);
    }
    ctx_free(&c);
}

/* A node of every operator with every attribute, none at its default, in an order that is not the
 * table's. */
static void add_every_attribute(struct ir_graph *g, struct ir_node *n) {
    struct ir_attr_info info;
    int count = 0;
    while (ir_attr_schema(n->op, count, &info)) count++;
    for (int i = count - 1; i >= 0; i--) {
        ir_attr_schema(n->op, i, &info);
        if (info.kind == IR_ATTR_INT) ir_set_int(g, n, info.name, 1000 + i);
        if (info.kind == IR_ATTR_FLOAT) ir_set_float(g, n, info.name, 0.1 + i);
        if (info.kind == IR_ATTR_STRING) ir_set_string(g, n, info.name, "some text");
        if (info.kind == IR_ATTR_INTS) ir_set_ints(g, n, info.name, (int64_t[]){-1, i}, 2);
    }
}

static void test_every_operator(void **state) {
    (void)state;
    struct ctx c;
    ctx_init(&c, "test", NULL);
    struct ir_graph *g = ir_graph_new(&c, "all");
    struct ir_value *x = ir_value_new(g, "x", IR_F32, -1, NULL);
    ir_add_input(g, x);
    for (int op = 0; op < IR_OP_COUNT; op++) {
        const struct ir_op_info *info = ir_op_info((enum ir_op)op);
        struct ir_value *in[8] = {NULL}, *out[8];
        int inputs = info->max_in < 0 ? 5 : info->max_in;
        int outputs = info->max_out < 0 ? 5 : info->max_out;
        assert_true(inputs <= 8 && outputs <= 8);
        for (int i = 0; i < info->min_in; i++) in[i] = x;
        for (int i = 0; i < outputs; i++) out[i] = ir_value_new(g, NULL, IR_I8, 2, NULL);
        out[0]->quant = (struct ir_quant){8, -(op % 100), -128};
        struct ir_node *n =
            ir_node_new(g, NULL, (enum ir_op)op, info->meaning, in, inputs, out, outputs);
        add_every_attribute(g, n);
    }
    const char *text = print(g, 0);
    struct ir_graph *again = ir_parse(&c, "t", text, strlen(text));
    if (again == NULL) fail_msg("%s: %s", c.first->where, c.first->message);
    assert_string_equal(print(again, 0), text);
    struct ir_node *n = g->first, *m = again->first;
    for (; n != NULL && m != NULL; n = n->next, m = m->next) {
        assert_int_equal(n->op, m->op);
        assert_int_equal(n->attr_count, m->attr_count);
        assert_int_equal(n->in_count, m->in_count);
        assert_string_equal(n->name, m->name);
    }
    assert_null(n);
    assert_null(m);
    ctx_free(&c);
}

/* Attributes are doubles; those that came from floats are written short, and none loses a bit. */
static void test_float_attributes(void **state) {
    (void)state;
    static const double numbers[] = {0.5,   1e-5, (double)1e-5f, 1.0 / 3, (double)(1.0f / 3),
                                     1e300, -0.0};
    static const char *const texts[] = {
        "0.5", "1e-05f", "0.33333334f", "=1e-05,", "=-0,", "0.3333333333333333", "1e+300"};
    struct ctx c;
    ctx_init(&c, "test", NULL);
    struct ir_graph *g = ir_test_parse(&c, "%x: f32[1] = constant()\n%y: f32[1] = relu(%x)");
    for (int i = 0; i < 7; i++)
        ir_set_float(g, g->first, (const char *[]){"a", "b", "c", "d", "e", "f", "g"}[i],
                     numbers[i]);
    ir_set_int(g, g->first, "h", 1);
    const char *text = print(g, 0);
    for (int i = 0; i < 7; i++)
        if (strstr(text, texts[i]) == NULL) fail_msg("no %s in %s", texts[i], text);
    ctx_free(&c);
    for (int i = 0; i < 7; i++) {
        ctx_init(&c, "test", NULL);
        g = ir_test_parse(&c, "input %x: f32[1]\n%y: f32[1] = add(%x, %x) {act_min=1}");
        ir_set_float(g, g->first, "act_min", numbers[i]);
        text = print(g, 0);
        struct ir_graph *again = ir_parse(&c, "t", text, strlen(text));
        double found = ir_attr_float(again->first, "act_min");
        assert_memory_equal(&found, &numbers[i], sizeof found);
        ctx_free(&c);
    }
}

/* --- faults --- */

struct fault {
    const char *lines, *where, *id, *message; /* a part of the message */
};

static const struct fault faults[] = {
    {"%y: f32[1] = convv(%x)", "t:3:14", "ir_unknown_near", "did you mean 'conv'?"},
    {"%y: f32[1] = relu(%xx)", "t:3:19", "ir_unknown_near", "unknown value 'xx'"},
    {"%y: f32[1] = zzzzzzzzz(%x)", "t:3:14", "ir_unknown", "unknown operator"},
    {"%y: f32[1] = softmax(%x) {axsi=1}", "t:3:27", "ir_unknown_near",
     "attribute of softmax 'axsi'"},
    {"%y: f32[1] = softmax(%x) {axis=1, axis=2}", "t:3:35", "ir_expected", "each attribute once"},
    {"%y: f32[1] = softmax(%x) {axis=1.5}", "t:3:32", "ir_expected", "a whole number"},
    {"%y: f32[1] = softmax(%x) {axis=9223372036854775808}", "t:3:32", "ir_expected",
     "a whole number"},
    {"%y: f32[1] = softmax(%x) {axis=[1]}", "t:3:32", "ir_expected", "a whole number"},
    {"%y: f32[1] = conv(%x, %x) {pads=1}", "t:3:33", "ir_expected", "'['"},
    {"%y: f32[1] = conv(%x, %x) {act=5}", "t:3:32", "ir_expected", "a word or a string"},
    {"%y: f32[1] = conv(%x, %x) {act_min=x}", "t:3:36", "ir_expected", "a number"},
    {"%y: f33[1] = relu(%x)", "t:3:5", "ir_expected", "element type"},
    {"%y f32[1] = relu(%x)", "t:3:4", "ir_expected", "':'"},
    {"%y: f32 = relu(%x)", "t:3:9", "ir_expected", "a shape"},
    {"%y: f32[1x] = relu(%x)", "t:3:11", "ir_shape_bad", "found ']'"},
    {"%y: f32[-1] = relu(%x)", "t:3:9", "ir_shape_bad", "inside a shape"},
    {"%y: f32[1x1x1x1x1x1x1x1x1] = relu(%x)", "t:3:25", "ir_shape_bad", "at most 8"},
    {"%y: f32[99999999999] = relu(%x)", "t:3:18", "ir_shape_bad", "inside a shape"},
    {"%y: f32[1 = relu(%x)", "t:3:10", "ir_shape_bad", "inside a shape"},
    {"%y: f32[1] q(bits=8, exp=0) = relu(%x)", "t:3:27", "ir_expected", "','"},
    {"%y: f32[1] q(bits=8, exp=99999, zero=0) = relu(%x)", "t:3:26", "ir_expected", "whole number"},
    {"%y: f32[1] = relu(%x", "t:4:1", "ir_expected", "','"},
    {"%y: f32[1] = relu(x)", "t:3:19", "ir_expected", "a value"},
    {"%y: f32[1] = relu(%)", "t:3:19", "ir_name_empty", "without a name"},
    {"%x: f32[1] = relu(%x)", "t:3:1", "ir_defined_twice", "on line 2"},
    {"%y: f32[1] = relu(%\"x)", "t:3:19", "ir_string_open", "no end"},
    {"%y: f32[1] = relu(%\"\\x00\")", "t:3:19", "ir_string_escape", "unknown escape"},
    {"%y: f32[1] = relu(%\"\\q\")", "t:3:19", "ir_string_escape", "unknown escape"},
    {"%y: f32[1] = relu(%x) @", "t:3:23", "ir_byte_bad", "0x40"},
    {"return %x", "t:4:1", "ir_expected", "one 'return' only"},
    {"something", "t:3:1", "ir_expected", "'input', 'const'"},
    {"const %c: f32[3] = [1, 2]", "t:3:20", "ir_data_count", "3 elements (f32[3]), found only 2"},
    {"const %c: f32[1] = [1, 2, 3]", "t:3:20", "ir_data_count", "found more than 1"},
    {"const %c: f32[?] = [1]", "t:3:7", "ir_const_shape", "known"},
    {"const %c: f32[65536x65536] = [1]", "t:3:7", "ir_const_shape", "2147483648"},
    {"const %c: f32[2147483647] = hash:0x1", "t:3:34", "ir_elided_large", "1073741824 bytes"},
    {"const %c: f32[1] = hash:1", "t:3:25", "ir_expected", "a hash"},
    {"const %c: f32[1] = hash:0x0", "t:3:25", "ir_expected", "a hash"},
    {"const %c: f32[1] = hash:0x11112222333344445", "t:3:25", "ir_expected", "a hash"},
    {"const %c: f32[1] = %x", "t:3:20", "ir_expected", "data"},
    {"const %c: i8[1] = [128]", "t:3:20", "ir_expected", "-128…127"},
    {"const %c: u8[1] = [-1]", "t:3:20", "ir_expected", "0…255"},
    {"const %c: bool[1] = [2]", "t:3:22", "ir_expected", "0…1"},
    {"const %c: i64[1] = [1.5]", "t:3:21", "ir_expected", "a whole number"},
    {"const %c: f32[1] = [one]", "t:3:21", "ir_expected", "a number"},
};

static void test_faults(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct ctx c;
        ctx_init(&c, "test", NULL);
        const char *text = arena_printf(
            arena_new(&c), "graph \"g\" {\ninput %%x: f32[1]\n%s\nreturn %%x\n}", faults[i].lines);
        if (ir_parse(&c, "t", text, strlen(text)) != NULL)
            fail_msg("accepted: %s", faults[i].lines);
        if (strcmp(c.first->where, faults[i].where) != 0 ||
            strcmp(c.first->id, faults[i].id) != 0 ||
            strstr(c.first->message, faults[i].message) == NULL)
            fail_msg("%s\nsaid %s %s: %s", faults[i].lines, c.first->where, c.first->id,
                     c.first->message);
        ctx_free(&c);
    }
}

/* Faults on different lines are all said, and one line gives one. */
static void test_all_faults(void **state) {
    (void)state;
    static const char text[] = "graph \"g\" {\ninput %x: f32[1]\n%a: f32[1] = rellu(%x) {foo=1}\n"
                               "%b: f32[1] = relu(%nothing)\n@@@@@@@@\n%c: f32[1] = relu(%a\n"
                               "return %a\n}\n";
    struct ctx c;
    ctx_init(&c, "test", NULL);
    assert_null(ir_parse(&c, "t", text, strlen(text)));
    assert_int_equal(c.errors, 4);
    static const char *const where[] = {"t:3:14", "t:5:1", "t:7:1", "t:4:19"};
    const struct diag *d = c.first;
    for (int i = 0; i < 4; i++, d = d->next) assert_string_equal(d->where, where[i]);
    ctx_free(&c);
}

/* A short text of others must not claim much memory; our own of a large graph may. */
static void test_large_without_data(void **state) {
    (void)state;
    static const char text[] = "graph \"g\" {\ninput %x: f32[1]\n"
                               "const %c: f32[300000000] = hash:0x1\n"
                               "%y: f32[300000000] = add(%x, %c)\nreturn %y\n}\n";
    struct ctx c;
    ctx_init(&c, "test", NULL);
    assert_null(ir_parse(&c, "t", text, strlen(text)));
    assert_non_null(diag_find(&c, "ir_elided_large"));
    assert_int_equal(c.errors, 1);
    const struct ir_graph *g = ir_parse_own(&c, "t", text, strlen(text));
    assert_non_null(g);
    assert_int_equal(c.errors, 1);
    const struct ir_value *v = g->first->in[1];
    assert_int_equal(((const uint32_t *)v->data)[ir_elements(v) - 1], 0);
    ctx_free(&c);
}

/* Every prefix of a good file is refused with a message; a file of rubbish gives few of them. */
static void test_prefixes_and_rubbish(void **state) {
    (void)state;
    static const char text[] = "graph \"g\" {\n  input %x: f32[1x2] q(bits=8, exp=-1, zero=0)\n"
                               "  const %w: f32[2] = [1, -2.5]\n  const %h: f32[20] = hash:0x12\n"
                               "  %y: f32[1x2] = add(%x, %w) {act=relu} \"name\"\n  return %y\n}";
    for (size_t n = 0; n < sizeof text - 1; n++) {
        struct ctx c;
        ctx_init(&c, "test", NULL);
        assert_null(ir_parse(&c, "t", text, n));
        assert_true(c.errors > 0);
        ctx_free(&c);
    }
    struct ctx c;
    ctx_init(&c, "test", NULL);
    struct rng r = {11};
    struct arena *a = arena_new(&c);
    char *rubbish = arena_alloc(a, 100000);
    memcpy(rubbish, "graph \"g\" {", 11);
    for (int i = 11; i < 100000; i++) rubbish[i] = "%\":=()[]{}x1 \n\n,@\\"[rng_below(&r, 18)];
    assert_null(ir_parse(&c, "t", rubbish, 100000));
    assert_true(c.errors > 0 && c.errors < 50);
    ctx_free(&c);
}

static void test_dot(void **state) {
    (void)state;
    struct ctx c;
    struct writer w;
    ctx_init(&c, "test", NULL);
    struct ir_graph *g = ir_test_parse(&c, "input %x: f32[2]\nconst %k: f32[1] = [3]\n"
                                           "%\"a\\\"b\": f32[2] = add(%x, %k)\n"
                                           "%y: f32[2] = relu(%\"a\\\"b\") \"last\"");
    writer_init(&w, g->arena);
    ir_print_dot(g, &w);
    const char *text = writer_string(&w);
    assert_non_null(strstr(text, "label=\"x\\nf32[2]\"];"));
    assert_non_null(strstr(text, "label=\"add\\na\\\"b\\nf32[2]\"];"));
    assert_non_null(strstr(text, "in0 -> n2;"));
    assert_non_null(strstr(text, "n2 -> n3;"));
    assert_non_null(strstr(text, "n3 -> out0;"));
    assert_null(strstr(text, "in1")); /* constants are left out */
    ctx_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same),
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_hash_stands_for_data),
        cmocka_unit_test(test_random_data),
        cmocka_unit_test(test_every_operator),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_all_faults),
        cmocka_unit_test(test_large_without_data),
        cmocka_unit_test(test_prefixes_and_rubbish),
        cmocka_unit_test(test_dot),
        cmocka_unit_test(test_float_attributes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
