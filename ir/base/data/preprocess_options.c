/* The options of preprocessing, which nbqc and nbq-run --reference have in common, as numbers. */
#include "base/data/data_room.h"
#include "base/options.h"

#include <assert.h>

static const struct option_value *value_of(const struct option_set *set, const char *name) {
    int row = option_find(set, name);
    assert(row >= 0);
    return &set->values[row];
}

static bool refuse(struct ctx *c, const char *why) {
    diag(c, data_option, NULL, why);
    return false;
}

static bool read_fit(struct ctx *c, struct arena *a, const struct option_set *set,
                     struct image_fit *out) {
    const struct option_value *filter = value_of(set, "resize-filter");
    int plain = option_choice(c, a, set, option_find(set, "resize-filter"), image_filters, 2, 0);
    if (plain < 0) return false;
    *out = (struct image_fit){.resize = (int)value_of(set, "resize")->number,
                              .crop = (int)value_of(set, "crop")->number,
                              .plain = plain == 1};
    if (filter->given && !out->resize) return refuse(c, "--resize-filter goes with --resize");
    if (out->resize && out->crop > out->resize)
        return refuse(c, "--crop must not be above --resize, the length of the shorter side");
    return true;
}

static bool read_scale(struct ctx *c, const struct option_value *v, double *out) {
    *out = v->given ? v->floats[0] : PREPROCESS_SCALE;
    if (v->count > 1) return refuse(c, "--scale takes one number");
    return *out != 0 || refuse(c, "--scale must not be 0");
}

static void fill(double *to, const struct option_value *v, double otherwise) {
    for (int i = 0; i < PREPROCESS_CHANNELS; i++)
        to[i] = !v->given ? otherwise : v->count == 1 ? v->floats[0] : v->floats[i];
}

bool preprocess_read(struct ctx *c, struct arena *a, const struct option_set *set,
                     struct preprocess *out) {
    const struct option_value *scale = value_of(set, "scale"), *mean = value_of(set, "mean");
    const struct option_value *std = value_of(set, "std");
    *out = (struct preprocess){.bgr = value_of(set, "bgr")->given};
    if (!read_fit(c, a, set, &out->fit) || !read_scale(c, scale, &out->scale)) return false;
    for (int i = 0; i < std->count; i++) {
        if (std->floats[i] > 0) continue;
        diag(c, data_std, NULL, std->floats[i]);
        return false;
    }
    fill(out->mean, mean, 0);
    fill(out->std, std, 1);
    out->given =
        scale->given || mean->given || std->given || out->bgr || out->fit.resize || out->fit.crop;
    return true;
}
