/* A small program written by hand: a padded 3×3 convolution of 5 to 8 channels on target tiny,
 * one row of the image per tile, double-buffered with tokens; then a softmax on the host. And
 * its answer by plain loops. */
#ifndef NBQ_TESTS_UNIT_RUNTIME_SAMPLE_H
#define NBQ_TESTS_UNIT_RUNTIME_SAMPLE_H

#include "test.h"

#include "isa/isa.h"

enum {
    SAMPLE_IN = 5,
    SAMPLE_OUT = 8,
    SAMPLE_H = 6,
    SAMPLE_W = 7,
    SAMPLE_V = 8,
    SAMPLE_E = 4, /* of tiny */
    SAMPLE_PIXELS = SAMPLE_H * SAMPLE_W,
    SAMPLE_ZERO = -128,
    SAMPLE_EXP_IN = -5,
    SAMPLE_EXP_OUT = -3,
    SAMPLE_INSNS = 2 + 4 * SAMPLE_H + 1,
    SAMPLE_ELEMENTS_IN = SAMPLE_IN * SAMPLE_PIXELS,
    SAMPLE_ELEMENTS_OUT = SAMPLE_OUT * SAMPLE_PIXELS,
    SAMPLE_MULTIPLE =
        SAMPLE_V * SAMPLE_PIXELS, /* bytes of the stored input and of the stored output */
};

struct sample_program {
    struct svpe_program program;
    struct svpe_insn insns[SAMPLE_INSNS];
    int weights[SAMPLE_OUT][SAMPLE_IN][3][3];
    int bias[SAMPLE_OUT], shift[SAMPLE_OUT];
    uint8_t *params, *codes;
    int16_t table[SAMPLE_IN * 256];
};

static inline void sample_weights(struct sample_program *s, struct arena *a, struct rng *r) {
    struct writer codes;
    int16_t block[SAMPLE_E * SAMPLE_V];
    writer_init(&codes, a);
    for (int o = 0; o < SAMPLE_OUT; o++)
        for (int c = 0; c < SAMPLE_IN; c++)
            for (int k = 0; k < 9; k++) {
                int size = 1 << rng_below(r, 5);
                s->weights[o][c][k / 3][k % 3] = rng_below(r, 4) == 0 ? 0
                                                 : rng_below(r, 2)    ? size
                                                                      : -size;
            }
    for (int o = 0; o < SAMPLE_OUT / SAMPLE_E; o++)
        for (int k = 0; k < 9; k++) {
            for (int n = 0; n < SAMPLE_E * SAMPLE_V; n++) {
                int c = n % SAMPLE_V;
                block[n] = c < SAMPLE_IN
                               ? (int16_t)s->weights[o * SAMPLE_E + n / SAMPLE_V][c][k / 3][k % 3]
                               : 0;
            }
            svpe_pack(SVPE_WFMT_P4, block, SAMPLE_E * SAMPLE_V, &codes);
        }
    s->codes = codes.data;
    s->program.weights = codes.data;
    s->program.weight_bytes = codes.size;
}

static inline void sample_params(struct sample_program *s, struct arena *a, struct rng *r) {
    struct writer w;
    writer_init(&w, a);
    for (int o = 0; o < SAMPLE_OUT; o++) {
        s->bias[o] = (int)rng_below(r, 2000) - 1000;
        s->shift[o] = 4 + (int)rng_below(r, 3);
        write_u32(&w, (uint32_t)s->bias[o]);
        write_u16(&w, 0);
        write_u8(&w, (uint8_t)s->shift[o]);
        write_u8(&w, 0);
    }
    s->params = w.data;
    s->program.params = w.data;
    s->program.param_bytes = w.size;
}

static inline struct svpe_insn sample_line(enum svpe_op op, int64_t region, uint64_t bytes) {
    struct svpe_insn i = svpe_insn_new(op, 0);
    svpe_set(&i, SVPE_LINE_region, region);
    svpe_set(&i, SVPE_LINE_count, (int64_t)bytes / 8);
    return i;
}

#define SAMPLE_SET(i, ...)                                                                         \
    do {                                                                                           \
        const int64_t set_[][2] = {__VA_ARGS__};                                                   \
        for (size_t n_ = 0; n_ < sizeof set_ / sizeof *set_; n_++)                                 \
            svpe_set(i, (enum svpe_field)set_[n_][0], set_[n_][1]);                                \
    } while (0)

/* Rows y−1…y+1 of the image with a border of zeros. */
static inline struct svpe_insn sample_load(int y) {
    struct svpe_insn i = svpe_insn_new(SVPE_LDA, 0);
    int top = y == 0, bottom = y == SAMPLE_H - 1;
    SAMPLE_SET(&i, {SVPE_TILE_region, SVPE_REGION_IN},
               {SVPE_TILE_src, (y - 1 + top) * SAMPLE_W * SAMPLE_V}, {SVPE_TILE_nb, 1},
               {SVPE_TILE_nr, 3 - top - bottom}, {SVPE_TILE_nc, SAMPLE_W},
               {SVPE_TILE_sr, SAMPLE_W * SAMPLE_V}, {SVPE_TILE_dst, y % 2 * 32},
               {SVPE_TILE_dr, SAMPLE_W + 2}, {SVPE_TILE_pt, top}, {SVPE_TILE_pb, bottom},
               {SVPE_TILE_pl, 1}, {SVPE_TILE_pr, 1}, {SVPE_TILE_pad, SAMPLE_ZERO},
               {SVPE_TILE_px, 3});
    i.wait = y >= 2 ? 1 << SVPE_QUEUE_EXEC : 0;
    i.post = 1 << SVPE_QUEUE_EXEC;
    return i;
}

static inline struct svpe_insn sample_conv(int y) {
    struct svpe_insn i = svpe_insn_new(SVPE_CONV, 0);
    SAMPLE_SET(&i, {SVPE_CONV_wfmt, SVPE_WFMT_P4}, {SVPE_CONV_src, y % 2 * 32},
               {SVPE_CONV_dr, SAMPLE_W + 2}, {SVPE_CONV_acc, y % 2 * 16}, {SVPE_CONV_rows, 1},
               {SVPE_CONV_cols, SAMPLE_W}, {SVPE_CONV_kh, 3}, {SVPE_CONV_kw, 3}, {SVPE_CONV_ib, 1},
               {SVPE_CONV_ob, SAMPLE_OUT / SAMPLE_E}, {SVPE_CONV_sy, 1}, {SVPE_CONV_sx, 1},
               {SVPE_CONV_dy, 1}, {SVPE_CONV_dx, 1});
    i.wait = (uint8_t)(1 << SVPE_QUEUE_LOAD | (y >= 2 ? 1 << SVPE_QUEUE_VEC : 0));
    i.post = (uint8_t)(1 << SVPE_QUEUE_VEC | (y < SAMPLE_H - 2 ? 1 << SVPE_QUEUE_LOAD : 0));
    return i;
}

static inline struct svpe_insn sample_requantize(int y) {
    struct svpe_insn i = svpe_insn_new(SVPE_REQ, 0);
    SAMPLE_SET(&i, {SVPE_REQ_acc, y % 2 * 16}, {SVPE_REQ_nb, 1}, {SVPE_REQ_rows, 1},
               {SVPE_REQ_cols, SAMPLE_W}, {SVPE_REQ_dst, 64 + y % 2 * 8}, {SVPE_REQ_ddr, SAMPLE_W},
               {SVPE_REQ_lo, -100}, {SVPE_REQ_hi, 127});
    i.wait = (uint8_t)(1 << SVPE_QUEUE_EXEC | (y >= 2 ? 1 << SVPE_QUEUE_STORE : 0));
    i.post = (uint8_t)(1 << SVPE_QUEUE_STORE | (y < SAMPLE_H - 2 ? 1 << SVPE_QUEUE_EXEC : 0));
    return i;
}

static inline struct svpe_insn sample_store(int y) {
    struct svpe_insn i = svpe_insn_new(SVPE_STA, 0);
    SAMPLE_SET(&i, {SVPE_BACK_region, SVPE_REGION_OUT}, {SVPE_BACK_dst, y * SAMPLE_W * SAMPLE_V},
               {SVPE_BACK_nb, 1}, {SVPE_BACK_nr, 1}, {SVPE_BACK_nc, SAMPLE_W},
               {SVPE_BACK_sr, SAMPLE_W * SAMPLE_V}, {SVPE_BACK_src, 64 + y % 2 * 8},
               {SVPE_BACK_dr, SAMPLE_W}, {SVPE_BACK_lanes, SAMPLE_V});
    i.wait = 1 << SVPE_QUEUE_VEC;
    i.post = y < SAMPLE_H - 2 ? 1 << SVPE_QUEUE_VEC : 0;
    return i;
}

/* Loads run one tile ahead in the stream, as a compiler would place them. */
static inline void sample_insns(struct sample_program *s) {
    int n = 0;
    s->insns[n++] = sample_line(SVPE_LDW, SVPE_REGION_WGT, s->program.weight_bytes);
    s->insns[n++] = sample_line(SVPE_LDP, SVPE_REGION_PAR, s->program.param_bytes);
    s->insns[n++] = sample_load(0);
    for (int y = 0; y < SAMPLE_H; y++) {
        if (y + 1 < SAMPLE_H && y < 1) s->insns[n++] = sample_load(y + 1);
        s->insns[n++] = sample_conv(y);
        if (y >= 1 && y + 1 < SAMPLE_H) s->insns[n++] = sample_load(y + 1);
        s->insns[n++] = sample_requantize(y);
        s->insns[n++] = sample_store(y);
    }
    s->insns[n++] = svpe_insn_new(SVPE_END, 0);
    assert_int_equal(n, SAMPLE_INSNS);
}

static inline void sample_encode(struct sample_program *s, struct arena *a) {
    uint8_t *code = arena_alloc(a, SAMPLE_INSNS * SVPE_MAX_BYTES);
    size_t at = 0;
    const char *bad;
    for (int n = 0; n < SAMPLE_INSNS; n++) {
        assert_true(svpe_encode(&s->insns[n], code + at, &bad));
        at += (size_t)svpe_insn_bytes(s->insns[n].op);
    }
    s->program.code = code;
    s->program.code_bytes = at;
    s->program.segments[0].code_bytes = at;
}

static inline struct svpe_tensor sample_tensor(const char *name, enum svpe_region region,
                                               enum svpe_layout layout, int channels, int exp,
                                               int zero) {
    bool plain = layout == SVPE_LAYOUT_PLAIN;
    uint64_t elements = (uint64_t)(plain ? channels : SAMPLE_V) * SAMPLE_PIXELS;
    return (struct svpe_tensor){.name = name,
                                .region = region,
                                .bytes = elements * (plain ? 4 : 1),
                                .layout = layout,
                                .dtype = plain ? "f32" : "",
                                .channels = channels,
                                .height = SAMPLE_H,
                                .width = SAMPLE_W,
                                .rank = 4,
                                .dims = {1, channels, SAMPLE_H, SAMPLE_W},
                                .bits = plain ? 32 : 8,
                                .exp = plain ? 0 : exp,
                                .zero = plain ? 0 : zero};
}

static inline struct svpe_host_value sample_value(const struct svpe_program *p, int tensor) {
    struct svpe_host_value v = {
        .name = p->tensors[tensor].name, .dtype = "f32", .rank = 4, .tensor = tensor};
    memcpy(v.dims, p->tensors[tensor].dims, sizeof v.dims);
    return v;
}

/* A softmax over the channels of tensor 1, into tensor 2. */
static inline void sample_host(struct svpe_program *p, struct arena *a) {
    p->host_value_count = 2;
    p->host_values = arena_array(a, 2, sizeof *p->host_values);
    p->host_values[0] = sample_value(p, 1);
    p->host_values[1] = sample_value(p, 2);
    p->host_list_count = 2;
    p->host_lists = arena_array(a, 2, sizeof *p->host_lists);
    p->host_lists[0] = 0, p->host_lists[1] = 1;
    p->host_attr_count = 2;
    p->host_attrs = arena_array(a, 2, sizeof *p->host_attrs);
    p->host_attrs[0] = (struct svpe_host_attr){.name = "axis", .i = 1, .s = ""};
    p->host_attrs[1] = (struct svpe_host_attr){.name = "flat", .s = ""};
    p->host_node_count = 1;
    p->host_nodes = arena_array(a, 1, sizeof *p->host_nodes);
    p->host_nodes[0] = (struct svpe_host_node){.name = "softmax",
                                               .op = "softmax",
                                               .in_count = 1,
                                               .out_first = 1,
                                               .out_count = 1,
                                               .attr_count = 2};
}

static inline void sample_tables(struct sample_program *s, struct arena *a, struct rng *r) {
    struct svpe_program *p = &s->program;
    for (size_t n = 0; n < sizeof s->table / sizeof *s->table; n++)
        s->table[n] = (int16_t)((int)rng_below(r, 256) - 128);
    p->tensor_count = 3;
    p->tensors = arena_array(a, 3, sizeof *p->tensors);
    p->tensors[0] = sample_tensor("image", SVPE_REGION_IN, SVPE_LAYOUT_BLOCKED, SAMPLE_IN,
                                  SAMPLE_EXP_IN, SAMPLE_ZERO);
    p->tensors[1] = sample_tensor("feature", SVPE_REGION_OUT, SVPE_LAYOUT_BLOCKED, SAMPLE_OUT,
                                  SAMPLE_EXP_OUT, 0);
    p->tensors[2] =
        sample_tensor("probability", SVPE_REGION_OUT, SVPE_LAYOUT_PLAIN, SAMPLE_OUT, 0, 0);
    p->tensors[2].offset = SAMPLE_MULTIPLE;
    p->input_count = 1;
    p->inputs = arena_array(a, 1, sizeof *p->inputs);
    p->inputs[0] = (struct svpe_input){.tensor = 0, .scale = 1, .std = {1, 1, 1, 1}};
    p->output_count = 2;
    p->outputs = arena_array(a, 2, sizeof *p->outputs);
    p->outputs[0] = 2;
    p->outputs[1] = 1;
    p->layer_count = 1;
    p->layers = arena_array(a, 1, sizeof *p->layers);
    p->layers[0] =
        (struct svpe_layer){.name = "first", .kind = "qconv", .place = "array", .note = ""};
    p->segment_count = 2;
    p->segments = arena_array(a, 2, sizeof *p->segments);
    p->segments[1] = (struct svpe_segment){.host = true, .node_count = 1};
    sample_host(p, a);
    p->in_bytes = SAMPLE_MULTIPLE;
    p->out_bytes = SAMPLE_MULTIPLE + SAMPLE_ELEMENTS_OUT * 4;
}

static inline void sample_make(struct sample_program *s, struct ctx *c, struct arena *a,
                               uint64_t seed) {
    struct rng r = {seed};
    *s = (struct sample_program){.program = {.name = "sample", .act_bits = 8, .schedule = ""}};
    s->program.target = svpe_target_find(c, a, "tiny");
    assert_non_null(s->program.target);
    assert_int_equal(s->program.target->lanes, SAMPLE_V);
    assert_int_equal(s->program.target->elements, SAMPLE_E);
    sample_weights(s, a, &r);
    sample_params(s, a, &r);
    sample_tables(s, a, &r);
    sample_insns(s);
    sample_encode(s, a);
}

static inline struct writer sample_bytes(const struct sample_program *s, struct arena *a) {
    struct writer w;
    writer_init(&w, a);
    svpe_write(&s->program, &w);
    return w;
}

/* The feature map for stored inputs in the model's order. */
static inline void sample_answer(const struct sample_program *s, const int16_t *in, int16_t *out) {
    for (int o = 0; o < SAMPLE_OUT; o++)
        for (int p = 0; p < SAMPLE_PIXELS; p++) {
            long sum = s->bias[o];
            for (int c = 0; c < SAMPLE_IN; c++)
                for (int k = 0; k < 9; k++) {
                    int y = p / SAMPLE_W + k / 3 - 1, x = p % SAMPLE_W + k % 3 - 1;
                    bool inside = y >= 0 && y < SAMPLE_H && x >= 0 && x < SAMPLE_W;
                    int v = inside ? in[(c * SAMPLE_H + y) * SAMPLE_W + x] : SAMPLE_ZERO;
                    sum += (long)s->weights[o][c][k / 3][k % 3] * v;
                }
            long m = (sum + (1L << (s->shift[o] - 1))) >> s->shift[o];
            out[o * SAMPLE_PIXELS + p] = (int16_t)(m < -100 ? -100 : m > 127 ? 127 : m);
        }
}

#endif
