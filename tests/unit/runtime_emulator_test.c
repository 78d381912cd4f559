/* Every instruction of the emulator against its meaning in isa/svpe.def, written out here a
 * second time, element by element and in 128-bit arithmetic, on random instructions over random
 * memory of several targets. The whole memory is compared, so that a byte too many is found as
 * well. Then the corners: ties, negatives, saturation, wrapped sums. */
#include "runtime_rig.h"

#include <math.h>

enum { ROUNDS = 40 };

__extension__ typedef __int128 wide_t;

/* ---- The meaning ---- */

struct memory {
    uint8_t *act, *wgt, *par, *dram[SVPE_REGION_COUNT];
    int64_t *acc;
};

struct scene {
    struct rig *rig;
    const struct svpe_insn *i;
    struct memory before, after;
};

static int64_t get(const struct scene *s, enum svpe_field f) {
    return svpe_get(s->i, f);
}

static int64_t read_le(const uint8_t *p, int bits) {
    int64_t v = 0;
    for (int n = bits / 8 - 1; n >= 0; n--) v = v * 256 + p[n];
    return v >= INT64_C(1) << (bits - 1) ? v - (INT64_C(1) << bits) : v;
}

static void write_le(uint8_t *p, int bits, int64_t v) {
    for (int n = 0; n < bits / 8; n++) p[n] = (uint8_t)(v >> (8 * n));
}

static int64_t act(const struct scene *s, int64_t vector, int64_t lane) {
    int bytes = s->rig->A / 8;
    return read_le(s->before.act + (vector * s->rig->V + lane) * bytes, s->rig->A);
}

static void put_act(struct scene *s, int64_t vector, int64_t lane, wide_t v) {
    int bytes = s->rig->A / 8;
    write_le(s->after.act + (vector * s->rig->V + lane) * bytes, s->rig->A, (int64_t)v);
}

/* Halves go up: floor((2x + 2^s) / 2^(s+1)). */
static wide_t rounded(wide_t x, int64_t s) {
    wide_t divisor = (wide_t)1 << s, twice = 2 * x + divisor;
    if (s == 0) return x;
    wide_t q = twice / (2 * divisor);
    return q * 2 * divisor > twice ? q - 1 : q;
}

static wide_t limited(wide_t x, wide_t lo, wide_t hi) {
    return x < lo ? lo : x > hi ? hi : x;
}
static wide_t half(const struct scene *s) {
    return (wide_t)1 << (s->rig->A - 1);
}
static wide_t saturated(const struct scene *s, wide_t x) {
    return limited(x, -half(s), half(s) - 1);
}
static wide_t zero(const struct scene *s, enum svpe_field f) {
    return get(s, f) ? -half(s) : 0;
}

static int64_t bias(const struct scene *s, int64_t par) {
    return read_le(s->before.par + par * 8, 32);
}
static int64_t mult(const struct scene *s, int64_t par) {
    return read_le(s->before.par + par * 8 + 4, 16);
}
static int64_t shift(const struct scene *s, int64_t par) {
    return s->before.par[par * 8 + 6];
}
static int64_t entry(const struct scene *s, int64_t par, int64_t n) {
    return read_le(s->before.par + par * 8 + n * 2, 16);
}

static void mean_line(struct scene *s) {
    uint8_t *to = s->i->op == SVPE_LDW ? s->after.wgt : s->after.par;
    for (int64_t n = 0; n < get(s, SVPE_LINE_count) * 8; n++)
        to[get(s, SVPE_LINE_dst) * 8 + n] =
            s->before.dram[get(s, SVPE_LINE_region)][get(s, SVPE_LINE_src) + n];
}

static void mean_load_tile(struct scene *s) {
    int64_t pt = get(s, SVPE_TILE_pt), nr = get(s, SVPE_TILE_nr), pl = get(s, SVPE_TILE_pl);
    int64_t nc = get(s, SVPE_TILE_nc), pixel = INT64_C(1) << get(s, SVPE_TILE_px);
    int bytes = s->rig->A / 8;
    for (int64_t b = 0; b < get(s, SVPE_TILE_nb); b++)
        for (int64_t y = 0; y < pt + nr + get(s, SVPE_TILE_pb); y++)
            for (int64_t n = 0; n < (pl + nc + get(s, SVPE_TILE_pr)) * pixel; n++) {
                int64_t x = n / pixel - pl, v = get(s, SVPE_TILE_pad);
                int64_t from = get(s, SVPE_TILE_src) + b * get(s, SVPE_TILE_sb) +
                               (y - pt) * get(s, SVPE_TILE_sr) + (x * pixel + n % pixel) * bytes;
                if (y >= pt && y < pt + nr && x >= 0 && x < nc)
                    v = read_le(s->before.dram[get(s, SVPE_TILE_region)] + from, s->rig->A);
                put_act(s,
                        get(s, SVPE_TILE_dst) + b * get(s, SVPE_TILE_db) + y * get(s, SVPE_TILE_dr),
                        n, v);
            }
}

static void mean_store_tile(struct scene *s) {
    int bytes = s->rig->A / 8;
    for (int64_t b = 0; b < get(s, SVPE_BACK_nb); b++)
        for (int64_t y = 0; y < get(s, SVPE_BACK_nr); y++)
            for (int64_t x = 0; x < get(s, SVPE_BACK_nc); x++)
                for (int64_t n = 0; n < get(s, SVPE_BACK_lanes); n++) {
                    int64_t to = get(s, SVPE_BACK_dst) + b * get(s, SVPE_BACK_sb) +
                                 y * get(s, SVPE_BACK_sr) +
                                 (x * get(s, SVPE_BACK_sc) * s->rig->V + n) * bytes;
                    int64_t from = get(s, SVPE_BACK_src) + b * get(s, SVPE_BACK_db) +
                                   y * get(s, SVPE_BACK_dr) + x;
                    write_le(s->after.dram[get(s, SVPE_BACK_region)] + to, s->rig->A,
                             act(s, from, get(s, SVPE_BACK_from) + n));
                }
}

/* Weight at index n of weight block `block`, from its bits. */
static int64_t weight(const struct scene *s, int64_t block, int64_t n) {
    static const int widths[] = {[SVPE_WFMT_P2] = 2,
                                 [SVPE_WFMT_P4] = 4,
                                 [SVPE_WFMT_P8] = 8,
                                 [SVPE_WFMT_I8] = 8,
                                 [SVPE_WFMT_I16] = 16};
    static const int magnitudes[] = {[SVPE_WFMT_P2] = 1, [SVPE_WFMT_P4] = 3, [SVPE_WFMT_P8] = 4};
    int width = widths[get(s, SVPE_CONV_wfmt)];
    int64_t bits = (int64_t)s->rig->V * s->rig->E * width, block_bytes = (bits + 63) / 64 * 8;
    int64_t at = (get(s, SVPE_CONV_wgt) * 8 + block * block_bytes) * 8 + n * width;
    if (s->rig->target.element == SVPE_ELEMENT_MULTIPLY)
        return read_le(s->before.wgt + at / 8, width);
    int low = magnitudes[get(s, SVPE_CONV_wfmt)];
    int code = s->before.wgt[at / 8] >> (at % 8) & ((1 << width) - 1);
    int64_t size = (code & ((1 << low) - 1)) ? INT64_C(1) << ((code & ((1 << low) - 1)) - 1) : 0;
    return (code >> low) ? -size : size;
}

/* Element of the input that kernel row ky reads at row y: pixel x of block b, or element n of a
 * stem row. */
static int64_t input(const struct scene *s, int64_t b, int64_t y, int64_t ky, int64_t x,
                     int64_t n) {
    int64_t row = y * get(s, SVPE_CONV_sy) + ky * get(s, SVPE_CONV_dy);
    return act(s, get(s, SVPE_CONV_src) + b * get(s, SVPE_CONV_db) + row * get(s, SVPE_CONV_dr) + x,
               n);
}

static wide_t term_of(const struct scene *s, int64_t o, int64_t term, int64_t y, int64_t x,
                      int64_t e) {
    int64_t V = s->rig->V, form = get(s, SVPE_CONV_form), px = get(s, SVPE_CONV_px);
    int64_t kh = get(s, SVPE_CONV_kh), kw = get(s, SVPE_CONV_kw), ib = get(s, SVPE_CONV_ib);
    int64_t inner = rig_inner(s->rig, s->i), sx = get(s, SVPE_CONV_sx), dx = get(s, SVPE_CONV_dx);
    int64_t first = (o * (get(s, SVPE_CONV_two) + 1) + term) * kh * inner,
            channel = o * s->rig->E + e;
    wide_t sum = 0;
    for (int64_t ky = 0; ky < kh; ky++)
        for (int64_t kx = 0; kx < kw; kx++) {
            int64_t at = x * sx + kx * dx, G = s->rig->G, T = V >> px;
            if (form == SVPE_FORM_DEPTHWISE)
                sum += (wide_t)weight(s, first + ky * inner + kx / G, e * V + kx % G) *
                       input(s, channel / V, y, ky, at, channel % V);
            if (form == SVPE_FORM_STEM)
                for (int64_t c = 0; c < INT64_C(1) << px; c++)
                    sum += (wide_t)weight(s, first + ky * inner + kx / T,
                                          e * V + ((kx % T) << px) + c) *
                           input(s, 0, y, ky, 0, ((x * sx + kx) << px) + c);
            if (form == SVPE_FORM_DENSE || form == SVPE_FORM_FC)
                for (int64_t b = 0; b < ib; b++)
                    for (int64_t v = 0; v < V; v++)
                        sum += (wide_t)weight(s, first + (ky * kw + kx) * ib + b, e * V + v) *
                               input(s, b, y, ky, at, v);
        }
    return sum;
}

static int64_t wrapped(wide_t x, int64_t bits) {
    wide_t range = (wide_t)1 << bits, v = x % range;
    if (v < 0) v += range;
    return (int64_t)(v >= range / 2 ? v - range : v);
}

static void mean_conv(struct scene *s) {
    int64_t rows = get(s, SVPE_CONV_rows), cols = get(s, SVPE_CONV_cols), E = s->rig->E;
    for (int64_t o = 0; o < get(s, SVPE_CONV_ob); o++)
        for (int64_t y = 0; y < rows; y++)
            for (int64_t x = 0; x < cols; x++)
                for (int64_t e = 0; e < E; e++) {
                    int64_t at = (get(s, SVPE_CONV_acc) + (o * rows + y) * cols + x) * E + e;
                    wide_t sum = get(s, SVPE_CONV_more) ? s->before.acc[at] : 0;
                    sum += term_of(s, o, 0, y, x, e);
                    if (get(s, SVPE_CONV_two))
                        sum = sum * ((wide_t)1 << get(s, SVPE_CONV_tshift)) +
                              term_of(s, o, 1, y, x, e);
                    s->after.acc[at] = wrapped(sum, s->rig->target.acc_bits);
                }
}

static wide_t requantized(const struct scene *s, int64_t b, int64_t y, int64_t x, int64_t n) {
    int64_t pixels = get(s, SVPE_REQ_rows) * get(s, SVPE_REQ_cols), E = s->rig->E;
    int64_t c = b * s->rig->V + n, par = get(s, SVPE_REQ_par) + c;
    int64_t at = get(s, SVPE_REQ_acc) + c / E * pixels + y * get(s, SVPE_REQ_cols) + x;
    wide_t sum = (wide_t)s->before.acc[at * E + c % E] + bias(s, par);
    wide_t m = rounded(get(s, SVPE_REQ_mul) ? sum * mult(s, par) : sum, shift(s, par));
    if (get(s, SVPE_REQ_res)) {
        int64_t other =
            act(s, get(s, SVPE_REQ_b) + b * get(s, SVPE_REQ_bdb) + y * get(s, SVPE_REQ_bdr) + x, n);
        m = rounded(saturated(s, m) * ((wide_t)1 << get(s, SVPE_REQ_p)) +
                        (other - zero(s, SVPE_REQ_zb)) * ((wide_t)1 << get(s, SVPE_REQ_q)),
                    get(s, SVPE_REQ_s));
    }
    return limited(m + zero(s, SVPE_REQ_zo), get(s, SVPE_REQ_lo), get(s, SVPE_REQ_hi));
}

static wide_t paired(const struct scene *s, int64_t b, int64_t y, int64_t x, int64_t n) {
    bool one = get(s, SVPE_PAIR_bcast);
    wide_t first =
        act(s, get(s, SVPE_PAIR_a) + b * get(s, SVPE_PAIR_adb) + y * get(s, SVPE_PAIR_adr) + x, n);
    wide_t second = act(s,
                        get(s, SVPE_PAIR_b) + b * get(s, SVPE_PAIR_bdb) +
                            (one ? 0 : y * get(s, SVPE_PAIR_bdr) + x),
                        n);
    first -= zero(s, SVPE_PAIR_za);
    second -= zero(s, SVPE_PAIR_zb);
    wide_t m = s->i->op == SVPE_MUL ? first * second
                                    : first * ((wide_t)1 << get(s, SVPE_PAIR_p)) +
                                          second * ((wide_t)1 << get(s, SVPE_PAIR_q));
    return limited(rounded(m, get(s, SVPE_PAIR_s)) + zero(s, SVPE_PAIR_zo), get(s, SVPE_PAIR_lo),
                   get(s, SVPE_PAIR_hi));
}

static wide_t mapped(const struct scene *s, int64_t b, int64_t y, int64_t x, int64_t n) {
    int64_t row = y / get(s, SVPE_MAP_ry) * get(s, SVPE_MAP_ny);
    int64_t col = x / get(s, SVPE_MAP_rx) * get(s, SVPE_MAP_nx);
    int64_t par = get(s, SVPE_MAP_par), c = par + b * s->rig->V + n;
    wide_t a =
        act(s, get(s, SVPE_MAP_a) + b * get(s, SVPE_MAP_adb) + row * get(s, SVPE_MAP_adr) + col, n);
    if (s->i->op == SVPE_LUT) {
        int64_t at = (int64_t)(a + half(s));
        if (s->rig->A == 8) return entry(s, par, at);
        int64_t from = entry(s, par, at / 256), to = entry(s, par, at / 256 + 1);
        return from + rounded((wide_t)(to - from) * (at % 256), 8);
    }
    a -= zero(s, SVPE_MAP_za);
    wide_t m = rounded(a * ((wide_t)1 << get(s, SVPE_MAP_p)), get(s, SVPE_MAP_s));
    if (s->i->op == SVPE_SCALE) m = rounded(a * mult(s, c) + bias(s, c), shift(s, c));
    if (s->i->op == SVPE_PRELU && a < 0) m = rounded(a * mult(s, c), shift(s, c));
    return limited(m + zero(s, SVPE_MAP_zo), get(s, SVPE_MAP_lo), get(s, SVPE_MAP_hi));
}

static wide_t windowed(const struct scene *s, int64_t b, int64_t y, int64_t x, int64_t n) {
    bool cut = s->i->op == SVPE_AVG && get(s, SVPE_WIN_border);
    wide_t top = -half(s), sum = 0;
    int64_t inside_rows = 0, inside_cols = 0;
    for (int64_t ky = 0; ky < get(s, SVPE_WIN_kh); ky++) {
        int64_t row = y * get(s, SVPE_WIN_sy) + ky - get(s, SVPE_WIN_pt);
        if (cut && (row < 0 || row >= get(s, SVPE_WIN_ih))) continue;
        inside_rows++;
        inside_cols = 0;
        for (int64_t kx = 0; kx < get(s, SVPE_WIN_kw); kx++) {
            int64_t col = x * get(s, SVPE_WIN_sx) + kx - get(s, SVPE_WIN_pl);
            if (cut && (col < 0 || col >= get(s, SVPE_WIN_iw))) continue;
            inside_cols++;
            wide_t a = act(
                s, get(s, SVPE_WIN_a) + b * get(s, SVPE_WIN_adb) + row * get(s, SVPE_WIN_adr) + col,
                n);
            if (a > top) top = a;
            sum += a - zero(s, SVPE_WIN_za);
        }
    }
    if (s->i->op == SVPE_MAX) return top;
    wide_t factor = get(s, SVPE_WIN_mult);
    if (cut)
        factor = entry(s, get(s, SVPE_WIN_par),
                       (inside_rows - 1) * get(s, SVPE_WIN_kw) + inside_cols - 1);
    return saturated(s, rounded(sum * factor, get(s, SVPE_WIN_s)) + zero(s, SVPE_WIN_zo));
}

/* Vector instructions: where the result lies, and the value of one element. */
struct vector_meaning {
    enum svpe_field dst, block, row, nb, rows, cols;
    wide_t (*value)(const struct scene *s, int64_t b, int64_t y, int64_t x, int64_t n);
};
#define DESTINATION(f)                                                                             \
    SVPE_##f##_dst, SVPE_##f##_ddb, SVPE_##f##_ddr, SVPE_##f##_nb, SVPE_##f##_rows, SVPE_##f##_cols
static const struct vector_meaning vector_meanings[SVPE_OP_COUNT] = {
    [SVPE_REQ] = {DESTINATION(REQ), requantized}, [SVPE_ADD] = {DESTINATION(PAIR), paired},
    [SVPE_MUL] = {DESTINATION(PAIR), paired},     [SVPE_SCALE] = {DESTINATION(MAP), mapped},
    [SVPE_LUT] = {DESTINATION(MAP), mapped},      [SVPE_COPY] = {DESTINATION(MAP), mapped},
    [SVPE_MAX] = {DESTINATION(WIN), windowed},    [SVPE_AVG] = {DESTINATION(WIN), windowed},
    [SVPE_PRELU] = {DESTINATION(MAP), mapped},
};

static void mean_vector(struct scene *s) {
    const struct vector_meaning *m = &vector_meanings[s->i->op];
    for (int64_t b = 0; b < get(s, m->nb); b++)
        for (int64_t y = 0; y < get(s, m->rows); y++)
            for (int64_t x = 0; x < get(s, m->cols); x++)
                for (int64_t n = 0; n < s->rig->V; n++)
                    put_act(s, get(s, m->dst) + b * get(s, m->block) + y * get(s, m->row) + x, n,
                            m->value(s, b, y, x, n));
}

static void (*const meanings[SVPE_OP_COUNT])(struct scene *s) = {
    [SVPE_LDW] = mean_line,       [SVPE_LDP] = mean_line,  [SVPE_LDA] = mean_load_tile,
    [SVPE_STA] = mean_store_tile, [SVPE_CONV] = mean_conv,
};

static void mean(struct scene *s) {
    if (meanings[s->i->op])
        meanings[s->i->op](s);
    else if (vector_meanings[s->i->op].value)
        mean_vector(s);
    else
        assert_true(s->i->op == SVPE_END || s->i->op == SVPE_SYNCW);
}

/* ---- Running both ---- */

static struct memory snapshot(const struct rig *r) {
    struct memory m = {.act = arena_copy(r->arena, r->e->act, r->e->act_size),
                       .wgt = arena_copy(r->arena, r->e->wgt, r->e->wgt_size),
                       .par = arena_copy(r->arena, r->e->par, r->e->par_size),
                       .acc = arena_copy(r->arena, r->e->acc, r->e->acc_size)};
    for (int n = 0; n < SVPE_REGION_COUNT; n++)
        m.dram[n] = arena_copy(r->arena, r->e->source[n], RIG_REGION_BYTES);
    return m;
}

static void compare(const struct rig *r, const struct memory *want, const char *what) {
    struct {
        const void *want, *have;
        size_t size;
        const char *name;
    } all[4 + SVPE_REGION_COUNT] = {
        {want->act, r->e->act, r->e->act_size, "act"},
        {want->wgt, r->e->wgt, r->e->wgt_size, "wgt"},
        {want->par, r->e->par, r->e->par_size, "par"},
        {want->acc, r->e->acc, r->e->acc_size, "acc"},
    };
    for (int n = 0; n < SVPE_REGION_COUNT; n++) {
        all[4 + n].want = want->dram[n];
        all[4 + n].have = r->e->source[n];
        all[4 + n].size = RIG_REGION_BYTES;
        all[4 + n].name = svpe_region_name((enum svpe_region)n);
    }
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        for (size_t n = 0; n < all[k].size; n++)
            if (((const uint8_t *)all[k].want)[n] != ((const uint8_t *)all[k].have)[n])
                fail_msg("%s: byte %zu of %s is %d, expected %d", what, n, all[k].name,
                         ((const uint8_t *)all[k].have)[n], ((const uint8_t *)all[k].want)[n]);
}

static void try_insn(struct rig *r, struct svpe_insn *i, const char *what) {
    struct scene s = {.rig = r, .i = i, .before = snapshot(r), .after = snapshot(r)};
    mean(&s);
    rt_emulator_execute(r->e, i);
    assert_null(r->e->error);
    compare(r, &s.after, what);
}

static void check_insn(const int shape[6], enum svpe_op op, uint64_t seed) {
    struct rig r = {.rng = {seed}};
    ctx_init(&r.ctx, "test", NULL);
    if (setjmp(r.ctx.oom)) fail_msg("out of memory");
    r.arena = arena_new(&r.ctx);
    rig_target(&r, shape);
    struct svpe_insn i = rig_insn(&r, op);
    rig_open(&r, &i, 1);
    const char *why = svpe_verify_insn(r.arena, &r.image.machine, &i);
    if (why)
        fail_msg("seed %llu: %s: %s", (unsigned long long)seed, svpe_op_info(op)->mnemonic, why);
    rig_prepare(&r, &i);
    struct writer text;
    writer_init(&text, r.arena);
    svpe_print_insn(&i, &text);
    try_insn(&r, &i,
             arena_printf(r.arena, "seed %llu, V=%d E=%d A=%d: %s", (unsigned long long)seed, r.V,
                          r.E, r.A, writer_string(&text)));
    ctx_free(&r.ctx);
}

static void every_instruction(void **state) {
    (void)state;
    for (int op = 0; op < SVPE_OP_COUNT; op++)
        for (int shape = 0; shape < RIG_SHAPES; shape++)
            for (uint64_t n = 0; n < ROUNDS; n++)
                check_insn(rig_shapes[shape], (enum svpe_op)op,
                           ((uint64_t)op * RIG_SHAPES + (uint64_t)shape) * ROUNDS + n);
}

/* ---- Corners, with the expected numbers written down ---- */

struct requantize_case {
    int64_t acc, bias;
    int shift, zo;
    int64_t lo, hi, want;
};

static const struct requantize_case requantize_cases[] = {
    {0, 0, 0, 0, -128, 127, 0},
    {1, 0, 1, 0, -128, 127, 1},   /* 0.5 goes up */
    {-1, 0, 1, 0, -128, 127, 0},  /* −0.5 goes up */
    {-3, 0, 1, 0, -128, 127, -1}, /* −1.5 goes up */
    {3, 0, 1, 0, -128, 127, 2},
    {-5, 0, 2, 0, -128, 127, -1}, /* −1.25 */
    {-6, 0, 2, 0, -128, 127, -1}, /* −1.5 */
    {-7, 0, 2, 0, -128, 127, -2}, /* −1.75 */
    {127, 0, 0, 0, -128, 127, 127},
    {128, 0, 0, 0, -128, 127, 127},
    {-128, 0, 0, 0, -128, 127, -128},
    {-129, 0, 0, 0, -128, 127, -128},
    {255, 0, 0, 1, -128, 127,
     127}, /* zero −128: 255 is the top, nothing is lost before it is added */
    {256, 0, 0, 1, -128, 127, 127},
    {0, 0, 0, 1, -128, 127, -128},
    {-1, 0, 0, 1, -128, 127, -128},
    {200, 0, 0, 0, -128, 100, 100},
    {-50, 0, 0, 0, 3, 100, 3},
    {INT32_MAX, INT32_MAX, 31, 0, -128, 127, 2}, /* one bit more than the accumulator has */
    {INT32_MIN, INT32_MIN, 31, 0, -128, 127, -2},
    {INT32_MAX, 1, 31, 0, -128, 127, 1},
    {INT32_MIN, 0, 31, 0, -128, 127, -1},
    {1 << 30, 0, 31, 0, -128, 127, 1}, /* a tie at the largest shift */
    {-(1 << 30), 0, 31, 0, -128, 127, 0},
    {(1 << 30) - 1, 0, 31, 0, -128, 127, 0},
};

static struct svpe_insn one_requantize(const struct requantize_case *k) {
    struct svpe_insn i = svpe_insn_new(SVPE_REQ, 0);
    svpe_set(&i, SVPE_REQ_nb, 1);
    svpe_set(&i, SVPE_REQ_rows, 1);
    svpe_set(&i, SVPE_REQ_cols, 1);
    svpe_set(&i, SVPE_REQ_zo, k->zo);
    svpe_set(&i, SVPE_REQ_lo, k->lo);
    svpe_set(&i, SVPE_REQ_hi, k->hi);
    return i;
}

static void requantize_corners(void **state) {
    (void)state;
    struct rig r = {.rng = {1}};
    ctx_init(&r.ctx, "test", NULL);
    if (setjmp(r.ctx.oom)) fail_msg("out of memory");
    r.arena = arena_new(&r.ctx);
    rig_target(&r, rig_shapes[2]);
    rig_open(&r, NULL, 0);
    for (size_t n = 0; n < sizeof requantize_cases / sizeof *requantize_cases; n++) {
        const struct requantize_case *k = &requantize_cases[n];
        struct svpe_insn i = one_requantize(k);
        r.e->acc[5] = k->acc;
        write_le(r.e->par + 5 * 8, 32, k->bias);
        r.e->par[5 * 8 + 6] = (uint8_t)k->shift;
        rt_emulator_execute(r.e, &i);
        if ((int8_t)r.e->act[5] != k->want)
            fail_msg("case %zu: %d, expected %d", n, (int8_t)r.e->act[5], (int)k->want);
    }
    ctx_free(&r.ctx);
}

/* ---- v.prelu, one vector at a time ---- */

struct prelu {
    int64_t p, s, za, zo, lo, hi;
    int64_t a[16], mult[16], shift[16]; /* V of them */
};

static int64_t pick(struct rig *r, const int64_t *from, int64_t count, int64_t low, int64_t high) {
    return rig_below(r, 2) ? from[rig_below(r, count)] : rig_between(r, low, high);
}

static void draw_prelu(struct rig *r, struct prelu *k) {
    int64_t top = (INT64_C(1) << (r->A - 1)) - 1, ends[] = {-top - 1, -top, -1, 0, 1, top};
    static const int64_t shifts[] = {0, 1, 30, 31}, lefts[] = {0, 15};
    static const int64_t mults[] = {-32768, -32767, -1, 0, 1, 32767};
    k->p = pick(r, lefts, 2, 0, 15);
    k->s = pick(r, shifts, 4, 0, 20);
    k->za = rig_below(r, 2);
    k->zo = rig_below(r, 2);
    k->lo = pick(r, ends, 3, -top - 1, 0);
    k->hi = pick(r, ends + 3, 3, 0, top);
    for (int v = 0; v < r->V; v++) {
        k->a[v] = pick(r, ends, 6, -top - 1, top);
        k->mult[v] = pick(r, mults, 6, -32768, 32767);
        k->shift[v] = pick(r, shifts, 4, 0, 20);
    }
}

/* Runs it in place on vector 0, with parameters from dword 0 on; results in out. */
static void run_prelu(struct rig *r, const struct prelu *k, int64_t *out) {
    struct svpe_insn i = svpe_insn_new(SVPE_PRELU, 0);
    svpe_set(&i, SVPE_MAP_p, k->p);
    svpe_set(&i, SVPE_MAP_s, k->s);
    svpe_set(&i, SVPE_MAP_za, k->za);
    svpe_set(&i, SVPE_MAP_zo, k->zo);
    svpe_set(&i, SVPE_MAP_lo, k->lo);
    svpe_set(&i, SVPE_MAP_hi, k->hi);
    assert_null(svpe_verify_insn(r->arena, &r->image.machine, &i));
    for (int v = 0; v < r->V; v++) {
        write_le(r->e->act + v * r->A / 8, r->A, k->a[v]);
        write_le(r->e->par + v * 8, 32, rig_between(r, 0, 1000000)); /* not looked at */
        write_le(r->e->par + v * 8 + 4, 16, k->mult[v]);
        r->e->par[v * 8 + 6] = (uint8_t)k->shift[v];
    }
    rt_emulator_execute(r->e, &i);
    for (int v = 0; v < r->V; v++) out[v] = read_le(r->e->act + v * r->A / 8, r->A);
}

/* floor(x / 2^s + 1/2), by division alone. */
static int64_t nearest(int64_t x, int64_t s) {
    int64_t whole = INT64_C(1) << s, rest = x % whole, floor = x / whole;
    if (rest < 0) {
        rest += whole;
        floor--;
    }
    return floor + (2 * rest >= whole && s > 0);
}

static void prelu_exact(struct rig *r) {
    for (int round = 0; round < 4000; round++) {
        struct prelu k;
        int64_t have[16], half = INT64_C(1) << (r->A - 1);
        draw_prelu(r, &k);
        run_prelu(r, &k, have);
        for (int v = 0; v < r->V; v++) {
            int64_t x = k.a[v] + (k.za ? half : 0);
            int64_t want =
                x < 0 ? nearest(x * k.mult[v], k.shift[v]) : nearest(x * (INT64_C(1) << k.p), k.s);
            want -= k.zo ? half : 0;
            want = want < k.lo ? k.lo : want > k.hi ? k.hi : want;
            if (have[v] != want)
                fail_msg("A=%d a=%lld za=%lld zo=%lld p=%lld s=%lld mult=%lld shift=%lld: "
                         "%lld, expected %lld",
                         r->A, (long long)k.a[v], (long long)k.za, (long long)k.zo, (long long)k.p,
                         (long long)k.s, (long long)k.mult[v], (long long)k.shift[v],
                         (long long)have[v], (long long)want);
        }
    }
}

/* A PRelu from exponent 0 to exponent −up, with slopes of either sign: p and s move the positive
 * side, mult and shift the negative one. No further from the real value than the rounding of the
 * result and, below zero, of a factor of 15 bits. */
static void prelu_means_prelu(struct rig *r) {
    double top = (double)(INT64_C(1) << (r->A - 1)) - 1;
    for (int round = 0; round < 1000; round++) {
        struct prelu k = {.lo = -(int64_t)top - 1, .hi = (int64_t)top};
        double slope[16];
        int64_t have[16];
        int up = (int)rig_between(r, -6, 6);
        k.p = up > 0 ? up : 0;
        k.s = up < 0 ? -up : 0;
        for (int v = 0; v < r->V; v++) {
            int exponent;
            k.a[v] = rig_between(r, k.lo, k.hi);
            slope[v] = (double)rig_between(r, -20000, 20000) / 10000;
            double fraction = frexp(ldexp(slope[v], up), &exponent); /* below 1 */
            k.shift[v] = 15 - exponent < 31 ? 15 - exponent : 31;
            k.mult[v] = (int64_t)rint(ldexp(fraction, exponent + (int)k.shift[v]));
            if (k.mult[v] > 32767) k.mult[v] = 32767;
        }
        run_prelu(r, &k, have);
        for (int v = 0; v < r->V; v++) {
            double real = ldexp((double)k.a[v] * (k.a[v] < 0 ? slope[v] : 1), up);
            double off = 0.5 + (k.a[v] < 0 ? fabs(real) / 16384 + ldexp(top + 1, -31) : 0);
            double want = real > top ? top : real < -top - 1 ? -top - 1 : real;
            if (fabs((double)have[v] - want) > off)
                fail_msg("A=%d a=%lld slope=%g up=%d: %lld, expected %g ± %g", r->A,
                         (long long)k.a[v], slope[v], up, (long long)have[v], want, off);
        }
    }
}

static void prelu(void **state) {
    (void)state;
    for (int shape = 0; shape < 2; shape++) { /* A = 8, A = 16 */
        struct rig r = {.rng = {0x9e1u + (unsigned)shape}};
        ctx_init(&r.ctx, "test", NULL);
        if (setjmp(r.ctx.oom)) fail_msg("out of memory");
        r.arena = arena_new(&r.ctx);
        rig_target(&r, rig_shapes[shape]);
        rig_open(&r, NULL, 0);
        prelu_exact(&r);
        prelu_means_prelu(&r);
        ctx_free(&r.ctx);
    }
}

/* One input vector of −2^(A−1) against a column of the largest weight, added until the sum has
 * wrapped. */
static void wrap_around(const int shape[6]) {
    if (shape[5] != SVPE_ELEMENT_SHIFT) return; /* the codes below are P8 */
    struct rig r = {.rng = {1}};
    ctx_init(&r.ctx, "test", NULL);
    if (setjmp(r.ctx.oom)) fail_msg("out of memory");
    r.arena = arena_new(&r.ctx);
    rig_target(&r, shape);
    struct svpe_insn i = svpe_insn_new(SVPE_CONV, 0);
    static const enum svpe_field ones[] = {
        SVPE_CONV_rows, SVPE_CONV_cols, SVPE_CONV_kh, SVPE_CONV_kw, SVPE_CONV_ib,  SVPE_CONV_ob,
        SVPE_CONV_sy,   SVPE_CONV_sx,   SVPE_CONV_dy, SVPE_CONV_dx, SVPE_CONV_more};
    for (size_t n = 0; n < sizeof ones / sizeof *ones; n++) svpe_set(&i, ones[n], 1);
    svpe_set(&i, SVPE_CONV_wfmt, SVPE_WFMT_P8);
    rig_open(&r, &i, 1);
    for (int v = 0; v < r.V; v++) {
        write_le(r.e->act + v * r.A / 8, r.A, -(INT64_C(1) << (r.A - 1)));
        r.e->wgt[v] = 15;       /* element 0: +2^14 */
        r.e->wgt[r.V + v] = 31; /* element 1: −2^14 */
    }
    int64_t bits = r.target.acc_bits, step = (int64_t)r.V << (r.A - 1 + 14);
    int64_t low = -(INT64_C(1) << (bits - 1)), rounds = (-low) / step + 2;
    r.e->acc[0] = low + 2 * step;
    r.e->acc[1] = -low - 1 - 2 * step;
    for (int64_t n = 0; n < 4 && n < rounds; n++) rt_emulator_execute(r.e, &i);
    assert_int_equal(r.e->acc[0], -low - 2 * step);
    assert_int_equal(r.e->acc[1], low - 1 + 2 * step);
    ctx_free(&r.ctx);
}

static void accumulators_wrap(void **state) {
    (void)state;
    for (int shape = 0; shape < RIG_SHAPES; shape++) wrap_around(rig_shapes[shape]);
}

/* ---- Kernels ---- */

static void kernels_agree(void **state) {
    (void)state;
    enum { COLS = 9, LANES = 16, STRIDE = 48 };
    static uint32_t taps[COLS * LANES], weights[LANES * STRIDE];
    static uint32_t plain[COLS * STRIDE], other[COLS * STRIDE];
    struct rng rng = {7};
    for (size_t n = 0; n < COLS * LANES; n++) taps[n] = (uint32_t)rng_next(&rng);
    for (size_t n = 0; n < LANES * STRIDE; n++) weights[n] = (uint32_t)rng_next(&rng);
    for (int k = 0; k < rt_mac_kernel_count(); k++)
        for (int cols = 1; cols <= COLS; cols++)
            for (int live = 0; live <= STRIDE / RT_GROUP; live++) {
                for (size_t n = 0; n < COLS * STRIDE; n++)
                    plain[n] = other[n] = (uint32_t)rng_next(&rng);
                rt_mac_kernel_at(k)(other, taps, weights, cols, LANES, STRIDE, live);
                for (int x = 0; x < cols; x++)
                    for (int e = 0; e < live * RT_GROUP; e++)
                        for (int v = 0; v < LANES; v++)
                            plain[x * STRIDE + e] += taps[x * LANES + v] * weights[v * STRIDE + e];
                assert_memory_equal(plain, other, sizeof plain);
            }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_instruction),
        cmocka_unit_test(requantize_corners),
        cmocka_unit_test(prelu),
        cmocka_unit_test(accumulators_wrap),
        cmocka_unit_test(kernels_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
