/* Shape rules of the operators that work element by element and broadcast, with ONNX semantics:
 * eval_broadcast.c computes them. */
#include "base/ops/internal.h"

#include <string.h>

static bool fail_broadcast(struct ir_infer *x, int a, int b) {
    const struct ir_value *p = ir_in(x->n, a), *q = ir_in(x->n, b);
    diag(x->ctx, ir_no_broadcast, ir_node_where(x->arena, x->n), p->name, ir_type_text(x->arena, p),
         q->name, ir_type_text(x->arena, q));
    return false;
}

/* The output has the shape of all inputs from the first on. */
static bool broadcast(struct ir_infer *x, enum ir_dtype to) {
    struct ir_type sum = ir_type_of(ir_in(x->n, 0));
    for (int i = 1; i < x->n->in_count; i++) {
        struct ir_type a = sum, b = ir_type_of(ir_in(x->n, i));
        if (!ir_broadcast(&a, &b, &sum)) return fail_broadcast(x, 0, i);
    }
    x->out[0] = sum;
    x->out[0].dtype = to;
    return true;
}

/* Inputs from `first` on are of one type. */
static bool same_types(struct ir_infer *x, int first) {
    for (int i = first + 1; i < x->n->in_count; i++)
        if (!ir_want(x, i, -1, ir_in(x->n, first)->dtype)) return false;
    return true;
}

static bool numbers(struct ir_infer *x, int index) {
    return ir_in(x->n, index)->dtype != IR_BOOL || ir_fail_input(x, index, "numbers");
}

static bool infer_numbers(struct ir_infer *x) {
    return numbers(x, 0) && same_types(x, 0) && broadcast(x, ir_in(x->n, 0)->dtype);
}

bool ir_infer_add(struct ir_infer *x) {
    return ir_infer_act(x) && infer_numbers(x);
}
bool ir_infer_sub(struct ir_infer *x) {
    return infer_numbers(x);
}
bool ir_infer_mul(struct ir_infer *x) {
    return infer_numbers(x);
}
bool ir_infer_div(struct ir_infer *x) {
    return infer_numbers(x);
}
bool ir_infer_mod(struct ir_infer *x) {
    return infer_numbers(x);
}
bool ir_infer_max(struct ir_infer *x) {
    return infer_numbers(x);
}
bool ir_infer_min(struct ir_infer *x) {
    return infer_numbers(x);
}
bool ir_infer_sum(struct ir_infer *x) {
    return infer_numbers(x);
}
bool ir_infer_mean(struct ir_infer *x) {
    return ir_want(x, 0, -1, IR_F32) && infer_numbers(x);
}

bool ir_infer_pow(struct ir_infer *x) {
    return numbers(x, 0) && numbers(x, 1) && broadcast(x, ir_in(x->n, 0)->dtype);
}

/* --- comparison, logic, bits --- */

static bool infer_comparison(struct ir_infer *x) {
    return numbers(x, 0) && same_types(x, 0) && broadcast(x, IR_BOOL);
}

bool ir_infer_equal(struct ir_infer *x) {
    return same_types(x, 0) && broadcast(x, IR_BOOL);
}
bool ir_infer_greater(struct ir_infer *x) {
    return infer_comparison(x);
}
bool ir_infer_less(struct ir_infer *x) {
    return infer_comparison(x);
}
bool ir_infer_greaterorequal(struct ir_infer *x) {
    return infer_comparison(x);
}
bool ir_infer_lessorequal(struct ir_infer *x) {
    return infer_comparison(x);
}

static bool infer_logic(struct ir_infer *x) {
    return ir_want(x, 0, -1, IR_BOOL) && same_types(x, 0) && broadcast(x, IR_BOOL);
}

bool ir_infer_and(struct ir_infer *x) {
    return infer_logic(x);
}
bool ir_infer_or(struct ir_infer *x) {
    return infer_logic(x);
}
bool ir_infer_xor(struct ir_infer *x) {
    return infer_logic(x);
}
bool ir_infer_not(struct ir_infer *x) {
    return ir_want(x, 0, -1, IR_BOOL) && ir_same_as_input(x);
}

static bool infer_bits(struct ir_infer *x) {
    enum ir_dtype t = ir_in(x->n, 0)->dtype;
    if (ir_is_float(t) || t == IR_BOOL) return ir_fail_input(x, 0, "integers");
    return same_types(x, 0) && broadcast(x, t);
}

bool ir_infer_bitwiseand(struct ir_infer *x) {
    return infer_bits(x);
}
bool ir_infer_bitwiseor(struct ir_infer *x) {
    return infer_bits(x);
}
bool ir_infer_bitwisexor(struct ir_infer *x) {
    return infer_bits(x);
}
bool ir_infer_bitwisenot(struct ir_infer *x) {
    return infer_bits(x);
}

/* --- one operand --- */

static bool infer_number(struct ir_infer *x) {
    return numbers(x, 0) && ir_same_as_input(x);
}

bool ir_infer_neg(struct ir_infer *x) {
    return infer_number(x);
}
bool ir_infer_abs(struct ir_infer *x) {
    return infer_number(x);
}
bool ir_infer_sign(struct ir_infer *x) {
    return infer_number(x);
}

static bool infer_kind(struct ir_infer *x) {
    if (!ir_want(x, 0, -1, IR_F32)) return false;
    ir_same_as_input(x);
    x->out[0].dtype = IR_BOOL;
    return true;
}

bool ir_infer_isnan(struct ir_infer *x) {
    return infer_kind(x);
}
bool ir_infer_isinf(struct ir_infer *x) {
    return infer_kind(x);
}

/* --- choice and copies --- */

bool ir_infer_where(struct ir_infer *x) {
    return ir_want(x, 0, -1, IR_BOOL) && same_types(x, 1) && broadcast(x, ir_in(x->n, 1)->dtype);
}

/* Of an empty constant list the output has no dimensions beyond the input's. */
bool ir_infer_expand(struct ir_infer *x) {
    struct ir_type t = ir_type_of(ir_in(x->n, 0)), want = {.dtype = t.dtype};
    bool known;
    if (!ir_int_input(x, 1, want.dims, IR_MAX_RANK, &want.rank, &known)) return false;
    x->out[0].dtype = t.dtype;
    if (!known) return true;
    for (int i = 0; i < want.rank; i++)
        if (want.dims[i] < 0) return ir_fail_input(x, 1, "dimensions of 0 or more");
    if (!ir_broadcast(&t, &want, &x->out[0]))
        return ir_fail_input(x, 1, "a shape that the input broadcasts with");
    return true;
}

bool ir_infer_castlike(struct ir_infer *x) {
    ir_same_as_input(x);
    x->out[0].dtype = ir_in(x->n, 1)->dtype;
    return true;
}
