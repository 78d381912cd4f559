/* Activations that are clamps: reading them from nodes, composing them, writing them as the
 * attribute `act`. */
#include "passes/internal.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const struct pass_clamp no_clamp = {-FLT_MAX, FLT_MAX};

/* A bound of a clip: input `index`, `absent` where it is left out. False: not one constant
 * number. */
static bool bound(const struct ir_node *n, int index, double absent, double *out) {
    const struct ir_value *v = ir_in(n, index);
    *out = absent;
    if (v == NULL) return true;
    if (!ir_is_const(v) || ir_elements(v) != 1) return false;
    double x = pass_const_at(v, 0);
    *out = x < -FLT_MAX ? -FLT_MAX : x > FLT_MAX ? FLT_MAX : x;
    return !isnan(x);
}

bool pass_clamp_of(const struct ir_node *n, struct pass_clamp *c) {
    *c = no_clamp;
    if (n->op == IR_OP_relu) c->lo = 0;
    if (n->op == IR_OP_relu) return true;
    if (n->op != IR_OP_clip) return false;
    if (!bound(n, 1, -FLT_MAX, &c->lo) || !bound(n, 2, FLT_MAX, &c->hi)) return false;
    if (c->lo > c->hi) c->lo = c->hi; /* ONNX: min(max(x, lo), hi) is hi then */
    return true;
}

struct pass_clamp pass_act_get(const struct ir_node *n) {
    const char *act = ir_attr_string(n, "act"); /* NULL: an operator without */
    struct pass_clamp c = no_clamp;
    if (act == NULL) return no_clamp;
    if (strcmp(act, "relu") == 0) c.lo = 0;
    if (strcmp(act, "clip") != 0) return c;
    if (ir_attr_find(n, "act_min") != NULL) c.lo = ir_attr_float(n, "act_min");
    if (ir_attr_find(n, "act_max") != NULL) c.hi = ir_attr_float(n, "act_max");
    return c;
}

/* Clamping is monotone, so the bounds of the first go through the second. */
struct pass_clamp pass_clamp_then(struct pass_clamp first, struct pass_clamp second) {
    return (struct pass_clamp){fmin(fmax(first.lo, second.lo), second.hi),
                               fmin(fmax(first.hi, second.lo), second.hi)};
}

void pass_act_set(struct ir_graph *g, struct ir_node *n, struct pass_clamp c) {
    ir_attr_remove(n, "act");
    ir_attr_remove(n, "act_min");
    ir_attr_remove(n, "act_max");
    if (c.lo <= -FLT_MAX && c.hi >= FLT_MAX) return;
    bool relu = c.lo == 0 && c.hi >= FLT_MAX;
    ir_set_string(g, n, "act", relu ? "relu" : "clip");
    if (relu) return;
    ir_set_float(g, n, "act_min", c.lo);
    ir_set_float(g, n, "act_max", c.hi);
}
