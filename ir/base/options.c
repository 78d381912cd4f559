/* Command lines from a table. */
#include "base/options.h"

#include "base/base_diag.h"
#include "base/bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_WORD = 63, COLUMN = 30 };

/* Edit distance (Levenshtein: insertions, deletions, replacements) of words cut at LONGEST_WORD. */
static int distance(const char *a, const char *b) {
    size_t n = strnlen(b, LONGEST_WORD);
    int row[LONGEST_WORD + 1];
    for (size_t j = 0; j <= n; j++) row[j] = (int)j;
    for (size_t i = 0; i < LONGEST_WORD && a[i]; i++) {
        int diagonal = row[0];
        row[0] = (int)i + 1;
        for (size_t j = 0; j < n; j++) {
            int best = diagonal + (a[i] != b[j]);
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j + 1] + 1 < best) best = row[j + 1] + 1;
            diagonal = row[j + 1];
            row[j + 1] = best;
        }
    }
    return row[n];
}

const char *nearest_name(const char *word, const char *const *names, int n) {
    const char *best = NULL;
    int limit = (int)strnlen(word, LONGEST_WORD) / 3 + 1, found = limit + 1;
    for (int i = 0; i < n; i++) {
        int d = distance(word, names[i]);
        if (d < found) {
            found = d;
            best = names[i];
        }
    }
    return best;
}

struct parser {
    struct ctx *c;
    struct arena *a;
    struct option_set *set;
};

static int find_row(const struct option_set *set, const char *name, size_t n) {
    for (int i = 0; i < set->row_count; i++)
        if (strlen(set->rows[i].name) == n && !memcmp(set->rows[i].name, name, n)) return i;
    return -1;
}

int option_find(const struct option_set *set, const char *name) {
    return find_row(set, name, strlen(name));
}

static int find_letter(const struct option_set *set, char letter) {
    for (int i = 0; i < set->row_count; i++)
        if (set->rows[i].letter == letter ||
            (set->rows[i].name[0] == letter && !set->rows[i].name[1]))
            return i;
    return -1;
}

static void say_unknown(struct parser *p, const char *word) {
    const char **names = arena_array(p->a, (size_t)p->set->row_count, sizeof *names);
    for (int i = 0; i < p->set->row_count; i++) names[i] = p->set->rows[i].name;
    size_t dashes = strspn(word, "-");
    char *bare = arena_strndup(p->a, word + dashes, strcspn(word + dashes, "="));
    const char *near = strlen(bare) > 1 ? nearest_name(bare, names, p->set->row_count) : NULL;
    if (near)
        diag(p->c, option_unknown_near, NULL, word, near);
    else
        diag(p->c, option_unknown, NULL, word);
}

static bool take_int(struct parser *p, const struct option_row *row, struct option_value *v) {
    char *end;
    errno = 0;
    v->number = strtoll(v->text, &end, 10);
    if (end == v->text || *end || errno) {
        diag(p->c, option_not_number, NULL, row->name, v->text);
        return false;
    }
    if (v->number < row->min || v->number > row->max) {
        diag(p->c, option_range, NULL, row->name, row->min, row->max, v->number);
        return false;
    }
    return true;
}

static bool take_floats(struct parser *p, const struct option_row *row, struct option_value *v) {
    const char *s = v->text;
    for (v->count = 0; v->count < 4; s++) {
        char *end;
        double x = strtod(s, &end);
        if (end == s || !(x - x == 0)) break; /* not a number, or not a finite one */
        v->floats[v->count++] = x;
        s = end;
        if (!*s) return true;
        if (*s != ',') break;
    }
    diag(p->c, option_floats, NULL, row->name, v->text);
    return false;
}

static bool take_value(struct parser *p, int i, const char *text) {
    const struct option_row *row = &p->set->rows[i];
    struct option_value *v = &p->set->values[i];
    v->given = true;
    v->text = text;
    if (!*text && !row->max) {
        diag(p->c, option_no_value, NULL, row->name, row->argument);
        return false;
    }
    switch (row->kind) {
    case OPT_INT:
        return take_int(p, row, v);
    case OPT_FLOATS:
        return take_floats(p, row, v);
    case OPT_LIST:
        v->list =
            arena_grow(p->a, v->list, (size_t)v->count, (size_t)v->count + 1, sizeof *v->list);
        v->list[v->count++] = text;
        return true;
    case OPT_FLAG:
    case OPT_STRING:
        break;
    }
    return true;
}

/* One option at argv[*at]; moves *at past a value taken from the next word. */
static bool take_option(struct parser *p, int argc, char **argv, int *at) {
    const char *word = argv[*at];
    const char *value = NULL; /* what stands behind the name in the same word */
    int i;
    if (word[1] == '-') {
        const char *equals = strchr(word, '=');
        i = find_row(p->set, word + 2, equals ? (size_t)(equals - word - 2) : strlen(word + 2));
        if (equals) value = equals + 1;
    } else {
        i = find_letter(p->set, word[1]);
        if (word[2]) value = word + 2 + (word[2] == '='); /* -j4, -j=4 */
    }
    if (i < 0 || (value && word[1] != '-' && p->set->rows[i].kind == OPT_FLAG)) {
        say_unknown(p, word);
        return false;
    }
    const struct option_row *row = &p->set->rows[i];
    if (row->kind == OPT_FLAG) {
        p->set->values[i].given = true;
        p->set->values[i].text = value;
        if (!value || row->argument) return true;
        diag(p->c, option_extra_value, NULL, row->name, value);
        return false;
    }
    if (value) return take_value(p, i, value);
    if (*at + 1 >= argc) {
        diag(p->c, option_no_value, NULL, row->name, row->argument);
        return false;
    }
    return take_value(p, i, argv[++*at]);
}

static bool say_empty(struct parser *p) {
    diag(p->c, option_empty, NULL);
    return false;
}

bool options_parse(struct ctx *c, struct arena *a, struct option_set *set, int argc, char **argv) {
    struct parser p = {c, a, set};
    set->values = arena_array(a, (size_t)set->row_count, sizeof *set->values);
    set->positional = arena_array(a, (size_t)argc + 1, sizeof *set->positional);
    set->positional_count = 0;
    bool good = true, options = true;
    for (int at = 1; at < argc; at++) {
        const char *word = argv[at];
        if (options && !strcmp(word, "--"))
            options = false;
        else if (options && word[0] == '-' && word[1])
            good &= take_option(&p, argc, argv, &at);
        else if (*word)
            set->positional[set->positional_count++] = word;
        else
            good = say_empty(&p);
    }
    return good;
}

int option_choice(struct ctx *c, struct arena *a, const struct option_set *set, int row,
                  const char *const *names, int count, int otherwise) {
    const char *word = set->values[row].text, *name = set->rows[row].name;
    if (!set->values[row].given) return otherwise;
    struct writer w;
    writer_init(&w, a);
    for (int i = 0; i < count; i++) {
        if (!strcmp(names[i], word)) return i;
        write_text(&w, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " or ", names[i]);
    }
    const char *near = nearest_name(word, names, count), *all = writer_string(&w);
    if (near)
        diag(c, option_choice_near, NULL, name, all, word, near);
    else
        diag(c, option_choice, NULL, name, all, word);
    return -1;
}

/* ": a, b (default) or c (which is so and so)" */
static void print_words(const struct option_words *w, FILE *to) {
    for (int i = 0; i < w->count; i++) {
        const char *meaning = w->meanings ? w->meanings[i] : NULL;
        fprintf(to, "%s%s", i == 0 ? ": " : i + 1 < w->count ? ", " : " or ", w->names[i]);
        if (i == w->otherwise && meaning)
            fprintf(to, " (default; %s)", meaning);
        else if (i == w->otherwise || meaning)
            fprintf(to, " (%s)", meaning ? meaning : "default");
    }
}

void options_help(const struct option_set *set, FILE *to) {
    fprintf(to, "usage: %s %s\n%s\n\noptions:\n", set->tool, set->usage, set->summary);
    for (int i = 0; i < set->row_count; i++) {
        const struct option_row *row = &set->rows[i];
        int n = fprintf(to, "  ");
        if (row->letter && row->name[1]) n += fprintf(to, "-%c, ", row->letter);
        n += fprintf(to, row->name[1] ? "--%s" : "-%s", row->name);
        const char *form = row->kind == OPT_FLAG ? "[=%s]" : row->name[1] ? "=%s" : " %s";
        if (row->argument) n += fprintf(to, form, row->argument);
        fprintf(to, "%*s%s", n < COLUMN ? COLUMN - n : 1, "", row->help);
        if (set->words) print_words(&set->words[i], to);
        fputc('\n', to);
    }
}
