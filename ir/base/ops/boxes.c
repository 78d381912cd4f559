/* Operators of detection networks: shape rules and evaluators of NonMaxSuppression, whose output is
 * as long as its numbers make it, and of RoiAlign. Source: ONNX NonMaxSuppression 11, RoiAlign
 * 22. */
#include "base/ops/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 2, OVERLAP = 3, SCORE = 4 };

/* --- non-maximum suppression --- */

struct suppression {
    const float *boxes, *scores;
    int64_t batches, classes, count; /* count: boxes of an image */
    int64_t most;                    /* of each class */
    double overlap, score;
    bool centred; /* boxes are centre and size, else two corners */
};

struct candidate {
    int64_t index;
    float score;
};

/* The best first, of equals the first. */
static int by_score(const void *a, const void *b) {
    const struct candidate *p = a, *q = b;
    if (p->score != q->score) return p->score > q->score ? -1 : 1;
    return p->index < q->index ? -1 : p->index > q->index;
}

struct box {
    double low[2], high[2];
};

static struct box box_at(const struct suppression *s, int64_t i) {
    const float *b = s->boxes + 4 * i;
    struct box to;
    for (int d = 0; d < 2; d++) {
        double p = (double)b[d], q = (double)b[2 + d];
        to.low[d] = s->centred ? p - q / 2 : fmin(p, q);
        to.high[d] = s->centred ? p + q / 2 : fmax(p, q);
    }
    return to;
}

static double area_of(const struct box *b) {
    return (b->high[0] - b->low[0]) * (b->high[1] - b->low[1]);
}

/* Of two boxes, the part of their union that both cover. */
static double shared(const struct box *a, const struct box *b) {
    double both = 1;
    for (int d = 0; d < 2; d++) {
        double side = fmin(a->high[d], b->high[d]) - fmax(a->low[d], b->low[d]);
        if (!(side > 0)) return 0;
        both *= side;
    }
    double whole = area_of(a) + area_of(b) - both;
    return whole > 0 ? both / whole : 0;
}

/* One class of one image: how many boxes stay; to: their indices. */
static int64_t suppress(const struct suppression *s, struct candidate *list, int64_t batch,
                        int64_t class, int64_t *to) {
    const float *scores = s->scores + (batch * s->classes + class) * s->count;
    int64_t count = 0, kept = 0;
    for (int64_t i = 0; i < s->count; i++)
        if ((double)scores[i] > s->score) list[count++] = (struct candidate){i, scores[i]};
    qsort(list, (size_t)count, sizeof *list, by_score);
    for (int64_t i = 0; i < count && kept < s->most; i++) {
        struct box own = box_at(s, batch * s->count + list[i].index);
        bool stays = true;
        for (int64_t k = 0; k < kept && stays; k++) {
            struct box other = box_at(s, batch * s->count + to[k]);
            stays = !(shared(&own, &other) > s->overlap);
        }
        if (stays) to[kept++] = list[i].index;
    }
    return kept;
}

/* All of them as rows of batch, class and index; out NULL: only how many. */
static int64_t select_boxes(const struct suppression *s, struct arena *a, int64_t *out) {
    struct candidate *list = arena_array(a, (size_t)s->count, sizeof *list);
    int64_t *kept = arena_array(a, (size_t)s->count, sizeof *kept), total = 0;
    for (int64_t b = 0; b < s->batches; b++)
        for (int64_t c = 0; c < s->classes; c++) {
            int64_t n = suppress(s, list, b, c, kept);
            for (int64_t i = 0; i < n && out != NULL; i++)
                memcpy(out + 3 * (total + i), (int64_t[]){b, c, kept[i]}, 3 * sizeof *out);
            total += n;
        }
    return total;
}

/* False: some of the numbers are not known. */
static bool suppression_of(const struct ir_infer *x, struct suppression *s) {
    const struct ir_value *boxes = ir_in(x->n, 0), *scores = ir_in(x->n, 1);
    for (int i = 0; i < x->n->in_count; i++)
        if (ir_in(x->n, i) != NULL &&
            (ir_infer_data(x, ir_in(x->n, i)) == NULL || ir_elements(ir_in(x->n, i)) < 0))
            return false;
    const struct ir_value *most = ir_in(x->n, MOST), *overlap = ir_in(x->n, OVERLAP);
    const struct ir_value *score = ir_in(x->n, SCORE);
    *s = (struct suppression){.boxes = ir_infer_data(x, boxes),
                              .scores = ir_infer_data(x, scores),
                              .batches = boxes->dims[0],
                              .classes = scores->dims[1],
                              .count = boxes->dims[1],
                              .centred = ir_attr_int(x->n, "center_point_box") != 0,
                              .score = -INFINITY};
    if (most != NULL) s->most = ir_load_int(most->dtype, ir_infer_data(x, most), 0);
    if (overlap != NULL) s->overlap = ir_load_float(overlap->dtype, ir_infer_data(x, overlap), 0);
    if (score != NULL) s->score = ir_load_float(score->dtype, ir_infer_data(x, score), 0);
    return true;
}

bool ir_infer_nonmaxsuppression(struct ir_infer *x) {
    const struct ir_value *boxes = ir_in(x->n, 0), *scores = ir_in(x->n, 1);
    struct suppression s;
    if (!ir_want(x, 0, 3, IR_F32) || !ir_want(x, 1, 3, IR_F32)) return false;
    for (int i = MOST; i <= SCORE; i++) {
        const struct ir_value *v = ir_in(x->n, i);
        if (v == NULL) continue;
        if (!ir_want(x, i, -1, i == MOST ? IR_I64 : IR_F32)) return false;
        if (ir_elements(v) >= 0 && ir_elements(v) != 1) return ir_fail_input(x, i, "one number");
    }
    if (boxes->rank == 3 && (!ir_want_dim(x, 0, 2, 4, "the coordinates of a box") ||
                             !ir_want_dim(x, 1, 0, boxes->dims[0], "the images of input 0") ||
                             !ir_want_dim(x, 1, 2, boxes->dims[1], "the boxes of input 0")))
        return false;
    x->out[0].dtype = IR_I64;
    x->out[0].rank = 2;
    x->out[0].dims[1] = 3;
    if (boxes->rank == 3 && scores->rank == 3 && suppression_of(x, &s))
        x->out[0].dims[0] = select_boxes(&s, x->arena, NULL);
    return true;
}

bool ir_eval_nonmaxsuppression(const struct ir_eval *e) {
    struct ir_infer x = {.ctx = e->ctx, .arena = e->a, .n = e->n, .values = e->values};
    struct suppression s;
    if (suppression_of(&x, &s)) select_boxes(&s, e->a, ir_eval_out(e, 0));
    return true;
}

/* --- RoiAlign --- */

enum { MAX_SAMPLES = 1 << 20 }; /* of one output element */

static bool is_one_of(const char *text, const char *a, const char *b) {
    return strcmp(text, a) == 0 || strcmp(text, b) == 0;
}

bool ir_infer_roialign(struct ir_infer *x) {
    const struct ir_value *v = ir_in(x->n, 0), *rois = ir_in(x->n, 1);
    int64_t size[2] = {ir_attr_int(x->n, "output_height"), ir_attr_int(x->n, "output_width")};
    if (!ir_want(x, 0, 4, IR_F32) || !ir_want(x, 1, 2, IR_F32) || !ir_want(x, 2, 1, IR_I64))
        return false;
    if (!is_one_of(ir_attr_string(x->n, "mode"), "avg", "max"))
        return ir_fail_attr(x, "mode", "avg or max");
    if (!is_one_of(ir_attr_string(x->n, "coordinate_transformation_mode"), "half_pixel",
                   "output_half_pixel"))
        return ir_fail_attr(x, "coordinate_transformation_mode", "half_pixel or output_half_pixel");
    if (ir_attr_int(x->n, "sampling_ratio") < 0) return ir_fail_attr(x, "sampling_ratio", "0…");
    for (int i = 0; i < 2; i++)
        if (size[i] < 1 || size[i] > IR_MAX_EXTENT)
            return ir_fail_attr(x, i == 0 ? "output_height" : "output_width", "1 or more");
    if (!ir_want_dim(x, 1, 1, 4, "the corners of a region")) return false;
    int64_t count = rois->rank == 2 ? rois->dims[0] : -1;
    if (!ir_want_dim(x, 2, 0, count, "the regions of input 1")) return false;
    x->out[0].dtype = IR_F32;
    x->out[0].rank = 4;
    memcpy(x->out[0].dims, (int64_t[]){count, v->rank == 4 ? v->dims[1] : -1, size[0], size[1]},
           4 * sizeof(int64_t));
    return true;
}

/* A region along one dimension: where its first sample lies, their distance, how many an output
 * element has. */
struct grid {
    double start, step;
    int64_t samples, size;
};

static struct grid grid_of(const struct ir_node *n, double low, double high, int64_t size,
                           int64_t outputs) {
    bool half = strcmp(ir_attr_string(n, "coordinate_transformation_mode"), "half_pixel") == 0;
    double scale = ir_attr_float(n, "spatial_scale"), offset = half ? 0.5 : 0;
    double start = low * scale - offset, length = high * scale - offset - start;
    if (!half) length = fmax(length, 1);
    double each = length / (double)outputs, ratio = (double)ir_attr_int(n, "sampling_ratio");
    double samples = fmin(ratio > 0 ? ratio : fmax(ceil(each), 0), MAX_SAMPLES);
    struct grid g = {.samples = (int64_t)samples, .size = size};
    g.step = g.samples == 0 ? 0 : each / (double)g.samples;
    g.start = start + g.step / 2;
    return g;
}

/* The two places around `at` and the weight of the second; false: too far outside. */
static bool neighbours(const struct grid *g, double at, int64_t place[2], double *weight) {
    if (!(at >= -1 && at <= (double)g->size)) return false;
    at = fmax(at, 0);
    place[0] = (int64_t)at;
    if (place[0] >= g->size - 1) {
        place[0] = place[1] = g->size - 1;
        *weight = 0;
        return true;
    }
    place[1] = place[0] + 1;
    *weight = at - (double)place[0];
    return true;
}

/* The four weighted neighbours of a sample: their sum, or the largest of them. */
static double sample(const float *plane, const struct grid *gy, const struct grid *gx, double y,
                     double x, bool max) {
    int64_t rows[2], cols[2];
    double wy, wx, result = 0;
    if (!neighbours(gy, y, rows, &wy) || !neighbours(gx, x, cols, &wx)) return 0;
    for (int i = 0; i < 4; i++) {
        double v = (double)plane[rows[i / 2] * gx->size + cols[i % 2]];
        v *= (i / 2 == 1 ? wy : 1 - wy) * (i % 2 == 1 ? wx : 1 - wx);
        result = !max ? result + v : i == 0 || v > result ? v : result;
    }
    return result;
}

static double region_at(const float *plane, const struct grid *gy, const struct grid *gx,
                        int64_t oy, int64_t ox, bool max) {
    int64_t count = gy->samples * gx->samples;
    double result = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t row = oy * gy->samples + i / gx->samples, col = ox * gx->samples + i % gx->samples;
        double y = gy->start + gy->step * (double)row, x = gx->start + gx->step * (double)col;
        double v = sample(plane, gy, gx, y, x, max);
        result = !max ? result + v : i == 0 || v > result ? v : result;
    }
    return max || count == 0 ? result : result / (double)count;
}

bool ir_eval_roialign(const struct ir_eval *e) {
    const struct ir_value *v = ir_in(e->n, 0), *y = e->n->out[0];
    const float *x = ir_eval_in(e, 0), *rois = ir_eval_in(e, 1);
    const int64_t *images = ir_eval_in(e, 2);
    bool max = strcmp(ir_attr_string(e->n, "mode"), "max") == 0;
    int64_t plane = v->dims[2] * v->dims[3];
    float *out = ir_eval_out(e, 0);
    if (plane == 0) return ir_eval_fail(e, "the input has no pixels");
    for (int64_t r = 0; r < y->dims[0]; r++, rois += 4) {
        struct grid gy = grid_of(e->n, (double)rois[1], (double)rois[3], v->dims[2], y->dims[2]);
        struct grid gx = grid_of(e->n, (double)rois[0], (double)rois[2], v->dims[3], y->dims[3]);
        if (images[r] < 0 || images[r] >= v->dims[0] || gy.samples * gx.samples > MAX_SAMPLES)
            return ir_eval_fail(
                e, arena_printf(e->a, "region %lld is of no image, or too large", (long long)r));
        for (int64_t c = 0; c < v->dims[1]; c++)
            for (int64_t i = 0; i < y->dims[2] * y->dims[3]; i++)
                *out++ = (float)region_at(x + (images[r] * v->dims[1] + c) * plane, &gy, &gx,
                                          i / y->dims[3], i % y->dims[3], max);
    }
    return true;
}
