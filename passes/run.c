/* The pipeline: runs passes in order, and after each one verifies the graph and what the pass
 * claims in passes.def. */
#include "base/options.h"
#include "passes/internal.h"

#include <string.h>
#include <time.h>

struct plan { /* the passes to run, in order */
    const struct pass_info **passes;
    int count;
};

static void say_unknown(struct ir_graph *g, const char *name) {
    const char **names = arena_array(g->arena, (size_t)pass_count(), sizeof *names);
    for (int i = 0; i < pass_count(); i++) names[i] = pass_at(i)->name;
    const char *near = nearest_name(name, names, pass_count());
    if (near != NULL)
        diag(g->ctx, pass_unknown_near, NULL, name, near);
    else
        diag(g->ctx, pass_unknown, NULL, name);
}

static bool named_passes(struct ir_graph *g, const struct pass_run *r, struct plan *plan) {
    bool good = true;
    plan->passes = arena_array(g->arena, (size_t)r->count, sizeof *plan->passes);
    for (plan->count = 0; plan->count < r->count; plan->count++) {
        const struct pass_info *p = pass_find(r->names[plan->count]);
        if (p == NULL) say_unknown(g, r->names[plan->count]);
        good = good && p != NULL;
        plan->passes[plan->count] = p;
    }
    return good;
}

static bool is_quantized(const struct ir_graph *g) {
    for (const struct ir_node *n = g->first; n != NULL; n = n->next)
        if (ir_op_info(n->op)->level == IR_LEVEL_QUANT) return true;
    return false;
}

static void default_passes(struct ir_graph *g, struct plan *plan) {
    int first = is_quantized(g) ? (int)(pass_find("quantize") - pass_at(0)) + 1 : 0;
    plan->count = pass_count() - first;
    plan->passes = arena_array(g->arena, (size_t)plan->count, sizeof *plan->passes);
    for (int i = 0; i < plan->count; i++) plan->passes[i] = pass_at(first + i);
}

static bool is_named(const char *name, const char *const *names, int count) {
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0) return true;
    return false;
}

/* A name of --stop-after or --print-after that no pass of the plan has would otherwise do
 * nothing, silently. */
static bool expect_planned(struct ir_graph *g, const struct plan *plan, const char *name) {
    for (int i = 0; i < plan->count; i++)
        if (strcmp(plan->passes[i]->name, name) == 0) return true;
    if (pass_find(name) != NULL)
        diag(g->ctx, pass_not_planned, NULL, name);
    else
        say_unknown(g, name);
    return false;
}

static bool make_plan(struct ir_graph *g, const struct pass_run *r, struct plan *plan) {
    bool good = true;
    if (r->names != NULL)
        good = named_passes(g, r, plan);
    else
        default_passes(g, plan);
    if (!good) return false;
    if (r->stop_after != NULL) good = expect_planned(g, plan, r->stop_after);
    for (int i = 0; i < r->print_after_count; i++)
        good = expect_planned(g, plan, r->print_after[i]) && good;
    return good;
}

/* Constants of a text dump may be there as a hash only: such a graph can be looked at, but not
 * compiled to anything true. */
static void warn_elided(struct ir_graph *g) {
    int elided = 0;
    for (int i = 0; i < g->value_count; i++)
        elided += g->values[i] != NULL && g->values[i]->elided != 0;
    if (elided > 0) diag(g->ctx, pass_elided, g->file, elided);
}

static void dump(const struct ir_graph *g, const struct pass_info *p, const struct pass_run *r) {
    if (!r->print_after_all && !is_named(p->name, r->print_after, r->print_after_count)) return;
    struct arena *scratch = arena_new(g->ctx);
    struct writer w;
    writer_init(&w, scratch);
    write_text(&w, "// after %s\n", p->name);
    ir_print(g, r->print_flags, &w);
    fwrite(w.data, 1, w.size, r->print_to);
    arena_free(scratch);
}

static bool say_missing(struct ir_graph *g, const struct pass_info *p, unsigned missing) {
    for (int i = 0; i < PASS_PROPERTY_COUNT; i++) {
        if (!(missing & 1u << i)) continue;
        const char *maker = "none";
        for (int k = 0; k < pass_count(); k++)
            if (pass_at(k)->provides & 1u << i) maker = pass_at(k)->name;
        diag(g->ctx, pass_requires, NULL, p->name, pass_property_name((enum pass_property)i),
             pass_property_meaning((enum pass_property)i), maker);
    }
    return missing == 0;
}

static bool say_broken(struct ir_graph *g, const struct pass_info *p, unsigned broken) {
    for (int i = 0; i < PASS_PROPERTY_COUNT; i++)
        if (broken & 1u << i)
            diag(g->ctx, pass_broken_claim, NULL, p->name,
                 pass_property_name((enum pass_property)i),
                 pass_property_meaning((enum pass_property)i));
    return broken == 0;
}

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int count_nodes(const struct ir_graph *g) {
    int count = 0;
    for (const struct ir_node *n = g->first; n != NULL; n = n->next) count++;
    return count;
}

/* *have: the properties the graph has, brought up to date. */
static bool run_one(struct ir_graph *g, const struct pass_options *o, const struct pass_run *r,
                    const struct pass_info *p, unsigned *have) {
    if (!say_missing(g, p, p->requires & ~*have)) return false;
    if (r->before != NULL && !r->before(r->user, g, p)) return false;
    double start = seconds();
    int errors = g->ctx->errors;
    bool good = p->run(g, o);
    if (!good || g->ctx->errors > errors) {
        if (g->ctx->errors == errors) diag(g->ctx, pass_silent, NULL, p->name);
        return false;
    }
    if (r->verbose)
        diag(g->ctx, pass_time, NULL, p->name, 1e3 * (seconds() - start), count_nodes(g));
    dump(g, p, r);
    if (!ir_verify(g, p->name)) return false;
    unsigned claimed = (*have & ~p->breaks) | p->provides;
    *have = pass_properties_of(g);
    return say_broken(g, p, claimed & ~*have);
}

bool pass_pipeline(struct ir_graph *g, const struct pass_options *o, const struct pass_run *r) {
    struct plan plan;
    if (!make_plan(g, r, &plan)) return false;
    warn_elided(g);
    if (!ir_verify(g, "input")) return false;
    unsigned have = pass_properties_of(g);
    for (int i = 0; i < plan.count; i++) {
        if (!run_one(g, o, r, plan.passes[i], &have)) return false;
        if (r->stop_after != NULL && strcmp(plan.passes[i]->name, r->stop_after) == 0) break;
    }
    return true;
}
