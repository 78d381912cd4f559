/* The oracle's float operators against written results. They were computed by ONNX Runtime 1.32
 * from random inputs (multiples of 1/4, seed 20), those with a fused activation by numpy; nothing
 * is shared with the oracle. */
#include "ir_test.h"

/* clang-format off */
static const struct ir_test_case cases[] = {
    {"conv, two images, bias",
     "const %i0: f32[2x2x3x4] = [2.5, -1.25, -1.5, -0.25, 2.5, -2.25, -1.5, 0.25, -1.5, "
     "-0.5, -1, -2.75, -3, -2.5, 1, 3, 2.75, 1.25, 2.75, -0.25, 0.25, 1, -0.5, -1.5, 1.25,"
     " -1.25, 0.25, -2.75, -1.75, -2.75, 0.75, 2, 2.25, 2, 2.75, -3, 1.75, -1, 1, -2.5, "
     "-1.75, -0.25, -1.5, 0.75, 2.5, 0.25, 2.75, -2.25]\n"
     "const %i1: f32[2x2x2x3] = [-0.25, 1.25, -2.25, 0.75, -0.5, -0.25, 0.25, -1.25, 1.25,"
     " 2.5, -2.25, -2.5, -1.5, -2.25, -0.75, -0.75, -1.75, -1.5, -1.25, 0.75, 2, 1.25, "
     "-2.5, 1.25]\n"
     "const %i2: f32[2] = [1, 1.75]\n"
     "%y: f32[2x2x2x2] = conv(%i0, %i1, %i2)\n",
     {6.375, -1.5625, 2.5, 3.875, 13.875, 15.375, 7.875, 15.1875, 1.3125, 1.125, -6.875,
      1.8125, 3.125, 4.25, 5.625, -7.8125}, 16},
    {"conv, asymmetric pads, strides, dilation",
     "const %i0: f32[1x1x4x5] = [-1.75, -2, -3, 1.5, -0.75, -1.5, 1, 0.25, 0, -1.75, "
     "-2.25, 2, -1, -2.5, 2.5, -0.5, -0.25, 0.75, -0.25, 1.25]\n"
     "const %i1: f32[2x1x2x2] = [2.5, -2.5, -1, 3, 2.5, -1.25, -1.5, -0.25]\n"
     "%y: f32[1x2x3x4] = conv(%i0, %i1, _) {pads=[0,1,2,0], strides=[2,1], "
     "dilations=[1,2]}\n",
     {8, 5.375, -9.75, -11.125, -5.75, -0.375, 10.75, -5.75, 0, 0, 0, 0, 2.25, 1.5625,
      -8.375, -6.5, -2.4375, -3.8125, 8.5625, -7.0625, 0, 0, 0, 0}, 24},
    {"conv, two groups",
     "const %i0: f32[1x4x2x3] = [1.75, -1.25, -3, -3, -2, -1.5, 3, -1, 2.75, 0.5, -2.75, "
     "-2.75, 1.75, 2.75, -1.5, -2, 0.5, 0.25, -0.5, -1, -2, -1, 0, 2.5]\n"
     "const %i1: f32[4x2x1x2] = [0.75, 2.5, 3, 0.75, 0, -1.5, 1.5, -2.25, -0.75, -0.25, "
     "-0.25, -2, 0.25, 0, 0.25, -2.75]\n"
     "%y: f32[1x4x2x2] = conv(%i0, %i1) {group=2}\n",
     {6.4375, -9.375, -7.8125, -15.5625, 8.625, -3.1875, 9.9375, 4.3125, 0.125, 2.5625,
      1.625, -5.4375, 3.0625, 5.9375, -0.75, -6.75}, 16},
    {"conv, depthwise",
     "const %i0: f32[1x3x3x3] = [-0.5, -3, -1.5, 0.25, 1, -0.75, -0.75, 3, 1.5, -0.75, "
     "2.5, 0.25, 3, -0.75, 1.5, 1.75, 0, -0.75, -2.75, -1.5, 2.25, -0.25, 3, 2, -2.25, "
     "0.25, -1]\n"
     "const %i1: f32[3x1x2x2] = [1, -1, 0.75, -1.25, -1.75, -2.75, 0, 0.75, -0.75, 2.5, "
     "1.75, 0.75]\n"
     "const %i2: f32[3] = [-1.5, -0.75, 2]\n"
     "%y: f32[1x3x3x3] = conv(%i0, %i1, %i2) {group=3, pads=[1,1,0,0]}\n",
     {-0.875, 1.875, -1.875, -1.3125, -0.0625, -1.3125, -0.8125, -6.5625, 0.625, -1.3125,
      1.125, -0.5625, 3.5625, -6.875, -4.6875, -7.6875, -3.9375, -4.125, -0.0625, -3.9375,
      1.0625, -5.0625, 2.125, 15.5, -0.3125, 5.9375, 4.4375}, 27},
    {"conv, SAME_UPPER puts the odd pixel at the end",
     "const %i0: f32[1x1x4x4] = [-2.75, -1, 0.25, -1, -1.75, 2.5, 2.25, 2.25, -2.25, 0.25,"
     " -1.25, 2, 2.75, 2.25, -0.25, 1.75]\n"
     "const %i1: f32[1x1x2x3] = [-2, 0.5, -1.75, 1.5, -2.75, -2.75]\n"
     "%y: f32[1x1x4x2] = conv(%i0, %i1) {auto_pad=SAME_UPPER, strides=[1,2]}\n",
     {-11.125, -3.8125, 0.1875, -10.75, 5.4375, -1.6875, -3.9375, 1.375}, 8},
    {"conv, SAME_LOWER puts the odd pixel at the beginning",
     "const %i0: f32[1x1x4x4] = [2.5, -1, 1, 0.25, -2.75, -2.25, 0.5, -1.75, 0.25, -2, "
     "0.75, -1.75, 0.75, -0.75, 2, -1.25]\n"
     "const %i1: f32[1x1x2x3] = [-1.25, 2.75, -2.75, -3, 1.75, 0.5]\n"
     "%y: f32[1x1x4x2] = conv(%i0, %i1) {auto_pad=SAME_LOWER, strides=[1,2]}\n",
     {3.875, 4.875, 3.6875, 10.0625, -1.9375, 15.4375, 7.125, 14.5}, 8},
    {"conv, fused relu",
     "const %i0: f32[1x2x2x3] = [-0.75, 0.75, -0.75, 1.25, -0.25, -1.25, -0.75, 3, 2.5, "
     "0.75, -1, 1.25]\n"
     "const %i1: f32[2x2x1x1] = [1.25, -2.75, 1.5, -0.75]\n"
     "const %i2: f32[2] = [2.75, -1.5]\n"
     "%y: f32[1x2x2x3] = conv(%i0, %i1, %i2) {act=relu}\n",
     {3.875, 0, 0, 2.25, 5.1875, 0, 0, 0, 0, 0, 0, 0}, 12},
    {"conv, fused clip",
     "const %i0: f32[1x2x2x3] = [-0.75, 0.75, -0.75, 1.25, -0.25, -1.25, -0.75, 3, 2.5, "
     "0.75, -1, 1.25]\n"
     "const %i1: f32[2x2x1x1] = [1.25, -2.75, 1.5, -0.75]\n"
     "const %i2: f32[2] = [2.75, -1.5]\n"
     "%y: f32[1x2x2x3] = conv(%i0, %i1, %i2) {act=clip, act_min=-1.5, act_max=2.25}\n",
     {2.25, -1.5, -1.5, 2.25, 2.25, -1.5, -1.5, -1.5, -1.5, -0.1875, -1.125, -1.5}, 12},
    {"gemm, transposed both, scaled, row added",
     "const %i0: f32[3x2] = [0.75, 2.25, 2.75, -1, -2.5, -1.75]\n"
     "const %i1: f32[4x3] = [3, 2.25, 2, -2, -2.25, -0.75, -2.5, 2.5, -1.5, -3, -2.25, "
     "-2.25]\n"
     "const %i2: f32[4] = [-0.75, 0, -0.75, -0.25]\n"
     "%y: f32[2x4] = gemm(%i0, %i1, %i2) {transA=1, transB=1, alpha=0.5, beta=2.0}\n",
     {0.21875, -2.90625, 2.875, -1.90625, -1, -0.46875, -4.25, -0.78125}, 8},
    {"gemm, column added",
     "const %i0: f32[2x3] = [0.75, 3, -2.25, 2.5, 0.25, 1]\n"
     "const %i1: f32[3x2] = [1.25, -3, -2, -2, -2.75, 0.25]\n"
     "const %i2: f32[2x1] = [0, -0.5]\n"
     "%y: f32[2x2] = gemm(%i0, %i1, %i2)\n",
     {1.125, -8.8125, -0.625, -8.25}, 4},
    {"matmul, broadcast leading dimensions",
     "const %i0: f32[2x1x2x3] = [-0.25, 3, -0.75, -0.25, -1, 2.75, -1.25, -2, 2, 2.25, "
     "-2.5, 1]\n"
     "const %i1: f32[2x3x2] = [2.5, 2.25, 2.5, 1.25, -2.75, 0.75, -2.25, -2, -2.75, -2.5, "
     "2, -2.75]\n"
     "%y: f32[2x2x2x2] = matmul(%i0, %i1)\n",
     {8.9375, 2.625, -10.6875, 0.25, -9.1875, -4.9375, 8.8125, -4.5625, -13.625, -3.8125,
      -3.375, 2.6875, 12.3125, 2, 3.8125, -1}, 16},
    {"matmul, vector on the right",
     "const %i0: f32[2x3] = [-2.75, -2.25, 1.5, -1.75, -1, -1.75]\n"
     "const %i1: f32[3] = [-2.5, -1.75, 2.5]\n"
     "%y: f32[2] = matmul(%i0, %i1)\n",
     {14.5625, 1.75}, 2},
    {"matmul, vector on the left",
     "const %i0: f32[3] = [-0.25, 0.5, 1]\n"
     "const %i1: f32[2x3x2] = [0.75, 2.25, 1, 2.5, 2.25, -2, 3, 3, 0.5, 1, -0.25, -1.25]\n"
     "%y: f32[2x2] = matmul(%i0, %i1)\n",
     {2.5625, -1.3125, -0.75, -1.5}, 4},
    {"batchnorm",
     "const %i0: f32[1x2x2x2] = [-2, 1.75, -0.25, -1.5, 3, 1, 0, -1.25]\n"
     "const %i1: f32[2] = [-3, 0.25]\n"
     "const %i2: f32[2] = [1, -2.5]\n"
     "const %i3: f32[2] = [-1.5, 2.5]\n"
     "const %i4: f32[2] = [0.25, 2.5]\n"
     "%y: f32[1x2x2x2] = batchnorm(%i0, %i1, %i2, %i3, %i4) {epsilon=0.125}\n",
     {3.44948959, -14.9216824, -5.12372398, 1, -2.42284822, -2.73145509, -2.8857584,
      -3.0786376}, 8},
    {"maxpool of negative numbers: padding is not 0",
     "const %i0: f32[1x1x3x3] = [-2, -3.5, -1.25, -2.5, -1.25, -2.5, -4, -2.75, -2.5]\n"
     "%y: f32[1x1x3x3] = maxpool(%i0) {kernel_shape=[2,2], pads=[1,1,0,0]}\n",
     {-2, -2, -1.25, -2, -1.25, -1.25, -2.5, -1.25, -1.25}, 9},
    {"maxpool, ceil_mode, dilation",
     "const %i0: f32[1x1x6x5] = [3, 2.75, -2, 0.25, 1.75, 1.5, 0.25, 2, -1.25, -1.5, "
     "-2.25, -0.25, 2.75, 0.25, 0.5, 0.75, 2.5, -1, -0.25, 1, -1.25, -3, 1.25, -3, 1.25, "
     "1, -0.5, -2.25, -0.25, 1]\n"
     "%y: f32[1x1x3x3] = maxpool(%i0) {kernel_shape=[2,2], strides=[2,2], dilations=[2,1],"
     " ceil_mode=1}\n",
     {3, 2.75, 1.75, -0.25, 2.75, 1.25, -1.25, 1.25, 1.25}, 9},
    {"maxpool, SAME_UPPER",
     "const %i0: f32[1x1x3x4] = [0, 0, 2.75, -2, -2.5, -2, 0.75, -0.75, -0.25, -1.25, 2, "
     "-0.5]\n"
     "%y: f32[1x1x2x2] = maxpool(%i0) {kernel_shape=[2,2], strides=[2,2], "
     "auto_pad=SAME_UPPER}\n",
     {0, 2.75, -0.25, 2}, 4},
    {"avgpool, border windows are smaller",
     "const %i0: f32[1x1x3x3] = [-1.75, 0.5, 2.75, -2.75, 1.75, 0, 1.75, -3, 2.25]\n"
     "%y: f32[1x1x2x2] = avgpool(%i0) {kernel_shape=[2,2], pads=[1,1,1,1], strides=[2,2]}\n",
     {-1.75, 1.625, -0.5, 0.25}, 4},
    {"avgpool, count_include_pad",
     "const %i0: f32[1x1x3x3] = [-1.75, -1.75, -0.75, -1.5, 2, -2.5, 0, 0.75, 2.25]\n"
     "%y: f32[1x1x2x2] = avgpool(%i0) {kernel_shape=[2,2], pads=[1,1,1,1], strides=[2,2], "
     "count_include_pad=1}\n",
     {-0.4375, -0.625, -0.375, 0.625}, 4},
    {"avgpool, ceil_mode hangs over",
     "const %i0: f32[1x1x4x5] = [3, 1, -2, 2.75, -1.75, -2.25, 0, -1.75, 3, -2.25, 0.75, "
     "-0.75, 1.5, -1.75, 0.25, 0.75, 1.5, 1.5, 0.75, 2.75]\n"
     "%y: f32[1x1x2x3] = avgpool(%i0) {kernel_shape=[3,2], strides=[2,2], ceil_mode=1}\n",
     {0.291666657, 0.291666657, -1.25, 0.5625, 0.5, 1.5}, 6},
    {"avgpool, ceil_mode and count_include_pad",
     "const %i0: f32[1x1x4x5] = [1.75, -0.5, -1.25, -0.5, 2.25, 0.75, 1.5, 1, -1.25, 3, "
     "-1.5, 1.75, 2, 1, -0.5, -2, 0, 2.5, 2.25, -1.75]\n"
     "%y: f32[1x1x2x3] = avgpool(%i0) {kernel_shape=[3,2], strides=[2,2], pads=[1,0,0,0], "
     "ceil_mode=1, count_include_pad=1}\n",
     {0.583333313, -0.333333343, 1.75, 0.0833333358, 1.25, 0.25}, 6},
    {"gavgpool",
     "const %i0: f32[1x2x2x3] = [-0.5, 2.25, 0.25, 0.75, 1.25, -0.75, -0.75, -2, -1.25, "
     "-1, 1.5, 2.75]\n"
     "%y: f32[1x2x1x1] = gavgpool(%i0)\n",
     {0.541666687, -0.125}, 2},
    {"softmax 13: one axis",
     "const %i0: f32[2x2x3] = [1.25, -0.5, 0, 0.25, 1.25, 1.25, 1, -1.5, 0.5, 1.5, 2, 0.5]\n"
     "%y: f32[2x2x3] = softmax(%i0) {axis=1}\n",
     {0.731058598, 0.148047194, 0.222700149, 0.268941432, 0.851952732, 0.777299881,
      0.377540678, 0.0293122306, 0.5, 0.622459352, 0.970687747, 0.5}, 12},
    {"softmax below 13: all from the axis on",
     "const %i0: f32[2x2x3] = [1.25, -0.5, 0, 0.25, 1.25, 1.25, 1, -1.5, 0.5, 1.5, 2, 0.5]\n"
     "%y: f32[2x2x3] = softmax(%i0) {axis=1, flat=1}\n",
     {0.261222214, 0.045393616, 0.0748414174, 0.0960982814, 0.261222214, 0.261222214,
      0.150101706, 0.0123210987, 0.0910412893, 0.247475877, 0.408018738, 0.0910412893},
      12},
    {"softmax does not overflow",
     "const %i0: f32[1x3] = [1000, 1001, -1000]\n"
     "%y: f32[1x3] = softmax(%i0) {axis=-1}\n",
     {0.268941432, 0.731058598, 0}, 3},
    {"relu",
     "const %i0: f32[6] = [1.5, 0.25, 1.5, 2.5, 2.5, -0.5]\n"
     "%y: f32[6] = relu(%i0)\n",
     {1.5, 0.25, 1.5, 2.5, 2.5, 0}, 6},
    {"clip, both bounds",
     "const %i0: f32[6] = [-3, 0.5, 2, 0.5, -2, 1.75]\n"
     "const %i1: f32[] = [-1]\n"
     "const %i2: f32[] = [0.5]\n"
     "%y: f32[6] = clip(%i0, %i1, %i2)\n",
     {-1, 0.5, 0.5, 0.5, -1, 0.5}, 6},
    {"clip, upper bound only",
     "const %i0: f32[6] = [-2.75, -2.5, -2.25, -2.25, -3, 1]\n"
     "const %i2: f32[] = [0.5]\n"
     "%y: f32[6] = clip(%i0, _, %i2)\n",
     {-2.75, -2.5, -2.25, -2.25, -3, 0.5}, 6},
    {"add, broadcast",
     "const %i0: f32[2x1x3] = [-2.5, -1.25, 2.25, -3, 0.75, 2]\n"
     "const %i1: f32[2x1] = [1.75, 0.25]\n"
     "%y: f32[2x2x3] = add(%i0, %i1)\n",
     {-0.75, 0.5, 4, -2.25, -1, 2.5, -1.25, 2.5, 3.75, -2.75, 1, 2.25}, 12},
    {"add, fused relu",
     "const %i0: f32[2x1x3] = [-2.5, -1.25, 2.25, -3, 0.75, 2]\n"
     "const %i1: f32[2x1] = [1.75, 0.25]\n"
     "%y: f32[2x2x3] = add(%i0, %i1) {act=relu}\n",
     {0, 0.5, 4, 0, 0, 2.5, 0, 2.5, 3.75, 0, 1, 2.25}, 12},
    {"add, fused clip",
     "const %i0: f32[2x1x3] = [-2.5, -1.25, 2.25, -3, 0.75, 2]\n"
     "const %i1: f32[2x1] = [1.75, 0.25]\n"
     "%y: f32[2x2x3] = add(%i0, %i1) {act=clip, act_min=-0.5, act_max=1.0}\n",
     {-0.5, 0.5, 1, -0.5, -0.5, 1, -0.5, 1, 1, -0.5, 1, 1}, 12},
    {"sub",
     "const %i0: f32[3] = [-0.5, -1.5, 1]\n"
     "const %i1: f32[2x3] = [1.5, 1.25, -0.5, -1.75, 1.25, -3]\n"
     "%y: f32[2x3] = sub(%i0, %i1)\n",
     {-2, -2.75, 1.5, 1.25, -2.75, 4}, 6},
    {"mul",
     "const %i0: f32[2x2] = [3, -2.5, -0.5, -0.75]\n"
     "const %i1: f32[1] = [1.25]\n"
     "%y: f32[2x2] = mul(%i0, %i1)\n",
     {3.75, -3.125, -0.625, -0.9375}, 4},
    {"div",
     "const %i0: f32[4] = [-1.5, -1.5, 1.75, 1]\n"
     "const %i1: f32[4] = [4, -2, 0.5, 3]\n"
     "%y: f32[4] = div(%i0, %i1)\n",
     {-0.375, 0.75, 3.5, 0.333333343}, 4},
    {"div of integers goes toward zero",
     "const %i0: i64[4] = [7, -7, 7, -7]\n"
     "const %i1: i64[4] = [2, 2, -2, -2]\n"
     "%y: i64[4] = div(%i0, %i1)\n",
     {3, -3, -3, 3}, 4},
    {"cast to integers goes toward zero",
     "const %i0: f32[4] = [1.75, -1.75, 0.5, -0.5]\n"
     "%y: i32[4] = cast(%i0) {to=i32}\n",
     {1, -1, 0, 0}, 4},
    {"cast to bool",
     "const %i0: f32[3] = [0, -0.5, 3]\n"
     "%y: bool[3] = cast(%i0) {to=bool}\n",
     {0, 1, 1}, 3},
    {"transpose",
     "const %i0: f32[2x3x2] = [2.75, -2.75, 2.75, 3, -0.5, 0.5, -0.5, 0.5, -0.75, -0.5, "
     "2.5, -1.5]\n"
     "%y: f32[2x2x3] = transpose(%i0) {perm=[2,0,1]}\n",
     {2.75, 2.75, -0.5, -0.5, -0.75, 2.5, -2.75, 3, 0.5, 0.5, -0.5, -1.5}, 12},
    {"transpose, reversed by default",
     "const %i0: f32[2x3] = [2.25, 0, -2.25, 2.75, 2.75, -2]\n"
     "%y: f32[3x2] = transpose(%i0)\n",
     {2.25, 2.75, 0, 2.75, -2.25, -2}, 6},
    {"slice, negative start, huge end",
     "const %i0: f32[2x5] = [-2.75, -1.75, -0.5, -1.25, 2.75, -2.25, 1.5, 1.25, 2, -1]\n"
     "const %i1: i64[1] = [-3]\n"
     "const %i2: i64[1] = [9223372036854775807]\n"
     "const %i3: i64[1] = [1]\n"
     "%y: f32[2x3] = slice(%i0, %i1, %i2, %i3)\n",
     {-0.5, -1.25, 2.75, 1.25, 2, -1}, 6},
    {"slice, backwards",
     "const %i0: f32[2x5] = [2, 2.5, -1.5, -2.5, 0.5, -2.25, -1.5, -1.75, -0.25, -2.75]\n"
     "const %i1: i64[2] = [-1, 1]\n"
     "const %i2: i64[2] = [-9223372036854775808, -3]\n"
     "const %i3: i64[2] = [1, 0]\n"
     "const %i4: i64[2] = [-2, -1]\n"
     "%y: f32[2x3] = slice(%i0, %i1, %i2, %i3, %i4)\n",
     {-2.75, -1.75, -2.25, 0.5, -1.5, 2}, 6},
    {"pad, constant and cropping",
     "const %i0: f32[2x3] = [2.25, 0, -2.25, 2.75, 2.75, -2]\n"
     "const %i1: i64[4] = [1, -1, 0, 2]\n"
     "const %i2: f32[] = [9]\n"
     "%y: f32[3x4] = pad(%i0, %i1, %i2) {mode=constant}\n",
     {9, 9, 9, 9, 0, -2.25, 9, 9, 2.75, -2, 9, 9}, 12},
    {"pad, reflect",
     "const %i0: f32[2x4] = [-0.75, -0.75, -3, 2.75, 2.75, -1.75, -3, 0.75]\n"
     "const %i1: i64[4] = [1, 2, 0, 3]\n"
     "%y: f32[3x9] = pad(%i0, %i1) {mode=reflect}\n",
     {-3, -1.75, 2.75, -1.75, -3, 0.75, -3, -1.75, 2.75, -3, -0.75, -0.75, -0.75, -3,
      2.75, -3, -0.75, -0.75, -3, -1.75, 2.75, -1.75, -3, 0.75, -3, -1.75, 2.75}, 27},
    {"pad, edge",
     "const %i0: f32[2x3] = [2.25, 0, -2.25, 2.75, 2.75, -2]\n"
     "const %i1: i64[4] = [1, 0, 0, 2]\n"
     "%y: f32[3x5] = pad(%i0, %i1) {mode=edge}\n",
     {2.25, 0, -2.25, -2.25, -2.25, 2.25, 0, -2.25, -2.25, -2.25, 2.75, 2.75, -2, -2, -2},
      15},
    {"concat",
     "const %i0: f32[2x1] = [-1.25, -2.25]\n"
     "const %i1: f32[2x2] = [2.75, 3, 3, 0.75]\n"
     "const %i2: f32[2x1] = [1, -2.25]\n"
     "%y: f32[2x4] = concat(%i0, %i1, %i2) {axis=-1}\n",
     {-1.25, 2.75, 3, 1, -2.25, 3, 0.75, -2.25}, 8},
    {"interleave, two channels, rows of two images and one more",
     "const %i0: f32[1x2x2x2] = [1, 2, 3, 4, 5, 6, 7, 8]\n"
     "const %i1: f32[1x2x1x2] = [-1.5, -2.5, -3.5, -4.5]\n"
     "%y: f32[1x2x3x2] = interleave(%i0, %i1) {step=[2,1]}\n",
     {1, 2, -1.5, -2.5, 3, 4, 5, 6, -3.5, -4.5, 7, 8}, 12},
    {"affine, clamped, two channels",
     "const %i0: f32[1x2x1x3] = [1, 2, -3, 4, 5, -6]\n"
     "const %i1: f32[2] = [-2, 0.5]\n"
     "const %i2: f32[2] = [1, -0.25]\n"
     "%y: f32[1x2x1x3] = affine(%i0, %i1, %i2) {act=clip, act_min=-2, act_max=5}\n",
     {-1, -2, 5, 1.75, 2.25, -2}, 6},
    {"gather, negative index",
     "const %i0: f32[2x3] = [-0.5, 1.25, -0.75, 0.5, -0.75, 2.5]\n"
     "const %i1: i64[2] = [2, -3]\n"
     "%y: f32[2x2] = gather(%i0, %i1) {axis=1}\n",
     {-0.75, -0.5, 2.5, 0.5}, 4},
    {"shape, part of it",
     "const %i0: f32[2x3x1x2] = [0.25, -2.75, 1, -1.75, -2, 0, 0, -0.25, 0.25, -1.5, "
     "-2.25, 1.5]\n"
     "%y: i64[2] = shape(%i0) {start=1, end=-1}\n",
     {3, 1}, 2},
    {"reshape",
     "const %i0: f32[2x3] = [2.25, 0, -2.25, 2.75, 2.75, -2]\n"
     "const %i1: i64[3] = [0, -1, 1]\n"
     "%y: f32[2x3x1] = reshape(%i0, %i1)\n",
     {2.25, 0, -2.25, 2.75, 2.75, -2}, 6},
    {"flatten",
     "const %i0: f32[2x1x2] = [-2.25, 2.25, 0, -1]\n"
     "%y: f32[2x2] = flatten(%i0) {axis=2}\n",
     {-2.25, 2.25, 0, -1}, 4},
    {"squeeze",
     "const %i0: f32[1x2x1] = [-2.75, 2]\n"
     "const %i1: i64[1] = [-1]\n"
     "%y: f32[1x2] = squeeze(%i0, %i1)\n",
     {-2.75, 2}, 2},
    {"unsqueeze",
     "const %i0: f32[2] = [-1, -2.75]\n"
     "const %i1: i64[2] = [0, -1]\n"
     "%y: f32[1x2x1] = unsqueeze(%i0, %i1)\n",
     {-1, -2.75}, 2},
    {"identity",
     "const %i0: f32[2] = [2, -1]\n"
     "%y: f32[2] = identity(%i0)\n",
     {2, -1}, 2},
    {"dropout",
     "const %i0: f32[3] = [-1.75, 2.75, -0.5]\n"
     "%y: f32[3] = dropout(%i0)\n",
     {-1.75, 2.75, -0.5}, 3},
    /* Ties to even, then the zero point, then the limits of the type; a scale for each row. */
    {"quantizelinear",
     "const %i0: f32[5] = [-1, 0.26, 1.25, 100, -9]\n"
     "const %i1: f32[] = [0.5]\n"
     "const %i2: u8[] = [10]\n"
     "%y: u8[5] = quantizelinear(%i0, %i1, %i2)\n",
     {8, 11, 12, 210, 0}, 5},
    {"quantizelinear, an axis",
     "const %i0: f32[2x2] = [-1, 0.26, 1.25, 1000]\n"
     "const %i1: f32[2] = [0.5, 0.25]\n"
     "%y: i8[2x2] = quantizelinear(%i0, %i1) {axis=0, dtype=i8}\n",
     {-2, 1, 5, 127}, 4},
    {"dequantizelinear, blocks",
     "const %i0: i8[1x5] = [-128, 3, 0, 7, 127]\n"
     "const %i1: f32[1x2] = [0.5, 2]\n"
     "const %i2: i8[1x2] = [1, -3]\n"
     "%y: f32[1x5] = dequantizelinear(%i0, %i1, %i2) {axis=1, block_size=3}\n",
     {-64.5, 1, -0.5, 20, 260}, 5},
    {"quant, 3 bits without a sign, narrow",
     "const %i0: f32[1x4] = [-1, 0.74, 0.75, 9]\n"
     "const %i1: f32[1] = [0.5]\n"
     "const %i2: f32[] = [1]\n"
     "const %i3: f32[] = [3]\n"
     "%y: f32[1x4] = quant(%i0, %i1, %i2, %i3) {signed=0, narrow=1}\n",
     {-0.5, 0.5, 0.5, 2.5}, 4},
    {"quant, rounded down",
     "const %i0: f32[4] = [-1.2, 0.7, 1.5, 9]\n"
     "const %i1: f32[] = [1]\n"
     "const %i2: f32[] = [0]\n"
     "const %i3: f32[] = [3]\n"
     "%y: f32[4] = quant(%i0, %i1, %i2, %i3) {rounding_mode=FLOOR}\n",
     {-2, 0, 1, 3}, 4},
    {"bipolarquant",
     "const %i0: f32[2x2] = [-0.1, 0, 3, -7]\n"
     "const %i1: f32[2x1] = [0.5, 2]\n"
     "%y: f32[2x2] = bipolarquant(%i0, %i1)\n",
     {-0.5, 0.5, 2, -2}, 4},
    {"trunc, two bits",
     "const %i0: f32[3] = [3.5, -2.5, 20]\n"
     "const %i1: f32[] = [0.5]\n"
     "const %i2: f32[] = [0]\n"
     "const %i3: f32[] = [8]\n"
     "const %i4: f32[] = [6]\n"
     "%y: f32[3] = trunc(%i0, %i1, %i2, %i3, %i4)\n",
     {0.5, -1, 5}, 3},
#include "ir_float_elements.def"
#include "ir_float_networks.def"
};
/* clang-format on */

enum { CASE_COUNT = sizeof cases / sizeof cases[0] };

static void test_cases(void **state) {
    (void)state;
    for (int i = 0; i < CASE_COUNT; i++) ir_test_evaluate(&cases[i]);
}

/* Every float operator has a case; constant and upsample are gone after import, and functions of
 * one element have their own test. */
static void test_every_operator_has_a_case(void **state) {
    (void)state;
    for (int op = 0; op < IR_OP_COUNT; op++) {
        const struct ir_op_info *info = ir_op_info((enum ir_op)op);
        bool found = op == IR_OP_constant || op == IR_OP_upsample || info->level != IR_LEVEL_FLOAT;
        found = found || ir_is_function((enum ir_op)op);
        char call[40];
        snprintf(call, sizeof call, " = %s(", info->name);
        for (int i = 0; i < CASE_COUNT; i++) found = found || strstr(cases[i].lines, call) != NULL;
        if (!found) fail_msg("no case for %s", info->name);
    }
}

/* What the evaluator cannot do is said, with the node. */
static void expect_said(const char *lines, const char *id, const char *message) {
    struct ctx c;
    ctx_init(&c, "test", NULL);
    struct ir_graph *g = ir_test_parse(&c, lines);
    struct ir_tensor *values = arena_array(g->arena, (size_t)g->value_count, sizeof *values);
    assert_false(ir_eval(g, g->arena, NULL, values));
    assert_string_equal(c.first->id, id);
    if (strstr(c.first->message, message) == NULL) fail_msg("found: %s", c.first->message);
    assert_non_null(strstr(c.first->where, "%y"));
    ctx_free(&c);
}

static void expect_fault(const char *lines, const char *message) {
    expect_said(lines, "ir_eval_failed", message);
}

/* Shapes, axes and pads that are computed are not what the outputs were declared to be: the
 * verifier cannot know, and the evaluator must not read past its inputs. */
static void test_computed_shapes(void **state) {
    (void)state;
    expect_said(
        "const %d: f32[1x2] = [1, 2]\nconst %s: i64[2] = [1, 2]\n%t: i64[2] = identity(%s)\n"
        "%y: f32[1000x1000] = reshape(%d, %t)",
        "ir_type_differs", "f32[1000x1000]; expected f32[1x2]");
    expect_said(
        "const %d: f32[1x2] = [1, 2]\nconst %s: i64[2] = [1, 2]\n%t: i64[2] = identity(%s)\n"
        "%y: f32[2x1] = reshape(%d, %t)",
        "ir_type_differs", "f32[2x1]; expected f32[1x2]");
    expect_said(
        "const %d: f32[1x2] = [1, 2]\nconst %s: i64[2] = [1, 3]\n%t: i64[2] = identity(%s)\n"
        "%y: f32[1x3] = reshape(%d, %t)",
        "ir_reshape_bad", "f32[1x2] to [1x3]");
    expect_said("const %d: f32[1x2] = [1, 2]\nconst %s: i64[1] = [0]\n%t: i64[1] = identity(%s)\n"
                "%y: f32[9] = squeeze(%d, %t)",
                "ir_type_differs", "f32[9]; expected f32[2]");
    expect_said("const %d: f32[2] = [1, 2]\nconst %s: i64[1] = [-1]\n%t: i64[1] = identity(%s)\n"
                "%y: f32[5x1] = unsqueeze(%d, %t)",
                "ir_type_differs", "f32[5x1]; expected f32[2x1]");
    expect_said("const %d: f32[1x2] = [1, 2]\nconst %s: i64[4] = [0, 0, 0, 90]\n"
                "%t: i64[4] = identity(%s)\n%y: f32[1x92] = pad(%d, %t) {mode=reflect}",
                "ir_input_bad", "pads that fit dimension 1 of 2");
    expect_said("const %d: f32[1x2] = [1, 2]\nconst %s: i64[4] = [0, 0, 0, 1]\n"
                "%t: i64[4] = identity(%s)\n%y: f32[1x92] = pad(%d, %t)",
                "ir_type_differs", "f32[1x92]; expected f32[1x3]");
}

static void test_faults(void **state) {
    (void)state;
    expect_fault("const %a: i64[2] = [1, 2]\nconst %b: i64[2] = [1, 0]\n%y: i64[2] = div(%a, %b)",
                 "by zero");
    expect_fault(
        "const %a: f32[3] = [1, 2, 3]\nconst %i: i64[1] = [3]\n%y: f32[1] = gather(%a, %i)",
        "index 3");
    expect_fault("const %a: f32[3] = [1, 2, 3]\n%y: f32[?] = identity(%a)", "not known");
    expect_fault("%y: f32[1] = constant()", "constant node");
}

/* --- liveness --- */

struct seen {
    int count;
    float first[8];
    char names[8][8];
};

static void observe(void *user, const struct ir_value *v, const void *data) {
    struct seen *s = user;
    snprintf(s->names[s->count], sizeof s->names[0], "%s", v->name);
    s->first[s->count++] = ((const float *)data)[0];
}

/* Buffers are used again while values are alive elsewhere; what is observed and returned must not
 * suffer. */
static void test_observed(void **state) {
    (void)state;
    struct ctx c;
    struct seen seen = {0};
    ctx_init(&c, "test", NULL);
    struct ir_graph *g = ir_test_parse(&c, "input %x: f32[2]\nconst %one: f32[2] = [1, 2]\n"
                                           "%a: f32[2] = add(%x, %one)\n"
                                           "%b: f32[2] = mul(%a, %one)\n"
                                           "%c: f32[2] = add(%b, %one)\n"
                                           "%d: f32[2] = mul(%c, %a)\n"
                                           "%dead: f32[2] = add(%d, %d)\n"
                                           "%y: f32[2] = sub(%d, %x)");
    const float x[2] = {3, -5};
    const void *in[1] = {x}, *out[1];
    assert_true(ir_verify(g, "test"));
    assert_true(ir_eval_observed(g, g->arena, in, observe, &seen, out));
    const char *const names[] = {"x", "a", "b", "c", "d", "dead", "y"};
    const float first[] = {3, 4, 4, 5, 20, 40, 17};
    assert_int_equal(seen.count, 7);
    for (int i = 0; i < 7; i++) {
        assert_string_equal(seen.names[i], names[i]);
        assert_true(seen.first[i] == first[i]);
    }
    const float *y = out[0];
    assert_true(y[0] == 17.0f && y[1] == 17.0f); /* (−5+2)·2+2 = −4; −4·−3 − −5 = 17 */
    ctx_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),    cmocka_unit_test(test_every_operator_has_a_case),
        cmocka_unit_test(test_faults),   cmocka_unit_test(test_computed_shapes),
        cmocka_unit_test(test_observed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
