/* Pass lower-dense. Requires SHAPES, FOLDED. Provides CONVS. Breaks NO_BN, FUSED, RANGES.
 *
 * Gemm and MatMul of one row by a constant matrix become a convolution: its kernel covers the
 * whole 4-D value [1,C,H,W] the row was flattened from, with the columns permuted as the views
 * and transposes between ask, so that no flat value is ever made. Elementwise operators between
 * fully connected layers (Relu, Clip, Add …, BatchNormalization) move to the 4-D value as well.
 * Behind each rewritten node a Reshape gives the flat value back to whoever else wants it. */
#include "passes/internal.h"

/* Where the elements of a value come from: element i is element map[i] of the 4-D value base
 * [1,C,H,W]. */
struct origin {
    struct ir_value *base; /* NULL: none was found */
    int64_t *map;          /* NULL: element i itself */
};

static bool is_image(const struct ir_value *v) {
    return v->rank == 4 && v->dims[0] == 1;
}

/* strides[i]: how far apart neighbours along dimension i lie. */
static void strides_of(const struct ir_value *v, int64_t *strides) {
    int64_t step = 1;
    for (int i = v->rank; i-- > 0; step *= v->dims[i]) strides[i] = step;
}

/* The element of the transpose's input that element `index` of its output is. */
static int64_t transposed(const struct ir_node *n, int64_t index) {
    int count;
    const int64_t *perm = ir_attr_ints(n, "perm", &count);
    int64_t to[IR_MAX_RANK], from[IR_MAX_RANK], source = 0;
    int rank = n->out[0]->rank;
    strides_of(n->out[0], to);
    strides_of(n->in[0], from);
    for (int i = 0; i < rank; i++) {
        int64_t axis = count > 0 ? perm[i] : rank - 1 - i;
        source += index / to[i] % n->out[0]->dims[i] * from[axis];
    }
    return source;
}

static int64_t *compose(struct arena *a, const struct ir_node *n, const int64_t *map) {
    int64_t count = ir_elements(n->out[0]);
    int64_t *composed = arena_array(a, (size_t)count, sizeof *composed);
    for (int64_t i = 0; i < count; i++) composed[i] = transposed(n, map == NULL ? i : map[i]);
    return composed;
}

/* Follows views and transposes up to the last 4-D value before them. */
static struct origin origin_of(struct arena *a, struct ir_value *v) {
    struct origin found = {NULL, NULL};
    int64_t *map = NULL;
    for (;;) {
        if (is_image(v)) found = (struct origin){v, map};
        struct ir_node *n = v->producer;
        if (n == NULL) return found;
        if (n->op == IR_OP_transpose)
            map = compose(a, n, map);
        else if (!pass_is_view(n->op))
            return found;
        v = n->in[0];
    }
}

static bool is_flat_output(const struct ir_value *v) {
    return v->dtype == IR_F32 && v->rank != 4;
}

/* One row (or column, transposed) of as many elements as the constant matrix has rows. */
static bool is_dense(const struct ir_graph *g, const struct ir_node *n) {
    (void)g;
    if (n->op != IR_OP_gemm && n->op != IR_OP_matmul) return false;
    const struct ir_value *x = n->in[0], *w = n->in[1], *c = ir_in(n, 2);
    if (ir_is_const(x) || !ir_is_const(w) || x->dtype != IR_F32 || w->rank != 2) return false;
    if (c != NULL && !ir_is_const(c)) return false;
    int64_t rows = w->dims[n->op == IR_OP_gemm && ir_attr_int(n, "transB") != 0];
    return rows > 0 && ir_elements(x) == rows && ir_elements(n->out[0]) > 0;
}

/* A reshape of v to [1,K,1,1] in front of n. */
static struct ir_value *lift(struct ir_graph *g, struct ir_node *n, struct ir_value *v) {
    int64_t dims[] = {1, ir_elements(v), 1, 1};
    const char *name = arena_printf(g->arena, "%s.4d", v->name);
    const char *shape_name = arena_printf(g->arena, "%s.shape", name);
    struct ir_value *shape = pass_const_new_ints(g, shape_name, dims, 4);
    return pass_emit(g, n, IR_OP_reshape, "", name, (struct ir_value *[]){v, shape}, 2);
}

/* Gives `flat`, the output of n, back as a view of y, and removes n. */
static bool replace_by_view(struct ir_graph *g, struct ir_node *n, struct ir_value *y) {
    struct ir_value *flat = n->out[0];
    const char *name = arena_printf(g->arena, "%s.shape", flat->name);
    struct ir_value *shape = pass_const_new_ints(g, name, flat->dims, flat->rank);
    ir_node_new(g, n, IR_OP_reshape, "", (struct ir_value *[]){y, shape}, 2, &flat, 1);
    ir_node_remove(g, n);
    return true;
}

/* Convolution weights [O][C][H][W] out of the matrix, alpha included. */
static struct ir_value *dense_weights(struct ir_graph *g, struct arena *a, const struct ir_node *n,
                                      const struct origin *x) {
    bool gemm = n->op == IR_OP_gemm;
    bool transposed_b = gemm && ir_attr_int(n, "transB") != 0;
    double alpha = gemm ? ir_attr_float(n, "alpha") : 1;
    const struct ir_value *m = n->in[1];
    int64_t rows = m->dims[transposed_b], outs = m->dims[!transposed_b];
    double *w = arena_array(a, (size_t)(rows * outs), sizeof *w);
    for (int64_t o = 0; o < outs; o++)
        for (int64_t k = 0; k < rows; k++)
            w[o * rows + (x->map == NULL ? k : x->map[k])] =
                alpha * pass_const_at(m, transposed_b ? o * rows + k : k * outs + o);
    const int64_t *d = x->base->dims;
    return pass_const_new(g, m->name, 4, (int64_t[]){outs, d[1], d[2], d[3]}, w);
}

/* beta·C, one number per output; NULL: there is no C. */
static struct ir_value *dense_bias(struct ir_graph *g, struct arena *a, const struct ir_node *n) {
    const struct ir_value *c = ir_in(n, 2);
    if (c == NULL) return NULL;
    int64_t outs = ir_elements(n->out[0]), given = ir_elements(c);
    double beta = ir_attr_float(n, "beta");
    double *bias = arena_array(a, (size_t)outs, sizeof *bias);
    for (int64_t o = 0; o < outs; o++) bias[o] = beta * pass_const_at(c, given == 1 ? 0 : o);
    return pass_const_new(g, c->name, 1, &outs, bias);
}

/* A constant that nobody reads any more leaves its name to the one made of it. */
static void leave_name(struct ir_graph *g, struct ir_value *old, struct ir_value *made) {
    if (old == NULL || ir_use_count(g, old) > 0) return;
    ir_value_remove(g, old);
    ir_value_rename(g, made, old->name);
}

static bool lower_dense(struct ir_graph *g, struct ir_node *n) {
    struct arena *scratch = arena_new(g->ctx);
    struct origin x = origin_of(scratch, n->in[0]);
    if (x.base == NULL) x.base = lift(g, n, n->in[0]);
    bool good = x.base != NULL;
    if (good) {
        struct ir_value *matrix = n->in[1], *addend = ir_in(n, 2);
        struct ir_value *in[] = {x.base, dense_weights(g, scratch, n, &x),
                                 dense_bias(g, scratch, n)};
        const char *name = arena_printf(g->arena, "%s.4d", n->out[0]->name);
        struct ir_value *y = pass_emit(g, n, IR_OP_conv, n->name, name, in, in[2] == NULL ? 2 : 3);
        good = y != NULL && replace_by_view(g, n, y);
        leave_name(g, matrix, in[1]);
        leave_name(g, addend, in[2]);
    }
    arena_free(scratch);
    return good;
}

/* The 4-D value v is a plain view of, NULL: none. */
static struct ir_value *image_behind(struct arena *a, struct ir_value *v) {
    struct origin x = origin_of(a, v);
    return x.map == NULL ? x.base : NULL;
}

static bool is_elementwise(enum ir_op op) {
    return op == IR_OP_relu || op == IR_OP_clip || op == IR_OP_add || op == IR_OP_sub ||
           op == IR_OP_mul || op == IR_OP_div || op == IR_OP_batchnorm || ir_is_function(op);
}

/* A constant operand fits when it is one number or has every element of the value. */
static bool fits(const struct ir_value *constant, const struct ir_value *image) {
    int64_t n = ir_elements(constant);
    return constant->dtype == IR_F32 && (n == 1 || n == ir_elements(image));
}

/* The image that the elementwise node n can work on instead of its flat inputs, NULL: none. */
static struct ir_value *image_of_elementwise(struct arena *a, const struct ir_node *n) {
    struct ir_value *image = NULL;
    bool binary = ir_op_info(n->op)->min_in == 2;
    for (int i = 0; i < (binary ? 2 : 1); i++) {
        if (ir_is_const(n->in[i])) continue;
        struct ir_value *behind = image_behind(a, n->in[i]);
        if (behind == NULL || (image != NULL && !pass_same_shape(image, behind))) return NULL;
        image = behind;
    }
    if (image == NULL || ir_elements(n->out[0]) != ir_elements(image)) return NULL;
    for (int i = 0; binary && i < 2; i++)
        if (ir_is_const(n->in[i]) && !fits(n->in[i], image)) return NULL;
    bool per_channel = image->dims[2] == 1 && image->dims[3] == 1 && n->in[0]->rank == 2;
    return n->op == IR_OP_batchnorm && !per_channel ? NULL : image;
}

static bool is_flat_elementwise(const struct ir_graph *g, const struct ir_node *n) {
    if (!is_elementwise(n->op) || !is_flat_output(n->out[0])) return false;
    struct arena *scratch = arena_new(g->ctx);
    bool found = image_of_elementwise(scratch, n) != NULL;
    arena_free(scratch);
    return found;
}

/* The same elements in the shape of the image. */
static struct ir_value *image_const(struct ir_graph *g, const struct ir_value *c,
                                    const struct ir_value *image) {
    static const int64_t one[] = {1, 1, 1, 1};
    const char *name = ir_unique_name(g, c->name);
    return ir_const_new(g, name, c->dtype, 4, ir_elements(c) == 1 ? one : image->dims, c->data);
}

static bool lift_elementwise(struct ir_graph *g, struct ir_node *n) {
    struct arena *scratch = arena_new(g->ctx);
    struct ir_value *image = image_of_elementwise(scratch, n);
    bool binary = ir_op_info(n->op)->min_in == 2;
    struct ir_value **in = arena_copy(scratch, n->in, (size_t)n->in_count * sizeof *in);
    for (int i = 0; i < (binary ? 2 : 1); i++)
        in[i] = ir_is_const(in[i]) ? image_const(g, in[i], image) : image_behind(scratch, in[i]);
    const char *name = arena_printf(g->arena, "%s.4d", n->out[0]->name);
    struct ir_value *y = pass_value_like(g, image, name);
    struct ir_node *lifted = ir_node_new(g, n, n->op, n->name, in, n->in_count, &y, 1);
    lifted->attrs = n->attrs;
    lifted->attr_count = n->attr_count;
    arena_free(scratch);
    return replace_by_view(g, n, y);
}

static const struct pass_rule rules[] = {
    {"dense", is_dense, lower_dense},
    {"elementwise", is_flat_elementwise, lift_elementwise},
};
enum { RULE_COUNT = sizeof rules / sizeof rules[0] };

bool pass_dense_left(const struct ir_graph *g) {
    return pass_plain_left(g) || pass_rules_match(g, rules, RULE_COUNT);
}

bool pass_lower_dense(struct ir_graph *g, const struct pass_options *o) {
    (void)o;
    if (!pass_plain(g) || !pass_rules_apply(g, rules, RULE_COUNT)) return false;
    pass_sweep(g);
    return true;
}
