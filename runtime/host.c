/* Operators that run on the host between device segments. A row of host.def, a check of its
 * tensors, a small function from floats to floats: nothing else is needed for another one. */
#include "runtime/runtime.h"

#include <math.h>
#include <string.h>

struct host_op {
    const char *name;
    int in_count, out_count;
    const char *(*check)(const struct svpe_segment *s, const struct svpe_tensor *in,
                         const struct svpe_tensor *out); /* NULL if good */
    void (*compute)(const struct svpe_segment *s, const struct svpe_tensor *in, const float *from,
                    float *to);
};

/* ---- The operators ---- */

static const char *check_same_size(const struct svpe_segment *s, const struct svpe_tensor *in,
                                   const struct svpe_tensor *out) {
    (void)s;
    bool same = rt_tensor_elements(in) == rt_tensor_elements(out);
    return same ? NULL : "input and output have different numbers of elements";
}

static void copy(const struct svpe_segment *s, const struct svpe_tensor *in, const float *from,
                 float *to) {
    (void)s;
    memcpy(to, from, rt_tensor_elements(in) * sizeof *to);
}

#define check_dequantize check_same_size
#define dequantize       copy
#define check_quantize   check_same_size
#define quantize         copy

static const char *check_softmax(const struct svpe_segment *s, const struct svpe_tensor *in,
                                 const struct svpe_tensor *out) {
    if (s->attr[0] < 0 || s->attr[0] >= in->rank)
        return "the axis is not one of the input's dimensions";
    return check_same_size(s, in, out);
}

static void softmax_line(const float *from, float *to, size_t length, size_t step) {
    float top = from[0];
    double sum = 0;
    for (size_t n = 1; n < length; n++)
        if (from[n * step] > top) top = from[n * step];
    for (size_t n = 0; n < length; n++) sum += exp((double)from[n * step] - top);
    for (size_t n = 0; n < length; n++)
        to[n * step] = (float)(exp((double)from[n * step] - top) / sum);
}

static void softmax(const struct svpe_segment *s, const struct svpe_tensor *in, const float *from,
                    float *to) {
    size_t outer = 1, inner = 1, length = (size_t)in->dims[s->attr[0]];
    for (int n = 0; n < in->rank; n++) {
        if (n < s->attr[0]) outer *= (size_t)in->dims[n];
        if (n > s->attr[0]) inner *= (size_t)in->dims[n];
    }
    for (size_t o = 0; o < outer; o++)
        for (size_t i = 0; i < inner; i++)
            softmax_line(from + o * length * inner + i, to + o * length * inner + i, length, inner);
}

static const struct host_op host_ops[] = {
#define HOST_OP(name, in, out, meaning) {#name, in, out, check_##name, name},
#include "runtime/host.def"
#undef HOST_OP
};
static const char host_names[] = ""
#define HOST_OP(name, ...) " " #name
#include "runtime/host.def"
#undef HOST_OP
    ;

static const struct host_op *find(const char *name) {
    for (size_t n = 0; n < sizeof host_ops / sizeof *host_ops; n++)
        if (strcmp(host_ops[n].name, name) == 0) return &host_ops[n];
    return NULL;
}

/* ---- Checking and running ---- */

bool rt_check_host(struct ctx *c, const char *where, const struct rt_image *image, int segment) {
    const struct svpe_program *p = image->program;
    const struct svpe_segment *s = &p->segments[segment];
    const struct host_op *op = s->op ? find(s->op) : NULL;
    if (!op) {
        diag(c, rt_host_unknown, where, s->op ? s->op : "", host_names + 1);
        return false;
    }
    if (s->in_count != op->in_count || s->out_count != op->out_count) {
        diag(c, rt_host_counts, where, s->op, s->in_count, s->out_count, op->in_count,
             op->out_count);
        return false;
    }
    const struct svpe_tensor *in = &p->tensors[s->in[0]], *out = &p->tensors[s->out[0]];
    const char *fault = out->region == SVPE_REGION_IN
                            ? "its output lies in region in, which only the caller writes"
                            : op->check(s, in, out);
    if (!fault) return true;
    diag(c, rt_host_tensor, where, s->op, fault);
    return false;
}

size_t rt_host_scratch(const struct rt_image *image) {
    const struct svpe_program *p = image->program;
    size_t most = 0;
    for (int n = 0; n < p->segment_count; n++) {
        const struct svpe_segment *s = &p->segments[n];
        if (!s->host) continue;
        size_t need =
            rt_tensor_elements(&p->tensors[s->in[0]]) + rt_tensor_elements(&p->tensors[s->out[0]]);
        most = need > most ? need : most;
    }
    return most;
}

struct rt_tensor_at rt_tensor_of(const struct rt_image *image, struct rt_device *d, int tensor) {
    const struct svpe_tensor *t = &image->program->tensors[tensor];
    return (struct rt_tensor_at){t, d->ops->region(d, t->region), (int)image->machine.target->lanes,
                                 image->machine.act_bits};
}

void rt_host_run(const struct rt_host_call *call) {
    const struct svpe_segment *s = &call->image->program->segments[call->segment];
    struct rt_tensor_at in = rt_tensor_of(call->image, call->device, s->in[0]);
    struct rt_tensor_at out = rt_tensor_of(call->image, call->device, s->out[0]);
    float *from = call->scratch, *to = from + rt_tensor_elements(in.tensor);
    rt_read_floats(in, from);
    find(s->op)->compute(s, in.tensor, from, to);
    rt_write_floats(out, to);
}
