/* From the nodes of the quantized graph to layers, host nodes and tensors.
 *
 * Between layers there are stored integers, between host nodes the graph's own values. quantize and
 * dequantize stand where one becomes the other and cost nothing themselves: the host reads a stored
 * tensor as its real values, and writes what it made into one. Views rename.
 *
 * Not here: the order of layers and host nodes (partition.c), geometry of one layer (layer.c). */
#include "backend/diag.h"
#include "backend/internal.h"

#include <assert.h>

struct target { /* what the host makes, or has, goes into a tensor */
    const struct ir_value *from;
    struct be_buffer *to;
    int order;
};

struct taking {
    struct ctx *c;
    struct be_plan *plan;
    bool failed;
    int order; /* of the node at hand */
    /* By value id, with what views of it do: whether host nodes read it, whether the network gives
     * it out, how often it is quantized. */
    bool *host_reads, *given_out;
    int *quantized;
    /* By value id, of floats in no tensor: what the host made, a constant or a network input that
     * this is a view of, or is. */
    const struct ir_value **root;
    struct target *targets;
    int target_count;
    int *target_uses; /* by value id: targets it goes to */
};

static void fail(struct taking *k) {
    k->failed = true;
}

bool be_is_stored(const struct ir_value *v) {
    return v->quant.bits && v->dtype != IR_F32; /* floats know what they will become */
}

/* ---- What nodes are -------------------------------------------------------------------------- */

static bool is_view(const struct ir_node *n) {
    static const enum ir_op views[] = {IR_OP_reshape, IR_OP_flatten, IR_OP_squeeze, IR_OP_unsqueeze,
                                       IR_OP_identity};
    for (size_t i = 0; i < sizeof views / sizeof *views; i++)
        if (views[i] == n->op) return true;
    return false;
}

static bool has_reason(const struct ir_node *n) {
    return ir_attr_find(n, "host") != NULL;
}

static bool runs_on_host(const struct ir_node *n) {
    const struct ir_op_info *op = ir_op_info(n->op);
    bool device = op->place == IR_PLACE_ARRAY || op->place == IR_PLACE_VECTOR;
    return op->level == IR_LEVEL_FLOAT && !is_view(n) && (has_reason(n) || !device);
}

/* From the last node to the first, so that what is known of a view is known of what it shows. */
static void look_at_uses(struct taking *k) {
    const struct ir_graph *g = k->plan->graph;
    for (int i = 0; i < g->output_count; i++) k->given_out[g->outputs[i]->id] = true;
    for (const struct ir_node *n = g->last; n; n = n->prev) {
        if (is_view(n)) {
            int in = n->in[0]->id, out = n->out[0]->id;
            k->host_reads[in] |= k->host_reads[out];
            k->given_out[in] |= k->given_out[out];
            k->quantized[in] += k->quantized[out];
        } else if (n->op == IR_OP_quantize) {
            k->quantized[n->in[0]->id]++;
        } else if (runs_on_host(n)) {
            for (int i = 0; i < n->in_count; i++)
                if (n->in[i]) k->host_reads[n->in[i]->id] = true;
        }
    }
}

/* ---- Tensors --------------------------------------------------------------------------------- */

static bool check_quant(struct taking *k, const struct ir_value *v, const char *where) {
    const struct be_plan *p = k->plan;
    int min = -(1 << (p->act_bits - 1));
    if (v->quant.bits != p->act_bits) {
        diag(k->c, be_bits, where, v->name, v->quant.bits, p->act_bits);
        return false;
    }
    if (v->quant.zero == 0 || v->quant.zero == min) return true;
    diag(k->c, be_zero, where, v->name, v->quant.zero, min);
    return false;
}

static struct be_buffer *keep(struct taking *k, struct be_buffer b) {
    struct be_plan *p = k->plan;
    return p->buffers[p->buffer_count++] = arena_copy(p->arena, &b, sizeof b);
}

static struct be_buffer *add_stored(struct taking *k, const struct ir_value *v, const char *where) {
    struct be_plan *p = k->plan;
    int chw[3];
    if (!be_dims(v, chw)) {
        diag(k->c, be_batch, where, v->name, ir_type_text(p->arena, v));
        fail(k);
        return NULL;
    }
    if (!check_quant(k, v, where)) fail(k);
    int lanes = (int)p->target->lanes;
    struct be_buffer b = {.value = v,
                          .layout = SVPE_LAYOUT_BLOCKED,
                          .channels = chw[0],
                          .height = chw[1],
                          .width = chw[2],
                          .blocks = (chw[0] + lanes - 1) / lanes,
                          .bits = v->quant.bits,
                          .exp = v->quant.exp,
                          .zero = v->quant.zero,
                          .made = -1,
                          .last = -1};
    b.bytes = (uint64_t)b.blocks * (uint64_t)lanes * (uint64_t)chw[1] * (uint64_t)chw[2] *
              (uint64_t)(p->act_bits / 8);
    return p->of_value[v->id] = keep(k, b);
}

/* Of a value that the host sees: its shape is known, and no larger than a program can say. */
static bool check_shape(struct taking *k, const struct ir_value *v, const char *where) {
    int64_t most = (int64_t)1 << 30, count = 1;
    bool good = v->rank >= 0;
    for (int i = 0; i < v->rank && good; i++) {
        good = v->dims[i] >= 0 && v->dims[i] <= most && (!v->dims[i] || count <= most / v->dims[i]);
        count *= v->dims[i];
    }
    if (good) return true;
    diag(k->c, be_host_shape, where, v->name, ir_type_text(k->plan->arena, v), (long long)most);
    fail(k);
    return false;
}

/* NULL after saying that a tensor cannot be like that. */
static struct be_buffer *add_plain(struct taking *k, const struct ir_value *v) {
    const char *where = v->producer ? ir_node_where(k->plan->arena, v->producer) : NULL;
    int chw[3];
    if (!check_shape(k, v, where)) return NULL;
    int64_t elements = ir_elements(v), size = (int64_t)ir_dtype_size(v->dtype);
    if (!be_dims(v, chw)) { /* the host does not care where channels end */
        chw[0] = (int)elements;
        chw[1] = chw[2] = 1;
    }
    if (elements == 0) {
        diag(k->c, be_empty, where, v->name, ir_type_text(k->plan->arena, v));
        fail(k);
        return NULL;
    }
    return keep(k, (struct be_buffer){.value = v,
                                      .layout = SVPE_LAYOUT_PLAIN,
                                      .channels = chw[0],
                                      .height = chw[1],
                                      .width = chw[2],
                                      .bits = (int)(8 * size),
                                      .bytes = (uint64_t)(elements * size),
                                      .made = -1,
                                      .last = -1});
}

/* The host writes it as soon as `from` is there. */
static void add_target(struct taking *k, const struct ir_value *from, struct be_buffer *to,
                       int order) {
    to->by_host = true;
    k->targets[k->target_count++] = (struct target){from, to, order};
    k->target_uses[from->id]++;
}

/* ---- Network inputs -------------------------------------------------------------------------- */

/* The stem form reads pixels of few channels side by side: dense kernels, taps next to each
 * other. */
static bool stem_use(const struct ir_node *n, int index) {
    if (n->op != IR_OP_qconv || index != 0 || be_attr(n, "group", 1) != 1) return false;
    int count;
    const int64_t *dilations = ir_attr_ints(n, "dilations", &count);
    return !dilations || count < 2 || dilations[1] == 1;
}

static bool only_stem_uses(const struct taking *k, const struct ir_value *v) {
    if (k->given_out[v->id]) return false;
    for (const struct ir_use *u = v->uses; u; u = u->next)
        if (!stem_use(u->node, u->index)) return false;
    return true;
}

static void input_layout(const struct taking *k, struct be_buffer *b) {
    const struct be_plan *p = k->plan;
    int px = 0;
    while (1 << px < b->channels) px++;
    if (1 << px > p->target->lanes / 2 || !only_stem_uses(k, b->value)) return;
    b->layout = SVPE_LAYOUT_STEM;
    b->px = px;
    b->bytes = ((uint64_t)b->height * (uint64_t)b->width << px) * (uint64_t)(p->act_bits / 8);
}

static void add_input(struct taking *k, const struct ir_value *input, const struct ir_value *stored,
                      const char *where) {
    struct be_buffer *b = add_stored(k, stored, where);
    if (!b) return;
    b->input = input;
    input_layout(k, b);
}

/* What is quantized once and nothing else arrives as integers; what the host reads as well, as it
 * is; what nobody reads, not at all. */
static void take_input(struct taking *k, const struct ir_value *v) {
    bool host = k->host_reads[v->id] || k->given_out[v->id];
    if (be_is_stored(v)) {
        add_input(k, v, v, NULL);
    } else if (!host && k->quantized[v->id] == 1) {
        k->root[v->id] = v;
    } else if (host || k->quantized[v->id]) {
        struct be_buffer *b = add_plain(k, v);
        if (b) b->input = v;
        k->plan->of_value[v->id] = b;
    }
}

/* ---- Nodes ----------------------------------------------------------------------------------- */

static void take_layer(struct taking *k, const struct ir_node *n) {
    struct be_plan *p = k->plan;
    struct be_layer *l = &p->layers[p->layer_count++];
    *l = (struct be_layer){.node = n, .order = k->order, .where = ir_node_where(p->arena, n)};
    l->name = n->name[0] ? n->name : n->out[0]->name;
    add_stored(k, n->out[0], l->where);
}

static void check_host_input(struct taking *k, const struct ir_node *n, const struct ir_value *v) {
    const char *where = ir_node_where(k->plan->arena, n);
    if (be_is_stored(v)) {
        diag(k->c, be_host_input, where, v->name);
        fail(k);
    }
}

static void take_host(struct taking *k, const struct ir_node *n) {
    struct be_plan *p = k->plan;
    struct be_host *h = &p->hosts[p->host_count++];
    *h = (struct be_host){.node = n, .order = k->order, .reason = ir_attr_string(n, "host")};
    h->name = n->name[0] ? n->name : n->out[0]->name;
    if (!h->reason) h->reason = "";
    for (int i = 0; i < n->in_count; i++)
        if (n->in[i]) check_host_input(k, n, n->in[i]);
    for (int i = 0; i < n->out_count; i++) {
        if (!n->out[i]) continue;
        check_shape(k, n->out[i], ir_node_where(p->arena, n));
        k->root[n->out[i]->id] = n->out[i];
    }
}

/* What the host has to look for to get v: the tensor under v's shape, or what v is a view of. */
static const struct ir_value *source(const struct taking *k, const struct ir_value *v) {
    return k->plan->of_value[v->id] ? v : k->root[v->id];
}

/* A network input, seen under any shape, since the order of its elements stays; or what the host
 * writes as integers. */
static void take_quantize(struct taking *k, const struct ir_node *n) {
    assert(n->in[0]); /* only inputs behind those an operator needs may be left out */
    const char *where = ir_node_where(k->plan->arena, n);
    const struct ir_value *from = source(k, n->in[0]);
    if (!from) {
        diag(k->c, be_not_stored, where, n->in[0]->name);
        fail(k);
    } else if (!from->producer && !ir_is_const(from) && k->root[from->id]) {
        add_input(k, from, n->out[0], where);
    } else {
        struct be_buffer *b = add_stored(k, n->out[0], where);
        if (b) add_target(k, from, b, k->order);
    }
}

/* The same numbers under another shape. What the host made is there under one shape only. */
static void take_view(struct taking *k, const struct ir_node *n) {
    struct be_plan *p = k->plan;
    assert(n->in[0]);
    int in = n->in[0]->id, out = n->out[0]->id;
    bool made =
        !p->of_value[in] && k->root[in] && (k->root[in]->producer || ir_is_const(k->root[in]));
    if (made && k->host_reads[out]) {
        take_host(k, n);
        return;
    }
    p->of_value[out] = p->of_value[in];
    k->root[out] = k->root[in];
}

static void take_node(struct taking *k, const struct ir_node *n) {
    k->order++;
    for (int i = 0; i < n->in_count; i++)
        if (n->in[i] && ir_is_const(n->in[i])) k->root[n->in[i]->id] = n->in[i];
    if (be_kind_find(n->op)) {
        take_layer(k, n);
    } else if (n->op == IR_OP_quantize) {
        take_quantize(k, n);
    } else if (n->op == IR_OP_dequantize || is_view(n)) {
        take_view(k, n);
    } else if (runs_on_host(n)) {
        take_host(k, n);
    } else {
        diag(k->c, be_operator, ir_node_where(k->plan->arena, n), ir_op_info(n->op)->name);
        fail(k);
    }
}

/* ---- Network outputs ------------------------------------------------------------------------- */

static struct be_buffer *clone(struct taking *k, const struct be_buffer *b) {
    struct be_buffer copy = *b;
    copy.input = NULL;
    copy.host_copy = NULL;
    copy.output = true;
    return keep(k, copy);
}

/* An input cannot be an output: a layer copies it, or the host where the device does not know its
 * form. */
static struct be_buffer *copy_input(struct taking *k, struct be_buffer *b) {
    struct be_plan *p = k->plan;
    if (b->host_copy) return b->host_copy;
    b->host_copy = clone(k, b);
    if (b->layout == SVPE_LAYOUT_PLAIN) {
        add_target(k, b->input, b->host_copy, ++k->order);
        return b->host_copy;
    }
    const struct ir_node *n = b->value->producer;
    struct be_layer *l = &p->layers[p->layer_count++];
    *l = (struct be_layer){.node = n,
                           .copied = b,
                           .name = b->value->name,
                           .order = ++k->order,
                           .where = p->graph->file};
    if (n) l->where = ir_node_where(p->arena, n);
    return b->host_copy;
}

/* The host writes integers for the device and, once more, for the network's output. */
static struct be_buffer *copy_target(struct taking *k, struct be_buffer *b) {
    if (b->host_copy) return b->host_copy;
    b->host_copy = clone(k, b);
    for (int i = 0; i < k->target_count; i++) {
        if (k->targets[i].to != b) continue;
        add_target(k, k->targets[i].from, b->host_copy, k->targets[i].order);
        break;
    }
    return b->host_copy;
}

/* What the host made: it goes to the output directly, also where host nodes read it. */
static struct be_buffer *host_output(struct taking *k, const struct ir_value *from) {
    struct be_plan *p = k->plan;
    if (p->into[from->id]) return p->into[from->id];
    struct be_buffer *b = add_plain(k, from);
    if (!b) return NULL;
    b->by_host = b->output = true;
    if (!from->producer) add_target(k, from, b, ++k->order);
    return p->into[from->id] = b;
}

static struct be_buffer *output_buffer(struct taking *k, const struct ir_value *v) {
    struct be_buffer *b = k->plan->of_value[v->id];
    const struct ir_value *from = source(k, v);
    if (b && b->input) return copy_input(k, b);
    if (b && b->by_host) return copy_target(k, b);
    if (b) b->output = true;
    if (b) return b;
    if (!from && ir_is_const(v)) from = v;
    if (from) return host_output(k, from);
    diag(k->c, be_output, k->plan->graph->file, v->name);
    fail(k);
    return NULL;
}

/* ---- What the host writes -------------------------------------------------------------------- */

/* Directly, where it is the only thing to become of a result: once in a tensor of integers, it has
 * been rounded. Else by a copy. */
static void settle_target(struct taking *k, const struct target *t) {
    struct be_plan *p = k->plan;
    const struct ir_value *from = t->from;
    bool made = from->producer && k->root[from->id] == from && !p->of_value[from->id];
    if (made && !p->into[from->id] && !k->host_reads[from->id] && k->target_uses[from->id] == 1) {
        p->into[from->id] = t->to;
        return;
    }
    struct be_host *h = &p->hosts[p->host_count++];
    *h = (struct be_host){.from = from, .to = t->to, .order = t->order, .name = t->to->value->name};
    h->reason = t->to->output ? "output" : "written for the device";
}

/* ---- All of it ------------------------------------------------------------------------------- */

static struct taking taking_new(struct be_plan *p, struct arena *scratch, size_t nodes) {
    struct taking k = {.c = arena_ctx(p->arena), .plan = p};
    size_t values = (size_t)p->graph->value_count;
    size_t targets = nodes + 2 * (size_t)p->graph->output_count;
    k.host_reads = arena_array(scratch, values, sizeof *k.host_reads);
    k.given_out = arena_array(scratch, values, sizeof *k.given_out);
    k.quantized = arena_array(scratch, values, sizeof *k.quantized);
    k.root = arena_array(scratch, values, sizeof *k.root);
    k.target_uses = arena_array(scratch, values, sizeof *k.target_uses);
    k.targets = arena_array(scratch, targets, sizeof *k.targets);
    p->of_value = arena_array(p->arena, values, sizeof *p->of_value);
    p->into = arena_array(p->arena, values, sizeof *p->into);
    p->of_output = arena_array(p->arena, (size_t)p->graph->output_count, sizeof *p->of_output);
    p->layers = arena_array(p->arena, nodes, sizeof *p->layers);
    p->hosts = arena_array(p->arena, nodes + targets, sizeof *p->hosts);
    p->buffers = arena_array(p->arena, 2 * nodes + targets, sizeof *p->buffers);
    return k;
}

bool be_take_nodes(struct be_plan *p) {
    const struct ir_graph *g = p->graph;
    struct arena *scratch = arena_new(arena_ctx(p->arena));
    size_t nodes = (size_t)g->input_count + (size_t)g->output_count;
    for (const struct ir_node *n = g->first; n; n = n->next) nodes++;
    struct taking k = taking_new(p, scratch, nodes);
    look_at_uses(&k);
    for (int i = 0; i < g->input_count; i++) take_input(&k, g->inputs[i]);
    for (const struct ir_node *n = g->first; n; n = n->next) take_node(&k, n);
    for (int i = 0; i < g->output_count && !k.failed; i++)
        p->of_output[i] = output_buffer(&k, g->outputs[i]);
    for (int i = 0; i < k.target_count && !k.failed; i++) settle_target(&k, &k.targets[i]);
    arena_free(scratch);
    return !k.failed;
}
