/* Instruction words: encoding and decoding, generic over the field table. Whether a field's value
 * makes sense on a machine is verify.c's business; here only what the word itself can hold. */
#include "isa/isa.h"

#include <string.h>

enum { WORDS = SVPE_MAX_BYTES / 8 };

/* A word as four 64-bit pieces, lowest bits first. */
struct bits {
    uint64_t w[WORDS];
};

static void put_bits(struct bits *b, int low, int width, uint64_t v) {
    int word = low / 64, at = low % 64;
    b->w[word] |= v << at;
    if (at + width > 64) b->w[word + 1] |= v >> (64 - at);
}

static uint64_t get_bits(const struct bits *b, int low, int width) {
    int word = low / 64, at = low % 64;
    uint64_t v = b->w[word] >> at;
    if (at + width > 64) v |= b->w[word + 1] << (64 - at);
    return v & ((UINT64_C(1) << width) - 1);
}

static void put_field(struct bits *b, enum svpe_field f, int64_t v) {
    const struct svpe_field_info *info = svpe_field_info(f);
    uint64_t mask = (UINT64_C(1) << info->width) - 1;
    put_bits(b, info->low, info->width, (uint64_t)v & mask);
}

static int64_t get_field(const struct bits *b, enum svpe_field f) {
    const struct svpe_field_info *info = svpe_field_info(f);
    int64_t v = (int64_t)get_bits(b, info->low, info->width);
    int64_t sign = INT64_C(1) << (info->width - 1);
    return info->is_signed && (v & sign) ? v - 2 * sign : v;
}

void svpe_field_range(enum svpe_field f, int64_t *min, int64_t *max) {
    const struct svpe_field_info *info = svpe_field_info(f);
    *min = info->min;
    *max = (INT64_C(1) << (info->width - (info->is_signed ? 1 : 0))) - 1;
}

static bool fits(enum svpe_field f, int64_t v) {
    int64_t min, max;
    svpe_field_range(f, &min, &max);
    return v >= min && v <= max;
}

int svpe_insn_bytes(enum svpe_op op) {
    return svpe_format_info(svpe_op_info(op)->format)->bits / 8;
}

/* The fields every word starts with. Returns the name of one that cannot be encoded, or NULL. */
static const char *encode_head(const struct svpe_insn *i, struct bits *b) {
    int64_t own = INT64_C(1) << i->queue;
    if (!fits(SVPE_HEAD_wait, i->wait) || (i->wait & own)) return "wait";
    if (!fits(SVPE_HEAD_post, i->post) || (i->post & own)) return "post";
    put_field(b, SVPE_HEAD_op, svpe_op_info(i->op)->opcode);
    put_field(b, SVPE_HEAD_wait, i->wait);
    put_field(b, SVPE_HEAD_post, i->post);
    put_field(b, SVPE_HEAD_layer, i->layer);
    return NULL;
}

static bool queue_agrees(const struct svpe_insn *i) {
    const struct svpe_op_info *op = svpe_op_info(i->op);
    if (op->format == SVPE_FORMAT_SYNC) return svpe_get(i, SVPE_SYNC_queue) == (int64_t)i->queue;
    return i->queue == op->queue;
}

bool svpe_encode(const struct svpe_insn *i, uint8_t *to, const char **bad) {
    const struct svpe_op_info *op = svpe_op_info(i->op);
    struct bits b = {{0}};
    *bad = queue_agrees(i) ? encode_head(i, &b) : "queue";
    if (*bad) return false;
    enum svpe_field first = svpe_field_first(op->format);
    for (int n = 0; n < svpe_field_count(op->format); n++) {
        enum svpe_field f = (enum svpe_field)((int)first + n);
        bool used = op->uses >> n & 1;
        if (used ? !fits(f, i->field[n]) : i->field[n] != 0) {
            *bad = svpe_field_info(f)->name;
            return false;
        }
        put_field(&b, f, i->field[n]);
    }
    int bytes = svpe_insn_bytes(i->op);
    for (int n = 0; n < bytes; n++) to[n] = (uint8_t)(b.w[n / 8] >> n % 8 * 8);
    return true;
}

static enum svpe_op op_of(uint8_t opcode) {
    int op = 0;
    while (op < SVPE_OP_COUNT && svpe_op_info((enum svpe_op)op)->opcode != opcode) op++;
    return (enum svpe_op)op;
}

/* Moves the named fields out of *b into *i and leaves *b with what no field names. */
static void take_fields(struct bits *b, struct svpe_insn *i, enum svpe_format format) {
    enum svpe_field first = svpe_field_first(format);
    for (int n = 0; n < svpe_field_count(format); n++) {
        enum svpe_field f = (enum svpe_field)((int)first + n);
        int64_t v = get_field(b, f);
        if (format != SVPE_FORMAT_HEAD) i->field[n] = v;
        uint64_t raw = get_bits(b, svpe_field_info(f)->low, svpe_field_info(f)->width);
        struct bits named = {{0}};
        put_bits(&named, svpe_field_info(f)->low, svpe_field_info(f)->width, raw);
        for (int w = 0; w < WORDS; w++) b->w[w] &= ~named.w[w];
    }
}

/* What a word may not say, whatever the machine. */
static const char *word_fault(const struct svpe_insn *i, const struct bits *left) {
    const struct svpe_op_info *op = svpe_op_info(i->op);
    for (int w = 0; w < WORDS; w++) {
        if (left->w[w]) return "a reserved bit is set";
    }
    for (int n = 0; n < svpe_field_count(op->format); n++) {
        const struct svpe_field_info *f =
            svpe_field_info((enum svpe_field)((int)svpe_field_first(op->format) + n));
        bool used = op->uses >> n & 1;
        if (!used && i->field[n]) return "a field the instruction does not use is not zero";
        if (used && i->field[n] < f->min) return f->below;
    }
    if ((i->wait | i->post) >> i->queue & 1) return "waits for or posts to its own queue";
    return NULL;
}

int svpe_decode(const uint8_t *from, size_t left, struct svpe_insn *i, const char **why) {
    *why = "the code ends inside an instruction";
    if (left < 1) return 0;
    enum svpe_op op = op_of(from[0]);
    if (op == SVPE_OP_COUNT) {
        *why = "unknown opcode";
        return 0;
    }
    int bytes = svpe_insn_bytes(op);
    if (left < (size_t)bytes) return 0;
    struct bits b = {{0}};
    for (int n = 0; n < bytes; n++) b.w[n / 8] |= (uint64_t)from[n] << n % 8 * 8;
    *i = svpe_insn_new(op, (int)get_field(&b, SVPE_HEAD_layer));
    i->wait = (uint8_t)get_field(&b, SVPE_HEAD_wait);
    i->post = (uint8_t)get_field(&b, SVPE_HEAD_post);
    take_fields(&b, i, SVPE_FORMAT_HEAD);
    take_fields(&b, i, svpe_op_info(op)->format);
    if (svpe_op_info(op)->format == SVPE_FORMAT_SYNC) {
        i->queue = (enum svpe_queue)svpe_get(i, SVPE_SYNC_queue);
    }
    *why = word_fault(i, &b);
    return *why ? 0 : bytes;
}
