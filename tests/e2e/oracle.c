/* The emulator against the oracle, bit for bit, and what the integers look like on the way.
 *
 *     oracle [--data=DATA] [--count=N] [--scale=s] [--mean=a,b,c] [--std=a,b,c] [--bgr]
 *            [--resize=N] [--crop=N] [--saturation=P] [--layers] [--host] PROGRAM.svpe GRAPH.nir
 *
 * GRAPH.nir is the quantized graph of the same compilation, as --print-after=quantize --print-data
 * prints it (or any later pass); PROGRAM.svpe its program, which must be one device segment with no
 * host operator but softmax; with --host, what is on the host and how many segments there are is
 * only printed. The graph is evaluated by ir/'s plain 64-bit evaluator from the preprocessed float
 * image; the program runs in libnbq from the image's bytes. Every stored integer of every output
 * must be the same, and every bit of what the host makes of them. Without --data, images are random
 * bytes.
 *
 * Saturation: a stored value at an end of its storage type where the model itself does not clamp.
 * The top code 2^(A−1)−1 counts wherever the operator's `hi` is not below it (a Clip's own bound
 * is), the bottom code −2^(A−1) wherever it does not stand for zero (zero = 0) and `lo` is not
 * above it. Values at ReLU's zero or at a Clip's bound are the model's own. At a quantize node
 * exactly the values that were cut count; elsewhere also those that are the end code without having
 * been cut, and those that a pool, a concatenation or a copy only passes on. Per integer activation
 * of the graph, over all images together. With --saturation, less than P percent of each may be
 * saturated, and none may be constant.
 */
#include "base/bytes.h"
#include "base/data.h"
#include "base/file.h"
#include "base/options.h"
#include "ir/ir.h"
#include "runtime/nbq.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct option_row rows[] = {
    {"data", 0, OPT_STRING, "DATA", "images; random ones without", 0, 0},
    {"count", 0, OPT_INT, "N", "how many", 1, 1000000},
    {"scale", 0, OPT_FLOATS, "s", "preprocessing", 0, 0},
    {"mean", 0, OPT_FLOATS, "a,b,c", "preprocessing", 0, 0},
    {"std", 0, OPT_FLOATS, "a,b,c", "preprocessing", 0, 0},
    {"bgr", 0, OPT_FLAG, NULL, "preprocessing", 0, 0},
    {"resize", 0, OPT_INT, "N", "preprocessing", 1, 16384},
    {"crop", 0, OPT_INT, "N", "preprocessing", 1, 16384},
    {"saturation", 0, OPT_FLOATS, "P", "percent of an activation that may be saturated", 0, 0},
    {"layers", 0, OPT_FLAG, NULL, "print the saturation of every activation", 0, 0},
    {"host", 0, OPT_FLAG, NULL, "any operator may run on the host", 0, 0},
};
enum { DATA, COUNT, SCALE, MEAN, STD, BGR, RESIZE, CROP, SATURATION, LAYERS, HOST, ROWS };
enum { RANDOM_COUNT = 2, THREADS_MAX = 16 };

/* One value is for all channels, as nbqc has it. */
static void per_channel(const struct option_value *v, double *to) {
    for (int i = 0; i < PREPROCESS_CHANNELS && v->count > 0; i++)
        to[i] = v->floats[i < v->count ? i : v->count - 1];
}

static struct preprocess preprocess_of(const struct option_set *set) {
    struct preprocess p = {.scale = 1.0 / 255, .std = {1, 1, 1, 1}, .given = true};
    p.bgr = set->values[BGR].given;
    p.fit.resize = (int)set->values[RESIZE].number;
    p.fit.crop = (int)set->values[CROP].number;
    if (set->values[SCALE].given) p.scale = set->values[SCALE].floats[0];
    per_channel(&set->values[MEAN], p.mean);
    per_channel(&set->values[STD], p.std);
    return p;
}

/* ---- what all threads share, and what each has of its own ---- */

struct tally { /* of one integer activation */
    int64_t count, saturated;
    int64_t least, most;
};

struct job {
    struct ir_graph *graph;
    const struct nbq_program *program;
    const struct dataset *data; /* NULL: random images */
    struct preprocess preprocess;
    long count;
};

struct worker {
    const struct job *job;
    long first, step;
    pthread_t thread;
    bool started;
    struct ctx ctx;
    struct ir_graph graph; /* the job's, speaking to this ctx */
    struct nbq_session *session;
    struct tally *tallies;  /* by value id */
    const float *image;     /* the one under way */
    const void **integers;  /* by output: a copy of the stored integers behind it */
    struct arena *arena;    /* of that image */
    long failed, different; /* the first image that went wrong, or −1; how many integers differ */
};

/* ---- images ---- */

static const float *floats_of(struct arena *a, const struct preprocess *p, const struct sample *s) {
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

static bool image_of(struct worker *w, long i, struct sample *s) {
    const struct ir_value *input = w->graph.inputs[0];
    if (!w->job->data)
        *s = random_image(w->arena, input, i);
    else if (!data_get(&w->ctx, w->arena, w->job->data, i, s) ||
             !preprocess_fit(&w->ctx, w->arena, &w->job->preprocess, (int)input->dims[1], s))
        return false;
    if (s->bytes && (int64_t)s->channels * s->height * s->width == ir_elements(input)) return true;
    fprintf(stderr, "oracle: image %ld has not the bytes of the network's input\n", i);
    return false;
}

/* ---- what the oracle's integers look like ---- */

static bool is_integers(const struct ir_value *v) {
    return !ir_is_const(v) && v->quant.bits > 0 && (v->dtype == IR_I8 || v->dtype == IR_I16);
}

static int64_t stored_at(const struct ir_value *v, const void *data, int64_t i) {
    return v->quant.bits == 8 ? ((const int8_t *)data)[i] : ((const int16_t *)data)[i];
}

struct ends { /* codes that mean: cut by the type; out of reach where none does */
    int64_t low, high;
};

static struct ends ends_of(const struct ir_value *v) {
    const struct ir_node *n = v->producer;
    int64_t high = ((int64_t)1 << (v->quant.bits - 1)) - 1, low = -high - 1;
    bool high_free = n && ir_attr_find(n, "hi") && ir_attr_int(n, "hi") < high;
    bool low_free =
        v->quant.zero != 0 || (n && ir_attr_find(n, "lo") && ir_attr_int(n, "lo") > low);
    return (struct ends){low_free ? INT64_MIN : low, high_free ? INT64_MAX : high};
}

/* A network input in the integers' unit, before it is cut. */
static int64_t uncut(const struct ir_value *v, const float *image, int64_t i) {
    return (int64_t)rint(ldexp((double)image[i], -v->quant.exp)) + v->quant.zero;
}

static void tally(struct worker *w, const struct ir_value *v, const void *data) {
    struct tally *t = &w->tallies[v->id];
    struct ends ends = ends_of(v);
    const struct ir_node *n = v->producer;
    bool from_image = n && n->op == IR_OP_quantize && n->in[0] == w->graph.inputs[0];
    int64_t count = ir_elements(v);
    for (int64_t i = 0; i < count; i++) {
        int64_t x = stored_at(v, data, i);
        if (t->count + i == 0) t->least = t->most = x;
        t->least = x < t->least ? x : t->least;
        t->most = x > t->most ? x : t->most;
        if (x > ends.low && x < ends.high) continue;
        t->saturated += !from_image || uncut(v, w->image, i) != x;
    }
    t->count += count;
}

/* Another shape of the same elements, which the device sees to. */
static bool is_view(const struct ir_node *n) {
    static const enum ir_op views[] = {IR_OP_reshape, IR_OP_flatten, IR_OP_squeeze, IR_OP_unsqueeze,
                                       IR_OP_identity};
    bool view = false;
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) view |= n->op == views[i];
    return view && !ir_attr_find(n, "host");
}

/* The integers behind output i: the input of the dequantize it comes from, through views. NULL:
 * something else is between. */
static const struct ir_value *stored_output(const struct ir_graph *g, int i) {
    const struct ir_value *v = g->outputs[i];
    while (v->producer && is_view(v->producer)) v = v->producer->in[0];
    return v->producer && v->producer->op == IR_OP_dequantize ? v->producer->in[0] : NULL;
}

static void observe(void *user, const struct ir_value *v, const void *data) {
    struct worker *w = user;
    if (!is_integers(v)) return;
    tally(w, v, data);
    size_t size = (size_t)ir_elements(v) * ir_dtype_size(v->dtype);
    for (int i = 0; i < w->graph.output_count; i++)
        if (stored_output(&w->graph, i) == v) w->integers[i] = arena_copy(w->arena, data, size);
}

/* ---- the comparison: numbers of differing elements, −1 when something failed ---- */

static long compare_stored(struct worker *w, int i) {
    const struct ir_value *v = stored_output(&w->graph, i);
    int64_t n = v && w->integers[i] ? ir_elements(v) : -1;
    long different = 0;
    if (n < 0) return -1;
    int16_t *out = arena_array(w->arena, (size_t)n, sizeof *out);
    if (nbq_get_output_stored(w->session, i, out, (size_t)n) != NBQ_OK) return -1;
    for (int64_t k = 0; k < n; k++) different += out[k] != stored_at(v, w->integers[i], k);
    return different;
}

/* Bit for bit, whatever its type: the host computes with the oracle's operators. */
static long compare_values(struct worker *w, int i, const void *want) {
    const struct ir_value *v = w->graph.outputs[i];
    size_t n = (size_t)ir_elements(v), size = ir_dtype_size(v->dtype);
    uint8_t *out = arena_array(w->arena, n, size);
    long different = 0;
    if (nbq_get_output(w->session, i, ir_dtype_name(v->dtype), out, n) != NBQ_OK) return -1;
    for (size_t k = 0; k < n; k++)
        different += memcmp(out + k * size, (const uint8_t *)want + k * size, size) != 0;
    return different;
}

static bool run_device(struct worker *w, const struct sample *s) {
    size_t count = (size_t)s->channels * (size_t)s->height * (size_t)s->width;
    if (nbq_set_input_u8(w->session, 0, s->bytes, count) == NBQ_OK && nbq_run(w->session) == NBQ_OK)
        return true;
    fprintf(stderr, "oracle: %s\n", nbq_error(w->session));
    return false;
}

/* Over all outputs. */
static long compare(struct worker *w, long index) {
    struct ir_graph *g = &w->graph;
    struct sample s;
    if (!image_of(w, index, &s)) return -1;
    w->image = floats_of(w->arena, &w->job->preprocess, &s);
    w->integers = arena_array(w->arena, (size_t)g->output_count, sizeof(void *));
    const void **out = arena_array(w->arena, (size_t)g->output_count, sizeof(void *));
    const void *in[] = {w->image};
    if (!ir_eval_observed(g, w->arena, in, observe, w, out) || !run_device(w, &s)) return -1;
    long different = 0;
    for (int i = 0; i < g->output_count; i++) {
        long here = stored_output(g, i) ? compare_stored(w, i) : compare_values(w, i, out[i]);
        if (here < 0) return -1;
        different += here;
    }
    return different;
}

/* ---- threads: image i goes to thread i % threads ---- */

static void *worker_main(void *user) {
    struct worker *w = user;
    long i = w->first;
    if (setjmp(w->ctx.oom)) {
        fprintf(stderr, "oracle: out of memory\n");
        w->failed = w->first;
        return NULL;
    }
    for (; i < w->job->count && w->failed < 0; i += w->step) {
        w->arena = arena_new(&w->ctx);
        w->different = compare(w, i);
        if (w->different != 0) w->failed = i;
        arena_free(w->arena);
    }
    return NULL;
}

static bool worker_init(struct worker *w, struct arena *a, const struct job *job, long first,
                        long step) {
    *w = (struct worker){.job = job, .first = first, .step = step, .graph = *job->graph};
    w->failed = -1;
    ctx_init(&w->ctx, "oracle", stderr);
    w->graph.ctx = &w->ctx;
    w->tallies = arena_array(a, (size_t)job->graph->value_count, sizeof *w->tallies);
    return nbq_open(job->program, "emulator", &w->session) == NBQ_OK;
}

static void merge(struct tally *into, const struct tally *from) {
    if (!from->count) return;
    bool fresh = !into->count;
    into->least = fresh || from->least < into->least ? from->least : into->least;
    into->most = fresh || from->most > into->most ? from->most : into->most;
    into->count += from->count;
    into->saturated += from->saturated;
}

static void run_workers(struct worker *w, int count) {
    for (int i = 1; i < count; i++)
        w[i].started = !pthread_create(&w[i].thread, NULL, worker_main, &w[i]);
    for (int i = 0; i < count; i++)
        if (!w[i].started) worker_main(&w[i]);
    for (int i = 1; i < count; i++)
        if (w[i].started) pthread_join(w[i].thread, NULL);
}

/* ---- the verdict ---- */

struct verdict {
    int activations, constant;
    const struct ir_value *worst; /* most saturated */
    double percent;
};

static struct verdict judge(const struct ir_graph *g, const struct tally *t, bool list) {
    struct verdict v = {.percent = -1};
    for (int i = 0; i < g->value_count; i++) {
        const struct ir_value *x = g->values[i];
        if (!x || !is_integers(x) || !t[i].count) continue;
        double percent = 100.0 * (double)t[i].saturated / (double)t[i].count;
        v.activations++;
        if (list)
            printf("%8.3f %%  %6lld … %-6lld exp %-3d %s\n", percent, (long long)t[i].least,
                   (long long)t[i].most, x->quant.exp, x->name);
        if (t[i].least == t[i].most) {
            printf("constant: \"%s\" is %lld everywhere\n", x->name, (long long)t[i].least);
            v.constant++;
        }
        if (percent <= v.percent) continue;
        v.percent = percent;
        v.worst = x;
    }
    return v;
}

/* The operators of the host, each once, with how many there are. */
static void print_places(const struct nbq_program *p) {
    int count = nbq_host_op_count(p);
    printf("%d segments; host:", nbq_segment_count(p));
    for (int i = 0; i < count; i++) {
        int same = 0, before = 0;
        for (int k = 0; k < count; k++) {
            bool equal = !strcmp(nbq_host_op(p, i), nbq_host_op(p, k));
            same += equal;
            before += equal && k < i;
        }
        if (!before) printf(" %d %s", same, nbq_host_op(p, i));
    }
    printf("%s; ", count ? "" : " nothing");
}

/* One segment on the device, and nothing but softmax outside of it. */
static bool check_places(const struct nbq_program *p) {
    bool good = nbq_segment_count(p) == 1;
    if (!good) printf("%d device segments, expected 1\n", nbq_segment_count(p));
    for (int i = 0; i < nbq_host_op_count(p); i++) {
        bool softmax = !strncmp(nbq_host_op(p, i), "softmax", strlen("softmax"));
        if (!softmax) printf("on the host: %s\n", nbq_host_op(p, i));
        good &= softmax;
    }
    return good;
}

static bool conclude(const struct job *job, const struct worker *w, const struct option_set *set) {
    const struct option_value *limit = &set->values[SATURATION];
    struct verdict v = judge(job->graph, w[0].tallies, set->values[LAYERS].given);
    if (set->values[HOST].given) print_places(job->program);
    printf("%ld images equal; %d activations, most saturated \"%s\": %.2f %%\n", job->count,
           v.activations, v.worst ? v.worst->name : "", v.percent);
    if (!limit->given) return true;
    if (v.percent >= limit->floats[0])
        printf("saturated: %.2f %%, expected less than %g %%\n", v.percent, limit->floats[0]);
    return v.constant == 0 && v.percent < limit->floats[0];
}

static bool run_job(struct arena *a, const struct job *job, const struct option_set *set) {
    long most = sysconf(_SC_NPROCESSORS_ONLN);
    most = most < 1 ? 1 : most > THREADS_MAX ? THREADS_MAX : most;
    int count = (int)(most < job->count ? most : job->count);
    struct worker *w = arena_array(a, (size_t)count, sizeof *w);
    bool good = true;
    for (int i = 0; i < count; i++) good &= worker_init(&w[i], a, job, i, count);
    if (good) run_workers(w, count);
    for (int i = 0; i < count; i++) {
        if (w[i].different > 0)
            printf("image %ld: %ld elements differ\n", w[i].failed, w[i].different);
        else if (w[i].failed >= 0)
            printf("image %ld could not be compared\n", w[i].failed);
        good &= w[i].failed < 0;
        nbq_close(w[i].session);
        ctx_free(&w[i].ctx);
        for (int k = 0; i > 0 && k < job->graph->value_count; k++)
            merge(&w[0].tallies[k], &w[i].tallies[k]);
    }
    return good && conclude(job, w, set);
}

static bool open_job(struct ctx *c, struct arena *a, const struct option_set *set,
                     struct nbq_program **program, struct job *job) {
    struct file_view text;
    char message[512];
    const char *nir = set->positional[1];
    *job = (struct job){.preprocess = preprocess_of(set), .count = RANDOM_COUNT};
    if (set->values[DATA].given && !(job->data = data_open(c, a, set->values[DATA].text)))
        return false;
    if (job->data) job->count = data_count(job->data);
    if (set->values[COUNT].given && (!job->data || set->values[COUNT].number < job->count))
        job->count = (long)set->values[COUNT].number;
    if (!file_map(c, nir, &text)) return false;
    job->graph = ir_parse(c, nir, (const char *)text.data, text.size);
    if (!job->graph || !ir_verify(job->graph, "oracle")) return false;
    if (nbq_load_file(set->positional[0], program, message, sizeof message) != NBQ_OK) {
        fprintf(stderr, "oracle: %s\n", message);
        return false;
    }
    job->program = *program;
    return set->values[HOST].given || check_places(*program);
}

int main(int argc, char **argv) {
    struct ctx c;
    struct option_set set = {.tool = "oracle",
                             .usage = "[--data=DATA] PROGRAM.svpe GRAPH.nir",
                             .summary = "",
                             .rows = rows,
                             .row_count = ROWS};
    struct nbq_program *program = NULL;
    struct job job;
    ctx_init(&c, "oracle", stderr);
    if (setjmp(c.oom)) return EXIT_INTERNAL;
    struct arena *a = arena_new(&c);
    int status = EXIT_USAGE;
    if (options_parse(&c, a, &set, argc, argv) && set.positional_count == 2)
        status = open_job(&c, a, &set, &program, &job) && run_job(a, &job, &set) ? 0 : 1;
    nbq_program_free(program);
    ctx_free(&c);
    return status;
}
