/* The emulator against the oracle, bit for bit, on a real network and real or random images.
 *
 *     oracle [--data=DATA] [--count=N] [--scale=s] [--mean=a,b,c] [--std=a,b,c] [--bgr]
 *     PROGRAM.svpe GRAPH.nir
 *
 * GRAPH.nir is the quantized graph of the same compilation (nbqc --emit=ir --print-data),
 * PROGRAM.svpe its program. The graph is evaluated by ir/'s plain 64-bit evaluator from the
 * preprocessed float image; the program runs in libnbq from the image's bytes. Every stored integer
 * of every output must be the same. Where a softmax stands between the integers and the output,
 * floats are compared: a step of one integer changes some of them by a factor far from 1, rounding
 * on the host does not. Without --data, images are random bytes. Prints the number of images
 * compared.
 */
#include "base/bytes.h"
#include "base/data.h"
#include "base/file.h"
#include "base/options.h"
#include "ir/ir.h"
#include "runtime/nbq.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct option_row rows[] = {
    {"data", 0, OPT_STRING, "DATA", "images; random ones without", 0, 0},
    {"count", 0, OPT_INT, "N", "how many", 1, 1000000},
    {"scale", 0, OPT_FLOATS, "s", "preprocessing", 0, 0},
    {"mean", 0, OPT_FLOATS, "a,b,c", "preprocessing", 0, 0},
    {"std", 0, OPT_FLOATS, "a,b,c", "preprocessing", 0, 0},
    {"bgr", 0, OPT_FLAG, NULL, "preprocessing", 0, 0},
};
enum { DATA, COUNT, SCALE, MEAN, STD, BGR, ROWS };
enum { RANDOM_COUNT = 2 };

static struct preprocess preprocess_of(const struct option_set *set) {
    struct preprocess p = {.scale = 1.0 / 255, .std = {1, 1, 1, 1}, .given = true};
    p.bgr = set->values[BGR].given;
    if (set->values[SCALE].given) p.scale = set->values[SCALE].floats[0];
    for (int i = 0; i < set->values[MEAN].count; i++) p.mean[i] = set->values[MEAN].floats[i];
    for (int i = 0; i < set->values[STD].count; i++) p.std[i] = set->values[STD].floats[i];
    return p;
}

static float *floats_of(struct arena *a, const struct preprocess *p, const struct sample *s) {
    size_t plane = (size_t)s->height * (size_t)s->width, count = plane * (size_t)s->channels;
    float *x = arena_array(a, count, sizeof *x);
    for (size_t i = 0; i < count; i++) {
        size_t ch = i / plane, from = p->bgr ? 2 - ch : ch;
        x[i] = preprocess_byte(p, (int)ch, s->bytes[from * plane + i % plane]);
    }
    return x;
}

static struct sample random_image(struct arena *a, const struct ir_value *input, long index) {
    size_t count = (size_t)ir_elements(input);
    uint8_t *bytes = arena_array(a, count, 1);
    struct rng r = {(uint64_t)index + 1};
    for (size_t i = 0; i < count; i++) bytes[i] = (uint8_t)rng_below(&r, 256);
    return (struct sample){.channels = (int)input->dims[1],
                           .height = (int)input->dims[2],
                           .width = (int)input->dims[3],
                           .bytes = bytes};
}

/* The integers behind output i: the input of the dequantize it comes from, through views. */
static const struct ir_value *stored_output(const struct ir_graph *g, int i) {
    const struct ir_value *v = g->outputs[i];
    while (v->producer && v->producer->op != IR_OP_dequantize) v = v->producer->in[0];
    return v->producer ? v->producer->in[0] : NULL;
}

static int16_t stored_at(const struct ir_value *v, const void *data, size_t i) {
    return v->quant.bits == 8 ? ((const int8_t *)data)[i] : ((const int16_t *)data)[i];
}

/* Number of differing elements of one output; −1 when something failed. */
static long compare_stored(struct arena *a, struct nbq_session *session, int i,
                           const struct ir_value *v, const struct ir_tensor *values) {
    size_t n = (size_t)ir_elements(v);
    int16_t *out = arena_array(a, n, sizeof *out);
    long different = 0;
    if (nbq_get_output_stored(session, i, out, n) != NBQ_OK) return -1;
    for (size_t k = 0; k < n; k++) different += out[k] != stored_at(v, values[v->id].data, k);
    return different;
}

static long compare_floats(struct arena *a, struct nbq_session *session, int i,
                           const struct ir_value *v, const struct ir_tensor *values) {
    size_t n = (size_t)ir_elements(v);
    const float *want = values[v->id].data;
    float *out = arena_array(a, n, sizeof *out);
    long different = 0;
    if (nbq_get_output_f32(session, i, out, n) != NBQ_OK) return -1;
    for (size_t k = 0; k < n; k++) {
        double w = (double)want[k];
        different += !(fabs((double)out[k] - w) <= 1e-5 * w + 1e-30);
    }
    return different;
}

static bool has_softmax(const struct ir_graph *g, int i) {
    const struct ir_node *n = g->outputs[i]->producer;
    while (n && n->op != IR_OP_softmax && n->op != IR_OP_dequantize) n = n->in[0]->producer;
    return n && n->op == IR_OP_softmax;
}

/* Over all outputs. */
static long compare(struct ctx *c, struct ir_graph *g, struct nbq_session *session,
                    const struct preprocess *p, const struct sample *s) {
    struct arena *a = arena_new(c);
    const float *x = floats_of(a, p, s);
    size_t count = (size_t)s->channels * (size_t)s->height * (size_t)s->width;
    struct ir_tensor *values = arena_array(a, (size_t)g->value_count, sizeof *values);
    const void *in[] = {x};
    long different = 0;
    if (!ir_eval(g, a, in, values)) return -1;
    if (nbq_set_input_u8(session, 0, s->bytes, count) != NBQ_OK || nbq_run(session) != NBQ_OK) {
        fprintf(stderr, "oracle: %s\n", nbq_error(session));
        return -1;
    }
    for (int i = 0; i < g->output_count; i++) {
        const struct ir_value *v = stored_output(g, i);
        if (!v) return -1;
        long here = has_softmax(g, i) ? compare_floats(a, session, i, g->outputs[i], values)
                                      : compare_stored(a, session, i, v, values);
        if (here < 0) return -1;
        different += here;
    }
    arena_free(a);
    return different;
}

static int run(struct ctx *c, const struct option_set *set) {
    struct arena *a = arena_new(c);
    struct file_view text;
    struct nbq_program *program;
    struct nbq_session *session;
    char message[512];
    const char *nir = set->positional[1];
    struct preprocess p = preprocess_of(set);
    struct dataset *d = set->values[DATA].given ? data_open(c, a, set->values[DATA].text) : NULL;
    if ((!d && set->values[DATA].given) || !file_map(c, nir, &text)) return 1;
    struct ir_graph *g = ir_parse(c, nir, (const char *)text.data, text.size);
    if (!g) return 1;
    if (nbq_load_file(set->positional[0], &program, message, sizeof message) != NBQ_OK ||
        nbq_open(program, "emulator", &session) != NBQ_OK) {
        fprintf(stderr, "oracle: %s\n", message);
        return 1;
    }
    long n = set->values[COUNT].given ? (long)set->values[COUNT].number
             : d                      ? data_count(d)
                                      : RANDOM_COUNT;
    long different = 0;
    if (d && n > data_count(d)) n = data_count(d);
    for (long i = 0; i < n && different == 0; i++) {
        struct sample s;
        if (!d)
            s = random_image(a, g->inputs[0], i);
        else if (!data_get(c, a, d, i, &s))
            return 1;
        different = compare(c, g, session, &p, &s);
        if (different > 0) printf("image %ld: %ld integers differ\n", i, different);
        if (different < 0) printf("image %ld could not be compared\n", i);
    }
    if (!different) printf("%ld images equal\n", n);
    nbq_close(session);
    nbq_program_free(program);
    return different != 0;
}

int main(int argc, char **argv) {
    struct ctx c;
    struct option_set set = {
        "oracle", "[--data=DATA] PROGRAM.svpe GRAPH.nir", "", rows, ROWS, NULL, NULL, 0};
    ctx_init(&c, "oracle", stderr);
    if (setjmp(c.oom)) return EXIT_INTERNAL;
    int status = EXIT_USAGE;
    if (options_parse(&c, arena_new(&c), &set, argc, argv) && set.positional_count == 2)
        status = run(&c, &set);
    ctx_free(&c);
    return status;
}
