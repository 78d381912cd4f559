/* Which layers and host nodes run in one go. A change from the device to the host, or back, costs a
 * start and copies, so there should be few: levels are the device's and the host's in turn, and
 * what runs on a side gets its first level from the highest that it depends on. Whichever side
 * begins, no order has fewer levels; both are tried. Within a level, the graph's order stays.
 *
 * Not here: what runs where (plan.c), where tensors lie (memory.c). */
#include "backend/internal.h"

#include <stdlib.h>

struct levels {
    struct be_plan *p;
    int host_parity; /* of the host's levels */
    int layer, host; /* the next of the plan's, in the graph's order */
    int *ready;      /* by value id: the level that makes it */
    int most;
};

/* The first level of that side from `level` on. */
static int side(struct levels *w, int level, bool host) {
    bool good = level % 2 == (host ? w->host_parity : 1 - w->host_parity);
    level += good ? 0 : 1;
    if (level > w->most) w->most = level;
    return level;
}

static int latest_input(const struct levels *w, const struct ir_node *n) {
    int level = 0;
    for (int i = 0; i < n->in_count; i++)
        if (n->in[i] && w->ready[n->in[i]->id] > level) level = w->ready[n->in[i]->id];
    return level;
}

/* What is neither a layer nor a host node is a view, or stands between device and host. */
static void place_node(struct levels *w, const struct ir_node *n) {
    struct be_plan *p = w->p;
    int level = latest_input(w, n);
    const struct be_layer *next = w->layer < p->layer_count ? &p->layers[w->layer] : NULL;
    if (next && next->node == n && !next->copied)
        level = p->layers[w->layer++].level = side(w, level, false);
    else if (w->host < p->host_count && p->hosts[w->host].node == n)
        level = p->hosts[w->host++].level = side(w, level, true);
    else if (n->op == IR_OP_quantize && p->of_value[n->out[0]->id]->by_host)
        level = side(w, level, true);
    for (int i = 0; i < n->out_count; i++)
        if (n->out[i]) w->ready[n->out[i]->id] = level;
}

/* Returns the number of levels with anything in them. */
static int assign_levels(struct be_plan *p, int host_parity, int *ready) {
    struct levels w = {.p = p, .host_parity = host_parity, .ready = ready};
    for (int i = 0; i < p->graph->value_count; i++) ready[i] = 0;
    for (const struct ir_node *n = p->graph->first; n; n = n->next) place_node(&w, n);
    for (; w.layer < p->layer_count; w.layer++) p->layers[w.layer].level = side(&w, 0, false);
    for (; w.host < p->host_count; w.host++) {
        struct be_host *h = &p->hosts[w.host];
        h->level = side(&w, ready[h->from->id], true);
    }
    bool first = false; /* nothing else stands above an empty level */
    for (int i = 0; i < p->layer_count; i++) first |= p->layers[i].level == 0;
    for (int i = 0; i < p->host_count; i++) first |= p->hosts[i].level == 0;
    return w.most + (first ? 1 : 0);
}

static int level_of(const struct be_step *s) {
    return s->layer ? s->layer->level : s->host->level;
}

static int order_of(const struct be_step *s) {
    return s->layer ? s->layer->order : s->host->order;
}

static int compare(const void *left, const void *right) {
    const struct be_step *a = left, *b = right;
    if (level_of(a) != level_of(b)) return level_of(a) - level_of(b);
    return order_of(a) < order_of(b) ? -1 : order_of(a) > order_of(b);
}

/* Lists of layers and host nodes in the order of the steps, which point into them. */
static void sort_lists(struct be_plan *p) {
    struct be_layer *layers = arena_array(p->arena, (size_t)p->layer_count, sizeof *layers);
    struct be_host *hosts = arena_array(p->arena, (size_t)p->host_count, sizeof *hosts);
    int layer = 0, host = 0;
    for (int i = 0; i < p->step_count; i++) {
        struct be_step *s = &p->steps[i];
        if (s->layer) {
            layers[layer] = *s->layer;
            s->layer = &layers[layer++];
            s->layer->index = i;
        } else {
            hosts[host] = *s->host;
            s->host = &hosts[host++];
            s->host->index = i;
        }
    }
    p->layers = layers;
    p->hosts = hosts;
}

static void cut_segments(struct be_plan *p) {
    p->segments = arena_array(p->arena, (size_t)p->step_count, sizeof *p->segments);
    for (int i = 0; i < p->step_count; i++) {
        bool host = p->steps[i].host != NULL;
        if (p->segment_count > 0 && p->segments[p->segment_count - 1].host == host)
            p->segments[p->segment_count - 1].count++;
        else
            p->segments[p->segment_count++] = (struct be_segment){host, i, 1};
        p->steps[i].segment = p->segment_count - 1;
    }
}

void be_partition(struct be_plan *p) {
    struct arena *scratch = arena_new(arena_ctx(p->arena));
    int *ready = arena_array(scratch, (size_t)p->graph->value_count, sizeof *ready);
    int host_second = assign_levels(p, 1, ready), host_first = assign_levels(p, 0, ready);
    if (host_second <= host_first) assign_levels(p, 1, ready);
    arena_free(scratch);
    p->step_count = p->layer_count + p->host_count;
    p->steps = arena_array(p->arena, (size_t)p->step_count, sizeof *p->steps);
    for (int i = 0; i < p->layer_count; i++) p->steps[i].layer = &p->layers[i];
    for (int i = 0; i < p->host_count; i++) p->steps[p->layer_count + i].host = &p->hosts[i];
    qsort(p->steps, (size_t)p->step_count, sizeof *p->steps, compare);
    sort_lists(p);
    cut_segments(p);
}
