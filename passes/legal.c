/* Part of pass legalize: whether the device can run a node, by one rule per operator. Nothing is
 * changed here. The same rules are the check of the property LEGAL, then without messages.
 *
 * The device runs 4-D float32 activations of one image. What a rule refuses, the host runs, for
 * the reason the rule gives (place.c); what is wrong wherever it runs is an error. Views are no
 * matter of rules but of their neighbours. */
#include "isa/isa.h"
#include "passes/internal.h"
#include "passes/quant/quant.h"

#include <math.h>
#include <string.h>

/* Gives the text of a row as the reason; false. */
#define GIVE(x, wrong_, row, ...)                                                                  \
    (*(x)->why = (struct pass_reason){.id = #row,                                                  \
                                      .text = arena_printf((x)->a, row##_format, ##__VA_ARGS__),   \
                                      .hint = row##_hint,                                          \
                                      .wrong = wrong_},                                            \
     false)
#define REFUSE(x, row, ...) GIVE(x, false, row, ##__VA_ARGS__)
#define WRONG(x, row, ...)  GIVE(x, true, row, ##__VA_ARGS__)

struct check {
    struct arena *a; /* of the reasons */
    const struct ir_node *n;
    struct pass_reason *why;
};

typedef bool rule_fn(const struct check *x);

/* The network's input, or a view of it. */
static bool is_from_input(const struct ir_value *v) {
    while (v->producer != NULL && pass_is_view(v->producer->op)) v = v->producer->in[0];
    return v->producer == NULL && !ir_is_const(v);
}

/* A network input itself can be given another batch on the command line. */
static bool wrong_batch(const struct check *x, const struct ir_value *v) {
    bool good = WRONG(x, pass_batch, v->name, ir_type_text(x->a, v));
    if (v->producer == NULL)
        x->why->hint = arena_printf(
            x->a,
            "compile with --inputs=%s:1x%lldx%lldx%lld, or export the model with a batch of 1",
            v->name, (long long)v->dims[1], (long long)v->dims[2], (long long)v->dims[3]);
    return good;
}

/* Programs are for one image: more of them at the network's input are no matter of placement. */
static bool expect_image(const struct check *x, const struct ir_value *v) {
    if (v->dtype == IR_F32 && v->rank == 4 && v->dims[0] == 1 && ir_elements(v) > 0) return true;
    if (v->dtype == IR_F32 && v->rank == 4 && v->dims[0] > 1 && is_from_input(v))
        return wrong_batch(x, v);
    return REFUSE(x, pass_not_image, v->name, ir_type_text(x->a, v));
}

static bool expect_const(const struct check *x, const struct ir_value *v, const char *what) {
    if (v == NULL || (ir_is_const(v) && v->dtype == IR_F32)) return true;
    return REFUSE(x, pass_not_const, what, v->name);
}

/* Infinities and not-a-numbers have all bits of the exponent; compilers make a vector loop of
 * it. */
static bool all_finite(const float *data, int64_t n) {
    const uint32_t exponent = 0x7f800000;
    uint32_t found = 0;
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &data[i], sizeof bits);
        found |= (bits & exponent) == exponent;
    }
    return found == 0;
}

static bool expect_finite(const struct check *x, const struct ir_value *v, const char *what) {
    if (v == NULL || all_finite(v->data, ir_elements(v))) return true;
    const float *data = v->data;
    int64_t n = ir_elements(v), i = 0;
    while (i < n && isfinite(data[i])) i++;
    return WRONG(x, pass_not_finite, what, v->name, (long long)i, (double)data[i]);
}

static bool check_conv(const struct check *x) {
    const struct ir_value *w = x->n->in[1], *bias = ir_in(x->n, 2);
    return expect_image(x, x->n->in[0]) && expect_const(x, w, "weights") &&
           expect_const(x, bias, "bias") && expect_finite(x, w, "weight") &&
           expect_finite(x, bias, "bias");
}

static bool is_vector_of(const struct ir_value *b, const struct ir_value *a) {
    return b->dims[1] == a->dims[1] && b->dims[2] == 1 && b->dims[3] == 1;
}

/* Two activations of one shape, or one of them a number per channel. */
static bool check_pair(const struct check *x) {
    const struct ir_value *a = x->n->in[0], *b = x->n->in[1];
    for (int i = 0; i < 2; i++)
        if (ir_is_const(x->n->in[i]))
            return REFUSE(x, pass_pair_const, ir_type_text(x->a, x->n->in[i]));
    if (!expect_image(x, a) || !expect_image(x, b)) return false;
    return pass_same_shape(a, b) || is_vector_of(a, b) || is_vector_of(b, a) ||
           REFUSE(x, pass_pair_shapes, ir_type_text(x->a, a), ir_type_text(x->a, b));
}

static bool check_pool(const struct check *x) {
    int count;
    const int64_t *d = ir_attr_ints(x->n, "dilations", &count);
    if (!expect_image(x, x->n->in[0])) return false;
    for (int i = 0; i < count; i++)
        if (d[i] != 1) return REFUSE(x, pass_pool_dilated, (long long)d[i]);
    return ir_attr_int(x->n, "ceil_mode") == 0 || REFUSE(x, pass_pool_ceil);
}

static bool check_concat(const struct check *x) {
    int64_t axis = ir_attr_int(x->n, "axis");
    for (int i = 0; i < x->n->in_count; i++) {
        const struct ir_value *v = x->n->in[i];
        if (ir_is_const(v)) return REFUSE(x, pass_concat_const, v->name, ir_type_text(x->a, v));
        if (!expect_image(x, v)) return false;
    }
    return axis == 1 || axis == -3 || REFUSE(x, pass_concat_axis, (long long)axis);
}

static bool check_resize(const struct check *x) {
    int64_t repeat[2] = {1, 1}, min, most;
    svpe_field_range(SVPE_MAP_ry, &min, &most);
    if (!expect_image(x, x->n->in[0])) return false;
    bool good = pass_repeats(x->n, repeat) && repeat[0] <= most && repeat[1] <= most;
    return good ||
           REFUSE(x, pass_resize, ir_attr_string(x->n, "mode"), ir_type_text(x->a, x->n->in[0]),
                  ir_type_text(x->a, x->n->out[0]), (long long)most);
}

static bool check_interleave(const struct check *x) {
    for (int i = 0; i < x->n->in_count; i++)
        if (!expect_image(x, x->n->in[i])) return false;
    return true;
}

/* Its input as rows as long as the constant matrix is high: more than one of them. */
static bool has_rows(const struct ir_node *n) {
    const struct ir_value *a = n->in[0], *w = n->in[1];
    if (!ir_is_const(w) || w->rank != 2 || a->rank == 0) return false;
    int64_t length = w->dims[n->op == IR_OP_gemm && ir_attr_int(n, "transB") != 0];
    return length > 0 && ir_elements(a) > length;
}

static bool check_dense(const struct check *x) {
    const struct ir_value *a = x->n->in[0], *b = x->n->in[1];
    const char *of = ir_type_text(x->a, a), *by = ir_type_text(x->a, b);
    if (!ir_is_const(a) && !ir_is_const(b)) return REFUSE(x, pass_dense_computed, of, by);
    if (has_rows(x->n)) return REFUSE(x, pass_dense_rows, of, by);
    return REFUSE(x, pass_dense, of, by);
}

static bool check_batchnorm(const struct check *x) {
    enum { VAR = 4 };
    const struct ir_value *var = x->n->in[VAR];
    double epsilon = ir_attr_float(x->n, "epsilon");
    for (int64_t c = 0; ir_is_const(var) && c < ir_elements(var); c++)
        if (!(pass_const_at(var, c) + epsilon > 0))
            return WRONG(x, pass_batchnorm_variance, var->name, (long long)c, pass_const_at(var, c),
                         epsilon);
    return expect_image(x, x->n->in[0]) && REFUSE(x, pass_batchnorm_alone);
}

static bool check_affine(const struct check *x) {
    return expect_image(x, x->n->in[0]);
}

/* Other slopes broadcast along rows or columns, differ for every pixel, or are no numbers. */
static bool check_prelu(const struct check *x) {
    const struct ir_value *v = x->n->in[0], *slope = x->n->in[1];
    if (!expect_image(x, v) || !expect_const(x, slope, "slope")) return false;
    return (pass_is_per_channel(slope, v->dims[1], 4) &&
            all_finite(slope->data, ir_elements(slope))) ||
           REFUSE(x, pass_prelu_slope, slope->name, ir_type_text(x->a, slope),
                  (long long)v->dims[1]);
}

static bool check_activation(const struct check *x) {
    for (int i = 1; i < x->n->in_count; i++) {
        const struct ir_value *bound = x->n->in[i];
        if (bound == NULL) continue;
        if (!ir_is_const(bound) || ir_elements(bound) != 1 || isnan(pass_const_at(bound, 0)))
            return REFUSE(x, pass_bound, bound->name);
    }
    return expect_image(x, x->n->in[0]);
}
static bool check_function(const struct check *x) {
    return expect_image(x, x->n->in[0]);
}
static bool check_move(const struct check *x) {
    const struct ir_value *in = x->n->in[0], *fill = ir_in(x->n, 2);
    const char *from = ir_type_text(x->a, in), *to = ir_type_text(x->a, x->n->out[0]);
    if (x->n->op == IR_OP_pad) {
        const char *mode = ir_attr_string(x->n, "mode");
        if (strcmp(mode, "constant") != 0) return REFUSE(x, pass_pad_mode, from, to, mode);
        bool zero = fill == NULL || (ir_is_const(fill) && pass_const_at(fill, 0) == 0);
        if (!zero) return REFUSE(x, pass_pad_value, from, to);
    }
    return expect_image(x, in) && REFUSE(x, pass_move, from, to);
}
static bool check_copy(const struct check *x) {
    return REFUSE(x, pass_copy_output);
}
static bool check_arithmetic(const struct check *x) {
    return REFUSE(x, pass_arithmetic, ir_type_text(x->a, x->n->in[0]),
                  ir_type_text(x->a, x->n->in[1]));
}
/* The transposes around operators whose channels come last. */
static bool is_of_images(const struct ir_node *n) {
    enum { RANK = 4 };
    static const int64_t to_last[] = {0, 2, 3, 1}, to_first[] = {0, 3, 1, 2};
    int count;
    const int64_t *perm = ir_attr_ints(n, "perm", &count);
    return count == RANK && (memcmp(perm, to_last, sizeof to_last) == 0 ||
                             memcmp(perm, to_first, sizeof to_first) == 0);
}

static bool check_transpose(const struct check *x) {
    const char *from = ir_type_text(x->a, x->n->in[0]), *to = ir_type_text(x->a, x->n->out[0]);
    if (is_of_images(x->n)) return REFUSE(x, pass_transpose_image, from, to);
    return REFUSE(x, pass_transpose, from, to);
}

/* No instruction computes the operator, or it has been made of others where one does. */
static bool check_none(const struct check *x) {
    const struct ir_value *in = ir_in(x->n, 0);
    if (ir_op_info(x->n->op)->place == IR_PLACE_HOST || in == NULL)
        return REFUSE(x, pass_unsupported);
    return expect_image(x, in) &&
           REFUSE(x, pass_form, ir_type_text(x->a, x->n->out[0]), ir_type_text(x->a, in));
}

static rule_fn *const rules[IR_OP_COUNT] = {
    [IR_OP_conv] = check_conv,
    [IR_OP_add] = check_pair,
    [IR_OP_maxpool] = check_pool,
    [IR_OP_avgpool] = check_pool,
    [IR_OP_gemm] = check_dense,
    [IR_OP_matmul] = check_dense,
    [IR_OP_batchnorm] = check_batchnorm,
    [IR_OP_relu] = check_activation,
    [IR_OP_clip] = check_activation,
    [IR_OP_slice] = check_move,
    [IR_OP_pad] = check_move,
    [IR_OP_identity] = check_copy,
    [IR_OP_concat] = check_concat,
    [IR_OP_mul] = check_pair,
    [IR_OP_affine] = check_affine,
    [IR_OP_prelu] = check_prelu,
    [IR_OP_div] = check_arithmetic,
    [IR_OP_sub] = check_arithmetic,
    [IR_OP_transpose] = check_transpose,
    [IR_OP_interleave] = check_interleave,
    [IR_OP_resize] = check_resize,
};

static rule_fn *rule_of(enum ir_op op) {
    if (ir_is_function(op)) return check_function;
    return rules[op] != NULL ? rules[op] : check_none;
}

bool pass_can_run(struct arena *a, const struct ir_graph *g, const struct ir_node *n,
                  const struct svpe_target *t, int act_bits, struct pass_reason *why) {
    const struct check x = {a, n, why};
    if (!rule_of(n->op)(&x)) return false;
    if (n->out_count != 1) return REFUSE(&x, pass_outputs, n->out_count);
    if (!pass_limits(a, g, n, t, act_bits, why)) return false;
    return quant_convertible(n) || REFUSE(&x, pass_unsupported);
}
