/* Micro-instructions against plain loops: order, loop indices, vectors read (element by element,
 * each vector once), bank conflicts, cycles; sums of cycles; known figures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "isa/isa.h"

struct scene {
    struct svpe_target target;
    struct svpe_machine machine;
    struct svpe_insn insn;
    struct rng rng;
};

static int64_t pick(struct scene *s, int64_t low, int64_t high) {
    return low + (int64_t)rng_below(&s->rng, (uint32_t)(high - low + 1));
}

#define F(name) svpe_get(&s->insn, SVPE_##name)

struct bound {
    enum svpe_field field;
    int64_t low, high;
};

/* clang-format off */
static const struct bound bounds[] = {
    {SVPE_LINE_count, 1, 400},
    {SVPE_TILE_nb, 1, 4}, {SVPE_TILE_nr, 1, 9}, {SVPE_TILE_nc, 1, 9}, {SVPE_TILE_px, 0, 1},
    {SVPE_TILE_pl, 0, 3}, {SVPE_BACK_nb, 1, 4}, {SVPE_BACK_nr, 1, 9}, {SVPE_BACK_nc, 1, 9},
    {SVPE_BACK_lanes, 1, 2},
    {SVPE_CONV_form, 0, 3}, {SVPE_CONV_two, 0, 1}, {SVPE_CONV_more, 0, 1}, {SVPE_CONV_src, 0, 99},
    {SVPE_CONV_db, 0, 99}, {SVPE_CONV_dr, 0, 30}, {SVPE_CONV_rows, 1, 5}, {SVPE_CONV_cols, 1, 7},
    {SVPE_CONV_kh, 1, 4}, {SVPE_CONV_kw, 1, 7}, {SVPE_CONV_ib, 1, 3}, {SVPE_CONV_ob, 1, 5},
    {SVPE_CONV_sy, 1, 3}, {SVPE_CONV_sx, 1, 4}, {SVPE_CONV_dy, 1, 3}, {SVPE_CONV_dx, 1, 3},
    {SVPE_REQ_nb, 1, 3}, {SVPE_REQ_rows, 1, 5}, {SVPE_REQ_cols, 1, 7}, {SVPE_REQ_dst, 0, 99},
    {SVPE_REQ_ddb, 0, 99}, {SVPE_REQ_ddr, 0, 30}, {SVPE_REQ_res, 0, 1}, {SVPE_REQ_b, 0, 99},
    {SVPE_REQ_bdb, 0, 99}, {SVPE_REQ_bdr, 0, 30},
    {SVPE_PAIR_a, 0, 99}, {SVPE_PAIR_adb, 0, 99}, {SVPE_PAIR_adr, 0, 30}, {SVPE_PAIR_b, 0, 99},
    {SVPE_PAIR_bdb, 0, 99}, {SVPE_PAIR_bdr, 0, 30}, {SVPE_PAIR_dst, 0, 99}, {SVPE_PAIR_ddb, 0, 99},
    {SVPE_PAIR_ddr, 0, 30}, {SVPE_PAIR_nb, 1, 3}, {SVPE_PAIR_rows, 1, 5}, {SVPE_PAIR_cols, 1, 7},
    {SVPE_PAIR_bcast, 0, 1},
    {SVPE_MAP_a, 0, 99}, {SVPE_MAP_adb, 0, 99}, {SVPE_MAP_adr, 0, 30}, {SVPE_MAP_dst, 0, 99},
    {SVPE_MAP_ddb, 0, 99}, {SVPE_MAP_ddr, 0, 30}, {SVPE_MAP_nb, 1, 3}, {SVPE_MAP_rows, 1, 5},
    {SVPE_MAP_cols, 1, 7}, {SVPE_MAP_ny, 1, 3}, {SVPE_MAP_nx, 1, 3}, {SVPE_MAP_ry, 1, 3},
    {SVPE_MAP_rx, 1, 3},
    {SVPE_WIN_a, 0, 99}, {SVPE_WIN_adb, 0, 99}, {SVPE_WIN_adr, 0, 30}, {SVPE_WIN_dst, 0, 99},
    {SVPE_WIN_ddb, 0, 99}, {SVPE_WIN_ddr, 0, 30}, {SVPE_WIN_nb, 1, 3}, {SVPE_WIN_rows, 1, 5},
    {SVPE_WIN_cols, 1, 7}, {SVPE_WIN_kh, 1, 4}, {SVPE_WIN_kw, 1, 4}, {SVPE_WIN_sy, 1, 4},
    {SVPE_WIN_sx, 1, 4}, {SVPE_WIN_pt, 0, 3}, {SVPE_WIN_pl, 0, 3}, {SVPE_WIN_ih, 1, 12},
    {SVPE_WIN_iw, 1, 12},
};
/* clang-format on */

static int log2_of(int64_t v) {
    int n = 0;
    while (v >> (n + 1)) n++;
    return n;
}

static void draw(struct scene *s, enum svpe_op op) {
    static const int banks[] = {1, 2, 3, 4, 8, 16};
    s->target = (struct svpe_target){.name = "test",
                                     .lanes = 1 << pick(s, 1, 4),
                                     .elements = 1 << pick(s, 1, 4),
                                     .columns = pick(s, 1, 9),
                                     .table_lanes = pick(s, 1, 20),
                                     .act_banks = banks[pick(s, 0, 5)],
                                     .dram_bytes = pick(s, 1, 20),
                                     .dram_latency = pick(s, 0, 50)};
    s->target.gather = pick(s, 1, s->target.lanes < 5 ? s->target.lanes : 5);
    s->target.vector_lanes = s->target.lanes * pick(s, 1, 6);
    s->machine = (struct svpe_machine){.target = &s->target, .act_bits = pick(s, 0, 1) ? 8 : 16};
    s->insn = svpe_insn_new(op, 0);
    for (size_t b = 0; b < sizeof bounds / sizeof *bounds; b++)
        if (svpe_field_info(bounds[b].field)->format == svpe_op_info(op)->format)
            svpe_set(&s->insn, bounds[b].field, pick(s, bounds[b].low, bounds[b].high));
    if (svpe_op_info(op)->format == SVPE_FORMAT_WIN && svpe_op_info(op)->param.known)
        svpe_set(&s->insn, SVPE_WIN_border, pick(s, 0, 1));
    if (op != SVPE_CONV) return;
    if (F(CONV_form) == SVPE_FORM_STEM) {
        svpe_set(&s->insn, SVPE_CONV_px, pick(s, 0, log2_of(s->target.lanes)));
        svpe_set(&s->insn, SVPE_CONV_dx, 1);
    }
    if (F(CONV_form) == SVPE_FORM_STEM || F(CONV_form) == SVPE_FORM_DEPTHWISE)
        svpe_set(&s->insn, SVPE_CONV_ib, 1);
}

/* ---- A list of vectors wanted at once, each counted once ---- */

struct wanted {
    int64_t list[4096];
    int count;
};

static void want(struct wanted *w, int64_t vector) {
    for (int i = 0; i < w->count; i++)
        if (w->list[i] == vector) return;
    assert_true(w->count < 4096);
    w->list[w->count++] = vector;
}

static int peak_of(const struct scene *s, const struct wanted *w) {
    int peak = 0;
    for (int bank = 0; bank < s->target.act_banks; bank++) {
        int n = 0;
        for (int i = 0; i < w->count; i++) n += w->list[i] % s->target.act_banks == bank;
        if (n > peak) peak = n;
    }
    return peak;
}

static int at_least(int cycles, int64_t uses, int64_t ports) {
    while (cycles * ports < uses) cycles++;
    return cycles;
}

/* ---- Array ---- */

/* Vectors that one pixel wants for kernel columns kx…kx + taps − 1, lane by lane. */
static void want_pixel(const struct scene *s, struct wanted *w, const struct svpe_uop *u, int64_t y,
                       int64_t x, int64_t taps) {
    int64_t V = s->target.lanes, row = (y * F(CONV_sy) + u->ky * F(CONV_dy)) * F(CONV_dr);
    for (int64_t kx = u->kx; kx < u->kx + taps && kx < F(CONV_kw); kx++) {
        int64_t col = x * F(CONV_sx) + kx * F(CONV_dx);
        if (F(CONV_form) == SVPE_FORM_STEM) {
            for (int64_t e = 0; e < 1 << F(CONV_px); e++)
                want(w, F(CONV_src) + row + ((col << F(CONV_px)) + e) / V);
        } else if (F(CONV_form) == SVPE_FORM_DEPTHWISE) {
            for (int64_t e = 0; e < s->target.elements; e++) {
                int64_t c = u->ob * s->target.elements + e;
                want(w, F(CONV_src) + c / V * F(CONV_db) + row + col);
            }
        } else {
            want(w, F(CONV_src) + u->ib * F(CONV_db) + row + col);
        }
    }
}

static int64_t taps_of(const struct scene *s) {
    if (F(CONV_form) == SVPE_FORM_DEPTHWISE) return s->target.gather;
    if (F(CONV_form) == SVPE_FORM_STEM) return s->target.lanes >> F(CONV_px);
    return 1;
}

static void expect(const struct svpe_uop *want_, struct svpe_uop_iter *it, uint64_t *cycles) {
    struct svpe_uop have;
    assert_true(svpe_uop_next(it, &have));
    assert_int_equal(have.kind, want_->kind);
    assert_int_equal(have.ob, want_->ob);
    assert_int_equal(have.group, want_->group);
    assert_int_equal(have.term, want_->term);
    assert_int_equal(have.ky, want_->ky);
    assert_int_equal(have.kx, want_->kx);
    assert_int_equal(have.ib, want_->ib);
    assert_int_equal(have.beat, want_->beat);
    assert_int_equal(have.tap, want_->tap);
    assert_int_equal(have.act_reads, want_->act_reads);
    assert_int_equal(have.act_writes, want_->act_writes);
    assert_int_equal(have.wgt_reads, want_->wgt_reads);
    assert_int_equal(have.acc_reads, want_->acc_reads);
    assert_int_equal(have.acc_writes, want_->acc_writes);
    assert_int_equal(have.par_reads, want_->par_reads);
    assert_int_equal(have.bank_peak, want_->bank_peak);
    assert_int_equal(have.cycles, want_->cycles);
    assert_true(have.bank_peak <= have.cycles);
    *cycles += (uint64_t)have.cycles;
}

static void expect_macs(const struct scene *s, struct svpe_uop u, int64_t first, int64_t end,
                        struct svpe_uop_iter *it, uint64_t *cycles, uint64_t *taps_done) {
    static struct wanted w;
    u.kind = F(CONV_form) == SVPE_FORM_DEPTHWISE ? SVPE_UOP_MACW : SVPE_UOP_MAC;
    u.wgt_reads = 1;
    for (u.ky = 0; u.ky < F(CONV_kh); u.ky++)
        for (u.kx = 0; u.kx < F(CONV_kw); u.kx += (int)taps_of(s))
            for (u.ib = 0; u.ib < F(CONV_ib); u.ib++) {
                w.count = 0;
                for (int64_t n = first; n < end; n++)
                    want_pixel(s, &w, &u, n / F(CONV_cols), n % F(CONV_cols), taps_of(s));
                u.act_reads = w.count;
                u.bank_peak = peak_of(s, &w);
                u.cycles = u.bank_peak;
                expect(&u, it, cycles);
                int64_t left = F(CONV_kw) - u.kx, taps = left < taps_of(s) ? left : taps_of(s);
                *taps_done += (uint64_t)((end - first) * taps);
            }
}

static void check_conv(const struct scene *s) {
    struct svpe_uop_iter it;
    struct svpe_uop past;
    uint64_t cycles = 0, taps_done = 0;
    int64_t pixels = F(CONV_rows) * F(CONV_cols), P = s->target.columns;
    svpe_uop_begin(&it, &s->machine, &s->insn);
    for (int ob = 0; ob < F(CONV_ob); ob++)
        for (int64_t first = 0; first < pixels; first += P) {
            int64_t end = first + P < pixels ? first + P : pixels;
            struct svpe_uop u = {.ob = ob, .group = (int)(first / P), .cycles = 1};
            if (F(CONV_more)) {
                u.kind = SVPE_UOP_INIT;
                u.acc_reads = (int)(end - first);
                expect(&u, &it, &cycles);
                u.acc_reads = 0;
            }
            for (u.term = 0; u.term <= F(CONV_two); u.term++) {
                expect_macs(s, u, first, end, &it, &cycles, &taps_done);
                u.kind = u.term < F(CONV_two) ? SVPE_UOP_SHL : SVPE_UOP_OUT;
                u.acc_writes = u.term < F(CONV_two) ? 0 : (int)(end - first);
                expect(&u, &it, &cycles);
            }
        }
    assert_false(svpe_uop_next(&it, &past));
    assert_int_equal(svpe_insn_cycles(&s->machine, &s->insn), cycles);
    assert_int_equal(taps_done, F(CONV_ob) * pixels * (F(CONV_two) + 1) * F(CONV_kh) * F(CONV_kw) *
                                    F(CONV_ib));
}

static void test_conv(void **state) {
    (void)state;
    struct scene s = {.rng = {0xc0417}};
    for (int n = 0; n < 3000; n++) {
        draw(&s, SVPE_CONV);
        check_conv(&s);
    }
}

/* ---- Vector unit ---- */

struct beat {
    int64_t block, first, end, cols, tap;
};

typedef void want_fn(const struct scene *s, struct wanted w[3], int64_t b, int64_t y, int64_t x,
                     int64_t tap);

/* w[0], w[1]: operands; w[2]: the result. */
static void want_req(const struct scene *s, struct wanted w[3], int64_t b, int64_t y, int64_t x,
                     int64_t tap) {
    (void)tap;
    if (F(REQ_res)) want(&w[0], F(REQ_b) + b * F(REQ_bdb) + y * F(REQ_bdr) + x);
    want(&w[2], F(REQ_dst) + b * F(REQ_ddb) + y * F(REQ_ddr) + x);
}

static void want_pair(const struct scene *s, struct wanted w[3], int64_t b, int64_t y, int64_t x,
                      int64_t tap) {
    (void)tap;
    want(&w[0], F(PAIR_a) + b * F(PAIR_adb) + y * F(PAIR_adr) + x);
    if (F(PAIR_bcast))
        want(&w[1], F(PAIR_b) + b * F(PAIR_bdb));
    else
        want(&w[1], F(PAIR_b) + b * F(PAIR_bdb) + y * F(PAIR_bdr) + x);
    want(&w[2], F(PAIR_dst) + b * F(PAIR_ddb) + y * F(PAIR_ddr) + x);
}

static void want_map(const struct scene *s, struct wanted w[3], int64_t b, int64_t y, int64_t x,
                     int64_t tap) {
    (void)tap;
    want(&w[0], F(MAP_a) + b * F(MAP_adb) + y / F(MAP_ry) * F(MAP_ny) * F(MAP_adr) +
                    x / F(MAP_rx) * F(MAP_nx));
    want(&w[2], F(MAP_dst) + b * F(MAP_ddb) + y * F(MAP_ddr) + x);
}

static void want_window(const struct scene *s, struct wanted w[3], int64_t b, int64_t y, int64_t x,
                        int64_t tap) {
    int64_t r = y * F(WIN_sy) + tap / F(WIN_kw), c = x * F(WIN_sx) + tap % F(WIN_kw);
    bool inside = true;
    if (F(WIN_border)) {
        r -= F(WIN_pt);
        c -= F(WIN_pl);
        inside = r >= 0 && r < F(WIN_ih) && c >= 0 && c < F(WIN_iw);
    }
    if (inside) want(&w[0], F(WIN_a) + b * F(WIN_adb) + r * F(WIN_adr) + c);
    if (tap == F(WIN_kh) * F(WIN_kw) - 1)
        want(&w[2], F(WIN_dst) + b * F(WIN_ddb) + y * F(WIN_ddr) + x);
}

/* By format. */
struct vector_op {
    want_fn *want;
    enum svpe_field nb, rows, cols;
    bool entries, windows;
};

static const struct vector_op vector_ops[SVPE_FORMAT_COUNT] = {
    [SVPE_FORMAT_REQ] = {want_req, SVPE_REQ_nb, SVPE_REQ_rows, SVPE_REQ_cols, 1, 0},
    [SVPE_FORMAT_PAIR] = {want_pair, SVPE_PAIR_nb, SVPE_PAIR_rows, SVPE_PAIR_cols, 0, 0},
    [SVPE_FORMAT_MAP] = {want_map, SVPE_MAP_nb, SVPE_MAP_rows, SVPE_MAP_cols, 0, 0},
    [SVPE_FORMAT_WIN] = {want_window, SVPE_WIN_nb, SVPE_WIN_rows, SVPE_WIN_cols, 0, 1},
};

/* Reads of the parameter buffer, and how many of them fit into a cycle. */
struct params {
    int64_t reads, ports;
};

static struct params want_params(const struct scene *s, const struct beat *b) {
    const struct svpe_op_info *op = svpe_op_info(s->insn.op);
    int64_t pixels = b->end - b->first, tables = s->target.table_lanes;
    if (!op->param.known) return (struct params){0, 1};
    if (op->param.kind == SVPE_PARAM_CHANNELS) return (struct params){1, 1};
    if (op->param.kind == SVPE_PARAM_TABLE)
        return (struct params){pixels * s->target.lanes, tables};
    bool last = b->tap == F(WIN_kh) * F(WIN_kw) - 1;
    return (struct params){F(WIN_border) && last ? pixels : 0, tables};
}

static void expect_beat(const struct scene *s, const struct vector_op *o, struct svpe_uop u,
                        struct beat b, struct svpe_uop_iter *it, uint64_t *cycles) {
    static struct wanted w[3];
    int64_t pixels = b.end - b.first, V = s->target.lanes, E = s->target.elements;
    w[0].count = w[1].count = w[2].count = 0;
    for (int64_t n = b.first; n < b.end; n++) o->want(s, w, b.block, n / b.cols, n % b.cols, b.tap);
    u.kind = svpe_op_info(s->insn.op)->step.kind;
    u.tap = (int)b.tap;
    u.act_reads = w[0].count + w[1].count;
    u.act_writes = w[2].count;
    u.bank_peak = peak_of(s, &w[0]) > peak_of(s, &w[1]) ? peak_of(s, &w[0]) : peak_of(s, &w[1]);
    u.acc_reads = o->entries ? (int)(pixels * (V > E ? V / E : 1)) : 0;
    struct params params = want_params(s, &b);
    u.par_reads = (int)params.reads;
    u.cycles = at_least(1, u.bank_peak, 1);
    u.cycles = at_least(u.cycles, peak_of(s, &w[2]), 1);
    u.cycles = at_least(u.cycles, u.acc_reads, s->target.columns);
    u.cycles = at_least(u.cycles, params.reads, params.ports);
    expect(&u, it, cycles);
}

static void check_vector(const struct scene *s, const struct vector_op *o) {
    struct svpe_uop_iter it;
    struct svpe_uop u = {0}, past;
    uint64_t cycles = 0;
    int64_t cols = svpe_get(&s->insn, o->cols), pixels = svpe_get(&s->insn, o->rows) * cols;
    int64_t taps = o->windows ? F(WIN_kh) * F(WIN_kw) : 1;
    int64_t per_beat = s->target.vector_lanes / s->target.lanes;
    svpe_uop_begin(&it, &s->machine, &s->insn);
    for (int64_t block = 0; block < svpe_get(&s->insn, o->nb); block++)
        for (int64_t first = 0; first < pixels; first += per_beat, u.beat++)
            for (int64_t tap = 0; tap < taps; tap++) {
                int64_t end = first + per_beat < pixels ? first + per_beat : pixels;
                expect_beat(s, o, u, (struct beat){block, first, end, cols, tap}, &it, &cycles);
            }
    assert_false(svpe_uop_next(&it, &past));
    assert_int_equal(svpe_insn_cycles(&s->machine, &s->insn), cycles);
}

static void test_vector_unit(void **state) {
    (void)state;
    struct scene s = {.rng = {0x7ec}};
    for (int op = 0; op < SVPE_OP_COUNT; op++) {
        const struct svpe_op_info *info = svpe_op_info((enum svpe_op)op);
        const struct vector_op *o = &vector_ops[info->format];
        assert_int_equal(info->step.known, info->queue == SVPE_QUEUE_VEC);
        assert_int_equal(o->want != NULL, info->queue == SVPE_QUEUE_VEC);
        assert_int_equal(svpe_vector_info(info->format) != NULL, info->queue == SVPE_QUEUE_VEC);
        for (int n = 0; o->want && n < 1000; n++) {
            draw(&s, (enum svpe_op)op);
            check_vector(&s, o);
        }
    }
}

/* ---- Copies, tokens ---- */

static void test_copies(void **state) {
    (void)state;
    struct scene scene = {.rng = {0xd3a}}, *s = &scene;
    static const enum svpe_op ops[] = {SVPE_LDW, SVPE_LDP, SVPE_LDA, SVPE_STA};
    for (int n = 0; n < 2000; n++) {
        draw(s, ops[n % 4]);
        int64_t element = s->machine.act_bits / 8, bytes = 0;
        if (n % 4 < 2) bytes = F(LINE_count) * 8;
        if (n % 4 == 2) bytes = F(TILE_nb) * F(TILE_nr) * F(TILE_nc) * (1 << F(TILE_px)) * element;
        if (n % 4 == 3) bytes = F(BACK_nb) * F(BACK_nr) * F(BACK_nc) * F(BACK_lanes) * element;
        int cycles = at_least(0, bytes, s->target.dram_bytes);
        assert_int_equal(svpe_insn_cycles(&s->machine, &s->insn), cycles + s->target.dram_latency);
        struct svpe_uop_iter it;
        struct svpe_uop u;
        svpe_uop_begin(&it, &s->machine, &s->insn);
        assert_false(svpe_uop_next(&it, &u));
    }
    draw(s, SVPE_SYNCW);
    assert_int_equal(svpe_insn_cycles(&s->machine, &s->insn), 0);
}

/* ---- Known figures: 16 lanes, 16 elements, 16 columns ---- */

static void set_conv(struct scene *s, int64_t form, int64_t rows, int64_t cols, int64_t k,
                     int64_t stride, int64_t ib, int64_t ob) {
    s->target = (struct svpe_target){.lanes = 16,
                                     .elements = 16,
                                     .columns = 16,
                                     .gather = 4,
                                     .vector_lanes = 64,
                                     .table_lanes = 16,
                                     .act_banks = 32};
    s->machine = (struct svpe_machine){.target = &s->target, .act_bits = 8};
    s->insn = svpe_insn_new(SVPE_CONV, 0);
    svpe_set(&s->insn, SVPE_CONV_form, form);
    svpe_set(&s->insn, SVPE_CONV_rows, rows);
    svpe_set(&s->insn, SVPE_CONV_cols, cols);
    svpe_set(&s->insn, SVPE_CONV_kh, k);
    svpe_set(&s->insn, SVPE_CONV_kw, k);
    svpe_set(&s->insn, SVPE_CONV_ib, ib);
    svpe_set(&s->insn, SVPE_CONV_ob, ob);
    svpe_set(&s->insn, SVPE_CONV_sy, stride);
    svpe_set(&s->insn, SVPE_CONV_sx, stride);
    svpe_set(&s->insn, SVPE_CONV_dy, 1);
    svpe_set(&s->insn, SVPE_CONV_dx, 1);
    svpe_set(&s->insn, SVPE_CONV_dr, (cols - 1) * stride + k);
    svpe_set(&s->insn, SVPE_CONV_db, ((rows - 1) * stride + k) * ((cols - 1) * stride + k));
}

static uint64_t cycles_of(const struct scene *s) {
    return svpe_insn_cycles(&s->machine, &s->insn);
}

static void test_known_figures(void **state) {
    (void)state;
    struct scene s;
    set_conv(&s, SVPE_FORM_DENSE, 8, 32, 3, 1, 4, 2);
    assert_int_equal(cycles_of(&s),
                     2 * 16 * (9 * 4 + 1)); /* 16 groups, one cycle per tap and block */
    set_conv(&s, SVPE_FORM_DENSE, 8, 16, 3, 2, 4, 2);
    assert_int_equal(cycles_of(&s), 2 * 8 * (9 * 4 + 1)); /* stride 2 spreads over 32 banks */
    s.target.act_banks = 16;
    assert_int_equal(cycles_of(&s), 2 * 8 * (9 * 4 * 2 + 1)); /* and meets in half of 16 */
    set_conv(&s, SVPE_FORM_DENSE, 8, 16, 11, 4, 1, 1);
    assert_int_equal(cycles_of(&s), 8 * (121 * 2 + 1)); /* stride 4 meets in a quarter of 32 */
    set_conv(&s, SVPE_FORM_DEPTHWISE, 8, 16, 3, 1, 1, 3);
    assert_int_equal(cycles_of(&s), 3 * 8 * (3 + 1)); /* one kernel row at a time */
    set_conv(&s, SVPE_FORM_DEPTHWISE, 8, 16, 5, 1, 1, 1);
    assert_int_equal(cycles_of(&s), 8 * (5 * 2 + 1)); /* four taps, then one */
    set_conv(&s, SVPE_FORM_FC, 1, 1, 1, 1, 32, 63);
    assert_int_equal(cycles_of(&s), 63 * (32 + 1)); /* one column in use */
    svpe_set(&s.insn, SVPE_CONV_two, 1);
    svpe_set(&s.insn, SVPE_CONV_more, 1);
    assert_int_equal(cycles_of(&s), 63 * (1 + 32 + 1 + 32 + 1));
}

static void test_print(void **state) {
    (void)state;
    struct ctx c;
    ctx_init(&c, "test", NULL);
    struct writer w;
    writer_init(&w, arena_new(&c));
    struct scene s;
    set_conv(&s, SVPE_FORM_DEPTHWISE, 2, 16, 3, 1, 1, 1);
    struct svpe_uop_iter it;
    struct svpe_uop u;
    svpe_uop_begin(&it, &s.machine, &s.insn);
    for (int n = 0; svpe_uop_next(&it, &u); n++) {
        if (n != 5 && n != 7) continue;
        svpe_uop_print(&u, &w);
        write_text(&w, "\n");
    }
    assert_string_equal(writer_string(&w),
                        "mac.w ob=0 group=1 term=0 ky=1 kx=0 ib=0 : cycles=1 act=18 peak=1 wgt=1\n"
                        "out ob=0 group=1 : cycles=1 acc.out=16\n");
    ctx_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv),   cmocka_unit_test(test_vector_unit),
        cmocka_unit_test(test_copies), cmocka_unit_test(test_known_figures),
        cmocka_unit_test(test_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
