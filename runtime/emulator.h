/* The emulator's insides, shared by emulator*.c and kernels.c and by tests that look into its
 * buffers. */
#ifndef NBQ_RUNTIME_EMULATOR_H
#define NBQ_RUNTIME_EMULATOR_H

#include "runtime/device.h"

/* Lanes of one accumulator group: scratch rows of E accumulators or weights are padded to a
 * multiple of it. */
enum { RT_GROUP = 16 };
/* Most weight codes in a byte. */
enum { RT_CODES = 4 };
#define WFMT(name, text, bits, ...)                                                                \
    _Static_assert((bits) > 8 || 8 / (bits) <= RT_CODES, "a byte of " text " has more codes");
#include "isa/wfmt.def"
#undef WFMT

/* Sums of one row of pixels of a convolution. Arithmetic is modulo 2^32, which is what a 32-bit
 * accumulator does.
 *   sums[x·stride + e] += Σ_v taps[x·lanes + v] · weights[v·stride + e]
 * for the first `live` groups of e. */
typedef void rt_mac_fn(uint32_t *sums, const uint32_t *taps, const uint32_t *weights, int cols,
                       int lanes, int stride, int live);
/* kernels.c */
rt_mac_fn *rt_mac_kernel(void); /* the fastest this CPU runs; all give the same bits */
int rt_mac_kernel_count(void);  /* those this CPU runs */
rt_mac_fn *rt_mac_kernel_at(int i);

struct rt_emulator {
    struct rt_device device; /* first: the vtable */
    const struct rt_image *image;
    int lanes, elements, gather;       /* V, E, G */
    int act_bits, act_bytes, acc_bits; /* bytes: of one element */
    int32_t act_zero;                  /* −2^(A−1): what a set za, zb or zo bit means */

    uint8_t *act, *wgt, *par;                      /* on-chip buffers, in bytes */
    int64_t *acc;                                  /* one accumulator each, sign-extended */
    size_t act_size, wgt_size, par_size, acc_size; /* all in bytes */
    const uint8_t *source[SVPE_REGION_COUNT];      /* DRAM as the device reads it */
    uint8_t
        *dram[SVPE_REGION_COUNT]; /* and where it or the host may write: work, in, out; else NULL */

    /* Scratch of one convolution, sized by the largest one of the image. */
    int stride; /* E rounded up to RT_GROUP */
    uint32_t *taps, *weights, *row;
    uint32_t *sums32; /* acc_bits = 32 */
    uint64_t *sums64; /* wider */
    int16_t *codes;   /* one weight block, and RT_CODES more */
    int16_t value[SVPE_WFMT_COUNT][256]
                 [RT_CODES]; /* the codes in a byte, where they have up to 8 bits */
    rt_mac_fn *mac;

    bool shuffle; /* take any order the tokens allow, by seed, instead of the stream's */
    struct rng order;
    const char *error;
};

/* All instructions of a format. */
typedef void rt_execute_fn(struct rt_emulator *e, const struct svpe_insn *i);

/* emulator.c */
extern const struct rt_device_ops rt_emulator_ops;
/* From now on segments run in a random order that the tokens allow: for a program without races,
 * the same results. */
void rt_emulator_shuffle(struct rt_device *d, uint64_t seed);
void rt_emulator_execute(struct rt_emulator *e, const struct svpe_insn *i);
void rt_load_elements(const struct rt_emulator *e, size_t element, int count, int32_t *out);
void rt_store_elements(struct rt_emulator *e, size_t element, int count, const int32_t *values);

/* emulator_dma.c */
rt_execute_fn rt_do_line, rt_do_load_tile, rt_do_store_tile;
/* emulator_conv.c */
rt_execute_fn rt_do_conv;
size_t rt_conv_pixels(const struct svpe_insn *i);
/* emulator_vector.c: one for each format */
rt_execute_fn rt_do_requantize, rt_do_pair, rt_do_map, rt_do_window;

#endif
