/* The oracle's operators of one operand that work element by element, on floats as well as on
 * integers; eval_broadcast.c has those of several. Floats are computed in double and rounded once.
 * Source: ONNX Relu 14, Clip 13, Neg 13, Abs 13, Sign 13, Not 1, BitwiseNot 18, IsNaN 20, IsInf 20,
 * Cast 13, CastLike 19. */
#include "base/ops/internal.h"

#include <assert.h>
#include <math.h>

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

/* y = real(x) or whole(x), as the type of x asks, the other may be NULL; y may be bool. */
static bool eval_unary(const struct ir_eval *e, double (*real)(double), int64_t (*whole)(int64_t)) {
    const struct ir_value *v = ir_in(e->n, 0), *y = e->n->out[0];
    const void *x = ir_eval_in(e, 0);
    void *out = ir_eval_out(e, 0);
    int64_t count = ir_elements(v);
    bool integers = !ir_is_float(v->dtype);
    assert(integers ? whole != NULL : real != NULL);
    for (int64_t i = 0; i < count; i++)
        if (integers)
            ir_store_int(y->dtype, out, i, whole(ir_load_int(v->dtype, x, i)));
        else if (ir_is_float(y->dtype))
            ir_store_float(y->dtype, out, i, real(ir_load_float(v->dtype, x, i)));
        else
            ir_store_int(y->dtype, out, i, (int64_t)real(ir_load_float(v->dtype, x, i)));
    return true;
}

static double minus(double x) {
    return -x;
}
static double sign(double x) {
    return isnan(x) ? x : (x > 0) - (x < 0);
}
static int64_t whole_minus(int64_t x) {
    return (int64_t) - (uint64_t)x;
}
static int64_t whole_abs(int64_t x) {
    return x < 0 ? whole_minus(x) : x;
}
static int64_t whole_sign(int64_t x) {
    return (x > 0) - (x < 0);
}
static int64_t whole_same(int64_t x) {
    return x;
}
static int64_t whole_any(int64_t x) {
    return x != 0;
}
static int64_t whole_not(int64_t x) {
    return x == 0;
}
static int64_t bits_not(int64_t x) {
    return ~x;
}
static double nan_test(double x) {
    return isnan(x) != 0;
}
static double inf_test(double x) {
    return isinf(x) != 0;
}
static double above_test(double x) {
    return x == INFINITY;
}
static double below_test(double x) {
    return x == -INFINITY;
}
static double never(double x) {
    (void)x;
    return 0;
}

bool ir_eval_neg(const struct ir_eval *e) {
    return eval_unary(e, minus, whole_minus);
}
bool ir_eval_not(const struct ir_eval *e) {
    return eval_unary(e, NULL, whole_not);
}
bool ir_eval_bitwisenot(const struct ir_eval *e) {
    return eval_unary(e, NULL, bits_not);
}
bool ir_eval_isnan(const struct ir_eval *e) {
    return eval_unary(e, nan_test, NULL);
}

bool ir_eval_isinf(const struct ir_eval *e) {
    bool up = ir_attr_int(e->n, "detect_positive") != 0;
    bool down = ir_attr_int(e->n, "detect_negative") != 0;
    return eval_unary(e, up && down ? inf_test : up ? above_test : down ? below_test : never, NULL);
}

static bool is_signed(enum ir_dtype t) {
    return t != IR_U8 && t != IR_U16 && t != IR_U32 && t != IR_U64;
}

bool ir_eval_abs(const struct ir_eval *e) {
    return eval_unary(e, fabs, is_signed(ir_in(e->n, 0)->dtype) ? whole_abs : whole_same);
}
bool ir_eval_sign(const struct ir_eval *e) {
    return eval_unary(e, sign, is_signed(ir_in(e->n, 0)->dtype) ? whole_sign : whole_any);
}

static double reciprocal(double x) {
    return 1 / x;
}

/* What remainder() leaves is exact. */
static double round_even(double x) {
    return isinf(x) ? x : x - remainder(x, 1);
}

bool ir_eval_real(const struct ir_eval *e) {
    static double (*const functions[IR_OP_COUNT])(double) = {
#define IR_OP(...)
#define IR_FUNCTION(...)
#define IR_REAL(name, text, onnx, since_min, since_max, function, meaning)                         \
    [IR_OP_##name] = (function),
#include "base/ops/ops.def"
#undef IR_OP
    };
    return eval_unary(e, functions[e->n->op], NULL);
}

bool ir_eval_function(const struct ir_eval *e) {
    struct ir_function f = ir_function_of(e->n);
    const float *x = ir_eval_in(e, 0);
    float *y = ir_eval_out(e, 0);
    int64_t count = ir_elements(e->n->out[0]);
    for (int64_t i = 0; i < count; i++) y[i] = (float)f.at((double)x[i], f.params);
    return true;
}

/* ONNX leaves open what becomes of numbers out of range. */
int64_t ir_whole_of(double x) {
    if (isnan(x)) return 0;
    if (x >= 9223372036854775808.0) return INT64_MAX;
    return x < -9223372036854775808.0 ? INT64_MIN : (int64_t)x;
}

/* A cast from one type to another, where form is not NULL to the numbers of that. */
struct cast {
    enum ir_dtype from, to;
    const struct ir_narrow *form;
    bool saturate;
    char mode;
};

static void cast_at(const struct cast *c, const void *x, void *y, int64_t i) {
    double real = ir_load_float(c->from, x, i);
    int64_t whole = ir_is_float(c->from) ? ir_whole_of(real) : ir_load_int(c->from, x, i);
    if (ir_is_float(c->to))
        ir_store_float(c->to, y, i,
                       c->form ? ir_narrow_float(c->form, real, c->saturate, c->mode) : real);
    else if (c->to == IR_BOOL)
        ir_store_int(c->to, y, i, real != 0);
    else if (c->form)
        ir_store_int(c->to, y, i, ir_narrow_int(c->form, whole));
    else /* integers wrap */
        ir_store_int(c->to, y, i, ir_is_float(c->from) ? ir_limit_int(c->to, whole) : whole);
}

static bool cast_all(const struct ir_eval *e, const struct cast *c) {
    int64_t count = ir_elements(e->n->out[0]);
    for (int64_t i = 0; i < count; i++) cast_at(c, ir_eval_in(e, 0), ir_eval_out(e, 0), i);
    return true;
}

bool ir_eval_cast(const struct ir_eval *e) {
    return cast_all(e, &(struct cast){.from = ir_in(e->n, 0)->dtype,
                                      .to = e->n->out[0]->dtype,
                                      .form = ir_narrow_by_name(ir_attr_string(e->n, "form")),
                                      .saturate = ir_attr_int(e->n, "saturate") != 0,
                                      .mode = *ir_attr_string(e->n, "round_mode")});
}

bool ir_eval_castlike(const struct ir_eval *e) {
    return cast_all(e, &(struct cast){.from = ir_in(e->n, 0)->dtype, .to = e->n->out[0]->dtype});
}
