/* One node: operator, inputs, outputs; attribute.c does the attributes, hook_*.c what is
 * special. */
#include "frontend/import.h"

#include <onnx/onnx.pb-c.h>

#include "frontend/diag.h"

#include <string.h>
#include <strings.h>

static fe_hook *const hooks[IR_OP_COUNT] = {
#define FE_HOOK(op, function) [IR_OP_##op] = function,
#include "frontend/import.def"
};

const char *fe_node_name(struct fe_state *s, const Onnx__NodeProto *p) {
    (void)s;
    if (p->name && p->name[0]) return p->name;
    for (size_t i = 0; i < p->n_output; i++)
        if (p->output[i][0]) return p->output[i];
    return "";
}

static const char *op_type(const Onnx__NodeProto *p) {
    return p->op_type ? p->op_type : "";
}

const char *fe_node_where(struct fe_state *s, const Onnx__NodeProto *p) {
    return arena_printf(s->arena, "%s: node \"%s\" (%s)", s->file, fe_node_name(s, p), op_type(p));
}

/* All names of the model are known by now, so that one not among them stays free. */
const char *fe_fresh_name(struct fe_state *s, const char *wanted) {
    const char *name = wanted;
    while (fe_names_find(&s->names, name))
        name = arena_printf(s->arena, "%s_%d", wanted, ++s->fresh);
    fe_names_add(&s->names, name)->maker = "the importer";
    return name;
}

struct ir_value *fe_const_ints(struct fe_state *s, const char *name, int rank, const int64_t *v,
                               int count) {
    int64_t dims[1] = {count};
    return ir_const_new(s->g, fe_fresh_name(s, name), IR_I64, rank, dims,
                        arena_copy(s->g->arena, v, (size_t)count * sizeof *v));
}

struct ir_value *fe_const_floats(struct fe_state *s, const char *name, int rank, const float *v,
                                 int count) {
    int64_t dims[1] = {count};
    return ir_const_new(s->g, fe_fresh_name(s, name), IR_F32, rank, dims,
                        arena_copy(s->g->arena, v, (size_t)count * sizeof *v));
}

static bool is_function(const struct fe_state *s, const Onnx__NodeProto *p) {
    for (size_t i = 0; i < s->model->n_functions; i++) {
        const Onnx__FunctionProto *f = s->model->functions[i];
        const char *domain = f->domain ? f->domain : "", *wanted = p->domain ? p->domain : "";
        if (f->name && !strcmp(f->name, op_type(p)) && !strcmp(domain, wanted)) return true;
    }
    return false;
}

static bool standard_domain(const Onnx__NodeProto *p) {
    return !p->domain || !p->domain[0] || !strcmp(p->domain, "ai.onnx");
}

/* One of ours in other letter case. A name that is only near may be that of another operator, which
 * computes something else. */
static const char *respelled(const char *op) {
    for (int i = 0; i < IR_OP_COUNT; i++)
        if (*op && !strcasecmp(ir_op_info((enum ir_op)i)->onnx, op))
            return ir_op_info((enum ir_op)i)->onnx;
    return NULL;
}

/* Each operator is named for its first nodes, then counted: a network has hundreds of some. */
static void say_unknown_op(struct fe_state *s, const Onnx__NodeProto *p, const char *where) {
    if (fe_names_add(&s->unknown_ops, op_type(p))->uses++ >= FE_SAY_EACH) return;
    const char *near = respelled(op_type(p)), *domain = p->domain ? p->domain : "";
    if (is_function(s, p))
        diag(s->c, fe_function, where, op_type(p), domain);
    else if (near && strcmp(near, op_type(p)) != 0)
        diag(s->c, fe_unknown_op_near, where, op_type(p), domain, (long long)s->opset, near);
    else
        diag(s->c, fe_unknown_op, where, op_type(p), domain, (long long)s->opset);
}

void fe_say_more_unknown(struct fe_state *s) {
    for (size_t i = 0; i < s->model->graph->n_node; i++) {
        const char *op = op_type(s->model->graph->node[i]);
        struct fe_entry *e = fe_names_find(&s->unknown_ops, op);
        if (e && e->uses > FE_SAY_EACH)
            diag(s->c, fe_more_unknown, s->file, op, e->uses - FE_SAY_EACH);
        if (e) e->uses = 0;
    }
}

/* IR_OP_COUNT after saying why the operator is none of ours. */
static enum ir_op find_op(struct fe_state *s, const Onnx__NodeProto *p, const char *where) {
    enum ir_op op = op_type(p)[0] && standard_domain(p) ? ir_op_by_onnx(op_type(p)) : IR_OP_COUNT;
    if (op == IR_OP_COUNT) {
        say_unknown_op(s, p, where);
        return op;
    }
    const struct ir_op_info *info = ir_op_info(op);
    if (s->opset >= info->since_min) return op;
    diag(s->c, fe_op_since, where, info->since_min, (long long)s->opset);
    return IR_OP_COUNT;
}

/* Room for the inputs that hooks and attributes may add. */
static void take_inputs(struct fe_node *n) {
    enum { SPARE = 8 };
    const Onnx__NodeProto *p = n->proto;
    n->in_room = (int)p->n_input + SPARE;
    n->in = arena_array(n->s->arena, (size_t)n->in_room, sizeof(struct ir_value *));
    for (size_t i = 0; i < p->n_input; i++) {
        if (!p->input[i][0]) continue;
        const struct fe_entry *e = fe_names_find(&n->s->names, p->input[i]);
        n->in[i] = e ? e->value : NULL;
        if (!n->in[i]) n->blind = true;
        n->in_count = (int)i + 1;
    }
}

/* Outputs at the end that nothing uses do not exist. */
static void take_outputs(struct fe_node *n) {
    const Onnx__NodeProto *p = n->proto;
    n->out = arena_array(n->s->arena, p->n_output, sizeof *n->out);
    for (size_t i = 0; i < p->n_output; i++) {
        n->out[i] = p->output[i];
        const struct fe_entry *e = fe_names_find(&n->s->names, p->output[i]);
        if (i == 0 || (e && e->uses)) n->out_count = (int)i + 1;
    }
}

static const char *range_text(struct arena *a, int min, int max) {
    if (max < 0) return arena_printf(a, "%d or more", min);
    return min == max ? arena_printf(a, "%d", min) : arena_printf(a, "%d to %d", min, max);
}

static bool check_arity(const struct fe_node *n) {
    const struct ir_op_info *info = ir_op_info(n->op);
    struct arena *a = n->s->arena;
    int errors = n->s->c->errors;
    if (n->in_count < info->min_in || (info->max_in >= 0 && n->in_count > info->max_in))
        diag(n->s->c, fe_inputs, n->where, n->in_count, range_text(a, info->min_in, info->max_in));
    else
        for (int i = 0; i < info->min_in && !n->blind; i++)
            if (!n->in[i]) diag(n->s->c, fe_input_missing, n->where, i + 1);
    if (n->out_count < info->min_out || (info->max_out >= 0 && n->out_count > info->max_out))
        diag(n->s->c, fe_outputs, n->where, n->out_count,
             range_text(a, info->min_out, info->max_out));
    return n->s->c->errors == errors;
}

static void say_subgraphs(const struct fe_node *n) {
    for (size_t i = 0; i < n->proto->n_attribute; i++) {
        const Onnx__AttributeProto *a = n->proto->attribute[i];
        if (a->g || a->n_graphs) diag(n->s->c, fe_subgraph, n->where, a->name ? a->name : "");
    }
}

static void make_node(struct fe_node *n) {
    struct ir_graph *g = n->s->g;
    struct ir_value **out =
        arena_array(n->s->arena, (size_t)n->out_count, sizeof(struct ir_value *));
    for (int i = 0; i < n->out_count; i++) {
        const char *name = n->out[i][0] ? n->out[i] : fe_fresh_name(n->s, n->name);
        out[i] = ir_value_new(g, name, IR_F32, -1, NULL);
    }
    struct ir_node *node =
        ir_node_new(g, NULL, n->op, n->name, n->in, n->in_count, out, n->out_count);
    node->attrs = n->attrs;
    node->attr_count = n->attr_count;
    if (!ir_infer_node(g, node)) return;
    for (int i = 0; i < n->out_count; i++)
        if (n->out[i][0]) fe_names_find(&n->s->names, n->out[i])->value = out[i];
}

void fe_node_import(struct fe_state *s, size_t index) {
    const Onnx__NodeProto *p = s->model->graph->node[index];
    struct fe_node n = {.s = s, .proto = p, .name = fe_node_name(s, p)};
    n.where = fe_node_where(s, p);
    int errors = s->c->errors;
    n.op = find_op(s, p, n.where);
    say_subgraphs(&n);
    if (n.op == IR_OP_COUNT || s->c->errors > errors) return;
    take_inputs(&n);
    take_outputs(&n);
    fe_attributes(&n);
    if (hooks[n.op] && !n.unreadable) hooks[n.op](&n);
    if (n.done || s->c->errors > errors) return;
    if (check_arity(&n) && !n.blind) make_node(&n);
}
