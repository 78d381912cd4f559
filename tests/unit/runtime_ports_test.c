/* Port uses counted by address against the cycles of isa/uop.c: never too many on the machine the
 * cycles are for, found on one with less of a single thing. */
#include "isa_help.h"
#include "runtime/runtime.h"

/* Fields small enough for a buffer of 4096 vectors, by a seed. */
static struct svpe_insn draw(enum svpe_op op, struct rng *r) {
    const struct svpe_op_info *info = svpe_op_info(op);
    struct svpe_insn i = svpe_insn_new(op, 0);
    for (int n = 0; n < svpe_field_count(info->format); n++) {
        enum svpe_field f = (enum svpe_field)((int)svpe_field_first(info->format) + n);
        const struct svpe_field_info *field = svpe_field_info(f);
        if (!(info->uses >> n & 1)) continue;
        uint32_t most = field->width >= 12 ? 60 : field->width >= 6 ? 5 : 3;
        int64_t low = field->min > 0 ? 1 : 0, high = ((int64_t)1 << field->width) - 1;
        int64_t v = low + (int64_t)rng_below(r, most);
        svpe_set(&i, f, field->is_signed ? 0 : v > high ? high : v);
    }
    return i;
}

/* Of the array and the vector unit. */
static bool has_steps(int op) {
    enum svpe_queue queue = svpe_op_info((enum svpe_op)op)->queue;
    return queue == SVPE_QUEUE_EXEC || queue == SVPE_QUEUE_VEC;
}

static void test_cycles_suffice(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct rng r = {20261123};
    int good[SVPE_OP_COUNT] = {0};
    for (int t = 0; t < svpe_target_count(); t++) {
        const struct svpe_target *target = svpe_target_find(&c, a, svpe_target_name(t));
        struct svpe_machine m = {.target = target, .act_bits = target->act8 ? 8 : 16};
        struct rt_ports *p = rt_ports_new(a, &m, target);
        for (int n = 0; n < 70000; n++) {
            if (!has_steps(n % SVPE_OP_COUNT)) continue;
            struct svpe_insn i = draw((enum svpe_op)(n % SVPE_OP_COUNT), &r);
            struct rt_port_fault f;
            struct arena *scratch = arena_new(&c);
            bool runs = !svpe_verify_insn(scratch, &m, &i);
            arena_free(scratch);
            if (!runs) continue;
            good[i.op]++;
            if (!rt_check_ports(p, &i, &f))
                fail_msg("%s on %s: %lld %s", svpe_op_info(i.op)->mnemonic, target->name,
                         (long long)f.uses, f.port);
        }
    }
    for (int op = 0; op < SVPE_OP_COUNT; op++)
        if (has_steps(op) && good[op] < 20)
            fail_msg("%s: only %d tried", svpe_op_info((enum svpe_op)op)->mnemonic, good[op]);
    ctx_free(&c);
}

/* Cycles of zcu102, ports of a machine with less. */
static const struct less {
    const char *line, *port;
    int64_t banks, columns, tables;
} less[] = {
    {"conv rows=4 cols=16 dr=16", "reads of an activation bank", 8, 16, 16},
    {"conv form=stem px=2 rows=1 cols=16 sx=4 dr=20", "reads of an activation bank", 8, 16, 16},
    {"conv form=depthwise kw=3 rows=1 cols=16 dr=18", "reads of an activation bank", 16, 16, 16},
    {"conv rows=1 cols=16", "accumulator writes", 32, 15, 16},
    {"conv more=1 rows=1 cols=16", "accumulator reads", 32, 15, 16},
    {"v.req rows=1 cols=4", "accumulator reads", 32, 3, 16},
    {"v.req rows=1 cols=4 res=1 b=100", "reads of an activation bank", 3, 16, 16},
    {"v.add rows=1 cols=4 b=100 dst=200", "reads of an activation bank", 3, 16, 16},
    {"v.mul rows=1 cols=4 a=9 nb=1 dst=200 bcast=1", "reads of an activation bank", 3, 16, 16},
    {"v.copy rows=1 cols=4 rx=4 dst=100", "writes to an activation bank", 3, 16, 16},
    {"v.lut rows=1 cols=4 dst=100", "look-ups", 32, 16, 15},
    {"v.max rows=1 cols=4 kw=2 dst=100", "reads of an activation bank", 3, 16, 16},
    {"v.avg rows=1 cols=4 border=1 ih=1 iw=4 dst=100", "look-ups", 32, 16, 3},
};

static void test_less_is_found(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    const struct svpe_target *target = svpe_target_find(&c, a, "zcu102");
    struct svpe_machine m = {.target = target, .act_bits = 8};
    for (size_t n = 0; n < sizeof less / sizeof *less; n++) {
        struct svpe_insn i;
        struct rt_port_fault f = {0};
        struct svpe_target poorer = *target;
        if (!parse_insn(&c, less[n].line, &i)) fail_msg("%s", c.first->message);
        const char *bad = svpe_verify_insn(a, &m, &i);
        if (bad) fail_msg("%s: %s", less[n].line, bad);
        assert_true(rt_check_ports(rt_ports_new(a, &m, target), &i, &f));
        poorer.act_banks = less[n].banks;
        poorer.columns = less[n].columns;
        poorer.table_lanes = less[n].tables;
        if (rt_check_ports(rt_ports_new(a, &m, &poorer), &i, &f)) fail_msg("%s", less[n].line);
        assert_string_equal(f.port, less[n].port);
        assert_true(f.uses > f.cycles * f.per_cycle);
    }
    ctx_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cycles_suffice),
        cmocka_unit_test(test_less_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
