/* Tokens of the IR's text form. The text is hostile: every byte is looked at before it is used. */
#include "ir/lex.h"

#include <string.h>

void lex_init(struct lexer *l, struct ctx *c, struct arena *a, const char *file, const char *text,
              size_t size) {
    *l = (struct lexer){.ctx = c, .arena = a, .file = file, .text = text, .size = size, .line = 1};
    lex_next(l);
}

const char *lex_where(struct lexer *l, const struct lex_token *t) {
    return arena_printf(l->arena, "%s:%ld:%ld", l->file, t->line, t->column);
}

const char *lex_found(struct lexer *l, const struct lex_token *t) {
    switch (t->kind) {
    case LEX_END:
        return "the end of the file";
    case LEX_VALUE:
        return arena_printf(l->arena, "'%%%s'", t->text);
    case LEX_STRING:
        return arena_printf(l->arena, "the string \"%s\"", t->text);
    default:
        return arena_printf(l->arena, "'%s'", t->text);
    }
}

static int peek(const struct lexer *l, size_t ahead) {
    return l->size - l->at > ahead ? (unsigned char)l->text[l->at + ahead] : -1;
}

static bool one_of(int c, const char *set) {
    return c > 0 && strchr(set, c) != NULL;
}

static void skip_line(struct lexer *l) {
    while (l->at < l->size && l->text[l->at] != '\n') l->at++;
}

static void skip_blank(struct lexer *l) {
    for (;;) {
        int c = peek(l, 0);
        if (c == '\n') {
            l->at++;
            l->line++;
            l->line_start = l->at;
        } else if (c == ' ' || c == '\t' || c == '\r') {
            l->at++;
        } else if (c == '#' || c == ';' || (c == '/' && peek(l, 1) == '/')) {
            skip_line(l);
        } else {
            return;
        }
    }
}

static void set_token(struct lexer *l, enum lex_kind kind, const char *text, size_t n) {
    l->tok.kind = kind;
    l->tok.text = arena_strndup(l->arena, text, n);
}

/* Leaves out the rest of the line: a line of rubbish is one fault, not one per byte. */
static void set_bad(struct lexer *l) {
    set_token(l, LEX_BAD, "", 0);
    skip_line(l);
}

static void take_while(struct lexer *l, enum lex_kind kind, const char *set) {
    size_t from = l->at;
    while (one_of(peek(l, 0), set)) l->at++;
    set_token(l, kind, l->text + from, l->at - from);
}

static int hex_digit(int c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* The byte an escape stands for, −1: not an escape. The backslash is behind us. */
static int take_escape(struct lexer *l) {
    int c = peek(l, 0);
    if (c < 0) return -1;
    l->at++;
    if (c == '"' || c == '\\') return c;
    if (c == 'n') return '\n';
    if (c == 't') return '\t';
    if (c != 'x') return -1;
    int high = hex_digit(peek(l, 0)), low = high < 0 ? -1 : hex_digit(peek(l, 1));
    if (low < 0 || high + low == 0) return -1; /* a NUL would end the name early */
    l->at += 2;
    return high * 16 + low;
}

static void take_string(struct lexer *l, enum lex_kind kind) {
    struct writer w;
    writer_init(&w, l->arena);
    l->at++;
    for (;;) {
        int c = peek(l, 0);
        if (c < 0 || c == '\n' || c == 0) {
            diag(l->ctx, ir_string_open, lex_where(l, &l->tok));
            set_bad(l);
            return;
        }
        l->at++;
        if (c == '"') break;
        if (c == '\\' && (c = take_escape(l)) < 0) {
            diag(l->ctx, ir_string_escape, lex_where(l, &l->tok));
            set_bad(l);
            return;
        }
        write_u8(&w, (uint8_t)c);
    }
    l->tok.kind = kind;
    l->tok.text = writer_string(&w);
}

/* Names may hold colons, but not end in one: that is the punctuation behind the name. */
static void take_value(struct lexer *l) {
    l->at++;
    if (peek(l, 0) == '"') {
        take_string(l, LEX_VALUE);
        return;
    }
    size_t from = l->at;
    while (one_of(peek(l, 0), IR_NAME_CHARS)) l->at++;
    while (l->at > from && l->text[l->at - 1] == ':') l->at--;
    set_token(l, LEX_VALUE, l->text + from, l->at - from);
    if (l->at > from) return;
    diag(l->ctx, ir_name_empty, lex_where(l, &l->tok));
    set_bad(l);
}

void lex_next(struct lexer *l) {
    skip_blank(l);
    int c = peek(l, 0);
    l->tok = (struct lex_token){
        .kind = LEX_END, .text = "", .line = l->line, .column = (long)(l->at - l->line_start) + 1};
    if (c < 0) return;
    if (one_of(c, "0123456789+-.")) {
        take_while(l, LEX_NUMBER, IR_WORD_CHARS "+-.");
    } else if (one_of(c, IR_WORD_CHARS)) {
        take_while(l, LEX_WORD, IR_WORD_CHARS);
    } else if (c == '%') {
        take_value(l);
    } else if (c == '"') {
        take_string(l, LEX_STRING);
    } else if (one_of(c, "(){}[],:=*?")) {
        set_token(l, LEX_PUNCT, l->text + l->at++, 1);
    } else {
        diag(l->ctx, ir_byte_bad, lex_where(l, &l->tok), (unsigned)c);
        set_bad(l);
    }
}

/* One dimension: digits or '?'; −2: something else, or more than INT32_MAX. */
static int64_t take_dim(struct lexer *l) {
    int64_t v = 0;
    if (peek(l, 0) == '?') {
        l->at++;
        return -1;
    }
    if (!one_of(peek(l, 0), "0123456789")) return -2;
    while (one_of(peek(l, 0), "0123456789")) {
        v = v * 10 + (peek(l, 0) - '0');
        if (v > INT32_MAX) return -2;
        l->at++;
    }
    return v;
}

static bool take_dims(struct lexer *l, int *rank, int64_t dims[IR_MAX_RANK]) {
    *rank = 0;
    if (peek(l, 0) == '*' && peek(l, 1) == ']') {
        *rank = -1;
        l->at += 2;
        return true;
    }
    while (peek(l, 0) != ']') {
        if (*rank > 0 && peek(l, 0) != 'x') return false;
        if (*rank > 0) l->at++;
        int64_t d = *rank < IR_MAX_RANK ? take_dim(l) : -2;
        if (d < -1) return false;
        dims[(*rank)++] = d;
    }
    l->at++;
    return true;
}

bool lex_shape(struct lexer *l, int *rank, int64_t dims[IR_MAX_RANK]) {
    bool ok = take_dims(l, rank, dims);
    if (!ok) {
        struct lex_token here = {.line = l->line, .column = (long)(l->at - l->line_start) + 1};
        size_t n = 0;
        while (n < 12 && one_of(peek(l, n), IR_WORD_CHARS "?*]")) n++;
        diag(l->ctx, ir_shape_bad, lex_where(l, &here), arena_strndup(l->arena, l->text + l->at, n),
             IR_MAX_RANK, INT32_MAX);
        skip_line(l);
    }
    lex_next(l);
    return ok;
}
