/* Tokens of the IR's text form (docs/ir.md). */
#ifndef NBQ_IR_LEX_H
#define NBQ_IR_LEX_H

#include "ir/internal.h"

enum lex_kind {
    LEX_END,
    LEX_WORD,   /* graph, conv, pads */
    LEX_VALUE,  /* %name or %"name"; text is the name */
    LEX_STRING, /* "…"; text is what it stands for */
    LEX_NUMBER,
    LEX_PUNCT, /* one of ( ) { } [ ] , : = * ? */
    LEX_BAD,   /* said already */
};

struct lex_token {
    enum lex_kind kind;
    const char *text;  /* NUL-terminated */
    long line, column; /* from 1; columns count bytes */
};

struct lexer {
    struct ctx *ctx;
    struct arena *arena;
    const char *file, *text;
    size_t size, at; /* at: behind the current token */
    long line;
    size_t line_start;
    struct lex_token tok;
};

/* lex.c */
void lex_init(struct lexer *l, struct ctx *c, struct arena *a, const char *file, const char *text,
              size_t size);
void lex_next(struct lexer *l);
/* Reads the dimensions behind a '[' that is the current token, and the ']'; false after saying what
 * was found. The token after them becomes the current one. */
bool lex_shape(struct lexer *l, int *rank, int64_t dims[IR_MAX_RANK]);
const char *lex_where(struct lexer *l, const struct lex_token *t); /* "FILE:LINE:COLUMN" */
const char *
lex_found(struct lexer *l,
          const struct lex_token *t); /* for messages: "'conv'", "the end of the file" */

#endif
