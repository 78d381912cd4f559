/* Shape inference: shapes that follow, shapes that cannot be known yet, shapes that do not fit. */
#include "ir_test.h"

struct row {
    const char *lines; /* the last one defines %y with a shape of [*] */
    const char *want;  /* type of %y */
};

static const struct row rows[] = {
    {"input %x: f32[2x4x9x8]\ninput %w: f32[6x2x3x3]\n%y: f32[*] = conv(%x, %w) {group=2, "
     "strides=[2,1], pads=[1,0,0,2]}",
     "f32[2x6x4x8]"},
    {"input %x: f32[1x1x9x8]\ninput %w: f32[1x1x3x3]\n%y: f32[*] = conv(%x, %w) {dilations=[2,3]}",
     "f32[1x1x5x2]"},
    {"input %x: f32[1x1x9x8]\ninput %w: f32[1x1x3x3]\n%y: f32[*] = conv(%x, %w) "
     "{auto_pad=SAME_UPPER, strides=[2,3], pads=[9,9,9,9]}",
     "f32[1x1x5x3]"},
    {"input %x: f32[1x1x9x8]\ninput %w: f32[1x1x3x3]\n%y: f32[*] = conv(%x, %w) {auto_pad=VALID, "
     "strides=[2,3], pads=[9,9,9,9]}",
     "f32[1x1x4x2]"},
    {"input %x: f32[?x1x?x8]\ninput %w: f32[5x1x3x3]\n%y: f32[*] = conv(%x, %w)", "f32[?x5x?x6]"},
    {"input %x: f32[*]\ninput %w: f32[5x1x3x3]\n%y: f32[*] = conv(%x, %w)", "f32[?x5x?x?]"},
    {"input %x: f32[1x1x4x4]\ninput %w: f32[*]\n%y: f32[*] = conv(%x, %w)", "f32[1x?x?x?]"},
    {"input %x: f32[1x3x6x7]\n%y: f32[*] = maxpool(%x) {kernel_shape=[3,2], strides=[2,2]}",
     "f32[1x3x2x3]"},
    {"input %x: f32[1x3x6x7]\n%y: f32[*] = maxpool(%x) {kernel_shape=[3,2], strides=[2,2], "
     "ceil_mode=1}",
     "f32[1x3x3x4]"},
    /* the second window would start in the padding behind the input */
    {"input %x: f32[1x1x2x2]\n%y: f32[*] = maxpool(%x) {kernel_shape=[2,2], strides=[2,2], "
     "pads=[0,0,1,1], ceil_mode=1}",
     "f32[1x1x1x1]"},
    {"input %x: f32[1x3x6x7]\n%y: f32[*] = gavgpool(%x)", "f32[1x3x1x1]"},
    {"input %a: f32[3x?]\ninput %b: f32[5x3]\n%y: f32[*] = gemm(%a, %b) {transA=1, transB=1}",
     "f32[?x5]"},
    {"input %a: f32[7x1x2x3]\ninput %b: f32[4x3x5]\n%y: f32[*] = matmul(%a, %b)", "f32[7x4x2x5]"},
    {"input %a: f32[3]\ninput %b: f32[3]\n%y: f32[*] = matmul(%a, %b)", "f32[]"},
    {"input %a: f32[2x1x3]\ninput %b: f32[?x4x1]\n%y: f32[*] = add(%a, %b)", "f32[2x4x3]"},
    {"input %a: f32[?]\ninput %b: f32[1]\n%y: f32[*] = add(%a, %b)", "f32[?]"},
    {"input %a: i64[2]\ninput %b: i64[]\n%y: i64[*] = mul(%a, %b)", "i64[2]"},
    {"input %x: f32[2x3x4]\nconst %s: i64[2] = [0, -1]\n%y: f32[*] = reshape(%x, %s)", "f32[2x12]"},
    {"input %x: f32[?x3x4]\nconst %s: i64[2] = [-1, 12]\n%y: f32[*] = reshape(%x, %s)",
     "f32[?x12]"},
    {"input %x: f32[0x3]\nconst %s: i64[2] = [3, 0]\n%y: f32[*] = reshape(%x, %s) {allowzero=1}",
     "f32[3x0]"},
    {"input %x: f32[2x3]\ninput %s: i64[3]\n%y: f32[*] = reshape(%x, %s)", "f32[?x?x?]"},
    {"input %x: f32[2x3x4]\n%y: f32[*] = flatten(%x) {axis=-1}", "f32[6x4]"},
    {"input %x: f32[2x3x4]\n%y: f32[*] = flatten(%x) {axis=0}", "f32[1x24]"},
    {"input %x: f32[2x3x4]\n%y: f32[*] = transpose(%x) {perm=[1,2,0]}", "f32[3x4x2]"},
    {"input %x: f32[2x3x4]\n%y: f32[*] = transpose(%x)", "f32[4x3x2]"},
    {"input %x: f32[1x3x1]\n%y: f32[*] = squeeze(%x)", "f32[3]"},
    {"input %x: f32[1x?x1]\nconst %a: i64[1] = [-1]\n%y: f32[*] = squeeze(%x, %a)", "f32[1x?]"},
    {"input %x: f32[1x?x1]\n%y: f32[*] = squeeze(%x)", "f32[*]"},
    {"input %x: f32[2x3]\nconst %a: i64[2] = [0, -1]\n%y: f32[*] = unsqueeze(%x, %a)",
     "f32[1x2x3x1]"},
    {"input %x: f32[5x6]\nconst %s: i64[1] = [-100]\nconst %e: i64[1] = [-1]\nconst %a: i64[1] = "
     "[1]\nconst %p: i64[1] = [2]\n%y: f32[*] = slice(%x, %s, %e, %a, %p)",
     "f32[5x3]"},
    {"input %x: f32[5x6]\nconst %s: i32[1] = [4]\nconst %e: i32[1] = [-100]\nconst %a: i32[1] = "
     "[0]\nconst %p: i32[1] = [-3]\n%y: f32[*] = slice(%x, %s, %e, %a, %p)",
     "f32[2x6]"},
    {"input %x: f32[5x?]\ninput %s: i64[1]\nconst %e: i64[1] = [9]\n%y: f32[*] = slice(%x, %s, %e)",
     "f32[?x?]"},
    {"input %x: f32[2x3]\nconst %p: i64[4] = [1, 0, -1, 4]\n%y: f32[*] = pad(%x, %p)", "f32[2x7]"},
    {"input %a: f32[2x3]\ninput %b: f32[2x?]\ninput %c: f32[?x1]\n%y: f32[*] = concat(%a, %c) "
     "{axis=1}",
     "f32[2x4]"},
    {"input %a: f32[2x3]\ninput %b: f32[2x?]\n%y: f32[*] = concat(%a, %b) {axis=-1}", "f32[2x?]"},
    {"input %x: f32[2x?x4]\n%y: i64[*] = shape(%x) {start=-2}", "i64[2]"},
    {"input %x: f32[2x3x4]\ninput %i: i64[5x6]\n%y: f32[*] = gather(%x, %i) {axis=1}",
     "f32[2x5x6x4]"},
    {"input %x: f32[2x3]\ninput %i: i32[]\n%y: f32[*] = gather(%x, %i)", "f32[3]"},
    {"input %x: f32[2x3]\n%y: f32[*] = cast(%x) {to=i8}", "i8[2x3]"},
    {"input %x: f32[1x3x9]\ninput %w: f32[5x3x4]\n%y: f32[*] = conv(%x, %w) {strides=[2], "
     "pads=[1,0]}",
     "f32[1x5x4]"},
    {"input %x: f32[1x3x4x5x6]\n%y: f32[*] = avgpool(%x) {kernel_shape=[2,2,2]}", "f32[1x3x3x4x5]"},
    {"input %x: f32[1x4x5x?]\ninput %w: f32[4x3x2x2]\n%y: f32[*] = convtranspose(%x, %w) "
     "{strides=[3,2], group=2}",
     "f32[1x6x14x?]"},
    {"input %x: f32[1x4x5x6]\ninput %s: f32[4]\n%y: f32[*] = resize(%x, _, %s)", "f32[?x?x?x?]"},
    {"input %x: f32[1x4x5x6]\ninput %s: i64[2]\n%y: f32[*] = resize(%x, _, _, %s) {axes=[2,-1]}",
     "f32[1x4x?x?]"},
    {"input %x: f32[2x7]\n%y: f32[*], %z: f32[*] = split(%x) {axis=1}", "f32[2x4]"},
    {"input %x: f32[1x?x2x3]\n%y: f32[*] = depthtospace(%x) {blocksize=2}", "f32[1x?x4x6]"},
    {"input %x: f32[2x3]\ninput %a: i64[1]\nconst %p: i64[2] = [1, 2]\n%y: f32[*] = pad(%x, %p, _, "
     "%a)",
     "f32[?x?]"},
    {"input %x: i8[1x2x5x4] q(bits=8, exp=0, zero=0)\n%y: i16[*] q(bits=16, exp=0, zero=0) = "
     "qcopy(%x) {step=[2,1], repeat=[1,3]}",
     "i16[1x2x3x12]"},
    {"input %x: f32[2x3]\n%y: f32[*] q(bits=16, exp=0, zero=0) = quantize(%x)", "i16[2x3]"},
};

static void test_rows(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ctx c;
        ctx_init(&c, "test", NULL);
        struct ir_graph *g = ir_test_parse(&c, rows[i].lines);
        if (!ir_infer_node(g, g->last)) fail_msg("%s\n%s", rows[i].lines, c.first->message);
        const char *found = ir_type_text(g->arena, g->outputs[0]);
        if (strcmp(found, rows[i].want) != 0)
            fail_msg("%s\nfound %s, expected %s", rows[i].lines, found, rows[i].want);
        ctx_free(&c);
    }
}

static const struct row faults[] = {
    /* want: a part of the message */
    {"input %x: f32[1x3x4x4]\ninput %w: f32[2x4x1x1]\n%y: f32[*] = conv(%x, %w)",
     "dimension 1 of input 0, %x (f32[1x3x4x4]), is 3; expected 4"},
    {"input %x: f32[1x3x4]\ninput %w: f32[2x3x1x1]\n%y: f32[*] = conv(%x, %w)",
     "f32[2x3x1x1]; expected f32 of 3 dimensions"},
    {"input %x: f32[3x4]\ninput %w: f32[2x3]\n%y: f32[*] = conv(%x, %w)",
     "expected 3…5 dimensions"},
    {"input %x: i64[1x3x4x4]\ninput %w: f32[2x3x1x1]\n%y: f32[*] = conv(%x, %w)", "expected f32"},
    {"input %x: f32[1x3x4x4]\ninput %w: f32[2x3x5x1]\n%y: f32[*] = conv(%x, %w)",
     "window of 5 (dilated) does not fit the padded height of 4"},
    {"input %x: f32[1x3x4x4]\ninput %w: f32[2x3x1x1]\n%y: f32[*] = conv(%x, %w) {group=0}",
     "attribute group is 0"},
    {"input %x: f32[1x2x4x4]\ninput %w: f32[3x1x1x1]\n%y: f32[*] = conv(%x, %w) {group=2}",
     "divisor"},
    {"input %x: f32[1x3x4x4]\ninput %w: f32[2x3x1x1]\n%y: f32[*] = conv(%x, %w) {strides=[0,1]}",
     "strides is 0; expected 1…"},
    {"input %x: f32[1x3x4x4]\ninput %w: f32[2x3x1x1]\n%y: f32[*] = conv(%x, %w) {pads=[1,1]}",
     "4 integers"},
    {"input %x: f32[1x3x4x4]\ninput %w: f32[2x3x1x1]\n%y: f32[*] = conv(%x, %w) {pads=[-1,1,1,1]}",
     "pads is -1"},
    {"input %x: f32[1x3x4x4]\ninput %w: f32[2x3x1x1]\n%y: f32[*] = conv(%x, %w) "
     "{kernel_shape=[3,1]}",
     "the weights' 1"},
    {"input %x: f32[1x3x4x4]\ninput %w: f32[2x3x1x1]\n%y: f32[*] = conv(%x, %w) {auto_pad=SAME}",
     "SAME_UPPER"},
    {"input %x: f32[1x3x4x4]\ninput %w: f32[2x3x1x1]\n%y: f32[*] = conv(%x, %w) {act=gelu}",
     "none, relu or clip"},
    {"input %x: f32[1x3x4x4]\ninput %w: f32[2x3x1x1]\ninput %b: f32[3]\n%y: f32[*] = conv(%x, %w, "
     "%b)",
     "expected 2, the number of output channels"},
    {"input %x: f32[1x3x4x4]\n%y: f32[*] = maxpool(%x)", "kernel_shape is absent; expected a size"},
    {"input %x: f32[1x3x4x4]\n%y: f32[*] = maxpool(%x) {kernel_shape=[2,2], pads=[0,0,0,2]}",
     "wholly in it"},
    {"input %a: f32[2x3]\ninput %b: f32[4x5]\n%y: f32[*] = gemm(%a, %b)",
     "expected 3, the inner dimension"},
    {"input %a: f32[2x3]\ninput %b: f32[3x5]\ninput %c: f32[3x5]\n%y: f32[*] = gemm(%a, %b, %c)",
     "broadcasts to the product"},
    {"input %a: f32[2x3]\ninput %b: f32[4]\n%y: f32[*] = add(%a, %b)",
     "%a (f32[2x3]) and %b (f32[4]) do not fit"},
    {"input %a: f32[2]\ninput %b: i64[2]\n%y: f32[*] = add(%a, %b)", "expected f32"},
    {"input %a: f32[2x2x3]\ninput %b: f32[3x3x5]\n%y: f32[*] = matmul(%a, %b)", "do not fit"},
    {"input %x: f32[2x3]\nconst %s: i64[2] = [4, 2]\n%y: f32[*] = reshape(%x, %s)",
     "cannot reshape f32[2x3] to [4x2]"},
    {"input %x: f32[2x3]\nconst %s: i64[2] = [4, -1]\n%y: f32[*] = reshape(%x, %s)",
     "cannot reshape f32[2x3] to [4x?]"},
    {"input %x: f32[2x3]\nconst %s: i64[2] = [-1, -1]\n%y: f32[*] = reshape(%x, %s)",
     "at most one −1"},
    {"input %x: f32[2x3]\nconst %s: i64[3] = [2, 3, 0]\n%y: f32[*] = reshape(%x, %s)",
     "0 only for a dimension"},
    {"input %x: f32[2x3]\n%y: f32[*] = flatten(%x) {axis=3}", "attribute axis is 3"},
    {"input %x: f32[2x3]\n%y: f32[*] = transpose(%x) {perm=[0,0]}", "each axis once"},
    {"input %x: f32[2x3]\nconst %a: i64[1] = [0]\n%y: f32[*] = squeeze(%x, %a)",
     "is 2; expected 1, because it is squeezed"},
    {"input %x: f32[2x3]\nconst %a: i64[2] = [0, 0]\n%y: f32[*] = unsqueeze(%x, %a)", "each once"},
    {"input %x: f32[1x1x1x1x1x1x1x1]\nconst %a: i64[1] = [0]\n%y: f32[*] = unsqueeze(%x, %a)",
     "9 dimensions"},
    {"input %x: f32[2x3]\nconst %s: i64[1] = [0]\nconst %e: i64[2] = [1, 1]\n%y: f32[*] = "
     "slice(%x, %s, %e)",
     "1 integers"},
    {"input %x: f32[2x3]\nconst %s: i64[1] = [0]\nconst %z: i64[1] = [0]\n%y: f32[*] = slice(%x, "
     "%s, %s, %s, %z)",
     "steps other than 0"},
    {"input %x: f32[2x3]\nconst %p: i64[2] = [0, 1]\n%y: f32[*] = pad(%x, %p)", "4 pads"},
    {"input %x: f32[2x3]\nconst %p: i64[4] = [2, 0, 0, 0]\n%y: f32[*] = pad(%x, %p) {mode=reflect}",
     "fit dimension 0"},
    {"input %x: f32[2x3]\nconst %p: i64[4] = [-1, 0, -2, 0]\n%y: f32[*] = pad(%x, %p)",
     "fit dimension 0"},
    {"input %a: f32[2x3]\ninput %b: f32[3x3]\n%y: f32[*] = concat(%a, %b) {axis=1}",
     "input 1, %b, is f32[3x3]; expected f32[2x3]"},
    {"input %a: f32[2x3]\n%y: f32[*] = concat(%a) {axis=2}", "an axis of 2"},
    {"input %a: f32[2x3]\n%y: f32[*] = concat(%a)", "attribute axis is absent"},
    {"input %x: f32[2x3]\ninput %i: f32[2]\n%y: f32[*] = gather(%x, %i)", "expected i64 or i32"},
    {"input %x: f32[2x3]\n%y: f32[*] = cast(%x) {to=float}", "to is \"float\""},
    {"input %x: f32[2x3]\ninput %p: i64[4]\nconst %v: f32[0] = []\n%y: f32[*] = pad(%x, %p, %v)",
     "f32[0]; expected one f32"},
    {"input %x: f32[2x3]\ninput %p: i64[4]\nconst %v: i64[1] = [0]\n%y: f32[*] = pad(%x, %p, %v)",
     "i64[1]; expected one f32"},
    {"input %x: f32[1x3x4x4]\ninput %w: f32[2x3x3x3]\n%y: f32[*] = conv(%x, %w) "
     "{dilations=[4194304,4194304], pads=[4194304,4194304,4194304,4194304]}",
     "[3x8388612x8388612] without its batch, has more than 2147483648 elements"},
    {"input %x: f32[1x1x4x4]\n%y: f32[*] = maxpool(%x) {kernel_shape=[16777216,16777216], "
     "pads=[16777215,16777215,16777215,16777215]}",
     "padded input, [1x33554434x33554434]"},
    {"input %x: f32[2x3]\n%y: f32[*] = relu(%x, %x)", "2 inputs; expected 1…1"},
    {"input %x: f32[2x3]\n%y: f32[*] = add(%x, _)", "input 1 is left out"},
    {"input %a: f32[2147483647x1]\ninput %b: f32[1x2147483647]\n%y: f32[*] = add(%a, %b)",
     "more than 2147483648 elements"},
    {"input %x: f32[2x3]\n%y: f32[*] = softmax(%x) {axis=2}", "an axis of 2"},
    {"input %x: f32[1x4x5x6]\n%y: f32[*] = resize(%x)", "either scales (input 2) or sizes"},
    {"input %x: f32[1x4]\nconst %s: f32[2] = [1, -2]\n%y: f32[*] = resize(%x, _, %s)", "above 0"},
    {"input %x: f32[1x4]\nconst %s: f32[1] = [2]\n%y: f32[*] = resize(%x, _, %s)", "2 numbers"},
    {"input %x: f32[1x4]\ninput %s: f32[2]\n%y: f32[*] = resize(%x, _, %s) {mode=area}",
     "nearest, linear or cubic"},
    {"input %x: f32[1x4x5x6]\ninput %w: f32[4x3x2x2]\n%y: f32[*] = convtranspose(%x, %w) "
     "{pads=[9,9,9,9]}",
     "pads that leave something of 6"},
    {"input %x: f32[2x7]\nconst %s: i64[2] = [3, 3]\n%y: f32[*], %z: f32[*] = split(%x, %s) "
     "{axis=1}",
     "add up to 7, not 6"},
    {"input %x: f32[1x3x2x3]\n%y: f32[*] = depthtospace(%x) {blocksize=2}",
     "multiple of blocksize²"},
    {"input %x: f32[1x3x2x3]\ninput %s: f32[2]\n%y: f32[*] = prelu(%x, %s)", "broadcasts"},
    {"input %x: f32[1x3x2x3]\ninput %s: f32[3]\n%y: f32[*] = groupnorm(%x, %s, %s) {num_groups=2}",
     "a divisor of the number of channels"},
    {"input %x: f32[2x3]\n%y: f32[*] = dequantize(%x)", "expected stored integers"},
};

static void test_faults(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct ctx c;
        ctx_init(&c, "test", NULL);
        struct ir_graph *g = ir_test_parse(&c, faults[i].lines);
        if (ir_infer_node(g, g->last)) fail_msg("accepted: %s", faults[i].lines);
        assert_int_equal(c.errors, 1);
        assert_non_null(strstr(c.first->where, "%y"));
        if (strstr(c.first->message, faults[i].want) == NULL)
            fail_msg("%s\nsaid: %s", faults[i].lines, c.first->message);
        ctx_free(&c);
    }
}

/* What was known about an output is kept where nothing follows, and replaced where it does. */
static void test_known_dimensions_stay(void **state) {
    (void)state;
    struct ctx c;
    ctx_init(&c, "test", NULL);
    struct ir_graph *g = ir_test_parse(&c, "input %x: f32[?x3]\n%y: f32[7x9] = relu(%x)");
    assert_true(ir_infer_node(g, g->last));
    assert_string_equal(ir_type_text(g->arena, g->outputs[0]), "f32[7x3]");
    g->inputs[0]->rank = -1;
    assert_true(ir_infer_node(g, g->last));
    assert_string_equal(ir_type_text(g->arena, g->outputs[0]), "f32[7x3]");
    ctx_free(&c);
}

/* Padding of SAME modes: the odd pixel at the end or at the beginning. */
static void test_window(void **state) {
    (void)state;
    struct ctx c;
    struct ir_window w;
    ctx_init(&c, "test", NULL);
    struct ir_graph *g =
        ir_test_parse(&c, "input %x: f32[1x1x8x5]\n%y: f32[*] = maxpool(%x) "
                          "{kernel_shape=[3,4], strides=[2,1], auto_pad=SAME_UPPER}");
    assert_true(ir_window_of(g, g->last, &w));
    assert_int_equal(w.before[0], 0);
    assert_int_equal(w.after[0], 1);
    assert_int_equal(w.before[1], 1);
    assert_int_equal(w.after[1], 2);
    ir_set_string(g, g->last, "auto_pad", "SAME_LOWER");
    assert_true(ir_window_of(g, g->last, &w));
    assert_int_equal(w.before[0], 1);
    assert_int_equal(w.after[0], 0);
    assert_int_equal(w.before[1], 2);
    assert_int_equal(w.out[0], 4);
    assert_int_equal(w.out[1], 5);
    ctx_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_known_dimensions_stay),
        cmocka_unit_test(test_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
