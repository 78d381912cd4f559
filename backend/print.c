/* The plan as text: --emit=plan, and the schedule section of the program. One line per tensor
 * and per layer, in a form that is read by people and by FileCheck. */
#include "backend/internal.h"

static void print_place(const struct be_buffer *b, struct writer *to) {
    if (b->made < 0) write_text(to, " in+%llu", (unsigned long long)b->in_at);
    if (b->made >= 0 && b->last >= 0 && b->layout != SVPE_LAYOUT_PLAIN)
        write_text(to, " work+%llu", (unsigned long long)b->work_at);
    if (b->output) write_text(to, " out+%llu", (unsigned long long)b->out_at);
}

static void print_buffer(const struct be_buffer *b, struct writer *to) {
    static const char *const layouts[] = {"blocked", "stem", "plain"};
    write_text(to, "tensor %%%s %dx%dx%d %s, %llu bytes at", b->value->name, b->channels, b->height,
               b->width, layouts[b->layout], (unsigned long long)b->bytes);
    print_place(b, to);
    if (b->made >= 0) write_text(to, ", made by layer %d", b->made);
    if (b->last >= 0) write_text(to, ", last read by layer %d", b->last);
    write_text(to, "\n");
}

static void print_shape(const struct be_layer *l, struct writer *to) {
    const struct be_shape *s = l->shape;
    write_text(to, "layer %d \"%s\": %s", l->index, l->name, be_layer_kind(l));
    if (l->node->op == IR_OP_qconv)
        write_text(to, " %s %s%s", svpe_form_info(s->form)->name, svpe_wfmt_info(s->wfmt)->name,
                   s->terms == 2 ? " two terms" : "");
    if (s->kh) write_text(to, " %dx%d", s->kh, s->kw);
    if (s->ay.stride > 1 || s->ax.stride > 1) write_text(to, "/%dx%d", s->ay.stride, s->ax.stride);
    if (s->group > 1) write_text(to, " group %d", s->group);
    write_text(to, ", %dx%dx%d to %dx%dx%d", s->x->channels, s->x->height, s->x->width,
               s->y->channels, s->y->height, s->y->width);
    if (s->b) write_text(to, " with %%%s", s->b->value->name);
    write_text(to, "\n");
}

static void print_layer(const struct be_plan *p, const struct be_layer *l, struct writer *to) {
    const struct be_need *n = l->need;
    print_shape(l, to);
    write_text(to, "  tile {%s}: %d x %d x %d tiles", be_tiling_text(p->arena, &l->tiling), n->rows,
               n->cols, n->channels);
    if (n->chunks > 1) write_text(to, ", %d passes", n->chunks);
    write_text(to, "\n  chip");
    for (int b = 0; b < SVPE_BUFFER_COUNT; b++)
        if (n->total[b])
            write_text(to, " %s %lld/%lld", svpe_buffer_name((enum svpe_buffer)b),
                       (long long)n->total[b], (long long)be_capacity(p, (enum svpe_buffer)b));
    static const char *const roles[BE_ROLE_COUNT] = {"in", "second", "out", "wgt", "acc", "par"};
    write_text(to, ":");
    for (int r = 0; r < BE_ROLE_COUNT; r++)
        if (n->slots[r].count)
            write_text(to, " %s %d*%lld@%lld", roles[r], n->slots[r].count,
                       (long long)n->slots[r].size, (long long)n->slots[r].base);
    write_text(to, "\n  about %.0f cycles, %lld bytes\n", l->est_cycles, (long long)l->est_bytes);
}

static void print_host(const struct be_plan *p, const struct be_host *h, struct writer *to) {
    write_text(to, "layer %d \"%s\": host %s", h->index, h->name,
               h->node ? ir_op_info(h->node->op)->name : "copy");
    if (h->node && h->node->in_count && h->node->in[0])
        write_text(to, ", %s", ir_type_text(p->arena, h->node->in[0]));
    if (h->node && h->node->out[0])
        write_text(to, " to %s", ir_type_text(p->arena, h->node->out[0]));
    if (!h->node) write_text(to, " of %%%s", h->from->name);
    write_text(to, "%s%s\n", h->reason[0] ? ": " : "", h->reason);
}

static void print_segment(const struct be_plan *p, int n, struct writer *to) {
    const struct be_segment *s = &p->segments[n];
    write_text(to, "segment %d: %s\n", n, s->host ? "host" : "device");
    for (int i = s->first; i < s->first + s->count; i++) {
        if (s->host)
            print_host(p, p->steps[i].host, to);
        else
            print_layer(p, p->steps[i].layer, to);
    }
}

void be_plan_print(const struct be_plan *p, struct writer *to) {
    double cycles = 0;
    write_text(to, "plan \"%s\" for %s, %d-bit activations\n", p->graph->name, p->target->name,
               p->act_bits);
    for (int i = 0; i < p->buffer_count; i++) print_buffer(p->buffers[i], to);
    for (int i = 0; i < p->segment_count; i++) print_segment(p, i, to);
    for (int i = 0; i < p->layer_count; i++) cycles += p->layers[i].est_cycles;
    if (p->to_host_bytes || p->to_device_bytes)
        write_text(to, "from device to host %llu bytes, from host to device %llu\n",
                   (unsigned long long)p->to_host_bytes, (unsigned long long)p->to_device_bytes);
    write_text(to, "work %llu bytes (at least %llu), about %.0f cycles if layers did not overlap\n",
               (unsigned long long)p->work_bytes, (unsigned long long)p->work_lower_bound, cycles);
}
