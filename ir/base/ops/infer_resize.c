/* Shape rule of Resize: output sizes from scales or sizes, for some axes or all, keeping the aspect
 * ratio or not. Source: ONNX Resize 19. Upsample becomes Resize at import. */
#include "base/ops/internal.h"

#include <math.h>
#include <string.h>

enum { ROI = 1, SCALES = 2, SIZES = 3 };

/* A list of another length than the axes, or none: older models leave lists empty. */
static bool is_given(const struct ir_value *v) {
    return v != NULL && ir_elements(v) != 0;
}

static bool expect_count(struct ir_infer *x, int index, int64_t count) {
    const struct ir_value *v = ir_in(x->n, index);
    if (ir_elements(v) < 0 || ir_elements(v) == count) return true;
    return ir_fail_input(x, index,
                         arena_printf(x->arena, "%lld numbers, by the axes", (long long)count));
}

static bool is_one_of(const char *text, const char *const *list) {
    while (*list != NULL && strcmp(text, *list) != 0) list++;
    return *list != NULL;
}

static bool check_modes(struct ir_infer *x) {
    static const char *const modes[] = {"nearest", "linear", "cubic", NULL};
    static const char *const nearest[] = {
        "round_prefer_floor", "round_prefer_ceil", "floor", "ceil", "simple", NULL};
    static const char *const transforms[] = {
        "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners",
        "asymmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize", NULL};
    static const char *const policies[] = {"stretch", "not_larger", "not_smaller", NULL};
    static const struct {
        const char *attr, *const *known, *expected;
    } rows[] = {
        {"mode", modes, "nearest, linear or cubic"},
        {"nearest_mode", nearest, "round_prefer_floor, round_prefer_ceil, floor or ceil"},
        {"coordinate_transformation_mode", transforms, "one of ONNX Resize"},
        {"keep_aspect_ratio_policy", policies, "stretch, not_larger or not_smaller"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!is_one_of(ir_attr_string(x->n, rows[i].attr), rows[i].known))
            return ir_fail_attr(x, rows[i].attr, rows[i].expected);
    return true;
}

/* Which axes the lists speak of: those of the attribute, or all. */
struct axes {
    int count, at[IR_MAX_RANK];
};

static bool axes_of(struct ir_infer *x, int rank, struct axes *out) {
    int count;
    unsigned seen = 0;
    const int64_t *list = ir_attr_ints(x->n, "axes", &count);
    out->count = list == NULL ? rank : count;
    if (out->count > rank) return ir_fail_attr(x, "axes", "each axis once");
    for (int i = 0; i < out->count; i++) {
        out->at[i] = list == NULL ? i : ir_axis(list[i], rank);
        if (out->at[i] < 0 || (seen & 1u << out->at[i]) != 0)
            return ir_fail_attr(x, "axes", "axes of the input, each once");
        seen |= 1u << out->at[i];
    }
    return true;
}

/* The numbers of input `index`, as many as there are axes; *known: they are in out. */
static bool float_list(struct ir_infer *x, int index, int count, double *out, bool *known) {
    const struct ir_value *v = ir_in(x->n, index);
    const void *data = ir_infer_data(x, v);
    *known = false;
    if (v->dtype != IR_F32) return ir_fail_input(x, index, "f32");
    if (!expect_count(x, index, count)) return false;
    *known = data != NULL && ir_elements(v) == count;
    for (int i = 0; *known && i < count; i++) out[i] = ir_load_float(v->dtype, data, i);
    return true;
}

static bool region_of(struct ir_infer *x, const struct axes *axes, struct ir_resize *out) {
    double roi[2 * IR_MAX_RANK];
    bool known;
    bool crops =
        strcmp(ir_attr_string(x->n, "coordinate_transformation_mode"), "tf_crop_and_resize") == 0;
    for (int i = 0; i < IR_MAX_RANK; i++) {
        out->start[i] = 0;
        out->end[i] = 1;
    }
    if (!crops) return true;
    if (!is_given(ir_in(x->n, ROI)))
        return ir_fail_input(x, ROI, "the region that tf_crop_and_resize takes");
    if (!float_list(x, ROI, 2 * axes->count, roi, &known)) return false;
    for (int i = 0; known && i < axes->count; i++) {
        if (!isfinite(roi[i]) || !isfinite(roi[axes->count + i]))
            return ir_fail_input(x, ROI, "finite numbers");
        out->start[axes->at[i]] = (float)roi[i];
        out->end[axes->at[i]] = (float)roi[axes->count + i];
    }
    return true;
}

static bool by_scales(struct ir_infer *x, const struct ir_type *t, const struct axes *axes,
                      struct ir_resize *out) {
    double scales[IR_MAX_RANK];
    bool known;
    if (!float_list(x, SCALES, axes->count, scales, &known)) return false;
    for (int i = 0; i < axes->count; i++) {
        int d = axes->at[i];
        out->out[d] = -1;
        if (!known) continue;
        out->scale[d] = (float)scales[i];
        if (!(scales[i] > 0) || !isfinite(scales[i]))
            return ir_fail_input(x, SCALES, "finite numbers above 0");
        if (t->dims[d] < 0) continue;
        /* Also with tf_crop_and_resize, whose text has a factor (roi end − start) that ONNX's own
         * shape inference, its evaluator and ONNX Runtime leave out. */
        float size = (float)t->dims[d] * out->scale[d];
        if (!(size >= 0) || size > (float)IR_MAX_ELEMENTS)
            return ir_fail_input(x, SCALES, "scales that give a size");
        out->out[d] = (int64_t)size;
    }
    return true;
}

/* The one scale of all axes with which none gets larger (smaller) than its size. */
static float common_scale(const struct ir_resize *r, const struct axes *axes, bool larger) {
    float scale = r->scale[axes->at[0]];
    for (int i = 1; i < axes->count; i++) {
        float other = r->scale[axes->at[i]];
        if (larger ? other > scale : other < scale) scale = other;
    }
    return scale;
}

static void keep_aspect(struct ir_infer *x, const struct ir_type *t, const struct axes *axes,
                        struct ir_resize *out) {
    const char *policy = ir_attr_string(x->n, "keep_aspect_ratio_policy");
    if (strcmp(policy, "stretch") == 0 || axes->count == 0) return;
    float scale = common_scale(out, axes, strcmp(policy, "not_smaller") == 0);
    for (int i = 0; i < axes->count; i++) {
        int d = axes->at[i];
        out->scale[d] = scale;
        out->out[d] = (int64_t)(scale * (float)t->dims[d] + 0.5F);
    }
}

static bool by_sizes(struct ir_infer *x, const struct ir_type *t, const struct axes *axes,
                     struct ir_resize *out) {
    int64_t sizes[IR_MAX_RANK];
    int count;
    bool known, all = true;
    if (!ir_int_input(x, SIZES, sizes, IR_MAX_RANK, &count, &known)) return false;
    if (!expect_count(x, SIZES, axes->count)) return false;
    for (int i = 0; i < axes->count; i++) {
        int d = axes->at[i];
        out->out[d] = known ? sizes[i] : -1;
        if (known && (sizes[i] < 1 || sizes[i] > IR_MAX_ELEMENTS))
            return ir_fail_input(x, SIZES, "sizes of at least 1");
        all = all && known && t->dims[d] > 0;
        if (known && t->dims[d] > 0) out->scale[d] = (float)sizes[i] / (float)t->dims[d];
    }
    if (all) keep_aspect(x, t, axes, out);
    return true;
}

bool ir_resize_of(struct ir_infer *x, struct ir_resize *out) {
    struct ir_type t = ir_type_of(ir_in(x->n, 0));
    struct axes axes = {0};
    bool scales = is_given(ir_in(x->n, SCALES)), sizes = is_given(ir_in(x->n, SIZES));
    *out = (struct ir_resize){0};
    if (!axes_of(x, t.rank, &axes) || !region_of(x, &axes, out)) return false;
    for (int i = 0; i < t.rank; i++) {
        out->out[i] = t.dims[i];
        out->scale[i] = 1;
    }
    if (scales == sizes) return ir_fail_input(x, SIZES, "either scales (input 2) or sizes");
    return scales ? by_scales(x, &t, &axes, out) : by_sizes(x, &t, &axes, out);
}

bool ir_infer_resize(struct ir_infer *x) {
    struct ir_type t = ir_type_of(ir_in(x->n, 0));
    struct ir_resize r;
    x->out[0].dtype = t.dtype;
    if (t.dtype == IR_BOOL) return ir_fail_input(x, 0, "numbers");
    if (!check_modes(x)) return false;
    if (t.rank < 0) return true;
    if (!ir_resize_of(x, &r)) return false;
    x->out[0].rank = t.rank;
    memcpy(x->out[0].dims, r.out, sizeof r.out);
    for (int i = 0; i < t.rank; i++)
        if (t.dims[i] == 0 && r.out[i] > 0) return ir_fail_input(x, 0, "an input with elements");
    return true;
}

/* A node of it has become a Resize at import. */
bool ir_infer_upsample(struct ir_infer *x) {
    (void)x;
    return true;
}
