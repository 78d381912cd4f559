/* The operators of the IR: what a value, an attribute and a node are, the table of all operators,
 * and of those of the float level (ONNX semantics) shape rule and evaluator. It knows nothing of
 * graphs: whoever has nodes in an order that works, be it the compiler or the runtime, can run
 * them. Graphs, their text, the verifier and the operators of the quantized level are ir/ir.h's.
 *
 * Layout of all tensors: NCHW, row-major, as in ONNX.
 */
#ifndef NBQ_BASE_OPS_OPS_H
#define NBQ_BASE_OPS_OPS_H

#include "base/bytes.h"
#include "base/diag.h"

enum { IR_MAX_RANK = 8 };

/* Element types. Names in the text form: f32, i64, u8... */
enum ir_dtype {
#define IR_DTYPE(name, text, size) IR_##name,
#include "base/ops/dtypes.def"
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

/* Where a float value lies, as the model says that it comes from: real numbers beyond are clipped
 * there. lo == hi: it does not say. */
struct ir_range {
    double lo, hi;
};

struct ir_value {
    int id;           /* unique in the graph, dense-ish, stable */
    const char *name; /* unique in the graph, never empty */
    enum ir_dtype dtype;
    int rank;                  /* −1: unknown */
    int64_t dims[IR_MAX_RANK]; /* −1: unknown */
    struct ir_quant quant;
    struct ir_range range;
    /* Constants: row-major elements, aligned to their type; NULL: the value is no constant. */
    const void *data;
    /* Not 0: data is zeros, parsed from text that gave only this hash of the real data. */
    uint64_t elided;
    struct ir_node *producer; /* NULL for inputs and constants */
    /* Kept by ir/graph.c: the inputs of nodes that are this value, in no order that means
     * anything, */
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
#include "base/ops/ops.def"
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
    struct ir_use *uses; /* one per input; kept by ir/graph.c */
    struct ir_attr *attrs;
    int attr_count;
    struct ir_node *prev, *next; /* topological order, kept by every pass */
};

/* One row of base/ops/ops.def. */
struct ir_op_info {
    const char *name;                     /* text form: "conv" */
    const char *onnx;                     /* ONNX operator, "" for internal ones */
    int since_min, since_max;             /* ONNX since-versions understood; 0: internal */
    int min_in, max_in, min_out, max_out; /* max −1: any number */
    /* "name:kind[=default] …", kinds i f s is; the verifier checks names and kinds. Those of the
     * table's rows IR_COMMON come on top. */
    const char *attrs;
    enum ir_level { IR_LEVEL_FLOAT, IR_LEVEL_QUANT, IR_LEVEL_COUNT } level;
    enum ir_place { IR_PLACE_ARRAY, IR_PLACE_VECTOR, IR_PLACE_HOST, IR_PLACE_FOLDED } place;
    const char *meaning; /* one line */
};

/* One attribute of a row of base/ops/ops.def. */
struct ir_attr_info {
    char name[32];
    enum ir_attr_kind kind;
    const char *preset; /* text of the default, up to a space or NUL; NULL: it may be absent */
};

struct ir_tensor { /* buffers as the value's dtype; quantized values hold their stored integers */
    void *data;
};
struct ir_type {
    enum ir_dtype dtype;
    int rank; /* −1: unknown */
    int64_t dims[IR_MAX_RANK];
};

int64_t ir_elements(const struct ir_value *v); /* −1: shape not known */
bool ir_is_const(const struct ir_value *v);
struct ir_value *ir_in(const struct ir_node *n, int index); /* NULL: left out or past the end */

/* type.c: single elements of data, which is aligned to its type. */
/* Element i of any integer type or bool. */
int64_t ir_load_int(enum ir_dtype t, const void *data, int64_t i);
/* Stores element i of any type from an integer, wrapping. */
void ir_store_int(enum ir_dtype t, void *data, int64_t i, int64_t v);
double ir_load_float(enum ir_dtype t, const void *data, int64_t i); /* of any type */
/* Of any type: what both say is known, and the same. */
bool ir_type_is(const struct ir_value *x, const struct ir_type *t);

/* Texts for messages, in arena a: `m.onnx: node "Conv_3" (conv, output %y)`, the same
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

/* info.c: the tables. */
const struct ir_op_info *ir_op_info(enum ir_op op);
enum ir_op ir_op_by_name(const char *text); /* IR_OP_COUNT: unknown */
enum ir_op ir_op_by_onnx(const char *onnx); /* IR_OP_COUNT: unknown */
const char *ir_dtype_name(enum ir_dtype t);
size_t ir_dtype_size(enum ir_dtype t);
enum ir_dtype ir_dtype_by_name(const char *text); /* IR_DTYPE_COUNT: unknown */
bool ir_is_float(enum ir_dtype t);
const char *ir_attr_kind_name(enum ir_attr_kind k);
/* The host computes n: an operator of the float level that has the attribute `host`, or whose place
 * is the host anyway. */
bool ir_is_host(const struct ir_node *n);
/* The index-th attribute of op, those of its own row first; false past the last. */
bool ir_attr_schema(enum ir_op op, int index, struct ir_attr_info *out);
/* False: not an attribute of op. */
bool ir_attr_schema_find(enum ir_op op, const char *name, struct ir_attr_info *out);

/* Names, kinds, and each once: what the verifier says of attributes. False after saying. */
bool ir_check_attrs(struct ctx *c, const char *where, const struct ir_node *n);

/* window.c: the sliding window of a convolution or pool, with auto_pad resolved (ONNX: SAME_UPPER
 * puts the odd pixel of padding at the end, SAME_LOWER at the beginning) and the output size. Of an
 * image index 0 is height, 1 is width. */
enum { IR_WINDOW_DIMS = 3 };
struct ir_window {
    int rank; /* 1…IR_WINDOW_DIMS: what stands behind it in the arrays is 0 */
    int64_t in[IR_WINDOW_DIMS], kernel[IR_WINDOW_DIMS];
    int64_t stride[IR_WINDOW_DIMS], dilation[IR_WINDOW_DIMS];
    int64_t before[IR_WINDOW_DIMS], after[IR_WINDOW_DIMS]; /* padding */
    int64_t out[IR_WINDOW_DIMS];                           /* −1: the input size is not known */
};
/* For conv, qconv and the pools. False after saying why: zero strides, a kernel larger than the
 * padded input... */
bool ir_node_window(struct arena *a, const struct ir_node *n, struct ir_window *w);
/* For convtranspose: tap k of input place i goes to output place i·stride + k·dilation − before, if
 * there is one. after is what explicit pads or auto_pad make it, and 0 at least. */
bool ir_transposed_window(struct arena *a, const struct ir_node *n, struct ir_window *w);
/* The same window with `rank` dimensions: those added in front have size 1. */
struct ir_window ir_window_lift(const struct ir_window *w, int rank);

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

/* rules.c: of the float level. */
bool ir_op_runs(enum ir_op op);
/* It asks for the shape of its input and reads none of its elements. */
bool ir_op_asks_shape(enum ir_op op);

/* infer.c: types of the outputs of one node of the float level, n->out_count entries. values: data
 * by value id where it is known, for shapes that depend on it; NULL: constants only. What does not
 * follow is −1. False after saying, in the context of a, why the inputs do not fit. */
bool ir_op_types(struct arena *a, const struct ir_node *n, const struct ir_tensor *values,
                 struct ir_type *out);

/* eval.c, eval_*.c: one node of the float level, all inputs constant or present in values (by value
 * id). An output whose data is NULL gets a buffer from a, any other is written where it points. The
 * shapes are checked against what follows from the inputs, so that data cannot lead outside; names,
 * kinds and counts of what the node has are the caller's to check before. False after saying why in
 * the context of a. Threads may share a node, each with its own arena and context. */
bool ir_op_eval(struct arena *a, const struct ir_node *n, struct ir_tensor *values);

#endif
