/* libnbq end to end on a program written by hand: inputs of every kind, host operators, sessions
 * side by side, orders that the tokens allow, and tokens taken away. */
#include "runtime_sample.h"

#include "runtime/emulator.h"
#include "runtime/nbq.h"
#include "runtime/pool.h"

#include <math.h>

struct fixture {
    struct ctx c;
    struct arena *a;
    struct sample_program sample;
    struct nbq_program *program;
    int16_t in[SAMPLE_ELEMENTS_IN], answer[SAMPLE_ELEMENTS_OUT];
};

static void draw_input(struct fixture *f, uint64_t seed) {
    struct rng r = {seed};
    for (int n = 0; n < SAMPLE_ELEMENTS_IN; n++)
        f->in[n] = (int16_t)((int)rng_below(&r, 256) - 128);
    sample_answer(&f->sample, f->in, f->answer);
}

static int setup(void **state) {
    static struct fixture f;
    char message[256] = "";
    ctx_init(&f.c, "test", NULL);
    if (setjmp(f.c.oom)) return -1;
    f.a = arena_new(&f.c);
    sample_make(&f.sample, &f.c, f.a, 11);
    struct writer w = sample_bytes(&f.sample, f.a);
    if (nbq_load(w.data, w.size, "sample", &f.program, message, sizeof message) != NBQ_OK) {
        print_error("%s\n", message);
        return -1;
    }
    draw_input(&f, 5);
    *state = &f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    nbq_program_free(f->program);
    ctx_free(&f->c);
    return 0;
}

static struct nbq_session *open_session(const struct fixture *f) {
    struct nbq_session *s;
    assert_int_equal(nbq_open(f->program, "emulator", &s), NBQ_OK);
    return s;
}

static void assert_answer(const struct fixture *f, struct nbq_session *s) {
    int16_t out[SAMPLE_ELEMENTS_OUT];
    assert_int_equal(nbq_get_output_stored(s, 1, out, SAMPLE_ELEMENTS_OUT), NBQ_OK);
    for (int n = 0; n < SAMPLE_ELEMENTS_OUT; n++)
        if (out[n] != f->answer[n])
            fail_msg("element %d: %d, expected %d", n, out[n], f->answer[n]);
}

static void describes_itself(void **state) {
    const struct fixture *f = *state;
    assert_string_equal(nbq_program_name(f->program), "sample");
    assert_string_equal(nbq_program_target(f->program), "tiny");
    assert_int_equal(nbq_segment_count(f->program), 1);
    assert_int_equal(nbq_host_op_count(f->program), 1);
    assert_string_equal(nbq_host_op(f->program, 0), "softmax");
    assert_null(nbq_host_op(f->program, 1));
    struct nbq_tensor_info in = nbq_input_info(f->program, 0);
    assert_string_equal(in.name, "image");
    assert_int_equal(in.channels, SAMPLE_IN);
    assert_int_equal(in.zero, SAMPLE_ZERO);
    assert_int_equal(nbq_output_info(f->program, 0).bits, 32);
    assert_null(nbq_output_info(f->program, 2).name);
    assert_null(nbq_input_info(f->program, -1).name);
    assert_string_equal(nbq_layer(f->program, 0).name, "first");
    assert_null(nbq_layer(f->program, 1).name);
}

static void stored_input(void **state) {
    struct fixture *f = *state;
    struct nbq_session *s = open_session(f);
    for (uint64_t seed = 0; seed < 20; seed++) {
        draw_input(f, seed);
        assert_int_equal(nbq_set_input_stored(s, 0, f->in, SAMPLE_ELEMENTS_IN), NBQ_OK);
        assert_int_equal(nbq_run(s), NBQ_OK);
        assert_answer(f, s);
    }
    nbq_close(s);
}

/* A quarter of a unit beside each stored value, and beyond both ends. */
static void float_input(void **state) {
    struct fixture *f = *state;
    struct nbq_session *s = open_session(f);
    float x[SAMPLE_ELEMENTS_IN];
    for (int n = 0; n < SAMPLE_ELEMENTS_IN; n++) {
        double wobble = n % 3 == 0 ? 0 : n % 3 == 1 ? 0.25 : -0.25;
        if (f->in[n] == 127) wobble = 1000;
        if (f->in[n] == -128) wobble = -1000;
        x[n] = (float)ldexp(f->in[n] - SAMPLE_ZERO + wobble, SAMPLE_EXP_IN);
    }
    assert_int_equal(nbq_set_input_f32(s, 0, x, SAMPLE_ELEMENTS_IN), NBQ_OK);
    assert_int_equal(nbq_run(s), NBQ_OK);
    assert_answer(f, s);
    nbq_close(s);
}

static void softmax_output(void **state) {
    struct fixture *f = *state;
    struct nbq_session *s = open_session(f);
    float out[SAMPLE_ELEMENTS_OUT];
    assert_int_equal(nbq_set_input_stored(s, 0, f->in, SAMPLE_ELEMENTS_IN), NBQ_OK);
    assert_int_equal(nbq_run(s), NBQ_OK);
    assert_int_equal(nbq_get_output_f32(s, 0, out, SAMPLE_ELEMENTS_OUT), NBQ_OK);
    for (int p = 0; p < SAMPLE_PIXELS; p++) {
        long double sum = 0;
        for (int o = 0; o < SAMPLE_OUT; o++)
            sum += expl(ldexpl(f->answer[o * SAMPLE_PIXELS + p], SAMPLE_EXP_OUT));
        for (int o = 0; o < SAMPLE_OUT; o++) {
            long double want = expl(ldexpl(f->answer[o * SAMPLE_PIXELS + p], SAMPLE_EXP_OUT)) / sum;
            assert_true(fabsl(out[o * SAMPLE_PIXELS + p] - want) < 1e-6);
        }
    }
    nbq_close(s);
}

static void refusals(void **state) {
    struct fixture *f = *state;
    struct nbq_session *s;
    int16_t out[SAMPLE_ELEMENTS_OUT];
    uint8_t bytes[SAMPLE_ELEMENTS_IN] = {0};
    assert_int_equal(nbq_open(f->program, "no such device", &s), NBQ_NOT_FOUND);
    assert_null(s);
    s = open_session(f);
    assert_string_equal(nbq_error(s), "");
    assert_int_equal(nbq_run(s), NBQ_BAD_INPUT);
    assert_string_equal(nbq_error(s), "input 0 has not been set");
    assert_int_equal(nbq_set_input_stored(s, 0, f->in, 3), NBQ_BAD_INPUT);
    assert_string_equal(nbq_error(s), "input 0 (\"image\"): found 3 values; expected 5×6×7");
    assert_int_equal(nbq_set_input_stored(s, 1, f->in, 3), NBQ_BAD_INPUT);
    assert_string_equal(nbq_error(s), "there is no input 1; the program has 1");
    assert_int_equal(nbq_set_input_u8(s, 0, bytes, SAMPLE_ELEMENTS_IN), NBQ_BAD_INPUT);
    assert_non_null(strstr(nbq_error(s), "no table"));
    f->in[7] = 128;
    assert_int_equal(nbq_set_input_stored(s, 0, f->in, SAMPLE_ELEMENTS_IN), NBQ_BAD_INPUT);
    assert_string_equal(nbq_error(s), "input 0, value 7: found 128; expected -128…127");
    assert_int_equal(nbq_run(s), NBQ_BAD_INPUT);
    assert_int_equal(nbq_get_output_stored(s, 0, out, SAMPLE_ELEMENTS_OUT), NBQ_BAD_INPUT);
    assert_string_equal(nbq_error(s), "output 0 holds f32, not stored integers");
    assert_int_equal(nbq_get_output_stored(s, 1, out, 2), NBQ_BAD_INPUT);
    nbq_close(s);
    draw_input(f, 5);
}

/* A four-channel input, so that byte images are possible: planes through the tables, in another
 * order. */
static void byte_input(void **state) {
    struct fixture *f = *state;
    struct sample_program s = f->sample;
    struct svpe_tensor tensors[3];
    memcpy(tensors, s.program.tensors, sizeof tensors);
    struct svpe_input input = {.tensor = 0,
                               .has_table = true,
                               .table = f->sample.table,
                               .source = {2, 0, 3, 1},
                               .scale = 0.5,
                               .mean = {1, 2},
                               .std = {3, 1, 1, 1}};
    tensors[0].channels = 4;
    tensors[0].dims[1] = 4;
    s.program.tensors = tensors;
    s.program.inputs = &input;
    struct writer w = sample_bytes(&s, f->a);
    struct nbq_program *p;
    char message[256] = "";
    if (nbq_load(w.data, w.size, "bytes", &p, message, sizeof message) != NBQ_OK)
        fail_msg("%s", message);
    assert_int_equal(nbq_input_preprocess(p, 0).takes_bytes, 1);
    assert_int_equal(nbq_input_preprocess(p, 0).bgr, 1);
    uint8_t image[4 * SAMPLE_PIXELS] = {0};
    struct rng r = {3};
    for (size_t n = 0; n < sizeof image; n++) image[n] = (uint8_t)rng_next(&r);
    for (int c = 0; c < SAMPLE_IN; c++)
        for (int n = 0; n < SAMPLE_PIXELS; n++)
            f->in[c * SAMPLE_PIXELS + n] =
                c < 4 ? f->sample.table[c * 256 + image[input.source[c] * SAMPLE_PIXELS + n]]
                      : SAMPLE_ZERO;
    sample_answer(&f->sample, f->in,
                  f->answer); /* the fifth channel is the tail: zeros inside as outside */
    struct nbq_session *session;
    assert_int_equal(nbq_open(p, "emulator", &session), NBQ_OK);
    assert_int_equal(nbq_set_input_u8(session, 0, image, sizeof image), NBQ_OK);
    assert_int_equal(nbq_run(session), NBQ_OK);
    assert_answer(f, session);
    nbq_close(session);
    nbq_program_free(p);
    draw_input(f, 5);
}

/* Every pixel four times: the plain filter takes them together again. */
static void double_pixels(const uint8_t *from, int channels, uint8_t *to) {
    for (int c = 0; c < channels; c++)
        for (int y = 0; y < 2 * SAMPLE_H; y++)
            for (int x = 0; x < 2 * SAMPLE_W; x++)
                *to++ = from[(c * SAMPLE_H + y / 2) * SAMPLE_W + x / 2];
}

static void assert_image(struct fixture *f, struct nbq_session *s, const struct svpe_input *input,
                         int channels, const uint8_t *image) {
    uint8_t doubled[3 * 4 * SAMPLE_PIXELS];
    double_pixels(image, channels, doubled);
    for (int c = 0; c < SAMPLE_IN; c++)
        for (int n = 0; n < SAMPLE_PIXELS; n++) {
            int plane = channels == 1 ? 0 : input->source[c < 3 ? c : 0];
            uint8_t byte = image[plane * SAMPLE_PIXELS + n];
            f->in[c * SAMPLE_PIXELS + n] = c < 3 ? f->sample.table[c * 256 + byte] : SAMPLE_ZERO;
        }
    sample_answer(&f->sample, f->in, f->answer);
    assert_int_equal(nbq_set_input_image(s, 0, doubled, channels, 2 * SAMPLE_H, 2 * SAMPLE_W),
                     NBQ_OK);
    assert_int_equal(nbq_run(s), NBQ_OK);
    assert_answer(f, s);
}

static void refuse_image(struct nbq_session *s, int channels, int height, int width,
                         const char *part) {
    static const uint8_t image[4 * SAMPLE_PIXELS] = {0};
    assert_int_equal(nbq_set_input_image(s, 0, image, channels, height, width), NBQ_BAD_INPUT);
    assert_non_null(strstr(nbq_error(s), part));
}

/* A three-channel input of a program that resizes. */
static void image_input(void **state) {
    struct fixture *f = *state;
    struct sample_program s = f->sample;
    struct svpe_tensor tensors[3];
    memcpy(tensors, s.program.tensors, sizeof tensors);
    struct svpe_input input = {.has_table = true,
                               .table = f->sample.table,
                               .source = {2, 0, 1},
                               .scale = 1,
                               .std = {1, 1, 1, 1},
                               .resize = SAMPLE_H,
                               .resize_plain = true};
    tensors[0].channels = 3;
    tensors[0].dims[1] = 3;
    s.program.tensors = tensors;
    s.program.inputs = &input;
    struct writer w = sample_bytes(&s, f->a);
    struct nbq_program *p;
    struct nbq_session *session;
    assert_int_equal(nbq_load(w.data, w.size, "bytes", &p, NULL, 0), NBQ_OK);
    assert_int_equal(nbq_input_preprocess(p, 0).resize, SAMPLE_H);
    assert_int_equal(nbq_open(p, "emulator", &session), NBQ_OK);
    uint8_t image[3 * SAMPLE_PIXELS];
    struct rng r = {4};
    for (size_t n = 0; n < sizeof image; n++) image[n] = (uint8_t)rng_next(&r);
    assert_image(f, session, &input, 3, image);
    assert_image(f, session, &input, 1, image); /* grey */
    refuse_image(session, 2, SAMPLE_H, SAMPLE_W, "found an image of 2×6×7");
    refuse_image(session, 3, SAMPLE_W, SAMPLE_H, "does not become 3×6×7");
    refuse_image(session, 1, 1, 1 << 26, "does not become 3×6×7");
    refuse_image(session, 3, 1 << 20, 1 << 20, "is not one");
    refuse_image(session, 3, 0, 1, "is not one");
    nbq_close(session);
    nbq_program_free(p);
    draw_input(f, 5);
}

/* ---- Threads ---- */

struct parallel {
    const struct fixture *f;
    struct nbq_session *sessions[4];
    long wrong[4];
};

static bool run_one(void *user, int worker, long index) {
    struct parallel *p = user;
    struct rng r = {(uint64_t)index};
    int16_t in[SAMPLE_ELEMENTS_IN], want[SAMPLE_ELEMENTS_OUT], out[SAMPLE_ELEMENTS_OUT];
    for (int n = 0; n < SAMPLE_ELEMENTS_IN; n++) in[n] = (int16_t)((int)rng_below(&r, 256) - 128);
    sample_answer(&p->f->sample, in, want);
    struct nbq_session *s = p->sessions[worker];
    bool good = nbq_set_input_stored(s, 0, in, SAMPLE_ELEMENTS_IN) == NBQ_OK &&
                nbq_run(s) == NBQ_OK &&
                nbq_get_output_stored(s, 1, out, SAMPLE_ELEMENTS_OUT) == NBQ_OK;
    p->wrong[worker] += !good || memcmp(out, want, sizeof out) != 0;
    return true;
}

static void sessions_in_threads(void **state) {
    struct parallel p = {.f = *state};
    for (int n = 0; n < 4; n++) p.sessions[n] = open_session(*state);
    assert_true(rt_parallel(4, 64, run_one, &p));
    for (int n = 0; n < 4; n++) {
        assert_int_equal(p.wrong[n], 0);
        nbq_close(p.sessions[n]);
    }
}

struct stop {
    long smallest[4];
};

static bool fail_some(void *user, int worker, long index) {
    struct stop *s = user;
    if (index % 7 != 5) return true;
    if (index < s->smallest[worker]) s->smallest[worker] = index;
    return false;
}

static void first_failure_is_found(void **state) {
    (void)state;
    for (int round = 0; round < 50; round++) {
        struct stop s = {{1000, 1000, 1000, 1000}};
        assert_false(rt_parallel(4, 500, fail_some, &s));
        long smallest = 1000;
        for (int n = 0; n < 4; n++)
            if (s.smallest[n] < smallest) smallest = s.smallest[n];
        assert_int_equal(smallest, 5);
    }
    assert_true(rt_parallel(3, 0, fail_some, NULL));
}

/* ---- Order ---- */

static void run_shuffled(const struct fixture *f, struct arena *a, const struct rt_image *image,
                         uint64_t seed, uint8_t *out) {
    struct rt_device *d = rt_emulator_ops.open(arena_ctx(a), a, image);
    uint8_t *in = rt_emulator_ops.region(d, SVPE_REGION_IN);
    memset(in, SAMPLE_ZERO & 255, SAMPLE_MULTIPLE);
    for (int c = 0; c < SAMPLE_IN; c++)
        for (int n = 0; n < SAMPLE_PIXELS; n++)
            in[n * SAMPLE_V + c] = (uint8_t)f->in[c * SAMPLE_PIXELS + n];
    if (seed) rt_emulator_shuffle(d, seed);
    assert_true(rt_emulator_ops.run(d, 0));
    memcpy(out, rt_emulator_ops.region(d, SVPE_REGION_OUT), SAMPLE_MULTIPLE);
}

static struct rt_image *load_image(const struct fixture *f, const struct sample_program *s) {
    struct writer w = sample_bytes(s, f->a);
    return rt_image_load(arena_ctx(f->a), f->a, "sample", w.data, w.size);
}

static void any_order_gives_the_same(void **state) {
    struct fixture *f = *state;
    const struct rt_image *image = load_image(f, &f->sample);
    uint8_t want[SAMPLE_MULTIPLE], out[SAMPLE_MULTIPLE];
    assert_non_null(image);
    run_shuffled(f, f->a, image, 0, want);
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct arena *a = arena_new(&f->c);
        run_shuffled(f, a, image, seed, out);
        assert_memory_equal(want, out, sizeof want);
        arena_free(a);
    }
    assert_int_equal(nbq_check(f->program, NULL, 0), 0);
}

/* Without the pair of its n-th post and wait, queue `to` no longer waits for queue `from`.
 * False: there is no such. */
static bool drop_token(struct sample_program *s, int from, int to, int n) {
    int posts = n, waits = n;
    bool post = false, wait = false;
    for (int i = 0; i < SAMPLE_INSNS; i++) {
        struct svpe_insn *insn = &s->insns[i];
        if (!post && (int)insn->queue == from && (insn->post >> to & 1) && posts-- == 0) {
            insn->post ^= (uint8_t)(1 << to);
            post = true;
        }
        if (!wait && (int)insn->queue == to && (insn->wait >> from & 1) && waits-- == 0) {
            insn->wait ^= (uint8_t)(1 << from);
            wait = true;
        }
    }
    return post && wait;
}

static int drop_and_look(struct fixture *f, int from, int to, int n, const uint8_t *want,
                         bool *differs) {
    struct sample_program s = f->sample;
    struct svpe_segment segments[2];
    memcpy(segments, f->sample.program.segments, sizeof segments);
    s.program.segments = segments;
    if (!drop_token(&s, from, to, n)) return -1;
    sample_encode(&s, f->a);
    struct writer w = sample_bytes(&s, f->a);
    struct nbq_program *p;
    char text[2048] = "";
    assert_int_equal(nbq_load(w.data, w.size, "sample", &p, text, sizeof text), NBQ_OK);
    int races = nbq_check(p, text, sizeof text);
    assert_true(races > 0);
    assert_non_null(strstr(text, "first")); /* the layer */
    nbq_program_free(p);
    const struct rt_image *image = load_image(f, &s);
    uint8_t out[SAMPLE_MULTIPLE];
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct arena *a = arena_new(&f->c);
        run_shuffled(f, a, image, seed, out);
        *differs |= memcmp(want, out, sizeof out) != 0;
        arena_free(a);
    }
    return races;
}

static void every_token_matters(void **state) {
    struct fixture *f = *state;
    uint8_t want[SAMPLE_MULTIPLE];
    bool differs = false;
    int tokens = 0;
    run_shuffled(f, f->a, load_image(f, &f->sample), 0, want);
    for (int from = 0; from < SVPE_QUEUE_COUNT; from++)
        for (int to = 0; to < SVPE_QUEUE_COUNT; to++)
            for (int n = 0; drop_and_look(f, from, to, n, want, &differs) >= 0; n++) tokens++;
    assert_int_equal(tokens, 3 * SAMPLE_H + 3 * (SAMPLE_H - 2));
    assert_true(differs);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(describes_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(stored_input, setup, teardown),
        cmocka_unit_test_setup_teardown(float_input, setup, teardown),
        cmocka_unit_test_setup_teardown(byte_input, setup, teardown),
        cmocka_unit_test_setup_teardown(image_input, setup, teardown),
        cmocka_unit_test_setup_teardown(softmax_output, setup, teardown),
        cmocka_unit_test_setup_teardown(refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(sessions_in_threads, setup, teardown),
        cmocka_unit_test(first_failure_is_found),
        cmocka_unit_test_setup_teardown(any_order_gives_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(every_token_matters, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
