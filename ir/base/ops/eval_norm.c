/* The normalisations. Sums in double in a fixed order, one rounding to float at the end. Source:
 * ONNX BatchNormalization 15, InstanceNormalization 22, LayerNormalization 17, RMSNormalization 23,
 * GroupNormalization 21, MeanVarianceNormalization 13, LRN 13. */
#include "base/ops/internal.h"

#include <assert.h>
#include <math.h>

/* Mean and variance, the variance around the mean. */
struct spread {
    double mean, variance;
};

static struct spread spread_of(const float *x, int64_t n) {
    struct spread s = {0, 0};
    for (int64_t i = 0; i < n; i++) s.mean += (double)x[i];
    s.mean /= (double)n;
    for (int64_t i = 0; i < n; i++) s.variance += ((double)x[i] - s.mean) * ((double)x[i] - s.mean);
    s.variance /= (double)n;
    return s;
}

/* --- per channel --- */

/* Of channel c over all images. */
static struct spread channel_spread(const struct ir_eval *e, int64_t c, int64_t plane) {
    const struct ir_value *v = ir_in(e->n, 0);
    const float *x = ir_eval_in(e, 0);
    struct spread s = {0, 0};
    double count = (double)(v->dims[0] * plane);
    for (int pass = 0; pass < 2; pass++) {
        for (int64_t n = 0; n < v->dims[0]; n++)
            for (int64_t i = 0; i < plane; i++) {
                double at = (double)x[(n * v->dims[1] + c) * plane + i];
                if (pass == 0)
                    s.mean += at;
                else
                    s.variance += (at - s.mean) * (at - s.mean);
            }
        *(pass == 0 ? &s.mean : &s.variance) /= count;
    }
    return s;
}

/* In training the images' own numbers count, and the running ones move toward them. */
static void move_running(const struct ir_eval *e, int64_t c, struct spread s) {
    const double keep = ir_attr_float(e->n, "momentum"), now[] = {s.mean, s.variance};
    for (int i = 1; i < 3 && i < e->n->out_count; i++) {
        double old = (double)((const float *)ir_eval_in(e, 2 + i))[c];
        ((float *)ir_eval_out(e, i))[c] = (float)(old * keep + now[i - 1] * (1 - keep));
    }
}

bool ir_eval_batchnorm(const struct ir_eval *e) {
    const struct ir_value *v = ir_in(e->n, 0);
    const float *x = ir_eval_in(e, 0), *scale = ir_eval_in(e, 1), *bias = ir_eval_in(e, 2);
    const float *mean = ir_eval_in(e, 3), *var = ir_eval_in(e, 4);
    float *out = ir_eval_out(e, 0);
    double epsilon = ir_attr_float(e->n, "epsilon");
    bool training = ir_attr_int(e->n, "training_mode") != 0;
    int64_t channels = v->dims[1], plane = ir_product(v->rank - 2, v->dims + 2);
    for (int64_t c = 0; c < channels; c++) {
        struct spread s = {(double)mean[c], (double)var[c]};
        if (training) {
            s = channel_spread(e, c, plane);
            move_running(e, c, s);
        }
        double factor = (double)scale[c] / sqrt(s.variance + epsilon);
        for (int64_t n = 0; n < v->dims[0]; n++)
            for (int64_t i = 0, at = (n * channels + c) * plane; i < plane; i++, at++)
                out[at] = (float)(((double)x[at] - s.mean) * factor + (double)bias[c]);
    }
    return true;
}

/* --- per image and group of channels --- */

/* steps: 1 where scale and bias have a number per channel, 0 where per group. */
static void normalise(const float *x, int64_t channels, int64_t plane, const float *scale,
                      const float *bias, int step, double epsilon, float *y) {
    struct spread s = spread_of(x, channels * plane);
    double factor = 1 / sqrt(s.variance + epsilon);
    for (int64_t c = 0; c < channels; c++)
        for (int64_t i = 0; i < plane; i++, x++)
            *y++ = (float)(((double)*x - s.mean) * factor * (double)scale[c * step] +
                           (double)bias[c * step]);
}

static bool eval_groups(const struct ir_eval *e, int64_t groups) {
    const struct ir_value *v = ir_in(e->n, 0), *by = ir_in(e->n, 1);
    const float *x = ir_eval_in(e, 0), *scale = ir_eval_in(e, 1), *bias = ir_eval_in(e, 2);
    float *y = ir_eval_out(e, 0);
    if (ir_elements(v) == 0) return true;
    int64_t channels = v->dims[1] / groups, plane = ir_product(v->rank - 2, v->dims + 2);
    int step = ir_elements(by) == v->dims[1], step_bias = ir_elements(ir_in(e->n, 2)) == v->dims[1];
    if (step != step_bias) return ir_eval_fail(e, "scale and bias have different sizes");
    for (int64_t i = 0; i < v->dims[0] * groups; i++) {
        int64_t first = step == 1 ? i % groups * channels : i % groups;
        normalise(x, channels, plane, scale + first, bias + first, step,
                  ir_attr_float(e->n, "epsilon"), y);
        x += channels * plane;
        y += channels * plane;
    }
    return true;
}

bool ir_eval_instancenorm(const struct ir_eval *e) {
    return eval_groups(e, ir_in(e->n, 0)->dims[1]);
}
bool ir_eval_groupnorm(const struct ir_eval *e) {
    return eval_groups(e, ir_attr_int(e->n, "num_groups"));
}

/* --- over the last dimensions --- */

/* Row by row: scale and bias are broadcast to the whole input. root: without taking the mean
 * off. */
static bool eval_layer(const struct ir_eval *e, bool root) {
    const struct ir_value *v = ir_in(e->n, 0);
    int axis = ir_axis(ir_attr_int(e->n, "axis"), v->rank);
    int64_t rows = ir_product(axis, v->dims), n = ir_product(v->rank - axis, v->dims + axis);
    int64_t steps[2][IR_MAX_RANK] = {{0}}, index[IR_MAX_RANK] = {0}, at[2] = {0, 0};
    const float *x = ir_eval_in(e, 0), *scale = ir_eval_in(e, 1), *bias = ir_eval_in(e, 2);
    float *y = ir_eval_out(e, 0);
    ir_broadcast_steps(ir_in(e->n, 1), v, steps[0]);
    if (bias != NULL) ir_broadcast_steps(ir_in(e->n, 2), v, steps[1]);
    for (int64_t r = 0; r < rows; r++) {
        struct spread s = spread_of(x, n);
        if (root) s = (struct spread){0, s.variance + s.mean * s.mean};
        double factor = 1 / sqrt(s.variance + ir_attr_float(e->n, "epsilon"));
        if (e->n->out_count > 1) ((float *)ir_eval_out(e, 1))[r] = (float)s.mean;
        if (e->n->out_count > 2) ((float *)ir_eval_out(e, 2))[r] = (float)factor;
        for (int64_t i = 0; i < n; i++) {
            double more = bias == NULL ? 0 : (double)bias[at[1]];
            *y++ = (float)(((double)*x++ - s.mean) * factor * (double)scale[at[0]] + more);
            for (int d = v->rank - 1; d >= 0; d--) {
                at[0] += steps[0][d];
                at[1] += steps[1][d];
                if (++index[d] < v->dims[d]) break;
                at[0] -= steps[0][d] * v->dims[d];
                at[1] -= steps[1][d] * v->dims[d];
                index[d] = 0;
            }
        }
    }
    return true;
}

bool ir_eval_layernorm(const struct ir_eval *e) {
    return eval_layer(e, false);
}
bool ir_eval_rmsnorm(const struct ir_eval *e) {
    return eval_layer(e, true);
}

/* --- over some dimensions --- */

/* Which mean an element belongs to: its index with the axes that are averaged left out. */
static int64_t bin_of(const struct ir_value *v, unsigned set, int64_t i) {
    int64_t bin = 0, step = 1;
    assert(v->rank >= 0 && v->rank <= IR_MAX_RANK);
    for (int d = v->rank - 1; d >= 0; d--) {
        int64_t at = i % v->dims[d];
        i /= v->dims[d];
        if ((set & 1u << d) != 0) continue;
        bin += at * step;
        step *= v->dims[d];
    }
    return bin;
}

bool ir_eval_mvn(const struct ir_eval *e) {
    const double tiny = 1e-9; /* as the operator is defined */
    const struct ir_value *v = ir_in(e->n, 0);
    int count;
    unsigned set;
    const int64_t *axes = ir_attr_ints(e->n, "axes", &count);
    if (!ir_axis_set(axes, count, v->rank, &set)) return false;
    int64_t n = ir_elements(v), each = 1;
    for (int d = 0; d < v->rank; d++)
        if ((set & 1u << d) != 0) each *= v->dims[d];
    if (n == 0) return true;
    double *mean = arena_array(e->a, (size_t)(n / each), sizeof *mean);
    double *variance = arena_array(e->a, (size_t)(n / each), sizeof *variance);
    const float *x = ir_eval_in(e, 0);
    float *y = ir_eval_out(e, 0);
    for (int64_t i = 0; i < n; i++) mean[bin_of(v, set, i)] += (double)x[i] / (double)each;
    for (int64_t i = 0; i < n; i++) {
        double off = (double)x[i] - mean[bin_of(v, set, i)];
        variance[bin_of(v, set, i)] += off * off / (double)each;
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t bin = bin_of(v, set, i);
        y[i] = (float)(((double)x[i] - mean[bin]) / (sqrt(variance[bin]) + tiny));
    }
    return true;
}

/* --- between channels --- */

bool ir_eval_lrn(const struct ir_eval *e) {
    const struct ir_value *v = ir_in(e->n, 0);
    int64_t size = ir_attr_int(e->n, "size"), plane = ir_product(v->rank - 2, v->dims + 2);
    int64_t channels = v->dims[1], before = (size - 1) / 2, after = size - 1 - before;
    double alpha = ir_attr_float(e->n, "alpha") / (double)size, beta = ir_attr_float(e->n, "beta");
    double bias = ir_attr_float(e->n, "bias");
    const float *x = ir_eval_in(e, 0);
    float *y = ir_eval_out(e, 0);
    for (int64_t i = 0; i < ir_elements(v); i++) {
        int64_t c = i / plane % channels;
        int64_t first = c < before ? -c : -before;
        int64_t last = channels - 1 - c < after ? channels - 1 - c : after;
        double sum = 0;
        for (int64_t k = first; k <= last; k++)
            sum += (double)x[i + k * plane] * (double)x[i + k * plane];
        y[i] = (float)((double)x[i] / pow(bias + alpha * sum, beta));
    }
    return true;
}
