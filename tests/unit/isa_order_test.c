/* Token and race checks: hand-made programs with one fault each, and random programs against brute
 * force: an explicit graph of events (take, start, done, give), its transitive closure, and byte
 * maps of every instruction. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "isa/isa.h"

enum {
    LOAD = 1 << SVPE_QUEUE_LOAD,
    EXEC = 1 << SVPE_QUEUE_EXEC,
    VEC = 1 << SVPE_QUEUE_VEC,
    STORE = 1 << SVPE_QUEUE_STORE,
    MOST = 30,
    FAULTS = 400,
};

struct scene {
    struct ctx ctx;
    struct arena *arena;
    struct svpe_target target;
    struct svpe_machine machine;
    struct svpe_insn insn[MOST];
    int count;
    struct svpe_fault fault[FAULTS];
    int found;
};

static void open_scene(struct scene *s, int tokens) {
    memset(s, 0, sizeof *s);
    ctx_init(&s->ctx, "test", NULL);
    s->arena = arena_new(&s->ctx);
    s->target = (struct svpe_target){
        .name = "test", .lanes = 4, .elements = 4, .columns = 2, .gather = 2, .tokens = tokens};
    s->machine = (struct svpe_machine){.target = &s->target, .act_bits = 8};
}

static void close_scene(struct scene *s) {
    ctx_free(&s->ctx);
}

static struct svpe_insn *add(struct scene *s, enum svpe_op op, int wait, int post) {
    struct svpe_insn *i = &s->insn[s->count];
    *i = svpe_insn_new(op, s->count++ % 3);
    i->wait = (uint8_t)wait;
    i->post = (uint8_t)post;
    return i;
}

static void add_sync(struct scene *s, enum svpe_queue queue, int wait, int post) {
    svpe_set(add(s, SVPE_SYNCW, wait, post), SVPE_SYNC_queue, queue);
}

/* `vectors` vectors from `dst` on. */
static void add_load(struct scene *s, int dst, int vectors, int wait, int post) {
    struct svpe_insn *i = add(s, SVPE_LDA, wait, post);
    svpe_set(i, SVPE_TILE_region, SVPE_REGION_IN);
    svpe_set(i, SVPE_TILE_nb, 1);
    svpe_set(i, SVPE_TILE_nr, 1);
    svpe_set(i, SVPE_TILE_nc, vectors);
    svpe_set(i, SVPE_TILE_dst, dst);
    svpe_set(i, SVPE_TILE_px, 2);
}

static void add_weights(struct scene *s, int dst, int dwords, int wait, int post) {
    struct svpe_insn *i = add(s, SVPE_LDW, wait, post);
    svpe_set(i, SVPE_LINE_dst, dst);
    svpe_set(i, SVPE_LINE_count, dwords);
}

/* One output block of `pixels`, one weight block. */
static void add_conv(struct scene *s, int src, int pixels, int wgt, int acc, int wait, int post) {
    struct svpe_insn *i = add(s, SVPE_CONV, wait, post);
    static const enum svpe_field ones[] = {SVPE_CONV_rows, SVPE_CONV_kh, SVPE_CONV_kw,
                                           SVPE_CONV_ib,   SVPE_CONV_ob, SVPE_CONV_sy,
                                           SVPE_CONV_sx,   SVPE_CONV_dy, SVPE_CONV_dx};
    for (size_t f = 0; f < sizeof ones / sizeof *ones; f++) svpe_set(i, ones[f], 1);
    svpe_set(i, SVPE_CONV_cols, pixels);
    svpe_set(i, SVPE_CONV_src, src);
    svpe_set(i, SVPE_CONV_wgt, wgt);
    svpe_set(i, SVPE_CONV_acc, acc);
}

static void add_req(struct scene *s, int acc, int pixels, int dst, int wait, int post) {
    struct svpe_insn *i = add(s, SVPE_REQ, wait, post);
    svpe_set(i, SVPE_REQ_acc, acc);
    svpe_set(i, SVPE_REQ_nb, 1);
    svpe_set(i, SVPE_REQ_rows, 1);
    svpe_set(i, SVPE_REQ_cols, pixels);
    svpe_set(i, SVPE_REQ_dst, dst);
}

static void add_store(struct scene *s, int src, int vectors, int dst, int wait, int post) {
    struct svpe_insn *i = add(s, SVPE_STA, wait, post);
    svpe_set(i, SVPE_BACK_region, SVPE_REGION_WORK);
    svpe_set(i, SVPE_BACK_dst, dst);
    svpe_set(i, SVPE_BACK_nb, 1);
    svpe_set(i, SVPE_BACK_nr, 1);
    svpe_set(i, SVPE_BACK_nc, vectors);
    svpe_set(i, SVPE_BACK_src, src);
    svpe_set(i, SVPE_BACK_lanes, 4);
}

static bool tokens_hold(struct scene *s) {
    return svpe_check_tokens(&s->machine, s->insn, s->count, &s->fault[0]);
}

static void find_races(struct scene *s) {
    s->found = svpe_check_races(s->arena, &s->machine, s->insn, s->count, s->fault, FAULTS);
    assert_true(s->found <= FAULTS);
}

/* ---- Hand-made programs ---- */

/* load, execute, requantize, store; then a second tile into the same input buffer. */
static void add_pipeline(struct scene *s) {
    add_load(s, 0, 8, 0, 0);                   /* 0 */
    add_weights(s, 0, 1, 0, EXEC);             /* 1 */
    add_conv(s, 0, 8, 0, 0, LOAD, VEC | LOAD); /* 2 */
    add_req(s, 0, 8, 8, EXEC, STORE | EXEC);   /* 3 */
    add_store(s, 8, 8, 0, VEC, VEC);           /* 4 */
    add_load(s, 0, 8, EXEC, EXEC);             /* 5 */
    add_conv(s, 0, 8, 0, 0, LOAD | VEC, VEC);  /* 6 */
    add_req(s, 0, 8, 8, EXEC | STORE, STORE);  /* 7 */
    add_store(s, 8, 8, 32, VEC, 0);            /* 8 */
}

static void test_good_program(void **state) {
    (void)state;
    struct scene s;
    open_scene(&s, 4);
    add_pipeline(&s);
    assert_true(tokens_hold(&s));
    assert_int_equal(s.fault[0].kind, SVPE_FAULT_NONE);
    find_races(&s);
    assert_int_equal(s.found, 0);
    close_scene(&s);
}

/* Taking any one token out of the pipeline, at both its ends, must be noticed. */
static void test_each_token_removed(void **state) {
    (void)state;
    static const struct {
        int post, wait, first, second, space;
        bool first_writes, second_writes;
    } token[] = {
        {1, 2, 1, 2, SVPE_BUFFER_WGT, true, false}, {2, 3, 2, 3, SVPE_BUFFER_ACC, true, false},
        {2, 5, 2, 5, SVPE_BUFFER_ACT, false, true}, {3, 4, 3, 4, SVPE_BUFFER_ACT, true, false},
        {3, 6, 3, 6, SVPE_BUFFER_ACC, false, true}, {4, 7, 4, 7, SVPE_BUFFER_ACT, false, true},
        {5, 6, 5, 6, SVPE_BUFFER_ACT, true, false}, {6, 7, 6, 7, SVPE_BUFFER_ACC, true, false},
        {7, 8, 7, 8, SVPE_BUFFER_ACT, true, false},
    };
    for (size_t n = 0; n < sizeof token / sizeof *token; n++) {
        struct scene s;
        open_scene(&s, 4);
        add_pipeline(&s);
        struct svpe_insn *post = &s.insn[token[n].post], *wait = &s.insn[token[n].wait];
        post->post &= (uint8_t) ~(1u << wait->queue);
        wait->wait &= (uint8_t) ~(1u << post->queue);
        assert_true(tokens_hold(&s));
        find_races(&s);
        bool said = false;
        for (int f = 0; f < s.found; f++)
            said |= s.fault[f].first == token[n].first && s.fault[f].second == token[n].second &&
                    s.fault[f].space == token[n].space &&
                    s.fault[f].first_writes == token[n].first_writes &&
                    s.fault[f].second_writes == token[n].second_writes;
        assert_true(said);
        close_scene(&s);
    }
}

static void test_race_says_first_byte_once(void **state) {
    (void)state;
    struct scene s;
    open_scene(&s, 4);
    add_load(&s, 5, 3, 0, 0);
    add_conv(&s, 2, 5, 0, 0, 0, 0); /* vectors 2…6: 5 and 6 race */
    assert_true(tokens_hold(&s));
    find_races(&s);
    assert_int_equal(s.found, 1);
    assert_int_equal(s.fault[0].kind, SVPE_FAULT_RACE);
    assert_int_equal(s.fault[0].byte, 20);
    const char *names[] = {"conv0"};
    assert_string_equal(svpe_fault_text(s.arena, &s.fault[0], s.insn, names, 1),
                        "race on buffer act, byte 20: #0 ld.act (load, layer 0 'conv0') writes it, "
                        "#1 conv (exec, layer 1) reads it; no token orders them");
    close_scene(&s);
}

static void test_race_in_dram(void **state) {
    (void)state;
    struct scene s;
    open_scene(&s, 4);
    add_store(&s, 0, 2, 64, 0, 0);
    add_load(&s, 8, 1, 0, 0);
    svpe_set(&s.insn[1], SVPE_TILE_region, SVPE_REGION_WORK);
    svpe_set(&s.insn[1], SVPE_TILE_src, 68);
    find_races(&s);
    assert_int_equal(s.found, 1);
    assert_int_equal(s.fault[0].byte, 68);
    assert_string_equal(svpe_fault_text(s.arena, &s.fault[0], s.insn, NULL, 0),
                        "race on DRAM region work, byte 68: #0 st.act (store, layer 0) writes it, "
                        "#1 ld.act (load, layer 1) reads it; no token orders them");
    svpe_set(&s.insn[1], SVPE_TILE_src, 72); /* one byte past what is stored */
    find_races(&s);
    assert_int_equal(s.found, 0);
    close_scene(&s);
}

/* The second operand lies below the first, and is looked at later. */
static void test_lowest_byte_of_two_tiles(void **state) {
    (void)state;
    struct scene s;
    open_scene(&s, 4);
    add_load(&s, 0, 8, 0, 0);
    struct svpe_insn *i = add(&s, SVPE_ADD, 0, 0);
    static const enum svpe_field ones[] = {SVPE_PAIR_nb, SVPE_PAIR_rows, SVPE_PAIR_cols};
    for (size_t f = 0; f < sizeof ones / sizeof *ones; f++) svpe_set(i, ones[f], 1);
    svpe_set(i, SVPE_PAIR_a, 6);
    svpe_set(i, SVPE_PAIR_b, 2);
    svpe_set(i, SVPE_PAIR_dst, 9);
    find_races(&s);
    assert_int_equal(s.found, 1);
    assert_int_equal(s.fault[0].byte, 8);
    close_scene(&s);
}

/* Rows whose pitch is less aligned than their starts and lengths. */
static void test_race_at_odd_pitch(void **state) {
    (void)state;
    struct scene s;
    open_scene(&s, 4);
    add_store(&s, 0, 1, 0, 0, 0); /* bytes 0…3 and 6…9 */
    svpe_set(&s.insn[0], SVPE_BACK_nr, 2);
    svpe_set(&s.insn[0], SVPE_BACK_sr, 6);
    add_load(&s, 8, 1, 0, 0);
    svpe_set(&s.insn[1], SVPE_TILE_region, SVPE_REGION_WORK);
    svpe_set(&s.insn[1], SVPE_TILE_src, 8);
    find_races(&s);
    assert_int_equal(s.found, 1);
    assert_int_equal(s.fault[0].byte, 8);
    close_scene(&s);
}

/* Stores that leave pixels out for others: what lies between is not touched. */
static void test_race_between_pixels(void **state) {
    (void)state;
    for (int at = 0; at < 20; at += 4) {
        struct scene s;
        open_scene(&s, 4);
        add_store(&s, 0, 2, 0, 0, 0); /* bytes 0…3 and 12…15 */
        svpe_set(&s.insn[0], SVPE_BACK_sc, 3);
        add_load(&s, 8, 1, 0, 0);
        svpe_set(&s.insn[1], SVPE_TILE_region, SVPE_REGION_WORK);
        svpe_set(&s.insn[1], SVPE_TILE_src, at);
        find_races(&s);
        assert_int_equal(s.found, at % 12 == 0);
        close_scene(&s);
    }
}

/* More faults than room: all are counted, only the first ones written. */
static void test_room_for_faults(void **state) {
    (void)state;
    struct scene s;
    open_scene(&s, 4);
    add_load(&s, 0, 4, 0, 0);
    for (int n = 0; n < 4; n++) add_conv(&s, n, 1, 0, 0, 0, 0);
    s.fault[2].byte = 77;
    assert_int_equal(svpe_check_races(s.arena, &s.machine, s.insn, s.count, s.fault, 2), 4);
    assert_int_equal(s.fault[1].second, 2);
    assert_int_equal(s.fault[2].byte, 77);
    close_scene(&s);
}

static void expect_fault(struct scene *s, enum svpe_fault_kind kind, int first, int second,
                         const char *text) {
    assert_false(tokens_hold(s));
    assert_int_equal(s->fault[0].kind, kind);
    assert_int_equal(s->fault[0].first, first);
    assert_int_equal(s->fault[0].second, second);
    assert_string_equal(svpe_fault_text(s->arena, &s->fault[0], s->insn, NULL, 0), text);
}

static void test_wait_before_its_post(void **state) {
    (void)state;
    struct scene s;
    open_scene(&s, 4);
    add_conv(&s, 0, 8, 0, 0, LOAD, 0);
    add_load(&s, 0, 8, 0, EXEC);
    expect_fault(&s, SVPE_FAULT_DEADLOCK, 0, 1,
                 "deadlock: #0 conv (exec, layer 0) waits for a token from load, but #1 ld.act "
                 "(load, layer 1), which posts it, comes later");
    close_scene(&s);
}

static void test_wait_without_post(void **state) {
    (void)state;
    struct scene s;
    open_scene(&s, 4);
    add_load(&s, 0, 8, 0, EXEC);
    add_conv(&s, 0, 8, 0, 0, LOAD, 0);
    add_conv(&s, 0, 8, 0, 0, LOAD, 0);
    expect_fault(&s, SVPE_FAULT_DEADLOCK, 2, -1,
                 "deadlock: #2 conv (exec, layer 2) waits for a token from load, but no "
                 "instruction posts it");
    close_scene(&s);
}

static void test_leftover(void **state) {
    (void)state;
    struct scene s;
    open_scene(&s, 4);
    add_load(&s, 0, 8, 0, EXEC);
    add_load(&s, 8, 8, 0, EXEC);
    add_conv(&s, 0, 8, 0, 0, LOAD, 0);
    expect_fault(&s, SVPE_FAULT_LEFTOVER, 1, -1,
                 "token left over: #1 ld.act (load, layer 1) posts to exec, and no instruction "
                 "takes it");
    close_scene(&s);
}

static void test_full_counter(void **state) {
    (void)state;
    struct scene s;
    open_scene(&s, 2);
    for (int n = 0; n < 3; n++) add_load(&s, 8 * n, 8, 0, EXEC);
    for (int n = 0; n < 3; n++) add_conv(&s, 8 * n, 8, 0, 0, LOAD, 0);
    expect_fault(&s, SVPE_FAULT_DEADLOCK, 2, 3,
                 "deadlock: #2 ld.act (load, layer 2) posts to exec on a full counter, but #3 "
                 "conv (exec, layer 0), which takes a token from it, comes later");
    s.target.tokens = 3;
    assert_true(tokens_hold(&s));
    s.count = 3;
    s.target.tokens = 2;
    expect_fault(&s, SVPE_FAULT_DEADLOCK, 2, -1,
                 "deadlock: #2 ld.act (load, layer 2) posts to exec on a full counter, but no "
                 "instruction takes a token from it");
    close_scene(&s);
}

/* A post that had to wait for room is after all that came before the wait which made room, and not
 * after more. */
static void test_full_counter_orders(void **state) {
    (void)state;
    for (int tokens = 1; tokens <= 2; tokens++)
        for (int late = 0; late < 2; late++) {
            struct scene s;
            open_scene(&s, tokens);
            if (!late) add_conv(&s, 0, 1, 0, 0, 0, 0);
            add_sync(&s, SVPE_QUEUE_LOAD, 0, EXEC);
            if (late)
                add_conv(&s, 0, 1, 0, 0, LOAD, 0);
            else
                add_sync(&s, SVPE_QUEUE_EXEC, LOAD, 0);
            add_sync(&s, SVPE_QUEUE_LOAD, 0, EXEC);
            add_load(&s, 0, 1, 0, 0);
            add_sync(&s, SVPE_QUEUE_EXEC, LOAD, 0);
            assert_true(tokens_hold(&s));
            find_races(&s);
            assert_int_equal(s.found, tokens == 1 && !late ? 0 : 1);
            close_scene(&s);
        }
}

/* Nothing is known about the order in which one instruction takes its tokens: room in one counter
 * does not tell that the other token was there. */
static void test_waits_of_one_instruction_are_apart(void **state) {
    (void)state;
    struct scene s;
    open_scene(&s, 1);
    add_req(&s, 8, 8, 0, 0, EXEC); /* the vector unit writes act 0 … */
    add_sync(&s, SVPE_QUEUE_LOAD, 0, EXEC);
    add_sync(&s, SVPE_QUEUE_EXEC, LOAD | VEC, 0); /* … and exec waits for it and for load */
    add_sync(&s, SVPE_QUEUE_LOAD, 0, EXEC);       /* blocks only until load's token is taken */
    add_load(&s, 0, 1, 0, 0);
    add_sync(&s, SVPE_QUEUE_EXEC, LOAD, 0);
    assert_true(tokens_hold(&s));
    find_races(&s);
    assert_int_equal(s.found, 1);
    close_scene(&s);
}

/* ---- Brute force ---- */

enum {
    EVENTS = MOST * 11,
    TAKE = 0,
    START = 4,
    DONE = 5,
    GIVE = 6,
    END = 10,
    WORDS = (EVENTS + 63) / 64
};

struct graph {
    uint64_t reach[EVENTS][WORDS];
};

static int event(int insn, int what) {
    return insn * 11 + what;
}
static void edge(struct graph *g, int from, int to) {
    g->reach[from][to / 64] |= (uint64_t)1 << (to % 64);
}
static bool reaches(const struct graph *g, int from, int to) {
    return g->reach[from][to / 64] >> (to % 64) & 1;
}

static void close_graph(struct graph *g) {
    for (int via = 0; via < EVENTS; via++)
        for (int from = 0; from < EVENTS; from++)
            if (reaches(g, from, via))
                for (int w = 0; w < WORDS; w++) g->reach[from][w] |= g->reach[via][w];
}

/* Users of a counter in stream order; returns how many. */
static int users(const struct scene *s, int from, int to, bool post, int list[MOST]) {
    int n = 0;
    for (int i = 0; i < s->count; i++) {
        const struct svpe_insn *x = &s->insn[i];
        if (post ? (int)x->queue == from && (x->post & 1 << to)
                 : (int)x->queue == to && (x->wait & 1 << from))
            list[n++] = i;
    }
    return n;
}

/* Explicit edges; false when a wait has no earlier post, a post no earlier room, or a token is left
 * over. */
static bool draw_graph(const struct scene *s, struct graph *g) {
    bool good = true;
    memset(g, 0, sizeof *g);
    for (int i = 0; i < s->count; i++) {
        for (int q = 0; q < 4; q++) {
            edge(g, event(i, TAKE + q), event(i, START));
            edge(g, event(i, DONE), event(i, GIVE + q));
            edge(g, event(i, GIVE + q), event(i, END));
        }
        edge(g, event(i, START), event(i, DONE));
        for (int before = 0; before < i; before++)
            if (s->insn[before].queue == s->insn[i].queue)
                for (int what = 0; what <= START; what++)
                    edge(g, event(before, END), event(i, what));
    }
    for (int from = 0; from < 4; from++)
        for (int to = 0; to < 4; to++) {
            int post[MOST], wait[MOST], tokens = (int)s->target.tokens;
            int posts = users(s, from, to, true, post), waits = users(s, from, to, false, wait);
            good &= posts == waits;
            for (int k = 0; k < waits; k++) {
                if (k >= posts || post[k] > wait[k]) return false;
                edge(g, event(post[k], GIVE + to), event(wait[k], TAKE + from));
            }
            for (int k = tokens; k < posts; k++) {
                if (k - tokens >= waits || wait[k - tokens] > post[k]) return false;
                edge(g, event(wait[k - tokens], TAKE + from), event(post[k], GIVE + to));
            }
        }
    close_graph(g);
    return good;
}

enum { BYTES = 512 };
struct bytes {
    uint8_t read[SVPE_SPACE_COUNT][BYTES], written[SVPE_SPACE_COUNT][BYTES];
};

static void mark(void *user, const struct svpe_range *r) {
    struct bytes *b = user;
    for (uint64_t j = 0; j < r->count2; j++)
        for (uint64_t i = 0; i < r->count1; i++) {
            uint64_t first = r->first + i * r->step1 + j * r->step2;
            assert_true(first + r->bytes <= BYTES);
            memset((r->write ? b->written : b->read)[r->space] + first, 1, r->bytes);
        }
}

/* Lowest byte at which a and b conflict, or −1. */
static int conflict(const struct bytes *a, const struct bytes *b, int space) {
    for (int i = 0; i < BYTES; i++)
        if ((a->written[space][i] && (b->written[space][i] || b->read[space][i])) ||
            (a->read[space][i] && b->written[space][i]))
            return i;
    return -1;
}

static int lowest_conflict(const struct bytes *a, const struct bytes *b) {
    for (int space = 0; space < SVPE_SPACE_COUNT; space++)
        if (conflict(a, b, space) >= 0) return space;
    return -1;
}

static int below(struct rng *r, int n) {
    return (int)rng_below(r, (uint32_t)n);
}

static void add_random_work(struct scene *s, struct rng *r, int queue) {
    switch (queue) {
    case SVPE_QUEUE_LOAD:
        if (below(r, 3))
            add_load(s, below(r, 16), 1 + below(r, 6), 0, 0);
        else
            add_weights(s, below(r, 4), 1 + below(r, 3), 0, 0);
        if (s->insn[s->count - 1].op == SVPE_LDA && below(r, 2))
            svpe_set(&s->insn[s->count - 1], SVPE_TILE_region, SVPE_REGION_WORK);
        break;
    case SVPE_QUEUE_EXEC:
        add_conv(s, below(r, 16), 1 + below(r, 5), below(r, 4), below(r, 6), 0, 0);
        svpe_set(&s->insn[s->count - 1], SVPE_CONV_sx, 1 + below(r, 2));
        svpe_set(&s->insn[s->count - 1], SVPE_CONV_more, below(r, 2));
        break;
    case SVPE_QUEUE_VEC:
        add_req(s, below(r, 6), 1 + below(r, 5), below(r, 16), 0, 0);
        break;
    default:
        add_store(s, below(r, 16), 1 + below(r, 5), 4 * below(r, 16), 0, 0);
        break;
    }
}

/* Tokens that fit, so that most programs get as far as the race check; `density` of 8 possible ones
 * are placed. */
static void add_random_tokens(struct scene *s, struct rng *r, int counter[4][4], int density) {
    struct svpe_insn *i = &s->insn[s->count - 1];
    int own = (int)i->queue;
    for (int q = 0; q < 4; q++) {
        if (q == own) continue;
        if (counter[q][own] && below(r, 8) < density + 2) {
            i->wait |= (uint8_t)(1 << q);
            counter[q][own]--;
        }
        if (counter[own][q] < (int)s->target.tokens && below(r, 8) < density) {
            i->post |= (uint8_t)(1 << q);
            counter[own][q]++;
        }
    }
}

static void add_random_program(struct scene *s, struct rng *r) {
    int counter[4][4] = {0}, density = 1 + below(r, 5), length = 4 + below(r, 14);
    while (s->count < length) {
        add_random_work(s, r, below(r, 4));
        add_random_tokens(s, r, counter, density);
    }
    for (int to = 0; to < 4; to++) /* the rest is taken, as far as there is place */
        for (;;) {
            int waits = 0;
            for (int from = 0; from < 4; from++)
                if (counter[from][to]) {
                    counter[from][to]--;
                    waits |= 1 << from;
                }
            if (!waits || s->count == MOST) break;
            add_sync(s, (enum svpe_queue)to, waits, 0);
        }
    if (below(r, 4) == 0) { /* one token more or less */
        struct svpe_insn *i = &s->insn[below(r, s->count)];
        int bit = 1 << ((int)i->queue + 1 + below(r, 3)) % 4;
        if (below(r, 2))
            i->wait ^= (uint8_t)bit;
        else
            i->post ^= (uint8_t)bit;
    }
}

static struct graph graph;
static struct bytes bytes[MOST];

static bool racing(const struct scene *s, int a, int b) {
    (void)s;
    return lowest_conflict(&bytes[a], &bytes[b]) >= 0 &&
           !reaches(&graph, event(a, DONE), event(b, START)) &&
           !reaches(&graph, event(b, DONE), event(a, START));
}

/* Every fault said is a race, at the lowest byte of that space, said once. */
static void check_each_fault(const struct scene *s) {
    for (int f = 0; f < s->found; f++) {
        const struct svpe_fault *x = &s->fault[f];
        assert_true(x->first < x->second && racing(s, x->first, x->second));
        const struct bytes *a = &bytes[x->first], *b = &bytes[x->second];
        assert_true((x->first_writes ? a->written : a->read)[x->space][x->byte]);
        assert_true((x->second_writes ? b->written : b->read)[x->space][x->byte]);
        assert_true(x->first_writes || x->second_writes);
        for (int other = 0; other < f; other++)
            assert_false(s->fault[other].first == x->first && s->fault[other].second == x->second);
    }
}

/* Of the instructions of one queue that race with b, at least one is named (the last one to touch
 * the place). */
static int check_each_race(const struct scene *s) {
    int races = 0;
    for (int b = 0; b < s->count; b++)
        for (int a = 0; a < b; a++) {
            if (!racing(s, a, b)) continue;
            bool said = false;
            races++;
            for (int f = 0; f < s->found; f++)
                said |= s->fault[f].second == b && s->fault[f].first >= a &&
                        s->insn[s->fault[f].first].queue == s->insn[a].queue;
            assert_true(said);
        }
    return races;
}

static void test_random_programs(void **state) {
    (void)state;
    struct rng r = {0x0badcafe};
    int clean = 0, racy = 0, stuck = 0;
    for (int n = 0; n < 1500; n++) {
        struct scene s;
        open_scene(&s, 1 + below(&r, 3));
        add_random_program(&s, &r);
        bool good = draw_graph(&s, &graph);
        assert_int_equal(tokens_hold(&s), good);
        if (good) {
            memset(bytes, 0, sizeof bytes);
            for (int i = 0; i < s.count; i++)
                svpe_footprint(&s.machine, &s.insn[i], mark, &bytes[i]);
            find_races(&s);
            check_each_fault(&s);
            int races = check_each_race(&s);
            assert_int_equal(races > 0, s.found > 0);
            *(races ? &racy : &clean) += 1;
        } else {
            assert_int_not_equal(s.fault[0].kind, SVPE_FAULT_NONE);
            assert_non_null(svpe_fault_text(s.arena, &s.fault[0], s.insn, NULL, 0));
            stuck++;
        }
        close_scene(&s);
    }
    assert_true(clean > 50 && racy > 300 && stuck > 200);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_program),
        cmocka_unit_test(test_each_token_removed),
        cmocka_unit_test(test_race_says_first_byte_once),
        cmocka_unit_test(test_race_in_dram),
        cmocka_unit_test(test_lowest_byte_of_two_tiles),
        cmocka_unit_test(test_race_between_pixels),
        cmocka_unit_test(test_race_at_odd_pitch),
        cmocka_unit_test(test_room_for_faults),
        cmocka_unit_test(test_wait_before_its_post),
        cmocka_unit_test(test_wait_without_post),
        cmocka_unit_test(test_leftover),
        cmocka_unit_test(test_full_counter),
        cmocka_unit_test(test_full_counter_orders),
        cmocka_unit_test(test_waits_of_one_instruction_are_apart),
        cmocka_unit_test(test_random_programs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
