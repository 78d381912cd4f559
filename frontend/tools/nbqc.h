/* nbqc in two parts: what the command line says, and the job it asks for. */
#ifndef NBQ_FRONTEND_TOOLS_NBQC_H
#define NBQ_FRONTEND_TOOLS_NBQC_H

#include "base/command.h"
#include "passes/passes.h"

#define OPTION_TABLE "frontend/nbqc.opt.def"
#include "base/option_table.def"

enum nbqc_emit {
    EMIT_SVPE,
    EMIT_IR,
    EMIT_PLAN,
    EMIT_ASM,
    EMIT_DOT,
    EMIT_ONNX,
    EMIT_REPORT,
    EMIT_REPORT_JSON,
    EMIT_NOTHING
};

/* What the command line says. */
struct nbqc_job {
    struct ctx *c;
    struct arena *a;
    const struct option_set *set;
    const char *model, *output; /* output NULL: standard output */
    enum nbqc_emit emit;
    struct pass_options pass;
    struct pass_run run;
    const char *schedule;
    bool verbose;
};

/* nbqc_options.c */
extern const struct option_words nbqc_words[OPTION_COUNT];
const struct option_value *nbqc_option(const struct nbqc_job *j, enum option_id id);
/* Fills in all but c, a and set: an exit code, not EXIT_OK after saying what is wrong. */
int nbqc_read_options(struct nbqc_job *j);
bool nbqc_ends_with(const char *s, const char *end);

#endif
