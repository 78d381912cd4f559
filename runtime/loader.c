/* Bytes of a .svpe file to a program that cannot do harm: everything is checked here, once, and the
 * devices rely on it.
 *
 * svpe_read() has checked the container, tensors and indices included. Here: memory in all, every
 * instruction word and its ranges, the order of tokens, what the instructions will find in the
 * parameter and weight buffers (contents.c), where inputs and outputs lie, host nodes
 * (host_load.c).
 * Not here: races (nbq_check), since a race can give wrong numbers but no access outside a
 * buffer. */
#include "runtime/runtime.h"

struct load {
    struct ctx *c;
    struct arena *a;
    const char *file;
    struct rt_image *image;
    uint64_t left; /* of RT_MEMORY_LIMIT */
};

const char *rt_insn_where(struct arena *a, const char *file, const struct rt_image *image,
                          int insn) {
    const struct svpe_program *p = image->program;
    const struct svpe_insn *i = &image->insns[insn];
    int segment = 0;
    while (segment + 1 < p->segment_count && insn >= image->segment_first[segment + 1]) segment++;
    const char *layer = i->layer < p->layer_count ? p->layers[i->layer].name : "?";
    return arena_printf(a, "%s: segment %d, instruction %d (%s, layer \"%s\")", file, segment,
                        insn - image->segment_first[segment], svpe_op_info(i->op)->mnemonic, layer);
}

static const char *segment_where(const struct load *l, int segment) {
    return arena_printf(l->a, "%s: segment %d", l->file, segment);
}

/* ---- Memory ---- */

static bool take_memory(struct load *l, uint64_t bytes, const char *what, const char *name) {
    if (bytes > l->left) {
        diag(l->c, rt_memory, l->file, bytes, what, name, RT_MEMORY_LIMIT);
        return false;
    }
    l->left -= bytes;
    return true;
}

static uint64_t buffer_bytes(const struct svpe_machine *m, enum svpe_buffer b) {
    const struct svpe_target *t = m->target;
    const uint64_t bytes[SVPE_BUFFER_COUNT] = {
        [SVPE_BUFFER_ACT] =
            (uint64_t)(svpe_act_vectors(t, m->act_bits) * t->lanes * (m->act_bits / 8)),
        [SVPE_BUFFER_WGT] = (uint64_t)svpe_wgt_dwords(t) * 8,
        [SVPE_BUFFER_ACC] = (uint64_t)(svpe_acc_entries(t) * t->elements) * 8,
        [SVPE_BUFFER_PAR] = (uint64_t)svpe_par_dwords(t) * 8,
    };
    return bytes[b];
}

static bool check_machine(struct load *l) {
    struct svpe_program *p = l->image->program;
    struct svpe_machine *m = &l->image->machine;
    *m = (struct svpe_machine){.target = p->target, .act_bits = p->act_bits};
    m->region_bytes[SVPE_REGION_WGT] = p->weight_bytes;
    m->region_bytes[SVPE_REGION_PAR] = p->param_bytes;
    m->region_bytes[SVPE_REGION_WORK] = p->work_bytes;
    m->region_bytes[SVPE_REGION_IN] = p->in_bytes;
    m->region_bytes[SVPE_REGION_OUT] = p->out_bytes;
    for (int r = 0; r < SVPE_REGION_COUNT; r++)
        if (!take_memory(l, m->region_bytes[r], "region ", svpe_region_name((enum svpe_region)r)))
            return false;
    for (int b = 0; b < SVPE_BUFFER_COUNT; b++)
        if (!take_memory(l, buffer_bytes(m, (enum svpe_buffer)b), "buffer ",
                         svpe_buffer_name((enum svpe_buffer)b)))
            return false;
    return true;
}

/* ---- Instructions ---- */

/* Appends the segment's instructions to the image. */
static bool decode_segment(struct load *l, int segment) {
    struct rt_image *image = l->image;
    const struct svpe_segment *s = &image->program->segments[segment];
    const uint8_t *code = image->program->code + s->code_offset;
    for (uint64_t at = 0; at < s->code_bytes;) {
        const char *why = NULL;
        int bytes =
            svpe_decode(code + at, s->code_bytes - at, &image->insns[image->insn_count], &why);
        if (bytes <= 0) {
            const char *place = arena_printf(
                l->a, "%s: segment %d, instruction %d (byte %" PRIu64 " of the code)", l->file,
                segment, image->insn_count - image->segment_first[segment], s->code_offset + at);
            diag(l->c, rt_word, place, why);
            return false;
        }
        at += (uint64_t)bytes;
        image->insn_count++;
    }
    return true;
}

/* Segments share no code, svpe_read() says, and a word has 16 bytes at least. */
static bool decode(struct load *l) {
    struct rt_image *image = l->image;
    const struct svpe_program *p = image->program;
    image->insns = arena_array(l->a, (size_t)(p->code_bytes / 16) + 1, sizeof *image->insns);
    image->segment_first = arena_array(l->a, (size_t)p->segment_count + 1, sizeof(int));
    for (int s = 0; s < p->segment_count; s++) {
        image->segment_first[s] = image->insn_count;
        image->segment_first[s + 1] = image->insn_count;
        if (!p->segments[s].host && !decode_segment(l, s)) return false;
    }
    image->segment_first[p->segment_count] = image->insn_count;
    return true;
}

/* The footprint is a second opinion on what svpe_verify_insn() has allowed. */
struct bounds {
    struct load *load;
    int insn;
    bool bad;
};

static uint64_t space_bytes(const struct svpe_machine *m, int space) {
    return space < SVPE_BUFFER_COUNT ? buffer_bytes(m, (enum svpe_buffer)space)
                                     : m->region_bytes[space - SVPE_BUFFER_COUNT];
}

static void check_range(void *user, const struct svpe_range *r) {
    struct bounds *b = user;
    struct load *l = b->load;
    if (b->bad || r->bytes == 0 || r->count1 == 0 || r->count2 == 0) return;
    bool dram = r->space >= SVPE_BUFFER_COUNT;
    const char *name = dram ? svpe_region_name((enum svpe_region)(r->space - SVPE_BUFFER_COUNT))
                            : svpe_buffer_name((enum svpe_buffer)r->space);
    uint64_t size = space_bytes(&l->image->machine, r->space);
    uint64_t end = r->first + (r->count1 - 1) * r->step1 + (r->count2 - 1) * r->step2 + r->bytes;
    if (end > size || r->first >= size) {
        diag(l->c, rt_range, rt_insn_where(l->a, l->file, l->image, b->insn),
             r->write ? "writes" : "reads", r->first, end, name, size);
        b->bad = true;
    } else if (r->write && dram && r->space != SVPE_BUFFER_COUNT + SVPE_REGION_WORK &&
               r->space != SVPE_BUFFER_COUNT + SVPE_REGION_OUT) {
        diag(l->c, rt_read_only, rt_insn_where(l->a, l->file, l->image, b->insn), name);
        b->bad = true;
    }
}

static bool check_insn(struct load *l, int insn) {
    struct rt_image *image = l->image;
    const struct svpe_insn *i = &image->insns[insn];
    if (i->layer != 0 && i->layer >= image->program->layer_count) {
        diag(l->c, rt_layer, rt_insn_where(l->a, l->file, image, insn), i->layer,
             image->program->layer_count);
        return false;
    }
    const char *why = svpe_verify_insn(l->a, &image->machine, i);
    if (why) {
        diag(l->c, rt_insn, rt_insn_where(l->a, l->file, image, insn), why);
        return false;
    }
    struct bounds b = {l, insn, false};
    svpe_footprint(&image->machine, i, check_range, &b);
    return !b.bad;
}

static bool check_end(struct load *l, int segment) {
    const struct rt_image *image = l->image;
    int first = image->segment_first[segment], end = image->segment_first[segment + 1];
    for (int n = first; n < end - 1; n++) {
        if (image->insns[n].op != SVPE_END) continue;
        diag(l->c, rt_segment_end, rt_insn_where(l->a, l->file, image, n), "found one before");
        return false;
    }
    if (end > first && image->insns[end - 1].op == SVPE_END) return true;
    diag(l->c, rt_segment_end, segment_where(l, segment), "found none");
    return false;
}

static bool check_tokens(struct load *l, int segment) {
    const struct rt_image *image = l->image;
    const struct svpe_program *p = image->program;
    int first = image->segment_first[segment];
    struct svpe_fault fault;
    if (svpe_check_tokens(&image->machine, image->insns + first,
                          image->segment_first[segment + 1] - first, &fault))
        return true;
    const char **names = arena_array(l->a, (size_t)p->layer_count + 1, sizeof *names);
    for (int n = 0; n < p->layer_count; n++) names[n] = p->layers[n].name;
    diag(l->c, rt_tokens, segment_where(l, segment),
         svpe_fault_text(l->a, &fault, image->insns + first, names, p->layer_count));
    return false;
}

static bool check_code(struct load *l) {
    if (!decode(l)) return false;
    for (int n = 0; n < l->image->insn_count; n++)
        if (!check_insn(l, n)) return false;
    for (int s = 0; s < l->image->program->segment_count; s++) {
        if (l->image->program->segments[s].host) continue;
        if (!check_end(l, s) || !check_tokens(l, s)) return false;
    }
    return rt_check_contents(l->c, l->a, l->file, l->image);
}

/* ---- Inputs and outputs ---- */

static bool check_place(struct load *l, const char *what, int n, int tensor,
                        enum svpe_region region) {
    const struct svpe_tensor *t = &l->image->program->tensors[tensor];
    if (t->region == region) return true;
    const char *where = arena_printf(l->a, "%s: %s %d (\"%s\")", l->file, what, n, t->name);
    diag(l->c, rt_place, where, svpe_region_name(t->region), svpe_region_name(region));
    return false;
}

/* NULL if good. */
static const char *table_fault(struct arena *a, const struct svpe_input *in,
                               const struct svpe_tensor *t) {
    if (t->layout == SVPE_LAYOUT_PLAIN) return "the input is no tensor of stored integers";
    int high = (1 << (t->bits - 1)) - 1;
    for (int c = 0; c < t->channels; c++) {
        for (int n = 0; n < 256; n++) {
            int v = in->table[c * 256 + n];
            if (v < -high - 1 || v > high)
                return arena_printf(a, "channel %d, byte %d gives %d; expected %d…%d", c, n, v,
                                    -high - 1, high);
        }
    }
    return NULL;
}

static bool check_inputs_outputs(struct load *l) {
    const struct svpe_program *p = l->image->program;
    for (int n = 0; n < p->input_count; n++) {
        const struct svpe_input *in = &p->inputs[n];
        if (!check_place(l, "input", n, in->tensor, SVPE_REGION_IN)) return false;
        const struct svpe_tensor *t = &p->tensors[in->tensor];
        const char *fault = in->has_table ? table_fault(l->a, in, t) : NULL;
        if (!fault) continue;
        diag(l->c, rt_input_table, arena_printf(l->a, "%s: input \"%s\"", l->file, t->name), fault);
        return false;
    }
    for (int n = 0; n < p->output_count; n++)
        if (!check_place(l, "output", n, p->outputs[n], SVPE_REGION_OUT)) return false;
    return true;
}

/* NULL if good. svpe_read() has only looked at the bits. */
static const char *plain_fault(struct arena *a, const struct svpe_tensor *t) {
    enum ir_dtype type = ir_dtype_by_name(t->dtype);
    if (t->layout != SVPE_LAYOUT_PLAIN) return NULL;
    if (type == IR_DTYPE_COUNT)
        return arena_printf(a, "has elements of type '%s', which there is not", t->dtype);
    size_t size = ir_dtype_size(type);
    if ((size_t)t->bits != 8 * size)
        return arena_printf(a, "has elements of type %s and %d bits; expected %zu", t->dtype,
                            t->bits, 8 * size);
    if (t->offset % size == 0) return NULL;
    return arena_printf(a, "begins at byte %" PRIu64 "; expected a multiple of %zu", t->offset,
                        size);
}

static bool check_plain_tensors(struct load *l) {
    const struct svpe_program *p = l->image->program;
    for (int n = 0; n < p->tensor_count; n++) {
        const char *fault = plain_fault(l->a, &p->tensors[n]);
        if (!fault) continue;
        diag(l->c, rt_tensor,
             arena_printf(l->a, "%s: tensor %d (\"%s\")", l->file, n, p->tensors[n].name), fault);
        return false;
    }
    return true;
}

/* What is left of the limit is for what operators take while they run. */
static bool check_host(struct load *l) {
    struct rt_image *image = l->image;
    if (!take_memory(l, image->program->host_data_bytes, "section ", "hostdata")) return false;
    image->host = rt_host_load(l->c, l->a, l->file, image->program);
    if (!image->host || !take_memory(l, image->host->room, "host values", "")) return false;
    image->host->scratch = l->left;
    return image->host->node_count == 0 ||
           take_memory(l, RT_HOST_SCRATCH, "host operators to work in", "");
}

struct rt_image *rt_image_load(struct ctx *c, struct arena *a, const char *file,
                               const uint8_t *bytes, size_t size) {
    struct load l = {c, a, file, arena_alloc(a, sizeof(struct rt_image)), RT_MEMORY_LIMIT};
    l.image->program = svpe_read(c, a, file, bytes, size);
    if (!l.image->program) return NULL;
    bool good = check_machine(&l) && check_code(&l) && check_plain_tensors(&l) &&
                check_inputs_outputs(&l) && check_host(&l);
    return good ? l.image : NULL;
}
