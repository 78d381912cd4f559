/* Where things lie: tensors in DRAM by the time they are alive, layers' parts of the on-chip
 * buffers in turn.
 *
 * DRAM: tensors of the work region from the largest to the smallest, each into the smallest gap
 * that the tensors alive at the same time leave. On chip: each layer takes its part behind the
 * previous layer's, from the front again when the end is reached, so that a layer's first loads
 * need not wait for the last tiles of the one before. */
#include "backend/internal.h"

#include "base/place.h"

static bool in_work(const struct be_buffer *b) {
    return b->made >= 0 && b->last >= 0 && b->layout != SVPE_LAYOUT_PLAIN;
}

/* The host works on all tensors of a segment at once. */
static struct placed life_of(const struct be_plan *p, const struct be_buffer *b) {
    struct placed life = {b->made, b->last, b->bytes, 0};
    const struct be_step *made = &p->steps[b->made], *last = &p->steps[b->last];
    const struct be_segment *first = &p->segments[made->segment],
                            *end = &p->segments[last->segment];
    if (made->host) life.first = first->first;
    if (last->host) life.last = end->first + end->count - 1;
    return life;
}

/* Each region's next tensor; those of IN and OUT lie behind one another. */
static uint64_t append(uint64_t *region, uint64_t bytes) {
    uint64_t at = *region;
    *region += (bytes + PLACE_ALIGN - 1) / PLACE_ALIGN * PLACE_ALIGN;
    return at;
}

void be_memory_plan(struct be_plan *p) {
    struct ctx *c = arena_ctx(p->arena);
    struct arena *scratch = arena_new(c);
    struct placed *work = arena_array(scratch, (size_t)p->buffer_count, sizeof *work);
    int count = 0;
    for (int i = 0; i < p->buffer_count; i++) {
        struct be_buffer *b = p->buffers[i];
        if (in_work(b)) work[count++] = life_of(p, b);
        if (b->made < 0) b->in_at = append(&p->in_bytes, b->bytes);
        if (b->output) b->out_at = append(&p->out_bytes, b->bytes);
    }
    p->work_lower_bound = place_least(c, work, count);
    p->work_bytes = place_all(c, work, count);
    for (int i = 0, k = 0; i < p->buffer_count; i++)
        if (in_work(p->buffers[i])) p->buffers[i]->work_at = work[k++].at;
    arena_free(scratch);
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
