/* The exact bytes an instruction reads and writes, per isa.h and the meanings in svpe.def.
 *
 * Every access of an instruction is a sum of arithmetic progressions: a run of bytes, repeated over
 * output rows, kernel rows, output columns, blocks… put() folds progressions that overlap or join
 * (windows that overlap become one row, rows without a gap one run) and never adds a byte that no
 * loop touches.
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

static void line(const struct job *j, int buffer) {
    uint64_t bytes = get(j, SVPE_LINE_count) * 8;
    put(j, area_of(region_space(get(j, SVPE_LINE_region)), false, get(j, SVPE_LINE_src), bytes));
    put(j, area_of(buffer, true, get(j, SVPE_LINE_dst) * 8, bytes));
}

static void load_weights(const struct job *j) {
    line(j, SVPE_BUFFER_WGT);
}
static void load_params(const struct job *j) {
    line(j, SVPE_BUFFER_PAR);
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
    repeat(&to, cols, j->vector);
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

struct tile {
    uint64_t at, block, row; /* vectors */
};

static struct tile tile_at(const struct job *j, enum svpe_field at, enum svpe_field block,
                           enum svpe_field row) {
    return (struct tile){get(j, at), get(j, block), get(j, row)};
}

static void tile(const struct job *j, bool write, struct tile t, uint64_t nb, struct axis rows,
                 struct axis cols) {
    struct area a = area_of(SVPE_BUFFER_ACT, write, t.at * j->vector, j->vector);
    repeat(&a, cols.count, cols.step * j->vector);
    repeat(&a, rows.count, rows.step * t.row * j->vector);
    repeat(&a, nb, t.block * j->vector);
    put(j, a);
}

static void params(const struct job *j, enum svpe_field at, uint64_t bytes) {
    put(j, area_of(SVPE_BUFFER_PAR, false, get(j, at) * 8, bytes));
}

/* Accumulator blocks have E channels, the result's have V: the last accumulator block may be needed
 * in part. */
static void requantize_input(const struct job *j, uint64_t channels, uint64_t pixels) {
    uint64_t elements = (uint64_t)j->target->elements, whole = channels / elements;
    uint64_t first = get(j, SVPE_REQ_acc) * j->entry;
    put(j, area_of(SVPE_BUFFER_ACC, false, first, whole * pixels * j->entry));
    struct area rest =
        area_of(SVPE_BUFFER_ACC, false, first + whole * pixels * j->entry, channels % elements * 8);
    repeat(&rest, pixels, j->entry);
    put(j, rest);
}

static void requantize(const struct job *j) {
    uint64_t nb = get(j, SVPE_REQ_nb), channels = nb * (uint64_t)j->target->lanes;
    struct axis rows = {get(j, SVPE_REQ_rows), 1}, cols = {get(j, SVPE_REQ_cols), 1};
    requantize_input(j, channels, rows.count * cols.count);
    params(j, SVPE_REQ_par, channels * 8);
    if (get(j, SVPE_REQ_res))
        tile(j, false, tile_at(j, SVPE_REQ_b, SVPE_REQ_bdb, SVPE_REQ_bdr), nb, rows, cols);
    tile(j, true, tile_at(j, SVPE_REQ_dst, SVPE_REQ_ddb, SVPE_REQ_ddr), nb, rows, cols);
}

static void pair(const struct job *j) {
    uint64_t nb = get(j, SVPE_PAIR_nb);
    struct axis rows = {get(j, SVPE_PAIR_rows), 1}, cols = {get(j, SVPE_PAIR_cols), 1};
    struct axis one = {1, 0};
    bool broadcast = get(j, SVPE_PAIR_bcast) != 0;
    tile(j, false, tile_at(j, SVPE_PAIR_a, SVPE_PAIR_adb, SVPE_PAIR_adr), nb, rows, cols);
    tile(j, false, tile_at(j, SVPE_PAIR_b, SVPE_PAIR_bdb, SVPE_PAIR_bdr), nb,
         broadcast ? one : rows, broadcast ? one : cols);
    tile(j, true, tile_at(j, SVPE_PAIR_dst, SVPE_PAIR_ddb, SVPE_PAIR_ddr), nb, rows, cols);
}

static void map(const struct job *j) {
    uint64_t nb = get(j, SVPE_MAP_nb), ry = get(j, SVPE_MAP_ry), rx = get(j, SVPE_MAP_rx);
    struct axis rows = {get(j, SVPE_MAP_rows), 1}, cols = {get(j, SVPE_MAP_cols), 1};
    struct axis from_rows = {(rows.count + ry - 1) / ry, get(j, SVPE_MAP_ny)};
    struct axis from_cols = {(cols.count + rx - 1) / rx, get(j, SVPE_MAP_nx)};
    tile(j, false, tile_at(j, SVPE_MAP_a, SVPE_MAP_adb, SVPE_MAP_adr), nb, from_rows, from_cols);
    tile(j, true, tile_at(j, SVPE_MAP_dst, SVPE_MAP_ddb, SVPE_MAP_ddr), nb, rows, cols);
}

static void scale(const struct job *j) {
    map(j);
    params(j, SVPE_MAP_par, get(j, SVPE_MAP_nb) * (uint64_t)j->target->lanes * 8);
}

/* 16-bit activations interpolate between an entry and the next one. */
static void lookup(const struct job *j) {
    map(j);
    params(j, SVPE_MAP_par, (j->element == 1 ? 256u : 257u) * 2u);
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

static void border_factors(const struct job *j, struct windows rows, struct windows cols) {
    bool tall[MAX_WINDOW] = {0}, wide[MAX_WINDOW] = {0};
    mark_inside(rows, tall);
    mark_inside(cols, wide);
    uint64_t kw = get(j, SVPE_WIN_kw), base = get(j, SVPE_WIN_par) * 8;
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

static void window_input(const struct job *j, struct windows rows, struct windows cols) {
    struct pieces down = cut_windows(rows), across = cut_windows(cols);
    struct tile t = tile_at(j, SVPE_WIN_a, SVPE_WIN_adb, SVPE_WIN_adr);
    for (int r = 0; r < down.count; r++) {
        for (int k = 0; k < across.count; k++) {
            struct piece y = down.piece[r], x = across.piece[k];
            struct area a = area_of(SVPE_BUFFER_ACT, false,
                                    (t.at + y.first * t.row + x.first) * j->vector, j->vector);
            repeat(&a, x.length, j->vector);
            repeat(&a, x.count, x.step * j->vector);
            repeat(&a, y.length, t.row * j->vector);
            repeat(&a, y.count, y.step * t.row * j->vector);
            repeat(&a, get(j, SVPE_WIN_nb), t.block * j->vector);
            put(j, a);
        }
    }
}

static struct windows windows_of(const struct job *j, enum svpe_field count, enum svpe_field stride,
                                 enum svpe_field length) {
    struct windows w = {.count = svpe_get(j->insn, count),
                        .stride = svpe_get(j->insn, stride),
                        .length = svpe_get(j->insn, length)};
    w.extent = (w.count - 1) * w.stride + w.length;
    return w;
}

static void windows(const struct job *j) {
    struct windows rows = windows_of(j, SVPE_WIN_rows, SVPE_WIN_sy, SVPE_WIN_kh);
    struct windows cols = windows_of(j, SVPE_WIN_cols, SVPE_WIN_sx, SVPE_WIN_kw);
    if (get(j, SVPE_WIN_border)) {
        rows.before = svpe_get(j->insn, SVPE_WIN_pt);
        rows.extent = svpe_get(j->insn, SVPE_WIN_ih);
        cols.before = svpe_get(j->insn, SVPE_WIN_pl);
        cols.extent = svpe_get(j->insn, SVPE_WIN_iw);
        border_factors(j, rows, cols);
    }
    window_input(j, rows, cols);
    struct axis down = {get(j, SVPE_WIN_rows), 1}, across = {get(j, SVPE_WIN_cols), 1};
    tile(j, true, tile_at(j, SVPE_WIN_dst, SVPE_WIN_ddb, SVPE_WIN_ddr), get(j, SVPE_WIN_nb), down,
         across);
}

typedef void footprint_fn(const struct job *j);

static footprint_fn *const footprints[SVPE_OP_COUNT] = {
    [SVPE_LDW] = load_weights, [SVPE_LDP] = load_params, [SVPE_LDA] = load_tile,
    [SVPE_CONV] = conv,        [SVPE_REQ] = requantize,  [SVPE_ADD] = pair,
    [SVPE_MUL] = pair,         [SVPE_SCALE] = scale,     [SVPE_LUT] = lookup,
    [SVPE_COPY] = map,         [SVPE_MAX] = windows,     [SVPE_AVG] = windows,
    [SVPE_STA] = store_tile,
};

void svpe_footprint(const struct svpe_machine *m, const struct svpe_insn *i, svpe_range_fn *visit,
                    void *user) {
    footprint_fn *f = footprints[i->op];
    if (!f) return;
    const struct svpe_target *t = m->target;
    uint64_t element = (uint64_t)m->act_bits / 8;
    struct job j = {i,     t,   element, element * (uint64_t)t->lanes, (uint64_t)t->elements * 8,
                    visit, user};
    f(&j);
}
