/* Part of pass legalize: whether every node can run, by one rule per operator. Nothing is
 * changed here. The same rules are the check of the property LEGAL, then without messages.
 *
 * The device runs 4-D float32 activations of one image. Views may stand at the network's inputs
 * and outputs, Softmax at outputs; there the host does them, or they cost nothing. Operators of
 * the quantized level have passed these rules as float ones, and the verifier. */
#include "passes/internal.h"

#include <math.h>
#include <string.h>

struct check {
    const struct ir_graph *g;
    const struct ir_node *n;
    const bool *at_input,
        *at_output; /* by value id: only views stand between it and the network's inputs, outputs */
    bool *refused;  /* by value id: has been said, and is not said again of its readers */
    struct arena *a; /* scratch */
    bool say;
};

/* Says a row where messages are wanted; false. */
#define REFUSE(x, row, ...)                                                                        \
    ((x)->say ? diag((x)->g->ctx, row, ir_node_where((x)->a, (x)->n), ##__VA_ARGS__) : (void)0,    \
     false)

typedef bool rule_fn(const struct check *x);

static bool expect_image(const struct check *x, const struct ir_value *v) {
    if (v->dtype == IR_F32 && v->rank == 4 && v->dims[0] == 1 && ir_elements(v) > 0) return true;
    x->refused[v->id] = true;
    if (v->dtype == IR_F32 && v->rank == 4 && v->dims[0] > 1)
        return REFUSE(x, pass_batch, v->name, ir_type_text(x->a, v));
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
    return REFUSE(x, pass_not_finite, what, v->name, (long long)i, (double)data[i]);
}

static bool check_conv(const struct check *x) {
    const struct ir_value *w = x->n->in[1], *bias = ir_in(x->n, 2);
    if (!expect_image(x, x->n->in[0])) return false;
    bool constant = expect_const(x, w, "weights");
    constant = expect_const(x, bias, "bias") && constant;
    if (!constant) return false;
    bool finite = expect_finite(x, w, "weight");
    return expect_finite(x, bias, "bias") && finite;
}

static bool check_add(const struct check *x) {
    const struct ir_value *a = x->n->in[0], *b = x->n->in[1];
    for (int i = 0; i < 2; i++)
        if (ir_is_const(x->n->in[i]))
            return REFUSE(x, pass_add_const, ir_type_text(x->a, x->n->in[i]));
    if (!expect_image(x, a) || !expect_image(x, b)) return false;
    return pass_same_shape(a, b) ||
           REFUSE(x, pass_add_shapes, ir_type_text(x->a, a), ir_type_text(x->a, b));
}

static bool check_pool(const struct check *x) {
    int count = 0;
    const int64_t *d = NULL;
    if (!expect_image(x, x->n->in[0])) return false;
    if (x->n->op == IR_OP_maxpool) d = ir_attr_ints(x->n, "dilations", &count);
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

static bool check_interleave(const struct check *x) {
    for (int i = 0; i < x->n->in_count; i++)
        if (!expect_image(x, x->n->in[i])) return false;
    return true;
}

static bool check_view(const struct check *x) {
    const struct ir_value *in = x->n->in[0], *out = x->n->out[0];
    if (x->at_input[in->id] || x->at_output[out->id]) return true;
    return REFUSE(x, pass_view_inside, ir_type_text(x->a, in), ir_type_text(x->a, out));
}

static bool check_softmax(const struct check *x) {
    return x->at_output[x->n->out[0]->id] || REFUSE(x, pass_softmax_inside);
}

static bool check_dense(const struct check *x) {
    return REFUSE(x, pass_dense, ir_type_text(x->a, x->n->in[0]), ir_type_text(x->a, x->n->in[1]));
}

static bool check_batchnorm(const struct check *x) {
    enum { VAR = 4 };
    const struct ir_value *var = x->n->in[VAR];
    double epsilon = ir_attr_float(x->n, "epsilon");
    for (int64_t c = 0; ir_is_const(var) && c < ir_elements(var); c++)
        if (!(pass_const_at(var, c) + epsilon > 0))
            return REFUSE(x, pass_batchnorm_variance, var->name, (long long)c,
                          pass_const_at(var, c), epsilon);
    return REFUSE(x, pass_batchnorm_alone);
}
static bool check_activation(const struct check *x) {
    for (int i = 1; i < x->n->in_count; i++) {
        const struct ir_value *bound = x->n->in[i];
        if (bound == NULL) continue;
        if (!ir_is_const(bound) || ir_elements(bound) != 1 || isnan(pass_const_at(bound, 0)))
            return REFUSE(x, pass_bound, bound->name);
    }
    return REFUSE(x, pass_activation, ir_type_text(x->a, x->n->in[0]));
}
static bool check_function(const struct check *x) {
    return expect_image(x, x->n->in[0]);
}
static bool check_move(const struct check *x) {
    return REFUSE(x, pass_move, ir_type_text(x->a, x->n->in[0]), ir_type_text(x->a, x->n->out[0]));
}
static bool check_copy(const struct check *x) {
    return REFUSE(x, pass_copy_output);
}
static bool check_arithmetic(const struct check *x) {
    return REFUSE(x, pass_arithmetic);
}
static bool check_transpose(const struct check *x) {
    return REFUSE(x, pass_transpose, ir_type_text(x->a, x->n->in[0]),
                  ir_type_text(x->a, x->n->out[0]));
}
static bool check_none(const struct check *x) {
    return REFUSE(x, pass_unsupported);
}

static rule_fn *const rules[IR_OP_COUNT] = {
    [IR_OP_conv] = check_conv,       [IR_OP_add] = check_add,
    [IR_OP_maxpool] = check_pool,    [IR_OP_avgpool] = check_pool,
    [IR_OP_reshape] = check_view,    [IR_OP_flatten] = check_view,
    [IR_OP_squeeze] = check_view,    [IR_OP_unsqueeze] = check_view,
    [IR_OP_softmax] = check_softmax, [IR_OP_gemm] = check_dense,
    [IR_OP_matmul] = check_dense,    [IR_OP_batchnorm] = check_batchnorm,
    [IR_OP_relu] = check_activation, [IR_OP_clip] = check_activation,
    [IR_OP_slice] = check_move,      [IR_OP_pad] = check_move,
    [IR_OP_identity] = check_copy,   [IR_OP_concat] = check_concat,
    [IR_OP_mul] = check_arithmetic,  [IR_OP_div] = check_arithmetic,
    [IR_OP_sub] = check_arithmetic,  [IR_OP_transpose] = check_transpose,
    [IR_OP_interleave] = check_interleave,
};

static bool *views_from_inputs(const struct ir_graph *g, struct arena *a) {
    bool *at = arena_array(a, (size_t)g->value_count, sizeof *at);
    for (int i = 0; i < g->input_count; i++) at[g->inputs[i]->id] = true;
    for (const struct ir_node *n = g->first; n != NULL; n = n->next)
        if (pass_is_view(n->op) && at[n->in[0]->id]) at[n->out[0]->id] = true;
    return at;
}

/* True while every reader found so far, going backwards, is such a node itself or the network's
 * output. */
static bool *host_to_outputs(const struct ir_graph *g, struct arena *a) {
    bool *at = arena_array(a, (size_t)g->value_count, sizeof *at);
    for (int i = 0; i < g->value_count; i++) at[i] = true;
    for (const struct ir_node *n = g->last; n != NULL; n = n->prev) {
        bool host = (pass_is_view(n->op) || n->op == IR_OP_softmax) && at[n->out[0]->id];
        for (int i = 0; !host && i < n->in_count; i++)
            if (n->in[i] != NULL) at[n->in[i]->id] = false;
    }
    return at;
}

static bool has_device_node(const struct ir_graph *g) {
    for (const struct ir_node *n = g->first; n != NULL; n = n->next)
        if (!pass_is_view(n->op) && n->op != IR_OP_softmax) return true;
    return false;
}

static bool check_outputs(const struct check *x) {
    bool good = true;
    for (int i = 0; i < x->g->output_count; i++) {
        const struct ir_value *v = x->g->outputs[i];
        if (v->producer != NULL) continue;
        good = false;
        if (x->say) diag(x->g->ctx, pass_output_not_made, x->g->file, v->name);
    }
    if (!good || has_device_node(x->g)) return good;
    if (x->say) diag(x->g->ctx, pass_nothing, x->g->file, x->g->name);
    return false;
}

static bool reads_refused(const struct check *x) {
    for (int i = 0; i < x->n->in_count; i++)
        if (x->n->in[i] != NULL && x->refused[x->n->in[i]->id]) return true;
    return false;
}

static rule_fn *rule_of(enum ir_op op) {
    if (ir_is_function(op)) return check_function;
    return rules[op] != NULL ? rules[op] : check_none;
}

/* What a refused node makes is as wrong only where its type is: a wrong batch goes on and on. */
static bool check_node(const struct check *x) {
    const struct ir_value *out = x->n->out[0];
    bool good = !reads_refused(x) && rule_of(x->n->op)(x);
    if (!good && (out->rank != 4 || out->dims[0] != 1)) x->refused[out->id] = true;
    return good;
}

bool pass_legal(const struct ir_graph *g, bool say) {
    struct arena *scratch = arena_new(g->ctx);
    struct check x = {
        g, NULL, views_from_inputs(g, scratch), host_to_outputs(g, scratch), NULL, scratch, say};
    x.refused = arena_array(scratch, (size_t)g->value_count, sizeof *x.refused);
    bool good = check_outputs(&x);
    for (x.n = g->first; x.n != NULL; x.n = x.n->next) {
        if (ir_op_info(x.n->op)->level == IR_LEVEL_QUANT) continue;
        good = check_node(&x) && good;
    }
    arena_free(scratch);
    return good;
}
