/* Reading and making constants of the graph. */
#include "passes/internal.h"

double pass_const_at(const struct ir_value *v, int64_t i) {
    switch (v->dtype) {
    case IR_F32:
        return (double)((const float *)v->data)[i];
    case IR_F64:
        return ((const double *)v->data)[i];
    case IR_I8:
        return ((const int8_t *)v->data)[i];
    case IR_U8:
    case IR_BOOL:
        return ((const uint8_t *)v->data)[i];
    case IR_I16:
        return ((const int16_t *)v->data)[i];
    case IR_I32:
        return ((const int32_t *)v->data)[i];
    case IR_U16:
        return ((const uint16_t *)v->data)[i];
    case IR_U32:
        return ((const uint32_t *)v->data)[i];
    case IR_I64:
        return (double)((const int64_t *)v->data)[i];
    case IR_U64:
        return (double)((const uint64_t *)v->data)[i];
    case IR_DTYPE_COUNT:
        break;
    }
    return 0;
}

double *pass_const_copy(struct arena *a, const struct ir_value *v) {
    int64_t n = ir_elements(v);
    double *to = arena_array(a, (size_t)n, sizeof *to);
    for (int64_t i = 0; i < n; i++) to[i] = pass_const_at(v, i);
    return to;
}

bool pass_const_ints(const struct ir_value *v, int64_t *out, int room, int *count) {
    if (v == NULL || !ir_is_const(v) || (v->dtype != IR_I64 && v->dtype != IR_I32)) return false;
    int64_t n = ir_elements(v);
    if (n > room) return false;
    for (int64_t i = 0; i < n; i++)
        out[i] = v->dtype == IR_I64 ? ((const int64_t *)v->data)[i] : ((const int32_t *)v->data)[i];
    *count = (int)n;
    return true;
}

static const float *rounded(struct arena *a, const double *data, int64_t n) {
    float *to = arena_array(a, (size_t)n, sizeof *to);
    for (int64_t i = 0; i < n; i++) to[i] = (float)data[i];
    return to;
}

struct ir_value *pass_const_new(struct ir_graph *g, const char *wanted, int rank,
                                const int64_t *dims, const double *data) {
    int64_t n = 1;
    for (int i = 0; i < rank; i++) n *= dims[i];
    const float *copy = rounded(g->arena, data, n);
    return ir_const_new(g, ir_unique_name(g, wanted), IR_F32, rank, dims, copy);
}

struct ir_value *pass_const_new_ints(struct ir_graph *g, const char *wanted, const int64_t *data,
                                     int count) {
    const void *copy = arena_copy(g->arena, data, (size_t)count * sizeof *data);
    return ir_const_new(g, ir_unique_name(g, wanted), IR_I64, 1, (int64_t[]){count}, copy);
}

enum { WORTH_DROPPING = 1 << 14 }; /* bytes: some pages */

static size_t data_bytes(const struct ir_value *v) {
    return (size_t)ir_elements(v) * ir_dtype_size(v->dtype);
}

void pass_data_drop(const struct ir_graph *g, const void *data, size_t bytes) {
    uintptr_t first = (uintptr_t)data, end = first + bytes;
    if (bytes < WORTH_DROPPING) return;
    for (int i = 0; i < g->value_count; i++) {
        const struct ir_value *v = g->values[i];
        if (!v || !ir_is_const(v)) continue;
        uintptr_t at = (uintptr_t)v->data;
        if (at < end && first < at + data_bytes(v)) return;
    }
    arena_drop(g->ctx, data, bytes);
}

void pass_const_replace(struct ir_graph *g, struct ir_node *n, int index, const double *data) {
    struct ir_value *v = n->in[index];
    if (ir_use_count(g, v) > 1) {
        v = pass_const_new(g, v->name, v->rank, v->dims, data);
        ir_set_input(g, n, index, v);
        return;
    }
    const void *old = v->data;
    v->data = rounded(g->arena, data, ir_elements(v));
    v->elided = 0;
    pass_data_drop(g, old, data_bytes(v));
}

bool pass_is_per_channel(const struct ir_value *v, int64_t channels, int rank) {
    if (!ir_is_const(v) || v->dtype != IR_F32 || v->rank > rank) return false;
    int64_t n = ir_elements(v);
    int axis = v->rank - (rank - 1); /* of the channels, in v */
    return n == 1 || (n == channels && axis >= 0 && v->dims[axis] == channels);
}

double *pass_per_channel(struct arena *a, const struct ir_value *v, int64_t channels, int rank) {
    if (!pass_is_per_channel(v, channels, rank)) return NULL;
    int64_t n = ir_elements(v);
    double *to = arena_array(a, (size_t)channels, sizeof *to);
    for (int64_t i = 0; i < channels; i++) to[i] = pass_const_at(v, n == 1 ? 0 : i);
    return to;
}
