/* Where things lie: tensors in DRAM by the time they are alive, layers' parts of the on-chip
 * buffers in turn.
 *
 * DRAM: tensors of the work region from the largest to the smallest, each into the smallest gap
 * that the tensors alive at the same time leave. On chip: each layer takes its part behind the
 * previous layer's, from the front again when the end is reached, so that a layer's first loads
 * need not wait for the last tiles of the one before. */
#include "backend/internal.h"

#include <stdlib.h>

enum { ALIGN = 64 };

static uint64_t aligned(uint64_t n) {
    return (n + ALIGN - 1) / ALIGN * ALIGN;
}

static bool in_work(const struct be_buffer *b) {
    return b->made >= 0 && b->last >= 0;
}

static bool together(const struct be_buffer *a, const struct be_buffer *b) {
    return a->made <= b->last && b->made <= a->last;
}

static int by_size(const void *x, const void *y) {
    const struct be_buffer *a = *(const struct be_buffer *const *)x,
                           *b = *(const struct be_buffer *const *)y;
    if (a->bytes != b->bytes) return a->bytes < b->bytes ? 1 : -1;
    return a->made < b->made ? -1 : a->made > b->made;
}

static int by_place(const void *x, const void *y) {
    const struct be_buffer *a = *(const struct be_buffer *const *)x,
                           *b = *(const struct be_buffer *const *)y;
    if (a->work_at != b->work_at) return a->work_at < b->work_at ? -1 : 1;
    return 0;
}

/* The smallest gap between the neighbours, sorted by place, that takes the bytes; behind all of
 * them if there is none. */
static uint64_t best_gap(struct be_buffer *const *near, int count, uint64_t bytes) {
    uint64_t end = 0, best = UINT64_MAX, best_size = UINT64_MAX;
    for (int i = 0; i < count; i++) {
        uint64_t at = near[i]->work_at, gap = at > end ? at - end : 0;
        if (gap >= bytes && gap < best_size) best = end, best_size = gap;
        uint64_t after = at + aligned(near[i]->bytes);
        if (after > end) end = after;
    }
    return best != UINT64_MAX ? best : end;
}

static uint64_t place(struct be_buffer **sorted, int count, struct be_buffer **near) {
    uint64_t total = 0;
    for (int i = 0; i < count; i++) {
        int neighbours = 0;
        for (int k = 0; k < i; k++)
            if (together(sorted[k], sorted[i])) near[neighbours++] = sorted[k];
        qsort(near, (size_t)neighbours, sizeof *near, by_place);
        sorted[i]->work_at = best_gap(near, neighbours, aligned(sorted[i]->bytes));
        uint64_t end = sorted[i]->work_at + aligned(sorted[i]->bytes);
        if (end > total) total = end;
    }
    return total;
}

static uint64_t most_alive(struct be_buffer *const *buffers, int count, int layers) {
    uint64_t most = 0;
    for (int l = 0; l < layers; l++) {
        uint64_t alive = 0;
        for (int i = 0; i < count; i++)
            if (buffers[i]->made <= l && l <= buffers[i]->last) alive += aligned(buffers[i]->bytes);
        if (alive > most) most = alive;
    }
    return most;
}

void be_memory_plan(struct be_plan *p) {
    struct be_buffer **work = arena_array(p->arena, (size_t)p->buffer_count, sizeof *work);
    struct be_buffer **near = arena_array(p->arena, (size_t)p->buffer_count, sizeof *near);
    int count = 0;
    for (int i = 0; i < p->buffer_count; i++) {
        struct be_buffer *b = p->buffers[i];
        if (in_work(b)) work[count++] = b;
        if (b->made < 0) b->in_at = p->in_bytes, p->in_bytes += aligned(b->bytes);
        if (b->output) b->out_at = p->out_bytes, p->out_bytes += aligned(b->bytes);
    }
    p->work_lower_bound = most_alive(work, count, p->layer_count);
    qsort(work, (size_t)count, sizeof *work, by_size);
    p->work_bytes = place(work, count, near);
}

/* ---- On chip --------------------------------------------------------------------------------- */

static void place_layer(struct be_layer *l, struct be_need *n, int64_t next[SVPE_BUFFER_COUNT],
                        const int64_t room[SVPE_BUFFER_COUNT]) {
    for (int b = 0; b < SVPE_BUFFER_COUNT; b++)
        if (next[b] + n->total[b] > room[b]) next[b] = 0;
    for (int r = 0; r < BE_ROLE_COUNT; r++) {
        enum svpe_buffer b = be_buffer_of_role((enum be_role)r);
        n->slots[r].base = next[b];
        next[b] += n->slots[r].size * n->slots[r].count;
    }
    l->act_vectors = n->total[SVPE_BUFFER_ACT];
    l->wgt_dwords = n->total[SVPE_BUFFER_WGT];
    l->acc_entries = n->total[SVPE_BUFFER_ACC];
    l->par_dwords = n->total[SVPE_BUFFER_PAR];
}

void be_chip_plan(struct be_plan *p) {
    int64_t next[SVPE_BUFFER_COUNT] = {0}, room[SVPE_BUFFER_COUNT];
    for (int b = 0; b < SVPE_BUFFER_COUNT; b++) room[b] = be_capacity(p, (enum svpe_buffer)b);
    for (int i = 0; i < p->layer_count; i++)
        place_layer(&p->layers[i], p->layers[i].need, next, room);
}
