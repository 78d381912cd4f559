/* The .svpe file: what is written is read back member by member; the same program gives the same
 * bytes; every single-byte corruption and every truncation is refused with a message; well-formed
 * files with impossible contents (checksums made right again) are refused and name the section. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "isa/container.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct fixture {
    struct ctx c;
    struct arena *a;
    struct svpe_program p;
    struct writer bytes;
};

static void fill_tensors(struct svpe_program *p, struct arena *a) {
    p->tensor_count = 4;
    p->tensors = arena_array(a, 4, sizeof *p->tensors);
    p->tensors[0] = (struct svpe_tensor){.name = "image",
                                         .region = SVPE_REGION_IN,
                                         .offset = 64,
                                         .bytes = 4 * 5 * 7,
                                         .layout = SVPE_LAYOUT_STEM,
                                         .dtype = "",
                                         .px = 2,
                                         .channels = 3,
                                         .height = 5,
                                         .width = 7,
                                         .rank = 4,
                                         .dims = {1, 3, 5, 7},
                                         .bits = 8,
                                         .exp = -6,
                                         .zero = 0};
    p->tensors[1] = (struct svpe_tensor){.name = "mitte",
                                         .region = SVPE_REGION_WORK,
                                         .offset = 128,
                                         .bytes = 2 * 3 * 4 * 8,
                                         .layout = SVPE_LAYOUT_BLOCKED,
                                         .dtype = "",
                                         .channels = 11,
                                         .height = 3,
                                         .width = 4,
                                         .rank = 4,
                                         .dims = {1, 11, 3, 4},
                                         .bits = 8,
                                         .exp = 3,
                                         .zero = -128};
    p->tensors[2] = (struct svpe_tensor){.name = "logits",
                                         .region = SVPE_REGION_WORK,
                                         .offset = 512,
                                         .bytes = 4 * 10,
                                         .layout = SVPE_LAYOUT_PLAIN,
                                         .dtype = "i32",
                                         .channels = 10,
                                         .height = 1,
                                         .width = 1,
                                         .rank = 2,
                                         .dims = {1, 10},
                                         .bits = 32};
    p->tensors[3] = p->tensors[2];
    p->tensors[3].name = "prob";
    p->tensors[3].region = SVPE_REGION_OUT;
    p->tensors[3].offset = 0;
}

static void fill_lists(struct svpe_program *p, struct arena *a) {
    int16_t *table = arena_array(a, 3 * 256, sizeof *table);
    for (int i = 0; i < 3 * 256; i++) table[i] = (int16_t)(i * 37 - 9000);
    p->input_count = 1;
    p->inputs = arena_array(a, 1, sizeof *p->inputs);
    p->inputs[0] = (struct svpe_input){.tensor = 0,
                                       .has_table = true,
                                       .table = table,
                                       .source = {2, 1, 0},
                                       .scale = 1.0 / 255,
                                       .mean = {0.1, 0.2, 0.3},
                                       .std = {1, -0.0, 3, 4},
                                       .resize = 256,
                                       .crop = 224,
                                       .resize_plain = true};
    p->output_count = 2;
    p->outputs = arena_array(a, 2, sizeof *p->outputs);
    p->outputs[0] = 3;
    p->outputs[1] = 1;
    p->layer_count = 2;
    p->layers = arena_array(a, 2, sizeof *p->layers);
    p->layers[0] = (struct svpe_layer){.name = "conv1",
                                       .kind = "qconv",
                                       .in_c = 3,
                                       .in_h = 5,
                                       .in_w = 7,
                                       .out_c = 11,
                                       .out_h = 3,
                                       .out_w = 4,
                                       .kh = 3,
                                       .kw = 2,
                                       .sy = 2,
                                       .sx = 1,
                                       .group = 1,
                                       .macs = 1234567890123,
                                       .weights = 198,
                                       .bits = 4,
                                       .terms = 1,
                                       .exp_min = -9,
                                       .exp_max = -2,
                                       .margin = 5,
                                       .tiles = 2,
                                       .place = "array",
                                       .note = ""};
    p->layers[1] = (struct svpe_layer){
        .name = "softmax\n2", .kind = "softmax", .margin = -1, .place = "host", .note = "float"};
    p->segment_count = 3;
    p->segments = arena_array(a, 3, sizeof *p->segments);
    p->segments[0] = (struct svpe_segment){.code_bytes = 48};
    p->segments[1] = (struct svpe_segment){.host = true, .first_node = 0, .node_count = 2};
    p->segments[2] = (struct svpe_segment){.code_offset = 48, .code_bytes = 16};
}

/* A pad from tensor 2 with a constant of 5 integers, then a softmax into tensor 3. */
static void fill_host(struct svpe_program *p, struct arena *a) {
    static const struct svpe_host_value values[] = {
        {.name = "logits", .dtype = "f32", .rank = 2, .dims = {1, 10}, .tensor = 2},
        {.name = "pads", .dtype = "i64", .rank = 1, .dims = {5}, .tensor = -1, .bytes = 40},
        {.name = "wide", .dtype = "f32", .rank = 2, .dims = {1, 14}, .tensor = -1},
        {.name = "prob", .dtype = "f32", .rank = 2, .dims = {1, 10}, .tensor = 3},
        {.name = "fill", .dtype = "f32", .tensor = -1, .at = 64, .bytes = 4},
    };
    static const struct svpe_host_attr attrs[] = {
        {.name = "mode", .kind = SVPE_ATTR_STRING, .s = "edge\tof"},
        {.name = "axes", .kind = SVPE_ATTR_INTS, .s = "", .first = 4, .count = 2},
        {.name = "low", .kind = SVPE_ATTR_FLOAT, .f = -INFINITY, .s = ""},
        {.name = "axis", .kind = SVPE_ATTR_INT, .i = INT64_MIN, .s = ""},
    };
    static const struct svpe_host_node nodes[] = {
        {"pad", "pad", 0, 3, 3, 1, 0, 3, 1},
        {"last", "softmax", 6, 1, 7, 2, 3, 1, 1},
    };
    static const int64_t lists[] = {0, 1, 4, 2, -9, INT64_MAX, 2, 3, -1};
    uint8_t *data = arena_alloc(a, 68);
    for (int i = 0; i < 5; i++) data[8 * i] = (uint8_t)(i * 3 + 1);
    memcpy(data + 64, &(float){2.5f}, sizeof(float));
    p->host_values = arena_copy(a, values, sizeof values);
    p->host_value_count = 5;
    p->host_attrs = arena_copy(a, attrs, sizeof attrs);
    p->host_attr_count = 4;
    p->host_nodes = arena_copy(a, nodes, sizeof nodes);
    p->host_node_count = 2;
    p->host_lists = arena_copy(a, lists, sizeof lists);
    p->host_list_count = 9;
    p->host_data = data;
    p->host_data_bytes = 68;
}

static int setup(void **state) {
    static struct fixture f;
    uint8_t data[300];
    for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 73 + 5);
    ctx_init(&f.c, "test", NULL);
    f.a = arena_new(&f.c);
    f.p = (struct svpe_program){.name = "klein",
                                .act_bits = 8,
                                .work_bytes = 552,
                                .in_bytes = 204,
                                .out_bytes = 40,
                                .schedule = "layer 0: rows 3\nrest\n"};
    f.p.target = svpe_target_find(&f.c, f.a, "tiny");
    f.p.code = arena_copy(f.a, data, 64);
    f.p.code_bytes = 64;
    f.p.weights = arena_copy(f.a, data + 7, 200);
    f.p.weight_bytes = 200;
    f.p.params = arena_copy(f.a, data + 3, 24);
    f.p.param_bytes = 24;
    fill_tensors(&f.p, f.a);
    fill_lists(&f.p, f.a);
    fill_host(&f.p, f.a);
    writer_init(&f.bytes, f.a);
    svpe_write(&f.p, &f.bytes);
    *state = &f;
    return 0;
}

static int teardown(void **state) {
    ctx_free(&((struct fixture *)*state)->c);
    return 0;
}

/* Reads a copy of exactly size bytes, so that the sanitizer sees every step beyond. */
static bool reads(const uint8_t *bytes, size_t size, const char **message) {
    static char text[512];
    struct ctx c;
    ctx_init(&c, "test", NULL);
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, bytes, size);
    bool good = svpe_read(&c, arena_new(&c), "x.svpe", copy, size) != NULL;
    assert_int_equal(good, c.errors == 0);
    snprintf(text, sizeof text, "%s", c.first ? c.first->message : "");
    if (message) *message = text;
    ctx_free(&c);
    free(copy);
    return good;
}

static void test_round_trip(void **state) {
    struct fixture *f = *state;
    struct svpe_program *q = svpe_read(&f->c, f->a, "x.svpe", f->bytes.data, f->bytes.size);
    assert_non_null(q);
    assert_string_equal(q->name, "klein");
    assert_string_equal(q->target->name, "tiny");
    assert_int_equal(svpe_target_hash(q->target), svpe_target_hash(f->p.target));
    assert_int_equal(q->act_bits, 8);
    assert_int_equal(q->work_bytes, 552);
    assert_int_equal(q->in_bytes, 204);
    assert_int_equal(q->out_bytes, 40);
    assert_string_equal(q->schedule, f->p.schedule);
    assert_int_equal(q->code_bytes, 64);
    assert_memory_equal(q->code, f->p.code, 64);
    assert_memory_equal(q->weights, f->p.weights, 200);
    assert_memory_equal(q->params, f->p.params, 24);
    assert_int_equal(q->tensor_count, 4);
    assert_string_equal(q->tensors[1].name, "mitte");
    assert_int_equal(q->tensors[1].zero, -128);
    assert_int_equal(q->tensors[0].dims[3], 7);
    assert_int_equal(q->inputs[0].source[0], 2);
    assert_memory_equal(q->inputs[0].table, f->p.inputs[0].table, 3 * 256 * 2);
    assert_memory_equal(&q->inputs[0].scale, &f->p.inputs[0].scale, sizeof(double));
    assert_memory_equal(q->inputs[0].std, f->p.inputs[0].std, 4 * sizeof(double));
    assert_int_equal(q->inputs[0].resize, 256);
    assert_int_equal(q->inputs[0].crop, 224);
    assert_true(q->inputs[0].resize_plain);
    assert_int_equal(q->outputs[1], 1);
    assert_int_equal(q->layers[0].macs, 1234567890123);
    assert_int_equal(q->layers[1].margin, -1);
    assert_string_equal(q->layers[1].name, "softmax?2");
    assert_int_equal(q->segments[1].node_count, 2);
    assert_int_equal(q->segments[2].code_offset, 48);
}

static void test_host_round_trip(void **state) {
    struct fixture *f = *state;
    struct svpe_program *q = svpe_read(&f->c, f->a, "x.svpe", f->bytes.data, f->bytes.size);
    assert_non_null(q);
    assert_int_equal(q->host_value_count, 5);
    assert_int_equal(q->host_node_count, 2);
    assert_int_equal(q->host_attr_count, 4);
    assert_int_equal(q->host_list_count, 9);
    assert_int_equal(q->host_data_bytes, 68);
    assert_memory_equal(q->host_data, f->p.host_data, 68);
    assert_memory_equal(q->host_lists, f->p.host_lists, 9 * sizeof *q->host_lists);
    assert_string_equal(q->tensors[2].dtype, "i32");
    assert_string_equal(q->host_values[1].dtype, "i64");
    assert_int_equal(q->host_values[1].tensor, -1);
    assert_int_equal(q->host_values[4].at, 64);
    assert_string_equal(q->host_nodes[1].op, "softmax");
    assert_int_equal(q->host_nodes[1].out_first, 7);
    assert_string_equal(q->host_attrs[0].s, "edge?of");
    assert_true(q->host_attrs[2].f == -INFINITY);
    assert_true(q->host_attrs[3].i == INT64_MIN);
}

/* Whatever a member is called, its value must survive: write, read, write again. */
static void test_same_bytes(void **state) {
    struct fixture *f = *state;
    struct svpe_program *q = svpe_read(&f->c, f->a, "x.svpe", f->bytes.data, f->bytes.size);
    struct writer again;
    writer_init(&again, f->a);
    svpe_write(q, &again);
    assert_int_equal(again.size, f->bytes.size);
    assert_memory_equal(again.data, f->bytes.data, again.size);
}

static void test_every_byte(void **state) {
    struct fixture *f = *state;
    uint8_t *bytes = arena_copy(f->a, f->bytes.data, f->bytes.size);
    for (size_t i = 0; i < f->bytes.size; i++) {
        for (int bit = 0; bit < 8; bit += 7) {
            bytes[i] ^= (uint8_t)(1 << bit);
            if (reads(bytes, f->bytes.size, NULL)) fail_msg("byte %zu changed, not noticed", i);
            bytes[i] ^= (uint8_t)(1 << bit);
        }
    }
    assert_true(reads(bytes, f->bytes.size, NULL));
}

static void test_every_length(void **state) {
    struct fixture *f = *state;
    for (size_t n = 0; n < f->bytes.size; n++) {
        if (reads(f->bytes.data, n, NULL)) fail_msg("cut at %zu, not noticed", n);
    }
    uint8_t *longer = arena_alloc(f->a, f->bytes.size + 64);
    memcpy(longer, f->bytes.data, f->bytes.size);
    assert_false(reads(longer, f->bytes.size + 1, NULL));
    assert_false(reads(longer, f->bytes.size + 64, NULL));
}

static uint64_t u64_at(const uint8_t *p) {
    uint64_t v = 0;
    for (int i = 8; i-- > 0;) v = v << 8 | p[i];
    return v;
}

/* Makes every checksum right again. */
static void seal(struct writer *w) {
    for (int s = 0; s < SVPE_SECTION_COUNT; s++) {
        size_t row = SVPE_FILE_HEADER + (size_t)s * SVPE_SECTION_ENTRY;
        uint64_t at = u64_at(w->data + row + 8), size = u64_at(w->data + row + 16);
        if (at > w->size || size > w->size - at) continue;
        patch_u32(w, row + 4, crc32c(0, w->data + at, size));
    }
    patch_u32(w, SVPE_HEADER_CRC_AT, 0);
    size_t head = SVPE_FILE_HEADER + SVPE_SECTION_COUNT * SVPE_SECTION_ENTRY;
    patch_u32(w, SVPE_HEADER_CRC_AT, crc32c(0, w->data, head));
}

static struct writer copy_of(struct fixture *f) {
    struct writer w;
    writer_init(&w, f->a);
    write_bytes(&w, f->bytes.data, f->bytes.size);
    return w;
}

/* Where a member of a record stands in the file. */
static size_t place_of(const struct writer *w, enum svpe_record r, int n, const char *member) {
    size_t row = SVPE_FILE_HEADER + (size_t)svpe_records[r].section * SVPE_SECTION_ENTRY;
    size_t at = u64_at(w->data + row + 8) + (size_t)n * svpe_record_bytes(r);
    for (int i = 0; i < svpe_member_count; i++) {
        const struct svpe_member_info *m = &svpe_members[i];
        if (m->record != r) continue;
        if (strcmp(m->name, member) == 0) return at;
        at += (size_t)m->count * svpe_member_bytes(m->kind);
    }
    fail_msg("no member %s", member);
    return 0;
}

#define REC(name) SVPE_RECORD_svpe_##name
static const struct lie {
    enum svpe_record record;
    int n;
    const char *member;
    uint64_t value;
    const char *message; /* part of it */
} lies[] = {
    {REC(program_record), 0, "act_bits", 12, "section program: program 0: act_bits"},
    {REC(program_record), 0, "name", 100000, "section program: program 0: name"},
    {REC(program_record), 0, "work_bytes", UINT64_MAX, "work_bytes: expected 0…4294967296"},
    {REC(program_record), 0, "work_bytes", 551, "section tensors: tensor 2: bytes 512…552"},
    {REC(tensor), 0, "region", 1, "tensor 0: region: expected 2…4"},
    {REC(tensor), 0, "region", 5, "tensor 0: region: expected 2…4"},
    {REC(tensor), 1, "offset", UINT64_C(1) << 32, "tensor 1: bytes"},
    {REC(tensor), 1, "offset", UINT64_MAX - 3, "tensor 1: offset"},
    {REC(tensor), 1, "bytes", 191, "tensor 1: bytes: expected at least 192"},
    {REC(tensor), 1, "layout", 3, "tensor 1: layout"},
    {REC(tensor), 1, "px", 1, "tensor 1: px"},
    {REC(tensor), 0, "px", 1, "tensor 0: px"},
    {REC(tensor), 0, "px", 4, "tensor 0: px"},
    {REC(tensor), 1, "channels", 12, "product of its 4 dimensions is not 12·3·4"},
    {REC(tensor), 1, "rank", 3, "product of its 3 dimensions"},
    {REC(tensor), 1, "rank", 9, "rank: expected 0…8, found 9"},
    {REC(tensor), 1, "bits", 16, "bits: expected 8, found 16"},
    {REC(tensor), 1, "zero", (uint64_t)-127, "zero: expected 0 or"},
    {REC(input), 0, "tensor", 4, "input 0: tensor: expected a tensor below 4"},
    {REC(input), 0, "tensor", (uint64_t)-1, "input 0: tensor"},
    {REC(input), 0, "has_table", 2, "input 0: has_table"},
    {REC(input), 0, "table", 1, "input 0: table: expected 3 rows"},
    {REC(input), 0, "table", 4, "input 0: table: expected an offset below 4"},
    {REC(input), 0, "source", 3, "input 0: source"},
    {REC(input), 0, "resize", 16385, "input 0: resize: expected 0…16384"},
    {REC(input), 0, "crop", 0xffffffff, "input 0: crop: expected 0…16384"},
    {REC(input), 0, "resize_plain", 2, "input 0: resize_plain"},
    {REC(input), 0, "scale", UINT64_C(0x7ff0000000000000), "input 0: scale: not finite"},
    {REC(output_record), 1, "tensor", 4, "section outputs: output 1: tensor"},
    {REC(layer), 0, "bits", 17, "layer 0: bits"},
    {REC(layer), 1, "margin", (uint64_t)-2, "layer 1: margin"},
    {REC(segment), 0, "host", 2, "segment 0: host"},
    {REC(segment), 0, "code_bytes", 32, "segment 2: code is at 48 + 16"},
    {REC(segment), 2, "code_bytes", 17, "segment 2: code is at"},
    {REC(segment), 2, "code_bytes", 0, "section code: has 64 bytes; the segments use 48"},
    {REC(segment), 1, "node_count", 3, "segment 1: nodes: 0 + 3"},
    {REC(segment), 1, "node_count", 1, "section hostnodes: has 2 records; 1 are used"},
    {REC(segment), 1, "node_count", 0, "segment 1: expected nodes and no code"},
    {REC(segment), 1, "first_node", 1, "segment 1: nodes: 1 + 2"},
    {REC(segment), 1, "code_bytes", 16, "segment 1: expected nodes and no code"},
    {REC(segment), 2, "node_count", 1, "segment 2: expected code and no nodes"},
    {REC(tensor), 1, "dtype", 1, "tensor 1: dtype: expected none"},
    {REC(tensor), 2, "dtype", 0, "tensor 2: dtype: expected a type"},
    {REC(tensor), 2, "bits", 24, "tensor 2: bits: expected 8, 16, 32 or 64, found 24"},
    {REC(tensor), 2, "bits", 64, "tensor 2: bytes: expected at least 80"},
    {REC(host_value), 0, "tensor", 4, "value 0: tensor: expected a tensor below 4"},
    {REC(host_value), 0, "tensor", (uint64_t)-2, "value 0: tensor"},
    {REC(host_value), 1, "tensor", 1, "value 1: expected a tensor or a constant, found both"},
    {REC(host_value), 0, "rank", 1, "value 0: dims: unused ones must be 0"},
    {REC(host_value), 2, "dtype", 0, "value 2: dtype"},
    {REC(host_value), 4, "at", 32, "value 4: data is at 32 + 4; expected at a multiple of 64"},
    {REC(host_value), 4, "bytes", 5, "value 4: data is at 64 + 5"},
    {REC(host_value), 4, "at", INT64_MAX - 63, "value 4: data is at"},
    {REC(host_value), 2, "at", 64, "value 2: data is at 64 + 0"},
    {REC(host_node), 0, "op", 0, "node 0: op"},
    {REC(host_node), 1, "layer", 2, "node 1: layer: expected a layer below 2"},
    {REC(host_node), 0, "in_first", 1, "node 0: inputs: 1 + 3; expected to begin at 0"},
    {REC(host_node), 0, "in_count", INT32_MAX, "node 0: inputs"},
    {REC(host_node), 1, "out_count", 1, "section hostlists: has 9 records; 8 are used"},
    {REC(host_node), 1, "attr_count", 0, "section hostattrs: has 4 records; 3 are used"},
    {REC(host_node), 1, "attr_first", 2, "node 1: attributes: 2 + 1; expected to begin at 3"},
    {REC(host_attr), 1, "count", 6, "attribute 1: list: 4 + 6"},
    {REC(host_attr), 3, "kind", 4, "attribute 3: kind"},
    {REC(host_attr), 3, "kind", 1, "attribute 3: a member of another kind is not zero"},
    {REC(host_attr), 0, "f", 1, "attribute 0: a member of another kind is not zero"},
    {REC(host_list_record), 0, "v", 5, "node 0: inputs: expected a host value below 5, found 5"},
    {REC(host_list_record), 8, "v", (uint64_t)-2, "node 1: outputs: expected a host value"},
};

static void test_lies(void **state) {
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct writer w = copy_of(f);
        size_t at = place_of(&w, lies[i].record, lies[i].n, lies[i].member);
        bool wide = false;
        for (int k = 0; k < svpe_member_count; k++) {
            const struct svpe_member_info *m = &svpe_members[k];
            if (m->record != lies[i].record || strcmp(m->name, lies[i].member) != 0) continue;
            wide = svpe_member_bytes(m->kind) == 8;
        }
        if (wide) {
            patch_u64(&w, at, lies[i].value);
        } else {
            patch_u32(&w, at, (uint32_t)lies[i].value);
        }
        seal(&w);
        const char *message;
        if (reads(w.data, w.size, &message)) fail_msg("row %zu (%s) accepted", i, lies[i].member);
        if (!strstr(message, lies[i].message)) {
            fail_msg("row %zu: \"%s\" does not hold \"%s\"", i, message, lies[i].message);
        }
    }
}

static void expect(struct writer *w, const char *part) {
    const char *message;
    seal(w);
    assert_false(reads(w->data, w->size, &message));
    if (!strstr(message, part)) fail_msg("\"%s\" does not hold \"%s\"", message, part);
}

static void test_section_table(void **state) {
    struct fixture *f = *state;
    size_t code = SVPE_FILE_HEADER + SVPE_SECTION_CODE * SVPE_SECTION_ENTRY;
    size_t weights = SVPE_FILE_HEADER + SVPE_SECTION_WEIGHTS * SVPE_SECTION_ENTRY;
    struct writer w = copy_of(f); /* the same section twice */
    patch_u32(&w, weights, SVPE_SECTION_CODE);
    expect(&w, "section weights: expected in row 17 of the section table, found section code");
    w = copy_of(f); /* overlap */
    patch_u64(&w, weights + 8, u64_at(w.data + code + 8));
    expect(&w, "section weights: begins at byte");
    w = copy_of(f); /* beyond the end */
    patch_u64(&w, weights + 16, UINT64_MAX - 64);
    expect(&w, "section weights: has 18446744073709551551 bytes");
    w = copy_of(f);
    patch_u32(&w, SVPE_HEADER_COUNT_AT, 3);
    expect(&w, "3 sections; expected 18");
    w = copy_of(f);
    patch_u32(&w, SVPE_HEADER_VERSION_AT, 1);
    expect(&w, "format version 1; expected 3");
    w = copy_of(f);
    patch_u64(&w, SVPE_HEADER_ISA_AT, 1);
    expect(&w, "another version of the instruction set: 0000000000000001");
    w = copy_of(f);
    patch_u64(&w, SVPE_HEADER_TARGET_AT, 1);
    expect(&w, "section target: its hash is");
    w = copy_of(f);
    w.data[u64_at(w.data + SVPE_FILE_HEADER + SVPE_SECTION_STRINGS * SVPE_SECTION_ENTRY + 8) + 1] =
        27;
    expect(&w, "section strings: byte 1 is a control character (1b)");
}

/* Any two bytes of any section changed at once, checksums right: refused or accepted, never a
 * crash. */
static void test_random_damage(void **state) {
    struct fixture *f = *state;
    struct rng r = {20260923};
    for (int i = 0; i < 3000; i++) {
        struct writer w = copy_of(f);
        size_t head = SVPE_FILE_HEADER + SVPE_SECTION_COUNT * SVPE_SECTION_ENTRY;
        for (int k = 0; k < 2; k++) {
            size_t at = head + rng_below(&r, (uint32_t)(w.size - head));
            w.data[at] = (uint8_t)rng_next(&r);
        }
        seal(&w);
        reads(w.data, w.size, NULL);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_same_bytes),
        cmocka_unit_test(test_every_byte),    cmocka_unit_test(test_every_length),
        cmocka_unit_test(test_lies),          cmocka_unit_test(test_section_table),
        cmocka_unit_test(test_random_damage), cmocka_unit_test(test_host_round_trip),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
