/* What is supported, as Markdown, from ir/ops.def: `nbqc --supported-ops`, docs/operators.md. */
#include "frontend/import.h"

static const char *place_text(enum ir_place p) {
    static const char *const names[] = {"array", "vector unit", "host", "folded"};
    return names[p];
}

void fe_supported_ops(struct writer *to) {
    write_text(to,
               "# Operators\n\nWhat `nbqc` takes from ONNX models, opsets 1 to %d. "
               "This page is the output of `nbqc --supported-ops`.\n\n"
               "| ONNX operator | since-versions | runs on | meaning and limits |\n"
               "|---|---|---|---|\n",
               FE_OPSET_MAX);
    for (int i = 0; i < IR_OP_COUNT; i++) {
        const struct ir_op_info *o = ir_op_info((enum ir_op)i);
        if (!o->onnx[0]) continue;
        write_text(to, "| %s | %d to %d | %s | %s |\n", o->onnx, o->since_min, o->since_max,
                   place_text(o->place), o->meaning);
    }
}
