/* Shape rules of the matrix products, of floats and of integers. Source: ONNX Gemm 13, MatMul
 * 13. */
#include "base/ops/internal.h"

static bool multiplies(enum ir_dtype t) {
    return t == IR_F32 || t == IR_I32 || t == IR_I64 || t == IR_U32 || t == IR_U64;
}

bool ir_infer_gemm(struct ir_infer *x) {
    enum ir_dtype t = ir_in(x->n, 0)->dtype;
    if (!multiplies(t)) t = IR_F32;
    if (!ir_want(x, 0, 2, t) || !ir_want(x, 1, 2, t)) return false;
    struct ir_type a = ir_type_of(ir_in(x->n, 0)), b = ir_type_of(ir_in(x->n, 1)), sum;
    int ta = ir_attr_int(x->n, "transA") != 0, tb = ir_attr_int(x->n, "transB") != 0;
    struct ir_type *y = &x->out[0];
    y->dtype = t;
    y->rank = 2;
    if (a.rank == 2) y->dims[0] = a.dims[ta];
    if (b.rank == 2) y->dims[1] = b.dims[!tb];
    if (a.rank == 2 && !ir_want_dim(x, 1, tb, a.dims[!ta], "the inner dimension of input 0"))
        return false;
    if (ir_in(x->n, 2) == NULL) return true;
    struct ir_type c = ir_type_of(ir_in(x->n, 2));
    bool fits = ir_broadcast(y, &c, &sum) && sum.rank <= 2;
    for (int i = 0; i < 2 && fits && sum.rank == 2; i++)
        fits = y->dims[i] < 0 || sum.dims[i] < 0 || sum.dims[i] == y->dims[i];
    return (fits && c.dtype == t) ||
           ir_fail_input(
               x, 2, arena_printf(x->arena, "%s that broadcasts to the product", ir_dtype_name(t)));
}

/* The matrix product's result has the broadcast leading dimensions, then rows of a and columns of
 * b; a vector is a row on the left, a column on the right, and leaves no dimension behind. */
bool ir_infer_matmul(struct ir_infer *x) {
    enum ir_dtype t = ir_in(x->n, 0)->dtype;
    if (!multiplies(t)) t = IR_F32;
    if (!ir_want(x, 0, -1, t) || !ir_want(x, 1, -1, t)) return false;
    struct ir_type a = ir_type_of(ir_in(x->n, 0)), b = ir_type_of(ir_in(x->n, 1));
    struct ir_type *y = &x->out[0];
    y->dtype = t;
    if (a.rank == 0 || b.rank == 0) return ir_fail_input(x, a.rank != 0, "1 or more dimensions");
    if (a.rank < 0 || b.rank < 0) return true;
    int inner = b.rank == 1 ? 0 : b.rank - 2;
    if (!ir_want_dim(x, 1, inner, a.dims[a.rank - 1], "the last dimension of input 0"))
        return false;
    struct ir_type lead_a = a, lead_b = b;
    lead_a.rank = a.rank > 2 ? a.rank - 2 : 0;
    lead_b.rank = b.rank > 2 ? b.rank - 2 : 0;
    if (!ir_broadcast(&lead_a, &lead_b, y)) {
        const struct ir_value *p = ir_in(x->n, 0), *q = ir_in(x->n, 1);
        diag(x->ctx, ir_no_broadcast, ir_node_where(x->arena, x->n), p->name,
             ir_type_text(x->arena, p), q->name, ir_type_text(x->arena, q));
        return false;
    }
    if (a.rank > 1) y->dims[y->rank++] = a.dims[a.rank - 2];
    if (b.rank > 1) y->dims[y->rank++] = b.dims[b.rank - 1];
    return true;
}
