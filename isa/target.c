/* Target descriptions: finding, parsing, checking, and the sizes that follow from them. A file
 * holds one `key = value` per line, each key of isa/target.def exactly once, comments after '#'. */
#include "isa/target.h"

#include "base/bytes.h"
#include "base/file.h"
#include "base/options.h"
#include "isa/builtin.h"
#include "isa/diag.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct key {
    const char *name;
    int64_t min, max;
    size_t offset; /* of the member */
};
static const struct key keys[] = {
#define TARGET_KEY(name, min, max, meaning) {#name, min, max, offsetof(struct svpe_target, name)},
#include "isa/target.def"
#undef TARGET_KEY
};
static const char *const key_names[] = {
#define TARGET_KEY(name, min, max, meaning) #name,
#include "isa/target.def"
#undef TARGET_KEY
};
enum { KEY_COUNT = sizeof keys / sizeof *keys, KEY_ELEMENT = 0 };
static const char *const element_names[] = {"svpe", "vpe"};
_Static_assert(offsetof(struct svpe_target, element) == sizeof(const char *),
               "target.def: element is the first key");

static int64_t get(const struct svpe_target *t, int key) {
    return *(const int64_t *)(const void *)((const char *)t + keys[key].offset);
}

static void set(struct svpe_target *t, int key, int64_t v) {
    *(int64_t *)(void *)((char *)t + keys[key].offset) = v;
}

/* Parsing. */
struct parse {
    struct ctx *c;
    struct arena *a;
    struct svpe_target *t;
    const char *file;
    const char *where; /* file:line */
    int line;
    int given[KEY_COUNT]; /* line of each key, 0: not seen */
};

static char *trim(char *s) {
    while (*s == ' ' || *s == '\t') s++;
    size_t n = strlen(s);
    while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t' || s[n - 1] == '\r')) n--;
    s[n] = 0;
    return s;
}

static int find_key(struct parse *p, const char *name) {
    for (int k = 0; k < KEY_COUNT; k++) {
        if (strcmp(name, keys[k].name) == 0) return k;
    }
    const char *near = nearest_name(name, key_names, KEY_COUNT);
    if (near) {
        diag(p->c, target_key_near, p->where, name, near);
    } else {
        diag(p->c, target_key, p->where, name);
    }
    return -1;
}

static void set_element(struct parse *p, const char *value) {
    for (int i = 0; i < 2; i++) {
        if (strcmp(value, element_names[i]) == 0) {
            p->t->element = i;
            return;
        }
    }
    diag(p->c, target_value, p->where, "element", "svpe or vpe", value);
}

static void set_number(struct parse *p, int key, const char *value) {
    char *end;
    errno = 0;
    long long v = strtoll(value, &end, 10);
    if (end == value || *end || errno) {
        diag(p->c, target_value, p->where, keys[key].name, "a whole number", value);
    } else if (v < keys[key].min || v > keys[key].max) {
        diag(p->c, target_range, p->where, keys[key].name, (long long)keys[key].min,
             (long long)keys[key].max, v);
    } else {
        set(p->t, key, v);
    }
}

static void parse_line(struct parse *p, char *line) {
    line[strcspn(line, "#")] = 0;
    line = trim(line);
    if (!*line) return;
    p->where = arena_printf(p->a, "%s:%d", p->file, p->line);
    char *equals = strchr(line, '=');
    if (!equals) {
        diag(p->c, target_line, p->where, line);
        return;
    }
    *equals = 0;
    int key = find_key(p, trim(line));
    if (key < 0) return;
    if (p->given[key]) {
        diag(p->c, target_twice, p->where, keys[key].name, p->given[key]);
        return;
    }
    p->given[key] = p->line;
    if (key == KEY_ELEMENT) {
        set_element(p, trim(equals + 1));
    } else {
        set_number(p, key, trim(equals + 1));
    }
}

static void parse_lines(struct parse *p, const char *text, size_t size) {
    size_t at = 0;
    while (at < size) {
        const char *newline = memchr(text + at, '\n', size - at);
        size_t n = newline ? (size_t)(newline - (text + at)) : size - at;
        p->line++;
        parse_line(p, arena_strndup(p->a, text + at, n));
        at += n + 1;
    }
    for (int k = 0; k < KEY_COUNT; k++) {
        if (p->given[k]) continue;
        const char *range =
            k == KEY_ELEMENT
                ? "svpe or vpe"
                : arena_printf(p->a, "%lld…%lld", (long long)keys[k].min, (long long)keys[k].max);
        diag(p->c, target_missing, p->file, keys[k].name, range);
    }
}

/* Rules between keys: each row is one value, what it must be, and whether it is. */
struct rule {
    const char *key, *expected;
    int64_t found;
    bool holds;
};

static bool power_of_two(int64_t v) {
    return v > 0 && (v & (v - 1)) == 0;
}

static void check_rules(struct ctx *c, const char *file, const struct svpe_target *t) {
    bool vpe = t->element == SVPE_ELEMENT_MULTIPLY;
    int narrowest = t->act8 ? 8 : 16;
    const struct rule rules[] = {
        {"lanes", "a power of two", t->lanes, power_of_two(t->lanes)},
        {"elements", "a power of two", t->elements, power_of_two(t->elements)},
        {"gather", "at most lanes", t->gather, t->gather <= t->lanes},
        {"vector_lanes", "a multiple of lanes", t->vector_lanes, t->vector_lanes % t->lanes == 0},
        {"act16", "1 where act8 is 0", t->act16, t->act8 || t->act16},
        {"weight_bits", vpe ? "8 or 16 with element = vpe" : "1…5 with element = svpe",
         t->weight_bits, vpe ? t->weight_bits == 8 || t->weight_bits == 16 : t->weight_bits <= 5},
        {"acc_bits", "32 or 48", t->acc_bits, t->acc_bits == 32 || t->acc_bits == 48},
        {"acc_bits", "48 where act16 is 1", t->acc_bits, !t->act16 || t->acc_bits == 48},
        {"act_bytes", "at most 262144 vectors, what instructions can address", t->act_bytes,
         svpe_act_vectors(t, narrowest) <= 1 << 18},
        {"act_bytes", "at least one vector of the widest activations", t->act_bytes,
         svpe_act_vectors(t, t->act16 ? 16 : 8) >= 1},
        {"acc_bytes", "at most 65536 entries, what instructions can address", t->acc_bytes,
         svpe_acc_entries(t) <= 1 << 16},
        {"acc_bytes", "at least one entry", t->acc_bytes, svpe_acc_entries(t) >= 1},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (rules[i].holds) continue;
        diag(c, target_rule, file, rules[i].key, rules[i].expected, (long long)rules[i].found);
    }
}

/* The file's name without folders and ending. */
static const char *name_of(struct arena *a, const char *file) {
    const char *slash = strrchr(file, '/');
    const char *base = slash ? slash + 1 : file;
    const char *dot = strrchr(base, '.');
    return arena_strndup(a, base, dot && dot != base ? (size_t)(dot - base) : strlen(base));
}

struct svpe_target *svpe_target_parse(struct ctx *c, struct arena *a, const char *file,
                                      const char *text, size_t size) {
    struct svpe_target *t = arena_alloc(a, sizeof *t);
    struct parse p = {.c = c, .a = a, .t = t, .file = file};
    int errors = c->errors;
    t->name = name_of(a, file);
    parse_lines(&p, text, size);
    /* cppcheck-suppress knownConditionTrueFalse ; p has c */
    if (c->errors == errors) check_rules(c, file, t);
    return c->errors == errors ? t : NULL;
}

/* Finding. */
int svpe_target_count(void) {
    int n = 0;
    while (svpe_builtin_targets[n].name) n++;
    return n;
}

const char *svpe_target_name(int i) {
    return svpe_builtin_targets[i].name;
}

static void say_unknown(struct ctx *c, struct arena *a, const char *name) {
    int n = svpe_target_count();
    const char **names = arena_array(a, (size_t)n, sizeof *names);
    const char *all = "";
    for (int i = 0; i < n; i++) {
        names[i] = svpe_target_name(i);
        all = arena_printf(a, "%s%s%s", all, i ? ", " : "", names[i]);
    }
    const char *near = nearest_name(name, names, n);
    if (near) {
        diag(c, target_unknown_near, NULL, name, near, all);
    } else {
        diag(c, target_unknown, NULL, name, all);
    }
}

const struct svpe_target *svpe_target_find(struct ctx *c, struct arena *a,
                                           const char *name_or_path) {
    for (int i = 0; i < svpe_target_count(); i++) {
        const struct svpe_builtin_target *b = &svpe_builtin_targets[i];
        if (strcmp(b->name, name_or_path) == 0) {
            return svpe_target_parse(c, a, b->name, b->text, strlen(b->text));
        }
    }
    size_t n = strlen(name_or_path);
    bool path =
        strchr(name_or_path, '/') || (n > 7 && strcmp(name_or_path + n - 7, ".target") == 0);
    if (!path) {
        say_unknown(c, a, name_or_path);
        return NULL;
    }
    struct file_view view;
    if (!file_map(c, name_or_path, &view)) return NULL;
    return svpe_target_parse(c, a, name_or_path, (const char *)view.data, view.size);
}

/* Identity: every key in the table's order. The name is not part of it. */
const char *svpe_target_text(struct arena *a, const struct svpe_target *t) {
    struct writer w;
    writer_init(&w, a);
    for (int k = 0; k < KEY_COUNT; k++) {
        if (k == KEY_ELEMENT) {
            write_text(&w, "element = %s\n", element_names[t->element != 0]);
        } else {
            write_text(&w, "%s = %lld\n", keys[k].name, (long long)get(t, k));
        }
    }
    return writer_string(&w);
}

uint64_t svpe_target_hash(const struct svpe_target *t) {
    uint8_t bytes[KEY_COUNT * 8];
    for (int k = 0; k < KEY_COUNT; k++) {
        uint64_t v = (uint64_t)get(t, k);
        for (int i = 0; i < 8; i++) bytes[k * 8 + i] = (uint8_t)(v >> i * 8);
    }
    return hash64(bytes, sizeof bytes);
}

int64_t svpe_act_vectors(const struct svpe_target *t, int act_bits) {
    return t->act_bytes / (t->lanes * act_bits / 8);
}

int64_t svpe_wgt_dwords(const struct svpe_target *t) {
    return t->wgt_bytes / 8;
}

int64_t svpe_acc_entries(const struct svpe_target *t) {
    return t->acc_bytes * 8 / (t->elements * t->acc_bits);
}

int64_t svpe_par_dwords(const struct svpe_target *t) {
    return t->par_bytes / 8;
}
