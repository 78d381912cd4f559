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
    const char *type; /* of an element: "f32", "i64", … */
    size_t count;     /* elements */
};

/* A program on a device, or a float model. One per thread. */
struct run_model {
    struct ctx *c;
    struct arena *a;
    const char *file;
    int input_count, output_count;
    struct run_tensor *inputs, *outputs;
    struct preprocess preprocess;      /* of the reference's byte images */
    int mean_count, std_count;         /* as in struct run_job */
    const struct nbq_program *program; /* NULL: the reference */
    struct nbq_session *session;
    struct engine *engine;
    void **in;    /* the reference's */
    void **out;   /* of the last run, elements of their types */
    float **real; /* the same as floats */
};

struct run_job {
    const struct nbq_program *program; /* or */
    const char *reference;
    const char *file, *device;
    struct preprocess preprocess;
    int mean_count, std_count; /* numbers on the command line; 0 and 1 go with any input */
    const char *against;       /* NULL: none */
    const char *const *dims;   /* "NAME=K", of the float models */
    int dim_count;
    const char *const *outputs, *const *inputs; /* where the model is cut */
    int output_count, input_count;
    int threads;
    int label_offset; /* the class of label L is L + this */
    bool checked;     /* for races and deadlocks: there are none */
};

/* model.c: each says what is wrong and returns false. What is opened is closed by ctx_free(c). */
bool run_open(struct run_model *m, struct ctx *c, struct arena *a, const struct run_job *job);
/* Its open dimensions are as in the model it stands beside. */
bool run_open_against(struct run_model *m, struct ctx *c, struct arena *a,
                      const struct run_job *job, const struct run_model *beside);
bool run_set(struct run_model *m, int input, const struct sample *s);
/* Random values for input n of m and of the other model (NULL: none), whatever either of them is:
 * one seed gives a program and its float model the same input. Floats are normal values, bytes any,
 * other integers 0 and 1. */
bool run_set_random(struct run_model *m, struct run_model *other, int input, struct rng *r);
bool run_once(struct run_model *m);
/* What the program does to its byte images, for the reference beside it. */
struct preprocess run_preprocess_of(const struct nbq_program *p, int input);

/* evaluate.c */
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
/* An exit code. */
int run_evaluate(struct ctx *c, struct arena *a, const struct run_job *job, const char *data,
                 long count, struct run_score *out);
/* Of a command that failed with these messages. */
int run_exit_code(const struct ctx *c);

/* report.c */
void run_print_program(FILE *to, const struct nbq_program *p);
void run_print_reference(FILE *to, const struct run_model *m);
/* The five best classes, or the first values: an output of the last run. */
void run_print_output(FILE *to, const struct run_model *m, int output);
void run_print_score(FILE *to, const struct run_score *s, const struct run_job *job);
/* m: its outputs are of the one run there was; NULL after an evaluation. */
void run_print_json(FILE *to, const struct run_score *s, const struct run_job *job,
                    const struct run_model *m);
double run_now(void); /* seconds */

#endif
