/* Characters against the grammar of RFC 3629, section 4, row by row; strings for JSON and for
 * terminals. */
#include "test.h"

#include "base/utf8.h"

/* UTF8-octets: ranges of the first bytes. */
static const struct row {
    int bytes;
    unsigned char from[4], to[4];
} grammar[] = {
    {1, {0x01}, {0x7f}},
    {2, {0xc2, 0x80}, {0xdf, 0xbf}},
    {3, {0xe0, 0xa0, 0x80}, {0xe0, 0xbf, 0xbf}},
    {3, {0xe1, 0x80, 0x80}, {0xec, 0xbf, 0xbf}},
    {3, {0xed, 0x80, 0x80}, {0xed, 0x9f, 0xbf}},
    {3, {0xee, 0x80, 0x80}, {0xef, 0xbf, 0xbf}},
    {4, {0xf0, 0x90, 0x80, 0x80}, {0xf0, 0xbf, 0xbf, 0xbf}},
    {4, {0xf1, 0x80, 0x80, 0x80}, {0xf3, 0xbf, 0xbf, 0xbf}},
    {4, {0xf4, 0x80, 0x80, 0x80}, {0xf4, 0x8f, 0xbf, 0xbf}},
};

static int by_grammar(const unsigned char *s) {
    for (size_t i = 0; i < sizeof grammar / sizeof *grammar; i++) {
        int k = 0;
        while (k < grammar[i].bytes && s[k] >= grammar[i].from[k] && s[k] <= grammar[i].to[k]) k++;
        if (k == grammar[i].bytes) return k;
    }
    return 0;
}

/* All first and second bytes, with third and fourth ones at the ends of every range. */
static void test_characters(void **state) {
    static const unsigned char ends[] = {0, 1, 0x7f, 0x80, 0xbf, 0xc0, 0xff};
    (void)state;
    int good = 0;
    for (int a = 0; a < 256; a++)
        for (int b = 0; b < 256; b++)
            for (size_t c = 0; c < sizeof ends; c++)
                for (size_t d = 0; d < sizeof ends; d++) {
                    unsigned char s[] = {(unsigned char)a, (unsigned char)b, ends[c], ends[d], 0};
                    assert_int_equal(utf8_bytes((const char *)s), by_grammar(s));
                    good += by_grammar(s) > 0;
                }
    assert_in_range(good, 1, 256 * 256 * sizeof ends * sizeof ends - 1);
}

static void test_strings(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    static const struct {
        const char *text;
        int count;
        const char *printable, *json;
    } cases[] = {
        {"", 0, "", "\"\""},
        {"a\"b\\c/&<", 8, "a\"b\\c/&<", "\"a\\\"b\\\\c/&<\""},
        {"\t\n\x1b[2J\x7f", 7,
         "??"
         "?[2J?",
         "\"\\u0009\\u000a\\u001b[2J\\u007f\""},
        {"na\xc3\xafve \xe2\x80\xa6", 7, "na\xc3\xafve \xe2\x80\xa6",
         "\"na\xc3\xafve \xe2\x80\xa6\""},
        {"\xc2\x9b"
         "1m",
         3, "?1m",
         "\"\xc2\x9b"
         "1m\""},
        {"\xff\xc3", 2, "??", "\"\\ufffd\\ufffd\""},
        {"\xed\xa0\x80", 3,
         "??"
         "?",
         "\"\\ufffd\\ufffd\\ufffd\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct writer w;
        writer_init(&w, a);
        write_json_string(&w, cases[i].text);
        assert_string_equal(writer_string(&w), cases[i].json);
        assert_string_equal(utf8_printable(a, cases[i].text), cases[i].printable);
        assert_int_equal(utf8_count(cases[i].text), cases[i].count);
    }
    ctx_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_characters),
        cmocka_unit_test(test_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
