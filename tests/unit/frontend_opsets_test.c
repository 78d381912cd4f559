/* Every operator of ops.def at every opset, in the form that opset's definition gives it. */
#include "frontend_help.h"

#include "frontend/import.h"

#include <stdio.h>

/* One form of an operator, at opsets first…last (0: no end). Inputs: x is 1×2×6×5, v 2 numbers, and
 * names of shapes and lists below. Attributes: "name=i:1,2" ints, "=g:1,2.5" floats, "=n:1"
 * int, "=f:0.5" float, "=s:text" string. */
struct form {
    const char *op;
    int first, last;
    const char *inputs, *attributes;
    int rank;
    int64_t dims[6]; /* of the output, worked out by hand */
};

static const struct form forms[] = {
    {"QuantizeLinear", 10, 0, "x one", "", 4, {1, 2, 6, 5}},
    {"QuantizeLinear", 13, 0, "x v", "axis=n:1", 4, {1, 2, 6, 5}},
    {"DequantizeLinear", 10, 0, "bytes one", "", 4, {1, 2, 6, 5}},
    {"DequantizeLinear", 13, 0, "bytes v", "axis=n:-3", 4, {1, 2, 6, 5}},
    {"Conv", 1, 0, "x w", "pads=i:1,0,2,1 strides=i:2,1 kernel_shape=i:3,3", 4, {1, 3, 4, 4}},
    {"Conv", 1, 0, "x w b", "auto_pad=s:SAME_UPPER", 4, {1, 3, 6, 5}},
    {"Gemm", 1, 6, "m n v", "broadcast=n:1 transB=n:1", 2, {3, 2}},
    {"Gemm", 7, 0, "m n v", "transB=n:1 alpha=f:0.5 beta=f:2", 2, {3, 2}},
    {"Gemm", 11, 0, "m n", "transA=n:0 transB=n:1", 2, {3, 2}},
    {"MatMul", 1, 0, "x m5", "", 4, {1, 2, 6, 4}},
    {"BatchNormalization",
     1,
     5,
     "x v v v v",
     "consumed_inputs=i:0,0,0,1,1 is_test=n:1 spatial=n:1",
     4,
     {1, 2, 6, 5}},
    {"BatchNormalization",
     6,
     6,
     "x v v v v",
     "is_test=n:1 spatial=n:1 epsilon=f:0.1",
     4,
     {1, 2, 6, 5}},
    {"BatchNormalization", 7, 8, "x v v v v", "spatial=n:1 momentum=f:0.5", 4, {1, 2, 6, 5}},
    {"BatchNormalization", 9, 0, "x v v v v", "momentum=f:0.5", 4, {1, 2, 6, 5}},
    {"BatchNormalization", 14, 0, "x v v v v", "training_mode=n:0", 4, {1, 2, 6, 5}},
    {"Relu", 1, 5, "x", "consumed_inputs=i:0", 4, {1, 2, 6, 5}},
    {"Relu", 6, 0, "x", "", 4, {1, 2, 6, 5}},
    {"Clip", 1, 10, "x", "min=f:0 max=f:6", 4, {1, 2, 6, 5}},
    {"Clip", 11, 0, "x - one", "", 4, {1, 2, 6, 5}},
    {"Add", 1, 6, "x v", "broadcast=n:1 axis=n:1", 4, {1, 2, 6, 5}},
    {"Add", 7, 0, "x v11", "", 4, {1, 2, 6, 5}},
    {"Sub", 1, 6, "x v", "broadcast=n:1 axis=n:1", 4, {1, 2, 6, 5}},
    {"Sub", 7, 0, "x x", "", 4, {1, 2, 6, 5}},
    {"Mul", 1, 6, "x one", "broadcast=n:1", 4, {1, 2, 6, 5}},
    {"Mul", 7, 0, "v11 x", "", 4, {1, 2, 6, 5}},
    {"Div", 1, 6, "x v", "broadcast=n:1 axis=n:-3", 4, {1, 2, 6, 5}},
    {"Div", 7, 0, "x one", "", 4, {1, 2, 6, 5}},
    {"MaxPool", 1, 0, "x", "kernel_shape=i:2,2 strides=i:2,2 pads=i:0,0,0,1", 4, {1, 2, 3, 3}},
    {"MaxPool", 8, 0, "x", "kernel_shape=i:2,2 storage_order=n:1", 4, {1, 2, 5, 4}},
    {"MaxPool",
     10,
     0,
     "x",
     "kernel_shape=i:2,2 strides=i:2,2 ceil_mode=n:1 dilations=i:1,1",
     4,
     {1, 2, 3, 3}},
    {"AveragePool", 1, 0, "x", "kernel_shape=i:3,2 auto_pad=s:SAME_LOWER", 4, {1, 2, 6, 5}},
    {"AveragePool",
     7,
     0,
     "x",
     "kernel_shape=i:3,3 count_include_pad=n:1 pads=i:1,1,1,1",
     4,
     {1, 2, 6, 5}},
    {"AveragePool", 10, 0, "x", "kernel_shape=i:2,2 strides=i:2,2 ceil_mode=n:1", 4, {1, 2, 3, 3}},
    {"AveragePool", 19, 0, "x", "kernel_shape=i:2,2 dilations=i:1,1", 4, {1, 2, 5, 4}},
    {"GlobalAveragePool", 1, 0, "x", "", 4, {1, 2, 1, 1}},
    {"Softmax", 1, 0, "x", "axis=n:2", 4, {1, 2, 6, 5}},
    {"Pad", 1, 1, "x", "paddings=i:0,0,1,0,0,0,0,2 mode=s:constant", 4, {1, 2, 7, 7}},
    {"Pad", 2, 10, "x", "pads=i:0,0,1,0,0,0,0,2 value=f:3", 4, {1, 2, 7, 7}},
    {"Pad", 11, 0, "x pads one", "mode=s:constant", 4, {1, 2, 7, 7}},
    {"Pad", 18, 0, "x two_pads - two_axes", "", 4, {1, 2, 7, 7}},
    {"Slice", 1, 9, "x", "starts=i:1,0 ends=i:5,-1 axes=i:2,3", 4, {1, 2, 4, 4}},
    {"Slice", 1, 9, "x", "starts=i:0,1 ends=i:1,2", 4, {1, 1, 6, 5}},
    {"Slice", 10, 0, "x starts ends axes steps", "", 4, {1, 2, 2, 4}},
    {"Concat", 1, 3, "x x", "", 4, {1, 4, 6, 5}},
    {"Concat", 1, 0, "x x x", "axis=n:2", 4, {1, 2, 18, 5}},
    {"Concat", 11, 0, "x x", "axis=n:-1", 4, {1, 2, 6, 10}},
    {"Reshape", 1, 4, "x", "shape=i:0,-1,3", 3, {1, 20, 3}},
    {"Reshape", 5, 0, "x shape", "", 3, {1, 20, 3}},
    {"Reshape", 14, 0, "x whole", "allowzero=n:1", 2, {6, 10}},
    {"Flatten", 1, 0, "x", "axis=n:2", 2, {2, 30}},
    {"Transpose", 1, 0, "x", "perm=i:0,2,3,1", 4, {1, 6, 5, 2}},
    {"Transpose", 1, 0, "x", "", 4, {5, 6, 2, 1}},
    {"Squeeze", 1, 12, "x", "axes=i:0", 3, {2, 6, 5}},
    {"Squeeze", 13, 0, "x axis0", "", 3, {2, 6, 5}},
    {"Unsqueeze", 1, 12, "x", "axes=i:1,5", 6, {1, 1, 2, 6, 5, 1}},
    {"Unsqueeze", 13, 0, "x axis0", "", 5, {1, 1, 2, 6, 5}},
    {"Identity", 1, 0, "x", "", 4, {1, 2, 6, 5}},
    {"Dropout", 1, 5, "x", "consumed_inputs=i:0 is_test=n:1 ratio=f:0.3", 4, {1, 2, 6, 5}},
    {"Dropout", 6, 6, "x", "is_test=n:1", 4, {1, 2, 6, 5}},
    {"Dropout", 7, 11, "x", "ratio=f:0.3", 4, {1, 2, 6, 5}},
    {"Dropout", 12, 0, "x one", "seed=n:7", 4, {1, 2, 6, 5}},
    {"Constant", 12, 0, "", "value_ints=i:4,5,6", 1, {3}},
    {"Shape", 1, 0, "x", "", 1, {4}},
    {"Shape", 15, 0, "x", "start=n:1 end=n:-1", 1, {2}},
    {"Gather", 1, 0, "x axis0", "axis=n:2", 4, {1, 2, 1, 5}},
    {"Cast", 1, 5, "x", "to=s:INT64", 4, {1, 2, 6, 5}},
    {"Cast", 6, 0, "x", "to=n:6", 4, {1, 2, 6, 5}},
    {"Cast", 19, 0, "x", "to=n:1 saturate=n:1", 4, {1, 2, 6, 5}},
    {"Cast", 24, 0, "x", "to=n:2 round_mode=s:up", 4, {1, 2, 6, 5}},
    {"Max", 1, 5, "x x", "consumed_inputs=i:0,0", 4, {1, 2, 6, 5}},
    {"Max", 6, 0, "x x x", "", 4, {1, 2, 6, 5}},
    {"Max", 8, 0, "x v11 one", "", 4, {1, 2, 6, 5}},
    {"Min", 1, 5, "x x", "consumed_inputs=i:0,0", 4, {1, 2, 6, 5}},
    {"Min", 6, 0, "x x x", "", 4, {1, 2, 6, 5}},
    {"Min", 8, 0, "x v11 one", "", 4, {1, 2, 6, 5}},
    {"Sum", 1, 5, "x x", "consumed_inputs=i:0,0", 4, {1, 2, 6, 5}},
    {"Sum", 6, 0, "x x x", "", 4, {1, 2, 6, 5}},
    {"Sum", 8, 0, "x v11 one", "", 4, {1, 2, 6, 5}},
    {"Mean", 1, 5, "x x", "consumed_inputs=i:0,0", 4, {1, 2, 6, 5}},
    {"Mean", 6, 0, "x x x", "", 4, {1, 2, 6, 5}},
    {"Mean", 8, 0, "x v11 one", "", 4, {1, 2, 6, 5}},
    {"Pow", 1, 6, "x v", "broadcast=n:1 axis=n:1", 4, {1, 2, 6, 5}},
    {"Pow", 7, 0, "x v11", "", 4, {1, 2, 6, 5}},
    {"Mod", 10, 0, "x one", "fmod=n:1", 4, {1, 2, 6, 5}},
    {"Equal", 1, 6, "x v", "broadcast=n:1 axis=n:1", 4, {1, 2, 6, 5}},
    {"Equal", 7, 0, "x v11", "", 4, {1, 2, 6, 5}},
    {"Greater", 1, 6, "x v", "broadcast=n:1 axis=n:1", 4, {1, 2, 6, 5}},
    {"Greater", 7, 0, "x v11", "", 4, {1, 2, 6, 5}},
    {"Less", 1, 6, "x v", "broadcast=n:1 axis=n:1", 4, {1, 2, 6, 5}},
    {"Less", 7, 0, "x v11", "", 4, {1, 2, 6, 5}},
    {"GreaterOrEqual", 12, 0, "x one", "", 4, {1, 2, 6, 5}},
    {"LessOrEqual", 12, 0, "x one", "", 4, {1, 2, 6, 5}},
    {"And", 1, 6, "flags flags", "broadcast=n:1", 1, {2}},
    {"And", 7, 0, "flags flags", "", 1, {2}},
    {"Or", 1, 6, "flags flags", "broadcast=n:1", 1, {2}},
    {"Or", 7, 0, "flags flags", "", 1, {2}},
    {"Xor", 1, 6, "flags flags", "broadcast=n:1", 1, {2}},
    {"Xor", 7, 0, "flags flags", "", 1, {2}},
    {"Not", 1, 0, "flags", "", 1, {2}},
    {"BitwiseAnd", 18, 0, "swap axis0", "", 1, {2}},
    {"BitwiseOr", 18, 0, "swap axis0", "", 1, {2}},
    {"BitwiseXor", 18, 0, "swap axis0", "", 1, {2}},
    {"BitwiseNot", 18, 0, "swap", "", 1, {2}},
    {"Where", 9, 0, "flags v one", "", 1, {2}},
    {"Expand", 8, 0, "v11 full", "", 4, {1, 2, 6, 5}},
    {"Neg", 1, 5, "x", "consumed_inputs=i:0", 4, {1, 2, 6, 5}},
    {"Neg", 6, 0, "x", "", 4, {1, 2, 6, 5}},
    {"Abs", 1, 5, "x", "consumed_inputs=i:0", 4, {1, 2, 6, 5}},
    {"Abs", 6, 0, "x", "", 4, {1, 2, 6, 5}},
    {"Sign", 9, 0, "x", "", 4, {1, 2, 6, 5}},
    {"IsNaN", 9, 0, "x", "", 4, {1, 2, 6, 5}},
    {"IsInf", 10, 0, "x", "detect_negative=n:0 detect_positive=n:1", 4, {1, 2, 6, 5}},
    {"CastLike", 15, 0, "x axis0", "", 4, {1, 2, 6, 5}},
    {"CastLike", 19, 0, "x axis0", "saturate=n:1", 4, {1, 2, 6, 5}},
    {"ReduceMean", 1, 17, "x", "axes=i:1,3 keepdims=n:0", 2, {1, 6}},
    {"ReduceMean", 18, 0, "x two_axes", "keepdims=n:1", 4, {1, 2, 1, 1}},
    {"ReduceMean", 18, 0, "x", "noop_with_empty_axes=n:1", 4, {1, 2, 6, 5}},
    {"ReduceMean", 1, 0, "x", "", 4, {1, 1, 1, 1}},
    {"ReduceMax", 1, 17, "x", "axes=i:1,3 keepdims=n:0", 2, {1, 6}},
    {"ReduceMax", 18, 0, "x two_axes", "keepdims=n:1", 4, {1, 2, 1, 1}},
    {"ReduceMax", 18, 0, "x", "noop_with_empty_axes=n:1", 4, {1, 2, 6, 5}},
    {"ReduceMax", 1, 0, "x", "", 4, {1, 1, 1, 1}},
    {"ReduceMin", 1, 17, "x", "axes=i:1,3 keepdims=n:0", 2, {1, 6}},
    {"ReduceMin", 18, 0, "x two_axes", "keepdims=n:1", 4, {1, 2, 1, 1}},
    {"ReduceMin", 18, 0, "x", "noop_with_empty_axes=n:1", 4, {1, 2, 6, 5}},
    {"ReduceMin", 1, 0, "x", "", 4, {1, 1, 1, 1}},
    {"ReduceProd", 1, 17, "x", "axes=i:1,3 keepdims=n:0", 2, {1, 6}},
    {"ReduceProd", 18, 0, "x two_axes", "keepdims=n:1", 4, {1, 2, 1, 1}},
    {"ReduceProd", 18, 0, "x", "noop_with_empty_axes=n:1", 4, {1, 2, 6, 5}},
    {"ReduceProd", 1, 0, "x", "", 4, {1, 1, 1, 1}},
    {"ReduceL1", 1, 17, "x", "axes=i:1,3 keepdims=n:0", 2, {1, 6}},
    {"ReduceL1", 18, 0, "x two_axes", "keepdims=n:1", 4, {1, 2, 1, 1}},
    {"ReduceL1", 18, 0, "x", "noop_with_empty_axes=n:1", 4, {1, 2, 6, 5}},
    {"ReduceL1", 1, 0, "x", "", 4, {1, 1, 1, 1}},
    {"ReduceL2", 1, 17, "x", "axes=i:1,3 keepdims=n:0", 2, {1, 6}},
    {"ReduceL2", 18, 0, "x two_axes", "keepdims=n:1", 4, {1, 2, 1, 1}},
    {"ReduceL2", 18, 0, "x", "noop_with_empty_axes=n:1", 4, {1, 2, 6, 5}},
    {"ReduceL2", 1, 0, "x", "", 4, {1, 1, 1, 1}},
    {"ReduceSumSquare", 1, 17, "x", "axes=i:1,3 keepdims=n:0", 2, {1, 6}},
    {"ReduceSumSquare", 18, 0, "x two_axes", "keepdims=n:1", 4, {1, 2, 1, 1}},
    {"ReduceSumSquare", 18, 0, "x", "noop_with_empty_axes=n:1", 4, {1, 2, 6, 5}},
    {"ReduceSumSquare", 1, 0, "x", "", 4, {1, 1, 1, 1}},
    {"ReduceLogSum", 1, 17, "x", "axes=i:1,3 keepdims=n:0", 2, {1, 6}},
    {"ReduceLogSum", 18, 0, "x two_axes", "keepdims=n:1", 4, {1, 2, 1, 1}},
    {"ReduceLogSum", 18, 0, "x", "noop_with_empty_axes=n:1", 4, {1, 2, 6, 5}},
    {"ReduceLogSum", 1, 0, "x", "", 4, {1, 1, 1, 1}},
    {"ReduceLogSumExp", 1, 17, "x", "axes=i:1,3 keepdims=n:0", 2, {1, 6}},
    {"ReduceLogSumExp", 18, 0, "x two_axes", "keepdims=n:1", 4, {1, 2, 1, 1}},
    {"ReduceLogSumExp", 18, 0, "x", "noop_with_empty_axes=n:1", 4, {1, 2, 6, 5}},
    {"ReduceLogSumExp", 1, 0, "x", "", 4, {1, 1, 1, 1}},
    {"ReduceSum", 1, 12, "x", "axes=i:1,3 keepdims=n:0", 2, {1, 6}},
    {"ReduceSum", 13, 0, "x two_axes", "keepdims=n:1", 4, {1, 2, 1, 1}},
    {"ReduceSum", 13, 0, "x", "noop_with_empty_axes=n:1", 4, {1, 2, 6, 5}},
    {"ReduceSum", 1, 0, "x", "", 4, {1, 1, 1, 1}},
    {"ArgMax", 1, 0, "x", "axis=n:2 keepdims=n:0", 3, {1, 2, 5}},
    {"ArgMax", 12, 0, "x", "axis=n:1 select_last_index=n:1", 4, {1, 1, 6, 5}},
    {"ArgMin", 1, 0, "x", "axis=n:2 keepdims=n:0", 3, {1, 2, 5}},
    {"ArgMin", 12, 0, "x", "axis=n:1 select_last_index=n:1", 4, {1, 1, 6, 5}},
    {"LogSoftmax", 1, 0, "x", "axis=n:2", 4, {1, 2, 6, 5}},
    {"Hardmax", 1, 0, "x", "axis=n:2", 4, {1, 2, 6, 5}},
    {"LpNormalization", 1, 0, "x", "axis=n:1 p=n:1", 4, {1, 2, 6, 5}},
    {"CumSum", 11, 0, "x axis0", "exclusive=n:1 reverse=n:1", 4, {1, 2, 6, 5}},
    {"TopK", 1, 9, "x", "k=n:3 axis=n:2", 4, {1, 2, 3, 5}},
    {"TopK", 10, 0, "x k3", "axis=n:2", 4, {1, 2, 3, 5}},
    {"TopK", 11, 0, "x k3", "largest=n:0 sorted=n:1", 4, {1, 2, 6, 3}},
    {"GatherElements", 11, 0, "v axis0", "", 1, {1}},
    {"GatherND", 11, 0, "m axis0", "", 1, {4}},
    {"GatherND", 12, 0, "m5 axis0", "batch_dims=n:0", 1, {4}},
    {"ScatterElements", 11, 0, "v swap v", "", 1, {2}},
    {"ScatterElements", 16, 0, "v swap v", "reduction=s:add", 1, {2}},
    {"ScatterND", 11, 0, "m axis0 row", "", 2, {3, 4}},
    {"ScatterND", 16, 0, "m axis0 row", "reduction=s:mul", 2, {3, 4}},
    {"OneHot", 9, 0, "swap k3 v", "axis=n:0", 2, {3, 2}},
    {"Tile", 1, 5, "x k3 one_int", "", 4, {1, 6, 6, 5}},
    {"Tile", 6, 0, "x times", "", 4, {1, 4, 6, 5}},
    {"Size", 1, 0, "x", "", 0, {0}},
    {"ConstantOfShape", 9, 0, "whole", "", 2, {6, 10}},
    {"Range", 11, 0, "axis0 k3 one_int", "", 1, {3}},
    {"Trilu", 14, 0, "x", "upper=n:0", 4, {1, 2, 6, 5}},
    {"Trilu", 14, 0, "x axis0", "", 4, {1, 2, 6, 5}},
    {"EyeLike", 9, 0, "m", "dtype=n:7 k=n:1", 2, {3, 4}},
    {"Sqrt", 1, 0, "x", "", 4, {1, 2, 6, 5}},
    {"Reciprocal", 1, 0, "x", "", 4, {1, 2, 6, 5}},
    {"Log", 1, 0, "x", "", 4, {1, 2, 6, 5}},
    {"Floor", 1, 0, "x", "", 4, {1, 2, 6, 5}},
    {"Ceil", 1, 0, "x", "", 4, {1, 2, 6, 5}},
    {"Round", 11, 0, "x", "", 4, {1, 2, 6, 5}},
    {"Sin", 7, 0, "x", "", 4, {1, 2, 6, 5}},
    {"Cos", 7, 0, "x", "", 4, {1, 2, 6, 5}},
    {"Tan", 7, 0, "x", "", 4, {1, 2, 6, 5}},
    {"Asin", 7, 0, "x", "", 4, {1, 2, 6, 5}},
    {"Acos", 7, 0, "x", "", 4, {1, 2, 6, 5}},
    {"Atan", 7, 0, "x", "", 4, {1, 2, 6, 5}},
    {"Sinh", 9, 0, "x", "", 4, {1, 2, 6, 5}},
    {"Cosh", 9, 0, "x", "", 4, {1, 2, 6, 5}},
    {"Asinh", 9, 0, "x", "", 4, {1, 2, 6, 5}},
    {"Acosh", 9, 0, "x", "", 4, {1, 2, 6, 5}},
    {"Atanh", 9, 0, "x", "", 4, {1, 2, 6, 5}},
    {"BatchNormalization", 14, 0, "x v v v v", "training_mode=n:1", 4, {1, 2, 6, 5}},
    {"CenterCropPad", 18, 0, "x two_sizes", "axes=i:-1,2", 4, {1, 2, 4, 3}},
    {"MaxUnpool", 9, 0, "x places", "kernel_shape=i:2,2 strides=i:2,1", 4, {1, 2, 12, 6}},
    {"InstanceNormalization", 1, 5, "x v v", "consumed_inputs=i:0", 4, {1, 2, 6, 5}},
    {"InstanceNormalization", 6, 0, "x v v", "epsilon=f:0.1", 4, {1, 2, 6, 5}},
    {"LayerNormalization", 17, 0, "x v11", "axis=n:1 stash_type=n:1", 4, {1, 2, 6, 5}},
    {"RMSNormalization", 23, 0, "x v11", "axis=n:1 stash_type=n:1", 4, {1, 2, 6, 5}},
    {"GroupNormalization", 18, 0, "x v v", "num_groups=n:2", 4, {1, 2, 6, 5}},
    {"GroupNormalization", 21, 0, "x v v", "num_groups=n:1 stash_type=n:1", 4, {1, 2, 6, 5}},
    {"MeanVarianceNormalization", 9, 0, "x", "axes=i:0,1", 4, {1, 2, 6, 5}},
    {"LRN", 1, 0, "x", "size=n:3 alpha=f:0.5 beta=f:1 bias=f:2", 4, {1, 2, 6, 5}},
    {"NonMaxSuppression", 10, 0, "boxes scores3 k3 one", "", 2, {3, 3}},
    {"NonMaxSuppression", 11, 0, "boxes scores3 k3", "center_point_box=n:1", 2, {1, 3}},
    {"RoiAlign", 10, 0, "x rois axis0", "output_height=n:2 output_width=n:3", 4, {1, 2, 2, 3}},
    {"RoiAlign",
     16,
     0,
     "x rois axis0",
     "coordinate_transformation_mode=s:half_pixel",
     4,
     {1, 2, 1, 1}},
    {"DynamicQuantizeLinear", 11, 0, "x", "", 4, {1, 2, 6, 5}},
    {"Gelu", 20, 0, "x", "approximate=s:tanh", 4, {1, 2, 6, 5}},
    {"Pad", 19, 0, "x pads", "mode=s:wrap", 4, {1, 2, 7, 7}},
    {"ConvTranspose", 1, 0, "x wt", "strides=i:2,3 pads=i:1,0,0,2", 4, {1, 3, 12, 13}},
    {"ConvTranspose", 1, 0, "x wt b", "strides=i:2,2 output_shape=i:12,11", 4, {1, 3, 12, 11}},
    {"LpPool", 1, 1, "x", "kernel_shape=i:2,3 p=f:3", 4, {1, 2, 5, 3}},
    {"LpPool", 2, 0, "x", "kernel_shape=i:2,3 p=n:3", 4, {1, 2, 5, 3}},
    {"LpPool", 18, 0, "x", "kernel_shape=i:2,2 dilations=i:2,1 ceil_mode=n:1", 4, {1, 2, 4, 4}},
    {"AveragePool", 19, 0, "x", "kernel_shape=i:2,2 dilations=i:3,2", 4, {1, 2, 3, 3}},
    {"GlobalMaxPool", 1, 0, "x", "", 4, {1, 2, 1, 1}},
    {"GlobalLpPool", 1, 1, "x", "p=f:2", 4, {1, 2, 1, 1}},
    {"GlobalLpPool", 2, 0, "x", "p=n:2", 4, {1, 2, 1, 1}},
    {"Upsample", 7, 8, "x", "scales=g:1,1,2,1.5 mode=s:nearest", 4, {1, 2, 12, 7}},
    {"Upsample", 9, 0, "x scales", "mode=s:linear", 4, {1, 2, 12, 7}},
    {"Resize", 10, 10, "x scales", "", 4, {1, 2, 12, 7}},
    {"Resize",
     11,
     0,
     "x none scales",
     "coordinate_transformation_mode=s:asymmetric",
     4,
     {1, 2, 12, 7}},
    {"Resize",
     13,
     0,
     "x - - sizes",
     "mode=s:cubic cubic_coeff_a=f:-0.5 exclude_outside=n:1",
     4,
     {1, 2, 3, 10}},
    {"Resize",
     18,
     0,
     "x - - two_sizes",
     "axes=i:3,2 keep_aspect_ratio_policy=s:not_larger antialias=n:1 mode=s:linear",
     4,
     {1, 2, 4, 3}},
    {"Split", 1, 12, "x", "axis=n:2 split=i:4,2", 4, {1, 2, 4, 5}},
    {"Split", 2, 0, "x", "axis=n:1", 4, {1, 2, 6, 5}},
    {"Split", 13, 0, "x parts", "axis=n:-2", 4, {1, 2, 4, 5}},
    {"Split", 18, 0, "x", "num_outputs=n:2 axis=n:3", 4, {1, 2, 6, 3}},
    {"DepthToSpace", 1, 0, "x8", "blocksize=n:2", 4, {1, 2, 6, 10}},
    {"DepthToSpace", 11, 0, "x8", "blocksize=n:2 mode=s:CRD", 4, {1, 2, 6, 10}},
    {"SpaceToDepth", 1, 0, "x8", "blocksize=n:1", 4, {1, 8, 3, 5}},
    {"PRelu", 1, 6, "x v", "", 4, {1, 2, 6, 5}},
    {"PRelu", 7, 0, "x v11", "", 4, {1, 2, 6, 5}},
};
enum { FORMS = sizeof forms / sizeof *forms };

static void add_lists(struct builder *b) {
    static const struct {
        const char *name;
        int64_t count, v[8];
    } lists[] = {
        {"pads", 8, {0, 0, 1, 0, 0, 0, 0, 2}},
        {"two_pads", 4, {2, 0, 0, 1}},
        {"two_axes", 2, {-1, 2}},
        {"starts", 2, {1, 0}},
        {"ends", 2, {5, -1}},
        {"axes", 2, {2, 3}},
        {"steps", 2, {2, 1}},
        {"shape", 3, {0, -1, 3}},
        {"whole", 2, {6, 10}},
        {"axis0", 1, {0}},
        {"one_int", 1, {1}},
        {"k3", 1, {3}},
        {"swap", 2, {1, 0}},
        {"full", 4, {1, 2, 6, 5}},
        {"times", 4, {1, 2, 1, 1}},
        {"sizes", 4, {1, 2, 3, 10}},
        {"two_sizes", 2, {3, 4}},
        {"parts", 2, {4, 2}},
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        build_raw(b, lists[i].name, ONNX__TENSOR_PROTO__DATA_TYPE__INT64, 1, &lists[i].count,
                  lists[i].v, (size_t)lists[i].count * 8);
    build_raw(b, "flags", ONNX__TENSOR_PROTO__DATA_TYPE__BOOL, 1, (int64_t[]){2}, (uint8_t[]){1, 0},
              2);
}

static void add_floats(struct builder *b) {
    static const struct {
        const char *name;
        int rank;
        int64_t dims[4];
    } tensors[] = {
        {"row", 1, {4}},     {"w", 4, {3, 2, 3, 3}},  {"b", 1, {3}},
        {"v", 1, {2}},       {"m", 2, {3, 4}},        {"n", 2, {2, 4}},
        {"m5", 2, {5, 4}},   {"v11", 3, {2, 1, 1}},   {"one", 0, {0}},
        {"none", 1, {0}},    {"boxes", 3, {1, 3, 4}}, {"scores3", 3, {1, 1, 3}},
        {"rois", 2, {1, 4}}, {"wt", 4, {2, 3, 3, 3}}, {"x8", 4, {1, 8, 3, 5}},
    };
    enum { VALUES = 120 }; /* as many as the largest has */
    float values[VALUES];
    struct rng r = {7};
    for (int i = 0; i < VALUES; i++) values[i] = (float)(rng_unit(&r) + 0.1);
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
        size_t n = 1;
        for (int k = 0; k < tensors[i].rank; k++) n *= (size_t)tensors[i].dims[k];
        build_raw(b, tensors[i].name, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, tensors[i].rank,
                  tensors[i].dims, values, n * 4);
    }
    build_raw(b, "scales", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, 1, (int64_t[]){4},
              (float[]){1, 1, 2, 1.5F}, 16);
    build_raw(b, "places", ONNX__TENSOR_PROTO__DATA_TYPE__INT64, 4, (int64_t[]){1, 2, 6, 5},
              (int64_t[60]){0}, 60 * 8);
}

static void set_ints(struct builder *b, Onnx__AttributeProto *a, const char *text) {
    a->ints = arena_array(b->a, strlen(text), sizeof *a->ints);
    for (char *end; *text; text = end + (*end == ','))
        a->ints[a->n_ints++] = strtoll(text, &end, 10);
}

static void set_floats(struct builder *b, Onnx__AttributeProto *a, const char *text) {
    a->floats = arena_array(b->a, strlen(text), sizeof *a->floats);
    for (char *end; *text; text = end + (*end == ','))
        a->floats[a->n_floats++] = strtof(text, &end);
}

static void add_attributes(struct builder *b, Onnx__NodeProto *n, const char *text) {
    size_t count;
    char **words = build_words(b, text, &count);
    for (size_t i = 0; i < count; i++) {
        char *equals = strchr(words[i], '='), *value = equals + 3;
        *equals = '\0';
        Onnx__AttributeProto *a = build_attr(b, n, words[i]);
        a->has_type = 1;
        switch (equals[1]) {
        case 'i':
            a->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
            set_ints(b, a, value);
            break;
        case 'g':
            a->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS;
            set_floats(b, a, value);
            break;
        case 'n':
            a->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
            a->has_i = 1;
            a->i = strtoll(value, NULL, 10);
            break;
        case 'f':
            a->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT;
            a->has_f = 1;
            a->f = strtof(value, NULL);
            break;
        default:
            a->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING;
            a->has_s = 1;
            a->s.data = (uint8_t *)value;
            a->s.len = strlen(value);
        }
    }
}

static struct ir_graph *import_form(struct ctx *c, const struct form *f, int opset) {
    static const uint8_t bytes[60] = {3, 0, 255, 17};
    static const int64_t dims[4] = {1, 2, 6, 5};
    struct builder b;
    build_start(&b, c, opset);
    add_lists(&b);
    add_floats(&b);
    build_raw(&b, "bytes", ONNX__TENSOR_PROTO__DATA_TYPE__UINT8, 4, dims, bytes, sizeof bytes);
    build_input(&b, "x", 4, dims);
    add_attributes(&b, build_node(&b, f->op, f->inputs, "y"), f->attributes);
    build_output(&b, "y");
    return build_import(&b);
}

static void check_form(const struct form *f, int opset) {
    TEST_CTX(c);
    struct ir_graph *g = import_form(&c, f, opset);
    if (!g) fail_msg("%s, opset %d: %s", f->op, opset, c.first ? c.first->message : "no message");
    const struct ir_value *y = g->outputs[0];
    if (y->rank != f->rank) fail_msg("%s, opset %d: rank %d", f->op, opset, y->rank);
    for (int i = 0; i < y->rank; i++)
        if (y->dims[i] != f->dims[i])
            fail_msg("%s, opset %d: dimension %d is %lld, expected %lld", f->op, opset, i,
                     (long long)y->dims[i], (long long)f->dims[i]);
    ctx_free(&c);
}

static void every_form_at_every_opset(void **state) {
    (void)state;
    for (int i = 0; i < FORMS; i++)
        for (int v = forms[i].first; v <= (forms[i].last ? forms[i].last : FE_OPSET_MAX); v++)
            check_form(&forms[i], v);
}

static void check_refused(const struct form *f, int opset) {
    TEST_CTX(c);
    if (import_form(&c, f, opset)) fail_msg("%s is taken at opset %d", f->op, opset);
    assert_true(c.errors > 0);
    ctx_free(&c);
}

/* A form that ends at some opset is refused after it, if an attribute of it ends there as well. */
static void no_form_outlives_its_opset(void **state) {
    (void)state;
    for (int i = 0; i < FORMS; i++)
        if (forms[i].last && forms[i].attributes[0]) check_refused(&forms[i], forms[i].last + 1);
}

/* Functions of one element take the attributes of their row at every opset since their first. */
static void check_function(enum ir_op op) {
    const struct ir_op_info *info = ir_op_info(op);
    struct ir_attr_info attr;
    char all[200] = "consumed_inputs=i:0"; /* of opsets up to 5 */
    for (int i = 0; ir_attr_schema(op, i, &attr) && attr.kind == IR_ATTR_FLOAT; i++)
        if (op != IR_OP_gelu) /* its number stands for a text: a form above */
            snprintf(all + strlen(all), sizeof all - strlen(all), " %s=f:0.3", attr.name);
    const char *own = all + strcspn(all, " ") + strspn(all + strcspn(all, " "), " ");
    struct form form = {info->onnx, info->since_min, 0, "x", own, 4, {1, 2, 6, 5}};
    for (int v = info->since_min; v <= FE_OPSET_MAX; v++) {
        form.attributes = v <= 5 ? all : own;
        check_form(&form, v);
        form.attributes = "";
        check_form(&form, v);
    }
    if (info->since_min > 1) check_refused(&form, info->since_min - 1);
}

static void every_function_at_every_opset(void **state) {
    (void)state;
    for (int op = 0; op < IR_OP_COUNT; op++)
        if (ir_is_function((enum ir_op)op)) check_function((enum ir_op)op);
}

static void every_operator_has_a_form(void **state) {
    (void)state;
    for (int op = 0; op < IR_OP_COUNT; op++) {
        const struct ir_op_info *info = ir_op_info((enum ir_op)op);
        bool found = info->onnx[0] == '\0' || ir_is_function((enum ir_op)op);
        for (int i = 0; i < FORMS; i++) found = found || !strcmp(forms[i].op, info->onnx);
        if (!found) fail_msg("no form of %s", info->onnx);
    }
}

static void supported_ops_lists_every_operator(void **state) {
    (void)state;
    TEST_CTX(c);
    struct writer w;
    writer_init(&w, arena_new(&c));
    fe_supported_ops(&w);
    const char *text = writer_string(&w);
    for (int op = 0; op < IR_OP_COUNT; op++) {
        char row[64];
        snprintf(row, sizeof row, "\n| %s | ", ir_op_info((enum ir_op)op)->onnx);
        assert_true(ir_op_info((enum ir_op)op)->onnx[0] == '\0' || strstr(text, row));
    }
    ctx_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operator_has_a_form),
        cmocka_unit_test(every_form_at_every_opset),
        cmocka_unit_test(no_form_outlives_its_opset),
        cmocka_unit_test(every_function_at_every_opset),
        cmocka_unit_test(supported_ops_lists_every_operator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
