/* What a tiling asks of the buffers and of the instruction fields, and whether a target has it.
 *
 * Not here: which tiling is fast (cost.c, choose.c), where in a buffer a layer's part lies
 * (memory.c). */
#include "backend/internal.h"

#include <string.h>

static int most(int a, int b) {
    return a > b ? a : b;
}
static int least(int a, int b) {
    return a < b ? a : b;
}
static int64_t tiles_of(int64_t whole, int64_t tile) {
    return (whole + tile - 1) / tile;
}

struct be_span be_span(const struct be_axis *a, int first, int count) {
    int begin = first / a->repeat * a->stride - a->before;
    int end = (first + count - 1) / a->repeat * a->stride - a->before + a->window;
    int low = most(begin, 0), high = least(end, a->in);
    return (struct be_span){.first = low,
                            .count = high - low,
                            .before = low - begin,
                            .after = end - high,
                            .total = end - begin};
}

/* A tile has to end where a block of the array and one of the activation buffer both end. */
int be_channel_unit(const struct svpe_target *t) {
    return (int)(t->lanes > t->elements ? t->lanes : t->elements);
}

int be_array_blocks(const struct svpe_target *t, int channels) {
    int whole = (int)tiles_of(channels, t->lanes) * (int)t->lanes;
    return (int)tiles_of(whole, t->elements);
}

int64_t be_weight_blocks(const struct be_shape *s, int channel_blocks, int in_blocks) {
    int64_t columns = tiles_of(s->kw, s->taps);
    bool one = s->form == SVPE_FORM_DEPTHWISE || s->form == SVPE_FORM_STEM || s->diagonal;
    return (int64_t)channel_blocks * s->kh * columns * (one ? 1 : in_blocks);
}

/* ---- Bounds ---------------------------------------------------------------------------------- */

static bool misfit(struct be_misfit *why, const char *what, int64_t value, int64_t lo, int64_t hi) {
    *why = (struct be_misfit){.buffer = -1, .what = what, .value = value, .lo = lo, .hi = hi};
    return false;
}

static bool multiple(struct be_misfit *why, const char *what, int64_t value, int64_t of) {
    if (value % of == 0) return true;
    *why = (struct be_misfit){.buffer = -1, .what = what, .value = value, .multiple = of};
    return false;
}

/* Multiples of `step` in lo…hi, which are such themselves. */
static bool stepped(struct be_misfit *why, const char *what, int64_t value, int64_t lo, int64_t hi,
                    int64_t step) {
    if (value >= lo && value <= hi && value % step == 0) return true;
    *why = (struct be_misfit){
        .buffer = -1, .what = what, .value = value, .lo = lo, .hi = hi, .multiple = step};
    return false;
}

static bool inside(struct be_misfit *why, const char *what, int64_t value, int64_t lo, int64_t hi) {
    return (value >= lo && value <= hi) || misfit(why, what, value, lo, hi);
}

static bool in_field(struct be_misfit *why, const char *what, int64_t value, enum svpe_field f) {
    int64_t lo, hi;
    svpe_field_range(f, &lo, &hi);
    return inside(why, what, value, lo, hi);
}

bool be_splits_input(const struct be_layer *l) {
    const struct be_shape *s = l->shape;
    return l->node->op == IR_OP_qconv && !s->diagonal &&
           (s->form == SVPE_FORM_DENSE || s->form == SVPE_FORM_FC);
}

static bool tiling_bounds(const struct be_plan *p, const struct be_layer *l,
                          const struct be_tiling *t, struct be_misfit *why) {
    const struct be_shape *s = l->shape;
    int lanes = (int)p->target->lanes, unit = be_channel_unit(p->target);
    int out = (int)tiles_of(s->out_blocks * lanes, unit) * unit, in = s->in_blocks * lanes;
    if (!inside(why, "rows", t->rows, 1, s->ay.out) ||
        !inside(why, "cols", t->cols, 1, s->ax.out) ||
        !stepped(why, "oc", t->oc, unit, out, unit) ||
        !stepped(why, "ic", t->ic, be_splits_input(l) ? lanes : in, in, lanes))
        return false;
    return (t->rows == s->ay.out || multiple(why, "rows", t->rows, s->ay.repeat)) &&
           (t->cols == s->ax.out || multiple(why, "cols", t->cols, s->ax.repeat));
}

static bool span_fits(const struct be_axis *a, int first, int tile, bool border,
                      struct be_misfit *why, struct be_span *s) {
    *s = be_span(a, first, least(tile, a->out - first));
    return inside(why, "input pixels of a tile along one axis", s->count, 1, INT32_MAX) &&
           (border || (in_field(why, "padding before a tile", s->before, SVPE_TILE_pt) &&
                       in_field(why, "padding after a tile", s->after, SVPE_TILE_pb)));
}

/* Padding of every tile along an axis: within its fields, and never a tile of padding alone, since
 * a load reads. Only tiles at the two ends have any. */
static bool spans_fit(const struct be_axis *a, int tile, bool border, struct be_misfit *why) {
    int last = (a->out - 1) / tile * tile, first = 0;
    struct be_span s = {.before = 1};
    for (; first <= last && s.before > 0; first += tile)
        if (!span_fits(a, first, tile, border, why, &s)) return false;
    for (s.after = 1; last >= first && s.after > 0; last -= tile)
        if (!span_fits(a, last, tile, border, why, &s)) return false;
    return true;
}

/* ---- Buffers --------------------------------------------------------------------------------- */

int64_t be_capacity(const struct be_plan *p, enum svpe_buffer b) {
    static const enum svpe_field address[SVPE_BUFFER_COUNT] = {[SVPE_BUFFER_ACT] = SVPE_TILE_dst,
                                                               [SVPE_BUFFER_WGT] = SVPE_CONV_wgt,
                                                               [SVPE_BUFFER_ACC] = SVPE_CONV_acc,
                                                               [SVPE_BUFFER_PAR] = SVPE_REQ_par};
    int64_t size[SVPE_BUFFER_COUNT] = {[SVPE_BUFFER_ACT] = svpe_act_vectors(p->target, p->act_bits),
                                       [SVPE_BUFFER_WGT] = svpe_wgt_dwords(p->target),
                                       [SVPE_BUFFER_ACC] = svpe_acc_entries(p->target),
                                       [SVPE_BUFFER_PAR] = svpe_par_dwords(p->target)};
    int64_t lo, hi;
    svpe_field_range(address[b], &lo, &hi);
    return size[b] <= hi ? size[b] : hi + 1;
}

static const enum svpe_buffer buffer_of_role[BE_ROLE_COUNT] = {
    [BE_IN] = SVPE_BUFFER_ACT,  [BE_B] = SVPE_BUFFER_ACT,   [BE_OUT] = SVPE_BUFFER_ACT,
    [BE_WGT] = SVPE_BUFFER_WGT, [BE_ACC] = SVPE_BUFFER_ACC, [BE_PAR] = SVPE_BUFFER_PAR};

enum svpe_buffer be_buffer_of_role(enum be_role r) {
    return buffer_of_role[r];
}

static void slots(struct be_need *n, enum be_role role, int64_t size, int64_t distinct,
                  const struct be_tiling *t) {
    int sets = t->double_buffer ? 2 : 1;
    n->slots[role] = (struct be_slots){.size = size,
                                       .count = size == 0         ? 0
                                                : distinct < sets ? (int)distinct
                                                                  : sets};
}

/* With the pixels outside, what all channels need is worth keeping if it fits. */
static void keep(const struct be_plan *p, struct be_need *n, enum be_role role, int64_t pieces,
                 const struct be_tiling *t) {
    struct be_slots *s = &n->slots[role];
    if (s->size == 0 || t->order != BE_ORDER_SPATIAL_OUTER || n->rows * n->cols == 1) return;
    if (pieces * s->size <= be_capacity(p, buffer_of_role[role])) s->count = (int)pieces;
}

static void conv_need(const struct be_plan *p, const struct be_layer *l, const struct be_tiling *t,
                      struct be_need *n) {
    const struct be_shape *s = l->shape;
    int array = be_array_blocks(p->target, least(t->oc, s->y->channels));
    int64_t pixels = (int64_t)t->rows * t->cols, tiles = (int64_t)n->rows * n->cols * n->channels;
    int64_t blocks =
        be_weight_blocks(s, array, t->ic / (int)p->target->lanes) * (n->chunks == 1 ? s->terms : 1);
    /* With two terms and several chunks, one chunk carries both terms: see lower_layer.c. */
    if (n->chunks > 1 && s->terms == 2) {
        int last = s->in_blocks - (n->chunks - 1) * (t->ic / (int)p->target->lanes);
        int64_t both = 2 * be_weight_blocks(s, array, last);
        if (both > blocks) blocks = both;
    }
    int64_t pieces =
        (int64_t)n->channels * (n->chunks > 1 && s->terms == 2 ? 2 * n->chunks - 1 : n->chunks);
    slots(n, BE_WGT, blocks * (int64_t)svpe_block_bytes(p->target, s->wfmt) / 8, pieces, t);
    slots(n, BE_ACC, array * pixels, tiles, t);
    keep(p, n, BE_WGT, pieces, t);
}

static void tile_counts(const struct be_plan *p, const struct be_layer *l,
                        const struct be_tiling *t, struct be_need *n) {
    const struct be_shape *s = l->shape;
    *n = (struct be_need){.rows = (int)tiles_of(s->ay.out, t->rows),
                          .cols = (int)tiles_of(s->ax.out, t->cols)};
    n->channels = (int)tiles_of(s->out_blocks * p->target->lanes, t->oc);
    n->chunks = be_splits_input(l) ? (int)tiles_of(s->in_blocks * p->target->lanes, t->ic) : 1;
}

/* Vectors of the input row under so many output columns. */
static int row_vectors(const struct be_plan *p, const struct be_shape *s, int cols) {
    int pixels = be_span(&s->ax, 0, cols).total;
    if (s->x->layout != SVPE_LAYOUT_STEM) return pixels;
    return (int)tiles_of((int64_t)pixels << s->x->px, p->target->lanes);
}

/* True if the pitch has been fitted to the banks, which takes room. */
static bool choose_pitch(const struct be_plan *p, const struct be_layer *l,
                         const struct be_tiling *t, bool fit, struct be_need *n) {
    const struct be_shape *s = l->shape;
    int rest = s->ax.out % t->cols;
    n->pitch = n->last_pitch = row_vectors(p, s, t->cols);
    struct be_pitch all = be_pitch_fit(p, l, t->rows, t->cols, n->pitch), last = all;
    if (rest > 0) {
        n->last_pitch = row_vectors(p, s, rest);
        last = be_pitch_fit(p, l, t->rows, rest, n->last_pitch);
    }
    double part = (double)(s->ax.out - rest) / s->ax.out;
    n->bank_cycles = fit ? part * all.fitted + (1 - part) * last.fitted
                         : part * all.plain + (1 - part) * last.plain;
    if (!fit) return false;
    n->pitch += all.extra;
    n->last_pitch += last.extra;
    return all.extra > 0 || last.extra > 0;
}

static void tile_need(const struct be_plan *p, const struct be_layer *l, const struct be_tiling *t,
                      struct be_need *n) {
    const struct be_shape *s = l->shape;
    int lanes = (int)p->target->lanes, blocks = least(t->oc / lanes, s->out_blocks);
    int64_t in_rows = be_span(&s->ay, 0, t->rows).total, pitch = most(n->pitch, n->last_pitch);
    int64_t pixels = (int64_t)t->rows * t->cols, spatial = (int64_t)n->rows * n->cols;
    bool stem = s->x->layout == SVPE_LAYOUT_STEM, conv = l->node->op == IR_OP_qconv;
    int in_blocks = stem ? 1 : be_splits_input(l) ? t->ic / lanes : blocks;
    /* A depthwise step reads the input of all E elements, those past the last channel among
     * them. */
    if (conv && s->form == SVPE_FORM_DEPTHWISE)
        in_blocks = be_array_blocks(p->target, blocks * lanes) * (int)p->target->elements / lanes;
    slots(n, BE_IN, in_blocks * in_rows * pitch,
          be_splits_input(l) || stem ? spatial * n->chunks : spatial * n->channels, t);
    slots(n, BE_B, s->b ? (s->broadcast ? blocks : blocks * pixels) : 0, spatial * n->channels, t);
    slots(n, BE_OUT, s->part_count ? 0 : blocks * pixels, spatial * n->channels, t);
    slots(n, BE_PAR, s->channel_params ? blocks * lanes : s->table_dwords,
          s->table_dwords ? 1 : n->channels, t);
    if (s->channel_params) keep(p, n, BE_PAR, n->channels, t);
    if (conv) conv_need(p, l, t, n);
}

static bool tile_fields(const struct be_plan *p, const struct be_layer *l,
                        const struct be_tiling *t, const struct be_need *n, struct be_misfit *why) {
    const struct be_shape *s = l->shape;
    int64_t in_rows = be_span(&s->ay, 0, t->rows).total,
            in_cols = be_span(&s->ax, 0, t->cols).total;
    int64_t block = (int64_t)s->y->height * s->y->width * p->target->lanes * p->act_bits / 8;
    return in_field(why, "input rows of a tile", in_rows, SVPE_TILE_nr) &&
           in_field(why, "input columns of a tile", in_cols, SVPE_TILE_nc) &&
           in_field(why, "row pitch of a tile", most(n->pitch, n->last_pitch), SVPE_TILE_dr) &&
           in_field(why, "input blocks of a tile", t->ic / p->target->lanes, SVPE_TILE_nb) &&
           in_field(why, "output blocks of a tile", t->oc / p->target->lanes, SVPE_REQ_nb) &&
           in_field(why, "array blocks of a tile", t->oc / p->target->elements, SVPE_CONV_ob) &&
           in_field(why, "rows of a tile", t->rows, SVPE_CONV_rows) &&
           in_field(why, "columns of a tile", t->cols, SVPE_CONV_cols) &&
           in_field(why, "bytes of a block of the result", block, SVPE_BACK_sb) &&
           in_field(why, "bytes of a row of the result", block / s->y->height, SVPE_BACK_sr) &&
           (!s->border || (in_field(why, "rows of an averaged tile", in_rows, SVPE_WIN_ih) &&
                           in_field(why, "columns of an averaged tile", in_cols, SVPE_WIN_iw)));
}

/* Devices bound the work of one instruction. */
static bool steps_fit(const struct be_plan *p, const struct be_layer *l, const struct be_tiling *t,
                      struct be_misfit *why) {
    const struct be_shape *s = l->shape;
    int64_t pixels = (int64_t)t->rows * t->cols, blocks = t->oc / p->target->lanes;
    int64_t steps = blocks * pixels * (s->kh ? s->kh : 1) * (s->kw ? s->kw : 1);
    if (l->node->op == IR_OP_qconv)
        steps =
            s->terms * tiles_of(pixels, p->target->columns) *
            be_weight_blocks(s, be_array_blocks(p->target, t->oc), t->ic / (int)p->target->lanes);
    return inside(why, "steps of one instruction", steps, 1, SVPE_MAX_STEPS) &&
           inside(why, "results of one instruction", blocks * pixels, 1, SVPE_MAX_STEPS);
}

/* With tile counts and pitch chosen. */
static bool need_fits(const struct be_plan *p, const struct be_layer *l, const struct be_tiling *t,
                      struct be_need *n, struct be_misfit *why) {
    const struct be_shape *s = l->shape;
    tile_need(p, l, t, n);
    for (int r = 0; r < BE_ROLE_COUNT; r++)
        n->total[buffer_of_role[r]] += n->slots[r].size * n->slots[r].count;
    for (int b = 0; b < SVPE_BUFFER_COUNT; b++) {
        int64_t room = be_capacity(p, (enum svpe_buffer)b);
        if (n->total[b] <= room) continue;
        *why = (struct be_misfit){.buffer = b, .needed = n->total[b], .available = room};
        return false;
    }
    return tile_fields(p, l, t, n, why) && steps_fit(p, l, t, why) &&
           spans_fit(&s->ay, t->rows, s->border, why) && spans_fit(&s->ax, t->cols, s->border, why);
}

bool be_tiling_fits(const struct be_plan *p, const struct be_layer *l, const struct be_tiling *t,
                    struct be_need *n, struct be_misfit *why) {
    if (!tiling_bounds(p, l, t, why)) return false;
    tile_counts(p, l, t, n);
    if (choose_pitch(p, l, t, true, n) && need_fits(p, l, t, n, why)) return true;
    tile_counts(p, l, t, n);
    choose_pitch(p, l, t, false, n);
    return need_fits(p, l, t, n, why);
}

/* ---- Texts ----------------------------------------------------------------------------------- */

const char *be_misfit_expected(struct arena *a, const struct be_misfit *why) {
    const char *range = why->lo == why->hi
                            ? arena_printf(a, "%lld", (long long)why->hi)
                            : arena_printf(a, "%lld…%lld", (long long)why->lo, (long long)why->hi);
    if (!why->multiple || (why->hi && why->lo == why->hi)) return range;
    const char *multiples = arena_printf(a, "a multiple of %lld", (long long)why->multiple);
    return why->hi ? arena_printf(a, "%s in %s", multiples, range) : multiples;
}

const char *be_units(struct arena *a, enum svpe_buffer b) {
    const char *unit = svpe_buffer_info(b)->unit;
    size_t length = strlen(unit);
    if (unit[length - 1] != 'y') return arena_printf(a, "%ss", unit);
    return arena_printf(a, "%.*sies", (int)length - 1, unit);
}

const char *be_misfit_text(struct arena *a, const struct be_misfit *why) {
    if (why->buffer < 0)
        return arena_printf(a, "%s = %lld: expected %s", why->what, (long long)why->value,
                            be_misfit_expected(a, why));
    enum svpe_buffer b = (enum svpe_buffer)why->buffer;
    return arena_printf(a, "it needs %lld %s of the %s buffer, which has %lld",
                        (long long)why->needed, be_units(a, b), svpe_buffer_name(b),
                        (long long)why->available);
}

const char *be_order_name(enum be_order o) {
    return o == BE_ORDER_SPATIAL_OUTER ? "spatial" : "channel";
}

const char *be_tiling_text(struct arena *a, const struct be_tiling *t) {
    return arena_printf(a, "rows=%d, cols=%d, oc=%d, ic=%d, order=%s, double_buffer=%s", t->rows,
                        t->cols, t->oc, t->ic, be_order_name(t->order),
                        t->double_buffer ? "true" : "false");
}
