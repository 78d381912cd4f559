/* The activation that an operator applies to its result, in words: "relu", "clip 0…6". Float
 * operators have it as attributes, integer ones as the bounds they store within (ops.def).
 *
 * A lower bound that is the smallest stored integer and means 0 is ReLU where something negative
 * could come: of weights, or of an input that has integers for it. Elsewhere nobody can tell, and
 * nothing is cut off. */
#include "base/ops/internal.h"

#include <math.h>
#include <string.h>

static const char *in_words(struct arena *a, double lo, double hi) {
    if (lo == -INFINITY && hi == INFINITY) return NULL;
    if (lo == 0 && hi == INFINITY) return "relu";
    if (hi == INFINITY) return arena_printf(a, "clip %g…", lo);
    if (lo == -INFINITY) return arena_printf(a, "clip …%g", hi);
    return arena_printf(a, "clip %g…%g", lo, hi);
}

static double bound(const struct ir_node *n, const char *name, double otherwise) {
    return ir_attr_find(n, name) ? ir_attr_float(n, name) : otherwise;
}

static const char *float_act(struct arena *a, const struct ir_node *n) {
    const char *act = ir_attr_string(n, "act");
    if (!act || !strcmp(act, "none")) return NULL;
    if (!strcmp(act, "relu")) return "relu";
    return in_words(a, bound(n, "act_min", -INFINITY), bound(n, "act_max", INFINITY));
}

static int64_t smallest(const struct ir_value *v) {
    return -((int64_t)1 << (v->quant.bits - 1));
}

/* Before bounds. */
static bool can_be_negative(const struct ir_node *n) {
    if (n->op == IR_OP_qconv) return ir_attr_int(n, "select") != 1;
    for (int i = 0; i < n->in_count; i++) {
        const struct ir_value *v = n->in[i];
        if (v && !ir_is_const(v) && v->quant.bits && v->quant.zero > smallest(v)) return true;
    }
    return false;
}

static const char *integer_act(struct arena *a, const struct ir_node *n) {
    const struct ir_value *y = n->out[0];
    int64_t least = smallest(y), most = -least - 1;
    int64_t lo = ir_attr_find(n, "lo") ? ir_attr_int(n, "lo") : least;
    int64_t hi = ir_attr_find(n, "hi") ? ir_attr_int(n, "hi") : most;
    bool below = lo > least || (lo == y->quant.zero && can_be_negative(n));
    return in_words(a, below ? ldexp((double)(lo - y->quant.zero), y->quant.exp) : -INFINITY,
                    hi < most ? ldexp((double)(hi - y->quant.zero), y->quant.exp) : INFINITY);
}

const char *ir_act_text(struct arena *a, const struct ir_node *n) {
    struct ir_attr_info info;
    if (ir_attr_schema_find(n->op, "act", &info)) return float_act(a, n);
    return ir_attr_schema_find(n->op, "lo", &info) && n->out[0]->quant.bits ? integer_act(a, n)
                                                                            : NULL;
}
