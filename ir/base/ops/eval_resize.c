/* Resize by any mode along any axes. Each axis has, for each output place, input places and their
 * weights; axes are done one after the other, sums in double, one rounding at the end. Where an
 * output place lies in the input is computed in single precision, as ONNX Runtime does: which of
 * two neighbours is the nearest may hang on it. Source: ONNX Resize 19. */
#include "base/ops/internal.h"

#include <math.h>
#include <string.h>

struct axis {
    int64_t in, out;
    float scale, start, end;
    int64_t taps;   /* input places of each output place */
    int64_t *at;    /* out × taps, inside the input; NULL: same */
    double *weight; /* the same; NULL: nearest, one tap of weight 1 */
    bool *outside;  /* out: takes the extrapolation value; NULL: none does */
    bool same;      /* nothing changes along it */
};

/* --- where an output place lies in the input --- */

static float half_pixel(const struct axis *s, float x) {
    return (x + 0.5F) / s->scale - 0.5F;
}

/* The output's middle lies in the input's middle though its size was rounded. */
static float half_pixel_symmetric(const struct axis *s, float x) {
    float adjustment = (float)s->out / (s->scale * (float)s->in);
    return (float)s->in / 2 * (1 - adjustment) + half_pixel(s, x);
}

static float pytorch_half_pixel(const struct axis *s, float x) {
    return s->out > 1 ? half_pixel(s, x) : 0;
}

/* The resized length is that before it is rounded down to a size. */
static float align_corners(const struct axis *s, float x) {
    float length = s->scale * (float)s->in;
    return length == 1 ? 0 : x * (float)(s->in - 1) / (length - 1);
}

static float asymmetric(const struct axis *s, float x) {
    return x / s->scale;
}

static float tf_half_pixel_for_nn(const struct axis *s, float x) {
    return (x + 0.5F) / s->scale;
}

static float tf_crop_and_resize(const struct axis *s, float x) {
    float last = (float)(s->in - 1);
    if (s->out == 1) return 0.5F * (s->start + s->end) * last;
    return s->start * last + x * (s->end - s->start) * last / (float)(s->out - 1);
}

static const struct transform {
    const char *name;
    float (*at)(const struct axis *s, float x);
} transforms[] = {
    {"half_pixel", half_pixel},
    {"half_pixel_symmetric", half_pixel_symmetric},
    {"pytorch_half_pixel", pytorch_half_pixel},
    {"align_corners", align_corners},
    {"asymmetric", asymmetric},
    {"tf_half_pixel_for_nn", tf_half_pixel_for_nn},
    {"tf_crop_and_resize", tf_crop_and_resize},
};

/* --- the nearest place --- */

static double round_prefer_floor(double x, const struct axis *s) {
    (void)s;
    return ceil(x - 0.5);
}
static double round_prefer_ceil(double x, const struct axis *s) {
    (void)s;
    return floor(x + 0.5);
}
static double floor_of(double x, const struct axis *s) {
    (void)s;
    return floor(x);
}
static double ceil_of(double x, const struct axis *s) {
    (void)s;
    return ceil(x);
}
/* Of versions before 11, which do not say: what ONNX Runtime does there. */
static double simple(double x, const struct axis *s) {
    return s->scale < 1 ? ceil(x) : floor(x);
}

static const struct {
    const char *name;
    double (*of)(double x, const struct axis *s);
} roundings[] = {
    {"round_prefer_floor", round_prefer_floor},
    {"round_prefer_ceil", round_prefer_ceil},
    {"floor", floor_of},
    {"ceil", ceil_of},
    {"simple", simple},
};

/* --- weights --- */

static double triangle(double x, double a) {
    (void)a;
    return fmax(1 - fabs(x), 0);
}

/* Keys' cubic, whose slope is a. */
static double cubic(double x, double a) {
    x = fabs(x);
    if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

struct resize {
    const struct transform *transform;
    double (*nearest)(double x, const struct axis *s);
    double (*kernel)(double x, double a); /* NULL: nearest */
    int reach;                            /* of the kernel, to each side */
    double a, extrapolation;
    bool antialias, exclude_outside;
    int rank;
    struct axis axes[IR_MAX_RANK];
};

static int64_t inside(int64_t at, int64_t size) {
    return at < 0 ? 0 : at >= size ? size - 1 : at;
}

/* By how much distances shrink in the eyes of the kernel: it is widened where many input places
 * fall on one output place, to all of the input at most. */
static double narrowing(const struct resize *r, const struct axis *s) {
    if (!r->antialias || s->scale >= 1) return 1;
    return fmax((double)s->scale, 1 / (double)s->in);
}

/* The taps around x. */
static void set_taps(const struct resize *r, struct axis *s, int64_t i, float x) {
    double narrow = narrowing(r, s), sum = 0;
    int64_t first = (int64_t)floor((double)x) + 1 - s->taps / 2, *at = s->at + i * s->taps;
    double *weight = s->weight + i * s->taps;
    for (int64_t t = 0; t < s->taps; t++) {
        bool out = first + t < 0 || first + t >= s->in;
        at[t] = inside(first + t, s->in);
        weight[t] = r->kernel(((double)(first + t) - (double)x) * narrow, r->a);
        if (r->exclude_outside && out) weight[t] = 0;
        sum += weight[t];
    }
    for (int64_t t = 0; t < s->taps && sum != 0; t++) weight[t] /= sum;
}

static void set_axis(const struct resize *r, struct axis *s, struct arena *a) {
    bool crops = r->transform->at == tf_crop_and_resize;
    s->same = s->in == s->out && s->scale == 1 && !(crops && (s->start != 0 || s->end != 1));
    if (s->same) return;
    s->taps = r->kernel == NULL ? 1 : 2 * (int64_t)ceil(r->reach / narrowing(r, s));
    s->at = arena_array(a, (size_t)(s->out * s->taps), sizeof *s->at);
    if (r->kernel != NULL) s->weight = arena_array(a, (size_t)(s->out * s->taps), sizeof(double));
    if (crops) s->outside = arena_array(a, (size_t)s->out, sizeof *s->outside);
    for (int64_t i = 0; i < s->out; i++) {
        float x = r->transform->at(s, (float)i);
        float most = (float)s->in + 1; /* far outside is as good as just outside */
        x = !(x > -most) ? -most : x > 2 * most ? 2 * most : x;
        if (r->kernel == NULL)
            s->at[i] = inside((int64_t)r->nearest((double)x, s), s->in);
        else
            set_taps(r, s, i, x);
        if (crops) s->outside[i] = x < 0 || x > (float)(s->in - 1);
    }
}

static struct resize resize_of(const struct ir_node *n) {
    const char *mode = ir_attr_string(n, "mode"), *near = ir_attr_string(n, "nearest_mode");
    const char *where = ir_attr_string(n, "coordinate_transformation_mode");
    struct resize r = {.a = ir_attr_float(n, "cubic_coeff_a"), .transform = transforms};
    while (strcmp(r.transform->name, where) != 0) r.transform++;
    int i = 0;
    while (strcmp(roundings[i].name, near) != 0) i++;
    r.nearest = roundings[i].of;
    if (mode[0] == 'l') r.kernel = triangle;
    if (mode[0] == 'c') r.kernel = cubic;
    r.reach = mode[0] == 'c' ? 2 : 1;
    r.extrapolation = ir_attr_float(n, "extrapolation_value");
    r.antialias = ir_attr_int(n, "antialias") != 0;
    r.exclude_outside = ir_attr_int(n, "exclude_outside") != 0;
    return r;
}

/* --- nearest: elements are copied --- */

static bool take_nearest(const struct ir_eval *e, const struct resize *r) {
    const struct ir_value *v = ir_in(e->n, 0), *y = e->n->out[0];
    size_t size = ir_dtype_size(v->dtype);
    const char *x = ir_eval_in(e, 0);
    int64_t strides[IR_MAX_RANK], count = ir_elements(y);
    ir_strides_of(v, strides);
    for (int64_t i = 0; i < count; i++) {
        int64_t rest = i, from = 0;
        bool outside = false;
        for (int d = r->rank - 1; d >= 0; d--) {
            const struct axis *s = &r->axes[d];
            int64_t at = rest % y->dims[d];
            rest /= y->dims[d];
            outside = outside || (s->outside != NULL && s->outside[at]);
            from += (s->at == NULL ? at : s->at[at]) * strides[d];
        }
        if (outside)
            ir_store_real(y->dtype, ir_eval_out(e, 0), i, r->extrapolation);
        else
            memcpy((char *)ir_eval_out(e, 0) + (size_t)i * size, x + (size_t)from * size, size);
    }
    return true;
}

/* --- linear and cubic: one axis after the other --- */

/* y[o][j][k] = Σ over taps of weight · x[o][tap][k]. */
static void run_axis(const struct axis *s, const double *x, double *y, int64_t outer, int64_t inner,
                     double extrapolation) {
    for (int64_t o = 0; o < outer; o++, x += s->in * inner)
        for (int64_t j = 0; j < s->out; j++, y += inner) {
            bool outside = s->outside != NULL && s->outside[j];
            for (int64_t k = 0; k < inner; k++) y[k] = outside ? extrapolation : 0;
            for (int64_t t = 0; t < s->taps && !outside; t++) {
                double w = s->weight[j * s->taps + t];
                const double *row = x + s->at[j * s->taps + t] * inner;
                for (int64_t k = 0; k < inner; k++) y[k] += w * row[k];
            }
        }
}

/* The numbers in x, of the input's shape from axis `lead` on; returns where those of the output's
 * are, x or y. */
static const double *run_axes(const struct axis *axes, int lead, int rank, double *x, double *y,
                              double extrapolation) {
    int64_t dims[IR_MAX_RANK];
    for (int d = lead; d < rank; d++) dims[d] = axes[d].in;
    for (int d = lead; d < rank; d++) {
        if (axes[d].same) continue;
        int64_t outer = ir_product(d - lead, dims + lead);
        int64_t inner = ir_product(rank - d - 1, dims + d + 1);
        run_axis(&axes[d], x, y, outer, inner, extrapolation);
        dims[d] = axes[d].out;
        double *swap = x;
        x = y;
        y = swap;
    }
    return x;
}

/* As many numbers as there are between two axes at most. */
static int64_t most_between(const struct axis *axes, int lead, int rank) {
    int64_t dims[IR_MAX_RANK];
    for (int d = lead; d < rank; d++) dims[d] = axes[d].in;
    int64_t most = ir_product(rank - lead, dims + lead);
    for (int d = lead; d < rank; d++) {
        dims[d] = axes[d].out;
        int64_t now = ir_product(rank - lead, dims + lead);
        most = now > most ? now : most;
    }
    return most;
}

/* Axes before the first that changes are done one index at a time. */
static bool interpolate(const struct ir_eval *e, const struct resize *r) {
    const struct ir_value *v = ir_in(e->n, 0), *y = e->n->out[0];
    int lead = 0;
    while (lead < r->rank && r->axes[lead].same) lead++;
    int64_t outer = ir_product(lead, v->dims), from = ir_product(r->rank - lead, v->dims + lead);
    int64_t to = ir_product(r->rank - lead, y->dims + lead);
    size_t room = (size_t)most_between(r->axes, lead, r->rank);
    double *a = arena_array(e->a, room, sizeof *a), *b = arena_array(e->a, room, sizeof *b);
    for (int64_t o = 0; o < outer; o++) {
        for (int64_t i = 0; i < from; i++)
            a[i] = ir_load_float(v->dtype, ir_eval_in(e, 0), o * from + i);
        const double *made = run_axes(r->axes, lead, r->rank, a, b, r->extrapolation);
        for (int64_t i = 0; i < to; i++)
            ir_store_real(y->dtype, ir_eval_out(e, 0), o * to + i, made[i]);
    }
    return true;
}

bool ir_eval_resize(const struct ir_eval *e) {
    const struct ir_value *v = ir_in(e->n, 0), *y = e->n->out[0];
    struct ir_infer x = {.ctx = e->ctx, .arena = e->a, .n = e->n, .values = e->values};
    struct resize r = resize_of(e->n);
    struct ir_resize numbers;
    if (ir_elements(y) == 0) return true;
    if (!ir_resize_of(&x, &numbers)) return false;
    r.rank = v->rank;
    for (int d = 0; d < r.rank; d++) {
        r.axes[d] = (struct axis){.in = v->dims[d], .out = y->dims[d], .scale = numbers.scale[d]};
        r.axes[d].start = numbers.start[d];
        r.axes[d].end = numbers.end[d];
        set_axis(&r, &r.axes[d], e->a);
    }
    return r.kernel == NULL ? take_nearest(e, &r) : interpolate(e, &r);
}

bool ir_eval_upsample(const struct ir_eval *e) {
    return ir_eval_fail(e, "the importer turns it into resize");
}
