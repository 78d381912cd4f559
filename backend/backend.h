/* Quantized IR to plan to instructions to program. */
#ifndef NBQ_BACKEND_BACKEND_H
#define NBQ_BACKEND_BACKEND_H

#include "base/data.h"
#include "ir/ir.h"
#include "isa/isa.h"

/* One layer's tiling: what a schedule may choose. Results never depend on it. */
enum be_order { BE_ORDER_SPATIAL_OUTER, BE_ORDER_CHANNEL_OUTER };
struct be_tiling {
    int rows, cols; /* output pixels of a tile */
    int oc; /* output channels of a tile, a multiple of E and of V (the last one may be less) */
    int ic; /* input channels per array pass, a multiple of V; all of them outside convolutions */
    /* SPATIAL_OUTER: activations stay, weights stream; CHANNEL_OUTER: weights stay. */
    enum be_order order;
    int double_buffer; /* 1: two sets of buffers, loads overlap execution */
};
struct be_shape; /* backend/internal.h */
struct be_need;
struct be_buffer;

struct be_layer {
    const struct ir_node *node;
    const struct be_shape *shape;
    struct be_need *need;
    struct be_buffer *copied; /* a layer that only copies this network input to where outputs lie */
    const char *name;         /* the model's node name, or the name of what the layer makes */
    const char *where;        /* for messages */
    int level, order;         /* running order: partition.c */
    int index;                /* in be_plan.steps; the layer tag */
    struct be_tiling tiling;
    int64_t macs;
    int tiles;                                                /* array passes or vector passes */
    int64_t act_vectors, wgt_dwords, acc_entries, par_dwords; /* on-chip need */
    double est_cycles;
    int64_t est_bytes;
    const char *est_limit; /* what takes longest by that estimate: a queue, or "dram" */
};
/* What the host runs: a node of the graph, or a copy of a value into a tensor. */
struct be_host {
    const struct ir_node *node; /* NULL: a copy */
    const struct ir_value *from;
    struct be_buffer *to; /* both of a copy */
    const char *name, *reason;
    int level, order; /* running order: partition.c */
    int index;        /* in be_plan.steps */
};
struct be_step { /* one of the two, the other NULL */
    struct be_layer *layer;
    struct be_host *host;
    int segment;
};
struct be_segment { /* steps that run without a change between device and host */
    bool host;
    int first, count;
};
struct be_plan {
    struct arena *arena;
    const struct ir_graph *graph;
    const struct svpe_target *target;
    int act_bits;
    struct be_layer *layers; /* in running order, as all these lists */
    int layer_count;
    struct be_host *hosts;
    int host_count;
    struct be_step *steps; /* rows of the layer table */
    int step_count;
    struct be_segment *segments;
    int segment_count;
    struct be_buffer **buffers; /* tensors in DRAM, in the order they are made */
    int buffer_count;
    /* By value id: the tensor that holds its real values, also as integers or under another shape;
     * NULL: a constant, or on the host alone. */
    struct be_buffer **of_value;
    struct be_buffer **into;      /* by value id: the tensor the host writes what it made into */
    struct be_buffer **of_output; /* by network output */
    uint64_t work_bytes, work_lower_bound; /* lower bound: most bytes alive at once */
    uint64_t in_bytes, out_bytes;
    uint64_t to_host_bytes, to_device_bytes; /* what crosses between segments, per image */
};

struct be_options {
    const struct svpe_target *target;
    int act_bits;
    const char *schedule; /* path of a Lua file, or NULL */
    struct preprocess preprocess;
};

/* plan.c: legal for the target or NULL after saying which layer, which limit, both values. */
struct be_plan *be_plan(struct ctx *c, const struct ir_graph *g, const struct be_options *o);
void be_plan_print(const struct be_plan *p, struct writer *to);
/* lower.c: instructions, tokens (none redundant), addresses, container tables. NULL after saying
 * why. */
struct svpe_program *be_lower(struct ctx *c, const struct be_plan *p, const struct be_options *o);
/* report_print.c: layers, costs and totals of p and the program lowered from it, as tables of at
 * most 120 columns and as JSON; the page that explains the keys. */
void be_report_text(const struct be_plan *p, const struct svpe_program *program, struct writer *to);
void be_report_json(const struct be_plan *p, const struct svpe_program *program, struct writer *to);
void be_report_manual(struct writer *to); /* docs/report.md */

#endif
