/* The exact bytes an instruction reads and writes, per isa.h and the meanings in svpe.def.
 *
 * Every access of an instruction is a sum of arithmetic progressions: a run of bytes, repeated over
 * output rows, kernel rows, output columns, blocks… put() folds progressions that overlap or join
 * (windows that overlap become one row, rows without a gap one run) and never adds a byte that no
 * loop touches.
 *
 * Which tiles and parameters an instruction of the vector unit touches is looked up in svpe.def's
 * rows.
 *
 * Not here: whether the bytes lie inside buffers and regions (verify.c), and who may touch them
 * when (order.c).
 */
#include "isa/isa.h"

#include <assert.h>

enum { MAX_AXES = 6 };

struct axis {
    uint64_t count, step;
};

/* Bytes first + Σ axis index · step + [0, bytes). */
struct area {
    int space;
    bool write;
    uint64_t first, bytes;
    struct axis axis[MAX_AXES];
    int axes;
};

struct job {
    const struct svpe_insn *insn;
    const struct svpe_target *target;
    uint64_t element, vector,
        entry; /* bytes of an activation, of V of them, of an accumulator entry */
    svpe_range_fn *visit;
    void *user;
};

static uint64_t get(const struct job *j, enum svpe_field f) {
    int64_t v = svpe_get(j->insn, f);
    assert(v >= 0);
    return (uint64_t)v;
}

static int region_space(uint64_t region) {
    return SVPE_BUFFER_COUNT + (int)region;
}

static struct area area_of(int space, bool write, uint64_t first, uint64_t bytes) {
    return (struct area){.space = space, .write = write, .first = first, .bytes = bytes};
}

static void repeat(struct area *a, uint64_t count, uint64_t step) {
    if (count == 0) a->bytes = 0;
    if (count <= 1 || step == 0) return;
    assert(a->axes < MAX_AXES);
    int at = a->axes++;
    for (; at > 0 && a->axis[at - 1].step > step; at--) a->axis[at] = a->axis[at - 1];
    a->axis[at] = (struct axis){count, step};
}

static void drop_axis(struct area *a, int at) {
    a->axes--;
    for (; at < a->axes; at++) a->axis[at] = a->axis[at + 1];
}

/* Axes are sorted by step, so that whatever folds into the run or into a smaller progression is
 * found in one pass. */
static void fold(struct area *a) {
    while (a->axes && a->axis[0].step <= a->bytes) {
        a->bytes += (a->axis[0].count - 1) * a->axis[0].step;
        drop_axis(a, 0);
    }
    for (int i = 0; i < a->axes; i++) {
        struct axis *low = &a->axis[i];
        for (int k = i + 1; k < a->axes;) {
            uint64_t ratio = a->axis[k].step / low->step;
            if (a->axis[k].step % low->step == 0 && ratio <= low->count) {
                low->count += (a->axis[k].count - 1) * ratio;
                drop_axis(a, k);
            } else {
                k++;
            }
        }
    }
}

/* The longest progressions move to the front: they become the two counts of a range. */
static void longest_first(struct area *a) {
    for (int i = 0; i < 2 && i < a->axes; i++)
        for (int k = i + 1; k < a->axes; k++)
            if (a->axis[k].count > a->axis[i].count) {
                struct axis t = a->axis[i];
                a->axis[i] = a->axis[k];
                a->axis[k] = t;
            }
}

/* As deep as there are axes. NOLINTNEXTLINE(misc-no-recursion) */
static void visit_from(const struct job *j, const struct area *a, int axis, uint64_t first) {
    if (axis < a->axes && axis < MAX_AXES) {
        for (uint64_t i = 0; i < a->axis[axis].count; i++)
            visit_from(j, a, axis + 1, first + i * a->axis[axis].step);
        return;
    }
    struct axis one = {1, 0};
    struct axis inner = a->axes > 0 ? a->axis[0] : one, outer = a->axes > 1 ? a->axis[1] : one;
    j->visit(j->user, &(struct svpe_range){a->space, a->write, first, a->bytes, inner.count,
                                           inner.step, outer.count, outer.step});
}

static void put(const struct job *j, struct area a) {
    if (a.bytes == 0) return;
    fold(&a);
    longest_first(&a);
    visit_from(j, &a, 2, a.first);
}

/* ---- Copies ---- */

static void line(const struct job *j) {
    int buffer = (int)svpe_op_info(j->insn->op)->copy.buffer;
    uint64_t bytes = get(j, SVPE_LINE_count) * 8;
    put(j, area_of(region_space(get(j, SVPE_LINE_region)), false, get(j, SVPE_LINE_src), bytes));
    put(j, area_of(buffer, true, get(j, SVPE_LINE_dst) * 8, bytes));
}

static void load_tile(const struct job *j) {
    uint64_t pixel = j->element << get(j, SVPE_TILE_px), nb = get(j, SVPE_TILE_nb);
    uint64_t rows = get(j, SVPE_TILE_nr), cols = get(j, SVPE_TILE_nc);
    struct area from =
        area_of(region_space(get(j, SVPE_TILE_region)), false, get(j, SVPE_TILE_src), cols * pixel);
    repeat(&from, rows, get(j, SVPE_TILE_sr));
    repeat(&from, nb, get(j, SVPE_TILE_sb));
    put(j, from);

    cols += get(j, SVPE_TILE_pl) + get(j, SVPE_TILE_pr);
    rows += get(j, SVPE_TILE_pt) + get(j, SVPE_TILE_pb);
    struct area to =
        area_of(SVPE_BUFFER_ACT, true, get(j, SVPE_TILE_dst) * j->vector, cols * pixel);
    repeat(&to, rows, get(j, SVPE_TILE_dr) * j->vector);
    repeat(&to, nb, get(j, SVPE_TILE_db) * j->vector);
    put(j, to);
}

static void store_tile(const struct job *j) {
    uint64_t bytes = get(j, SVPE_BACK_lanes) * j->element, nb = get(j, SVPE_BACK_nb);
    uint64_t rows = get(j, SVPE_BACK_nr), cols = get(j, SVPE_BACK_nc);
    uint64_t first = get(j, SVPE_BACK_src) * j->vector + get(j, SVPE_BACK_from) * j->element;
    struct area from = area_of(SVPE_BUFFER_ACT, false, first, bytes);
    repeat(&from, cols, j->vector);
    repeat(&from, rows, get(j, SVPE_BACK_dr) * j->vector);
    repeat(&from, nb, get(j, SVPE_BACK_db) * j->vector);
    put(j, from);

    struct area to =
        area_of(region_space(get(j, SVPE_BACK_region)), true, get(j, SVPE_BACK_dst), bytes);
    repeat(&to, cols, get(j, SVPE_BACK_sc) * j->vector);
    repeat(&to, rows, get(j, SVPE_BACK_sr));
    repeat(&to, nb, get(j, SVPE_BACK_sb));
    put(j, to);
}

/* ---- Convolution ---- */

/* One input block, or a part of its lanes: bytes per tap, tap columns `pixel` bytes apart. */
static struct area conv_window(const struct job *j, uint64_t first, uint64_t bytes,
                               uint64_t pixel) {
    struct area a = area_of(SVPE_BUFFER_ACT, false, first, bytes);
    uint64_t row = get(j, SVPE_CONV_dr) * j->vector;
    repeat(&a, get(j, SVPE_CONV_kw), get(j, SVPE_CONV_dx) * pixel);
    repeat(&a, get(j, SVPE_CONV_cols), get(j, SVPE_CONV_sx) * pixel);
    repeat(&a, get(j, SVPE_CONV_kh), get(j, SVPE_CONV_dy) * row);
    repeat(&a, get(j, SVPE_CONV_rows), get(j, SVPE_CONV_sy) * row);
    return a;
}

static void conv_depthwise_input(const struct job *j) {
    uint64_t lanes = (uint64_t)j->target->lanes;
    uint64_t channels = get(j, SVPE_CONV_ob) * (uint64_t)j->target->elements;
    uint64_t step = get(j, SVPE_CONV_db) * j->vector;
    uint64_t first = get(j, SVPE_CONV_src) * j->vector, whole = channels / lanes;
    struct area a = conv_window(j, first, j->vector, j->vector);
    repeat(&a, whole, step);
    put(j, a);
    put(j, conv_window(j, first + whole * step, channels % lanes * j->element, j->vector));
}

static void conv_input(const struct job *j) {
    uint64_t form = get(j, SVPE_CONV_form), first = get(j, SVPE_CONV_src) * j->vector;
    if (form == SVPE_FORM_DEPTHWISE) {
        conv_depthwise_input(j);
    } else if (form == SVPE_FORM_STEM) {
        uint64_t pixel = j->element << get(j, SVPE_CONV_px);
        put(j, conv_window(j, first, pixel, pixel));
    } else {
        struct area a = conv_window(j, first, j->vector, j->vector);
        repeat(&a, get(j, SVPE_CONV_ib), get(j, SVPE_CONV_db) * j->vector);
        put(j, a);
    }
}

static void conv(const struct job *j) {
    conv_input(j);
    uint64_t blocks = (uint64_t)svpe_conv_blocks(j->target, j->insn);
    uint64_t block = svpe_block_bytes(j->target, (enum svpe_wfmt)get(j, SVPE_CONV_wfmt));
    put(j, area_of(SVPE_BUFFER_WGT, false, get(j, SVPE_CONV_wgt) * 8, blocks * block));

    struct area acc = area_of(SVPE_BUFFER_ACC, false, get(j, SVPE_CONV_acc) * j->entry, j->entry);
    repeat(&acc, get(j, SVPE_CONV_ob) * get(j, SVPE_CONV_rows) * get(j, SVPE_CONV_cols), j->entry);
    if (get(j, SVPE_CONV_more)) put(j, acc);
    acc.write = true;
    put(j, acc);
}

/* ---- Vector unit ---- */

static void tile(const struct job *j, bool write, const struct svpe_operand *o, uint64_t nb,
                 struct axis rows, struct axis cols) {
    struct area a = area_of(SVPE_BUFFER_ACT, write, get(j, o->at) * j->vector, j->vector);
    repeat(&a, cols.count, cols.step * j->vector);
    repeat(&a, rows.count, rows.step * get(j, o->row) * j->vector);
    repeat(&a, nb, get(j, o->block) * j->vector);
    put(j, a);
}

/* Accumulator blocks have E channels, the result's have V: the last accumulator block may be needed
 * in part. */
static void sums(const struct job *j, enum svpe_field at, uint64_t channels, uint64_t pixels) {
    uint64_t elements = (uint64_t)j->target->elements, whole = channels / elements;
    uint64_t first = get(j, at) * j->entry;
    put(j, area_of(SVPE_BUFFER_ACC, false, first, whole * pixels * j->entry));
    struct area rest =
        area_of(SVPE_BUFFER_ACC, false, first + whole * pixels * j->entry, channels % elements * 8);
    repeat(&rest, pixels, j->entry);
    put(j, rest);
}

/* The result's shape, and a source that its pixels need. */
struct need {
    const struct svpe_operand *from;
    uint64_t nb, rows, cols;
};
typedef void walk_fn(const struct job *j, const struct need *n);

static void pixels(const struct job *j, const struct need *n) {
    tile(j, false, n->from, n->nb, (struct axis){n->rows, 1}, (struct axis){n->cols, 1});
}

static void residual(const struct job *j, const struct need *n) {
    if (get(j, n->from->flag)) pixels(j, n);
}

static void broadcast(const struct job *j, const struct need *n) {
    struct axis one = {1, 0};
    if (get(j, n->from->flag))
        tile(j, false, n->from, n->nb, one, one);
    else
        pixels(j, n);
}

static void samples(const struct job *j, const struct need *n) {
    uint64_t ry = get(j, n->from->ry), rx = get(j, n->from->rx);
    struct axis rows = {(n->rows + ry - 1) / ry, get(j, n->from->ny)};
    struct axis cols = {(n->cols + rx - 1) / rx, get(j, n->from->nx)};
    tile(j, false, n->from, n->nb, rows, cols);
}

/* Windows of one axis cut to [0, extent): at most a first one cut at its low end, whole ones, and a
 * last one cut at its high end. `length` consecutive places from `first` on, `count` times `step`
 * apart. */
struct piece {
    uint64_t first, length, count, step;
};
struct pieces {
    struct piece piece[3];
    int count;
};
struct windows {
    int64_t count, stride, length, before, extent; /* the first window starts at −before */
};

static void add_piece(struct pieces *p, int64_t first, int64_t end, int64_t count, int64_t step) {
    if (first >= end || count <= 0) return;
    p->piece[p->count++] =
        (struct piece){(uint64_t)first, (uint64_t)(end - first), (uint64_t)count, (uint64_t)step};
}

static int64_t floor_div(int64_t a, int64_t b) {
    return a >= 0 ? a / b : -((b - 1 - a) / b);
}
static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}
static int64_t most(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static struct pieces cut_windows(struct windows w) {
    struct pieces p = {0};
    if (w.stride <= w.length) {
        int64_t end = (w.count - 1) * w.stride + w.length - w.before;
        add_piece(&p, 0, least(end, w.extent), 1, 0);
        return p;
    }
    int64_t whole = floor_div(w.before + w.stride - 1, w.stride); /* first window at or after 0 */
    int64_t past =
        most(whole, least(w.count, floor_div(w.extent - w.length + w.before, w.stride) + 1));
    int64_t start = (whole - 1) * w.stride - w.before;
    if (whole <= w.count) add_piece(&p, 0, least(start + w.length, w.extent), 1, 0);
    start = whole * w.stride - w.before;
    add_piece(&p, start, start + w.length, past - whole, w.stride);
    start = past * w.stride - w.before;
    if (past < w.count) add_piece(&p, start, least(start + w.length, w.extent), 1, 0);
    return p;
}

static uint64_t inside(struct windows w, int64_t i) {
    int64_t start = i * w.stride - w.before;
    return (uint64_t)most(0, least(start + w.length, w.extent) - most(start, 0));
}

enum { MAX_WINDOW = 256 };

/* used[n]: some window has n places inside. */
static void mark_inside(struct windows w, bool used[MAX_WINDOW]) {
    for (int64_t i = 0; i < w.count; i++) used[inside(w, i)] = true;
}

static void border_factors(const struct job *j, const struct svpe_operand *o, struct windows rows,
                           struct windows cols) {
    bool tall[MAX_WINDOW] = {0}, wide[MAX_WINDOW] = {0};
    mark_inside(rows, tall);
    mark_inside(cols, wide);
    uint64_t kw = get(j, o->kw), base = get(j, svpe_op_info(j->insn->op)->param.at) * 8;
    for (uint64_t y = 1; y < MAX_WINDOW; y++) {
        if (!tall[y]) continue;
        for (uint64_t x = 1, run = 0; x <= MAX_WINDOW; x++) {
            if (x < MAX_WINDOW && wide[x]) {
                run++;
            } else if (run) {
                uint64_t entry = (y - 1) * kw + x - 1 - run;
                put(j, area_of(SVPE_BUFFER_PAR, false, base + entry * 2, run * 2));
                run = 0;
            }
        }
    }
}

static struct windows windows_down(const struct job *j, const struct need *n) {
    struct windows w = {.count = (int64_t)n->rows,
                        .stride = svpe_get(j->insn, n->from->sy),
                        .length = svpe_get(j->insn, n->from->kh)};
    bool border = get(j, n->from->flag) != 0;
    if (border) w.before = svpe_get(j->insn, n->from->pt);
    w.extent = border ? svpe_get(j->insn, n->from->ih) : (w.count - 1) * w.stride + w.length;
    return w;
}

static struct windows windows_across(const struct job *j, const struct need *n) {
    struct windows w = {.count = (int64_t)n->cols,
                        .stride = svpe_get(j->insn, n->from->sx),
                        .length = svpe_get(j->insn, n->from->kw)};
    bool border = get(j, n->from->flag) != 0;
    if (border) w.before = svpe_get(j->insn, n->from->pl);
    w.extent = border ? svpe_get(j->insn, n->from->iw) : (w.count - 1) * w.stride + w.length;
    return w;
}

static void windows(const struct job *j, const struct need *n) {
    struct pieces down = cut_windows(windows_down(j, n));
    struct pieces across = cut_windows(windows_across(j, n));
    uint64_t at = get(j, n->from->at), row = get(j, n->from->row);
    for (int r = 0; r < down.count; r++) {
        for (int k = 0; k < across.count; k++) {
            struct piece y = down.piece[r], x = across.piece[k];
            struct area a = area_of(SVPE_BUFFER_ACT, false,
                                    (at + y.first * row + x.first) * j->vector, j->vector);
            repeat(&a, x.length, j->vector);
            repeat(&a, x.count, x.step * j->vector);
            repeat(&a, y.length, row * j->vector);
            repeat(&a, y.count, y.step * row * j->vector);
            repeat(&a, n->nb, get(j, n->from->block) * j->vector);
            put(j, a);
        }
    }
}

static walk_fn *const walks[SVPE_WALK_COUNT] = {
    [SVPE_WALK_PIXELS] = pixels,       [SVPE_WALK_RESIDUAL] = residual,
    [SVPE_WALK_BROADCAST] = broadcast, [SVPE_WALK_SAMPLES] = samples,
    [SVPE_WALK_WINDOWS] = windows,
};

static void params(const struct job *j, const struct need *n) {
    const struct svpe_op_info *op = svpe_op_info(j->insn->op);
    if (!op->param.known) return;
    uint64_t first = get(j, op->param.at) * 8;
    switch (op->param.kind) {
    case SVPE_PARAM_CHANNELS:
        put(j, area_of(SVPE_BUFFER_PAR, false, first, n->nb * (uint64_t)j->target->lanes * 8));
        break;
    case SVPE_PARAM_TABLE: /* 16-bit activations interpolate between an entry and the next one */
        put(j, area_of(SVPE_BUFFER_PAR, false, first, (j->element == 1 ? 256u : 257u) * 2u));
        break;
    case SVPE_PARAM_FACTORS:
        if (get(j, n->from->flag))
            border_factors(j, n->from, windows_down(j, n), windows_across(j, n));
        break;
    case SVPE_PARAM_COUNT:
        break;
    }
}

static void vector(const struct job *j) {
    const struct svpe_vector_info *v = svpe_vector_info(svpe_op_info(j->insn->op)->format);
    struct need n = {&v->source[0], get(j, v->nb), get(j, v->rows), get(j, v->cols)};
    if (v->sums.known) sums(j, v->sums.at, n.nb * (uint64_t)j->target->lanes, n.rows * n.cols);
    params(j, &n);
    for (int k = 0; k < SVPE_MAX_SOURCES; k++) {
        n.from = &v->source[k];
        if (n.from->what) walks[n.from->walk](j, &n);
    }
    tile(j, true, &v->result, n.nb, (struct axis){n.rows, 1}, (struct axis){n.cols, 1});
}

typedef void footprint_fn(const struct job *j);

static footprint_fn *const footprints[SVPE_FORMAT_COUNT] = {[SVPE_FORMAT_LINE] = line,
                                                            [SVPE_FORMAT_TILE] = load_tile,
                                                            [SVPE_FORMAT_BACK] = store_tile,
                                                            [SVPE_FORMAT_CONV] = conv};

void svpe_footprint(const struct svpe_machine *m, const struct svpe_insn *i, svpe_range_fn *visit,
                    void *user) {
    enum svpe_format format = svpe_op_info(i->op)->format;
    footprint_fn *f = svpe_vector_info(format) ? vector : footprints[format];
    if (!f) return;
    const struct svpe_target *t = m->target;
    uint64_t element = (uint64_t)m->act_bits / 8;
    struct job j = {i,     t,   element, element * (uint64_t)t->lanes, (uint64_t)t->elements * 8,
                    visit, user};
    f(&j);
}
