/* What is supported, from ops.def and import.def: `nbqc --supported-ops` as Markdown, which
 * docs/operators.md is, or as JSON. */
#include "frontend/import.h"

/* One line of the table. */
struct row {
    const char *op, *domain; /* "": ONNX itself */
    int first, last;         /* since-versions; 0: of no opset of ONNX */
    const char *place, *limits;
};

typedef void write_row(struct writer *to, const struct row *r);

static const char *place_text(enum ir_place p) {
    static const char *const names[] = {[IR_PLACE_ARRAY] = "array",
                                        [IR_PLACE_VECTOR] = "vector unit",
                                        [IR_PLACE_HOST] = "host",
                                        [IR_PLACE_FOLDED] = "folded"};
    return names[p];
}

static const char *limits_of(int op) {
    static const char *const limits[IR_OP_COUNT] = {
#define FE_LIMITS(op, text) [IR_OP_##op] = text,
#include "frontend/import.def"
    };
    if (ir_is_function((enum ir_op)op))
        return "a table of 256 entries; in 16 bits linear between them";
    return limits[op] ? limits[op] : "";
}

/* ONNX's operators, those of other domains, and those that become others. */
static void write_rows(struct writer *to, write_row *write) {
    const char *domain, *name;
    for (int i = 0; i < IR_OP_COUNT; i++) {
        const struct ir_op_info *o = ir_op_info((enum ir_op)i);
        struct row r = {o->onnx,     "", o->since_min, o->since_max, place_text(o->place),
                        limits_of(i)};
        if (o->onnx[0]) write(to, &r);
        r.first = r.last = 0;
        for (int k = 0; fe_foreign((enum ir_op)i, k, &r.domain, &r.op); k++) write(to, &r);
    }
    for (int i = 0; (name = fe_expandable(i, &domain)) != NULL; i++) {
        struct row r = {name, domain, 0, 0, "spelled out", "in DequantizeLinear and the operator"};
        if (!domain[0]) r.first = r.last = 10;
        write(to, &r);
    }
}

static void write_line(struct writer *to, const struct row *r) {
    write_text(to, "| %s | %s | ", r->op, r->domain);
    if (r->first) write_text(to, "%d to %d", r->first, r->last);
    write_text(to, " | %s | %s |\n", r->place, r->limits);
}

static void write_object(struct writer *to, const struct row *r) {
    /* No text of the tables needs an escape. */
    write_text(to, "%s    {\"operator\": \"%s\", \"domain\": \"%s\", ",
               to->data[to->size - 1] == '[' ? "\n" : ",\n", r->op, r->domain);
    if (r->first) write_text(to, "\"since\": [%d, %d], ", r->first, r->last);
    write_text(to, "\"runs_on\": \"%s\", \"limits\": \"%s\"}", r->place, r->limits);
}

static const struct {
    const char *op, *why;
} refused[] = {
#define FE_REFUSED(op, why) {op, why},
#include "frontend/import.def"
};
enum { REFUSED = sizeof refused / sizeof *refused };

void fe_supported_ops(struct writer *to) {
    write_text(
        to,
        "# Operators\n\n"
        "What `nbqc` takes from ONNX models. This page is the output of `nbqc --supported-ops`; "
        "`--supported-ops=json` is the same for programs.\n\n"
        "Models of opset 1 to %d are read; since-versions are those of the operator's own "
        "definitions. Runs on: `array` and `vector unit` are the device, `host` is the processor "
        "beside it, `folded` operators are gone after compilation. Anything may stand among "
        "constants: it is folded. What is beyond the limits of the device runs on the host, with a "
        "note that says why.\n\n"
        "| operator | domain | since-versions | runs on | limits |\n|---|---|---|---|---|\n",
        FE_OPSET_MAX);
    write_rows(to, write_line);
    write_text(to, "\nElement types: ");
    const char *names = fe_dtype_names(to->arena);
    write_text(to,
               "%s. Float16, bfloat16 and double are computed as float. What has fewer "
               "bits than 8, and floats of 8, are for casts on the host: they are stored as the "
               "next type, and constants cannot have them.\n",
               names);
    write_text(to, "\nRefused, wherever they stand; `--outputs` and `--inputs` cut them away:\n\n"
                   "| operator | because |\n|---|---|\n");
    for (int i = 0; i < REFUSED; i++)
        write_text(to, "| %s | %s |\n", refused[i].op, refused[i].why);
}

void fe_supported_ops_json(struct writer *to) {
    write_text(to, "{\n  \"opsets\": [1, %d],\n  \"operators\": [", FE_OPSET_MAX);
    write_rows(to, write_object);
    write_text(to, "\n  ],\n  \"refused\": [");
    for (int i = 0; i < REFUSED; i++)
        write_text(to, "%s    {\"operator\": \"%s\", \"because\": \"%s\"}", i ? ",\n" : "\n",
                   refused[i].op, refused[i].why);
    write_text(to, "\n  ]\n}\n");
}
