/* Inside the importer: what its files share. */
#ifndef NBQ_FRONTEND_IMPORT_H
#define NBQ_FRONTEND_IMPORT_H

#include "frontend/frontend.h"

#include "base/file.h"

struct Onnx__ModelProto; /* the generated <onnx/onnx.pb-c.h>, which each file includes itself */
struct Onnx__NodeProto;
struct Onnx__AttributeProto;
struct Onnx__TensorProto;
struct Onnx__FunctionProto;
struct Onnx__ValueInfoProto;

enum {
    FE_OPSET_MAX = 28, /* operator changelog read up to here, see import.def */
    FE_IR_VERSION_MAX = 14,
    FE_DEPTH_MAX = 100,        /* nested messages; protobuf's own limit elsewhere */
    FE_LIST_MAX = 1 << 20,     /* numbers in an attribute */
    FE_SAY_EACH = 3,           /* nodes of an unknown operator that are named */
    FE_ERRORS_MAX = 1000,      /* a hostile file has a million */
    FE_CALL_DEPTH_MAX = 32,    /* functions that call functions */
    FE_NODES_MAX = 1 << 17,    /* where functions are inlined */
    FE_DEFAULTS = 11,          /* number of FunctionProto.attribute_proto */
    FE_SHAPE_TEXT = 8 * 22 + 3 /* the longest text of fe_shape_text() and its NUL */
};

#define FE_ELEMENTS_MAX INT32_MAX /* of a tensor */

/* A name of the model: a value, or a promise of one. */
struct fe_entry {
    const char *name;
    struct ir_value *value; /* NULL: not made yet, or its maker failed (then said already) */
    const char *maker;      /* for messages: "an initializer", "node 'x'"; NULL: nothing makes it */
    int node;               /* index of the node that makes it, −1: input or initializer */
    int index;              /* of the initializer, input or output of its node */
    int uses;               /* node inputs + graph outputs */
    bool wanted;            /* an output depends on it; all are where nothing is cut away */
    bool cut;               /* --inputs names it */
    bool listed;            /* has been an input already */
    struct fe_file *file;   /* of a name that is a file's */
    struct fe_entry *before; /* the one that was added before it */
};

extern const char fe_initializer[], fe_input[]; /* makers; names.c */

struct fe_names {
    struct arena *arena;
    struct hash_key key;
    struct fe_entry **slots, *newest;
    size_t room, count;
};

/* A node of the graph, or of a function that a node of the graph calls, inlined. */
struct fe_item {
    const struct Onnx__NodeProto *proto;
    int64_t opset;                          /* of the standard operators where it stands */
    bool wanted;                            /* not cut away */
    const struct Onnx__FunctionProto *call; /* one that cannot be inlined; else NULL, and why not */
    enum { FE_CALL_ARITY, FE_CALL_DEPTH, FE_CALL_SIZE } fault;
    const char *cycle; /* the input by which it depends on its own output; NULL: it does not */
};

struct fe_state {
    struct ctx *c;
    struct arena *arena; /* scratch, ends with the import */
    struct ir_graph *g;
    const char *file;
    const struct fe_options *options;
    const struct Onnx__ModelProto *model;
    int64_t model_opset, opset; /* of the model; of the node that is being imported */
    struct fe_item *nodes;
    size_t node_count;
    struct fe_names names, unknown_ops, files;
    const struct Onnx__ValueInfoProto **inputs; /* as they are to become the graph's */
    size_t input_count;
    const char **outputs;
    size_t output_count;
    int fresh;             /* numbers given to names of our own */
    int errors;            /* of the context before */
    bool enough;           /* see fe_enough() */
    bool probing;          /* only a shape is asked for: fe_infer_value() */
    const int8_t *decided; /* of each If in the order in which they are met: see fe_branch() */
    size_t decided_count;
};

/* A node being imported: hooks edit it before it becomes an ir_node. */
struct fe_node {
    struct fe_state *s;
    const struct Onnx__NodeProto *proto;
    const char *where, *name;
    enum ir_op op;
    struct ir_value **in; /* in_room entries; NULL: left out */
    int in_count, in_room;
    const char **out; /* names */
    int out_count;
    struct ir_attr *attrs; /* attr_room entries, in the graph's arena */
    int attr_count;
    bool blind;      /* an input's maker failed: shapes are not to be looked at */
    bool done;       /* the hook made everything itself */
    bool unreadable; /* an attribute for the hook is of a wrong type, which is said: no hook runs */
};

/* import.c: the type of a value, as far as what it depends on can be imported; false: it cannot. */
struct fe_shape {
    int32_t type; /* TensorProto.DataType */
    int rank;
    int64_t dims[IR_MAX_RANK];
};
bool fe_infer_value(const struct fe_state *s, const char *name, struct fe_shape *out);

/* branch.c: the branch that the If p takes, the index-th one that is met; NULL: it depends on data,
 * or is of no form that can be inlined. */
struct Onnx__GraphProto;
const struct Onnx__GraphProto *fe_branch(struct fe_state *s, const struct Onnx__NodeProto *p,
                                         size_t index);
/* import.c: the graph of what the value depends on, in a context of its own; NULL: it cannot be
 * imported. The context has to be freed either way. */
struct ir_graph *fe_probe(const struct fe_state *s, struct ctx *quiet, const char *name, bool cut);
/* reference.c: infers shapes and computes what follows from constants and shapes. */
bool fe_settle_shapes(struct ir_graph *g);

bool fe_enough(struct fe_state *s); /* FE_ERRORS_MAX are said; the first time it says so */

/* wire.c: walks the protobuf encoding without copying; false after saying which byte is wrong.
 * Afterwards unpacking is bounded: nesting <= FE_DEPTH_MAX, every field of the type the definitions
 * say. */
bool fe_wire_check(struct ctx *c, const char *file, const uint8_t *bytes, size_t size);

/* unpack.c: the message in arena a, with a limit on memory in proportion to size. NULL after saying
 * why. */
struct Onnx__ModelProto *fe_unpack(struct ctx *c, struct arena *a, const char *file,
                                   const uint8_t *bytes, size_t size);
/* The attributes of a function that have a default, *count of them. */
struct Onnx__AttributeProto **fe_unpack_defaults(struct ctx *c, struct arena *a, const char *file,
                                                 const struct Onnx__FunctionProto *f,
                                                 size_t *count);

/* names.c */
void fe_names_init(struct fe_names *n, struct arena *a);
void fe_names_init_keyed(struct fe_names *n, struct arena *a, struct hash_key key); /* quicker */
struct fe_entry *fe_names_find(const struct fe_names *n, const char *name); /* NULL: absent */
struct fe_entry *fe_names_add(struct fe_names *n, const char *name); /* the one there is, or new */
const char *fe_names_near(const struct fe_names *n, const char *name,
                          struct arena *a); /* or NULL */

/* dtype.c: TensorProto.DataType */
struct fe_dtype {
    int number;
    const char *name;
    enum ir_dtype ir; /* IR_DTYPE_COUNT: not supported */
    size_t bytes;     /* of an element of raw_data */
    enum { FE_IN_NONE, FE_IN_FLOAT, FE_IN_INT32, FE_IN_INT64, FE_IN_DOUBLE } field;
};
const struct fe_dtype *fe_dtype(int64_t number);                     /* NULL: unknown */
const struct fe_dtype *fe_dtype_by_name(const char *name, size_t n); /* any case; NULL: unknown */
int32_t fe_dtype_of(enum ir_dtype t);                                /* the number of an IR type */
const char *fe_dtype_names(struct arena *a); /* the supported ones, with commas */

/* tensor.c: a constant of the graph, or NULL after saying why, at where. */
struct ir_value *fe_tensor(struct fe_state *s, const struct Onnx__TensorProto *t, const char *name,
                           const char *where);

/* external.c: the bytes of a tensor that lie in a file of their own; false after saying why there
 * are none. */
struct fe_bytes {
    const uint8_t *data;
    size_t size;
    bool given; /* though they may be none */
};
bool fe_external(struct fe_state *s, const struct Onnx__TensorProto *t, struct fe_bytes *out,
                 const char *where);

/* value.c: network inputs and outputs. Problems are said. */
void fe_inputs(struct fe_state *s);
void fe_outputs(struct fe_state *s);
/* "1x3x32x32"; −1: it is none, else how many dimensions of 1…INT32_MAX, at most IR_MAX_RANK. */
int fe_read_shape(const char *text, int64_t dims[IR_MAX_RANK]);
const char *
fe_shape_text(char *to, size_t rank,
              const int64_t *dims); /* "[1x3x32x32]", −1 as "?"; to has FE_SHAPE_TEXT bytes */
/* Elements of a shape whose dimensions are >= 0; −1: more than limit. */
int64_t fe_elements(size_t rank, const int64_t *dims, int64_t limit);

/* function.c: s->nodes: the model's, with calls of its own functions replaced by their nodes.
 * Calls that cannot be inlined are said where they are imported. */
void fe_list_nodes(struct fe_state *s);
void fe_say_call(struct fe_state *s, const struct fe_item *n, const char *where); /* why not */

/* expand.c: operators spelled out in others, before they are imported. A call being expanded: */
struct fe_expand {
    struct fe_inliner *in;
    const struct Onnx__NodeProto *proto;
    int64_t opset; /* of the nodes that are made */
};
typedef bool fe_expander(struct fe_expand *x);                  /* false: not in this form */
fe_expander *fe_find_expander(const struct Onnx__NodeProto *p); /* NULL: none */
const char *fe_expandable(int index, const char **domain);      /* NULL: past the last */
#define FE_EXPAND(domain, op, min, max, function) fe_expander function;
#include "frontend/import.def"
/* function.c: adds a node; the name of its output, `to` or, of NULL, a fresh one. */
const char *fe_expand_node(struct fe_expand *x, const char *op, const char *to,
                           const char *const *from, size_t count,
                           struct Onnx__AttributeProto *const *attrs, size_t attr_count);
struct Onnx__AttributeProto *fe_expand_int(struct fe_expand *x, const char *name, int64_t v);
const char *fe_expand_one(struct fe_expand *x); /* the constant 1.0 */

/* names.c: registers every name that initializers, inputs and nodes make. What is made twice stays
 * the first maker's; the second one is said where it is imported. */
void fe_register(struct fe_state *s);
/* Says a name at where that is made elsewhere already; e is its entry. */
void fe_say_duplicate(struct fe_state *s, const char *where, const struct fe_entry *e);

/* cut.c: what of the model is wanted: s->inputs, s->outputs, and marks on nodes and names. */
const struct Onnx__ValueInfoProto *fe_value_info(const struct fe_state *s, const char *name);
bool fe_cut(struct fe_state *s); /* false after saying why not */

/* refuse.c */
/* Says the operator of the node, which is none of ours, and why. */
void fe_refuse(struct fe_state *s, const struct Onnx__NodeProto *p, const char *where);
/* After the last node: how many more, and how to cut them away. */
void fe_say_way_out(struct fe_state *s, const size_t *order, size_t count);

/* order.c: indices of the wanted nodes so that makers come first (the model's own order where that
 * is right); *count of them. Counts uses; marks cycles, which are said where they are imported. */
const size_t *fe_order(struct fe_state *s, size_t *count);

/* node.c */
void fe_node_import(struct fe_state *s, size_t index);
/* IR_OP_COUNT: none of ours. */
enum ir_op fe_find_op(const struct fe_item *n);
/* The index-th name of op outside of ONNX; false past the last. */
bool fe_foreign(enum ir_op op, int index, const char **domain, const char **name);
const char *fe_node_name(struct fe_state *s, const struct Onnx__NodeProto *p);
const char *fe_node_where(struct fe_state *s, const struct Onnx__NodeProto *p);
const char *fe_fresh_name(struct fe_state *s, const char *wanted); /* wanted, if nothing has it */
void fe_node_set_int(struct fe_node *n, const char *name, int64_t v);
void fe_node_set_float(struct fe_node *n, const char *name, double v);
void fe_node_set_string(struct fe_node *n, const char *name, const char *v);
struct ir_value *fe_const_ints(struct fe_state *s, const char *name, int rank, const int64_t *v,
                               int count);
struct ir_value *fe_const_floats(struct fe_state *s, const char *name, int rank, const float *v,
                                 int count);

/* hook_tensor.c: a view of b with `ones` dimensions of 1 appended. */
struct ir_value *fe_extended(struct fe_node *n, struct ir_value *b, int ones);

/* attribute.c: the attributes of a node by the rows of import.def. */
void fe_attributes(struct fe_node *n);
const struct Onnx__AttributeProto *fe_attr(const struct fe_node *n,
                                           const char *name); /* NULL: absent */

/* An attribute that the IR has and ONNX has not. */
bool fe_attr_hidden(enum ir_op op, const char *name);

/* hook_*.c: see FE_HOOK of import.def. Problems are said. */
typedef void fe_hook(struct fe_node *n);
#define FE_HOOK(op, function) fe_hook function;
#include "frontend/import.def"

#endif
