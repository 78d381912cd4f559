/* Instructions of one layer: for every tile its loads, its pass over the array or the vector
 * unit, its store, in an order that one queue alone could run. What isa/svpe.def says of each
 * instruction is what stands here in reverse.
 *
 * Not here: tokens (tokens.c), contents of the weight and parameter regions (pack.c). */
#include "backend/internal.h"

struct setting {
    enum svpe_field field;
    int64_t value;
};

static void set_all(struct svpe_insn *i, const struct setting *s, size_t count) {
    for (size_t k = 0; k < count; k++) svpe_set(i, s[k].field, s[k].value);
}
#define SET(i, ...)                                                                                \
    set_all(i, (const struct setting[]){__VA_ARGS__},                                              \
            sizeof((const struct setting[]){__VA_ARGS__}) / sizeof(struct setting))

static struct svpe_insn *add(struct be_lower *lo, enum svpe_op op) {
    return be_code_add(&lo->code, op, lo->layer->index);
}

static int least(int a, int b) {
    return a < b ? a : b;
}

/* ---- Tiles ----------------------------------------------------------------------------------- */

struct tile {
    int channel, place;   /* index of the tile among those of channels and of pixels */
    int block, blocks;    /* of V output channels */
    int y, rows, x, cols; /* output pixels */
    struct be_span down, across;
    int pitch, height; /* of the input tile: vectors per row, rows */
};

/* A block of pixels in the activation buffer. */
struct area {
    int64_t at;
    int block, row; /* strides, vectors */
};

static int tile_count(const struct be_layer *l) {
    return l->need->rows * l->need->cols * l->need->channels;
}

static struct tile tile_at(const struct be_lower *lo, const struct be_layer *l, int index) {
    const struct be_need *n = l->need;
    const struct be_shape *s = l->shape;
    int places = n->rows * n->cols, size = l->tiling.oc / (int)lo->plan->target->lanes;
    bool inner = l->tiling.order == BE_ORDER_SPATIAL_OUTER;
    struct tile t = {.channel = inner ? index % n->channels : index / places,
                     .place = inner ? index / n->channels : index % places};
    t.block = t.channel * size;
    t.blocks = least(size, s->out_blocks - t.block);
    t.y = t.place / n->cols * l->tiling.rows;
    t.x = t.place % n->cols * l->tiling.cols;
    t.rows = least(l->tiling.rows, s->ay.out - t.y);
    t.cols = least(l->tiling.cols, s->ax.out - t.x);
    t.down = be_span(&s->ay, t.y, t.rows);
    t.across = be_span(&s->ax, t.x, t.cols);
    t.height = s->border ? t.down.count : t.down.total;
    t.pitch = t.cols < l->tiling.cols ? n->last_pitch : n->pitch;
    if (s->border) t.pitch = t.across.count;
    return t;
}

struct slot {
    int64_t at;
    bool fresh; /* it holds something else: load it */
};
enum { NO_KEY = -1 };

/* The slot that holds `key`, else the next one in turn. */
static struct slot take(struct be_lower *lo, enum be_role role, int64_t key) {
    const struct be_slots *s = &lo->layer->need->slots[role];
    struct be_use *u = &lo->use[role];
    for (int i = 0; i < s->count; i++)
        if (key != NO_KEY && u->key[i] == key) return (struct slot){s->base + i * s->size, false};
    int i = u->next;
    u->next = (i + 1) % s->count;
    u->key[i] = key;
    return (struct slot){s->base + i * s->size, true};
}

static struct area result_area(int64_t at, const struct tile *t) {
    return (struct area){at, t->rows * t->cols, t->cols};
}

/* ---- Loads and stores ------------------------------------------------------------------------ */

static int64_t element_bytes(const struct be_lower *lo) {
    return lo->plan->act_bits / 8;
}

static int64_t pixel_bytes(const struct be_lower *lo, const struct be_buffer *b) {
    int64_t elements =
        b->layout == SVPE_LAYOUT_STEM ? (int64_t)1 << b->px : lo->plan->target->lanes;
    return elements * element_bytes(lo);
}

static int log2_lanes(const struct be_lower *lo) {
    int n = 0;
    while ((int64_t)1 << n < lo->plan->target->lanes) n++;
    return n;
}

struct region_at {
    enum svpe_region region;
    uint64_t at;
};

static struct region_at read_from(const struct be_buffer *b) {
    return b->made < 0 ? (struct region_at){SVPE_REGION_IN, b->in_at}
                       : (struct region_at){SVPE_REGION_WORK, b->work_at};
}

/* Blocks block … block+blocks−1 of b's pixels in the spans, padded. */
static void load(struct be_lower *lo, const struct be_buffer *b, int block, int blocks,
                 const struct be_span *down, const struct be_span *across, int pad,
                 struct area to) {
    struct region_at from = read_from(b);
    int64_t pixel = pixel_bytes(lo, b), row = pixel * b->width, plane = row * b->height;
    struct svpe_insn *i = add(lo, SVPE_LDA);
    SET(i, {SVPE_TILE_region, from.region},
        {SVPE_TILE_src,
         (int64_t)from.at + block * plane + down->first * row + across->first * pixel},
        {SVPE_TILE_nb, blocks}, {SVPE_TILE_nr, down->count}, {SVPE_TILE_nc, across->count},
        {SVPE_TILE_sb, plane}, {SVPE_TILE_sr, row}, {SVPE_TILE_dst, to.at},
        {SVPE_TILE_db, to.block}, {SVPE_TILE_dr, to.row}, {SVPE_TILE_pt, down->before},
        {SVPE_TILE_pb, down->after}, {SVPE_TILE_pl, across->before}, {SVPE_TILE_pr, across->after},
        {SVPE_TILE_pad, pad},
        {SVPE_TILE_px, b->layout == SVPE_LAYOUT_STEM ? b->px : log2_lanes(lo)});
}

/* The tile's input with padding; `blocks` are those of the input. */
static struct area load_input(struct be_lower *lo, const struct tile *t, int block, int blocks,
                              int64_t key, int pad) {
    const struct be_shape *s = lo->layer->shape;
    struct slot in = take(lo, BE_IN, key);
    struct area a = {in.at, t->height * t->pitch, t->pitch};
    struct be_span down = t->down, across = t->across;
    if (s->border) down.before = down.after = across.before = across.after = 0;
    if (in.fresh) load(lo, s->x, block, blocks, &down, &across, pad, a);
    return a;
}

/* The operand of an operation without windows: the pixels of the result itself, or the one pixel
 * of a vector. */
static struct area load_second(struct be_lower *lo, const struct tile *t) {
    const struct be_shape *s = lo->layer->shape;
    struct be_span down = {.first = t->y, .count = t->rows},
                   across = {.first = t->x, .count = t->cols};
    if (s->broadcast) down = across = (struct be_span){.count = 1};
    struct area a = {take(lo, BE_B, NO_KEY).at, down.count * across.count, across.count};
    load(lo, s->b, t->block, t->blocks, &down, &across, 0, a);
    return a;
}

struct lanes {
    int from, count;
};

/* Blocks of the tile from the buffer to block `block` of y, `lane` lanes further on. */
static struct svpe_insn *store_lanes(struct be_lower *lo, const struct tile *t, struct region_at to,
                                     struct area from, int block, int blocks, int lane,
                                     struct lanes lanes) {
    const struct be_buffer *y = lo->layer->shape->y;
    int64_t pixel = pixel_bytes(lo, y), row = pixel * y->width, plane = row * y->height;
    struct svpe_insn *i = add(lo, SVPE_STA);
    SET(i, {SVPE_BACK_region, to.region},
        {SVPE_BACK_dst,
         (int64_t)to.at + block * plane + t->y * row + t->x * pixel + lane * element_bytes(lo)},
        {SVPE_BACK_nb, blocks}, {SVPE_BACK_nr, t->rows}, {SVPE_BACK_nc, t->cols},
        {SVPE_BACK_sb, plane}, {SVPE_BACK_sr, row}, {SVPE_BACK_src, from.at},
        {SVPE_BACK_db, from.block}, {SVPE_BACK_dr, from.row}, {SVPE_BACK_from, lanes.from},
        {SVPE_BACK_lanes, lanes.count});
    return i;
}

/* Where a result goes: to the host, to later layers, or both. */
static int destinations(const struct be_buffer *y, struct region_at to[2]) {
    int count = 0;
    if (y->last >= 0) to[count++] = (struct region_at){SVPE_REGION_WORK, y->work_at};
    if (y->output) to[count++] = (struct region_at){SVPE_REGION_OUT, y->out_at};
    return count;
}

static void store(struct be_lower *lo, const struct tile *t, struct area from) {
    struct region_at to[2];
    int count = destinations(lo->layer->shape->y, to);
    for (int k = 0; k < count; k++)
        store_lanes(lo, t, to[k], from, t->block, t->blocks, 0,
                    (struct lanes){0, (int)lo->plan->target->lanes});
}

static void load_line(struct be_lower *lo, enum svpe_op op, enum svpe_region region, uint64_t at,
                      int64_t dst, int64_t dwords) {
    struct svpe_insn *i = add(lo, op);
    SET(i, {SVPE_LINE_region, region}, {SVPE_LINE_src, (int64_t)at}, {SVPE_LINE_dst, dst},
        {SVPE_LINE_count, dwords});
}

static int64_t load_params(struct be_lower *lo, const struct tile *t) {
    struct be_piece all = be_pack_params(lo, lo->layer);
    struct slot par = take(lo, BE_PAR, t->channel);
    int64_t lanes = lo->plan->target->lanes;
    if (par.fresh)
        load_line(lo, SVPE_LDP, SVPE_REGION_PAR, all.at + (uint64_t)(t->block * lanes * 8), par.at,
                  t->blocks * lanes);
    return par.at;
}

static int64_t load_table(struct be_lower *lo) {
    struct be_piece all = be_pack_params(lo, lo->layer);
    struct slot par = take(lo, BE_PAR, 0);
    if (par.fresh) load_line(lo, SVPE_LDP, SVPE_REGION_PAR, all.at, par.at, all.dwords);
    return par.at;
}

/* ---- Convolution ----------------------------------------------------------------------------- */

/* One run over the tile's sums. With two terms and several chunks of input channels, all chunks
 * pass with their first terms, the last of them goes on with its second term behind the shift,
 * and the others follow with theirs. */
struct pass {
    int index, chunk;
    enum be_terms terms;
};

static int pass_count(const struct be_layer *l) {
    int chunks = l->need->chunks;
    return l->shape->terms == 2 ? 2 * chunks - 1 : chunks;
}

static struct pass pass_at(const struct be_layer *l, int index) {
    int chunks = l->need->chunks;
    struct pass p = {.index = index, .chunk = index % chunks, .terms = BE_TERMS_ALL};
    if (l->shape->terms == 2 && index < chunks - 1) p.terms = BE_TERM_FIRST;
    if (index >= chunks) p.terms = BE_TERM_SECOND;
    return p;
}

static int64_t load_weights(struct be_lower *lo, const struct tile *t, const struct pass *pass) {
    struct be_block_range range = {.terms = pass->terms};
    const struct be_shape *s = lo->layer->shape;
    const struct svpe_target *target = lo->plan->target;
    int chunk = lo->layer->tiling.ic / (int)target->lanes;
    range.out = t->block * (int)target->lanes / (int)target->elements;
    range.outs = be_array_blocks(target, t->blocks * (int)target->lanes);
    range.in = pass->chunk * chunk;
    range.ins = least(chunk, s->in_blocks - range.in);
    int64_t key = (int64_t)t->channel * pass_count(lo->layer) + pass->index;
    struct slot wgt = take(lo, BE_WGT, key);
    if (wgt.fresh) {
        struct be_piece piece = be_pack_weights(lo, lo->layer, key, &range);
        load_line(lo, SVPE_LDW, SVPE_REGION_WGT, piece.at, wgt.at, piece.dwords);
    }
    return wgt.at;
}

static struct area conv_input(struct be_lower *lo, const struct tile *t, const struct pass *pass) {
    const struct be_layer *l = lo->layer;
    const struct be_shape *s = l->shape;
    if (s->form == SVPE_FORM_DEPTHWISE || s->diagonal)
        return load_input(lo, t, t->block, t->blocks,
                          (int64_t)t->place * l->need->channels + t->channel, s->x->zero);
    if (s->form == SVPE_FORM_STEM) return load_input(lo, t, 0, 1, t->place, s->x->zero);
    int chunk = l->tiling.ic / (int)lo->plan->target->lanes, first = pass->chunk * chunk;
    return load_input(lo, t, first, least(chunk, s->in_blocks - first),
                      (int64_t)t->place * l->need->chunks + pass->chunk, s->x->zero);
}

/* What one instruction computes of a pass. */
struct conv_part {
    int64_t src, wgt, acc;
    int in_blocks, array_blocks;
};

static void add_conv(struct be_lower *lo, const struct tile *t, const struct pass *pass,
                     const struct area *in, const struct conv_part *part) {
    const struct be_shape *s = lo->layer->shape;
    bool two = s->terms == 2 && pass->terms == BE_TERMS_ALL;
    struct svpe_insn *i = add(lo, SVPE_CONV);
    SET(i, {SVPE_CONV_form, s->form}, {SVPE_CONV_wfmt, s->wfmt}, {SVPE_CONV_two, two},
        {SVPE_CONV_tshift, two ? s->term_shift : 0}, {SVPE_CONV_more, pass->index > 0},
        {SVPE_CONV_src, part->src}, {SVPE_CONV_db, s->form == SVPE_FORM_STEM ? 0 : in->block},
        {SVPE_CONV_dr, in->row}, {SVPE_CONV_wgt, part->wgt}, {SVPE_CONV_acc, part->acc},
        {SVPE_CONV_rows, t->rows}, {SVPE_CONV_cols, t->cols}, {SVPE_CONV_kh, s->kh},
        {SVPE_CONV_kw, s->kw}, {SVPE_CONV_ib, part->in_blocks}, {SVPE_CONV_ob, part->array_blocks},
        {SVPE_CONV_sy, s->ay.stride}, {SVPE_CONV_sx, s->ax.stride}, {SVPE_CONV_dy, s->dy},
        {SVPE_CONV_dx, s->dx}, {SVPE_CONV_px, s->form == SVPE_FORM_STEM ? s->x->px : 0});
}

/* Groups within blocks: each block of the result from its own input block. */
static void conv_blocks(struct be_lower *lo, const struct tile *t, const struct pass *pass,
                        const struct area *in, struct conv_part part) {
    const struct be_shape *s = lo->layer->shape;
    const struct svpe_target *target = lo->plan->target;
    part.in_blocks = 1;
    part.array_blocks = be_array_blocks(target, (int)target->lanes);
    int64_t weights = s->terms * be_weight_blocks(s, part.array_blocks, 1) *
                      (int64_t)svpe_block_bytes(target, s->wfmt) / 8;
    for (int b = 0; b < t->blocks; b++) {
        add_conv(lo, t, pass, in, &part);
        part.src += in->block;
        part.wgt += weights;
        part.acc += (int64_t)part.array_blocks * t->rows * t->cols;
    }
}

static void conv_pass(struct be_lower *lo, const struct tile *t, const struct pass *pass,
                      int64_t acc) {
    const struct be_layer *l = lo->layer;
    const struct be_shape *s = l->shape;
    const struct svpe_target *target = lo->plan->target;
    /* First what does not depend on the layer before: the queue is in order. */
    struct conv_part part = {.wgt = load_weights(lo, t, pass), .acc = acc};
    struct area in = conv_input(lo, t, pass);
    int chunk = l->tiling.ic / (int)target->lanes;
    bool one = s->form == SVPE_FORM_DEPTHWISE || s->form == SVPE_FORM_STEM;
    part.src = in.at;
    part.in_blocks = one ? 1 : least(chunk, s->in_blocks - pass->chunk * chunk);
    part.array_blocks = be_array_blocks(target, t->blocks * (int)target->lanes);
    if (s->diagonal)
        conv_blocks(lo, t, pass, &in, part);
    else
        add_conv(lo, t, pass, &in, &part);
}

struct sum_shifts {
    int p, q, s;
};

static struct sum_shifts sum_shifts(int a, int b, int y) {
    int e = least(a, b);
    return (struct sum_shifts){a - e, b - e, y - e};
}

static void requantize(struct be_lower *lo, const struct tile *t, int64_t acc, int64_t par,
                       struct area out) {
    const struct be_layer *l = lo->layer;
    const struct be_shape *s = l->shape;
    struct area b = {0};
    if (s->b) b = load_second(lo, t);
    struct svpe_insn *i = add(lo, SVPE_REQ);
    SET(i, {SVPE_REQ_acc, acc}, {SVPE_REQ_par, par}, {SVPE_REQ_nb, t->blocks},
        {SVPE_REQ_rows, t->rows}, {SVPE_REQ_cols, t->cols}, {SVPE_REQ_dst, out.at},
        {SVPE_REQ_ddb, out.block}, {SVPE_REQ_ddr, out.row}, {SVPE_REQ_zo, s->y->zero != 0},
        {SVPE_REQ_lo, s->lo}, {SVPE_REQ_hi, s->hi});
    if (!s->b) return;
    struct sum_shifts k = sum_shifts((int)ir_attr_int(l->node, "mid_exp"), s->b->exp, s->y->exp);
    SET(i, {SVPE_REQ_res, 1}, {SVPE_REQ_b, b.at}, {SVPE_REQ_bdb, b.block}, {SVPE_REQ_bdr, b.row},
        {SVPE_REQ_zb, s->b->zero != 0}, {SVPE_REQ_p, k.p}, {SVPE_REQ_q, k.q}, {SVPE_REQ_s, k.s});
}

void be_lower_conv(struct be_lower *lo, const struct be_layer *l) {
    for (int n = 0; n < tile_count(l); n++) {
        struct tile t = tile_at(lo, l, n);
        int64_t acc = take(lo, BE_ACC, NO_KEY).at, par = load_params(lo, &t);
        for (int k = 0; k < pass_count(l); k++) {
            struct pass pass = pass_at(l, k);
            conv_pass(lo, &t, &pass, acc);
        }
        struct area out = result_area(take(lo, BE_OUT, NO_KEY).at, &t);
        requantize(lo, &t, acc, par, out);
        store(lo, &t, out);
    }
}

/* ---- Vector unit ----------------------------------------------------------------------------- */

/* Instructions of the three vector formats, but for what single operations add. */
static struct svpe_insn *pair(struct be_lower *lo, enum svpe_op op, const struct tile *t,
                              struct area out) {
    const struct be_shape *s = lo->layer->shape;
    struct area a = load_input(lo, t, t->block, t->blocks, NO_KEY, 0), b = load_second(lo, t);
    struct svpe_insn *i = add(lo, op);
    SET(i, {SVPE_PAIR_a, a.at}, {SVPE_PAIR_adb, a.block}, {SVPE_PAIR_adr, a.row},
        {SVPE_PAIR_b, b.at}, {SVPE_PAIR_bdb, b.block}, {SVPE_PAIR_bdr, s->broadcast ? 0 : b.row},
        {SVPE_PAIR_dst, out.at}, {SVPE_PAIR_ddb, out.block}, {SVPE_PAIR_ddr, out.row},
        {SVPE_PAIR_nb, t->blocks}, {SVPE_PAIR_rows, t->rows}, {SVPE_PAIR_cols, t->cols},
        {SVPE_PAIR_za, s->x->zero != 0}, {SVPE_PAIR_zb, s->b->zero != 0},
        {SVPE_PAIR_zo, s->y->zero != 0}, {SVPE_PAIR_lo, s->lo}, {SVPE_PAIR_hi, s->hi},
        {SVPE_PAIR_bcast, s->broadcast});
    return i;
}

static struct svpe_insn *map(struct be_lower *lo, enum svpe_op op, const struct tile *t,
                             struct area out) {
    const struct be_shape *s = lo->layer->shape;
    struct area a = load_input(lo, t, t->block, t->blocks, NO_KEY, 0);
    struct svpe_insn *i = add(lo, op);
    SET(i, {SVPE_MAP_a, a.at}, {SVPE_MAP_adb, a.block}, {SVPE_MAP_adr, a.row},
        {SVPE_MAP_dst, out.at}, {SVPE_MAP_ddb, out.block}, {SVPE_MAP_ddr, out.row},
        {SVPE_MAP_nb, t->blocks}, {SVPE_MAP_rows, t->rows}, {SVPE_MAP_cols, t->cols},
        {SVPE_MAP_ny, s->ay.stride}, {SVPE_MAP_nx, s->ax.stride}, {SVPE_MAP_ry, s->ay.repeat},
        {SVPE_MAP_rx, s->ax.repeat});
    return i;
}

static struct svpe_insn *window(struct be_lower *lo, enum svpe_op op, const struct tile *t, int pad,
                                struct area out) {
    const struct be_shape *s = lo->layer->shape;
    struct area a = load_input(lo, t, t->block, t->blocks, NO_KEY, pad);
    struct svpe_insn *i = add(lo, op);
    SET(i, {SVPE_WIN_a, a.at}, {SVPE_WIN_adb, a.block}, {SVPE_WIN_adr, a.row},
        {SVPE_WIN_dst, out.at}, {SVPE_WIN_ddb, out.block}, {SVPE_WIN_ddr, out.row},
        {SVPE_WIN_nb, t->blocks}, {SVPE_WIN_rows, t->rows}, {SVPE_WIN_cols, t->cols},
        {SVPE_WIN_kh, s->kh}, {SVPE_WIN_kw, s->kw}, {SVPE_WIN_sy, s->ay.stride},
        {SVPE_WIN_sx, s->ax.stride});
    return i;
}

typedef void tile_fn(struct be_lower *lo, const struct tile *t, struct area out);

static void each_tile(struct be_lower *lo, const struct be_layer *l, tile_fn *emit) {
    for (int n = 0; n < tile_count(l); n++) {
        struct tile t = tile_at(lo, l, n);
        struct area out = result_area(take(lo, BE_OUT, NO_KEY).at, &t);
        emit(lo, &t, out);
        store(lo, &t, out);
    }
}

static void add_tile(struct be_lower *lo, const struct tile *t, struct area out) {
    const struct be_shape *s = lo->layer->shape;
    struct sum_shifts k = sum_shifts(s->x->exp, s->b->exp, s->y->exp);
    SET(pair(lo, SVPE_ADD, t, out), {SVPE_PAIR_p, k.p}, {SVPE_PAIR_q, k.q}, {SVPE_PAIR_s, k.s});
}

static void mul_tile(struct be_lower *lo, const struct tile *t, struct area out) {
    const struct be_shape *s = lo->layer->shape;
    SET(pair(lo, SVPE_MUL, t, out), {SVPE_PAIR_s, s->y->exp - s->x->exp - s->b->exp});
}

static void scale_tile(struct be_lower *lo, const struct tile *t, struct area out) {
    const struct be_shape *s = lo->layer->shape;
    int64_t par = load_params(lo, t);
    SET(map(lo, SVPE_SCALE, t, out), {SVPE_MAP_par, par}, {SVPE_MAP_za, s->x->zero != 0},
        {SVPE_MAP_zo, s->y->zero != 0}, {SVPE_MAP_lo, s->lo}, {SVPE_MAP_hi, s->hi});
}

static void prelu_tile(struct be_lower *lo, const struct tile *t, struct area out) {
    const struct be_shape *s = lo->layer->shape;
    struct sum_shifts k = sum_shifts(s->x->exp, s->y->exp, s->y->exp);
    int64_t par = load_params(lo, t);
    SET(map(lo, SVPE_PRELU, t, out), {SVPE_MAP_par, par}, {SVPE_MAP_p, k.p}, {SVPE_MAP_s, k.s},
        {SVPE_MAP_za, s->x->zero != 0}, {SVPE_MAP_zo, s->y->zero != 0}, {SVPE_MAP_lo, s->lo},
        {SVPE_MAP_hi, s->hi});
}

static void lut_tile(struct be_lower *lo, const struct tile *t, struct area out) {
    int64_t par = load_table(lo);
    SET(map(lo, SVPE_LUT, t, out), {SVPE_MAP_par, par});
}

static void copy_tile(struct be_lower *lo, const struct tile *t, struct area out) {
    const struct be_shape *s = lo->layer->shape;
    struct sum_shifts k = sum_shifts(s->x->exp, s->y->exp, s->y->exp);
    SET(map(lo, SVPE_COPY, t, out), {SVPE_MAP_p, k.p}, {SVPE_MAP_s, k.s},
        {SVPE_MAP_za, s->x->zero != 0}, {SVPE_MAP_zo, s->y->zero != 0}, {SVPE_MAP_lo, s->lo},
        {SVPE_MAP_hi, s->hi});
}

static void max_tile(struct be_lower *lo, const struct tile *t, struct area out) {
    window(lo, SVPE_MAX, t, -(1 << (lo->plan->act_bits - 1)), out);
}

static void avg_tile(struct be_lower *lo, const struct tile *t, struct area out) {
    const struct be_shape *s = lo->layer->shape;
    int64_t par = s->border ? load_table(lo) : 0;
    struct svpe_insn *i = window(lo, SVPE_AVG, t, s->x->zero, out);
    SET(i, {SVPE_WIN_s, ir_attr_int(lo->layer->node, "shift")}, {SVPE_WIN_za, s->x->zero != 0},
        {SVPE_WIN_zo, s->y->zero != 0});
    if (s->border)
        SET(i, {SVPE_WIN_border, 1}, {SVPE_WIN_pt, t->down.before}, {SVPE_WIN_pl, t->across.before},
            {SVPE_WIN_ih, t->down.count}, {SVPE_WIN_iw, t->across.count}, {SVPE_WIN_par, par});
    else
        SET(i, {SVPE_WIN_mult, s->table[0]});
}

void be_lower_add(struct be_lower *lo, const struct be_layer *l) {
    each_tile(lo, l, add_tile);
}
void be_lower_mul(struct be_lower *lo, const struct be_layer *l) {
    each_tile(lo, l, mul_tile);
}
void be_lower_scale(struct be_lower *lo, const struct be_layer *l) {
    each_tile(lo, l, scale_tile);
}
void be_lower_prelu(struct be_lower *lo, const struct be_layer *l) {
    each_tile(lo, l, prelu_tile);
}
void be_lower_lut(struct be_lower *lo, const struct be_layer *l) {
    each_tile(lo, l, lut_tile);
}
void be_lower_copy(struct be_lower *lo, const struct be_layer *l) {
    each_tile(lo, l, copy_tile);
}
void be_lower_max(struct be_lower *lo, const struct be_layer *l) {
    each_tile(lo, l, max_tile);
}
void be_lower_avg(struct be_lower *lo, const struct be_layer *l) {
    each_tile(lo, l, avg_tile);
}

/* ---- Concatenation --------------------------------------------------------------------------- */

/* `channels` channels from lane 0 of the blocks at `from` to channel `to` of the result: whole
 * blocks where lanes agree, else each block in two pieces. */
static void store_channels(struct be_lower *lo, const struct tile *t, struct region_at region,
                           struct area from, int channels, int to) {
    int lanes = (int)lo->plan->target->lanes, shift = to % lanes;
    for (int done = 0; done < channels;) {
        struct area at = {from.at + (int64_t)(done / lanes) * from.block, from.block, from.row};
        int source = done % lanes, target = (to + done) % lanes;
        int most = lanes - (source > target ? source : target),
            count = least(most, channels - done);
        int blocks = shift == 0 && count == lanes ? (channels - done) / lanes : 1;
        store_lanes(lo, t, region, at, (to + done) / lanes, blocks, target,
                    (struct lanes){source, count});
        done += blocks * count;
    }
}

/* Blocks from `block` on of one input, whose channel there is channel `to` of the result. */
static void concat_tile(struct be_lower *lo, const struct tile *place, int input, int block,
                        int to) {
    const struct be_layer *l = lo->layer;
    const struct be_buffer *part = l->shape->parts[input];
    int lanes = (int)lo->plan->target->lanes, size = l->tiling.oc / lanes;
    struct tile t = *place;
    t.block = block;
    t.blocks = least(size, part->blocks - block);
    struct area a = {take(lo, BE_IN, NO_KEY).at, t.rows * t.cols, t.cols};
    load(lo, part, t.block, t.blocks, &t.down, &t.across, 0, a);
    struct region_at region[2];
    int count = destinations(l->shape->y, region);
    bool final = input == l->shape->part_count - 1;
    int channels = least(t.blocks * lanes, part->channels - block * lanes);
    /* The last input brings the tail lanes of the result along. */
    int end = (to + channels + lanes - 1) / lanes * lanes - to;
    if (final && block + t.blocks == part->blocks) channels = least(end, t.blocks * lanes);
    for (int k = 0; k < count; k++) store_channels(lo, &t, region[k], a, channels, to);
}

void be_lower_concat(struct be_lower *lo, const struct be_layer *l) {
    const struct be_shape *s = l->shape;
    int lanes = (int)lo->plan->target->lanes, size = l->tiling.oc / lanes;
    struct be_layer places = *l;
    struct be_need need = *l->need;
    need.channels = 1;
    places.need = &need;
    for (int n = 0; n < tile_count(&places); n++) {
        struct tile t = tile_at(lo, &places, n);
        for (int i = 0, to = 0; i < s->part_count; to += s->parts[i++]->channels)
            for (int block = 0; block < s->parts[i]->blocks; block += size)
                concat_tile(lo, &t, i, block, to + block * lanes);
    }
}

/* ---- Interleaving ---------------------------------------------------------------------------- */

/* The tile's pixels of one input, to every sy-th row and sx-th column from its own place on. */
static void store_apart(struct be_lower *lo, const struct tile *t, struct region_at to,
                        struct area from, int part) {
    const struct be_shape *s = lo->layer->shape;
    int64_t pixel = pixel_bytes(lo, s->y), row = pixel * s->y->width;
    int64_t y = (int64_t)t->y * s->sy + part / s->sx, x = (int64_t)t->x * s->sx + part % s->sx;
    struct svpe_insn *i = store_lanes(lo, t, to, from, t->block, t->blocks, 0,
                                      (struct lanes){0, (int)lo->plan->target->lanes});
    SET(i, {SVPE_BACK_dst, (int64_t)to.at + t->block * row * s->y->height + y * row + x * pixel},
        {SVPE_BACK_sr, row * s->sy}, {SVPE_BACK_sc, s->sx});
}

static void interleave_tile(struct be_lower *lo, const struct tile *place, int part) {
    const struct be_shape *s = lo->layer->shape;
    const struct be_buffer *from = s->parts[part];
    struct tile t = *place;
    t.rows = t.down.count = least(t.rows, from->height - t.y);
    t.cols = t.across.count = least(t.cols, from->width - t.x);
    if (t.rows < 1 || t.cols < 1) return;
    struct area a = {take(lo, BE_IN, NO_KEY).at, t.rows * t.cols, t.cols};
    load(lo, from, t.block, t.blocks, &t.down, &t.across, 0, a);
    struct region_at to[2];
    int count = destinations(s->y, to);
    for (int k = 0; k < count; k++) store_apart(lo, &t, to[k], a, part);
}

void be_lower_interleave(struct be_lower *lo, const struct be_layer *l) {
    for (int n = 0; n < tile_count(l); n++) {
        struct tile t = tile_at(lo, l, n);
        for (int i = 0; i < l->shape->part_count; i++) interleave_tile(lo, &t, i);
    }
}
