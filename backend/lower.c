/* From a plan to a program: instructions layer by layer, tokens of each device segment, the words,
 * and the container around them.
 *
 * Not here: the instructions of one layer (lower_layer.c), the tables of the container
 * (tables.c). */
#include "backend/diag.h"
#include "backend/internal.h"

/* Fresh slots: nothing loaded, nothing packed. */
static void layer_begin(struct be_lower *lo, const struct be_layer *l) {
    lo->layer = l;
    lo->param_piece = (struct be_piece){0};
    for (int r = 0; r < BE_ROLE_COUNT; r++) {
        int count = l->need->slots[r].count;
        lo->use[r] =
            (struct be_use){.key = arena_array(lo->scratch, (size_t)count, sizeof(int64_t))};
        for (int i = 0; i < count; i++) lo->use[r].key[i] = -1;
    }
    size_t pieces = (size_t)l->need->channels * (size_t)l->need->chunks * 2;
    lo->weight_pieces = arena_array(lo->scratch, pieces, sizeof *lo->weight_pieces);
}

static bool verify(struct be_lower *lo) {
    for (int i = 0; i < lo->code.count; i++) {
        const struct svpe_insn *insn = &lo->code.insns[i];
        const char *fault = svpe_verify_insn(lo->scratch, &lo->machine, insn);
        if (!fault) continue;
        const struct be_layer *l =
            insn->layer < lo->plan->step_count ? lo->plan->steps[insn->layer].layer : NULL;
        diag(lo->ctx, be_internal, l ? l->where : NULL, i, svpe_op_info(insn->op)->mnemonic, fault);
        return false;
    }
    return true;
}

static bool encode(struct be_lower *lo, struct writer *code) {
    for (int i = 0; i < lo->code.count; i++) {
        uint8_t word[SVPE_MAX_BYTES];
        const char *bad;
        const struct svpe_insn *insn = &lo->code.insns[i];
        if (!svpe_encode(insn, word, &bad)) {
            diag(lo->ctx, be_internal, NULL, i, svpe_op_info(insn->op)->mnemonic, bad);
            return false;
        }
        write_bytes(code, word, (size_t)svpe_insn_bytes(insn->op));
    }
    return true;
}

/* Instructions hold 32-bit offsets. */
static bool check_regions(struct be_lower *lo) {
    const uint64_t reach = (uint64_t)1 << 32;
    for (int r = 0; r < SVPE_REGION_COUNT; r++) {
        uint64_t bytes = lo->machine.region_bytes[r];
        if (bytes <= reach) continue;
        diag(lo->ctx, be_region, NULL, svpe_region_name((enum svpe_region)r),
             (unsigned long long)bytes, (unsigned long long)reach);
        return false;
    }
    return true;
}

static void regions(struct be_lower *lo, struct svpe_program *program) {
    const struct be_plan *p = lo->plan;
    write_align(&lo->weights, 64);
    write_align(&lo->params, 64);
    program->weights = lo->weights.data;
    program->weight_bytes = lo->machine.region_bytes[SVPE_REGION_WGT] = lo->weights.size;
    program->params = lo->params.data;
    program->param_bytes = lo->machine.region_bytes[SVPE_REGION_PAR] = lo->params.size;
    program->work_bytes = lo->machine.region_bytes[SVPE_REGION_WORK] = p->work_bytes;
    program->in_bytes = lo->machine.region_bytes[SVPE_REGION_IN] = p->in_bytes;
    program->out_bytes = lo->machine.region_bytes[SVPE_REGION_OUT];
}

static void lower_init(struct be_lower *lo, struct ctx *c, const struct be_plan *p) {
    *lo = (struct be_lower){.ctx = c, .arena = arena_new(c), .scratch = arena_new(c), .plan = p};
    lo->machine = (struct svpe_machine){.target = p->target, .act_bits = p->act_bits};
    lo->machine.region_bytes[SVPE_REGION_OUT] = p->out_bytes;
    lo->code.arena = lo->scratch;
    lo->block = arena_array(lo->scratch, (size_t)(p->target->lanes * p->target->elements),
                            sizeof *lo->block);
    writer_init(&lo->weights, lo->arena);
    writer_init(&lo->params, lo->arena);
}

/* The instructions of one segment, without tokens. */
static struct be_code lower_segment(struct be_lower *lo, const struct be_segment *s) {
    lo->code = (struct be_code){.arena = lo->scratch};
    for (int i = s->first; !s->host && i < s->first + s->count; i++) {
        const struct be_layer *l = lo->plan->steps[i].layer;
        layer_begin(lo, l);
        l->shape->kind->lower(lo, l);
    }
    if (!s->host) be_code_add(&lo->code, SVPE_END, s->first + s->count - 1);
    return lo->code;
}

/* Each device segment starts with nothing loaded and ends when everything is stored. */
static bool finish_segments(struct be_lower *lo, const struct be_code *codes,
                            struct svpe_program *program) {
    const struct be_plan *p = lo->plan;
    struct writer code;
    writer_init(&code, lo->arena);
    program->segments = arena_array(lo->arena, (size_t)p->segment_count, sizeof *program->segments);
    for (int i = 0, nodes = 0; i < p->segment_count; i++) {
        const struct be_segment *s = &p->segments[i];
        struct svpe_segment *to = &program->segments[program->segment_count++];
        if (s->host) {
            *to = (struct svpe_segment){.host = true, .first_node = nodes, .node_count = s->count};
            nodes += s->count;
            continue;
        }
        lo->code = codes[i];
        to->code_offset = code.size;
        if (!verify(lo) || !be_place_tokens(lo->ctx, &lo->machine, &lo->code) || !encode(lo, &code))
            return false;
        to->code_bytes = code.size - to->code_offset;
    }
    program->code = code.data;
    program->code_bytes = code.size;
    return true;
}

/* A plan can be made of a graph whose constants are not there yet, a program cannot. */
static bool check_host_data(const struct be_lower *lo) {
    bool good = true;
    for (int i = 0; i < lo->plan->host_count; i++) {
        const struct be_host *h = &lo->plan->hosts[i];
        for (int k = 0; k < (h->node ? h->node->in_count : 1); k++) {
            const struct ir_value *v = h->node ? h->node->in[k] : h->from;
            if (!v || !v->elided) continue;
            diag(lo->ctx, be_elided, h->node ? ir_node_where(lo->scratch, h->node) : h->name,
                 v->name);
            good = false;
        }
    }
    return good;
}

struct svpe_program *be_lower(struct ctx *c, const struct be_plan *p, const struct be_options *o) {
    struct be_lower lo;
    lower_init(&lo, c, p);
    struct svpe_program *program = arena_alloc(lo.arena, sizeof *program);
    *program =
        (struct svpe_program){.name = p->graph->name, .target = p->target, .act_bits = p->act_bits};
    struct be_code *codes = arena_array(lo.scratch, (size_t)p->segment_count, sizeof *codes);
    for (int i = 0; i < p->segment_count; i++) codes[i] = lower_segment(&lo, &p->segments[i]);
    bool good = check_host_data(&lo) && be_fill_tables(&lo, o, program);
    regions(&lo, program);
    good = good && check_regions(&lo) && finish_segments(&lo, codes, program);
    arena_free(lo.scratch);
    return good ? program : NULL;
}
