/* conv: the four loop forms of the array, by the meaning isa/svpe.def gives them.
 *
 * For each output block: sums of the whole tile, term by term, weight block by weight block. A
 * weight block is decoded once and transposed to [lane][element]; the operands of a row of pixels
 * are gathered once into plain 32-bit lanes, so that one kernel serves the dense, fully connected
 * and stem forms. The order of additions is free, since an accumulator is a number modulo 2^w. */
#include "runtime/emulator.h"

#include <stdlib.h>
#include <string.h>

struct conv;

/* What differs between the forms. A weight block is numbered [ky][inner]; inner counts
 * [kx][input block] or groups of taps of a kernel row. */
struct form {
    int (*inner)(const struct rt_emulator *e, const struct conv *k);
    /* Operands of output row y under weight block (ky, inner) of output block o: taps[x][lane];
     * depthwise taps[x][tap][element of a padded row]. */
    void (*gather)(const struct rt_emulator *e, const struct conv *k, int o, int ky, int inner,
                   int y);
};

struct conv {
    const struct form *form;
    enum svpe_wfmt wfmt;
    int code_bits;
    int terms, tshift, more;
    size_t src, db, dr, wgt, acc;
    int rows, cols, kh, kw, ib, ob, sy, sx, dy, dx, px;
    int inner; /* weight blocks per kernel row */
    size_t block_bytes;
    int live;       /* groups of elements with a weight that is not zero, in the decoded block */
    uint64_t bound; /* largest Σ |w| of an element of the decoded block */
};

size_t rt_conv_pixels(const struct svpe_insn *i) {
    return (size_t)svpe_get(i, SVPE_CONV_rows) * (size_t)svpe_get(i, SVPE_CONV_cols);
}

/* ---- Operands ---- */

static size_t tap_vector(const struct conv *k, size_t block, int ky, int kx, int y, int x) {
    return k->src + block * k->db + (size_t)(y * k->sy + ky * k->dy) * k->dr +
           (size_t)(x * k->sx + kx * k->dx);
}

static void load_taps(const struct rt_emulator *e, size_t element, int count, uint32_t *to) {
    if (e->act_bytes == 1) {
        const int8_t *from = (const int8_t *)e->act + element;
        for (int n = 0; n < count; n++) to[n] = (uint32_t)from[n];
    } else {
        rt_load_elements(e, element, count, (int32_t *)to);
    }
}

static int dense_inner(const struct rt_emulator *e, const struct conv *k) {
    (void)e;
    return k->kw * k->ib;
}

static void dense_gather(const struct rt_emulator *e, const struct conv *k, int o, int ky,
                         int inner, int y) {
    (void)o;
    int kx = inner / k->ib, block = inner % k->ib;
    size_t V = (size_t)e->lanes, first = tap_vector(k, (size_t)block, ky, kx, y, 0) * V;
    if (k->sx == 1) {
        load_taps(e, first, k->cols * e->lanes, e->taps);
        return;
    }
    for (int x = 0; x < k->cols; x++)
        load_taps(e, first + (size_t)(x * k->sx) * V, e->lanes, e->taps + x * e->lanes);
}

static int stem_taps(const struct rt_emulator *e, const struct conv *k) {
    return e->lanes >> k->px;
}

static int stem_inner(const struct rt_emulator *e, const struct conv *k) {
    int taps = stem_taps(e, k);
    return (k->kw + taps - 1) / taps;
}

static void stem_gather(const struct rt_emulator *e, const struct conv *k, int o, int ky, int inner,
                        int y) {
    (void)o;
    int first = inner * stem_taps(e, k), left = k->kw - first;
    int taps = left < stem_taps(e, k) ? left : stem_taps(e, k);
    size_t row = tap_vector(k, 0, ky, 0, y, 0) * (size_t)e->lanes;
    for (int x = 0; x < k->cols; x++) {
        uint32_t *to = e->taps + x * e->lanes;
        size_t pixel = (size_t)x * (size_t)k->sx + (size_t)first;
        load_taps(e, row + (pixel << k->px), taps << k->px, to);
        for (int v = taps << k->px; v < e->lanes; v++) to[v] = 0;
    }
}

static int depthwise_inner(const struct rt_emulator *e, const struct conv *k) {
    return (k->kw + e->gather - 1) / e->gather;
}

/* Element c is channel o·E + c; where E and V differ, a run of elements ends at the end of
 * either. */
static void depthwise_tap(const struct rt_emulator *e, const struct conv *k, int o, int ky, int kx,
                          int y, int x, uint32_t *to) {
    for (int c = 0; c < e->elements;) {
        size_t channel = (size_t)o * (size_t)e->elements + (size_t)c, V = (size_t)e->lanes;
        size_t vector = tap_vector(k, channel / V, ky, kx, y, x);
        int run = e->lanes - (int)(channel % V);
        if (run > e->elements - c) run = e->elements - c;
        load_taps(e, vector * V + channel % V, run, to + c);
        c += run;
    }
}

static void depthwise_gather(const struct rt_emulator *e, const struct conv *k, int o, int ky,
                             int inner, int y) {
    for (int x = 0; x < k->cols; x++)
        for (int t = 0; t < e->gather; t++) {
            uint32_t *to = e->taps + (x * e->gather + t) * e->stride;
            int kx = inner * e->gather + t;
            if (kx < k->kw)
                depthwise_tap(e, k, o, ky, kx, y, x, to);
            else
                memset(to, 0, (size_t)e->stride * sizeof *to);
        }
}

static const struct form forms[SVPE_FORM_COUNT] = {
    [SVPE_FORM_DENSE] = {dense_inner, dense_gather},
    [SVPE_FORM_DEPTHWISE] = {depthwise_inner, depthwise_gather},
    [SVPE_FORM_STEM] = {stem_inner, stem_gather},
    [SVPE_FORM_FC] = {dense_inner, dense_gather},
};

/* ---- Weights ---- */

static void unpack(const struct rt_emulator *e, const struct conv *k, const uint8_t *from,
                   int count) {
    int16_t *to = e->codes;
    if (k->code_bits == 16) {
        for (int n = 0; n < count; n++) to[n] = (int16_t)(from[2 * n] | from[2 * n + 1] << 8);
        return;
    }
    int per_byte = 8 / k->code_bits;
    for (int n = 0; n < count; n += per_byte, to += per_byte) /* the copy may run RT_CODES over */
        memcpy(to, e->value[k->wfmt][*from++], sizeof e->value[0][0]);
}

/* Element-major codes to weights[lane][element], and what the sums need to know of them. That
 * every code is good was proven by the loader. */
static void decode_block(struct rt_emulator *e, struct conv *k, size_t block) {
    int V = e->lanes, E = e->elements, stride = e->stride, last = -1;
    uint32_t bound = 0;
    unpack(e, k, e->wgt + k->wgt * 8 + block * k->block_bytes, E * V);
    for (int c = 0; c < E; c++) {
        const int16_t *from = e->codes + c * V;
        uint32_t *to = e->weights + c, sum = 0;
        for (int v = 0; v < V; v++) to[v * stride] = (uint32_t)from[v];
        for (int v = 0; v < V; v++) sum += (uint32_t)abs(from[v]);
        if (sum) last = c;
        if (sum > bound) bound = sum;
    }
    k->bound = bound;
    k->live = (last + RT_GROUP) / RT_GROUP;
}

/* ---- Sums ---- */

static void multiply_row(struct rt_emulator *e, const struct conv *k, uint32_t *sums) {
    if (k->form != &forms[SVPE_FORM_DEPTHWISE]) {
        e->mac(sums, e->taps, e->weights, k->cols, e->lanes, e->stride, k->live);
        return;
    }
    for (int x = 0; x < k->cols; x++, sums += e->stride)
        for (int t = 0; t < e->gather; t++) {
            const uint32_t *tap = e->taps + (x * e->gather + t) * e->stride;
            const uint32_t *w = e->weights + t * e->stride;
            for (int c = 0; c < k->live * RT_GROUP; c++) sums[c] += tap[c] * w[c];
        }
}

/* One product at a time in 64 bits: for blocks whose sum may leave 32 bits. */
static void multiply_row_wide(const struct rt_emulator *e, const struct conv *k, uint64_t *sums) {
    bool depthwise = k->form == &forms[SVPE_FORM_DEPTHWISE];
    int taps = depthwise ? e->gather : e->lanes;
    for (int x = 0; x < k->cols; x++)
        for (int t = 0; t < taps; t++)
            for (int c = 0; c < e->elements; c++) {
                size_t at = depthwise ? (size_t)((x * e->gather + t) * e->stride + c)
                                      : (size_t)(x * e->lanes + t);
                int64_t a = (int32_t)e->taps[at], w = (int32_t)e->weights[t * e->stride + c];
                sums[x * e->stride + c] += (uint64_t)(a * w);
            }
}

static void add_row(struct rt_emulator *e, const struct conv *k, int y) {
    size_t row = (size_t)k->cols * (size_t)e->stride;
    if (e->sums32) {
        multiply_row(e, k, e->sums32 + (size_t)y * row);
        return;
    }
    uint64_t *sums = e->sums64 + (size_t)y * row;
    if (k->bound << (e->act_bits - 1) > INT32_MAX) {
        multiply_row_wide(e, k, sums);
        return;
    }
    memset(e->row, 0, row * sizeof *e->row);
    multiply_row(e, k, e->row);
    for (size_t n = 0; n < row; n++) sums[n] += (uint64_t)(int32_t)e->row[n];
}

/* The accumulators of output block o, one pixel after the other. */
static int64_t *entries(const struct rt_emulator *e, const struct conv *k, int o) {
    size_t pixels = (size_t)k->rows * (size_t)k->cols;
    return e->acc + (k->acc + (size_t)o * pixels) * (size_t)e->elements;
}

static void begin_sums(struct rt_emulator *e, const struct conv *k, int o) {
    size_t pixels = (size_t)k->rows * (size_t)k->cols, count = pixels * (size_t)e->stride;
    if (e->sums32) memset(e->sums32, 0, count * sizeof *e->sums32);
    if (e->sums64) memset(e->sums64, 0, count * sizeof *e->sums64);
    if (!k->more) return;
    const int64_t *from = entries(e, k, o);
    for (size_t n = 0; n < pixels; n++)
        for (int c = 0; c < e->elements; c++, from++) {
            size_t at = n * (size_t)e->stride + (size_t)c;
            if (e->sums32) e->sums32[at] = (uint32_t)*from;
            if (e->sums64) e->sums64[at] = (uint64_t)*from;
        }
}

static void shift_sums(struct rt_emulator *e, const struct conv *k) {
    size_t count = (size_t)k->rows * (size_t)k->cols * (size_t)e->stride;
    for (size_t n = 0; n < count; n++) {
        if (e->sums32) e->sums32[n] <<= k->tshift;
        if (e->sums64) e->sums64[n] <<= k->tshift;
    }
}

static int64_t wrap(uint64_t sum, int bits) {
    uint64_t sign = (uint64_t)1 << (bits - 1);
    return (int64_t)(((sum & (2 * sign - 1)) ^ sign) - sign);
}

static void end_sums(struct rt_emulator *e, const struct conv *k, int o) {
    size_t pixels = (size_t)k->rows * (size_t)k->cols;
    int64_t *to = entries(e, k, o);
    for (size_t n = 0; n < pixels; n++)
        for (int c = 0; c < e->elements; c++) {
            size_t at = n * (size_t)e->stride + (size_t)c;
            *to++ = e->sums32 ? (int32_t)e->sums32[at] : wrap(e->sums64[at], e->acc_bits);
        }
}

/* ---- The instruction ---- */

static struct conv conv_of(const struct rt_emulator *e, const struct svpe_insn *i) {
#define GET(name) (int)svpe_get(i, SVPE_CONV_##name)
    struct conv k = {.form = &forms[GET(form)],
                     .wfmt = (enum svpe_wfmt)GET(wfmt),
                     .terms = GET(two) + 1,
                     .tshift = GET(tshift),
                     .more = GET(more),
                     .src = (size_t)GET(src),
                     .db = (size_t)GET(db),
                     .dr = (size_t)GET(dr),
                     .wgt = (size_t)GET(wgt),
                     .acc = (size_t)GET(acc),
                     .rows = GET(rows),
                     .cols = GET(cols),
                     .kh = GET(kh),
                     .kw = GET(kw),
                     .ib = GET(ib),
                     .ob = GET(ob),
                     .sy = GET(sy),
                     .sx = GET(sx),
                     .dy = GET(dy),
                     .dx = GET(dx),
                     .px = GET(px)};
#undef GET
    k.code_bits = svpe_wfmt_info(k.wfmt)->bits;
    k.inner = k.form->inner(e, &k);
    k.block_bytes = svpe_block_bytes(e->image->machine.target, k.wfmt);
    return k;
}

static void add_term(struct rt_emulator *e, struct conv *k, int o, int term) {
    size_t first = ((size_t)o * (size_t)k->terms + (size_t)term) * (size_t)(k->kh * k->inner);
    for (int b = 0; b < k->kh * k->inner; b++) {
        decode_block(e, k, first + (size_t)b);
        if (k->live == 0) continue;
        for (int y = 0; y < k->rows; y++) {
            k->form->gather(e, k, o, b / k->inner, b % k->inner, y);
            add_row(e, k, y);
        }
    }
}

void rt_do_conv(struct rt_emulator *e, const struct svpe_insn *i) {
    struct conv k = conv_of(e, i);
    for (int o = 0; o < k.ob; o++) {
        begin_sums(e, &k, o);
        for (int term = 0; term < k.terms; term++) {
            if (term) shift_sums(e, &k);
            add_term(e, &k, o, term);
        }
        end_sums(e, &k, o);
    }
}
