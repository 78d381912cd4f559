/* Footprints against brute force: every byte that an instruction's meaning touches, enumerated by
 * loops over elements and marked in a map, must be exactly the bytes svpe_footprint() reports.
 * Thousands of random small instructions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "isa/isa.h"

enum { SPACE_BYTES = 1 << 18, ROUNDS = 2500 };

struct map {
    uint8_t touched[SVPE_SPACE_COUNT][2][SPACE_BYTES];
    uint64_t end[SVPE_SPACE_COUNT][2];
};
static struct map want, have;

static void clear(struct map *m) {
    for (int s = 0; s < SVPE_SPACE_COUNT; s++)
        for (int w = 0; w < 2; w++) {
            memset(m->touched[s][w], 0, m->end[s][w]);
            m->end[s][w] = 0;
        }
}

static void mark(struct map *m, int space, bool write, uint64_t first, uint64_t bytes) {
    assert_true(first + bytes <= SPACE_BYTES);
    memset(m->touched[space][write] + first, 1, bytes);
    if (first + bytes > m->end[space][write]) m->end[space][write] = first + bytes;
}

static void mark_range(void *user, const struct svpe_range *r) {
    for (uint64_t j = 0; j < r->count2; j++)
        for (uint64_t i = 0; i < r->count1; i++)
            mark(user, r->space, r->write, r->first + i * r->step1 + j * r->step2, r->bytes);
}

/* ---- The meaning, element by element ---- */

struct scene {
    struct svpe_target target;
    struct svpe_machine machine;
    struct svpe_insn insn;
    struct rng rng;
    int64_t V, E, element;
};

static int64_t field(const struct scene *s, enum svpe_field f) {
    return svpe_get(&s->insn, f);
}

static void touch_act(const struct scene *s, bool write, int64_t vector, int64_t lane) {
    mark(&want, SVPE_BUFFER_ACT, write, (uint64_t)((vector * s->V + lane) * s->element),
         (uint64_t)s->element);
}

static void touch_vector(const struct scene *s, bool write, int64_t vector) {
    for (int64_t lane = 0; lane < s->V; lane++) touch_act(s, write, vector, lane);
}

static void touch_acc(const struct scene *s, bool write, int64_t entry, int64_t element) {
    mark(&want, SVPE_BUFFER_ACC, write, (uint64_t)((entry * s->E + element) * 8), 8);
}

static void meaning_line(const struct scene *s) {
    int buffer = s->insn.op == SVPE_LDW ? SVPE_BUFFER_WGT : SVPE_BUFFER_PAR;
    int from = SVPE_BUFFER_COUNT + (int)field(s, SVPE_LINE_region);
    for (int64_t i = 0; i < field(s, SVPE_LINE_count); i++) {
        mark(&want, from, false, (uint64_t)(field(s, SVPE_LINE_src) + 8 * i), 8);
        mark(&want, buffer, true, (uint64_t)(8 * (field(s, SVPE_LINE_dst) + i)), 8);
    }
}

#define F(name) field(s, SVPE_##name)

static void meaning_load_tile(const struct scene *s) {
    int from = SVPE_BUFFER_COUNT + (int)F(TILE_region);
    int64_t per_pixel = 1 << F(TILE_px), rows = F(TILE_nr) + F(TILE_pt) + F(TILE_pb);
    int64_t cols = F(TILE_nc) + F(TILE_pl) + F(TILE_pr);
    for (int64_t b = 0; b < F(TILE_nb); b++)
        for (int64_t r = 0; r < rows; r++)
            for (int64_t c = 0; c < cols; c++)
                for (int64_t e = 0; e < per_pixel; e++) {
                    int64_t at = (F(TILE_dst) + b * F(TILE_db) + r * F(TILE_dr)) * s->V;
                    touch_act(s, true, 0, at + c * per_pixel + e);
                    if (r >= F(TILE_nr) || c >= F(TILE_nc)) continue;
                    at = F(TILE_src) + b * F(TILE_sb) + r * F(TILE_sr);
                    mark(&want, from, false, (uint64_t)(at + (c * per_pixel + e) * s->element),
                         (uint64_t)s->element);
                }
}

static void meaning_store_tile(const struct scene *s) {
    int to = SVPE_BUFFER_COUNT + (int)F(BACK_region);
    for (int64_t b = 0; b < F(BACK_nb); b++)
        for (int64_t r = 0; r < F(BACK_nr); r++)
            for (int64_t c = 0; c < F(BACK_nc); c++)
                for (int64_t l = 0; l < F(BACK_lanes); l++) {
                    int64_t from = F(BACK_src) + b * F(BACK_db) + r * F(BACK_dr) + c;
                    touch_act(s, false, from, F(BACK_from) + l);
                    int64_t at = F(BACK_dst) + b * F(BACK_sb) + r * F(BACK_sr);
                    at += (c * F(BACK_sc) * s->V + l) * s->element;
                    mark(&want, to, true, (uint64_t)at, (uint64_t)s->element);
                }
}

/* What one output pixel of one output block reads at one tap. */
static void touch_tap(const struct scene *s, int64_t o, int64_t y, int64_t x, int64_t ky,
                      int64_t kx) {
    int64_t row = F(CONV_src) + (y * F(CONV_sy) + ky * F(CONV_dy)) * F(CONV_dr);
    int64_t col = x * F(CONV_sx) + kx * F(CONV_dx);
    switch (F(CONV_form)) {
    case SVPE_FORM_DEPTHWISE:
        for (int64_t e = 0; e < s->E; e++) {
            int64_t c = o * s->E + e;
            touch_act(s, false, row + col + c / s->V * F(CONV_db), c % s->V);
        }
        break;
    case SVPE_FORM_STEM:
        for (int64_t e = 0; e < 1 << F(CONV_px); e++)
            touch_act(s, false, row, (col << F(CONV_px)) + e);
        break;
    default:
        for (int64_t b = 0; b < F(CONV_ib); b++) touch_vector(s, false, row + col + b * F(CONV_db));
    }
}

static void meaning_conv(const struct scene *s) {
    static const int bits_of[] = {2, 4, 8, 8, 16};
    int64_t taps = 1, block = (s->E * s->V * bits_of[F(CONV_wfmt)] / 8 + 7) / 8;
    if (F(CONV_form) == SVPE_FORM_DEPTHWISE) taps = s->target.gather;
    if (F(CONV_form) == SVPE_FORM_STEM) taps = s->V >> F(CONV_px);
    int64_t weights = F(CONV_wgt), entry = F(CONV_acc);
    for (int64_t o = 0; o < F(CONV_ob); o++) {
        for (int64_t term = 0; term <= F(CONV_two); term++)
            for (int64_t ky = 0; ky < F(CONV_kh); ky++)
                for (int64_t kx = 0; kx < F(CONV_kw); kx += taps)
                    for (int64_t b = 0; b < F(CONV_ib); b++, weights += block)
                        mark(&want, SVPE_BUFFER_WGT, false, (uint64_t)weights * 8,
                             (uint64_t)block * 8);
        for (int64_t y = 0; y < F(CONV_rows); y++)
            for (int64_t x = 0; x < F(CONV_cols); x++, entry++) {
                for (int64_t e = 0; e < s->E; e++) {
                    if (F(CONV_more)) touch_acc(s, false, entry, e);
                    touch_acc(s, true, entry, e);
                }
                for (int64_t ky = 0; ky < F(CONV_kh); ky++)
                    for (int64_t kx = 0; kx < F(CONV_kw); kx++) touch_tap(s, o, y, x, ky, kx);
            }
    }
}

static void meaning_req(const struct scene *s) {
    int64_t rows = F(REQ_rows), cols = F(REQ_cols);
    for (int64_t c = 0; c < F(REQ_nb) * s->V; c++) {
        mark(&want, SVPE_BUFFER_PAR, false, (uint64_t)(F(REQ_par) + c) * 8, 8);
        for (int64_t y = 0; y < rows; y++)
            for (int64_t x = 0; x < cols; x++) {
                int64_t b = c / s->V;
                touch_acc(s, false, F(REQ_acc) + (c / s->E * rows + y) * cols + x, c % s->E);
                touch_act(s, true, F(REQ_dst) + b * F(REQ_ddb) + y * F(REQ_ddr) + x, c % s->V);
                if (F(REQ_res))
                    touch_act(s, false, F(REQ_b) + b * F(REQ_bdb) + y * F(REQ_bdr) + x, c % s->V);
            }
    }
}

static void meaning_pair(const struct scene *s) {
    for (int64_t b = 0; b < F(PAIR_nb); b++)
        for (int64_t y = 0; y < F(PAIR_rows); y++)
            for (int64_t x = 0; x < F(PAIR_cols); x++) {
                int64_t second = F(PAIR_bcast) ? 0 : y * F(PAIR_bdr) + x;
                touch_vector(s, false, F(PAIR_a) + b * F(PAIR_adb) + y * F(PAIR_adr) + x);
                touch_vector(s, false, F(PAIR_b) + b * F(PAIR_bdb) + second);
                touch_vector(s, true, F(PAIR_dst) + b * F(PAIR_ddb) + y * F(PAIR_ddr) + x);
            }
}

static bool reads(const struct scene *s, enum svpe_param kind) {
    const struct svpe_op_info *op = svpe_op_info(s->insn.op);
    return op->param.known && op->param.kind == kind;
}

static void meaning_map(const struct scene *s) {
    for (int64_t b = 0; b < F(MAP_nb); b++)
        for (int64_t y = 0; y < F(MAP_rows); y++)
            for (int64_t x = 0; x < F(MAP_cols); x++) {
                int64_t r = y / F(MAP_ry) * F(MAP_ny), c = x / F(MAP_rx) * F(MAP_nx);
                touch_vector(s, false, F(MAP_a) + b * F(MAP_adb) + r * F(MAP_adr) + c);
                touch_vector(s, true, F(MAP_dst) + b * F(MAP_ddb) + y * F(MAP_ddr) + x);
            }
    int64_t par = F(MAP_par) * 8;
    if (reads(s, SVPE_PARAM_CHANNELS))
        mark(&want, SVPE_BUFFER_PAR, false, (uint64_t)par, (uint64_t)(F(MAP_nb) * s->V * 8));
    if (reads(s, SVPE_PARAM_TABLE)) /* every entry some stored value can select */
        for (int64_t v = -(1 << (s->element * 8 - 1)); v < 1 << (s->element * 8 - 1); v++) {
            int64_t i = s->element == 1 ? v + 128 : (v + 32768) >> 8;
            mark(&want, SVPE_BUFFER_PAR, false, (uint64_t)(par + i * 2), s->element == 1 ? 2 : 4);
        }
}

static void meaning_window(const struct scene *s) {
    for (int64_t y = 0; y < F(WIN_rows); y++)
        for (int64_t x = 0; x < F(WIN_cols); x++) {
            int64_t down = 0, across = 0;
            for (int64_t b = 0; b < F(WIN_nb); b++)
                touch_vector(s, true, F(WIN_dst) + b * F(WIN_ddb) + y * F(WIN_ddr) + x);
            for (int64_t ky = 0; ky < F(WIN_kh); ky++)
                for (int64_t kx = 0; kx < F(WIN_kw); kx++) {
                    int64_t r = y * F(WIN_sy) + ky, c = x * F(WIN_sx) + kx;
                    if (F(WIN_border)) {
                        r -= F(WIN_pt);
                        c -= F(WIN_pl);
                        if (r < 0 || r >= F(WIN_ih) || c < 0 || c >= F(WIN_iw)) continue;
                        down = ky + 1 > down ? ky + 1 : down;
                        across = kx + 1 > across ? kx + 1 : across;
                    }
                    for (int64_t b = 0; b < F(WIN_nb); b++)
                        touch_vector(s, false, F(WIN_a) + b * F(WIN_adb) + r * F(WIN_adr) + c);
                }
            if (!down) continue;
            int64_t high = y * F(WIN_sy) - F(WIN_pt), left = x * F(WIN_sx) - F(WIN_pl);
            if (high < 0) down += high; /* the highest place counts from the window's start */
            if (left < 0) across += left;
            int64_t entry = (down - 1) * F(WIN_kw) + across - 1;
            mark(&want, SVPE_BUFFER_PAR, false, (uint64_t)(F(WIN_par) * 8 + entry * 2), 2);
        }
}

/* ---- Random instructions ---- */

static int64_t pick(struct scene *s, int64_t low, int64_t high) {
    return low + (int64_t)rng_below(&s->rng, (uint32_t)(high - low + 1));
}

struct bound {
    enum svpe_field field;
    int64_t low, high;
};

/* clang-format off */
static const struct bound bounds[] = {
    {SVPE_LINE_region, 0, SVPE_REGION_COUNT - 1},
    {SVPE_LINE_src, 0, 90}, {SVPE_LINE_dst, 0, 90}, {SVPE_LINE_count, 1, 40},
    {SVPE_TILE_region, 0, SVPE_REGION_COUNT - 1},
    {SVPE_TILE_src, 0, 90}, {SVPE_TILE_nb, 1, 3}, {SVPE_TILE_nr, 1, 4}, {SVPE_TILE_nc, 1, 5},
    {SVPE_TILE_sb, 0, 300}, {SVPE_TILE_sr, 0, 99}, {SVPE_TILE_dst, 0, 20}, {SVPE_TILE_db, 0, 60},
    {SVPE_TILE_dr, 0, 12}, {SVPE_TILE_pt, 0, 2}, {SVPE_TILE_pb, 0, 2}, {SVPE_TILE_pl, 0, 2},
    {SVPE_TILE_pr, 0, 2}, {SVPE_TILE_pad, -128, 127},
    {SVPE_BACK_region, 0, SVPE_REGION_COUNT - 1},
    {SVPE_BACK_dst, 0, 90}, {SVPE_BACK_nb, 1, 3}, {SVPE_BACK_nr, 1, 4}, {SVPE_BACK_nc, 1, 5},
    {SVPE_BACK_sb, 0, 300}, {SVPE_BACK_sr, 0, 99}, {SVPE_BACK_src, 0, 20}, {SVPE_BACK_db, 0, 60},
    {SVPE_BACK_dr, 0, 12}, {SVPE_BACK_sc, 1, 3},
    {SVPE_CONV_form, 0, 3}, {SVPE_CONV_wfmt, 0, SVPE_WFMT_COUNT - 1}, {SVPE_CONV_two, 0, 1},
    {SVPE_CONV_more, 0, 1}, {SVPE_CONV_src, 0, 20}, {SVPE_CONV_db, 0, 60}, {SVPE_CONV_dr, 0, 20},
    {SVPE_CONV_wgt, 0, 20}, {SVPE_CONV_acc, 0, 20}, {SVPE_CONV_rows, 1, 4}, {SVPE_CONV_cols, 1, 5},
    {SVPE_CONV_kh, 1, 4}, {SVPE_CONV_kw, 1, 5}, {SVPE_CONV_ib, 1, 3}, {SVPE_CONV_ob, 1, 3},
    {SVPE_CONV_sy, 1, 4}, {SVPE_CONV_sx, 1, 7}, {SVPE_CONV_dy, 1, 3}, {SVPE_CONV_dx, 1, 5},
    {SVPE_REQ_acc, 0, 20}, {SVPE_REQ_par, 0, 20}, {SVPE_REQ_nb, 1, 3}, {SVPE_REQ_rows, 1, 4},
    {SVPE_REQ_cols, 1, 5}, {SVPE_REQ_dst, 0, 20}, {SVPE_REQ_ddb, 0, 60}, {SVPE_REQ_ddr, 0, 12},
    {SVPE_REQ_res, 0, 1}, {SVPE_REQ_b, 0, 20}, {SVPE_REQ_bdb, 0, 60}, {SVPE_REQ_bdr, 0, 12},
    {SVPE_PAIR_a, 0, 20}, {SVPE_PAIR_adb, 0, 60}, {SVPE_PAIR_adr, 0, 12}, {SVPE_PAIR_b, 0, 20},
    {SVPE_PAIR_bdb, 0, 60}, {SVPE_PAIR_bdr, 0, 12}, {SVPE_PAIR_dst, 0, 20}, {SVPE_PAIR_ddb, 0, 60},
    {SVPE_PAIR_ddr, 0, 12}, {SVPE_PAIR_nb, 1, 3}, {SVPE_PAIR_rows, 1, 4}, {SVPE_PAIR_cols, 1, 5},
    {SVPE_PAIR_bcast, 0, 1},
    {SVPE_MAP_a, 0, 20}, {SVPE_MAP_adb, 0, 60}, {SVPE_MAP_adr, 0, 20}, {SVPE_MAP_dst, 0, 20},
    {SVPE_MAP_ddb, 0, 60}, {SVPE_MAP_ddr, 0, 12}, {SVPE_MAP_nb, 1, 3}, {SVPE_MAP_rows, 1, 7},
    {SVPE_MAP_cols, 1, 7}, {SVPE_MAP_par, 0, 20}, {SVPE_MAP_ny, 1, 3}, {SVPE_MAP_nx, 1, 3},
    {SVPE_MAP_ry, 1, 3}, {SVPE_MAP_rx, 1, 3},
    {SVPE_WIN_a, 0, 20}, {SVPE_WIN_adb, 0, 99}, {SVPE_WIN_adr, 0, 20}, {SVPE_WIN_dst, 0, 20},
    {SVPE_WIN_ddb, 0, 60}, {SVPE_WIN_ddr, 0, 12}, {SVPE_WIN_nb, 1, 3}, {SVPE_WIN_rows, 1, 7},
    {SVPE_WIN_cols, 1, 7}, {SVPE_WIN_kh, 1, 5}, {SVPE_WIN_kw, 1, 5}, {SVPE_WIN_sy, 1, 7},
    {SVPE_WIN_sx, 1, 7}, {SVPE_WIN_pt, 0, 6}, {SVPE_WIN_pl, 0, 6}, {SVPE_WIN_ih, 1, 20},
    {SVPE_WIN_iw, 1, 20}, {SVPE_WIN_par, 0, 20},
};
/* clang-format on */

static int log2_of(int64_t v) {
    int n = 0;
    while (v >> (n + 1)) n++;
    return n;
}

/* What a uniform draw per field cannot say. */
static void mend(struct scene *s) {
    struct svpe_insn *i = &s->insn;
    switch (i->op) {
    case SVPE_LDW:
    case SVPE_LDP:
        svpe_set(i, SVPE_LINE_src, F(LINE_src) * 8);
        break;
    case SVPE_LDA:
        svpe_set(i, SVPE_TILE_px, pick(s, 0, log2_of(s->V)));
        break;
    case SVPE_STA:
        svpe_set(i, SVPE_BACK_from, pick(s, 0, s->V - 1));
        svpe_set(i, SVPE_BACK_lanes, pick(s, 1, s->V - F(BACK_from)));
        break;
    case SVPE_CONV:
        if (F(CONV_form) == SVPE_FORM_STEM) {
            svpe_set(i, SVPE_CONV_px, pick(s, 0, log2_of(s->V)));
            svpe_set(i, SVPE_CONV_dx, 1);
        }
        if (F(CONV_form) == SVPE_FORM_STEM || F(CONV_form) == SVPE_FORM_DEPTHWISE)
            svpe_set(i, SVPE_CONV_ib, 1);
        break;
    default:
        if (reads(s, SVPE_PARAM_FACTORS)) svpe_set(i, SVPE_WIN_border, pick(s, 0, 1));
        break;
    }
}

static void draw(struct scene *s, enum svpe_op op) {
    int act_bits = pick(s, 0, 1) ? 8 : 16;
    s->target = (struct svpe_target){.name = "test",
                                     .lanes = 1 << pick(s, 1, 4),
                                     .elements = 1 << pick(s, 1, 4),
                                     .columns = pick(s, 1, 9),
                                     .act_banks = 4};
    s->target.gather = pick(s, 1, s->target.lanes < 5 ? s->target.lanes : 5);
    s->machine = (struct svpe_machine){.target = &s->target, .act_bits = act_bits};
    s->V = s->target.lanes;
    s->E = s->target.elements;
    s->element = act_bits / 8;
    s->insn = svpe_insn_new(op, 0);
    for (size_t b = 0; b < sizeof bounds / sizeof *bounds; b++)
        if (svpe_field_info(bounds[b].field)->format == svpe_op_info(op)->format)
            svpe_set(&s->insn, bounds[b].field, pick(s, bounds[b].low, bounds[b].high));
    mend(s);
}

/* ---- Comparison ---- */

static void compare(const struct scene *s, uint64_t state) {
    for (int space = 0; space < SVPE_SPACE_COUNT; space++)
        for (int w = 0; w < 2; w++) {
            uint64_t end =
                want.end[space][w] > have.end[space][w] ? want.end[space][w] : have.end[space][w];
            for (uint64_t b = 0; b < end; b++)
                if (want.touched[space][w][b] != have.touched[space][w][b])
                    fail_msg("%s, rng state %#llx: %s of space %d byte %llu is %s",
                             svpe_op_info(s->insn.op)->mnemonic, (unsigned long long)state,
                             w ? "write" : "read", space, (unsigned long long)b,
                             have.touched[space][w][b] ? "reported but never happens"
                                                       : "not reported");
        }
}

static void rounds(enum svpe_op op, void (*meaning)(const struct scene *s), int count) {
    struct scene s = {.rng = {0x5eed0000u + (unsigned)op}};
    for (int n = 0; n < count; n++) {
        uint64_t state = s.rng.state;
        draw(&s, op);
        clear(&want);
        clear(&have);
        meaning(&s);
        svpe_footprint(&s.machine, &s.insn, mark_range, &have);
        compare(&s, state);
    }
}

/* Every instruction of a format. */
static void format(enum svpe_format f, void (*meaning)(const struct scene *s), int count) {
    for (int op = 0; op < SVPE_OP_COUNT; op++)
        if (svpe_op_info((enum svpe_op)op)->format == f) rounds((enum svpe_op)op, meaning, count);
}

static void test_lines(void **state) {
    (void)state;
    format(SVPE_FORMAT_LINE, meaning_line, ROUNDS);
}
static void test_load_tile(void **state) {
    (void)state;
    format(SVPE_FORMAT_TILE, meaning_load_tile, ROUNDS);
}
static void test_store_tile(void **state) {
    (void)state;
    format(SVPE_FORMAT_BACK, meaning_store_tile, ROUNDS);
}
static void test_conv(void **state) {
    (void)state;
    format(SVPE_FORMAT_CONV, meaning_conv, 4 * ROUNDS);
}
static void test_req(void **state) {
    (void)state;
    format(SVPE_FORMAT_REQ, meaning_req, ROUNDS);
}
static void test_pair(void **state) {
    (void)state;
    format(SVPE_FORMAT_PAIR, meaning_pair, ROUNDS);
}
static void test_map(void **state) {
    (void)state;
    format(SVPE_FORMAT_MAP, meaning_map, ROUNDS);
}
static void test_window(void **state) {
    (void)state;
    format(SVPE_FORMAT_WIN, meaning_window, 3 * ROUNDS);
}

static void count_ranges(void *user, const struct svpe_range *r) {
    (void)r;
    ++*(int *)user;
}

/* A program of thousands of instructions is checked in milliseconds: ordinary ones must fold into
 * few ranges. */
static void test_ordinary_conv_is_few_ranges(void **state) {
    (void)state;
    struct scene s = {.rng = {1}};
    draw(&s, SVPE_CONV);
    s.insn = svpe_insn_new(SVPE_CONV, 0);
    static const struct bound ordinary[] = {
        {SVPE_CONV_db, 0, 340},  {SVPE_CONV_dr, 0, 34}, {SVPE_CONV_rows, 0, 8},
        {SVPE_CONV_cols, 0, 32}, {SVPE_CONV_kh, 0, 3},  {SVPE_CONV_kw, 0, 3},
        {SVPE_CONV_ib, 0, 4},    {SVPE_CONV_ob, 0, 2},  {SVPE_CONV_sy, 0, 1},
        {SVPE_CONV_sx, 0, 1},    {SVPE_CONV_dy, 0, 1},  {SVPE_CONV_dx, 0, 1}};
    for (size_t i = 0; i < sizeof ordinary / sizeof *ordinary; i++)
        svpe_set(&s.insn, ordinary[i].field, ordinary[i].high);
    int count = 0;
    svpe_footprint(&s.machine, &s.insn, count_ranges, &count);
    assert_int_equal(count, 3); /* activations, weights, accumulators */
}

static void test_tokens_alone_touch_nothing(void **state) {
    (void)state;
    struct scene s = {.rng = {1}};
    int count = 0;
    draw(&s, SVPE_SYNCW);
    svpe_footprint(&s.machine, &s.insn, count_ranges, &count);
    draw(&s, SVPE_END);
    svpe_footprint(&s.machine, &s.insn, count_ranges, &count);
    assert_int_equal(count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_load_tile),
        cmocka_unit_test(test_store_tile),
        cmocka_unit_test(test_conv),
        cmocka_unit_test(test_req),
        cmocka_unit_test(test_pair),
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_ordinary_conv_is_few_ranges),
        cmocka_unit_test(test_tokens_alone_touch_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
