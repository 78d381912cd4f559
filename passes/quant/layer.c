/* One convolution's integers: rounded weights, exponents, biases and shifts that keep every rule of
 * docs/numbers.md. */
#include "passes/quant/diag.h"
#include "passes/quant/quant.h"

#include "base/progress.h"

#include <math.h>
#include <string.h>

#define LOSS_TO_WARN_OF 0.1 /* points of weight error, in percent */

enum {
    SHIFT_MAX = 31,
    SHIFT_CHANNELS = 64, /* at most so many, evenly spread, choose the shift between two terms */
    EMPTY_SHIFT =
        15 /* of a channel without weights: fine enough for its bias, which then surely fits */
};

static bool all_finite(const float *x, int64_t count) {
    for (int64_t i = 0; x && i < count; i++)
        if (!isfinite(x[i])) return false;
    return true;
}

static bool check_values(struct ctx *ctx, const struct quant_conv *c) {
    const struct quant_layer *l = &c->layer;
    for (int64_t o = 0; o < l->channels; o++) {
        if (all_finite(l->weights + o * l->taps, l->taps) && (!c->bias || isfinite(c->bias[o])))
            continue;
        diag(ctx, quant_weight_value, ir_node_where(arena_new(ctx), l->node), (long long)o);
        return false;
    }
    for (int64_t i = 0; c->select && i < l->channels * l->taps; i++) {
        if (l->weights[i] == 0 || l->weights[i] == 1) continue;
        diag(ctx, quant_select_weights, ir_node_where(arena_new(ctx), l->node),
             (double)l->weights[i]);
        return false;
    }
    return true;
}

static void round_channel(const struct quant_plan *p, struct quant_conv *c, int64_t o, int least) {
    int64_t first = o * c->layer.taps;
    int16_t *const q[2] = {c->q[0] + first, c->q[1] ? c->q[1] + first : NULL};
    p->rounder->round(&c->layer, o, least, q, &c->channel[o]);
}

/* Of two terms: the shift of least weight error, each weight at its nearest level, over some
 * channels of the layer; a tie takes the smaller shift, whose sums are smaller. */
static void choose_levels(const struct quant_plan *p, struct quant_conv *c) {
    const struct quant_levels *best = NULL;
    double least = INFINITY;
    int64_t step = (c->layer.channels + SHIFT_CHANNELS - 1) / SHIFT_CHANNELS;
    for (int d = 0; d <= QUANT_TERM_SHIFT_MAX; d++) {
        double error = 0;
        c->layer.levels = p->levels[d];
        for (int64_t o = 0; o < c->layer.channels && error <= least; o += step)
            error += quant_nearest_error(&c->layer, o);
        if (best && error >= least) continue;
        least = error;
        best = p->levels[d];
    }
    c->layer.levels = best;
}

/* ---- all layers, on several threads: no channel depends on another ---- */

struct rounding {
    const struct quant_plan *plan;
    struct quant_conv **convs;
    int count;
    struct progress *progress; /* of weights */
};

static void choose_part(void *user, int first, int step) {
    const struct rounding *r = user;
    for (int i = first; i < r->count; i += step) {
        if (r->convs[i]->q[1]) choose_levels(r->plan, r->convs[i]);
        progress_step(r->progress, 0);
    }
}

static void select_channel(struct quant_conv *c, int64_t o) {
    for (int64_t i = o * c->layer.taps; i < (o + 1) * c->layer.taps; i++)
        c->q[0][i] = (int16_t)c->layer.weights[i];
}

static void round_part(void *user, int first, int step) {
    const struct rounding *r = user;
    for (int i = 0; i < r->count; i++) {
        struct quant_conv *c = r->convs[i];
        for (int64_t o = first; o < c->layer.channels; o += step) {
            if (c->select)
                select_channel(c, o);
            else
                round_channel(r->plan, c, o, INT16_MIN);
            c->wanted[o] = c->channel[o];
            progress_step(r->progress, (long)c->layer.taps);
        }
    }
}

static void round_all(const struct quant_plan *p, int values) {
    struct rounding r = {.plan = p};
    int64_t weights = 0;
    r.convs = arena_array(p->arena, (size_t)values, sizeof(struct quant_conv *));
    for (int i = 0; i < values; i++) {
        if (!p->conv[i]) continue;
        r.convs[r.count++] = p->conv[i];
        weights += p->conv[i]->layer.channels * p->conv[i]->layer.taps;
    }
    r.progress = progress_begin(arena_ctx(p->arena), p->arena, "rounding weights", (long)weights);
    if (p->levels[0]) quant_share(p->arena, p->options->threads, choose_part, &r);
    quant_share(p->arena, p->options->threads, round_part, &r);
    progress_end(r.progress);
}

static struct quant_conv *conv_new(struct ctx *ctx, const struct quant_plan *p,
                                   const struct ir_node *n) {
    struct arena *a = p->arena;
    struct quant_conv *c = arena_alloc(a, sizeof *c);
    struct quant_layer *l = &c->layer;
    size_t channels = (size_t)n->in[1]->dims[0];
    l->node = n;
    l->grid.kind = p->options->target->element == SVPE_ELEMENT_SHIFT ? QUANT_POW2 : QUANT_LINEAR;
    l->grid.bits = p->options->weight_bits;
    l->weights = n->in[1]->data;
    l->channels = n->in[1]->dims[0];
    l->taps = ir_elements(n->in[1]) / l->channels;
    l->area = n->in[1]->dims[2] * n->in[1]->dims[3];
    c->select = ir_attr_int(n, "select") == 1;
    c->bias = ir_in(n, 2) ? n->in[2]->data : NULL;
    if (!check_values(ctx, c)) return NULL;
    int terms = p->levels[0] && !c->select ? 2 : 1;
    for (int t = 0; t < terms; t++)
        c->q[t] = arena_array(p->kept, channels * (size_t)l->taps, sizeof *c->q[t]);
    c->channel = arena_array(a, channels, sizeof *c->channel);
    c->wanted = arena_array(a, channels, sizeof *c->wanted);
    c->wexp = arena_array(p->kept, channels, sizeof *c->wexp);
    c->bias_q = arena_array(p->kept, channels, sizeof *c->bias_q);
    c->shift = arena_array(p->kept, channels, sizeof *c->shift);
    return c;
}

struct quant_conv *quant_plan_conv(const struct quant_plan *p, const struct ir_node *n) {
    return p->conv[n->out[0]->id];
}

static bool is_empty(const struct quant_conv *c, int64_t o) {
    return !c->select && c->channel[o].energy == 0;
}

struct sums {
    int64_t w, size; /* Σ w, Σ |w| */
};

static struct sums term_sums(const struct quant_conv *c, int64_t o, const int16_t *q) {
    struct sums s = {0, 0};
    for (int64_t i = o * c->layer.taps; i < (o + 1) * c->layer.taps; i++) {
        s.w += q[i];
        s.size += q[i] < 0 ? -q[i] : q[i];
    }
    return s;
}

static struct sums sums_of(const struct quant_conv *c, int64_t o) {
    struct sums s = term_sums(c, o, c->q[0]);
    if (!c->q[1]) return s;
    struct sums second = term_sums(c, o, c->q[1]);
    int64_t unit = (int64_t)1 << c->layer.levels->shift;
    return (struct sums){s.w * unit + second.w, s.size * unit + second.size};
}

/* docs/numbers.md: bias, shift and overflow proof of one channel. Sets bias_q where it fits. */
static bool channel_fits(const struct quant_plan *p, struct quant_conv *c, int64_t o) {
    struct ir_quant x = c->layer.node->in[0]->quant, y = c->layer.node->out[0]->quant;
    struct sums s = sums_of(c, o);
    int wexp = c->channel[o].wexp, shift = y.exp - x.exp - wexp;
    double real = c->bias ? (double)c->bias[o] : 0;
    double bias = rint(ldexp(real, -x.exp - wexp)) - (double)x.zero * (double)s.w;
    if (shift > SHIFT_MAX || bias < INT32_MIN || bias > INT32_MAX) return false;
    int64_t most = (int64_t)1 << (p->options->target->acc_bits - 1);
    int64_t size = (s.size << (x.bits - 1)) + (int64_t)fabs(bias);
    if (shift > 0) size += (int64_t)1 << (shift - 1);
    c->bias_q[o] = (int32_t)bias;
    return size < most;
}

void quant_conv_fit(struct quant_plan *p, struct quant_conv *c) {
    const struct ir_node *n = c->layer.node;
    int empty = n->out[0]->quant.exp - n->in[0]->quant.exp - EMPTY_SHIFT;
    for (int64_t o = 0; o < c->layer.channels; o++) {
        if (is_empty(c, o)) c->channel[o].wexp = empty;
        while (!channel_fits(p, c, o) && !c->select) round_channel(p, c, o, c->channel[o].wexp + 1);
    }
}

int quant_conv_need(const struct quant_conv *c) {
    int need = INT16_MIN;
    for (int64_t o = 0; o < c->layer.channels; o++) {
        int exp = c->layer.node->in[0]->quant.exp + c->channel[o].wexp;
        need = exp > need ? exp : need;
    }
    return need;
}

/* Root of the error's share in the energy of all weights, in percent. */
static double weight_error(const struct quant_conv *c, const struct quant_channel *as) {
    double error = 0, energy = 0;
    for (int64_t o = 0; o < c->layer.channels; o++) {
        error += as[o].error;
        energy += as[o].energy;
    }
    return energy > 0 ? 100 * sqrt(error / energy) : 0;
}

double quant_conv_weight_error(const struct quant_conv *c) {
    return weight_error(c, c->channel);
}

static void say_raised(struct quant_plan *p, const struct quant_conv *c, int count, int most) {
    struct ctx *ctx = arena_ctx(p->arena);
    const char *where = ir_node_where(p->arena, c->layer.node);
    long long channels = c->layer.channels, acc_bits = p->options->target->acc_bits;
    double before = weight_error(c, c->wanted), after = weight_error(c, c->channel);
    if (count && after - before >= LOSS_TO_WARN_OF) {
        diag(ctx, quant_channels_raised, where, count, channels, most, acc_bits, before, after);
    } else if (count) {
        p->moved_channels += count;
        p->moved_layers++;
    }
}

void quant_conv_finish(struct quant_plan *p, struct quant_conv *c) {
    const struct ir_node *n = c->layer.node;
    int most = 0, raised = 0;
    for (int64_t o = 0; o < c->layer.channels; o++) {
        int up = is_empty(c, o) ? 0 : c->channel[o].wexp - c->wanted[o].wexp;
        raised += up > 0;
        most = up > most ? up : most;
        c->wexp[o] = c->channel[o].wexp;
        c->shift[o] = n->out[0]->quant.exp - n->in[0]->quant.exp - c->wexp[o];
    }
    say_raised(p, c, raised, most);
}

void quant_plan_finish(const struct quant_plan *p) {
    if (p->moved_layers)
        diag(arena_ctx(p->arena), quant_channels_moved, NULL, p->moved_channels, p->moved_layers,
             (long long)p->options->target->acc_bits, LOSS_TO_WARN_OF);
}

/* Codes of one bit are never 0, so that raising a channel's scale does not make its sum smaller:
 * what would not fit at any scale is refused, with the zero point's share at its largest. */
static bool check_sum(const struct quant_plan *p, const struct quant_conv *c) {
    const struct svpe_target *t = p->options->target;
    int64_t most = (int64_t)1 << (t->acc_bits - 1), tap = 1;
    if (c->select || c->layer.grid.kind != QUANT_POW2 || c->layer.grid.bits > 1) return true;
    if (c->q[1]) tap += (int64_t)1 << c->layer.levels->shift;
    if (c->layer.taps < (most >> p->options->act_bits) / tap) return true;
    diag(arena_ctx(p->arena), quant_sum, ir_node_where(p->arena, c->layer.node),
         (long long)c->layer.taps, (long long)((most >> p->options->act_bits) / tap), t->name,
         (long long)t->acc_bits);
    return false;
}

struct quant_plan *quant_plan_new(struct ir_graph *g, struct arena *a,
                                  const struct pass_options *o) {
    struct quant_plan *p = arena_alloc(a, sizeof *p);
    p->arena = a;
    p->kept = g->arena;
    p->options = o;
    p->rounder = quant_rounder_at((int)o->rounding);
    p->conv = arena_array(a, (size_t)g->value_count, sizeof(struct quant_conv *));
    const struct quant_grid grid = {QUANT_POW2, o->weight_bits};
    for (int d = 0; o->terms == 2 && d <= QUANT_TERM_SHIFT_MAX; d++)
        p->levels[d] = quant_levels_new(a, &grid, d);
    bool good = true;
    for (const struct ir_node *n = g->first; n; n = n->next) {
        if (!quant_convertible(n) || n->op != IR_OP_conv) continue;
        struct quant_conv *c = conv_new(g->ctx, p, n);
        good &= c != NULL;
        p->conv[n->out[0]->id] = c;
    }
    if (good) round_all(p, g->value_count);
    for (int i = 0; good && i < g->value_count; i++)
        if (p->conv[i]) good = check_sum(p, p->conv[i]);
    return good ? p : NULL;
}
