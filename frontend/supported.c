/* What is supported, as Markdown, from ops.def and import.def: `nbqc --supported-ops`,
 * docs/operators.md. */
#include "frontend/import.h"

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

void fe_supported_ops(struct writer *to) {
    write_text(
        to,
        "# Operators\n\n"
        "What `nbqc` takes from ONNX models. This page is the output of `nbqc --supported-ops`."
        "\n\n"
        "Models of opset 1 to %d are read; since-versions are those of the operator's own "
        "definitions. Runs on: `array` and `vector "
        "unit` are the device, `host` is the processor beside it, `folded` operators are gone "
        "after compilation. Anything may stand among constants: it is folded.\n\n"
        "| operator | since-versions | runs on | limits |\n|---|---|---|---|\n",
        FE_OPSET_MAX);
    for (int i = 0; i < IR_OP_COUNT; i++) {
        const struct ir_op_info *o = ir_op_info((enum ir_op)i);
        if (o->onnx[0])
            write_text(to, "| %s | %d to %d | %s | %s |\n", o->onnx, o->since_min, o->since_max,
                       place_text(o->place), limits_of(i));
    }
    write_text(to, "\nElement types: ");
    const char *names = fe_dtype_names(to->arena);
    write_text(to,
               "%s. Float16, bfloat16 and double are computed as float. What has fewer "
               "bits than 8, and floats of 8, are for casts on the host: they are stored as the "
               "next type, and constants cannot have them.\n",
               names);
}
