/* Tensors of ONNX's test cases: the runner's own reading of them, which shares nothing with the
 * importer that it checks. */
#ifndef NBQ_TESTS_ONNX_TENSOR_H
#define NBQ_TESTS_ONNX_TENSOR_H

#include "base/engine.h"
#include "ir/ir.h"

struct Onnx__TensorProto;

/* An element type of TensorProto. */
struct test_type {
    const char *name; /* as in TensorProto.DataType, in small letters */
    /* What the IR stores it as; IR_DTYPE_COUNT: nothing. Narrow floats are kept in f32, integers of
     * fewer than 8 bits in 8. */
    enum ir_dtype dtype;
    bool real;
    int bits;        /* of an element in raw_data */
    double relative; /* how far a result may be off, as ONNX's own runner has it */
    /* Of floats: bits of exponent and mantissa, what the exponent is off by, which codes are no
     * numbers: those of IEEE 754, the one of all bits, that of −0, none. */
    int exponent, mantissa, bias;
    enum { SPECIALS_IEEE, SPECIALS_TOP, SPECIALS_ZERO, SPECIALS_NONE } specials;
};
const struct test_type *test_type(int32_t number); /* NULL: not one that is read */

struct test_tensor {
    const struct test_type *type;
    int rank;
    int64_t dims[IR_MAX_RANK], count;
    double *real;   /* of floats */
    int64_t *whole; /* of all others; uint64 as its bits */
};

/* False: not a tensor of numbers in a form that ONNX allows. */
bool test_tensor_of(struct arena *a, const struct Onnx__TensorProto *p, struct test_tensor *out);
bool test_tensor_read(struct ctx *c, struct arena *a, const char *path, struct test_tensor *out);
/* The elements as the IR stores them in a value of this type. */
const void *test_tensor_data(struct arena *a, const struct test_tensor *t, enum ir_dtype to);
/* NULL, or what is wrong with v, whose elements are in data. */
const char *test_tensor_differs(struct arena *a, const struct test_tensor *want,
                                const struct ir_value *v, const void *data);

#endif
