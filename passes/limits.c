/* Part of pass legalize: what the fields of instructions and the size of an activation rule out
 * whatever the numbers are, found before anything is calibrated. The backend checks the same
 * limits again, on layers, and all those that depend on tiles. */
#include "isa/isa.h"
#include "passes/internal.h"

struct limit {
    const char *name;
    int64_t value;
    enum svpe_field conv, pool;
};

static bool in_field(struct arena *a, const struct ir_node *n, const struct limit *l,
                     struct pass_reason *why) {
    int64_t min, max;
    svpe_field_range(n->op == IR_OP_conv ? l->conv : l->pool, &min, &max);
    if (l->value >= min && l->value <= max) return true;
    *why = (struct pass_reason){.id = "pass_window_limit", .hint = pass_window_limit_hint};
    why->text = arena_printf(a, pass_window_limit_format, l->name, (long long)l->value,
                             (long long)min, (long long)max);
    return false;
}

/* The vector unit has no dilations: legal.c. */
static bool check_window(struct arena *a, const struct ir_graph *g, const struct ir_node *n,
                         struct pass_reason *why) {
    struct ir_window w;
    if (!ir_window_of((struct ir_graph *)g, n, &w)) return false;
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
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (!in_field(a, n, &limits[i], why)) return false;
    return true;
}

/* Activations lie in DRAM in blocks of V channels; stores have a field for the distance of two
 * blocks. */
static bool check_plane(struct arena *a, const struct ir_node *n, const struct svpe_target *t,
                        int act_bits, struct pass_reason *why) {
    int64_t min, max;
    const int64_t *d = n->out[0]->dims;
    int64_t vector = t->lanes * act_bits / 8;
    svpe_field_range(SVPE_BACK_sb, &min, &max);
    if (d[2] <= max / vector / d[3]) return true;
    *why = (struct pass_reason){.id = "pass_plane_limit", .hint = pass_plane_limit_hint};
    why->text = arena_printf(a, pass_plane_limit_format, ir_type_text(a, n->out[0]),
                             (long long)(max / vector));
    return false;
}

bool pass_limits(struct arena *a, const struct ir_graph *g, const struct ir_node *n,
                 const struct svpe_target *t, int act_bits, struct pass_reason *why) {
    bool window = n->op == IR_OP_conv || n->op == IR_OP_maxpool || n->op == IR_OP_avgpool;
    if (window && !check_window(a, g, n, why)) return false;
    return t == NULL || n->out[0]->rank != 4 || check_plane(a, n, t, act_bits, why);
}
