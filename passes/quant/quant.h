/* Calibration and rounding, the inside of passes/quant: value ranges, weight grids, and what both
 * passes share. The arithmetic these numbers are chosen for is docs/numbers.md; the method is
 * docs/quantization.md.
 */
#ifndef NBQ_PASSES_QUANT_QUANT_H
#define NBQ_PASSES_QUANT_QUANT_H

#include "passes/passes.h"

/* ---- range.c: what one tensor's values look like ---- */

enum { QUANT_BINS = 2048 };

/* Bin i counts the x ≠ 0 with floor(x / 2^exp) = i − QUANT_BINS/2. The grid is anchored at 0 and
 * exp is the smallest that holds every value seen, so the counts do not depend on the order in
 * which values, or merges, come. */
struct quant_range {
    float min, max; /* valid when count > 0 */
    uint64_t count, zeros;
    int exp;
    bool finite; /* no NaN or infinity was seen */
    uint64_t bins[QUANT_BINS];
};

void quant_range_init(struct quant_range *r);
void quant_range_add(struct quant_range *r, const float *values, int64_t count);
void quant_range_merge(struct quant_range *into, const struct quant_range *from);
/* Mean over all values of (x − clip(round(x / 2^exp))·2^exp)²; values lie evenly inside a bin. */
double quant_range_error(const struct quant_range *r, int bits, bool nonneg, int exp);
/* Smallest exponent that clips nothing; the one with the least error. 0 for a tensor of zeros. */
int quant_range_minmax(const struct quant_range *r, int bits, bool nonneg);
int quant_range_mse(const struct quant_range *r, int bits, bool nonneg);

/* ---- family.c: tensors that must share one ir_quant ---- */

/* Max pooling, reshaping, joining and pixel-moving convolutions keep stored integers as they are:
 * what they read and write is one family. Indexed by value id. */
struct quant_families {
    struct ir_graph *graph;
    int *parent;  /* union-find, the smallest id is the root */
    bool *nonneg; /* by root: no member can be negative, whatever the input */
    int *next;    /* by value: another of its family; a ring */
    bool *source; /* by value: its numbers come from outside the family and count in its range */
    bool *device; /* by root: the device reads or makes a member, so that they need a range */
};

/* What a concat joins is of one family with it, but for values whose quant differs from its own,
 * and those of apart (by value id; NULL: none): they are requantized on their way into it. */
struct quant_families *quant_families_new(struct ir_graph *g, struct arena *a, bool input_nonneg,
                                          const bool *apart);
int quant_family(const struct quant_families *f, const struct ir_value *v);
/* Every family has a member whose range the model came with. */
bool quant_all_ranged(struct ir_graph *g, struct arena *a);
/* Raises the exponent of v's whole family, whose members have one, to at least exp; true if it was
 * lower. */
bool quant_family_raise(const struct quant_families *f, const struct ir_value *v, int exp);
bool quant_is_activation(const struct ir_value *v); /* f32 and no constant */

/* ---- settle.c: the exponents of neighbours, docs/numbers.md ---- */

struct quant_plan; /* rounded weights of every convolution, layer.c; NULL while calibrating */
/* Raises exponents until additions, pools and convolutions have shifts in range. False after saying
 * that they do not. */
bool quant_settle(const struct quant_families *f, struct quant_plan *p);
/* Factor(s) of an average pool: m / 2^shift ≈ 2^(x.exp − y.exp) / (rows·cols), see ops.def on
 * qavgpool's mult. */
struct quant_mean {
    int count; /* 1, or kh·kw */
    int64_t *mult;
    int shift;
};
void quant_mean_factors(struct arena *a, const struct ir_node *pool, struct quant_mean *out);

/* ---- round.c: weights ---- */

enum quant_kind { QUANT_POW2, QUANT_LINEAR };
/* POW2: n = 1…5, {0, ±2^0 … ±2^(r−1)}, n = 1: ±1. LINEAR: two's complement without its minimum. */
struct quant_grid {
    enum quant_kind kind;
    int bits;
};
int quant_grid_top(const struct quant_grid *g); /* largest magnitude, in smallest levels */
/* Nearest level; a tie takes the smaller magnitude, in LINEAR the even one. */
int quant_grid_near(const struct quant_grid *g, double u);

/* ---- terms.c: levels of two terms, POW2 grids only ---- */

enum { QUANT_TERM_SHIFT_MAX = 7, QUANT_LEVEL_STARTS = 400 };

struct quant_pair { /* of codes of one grid: level = first·2^shift + second */
    int32_t level;
    int16_t first, second;
};
struct quant_levels {
    int shift, count;
    struct quant_pair *pair; /* by level, from the smallest ≥ 0 */
    const double *border;    /* between level i and the next */
    int16_t start[QUANT_LEVEL_STARTS];
    int stride; /* the first of a search, a power of two */
};
struct quant_levels *quant_levels_new(struct arena *a, const struct quant_grid *g, int shift);
/* Nearest level; a tie takes the smaller magnitude. */
struct quant_pair quant_levels_near(const struct quant_levels *l, double u);
/* The same of u[count], levels only. */
void quant_levels_nearest(const struct quant_levels *l, const double *u, int count, double *levels);

struct quant_layer { /* a convolution as a rounder sees it */
    const struct ir_node *node;
    struct quant_grid grid;
    const struct quant_levels *levels; /* two terms; NULL: one, of the grid */
    const float *weights;              /* [channels][taps] */
    int64_t channels, taps;
    int64_t area; /* kernel rows × columns: neighbouring taps of one input channel */
};
struct quant_channel { /* one output channel, rounded: w ≈ q · 2^wexp, q a code or a level */
    int wexp;
    double error, energy; /* Σ (w − q·2^wexp)², Σ w² */
};
/* Levels in units of 2^wexp. The nearest to u[count], ties as above; those that the codes q[term]
 * of weights first … first + count − 1 say; weight i gets the codes of the nearest to u. */
void quant_levels_round(const struct quant_layer *l, const double *u, int count, double *levels);
void quant_levels_read(const struct quant_layer *l, int16_t *const q[2], int64_t first, int count,
                       double *levels);
void quant_put_level(const struct quant_layer *l, double u, int16_t *const q[2], int64_t i);
/* Rounding methods, a row each of rounders.def; what one has to know of a layer goes into struct
 * quant_layer. */
struct quant_rounder {
    const char *name, *meaning;
    /* Fills q[0][taps], with two terms q[1][taps] as well, and *out; wexp ≥ min_wexp. Depends on
     * nothing but its arguments. */
    void (*round)(const struct quant_layer *l, int64_t channel, int min_wexp, int16_t *const q[2],
                  struct quant_channel *out);
};
const struct quant_rounder *quant_rounder_at(int i); /* enum weight_rounding */
/* Σ (w − q·2^wexp)² of the channel's nearest levels, at the best scale. */
double quant_nearest_error(const struct quant_layer *l, int64_t channel);

/* ---- descend.c: weights against likely inputs ---- */

/* How alike they are, in units of a channel's variance: under one kernel, and any two taps. */
#define QUANT_SAME_CHANNEL 1.0
#define QUANT_ANY_CHANNEL  0.03

/* Betters the levels of one channel in place, at the scale they have. */
void quant_descend(const struct quant_layer *l, int64_t channel, int wexp, int16_t *const q[2]);

/* ---- share.c: work that allocates nothing, on several threads ---- */

typedef void quant_part_fn(void *user, int first, int step);
/* Calls work for every first from 0 to threads − 1, step being threads, side by side; it returns
 * when all have. A thread that cannot be had costs time, no part of the work. */
void quant_share(struct arena *a, int threads, quant_part_fn *work, void *user);

/* ---- layer.c: a convolution's integers ---- */

struct quant_conv {
    struct quant_layer layer;
    bool select;
    const float *bias;              /* [channels] or NULL */
    int16_t *q[2];                  /* per term, [channels][taps]; q[1] NULL: one term */
    struct quant_channel *channel;  /* as it has to be */
    struct quant_channel *wanted;   /* as the rounder chose it without limits */
    int32_t *wexp, *bias_q, *shift; /* [channels] */
};
struct quant_plan {
    struct arena *arena, *kept; /* kept: the graph's, of what becomes constants */
    const struct pass_options *options;
    const struct quant_rounder *rounder;
    /* By shift between two terms; NULL: one term. */
    const struct quant_levels *levels[QUANT_TERM_SHIFT_MAX + 1];
    struct quant_conv **conv;         /* by id of the output value; NULL: no convolution */
    int moved_channels, moved_layers; /* raised without a loss worth a line each */
};

struct quant_plan *quant_plan_new(struct ir_graph *g, struct arena *a,
                                  const struct pass_options *o);
struct quant_conv *quant_plan_conv(const struct quant_plan *p, const struct ir_node *n);
/* Fits every channel to the quants around it: bias in 32 bits, shift at most 31, no overflow. */
void quant_conv_fit(struct quant_plan *p, struct quant_conv *c);
/* The smallest output exponent with no negative shift. */
int quant_conv_need(const struct quant_conv *c);
/* Root of the rounding error's share in the energy of all weights, in percent: what the attribute
 * weight_error says. */
double quant_conv_weight_error(const struct quant_conv *c);
/* Sets wexp[] and shift[], and says which channels were raised, with the loss; small ones in one
 * line at the end. */
void quant_conv_finish(struct quant_plan *p, struct quant_conv *c);
void quant_plan_finish(const struct quant_plan *p);

/* ---- lost.c: what rounding did to outputs ---- */

/* Root of the rounding error's share in the energy of all outputs, inputs being as descend.c takes
 * them, in percent; 0 of what only moves pixels. */
double quant_conv_output_error(const struct quant_conv *c, struct arena *a);
/* Warns where so many convolutions are so far off that answers are lost. */
void quant_say_lost(const struct ir_graph *g, const struct quant_plan *p);

/* ---- convert.c: float operators to integer ones ---- */

bool quant_convertible(const struct ir_node *n); /* has a quantized counterpart in this very form */
/* Puts the counterpart in n's place; its output is n's, now integers. */
void quant_convert(struct ir_graph *g, struct quant_plan *p, struct ir_node *n);
enum ir_dtype quant_dtype(int bits);
bool quant_check_act_bits(struct ctx *c, const struct pass_options *o); /* quantize.c */

/* ---- feed.c: calibration inputs ---- */

struct quant_feed {         /* read-only once opened */
    struct ir_graph *graph; /* only read */
    const struct pass_options *options;
    struct dataset *data; /* NULL: synthetic */
    long count;
    bool nonneg; /* every float input the preprocessing can make is ≥ 0 */
};
bool quant_feed_open(struct ir_graph *g, struct arena *a, const struct pass_options *o,
                     struct quant_feed *out);
/* Input number i of count: one array per network input, elements of its type, in arena a. False
 * after saying why in c. */
bool quant_feed_get(const struct quant_feed *f, struct ctx *c, struct arena *a, long i,
                    const void **in);
/* Whether synthetic inputs show all of v's range: v is an input of images, or made element by
 * element of one of bytes. */
bool quant_is_image(const struct ir_value *v, const struct preprocess *p);

#endif
