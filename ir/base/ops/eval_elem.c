/* The oracle's operators that work element by element, on floats as well as on the integers of
 * shape arithmetic. Floats are computed in double and rounded once. Source: ONNX Add 14, Clip 13,
 * Cast 13. */
#include "base/ops/internal.h"

#include <math.h>

/* --- two operands --- */

struct binary {
    double (*real)(double a, double b);
    int64_t (*whole)(int64_t a, int64_t b); /* wraps */
    struct ir_activation act;
};

void ir_broadcast_steps(const struct ir_value *v, const struct ir_value *y, int64_t *steps) {
    int64_t step = 1;
    for (int i = 1; i <= y->rank; i++) {
        int64_t d = i <= v->rank ? v->dims[v->rank - i] : 1;
        steps[y->rank - i] = d == 1 ? 0 : step;
        step *= d;
    }
}

static void binary_at(const struct binary *op, enum ir_dtype t, const void *a, int64_t i,
                      const void *b, int64_t j, void *y, int64_t at) {
    if (!ir_is_float(t)) {
        int64_t v = op->whole(ir_load_int(t, a, i), ir_load_int(t, b, j));
        v = (double)v < op->act.min   ? (int64_t)op->act.min
            : (double)v > op->act.max ? (int64_t)op->act.max
                                      : v;
        ir_store_int(t, y, at, v);
        return;
    }
    double v = op->real(ir_load_float(t, a, i), ir_load_float(t, b, j));
    v = v < op->act.min ? op->act.min : v;
    ir_store_float(t, y, at, v > op->act.max ? op->act.max : v);
}

/* The sum of two maps, the one of these operators that takes time in networks. The double sum of
 * two floats rounds to the float sum. */
static bool add_floats(const struct ir_eval *e, struct ir_activation act) {
    const struct ir_value *a = ir_in(e->n, 0), *b = ir_in(e->n, 1), *y = e->n->out[0];
    int64_t count = ir_elements(y);
    if (y->dtype != IR_F32 || ir_elements(a) != count || ir_elements(b) != count) return false;
    const float *left = ir_eval_in(e, 0), *right = ir_eval_in(e, 1);
    float *out = ir_eval_out(e, 0), lo = (float)act.min, hi = (float)act.max;
    for (int64_t i = 0; i < count; i++) {
        float v = left[i] + right[i];
        v = v < lo ? lo : v;
        out[i] = v > hi ? hi : v;
    }
    return true;
}

static bool eval_binary(const struct ir_eval *e, const struct binary *op) {
    const struct ir_value *y = e->n->out[0];
    const void *a = ir_eval_in(e, 0), *b = ir_eval_in(e, 1);
    void *out = ir_eval_out(e, 0);
    int64_t step_a[IR_MAX_RANK] = {0}, step_b[IR_MAX_RANK] = {0}, index[IR_MAX_RANK] = {0};
    int64_t i = 0, j = 0, count = ir_elements(y);
    ir_broadcast_steps(ir_in(e->n, 0), y, step_a);
    ir_broadcast_steps(ir_in(e->n, 1), y, step_b);
    for (int64_t at = 0; at < count; at++) {
        binary_at(op, y->dtype, a, i, b, j, out, at);
        for (int d = y->rank - 1; d >= 0; d--) { /* the next index, odometer-wise */
            i += step_a[d];
            j += step_b[d];
            if (++index[d] < y->dims[d]) break;
            i -= step_a[d] * y->dims[d];
            j -= step_b[d] * y->dims[d];
            index[d] = 0;
        }
    }
    return true;
}

static double add_real(double a, double b) {
    return a + b;
}
static double sub_real(double a, double b) {
    return a - b;
}
static double mul_real(double a, double b) {
    return a * b;
}
static double div_real(double a, double b) {
    return a / b;
}

static int64_t add_whole(int64_t a, int64_t b) {
    return (int64_t)((uint64_t)a + (uint64_t)b);
}
static int64_t sub_whole(int64_t a, int64_t b) {
    return (int64_t)((uint64_t)a - (uint64_t)b);
}
static int64_t mul_whole(int64_t a, int64_t b) {
    return (int64_t)((uint64_t)a * (uint64_t)b);
}

/* Toward zero, as ONNX has it; the divisor is not 0. −2^63 / −1 wraps. */
static int64_t div_whole(int64_t a, int64_t b) {
    return b == -1 ? sub_whole(0, a) : a / b;
}

bool ir_eval_add(const struct ir_eval *e) {
    if (add_floats(e, ir_activation_of(e->n))) return true;
    return eval_binary(e, &(struct binary){add_real, add_whole, ir_activation_of(e->n)});
}

bool ir_eval_sub(const struct ir_eval *e) {
    return eval_binary(e, &(struct binary){sub_real, sub_whole, {-INFINITY, INFINITY}});
}

bool ir_eval_mul(const struct ir_eval *e) {
    return eval_binary(e, &(struct binary){mul_real, mul_whole, {-INFINITY, INFINITY}});
}

bool ir_eval_div(const struct ir_eval *e) {
    const struct ir_value *b = ir_in(e->n, 1);
    const void *data = ir_eval_in(e, 1);
    for (int64_t i = 0; !ir_is_float(b->dtype) && i < ir_elements(b); i++)
        if (ir_load_int(b->dtype, data, i) == 0)
            return ir_eval_fail(e, "division of integers by zero");
    return eval_binary(e, &(struct binary){div_real, div_whole, {-INFINITY, INFINITY}});
}

/* --- one operand --- */

/* Floats are clamped to the nearest floats of the bounds: the same as rounding afterwards. */
static bool clamp_floats(const struct ir_eval *e, double min, double max) {
    const float *x = ir_eval_in(e, 0);
    float *y = ir_eval_out(e, 0), lo = (float)min, hi = (float)max;
    int64_t count = ir_elements(e->n->out[0]);
    for (int64_t i = 0; i < count; i++) {
        float v = x[i] < lo ? lo : x[i];
        y[i] = v > hi ? hi : v;
    }
    return true;
}

bool ir_eval_relu(const struct ir_eval *e) {
    const struct ir_value *v = ir_in(e->n, 0);
    const void *x = ir_eval_in(e, 0);
    void *y = ir_eval_out(e, 0);
    int64_t count = ir_elements(v);
    if (v->dtype == IR_F32) return clamp_floats(e, 0, INFINITY);
    for (int64_t i = 0; i < count; i++) {
        double real = ir_load_float(v->dtype, x, i);
        if (!ir_is_float(v->dtype)) {
            int64_t whole = ir_load_int(v->dtype, x, i);
            ir_store_int(v->dtype, y, i, whole < 0 ? 0 : whole);
        } else {
            ir_store_float(v->dtype, y, i, real < 0 ? 0 : real);
        }
    }
    return true;
}

bool ir_eval_clip(const struct ir_eval *e) {
    const struct ir_value *v = ir_in(e->n, 0);
    enum ir_dtype t = v->dtype;
    const void *x = ir_eval_in(e, 0), *lo = ir_eval_in(e, 1), *hi = ir_eval_in(e, 2);
    void *y = ir_eval_out(e, 0);
    int64_t count = ir_elements(v);
    double min = lo == NULL ? -INFINITY : ir_load_float(t, lo, 0);
    double max = hi == NULL ? INFINITY : ir_load_float(t, hi, 0);
    int64_t least = lo == NULL ? INT64_MIN : ir_load_int(t, lo, 0);
    int64_t most = hi == NULL ? INT64_MAX : ir_load_int(t, hi, 0);
    if (t == IR_F32) return clamp_floats(e, min, max);
    for (int64_t i = 0; i < count; i++) {
        if (ir_is_float(t)) {
            double real = ir_load_float(t, x, i);
            real = real < min ? min : real;
            ir_store_float(t, y, i, real > max ? max : real);
        } else {
            int64_t whole = ir_load_int(t, x, i);
            whole = whole < least ? least : whole;
            ir_store_int(t, y, i, whole > most ? most : whole);
        }
    }
    return true;
}

bool ir_eval_function(const struct ir_eval *e) {
    struct ir_function f = ir_function_of(e->n);
    const float *x = ir_eval_in(e, 0);
    float *y = ir_eval_out(e, 0);
    int64_t count = ir_elements(e->n->out[0]);
    for (int64_t i = 0; i < count; i++) y[i] = (float)f.at((double)x[i], f.params);
    return true;
}

/* Toward zero; out of range to the nearest end, not-a-number to 0: ONNX leaves both open. */
static int64_t whole_of(double x) {
    if (isnan(x)) return 0;
    if (x >= 9223372036854775808.0) return INT64_MAX;
    return x < -9223372036854775808.0 ? INT64_MIN : (int64_t)x;
}

bool ir_eval_cast(const struct ir_eval *e) {
    enum ir_dtype from = ir_in(e->n, 0)->dtype, to = e->n->out[0]->dtype;
    const void *x = ir_eval_in(e, 0);
    void *y = ir_eval_out(e, 0);
    int64_t count = ir_elements(e->n->out[0]);
    for (int64_t i = 0; i < count; i++) {
        double real = ir_load_float(from, x, i);
        if (ir_is_float(to))
            ir_store_float(to, y, i, real);
        else if (to == IR_BOOL)
            ((uint8_t *)y)[i] = real != 0;
        else if (ir_is_float(from))
            ir_store_int(to, y, i, ir_limit_int(to, whole_of(real)));
        else
            ir_store_int(to, y, i, ir_load_int(from, x, i)); /* integers wrap */
    }
    return true;
}
