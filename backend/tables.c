/* The container's tables: tensors that host and device share, inputs with their byte tables,
 * outputs, layer rows. isa/isa.h says what each holds.
 *
 * Not here: what the host runs (table_host.c). */
#include "backend/internal.h"

#include <string.h>

struct tables {
    struct be_lower *lo;
    struct svpe_program *program;
    const struct be_options *options;
};

/* ---- Tensors --------------------------------------------------------------------------------- */

static int add_tensor(struct tables *t, struct svpe_tensor tensor) {
    struct svpe_program *p = t->program;
    p->tensors[p->tensor_count] = tensor;
    return p->tensor_count++;
}

static void set_place(struct svpe_tensor *t, enum svpe_region region, uint64_t at) {
    t->region = region;
    t->offset = at;
}

struct svpe_tensor be_tensor(const struct be_buffer *b, const struct ir_value *v, bool output) {
    bool plain = b->layout == SVPE_LAYOUT_PLAIN;
    struct svpe_tensor r = {.name = v->name,
                            .bytes = b->bytes,
                            .layout = b->layout,
                            .dtype = plain ? ir_dtype_name(v->dtype) : "",
                            .px = b->px,
                            .channels = b->channels,
                            .height = b->height,
                            .width = b->width,
                            .rank = v->rank,
                            .bits = b->bits,
                            .exp = b->exp,
                            .zero = b->zero};
    for (int i = 0; i < v->rank; i++) r.dims[i] = v->dims[i];
    if (b->made < 0)
        set_place(&r, SVPE_REGION_IN, b->in_at);
    else if (output || plain)
        set_place(&r, SVPE_REGION_OUT, b->out_at);
    else
        set_place(&r, SVPE_REGION_WORK, b->work_at);
    return r;
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
    *in = (struct svpe_input){.tensor = add_tensor(t, be_tensor(b, b->input, false)),
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
    in->has_table = b->channels <= PREPROCESS_CHANNELS && b->layout != SVPE_LAYOUT_PLAIN;
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

/* ---- Outputs --------------------------------------------------------------------------------- */

static void outputs(struct tables *t) {
    const struct be_plan *p = t->lo->plan;
    const struct ir_graph *g = p->graph;
    t->program->outputs = arena_array(t->lo->arena, (size_t)g->output_count, sizeof(int));
    for (int i = 0; i < g->output_count; i++)
        t->program->outputs[t->program->output_count++] =
            add_tensor(t, be_tensor(p->of_output[i], g->outputs[i], true));
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

/* Channels, rows, columns, where there are such. */
static void shape_of(const struct ir_value *v, uint32_t chw[3]) {
    int dims[3];
    bool image = v && be_dims(v, dims);
    for (int i = 0; i < 3; i++) chw[i] = image ? dim(dims[i]) : 1;
    if (!image) chw[0] = v ? (uint32_t)ir_elements(v) : 0;
}

static struct svpe_layer host_row(const struct be_host *h) {
    uint32_t in[3], out[3];
    shape_of(h->node ? ir_in(h->node, 0) : h->from, in);
    shape_of(h->node ? h->node->out[0] : h->from, out);
    return (struct svpe_layer){.name = h->name,
                               .kind = ir_op_info(h->node ? h->node->op : IR_OP_identity)->name,
                               .in_c = in[0],
                               .in_h = in[1],
                               .in_w = in[2],
                               .out_c = out[0],
                               .out_h = out[1],
                               .out_w = out[2],
                               .kh = 1,
                               .kw = 1,
                               .sy = 1,
                               .sx = 1,
                               .group = 1,
                               .margin = -1,
                               .tiles = 1,
                               .place = "host",
                               .note = h->reason};
}

static void layers(struct tables *t) {
    const struct be_plan *p = t->lo->plan;
    struct svpe_program *program = t->program;
    program->layers = arena_array(t->lo->arena, (size_t)p->step_count, sizeof *program->layers);
    for (int i = 0; i < p->step_count; i++)
        program->layers[program->layer_count++] =
            p->steps[i].layer ? layer_row(p->steps[i].layer) : host_row(p->steps[i].host);
}

bool be_fill_tables(struct be_lower *lo, const struct be_options *o, struct svpe_program *program) {
    const struct be_plan *p = lo->plan;
    struct tables t = {.lo = lo, .program = program, .options = o};
    size_t ends = (size_t)p->graph->input_count + (size_t)p->graph->output_count;
    program->tensors =
        arena_array(lo->arena, ends + (size_t)be_host_tensor_room(p), sizeof *program->tensors);
    program->inputs =
        arena_array(lo->arena, (size_t)p->graph->input_count, sizeof *program->inputs);
    if (!inputs(&t)) return false;
    be_fill_hosts(lo, program);
    outputs(&t);
    layers(&t);
    struct writer text;
    writer_init(&text, lo->arena);
    be_plan_print(p, &text);
    program->schedule = writer_string(&text);
    return true;
}
