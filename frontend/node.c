/* One node: operator, inputs, outputs; attribute.c does the attributes, hook_*.c what is
 * special. */
#include "frontend/import.h"

#include <onnx/onnx.pb-c.h>

#include "frontend/diag.h"

#include <string.h>

enum { NEAR_MAX = 20 };

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

static const struct {
    enum ir_op op;
    const char *domain, *name;
} foreign[] = {
#define FE_FOREIGN(op, domain, name) {IR_OP_##op, domain, name},
#include "frontend/import.def"
};
enum { FOREIGN = sizeof foreign / sizeof *foreign };

bool fe_foreign(enum ir_op op, int index, const char **domain, const char **name) {
    for (int i = 0; i < FOREIGN; i++) {
        if (foreign[i].op != op || index-- > 0) continue;
        *domain = foreign[i].domain;
        *name = foreign[i].name;
        return true;
    }
    return false;
}

static bool is_standard(const Onnx__NodeProto *p) {
    return !p->domain || !p->domain[0] || !strcmp(p->domain, "ai.onnx");
}

enum ir_op fe_find_op(const struct fe_item *n) {
    const char *op = op_type(n->proto), *domain = n->proto->domain;
    if (is_standard(n->proto)) return *op ? ir_op_by_onnx(op) : IR_OP_COUNT;
    for (int i = 0; i < FOREIGN; i++)
        if (!strcmp(foreign[i].domain, domain) && !strcmp(foreign[i].name, op))
            return foreign[i].op;
    return IR_OP_COUNT;
}

/* IR_OP_COUNT after saying why the operator is none of ours. */
static enum ir_op find_op(struct fe_state *s, const struct fe_item *n, const char *where) {
    enum ir_op op = fe_find_op(n);
    if (op == IR_OP_COUNT) {
        fe_refuse(s, n->proto, where);
        return op;
    }
    const struct ir_op_info *info = ir_op_info(op);
    if (!is_standard(n->proto) || s->opset >= info->since_min) return op;
    diag(s->c, fe_op_since, where, info->since_min, (long long)s->opset);
    return IR_OP_COUNT;
}

static void say_undefined(const struct fe_node *n, size_t index, const char *name) {
    struct fe_state *s = n->s;
    /* Not looked for again and again in a model where nothing fits. */
    const char *near = s->c->errors < NEAR_MAX ? fe_names_near(&s->names, name, s->arena) : NULL;
    if (near)
        diag(s->c, fe_undefined_near, n->where, (int)index + 1, name, near);
    else
        diag(s->c, fe_undefined, n->where, (int)index + 1, name);
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
        if (!e || !e->maker) say_undefined(n, i, p->input[i]);
        n->in[i] = e ? e->value : NULL;
        if (!n->in[i]) n->blind = true;
        n->in_count = (int)i + 1;
    }
}

/* Outputs at the end that nothing uses do not exist. */
static void take_outputs(struct fe_node *n, size_t index) {
    const Onnx__NodeProto *p = n->proto;
    n->out = arena_array(n->s->arena, p->n_output, sizeof *n->out);
    for (size_t i = 0; i < p->n_output; i++) {
        const struct fe_entry *e =
            p->output[i][0] ? fe_names_find(&n->s->names, p->output[i]) : NULL;
        if (e && (e->node != (int)index || e->index != (int)i)) fe_say_duplicate(n->s, n->where, e);
        n->out[i] = e && e->cut ? "" : p->output[i];
        if (i == 0 || (e && e->uses && e->wanted)) n->out_count = (int)i + 1;
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
    const struct fe_item *item = &s->nodes[index];
    const Onnx__NodeProto *p = item->proto;
    struct fe_node n = {.s = s, .proto = p, .name = fe_node_name(s, p), .op = IR_OP_COUNT};
    int errors = s->c->errors;
    s->opset = item->opset;
    n.where = fe_node_where(s, p);
    if (item->cycle) diag(s->c, fe_cycle, n.where, item->cycle);
    if (item->call)
        fe_say_call(s, item, n.where);
    else
        n.op = find_op(s, item, n.where);
    if (n.op == IR_OP_COUNT || s->c->errors > errors) return;
    take_inputs(&n);
    take_outputs(&n, index);
    fe_attributes(&n);
    if (hooks[n.op] && !n.unreadable) hooks[n.op](&n);
    if (n.done || s->c->errors > errors) return;
    if (check_arity(&n) && !n.blind) make_node(&n);
}
