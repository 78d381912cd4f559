/* What nbq-run prints: the program and its layers, outputs, scores, the JSON object. */
#include "runtime/tools/run.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

enum { BEST = 5, FIRST_VALUES = 10, NAME_WIDTH = 28 };

double run_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- Tensors ---- */

static void print_dims(int rank, const int64_t *dims) {
    for (int n = 0; n < rank; n++) printf("%s%" PRId64, n ? "×" : "", dims[n]);
    if (rank == 0) printf("scalar");
}

static void print_info(const char *what, struct nbq_tensor_info t) {
    printf("%s \"%s\": ", what, t.name);
    print_dims(t.rank, t.dims);
    if (t.bits == 32)
        printf(", float\n");
    else
        printf(", %d bits, unit 2^%d, zero %d\n", t.bits, t.exp, t.zero);
}

static void print_numbers(const char *name, const double *values, int count) {
    printf(", %s ", name);
    for (int n = 0; n < count; n++) printf("%s%g", n ? "," : "", values[n]);
}

static void print_preprocess(const struct nbq_program *p, int input) {
    struct nbq_preprocess from = nbq_input_preprocess(p, input);
    int channels = nbq_input_info(p, input).channels;
    if (!from.takes_bytes || channels > 4) return;
    printf("  byte images: scale %g", from.scale);
    print_numbers("mean", from.mean, channels);
    print_numbers("std", from.std, channels);
    printf("%s%s\n", from.bgr ? ", blue first" : "",
           from.given ? "" : " (the compiler's defaults)");
}

/* ---- Layers ---- */

/* printf counts bytes, a column counts characters. */
static void print_cell(const char *text, int width) {
    int characters = 0;
    for (const char *s = text; *s; s++) characters += (*s & 0xc0) != 0x80;
    printf("%s%*s", text, characters < width ? width - characters : 0, "");
}

static void print_name(const char *name) {
    size_t length = strlen(name);
    if (length > NAME_WIDTH) /* the end tells layers apart */
        printf("...%-*s  ", NAME_WIDTH - 3, name + length - (NAME_WIDTH - 3));
    else
        printf("%-*s  ", NAME_WIDTH, name);
}

static void print_layer(int n, struct nbq_layer_info l) {
    char text[64];
    printf("%3d  ", n);
    print_name(l.name);
    printf("%-10s ", l.kind);
    snprintf(text, sizeof text, "%ux%ux%u", l.in_c, l.in_h, l.in_w);
    printf("%-12s ", text);
    snprintf(text, sizeof text, "%ux%ux%u", l.out_c, l.out_h, l.out_w);
    printf("%-12s %-7s", text, l.place);
    if (l.bits > 0)
        snprintf(text, sizeof text, "%d%s", l.bits, l.terms == 2 ? "+" : "");
    else
        snprintf(text, sizeof text, "-");
    printf("%4s", text);
    printf("%12" PRIu64 "%10" PRIu64, l.macs, l.weights);
    if (l.bits > 0)
        snprintf(text, sizeof text, "%d…%d", l.exp_min, l.exp_max);
    else
        snprintf(text, sizeof text, "-");
    printf("  ");
    print_cell(text, 9);
    if (l.margin >= 0)
        printf("%8d", l.margin);
    else
        printf("%8s", "-");
    printf("%6d%s%s\n", l.tiles, *l.note ? "  " : "", l.note);
}

static void print_layers(const struct nbq_program *p) {
    uint64_t macs = 0, weights = 0;
    printf("%3s  %-*s  %-10s %-12s %-12s %-7s%4s%12s%10s  %-9s%8s%6s\n", "", NAME_WIDTH, "layer",
           "kind", "in", "out", "place", "bits", "MACs", "weights", "exponents", "margin", "tiles");
    for (int n = 0; n < nbq_layer_count(p); n++) {
        struct nbq_layer_info l = nbq_layer(p, n);
        macs += l.macs;
        weights += l.weights;
        print_layer(n, l);
    }
    printf("in all %" PRIu64 " MACs, %" PRIu64 " weights\n", macs, weights);
}

void run_print_program(const struct nbq_program *p) {
    printf("program \"%s\" for target %s: %d device segment%s", nbq_program_name(p),
           nbq_program_target(p), nbq_segment_count(p), nbq_segment_count(p) == 1 ? "" : "s");
    printf(", host operators:%s", nbq_host_op_count(p) ? "" : " none");
    for (int n = 0; n < nbq_host_op_count(p); n++) printf(" %s", nbq_host_op(p, n));
    printf("\n");
    for (int n = 0; n < nbq_input_count(p); n++) {
        print_info("input", nbq_input_info(p, n));
        print_preprocess(p, n);
    }
    for (int n = 0; n < nbq_output_count(p); n++) print_info("output", nbq_output_info(p, n));
    print_layers(p);
}

static void print_run_tensor(const char *what, const struct run_tensor *t) {
    printf("%s \"%s\": ", what, t->name);
    print_dims(t->rank, t->dims);
    printf(", float\n");
}

void run_print_reference(const struct run_model *m) {
    printf("model %s, in float\n", m->file);
    for (int n = 0; n < m->input_count; n++) print_run_tensor("input", &m->inputs[n]);
}

/* ---- Outputs ---- */

static void print_best(const struct run_tensor *t, const float *values) {
    for (size_t place = 0; place < BEST && place < t->count; place++)
        for (size_t n = 0; n < t->count; n++)
            if (run_rank(values, t->count, n) == place)
                printf("  %zu. class %zu: %g\n", place + 1, n, (double)values[n]);
}

void run_print_output(const struct run_tensor *t, const float *values) {
    printf("output \"%s\":\n", t->name);
    if (t->height == 1 && t->width == 1) {
        print_best(t, values);
        return;
    }
    printf(" ");
    for (size_t n = 0; n < t->count && n < FIRST_VALUES; n++) printf(" %g", (double)values[n]);
    printf("%s\n", t->count > FIRST_VALUES ? " …" : "");
}

/* ---- Scores ---- */

static double percent(long part, long whole) {
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

void run_print_score(const struct run_score *s, const struct run_job *job) {
    printf("%ld images in %.2f s on %d thread%s, %.2f ms per image in the model\n", s->images,
           s->seconds, job->threads, job->threads == 1 ? "" : "s",
           1e3 * s->busy / (double)s->images);
    if (s->labelled)
        printf("top-1 %.2f %% (%ld), top-5 %.2f %% (%ld)\n", percent(s->top1, s->labelled), s->top1,
               percent(s->top5, s->labelled), s->top5);
    else
        printf("no labels\n");
    if (s->compared)
        printf("same class as %s: %.2f %% (%ld)\n", job->against, percent(s->agree, s->images),
               s->agree);
}

static void print_percent(const char *name, bool known, long part, long whole) {
    printf("\"%s\":", name);
    if (known)
        printf("%.2f,", percent(part, whole));
    else
        printf("null,");
}

void run_print_json(const struct run_score *s, const struct nbq_program *p) {
    printf("{\"images\":%ld,", s->images);
    print_percent("top1", s->labelled > 0, s->top1, s->labelled);
    print_percent("top5", s->labelled > 0, s->top5, s->labelled);
    print_percent("agree", s->compared, s->agree, s->images);
    printf("\"segments\":%d,\"host_ops\":[", p ? nbq_segment_count(p) : 0);
    for (int n = 0; p && n < nbq_host_op_count(p); n++)
        printf("%s\"%s\"", n ? "," : "", nbq_host_op(p, n));
    printf("],\"seconds\":%.6f}\n", s->seconds);
}
