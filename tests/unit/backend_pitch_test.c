/* The fitted row pitch against plain counting: every extra pitch there is, every group of pixels,
 * every vector it reads. */
#include "test.h"

#include "backend/internal.h"

enum { CASES = 400, MAX_BANKS = 64, MAX_READ = 4096 };

static int pick(struct rng *r, int lo, int hi) {
    return lo + (int)rng_below(r, (uint32_t)(hi - lo + 1));
}

struct layer {
    struct svpe_target target;
    struct be_plan plan;
    struct be_buffer x;
    struct be_shape shape;
    struct be_layer layer;
    int pixels; /* of a step */
    int rows, cols;
};

static int common(int a, int b) {
    return b ? common(b, a % b) : a;
}

static void random_target(struct rng *r, struct svpe_target *t) {
    int lanes = 1 << pick(r, 1, 4);
    *t = (struct svpe_target){.name = "random",
                              .lanes = lanes,
                              .elements = 2,
                              .columns = pick(r, 1, 16),
                              .gather = pick(r, 1, lanes < 5 ? lanes : 5),
                              .table_lanes = 1,
                              .acc_bits = 32,
                              .act_banks = pick(r, 1, MAX_BANKS),
                              .act_bytes = 1 << 22,
                              .wgt_bytes = 1 << 20,
                              .acc_bytes = 1 << 20,
                              .par_bytes = 1 << 12,
                              .dram_bytes = 8};
    int64_t beat = t->act_banks < 8 ? t->act_banks : 8; /* so that writes have no conflicts */
    t->vector_lanes = lanes * pick(r, 1, (int)beat);
}

static void random_kind(struct rng *r, struct layer *l) {
    static const enum ir_op ops[] = {IR_OP_qconv,    IR_OP_qconv,    IR_OP_qconv,
                                     IR_OP_qmaxpool, IR_OP_qavgpool, IR_OP_qcopy};
    struct be_shape *s = &l->shape;
    const struct svpe_target *t = &l->target;
    s->kind = be_kind_find(ops[pick(r, 0, 5)]);
    bool conv = s->kind->op == IR_OP_qconv, copy = s->kind->op == IR_OP_qcopy;
    s->kh = copy ? 0 : pick(r, 1, 5), s->kw = copy ? 0 : pick(r, 1, 5);
    s->dy = s->dx = 1;
    if (conv) {
        static const enum svpe_form forms[] = {SVPE_FORM_DENSE, SVPE_FORM_DEPTHWISE,
                                               SVPE_FORM_STEM};
        s->form = forms[pick(r, 0, 2)];
        s->wfmt = svpe_wfmt_for(false, 4);
        while (s->form == SVPE_FORM_STEM && 2 << l->x.px <= t->lanes && pick(r, 0, 1)) l->x.px++;
        if (s->form == SVPE_FORM_STEM) l->x.layout = SVPE_LAYOUT_STEM;
        if (s->form != SVPE_FORM_STEM) s->dx = pick(r, 1, 2);
        s->taps = (int)svpe_taps_per_block(t, s->form, l->x.px);
    }
    l->pixels = (int)(conv ? t->columns : t->vector_lanes / t->lanes);
}

static void random_layer(struct rng *r, struct layer *l) {
    memset(l, 0, sizeof *l);
    struct be_shape *s = &l->shape;
    random_target(r, &l->target);
    l->plan = (struct be_plan){.target = &l->target, .act_bits = 8};
    s->x = &l->x;
    random_kind(r, l);
    bool copy = s->kind->op == IR_OP_qcopy;
    int repeat = copy ? pick(r, 1, 3) : 1;
    l->cols = repeat * pick(r, 1, 20);
    l->rows = l->pixels / common(l->pixels, l->cols) * repeat;
    s->ay = (struct be_axis){.out = l->rows + pick(r, 0, 9),
                             .in = 1 << 20,
                             .stride = pick(r, 1, 4),
                             .window = copy ? 1 : s->kh,
                             .repeat = repeat};
    s->ax = (struct be_axis){.out = l->cols,
                             .in = 1 << 20,
                             .stride = pick(r, 1, 4),
                             .window = copy ? 1 : (s->kw - 1) * s->dx + 1,
                             .repeat = repeat};
    l->layer = (struct be_layer){.shape = s};
}

/* Vectors that one pixel needs of input row `row` when taps first … first + taps − 1 are taken. */
static int pixel_reads(const struct layer *l, int64_t row, int x, int first, int taps,
                       int64_t *out) {
    const struct be_shape *s = &l->shape;
    int64_t col = x / s->ax.repeat * s->ax.stride;
    int count = 0;
    if (s->kind->op == IR_OP_qconv && s->form == SVPE_FORM_STEM) {
        int64_t lanes = l->target.lanes;
        for (int64_t e = (col + first) << l->x.px; e < (col + first + taps) << l->x.px; e++)
            if (count == 0 || out[count - 1] != row + e / lanes) out[count++] = row + e / lanes;
        return count;
    }
    for (int k = first; k < first + taps; k++) out[count++] = row + col + (int64_t)k * s->dx;
    return count;
}

/* Most distinct vectors of one bank. */
static int busiest(const struct layer *l, const int64_t *read, int count) {
    int uses[MAX_BANKS] = {0}, most = 0;
    for (int i = 0; i < count; i++) {
        bool again = false;
        for (int k = 0; k < i && !again; k++) again = read[k] == read[i];
        if (again) continue;
        int n = ++uses[read[i] % l->target.act_banks];
        if (n > most) most = n;
    }
    return most;
}

/* Cycles per step over whole tiles of `rows` rows whose input rows lie `pitch` vectors apart. */
static double counted(const struct layer *l, int rows, int pitch) {
    const struct be_shape *s = &l->shape;
    bool conv = s->kind->op == IR_OP_qconv;
    int taps = conv ? s->taps : 1, kw = s->kw ? s->kw : 1, steps = 0, cycles = 0;
    for (int first = 0; first < rows * l->cols; first += l->pixels)
        for (int k = 0; k < kw; k += taps, steps++) {
            int64_t read[MAX_READ];
            int count = 0;
            for (int n = first; n < first + l->pixels && n < rows * l->cols; n++) {
                int64_t row = (int64_t)(n / l->cols / s->ay.repeat) * s->ay.stride * pitch;
                count += pixel_reads(l, row, n % l->cols, k, kw - k < taps ? kw - k : taps,
                                     read + count);
                assert_true(count < MAX_READ / 2);
            }
            cycles += busiest(l, read, count);
        }
    return (double)cycles / steps;
}

static int natural_pitch(const struct layer *l) {
    int pixels = be_span(&l->shape.ax, 0, l->cols).total, lanes = (int)l->target.lanes;
    if (l->x.layout != SVPE_LAYOUT_STEM) return pixels;
    return ((pixels << l->x.px) + lanes - 1) / lanes;
}

static void check_layer(struct layer *l, int seed) {
    int pitch = natural_pitch(l), banks = (int)l->target.act_banks;
    int last = banks / common(banks, l->shape.ay.stride) - 1, best = 0;
    double plain = counted(l, l->rows, pitch), least = plain;
    struct be_pitch found = be_pitch_fit(&l->plan, &l->layer, 2, l->cols, pitch);
    for (int extra = 1; l->rows > 1 && extra <= last; extra++) {
        double cycles = counted(l, l->rows, pitch + extra);
        if (cycles < least) least = cycles, best = extra;
    }
    if (found.extra == best && found.plain == plain && found.fitted == least) return;
    fail_msg("case %d: %d more, %.4f to %.4f cycles; counted %d more, %.4f to %.4f", seed,
             found.extra, found.plain, found.fitted, best, plain, least);
}

static void test_every_pitch(void **state) {
    (void)state;
    int won = 0;
    TEST_CTX(c);
    for (int seed = 1; seed <= CASES; seed++) {
        struct rng r = {(uint64_t)seed};
        struct layer l;
        random_layer(&r, &l);
        l.shape.pitches = be_pitches_new(arena_new(&c));
        check_layer(&l, seed);
        won += be_pitch_fit(&l.plan, &l.layer, 2, l.cols, natural_pitch(&l)).extra > 0;
        assert_int_equal(be_pitch_fit(&l.plan, &l.layer, 1, l.cols, 1).extra, 0);
    }
    ctx_free(&c);
    assert_true(won > CASES / 10); /* else the test sees nothing */
}

/* More widths than are remembered. */
static void test_many_widths(void **state) {
    (void)state;
    struct layer l;
    struct rng r = {1};
    TEST_CTX(c);
    do random_layer(&r, &l);
    while (l.shape.kind->op != IR_OP_qmaxpool || l.shape.ay.stride != 2 || l.target.act_banks < 5);
    struct be_pitch first[200];
    for (int round = 0; round < 2; round++) {
        l.shape.pitches = round ? l.shape.pitches : be_pitches_new(arena_new(&c));
        for (int cols = 1; cols <= 200; cols++) {
            struct be_pitch p = be_pitch_fit(&l.plan, &l.layer, 9, cols, 2 * cols + 1);
            assert_int_equal(p.cols, cols);
            if (round == 0) first[cols - 1] = p;
            assert_int_equal(p.extra, first[cols - 1].extra);
            assert_true(p.fitted == first[cols - 1].fitted && p.fitted <= p.plain);
        }
    }
    ctx_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_pitch),
        cmocka_unit_test(test_many_widths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
