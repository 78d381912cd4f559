/* Arenas, diagnostics, byte readers and writers, checksums, files, options. */
#include "test.h"

#include "base/diag.h"
#include "base/options.h"
#include "base/poison.h"

#include <sys/stat.h>

static void arena_aligns_and_zeroes(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct rng r = {1};
    for (int i = 0; i < 2000; i++) {
        size_t n = rng_below(&r, i % 50 ? 300 : 70000);
        uint8_t *p = arena_alloc(a, n);
        assert_int_equal((uintptr_t)p % (n >= 64 ? 64 : 16), 0);
        for (size_t k = 0; k < n; k++) assert_int_equal(p[k], 0);
        memset(p, 0xa5, n);
    }
    arena_free(a);
    ctx_free(&c);
}

/* The sanitizer sees both ends of every allocation, also of one that fills its chunk. */
static void arena_guards_its_ends(void **state) {
    (void)state;
#ifdef NBQ_POISON
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct rng r = {4};
    for (int i = 0; i < 500; i++) {
        size_t n = i % 20 ? rng_below(&r, 200) + 1 : (size_t)4096 << i / 100;
        char *p = arena_alloc(a, n);
        assert_null(__asan_region_is_poisoned(p, n));
        assert_true(__asan_address_is_poisoned(p + n));
        assert_true(__asan_address_is_poisoned(p - 1));
    }
    ctx_free(&c);
#else
    skip();
#endif
}

/* So does a mapped file, up to the end of its page. */
static void files_are_guarded(void **state) {
    (void)state;
#ifdef NBQ_POISON
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    const char *path = test_file(&c, a, ".bin", "thirteen byte", 13);
    struct file_view v;
    assert_true(file_map(&c, path, &v));
    assert_null(__asan_region_is_poisoned((void *)(uintptr_t)v.data, v.size));
    assert_true(__asan_address_is_poisoned(v.data + v.size));
    assert_true(__asan_address_is_poisoned(v.data + 4095));
    unlink(path);
    ctx_free(&c);
#else
    skip();
#endif
}

static void arena_refuses_overflow(void **state) {
    (void)state;
    struct ctx c;
    ctx_init(&c, "test", NULL);
    volatile int left = 0;
    if (!setjmp(c.oom)) {
        struct arena *a = arena_new(&c);
        arena_array(a, SIZE_MAX / 2, 3);
        fail_msg("an impossible size was allocated");
    } else {
        left = 1;
    }
    assert_int_equal(left, 1);
    ctx_free(&c);
}

static void count_release(void *object) {
    ++*(int *)object;
}

static void deferred_releases_run_once(void **state) {
    (void)state;
    TEST_CTX(c);
    int n = 0;
    ctx_defer(&c, count_release, &n);
    ctx_defer(&c, count_release, &n);
    ctx_free(&c);
    assert_int_equal(n, 2);
    ctx_free(&c);
    assert_int_equal(n, 2);
}

#define DIAG DIAG_TABLE_ROW
DIAG(test_row, ERROR, "found %d; expected %s", "try again")
#undef DIAG

static void diagnostics_are_kept_in_order(void **state) {
    (void)state;
    TEST_CTX(c);
    diag(&c, test_row, "here", 3, "four");
    diag(&c, test_row, NULL, 5, "six");
    assert_int_equal(c.errors, 2);
    assert_string_equal(c.first->message, "found 3; expected four");
    assert_string_equal(c.first->where, "here");
    assert_string_equal(c.first->hint, "try again");
    assert_string_equal(c.last->message, "found 5; expected six");
    assert_ptr_equal(diag_find(&c, "test_row"), c.first);
    assert_null(diag_find(&c, "other"));
    ctx_free(&c);
}

static void bytes_round_trip(void **state) {
    (void)state;
    TEST_CTX(c);
    struct writer w;
    writer_init(&w, arena_new(&c));
    write_u8(&w, 0x12);
    write_align(&w, 4);
    write_u16(&w, 0x3456);
    write_u32(&w, 0x789abcde);
    write_u64(&w, 0x0123456789abcdef);
    write_text(&w, "%s-%d", "x", 7);
    patch_u32(&w, 6, 0xfeedface);
    struct reader r = reader_of(w.data, w.size);
    assert_int_equal(read_u8(&r), 0x12);
    read_bytes(&r, 3);
    assert_int_equal(read_u16(&r), 0x3456);
    assert_int_equal(read_u32(&r), 0xfeedface);
    assert_int_equal(read_u64(&r), 0x0123456789abcdef);
    assert_memory_equal(read_bytes(&r, 3), "x-7", 3);
    assert_false(r.bad);
    assert_int_equal(read_u8(&r), 0);
    assert_true(r.bad);
    assert_null(read_bytes(&r, 0));
    ctx_free(&c);
}

static void crc_of_known_vectors(void **state) {
    (void)state;
    uint8_t zeros[32] = {0}, ones[32], up[32];
    memset(ones, 0xff, sizeof ones);
    for (int i = 0; i < 32; i++) up[i] = (uint8_t)i;
    assert_int_equal(crc32c(0, "123456789", 9),
                     0xe3069283); /* RFC 3720, B.4 and the usual check value */
    assert_int_equal(crc32c(0, zeros, 32), 0x8a9136aa);
    assert_int_equal(crc32c(0, ones, 32), 0x62a8ab43);
    assert_int_equal(crc32c(0, up, 32), 0x46dd794e);
    assert_int_equal(crc32c(crc32c(0, up, 13), up + 13, 19), 0x46dd794e);
    assert_int_equal(hash64("a", 1), 0xaf63dc4c8601ec8c);
}

/* The first, the eighth, the ninth and the sixteenth of the vectors its authors give. */
static void keyed_hash_of_known_vectors(void **state) {
    (void)state;
    struct hash_key key = {{0x0706050403020100, 0x0f0e0d0c0b0a0908}};
    uint8_t up[16];
    for (int i = 0; i < 16; i++) up[i] = (uint8_t)i;
    assert_int_equal(hash_keyed(key, up, 0), 0x726fdb47dd0e0e31);
    assert_int_equal(hash_keyed(key, up, 7), 0xab0200f58b01d137);
    assert_int_equal(hash_keyed(key, up, 8), 0x93f5f5799a932462);
    assert_int_equal(hash_keyed(key, up, 15), 0xa129ca6149be45e5);
    struct hash_key a = hash_key_new(), b = hash_key_new();
    assert_memory_not_equal(&a, &b, sizeof a);
    assert_true(hash_keyed(a, up, 16) != hash_keyed(b, up, 16));
}

static void random_numbers_are_the_stated_ones(void **state) {
    (void)state;
    struct rng r = {0};
    assert_int_equal(rng_next(&r),
                     0xe220a8397b1dcdaf); /* splitmix64's published first value of seed 0 */
    double sum = 0, square = 0;
    for (int i = 0; i < 20000; i++) {
        double x = rng_normal(&r);
        sum += x;
        square += x * x;
    }
    assert_true(sum / 20000 < 0.03 && sum / 20000 > -0.03);
    assert_true(square / 20000 < 1.05 && square / 20000 > 0.95);
}

static void files_are_replaced_whole(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    const char *path = test_file(&c, a, ".bin", "old", 3);
    struct file_view v;
    assert_true(file_map(&c, path, &v));
    assert_int_equal(v.size, 3);
    assert_true(file_replace(&c, path, "newer", 5));
    assert_memory_equal(v.data, "old", 3);
    assert_true(file_map(&c, path, &v));
    assert_memory_equal(v.data, "newer", 5);
    const char *link = arena_printf(a, "%s.link", path);
    struct stat st;
    assert_int_equal(symlink(path, link), 0);
    assert_true(file_replace(&c, link, "behind", 6));
    assert_true(lstat(link, &st) == 0 && S_ISLNK(st.st_mode));
    assert_true(file_map(&c, path, &v));
    assert_memory_equal(v.data, "behind", 6);
    assert_true(file_replace(&c, "/dev/null", "gone", 4));
    assert_true(stat("/dev/null", &st) == 0 && S_ISCHR(st.st_mode));
    unlink(link);
    assert_false(file_replace(&c, "/nonexistent/x", "a", 1));
    assert_non_null(diag_find(&c, "file_write"));
    assert_false(file_map(&c, "/nonexistent/x", &v));
    assert_non_null(diag_find(&c, "file_open"));
    assert_false(file_map(&c, "/", &v));
    assert_non_null(diag_find(&c, "file_directory"));
    unlink(path);
    ctx_free(&c);
}

enum { ROW_COUNT = 6 };

static const struct option_row rows[ROW_COUNT] = {
    {"out", 'o', OPT_STRING, "FILE", "output", 0, 0},
    {"bits", 0, OPT_INT, "N", "bits", 1, 5},
    {"mean", 0, OPT_FLOATS, "a,b,c", "mean", 0, 0},
    {"dim", 0, OPT_LIST, "NAME=K", "dimension", 0, 0},
    {"json", 0, OPT_FLAG, NULL, "json", 0, 0},
    {"j", 'j', OPT_INT, "N", "threads", 1, 64},
};

static bool parse(struct ctx *c, struct option_set *set, int argc, const char **argv) {
    *set = (struct option_set){
        .tool = "tool", .usage = "", .summary = "", .rows = rows, .row_count = ROW_COUNT};
    return options_parse(c, arena_new(c), set, argc, (char **)(uintptr_t)argv);
}

static void options_of_every_kind(void **state) {
    (void)state;
    TEST_CTX(c);
    struct option_set set;
    const char *argv[] = {"tool",  "in",   "-o",        "x",      "--bits=3", "--mean=0.5,-1,2e1",
                          "--dim", "N=1",  "--dim=M=2", "--json", "-j",       "2",
                          "--",    "--odd"};
    assert_true(parse(&c, &set, 14, argv));
    assert_string_equal(set.values[0].text, "x");
    assert_int_equal(set.values[1].number, 3);
    assert_int_equal(set.values[2].count, 3);
    assert_true(set.values[2].floats[2] == 20);
    assert_int_equal(set.values[3].count, 2);
    assert_string_equal(set.values[3].list[1], "M=2");
    assert_true(set.values[4].given);
    assert_int_equal(set.values[5].number, 2);
    assert_int_equal(set.positional_count, 2);
    assert_string_equal(set.positional[1], "--odd");
    assert_true(parse(&c, &set, 3, (const char *[]){"tool", "-ofile", "-j=3"}));
    assert_string_equal(set.values[0].text, "file");
    assert_int_equal(set.values[5].number, 3);
    ctx_free(&c);
}

static void refuses(const char *word, const char *id) {
    TEST_CTX(c);
    struct option_set set;
    const char *argv[] = {"tool", word};
    assert_false(parse(&c, &set, 2, argv));
    if (!diag_find(&c, id)) fail_msg("%s: expected %s", word, id);
    ctx_free(&c);
}

static void options_refuse_with_a_reason(void **state) {
    (void)state;
    static const struct {
        const char *word, *id;
    } cases[] = {
        {"--bits=9", "option_range"},          {"--bits=x", "option_not_number"},
        {"--bits=", "option_not_number"},      {"--mean=1,,2", "option_floats"},
        {"--mean=1,2,3,4,5", "option_floats"}, {"--mean=nan", "option_floats"},
        {"--json=1", "option_extra_value"},    {"--bist=3", "option_unknown_near"},
        {"--zzzzzz", "option_unknown"},        {"-q", "option_unknown"},
        {"--out", "option_no_value"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) refuses(cases[i].word, cases[i].id);
}

static void help_is_what_can_be_typed(void **state) {
    (void)state;
    char text[1024] = "";
    FILE *f = fmemopen(text, sizeof text - 1, "w");
    assert_non_null(f);
    static const char *const names[] = {"x", "y", "z"}, *const meanings[] = {"one", NULL, "more"};
    static const struct option_words words[ROW_COUNT] = {
        [0] = {names, meanings, 3, 0}, [1] = {names, NULL, 2, 1}, [3] = {names, NULL, 1, -1}};
    struct option_set set = {.tool = "tool",
                             .usage = "IN",
                             .summary = "Does it.",
                             .rows = rows,
                             .row_count = ROW_COUNT,
                             .words = words};
    options_help(&set, f);
    fclose(f);
    assert_non_null(strstr(text, "usage: tool IN\nDoes it.\n"));
    assert_non_null(
        strstr(text, "  -o, --out=FILE              output: x (default; one), y or z (more)\n"));
    assert_non_null(strstr(text, "  --bits=N                    bits: x or y (default)\n"));
    assert_non_null(strstr(text, "  --dim=NAME=K                dimension: x\n"));
    assert_non_null(strstr(text, "  -j N                        threads\n"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_aligns_and_zeroes),
        cmocka_unit_test(arena_guards_its_ends),
        cmocka_unit_test(files_are_guarded),
        cmocka_unit_test(arena_refuses_overflow),
        cmocka_unit_test(deferred_releases_run_once),
        cmocka_unit_test(diagnostics_are_kept_in_order),
        cmocka_unit_test(bytes_round_trip),
        cmocka_unit_test(crc_of_known_vectors),
        cmocka_unit_test(keyed_hash_of_known_vectors),
        cmocka_unit_test(random_numbers_are_the_stated_ones),
        cmocka_unit_test(files_are_replaced_whole),
        cmocka_unit_test(options_of_every_kind),
        cmocka_unit_test(options_refuse_with_a_reason),
        cmocka_unit_test(help_is_what_can_be_typed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
