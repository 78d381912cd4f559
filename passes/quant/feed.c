/* What calibration runs on: samples of a dataset, spread over all of it, or synthetic inputs made
 * from the seed. */
#include "passes/quant/diag.h"
#include "passes/quant/quant.h"

#include <string.h>

enum {
    SYNTHETIC_COUNT = 4,
    KNOTS = 5 /* a synthetic image is this many random grey values each way, blended */
};

/* A flat input is one row of channels. */
static int64_t channels_of(const struct ir_value *v) {
    return v->rank >= 3 ? v->dims[v->rank - 3] : ir_elements(v);
}

static bool changes_values(const struct preprocess *p) {
    bool changes = p->bgr || (p->given && p->scale != PREPROCESS_SCALE);
    for (int c = 0; c < PREPROCESS_CHANNELS; c++)
        changes |= p->given && (p->mean[c] != 0 || p->std[c] != 1);
    return changes;
}

static bool check_input(const struct ir_graph *g, const struct ir_value *v,
                        const struct preprocess *p) {
    if (ir_elements(v) <= 0) {
        diag(g->ctx, quant_input_empty, g->file, v->name);
        return false;
    }
    if (v->dtype == IR_F32)
        return !p->bgr || preprocess_check(g->ctx, v->name, p, (int)channels_of(v));
    if (changes_values(p)) diag(g->ctx, quant_input_raw, g->file, v->name, ir_dtype_name(v->dtype));
    return true;
}

static bool check_inputs(struct ir_graph *g, const struct preprocess *p) {
    for (int i = 0; i < g->input_count; i++)
        if (!check_input(g, g->inputs[i], p)) return false;
    return true;
}

/* True when bytes 0…255 cannot become negative in any channel. */
static bool table_nonneg(const struct preprocess *p, int64_t channels) {
    if (channels > PREPROCESS_CHANNELS) return false;
    for (int c = 0; c < channels; c++)
        for (int x = 0; x < 256; x++)
            if (!(preprocess_byte(p, c, (uint8_t)x) >= 0)) return false;
    return true;
}

/* ---- Integers ---- */

enum integers { INTEGERS_GREY, INTEGERS_HALF, INTEGERS_BITS, INTEGERS_BYTES, INTEGERS_NONE };

static const struct {
    int64_t bound; /* values are below */
    const char *text;
} integers[] = {
    [INTEGERS_GREY] = {256, "the grey values 0…255 of smooth images"},
    [INTEGERS_HALF] = {128, "0…127"},
    [INTEGERS_BITS] = {2, "0 and 1"},
    [INTEGERS_BYTES] = {256, "0…255"},
};

/* What is no image may be indices, of which 0 and 1 are good for any table. */
static enum integers integers_of(const struct ir_value *v) {
    struct image_shape shape;
    if (v->dtype == IR_F32 || v->dtype == IR_F64) return INTEGERS_NONE;
    if (v->dtype == IR_BOOL) return INTEGERS_BITS;
    if (v->dtype == IR_I8) return INTEGERS_HALF;
    if (image_shape_of(v->rank, v->dims, &shape)) return INTEGERS_GREY;
    return v->dtype == IR_U8 ? INTEGERS_BYTES : INTEGERS_BITS;
}

static void say_synthetic(const struct quant_feed *f) {
    struct ir_graph *g = f->graph;
    diag(g->ctx, quant_no_data, NULL, f->count, (unsigned long long)f->options->seed);
    for (int i = 0; i < g->input_count; i++) {
        const struct ir_value *v = g->inputs[i];
        enum integers kind = integers_of(v);
        if (kind != INTEGERS_NONE)
            diag(g->ctx, quant_input_made, g->file, v->name, ir_dtype_name(v->dtype),
                 integers[kind].text);
    }
}

static bool is_elementwise(const struct ir_node *n) {
    static const enum ir_op ops[] = {IR_OP_cast,    IR_OP_add,       IR_OP_sub,     IR_OP_mul,
                                     IR_OP_div,     IR_OP_transpose, IR_OP_reshape, IR_OP_flatten,
                                     IR_OP_squeeze, IR_OP_unsqueeze, IR_OP_identity};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (n->op == ops[i]) return true;
    return false;
}

/* The one operand that is no constant, or NULL. */
static const struct ir_value *only_operand(const struct ir_node *n) {
    const struct ir_value *only = NULL;
    for (int i = 0; i < n->in_count; i++) {
        if (!n->in[i] || ir_is_const(n->in[i])) continue;
        if (only) return NULL;
        only = n->in[i];
    }
    return only;
}

bool quant_is_image(const struct ir_value *v, const struct preprocess *p) {
    if (!v->producer && v->dtype == IR_F32) return p->given;
    while (v && v->producer) v = is_elementwise(v->producer) ? only_operand(v->producer) : NULL;
    return v && v->dtype == IR_U8 && integers_of(v) == INTEGERS_GREY;
}

/* ---- Opening ---- */

bool quant_feed_open(struct ir_graph *g, struct arena *a, const struct pass_options *o,
                     struct quant_feed *out) {
    *out = (struct quant_feed){.graph = g, .options = o, .count = SYNTHETIC_COUNT};
    bool images = o->preprocess.given;
    if (!check_inputs(g, &o->preprocess)) return false;
    if (o->calib_spec) {
        struct sample first;
        if (g->input_count != 1) {
            diag(g->ctx, quant_one_input, o->calib_spec, g->input_count);
            return false;
        }
        out->data = data_open(g->ctx, a, o->calib_spec);
        if (!out->data || !data_get(g->ctx, a, out->data, 0, &first)) return false;
        out->count = data_count(out->data);
        images = first.bytes != NULL;
    }
    if (o->calib_count > 0 && o->calib_count < out->count) out->count = o->calib_count;
    out->nonneg = images;
    for (int i = 0; i < g->input_count; i++)
        if (g->inputs[i]->dtype == IR_F32)
            out->nonneg &= table_nonneg(&o->preprocess, channels_of(g->inputs[i]));
    if (!o->calib_spec && !quant_all_ranged(g, a)) say_synthetic(out);
    return true;
}

/* 1×C×L, of one dimension, is also C×1×L: as nbq-run takes it, and as the device runs it. */
static bool shape_fits(const struct ir_value *v, const struct sample *s) {
    const int64_t wanted[3] = {s->channels, s->height, s->width};
    if (v->rank == 3 && v->dims[0] == 1 && s->height == 1 && v->dims[1] == s->channels)
        return v->dims[2] == s->width;
    for (int i = 0; i < 3 && v->rank >= 3; i++)
        if (v->dims[v->rank - 3 + i] != wanted[i]) return false;
    return ir_elements(v) == wanted[0] * wanted[1] * wanted[2];
}

static const char *shape_text(struct arena *a, const struct ir_value *v) {
    const char *text = "";
    for (int i = 0; i < v->rank; i++)
        text = arena_printf(a, "%s%s%lld", text, i ? "×" : "", (long long)v->dims[i]);
    return text;
}

static const float *floats_of_bytes(struct arena *a, const struct preprocess *p,
                                    const struct sample *s) {
    size_t plane = (size_t)s->height * (size_t)s->width;
    float *x = arena_array(a, plane * (size_t)s->channels, sizeof *x);
    for (int c = 0; c < s->channels; c++) {
        const uint8_t *from = s->bytes + plane * (size_t)preprocess_source(p, c);
        for (size_t i = 0; i < plane; i++)
            x[plane * (size_t)c + i] = preprocess_byte(p, c, from[i]);
    }
    return x;
}

static bool refuse_shape(struct ctx *c, struct arena *a, const struct ir_value *v,
                         const struct sample *s) {
    diag(c, quant_sample_shape, s->name, s->channels, s->height, s->width, v->name,
         shape_text(a, v));
    return false;
}

static bool read_integers(struct ctx *c, struct arena *a, const struct preprocess *p,
                          const struct ir_value *v, struct sample *s, const void **in) {
    struct image_shape shape;
    bool image = !s->type && v->dtype == IR_U8 && image_shape_of(v->rank, v->dims, &shape);
    if (image) {
        if (!preprocess_raw(c, a, p, &shape, s)) return false;
        if (!s->elements) return refuse_shape(c, a, v, s);
    } else if (!s->type || strcmp(s->type, ir_dtype_name(v->dtype)) != 0) {
        diag(c, quant_sample_type, s->name, s->type ? s->type : "an image", v->name,
             ir_dtype_name(v->dtype));
        return false;
    } else if (!shape_fits(v, s)) {
        return refuse_shape(c, a, v, s);
    }
    *in = s->elements;
    return true;
}

static bool read_sample(const struct quant_feed *f, struct ctx *c, struct arena *a, long i,
                        const void **in) {
    const struct ir_value *v = f->graph->inputs[0];
    const struct preprocess *p = &f->options->preprocess;
    struct sample s;
    if (!data_get(c, a, f->data, (long)((int64_t)i * data_count(f->data) / f->count), &s))
        return false;
    if (v->dtype != IR_F32) return read_integers(c, a, p, v, &s, in);
    if (!preprocess_fit(c, a, p, (int)channels_of(v), &s)) return false;
    if (!shape_fits(v, &s)) return refuse_shape(c, a, v, &s);
    if (s.bytes && !preprocess_check(c, s.name, p, s.channels)) return false;
    in[0] = s.bytes ? floats_of_bytes(a, p, &s) : s.floats;
    return true;
}

/* A smooth grey image: random knots, blended linearly. */
static double smooth(double knot[KNOTS + 1][KNOTS + 1], double v, double u) {
    int i = (int)v, k = (int)u;
    double above = knot[i][k] + (u - k) * (knot[i][k + 1] - knot[i][k]);
    double below = knot[i + 1][k] + (u - k) * (knot[i + 1][k + 1] - knot[i + 1][k]);
    return above + (v - i) * (below - above);
}

/* Stretched to the whole of 0…255, as no real image exceeds it. */
static void smooth_plane(struct rng *r, int64_t height, int64_t width, uint8_t *to) {
    double knot[KNOTS + 1][KNOTS + 1], low = 1, high = 0;
    for (int i = 0; i <= KNOTS; i++)
        for (int k = 0; k <= KNOTS; k++) {
            knot[i][k] = rng_unit(r);
            low = knot[i][k] < low ? knot[i][k] : low;
            high = knot[i][k] > high ? knot[i][k] : high;
        }
    for (int64_t y = 0; y < height; y++)
        for (int64_t x = 0; x < width; x++) {
            double v = (double)(y * KNOTS) / (double)height;
            double u = (double)(x * KNOTS) / (double)width;
            *to++ = (uint8_t)(255.99 * (smooth(knot, v, u) - low) / (high - low));
        }
}

static const void *grey_values(struct arena *a, struct rng *r, const struct ir_value *v) {
    struct image_shape s;
    image_shape_of(v->rank, v->dims, &s);
    int64_t plane = (int64_t)s.height * s.width;
    uint8_t *bytes = arena_alloc(a, (size_t)plane);
    void *x = arena_array(a, (size_t)ir_elements(v), ir_dtype_size(v->dtype));
    for (int c = 0; c < s.channels; c++) {
        smooth_plane(r, s.height, s.width, bytes);
        for (int64_t i = 0; i < plane; i++)
            ir_store_int(v->dtype, x, s.last ? i * s.channels + c : c * plane + i, bytes[i]);
    }
    return x;
}

static const void *numbers(struct arena *a, struct rng *r, const struct ir_value *v) {
    enum integers kind = integers_of(v);
    int64_t count = ir_elements(v);
    void *x = arena_array(a, (size_t)count, ir_dtype_size(v->dtype));
    for (int64_t i = 0; i < count; i++) {
        if (kind == INTEGERS_NONE)
            ((double *)x)[i] = rng_normal(r);
        else
            ir_store_int(v->dtype, x, i, rng_below(r, (uint32_t)integers[kind].bound));
    }
    return x;
}

static const float *floats(const struct quant_feed *f, struct arena *a, struct rng *r,
                           const struct ir_value *v) {
    const struct preprocess *p = &f->options->preprocess;
    int64_t channels = channels_of(v), count = ir_elements(v);
    float *x = arena_array(a, (size_t)count, sizeof *x);
    if (!p->given || v->rank < 3 || channels > PREPROCESS_CHANNELS) {
        for (int64_t i = 0; i < count; i++) x[i] = (float)rng_normal(r);
        return x;
    }
    int64_t height = v->dims[v->rank - 2], width = v->dims[v->rank - 1], plane = height * width;
    uint8_t *bytes = arena_alloc(a, (size_t)plane);
    for (int64_t c = 0; c < count / plane; c++) {
        smooth_plane(r, height, width, bytes);
        for (int64_t i = 0; i < plane; i++)
            x[c * plane + i] = preprocess_byte(p, (int)(c % channels), bytes[i]);
    }
    return x;
}

static const void *synthetic(const struct quant_feed *f, struct arena *a, struct rng *r,
                             const struct ir_value *v) {
    if (v->dtype == IR_F32) return floats(f, a, r, v);
    return integers_of(v) == INTEGERS_GREY ? grey_values(a, r, v) : numbers(a, r, v);
}

bool quant_feed_get(const struct quant_feed *f, struct ctx *c, struct arena *a, long i,
                    const void **in) {
    if (f->data) return read_sample(f, c, a, i, in);
    struct rng r = {f->options->seed + (uint64_t)i * 0x9e3779b97f4a7c15u};
    for (int k = 0; k < f->graph->input_count; k++)
        in[k] = synthetic(f, a, &r, f->graph->inputs[k]);
    return true;
}
