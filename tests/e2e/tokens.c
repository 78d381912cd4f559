/* Is every token of a program needed, and is each one's absence noticed?
 *
 *     tokens PROGRAM.svpe [COUNT [SEED]]
 *
 * A token is a post and the wait that takes it (the k-th of a counter). For each one (or COUNT
 * drawn by SEED) three programs are made: without the pair, without the post alone, without the
 * wait alone. The first must have a race between the two instructions the token stood between, else
 * the token was redundant; the others must be reported in some way (a later wait starves, a token
 * is left over). Prints counts; exit 1 if a token is redundant or a fault goes unnoticed.
 */
#include "base/file.h"
#include "isa/isa.h"
#include "runtime/device.h"

#include <stdlib.h>
#include <string.h>

struct token {
    int post, wait; /* instructions */
    int from, to;   /* queues */
};

/* Tokens of all counters in the order of their waits. */
static int list_tokens(struct arena *a, const struct svpe_insn *insns, int count,
                       struct token **out) {
    enum { Q = SVPE_QUEUE_COUNT };
    struct token *list = arena_array(a, (size_t)count * Q + 1, sizeof *list);
    int n = 0;
    for (int from = 0; from < Q; from++)
        for (int to = 0; to < Q; to++) {
            int p = 0;
            for (int w = 0; w < count; w++) {
                if ((int)insns[w].queue != to || !(insns[w].wait >> from & 1)) continue;
                while (p < count && !((int)insns[p].queue == from && insns[p].post >> to & 1)) p++;
                if (p < count) list[n++] = (struct token){p++, w, from, to};
            }
        }
    *out = list;
    return n;
}

static bool faulty(struct arena *a, const struct svpe_machine *m, const struct svpe_insn *insns,
                   int count) {
    struct svpe_fault f;
    return !svpe_check_tokens(m, insns, count, &f) ||
           svpe_check_races(a, m, insns, count, &f, 1) > 0;
}

enum { ROOM = 256 };

/* Without the pair: a race that names both its ends. */
static bool names_both(struct arena *a, const struct svpe_machine *m, const struct svpe_insn *insns,
                       int count, const struct token *t) {
    struct svpe_fault f[ROOM];
    if (!svpe_check_tokens(m, insns, count, f)) return false;
    int n = svpe_check_races(a, m, insns, count, f, ROOM);
    for (int i = 0; i < n && i < ROOM; i++) {
        bool ends = (f[i].first == t->post && f[i].second == t->wait) ||
                    (f[i].first == t->wait && f[i].second == t->post);
        if (f[i].kind == SVPE_FAULT_RACE && ends) return true;
    }
    return false;
}

struct tally {
    int tokens, redundant, unnoticed;
};

static void try_token(struct ctx *c, const struct svpe_machine *m, struct svpe_insn *insns,
                      int count, const struct token *t, struct tally *sum) {
    struct arena *a = arena_new(c);
    uint8_t post = (uint8_t)(1 << t->to), wait = (uint8_t)(1 << t->from);
    sum->tokens++;
    insns[t->post].post ^= post;
    if (!faulty(a, m, insns, count)) sum->unnoticed++;
    insns[t->wait].wait ^= wait;
    if (!names_both(a, m, insns, count, t)) {
        sum->redundant++;
        printf("redundant: #%d %s to #%d %s\n", t->post, svpe_queue_name((enum svpe_queue)t->from),
               t->wait, svpe_queue_name((enum svpe_queue)t->to));
    }
    insns[t->post].post ^= post;
    if (!faulty(a, m, insns, count)) sum->unnoticed++;
    insns[t->wait].wait ^= wait;
    arena_free(a);
}

static int run(struct ctx *c, int argc, char **argv) {
    struct arena *a = arena_new(c);
    struct file_view v;
    struct tally sum = {0};
    if (!file_map(c, argv[1], &v)) return 1;
    struct rt_image *image = rt_image_load(c, a, argv[1], v.data, v.size);
    if (!image) return 1;
    int wanted = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 0;
    struct rng r = {argc > 3 ? strtoull(argv[3], NULL, 10) : 1};
    for (int s = 0; s < image->program->segment_count; s++) {
        struct svpe_insn *insns = image->insns + image->segment_first[s];
        int count = image->segment_first[s + 1] - image->segment_first[s];
        struct token *list;
        int n = list_tokens(a, insns, count, &list);
        if (faulty(a, &image->machine, insns, count)) {
            printf("the program itself is faulty\n");
            return 1;
        }
        for (int i = 0; i < (wanted ? wanted : n) && n; i++)
            try_token(c, &image->machine, insns, count,
                      &list[wanted ? rng_below(&r, (uint32_t)n) : (uint32_t)i], &sum);
        printf("segment %d: %d instructions, %d tokens\n", s, count, n);
    }
    printf("%d removed, %d redundant, %d unnoticed\n", sum.tokens, sum.redundant, sum.unnoticed);
    return !sum.tokens || sum.redundant || sum.unnoticed;
}

int main(int argc, char **argv) {
    struct ctx c;
    if (argc < 2) return EXIT_USAGE;
    ctx_init(&c, "tokens", stderr);
    if (setjmp(c.oom)) return EXIT_INTERNAL;
    int status = run(&c, argc, argv);
    ctx_free(&c);
    return status;
}
