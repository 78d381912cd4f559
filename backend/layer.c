/* What the tiler and the lowering need to know of a layer, taken from its node and checked
 * against the target: operand tensors, axes, convolution form. ops.def says what the
 * operations mean, docs/numbers.md their arithmetic.
 *
 * Not here: tiles (tile.c), order of layers and tensors (plan.c). */
#include "backend/diag.h"
#include "backend/internal.h"

#include <string.h>

struct be_buffer *be_buffer_of(const struct be_plan *p, const struct ir_value *v) {
    return p->of_value[v->id];
}

int64_t be_attr(const struct ir_node *n, const char *name, int64_t otherwise) {
    return ir_attr_find(n, name) ? ir_attr_int(n, name) : otherwise;
}

enum { MAX_DIM = 1 << 24 }; /* as the container has it */

bool be_dims(const struct ir_value *v, int chw[3]) {
    chw[0] = chw[1] = chw[2] = 1;
    if (v->rank < 0 || v->rank > 4 || (v->rank > 1 && v->dims[0] != 1)) return false;
    int skip = v->rank > 1;
    for (int i = skip; i < v->rank; i++) {
        if (v->dims[i] < 1 || v->dims[i] > MAX_DIM) return false;
        chw[i - skip] = (int)v->dims[i];
    }
    return true;
}

bool be_in_range(const struct be_plan *p, const struct be_layer *l, const char *name, int64_t v,
                 int64_t lo, int64_t hi) {
    if (v >= lo && v <= hi) return true;
    diag(arena_ctx(p->arena), be_range, l->where, name, (long long)v, (long long)lo, (long long)hi);
    return false;
}

/* What `name` may be, given the instruction field it goes to. */
static bool in_field(const struct be_plan *p, const struct be_layer *l, const char *name, int64_t v,
                     enum svpe_field f) {
    int64_t min, max;
    svpe_field_range(f, &min, &max);
    return be_in_range(p, l, name, v, min, max);
}

/* ---- Operands -------------------------------------------------------------------------------- */

static struct be_buffer *operand(const struct be_plan *p, const struct be_layer *l, int index) {
    struct ctx *c = arena_ctx(p->arena);
    const struct ir_value *v = ir_in(l->node, index);
    struct be_buffer *b = v ? be_buffer_of(p, v) : NULL;
    if (!b || !be_is_stored(v)) {
        diag(c, be_not_stored, l->where, v ? v->name : "");
        return NULL;
    }
    int chw[3];
    if (be_dims(v, chw) && chw[0] == b->channels && chw[1] == b->height && chw[2] == b->width)
        return b;
    diag(c, be_view, l->where, v->name, chw[0], chw[1], chw[2], b->channels, b->height, b->width);
    return NULL;
}

static const void *constant(const struct be_plan *p, const struct be_layer *l, int index,
                            const char *name, enum ir_dtype type, int64_t elements) {
    const struct ir_value *v = ir_in(l->node, index);
    if (v && v->elided) {
        diag(arena_ctx(p->arena), be_elided, l->where, v->name);
        return NULL;
    }
    if (v && ir_is_const(v) && v->dtype == type && ir_elements(v) == elements) return v->data;
    diag(arena_ctx(p->arena), be_constant, l->where, index, name, ir_dtype_name(type),
         (long long)elements);
    return NULL;
}

static bool same_shape(const struct be_plan *p, const struct be_layer *l, const struct be_buffer *a,
                       const struct be_buffer *b) {
    if (a->channels == b->channels && a->height == b->height && a->width == b->width) return true;
    diag(arena_ctx(p->arena), be_shape, l->where, a->value->name, a->channels, a->height, a->width,
         b->value->name, b->channels, b->height, b->width);
    return false;
}

/* ---- Axes ------------------------------------------------------------------------------------ */

static struct be_axis pointwise(int out) {
    return (struct be_axis){.out = out, .in = out, .stride = 1, .window = 1, .repeat = 1};
}

static void pointwise_axes(struct be_shape *s) {
    s->ay = pointwise(s->y->height);
    s->ax = pointwise(s->y->width);
}

static int at(const struct ir_node *n, const char *name, int index, int otherwise) {
    int count;
    const int64_t *v = ir_attr_ints(n, name, &count);
    return v && index < count ? (int)v[index] : otherwise;
}

static void window_axes(const struct be_layer *l, struct be_shape *s, int kh, int kw) {
    const struct ir_node *n = l->node;
    s->kh = kh, s->kw = kw;
    s->dy = at(n, "dilations", 0, 1), s->dx = at(n, "dilations", 1, 1);
    s->ay = (struct be_axis){.out = s->y->height,
                             .in = s->x->height,
                             .stride = at(n, "strides", 0, 1),
                             .window = (kh - 1) * s->dy + 1,
                             .before = at(n, "pads", 0, 0),
                             .repeat = 1};
    s->ax = (struct be_axis){.out = s->y->width,
                             .in = s->x->width,
                             .stride = at(n, "strides", 1, 1),
                             .window = (kw - 1) * s->dx + 1,
                             .before = at(n, "pads", 1, 0),
                             .repeat = 1};
}

/* ---- Convolution ----------------------------------------------------------------------------- */

static bool weight_format(const struct be_plan *p, const struct be_layer *l, struct be_shape *s) {
    const struct svpe_target *t = p->target;
    bool linear = strcmp(ir_attr_string(l->node, "kind"), "linear") == 0;
    s->bits = (int)ir_attr_int(l->node, "bits");
    s->terms = (int)be_attr(l->node, "terms", 1);
    s->term_shift = (int)be_attr(l->node, "term_shift", 0);
    bool multiplies = t->element == SVPE_ELEMENT_MULTIPLY;
    if (linear != multiplies || s->bits > t->weight_bits || s->bits < 1) {
        diag(arena_ctx(p->arena), be_weight_bits, l->where, s->bits,
             linear ? "linear" : "power-of-two", t->name, multiplies ? "linear" : "power-of-two",
             (long long)t->weight_bits);
        return false;
    }
    s->wfmt = svpe_wfmt_for(linear, s->bits);
    return be_in_range(p, l, "terms", s->terms, 1, 2) &&
           in_field(p, l, "term_shift", s->term_shift, SVPE_CONV_tshift);
}

static void conv_form(const struct be_plan *p, struct be_shape *s) {
    const struct svpe_target *t = p->target;
    if (s->x->layout == SVPE_LAYOUT_STEM) {
        s->form = SVPE_FORM_STEM;
    } else if (s->group > 1 && s->group == s->x->channels && s->group == s->y->channels) {
        s->form = SVPE_FORM_DEPTHWISE;
    } else {
        s->form = s->y->height == 1 && s->y->width == 1 ? SVPE_FORM_FC : SVPE_FORM_DENSE;
        int in_group = s->x->channels / s->group;
        s->diagonal = s->group > 1 && s->x->channels == s->y->channels &&
                      t->lanes % t->elements == 0 && t->lanes % in_group == 0;
        s->grouped_dense = s->group > 1 && !s->diagonal;
    }
    s->taps = (int)svpe_taps_per_block(t, s->form, s->x->px);
}

static bool conv_fields(const struct be_plan *p, const struct be_layer *l,
                        const struct be_shape *s) {
    return in_field(p, l, "kernel height", s->kh, SVPE_CONV_kh) &&
           in_field(p, l, "kernel width", s->kw, SVPE_CONV_kw) &&
           in_field(p, l, "row stride", s->ay.stride, SVPE_CONV_sy) &&
           in_field(p, l, "column stride", s->ax.stride, SVPE_CONV_sx) &&
           in_field(p, l, "row dilation", s->dy, SVPE_CONV_dy) &&
           in_field(p, l, "column dilation", s->dx, SVPE_CONV_dx) &&
           in_field(p, l, "padding above", s->ay.before, SVPE_TILE_pt) &&
           in_field(p, l, "padding left", s->ax.before, SVPE_TILE_pl);
}

static int min_of(int a, int b) {
    return a < b ? a : b;
}

/* Shifts of a sum a + b with result y, all with exponents: numbers.md, residual add. */
static bool sum_fields(const struct be_plan *p, const struct be_layer *l, int a, int b, int y) {
    int e = min_of(a, b);
    return in_field(p, l, "exponent gap of the sum", a > b ? a - e : b - e, SVPE_PAIR_p) &&
           in_field(p, l, "right shift of the sum", y - e, SVPE_PAIR_s);
}

static bool conv_residual(const struct be_plan *p, const struct be_layer *l, struct be_shape *s) {
    if (!ir_in(l->node, 5)) return true;
    s->b = operand(p, l, 5);
    return s->b && same_shape(p, l, s->b, s->y) &&
           be_in_range(p, l, "mid_bits", ir_attr_int(l->node, "mid_bits"), p->act_bits,
                       p->act_bits) &&
           sum_fields(p, l, (int)ir_attr_int(l->node, "mid_exp"), s->b->exp, s->y->exp);
}

static bool shifts(const struct be_plan *p, const struct be_layer *l, const int32_t *shift,
                   int64_t count) {
    for (int64_t o = 0; o < count; o++)
        if (!be_in_range(p, l, "shift", shift[o], 0, 31)) return false;
    return true;
}

static bool conv_constants(const struct be_plan *p, struct be_layer *l, const struct be_shape *s) {
    int64_t out = s->y->channels;
    int64_t count = out * (s->x->channels / s->group) * s->kh * s->kw;
    l->macs = count * s->y->height * s->y->width;
    const int32_t *shift;
    if (!constant(p, l, 1, "weights", IR_I16, count) || !constant(p, l, 2, "wexp", IR_I32, out) ||
        !constant(p, l, 3, "bias", IR_I32, out) ||
        !(shift = constant(p, l, 4, "shift", IR_I32, out)))
        return false;
    return shifts(p, l, shift, out) &&
           (s->terms == 1 || constant(p, l, 6, "second term", IR_I16, count));
}

static bool describe_conv(struct be_plan *p, struct be_layer *l, struct be_shape *s) {
    const struct ir_value *w = ir_in(l->node, 1);
    s->x = operand(p, l, 0);
    if (!s->x || !be_in_range(p, l, "rank of the weights", w->rank, 4, 4)) return false;
    s->group = (int)be_attr(l->node, "group", 1);
    window_axes(l, s, (int)w->dims[2], (int)w->dims[3]);
    if (!be_in_range(p, l, "group", s->group, 1, s->x->channels) || !weight_format(p, l, s) ||
        !conv_fields(p, l, s))
        return false;
    conv_form(p, s);
    s->channel_params = true;
    return conv_residual(p, l, s) && conv_constants(p, l, s);
}

/* ---- The vector unit ------------------------------------------------------------------------- */

static bool is_vector(const struct be_buffer *b) {
    return b->height == 1 && b->width == 1;
}

/* Both operations commute: a vector per channel is always the second operand. */
static bool describe_pair(struct be_plan *p, struct be_layer *l, struct be_shape *s) {
    s->x = operand(p, l, 0);
    s->b = operand(p, l, 1);
    if (!s->x || !s->b) return false;
    if (is_vector(s->x) && !is_vector(s->b)) {
        struct be_buffer *t = s->x;
        s->x = s->b, s->b = t;
    }
    pointwise_axes(s);
    s->broadcast = is_vector(s->b) && !is_vector(s->y) && s->b->channels == s->y->channels;
    return same_shape(p, l, s->x, s->y) && (s->broadcast || same_shape(p, l, s->b, s->y));
}

static bool describe_add(struct be_plan *p, struct be_layer *l, struct be_shape *s) {
    return describe_pair(p, l, s) && sum_fields(p, l, s->x->exp, s->b->exp, s->y->exp);
}

static bool describe_mul(struct be_plan *p, struct be_layer *l, struct be_shape *s) {
    return describe_pair(p, l, s) && in_field(p, l, "right shift of the product",
                                              s->y->exp - s->x->exp - s->b->exp, SVPE_PAIR_s);
}

/* The shifts from x's exponent to y's. */
static bool requantizes(const struct be_plan *p, const struct be_layer *l,
                        const struct be_shape *s) {
    int e = min_of(s->x->exp, s->y->exp);
    return in_field(p, l, "left shift", s->x->exp - e, SVPE_MAP_p) &&
           in_field(p, l, "right shift", s->y->exp - e, SVPE_MAP_s);
}

static bool describe_scale(struct be_plan *p, struct be_layer *l, struct be_shape *s) {
    s->x = operand(p, l, 0);
    if (!s->x) return false;
    pointwise_axes(s);
    s->channel_params = true;
    int64_t n = s->x->channels;
    const int32_t *shift = NULL;
    if (!same_shape(p, l, s->x, s->y) || !constant(p, l, 1, "mult", IR_I16, n) ||
        !constant(p, l, 2, "bias", IR_I32, n) || !(shift = constant(p, l, 3, "shift", IR_I32, n)))
        return false;
    return shifts(p, l, shift, n);
}

/* Above zero it shifts as a copy does. */
static bool describe_prelu(struct be_plan *p, struct be_layer *l, struct be_shape *s) {
    s->x = operand(p, l, 0);
    if (!s->x) return false;
    pointwise_axes(s);
    s->channel_params = true;
    int64_t n = s->x->channels;
    const int32_t *shift = NULL;
    return same_shape(p, l, s->x, s->y) && constant(p, l, 1, "mult", IR_I16, n) &&
           (shift = constant(p, l, 2, "shift", IR_I32, n)) && shifts(p, l, shift, n) &&
           requantizes(p, l, s);
}

enum { TABLE_ENTRIES = 257 };

static int table_dwords(int entries) {
    return (entries + 3) / 4;
}

static bool describe_lut(struct be_plan *p, struct be_layer *l, struct be_shape *s) {
    s->x = operand(p, l, 0);
    if (!s->x) return false;
    pointwise_axes(s);
    s->table = constant(p, l, 1, "table", IR_I16, TABLE_ENTRIES);
    s->table_count = TABLE_ENTRIES;
    s->table_dwords = table_dwords(TABLE_ENTRIES);
    return s->table && same_shape(p, l, s->x, s->y);
}

static struct be_axis copied(const struct be_layer *l, int index, int out, int in) {
    return (struct be_axis){.out = out,
                            .in = in,
                            .window = 1,
                            .stride = at(l->node, "step", index, 1),
                            .repeat = at(l->node, "repeat", index, 1)};
}

static bool describe_copy(struct be_plan *p, struct be_layer *l, struct be_shape *s) {
    s->x = operand(p, l, 0);
    if (!s->x) return false;
    s->ay = copied(l, 0, s->y->height, s->x->height);
    s->ax = copied(l, 1, s->y->width, s->x->width);
    return in_field(p, l, "row step", s->ay.stride, SVPE_MAP_ny) &&
           in_field(p, l, "column step", s->ax.stride, SVPE_MAP_nx) &&
           in_field(p, l, "row repeat", s->ay.repeat, SVPE_MAP_ry) &&
           in_field(p, l, "column repeat", s->ax.repeat, SVPE_MAP_rx) && requantizes(p, l, s);
}

static bool describe_window(struct be_plan *p, struct be_layer *l, struct be_shape *s) {
    s->x = operand(p, l, 0);
    if (!s->x) return false;
    window_axes(l, s, at(l->node, "kernel_shape", 0, 0), at(l->node, "kernel_shape", 1, 0));
    return in_field(p, l, "window height", s->kh, SVPE_WIN_kh) &&
           in_field(p, l, "window width", s->kw, SVPE_WIN_kw) &&
           be_in_range(p, l, "window height", s->kh, 1, INT32_MAX) &&
           be_in_range(p, l, "window width", s->kw, 1, INT32_MAX) &&
           in_field(p, l, "row stride", s->ay.stride, SVPE_WIN_sy) &&
           in_field(p, l, "column stride", s->ax.stride, SVPE_WIN_sx) &&
           in_field(p, l, "padding above", s->ay.before, SVPE_TILE_pt) &&
           in_field(p, l, "padding left", s->ax.before, SVPE_TILE_pl);
}

static bool describe_max(struct be_plan *p, struct be_layer *l, struct be_shape *s) {
    return describe_window(p, l, s);
}

/* Several factors are a table indexed by how much of the window lies inside the input. */
static bool describe_avg(struct be_plan *p, struct be_layer *l, struct be_shape *s) {
    if (!describe_window(p, l, s)) return false;
    int count;
    const int64_t *mult = ir_attr_ints(l->node, "mult", &count);
    s->border = count > 1;
    if (!in_field(p, l, "shift", ir_attr_int(l->node, "shift"), SVPE_WIN_s) ||
        !be_in_range(p, l, "number of factors", count, s->border ? s->kh * s->kw : 1,
                     s->border ? s->kh * s->kw : 1))
        return false;
    int16_t *table = arena_array(p->arena, (size_t)count, sizeof *table);
    for (int i = 0; i < count; i++) {
        if (!in_field(p, l, "factor", mult[i], SVPE_WIN_mult)) return false;
        table[i] = (int16_t)mult[i];
    }
    s->table = table;
    s->table_count = count;
    s->table_dwords = s->border ? table_dwords(count) : 0;
    return !s->border || (in_field(p, l, "padding above", s->ay.before, SVPE_WIN_pt) &&
                          in_field(p, l, "padding left", s->ax.before, SVPE_WIN_pl));
}

/* Loads and stores alone: no arithmetic, so exponents and zeros have to agree. */
static bool describe_concat(struct be_plan *p, struct be_layer *l, struct be_shape *s) {
    s->part_count = l->node->in_count;
    s->parts = arena_array(p->arena, (size_t)s->part_count, sizeof *s->parts);
    int channels = 0;
    for (int i = 0; i < s->part_count; i++) {
        struct be_buffer *b = s->parts[i] = operand(p, l, i);
        if (!b || !be_in_range(p, l, "exponent of an input", b->exp, s->y->exp, s->y->exp) ||
            !be_in_range(p, l, "zero of an input", b->zero, s->y->zero, s->y->zero) ||
            !be_in_range(p, l, "height of an input", b->height, s->y->height, s->y->height) ||
            !be_in_range(p, l, "width of an input", b->width, s->y->width, s->y->width))
            return false;
        channels += b->channels;
    }
    s->x = s->parts[0];
    pointwise_axes(s);
    return be_in_range(p, l, "channels of all inputs", channels, s->y->channels, s->y->channels);
}

/* As a concatenation, every part with pixels of its own: the first one has the most. */
static bool describe_interleave(struct be_plan *p, struct be_layer *l, struct be_shape *s) {
    s->part_count = l->node->in_count;
    s->parts = arena_array(p->arena, (size_t)s->part_count, sizeof *s->parts);
    s->sy = at(l->node, "step", 0, 1), s->sx = at(l->node, "step", 1, 1);
    if (!be_in_range(p, l, "number of inputs", s->part_count, s->sy * s->sx, s->sy * s->sx) ||
        !in_field(p, l, "column step", s->sx, SVPE_BACK_sc))
        return false;
    for (int i = 0; i < s->part_count; i++) {
        struct be_buffer *b = s->parts[i] = operand(p, l, i);
        if (!b || !be_in_range(p, l, "exponent of an input", b->exp, s->y->exp, s->y->exp) ||
            !be_in_range(p, l, "zero of an input", b->zero, s->y->zero, s->y->zero) ||
            !be_in_range(p, l, "channels of an input", b->channels, s->y->channels, s->y->channels))
            return false;
    }
    s->x = s->parts[0];
    s->ay = pointwise(s->x->height);
    s->ax = pointwise(s->x->width);
    int64_t row = (int64_t)s->sy * s->y->width * p->target->lanes * p->act_bits / 8;
    return in_field(p, l, "bytes from a row to the next one of the same input", row, SVPE_BACK_sr);
}

/* ---- The table ------------------------------------------------------------------------------- */

static const struct be_kind kinds[] = {
    {IR_OP_qconv, "array", describe_conv, be_lower_conv},
    {IR_OP_qadd, "vector", describe_add, be_lower_add},
    {IR_OP_qmul, "vector", describe_mul, be_lower_mul},
    {IR_OP_qscale, "vector", describe_scale, be_lower_scale},
    {IR_OP_qprelu, "vector", describe_prelu, be_lower_prelu},
    {IR_OP_qlut, "vector", describe_lut, be_lower_lut},
    {IR_OP_qcopy, "vector", describe_copy, be_lower_copy},
    {IR_OP_qmaxpool, "vector", describe_max, be_lower_max},
    {IR_OP_qavgpool, "vector", describe_avg, be_lower_avg},
    {IR_OP_qconcat, "vector", describe_concat, be_lower_concat},
    {IR_OP_qinterleave, "vector", describe_interleave, be_lower_interleave},
};

const struct be_kind *be_kind_find(enum ir_op op) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].op == op) return &kinds[i];
    return NULL;
}

const char *be_layer_kind(const struct be_layer *l) {
    return l->copied ? "copy" : ir_op_info(l->node->op)->name;
}

static const struct be_kind host_copy = {IR_OP_COUNT, "vector", NULL, be_lower_concat};

/* A concatenation of one tensor. */
void be_describe_host_copy(struct be_plan *p, struct be_layer *l, struct be_shape *s) {
    s->kind = &host_copy;
    s->x = l->copied;
    s->y = l->copied->host_copy;
    s->part_count = 1;
    s->parts = arena_array(p->arena, 1, sizeof *s->parts);
    s->parts[0] = s->x;
    s->in_blocks = s->out_blocks = s->y->blocks;
    s->pitches = be_pitches_new(p->arena);
    pointwise_axes(s);
}

/* Clamps of the result: stored forms inside the activation's width. */
static bool clamps(const struct be_plan *p, const struct be_layer *l, struct be_shape *s) {
    int64_t min = -((int64_t)1 << (p->act_bits - 1)), max = -min - 1;
    int64_t lo = be_attr(l->node, "lo", min), hi = be_attr(l->node, "hi", max);
    s->lo = (int)lo, s->hi = (int)hi;
    return be_in_range(p, l, "lo", lo, min, max) && be_in_range(p, l, "hi", hi, lo, max);
}

bool be_describe(struct be_plan *p, struct be_layer *l, struct be_shape *s) {
    s->kind = be_kind_find(l->node->op);
    s->y = be_buffer_of(p, l->node->out[0]);
    s->pitches = be_pitches_new(p->arena);
    if (!clamps(p, l, s) || !s->kind->describe(p, l, s)) return false;
    int channels = s->kind->op == IR_OP_qconv ? s->x->channels : s->y->channels;
    s->in_blocks = (channels + (int)p->target->lanes - 1) / (int)p->target->lanes;
    s->out_blocks = s->y->blocks;
    return true;
}
