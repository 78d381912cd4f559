/* Weight codes of wfmt.def: integers to codes and back, packed low bits first. Power-of-two codes
 * are a sign bit above magnitude bits; magnitude 0 is zero, m is 2^(m−1). Linear codes are two's
 * complement. And the blocks they come in. */
#include "isa/isa.h"

#include <assert.h>

enum svpe_wfmt svpe_wfmt_for(bool linear, int n) {
    int f = 0;
    while (f < SVPE_WFMT_COUNT) {
        const struct svpe_wfmt_info *info = svpe_wfmt_info((enum svpe_wfmt)f);
        if (info->linear == linear && info->least <= n && n <= info->most) break;
        f++;
    }
    assert(f < SVPE_WFMT_COUNT);
    return (enum svpe_wfmt)f;
}

static int linear_code(const struct svpe_wfmt_info *info, int value) {
    int half = 1 << (info->bits - 1);
    if (value < -half || value >= half) return -1;
    return value & (2 * half - 1);
}

int svpe_wcode(enum svpe_wfmt f, int value) {
    const struct svpe_wfmt_info *info = svpe_wfmt_info(f);
    if (info->linear) return linear_code(info, value);
    if (value == 0) return 0;
    uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;
    int m = __builtin_ctzll(size) + 1;
    if ((size & (size - 1)) != 0 || m >= 1 << info->magnitude_bits) return -1;
    return m | (value < 0 ? 1 << info->magnitude_bits : 0);
}

bool svpe_wvalue(enum svpe_wfmt f, unsigned code, int *value) {
    const struct svpe_wfmt_info *info = svpe_wfmt_info(f);
    int c = (int)code;
    if (code >> info->bits) return false;
    if (info->linear) {
        *value = (c >> (info->bits - 1)) ? c - (1 << info->bits) : c;
        return true;
    }
    int m = c & ((1 << info->magnitude_bits) - 1);
    int sign = c >> info->magnitude_bits;
    if (sign > 1 || (sign == 1 && m == 0)) return false;
    *value = m == 0 ? 0 : (sign ? -1 : 1) * (1 << (m - 1));
    return true;
}

void svpe_pack(enum svpe_wfmt f, const int16_t *values, size_t count, struct writer *to) {
    int bits = svpe_wfmt_info(f)->bits, filled = 0;
    uint64_t pending = 0;
    size_t words = 0; /* of 4 bytes */
    for (size_t i = 0; i < count; i++) {
        int code = svpe_wcode(f, values[i]);
        assert(code >= 0);
        pending |= (uint64_t)code << filled;
        filled += bits;
        for (; filled >= 32; filled -= 32, pending >>= 32, words++)
            write_u32(to, (uint32_t)pending);
    }
    if (filled > 0) {
        write_u32(to, (uint32_t)pending);
        words++;
    }
    if (words % 2) write_u32(to, 0);
}

size_t svpe_block_bytes(const struct svpe_target *t, enum svpe_wfmt f) {
    size_t bits = (size_t)(t->lanes * t->elements * svpe_wfmt_info(f)->bits);
    return (bits + 63) / 64 * 8;
}

int64_t svpe_taps_per_block(const struct svpe_target *t, enum svpe_form form, int64_t px) {
    if (form == SVPE_FORM_DEPTHWISE) return t->gather;
    return form == SVPE_FORM_STEM ? t->lanes >> px : 1;
}

int64_t svpe_conv_blocks(const struct svpe_target *t, const struct svpe_insn *i) {
    enum svpe_form form = (enum svpe_form)svpe_get(i, SVPE_CONV_form);
    int64_t taps = svpe_taps_per_block(t, form, svpe_get(i, SVPE_CONV_px));
    int64_t columns = (svpe_get(i, SVPE_CONV_kw) + taps - 1) / taps;
    return svpe_get(i, SVPE_CONV_ob) * (1 + svpe_get(i, SVPE_CONV_two)) *
           svpe_get(i, SVPE_CONV_kh) * columns * svpe_get(i, SVPE_CONV_ib);
}
