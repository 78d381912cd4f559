/* Copies between DRAM and the on-chip buffers: ld.wgt, ld.par, ld.act, st.act. Byte for byte,
 * strides and padding as isa/svpe.def says; that every byte is inside was proven by the loader. */
#include "runtime/emulator.h"

#include <string.h>

void rt_do_line(struct rt_emulator *e, const struct svpe_insn *i) {
    /* cppcheck-suppress constVariable ; it is one */
    uint8_t *const buffers[SVPE_BUFFER_COUNT] = {
        [SVPE_BUFFER_WGT] = e->wgt, [SVPE_BUFFER_PAR] = e->par};
    uint8_t *to = buffers[svpe_op_info(i->op)->copy.buffer] + svpe_get(i, SVPE_LINE_dst) * 8;
    const uint8_t *from = e->source[svpe_get(i, SVPE_LINE_region)] + svpe_get(i, SVPE_LINE_src);
    memcpy(to, from, (size_t)svpe_get(i, SVPE_LINE_count) * 8);
}

static uint8_t *fill(const struct rt_emulator *e, uint8_t *to, size_t elements, int64_t value) {
    if (e->act_bytes == 1) {
        memset(to, (uint8_t)value, elements);
    } else {
        for (size_t n = 0; n < elements; n++) {
            to[2 * n] = (uint8_t)value;
            to[2 * n + 1] = (uint8_t)((uint16_t)value >> 8);
        }
    }
    return to + elements * (size_t)e->act_bytes;
}

struct tile {
    size_t rows, cols, above, below, left, right; /* rows, cols: read from DRAM */
    size_t pixel;                                 /* elements */
    int64_t pad;
};

static struct tile tile_of(const struct svpe_insn *i) {
    return (struct tile){.rows = (size_t)svpe_get(i, SVPE_TILE_nr),
                         .cols = (size_t)svpe_get(i, SVPE_TILE_nc),
                         .above = (size_t)svpe_get(i, SVPE_TILE_pt),
                         .below = (size_t)svpe_get(i, SVPE_TILE_pb),
                         .left = (size_t)svpe_get(i, SVPE_TILE_pl),
                         .right = (size_t)svpe_get(i, SVPE_TILE_pr),
                         .pixel = (size_t)1 << svpe_get(i, SVPE_TILE_px),
                         .pad = svpe_get(i, SVPE_TILE_pad)};
}

/* One block: rows of padding, rows of data between columns of padding, rows of padding. */
static void load_block(struct rt_emulator *e, const struct tile *t, const uint8_t *from,
                       size_t from_row, uint8_t *to, size_t to_row) {
    size_t width = (t->left + t->cols + t->right) * t->pixel;
    size_t bytes = t->cols * t->pixel * (size_t)e->act_bytes;
    for (size_t y = 0; y < t->above + t->rows + t->below; y++, to += to_row) {
        if (y < t->above || y >= t->above + t->rows) {
            fill(e, to, width, t->pad);
            continue;
        }
        uint8_t *at = fill(e, to, t->left * t->pixel, t->pad);
        memcpy(at, from, bytes);
        fill(e, at + bytes, t->right * t->pixel, t->pad);
        from += from_row;
    }
}

void rt_do_load_tile(struct rt_emulator *e, const struct svpe_insn *i) {
    struct tile t = tile_of(i);
    size_t vector = (size_t)e->lanes * (size_t)e->act_bytes;
    const uint8_t *from = e->source[svpe_get(i, SVPE_TILE_region)] + svpe_get(i, SVPE_TILE_src);
    uint8_t *to = e->act + (size_t)svpe_get(i, SVPE_TILE_dst) * vector;
    for (int64_t b = 0; b < svpe_get(i, SVPE_TILE_nb); b++)
        load_block(e, &t, from + b * svpe_get(i, SVPE_TILE_sb), (size_t)svpe_get(i, SVPE_TILE_sr),
                   to + (size_t)(b * svpe_get(i, SVPE_TILE_db)) * vector,
                   (size_t)svpe_get(i, SVPE_TILE_dr) * vector);
}

/* Bytes: of a vector, stored of each one, from one pixel to the next in DRAM. */
struct row {
    size_t cols, vector, bytes, step;
};

static void store_row(const uint8_t *from, uint8_t *to, const struct row *r) {
    if (r->bytes == r->step) {
        memcpy(to, from, r->cols * r->vector);
        return;
    }
    for (size_t x = 0; x < r->cols; x++) memcpy(to + x * r->step, from + x * r->vector, r->bytes);
}

void rt_do_store_tile(struct rt_emulator *e, const struct svpe_insn *i) {
    size_t element = (size_t)e->act_bytes, vector = (size_t)e->lanes * element;
    const struct row r = {.cols = (size_t)svpe_get(i, SVPE_BACK_nc),
                          .vector = vector,
                          .bytes = (size_t)svpe_get(i, SVPE_BACK_lanes) * element,
                          .step = (size_t)svpe_get(i, SVPE_BACK_sc) * vector};
    const uint8_t *from = e->act + (size_t)svpe_get(i, SVPE_BACK_src) * vector +
                          (size_t)svpe_get(i, SVPE_BACK_from) * element;
    uint8_t *to = e->dram[svpe_get(i, SVPE_BACK_region)] + svpe_get(i, SVPE_BACK_dst);
    for (int64_t b = 0; b < svpe_get(i, SVPE_BACK_nb); b++)
        for (int64_t y = 0; y < svpe_get(i, SVPE_BACK_nr); y++) {
            int64_t row = b * svpe_get(i, SVPE_BACK_db) + y * svpe_get(i, SVPE_BACK_dr);
            store_row(from + (size_t)row * vector,
                      to + b * svpe_get(i, SVPE_BACK_sb) + y * svpe_get(i, SVPE_BACK_sr), &r);
        }
}
