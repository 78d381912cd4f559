/* Command lines from one table per tool (frontend/nbqc.opt.def and the like), from which --help and
 * messages are printed too. Forms: --name, --name=VALUE, --name VALUE, -x, -x VALUE, -xVALUE,
 * -x=VALUE; "--" ends options. Unknown names suggest the nearest one. */
#ifndef NBQ_BASE_OPTIONS_H
#define NBQ_BASE_OPTIONS_H

#include "base/ctx.h"

/* A flag with an argument may have one behind "=": its text, NULL without. */
enum option_kind { OPT_FLAG, OPT_STRING, OPT_INT, OPT_FLOATS, OPT_LIST };

struct option_row {
    const char *name; /* without dashes; a one-letter name is a short option */
    char letter;      /* short form, or 0 */
    enum option_kind kind;
    const char *argument; /* shown in --help, e.g. "FILE"; NULL for flags */
    const char *help;
    long long min, max; /* OPT_INT: allowed range, inclusive; OPT_STRING: max 1: may be empty */
};

struct option_words {                           /* of an OPT_STRING that takes one of some names */
    const char *const *names, *const *meanings; /* meanings: NULL, or one of each name */
    int count, otherwise;                       /* otherwise: the default, or −1 */
};

struct option_value {
    bool given;
    const char *text;  /* last value given */
    long long number;  /* OPT_INT */
    double floats[4];  /* OPT_FLOATS: up to 4, comma-separated */
    int count;         /* OPT_FLOATS: how many; OPT_LIST: how many times given */
    const char **list; /* OPT_LIST: every value in order */
};

struct option_set {
    const char *tool, *usage, *summary; /* --help's first lines */
    const struct option_row *rows;
    int row_count;
    const struct option_words *words; /* by row, for --help; or NULL */
    struct option_value *values;      /* row_count of them, filled by options_parse */
    const char **positional;
    int positional_count;
};

/* options.c: false after a usage error has been said (exit code 2). Rows named "help" and "version"
 * are answered by base/command.h. */
bool options_parse(struct ctx *c, struct arena *a, struct option_set *set, int argc, char **argv);
/* A row by its name, or −1. */
int option_find(const struct option_set *set, const char *name);
/* Index of an OPT_STRING's word among names, `otherwise` if it was not given, −1 after saying that
 * it is none of them. */
int option_choice(struct ctx *c, struct arena *a, const struct option_set *set, int row,
                  const char *const *names, int count, int otherwise);
void options_help(const struct option_set *set, FILE *to);
/* nearest of names[0..n) by edit distance, or NULL when nothing is near */
const char *nearest_name(const char *word, const char *const *names, int n);

#endif
