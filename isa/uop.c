/* The visible micro-instructions of the array and of the vector unit, in issue order, with their
 * cycles and port uses.
 *
 * conv:   for output block, for group of P pixels (row-major over rows · cols): [init]; for term:
 *         (for kernel row, tap group, input block: mac); shl between the terms; out. Running sums
 *         stay in the array within a group.
 * vector: for block, for beat of vector_lanes / V pixels (row-major): one micro-instruction, of
 *         instructions on windows one per tap. Tiles and kinds are those of svpe.def's rows.
 *
 * Ports. A bank of the activation buffer (vector address modulo act_banks) delivers one vector per
 * cycle, and takes one; a vector that several columns or pixels want is delivered once. The two
 * operands of v.add and v.mul are read through two halves of the ports and do not hinder each
 * other. The array takes one weight block per cycle; the accumulator buffer delivers, and takes, as
 * many entries per cycle as there are columns. Which micro-instruction uses which port is
 * svpe.def's UOP rows, whose letters choose the function that counts.
 *
 * Not here: how instructions of different queues get into each other's way.
 */
#include "isa/isa.h"

#include <assert.h>
#include <string.h>

enum { MAX_VECTORS = 1 << 18, MAX_BANKS = 1024 };

/* ---- Banks ---- */

/* Vectors taken in one micro-instruction: which, and how many of each bank. */
struct access {
    int64_t banks;
    int count, peak;
    int per_bank[MAX_BANKS];
    uint64_t taken[MAX_VECTORS / 64]; /* valid only between first and last of access_begin() */
};

static int64_t limit(int64_t vector) {
    return vector < 0 ? 0 : vector >= MAX_VECTORS ? MAX_VECTORS - 1 : vector;
}

static void access_begin(struct access *a, const struct svpe_target *t, int64_t first,
                         int64_t last) {
    int64_t low = limit(first) / 64, high = limit(last) / 64;
    a->banks = t->act_banks;
    a->count = a->peak = 0;
    memset(a->per_bank, 0, (size_t)a->banks * sizeof *a->per_bank);
    if (high >= low) memset(a->taken + low, 0, (size_t)(high - low + 1) * sizeof *a->taken);
}

static void take(struct access *a, int64_t vector) {
    assert(vector >= 0 && vector < MAX_VECTORS);
    uint64_t bit = (uint64_t)1 << (vector % 64);
    if (a->taken[vector / 64] & bit) return;
    a->taken[vector / 64] |= bit;
    int n = ++a->per_bank[vector % a->banks];
    a->count++;
    if (n > a->peak) a->peak = n;
}

/* ---- Tiles ---- */

/* Where the vector of pixel (y, x) of a block lies: row y / ry · ny + oy, column x / rx · nx + ox,
 * not read outside of [0, ih) × [0, iw). */
struct tile {
    int64_t at, row, ny, nx, ry, rx, oy, ox, ih, iw;
};

/* Pixels of a group or beat, numbered row-major. */
struct pixels {
    int64_t cols, first, end;
};

static struct tile tile_at(int64_t at, int64_t row) {
    return (struct tile){at, row, 1, 1, 1, 1, 0, 0, INT64_MAX, INT64_MAX};
}

static int64_t tile_vector(const struct tile *t, int64_t y, int64_t x) {
    return t->at + (y / t->ry * t->ny + t->oy) * t->row + x / t->rx * t->nx + t->ox;
}

static int64_t tile_lowest(const struct tile *t, struct pixels p) {
    return tile_vector(t, p.first / p.cols, 0);
}

static int64_t tile_highest(const struct tile *t, struct pixels p) {
    return tile_vector(t, (p.end - 1) / p.cols, p.cols - 1);
}

static void take_tile(struct access *a, const struct tile *t, struct pixels p) {
    for (int64_t n = p.first; n < p.end; n++) {
        int64_t y = n / p.cols, x = n % p.cols;
        int64_t row = y / t->ry * t->ny + t->oy, col = x / t->rx * t->nx + t->ox;
        if (row >= 0 && row < t->ih && col >= 0 && col < t->iw) take(a, tile_vector(t, y, x));
    }
}

static void access_tile(struct access *a, const struct svpe_target *target, const struct tile *t,
                        struct pixels p) {
    access_begin(a, target, tile_lowest(t, p), tile_highest(t, p));
    take_tile(a, t, p);
}

/* ---- Micro-instructions in general ---- */

static void take_cycles(struct svpe_uop *u, int64_t uses, int64_t ports) {
    int64_t cycles = (uses + ports - 1) / ports;
    if (cycles > u->cycles) u->cycles = (int)cycles;
}

/* Uses of a port by letter of svpe.def's USE rows; 0 where the letter means nothing here. */
enum { LETTERS = 26 };
struct uses {
    int64_t of[LETTERS];
};

static int64_t uses_of(char row, const struct uses *n) {
    return row < 'A' ? row : n->of[row - 'A'];
}

/* All but the activation buffer. */
static void fill_ports(struct svpe_uop *u, const struct svpe_target *t, const struct uses *n) {
    const struct svpe_uop_info *info = svpe_uop_info(u->kind);
    bool lookups = info->par_reads >= 'A';
    u->cycles = 1;
    u->wgt_reads = (int)uses_of(info->wgt_reads, n);
    u->acc_reads = (int)uses_of(info->acc_reads, n);
    u->acc_writes = (int)uses_of(info->acc_writes, n);
    u->par_reads = (int)uses_of(info->par_reads, n);
    take_cycles(u, u->wgt_reads, 1);
    take_cycles(u, u->acc_reads, t->columns);
    take_cycles(u, u->acc_writes, t->columns);
    take_cycles(u, u->par_reads, lookups ? t->table_lanes : 1);
}

static void fill_reads(struct svpe_uop *u, const struct access *a) {
    u->act_reads += a->count;
    if (a->peak > u->bank_peak) u->bank_peak = a->peak;
    take_cycles(u, a->peak, 1);
}

/* ---- Array ---- */

struct conv {
    const struct svpe_insn *i;
    const struct svpe_target *t;
    int64_t form, rows, cols, kh, kw, ib, ob, sy, sx, dy, dx;
    int64_t pixel; /* elements of an input pixel */
    int64_t taps;  /* kernel columns per weight block */
    int64_t tap_groups;
    int64_t more, terms, groups;
    enum svpe_uop_kind mac;
    int64_t macs;  /* mac micro-instructions per term of a group */
    int64_t steps; /* micro-instructions per group */
};

static int64_t ceil_div(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

static void conv_begin(struct conv *c, const struct svpe_machine *m, const struct svpe_insn *i) {
    *c = (struct conv){.i = i, .t = m->target};
    c->form = svpe_get(i, SVPE_CONV_form);
    c->rows = svpe_get(i, SVPE_CONV_rows);
    c->cols = svpe_get(i, SVPE_CONV_cols);
    c->kh = svpe_get(i, SVPE_CONV_kh);
    c->kw = svpe_get(i, SVPE_CONV_kw);
    c->ib = svpe_get(i, SVPE_CONV_ib);
    c->ob = svpe_get(i, SVPE_CONV_ob);
    c->sy = svpe_get(i, SVPE_CONV_sy);
    c->sx = svpe_get(i, SVPE_CONV_sx);
    c->dy = svpe_get(i, SVPE_CONV_dy);
    c->dx = svpe_get(i, SVPE_CONV_dx);
    c->more = svpe_get(i, SVPE_CONV_more);
    c->terms = 1 + svpe_get(i, SVPE_CONV_two);
    c->taps = svpe_taps_per_block(c->t, (enum svpe_form)c->form, svpe_get(i, SVPE_CONV_px));
    c->pixel = c->form == SVPE_FORM_STEM ? INT64_C(1) << svpe_get(i, SVPE_CONV_px) : c->t->lanes;
    c->mac = c->form == SVPE_FORM_DEPTHWISE ? SVPE_UOP_MACW : SVPE_UOP_MAC;
    c->tap_groups = ceil_div(c->kw, c->taps);
    c->groups = ceil_div(c->rows * c->cols, c->t->columns);
    c->macs = c->kh * c->tap_groups * c->ib;
    c->steps = c->more + c->terms * (c->macs + 1);
}

static struct pixels conv_pixels(const struct conv *c, int64_t group) {
    int64_t first = group * c->t->columns, end = first + c->t->columns;
    return (struct pixels){c->cols, first, end < c->rows * c->cols ? end : c->rows * c->cols};
}

/* Kernel columns in use of the tap group that starts at kx. */
static int64_t conv_taps_used(const struct conv *c, int64_t kx) {
    return c->kw - kx < c->taps ? c->kw - kx : c->taps;
}

static struct tile conv_tile(const struct conv *c, int64_t block, int64_t ky, int64_t kx) {
    struct tile t = tile_at(svpe_get(c->i, SVPE_CONV_src) + block * svpe_get(c->i, SVPE_CONV_db),
                            svpe_get(c->i, SVPE_CONV_dr));
    t.ny = c->sy;
    t.nx = c->sx;
    t.oy = ky * c->dy;
    t.ox = kx * c->dx;
    return t;
}

/* C: a column's taps are one vector, or in the stem form parts of one or two. */
static void read_columns(struct access *a, const struct conv *c, const struct svpe_uop *u,
                         struct pixels p) {
    struct tile t = conv_tile(c, u->ib, u->ky, 0);
    int64_t run = conv_taps_used(c, u->kx) * c->pixel, lanes = c->t->lanes;
    int64_t past = (p.cols - 1) * c->sx + (c->kw - 1) * c->dx + 1; /* columns of an input row */
    t.nx = 0;
    access_begin(a, c->t, tile_lowest(&t, p), tile_highest(&t, p) + past * c->pixel / lanes);
    for (int64_t n = p.first; n < p.end; n++) {
        int64_t first = (n % p.cols * c->sx + u->kx * c->dx) * c->pixel, last = first + run - 1;
        int64_t row = tile_vector(&t, n / p.cols, 0);
        for (int64_t v = first / lanes; v <= last / lanes; v++) take(a, row + v);
    }
}

/* W. An output block has E channels: several vectors where E > V, a part of one where E < V. */
static void read_window(struct access *a, const struct conv *c, const struct svpe_uop *u,
                        struct pixels p) {
    int64_t first = u->ob * c->t->elements / c->t->lanes;
    int64_t blocks = ceil_div(c->t->elements, c->t->lanes), taps = conv_taps_used(c, u->kx);
    struct tile low = conv_tile(c, first, u->ky, u->kx);
    struct tile high = conv_tile(c, first + blocks - 1, u->ky, u->kx + taps - 1);
    access_begin(a, c->t, tile_lowest(&low, p), tile_highest(&high, p));
    for (int64_t b = first; b < first + blocks; b++)
        for (int64_t k = 0; k < taps; k++) {
            struct tile t = conv_tile(c, b, u->ky, u->kx + k);
            take_tile(a, &t, p);
        }
}

typedef void conv_read_fn(struct access *a, const struct conv *c, const struct svpe_uop *u,
                          struct pixels p);

static conv_read_fn *const conv_reads[LETTERS] = {['C' - 'A'] = read_columns,
                                                  ['W' - 'A'] = read_window};

/* Ports and cycles of a micro-instruction whose kind and loop indices stand. */
static void fill_conv(struct svpe_uop *u, const struct conv *c) {
    struct pixels p = conv_pixels(c, u->group);
    char reads = svpe_uop_info(u->kind)->act_reads;
    struct uses columns = {.of = {['C' - 'A'] = p.end - p.first}};
    fill_ports(u, c->t, &columns);
    if (reads < 'A' || !conv_reads[reads - 'A']) return;
    struct access a;
    conv_reads[reads - 'A'](&a, c, u, p);
    fill_reads(u, &a);
}

/* Step s of a group: what it is and where its loops stand. */
static void conv_step(struct svpe_uop *u, const struct conv *c, int64_t s) {
    if (s < c->more) {
        u->kind = SVPE_UOP_INIT;
        return;
    }
    s -= c->more;
    int64_t r = s % (c->macs + 1);
    u->term = (int)(s / (c->macs + 1));
    if (r == c->macs) {
        u->kind = u->term + 1 < c->terms ? SVPE_UOP_SHL : SVPE_UOP_OUT;
        return;
    }
    u->kind = c->mac;
    u->ib = (int)(r % c->ib);
    u->kx = (int)(r / c->ib % c->tap_groups * c->taps);
    u->ky = (int)(r / (c->ib * c->tap_groups));
}

static bool conv_uop(const struct conv *c, uint64_t n, struct svpe_uop *u) {
    int64_t steps = (int64_t)n, group = steps / c->steps;
    if (group >= c->groups * c->ob) return false;
    u->ob = (int)(group / c->groups);
    u->group = (int)(group % c->groups);
    conv_step(u, c, steps % c->steps);
    fill_conv(u, c);
    return true;
}

/* Output blocks, terms, kernel rows and input blocks shift all addresses of a micro-instruction
 * alike, which turns the banks around but leaves their load: only pixel group and the number of
 * taps decide. */
static int64_t conv_step_cycles(const struct conv *c, enum svpe_uop_kind kind, int64_t group,
                                int64_t kx) {
    struct svpe_uop u = {.kind = kind, .group = (int)group, .kx = (int)kx};
    fill_conv(&u, c);
    return u.cycles;
}

static uint64_t conv_cycles(const struct conv *c) {
    int64_t whole = c->kw / c->taps, rest = c->kw % c->taps != 0, total = 0;
    for (int64_t g = 0; g < c->groups; g++) {
        int64_t row = whole ? whole * conv_step_cycles(c, c->mac, g, 0) : 0;
        if (rest) row += conv_step_cycles(c, c->mac, g, whole * c->taps);
        total += c->terms * c->kh * c->ib * row;
        if (c->more) total += conv_step_cycles(c, SVPE_UOP_INIT, g, 0);
        if (c->terms > 1) total += (c->terms - 1) * conv_step_cycles(c, SVPE_UOP_SHL, g, 0);
        total += conv_step_cycles(c, SVPE_UOP_OUT, g, 0);
    }
    return (uint64_t)(c->ob * total);
}

/* ---- Vector unit ---- */

struct vec {
    const struct svpe_target *t;
    enum svpe_uop_kind kind;
    struct tile from[SVPE_MAX_SOURCES], to; /* of block 0 */
    int64_t from_block[SVPE_MAX_SOURCES], to_block;
    int sources;
    int64_t nb, rows, cols, kw, taps;
    int64_t per_beat, beats; /* pixels per beat, beats per block */
    int64_t entries;         /* accumulator entries per pixel and block */
    bool border;             /* windows are cut */
};

typedef void walk_fn(struct vec *v, struct tile *t, const struct svpe_insn *i,
                     const struct svpe_operand *o);

static void walk_residual(struct vec *v, struct tile *t, const struct svpe_insn *i,
                          const struct svpe_operand *o) {
    (void)t;
    if (!svpe_get(i, o->flag)) v->sources--;
}

static void walk_broadcast(struct vec *v, struct tile *t, const struct svpe_insn *i,
                           const struct svpe_operand *o) {
    (void)v;
    if (svpe_get(i, o->flag)) t->row = t->nx = 0;
}

static void walk_samples(struct vec *v, struct tile *t, const struct svpe_insn *i,
                         const struct svpe_operand *o) {
    (void)v;
    t->ny = svpe_get(i, o->ny);
    t->nx = svpe_get(i, o->nx);
    t->ry = svpe_get(i, o->ry);
    t->rx = svpe_get(i, o->rx);
}

static void walk_windows(struct vec *v, struct tile *t, const struct svpe_insn *i,
                         const struct svpe_operand *o) {
    v->kw = svpe_get(i, o->kw);
    v->taps = svpe_get(i, o->kh) * v->kw;
    t->ny = svpe_get(i, o->sy);
    t->nx = svpe_get(i, o->sx);
    if (!svpe_get(i, o->flag)) return;
    v->border = true;
    t->oy = -svpe_get(i, o->pt);
    t->ox = -svpe_get(i, o->pl);
    t->ih = svpe_get(i, o->ih);
    t->iw = svpe_get(i, o->iw);
}

/* NULL: pixel (y, x), as tile_at() has it. */
static walk_fn *const walks[SVPE_WALK_COUNT] = {[SVPE_WALK_RESIDUAL] = walk_residual,
                                                [SVPE_WALK_BROADCAST] = walk_broadcast,
                                                [SVPE_WALK_SAMPLES] = walk_samples,
                                                [SVPE_WALK_WINDOWS] = walk_windows};

static void vec_source(struct vec *v, const struct svpe_insn *i, const struct svpe_operand *o) {
    struct tile *t = &v->from[v->sources];
    *t = tile_at(svpe_get(i, o->at), svpe_get(i, o->row));
    v->from_block[v->sources++] = svpe_get(i, o->block);
    if (walks[o->walk]) walks[o->walk](v, t, i, o);
}

/* i must have a STEP row. */
static void vec_begin(struct vec *v, const struct svpe_machine *m, const struct svpe_insn *i) {
    const struct svpe_op_info *op = svpe_op_info(i->op);
    const struct svpe_vector_info *info = svpe_vector_info(op->format);
    *v = (struct vec){.t = m->target, .kind = op->step.kind, .taps = 1, .kw = 1};
    v->nb = svpe_get(i, info->nb);
    v->rows = svpe_get(i, info->rows);
    v->cols = svpe_get(i, info->cols);
    v->to = tile_at(svpe_get(i, info->result.at), svpe_get(i, info->result.row));
    v->to_block = svpe_get(i, info->result.block);
    for (int n = 0; n < SVPE_MAX_SOURCES; n++)
        if (info->source[n].what) vec_source(v, i, &info->source[n]);
    v->entries = info->sums.known ? ceil_div(v->t->lanes, v->t->elements) : 0;
    v->per_beat = v->t->vector_lanes / v->t->lanes;
    v->beats = ceil_div(v->rows * v->cols, v->per_beat);
}

/* B: the vectors of a beat of each source tile, moved by the tap. */
static void read_beat(struct svpe_uop *u, const struct vec *v, int64_t block, struct pixels p) {
    struct access a;
    for (int s = 0; s < v->sources; s++) {
        struct tile from = v->from[s];
        from.at += block * v->from_block[s];
        from.oy += u->tap / v->kw;
        from.ox += u->tap % v->kw;
        access_tile(&a, v->t, &from, p);
        fill_reads(u, &a);
    }
}

/* D */
static void write_beat(struct svpe_uop *u, const struct vec *v, int64_t block, struct pixels p) {
    struct access a;
    struct tile to = v->to;
    to.at += block * v->to_block;
    access_tile(&a, v->t, &to, p);
    u->act_writes += a.count;
    take_cycles(u, a.peak, 1);
}

/* E */
static void write_last(struct svpe_uop *u, const struct vec *v, int64_t block, struct pixels p) {
    if (u->tap + 1 == v->taps) write_beat(u, v, block, p);
}

typedef void vec_access_fn(struct svpe_uop *u, const struct vec *v, int64_t block, struct pixels p);

static vec_access_fn *const vec_accesses[LETTERS] = {
    ['B' - 'A'] = read_beat, ['D' - 'A'] = write_beat, ['E' - 'A'] = write_last};

static void vec_access(char row, struct svpe_uop *u, const struct vec *v, int64_t block,
                       struct pixels p) {
    if (row >= 'A' && vec_accesses[row - 'A']) vec_accesses[row - 'A'](u, v, block, p);
}

static struct uses vec_uses(const struct vec *v, const struct svpe_uop *u, int64_t pixels) {
    bool factors = v->border && u->tap + 1 == v->taps;
    return (struct uses){.of = {['B' - 'A'] = pixels * v->entries,
                                ['L' - 'A'] = pixels * v->t->lanes,
                                ['F' - 'A'] = factors ? pixels : 0}};
}

static bool vec_uop(const struct vec *v, uint64_t n, struct svpe_uop *u) {
    int64_t at = (int64_t)n / v->taps, block = at / v->beats, beat = at % v->beats;
    if (block >= v->nb) return false;
    u->kind = v->kind;
    u->beat = (int)at;
    u->tap = (int)((int64_t)n % v->taps);
    struct pixels p = {v->cols, beat * v->per_beat, (beat + 1) * v->per_beat};
    if (p.end > v->rows * v->cols) p.end = v->rows * v->cols;
    const struct svpe_uop_info *info = svpe_uop_info(v->kind);
    struct uses uses = vec_uses(v, u, p.end - p.first);
    fill_ports(u, v->t, &uses);
    vec_access(info->act_reads, u, v, block, p);
    vec_access(info->act_writes, u, v, block, p);
    return true;
}

/* Blocks shift all addresses alike, as in conv_cycles(). */
static uint64_t vec_cycles(struct vec *v) {
    uint64_t total = 0, blocks = (uint64_t)v->nb;
    v->nb = 1;
    for (uint64_t n = 0;; n++) {
        struct svpe_uop u = {0};
        if (!vec_uop(v, n, &u)) return total * blocks;
        total += (uint64_t)u.cycles;
    }
}

/* ---- Instructions ---- */

void svpe_uop_begin(struct svpe_uop_iter *it, const struct svpe_machine *m,
                    const struct svpe_insn *i) {
    *it = (struct svpe_uop_iter){m, i, 0};
}

bool svpe_uop_next(struct svpe_uop_iter *it, struct svpe_uop *out) {
    uint64_t n = it->next++;
    *out = (struct svpe_uop){0};
    if (it->i->op == SVPE_CONV) {
        struct conv c;
        conv_begin(&c, it->m, it->i);
        return conv_uop(&c, n, out);
    }
    if (!svpe_op_info(it->i->op)->step.known) return false;
    struct vec v;
    vec_begin(&v, it->m, it->i);
    return vec_uop(&v, n, out);
}

/* DRAM bytes of a copy; 0 of everything else. */
static uint64_t copied_bytes(const struct svpe_machine *m, const struct svpe_insn *i) {
    int64_t element = m->act_bits / 8;
    switch (svpe_op_info(i->op)->format) {
    case SVPE_FORMAT_LINE:
        return (uint64_t)svpe_get(i, SVPE_LINE_count) * 8;
    case SVPE_FORMAT_TILE:
        return (uint64_t)(svpe_get(i, SVPE_TILE_nb) * svpe_get(i, SVPE_TILE_nr) *
                          svpe_get(i, SVPE_TILE_nc) * element)
               << svpe_get(i, SVPE_TILE_px);
    case SVPE_FORMAT_BACK:
        return (uint64_t)(svpe_get(i, SVPE_BACK_nb) * svpe_get(i, SVPE_BACK_nr) *
                          svpe_get(i, SVPE_BACK_nc) * svpe_get(i, SVPE_BACK_lanes) * element);
    default:
        return 0;
    }
}

uint64_t svpe_insn_cycles(const struct svpe_machine *m, const struct svpe_insn *i) {
    if (i->op == SVPE_CONV) {
        struct conv c;
        conv_begin(&c, m, i);
        return conv_cycles(&c);
    }
    if (svpe_op_info(i->op)->step.known) {
        struct vec v;
        vec_begin(&v, m, i);
        return vec_cycles(&v);
    }
    uint64_t bytes = copied_bytes(m, i), per_cycle = (uint64_t)m->target->dram_bytes;
    return bytes ? (uint64_t)m->target->dram_latency + (bytes + per_cycle - 1) / per_cycle : 0;
}

static void print_count(struct writer *to, const char *name, int count) {
    if (count) write_text(to, " %s=%d", name, count);
}

void svpe_uop_print(const struct svpe_uop *u, struct writer *to) {
    write_text(to, "%s", svpe_uop_info(u->kind)->mnemonic);
    if (u->kind == SVPE_UOP_MAC || u->kind == SVPE_UOP_MACW)
        write_text(to, " ob=%d group=%d term=%d ky=%d kx=%d ib=%d", u->ob, u->group, u->term, u->ky,
                   u->kx, u->ib);
    else if (u->kind == SVPE_UOP_INIT || u->kind == SVPE_UOP_SHL || u->kind == SVPE_UOP_OUT)
        write_text(to, " ob=%d group=%d", u->ob, u->group);
    else
        write_text(to, " beat=%d", u->beat);
    if (svpe_uop_info(u->kind)->act_writes == 'E') write_text(to, " tap=%d", u->tap);
    write_text(to, " : cycles=%d", u->cycles);
    print_count(to, "act", u->act_reads);
    print_count(to, "peak", u->bank_peak);
    print_count(to, "wgt", u->wgt_reads);
    print_count(to, "acc", u->acc_reads);
    print_count(to, "acc.out", u->acc_writes);
    print_count(to, "act.out", u->act_writes);
    print_count(to, "par", u->par_reads);
}
