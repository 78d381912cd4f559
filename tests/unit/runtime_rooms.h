/* A program by hand with host nodes between and behind two device segments: the sample's
 * convolution twice, the second time of what the host has made of the first one's result. Values
 * live across the second device segment, inputs and outputs are of several types. And its answer by
 * plain loops. */
#ifndef NBQ_TESTS_UNIT_RUNTIME_ROOMS_H
#define NBQ_TESTS_UNIT_RUNTIME_ROOMS_H

#include "runtime_sample.h"

#include <math.h>

enum {
    ROOMS_PICKS = 3,
    ROOMS_PICKED = ROOMS_PICKS * SAMPLE_PIXELS,
    ROOMS_SECOND_AT = SAMPLE_MULTIPLE, /* in region work */
    ROOMS_PICKS_AT = SAMPLE_MULTIPLE,  /* in region in */
    ROOMS_SUM_AT = SAMPLE_MULTIPLE,    /* in region out */
    ROOMS_FLAG_AT = ROOMS_SUM_AT + 8 * ROOMS_PICKED,
    ROOMS_SHARE_AT = ROOMS_FLAG_AT + ROOMS_PICKED + 2,
    ROOMS_OUT_BYTES = ROOMS_SHARE_AT + 4 * ROOMS_PICKED,
    ROOMS_NODES = 10,
};
enum rooms_tensor {
    ROOMS_IMAGE,
    ROOMS_FEATURE,
    ROOMS_SECOND,
    ROOMS_RESULT,
    ROOMS_PICK,
    ROOMS_SUM,
    ROOMS_FLAG,
    ROOMS_SHARE,
    ROOMS_TENSORS
};

struct rooms {
    struct sample_program s;
    struct svpe_program *p; /* s.program */
    struct arena *a;
    struct writer data;
    float factors[SAMPLE_OUT], offset;
};

/* ---- Building ---- */

static inline int rooms_value(struct rooms *r, const char *name, const char *type, int tensor,
                              int rank, const int64_t *dims) {
    struct svpe_host_value v = {.name = name, .dtype = type, .rank = rank, .tensor = tensor};
    if (rank > 0) memcpy(v.dims, dims, (size_t)rank * sizeof *dims);
    r->p->host_values[r->p->host_value_count] = v;
    return r->p->host_value_count++;
}

static inline int rooms_map(struct rooms *r, const char *name, const char *type, int tensor,
                            int channels) {
    return rooms_value(r, name, type, tensor, 4, (int64_t[]){1, channels, SAMPLE_H, SAMPLE_W});
}

static inline int rooms_const(struct rooms *r, const char *name, const char *type, int rank,
                              const int64_t *dims, const void *data, size_t bytes) {
    int v = rooms_value(r, name, type, -1, rank, dims);
    write_align(&r->data, 64);
    r->p->host_values[v].at = r->data.size;
    r->p->host_values[v].bytes = bytes;
    write_bytes(&r->data, data, bytes);
    return v;
}

static inline int rooms_ints(struct rooms *r, const char *name, int64_t v) {
    return rooms_const(r, name, "i64", 1, (int64_t[]){1}, &v, sizeof v);
}

static inline void rooms_list(struct rooms *r, const int *values, int count, int *first,
                              int *length) {
    *first = r->p->host_list_count;
    *length = count;
    for (int n = 0; n < count; n++) r->p->host_lists[r->p->host_list_count++] = values[n];
}

#define ROOMS_LIST(...)                                                                            \
    (const int[]){__VA_ARGS__}, (int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

static inline void rooms_node(struct rooms *r, const char *op, const int *in, int ins,
                              const int *out, int outs) {
    struct svpe_host_node *h = &r->p->host_nodes[r->p->host_node_count++];
    *h = (struct svpe_host_node){.name = r->p->host_values[out[0]].name, .op = op};
    rooms_list(r, in, ins, &h->in_first, &h->in_count);
    rooms_list(r, out, outs, &h->out_first, &h->out_count);
    h->attr_first = r->p->host_attr_count;
}

/* Of the newest node. */
static inline void rooms_attr(struct rooms *r, struct svpe_host_attr a) {
    if (!a.s) a.s = "";
    r->p->host_attrs[r->p->host_attr_count++] = a;
    r->p->host_nodes[r->p->host_node_count - 1].attr_count++;
}

static inline struct svpe_tensor rooms_plain(const char *name, enum svpe_region region,
                                             const char *type, int bits, int channels, int pixels,
                                             uint64_t offset) {
    struct svpe_tensor t = {.name = name,
                            .region = region,
                            .offset = offset,
                            .layout = SVPE_LAYOUT_PLAIN,
                            .dtype = type,
                            .channels = channels,
                            .height = 1,
                            .width = pixels,
                            .bits = bits};
    t.bytes = (uint64_t)channels * (uint64_t)pixels * (uint64_t)(bits / 8);
    t.rank = pixels == 1 ? 1 : 2;
    t.dims[0] = channels;
    if (pixels > 1) t.dims[1] = pixels;
    return t;
}

static inline void rooms_tensors(struct rooms *r) {
    struct svpe_program *p = r->p;
    struct svpe_tensor *t = arena_array(r->a, ROOMS_TENSORS, sizeof *t);
    t[ROOMS_IMAGE] = p->tensors[0];
    t[ROOMS_FEATURE] = sample_tensor("feature", SVPE_REGION_WORK, SVPE_LAYOUT_BLOCKED, SAMPLE_OUT,
                                     SAMPLE_EXP_OUT, 0);
    t[ROOMS_SECOND] = sample_tensor("second", SVPE_REGION_WORK, SVPE_LAYOUT_BLOCKED, SAMPLE_IN,
                                    SAMPLE_EXP_IN, SAMPLE_ZERO);
    t[ROOMS_SECOND].offset = ROOMS_SECOND_AT;
    t[ROOMS_RESULT] = sample_tensor("result", SVPE_REGION_OUT, SVPE_LAYOUT_BLOCKED, SAMPLE_OUT,
                                    SAMPLE_EXP_OUT, 0);
    t[ROOMS_PICK] = rooms_plain("picks", SVPE_REGION_IN, "i64", 64, ROOMS_PICKS, 1, ROOMS_PICKS_AT);
    t[ROOMS_SUM] =
        rooms_plain("whole", SVPE_REGION_OUT, "i64", 64, ROOMS_PICKS, SAMPLE_PIXELS, ROOMS_SUM_AT);
    t[ROOMS_FLAG] =
        rooms_plain("flag", SVPE_REGION_OUT, "bool", 8, ROOMS_PICKS, SAMPLE_PIXELS, ROOMS_FLAG_AT);
    t[ROOMS_SHARE] = rooms_plain("share", SVPE_REGION_OUT, "f32", 32, ROOMS_PICKS, SAMPLE_PIXELS,
                                 ROOMS_SHARE_AT);
    p->tensors = t;
    p->tensor_count = ROOMS_TENSORS;
    p->work_bytes = ROOMS_SECOND_AT + SAMPLE_MULTIPLE;
    p->in_bytes = ROOMS_PICKS_AT + 8 * ROOMS_PICKS;
    p->out_bytes = ROOMS_OUT_BYTES;
}

static inline void rooms_ends(struct rooms *r) {
    struct svpe_program *p = r->p;
    p->input_count = 2;
    p->inputs = arena_array(r->a, 2, sizeof *p->inputs);
    p->inputs[0] = (struct svpe_input){.tensor = ROOMS_IMAGE, .scale = 1, .std = {1, 1, 1, 1}};
    p->inputs[1] = (struct svpe_input){.tensor = ROOMS_PICK, .scale = 1, .std = {1, 1, 1, 1}};
    p->output_count = 4;
    p->outputs = arena_array(r->a, 4, sizeof *p->outputs);
    p->outputs[0] = ROOMS_SHARE;
    p->outputs[1] = ROOMS_SUM;
    p->outputs[2] = ROOMS_FLAG;
    p->outputs[3] = ROOMS_RESULT;
}

/* The first convolution stores into work; the second one takes its input from there. */
static inline void rooms_code(struct rooms *r) {
    struct svpe_program *p = r->p;
    uint8_t *code = arena_alloc(r->a, 2 * SAMPLE_INSNS * SVPE_MAX_BYTES);
    size_t at = 0, first = 0;
    const char *bad;
    for (int n = 0; n < 2 * SAMPLE_INSNS; n++) {
        struct svpe_insn i = r->s.insns[n % SAMPLE_INSNS];
        bool second = n >= SAMPLE_INSNS;
        if (n == SAMPLE_INSNS) first = at;
        if (i.op == SVPE_STA && !second) svpe_set(&i, SVPE_BACK_region, SVPE_REGION_WORK);
        if (i.op == SVPE_LDA && second) {
            svpe_set(&i, SVPE_TILE_region, SVPE_REGION_WORK);
            svpe_set(&i, SVPE_TILE_src, svpe_get(&i, SVPE_TILE_src) + ROOMS_SECOND_AT);
        }
        assert_true(svpe_encode(&i, code + at, &bad));
        at += (size_t)svpe_insn_bytes(i.op);
    }
    p->code = code;
    p->code_bytes = at;
    p->segment_count = 4;
    p->segments = arena_array(r->a, 4, sizeof *p->segments);
    p->segments[0] = (struct svpe_segment){.code_bytes = first};
    p->segments[1] = (struct svpe_segment){.host = true, .node_count = 4};
    p->segments[2] = (struct svpe_segment){.code_offset = first, .code_bytes = at - first};
    p->segments[3] =
        (struct svpe_segment){.host = true, .first_node = 4, .node_count = ROOMS_NODES - 4};
}

/* Before the second convolution: second = (feature·factors)[:, 1:6] − offset, and some channels for
 * later. */
static inline int rooms_between(struct rooms *r, int start) {
    int feature = rooms_map(r, "feature", "f32", ROOMS_FEATURE, SAMPLE_OUT);
    int factors = rooms_const(r, "factors", "f32", 4, (int64_t[]){1, SAMPLE_OUT, 1, 1}, r->factors,
                              sizeof r->factors);
    int offset = rooms_const(r, "offset", "f32", 0, NULL, &r->offset, sizeof r->offset);
    int scaled = rooms_map(r, "scaled", "f32", -1, SAMPLE_OUT);
    int cut = rooms_map(r, "cut", "f32", -1, SAMPLE_IN);
    int second = rooms_map(r, "second", "f32", ROOMS_SECOND, SAMPLE_IN);
    int picks = rooms_value(r, "picks", "i64", ROOMS_PICK, 1, (int64_t[]){ROOMS_PICKS});
    int picked = rooms_map(r, "picked", "f32", -1, ROOMS_PICKS);
    rooms_node(r, "mul", ROOMS_LIST(feature, factors), &scaled, 1);
    rooms_node(r, "slice", ROOMS_LIST(scaled, start, rooms_ints(r, "six", 6), start, -1), &cut, 1);
    rooms_node(r, "sub", ROOMS_LIST(cut, offset), &second, 1);
    rooms_node(r, "gather", ROOMS_LIST(scaled, picks), &picked, 1);
    rooms_attr(r, (struct svpe_host_attr){.name = "axis", .i = 1});
    return picked;
}

/* Behind it: the picked channels and the first ones of its result. */
static inline void rooms_behind(struct rooms *r, int start, int picked) {
    const int64_t turn[] = {0, 2, 3, 1}, *turned_dims = (int64_t[]){1, SAMPLE_H, SAMPLE_W, 3};
    int result = rooms_map(r, "result", "f32", ROOMS_RESULT, SAMPLE_OUT);
    int first = rooms_map(r, "first", "f32", -1, ROOMS_PICKS);
    int sum = rooms_map(r, "sum", "f32", -1, ROOMS_PICKS);
    int share = rooms_map(r, "share", "f32", ROOMS_SHARE, ROOMS_PICKS);
    int whole = rooms_map(r, "whole", "i64", ROOMS_SUM, ROOMS_PICKS);
    int turned = rooms_value(r, "turned", "i64", -1, 4, turned_dims);
    int flag = rooms_value(r, "flag", "bool", ROOMS_FLAG, 4, turned_dims);
    int end = rooms_ints(r, "four", 1 + ROOMS_PICKS);
    rooms_node(r, "slice", ROOMS_LIST(result, start, end, start, start), &first, 1);
    rooms_node(r, "add", ROOMS_LIST(picked, first), &sum, 1);
    rooms_node(r, "softmax", &sum, 1, &share, 1);
    rooms_attr(r, (struct svpe_host_attr){.name = "axis", .i = 1});
    rooms_node(r, "cast", &sum, 1, &whole, 1);
    rooms_attr(r, (struct svpe_host_attr){.name = "to", .kind = SVPE_ATTR_STRING, .s = "i64"});
    rooms_node(r, "transpose", &whole, 1, &turned, 1);
    rooms_attr(
        r, (struct svpe_host_attr){
               .name = "perm", .kind = SVPE_ATTR_INTS, .first = r->p->host_list_count, .count = 4});
    for (int n = 0; n < 4; n++) r->p->host_lists[r->p->host_list_count++] = turn[n];
    rooms_node(r, "cast", &turned, 1, &flag, 1);
    rooms_attr(r, (struct svpe_host_attr){.name = "to", .kind = SVPE_ATTR_STRING, .s = "bool"});
}

static inline void rooms_make(struct rooms *r, struct ctx *c, struct arena *a, uint64_t seed) {
    struct rng rng = {seed};
    *r = (struct rooms){.a = a};
    r->p = &r->s.program;
    sample_make(&r->s, c, a, seed);
    for (int n = 0; n < SAMPLE_OUT; n++) r->factors[n] = (float)(0.2 + 0.6 * rng_unit(&rng));
    r->offset = (float)-rng_unit(&rng);
    writer_init(&r->data, a);
    r->p->host_values = arena_array(a, 24, sizeof *r->p->host_values);
    r->p->host_nodes = arena_array(a, ROOMS_NODES + 2, sizeof *r->p->host_nodes);
    r->p->host_attrs = arena_array(a, 12, sizeof *r->p->host_attrs);
    r->p->host_lists = arena_array(a, 64, sizeof *r->p->host_lists);
    r->p->host_value_count = r->p->host_node_count = 0;
    r->p->host_attr_count = r->p->host_list_count = 0;
    rooms_tensors(r);
    rooms_ends(r);
    rooms_code(r);
    int one = rooms_ints(r, "one", 1);
    rooms_behind(r, one, rooms_between(r, one));
    assert_int_equal(r->p->host_node_count, ROOMS_NODES);
    r->p->host_data = r->data.data;
    r->p->host_data_bytes = r->data.size;
}

static inline struct writer rooms_bytes(const struct rooms *r) {
    struct writer w;
    writer_init(&w, r->a);
    svpe_write(r->p, &w);
    return w;
}

/* ---- The answer ---- */

struct rooms_answer {
    float share[ROOMS_PICKED];
    int64_t whole[ROOMS_PICKED];
    uint8_t flag[ROOMS_PICKED];
    int16_t result[SAMPLE_ELEMENTS_OUT];
};

static inline float rooms_real(int stored, int zero, int exp) {
    return (float)ldexp(stored - zero, exp);
}

static inline int16_t rooms_stored(float x) {
    double v = nearbyint(ldexp((double)x, -SAMPLE_EXP_IN)) + SAMPLE_ZERO;
    return (int16_t)(v < -128 ? -128 : v > 127 ? 127 : v);
}

static inline void rooms_shares(const float *sum, int pixel, float *share) {
    long double all = 0;
    for (int c = 0; c < ROOMS_PICKS; c++) all += expl((long double)sum[c * SAMPLE_PIXELS + pixel]);
    for (int c = 0; c < ROOMS_PICKS; c++) {
        int n = c * SAMPLE_PIXELS + pixel;
        share[n] = (float)(expl((long double)sum[n]) / all);
    }
}

static inline void rooms_answer(const struct rooms *r, const int16_t *in, const int64_t *picks,
                                struct rooms_answer *out) {
    int16_t feature[SAMPLE_ELEMENTS_OUT], second[SAMPLE_ELEMENTS_IN];
    float scaled[SAMPLE_ELEMENTS_OUT], sum[ROOMS_PICKED];
    sample_answer(&r->s, in, feature);
    for (int n = 0; n < SAMPLE_ELEMENTS_OUT; n++)
        scaled[n] = rooms_real(feature[n], 0, SAMPLE_EXP_OUT) * r->factors[n / SAMPLE_PIXELS];
    for (int n = 0; n < SAMPLE_ELEMENTS_IN; n++)
        second[n] = rooms_stored(scaled[SAMPLE_PIXELS + n] - r->offset);
    sample_answer(&r->s, second, out->result);
    for (int n = 0; n < ROOMS_PICKED; n++) {
        int c = n / SAMPLE_PIXELS, pixel = n % SAMPLE_PIXELS;
        int64_t pick = picks[c] < 0 ? picks[c] + SAMPLE_OUT : picks[c];
        sum[n] = scaled[pick * SAMPLE_PIXELS + pixel] +
                 rooms_real(out->result[SAMPLE_PIXELS + n], 0, SAMPLE_EXP_OUT);
        out->whole[n] = (int64_t)sum[n];
        out->flag[pixel * ROOMS_PICKS + c] = out->whole[n] != 0;
    }
    for (int pixel = 0; pixel < SAMPLE_PIXELS; pixel++) rooms_shares(sum, pixel, out->share);
}

#endif
