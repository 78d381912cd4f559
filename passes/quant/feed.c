/* What calibration runs on: samples of a dataset, spread over all of it, or synthetic inputs made
 * from the seed. */
#include "passes/quant/diag.h"
#include "passes/quant/quant.h"

enum {
    SYNTHETIC_COUNT = 4,
    KNOTS = 5 /* a synthetic image is this many random grey values each way, blended */
};

/* A flat input is one row of channels. */
static int64_t channels_of(const struct ir_value *v) {
    return v->rank >= 3 ? v->dims[v->rank - 3] : ir_elements(v);
}

static bool check_inputs(struct ir_graph *g, const struct preprocess *p) {
    for (int i = 0; i < g->input_count; i++) {
        const struct ir_value *v = g->inputs[i];
        if (v->dtype == IR_F32 && ir_elements(v) > 0) {
            if (!p->bgr || preprocess_check(g->ctx, v->name, p, (int)channels_of(v))) continue;
            return false;
        }
        diag(g->ctx, quant_input_type, g->file, v->name, ir_dtype_name(v->dtype));
        return false;
    }
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
        out->nonneg &= table_nonneg(&o->preprocess, channels_of(g->inputs[i]));
    if (!o->calib_spec && !quant_all_ranged(g, a))
        diag(g->ctx, quant_no_data, NULL, out->count, (unsigned long long)o->seed);
    return true;
}

static bool shape_fits(const struct ir_value *v, const struct sample *s) {
    const int64_t wanted[3] = {s->channels, s->height, s->width};
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

static bool read_sample(const struct quant_feed *f, struct ctx *c, struct arena *a, long i,
                        const float **in) {
    const struct ir_value *v = f->graph->inputs[0];
    struct sample s;
    if (!data_get(c, a, f->data, (long)((int64_t)i * data_count(f->data) / f->count), &s))
        return false;
    if (!preprocess_fit(c, a, &f->options->preprocess, (int)channels_of(v), &s)) return false;
    if (!shape_fits(v, &s)) {
        diag(c, quant_sample_shape, s.name, s.channels, s.height, s.width, v->name,
             shape_text(a, v));
        return false;
    }
    if (s.bytes && !preprocess_check(c, s.name, &f->options->preprocess, s.channels)) return false;
    in[0] = s.bytes ? floats_of_bytes(a, &f->options->preprocess, &s) : s.floats;
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

static const float *synthetic(const struct quant_feed *f, struct arena *a, struct rng *r,
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

bool quant_feed_get(const struct quant_feed *f, struct ctx *c, struct arena *a, long i,
                    const float **in) {
    if (f->data) return read_sample(f, c, a, i, in);
    struct rng r = {f->options->seed + (uint64_t)i * 0x9e3779b97f4a7c15u};
    for (int k = 0; k < f->graph->input_count; k++)
        in[k] = synthetic(f, a, &r, f->graph->inputs[k]);
    return true;
}
