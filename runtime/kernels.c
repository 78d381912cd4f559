/* The emulator's one hot loop, compiled for several instruction sets of the host's CPU and chosen
 * when a device opens.
 *
 * One body, written with the compiler's vector extension; each copy only adds a target attribute,
 * so that all give the same bits. Four pixels at a time share the loaded weights. */
#include "runtime/emulator.h"

/* Sixteen accumulators. Unaligned, because rows are only as aligned as the arena makes them. */
typedef uint32_t group_t __attribute__((vector_size(RT_GROUP * 4), aligned(4), may_alias));

#define ALWAYS_INLINE static inline __attribute__((always_inline))

ALWAYS_INLINE void four_pixels(uint32_t *sums, const uint32_t *taps, const uint32_t *weights,
                               int lanes, int stride) {
    group_t *to0 = (group_t *)sums, *to1 = (group_t *)(sums + stride);
    group_t *to2 = (group_t *)(sums + 2 * stride), *to3 = (group_t *)(sums + 3 * stride);
    group_t s0 = *to0, s1 = *to1, s2 = *to2, s3 = *to3;
    for (int v = 0; v < lanes; v++) {
        group_t w = *(const group_t *)(weights + v * stride);
        s0 += w * taps[v];
        s1 += w * taps[lanes + v];
        s2 += w * taps[2 * lanes + v];
        s3 += w * taps[3 * lanes + v];
    }
    *to0 = s0;
    *to1 = s1;
    *to2 = s2;
    *to3 = s3;
}

ALWAYS_INLINE void one_pixel(uint32_t *sums, const uint32_t *taps, const uint32_t *weights,
                             int lanes, int stride) {
    group_t s = *(group_t *)sums;
    for (int v = 0; v < lanes; v++) s += *(const group_t *)(weights + v * stride) * taps[v];
    *(group_t *)sums = s;
}

ALWAYS_INLINE void mac(uint32_t *sums, const uint32_t *taps, const uint32_t *weights, int cols,
                       int lanes, int stride, int live) {
    for (int g = 0; g < live; g++) {
        uint32_t *to = sums + g * RT_GROUP;
        const uint32_t *from = weights + g * RT_GROUP;
        int x = 0;
        for (; x + 4 <= cols; x += 4)
            four_pixels(to + x * stride, taps + x * lanes, from, lanes, stride);
        for (; x < cols; x++) one_pixel(to + x * stride, taps + x * lanes, from, lanes, stride);
    }
}

#define MAC_KERNEL(name, attributes)                                                               \
    attributes static void name(uint32_t *sums, const uint32_t *taps, const uint32_t *weights,     \
                                int cols, int lanes, int stride, int live) {                       \
        mac(sums, taps, weights, cols, lanes, stride, live);                                       \
    }

MAC_KERNEL(mac_plain, )
#ifdef __x86_64__
MAC_KERNEL(mac_sse41, __attribute__((target("sse4.1"))))
MAC_KERNEL(mac_avx2, __attribute__((target("avx2"))))
MAC_KERNEL(mac_avx512, __attribute__((target("avx512f"))))
#endif

/* Slowest first. */
enum level { LEVEL_PLAIN, LEVEL_SSE41, LEVEL_AVX2, LEVEL_AVX512, LEVEL_COUNT };

static rt_mac_fn *const kernels[LEVEL_COUNT] = {
    [LEVEL_PLAIN] = mac_plain,
#ifdef __x86_64__
    [LEVEL_SSE41] = mac_sse41,
    [LEVEL_AVX2] = mac_avx2,
    [LEVEL_AVX512] = mac_avx512,
#endif
};

/* Each level's CPUs have those below as well. */
static int levels(void) {
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f")) return LEVEL_AVX512 + 1;
    if (__builtin_cpu_supports("avx2")) return LEVEL_AVX2 + 1;
    if (__builtin_cpu_supports("sse4.1")) return LEVEL_SSE41 + 1;
#endif
    return LEVEL_PLAIN + 1;
}

int rt_mac_kernel_count(void) {
    return levels();
}

rt_mac_fn *rt_mac_kernel_at(int i) {
    return i >= 0 && i < levels() ? kernels[i] : NULL;
}

rt_mac_fn *rt_mac_kernel(void) {
    return kernels[levels() - 1];
}
