/* What the files of the backend share: stored tensors, the geometry of layers, tiles on the
 * chip, emission.
 *
 * A layer reads tensors from DRAM tile by tile, and stores its result tile by tile. Along each
 * spatial axis a tile of output pixels asks for a span of input pixels (struct be_span); how
 * much buffer space a tiling takes is struct be_need; a layer's part of each buffer is fixed by
 * the plan and reused by later layers. Tokens follow from the conflicts that really arise
 * (tokens.c), so that no choice of addresses can be wrong, only slow.
 *
 * Tail lanes of stored tensors (channels past the last one) hold the encoded zero, unless a
 * table or a clamp maps zero to something else; nothing depends on them, since the weights of
 * those lanes are zero. */
#ifndef NBQ_BACKEND_INTERNAL_H
#define NBQ_BACKEND_INTERNAL_H

#include "backend/backend.h"

struct be_kind;
struct be_lower;

/* One tensor in DRAM: a quantized value together with all its views, or (PLAIN) a value that only
 * the host touches, at either end of the network. */
struct be_buffer {
    const struct ir_value *value;
    const struct ir_value *input; /* the network's input it is made from, or NULL */
    enum svpe_layout layout;
    int px; /* STEM: log2 of elements per pixel */
    int channels, height, width, blocks;
    int bits, exp, zero;
    uint64_t bytes;
    int made;     /* step that makes it; −1: a network input */
    int last;     /* last step that reads it; −1: none */
    bool by_host; /* the host writes it */
    bool output;  /* of the network: kept in OUT; what a layer makes also in WORK when it is read */
    struct be_buffer *host_copy;     /* what is an output as well, but cannot be both: its twin */
    bool crosses;                    /* a layer makes it, the host reads it */
    uint64_t work_at, in_at, out_at; /* offsets */
};

/* Pixels of one spatial axis of a layer. */
struct be_axis {
    int out, in;
    int stride;
    int window; /* input pixels from the first to the last tap */
    int before; /* padding */
    int repeat; /* each input pixel taken is repeated; tiles are multiples of it */
};
/* The input that some output pixels need. */
struct be_span {
    int first, count;  /* input pixels that exist; count < 1: nothing but padding */
    int before, after; /* padding around them */
    int total;         /* all three together */
};

struct be_shape {
    const struct be_kind *kind;
    struct be_buffer *x, *b, *y; /* b: residual or second operand, or NULL */
    struct be_buffer **parts;    /* concatenation, interleaving: their inputs */
    int part_count;
    int sy, sx; /* interleaving: pixels of an input are so far apart in the result */
    struct be_axis ay, ax;
    int in_blocks, out_blocks; /* of V channels */
    int lo, hi;                /* clamps, stored form */
    int kh, kw, dy, dx;        /* convolutions and windows */

    enum svpe_form form; /* convolutions */
    enum svpe_wfmt wfmt;
    int bits, terms, term_shift, group;
    int taps;           /* kernel columns in one weight block */
    bool grouped_dense; /* a grouped convolution run as a dense one with zeros between the groups */
    bool
        diagonal; /* a grouped one whose groups lie within blocks: each needs its own input block */

    bool channel_params;           /* one parameter entry per output channel */
    const int16_t *table;          /* in the parameter buffer, or the one factor of an average */
    int table_count, table_dwords; /* dwords: 0 when it is not loaded */
    bool border;    /* average whose factor depends on how much of the window is inside */
    bool broadcast; /* b is one vector per block */
    struct be_pitches *pitches; /* found so far: pitch.c */
};

/* One row per operation that becomes a layer; layer.c has the table. */
struct be_kind {
    enum ir_op op;
    const char *place; /* of the layer table: "array" or "vector" */
    bool (*describe)(struct be_plan *p, struct be_layer *l, struct be_shape *s);
    void (*lower)(struct be_lower *lo, const struct be_layer *l);
};

/* A layer's part of the buffers: per role a row of equal slots, used in turn. */
enum be_role { BE_IN, BE_B, BE_OUT, BE_WGT, BE_ACC, BE_PAR, BE_ROLE_COUNT };
struct be_slots {
    int64_t size; /* of one slot, in the buffer's units */
    int64_t base; /* of the first one */
    int count;
};
struct be_need {
    struct be_slots slots[BE_ROLE_COUNT];
    int64_t total[SVPE_BUFFER_COUNT];
    int rows, cols, channels; /* tiles along each axis, of output channels */
    int chunks;               /* passes over input channels */
    /* Input row pitch in vectors, of the last tile of a row and of all others; cycles of a step
     * that reads the input, 1 without bank conflicts. */
    int last_pitch, pitch;
    double bank_cycles;
};

/* Why a tiling does not work: a buffer too small, or a text with the value and its bounds. */
struct be_misfit {
    int buffer; /* −1: see what */
    int64_t needed, available;
    const char *what;
    int64_t value, lo, hi;
    int64_t multiple; /* not 0: it has to be a multiple of it, in lo…hi if hi is not 0 */
};

/* nodes.c */
/* Layers and host nodes in the graph's order, tensors. False after saying what cannot be. */
bool be_take_nodes(struct be_plan *p);
bool be_is_stored(const struct ir_value *v); /* integers that stand for reals, the device's form */

/* partition.c: the order in which layers and host nodes run, with the fewest changes between device
 * and host that the graph allows; segments and steps. */
void be_partition(struct be_plan *p);

/* layer.c */
const struct be_kind *be_kind_find(enum ir_op op);
const char *be_layer_kind(const struct be_layer *l); /* "qconv"; "copy": see be_layer.copied */
/* NULL: not stored. */
struct be_buffer *be_buffer_of(const struct be_plan *p, const struct ir_value *v);
int64_t be_attr(const struct ir_node *n, const char *name, int64_t otherwise);
/* Rank 0…4 with a batch of 1 as channels, rows, columns. */
bool be_dims(const struct ir_value *v, int chw[3]);
/* False after saying that `name` is outside lo…hi. */
bool be_in_range(const struct be_plan *p, const struct be_layer *l, const char *name, int64_t v,
                 int64_t lo, int64_t hi);
/* Of a network input that is an output as well, into its host_copy. */
void be_describe_host_copy(struct be_plan *p, struct be_layer *l, struct be_shape *s);
/* Fills s from l->node. False after saying what no device can do. */
bool be_describe(struct be_plan *p, struct be_layer *l, struct be_shape *s);

/* tile.c */
struct be_span be_span(const struct be_axis *a, int first, int count);
/* In the buffer's units, as far as instructions reach. */
int64_t be_capacity(const struct be_plan *p, enum svpe_buffer b);
enum svpe_buffer be_buffer_of_role(enum be_role r);
/* Tiles of output channels are multiples of it. */
int be_channel_unit(const struct svpe_target *t);
/* Blocks of E that fill all the blocks of V these channels take. */
int be_array_blocks(const struct svpe_target *t, int channels);
/* Of one term, for so many blocks of E output channels and of V input channels. */
int64_t be_weight_blocks(const struct be_shape *s, int channel_blocks, int in_blocks);
/* Whether a layer may take its input channels in several passes. */
bool be_splits_input(const struct be_layer *l);
/* True if the tiling works on the target: *need is filled but for the bases. */
bool be_tiling_fits(const struct be_plan *p, const struct be_layer *l, const struct be_tiling *t,
                    struct be_need *need, struct be_misfit *why);
const char *be_units(struct arena *a, enum svpe_buffer b); /* "entries" */
const char *be_misfit_text(struct arena *a, const struct be_misfit *why);
const char *be_misfit_expected(struct arena *a, const struct be_misfit *why); /* "1…32" */
const char *be_tiling_text(struct arena *a, const struct be_tiling *t); /* "rows=8, cols=32, …" */
const char *be_order_name(enum be_order o);

/* pitch.c */
struct be_pitch { /* of input tiles of `cols` output columns, and one row of them or several */
    int cols;
    bool several;
    int extra;            /* vectors to put between two rows; 0: nothing to win */
    double plain, fitted; /* cycles of a step without and with them */
};
struct be_pitches *be_pitches_new(struct arena *a);
/* Of a tile of rows × cols output pixels whose input rows have `pitch` vectors. */
struct be_pitch be_pitch_fit(const struct be_plan *p, const struct be_layer *l, int rows, int cols,
                             int pitch);

/* cost.c: the estimate that choices are made by, not the cycle model. */
struct be_cost {
    double cycles;
    int64_t bytes; /* to and from DRAM */
    int tiles;
    const char *limit; /* what takes longest: a queue, or "dram" */
};
struct be_cost be_tiling_cost(const struct be_plan *p, const struct be_layer *l,
                              const struct be_tiling *t, const struct be_need *need);

/* choose.c: the fastest tiling by be_tiling_cost(), the same one every time. False after saying
 * what does not fit. */
bool be_tiling_choose(const struct be_plan *p, const struct be_layer *l, struct be_tiling *out);

/* memory.c */
void be_memory_plan(struct be_plan *p); /* DRAM: offsets of all buffers, sizes of the regions */
void be_chip_plan(struct be_plan *p);   /* each layer's part of each on-chip buffer */

/* lua.c: a schedule script, released with its context. NULL and false after saying why. */
struct be_script;
struct be_script *be_script_open(struct ctx *c, struct arena *a, const char *path);
/* *tiling holds the default and is replaced by what the script returns. */
bool be_script_tiling(struct be_script *s, const struct be_plan *p, const struct be_layer *l,
                      struct be_tiling *tiling);

/* tokens.c: the stream of instructions, and the tokens that its conflicts need. */
struct be_code {
    struct arena *arena;
    struct svpe_insn *insns;
    int count, room;
};
/* Valid until the next one. */
struct svpe_insn *be_code_add(struct be_code *code, enum svpe_op op, int layer);
/* Adds waits and posts, none of them redundant, and sync words where a counter would overflow.
 * False after saying why. */
bool be_place_tokens(struct ctx *c, const struct svpe_machine *m, struct be_code *code);

/* lower.c: the state of lowering. */
struct be_piece { /* what one ld.wgt or ld.par brings */
    uint64_t at;
    int64_t dwords;
};
struct be_lower {
    struct ctx *ctx;
    struct arena *arena, *scratch; /* the program's, and one that goes with this struct */
    const struct be_plan *plan;
    const struct be_layer *layer;
    struct svpe_machine machine;
    struct be_code code;           /* of the segment at hand */
    struct writer weights, params; /* the regions' contents */
    struct be_use {                /* slots in use: what each holds, and which one comes next */
        int64_t *key;
        int next;
    } use[BE_ROLE_COUNT];
    struct be_piece *weight_pieces; /* of this layer, by key; dwords = 0: not packed yet */
    struct be_piece param_piece;
    int16_t *block; /* scratch: the weights of one block */
};

/* lower_layer.c: instructions of one layer, one function per operation. */
void be_lower_conv(struct be_lower *lo, const struct be_layer *l);
void be_lower_add(struct be_lower *lo, const struct be_layer *l);
void be_lower_mul(struct be_lower *lo, const struct be_layer *l);
void be_lower_scale(struct be_lower *lo, const struct be_layer *l);
void be_lower_prelu(struct be_lower *lo, const struct be_layer *l);
void be_lower_lut(struct be_lower *lo, const struct be_layer *l);
void be_lower_copy(struct be_lower *lo, const struct be_layer *l);
void be_lower_max(struct be_lower *lo, const struct be_layer *l);
void be_lower_avg(struct be_lower *lo, const struct be_layer *l);
void be_lower_concat(struct be_lower *lo, const struct be_layer *l);
void be_lower_interleave(struct be_lower *lo, const struct be_layer *l);

/* pack.c: weight codes and channel parameters in the order conv and v.req read them, appended to
 * the regions once. */
enum be_terms { BE_TERMS_ALL, BE_TERM_FIRST, BE_TERM_SECOND };
struct be_block_range { /* blocks of E output channels, blocks of V input channels */
    int out, outs, in, ins;
    enum be_terms terms;
};
struct be_piece be_pack_weights(struct be_lower *lo, const struct be_layer *l, int64_t key,
                                const struct be_block_range *range);
/* Of all channels, or the table. */
struct be_piece be_pack_params(struct be_lower *lo, const struct be_layer *l);

/* tables.c: tensors, inputs, outputs, layer rows of the container, the plan as text. */
bool be_fill_tables(struct be_lower *lo, const struct be_options *o, struct svpe_program *program);
/* Of b under the shape of v, one of its views: where it is read, or (output) what the network gives
 * out. */
struct svpe_tensor be_tensor(const struct be_buffer *b, const struct ir_value *v, bool output);

/* table_host.c: what the host runs, for the container; tensors are added to the program's, which
 * have room for *tensor_room. */
int be_host_tensor_room(const struct be_plan *p);
void be_fill_hosts(struct be_lower *lo, struct svpe_program *program);

#endif
