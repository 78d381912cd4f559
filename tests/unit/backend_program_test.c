/* Programs from random graphs, on every target, with the default and with random tilings: every
 * instruction verified, no token missing, none redundant, and the emulator's integers those of
 * the oracle, bit for bit, also when it runs the queues in another order. NBQ_TEST_SEED starts
 * elsewhere. */
#include "test.h"

#include "backend_graphs.h"
#include "backend_tilings.h"

#include "runtime/emulator.h"
#include "runtime/nbq.h"

#include <stdio.h>

enum { GRAPHS = 12, LAYERS = 9, RANDOM_TARGETS = 60, TILINGS = 3, MAX_REMOVALS = 30 };

struct job {
    struct ctx *c;
    struct arena *arena;
    struct rng rng;
    uint64_t seed;
    const struct svpe_target *target;
    int act_bits;
    struct ir_graph *graph;
    struct be_options options;
    struct be_plan *plan;
    struct svpe_program *program;
    struct svpe_machine machine;
    struct svpe_insn *insns;
    int count;
    const float *input;
    struct ir_tensor *values; /* the oracle's */
};

static uint64_t first_seed(void) {
    const char *text = getenv("NBQ_TEST_SEED");
    return text ? strtoull(text, NULL, 0) : 1;
}

static void fail_said(const struct job *j, const char *what) {
    const struct diag *d = j->c->first;
    for (const struct diag *k = d; k; k = k->next) diag_print(k, "test", stderr);
    fail_msg("seed %llu, target %s, %d bits: %s", (unsigned long long)j->seed, j->target->name,
             j->act_bits, what);
}

/* ---- The program ----------------------------------------------------------------------------- */

/* False: there is no plan, and it was said why. */
static bool make_graph(struct job *j, int layers) {
    j->graph = gen_graph(j->c, j->target, j->act_bits, j->seed, layers);
    if (!ir_verify(j->graph, "test")) fail_said(j, "the generator made a bad graph");
    j->options = (struct be_options){.target = j->target, .act_bits = j->act_bits};
    j->options.preprocess = (struct preprocess){.scale = 1.0 / 255, .std = {1, 1, 1, 1}};
    j->plan = be_plan(j->c, j->graph, &j->options);
    if (!j->plan && j->c->errors == 0) fail_said(j, "no plan, and no word why");
    return j->plan != NULL;
}

static void decode(struct job *j) {
    const struct svpe_program *p = j->program;
    j->insns = arena_array(j->arena, p->code_bytes / 16 + 1, sizeof *j->insns);
    j->count = 0;
    for (size_t at = 0; at < p->code_bytes;) {
        const char *why = "";
        int n = svpe_decode(p->code + at, p->code_bytes - at, &j->insns[j->count++], &why);
        if (!n) fail_said(j, why);
        at += (size_t)n;
    }
    j->machine = (struct svpe_machine){.target = j->target, .act_bits = j->act_bits};
    uint64_t bytes[SVPE_REGION_COUNT] = {[SVPE_REGION_WGT] = p->weight_bytes,
                                         [SVPE_REGION_PAR] = p->param_bytes,
                                         [SVPE_REGION_WORK] = p->work_bytes,
                                         [SVPE_REGION_IN] = p->in_bytes,
                                         [SVPE_REGION_OUT] = p->out_bytes};
    memcpy(j->machine.region_bytes, bytes, sizeof bytes);
}

static void lower(struct job *j) {
    j->program = be_lower(j->c, j->plan, &j->options);
    if (!j->program) fail_said(j, "no program");
    decode(j);
}

/* ---- Instructions and tokens ----------------------------------------------------------------- */

static bool ordered(const struct job *j, const struct svpe_insn *insns, struct svpe_fault *fault) {
    if (!svpe_check_tokens(&j->machine, insns, j->count, fault)) return false;
    struct arena *a = arena_new(j->c);
    bool good = svpe_check_races(a, &j->machine, insns, j->count, fault, 1) == 0;
    arena_free(a);
    return good;
}

static void check_stream(const struct job *j) {
    struct svpe_fault fault;
    for (int i = 0; i < j->count; i++) {
        const char *why = svpe_verify_insn(j->arena, &j->machine, &j->insns[i]);
        if (why) fail_said(j, why);
    }
    if (!ordered(j, j->insns, &fault))
        fail_said(j, svpe_fault_text(j->arena, &fault, j->insns, NULL, 0));
}

/* The n-th post from one queue to another. */
static int find_post(const struct job *j, enum svpe_queue from, enum svpe_queue to, int n) {
    for (int i = 0; i < j->count; i++)
        if (j->insns[i].queue == from && (j->insns[i].post >> to & 1) && n-- == 0) return i;
    return -1;
}

/* Both ends of the token taken; everything else stays matched. */
static void check_needed(const struct job *j, int wait, enum svpe_queue from, int number) {
    struct svpe_insn *insns = arena_copy(j->arena, j->insns, (size_t)j->count * sizeof *insns);
    int post = find_post(j, from, insns[wait].queue, number);
    assert_true(post >= 0 && post < wait);
    insns[wait].wait &= (uint8_t) ~(1u << from);
    insns[post].post &= (uint8_t) ~(1u << insns[wait].queue);
    struct svpe_fault fault;
    if (ordered(j, insns, &fault))
        fail_said(j, arena_printf(j->arena, "the token from %d to %d is redundant", post, wait));
}

static void check_all_needed(struct job *j) {
    int seen[SVPE_QUEUE_COUNT][SVPE_QUEUE_COUNT] = {{0}}, total = 0;
    for (int i = 0; i < j->count; i++) total += __builtin_popcount(j->insns[i].wait);
    for (int i = 0; i < j->count; i++)
        for (int from = 0; from < SVPE_QUEUE_COUNT; from++) {
            if (!(j->insns[i].wait >> from & 1)) continue;
            int number = seen[from][j->insns[i].queue]++;
            if (total > MAX_REMOVALS && rng_below(&j->rng, (uint32_t)total) >= MAX_REMOVALS)
                continue;
            check_needed(j, i, (enum svpe_queue)from, number);
        }
}

/* ---- Results --------------------------------------------------------------------------------- */

static void evaluate(struct job *j) {
    const struct ir_value *in = j->graph->inputs[0];
    size_t n = (size_t)ir_elements(in);
    float *x = arena_array(j->arena, n, sizeof *x);
    for (size_t i = 0; i < n; i++) x[i] = (float)(rng_normal(&j->rng) * 4);
    j->input = x;
    j->values = arena_array(j->arena, (size_t)j->graph->value_count, sizeof *j->values);
    const void *inputs[1] = {x};
    if (!ir_eval(j->graph, j->arena, inputs, j->values)) fail_said(j, "the oracle failed");
}

static void compare_output(const struct job *j, struct nbq_session *s, int index) {
    const struct ir_value *v = j->graph->outputs[index];
    size_t n = (size_t)ir_elements(v);
    float *found = arena_array(j->arena, n, sizeof *found);
    if (nbq_get_output_f32(s, index, found, n) != NBQ_OK) fail_said(j, nbq_error(s));
    const float *expected = j->values[v->id].data;
    bool softmax = v->producer->op == IR_OP_softmax;
    for (size_t i = 0; i < n; i++) {
        float difference = found[i] > expected[i] ? found[i] - expected[i] : expected[i] - found[i];
        if (softmax ? difference < 1e-5f : found[i] == expected[i]) continue;
        struct writer plan, graph;
        writer_init(&plan, j->arena);
        writer_init(&graph, j->arena);
        be_plan_print(j->plan, &plan);
        ir_print(j->graph, 0, &graph);
        fprintf(stderr, "%s%s", writer_string(&graph), writer_string(&plan));
        fail_said(j, arena_printf(j->arena, "output %d (%s), element %zu: %g, expected %g", index,
                                  v->name, i, (double)found[i], (double)expected[i]));
    }
}

static void run_program(struct job *j) {
    struct writer file;
    char message[400];
    struct nbq_program *program;
    struct nbq_session *s;
    writer_init(&file, j->arena);
    svpe_write(j->program, &file);
    if (nbq_load(file.data, file.size, "test.svpe", &program, message, sizeof message) != NBQ_OK)
        fail_said(j, message);
    if (nbq_check(program, message, sizeof message)) fail_said(j, message);
    assert_int_equal(nbq_open(program, "emulator", &s), NBQ_OK);
    if (nbq_set_input_f32(s, 0, j->input, (size_t)ir_elements(j->graph->inputs[0])) != NBQ_OK)
        fail_said(j, nbq_error(s));
    if (nbq_run(s) != NBQ_OK) fail_said(j, nbq_error(s));
    for (int i = 0; i < j->graph->output_count; i++) compare_output(j, s, i);
    nbq_close(s);
    nbq_program_free(program);
}

/* ---- Tests ----------------------------------------------------------------------------------- */

/* Counters of few tokens bring sync words and blocked posts, which order some things a second
 * time: there a token may be redundant. */
static void check_graph(struct ctx *c, const struct svpe_target *target, bool must_fit,
                        int act_bits, uint64_t seed) {
    struct job j = {
        .c = c, .arena = arena_new(c), .rng = {seed}, .seed = seed, .act_bits = act_bits};
    j.target = target;
    if (!make_graph(&j, LAYERS)) {
        if (must_fit) fail_said(&j, "no plan");
        return;
    }
    evaluate(&j);
    for (int k = 0; k < TILINGS; k++) {
        if (k) shuffle_tilings(j.plan, &j.rng);
        lower(&j);
        check_stream(&j);
        run_program(&j);
        if (target->tokens > 16) check_all_needed(&j);
    }
}

static void test_all_targets(void **state) {
    (void)state;
    uint64_t seed = first_seed();
    for (int t = 0; t < svpe_target_count(); t++)
        for (int g = 0; g < GRAPHS; g++) {
            TEST_CTX(c);
            const struct svpe_target *target =
                svpe_target_find(&c, arena_new(&c), svpe_target_name(t));
            int bits = (g % 2 ? target->act8 : !target->act16) ? 8 : 16;
            check_graph(&c, target, true, bits, seed++);
            ctx_free(&c);
        }
}

/* Vectors longer and shorter than entries, kernels of one gathered tap, one column, counters of
 * one token. */
static void test_odd_targets(void **state) {
    (void)state;
    static const int shapes[][6] = {/* lanes, elements, columns, gather, tokens, act_bits */
                                    {2, 2, 1, 1, 255, 8},  {4, 32, 3, 2, 255, 16},
                                    {32, 4, 5, 3, 255, 8}, {16, 8, 1, 4, 1, 16},
                                    {8, 4, 2, 4, 1, 8},    {8, 16, 2, 4, 2, 8}};
    uint64_t seed = first_seed() + 1000000;
    for (size_t t = 0; t < sizeof shapes / sizeof *shapes; t++)
        for (int g = 0; g < GRAPHS / 2; g++) {
            TEST_CTX(c);
            struct svpe_target target = *svpe_target_find(&c, arena_new(&c), "tiny");
            target.name = "odd";
            target.wgt_bytes *= 4;
            target.lanes = target.vector_lanes = shapes[t][0];
            target.elements = shapes[t][1];
            target.columns = shapes[t][2];
            target.gather = shapes[t][3];
            target.tokens = shapes[t][4];
            check_graph(&c, &target, true, shapes[t][5], seed++);
            ctx_free(&c);
        }
}

static int64_t power(struct rng *r, int low, int high) {
    return (int64_t)1 << (low + (int)rng_below(r, (uint32_t)(high - low + 1)));
}

/* Any target at all: most layers fit or are refused with both numbers. */
static void test_random_targets(void **state) {
    (void)state;
    struct rng r = {first_seed() + 7};
    for (int g = 0; g < RANDOM_TARGETS; g++) {
        TEST_CTX(c);
        struct svpe_target t = *svpe_target_find(&c, arena_new(&c), "tiny");
        t.name = "random";
        t.lanes = power(&r, 1, 7);
        t.elements = power(&r, 1, 7);
        t.columns = 1 + rng_below(&r, 20);
        t.gather = 1 + rng_below(&r, (uint32_t)(t.lanes < 16 ? t.lanes : 16));
        t.vector_lanes = t.lanes * power(&r, 0, 3);
        t.table_lanes = power(&r, 0, 8);
        t.act_bytes = t.lanes * 2 + power(&r, 8, 18) + 8 * rng_below(&r, 100);
        t.wgt_bytes = t.lanes * t.elements + power(&r, 8, 18) + 8 * rng_below(&r, 100);
        t.acc_bytes = t.elements * 6 + power(&r, 6, 16) + 8 * rng_below(&r, 100);
        t.par_bytes = power(&r, 6, 14) + 8 * rng_below(&r, 100);
        t.act_banks = 1 + rng_below(&r, 40);
        t.tokens = 1 + rng_below(&r, 255);
        check_graph(&c, &t, false, rng_below(&r, 2) ? 8 : 16, rng_next(&r));
        ctx_free(&c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_targets),
                                       cmocka_unit_test(test_odd_targets),
                                       cmocka_unit_test(test_random_targets)};
    return cmocka_run_group_tests_name("backend_program", tests, NULL, NULL);
}
