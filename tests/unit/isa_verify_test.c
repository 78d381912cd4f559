/* Single instructions on target tiny with 8-bit activations: V = 8, E = 4, 4096 vectors, 2048
 * weight dwords, 512 accumulator entries, 512 parameter dwords. Lines that just fit are good, one
 * step further is refused; and whatever is accepted touches nothing outside buffers and regions, by
 * the footprints, which are computed apart from this. */
#include "isa_help.h"

static struct svpe_machine machine(const struct svpe_target *t, int act_bits) {
    return (struct svpe_machine){.target = t,
                                 .act_bits = act_bits,
                                 .region_bytes = {[SVPE_REGION_WGT] = 4096,
                                                  [SVPE_REGION_PAR] = 1024,
                                                  [SVPE_REGION_WORK] = 65536,
                                                  [SVPE_REGION_IN] = 4000,
                                                  [SVPE_REGION_OUT] = 2048}};
}

/* Each just fits: the last place it touches is the last one there is. */
static const char *const good[] = {
    "end queue=vec",
    "sync queue=exec wait=load post=vec",
    "ld.wgt region=wgt src=4088 dst=2047 count=1",
    "ld.wgt region=wgt count=512 dst=1536",
    "ld.par region=par src=8 dst=385 count=127",
    "ld.act region=work src=65528 nb=1 nr=1 nc=1 dst=4095 px=3",
    "ld.act region=work src=0 nb=2 nr=3 nc=5 sb=65416 sr=40 dst=4066 db=15 dr=5 px=3",
    "ld.act region=in src=3 nb=1 nr=2 nc=7 sr=3969 dst=0 dr=9 pl=1 pr=1 pt=2 pb=3 pad=-128 px=2",
    "ld.act region=in nb=3 nr=2 nc=4 sb=8 sr=96 db=4 dr=12 px=3",
    "ld.act region=work src=65535 nb=1 nr=1 nc=1 dst=4095 px=0",
    "st.act region=out dst=2043 nb=1 nr=1 nc=1 src=4095 from=3 lanes=5",
    "st.act region=work dst=65409 nb=2 nr=2 nc=4 sb=64 sr=32 src=4080 db=8 dr=4 lanes=7",
    "conv form=dense wfmt=p4 src=4082 db=9 dr=3 wgt=2016 acc=510 rows=1 cols=1 kh=2 kw=2 ib=2 ob=2 "
    "sy=1 sx=1 dy=1 dx=1",
    "conv form=dense wfmt=p8 src=4071 db=0 dr=5 rows=2 cols=2 kh=2 kw=2 ib=1 ob=128 sy=2 sx=2 dy=2 "
    "dx=2 wgt=0 acc=0",
    "conv form=fc wfmt=p2 two=1 tshift=7 more=1 src=4000 db=1 rows=1 cols=1 kh=1 kw=1 ib=96 ob=4 "
    "sy=1 sx=1 dy=1 dx=1 wgt=1280",
    "conv form=stem wfmt=p4 px=2 src=4088 dr=4 rows=1 cols=2 kh=2 kw=7 ib=1 ob=1 sy=1 sx=1 dy=1 "
    "dx=1",
    "conv form=depthwise wfmt=p4 src=4090 db=3 dr=1 rows=1 cols=1 kh=1 kw=3 ib=1 ob=3 sy=1 sx=1 "
    "dy=1 "
    "dx=1 acc=509 wgt=2036",
    "v.req acc=500 par=504 nb=1 rows=2 cols=3 dst=4090 ddr=3 zo=1 lo=-128 hi=127",
    "v.req nb=2 rows=1 cols=4 dst=100 ddb=4 hi=1 res=1 b=4088 bdb=4 p=3 s=31 zb=1",
    "v.req nb=2 rows=2 cols=4 dst=100 ddb=8 ddr=4 hi=1 res=1 b=100 bdb=8 bdr=4 q=15",
    "v.add a=0 adb=6 adr=3 b=12 bdb=6 bdr=3 dst=24 ddb=6 ddr=3 nb=2 rows=2 cols=3 q=15 lo=5 hi=5",
    "v.add a=0 adb=6 adr=3 b=12 bdb=6 bdr=3 dst=12 ddb=6 ddr=3 nb=2 rows=2 cols=3 p=1",
    "v.mul a=10 b=4094 bdb=1 dst=20 adb=4 ddb=4 nb=2 rows=1 cols=4 bcast=1 s=7",
    "v.scale a=0 dst=100 nb=1 rows=1 cols=9 par=504 ny=1 nx=1 ry=1 rx=1",
    "v.lut a=7 dst=7 nb=1 rows=1 cols=9 par=447 ny=1 nx=1 ry=1 rx=1",
    "v.copy a=4005 adr=10 dst=0 ddr=4 nb=1 rows=4 cols=4 ny=3 nx=1 ry=1 rx=4",
    "v.max a=4089 adr=3 dst=0 ddr=2 nb=1 rows=1 cols=2 kh=2 kw=2 sy=1 sx=2",
    "v.max a=4085 adr=4 dst=4000 nb=1 rows=1 cols=1 kh=3 kw=3 sy=1 sx=1",
    "v.avg a=0 adr=7 dst=4095 nb=1 rows=1 cols=1 kh=7 kw=7 sy=1 sx=1 mult=-669 s=31",
    "v.avg a=4060 adr=6 dst=0 ddr=4 nb=1 rows=3 cols=3 kh=3 kw=3 sy=2 sx=2 border=1 pt=1 pl=1 ih=6 "
    "iw=6 par=509",
};

static const struct bad {
    const char *line, *message;
} bad[] = {
    {"ld.wgt region=par count=1", "region: expected wgt, found par (1)"},
    {"ld.wgt region=7 count=1", "region: expected wgt, found ? (7)"},
    {"ld.par region=wgt count=1", "region: expected par, found wgt (0)"},
    {"ld.wgt region=wgt src=4 count=1", "src: expected a multiple of 8, found 4"},
    {"ld.wgt region=wgt src=4088 count=2", "source: ends at byte 4104; region wgt has 4096"},
    {"ld.wgt region=wgt src=4294967288 count=1", "source: ends at byte 4294967296; region wgt"},
    {"ld.wgt region=wgt dst=2047 count=2", "destination: ends at dword 2049; buffer wgt has 2048"},
    {"ld.par region=par dst=512 count=1", "destination: ends at dword 513; buffer par has 512"},
    {"ld.act region=out nb=1 nr=1 nc=1 px=3", "region: expected work or in, found out (4)"},
    {"ld.act region=in nb=1 nr=1 nc=1 px=4", "px: expected 0…3, found 4"},
    {"ld.act region=in nb=1 nr=1 nc=1 px=3 pad=128", "pad: expected -128…127, found 128"},
    {"ld.act region=work src=65529 nb=1 nr=1 nc=1 px=3", "source: ends at byte 65537; region work"},
    {"ld.act region=work nb=2 nr=3 nc=5 sb=65417 sr=40 db=15 dr=5 px=3",
     "source: ends at byte 65537"},
    {"ld.act region=work nb=2 nr=3 nc=5 sb=1 sr=1 dst=4067 db=15 dr=5 px=3",
     "destination: ends at vector 4097; buffer act has 4096"},
    {"ld.act region=in nb=1 nr=2 nc=7 dr=8 pl=1 pr=1 px=3",
     "destination: its rows or blocks overlap (9 per row, row pitch 8, block stride 0)"},
    {"ld.act region=in nb=2 nr=2 nc=7 dr=7 db=13 px=3", "destination: its rows or blocks overlap"},
    {"ld.act region=in nb=2 nr=2 nc=7 dr=13 db=7 px=3", "destination: its rows or blocks overlap"},
    {"st.act region=in nb=1 nr=1 nc=1 lanes=8", "region: expected work or out, found in (3)"},
    {"st.act region=out nb=1 nr=1 nc=1 lanes=9", "lanes: expected 1…8, found 9"},
    {"st.act region=out nb=1 nr=1 nc=1 from=8 lanes=1", "from: expected 0…7, found 8"},
    {"st.act region=out nb=1 nr=1 nc=1 from=1 lanes=8", "lanes: expected 1…7, found 8"},
    {"st.act region=out dst=2044 nb=1 nr=1 nc=1 lanes=5",
     "destination: ends at byte 2049; region out"},
    {"st.act region=out nb=1 nr=2 nc=2 sr=15 dr=2 lanes=8",
     "destination: its rows or blocks overlap"},
    {"st.act region=out nb=1 nr=2 nc=2 sr=16 src=4093 dr=2 lanes=8", "source: ends at vector 4097"},
    {"conv kh=1 kw=1 ib=1 ob=1 rows=1 cols=1 sy=1 sx=1 dy=1 dx=1 tshift=1", "tshift: expected 0"},
    {"conv kh=1 kw=1 ib=1 ob=1 rows=1 cols=1 sy=1 sx=1 dy=1 dx=1 px=1",
     "px: expected 0 outside the stem form, found 1"},
    {"conv kh=1 kw=1 ib=1 ob=1 rows=1 cols=1 sy=1 sx=1 dy=1 dx=1 wfmt=i8",
     "wfmt: i8 is not for the target's svpe elements of at most 5 bits"},
    {"conv kh=1 kw=1 ib=1 ob=1 rows=1 cols=1 sy=1 sx=1 dy=1 dx=1 wfmt=5", "wfmt: expected 0…4"},
    {"conv form=fc kh=1 kw=1 ib=1 ob=1 rows=2 cols=1 sy=1 sx=1 dy=1 dx=1",
     "rows: expected 1, found 2"},
    {"conv form=stem kh=1 kw=1 ib=2 ob=1 rows=1 cols=1 sy=1 sx=1 dy=1 dx=1",
     "ib: expected 1, found 2"},
    {"conv form=stem kh=1 kw=1 ib=1 ob=1 rows=1 cols=1 sy=1 sx=1 dy=1 dx=2",
     "dx: expected 1, found 2"},
    {"conv form=stem px=4 kh=1 kw=1 ib=1 ob=1 rows=1 cols=1 sy=1 sx=1 dy=1 dx=1",
     "px: expected 0…3"},
    {"conv form=stem db=1 kh=1 kw=1 ib=1 ob=1 rows=1 cols=1 sy=1 sx=1 dy=1 dx=1",
     "db: expected 0 in the stem form"},
    {"conv form=depthwise kh=1 kw=1 ib=2 ob=1 rows=1 cols=1 sy=1 sx=1 dy=1 dx=1", "ib: expected 1"},
    {"conv wfmt=p4 src=4083 db=9 dr=3 rows=1 cols=1 kh=2 kw=2 ib=2 ob=2 sy=1 sx=1 dy=1 dx=1",
     "input: ends at vector 4097; buffer act has 4096"},
    {"conv form=stem wfmt=p4 px=2 src=4089 dr=4 rows=1 cols=2 kh=2 kw=7 ib=1 ob=1 sy=1 sx=1 dy=1 "
     "dx=1",
     "input: ends at vector 4097"},
    {"conv form=depthwise wfmt=p4 src=4091 db=3 rows=1 cols=1 kh=1 kw=3 ib=1 ob=3 sy=1 sx=1 dy=1 "
     "dx=1",
     "input: ends at vector 4097"},
    {"conv wfmt=p4 wgt=2033 rows=1 cols=1 kh=2 kw=2 ib=2 ob=1 sy=1 sx=1 dy=1 dx=1",
     "weights: ends at dword 2049; buffer wgt has 2048"},
    {"conv form=depthwise wfmt=p4 wgt=2037 rows=1 cols=1 kh=1 kw=5 ib=1 ob=3 sy=1 sx=1 dy=1 dx=1",
     "weights: ends at dword 2049"},
    {"conv wfmt=p2 two=1 wgt=2046 rows=1 cols=1 kh=1 kw=1 ib=1 ob=2 sy=1 sx=1 dy=1 dx=1",
     "weights: ends at dword 2050"},
    {"conv wfmt=p2 acc=509 rows=2 cols=2 kh=1 kw=1 ib=1 ob=1 sy=1 sx=1 dy=1 dx=1",
     "accumulators: ends at entry 513; buffer acc has 512"},
    {"v.req nb=1 rows=1 cols=1 lo=1", "lo: expected at most hi, found 1 > 0"},
    {"v.req nb=1 rows=1 cols=1 hi=128", "hi: expected -128…127, found 128"},
    {"v.req nb=1 rows=1 cols=1 lo=-129", "lo: expected -128…127, found -129"},
    {"v.req nb=1 rows=1 cols=1 mul=1", "mul: expected 0, the target requantizes by shifts alone"},
    {"v.req nb=1 rows=1 cols=1 s=1", "s: expected 0 without a residual, found 1"},
    {"v.req nb=1 rows=1 cols=1 b=7", "b: expected 0 without a residual, found 7"},
    {"v.req nb=1 rows=1 cols=1 dst=5 res=1 p=1 q=1", "p and q: expected one of them to be 0"},
    {"v.req nb=1 rows=2 cols=4 dst=100 ddr=4 res=1 b=101 bdr=4",
     "residual overlaps destination (vectors 101…108 and 100…107)"},
    {"v.req nb=1 rows=2 cols=4 dst=100 ddr=4 res=1 b=100 bdr=5", "residual overlaps destination"},
    {"v.req acc=511 nb=1 rows=1 cols=1", "accumulators: ends at entry 513"},
    {"v.req par=505 nb=1 rows=1 cols=1", "parameters: ends at dword 513"},
    {"v.req nb=1 rows=2 cols=1 dst=4095", "destination: its rows or blocks overlap"},
    {"v.req nb=1 rows=2 cols=1 dst=4095 ddr=1", "destination: ends at vector 4097"},
    {"v.add nb=1 rows=1 cols=1 a=4096 b=1 dst=2", "first source: ends at vector 4097"},
    {"v.add nb=1 rows=1 cols=1 a=1 b=4096 dst=2", "second source: ends at vector 4097"},
    {"v.add nb=1 rows=1 cols=2 a=1 b=5 dst=2", "first source overlaps destination"},
    {"v.add nb=1 rows=1 cols=1 a=1 b=5 dst=9 p=1 q=2", "p and q: expected one of them to be 0"},
    {"v.mul nb=1 rows=1 cols=1 a=1 b=9 dst=9 bcast=1", "second source overlaps destination"},
    {"v.mul nb=1 rows=1 cols=1 a=1 b=9 dst=8 bcast=1 bdr=1", "bdr: expected 0 with bcast, found 1"},
    {"v.scale dst=100 nb=2 ddb=9 rows=1 cols=9 par=497 ny=1 nx=1 ry=1 rx=1",
     "parameters: ends at dword 513"},
    {"v.lut dst=100 nb=1 rows=1 cols=1 par=448 ny=1 nx=1 ry=1 rx=1", "table: ends at dword 513"},
    {"v.copy a=7 dst=7 nb=1 rows=1 cols=9 ny=1 nx=2 ry=1 rx=1", "source overlaps destination"},
    {"v.copy a=4066 adr=10 ddr=4 nb=1 rows=4 cols=5 ny=3 nx=1 ry=1 rx=4", "destination: its rows"},
    {"v.copy a=4006 adr=10 ddr=5 nb=1 rows=4 cols=5 ny=3 nx=1 ry=1 rx=4",
     "source: ends at vector 4098"},
    {"v.max a=4090 adr=3 ddr=2 nb=1 rows=1 cols=2 kh=2 kw=2 sy=1 sx=2",
     "source: ends at vector 4097"},
    {"v.max a=7 dst=7 nb=1 rows=1 cols=1 kh=1 kw=1 sy=1 sx=1", "source overlaps destination"},
    {"v.avg a=9 nb=1 rows=1 cols=1 kh=1 kw=1 sy=1 sx=1 ih=1", "ih: expected 0 without border"},
    {"v.avg a=9 nb=1 rows=1 cols=1 kh=2 kw=2 sy=1 sx=1 border=1 ih=2 iw=2 mult=1",
     "mult: expected 0"},
    {"v.avg a=9 nb=1 rows=1 cols=1 kh=2 kw=2 sy=1 sx=1 border=1 ih=2 iw=2 pt=2",
     "pt: expected 0…1"},
    {"v.avg a=9 nb=1 rows=1 cols=1 kh=2 kw=2 sy=1 sx=1 border=1 ih=2 iw=2 pl=2",
     "pl: expected 0…1"},
    {"v.avg a=9 nb=1 rows=2 cols=1 kh=2 kw=2 sy=2 sx=1 border=1 ih=2 iw=2 ddr=1",
     "the last window begins at row 2, column 0; the source has 2×2"},
    {"v.avg a=9 nb=1 rows=1 cols=1 kh=3 kw=3 sy=1 sx=1 border=1 ih=3 iw=3 par=510",
     "table: ends at dword 513"},
    {"v.max a=3000 adr=200 nb=1 rows=1 cols=1 kh=9 kw=9 sy=1 sx=1", "source: ends at vector 4609"},
};

static const char *verdict(struct ctx *c, struct arena *a, const char *line, struct svpe_insn *i) {
    const struct svpe_target *t = svpe_target_find(c, a, "tiny");
    struct svpe_machine m = machine(t, 8);
    if (!parse_insn(c, line, i)) fail_msg("%s: %s", line, c->first->message);
    return svpe_verify_insn(a, &m, i);
}

static void test_good(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    for (size_t n = 0; n < sizeof good / sizeof *good; n++) {
        struct svpe_insn i;
        const char *fault = verdict(&c, a, good[n], &i);
        if (fault) fail_msg("%s: %s", good[n], fault);
    }
    ctx_free(&c);
}

static void test_bad(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    for (size_t n = 0; n < sizeof bad / sizeof *bad; n++) {
        struct svpe_insn i;
        const char *fault = verdict(&c, a, bad[n].line, &i);
        if (!fault) fail_msg("%s: accepted", bad[n].line);
        if (strncmp(fault, bad[n].message, strlen(bad[n].message)) != 0) {
            fail_msg("%s: found \"%s\"", bad[n].line, fault);
        }
    }
    ctx_free(&c);
}

/* Places: the first byte behind everything a footprint touches. */
struct reach {
    uint64_t end[SVPE_SPACE_COUNT];
};

static void note_range(void *user, const struct svpe_range *r) {
    struct reach *reach = user;
    uint64_t end = r->first + (r->count1 - 1) * r->step1 + (r->count2 - 1) * r->step2 + r->bytes;
    if (end > reach->end[r->space]) reach->end[r->space] = end;
}

static void check_reach(const struct svpe_machine *m, const struct svpe_insn *i) {
    const struct svpe_target *t = m->target;
    struct reach reach = {{0}};
    const uint64_t room[SVPE_BUFFER_COUNT] = {
        [SVPE_BUFFER_ACT] = (uint64_t)t->act_bytes,
        [SVPE_BUFFER_WGT] = (uint64_t)t->wgt_bytes,
        [SVPE_BUFFER_ACC] = (uint64_t)(svpe_acc_entries(t) * t->elements * 8),
        [SVPE_BUFFER_PAR] = (uint64_t)t->par_bytes,
    };
    svpe_footprint(m, i, note_range, &reach);
    for (int s = 0; s < SVPE_SPACE_COUNT; s++) {
        uint64_t limit = s < SVPE_BUFFER_COUNT ? room[s] : m->region_bytes[s - SVPE_BUFFER_COUNT];
        if (reach.end[s] <= limit) continue;
        fail_msg("%s accepted: space %d ends at %llu of %llu", svpe_op_info(i->op)->mnemonic, s,
                 (unsigned long long)reach.end[s], (unsigned long long)limit);
    }
}

/* Changes a few fields of a good instruction, mostly a little. */
static void mutate(struct svpe_insn *i, struct rng *r) {
    const struct svpe_op_info *info = svpe_op_info(i->op);
    for (int k = (int)rng_below(r, 3); k >= 0; k--) {
        int n = (int)rng_below(r, (uint32_t)svpe_field_count(info->format));
        if (!(info->uses >> n & 1)) continue;
        int64_t min, max, v = i->field[n];
        svpe_field_range((enum svpe_field)((int)svpe_field_first(info->format) + n), &min, &max);
        if (rng_below(r, 2))
            v += (int64_t)rng_below(r, 9) - 4;
        else if (rng_below(r, 3))
            v = (int64_t)rng_below(r, 24);
        else
            v = min + (int64_t)(rng_next(r) % (uint64_t)(max - min + 1));
        i->field[n] = v < min ? min : v > max ? max : v;
    }
}

static void test_accepted_stays_inside(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    const struct svpe_target *t = svpe_target_find(&c, a, "tiny");
    struct rng r = {20260925};
    long accepted = 0;
    for (int round = 0; round < 4000; round++) {
        struct arena *scratch = arena_new(&c);
        for (size_t n = 0; n < sizeof good / sizeof *good; n++) {
            struct svpe_insn i;
            struct svpe_machine m = machine(t, rng_below(&r, 2) ? 8 : 16);
            assert_true(parse_insn(&c, good[n], &i));
            mutate(&i, &r);
            if (svpe_verify_insn(scratch, &m, &i)) continue;
            accepted++;
            check_reach(&m, &i);
        }
        arena_free(scratch);
    }
    assert_true(accepted > 10000);
    ctx_free(&c);
}

static void test_limits_of_the_machine(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct svpe_insn i;
    const struct svpe_target *vta = svpe_target_find(&c, a, "vta");
    const struct svpe_target *vpe = svpe_target_find(&c, a, "zcu102-vpe-int8");
    const char *conv = "conv wfmt=%s rows=1 cols=1 kh=1 kw=1 ib=1 ob=1 sy=1 sx=1 dy=1 dx=1";
    static const struct {
        const char *wfmt;
        bool vta, vpe;
    } rows[] = {{"p2", 1, 0}, {"p4", 1, 0}, {"p8", 0, 0}, {"i8", 0, 1}, {"i16", 0, 0}};
    struct svpe_machine m = machine(vta, 16);
    assert_true(parse_insn(&c, "end", &i));
    assert_string_equal(svpe_verify_insn(a, &m, &i),
                        "the target does not offer activations of this width");
    for (int n = 0; n < 5; n++) {
        char line[128];
        snprintf(line, sizeof line, conv, rows[n].wfmt);
        assert_true(parse_insn(&c, line, &i));
        m = machine(vta, 8);
        assert_int_equal(svpe_verify_insn(a, &m, &i) == NULL, rows[n].vta);
        m = machine(vpe, 8);
        assert_int_equal(svpe_verify_insn(a, &m, &i) == NULL, rows[n].vpe);
    }
    m = machine(svpe_target_find(&c, a, "zcu102"), 8); /* runs for ever */
    assert_true(parse_insn(
        &c, "v.max dst=97000 nb=1 rows=1 cols=1000 adr=300 kh=255 kw=255 sy=1 sx=5", &i));
    assert_null(svpe_verify_insn(a, &m, &i));
    svpe_set(&i, SVPE_WIN_nb, 2);
    svpe_set(&i, SVPE_WIN_ddb, 1000);
    svpe_set(&i, SVPE_WIN_dst, 90000);
    assert_string_equal(svpe_verify_insn(a, &m, &i),
                        "130050000 steps; an instruction may have at most 67108864");
    ctx_free(&c);
}

static void test_values_beyond_fields(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    struct svpe_insn i;
    assert_null(verdict(&c, a, good[0], &i));
    struct svpe_machine m = machine(svpe_target_find(&c, a, "tiny"), 8);
    i = svpe_insn_new(SVPE_LDW, 0);
    svpe_set(&i, SVPE_LINE_count, 1);
    assert_null(svpe_verify_insn(a, &m, &i));
    svpe_set(&i, SVPE_LINE_src, -8);
    assert_string_equal(svpe_verify_insn(a, &m, &i), "src: expected 0…4294967295, found -8");
    svpe_set(&i, SVPE_LINE_src, 0);
    svpe_set(&i, SVPE_LINE_count, 0);
    assert_string_equal(svpe_verify_insn(a, &m, &i), "count: expected 1…16777215, found 0");
    ctx_free(&c);
}

/* What no loop, stride or repetition may be, in any instruction. */
static void test_nothing_is_zero(void **state) {
    (void)state;
    TEST_CTX(c);
    struct arena *a = arena_new(&c);
    static const char *const names[] = {"count", "nb", "nr", "nc", "lanes", "rows", "cols",
                                        "kh",    "kw", "ib", "ob", "sy",    "sx",   "dy",
                                        "dx",    "ny", "nx", "ry", "rx"};
    struct svpe_machine m = machine(svpe_target_find(&c, a, "tiny"), 8);
    int tried[sizeof names / sizeof *names] = {0};
    for (int op = 0; op < SVPE_OP_COUNT; op++)
        for (int f = 0; f < SVPE_FIELD_COUNT; f++)
            for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
                const struct svpe_field_info *info = svpe_field_info((enum svpe_field)f);
                struct svpe_insn i = svpe_insn_new((enum svpe_op)op, 0);
                if (info->format != svpe_op_info(i.op)->format) continue;
                if (strcmp(info->name, names[n]) != 0) continue;
                svpe_set(&i, (enum svpe_field)f, 0);
                const char *fault = svpe_verify_insn(a, &m, &i);
                const char *start = arena_printf(a, "%s: expected 1…", names[n]);
                assert_non_null(fault);
                assert_memory_equal(fault, start, strlen(start));
                tried[n]++;
            }
    for (size_t n = 0; n < sizeof names / sizeof *names; n++)
        if (!tried[n]) fail_msg("%s: no field has this name", names[n]);
    ctx_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_accepted_stays_inside),
        cmocka_unit_test(test_limits_of_the_machine),
        cmocka_unit_test(test_values_beyond_fields),
        cmocka_unit_test(test_nothing_is_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
