/* A report as text of at most WIDTH columns, as JSON, and the page that explains it
 * (docs/report.md): all three from the rows of report.def.
 *
 * Not here: what the values are (report.c). */
#include "base/utf8.h"
#include "backend/report.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { WIDTH = 120, NAME_WANTED = 20, NAME_LEAST = 8 };

/* ---- JSON ------------------------------------------------------------------------------------ */

static void json_list(struct writer *to, const struct be_cell *c) {
    if (c->list) write_u8(to, '[');
    for (int i = 0; i < c->count; i++) {
        if (i) write_text(to, ", ");
        if (c->names)
            write_json_string(to, c->names[i]);
        else
            write_text(to, "%lld", (long long)c->i[i]);
    }
    if (c->list) write_u8(to, ']');
}

static void json_cell(struct writer *to, const struct be_cell *c) {
    switch (c->kind) {
    case BE_CELL_NONE:
        write_text(to, "null");
        return;
    case BE_CELL_INTS:
        json_list(to, c);
        return;
    case BE_CELL_REAL:
        if (isfinite(c->real)) /* JSON has no other numbers */
            write_text(to, "%.*f", c->decimals, c->real);
        else
            write_text(to, "null");
        return;
    case BE_CELL_TEXT:
        write_json_string(to, c->s);
        return;
    case BE_CELL_BOOL:
        write_text(to, c->i[0] ? "true" : "false");
    }
}

/* The facts of one group about r, without braces. */
static void json_facts(struct writer *to, enum be_facts which, const struct be_row *r,
                       const char *separator) {
    int count;
    const struct be_fact *f = be_report_facts(which, &count);
    for (int i = 0; i < count; i++) {
        struct be_cell c = f[i].get(r);
        write_text(to, "%s\"%s\": ", i ? separator : "", f[i].key);
        json_cell(to, &c);
    }
}

static void json_tensors(struct writer *to, const char *key, const struct be_row *program,
                         int count, int (*tensor)(const struct svpe_program *p, int n)) {
    write_text(to, "  \"%s\": [", key);
    for (int n = 0; n < count; n++) {
        struct be_row r = *program;
        r.tensor = &r.program->tensors[tensor(r.program, n)];
        write_text(to, "%s\n    {", n ? "," : "");
        json_facts(to, BE_TENSOR, &r, ", ");
        write_u8(to, '}');
    }
    write_text(to, "\n  ],\n");
}

static int input_tensor(const struct svpe_program *p, int n) {
    return p->inputs[n].tensor;
}

static int output_tensor(const struct svpe_program *p, int n) {
    return p->outputs[n];
}

void be_report_json(const struct be_plan *p, const struct svpe_program *program,
                    struct writer *to) {
    struct be_row whole = {.plan = p, .program = program, .arena = arena_new(arena_ctx(p->arena))};
    write_text(to, "{\n  ");
    json_facts(to, BE_HEAD, &whole, ",\n  ");
    write_text(to, ",\n");
    json_tensors(to, "inputs", &whole, program->input_count, input_tensor);
    json_tensors(to, "outputs", &whole, program->output_count, output_tensor);
    write_text(to, "  \"layers\": [");
    for (int n = 0; n < program->layer_count; n++) {
        struct be_row r = be_report_row(&whole, n);
        write_text(to, "%s\n    {", n ? "," : "");
        json_facts(to, BE_COLUMN, &r, ", ");
        write_u8(to, '}');
    }
    write_text(to, "\n  ],\n  \"totals\": {\n    ");
    json_facts(to, BE_TOTAL, &whole, ",\n    ");
    write_text(to, "\n  }\n}\n");
    arena_free(whole.arena);
}

/* ---- Text ------------------------------------------------------------------------------------ */

static const char *joined(struct arena *a, const struct be_cell *c) {
    struct writer w;
    writer_init(&w, a);
    for (int i = 0; i < c->count; i++) {
        if (i) write_text(&w, "%s", c->names ? ", " : c->joint ? c->joint : "x");
        if (c->names)
            write_text(&w, "%s", c->names[i]);
        else
            write_text(&w, "%lld", (long long)c->i[i]);
    }
    return writer_string(&w);
}

static const char *cell_text(struct arena *a, const struct be_cell *c) {
    if (c->shown) return c->shown;
    switch (c->kind) {
    case BE_CELL_NONE:
        break;
    case BE_CELL_INTS:
        return joined(a, c);
    case BE_CELL_REAL:
        return arena_printf(a, "%.*f", c->decimals, c->real);
    case BE_CELL_TEXT:
        return utf8_printable(a, c->s);
    case BE_CELL_BOOL:
        return c->i[0] ? "yes" : "no";
    }
    return "-";
}

/* The last `width` characters, behind "..." where some are missing: the end tells layers apart. */
static const char *shortened(struct arena *a, const char *text, int width) {
    int drop = utf8_count(text) - width;
    if (drop <= 0) return text;
    for (drop += 3; drop > 0; drop--) text += utf8_bytes(text);
    return arena_printf(a, "...%s", text);
}

struct column {
    const struct be_fact *fact;
    const char **cells;
    int width;
    bool left; /* texts; numbers stand to the right */
};

struct table {
    struct arena *arena;
    struct column *columns;
    int count, rows;
    int gap; /* between columns */
};

/* False: nothing in it. */
static bool fill_column(struct table *t, struct column *c, const struct be_row *whole) {
    bool any = false;
    c->cells = arena_array(t->arena, (size_t)t->rows + 1, sizeof *c->cells);
    c->width = utf8_count(c->fact->heading);
    c->left = false;
    for (int n = 0; n < t->rows; n++) {
        struct be_row r = be_report_row(whole, n);
        struct be_cell cell = c->fact->get(&r);
        any |= cell.kind != BE_CELL_NONE || cell.shown;
        c->left |= cell.kind == BE_CELL_TEXT;
        c->cells[n] = cell_text(t->arena, &cell);
        int width = utf8_count(c->cells[n]);
        if (width > c->width) c->width = width;
    }
    return any;
}

static bool is_name(const struct column *c) {
    return !strcmp(c->fact->key, "name");
}

/* Layers' names get what the other columns leave; where that is little, columns move together. */
static void fit_names(struct table *t) {
    struct column *name = NULL;
    int others = 0;
    for (int i = 0; i < t->count; i++) {
        if (is_name(&t->columns[i]))
            name = &t->columns[i];
        else
            others += t->columns[i].width;
    }
    assert(name); /* every table has one */
    int wanted = name->width < NAME_WANTED ? name->width : NAME_WANTED;
    t->gap = others + wanted + 2 * (t->count - 1) <= WIDTH ? 2 : 1;
    int width = WIDTH - others - t->gap * (t->count - 1);
    if (width < NAME_LEAST) width = NAME_LEAST;
    if (name->width <= width) return;
    name->width = width;
    for (int n = 0; n < t->rows; n++) name->cells[n] = shortened(t->arena, name->cells[n], width);
}

static struct table table_of(enum be_table which, const struct be_row *whole) {
    int count;
    const struct be_fact *f = be_report_facts(BE_COLUMN, &count);
    struct table t = {.arena = whole->arena, .rows = whole->program->layer_count};
    t.columns = arena_array(t.arena, (size_t)count, sizeof *t.columns);
    for (int i = 0; i < count; i++) {
        if (f[i].table != which && f[i].table != BE_TABLE_BOTH) continue;
        t.columns[t.count] = (struct column){.fact = &f[i]};
        t.count += fill_column(&t, &t.columns[t.count], whole);
    }
    fit_names(&t);
    return t;
}

/* Without spaces at the end of the line. */
static void print_cells(const struct table *t, int row, struct writer *to) {
    int owed = 0;
    for (int i = 0; i < t->count; i++) {
        const struct column *c = &t->columns[i];
        const char *s = row < 0 ? c->fact->heading : c->cells[row];
        int fill = c->width - utf8_count(s), before = c->left ? 0 : fill;
        write_text(to, "%*s%s", *s ? owed + before : 0, "", s);
        owed = *s ? fill - before + t->gap : owed + c->width + t->gap;
    }
    write_u8(to, '\n');
}

static void print_table(const char *title, enum be_table which, const struct be_row *whole,
                        struct writer *to) {
    struct table t = table_of(which, whole);
    write_text(to, "\n%s\n", title);
    for (int row = -1; row < t.rows; row++) print_cells(&t, row, to);
}

static void print_notes(const struct be_row *whole, struct writer *to) {
    for (int n = 0; n < whole->program->layer_count; n++)
        if (whole->program->layers[n].note[0])
            write_text(to, "%d: %s\n", n,
                       utf8_printable(whole->arena, whole->program->layers[n].note));
}

static const char *fact_text(enum be_facts which, const char *key, const struct be_row *r) {
    int count;
    const struct be_fact *f = be_report_facts(which, &count);
    for (int i = 0; i < count; i++) {
        if (strcmp(f[i].key, key) != 0) continue;
        struct be_cell c = f[i].get(r);
        return cell_text(r->arena, &c);
    }
    return "";
}

static void print_tensors(const char *what, const struct be_row *whole, int count,
                          int (*tensor)(const struct svpe_program *p, int n), struct writer *to) {
    for (int n = 0; n < count; n++) {
        struct be_row r = *whole;
        r.tensor = &r.program->tensors[tensor(r.program, n)];
        write_text(to, "%s \"%s\": %s, %s bits", what, fact_text(BE_TENSOR, "name", &r),
                   fact_text(BE_TENSOR, "shape", &r), fact_text(BE_TENSOR, "bits", &r));
        if (r.tensor->layout != SVPE_LAYOUT_PLAIN)
            write_text(to, ", exponent %s, zero %s", fact_text(BE_TENSOR, "exp", &r),
                       fact_text(BE_TENSOR, "zero", &r));
        write_u8(to, '\n');
    }
}

static void print_totals(const struct be_row *whole, struct writer *to) {
    enum { LABEL = 40, VALUE = 16 };
    int count;
    const struct be_fact *f = be_report_facts(BE_TOTAL, &count);
    write_text(to, "\nIn all\n");
    for (int i = 0; i < count; i++) {
        struct be_cell c = f[i].get(whole);
        write_text(to, "%-*s%*s\n", LABEL, f[i].heading, VALUE, cell_text(whole->arena, &c));
    }
}

void be_report_text(const struct be_plan *p, const struct svpe_program *program,
                    struct writer *to) {
    struct be_row whole = {.plan = p, .program = program, .arena = arena_new(arena_ctx(p->arena))};
    write_text(to, "program \"%s\" for %s: %s-bit activations, %s MACs per cycle at %s MHz\n",
               fact_text(BE_HEAD, "program", &whole), fact_text(BE_HEAD, "target", &whole),
               fact_text(BE_HEAD, "activation_bits", &whole),
               fact_text(BE_HEAD, "macs_per_cycle", &whole), fact_text(BE_HEAD, "mhz", &whole));
    print_tensors("input", &whole, program->input_count, input_tensor, to);
    print_tensors("output", &whole, program->output_count, output_tensor, to);
    print_table("What the layers are", BE_TABLE_WHAT, &whole, to);
    print_notes(&whole, to);
    print_table("What they cost: tiles, buffers, estimated cycles and DRAM bytes", BE_TABLE_COST,
                &whole, to);
    print_totals(&whole, to);
    arena_free(whole.arena);
}

/* ---- The page -------------------------------------------------------------------------------- */

static const char *const table_names[] = {[BE_TABLE_NONE] = "no",
                                          [BE_TABLE_WHAT] = "what",
                                          [BE_TABLE_COST] = "cost",
                                          [BE_TABLE_BOTH] = "what, cost"};

static void print_keys(enum be_facts which, const char *title, struct writer *to) {
    int count;
    const struct be_fact *f = be_report_facts(which, &count);
    bool columns = which == BE_COLUMN, totals = which == BE_TOTAL;
    write_text(to, "\n## %s\n\n| key | %smeaning |\n|---|%s---|\n", title,
               columns  ? "table of the text | heading | "
               : totals ? "line of the text | "
                        : "",
               columns  ? "---|---|"
               : totals ? "---|"
                        : "");
    for (int i = 0; i < count; i++) {
        write_text(to, "| %s |", f[i].key);
        if (columns) write_text(to, " %s |", table_names[f[i].table]);
        if (columns || totals) write_text(to, " %s |", f[i].heading);
        write_text(to, " %s |\n", f[i].meaning);
    }
}

void be_report_manual(struct writer *to) {
    write_text(
        to,
        "# The report\n\n"
        "<!-- Printed by nbqc --report-keys; a test compares. -->\n\n"
        "`nbqc model.onnx --emit=report` prints what became of a model: every layer with its\n"
        "numbers, what it costs by the estimate that chose its tiles, and totals.\n"
        "`--emit=report-json` is the same for programs: one object with the keys below. Keys are\n"
        "always there; `null` stands where one does not apply. Sizes are in elements unless they\n"
        "say otherwise. In the text a column that applies to no layer is left out, and a long "
        "name\n"
        "loses its beginning.\n\n"
        "`nbq-run model.svpe` prints the rows of a program that is there already; where both show\n"
        "a value, both take it from the program's own table of layers.\n");
    print_keys(BE_HEAD, "Of the program", to);
    print_keys(BE_TENSOR, "`inputs`, `outputs`: of each", to);
    print_keys(BE_COLUMN, "`layers`: of each", to);
    print_keys(BE_TOTAL, "`totals`", to);
}
