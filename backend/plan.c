/* From the quantized graph to a plan: which nodes become layers, which tensors they read and
 * write, then for every layer its tiling, by the default scheduler or by a script, and the
 * places of everything.
 *
 * Not here: geometry of one layer (layer.c), tilings (tile.c, cost.c, choose.c), placement
 * (memory.c). */
#include "backend/diag.h"
#include "backend/internal.h"

struct planner {
    struct ctx *c;
    struct be_plan *plan;
    bool failed;
};

static void fail(struct planner *pl) {
    pl->failed = true;
}

/* ---- Tensors --------------------------------------------------------------------------------- */

static bool check_quant(struct planner *pl, const struct ir_value *v, const char *where) {
    const struct be_plan *p = pl->plan;
    int min = -(1 << (p->act_bits - 1));
    if (v->quant.bits != p->act_bits) {
        diag(pl->c, be_bits, where, v->name, v->quant.bits, p->act_bits);
        return false;
    }
    if (v->quant.zero == 0 || v->quant.zero == min) return true;
    diag(pl->c, be_zero, where, v->name, v->quant.zero, min);
    return false;
}

static struct be_buffer *add_buffer(struct planner *pl, const struct ir_value *v, int made,
                                    const char *where) {
    struct be_plan *p = pl->plan;
    int chw[3];
    if (!be_dims(v, chw)) {
        diag(pl->c, be_batch, where, v->name, ir_type_text(p->arena, v));
        fail(pl);
        return NULL;
    }
    if (!check_quant(pl, v, where)) fail(pl);
    struct be_buffer *b = arena_alloc(p->arena, sizeof *b);
    int lanes = (int)p->target->lanes;
    *b = (struct be_buffer){.value = v,
                            .layout = SVPE_LAYOUT_BLOCKED,
                            .channels = chw[0],
                            .height = chw[1],
                            .width = chw[2],
                            .blocks = (chw[0] + lanes - 1) / lanes,
                            .bits = v->quant.bits,
                            .exp = v->quant.exp,
                            .zero = v->quant.zero,
                            .made = made,
                            .last = -1};
    b->bytes = (uint64_t)b->blocks * (uint64_t)lanes * (uint64_t)chw[1] * (uint64_t)chw[2] *
               (uint64_t)(p->act_bits / 8);
    p->buffers[p->buffer_count++] = b;
    p->of_value[v->id] = b;
    return b;
}

static bool is_output(const struct ir_graph *g, const struct ir_value *v) {
    for (int i = 0; i < g->output_count; i++)
        if (g->outputs[i] == v) return true;
    return false;
}

/* The stem form reads pixels of few channels side by side: dense kernels, taps next to each
 * other. */
static bool stem_use(const struct ir_node *n, int index) {
    if (n->op != IR_OP_qconv || index != 0 || be_attr(n, "group", 1) != 1) return false;
    int count;
    const int64_t *dilations = ir_attr_ints(n, "dilations", &count);
    return !dilations || count < 2 || dilations[1] == 1;
}

static bool only_stem_uses(const struct ir_graph *g, const struct ir_value *v) {
    if (is_output(g, v)) return false;
    for (const struct ir_node *n = g->first; n; n = n->next)
        for (int i = 0; i < n->in_count; i++)
            if (n->in[i] == v && !stem_use(n, i)) return false;
    return true;
}

static void input_layout(const struct be_plan *p, struct be_buffer *b) {
    int px = 0;
    while (1 << px < b->channels) px++;
    if (1 << px > p->target->lanes / 2 || !only_stem_uses(p->graph, b->value)) return;
    b->layout = SVPE_LAYOUT_STEM;
    b->px = px;
    b->bytes = ((uint64_t)b->height * (uint64_t)b->width << px) * (uint64_t)(p->act_bits / 8);
}

static void add_input(struct planner *pl, const struct ir_value *input,
                      const struct ir_value *stored, const char *where) {
    for (int i = 0; i < pl->plan->buffer_count; i++) {
        if (pl->plan->buffers[i]->input != input) continue;
        diag(pl->c, be_input_use, where, input->name, 2);
        fail(pl);
    }
    struct be_buffer *b = add_buffer(pl, stored, -1, where);
    if (!b) return;
    b->input = input;
    input_layout(pl->plan, b);
}

/* ---- Nodes ----------------------------------------------------------------------------------- */

static void take_layer(struct planner *pl, const struct ir_node *n) {
    struct be_plan *p = pl->plan;
    struct be_layer *l = &p->layers[p->layer_count];
    *l = (struct be_layer){
        .node = n, .index = p->layer_count++, .where = ir_node_where(p->arena, n)};
    l->name = n->name[0] ? n->name : n->out[0]->name;
    add_buffer(pl, n->out[0], l->index, l->where);
}

/* A network input, or one seen under another shape: the order of its elements stays. */
static void take_quantize(struct planner *pl, const struct ir_node *n) {
    const char *where = ir_node_where(pl->plan->arena, n);
    const struct ir_value *x = n->in[0];
    while (pl->plan->view_of[x->id]) x = pl->plan->view_of[x->id];
    if (!x->producer && !ir_is_const(x)) {
        add_input(pl, x, n->out[0], where);
        return;
    }
    diag(pl->c, be_not_stored, where, x->name);
    fail(pl);
}

/* The same numbers under another shape, or as floats for the host. */
static void take_view(struct planner *pl, const struct ir_node *n) {
    struct be_plan *p = pl->plan;
    p->of_value[n->out[0]->id] = p->of_value[n->in[0]->id];
    p->view_of[n->out[0]->id] = n->in[0];
}

/* The host reads it: from OUT, where a network input has to be copied. */
static void host_reads(struct planner *pl, struct be_buffer *b) {
    struct be_plan *p = pl->plan;
    if (b->made >= 0) {
        b->output = true;
        return;
    }
    const struct ir_node *n = b->value->producer;
    if (b->host_copy) return;
    if (!n) {
        diag(pl->c, be_output, pl->plan->graph->file, b->value->name);
        fail(pl);
        return;
    }
    struct be_layer *l = &p->layers[p->layer_count];
    *l = (struct be_layer){
        .node = n, .index = p->layer_count++, .copied = b, .name = b->value->name};
    l->where = ir_node_where(p->arena, n);
    struct be_buffer *copy = arena_copy(p->arena, b, sizeof *b);
    copy->input = NULL;
    copy->made = l->index;
    copy->output = true;
    p->buffers[p->buffer_count++] = b->host_copy = copy;
}

static void take_host(struct planner *pl, const struct ir_node *n) {
    struct be_plan *p = pl->plan;
    struct be_buffer *b = be_buffer_of(p, n->in[0]);
    p->hosts[p->host_count++] = n;
    if (b) host_reads(pl, b);
}

static const struct {
    enum ir_op op;
    void (*take)(struct planner *pl, const struct ir_node *n);
} others[] = {
    {IR_OP_quantize, take_quantize}, {IR_OP_dequantize, take_view}, {IR_OP_reshape, take_view},
    {IR_OP_flatten, take_view},      {IR_OP_squeeze, take_view},    {IR_OP_unsqueeze, take_view},
    {IR_OP_identity, take_view},     {IR_OP_softmax, take_host},
};

static void take_node(struct planner *pl, const struct ir_node *n) {
    if (be_kind_find(n->op)) {
        take_layer(pl, n);
        return;
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (others[i].op != n->op) continue;
        others[i].take(pl, n);
        return;
    }
    diag(pl->c, be_operator, ir_node_where(pl->plan->arena, n), ir_op_info(n->op)->name);
    fail(pl);
}

static void take_outputs(struct planner *pl) {
    const struct ir_graph *g = pl->plan->graph;
    for (int i = 0; i < g->output_count; i++) {
        const struct ir_value *v = g->outputs[i];
        struct be_buffer *b = be_buffer_of(pl->plan, v);
        if (b) {
            host_reads(pl, b);
        } else if (!be_host_value(pl->plan, v)) {
            diag(pl->c, be_output, pl->plan->graph->file, v->name);
            fail(pl);
        }
    }
}

const struct ir_value *be_host_value(const struct be_plan *p, const struct ir_value *v) {
    while (p->view_of[v->id]) v = p->view_of[v->id];
    for (int i = 0; i < p->host_count; i++)
        if (p->hosts[i]->out[0] == v) return v;
    return NULL;
}

/* ---- Layers ---------------------------------------------------------------------------------- */

static void reads(struct be_buffer *b, int layer) {
    if (b && layer > b->last) b->last = layer;
}

/* Every instruction carries its layer's index. */
static void check_layer_count(struct planner *pl) {
    int most = UINT16_MAX + 1;
    if (pl->plan->layer_count <= most) return;
    diag(pl->c, be_layers, pl->plan->graph->file, pl->plan->layer_count, most);
    fail(pl);
}

static void describe_layers(struct planner *pl) {
    struct be_plan *p = pl->plan;
    for (int i = 0; i < p->layer_count; i++) {
        struct be_shape *s = arena_alloc(p->arena, sizeof *s);
        p->layers[i].shape = s;
        if (p->layers[i].copied) {
            be_describe_host_copy(p, &p->layers[i], s);
        } else if (!be_describe(p, &p->layers[i], s)) {
            fail(pl);
            continue;
        }
        reads(s->x, i);
        reads(s->b, i);
        for (int k = 0; k < s->part_count; k++) reads(s->parts[k], i);
    }
}

static bool tile_layer(struct be_plan *p, struct be_layer *l, struct be_script *script) {
    struct be_misfit why;
    l->need = arena_alloc(p->arena, sizeof *l->need);
    if (!be_tiling_choose(p, l, &l->tiling)) return false;
    if (script && !be_script_tiling(script, p, l, &l->tiling)) return false;
    if (!be_tiling_fits(p, l, &l->tiling, l->need, &why)) return false;
    struct be_cost cost = be_tiling_cost(p, l, &l->tiling, l->need);
    l->tiles = cost.tiles;
    l->est_cycles = cost.cycles;
    l->est_bytes = cost.bytes;
    l->est_limit = cost.limit;
    return true;
}

static void tile_layers(struct planner *pl, const struct be_options *o) {
    struct be_plan *p = pl->plan;
    struct be_script *script = NULL;
    if (o->schedule && !(script = be_script_open(pl->c, p->arena, o->schedule))) fail(pl);
    for (int i = 0; i < p->layer_count && !(o->schedule && !script); i++)
        if (!tile_layer(p, &p->layers[i], script)) fail(pl);
}

static struct be_plan *plan_new(struct ctx *c, const struct ir_graph *g,
                                const struct be_options *o) {
    struct arena *a = arena_new(c);
    struct be_plan *p = arena_alloc(a, sizeof *p);
    size_t nodes = (size_t)g->input_count;
    for (const struct ir_node *n = g->first; n; n = n->next) nodes++;
    *p = (struct be_plan){.arena = a, .graph = g, .target = o->target, .act_bits = o->act_bits};
    p->layers = arena_array(a, nodes, sizeof *p->layers);
    p->buffers = arena_array(a, nodes, sizeof *p->buffers);
    p->hosts = arena_array(a, nodes, sizeof *p->hosts);
    p->of_value = arena_array(a, (size_t)g->value_count, sizeof *p->of_value);
    p->view_of = arena_array(a, (size_t)g->value_count, sizeof *p->view_of);
    return p;
}

struct be_plan *be_plan(struct ctx *c, const struct ir_graph *g, const struct be_options *o) {
    struct planner pl = {.c = c, .plan = plan_new(c, g, o)};
    const struct svpe_target *t = o->target;
    if (o->act_bits == 8 ? !t->act8 : !t->act16) {
        diag(c, be_act_bits, NULL, t->name, o->act_bits);
        return NULL;
    }
    for (int i = 0; i < g->input_count; i++)
        if (g->inputs[i]->quant.bits && g->inputs[i]->dtype != IR_F32)
            add_input(&pl, g->inputs[i], g->inputs[i], NULL);
    for (const struct ir_node *n = g->first; n; n = n->next) take_node(&pl, n);
    if (!pl.failed) take_outputs(&pl);
    if (!pl.failed) check_layer_count(&pl);
    if (!pl.failed) describe_layers(&pl);
    if (!pl.failed) tile_layers(&pl, o);
    if (pl.failed) return NULL;
    be_memory_plan(pl.plan);
    be_chip_plan(pl.plan);
    return pl.plan;
}
