/* Graphs with host nodes anywhere: as few segments as the graph allows, found by another way; and
 * what a program computes is what the oracle computes, bit for bit, whatever type an output has.
 * NBQ_TEST_SEED starts the random ones elsewhere. */
#include "test.h"

#include "backend_graphs.h"

#include "backend/internal.h"
#include "runtime/nbq.h"

#include <stdio.h>

enum { GRAPHS = 120, LAYERS = 10 };

struct job {
    struct ctx *c;
    struct arena *arena;
    const char *name;
    struct rng rng;
    struct ir_graph *graph;
    struct be_options options;
    struct be_plan *plan;
    struct svpe_program *program;
    const void **inputs;
    struct ir_tensor *values; /* the oracle's */
};

static void fail_said(const struct job *j, const char *what) {
    for (const struct diag *d = j->c->first; d; d = d->next) diag_print(d, "test", stderr);
    struct writer text;
    writer_init(&text, j->arena);
    if (j->graph) ir_print(j->graph, 0, &text);
    if (j->plan) be_plan_print(j->plan, &text);
    fprintf(stderr, "%s", writer_string(&text));
    fail_msg("%s: %s", j->name, what);
}

/* ---- Program and oracle ---------------------------------------------------------------------- */

static void compile(struct job *j, const char *target, int act_bits) {
    j->options = (struct be_options){.target = svpe_target_find(j->c, j->arena, target),
                                     .act_bits = act_bits};
    j->options.preprocess = (struct preprocess){.scale = 1.0 / 255, .std = {1, 1, 1, 1}};
    if (!ir_verify(j->graph, "test")) fail_said(j, "a bad graph");
    j->plan = be_plan(j->c, j->graph, &j->options);
    if (!j->plan) fail_said(j, "no plan");
    j->program = be_lower(j->c, j->plan, &j->options);
    if (!j->program) fail_said(j, "no program");
}

static void evaluate(struct job *j) {
    struct ir_graph *g = j->graph;
    j->inputs = arena_array(j->arena, (size_t)g->input_count, sizeof *j->inputs);
    for (int i = 0; i < g->input_count; i++) {
        const struct ir_value *v = g->inputs[i];
        int64_t n = ir_elements(v);
        if (v->dtype == IR_F32) {
            float *x = arena_array(j->arena, (size_t)n, sizeof *x);
            for (int64_t k = 0; k < n; k++) x[k] = (float)(rng_normal(&j->rng) * 4);
            j->inputs[i] = x;
        } else {
            assert_int_equal(v->dtype, IR_I64);
            int64_t *x = arena_array(j->arena, (size_t)n, sizeof *x);
            for (int64_t k = 0; k < n; k++) x[k] = (int64_t)rng_next(&j->rng) >> 8;
            j->inputs[i] = x;
        }
    }
    j->values = arena_array(j->arena, (size_t)g->value_count, sizeof *j->values);
    if (!ir_eval(g, j->arena, j->inputs, j->values)) fail_said(j, "the oracle failed");
}

static void set_inputs(struct job *j, const struct nbq_program *p, struct nbq_session *s) {
    int at = 0;
    for (int i = 0; i < j->graph->input_count; i++) {
        const struct ir_value *v = j->graph->inputs[i];
        if (at >= nbq_input_count(p) || strcmp(nbq_input_info(p, at).name, v->name) != 0) continue;
        if (nbq_set_input(s, at++, ir_dtype_name(v->dtype), j->inputs[i], (size_t)ir_elements(v)))
            fail_said(j, nbq_error(s));
    }
    assert_int_equal(at, nbq_input_count(p));
}

static void compare_output(struct job *j, const struct nbq_program *p, struct nbq_session *s,
                           int i) {
    const struct ir_value *v = j->graph->outputs[i];
    struct nbq_tensor_info info = nbq_output_info(p, i);
    size_t n = (size_t)ir_elements(v), size = ir_dtype_size(v->dtype);
    uint8_t *found = arena_alloc(j->arena, n * size);
    const uint8_t *expected = j->values[v->id].data;
    assert_string_equal(info.type, ir_dtype_name(v->dtype));
    assert_int_equal(info.rank, v->rank);
    assert_memory_equal(info.dims, v->dims, (size_t)v->rank * sizeof *v->dims);
    if (nbq_get_output(s, i, info.type, found, n)) fail_said(j, nbq_error(s));
    for (size_t k = 0; k < n; k++)
        if (memcmp(found + k * size, expected + k * size, size) != 0)
            fail_said(j, arena_printf(j->arena, "output %d (%s) differs at %zu", i, v->name, k));
}

static void run(struct job *j) {
    struct writer file;
    char message[400];
    struct nbq_program *p;
    struct nbq_session *s;
    writer_init(&file, j->arena);
    svpe_write(j->program, &file);
    if (nbq_load(file.data, file.size, "test.svpe", &p, message, sizeof message) != NBQ_OK)
        fail_said(j, message);
    if (nbq_check(p, message, sizeof message)) fail_said(j, message);
    assert_int_equal(nbq_open(p, "emulator", &s), NBQ_OK);
    evaluate(j);
    set_inputs(j, p, s);
    if (nbq_run(s) != NBQ_OK) fail_said(j, nbq_error(s));
    assert_int_equal(nbq_output_count(p), j->graph->output_count);
    for (int i = 0; i < j->graph->output_count; i++) compare_output(j, p, s, i);
    nbq_close(s);
    nbq_program_free(p);
}

/* ---- Segments -------------------------------------------------------------------------------- */

/* Which side a node needs: 'd', 'h', or neither. */
static char side_of(const struct be_plan *p, const struct ir_node *n) {
    if (be_kind_find(n->op)) return 'd';
    for (int i = 0; i < p->host_count; i++)
        if (p->hosts[i].node == n) return 'h';
    return n->op == IR_OP_quantize && p->of_value[n->out[0]->id]->by_host ? 'h' : 0;
}

/* Turns of the two sides in which everything that can run runs, until all has. */
static int turns(const struct job *j, char side) {
    const struct ir_graph *g = j->graph;
    bool *done = arena_array(j->arena, (size_t)g->value_count, sizeof *done), all = false;
    for (int i = 0; i < g->input_count; i++) done[g->inputs[i]->id] = true;
    int count = 0;
    for (; !all; side = side == 'd' ? 'h' : 'd') {
        bool worked = false;
        all = true;
        for (const struct ir_node *n = g->first; n; n = n->next) {
            char needs = side_of(j->plan, n);
            bool ready = !done[n->out[0]->id] && (!needs || needs == side);
            for (int i = 0; i < n->in_count; i++)
                ready &= !n->in[i] || ir_is_const(n->in[i]) || done[n->in[i]->id];
            worked |= ready && needs;
            for (int i = 0; ready && i < n->out_count; i++) done[n->out[i]->id] = true;
            all &= done[n->out[0]->id];
        }
        count += worked;
    }
    return count;
}

/* Copies of inputs and constants to outputs are no nodes. */
static bool has_end_copies(const struct be_plan *p) {
    bool found = false;
    for (int i = 0; i < p->host_count; i++) found |= !p->hosts[i].node && p->hosts[i].to->output;
    for (int i = 0; i < p->layer_count; i++) found |= p->layers[i].copied != NULL;
    return found;
}

static void check_fewest(const struct job *j) {
    int device = turns(j, 'd'), host = turns(j, 'h'), least = device < host ? device : host;
    if (has_end_copies(j->plan) || j->plan->segment_count == least) return;
    fail_said(j,
              arena_printf(j->arena, "%d segments; %d are enough", j->plan->segment_count, least));
}

/* What a step reads has been made. */
static void check_order(const struct job *j) {
    const struct be_plan *p = j->plan;
    for (int i = 0, next = 0; i < p->segment_count; next += p->segments[i++].count) {
        assert_int_equal(p->segments[i].first, next);
        assert_true(p->segments[i].count > 0);
        if (i) assert_true(p->segments[i].host != p->segments[i - 1].host);
    }
    for (int i = 0; i < p->buffer_count; i++) {
        const struct be_buffer *b = p->buffers[i];
        assert_true(b->made >= 0 || b->input);
        if (b->last >= 0) assert_true(b->made <= b->last);
    }
}

/* ---- Cases ----------------------------------------------------------------------------------- */

/* Statements before and after what each case has; x is the network's input, 1×2×3×4. */
#define Q "q(bits=8, exp=-3, zero=0)"
#define HEAD                                                                                       \
    "input %x: f32[1x2x3x4]\n"                                                                     \
    "const %w: i16[2x2x1x1] = [4, -1, 2, 8]\n"                                                     \
    "const %e: i32[2] = [-4, -4]\nconst %b: i32[2] = [5, -9]\nconst %s: i32[2] = [4, 4]\n"
#define QUANTIZE(to, from)   "%" to ": i8[1x2x3x4] " Q " = quantize(%" from ")\n"
#define DEQUANTIZE(to, from) "%" to ": f32[1x2x3x4] = dequantize(%" from ")\n"
#define CONV(to, from)                                                                             \
    "%" to ": i8[1x2x3x4] " Q " = qconv(%" from ", %w, %e, %b, %s) {bits=4} \"" to "\"\n"
#define HOST(to, from) "%" to ": f32[1x2x3x4] = tanh(%" from ") {host=\"test\"} \"" to "\"\n"
#define ADD(to, a, b)  "%" to ": i8[1x2x3x4] " Q " = qadd(%" a ", %" b ") \"" to "\"\n"

static const struct {
    const char *name;
    const char *order; /* segments: d or h, with the number of steps where it is not one */
    const char *lines, *outputs;
} cases[] = {
    {"device only", "d", QUANTIZE("q", "x") CONV("a", "q") DEQUANTIZE("y", "a"), "%y"},
    {"middle", "d h d",
     QUANTIZE("q", "x") CONV("a", "q") DEQUANTIZE("f", "a") HOST("h", "f") QUANTIZE("r", "h")
         CONV("c", "r") DEQUANTIZE("y", "c"),
     "%y"},
    {"host first", "h d", HOST("h", "x") QUANTIZE("q", "h") CONV("a", "q") DEQUANTIZE("y", "a"),
     "%y"},
    {"host only", "h2", HOST("h", "x") HOST("y", "h"), "%y"},
    {"nothing", "h", "", "%x"},
    {"constant output", "d h",
     QUANTIZE("q", "x") CONV("a", "q") DEQUANTIZE("y", "a") "const %k: i64[3] = [1, -2, 3]\n",
     "%y, %k"},
    /* Two branches with a host node each, one a layer later: together in one segment. */
    {"branches", "d3 h2 d2",
     QUANTIZE("q", "x") CONV("a", "q") DEQUANTIZE("f", "a") HOST("h", "f") QUANTIZE("r", "h")
         CONV("b1", "q") CONV("b2", "b1") DEQUANTIZE("g", "b2") HOST("i", "g") QUANTIZE("t", "i")
             ADD("m", "r", "t") CONV("n", "m") DEQUANTIZE("y", "n"),
     "%y"},
    /* The host reads the input as it is, and writes it for the device. */
    {"branch of the host", "h2 d2",
     HOST("h", "x") QUANTIZE("r", "h") QUANTIZE("q", "x") CONV("a", "q") ADD("m", "a", "r")
         DEQUANTIZE("y", "m"),
     "%y"},
    /* The host reads what the device goes on with, and what it makes is an output too. */
    {"shared", "d2 h2 d",
     QUANTIZE("q", "x") CONV("a", "q") DEQUANTIZE("f", "a") HOST("h", "f") CONV("c", "a")
         QUANTIZE("r", "h") ADD("m", "c", "r") DEQUANTIZE("y", "m"),
     "%y, %h, %f"},
    /* A result that is rounded twice, in different ways, and read as it is. */
    {"rounded twice", "d h4 d",
     QUANTIZE("q", "x") CONV("a", "q") DEQUANTIZE("f", "a") HOST("h", "f") QUANTIZE(
         "r", "h") "%t: i8[1x2x3x4] q(bits=8, exp=-5, zero=-128) = quantize(%h)\n" HOST("i", "h")
         ADD("m", "r", "t") DEQUANTIZE("y", "m"),
     "%y, %i"},
    /* Rounded for nobody but the host and an output. */
    {"rounded for the host", "h4",
     HOST("h", "x") QUANTIZE("r", "h") DEQUANTIZE("f", "r") HOST("i", "f"), "%i, %f"},
    {"input twice", "h2 d",
     QUANTIZE("q", "x") "%t: i8[1x2x3x4] q(bits=8, exp=-2, zero=0) = quantize(%x)\n" ADD(
         "m", "q", "t") DEQUANTIZE("y", "m"),
     "%y"},
    {"input as an output", "h2 d", QUANTIZE("q", "x") CONV("a", "q") DEQUANTIZE("y", "a"),
     "%y, %x"},
    {"stored input as an output", "d2",
     QUANTIZE("q", "x") DEQUANTIZE("f", "q") CONV("a", "q") DEQUANTIZE("y", "a"), "%f, %y"},
    {"host reads the stored input", "h d",
     QUANTIZE("q", "x") DEQUANTIZE("f", "q") HOST("h", "f") QUANTIZE("r", "h") ADD("m", "q", "r")
         DEQUANTIZE("y", "m"),
     "%y"},
    {"constant for the device", "h d",
     "const %k: f32[1x2x3x4] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, -1, -2, -3, -4, -5, -6, -7, "
     "-8, -9, -10, -11, 0.3]\n" QUANTIZE("q", "x") QUANTIZE("r", "k") ADD("m", "q", "r")
         DEQUANTIZE("y", "m"),
     "%y"},
    /* Views: of a tensor on either side free, between host nodes theirs. */
    {"views", "d h3 d",
     "const %p: i64[2] = [1, 24]\nconst %o: i64[4] = [1, 2, 3, 4]\n" QUANTIZE("q", "x")
         CONV("a", "q") DEQUANTIZE(
             "f", "a") "%v: f32[1x24] = reshape(%f, %p) {host=\"view\"}\n"
                       "%h: f32[1x24] = tanh(%v) {host=\"test\"}\n"
                       "%u: f32[1x2x3x4] = reshape(%h, %o) {host=\"view\"}\n" HOST(
                           "i", "u") "%z: f32[1x24] = reshape(%i, %p)\n" QUANTIZE("r", "i")
                           CONV("c", "r") DEQUANTIZE(
                               "g", "c") "%y: f32[24] = reshape(%g, %n)\nconst %n: i64[1] = [24]\n",
     "%y, %v"},
    {"views before quantize", "h d",
     "const %o: i64[4] = [1, 2, 3, 4]\nconst %p: i64[3] = [2, 3, 4]\n"
     "%v: f32[2x3x4] = reshape(%x, %p)\n%h: f32[2x3x4] = tanh(%v) {host=\"test\"}\n"
     "%u: f32[1x2x3x4] = reshape(%h, %o)\n" QUANTIZE("q", "u") CONV("a", "q") DEQUANTIZE("y", "a"),
     "%y"},
    {"another shape for the device", "d h d",
     "const %o: i64[4] = [1, 4, 3, 2]\n" QUANTIZE("q", "x") CONV("a", "q") DEQUANTIZE(
         "f", "a") "%v: f32[1x4x3x2] = reshape(%f, %o) {host=\"order\"}\n"
                   "%r: i8[1x4x3x2] " Q " = quantize(%v)\n%m: i8[1x4x2x1] " Q
                   " = qmaxpool(%r) {kernel_shape=[2, 2]}\n%y: f32[1x4x2x1] = dequantize(%m)\n",
     "%y"},
    /* Whole numbers, several results, left out inputs, any rank. */
    {"integers", "d h5 d",
     "const %k: i64[1] = [2]\nconst %two: i64[1] = [2]\nconst %ax: i64[1] = [1]\n"
     "const %o: i64[4] = [1, 2, 3, 2]\n" QUANTIZE("q", "x") CONV("a", "q") DEQUANTIZE(
         "f",
         "a") "%t: f32[1x2x3x2], %i: i64[1x2x3x2] = topk(%f, %k) {axis=3, host=\"test\"} \"top\"\n"
              "%j: i64[1x2x3x2] = add(%i, %i) {host=\"test\"}\n"
              "%g: f32[1x2x3x2] = cast(%j) {to=\"f32\", host=\"test\"}\n"
              "%h: f32[1x2x3x2] = mul(%t, %g) {host=\"test\"}\n"
              "%l: i64[1x2x3] = argmax(%f) {axis=3, keepdims=0, host=\"test\"}\n"
              "%r: i8[1x2x3x2] " Q " = quantize(%h)\n%m: i8[1x2x2x1] " Q
              " = qmaxpool(%r) {kernel_shape=[2, 2]}\n%y: f32[1x2x2x1] = dequantize(%m)\n",
     "%y, %i, %j, %l"},
    /* Attributes with defaults, of more dimensions than those say. */
    {"three dimensions", "h2",
     "const %o: i64[5] = [1, 2, 1, 3, 4]\nconst %k: f32[1x2x1x2x2] = [1, -2, 3, 0.5, -1, 4, 2, 7]\n"
     "%v: f32[1x2x1x3x4] = reshape(%x, %o) {host=\"rank\"}\n"
     "%a: f32[1x1x1x2x3] = conv(%v, %k) {host=\"rank\"}\n"
     "%y: f32[1x1x1x1x2] = maxpool(%a) {kernel_shape=[1, 2, 2], strides=[1, 1, 1], "
     "host=\"rank\"}\n",
     "%y"},
    {"integers alone", "h2",
     "input %n: i64[5x1]\nconst %z: f32[1x2x3x4] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, "
     "0, "
     "0, 0, 0, 0, 0, 0, 0, 0]\n%m: i64[5x1] = add(%n, %n) {host=\"test\"}\n"
     "%c: bool[5x1] = less(%m, %n) {host=\"test\"}\n",
     "%m, %c"},
};

static const char *segments_text(const struct job *j) {
    struct writer w;
    writer_init(&w, j->arena);
    for (int i = 0; i < j->plan->segment_count; i++) {
        const struct be_segment *s = &j->plan->segments[i];
        write_text(&w, "%s%c", i ? " " : "", s->host ? 'h' : 'd');
        if (s->count > 1) write_text(&w, "%d", s->count);
    }
    return writer_string(&w);
}

static void test_cases(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        TEST_CTX(c);
        struct job j = {.c = &c, .arena = arena_new(&c), .name = cases[i].name, .rng = {i + 1}};
        const char *text = arena_printf(j.arena, "graph \"t\" {\n%s%sreturn %s\n}\n", HEAD,
                                        cases[i].lines, cases[i].outputs);
        j.graph = ir_parse(&c, "t.nir", text, strlen(text));
        if (!j.graph) fail_said(&j, text);
        compile(&j, "tiny", 8);
        if (strcmp(segments_text(&j), cases[i].order) != 0)
            fail_said(&j, arena_printf(j.arena, "segments %s; expected %s", segments_text(&j),
                                       cases[i].order));
        check_order(&j);
        check_fewest(&j);
        run(&j);
        ctx_free(&c);
    }
}

/* An image that the host reads as it is: bytes become what preprocessing says, unrounded. */
static void test_bytes(void **state) {
    (void)state;
    enum { COUNT = 2 * 3 * 4 };
    TEST_CTX(c);
    struct job j = {.c = &c, .arena = arena_new(&c), .name = "bytes", .rng = {3}};
    const char *text = "graph \"t\" {\n" HEAD HOST("y", "x") "return %y\n}\n";
    j.graph = ir_parse(&c, "t.nir", text, strlen(text));
    if (!j.graph) fail_said(&j, text);
    compile(&j, "tiny", 8);
    j.options.preprocess =
        (struct preprocess){.scale = 0.02, .mean = {0.3, 0.7}, .std = {0.5, 1.5}, .given = true};
    j.program = be_lower(&c, j.plan, &j.options);
    uint8_t bytes[COUNT];
    float x[COUNT], y[COUNT];
    for (int i = 0; i < COUNT; i++) {
        bytes[i] = (uint8_t)rng_next(&j.rng);
        int channel = i / 12;
        x[i] = preprocess_byte(&j.options.preprocess, channel, bytes[i]);
    }
    struct writer file;
    writer_init(&file, j.arena);
    svpe_write(j.program, &file);
    struct nbq_program *p;
    struct nbq_session *s;
    assert_int_equal(nbq_load(file.data, file.size, "t", &p, NULL, 0), NBQ_OK);
    assert_true(nbq_input_preprocess(p, 0).takes_bytes);
    assert_int_equal(nbq_open(p, "emulator", &s), NBQ_OK);
    assert_int_equal(nbq_set_input_u8(s, 0, bytes, COUNT), NBQ_OK);
    assert_int_equal(nbq_run(s), NBQ_OK);
    assert_int_equal(nbq_get_output_f32(s, 0, y, COUNT), NBQ_OK);
    j.values = arena_array(j.arena, (size_t)j.graph->value_count, sizeof *j.values);
    assert_true(ir_eval(j.graph, j.arena, (const void *[]){x}, j.values));
    assert_memory_equal(y, j.values[j.graph->outputs[0]->id].data, sizeof y);
    nbq_close(s);
    nbq_program_free(p);
    ctx_free(&c);
}

/* ---- Random graphs --------------------------------------------------------------------------- */

static void test_random(void **state) {
    (void)state;
    static const char *const targets[] = {"tiny", "vta", "zcu102", "zcu102-a16"};
    const char *text = getenv("NBQ_TEST_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : 1;
    int several = 0;
    for (int g = 0; g < GRAPHS; g++, seed++) {
        TEST_CTX(c);
        struct job j = {.c = &c, .arena = arena_new(&c), .rng = {seed}};
        j.name = arena_printf(j.arena, "seed %llu", (unsigned long long)seed);
        const struct svpe_target *t = svpe_target_find(&c, j.arena, targets[g % 4]);
        int bits = g % 4 == 3 ? 16 : 8;
        j.graph = gen_graph_hosts(&c, t, bits, seed, LAYERS, 15 + 20 * (g % 3));
        compile(&j, targets[g % 4], bits);
        check_order(&j);
        check_fewest(&j);
        run(&j);
        several += j.plan->segment_count > 3;
        ctx_free(&c);
    }
    assert_true(several > GRAPHS / 4);
}

/* ---- Refusals -------------------------------------------------------------------------------- */

static const struct {
    const char *lines, *outputs, *said;
} faults[] = {
    {QUANTIZE("q", "x") "%h: i8[1x2x3x4] = abs(%q) {host=\"test\"}\n", "%h", "stored integers"},
    {"%y: f32[1x2x3x4] = relu(%x)\n", "%y", "relu cannot be lowered"},
    {QUANTIZE("q", "x") "%a: i8[1x2x3x4] " Q " = qadd(%q, %x)\n%y: f32[1x2x3x4] = dequantize(%a)\n",
     "%y", "not an activation"},
    {"const %k: f32[1x2x3x4] = hash:0x12\n%y: f32[1x2x3x4] = add(%x, %k) {host=\"test\"}\n", "%y",
     "a hash without data"},
    {"const %k: f32[1x2x3x4] = hash:0x12\n", "%x, %k", "a hash without data"},
};

static void test_refusals(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        TEST_CTX(c);
        struct job j = {.c = &c, .arena = arena_new(&c), .name = faults[i].said};
        const char *text = arena_printf(j.arena, "graph \"t\" {\n%s%sreturn %s\n}\n", HEAD,
                                        faults[i].lines, faults[i].outputs);
        j.graph = ir_parse(&c, "t.nir", text, strlen(text));
        if (!j.graph) fail_said(&j, text);
        struct be_options o = {.target = svpe_target_find(&c, j.arena, "tiny"), .act_bits = 8};
        const struct be_plan *p = be_plan(&c, j.graph, &o);
        if (p && be_lower(&c, p, &o)) fail_said(&j, "accepted");
        if (!c.first || !strstr(c.first->message, faults[i].said)) fail_said(&j, "not said");
        ctx_free(&c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bytes), cmocka_unit_test(test_cases),
                                       cmocka_unit_test(test_random),
                                       cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests_name("backend_host", tests, NULL, NULL);
}
