/* What nbq-run prints: the program and its layers, outputs, scores, the JSON object. */
#include "runtime/tools/run.h"

#include "base/ops/ops.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

enum { BEST = 5, FIRST_VALUES = 10, NAME_WIDTH = 28 };

double run_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- Tensors ---- */

static void print_dims(FILE *to, int rank, const int64_t *dims) {
    for (int n = 0; n < rank; n++) fprintf(to, "%s%" PRId64, n ? "×" : "", dims[n]);
    if (rank == 0) fprintf(to, "scalar");
}

static const char *type_text(const char *type) {
    return strcmp(type, ir_dtype_name(IR_F32)) == 0 ? "float" : type;
}

static void print_info(FILE *to, const char *what, struct nbq_tensor_info t) {
    fprintf(to, "%s \"%s\": ", what, t.name);
    print_dims(to, t.rank, t.dims);
    if (t.stored)
        fprintf(to, ", %d bits, unit 2^%d, zero %d\n", t.bits, t.exp, t.zero);
    else
        fprintf(to, ", %s\n", type_text(t.type));
}

static void print_numbers(FILE *to, const char *name, const double *values, int count) {
    fprintf(to, ", %s ", name);
    for (int n = 0; n < count; n++) fprintf(to, "%s%g", n ? "," : "", values[n]);
}

static void print_preprocess(FILE *to, const struct nbq_program *p, int input) {
    struct nbq_preprocess from = nbq_input_preprocess(p, input);
    int channels = nbq_input_info(p, input).channels;
    if (!from.takes_bytes || channels > 4) return;
    fprintf(to, "  byte images: ");
    if (from.resize) fprintf(to, "resize %d%s, ", from.resize, from.resize_plain ? " plain" : "");
    if (from.crop) fprintf(to, "crop %d, ", from.crop);
    fprintf(to, "scale %g", from.scale);
    print_numbers(to, "mean", from.mean, channels);
    print_numbers(to, "std", from.std, channels);
    fprintf(to, "%s%s\n", from.bgr ? ", blue first" : "",
            from.given ? "" : " (the compiler's defaults)");
}

/* ---- Layers ---- */

/* printf counts bytes, a column counts characters. */
static void print_cell(FILE *to, const char *text, int width) {
    int characters = 0;
    for (const char *s = text; *s; s++) characters += (*s & 0xc0) != 0x80;
    fprintf(to, "%s%*s", text, characters < width ? width - characters : 0, "");
}

static void print_name(FILE *to, const char *name) {
    size_t length = strlen(name);
    if (length > NAME_WIDTH) /* the end tells layers apart */
        fprintf(to, "...%-*s  ", NAME_WIDTH - 3, name + length - (NAME_WIDTH - 3));
    else
        fprintf(to, "%-*s  ", NAME_WIDTH, name);
}

static void print_layer(FILE *to, int n, struct nbq_layer_info l) {
    char text[64];
    fprintf(to, "%3d  ", n);
    print_name(to, l.name);
    fprintf(to, "%-10s ", l.kind);
    snprintf(text, sizeof text, "%ux%ux%u", l.in_c, l.in_h, l.in_w);
    fprintf(to, "%-12s ", text);
    snprintf(text, sizeof text, "%ux%ux%u", l.out_c, l.out_h, l.out_w);
    fprintf(to, "%-12s %-7s", text, l.place);
    if (l.bits > 0)
        snprintf(text, sizeof text, "%d%s", l.bits, l.terms == 2 ? "+" : "");
    else
        snprintf(text, sizeof text, "-");
    fprintf(to, "%4s", text);
    fprintf(to, "%12" PRIu64 "%10" PRIu64, l.macs, l.weights);
    if (l.bits > 0)
        snprintf(text, sizeof text, "%d…%d", l.exp_min, l.exp_max);
    else
        snprintf(text, sizeof text, "-");
    fprintf(to, "  ");
    print_cell(to, text, 9);
    if (l.margin >= 0)
        fprintf(to, "%8d", l.margin);
    else
        fprintf(to, "%8s", "-");
    fprintf(to, "%6d%s%s\n", l.tiles, *l.note ? "  " : "", l.note);
}

static void print_layers(FILE *to, const struct nbq_program *p) {
    uint64_t macs = 0, weights = 0;
    fprintf(to, "%3s  %-*s  %-10s %-12s %-12s %-7s%4s%12s%10s  %-9s%8s%6s\n", "", NAME_WIDTH,
            "layer", "kind", "in", "out", "place", "bits", "MACs", "weights", "exponents", "margin",
            "tiles");
    for (int n = 0; n < nbq_layer_count(p); n++) {
        struct nbq_layer_info l = nbq_layer(p, n);
        macs += l.macs;
        weights += l.weights;
        print_layer(to, n, l);
    }
    fprintf(to, "in all %" PRIu64 " MACs, %" PRIu64 " weights\n", macs, weights);
}

/* How many of each kind, in the order in which kinds first come. */
static void print_host_ops(FILE *to, const struct nbq_program *p) {
    const char *mark = " ";
    for (int n = 0; n < nbq_host_op_count(p); n++) {
        const char *op = nbq_host_op(p, n);
        int first = 0, count = 0;
        while (strcmp(nbq_host_op(p, first), op) != 0) first++;
        if (first < n) continue;
        for (int k = n; k < nbq_host_op_count(p); k++) count += !strcmp(nbq_host_op(p, k), op);
        fprintf(to, "%s%d %s", mark, count, op);
        mark = ", ";
    }
    fprintf(to, "%s\n", nbq_host_op_count(p) ? "" : " none");
}

void run_print_program(FILE *to, const struct nbq_program *p) {
    fprintf(to, "program \"%s\" for target %s: %d device segment%s", nbq_program_name(p),
            nbq_program_target(p), nbq_segment_count(p), nbq_segment_count(p) == 1 ? "" : "s");
    fprintf(to, ", host operators:");
    print_host_ops(to, p);
    for (int n = 0; n < nbq_input_count(p); n++) {
        print_info(to, "input", nbq_input_info(p, n));
        print_preprocess(to, p, n);
    }
    for (int n = 0; n < nbq_output_count(p); n++) print_info(to, "output", nbq_output_info(p, n));
    print_layers(to, p);
}

static void print_run_tensor(FILE *to, const char *what, const struct run_tensor *t) {
    fprintf(to, "%s \"%s\": ", what, t->name);
    print_dims(to, t->rank, t->dims);
    fprintf(to, ", %s\n", type_text(t->type));
}

void run_print_reference(FILE *to, const struct run_model *m) {
    fprintf(to, "model %s, in float\n", m->file);
    for (int n = 0; n < m->input_count; n++) print_run_tensor(to, "input", &m->inputs[n]);
}

/* ---- Outputs ---- */

/* In the order of run_rank(), in one pass: an output may have millions of values. */
static void print_best(FILE *to, const struct run_tensor *t, const float *values) {
    size_t best[BEST + 1], found = 0;
    for (size_t n = 0; n < t->count; n++) {
        size_t at = found;
        for (; at > 0 && values[n] > values[best[at - 1]]; at--) best[at] = best[at - 1];
        best[at] = n;
        if (found < BEST) found++;
    }
    for (size_t n = 0; n < found; n++)
        fprintf(to, "  %zu. class %zu: %g\n", n + 1, best[n], (double)values[best[n]]);
}

static void print_element(FILE *to, int digits, enum ir_dtype type, const void *values, size_t n) {
    if (ir_is_float(type))
        fprintf(to, "%.*g", digits, ir_load_float(type, values, (int64_t)n));
    else if (type == IR_U64)
        fprintf(to, "%llu", (unsigned long long)ir_load_int(type, values, (int64_t)n));
    else
        fprintf(to, "%lld", (long long)ir_load_int(type, values, (int64_t)n));
}

void run_print_output(FILE *to, const struct run_model *m, int output) {
    const struct run_tensor *t = &m->outputs[output];
    enum ir_dtype type = ir_dtype_by_name(t->type);
    fprintf(to, "output \"%s\":\n", t->name);
    if (t->height == 1 && t->width == 1 && ir_is_float(type)) {
        print_best(to, t, m->real[output]);
        return;
    }
    fprintf(to, " ");
    for (size_t n = 0; n < t->count && n < FIRST_VALUES; n++) {
        putc(' ', to);
        print_element(to, 6, type, m->out[output], n);
    }
    fprintf(to, "%s\n", t->count > FIRST_VALUES ? " …" : "");
}

/* ---- Scores ---- */

static double percent(long part, long whole) {
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

void run_print_score(FILE *to, const struct run_score *s, const struct run_job *job) {
    fprintf(to, "%ld image%s in %.2f s on %d thread%s, %.2f ms per image in the model\n", s->images,
            s->images == 1 ? "" : "s", s->seconds, job->threads, job->threads == 1 ? "" : "s",
            1e3 * s->busy / (double)s->images);
    if (s->labelled) {
        fprintf(to, "top-1 %.2f %% (%ld), top-5 %.2f %% (%ld)", percent(s->top1, s->labelled),
                s->top1, percent(s->top5, s->labelled), s->top5);
        if (s->labelled < s->images)
            fprintf(to, ", of the %ld image%s with a label", s->labelled,
                    s->labelled == 1 ? "" : "s");
        fprintf(to, "\n");
    } else
        fprintf(to, "no labels\n");
    if (s->compared)
        fprintf(to, "same class as %s: %.2f %% (%ld)\n", job->against, percent(s->agree, s->images),
                s->agree);
}

/* ---- JSON ---- */

static void print_string(FILE *to, const char *text) {
    putc('"', to);
    for (const unsigned char *s = (const unsigned char *)text; *s; s++) {
        if (*s < ' ')
            fprintf(to, "\\u%04x", (unsigned)*s);
        else
            fprintf(to, *s == '"' || *s == '\\' ? "\\%c" : "%c", *s);
    }
    putc('"', to);
}

/* JSON has no NaN and no infinity. */
static void print_value(FILE *to, enum ir_dtype type, const void *values, size_t n) {
    if (isfinite(ir_load_float(type, values, (int64_t)n)))
        print_element(to, type == IR_F64 ? 17 : 9, type, values, n);
    else
        fprintf(to, "null");
}

static void print_json_output(FILE *to, const struct run_tensor *t, const void *values) {
    fprintf(to, "{\"name\":");
    print_string(to, t->name);
    fprintf(to, ",\"shape\":[");
    for (int n = 0; n < t->rank; n++) fprintf(to, "%s%" PRId64, n ? "," : "", t->dims[n]);
    fprintf(to, "],\"values\":[");
    for (size_t n = 0; n < t->count; n++) {
        if (n) putc(',', to);
        print_value(to, ir_dtype_by_name(t->type), values, n);
    }
    fprintf(to, "]}");
}

static void print_json_outputs(FILE *to, const struct run_model *m) {
    if (!m) {
        fprintf(to, "null");
        return;
    }
    putc('[', to);
    for (int n = 0; n < m->output_count; n++) {
        if (n) putc(',', to);
        print_json_output(to, &m->outputs[n], m->out[n]);
    }
    putc(']', to);
}

static void print_percent(FILE *to, const char *name, bool known, long part, long whole) {
    fprintf(to, "\"%s\":", name);
    if (known)
        fprintf(to, "%.2f,", percent(part, whole));
    else
        fprintf(to, "null,");
}

void run_print_json(FILE *to, const struct run_score *s, const struct run_job *job,
                    const struct run_model *m) {
    const struct nbq_program *p = job->program;
    fprintf(to, "{\"images\":%ld,\"labelled\":%ld,", s->images, s->labelled);
    print_percent(to, "top1", s->labelled > 0, s->top1, s->labelled);
    print_percent(to, "top5", s->labelled > 0, s->top5, s->labelled);
    print_percent(to, "agree", s->compared, s->agree, s->images);
    fprintf(to, "\"segments\":%d,\"host_ops\":[", p ? nbq_segment_count(p) : 0);
    for (int n = 0; p && n < nbq_host_op_count(p); n++)
        fprintf(to, "%s\"%s\"", n ? "," : "", nbq_host_op(p, n));
    fprintf(to, "],\"faults\":%s,\"outputs\":", job->checked ? "0" : "null");
    print_json_outputs(to, m);
    fprintf(to, ",\"seconds\":%.6f}\n", s->seconds);
}
