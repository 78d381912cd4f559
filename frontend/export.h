/* Inside the exporter: an ONNX graph being made, and what writes into it. */
#ifndef NBQ_FRONTEND_EXPORT_H
#define NBQ_FRONTEND_EXPORT_H

#include "frontend/frontend.h"

#include <onnx/onnx.pb-c.h>

enum {
    FE_F32 = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT,
    FE_F64 = ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE,
    FE_I8 = ONNX__TENSOR_PROTO__DATA_TYPE__INT8,
    FE_I16 = ONNX__TENSOR_PROTO__DATA_TYPE__INT16,
    FE_I64 = ONNX__TENSOR_PROTO__DATA_TYPE__INT64,
    FE_INPUTS_MAX = 8 /* of fe_put() */
};

/* Names are those of ONNX values and live in the arena. */
struct fe_export {
    struct ctx *c;
    struct arena *a;
    struct ir_graph *g;
    const struct ir_node *n;            /* the one being written, */
    int step;                           /* and how many names it has taken for its parts */
    Onnx__GraphProto *to;               /* nodes and initializers, */
    size_t node_room, initializer_room; /* and how many there is room for */
    int64_t opset;
};

/* export_build.c: parts of a graph. */
/* A name for a part of the node's result: "RESULT/1" and so on. */
const char *fe_part(struct fe_export *x);
/* A node of that operator; out NULL: a part. in: names up to the first NULL, "" one that is left
 * out. Its output. */
const char *fe_put(struct fe_export *x, const char *op, const char *out, const char *const *in);
const char *fe_put1(struct fe_export *x, const char *op, const char *a);
const char *fe_put2(struct fe_export *x, const char *op, const char *a, const char *b);
/* Attributes of the newest node. */
void fe_put_int(struct fe_export *x, const char *name, int64_t v);
void fe_put_float(struct fe_export *x, const char *name, double v);
void fe_put_ints(struct fe_export *x, const char *name, const int64_t *v, int count);
void fe_put_string(struct fe_export *x, const char *name, const char *v);
/* type: of TensorProto; out NULL: a part. */
const char *fe_put_cast(struct fe_export *x, const char *a, int type, const char *out);
/* Constants. The bytes of data are written when the model is. */
const char *fe_put_tensor(struct fe_export *x, const char *name, int type, int rank,
                          const int64_t *dims, const void *data, size_t bytes);
const char *fe_put_i64s(struct fe_export *x, const int64_t *v, int count); /* rank 1 */
const char *fe_put_f64(struct fe_export *x, double v);                     /* rank 0 */
const char *fe_put_f32(struct fe_export *x, double v);                     /* rank 0 */
/* One for each channel of an image: [count,1,1]. */
const char *fe_put_channels(struct fe_export *x, const double *v, int64_t count);
int fe_onnx_type(enum ir_dtype t);

/* export_quant.c: the node in x->n, which is no operator of ONNX, as ordinary ONNX. False after
 * saying why it cannot be. */
bool fe_export_quant(struct fe_export *x);

/* export_conv.c: Σ w·in over each window, exactly, in double. in: an image of whole numbers in
 * float, at most `most` each, padded already; w: [O, C/group, kh, kw]. NULL after saying that the
 * sums are too long. */
struct fe_sum {
    const char *in;
    int64_t most;
    const int16_t *w;
    int64_t dims[4];
    int64_t strides[2], dilations[2], group;
};
const char *fe_put_sum(struct fe_export *x, const struct fe_sum *s);

#endif
