/* Target descriptions: the built-in ones are what the documentation promises, and every way a file
 * can be wrong is said with its line. */
#include "test.h"

#include "isa/isa.h"

static const struct promise {
    const char *name;
    int64_t macs, kib, bits, act8, act16, acc, dram, mhz, element;
} promises[] = {
    {"zcu102", 4096, 3072, 4, 1, 0, 32, 96, 200, 0},
    {"zcu102-n3", 8192, 3072, 3, 1, 0, 32, 96, 200, 0},
    {"zcu102-a16", 4096, 3072, 3, 0, 1, 48, 96, 200, 0},
    {"zcu102-paper", 2304, 3072, 5, 0, 1, 48, 96, 200, 0},
    {"zcu102-vpe", 576, 3072, 16, 0, 1, 48, 96, 200, 1},
    {"zcu102-vpe-full", 2304, 3072, 16, 0, 1, 48, 96, 200, 1},
    {"zcu102-vpe-int8", 4608, 3072, 8, 1, 0, 32, 96, 200, 1},
    {"vta", 256, 512, 4, 1, 0, 32, 8, 100, 0},
    {"tiny", 64, 64, 5, 1, 1, 48, 8, 100, 0},
};
enum { PROMISES = sizeof promises / sizeof *promises };

static void test_built_in(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    assert_int_equal(svpe_target_count(), PROMISES);
    for (int n = 0; n < PROMISES; n++) {
        const struct promise *p = &promises[n];
        const struct svpe_target *t = svpe_target_find(&c, a, p->name);
        if (!t) fail_msg("%s: %s", p->name, c.first ? c.first->message : "?");
        assert_string_equal(t->name, p->name);
        assert_int_equal(t->lanes * t->elements * t->columns, p->macs);
        assert_int_equal(t->act_bytes + t->wgt_bytes + t->acc_bytes + t->par_bytes, p->kib * 1024);
        assert_int_equal(t->weight_bits, p->bits);
        assert_int_equal(t->act8, p->act8);
        assert_int_equal(t->act16, p->act16);
        assert_int_equal(t->acc_bits, p->acc);
        assert_int_equal(t->dram_bytes, p->dram);
        assert_int_equal(t->mhz, p->mhz);
        assert_int_equal(t->element, p->element);
    }
    assert_int_equal(c.errors, 0);
    ctx_free(&c);
}

static void test_sizes(void **state) {
    (void)state;
    TEST_CTX(c);
    const struct svpe_target *t = svpe_target_find(&c, arena_new(&c), "tiny");
    assert_int_equal(svpe_act_vectors(t, 8), 32768 / 8);
    assert_int_equal(svpe_act_vectors(t, 16), 32768 / 16);
    assert_int_equal(svpe_wgt_dwords(t), 2048);
    assert_int_equal(svpe_acc_entries(t), 12288 / (4 * 48 / 8));
    assert_int_equal(svpe_par_dwords(t), 512);
    ctx_free(&c);
}

static const char *text_of(struct ctx *c, struct arena *a, const char *name) {
    return svpe_target_text(a, svpe_target_find(c, a, name));
}

static void test_text_is_identity(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    for (int n = 0; n < svpe_target_count(); n++) {
        const struct svpe_target *t = svpe_target_find(&c, a, svpe_target_name(n));
        const char *text = svpe_target_text(a, t);
        struct svpe_target *u = svpe_target_parse(&c, a, "dir/copy.target", text, strlen(text));
        assert_non_null(u);
        assert_string_equal(u->name, "copy");
        assert_string_equal(svpe_target_text(a, u), text);
        assert_int_equal(svpe_target_hash(u), svpe_target_hash(t));
        for (int k = 0; k < n; k++) {
            const struct svpe_target *other = svpe_target_find(&c, a, svpe_target_name(k));
            assert_true(svpe_target_hash(other) != svpe_target_hash(t));
        }
        u->dram_latency++;
        assert_true(svpe_target_hash(u) != svpe_target_hash(t));
    }
    ctx_free(&c);
}

/* The text with the line of `key` replaced; line NULL: taken out. */
static const char *edited(struct arena *a, const char *text, const char *key, const char *line) {
    struct writer w;
    writer_init(&w, a);
    size_t n = strlen(key);
    while (*text) {
        size_t length = strcspn(text, "\n") + 1;
        bool match = strncmp(text, key, n) == 0 && text[n] == ' ';
        if (!match) write_bytes(&w, text, length);
        if (match && line) write_text(&w, "%s\n", line);
        text += length;
    }
    return writer_string(&w);
}

static void expect_fault(const char *text, const char *where, const char *message) {
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    assert_null(svpe_target_parse(&c, a, "x.target", text, strlen(text)));
    for (const struct diag *d = c.first; d; d = d->next) {
        if (strcmp(d->where, where) == 0 && strstr(d->message, message)) {
            ctx_free(&c);
            return;
        }
    }
    fail_msg("no \"%s: %s\"; the first one is \"%s: %s\"", where, message,
             c.first ? c.first->where : "", c.first ? c.first->message : "");
}

static const struct {
    const char *name;
    int64_t min, max;
} keys[] = {
#define TARGET_KEY(name, min, max, meaning) {#name, min, max},
#include "isa/target.def"
#undef TARGET_KEY
};

static void test_every_key(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    const char *good = text_of(&c, a, "tiny");
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        const char *name = keys[k].name, *where = arena_printf(a, "x.target:%zu", k + 1);
        const char *message = arena_printf(a, "key '%s' is missing", name);
        expect_fault(edited(a, good, name, NULL), "x.target", message);
        const char *twice = arena_printf(a, "%s%s = 1\n", good, name);
        message = arena_printf(a, "key '%s' was given before, in line %zu", name, k + 1);
        expect_fault(twice, arena_printf(a, "x.target:%zu", sizeof keys / sizeof *keys + 1),
                     message);
        message = arena_printf(a, "%s: expected", name);
        expect_fault(edited(a, good, name, arena_printf(a, "%s = 12x", name)), where, message);
        const long long outside[] = {(long long)keys[k].min - 1, (long long)keys[k].max + 1};
        for (int n = 0; n < 2; n++) {
            const char *line = arena_printf(a, "%s = %lld", name, outside[n]);
            expect_fault(edited(a, good, name, line), where, message);
        }
    }
    ctx_free(&c);
}

static const struct rule {
    const char *target, *key, *line, *message;
} rules[] = {
    {"tiny", "lanes", "lanes = 12", "lanes: expected a power of two, found 12"},
    {"tiny", "elements", "elements = 3", "elements: expected a power of two, found 3"},
    {"tiny", "gather", "gather = 9", "gather: expected at most lanes, found 9"},
    {"tiny", "vector_lanes", "vector_lanes = 12", "vector_lanes: expected a multiple of lanes"},
    {"vta", "act8", "act8 = 0", "act16: expected 1 where act8 is 0"},
    {"tiny", "weight_bits", "weight_bits = 6", "weight_bits: expected 1…5 with element = svpe"},
    {"zcu102-vpe", "weight_bits", "weight_bits = 12", "weight_bits: expected 8 or 16"},
    {"tiny", "acc_bits", "acc_bits = 40", "acc_bits: expected 32 or 48, found 40"},
    {"tiny", "acc_bits", "acc_bits = 32", "acc_bits: expected 48 where act16 is 1"},
    {"tiny", "act_bytes", "act_bytes = 4194304", "act_bytes: expected at most 262144 vectors"},
    {"tiny", "acc_bytes", "acc_bytes = 16777216", "acc_bytes: expected at most 65536 entries"},
};

static void test_rules(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    for (size_t n = 0; n < sizeof rules / sizeof *rules; n++) {
        const char *good = text_of(&c, a, rules[n].target);
        expect_fault(edited(a, good, rules[n].key, rules[n].line), "x.target", rules[n].message);
    }
    ctx_free(&c);
}

static void test_lines(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    const char *good = text_of(&c, a, "tiny");
    const char *odd = arena_printf(a, "# comment = 1\r\n\n  \t\n%s # end, without a newline", good);
    assert_non_null(svpe_target_parse(&c, a, "x.target", odd, strlen(odd)));
    expect_fault(arena_printf(a, "%slane = 8", good), "x.target:22", "did you mean 'lanes'?");
    expect_fault(arena_printf(a, "%squatsch = 8", good), "x.target:22", "unknown key 'quatsch'");
    expect_fault(arena_printf(a, "\n%slanes", good), "x.target:23", "expected 'key = value'");
    expect_fault("", "x.target", "key 'mhz' is missing");
    ctx_free(&c);
}

static void test_find(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    const char *good = text_of(&c, a, "vta");
    const char *path = test_file(&c, a, ".target", good, strlen(good));
    const struct svpe_target *t = svpe_target_find(&c, a, path);
    assert_non_null(t);
    assert_int_equal(svpe_target_hash(t), svpe_target_hash(svpe_target_find(&c, a, "vta")));
    unlink(path);
    assert_int_equal(c.errors, 0);
    assert_null(svpe_target_find(&c, a, "zcu12"));
    assert_non_null(strstr(diag_find(&c, "target_unknown_near")->message, "did you mean 'zcu102'"));
    assert_null(svpe_target_find(&c, a, "gibt es nicht"));
    assert_non_null(strstr(diag_find(&c, "target_unknown")->message, "tiny"));
    assert_null(svpe_target_find(&c, a, path));
    ctx_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_built_in),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_text_is_identity),
        cmocka_unit_test(test_every_key),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_find),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
