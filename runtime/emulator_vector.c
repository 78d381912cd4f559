/* The vector unit: requantize, add, multiply, scale, PReLU, look-up, copy, maximum, average.
 * Meanings: isa/svpe.def; rounding and saturation: docs/numbers.md.
 *
 * One result vector after the other, blocks outermost, then rows, then columns; each is stored
 * before the next is read. */
#include "runtime/emulator.h"

#include <string.h>

enum {
#define TARGET_KEY(name, min, max, meaning) largest_##name = max,
#include "isa/target.def"
#undef TARGET_KEY
    MAX_LANES = largest_lanes
};

static int64_t round_shift(int64_t x, int s) {
    return (x + (s ? (int64_t)1 << (s - 1) : 0)) >> s;
}

static int32_t clamp(int64_t x, int64_t lo, int64_t hi) {
    return (int32_t)(x < lo ? lo : x > hi ? hi : x);
}

static int32_t saturate(const struct rt_emulator *e, int64_t x) {
    return clamp(x, e->act_zero, -(int64_t)e->act_zero - 1);
}

/* ---- Tiles ---- */

struct tile { /* in vectors */
    size_t at, block, row;
};

struct shape {
    int nb, rows, cols;
};

static struct tile tile_of(const struct svpe_insn *i, enum svpe_field at, enum svpe_field block,
                           enum svpe_field row) {
    return (struct tile){(size_t)svpe_get(i, at), (size_t)svpe_get(i, block),
                         (size_t)svpe_get(i, row)};
}

static struct shape shape_of(const struct svpe_insn *i, enum svpe_field nb, enum svpe_field rows,
                             enum svpe_field cols) {
    return (struct shape){(int)svpe_get(i, nb), (int)svpe_get(i, rows), (int)svpe_get(i, cols)};
}

static size_t vector_at(const struct tile *t, int b, int y, int x) {
    return t->at + (size_t)b * t->block + (size_t)y * t->row + (size_t)x;
}

static void load(const struct rt_emulator *e, const struct tile *t, int b, int y, int x,
                 int32_t *to) {
    rt_load_elements(e, vector_at(t, b, y, x) * (size_t)e->lanes, e->lanes, to);
}

/* Computes vector (b, y, x) of the result into out. */
typedef void vector_fn(struct rt_emulator *e, void *op, int b, int y, int x, int32_t *out);

__attribute__((always_inline)) static inline void loop(struct rt_emulator *e, struct shape s,
                                                       struct tile to, vector_fn *body, void *op) {
    int32_t out[MAX_LANES];
    for (int b = 0; b < s.nb; b++)
        for (int y = 0; y < s.rows; y++)
            for (int x = 0; x < s.cols; x++) {
                body(e, op, b, y, x, out);
                rt_store_elements(e, vector_at(&to, b, y, x) * (size_t)e->lanes, e->lanes, out);
            }
}

/* The body of each instruction of the vector unit, and a loop with the body inside: a STEP row
 * without a body does not compile. op is what its format's function has read of the fields. */
typedef void loop_fn(struct rt_emulator *e, struct shape s, struct tile to, void *op);
#define STEP(insn, ...)                                                                            \
    static vector_fn vector_##insn;                                                                \
    static void loop_##insn(struct rt_emulator *e, struct shape s, struct tile to, void *op) {     \
        loop(e, s, to, vector_##insn, op);                                                         \
    }
#include "isa/svpe.def"
static loop_fn *const loops[SVPE_OP_COUNT] = {
#define STEP(insn, ...) [SVPE_##insn] = loop_##insn,
#include "isa/svpe.def"
};

/* ---- Channel parameters ---- */

struct channels { /* of one block of V channels, read when the block begins */
    size_t par;   /* dword of the first channel of the instruction */
    int block;    /* the one below, −1: none yet */
    int32_t bias[MAX_LANES];
    int16_t mult[MAX_LANES];
    uint8_t shift[MAX_LANES];
};

static uint32_t little(const uint8_t *p, int bytes) {
    uint32_t v = 0;
    for (int n = 0; n < bytes; n++) v |= (uint32_t)p[n] << (8 * n);
    return v;
}

static int16_t table_entry(const struct rt_emulator *e, size_t par, size_t index) {
    return (int16_t)little(e->par + par * 8 + index * 2, 2);
}

static void load_channels(const struct rt_emulator *e, struct channels *c, int block) {
    if (c->block == block) return;
    c->block = block;
    const uint8_t *p = e->par + (c->par + (size_t)block * (size_t)e->lanes) * 8;
    for (int v = 0; v < e->lanes; v++, p += 8) {
        c->bias[v] = (int32_t)little(p, 4);
        c->mult[v] = (int16_t)little(p + 4, 2);
        c->shift[v] = p[6] & 63; /* the loader refuses larger ones */
    }
}

/* ---- v.req ---- */

struct requantize {
    size_t acc;
    int rows, cols, p, q, s;
    bool mul, residual;
    int32_t zo, zb, lo, hi;
    struct tile b;
    struct channels channels;
};

/* V channels of one pixel: channel c of pixel n lies in entry acc + (c/E)·pixels + n, element
 * c%E. Where E and V differ, a run of channels ends at the end of either. */
static void load_accumulators(const struct rt_emulator *e, const struct requantize *r, int b, int y,
                              int x, int64_t *to) {
    size_t E = (size_t)e->elements, pixels = (size_t)r->rows * (size_t)r->cols;
    size_t pixel = (size_t)y * (size_t)r->cols + (size_t)x;
    size_t first = (size_t)b * (size_t)e->lanes, end = first + (size_t)e->lanes;
    for (size_t c = first; c < end;) {
        size_t run = E - c % E < end - c ? E - c % E : end - c;
        const int64_t *from = e->acc + (r->acc + c / E * pixels + pixel) * E + c % E;
        memcpy(to + (c - first), from, run * sizeof *to);
        c += run;
    }
}

static void add_residual(struct rt_emulator *e, const struct requantize *r, int b, int y, int x,
                         int64_t *m) {
    int32_t other[MAX_LANES];
    load(e, &r->b, b, y, x, other);
    for (int v = 0; v < e->lanes;
         v++) /* NOLINTNEXTLINE(clang-analyzer-core.*): load() has set them */
        m[v] = round_shift(saturate(e, m[v]) * ((int64_t)1 << r->p) +
                               (other[v] - r->zb) * ((int64_t)1 << r->q),
                           r->s);
}

/* The sum has w + 1 bits, w + 17 with the factor: nothing wraps here. */
static void vector_REQ(struct rt_emulator *e, void *op, int b, int y, int x, int32_t *out) {
    struct requantize *r = op;
    const struct channels *ch = &r->channels;
    int64_t m[MAX_LANES];
    int lanes = e->lanes;
    load_channels(e, &r->channels, b);
    load_accumulators(e, r, b, y, x, m);
    /* load_accumulators() has set them. NOLINTNEXTLINE(clang-analyzer-core.*) */
    for (int v = 0; v < lanes; v++) m[v] += ch->bias[v];
    if (r->mul)
        for (int v = 0; v < lanes; v++) m[v] *= ch->mult[v];
    for (int v = 0; v < lanes; v++) m[v] = round_shift(m[v], ch->shift[v]);
    if (r->residual) add_residual(e, r, b, y, x, m);
    for (int v = 0; v < lanes; v++) out[v] = clamp(m[v] + r->zo, r->lo, r->hi);
}

static int32_t zero_of(const struct rt_emulator *e, const struct svpe_insn *i, enum svpe_field f) {
    return svpe_get(i, f) ? e->act_zero : 0;
}

void rt_do_requantize(struct rt_emulator *e, const struct svpe_insn *i) {
    struct shape s = shape_of(i, SVPE_REQ_nb, SVPE_REQ_rows, SVPE_REQ_cols);
    struct requantize r = {
        .acc = (size_t)svpe_get(i, SVPE_REQ_acc),
        .rows = s.rows,
        .cols = s.cols,
        .p = (int)svpe_get(i, SVPE_REQ_p),
        .q = (int)svpe_get(i, SVPE_REQ_q),
        .s = (int)svpe_get(i, SVPE_REQ_s),
        .mul = svpe_get(i, SVPE_REQ_mul),
        .residual = svpe_get(i, SVPE_REQ_res),
        .zo = zero_of(e, i, SVPE_REQ_zo),
        .zb = zero_of(e, i, SVPE_REQ_zb),
        .lo = (int32_t)svpe_get(i, SVPE_REQ_lo),
        .hi = (int32_t)svpe_get(i, SVPE_REQ_hi),
        .b = tile_of(i, SVPE_REQ_b, SVPE_REQ_bdb, SVPE_REQ_bdr),
    };
    r.channels.par = (size_t)svpe_get(i, SVPE_REQ_par);
    r.channels.block = -1;
    loops[i->op](e, s, tile_of(i, SVPE_REQ_dst, SVPE_REQ_ddb, SVPE_REQ_ddr), &r);
}

/* ---- v.add, v.mul ---- */

struct pair {
    struct tile a, b;
    bool broadcast;
    int p, q, s;
    int32_t za, zb, zo, lo, hi;
};

static void load_pair(const struct rt_emulator *e, const struct pair *p, int b, int y, int x,
                      int32_t *first, int32_t *second) {
    load(e, &p->a, b, y, x, first);
    load(e, &p->b, b, p->broadcast ? 0 : y, p->broadcast ? 0 : x, second);
}

static void vector_ADD(struct rt_emulator *e, void *op, int b, int y, int x, int32_t *out) {
    const struct pair *p = op;
    int32_t first[MAX_LANES], second[MAX_LANES];
    load_pair(e, p, b, y, x, first, second);
    for (int v = 0; v < e->lanes; v++) {
        int64_t sum =
            (first[v] - p->za) * ((int64_t)1 << p->p) + (second[v] - p->zb) * ((int64_t)1 << p->q);
        out[v] = clamp(round_shift(sum, p->s) + p->zo, p->lo, p->hi);
    }
}

static void vector_MUL(struct rt_emulator *e, void *op, int b, int y, int x, int32_t *out) {
    const struct pair *p = op;
    int32_t first[MAX_LANES], second[MAX_LANES];
    load_pair(e, p, b, y, x, first, second);
    for (int v = 0; v < e->lanes; v++) {
        int64_t product = (int64_t)(first[v] - p->za) * (second[v] - p->zb);
        out[v] = clamp(round_shift(product, p->s) + p->zo, p->lo, p->hi);
    }
}

void rt_do_pair(struct rt_emulator *e, const struct svpe_insn *i) {
    struct pair p = {
        .a = tile_of(i, SVPE_PAIR_a, SVPE_PAIR_adb, SVPE_PAIR_adr),
        .b = tile_of(i, SVPE_PAIR_b, SVPE_PAIR_bdb, SVPE_PAIR_bdr),
        .broadcast = svpe_get(i, SVPE_PAIR_bcast),
        .p = (int)svpe_get(i, SVPE_PAIR_p),
        .q = (int)svpe_get(i, SVPE_PAIR_q),
        .s = (int)svpe_get(i, SVPE_PAIR_s),
        .za = zero_of(e, i, SVPE_PAIR_za),
        .zb = zero_of(e, i, SVPE_PAIR_zb),
        .zo = zero_of(e, i, SVPE_PAIR_zo),
        .lo = (int32_t)svpe_get(i, SVPE_PAIR_lo),
        .hi = (int32_t)svpe_get(i, SVPE_PAIR_hi),
    };
    loops[i->op](e, shape_of(i, SVPE_PAIR_nb, SVPE_PAIR_rows, SVPE_PAIR_cols),
                 tile_of(i, SVPE_PAIR_dst, SVPE_PAIR_ddb, SVPE_PAIR_ddr), &p);
}

/* ---- v.scale, v.prelu, v.lut, v.copy ---- */

struct map {
    struct tile a;
    int ny, nx, ry, rx, p, s;
    int32_t za, zo, lo, hi;
    size_t table;
    struct channels channels;
};

static void load_mapped(const struct rt_emulator *e, const struct map *m, int b, int y, int x,
                        int32_t *to) {
    load(e, &m->a, b, y / m->ry * m->ny, x / m->rx * m->nx, to);
}

static void vector_SCALE(struct rt_emulator *e, void *op, int b, int y, int x, int32_t *out) {
    struct map *m = op;
    const struct channels *ch = &m->channels;
    int32_t a[MAX_LANES];
    load_channels(e, &m->channels, b);
    load_mapped(e, m, b, y, x, a);
    for (int v = 0; v < e->lanes; v++) {
        int64_t sum = (int64_t)(a[v] - m->za) * ch->mult[v] + ch->bias[v];
        out[v] = clamp(round_shift(sum, ch->shift[v]) + m->zo, m->lo, m->hi);
    }
}

static void vector_PRELU(struct rt_emulator *e, void *op, int b, int y, int x, int32_t *out) {
    struct map *m = op;
    const struct channels *ch = &m->channels;
    int32_t a[MAX_LANES];
    load_channels(e, &m->channels, b);
    load_mapped(e, m, b, y, x, a);
    for (int v = 0; v < e->lanes; v++) {
        int64_t in = a[v] - m->za;
        int64_t above = round_shift(in * ((int64_t)1 << m->p), m->s);
        int64_t below = round_shift(in * ch->mult[v], ch->shift[v]);
        out[v] = clamp((in < 0 ? below : above) + m->zo, m->lo, m->hi);
    }
}

static int32_t look_up(const struct rt_emulator *e, size_t table, int32_t a) {
    if (e->act_bits == 8) return table_entry(e, table, (size_t)a + 128);
    size_t index = (size_t)(a + 32768) >> 8;
    int64_t from = table_entry(e, table, index), to = table_entry(e, table, index + 1);
    return (int32_t)(from + round_shift((to - from) * ((a + 32768) & 255), 8));
}

static void vector_LUT(struct rt_emulator *e, void *op, int b, int y, int x, int32_t *out) {
    const struct map *m = op;
    int32_t a[MAX_LANES];
    load_mapped(e, m, b, y, x, a);
    for (int v = 0; v < e->lanes; v++) out[v] = look_up(e, m->table, a[v]);
}

static void vector_COPY(struct rt_emulator *e, void *op, int b, int y, int x, int32_t *out) {
    const struct map *m = op;
    int32_t a[MAX_LANES];
    load_mapped(e, m, b, y, x, a);
    for (int v = 0; v < e->lanes; v++) {
        int64_t shifted = (a[v] - m->za) * ((int64_t)1 << m->p);
        out[v] = clamp(round_shift(shifted, m->s) + m->zo, m->lo, m->hi);
    }
}

void rt_do_map(struct rt_emulator *e, const struct svpe_insn *i) {
    struct map m = {
        .a = tile_of(i, SVPE_MAP_a, SVPE_MAP_adb, SVPE_MAP_adr),
        .ny = (int)svpe_get(i, SVPE_MAP_ny),
        .nx = (int)svpe_get(i, SVPE_MAP_nx),
        .ry = (int)svpe_get(i, SVPE_MAP_ry),
        .rx = (int)svpe_get(i, SVPE_MAP_rx),
        .p = (int)svpe_get(i, SVPE_MAP_p),
        .s = (int)svpe_get(i, SVPE_MAP_s),
        .za = zero_of(e, i, SVPE_MAP_za),
        .zo = zero_of(e, i, SVPE_MAP_zo),
        .lo = (int32_t)svpe_get(i, SVPE_MAP_lo),
        .hi = (int32_t)svpe_get(i, SVPE_MAP_hi),
        .table = (size_t)svpe_get(i, SVPE_MAP_par),
    };
    m.channels.par = m.table;
    m.channels.block = -1;
    loops[i->op](e, shape_of(i, SVPE_MAP_nb, SVPE_MAP_rows, SVPE_MAP_cols),
                 tile_of(i, SVPE_MAP_dst, SVPE_MAP_ddb, SVPE_MAP_ddr), &m);
}

/* ---- v.max, v.avg ---- */

struct window {
    struct tile a;
    int kh, kw, sy, sx, s;
    int32_t mult, za, zo;
    bool border;
    int pt, pl, ih, iw;
    size_t table;
};

struct span {
    int from, to;
};

/* Source places of window n: all of it, or what lies inside when windows are cut. */
static struct span span_of(const struct window *w, int n, int stride, int length, int before,
                           int extent) {
    struct span s = {n * stride, n * stride + length};
    if (!w->border) return s;
    s.from = s.from - before < 0 ? 0 : s.from - before;
    s.to = s.to - before > extent ? extent : s.to - before;
    return s;
}

static struct span rows_of(const struct window *w, int y) {
    return span_of(w, y, w->sy, w->kh, w->pt, w->ih);
}

static struct span cols_of(const struct window *w, int x) {
    return span_of(w, x, w->sx, w->kw, w->pl, w->iw);
}

static void vector_MAX(struct rt_emulator *e, void *op, int b, int y, int x, int32_t *out) {
    const struct window *w = op;
    struct span rows = rows_of(w, y), cols = cols_of(w, x);
    int32_t a[MAX_LANES];
    for (int v = 0; v < e->lanes; v++) out[v] = e->act_zero;
    for (int r = rows.from; r < rows.to; r++)
        for (int c = cols.from; c < cols.to; c++) {
            load(e, &w->a, b, r, c, a);
            for (int v = 0; v < e->lanes; v++)
                if (a[v] > out[v]) out[v] = a[v];
        }
}

static int32_t factor(const struct rt_emulator *e, const struct window *w, struct span rows,
                      struct span cols) {
    if (!w->border) return w->mult;
    if (rows.from >= rows.to || cols.from >= cols.to) return 0;
    return table_entry(e, w->table,
                       (size_t)((rows.to - rows.from - 1) * w->kw + cols.to - cols.from - 1));
}

static void vector_AVG(struct rt_emulator *e, void *op, int b, int y, int x, int32_t *out) {
    const struct window *w = op;
    struct span rows = rows_of(w, y), cols = cols_of(w, x);
    int32_t a[MAX_LANES];
    int64_t sum[MAX_LANES] = {0};
    for (int r = rows.from; r < rows.to; r++)
        for (int c = cols.from; c < cols.to; c++) {
            load(e, &w->a, b, r, c, a);
            for (int v = 0; v < e->lanes; v++) sum[v] += a[v] - w->za;
        }
    int32_t m = factor(e, w, rows, cols);
    for (int v = 0; v < e->lanes; v++) out[v] = saturate(e, round_shift(sum[v] * m, w->s) + w->zo);
}

void rt_do_window(struct rt_emulator *e, const struct svpe_insn *i) {
    struct window w = {
        .a = tile_of(i, SVPE_WIN_a, SVPE_WIN_adb, SVPE_WIN_adr),
        .kh = (int)svpe_get(i, SVPE_WIN_kh),
        .kw = (int)svpe_get(i, SVPE_WIN_kw),
        .sy = (int)svpe_get(i, SVPE_WIN_sy),
        .sx = (int)svpe_get(i, SVPE_WIN_sx),
        .s = (int)svpe_get(i, SVPE_WIN_s),
        .mult = (int32_t)svpe_get(i, SVPE_WIN_mult),
        .za = zero_of(e, i, SVPE_WIN_za),
        .zo = zero_of(e, i, SVPE_WIN_zo),
        .border = svpe_get(i, SVPE_WIN_border),
        .pt = (int)svpe_get(i, SVPE_WIN_pt),
        .pl = (int)svpe_get(i, SVPE_WIN_pl),
        .ih = (int)svpe_get(i, SVPE_WIN_ih),
        .iw = (int)svpe_get(i, SVPE_WIN_iw),
        .table = (size_t)svpe_get(i, SVPE_WIN_par),
    };
    loops[i->op](e, shape_of(i, SVPE_WIN_nb, SVPE_WIN_rows, SVPE_WIN_cols),
                 tile_of(i, SVPE_WIN_dst, SVPE_WIN_ddb, SVPE_WIN_ddr), &w);
}
