/* Shared between the files of the passes room, not with other rooms. */
#ifndef NBQ_PASSES_INTERNAL_H
#define NBQ_PASSES_INTERNAL_H

#include "passes/diag.h"
#include "passes/passes.h"

/* constant.c: constants of the graph. */
double pass_const_at(const struct ir_value *v, int64_t i);
double *pass_const_copy(struct arena *a, const struct ir_value *v); /* all elements, as doubles */
/* Elements of an i64 or i32 constant. False: not constant, another type, or more than room. */
bool pass_const_ints(const struct ir_value *v, int64_t *out, int room, int *count);
/* A new f32 constant, rounded to nearest; wanted is made unique. */
struct ir_value *pass_const_new(struct ir_graph *g, const char *wanted, int rank,
                                const int64_t *dims, const double *data);
struct ir_value *pass_const_new_ints(struct ir_graph *g, const char *wanted, const int64_t *data,
                                     int count);
/* Input `index` of n gets this data (as many f32 elements as it has). A constant that has other
 * uses is left alone and n gets its own copy. */
void pass_const_replace(struct ir_graph *g, struct ir_node *n, int index, const double *data);
/* The memory of what was a constant's data, unless another constant has part of it. Large models
 * are mostly float weights, which otherwise would lie there until the program is written. */
void pass_data_drop(const struct ir_graph *g, const void *data, size_t bytes);
/* Is it a constant that adds to or multiplies a value of `channels` channels by one number per
 * channel, or one for all? Dimension 1 of `rank` has the channels. */
bool pass_is_per_channel(const struct ir_value *v, int64_t channels, int rank);
/* Its numbers, one per channel, in arena a; NULL: anything else. */
double *pass_per_channel(struct arena *a, const struct ir_value *v, int64_t channels, int rank);

/* edit.c: editing the graph. */
bool pass_is_input(const struct ir_graph *g, const struct ir_value *v);
bool pass_is_output(const struct ir_graph *g, const struct ir_value *v);
/* to makes the output of `from` instead of its own; `from` and the old value go. The old value
 * has no other use. */
void pass_take_output(struct ir_graph *g, struct ir_node *to, struct ir_node *from);
/* The same for a node that hands on input 0 unchanged; keeps whichever name an output of the
 * network needs. False: both values are fixed (input to output), the node stays. */
bool pass_bypass(struct ir_graph *g, struct ir_node *n);
bool pass_can_bypass(const struct ir_graph *g, const struct ir_node *n);
void pass_sweep(struct ir_graph *g); /* removes what no output depends on */
bool pass_is_swept(const struct ir_graph *g);
/* A new value of the type and shape of v. */
struct ir_value *pass_value_like(struct ir_graph *g, const struct ir_value *v, const char *wanted);
bool pass_same_shape(const struct ir_value *a, const struct ir_value *b);
/* A node with one output before `before`, shape inferred; NULL after saying why. */
struct ir_value *pass_emit(struct ir_graph *g, struct ir_node *before, enum ir_op op,
                           const char *name, const char *out, struct ir_value *const *in,
                           int in_count);

/* affine.c: y = x·factor + shift, per channel. */
struct pass_affine {
    double *factor, *shift; /* a number per channel; NULL: 1, 0 */
};
/* n as that of its input *index, an image: BatchNormalization, and Add, Sub, Mul, Div of a constant
 * per channel. All factors and shifts are finite. False: it is none. */
bool pass_affine_of(struct arena *a, const struct ir_node *n, int *index, struct pass_affine *out);
/* Into the convolution that makes x: */
/* The convolution (constant weights, no activation) that makes input `index` of n for n alone;
 * NULL: there is none. */
struct ir_node *pass_affine_conv(const struct ir_graph *g, const struct ir_node *n, int index);
/* factor, shift: one number per output channel, NULL for 1 and 0. In double, then rounded to
 * float. */
void pass_affine_apply(struct ir_graph *g, struct ir_node *conv, const double *factor,
                       const double *shift);

/* The clamp of an activation: relu is 0…FLT_MAX, none is all floats. Clip bounds that are left
 * out are ±FLT_MAX. */
struct pass_clamp {
    double lo, hi;
};
/* activation.c */
/* Of a relu or a clip by constants; false: another node. */
bool pass_clamp_of(const struct ir_node *n, struct pass_clamp *c);
struct pass_clamp pass_act_get(const struct ir_node *n); /* act of a conv or add */
struct pass_clamp pass_clamp_then(struct pass_clamp first, struct pass_clamp second);
void pass_act_set(struct ir_graph *g, struct ir_node *n, struct pass_clamp c);

/* A rewrite of one node, with the test for it apart, so that a property can be checked without
 * changing anything. */
struct pass_rule {
    const char *name;
    bool (*match)(const struct ir_graph *g, const struct ir_node *n);
    /* May remove n, not the node after it. False after saying why. */
    bool (*apply)(struct ir_graph *g, struct ir_node *n);
};
/* rules.c: applies rules until none matches. */
bool pass_rules_apply(struct ir_graph *g, const struct pass_rule *rules, int count);
bool pass_rules_match(const struct ir_graph *g, const struct pass_rule *rules, int count); /* any */

/* The test that each of these passes leaves nothing to do: what its property means. */
bool pass_fold_left(const struct ir_graph *g); /* fold_constants.c */
/* All inputs are constant: the outputs become constants, n goes. */
bool pass_fold_node(struct ir_graph *g, struct ir_node *n);
bool pass_dense_left(const struct ir_graph *g);     /* lower_dense.c */
bool pass_batchnorm_left(const struct ir_graph *g); /* fold_batchnorm.c */
bool pass_fuse_left(const struct ir_graph *g);      /* fuse.c */
bool pass_residual_left(const struct ir_graph *g);  /* fuse_residual.c */
/* move.c: the last Slice or Pad of a chain that a convolution with select=1 can do; that
 * convolution in its place. */
bool pass_is_move(const struct ir_graph *g, const struct ir_node *n);
bool pass_move_apply(struct ir_graph *g, struct ir_node *n);
/* sink.c: an operator behind an interleave that works on each pixel alone; applied to each input
 * instead. */
bool pass_is_behind_interleave(const struct ir_graph *g, const struct ir_node *n);
bool pass_sink_apply(struct ir_graph *g, struct ir_node *n);
/* rearrange.c: chains of moves between images become selecting convolutions and interleaves. */
void pass_rearrange(struct ir_graph *g);
/* fold_moves.c: convolutions that only choose channels go into those beside them. */
bool pass_fold_moves(struct ir_graph *g);
/* plain.c: rewrites operators that say the same as plainer ones. */
bool pass_plain(struct ir_graph *g);
bool pass_plain_left(const struct ir_graph *g);
/* The part of it that makes global pools of reductions over all spatial dimensions. */
bool pass_is_plane_reduction(const struct ir_graph *g, const struct ir_node *n);
bool pass_give_pool(struct ir_graph *g, struct ir_node *n);
/* resize.c: a Resize that repeats pixels but does not say it in the form that pass_repeats() knows;
 * gives it that form. */
bool pass_is_repeat(const struct ir_graph *g, const struct ir_node *n);
bool pass_give_repeat(struct ir_graph *g, struct ir_node *n);
/* alone.c: rewrites arithmetic that found no convolution. */
bool pass_alone(struct ir_graph *g);
/* Why the device does not run a node: a row of diag.def, filled in. */
struct pass_reason {
    const char *id, *text, *hint;
    bool wrong; /* nothing can run it */
};
/* legal.c: whether the device can run n, an operator of the float level and no view, wherever its
 * inputs come from. t NULL: any target. False: *why is set, in a. */
bool pass_can_run(struct arena *a, const struct ir_graph *g, const struct ir_node *n,
                  const struct svpe_target *t, int act_bits, struct pass_reason *why);
/* limits.c: the part of it that is limits of instructions and of an activation's size. */
bool pass_limits(struct arena *a, const struct ir_graph *g, const struct ir_node *n,
                 const struct svpe_target *t, int act_bits, struct pass_reason *why);
/* place.c: gives every node that the host has to run the attribute `host`, and says so. False
 * after saying what nothing can run, or what was to be an error. */
bool pass_place(struct ir_graph *g, const struct pass_options *o);
/* Every node has a place. */
bool pass_placed(const struct ir_graph *g);
bool pass_is_view(enum ir_op op); /* the same elements in the same order under another shape */

#endif
