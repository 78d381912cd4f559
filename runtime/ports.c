/* Whether any micro-instruction uses a port of the target more often than its cycles allow. Uses
 * are counted from the addresses the emulator touches, one by one, and so apart from isa/uop.c,
 * which says how many cycles a micro-instruction takes. Both know the vector unit's tiles from
 * svpe.def's rows.
 *
 * Not here: what micro-instructions there are and in which order (isa/uop.c). */
#include "runtime/runtime.h"

struct rt_ports {
    const struct svpe_machine *machine; /* whose micro-instructions */
    const struct svpe_target *target;   /* whose ports */
    const struct svpe_insn *insn;
    struct svpe_uop uop;
    /* Of one access: vectors and banks seen carry its number. */
    uint32_t access, *vector_seen, *bank_seen, *bank_uses;
    struct rt_port_fault *fault; /* the first one; kept when there is one already */
    bool found;
};

struct rt_ports *rt_ports_new(struct arena *a, const struct svpe_machine *m,
                              const struct svpe_target *ports) {
    struct rt_ports *p = arena_alloc(a, sizeof *p);
    *p = (struct rt_ports){.machine = m, .target = ports};
    size_t vectors = (size_t)svpe_act_vectors(m->target, m->act_bits);
    size_t banks = (size_t)ports->act_banks;
    p->vector_seen = arena_array(a, vectors, sizeof *p->vector_seen);
    p->bank_seen = arena_array(a, banks, sizeof *p->bank_seen);
    p->bank_uses = arena_array(a, banks, sizeof *p->bank_uses);
    return p;
}

static int64_t get(const struct rt_ports *p, enum svpe_field f) {
    return svpe_get(p->insn, f);
}

static void at_most(struct rt_ports *p, const char *port, int64_t uses, int64_t per_cycle) {
    if (p->found || uses <= p->uop.cycles * per_cycle) return;
    p->found = true;
    *p->fault = (struct rt_port_fault){p->uop.kind, port, uses, per_cycle, p->uop.cycles};
}

/* Vectors from here on are wanted at once, each once. */
static void begin_access(struct rt_ports *p) {
    p->access++;
}

static void touch(struct rt_ports *p, const char *port, int64_t vector) {
    int64_t bank = vector % p->target->act_banks;
    if (p->vector_seen[vector] == p->access) return;
    p->vector_seen[vector] = p->access;
    if (p->bank_seen[bank] != p->access) p->bank_uses[bank] = 0;
    p->bank_seen[bank] = p->access;
    at_most(p, port, ++p->bank_uses[bank], 1);
}

/* ---- conv ---- */

static const char act_read[] = "reads of an activation bank";
static const char act_write[] = "writes to an activation bank";

/* Elements first … first + count − 1 of the activation buffer. */
static void touch_elements(struct rt_ports *p, int64_t first, int64_t count) {
    int64_t V = p->machine->target->lanes;
    for (int64_t v = first / V; v * V < first + count; v++) touch(p, act_read, v);
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Input of one pixel under the weight block of the micro-instruction. */
static void touch_pixel(struct rt_ports *p, int64_t y, int64_t x) {
    const struct svpe_target *t = p->machine->target;
    const struct svpe_uop *u = &p->uop;
    int64_t V = t->lanes, E = t->elements, kw = get(p, SVPE_CONV_kw), px = get(p, SVPE_CONV_px);
    int64_t row = get(p, SVPE_CONV_src) +
                  (y * get(p, SVPE_CONV_sy) + u->ky * get(p, SVPE_CONV_dy)) * get(p, SVPE_CONV_dr);
    int64_t col = x * get(p, SVPE_CONV_sx) + u->kx * get(p, SVPE_CONV_dx);
    int64_t db = get(p, SVPE_CONV_db), dx = get(p, SVPE_CONV_dx);
    switch ((enum svpe_form)get(p, SVPE_CONV_form)) {
    case SVPE_FORM_STEM:
        touch_elements(p, row * V + (col << px), least(V >> px, kw - u->kx) << px);
        return;
    case SVPE_FORM_DEPTHWISE:
        for (int64_t n = u->ob * E; n < (u->ob + 1) * E; n += V - n % V)
            for (int64_t k = 0; k < least(t->gather, kw - u->kx); k++)
                touch(p, act_read, row + n / V * db + col + k * dx);
        return;
    default:
        touch(p, act_read, row + u->ib * db + col);
    }
}

static void check_conv(struct rt_ports *p) {
    int64_t cols = get(p, SVPE_CONV_cols), pixels = get(p, SVPE_CONV_rows) * cols;
    int64_t columns = p->machine->target->columns, first = p->uop.group * columns;
    int64_t end = least(first + columns, pixels);
    enum svpe_uop_kind kind = p->uop.kind;
    if (kind == SVPE_UOP_INIT) at_most(p, "accumulator reads", end - first, p->target->columns);
    if (kind == SVPE_UOP_OUT) at_most(p, "accumulator writes", end - first, p->target->columns);
    if (kind != SVPE_UOP_MAC && kind != SVPE_UOP_MACW) return;
    at_most(p, "weight blocks", 1, 1);
    begin_access(p);
    for (int64_t n = first; n < end; n++) touch_pixel(p, n / cols, n % cols);
}

/* ---- Vector unit ---- */

struct beat {
    int64_t block, first, end, cols;
};

static int64_t vector_at(struct rt_ports *p, const struct svpe_operand *o, const struct beat *b,
                         int64_t y, int64_t x) {
    return get(p, o->at) + b->block * get(p, o->block) + y * get(p, o->row) + x;
}

/* Touches what pixel (y, x) of the result needs of a source at the micro-instruction's tap. */
typedef void walk_fn(struct rt_ports *p, const struct svpe_operand *o, const struct beat *b,
                     int64_t y, int64_t x);

static void walk_pixels(struct rt_ports *p, const struct svpe_operand *o, const struct beat *b,
                        int64_t y, int64_t x) {
    touch(p, act_read, vector_at(p, o, b, y, x));
}

static void walk_residual(struct rt_ports *p, const struct svpe_operand *o, const struct beat *b,
                          int64_t y, int64_t x) {
    if (get(p, o->flag)) walk_pixels(p, o, b, y, x);
}

static void walk_broadcast(struct rt_ports *p, const struct svpe_operand *o, const struct beat *b,
                           int64_t y, int64_t x) {
    bool one = get(p, o->flag);
    walk_pixels(p, o, b, one ? 0 : y, one ? 0 : x);
}

static void walk_samples(struct rt_ports *p, const struct svpe_operand *o, const struct beat *b,
                         int64_t y, int64_t x) {
    walk_pixels(p, o, b, y / get(p, o->ry) * get(p, o->ny), x / get(p, o->rx) * get(p, o->nx));
}

static void walk_windows(struct rt_ports *p, const struct svpe_operand *o, const struct beat *b,
                         int64_t y, int64_t x) {
    int64_t kw = get(p, o->kw), pt = get(p, o->pt), pl = get(p, o->pl);
    int64_t row = y * get(p, o->sy) + p->uop.tap / kw, col = x * get(p, o->sx) + p->uop.tap % kw;
    if (get(p, o->flag)) {
        if (row < pt || row >= pt + get(p, o->ih)) return;
        if (col < pl || col >= pl + get(p, o->iw)) return;
        row -= pt;
        col -= pl;
    }
    walk_pixels(p, o, b, row, col);
}

static walk_fn *const walks[SVPE_WALK_COUNT] = {
    [SVPE_WALK_PIXELS] = walk_pixels,       [SVPE_WALK_RESIDUAL] = walk_residual,
    [SVPE_WALK_BROADCAST] = walk_broadcast, [SVPE_WALK_SAMPLES] = walk_samples,
    [SVPE_WALK_WINDOWS] = walk_windows,
};

static void touch_source(struct rt_ports *p, const struct svpe_operand *o, const struct beat *b) {
    begin_access(p);
    for (int64_t n = b->first; n < b->end; n++) walks[o->walk](p, o, b, n / b->cols, n % b->cols);
}

static void touch_result(struct rt_ports *p, const struct svpe_operand *o, const struct beat *b) {
    begin_access(p);
    for (int64_t n = b->first; n < b->end; n++)
        touch(p, act_write, vector_at(p, o, b, n / b->cols, n % b->cols));
}

static void count_sums(struct rt_ports *p, const struct beat *b) {
    const struct svpe_target *t = p->machine->target;
    int64_t V = t->lanes, first = b->block * V, last = first + V - 1;
    int64_t entries = last / t->elements - first / t->elements + 1;
    at_most(p, "accumulator reads", (b->end - b->first) * entries, p->target->columns);
}

static void count_params(struct rt_ports *p, const struct svpe_vector_info *v, const struct beat *b,
                         bool last_tap) {
    const struct svpe_op_info *op = svpe_op_info(p->insn->op);
    int64_t pixels = b->end - b->first, lanes = p->machine->target->lanes;
    if (!op->param.known) return;
    switch (op->param.kind) {
    case SVPE_PARAM_CHANNELS:
        at_most(p, "parameter reads", 1, 1); /* all pixels of a beat are of one block */
        break;
    case SVPE_PARAM_TABLE:
        at_most(p, "look-ups", pixels * lanes, p->target->table_lanes);
        break;
    case SVPE_PARAM_FACTORS:
        if (last_tap && get(p, v->source[0].flag))
            at_most(p, "look-ups", pixels, p->target->table_lanes);
        break;
    case SVPE_PARAM_COUNT:
        break;
    }
}

static void check_beat(struct rt_ports *p, const struct svpe_vector_info *v) {
    int64_t cols = get(p, v->cols), pixels = get(p, v->rows) * cols, taps = 1;
    int64_t size = p->machine->target->vector_lanes / p->machine->target->lanes;
    int64_t beats = (pixels + size - 1) / size, first = p->uop.beat % beats * size;
    struct beat b = {p->uop.beat / beats, first, least(first + size, pixels), cols};
    const struct svpe_operand *windows = &v->source[0];
    if (windows->walk == SVPE_WALK_WINDOWS) taps = get(p, windows->kh) * get(p, windows->kw);
    bool last_tap = p->uop.tap + 1 == taps;
    if (v->sums.known) count_sums(p, &b);
    count_params(p, v, &b, last_tap);
    for (int n = 0; n < SVPE_MAX_SOURCES; n++)
        if (v->source[n].what) touch_source(p, &v->source[n], &b);
    if (last_tap) touch_result(p, &v->result, &b);
}

bool rt_check_ports(struct rt_ports *p, const struct svpe_insn *i, struct rt_port_fault *fault) {
    const struct svpe_vector_info *v = svpe_vector_info(svpe_op_info(i->op)->format);
    struct svpe_uop_iter it;
    p->insn = i;
    p->fault = fault;
    p->found = false;
    svpe_uop_begin(&it, p->machine, i);
    while (!p->found && svpe_uop_next(&it, &p->uop)) {
        if (i->op == SVPE_CONV)
            check_conv(p);
        else
            check_beat(p, v);
    }
    return !p->found;
}
