/* Whether rounded weights still do what the network does: how far rounding moves what each
 * convolution makes, and a warning where many layers are moved far.
 *
 * The weight error does not tell: with 4-bit weights it is about 20 % in every network, whether its
 * answers survive or not. What tells is the error of a channel's output under the inputs that
 * rounding expects (descend.c), where errors of weights cancel or add up. Both bounds are measured,
 * on nine real networks: docs/quantization.md.
 */
#include "passes/quant/diag.h"
#include "passes/quant/quant.h"

#include <math.h>

#define FAR 17.0 /* percent */

enum { MANY = 8 };

/* x'·E[xx']·x, x being the taps of one output channel: see descend.c. */
static double cost(const struct quant_layer *l, const double *x) {
    double own = 0, blocks = 0, all = 0;
    for (int64_t from = 0; from < l->taps; from += l->area) {
        double block = 0;
        for (int64_t i = from; i < from + l->area; i++) {
            own += x[i] * x[i];
            block += x[i];
        }
        blocks += block * block;
        all += block;
    }
    return own + (l->area > 1 ? QUANT_SAME_CHANNEL * blocks : 0) + QUANT_ANY_CHANNEL * all * all;
}

static double level(const struct quant_conv *c, int64_t i) {
    if (!c->q[1]) return c->q[0][i];
    return ldexp(c->q[0][i], c->layer.levels->shift) + c->q[1][i];
}

double quant_conv_output_error(const struct quant_conv *c, struct arena *a) {
    const struct quant_layer *l = &c->layer;
    double *w = arena_array(a, (size_t)l->taps, sizeof *w);
    double *e = arena_array(a, (size_t)l->taps, sizeof *e);
    double error = 0, size = 0;
    for (int64_t o = 0; o < l->channels && !c->select; o++) {
        for (int64_t k = 0; k < l->taps; k++) {
            w[k] = l->weights[o * l->taps + k];
            e[k] = w[k] - ldexp(level(c, o * l->taps + k), c->channel[o].wexp);
        }
        if (c->channel[o].energy == 0) continue;
        error += cost(l, e);
        size += cost(l, w);
    }
    return size > 0 ? 100 * sqrt(error / size) : 0;
}

struct lost {
    int convs, far;
    const struct quant_conv *worst;
    double most; /* its error */
};

static void look_at(struct lost *all, const struct quant_conv *c, struct arena *a) {
    double error = quant_conv_output_error(c, a);
    all->convs += !c->select;
    all->far += error > FAR;
    if (error <= all->most) return;
    all->most = error;
    all->worst = c;
}

void quant_say_lost(const struct ir_graph *g, const struct quant_plan *p) {
    struct lost all = {0};
    for (const struct ir_node *n = g->first; n; n = n->next) {
        const struct quant_conv *c = n->op == IR_OP_conv ? quant_plan_conv(p, n) : NULL;
        struct arena *a = arena_new(g->ctx);
        if (c) look_at(&all, c, a);
        arena_free(a);
    }
    if (all.far < MANY || all.worst == NULL) return;
    const char *worst = all.worst->layer.node->name;
    double weight_error = quant_conv_weight_error(all.worst);
    bool help = p->options->terms != 2 && all.worst->layer.grid.kind == QUANT_POW2;
    if (help)
        diag(g->ctx, quant_lost, g->file, all.far, all.convs, FAR, worst, all.most, weight_error);
    else
        diag(g->ctx, quant_lost_bits, g->file, all.far, all.convs, FAR, worst, all.most,
             weight_error);
}
