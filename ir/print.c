/* Graphs as text (docs/ir.md). parse.c reads it back; both follow the schemas of ops.def. */
#include "ir/internal.h"

#include <stdlib.h>
#include <string.h>

enum { LITERAL_ELEMENTS = 16 }; /* constants up to here are printed whole in every mode */

static bool is_plain_name(const char *name) {
    size_t n = strlen(name);
    return n > 0 && strspn(name, IR_NAME_CHARS) == n && name[n - 1] != ':';
}

static void write_quoted(struct writer *w, const char *s) {
    write_u8(w, '"');
    for (; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            write_text(w, "\\%c", c);
        else if (c == '\n')
            write_text(w, "\\n");
        else if (c == '\t')
            write_text(w, "\\t");
        else if (c < 0x20 || c == 0x7f)
            write_text(w, "\\x%02x", c);
        else
            write_u8(w, c);
    }
    write_u8(w, '"');
}

static void write_name(struct writer *w, const struct ir_value *v) {
    write_u8(w, '%');
    if (is_plain_name(v->name))
        write_text(w, "%s", v->name);
    else
        write_quoted(w, v->name);
}

/* The shortest of the precisions that reads back to the same number; false: none up to `most`. */
static bool shortest(char text[40], double x, bool single, int most) {
    for (int precision = 6; precision <= most; precision++) {
        snprintf(text, 40, "%.*g", precision, x);
        if (single ? strtof(text, NULL) == (float)x : strtod(text, NULL) == x) return true;
    }
    return false;
}

/* A double that is long in decimal but came from a float is printed as that float: 1e-05f. */
static void write_number(struct writer *w, double x, bool single) {
    char text[40];
    bool from_float = !single && (double)(float)x == x;
    if (x != x) {
        write_text(w, "nan");
        return;
    }
    if (shortest(text, x, single, 9)) {
        write_text(w, "%s", text);
    } else if (from_float && shortest(text, x, true, 9)) {
        write_text(w, "%sf", text);
    } else {
        shortest(text, x, false, 17);
        write_text(w, "%s", text);
    }
}

static void write_type(struct writer *w, const struct ir_value *v) {
    write_text(w, ": %s", ir_dtype_name(v->dtype));
    ir_write_shape(w, v->rank, v->dims);
    if (v->range.lo < v->range.hi) {
        write_text(w, " range(");
        write_number(w, v->range.lo, false);
        write_text(w, ", ");
        write_number(w, v->range.hi, false);
        write_u8(w, ')');
    }
    if (v->quant.bits == 0) return;
    write_text(w, " q(bits=%d, exp=%d, zero=%d)", v->quant.bits, v->quant.exp, v->quant.zero);
}

static void write_element(struct writer *w, enum ir_dtype t, const void *data, int64_t i) {
    if (t == IR_F32)
        write_number(w, (double)((const float *)data)[i], true);
    else if (t == IR_F64)
        write_number(w, ((const double *)data)[i], false);
    else
        write_text(w, "%lld", (long long)ir_load_int(t, data, i));
}

static void write_data(struct writer *w, const struct ir_value *v, unsigned flags) {
    int64_t n = ir_elements(v);
    if (v->elided != 0 || n < 0 || ((flags & IR_PRINT_DATA) == 0 && n > LITERAL_ELEMENTS)) {
        uint64_t hash = v->elided;
        if (hash == 0 && n >= 0) hash = hash64(v->data, (size_t)n * ir_dtype_size(v->dtype));
        write_text(w, "hash:0x%016llx", (unsigned long long)(hash == 0 ? 1 : hash));
        return;
    }
    write_u8(w, '[');
    for (int64_t i = 0; i < n; i++) {
        if (i > 0) write_text(w, ", ");
        write_element(w, v->dtype, v->data, i);
    }
    write_u8(w, ']');
}

static void write_list(struct writer *w, const struct ir_attr *a) {
    write_u8(w, '[');
    for (int i = 0; i < a->count; i++) {
        if (i > 0) write_u8(w, ',');
        write_text(w, "%lld", (long long)a->ints[i]);
    }
    write_u8(w, ']');
}

static bool is_word(const char *s) {
    size_t n = strlen(s);
    return n > 0 && strspn(s, IR_WORD_CHARS) == n && (*s < '0' || *s > '9');
}

static void write_attr(struct writer *w, const struct ir_attr *a) {
    write_text(w, "%s=", a->name);
    switch (a->kind) {
    case IR_ATTR_INT:
        write_text(w, "%lld", (long long)a->i);
        break;
    case IR_ATTR_FLOAT:
        write_number(w, a->f, false);
        break;
    case IR_ATTR_STRING:
        if (is_word(a->s))
            write_text(w, "%s", a->s);
        else
            write_quoted(w, a->s);
        break;
    case IR_ATTR_INTS:
        write_list(w, a);
        break;
    }
}

static bool is_default(const struct ir_node *n, const struct ir_attr *a,
                       const struct ir_attr_info *info) {
    const struct ir_node bare = {.op = n->op};
    int count;
    if (info->preset == NULL || info->kind != a->kind) return false;
    if (a->kind == IR_ATTR_INT) return a->i == ir_attr_int(&bare, a->name);
    if (a->kind == IR_ATTR_FLOAT) return a->f == ir_attr_float(&bare, a->name);
    if (a->kind == IR_ATTR_STRING) return strcmp(a->s, ir_attr_string(&bare, a->name)) == 0;
    if (a->kind != IR_ATTR_INTS) return false;
    const int64_t *ints = ir_attr_ints(&bare, a->name, &count);
    return count == a->count &&
           (count == 0 || memcmp(ints, a->ints, (size_t)count * sizeof *ints) == 0);
}

/* In the order of ops.def, so that the order in which passes set them does not show; then unknown
 * ones. */
static void write_attrs(struct writer *w, const struct ir_node *n) {
    struct ir_attr_info info;
    int written = 0;
    for (int i = 0; ir_attr_schema(n->op, i, &info); i++) {
        const struct ir_attr *a = ir_attr_find(n, info.name);
        if (a == NULL || is_default(n, a, &info)) continue;
        write_text(w, written++ == 0 ? " {" : ", ");
        write_attr(w, a);
    }
    for (int i = 0; i < n->attr_count; i++) {
        if (ir_attr_schema_find(n->op, n->attrs[i].name, &info)) continue;
        write_text(w, written++ == 0 ? " {" : ", ");
        write_attr(w, &n->attrs[i]);
    }
    if (written > 0) write_u8(w, '}');
}

static void write_node(struct writer *w, const struct ir_node *n) {
    write_text(w, "  ");
    for (int i = 0; i < n->out_count; i++) {
        if (i > 0) write_text(w, ", ");
        write_name(w, n->out[i]);
        write_type(w, n->out[i]);
    }
    write_text(w, " = %s(", ir_op_info(n->op)->name);
    for (int i = 0; i < n->in_count; i++) {
        if (i > 0) write_text(w, ", ");
        if (n->in[i] == NULL)
            write_u8(w, '_');
        else
            write_name(w, n->in[i]);
    }
    write_u8(w, ')');
    write_attrs(w, n);
    if (n->name[0] != '\0') {
        write_u8(w, ' ');
        write_quoted(w, n->name);
    }
    write_u8(w, '\n');
}

static void mark(bool *used, struct ir_value *const *list, int count) {
    for (int i = 0; i < count; i++)
        if (list[i] != NULL) used[list[i]->id] = true;
}

static void write_constants(struct writer *w, const struct ir_graph *g, unsigned flags) {
    bool *used = arena_array(w->arena, (size_t)g->value_count, sizeof *used);
    mark(used, g->outputs, g->output_count);
    for (const struct ir_node *n = g->first; n != NULL; n = n->next) mark(used, n->in, n->in_count);
    for (int i = 0; i < g->value_count; i++) {
        const struct ir_value *v = g->values[i];
        if (v == NULL || !ir_is_const(v) || !used[i]) continue;
        write_text(w, "  const ");
        write_name(w, v);
        write_type(w, v);
        write_text(w, " = ");
        write_data(w, v, flags);
        write_u8(w, '\n');
    }
}

void ir_print(const struct ir_graph *g, unsigned flags, struct writer *to) {
    write_text(to, "graph ");
    write_quoted(to, g->name);
    write_text(to, " {\n");
    for (int i = 0; i < g->input_count; i++) {
        write_text(to, "  input ");
        write_name(to, g->inputs[i]);
        write_type(to, g->inputs[i]);
        write_u8(to, '\n');
    }
    write_constants(to, g, flags);
    for (const struct ir_node *n = g->first; n != NULL; n = n->next) write_node(to, n);
    write_text(to, "  return");
    for (int i = 0; i < g->output_count; i++) {
        write_text(to, i > 0 ? ", " : " ");
        write_name(to, g->outputs[i]);
    }
    write_text(to, "\n}\n");
}
