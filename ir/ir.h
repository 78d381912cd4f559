/* The IR: one graph of typed values and operations, float (ONNX semantics) or quantized (integers
 * and exponents).
 *
 * Ownership: graph, values, nodes, attributes and their arrays live in the graph's arena, and so do
 * the data of constants that import, parsing and passes make. Passes edit the graph in place,
 * inputs, outputs and names by the functions of graph.c only, which keep count of uses; a value
 * keeps its identity (pointer) while its name, type or producer changes.
 *
 * Layout of all tensors in the IR: NCHW, row-major, as in ONNX; what hardware does is the backend's
 * business.
 */
#ifndef NBQ_IR_IR_H
#define NBQ_IR_IR_H

#include "base/bytes.h"
#include "base/diag.h"

enum { IR_MAX_RANK = 8 };

/* Element types. Names in the text form: f32, i64, u8... */
enum ir_dtype {
#define IR_DTYPE(name, text, size) IR_##name,
#include "ir/dtypes.def"
#undef IR_DTYPE
    IR_DTYPE_COUNT
};

/* How stored integers stand for reals: real = (stored − zero) · 2^exp (docs/numbers.md: zero is 0,
 * or −2^(bits−1) for a tensor known to be ≥ 0). A float value carries one after calibration. */
struct ir_quant {
    int bits; /* 8 or 16; 0: not quantized (yet) */
    int exp;
    int zero;
};

struct ir_value {
    int id;           /* unique in the graph, dense-ish, stable */
    const char *name; /* unique in the graph, never empty */
    enum ir_dtype dtype;
    int rank;                  /* −1: unknown */
    int64_t dims[IR_MAX_RANK]; /* −1: unknown */
    struct ir_quant quant;
    /* Constants: row-major elements, aligned to their type; NULL: the value is no constant. */
    const void *data;
    /* Not 0: data is zeros, parsed from text that gave only this hash of the real data. */
    uint64_t elided;
    struct ir_node *producer; /* NULL for inputs and constants */
    /* Kept by graph.c: the inputs of nodes that are this value, in no order that means anything, */
    struct ir_use *uses;
    int use_count;    /* how many those are, */
    int output_count; /* and how often it is an output of the graph. */
};

/* Input `index` of a node; only for reading. */
struct ir_use {
    struct ir_node *node;
    int index;
    struct ir_value *value; /* NULL: left out, or the node is not in the graph any more */
    struct ir_use *prev, *next;
};

/* Attributes: names from one table, typed. */
enum ir_attr_kind { IR_ATTR_INT, IR_ATTR_FLOAT, IR_ATTR_STRING, IR_ATTR_INTS };

struct ir_attr {
    const char *name;
    enum ir_attr_kind kind;
    int64_t i;
    double f;
    const char *s;
    const int64_t *ints;
    int count; /* of ints */
};

enum ir_op {
#define IR_OP(name, ...) IR_OP_##name,
#include "ir/ops.def"
#undef IR_OP
    IR_OP_COUNT
};

struct ir_node {
    enum ir_op op;
    const char *name; /* the model's node name, for messages and layer tables; "": it has none */
    const char *file; /* the graph's, for messages */
    struct ir_value **in; /* entries may be NULL: optional input left out */
    int in_count;
    struct ir_value **out;
    int out_count;
    struct ir_use *uses; /* one per input; kept by graph.c */
    struct ir_attr *attrs;
    int attr_count;
    struct ir_node *prev, *next; /* topological order, kept by every pass */
};

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

/* One row of ir/ops.def. */
struct ir_op_info {
    const char *name;                     /* text form: "conv" */
    const char *onnx;                     /* ONNX operator, "" for internal ones */
    int since_min, since_max;             /* ONNX since-versions understood; 0: internal */
    int min_in, max_in, min_out, max_out; /* max −1: any number */
    /* "name:kind[=default] …", kinds i f s is; the verifier checks names and kinds. */
    const char *attrs;
    enum ir_level { IR_LEVEL_FLOAT, IR_LEVEL_QUANT, IR_LEVEL_ANY } level;
    enum ir_place { IR_PLACE_ARRAY, IR_PLACE_VECTOR, IR_PLACE_HOST, IR_PLACE_FOLDED } place;
    const char *meaning; /* one line */
};

/* One attribute of a row of ir/ops.def. */
struct ir_attr_info {
    char name[24];
    enum ir_attr_kind kind;
    const char *preset; /* text of the default, up to a space or NUL; NULL: it may be absent */
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
int64_t ir_elements(const struct ir_value *v); /* −1: shape not known */
bool ir_is_const(const struct ir_value *v);
struct ir_value *ir_in(const struct ir_node *n, int index); /* NULL: left out or past the end */

/* type.c: texts for messages, in arena a: `m.onnx: node "Conv_3" (conv, output %y)`, the same
 * without the file, `f32[1x3x32x32]`. */
const char *ir_node_where(struct arena *a, const struct ir_node *n);
const char *ir_node_text(struct arena *a, const struct ir_node *n);
const char *ir_type_text(struct arena *a, const struct ir_value *v);
/* act.c: the activation fused into a node: "relu", "clip 0…6"; NULL: none. */
const char *ir_act_text(struct arena *a, const struct ir_node *n);

/* attr.c: getters return the default of ops.def where the attribute is absent, and 0, NULL or a
 * count of 0 where it has none. */
const struct ir_attr *ir_attr_find(const struct ir_node *n, const char *name); /* NULL: absent */
int64_t ir_attr_int(const struct ir_node *n, const char *name);
double ir_attr_float(const struct ir_node *n, const char *name);
const char *ir_attr_string(const struct ir_node *n, const char *name);
const int64_t *ir_attr_ints(const struct ir_node *n, const char *name, int *count);
void ir_set_int(struct ir_graph *g, struct ir_node *n, const char *name, int64_t v);
void ir_set_float(struct ir_graph *g, struct ir_node *n, const char *name, double v);
void ir_set_string(struct ir_graph *g, struct ir_node *n, const char *name, const char *v);
void ir_set_ints(struct ir_graph *g, struct ir_node *n, const char *name, const int64_t *v,
                 int count);
void ir_attr_remove(struct ir_node *n, const char *name);

/* info.c: the tables. */
const struct ir_op_info *ir_op_info(enum ir_op op);
enum ir_op ir_op_by_name(const char *text); /* IR_OP_COUNT: unknown */
enum ir_op ir_op_by_onnx(const char *onnx); /* IR_OP_COUNT: unknown */
const char *ir_dtype_name(enum ir_dtype t);
size_t ir_dtype_size(enum ir_dtype t);
enum ir_dtype ir_dtype_by_name(const char *text); /* IR_DTYPE_COUNT: unknown */
const char *ir_attr_kind_name(enum ir_attr_kind k);
/* The index-th attribute of op; false past the last. */
bool ir_attr_schema(enum ir_op op, int index, struct ir_attr_info *out);
/* False: not an attribute of op. */
bool ir_attr_schema_find(enum ir_op op, const char *name, struct ir_attr_info *out);

/* window.c: the sliding window of a convolution or pool, with auto_pad resolved (ONNX: SAME_UPPER
 * puts the odd pixel of padding at the end, SAME_LOWER at the beginning) and the output size. Index
 * 0 is height, 1 is width. */
struct ir_window {
    int64_t in[2], kernel[2], stride[2], dilation[2];
    int64_t before[2], after[2]; /* padding */
    int64_t out[2];              /* −1: the input size is not known */
};
/* For conv, qconv and the pools. False after saying why: zero strides, a kernel larger than the
 * padded input... */
bool ir_window_of(struct ir_graph *g, const struct ir_node *n, struct ir_window *w);

/* function.c: the rows IR_FUNCTION of ops.def, y = at(x, params) element by element. In double,
 * from operations that are exact or correctly rounded and the C library's functions: the same on
 * every machine, but for the last digit of the latter. */
enum { IR_FUNCTION_PARAMS = 2 };
struct ir_function {
    double (*at)(double x, const double *params);
    double params[IR_FUNCTION_PARAMS]; /* the node's attributes, in the order of the row */
};
bool ir_is_function(enum ir_op op);
/* Of a node whose operator is one. */
struct ir_function ir_function_of(const struct ir_node *n);
/* y ≥ 0 for any x and any attributes; false for other operators. */
bool ir_function_nonneg(enum ir_op op);

/* verify.c: says every fault (stage names the pass in messages) and returns false if there was one:
 * dominance, unique names, arity, attribute names and kinds, shapes against what would be inferred,
 * the numbers of the quantized level. */
bool ir_verify(struct ir_graph *g, const char *stage);

/* infer.c: shape and type of the outputs of one node from its inputs. What does not follow stays as
 * it was; false after saying why the inputs do not fit. */
bool ir_infer_node(struct ir_graph *g, struct ir_node *n);

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

/* eval.c, eval_*.c: the evaluator, NCHW. Quantized operators are the oracle: slow, plain, 64-bit
 * integers throughout. Float ones accumulate in double and store float, but for convolution
 * (eval_conv.c), which is quick; all add in a fixed order and give the same on every CPU. The graph
 * has to be verified. Messages go to the context of arena a, and g is not changed: threads may
 * share g, each with its own arena and context. */
struct ir_tensor { /* buffers as the value's dtype; quantized values hold their stored integers */
    void *data;
};
/* Evaluates the whole graph. in[i]: data of input i (dtype of the value). On return
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
