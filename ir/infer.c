/* Shape inference over graphs: operators of the float level have the functions of base/ops, those
 * of the quantized level the ones of infer_quant.c and eval_quant.c. */
#include "ir/internal.h"

#include <string.h>

#define RULE_FLOAT(op, name)
#define RULE_QUANT(op, name) [op] = {ir_infer_##name, ir_eval_##name},
static const struct ir_rule rules[IR_OP_COUNT] = {
#define IR_OP(name, text, onnx, since_min, since_max, min_in, max_in, min_out, max_out, attrs,     \
              level, ...)                                                                          \
    RULE_##level(IR_OP_##name, name)
#include "base/ops/ops.def"
#undef IR_OP
};

const struct ir_rule *ir_rule(enum ir_op op) {
    const struct ir_rule *rule = ir_float_rule(op);
    return rule != NULL ? rule : &rules[op];
}

bool ir_window_of(struct ir_graph *g, const struct ir_node *n, struct ir_window *w) {
    return ir_node_window(g->arena, n, w);
}

bool ir_infer_node(struct ir_graph *g, struct ir_node *n) {
    struct ir_type *types = arena_array(g->arena, (size_t)n->out_count, sizeof *types);
    if (!ir_rule_types(ir_rule(n->op), g->arena, n, NULL, types)) return false;
    for (int i = 0; i < n->out_count; i++) {
        struct ir_value *v = n->out[i];
        const struct ir_type *t = &types[i];
        v->dtype = t->dtype;
        if (t->rank < 0) continue; /* what the model says about it may be more than follows */
        bool keep = v->rank == t->rank;
        v->rank = t->rank;
        for (int d = 0; d < IR_MAX_RANK; d++)
            if (d >= t->rank)
                v->dims[d] = 0;
            else if (t->dims[d] >= 0 || !keep)
                v->dims[d] = t->dims[d];
    }
    return true;
}
