/* Host nodes: a program of device and host segments by turns against plain loops, typed inputs and
 * outputs, sessions side by side; what the loader refuses of host nodes, with the place; and every
 * field of them changed in turn, where what is accepted runs under the sanitizers. */
#include "runtime_rooms.h"

#include "isa/container.h"
#include "runtime/nbq.h"
#include "runtime/pool.h"

struct scene {
    struct ctx c;
    struct rooms r;
};

static void open_scene(struct scene *k, uint64_t seed) {
    ctx_init(&k->c, "test", NULL);
    rooms_make(&k->r, &k->c, arena_new(&k->c), seed);
}

static struct nbq_program *load(const struct rooms *r) {
    struct writer w = rooms_bytes(r);
    struct nbq_program *p;
    char message[512] = "";
    if (nbq_load(w.data, w.size, "rooms.svpe", &p, message, sizeof message) != NBQ_OK)
        fail_msg("%s", message);
    return p;
}

/* ---- Running ---- */

static void draw(uint64_t seed, int16_t *in, int64_t *picks) {
    struct rng r = {seed};
    for (int n = 0; n < SAMPLE_ELEMENTS_IN; n++) in[n] = (int16_t)((int)rng_below(&r, 256) - 128);
    for (int n = 0; n < ROOMS_PICKS; n++)
        picks[n] = (int64_t)rng_below(&r, 2 * SAMPLE_OUT) - SAMPLE_OUT;
}

/* False: not what the loops say. */
static bool run_once(const struct rooms *r, struct nbq_session *s, uint64_t seed) {
    int16_t in[SAMPLE_ELEMENTS_IN], result[SAMPLE_ELEMENTS_OUT];
    int64_t picks[ROOMS_PICKS], whole[ROOMS_PICKED];
    uint8_t flag[ROOMS_PICKED];
    float share[ROOMS_PICKED];
    struct rooms_answer want;
    draw(seed, in, picks);
    rooms_answer(r, in, picks, &want);
    bool good = nbq_set_input_stored(s, 0, in, SAMPLE_ELEMENTS_IN) == NBQ_OK &&
                nbq_set_input(s, 1, "i64", picks, ROOMS_PICKS) == NBQ_OK && nbq_run(s) == NBQ_OK &&
                nbq_get_output(s, 0, "f32", share, ROOMS_PICKED) == NBQ_OK &&
                nbq_get_output(s, 1, "i64", whole, ROOMS_PICKED) == NBQ_OK &&
                nbq_get_output(s, 2, "bool", flag, ROOMS_PICKED) == NBQ_OK &&
                nbq_get_output_stored(s, 3, result, SAMPLE_ELEMENTS_OUT) == NBQ_OK;
    for (int n = 0; n < ROOMS_PICKED && good; n++)
        good = fabsf(share[n] - want.share[n]) <= 2e-6f * want.share[n] + 1e-30f;
    return good && memcmp(whole, want.whole, sizeof whole) == 0 &&
           memcmp(flag, want.flag, sizeof flag) == 0 &&
           memcmp(result, want.result, sizeof result) == 0;
}

static void device_and_host_by_turns(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct scene k;
        struct nbq_session *s;
        open_scene(&k, seed);
        struct nbq_program *p = load(&k.r);
        assert_int_equal(nbq_segment_count(p), 2);
        assert_int_equal(nbq_host_op_count(p), ROOMS_NODES);
        assert_string_equal(nbq_host_op(p, 3), "gather");
        assert_int_equal(nbq_check(p, NULL, 0), 0);
        assert_int_equal(nbq_open(p, "emulator", &s), NBQ_OK);
        for (uint64_t round = 0; round < 5; round++)
            if (!run_once(&k.r, s, 100 * seed + round))
                fail_msg("seed %d: %s", (int)seed, nbq_error(s));
        nbq_close(s);
        nbq_program_free(p);
        ctx_free(&k.c);
    }
}

struct parallel {
    const struct rooms *r;
    struct nbq_session *sessions[4];
    long wrong[4];
};

static bool run_in_thread(void *user, int worker, long index) {
    struct parallel *p = user;
    p->wrong[worker] += !run_once(p->r, p->sessions[worker], (uint64_t)index);
    return true;
}

static void sessions_side_by_side(void **state) {
    (void)state;
    struct scene k;
    open_scene(&k, 3);
    struct nbq_program *program = load(&k.r);
    struct parallel p = {.r = &k.r};
    for (int n = 0; n < 4; n++)
        assert_int_equal(nbq_open(program, "emulator", &p.sessions[n]), NBQ_OK);
    assert_true(rt_parallel(4, 64, run_in_thread, &p));
    for (int n = 0; n < 4; n++) {
        assert_int_equal(p.wrong[n], 0);
        nbq_close(p.sessions[n]);
    }
    nbq_program_free(program);
    ctx_free(&k.c);
}

/* What goes wrong for these inputs only is told, and the session stays usable. */
static void data_that_does_not_fit(void **state) {
    (void)state;
    struct scene k;
    struct nbq_session *s;
    open_scene(&k, 4);
    struct nbq_program *p = load(&k.r);
    int16_t in[SAMPLE_ELEMENTS_IN] = {0};
    int64_t picks[ROOMS_PICKS] = {0, 8, 1};
    assert_int_equal(nbq_open(p, "emulator", &s), NBQ_OK);
    assert_int_equal(nbq_set_input_stored(s, 0, in, SAMPLE_ELEMENTS_IN), NBQ_OK);
    assert_int_equal(nbq_set_input(s, 1, "i64", picks, ROOMS_PICKS), NBQ_OK);
    assert_int_equal(nbq_run(s), NBQ_BAD_INPUT);
    assert_non_null(strstr(nbq_error(s), "rooms.svpe: node \"picked\" (gather, output %picked)"));
    assert_non_null(strstr(nbq_error(s), "index 8 is outside a dimension of 8"));
    assert_true(run_once(&k.r, s, 9));
    nbq_close(s);
    nbq_program_free(p);
    ctx_free(&k.c);
}

static void types_are_kept_apart(void **state) {
    (void)state;
    struct scene k;
    struct nbq_session *s;
    open_scene(&k, 5);
    struct nbq_program *p = load(&k.r);
    int64_t ints[SAMPLE_ELEMENTS_OUT] = {0};
    float floats[SAMPLE_ELEMENTS_OUT] = {0};
    int16_t stored[SAMPLE_ELEMENTS_OUT] = {0};
    struct nbq_tensor_info image = nbq_input_info(p, 0), picks = nbq_input_info(p, 1);
    assert_string_equal(image.type, "f32");
    assert_int_equal(image.stored, 1);
    assert_string_equal(picks.type, "i64");
    assert_int_equal(picks.stored, 0);
    assert_string_equal(nbq_output_info(p, 2).type, "bool");
    assert_int_equal(nbq_open(p, "emulator", &s), NBQ_OK);
    assert_int_equal(nbq_set_input_f32(s, 1, floats, ROOMS_PICKS), NBQ_BAD_INPUT);
    assert_string_equal(nbq_error(s), "input 1 (\"picks\") is of type i64, not f32");
    assert_int_equal(nbq_set_input(s, 0, "i64", ints, SAMPLE_ELEMENTS_IN), NBQ_BAD_INPUT);
    assert_int_equal(nbq_set_input(s, 1, "i64", ints, 2), NBQ_BAD_INPUT);
    assert_int_equal(nbq_set_input_stored(s, 1, stored, ROOMS_PICKS), NBQ_BAD_INPUT);
    assert_string_equal(nbq_error(s), "input 1 holds i64, not stored integers");
    assert_int_equal(nbq_set_input(s, 2, "i64", ints, 2), NBQ_BAD_INPUT);
    assert_true(run_once(&k.r, s, 1));
    assert_int_equal(nbq_get_output(s, 1, "f32", floats, ROOMS_PICKED), NBQ_BAD_INPUT);
    assert_int_equal(nbq_get_output(s, 1, "i64", ints, 5), NBQ_BAD_INPUT);
    assert_int_equal(nbq_get_output_stored(s, 1, stored, ROOMS_PICKED), NBQ_BAD_INPUT);
    assert_int_equal(nbq_get_output(s, 1, "i64", ints, ROOMS_PICKED), NBQ_OK);
    assert_int_equal(nbq_get_output_f32(s, 1, floats, ROOMS_PICKED), NBQ_OK);
    for (int n = 0; n < ROOMS_PICKED; n++) assert_true(floats[n] == (float)ints[n]);
    nbq_close(s);
    nbq_program_free(p);
    ctx_free(&k.c);
}

/* ---- What is refused ---- */

static struct svpe_host_value *value(struct rooms *r, const char *name) {
    for (int n = 0; n < r->p->host_value_count; n++)
        if (strcmp(r->p->host_values[n].name, name) == 0) return &r->p->host_values[n];
    fail_msg("no value %s", name);
    return NULL;
}

static int64_t id(struct rooms *r, const char *name) {
    return value(r, name) - r->p->host_values;
}

/* List entries of node n. */
static int64_t *inputs(struct rooms *r, int n) {
    return r->p->host_lists + r->p->host_nodes[n].in_first;
}
static int64_t *outputs(struct rooms *r, int n) {
    return r->p->host_lists + r->p->host_nodes[n].out_first;
}

enum { MUL, SLICE, SUB, GATHER, SLICE_AGAIN, ADD, SOFTMAX, CAST, TRANSPOSE, CAST_AGAIN };

static void integer_level(struct rooms *r) {
    r->p->host_nodes[SUB].op = "qadd";
}
static void unknown_attr(struct rooms *r) {
    r->p->host_attrs[0].name = "axes";
}
static void attr_kind(struct rooms *r) {
    r->p->host_attrs[0] = (struct svpe_host_attr){.name = "axis", .kind = SVPE_ATTR_FLOAT, .s = ""};
}
static void unknown_type(struct rooms *r) {
    value(r, "cut")->dtype = "f31";
}
static void other_type(struct rooms *r) {
    value(r, "cut")->dtype = "i32";
}
static void other_shape(struct rooms *r) {
    value(r, "cut")->dims[1] = 4;
}
static void other_rank(struct rooms *r) {
    value(r, "turned")->rank = 5;
}
static void huge(struct rooms *r) {
    value(r, "cut")->dims[1] = value(r, "cut")->dims[2] = 1 << 30;
}
static void tensor_type(struct rooms *r) {
    value(r, "picks")->dtype = "i32";
}
static void tensor_size(struct rooms *r) {
    value(r, "picks")->dims[0] = 4;
}
static void stored_tensor_type(struct rooms *r) {
    value(r, "feature")->dtype = "i8";
}
static void tensor_without_type(struct rooms *r) {
    r->p->tensors[ROOMS_PICK].dtype = "i63";
}
static void tensor_bits(struct rooms *r) {
    r->p->tensors[ROOMS_PICK].dtype = "i32";
}
static void tensor_crooked(struct rooms *r) {
    r->p->tensors[ROOMS_PICK].offset += 4;
    r->p->in_bytes += 4;
}
static void constant_short(struct rooms *r) {
    value(r, "factors")->bytes -= 4;
}
static void constant_made(struct rooms *r) {
    value(r, "cut")->bytes = 4 * SAMPLE_ELEMENTS_IN;
    r->p->host_data = arena_alloc(r->a, 4096);
    r->p->host_data_bytes = 4096;
}
static void made_twice(struct rooms *r) {
    outputs(r, SUB)[0] = id(r, "scaled");
}
static void left_out(struct rooms *r) {
    outputs(r, SUB)[0] = -1;
}
static void used_before(struct rooms *r) {
    inputs(r, SLICE)[0] = id(r, "sum");
}
static void used_by_itself(struct rooms *r) {
    inputs(r, ADD)[0] = id(r, "sum");
}
static void made_by_nobody(struct rooms *r) {
    value(r, "feature")->tensor = -1;
}
static void read_before_made(struct rooms *r) {
    inputs(r, ADD)[0] = id(r, "share");
}
static void input_left_out(struct rooms *r) {
    inputs(r, MUL)[1] = -1;
}
static void into_input(struct rooms *r) {
    r->p->tensors[ROOMS_SECOND].region = SVPE_REGION_IN;
    r->p->tensors[ROOMS_SECOND].offset = 0;
}
/* Its bounds come from the network's input. */
static void shape_from_data(struct rooms *r) {
    inputs(r, SLICE)[1] = inputs(r, SLICE)[2] = id(r, "picks");
    inputs(r, SLICE)[3] = -1;
}
static void memory(struct rooms *r) {
    struct svpe_program *p = r->p;
    const struct svpe_target *t = p->target;
    uint64_t acc = (uint64_t)(t->acc_bytes * 8 / t->acc_bits * 8);
    uint64_t buffers = (uint64_t)(t->act_bytes + t->wgt_bytes + t->par_bytes) + acc;
    p->work_bytes = ((uint64_t)2 << 30) - buffers - p->weight_bytes - p->param_bytes - p->in_bytes -
                    p->out_bytes - p->host_data_bytes - (1 << 16);
}

static const struct {
    const char *name;
    void (*change)(struct rooms *r);
    const char *said[2];
} cases[] = {
    {"integer level", integer_level, {"host node 2 (\"second\", qadd)", "no operator 'qadd'"}},
    {"unknown attribute", unknown_attr, {"host node 3", "attribute axes is not one of gather"}},
    {"kind of attribute", attr_kind, {"host node 3", "axis is a number; expected an integer"}},
    {"unknown type", unknown_type, {"(\"cut\")", "elements of type 'f31'"}},
    {"other type", other_type, {"host node 1", "is i32[1x5x6x7]; expected f32[1x5x6x7]"}},
    {"other shape", other_shape, {"host node 1", "is f32[1x4x6x7]; expected f32[1x5x6x7]"}},
    {"other rank", other_rank, {"host node 8", "is i64[1x6x7x3x0]; expected i64[1x6x7x3]"}},
    {"huge", huge, {"(\"cut\")", "expected at most 2147483648 bytes"}},
    {"tensor's type", tensor_type, {"(\"picks\")", "is i32[3]; expected i64"}},
    {"tensor's size", tensor_size, {"(\"picks\")", "is i64[4]; expected the 3 elements"}},
    {"stored tensor's type", stored_tensor_type, {"(\"feature\")", "expected f32"}},
    {"tensor without a type", tensor_without_type, {"tensor 4 (\"picks\")", "type 'i63'"}},
    {"bits of a tensor", tensor_bits, {"tensor 4 (\"picks\")", "i32 and 64 bits; expected 32"}},
    {"crooked tensor", tensor_crooked, {"tensor 4 (\"picks\")", "byte 340; expected a multiple"}},
    {"short constant", constant_short, {"(\"factors\")", "has 28 bytes of data; expected 32"}},
    {"constant made", constant_made, {"(\"cut\")", "a constant and made by node 1"}},
    {"made twice", made_twice, {"(\"scaled\")", "made by nodes 0 and 2"}},
    {"left out", left_out, {"host node 2", "output 0 is left out"}},
    {"used before", used_before, {"host node 1", "input 0, 'sum', has no data yet"}},
    {"used by itself", used_by_itself, {"host node 5", "input 0, 'sum', has no data yet"}},
    {"made by nobody", made_by_nobody, {"host node 0", "input 0, 'feature', has no data yet"}},
    {"read before made", read_before_made, {"host node 5", "input 0, 'share', has no data yet"}},
    {"input left out", input_left_out, {"node \"scaled\" (mul", "input 1 is left out"}},
    {"into an input", into_input, {"(\"second\")", "region in, which only the caller writes"}},
    {"shape from data", shape_from_data, {"host node 1", "expected f32[?x?x?x?], which follows"}},
    {"memory", memory, {"rooms.svpe", "bytes of memory for host operators"}},
};

static void refuse(size_t n) {
    struct scene k;
    struct nbq_program *p;
    char message[512] = "";
    open_scene(&k, n);
    cases[n].change(&k.r);
    struct writer w = rooms_bytes(&k.r);
    if (nbq_load(w.data, w.size, "rooms.svpe", &p, message, sizeof message) != NBQ_BAD_INPUT)
        fail_msg("%s was loaded", cases[n].name);
    for (int part = 0; part < 2; part++)
        if (!strstr(message, cases[n].said[part]))
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[n].name, message, cases[n].said[part]);
    ctx_free(&k.c);
}

static void refuses_with_the_place(void **state) {
    (void)state;
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) refuse(n);
}

/* ---- Field by field ---- */

struct tally {
    int refused, ran, failed; /* failed: accepted, and the run said why it cannot */
};

/* Loads; runs what is accepted, on random inputs of its types. */
static void try_bytes(const struct writer *w, struct rng *r, struct tally *t) {
    struct nbq_program *p;
    struct nbq_session *s;
    char message[512] = "";
    enum nbq_status status = nbq_load(w->data, w->size, "x.svpe", &p, message, sizeof message);
    if (status != NBQ_OK) {
        assert_int_equal(status, NBQ_BAD_INPUT);
        if (!strstr(message, "x.svpe")) fail_msg("\"%s\"", message);
        t->refused++;
        return;
    }
    assert_int_equal(nbq_open(p, "emulator", &s), NBQ_OK);
    for (int n = 0; n < nbq_input_count(p); n++) {
        struct nbq_tensor_info info = nbq_input_info(p, n);
        size_t count = (size_t)info.channels * (size_t)info.height * (size_t)info.width;
        uint8_t *x = calloc(count, 8);
        for (size_t i = 0; i < 8 * count; i += 8)
            x[i] = (uint8_t)rng_below(r, 2); /* a number of any type, and one that is an index */
        assert_int_equal(nbq_set_input(s, n, info.type, x, count), NBQ_OK);
        free(x);
    }
    status = nbq_run(s);
    t->ran += status == NBQ_OK;
    t->failed += status != NBQ_OK;
    if (status != NBQ_OK) assert_true(nbq_error(s)[0] != '\0');
    nbq_close(s);
    nbq_program_free(p);
}

static const int64_t numbers[] = {-9,      -2,      -1,        0,         1,         2,        3,
                                  4,       5,       7,         8,         63,        64,       128,
                                  1 << 20, 1 << 30, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
static const char *const texts[] = {"",     "f32",  "i64",       "bool",    "u8",     "i16",
                                    "f64",  "axis", "to",        "perm",    "host",   "flat",
                                    "conv", "cast", "transpose", "reshape", "concat", "softmax",
                                    "gemm", "relu", "dropout",   "shape",   "pad",    "constant"};
enum { NUMBERS = sizeof numbers / sizeof *numbers, TEXTS = sizeof texts / sizeof *texts };

/* The n-th other content of a member; false past the last. */
static bool change_member(const struct svpe_member_info *m, char *at, int n) {
    size_t size = svpe_member_memory(m->kind);
    if (m->kind == SVPE_MEMBER_STR) {
        if (n < TEXTS) memcpy(at, &texts[n], sizeof texts[n]);
        return n < TEXTS;
    }
    if (n >= NUMBERS) return false;
    double real = ldexp((double)numbers[n], -3);
    memcpy(at, m->kind == SVPE_MEMBER_F64 ? (const void *)&real : &numbers[n], size);
    return true;
}

static void *records(const struct svpe_program *p, enum svpe_record r, int *count) {
    switch (r) {
    case SVPE_RECORD_svpe_host_value:
        *count = p->host_value_count;
        return p->host_values;
    case SVPE_RECORD_svpe_host_node:
        *count = p->host_node_count;
        return p->host_nodes;
    case SVPE_RECORD_svpe_host_attr:
        *count = p->host_attr_count;
        return p->host_attrs;
    case SVPE_RECORD_svpe_tensor:
        *count = p->tensor_count;
        return p->tensors;
    default:
        *count = 0;
        return NULL;
    }
}

static void try_members(struct scene *k, enum svpe_record record, struct rng *r, struct tally *t) {
    int count;
    char *first = records(k->r.p, record, &count);
    size_t size = svpe_records[record].size;
    for (int i = 0; i < svpe_member_count; i++) {
        const struct svpe_member_info *m = &svpe_members[i];
        if (m->record != record) continue;
        for (int n = 0; n < count * m->count; n++) {
            char *at = first + (size_t)(n / m->count) * size + m->offset +
                       (size_t)(n % m->count) * svpe_member_memory(m->kind);
            char before[8];
            memcpy(before, at, svpe_member_memory(m->kind));
            for (int v = 0; change_member(m, at, v); v++) {
                struct writer w = rooms_bytes(&k->r);
                try_bytes(&w, r, t);
            }
            memcpy(at, before, svpe_member_memory(m->kind));
        }
    }
}

static void every_field(void **state) {
    static const enum svpe_record of[] = {SVPE_RECORD_svpe_host_value, SVPE_RECORD_svpe_host_node,
                                          SVPE_RECORD_svpe_host_attr, SVPE_RECORD_svpe_tensor};
    (void)state;
    struct rng r = {7};
    for (size_t n = 0; n < sizeof of / sizeof *of; n++) {
        struct tally t = {0};
        struct scene k;
        open_scene(&k, n);
        try_members(&k, of[n], &r, &t);
        assert_true(t.refused > 100 && t.ran > 10);
        ctx_free(&k.c);
    }
}

/* Entries of the lists, and of constants, such as bounds and axes. */
static void every_list_entry(void **state) {
    (void)state;
    struct rng r = {8};
    struct tally t = {0};
    struct scene k;
    open_scene(&k, 1);
    for (int n = 0; n < k.r.p->host_list_count; n++) {
        int64_t before = k.r.p->host_lists[n];
        for (int64_t v = -2; v <= k.r.p->host_value_count; v++) {
            k.r.p->host_lists[n] = v;
            struct writer w = rooms_bytes(&k.r);
            try_bytes(&w, &r, &t);
        }
        k.r.p->host_lists[n] = before;
    }
    for (uint64_t at = 0; at + 8 <= k.r.p->host_data_bytes; at += 8) {
        uint8_t *bytes = k.r.data.data + at;
        int64_t before;
        memcpy(&before, bytes, sizeof before);
        for (int n = 0; n < NUMBERS; n++) {
            memcpy(bytes, &numbers[n], sizeof before);
            struct writer w = rooms_bytes(&k.r);
            try_bytes(&w, &r, &t);
        }
        memcpy(bytes, &before, sizeof before);
    }
    assert_true(t.refused > 100 && t.ran > 10);
    ctx_free(&k.c);
}

/* Several at once, at random. */
static void random_damage(void **state) {
    (void)state;
    struct tally t = {0};
    for (uint64_t seed = 0; seed < 1500; seed++) {
        struct rng r = {seed};
        struct scene k;
        open_scene(&k, 1);
        for (uint32_t n = 1 + rng_below(&r, 3); n > 0; n--) {
            const struct svpe_member_info *m =
                &svpe_members[rng_below(&r, (uint32_t)svpe_member_count)];
            int count;
            char *first = records(k.r.p, m->record, &count);
            if (!first) continue;
            char *at = first + rng_below(&r, (uint32_t)count) * svpe_records[m->record].size +
                       m->offset + rng_below(&r, (uint32_t)m->count) * svpe_member_memory(m->kind);
            change_member(m, at, (int)rng_below(&r, NUMBERS));
        }
        struct writer w = rooms_bytes(&k.r);
        try_bytes(&w, &r, &t);
        ctx_free(&k.c);
    }
    assert_true(t.refused > 100 && t.ran > 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(device_and_host_by_turns), cmocka_unit_test(sessions_side_by_side),
        cmocka_unit_test(data_that_does_not_fit),   cmocka_unit_test(types_are_kept_apart),
        cmocka_unit_test(refuses_with_the_place),   cmocka_unit_test(every_field),
        cmocka_unit_test(every_list_entry),         cmocka_unit_test(random_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
