/* Part of pass legalize: chains of operators that only move elements, from one image to another,
 * become selecting convolutions (select=1: weights are 0 and 1), or several of them and an
 * interleave.
 *
 * What a chain does is found by running it on the numbers of its elements, not by its spelling:
 * Reshape, Transpose, Reshape is a channel shuffle, depth-to-space or nothing of use by what comes
 * out. An image can be selected from another one if each of its channels is one channel of the
 * other, moved and strided, with zeros where that reads padding; all channels share the strides. An
 * image that cannot may be woven of several that can: pixels y ≡ r, x ≡ c modulo some step.
 *
 * What is neither stays as it is. Chains of Slice and Pad alone are move.c's. */
#include "passes/internal.h"

#include <string.h>

enum {
    N,
    C,
    H,
    W,
    DIMS,
    MAX_KERNEL = 32,
    MAX_STRIDE = 15,
    MAX_STEP = 8,
    MAX_DEPTH = 32,
    FEW_CHANNELS = 8, /* where one convolution for all costs no more than one for each */
    MAX_ELEMENTS = 1 << 24,
    MAX_WEIGHTS = 1 << 26
};

/* ---- Chains ---------------------------------------------------------------------------------- */

static bool is_image(const struct ir_value *v) {
    return v->dtype == IR_F32 && v->rank == DIMS && v->dims[N] == 1 && !ir_is_const(v) &&
           ir_elements(v) > 0 && ir_elements(v) <= MAX_ELEMENTS;
}

static bool moves(enum ir_op op) {
    static const enum ir_op movers[] = {
        IR_OP_reshape,    IR_OP_flatten,  IR_OP_squeeze,      IR_OP_unsqueeze,   IR_OP_transpose,
        IR_OP_slice,      IR_OP_identity, IR_OP_pad,          IR_OP_gather,      IR_OP_concat,
        IR_OP_interleave, IR_OP_split,    IR_OP_depthtospace, IR_OP_spacetodepth};
    for (size_t i = 0; i < sizeof movers / sizeof *movers; i++)
        if (movers[i] == op) return true;
    return false;
}

static bool pads_zeros(const struct ir_node *n) {
    const struct ir_value *fill = ir_in(n, 2);
    return strcmp(ir_attr_string(n, "mode"), "constant") == 0 && ir_in(n, 3) == NULL &&
           (fill == NULL || (ir_is_const(fill) && pass_const_at(fill, 0) == 0));
}

/* How many of n's inputs, from the first on, are what it moves. */
static int moved_inputs(const struct ir_node *n) {
    return n->op == IR_OP_concat || n->op == IR_OP_interleave ? n->in_count : 1;
}

/* It is known what it moves where. Joining counts where it puts together what moves have taken
 * apart. */
static bool is_mover(const struct ir_node *n) {
    if (n == NULL || !moves(n->op) || (n->op == IR_OP_pad && !pads_zeros(n))) return false;
    int moved = moved_inputs(n);
    for (int i = 0; i < n->in_count; i++) {
        const struct ir_value *v = n->in[i];
        if (v == NULL) continue;
        if (i < moved ? ir_is_const(v) || v->dtype != IR_F32 : !ir_is_const(v)) return false;
        if (i < moved && moved > 1 && (v->producer == NULL || !moves(v->producer->op)))
            return false;
    }
    return true;
}

/* ---- What a chain does ----------------------------------------------------------------------- */

/* Of each value between base and the end of the chain, where its elements come from: 1 + the
 * number of an element of base, or 0 for a zero. */
struct trace {
    struct arena *arena;
    const struct ir_value *base;
    int32_t **known; /* by value id; NULL: not looked at yet */
};

static int32_t *identity(struct arena *a, const struct ir_value *v) {
    int64_t count = ir_elements(v);
    int32_t *map = arena_array(a, (size_t)count, sizeof *map);
    for (int64_t i = 0; i < count; i++) map[i] = (int32_t)(i + 1);
    return map;
}

static struct ir_value *as_numbers(struct arena *a, const struct ir_value *v, int id) {
    struct ir_value *copy = arena_copy(a, v, sizeof *v);
    copy->id = id;
    copy->dtype = IR_I32;
    copy->quant = (struct ir_quant){0};
    return copy;
}

/* Runs n on numbers, given those of its inputs. */
static bool run(struct trace *t, const struct ir_node *n, int32_t **inputs) {
    struct arena *a = t->arena;
    struct ir_node copy = *n;
    int moved = moved_inputs(n), count = n->in_count + n->out_count;
    if (n->op == IR_OP_pad && copy.in_count > 2) copy.in_count = 2; /* the numbers' zero is 0 */
    struct ir_tensor *values = arena_array(a, (size_t)count, sizeof *values);
    copy.in = arena_array(a, (size_t)n->in_count, sizeof *copy.in);
    copy.out = arena_array(a, (size_t)n->out_count, sizeof *copy.out);
    for (int i = 0; i < n->in_count; i++) {
        copy.in[i] = i < moved ? as_numbers(a, n->in[i], i) : n->in[i];
        if (i < moved) values[i].data = inputs[i];
    }
    for (int i = 0; i < n->out_count; i++) copy.out[i] = as_numbers(a, n->out[i], n->in_count + i);
    if (!ir_op_eval(a, &copy, values)) return false;
    for (int i = 0; i < n->out_count; i++) t->known[n->out[i]->id] = values[n->in_count + i].data;
    return true;
}

/* NULL: v does not come from base by moves alone. NOLINTNEXTLINE(misc-no-recursion) */
static int32_t *map_of(struct trace *t, const struct ir_value *v, int depth) {
    if (t->known[v->id] != NULL) return t->known[v->id];
    if (v == t->base) return t->known[v->id] = identity(t->arena, v);
    const struct ir_node *n = v->producer;
    if (depth > MAX_DEPTH || !is_mover(n) || ir_elements(v) > MAX_ELEMENTS) return NULL;
    int32_t **inputs = arena_array(t->arena, (size_t)n->in_count, sizeof *inputs);
    for (int i = 0; i < moved_inputs(n); i++)
        if ((inputs[i] = map_of(t, n->in[i], depth + 1)) == NULL) return NULL;
    return run(t, n, inputs) ? t->known[v->id] : NULL;
}

/* ---- What a convolution can select ----------------------------------------------------------- */

/* Every `step`-th row and column, from `at` on, of a whole image with so many rows and columns;
 * numbers are of an image `from`. */
struct picture {
    const int32_t *map;
    int64_t whole[2], step[2], at[2];
    int64_t channels, size[2];
    const struct ir_value *from;
};

struct place {
    int64_t channel, at[2]; /* channel −1: a zero */
};

static struct place place_at(const struct picture *p, int64_t o, int64_t y, int64_t x) {
    int64_t row = p->at[0] + y * p->step[0], col = p->at[1] + x * p->step[1];
    int64_t i = (int64_t)p->map[(o * p->whole[0] + row) * p->whole[1] + col] - 1;
    int64_t width = p->from->dims[W], plane = p->from->dims[H] * width;
    if (i < 0) return (struct place){-1, {0, 0}};
    return (struct place){i / plane, {i / width % p->from->dims[H], i % width}};
}

/* Output channel o at (y, x) is input channel channel[o] at (y·stride + offset[0][o], …). */
struct selection {
    int64_t stride[2], *channel, *offset[2];
    int64_t kernel[2], before[2], after[2];
};

/* The stride along an axis: from the first two neighbours that are both no zeros; 1 if there are
 * none. */
static int64_t stride_of(const struct picture *p, int axis) {
    const int64_t next[2] = {axis == 0, axis == 1};
    for (int64_t o = 0; o < p->channels; o++)
        for (int64_t y = 0; y + next[0] < p->size[0]; y++)
            for (int64_t x = 0; x + next[1] < p->size[1]; x++) {
                struct place a = place_at(p, o, y, x), b = place_at(p, o, y + next[0], x + next[1]);
                if (a.channel >= 0 && b.channel >= 0) return b.at[axis] - a.at[axis];
            }
    return 1;
}

static void find_channel(const struct picture *p, struct selection *s, int64_t o) {
    s->channel[o] = -1;
    for (int64_t y = 0; y < p->size[0] && s->channel[o] < 0; y++)
        for (int64_t x = 0; x < p->size[1] && s->channel[o] < 0; x++) {
            struct place a = place_at(p, o, y, x);
            s->channel[o] = a.channel;
            s->offset[0][o] = a.at[0] - y * s->stride[0];
            s->offset[1][o] = a.at[1] - x * s->stride[1];
        }
}

static bool is_channel(const struct picture *p, const struct selection *s, int64_t o) {
    for (int64_t y = 0; y < p->size[0]; y++)
        for (int64_t x = 0; x < p->size[1]; x++) {
            struct place a = place_at(p, o, y, x);
            int64_t row = y * s->stride[0] + s->offset[0][o];
            int64_t col = x * s->stride[1] + s->offset[1][o];
            bool inside = s->channel[o] >= 0 && row >= 0 && row < p->from->dims[H] && col >= 0 &&
                          col < p->from->dims[W];
            if (!inside && a.channel < 0) continue;
            if (!inside || a.channel != s->channel[o] || a.at[0] != row || a.at[1] != col)
                return false;
        }
    return true;
}

/* Kernel and padding along an axis that make exactly as many windows as there are pixels. */
static bool find_window(const struct picture *p, struct selection *s, int axis) {
    int64_t low = 0, high = 0, in = p->from->dims[H + axis];
    for (int64_t o = 0; o < p->channels; o++) {
        if (s->channel[o] < 0) continue;
        int64_t d = s->offset[axis][o];
        low = d < low ? d : low;
        high = d > high ? d : high;
    }
    s->before[axis] = -low;
    s->kernel[axis] = high - low + 1;
    int64_t reach = (p->size[axis] - 1) * s->stride[axis] + s->kernel[axis];
    int64_t missing = reach - in - s->before[axis];
    s->after[axis] = missing > 0 ? missing : 0;
    if (-missing >= s->stride[axis])
        s->kernel[axis] = in + s->before[axis] - p->size[axis] * s->stride[axis] + 1;
    return s->kernel[axis] <= MAX_KERNEL && s->before[axis] < MAX_KERNEL &&
           s->after[axis] < MAX_KERNEL;
}

static bool is_weight_count(const struct picture *p, const struct selection *s) {
    int64_t plane = s->kernel[0] * s->kernel[1], in = p->from->dims[C];
    return p->channels <= MAX_WEIGHTS / in && p->channels * in <= MAX_WEIGHTS / plane;
}

static bool can_select(struct arena *a, const struct picture *p, struct selection *s) {
    size_t channels = (size_t)p->channels;
    s->channel = arena_array(a, channels, sizeof *s->channel);
    for (int axis = 0; axis < 2; axis++) {
        s->offset[axis] = arena_array(a, channels, sizeof *s->offset[axis]);
        s->stride[axis] = stride_of(p, axis);
        if (s->stride[axis] < 1 || s->stride[axis] > MAX_STRIDE) return false;
    }
    bool any = false;
    for (int64_t o = 0; o < p->channels; o++) {
        find_channel(p, s, o);
        if (!is_channel(p, s, o)) return false;
        any = any || s->channel[o] >= 0;
    }
    return any && find_window(p, s, 0) && find_window(p, s, 1) && is_weight_count(p, s);
}

/* ---- Writing it down ------------------------------------------------------------------------- */

/* Each channel is that of the input: one filter per channel. */
static bool is_depthwise(const struct picture *p, const struct selection *s) {
    bool same = p->channels == p->from->dims[C] && p->channels > FEW_CHANNELS;
    for (int64_t o = 0; same && o < p->channels; o++) same = s->channel[o] == o;
    return same;
}

static bool is_nothing(const struct picture *p, const struct selection *s) {
    bool same = p->channels == p->from->dims[C] && s->kernel[0] * s->kernel[1] == 1 &&
                s->stride[0] * s->stride[1] == 1;
    for (int d = 0; d < 2; d++) same = same && p->size[d] == p->from->dims[H + d];
    for (int64_t o = 0; same && o < p->channels; o++) same = s->channel[o] == o;
    return same;
}

static struct ir_value *weights_of(struct ir_graph *g, const char *name, const struct picture *p,
                                   const struct selection *s, bool depthwise) {
    int64_t ins = depthwise ? 1 : p->from->dims[C];
    int64_t dims[] = {p->channels, ins, s->kernel[0], s->kernel[1]};
    struct arena *scratch = arena_new(g->ctx);
    double *w = arena_array(scratch, (size_t)(dims[0] * dims[1] * dims[2] * dims[3]), sizeof *w);
    for (int64_t o = 0; o < p->channels; o++) {
        if (s->channel[o] < 0) continue;
        int64_t y = s->offset[0][o] + s->before[0], x = s->offset[1][o] + s->before[1];
        int64_t channel = depthwise ? 0 : s->channel[o];
        w[((o * ins + channel) * s->kernel[0] + y) * s->kernel[1] + x] = 1;
    }
    struct ir_value *v = pass_const_new(g, arena_printf(g->arena, "%s.select", name), 4, dims, w);
    arena_free(scratch);
    return v;
}

/* before: the node it stands before; y: what it makes. */
static void emit_selection(struct ir_graph *g, struct ir_node *before, const struct picture *p,
                           const struct selection *s, struct ir_value *y) {
    bool depthwise = is_depthwise(p, s);
    struct ir_value *in[] = {(struct ir_value *)p->from, weights_of(g, y->name, p, s, depthwise)};
    struct ir_node *conv = ir_node_new(g, before, IR_OP_conv, before->name, in, 2, &y, 1);
    int64_t pads[] = {s->before[0], s->before[1], s->after[0], s->after[1]};
    ir_set_ints(g, conv, "pads", pads, 4);
    ir_set_ints(g, conv, "strides", s->stride, 2);
    if (depthwise) ir_set_int(g, conv, "group", p->channels);
    ir_set_int(g, conv, "select", 1);
}

/* What the selection makes; may_be_same: that may be a value that is there already. */
static struct ir_value *selected(struct ir_graph *g, struct ir_node *before,
                                 const struct picture *p, const struct selection *s,
                                 bool may_be_same, const char *wanted) {
    if (may_be_same && is_nothing(p, s)) return (struct ir_value *)p->from;
    int64_t dims[] = {1, p->channels, p->size[0], p->size[1]};
    struct ir_value *v = ir_value_new(g, ir_unique_name(g, wanted), IR_F32, DIMS, dims);
    emit_selection(g, before, p, s, v);
    return v;
}

/* Whoever reads v reads `by`, which gets its name; what made v keeps a value nobody reads. */
static void take_over(struct ir_graph *g, struct ir_value *v, struct ir_value *by) {
    const char *name = v->name;
    ir_replace_uses(g, v, by);
    ir_value_rename(g, v, ir_unique_name(g, arena_printf(g->arena, "%s.moved", name)));
    ir_value_rename(g, by, name);
}

struct weave {
    struct picture picture[MAX_STEP * MAX_STEP];
    struct selection selection[MAX_STEP * MAX_STEP];
    int64_t step[2];
};

/* Pixels stay where they are. Otherwise anything small could be woven of single pixels. */
static bool takes_channels_only(const struct selection *s) {
    return s->kernel[0] * s->kernel[1] == 1 && s->stride[0] * s->stride[1] == 1;
}

static bool can_weave(struct arena *a, const struct picture *whole, struct weave *w) {
    int64_t count = w->step[0] * w->step[1];
    for (int64_t i = 0; i < count; i++) {
        struct picture *p = &w->picture[i];
        *p = *whole;
        for (int d = 0; d < 2; d++) {
            p->step[d] = w->step[d];
            p->at[d] = d == 0 ? i / w->step[1] : i % w->step[1];
            p->size[d] = (whole->whole[d] - p->at[d] + w->step[d] - 1) / w->step[d];
            if (p->size[d] < 1) return false;
        }
        if (!can_select(a, p, &w->selection[i])) return false;
        if (count > 1 && !takes_channels_only(&w->selection[i])) return false;
    }
    return true;
}

/* The least product of steps first; the first one is the image itself. */
static bool find_weave(struct arena *a, const struct picture *p, struct weave *w) {
    for (int64_t product = 1; product <= MAX_STEP * MAX_STEP; product++)
        for (w->step[0] = 1; w->step[0] <= MAX_STEP; w->step[0]++) {
            w->step[1] = product / w->step[0];
            if (w->step[0] * w->step[1] != product || w->step[1] > MAX_STEP) continue;
            if (can_weave(a, p, w)) return true;
        }
    return false;
}

/* Whoever reads v reads x, which is the same. Inputs and outputs of the network have names of their
 * own to keep: there v stays. */
static void read_instead(struct ir_graph *g, struct ir_value *v, struct ir_value *x) {
    if (v->output_count == 0) {
        ir_replace_uses(g, v, x);
    } else if (x->producer != NULL && x->output_count == 0) {
        take_over(g, v, x);
    } else {
        for (struct ir_use *u = v->uses, *next; u != NULL; u = next) {
            next = u->next;
            ir_set_input(g, u->node, u->index, x);
        }
    }
}

static void emit_weave(struct ir_graph *g, struct ir_value *v, const struct weave *w) {
    struct ir_node *before = v->producer;
    int count = (int)(w->step[0] * w->step[1]);
    struct ir_value *parts[MAX_STEP * MAX_STEP];
    if (count == 1 && is_nothing(w->picture, w->selection)) {
        read_instead(g, v, (struct ir_value *)w->picture[0].from);
        return;
    }
    for (int i = 0; i < count; i++)
        parts[i] = selected(g, before, &w->picture[i], &w->selection[i], count > 1,
                            arena_printf(g->arena, "%s.part", v->name));
    if (count > 1) {
        struct ir_value *y = ir_value_new(g, ir_unique_name(g, v->name), IR_F32, v->rank, v->dims);
        struct ir_node *n =
            ir_node_new(g, before, IR_OP_interleave, before->name, parts, count, &y, 1);
        ir_set_ints(g, n, "step", w->step, 2);
        parts[0] = y;
    }
    take_over(g, v, parts[0]);
}

/* ---- Which images ---------------------------------------------------------------------------- */

/* Made by movers, of which one is more than Slice or Pad. */
static bool is_made_by_moves(const struct ir_value *v) {
    for (int depth = 0; is_mover(v->producer) && depth < MAX_DEPTH; depth++) {
        enum ir_op op = v->producer->op;
        if (op != IR_OP_slice && op != IR_OP_pad && op != IR_OP_interleave) return true;
        v = v->producer->in[0];
    }
    return false;
}

static bool is_read_by_moves_alone(const struct ir_value *v) {
    if (v->output_count > 0) return false;
    for (const struct ir_use *u = v->uses; u != NULL; u = u->next)
        if (!is_mover(u->node)) return false;
    return v->uses != NULL;
}

/* Tries the images before v, the farthest first. */
static bool rearrange(struct ir_graph *g, struct ir_value *v) {
    struct ir_value *bases[MAX_DEPTH];
    int count = 0;
    bool done = false;
    for (const struct ir_value *x = v; is_mover(x->producer) && count < MAX_DEPTH;) {
        x = x->producer->in[0];
        if (is_image(x)) bases[count++] = (struct ir_value *)x;
    }
    while (!done && count-- > 0) {
        struct arena *scratch = arena_new(g->ctx);
        struct trace t = {.arena = scratch, .base = bases[count]};
        t.known = arena_array(scratch, (size_t)g->value_count, sizeof *t.known);
        struct picture p = {.from = bases[count],
                            .whole = {v->dims[H], v->dims[W]},
                            .step = {1, 1},
                            .channels = v->dims[C],
                            .size = {v->dims[H], v->dims[W]}};
        struct weave *w = arena_alloc(scratch, sizeof *w);
        p.map = map_of(&t, v, 0);
        done = p.map != NULL && find_weave(scratch, &p, w);
        if (done) emit_weave(g, v, w);
        arena_free(scratch);
    }
    return done;
}

static bool round_of(struct ir_graph *g, bool all) {
    bool changed = false;
    for (struct ir_node *n = g->last, *prev; n != NULL; n = prev) {
        prev = n->prev;
        for (int i = 0; is_mover(n) && i < n->out_count; i++) {
            struct ir_value *v = n->out[i];
            if (v == NULL || !is_image(v) || !is_made_by_moves(v)) continue;
            if (!v->uses && v->output_count == 0) continue;
            if (all || !is_read_by_moves_alone(v)) changed = rearrange(g, v) || changed;
        }
    }
    if (changed) pass_sweep(g);
    return changed;
}

/* First the ends of chains, then what of the rest can be done. */
void pass_rearrange(struct ir_graph *g) {
    round_of(g, false);
    round_of(g, true);
}
