/* Happens-before over tokens: what the tokens of a program order, and whether that is enough.
 *
 * The rules. A queue runs its instructions one after the other. For every ordered pair of queues
 * there is a counter; the k-th wait of queue c on queue p takes the k-th token that p posts to c. A
 * post on a counter that holds T tokens (the target's) blocks until the wait T tokens earlier has
 * taken its own. Tokens are taken before an instruction starts and given when it is done, each on
 * its own: nothing is assumed about the order among the waits, or among the posts, of one
 * instruction. Nor is anything assumed about how long an instruction takes.
 *
 * Two accesses of different instructions race when they share a byte, one writes, and these rules
 * do not say which comes first. All edges lead forward in the stream, once svpe_check_tokens()
 * holds; so one pass over it with vector clocks decides, with the last reader and the last writer
 * per queue of every granule of memory.
 *
 * On purpose this shares no code with the compiler's own derivation of dependencies, but for
 * svpe_footprint(): what an instruction touches. tests/unit/runtime_footprint_test.c is the
 * independent check of that.
 */
#include "isa/isa.h"

#include <string.h>

enum { QUEUES = SVPE_QUEUE_COUNT, LARGEST_GRANULE = 4096 };

/* ---- Tokens ---- */

/* The n-th (from 0) instruction that posts on, or waits for, a counter; −1 when there are fewer. */
static int nth_user(const struct svpe_insn *insns, int count, enum svpe_queue from,
                    enum svpe_queue to, bool post, uint64_t n) {
    for (int i = 0; i < count; i++) {
        bool uses = post ? insns[i].queue == from && (insns[i].post >> to & 1)
                         : insns[i].queue == to && (insns[i].wait >> from & 1);
        if (uses && n-- == 0) return i;
    }
    return -1;
}

struct counter {
    uint64_t posts, waits;
};

static bool fault(struct svpe_fault *out, enum svpe_fault_kind kind, int first, int second,
                  int from, int to) {
    *out = (struct svpe_fault){.kind = kind,
                               .first = first,
                               .second = second,
                               .from = (enum svpe_queue)from,
                               .to = (enum svpe_queue)to};
    return false;
}

static bool take_tokens(struct counter counters[QUEUES][QUEUES], const struct svpe_insn *insns,
                        int count, int at, struct svpe_fault *out) {
    enum svpe_queue to = insns[at].queue;
    for (int from = 0; from < QUEUES; from++) {
        struct counter *n = &counters[from][to];
        if (!(insns[at].wait >> from & 1)) continue;
        if (n->waits == n->posts) {
            int late = nth_user(insns, count, (enum svpe_queue)from, to, true, n->waits);
            return fault(out, SVPE_FAULT_DEADLOCK, at, late, from, (int)to);
        }
        n->waits++;
    }
    return true;
}

static bool give_tokens(struct counter counters[QUEUES][QUEUES], uint64_t capacity,
                        const struct svpe_insn *insns, int count, int at, struct svpe_fault *out) {
    enum svpe_queue from = insns[at].queue;
    for (int to = 0; to < QUEUES; to++) {
        struct counter *n = &counters[from][to];
        if (!(insns[at].post >> to & 1)) continue;
        if (n->posts - n->waits >= capacity) {
            int late = nth_user(insns, count, from, (enum svpe_queue)to, false, n->waits);
            return fault(out, SVPE_FAULT_DEADLOCK, at, late, (int)from, to);
        }
        n->posts++;
    }
    return true;
}

bool svpe_check_tokens(const struct svpe_machine *m, const struct svpe_insn *insns, int count,
                       struct svpe_fault *out) {
    struct counter counters[QUEUES][QUEUES] = {0};
    *out = (struct svpe_fault){.kind = SVPE_FAULT_NONE, .first = -1, .second = -1};
    for (int i = 0; i < count; i++)
        if (!take_tokens(counters, insns, count, i, out) ||
            !give_tokens(counters, (uint64_t)m->target->tokens, insns, count, i, out))
            return false;
    for (int from = 0; from < QUEUES; from++)
        for (int to = 0; to < QUEUES; to++) {
            struct counter n = counters[from][to];
            if (n.posts == n.waits) continue;
            int post =
                nth_user(insns, count, (enum svpe_queue)from, (enum svpe_queue)to, true, n.waits);
            return fault(out, SVPE_FAULT_LEFTOVER, post, -1, from, to);
        }
    return true;
}

/* ---- Clocks ---- */

/* How many instructions of each queue are known to be done. */
struct clock {
    uint32_t done[QUEUES];
};

static void clock_join(struct clock *a, const struct clock *b) {
    for (int q = 0; q < QUEUES; q++)
        if (b->done[q] > a->done[q]) a->done[q] = b->done[q];
}

/* The clocks of the last T posts and waits of a counter: no later event needs older ones. */
struct channel {
    struct clock *posted, *taken;
    uint64_t posts, waits;
};

struct clocks {
    uint64_t capacity;
    struct channel channel[QUEUES][QUEUES];
    struct clock end[QUEUES]; /* after the queue's last instruction so far, its posts included */
};

static void clocks_init(struct clocks *k, struct arena *a, const struct svpe_target *t) {
    memset(k, 0, sizeof *k);
    k->capacity = (uint64_t)t->tokens;
    for (int from = 0; from < QUEUES; from++)
        for (int to = 0; to < QUEUES; to++) {
            k->channel[from][to].posted = arena_array(a, (size_t)k->capacity, sizeof(struct clock));
            k->channel[from][to].taken = arena_array(a, (size_t)k->capacity, sizeof(struct clock));
        }
}

/* What is done when the instruction starts. */
static struct clock clocks_start(struct clocks *k, const struct svpe_insn *i) {
    struct clock start = k->end[i->queue];
    for (int from = 0; from < QUEUES; from++) {
        if (!(i->wait >> from & 1)) continue;
        struct channel *c = &k->channel[from][i->queue];
        uint64_t slot = c->waits++ % k->capacity;
        c->taken[slot] = k->end[i->queue]; /* who posted this token knows of it anyway */
        clock_join(&start, &c->posted[slot]);
    }
    return start;
}

/* done: what is done when the instruction is, itself included. */
static void clocks_finish(struct clocks *k, const struct svpe_insn *i, const struct clock *done) {
    k->end[i->queue] = *done;
    for (int to = 0; to < QUEUES; to++) {
        if (!(i->post >> to & 1)) continue;
        struct channel *c = &k->channel[i->queue][to];
        uint64_t slot = c->posts % k->capacity;
        c->posted[slot] = *done;
        if (c->posts >= k->capacity) clock_join(&c->posted[slot], &c->taken[slot]);
        clock_join(&k->end[i->queue], &c->posted[slot]);
        c->posts++;
    }
}

/* ---- Races ---- */

/* Places in their queue, from 1, of the last ones to touch a granule; 0: none. */
struct shadow {
    uint32_t writer[QUEUES], reader[QUEUES];
};

struct memory { /* of one space */
    uint64_t bits, end;
    bool written;
    int log2_granule;
    struct shadow *shadow;
};

struct seen { /* the pair of this instruction and `with`, and which fault says so */
    int with, fault;
};

struct races {
    struct memory memory[SVPE_SPACE_COUNT];
    int *place[QUEUES]; /* place in the queue, from 1, to instruction index */
    struct seen *seen;
    struct svpe_fault *out;
    int room, found;
    int at; /* the instruction being looked at */
    enum svpe_queue queue;
    struct clock now; /* what is done before it touches anything; it counts itself */
};

static void survey(void *user, const struct svpe_range *r) {
    struct memory *m = &((struct races *)user)->memory[r->space];
    uint64_t last = r->first + (r->count1 - 1) * r->step1 + (r->count2 - 1) * r->step2;
    m->bits |= r->first | r->bytes;
    if (r->count1 > 1) m->bits |= r->step1;
    if (r->count2 > 1) m->bits |= r->step2;
    if (last + r->bytes > m->end) m->end = last + r->bytes;
    m->written |= r->write;
}

/* Spaces nobody writes need no shadow. */
static void make_shadows(struct races *k, struct arena *a) {
    for (int s = 0; s < SVPE_SPACE_COUNT; s++) {
        struct memory *m = &k->memory[s];
        if (!m->written) continue;
        m->bits |= LARGEST_GRANULE;
        while (!(m->bits >> m->log2_granule & 1)) m->log2_granule++;
        m->shadow = arena_array(a, (size_t)(m->end >> m->log2_granule), sizeof *m->shadow);
    }
}

/* One fault per pair of instructions: the lowest byte of the space it was first seen in. */
static void found_race(struct races *k, int earlier, struct svpe_fault f) {
    struct seen *seen = &k->seen[earlier];
    if (seen->with == k->at) {
        struct svpe_fault *said = seen->fault < k->room ? &k->out[seen->fault] : NULL;
        if (said && said->space == f.space && f.byte < said->byte) *said = f;
        return;
    }
    *seen = (struct seen){k->at, k->found};
    if (k->found < k->room) k->out[k->found] = f;
    k->found++;
}

static void report(struct races *k, const struct shadow *s, int space, uint64_t byte, bool write) {
    for (int q = 0; q < QUEUES; q++) {
        struct svpe_fault f = {.kind = SVPE_FAULT_RACE,
                               .second = k->at,
                               .space = space,
                               .byte = byte,
                               .second_writes = write};
        if (s->writer[q] > k->now.done[q]) {
            f.first = k->place[q][s->writer[q]];
            f.first_writes = true;
            found_race(k, f.first, f);
        }
        if (write && s->reader[q] > k->now.done[q]) {
            f.first = k->place[q][s->reader[q]];
            f.first_writes = false;
            found_race(k, f.first, f);
        }
    }
}

static bool unordered(const uint32_t last[QUEUES], const uint32_t done[QUEUES]) {
    uint32_t late = 0;
    for (int q = 0; q < QUEUES; q++) late |= (uint32_t)(last[q] > done[q]);
    return late != 0;
}

static void touch_run(struct races *k, int space, uint64_t first, uint64_t bytes, bool write) {
    const struct memory *m = &k->memory[space];
    uint32_t stamp = k->now.done[k->queue];
    uint64_t end = (first + bytes) >> m->log2_granule;
    for (uint64_t g = first >> m->log2_granule; g < end; g++) {
        struct shadow *s = &m->shadow[g];
        bool late = unordered(s->writer, k->now.done);
        if (write) late |= unordered(s->reader, k->now.done);
        if (late) report(k, s, space, g << m->log2_granule, write);
        *(write ? &s->writer[k->queue] : &s->reader[k->queue]) = stamp;
    }
}

static void touch(void *user, const struct svpe_range *r) {
    struct races *k = user;
    if (!k->memory[r->space].written) return;
    for (uint64_t j = 0; j < r->count2; j++)
        for (uint64_t i = 0; i < r->count1; i++)
            touch_run(k, r->space, r->first + i * r->step1 + j * r->step2, r->bytes, r->write);
}

static void races_init(struct races *k, struct arena *a, int count) {
    memset(k, 0, sizeof *k);
    for (int q = 0; q < QUEUES; q++) k->place[q] = arena_array(a, (size_t)count + 1, sizeof(int));
    k->seen = arena_array(a, (size_t)count + 1, sizeof *k->seen);
    for (int i = 0; i < count; i++) k->seen[i].with = -1;
}

int svpe_check_races(struct arena *a, const struct svpe_machine *m, const struct svpe_insn *insns,
                     int count, struct svpe_fault *out, int room) {
    struct races k;
    struct clocks clocks;
    races_init(&k, a, count);
    clocks_init(&clocks, a, m->target);
    k.out = out;
    k.room = room;
    for (int i = 0; i < count; i++) svpe_footprint(m, &insns[i], survey, &k);
    make_shadows(&k, a);
    for (int i = 0; i < count; i++) {
        k.at = i;
        k.queue = insns[i].queue;
        k.now = clocks_start(&clocks, &insns[i]);
        k.place[k.queue][++k.now.done[k.queue]] = i;
        svpe_footprint(m, &insns[i], touch, &k);
        clocks_finish(&clocks, &insns[i], &k.now);
    }
    return k.found;
}

/* ---- Text ---- */

static const char *insn_text(struct arena *a, const struct svpe_insn *insns, int at,
                             const char *const *layer_names, int layer_count) {
    const struct svpe_insn *i = &insns[at];
    const char *name = i->layer < layer_count ? layer_names[i->layer] : NULL;
    return arena_printf(a, "#%d %s (%s, layer %d%s%s%s)", at, svpe_op_info(i->op)->mnemonic,
                        svpe_queue_name(i->queue), i->layer, name ? " '" : "", name ? name : "",
                        name ? "'" : "");
}

static const char *race_text(struct arena *a, const struct svpe_fault *f, const char *first,
                             const char *second) {
    bool dram = f->space >= SVPE_BUFFER_COUNT;
    const char *space = dram ? svpe_region_name((enum svpe_region)(f->space - SVPE_BUFFER_COUNT))
                             : svpe_buffer_name((enum svpe_buffer)f->space);
    return arena_printf(a, "race on %s%s, byte %llu: %s %s it, %s %s it; no token orders them",
                        dram ? "DRAM region " : "buffer ", space, (unsigned long long)f->byte,
                        first, f->first_writes ? "writes" : "reads", second,
                        f->second_writes ? "writes" : "reads");
}

static const char *deadlock_text(struct arena *a, const struct svpe_fault *f,
                                 const struct svpe_insn *insns, const char *first,
                                 const char *second) {
    const char *from = svpe_queue_name(f->from), *to = svpe_queue_name(f->to);
    if (insns[f->first].queue == f->to)
        return arena_printf(a, "deadlock: %s waits for a token from %s, but %s%s", first, from,
                            second ? second : "no instruction posts it",
                            second ? ", which posts it, comes later" : "");
    return arena_printf(a, "deadlock: %s posts to %s on a full counter, but %s%s", first, to,
                        second ? second : "no instruction takes a token from it",
                        second ? ", which takes a token from it, comes later" : "");
}

const char *svpe_fault_text(struct arena *a, const struct svpe_fault *f,
                            const struct svpe_insn *insns, const char *const *layer_names,
                            int layer_count) {
    if (f->kind == SVPE_FAULT_NONE) return "no fault";
    const char *first = insn_text(a, insns, f->first, layer_names, layer_count);
    bool two = f->kind != SVPE_FAULT_LEFTOVER && f->second >= 0;
    const char *second = two ? insn_text(a, insns, f->second, layer_names, layer_count) : NULL;
    if (f->kind == SVPE_FAULT_RACE) return race_text(a, f, first, second);
    if (f->kind == SVPE_FAULT_DEADLOCK) return deadlock_text(a, f, insns, first, second);
    return arena_printf(a, "token left over: %s posts to %s, and no instruction takes it", first,
                        svpe_queue_name(f->to));
}
