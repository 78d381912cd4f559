/* ONNX bytes to the float IR. */
#ifndef NBQ_FRONTEND_FRONTEND_H
#define NBQ_FRONTEND_FRONTEND_H

#include "base/engine.h"
#include "ir/ir.h"

struct fe_options {
    struct engine_sizes sizes; /* of dynamic dimensions; a batch without one is 1 */
    const char *folder; /* of external data; NULL: there is none (fe_import() knows it by itself) */
};

/* import.c: maps the file, checks nesting depth and size before unpacking, builds the graph. Every
 * problem is said, with node, operator, found, expected, hint; then NULL. The graph is verified and
 * has all shapes that follow at once; weights are copied once, out of the file, and live until
 * ctx_free(). */
struct ir_graph *fe_import(struct ctx *c, const char *path, const struct fe_options *o);
/* bytes are only read during the call; file is only for messages. */
struct ir_graph *fe_import_bytes(struct ctx *c, const char *file, const uint8_t *bytes, size_t size,
                                 const struct fe_options *o);

/* external.c: the folder of a file, in arena a; NULL: it is standard input. */
const char *fe_folder(struct arena *a, const char *path);

/* export.c: the graph as an ONNX model, whose values have the graph's names, appended to `to`. The
 * quantized level is spelled out in ordinary operators that give the same integers in any runtime
 * that computes them as ONNX says. False after saying what cannot be written. */
bool fe_export(struct ir_graph *g, struct writer *to);
/* Whether there is a way to write nodes of that operator. */
bool fe_exports(enum ir_op op);

/* supported.c: the table of operators as Markdown: docs/operators.md is this text. */
void fe_supported_ops(struct writer *to);
void fe_supported_ops_json(struct writer *to);

#endif
