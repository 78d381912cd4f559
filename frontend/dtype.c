/* TensorProto.DataType, from the rows of import.def. */
#include "frontend/import.h"

#include <string.h>
#include <strings.h>

static const struct fe_dtype rows[] = {
#define FE_DTYPE(number, name, ir, bytes, field) {number, name, IR_##ir, bytes, FE_IN_##field},
#define IR_COUNT                                 IR_DTYPE_COUNT
#include "frontend/import.def"
#undef IR_COUNT
};
enum { ROWS = sizeof rows / sizeof *rows };

const struct fe_dtype *fe_dtype(int64_t number) {
    for (int i = 0; i < ROWS; i++)
        if (rows[i].number == number) return &rows[i];
    return NULL;
}

const struct fe_dtype *fe_dtype_by_name(const char *name, size_t n) {
    for (int i = 0; i < ROWS; i++)
        if (strlen(rows[i].name) == n && !strncasecmp(rows[i].name, name, n)) return &rows[i];
    return NULL;
}

int32_t fe_dtype_of(enum ir_dtype t) {
    for (int i = 0; i < ROWS; i++)
        if (rows[i].ir == t) return rows[i].number;
    return 0;
}

const char *fe_dtype_names(struct arena *a) {
    struct writer w;
    writer_init(&w, a);
    for (int i = 0; i < ROWS; i++)
        if (rows[i].ir != IR_DTYPE_COUNT) write_text(&w, "%s%s", w.size ? ", " : "", rows[i].name);
    return writer_string(&w);
}
