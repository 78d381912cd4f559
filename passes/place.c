/* Part of pass legalize: where each node runs. Of the operators of the float level
 *   - the device runs what the rules of legal.c let it, but for work of the vector unit that stands
 *     between operators of the host: taking floats to the device only to clamp them costs time and
 *     accuracy,
 *   - a view of the network's input or of what the device makes is free, unless the device reads it
 *     as well: then elements would have to move, which the host does,
 *   - the host runs the rest.
 * Between device and host, quantize puts the conversions. */
#include "passes/internal.h"

#include <string.h>

enum place { DEVICE, FREE, HOST };
enum source { FROM_INPUT, FROM_DEVICE, FROM_HOST };

struct placing {
    const struct ir_graph *g;
    struct arena *a; /* of reasons */
    const struct svpe_target *target;
    int act_bits;
    /* By id of output 0: the place as known so far; why it is not the device; and whether it is
     * wrong because of its inputs, which has been said. */
    enum place *place;
    struct pass_reason *why;
    bool *refused;
    /* By value id. */
    enum source *source;
    bool *device_reads; /* it, or a view of it */
    bool *for_array;    /* the array reads it, or what other work of the device makes of it */
    bool *at_end;       /* nothing but views and operators that are the host's read it */
};

static bool is_float_level(const struct ir_node *n) {
    return ir_op_info(n->op)->level != IR_LEVEL_QUANT;
}

static int key(const struct ir_node *n) {
    return n->out[0]->id;
}

static void find_device_readers(struct placing *p) {
    memset(p->device_reads, 0, (size_t)p->g->value_count * sizeof *p->device_reads);
    for (const struct ir_node *n = p->g->last; n != NULL; n = n->prev) {
        bool reads = pass_is_view(n->op) ? p->device_reads[key(n)] : p->place[key(n)] == DEVICE;
        for (int i = 0; reads && i < n->in_count; i++)
            if (n->in[i] != NULL) p->device_reads[n->in[i]->id] = true;
    }
}

static void find_array(struct placing *p) {
    for (const struct ir_node *n = p->g->last; n != NULL; n = n->prev) {
        bool array = ir_op_info(n->op)->place == IR_PLACE_ARRAY, view = pass_is_view(n->op);
        if ((!view && p->place[key(n)] != DEVICE) || (!array && !p->for_array[key(n)])) continue;
        for (int i = 0; i < n->in_count; i++)
            if (n->in[i] != NULL) p->for_array[n->in[i]->id] = true;
    }
}

static void find_end(struct placing *p) {
    for (int i = 0; i < p->g->value_count; i++) p->at_end[i] = true;
    for (const struct ir_node *n = p->g->last; n != NULL; n = n->prev) {
        bool host = pass_is_view(n->op) || ir_op_info(n->op)->place == IR_PLACE_HOST;
        if (host && p->at_end[key(n)]) continue;
        for (int i = 0; i < n->in_count; i++)
            if (n->in[i] != NULL) p->at_end[n->in[i]->id] = false;
    }
}

#define REASON(p, row, ...)                                                                        \
    ((struct pass_reason){.id = #row,                                                              \
                          .hint = row##_hint,                                                      \
                          .text = arena_printf((p)->a, row##_format, ##__VA_ARGS__)})

static enum place place_view(struct placing *p, const struct ir_node *n) {
    const struct ir_value *in = n->in[0], *out = n->out[0];
    enum source from = p->source[in->id];
    p->why[key(n)] = REASON(p, pass_read_host);
    if (from == FROM_HOST || in->dtype != IR_F32) return HOST;
    if (from == FROM_INPUT || !p->device_reads[out->id]) return FREE;
    p->why[key(n)] = REASON(p, pass_view_inside, ir_type_text(p->a, in), ir_type_text(p->a, out));
    return HOST;
}

/* Every activation among its inputs, of which there is one. */
static bool reads_host_only(const struct placing *p, const struct ir_node *n) {
    int found = 0;
    for (int i = 0; i < n->in_count; i++) {
        if (n->in[i] == NULL || ir_is_const(n->in[i])) continue;
        if (p->source[n->in[i]->id] != FROM_HOST) return false;
        found++;
    }
    return found > 0;
}

static enum place place_operator(struct placing *p, const struct ir_node *n) {
    enum place place = p->place[key(n)];
    bool array = ir_op_info(n->op)->place == IR_PLACE_ARRAY || p->for_array[key(n)];
    if (place != DEVICE || array || !reads_host_only(p, n)) return place;
    p->why[key(n)] = REASON(p, pass_read_host);
    return HOST;
}

/* What the rules say of single nodes, before neighbours are looked at. */
static void judge(struct placing *p) {
    for (const struct ir_node *n = p->g->first; n != NULL; n = n->next) {
        if (!is_float_level(n) || pass_is_view(n->op)) continue;
        bool can =
            !ir_is_host(n) && pass_can_run(p->a, p->g, n, p->target, p->act_bits, &p->why[key(n)]);
        if (ir_op_info(n->op)->place == IR_PLACE_HOST) p->why[key(n)] = REASON(p, pass_unsupported);
        p->place[key(n)] = can ? DEVICE : HOST;
    }
}

static void set_place(struct placing *p, const struct ir_node *n, enum place place) {
    p->place[key(n)] = place;
    enum source from = place == HOST ? FROM_HOST : FROM_DEVICE;
    if (place == FREE) from = p->source[n->in[0]->id];
    for (int i = 0; i < n->out_count; i++) p->source[n->out[i]->id] = from;
}

/* In the order of the graph, so that what a node reads has its place. */
static void settle(struct placing *p) {
    for (const struct ir_node *n = p->g->first; n != NULL; n = n->next) {
        if (!is_float_level(n))
            set_place(p, n, DEVICE);
        else if (!pass_is_view(n->op))
            set_place(p, n, place_operator(p, n));
        else
            set_place(p, n, ir_is_host(n) ? HOST : place_view(p, n));
    }
}

static struct placing placing_of(const struct ir_graph *g, struct arena *a,
                                 const struct pass_options *o) {
    struct placing p = {.g = g, .a = a};
    if (o != NULL) p.target = o->target, p.act_bits = o->act_bits;
    p.place = arena_array(a, (size_t)g->value_count, sizeof *p.place);
    p.why = arena_array(a, (size_t)g->value_count, sizeof *p.why);
    p.refused = arena_array(a, (size_t)g->value_count, sizeof *p.refused);
    p.source = arena_array(a, (size_t)g->value_count, sizeof *p.source); /* FROM_INPUT */
    p.device_reads = arena_array(a, (size_t)g->value_count, sizeof *p.device_reads);
    p.for_array = arena_array(a, (size_t)g->value_count, sizeof *p.for_array);
    p.at_end = arena_array(a, (size_t)g->value_count, sizeof *p.at_end);
    judge(&p);
    find_device_readers(&p);
    find_array(&p);
    settle(&p);
    find_end(&p);
    return p;
}

/* ---- what is said, and noted in the graph ---- */

static const char *short_reason(struct arena *a, const char *text) {
    return arena_strndup(a, text, strcspn(text, ";"));
}

/* It would be the device's, were it not for its inputs. */
static bool is_derived(const struct placing *p, const struct ir_node *n) {
    return strcmp(p->why[key(n)].id, "pass_read_host") == 0;
}

static bool reads_refused(const struct placing *p, const struct ir_node *n) {
    for (int i = 0; i < n->in_count; i++)
        if (n->in[i] != NULL && p->refused[n->in[i]->id]) return true;
    return false;
}

/* Softmax and its like behind the last operator of the device are where they belong, and a view has
 * left nothing. */
static bool is_expected(const struct placing *p, const struct ir_node *n) {
    if (pass_is_view(n->op)) return is_derived(p, n);
    return ir_op_info(n->op)->place == IR_PLACE_HOST && p->at_end[key(n)];
}

static void say(const struct placing *p, const struct ir_node *n, enum pass_fallback fallback) {
    const struct pass_reason *why = &p->why[key(n)];
    const char *where = ir_node_where(p->a, n);
    struct ctx *c = p->g->ctx;
    if (why->wrong || (fallback == FALLBACK_ERROR && !is_derived(p, n)))
        diag_emit(c, DIAG_ERROR, why->id, where, why->hint, "%s", why->text);
    else if (fallback == FALLBACK_HOST)
        diag_emit(c, DIAG_WARNING, "pass_on_host", where, why->hint, pass_on_host_format,
                  why->text);
}

/* What a wrong node makes is as wrong only where its type is: a wrong batch goes on and on. */
static void place_node(struct ir_graph *g, struct placing *p, struct ir_node *n,
                       enum pass_fallback fallback) {
    const struct ir_value *out = n->out[0];
    bool refused = reads_refused(p, n);
    if (!refused && !is_expected(p, n)) say(p, n, fallback);
    if (!refused && !p->why[key(n)].wrong)
        ir_set_string(g, n, "host", short_reason(p->a, p->why[key(n)].text));
    p->refused[out->id] =
        (refused || p->why[key(n)].wrong) && (out->rank != 4 || out->dims[0] != 1);
}

static bool check_outputs(const struct ir_graph *g, bool say) {
    bool good = true;
    for (int i = 0; i < g->output_count; i++) {
        if (g->outputs[i]->producer != NULL) continue;
        good = false;
        if (say && ir_is_const(g->outputs[i]))
            diag(g->ctx, pass_output_not_made, g->file, g->outputs[i]->name);
        else if (say)
            diag(g->ctx, pass_output_input, g->file, g->outputs[i]->name);
    }
    return good;
}

static void say_unused_inputs(const struct ir_graph *g) {
    for (int i = 0; i < g->input_count; i++)
        if (ir_use_count(g, g->inputs[i]) == 0)
            diag(g->ctx, pass_input_unused, g->file, g->inputs[i]->name);
}

static bool has_device_node(const struct placing *p) {
    for (const struct ir_node *n = p->g->first; n != NULL; n = n->next)
        if (p->place[key(n)] == DEVICE) return true;
    return false;
}

bool pass_place(struct ir_graph *g, const struct pass_options *o) {
    struct arena *scratch = arena_new(g->ctx);
    int errors = g->ctx->errors;
    struct placing p = placing_of(g, scratch, o);
    check_outputs(g, true);
    say_unused_inputs(g);
    for (struct ir_node *n = g->first; n != NULL; n = n->next)
        if (p.place[key(n)] == HOST && ir_attr_find(n, "host") == NULL)
            place_node(g, &p, n, o->fallback);
    if (errors == g->ctx->errors && !has_device_node(&p))
        diag_emit(g->ctx, o->fallback == FALLBACK_ERROR ? DIAG_ERROR : DIAG_WARNING, "pass_nothing",
                  g->file, pass_nothing_hint, pass_nothing_format, g->name);
    arena_free(scratch);
    return errors == g->ctx->errors;
}

bool pass_placed(const struct ir_graph *g) {
    struct arena *scratch = arena_new(g->ctx);
    struct placing p = placing_of(g, scratch, NULL);
    bool good = check_outputs(g, false);
    for (const struct ir_node *n = g->first; good && n != NULL; n = n->next)
        good = p.place[key(n)] != HOST || ir_is_host(n);
    arena_free(scratch);
    return good;
}
