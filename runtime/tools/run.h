/* The parts of nbq-run: a model that takes samples and gives floats, evaluation on a dataset,
 * what is printed. */
#ifndef NBQ_RUNTIME_TOOLS_RUN_H
#define NBQ_RUNTIME_TOOLS_RUN_H

#include "base/bytes.h"
#include "base/data.h"
#include "base/engine.h"
#include "runtime/diag.h"
#include "runtime/nbq.h"

struct run_tensor {
    const char *name;
    int rank;
    int64_t dims[8];
    int channels, height, width;
    size_t count; /* elements */
};

/* A program on a device, or a float model. One per thread. */
struct run_model {
    struct ctx *c;
    struct arena *a;
    const char *file;
    int input_count, output_count;
    struct run_tensor *inputs, *outputs;
    struct preprocess preprocess;      /* of the reference's byte images */
    const struct nbq_program *program; /* NULL: the reference */
    struct nbq_session *session;
    struct engine *engine;
    float **in;  /* the reference's */
    float **out; /* of the last run */
};

/* model.c: each says what is wrong and returns false. What is opened is closed by ctx_free(c). */
bool run_open_program(struct run_model *m, struct ctx *c, struct arena *a,
                      const struct nbq_program *p, const char *file, const char *device);
bool run_open_reference(struct run_model *m, struct ctx *c, struct arena *a, const char *file,
                        const struct preprocess *p);
bool run_set(struct run_model *m, int input, const struct sample *s);
/* Random stored integers over the whole range of the input, or normal floats. */
bool run_set_random(struct run_model *m, int input, struct rng *r);
bool run_once(struct run_model *m);
/* What the program does to its byte images, for the reference beside it. */
struct preprocess run_preprocess_of(const struct nbq_program *p);

/* evaluate.c */
struct run_job {
    const struct nbq_program *program; /* or */
    const char *reference;
    const char *file, *device;
    struct preprocess preprocess;
    const char *against; /* NULL: none */
    int threads;
};
struct run_score {
    long images, labelled, top1, top5, agree;
    bool compared;
    double seconds; /* of the whole evaluation, files and --against included */
    double busy;    /* of all threads, in the model */
};
int run_best(const float *values, size_t count); /* the largest, the first of equals */
/* Place of class `label` in the order of falling values, the first of equals first: 0 is the
 * best. */
size_t run_rank(const float *values, size_t count, size_t label);
bool run_evaluate(struct ctx *c, struct arena *a, const struct run_job *job, const char *data,
                  long count, struct run_score *out);

/* report.c */
void run_print_program(const struct nbq_program *p);
void run_print_reference(const struct run_model *m);
void run_print_output(const struct run_tensor *t,
                      const float *values); /* top-5, or the first values */
void run_print_score(const struct run_score *s, const struct run_job *job);
void run_print_json(const struct run_score *s, const struct nbq_program *p);
double run_now(void); /* seconds */

#endif
