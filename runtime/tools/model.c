/* A program on a device and a float model behind one face: set inputs, run, read floats. */
#include "runtime/tools/run.h"

#include "base/ops/ops.h"

#include <assert.h>
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
                           .width = info.width,
                           .type = info.type};
    memcpy(t.dims, info.dims, sizeof t.dims);
    count_elements(&t);
    return t;
}

/* N×C×H×W and C×H×W as images; anything else as one row of channels. */
static struct run_tensor tensor_of_engine(const struct engine_tensor *e) {
    struct run_tensor t = {
        .name = e->name, .rank = e->rank, .channels = 1, .height = 1, .width = 1, .type = e->type};
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

static size_t element_size(const struct run_tensor *t) {
    return ir_dtype_size(ir_dtype_by_name(t->type));
}

static bool is_real(const struct run_tensor *t) {
    return strcmp(t->type, ir_dtype_name(IR_F32)) == 0;
}

/* ---- Opening ---- */

static void open_tensors(struct run_model *m, int inputs, int outputs) {
    m->input_count = inputs;
    m->output_count = outputs;
    m->inputs = arena_array(m->a, (size_t)inputs + 1, sizeof *m->inputs);
    m->outputs = arena_array(m->a, (size_t)outputs + 1, sizeof *m->outputs);
    m->in = arena_array(m->a, (size_t)inputs + 1, sizeof *m->in);
    m->out = arena_array(m->a, (size_t)outputs + 1, sizeof *m->out);
    m->real = arena_array(m->a, (size_t)outputs + 1, sizeof *m->real);
}

static void close_session(void *session) {
    nbq_close(session);
}

static bool open_program(struct run_model *m, struct ctx *c, struct arena *a,
                         const struct run_job *job) {
    const struct nbq_program *p = job->program;
    *m = (struct run_model){.c = c, .a = a, .file = job->file, .program = p};
    enum nbq_status status = nbq_open(p, job->device, &m->session);
    if (status == NBQ_NO_MEMORY) ctx_oom(c);
    if (status != NBQ_OK) {
        diag(c, run_session, job->file, "the device did not open");
        return false;
    }
    ctx_defer(c, close_session, m->session);
    open_tensors(m, nbq_input_count(p), nbq_output_count(p));
    for (int n = 0; n < m->input_count; n++) m->inputs[n] = tensor_of_program(nbq_input_info(p, n));
    for (int n = 0; n < m->output_count; n++) {
        m->outputs[n] = tensor_of_program(nbq_output_info(p, n));
        m->out[n] = arena_array(a, m->outputs[n].count, element_size(&m->outputs[n]));
    }
    return true;
}

static struct engine_sizes sizes_of(struct arena *a, const struct run_job *job,
                                    const struct run_model *beside) {
    struct engine_sizes s = {.dims = job->dims,
                             .dim_count = job->dim_count,
                             .outputs = job->outputs,
                             .inputs = job->inputs,
                             .output_count = job->output_count,
                             .input_count = job->input_count};
    if (!beside) return s;
    struct engine_tensor *like = arena_array(a, (size_t)beside->input_count, sizeof *like);
    for (int n = 0; n < beside->input_count; n++) {
        like[n].rank = beside->inputs[n].rank;
        memcpy(like[n].dims, beside->inputs[n].dims, sizeof like[n].dims);
    }
    s.like = like;
    s.like_count = beside->input_count;
    return s;
}

static bool open_reference(struct run_model *m, struct ctx *c, struct arena *a,
                           const struct run_job *job, const char *file,
                           const struct run_model *beside) {
    struct engine_sizes sizes = sizes_of(a, job, beside);
    *m = (struct run_model){.c = c,
                            .a = a,
                            .file = file,
                            .preprocess = job->preprocess,
                            .mean_count = job->mean_count,
                            .std_count = job->std_count};
    m->engine = engine_open_onnx(c, a, file, &sizes);
    if (!m->engine) return false;
    open_tensors(m, m->engine->input_count, m->engine->output_count);
    for (int n = 0; n < m->input_count; n++) {
        m->inputs[n] = tensor_of_engine(&m->engine->inputs[n]);
        m->in[n] = arena_array(a, m->inputs[n].count, element_size(&m->inputs[n]));
    }
    return true;
}

/* One number per channel, or one for all. */
static bool numbers_fit(const struct run_model *m, const struct run_tensor *t) {
    bool mean = m->mean_count <= 1 || m->mean_count == t->channels;
    return mean && (m->std_count <= 1 || m->std_count == t->channels);
}

static bool check_numbers(const struct run_model *m, const struct run_tensor *t) {
    if (numbers_fit(m, t)) return true;
    bool mean = m->mean_count > 1 && m->mean_count != t->channels;
    diag(m->c, run_numbers, NULL, mean ? "mean" : "std", mean ? m->mean_count : m->std_count,
         t->name, t->channels);
    return false;
}

bool run_open(struct run_model *m, struct ctx *c, struct arena *a, const struct run_job *job) {
    if (job->program) return open_program(m, c, a, job);
    if (!open_reference(m, c, a, job, job->reference, NULL)) return false;
    for (int n = 0; n < m->input_count; n++)
        if (numbers_fit(m, &m->inputs[n])) return true;
    return m->input_count == 0 || check_numbers(m, &m->inputs[0]);
}

bool run_open_against(struct run_model *m, struct ctx *c, struct arena *a,
                      const struct run_job *job, const struct run_model *beside) {
    return open_reference(m, c, a, job, job->against, beside);
}

struct preprocess run_preprocess_of(const struct nbq_program *p, int input) {
    struct nbq_preprocess from = nbq_input_preprocess(p, input);
    struct preprocess to = {.scale = from.scale,
                            .bgr = from.bgr,
                            .fit = {from.resize, from.crop, from.resize_plain},
                            .given = from.given};
    memcpy(to.mean, from.mean, sizeof to.mean);
    memcpy(to.std, from.std, sizeof to.std);
    return to;
}

/* ---- Inputs ---- */

static bool session_failed(struct run_model *m, const char *where) {
    diag(m->c, run_session, where, nbq_error(m->session));
    return false;
}

/* The dimensions behind the leading ones. */
static int significant(int rank, const int64_t *dims) {
    int n = 0;
    while (n < rank && dims[n] == 1) n++;
    return n;
}

static bool same_dims(const struct run_tensor *t, const struct sample *s) {
    int ours = significant(t->rank, t->dims), theirs = significant(s->rank, s->dims);
    if (s->rank == 0 || t->rank - ours != s->rank - theirs) return false;
    for (int n = 0; n < t->rank - ours; n++)
        if (t->dims[ours + n] != s->dims[theirs + n]) return false;
    return true;
}

static const char *dims_text(struct arena *a, int rank, const int64_t *dims) {
    const char *text = "";
    for (int n = 0; n < rank; n++)
        text = arena_printf(a, "%s%s%lld", text, n ? "×" : "", (long long)dims[n]);
    return text;
}

static bool check_size(struct run_model *m, const struct run_tensor *t, const struct sample *s) {
    bool image = s->rank == 0 || s->rank == 3 || (s->rank == 4 && s->dims[0] == 1);
    if (same_dims(t, s)) return true;
    if (image && s->channels == t->channels && s->height == t->height && s->width == t->width)
        return true;
    if (s->rank > 0) {
        diag(m->c, run_shape, s->name, dims_text(m->a, s->rank, s->dims), t->name,
             dims_text(m->a, t->rank, t->dims));
        return false;
    }
    diag(m->c, run_size, s->name, s->channels, s->height, s->width, t->name, t->channels, t->height,
         t->width);
    return false;
}

static bool check_finite(struct run_model *m, const struct run_tensor *t, const struct sample *s) {
    for (size_t n = 0; s->floats && n < t->count; n++) {
        if (isfinite(s->floats[n])) continue;
        diag(m->c, run_not_finite, s->name, n, (double)s->floats[n]);
        return false;
    }
    return true;
}

static void preprocess_image(const struct run_model *m, const struct run_tensor *t,
                             const uint8_t *bytes, float *to) {
    size_t plane = (size_t)t->height * (size_t)t->width;
    assert(bytes);
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
    else if (check_numbers(m, t) && preprocess_check(m->c, s->name, &m->preprocess, t->channels))
        preprocess_image(m, t, s->bytes, m->in[input]);
    else
        return false;
    return true;
}

static bool set_fitted(struct run_model *m, int input, const struct sample *s) {
    const struct run_tensor *t = &m->inputs[input];
    if (!check_size(m, t, s) || !check_finite(m, t, s)) return false;
    if (!m->program) return set_reference(m, input, s);
    if (s->bytes && !nbq_input_preprocess(m->program, input).takes_bytes) {
        diag(m->c, run_no_table, s->name);
        return false;
    }
    enum nbq_status status = s->bytes ? nbq_set_input_u8(m->session, input, s->bytes, t->count)
                                      : nbq_set_input_f32(m->session, input, s->floats, t->count);
    return status == NBQ_OK || session_failed(m, s->name);
}

static bool set_elements(struct run_model *m, int input, const struct sample *s) {
    const struct run_tensor *t = &m->inputs[input];
    if (!m->program) {
        memcpy(m->in[input], s->elements, t->count * element_size(t));
        return true;
    }
    enum nbq_status status = nbq_set_input(m->session, input, t->type, s->elements, t->count);
    return status == NBQ_OK || session_failed(m, s->name);
}

/* An image for an input of bytes: no values are changed. */
static bool set_image(struct run_model *m, int input, const struct preprocess *p,
                      const struct image_shape *shape, const struct sample *s) {
    const struct run_tensor *t = &m->inputs[input];
    struct arena *a = arena_new(m->c);
    struct sample fitted = *s;
    bool good = preprocess_raw(m->c, a, p, shape, &fitted);
    if (good && !fitted.elements) {
        diag(m->c, run_size, s->name, fitted.channels, fitted.height, fitted.width, t->name,
             shape->channels, shape->height, shape->width);
        good = false;
    }
    good = good && set_elements(m, input, &fitted);
    arena_free(a);
    return good;
}

/* Elements that are no floats go in as they are. */
static bool set_typed(struct run_model *m, int input, const struct preprocess *p,
                      const struct sample *s) {
    const struct run_tensor *t = &m->inputs[input];
    struct image_shape shape;
    if (!s->type && ir_dtype_by_name(t->type) == IR_U8 && image_shape_of(t->rank, t->dims, &shape))
        return set_image(m, input, p, &shape, s);
    if (!s->type || strcmp(s->type, t->type) != 0) {
        diag(m->c, run_type, s->name, s->type ? s->type : "images or floats", t->name, t->type);
        return false;
    }
    if ((s->rank > 0 || t->count != 1) && !check_size(m, t, s)) return false;
    return set_elements(m, input, s);
}

bool run_set(struct run_model *m, int input, const struct sample *s) {
    struct preprocess p = m->program ? run_preprocess_of(m->program, input) : m->preprocess;
    if (!is_real(&m->inputs[input])) return set_typed(m, input, &p, s);
    struct arena *a = arena_new(m->c); /* goes here, or with m->c */
    struct sample fitted = *s;
    bool good = preprocess_fit(m->c, a, &p, m->inputs[input].channels, &fitted) &&
                set_fitted(m, input, &fitted);
    arena_free(a);
    return good;
}

static void draw(struct run_model *m, const struct run_tensor *t, struct rng *r, struct sample *s) {
    enum ir_dtype type = ir_dtype_by_name(t->type);
    void *values = arena_array(m->a, t->count, ir_dtype_size(type));
    int64_t bound = type == IR_U8 || type == IR_I8 ? 256 : 2;
    for (size_t n = 0; n < t->count; n++) {
        if (type == IR_F32)
            ((float *)values)[n] = (float)rng_normal(r);
        else if (type == IR_F64)
            ((double *)values)[n] = rng_normal(r);
        else
            ir_store_int(type, values, (int64_t)n, (int64_t)rng_below(r, (uint32_t)bound));
    }
    s->elements = values;
    s->floats = type == IR_F32 ? values : NULL;
}

bool run_set_random(struct run_model *m, struct run_model *other, int input, struct rng *r) {
    const struct run_tensor *t = &m->inputs[input];
    struct sample s = {.channels = t->channels,
                       .height = t->height,
                       .width = t->width,
                       .type = t->type,
                       .label = -1,
                       .name = "random input"};
    draw(m, t, r, &s);
    if (!is_real(t)) { /* else any array of so many elements does */
        s.rank = t->rank;
        memcpy(s.dims, t->dims, sizeof s.dims);
    }
    if (!run_set(m, input, &s)) return false;
    return !other || input >= other->input_count || run_set(other, input, &s);
}

/* ---- Running ---- */

static bool run_reference(struct run_model *m) {
    const struct engine_tensor *outputs;
    if (!m->engine->run(m->engine, (const void *const *)m->in, &outputs)) {
        diag(m->c, run_engine, m->file);
        return false;
    }
    for (int n = 0; n < m->output_count; n++) {
        m->outputs[n] = tensor_of_engine(&outputs[n]);
        m->out[n] = outputs[n].values;
        m->real[n] = NULL; /* of another size, perhaps */
    }
    return true;
}

/* Outputs as floats, the nearest. */
static void make_real(struct run_model *m, int n) {
    const struct run_tensor *t = &m->outputs[n];
    if (is_real(t)) {
        m->real[n] = m->out[n];
        return;
    }
    if (!m->real[n]) m->real[n] = arena_array(m->a, t->count, sizeof(float));
    enum ir_dtype type = ir_dtype_by_name(t->type);
    for (size_t i = 0; i < t->count; i++)
        m->real[n][i] = (float)ir_load_float(type, m->out[n], (int64_t)i);
}

bool run_once(struct run_model *m) {
    if (!m->program && !run_reference(m)) return false;
    if (m->program && nbq_run(m->session) != NBQ_OK) return session_failed(m, m->file);
    for (int n = 0; n < m->output_count; n++) {
        const struct run_tensor *t = &m->outputs[n];
        if (m->program && nbq_get_output(m->session, n, t->type, m->out[n], t->count) != NBQ_OK)
            return session_failed(m, m->file);
        make_real(m, n);
    }
    return true;
}
