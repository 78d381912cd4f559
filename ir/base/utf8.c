/* UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF), for names that come
 * from models and may hold anything. JSON strings: RFC 8259. */
#include "base/utf8.h"

int utf8_bytes(const char *text) {
    const unsigned char *s = (const unsigned char *)text;
    if (s[0] < 0x80) return s[0] != 0;
    if (s[0] < 0xc2 || s[0] > 0xf4) return 0;
    int more = s[0] >= 0xf0 ? 3 : s[0] >= 0xe0 ? 2 : 1;
    for (int i = 1; i <= more; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool surrogate = s[0] == 0xed && s[1] >= 0xa0, beyond = s[0] == 0xf4 && s[1] >= 0x90;
    return overlong || surrogate || beyond ? 0 : more + 1;
}

/* To the next character, or past one byte that is none. */
static const char *next(const char *s) {
    int bytes = utf8_bytes(s);
    return s + (bytes ? bytes : 1);
}

int utf8_count(const char *s) {
    int n = 0;
    for (; *s; s = next(s)) n++;
    return n;
}

/* ASCII's, and those of U+0080…U+009F, which some terminals obey as well. */
static bool is_control(const char *s) {
    unsigned char first = (unsigned char)s[0], second = (unsigned char)s[1];
    return first < 0x20 || first == 0x7f || (first == 0xc2 && second < 0xa0);
}

const char *utf8_printable(struct arena *a, const char *s) {
    struct writer w;
    writer_init(&w, a);
    for (; *s; s = next(s)) {
        int bytes = utf8_bytes(s);
        if (bytes == 0 || is_control(s))
            write_u8(&w, '?');
        else
            write_bytes(&w, s, (size_t)bytes);
    }
    return writer_string(&w);
}

void write_json_string(struct writer *to, const char *s) {
    write_u8(to, '"');
    for (; *s; s = next(s)) {
        int bytes = utf8_bytes(s);
        if (bytes == 0)
            write_text(to, "\\ufffd");
        else if (bytes == 1 && is_control(s))
            write_text(to, "\\u%04x", (unsigned)*s);
        else if (*s == '"' || *s == '\\')
            write_text(to, "\\%c", *s);
        else
            write_bytes(to, s, (size_t)bytes);
    }
    write_u8(to, '"');
}
