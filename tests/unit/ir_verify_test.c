/* The verifier: a good graph passes, and each fault is found with its own message. */
#include "ir_test.h"

/* clang-format off */
#define QCONV_TAIL \
    "const %e: i32[2] = [-1, -2]\nconst %b: i32[2] = [5, -6]\nconst %s: i32[2] = [4, 5]\n"
#define QCONV_HEAD \
    "input %x: i8[1x1x2x2] q(bits=8, exp=-3, zero=-128)\nconst %w: i16[2x1x1x1] = [-4, 1]\n" \
    QCONV_TAIL \
    "input %r: i8[1x2x2x2] q(bits=8, exp=-2, zero=0)\nconst %v: i16[2x1x1x1] = [2, 0]\n" \
    "input %i: i32[2]\n"
#define Y "%y: i8[1x2x2x2] q(bits=8, exp=0, zero=-128) = "
#define A "input %a: i8[1x2x2x2] q(bits=8, exp=-2, zero=0)\n"
#define B "input %b: i8[1x2x2x2] q(bits=8, exp=-1, zero=-128)\n"
/* clang-format on */

static const char *const good[] = {
    QCONV_HEAD Y "qconv(%x, %w, %e, %b, %s) {bits=3}",
    QCONV_HEAD Y "qconv(%x, %w, %e, %b, %s) {bits=3, lo=-3, hi=-3}",
    QCONV_HEAD Y "qconv(%x, %w, %e, %b, %s, _, %v) {bits=3, terms=2, term_shift=7}",
    QCONV_HEAD Y "qconv(%x, %w, %e, %b, %s, %r) {bits=3, mid_exp=0, mid_bits=16}",
    QCONV_HEAD "const %l: i16[2x1x1x1] = [127, -3]\n" Y
               "qconv(%x, %l, %e, %b, %s) {bits=8, kind=linear}",
    QCONV_HEAD "const %l: i16[2x1x1x1] = hash:0x5\n" Y "qconv(%x, %l, %e, %b, %s) {bits=1}",
    A B Y "qadd(%a, %b)",
    A "%y: f32[1x2x2x2] q(bits=8, exp=-2, zero=0) = dequantize(%a)",
    A "const %s: i64[2] = [1, 8]\n%y: i8[1x8] q(bits=8, exp=-2, zero=0) = reshape(%a, %s)",
    "input %x: f32[1x3] q(bits=8, exp=-2, zero=-128)\n%y: f32[1x3] = relu(%x)",
};

static void test_good(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct ctx c;
        ctx_init(&c, "test", NULL);
        struct ir_graph *g = ir_test_parse(&c, good[i]);
        if (!ir_verify(g, "test"))
            fail_msg("%s\n%s: %s", good[i], c.first->where, c.first->message);
        assert_int_equal(c.errors, 0);
        ctx_free(&c);
    }
}

struct fault {
    const char *lines, *id, *message; /* a part of the message */
};

static const struct fault faults[] = {
    {"input %x: f32[2]\n%y: f32[2] = relu(%z)\n%z: f32[2] = relu(%x)", "ir_use_early", "%z"},
    {"%y: f32[2] = relu(%y)", "ir_use_early", "%y"},
    {"input %x: f32[2]\n%y: f32[3] = relu(%x)", "ir_type_differs", "f32[3]; expected f32[2]"},
    {"input %x: f32[2]\n%y: i64[2] = relu(%x)", "ir_type_differs", "i64[2]; expected f32[2]"},
    {"input %x: f32[2]\n%y: f32[1x2] = relu(%x)", "ir_type_differs", "f32[1x2]"},
    {"input %x: f32[2]\n%y: f32[2] = add(%x)", "ir_arity", "1 inputs; expected 2…2"},
    {"input %x: f32[2]\n%y: f32[2], %z: f32[2] = relu(%x)", "ir_arity", "2 outputs"},
    {"input %x: f32[99999x99999]\n%y: f32[99999x99999] = relu(%x)", "ir_value_type", "not one"},
    /* quantized values */
    {"input %x: i16[2] q(bits=8, exp=0, zero=0)\n%y: f32[2] = dequantize(%x)", "ir_quant_bad",
     "i16"},
    {"input %x: i8[2] q(bits=7, exp=0, zero=0)\n%y: f32[2] = dequantize(%x)", "ir_quant_bad",
     "bits=7"},
    {"input %x: i8[2] q(bits=8, exp=0, zero=5)\n%y: f32[2] = dequantize(%x)", "ir_quant_bad",
     "zero=5"},
    {"input %x: i8[2]\n%y: f32[2] = dequantize(%x)", "ir_quant_missing", "%x"},
    {"input %x: f32[2]\n%y: i8[2] = quantize(%x)", "ir_quant_missing", "%y"},
    {A B "%y: i8[1x2x2x2] = add(%a, %b)", "ir_stored_in_float", "%a"},
    {A "const %s: i64[2] = [1, 8]\n%y: i8[1x8] = reshape(%a, %s)", "ir_quant_differs", "%y"},
    /* qconv */
    {QCONV_HEAD Y "qconv(%x, %w, %e, %b, %s)", "ir_number_range", "bits is 0; expected 1…5"},
    {QCONV_HEAD Y "qconv(%x, %w, %e, %b, %s) {bits=3, weight_error=inf}", "ir_weight_error",
     "is inf; expected a finite number"},
    {QCONV_HEAD Y "qconv(%x, %w, %e, %b, %s) {bits=3, weight_error=nan}", "ir_weight_error", "nan"},
    {QCONV_HEAD Y "qconv(%x, %w, %e, %b, %s) {bits=3, weight_error=-0.5}", "ir_weight_error",
     "is -0.5"},
    {QCONV_HEAD Y "qconv(%x, %w, %e, %b, %s) {bits=2}", "ir_weight_grid",
     "is -4; expected 0 or a power of two of at most 1"},
    {QCONV_HEAD "const %l: i16[2x1x1x1] = [3, 1]\n" Y "qconv(%x, %l, %e, %b, %s) {bits=4}",
     "ir_weight_grid", "weight 0 of %l is 3"},
    {QCONV_HEAD "const %l: i16[2x1x1x1] = [1, 128]\n" Y
                "qconv(%x, %l, %e, %b, %s) {bits=8, kind=linear}",
     "ir_weight_grid", "magnitude of at most 127"},
    {QCONV_HEAD Y "qconv(%x, %w, %e, %b, %s) {bits=3, kind=log}", "ir_attr_bad", "pow2 or linear"},
    {QCONV_HEAD Y "qconv(%x, %w, %e, %b, %e) {bits=3}", "ir_shift_bad", "channel 0 is -1"},
    {QCONV_HEAD "const %t: i32[2] = [4, 4]\n" Y "qconv(%x, %w, %e, %b, %t) {bits=3}",
     "ir_shift_bad", "channel 1 is 4; expected y.exp − x.exp − wexp = 5"},
    {QCONV_HEAD Y "qconv(%x, %w, %e, %b, %i) {bits=3}", "ir_not_const", "%i"},
    {QCONV_HEAD Y "qconv(%x, %w, %e, %b, %s) {bits=3, lo=3, hi=2}", "ir_number_range",
     "hi is 2; expected 3…127"},
    {QCONV_HEAD Y "qconv(%x, %w, %e, %b, %s) {bits=3, lo=-129}", "ir_number_range", "lo is -129"},
    {QCONV_HEAD Y "qconv(%x, %w, %e, %b, %s) {bits=3, terms=2}", "ir_number_range",
     "number of terms is 2"},
    {QCONV_HEAD Y "qconv(%x, %w, %e, %b, %s, _, %v) {bits=3}", "ir_number_range",
     "number of terms is 1"},
    {QCONV_HEAD Y "qconv(%x, %w, %e, %b, %s, _, %v) {bits=3, terms=2, term_shift=8}",
     "ir_number_range", "term_shift is 8"},
    {QCONV_HEAD Y "qconv(%x, %w, %e, %b, %s, %r) {bits=3, mid_exp=0}", "ir_mid_bits",
     "mid_bits is 0; expected 8 or 16"},
    {QCONV_HEAD Y "qconv(%x, %w, %e, %b, %s, %r) {bits=3, mid_exp=0, mid_bits=12}", "ir_mid_bits",
     "mid_bits is 12; expected 8 or 16"},
    {QCONV_HEAD Y "qconv(%x, %w, %e, %b, %s, %r) {bits=3, mid_exp=14, mid_bits=8}",
     "ir_number_range", "gap of the operands' exponents is 16"},
    {QCONV_HEAD Y "qconv(%x, %w, %e, %b, %s, %x) {bits=3, mid_exp=0, mid_bits=8}", "ir_dim_bad",
     "as in the other operand"},
    {QCONV_HEAD "const %t: i32[3] = [4, 4, 4]\n" Y "qconv(%x, %w, %e, %b, %t) {bits=3}",
     "ir_dim_bad", "number of channels"},
    {QCONV_HEAD Y "qconv(%x, %b, %e, %b, %s) {bits=3}", "ir_input_bad", "expected i16"},
    /* the others */
    {A "input %b: i8[1x2x2x2] q(bits=8, exp=14, zero=0)\n"
       "%y: i8[1x2x2x2] q(bits=8, exp=14, zero=0) = qadd(%a, %b)",
     "ir_number_range", "exponents is 16"},
    {A B "%y: i8[1x2x2x2] q(bits=8, exp=-3, zero=0) = qadd(%a, %b)", "ir_number_range",
     "is -1; expected 0…31"},
    {A B "%y: i8[1x2x2x2] q(bits=8, exp=29, zero=0) = qmul(%a, %b)", "ir_number_range",
     "is 32; expected 0…31"},
    {A "const %m: i16[2] = [1, 2]\nconst %b: i32[2] = [1, 2]\nconst %s: i32[2] = [3, 32]\n" Y
       "qscale(%a, %m, %b, %s)",
     "ir_number_range", "a shift is 32"},
    {A "const %m: i16[2] = [1, 2]\nconst %s: i32[2] = [-1, 31]\n" Y "qprelu(%a, %m, %s)",
     "ir_number_range", "a shift is -1"},
    {A "const %m: i16[2] = [1, 2]\nconst %s: i32[2] = [0, 31]\n"
       "%y: i8[1x2x2x2] q(bits=8, exp=-18, zero=0) = qprelu(%a, %m, %s)",
     "ir_number_range", "exponents is 16"},
    {A "const %m: i16[3] = [1, 2, 3]\nconst %s: i32[2] = [0, 31]\n" Y "qprelu(%a, %m, %s)",
     "ir_dim_bad", "number of channels"},
    {A Y "qmaxpool(%a) {kernel_shape=[1,1]}", "ir_quant_differs", "zero=-128) and %a"},
    {A Y "qavgpool(%a) {kernel_shape=[1,1], shift=0}", "ir_number_range", "entries of mult"},
    {A "%y: i8[1x2x1x1] q(bits=8, exp=0, zero=0) = qavgpool(%a) {kernel_shape=[2,2], mult=[1,2,3], "
       "shift=0}",
     "ir_number_range", "entries of mult"},
    {A "%y: i8[1x2x1x1] q(bits=8, exp=0, zero=0) = qavgpool(%a) {kernel_shape=[2,2], "
       "mult=[1,2,3,4], shift=0, count_include_pad=1}",
     "ir_number_range", "count_include_pad"},
    {A Y "qavgpool(%a) {kernel_shape=[1,1], mult=[40000], shift=0}", "ir_number_range",
     "entry of mult is 40000"},
    {A Y "qavgpool(%a) {kernel_shape=[1,1], mult=[1], shift=32}", "ir_number_range", "shift is 32"},
    {A "const %t: i16[256] = hash:0x1\n" Y "qlut(%a, %t)", "ir_dim_bad", "expected 257"},
    {A "%y: i8[1x2x2x2] q(bits=8, exp=-18, zero=0) = qcopy(%a)", "ir_number_range",
     "exponents is 16"},
    {A "%y: i8[1x2x4x4] q(bits=8, exp=0, zero=0) = qcopy(%a) {step=[2,1], repeat=[4,2]}",
     "ir_attr_bad", "1 where step"},
    {A B "%y: i8[1x4x2x2] q(bits=8, exp=-2, zero=0) = qconcat(%a, %b)", "ir_quant_differs", "%b"},
};

static void expect_fault(struct ir_graph *g, const char *id, const char *message,
                         const char *what) {
    const struct ctx *c = g->ctx;
    if (ir_verify(g, "a-pass")) fail_msg("accepted: %s", what);
    if (strcmp(c->first->id, id) != 0 || strstr(c->first->message, message) == NULL)
        fail_msg("%s\nsaid %s: %s: %s", what, c->first->id, c->first->where, c->first->message);
    assert_true(c->errors > 0);
}

static void test_faults(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct ctx c;
        ctx_init(&c, "test", NULL);
        struct ir_graph *g = ir_test_parse(&c, faults[i].lines);
        expect_fault(g, faults[i].id, faults[i].message, faults[i].lines);
        ctx_free(&c);
    }
}

/* Several faults are all said; the stage is named. */
static void test_all_faults(void **state) {
    (void)state;
    struct ctx c;
    ctx_init(&c, "test", NULL);
    struct ir_graph *g = ir_test_parse(&c, "input %x: f32[2]\n%a: f32[3] = relu(%x)\n"
                                           "%b: f32[2] = clip(%q)\n%q: f32[2] = add(%x)\n"
                                           "%y: i8[2] = relu(%x)");
    assert_false(ir_verify(g, "fold-something"));
    assert_int_equal(c.errors, 4);
    assert_non_null(strstr(c.first->where, "after fold-something"));
    ctx_free(&c);
}

/* --- faults text cannot have --- */

struct small {
    struct ctx c;
    struct ir_graph *g;
    struct ir_value *x, *k, *a, *y;
};

static void make(struct small *s) {
    ctx_init(&s->c, "test", NULL);
    s->g = ir_test_parse(&s->c, "input %x: f32[2]\nconst %k: f32[2] = [1, 2]\n"
                                "%a: f32[2] = add(%x, %k)\n%y: f32[2] = clip(%a)");
    s->x = s->g->values[0];
    s->k = s->g->values[1];
    s->a = s->g->first->out[0];
    s->y = s->g->outputs[0];
    assert_true(ir_verify(s->g, "test"));
}

static void finish(struct small *s, const char *id) {
    expect_fault(s->g, id, "", id);
    ctx_free(&s->c);
}

static void test_structure(void **state) {
    (void)state;
    struct small s;
    make(&s);
    s.a->name = "x";
    finish(&s, "ir_value_same_name");
    make(&s);
    s.a->name = "";
    finish(&s, "ir_value_nameless");
    make(&s);
    s.k->data = (const char *)s.k->data + 1;
    finish(&s, "ir_value_align");
    make(&s);
    s.k->dims[0] = -1;
    finish(&s, "ir_value_open");
    make(&s);
    s.a->data = s.k->data;
    finish(&s, "ir_value_const_made");
    make(&s);
    s.a->id = 0;
    finish(&s, "ir_value_id");
    make(&s);
    ir_value_remove(s.g, s.k);
    finish(&s, "ir_use_removed");
    make(&s);
    ir_node_remove(s.g, s.g->first);
    finish(&s, "ir_use_removed");
    make(&s);
    s.a->producer = s.g->last;
    finish(&s, "ir_output_bad");
    make(&s);
    ir_add_input(s.g, s.a);
    finish(&s, "ir_graph_input");
    make(&s);
    ir_add_input(s.g, s.x);
    finish(&s, "ir_graph_input");
    make(&s);
    ir_add_output(s.g, ir_value_new(s.g, "floating", IR_F32, 0, NULL));
    finish(&s, "ir_graph_output");
    make(&s);
    s.g->last->prev = NULL;
    finish(&s, "ir_list_broken");
}

/* Edits that go past the functions of graph.c leave the record of uses wrong. */
static void test_uses(void **state) {
    (void)state;
    struct small s;
    make(&s);
    s.g->first->in[0] = s.k;
    finish(&s, "ir_use_untracked");
    make(&s);
    s.g->outputs[0] = s.a;
    finish(&s, "ir_use_counts");
    make(&s);
    ir_node_remove(s.g, s.g->last);
    ir_set_output(s.g, 0, s.a);
    struct ir_node *gone = ir_node_new(s.g, NULL, IR_OP_relu, NULL, &s.k, 1, &s.y, 1);
    ir_node_remove(s.g, gone);
    assert_true(ir_verify(s.g, "test"));
    ir_set_input(s.g, gone, 0, s.a); /* of a node that is not in the graph */
    finish(&s, "ir_use_counts");
}

static void test_attributes(void **state) {
    (void)state;
    struct small s;
    make(&s);
    ir_set_int(s.g, s.g->last, "nothing", 1);
    finish(&s, "ir_attr_unknown");
    make(&s);
    ir_set_int(s.g, s.g->first, "act", 1);
    finish(&s, "ir_attr_kind");
    make(&s);
    ir_set_string(s.g, s.g->first, "act", "relu");
    ir_set_float(s.g, s.g->first, "act_min", 1);
    s.g->first->attrs[1] = s.g->first->attrs[0];
    finish(&s, "ir_attr_twice");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),       cmocka_unit_test(test_faults),
        cmocka_unit_test(test_all_faults), cmocka_unit_test(test_structure),
        cmocka_unit_test(test_uses),       cmocka_unit_test(test_attributes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
