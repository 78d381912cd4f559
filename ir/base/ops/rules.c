/* Which functions an operator of the float level has, expanded from ops.def. Those of the quantized
 * level are in ir/. */
#include "base/ops/internal.h"

#define RULE_FLOAT(op, name) [op] = {ir_infer_##name, ir_eval_##name},
#define RULE_QUANT(op, name)
static const struct ir_rule rules[IR_OP_COUNT] = {
#define IR_OP(name, text, onnx, since_min, since_max, min_in, max_in, min_out, max_out, attrs,     \
              level, ...)                                                                          \
    RULE_##level(IR_OP_##name, name)
#define IR_FUNCTION(name, ...) RULE_FLOAT(IR_OP_##name, function)
#define IR_REAL(name, ...)     [IR_OP_##name] = {ir_infer_function, ir_eval_real},
#include "base/ops/ops.def"
#undef IR_OP
};

const struct ir_rule *ir_float_rule(enum ir_op op) {
    return rules[op].types == NULL ? NULL : &rules[op];
}

bool ir_op_asks_shape(enum ir_op op) {
    return op == IR_OP_shape || op == IR_OP_size || op == IR_OP_eyelike;
}

bool ir_op_runs(enum ir_op op) {
    return ir_float_rule(op) != NULL;
}
