/* Pass eliminate-dead. Requires nothing. Provides LIVE. Breaks NO_BN, FUSED, RESIDUAL: a value
 * whose other reader goes may now have one reader only.
 *
 * Removes nodes and constants no output of the network depends on. Network inputs stay: they are
 * the model's interface. */
#include "passes/internal.h"

bool pass_eliminate_dead(struct ir_graph *g, const struct pass_options *o) {
    (void)o;
    pass_sweep(g);
    return true;
}
