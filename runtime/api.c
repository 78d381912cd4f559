/* libnbq: the public functions of nbq.h over loader, devices and host operators. Every entry
 * point that may run out of memory sets its own way back; nothing is shared between handles but
 * the read-only program. */
#include "runtime/nbq.h"
#include "runtime/runtime.h"

#include "base/file.h"
#include "base/image.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_FAULTS = 64 };

struct nbq_program {
    struct ctx ctx;
    struct arena *arena;
    struct rt_image *image;
    const char **host_ops;
    int host_op_count, device_segment_count;
};

struct nbq_session {
    struct ctx ctx;
    struct arena *arena;
    const struct nbq_program *program;
    struct rt_device *device;
    struct rt_host_state *host;
    bool *input_set;
    char error[512];
};

/* ---- Programs ---- */

static void say(char *message, size_t room, const char *text) {
    if (message && room) snprintf(message, room, "%s", text);
}

static void say_first_error(const struct ctx *c, char *message, size_t room) {
    const struct diag *d = c->first;
    while (d && d->severity != DIAG_ERROR) d = d->next;
    if (!d || !message || !room) return;
    snprintf(message, room, "%s%s%s", d->where ? d->where : "", d->where ? ": " : "", d->message);
}

static void count_segments(struct nbq_program *p) {
    const struct svpe_program *program = p->image->program;
    size_t nodes = (size_t)program->host_node_count;
    p->host_ops = arena_array(p->arena, nodes + 1, sizeof *p->host_ops);
    for (int n = 0; n < program->host_node_count; n++)
        p->host_ops[p->host_op_count++] = program->host_nodes[n].op;
    for (int n = 0; n < program->segment_count; n++)
        p->device_segment_count += !program->segments[n].host;
}

/* The bytes are copied first: what is checked must be what runs. */
static enum nbq_status load_bytes(struct nbq_program *p, const void *bytes, size_t size,
                                  const char *file) {
    if (setjmp(p->ctx.oom)) return NBQ_NO_MEMORY;
    p->arena = arena_new(&p->ctx);
    const uint8_t *copy = arena_copy(p->arena, bytes, size);
    p->image = rt_image_load(&p->ctx, p->arena, arena_strdup(p->arena, file ? file : "program"),
                             copy, size);
    if (!p->image) return NBQ_BAD_INPUT;
    count_segments(p);
    return NBQ_OK;
}

enum nbq_status nbq_load(const void *bytes, size_t size, const char *file, struct nbq_program **out,
                         char *message, size_t room) {
    *out = NULL;
    struct nbq_program *p = calloc(1, sizeof *p);
    if (!p) {
        say(message, room, "out of memory");
        return NBQ_NO_MEMORY;
    }
    ctx_init(&p->ctx, "nbq", NULL);
    enum nbq_status status = load_bytes(p, bytes, size, file);
    if (status == NBQ_OK) {
        *out = p;
        return status;
    }
    if (status == NBQ_NO_MEMORY)
        say(message, room, "out of memory");
    else
        say_first_error(&p->ctx, message, room);
    nbq_program_free(p);
    return status;
}

static enum nbq_status map_file(struct ctx *c, const char *path, struct file_view *view) {
    if (setjmp(c->oom)) return NBQ_NO_MEMORY;
    return file_map(c, path, view) ? NBQ_OK : NBQ_BAD_INPUT;
}

enum nbq_status nbq_load_file(const char *path, struct nbq_program **out, char *message,
                              size_t room) {
    *out = NULL;
    struct ctx c;
    struct file_view view = {NULL, 0};
    ctx_init(&c, "nbq", NULL);
    enum nbq_status status = map_file(&c, path, &view);
    if (status == NBQ_OK)
        status = nbq_load(view.data, view.size, file_name(path), out, message, room);
    else if (status == NBQ_NO_MEMORY)
        say(message, room, "out of memory");
    else
        say_first_error(&c, message, room);
    ctx_free(&c);
    return status;
}

void nbq_program_free(struct nbq_program *p) {
    if (!p) return;
    ctx_free(&p->ctx);
    free(p);
}

/* ---- What a program says of itself ---- */

static const struct svpe_program *program_of(const struct nbq_program *p) {
    return p->image->program;
}

const char *nbq_program_name(const struct nbq_program *p) {
    return program_of(p)->name;
}
const char *nbq_program_target(const struct nbq_program *p) {
    return program_of(p)->target->name;
}
int nbq_input_count(const struct nbq_program *p) {
    return program_of(p)->input_count;
}
int nbq_output_count(const struct nbq_program *p) {
    return program_of(p)->output_count;
}
int nbq_layer_count(const struct nbq_program *p) {
    return program_of(p)->layer_count;
}
int nbq_segment_count(const struct nbq_program *p) {
    return p->device_segment_count;
}
int nbq_host_op_count(const struct nbq_program *p) {
    return p->host_op_count;
}

const char *nbq_host_op(const struct nbq_program *p, int i) {
    return i >= 0 && i < p->host_op_count ? p->host_ops[i] : NULL;
}

/* Of an element as the caller sees it. */
static const char *type_of(const struct svpe_tensor *t) {
    return t->layout == SVPE_LAYOUT_PLAIN ? t->dtype : ir_dtype_name(IR_F32);
}

static struct nbq_tensor_info tensor_info(const struct nbq_program *p, int tensor) {
    const struct svpe_tensor *t = &program_of(p)->tensors[tensor];
    struct nbq_tensor_info info = {.name = t->name,
                                   .rank = t->rank,
                                   .channels = t->channels,
                                   .height = t->height,
                                   .width = t->width,
                                   .type = type_of(t),
                                   .stored = t->layout != SVPE_LAYOUT_PLAIN,
                                   .bits = t->bits,
                                   .exp = t->exp,
                                   .zero = t->zero};
    memcpy(info.dims, t->dims, sizeof info.dims);
    return info;
}

struct nbq_tensor_info nbq_input_info(const struct nbq_program *p, int i) {
    if (i < 0 || i >= nbq_input_count(p)) return (struct nbq_tensor_info){0};
    return tensor_info(p, program_of(p)->inputs[i].tensor);
}

struct nbq_tensor_info nbq_output_info(const struct nbq_program *p, int i) {
    if (i < 0 || i >= nbq_output_count(p)) return (struct nbq_tensor_info){0};
    return tensor_info(p, program_of(p)->outputs[i]);
}

/* A float image, that only the host reads: computed, where stored integers are looked up. */
static bool is_float_image(const struct svpe_program *p, const struct svpe_input *in) {
    const struct svpe_tensor *t = &p->tensors[in->tensor];
    bool good = t->layout == SVPE_LAYOUT_PLAIN && !strcmp(t->dtype, ir_dtype_name(IR_F32)) &&
                t->channels <= 4;
    for (int c = 0; good && c < t->channels; c++)
        good = in->source[c] < t->channels && in->std[c] != 0;
    return good;
}

static bool takes_bytes(const struct svpe_program *p, const struct svpe_input *in) {
    return in->has_table || is_float_image(p, in);
}

struct nbq_preprocess nbq_input_preprocess(const struct nbq_program *p, int i) {
    struct nbq_preprocess info = {0};
    if (i < 0 || i >= nbq_input_count(p)) return info;
    const struct svpe_input *in = &program_of(p)->inputs[i];
    info.takes_bytes = takes_bytes(program_of(p), in);
    info.given = in->preprocess_given;
    info.scale = in->scale;
    memcpy(info.mean, in->mean, sizeof info.mean);
    memcpy(info.std, in->std, sizeof info.std);
    info.bgr = info.takes_bytes && in->source[0] > 0;
    info.resize = in->resize;
    info.crop = in->crop;
    info.resize_plain = in->resize_plain;
    return info;
}

struct nbq_layer_info nbq_layer(const struct nbq_program *p, int i) {
    if (i < 0 || i >= nbq_layer_count(p)) return (struct nbq_layer_info){0};
    const struct svpe_layer *l = &program_of(p)->layers[i];
    return (struct nbq_layer_info){.name = l->name,
                                   .kind = l->kind,
                                   .place = l->place,
                                   .note = l->note,
                                   .in_c = l->in_c,
                                   .in_h = l->in_h,
                                   .in_w = l->in_w,
                                   .out_c = l->out_c,
                                   .out_h = l->out_h,
                                   .out_w = l->out_w,
                                   .macs = l->macs,
                                   .weights = l->weights,
                                   .bits = l->bits,
                                   .terms = l->terms,
                                   .exp_min = l->exp_min,
                                   .exp_max = l->exp_max,
                                   .margin = l->margin,
                                   .tiles = l->tiles};
}

/* ---- Races, ports ---- */

static int check_segment(struct ctx *c, const struct nbq_program *p, int segment,
                         struct writer *to) {
    const struct rt_image *image = p->image;
    const struct svpe_program *program = image->program;
    struct arena *a = arena_new(c);
    struct svpe_fault *faults = arena_array(a, MAX_FAULTS, sizeof *faults);
    const char **names = arena_array(a, (size_t)program->layer_count + 1, sizeof *names);
    for (int n = 0; n < program->layer_count; n++) names[n] = program->layers[n].name;
    int first = image->segment_first[segment], count = image->segment_first[segment + 1] - first;
    int found =
        svpe_check_races(a, &image->machine, image->insns + first, count, faults, MAX_FAULTS);
    for (int n = 0; n < found && n < MAX_FAULTS; n++)
        write_text(
            to, "segment %d: %s\n", segment,
            svpe_fault_text(a, &faults[n], image->insns + first, names, program->layer_count));
    arena_free(a);
    return found;
}

static int check_ports(struct ctx *c, const struct nbq_program *p, int segment, struct writer *to) {
    const struct rt_image *image = p->image;
    struct arena *a = arena_new(c);
    struct rt_ports *ports = rt_ports_new(a, &image->machine, image->machine.target);
    struct rt_port_fault f;
    int found = 0;
    for (int n = image->segment_first[segment]; n < image->segment_first[segment + 1]; n++) {
        if (rt_check_ports(ports, &image->insns[n], &f)) continue;
        found++;
        write_text(to, "%s: %s: %lld %s in %lld cycles; the target has %lld in each\n",
                   rt_insn_where(a, "program", image, n), svpe_uop_info(f.kind)->mnemonic,
                   (long long)f.uses, f.port, (long long)f.cycles, (long long)f.per_cycle);
    }
    arena_free(a);
    return found;
}

static int check_segments(struct ctx *c, const struct nbq_program *p, char *text, size_t room) {
    if (setjmp(c->oom)) return -1;
    struct writer to;
    int found = 0;
    writer_init(&to, arena_new(c));
    for (int s = 0; s < program_of(p)->segment_count; s++)
        if (!program_of(p)->segments[s].host)
            found += check_segment(c, p, s, &to) + check_ports(c, p, s, &to);
    say(text, room, writer_string(&to));
    return found;
}

int nbq_check(const struct nbq_program *p, char *text, size_t room) {
    struct ctx c;
    ctx_init(&c, "nbq", NULL);
    say(text, room, "out of memory\n");
    int found = check_segments(&c, p, text, room);
    ctx_free(&c);
    return found;
}

/* ---- Sessions ---- */

const char *nbq_device(int i) {
    const struct rt_device_ops *ops = rt_device_at(i);
    return ops ? ops->name : NULL;
}

static enum nbq_status open_device(struct nbq_session *s, const struct rt_device_ops *ops) {
    if (setjmp(s->ctx.oom)) return NBQ_NO_MEMORY;
    const struct rt_image *image = s->program->image;
    s->arena = arena_new(&s->ctx);
    s->host = rt_host_open(s->arena, image);
    s->input_set = arena_array(s->arena, (size_t)image->program->input_count + 1, sizeof(bool));
    s->device = ops->open(&s->ctx, s->arena, image);
    return s->device ? NBQ_OK : NBQ_DEVICE_FAILED;
}

enum nbq_status nbq_open(const struct nbq_program *p, const char *device,
                         struct nbq_session **out) {
    *out = NULL;
    const struct rt_device_ops *ops = rt_device_find(device);
    if (!ops) return NBQ_NOT_FOUND;
    struct nbq_session *s = calloc(1, sizeof *s);
    if (!s) return NBQ_NO_MEMORY;
    ctx_init(&s->ctx, "nbq", NULL);
    s->program = p;
    enum nbq_status status = open_device(s, ops);
    if (status == NBQ_OK)
        *out = s;
    else
        nbq_close(s);
    return status;
}

void nbq_close(struct nbq_session *s) {
    if (!s) return;
    if (s->device) s->device->ops->close(s->device);
    ctx_free(&s->ctx);
    free(s);
}

const char *nbq_error(const struct nbq_session *s) {
    return s->error;
}

__attribute__((format(printf, 2, 3))) static enum nbq_status refuse(struct nbq_session *s,
                                                                    const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(s->error, sizeof s->error, format, args);
    va_end(args);
    return NBQ_BAD_INPUT;
}

/* ---- Inputs and outputs ---- */

static const struct svpe_tensor *tensor_of(const struct nbq_session *s, int tensor) {
    return &program_of(s->program)->tensors[tensor];
}

static struct rt_tensor_at place_of(const struct nbq_session *s, int tensor) {
    return rt_tensor_of(s->program->image, s->device, tensor);
}

static enum nbq_status check_count(struct nbq_session *s, const char *what, int i,
                                   const struct svpe_tensor *t, size_t count) {
    if (count == rt_tensor_elements(t)) return NBQ_OK;
    return refuse(s, "%s %d (\"%s\"): found %zu values; expected %d×%d×%d", what, i, t->name, count,
                  t->channels, t->height, t->width);
}

static enum nbq_status check_input(struct nbq_session *s, int i, size_t count) {
    int inputs = nbq_input_count(s->program);
    if (i < 0 || i >= inputs)
        return refuse(s, "there is no input %d; the program has %d", i, inputs);
    return check_count(s, "input", i, tensor_of(s, program_of(s->program)->inputs[i].tensor),
                       count);
}

static enum nbq_status check_type(struct nbq_session *s, const char *what, int i,
                                  const struct svpe_tensor *t, const char *type) {
    if (strcmp(type, type_of(t)) == 0) return NBQ_OK;
    return refuse(s, "%s %d (\"%s\") is of type %s, not %s", what, i, t->name, type_of(t), type);
}

static enum nbq_status check_bools(struct nbq_session *s, int i, const uint8_t *data,
                                   size_t count) {
    for (size_t n = 0; n < count; n++)
        if (data[n] > 1)
            return refuse(s, "input %d, value %zu: found %d; expected 0 or 1", i, n, data[n]);
    return NBQ_OK;
}

enum nbq_status nbq_set_input(struct nbq_session *s, int i, const char *type, const void *data,
                              size_t count) {
    enum nbq_status status = check_input(s, i, count);
    if (status != NBQ_OK) return status;
    int tensor = program_of(s->program)->inputs[i].tensor;
    status = check_type(s, "input", i, tensor_of(s, tensor), type);
    if (status == NBQ_OK && strcmp(type, ir_dtype_name(IR_BOOL)) == 0)
        status = check_bools(s, i, data, count);
    if (status != NBQ_OK) return status;
    rt_write_values(place_of(s, tensor), data);
    s->input_set[i] = true;
    return NBQ_OK;
}

enum nbq_status nbq_set_input_f32(struct nbq_session *s, int i, const float *chw, size_t count) {
    return nbq_set_input(s, i, ir_dtype_name(IR_F32), chw, count);
}

static void look_up_planes(const struct svpe_input *in, const struct svpe_tensor *t,
                           const uint8_t *chw, int16_t *stored) {
    size_t plane = (size_t)t->height * (size_t)t->width;
    for (int c = 0; c < t->channels; c++) {
        const int16_t *row = in->table + 256 * c;
        const uint8_t *from = chw + (size_t)in->source[c] * plane;
        for (size_t n = 0; n < plane; n++) stored[(size_t)c * plane + n] = row[from[n]];
    }
}

/* The formula of the byte tables, before they are rounded: base/data.h, preprocess_byte(). */
static void compute_planes(const struct svpe_input *in, const struct svpe_tensor *t,
                           const uint8_t *chw, float *to) {
    size_t plane = (size_t)t->height * (size_t)t->width;
    for (int c = 0; c < t->channels; c++) {
        const uint8_t *from = chw + (size_t)in->source[c] * plane;
        for (size_t n = 0; n < plane; n++)
            to[(size_t)c * plane + n] = (float)((from[n] * in->scale - in->mean[c]) / in->std[c]);
    }
}

static enum nbq_status set_bytes(struct nbq_session *s, int i, const uint8_t *chw, size_t count) {
    struct arena *volatile made = NULL;
    if (setjmp(s->ctx.oom)) {
        arena_free(made);
        refuse(s, "out of memory");
        return NBQ_NO_MEMORY;
    }
    const struct svpe_input *in = &program_of(s->program)->inputs[i];
    const struct svpe_tensor *t = tensor_of(s, in->tensor);
    struct arena *a = made = arena_new(&s->ctx);
    if (in->has_table) {
        int16_t *stored = arena_array(a, count, sizeof *stored);
        look_up_planes(in, t, chw, stored);
        rt_write_stored(place_of(s, in->tensor), stored);
    } else {
        float *real = arena_array(a, count, sizeof *real);
        compute_planes(in, t, chw, real);
        rt_write_values(place_of(s, in->tensor), real);
    }
    s->input_set[i] = true;
    arena_free(a);
    return NBQ_OK;
}

enum nbq_status nbq_set_input_u8(struct nbq_session *s, int i, const uint8_t *chw, size_t count) {
    enum nbq_status status = check_input(s, i, count);
    if (status != NBQ_OK) return status;
    if (!takes_bytes(program_of(s->program), &program_of(s->program)->inputs[i]))
        return refuse(s,
                      "input %d takes no bytes: the program has no table for it; inputs of more "
                      "than 4 channels have none",
                      i);
    return set_bytes(s, i, chw, count);
}

static const uint8_t *repeat_grey(struct arena *a, const uint8_t *grey, size_t plane) {
    uint8_t *to = arena_array(a, 3, plane);
    for (size_t c = 0; c < 3; c++) memcpy(to + c * plane, grey, plane);
    return to;
}

static enum nbq_status set_image(struct nbq_session *s, int i, const struct image *from,
                                 const struct image_fit *fit, const struct image_part *part) {
    struct arena *volatile made = NULL;
    if (setjmp(s->ctx.oom)) {
        arena_free(made);
        refuse(s, "out of memory");
        return NBQ_NO_MEMORY;
    }
    struct arena *a = made = arena_new(&s->ctx);
    int channels = tensor_of(s, program_of(s->program)->inputs[i].tensor)->channels;
    size_t plane = (size_t)part->rows * (size_t)part->columns;
    uint8_t *own = arena_array(a, (size_t)from->channels, plane);
    image_resize(a, fit, from, part, own);
    bool grey = from->channels == 1 && channels == 3;
    const uint8_t *chw = grey ? repeat_grey(a, own, plane) : own;
    enum nbq_status status = nbq_set_input_u8(s, i, chw, (size_t)channels * plane);
    arena_free(a);
    return status;
}

enum nbq_status nbq_set_input_image(struct nbq_session *s, int i, const uint8_t *chw, int channels,
                                    int height, int width) {
    enum { SIDE_MAX = 1 << 26 };
    if (i < 0 || i >= nbq_input_count(s->program))
        return refuse(s, "there is no input %d; the program has %d", i,
                      nbq_input_count(s->program));
    const struct svpe_input *in = &program_of(s->program)->inputs[i];
    const struct svpe_tensor *t = tensor_of(s, in->tensor);
    if (channels < 1 || channels > 4 || height < 1 || width < 1 || height > SIDE_MAX / width)
        return refuse(s, "input %d: an image of %d×%d×%d (channels, height, width) is not one", i,
                      channels, height, width);
    struct image from = {channels, height, width, chw};
    struct image_fit fit = {in->resize, in->crop, in->resize_plain};
    struct image_part part;
    enum image_fault fault = image_part_of(&fit, height, width, &part);
    bool fits = channels == t->channels || (channels == 1 && t->channels == 3);
    if (fault == IMAGE_FITS && fits && part.rows == t->height && part.columns == t->width)
        return set_image(s, i, &from, &fit, &part);
    return refuse(s,
                  "input %d: found an image of %d×%d×%d (channels, height, width); with resize %d "
                  "and crop %d it does not become %d×%d×%d",
                  i, channels, height, width, fit.resize, fit.crop, t->channels, t->height,
                  t->width);
}

enum nbq_status nbq_set_input_stored(struct nbq_session *s, int i, const int16_t *chw,
                                     size_t count) {
    enum nbq_status status = check_input(s, i, count);
    if (status != NBQ_OK) return status;
    int tensor = program_of(s->program)->inputs[i].tensor;
    const struct svpe_tensor *t = tensor_of(s, tensor);
    if (t->layout == SVPE_LAYOUT_PLAIN)
        return refuse(s, "input %d holds %s, not stored integers", i, t->dtype);
    int high = (1 << (t->bits - 1)) - 1;
    for (size_t n = 0; n < count; n++)
        if (chw[n] > high || chw[n] < -high - 1)
            return refuse(s, "input %d, value %zu: found %d; expected %d…%d", i, n, chw[n],
                          -high - 1, high);
    rt_write_stored(place_of(s, tensor), chw);
    s->input_set[i] = true;
    return NBQ_OK;
}

static enum nbq_status check_output(struct nbq_session *s, int i, size_t count) {
    int outputs = nbq_output_count(s->program);
    if (i < 0 || i >= outputs)
        return refuse(s, "there is no output %d; the program has %d", i, outputs);
    return check_count(s, "output", i, tensor_of(s, program_of(s->program)->outputs[i]), count);
}

enum nbq_status nbq_get_output(struct nbq_session *s, int i, const char *type, void *out,
                               size_t count) {
    enum nbq_status status = check_output(s, i, count);
    if (status != NBQ_OK) return status;
    int tensor = program_of(s->program)->outputs[i];
    status = check_type(s, "output", i, tensor_of(s, tensor), type);
    if (status != NBQ_OK) return status;
    rt_read_values(place_of(s, tensor), out);
    return NBQ_OK;
}

enum nbq_status nbq_get_output_f32(struct nbq_session *s, int i, float *out, size_t count) {
    enum nbq_status status = check_output(s, i, count);
    if (status != NBQ_OK) return status;
    rt_read_floats(place_of(s, program_of(s->program)->outputs[i]), out);
    return NBQ_OK;
}

enum nbq_status nbq_get_output_stored(struct nbq_session *s, int i, int16_t *out, size_t count) {
    enum nbq_status status = check_output(s, i, count);
    if (status != NBQ_OK) return status;
    int tensor = program_of(s->program)->outputs[i];
    if (tensor_of(s, tensor)->layout == SVPE_LAYOUT_PLAIN)
        return refuse(s, "output %d holds %s, not stored integers", i,
                      type_of(tensor_of(s, tensor)));
    rt_read_stored(place_of(s, tensor), out);
    return NBQ_OK;
}

/* ---- Running ---- */

static void clear(struct nbq_session *s, enum svpe_region r) {
    memset(s->device->ops->region(s->device, r), 0, s->program->image->machine.region_bytes[r]);
}

enum nbq_status nbq_run(struct nbq_session *s) {
    const struct rt_image *image = s->program->image;
    for (int n = 0; n < image->program->input_count; n++)
        if (!s->input_set[n]) return refuse(s, "input %d has not been set", n);
    clear(s, SVPE_REGION_WORK);
    clear(s, SVPE_REGION_OUT);
    for (int n = 0; n < image->program->segment_count; n++) {
        if (image->program->segments[n].host) {
            enum nbq_status status = rt_host_run(s->host, s->device, n, s->error, sizeof s->error);
            if (status != NBQ_OK) return status;
        } else if (!s->device->ops->run(s->device, n)) {
            refuse(s, "segment %d: %s", n, s->device->ops->error(s->device));
            return NBQ_DEVICE_FAILED;
        }
    }
    return NBQ_OK;
}
