/* Assembly text: every row prints and parses back to the same word, any bytes disassemble to text
 * that gives the same bytes, and every fault of a file is said with its line. */
#include "isa_help.h"

static int64_t value_of(enum svpe_field f, int kind, struct rng *r) {
    int64_t min, max;
    svpe_field_range(f, &min, &max);
    if (kind < 2) return kind ? max : min;
    return kind == 2 && min < 0 ? -1 : min + (int64_t)(rng_next(r) % (uint64_t)(max - min + 1));
}

static struct svpe_insn filled(enum svpe_op op, int kind, struct rng *r) {
    const struct svpe_op_info *info = svpe_op_info(op);
    struct svpe_insn i = svpe_insn_new(op, (int)(rng_next(r) & 0xffff));
    for (int n = 0; n < svpe_field_count(info->format); n++) {
        enum svpe_field f = (enum svpe_field)((int)svpe_field_first(info->format) + n);
        bool sparse = kind == 4 && rng_below(r, 3);
        if ((info->uses >> n & 1) && !sparse) svpe_set(&i, f, value_of(f, kind, r));
    }
    unsigned others = 15u & ~(1u << i.queue);
    i.wait = (uint8_t)(others & rng_next(r));
    i.post = (uint8_t)(others & rng_next(r));
    return i;
}

static void check_text(struct ctx *c, struct arena *a, const struct svpe_insn *i) {
    struct writer w;
    struct svpe_insn back;
    writer_init(&w, a);
    svpe_print_insn(i, &w);
    const char *text = writer_string(&w);
    if (!parse_insn(c, text, &back)) fail_msg("%s: %s", text, c->first->message);
    assert_null(strchr(text, '\n'));
    assert_int_equal(back.op, i->op);
    assert_int_equal(back.wait, i->wait);
    assert_int_equal(back.post, i->post);
    assert_int_equal(back.layer, i->layer);
    assert_int_equal(back.queue, i->queue);
    assert_memory_equal(back.field, i->field, sizeof i->field);
}

static void check_row(enum svpe_op op, struct rng *r) {
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    for (int n = 0; n < 200; n++) {
        struct svpe_insn i = filled(op, n % 5, r);
        check_text(&c, a, &i);
    }
    struct svpe_insn bare = svpe_insn_new(op, 0);
    check_text(&c, a, &bare);
    ctx_free(&c);
}

static void test_every_row(void **state) {
    (void)state;
    struct rng r = {31};
    for (int op = 0; op < SVPE_OP_COUNT; op++) check_row((enum svpe_op)op, &r);
}

static void test_known_lines(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct svpe_insn i;
    struct writer w;
    assert_true(parse_insn(&c,
                           " conv\tform=stem wfmt=p4 src=0x0C rows=7 post=vec "
                           "wait=load+store layer=3 px=2;x",
                           &i));
    assert_int_equal(i.op, SVPE_CONV);
    assert_int_equal(i.wait, 1 << SVPE_QUEUE_LOAD | 1 << SVPE_QUEUE_STORE);
    assert_int_equal(i.post, 1 << SVPE_QUEUE_VEC);
    assert_int_equal(i.layer, 3);
    assert_int_equal(svpe_get(&i, SVPE_CONV_src), 12);
    writer_init(&w, a);
    svpe_print_insn(&i, &w);
    assert_string_equal(writer_string(&w), "conv form=stem wfmt=p4 src=12 rows=7 cols=1 kh=1 kw=1 "
                                           "ib=1 ob=1 sy=1 sx=1 dy=1 dx=1 px=2 wait=load+store "
                                           "post=vec layer=3");
    assert_true(parse_insn(&c, "end", &i));
    assert_int_equal(i.queue, SVPE_QUEUE_STORE);
    assert_true(parse_insn(&c, "sync queue=exec wait=load", &i));
    assert_int_equal(i.queue, SVPE_QUEUE_EXEC);
    assert_true(parse_insn(&c, "v.add lo=-128 hi=127 src_is=0", &i) == false);
    assert_true(parse_insn(&c, "v.add lo=-128 hi=010", &i));
    assert_int_equal(svpe_get(&i, SVPE_PAIR_hi), 10); /* not octal */
    ctx_free(&c);
}

/* Bytes of any kind: valid words, damaged words, an end in the middle of a word. */
static void check_bytes(int round, struct rng *r) {
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct writer code, text, again;
    writer_init(&code, a);
    writer_init(&text, a);
    writer_init(&again, a);
    for (int n = 0; n < 20; n++) {
        struct svpe_insn i = filled((enum svpe_op)rng_below(r, SVPE_OP_COUNT), 3, r);
        uint8_t word[SVPE_MAX_BYTES];
        const char *bad;
        assert_true(svpe_encode(&i, word, &bad));
        if (rng_below(r, 4) == 0) word[rng_below(r, 16)] = (uint8_t)rng_next(r);
        write_bytes(&code, word, (size_t)svpe_insn_bytes(i.op));
    }
    size_t size = code.size - rng_below(r, 40);
    svpe_disassemble(code.data, size, &text);
    if (!svpe_assemble(&c, "t", (const char *)text.data, text.size, &again)) {
        fail_msg("round %d: %s: %s", round, c.first->where, c.first->message);
    }
    assert_int_equal(again.size, size);
    assert_memory_equal(again.data, code.data, size);
    ctx_free(&c);
}

static void test_any_bytes(void **state) {
    (void)state;
    struct rng r = {77};
    for (int round = 0; round < 300; round++) check_bytes(round, &r);
}

static const struct fault {
    const char *line, *message;
} faults[] = {
    {"con src=1", "unknown instruction 'con'; did you mean 'conv'?"},
    {"xyzzyxyzzy", "unknown instruction 'xyzzyxyzzy'"},
    {"conv tshif=1", "conv has no field 'tshif'; did you mean 'tshift'?"},
    {"conv quatsch=1", "conv has no field 'quatsch'"},
    {"v.mul p=1", "v.mul has no field 'p'"},
    {"conv rows", "expected 'field=value', found 'rows'"},
    {"conv rows=1 rows=2", "'rows' was given before"},
    {"conv layer=1 layer=1", "'layer' was given before"},
    {"conv wait=load wait=load", "'wait' was given before"},
    {"conv rows=", "rows: expected a whole number, found ''"},
    {"conv rows=1x", "rows: expected a whole number, found '1x'"},
    {"conv rows=99999999999999999999", "rows: expected a whole number, found '999"},
    {"conv rows=1024", "rows: expected 1…1023, found 1024"},
    {"conv rows=0", "rows: expected 1…1023, found 0"},
    {"conv px=-1", "px: expected 0…7, found -1"},
    {"v.add lo=-32769", "lo: expected -32768…32767, found -32769"},
    {"conv layer=65536", "layer: expected 0…65535, found 65536"},
    {"conv form=quer", "form: expected one of dense, depthwise, stem, fc, found 'quer'"},
    {"ld.act region=wrk", "region: expected one of wgt, par, work, in, out, found 'wrk'"},
    {"conv wait=lod", "queue: expected one of load, exec, vec, store, found 'lod'"},
    {"conv wait=load+", "queue: expected one of load, exec, vec, store, found ''"},
    {"conv post=exec", "post: names the instruction's own queue, exec"},
    {"sync queue=vec wait=vec", "wait: names the instruction's own queue, vec"},
    {".word", "expected .word and an even number"},
    {".word 123", "expected .word and an even number"},
    {".word 12 34", "expected .word and an even number"},
    {".word 1G", "expected .word and an even number"},
};

static void test_faults(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct writer text, code;
    writer_init(&text, a);
    writer_init(&code, a);
    size_t count = sizeof faults / sizeof *faults;
    for (size_t n = 0; n < count; n++) write_text(&text, "%s ; line\n", faults[n].line);
    assert_false(svpe_assemble(&c, "f.s", (const char *)text.data, text.size, &code));
    assert_int_equal(c.errors, count);
    const struct diag *d = c.first;
    for (size_t n = 0; n < count; n++, d = d->next) {
        assert_string_equal(d->where, arena_printf(a, "f.s:%zu", n + 1));
        if (strncmp(d->message, faults[n].message, strlen(faults[n].message)) != 0) {
            fail_msg("%s: found \"%s\"", faults[n].line, d->message);
        }
    }
    ctx_free(&c);
}

static void test_files(void **state) {
    (void)state;
    TEST_CTX(c);
    struct writer code;
    writer_init(&code, arena_new(&c));
    static const char text[] = "; nothing\n\n \t\nend ; last\r\n.word 00ff;x\nsync";
    assert_true(svpe_assemble(&c, "f.s", text, sizeof text - 1, &code));
    assert_int_equal(code.size, 16 + 2 + 16);
    assert_int_equal(code.data[16], 0x00);
    assert_int_equal(code.data[17], 0xff);
    static const char zero[] = "end\nen\0d\nend\n";
    assert_false(svpe_assemble(&c, "f.s", zero, sizeof zero - 1, &code));
    assert_non_null(diag_find(&c, "as_zero_byte"));
    ctx_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row), cmocka_unit_test(test_known_lines),
        cmocka_unit_test(test_any_bytes), cmocka_unit_test(test_faults),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
