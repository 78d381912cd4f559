/* A closed-form estimate of a layer's cycles with one tiling: per queue the work of all tiles,
 * then how far the queues overlap. Exact in bytes, but for concatenations and input channels in
 * several passes; in cycles it follows svpe_insn_cycles(), bank conflicts included where the input
 * is read (pitch.c), but for waiting.
 *
 * It only has to rank tilings; the devices' cycles come from their own model. */
#include "backend/internal.h"

/* What every instruction costs beside its work: its word is fetched, it is dispatched, queues
 * fill and drain. */
enum { INSN_BYTES = 32, ISSUE_CYCLES = 16 };

struct work { /* cycles per queue, over all tiles */
    double queue[SVPE_QUEUE_COUNT];
    double bytes; /* to and from DRAM */
};

static int64_t tiles_of(int64_t whole, int64_t tile) {
    return (whole + tile - 1) / tile;
}

static void transfer(const struct be_plan *p, struct work *w, enum svpe_queue q, double times,
                     double bytes) {
    w->bytes += bytes + times * INSN_BYTES;
    w->queue[q] += times * (double)(ISSUE_CYCLES + p->target->dram_latency) +
                   bytes / (double)p->target->dram_bytes;
}

/* Input pixels read along an axis over all its tiles, overlaps counted as often as they are read.
 * Tiles between those with padding are all alike. */
static double pixels_read(const struct be_axis *a, int tile) {
    int last = (a->out - 1) / tile * tile, first = 0;
    struct be_span s = be_span(a, last, a->out - last);
    double sum = s.count;
    for (s.before = 1; first < last && s.before > 0; first += tile) {
        s = be_span(a, first, tile);
        sum += s.count;
    }
    for (s.after = 1; last > first && s.after > 0;) {
        last -= tile;
        s = be_span(a, last, tile);
        sum += s.count;
    }
    int64_t whole = (last - first) / tile;
    return sum + (double)whole * s.total;
}

/* Inputs that each pixel of a tile has. */
static double inputs_of(const struct be_shape *s) {
    return s->kind->op == IR_OP_qinterleave ? s->part_count : 1;
}

/* How often the lines of a role are loaded, when a row of `distinct` ones is asked for `rounds`
 * times in turn. */
static double rounds_loaded(const struct be_slots *s, int64_t distinct, int64_t rounds) {
    return s->count >= distinct ? 1 : (double)rounds;
}

static void loads(const struct be_plan *p, const struct be_layer *l, const struct be_tiling *t,
                  const struct be_need *n, struct work *w) {
    const struct be_shape *s = l->shape;
    int act_bytes = p->act_bits / 8;
    double element = act_bytes, vector = element * (double)p->target->lanes;
    double spatial = (double)n->rows * n->cols;
    double pixels = pixels_read(&s->ay, t->rows) * pixels_read(&s->ax, t->cols);
    bool stem = s->x->layout == SVPE_LAYOUT_STEM;
    bool shared = l->node->op == IR_OP_qconv && s->form != SVPE_FORM_DEPTHWISE &&
                  !s->diagonal; /* one input for all channels */
    double rounds = inputs_of(s), passes = 1;
    if (shared && n->chunks > 1) {
        rounds = n->channels;
        passes = s->terms == 2 ? 2 - 1.0 / n->chunks : 1;
    } else if (shared && t->order == BE_ORDER_CHANNEL_OUTER) {
        rounds = rounds_loaded(&n->slots[BE_IN], (int64_t)spatial, n->channels);
    }
    double bytes = pixels * (stem ? element * (double)(1 << s->x->px) : vector * s->in_blocks);
    double pieces = spatial * (shared ? n->chunks : n->channels);
    transfer(p, w, SVPE_QUEUE_LOAD, pieces * rounds * passes, bytes * rounds * passes);
    if (s->b) {
        double out = s->broadcast ? spatial : (double)s->ay.out * s->ax.out;
        transfer(p, w, SVPE_QUEUE_LOAD, spatial * n->channels, out * vector * s->out_blocks);
    }
}

static void weights(const struct be_plan *p, const struct be_layer *l, const struct be_tiling *t,
                    const struct be_need *n, struct work *w) {
    const struct be_shape *s = l->shape;
    int64_t spatial = (int64_t)n->rows * n->cols;
    if (l->node->op == IR_OP_qconv) {
        int64_t pieces =
            (int64_t)n->channels * (s->terms == 2 && n->chunks > 1 ? 2 * n->chunks - 1 : n->chunks);
        int64_t blocks = s->terms * be_weight_blocks(s, be_array_blocks(p->target, s->y->channels),
                                                     s->in_blocks);
        double bytes = (double)blocks * (double)svpe_block_bytes(p->target, s->wfmt);
        bool once = t->order == BE_ORDER_CHANNEL_OUTER && n->chunks == 1;
        double rounds = once ? 1 : rounds_loaded(&n->slots[BE_WGT], pieces, spatial);
        transfer(p, w, SVPE_QUEUE_LOAD, (double)pieces * rounds, bytes * rounds);
    }
    if (s->channel_params) {
        bool once = t->order == BE_ORDER_CHANNEL_OUTER;
        double rounds = once ? 1 : rounds_loaded(&n->slots[BE_PAR], n->channels, spatial);
        double bytes = 8.0 * s->out_blocks * (double)p->target->lanes;
        transfer(p, w, SVPE_QUEUE_LOAD, n->channels * rounds, bytes * rounds);
    }
    if (s->table_dwords) transfer(p, w, SVPE_QUEUE_LOAD, 1, 8.0 * s->table_dwords);
}

static double conv_cycles(const struct be_plan *p, const struct be_layer *l,
                          const struct be_need *n, double blocks, int64_t pixels) {
    const struct be_shape *s = l->shape;
    double steps = (double)(s->terms * be_weight_blocks(s, 1, s->in_blocks)) * n->bank_cycles;
    /* Every pass writes the sums, every later one reads them, a shift stands between two terms. */
    double extra = n->chunks + (n->chunks - 1) + (s->terms - 1);
    return blocks * (double)tiles_of(pixels, p->target->columns) * (steps + extra);
}

static double vector_cycles(const struct be_plan *p, const struct be_layer *l,
                            const struct be_need *n, double blocks, int64_t pixels) {
    const struct be_shape *s = l->shape;
    enum ir_op op = l->node->op;
    double lanes = (double)(op == IR_OP_qlut ? p->target->table_lanes : p->target->vector_lanes);
    double taps = op == IR_OP_qmaxpool || op == IR_OP_qavgpool ? (double)s->kh * s->kw : 1;
    if (op == IR_OP_qconcat || op == IR_OP_qinterleave) return 0;
    if (op != IR_OP_qconv) taps *= n->bank_cycles;
    return blocks * (double)pixels * (double)p->target->lanes / lanes * taps;
}

static void issue(struct work *w, enum svpe_queue q, double times, double cycles) {
    w->bytes += times * INSN_BYTES;
    w->queue[q] += times * (ISSUE_CYCLES + cycles);
}

/* Both sizes that tiles have along an axis, and how many of each. */
struct sizes {
    int size[2], count[2];
};
static struct sizes sizes_of(int whole, int tile) {
    int rest = whole % tile;
    return (struct sizes){{tile, rest}, {whole / tile, rest != 0}};
}

static void compute(const struct be_plan *p, const struct be_layer *l, const struct be_tiling *t,
                    const struct be_need *n, struct work *w) {
    const struct be_shape *s = l->shape;
    struct sizes rows = sizes_of(s->ay.out, t->rows), cols = sizes_of(s->ax.out, t->cols);
    double array = be_array_blocks(p->target, s->y->channels);
    for (int r = 0; r < 2; r++)
        for (int k = 0; k < 2; k++) {
            double count = (double)rows.count[r] * cols.count[k];
            int64_t pixels = (int64_t)rows.size[r] * cols.size[k];
            if (count == 0) continue;
            double tiles = count * n->channels;
            if (l->node->op == IR_OP_qconv)
                issue(w, SVPE_QUEUE_EXEC, tiles * n->chunks,
                      conv_cycles(p, l, n, array, pixels) / (n->channels * n->chunks));
            issue(w, SVPE_QUEUE_VEC, tiles,
                  vector_cycles(p, l, n, s->out_blocks, pixels) / n->channels);
        }
}

static void stores(const struct be_plan *p, const struct be_layer *l, const struct be_need *n,
                   struct work *w) {
    const struct be_shape *s = l->shape;
    int outs = (s->y->output ? 1 : 0) + (s->y->last >= 0 ? 1 : 0), act_bytes = p->act_bits / 8;
    double copies = outs * inputs_of(s);
    double bytes =
        (double)s->ay.out * s->ax.out * s->out_blocks * (double)p->target->lanes * act_bytes;
    transfer(p, w, SVPE_QUEUE_STORE, (double)n->rows * n->cols * n->channels * copies,
             bytes * copies);
}

struct be_cost be_tiling_cost(const struct be_plan *p, const struct be_layer *l,
                              const struct be_tiling *t, const struct be_need *n) {
    struct work w = {0};
    loads(p, l, t, n, &w);
    weights(p, l, t, n, &w);
    compute(p, l, t, n, &w);
    stores(p, l, n, &w);
    double sum = 0, longest = w.bytes / (double)p->target->dram_bytes;
    const char *limit = "dram";
    for (int q = 0; q < SVPE_QUEUE_COUNT; q++) {
        sum += w.queue[q];
        if (w.queue[q] <= longest) continue;
        longest = w.queue[q];
        limit = svpe_queue_name((enum svpe_queue)q);
    }
    int tiles = n->rows * n->cols * n->channels;
    /* Overlapped, the first tile still passes through all queues one after the other. */
    double cycles = t->double_buffer ? longest + (sum - longest) / tiles : sum;
    return (struct be_cost){
        .cycles = cycles, .bytes = (int64_t)w.bytes, .tiles = tiles * n->chunks, .limit = limit};
}
