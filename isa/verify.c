/* One instruction on one machine: what the loader must know before a program may run. Every address
 * an instruction touches lies inside its buffer or region, every loop is finite and not empty,
 * every value is one that the instruction's meaning covers. Copies, the vector unit and rules
 * between fields are looked up in svpe.def's rows; only conv is known here.
 *
 * Not here: words (code.c), tokens and races (order.c), parameters, layer tags and where a segment
 * ends (runtime/). */
#include "isa/isa.h"

#include <assert.h>
#include <stdarg.h>
#include <stddef.h>

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

/* True if the region is one that the copy's row allows. */
static bool allowed_region(struct check *c, enum svpe_field f) {
    unsigned allowed = svpe_op_info(c->i->op)->copy.regions;
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

static void zero(struct check *c, enum svpe_field f, const char *when) {
    if (get(c, f) == 0) return;
    fail(c, "%s: expected 0 %s, found %lld", svpe_field_info(f)->name, when, (long long)get(c, f));
}

/* ---- Rules between fields ---- */

struct rule {
    enum svpe_format format;
    void (*check)(struct check *c, const struct rule *r);
    enum svpe_field f, g;
    int64_t value;
    size_t key; /* offset of the target's member */
    const char *text;
};

static void clamp_rule(struct check *c, const struct rule *r) {
    check_activation(c, r->f);
    check_activation(c, r->g);
    if (get(c, r->f) > get(c, r->g)) {
        fail(c, "%s: expected at most %s, found %lld > %lld", svpe_field_info(r->f)->name,
             svpe_field_info(r->g)->name, (long long)get(c, r->f), (long long)get(c, r->g));
    }
}

static void either_rule(struct check *c, const struct rule *r) {
    if (get(c, r->f) == 0 || get(c, r->g) == 0) return;
    fail(c, "%s and %s: expected one of them to be 0, found %lld and %lld",
         svpe_field_info(r->f)->name, svpe_field_info(r->g)->name, (long long)get(c, r->f),
         (long long)get(c, r->g));
}

static void zero_rule(struct check *c, const struct rule *r) {
    if (get(c, r->g) == r->value) zero(c, r->f, r->text);
}

static void needs_rule(struct check *c, const struct rule *r) {
    int64_t offered = *(const int64_t *)((const char *)c->m->target + r->key);
    if (offered || get(c, r->f) == 0) return;
    fail(c, "%s: expected 0, %s", svpe_field_info(r->f)->name, r->text);
}

static const struct rule rules[] = {
#define CLAMP(format_, lo, hi)                                                                     \
    {.format = SVPE_FORMAT_##format_,                                                              \
     .check = clamp_rule,                                                                          \
     .f = SVPE_##format_##_##lo,                                                                   \
     .g = SVPE_##format_##_##hi},
#define EITHER(format_, p, q)                                                                      \
    {.format = SVPE_FORMAT_##format_,                                                              \
     .check = either_rule,                                                                         \
     .f = SVPE_##format_##_##p,                                                                    \
     .g = SVPE_##format_##_##q},
#define ZERO(format_, field, flag, value_, when)                                                   \
    {.format = SVPE_FORMAT_##format_,                                                              \
     .check = zero_rule,                                                                           \
     .f = SVPE_##format_##_##field,                                                                \
     .g = SVPE_##format_##_##flag,                                                                 \
     .value = value_,                                                                              \
     .text = when},
#define NEEDS(format_, field, key_, why)                                                           \
    {.format = SVPE_FORMAT_##format_,                                                              \
     .check = needs_rule,                                                                          \
     .f = SVPE_##format_##_##field,                                                                \
     .key = offsetof(struct svpe_target, key_),                                                    \
     .text = why},
#include "isa/svpe.def"
};

static void check_rules(struct check *c) {
    enum svpe_format format = svpe_op_info(c->i->op)->format;
    for (size_t n = 0; n < sizeof rules / sizeof *rules; n++)
        if (rules[n].format == format) rules[n].check(c, &rules[n]);
}

static void multiple(struct check *c, enum svpe_field f, int64_t of) {
    if (get(c, f) % of == 0) return;
    fail(c, "%s: expected a multiple of %lld, found %lld", svpe_field_info(f)->name, (long long)of,
         (long long)get(c, f));
}

/* ---- Copies ---- */

static void check_line(struct check *c) {
    enum svpe_buffer buffer = svpe_op_info(c->i->op)->copy.buffer;
    if (!allowed_region(c, SVPE_LINE_region)) return;
    multiple(c, SVPE_LINE_src, 8);
    int64_t count = get(c, SVPE_LINE_count);
    inside_region(c, get(c, SVPE_LINE_region), "source", get(c, SVPE_LINE_src) + count * 8);
    inside_buffer(c, buffer, "destination", get(c, SVPE_LINE_dst) + count);
}

static int log2_of(int64_t v) {
    int n = 0;
    while (v >> (n + 1)) n++;
    return n;
}

static void check_load(struct check *c) {
    if (!allowed_region(c, SVPE_TILE_region)) return;
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
    if (!allowed_region(c, SVPE_BACK_region)) return;
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
                      ((nc - 1) * get(c, SVPE_BACK_sc) * c->v + get(c, SVPE_BACK_lanes)) *
                          c->element};
    tile_inside(c, &from);
    inside_region(c, get(c, SVPE_BACK_region), to.what, tile_end(&to));
    no_overlap(c, &to);
}

/* ---- Convolution ---- */

static void check_form(struct check *c) {
    int64_t form = get(c, SVPE_CONV_form);
    bool stem = form == SVPE_FORM_STEM;
    if (stem || form == SVPE_FORM_DEPTHWISE) range(c, SVPE_CONV_ib, 1, 1);
    if (stem) {
        range(c, SVPE_CONV_px, 0, log2_of(c->v));
        range(c, SVPE_CONV_dx, 1, 1);
        zero(c, SVPE_CONV_db, "in the stem form");
    } else {
        zero(c, SVPE_CONV_px, "outside the stem form");
    }
    if (form == SVPE_FORM_FC) {
        range(c, SVPE_CONV_rows, 1, 1);
        range(c, SVPE_CONV_cols, 1, 1);
    }
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

/* ---- Vector unit ---- */

static struct tile tile_of(const struct check *c, const struct svpe_operand *o, int64_t nb,
                           int64_t rows, int64_t cols) {
    return (struct tile){o->what, get(c, o->at), get(c, o->block), get(c, o->row), nb, rows, cols};
}

/* Windows that reach over the border: each must have a row and a column inside, for the table to
 * have a factor. */
static void check_border(struct check *c, const struct svpe_operand *o, const struct tile *to) {
    range(c, o->pt, 0, get(c, o->kh) - 1);
    range(c, o->pl, 0, get(c, o->kw) - 1);
    int64_t y = (to->rows - 1) * get(c, o->sy) - get(c, o->pt);
    int64_t x = (to->run - 1) * get(c, o->sx) - get(c, o->pl);
    if (y < get(c, o->ih) && x < get(c, o->iw)) return;
    fail(c, "the last window begins at row %lld, column %lld; the source has %lld×%lld",
         (long long)y, (long long)x, (long long)get(c, o->ih), (long long)get(c, o->iw));
}

/* What a source's walk makes of the result's shape. */
struct source {
    struct tile tile; /* all that may be touched; rows = 0: there is none */
    bool alike;       /* each result needs the same place of the source alone */
    int64_t taps;     /* places that each result needs */
};
typedef void walk_fn(struct check *c, const struct svpe_operand *o, const struct tile *to,
                     struct source *s);

static void walk_pixels(struct check *c, const struct svpe_operand *o, const struct tile *to,
                        struct source *s) {
    s->tile = tile_of(c, o, to->nb, to->rows, to->run);
    s->alike = true;
}

static void walk_residual(struct check *c, const struct svpe_operand *o, const struct tile *to,
                          struct source *s) {
    if (get(c, o->flag)) walk_pixels(c, o, to, s);
}

static void walk_broadcast(struct check *c, const struct svpe_operand *o, const struct tile *to,
                           struct source *s) {
    if (get(c, o->flag))
        s->tile = tile_of(c, o, to->nb, 1, 1);
    else
        walk_pixels(c, o, to, s);
}

static void walk_samples(struct check *c, const struct svpe_operand *o, const struct tile *to,
                         struct source *s) {
    int64_t ny = get(c, o->ny), nx = get(c, o->nx), ry = get(c, o->ry), rx = get(c, o->rx);
    s->tile = tile_of(c, o, to->nb, (to->rows - 1) / ry * ny + 1, (to->run - 1) / rx * nx + 1);
    s->alike = ny == 1 && nx == 1 && ry == 1 && rx == 1;
}

static void walk_windows(struct check *c, const struct svpe_operand *o, const struct tile *to,
                         struct source *s) {
    int64_t height = (to->rows - 1) * get(c, o->sy) + get(c, o->kh);
    int64_t width = (to->run - 1) * get(c, o->sx) + get(c, o->kw);
    if (get(c, o->flag)) {
        check_border(c, o, to);
        height = get(c, o->ih);
        width = get(c, o->iw);
    }
    s->tile = tile_of(c, o, to->nb, height, width);
    s->taps = get(c, o->kh) * get(c, o->kw);
}

static walk_fn *const walks[SVPE_WALK_COUNT] = {
    [SVPE_WALK_PIXELS] = walk_pixels,       [SVPE_WALK_RESIDUAL] = walk_residual,
    [SVPE_WALK_BROADCAST] = walk_broadcast, [SVPE_WALK_SAMPLES] = walk_samples,
    [SVPE_WALK_WINDOWS] = walk_windows,
};

/* 257 i16 */
enum { TABLE_DWORDS = 65 };

static void check_params(struct check *c, const struct svpe_vector_info *v, int64_t nb) {
    const struct svpe_op_info *op = svpe_op_info(c->i->op);
    const struct svpe_operand *o = &v->source[0];
    if (!op->param.known) return;
    int64_t at = get(c, op->param.at);
    switch (op->param.kind) {
    case SVPE_PARAM_CHANNELS:
        inside_buffer(c, SVPE_BUFFER_PAR, "parameters", at + nb * c->v);
        break;
    case SVPE_PARAM_TABLE:
        inside_buffer(c, SVPE_BUFFER_PAR, "table", at + TABLE_DWORDS);
        break;
    case SVPE_PARAM_FACTORS:
        assert(o->walk == SVPE_WALK_WINDOWS);
        if (!get(c, o->flag)) break;
        inside_buffer(c, SVPE_BUFFER_PAR, "table",
                      at + (get(c, o->kh) * get(c, o->kw) * 2 + 7) / 8);
        break;
    case SVPE_PARAM_COUNT:
        break;
    }
}

static void check_sums(struct check *c, const struct svpe_vector_info *v, const struct tile *to) {
    int64_t e = c->m->target->elements, blocks = (to->nb * c->v + e - 1) / e;
    if (!v->sums.known) return;
    inside_buffer(c, SVPE_BUFFER_ACC, "accumulators",
                  get(c, v->sums.at) + blocks * to->rows * to->run);
}

static void check_vector(struct check *c) {
    const struct svpe_vector_info *v = svpe_vector_info(svpe_op_info(c->i->op)->format);
    struct tile to = tile_of(c, &v->result, get(c, v->nb), get(c, v->rows), get(c, v->cols));
    struct source from[SVPE_MAX_SOURCES];
    int64_t taps = 1;
    for (int n = 0; n < SVPE_MAX_SOURCES; n++) {
        const struct svpe_operand *o = &v->source[n];
        from[n] = (struct source){.taps = 1};
        if (o->what) walks[o->walk](c, o, &to, &from[n]);
        if (from[n].taps > taps) taps = from[n].taps;
    }
    check_sums(c, v, &to);
    check_params(c, v, to.nb);
    if (c->fault) return;
    check_result(c, &to);
    for (int n = 0; n < SVPE_MAX_SOURCES; n++)
        if (from[n].tile.rows) tile_inside(c, &from[n].tile);
    for (int n = 0; n < SVPE_MAX_SOURCES; n++)
        if (from[n].tile.rows) check_apart(c, &from[n].tile, &to, from[n].alike);
    check_steps(c, to.nb * to.rows * to.run * taps);
}

/* ---- Instructions ---- */

typedef void check_fn(struct check *c);

static check_fn *const checks[SVPE_FORMAT_COUNT] = {[SVPE_FORMAT_LINE] = check_line,
                                                    [SVPE_FORMAT_TILE] = check_load,
                                                    [SVPE_FORMAT_BACK] = check_store,
                                                    [SVPE_FORMAT_CONV] = check_conv};

const char *svpe_verify_insn(struct arena *a, const struct svpe_machine *m,
                             const struct svpe_insn *i) {
    struct check c = {.a = a, .m = m, .i = i, .v = m->target->lanes, .element = m->act_bits / 8};
    bool offered = m->act_bits == 8 ? m->target->act8 : m->act_bits == 16 && m->target->act16;
    if (!offered) return "the target does not offer activations of this width";
    enum svpe_format format = svpe_op_info(i->op)->format;
    check_fields(&c);
    if (!c.fault) check_rules(&c);
    if (!c.fault && checks[format]) checks[format](&c);
    if (!c.fault && svpe_vector_info(format)) check_vector(&c);
    return c.fault;
}
