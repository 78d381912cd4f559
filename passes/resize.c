/* Part of pass legalize: a Resize that repeats each pixel a whole number of times, in whichever of
 * ONNX's many ways it says so, becomes one of a single form: nearest, asymmetric, floor, by scales.
 * Whether it does follows from its own evaluator: it is given the numbers of pixels to resize. */
#include "base/ops/ops.h"
#include "passes/internal.h"

#include <string.h>

enum { N, C, H, W, RANK, MAX_PROBE = 1 << 24 /* integers a float holds */ };

static bool is(const struct ir_node *n, const char *attr, const char *text) {
    return strcmp(ir_attr_string(n, attr), text) == 0;
}

bool pass_repeats(const struct ir_node *n, int64_t repeat[2]) {
    const struct ir_value *scales = ir_in(n, 2);
    if (n->op != IR_OP_resize || !is(n, "mode", "nearest") || !is(n, "nearest_mode", "floor") ||
        !is(n, "coordinate_transformation_mode", "asymmetric"))
        return false;
    if (ir_in(n, 1) != NULL || ir_in(n, 3) != NULL || !ir_is_const(scales) ||
        ir_elements(scales) != RANK || n->attr_count > 3 || n->in[0]->rank != RANK)
        return false;
    for (int d = 0; d < RANK; d++) {
        double scale = pass_const_at(scales, d);
        if (scale != (double)(int64_t)scale || scale < 1 || (d < H && scale != 1)) return false;
        if (d >= H) repeat[d - H] = (int64_t)scale;
    }
    return true;
}

/* Sizes grow by whole factors, and only those of height and width. */
static bool has_whole_factors(const struct ir_node *n) {
    const struct ir_value *x = n->in[0], *y = n->out[0];
    if (x->rank != RANK || x->dtype != IR_F32 || ir_is_const(x) || ir_elements(x) <= 0 ||
        ir_elements(x) > MAX_PROBE)
        return false;
    for (int d = 0; d < RANK; d++)
        if (y->dims[d] % x->dims[d] != 0 || (d < H && x->dims[d] != y->dims[d])) return false;
    return true;
}

/* The number of the input's pixel that each pixel of the output is; NULL: it has no constants. */
static const float *probe(struct arena *a, const struct ir_graph *g, const struct ir_node *n) {
    struct ir_tensor *values = arena_array(a, (size_t)g->value_count, sizeof *values);
    int64_t count = ir_elements(n->in[0]);
    float *numbers = arena_array(a, (size_t)count, sizeof *numbers);
    for (int i = 1; i < n->in_count; i++)
        if (n->in[i] != NULL && !ir_is_const(n->in[i])) return NULL;
    for (int64_t i = 0; i < count; i++) numbers[i] = (float)i;
    values[n->in[0]->id].data = numbers;
    return ir_op_eval(a, n, values) ? values[n->out[0]->id].data : NULL;
}

static bool repeats_pixels(const struct ir_node *n, const float *found) {
    const int64_t *in = n->in[0]->dims, *out = n->out[0]->dims;
    int64_t ry = out[H] / in[H], rx = out[W] / in[W];
    for (int64_t i = 0; i < ir_elements(n->out[0]); i++) {
        int64_t x = i % out[W], y = i / out[W] % out[H], plane = i / out[W] / out[H];
        int64_t pixel = (plane * in[H] + y / ry) * in[W] + x / rx;
        if (found[i] != (float)pixel) return false;
    }
    return true;
}

bool pass_is_repeat(const struct ir_graph *g, const struct ir_node *n) {
    int64_t repeat[2];
    if (n->op != IR_OP_resize || ir_is_host(n) || !is(n, "mode", "nearest") ||
        pass_repeats(n, repeat) || !has_whole_factors(n))
        return false;
    struct arena *scratch = arena_new(g->ctx);
    const float *found = probe(scratch, g, n);
    bool good = found != NULL && repeats_pixels(n, found);
    arena_free(scratch);
    return good;
}

bool pass_give_repeat(struct ir_graph *g, struct ir_node *n) {
    const int64_t *in = n->in[0]->dims, *out = n->out[0]->dims;
    int64_t ry = out[H] / in[H], rx = out[W] / in[W]; /* whole, as has_whole_factors() says */
    const double scales[RANK] = {1, 1, (double)ry, (double)rx};
    const char *name = arena_printf(g->arena, "%s.scales", n->out[0]->name);
    struct ir_value *list[] = {n->in[0], NULL,
                               pass_const_new(g, name, 1, (int64_t[]){RANK}, scales)};
    struct ir_node *r = ir_node_new(g, n, IR_OP_resize, n->name, list, 3, n->out, 1);
    ir_set_string(g, r, "nearest_mode", "floor");
    ir_set_string(g, r, "coordinate_transformation_mode", "asymmetric");
    ir_node_remove(g, n);
    return true;
}
