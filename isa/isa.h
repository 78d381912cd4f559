/* The contract between compiler and devices: instructions, their text, what they touch and how long
 * they take; the container. */
#ifndef NBQ_ISA_ISA_H
#define NBQ_ISA_ISA_H

#include "base/bytes.h"
#include "base/diag.h"
#include "isa/target.h"

enum svpe_queue {
#define QUEUE(name, ...) SVPE_QUEUE_##name,
#include "isa/svpe.def"
    SVPE_QUEUE_COUNT
};
enum svpe_region {
#define REGION(name, ...) SVPE_REGION_##name,
#include "isa/svpe.def"
    SVPE_REGION_COUNT
};
enum svpe_buffer {
#define BUFFER(name, ...) SVPE_BUFFER_##name,
#include "isa/svpe.def"
    SVPE_BUFFER_COUNT
};
enum svpe_format {
#define FORMAT(name, ...) SVPE_FORMAT_##name,
#include "isa/svpe.def"
    SVPE_FORMAT_COUNT
};
enum svpe_field {
#define FIELD(format, name, ...) SVPE_##format##_##name,
#include "isa/svpe.def"
    SVPE_FIELD_COUNT
};
/* A dense index, not the opcode. */
enum svpe_op {
#define INSN(name, ...) SVPE_##name,
#include "isa/svpe.def"
    SVPE_OP_COUNT
};
enum svpe_uop_kind {
#define UOP(name, ...) SVPE_UOP_##name,
#include "isa/svpe.def"
    SVPE_UOP_COUNT
};
enum svpe_walk {
#define WALK(name, ...) SVPE_WALK_##name,
#include "isa/svpe.def"
    SVPE_WALK_COUNT
};
enum svpe_param {
#define PARAM(name, ...) SVPE_PARAM_##name,
#include "isa/svpe.def"
    SVPE_PARAM_COUNT
};
enum svpe_wfmt {
#define WFMT(name, ...) SVPE_WFMT_##name,
#include "isa/wfmt.def"
#undef WFMT
    SVPE_WFMT_COUNT
};
enum svpe_form {
#define FORM(name, ...) SVPE_FORM_##name,
#include "isa/svpe.def"
    SVPE_FORM_COUNT
};

enum { SVPE_MAX_FIELDS = 32, SVPE_MAX_BYTES = 32, SVPE_MAX_SOURCES = 2 };

/* A decoded instruction. Fields are read and written by name: svpe_set(&i, SVPE_CONV_rows, 7). */
struct svpe_insn {
    enum svpe_op op;
    uint8_t wait, post; /* bit q: queue q */
    uint16_t layer;
    /* The operation's; that of a SYNCW or END is set together with its field SVPE_SYNC_queue. */
    enum svpe_queue queue;
    int64_t field[SVPE_MAX_FIELDS]; /* by position within the format */
};

struct svpe_op_info {
    const char *name, *mnemonic, *meaning;
    uint8_t opcode;
    enum svpe_format format;
    enum svpe_queue queue;
    uint32_t uses; /* bit i: the field at position i; bits above the last field mean nothing */
    struct {       /* copies between DRAM and a buffer */
        enum svpe_buffer buffer;
        unsigned regions; /* bit r: region r; 0: no such copy */
    } copy;
    struct { /* the vector unit's */
        bool known;
        enum svpe_uop_kind kind;
    } step;
    struct { /* read of the parameter buffer by the vector unit */
        bool known;
        enum svpe_param kind;
        enum svpe_field at;
    } param;
    const char *computes; /* lines, of the vector unit; else NULL */
};
/* A tile of the vector unit. Which of the walk's fields have a meaning is in svpe.def's WALK row;
 * the others are SVPE_HEAD_op. */
struct svpe_operand {
    const char *what; /* in messages; NULL: there is none */
    enum svpe_field at, block, row;
    enum svpe_walk walk;
    enum svpe_field flag; /* res, bcast, border */
    enum svpe_field ny, nx, ry, rx;
    enum svpe_field kh, kw, sy, sx, pt, pl, ih, iw;
};
struct svpe_vector_info { /* a format of the vector unit */
    struct svpe_operand source[SVPE_MAX_SOURCES], result;
    enum svpe_field nb, rows, cols;
    struct {
        bool known;
        enum svpe_field at;
    } sums;
};
struct svpe_format_info {
    const char *name, *meaning;
    int bits; /* 128, 256; 0 for HEAD, which every word starts with */
};
struct svpe_uop_info {
    const char *mnemonic, *meaning;
    /* uses of each port: a number, or the letter of a USE row of svpe.def */
    char act_reads, wgt_reads, acc_reads, acc_writes, act_writes, par_reads;
};
struct svpe_name_info { /* queues, regions, buffers, forms, walks, parameters */
    const char *name, *unit, *meaning;
};
struct svpe_field_info {
    enum svpe_format format;
    const char *name, *meaning;
    int low, width;
    bool is_signed;
    int min; /* smallest legal value, at most 1: what left out fields of assembly have is legal */
    const char *below; /* what to say of a smaller one */
    int position;      /* within its format */
};
struct svpe_wfmt_info {
    const char *name, *meaning;
    int bits, magnitude_bits;
    bool linear;
    int least, most; /* n of the weights it is for */
};

/* tables.c: expanded from svpe.def and wfmt.def. */
const struct svpe_op_info *svpe_op_info(enum svpe_op op);
const struct svpe_field_info *svpe_field_info(enum svpe_field f);
enum svpe_field svpe_field_first(enum svpe_format f); /* fields of a format are consecutive */
int svpe_field_count(enum svpe_format f);
const struct svpe_format_info *svpe_format_info(enum svpe_format f);
const struct svpe_uop_info *svpe_uop_info(enum svpe_uop_kind k);
const struct svpe_name_info *svpe_queue_info(enum svpe_queue q);
const struct svpe_name_info *svpe_region_info(enum svpe_region r);
const struct svpe_name_info *svpe_buffer_info(enum svpe_buffer b);
const struct svpe_name_info *svpe_form_info(enum svpe_form f);
const struct svpe_name_info *svpe_walk_info(enum svpe_walk w);
const struct svpe_name_info *svpe_param_info(enum svpe_param p);
const struct svpe_vector_info *
svpe_vector_info(enum svpe_format f);           /* NULL: not the vector unit's */
const char *svpe_queue_name(enum svpe_queue q); /* these three: "?" when out of range */
const char *svpe_region_name(enum svpe_region r);
const char *svpe_buffer_name(enum svpe_buffer b);
const struct svpe_wfmt_info *svpe_wfmt_info(enum svpe_wfmt f);
/* Both assert that f belongs to i's format. */
int64_t svpe_get(const struct svpe_insn *i, enum svpe_field f);
void svpe_set(struct svpe_insn *i, enum svpe_field f, int64_t v);
/* Fields have their resting values: 0, or the min where 0 is not legal; the queue of end: store. */
struct svpe_insn svpe_insn_new(enum svpe_op op, int layer);
/* Of everything that decides what a word means; texts apart. */
uint64_t svpe_isa_hash(struct arena *a);

/* code.c: words. */
int svpe_insn_bytes(enum svpe_op op); /* 16 or 32 */
/* What the field may hold: from svpe.def's min to the largest that its bits express. */
void svpe_field_range(enum svpe_field f, int64_t *min, int64_t *max);
/* Writes svpe_insn_bytes() bytes. False: a value does not fit its field, *bad names the field. */
bool svpe_encode(const struct svpe_insn *i, uint8_t *to, const char **bad);
/* Returns bytes taken, or 0 with *why (a static text): unknown opcode, reserved bits, unused field
 * not zero, used field below its min, truncated. */
int svpe_decode(const uint8_t *from, size_t left, struct svpe_insn *i, const char **why);

/* weight.c: weight codes. */
/* Of weights of n bits; asserts that there is one. */
enum svpe_wfmt svpe_wfmt_for(bool linear, int n);
/* The code of an integer weight; −1: not representable. */
int svpe_wcode(enum svpe_wfmt f, int value);
/* False: no code (negative zero, high bits). */
bool svpe_wvalue(enum svpe_wfmt f, unsigned code, int *value);
/* One block: asserts that all values are representable; pads to 8 bytes. */
void svpe_pack(enum svpe_wfmt f, const int16_t *values, size_t count, struct writer *to);
/* Bytes of one weight block of E·V codes, a multiple of 8. */
size_t svpe_block_bytes(const struct svpe_target *t, enum svpe_wfmt f);
/* Kernel columns one weight block holds. px: as in CONV. */
int64_t svpe_taps_per_block(const struct svpe_target *t, enum svpe_form form, int64_t px);
/* Weight blocks that a conv reads. */
int64_t svpe_conv_blocks(const struct svpe_target *t, const struct svpe_insn *i);

/* Shape of one program on one target: what footprints, micro-instructions and verification need. */
struct svpe_machine {
    const struct svpe_target *target;
    int act_bits;
    uint64_t region_bytes[SVPE_REGION_COUNT];
};

/* Most steps (weight blocks times pixel groups; vectors times taps) of one instruction: no program
 * runs for ever. */
#define SVPE_MAX_STEPS (INT64_C(1) << 26)

/* verify.c: one instruction in isolation: nonzero extents, strides, ranges inside buffers and
 * regions, formats the target has, shift ranges, vector-unit rules. NULL if good, else a text made
 * in a. */
const char *svpe_verify_insn(struct arena *a, const struct svpe_machine *m,
                             const struct svpe_insn *i);

/* footprint.c: the exact bytes an instruction reads and writes. Spaces: on-chip buffers, then DRAM
 * regions. Accumulators are counted as 8 bytes each, whatever their width. */
enum { SVPE_SPACE_COUNT = SVPE_BUFFER_COUNT + SVPE_REGION_COUNT };
struct svpe_range { /* count1 × count2 runs of `bytes` bytes at first + i·step1 + j·step2 */
    int space;
    bool write;
    uint64_t first, bytes;
    uint64_t count1, step1, count2, step2;
};
/* Calls visit for each range; ranges of one instruction may touch. i must have passed
 * svpe_verify_insn(). */
typedef void svpe_range_fn(void *user, const struct svpe_range *r);
void svpe_footprint(const struct svpe_machine *m, const struct svpe_insn *i, svpe_range_fn *visit,
                    void *user);

/* uop.c: the micro-instructions of one exec- or vec-queue instruction, in issue order. */
struct svpe_uop {
    enum svpe_uop_kind kind;
    /* CONV: pixel group, output block, term, kernel row, column (first tap), input block. */
    int group, ob, term, ky, kx, ib;
    int beat; /* vector unit: beat within the instruction */
    int tap;  /* v.max, v.avg */
    int cycles;
    /* Uses in all, over `cycles` cycles. */
    int act_reads, wgt_reads, acc_reads, acc_writes, act_writes, par_reads;
    int bank_peak; /* most reads of one activation bank */
};
struct svpe_uop_iter {
    const struct svpe_machine *m;
    const struct svpe_insn *i;
    uint64_t next;
};
void svpe_uop_begin(struct svpe_uop_iter *it, const struct svpe_machine *m,
                    const struct svpe_insn *i);
bool svpe_uop_next(struct svpe_uop_iter *it, struct svpe_uop *out);
/* The sum over the micro-instructions; of a copy, bytes / dram_bytes + latency. */
uint64_t svpe_insn_cycles(const struct svpe_machine *m, const struct svpe_insn *i);
void svpe_uop_print(const struct svpe_uop *u, struct writer *to);

/* order.c: happens-before over tokens. The stream is one sequence; each instruction goes to its
 * queue's end. */
enum svpe_fault_kind { SVPE_FAULT_NONE, SVPE_FAULT_RACE, SVPE_FAULT_DEADLOCK, SVPE_FAULT_LEFTOVER };
struct svpe_fault {
    enum svpe_fault_kind kind;
    /* Instruction indices; deadlock: the waiting instruction, and −1 or the blocked post. */
    int first, second;
    int space;     /* race: where */
    uint64_t byte; /* race: first byte */
    bool first_writes, second_writes;
    enum svpe_queue from, to; /* deadlock, leftover: the counter */
};
/* Tokens alone: every wait is matched by a post earlier in the stream (so that in-order dispatch
 * with queues of any depth cannot block), no counter exceeds the target's, none is left over. True
 * if good. */
bool svpe_check_tokens(const struct svpe_machine *m, const struct svpe_insn *insns, int count,
                       struct svpe_fault *out);
/* Vector clocks over the tokens; every unordered overlapping pair is a race. Returns the number of
 * faults found, the first `room` of them in out. Needs svpe_check_tokens() to hold. */
int svpe_check_races(struct arena *a, const struct svpe_machine *m, const struct svpe_insn *insns,
                     int count, struct svpe_fault *out, int room);
const char *svpe_fault_text(struct arena *a, const struct svpe_fault *f,
                            const struct svpe_insn *insns, const char *const *layer_names,
                            int layer_count);

/* text.c: assembly. Grammar in docs/isa.md: `mnemonic field=value, …` with `wait=q+q`, `post=q+q`,
 * `layer=N`; fields with their resting value may be left out. */
void svpe_print_insn(const struct svpe_insn *i, struct writer *to); /* one line, no newline */
/* A whole file (comments start with ';'): appends encoded words. False after saying every fault. */
bool svpe_assemble(struct ctx *c, const char *file, const char *text, size_t size,
                   struct writer *to);
/* One line, no newline, for the next word of code (left > 0); returns its bytes. A bad one becomes
 * `.word` and its bytes in hex, with the reason in *why, which is NULL otherwise. */
size_t svpe_print_word(const uint8_t *code, size_t left, struct svpe_insn *i, const char **why,
                       struct writer *to);
void svpe_disassemble(const uint8_t *code, size_t size, struct writer *to);

/* manual.c, container_manual.c */
void svpe_print_manual(struct writer *to);           /* docs/isa.md */
void svpe_print_container_manual(struct writer *to); /* docs/container.md */

/* container.c: the .svpe file. In memory: */
enum svpe_layout { SVPE_LAYOUT_BLOCKED, SVPE_LAYOUT_STEM, SVPE_LAYOUT_PLAIN };
struct svpe_tensor { /* a buffer in DRAM */
    const char *name;
    enum svpe_region region;
    uint64_t offset, bytes;
    /* BLOCKED: [ceil(C/V)][H][W][V] stored integers, STEM: [H][W][2^px] stored integers; tail lanes
     * of both hold the encoded zero. PLAIN: row-major elements of dtype ("f32"), which only the
     * host touches. */
    enum svpe_layout layout;
    const char *dtype; /* PLAIN: as in base/ops/dtypes.def; "" otherwise */
    int px;
    int channels, height, width; /* N = 1; PLAIN: any three numbers of that product */
    int rank;
    int64_t dims[8];     /* as the model says */
    int bits, exp, zero; /* bits: of an element */
};
struct svpe_input {
    int tensor;
    /* Byte images: channel c is table[c][byte of plane source[c] of the image]; of a PLAIN f32
     * tensor of at most 4 channels, which has none, it is computed. */
    bool has_table;
    const int16_t *table; /* channels × 256 stored integers */
    int source[4];
    double scale, mean[4], std[4]; /* as given, for display and for float images */
    bool preprocess_given;
    int resize, crop; /* pixels; 0: none. As in base/image.h */
    bool resize_plain;
};
struct svpe_layer {
    const char *name, *kind; /* the model's node name; the operation ("qconv") */
    uint32_t in_c, in_h, in_w, out_c, out_h, out_w, kh, kw, sy, sx, group;
    uint64_t macs, weights;
    int bits, terms;
    int exp_min, exp_max; /* of the channel scales */
    int margin;           /* overflow margin, bits; −1: does not apply */
    int tiles;
    const char *place; /* "array", "vector", "host", "view" */
    const char *note;  /* e.g. "select" for shortcuts made into a convolution; may be "" */
};
struct svpe_segment {
    bool host;
    uint64_t code_offset, code_bytes; /* device */
    int first_node, node_count;       /* host */
};
/* What host nodes read and write. With a tensor: read by a node, the buffer's real values (stored
 * integers as f32); made by a node, written into the buffer, where it holds stored integers by
 * ir_quantize_float's rule and with the encoded zero in the tails. */
struct svpe_host_value {
    const char *name;
    const char *dtype; /* as in base/ops/dtypes.def */
    int rank;
    int64_t dims[8];
    int tensor;         /* −1: lives on the host alone */
    uint64_t at, bytes; /* a constant: its data in host_data, at a multiple of 64; else 0, 0 */
};
enum svpe_attr_kind {
    SVPE_ATTR_INT,
    SVPE_ATTR_FLOAT,
    SVPE_ATTR_STRING,
    SVPE_ATTR_INTS,
    SVPE_ATTR_KIND_COUNT
};
struct svpe_host_attr { /* members of other kinds: 0, "" */
    const char *name;
    enum svpe_attr_kind kind;
    int64_t i;
    double f;
    const char *s;
    int first, count; /* in host_lists */
};
/* Nodes in the order they run. Their lists and attributes fill host_lists and host_attrs in this
 * order: of each node its inputs, its outputs, then the lists of its attributes. */
struct svpe_host_node {
    const char *name, *op;  /* op: its text in base/ops/ops.def */
    int in_first, in_count; /* in host_lists: indices into host_values; −1: left out */
    int out_first, out_count;
    int attr_first, attr_count;
    int layer; /* its row of the layer table */
};
struct svpe_program {
    const char *name;
    const struct svpe_target *target;
    int act_bits;
    const uint8_t *code, *weights, *params; /* weights: region wgt, params: region par */
    uint64_t code_bytes, weight_bytes, param_bytes;
    uint64_t work_bytes, in_bytes, out_bytes; /* regions */
    struct svpe_tensor *tensors;
    int tensor_count;
    struct svpe_input *inputs;
    int input_count;
    int *outputs; /* tensors */
    int output_count;
    struct svpe_layer *layers; /* what layer tags refer to */
    int layer_count;
    struct svpe_segment *segments; /* in the order they run */
    int segment_count;
    struct svpe_host_value *host_values;
    int host_value_count;
    struct svpe_host_node *host_nodes;
    int host_node_count;
    struct svpe_host_attr *host_attrs;
    int host_attr_count;
    int64_t *host_lists;
    int host_list_count;
    const uint8_t *host_data;
    uint64_t host_data_bytes;
    const char *schedule; /* text of the plan that made the code */
};
void svpe_write(const struct svpe_program *p, struct writer *to);
/* Structure, versions, checksums, every table's bounds; not the instructions (runtime/ verifies
 * those). NULL after saying file, section and what was expected. Data points into bytes. */
struct svpe_program *svpe_read(struct ctx *c, struct arena *a, const char *file,
                               const uint8_t *bytes, size_t size);

#endif
