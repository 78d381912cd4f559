/* One instruction on one machine: what the loader must know before a program may run. Every address
 * an instruction touches lies inside its buffer or region, every loop is finite and not empty,
 * every value is one that the instruction's meaning covers. Not here: words (code.c), tokens and
 * races (order.c), parameters, layer tags and where a segment ends (runtime/). */
#include "isa/isa.h"

#include <stdarg.h>

struct check {
    struct arena *a;
    const struct svpe_machine *m;
    const struct svpe_insn *i;
    int64_t v, element; /* lanes; bytes of an activation */
    const char *fault;  /* the first one */
};

static int64_t get(const struct check *c, enum svpe_field f) {
    return svpe_get(c->i, f);
}

__attribute__((format(printf, 2, 3))) static void fail(struct check *c, const char *format, ...) {
    if (c->fault) return;
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    c->fault = arena_strdup(c->a, text);
}

static void range(struct check *c, enum svpe_field f, int64_t min, int64_t max) {
    int64_t v = get(c, f);
    if (v >= min && v <= max) return;
    const char *name = svpe_field_info(f)->name;
    if (min == max) {
        fail(c, "%s: expected %lld, found %lld", name, (long long)min, (long long)v);
    } else {
        fail(c, "%s: expected %lld…%lld, found %lld", name, (long long)min, (long long)max,
             (long long)v);
    }
}

static void check_fields(struct check *c) {
    enum svpe_format format = svpe_op_info(c->i->op)->format;
    for (int n = 0; n < svpe_field_count(format); n++) {
        enum svpe_field f = (enum svpe_field)((int)svpe_field_first(format) + n);
        int64_t min, max;
        svpe_field_range(f, &min, &max);
        range(c, f, min, max);
    }
}

static void check_steps(struct check *c, int64_t steps) {
    if (steps <= SVPE_MAX_STEPS) return;
    fail(c, "%lld steps; an instruction may have at most %lld", (long long)steps,
         (long long)SVPE_MAX_STEPS);
}

/* [first, end) of a buffer, in its unit. */
static void inside_buffer(struct check *c, enum svpe_buffer b, const char *what, int64_t end) {
    const struct svpe_target *t = c->m->target;
    int64_t room[SVPE_BUFFER_COUNT] = {
        [SVPE_BUFFER_ACT] = svpe_act_vectors(t, c->m->act_bits),
        [SVPE_BUFFER_WGT] = svpe_wgt_dwords(t),
        [SVPE_BUFFER_ACC] = svpe_acc_entries(t),
        [SVPE_BUFFER_PAR] = svpe_par_dwords(t),
    };
    if (end <= room[b]) return;
    const struct svpe_name_info *info = svpe_buffer_info(b);
    fail(c, "%s: ends at %s %lld; buffer %s has %lld", what, info->unit, (long long)end, info->name,
         (long long)room[b]);
}

static void inside_region(struct check *c, int64_t region, const char *what, int64_t end) {
    uint64_t room = c->m->region_bytes[region];
    if ((uint64_t)end <= room) return;
    fail(c, "%s: ends at byte %lld; region %s has %llu", what, (long long)end,
         svpe_region_name((enum svpe_region)region), (unsigned long long)room);
}

/* allowed: bit r for region r. True if the region is one of them. */
static bool allowed_region(struct check *c, enum svpe_field f, unsigned allowed) {
    int64_t r = get(c, f);
    if (r < SVPE_REGION_COUNT && (allowed >> r & 1)) return true;
    char names[64] = "";
    size_t n = 0;
    for (int k = 0; k < SVPE_REGION_COUNT; k++) {
        if (!(allowed >> k & 1)) continue;
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", n ? " or " : "",
                              svpe_region_name((enum svpe_region)k));
    }
    fail(c, "region: expected %s, found %s (%lld)", names, svpe_region_name((enum svpe_region)r),
         (long long)r);
    return false;
}

/* Tiles: nb blocks of rows of runs; run is what one row covers, in the unit of the strides. */
struct tile {
    const char *what;
    int64_t at, block, row; /* first place, block stride, row pitch */
    int64_t nb, rows, run;
};

static int64_t tile_end(const struct tile *t) {
    return t->at + (t->nb - 1) * t->block + (t->rows - 1) * t->row + t->run;
}

/* Something written: no place twice, so that the order of the loops cannot matter. */
static void no_overlap(struct check *c, const struct tile *t) {
    int64_t row = t->rows > 1 ? t->row : INT64_MAX / 4,
            block = t->nb > 1 ? t->block : INT64_MAX / 4;
    bool rows_inside = row >= t->run && block >= (t->rows - 1) * t->row + t->run;
    bool blocks_inside = block >= t->run && row >= (t->nb - 1) * t->block + t->run;
    if (rows_inside || blocks_inside) return;
    fail(c, "%s: its rows or blocks overlap (%lld per row, row pitch %lld, block stride %lld)",
         t->what, (long long)t->run, (long long)t->row, (long long)t->block);
}

static void tile_inside(struct check *c, const struct tile *t) {
    inside_buffer(c, SVPE_BUFFER_ACT, t->what, tile_end(t));
}

static void check_result(struct check *c, const struct tile *t) {
    tile_inside(c, t);
    no_overlap(c, t);
}

/* A source and the destination in the same buffer: apart, or exactly the same places where each
 * result depends on that place alone. */
static void check_apart(struct check *c, const struct tile *from, const struct tile *to,
                        bool in_place) {
    bool same = from->at == to->at && from->nb == to->nb && from->rows == to->rows &&
                from->run == to->run && (from->nb == 1 || from->block == to->block) &&
                (from->rows == 1 || from->row == to->row);
    if (in_place && same) return;
    if (tile_end(from) <= to->at || tile_end(to) <= from->at) return;
    fail(c, "%s overlaps %s (vectors %lld…%lld and %lld…%lld)", from->what, to->what,
         (long long)from->at, (long long)tile_end(from) - 1, (long long)to->at,
         (long long)tile_end(to) - 1);
}

static void check_activation(struct check *c, enum svpe_field f) {
    int64_t half = INT64_C(1) << (c->m->act_bits - 1);
    range(c, f, -half, half - 1);
}

static void check_clamp(struct check *c, enum svpe_field lo, enum svpe_field hi) {
    check_activation(c, lo);
    check_activation(c, hi);
    if (get(c, lo) > get(c, hi)) {
        fail(c, "lo: expected at most hi, found %lld > %lld", (long long)get(c, lo),
             (long long)get(c, hi));
    }
}

static void check_zero(struct check *c, const char *when, const enum svpe_field *f, size_t n) {
    for (size_t k = 0; k < n; k++) {
        if (get(c, f[k]) == 0) continue;
        fail(c, "%s: expected 0 %s, found %lld", svpe_field_info(f[k])->name, when,
             (long long)get(c, f[k]));
    }
}

static void check_one_shift(struct check *c, enum svpe_field p, enum svpe_field q) {
    if (get(c, p) == 0 || get(c, q) == 0) return;
    fail(c, "p and q: expected one of them to be 0, found %lld and %lld", (long long)get(c, p),
         (long long)get(c, q));
}

static void multiple(struct check *c, enum svpe_field f, int64_t of) {
    if (get(c, f) % of == 0) return;
    fail(c, "%s: expected a multiple of %lld, found %lld", svpe_field_info(f)->name, (long long)of,
         (long long)get(c, f));
}

/* Instructions. */

static void check_nothing(struct check *c) {
    (void)c;
}

static void check_line(struct check *c) {
    bool weights = c->i->op == SVPE_LDW;
    unsigned allowed = 1u << (weights ? SVPE_REGION_WGT : SVPE_REGION_PAR);
    if (!allowed_region(c, SVPE_LINE_region, allowed)) return;
    multiple(c, SVPE_LINE_src, 8);
    int64_t count = get(c, SVPE_LINE_count);
    inside_region(c, get(c, SVPE_LINE_region), "source", get(c, SVPE_LINE_src) + count * 8);
    inside_buffer(c, weights ? SVPE_BUFFER_WGT : SVPE_BUFFER_PAR, "destination",
                  get(c, SVPE_LINE_dst) + count);
}

static int log2_of(int64_t v) {
    int n = 0;
    while (v >> (n + 1)) n++;
    return n;
}

static void check_load(struct check *c) {
    unsigned allowed = 1u << SVPE_REGION_WORK | 1u << SVPE_REGION_IN;
    if (!allowed_region(c, SVPE_TILE_region, allowed)) return;
    range(c, SVPE_TILE_px, 0, log2_of(c->v));
    if (c->fault) return;
    multiple(c, SVPE_TILE_src, c->element);
    multiple(c, SVPE_TILE_sb, c->element);
    multiple(c, SVPE_TILE_sr, c->element);
    check_activation(c, SVPE_TILE_pad);
    int64_t pixel = INT64_C(1) << get(c, SVPE_TILE_px), nb = get(c, SVPE_TILE_nb);
    int64_t nr = get(c, SVPE_TILE_nr), nc = get(c, SVPE_TILE_nc);
    struct tile from = {
        "source", get(c, SVPE_TILE_src),  get(c, SVPE_TILE_sb), get(c, SVPE_TILE_sr), nb,
        nr,       nc * pixel * c->element};
    inside_region(c, get(c, SVPE_TILE_region), from.what, tile_end(&from));
    int64_t elements = (get(c, SVPE_TILE_pl) + nc + get(c, SVPE_TILE_pr)) * pixel;
    struct tile to = {"destination",
                      get(c, SVPE_TILE_dst),
                      get(c, SVPE_TILE_db),
                      get(c, SVPE_TILE_dr),
                      nb,
                      get(c, SVPE_TILE_pt) + nr + get(c, SVPE_TILE_pb),
                      (elements + c->v - 1) / c->v};
    check_result(c, &to);
}

static void check_store(struct check *c) {
    unsigned allowed = 1u << SVPE_REGION_WORK | 1u << SVPE_REGION_OUT;
    if (!allowed_region(c, SVPE_BACK_region, allowed)) return;
    multiple(c, SVPE_BACK_dst, c->element);
    multiple(c, SVPE_BACK_sb, c->element);
    multiple(c, SVPE_BACK_sr, c->element);
    range(c, SVPE_BACK_from, 0, c->v - 1);
    range(c, SVPE_BACK_lanes, 1, c->v - get(c, SVPE_BACK_from));
    int64_t nb = get(c, SVPE_BACK_nb), nr = get(c, SVPE_BACK_nr), nc = get(c, SVPE_BACK_nc);
    struct tile from = {
        "source", get(c, SVPE_BACK_src), get(c, SVPE_BACK_db), get(c, SVPE_BACK_dr), nb, nr, nc};
    struct tile to = {"destination",
                      get(c, SVPE_BACK_dst),
                      get(c, SVPE_BACK_sb),
                      get(c, SVPE_BACK_sr),
                      nb,
                      nr,
                      ((nc - 1) * c->v + get(c, SVPE_BACK_lanes)) * c->element};
    tile_inside(c, &from);
    inside_region(c, get(c, SVPE_BACK_region), to.what, tile_end(&to));
    no_overlap(c, &to);
}

static void check_form(struct check *c) {
    static const enum svpe_field pixel[] = {SVPE_CONV_px}, stride[] = {SVPE_CONV_db};
    int64_t form = get(c, SVPE_CONV_form);
    bool stem = form == SVPE_FORM_STEM;
    if (stem || form == SVPE_FORM_DEPTHWISE) range(c, SVPE_CONV_ib, 1, 1);
    if (stem) {
        range(c, SVPE_CONV_px, 0, log2_of(c->v));
        range(c, SVPE_CONV_dx, 1, 1);
        check_zero(c, "in the stem form", stride, 1);
    } else {
        check_zero(c, "outside the stem form", pixel, 1);
    }
    if (form == SVPE_FORM_FC) {
        range(c, SVPE_CONV_rows, 1, 1);
        range(c, SVPE_CONV_cols, 1, 1);
    }
    if (!get(c, SVPE_CONV_two)) range(c, SVPE_CONV_tshift, 0, 0);
}

static void check_wfmt(struct check *c) {
    const struct svpe_target *t = c->m->target;
    int64_t f = get(c, SVPE_CONV_wfmt);
    bool linear = t->element == SVPE_ELEMENT_MULTIPLY;
    if (f >= SVPE_WFMT_COUNT) {
        fail(c, "wfmt: expected 0…%d, found %lld", SVPE_WFMT_COUNT - 1, (long long)f);
        return;
    }
    const struct svpe_wfmt_info *info = svpe_wfmt_info((enum svpe_wfmt)f);
    if (info->linear != linear || info->least > t->weight_bits) {
        fail(c, "wfmt: %s is not for the target's %s elements of at most %lld bits", info->name,
             linear ? "vpe" : "svpe", (long long)t->weight_bits);
    }
}

/* Last input place of a convolution, plus one. */
static void check_conv_input(struct check *c) {
    int64_t form = get(c, SVPE_CONV_form), e = c->m->target->elements;
    int64_t row = (get(c, SVPE_CONV_rows) - 1) * get(c, SVPE_CONV_sy) +
                  (get(c, SVPE_CONV_kh) - 1) * get(c, SVPE_CONV_dy);
    int64_t col = (get(c, SVPE_CONV_cols) - 1) * get(c, SVPE_CONV_sx) +
                  (get(c, SVPE_CONV_kw) - 1) * get(c, SVPE_CONV_dx);
    int64_t blocks = get(c, SVPE_CONV_ib), run = col + 1;
    if (form == SVPE_FORM_DEPTHWISE) blocks = (get(c, SVPE_CONV_ob) * e + c->v - 1) / c->v;
    if (form == SVPE_FORM_STEM) run = ((run << get(c, SVPE_CONV_px)) + c->v - 1) / c->v;
    inside_buffer(c, SVPE_BUFFER_ACT, "input",
                  get(c, SVPE_CONV_src) + (blocks - 1) * get(c, SVPE_CONV_db) +
                      row * get(c, SVPE_CONV_dr) + run);
}

static void check_conv(struct check *c) {
    check_form(c);
    check_wfmt(c);
    if (c->fault) return;
    check_conv_input(c);
    int64_t blocks = svpe_conv_blocks(c->m->target, c->i), p = c->m->target->columns;
    enum svpe_wfmt f = (enum svpe_wfmt)get(c, SVPE_CONV_wfmt);
    int64_t block = (int64_t)svpe_block_bytes(c->m->target, f) / 8;
    inside_buffer(c, SVPE_BUFFER_WGT, "weights", get(c, SVPE_CONV_wgt) + blocks * block);
    int64_t pixels = get(c, SVPE_CONV_rows) * get(c, SVPE_CONV_cols);
    inside_buffer(c, SVPE_BUFFER_ACC, "accumulators",
                  get(c, SVPE_CONV_acc) + get(c, SVPE_CONV_ob) * pixels);
    check_steps(c, blocks * ((pixels + p - 1) / p));
}

static struct tile tile_of(const struct check *c, const char *what, enum svpe_field at,
                           enum svpe_field block, enum svpe_field row, int64_t nb, int64_t rows,
                           int64_t cols) {
    return (struct tile){what, get(c, at), get(c, block), get(c, row), nb, rows, cols};
}

static void check_residual(struct check *c, const struct tile *to) {
    static const enum svpe_field unused[] = {SVPE_REQ_b, SVPE_REQ_bdb, SVPE_REQ_bdr, SVPE_REQ_zb,
                                             SVPE_REQ_p, SVPE_REQ_q,   SVPE_REQ_s};
    if (!get(c, SVPE_REQ_res)) {
        check_zero(c, "without a residual", unused, sizeof unused / sizeof *unused);
        return;
    }
    check_one_shift(c, SVPE_REQ_p, SVPE_REQ_q);
    struct tile b =
        tile_of(c, "residual", SVPE_REQ_b, SVPE_REQ_bdb, SVPE_REQ_bdr, to->nb, to->rows, to->run);
    tile_inside(c, &b);
    check_apart(c, &b, to, true);
}

static void check_requantize(struct check *c) {
    int64_t nb = get(c, SVPE_REQ_nb), rows = get(c, SVPE_REQ_rows), cols = get(c, SVPE_REQ_cols);
    int64_t e = c->m->target->elements, channels = nb * c->v;
    if (get(c, SVPE_REQ_mul) && !c->m->target->requant_mul) {
        fail(c, "mul: expected 0, the target requantizes by shifts alone");
    }
    check_clamp(c, SVPE_REQ_lo, SVPE_REQ_hi);
    inside_buffer(c, SVPE_BUFFER_ACC, "accumulators",
                  get(c, SVPE_REQ_acc) + (channels + e - 1) / e * rows * cols);
    inside_buffer(c, SVPE_BUFFER_PAR, "parameters", get(c, SVPE_REQ_par) + channels);
    struct tile to =
        tile_of(c, "destination", SVPE_REQ_dst, SVPE_REQ_ddb, SVPE_REQ_ddr, nb, rows, cols);
    check_result(c, &to);
    check_residual(c, &to);
    check_steps(c, nb * rows * cols);
}

static void check_pair(struct check *c) {
    static const enum svpe_field pitch[] = {SVPE_PAIR_bdr};
    int64_t nb = get(c, SVPE_PAIR_nb), rows = get(c, SVPE_PAIR_rows);
    int64_t cols = get(c, SVPE_PAIR_cols), bcast = get(c, SVPE_PAIR_bcast);
    check_clamp(c, SVPE_PAIR_lo, SVPE_PAIR_hi);
    check_one_shift(c, SVPE_PAIR_p, SVPE_PAIR_q);
    if (bcast) check_zero(c, "with bcast", pitch, 1);
    struct tile to =
        tile_of(c, "destination", SVPE_PAIR_dst, SVPE_PAIR_ddb, SVPE_PAIR_ddr, nb, rows, cols);
    struct tile a =
        tile_of(c, "first source", SVPE_PAIR_a, SVPE_PAIR_adb, SVPE_PAIR_adr, nb, rows, cols);
    struct tile b = tile_of(c, "second source", SVPE_PAIR_b, SVPE_PAIR_bdb, SVPE_PAIR_bdr, nb,
                            bcast ? 1 : rows, bcast ? 1 : cols);
    check_result(c, &to);
    tile_inside(c, &a);
    tile_inside(c, &b);
    check_apart(c, &a, &to, true);
    check_apart(c, &b, &to, !bcast);
    check_steps(c, nb * rows * cols);
}

/* 257 i16 */
enum { TABLE_DWORDS = 65 };

static void check_map(struct check *c) {
    int64_t nb = get(c, SVPE_MAP_nb), rows = get(c, SVPE_MAP_rows), cols = get(c, SVPE_MAP_cols);
    int64_t ny = get(c, SVPE_MAP_ny), nx = get(c, SVPE_MAP_nx);
    int64_t ry = get(c, SVPE_MAP_ry), rx = get(c, SVPE_MAP_rx);
    if (c->i->op != SVPE_LUT) check_clamp(c, SVPE_MAP_lo, SVPE_MAP_hi);
    if (c->i->op != SVPE_COPY) {
        inside_buffer(c, SVPE_BUFFER_PAR, c->i->op == SVPE_LUT ? "table" : "parameters",
                      get(c, SVPE_MAP_par) + (c->i->op == SVPE_LUT ? TABLE_DWORDS : nb * c->v));
    }
    struct tile to =
        tile_of(c, "destination", SVPE_MAP_dst, SVPE_MAP_ddb, SVPE_MAP_ddr, nb, rows, cols);
    struct tile a = tile_of(c, "source", SVPE_MAP_a, SVPE_MAP_adb, SVPE_MAP_adr, nb,
                            (rows - 1) / ry * ny + 1, (cols - 1) / rx * nx + 1);
    check_result(c, &to);
    tile_inside(c, &a);
    check_apart(c, &a, &to, ny == 1 && nx == 1 && ry == 1 && rx == 1);
    check_steps(c, nb * rows * cols);
}

/* Windows that reach over the border: each must have a row and a column inside, for the table to
 * have a factor. */
static void check_border(struct check *c) {
    int64_t kh = get(c, SVPE_WIN_kh), kw = get(c, SVPE_WIN_kw);
    range(c, SVPE_WIN_mult, 0, 0);
    range(c, SVPE_WIN_pt, 0, kh - 1);
    range(c, SVPE_WIN_pl, 0, kw - 1);
    int64_t y = (get(c, SVPE_WIN_rows) - 1) * get(c, SVPE_WIN_sy) - get(c, SVPE_WIN_pt);
    int64_t x = (get(c, SVPE_WIN_cols) - 1) * get(c, SVPE_WIN_sx) - get(c, SVPE_WIN_pl);
    if (y >= get(c, SVPE_WIN_ih) || x >= get(c, SVPE_WIN_iw)) {
        fail(c, "the last window begins at row %lld, column %lld; the source has %lld×%lld",
             (long long)y, (long long)x, (long long)get(c, SVPE_WIN_ih),
             (long long)get(c, SVPE_WIN_iw));
    }
    inside_buffer(c, SVPE_BUFFER_PAR, "table", get(c, SVPE_WIN_par) + (kh * kw * 2 + 7) / 8);
}

static void check_window(struct check *c) {
    static const enum svpe_field unused[] = {SVPE_WIN_pt, SVPE_WIN_pl, SVPE_WIN_ih, SVPE_WIN_iw,
                                             SVPE_WIN_par};
    int64_t nb = get(c, SVPE_WIN_nb), rows = get(c, SVPE_WIN_rows), cols = get(c, SVPE_WIN_cols);
    int64_t kh = get(c, SVPE_WIN_kh), kw = get(c, SVPE_WIN_kw);
    int64_t height = (rows - 1) * get(c, SVPE_WIN_sy) + kh;
    int64_t width = (cols - 1) * get(c, SVPE_WIN_sx) + kw;
    if (get(c, SVPE_WIN_border)) {
        check_border(c);
        height = get(c, SVPE_WIN_ih);
        width = get(c, SVPE_WIN_iw);
    } else {
        check_zero(c, "without border", unused, sizeof unused / sizeof *unused);
    }
    struct tile to =
        tile_of(c, "destination", SVPE_WIN_dst, SVPE_WIN_ddb, SVPE_WIN_ddr, nb, rows, cols);
    struct tile a = tile_of(c, "source", SVPE_WIN_a, SVPE_WIN_adb, SVPE_WIN_adr, nb, height, width);
    if (c->fault) return;
    check_result(c, &to);
    tile_inside(c, &a);
    check_apart(c, &a, &to, false);
    check_steps(c, nb * rows * cols * kh * kw);
}

typedef void check_fn(struct check *c);

static check_fn *const checks[SVPE_OP_COUNT] = {
    [SVPE_END] = check_nothing,    [SVPE_SYNCW] = check_nothing, [SVPE_LDW] = check_line,
    [SVPE_LDP] = check_line,       [SVPE_LDA] = check_load,      [SVPE_CONV] = check_conv,
    [SVPE_REQ] = check_requantize, [SVPE_ADD] = check_pair,      [SVPE_MUL] = check_pair,
    [SVPE_SCALE] = check_map,      [SVPE_LUT] = check_map,       [SVPE_COPY] = check_map,
    [SVPE_MAX] = check_window,     [SVPE_AVG] = check_window,    [SVPE_STA] = check_store,
};

const char *svpe_verify_insn(struct arena *a, const struct svpe_machine *m,
                             const struct svpe_insn *i) {
    struct check c = {.a = a, .m = m, .i = i, .v = m->target->lanes, .element = m->act_bits / 8};
    bool offered = m->act_bits == 8 ? m->target->act8 : m->act_bits == 16 && m->target->act16;
    if (!offered) return "the target does not offer activations of this width";
    check_fields(&c);
    if (!c.fault) checks[i->op](&c);
    return c.fault;
}
