/* What plans promise: spans of input are exactly what windows touch, a layer stays inside its
 * part of the buffers, the estimate's bytes are those of the instructions, tensors alive
 * together never overlap in DRAM. */
#include "test.h"

#include "backend_graphs.h"
#include "backend_tilings.h"

enum { GRAPHS = 20, LAYERS = 6, AXES = 3000, INSN_BYTES = 32 };

static int below(struct rng *r, int n) {
    return (int)rng_below(r, (uint32_t)n);
}

/* ---- Spans ----------------------------------------------------------------------------------- */

static void test_spans(void **state) {
    (void)state;
    struct rng r = {4711};
    for (int i = 0; i < AXES; i++) {
        struct be_axis a = {.in = 1 + below(&r, 20), .window = 1 + below(&r, 5), .repeat = 1};
        a.stride = 1 + below(&r, a.window);
        a.before = below(&r, a.window);
        int padded = a.in + a.before + below(&r, a.window);
        if (padded < a.window) continue;
        a.out = (padded - a.window) / a.stride + 1;
        if (below(&r, 4) == 0) a = (struct be_axis){a.in * 3, a.in, 1, 1, 0, 3};
        int first = below(&r, a.out) / a.repeat * a.repeat, count = 1 + below(&r, a.out - first);
        struct be_span s = be_span(&a, first, count);
        int low = INT32_MAX, high = INT32_MIN, before = 0, after = 0, begin = INT32_MAX,
            end = INT32_MIN;
        for (int o = first; o < first + count; o++)
            for (int k = 0; k < a.window; k++) {
                int x = o / a.repeat * a.stride - a.before + k;
                if (x < begin) begin = x;
                if (x > end) end = x;
                if (x >= 0 && x < a.in && x < low) low = x;
                if (x >= 0 && x < a.in && x > high) high = x;
            }
        for (int x = begin; x <= end; x++) before += x < 0, after += x >= a.in;
        assert_int_equal(s.total, end - begin + 1);
        if (high < low) {
            assert_true(s.count < 1);
            continue;
        }
        assert_int_equal(s.first, low);
        assert_int_equal(s.count, high - low + 1);
        assert_int_equal(s.before, before);
        assert_int_equal(s.after, after);
    }
}

/* ---- Layers against their instructions ------------------------------------------------------- */

struct use {       /* of one layer, by its instructions */
    int64_t bytes; /* to and from DRAM, and of the words */
    uint64_t low[SVPE_BUFFER_COUNT], high[SVPE_BUFFER_COUNT]; /* bytes of the buffers touched */
};

static void visit(void *user, const struct svpe_range *r) {
    struct use *u = user;
    uint64_t end = r->first + (r->count1 - 1) * r->step1 + (r->count2 - 1) * r->step2 + r->bytes;
    if (r->space >= SVPE_BUFFER_COUNT) {
        u->bytes += (int64_t)(r->bytes * r->count1 * r->count2);
        return;
    }
    if (r->first < u->low[r->space]) u->low[r->space] = r->first;
    if (end > u->high[r->space]) u->high[r->space] = end;
}

static struct use *uses_of(struct arena *a, const struct svpe_program *p, int layers) {
    struct svpe_machine m = {.target = p->target, .act_bits = p->act_bits};
    struct use *uses = arena_array(a, (size_t)layers, sizeof *uses);
    for (int l = 0; l < layers; l++)
        for (int b = 0; b < SVPE_BUFFER_COUNT; b++) uses[l].low[b] = UINT64_MAX;
    for (size_t at = 0; at < p->code_bytes;) {
        struct svpe_insn i;
        const char *why;
        at += (size_t)svpe_decode(p->code + at, p->code_bytes - at, &i, &why);
        if (i.op == SVPE_END || i.op == SVPE_SYNCW) continue;
        uses[i.layer].bytes += INSN_BYTES;
        svpe_footprint(&m, &i, visit, &uses[i.layer]);
    }
    return uses;
}

static int64_t unit_bytes(const struct be_plan *p, enum svpe_buffer b) {
    if (b == SVPE_BUFFER_ACT) return p->target->lanes * p->act_bits / 8;
    return b == SVPE_BUFFER_ACC ? p->target->elements * 8 : 8; /* sums count as 8 bytes each */
}

static void fail_plan(struct arena *a, const struct be_plan *p, const struct be_layer *l,
                      const char *what) {
    struct writer text;
    writer_init(&text, a);
    be_plan_print(p, &text);
    fail_msg("layer %d: %s\n%s", l->index, what, writer_string(&text));
}

static void check_parts(struct arena *a, const struct be_plan *p, const struct be_layer *l,
                        const struct use *u) {
    for (int b = 0; b < SVPE_BUFFER_COUNT; b++) {
        int64_t unit = unit_bytes(p, (enum svpe_buffer)b), low = INT64_MAX;
        for (int r = 0; r < BE_ROLE_COUNT; r++) {
            const struct be_slots *s = &l->need->slots[r];
            if ((int)be_buffer_of_role((enum be_role)r) == b && s->count && s->base < low)
                low = s->base;
        }
        if (u->high[b] == 0) continue;
        assert_true(low != INT64_MAX);
        int64_t first = (int64_t)u->low[b], end = (int64_t)u->high[b];
        if (first < low * unit || end > (low + l->need->total[b]) * unit)
            fail_plan(a, p, l,
                      arena_printf(a, "buffer %d: bytes %lld to %lld of %lld to %lld", b,
                                   (long long)first, (long long)end, (long long)low * unit,
                                   (long long)(low + l->need->total[b]) * unit));
        assert_true(low + l->need->total[b] <= be_capacity(p, (enum svpe_buffer)b));
    }
}

/* Tensors in the work region whose lives overlap lie apart. */
static void check_memory(const struct be_plan *p) {
    assert_true(p->work_bytes >= p->work_lower_bound);
    for (int i = 0; i < p->buffer_count; i++) {
        const struct be_buffer *a = p->buffers[i];
        assert_int_equal((a->work_at | a->in_at | a->out_at) % 64, 0);
        if (a->made < 0 || a->last < 0) continue;
        assert_true(a->work_at + a->bytes <= p->work_bytes);
        for (int k = 0; k < i; k++) {
            const struct be_buffer *b = p->buffers[k];
            if (b->made < 0 || b->last < 0 || a->made > b->last || b->made > a->last) continue;
            assert_true(a->work_at + a->bytes <= b->work_at || b->work_at + b->bytes <= a->work_at);
        }
    }
}

static void check_program(struct ctx *c, struct arena *a, struct be_plan *p, struct be_options *o) {
    struct svpe_program *program = be_lower(c, p, o);
    assert_non_null(program);
    struct use *uses = uses_of(a, program, p->layer_count);
    for (int l = 0; l < p->layer_count; l++) {
        const struct be_layer *layer = &p->layers[l];
        check_parts(a, p, layer, &uses[l]);
        bool exact = layer->shape->part_count == 0 && layer->need->chunks == 1;
        if (exact && layer->est_bytes != uses[l].bytes)
            fail_plan(a, p, layer,
                      arena_printf(a, "%lld bytes, estimated %lld", (long long)uses[l].bytes,
                                   (long long)layer->est_bytes));
    }
}

static void check_plan(struct ctx *c, const struct svpe_target *t, uint64_t seed) {
    struct arena *a = arena_new(c);
    struct be_options o = {
        .target = t, .act_bits = t->act8 ? 8 : 16, .preprocess = {.scale = 1, .std = {1, 1, 1, 1}}};
    struct ir_graph *g = gen_graph(c, t, o.act_bits, seed, LAYERS);
    struct be_plan *p = be_plan(c, g, &o);
    assert_non_null(p);
    check_memory(p);
    check_program(c, a, p, &o);
    shuffle_tilings(p, &(struct rng){seed});
    check_program(c, a, p, &o);
}

static void test_plans(void **state) {
    (void)state;
    uint64_t seed = 500;
    for (int t = 0; t < svpe_target_count(); t++)
        for (int g = 0; g < GRAPHS; g++) {
            TEST_CTX(c);
            check_plan(&c, svpe_target_find(&c, arena_new(&c), svpe_target_name(t)), seed++);
            ctx_free(&c);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_spans), cmocka_unit_test(test_plans)};
    return cmocka_run_group_tests_name("backend_tile", tests, NULL, NULL);
}
