/* What shape rules and evaluators are written with: shared between the files of this room and those
 * of ir/ that do the same for the quantized level, not with other rooms. */
#ifndef NBQ_BASE_OPS_INTERNAL_H
#define NBQ_BASE_OPS_INTERNAL_H

#include "base/ops/diag.h"
#include "base/ops/ops.h"

enum {
    IR_MAX_ATTRS = 24,       /* of one operator */
    IR_MAX_EXTENT = 1 << 24, /* of a kernel, stride, dilation or padding */
};
#define IR_MAX_ELEMENTS ((int64_t)1 << 31) /* of one tensor */

/* type.c */
int64_t ir_product(int rank,
                   const int64_t *dims); /* −1: one is unknown; INT64_MAX: more than fits */
/* The dimensions known and not 0 multiply to at most IR_MAX_ELEMENTS, and so do any of them: a
 * tensor without elements may not have others that overflow what is computed from them. */
bool ir_shape_fits(int rank, const int64_t *dims);
void ir_write_shape(struct writer *w, int rank, const int64_t *dims); /* "[1x3x?]", "[*]" */
/* numpy broadcasting of two shapes, unknown dimensions allowed; false: they do not fit */
bool ir_broadcast(const struct ir_type *a, const struct ir_type *b, struct ir_type *out);
/* What is known of the value is not against t. */
bool ir_type_agrees(const struct ir_value *x, const struct ir_type *t);
/* An axis counted from the end or the front, as 0…rank−1; −1: out of range. */
int ir_axis(int64_t axis, int rank);
/* Copies the elements of an i64 or i32 tensor; false: other type, or more than max of them. */
bool ir_get_ints(enum ir_dtype t, const void *data, int64_t count, int64_t *out, int max);

/* The nearest integer that an integer type has. */
int64_t ir_limit_int(enum ir_dtype t, int64_t v);
void ir_store_float(enum ir_dtype t, void *data, int64_t i, double v); /* of a float type */
/* Of any number type: integers are cut off toward zero and limited; not-a-number is 0. */
void ir_store_real(enum ir_dtype t, void *data, int64_t i, double v);

/* What shape inference of one node knows. infer_*.c hold one function per operator. */
struct ir_infer {
    struct ctx *ctx;     /* for messages */
    struct arena *arena; /* for their texts */
    const struct ir_node *n;
    const struct ir_tensor *values; /* while evaluating, data by value id; else NULL */
    /* n->out_count of them, and as many as the row of ops.def names at most; rank −1 on entry */
    struct ir_type *out;
};
typedef bool ir_infer_fn(struct ir_infer *x);
#define IR_OP(name, ...) ir_infer_fn ir_infer_##name;
#define IR_FUNCTION(...)
#define IR_REAL(...)
#include "base/ops/ops.def"
#undef IR_OP
ir_infer_fn ir_infer_function; /* of every IR_FUNCTION and IR_REAL */

/* infer.c */
struct ir_type ir_type_of(const struct ir_value *v); /* of NULL: unknown */
/* Each says the fault and returns false. */
bool ir_fail_input(struct ir_infer *x, int index, const char *expected);
bool ir_fail_attr(struct ir_infer *x, const char *name, const char *expected);
/* Rank and type of an input: rank −1 in want: any; a rank not known passes. */
bool ir_want(struct ir_infer *x, int index, int rank, enum ir_dtype t);
/* Two dimensions that have to be equal, unknown ones pass. */
bool ir_want_dim(struct ir_infer *x, int index, int dim, int64_t expected, const char *because);
bool ir_same_as_input(struct ir_infer *x);
/* infer_reduce.c: the axes that a reduction n takes, as bits, from those of its list. False: one is
 * out of range or there twice. */
bool ir_reduced_axes(const struct ir_node *n, const int64_t *axes, int count, int rank,
                     unsigned *set);
/* infer_window.c: output 0 is an image of input 0's batch; the attribute act is one of those
 * known. */
void ir_infer_image(struct ir_infer *x, enum ir_dtype t, int64_t channels, const int64_t size[2]);
bool ir_infer_act(struct ir_infer *x);
/* infer_shape.c: data of a value; NULL: not a constant, and not evaluated yet. */
const void *ir_infer_data(const struct ir_infer *x, const struct ir_value *v);
/* The integers of an input; false: left out, data not known, or no short list of integers. */
bool ir_known_ints(const struct ir_infer *x, int index, int64_t *out, int max, int *count);
/* Input `index`, where there is one, has to be integers; *known: its numbers are in out. False
 * after saying it. */
bool ir_int_input(struct ir_infer *x, int index, int64_t *out, int max, int *count, bool *known);
/* The set of axes of a list, as bits; false: out of range or twice. */
bool ir_axis_set(const int64_t *axes, int count, int rank, unsigned *set);

/* One node being evaluated; its shapes are static and its inputs there. eval_*.c hold one function
 * per operator, named after it; each writes every element of its outputs. */
struct ir_eval {
    struct ctx *ctx; /* for messages: that of the caller's arena, so threads do not share one */
    struct arena *a; /* scratch of this node */
    const struct ir_node *n;
    struct ir_tensor *values;
};
typedef bool ir_eval_fn(const struct ir_eval *e);
#define IR_OP(name, ...) ir_eval_fn ir_eval_##name;
#define IR_FUNCTION(...)
#define IR_REAL(...)
#include "base/ops/ops.def"
#undef IR_OP
ir_eval_fn ir_eval_function, ir_eval_real; /* of every IR_FUNCTION, every IR_REAL */

/* The functions of one operator. */
struct ir_rule {
    ir_infer_fn *types;
    ir_eval_fn *eval;
};
const struct ir_rule *ir_float_rule(enum ir_op op); /* rules.c; NULL: of the quantized level */
/* ir_op_types and ir_op_eval with these functions: infer.c, eval.c. */
bool ir_rule_types(const struct ir_rule *rule, struct arena *a, const struct ir_node *n,
                   const struct ir_tensor *values, struct ir_type *out);
bool ir_rule_eval(const struct ir_rule *rule, struct arena *a, const struct ir_node *n,
                  struct ir_tensor *values);

/* The clamp of the attributes act, act_min and act_max. */
struct ir_activation {
    double min, max;
};
struct ir_activation ir_activation_of(const struct ir_node *n);

/* eval.c */
const void *ir_eval_in(const struct ir_eval *e, int i); /* NULL: left out */
void *ir_eval_out(const struct ir_eval *e, int i);
bool ir_eval_fail(const struct ir_eval *e, const char *why); /* says it, returns false */
/* eval_shape.c: integers of input i, none where it is left out. False after saying that there are
 * more than max or that it is no list of integers. */
bool ir_eval_ints(const struct ir_eval *e, int i, int64_t *out, int max, int *count);
void ir_strides_of(const struct ir_value *v, int64_t *strides); /* row-major, in elements */
/* Fills output 0 with elements of input 0 from `start` on, `steps` apart along each dimension of
 * the output. */
void ir_gather_strided(const struct ir_eval *e, int64_t start, const int64_t *steps);
/* eval_elem.c: toward zero; out of range to the nearest end, not-a-number to 0. */
int64_t ir_whole_of(double x);
/* eval_broadcast.c: steps of an operand along the dimensions of the output; 0 where it is
 * broadcast. */
void ir_broadcast_steps(const struct ir_value *v, const struct ir_value *y, int64_t *steps);
/* An operator of two elements: of floats, of integers of type t (u64 by its bits). */
struct ir_binary {
    double (*real)(double a, double b);
    int64_t (*whole)(int64_t a, int64_t b, enum ir_dtype t);
};
const struct ir_binary *ir_binary_by_name(const char *name); /* add mul max min; NULL: another */
/* y[at] = op(a[i], b[j]), all of type t. */
void ir_binary_at(const struct ir_binary *op, enum ir_dtype t, const void *a, int64_t i,
                  const void *b, int64_t j, void *y, int64_t at);
/* eval_axis.c: the order of elements i and j: negative, 0, positive; what is no number is above
 * all. */
int ir_compare_at(enum ir_dtype t, const void *x, int64_t i, int64_t j);

/* narrow.c: element types that casts know and the IR has no storage for. NULL: none such. */
struct ir_narrow;
const struct ir_narrow *ir_narrow_by_name(const char *name);
bool ir_narrow_is_int(const struct ir_narrow *t);
/* The nearest number of a float type, ties to even. Beyond the largest: that, or with saturate off
 * infinity or no number, as the type has it. mode: up, down or nearest by its first letter, of the
 * type that has powers of two only. */
double ir_narrow_float(const struct ir_narrow *t, double x, bool saturate, char mode);
int64_t ir_narrow_int(const struct ir_narrow *t, int64_t v); /* the low bits */

/* eval_conv.c: convolution has one body compiled for several instruction sets, which all give the
 * same bits; how many of them this CPU has, the plainest first, and the one to take. */
int ir_conv_levels(void);
bool ir_eval_conv_at(const struct ir_eval *e, int level);

/* eval_volume.c: convolution that is not of images. */
bool ir_eval_conv_volume(const struct ir_eval *e, const struct ir_window *w);

/* infer_shape.c, eval_shape.c: joined along an axis. */
bool ir_infer_concat_along(struct ir_infer *x, int axis);
bool ir_eval_concat_along(const struct ir_eval *e, int axis);

/* One Resize with its numbers resolved. */
struct ir_resize {
    int64_t out[IR_MAX_RANK]; /* −1: not known */
    float scale[IR_MAX_RANK]; /* out over in, as the model gives it or as its sizes make it */
    /* The part of each axis that tf_crop_and_resize looks at, 0…1 being all of it. */
    float start[IR_MAX_RANK], end[IR_MAX_RANK];
};
/* infer_resize.c: of a node whose input 0 has a known rank. Sizes that depend on data which is not
 * known are −1. False after saying what does not fit. */
bool ir_resize_of(struct ir_infer *x, struct ir_resize *out);

/* One resolved Slice. */
struct ir_slice {
    int64_t start[IR_MAX_RANK], step[IR_MAX_RANK], count[IR_MAX_RANK];
};
/* infer_shape.c: starts, ends, axes (NULL: 0, 1, …) and steps (NULL: ones) have n entries. False:
 * an axis out of range or twice, or a step of 0. Dimensions not known give a count of −1. */
bool ir_slice_resolve(const struct ir_type *x, int n, const int64_t *starts, const int64_t *ends,
                      const int64_t *axes, const int64_t *steps, struct ir_slice *out);

#endif
