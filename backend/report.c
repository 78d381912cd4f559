/* The facts of a report, one function per row of report.def: of the program, its inputs, outputs
 * and layers. What the program's own tables hold (isa/isa.h, and so nbq-run) is taken from there;
 * the plan adds tiles, buffers and estimates.
 *
 * Not here: how they are written (report_print.c). The estimates are those tiles are chosen by
 * (cost.c), not the cycles of a device. */
#include "backend/report.h"

/* ---- Values ---------------------------------------------------------------------------------- */

static struct be_cell nothing(void) {
    return (struct be_cell){.kind = BE_CELL_NONE};
}

static struct be_cell integer(int64_t v) {
    return (struct be_cell){.kind = BE_CELL_INTS, .count = 1, .i = {v}};
}

static struct be_cell unsigned_integer(uint64_t v) {
    return integer(v > INT64_MAX ? INT64_MAX : (int64_t)v);
}

static struct be_cell list(int count, const int64_t *v) {
    struct be_cell c = {.kind = BE_CELL_INTS, .list = true, .count = count};
    for (int i = 0; i < count; i++) c.i[i] = v[i];
    return c;
}
#define LIST(...)                                                                                  \
    list((int)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),                          \
         (const int64_t[]){__VA_ARGS__})

static struct be_cell real(double v) {
    return (struct be_cell){.kind = BE_CELL_REAL, .real = v, .decimals = 2};
}

static struct be_cell text(const char *s) {
    return (struct be_cell){.kind = BE_CELL_TEXT, .s = s};
}

static struct be_cell boolean(bool v) {
    return (struct be_cell){.kind = BE_CELL_BOOL, .i = {v}};
}

static double percent(double part, double whole) {
    return whole > 0 ? 100 * part / whole : 0;
}

static double macs_per_cycle(const struct be_row *r) {
    const struct svpe_target *t = r->plan->target;
    return (double)(t->lanes * t->elements * t->columns);
}

/* ---- The program ----------------------------------------------------------------------------- */

static struct be_cell get_HEAD_format(const struct be_row *r) {
    (void)r;
    return integer(1);
}
static struct be_cell get_HEAD_program(const struct be_row *r) {
    return text(r->program->name);
}
static struct be_cell get_HEAD_target(const struct be_row *r) {
    return text(r->plan->target->name);
}
static struct be_cell get_HEAD_activation_bits(const struct be_row *r) {
    return integer(r->plan->act_bits);
}
static struct be_cell get_HEAD_macs_per_cycle(const struct be_row *r) {
    return integer((int64_t)macs_per_cycle(r));
}
static struct be_cell get_HEAD_mhz(const struct be_row *r) {
    return integer(r->plan->target->mhz);
}

/* ---- Inputs and outputs ---------------------------------------------------------------------- */

static struct be_cell get_TENSOR_name(const struct be_row *r) {
    return text(r->tensor->name);
}
static struct be_cell get_TENSOR_shape(const struct be_row *r) {
    return list(r->tensor->rank, r->tensor->dims);
}
static struct be_cell get_TENSOR_bits(const struct be_row *r) {
    return integer(r->tensor->bits);
}
static struct be_cell get_TENSOR_exp(const struct be_row *r) {
    return r->tensor->layout == SVPE_LAYOUT_PLAIN ? nothing() : integer(r->tensor->exp);
}
static struct be_cell get_TENSOR_zero(const struct be_row *r) {
    return r->tensor->layout == SVPE_LAYOUT_PLAIN ? nothing() : integer(r->tensor->zero);
}

/* ---- Layers: what ---------------------------------------------------------------------------- */

static bool is_conv(const struct be_row *r) {
    return r->device && r->device->shape->kind->op == IR_OP_qconv;
}

static bool has_window(const struct be_row *r) {
    return r->device && r->device->shape->kh > 0;
}

static struct be_cell get_COLUMN_index(const struct be_row *r) {
    return integer(r->index);
}
static struct be_cell get_COLUMN_name(const struct be_row *r) {
    return text(r->layer->name);
}
static const struct ir_value *residual_of(const struct be_row *r) {
    enum { RESIDUAL = 5 };
    return is_conv(r) ? ir_in(r->device->node, RESIDUAL) : NULL;
}

static struct be_cell get_COLUMN_kind(const struct be_row *r) {
    struct be_cell c = text(r->layer->kind);
    if (residual_of(r)) c.shown = arena_printf(r->arena, "%s+add", r->layer->kind);
    return c;
}
static struct be_cell get_COLUMN_place(const struct be_row *r) {
    return text(r->layer->place);
}
static struct be_cell get_COLUMN_form(const struct be_row *r) {
    struct be_cell c = nothing();
    if (is_conv(r)) return text(svpe_form_info(r->device->shape->form)->name);
    c.shown = r->layer->place;
    return c;
}
static struct be_cell get_COLUMN_act(const struct be_row *r) {
    const char *act = r->device ? ir_act_text(r->arena, r->device->node) : NULL;
    return act ? text(act) : nothing();
}
static struct be_cell get_COLUMN_residual(const struct be_row *r) {
    const struct ir_value *v = residual_of(r);
    return v ? text(v->name) : nothing();
}
static struct be_cell get_COLUMN_in(const struct be_row *r) {
    return LIST(r->layer->in_c, r->layer->in_h, r->layer->in_w);
}
static struct be_cell get_COLUMN_out(const struct be_row *r) {
    return LIST(r->layer->out_c, r->layer->out_h, r->layer->out_w);
}
static struct be_cell get_COLUMN_kernel(const struct be_row *r) {
    const struct svpe_layer *l = r->layer;
    if (!has_window(r)) return nothing();
    struct be_cell c = LIST(l->kh, l->kw);
    c.shown = arena_printf(r->arena, "%ux%u", l->kh, l->kw);
    if (l->sy != l->sx)
        c.shown = arena_printf(r->arena, "%s/%ux%u", c.shown, l->sy, l->sx);
    else if (l->sy > 1)
        c.shown = arena_printf(r->arena, "%s/%u", c.shown, l->sy);
    if (l->group > 1 && r->device->shape->form != SVPE_FORM_DEPTHWISE)
        c.shown = arena_printf(r->arena, "%s g%u", c.shown, l->group);
    return c;
}
static struct be_cell get_COLUMN_stride(const struct be_row *r) {
    return r->device ? LIST(r->layer->sy, r->layer->sx) : nothing();
}
static struct be_cell get_COLUMN_group(const struct be_row *r) {
    return is_conv(r) ? integer(r->layer->group) : nothing();
}
static struct be_cell get_COLUMN_bits(const struct be_row *r) {
    struct be_cell c = integer(r->layer->bits);
    if (!is_conv(r)) return nothing();
    c.shown = arena_printf(r->arena, "%d%s", r->layer->bits, r->layer->terms == 2 ? "+" : "");
    return c;
}
static struct be_cell get_COLUMN_terms(const struct be_row *r) {
    return is_conv(r) ? integer(r->layer->terms) : nothing();
}
static struct be_cell get_COLUMN_macs(const struct be_row *r) {
    return unsigned_integer(r->layer->macs);
}
static struct be_cell get_COLUMN_weights(const struct be_row *r) {
    return unsigned_integer(r->layer->weights);
}
static struct be_cell get_COLUMN_weight_exp(const struct be_row *r) {
    if (!is_conv(r)) return nothing();
    struct be_cell c = LIST(r->layer->exp_min, r->layer->exp_max);
    c.joint = "…";
    return c;
}
static struct be_cell get_COLUMN_weight_error_percent(const struct be_row *r) {
    const struct ir_attr *a = is_conv(r) ? ir_attr_find(r->device->node, "weight_error") : NULL;
    return a ? real(a->f) : nothing();
}
static struct be_cell get_COLUMN_in_exp(const struct be_row *r) {
    return r->device ? integer(r->device->shape->x->exp) : nothing();
}
static struct be_cell get_COLUMN_in_zero(const struct be_row *r) {
    return r->device ? integer(r->device->shape->x->zero) : nothing();
}
static struct be_cell get_COLUMN_out_exp(const struct be_row *r) {
    return r->device ? integer(r->device->shape->y->exp) : nothing();
}
static struct be_cell get_COLUMN_out_zero(const struct be_row *r) {
    return r->device ? integer(r->device->shape->y->zero) : nothing();
}
static struct be_cell get_COLUMN_margin(const struct be_row *r) {
    return r->layer->margin >= 0 ? integer(r->layer->margin) : nothing();
}
static struct be_cell get_COLUMN_host_reason(const struct be_row *r) {
    return r->host && r->host->reason[0] ? text(r->host->reason) : nothing();
}
static struct be_cell get_COLUMN_note(const struct be_row *r) {
    return r->layer->note[0] ? text(r->layer->note) : nothing();
}

/* ---- Layers: cost ---------------------------------------------------------------------------- */

static struct be_cell get_COLUMN_tile(const struct be_row *r) {
    if (!r->device) return nothing();
    const struct be_tiling *t = &r->device->tiling;
    return LIST(t->rows, t->cols, t->oc);
}
static struct be_cell get_COLUMN_pass_channels(const struct be_row *r) {
    return is_conv(r) ? integer(r->device->tiling.ic) : nothing();
}
static struct be_cell get_COLUMN_order(const struct be_row *r) {
    if (!r->device) return nothing();
    return text(be_order_name(r->device->tiling.order));
}
static struct be_cell get_COLUMN_double_buffer(const struct be_row *r) {
    return r->device ? boolean(r->device->tiling.double_buffer) : nothing();
}
static struct be_cell get_COLUMN_row_pitch(const struct be_row *r) {
    return r->device ? integer(r->device->need->pitch) : nothing();
}
static struct be_cell get_COLUMN_bank_cycles(const struct be_row *r) {
    return r->device ? real(r->device->need->bank_cycles) : nothing();
}
static struct be_cell get_COLUMN_tiles(const struct be_row *r) {
    return r->device ? integer(r->layer->tiles) : nothing();
}

static struct be_cell buffer_use(const struct be_row *r, enum svpe_buffer b) {
    if (!r->device || !r->device->need->total[b]) return nothing();
    struct be_cell c =
        real(percent((double)r->device->need->total[b], (double)be_capacity(r->plan, b)));
    c.shown = arena_printf(r->arena, "%.0f", c.real);
    return c;
}
static struct be_cell get_COLUMN_act_percent(const struct be_row *r) {
    return buffer_use(r, SVPE_BUFFER_ACT);
}
static struct be_cell get_COLUMN_wgt_percent(const struct be_row *r) {
    return buffer_use(r, SVPE_BUFFER_WGT);
}
static struct be_cell get_COLUMN_acc_percent(const struct be_row *r) {
    return buffer_use(r, SVPE_BUFFER_ACC);
}
static struct be_cell get_COLUMN_par_percent(const struct be_row *r) {
    return buffer_use(r, SVPE_BUFFER_PAR);
}

static int64_t whole_cycles(const struct be_layer *l) {
    return (int64_t)(l->est_cycles + 0.5);
}

static struct be_cell get_COLUMN_estimated_cycles(const struct be_row *r) {
    return r->device ? integer(whole_cycles(r->device)) : nothing();
}
static struct be_cell get_COLUMN_estimated_dram_bytes(const struct be_row *r) {
    return r->device ? integer(r->device->est_bytes) : nothing();
}
static struct be_cell get_COLUMN_estimated_limit(const struct be_row *r) {
    return r->device ? text(r->device->est_limit) : nothing();
}
static struct be_cell get_COLUMN_estimated_utilisation_percent(const struct be_row *r) {
    if (!is_conv(r)) return nothing();
    return real(percent((double)r->layer->macs, r->device->est_cycles * macs_per_cycle(r)));
}

/* ---- Totals ---------------------------------------------------------------------------------- */

/* Of the layers' as they are printed. */
static int64_t all_cycles(const struct be_row *r) {
    int64_t sum = 0;
    for (int i = 0; i < r->plan->layer_count; i++) sum += whole_cycles(&r->plan->layers[i]);
    return sum;
}

static uint64_t all_macs(const struct be_row *r) {
    uint64_t sum = 0;
    for (int i = 0; i < r->program->layer_count; i++) sum += r->program->layers[i].macs;
    return sum;
}

static struct be_cell get_TOTAL_layers(const struct be_row *r) {
    return integer(r->program->layer_count);
}
static struct be_cell get_TOTAL_macs(const struct be_row *r) {
    return unsigned_integer(all_macs(r));
}
static struct be_cell get_TOTAL_weights(const struct be_row *r) {
    uint64_t sum = 0;
    for (int i = 0; i < r->program->layer_count; i++) sum += r->program->layers[i].weights;
    return unsigned_integer(sum);
}
static struct be_cell get_TOTAL_code_bytes(const struct be_row *r) {
    return unsigned_integer(r->program->code_bytes);
}
static struct be_cell get_TOTAL_weight_bytes(const struct be_row *r) {
    return unsigned_integer(r->program->weight_bytes);
}
static struct be_cell get_TOTAL_param_bytes(const struct be_row *r) {
    return unsigned_integer(r->program->param_bytes);
}
static struct be_cell get_TOTAL_work_bytes(const struct be_row *r) {
    return unsigned_integer(r->program->work_bytes);
}
static struct be_cell get_TOTAL_in_bytes(const struct be_row *r) {
    return unsigned_integer(r->program->in_bytes);
}
static struct be_cell get_TOTAL_out_bytes(const struct be_row *r) {
    return unsigned_integer(r->program->out_bytes);
}
static struct be_cell get_TOTAL_estimated_cycles(const struct be_row *r) {
    return integer(all_cycles(r));
}
static struct be_cell get_TOTAL_estimated_dram_bytes(const struct be_row *r) {
    int64_t sum = 0;
    for (int i = 0; i < r->plan->layer_count; i++) sum += r->plan->layers[i].est_bytes;
    return integer(sum);
}
static struct be_cell get_TOTAL_estimated_ms(const struct be_row *r) {
    struct be_cell c = real((double)all_cycles(r) / (1e3 * (double)r->plan->target->mhz));
    c.decimals = 4;
    return c;
}
static struct be_cell get_TOTAL_estimated_utilisation_percent(const struct be_row *r) {
    return real(percent((double)all_macs(r), (double)all_cycles(r) * macs_per_cycle(r)));
}
static struct be_cell get_TOTAL_device_segments(const struct be_row *r) {
    int count = 0;
    for (int i = 0; i < r->program->segment_count; i++) count += !r->program->segments[i].host;
    return integer(count);
}
static struct be_cell get_TOTAL_host_segments(const struct be_row *r) {
    int count = 0;
    for (int i = 0; i < r->program->segment_count; i++) count += r->program->segments[i].host;
    return integer(count);
}
static struct be_cell get_TOTAL_device_to_host_bytes(const struct be_row *r) {
    return unsigned_integer(r->plan->to_host_bytes);
}
static struct be_cell get_TOTAL_host_to_device_bytes(const struct be_row *r) {
    return unsigned_integer(r->plan->to_device_bytes);
}
static struct be_cell get_TOTAL_host_operators(const struct be_row *r) {
    const char **names =
        arena_array(r->arena, (size_t)r->program->host_node_count + 1, sizeof *names);
    struct be_cell c = {.kind = BE_CELL_INTS, .list = true, .names = names};
    for (int i = 0; i < r->program->host_node_count; i++)
        names[c.count++] = r->program->host_nodes[i].op;
    if (c.count == 0) c.shown = "none";
    return c;
}

/* ---- The table ------------------------------------------------------------------------------- */

static const struct be_fact facts[] = {
#define HEAD(key, meaning)   {#key, "", meaning, BE_TABLE_NONE, get_HEAD_##key},
#define TENSOR(key, meaning) {#key, "", meaning, BE_TABLE_NONE, get_TENSOR_##key},
#define COLUMN(key, table, heading, meaning)                                                       \
    {#key, heading, meaning, BE_TABLE_##table, get_COLUMN_##key},
#define TOTAL(key, label, meaning) {#key, label, meaning, BE_TABLE_NONE, get_TOTAL_##key},
#include "backend/report.def"
};

/* Rows of each group, which stand one after the other. */
enum {
    HEADS = 0
#define HEAD(...) +1
#include "backend/report.def"
    ,
    TENSORS = 0
#define TENSOR(...) +1
#include "backend/report.def"
    ,
    COLUMNS = 0
#define COLUMN(...) +1
#include "backend/report.def"
    ,
    TOTALS = 0
#define TOTAL(...) +1
#include "backend/report.def"
};

const struct be_fact *be_report_facts(enum be_facts which, int *count) {
    static const int counts[BE_FACTS_COUNT] = {HEADS, TENSORS, COLUMNS, TOTALS};
    int first = 0;
    for (int i = 0; i < (int)which; i++) first += counts[i];
    *count = counts[which];
    return facts + first;
}

struct be_row be_report_row(const struct be_row *of, int n) {
    struct be_row r = *of;
    r.index = n;
    r.layer = &of->program->layers[n];
    r.device = of->plan->steps[n].layer;
    r.host = of->plan->steps[n].host;
    return r;
}
