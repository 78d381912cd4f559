/* What a graph will be once it is quantized, but for the numbers: made of a legal float graph in no
 * time, for whoever wants to know whether it can be planned before calibration takes its time.
 * Weights are zeros (of a text dump without data) and every exponent is 0. Not for running. */
#include "passes/quant/quant.h"

static struct ir_graph *without_data(const struct ir_graph *g) {
    struct arena *scratch = arena_new(g->ctx);
    struct writer w;
    writer_init(&w, scratch);
    ir_print(g, 0, &w);
    struct ir_graph *outline = ir_parse_own(g->ctx, g->name, (const char *)w.data, w.size);
    arena_free(scratch);
    return outline;
}

struct ir_graph *pass_outline(const struct ir_graph *g, const struct pass_options *o) {
    struct ir_graph *outline = without_data(g);
    if (!outline) return NULL;
    struct arena *scratch = arena_new(g->ctx);
    const struct quant_families *f = quant_families_new(outline, scratch, false, NULL);
    for (int i = 0; i < outline->value_count; i++) {
        struct ir_value *v = outline->values[i];
        if (!v) continue;
        v->elided = 0; /* zeros they are, and zeros they may be */
        if (quant_is_activation(v) && f->device[quant_family(f, v)])
            v->quant = (struct ir_quant){.bits = o->act_bits};
    }
    arena_free(scratch);
    return pass_quantize(outline, o) && pass_fuse_residual(outline, o) ? outline : NULL;
}
