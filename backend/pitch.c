/* The row pitch of input tiles, fitted to the banks of the activation buffer (docs/mapping.md,
 * "Banks of the activation buffer"): a group of pixels that crosses a row, or has a stride, may ask
 * one bank for several vectors. A few vectors of padding per row take the rows of a group apart.
 *
 * What conflicts cost is asked of isa/uop.c. Not fitted: depthwise steps that read several blocks
 * (E > V), where the tile's height decides as well, and averages at borders, whose tiles have no
 * padding. */
#include "backend/internal.h"

enum { MOST_PIXELS = 4096, MOST_EXTRA = 63, KNOWN = 128 };

struct be_pitches {
    struct be_pitch known[KNOWN];
    int count, next;
};

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t divisor(int64_t a, int64_t b) {
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* An instruction over rows × cols pixels that reads the input as the layer's do, of one block and
 * one kernel row: what else there is shifts all addresses alike. */
static struct svpe_insn reader(const struct be_layer *l, int64_t rows, int64_t cols,
                               int64_t pitch) {
    const struct be_shape *s = l->shape;
    bool conv = s->kind->op == IR_OP_qconv, copy = s->kind->op == IR_OP_qcopy;
    struct svpe_insn i = svpe_insn_new(conv ? SVPE_CONV : copy ? SVPE_COPY : SVPE_MAX, 0);
    const struct {
        enum svpe_field conv, map, win;
        int64_t value;
    } fields[] = {
        {SVPE_CONV_dr, SVPE_MAP_adr, SVPE_WIN_adr, pitch},
        {SVPE_CONV_rows, SVPE_MAP_rows, SVPE_WIN_rows, rows},
        {SVPE_CONV_cols, SVPE_MAP_cols, SVPE_WIN_cols, cols},
        {SVPE_CONV_sy, SVPE_MAP_ny, SVPE_WIN_sy, s->ay.stride},
        {SVPE_CONV_sx, SVPE_MAP_nx, SVPE_WIN_sx, s->ax.stride},
    };
    for (size_t k = 0; k < sizeof fields / sizeof *fields; k++)
        svpe_set(&i, conv ? fields[k].conv : copy ? fields[k].map : fields[k].win, fields[k].value);
    if (conv) {
        svpe_set(&i, SVPE_CONV_form, s->form);
        svpe_set(&i, SVPE_CONV_wfmt, s->wfmt);
        svpe_set(&i, SVPE_CONV_kw, s->kw);
        svpe_set(&i, SVPE_CONV_dx, s->dx);
        svpe_set(&i, SVPE_CONV_px, s->form == SVPE_FORM_STEM ? s->x->px : 0);
    } else if (copy) {
        svpe_set(&i, SVPE_MAP_ry, s->ay.repeat);
        svpe_set(&i, SVPE_MAP_rx, s->ax.repeat);
        svpe_set(&i, SVPE_MAP_ddr, cols);
    } else {
        svpe_set(&i, SVPE_WIN_kw, s->kw);
        svpe_set(&i, SVPE_WIN_ddr, cols);
    }
    return i;
}

static int64_t pixels_per_step(const struct be_plan *p, const struct be_layer *l) {
    const struct svpe_target *t = p->target;
    return l->shape->kind->op == IR_OP_qconv ? t->columns : t->vector_lanes / t->lanes;
}

/* Cycles of a step that reads the input: 1 without conflicts. */
static double cycles_per_step(const struct be_plan *p, const struct be_layer *l, int64_t rows,
                              int64_t cols, int64_t pitch) {
    const struct be_shape *s = l->shape;
    struct svpe_machine m = {.target = p->target, .act_bits = p->act_bits};
    struct svpe_insn i = reader(l, rows, cols, pitch);
    int64_t group = pixels_per_step(p, l), groups = (rows * cols + group - 1) / group;
    int64_t cycles = (int64_t)svpe_insn_cycles(&m, &i), taps = s->kw ? s->kw : 1;
    if (s->kind->op == IR_OP_qconv) {
        taps = (s->kw + s->taps - 1) / s->taps;
        cycles -= groups; /* sums go out once per group */
    }
    return (double)cycles / (double)(groups * taps);
}

/* Rows after which groups of pixels meet row ends as before, as far as the buffer has room. */
static int64_t rows_to_look_at(const struct be_plan *p, const struct be_layer *l, int64_t cols,
                               int64_t pitch) {
    const struct be_shape *s = l->shape;
    int64_t group = pixels_per_step(p, l);
    int64_t rows = least(group / divisor(group, cols) * s->ay.repeat, s->ay.out);
    int64_t room = be_capacity(p, SVPE_BUFFER_ACT) / pitch - s->ay.window;
    rows = least(rows, room < 0 ? 1 : room / s->ay.stride + 1);
    rows = least(rows, cols < MOST_PIXELS / 2 ? MOST_PIXELS / cols : 2);
    return rows > 1 ? rows : 1;
}

static bool is_fitted(const struct be_plan *p, const struct be_layer *l) {
    const struct be_shape *s = l->shape;
    enum ir_op op = s->kind->op;
    if (op == IR_OP_qconv)
        return s->form != SVPE_FORM_DEPTHWISE || p->target->elements <= p->target->lanes;
    return op == IR_OP_qmaxpool || (op == IR_OP_qavgpool && !s->border) || op == IR_OP_qcopy;
}

/* The least padding with the fewest cycles. Rows of a group are `stride` pitches apart, so that
 * pitches repeat their banks after banks / gcd(banks, stride). */
static struct be_pitch fit(const struct be_plan *p, const struct be_layer *l, bool several,
                           int cols, int pitch) {
    struct be_pitch best = {.cols = cols, .several = several, .plain = 1, .fitted = 1};
    int64_t banks = p->target->act_banks;
    int64_t most = least(banks / divisor(banks, l->shape->ay.stride) - 1, MOST_EXTRA);
    if (!is_fitted(p, l) || pitch > be_capacity(p, SVPE_BUFFER_ACT)) return best;
    int64_t rows = several ? rows_to_look_at(p, l, cols, pitch + most) : 1;
    best.plain = best.fitted = cycles_per_step(p, l, rows, cols, pitch);
    for (int extra = 1; rows > 1 && extra <= most && best.fitted > 1; extra++) {
        double cycles = cycles_per_step(p, l, rows, cols, pitch + extra);
        if (cycles >= best.fitted) continue;
        best.fitted = cycles;
        best.extra = extra;
    }
    return best;
}

struct be_pitches *be_pitches_new(struct arena *a) {
    return arena_alloc(a, sizeof(struct be_pitches));
}

struct be_pitch be_pitch_fit(const struct be_plan *p, const struct be_layer *l, int rows, int cols,
                             int pitch) {
    struct be_pitches *all = l->shape->pitches;
    bool several = rows > 1;
    for (int i = 0; i < all->count; i++)
        if (all->known[i].cols == cols && all->known[i].several == several) return all->known[i];
    int at = all->next;
    all->next = (at + 1) % KNOWN;
    if (all->count <= at) all->count = at + 1;
    all->known[at] = fit(p, l, several, cols, pitch);
    return all->known[at];
}
