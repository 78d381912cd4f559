/* nbq-objdump: what is in a .svpe file. Headers, disassembly that nbq-as turns back into the same
 * code, and the micro-instructions under each instruction. */
#include "base/command.h"
#include "base/file.h"
#include "isa/container.h"
#include "isa/diag.h"

#include <inttypes.h>
#include <string.h>

#define OPTION_TABLE "isa/nbq-objdump.opt.def"
#include "base/option_table.def"

struct dump {
    struct ctx *c;
    struct arena *a;
    const struct option_set *set;
    const char *file;
    struct file_view view;
    const struct svpe_program *p;
    struct writer out; /* sent to standard output whenever it has grown */
    int index;         /* of the next instruction */
    int layer;         /* of the last one; −1: none */
};

static bool given(const struct dump *d, enum option_id id) {
    return d->set->values[id].given;
}

static void flush(struct dump *d, size_t least) {
    if (d->out.size < least) return;
    fwrite(d->out.data, 1, d->out.size, stdout); /* command_flush() says whether it arrived */
    d->out.size = 0;
}

/* Headers. */

static uint64_t u64_at(const uint8_t *p) {
    struct reader r = reader_of(p, 8);
    return read_u64(&r);
}

static void print_file(struct dump *d) {
    const struct svpe_program *p = d->p;
    const uint8_t *head = d->view.data;
    write_text(&d->out, "%s: .svpe version %d, %zu bytes\n", d->file, SVPE_FILE_VERSION,
               d->view.size);
    write_text(&d->out, "model:           %s\n", p->name);
    write_text(&d->out, "instruction set: %016" PRIx64 "\n", u64_at(head + SVPE_HEADER_ISA_AT));
    write_text(&d->out, "target:          %s, %016" PRIx64 "\n", p->target->name,
               u64_at(head + SVPE_HEADER_TARGET_AT));
    write_text(&d->out, "activations:     %d bits\n", p->act_bits);
}

static void print_sections(struct dump *d) {
    write_text(&d->out, "\nsections:\n  %-10s %10s %10s  %s\n", "name", "offset", "bytes",
               "crc32c");
    for (int s = 0; s < SVPE_SECTION_COUNT; s++) {
        struct reader r = reader_of(d->view.data, d->view.size);
        read_bytes(&r, SVPE_FILE_HEADER + (size_t)s * SVPE_SECTION_ENTRY + 4);
        uint32_t crc = read_u32(&r);
        uint64_t at = read_u64(&r), size = read_u64(&r);
        write_text(&d->out, "  %-10s %10" PRIu64 " %10" PRIu64 "  %08x\n", svpe_sections[s].name,
                   at, size, crc);
    }
}

static void print_target(struct dump *d) {
    const struct svpe_program *p = d->p;
    const uint64_t bytes[SVPE_REGION_COUNT] = {
        [SVPE_REGION_WGT] = p->weight_bytes, [SVPE_REGION_PAR] = p->param_bytes,
        [SVPE_REGION_WORK] = p->work_bytes,  [SVPE_REGION_IN] = p->in_bytes,
        [SVPE_REGION_OUT] = p->out_bytes,
    };
    write_text(&d->out, "\ntarget:\n");
    const char *text = svpe_target_text(d->a, p->target);
    for (size_t n; *text; text += n + 1) {
        n = strcspn(text, "\n");
        write_text(&d->out, "  %.*s\n", (int)n, text);
    }
    write_text(&d->out, "\nregions:\n  %-10s %10s\n", "name", "bytes");
    for (int r = 0; r < SVPE_REGION_COUNT; r++) {
        write_text(&d->out, "  %-10s %10" PRIu64 "\n", svpe_region_name((enum svpe_region)r),
                   bytes[r]);
    }
}

static void print_tensors(struct dump *d) {
    static const char *const layouts[] = {"blocked", "stem", "plain"};
    write_text(&d->out, "\ntensors:\n  %3s %-6s %10s %10s  %-8s %4s %4s %5s  %-20s %s\n", "#",
               "region", "offset", "bytes", "layout", "bits", "exp", "zero", "shape", "name");
    for (int n = 0; n < d->p->tensor_count; n++) {
        const struct svpe_tensor *t = &d->p->tensors[n];
        const char *shape = "";
        for (int k = 0; k < t->rank; k++) {
            shape = arena_printf(d->a, "%s%s%" PRId64, shape, k ? "x" : "", t->dims[k]);
        }
        const char *layout = *t->dtype ? t->dtype : layouts[t->layout];
        write_text(&d->out, "  %3d %-6s %10" PRIu64 " %10" PRIu64 "  %-8s %4d %4d %5d  %-20s %s\n",
                   n, svpe_region_name(t->region), t->offset, t->bytes, layout, t->bits, t->exp,
                   t->zero, shape, t->name);
    }
}

static void print_input(struct dump *d, const struct svpe_input *in) {
    const struct svpe_tensor *t = &d->p->tensors[in->tensor];
    write_text(&d->out, "  %d %s:", in->tensor, t->name);
    if (!in->has_table) {
        write_text(&d->out, " floats only");
    } else {
        write_text(&d->out, " byte images, channels from planes");
        for (int k = 0; k < t->channels; k++) write_text(&d->out, " %d", in->source[k]);
    }
    if (in->resize)
        write_text(&d->out, ", resize %d%s", in->resize, in->resize_plain ? " plain" : "");
    if (in->crop) write_text(&d->out, ", crop %d", in->crop);
    if (in->preprocess_given) {
        write_text(&d->out, ", (x * %g - mean) / std, mean", in->scale);
        for (int k = 0; k < t->channels && k < 4; k++) write_text(&d->out, " %g", in->mean[k]);
        write_text(&d->out, ", std");
        for (int k = 0; k < t->channels && k < 4; k++) write_text(&d->out, " %g", in->std[k]);
    }
    write_text(&d->out, "\n");
}

static void print_ends(struct dump *d) {
    write_text(&d->out, "\ninputs:\n");
    for (int n = 0; n < d->p->input_count; n++) print_input(d, &d->p->inputs[n]);
    write_text(&d->out, "\noutputs:\n");
    for (int n = 0; n < d->p->output_count; n++) {
        int t = d->p->outputs[n];
        write_text(&d->out, "  %d %s\n", t, d->p->tensors[t].name);
    }
}

static void print_layers(struct dump *d) {
    write_text(&d->out, "\nlayers:\n  %3s %-10s %-6s %15s %15s %5s %6s %12s %10s %4s %6s %5s  %s\n",
               "#", "kind", "place", "in", "out", "k", "stride", "macs", "weights", "bits",
               "margin", "tiles", "name");
    for (int n = 0; n < d->p->layer_count; n++) {
        const struct svpe_layer *l = &d->p->layers[n];
        char in[48], out[48], kernel[24], stride[24];
        snprintf(in, sizeof in, "%ux%ux%u", l->in_c, l->in_h, l->in_w);
        snprintf(out, sizeof out, "%ux%ux%u", l->out_c, l->out_h, l->out_w);
        snprintf(kernel, sizeof kernel, "%ux%u", l->kh, l->kw);
        snprintf(stride, sizeof stride, "%ux%u", l->sy, l->sx);
        write_text(&d->out,
                   "  %3d %-10s %-6s %15s %15s %5s %6s %12" PRIu64 " %10" PRIu64
                   " %4d %6d %5d  %s%s%s\n",
                   n, l->kind, l->place, in, out, kernel, stride, l->macs, l->weights, l->bits,
                   l->margin, l->tiles, l->name, *l->note ? "; " : "", l->note);
    }
}

static void print_shape(struct dump *d, int rank, const int64_t *dims) {
    if (!rank) write_text(&d->out, "scalar");
    for (int k = 0; k < rank; k++) write_text(&d->out, "%s%" PRId64, k ? "x" : "", dims[k]);
}

static void print_host_value(struct dump *d, int64_t index) {
    if (index < 0) {
        write_text(&d->out, "none");
        return;
    }
    const struct svpe_host_value *v = &d->p->host_values[index];
    write_text(&d->out, "%s: %s ", v->name, v->dtype);
    print_shape(d, v->rank, v->dims);
    if (v->tensor >= 0) write_text(&d->out, " in tensor %d", v->tensor);
    if (v->bytes) write_text(&d->out, " constant");
}

static void print_host_values(struct dump *d, const char *what, int first, int count) {
    for (int k = 0; k < count; k++) {
        write_text(&d->out, "      %s ", what);
        print_host_value(d, d->p->host_lists[first + k]);
        write_text(&d->out, "\n");
    }
}

static void print_host_attr(struct dump *d, const struct svpe_host_attr *a) {
    write_text(&d->out, " %s=", a->name);
    if (a->kind == SVPE_ATTR_INT) write_text(&d->out, "%" PRId64, a->i);
    if (a->kind == SVPE_ATTR_FLOAT) write_text(&d->out, "%.9g", a->f);
    if (a->kind == SVPE_ATTR_STRING) write_text(&d->out, "\"%s\"", a->s);
    if (a->kind != SVPE_ATTR_INTS) return;
    for (int k = 0; k < a->count; k++) {
        write_text(&d->out, "%s%" PRId64, k ? "," : "[", d->p->host_lists[a->first + k]);
    }
    write_text(&d->out, a->count ? "]" : "[]");
}

static void print_host_node(struct dump *d, int n) {
    const struct svpe_host_node *h = &d->p->host_nodes[n];
    write_text(&d->out, "    %d %s", n, h->op);
    for (int k = 0; k < h->attr_count; k++) {
        print_host_attr(d, &d->p->host_attrs[h->attr_first + k]);
    }
    write_text(&d->out, " ; layer %d: %s\n", h->layer, h->name);
    print_host_values(d, "from", h->in_first, h->in_count);
    print_host_values(d, "to  ", h->out_first, h->out_count);
}

static void print_segment(struct dump *d, int n) {
    const struct svpe_segment *s = &d->p->segments[n];
    if (!s->host) {
        write_text(&d->out, "segment %d: device, code %" PRIu64 "..%" PRIu64 "\n", n,
                   s->code_offset, s->code_offset + s->code_bytes);
        return;
    }
    write_text(&d->out, "segment %d: host, %d node%s\n", n, s->node_count,
               s->node_count == 1 ? "" : "s");
}

static void print_host_segment(struct dump *d, const struct svpe_segment *s) {
    for (int n = 0; s->host && n < s->node_count; n++) {
        print_host_node(d, s->first_node + n);
        flush(d, 1 << 16);
    }
}

static void print_headers(struct dump *d) {
    print_file(d);
    print_sections(d);
    print_target(d);
    print_tensors(d);
    print_ends(d);
    print_layers(d);
    write_text(&d->out, "\nsegments:\n");
    for (int n = 0; n < d->p->segment_count; n++) {
        write_text(&d->out, "  ");
        print_segment(d, n);
        print_host_segment(d, &d->p->segments[n]);
    }
}

/* Disassembly. */

static struct svpe_machine machine_of(const struct svpe_program *p) {
    return (struct svpe_machine){
        .target = p->target,
        .act_bits = p->act_bits,
        .region_bytes = {[SVPE_REGION_WGT] = p->weight_bytes,
                         [SVPE_REGION_PAR] = p->param_bytes,
                         [SVPE_REGION_WORK] = p->work_bytes,
                         [SVPE_REGION_IN] = p->in_bytes,
                         [SVPE_REGION_OUT] = p->out_bytes},
    };
}

static void print_uops(struct dump *d, const struct svpe_insn *i) {
    struct svpe_machine m = machine_of(d->p);
    struct svpe_uop_iter it;
    struct svpe_uop u;
    if (i->queue != SVPE_QUEUE_EXEC && i->queue != SVPE_QUEUE_VEC) return;
    if (svpe_op_info(i->op)->format == SVPE_FORMAT_SYNC) return;
    const char *fault = svpe_verify_insn(d->a, &m, i);
    if (fault) {
        diag(d->c, dump_insn, d->file, d->index, fault);
        return;
    }
    svpe_uop_begin(&it, &m, i);
    while (svpe_uop_next(&it, &u)) {
        write_text(&d->out, ";     ");
        svpe_uop_print(&u, &d->out);
        write_text(&d->out, "\n");
        flush(d, 1 << 16);
    }
    write_text(&d->out, ";     %" PRIu64 " cycles\n", svpe_insn_cycles(&m, i));
}

static void print_layer_name(struct dump *d, int layer) {
    if (layer == d->layer) return;
    d->layer = layer;
    if (layer < d->p->layer_count) {
        const struct svpe_layer *l = &d->p->layers[layer];
        write_text(&d->out, "; layer %d: %s (%s)\n", layer, l->name, l->kind);
    } else {
        write_text(&d->out, "; layer %d: not in the layer table\n", layer);
    }
}

static void print_code(struct dump *d, const uint8_t *code, size_t size) {
    for (size_t at = 0; at < size; d->index++) {
        struct svpe_insn i;
        const char *why;
        if (svpe_decode(code + at, size - at, &i, &why)) print_layer_name(d, i.layer);
        at += svpe_print_word(code + at, size - at, &i, &why, &d->out);
        write_text(&d->out, " ; %d\n", d->index);
        if (why) {
            diag(d->c, dump_insn, d->file, d->index, why);
        } else if (given(d, OPT_uops)) {
            print_uops(d, &i);
        }
        flush(d, 1 << 16);
    }
}

static void print_segments(struct dump *d) {
    d->layer = -1;
    for (int n = 0; n < d->p->segment_count; n++) {
        const struct svpe_segment *s = &d->p->segments[n];
        write_text(&d->out, "; ");
        print_segment(d, n);
        if (!s->host) print_code(d, d->p->code + s->code_offset, (size_t)s->code_bytes);
    }
}

/* Command line. */

static const char *const manuals[] = {"isa", "container"};
static const struct option_words words[OPTION_COUNT] = {[OPT_manual] = {manuals, NULL, 2, -1}};

static int print_manual(struct dump *d) {
    const struct option_words *w = &words[OPT_manual];
    int what = option_choice(d->c, d->a, d->set, OPT_manual, w->names, w->count, w->otherwise);
    if (what < 0) return EXIT_USAGE;
    (what == 0 ? svpe_print_manual : svpe_print_container_manual)(&d->out);
    return EXIT_OK;
}

static int print_program(struct dump *d) {
    if (d->set->positional_count != 1) {
        diag(d->c, tool_files, NULL, d->set->positional_count);
        return EXIT_USAGE;
    }
    const char *path = d->set->positional[0];
    d->file = file_name(path);
    if (!file_map(d->c, path, &d->view)) return EXIT_BAD_INPUT;
    d->p = svpe_read(d->c, d->a, d->file, d->view.data, d->view.size);
    if (!d->p) return EXIT_BAD_INPUT;
    bool code = given(d, OPT_disassemble) || given(d, OPT_uops), plan = given(d, OPT_schedule);
    if (given(d, OPT_headers) || !(code || plan)) print_headers(d);
    if (plan) write_text(&d->out, "%s", d->p->schedule);
    if (code) print_segments(d);
    return d->c->errors ? EXIT_BAD_INPUT : EXIT_OK;
}

static int run(struct command *k) {
    struct dump d = {.c = k->c, .a = k->a, .set = &k->set};
    writer_init(&d.out, d.a);
    int rc = given(&d, OPT_manual) ? print_manual(&d) : print_program(&d);
    flush(&d, 1);
    return rc;
}

int main(int argc, char **argv) {
    static const struct option_set set = {
        .tool = "nbq-objdump",
        .usage = "[-d] [--uops] [-h] MODEL.svpe",
        .summary = "Prints what is in a program: headers, instructions, micro-instructions.",
        .rows = option_rows,
        .row_count = OPTION_COUNT,
        .words = words,
    };
    return command_main(&set, run, argc, argv);
}
