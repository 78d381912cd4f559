/* Between the facts of a report (report.c) and its forms (report_print.c). */
#ifndef NBQ_BACKEND_REPORT_H
#define NBQ_BACKEND_REPORT_H

#include "backend/internal.h"

/* One value. */
struct be_cell {
    enum { BE_CELL_NONE, BE_CELL_INTS, BE_CELL_REAL, BE_CELL_TEXT, BE_CELL_BOOL } kind;
    int count;    /* of integers */
    bool list;    /* in JSON, a list even if there is one */
    int64_t i[8]; /* also of a bool */
    double real;
    int decimals;             /* of it */
    const char *s;            /* TEXT */
    const char *joint;        /* between integers, in the text; NULL: "x" */
    const char *shown;        /* what the text shows in its place, or NULL */
    const char *const *names; /* a list of texts: count of them; kind is INTS */
};

/* What a value is asked of. */
struct be_row {
    const struct be_plan *plan;
    const struct svpe_program *program;
    struct arena *arena; /* for texts */
    const struct svpe_tensor *tensor;
    const struct svpe_layer *layer; /* of the program's table */
    const struct be_layer *device;  /* the same, planned; NULL: the host runs it */
    const struct be_host *host;     /* the same; NULL: the device runs it */
    int index;
};

enum be_table { BE_TABLE_NONE, BE_TABLE_WHAT, BE_TABLE_COST, BE_TABLE_BOTH };

/* One row of report.def. */
struct be_fact {
    const char *key, *heading, *meaning;
    enum be_table table;
    struct be_cell (*get)(const struct be_row *r);
};
enum be_facts { BE_HEAD, BE_TENSOR, BE_COLUMN, BE_TOTAL, BE_FACTS_COUNT };

/* report.c */
const struct be_fact *be_report_facts(enum be_facts which, int *count);
/* Of layer n of the program's table. */
struct be_row be_report_row(const struct be_row *of, int n);

#endif
