/* Part of pass legalize: what the fields of instructions and the size of an activation rule out
 * whatever the numbers are, said before anything is calibrated. The backend checks the same
 * limits again, on layers, and all those that depend on tiles. */
#include "isa/isa.h"
#include "passes/internal.h"

struct limit {
    const char *name;
    int64_t value;
    enum svpe_field conv, pool;
};

static bool in_field(const struct ir_graph *g, struct arena *a, const struct ir_node *n,
                     const struct limit *l) {
    int64_t min, max;
    svpe_field_range(n->op == IR_OP_conv ? l->conv : l->pool, &min, &max);
    if (l->value >= min && l->value <= max) return true;
    diag(g->ctx, pass_window_limit, ir_node_where(a, n), l->name, (long long)l->value,
         (long long)min, (long long)max);
    return false;
}

/* The vector unit has no dilations: legal.c. */
static bool check_window(struct ir_graph *g, struct arena *a, const struct ir_node *n) {
    struct ir_window w;
    if (!ir_window_of(g, n, &w)) return false;
    const struct limit limits[] = {
        {"kernel height", w.kernel[0], SVPE_CONV_kh, SVPE_WIN_kh},
        {"kernel width", w.kernel[1], SVPE_CONV_kw, SVPE_WIN_kw},
        {"row stride", w.stride[0], SVPE_CONV_sy, SVPE_WIN_sy},
        {"column stride", w.stride[1], SVPE_CONV_sx, SVPE_WIN_sx},
        {"padding above", w.before[0], SVPE_TILE_pt, SVPE_TILE_pt},
        {"padding left", w.before[1], SVPE_TILE_pl, SVPE_TILE_pl},
        {"row dilation", w.dilation[0], SVPE_CONV_dy, SVPE_CONV_dy},
        {"column dilation", w.dilation[1], SVPE_CONV_dx, SVPE_CONV_dx},
    };
    bool good = true;
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        good = in_field(g, a, n, &limits[i]) && good;
    return good;
}

/* Activations lie in DRAM in blocks of V channels; stores have a field for the distance of two
 * blocks. */
static bool check_plane(const struct ir_graph *g, const struct pass_options *o, struct arena *a,
                        const struct ir_node *n) {
    int64_t min, max;
    const int64_t *d = n->out[0]->dims;
    if (o->target == NULL) return true; /* the graph alone is looked at */
    int64_t vector = o->target->lanes * o->act_bits / 8;
    svpe_field_range(SVPE_BACK_sb, &min, &max);
    if (d[2] <= max / vector / d[3]) return true;
    diag(g->ctx, pass_plane_limit, ir_node_where(a, n), ir_type_text(a, n->out[0]),
         (long long)(max / vector));
    return false;
}

static bool on_device(const struct ir_node *n) {
    enum ir_place place = ir_op_info(n->op)->place;
    return place == IR_PLACE_ARRAY || place == IR_PLACE_VECTOR;
}

bool pass_limits(struct ir_graph *g, const struct pass_options *o) {
    struct arena *scratch = arena_new(g->ctx);
    bool good = true;
    for (const struct ir_node *n = g->first; n != NULL; n = n->next) {
        if (!on_device(n) || ir_op_info(n->op)->level == IR_LEVEL_QUANT) continue;
        bool window = n->op == IR_OP_conv || n->op == IR_OP_maxpool || n->op == IR_OP_avgpool;
        if (window) good = check_window(g, scratch, n) && good;
        if (n->out[0]->rank == 4) good = check_plane(g, o, scratch, n) && good;
    }
    arena_free(scratch);
    return good;
}
