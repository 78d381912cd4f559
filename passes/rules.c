/* Rewriting by rules to a fixed point. Deterministic: nodes in order, rules in order. */
#include "passes/internal.h"

bool pass_rules_apply(struct ir_graph *g, const struct pass_rule *rules, int count) {
    for (bool changed = true; changed;) {
        changed = false;
        for (struct ir_node *n = g->first, *next; n != NULL; n = next) {
            next = n->next;
            for (int i = 0; i < count; i++) {
                if (!rules[i].match(g, n)) continue;
                if (!rules[i].apply(g, n)) return false;
                changed = true;
                break; /* n may be gone */
            }
        }
    }
    return true;
}

bool pass_rules_match(const struct ir_graph *g, const struct pass_rule *rules, int count) {
    for (const struct ir_node *n = g->first; n != NULL; n = n->next)
        for (int i = 0; i < count; i++)
            if (rules[i].match(g, n)) return true;
    return false;
}
