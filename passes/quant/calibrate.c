/* Calibration: runs the float network on real inputs, keeps one range per tensor and never an
 * activation, and chooses each tensor's exponent and zero (docs/quantization.md).
 *
 * Image i goes to thread i % threads; ranges are integer counts on a fixed grid, so that merging
 * them gives the same result at any number of threads.
 *
 * Memory: threads × (ir_eval_room(), one input, one range of 16 KiB per tensor), however many
 * images there are; weights are read where they lie. There are no more threads than fit MEMORY_MAX,
 * but one.
 */
#include "passes/quant/diag.h"
#include "passes/quant/quant.h"

#include "base/progress.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

enum {
    SYNTHETIC_HEADROOM = 2, /* bits */
    EXPONENT_MAX = 128,     /* what the verifier lets a value have */
    MEMORY_MAX = 1 << 29    /* bytes of all threads together */
};

struct worker {
    const struct quant_feed *feed;
    const int *slot;            /* by value id: index into ranges, or −1 */
    struct quant_range *ranges; /* this worker's own */
    struct progress *progress;  /* all workers' */
    int first, step;
    pthread_t thread;
    bool started, out_of_memory;
    long failed;                /* image on which it stopped, or −1 */
    const struct ir_value *bad; /* a value that was not finite there */
    struct ctx ctx;             /* arenas and messages of this thread */
};

static void observe(void *user, const struct ir_value *v, const void *data) {
    struct worker *w = user;
    if (w->slot[v->id] < 0) return;
    progress_step(w->progress, 0);
    struct quant_range *r = &w->ranges[w->slot[v->id]];
    quant_range_add(r, data, ir_elements(v));
    if (!r->finite && !w->bad) w->bad = v;
}

static bool run_image(struct worker *w, long i) {
    struct arena *a = arena_new(&w->ctx);
    struct ir_graph *g = w->feed->graph;
    const void **in = arena_array(a, (size_t)g->input_count, sizeof *in);
    const void **out = arena_array(a, (size_t)g->output_count, sizeof *out);
    bool good = quant_feed_get(w->feed, &w->ctx, a, i, in) &&
                ir_eval_observed(g, a, in, observe, w, out) && !w->bad;
    arena_free(a);
    progress_step(w->progress, 1);
    return good;
}

static void run_images(struct worker *w) {
    for (long i = w->first; i < w->feed->count && w->failed < 0; i += w->step)
        if (!run_image(w, i)) w->failed = i;
}

static void *worker_main(void *user) {
    struct worker *w = user;
    if (setjmp(w->ctx.oom))
        w->out_of_memory = true;
    else
        run_images(w);
    return NULL;
}

struct crew {
    struct worker *workers;
    int count;
};

/* Also called when memory runs out half way: whatever the threads allocated goes. */
static void crew_free(void *user) {
    struct crew *w = user;
    for (int i = 0; i < w->count; i++) ctx_free(&w->workers[i].ctx);
}

/* The first failure in the order of the images, whichever thread met it. */
static bool report(struct ctx *c, struct crew *crew) {
    struct worker *first = NULL;
    bool out_of_memory = false;
    for (int i = 0; i < crew->count; i++) {
        struct worker *w = &crew->workers[i];
        out_of_memory |= w->out_of_memory;
        if (w->failed >= 0 && (!first || w->failed < first->failed)) first = w;
    }
    if (first && first->bad)
        diag(c, quant_not_finite,
             first->bad->producer ? ir_node_where(arena_new(c), first->bad->producer) : NULL,
             first->bad->name);
    for (const struct diag *d = first ? first->ctx.first : NULL; d; d = d->next)
        diag_emit(c, d->severity, d->id, d->where, d->hint, "%s", d->message);
    crew_free(crew);
    if (out_of_memory) ctx_oom(c);
    return !first;
}

/* A thread that cannot be had costs time, not correctness: its share is done here. */
static bool run_crew(struct ctx *c, struct crew *crew) {
    struct worker *w = crew->workers;
    for (int i = 1; i < crew->count; i++)
        w[i].started = !pthread_create(&w[i].thread, NULL, worker_main, &w[i]);
    for (int i = 0; i < crew->count; i++)
        if (!w[i].started) worker_main(&w[i]);
    for (int i = 1; i < crew->count; i++)
        if (w[i].started) pthread_join(w[i].thread, NULL);
    return report(c, crew);
}

struct slots {
    int *of; /* by value id */
    int count;
};

/* What only the host reads and makes needs no range, and may hold infinities. */
static bool has_range(const struct quant_families *f, const struct ir_value *v) {
    return quant_is_activation(v) && f->device[quant_family(f, v)];
}

/* False: the host runs all of the network. */
static bool needs_ranges(const struct quant_families *f) {
    for (int i = 0; i < f->graph->value_count; i++)
        if (has_range(f, f->graph->values[i])) return true;
    return false;
}

/* One range for each tensor whose numbers are new; a family's other members repeat them. */
static struct slots slots_new(const struct quant_families *f, struct arena *a) {
    struct slots s = {arena_array(a, (size_t)f->graph->value_count, sizeof *s.of), 0};
    for (int i = 0; i < f->graph->value_count; i++) {
        const struct ir_value *v = f->graph->values[i];
        s.of[i] = has_range(f, v) && f->source[i] ? s.count++ : -1;
    }
    return s;
}

static int thread_count(const struct quant_feed *f, const struct slots *s) {
    uint64_t each = ir_eval_room(f->graph) + (uint64_t)s->count * sizeof(struct quant_range);
    for (int i = 0; i < f->graph->input_count; i++)
        each +=
            (uint64_t)ir_elements(f->graph->inputs[i]) * ir_dtype_size(f->graph->inputs[i]->dtype);
    uint64_t most = MEMORY_MAX / each; /* there is at least one input, and it is not empty */
    int count = f->options->threads;
    if (count > f->count) count = (int)f->count;
    if ((uint64_t)(count < 1 ? 1 : count) > most) count = (int)most;
    return count < 1 ? 1 : count;
}

static struct crew *crew_new(struct ir_graph *g, struct arena *a, const struct quant_feed *f,
                             const struct slots *s) {
    int count = thread_count(f, s);
    struct crew *crew = arena_alloc(g->arena, sizeof *crew); /* outlives a: see ctx_defer() */
    crew->workers = arena_array(g->arena, (size_t)count, sizeof *crew->workers);
    for (; crew->count < count; crew->count++) {
        struct worker *w = &crew->workers[crew->count];
        *w = (struct worker){.feed = f, .slot = s->of, .step = count};
        w->first = crew->count;
        w->failed = -1;
        w->ranges = arena_array(a, (size_t)s->count, sizeof *w->ranges);
        for (int k = 0; k < s->count; k++) quant_range_init(&w->ranges[k]);
        ctx_init(&w->ctx, g->ctx->tool, NULL);
    }
    ctx_defer(g->ctx, crew_free, crew);
    return crew;
}

/* Runs all inputs; the first worker's ranges hold everything in the end. NULL after an error. */
static struct quant_range *gather(struct ir_graph *g, struct arena *a, const struct quant_feed *f,
                                  const struct slots *s) {
    struct crew *crew = crew_new(g, a, f, s);
    struct progress *bar = progress_begin(g->ctx, a, "calibrating", f->count);
    for (int i = 0; i < crew->count; i++) crew->workers[i].progress = bar;
    bool good = run_crew(g->ctx, crew);
    progress_end(bar);
    if (!good) return NULL;
    for (int i = 1; i < crew->count; i++)
        for (int k = 0; k < s->count; k++)
            quant_range_merge(&crew->workers[0].ranges[k], &crew->workers[i].ranges[k]);
    return crew->workers[0].ranges;
}

/* Synthetic inputs show how large values can get only roughly, and clipping costs more than
 * resolution: nothing they reach is clipped, and there is room above. An image's own range is known
 * exactly. */
static int synthetic_exp(const struct quant_range *r, const struct pass_options *o, bool nonneg,
                         bool image) {
    return quant_range_minmax(r, o->act_bits, nonneg) + (image ? 0 : SYNTHETIC_HEADROOM);
}

/* Ranges that the model came with say more than synthetic inputs do, real inputs say more. */
static struct ir_quant choose(const struct quant_range *r, const struct ir_range *given,
                              const struct pass_options *o, bool nonneg, bool image) {
    struct ir_quant q = {.bits = o->act_bits, .zero = nonneg ? -(1 << (o->act_bits - 1)) : 0};
    const struct quant_range like = {
        .min = (float)given->lo, .max = (float)given->hi, .count = given->lo < given->hi};
    if (like.count && !o->calib_spec)
        q.exp = quant_range_minmax(&like, o->act_bits, nonneg);
    else if (!o->calib_spec)
        q.exp = synthetic_exp(r, o, nonneg, image);
    else if (o->calib == CALIB_MSE)
        q.exp = quant_range_mse(r, o->act_bits, nonneg);
    else
        q.exp = quant_range_minmax(r, o->act_bits, nonneg);
    return q;
}

/* What families have their exponents from. */
struct evidence {
    const struct quant_families *f;
    const struct slots *slots;
    const struct quant_range *ranges; /* by slot */
    const struct pass_options *options;
    struct arena *arena;
    struct quant_range **totals; /* by root, of families that meet in a concat; NULL: of others */
};

/* A family's members are a ring: the ranges of its sources come together. */
static void add_sources(const struct evidence *e, int root, struct quant_range *total) {
    int i = root;
    quant_range_init(total);
    do
        if (e->slots->of[i] >= 0) quant_range_merge(total, &e->ranges[e->slots->of[i]]);
    while ((i = e->f->next[i]) != root);
}

static struct quant_range *total_of(const struct evidence *e, const struct ir_value *v) {
    int root = quant_family(e->f, v);
    if (!e->totals[root]) {
        e->totals[root] = arena_alloc(e->arena, sizeof **e->totals);
        add_sources(e, root, e->totals[root]);
    }
    return e->totals[root];
}

/* Numbers that come requantized into what a concat makes count there as well, with all that has
 * come into their own family before: nodes stand in topological order. */
static void add_entering(const struct evidence *e) {
    for (const struct ir_node *n = e->f->graph->first; n; n = n->next)
        for (int i = 0; i < n->in_count && n->op == IR_OP_concat && !ir_is_host(n); i++)
            if (quant_is_activation(n->in[i]) &&
                quant_family(e->f, n->in[i]) != quant_family(e->f, n->out[0]))
                quant_range_merge(total_of(e, n->out[0]), total_of(e, n->in[i]));
}

/* Its members are activations, all of them, since the root is one. */
static void assign_family(const struct evidence *e, int root, const struct quant_range *total) {
    struct ir_value **values = e->f->graph->values;
    bool image = false;
    int i = root;
    struct ir_range given = {0, 0};
    do {
        image |= quant_is_image(values[i], &e->options->preprocess);
        given.lo = fmin(given.lo, values[i]->range.lo);
        given.hi = fmax(given.hi, values[i]->range.hi);
    } while ((i = e->f->next[i]) != root);
    struct ir_quant q = choose(total, &given, e->options, e->f->nonneg[root], image);
    do values[i]->quant = q;
    while ((i = e->f->next[i]) != root);
}

static void assign(struct evidence *e) {
    const struct quant_families *f = e->f;
    struct quant_range *own = arena_alloc(e->arena, sizeof *own);
    e->totals = arena_array(e->arena, (size_t)f->graph->value_count, sizeof *e->totals);
    add_entering(e);
    for (int root = 0; root < f->graph->value_count; root++)
        if (has_range(f, f->graph->values[root]) && f->parent[root] == root) {
            if (!e->totals[root]) add_sources(e, root, own);
            assign_family(e, root, e->totals[root] ? e->totals[root] : own);
        }
}

static void forget_quants(const struct ir_graph *g) {
    for (int i = 0; i < g->value_count; i++)
        if (quant_is_activation(g->values[i])) g->values[i]->quant = (struct ir_quant){0};
}

/* ---- what a concat joins ---- */

/* A value alone in a concat loses nothing by the concat's exponent that the concat would not lose
 * anyway. What others read too loses bits there; one of them is half a step of noise more, which
 * networks do not feel, and a pass of the vector unit over the tensor is dear. So two bits and more
 * are worth being requantized on the way into the concat. */
enum { CONCAT_LOSS = 1 };

static bool is_shared(const struct ir_value *v) {
    return quant_is_activation(v) && (v->use_count > 1 || v->output_count > 0);
}

static bool *all_that_enter(const struct ir_graph *g, struct arena *a) {
    bool *apart = arena_array(a, (size_t)g->value_count, sizeof *apart);
    for (const struct ir_node *n = g->first; n; n = n->next)
        for (int i = 0; i < n->in_count && n->op == IR_OP_concat && quant_convertible(n); i++)
            apart[n->in[i]->id] = is_shared(n->in[i]);
    return apart;
}

static void assign_by(struct evidence *e, bool nonneg, const bool *apart) {
    struct ir_graph *g = e->f->graph;
    forget_quants(g);
    e->f = quant_families_new(g, e->arena, nonneg, apart);
    assign(e);
}

/* First every such value by itself, then all joined: those that lose too much are left apart. */
static void assign_concats(struct evidence *e, bool nonneg) {
    struct ir_graph *g = e->f->graph;
    bool *apart = all_that_enter(g, e->arena);
    int *own = arena_array(e->arena, (size_t)g->value_count, sizeof *own), count = 0;
    assign_by(e, nonneg, apart);
    for (int i = 0; i < g->value_count; i++) own[i] = apart[i] ? g->values[i]->quant.exp : 0;
    assign_by(e, nonneg, NULL);
    for (int i = 0; i < g->value_count; i++) {
        apart[i] = apart[i] && g->values[i]->quant.exp - own[i] > CONCAT_LOSS;
        count += apart[i];
    }
    if (count > 0) assign_by(e, nonneg, apart);
}

static bool check_exponents(const struct ir_graph *g) {
    for (int i = 0; i < g->value_count; i++) {
        const struct ir_value *v = g->values[i];
        if (v == NULL || v->quant.bits == 0 || abs(v->quant.exp) <= EXPONENT_MAX) continue;
        diag(g->ctx, quant_exponent, g->file, v->name, v->quant.exp, EXPONENT_MAX, EXPONENT_MAX);
        return false;
    }
    return true;
}

static bool calibrate(struct ir_graph *g, struct arena *a, const struct pass_options *o) {
    struct quant_feed feed;
    if (!quant_check_act_bits(g->ctx, o)) return false;
    forget_quants(g);
    struct quant_families *f = quant_families_new(g, a, false, NULL);
    if (!needs_ranges(f)) return true;
    if (!quant_feed_open(g, a, o, &feed)) return false;
    struct slots s = slots_new(f, a);
    struct quant_range *ranges = gather(g, a, &feed, &s);
    if (!ranges) return false;
    struct evidence e = {f, &s, ranges, o, a, NULL};
    assign_concats(&e, feed.nonneg);
    return quant_settle(e.f, NULL) && check_exponents(g);
}

bool pass_calibrate(struct ir_graph *g, const struct pass_options *o) {
    struct arena *a = arena_new(g->ctx);
    bool good = calibrate(g, a, o);
    arena_free(a);
    return good;
}
