/* Proof of what the on-chip weight and parameter buffers will hold. Both are filled from read-only
 * regions only, so that following the loads in the stream's order gives their exact contents before
 * anything runs.
 *
 * Not here: whether addresses are inside (verify.c in isa/, and the loader) and whether another
 * order of the queues could bring other contents (nbq_check: that would be a race). */
#include "runtime/runtime.h"

#include <string.h>

_Static_assert(1 + SVPE_WFMT_COUNT <= 8, "wgt_loaded has a bit for each format");

struct replay {
    struct ctx *c;
    struct arena *a;
    const char *file;
    const struct rt_image *image;
    const struct svpe_target *target;
    int insn;
    uint8_t *wgt, *par; /* the buffers */
    uint8_t *wgt_loaded,
        *par_loaded; /* per dword; of wgt also bit 1 + f: every code is good in format f */
    size_t wgt_dwords, par_dwords;
    bool good_byte[SVPE_WFMT_COUNT][256];
};

static const char *where(const struct replay *r) {
    return rt_insn_where(r->a, r->file, r->image, r->insn);
}

/* ---- Loads ---- */

/* svpe_verify_insn() lets ld.wgt read region wgt only, and ld.par region par. */
static bool load(const struct svpe_insn *i, const uint8_t *section, uint8_t *buffer,
                 uint8_t *loaded) {
    size_t dst = (size_t)svpe_get(i, SVPE_LINE_dst), count = (size_t)svpe_get(i, SVPE_LINE_count);
    memcpy(buffer + dst * 8, section + svpe_get(i, SVPE_LINE_src), count * 8);
    memset(loaded + dst, 1, count);
    return true;
}

static bool load_weights(struct replay *r, const struct svpe_insn *i) {
    return load(i, r->image->program->weights, r->wgt, r->wgt_loaded);
}

static bool load_params(struct replay *r, const struct svpe_insn *i) {
    return load(i, r->image->program->params, r->par, r->par_loaded);
}

/* ---- Weights ---- */

/* A byte holds whole codes, or half a code of a format that takes every value. */
static void mark_good_bytes(struct replay *r) {
    for (int f = 0; f < SVPE_WFMT_COUNT; f++) {
        int bits = svpe_wfmt_info((enum svpe_wfmt)f)->bits, value;
        for (unsigned byte = 0; byte < 256; byte++) {
            bool good = true;
            for (int at = 0; bits <= 8 && at < 8; at += bits)
                good &= svpe_wvalue((enum svpe_wfmt)f, byte >> at & ((1u << bits) - 1), &value);
            r->good_byte[f][byte] = good;
        }
    }
}

static bool check_codes(struct replay *r, enum svpe_wfmt f, size_t dword) {
    size_t bytes = (size_t)(r->target->lanes * r->target->elements * svpe_wfmt_info(f)->bits / 8);
    const uint8_t *at = r->wgt + dword * 8;
    for (size_t n = 0; n < 8 && n < bytes; n++)
        if (!r->good_byte[f][at[n]]) {
            diag(r->c, rt_weight_code, where(r), at[n], (uint64_t)dword, svpe_wfmt_info(f)->name);
            return false;
        }
    r->wgt_loaded[dword] |= (uint8_t)(2u << f);
    return true;
}

static bool check_conv(struct replay *r, const struct svpe_insn *i) {
    enum svpe_wfmt f = (enum svpe_wfmt)svpe_get(i, SVPE_CONV_wfmt);
    size_t from = (size_t)svpe_get(i, SVPE_CONV_wgt);
    size_t to =
        from + (size_t)svpe_conv_blocks(r->target, i) * (svpe_block_bytes(r->target, f) / 8);
    for (size_t d = from; d < to && d < r->wgt_dwords; d++)
        if (!(r->wgt_loaded[d] & 2u << f) && !check_codes(r, f, d)) return false;
    return true;
}

/* ---- Parameters and tables ---- */

static bool check_channels(struct replay *r, size_t from, size_t channels, int max_shift) {
    for (size_t n = 0; n < channels && from + n < r->par_dwords; n++) {
        const uint8_t *p = r->par + (from + n) * 8;
        if (p[6] > max_shift) {
            diag(r->c, rt_channel_shift, where(r), (int)n, p[6], max_shift);
            return false;
        }
        if (p[7] != 0) {
            diag(r->c, rt_channel_reserved, where(r), (int)n, p[7]);
            return false;
        }
    }
    return true;
}

/* A product may be shifted further than a sum. */
static int most_shift(const struct svpe_insn *i) {
    return i->op == SVPE_REQ && svpe_get(i, SVPE_REQ_mul) ? 62 : 31;
}

static bool check_table(struct replay *r, size_t from) {
    if (r->image->machine.act_bits != 8) return true;
    for (int n = 0; n < 256; n++) {
        const uint8_t *p = r->par + from * 8 + 2 * n;
        int value = (int16_t)(p[0] | p[1] << 8);
        if (value < INT8_MIN || value > INT8_MAX) {
            diag(r->c, rt_table_value, where(r), n, value, INT8_MIN, INT8_MAX);
            return false;
        }
    }
    return true;
}

/* Of the vector unit. Factors of windows may be anything. */
static bool check_params(struct replay *r, const struct svpe_insn *i) {
    const struct svpe_op_info *op = svpe_op_info(i->op);
    if (!op->param.known) return true;
    size_t from = (size_t)svpe_get(i, op->param.at);
    if (op->param.kind == SVPE_PARAM_TABLE) return check_table(r, from);
    if (op->param.kind != SVPE_PARAM_CHANNELS) return true;
    int64_t nb = svpe_get(i, svpe_vector_info(op->format)->nb);
    return check_channels(r, from, (size_t)(nb * r->target->lanes), most_shift(i));
}

/* ---- The stream ---- */

struct look {
    const struct replay *replay;
    bool bad;
};

static void check_loaded(void *user, const struct svpe_range *range) {
    struct look *l = user;
    const struct replay *r = l->replay;
    bool wgt = range->space == SVPE_BUFFER_WGT;
    if (l->bad || range->write || (!wgt && range->space != SVPE_BUFFER_PAR)) return;
    const uint8_t *loaded = wgt ? r->wgt_loaded : r->par_loaded;
    for (uint64_t j = 0; j < range->count2 && !l->bad; j++)
        for (uint64_t i = 0; i < range->count1 && !l->bad; i++) {
            uint64_t at = range->first + i * range->step1 + j * range->step2;
            uint64_t from = at / 8, end = (at + range->bytes + 7) / 8;
            const uint8_t *hole = memchr(loaded + from, 0, end - from);
            if (!hole) continue;
            diag(r->c, rt_not_loaded, where(r), (uint64_t)(hole - loaded),
                 svpe_buffer_name((enum svpe_buffer)range->space));
            l->bad = true;
        }
}

static bool reads_what_is_loaded(const struct replay *r, const struct svpe_insn *i) {
    struct look l = {r, false};
    svpe_footprint(&r->image->machine, i, check_loaded, &l);
    return !l.bad;
}

typedef bool check_fn(struct replay *r, const struct svpe_insn *i);

static check_fn *const checks[SVPE_OP_COUNT] = {
    [SVPE_LDW] = load_weights, [SVPE_LDP] = load_params, [SVPE_CONV] = check_conv};

static bool replay_segment(struct replay *r, int segment) {
    memset(r->wgt_loaded, 0, r->wgt_dwords);
    memset(r->par_loaded, 0, r->par_dwords);
    for (r->insn = r->image->segment_first[segment]; r->insn < r->image->segment_first[segment + 1];
         r->insn++) {
        const struct svpe_insn *i = &r->image->insns[r->insn];
        if (!reads_what_is_loaded(r, i)) return false;
        if (checks[i->op] && !checks[i->op](r, i)) return false;
        if (!check_params(r, i)) return false;
    }
    return true;
}

bool rt_check_contents(struct ctx *c, struct arena *a, const char *file,
                       const struct rt_image *image) {
    struct arena *own = arena_new(c);
    const struct svpe_target *t = image->machine.target;
    struct replay *r = arena_alloc(own, sizeof *r);
    *r = (struct replay){.c = c, .a = a, .file = file, .image = image, .target = t};
    r->wgt_dwords = (size_t)svpe_wgt_dwords(t);
    r->par_dwords = (size_t)svpe_par_dwords(t);
    r->wgt = arena_array(own, r->wgt_dwords, 8);
    r->par = arena_array(own, r->par_dwords, 8);
    r->wgt_loaded = arena_alloc(own, r->wgt_dwords);
    r->par_loaded = arena_alloc(own, r->par_dwords);
    mark_good_bytes(r);
    bool good = true;
    for (int s = 0; s < image->program->segment_count && good; s++) good = replay_segment(r, s);
    arena_free(own);
    return good;
}
