/* From the quantized graph to a plan: what runs where and in which order, then for every layer its
 * tiling, by the default scheduler or by a script, and the places of everything.
 *
 * Not here: which nodes become layers (nodes.c), their order (partition.c), geometry of one layer
 * (layer.c), tilings (tile.c, cost.c, choose.c), placement (memory.c). */
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

/* ---- Life of tensors ------------------------------------------------------------------------- */

static void made_by(struct be_buffer *b, int step) {
    b->made = step;
    if (b->by_host && !b->output) b->last = step; /* it has a place, even if nobody reads it */
}

static void reads(struct be_buffer *b, int step) {
    if (b && step > b->last) b->last = step;
}

static void made_by_host(struct be_plan *p, const struct be_host *h) {
    if (!h->node) made_by(h->to, h->index);
    for (int i = 0; h->node && i < h->node->out_count; i++) {
        const struct ir_value *v = h->node->out[i];
        if (v && p->into[v->id]) made_by(p->into[v->id], h->index);
    }
}

static void makers(struct be_plan *p) {
    for (int i = 0; i < p->layer_count; i++) {
        const struct be_layer *l = &p->layers[i];
        made_by(l->copied ? l->copied->host_copy : p->of_value[l->node->out[0]->id], l->index);
    }
    for (int i = 0; i < p->host_count; i++) made_by_host(p, &p->hosts[i]);
}

static void host_readers(struct be_plan *p) {
    for (int i = 0; i < p->host_count; i++) {
        const struct be_host *h = &p->hosts[i];
        if (!h->node) reads(p->of_value[h->from->id], h->index);
        for (int k = 0; h->node && k < h->node->in_count; k++)
            if (h->node->in[k]) reads(p->of_value[h->node->in[k]->id], h->index);
    }
}

/* Each tensor once; what comes in and goes out of the network does not cross. */
static void count_to_host(struct be_plan *p, struct be_buffer *b) {
    if (!b || b->made < 0 || b->by_host || b->crosses) return;
    b->crosses = true;
    p->to_host_bytes += b->bytes;
}

static void count_crossing(struct be_plan *p) {
    for (int i = 0; i < p->host_count; i++) {
        const struct be_host *h = &p->hosts[i];
        if (!h->node) count_to_host(p, p->of_value[h->from->id]);
        for (int k = 0; h->node && k < h->node->in_count; k++)
            if (h->node->in[k]) count_to_host(p, p->of_value[h->node->in[k]->id]);
    }
    for (int i = 0; i < p->buffer_count; i++)
        if (p->buffers[i]->by_host && !p->buffers[i]->output)
            p->to_device_bytes += p->buffers[i]->bytes;
}

/* ---- Layers ---------------------------------------------------------------------------------- */

/* Every instruction carries its layer's index. */
static void check_layer_count(struct planner *pl) {
    int most = UINT16_MAX + 1;
    if (pl->plan->step_count <= most) return;
    diag(pl->c, be_layers, pl->plan->graph->file, pl->plan->step_count, most);
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
        reads(s->x, p->layers[i].index);
        reads(s->b, p->layers[i].index);
        for (int k = 0; k < s->part_count; k++) reads(s->parts[k], p->layers[i].index);
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

struct be_plan *be_plan(struct ctx *c, const struct ir_graph *g, const struct be_options *o) {
    const struct svpe_target *t = o->target;
    if (o->act_bits == 8 ? !t->act8 : !t->act16) {
        diag(c, be_act_bits, NULL, t->name, o->act_bits);
        return NULL;
    }
    struct arena *a = arena_new(c);
    struct be_plan *p = arena_alloc(a, sizeof *p);
    *p = (struct be_plan){.arena = a, .graph = g, .target = t, .act_bits = o->act_bits};
    if (!be_take_nodes(p)) return NULL;
    be_partition(p);
    struct planner pl = {.c = c, .plan = p};
    check_layer_count(&pl);
    makers(p);
    host_readers(p);
    if (!pl.failed) describe_layers(&pl);
    if (!pl.failed) tile_layers(&pl, o);
    if (pl.failed) return NULL;
    count_crossing(p);
    be_memory_plan(p);
    be_chip_plan(p);
    return p;
}
