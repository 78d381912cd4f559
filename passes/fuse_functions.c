/* Pass fuse-functions. Requires SHAPES, FOLDED. Breaks what speaks of single operators: NO_BN,
 * FUSED, LEGAL, RANGES, QUANTIZED, RESIDUAL, PROVEN.
 *
 * Functions of one element that exporters spell out in several operators become the one operator
 * they are, which is a table of the device: x · Sigmoid(x) is Swish, x · min(max(x + 3, 0), 6) / 6
 * is HardSwish, and so on. A form is taken only where every operator in it has one reader, every
 * number in it is the constant that it has to be, and the shape stays that of x: constants of
 * several numbers, and values that somebody else reads, leave a graph as it is. Sources: the
 * functions that ONNX gives for HardSwish, Mish, Swish and Gelu, and what PyTorch, TensorFlow and
 * Keras exporters write at opsets that do not have them. Max and Min with a constant become Clip
 * before, together with the clamp they stand behind. */
#include "passes/internal.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A form and what it is. x: any value, the same wherever it stands; a, b: any constant; c: one of
 * 0…1; a number: this constant; NAME(…): an operator, operands in either order but for
 * differences and quotients;
 * NAME[…](…): with these attributes, in the order of its row. */
struct form {
    const char *is, *pattern;
};

/* clang-format off */
#define SIXTH   ".16666667"
#define CLIP    "clip(add(x,3),0,6)"
#define RAMP    "hardsigmoid[" SIXTH ",.5]"
#define GELU(e) {"gelu", "mul(mul(x,add(" e ",1)),.5)"}, {"gelu", "mul(mul(x,.5),add(" e ",1))"}, \
                {"gelu", "mul(x,mul(add(" e ",1),.5))"}, {"gelu", "div(mul(x,add(" e ",1)),2)"}

static const struct form forms[] = {
    {"swish", "mul(x,sigmoid(x))"},
    {"swish[a]", "mul(x,sigmoid(mul(x,a)))"},
    {RAMP, "div(" CLIP ",6)"},
    {RAMP, "mul(" CLIP "," SIXTH ")"},
    {"hardsigmoid[a,b]", "clip(add(mul(x,a),b),0,1)"},
    {"hardswish", "mul(x," RAMP "(x))"},
    {"hardswish", "div(mul(x," CLIP "),6)"},
    {"hardswish", "mul(mul(x," CLIP ")," SIXTH ")"},
    {"hardswish", "mul(mul(x," SIXTH ")," CLIP ")"},
    {"hardswish", "mul(div(x,6)," CLIP ")"},
    {"leakyrelu[c]", "max(x,mul(x,c))"},
    {"softplus", "log(add(exp(x),1))"},
    {"mish", "mul(x,tanh(softplus(x)))"},
    GELU("erf(div(x,1.41421356))"),
    GELU("erf(mul(x,.70710678))"),
};
/* clang-format on */
enum { FORMS = sizeof forms / sizeof *forms };

/* What the letters of a form stand for. */
struct binding {
    const struct ir_graph *g;
    struct ir_value *x;
    double numbers[3]; /* a, b, c */
    int depth;         /* operators around the term that is looked at */
};

/* Brackets in brackets of a form. Matching goes into a graph no deeper than these, whatever the
 * graph: that is why it may recur. */
enum { DEPTH_MAX = 8 };

/* Of constants that exporters round to float, and of those they write with six digits. */
static bool near(double found, double wanted) {
    return fabs(found - wanted) <= 1e-5 * fabs(wanted);
}

static bool is_number(const struct ir_value *v, double *number) {
    if (!ir_is_const(v) || v->elided || v->dtype != IR_F32 || ir_elements(v) != 1) return false;
    *number = pass_const_at(v, 0);
    return isfinite(*number);
}

/* One of these letters, as a term of its own. */
static bool is_letter(const char *p, const char *letters) {
    return strchr(letters, *p) && (p[1] == '\0' || strchr(",)]", p[1]));
}

/* Behind the term at p: at the comma, the bracket or the end. */
static const char *skip(const char *p) {
    for (int depth = 0; *p && (depth > 0 || !strchr(",)]", *p)); p++)
        depth += *p == '(' || *p == '[' ? 1 : *p == ')' || *p == ']' ? -1 : 0;
    return p;
}

/* The attributes of a function are the numbers of the list at p. */
static bool has_attributes(const struct ir_node *n, const char *p) {
    struct ir_function f = ir_function_of(n);
    for (int i = 0; *p == '[' || *p == ','; i++) {
        char *end;
        if (!near(f.params[i], strtod(p + 1, &end))) return false;
        p = end;
    }
    return true;
}

static bool match(struct binding *b, const char *p, struct ir_value *v);

/* The two operands of n, in the order of the form or, where that does not matter, in the other.
 * NOLINTNEXTLINE(misc-no-recursion): no deeper than DEPTH_MAX */
static bool match_pair(struct binding *b, const char *p, const struct ir_node *n) {
    const char *second = skip(p) + 1;
    struct binding before = *b;
    if (match(b, p, n->in[0]) && match(b, second, n->in[1])) return true;
    *b = before;
    if (n->op == IR_OP_sub || n->op == IR_OP_div) return false;
    return match(b, p, n->in[1]) && match(b, second, n->in[0]);
}

/* "clip(TERM,LO,HI)": bounds as attributes of old exports are inputs by now.
 * NOLINTNEXTLINE(misc-no-recursion): no deeper than DEPTH_MAX */
static bool match_clip(struct binding *b, const char *p, const struct ir_node *n) {
    const char *lo = skip(p) + 1, *hi = skip(lo) + 1;
    struct pass_clamp clamp;
    return pass_clamp_of(n, &clamp) && clamp.lo == strtod(lo, NULL) &&
           near(clamp.hi, strtod(hi, NULL)) && match(b, p, n->in[0]);
}

/* NOLINTNEXTLINE(misc-no-recursion): no deeper than DEPTH_MAX */
static bool match_node(struct binding *b, const char *p, const struct ir_node *n) {
    size_t name = strcspn(p, "[("), open = strcspn(p, "(");
    const char *op = ir_op_info(n->op)->name;
    if (strlen(op) != name || strncmp(op, p, name) != 0 || ir_attr_find(n, "act")) return false;
    if (n->op == IR_OP_clip) return match_clip(b, p + open + 1, n);
    if (ir_is_function(n->op) && !has_attributes(n, p + name)) return false;
    return n->in_count == 2 ? match_pair(b, p + open + 1, n) : match(b, p + open + 1, n->in[0]);
}

/* NOLINTNEXTLINE(misc-no-recursion): no deeper than DEPTH_MAX */
static bool match(struct binding *b, const char *p, struct ir_value *v) {
    double number;
    if (is_letter(p, "x")) {
        if (!b->x && !ir_is_const(v)) b->x = v;
        return b->x == v;
    }
    if (is_letter(p, "abc")) {
        double *to = &b->numbers[*p - 'a'];
        return is_number(v, to) && (*p != 'c' || (*to >= 0 && *to <= 1));
    }
    if (strchr(".0123456789", *p)) return is_number(v, &number) && near(number, strtod(p, NULL));
    if (!v->producer || !ir_single_user(b->g, v)) return false;
    assert(b->depth < DEPTH_MAX);
    b->depth++;
    bool good = match_node(b, p, v->producer);
    b->depth--;
    return good;
}

/* The operator of a form's result; IR_OP_COUNT: the table has none of that name. */
static enum ir_op op_of(const struct form *f) {
    char name[24] = "";
    memcpy(name, f->is, strcspn(f->is, "["));
    return ir_op_by_name(name);
}

static const struct form *form_of(const struct ir_graph *g, const struct ir_node *n,
                                  struct binding *b) {
    if (n->out_count != 1 || n->out[0]->dtype != IR_F32) return NULL;
    for (int i = 0; i < FORMS; i++) {
        *b = (struct binding){.g = g};
        if (match_node(b, forms[i].pattern, n) && pass_same_shape(b->x, n->out[0]) &&
            op_of(&forms[i]) != IR_OP_COUNT)
            return &forms[i];
    }
    return NULL;
}

static bool is_form(const struct ir_graph *g, const struct ir_node *n) {
    struct binding b;
    return form_of(g, n, &b) != NULL;
}

/* "NAME[…]", with numbers and letters for the attributes. */
static bool apply_form(struct ir_graph *g, struct ir_node *n) {
    struct binding b;
    const struct form *form = form_of(g, n, &b);
    const char *p = form->is + strcspn(form->is, "[");
    enum ir_op op = op_of(form);
    struct ir_node *to = ir_node_new(g, n, op, n->name, &b.x, 1, n->out, 1);
    struct ir_attr_info info;
    for (int i = 0; *p == '[' || *p == ','; i++, p = skip(p + 1)) {
        double number = is_letter(p + 1, "abc") ? b.numbers[p[1] - 'a'] : strtod(p + 1, NULL);
        ir_attr_schema(op, i, &info);
        ir_set_float(g, to, info.name, (double)(float)number);
    }
    ir_node_remove(g, n);
    return true;
}

/* --- clamps --- */

/* A relu, a clip, or a maximum or minimum of a value and a constant: its value, NULL: none of
 * these. */
static struct ir_value *clamped(const struct ir_node *n, struct pass_clamp *c) {
    double number;
    if (pass_clamp_of(n, c)) return n->in[0];
    if ((n->op != IR_OP_max && n->op != IR_OP_min) || n->in_count != 2) return NULL;
    int i = ir_is_const(n->in[0]);
    if (!is_number(n->in[1 - i], &number)) return NULL;
    *c = (struct pass_clamp){-FLT_MAX, FLT_MAX};
    *(n->op == IR_OP_max ? &c->lo : &c->hi) = number;
    return pass_same_shape(n->in[i], n->out[0]) ? n->in[i] : NULL;
}

/* A clamp of floats by Max or Min, with the clamp before it that nobody else reads: the value and
 * its bounds. */
static struct ir_value *loose_clamp(const struct ir_graph *g, const struct ir_node *n,
                                    struct pass_clamp *c) {
    struct pass_clamp first;
    if ((n->op != IR_OP_max && n->op != IR_OP_min) || n->out[0]->dtype != IR_F32) return NULL;
    struct ir_value *x = clamped(n, c), *before = NULL;
    if (!x || ir_is_const(x)) return NULL;
    if (x->producer && ir_single_user(g, x)) before = clamped(x->producer, &first);
    if (!before || ir_is_const(before)) return x;
    *c = pass_clamp_then(first, *c);
    return before;
}

static bool is_loose_clamp(const struct ir_graph *g, const struct ir_node *n) {
    struct pass_clamp c;
    return loose_clamp(g, n, &c) != NULL;
}

static bool join_clamps(struct ir_graph *g, struct ir_node *n) {
    static const int64_t scalar[1] = {0};
    struct pass_clamp c;
    struct ir_value *in[3] = {loose_clamp(g, n, &c)};
    assert(in[0]); /* is_loose_clamp() has found it */
    if (c.lo > -FLT_MAX) in[1] = pass_const_new(g, "low", 0, scalar, &c.lo);
    if (c.hi < FLT_MAX) in[2] = pass_const_new(g, "high", 0, scalar, &c.hi);
    ir_node_new(g, n, IR_OP_clip, n->name, in, in[2] ? 3 : in[1] ? 2 : 1, n->out, 1);
    ir_node_remove(g, n);
    return true;
}

static const struct pass_rule rules[] = {
    {"clamps", is_loose_clamp, join_clamps},
    {"function", is_form, apply_form},
};
enum { RULES = sizeof rules / sizeof *rules };

/* What is left over of a form reads its values until it is swept. */
bool pass_fuse_functions(struct ir_graph *g, const struct pass_options *o) {
    (void)o;
    do {
        if (!pass_rules_apply(g, rules, RULES)) return false;
        pass_sweep(g);
    } while (pass_rules_match(g, rules, RULES));
    return true;
}
