/* Operators that run on the host between device segments. A row of host.def, a check of its
 * tensors, a small function from floats to floats: nothing else is needed for another one. */
#include "runtime/runtime.h"

#include <math.h>
#include <string.h>

struct host_call {
    const struct svpe_program *program;
    const struct svpe_host_node *node;
    const struct svpe_tensor *in, *out;
};
struct host_op {
    const char *name;
    int in_count, out_count;
    const char *(*check)(const struct host_call *h); /* NULL if good */
    void (*compute)(const struct host_call *h, const float *from, float *to);
};

/* ---- The operators ---- */

static const char *check_same_size(const struct host_call *h) {
    bool same = rt_tensor_elements(h->in) == rt_tensor_elements(h->out);
    return same ? NULL : "input and output have different numbers of elements";
}

static void copy(const struct host_call *h, const float *from, float *to) {
    memcpy(to, from, rt_tensor_elements(h->in) * sizeof *to);
}

#define check_dequantize check_same_size
#define dequantize       copy
#define check_quantize   check_same_size
#define quantize         copy

static int64_t attribute(const struct host_call *h, const char *name) {
    for (int n = 0; n < h->node->attr_count; n++) {
        const struct svpe_host_attr *a = &h->program->host_attrs[h->node->attr_first + n];
        if (strcmp(a->name, name) == 0) return a->i;
    }
    return 0;
}

/* −1: none of the input's dimensions. */
static int64_t axis_of(const struct host_call *h) {
    int64_t axis = attribute(h, "axis"), rank = h->in->rank;
    return axis >= -rank && axis < rank ? axis + (axis < 0 ? rank : 0) : -1;
}

static const char *check_softmax(const struct host_call *h) {
    if (axis_of(h) < 0) return "the axis is not one of the input's dimensions";
    return check_same_size(h);
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

static void softmax(const struct host_call *h, const float *from, float *to) {
    size_t outer = 1, inner = 1, length = 1;
    int64_t axis = axis_of(h);
    bool flat = attribute(h, "flat") != 0; /* everything from the axis on is one dimension */
    for (int n = 0; n < h->in->rank; n++) {
        size_t *part = n < axis ? &outer : n == axis || flat ? &length : &inner;
        *part *= (size_t)h->in->dims[n];
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

/* Tensor of the n-th entry of a list of host values; −1: none. */
static int operand(const struct svpe_program *p, int first, int count, int n) {
    int64_t v = n < count ? p->host_lists[first + n] : -1;
    return v < 0 ? -1 : p->host_values[v].tensor;
}

static bool same_shape(const struct svpe_tensor *t, const struct svpe_host_value *v) {
    return t->rank == v->rank && memcmp(t->dims, v->dims, sizeof t->dims) == 0;
}

static struct host_call call_of(const struct svpe_program *p, int node) {
    const struct svpe_host_node *h = &p->host_nodes[node];
    return (struct host_call){p, h, &p->tensors[operand(p, h->in_first, h->in_count, 0)],
                              &p->tensors[operand(p, h->out_first, h->out_count, 0)]};
}

static bool check_node(struct ctx *c, const char *where, const struct svpe_program *p, int node) {
    const struct svpe_host_node *h = &p->host_nodes[node];
    const struct host_op *op = find(h->op);
    if (!op) {
        diag(c, rt_host_unknown, where, h->op, host_names + 1);
        return false;
    }
    if (h->in_count != op->in_count || h->out_count != op->out_count) {
        diag(c, rt_host_counts, where, h->op, h->in_count, h->out_count, op->in_count,
             op->out_count);
        return false;
    }
    const char *fault = "its input and its output are not both tensors";
    if (operand(p, h->in_first, h->in_count, 0) >= 0 &&
        operand(p, h->out_first, h->out_count, 0) >= 0) {
        struct host_call call = call_of(p, node);
        fault = call.out->region == SVPE_REGION_IN
                    ? "its output lies in region in, which only the caller writes"
                : !same_shape(call.in, &p->host_values[p->host_lists[h->in_first]])
                    ? "a value has another shape than its tensor"
                    : op->check(&call);
    }
    if (!fault) return true;
    diag(c, rt_host_tensor, where, h->op, fault);
    return false;
}

bool rt_check_host(struct ctx *c, const char *where, const struct rt_image *image, int segment) {
    const struct svpe_segment *s = &image->program->segments[segment];
    for (int n = 0; n < s->node_count; n++)
        if (!check_node(c, where, image->program, s->first_node + n)) return false;
    return true;
}

size_t rt_host_scratch(const struct rt_image *image) {
    const struct svpe_program *p = image->program;
    size_t most = 0;
    for (int n = 0; n < p->host_node_count; n++) {
        struct host_call call = call_of(p, n);
        size_t need = rt_tensor_elements(call.in) + rt_tensor_elements(call.out);
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
    const struct svpe_program *p = call->image->program;
    const struct svpe_segment *s = &p->segments[call->segment];
    for (int n = s->first_node; n < s->first_node + s->node_count; n++) {
        struct host_call h = call_of(p, n);
        struct rt_tensor_at in = rt_tensor_of(call->image, call->device, (int)(h.in - p->tensors));
        struct rt_tensor_at out =
            rt_tensor_of(call->image, call->device, (int)(h.out - p->tensors));
        float *from = call->scratch, *to = from + rt_tensor_elements(h.in);
        rt_read_floats(in, from);
        find(h.node->op)->compute(&h, from, to);
        rt_write_floats(out, to);
    }
}
