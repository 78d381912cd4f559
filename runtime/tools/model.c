/* A program on a device and a float model behind one face: set inputs, run, read floats. */
#include "runtime/tools/run.h"

#include <math.h>
#include <string.h>

/* ---- Shapes ---- */

static void count_elements(struct run_tensor *t) {
    t->count = (size_t)t->channels * (size_t)t->height * (size_t)t->width;
}

static struct run_tensor tensor_of_program(struct nbq_tensor_info info) {
    struct run_tensor t = {.name = info.name,
                           .rank = info.rank,
                           .channels = info.channels,
                           .height = info.height,
                           .width = info.width};
    memcpy(t.dims, info.dims, sizeof t.dims);
    count_elements(&t);
    return t;
}

/* N×C×H×W and C×H×W as images; anything else as one row of channels. */
static struct run_tensor tensor_of_engine(const struct engine_tensor *e) {
    struct run_tensor t = {
        .name = e->name, .rank = e->rank, .channels = 1, .height = 1, .width = 1};
    bool image = e->rank == 3 || (e->rank == 4 && e->dims[0] == 1);
    for (int n = 0; n < e->rank && n < 8; n++) {
        t.dims[n] = e->dims[n];
        if (image && n == e->rank - 1)
            t.width = (int)e->dims[n];
        else if (image && n == e->rank - 2)
            t.height = (int)e->dims[n];
        else
            t.channels *= (int)e->dims[n];
    }
    count_elements(&t);
    return t;
}

/* ---- Opening ---- */

static void open_tensors(struct run_model *m, int inputs, int outputs) {
    m->input_count = inputs;
    m->output_count = outputs;
    m->inputs = arena_array(m->a, (size_t)inputs + 1, sizeof *m->inputs);
    m->outputs = arena_array(m->a, (size_t)outputs + 1, sizeof *m->outputs);
    m->in = arena_array(m->a, (size_t)inputs + 1, sizeof *m->in);
    m->out = arena_array(m->a, (size_t)outputs + 1, sizeof *m->out);
}

static const char *device_names(struct arena *a) {
    const char *names = "";
    for (int n = 0; nbq_device(n); n++)
        names = arena_printf(a, "%s%s%s", names, n ? ", " : "", nbq_device(n));
    return names;
}

static void close_session(void *session) {
    nbq_close(session);
}

bool run_open_program(struct run_model *m, struct ctx *c, struct arena *a,
                      const struct nbq_program *p, const char *file, const char *device) {
    *m = (struct run_model){.c = c, .a = a, .file = file, .program = p};
    enum nbq_status status = nbq_open(p, device, &m->session);
    if (status == NBQ_NOT_FOUND) {
        diag(c, run_device, NULL, device, device_names(a));
        return false;
    }
    if (status == NBQ_NO_MEMORY) ctx_oom(c);
    if (status != NBQ_OK) {
        diag(c, run_session, file, "the device did not open");
        return false;
    }
    ctx_defer(c, close_session, m->session);
    open_tensors(m, nbq_input_count(p), nbq_output_count(p));
    for (int n = 0; n < m->input_count; n++) m->inputs[n] = tensor_of_program(nbq_input_info(p, n));
    for (int n = 0; n < m->output_count; n++) {
        m->outputs[n] = tensor_of_program(nbq_output_info(p, n));
        m->out[n] = arena_array(a, m->outputs[n].count, sizeof(float));
    }
    return true;
}

bool run_open_reference(struct run_model *m, struct ctx *c, struct arena *a, const char *file,
                        const struct preprocess *p) {
    *m = (struct run_model){.c = c, .a = a, .file = file, .preprocess = *p};
    m->engine = engine_open_onnx(c, a, file);
    if (!m->engine) return false;
    open_tensors(m, m->engine->input_count, m->engine->output_count);
    for (int n = 0; n < m->input_count; n++) {
        m->inputs[n] = tensor_of_engine(&m->engine->inputs[n]);
        m->in[n] = arena_array(a, m->inputs[n].count, sizeof(float));
    }
    return true;
}

struct preprocess run_preprocess_of(const struct nbq_program *p) {
    struct nbq_preprocess from = nbq_input_preprocess(p, 0);
    struct preprocess to = {.scale = from.scale, .bgr = from.bgr, .given = from.given};
    memcpy(to.mean, from.mean, sizeof to.mean);
    memcpy(to.std, from.std, sizeof to.std);
    return to;
}

/* ---- Inputs ---- */

static bool session_failed(struct run_model *m, const char *where) {
    diag(m->c, run_session, where, nbq_error(m->session));
    return false;
}

static bool check_size(struct run_model *m, const struct run_tensor *t, const struct sample *s) {
    if (s->channels == t->channels && s->height == t->height && s->width == t->width) return true;
    diag(m->c, run_size, s->name, s->channels, s->height, s->width, t->name, t->channels, t->height,
         t->width);
    return false;
}

static void preprocess_image(const struct run_model *m, const struct run_tensor *t,
                             const uint8_t *bytes, float *to) {
    size_t plane = (size_t)t->height * (size_t)t->width;
    for (int c = 0; c < t->channels; c++) {
        const uint8_t *from = bytes + (size_t)preprocess_source(&m->preprocess, c) * plane;
        for (size_t n = 0; n < plane; n++)
            to[(size_t)c * plane + n] = preprocess_byte(&m->preprocess, c, from[n]);
    }
}

static bool set_reference(struct run_model *m, int input, const struct sample *s) {
    const struct run_tensor *t = &m->inputs[input];
    if (s->floats)
        memcpy(m->in[input], s->floats, t->count * sizeof(float));
    else if (preprocess_check(m->c, s->name, &m->preprocess, t->channels))
        preprocess_image(m, t, s->bytes, m->in[input]);
    else
        return false;
    return true;
}

bool run_set(struct run_model *m, int input, const struct sample *s) {
    const struct run_tensor *t = &m->inputs[input];
    if (!check_size(m, t, s)) return false;
    if (!m->program) return set_reference(m, input, s);
    if (s->bytes && !nbq_input_preprocess(m->program, input).takes_bytes) {
        diag(m->c, run_no_table, s->name);
        return false;
    }
    enum nbq_status status = s->bytes ? nbq_set_input_u8(m->session, input, s->bytes, t->count)
                                      : nbq_set_input_f32(m->session, input, s->floats, t->count);
    return status == NBQ_OK || session_failed(m, s->name);
}

/* Stored integers from end to end of their range, as the reals they stand for. */
static void draw_stored(struct nbq_tensor_info t, struct rng *r, float *values, size_t count) {
    int half = 1 << (t.bits - 1);
    for (size_t n = 0; n < count; n++) {
        int stored = (int)rng_below(r, 2 * (uint32_t)half) - half;
        values[n] = (float)ldexp(stored - t.zero, t.exp);
    }
}

bool run_set_random(struct run_model *m, int input, struct rng *r) {
    const struct run_tensor *t = &m->inputs[input];
    float *values = arena_array(m->a, t->count, sizeof *values);
    struct nbq_tensor_info info = {.bits = 32};
    if (m->program) info = nbq_input_info(m->program, input);
    if (info.bits < 32)
        draw_stored(info, r, values, t->count);
    else
        for (size_t n = 0; n < t->count; n++) values[n] = (float)rng_normal(r);
    struct sample s = {t->channels, t->height, t->width, NULL, values, -1, "random input"};
    return run_set(m, input, &s);
}

/* ---- Running ---- */

static bool run_reference(struct run_model *m) {
    const struct engine_tensor *outputs;
    if (!m->engine->run(m->engine, (const float *const *)m->in, &outputs)) {
        diag(m->c, run_engine, m->file);
        return false;
    }
    for (int n = 0; n < m->output_count; n++) {
        m->outputs[n] = tensor_of_engine(&outputs[n]);
        m->out[n] = outputs[n].values;
    }
    return true;
}

bool run_once(struct run_model *m) {
    if (!m->program) return run_reference(m);
    if (nbq_run(m->session) != NBQ_OK) return session_failed(m, m->file);
    for (int n = 0; n < m->output_count; n++)
        if (nbq_get_output_f32(m->session, n, m->out[n], m->outputs[n].count) != NBQ_OK)
            return session_failed(m, m->file);
    return true;
}
