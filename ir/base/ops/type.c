/* Shapes and types: text, products, broadcasting, access to single elements. */
#include "base/ops/internal.h"

int64_t ir_product(int rank, const int64_t *dims) {
    int64_t product = 1;
    bool zero = false, huge = false;
    if (rank < 0) return -1;
    for (int i = 0; i < rank; i++) {
        if (dims[i] < 0) return -1;
        zero = zero || dims[i] == 0;
        if (dims[i] > 0 && __builtin_mul_overflow(product, dims[i], &product)) {
            huge = true;
            product = 1;
        }
    }
    return zero ? 0 : huge ? INT64_MAX : product;
}

bool ir_shape_fits(int rank, const int64_t *dims) {
    int64_t known[IR_MAX_RANK];
    for (int i = 0; i < rank; i++) known[i] = dims[i] > 0 ? dims[i] : 1;
    return ir_product(rank, known) <= IR_MAX_ELEMENTS;
}

int64_t ir_elements(const struct ir_value *v) {
    return ir_product(v->rank, v->dims);
}

bool ir_is_const(const struct ir_value *v) {
    return v->data != NULL;
}

struct ir_value *ir_in(const struct ir_node *n, int index) {
    return index < n->in_count ? n->in[index] : NULL;
}

void ir_write_shape(struct writer *w, int rank, const int64_t *dims) {
    if (rank < 0) {
        write_text(w, "[*]");
        return;
    }
    write_text(w, "[");
    for (int i = 0; i < rank; i++) {
        if (i > 0) write_text(w, "x");
        if (dims[i] < 0)
            write_text(w, "?");
        else
            write_text(w, "%lld", (long long)dims[i]);
    }
    write_text(w, "]");
}

const char *ir_type_text(struct arena *a, const struct ir_value *v) {
    struct writer w;
    writer_init(&w, a);
    write_text(&w, "%s", ir_dtype_name(v->dtype));
    ir_write_shape(&w, v->rank, v->dims);
    return writer_string(&w);
}

const char *ir_node_where(struct arena *a, const struct ir_node *n) {
    const char *text = ir_node_text(a, n);
    return n->file == NULL ? text : arena_printf(a, "%s: %s", n->file, text);
}

const char *ir_node_text(struct arena *a, const struct ir_node *n) {
    const char *op = ir_op_info(n->op)->name;
    const char *out = n->out_count > 0 ? n->out[0]->name : "";
    if (n->name[0] == '\0') return arena_printf(a, "node %%%s (%s)", out, op);
    return arena_printf(a, "node \"%s\" (%s, output %%%s)", n->name, op, out);
}

/* 0: does not fit */
static bool broadcast_dim(int64_t a, int64_t b, int64_t *out) {
    if (a == b || b == 1 || (b < 0 && a > 1))
        *out = a;
    else if (a == 1 || a < 0)
        *out = b; /* where b > 1, an open a has to be b or 1 */
    else
        return false;
    return true;
}

bool ir_broadcast(const struct ir_type *a, const struct ir_type *b, struct ir_type *out) {
    out->rank = a->rank < 0 || b->rank < 0 ? -1 : a->rank > b->rank ? a->rank : b->rank;
    for (int i = 1; i <= out->rank; i++) {
        int64_t x = i <= a->rank ? a->dims[a->rank - i] : 1;
        int64_t y = i <= b->rank ? b->dims[b->rank - i] : 1;
        if (!broadcast_dim(x, y, &out->dims[out->rank - i])) return false;
    }
    return true;
}

bool ir_type_agrees(const struct ir_value *x, const struct ir_type *t) {
    if (x->dtype != t->dtype) return false;
    if (x->rank < 0 || t->rank < 0) return true;
    if (x->rank != t->rank) return false;
    for (int i = 0; i < t->rank; i++)
        if (x->dims[i] >= 0 && t->dims[i] >= 0 && x->dims[i] != t->dims[i]) return false;
    return true;
}

bool ir_type_is(const struct ir_value *x, const struct ir_type *t) {
    bool same = x->dtype == t->dtype && x->rank == t->rank && x->rank >= 0;
    for (int i = 0; i < t->rank && same; i++) same = x->dims[i] >= 0 && x->dims[i] == t->dims[i];
    return same;
}

int ir_axis(int64_t axis, int rank) {
    if (axis < -rank || axis >= rank) return -1;
    return (int)(axis < 0 ? axis + rank : axis);
}

bool ir_get_ints(enum ir_dtype t, const void *data, int64_t count, int64_t *out, int max) {
    if ((t != IR_I64 && t != IR_I32) || count < 0 || count > max) return false;
    for (int64_t i = 0; i < count; i++)
        out[i] = t == IR_I64 ? ((const int64_t *)data)[i] : ((const int32_t *)data)[i];
    return true;
}

int64_t ir_load_int(enum ir_dtype t, const void *data, int64_t i) {
    switch (t) {
    case IR_I8:
        return ((const int8_t *)data)[i];
    case IR_U8:
    case IR_BOOL:
        return ((const uint8_t *)data)[i];
    case IR_I16:
        return ((const int16_t *)data)[i];
    case IR_I32:
        return ((const int32_t *)data)[i];
    case IR_U16:
        return ((const uint16_t *)data)[i];
    case IR_U32:
        return ((const uint32_t *)data)[i];
    case IR_I64:
    case IR_U64: /* the upper half of u64 as negative numbers */
        return ((const int64_t *)data)[i];
    default:
        return 0;
    }
}

void ir_store_int(enum ir_dtype t, void *data, int64_t i, int64_t v) {
    switch (t) {
    case IR_F32:
        ((float *)data)[i] = (float)v;
        break;
    case IR_F64:
        ((double *)data)[i] = (double)v;
        break;
    case IR_I8:
        ((int8_t *)data)[i] = (int8_t)v;
        break;
    case IR_U8:
        ((uint8_t *)data)[i] = (uint8_t)v;
        break;
    case IR_BOOL:
        ((uint8_t *)data)[i] = v != 0;
        break;
    case IR_I16:
        ((int16_t *)data)[i] = (int16_t)v;
        break;
    case IR_I32:
        ((int32_t *)data)[i] = (int32_t)v;
        break;
    case IR_U16:
        ((uint16_t *)data)[i] = (uint16_t)v;
        break;
    case IR_U32:
        ((uint32_t *)data)[i] = (uint32_t)v;
        break;
    case IR_I64:
    case IR_U64:
        ((int64_t *)data)[i] = v;
        break;
    case IR_DTYPE_COUNT:
        break;
    }
}

int64_t ir_limit_int(enum ir_dtype t, int64_t v) {
    bool sign = t == IR_I8 || t == IR_I16 || t == IR_I32 || t == IR_I64;
    size_t bits = 8 * ir_dtype_size(t) - sign;
    int64_t most = bits < 63 ? ((int64_t)1 << bits) - 1 : INT64_MAX, least = sign ? -most - 1 : 0;
    return v > most ? most : v < least ? least : v;
}

double ir_load_float(enum ir_dtype t, const void *data, int64_t i) {
    if (t == IR_F32) return (double)((const float *)data)[i];
    if (t == IR_F64) return ((const double *)data)[i];
    if (t == IR_U64) return (double)((const uint64_t *)data)[i];
    return (double)ir_load_int(t, data, i);
}

bool ir_is_float(enum ir_dtype t) {
    return t == IR_F32 || t == IR_F64;
}

void ir_store_float(enum ir_dtype t, void *data, int64_t i, double v) {
    if (t == IR_F32)
        ((float *)data)[i] = (float)v;
    else
        ((double *)data)[i] = v;
}

void ir_store_real(enum ir_dtype t, void *data, int64_t i, double v) {
    const double most = 0x1p62; /* beyond any integer type but the largest, and a number of it */
    if (ir_is_float(t)) {
        ir_store_float(t, data, i, v);
        return;
    }
    if (!(v > -most)) v = v < 0 ? -most : 0;
    ir_store_int(t, data, i, ir_limit_int(t, (int64_t)(v < most ? v : most)));
}
