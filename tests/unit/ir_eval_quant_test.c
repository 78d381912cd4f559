/* The oracle's quantized operators against written results: first the corners of docs/numbers.md,
 * worked out by hand (ties, negative numbers, saturation both ways, encoded zeros), then random
 * ones computed by a separate reference in Python integers (seed 41). */
#include "ir_test.h"

/* clang-format off */
static const struct ir_test_case cases[] = {
    {"quantize: ties to even, saturation, not-a-number",
     "const %x: f32[10] = [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 127.5, 1e30, -1e30, nan]\n"
     "%y: i8[10] q(bits=8, exp=0, zero=0) = quantize(%x)\n",
     {0, 2, 2, 0, -2, -2, 127, 127, -128, 0}, 10},
    {"quantize: exponent and encoded zero",
     "const %x: f32[6] = [0, 0.25, 0.375, 63.75, 64, -1]\n"
     "%y: i8[6] q(bits=8, exp=-2, zero=-128) = quantize(%x)\n",
     {-128, -127, -126, 127, 127, -128}, 6},
    {"quantize: 16 bits",
     "const %x: f32[4] = [1e9, -1e9, 8, 24]\n"
     "%y: i16[4] q(bits=16, exp=4, zero=0) = quantize(%x)\n",
     {32767, -32768, 0, 2}, 4},
    {"dequantize",
     "const %x: i8[4] q(bits=8, exp=-3, zero=-128) = [-128, -127, 0, 127]\n"
     "%y: f32[4] = dequantize(%x)\n",
     {0, 0.125, 16, 31.875}, 4},
    {"qconv: ties toward plus infinity, negative numbers too",
     "const %x: i8[1x1x1x8] q(bits=8, exp=0, zero=0) = [1, 2, 3, 6, -1, -2, -3, -6]\n"
     "const %w: i16[1x1x1x1] = [1]\n"
     "const %e: i32[1] = [0]\nconst %b: i32[1] = [0]\nconst %s: i32[1] = [2]\n"
     "%y: i8[1x1x1x8] q(bits=8, exp=2, zero=0) = qconv(%x, %w, %e, %b, %s) {bits=4}\n",
     {0, 1, 1, 2, 0, 0, -1, -1}, 8},
    {"qconv: a shift of 0 rounds nothing; saturation both ways",
     "const %x: i8[1x1x1x4] q(bits=8, exp=0, zero=0) = [31, 32, -32, -33]\n"
     "const %w: i16[1x1x1x1] = [4]\n"
     "const %e: i32[1] = [0]\nconst %b: i32[1] = [0]\nconst %s: i32[1] = [0]\n"
     "%y: i8[1x1x1x4] q(bits=8, exp=0, zero=0) = qconv(%x, %w, %e, %b, %s) {bits=3}\n",
     {124, 127, -128, -128}, 4},
    {"qconv: padding holds the encoded zero, not 0",
     "const %x: i8[1x1x1x2] q(bits=8, exp=0, zero=-128) = [-128, 0]\n"
     "const %w: i16[1x1x1x3] = [1, -2, 4]\n"
     "const %e: i32[1] = [0]\nconst %b: i32[1] = [384]\nconst %s: i32[1] = [0]\n"
     "%y: i16[1x1x1x2] q(bits=16, exp=0, zero=0) = qconv(%x, %w, %e, %b, %s) "
     "{pads=[0,1,0,1], bits=3}\n",
     {512, -256}, 2},
    {"qconv: the accumulator at its extremes, shift 31",
     "const %x: i16[1x2x1x2] q(bits=16, exp=0, zero=0) = [-32768, 32767, -32768, 32767]\n"
     "const %w: i16[1x2x1x1] = [16384, 16384]\n"
     "const %e: i32[1] = [-31]\nconst %b: i32[1] = [-1073741824]\nconst %s: i32[1] = [31]\n"
     "%y: i8[1x1x1x2] q(bits=8, exp=0, zero=0) = qconv(%x, %w, %e, %b, %s) {bits=5}\n",
     {-1, 0}, 2},
    {"qconv: output zero, then the clamp of a fused activation",
     "const %x: i8[1x1x1x5] q(bits=8, exp=0, zero=0) = [-9, 0, 3, 5, 100]\n"
     "const %w: i16[1x1x1x1] = [1]\n"
     "const %e: i32[1] = [0]\nconst %b: i32[1] = [1]\nconst %s: i32[1] = [1]\n"
     "%y: i8[1x1x1x5] q(bits=8, exp=1, zero=-128) = qconv(%x, %w, %e, %b, %s) "
     "{bits=4, hi=-125}\n",
     {-128, -127, -126, -125, -125}, 5},
    {"qconv: the residual path saturates in the middle",
     "const %x: i8[1x1x1x3] q(bits=8, exp=0, zero=0) = [100, -100, 3]\n"
     "const %w: i16[1x1x1x1] = [2]\n"
     "const %e: i32[1] = [0]\nconst %b: i32[1] = [0]\nconst %s: i32[1] = [0]\n"
     "const %r: i8[1x1x1x3] q(bits=8, exp=-1, zero=-128) = [-128, 127, -127]\n"
     "%y: i8[1x1x1x3] q(bits=8, exp=1, zero=0) = qconv(%x, %w, %e, %b, %s, %r) "
     "{bits=3, mid_exp=0, mid_bits=8}\n",
     {64, 0, 3}, 3},
    {"qadd: ties, gap of 15",
     "const %a: i8[1x1x1x4] q(bits=8, exp=15, zero=0) = [1, -1, 0, 0]\n"
     "const %b: i8[1x1x1x4] q(bits=8, exp=0, zero=0) = [0, 0, 127, -128]\n"
     "%y: i16[1x1x1x4] q(bits=16, exp=8, zero=0) = qadd(%a, %b)\n",
     {128, -128, 0, 0}, 4},
    {"qmul: one factor per channel",
     "const %a: i8[1x2x1x2] q(bits=8, exp=0, zero=-128) = [-128, -125, -128, -125]\n"
     "const %b: i8[1x2x1x1] q(bits=8, exp=-1, zero=0) = [3, -3]\n"
     "%y: i8[1x2x1x2] q(bits=8, exp=0, zero=0) = qmul(%a, %b)\n",
     {0, 5, 0, -4}, 4},
    {"qmaxpool: padding never wins",
     "const %x: i8[1x1x2x2] q(bits=8, exp=0, zero=-128) = [-128, -100, -128, -127]\n"
     "%y: i8[1x1x2x2] q(bits=8, exp=0, zero=-128) = qmaxpool(%x) "
     "{kernel_shape=[2,2], pads=[1,1,0,0]}\n",
     {-128, -100, -128, -100}, 4},
    {"qavgpool: the table of border windows",
     "const %x: i8[1x1x2x2] q(bits=8, exp=0, zero=0) = [4, 8, 12, 17]\n"
     "%y: i8[1x1x3x3] q(bits=8, exp=0, zero=0) = qavgpool(%x) "
     "{kernel_shape=[2,2], pads=[1,1,1,1], mult=[4,2,2,1], shift=2}\n",
     {4, 6, 8, 8, 10, 13, 12, 15, 17}, 9},
    {"qcopy: every second pixel, from 8 to 16 bits",
     "const %x: i8[1x1x1x5] q(bits=8, exp=-2, zero=-128) = [-128, 9, -127, 9, 127]\n"
     "%y: i16[1x1x1x3] q(bits=16, exp=-8, zero=0) = qcopy(%x) {step=[1,2]}\n",
     {0, 64, 16320}, 3},
    {"qconv, groups",
     "const %x: i8[2x2x4x2] q(bits=8, exp=-2, zero=-128) = [66, 21, 127, 125, -72, -128, "
     "-2, -128, -3, -19, 17, 106, 0, -1, 127, -128, -1, -124, -128, 1, -128, -24, 106, 88,"
     " 10, -128, 3, 3, 127, 108, 41, -128]\n"
     "const %w: i16[2x1x3x3] = [-1, 1, -1, 1, 0, -1, 1, -1, -1, 1, 1, 0, -1, -1, 1, 0, 0, "
     "-1]\n"
     "const %wexp: i32[2] = [2, 0]\n"
     "const %bias: i32[2] = [-4694, -2250]\n"
     "const %shift: i32[2] = [1, 3]\n"
     "%y: i16[2x2x2x1] q(bits=16, exp=1, zero=0) = qconv(%x, %w, %wexp, %bias, %shift) "
     "{pads=[2,1,0,1], strides=[1,2], dilations=[2,1], group=2, bits=2}\n",
     {-2321, -2408, -299, -270, -2273, -2508, -328, -281}, 8},
    {"qconv, two terms",
     "const %x: i16[2x1x2x3] q(bits=16, exp=-8, zero=0) = [3, 4613, -24853, -28863, 27810,"
     " -9911, -2, -32768, -13639, 1, -2, 10648]\n"
     "const %w: i16[1x1x1x2] = [0, 32]\n"
     "const %wexp: i32[1] = [4]\n"
     "const %bias: i32[1] = [-4805]\n"
     "const %shift: i32[1] = [0]\n"
     "const %w2: i16[1x1x1x2] = [2, -4096]\n"
     "%y: i16[2x1x2x3] q(bits=16, exp=-4, zero=0) = qconv(%x, %w, %wexp, %bias, %shift, _,"
     " %w2) {pads=[1,0,1,2], strides=[2,1], dilations=[2,2], group=1, bits=5, terms=2, "
     "term_shift=6, lo=-28208, hi=3537}\n",
     {-4805, -4805, -4805, 3537, 3537, -24627, -4805, -4805, -4805, -28208, -4809, 3537},
      12},
    {"qconv, residual",
     "const %x: i16[1x2x1x5] q(bits=16, exp=-4, zero=-32768) = [-19402, 2032, -32768, "
     "-32768, 30282, -1, -14100, -28596, 0, -2]\n"
     "const %w: i16[4x1x2x3] = [0, 16384, 0, -512, 128, 8, 0, -512, -256, 0, -1, -4096, 0,"
     " -4, -16384, 64, -1024, 1024, 8, -32, 64, 256, 1, 256]\n"
     "const %wexp: i32[4] = [1, -1, 1, -4]\n"
     "const %bias: i32[4] = [-1588, 2783, -4026, -4750]\n"
     "const %shift: i32[4] = [2, 4, 2, 7]\n"
     "const %r: i16[1x4x1x3] q(bits=16, exp=0, zero=-32768) = [-30218, 23415, 1912, 32346,"
     " -29853, 32767, 32767, -1, 3324, -3, -32768, -5913]\n"
     "%y: i16[1x4x1x3] q(bits=16, exp=3, zero=0) = qconv(%x, %w, %wexp, %bias, %shift, %r)"
     " {pads=[0,0,1,2], strides=[2,1], dilations=[1,2], group=2, bits=5, mid_exp=-1, "
     "mid_bits=16}\n",
     {-1729, 4975, 6383, 10187, 2412, 10240, 6144, 6144, 6559, 2048, -2048, 1309}, 12},
    {"qconv, two terms, residual",
     "const %x: i8[1x2x1x4] q(bits=8, exp=0, zero=0) = [-3, -1, 1, 58, -128, 127, 127, "
     "127]\n"
     "const %w: i16[2x1x1x3] = [0, -2, 2, 4, 4, -2]\n"
     "const %wexp: i32[2] = [-9, -4]\n"
     "const %bias: i32[2] = [3158, -3204]\n"
     "const %shift: i32[2] = [9, 4]\n"
     "const %r: i8[1x2x3x2] q(bits=8, exp=0, zero=-128) = [-125, 111, 77, 127, 3, 1, -3, "
     "74, 127, -128, -27, 126]\n"
     "const %w2: i16[2x1x1x3] = [-1, -1, -2, 0, 0, 0]\n"
     "%y: i8[1x2x3x2] q(bits=8, exp=4, zero=0) = qconv(%x, %w, %wexp, %bias, %shift, %r, "
     "%w2) {pads=[0,1,2,1], strides=[1,1], dilations=[2,2], group=2, bits=3, terms=2, "
     "term_shift=2, mid_exp=0, mid_bits=8}\n",
     {1, 15, 13, 16, 9, 8, 0, 5, 8, -8, -2, 8}, 12},
    {"qadd, random 1",
     "const %a: i16[1x3x1x2] q(bits=16, exp=-3, zero=0) = [-18227, 3, 3, -21249, 1, 32767]\n"
     "const %b: i16[1x3x1x2] q(bits=16, exp=-17, zero=-32768) = [3, 2, 13778, 32767, 3, "
     "-28637]\n"
     "%y: i16[1x3x1x2] q(bits=16, exp=-14, zero=-32768) = qadd(%a, %b)\n",
     {-32768, -22528, -20806, -32768, -26624, 32767}, 6},
    {"qadd, random 2",
     "const %a: i16[2x3x1x2] q(bits=16, exp=-2, zero=0) = [-9453, 9043, 22154, -14728, -2,"
     " 32767, -27202, 32767, 32767, -26047, -1, -8376]\n"
     "const %b: i16[2x3x1x2] q(bits=16, exp=5, zero=0) = [16665, -5284, 22269, 5252, "
     "-1906, 530, -30813, 24091, 32767, 1, -3, -4234]\n"
     "%y: i16[2x3x1x2] q(bits=16, exp=16, zero=-32768) = qadd(%a, %b)\n",
     {-32760, -32768, -32757, -32765, -32768, -32768, -32768, -32756, -32752, -32768,
      -32768, -32768}, 12},
    {"qmul, random 1",
     "const %a: i8[2x3x2x1] q(bits=8, exp=0, zero=-128) = [2, -128, -27, 127, 64, 51, 100,"
     " 1, -56, 44, -128, -44]\n"
     "const %b: i16[2x3x1x1] q(bits=16, exp=-1, zero=-32768) = [30634, 32767, -7756, 1, "
     "-17411, -14885]\n"
     "%y: i16[2x3x2x1] q(bits=16, exp=21, zero=-32768) = qmul(%a, %b)\n",
     {-32766, -32768, -32766, -32764, -32767, -32767, -32766, -32767, -32768, -32767,
      -32768, -32768}, 12},
    {"qmul, random 2",
     "const %a: i16[2x1x2x3] q(bits=16, exp=-7, zero=0) = [-29224, -14653, -17008, 32767, "
     "-3201, -30952, -3, -19981, 32767, 29767, -1407, 16665]\n"
     "const %b: i16[2x1x1x1] q(bits=16, exp=-1, zero=-32768) = [9989, -30417]\n"
     "%y: i8[2x1x2x3] q(bits=8, exp=16, zero=0) = qmul(%a, %b)\n",
     {-74, -37, -43, 84, -8, -79, 0, -3, 5, 4, 0, 2}, 12},
    {"qscale, random 1",
     "const %x: i16[2x2x2x1] q(bits=16, exp=-2, zero=-32768) = [-1, 32767, -32768, 10229, "
     "26525, 26098, 1, 32767]\n"
     "const %m: i16[2] = [15575, -20384]\n"
     "const %b: i32[2] = [2, -1948728646]\n"
     "const %s: i32[2] = [12, 18]\n"
     "%y: i16[2x2x2x1] q(bits=16, exp=-4, zero=0) = qscale(%x, %m, %b, %s)\n",
     {32767, 32767, -7434, -10777, 32767, 32767, -9982, -12530}, 8},
    {"qscale, random 2",
     "const %x: i8[2x2x1x2] q(bits=8, exp=-5, zero=-128) = [40, 1, -52, -124, -100, 122, "
     "-85, 28]\n"
     "const %m: i16[2] = [11768, 3685]\n"
     "const %b: i32[2] = [-91, -869108544]\n"
     "const %s: i32[2] = [17, 9]\n"
     "%y: i16[2x2x1x2] q(bits=16, exp=-7, zero=-32768) = qscale(%x, %m, %b, %s)\n",
     {-32753, -32756, -32768, -32768, -32765, -32746, -32768, -32768}, 8},
    {"qprelu, random 1",
     "const %x: i8[2x2x1x2] q(bits=8, exp=-3, zero=0) = [0, 17, -119, 0, -1, -3, 5, -2]\n"
     "const %m: i16[2] = [-25752, 16384]\n"
     "const %s: i32[2] = [16, 15]\n"
     "%y: i8[2x2x1x2] q(bits=8, exp=-1, zero=0) = qprelu(%x, %m, %s)\n",
     {0, 4, -59, 0, 0, 1, 1, -1}, 8},
    {"qprelu, random 2",
     "const %x: i16[2x2x1x2] q(bits=16, exp=-1, zero=0) = [-32768, 32767, 9677, -12996, "
     "-1, -26440, -23274, -23966]\n"
     "const %m: i16[2] = [-25166, -4628]\n"
     "const %s: i32[2] = [16, 15]\n"
     "%y: i16[2x2x1x2] q(bits=16, exp=1, zero=0) = qprelu(%x, %m, %s)\n",
     {12583, 8192, 2419, 1835, 0, 10153, 3287, 3385}, 8},
    {"qprelu, random 3",
     "const %x: i8[2x2x1x2] q(bits=8, exp=-5, zero=-128) = [-5, 127, -1, -1, 0, 0, 1, 127]\n"
     "const %m: i16[2] = [-2835, 17590]\n"
     "const %s: i32[2] = [12, 18]\n"
     "%y: i16[2x2x1x2] q(bits=16, exp=-7, zero=0) = qprelu(%x, %m, %s) {lo=-900, hi=901}\n",
     {492, 901, 508, 508, 512, 512, 516, 901}, 8},
    {"qprelu, random 4",
     "const %x: i16[2x2x1x2] q(bits=16, exp=-9, zero=-32768) = [-7467, 0, "
     "-12706, 1, 0, 32767, 21839, -19978]\n"
     "const %m: i16[2] = [25062, -2224]\n"
     "const %s: i32[2] = [18, 13]\n"
     "%y: i8[2x2x1x2] q(bits=8, exp=0, zero=0) = qprelu(%x, %m, %s)\n",
     {49, 64, 39, 64, 64, 127, 107, 25}, 8},
    {"qavgpool, random 1",
     "const %x: i8[2x1x1x4] q(bits=8, exp=-5, zero=-128) = [2, 0, 127, 127, -128, -119, "
     "94, -100]\n"
     "%y: i16[2x1x1x4] q(bits=16, exp=-5, zero=-32768) = qavgpool(%x) {kernel_shape=[2,3],"
     " strides=[2,1], pads=[1,1,1,1], ceil_mode=0, mult=[18422,20051,15579,15395,32412,3],"
     " shift=19}\n",
     {-32758, -32753, -32749, -32748, -32768, -32761, -32760, -32758}, 8},
    {"qavgpool, random 2",
     "const %x: i8[2x1x3x4] q(bits=8, exp=-5, zero=-128) = [-58, 98, 127, -112, -24, 1, 8,"
     " -2, -62, 31, -128, 3, 127, 81, -15, -2, 126, 95, 118, 127, -128, 127, 114, 16]\n"
     "%y: i8[2x1x2x2] q(bits=8, exp=-4, zero=0) = qavgpool(%x) {kernel_shape=[2,2], "
     "strides=[3,2], pads=[1,0,1,1], ceil_mode=1, mult=[26777], shift=19}\n",
     {15, 14, 11, 7, 24, 12, 13, 20}, 8},
    {"qmaxpool, random 1",
     "const %x: i16[1x1x5x3] q(bits=16, exp=-2, zero=0) = [842, -1, 31089, -23097, -13459,"
     " -14367, -31765, 2347, 13950, -9830, -4753, -21628, 2, 2, -32768]\n"
     "%y: i16[1x1x2x2] q(bits=16, exp=-2, zero=0) = qmaxpool(%x) {kernel_shape=[3,3], "
     "strides=[2,1], pads=[1,1,0,0], ceil_mode=0}\n",
     {842, 31089, 2347, 13950}, 4},
    {"qmaxpool, random 2",
     "const %x: i8[1x1x2x3] q(bits=8, exp=-1, zero=-128) = [-44, -128, 127, -103, 2, -128]\n"
     "%y: i8[1x1x2x2] q(bits=8, exp=-1, zero=-128) = qmaxpool(%x) {kernel_shape=[1,2], "
     "strides=[1,2], pads=[0,1,0,1], ceil_mode=0}\n",
     {-44, 127, -103, 2}, 4},
    {"qcopy, random 1",
     "const %x: i16[2x2x1x3] q(bits=16, exp=0, zero=-32768) = [0, 17410, 32767, -13406, 0,"
     " -19385, 10342, -189, 1, -32768, 2, -31936]\n"
     "%y: i16[2x2x1x2] q(bits=16, exp=0, zero=0) = qcopy(%x) {step=[3,2], repeat=[1,1]}\n",
     {32767, 32767, 19362, 13383, 32767, 32767, 0, 832}, 8},
    {"qcopy, random 2",
     "const %x: i8[1x2x1x3] q(bits=8, exp=-7, zero=0) = [-2, 3, -128, 1, -8, 0]\n"
     "%y: i16[1x2x1x6] q(bits=16, exp=-7, zero=0) = qcopy(%x) {step=[1,1], repeat=[1,2], "
     "lo=-32034, hi=12886}\n",
     {-2, -2, 3, 3, -128, -128, 1, 1, -8, -8, 0, 0}, 12},
    {"qconcat, random 1",
     "const %a: i8[2x1x2x1] q(bits=8, exp=-4, zero=-128) = [-128, 91, 3, -119]\n"
     "const %b: i8[2x1x2x1] q(bits=8, exp=-4, zero=-128) = [127, -36, -2, 1]\n"
     "%y: i8[2x2x2x1] q(bits=8, exp=-4, zero=-128) = qconcat(%a, %b)\n",
     {-128, 91, 127, -36, 3, -119, -2, 1}, 8},
    {"qconcat, random 2",
     "const %a: i8[1x1x1x3] q(bits=8, exp=-5, zero=0) = [-1, 121, 1]\n"
     "const %b: i8[1x2x1x3] q(bits=8, exp=-5, zero=0) = [127, 127, -50, -128, 31, -71]\n"
     "%y: i8[1x3x1x3] q(bits=8, exp=-5, zero=0) = qconcat(%a, %b)\n",
     {-1, 121, 1, 127, 127, -50, -128, 31, -71}, 9},
    {"qinterleave, an odd number of columns",
     "const %a: i8[1x1x1x2] q(bits=8, exp=-5, zero=0) = [-1, 121]\n"
     "const %b: i8[1x1x1x1] q(bits=8, exp=-5, zero=0) = [5]\n"
     "const %c: i8[1x1x1x2] q(bits=8, exp=-5, zero=0) = [-50, -128]\n"
     "const %d: i8[1x1x1x1] q(bits=8, exp=-5, zero=0) = [31]\n"
     "%y: i8[1x1x2x3] q(bits=8, exp=-5, zero=0) = qinterleave(%a, %b, %c, %d) {step=[2,2]}\n",
     {-1, 5, 121, -50, 31, -128}, 6},
};
/* clang-format on */

enum { CASE_COUNT = sizeof cases / sizeof cases[0] };

static void test_cases(void **state) {
    (void)state;
    for (int i = 0; i < CASE_COUNT; i++) ir_test_evaluate(&cases[i]);
}

static int64_t power(int64_t x) {
    return x % 7 * (x % 11) - 30;
}

/* Tables of 257 entries are too long to write: entry i is power(i), and 16-bit inputs interpolate
 * between two. */
static void check_qlut(const char *type, const char *elements, const int64_t *x, int64_t *want,
                       int count) {
    struct ctx c;
    struct writer text;
    ctx_init(&c, "test", NULL);
    writer_init(&text, arena_new(&c));
    write_text(&text, "const %%x: %s = [%s]\nconst %%t: i16[257] = [", type, elements);
    for (int i = 0; i < 257; i++) write_text(&text, "%s%d", i > 0 ? ", " : "", (int)power(i));
    write_text(&text, "]\n%%y: i8[%d] q(bits=8, exp=0, zero=0) = qlut(%%x, %%t)", count);
    struct ir_graph *g = ir_test_parse(&c, writer_string(&text));
    struct ir_tensor *values = arena_array(g->arena, (size_t)g->value_count, sizeof *values);
    assert_true(ir_verify(g, "test"));
    assert_true(ir_eval(g, g->arena, NULL, values));
    for (int i = 0; i < count; i++)
        assert_int_equal(((int8_t *)values[g->outputs[0]->id].data)[i], want[x[i]]);
    ctx_free(&c);
}

static void test_qlut(void **state) {
    (void)state;
    int64_t narrow[3] = {power(0), power(128), power(255)};
    check_qlut("i8[3] q(bits=8, exp=0, zero=0)", "-128, 0, 127", (int64_t[]){0, 1, 2}, narrow, 3);
    /* 6·6−30 = 6 at 6, 0·7−30 = −30 at 7: half way −12, one 256th behind 6 −(36/256) rounds to 6 */
    int64_t wide[3] = {6, -12, -30};
    check_qlut("i16[4] q(bits=16, exp=0, zero=0)", "-31232, -31231, -31104, -30976",
               (int64_t[]){0, 0, 1, 2}, wide, 4);
}

/* Every quantized operator has a case here; qlut has its own test. */
static void test_every_operator_has_a_case(void **state) {
    (void)state;
    for (int op = 0; op < IR_OP_COUNT; op++) {
        const struct ir_op_info *info = ir_op_info((enum ir_op)op);
        bool found = op == IR_OP_qlut || info->level != IR_LEVEL_QUANT;
        char call[40];
        snprintf(call, sizeof call, " = %s(", info->name);
        for (int i = 0; i < CASE_COUNT; i++) found = found || strstr(cases[i].lines, call) != NULL;
        if (!found) fail_msg("no case for %s", info->name);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_qlut),
        cmocka_unit_test(test_every_operator_has_a_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
