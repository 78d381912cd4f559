/* Shared between the files of the IR room, not with other rooms. */
#ifndef NBQ_IR_INTERNAL_H
#define NBQ_IR_INTERNAL_H

#include "base/ops/internal.h"
#include "ir/diag.h"
#include "ir/ir.h"

enum { IR_MAX_EXP = 128 }; /* of a quantized tensor, either way */

/* Letters of value names that need no quotes, and of keywords, operators and attributes
 * (docs/ir.md). */
#define IR_WORD_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"
#define IR_NAME_CHARS IR_WORD_CHARS "./:-"

/* names.c: the names of values; several of one name count. */
struct ir_names *ir_names_new(struct arena *a);
void ir_names_add(struct ir_graph *g, const char *name);
void ir_names_drop(struct ir_graph *g, const char *name);

/* infer.c: of either level. */
const struct ir_rule *ir_rule(enum ir_op op);

/* verify_quant.c */
bool ir_verify_value_quant(struct ir_graph *g, const struct ir_value *v, const char *where);
bool ir_verify_quant(struct ir_graph *g, const struct ir_node *n, const char *where);

#endif
