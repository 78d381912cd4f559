/* Random graphs for the tests of passes: small, odd sizes, every operator the passes rewrite,
 * values with several readers. A seed gives the same graph each time. */
#ifndef NBQ_TESTS_UNIT_PASSES_RANDOM_H
#define NBQ_TESTS_UNIT_PASSES_RANDOM_H

#include "test.h"

#include "passes/passes.h"

#include <math.h>

struct maker {
    struct ir_graph *g;
    struct rng r;
    struct ir_value *x; /* the newest value */
    int named;
};

static inline int64_t between(struct maker *m, int64_t low, int64_t high) {
    return low + (int64_t)rng_below(&m->r, (uint32_t)(high - low + 1));
}

static inline bool chance(struct maker *m, int percent) {
    return between(m, 0, 99) < percent;
}

static inline struct ir_value *make_floats(struct maker *m, int rank, const int64_t *dims,
                                           double low, double high) {
    size_t count = 1;
    for (int i = 0; i < rank; i++) count *= (size_t)dims[i];
    float *data = arena_array(m->g->arena, count, sizeof *data);
    for (size_t i = 0; i < count; i++) data[i] = (float)(low + (high - low) * rng_unit(&m->r));
    return ir_const_new(m->g, NULL, IR_F32, rank, dims, data);
}

static inline struct ir_value *make_ints(struct maker *m, const int64_t *data, int count) {
    const void *copy = arena_copy(m->g->arena, data, (size_t)count * sizeof *data);
    return ir_const_new(m->g, NULL, IR_I64, 1, (int64_t[]){count}, copy);
}

/* The output of a new node of m->x and up to three more inputs (a NULL ends them, or is left out
 * in the middle). */
static inline struct ir_node *make_node(struct maker *m, enum ir_op op,
                                        struct ir_value *const *more, int more_count) {
    struct ir_value *in[6] = {m->x};
    for (int i = 0; i < more_count; i++) in[1 + i] = more[i];
    struct ir_value *out = ir_value_new(m->g, NULL, IR_F32, -1, NULL);
    const char *name = arena_printf(m->g->arena, "node%d", m->named++);
    return ir_node_new(m->g, NULL, op, name, in, 1 + more_count, &out, 1);
}

static inline void finish_node(struct maker *m, struct ir_node *n) {
    if (!ir_infer_node(m->g, n)) fail_msg("the test made a node that cannot be");
    m->x = n->out[0];
}

static inline void make_plain(struct maker *m, enum ir_op op) {
    finish_node(m, make_node(m, op, NULL, 0));
}

static inline void make_conv(struct maker *m, bool same) {
    int64_t c = m->x->dims[1], group = !same && chance(m, 25) ? c : 1;
    int64_t kh = same ? 3 : between(m, 1, 3), kw = same ? 3 : between(m, 1, 3);
    int64_t o = same ? c : group > 1 ? group * between(m, 1, 2) : between(m, 1, 5);
    struct ir_value *more[] = {make_floats(m, 4, (int64_t[]){o, c / group, kh, kw}, -1, 1),
                               chance(m, 60) ? make_floats(m, 1, &o, -1, 1) : NULL};
    struct ir_node *n = make_node(m, IR_OP_conv, more, more[1] != NULL ? 2 : 1);
    int64_t pads[] = {between(m, 0, 2), between(m, 0, 2), between(m, 1, 2), between(m, 1, 2)};
    int64_t strides[] = {between(m, 1, 2), between(m, 1, 2)};
    ir_set_int(m->g, n, "group", group);
    if (same) {
        ir_set_ints(m->g, n, "pads", (int64_t[]){1, 1, 1, 1}, 4);
    } else {
        ir_set_ints(m->g, n, "strides", strides, 2);
        if (chance(m, 30) || m->x->dims[2] < kh || m->x->dims[3] < kw)
            ir_set_string(m->g, n, "auto_pad", chance(m, 50) ? "SAME_UPPER" : "SAME_LOWER");
        else
            ir_set_ints(m->g, n, "pads", pads, 4);
    }
    finish_node(m, n);
}

static inline void make_batchnorm(struct maker *m) {
    int64_t c = m->x->dims[1];
    struct ir_value *more[] = {make_floats(m, 1, &c, -2, 2), make_floats(m, 1, &c, -1, 1),
                               make_floats(m, 1, &c, -1, 1), make_floats(m, 1, &c, 0.3, 2)};
    finish_node(m, make_node(m, IR_OP_batchnorm, more, 4));
}

/* x op constant or, for those that allow it, constant op x; per channel, or one number. */
static inline void make_affine(struct maker *m) {
    static const enum ir_op ops[] = {IR_OP_add, IR_OP_sub, IR_OP_mul, IR_OP_div};
    enum ir_op op = ops[between(m, 0, 3)];
    int64_t c = m->x->dims[1], dims[] = {1, c, 1, 1};
    int rank = m->x->rank, skip = chance(m, 50);
    struct ir_value *k = chance(m, 25) ? make_floats(m, 1, (int64_t[]){1}, 0.5, 2)
                                       : make_floats(m, rank - skip, dims + skip, 0.5, 2);
    struct ir_node *n = make_node(m, op, &k, 1);
    if (op != IR_OP_div && chance(m, 40)) {
        struct ir_value *x = n->in[0];
        ir_set_input(m->g, n, 0, k);
        ir_set_input(m->g, n, 1, x);
    }
    finish_node(m, n);
}

static inline void make_clamp(struct maker *m) {
    if (chance(m, 60)) {
        make_plain(m, IR_OP_relu);
        return;
    }
    struct ir_value *bounds[] = {chance(m, 70) ? make_floats(m, 0, NULL, -1, 0) : NULL,
                                 chance(m, 70) ? make_floats(m, 0, NULL, 0, 2) : NULL};
    finish_node(m, make_node(m, IR_OP_clip, bounds, 2));
    if (chance(m, 20)) make_clamp(m);
}

/* Exp makes differences in rounding larger, and so does a jump. */
static inline bool is_tame(enum ir_op op) {
    struct ir_function f = ir_function_of(&(struct ir_node){.op = op});
    for (int i = -16; i <= 16; i++) {
        double x = i / 8.0;
        if (fabs(f.at(x + 1e-6, f.params) - f.at(x - 1e-6, f.params)) > 1e-4) return false;
    }
    return f.at(8, f.params) < 10;
}

/* One of the functions of ops.def, with its default attributes. */
static inline void make_function(struct maker *m) {
    enum ir_op found[IR_OP_COUNT];
    int count = 0;
    for (int op = 0; op < IR_OP_COUNT; op++)
        if (ir_is_function((enum ir_op)op) && is_tame((enum ir_op)op))
            found[count++] = (enum ir_op)op;
    make_plain(m, found[between(m, 0, count - 1)]);
}

static inline void make_pool(struct maker *m) {
    bool max = chance(m, 50);
    if (!max && chance(m, 20)) {
        make_plain(m, IR_OP_gavgpool);
        return;
    }
    int64_t h = m->x->dims[2], w = m->x->dims[3];
    int64_t kernel[] = {between(m, 1, h < 3 ? h : 3), between(m, 1, w < 3 ? w : 3)};
    int64_t strides[] = {between(m, 1, 2), between(m, 1, 2)}, pads[4];
    for (int i = 0; i < 4; i++) pads[i] = between(m, 0, kernel[i % 2] - 1);
    struct ir_node *n = make_node(m, max ? IR_OP_maxpool : IR_OP_avgpool, NULL, 0);
    ir_set_ints(m->g, n, "kernel_shape", kernel, 2);
    ir_set_ints(m->g, n, "strides", strides, 2);
    if (chance(m, 50)) ir_set_ints(m->g, n, "pads", pads, 4);
    if (chance(m, 30)) ir_set_int(m->g, n, "ceil_mode", 1);
    if (!max && chance(m, 30)) ir_set_int(m->g, n, "count_include_pad", 1);
    finish_node(m, n);
}

/* Zeros around, channels more or, rarely, pixels less. */
static inline void make_pad(struct maker *m) {
    int64_t pads[8] = {0};
    bool channels = chance(m, 30);
    for (int i = channels ? 1 : 2; i < (channels ? 2 : 4); i++) {
        pads[i] = between(m, 0, 2);
        pads[4 + i] = between(m, 0, 2);
    }
    if (chance(m, 10) && m->x->dims[2] > 1) pads[2] = -1;
    struct ir_value *more[] = {make_ints(m, pads, 8), NULL};
    if (chance(m, 50)) more[1] = make_floats(m, 0, NULL, 0, 0);
    finish_node(m, make_node(m, IR_OP_pad, more, more[1] != NULL ? 2 : 1));
}

static inline void make_slice(struct maker *m) {
    int64_t axis = between(m, 1, 3), size = m->x->dims[axis];
    int64_t start = between(m, 0, size - 1), end = between(m, start + 1, size);
    if (chance(m, 50)) end = INT64_MAX;
    if (chance(m, 20)) start -= size;
    if (chance(m, 20)) axis -= 4;
    int64_t step = between(m, 1, 3);
    struct ir_value *more[] = {make_ints(m, &start, 1), make_ints(m, &end, 1),
                               make_ints(m, &axis, 1), make_ints(m, &step, 1)};
    finish_node(m, make_node(m, IR_OP_slice, more, 4));
}

/* Nothing, in one of its forms. */
static inline void make_nothing(struct maker *m) {
    static const int64_t zeros[8], first, all = INT64_MAX, axis = 2;
    struct ir_value *slice[] = {make_ints(m, &first, 1), make_ints(m, &all, 1),
                                make_ints(m, &axis, 1)};
    struct ir_value *pad = make_ints(m, zeros, 8);
    struct ir_value *shape = make_ints(m, m->x->dims, 4);
    switch (between(m, 0, 4)) {
    case 0:
        make_plain(m, IR_OP_identity);
        break;
    case 1:
        make_plain(m, IR_OP_dropout);
        break;
    case 2:
        finish_node(m, make_node(m, IR_OP_slice, slice, 3));
        break;
    case 3:
        finish_node(m, make_node(m, IR_OP_pad, &pad, 1));
        break;
    default:
        finish_node(m, make_node(m, IR_OP_reshape, &shape, 1));
        break;
    }
}

/* The same node twice, with a reader each, and their sum; either may be an output. */
static inline void make_twins(struct maker *m) {
    struct ir_value *twins[2];
    make_conv(m, true);
    for (int i = 0; i < 2; i++) {
        const struct ir_node *n = m->x->producer;
        if (i > 0) {
            m->x = n->in[0];
            struct ir_node *again = make_node(m, n->op, &n->in[1], n->in_count - 1);
            again->attr_count = n->attr_count;
            again->attrs =
                arena_copy(m->g->arena, n->attrs, (size_t)n->attr_count * sizeof *n->attrs);
            finish_node(m, again);
        }
        twins[i] = m->x;
        if (chance(m, 20)) ir_add_output(m->g, m->x);
    }
    for (int i = 0; i < 2; i++) {
        m->x = twins[i];
        make_plain(m, IR_OP_relu);
        if (chance(m, 20)) ir_add_output(m->g, m->x);
        twins[i] = m->x;
    }
    finish_node(m, make_node(m, IR_OP_add, &twins[0], 1));
}

/* y = f(x) + x */
static inline void make_residual(struct maker *m) {
    struct ir_value *x = m->x;
    make_conv(m, true);
    if (chance(m, 50)) make_batchnorm(m);
    if (chance(m, 50)) {
        make_plain(m, IR_OP_relu);
        make_conv(m, true);
    }
    struct ir_node *n = make_node(m, IR_OP_add, &x, 1);
    finish_node(m, n);
}

/* The newest value beside up to three more: convolutions of it, and itself again. */
static inline void make_concat(struct maker *m) {
    struct ir_value *x = m->x, *more[3];
    int count = (int)between(m, 0, 3);
    for (int i = 0; i < count; i++) {
        m->x = x;
        if (chance(m, 60)) make_conv(m, true);
        if (chance(m, 20)) make_clamp(m);
        more[i] = m->x;
    }
    m->x = x;
    struct ir_node *n = make_node(m, IR_OP_concat, more, count);
    ir_set_int(m->g, n, "axis", chance(m, 50) ? 1 : -3);
    finish_node(m, n);
    if (chance(m, 15)) make_concat(m);
}

static inline void make_dense(struct maker *m) {
    int64_t k = ir_elements(m->x), o = between(m, 1, 6);
    if (chance(m, 40)) {
        struct ir_value *w = make_floats(m, 2, (int64_t[]){k, o}, -1, 1);
        finish_node(m, make_node(m, IR_OP_matmul, &w, 1));
        return;
    }
    bool transposed = chance(m, 50);
    const int64_t as_is[] = {k, o}, turned[] = {o, k}, one = 1;
    struct ir_value *more[] = {make_floats(m, 2, transposed ? turned : as_is, -1, 1),
                               chance(m, 70) ? make_floats(m, 1, chance(m, 20) ? &one : &o, -1, 1)
                                             : NULL};
    struct ir_node *n = make_node(m, IR_OP_gemm, more, more[1] != NULL ? 2 : 1);
    ir_set_int(m->g, n, "transB", transposed);
    if (chance(m, 40)) ir_set_float(m->g, n, "alpha", 0.75);
    if (chance(m, 40)) ir_set_float(m->g, n, "beta", -1.25);
    finish_node(m, n);
}

/* To one row: directly, after a transpose, or by a shape the graph computes. */
static inline void make_flat(struct maker *m) {
    static const int64_t zero, minus = -1, to[] = {1, -1};
    struct ir_value *x = m->x, *shape = make_ints(m, to, 2);
    int way = (int)between(m, 0, 3);
    if (way == 0) {
        make_plain(m, IR_OP_flatten);
        return;
    }
    if (way == 1) {
        struct ir_node *n = make_node(m, IR_OP_transpose, NULL, 0);
        ir_set_ints(m->g, n, "perm", (int64_t[]){0, 2, 3, 1}, 4);
        finish_node(m, n);
    }
    if (way == 2) {
        struct ir_value *index = make_ints(m, &zero, 1), *rest = make_ints(m, &minus, 1);
        make_plain(m, IR_OP_shape);
        finish_node(m, make_node(m, IR_OP_gather, &index, 1));
        struct ir_node *n = make_node(m, IR_OP_concat, &rest, 1);
        ir_set_int(m->g, n, "axis", 0);
        finish_node(m, n);
        shape = m->x;
        m->x = x;
    }
    struct ir_node *n = make_node(m, IR_OP_reshape, &shape, 1);
    ir_infer_node(m->g, n);
    n->out[0]->rank = 2; /* what the importer would have from the model */
    n->out[0]->dims[0] = 1;
    n->out[0]->dims[1] = ir_elements(m->x);
    m->x = n->out[0];
}

static inline void make_tail(struct maker *m) {
    make_flat(m);
    if (chance(m, 20)) make_clamp(m);
    if (chance(m, 6)) make_affine(m);
    for (int64_t layers = between(m, 1, 3); layers > 0; layers--) {
        make_dense(m);
        if (chance(m, 30)) make_affine(m);
        if (chance(m, 20)) make_batchnorm(m);
        if (chance(m, 50)) make_clamp(m);
        if (chance(m, 10)) make_function(m);
    }
    if (chance(m, 30)) make_plain(m, IR_OP_softmax);
}

static inline void make_step(struct maker *m) {
    int64_t kind = between(m, 0, 99);
    if (kind < 30)
        make_conv(m, false);
    else if (kind < 42)
        make_batchnorm(m);
    else if (kind < 50)
        make_affine(m);
    else if (kind < 68)
        make_clamp(m);
    else if (kind < 76)
        make_pool(m);
    else if (kind < 82)
        make_pad(m);
    else if (kind < 88)
        make_slice(m);
    else if (kind < 90)
        make_nothing(m);
    else if (kind < 93)
        make_function(m);
    else if (kind < 95)
        make_concat(m);
    else if (kind < 97)
        make_twins(m);
    else
        make_residual(m);
}

static inline struct ir_graph *random_graph(struct ctx *c, uint64_t seed) {
    struct maker m = {.g = ir_graph_new(c, "random"), .r = {seed * 77 + 5}};
    int64_t dims[] = {1, between(&m, 1, 4), between(&m, 5, 9), between(&m, 5, 9)};
    m.x = ir_value_new(m.g, "input", IR_F32, 4, dims);
    ir_add_input(m.g, m.x);
    for (int64_t left = between(&m, 2, 9); left > 0; left--) {
        make_step(&m);
        if (chance(&m, 12)) ir_add_output(m.g, m.x); /* a second reader */
    }
    if (chance(&m, 60)) make_tail(&m);
    ir_add_output(m.g, m.x);
    return m.g;
}

static inline float *random_input(struct arena *a, const struct ir_value *v, uint64_t seed) {
    struct rng r = {seed * 131 + 7};
    int64_t n = ir_elements(v);
    float *data = arena_array(a, (size_t)n, sizeof *data);
    for (int64_t i = 0; i < n; i++) data[i] = (float)(2 * rng_normal(&r));
    return data;
}

/* The float passes of the default pipeline, and how many those are: all up to legalize. */
enum { FLOAT_PASSES_MAX = 32 };
static inline int float_passes(const char **names) {
    int count = 0;
    do names[count] = pass_at(count)->name;
    while (strcmp(names[count++], "legalize") != 0);
    assert_true(count <= FLOAT_PASSES_MAX);
    return count;
}

/* Runs these passes, without messages. What the device cannot run is an error. */
static inline bool run_passes(struct ir_graph *g, const char *const *names, int count) {
    struct pass_run run = {.names = names, .count = count};
    struct pass_options options = {.fallback = FALLBACK_ERROR};
    return pass_pipeline(g, &options, &run);
}

#endif
