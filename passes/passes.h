/* Passes over the IR. One pass, one file, one function; what each requires, provides and breaks
 * stands in passes.def. */
#ifndef NBQ_PASSES_PASSES_H
#define NBQ_PASSES_PASSES_H

#include "base/data.h"
#include "ir/ir.h"
#include "isa/target.h"

/* Properties of a graph, bits; passes.def names them without the prefix. */
enum pass_property {
#define PASS_PROPERTY(name, meaning) PASS_BIT_##name,
#include "passes/properties.def"
#undef PASS_PROPERTY
    PASS_PROPERTY_COUNT
};

enum calib_method { CALIB_MINMAX, CALIB_MSE };
/* What becomes of an operator that the device cannot run. */
enum pass_fallback { FALLBACK_HOST, FALLBACK_ERROR };

enum weight_rounding {
#define ROUNDER(function, name, meaning) ROUND_##function,
#include "passes/quant/rounders.def"
#undef ROUNDER
    ROUND_COUNT
};

/* What the command line says to the passes. */
struct pass_options {
    const struct svpe_target *target;
    int weight_bits; /* n = 1…5; vpe targets: 8 or 16 */
    int terms;       /* 2: weights are sums of two codes; anything else: of one */
    enum weight_rounding rounding;
    int act_bits; /* 8 or 16 */
    enum calib_method calib;
    const char *calib_spec; /* DATA, or NULL: seeded synthetic inputs, with a warning */
    long calib_count;
    struct preprocess preprocess;
    uint64_t seed;
    int threads;
    enum pass_fallback fallback;
};

struct pass_info {
    const char *name;                                              /* "fold-batchnorm" */
    unsigned requires, provides, breaks;                           /* sets of 1u << PASS_BIT_… */
    bool (*run)(struct ir_graph *g, const struct pass_options *o); /* false after saying why */
    const char *meaning;
};

struct pass_run {             /* what the driver wants to see */
    const char *const *names; /* `count` of them; NULL: the default pipeline */
    int count;
    const char *stop_after; /* or NULL */
    const char *const *print_after;
    int print_after_count;
    bool print_after_all;
    unsigned print_flags;
    FILE *print_to;
    bool verbose; /* a line per pass with its time */
    /* Asked before each pass; false, after saying why, ends the pipeline. May be NULL. */
    bool (*before)(void *user, const struct ir_graph *g, const struct pass_info *p);
    void *user;
};

/* Each pass by itself, in the file of its name: false after saying why. Passes edit the graph in
 * place, are idempotent, and keep the names of the model's nodes. They do not check what they
 * require; pass_pipeline() does. */
#define PASS(function, ...) bool pass_##function(struct ir_graph *g, const struct pass_options *o);
#include "passes/passes.def"
#undef PASS

/* registry.c */
const struct pass_info *pass_find(const char *name); /* NULL: unknown */
int pass_count(void);
const struct pass_info *pass_at(int i); /* in default pipeline order */
const char *pass_property_name(enum pass_property p);
const char *pass_property_meaning(enum pass_property p);
void pass_print_list(FILE *to); /* what nbqc --list-passes prints */

/* properties.c: computed from the graph itself, each by its own check. */
unsigned pass_properties_of(const struct ir_graph *g);

/* run.c: runs the pipeline; verifies the graph and the claimed properties after each pass. False
 * after saying why. Without names it runs the default pipeline; on a graph that is quantized
 * already, the part after `quantize`. A pass named in stop_after or print_after that is unknown or
 * not among those to be run is an error. Dumps are headed by a line `// after NAME`. */
bool pass_pipeline(struct ir_graph *g, const struct pass_options *o, const struct pass_run *r);

/* resize.c: of a Resize after legalize: how often it repeats rows and columns; false: it does
 * something else. */
bool pass_repeats(const struct ir_node *n, int64_t repeat[2]);

/* outline.c: a graph of its own, in its own arena, like what quantize and fuse-residual will make
 * of a LEGAL one, with other numbers. NULL after saying why it cannot be. */
struct ir_graph *pass_outline(const struct ir_graph *g, const struct pass_options *o);

#endif
