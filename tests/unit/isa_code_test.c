/* The instruction table and its words: no two fields share a bit, every row goes to bits and back
 * at the extremes of every field, and what is no instruction is refused. The oracle places single
 * bits by itself. */
#include "test.h"

#include "isa/isa.h"

static int last_field(enum svpe_format f) {
    return (int)svpe_field_first(f) + svpe_field_count(f);
}

static void test_fields_do_not_overlap(void **state) {
    (void)state;
    for (int f = 0; f < SVPE_FORMAT_COUNT; f++) {
        int owner[SVPE_MAX_BYTES * 8], bits = svpe_format_info((enum svpe_format)f)->bits;
        for (int b = 0; b < SVPE_MAX_BYTES * 8; b++) owner[b] = -1;
        for (int h = 0; f != SVPE_FORMAT_HEAD && h < 32; h++) owner[h] = SVPE_HEAD_op;
        if (f == SVPE_FORMAT_HEAD) bits = 32;
        for (int n = (int)svpe_field_first((enum svpe_format)f);
             n < last_field((enum svpe_format)f); n++) {
            const struct svpe_field_info *i = svpe_field_info((enum svpe_field)n);
            assert_int_equal(i->format, f);
            assert_int_equal(i->position, n - (int)svpe_field_first((enum svpe_format)f));
            assert_true(i->low + i->width <= bits);
            for (int b = i->low; b < i->low + i->width; b++) {
                if (owner[b] >= 0) fail_msg("bit %d of %s belongs to two fields", b, i->name);
                owner[b] = n;
            }
        }
    }
}

static void test_rows_are_distinct(void **state) {
    (void)state;
    for (int a = 0; a < SVPE_OP_COUNT; a++) {
        const struct svpe_op_info *i = svpe_op_info((enum svpe_op)a);
        uint32_t all = (uint32_t)((UINT64_C(1) << svpe_field_count(i->format)) - 1);
        assert_true((i->uses & all) != 0);
        assert_true(strlen(i->meaning) > 10);
        assert_int_equal(svpe_insn_bytes((enum svpe_op)a), i->opcode & 0x80 ? 32 : 16);
        for (int b = 0; b < a; b++) {
            const struct svpe_op_info *k = svpe_op_info((enum svpe_op)b);
            assert_int_not_equal(i->opcode, k->opcode);
            assert_string_not_equal(i->mnemonic, k->mnemonic);
        }
    }
    for (int a = 0; a < SVPE_FIELD_COUNT; a++) {
        for (int b = 0; b < a; b++) {
            const struct svpe_field_info *i = svpe_field_info((enum svpe_field)a);
            const struct svpe_field_info *k = svpe_field_info((enum svpe_field)b);
            if (i->format == k->format) assert_string_not_equal(i->name, k->name);
        }
    }
}

/* The oracle: bit by bit, from the rows of the table alone. */
static void place(uint8_t *word, enum svpe_field f, int64_t v) {
    const struct svpe_field_info *i = svpe_field_info(f);
    for (int b = 0; b < i->width; b++) {
        int at = i->low + b;
        if ((uint64_t)v >> b & 1) word[at / 8] = (uint8_t)(word[at / 8] | 1u << at % 8);
    }
}

static void expected_word(const struct svpe_insn *i, uint8_t *word) {
    const struct svpe_op_info *op = svpe_op_info(i->op);
    memset(word, 0, SVPE_MAX_BYTES);
    place(word, SVPE_HEAD_op, op->opcode);
    place(word, SVPE_HEAD_wait, i->wait);
    place(word, SVPE_HEAD_post, i->post);
    place(word, SVPE_HEAD_layer, i->layer);
    for (int n = 0; n < svpe_field_count(op->format); n++) {
        place(word, (enum svpe_field)((int)svpe_field_first(op->format) + n), i->field[n]);
    }
}

static void check_round_trip(const struct svpe_insn *i) {
    uint8_t word[SVPE_MAX_BYTES] = {0}, expected[SVPE_MAX_BYTES];
    const char *text;
    struct svpe_insn back;
    int bytes = svpe_insn_bytes(i->op);
    if (!svpe_encode(i, word, &text)) fail_msg("%s: %s", svpe_op_info(i->op)->mnemonic, text);
    expected_word(i, expected);
    assert_memory_equal(word, expected, SVPE_MAX_BYTES);
    assert_int_equal(svpe_decode(word, (size_t)bytes, &back, &text), bytes);
    assert_null(text);
    assert_int_equal(back.op, i->op);
    assert_int_equal(back.wait, i->wait);
    assert_int_equal(back.post, i->post);
    assert_int_equal(back.layer, i->layer);
    assert_int_equal(back.queue, i->queue);
    assert_memory_equal(back.field, i->field, sizeof i->field);
}

/* kind 0: smallest, 1: largest, 2: −1 or the largest (all bits set), 3: random */
static int64_t value_of(enum svpe_field f, int kind, struct rng *r) {
    int64_t min, max;
    svpe_field_range(f, &min, &max);
    if (kind == 0) return min;
    if (kind == 1) return max;
    if (kind == 2) return min < 0 ? -1 : max;
    return min + (int64_t)(rng_next(r) % (uint64_t)(max - min + 1));
}

static struct svpe_insn filled(enum svpe_op op, int kind, struct rng *r) {
    const struct svpe_op_info *info = svpe_op_info(op);
    struct svpe_insn i = svpe_insn_new(op, 0);
    for (int n = 0; n < svpe_field_count(info->format); n++) {
        enum svpe_field f = (enum svpe_field)((int)svpe_field_first(info->format) + n);
        if (info->uses >> n & 1) svpe_set(&i, f, value_of(f, kind, r));
    }
    unsigned others = 15u & ~(1u << i.queue);
    i.wait = (uint8_t)(kind == 0 ? 0 : kind < 3 ? others : others & rng_next(r));
    i.post = (uint8_t)(kind == 0 ? 0 : kind < 3 ? others : others & rng_next(r));
    i.layer = (uint16_t)(kind == 0 ? 0 : kind < 3 ? 65535 : rng_next(r));
    return i;
}

static void test_extremes(void **state) {
    (void)state;
    struct rng r = {1};
    for (int op = 0; op < SVPE_OP_COUNT; op++) {
        enum svpe_format format = svpe_op_info((enum svpe_op)op)->format;
        for (int kind = 0; kind < 4; kind++) {
            struct svpe_insn i = filled((enum svpe_op)op, kind, &r);
            check_round_trip(&i);
        }
        for (int n = 0; n < svpe_field_count(format); n++) { /* one field alone */
            enum svpe_field f = (enum svpe_field)((int)svpe_field_first(format) + n);
            if (!(svpe_op_info((enum svpe_op)op)->uses >> n & 1)) continue;
            for (int kind = 0; kind < 3; kind++) {
                struct svpe_insn i = svpe_insn_new((enum svpe_op)op, 0);
                svpe_set(&i, f, value_of(f, kind, &r));
                check_round_trip(&i);
            }
        }
    }
}

static void test_random(void **state) {
    (void)state;
    struct rng r = {20260924};
    for (int n = 0; n < 20000; n++) {
        struct svpe_insn i = filled((enum svpe_op)rng_below(&r, SVPE_OP_COUNT), 3, &r);
        check_round_trip(&i);
    }
}

static void test_values_that_do_not_fit(void **state) {
    (void)state;
    for (int op = 0; op < SVPE_OP_COUNT; op++) {
        const struct svpe_op_info *info = svpe_op_info((enum svpe_op)op);
        for (int n = 0; n < svpe_field_count(info->format); n++) {
            enum svpe_field f = (enum svpe_field)((int)svpe_field_first(info->format) + n);
            int64_t min, max;
            uint8_t word[SVPE_MAX_BYTES];
            const char *bad;
            svpe_field_range(f, &min, &max);
            bool used = info->uses >> n & 1;
            const int64_t wrong[] = {used ? min - 1 : -1, used ? max + 1 : 1};
            for (int k = 0; k < 2; k++) {
                struct svpe_insn i = svpe_insn_new((enum svpe_op)op, 0);
                i.field[n] = wrong[k];
                assert_false(svpe_encode(&i, word, &bad));
                assert_string_equal(bad, svpe_field_info(f)->name);
            }
        }
    }
}

static void test_own_queue(void **state) {
    (void)state;
    for (int op = 0; op < SVPE_OP_COUNT; op++) {
        struct svpe_insn i = svpe_insn_new((enum svpe_op)op, 3), back;
        uint8_t word[SVPE_MAX_BYTES];
        const char *text;
        for (int head = 8; head < 16; head += 4) {
            uint8_t *bits = head == 8 ? &i.wait : &i.post;
            *bits = (uint8_t)(1 << i.queue);
            assert_false(svpe_encode(&i, word, &text));
            assert_string_equal(text, head == 8 ? "wait" : "post");
            *bits = 0;
            assert_true(svpe_encode(&i, word, &text));
            word[1] = (uint8_t)(word[1] | 1u << ((unsigned)head - 8 + i.queue));
            assert_int_equal(svpe_decode(word, sizeof word, &back, &text), 0);
            assert_string_equal(text, "waits for or posts to its own queue");
        }
    }
    struct svpe_insn i = svpe_insn_new(SVPE_SYNCW, 0);
    uint8_t word[SVPE_MAX_BYTES];
    const char *bad;
    i.queue = SVPE_QUEUE_VEC; /* without its field */
    assert_false(svpe_encode(&i, word, &bad));
    svpe_set(&i, SVPE_SYNC_queue, SVPE_QUEUE_VEC);
    i.wait = 1 << SVPE_QUEUE_LOAD;
    check_round_trip(&i);
}

/* Every bit of every word, one at a time: either it belongs to a field that is used, and the word
 * is another instruction, or the word is refused. */
static void test_every_bit(void **state) {
    (void)state;
    struct rng r = {5};
    for (int op = 0; op < SVPE_OP_COUNT; op++) {
        const struct svpe_op_info *info = svpe_op_info((enum svpe_op)op);
        struct svpe_insn i = filled((enum svpe_op)op, 3, &r), back;
        uint8_t word[SVPE_MAX_BYTES];
        const char *text;
        assert_true(svpe_encode(&i, word, &text));
        for (int bit = 32; bit < svpe_insn_bytes((enum svpe_op)op) * 8; bit++) {
            bool used = false;
            for (int n = 0; n < svpe_field_count(info->format); n++) {
                const struct svpe_field_info *f =
                    svpe_field_info((enum svpe_field)((int)svpe_field_first(info->format) + n));
                used |= (info->uses >> n & 1) && bit >= f->low && bit < f->low + f->width;
            }
            if (info->format == SVPE_FORMAT_SYNC && used) continue; /* may become its own queue */
            word[bit / 8] ^= (uint8_t)(1 << bit % 8);
            bool good = svpe_decode(word, sizeof word, &back, &text) > 0;
            if (used && !good)
                assert_non_null(
                    strstr(text, ": expected at least 1")); /* the bit was its only one */
            else
                assert_int_equal(good, used);
            word[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
}

static void test_lengths_and_opcodes(void **state) {
    (void)state;
    struct svpe_insn i;
    const char *why;
    for (int opcode = 0; opcode < 256; opcode++) {
        const struct svpe_op_info *info = NULL;
        uint8_t word[SVPE_MAX_BYTES] = {0};
        for (int op = 0; op < SVPE_OP_COUNT; op++) {
            if (svpe_op_info((enum svpe_op)op)->opcode == opcode)
                info = svpe_op_info((enum svpe_op)op);
            if (!info || info->opcode != opcode) continue;
            i = svpe_insn_new((enum svpe_op)op, 0);
            assert_true(svpe_encode(&i, word, &why));
            break;
        }
        word[0] = (uint8_t)opcode;
        int bytes = svpe_decode(word, sizeof word, &i, &why);
        assert_int_equal(bytes, info ? (opcode & 0x80 ? 32 : 16) : 0);
        if (!info) assert_string_equal(why, "unknown opcode");
        for (int left = 0; left < bytes; left++) {
            uint8_t *cut = malloc((size_t)left + 1); /* the sanitizer watches its end */
            memcpy(cut, word, (size_t)left);
            assert_int_equal(svpe_decode(cut, (size_t)left, &i, &why), 0);
            assert_string_equal(why, "the code ends inside an instruction");
            free(cut);
        }
    }
}

/* A word with zero in one field: good, or refused by that field's name. */
static void test_smallest_values(void **state) {
    (void)state;
    /* Fields that may not be zero. */
    static const int extents[SVPE_FORMAT_COUNT] = {
        [SVPE_FORMAT_LINE] = 1,  [SVPE_FORMAT_TILE] = 3, [SVPE_FORMAT_BACK] = 5,
        [SVPE_FORMAT_CONV] = 10, [SVPE_FORMAT_REQ] = 3,  [SVPE_FORMAT_PAIR] = 3,
        [SVPE_FORMAT_MAP] = 7,   [SVPE_FORMAT_WIN] = 7};
    for (int op = 0; op < SVPE_OP_COUNT; op++) {
        int refused = 0;
        const struct svpe_op_info *info = svpe_op_info((enum svpe_op)op);
        struct svpe_insn i = svpe_insn_new((enum svpe_op)op, 0), back;
        uint8_t word[SVPE_MAX_BYTES];
        const char *text;
        for (int n = 0; n < svpe_field_count(info->format); n++) {
            const struct svpe_field_info *f =
                svpe_field_info((enum svpe_field)((int)svpe_field_first(info->format) + n));
            assert_true(svpe_encode(&i, word, &text));
            for (int bit = f->low; bit < f->low + f->width; bit++)
                word[bit / 8] &= (uint8_t) ~(1u << bit % 8);
            bool good = svpe_decode(word, sizeof word, &back, &text) > 0;
            assert_int_equal(good, f->min <= 0);
            if (good) continue;
            assert_memory_equal(text, f->name, strlen(f->name));
            assert_string_equal(text + strlen(f->name), ": expected at least 1");
            refused++;
        }
        assert_int_equal(refused, extents[info->format]);
    }
}

/* Any bytes: what decodes encodes to the same bytes. */
static void test_random_words(void **state) {
    (void)state;
    struct rng r = {99};
    int good = 0;
    for (int n = 0; n < 200000; n++) {
        uint8_t word[SVPE_MAX_BYTES], again[SVPE_MAX_BYTES];
        const char *text;
        struct svpe_insn i;
        for (int b = 0; b < SVPE_MAX_BYTES; b++) word[b] = (uint8_t)rng_next(&r);
        word[0] = svpe_op_info((enum svpe_op)rng_below(&r, SVPE_OP_COUNT))->opcode;
        if (n % 2) word[1] = 0; /* no tokens */
        word[31] &= (uint8_t)rng_next(&r) & (uint8_t)rng_next(&r) & (uint8_t)rng_next(&r);
        int bytes = svpe_decode(word, sizeof word, &i, &text);
        if (!bytes) continue;
        good++;
        assert_true(svpe_encode(&i, again, &text));
        assert_memory_equal(word, again, (size_t)bytes);
    }
    assert_true(good > 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_do_not_overlap),
        cmocka_unit_test(test_rows_are_distinct),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_values_that_do_not_fit),
        cmocka_unit_test(test_own_queue),
        cmocka_unit_test(test_every_bit),
        cmocka_unit_test(test_lengths_and_opcodes),
        cmocka_unit_test(test_smallest_values),
        cmocka_unit_test(test_random_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
