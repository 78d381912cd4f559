/* Part of pass legalize: values that only move become convolutions with select=1, whose weights
 * are 0 and 1.
 *
 * A chain of Slice and Pad (by zeros) takes, along each dimension, output i from input start +
 * step·i, and zero outside of a range of i. Along channels that is a matrix of zeros and ones;
 * along height and width it is a stride, padding, and a kernel with a single one in it. Exact,
 * or not done: zeros asked for where the convolution would read a pixel, negative steps and
 * padding by anything else stay as they are. */
#include "passes/internal.h"

#include <string.h>

enum { N, C, H, W, DIMS, MAX_KERNEL = 32, MAX_CHAIN = 16, MAX_WEIGHTS = 1 << 26 };

struct axis {
    int64_t in, out;     /* sizes of the chain's input and output */
    int64_t start, step; /* output i is input start + step·i … */
    int64_t first, end;  /* … for first ≤ i < end, and zero for the others */
};

static int64_t clamp(int64_t x, int64_t lo, int64_t hi) {
    return x < lo ? lo : x > hi ? hi : x;
}

static int64_t ceil_div(int64_t a, int64_t b) {
    return a > 0 ? (a + b - 1) / b : -(-a / b);
}

static void then_slice(struct axis *x, int64_t start, int64_t step, int64_t count) {
    x->first = clamp(ceil_div(x->first - start, step), 0, count);
    x->end = clamp(ceil_div(x->end - start, step), 0, count);
    x->start += x->step * start;
    x->step *= step;
    x->out = count;
}

static void then_pad(struct axis *x, int64_t before, int64_t after) {
    x->out += before + after;
    x->first = clamp(x->first + before, 0, x->out);
    x->end = clamp(x->end + before, 0, x->out);
    x->start -= x->step * before;
}

static bool add_slice(struct axis *axes, const struct ir_node *n) {
    int64_t starts[DIMS], dims[DIMS] = {N, C, H, W}, steps[DIMS] = {1, 1, 1, 1};
    int count, dim_count, step_count;
    if (!pass_const_ints(ir_in(n, 1), starts, DIMS, &count)) return false;
    if (ir_in(n, 3) != NULL && !pass_const_ints(n->in[3], dims, DIMS, &dim_count)) return false;
    if (ir_in(n, 4) != NULL && !pass_const_ints(n->in[4], steps, DIMS, &step_count)) return false;
    for (int i = 0; i < count; i++) {
        int64_t d = dims[i] < 0 ? dims[i] + DIMS : dims[i], size = n->in[0]->dims[d];
        if (steps[i] <= 0 || steps[i] > MAX_KERNEL) return false;
        int64_t start = clamp(starts[i] < 0 ? starts[i] + size : starts[i], 0, size);
        then_slice(&axes[d], start, steps[i], n->out[0]->dims[d]);
        if (axes[d].step > MAX_KERNEL) return false;
    }
    return true;
}

static bool add_pad(struct axis *axes, const struct ir_node *n) {
    int64_t pads[2 * DIMS];
    int count;
    const struct ir_value *fill = ir_in(n, 2);
    if (strcmp(ir_attr_string(n, "mode"), "constant") != 0 || ir_in(n, 3) != NULL) return false;
    if (fill != NULL && (!ir_is_const(fill) || pass_const_at(fill, 0) != 0)) return false;
    if (!pass_const_ints(ir_in(n, 1), pads, 2 * DIMS, &count) || count != 2 * DIMS) return false;
    for (int d = 0; d < DIMS; d++) then_pad(&axes[d], pads[d], pads[DIMS + d]);
    return axes[H].out > 0 && axes[W].out > 0;
}

static bool is_mover(const struct ir_node *n) {
    return n != NULL && (n->op == IR_OP_slice || n->op == IR_OP_pad) && n->in[0]->rank == DIMS &&
           n->in[0]->dtype == IR_F32 && !ir_is_const(n->in[0]);
}

struct chain {
    struct ir_node *nodes[MAX_CHAIN]; /* from the last one back */
    int count;
};

/* n and the movers before it, as far as each makes its value for the next alone. */
static struct chain chain_of(const struct ir_graph *g, struct ir_node *n) {
    struct chain c = {{n}, 1};
    for (struct ir_node *p = n->in[0]->producer; is_mover(p) && c.count < MAX_CHAIN;) {
        if (ir_single_user(g, p->out[0]) != c.nodes[c.count - 1]) break;
        c.nodes[c.count++] = p;
        p = p->in[0]->producer;
    }
    return c;
}

/* The axes of the last `count` nodes of the chain together. False: one of them is no plain move. */
static bool chain_axes(const struct chain *c, int count, struct axis *axes) {
    for (int d = 0; d < DIMS; d++) {
        int64_t size = c->nodes[count - 1]->in[0]->dims[d];
        axes[d] = (struct axis){.in = size, .out = size, .step = 1, .end = size};
    }
    for (int i = count; i-- > 0;) {
        const struct ir_node *n = c->nodes[i];
        if (!(n->op == IR_OP_slice ? add_slice(axes, n) : add_pad(axes, n))) return false;
    }
    return axes[N].in == 1 && axes[N].out == 1 && axes[N].start == 0;
}

struct tap { /* one spatial dimension of the convolution */
    int64_t kernel, at, before, after;
};

/* The kernel has its one at `at`; it is long enough that no window too many fits. False: not
 * exact. */
static bool tap_of(const struct axis *x, struct tap *t) {
    if (x->first >= x->end) return false;
    if (x->first > 0 && x->start + x->step * (x->first - 1) >= 0) return false;
    if (x->end < x->out && x->start + x->step * x->end < x->in) return false;
    t->before = x->start < 0 ? -x->start : 0;
    t->at = x->start < 0 ? 0 : x->start;
    t->kernel = t->at + 1;
    int64_t missing = (x->out - 1) * x->step + t->kernel - x->in - t->before;
    t->after = missing > 0 ? missing : 0;
    if (-missing >= x->step) t->kernel = x->in + t->before - x->out * x->step + 1;
    return t->kernel <= MAX_KERNEL;
}

static bool is_weight_count(int64_t out, int64_t in, int64_t plane) {
    return out > 0 && in > 0 && out <= MAX_WEIGHTS / in && out * in <= MAX_WEIGHTS / plane;
}

/* What the convolution has to do for a chain. */
struct move {
    struct ir_value *in; /* NULL: no convolution can */
    struct axis channels;
    struct tap y, x;
    int64_t strides[2];
};

/* The longest chain ending at n that a convolution can do. */
static struct move move_of(const struct ir_graph *g, const struct ir_node *n) {
    struct chain chain = chain_of(g, (struct ir_node *)n);
    for (int count = chain.count; count > 0; count--) {
        struct axis axes[DIMS];
        struct move m = {.in = chain.nodes[count - 1]->in[0]};
        if (!chain_axes(&chain, count, axes) || !tap_of(&axes[H], &m.y) || !tap_of(&axes[W], &m.x))
            continue;
        m.channels = axes[C];
        m.strides[0] = axes[H].step;
        m.strides[1] = axes[W].step;
        if (axes[C].first < axes[C].end &&
            is_weight_count(axes[C].out, axes[C].in, m.y.kernel * m.x.kernel))
            return m;
    }
    return (struct move){.in = NULL};
}

bool pass_is_move(const struct ir_graph *g, const struct ir_node *n) {
    if (!is_mover(n)) return false;
    const struct ir_node *user = ir_single_user(g, n->out[0]);
    if (is_mover(user) && user->in[0] == n->out[0]) return false; /* taken along with the last */
    return move_of(g, n).in != NULL;
}

static struct ir_value *select_weights(struct ir_graph *g, const char *name, const struct move *m) {
    const struct axis *c = &m->channels;
    int64_t dims[] = {c->out, c->in, m->y.kernel, m->x.kernel};
    int64_t plane = m->y.kernel * m->x.kernel, at = m->y.at * m->x.kernel + m->x.at;
    struct arena *scratch = arena_new(g->ctx);
    double *w = arena_array(scratch, (size_t)(c->out * c->in * plane), sizeof *w);
    for (int64_t o = c->first; o < c->end; o++)
        w[(o * c->in + c->start + c->step * o) * plane + at] = 1;
    struct ir_value *v = pass_const_new(g, arena_printf(g->arena, "%s.select", name), 4, dims, w);
    arena_free(scratch);
    return v;
}

/* The convolution takes over name, output and place of n. */
static void emit_move(struct ir_graph *g, struct ir_node *n, const struct move *m) {
    struct ir_value *in[] = {m->in, select_weights(g, n->out[0]->name, m)};
    struct ir_node *conv = ir_node_new(g, n, IR_OP_conv, n->name, in, 2, n->out, 1);
    ir_set_ints(g, conv, "pads", (int64_t[]){m->y.before, m->x.before, m->y.after, m->x.after}, 4);
    ir_set_ints(g, conv, "strides", m->strides, 2);
    ir_set_int(g, conv, "select", 1);
    ir_node_remove(g, n);
}

bool pass_move_apply(struct ir_graph *g, struct ir_node *n) {
    struct move m = move_of(g, n);
    emit_move(g, n, &m);
    return true;
}
