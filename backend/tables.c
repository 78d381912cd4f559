/* The container's tables: tensors that host and device share, inputs with their byte tables,
 * outputs, layer rows, segments. isa/isa.h says what each holds. */
#include "backend/internal.h"

#include <string.h>

struct tables {
    struct be_lower *lo;
    struct svpe_program *program;
    const struct be_options *options;
    int *of_host; /* by value id: tensor of a host operator's output + 1 */
};

/* ---- Tensors --------------------------------------------------------------------------------- */

static int add_tensor(struct tables *t, struct svpe_tensor tensor) {
    struct svpe_program *p = t->program;
    p->tensors[p->tensor_count] = tensor;
    return p->tensor_count++;
}

/* The model's shape with a batch of 1. */
static void shape(struct svpe_tensor *t, const struct ir_value *v) {
    t->name = v->name;
    t->rank = v->rank;
    for (int i = 0; i < IR_MAX_RANK; i++) t->dims[i] = i < v->rank ? v->dims[i] : 0;
}

/* A stored tensor under the shape of v, one of its views. */
static int stored_tensor(struct tables *t, const struct be_buffer *b, const struct ir_value *v) {
    if (b->host_copy && v != b->input) b = b->host_copy;
    struct svpe_tensor r = {.region = b->made < 0 ? SVPE_REGION_IN : SVPE_REGION_OUT,
                            .offset = b->made < 0 ? b->in_at : b->out_at,
                            .bytes = b->bytes,
                            .layout = b->layout,
                            .dtype = "",
                            .px = b->px,
                            .channels = b->channels,
                            .height = b->height,
                            .width = b->width,
                            .bits = b->bits,
                            .exp = b->exp,
                            .zero = b->zero};
    shape(&r, v);
    return add_tensor(t, r);
}

static uint64_t out_room(struct be_lower *lo, uint64_t bytes) {
    uint64_t *end = &lo->machine.region_bytes[SVPE_REGION_OUT], at = *end;
    *end += (bytes + 63) / 64 * 64;
    return at;
}

static int float_tensor(struct tables *t, const struct ir_value *v) {
    int chw[3];
    if (!be_dims(v, chw)) { /* the host does not care where channels end */
        chw[0] = (int)ir_elements(v);
        chw[1] = chw[2] = 1;
    }
    uint64_t bytes = (uint64_t)ir_elements(v) * sizeof(float);
    struct svpe_tensor r = {.region = SVPE_REGION_OUT,
                            .offset = out_room(t->lo, bytes),
                            .bytes = bytes,
                            .layout = SVPE_LAYOUT_PLAIN,
                            .dtype = ir_dtype_name(IR_F32),
                            .channels = chw[0],
                            .height = chw[1],
                            .width = chw[2],
                            .bits = 32};
    shape(&r, v);
    return add_tensor(t, r);
}

/* ---- Inputs ---------------------------------------------------------------------------------- */

enum { BYTES = 256 };

/* Stored integer of every byte of every channel, by the one formula of preprocessing. */
static const int16_t *byte_table(struct be_lower *lo, const struct preprocess *pre,
                                 const struct be_buffer *b) {
    int16_t *table = arena_array(lo->arena, (size_t)b->channels * BYTES, sizeof *table);
    struct ir_quant q = {b->bits, b->exp, b->zero};
    for (int c = 0; c < b->channels; c++)
        for (int x = 0; x < BYTES; x++)
            table[c * BYTES + x] =
                (int16_t)ir_quantize_float((double)preprocess_byte(pre, c, (uint8_t)x), q);
    return table;
}

static bool add_input(struct tables *t, const struct be_buffer *b) {
    const struct preprocess *pre = &t->options->preprocess;
    if (pre->bgr && !preprocess_check(t->lo->ctx, b->input->name, pre, b->channels)) return false;
    struct svpe_input *in = &t->program->inputs[t->program->input_count++];
    *in = (struct svpe_input){.tensor = stored_tensor(t, b, b->input),
                              .scale = pre->scale,
                              .preprocess_given = pre->given,
                              .resize = pre->fit.resize,
                              .crop = pre->fit.crop,
                              .resize_plain = pre->fit.plain};
    for (int c = 0; c < PREPROCESS_CHANNELS; c++) {
        in->mean[c] = pre->mean[c];
        in->std[c] = pre->std[c];
        in->source[c] = preprocess_source(pre, c);
    }
    in->has_table = b->channels <= PREPROCESS_CHANNELS;
    if (in->has_table) in->table = byte_table(t->lo, pre, b);
    return true;
}

static bool inputs(struct tables *t) {
    const struct be_plan *p = t->lo->plan;
    for (int i = 0; i < p->graph->input_count; i++)
        for (int k = 0; k < p->buffer_count; k++)
            if (p->buffers[k]->input == p->graph->inputs[i] && !add_input(t, p->buffers[k]))
                return false;
    return true;
}

/* ---- Host operators and outputs -------------------------------------------------------------- */

/* Tensor of a value the host reads: an operator's result, or a stored tensor under this value's
 * shape. */
static int host_operand(struct tables *t, const struct ir_value *v) {
    const struct ir_value *host = be_host_value(t->lo->plan, v);
    if (!host) return stored_tensor(t, be_buffer_of(t->lo->plan, v), v);
    struct svpe_tensor view = t->program->tensors[t->of_host[host->id] - 1];
    if (host == v) return t->of_host[host->id] - 1;
    shape(&view, v);
    return add_tensor(t, view);
}

static int host_value(struct tables *t, const struct ir_value *v, int tensor) {
    struct svpe_program *p = t->program;
    struct svpe_host_value *h = &p->host_values[p->host_value_count];
    *h = (struct svpe_host_value){
        .name = v->name, .dtype = ir_dtype_name(IR_F32), .rank = v->rank, .tensor = tensor};
    for (int i = 0; i < v->rank; i++) h->dims[i] = v->dims[i];
    return p->host_value_count++;
}

static int list_item(struct tables *t, int64_t v) {
    t->program->host_lists[t->program->host_list_count] = v;
    return t->program->host_list_count++;
}

static void host_attrs(struct tables *t, const struct ir_node *n, struct svpe_host_node *h) {
    static const char *const names[] = {"axis", "flat"};
    struct svpe_program *p = t->program;
    h->attr_first = p->host_attr_count;
    for (int i = 0; i < 2; i++)
        p->host_attrs[p->host_attr_count++] =
            (struct svpe_host_attr){.name = names[i], .i = ir_attr_int(n, names[i]), .s = ""};
    h->attr_count = 2;
}

static void host_node(struct tables *t, const struct ir_node *n) {
    struct svpe_program *p = t->program;
    struct svpe_host_node *h = &p->host_nodes[p->host_node_count++];
    *h = (struct svpe_host_node){.name = n->name,
                                 .op = ir_op_info(n->op)->name,
                                 .in_count = 1,
                                 .out_count = 1,
                                 .layer = t->lo->plan->layer_count + p->host_node_count - 1};
    h->in_first = list_item(t, host_value(t, n->in[0], host_operand(t, n->in[0])));
    int out = float_tensor(t, n->out[0]);
    h->out_first = list_item(t, host_value(t, n->out[0], out));
    t->of_host[n->out[0]->id] = out + 1;
    host_attrs(t, n, h);
}

static void hosts(struct tables *t) {
    const struct be_plan *p = t->lo->plan;
    struct svpe_program *program = t->program;
    size_t count = (size_t)p->host_count;
    program->host_nodes = arena_array(t->lo->arena, count, sizeof *program->host_nodes);
    program->host_values = arena_array(t->lo->arena, 2 * count, sizeof *program->host_values);
    program->host_attrs = arena_array(t->lo->arena, 2 * count, sizeof *program->host_attrs);
    program->host_lists = arena_array(t->lo->arena, 2 * count, sizeof *program->host_lists);
    for (int i = 0; i < p->host_count; i++) host_node(t, p->hosts[i]);
    if (count)
        program->segments[program->segment_count++] =
            (struct svpe_segment){.host = true, .node_count = p->host_count};
}

static void outputs(struct tables *t) {
    const struct ir_graph *g = t->lo->plan->graph;
    t->program->outputs = arena_array(t->lo->arena, (size_t)g->output_count, sizeof(int));
    for (int i = 0; i < g->output_count; i++)
        t->program->outputs[t->program->output_count++] = host_operand(t, g->outputs[i]);
}

/* ---- Layers ---------------------------------------------------------------------------------- */

static uint32_t dim(int v) {
    return (uint32_t)v;
}

static void conv_row(const struct be_layer *l, struct svpe_layer *r) {
    const struct be_shape *s = l->shape;
    const int32_t *wexp = ir_in(l->node, 2)->data;
    r->weights = (uint64_t)ir_elements(ir_in(l->node, 1)) * (uint64_t)s->terms;
    r->bits = s->bits;
    r->terms = s->terms;
    r->group = dim(s->group);
    r->exp_min = r->exp_max = wexp[0];
    for (int o = 1; o < s->y->channels; o++) {
        if (wexp[o] < r->exp_min) r->exp_min = wexp[o];
        if (wexp[o] > r->exp_max) r->exp_max = wexp[o];
    }
    r->margin = (int)be_attr(l->node, "margin", -1);
    if (be_attr(l->node, "select", 0)) r->note = "select";
    if (s->grouped_dense) r->note = "groups run as one dense convolution";
}

static struct svpe_layer layer_row(const struct be_layer *l) {
    const struct be_shape *s = l->shape;
    struct svpe_layer r = {.name = l->name,
                           .kind = be_layer_kind(l),
                           .in_c = dim(s->x->channels),
                           .in_h = dim(s->x->height),
                           .in_w = dim(s->x->width),
                           .out_c = dim(s->y->channels),
                           .out_h = dim(s->y->height),
                           .out_w = dim(s->y->width),
                           .kh = dim(s->kh ? s->kh : 1),
                           .kw = dim(s->kw ? s->kw : 1),
                           .sy = dim(s->ay.stride),
                           .sx = dim(s->ax.stride),
                           .group = 1,
                           .macs = (uint64_t)l->macs,
                           .margin = -1,
                           .tiles = l->tiles,
                           .place = s->kind->place,
                           .note = ""};
    if (l->node->op == IR_OP_qconv) conv_row(l, &r);
    return r;
}

static struct svpe_layer host_row(const struct ir_node *n) {
    int chw[3];
    be_dims(n->in[0], chw);
    return (struct svpe_layer){.name = n->name[0] ? n->name : n->out[0]->name,
                               .kind = ir_op_info(n->op)->name,
                               .in_c = dim(chw[0]),
                               .in_h = dim(chw[1]),
                               .in_w = dim(chw[2]),
                               .out_c = dim(chw[0]),
                               .out_h = dim(chw[1]),
                               .out_w = dim(chw[2]),
                               .kh = 1,
                               .kw = 1,
                               .sy = 1,
                               .sx = 1,
                               .group = 1,
                               .margin = -1,
                               .tiles = 1,
                               .place = "host",
                               .note = ""};
}

static void layers(struct tables *t) {
    const struct be_plan *p = t->lo->plan;
    struct svpe_program *program = t->program;
    program->layers = arena_array(t->lo->arena, (size_t)p->layer_count + (size_t)p->host_count,
                                  sizeof *program->layers);
    for (int i = 0; i < p->layer_count; i++)
        program->layers[program->layer_count++] = layer_row(&p->layers[i]);
    for (int i = 0; i < p->host_count; i++)
        program->layers[program->layer_count++] = host_row(p->hosts[i]);
}

bool be_fill_tables(struct be_lower *lo, const struct be_options *o, struct svpe_program *program) {
    const struct be_plan *p = lo->plan;
    struct tables t = {.lo = lo, .program = program, .options = o};
    size_t tensors =
        (size_t)p->graph->input_count + (size_t)p->graph->output_count + 4 * (size_t)p->host_count;
    program->tensors = arena_array(lo->arena, tensors, sizeof *program->tensors);
    program->inputs =
        arena_array(lo->arena, (size_t)p->graph->input_count, sizeof *program->inputs);
    program->segments = arena_array(lo->arena, 2, sizeof *program->segments);
    program->segment_count = 1; /* the device's, filled in when the code is encoded */
    t.of_host = arena_array(lo->scratch, (size_t)p->graph->value_count, sizeof *t.of_host);
    if (!inputs(&t)) return false;
    hosts(&t);
    outputs(&t);
    layers(&t);
    struct writer text;
    writer_init(&text, lo->arena);
    be_plan_print(p, &text);
    program->schedule = writer_string(&text);
    return true;
}
