/* The text form of the IR, read back (grammar: docs/ir.md). One statement per line, so that after a
 * fault the next line is read and all faults of a file are said at once. Nothing is inferred and no
 * meaning is checked here: ir_verify does that. The text is hostile: there is no recursion, and
 * what a constant may take is capped. */
#include "ir/lex.h"

#include "base/options.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FAULTS = 20 };
#define MAX_ELIDED_BYTES ((int64_t)1 << 30) /* of one constant without data */

struct symbol {
    struct ir_value *value;
    struct lex_token first; /* where it is mentioned first, or defined */
    bool defined;
};

struct parser {
    struct lexer lex;
    struct ir_graph *g;
    struct symbol *symbols; /* in the order of value ids */
    int symbol_room;
    struct hash_key key;
    int *slots, slot_count; /* hash table of ids + 1; a power of two */
    int64_t zeros;          /* bytes the largest constant without data needs */
    int64_t most_zeros;
    int faults;
    bool returned;
};

/* --- faults and simple tokens --- */

static bool expected(struct parser *p, const char *what) {
    struct lexer *l = &p->lex;
    if (l->tok.kind != LEX_BAD) /* that has been said */
        diag(l->ctx, ir_expected, lex_where(l, &l->tok), lex_found(l, &l->tok), what);
    return false;
}

static bool at_punct(const struct parser *p, char c) {
    return p->lex.tok.kind == LEX_PUNCT && p->lex.tok.text[0] == c;
}

static bool at_word(const struct parser *p, const char *word) {
    return p->lex.tok.kind == LEX_WORD && strcmp(p->lex.tok.text, word) == 0;
}

static bool accept_punct(struct parser *p, char c) {
    if (!at_punct(p, c)) return false;
    lex_next(&p->lex);
    return true;
}

static bool take_punct(struct parser *p, char c) {
    if (accept_punct(p, c)) return true;
    return expected(p, arena_printf(p->lex.arena, "'%c'", c));
}

static bool take_word(struct parser *p, const char *word) {
    if (!at_word(p, word)) return expected(p, arena_printf(p->lex.arena, "'%s'", word));
    lex_next(&p->lex);
    return true;
}

static bool take_int(struct parser *p, int64_t min, int64_t max, int64_t *out) {
    const char *text = p->lex.tok.text;
    char *end;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    bool whole = p->lex.tok.kind == LEX_NUMBER && end != text && *end == '\0' && errno == 0;
    if (!whole || v < min || v > max)
        return expected(p, arena_printf(p->lex.arena, "a whole number, %lld…%lld", (long long)min,
                                        (long long)max));
    *out = v;
    lex_next(&p->lex);
    return true;
}

/* inf and nan are words, -inf starts like a number; an f behind a number makes it that float, not
 * that double. */
static bool take_float(struct parser *p, bool single, double *out) {
    const char *text = p->lex.tok.text;
    bool word = at_word(p, "inf") || at_word(p, "nan");
    char *end = NULL;
    if (p->lex.tok.kind == LEX_NUMBER || word)
        *out = single ? (double)strtof(text, &end) : strtod(text, &end);
    if (end == NULL || end == text) return expected(p, "a number");
    if (strcmp(end, "f") == 0 && !word) {
        *out = (double)strtof(text, NULL);
    } else if (*end != '\0') {
        return expected(p, "a number");
    }
    lex_next(&p->lex);
    return true;
}

/* --- values --- */

static int *find_slot(struct parser *p, const char *name) {
    uint64_t at = hash_keyed(p->key, name, strlen(name));
    for (;; at++) {
        int *slot = &p->slots[at & (uint64_t)(p->slot_count - 1)];
        if (*slot == 0 || strcmp(p->symbols[*slot - 1].value->name, name) == 0) return slot;
    }
}

static void grow_symbols(struct parser *p) {
    int room = p->symbol_room == 0 ? 256 : 2 * p->symbol_room;
    p->symbols = arena_grow(p->lex.arena, p->symbols, (size_t)p->symbol_room, (size_t)room,
                            sizeof *p->symbols);
    p->symbol_room = room;
    p->slot_count = 2 * room;
    p->slots = arena_array(p->lex.arena, (size_t)p->slot_count, sizeof *p->slots);
    for (int i = 0; i < p->g->value_count; i++) *find_slot(p, p->g->values[i]->name) = i + 1;
}

/* The symbol of the current token, which is a value; a name not seen before gets one. */
static struct symbol *symbol_here(struct parser *p) {
    if (p->g->value_count == p->symbol_room) grow_symbols(p);
    int *slot = find_slot(p, p->lex.tok.text);
    if (*slot != 0) return &p->symbols[*slot - 1];
    struct ir_value *v = ir_value_new(p->g, p->lex.tok.text, IR_F32, -1, NULL);
    *slot = p->g->value_count;
    struct symbol *s = &p->symbols[*slot - 1];
    s->value = v;
    s->first = p->lex.tok;
    return s;
}

static struct ir_value *take_use(struct parser *p) {
    if (p->lex.tok.kind != LEX_VALUE) {
        expected(p, "a value such as '%x'");
        return NULL;
    }
    struct ir_value *v = symbol_here(p)->value;
    lex_next(&p->lex);
    return v;
}

static bool take_dtype(struct parser *p, enum ir_dtype *out) {
    *out = p->lex.tok.kind == LEX_WORD ? ir_dtype_by_name(p->lex.tok.text) : IR_DTYPE_COUNT;
    if (*out == IR_DTYPE_COUNT) return expected(p, "an element type such as 'f32'");
    lex_next(&p->lex);
    return true;
}

/* "(bits=8, exp=-4, zero=-128)" */
static bool take_quant(struct parser *p, struct ir_quant *q) {
    int64_t bits, exp, zero;
    if (!take_punct(p, '(') || !take_word(p, "bits") || !take_punct(p, '=') ||
        !take_int(p, 1, 32, &bits) || !take_punct(p, ',') || !take_word(p, "exp") ||
        !take_punct(p, '=') || !take_int(p, -IR_MAX_EXP, IR_MAX_EXP, &exp) || !take_punct(p, ',') ||
        !take_word(p, "zero") || !take_punct(p, '=') || !take_int(p, INT16_MIN, INT16_MAX, &zero) ||
        !take_punct(p, ')'))
        return false;
    *q = (struct ir_quant){.bits = (int)bits, .exp = (int)exp, .zero = (int)zero};
    return true;
}

/* "range(-1.5, 2)" */
static bool take_range(struct parser *p, struct ir_range *r) {
    lex_next(&p->lex);
    if (!take_punct(p, '(') || !take_float(p, false, &r->lo) || !take_punct(p, ',') ||
        !take_float(p, false, &r->hi))
        return false;
    bool good = isfinite(r->lo) && isfinite(r->hi) && r->lo < r->hi;
    return good ? take_punct(p, ')') : expected(p, "two numbers, the smaller one first");
}

/* "%name: f32[1x3] range(…) q(…)": defines the value. */
static struct ir_value *take_definition(struct parser *p) {
    if (p->lex.tok.kind != LEX_VALUE) {
        expected(p, "the name of a value, such as '%x'");
        return NULL;
    }
    struct symbol *s = symbol_here(p);
    struct ir_value *v = s->value;
    if (s->defined) {
        diag(p->lex.ctx, ir_defined_twice, lex_where(&p->lex, &p->lex.tok), v->name, s->first.line);
        return NULL;
    }
    s->defined = true;
    s->first = p->lex.tok;
    lex_next(&p->lex);
    if (!take_punct(p, ':') || !take_dtype(p, &v->dtype)) return NULL;
    if (!at_punct(p, '[')) {
        expected(p, "a shape such as '[1x3x32x32]'");
        return NULL;
    }
    int rank;
    int64_t dims[IR_MAX_RANK] = {0};
    if (!lex_shape(&p->lex, &rank, dims)) return NULL;
    v->rank = rank;
    memcpy(v->dims, dims, sizeof dims);
    if (at_word(p, "range") && !take_range(p, &v->range)) return NULL;
    if (!at_word(p, "q")) return v;
    lex_next(&p->lex);
    return take_quant(p, &v->quant) ? v : NULL;
}

/* --- constants --- */

static bool take_element(struct parser *p, enum ir_dtype t, struct writer *data) {
    static const int64_t least[IR_DTYPE_COUNT] = {[IR_I8] = INT8_MIN,
                                                  [IR_I16] = INT16_MIN,
                                                  [IR_I32] = INT32_MIN,
                                                  [IR_I64] = INT64_MIN,
                                                  [IR_U64] = INT64_MIN}; /* u64 by its bits */
    static const int64_t most[IR_DTYPE_COUNT] = {
        [IR_I8] = INT8_MAX,    [IR_U8] = UINT8_MAX,  [IR_I16] = INT16_MAX,
        [IR_I32] = INT32_MAX,  [IR_I64] = INT64_MAX, [IR_U16] = UINT16_MAX,
        [IR_U32] = UINT32_MAX, [IR_U64] = INT64_MAX, [IR_BOOL] = 1};
    int64_t element[1] = {0}, integer;
    double number;
    if (t == IR_F32 || t == IR_F64) {
        if (!take_float(p, t == IR_F32, &number)) return false;
        if (t == IR_F32)
            memcpy(element, &(float){(float)number}, sizeof(float));
        else
            memcpy(element, &number, sizeof number);
    } else {
        if (!take_int(p, least[t], most[t], &integer)) return false;
        ir_store_int(t, element, 0, integer);
    }
    write_bytes(data, element, ir_dtype_size(t));
    return true;
}

static bool take_list(struct parser *p, struct ir_value *v, int64_t elements) {
    struct writer data;
    int64_t count = 0;
    struct lex_token start = p->lex.tok;
    writer_init(&data, p->g->arena);
    if (!take_punct(p, '[')) return false;
    while (!at_punct(p, ']') && count <= elements) {
        if (count > 0 && !take_punct(p, ',')) return false;
        if (!take_element(p, v->dtype, &data)) return false;
        count++;
    }
    if (count != elements) {
        diag(p->lex.ctx, ir_data_count, lex_where(&p->lex, &start), v->name, (long long)elements,
             ir_type_text(p->lex.arena, v), count > elements ? "more than" : "only",
             (long long)(count > elements ? elements : count));
        return false;
    }
    v->data = arena_copy(p->g->arena, data.data, data.size);
    return take_punct(p, ']');
}

/* "hash:0x…": zeros, once the size of the largest is known. */
static bool take_hash(struct parser *p, struct ir_value *v, int64_t elements) {
    lex_next(&p->lex);
    if (!take_punct(p, ':')) return false;
    const char *text = p->lex.tok.text;
    char *end;
    errno = 0;
    v->elided = strtoull(text, &end, 16);
    if (p->lex.tok.kind != LEX_NUMBER || strncmp(text, "0x", 2) != 0 || *end != '\0' ||
        errno != 0 || v->elided == 0)
        return expected(p, "a hash such as '0x0123456789abcdef'");
    int64_t bytes = elements * (int64_t)ir_dtype_size(v->dtype);
    if (bytes > p->most_zeros) {
        diag(p->lex.ctx, ir_elided_large, lex_where(&p->lex, &p->lex.tok), v->name,
             ir_type_text(p->lex.arena, v), (long long)p->most_zeros);
        return false;
    }
    if (bytes > p->zeros) p->zeros = bytes;
    lex_next(&p->lex);
    return true;
}

static bool parse_const(struct parser *p) {
    lex_next(&p->lex);
    struct lex_token name = p->lex.tok;
    struct ir_value *v = take_definition(p);
    if (v == NULL) return false;
    int64_t elements = ir_elements(v);
    v->data = ""; /* a constant even where its data is at fault */
    if (elements < 0 || elements > IR_MAX_ELEMENTS) {
        diag(p->lex.ctx, ir_const_shape, lex_where(&p->lex, &name), v->name,
             ir_type_text(p->lex.arena, v), (long long)IR_MAX_ELEMENTS);
        return false;
    }
    if (!take_punct(p, '=')) return false;
    if (at_word(p, "hash")) return take_hash(p, v, elements);
    if (at_punct(p, '[')) return take_list(p, v, elements);
    return expected(p, "data: '[…]' or 'hash:0x…'");
}

static bool parse_input(struct parser *p) {
    lex_next(&p->lex);
    struct ir_value *v = take_definition(p);
    if (v != NULL) ir_add_input(p->g, v);
    return v != NULL;
}

/* --- nodes --- */

struct value_list {
    struct ir_value **v;
    int count, room;
};

static void push(struct parser *p, struct value_list *list, struct ir_value *v) {
    if (list->count == list->room) {
        int room = list->room == 0 ? 8 : 2 * list->room;
        list->v = arena_grow(p->lex.arena, list->v, (size_t)list->room, (size_t)room, sizeof v);
        list->room = room;
    }
    list->v[list->count++] = v;
}

static bool unknown_name(struct parser *p, const char *what, const char *const *names, int count) {
    const char *near = nearest_name(p->lex.tok.text, names, count);
    const char *where = lex_where(&p->lex, &p->lex.tok);
    if (near == NULL)
        diag(p->lex.ctx, ir_unknown, where, what, p->lex.tok.text);
    else
        diag(p->lex.ctx, ir_unknown_near, where, what, p->lex.tok.text, near);
    return false;
}

static bool take_op(struct parser *p, enum ir_op *op) {
    if (p->lex.tok.kind != LEX_WORD) return expected(p, "an operator such as 'conv'");
    *op = ir_op_by_name(p->lex.tok.text);
    if (*op == IR_OP_COUNT) {
        const char *names[IR_OP_COUNT];
        for (int i = 0; i < IR_OP_COUNT; i++) names[i] = ir_op_info((enum ir_op)i)->name;
        return unknown_name(p, "operator", names, IR_OP_COUNT);
    }
    lex_next(&p->lex);
    return true;
}

static bool take_inputs(struct parser *p, struct value_list *in) {
    if (!take_punct(p, '(')) return false;
    while (!accept_punct(p, ')')) {
        if (in->count > 0 && !take_punct(p, ',')) return false;
        if (at_word(p, "_")) {
            push(p, in, NULL);
            lex_next(&p->lex);
            continue;
        }
        struct ir_value *v = take_use(p);
        if (v == NULL) return false;
        push(p, in, v);
    }
    return true;
}

static bool take_ints(struct parser *p, struct ir_node *n, const char *name) {
    struct writer list;
    int count = 0;
    writer_init(&list, p->lex.arena);
    if (!take_punct(p, '[')) return false;
    for (; !accept_punct(p, ']'); count++) {
        int64_t i;
        if (count > 0 && !take_punct(p, ',')) return false;
        if (!take_int(p, INT64_MIN, INT64_MAX, &i)) return false;
        write_bytes(&list, &i, sizeof i);
    }
    const void *data = list.size == 0 ? arena_alloc(p->lex.arena, 0) : list.data;
    ir_set_ints(p->g, n, name, data, count);
    return true;
}

static bool take_attr_value(struct parser *p, struct ir_node *n, const struct ir_attr_info *info) {
    int64_t i;
    double f;
    switch (info->kind) {
    case IR_ATTR_INT:
        if (!take_int(p, INT64_MIN, INT64_MAX, &i)) return false;
        ir_set_int(p->g, n, info->name, i);
        return true;
    case IR_ATTR_FLOAT:
        if (!take_float(p, false, &f)) return false;
        ir_set_float(p->g, n, info->name, f);
        return true;
    case IR_ATTR_STRING:
        if (p->lex.tok.kind != LEX_WORD && p->lex.tok.kind != LEX_STRING)
            return expected(p, "a word or a string");
        ir_set_string(p->g, n, info->name, p->lex.tok.text);
        lex_next(&p->lex);
        return true;
    case IR_ATTR_INTS:
        return take_ints(p, n, info->name);
    }
    return false;
}

static bool take_attr(struct parser *p, struct ir_node *n) {
    struct ir_attr_info info, all[IR_MAX_ATTRS];
    if (p->lex.tok.kind != LEX_WORD) return expected(p, "the name of an attribute");
    if (!ir_attr_schema_find(n->op, p->lex.tok.text, &info)) {
        const char *names[IR_MAX_ATTRS];
        int count = 0;
        for (; count < IR_MAX_ATTRS && ir_attr_schema(n->op, count, &all[count]); count++)
            names[count] = all[count].name;
        const char *what = arena_printf(p->lex.arena, "attribute of %s", ir_op_info(n->op)->name);
        return unknown_name(p, what, names, count);
    }
    if (ir_attr_find(n, info.name) != NULL) return expected(p, "each attribute once");
    lex_next(&p->lex);
    return take_punct(p, '=') && take_attr_value(p, n, &info);
}

static bool take_attrs(struct parser *p, struct ir_node *n) {
    if (!accept_punct(p, '{')) return true;
    while (!accept_punct(p, '}')) {
        if (n->attr_count > 0 && !take_punct(p, ',')) return false;
        if (!take_attr(p, n)) return false;
    }
    return true;
}

static bool parse_node(struct parser *p) {
    struct value_list out = {0}, in = {0};
    enum ir_op op;
    do {
        struct ir_value *v = take_definition(p);
        if (v == NULL) return false;
        push(p, &out, v);
    } while (accept_punct(p, ','));
    if (!take_punct(p, '=') || !take_op(p, &op) || !take_inputs(p, &in)) return false;
    struct ir_node *n = ir_node_new(p->g, NULL, op, NULL, in.v, in.count, out.v, out.count);
    if (!take_attrs(p, n)) return false;
    if (p->lex.tok.kind != LEX_STRING) return true;
    n->name = arena_strdup(p->g->arena, p->lex.tok.text);
    lex_next(&p->lex);
    return true;
}

static bool parse_return(struct parser *p) {
    if (p->returned) return expected(p, "one 'return' only");
    p->returned = true;
    lex_next(&p->lex);
    if (p->lex.tok.kind != LEX_VALUE) return true;
    do {
        struct ir_value *v = take_use(p);
        if (v == NULL) return false;
        ir_add_output(p->g, v);
    } while (accept_punct(p, ','));
    return true;
}

/* --- the file --- */

static bool parse_statement(struct parser *p) {
    if (at_word(p, "input")) return parse_input(p);
    if (at_word(p, "const")) return parse_const(p);
    if (at_word(p, "return")) return parse_return(p);
    if (p->lex.tok.kind == LEX_VALUE) return parse_node(p);
    return expected(p, "'input', 'const', a value such as '%x', 'return' or '}'");
}

/* Statements until '}', going on behind the line of a faulty one. */
static void parse_statements(struct parser *p) {
    while (!at_punct(p, '}') && p->lex.tok.kind != LEX_END) {
        long line = p->lex.tok.line;
        size_t at = p->lex.at;
        if (parse_statement(p)) continue;
        if (++p->faults == MAX_FAULTS) {
            diag(p->lex.ctx, ir_many_faults, p->lex.file, MAX_FAULTS);
            return;
        }
        if (p->lex.at == at) lex_next(&p->lex);
        while (p->lex.tok.line == line && p->lex.tok.kind != LEX_END) lex_next(&p->lex);
    }
}

static void check_defined(struct parser *p) {
    struct ir_graph *g = p->g;
    const char **names = arena_array(p->lex.arena, (size_t)g->value_count, sizeof *names);
    int defined = 0;
    for (int i = 0; i < g->value_count; i++)
        if (p->symbols[i].defined) names[defined++] = g->values[i]->name;
    for (int i = 0; i < g->value_count && p->faults < MAX_FAULTS; i++) {
        if (p->symbols[i].defined) continue;
        p->faults++;
        p->lex.tok = p->symbols[i].first;
        unknown_name(p, "value", names, defined);
    }
}

/* Constants without data share one block of zeros. */
static void fill_elided(struct parser *p) {
    const void *zeros = arena_alloc(p->g->arena, (size_t)p->zeros);
    for (int i = 0; i < p->g->value_count; i++)
        if (p->g->values[i]->elided != 0) p->g->values[i]->data = zeros;
}

static bool parse_file(struct parser *p) {
    if (!take_word(p, "graph")) return false;
    if (p->lex.tok.kind != LEX_STRING) return expected(p, "the graph's name in quotes");
    p->g->name = arena_strdup(p->g->arena, p->lex.tok.text);
    lex_next(&p->lex);
    if (!take_punct(p, '{')) return false;
    parse_statements(p);
    if (p->faults >= MAX_FAULTS) return false;
    if (!take_punct(p, '}')) return false;
    if (p->lex.tok.kind != LEX_END) return expected(p, "nothing behind the graph");
    if (!p->returned && p->faults == 0) {
        diag(p->lex.ctx, ir_no_return, p->lex.file);
        return false;
    }
    check_defined(p);
    return p->faults == 0;
}

static struct ir_graph *parse(struct ctx *c, const char *file, const char *text, size_t size,
                              int64_t most_zeros) {
    struct parser p = {.g = ir_graph_new(c, ""), .key = hash_key_new(), .most_zeros = most_zeros};
    struct arena *scratch = arena_new(c);
    p.g->file = arena_strdup(p.g->arena, file);
    int errors = c->errors; /* the lexer may find more than the parser trips over */
    lex_init(&p.lex, c, scratch, file, text, size);
    bool ok = parse_file(&p) && c->errors == errors;
    if (ok) fill_elided(&p);
    arena_free(scratch);
    if (ok) return p.g;
    arena_free(p.g->arena);
    return NULL;
}

struct ir_graph *ir_parse(struct ctx *c, const char *file, const char *text, size_t size) {
    return parse(c, file, text, size, MAX_ELIDED_BYTES);
}

struct ir_graph *ir_parse_own(struct ctx *c, const char *file, const char *text, size_t size) {
    return parse(c, file, text, size, INT64_MAX);
}
