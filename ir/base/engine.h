/* Something that maps inputs to outputs: the float reference of a model. Lets nbq-run,
 * which may not include ir/, run `--reference MODEL.onnx` through frontend/reference.c; a build
 * without the frontend leaves it out (nbq-run then says so). */
#ifndef NBQ_BASE_ENGINE_H
#define NBQ_BASE_ENGINE_H

#include "base/ctx.h"

struct engine_tensor {
    const char *name;
    int rank;
    int64_t dims[8];
    const char *type; /* of an element: "f32", "i64", … */
    void *values;     /* owned by the engine, valid until the next run */
};

struct engine {
    void *self;
    int input_count, output_count;
    const struct engine_tensor *inputs; /* values are NULL here */
    /* inputs[i]: input_count arrays in declared order. Outputs stay valid until the next run. False
     * after saying why. */
    bool (*run)(struct engine *e, const void *const *inputs, const struct engine_tensor **outputs);
};

/* Sizes of the open dimensions of a model's inputs, and where the model is cut. */
struct engine_sizes {
    const char *const *dims; /* "NAME=K" */
    int dim_count;
    /* Inputs of another model, in order: those of the same rank give what no name gives. */
    const struct engine_tensor *like;
    int like_count;
    /* What of the model is wanted, names with commas between them: "NAME,…"; inputs also
     * "NAME:1x3x32x32". None: all of it. */
    const char *const *outputs, *const *inputs;
    int output_count, input_count;
};

/* frontend/reference.c: opens the ONNX file; everything is owned by c. NULL after an error. sizes
 * may be NULL. */
struct engine *engine_open_onnx(struct ctx *c, struct arena *a, const char *path,
                                const struct engine_sizes *sizes);

#endif
