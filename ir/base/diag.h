/* Diagnostics: said once, kept in order, printed as
 *     TOOL: error: WHERE: MESSAGE
 *     TOOL: hint: HINT
 * The texts stand in one table per room, ROOM/diag.def, a row each:
 *     DIAG(fe_truncated, ERROR, "the file ends at byte %zu inside %s; expected %zu more bytes",
 *          "export the model again")
 * Expand a table with DIAG_TABLE (see frontend/diag.h for the pattern):
 *     #define DIAG DIAG_TABLE_ROW
 *     #include "diag.def"
 * and say a row with diag(c, fe_truncated, where, args...). The compiler checks the arguments
 * against the format. WHERE names file, node, section, line... whatever finds the place again; it
 * may be NULL.
 */
#ifndef NBQ_BASE_DIAG_H
#define NBQ_BASE_DIAG_H

#include "base/ctx.h"

enum diag_severity { DIAG_ERROR, DIAG_WARNING, DIAG_NOTE };

struct diag {
    struct diag *next;
    enum diag_severity severity;
    const char *id;    /* row name, e.g. "fe_truncated" */
    const char *where; /* may be NULL */
    const char *message;
    const char *hint; /* may be NULL */
};

#define DIAG_TABLE_ROW(name, severity_, format, hint_)                                             \
    static const char name##_format[] __attribute__((unused)) = format;                            \
    static const char *const name##_hint __attribute__((unused)) = hint_;                          \
    enum { name##_severity = DIAG_##severity_ };

#define diag(c, name, where, ...)                                                                  \
    diag_emit(c, (enum diag_severity)name##_severity, #name, where, name##_hint, name##_format,    \
              ##__VA_ARGS__)

/* diag.c */
void diag_emit(struct ctx *c, enum diag_severity severity, const char *id, const char *where,
               const char *hint, const char *format, ...) __attribute__((format(printf, 6, 7)));
void diag_print(const struct diag *d, const char *tool, FILE *to);
const struct diag *diag_find(const struct ctx *c,
                             const char *id); /* first one said with this id, or NULL */

#endif
