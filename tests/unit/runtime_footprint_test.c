/* Footprints (isa/footprint.c) against what the emulator really does: an instruction runs twice,
 * on memories that agree only in the bytes it is said to read. What it is said to write must
 * then be equal, and everything else untouched. */
#include "runtime_rig.h"

enum { ROUNDS = 20 };

struct space {
    uint8_t *bytes;
    size_t size;
    uint8_t *reads, *writes; /* one per byte */
    uint8_t *first, *result, *second;
};

struct spaces {
    struct space at[SVPE_SPACE_COUNT];
};

static void mark(void *user, const struct svpe_range *r) {
    struct space *s = &((struct spaces *)user)->at[r->space];
    for (uint64_t j = 0; j < r->count2; j++)
        for (uint64_t i = 0; i < r->count1; i++) {
            uint64_t first = r->first + i * r->step1 + j * r->step2;
            assert_true(first + r->bytes <= s->size);
            memset((r->write ? s->writes : s->reads) + first, 1, r->bytes);
        }
}

static void open_spaces(struct rig *r, struct spaces *all) {
    struct rt_emulator *e = r->e;
    all->at[SVPE_BUFFER_ACT] = (struct space){.bytes = e->act, .size = e->act_size};
    all->at[SVPE_BUFFER_WGT] = (struct space){.bytes = e->wgt, .size = e->wgt_size};
    all->at[SVPE_BUFFER_ACC] = (struct space){.bytes = (uint8_t *)e->acc, .size = e->acc_size};
    all->at[SVPE_BUFFER_PAR] = (struct space){.bytes = e->par, .size = e->par_size};
    for (int n = 0; n < SVPE_REGION_COUNT; n++)
        all->at[SVPE_BUFFER_COUNT + n] =
            (struct space){.bytes = (uint8_t *)(uintptr_t)e->source[n], .size = RIG_REGION_BYTES};
    for (int n = 0; n < SVPE_SPACE_COUNT; n++) {
        all->at[n].reads = arena_alloc(r->arena, all->at[n].size);
        all->at[n].writes = arena_alloc(r->arena, all->at[n].size);
    }
}

static void compare(const struct spaces *all, const char *what) {
    for (int n = 0; n < SVPE_SPACE_COUNT; n++) {
        const struct space *s = &all->at[n];
        for (size_t b = 0; b < s->size; b++) {
            if (!s->writes[b] && s->result[b] != s->first[b])
                fail_msg("%s: space %d, byte %zu changed but is not in the footprint", what, n, b);
            if (!s->writes[b] && s->bytes[b] != s->second[b])
                fail_msg("%s: space %d, byte %zu changed the second time", what, n, b);
            if (s->writes[b] && s->bytes[b] != s->result[b])
                fail_msg("%s: space %d, byte %zu depends on bytes outside the footprint, or is not "
                         "written",
                         what, n, b);
        }
    }
}

static void run_twice(struct rig *r, struct svpe_insn *i, const char *what) {
    struct spaces all;
    open_spaces(r, &all);
    svpe_footprint(&r->image.machine, i, mark, &all);
    rig_prepare(r, i);
    for (int n = 0; n < SVPE_SPACE_COUNT; n++)
        all.at[n].first = arena_copy(r->arena, all.at[n].bytes, all.at[n].size);
    rt_emulator_execute(r->e, i);
    for (int n = 0; n < SVPE_SPACE_COUNT; n++)
        all.at[n].result = arena_copy(r->arena, all.at[n].bytes, all.at[n].size);
    rig_prepare(r, i);
    for (int n = 0; n < SVPE_SPACE_COUNT; n++) {
        struct space *s = &all.at[n];
        for (size_t b = 0; b < s->size; b++)
            if (s->reads[b]) s->bytes[b] = s->first[b];
        s->second = arena_copy(r->arena, s->bytes, s->size);
    }
    rt_emulator_execute(r->e, i);
    assert_null(r->e->error);
    compare(&all, what);
}

static void check_insn(const int shape[6], enum svpe_op op, uint64_t seed) {
    struct rig r = {.rng = {seed}};
    ctx_init(&r.ctx, "test", NULL);
    if (setjmp(r.ctx.oom)) fail_msg("out of memory");
    r.arena = arena_new(&r.ctx);
    rig_target(&r, shape);
    struct svpe_insn i = rig_insn(&r, op);
    rig_open(&r, &i, 1);
    struct writer text;
    writer_init(&text, r.arena);
    svpe_print_insn(&i, &text);
    run_twice(&r, &i,
              arena_printf(r.arena, "seed %llu, V=%d E=%d A=%d: %s", (unsigned long long)seed, r.V,
                           r.E, r.A, writer_string(&text)));
    ctx_free(&r.ctx);
}

static void every_instruction(void **state) {
    (void)state;
    for (int op = 0; op < SVPE_OP_COUNT; op++)
        for (int shape = 0; shape < RIG_SHAPES; shape++)
            for (uint64_t n = 0; n < ROUNDS; n++)
                check_insn(rig_shapes[shape], (enum svpe_op)op,
                           1000000 + ((uint64_t)op * RIG_SHAPES + (uint64_t)shape) * ROUNDS + n);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_instruction)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
