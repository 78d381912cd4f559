/* Whether any micro-instruction uses a port of the target more often than its cycles allow. Uses
 * are counted from the addresses the emulator touches, one by one, and so apart from isa/uop.c,
 * which says how many cycles a micro-instruction takes.
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

struct place { /* of the first vector; strides */
    int64_t at, block, row;
};

#define PLACE(format, at, block, row)                                                              \
    ((struct place){get(p, SVPE_##format##_##at), get(p, SVPE_##format##_##block),                 \
                    get(p, SVPE_##format##_##row)})

static int64_t vector_at(struct place t, const struct beat *b, int64_t y, int64_t x) {
    return t.at + b->block * t.block + y * t.row + x;
}

static void touch_tile(struct rt_ports *p, const char *port, struct place t, const struct beat *b) {
    begin_access(p);
    for (int64_t n = b->first; n < b->end; n++)
        touch(p, port, vector_at(t, b, n / b->cols, n % b->cols));
}

static void check_req(struct rt_ports *p, const struct beat *b) {
    const struct svpe_target *t = p->machine->target;
    int64_t V = t->lanes, first = b->block * V, last = first + V - 1;
    int64_t entries = last / t->elements - first / t->elements + 1;
    at_most(p, "accumulator reads", (b->end - b->first) * entries, p->target->columns);
    at_most(p, "parameter reads", 1, 1); /* all pixels of a beat are of one block */
    if (get(p, SVPE_REQ_res)) touch_tile(p, act_read, PLACE(REQ, b, bdb, bdr), b);
    touch_tile(p, act_write, PLACE(REQ, dst, ddb, ddr), b);
}

static void check_pair(struct rt_ports *p, const struct beat *b) {
    touch_tile(p, act_read, PLACE(PAIR, a, adb, adr), b);
    if (get(p, SVPE_PAIR_bcast)) {
        begin_access(p);
        touch(p, act_read, vector_at(PLACE(PAIR, b, bdb, bdr), b, 0, 0));
    } else {
        touch_tile(p, act_read, PLACE(PAIR, b, bdb, bdr), b);
    }
    touch_tile(p, act_write, PLACE(PAIR, dst, ddb, ddr), b);
}

static void check_map(struct rt_ports *p, const struct beat *b) {
    int64_t ny = get(p, SVPE_MAP_ny), nx = get(p, SVPE_MAP_nx);
    int64_t ry = get(p, SVPE_MAP_ry), rx = get(p, SVPE_MAP_rx);
    int64_t lookups = (b->end - b->first) * p->machine->target->lanes;
    if (p->insn->op == SVPE_LUT) at_most(p, "look-ups", lookups, p->target->table_lanes);
    if (p->insn->op == SVPE_SCALE) at_most(p, "parameter reads", 1, 1);
    begin_access(p);
    for (int64_t n = b->first; n < b->end; n++)
        touch(p, act_read,
              vector_at(PLACE(MAP, a, adb, adr), b, n / b->cols / ry * ny, n % b->cols / rx * nx));
    touch_tile(p, act_write, PLACE(MAP, dst, ddb, ddr), b);
}

static void check_window(struct rt_ports *p, const struct beat *b) {
    int64_t kw = get(p, SVPE_WIN_kw), taps = get(p, SVPE_WIN_kh) * kw, border = 0;
    if (p->insn->op == SVPE_AVG) border = get(p, SVPE_WIN_border);
    begin_access(p);
    for (int64_t n = b->first; n < b->end; n++) {
        int64_t y = n / b->cols * get(p, SVPE_WIN_sy) + p->uop.tap / kw - get(p, SVPE_WIN_pt);
        int64_t x = n % b->cols * get(p, SVPE_WIN_sx) + p->uop.tap % kw - get(p, SVPE_WIN_pl);
        bool inside = y >= 0 && y < get(p, SVPE_WIN_ih) && x >= 0 && x < get(p, SVPE_WIN_iw);
        if (!border || inside) touch(p, act_read, vector_at(PLACE(WIN, a, adb, adr), b, y, x));
    }
    if (p->uop.tap + 1 < taps) return;
    if (border) at_most(p, "look-ups", b->end - b->first, p->target->table_lanes);
    touch_tile(p, act_write, PLACE(WIN, dst, ddb, ddr), b);
}

static const struct vector_op {
    void (*check)(struct rt_ports *p, const struct beat *b);
    enum svpe_field rows, cols;
} vector_ops[SVPE_FORMAT_COUNT] = {
    [SVPE_FORMAT_REQ] = {check_req, SVPE_REQ_rows, SVPE_REQ_cols},
    [SVPE_FORMAT_PAIR] = {check_pair, SVPE_PAIR_rows, SVPE_PAIR_cols},
    [SVPE_FORMAT_MAP] = {check_map, SVPE_MAP_rows, SVPE_MAP_cols},
    [SVPE_FORMAT_WIN] = {check_window, SVPE_WIN_rows, SVPE_WIN_cols},
};

static void check_beat(struct rt_ports *p, const struct vector_op *op) {
    int64_t cols = get(p, op->cols), pixels = get(p, op->rows) * cols;
    int64_t size = p->machine->target->vector_lanes / p->machine->target->lanes;
    int64_t beats = (pixels + size - 1) / size, first = p->uop.beat % beats * size;
    op->check(p, &(struct beat){p->uop.beat / beats, first, least(first + size, pixels), cols});
}

bool rt_check_ports(struct rt_ports *p, const struct svpe_insn *i, struct rt_port_fault *fault) {
    const struct vector_op *op = &vector_ops[svpe_op_info(i->op)->format];
    struct svpe_uop_iter it;
    p->insn = i;
    p->fault = fault;
    p->found = false;
    svpe_uop_begin(&it, p->machine, i);
    while (!p->found && svpe_uop_next(&it, &p->uop)) {
        if (i->op == SVPE_CONV)
            check_conv(p);
        else
            check_beat(p, op);
    }
    return !p->found;
}
