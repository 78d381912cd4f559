/* Evaluation on a dataset: each thread has its own context, device and reference; scores are
 * sums of whole numbers, so that they do not depend on how the images were shared out. */
#include "runtime/tools/run.h"

#include "base/progress.h"
#include "runtime/pool.h"

#include <stdlib.h>

enum { BEST = 5 };

struct worker {
    struct ctx ctx; /* messages are kept: only those of the first image that failed are printed */
    struct arena *arena;
    struct run_model model, against;
    struct run_score score;
    long failed; /* index of the image, −1: none */
};

struct evaluation {
    const struct run_job *job;
    const struct dataset *data;
    struct worker *workers;
    int opened;
    struct progress *progress;
};

int run_best(const float *values, size_t count) {
    size_t best = 0;
    for (size_t n = 1; n < count; n++)
        if (values[n] > values[best]) best = n;
    return (int)best;
}

size_t run_rank(const float *values, size_t count, size_t label) {
    size_t rank = 0;
    for (size_t n = 0; n < count; n++)
        if (values[n] > values[label] || (n < label && values[n] == values[label])) rank++;
    return rank;
}

/* ---- One image ---- */

static bool compare(struct worker *w, const struct sample *s) {
    size_t count = w->model.outputs[0].count;
    if (!run_set(&w->against, 0, s) || !run_once(&w->against)) return false;
    if (w->against.outputs[0].count != count) {
        diag(&w->ctx, run_outputs, w->against.file, (long long)w->against.outputs[0].count,
             (long long)count);
        return false;
    }
    w->score.agree += run_best(w->model.real[0], count) == run_best(w->against.real[0], count);
    return true;
}

/* Sets *class to −1 where there is no label. */
static bool find_class(struct worker *w, const struct sample *s, int offset, size_t classes,
                       int *class) {
    *class = s->label < 0 ? -1 : s->label + offset;
    if (s->label < 0 || (*class >= 0 && (size_t) * class < classes)) return true;
    const char *more = s->label == DATA_LABEL_MAX ? " or more" : "";
    const char *shifted = more;
    if (offset)
        shifted = arena_printf(w->arena, "%s %c %d", more, offset < 0 ? '-' : '+', abs(offset));
    diag(&w->ctx, run_label, s->name, s->label, shifted, classes, classes == 1 ? "" : "es",
         classes - 1);
    return false;
}

static bool evaluate_image(struct evaluation *e, struct worker *w, long index) {
    struct arena *a = arena_new(&w->ctx);
    struct sample s;
    if (!data_get(&w->ctx, a, e->data, index, &s)) return false;
    double start = run_now();
    if (!run_set(&w->model, 0, &s) || !run_once(&w->model)) return false;
    w->score.busy += run_now() - start;
    size_t count = w->model.outputs[0].count;
    w->score.images++;
    int class;
    if (!find_class(w, &s, e->job->label_offset, count, &class)) return false;
    if (class >= 0) {
        size_t rank = run_rank(w->model.real[0], count, (size_t) class);
        w->score.top1 += rank == 0;
        w->score.top5 += rank < BEST;
    }
    w->score.labelled += class >= 0;
    if (e->job->against && !compare(w, &s)) return false;
    arena_free(a);
    return true;
}

static bool out_of_memory(struct ctx *c) {
    diag(c, run_memory, NULL);
    return false;
}

static bool work(void *user, int worker, long index) {
    struct evaluation *e = user;
    struct worker *w = &e->workers[worker];
    bool good = setjmp(w->ctx.oom) ? out_of_memory(&w->ctx) : evaluate_image(e, w, index);
    if (!good) w->failed = index;
    progress_step(e->progress, 1);
    return good;
}

/* ---- All of them ---- */

static bool open_models(struct evaluation *e, struct worker *w) {
    const struct run_job *j = e->job;
    if (setjmp(w->ctx.oom)) return out_of_memory(&w->ctx);
    w->arena = arena_new(&w->ctx);
    if (!run_open(&w->model, &w->ctx, w->arena, j)) return false;
    if (w->model.input_count != 1) {
        diag(&w->ctx, run_one_input, w->model.file, w->model.input_count);
        return false;
    }
    return !j->against || run_open_against(&w->against, &w->ctx, w->arena, j, &w->model);
}

int run_exit_code(const struct ctx *c) {
    bool usage = diag_find(c, "run_numbers") || diag_find(c, "fe_dim_form");
    return usage ? EXIT_USAGE : EXIT_BAD_INPUT;
}

/* Their exit code. */
static int print_messages(struct ctx *c, const struct worker *w) {
    for (const struct diag *d = w->ctx.first; d; d = d->next) diag_print(d, c->tool, stderr);
    return run_exit_code(&w->ctx);
}

static int open_workers(struct ctx *c, struct evaluation *e, int threads) {
    for (int n = 0; n < threads; n++) {
        struct worker *w = &e->workers[n];
        ctx_init(&w->ctx, c->tool, NULL);
        w->failed = -1;
        e->opened = n + 1;
        if (!open_models(e, w)) return print_messages(c, w);
    }
    return EXIT_OK;
}

static const struct worker *first_failure(const struct evaluation *e) {
    const struct worker *first = NULL;
    for (int n = 0; n < e->opened; n++)
        if (e->workers[n].failed >= 0 && (!first || e->workers[n].failed < first->failed))
            first = &e->workers[n];
    return first;
}

static void add_scores(const struct evaluation *e, struct run_score *out) {
    for (int n = 0; n < e->opened; n++) {
        const struct run_score *s = &e->workers[n].score;
        out->images += s->images;
        out->labelled += s->labelled;
        out->top1 += s->top1;
        out->top5 += s->top5;
        out->agree += s->agree;
        out->busy += s->busy;
    }
    out->compared = e->job->against != NULL;
}

static int run_workers(struct ctx *c, struct evaluation *e, int threads, long count,
                       struct run_score *out) {
    int rc = open_workers(c, e, threads);
    if (rc != EXIT_OK) return rc;
    double start = run_now();
    e->progress = progress_begin(c, arena_new(c), "evaluating", count);
    bool good = rt_parallel(threads, count, work, e);
    progress_end(e->progress);
    out->seconds = run_now() - start;
    if (!good) rc = print_messages(c, first_failure(e));
    add_scores(e, out);
    return rc;
}

int run_evaluate(struct ctx *c, struct arena *a, const struct run_job *job, const char *data,
                 long count, struct run_score *out) {
    struct evaluation e = {.job = job, .data = data_open(c, a, data)};
    if (!e.data) return run_exit_code(c);
    long images = data_count(e.data);
    if (count > 0 && count < images) images = count;
    if (images == 0) {
        diag(c, run_no_images, data);
        return EXIT_BAD_INPUT;
    }
    int threads = job->threads < images ? job->threads : (int)images;
    e.workers = arena_array(a, (size_t)threads, sizeof *e.workers);
    *out = (struct run_score){0};
    int rc = run_workers(c, &e, threads, images, out);
    for (int n = 0; n < e.opened; n++) ctx_free(&e.workers[n].ctx);
    return rc;
}
