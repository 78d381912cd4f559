/* A device of any small target with random memory, and random instructions that fit it: for
 * tests of the emulator. */
#ifndef NBQ_TESTS_UNIT_RUNTIME_RIG_H
#define NBQ_TESTS_UNIT_RUNTIME_RIG_H

#include "test.h"

#include "runtime/emulator.h"

enum {
    RIG_REGION_BYTES = 16384,
    RIG_SHAPES = 8,
    RIG_HALF = 2560 /* vectors */,
    RIG_WEIGHT_BYTES = 1 << 17
};

struct rig {
    struct ctx ctx;
    struct arena *arena;
    struct svpe_target target;
    struct svpe_program program;
    struct rt_image image;
    struct rt_emulator *e;
    struct rng rng;
    int V, E, G, A;
};

/* Lanes, elements, gather, activation bits, accumulator bits, element kind: E below, at and
 * above V and the kernels' group of 16; shifts and multipliers. */
static const int rig_shapes[RIG_SHAPES][6] = {
    {8, 4, 4, 8, 48, SVPE_ELEMENT_SHIFT},    {8, 4, 4, 16, 48, SVPE_ELEMENT_SHIFT},
    {16, 16, 4, 8, 32, SVPE_ELEMENT_SHIFT},  {4, 32, 2, 8, 32, SVPE_ELEMENT_SHIFT},
    {16, 8, 3, 16, 48, SVPE_ELEMENT_SHIFT},  {2, 2, 1, 8, 32, SVPE_ELEMENT_SHIFT},
    {8, 8, 4, 8, 32, SVPE_ELEMENT_MULTIPLY}, {4, 16, 2, 16, 48, SVPE_ELEMENT_MULTIPLY},
};

static inline int64_t rig_below(struct rig *r, int64_t n) {
    return (int64_t)rng_below(&r->rng, (uint32_t)n);
}

static inline int64_t rig_between(struct rig *r, int64_t low, int64_t high) {
    return low + rig_below(r, high - low + 1);
}

static inline void rig_target(struct rig *r, const int shape[6]) {
    r->V = shape[0];
    r->E = shape[1];
    r->G = shape[2];
    r->A = shape[3];
    r->target = (struct svpe_target){.name = "rig",
                                     .element = shape[5],
                                     .lanes = r->V,
                                     .elements = r->E,
                                     .columns = 2,
                                     .gather = r->G,
                                     .vector_lanes = r->V,
                                     .table_lanes = 1,
                                     .act8 = 1,
                                     .act16 = 1,
                                     .weight_bits = shape[5] == SVPE_ELEMENT_SHIFT ? 5 : 16,
                                     .acc_bits = shape[4],
                                     .requant_mul = 1,
                                     .act_bytes = 2 * RIG_HALF * r->V * r->A / 8,
                                     .wgt_bytes = RIG_WEIGHT_BYTES,
                                     .acc_bytes = 512 * r->E * shape[4] / 8,
                                     .par_bytes = 8192,
                                     .act_banks = 4,
                                     .dram_bytes = 8,
                                     .dram_latency = 1,
                                     .mhz = 100,
                                     .tokens = 3};
}

static inline void rig_random_bytes(struct rig *r, uint8_t *to, size_t size) {
    for (size_t n = 0; n < size; n++) to[n] = (uint8_t)rng_next(&r->rng);
}

/* Random accumulators, often near the ends of their range. */
static inline int64_t rig_accumulator(struct rig *r) {
    int bits = (int)r->target.acc_bits;
    int64_t high = (INT64_C(1) << (bits - 1)) - 1, v = (int64_t)(rng_next(&r->rng) >> (64 - bits));
    if (v > high) v -= 2 * (high + 1);
    switch (rig_below(r, 8)) {
    case 0:
        return high - rig_below(r, 3);
    case 1:
        return -high - 1 + rig_below(r, 3);
    case 2:
    case 3:
    case 4:
        return v >> (bits - 14);
    default:
        return v;
    }
}

/* Bytes that are good weight codes: a P4 or P8 code's negative zero is the one byte pattern
 * avoided. */
static inline void rig_random_codes(struct rig *r, uint8_t *to, size_t size, enum svpe_wfmt f) {
    int bits = svpe_wfmt_info(f)->bits, value;
    for (size_t n = 0; n < size; n++) {
        unsigned byte = 0;
        for (int at = 0; at < 8 && bits <= 8; at += bits) {
            unsigned code;
            do code = (unsigned)rng_below(&r->rng, 1u << bits);
            while (!svpe_wvalue(f, code, &value));
            byte |= code << at;
        }
        to[n] = bits > 8 ? (uint8_t)rng_next(&r->rng) : (uint8_t)byte;
    }
}

static inline void rig_fill(struct rig *r) {
    struct rt_emulator *e = r->e;
    rig_random_bytes(r, e->act, e->act_size);
    rig_random_bytes(r, e->wgt, e->wgt_size);
    rig_random_bytes(r, e->par, e->par_size);
    for (size_t n = 0; n < e->acc_size / 8; n++) e->acc[n] = rig_accumulator(r);
    for (int region = 0; region < SVPE_REGION_COUNT; region++)
        rig_random_bytes(r, (uint8_t *)(uintptr_t)e->source[region], RIG_REGION_BYTES);
}

/* insns: those the emulator's scratch memory is made for. */
static inline void rig_open(struct rig *r, struct svpe_insn *insns, int count) {
    r->image = (struct rt_image){.program = &r->program, .insns = insns, .insn_count = count};
    r->image.machine = (struct svpe_machine){.target = &r->target, .act_bits = r->A};
    for (int n = 0; n < SVPE_REGION_COUNT; n++) r->image.machine.region_bytes[n] = RIG_REGION_BYTES;
    r->program = (struct svpe_program){.name = "rig", .target = &r->target, .act_bits = r->A};
    r->program.weights = arena_alloc(r->arena, RIG_REGION_BYTES);
    r->program.params = arena_alloc(r->arena, RIG_REGION_BYTES);
    r->e = (struct rt_emulator *)rt_emulator_ops.open(&r->ctx, r->arena, &r->image);
}

/* ---- Random instructions ---- */

static inline bool rig_uses(const struct svpe_insn *i, enum svpe_field f) {
    return svpe_op_info(i->op)->uses >> svpe_field_info(f)->position & 1;
}

/* Unused fields stay zero. */
static inline void rig_set(struct svpe_insn *i, enum svpe_field f, int64_t low, int64_t high,
                           struct rig *r) {
    if (rig_uses(i, f)) svpe_set(i, f, rig_between(r, low, high));
}

/* A tile of nb × rows × cols vectors somewhere in one half of the activation buffer. */
static inline void rig_tile(struct rig *r, struct svpe_insn *i, int side, enum svpe_field at,
                            enum svpe_field block, enum svpe_field row, int64_t nb, int64_t rows,
                            int64_t cols) {
    int64_t pitch = cols + rig_below(r, 3), step = rows * pitch + rig_below(r, 4);
    int64_t room = RIG_HALF - ((nb - 1) * step + (rows - 1) * pitch + cols);
    assert_true(room >= 0);
    svpe_set(i, at, side * RIG_HALF + rig_below(r, room + 1));
    svpe_set(i, block, step);
    svpe_set(i, row, pitch);
}

static inline void rig_clamp(struct rig *r, struct svpe_insn *i, enum svpe_field lo,
                             enum svpe_field hi) {
    int64_t half = INT64_C(1) << (r->A - 1);
    bool narrow = rig_below(r, 2);
    if (!rig_uses(i, lo)) return;
    svpe_set(i, lo, narrow ? -rig_below(r, half) : -half);
    svpe_set(i, hi, narrow ? rig_below(r, half) : half - 1);
}

static inline void rig_line(struct rig *r, struct svpe_insn *i) {
    int64_t count = rig_between(r, 1, 60);
    svpe_set(i, SVPE_LINE_region, i->op == SVPE_LDW ? SVPE_REGION_WGT : SVPE_REGION_PAR);
    svpe_set(i, SVPE_LINE_count, count);
    svpe_set(i, SVPE_LINE_src, 8 * rig_below(r, RIG_REGION_BYTES / 8 - count + 1));
    svpe_set(i, SVPE_LINE_dst, rig_below(r, 8192 / 8 - count + 1));
}

static inline int rig_log2(int64_t n) {
    int log = 0;
    while (n >> (log + 1)) log++;
    return log;
}

static inline void rig_load_tile(struct rig *r, struct svpe_insn *i) {
    int64_t nb = rig_between(r, 1, 3), nr = rig_between(r, 1, 4), nc = rig_between(r, 1, 5);
    int64_t px = rig_below(r, rig_log2(r->V) + 1), element = r->A / 8;
    int64_t sr = ((nc << px) + rig_below(r, 5)) * element, sb = nr * sr + rig_below(r, 5) * element;
    svpe_set(i, SVPE_TILE_region, SVPE_REGION_IN);
    svpe_set(i, SVPE_TILE_nb, nb);
    svpe_set(i, SVPE_TILE_nr, nr);
    svpe_set(i, SVPE_TILE_nc, nc);
    svpe_set(i, SVPE_TILE_px, px);
    svpe_set(i, SVPE_TILE_sr, sr);
    svpe_set(i, SVPE_TILE_sb, sb);
    int64_t end = (nb - 1) * sb + (nr - 1) * sr + (nc << px) * element;
    svpe_set(i, SVPE_TILE_src, rig_below(r, (RIG_REGION_BYTES - end) / element + 1) * element);
    rig_set(i, SVPE_TILE_pt, 0, 2, r);
    rig_set(i, SVPE_TILE_pb, 0, 2, r);
    rig_set(i, SVPE_TILE_pl, 0, 2, r);
    rig_set(i, SVPE_TILE_pr, 0, 2, r);
    svpe_set(i, SVPE_TILE_pad, rig_between(r, -(1 << (r->A - 1)), (1 << (r->A - 1)) - 1));
    rig_tile(r, i, 0, SVPE_TILE_dst, SVPE_TILE_db, SVPE_TILE_dr, nb, nr + 4, nc + 4);
}

static inline void rig_store_tile(struct rig *r, struct svpe_insn *i) {
    int64_t nb = rig_between(r, 1, 3), nr = rig_between(r, 1, 4), nc = rig_between(r, 1, 5);
    int64_t element = r->A / 8, from = rig_below(r, r->V), lanes = rig_between(r, 1, r->V - from);
    int64_t sc = rig_between(r, 1, 3), wide = nc * sc * r->V;
    int64_t sr = (wide + rig_below(r, 5)) * element, sb = nr * sr + rig_below(r, 5) * element;
    svpe_set(i, SVPE_BACK_sc, sc);
    svpe_set(i, SVPE_BACK_region, rig_below(r, 2) ? SVPE_REGION_OUT : SVPE_REGION_WORK);
    svpe_set(i, SVPE_BACK_nb, nb);
    svpe_set(i, SVPE_BACK_nr, nr);
    svpe_set(i, SVPE_BACK_nc, nc);
    svpe_set(i, SVPE_BACK_sr, sr);
    svpe_set(i, SVPE_BACK_sb, sb);
    svpe_set(i, SVPE_BACK_from, from);
    svpe_set(i, SVPE_BACK_lanes, lanes);
    int64_t end = (nb - 1) * sb + (nr - 1) * sr + wide * element;
    svpe_set(i, SVPE_BACK_dst, rig_below(r, (RIG_REGION_BYTES - end) / element + 1) * element);
    rig_tile(r, i, 1, SVPE_BACK_src, SVPE_BACK_db, SVPE_BACK_dr, nb, nr, nc);
}

/* Weight blocks of one kernel row, by the meaning of the forms. */
static inline int64_t rig_inner(const struct rig *r, const struct svpe_insn *i) {
    int64_t kw = svpe_get(i, SVPE_CONV_kw), form = svpe_get(i, SVPE_CONV_form);
    int64_t taps = form == SVPE_FORM_STEM ? r->V >> svpe_get(i, SVPE_CONV_px) : r->G;
    if (form == SVPE_FORM_STEM || form == SVPE_FORM_DEPTHWISE) return (kw + taps - 1) / taps;
    return kw * svpe_get(i, SVPE_CONV_ib);
}

static inline void rig_conv_source(struct rig *r, struct svpe_insn *i) {
    int64_t form = svpe_get(i, SVPE_CONV_form), channels = svpe_get(i, SVPE_CONV_ob) * r->E;
    int64_t blocks =
        form == SVPE_FORM_DEPTHWISE ? (channels + r->V - 1) / r->V : svpe_get(i, SVPE_CONV_ib);
    int64_t rows = (svpe_get(i, SVPE_CONV_rows) - 1) * svpe_get(i, SVPE_CONV_sy) +
                   (svpe_get(i, SVPE_CONV_kh) - 1) * svpe_get(i, SVPE_CONV_dy) + 1;
    int64_t cols = (svpe_get(i, SVPE_CONV_cols) - 1) * svpe_get(i, SVPE_CONV_sx) +
                   (svpe_get(i, SVPE_CONV_kw) - 1) * svpe_get(i, SVPE_CONV_dx) + 1;
    rig_tile(r, i, 0, SVPE_CONV_src, SVPE_CONV_db, SVPE_CONV_dr, blocks, rows, cols);
    if (blocks == 1 && form != SVPE_FORM_DENSE && form != SVPE_FORM_FC)
        svpe_set(i, SVPE_CONV_db, 0);
}

static inline void rig_conv(struct rig *r, struct svpe_insn *i) {
    int64_t form = rig_below(r, SVPE_FORM_COUNT);
    bool stem = form == SVPE_FORM_STEM, many = form == SVPE_FORM_DENSE || form == SVPE_FORM_FC;
    svpe_set(i, SVPE_CONV_form, form);
    if (r->target.element == SVPE_ELEMENT_SHIFT)
        rig_set(i, SVPE_CONV_wfmt, SVPE_WFMT_P2, SVPE_WFMT_P8, r);
    else
        rig_set(i, SVPE_CONV_wfmt, SVPE_WFMT_I8, SVPE_WFMT_I16, r);
    rig_set(i, SVPE_CONV_two, 0, 1, r);
    if (svpe_get(i, SVPE_CONV_two))
        rig_set(i, SVPE_CONV_tshift, 0, 7, r);
    else
        rig_set(i, SVPE_CONV_more, 0, 1, r);
    rig_set(i, SVPE_CONV_rows, 1, 4, r);
    rig_set(i, SVPE_CONV_cols, 1, 6, r);
    rig_set(i, SVPE_CONV_kh, 1, 3, r);
    rig_set(i, SVPE_CONV_kw, 1, 5, r);
    svpe_set(i, SVPE_CONV_ib, many ? rig_between(r, 1, 3) : 1);
    rig_set(i, SVPE_CONV_ob, 1, r->E > r->V ? 1 : 3, r);
    rig_set(i, SVPE_CONV_sy, 1, 2, r);
    rig_set(i, SVPE_CONV_sx, 1, 3, r);
    rig_set(i, SVPE_CONV_dy, 1, 2, r);
    svpe_set(i, SVPE_CONV_dx, stem ? 1 : rig_between(r, 1, 2));
    if (stem) rig_set(i, SVPE_CONV_px, 0, rig_log2(r->V), r);
    if (form == SVPE_FORM_FC) { /* one pixel, one tap */
        svpe_set(i, SVPE_CONV_rows, 1);
        svpe_set(i, SVPE_CONV_cols, 1);
    }
    rig_conv_source(r, i);
    int64_t entries =
        svpe_get(i, SVPE_CONV_ob) * svpe_get(i, SVPE_CONV_rows) * svpe_get(i, SVPE_CONV_cols);
    svpe_set(i, SVPE_CONV_acc, rig_below(r, 512 - entries + 1));
    int64_t blocks = svpe_get(i, SVPE_CONV_ob) * (svpe_get(i, SVPE_CONV_two) + 1) *
                     svpe_get(i, SVPE_CONV_kh) * rig_inner(r, i);
    int64_t dwords =
        blocks *
        (int64_t)svpe_block_bytes(&r->target, (enum svpe_wfmt)svpe_get(i, SVPE_CONV_wfmt)) / 8;
    assert_true(dwords <= RIG_WEIGHT_BYTES / 8);
    svpe_set(i, SVPE_CONV_wgt, rig_below(r, RIG_WEIGHT_BYTES / 8 - dwords + 1));
}

static inline void rig_requantize(struct rig *r, struct svpe_insn *i) {
    int64_t nb = rig_between(r, 1, 3), rows = rig_between(r, 1, 4), cols = rig_between(r, 1, 5);
    int64_t blocks = (nb * r->V + r->E - 1) / r->E;
    if (blocks * rows * cols > 512) rows = cols = 2;
    svpe_set(i, SVPE_REQ_acc, rig_below(r, 512 - blocks * rows * cols + 1));
    svpe_set(i, SVPE_REQ_par, rig_below(r, 1024 - nb * r->V + 1));
    svpe_set(i, SVPE_REQ_nb, nb);
    svpe_set(i, SVPE_REQ_rows, rows);
    svpe_set(i, SVPE_REQ_cols, cols);
    rig_tile(r, i, 0, SVPE_REQ_dst, SVPE_REQ_ddb, SVPE_REQ_ddr, nb, rows, cols);
    rig_set(i, SVPE_REQ_zo, 0, 1, r);
    rig_set(i, SVPE_REQ_mul, 0, 1, r);
    rig_clamp(r, i, SVPE_REQ_lo, SVPE_REQ_hi);
    if (rig_below(r, 2)) return;
    svpe_set(i, SVPE_REQ_res, 1);
    rig_tile(r, i, 1, SVPE_REQ_b, SVPE_REQ_bdb, SVPE_REQ_bdr, nb, rows, cols);
    rig_set(i, SVPE_REQ_zb, 0, 1, r);
    rig_set(i, rig_below(r, 2) ? SVPE_REQ_p : SVPE_REQ_q, 0, 15, r);
    rig_set(i, SVPE_REQ_s, 0, rig_below(r, 2) ? 31 : 6, r);
}

static inline void rig_pair(struct rig *r, struct svpe_insn *i) {
    int64_t nb = rig_between(r, 1, 3), rows = rig_between(r, 1, 4), cols = rig_between(r, 1, 5);
    bool broadcast = rig_below(r, 2);
    svpe_set(i, SVPE_PAIR_nb, nb);
    svpe_set(i, SVPE_PAIR_rows, rows);
    svpe_set(i, SVPE_PAIR_cols, cols);
    rig_tile(r, i, 1, SVPE_PAIR_a, SVPE_PAIR_adb, SVPE_PAIR_adr, nb, rows, cols);
    rig_tile(r, i, 1, SVPE_PAIR_b, SVPE_PAIR_bdb, SVPE_PAIR_bdr, nb, broadcast ? 1 : rows,
             broadcast ? 1 : cols);
    if (broadcast) svpe_set(i, SVPE_PAIR_bdr, 0);
    rig_tile(r, i, 0, SVPE_PAIR_dst, SVPE_PAIR_ddb, SVPE_PAIR_ddr, nb, rows, cols);
    svpe_set(i, SVPE_PAIR_bcast, broadcast);
    rig_set(i, rig_below(r, 2) ? SVPE_PAIR_p : SVPE_PAIR_q, 0, 15, r);
    rig_set(i, SVPE_PAIR_s, 0, rig_below(r, 2) ? 31 : 8, r);
    rig_set(i, SVPE_PAIR_za, 0, 1, r);
    rig_set(i, SVPE_PAIR_zb, 0, 1, r);
    rig_set(i, SVPE_PAIR_zo, 0, 1, r);
    rig_clamp(r, i, SVPE_PAIR_lo, SVPE_PAIR_hi);
}

static inline void rig_map(struct rig *r, struct svpe_insn *i) {
    int64_t nb = rig_between(r, 1, 3), rows = rig_between(r, 1, 4), cols = rig_between(r, 1, 5);
    svpe_set(i, SVPE_MAP_nb, nb);
    svpe_set(i, SVPE_MAP_rows, rows);
    svpe_set(i, SVPE_MAP_cols, cols);
    rig_set(i, SVPE_MAP_ny, 1, 3, r);
    rig_set(i, SVPE_MAP_nx, 1, 3, r);
    rig_set(i, SVPE_MAP_ry, 1, 3, r);
    rig_set(i, SVPE_MAP_rx, 1, 3, r);
    rig_tile(r, i, 1, SVPE_MAP_a, SVPE_MAP_adb, SVPE_MAP_adr, nb,
             (rows - 1) / svpe_get(i, SVPE_MAP_ry) * svpe_get(i, SVPE_MAP_ny) + 1,
             (cols - 1) / svpe_get(i, SVPE_MAP_rx) * svpe_get(i, SVPE_MAP_nx) + 1);
    rig_tile(r, i, 0, SVPE_MAP_dst, SVPE_MAP_ddb, SVPE_MAP_ddr, nb, rows, cols);
    rig_set(i, SVPE_MAP_par, 0, 1024 - 128 - 1, r);
    rig_set(i, SVPE_MAP_za, 0, 1, r);
    rig_set(i, SVPE_MAP_zo, 0, 1, r);
    rig_clamp(r, i, SVPE_MAP_lo, SVPE_MAP_hi);
    rig_set(i, SVPE_MAP_p, 0, 15, r);
    rig_set(i, SVPE_MAP_s, 0, 31, r);
}

static inline void rig_border(struct rig *r, struct svpe_insn *i) {
    int64_t kh = svpe_get(i, SVPE_WIN_kh), kw = svpe_get(i, SVPE_WIN_kw);
    int64_t last_y = (svpe_get(i, SVPE_WIN_rows) - 1) * svpe_get(i, SVPE_WIN_sy);
    int64_t last_x = (svpe_get(i, SVPE_WIN_cols) - 1) * svpe_get(i, SVPE_WIN_sx);
    int64_t pt = rig_below(r, kh), pl = rig_below(r, kw);
    svpe_set(i, SVPE_WIN_border, 1);
    svpe_set(i, SVPE_WIN_pt, pt);
    svpe_set(i, SVPE_WIN_pl, pl);
    svpe_set(i, SVPE_WIN_ih, rig_between(r, last_y > pt ? last_y - pt + 1 : 1, last_y + kh));
    svpe_set(i, SVPE_WIN_iw, rig_between(r, last_x > pl ? last_x - pl + 1 : 1, last_x + kw));
    svpe_set(i, SVPE_WIN_par, rig_below(r, 1024 - 8));
}

static inline void rig_window(struct rig *r, struct svpe_insn *i) {
    int64_t nb = rig_between(r, 1, 3), rows = rig_between(r, 1, 4), cols = rig_between(r, 1, 5);
    svpe_set(i, SVPE_WIN_nb, nb);
    svpe_set(i, SVPE_WIN_rows, rows);
    svpe_set(i, SVPE_WIN_cols, cols);
    rig_set(i, SVPE_WIN_kh, 1, 4, r);
    rig_set(i, SVPE_WIN_kw, 1, 4, r);
    rig_set(i, SVPE_WIN_sy, 1, 3, r);
    rig_set(i, SVPE_WIN_sx, 1, 5, r);
    rig_tile(r, i, 1, SVPE_WIN_a, SVPE_WIN_adb, SVPE_WIN_adr, nb,
             (rows - 1) * svpe_get(i, SVPE_WIN_sy) + svpe_get(i, SVPE_WIN_kh),
             (cols - 1) * svpe_get(i, SVPE_WIN_sx) + svpe_get(i, SVPE_WIN_kw));
    rig_tile(r, i, 0, SVPE_WIN_dst, SVPE_WIN_ddb, SVPE_WIN_ddr, nb, rows, cols);
    rig_set(i, SVPE_WIN_za, 0, 1, r);
    rig_set(i, SVPE_WIN_zo, 0, 1, r);
    rig_set(i, SVPE_WIN_s, 0, 31, r);
    if (rig_uses(i, SVPE_WIN_border) && rig_below(r, 2))
        rig_border(r, i);
    else
        rig_set(i, SVPE_WIN_mult, -32768, 32767, r);
}

typedef void rig_make_fn(struct rig *r, struct svpe_insn *i);
static rig_make_fn *const rig_makers[SVPE_FORMAT_COUNT] = {
    [SVPE_FORMAT_LINE] = rig_line,       [SVPE_FORMAT_TILE] = rig_load_tile,
    [SVPE_FORMAT_BACK] = rig_store_tile, [SVPE_FORMAT_CONV] = rig_conv,
    [SVPE_FORMAT_REQ] = rig_requantize,  [SVPE_FORMAT_PAIR] = rig_pair,
    [SVPE_FORMAT_MAP] = rig_map,         [SVPE_FORMAT_WIN] = rig_window,
};

static inline struct svpe_insn rig_insn(struct rig *r, enum svpe_op op) {
    struct svpe_insn i = svpe_insn_new(op, 0);
    rig_make_fn *make = rig_makers[svpe_op_info(op)->format];
    if (make) make(r, &i);
    return i;
}

/* Parameters and weights that the instruction may find: shifts in range, codes of its format. */
static inline void rig_prepare(struct rig *r, const struct svpe_insn *i) {
    struct rt_emulator *e = r->e;
    rig_fill(r);
    const struct svpe_op_info *op = svpe_op_info(i->op);
    bool wide = i->op == SVPE_REQ && svpe_get(i, SVPE_REQ_mul);
    if (op->param.known && op->param.kind == SVPE_PARAM_CHANNELS)
        for (size_t n = 0; n < e->par_size; n += 8) {
            e->par[n + 6] = (uint8_t)rig_below(r, rig_below(r, 2) ? 8 : wide ? 63 : 32);
            e->par[n + 7] = 0;
        }
    if (op->param.known && op->param.kind == SVPE_PARAM_TABLE && r->A == 8)
        for (size_t n = 0; n < e->par_size; n += 2) e->par[n + 1] = e->par[n] & 128 ? 255 : 0;
    if (i->op == SVPE_CONV)
        rig_random_codes(r, e->wgt, e->wgt_size, (enum svpe_wfmt)svpe_get(i, SVPE_CONV_wfmt));
}

#endif
