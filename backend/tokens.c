/* The stream of instructions, and the tokens that order what it touches.
 *
 * The stream run by one queue alone is right by construction. Run by four, an instruction has to
 * wait for every earlier one of another queue that touches the same byte, when one of the two
 * writes. Two steps make that the fewest tokens:
 *   - conflicts: per granule of memory its last writer and, per queue, the last reader since;
 *     from those follows for each other queue the last instruction that has to be done (a queue
 *     is in order, so it stands for all before it);
 *   - reduction: of these, what is already known to be done (vector clocks over queue order and
 *     tokens placed so far) or follows from another one of them needs no token. Since all tokens
 *     lead forward in the stream and each one placed lies beyond what its queue knew, the tokens
 *     of a pair of queues keep their order, so that plain counters match them.
 *
 * Where a counter would exceed the target's capacity, a `sync` word in the waiting queue takes a
 * token early; then all is placed anew. isa/order.c checks the result by its own algorithm. What an
 * instruction touches, both ask of svpe_footprint(), which tests/unit/runtime_footprint_test.c
 * holds against the emulator's accesses. */
#include "backend/diag.h"
#include "backend/internal.h"

#include <string.h>

enum { QUEUES = SVPE_QUEUE_COUNT, NONE = -1, LARGEST_GRANULE = 1 << 12 };

struct svpe_insn *be_code_add(struct be_code *code, enum svpe_op op, int layer) {
    if (code->count == code->room) {
        int room = code->room ? code->room * 2 : 256;
        code->insns = arena_grow(code->arena, code->insns, (size_t)code->count, (size_t)room,
                                 sizeof *code->insns);
        code->room = room;
    }
    struct svpe_insn *i = &code->insns[code->count++];
    *i = svpe_insn_new(op, layer);
    return i;
}

/* ---- Conflicts ------------------------------------------------------------------------------- */

struct space {
    uint64_t steps; /* or of everything that addresses are sums of */
    uint64_t end;
    bool written;
    unsigned queues;    /* that touch it, a bit each */
    int reader[QUEUES]; /* the place in a granule of a queue that reads it; 0: does not */
    int width;          /* of a granule */
    int shift;          /* log2 of its bytes */
    int *granules;      /* [][width]: the last writer, then the last readers since; or NONE */
};

struct analysis {
    const struct svpe_machine *machine;
    const struct be_code *code;
    struct space space[SVPE_SPACE_COUNT];
    int now;               /* instruction looked at */
    enum svpe_queue queue; /* its queue */
    int before[QUEUES];    /* last one per queue that it conflicts with */
};

static void survey(void *user, const struct svpe_range *r) {
    struct analysis *a = user;
    struct space *s = &a->space[r->space];
    s->steps |= r->first | r->bytes;
    if (r->count1 > 1) s->steps |= r->step1;
    if (r->count2 > 1) s->steps |= r->step2;
    uint64_t end = r->first + (r->count1 - 1) * r->step1 + (r->count2 - 1) * r->step2 + r->bytes;
    if (end > s->end) s->end = end;
    s->queues |= 1u << a->queue;
    if (r->write)
        s->written = true;
    else if (!s->reader[a->queue])
        s->reader[a->queue] = s->width++;
}

static void after(struct analysis *a, int queue, int earlier) {
    if (earlier > a->before[queue]) a->before[queue] = earlier;
}

/* Neighbours mostly have one writer: `known` saves asking again for its queue. */
static void after_writer(struct analysis *a, int writer, int *known) {
    if (writer == *known) return;
    *known = writer;
    if (writer != NONE) after(a, (int)a->code->insns[writer].queue, writer);
}

static void read_granules(struct analysis *a, int *granule, uint64_t count, int width, int reader) {
    int known = NONE;
    for (; count; count--, granule += width) {
        after_writer(a, granule[0], &known);
        granule[reader] = a->now;
    }
}

static void write_granules(struct analysis *a, int *granule, uint64_t count, int width,
                           const int *reader) {
    int known = NONE;
    for (; count; count--, granule += width) {
        after_writer(a, granule[0], &known);
        granule[0] = a->now;
        for (int q = 0; q < QUEUES; q++) {
            if (!reader[q]) continue;
            after(a, q, granule[reader[q]]);
            granule[reader[q]] = NONE;
        }
    }
}

static void touch_range(void *user, const struct svpe_range *r) {
    struct analysis *a = user;
    const struct space *s = &a->space[r->space];
    if (!s->granules) return;
    uint64_t length = r->bytes >> s->shift;
    for (uint64_t j = 0; j < r->count2; j++)
        for (uint64_t i = 0; i < r->count1; i++) {
            uint64_t at = (r->first + i * r->step1 + j * r->step2) >> s->shift;
            int *first = s->granules + at * (uint64_t)s->width;
            if (r->write)
                write_granules(a, first, length, s->width, s->reader);
            else
                read_granules(a, first, length, s->width, s->reader[a->queue]);
        }
}

/* One queue alone, or readers alone, never conflict. */
static bool has_conflicts(const struct space *s) {
    return s->written && (s->queues & (s->queues - 1));
}

/* Granules are the largest power of two that divides all addresses and sizes: conflicts are
 * exact. */
static void space_init(struct space *s, struct arena *arena) {
    if (!has_conflicts(s)) return;
    while (!((s->steps | LARGEST_GRANULE) >> s->shift & 1)) s->shift++;
    uint64_t count = (s->end >> s->shift) * (uint64_t)s->width;
    s->granules = arena_array(arena, count, sizeof *s->granules);
    memset(s->granules, 0xff, count * sizeof *s->granules); /* NONE everywhere */
}

static void analysis_init(struct analysis *a, struct arena *arena, const struct svpe_machine *m,
                          const struct be_code *code) {
    *a = (struct analysis){.machine = m, .code = code};
    for (int s = 0; s < SVPE_SPACE_COUNT; s++) a->space[s].width = 1;
    for (int i = 0; i < code->count; i++) {
        a->queue = code->insns[i].queue;
        svpe_footprint(m, &code->insns[i], survey, a);
    }
    for (int s = 0; s < SVPE_SPACE_COUNT; s++) space_init(&a->space[s], arena);
}

static void conflicts(struct analysis *a, int index) {
    a->now = index;
    a->queue = a->code->insns[index].queue;
    for (int q = 0; q < QUEUES; q++) a->before[q] = NONE;
    svpe_footprint(a->machine, &a->code->insns[index], touch_range, a);
    a->before[a->queue] = NONE; /* its own queue is in order */
}

/* ---- Reduction ------------------------------------------------------------------------------- */

struct clock { /* per queue the last instruction known to be done */
    int done[QUEUES];
};

static void join(struct clock *a, const struct clock *b) {
    for (int q = 0; q < QUEUES; q++)
        if (b->done[q] > a->done[q]) a->done[q] = b->done[q];
}

/* A token from instruction post to instruction wait; per pair of queues they form a list in both
 * orders. */
struct token {
    int post, wait;
};
struct tokens {
    struct token *list;
    int count;
};

struct placer {
    struct arena *arena;
    struct be_code *code;
    struct clock *end; /* per instruction: what is done when it is */
    int last[QUEUES];  /* last instruction of each queue so far */
    const int *forced; /* sync words: the instruction they wait for; else NONE */
    struct tokens pair[QUEUES][QUEUES];
};

static bool implied(const struct placer *p, const int before[QUEUES], const struct clock *known,
                    int q) {
    if (known->done[q] >= before[q]) return true;
    for (int r = 0; r < QUEUES; r++)
        if (r != q && before[r] != NONE && p->end[before[r]].done[q] >= before[q]) return true;
    return false;
}

static void place(struct placer *p, int index, const int before[QUEUES]) {
    enum svpe_queue to = p->code->insns[index].queue;
    struct clock known = {{NONE, NONE, NONE, NONE}};
    if (p->last[to] != NONE) known = p->end[p->last[to]];
    struct clock start = known;
    for (int from = 0; from < QUEUES; from++) {
        if (before[from] == NONE || implied(p, before, &known, from)) continue;
        struct tokens *t = &p->pair[from][to];
        t->list[t->count++] = (struct token){before[from], index};
        join(&start, &p->end[before[from]]);
    }
    start.done[to] = index;
    p->end[index] = start;
    p->last[to] = index;
}

static void placer_init(struct placer *p, struct arena *arena, struct be_code *code,
                        const int *forced) {
    *p = (struct placer){.arena = arena, .code = code, .forced = forced};
    p->end = arena_array(arena, (size_t)code->count, sizeof *p->end);
    for (int q = 0; q < QUEUES; q++) {
        p->last[q] = NONE;
        for (int r = 0; r < QUEUES; r++)
            p->pair[q][r].list = arena_array(arena, (size_t)code->count, sizeof(struct token));
    }
}

/* ---- Capacity -------------------------------------------------------------------------------- */

/* Of an instruction whose post to queue q finds the counter full: oldest[q] is the post whose token
 * should have been taken before; else NONE. */
struct overflow {
    int oldest[QUEUES];
};

/* Returns how many there are. */
static int find_overflows(const struct placer *p, int64_t capacity, struct overflow *of_insn) {
    int found = 0;
    memset(of_insn, 0xff, (size_t)p->code->count * sizeof *of_insn); /* NONE everywhere */
    for (int from = 0; from < QUEUES; from++)
        for (int to = 0; to < QUEUES; to++) {
            const struct tokens *t = &p->pair[from][to];
            for (int64_t k = capacity; k < t->count; k++) {
                const struct token *old = &t->list[k - capacity];
                if (old->wait < t->list[k].post) continue;
                of_insn[t->list[k].post].oldest[to] = old->post;
                found++;
            }
        }
    return found;
}

static struct svpe_insn sync_of(int queue, int layer) {
    struct svpe_insn sync = svpe_insn_new(SVPE_SYNCW, layer);
    svpe_set(&sync, SVPE_SYNC_queue, queue);
    return sync;
}

/* The place of each instruction, `count` of them, with sync words before those that overflow. */
static int *places_of(struct arena *a, const struct overflow *of_insn, int count) {
    int *places = arena_array(a, (size_t)count, sizeof *places);
    for (int i = 0, inserted = 0; i < count; i++) {
        for (int q = 0; q < QUEUES; q++) inserted += of_insn[i].oldest[q] != NONE;
        places[i] = i + inserted;
    }
    return places;
}

/* Inserts `found` sync words; returns the new `forced`. From the end on, so that nothing is
 * overwritten before it has moved. */
static int *insert_syncs(struct be_code *code, struct arena *a, const int *forced,
                         const struct overflow *of_insn, int found) {
    int count = code->count;
    const int *places = places_of(a, of_insn, count);
    for (int n = 0; n < found; n++) be_code_add(code, SVPE_SYNCW, 0);
    int *moved = arena_array(a, (size_t)code->count, sizeof *moved);
    for (int i = count - 1; i >= 0; i--) {
        int at = places[i], layer = code->insns[i].layer;
        code->insns[at] = code->insns[i];
        moved[at] = forced[i] == NONE ? NONE : places[forced[i]];
        for (int q = QUEUES - 1; q >= 0; q--) {
            if (of_insn[i].oldest[q] == NONE) continue;
            code->insns[--at] = sync_of(q, layer);
            moved[at] = places[of_insn[i].oldest[q]];
        }
    }
    return moved;
}

static void run(struct placer *p, const struct svpe_machine *m) {
    struct analysis a;
    analysis_init(&a, p->arena, m, p->code);
    for (int i = 0; i < p->code->count; i++) {
        conflicts(&a, i);
        int wait = p->forced[i];
        if (wait != NONE) a.before[p->code->insns[wait].queue] = wait;
        place(p, i, a.before);
    }
}

static void write_tokens(const struct placer *p) {
    for (int from = 0; from < QUEUES; from++)
        for (int to = 0; to < QUEUES; to++)
            for (int k = 0; k < p->pair[from][to].count; k++) {
                struct token t = p->pair[from][to].list[k];
                p->code->insns[t.post].post |= (uint8_t)(1u << to);
                p->code->insns[t.wait].wait |= (uint8_t)(1u << from);
            }
}

/* Places tokens, and sync words where counters overflow: a round each, the last of which finds no
 * overflow and writes. A round's memory goes when the next one has what it needs of it. */
static void place_all(struct ctx *c, const struct svpe_machine *m, struct be_code *code) {
    struct arena *round = arena_new(c);
    int *forced = arena_array(round, (size_t)code->count, sizeof *forced);
    memset(forced, 0xff, (size_t)code->count * sizeof *forced); /* NONE everywhere */
    for (;;) {
        struct arena *next = arena_new(c);
        struct placer p;
        placer_init(&p, round, code, forced);
        run(&p, m);
        struct overflow *of_insn = arena_array(round, (size_t)code->count, sizeof *of_insn);
        int found = find_overflows(&p, m->target->tokens, of_insn);
        if (found)
            forced = insert_syncs(code, next, forced, of_insn, found);
        else
            write_tokens(&p);
        arena_free(round);
        round = next;
        if (!found) break;
    }
    arena_free(round);
}

bool be_place_tokens(struct ctx *c, const struct svpe_machine *m, struct be_code *code) {
    place_all(c, m, code);
    struct svpe_fault fault;
    bool good = svpe_check_tokens(m, code->insns, code->count, &fault);
    if (!good)
        diag(c, be_internal, NULL, fault.first, svpe_op_info(code->insns[fault.first].op)->mnemonic,
             "its tokens do not match");
    return good;
}
