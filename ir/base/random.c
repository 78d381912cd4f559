/* splitmix64 (Steele, Lea, Flood, OOPSLA 2014): one rule wherever a seed is printed. */
#include "base/bytes.h"

uint64_t rng_next(struct rng *r) {
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint32_t rng_below(struct rng *r, uint32_t n) {
    return (uint32_t)((rng_next(r) >> 32) * n >> 32);
}

double rng_unit(struct rng *r) {
    return (double)(rng_next(r) >> 11) * 0x1p-53;
}

/* Twelve uniform numbers: no libm function whose last bit differs between systems. */
double rng_normal(struct rng *r) {
    double sum = -6;
    for (int i = 0; i < 12; i++) sum += rng_unit(r);
    return sum;
}
