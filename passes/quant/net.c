/* The float network, run on calibration inputs: quick kernels for the operators where the time
 * goes, the oracle's own for every other one. Several threads may run one network, each with its
 * own buffers.
 */
#include "passes/quant/quant.h"

#include <math.h>
#include <string.h>

struct step {
    const struct ir_node *node;
    /* NULL: ir_eval_node() */
    void (*run)(struct quant_net_run *r, const struct step *s);
    struct quant_conv_kernel *conv;
};

struct quant_net {
    struct ir_graph *graph;
    struct step *steps;
    int count;
    size_t scratch; /* floats, of the neediest step */
};

struct quant_net_run {
    const struct quant_net *net;
    struct ir_graph graph; /* a copy that speaks to this run's ctx */
    struct ir_tensor *values;
    float *scratch;
};

static float *floats(struct quant_net_run *r, const struct ir_value *v) {
    return r->values[v->id].data;
}

static void run_conv(struct quant_net_run *r, const struct step *s) {
    const struct ir_node *n = s->node;
    quant_conv_kernel_run(s->conv, floats(r, n->in[0]), floats(r, n->out[0]), r->scratch);
}

static void run_view(struct quant_net_run *r, const struct step *s) {
    r->values[s->node->out[0]->id].data = r->values[s->node->in[0]->id].data;
}

static void clamp(float *y, int64_t count, float lo, float hi) {
    for (int64_t i = 0; i < count; i++) {
        float v = y[i] < lo ? lo : y[i];
        y[i] = v > hi ? hi : v;
    }
}

static void run_add(struct quant_net_run *r, const struct step *s) {
    const struct ir_node *n = s->node;
    const float *a = floats(r, n->in[0]), *b = floats(r, n->in[1]);
    float *y = floats(r, n->out[0]);
    int64_t count = ir_elements(n->out[0]);
    const char *act = ir_attr_string(n, "act");
    for (int64_t i = 0; i < count; i++) y[i] = a[i] + b[i];
    if (!strcmp(act, "relu")) clamp(y, count, 0, INFINITY);
    if (!strcmp(act, "clip"))
        clamp(y, count, (float)ir_attr_float(n, "act_min"), (float)ir_attr_float(n, "act_max"));
}

static void run_relu(struct quant_net_run *r, const struct step *s) {
    const struct ir_node *n = s->node;
    float *y = floats(r, n->out[0]);
    int64_t count = ir_elements(n->out[0]);
    memcpy(y, floats(r, n->in[0]), (size_t)count * sizeof *y);
    clamp(y, count, 0, INFINITY);
}

static float window_max(const float *x, int64_t pitch, const int64_t *y, const int64_t *c) {
    float most = -INFINITY;
    for (int64_t i = y[0]; i < y[1]; i++)
        for (int64_t k = c[0]; k < c[1]; k++)
            most = x[i * pitch + k] > most ? x[i * pitch + k] : most;
    return most;
}

/* Window i of an axis, cut to the input. */
static void cut(int64_t i, int64_t stride, int64_t pad, int64_t kernel, int64_t in, int64_t *to) {
    int64_t from = i * stride - pad;
    to[0] = from > 0 ? from : 0;
    to[1] = from + kernel < in ? from + kernel : in;
}

static void run_maxpool(struct quant_net_run *r, const struct step *s) {
    const struct ir_value *in = s->node->in[0], *out = s->node->out[0];
    const float *x = floats(r, in);
    float *y = floats(r, out);
    int count;
    const int64_t *kernel = ir_attr_ints(s->node, "kernel_shape", &count);
    const int64_t *stride = ir_attr_ints(s->node, "strides", &count);
    const int64_t *pad = ir_attr_ints(s->node, "pads", &count);
    for (int64_t c = 0; c < in->dims[0] * in->dims[1]; c++, x += in->dims[2] * in->dims[3])
        for (int64_t i = 0; i < out->dims[2]; i++)
            for (int64_t k = 0; k < out->dims[3]; k++) {
                int64_t rows[2], columns[2];
                cut(i, stride[0], pad[0], kernel[0], in->dims[2], rows);
                cut(k, stride[1], pad[1], kernel[1], in->dims[3], columns);
                *y++ = window_max(x, in->dims[3], rows, columns);
            }
}

static bool always(const struct ir_node *n) {
    return quant_is_activation(n->in[0]);
}

static const struct quick {
    enum ir_op op;
    bool (*takes)(const struct ir_node *n);
    void (*run)(struct quant_net_run *r, const struct step *s);
} quicks[] = {
    {IR_OP_conv, quant_convertible, run_conv},
    {IR_OP_add, quant_convertible, run_add},
    {IR_OP_relu, always, run_relu},
    {IR_OP_maxpool, quant_convertible, run_maxpool},
    {IR_OP_reshape, always, run_view},
    {IR_OP_flatten, always, run_view},
    {IR_OP_squeeze, always, run_view},
    {IR_OP_unsqueeze, always, run_view},
    {IR_OP_identity, always, run_view},
};

static struct step step_for(struct arena *a, const struct ir_node *n) {
    struct step s = {.node = n};
    for (size_t i = 0; i < sizeof quicks / sizeof *quicks; i++)
        if (quicks[i].op == n->op && quicks[i].takes(n)) s.run = quicks[i].run;
    if (s.run == run_conv) s.conv = quant_conv_kernel_new(a, n);
    return s;
}

struct quant_net *quant_net_new(struct ir_graph *g, struct arena *a) {
    struct quant_net *net = arena_alloc(a, sizeof *net);
    net->graph = g;
    for (const struct ir_node *n = g->first; n; n = n->next) net->count++;
    net->steps = arena_array(a, (size_t)net->count, sizeof *net->steps);
    struct step *s = net->steps;
    for (const struct ir_node *n = g->first; n; n = n->next, s++) {
        *s = step_for(a, n);
        size_t scratch = s->conv ? quant_conv_kernel_scratch(s->conv) : 0;
        net->scratch = scratch > net->scratch ? scratch : net->scratch;
    }
    return net;
}

static void make_outputs(struct quant_net_run *r, struct arena *a, const struct ir_node *n) {
    for (int i = 0; i < n->out_count; i++) {
        const struct ir_value *y = n->out[i];
        if (y)
            r->values[y->id].data = arena_array(a, (size_t)ir_elements(y), ir_dtype_size(y->dtype));
    }
}

struct quant_net_run *quant_net_run_new(const struct quant_net *net, struct ctx *c,
                                        struct arena *a) {
    struct quant_net_run *r = arena_alloc(a, sizeof *r);
    r->net = net;
    r->graph = *net->graph;
    r->graph.ctx = c;
    r->graph.arena = a;
    r->values = arena_array(a, (size_t)net->graph->value_count, sizeof *r->values);
    r->scratch = arena_array(a, net->scratch, sizeof *r->scratch);
    for (int i = 0; i < net->graph->value_count; i++) {
        const struct ir_value *v = net->graph->values[i];
        if (v && ir_is_const(v)) memcpy(&r->values[i].data, &v->data, sizeof v->data);
    }
    for (int i = 0; i < net->count; i++)
        if (net->steps[i].run != run_view) make_outputs(r, a, net->steps[i].node);
    return r;
}

bool quant_net_eval(struct quant_net_run *r, const float *const *in, ir_observe_fn *observe,
                    void *user) {
    const struct ir_graph *g = &r->graph;
    bool good = true;
    for (int i = 0; i < g->input_count; i++) {
        memcpy(&r->values[g->inputs[i]->id].data, &in[i], sizeof in[i]);
        observe(user, g->inputs[i], in[i]);
    }
    for (int i = 0; i < r->net->count && good; i++) {
        const struct step *s = &r->net->steps[i];
        if (s->run)
            s->run(r, s);
        else
            good = ir_eval_node(&r->graph, r->graph.arena, s->node, r->values);
        for (int k = 0; k < s->node->out_count && good; k++)
            if (s->node->out[k]) observe(user, s->node->out[k], floats(r, s->node->out[k]));
    }
    return good;
}
