/* The geometry of sliding windows: one place for shape inference, the oracle and whoever needs
 * resolved padding. Source: ONNX Conv 11, MaxPool 12, AveragePool 11; the last window of ceil_mode
 * has to start inside the input or the padding before it, as ONNX Runtime and PyTorch have it. */
#include "base/ops/internal.h"

#include <string.h>

static const char *const side[2] = {"height", "width"};

static bool bad_attr(struct arena *a, const struct ir_node *n, const char *name, const char *found,
                     const char *expected) {
    diag(arena_ctx(a), ir_attr_bad, ir_node_where(a, n), name, found, expected);
    return false;
}

/* An attribute of `count` integers, all in min…IR_MAX_EXTENT. */
static bool extents(struct arena *a, const struct ir_node *n, const char *name, int count,
                    int64_t min, int64_t *out) {
    int found;
    const int64_t *list = ir_attr_ints(n, name, &found);
    if (found != count)
        return bad_attr(a, n, name, arena_printf(a, "a list of %d", found),
                        arena_printf(a, "%d integers (two dimensions)", count));
    for (int i = 0; i < count; i++) {
        if (list[i] < min || list[i] > IR_MAX_EXTENT)
            return bad_attr(a, n, name, arena_printf(a, "%lld", (long long)list[i]),
                            arena_printf(a, "%lld…%d", (long long)min, IR_MAX_EXTENT));
        out[i] = list[i];
    }
    return true;
}

static bool has_attr(const struct ir_node *n, const char *name) {
    struct ir_attr_info info;
    return ir_attr_schema_find(n->op, name, &info);
}

/* The kernel's size: a convolution's stands in its weights, kernel_shape may repeat it. */
static bool kernel_of(struct arena *a, const struct ir_node *n, struct ir_window *w) {
    bool weights = !has_attr(n, "kernel_shape") || n->op == IR_OP_conv;
    if (!weights || ir_attr_find(n, "kernel_shape") != NULL)
        if (!extents(a, n, "kernel_shape", 2, 1, w->kernel)) return false;
    if (!weights) return true;
    const struct ir_value *v = ir_in(n, 1);
    for (int i = 0; i < 2; i++) {
        int64_t size = v != NULL && v->rank == 4 ? v->dims[2 + i] : -1;
        if (w->kernel[i] != 0 && size >= 0 && w->kernel[i] != size)
            return bad_attr(a, n, "kernel_shape", arena_printf(a, "%lld", (long long)w->kernel[i]),
                            arena_printf(a, "the weights' %lld", (long long)size));
        if (size == 0 || size > IR_MAX_EXTENT)
            return bad_attr(a, n, "kernel_shape", "that of empty or huge weights", "1 or more");
        if (size > 0) w->kernel[i] = size;
    }
    return true;
}

/* auto_pad replaces pads: as much padding as makes the output ceil(in / stride). */
static bool resolve_padding(struct arena *a, const struct ir_node *n, struct ir_window *w) {
    const char *mode = has_attr(n, "auto_pad") ? ir_attr_string(n, "auto_pad") : "NOTSET";
    bool upper = strcmp(mode, "SAME_UPPER") == 0, lower = strcmp(mode, "SAME_LOWER") == 0;
    if (!upper && !lower) {
        if (strcmp(mode, "VALID") == 0 || strcmp(mode, "NOTSET") == 0) return true;
        return bad_attr(a, n, "auto_pad", mode, "NOTSET, SAME_UPPER, SAME_LOWER or VALID");
    }
    for (int i = 0; i < 2; i++) {
        if (w->in[i] < 0) continue;
        int64_t reach = (w->kernel[i] - 1) * w->dilation[i] + 1;
        int64_t out = (w->in[i] + w->stride[i] - 1) / w->stride[i];
        int64_t total = (out - 1) * w->stride[i] + reach - w->in[i];
        if (total < 0) total = 0;
        w->before[i] = (lower ? total + 1 : total) / 2;
        w->after[i] = total - w->before[i];
    }
    return true;
}

static bool output_size(struct arena *a, const struct ir_node *n, bool ceil_mode, bool pool,
                        struct ir_window *w, int i) {
    int64_t reach = (w->kernel[i] - 1) * w->dilation[i] + 1;
    int64_t padded = w->in[i] + w->before[i] + w->after[i];
    w->out[i] = -1;
    if (w->kernel[i] == 0) return true; /* not known */
    if (pool && (w->before[i] >= reach || w->after[i] >= reach)) {
        long long most = w->before[i] > w->after[i] ? w->before[i] : w->after[i];
        diag(arena_ctx(a), ir_window_padding, ir_node_where(a, n), most, (long long)reach);
        return false;
    }
    if (w->in[i] < 0) return true;
    if (reach > padded) {
        diag(arena_ctx(a), ir_window_large, ir_node_where(a, n), (long long)reach, side[i],
             (long long)padded);
        return false;
    }
    w->out[i] = (padded - reach + (ceil_mode ? w->stride[i] - 1 : 0)) / w->stride[i] + 1;
    if (ceil_mode && (w->out[i] - 1) * w->stride[i] >= w->in[i] + w->before[i]) w->out[i]--;
    return true;
}

/* Whoever pads for real gets by with what a tensor may have. */
static bool padded_size(struct arena *a, const struct ir_node *n, const struct ir_window *w) {
    const struct ir_value *x = ir_in(n, 0);
    int64_t size[3] = {x != NULL && x->rank == 4 ? x->dims[1] : -1};
    for (int i = 0; i < 2; i++)
        size[1 + i] = w->in[i] < 0 ? -1 : w->in[i] + w->before[i] + w->after[i];
    if (ir_product(3, size) <= IR_MAX_ELEMENTS) return true;
    diag(arena_ctx(a), ir_window_padded, ir_node_where(a, n), (long long)size[0],
         (long long)size[1], (long long)size[2], (long long)IR_MAX_ELEMENTS);
    return false;
}

bool ir_node_window(struct arena *a, const struct ir_node *n, struct ir_window *w) {
    const struct ir_value *x = ir_in(n, 0);
    int64_t pads[4] = {0, 0, 0, 0};
    *w = (struct ir_window){.dilation = {1, 1}};
    for (int i = 0; i < 2; i++) w->in[i] = x != NULL && x->rank == 4 ? x->dims[2 + i] : -1;
    const char *mode = has_attr(n, "auto_pad") ? ir_attr_string(n, "auto_pad") : NULL;
    bool explicit_pads = mode == NULL || strcmp(mode, "NOTSET") == 0;
    if (!kernel_of(a, n, w) || !extents(a, n, "strides", 2, 1, w->stride) ||
        (has_attr(n, "dilations") && !extents(a, n, "dilations", 2, 1, w->dilation)) ||
        (explicit_pads && !extents(a, n, "pads", 4, 0, pads)))
        return false;
    for (int i = 0; i < 2; i++) {
        w->before[i] = pads[i];
        w->after[i] = pads[2 + i];
    }
    if (!resolve_padding(a, n, w)) return false;
    bool pool = n->op != IR_OP_conv && n->op != IR_OP_qconv;
    bool ceil_mode = has_attr(n, "ceil_mode") && ir_attr_int(n, "ceil_mode") != 0;
    return output_size(a, n, ceil_mode, pool, w, 0) && output_size(a, n, ceil_mode, pool, w, 1) &&
           padded_size(a, n, w);
}
