/* The loader refuses what could do harm or mean nothing, says where and what it expected, and
 * survives anything: cases by hand, then random damage to every part of a good program, with
 * checksums made right again. What it still accepts is run, so that the sanitizers see whether
 * the proof held. */
#include "runtime_sample.h"

#include "isa/container.h"
#include "runtime/nbq.h"

enum { ROUNDS = 1500 };

struct scene {
    struct ctx c;
    struct arena *a;
    struct sample_program s;
};

static void open_scene(struct scene *k, uint64_t seed) {
    ctx_init(&k->c, "test", NULL);
    k->a = arena_new(&k->c);
    sample_make(&k->s, &k->c, k->a, seed);
}

/* ---- Cases ---- */

enum {
    LOAD_WEIGHTS = 0,
    LOAD_PARAMS = 1,
    LOAD_TILE = 2,
    CONV = 4,
    REQUANTIZE = 5,
    END = SAMPLE_INSNS - 1
};

static void memory(struct scene *k) {
    k->s.program.work_bytes = (uint64_t)3 << 30;
}
/* All but `left` bytes of the 2 GiB that the loader grants are taken by regions. */
static void fill_memory(struct scene *k, uint64_t left) {
    struct svpe_program *p = &k->s.program;
    p->work_bytes =
        ((uint64_t)2 << 30) - left - p->weight_bytes - p->param_bytes - p->in_bytes - p->out_bytes;
}
static void buffer_memory(struct scene *k) {
    fill_memory(k, (uint64_t)k->s.program.target->act_bytes - 1);
}
static void host_memory(struct scene *k) {
    const struct svpe_target *t = k->s.program.target;
    uint64_t acc = (uint64_t)(t->acc_bytes * 8 / t->acc_bits * 8);
    uint64_t buffers = (uint64_t)(t->act_bytes + t->wgt_bytes + t->par_bytes) + acc;
    fill_memory(k, buffers + 2 * SAMPLE_ELEMENTS_OUT * sizeof(float) - 1);
}
static void word(struct scene *k) {
    ((uint8_t *)(uintptr_t)k->s.program.code)[16] = 0x7f;
}
static void layer_tag(struct scene *k) {
    k->s.insns[CONV].layer = 3;
}
static void far_accumulators(struct scene *k) {
    svpe_set(&k->s.insns[CONV], SVPE_CONV_acc, 60000);
}
static void far_source(struct scene *k) {
    svpe_set(&k->s.insns[LOAD_TILE], SVPE_TILE_src, 5000);
}
static void no_end(struct scene *k) {
    k->s.insns[END] = svpe_insn_new(SVPE_SYNCW, 0);
}
static void early_end(struct scene *k) {
    k->s.insns[LOAD_PARAMS] = svpe_insn_new(SVPE_END, 0);
}
static void unposted(struct scene *k) {
    k->s.insns[CONV].wait |= 1 << SVPE_QUEUE_STORE;
}
static void leftover(struct scene *k) {
    k->s.insns[CONV].post |= 1 << SVPE_QUEUE_STORE;
}
static void weight_code(struct scene *k) {
    k->s.codes[11] = 0x18;
}
static void big_shift(struct scene *k) {
    k->s.params[3 * 8 + 6] = 32;
}
static void reserved(struct scene *k) {
    k->s.params[5 * 8 + 7] = 1;
}
static void few_params(struct scene *k) {
    svpe_set(&k->s.insns[LOAD_PARAMS], SVPE_LINE_count, 7);
}
static void few_weights(struct scene *k) {
    svpe_set(&k->s.insns[LOAD_WEIGHTS], SVPE_LINE_count, 35);
}
static void other_region(struct scene *k) {
    svpe_set(&k->s.insns[LOAD_PARAMS], SVPE_LINE_region, SVPE_REGION_IN);
}
static void segment_range(struct scene *k) {
    k->s.program.segments[0].code_offset = 16;
}
static void two_segments(struct scene *k) {
    struct svpe_segment *s = k->s.program.segments;
    s[1] = s[0];
}
static void small_tensor(struct scene *k) {
    k->s.program.tensors[0].bytes -= 1;
}
static void late_tensor(struct scene *k) {
    k->s.program.tensors[2].offset += 8;
}
static void other_dims(struct scene *k) {
    k->s.program.tensors[1].dims[3]++;
}
static void other_zero(struct scene *k) {
    k->s.program.tensors[0].zero = -5;
}
static void other_bits(struct scene *k) {
    k->s.program.tensors[1].bits = 16;
}
static void input_elsewhere(struct scene *k) {
    k->s.program.inputs[0].tensor = 1;
}
static void output_elsewhere(struct scene *k) {
    k->s.program.outputs[1] = 0;
}
static void host_name(struct scene *k) {
    k->s.program.host_nodes[0].op = "hardestmax";
}
static void host_counts(struct scene *k) {
    struct svpe_program *p = &k->s.program;
    p->host_nodes[0].in_count = p->host_nodes[0].out_first = 2;
    p->host_lists = arena_array(k->a, 3, sizeof *p->host_lists);
    p->host_lists[p->host_list_count++] = 1;
}
static void host_axis(struct scene *k) {
    k->s.program.host_attrs[0].i = 4;
}
static void host_size(struct scene *k) {
    k->s.program.host_values[0] = sample_value(&k->s.program, 0);
}
static void host_into_input(struct scene *k) {
    k->s.program.host_values[0] = sample_value(&k->s.program, 0);
    k->s.program.host_values[1] = sample_value(&k->s.program, 0);
}
static void byte_table(struct scene *k) {
    k->s.program.tensors[0].channels = 4;
    k->s.program.tensors[0].dims[1] = 4;
    k->s.program.inputs[0].has_table = true;
    k->s.program.inputs[0].table = k->s.table;
    k->s.table[2 * 256 + 9] = 128;
}
static void byte_table_channels(struct scene *k) {
    k->s.program.inputs[0].has_table = true;
    k->s.program.inputs[0].table = k->s.table;
}
/* In place of v.req: a look-up in a table whose entry 3 is no 8-bit number. */
static void table_value(struct scene *k) {
    struct svpe_insn *i = &k->s.insns[REQUANTIZE], lookup = svpe_insn_new(SVPE_LUT, 0);
    SAMPLE_SET(&lookup, {SVPE_MAP_nb, 1}, {SVPE_MAP_rows, 1}, {SVPE_MAP_cols, 1}, {SVPE_MAP_ny, 1},
               {SVPE_MAP_nx, 1}, {SVPE_MAP_ry, 1}, {SVPE_MAP_rx, 1}, {SVPE_MAP_dst, 64});
    lookup.wait = i->wait;
    lookup.post = i->post;
    *i = lookup;
    uint8_t *params = arena_alloc(k->a, 512);
    params[7] = 1; /* entry 3: 256 */
    k->s.program.params = params;
    k->s.program.param_bytes = 512;
    svpe_set(&k->s.insns[LOAD_PARAMS], SVPE_LINE_count, 64);
}

static const struct {
    const char *name;
    void (*change)(struct scene *k);
    const char *said[2]; /* parts of the message */
} cases[] = {
    {"memory", memory, {"sample.svpe", "3221225472 bytes of memory for region work"}},
    {"buffer memory", buffer_memory, {"sample.svpe", "bytes of memory for buffer act"}},
    {"host memory", host_memory, {"2688 bytes of memory for host values", "2147483648"}},
    {"word", word, {"segment 0, instruction 1", "not an instruction"}},
    {"layer tag", layer_tag, {"instruction 4 (conv", "layer tag 3; the layer table has 1"}},
    {"far accumulators",
     far_accumulators,
     {"instruction 4 (conv, layer \"first\")", "buffer acc has"}},
    {"far source", far_source, {"instruction 2 (ld.act, layer \"first\")", "region in has"}},
    {"no end", no_end, {"segment 0: ", "found none"}},
    {"early end", early_end, {"instruction 1 (end", "found one before"}},
    {"unposted", unposted, {"segment 0: ", "store"}},
    {"leftover", leftover, {"segment 0: ", "store"}},
    {"weight code",
     weight_code,
     {"instruction 4 (conv, layer \"first\")", "0x18 at dword 1 of buffer wgt is no p4"}},
    {"big shift", big_shift, {"(v.req, layer \"first\")", "channel 3 has shift 32; expected 0…31"}},
    {"reserved", reserved, {"(v.req, layer \"first\")", "channel 5 has 1 in the reserved byte"}},
    {"few params", few_params, {"(v.req, layer \"first\")", "dword 7 of buffer par"}},
    {"few weights", few_weights, {"(conv, layer \"first\")", "dword 35 of buffer wgt"}},
    {"other region", other_region, {"instruction 1 (ld.par", "region"}},
    {"segment range", segment_range, {"segment", "code"}},
    {"two segments", two_segments, {"segment 1", "code"}},
    {"small tensor", small_tensor, {"tensor 0", "found 335"}},
    {"late tensor", late_tensor, {"tensor 2", "region out"}},
    {"other dims", other_dims, {"tensor 1", "dimensions"}},
    {"other zero", other_zero, {"tensor 0", "zero"}},
    {"other bits", other_bits, {"tensor 1", "bits"}},
    {"input elsewhere", input_elsewhere, {"input 0", "expected in"}},
    {"output elsewhere", output_elsewhere, {"output 1", "expected out"}},
    {"host name", host_name, {"host node 0 (\"softmax\", hardestmax)", "no operator 'hardestmax'"}},
    {"host counts", host_counts, {"sample.svpe: node \"softmax\"", "2 inputs; expected 1…1"}},
    {"host axis", host_axis, {"sample.svpe: node \"softmax\"", "axis is 4; expected an axis of 4"}},
    {"host size", host_size, {"host node 0", "is f32[1x8x6x7]; expected f32[1x5x6x7]"}},
    {"host into input", host_into_input, {"host value 1 (\"image\")", "region in"}},
    {"byte table", byte_table, {"image", "channel 2, byte 9 gives 128; expected -128…127"}},
    {"byte table of five", byte_table_channels, {"input", "table"}},
    {"table value",
     table_value,
     {"(v.lut, layer \"first\")", "table entry 3 is 256; expected -128…127"}},
};

static void refuse(size_t n) {
    struct scene k;
    open_scene(&k, n);
    if (setjmp(k.c.oom)) fail_msg("out of memory");
    cases[n].change(&k);
    const uint8_t *before = k.s.program.code;
    bool damaged = cases[n].change == word;
    if (!damaged) sample_encode(&k.s, k.a);
    if (cases[n].change == two_segments)
        k.s.program.segments[1].code_bytes = k.s.program.code_bytes;
    if (damaged) k.s.program.code = before;
    struct writer w = sample_bytes(&k.s, k.a);
    struct nbq_program *p = NULL;
    char message[512] = "";
    assert_int_equal(nbq_load(w.data, w.size, "sample.svpe", &p, message, sizeof message),
                     NBQ_BAD_INPUT);
    assert_null(p);
    for (int part = 0; part < 2; part++)
        if (!strstr(message, cases[n].said[part]))
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[n].name, message, cases[n].said[part]);
    ctx_free(&k.c);
}

static void refuses_with_the_place(void **state) {
    (void)state;
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) refuse(n);
}

static void refuses_other_activations(void **state) {
    (void)state;
    struct scene k;
    open_scene(&k, 1);
    if (setjmp(k.c.oom)) fail_msg("out of memory");
    k.s.program.target = svpe_target_find(&k.c, k.a, "zcu102");
    k.s.program.act_bits = 16;
    struct writer w = sample_bytes(&k.s, k.a);
    struct nbq_program *p;
    char message[512] = "";
    assert_int_equal(nbq_load(w.data, w.size, "sample.svpe", &p, message, sizeof message),
                     NBQ_BAD_INPUT);
    assert_non_null(strstr(message, "16"));
    ctx_free(&k.c);
}

/* ---- Damage ---- */

/* Loads; runs what is accepted. Counts it. */
static void try_bytes(const uint8_t *bytes, size_t size, uint64_t seed, int *accepted) {
    struct nbq_program *p;
    struct nbq_session *s;
    char message[512] = "";
    enum nbq_status status = nbq_load(bytes, size, "damaged.svpe", &p, message, sizeof message);
    if (status == NBQ_BAD_INPUT) {
        if (!strstr(message, "damaged.svpe"))
            fail_msg("seed %llu: \"%s\"", (unsigned long long)seed, message);
        return;
    }
    assert_int_equal(status, NBQ_OK);
    ++*accepted;
    nbq_check(p, message, sizeof message);
    assert_int_equal(nbq_open(p, "emulator", &s), NBQ_OK);
    for (int n = 0; n < nbq_input_count(p); n++) {
        struct nbq_tensor_info t = nbq_input_info(p, n);
        size_t count = (size_t)t.channels * (size_t)t.height * (size_t)t.width;
        float *x = calloc(count, sizeof *x);
        assert_int_equal(nbq_set_input_f32(s, n, x, count), NBQ_OK);
        free(x);
    }
    assert_int_equal(nbq_run(s), NBQ_OK);
    nbq_close(s);
    nbq_program_free(p);
}

static void damage_fields(struct scene *k, struct rng *r) {
    for (uint32_t n = 1 + rng_below(r, 2); n > 0; n--) {
        struct svpe_insn *i = &k->s.insns[rng_below(r, SAMPLE_INSNS)];
        enum svpe_format format = svpe_op_info(i->op)->format;
        enum svpe_field f = (enum svpe_field)(
            (int)svpe_field_first(format) + (int)rng_below(r, (uint32_t)svpe_field_count(format)));
        const struct svpe_field_info *info = svpe_field_info(f);
        bool used = svpe_op_info(i->op)->uses >> info->position & 1;
        int width = info->is_signed ? info->width - 1 : info->width;
        int64_t old = svpe_get(i, f);
        int64_t v = rng_below(r, 3)
                        ? (old + (int64_t)rng_below(r, 5) - 2) & ((INT64_C(1) << width) - 1)
                        : (int64_t)(rng_next(r) & ((UINT64_C(1) << width) - 1));
        if (v < info->min) v = info->min; /* less is no word */
        if (used && f != SVPE_SYNC_queue) svpe_set(i, f, v);
    }
    sample_encode(&k->s, k->a);
}

static void damage_bytes(struct scene *k, struct rng *r) {
    const struct {
        const uint8_t *at;
        uint64_t size;
    } parts[] = {
        {k->s.program.code, k->s.program.code_bytes},
        {k->s.program.weights, k->s.program.weight_bytes},
        {k->s.program.params, k->s.program.param_bytes},
    };
    for (uint32_t n = 1 + rng_below(r, 3); n > 0; n--) {
        uint32_t part = rng_below(r, 3);
        ((uint8_t *)(uintptr_t)parts[part].at)[rng_below(r, (uint32_t)parts[part].size)] ^=
            (uint8_t)(1u << rng_below(r, 8));
    }
}

/* Whole files, checksums made right again. */
static void damage_file(struct writer *w, struct rng *r) {
    size_t head = SVPE_FILE_HEADER + SVPE_SECTION_COUNT * SVPE_SECTION_ENTRY;
    w->data[head + rng_below(r, (uint32_t)(w->size - head))] ^= (uint8_t)(1u << rng_below(r, 8));
    for (size_t row = SVPE_FILE_HEADER; row < head; row += SVPE_SECTION_ENTRY) {
        struct reader entry = reader_of(w->data + row + 8, 16);
        size_t at = (size_t)read_u64(&entry), size = (size_t)read_u64(&entry);
        patch_u32(w, row + 4, crc32c(0, w->data + at, size));
    }
    patch_u32(w, SVPE_HEADER_CRC_AT, 0);
    patch_u32(w, SVPE_HEADER_CRC_AT, crc32c(0, w->data, head));
}

static void damage(int kind, uint64_t seed, int *accepted) {
    struct scene k;
    struct rng r = {seed};
    open_scene(&k, seed);
    if (setjmp(k.c.oom)) fail_msg("out of memory");
    if (kind == 0) damage_fields(&k, &r);
    if (kind == 1) damage_bytes(&k, &r);
    struct writer w = sample_bytes(&k.s, k.a);
    if (kind == 2) damage_file(&w, &r);
    try_bytes(w.data, w.size, seed, accepted);
    ctx_free(&k.c);
}

static void survives_damage(void **state) {
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        int accepted = 0;
        for (uint64_t seed = 0; seed < ROUNDS; seed++) damage(kind, seed, &accepted);
        assert_in_range(accepted, 1,
                        ROUNDS - ROUNDS / 10); /* both ends of the proof are exercised */
    }
}

static void survives_truncation(void **state) {
    (void)state;
    struct scene k;
    open_scene(&k, 1);
    if (setjmp(k.c.oom)) fail_msg("out of memory");
    struct writer w = sample_bytes(&k.s, k.a);
    for (size_t n = 0; n < w.size; n += n < 1200 ? 1 : 37) {
        uint8_t *part = malloc(n ? n : 1); /* its own block: a read past the end is seen */
        struct nbq_program *p;
        char message[256] = "";
        assert_non_null(part);
        memcpy(part, w.data, n);
        assert_int_equal(nbq_load(part, n, "cut.svpe", &p, message, sizeof message), NBQ_BAD_INPUT);
        assert_non_null(strstr(message, "cut.svpe"));
        free(part);
    }
    ctx_free(&k.c);
}

static void missing_file(void **state) {
    (void)state;
    struct nbq_program *p;
    char message[256] = "";
    assert_int_equal(nbq_load_file("/nowhere/x.svpe", &p, message, sizeof message), NBQ_BAD_INPUT);
    assert_non_null(strstr(message, "/nowhere/x.svpe"));
    assert_int_equal(nbq_load_file("/nowhere/x.svpe", &p, NULL, 0), NBQ_BAD_INPUT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_with_the_place), cmocka_unit_test(refuses_other_activations),
        cmocka_unit_test(survives_damage),        cmocka_unit_test(survives_truncation),
        cmocka_unit_test(missing_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
