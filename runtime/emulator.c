/* The emulator: executes a verified program on byte-exact copies of the device's buffers. It keeps
 * no time and no queues: the stream's own order is one that the tokens allow, which the loader has
 * checked, and shuffled runs (tests) take another such order. On-chip buffers hold zeros when a
 * segment starts, so that a run depends on nothing before it.
 *
 * Instructions: emulator_dma.c, emulator_conv.c, emulator_vector.c. */
#include "runtime/emulator.h"

#include <string.h>

static rt_execute_fn *const execute[SVPE_FORMAT_COUNT] = {
    [SVPE_FORMAT_LINE] = rt_do_line,       [SVPE_FORMAT_TILE] = rt_do_load_tile,
    [SVPE_FORMAT_BACK] = rt_do_store_tile, [SVPE_FORMAT_CONV] = rt_do_conv,
    [SVPE_FORMAT_REQ] = rt_do_requantize,  [SVPE_FORMAT_PAIR] = rt_do_pair,
    [SVPE_FORMAT_MAP] = rt_do_map,         [SVPE_FORMAT_WIN] = rt_do_window,
};

void rt_emulator_execute(struct rt_emulator *e, const struct svpe_insn *i) {
    rt_execute_fn *f = execute[svpe_op_info(i->op)->format];
    if (f) f(e, i); /* end and sync move no data */
}

void rt_load_elements(const struct rt_emulator *e, size_t element, int count, int32_t *out) {
    const uint8_t *from = e->act + element * (size_t)e->act_bytes;
    if (e->act_bytes == 1)
        for (int n = 0; n < count; n++) out[n] = (int8_t)from[n];
    else
        for (int n = 0; n < count; n++) out[n] = (int16_t)(from[2 * n] | from[2 * n + 1] << 8);
}

void rt_store_elements(struct rt_emulator *e, size_t element, int count, const int32_t *values) {
    uint8_t *to = e->act + element * (size_t)e->act_bytes;
    if (e->act_bytes == 1) {
        for (int n = 0; n < count; n++) to[n] = (uint8_t)values[n];
    } else {
        for (int n = 0; n < count; n++) {
            to[2 * n] = (uint8_t)values[n];
            to[2 * n + 1] = (uint8_t)((uint32_t)values[n] >> 8);
        }
    }
}

/* ---- Running a segment ---- */

struct stream {
    const struct svpe_insn *insns;
    int count;
};

static struct stream stream_of(const struct rt_emulator *e, int segment) {
    int first = e->image->segment_first[segment];
    return (struct stream){e->image->insns + first, e->image->segment_first[segment + 1] - first};
}

static void run_in_order(struct rt_emulator *e, struct stream s) {
    for (int n = 0; n < s.count; n++) rt_emulator_execute(e, &s.insns[n]);
}

/* Four queues that take instructions from the stream, each in its order, and tokens between
 * them. */
struct queues {
    int next[SVPE_QUEUE_COUNT]; /* index of the queue's next instruction; count: none left */
    uint8_t
        owed[SVPE_QUEUE_COUNT]; /* tokens that its last instruction has yet to give: counter full */
    int tokens[SVPE_QUEUE_COUNT][SVPE_QUEUE_COUNT]; /* [from][to] */
    int limit;
};

static int next_of(const struct stream *s, enum svpe_queue q, int from) {
    while (from < s->count && s->insns[from].queue != q) from++;
    return from;
}

static void give_tokens(struct queues *qs, int from) {
    for (int to = 0; to < SVPE_QUEUE_COUNT; to++)
        if ((qs->owed[from] >> to & 1) && qs->tokens[from][to] < qs->limit) {
            qs->tokens[from][to]++;
            qs->owed[from] &= (uint8_t) ~(1u << to);
        }
}

static bool ready(const struct queues *qs, const struct stream *s, int q) {
    if (qs->next[q] >= s->count || qs->owed[q]) return false;
    uint8_t wait = s->insns[qs->next[q]].wait;
    for (int from = 0; from < SVPE_QUEUE_COUNT; from++)
        if ((wait >> from & 1) && qs->tokens[from][q] == 0) return false;
    return true;
}

static void step(struct rt_emulator *e, struct queues *qs, const struct stream *s, int q) {
    const struct svpe_insn *i = &s->insns[qs->next[q]];
    for (int from = 0; from < SVPE_QUEUE_COUNT; from++)
        if (i->wait >> from & 1) qs->tokens[from][q]--;
    rt_emulator_execute(e, i);
    qs->owed[q] = i->post;
    qs->next[q] = next_of(s, (enum svpe_queue)q, qs->next[q] + 1);
}

static void run_shuffled(struct rt_emulator *e, struct stream s) {
    struct queues qs = {.limit = (int)e->image->machine.target->tokens};
    for (int q = 0; q < SVPE_QUEUE_COUNT; q++) qs.next[q] = next_of(&s, (enum svpe_queue)q, 0);
    for (;;) {
        int able[SVPE_QUEUE_COUNT], n = 0;
        for (int q = 0; q < SVPE_QUEUE_COUNT; q++) give_tokens(&qs, q);
        for (int q = 0; q < SVPE_QUEUE_COUNT; q++)
            if (ready(&qs, &s, q)) able[n++] = q;
        if (n == 0) break;
        step(e, &qs, &s, able[rng_below(&e->order, (uint32_t)n)]);
    }
    for (int q = 0; q < SVPE_QUEUE_COUNT; q++)
        if (qs.next[q] < s.count || qs.owed[q]) e->error = "the queues wait for each other";
}

static bool emulator_run(struct rt_device *d, int segment) {
    struct rt_emulator *e = (struct rt_emulator *)d;
    e->error = NULL;
    memset(e->act, 0, e->act_size);
    memset(e->wgt, 0, e->wgt_size);
    memset(e->par, 0, e->par_size);
    memset(e->acc, 0, e->acc_size);
    if (e->shuffle)
        run_shuffled(e, stream_of(e, segment));
    else
        run_in_order(e, stream_of(e, segment));
    return e->error == NULL;
}

/* ---- Opening ---- */

static void open_buffers(struct rt_emulator *e, struct arena *a) {
    const struct svpe_target *t = e->image->machine.target;
    e->act_size = (size_t)svpe_act_vectors(t, e->act_bits) * (size_t)(e->lanes * e->act_bytes);
    e->wgt_size = (size_t)svpe_wgt_dwords(t) * 8;
    e->par_size = (size_t)svpe_par_dwords(t) * 8;
    e->acc_size = (size_t)svpe_acc_entries(t) * (size_t)e->elements * sizeof *e->acc;
    e->act = arena_alloc(a, e->act_size);
    e->wgt = arena_alloc(a, e->wgt_size);
    e->par = arena_alloc(a, e->par_size);
    e->acc = arena_alloc(a, e->acc_size);
}

static void open_regions(struct rt_emulator *e, struct arena *a) {
    static const enum svpe_region writable[] = {SVPE_REGION_WORK, SVPE_REGION_IN, SVPE_REGION_OUT};
    e->source[SVPE_REGION_WGT] = e->image->program->weights;
    e->source[SVPE_REGION_PAR] = e->image->program->params;
    for (size_t n = 0; n < sizeof writable / sizeof *writable; n++) {
        enum svpe_region r = writable[n];
        e->dram[r] = arena_alloc(a, e->image->machine.region_bytes[r]);
        e->source[r] = e->dram[r];
    }
}

static void open_scratch(struct rt_emulator *e, struct arena *a) {
    size_t pixels = 1, cols = 1;
    for (int n = 0; n < e->image->insn_count; n++) {
        const struct svpe_insn *i = &e->image->insns[n];
        if (i->op != SVPE_CONV) continue;
        if (rt_conv_pixels(i) > pixels) pixels = rt_conv_pixels(i);
        size_t c = (size_t)svpe_get(i, SVPE_CONV_cols);
        if (c > cols) cols = c;
    }
    size_t V = (size_t)e->lanes, stride = (size_t)e->stride;
    size_t depthwise = (size_t)e->gather * stride;
    e->taps = arena_array(a, cols * (depthwise > V ? depthwise : V), sizeof *e->taps);
    e->weights = arena_array(a, V * stride, sizeof *e->weights);
    e->codes = arena_array(a, V * (size_t)e->elements + RT_CODES, sizeof *e->codes);
    e->row = arena_array(a, cols * stride, sizeof *e->row);
    if (e->acc_bits == 32)
        e->sums32 = arena_array(a, pixels * stride, sizeof *e->sums32);
    else
        e->sums64 = arena_array(a, pixels * stride, sizeof *e->sums64);
}

/* Codes that the format refuses get 0; the loader lets none through. */
static void open_values(struct rt_emulator *e) {
    for (int f = 0; f < SVPE_WFMT_COUNT; f++) {
        int bits = svpe_wfmt_info((enum svpe_wfmt)f)->bits;
        for (unsigned byte = 0; byte < 256 && bits <= 8; byte++)
            for (int n = 0; n < 8 / bits; n++) {
                int value = 0;
                unsigned code = byte >> (n * bits) & ((1u << bits) - 1);
                bool good = svpe_wvalue((enum svpe_wfmt)f, code, &value);
                e->value[f][byte][n] = good ? (int16_t)value : 0;
            }
    }
}

static struct rt_device *emulator_open(struct ctx *c, struct arena *a,
                                       const struct rt_image *image) {
    (void)c;
    const struct svpe_target *t = image->machine.target;
    struct rt_emulator *e = arena_alloc(a, sizeof *e);
    e->device.ops = &rt_emulator_ops;
    e->image = image;
    e->lanes = (int)t->lanes;
    e->elements = (int)t->elements;
    e->gather = (int)t->gather;
    e->act_bits = image->machine.act_bits;
    e->act_bytes = e->act_bits / 8;
    e->acc_bits = (int)t->acc_bits;
    e->act_zero = -((int32_t)1 << (e->act_bits - 1));
    e->stride = (e->elements + RT_GROUP - 1) / RT_GROUP * RT_GROUP;
    e->mac = rt_mac_kernel();
    open_values(e);
    open_buffers(e, a);
    open_regions(e, a);
    open_scratch(e, a);
    return &e->device;
}

static uint8_t *emulator_region(struct rt_device *d, enum svpe_region r) {
    return ((struct rt_emulator *)d)->dram[r];
}

static const char *emulator_error(const struct rt_device *d) {
    const struct rt_emulator *e = (const struct rt_emulator *)d;
    return e->error ? e->error : "";
}

static void emulator_close(struct rt_device *d) {
    (void)d; /* all of it is in the arena */
}

void rt_emulator_shuffle(struct rt_device *d, uint64_t seed) {
    struct rt_emulator *e = (struct rt_emulator *)d;
    e->shuffle = true;
    e->order.state = seed;
}

const struct rt_device_ops rt_emulator_ops = {
    .name = "emulator",
    .meaning = "executes the instructions bit for bit on this computer, without timing",
    .open = emulator_open,
    .region = emulator_region,
    .run = emulator_run,
    .error = emulator_error,
    .close = emulator_close,
};
