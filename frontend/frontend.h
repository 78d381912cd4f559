/* ONNX bytes to the float IR. */
#ifndef NBQ_FRONTEND_FRONTEND_H
#define NBQ_FRONTEND_FRONTEND_H

#include "ir/ir.h"

struct fe_options {
    const char *const *dims; /* "N=1": sizes of named dynamic dimensions; an unnamed or unset batch dimension is 1 */
    int dim_count;
};

/* import.c: maps the file, checks nesting depth and size before unpacking, builds the graph. Every problem is said,
 * with node, operator, found, expected, hint; then NULL. The graph is verified and has all shapes that follow at once;
 * weights of raw_data are not copied. */
struct ir_graph *fe_import(struct ctx *c, const char *path, const struct fe_options *o);
struct ir_graph *fe_import_bytes(struct ctx *c, const char *file, const uint8_t *bytes, size_t size, const struct fe_options *o);

#endif
