/* The geometry of sliding windows of one to three dimensions: one place for shape inference, the
 * oracle and whoever needs resolved padding. Source: ONNX Conv 11, ConvTranspose 11, MaxPool 12,
 * AveragePool 19; the last window of ceil_mode has to start inside the input or the padding before
 * it, as ONNX Runtime and PyTorch have it. */
#include "base/ops/internal.h"

#include <string.h>

static const char *side(const struct ir_window *w, int i) {
    static const char *const names[] = {"depth", "height", "width"};
    return w->rank == 1 ? "length" : names[IR_WINDOW_DIMS - w->rank + i];
}

static bool bad_attr(struct arena *a, const struct ir_node *n, const char *name, const char *found,
                     const char *expected) {
    diag(arena_ctx(a), ir_attr_bad, ir_node_where(a, n), name, found, expected);
    return false;
}

/* An attribute of `count` integers, all in min…IR_MAX_EXTENT; where it is absent they are all
 * min. */
static bool extents(struct arena *a, const struct ir_node *n, const char *name, int count,
                    int64_t min, int64_t *out) {
    int found;
    const int64_t *list = ir_attr_ints(n, name, &found);
    bool absent = ir_attr_find(n, name) == NULL;
    if (!absent && found != count)
        return bad_attr(a, n, name, arena_printf(a, "a list of %d", found),
                        arena_printf(a, "%d integers, by the dimensions of the window", count));
    for (int i = 0; i < count; i++) {
        out[i] = absent ? min : list[i];
        if (out[i] >= min && out[i] <= IR_MAX_EXTENT) continue;
        return bad_attr(a, n, name, arena_printf(a, "%lld", (long long)out[i]),
                        arena_printf(a, "%lld…%d", (long long)min, IR_MAX_EXTENT));
    }
    return true;
}

static bool has_attr(const struct ir_node *n, const char *name) {
    struct ir_attr_info info;
    return ir_attr_schema_find(n->op, name, &info);
}

static bool has_weights(const struct ir_node *n) {
    return n->op == IR_OP_conv || n->op == IR_OP_qconv || n->op == IR_OP_convtranspose;
}

/* Dimensions of the window: what stands behind batch and channels. 2 where nothing says it. */
static int rank_of(const struct ir_node *n) {
    const struct ir_value *x = ir_in(n, 0), *k = has_weights(n) ? ir_in(n, 1) : NULL;
    int count = 0;
    if (x != NULL && x->rank >= 0) return x->rank - 2;
    if (k != NULL && k->rank >= 0) return k->rank - 2;
    if (has_attr(n, "kernel_shape")) ir_attr_ints(n, "kernel_shape", &count);
    return count > 0 ? count : 2;
}

/* The kernel's size: a convolution's stands in its weights, kernel_shape may repeat it. */
static bool kernel_of(struct arena *a, const struct ir_node *n, struct ir_window *w) {
    bool given = ir_attr_find(n, "kernel_shape") != NULL;
    if (!has_weights(n) && !given) return bad_attr(a, n, "kernel_shape", "absent", "a size");
    if (given && !extents(a, n, "kernel_shape", w->rank, 1, w->kernel)) return false;
    if (!has_weights(n)) return true;
    const struct ir_value *v = ir_in(n, 1);
    for (int i = 0; i < w->rank; i++) {
        int64_t size = v != NULL && v->rank == 2 + w->rank ? v->dims[2 + i] : -1;
        if (w->kernel[i] != 0 && size >= 0 && w->kernel[i] != size)
            return bad_attr(a, n, "kernel_shape", arena_printf(a, "%lld", (long long)w->kernel[i]),
                            arena_printf(a, "the weights' %lld", (long long)size));
        if (size == 0 || size > IR_MAX_EXTENT)
            return bad_attr(a, n, "kernel_shape", "that of empty or huge weights", "1 or more");
        if (size > 0) w->kernel[i] = size;
    }
    return true;
}

static int64_t reach_of(const struct ir_window *w, int i) {
    return (w->kernel[i] - 1) * w->dilation[i] + 1;
}

enum padding { GIVEN, UPPER, LOWER, NONE };

static bool padding_of(struct arena *a, const struct ir_node *n, enum padding *out) {
    static const char *const names[] = {
        [GIVEN] = "NOTSET", [UPPER] = "SAME_UPPER", [LOWER] = "SAME_LOWER", [NONE] = "VALID"};
    const char *mode = has_attr(n, "auto_pad") ? ir_attr_string(n, "auto_pad") : names[GIVEN];
    for (int i = GIVEN; i <= NONE; i++) {
        *out = (enum padding)i;
        if (strcmp(mode, names[i]) == 0) return true;
    }
    return bad_attr(a, n, "auto_pad", mode, "NOTSET, SAME_UPPER, SAME_LOWER or VALID");
}

static void share_padding(struct ir_window *w, int i, int64_t total, bool lower) {
    if (total < 0) total = 0;
    w->before[i] = (lower ? total + 1 : total) / 2;
    w->after[i] = total - w->before[i];
}

/* auto_pad replaces pads: as much padding as makes the output ceil(in / stride). */
static void pad_same(struct ir_window *w, bool lower) {
    for (int i = 0; i < w->rank; i++) {
        if (w->in[i] < 0) continue;
        int64_t out = (w->in[i] + w->stride[i] - 1) / w->stride[i];
        share_padding(w, i, (out - 1) * w->stride[i] + reach_of(w, i) - w->in[i], lower);
    }
}

static bool output_size(struct arena *a, const struct ir_node *n, struct ir_window *w, int i) {
    bool ceil_mode = has_attr(n, "ceil_mode") && ir_attr_int(n, "ceil_mode") != 0;
    int64_t reach = reach_of(w, i), padded = w->in[i] + w->before[i] + w->after[i];
    w->out[i] = -1;
    if (w->kernel[i] == 0) return true; /* not known */
    if (!has_weights(n) && (w->before[i] >= reach || w->after[i] >= reach)) {
        long long most = w->before[i] > w->after[i] ? w->before[i] : w->after[i];
        diag(arena_ctx(a), ir_window_padding, ir_node_where(a, n), most, (long long)reach);
        return false;
    }
    if (w->in[i] < 0) return true;
    if (reach > padded) {
        diag(arena_ctx(a), ir_window_large, ir_node_where(a, n), (long long)reach, side(w, i),
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
    struct writer text;
    int64_t size[1 + IR_WINDOW_DIMS] = {x != NULL && x->rank == 2 + w->rank ? x->dims[1] : -1};
    for (int i = 0; i < w->rank; i++)
        size[1 + i] = w->in[i] < 0 ? -1 : w->in[i] + w->before[i] + w->after[i];
    if (ir_product(1 + w->rank, size) <= IR_MAX_ELEMENTS) return true;
    writer_init(&text, a);
    ir_write_shape(&text, 1 + w->rank, size);
    diag(arena_ctx(a), ir_window_padded, ir_node_where(a, n), writer_string(&text),
         (long long)IR_MAX_ELEMENTS);
    return false;
}

/* What all windows have: rank, input, kernel, strides, dilations, pads where they are given. */
static bool read_window(struct arena *a, const struct ir_node *n, struct ir_window *w,
                        enum padding *padding) {
    const struct ir_value *x = ir_in(n, 0);
    int64_t pads[2 * IR_WINDOW_DIMS] = {0};
    *w = (struct ir_window){.rank = rank_of(n)};
    if (w->rank < 1 || w->rank > IR_WINDOW_DIMS) {
        diag(arena_ctx(a), ir_window_rank, ir_node_where(a, n), 2 + w->rank, 2 + IR_WINDOW_DIMS);
        return false;
    }
    for (int i = 0; i < w->rank; i++) {
        w->in[i] = x != NULL && x->rank == 2 + w->rank ? x->dims[2 + i] : -1;
        w->dilation[i] = 1;
    }
    if (!padding_of(a, n, padding) || !kernel_of(a, n, w) ||
        !extents(a, n, "strides", w->rank, 1, w->stride) ||
        (has_attr(n, "dilations") && !extents(a, n, "dilations", w->rank, 1, w->dilation)) ||
        (*padding == GIVEN && !extents(a, n, "pads", 2 * w->rank, 0, pads)))
        return false;
    memcpy(w->before, pads, (size_t)w->rank * sizeof *pads);
    memcpy(w->after, pads + w->rank, (size_t)w->rank * sizeof *pads);
    return true;
}

bool ir_node_window(struct arena *a, const struct ir_node *n, struct ir_window *w) {
    enum padding padding;
    if (!read_window(a, n, w, &padding)) return false;
    if (padding == UPPER || padding == LOWER) pad_same(w, padding == LOWER);
    for (int i = 0; i < w->rank; i++)
        if (!output_size(a, n, w, i)) return false;
    return padded_size(a, n, w);
}

/* --- transposed --- */

/* output_shape, of which older models give batch and channels as well; none: all 0. */
static bool wanted_sizes(struct arena *a, const struct ir_node *n, int rank, int64_t *out) {
    int64_t list[2 + IR_WINDOW_DIMS];
    int count;
    ir_attr_ints(n, "output_shape", &count);
    memset(out, 0, (size_t)rank * sizeof *out);
    if (ir_attr_find(n, "output_shape") == NULL) return true;
    if (count != rank + 2) count = rank;
    if (!extents(a, n, "output_shape", count, 1, list)) return false;
    memcpy(out, list + count - rank, (size_t)rank * sizeof *out);
    return true;
}

/* The full output is cut to the size wanted, or what stride · in is for SAME, by padding. */
static bool transposed_size(struct arena *a, const struct ir_node *n, struct ir_window *w, int i,
                            enum padding padding, int64_t wanted, int64_t more) {
    w->out[i] = -1;
    if (w->in[i] < 0 || w->kernel[i] == 0) return true;
    if (w->in[i] > IR_MAX_ELEMENTS / w->stride[i])
        return bad_attr(a, n, "strides", arena_printf(a, "%lld", (long long)w->stride[i]),
                        "less for so large an input");
    int64_t full = w->stride[i] * (w->in[i] - 1) + more + reach_of(w, i);
    if (wanted == 0 && (padding == UPPER || padding == LOWER)) wanted = w->in[i] * w->stride[i];
    if (wanted > 0) share_padding(w, i, full - wanted, padding != UPPER);
    w->out[i] = wanted > 0 ? wanted : full - w->before[i] - w->after[i];
    if (w->out[i] >= 1 && w->in[i] >= 1) return true;
    return bad_attr(
        a, n, "pads",
        arena_printf(a, "%lld and %lld", (long long)w->before[i], (long long)w->after[i]),
        arena_printf(a, "pads that leave something of %lld", (long long)full));
}

bool ir_transposed_window(struct arena *a, const struct ir_node *n, struct ir_window *w) {
    enum padding padding;
    int64_t wanted[IR_WINDOW_DIMS] = {0}, more[IR_WINDOW_DIMS] = {0};
    if (!read_window(a, n, w, &padding) || !wanted_sizes(a, n, w->rank, wanted) ||
        !extents(a, n, "output_padding", w->rank, 0, more))
        return false;
    for (int i = 0; i < w->rank; i++)
        if (!transposed_size(a, n, w, i, padding, wanted[i], more[i])) return false;
    return true;
}

struct ir_window ir_window_lift(const struct ir_window *w, int rank) {
    struct ir_window to = {.rank = rank};
    int added = rank - w->rank;
    for (int i = 0; i < rank; i++) {
        bool own = i >= added;
        to.in[i] = own ? w->in[i - added] : 1;
        to.kernel[i] = own ? w->kernel[i - added] : 1;
        to.stride[i] = own ? w->stride[i - added] : 1;
        to.dilation[i] = own ? w->dilation[i - added] : 1;
        to.before[i] = own ? w->before[i - added] : 0;
        to.after[i] = own ? w->after[i - added] : 0;
        to.out[i] = own ? w->out[i - added] : 1;
    }
    return to;
}
