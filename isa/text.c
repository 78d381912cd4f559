/* Assembly: `mnemonic field=value … wait=queue+queue post=queue layer=N ; comment`, one instruction
 * per line, and back. Fields that have their resting value (0; the queue of end: store) may be left
 * out; printing leaves zeros out where they have no name. Words that are no instructions stand as
 * `.word` with their bytes, so that every code section has a text that gives it back. */
#include "isa/isa.h"

#include "base/options.h"
#include "isa/diag.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Fields whose values have names. */
static const char *wfmt_name(int v) {
    return svpe_wfmt_info((enum svpe_wfmt)v)->name;
}
static const char *form_name(int v) {
    return svpe_form_info((enum svpe_form)v)->name;
}
static const char *region_name(int v) {
    return svpe_region_name((enum svpe_region)v);
}
static const char *queue_name(int v) {
    return svpe_queue_name((enum svpe_queue)v);
}

static const struct named {
    const char *field;
    int count;
    const char *(*name)(int);
} named[] = {
    {"wfmt", SVPE_WFMT_COUNT, wfmt_name},
    {"form", SVPE_FORM_COUNT, form_name},
    {"region", SVPE_REGION_COUNT, region_name},
    {"queue", SVPE_QUEUE_COUNT, queue_name},
};

static const struct named *names_of(const char *field) {
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        if (strcmp(named[i].field, field) == 0) return &named[i];
    }
    return NULL;
}

/* Printing. */

static void print_queues(const char *what, unsigned mask, struct writer *to) {
    const char *before = "=";
    if (!mask) return;
    write_text(to, " %s", what);
    for (int q = 0; q < SVPE_QUEUE_COUNT; q++) {
        if (!(mask >> q & 1)) continue;
        write_text(to, "%s%s", before, queue_name(q));
        before = "+";
    }
}

void svpe_print_insn(const struct svpe_insn *i, struct writer *to) {
    const struct svpe_op_info *op = svpe_op_info(i->op);
    enum svpe_field first = svpe_field_first(op->format);
    write_text(to, "%s", op->mnemonic);
    for (int n = 0; n < svpe_field_count(op->format); n++) {
        const struct svpe_field_info *f = svpe_field_info((enum svpe_field)((int)first + n));
        const struct named *names = names_of(f->name);
        int64_t v = i->field[n];
        if (!(op->uses >> n & 1) || (v == 0 && !names)) continue;
        if (names && v >= 0 && v < names->count) {
            write_text(to, " %s=%s", f->name, names->name((int)v));
        } else {
            write_text(to, " %s=%lld", f->name, (long long)v);
        }
    }
    print_queues("wait", i->wait, to);
    print_queues("post", i->post, to);
    write_text(to, " layer=%d", i->layer);
}

size_t svpe_print_word(const uint8_t *code, size_t left, struct svpe_insn *i, const char **why,
                       struct writer *to) {
    int bytes = svpe_decode(code, left, i, why);
    if (bytes) {
        svpe_print_insn(i, to);
        return (size_t)bytes;
    }
    size_t n = code[0] & 0x80 ? 32 : 16; /* bit 7 tells the length, also of a bad word */
    if (n > left) n = left;
    write_text(to, ".word ");
    for (size_t k = 0; k < n; k++) write_text(to, "%02x", code[k]);
    write_text(to, " ; %s", *why);
    return n;
}

void svpe_disassemble(const uint8_t *code, size_t size, struct writer *to) {
    struct svpe_insn i;
    const char *why;
    for (size_t at = 0; at < size;) {
        at += svpe_print_word(code + at, size - at, &i, &why, to);
        write_text(to, "\n");
    }
}

/* Parsing. */

struct parse {
    struct ctx *c;
    struct arena *a;
    const char *where;
    struct svpe_insn i;
    uint32_t seen; /* fields given, by position */
    bool wait, post, layer;
};

static enum svpe_op find_op(struct parse *p, const char *mnemonic) {
    const char *names[SVPE_OP_COUNT];
    for (int op = 0; op < SVPE_OP_COUNT; op++) {
        names[op] = svpe_op_info((enum svpe_op)op)->mnemonic;
        if (strcmp(names[op], mnemonic) == 0) return (enum svpe_op)op;
    }
    const char *near = nearest_name(mnemonic, names, SVPE_OP_COUNT);
    if (near) {
        diag(p->c, as_mnemonic_near, p->where, mnemonic, near);
    } else {
        diag(p->c, as_mnemonic, p->where, mnemonic);
    }
    return SVPE_OP_COUNT;
}

static bool parse_number(struct parse *p, const char *field, const char *text, int64_t *v) {
    char *end;
    errno = 0;
    const char *digits = text + (*text == '-');
    long long x = strtoll(text, &end, strncmp(digits, "0x", 2) == 0 ? 16 : 10);
    if (end == text || *end || errno) {
        diag(p->c, as_number, p->where, field, text);
        return false;
    }
    *v = x;
    return true;
}

static bool in_range(struct parse *p, enum svpe_field f, int64_t v) {
    int64_t min, max;
    svpe_field_range(f, &min, &max);
    if (v >= min && v <= max) return true;
    diag(p->c, as_range, p->where, svpe_field_info(f)->name, (long long)min, (long long)max,
         (long long)v);
    return false;
}

static int find_name(const struct named *names, const char *text) {
    int n = 0;
    while (n < names->count && strcmp(names->name(n), text) != 0) n++;
    return n;
}

static void say_names(struct parse *p, const struct named *names, const char *text) {
    const char *all = "";
    for (int n = 0; n < names->count; n++) {
        all = arena_printf(p->a, "%s%s%s", all, n ? ", " : "", names->name(n));
    }
    diag(p->c, as_name, p->where, names->field, all, text);
}

static void parse_value(struct parse *p, enum svpe_field f, const char *text) {
    const struct svpe_field_info *info = svpe_field_info(f);
    const struct named *names = names_of(info->name);
    int64_t v = 0;
    bool word = *text && !strchr("+-0123456789", *text);
    if (names && word) {
        v = find_name(names, text);
        if (v == names->count) {
            say_names(p, names, text);
            return;
        }
    } else if (!parse_number(p, info->name, text, &v)) {
        return;
    }
    if (in_range(p, f, v)) svpe_set(&p->i, f, v);
}

static void parse_queues(struct parse *p, const char *field, bool *seen, char *text, uint8_t *to) {
    if (*seen) diag(p->c, as_twice, p->where, field);
    *seen = true;
    while (text) {
        char *plus = strchr(text, '+');
        if (plus) *plus++ = 0;
        int q = find_name(names_of("queue"), text);
        if (q == SVPE_QUEUE_COUNT) {
            say_names(p, names_of("queue"), text);
        } else {
            *to = (uint8_t)(*to | 1 << q);
        }
        text = plus;
    }
}

static void parse_layer(struct parse *p, const char *text) {
    int64_t v;
    if (p->layer) diag(p->c, as_twice, p->where, "layer");
    p->layer = true;
    if (parse_number(p, "layer", text, &v) && in_range(p, SVPE_HEAD_layer, v)) {
        p->i.layer = (uint16_t)v;
    }
}

static void say_unknown_field(struct parse *p, const char *name) {
    const struct svpe_op_info *op = svpe_op_info(p->i.op);
    enum svpe_field first = svpe_field_first(op->format);
    const char *names[SVPE_MAX_FIELDS + 3] = {"wait", "post", "layer"};
    int count = 3;
    for (int n = 0; n < svpe_field_count(op->format); n++) {
        if (!(op->uses >> n & 1)) continue;
        names[count++] = svpe_field_info((enum svpe_field)((int)first + n))->name;
    }
    const char *near = nearest_name(name, names, count);
    if (near) {
        diag(p->c, as_field_near, p->where, op->mnemonic, name, near);
    } else {
        diag(p->c, as_field, p->where, op->mnemonic, name);
    }
}

static void parse_field(struct parse *p, const char *name, char *value) {
    const struct svpe_op_info *op = svpe_op_info(p->i.op);
    enum svpe_field first = svpe_field_first(op->format);
    for (int n = 0; n < svpe_field_count(op->format); n++) {
        enum svpe_field f = (enum svpe_field)((int)first + n);
        if (!(op->uses >> n & 1) || strcmp(svpe_field_info(f)->name, name) != 0) continue;
        if (p->seen >> n & 1) diag(p->c, as_twice, p->where, name);
        p->seen |= 1u << n;
        parse_value(p, f, value);
        return;
    }
    say_unknown_field(p, name);
}

static void parse_item(struct parse *p, char *item) {
    char *equals = strchr(item, '=');
    if (!equals) {
        diag(p->c, as_item, p->where, item);
        return;
    }
    *equals = 0;
    if (strcmp(item, "wait") == 0) {
        parse_queues(p, item, &p->wait, equals + 1, &p->i.wait);
    } else if (strcmp(item, "post") == 0) {
        parse_queues(p, item, &p->post, equals + 1, &p->i.post);
    } else if (strcmp(item, "layer") == 0) {
        parse_layer(p, equals + 1);
    } else {
        parse_field(p, item, equals + 1);
    }
}

/* Cuts the next word off *text; NULL at the end of the line or at a comment. */
static char *next_word(char **text) {
    static const char blank[] = " \t\r";
    char *word = *text + strspn(*text, blank);
    if (*word == 0 || *word == ';') return NULL;
    char *end = word + strcspn(word, " \t\r;");
    if (*end == ';') {
        *end = 0;
        *text = end;
    } else {
        *text = *end ? end + 1 : end;
        *end = 0;
    }
    return word;
}

/* The rest of a line after its mnemonic. */
static bool parse_rest(struct parse *p, const char *mnemonic, char *rest) {
    int errors = p->c->errors;
    enum svpe_op op = find_op(p, mnemonic);
    if (op == SVPE_OP_COUNT) return false;
    p->i = svpe_insn_new(op, 0);
    for (char *item; (item = next_word(&rest));) parse_item(p, item);
    uint8_t word[SVPE_MAX_BYTES];
    const char *bad;
    if (p->c->errors == errors && !svpe_encode(&p->i, word, &bad)) {
        diag(p->c, as_own_queue, p->where, bad, svpe_queue_name(p->i.queue));
    }
    return p->c->errors == errors;
}

static int hex_digit(char ch) {
    const char digits[] = "0123456789abcdef";
    const char *at = ch ? strchr(digits, ch) : NULL;
    return at ? (int)(at - digits) : -1;
}

static void assemble_bytes(struct parse *p, char *rest, struct writer *to) {
    const char *hex = next_word(&rest);
    size_t n = hex ? strlen(hex) : 0;
    bool good = n > 0 && n % 2 == 0 && !next_word(&rest);
    for (size_t i = 0; i < n; i++) good = good && hex_digit(hex[i]) >= 0;
    if (!good) {
        diag(p->c, as_bytes, p->where);
        return;
    }
    for (size_t i = 0; i < n; i += 2) {
        write_u8(to, (uint8_t)((unsigned)hex_digit(hex[i]) << 4 | (unsigned)hex_digit(hex[i + 1])));
    }
}

static void assemble_line(struct parse *p, char *line, struct writer *to) {
    char *mnemonic = next_word(&line);
    if (!mnemonic) return;
    if (strcmp(mnemonic, ".word") == 0) {
        assemble_bytes(p, line, to);
    } else if (parse_rest(p, mnemonic, line)) {
        uint8_t word[SVPE_MAX_BYTES];
        const char *bad;
        svpe_encode(&p->i, word, &bad);
        write_bytes(to, word, (size_t)svpe_insn_bytes(p->i.op));
    }
}

/* nbq-objdump's headers start so; see tools/nbq-objdump.c. */
static bool has_headers(const char *text, size_t size) {
    static const char sign[] = ": .svpe version ";
    const char *newline = memchr(text, '\n', size);
    size_t n = newline ? (size_t)(newline - text) : size;
    for (size_t i = 0; i + sizeof sign - 1 <= n; i++)
        if (!memcmp(text + i, sign, sizeof sign - 1)) return text[0] != ';';
    return false;
}

enum { SAY_MOST = 20 };

/* Faults beyond those are kept, as all are, but not printed one by one. */
static void assemble_lines(struct ctx *c, const char *file, const char *text, size_t size,
                           struct writer *to) {
    int errors = c->errors, said = 0, line = 0;
    struct arena *a = arena_new(c);
    FILE *live = c->live;
    for (size_t at = 0; at < size;) {
        const char *newline = memchr(text + at, '\n', size - at);
        size_t n = newline ? (size_t)(newline - (text + at)) : size - at;
        struct parse p = {.c = c, .a = a, .where = arena_printf(a, "%s:%d", file, ++line)};
        if (memchr(text + at, 0, n)) {
            diag(c, as_zero_byte, p.where);
        } else {
            assemble_line(&p, arena_strndup(a, text + at, n), to);
        }
        if (live && !said && c->errors - errors >= SAY_MOST) {
            said = c->errors;
            c->live = NULL;
        }
        at += n + 1;
    }
    c->live = live;
    int more = said ? c->errors - said : 0;
    if (more) diag(c, as_more, file, more, more == 1 ? "" : "s");
    arena_free(a);
}

bool svpe_assemble(struct ctx *c, const char *file, const char *text, size_t size,
                   struct writer *to) {
    int errors = c->errors;
    if (has_headers(text, size))
        diag(c, as_listing, file);
    else
        assemble_lines(c, file, text, size, to);
    return c->errors == errors;
}
