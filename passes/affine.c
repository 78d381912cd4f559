/* Operators that are a scale and a shift per channel; how they go into the weights and the bias of
 * a convolution. */
#include "passes/internal.h"

#include <math.h>
#include <string.h>

enum { SCALE = 1, BIAS, MEAN, VAR };

static double *all_of(struct arena *a, int64_t n, double value) {
    double *to = arena_array(a, (size_t)n, sizeof *to);
    for (int64_t i = 0; i < n; i++) to[i] = value;
    return to;
}

/* factor = scale / sqrt(var + epsilon), shift = bias − mean·factor. */
static bool affine_of_batchnorm(struct arena *a, const struct ir_node *n, struct pass_affine *out) {
    double epsilon = ir_attr_float(n, "epsilon");
    if (ir_attr_int(n, "training_mode") != 0) return false;
    for (int i = SCALE; i <= VAR; i++)
        if (!ir_is_const(n->in[i])) return false;
    int64_t channels = ir_elements(n->in[VAR]);
    *out = (struct pass_affine){all_of(a, channels, 0), all_of(a, channels, 0)};
    for (int64_t c = 0; c < channels; c++) {
        double variance = pass_const_at(n->in[VAR], c) + epsilon;
        if (!(variance > 0)) return false;
        out->factor[c] = pass_const_at(n->in[SCALE], c) / sqrt(variance);
        out->shift[c] =
            pass_const_at(n->in[BIAS], c) - pass_const_at(n->in[MEAN], c) * out->factor[c];
    }
    return true;
}

/* n op constant, or constant op n; c: the constant per channel. */
static bool affine_of_constant(struct arena *a, const struct ir_node *n, int index, double *c,
                               int64_t channels, struct pass_affine *out) {
    bool difference = n->op == IR_OP_sub, quotient = n->op == IR_OP_div;
    if (quotient && index != 0) return false;
    for (int64_t i = 0; i < channels && quotient; i++) c[i] = 1 / c[i];
    for (int64_t i = 0; i < channels && difference && index == 0; i++) c[i] = -c[i];
    if (n->op == IR_OP_mul || quotient)
        *out = (struct pass_affine){c, NULL};
    else
        *out = (struct pass_affine){difference && index == 1 ? all_of(a, channels, -1) : NULL, c};
    return true;
}

static bool all_finite(const double *x, int64_t n) {
    for (int64_t i = 0; x != NULL && i < n; i++)
        if (!isfinite(x[i])) return false;
    return true;
}

static bool is_arithmetic(const struct ir_node *n) {
    return (n->op == IR_OP_add || n->op == IR_OP_sub || n->op == IR_OP_mul || n->op == IR_OP_div) &&
           n->in_count == 2;
}

bool pass_affine_of(struct arena *a, const struct ir_node *n, int *index, struct pass_affine *out) {
    *index = 0;
    if (n->op != IR_OP_batchnorm && !is_arithmetic(n)) return false;
    if (is_arithmetic(n) && ir_is_const(n->in[0])) *index = 1;
    const struct ir_value *x = n->in[*index];
    if (n->out_count != 1 || ir_is_const(x) || x->dtype != IR_F32 || x->rank != 4 ||
        !pass_same_shape(x, n->out[0]))
        return false;
    int64_t channels = x->dims[1];
    if (n->op == IR_OP_batchnorm) {
        if (!affine_of_batchnorm(a, n, out)) return false;
    } else {
        double *c = pass_per_channel(a, n->in[1 - *index], channels, 4);
        if (c == NULL || !affine_of_constant(a, n, *index, c, channels, out)) return false;
    }
    return all_finite(out->factor, channels) && all_finite(out->shift, channels);
}

struct ir_node *pass_affine_conv(const struct ir_graph *g, const struct ir_node *n, int index) {
    struct ir_node *conv = n->in[index]->producer;
    if (conv == NULL || conv->op != IR_OP_conv || ir_single_user(g, conv->out[0]) != n) return NULL;
    const struct ir_value *bias = ir_in(conv, 2);
    if (!ir_is_const(conv->in[1]) || (bias != NULL && !ir_is_const(bias))) return NULL;
    return strcmp(ir_attr_string(conv, "act"), "none") == 0 ? conv : NULL;
}

static void scale_weights(struct ir_graph *g, struct arena *a, struct ir_node *conv,
                          const double *factor) {
    const struct ir_value *w = conv->in[1];
    int64_t channels = w->dims[0], count = ir_elements(w);
    double *scaled = pass_const_copy(a, w);
    for (int64_t i = 0; i < count; i++) scaled[i] *= factor[i / (count / channels)];
    pass_const_replace(g, conv, 1, scaled);
}

static void set_bias(struct ir_graph *g, struct arena *a, struct ir_node *conv,
                     const double *factor, const double *shift) {
    int64_t channels = conv->in[1]->dims[0];
    const struct ir_value *old = ir_in(conv, 2);
    double *bias = arena_array(a, (size_t)channels, sizeof *bias);
    for (int64_t o = 0; o < channels; o++)
        bias[o] = (old == NULL ? 0 : pass_const_at(old, o)) * (factor == NULL ? 1 : factor[o]) +
                  (shift == NULL ? 0 : shift[o]);
    if (old != NULL) {
        pass_const_replace(g, conv, 2, bias);
        return;
    }
    const char *name = arena_printf(g->arena, "%s.bias", conv->out[0]->name);
    ir_set_input(g, conv, 2, pass_const_new(g, name, 1, &channels, bias));
}

void pass_affine_apply(struct ir_graph *g, struct ir_node *conv, const double *factor,
                       const double *shift) {
    struct arena *scratch = arena_new(g->ctx);
    if (factor != NULL) scale_weights(g, scratch, conv, factor);
    if (shift != NULL || ir_in(conv, 2) != NULL) set_bias(g, scratch, conv, factor, shift);
    ir_attr_remove(conv, "select"); /* no longer one that only moves pixels */
    arena_free(scratch);
}
