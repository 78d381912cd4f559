/* The operators that cut a tensor into blocks, of elements of any type. Source: ONNX Split 18,
 * DepthToSpace 13, SpaceToDepth 13. */
#include "base/ops/internal.h"

#include <string.h>

bool ir_eval_split(const struct ir_eval *e) {
    const struct ir_value *v = ir_in(e->n, 0);
    int axis = ir_axis(ir_attr_int(e->n, "axis"), v->rank);
    int64_t outer = ir_product(axis, v->dims), before = 0;
    size_t inner = (size_t)ir_product(v->rank - axis - 1, v->dims + axis + 1);
    inner *= ir_dtype_size(v->dtype);
    for (int i = 0; i < e->n->out_count; i++) {
        int64_t part = e->n->out[i]->dims[axis];
        const char *x = (const char *)ir_eval_in(e, 0) + (size_t)before * inner;
        char *y = ir_eval_out(e, i);
        size_t block = (size_t)part * inner;
        for (int64_t o = 0; o < outer && block > 0; o++)
            memcpy(y + (size_t)o * block, x + (size_t)(o * v->dims[axis]) * inner, block);
        before += part;
    }
    return true;
}

/* Block (by, bx) of size² gives, or takes, every size-th row and column of the large image: one
 * channel of the deep image. */
struct blocks {
    int64_t size, channels, rows, cols; /* channels of the large image, rows and columns of the deep
                                           one */
    bool column_first;                  /* CRD: the block's index is the inner one */
};

static int64_t deep_channel(const struct blocks *b, int64_t c, int64_t by, int64_t bx) {
    int64_t block = by * b->size + bx;
    return b->column_first ? c * b->size * b->size + block : block * b->channels + c;
}

/* Copies one channel of the deep image from or to its places in the large one. */
static void copy_block(const struct blocks *b, char *deep, char *large, size_t size,
                       bool to_large) {
    int64_t pitch = b->cols * b->size;
    for (int64_t y = 0; y < b->rows; y++)
        for (int64_t x = 0; x < b->cols; x++) {
            char *p = large + (size_t)(y * b->size * pitch + x * b->size) * size;
            memcpy(to_large ? p : deep, to_large ? deep : p, size);
            deep += size;
        }
}

/* Both tensors whole; what is only read is not written. */
static void copy_blocks(const struct blocks *b, int64_t batch, char *deep, char *large, size_t size,
                        bool to_large) {
    size_t plane = (size_t)(b->rows * b->cols) * size, area = (size_t)(b->size * b->size);
    for (int64_t n = 0; n < batch; n++)
        for (int64_t c = 0; c < b->channels; c++)
            for (int64_t by = 0; by < b->size; by++)
                for (int64_t bx = 0; bx < b->size; bx++) {
                    int64_t from = n * b->channels * b->size * b->size + deep_channel(b, c, by, bx);
                    char *to = large + (size_t)(n * b->channels + c) * plane * area;
                    to += (size_t)(by * b->cols * b->size + bx) * size;
                    copy_block(b, deep + (size_t)from * plane, to, size, to_large);
                }
}

bool ir_eval_depthtospace(const struct ir_eval *e) {
    const struct ir_value *v = ir_in(e->n, 0), *y = e->n->out[0];
    struct blocks b = {ir_attr_int(e->n, "blocksize"), y->dims[1], v->dims[2], v->dims[3],
                       strcmp(ir_attr_string(e->n, "mode"), "CRD") == 0};
    if (ir_elements(y) == 0) return true;
    copy_blocks(&b, v->dims[0], (char *)ir_eval_in(e, 0), ir_eval_out(e, 0),
                ir_dtype_size(v->dtype), true);
    return true;
}

bool ir_eval_spacetodepth(const struct ir_eval *e) {
    const struct ir_value *v = ir_in(e->n, 0), *y = e->n->out[0];
    struct blocks b = {ir_attr_int(e->n, "blocksize"), v->dims[1], y->dims[2], y->dims[3], false};
    if (ir_elements(y) == 0) return true;
    copy_blocks(&b, v->dims[0], ir_eval_out(e, 0), (char *)ir_eval_in(e, 0),
                ir_dtype_size(v->dtype), false);
    return true;
}
