/* The arithmetic of docs/numbers.md, and the tables of ops.def and dtypes.def. */
#include "ir_test.h"

static void test_round_shift(void **state) {
    (void)state;
    static const int64_t rows[][3] = {
        /* x, shift, result */
        {5, 0, 5},
        {-5, 0, -5},
        {1, 1, 1},
        {-1, 1, 0},
        {3, 1, 2},
        {-3, 1, -1},
        {2, 2, 1},
        {-2, 2, 0},
        {-6, 2, -1},
        {-7, 2, -2},
        {5, 2, 1},
        {6, 2, 2},
        {7, 2, 2},
        {INT32_MAX, 31, 1},
        {INT32_MIN, 31, -1},
        {INT32_MIN + (1 << 30), 31, 0},
        {-(1LL << 46), 31, -32768},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(ir_round_shift(rows[i][0], (int)rows[i][1]), rows[i][2]);
}

/* Against the definition floor(x / 2^s + 1/2), in double, which is exact here. */
static void test_round_shift_is_floor(void **state) {
    (void)state;
    for (int s = 0; s <= 8; s++)
        for (int x = -1000; x <= 1000; x++)
            assert_int_equal(ir_round_shift(x, s),
                             (int64_t)floor(x / ldexp(1, s) + (s > 0 ? 0.5 : 0)));
}

static void test_saturate(void **state) {
    (void)state;
    assert_int_equal(ir_saturate(127, 8), 127);
    assert_int_equal(ir_saturate(128, 8), 127);
    assert_int_equal(ir_saturate(-128, 8), -128);
    assert_int_equal(ir_saturate(-129, 8), -128);
    assert_int_equal(ir_saturate(INT64_MAX, 16), 32767);
    assert_int_equal(ir_saturate(INT64_MIN, 16), -32768);
}

/* Every stored integer survives the way out and back, for either zero and exponents far apart. */
static void test_quantize_inverse(void **state) {
    (void)state;
    static const struct ir_quant quants[] = {
        {8, 0, 0}, {8, -20, -128}, {16, 12, 0}, {16, -7, -32768}};
    for (size_t k = 0; k < 4; k++) {
        int64_t half = (int64_t)1 << (quants[k].bits - 1);
        for (int64_t v = -half; v < half; v++)
            assert_int_equal(ir_quantize_float(ir_dequantize(v, quants[k]), quants[k]), v);
    }
}

/* --- tables --- */

static void test_operators_are_unique(void **state) {
    (void)state;
    for (int i = 0; i < IR_OP_COUNT; i++) {
        const struct ir_op_info *info = ir_op_info((enum ir_op)i);
        assert_int_equal(ir_op_by_name(info->name), i);
        if (info->onnx[0] != '\0') assert_int_equal(ir_op_by_onnx(info->onnx), i);
        assert_true(info->min_in >= 0 && (info->max_in < 0 || info->max_in >= info->min_in));
        assert_true(info->min_out >= 1 && (info->max_out < 0 || info->max_out >= info->min_out));
        assert_true(info->since_min <= info->since_max);
    }
    assert_int_equal(ir_op_by_name("Conv"), IR_OP_COUNT);
    assert_int_equal(ir_op_by_onnx(""), IR_OP_COUNT);
}

/* The schema is written as text: every row of it has to be understood, and its default found. */
static void check_schema(enum ir_op op, const struct ir_attr_info *info, int index) {
    const struct ir_node bare = {.op = op};
    struct ir_attr_info again;
    int count;
    assert_true(strlen(info->name) > 0 && strlen(info->name) < sizeof info->name - 1);
    assert_true(ir_attr_schema_find(op, info->name, &again));
    assert_ptr_equal(again.preset, info->preset);
    assert_true(index < IR_MAX_ATTRS);
    if (info->preset == NULL) return;
    if (info->kind == IR_ATTR_STRING) {
        const char *s = ir_attr_string(&bare, info->name);
        assert_non_null(s);
        assert_memory_equal(s, info->preset, strlen(s));
    }
    if (info->kind == IR_ATTR_INTS) assert_non_null(ir_attr_ints(&bare, info->name, &count));
}

static void test_schemas(void **state) {
    (void)state;
    for (int op = 0; op < IR_OP_COUNT; op++) {
        const char *rest = ir_op_info((enum ir_op)op)->attrs;
        struct ir_attr_info info;
        bool host = false; /* the attribute of all of a level */
        for (int count = 0; ir_attr_schema((enum ir_op)op, count, &info); count++) {
            static const char *const codes[] = {":i", ":f", ":s", ":is"};
            size_t name = strlen(info.name), code = strlen(codes[info.kind]);
            check_schema((enum ir_op)op, &info, count);
            if (*rest == '\0') {
                assert_false(host);
                assert_string_equal(info.name, "host");
                assert_int_equal(info.kind, IR_ATTR_STRING);
                host = true;
                continue;
            }
            assert_memory_equal(rest, info.name, name);
            assert_memory_equal(rest + name, codes[info.kind], code);
            char behind = rest[name + code];
            assert_true(behind == (info.preset != NULL ? '=' : ' ') || behind == '\0');
            rest += strcspn(rest, " ");
            rest += strspn(rest, " ");
        }
        assert_int_equal(*rest, '\0');
        assert_int_equal(host, ir_op_info((enum ir_op)op)->level == IR_LEVEL_FLOAT);
    }
}

static void test_defaults(void **state) {
    (void)state;
    const struct ir_node conv = {.op = IR_OP_conv}, softmax = {.op = IR_OP_softmax};
    const struct ir_node norm = {.op = IR_OP_batchnorm}, qconv = {.op = IR_OP_qconv};
    int count;
    const int64_t *pads = ir_attr_ints(&conv, "pads", &count);
    assert_int_equal(count, 4);
    assert_int_equal(pads[0] + pads[1] + pads[2] + pads[3], 0);
    assert_int_equal(ir_attr_ints(&conv, "strides", &count)[1], 1);
    assert_int_equal(count, 2);
    assert_int_equal(ir_attr_int(&softmax, "axis"), -1);
    assert_true(ir_attr_float(&norm, "epsilon") == 1e-5);
    assert_string_equal(ir_attr_string(&conv, "auto_pad"), "NOTSET");
    assert_string_equal(ir_attr_string(&qconv, "kind"), "pow2");
    assert_null(ir_attr_ints(&conv, "kernel_shape", &count));
    assert_int_equal(count, 0);
    assert_int_equal(ir_attr_int(&qconv, "lo"), 0);
}

static void test_dtypes(void **state) {
    (void)state;
    for (int t = 0; t < IR_DTYPE_COUNT; t++) {
        int64_t room[1] = {0};
        assert_int_equal(ir_dtype_by_name(ir_dtype_name((enum ir_dtype)t)), t);
        assert_true(ir_dtype_size((enum ir_dtype)t) <= sizeof room);
        ir_store_int((enum ir_dtype)t, room, 0, 1);
        assert_true(ir_load_float((enum ir_dtype)t, room, 0) == 1);
    }
    assert_int_equal(ir_dtype_by_name("float"), IR_DTYPE_COUNT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_shift),
        cmocka_unit_test(test_round_shift_is_floor),
        cmocka_unit_test(test_saturate),
        cmocka_unit_test(test_quantize_inverse),
        cmocka_unit_test(test_operators_are_unique),
        cmocka_unit_test(test_schemas),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_dtypes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
