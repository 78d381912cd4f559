/* Schedules in Lua: what a script sees, that its choice is taken, that it changes cycles and
 * never results, and that the same script gives the same program. What it may not do is in
 * tests/lit/backend/schedule-refused.nir. */
#include "test.h"

#include "backend_graphs.h"

#include "backend/internal.h"
#include "runtime/nbq.h"

enum { GRAPHS = 6, LAYERS = 6 };

struct job {
    struct ctx *c;
    struct arena *arena;
    const struct svpe_target *target;
    struct ir_graph *graph;
};

static struct job job_of(struct ctx *c, uint64_t seed) {
    struct job j = {.c = c, .arena = arena_new(c)};
    j.target = svpe_target_find(c, j.arena, "tiny");
    j.graph = gen_graph(c, j.target, 8, seed, LAYERS);
    return j;
}

/* The plan of the graph under a script; NULL: the default. */
static struct be_plan *plan_with(struct job *j, const char *script, struct be_options *o) {
    *o = (struct be_options){
        .target = j->target, .act_bits = 8, .preprocess = {.scale = 1, .std = {1, 1, 1, 1}}};
    if (script) o->schedule = test_file(j->c, j->arena, ".lua", script, strlen(script));
    struct be_plan *p = be_plan(j->c, j->graph, o);
    if (script) unlink(o->schedule);
    return p;
}

static struct writer program_with(struct job *j, const char *script) {
    struct be_options o;
    struct writer file;
    struct be_plan *p = plan_with(j, script, &o);
    if (!p) fail_msg("%s", j->c->first ? j->c->first->message : "no plan");
    struct svpe_program *program = be_lower(j->c, p, &o);
    assert_non_null(program);
    writer_init(&file, j->arena);
    svpe_write(program, &file);
    return file;
}

/* All outputs, one after the other. */
static float *results(struct job *j, const struct writer *file, size_t *count) {
    struct nbq_program *program;
    struct nbq_session *s;
    size_t in = (size_t)ir_elements(j->graph->inputs[0]);
    float *x = arena_array(j->arena, in, sizeof *x);
    struct rng rng = {77};
    for (size_t i = 0; i < in; i++) x[i] = (float)rng_normal(&rng);
    *count = 0;
    for (int i = 0; i < j->graph->output_count; i++)
        *count += (size_t)ir_elements(j->graph->outputs[i]);
    float *out = arena_array(j->arena, *count, sizeof *out), *at = out;
    assert_int_equal(nbq_load(file->data, file->size, "test", &program, NULL, 0), NBQ_OK);
    assert_int_equal(nbq_open(program, "emulator", &s), NBQ_OK);
    assert_int_equal(nbq_set_input_f32(s, 0, x, in), NBQ_OK);
    assert_int_equal(nbq_run(s), NBQ_OK);
    for (int i = 0; i < j->graph->output_count; i++) {
        size_t n = (size_t)ir_elements(j->graph->outputs[i]);
        assert_int_equal(nbq_get_output_f32(s, i, at, n), NBQ_OK);
        at += n;
    }
    nbq_close(s);
    nbq_program_free(program);
    return out;
}

/* Tilings from a generator of the script's own, the first that cost() accepts. */
static const char random_script[] =
    "local state = 12345\n"
    "local function random(n)\n"
    "  state = (state * 1103515245 + 12345) % 2147483648\n"
    "  return state // 65536 % n + 1\n"
    "end\n"
    "function schedule(layer, target, default)\n"
    "  local unit = math.max(target.lanes, target.elements)\n"
    "  for attempt = 1, 30 do\n"
    "    local t = {rows = random(layer.rows), cols = random(layer.cols), oc = unit * random(3),\n"
    "               order = random(2) == 1 and 'spatial' or 'channel', double_buffer = random(2) "
    "== 1}\n"
    "    if cost(t) then return t end\n"
    "  end\n"
    "end\n";

static void test_results_stay(void **state) {
    (void)state;
    int different = 0;
    for (uint64_t seed = 1; seed <= GRAPHS; seed++) {
        TEST_CTX(c);
        struct job j = job_of(&c, seed);
        size_t n, m;
        struct writer plain = program_with(&j, NULL), tiled = program_with(&j, random_script);
        struct writer again = program_with(&j, random_script);
        assert_int_equal(tiled.size, again.size);
        assert_memory_equal(tiled.data, again.data, again.size);
        different += plain.size != tiled.size || memcmp(plain.data, tiled.data, plain.size) != 0;
        float *a = results(&j, &plain, &n), *b = results(&j, &tiled, &m);
        assert_int_equal(n, m);
        assert_memory_equal(a, b, n * sizeof *a);
        ctx_free(&c);
    }
    assert_int_equal(different, GRAPHS);
}

static const char whole_script[] =
    "function schedule(layer, target, default)\n"
    "  local t = {rows = layer.rows, cols = 1, double_buffer = false}\n"
    "  if cost(t) then return t end\n"
    "  return nil\n"
    "end\n";

static void test_choice_is_taken(void **state) {
    (void)state;
    TEST_CTX(c);
    struct job j = job_of(&c, 4);
    struct be_options o;
    struct be_plan *p = plan_with(&j, whole_script, &o);
    assert_non_null(p);
    int taken = 0;
    for (int i = 0; i < p->layer_count; i++) {
        const struct be_tiling *t = &p->layers[i].tiling;
        taken += t->rows == p->layers[i].shape->ay.out && t->cols == 1 && !t->double_buffer;
    }
    assert_true(taken >= p->layer_count / 2);
    ctx_free(&c);
}

/* The script compares what it sees with what the layer is. */
static const char looking_script[] =
    "function schedule(layer, target, default)\n"
    "  assert(target.name == 'tiny' and target.lanes == 8 and target.tokens == 255)\n"
    "  assert(layer.rows >= default.rows and layer.cols >= default.cols)\n"
    "  assert(default.oc % 8 == 0 and default.ic % 8 == 0)\n"
    "  assert(default.order == 'spatial' or default.order == 'channel')\n"
    "  assert(layer.kind ~= 'qconv' or (layer.bits >= 1 and layer.terms >= 1 and layer.form and "
    "layer.macs > 0))\n"
    "  assert(cost(default) > 0 and cost({}) == cost(default))\n"
    "  local none, why = cost({rows = layer.rows + 1})\n"
    "  local range = (layer.rows > 1 and '1…' or '') .. layer.rows\n"
    "  assert(none == nil and why == 'rows = ' .. layer.rows + 1 .. ': expected ' .. range, why)\n"
    "  for _, name in ipairs({'io', 'os', 'load', 'loadfile', 'dofile', 'require', 'package', "
    "'debug', 'coroutine',\n"
    "      'collectgarbage', 'pcall', 'setmetatable', 'getmetatable', 'pairs', 'next', 'tostring', "
    "'print'}) do\n"
    "    assert(_G[name] == nil, name)\n"
    "  end\n"
    "  for _, name in ipairs({'find', 'match', 'gmatch', 'gsub', 'rep', 'format', 'dump'}) do\n"
    "    assert(string[name] == nil, name)\n"
    "  end\n"
    "end\n";

static void test_what_a_script_sees(void **state) {
    (void)state;
    for (uint64_t seed = 10; seed < 10 + GRAPHS; seed++) {
        TEST_CTX(c);
        struct job j = job_of(&c, seed);
        struct be_options o;
        if (!plan_with(&j, looking_script, &o)) fail_msg("%s", c.first->message);
        ctx_free(&c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_results_stay),
                                       cmocka_unit_test(test_choice_is_taken),
                                       cmocka_unit_test(test_what_a_script_sees)};
    return cmocka_run_group_tests_name("backend_schedule", tests, NULL, NULL);
}
