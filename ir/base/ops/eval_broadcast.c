/* Operators of two and more operands with numpy broadcasting, on every element type: arithmetic,
 * comparison, logic, choice. Floats are computed in double and rounded once, integers wrap. Source:
 * ONNX Add 14, Sub 14, Mul 14, Div 14, Pow 15, Mod 13, Max 13, Min 13, Sum 13, Mean 13, Equal 19,
 * Greater 13, Less 13, GreaterOrEqual 16, LessOrEqual 16, And 7, Or 7, Xor 7, BitwiseAnd 18,
 * BitShift 11, Where 16, Expand 13. */
#include "base/ops/internal.h"

#include <math.h>
#include <string.h>

/* --- the walk over the output --- */

void ir_broadcast_steps(const struct ir_value *v, const struct ir_value *y, int64_t *steps) {
    int64_t step = 1;
    for (int i = 1; i <= y->rank; i++) {
        int64_t d = i <= v->rank ? v->dims[v->rank - i] : 1;
        steps[y->rank - i] = d == 1 ? 0 : step;
        step *= d;
    }
}

/* Where the elements of the operands stand that make the next element of y. */
struct walk {
    const struct ir_value *y;
    int count; /* of operands */
    int64_t (*steps)[IR_MAX_RANK];
    int64_t *at;
    int64_t index[IR_MAX_RANK];
};

static struct walk walk_of(const struct ir_eval *e, int operands) {
    struct walk w = {.y = e->n->out[0], .count = operands};
    w.steps = arena_array(e->a, (size_t)operands, sizeof *w.steps);
    w.at = arena_array(e->a, (size_t)operands, sizeof *w.at);
    for (int i = 0; i < operands; i++) ir_broadcast_steps(ir_in(e->n, i), w.y, w.steps[i]);
    return w;
}

/* The next index, odometer-wise. */
static void walk_on(struct walk *w) {
    for (int d = w->y->rank - 1; d >= 0; d--) {
        for (int i = 0; i < w->count; i++) w->at[i] += w->steps[i][d];
        if (++w->index[d] < w->y->dims[d]) return;
        for (int i = 0; i < w->count; i++) w->at[i] -= w->steps[i][d] * w->y->dims[d];
        w->index[d] = 0;
    }
}

/* --- two operands --- */

/* An operator on the elements of type t, which makes one of type `to`. */
struct binary {
    struct ir_binary op;
    enum ir_dtype t, to;
    struct ir_activation act;
};

static void store_real(const struct binary *b, void *y, int64_t at, double v) {
    v = v < b->act.min ? b->act.min : v;
    v = v > b->act.max ? b->act.max : v;
    if (ir_is_float(b->to))
        ir_store_float(b->to, y, at, v);
    else
        ir_store_int(b->to, y, at, (int64_t)v);
}

static void store_whole(const struct binary *b, void *y, int64_t at, int64_t v) {
    v = (double)v < b->act.min ? (int64_t)b->act.min : v;
    v = (double)v > b->act.max ? (int64_t)b->act.max : v;
    ir_store_int(b->to, y, at, v);
}

void ir_binary_at(const struct ir_binary *op, enum ir_dtype t, const void *a, int64_t i,
                  const void *b, int64_t j, void *y, int64_t at) {
    if (ir_is_float(t))
        ir_store_float(t, y, at, op->real(ir_load_float(t, a, i), ir_load_float(t, b, j)));
    else
        ir_store_int(t, y, at, op->whole(ir_load_int(t, a, i), ir_load_int(t, b, j), t));
}

static bool eval_binary(const struct ir_eval *e, const struct binary *b) {
    const void *left = ir_eval_in(e, 0), *right = ir_eval_in(e, 1);
    void *out = ir_eval_out(e, 0);
    struct walk w = walk_of(e, 2);
    int64_t count = ir_elements(w.y);
    for (int64_t at = 0; at < count; at++, walk_on(&w)) {
        if (ir_is_float(b->t))
            store_real(b, out, at,
                       b->op.real(ir_load_float(b->t, left, w.at[0]),
                                  ir_load_float(b->t, right, w.at[1])));
        else
            store_whole(b, out, at,
                        b->op.whole(ir_load_int(b->t, left, w.at[0]),
                                    ir_load_int(b->t, right, w.at[1]), b->t));
    }
    return true;
}

static bool eval_plain(const struct ir_eval *e, struct ir_binary op) {
    struct binary b = {op, ir_in(e->n, 0)->dtype, e->n->out[0]->dtype, {-INFINITY, INFINITY}};
    return eval_binary(e, &b);
}

/* --- arithmetic --- */

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
/* What is not a number stays that. */
static double max_real(double a, double b) {
    return isnan(a) || a > b ? a : b;
}
static double min_real(double a, double b) {
    return isnan(a) || a < b ? a : b;
}

static bool below(int64_t a, int64_t b, enum ir_dtype t) {
    return t == IR_U64 ? (uint64_t)a < (uint64_t)b : a < b;
}

#define WHOLE(name) static int64_t name##_whole(int64_t a, int64_t b, enum ir_dtype t)

WHOLE(add) {
    (void)t;
    return (int64_t)((uint64_t)a + (uint64_t)b);
}
WHOLE(sub) {
    (void)t;
    return (int64_t)((uint64_t)a - (uint64_t)b);
}
WHOLE(mul) {
    (void)t;
    return (int64_t)((uint64_t)a * (uint64_t)b);
}
/* Toward zero, as ONNX has it; the divisor is not 0. −2^63 / −1 wraps. */
WHOLE(div) {
    if (t == IR_U64) return (int64_t)((uint64_t)a / (uint64_t)b);
    return b == -1 ? sub_whole(0, a, t) : a / b;
}
WHOLE(max) {
    return below(a, b, t) ? b : a;
}
WHOLE(min) {
    return below(b, a, t) ? b : a;
}

static const struct ir_binary add = {add_real, add_whole}, sub = {sub_real, sub_whole},
                              mul = {mul_real, mul_whole}, divide = {div_real, div_whole},
                              most = {max_real, max_whole}, least = {min_real, min_whole};

const struct ir_binary *ir_binary_by_name(const char *name) {
    static const struct {
        const char *name;
        const struct ir_binary *op;
    } rows[] = {{"add", &add}, {"mul", &mul}, {"max", &most}, {"min", &least}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].name, name) == 0) return rows[i].op;
    return NULL;
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

bool ir_eval_add(const struct ir_eval *e) {
    struct ir_activation act = ir_activation_of(e->n);
    enum ir_dtype t = e->n->out[0]->dtype;
    return add_floats(e, act) || eval_binary(e, &(struct binary){add, t, t, act});
}
bool ir_eval_sub(const struct ir_eval *e) {
    return eval_plain(e, sub);
}
bool ir_eval_mul(const struct ir_eval *e) {
    return eval_plain(e, mul);
}

/* Integers only: false after saying that one is 0. */
static bool no_zeros(const struct ir_eval *e) {
    const struct ir_value *b = ir_in(e->n, 1);
    for (int64_t i = 0; !ir_is_float(b->dtype) && i < ir_elements(b); i++)
        if (ir_load_int(b->dtype, ir_eval_in(e, 1), i) == 0)
            return ir_eval_fail(e, "an integer is divided by zero");
    return true;
}

bool ir_eval_div(const struct ir_eval *e) {
    return no_zeros(e) && eval_plain(e, divide);
}

/* The sign of the divisor, as in Python. */
static double mod_real(double a, double b) {
    double r = fmod(a, b);
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
WHOLE(fmod) {
    if (t == IR_U64) return (int64_t)((uint64_t)a % (uint64_t)b);
    return b == -1 ? 0 : a % b;
}
WHOLE(mod) {
    int64_t r = fmod_whole(a, b, t);
    return t != IR_U64 && r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

bool ir_eval_mod(const struct ir_eval *e) {
    if (!no_zeros(e)) return false;
    if (ir_attr_int(e->n, "fmod") != 0) return eval_plain(e, (struct ir_binary){fmod, fmod_whole});
    return eval_plain(e, (struct ir_binary){mod_real, mod_whole});
}

/* Wraps; of a negative exponent only ±1 is left. */
static int64_t power(int64_t base, int64_t exponent) {
    uint64_t y = 1, square = (uint64_t)base;
    if (exponent < 0) return base == 1 ? 1 : base == -1 ? (exponent % 2 ? -1 : 1) : 0;
    for (; exponent > 0; exponent >>= 1, square *= square)
        if (exponent & 1) y *= square;
    return (int64_t)y;
}

/* The exponent has a type of its own. */
bool ir_eval_pow(const struct ir_eval *e) {
    const void *a = ir_eval_in(e, 0), *b = ir_eval_in(e, 1);
    enum ir_dtype ta = ir_in(e->n, 0)->dtype, tb = ir_in(e->n, 1)->dtype;
    void *y = ir_eval_out(e, 0);
    struct walk w = walk_of(e, 2);
    int64_t count = ir_elements(w.y);
    for (int64_t at = 0; at < count; at++, walk_on(&w)) {
        if (!ir_is_float(ta) && !ir_is_float(tb)) {
            ir_store_int(ta, y, at,
                         power(ir_load_int(ta, a, w.at[0]), ir_load_int(tb, b, w.at[1])));
            continue;
        }
        double v = pow(ir_load_float(ta, a, w.at[0]), ir_load_float(tb, b, w.at[1]));
        if (ir_is_float(ta))
            ir_store_float(ta, y, at, v);
        else
            ir_store_int(ta, y, at, ir_limit_int(ta, ir_whole_of(v)));
    }
    return true;
}

/* --- any number of operands --- */

static bool eval_many(const struct ir_eval *e, const struct ir_binary *op, double scale) {
    struct walk w = walk_of(e, e->n->in_count);
    enum ir_dtype t = w.y->dtype;
    void *y = ir_eval_out(e, 0);
    int64_t count = ir_elements(w.y);
    for (int64_t at = 0; at < count; at++, walk_on(&w)) {
        double real = ir_load_float(t, ir_eval_in(e, 0), w.at[0]);
        int64_t whole = ir_load_int(t, ir_eval_in(e, 0), w.at[0]);
        for (int i = 1; i < w.count; i++) {
            const void *x = ir_eval_in(e, i);
            real = op->real(real, ir_load_float(t, x, w.at[i]));
            if (!ir_is_float(t)) whole = op->whole(whole, ir_load_int(t, x, w.at[i]), t);
        }
        if (ir_is_float(t))
            ir_store_float(t, y, at, real * scale);
        else
            ir_store_int(t, y, at, whole);
    }
    return true;
}

bool ir_eval_max(const struct ir_eval *e) {
    return eval_many(e, &most, 1);
}
bool ir_eval_min(const struct ir_eval *e) {
    return eval_many(e, &least, 1);
}
bool ir_eval_sum(const struct ir_eval *e) {
    return eval_many(e, &add, 1);
}
bool ir_eval_mean(const struct ir_eval *e) {
    return eval_many(e, &add, 1.0 / e->n->in_count);
}

/* --- comparison, logic, bits --- */

#define COMPARISON(name, real_is, whole_is)                                                        \
    static double name##_real(double a, double b) {                                                \
        return real_is;                                                                            \
    }                                                                                              \
    static int64_t name##_whole(int64_t a, int64_t b, enum ir_dtype t) {                           \
        (void)t;                                                                                   \
        return whole_is;                                                                           \
    }                                                                                              \
    bool ir_eval_##name(const struct ir_eval *e) {                                                 \
        return eval_plain(e, (struct ir_binary){name##_real, name##_whole});                       \
    }

COMPARISON(equal, a == b, a == b)
COMPARISON(greater, a > b, below(b, a, t))
COMPARISON(less, a < b, below(a, b, t))
COMPARISON(greaterorequal, a >= b, !below(a, b, t))
COMPARISON(lessorequal, a <= b, !below(b, a, t))
COMPARISON(and, a != 0 && b != 0, a != 0 && b != 0)
COMPARISON(or, a != 0 || b != 0, a != 0 || b != 0)
COMPARISON(xor, (a != 0) != (b != 0), (a != 0) != (b != 0))
/* of integers only */
COMPARISON(bitwiseand, NAN + a + b, a &b)
COMPARISON(bitwiseor, NAN + a + b, a | b)
COMPARISON(bitwisexor, NAN + a + b, a ^ b)

/* --- choice and copies --- */

bool ir_eval_where(const struct ir_eval *e) {
    const uint8_t *choice = ir_eval_in(e, 0);
    const char *x = ir_eval_in(e, 1), *z = ir_eval_in(e, 2);
    char *y = ir_eval_out(e, 0);
    struct walk w = walk_of(e, 3);
    size_t size = ir_dtype_size(w.y->dtype);
    int64_t count = ir_elements(w.y);
    for (int64_t at = 0; at < count; at++, walk_on(&w)) {
        const char *from =
            choice[w.at[0]] ? x + (size_t)w.at[1] * size : z + (size_t)w.at[2] * size;
        memcpy(y + (size_t)at * size, from, size);
    }
    return true;
}

bool ir_eval_expand(const struct ir_eval *e) {
    const char *x = ir_eval_in(e, 0);
    char *y = ir_eval_out(e, 0);
    struct walk w = walk_of(e, 1);
    size_t size = ir_dtype_size(w.y->dtype);
    int64_t count = ir_elements(w.y);
    for (int64_t at = 0; at < count; at++, walk_on(&w))
        memcpy(y + (size_t)at * size, x + (size_t)w.at[0] * size, size);
    return true;
}
