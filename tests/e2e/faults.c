/* The n-th allocation fails, for every n: compile, load and run end with a message or a status, and
 * readers of data likewise, never with a crash or a leak (the leak checker of the sanitized build
 * watches).
 *
 *     faults MODEL.onnx [STEP [SCHEDULE.lua]]
 *     faults --data KIND:PATH|FILE
 *     faults --refused FILE       (a damaged one)
 *
 * malloc, calloc and realloc are wrapped by the linker (CMakeLists.txt), so that every library of
 * ours is covered. Each n is tried twice: that allocation alone, and all from it on. With STEP only
 * each STEP-th n is tried. Prints the number of allocations and of failures tried.
 */
#include "backend/backend.h"
#include "base/data.h"
#include "frontend/frontend.h"
#include "passes/passes.h"
#include "runtime/nbq.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Names the linker gives (--wrap). NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl*) */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl*) */

/* The one place with global state: the wrapped functions have no other way to know. */
static atomic_long made, fail_at;

static atomic_bool ever_after; /* all later ones fail as well: memory is really gone */

static bool fails(void) {
    long n = atomic_fetch_add(&made, 1) + 1, at = atomic_load(&fail_at);
    return at && (atomic_load(&ever_after) ? n >= at : n == at);
}

void *__wrap_malloc(size_t size) {
    return fails() ? NULL : __real_malloc(size);
}
void *__wrap_calloc(size_t count, size_t size) {
    return fails() ? NULL : __real_calloc(count, size);
}
void *__wrap_realloc(void *p, size_t size) {
    return fails() ? NULL : __real_realloc(p, size);
}

enum outcome { FINISHED, NO_MEMORY, WRONG };

struct job {
    enum outcome (*work)(struct ctx *c, struct job *job);
    const char *path; /* or the description of a dataset */
    const char *schedule;
    struct writer program;
};

/* Everything nbqc does, into job->program. False when a step says no. */
static bool compile(struct ctx *c, struct job *job) {
    struct arena *a = arena_new(c);
    struct fe_options fe = {0};
    struct pass_run run = {0};
    struct pass_options o = {.weight_bits = 4,
                             .act_bits = 8,
                             .calib = CALIB_MSE,
                             .calib_count = 1,
                             .seed = 1,
                             .threads = 2};
    for (int i = 0; i < 4; i++) o.preprocess.std[i] = 1;
    o.preprocess.scale = 1 / 255.0;
    o.preprocess.given = true;
    o.target = svpe_target_find(c, a, "tiny");
    struct ir_graph *g = o.target ? fe_import(c, job->path, &fe) : NULL;
    if (!g || !pass_pipeline(g, &o, &run)) return false;
    struct be_options be = {
        .target = o.target, .act_bits = 8, .schedule = job->schedule, .preprocess = o.preprocess};
    struct be_plan *plan = be_plan(c, g, &be);
    struct svpe_program *p = plan ? be_lower(c, plan, &be) : NULL;
    if (!p) return false;
    writer_init(&job->program, a);
    svpe_write(p, &job->program);
    return true;
}

static enum nbq_status load_and_run(const struct job *job) {
    struct nbq_program *program;
    struct nbq_session *session;
    char message[256];
    enum nbq_status s =
        nbq_load(job->program.data, job->program.size, "memory", &program, message, sizeof message);
    if (s != NBQ_OK) return s;
    s = nbq_open(program, "emulator", &session);
    if (s == NBQ_OK) {
        struct nbq_tensor_info in = nbq_input_info(program, 0);
        size_t n = (size_t)in.channels * (size_t)in.height * (size_t)in.width;
        uint8_t *bytes = calloc(n, 1);
        s = bytes ? nbq_set_input_u8(session, 0, bytes, n) : NBQ_NO_MEMORY;
        if (s == NBQ_OK) s = nbq_run(session);
        free(bytes);
        nbq_close(session);
    }
    nbq_program_free(program);
    return s;
}

static enum outcome compile_and_run(struct ctx *c, struct job *job) {
    if (!compile(c, job)) return WRONG;
    enum nbq_status s = load_and_run(job);
    return s == NBQ_OK ? FINISHED : s == NBQ_NO_MEMORY ? NO_MEMORY : WRONG;
}

static enum outcome read_data(struct ctx *c, struct job *job) {
    struct arena *a = arena_new(c);
    struct sample s;
    if (!strchr(job->path, ':')) return data_read_file(c, a, job->path, &s) ? FINISHED : WRONG;
    const struct dataset *d = data_open(c, a, job->path);
    for (long i = 0; d && i < data_count(d); i++)
        if (!data_get(c, a, d, i, &s)) return WRONG;
    return d ? FINISHED : WRONG;
}

/* Saying why a file is refused runs out of memory as well. */
static enum outcome read_refused(struct ctx *c, struct job *job) {
    struct sample s;
    return !data_read_file(c, arena_new(c), job->path, &s) && c->errors == 1 ? FINISHED : WRONG;
}

static enum outcome one_try(struct job *job, long n) {
    struct ctx c;
    volatile enum outcome result = WRONG;
    ctx_init(&c, NULL, NULL);
    atomic_store(&made, 0);
    atomic_store(&fail_at, n);
    if (setjmp(c.oom))
        result = NO_MEMORY;
    else
        result = job->work(&c, job);
    if (result == WRONG)
        fprintf(stderr, "allocation %ld: %s\n", n,
                c.first ? c.first->message : "failed without a message");
    atomic_store(&fail_at, 0);
    ctx_free(&c);
    return result;
}

static bool survives(struct job *job, long n, long total) {
    enum outcome r = one_try(job, n);
    /* Threads may share the allocations differently: an n near the end may not come up. */
    if (r == NO_MEMORY || (r == FINISHED && atomic_load(&made) < n)) return true;
    /* Lua collects its garbage and asks again. */
    if (r == FINISHED && job->schedule && !atomic_load(&ever_after)) return true;
    fprintf(stderr, "allocation %ld of %ld%s: %s\n", n, total,
            atomic_load(&ever_after) ? " and all later" : "",
            r == WRONG ? "wrong outcome" : "went unnoticed");
    return false;
}

int main(int argc, char **argv) {
    if (argc < 2) return EXIT_USAGE;
    bool refused = argc > 2 && !strcmp(argv[1], "--refused");
    bool data = refused || (argc > 2 && !strcmp(argv[1], "--data"));
    struct job job = {refused ? read_refused
                      : data  ? read_data
                              : compile_and_run,
                      argv[data ? 2 : 1],
                      !data && argc > 3 ? argv[3] : NULL,
                      {0}};
    long step = !data && argc > 2 ? strtol(argv[2], NULL, 10) : 1, tried = 0, wrong = 0;
    if (one_try(&job, 0) != FINISHED) {
        fprintf(stderr, "does not work even with memory\n");
        return 1;
    }
    long total = atomic_load(&made);
    for (int all = 0; all < 2; all++) {
        atomic_store(&ever_after, all != 0);
        for (long n = 1; n <= total; n += step, tried++) wrong += !survives(&job, n, total);
    }
    printf("%ld allocations, %ld failures tried, %ld wrong\n", total, tried, wrong);
    return wrong != 0;
}
