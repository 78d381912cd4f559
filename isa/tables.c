/* svpe.def and wfmt.def expanded into constant tables, and access to the fields of a decoded
 * instruction by name. No knowledge of single instructions stands here. */
#include "isa/isa.h"

#include <assert.h>

/* Two enumerations let the compiler count along the rows, each of which sees only itself. In the
 * first, a FORMAT row stands for the place that its first FIELD row takes. In the second, FREE is
 * the first bit above the field before. */
enum field_place {
#define FORMAT(name, ...)        FIRST_##name, BEFORE_##name = FIRST_##name - 1,
#define FIELD(format, name, ...) PLACE_##format##_##name,
#include "isa/svpe.def"
};
enum field_bits {
#define FORMAT(name, bits, ...)                                                                    \
    BITS_##name = (bits) == 0 ? 32 : (bits), BELOW_##name = (bits) == 0 ? -1 : 31,
#define FIELD(format, name, low, width, ...)                                                       \
    FREE_##format##_##name, LAST_##format##_##name = (low) + (width)-1,
#include "isa/svpe.def"
};

#define FORMAT(name, bits, ...)                                                                    \
    _Static_assert((bits) == 0 || (bits) == 128 || (bits) == 256,                                  \
                   "svpe.def: format " #name " is neither short nor long");
#define FIELD(format, name, low, width, is_signed, min, ...)                                       \
    _Static_assert((int)PLACE_##format##_##name == (int)SVPE_##format##_##name &&                  \
                       (int)PLACE_##format##_##name - (int)FIRST_##format < SVPE_MAX_FIELDS,       \
                   "svpe.def: field " #format "." #name " does not follow its FORMAT row");        \
    _Static_assert((int)FREE_##format##_##name <= (low),                                           \
                   "svpe.def: field " #format "." #name " overlaps the one before it");            \
    _Static_assert((width) >= 1 && (width) <= 32 &&                                                \
                       (int)LAST_##format##_##name < (int)BITS_##format,                           \
                   "svpe.def: field " #format "." #name " is too wide for its word");              \
    _Static_assert((min) <= 1 && (min) >= ((is_signed) ? -(INT64_C(1) << ((width)-1)) : 0),        \
                   "svpe.def: field " #format "." #name " cannot hold its min, or 0 and 1");
#define INSN(name, mnemonic, opcode, format, ...)                                                  \
    _Static_assert(((opcode) >> 7 == 1) == ((int)BITS_##format == 256),                            \
                   "svpe.def: bit 7 of the opcode of " #name " does not tell its length");
#include "isa/svpe.def"

static const struct svpe_name_info queues[] = {
#define QUEUE(name_, text, meaning_) [SVPE_QUEUE_##name_] = {text, "", meaning_},
#include "isa/svpe.def"
};
static const struct svpe_name_info regions[] = {
#define REGION(name_, text, meaning_) [SVPE_REGION_##name_] = {text, "", meaning_},
#include "isa/svpe.def"
};
static const struct svpe_name_info buffers[] = {
#define BUFFER(name_, text, unit_, meaning_) [SVPE_BUFFER_##name_] = {text, unit_, meaning_},
#include "isa/svpe.def"
};
static const struct svpe_name_info forms[] = {
#define FORM(name_, text, meaning_) [SVPE_FORM_##name_] = {text, "", meaning_},
#include "isa/svpe.def"
};

static const struct svpe_name_info walks[] = {
#define WALK(name_, meaning_) [SVPE_WALK_##name_] = {#name_, "", meaning_},
#include "isa/svpe.def"
};
static const struct svpe_name_info params[] = {
#define PARAM(name_, meaning_) [SVPE_PARAM_##name_] = {#name_, "", meaning_},
#include "isa/svpe.def"
};

static const uint8_t format_first[SVPE_FORMAT_COUNT + 1] = {
#define FORMAT(name, ...) [SVPE_FORMAT_##name] = FIRST_##name,
#include "isa/svpe.def"
    [SVPE_FORMAT_COUNT] = SVPE_FIELD_COUNT,
};
static const struct svpe_format_info formats[] = {
#define FORMAT(name_, bits_, meaning_)                                                             \
    [SVPE_FORMAT_##name_] = {.name = #name_, .meaning = meaning_, .bits = bits_},
#include "isa/svpe.def"
};

static const struct svpe_field_info fields[] = {
#define FIELD(format_, name_, low_, width_, signed_, min_, meaning_)                               \
    [SVPE_##format_##_##                                                                           \
        name_] = {.format = SVPE_FORMAT_##format_,                                                 \
                  .name = #name_,                                                                  \
                  .meaning = meaning_,                                                             \
                  .low = low_,                                                                     \
                  .width = width_,                                                                 \
                  .is_signed = signed_,                                                            \
                  .min = min_,                                                                     \
                  .below = #name_ ": expected at least " #min_,                                    \
                  .position = (int)SVPE_##format_##_##name_ - (int)FIRST_##format_},
#include "isa/svpe.def"
};

/* Masks of fields by position, for the USES rows. */
#define ALL(format)       UINT32_MAX
#define BIT(format, name) ((uint32_t)1 << ((int)SVPE_##format##_##name - (int)FIRST_##format))
static const struct svpe_op_info ops[] = {
#define INSN(name_, mnemonic_, opcode_, format_, queue_, meaning_)                                 \
    [SVPE_##name_] = {.name = #name_,                                                              \
                      .mnemonic = mnemonic_,                                                       \
                      .meaning = meaning_,                                                         \
                      .opcode = opcode_,                                                           \
                      .format = SVPE_FORMAT_##format_,                                             \
                      .queue = SVPE_QUEUE_##queue_},
#define USES(insn, mask)   [SVPE_##insn].uses = mask,
#define REGION_BIT(region) (1u << SVPE_REGION_##region)
#define COPIES(insn, buffer_, regions_)                                                            \
    [SVPE_##insn].copy = {.buffer = SVPE_BUFFER_##buffer_, .regions = regions_},
#define READS(insn, param_, format_, field)                                                        \
    [SVPE_##insn].param = {true, SVPE_PARAM_##param_, SVPE_##format_##_##field},
#define STEP(insn, uop)      [SVPE_##insn].step = {true, SVPE_UOP_##uop},
#define COMPUTES(insn, text) [SVPE_##insn].computes = text,
#include "isa/svpe.def"
};

/* The fields of a walk, by the names they have in its format. */
#define PIXELS(f)
#define RESIDUAL(f)  .flag = SVPE_##f##_res,
#define BROADCAST(f) .flag = SVPE_##f##_bcast,
#define SAMPLES(f)                                                                                 \
    .ny = SVPE_##f##_ny, .nx = SVPE_##f##_nx, .ry = SVPE_##f##_ry, .rx = SVPE_##f##_rx,
#define WINDOWS(f)                                                                                 \
    .kh = SVPE_##f##_kh, .kw = SVPE_##f##_kw, .sy = SVPE_##f##_sy, .sx = SVPE_##f##_sx,            \
    .flag = SVPE_##f##_border, .pt = SVPE_##f##_pt, .pl = SVPE_##f##_pl, .ih = SVPE_##f##_ih,      \
    .iw = SVPE_##f##_iw,
static const struct svpe_vector_info vectors[SVPE_FORMAT_COUNT] = {
#define SOURCE(format, n, what_, at_, block_, row_, walk_)                                         \
    [SVPE_FORMAT_##format].source[n] = {.what = what_,                                             \
                                        .at = SVPE_##format##_##at_,                               \
                                        .block = SVPE_##format##_##block_,                         \
                                        .row = SVPE_##format##_##row_,                             \
                                        .walk = SVPE_WALK_##walk_,                                 \
                                        walk_(format)},
#define RESULT(format, at_, block_, row_, nb_, rows_, cols_)                                       \
    [SVPE_FORMAT_##format].result = {.what = "destination",                                        \
                                     .at = SVPE_##format##_##at_,                                  \
                                     .block = SVPE_##format##_##block_,                            \
                                     .row = SVPE_##format##_##row_,                                \
                                     .walk = SVPE_WALK_PIXELS},                                    \
    [SVPE_FORMAT_##format].nb = SVPE_##format##_##nb_,                                             \
    [SVPE_FORMAT_##format].rows = SVPE_##format##_##rows_,                                         \
    [SVPE_FORMAT_##format].cols = SVPE_##format##_##cols_,
#define SUMS(format, acc) [SVPE_FORMAT_##format].sums = {true, SVPE_##format##_##acc},
#include "isa/svpe.def"
};

static const struct svpe_uop_info uops[] = {
#define UOP(name_, mnemonic_, act_reads_, wgt_reads_, acc_reads_, acc_writes_, act_writes_,        \
            par_reads_, meaning_)                                                                  \
    [SVPE_UOP_##name_] = {.mnemonic = mnemonic_,                                                   \
                          .meaning = meaning_,                                                     \
                          .act_reads = act_reads_,                                                 \
                          .wgt_reads = wgt_reads_,                                                 \
                          .acc_reads = acc_reads_,                                                 \
                          .acc_writes = acc_writes_,                                               \
                          .act_writes = act_writes_,                                               \
                          .par_reads = par_reads_},
#include "isa/svpe.def"
};

static const struct svpe_wfmt_info wfmts[] = {
#define WFMT(name_, text_, bits_, magnitude_bits_, linear_, least_, most_, meaning_)               \
    [SVPE_WFMT_##name_] = {.name = text_,                                                          \
                           .meaning = meaning_,                                                    \
                           .bits = bits_,                                                          \
                           .magnitude_bits = magnitude_bits_,                                      \
                           .linear = linear_,                                                      \
                           .least = least_,                                                        \
                           .most = most_},
#include "isa/wfmt.def"
#undef WFMT
};

const struct svpe_op_info *svpe_op_info(enum svpe_op op) {
    assert(op < SVPE_OP_COUNT);
    return &ops[op];
}

const struct svpe_field_info *svpe_field_info(enum svpe_field f) {
    assert(f < SVPE_FIELD_COUNT);
    return &fields[f];
}

enum svpe_field svpe_field_first(enum svpe_format f) {
    assert(f < SVPE_FORMAT_COUNT);
    return (enum svpe_field)format_first[f];
}

int svpe_field_count(enum svpe_format f) {
    assert(f < SVPE_FORMAT_COUNT);
    return format_first[f + 1] - format_first[f];
}

const struct svpe_format_info *svpe_format_info(enum svpe_format f) {
    assert(f < SVPE_FORMAT_COUNT);
    return &formats[f];
}

const struct svpe_uop_info *svpe_uop_info(enum svpe_uop_kind k) {
    assert(k < SVPE_UOP_COUNT);
    return &uops[k];
}

const struct svpe_wfmt_info *svpe_wfmt_info(enum svpe_wfmt f) {
    assert(f < SVPE_WFMT_COUNT);
    return &wfmts[f];
}

const struct svpe_name_info *svpe_queue_info(enum svpe_queue q) {
    assert(q < SVPE_QUEUE_COUNT);
    return &queues[q];
}

const struct svpe_name_info *svpe_region_info(enum svpe_region r) {
    assert(r < SVPE_REGION_COUNT);
    return &regions[r];
}

const struct svpe_name_info *svpe_buffer_info(enum svpe_buffer b) {
    assert(b < SVPE_BUFFER_COUNT);
    return &buffers[b];
}

const struct svpe_name_info *svpe_form_info(enum svpe_form f) {
    assert(f < SVPE_FORM_COUNT);
    return &forms[f];
}

const struct svpe_name_info *svpe_walk_info(enum svpe_walk w) {
    assert(w < SVPE_WALK_COUNT);
    return &walks[w];
}

const struct svpe_name_info *svpe_param_info(enum svpe_param p) {
    assert(p < SVPE_PARAM_COUNT);
    return &params[p];
}

const struct svpe_vector_info *svpe_vector_info(enum svpe_format f) {
    assert(f < SVPE_FORMAT_COUNT);
    return vectors[f].result.what ? &vectors[f] : NULL;
}

const char *svpe_queue_name(enum svpe_queue q) {
    return q < SVPE_QUEUE_COUNT ? queues[q].name : "?";
}

const char *svpe_region_name(enum svpe_region r) {
    return r < SVPE_REGION_COUNT ? regions[r].name : "?";
}

const char *svpe_buffer_name(enum svpe_buffer b) {
    return b < SVPE_BUFFER_COUNT ? buffers[b].name : "?";
}

int64_t svpe_get(const struct svpe_insn *i, enum svpe_field f) {
    assert(fields[f].format == ops[i->op].format);
    return i->field[fields[f].position];
}

void svpe_set(struct svpe_insn *i, enum svpe_field f, int64_t v) {
    assert(fields[f].format == ops[i->op].format);
    i->field[fields[f].position] = v;
    if (f == SVPE_SYNC_queue && v >= 0 && v < SVPE_QUEUE_COUNT) i->queue = (enum svpe_queue)v;
}

struct svpe_insn svpe_insn_new(enum svpe_op op, int layer) {
    assert(op < SVPE_OP_COUNT && layer >= 0 && layer <= UINT16_MAX);
    struct svpe_insn i = {.op = op, .layer = (uint16_t)layer, .queue = ops[op].queue};
    for (int n = 0; n < svpe_field_count(ops[op].format); n++) {
        int min = fields[format_first[ops[op].format] + n].min;
        if ((ops[op].uses >> n & 1) && min > 0) i.field[n] = min;
    }
    if (ops[op].format == SVPE_FORMAT_SYNC) svpe_set(&i, SVPE_SYNC_queue, ops[op].queue);
    return i;
}

static void write_formats(struct writer *w) {
    for (int f = 0; f < SVPE_FORMAT_COUNT; f++) {
        write_text(w, "format %s %d\n", formats[f].name, formats[f].bits);
    }
    for (int f = 0; f < SVPE_FIELD_COUNT; f++) {
        const struct svpe_field_info *i = &fields[f];
        write_text(w, "field %d %s %d %d %d %d\n", (int)i->format, i->name, i->low, i->width,
                   i->is_signed, i->min);
    }
}

uint64_t svpe_isa_hash(struct arena *a) {
    struct writer w;
    writer_init(&w, a);
    write_formats(&w);
    for (int i = 0; i < SVPE_QUEUE_COUNT; i++) write_text(&w, "queue %s\n", queues[i].name);
    for (int i = 0; i < SVPE_REGION_COUNT; i++) write_text(&w, "region %s\n", regions[i].name);
    for (int i = 0; i < SVPE_BUFFER_COUNT; i++) write_text(&w, "buffer %s\n", buffers[i].name);
    for (int i = 0; i < SVPE_FORM_COUNT; i++) write_text(&w, "form %s\n", forms[i].name);
    for (int i = 0; i < SVPE_WFMT_COUNT; i++) {
        const struct svpe_wfmt_info *f = &wfmts[i];
        write_text(&w, "wfmt %s %d %d %d %d %d\n", f->name, f->bits, f->magnitude_bits, f->linear,
                   f->least, f->most);
    }
    for (int i = 0; i < SVPE_OP_COUNT; i++) {
        const struct svpe_op_info *op = &ops[i];
        write_text(&w, "insn %s %d %d %d %u\n", op->mnemonic, op->opcode, (int)op->format,
                   (int)op->queue, op->uses);
    }
    return hash64(w.data, w.size);
}
