/* The IR: one graph of typed values and operations, float (ONNX semantics) or quantized (integers
 * and exponents).
 *
 * Ownership: graph, values, nodes, attributes and their arrays live in the graph's arena, and so do
 * the data of constants that import, parsing and passes make. Passes edit the graph in place,
 * inputs, outputs and names by the functions of graph.c only, which keep count of uses; a value
 * keeps its identity (pointer) while its name, type or producer changes.
 *
 * What a value, an attribute and a node are, and the operators of the float level: base/ops/ops.h.
 * Layout of all tensors in the IR: NCHW, row-major, as in ONNX; what hardware does is the backend's
 * business.
 */
#ifndef NBQ_IR_IR_H
#define NBQ_IR_IR_H

#include "base/ops/ops.h"

struct ir_graph {
    struct ctx *ctx;
    struct arena *arena;
    const char *name;
    const char *file; /* the model it was read from, for messages; NULL: none */
    struct ir_node *first, *last;
    /* Network inputs (no constants) and outputs, in the model's order. */
    struct ir_value **inputs, **outputs;
    int input_count, output_count;
    struct ir_value **values; /* all values ever made; removed ones are NULL */
    int value_count, value_room;
    struct ir_names *names; /* of the values: names.c */
};

/* graph.c: building and editing. Nothing returns NULL; memory running out leaves by ctx_oom().
 * Names, inputs and outputs are copied; data of constants is not. */
struct ir_graph *ir_graph_new(struct ctx *c, const char *name);
/* name NULL: a fresh one; a name given must not be in use (ir_unique_name). dims NULL: unknown. */
struct ir_value *ir_value_new(struct ir_graph *g, const char *name, enum ir_dtype t, int rank,
                              const int64_t *dims);
struct ir_value *ir_const_new(struct ir_graph *g, const char *name, enum ir_dtype t, int rank,
                              const int64_t *dims, const void *data);
/* Appends before `before` (NULL: at the end). Outputs get the node as their producer. */
struct ir_node *ir_node_new(struct ir_graph *g, struct ir_node *before, enum ir_op op,
                            const char *name, struct ir_value *const *in, int in_count,
                            struct ir_value *const *out, int out_count);
/* Unlinks n; those of its outputs that n still produces leave g->values. They must have no use
 * left. */
void ir_node_remove(struct ir_graph *g, struct ir_node *n);
/* A constant or input without uses leaves g->values. */
void ir_value_remove(struct ir_graph *g, struct ir_value *v);
void ir_add_input(struct ir_graph *g, struct ir_value *v);
void ir_add_output(struct ir_graph *g, struct ir_value *v);
void ir_set_output(struct ir_graph *g, int index, struct ir_value *v);
/* The name is copied and must not be in use. */
void ir_value_rename(struct ir_graph *g, struct ir_value *v, const char *name);
/* Inputs between the last one so far and index become left-out ones. */
void ir_set_input(struct ir_graph *g, struct ir_node *n, int index, struct ir_value *v);
/* In nodes and in the graph's outputs. Takes as long as there are uses. */
void ir_replace_uses(struct ir_graph *g, struct ir_value *from, struct ir_value *to);
int ir_use_count(const struct ir_graph *g, const struct ir_value *v); /* nodes and outputs */
/* NULL unless there is exactly one use, and that by a node. */
struct ir_node *ir_single_user(const struct ir_graph *g, const struct ir_value *v);
/* `wanted`, or with a number behind it if that name is in use: names.c. */
const char *ir_unique_name(struct ir_graph *g, const char *wanted);
/* Of nodes: made where it is not there. Texts and lists are copied. */
void ir_set_int(struct ir_graph *g, struct ir_node *n, const char *name, int64_t v);
void ir_set_float(struct ir_graph *g, struct ir_node *n, const char *name, double v);
void ir_set_string(struct ir_graph *g, struct ir_node *n, const char *name, const char *v);
void ir_set_ints(struct ir_graph *g, struct ir_node *n, const char *name, const int64_t *v,
                 int count);
void ir_attr_remove(struct ir_node *n, const char *name);

/* verify.c: says every fault (stage names the pass in messages) and returns false if there was one:
 * dominance, unique names, arity, attribute names and kinds, shapes against what would be inferred,
 * the numbers of the quantized level. */
bool ir_verify(struct ir_graph *g, const char *stage);

/* infer.c: shape and type of the outputs of one node from its inputs. What does not follow stays as
 * it was; false after saying why the inputs do not fit. */
bool ir_infer_node(struct ir_graph *g, struct ir_node *n);
/* ir_node_window of base/ops, what is said going to the graph's context. */
bool ir_window_of(struct ir_graph *g, const struct ir_node *n, struct ir_window *w);

/* print.c, parse.c: the text form, docs/ir.md. Printing then parsing any graph printed with
 * IR_PRINT_DATA gives an equal graph; without it, constants over 16 elements print as shape + hash
 * and parse to zeros carrying the hash, so that printing them again gives the same text. Constants
 * that nothing uses are not printed. ir_parse says every fault of the text and then returns NULL;
 * it checks no meaning, which is for ir_verify. */
enum { IR_PRINT_DATA = 1 };
void ir_print(const struct ir_graph *g, unsigned flags, struct writer *to);
struct ir_graph *ir_parse(struct ctx *c, const char *file, const char *text, size_t size);
/* The same of a text that ir_print() has made of a graph in memory: its constants without data may
 * be of any size that a constant has. From others, a short text must not claim much memory. */
struct ir_graph *ir_parse_own(struct ctx *c, const char *file, const char *text, size_t size);
/* dot.c: for Graphviz, coloured by place. */
void ir_print_dot(const struct ir_graph *g, struct writer *to);

/* eval.c, eval_quant.c: the evaluator. Quantized operators are the oracle: slow, plain, 64-bit
 * integers throughout. Float ones (base/ops) accumulate in double and store float, but for
 * convolution, which is quick; all add in a fixed order and give the same on every CPU. The graph
 * has to be verified. Messages go to the context of arena a, and g is not changed: threads may
 * share g, each with its own arena and context.
 *
 * Evaluates the whole graph. in[i]: data of input i (dtype of the value). On return
 * values[v->id].data holds every value's data, allocated from a. False after saying why (an
 * operator that cannot be evaluated names itself). */
bool ir_eval(struct ir_graph *g, struct arena *a, const void *const *in, struct ir_tensor *values);
/* One node, all inputs constant or present in values: the constant folder uses it too. An output
 * whose data is NULL gets a buffer from a, any other is written where it points. */
bool ir_eval_node(struct ir_graph *g, struct arena *a, const struct ir_node *n,
                  struct ir_tensor *values);
/* Called for every input and then every value as it is computed; data is gone when no later node
 * needs it: calibration. */
typedef void ir_observe_fn(void *user, const struct ir_value *v, const void *data);
/* out[i]: data of output i, in arena a. observe may be NULL. */
bool ir_eval_observed(struct ir_graph *g, struct arena *a, const void *const *in,
                      ir_observe_fn *observe, void *user, const void **out);
/* Bytes that ir_eval_observed takes for what nodes make: no more than a little above the most that
 * is alive at once. What one node takes for itself comes on top, at most a band of its input. */
uint64_t ir_eval_room(const struct ir_graph *g);

/* number.c: the normative arithmetic of the oracle; the runtime has its own. */
int64_t ir_round_shift(int64_t x, int s); /* (x + (s ? 1 << (s−1) : 0)) >> s, ties to +inf */
int64_t ir_saturate(int64_t x, int bits);
/* Ties to even, saturated, in stored form; not-a-number gives the encoded zero. */
int64_t ir_quantize_float(double x, struct ir_quant q);
double ir_dequantize(int64_t stored, struct ir_quant q);

#endif
