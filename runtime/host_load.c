/* Host nodes of a program as nodes of base/ops, shown to be harmless: every operator is one that
 * there is, with the inputs, outputs and attributes it takes; every value has the type that follows
 * from the inputs, is made once and before its use, and has its place in memory. svpe_read() has
 * checked indices, ranges and texts. */
#include "runtime/runtime.h"

#include "base/place.h"

#include <string.h>

struct load {
    struct ctx *c;
    struct arena *a;
    const char *file;
    const struct svpe_program *p;
    struct rt_host *host;
    struct arena *scratch;
    int *made;             /* by value: the node that makes it, −1: none */
    struct placed *places; /* by value */
};

/* What a constant without elements points to. */
static const uint64_t nothing = 0;

/* ---- Values ---- */

__attribute__((format(printf, 3, 4))) static bool value_fault(const struct load *l, int n,
                                                              const char *format, ...) {
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *name = l->p->host_values[n].name;
    diag(l->c, rt_host_value, arena_printf(l->a, "%s: host value %d (\"%s\")", l->file, n, name),
         text);
    return false;
}

/* Elements times their size: an ir_value of a known shape that passed check_size(). */
static uint64_t bytes_of(const struct ir_value *v) {
    return (uint64_t)ir_elements(v) * ir_dtype_size(v->dtype);
}

static bool check_size(const struct load *l, int n) {
    const struct ir_value *v = &l->host->values[n];
    int64_t elements = ir_elements(v), most = (int64_t)(RT_MEMORY_LIMIT / ir_dtype_size(v->dtype));
    if (elements >= 0 && elements <= most) return true;
    return value_fault(l, n, "is %s; expected at most %llu bytes", ir_type_text(l->scratch, v),
                       (unsigned long long)RT_MEMORY_LIMIT);
}

static bool check_tensor(const struct load *l, int n) {
    const struct ir_value *v = &l->host->values[n];
    const struct svpe_tensor *t = &l->p->tensors[l->p->host_values[n].tensor];
    const char *type = t->layout == SVPE_LAYOUT_PLAIN ? t->dtype : ir_dtype_name(IR_F32);
    if (strcmp(type, ir_dtype_name(v->dtype)) != 0)
        return value_fault(l, n, "is %s; expected %s, as the tensor \"%s\" has",
                           ir_type_text(l->scratch, v), type, t->name);
    if ((uint64_t)ir_elements(v) == rt_tensor_elements(t)) return true;
    return value_fault(l, n, "is %s; expected the %zu elements of the tensor \"%s\"",
                       ir_type_text(l->scratch, v), rt_tensor_elements(t), t->name);
}

/* A constant that has no elements has no bytes either. */
static bool take_constant(struct load *l, int n) {
    const struct svpe_host_value *from = &l->p->host_values[n];
    struct ir_value *v = &l->host->values[n];
    bool empty = ir_elements(v) == 0 && from->tensor < 0 && l->made[n] < 0;
    if (from->bytes == 0 && !empty) return true;
    if (from->bytes != bytes_of(v))
        return value_fault(l, n, "is %s and has %llu bytes of data; expected %llu",
                           ir_type_text(l->scratch, v), (unsigned long long)from->bytes,
                           (unsigned long long)bytes_of(v));
    if (l->made[n] >= 0)
        return value_fault(l, n, "is a constant and made by node %d; expected one of them",
                           l->made[n]);
    v->data = from->bytes ? (const void *)(l->p->host_data + from->at) : &nothing;
    return true;
}

static bool take_value(struct load *l, int n) {
    const struct svpe_host_value *from = &l->p->host_values[n];
    struct ir_value *v = &l->host->values[n];
    *v = (struct ir_value){.id = n, .name = from->name, .rank = from->rank};
    v->dtype = ir_dtype_by_name(from->dtype);
    memcpy(v->dims, from->dims, sizeof v->dims);
    if (v->dtype == IR_DTYPE_COUNT)
        return value_fault(l, n, "has elements of type '%s', which there is not", from->dtype);
    return check_size(l, n) && (from->tensor < 0 || check_tensor(l, n)) && take_constant(l, n);
}

/* ---- Nodes ---- */

static const char *node_where(const struct load *l, int n) {
    const struct svpe_host_node *h = &l->p->host_nodes[n];
    return arena_printf(l->a, "%s: host node %d (\"%s\", %s)", l->file, n, h->name, h->op);
}

/* Which node makes a value; no other may. */
static bool note_outputs(struct load *l, int n) {
    const struct svpe_host_node *h = &l->p->host_nodes[n];
    for (int k = 0; k < h->out_count; k++) {
        int64_t v = l->p->host_lists[h->out_first + k];
        if (v < 0) {
            diag(l->c, rt_host_output, node_where(l, n), k);
            return false;
        }
        if (l->made[v] >= 0)
            return value_fault(l, (int)v, "is made by nodes %d and %d; expected one", l->made[v],
                               n);
        l->made[v] = n;
    }
    return true;
}

static struct ir_value **values_of(const struct load *l, int first, int count) {
    struct ir_value **list = arena_array(l->a, (size_t)count, sizeof *list);
    for (int k = 0; k < count; k++) {
        int64_t v = l->p->host_lists[first + k];
        list[k] = v < 0 ? NULL : &l->host->values[v];
    }
    return list;
}

/* The kinds of attributes are numbered as those of the IR. */
_Static_assert((int)SVPE_ATTR_INT == (int)IR_ATTR_INT &&
                   (int)SVPE_ATTR_FLOAT == (int)IR_ATTR_FLOAT &&
                   (int)SVPE_ATTR_STRING == (int)IR_ATTR_STRING &&
                   (int)SVPE_ATTR_INTS == (int)IR_ATTR_INTS,
               "kinds of attributes");

static struct ir_attr *attrs_of(const struct load *l, const struct svpe_host_node *h) {
    struct ir_attr *list = arena_array(l->a, (size_t)h->attr_count, sizeof *list);
    for (int k = 0; k < h->attr_count; k++) {
        const struct svpe_host_attr *from = &l->p->host_attrs[h->attr_first + k];
        list[k] = (struct ir_attr){.name = from->name,
                                   .kind = (enum ir_attr_kind)from->kind,
                                   .i = from->i,
                                   .f = from->f,
                                   .s = from->s,
                                   .ints = l->p->host_lists + from->first,
                                   .count = from->count};
    }
    return list;
}

static bool take_node(struct load *l, int n) {
    const struct svpe_host_node *h = &l->p->host_nodes[n];
    struct ir_node *to = &l->host->nodes[n];
    enum ir_op op = ir_op_by_name(h->op);
    if (op == IR_OP_COUNT || !ir_op_runs(op)) {
        diag(l->c, rt_host_unknown, node_where(l, n), h->op);
        return false;
    }
    *to = (struct ir_node){.op = op,
                           .name = h->name,
                           .file = l->file,
                           .in = values_of(l, h->in_first, h->in_count),
                           .in_count = h->in_count,
                           .out = values_of(l, h->out_first, h->out_count),
                           .out_count = h->out_count,
                           .attrs = attrs_of(l, h),
                           .attr_count = h->attr_count};
    for (int k = 0; k < to->out_count; k++) to->out[k]->producer = to;
    return ir_check_attrs(l->c, node_where(l, n), to);
}

/* Constants, what tensors hold, and what a node before has made. */
static bool check_inputs(struct load *l, int n) {
    const struct ir_node *node = &l->host->nodes[n];
    for (int k = 0; k < node->in_count; k++) {
        const struct ir_value *v = node->in[k];
        if (!v || ir_is_const(v) || (l->made[v->id] >= 0 && l->made[v->id] < n)) continue;
        if (l->made[v->id] < 0 && l->p->host_values[v->id].tensor >= 0) continue;
        diag(l->c, rt_host_use, node_where(l, n), k, v->name);
        return false;
    }
    return true;
}

/* Types that depend on data other than constants are no types to plan memory by. */
static bool check_types(struct load *l, int n) {
    const struct ir_node *node = &l->host->nodes[n];
    struct ir_type *types = arena_array(l->scratch, (size_t)node->out_count, sizeof *types);
    if (!ir_op_types(l->scratch, node, NULL, types)) return false;
    for (int k = 0; k < node->out_count; k++) {
        const struct ir_value *v = node->out[k];
        if (ir_type_is(v, &types[k])) continue;
        struct ir_value follows = {.dtype = types[k].dtype, .rank = types[k].rank};
        memcpy(follows.dims, types[k].dims, sizeof follows.dims);
        diag(l->c, rt_host_type, node_where(l, n), k, v->name, ir_type_text(l->scratch, v),
             ir_type_text(l->scratch, &follows));
        return false;
    }
    return true;
}

static bool check_places(struct load *l, int n) {
    const struct ir_node *node = &l->host->nodes[n];
    for (int k = 0; k < node->out_count; k++) {
        int tensor = l->p->host_values[node->out[k]->id].tensor;
        if (tensor < 0 || l->p->tensors[tensor].region != SVPE_REGION_IN) continue;
        return value_fault(l, node->out[k]->id,
                           "is made by node %d and lies in region in, which only the caller writes",
                           n);
    }
    return true;
}

/* ---- Memory ---- */

/* From the node that makes a value, or the first that reads it from its tensor, to the last that
 * reads it. */
static void use(struct load *l, const struct ir_value *v, int n) {
    struct placed *place = &l->places[v->id];
    if (ir_is_const(v)) return;
    if (place->bytes == 0) {
        *place = (struct placed){n, n, bytes_of(v), 0};
        if (place->bytes == 0) place->bytes = 1; /* known, and somewhere */
        l->host->read_at[v->id] = l->made[v->id] < 0 ? n : -1;
    }
    place->last = n;
}

static void place_values(struct load *l) {
    struct rt_host *h = l->host;
    for (int n = 0; n < h->node_count; n++) {
        const struct ir_node *node = &h->nodes[n];
        for (int k = 0; k < node->in_count; k++)
            if (node->in[k]) use(l, node->in[k], n);
        for (int k = 0; k < node->out_count; k++) use(l, node->out[k], n);
    }
    h->room = place_all(l->c, l->places, h->value_count);
    for (int n = 0; n < h->value_count; n++) h->at[n] = l->places[n].at;
}

/* ---- The whole ---- */

static bool take_all(struct load *l) {
    int nodes = l->host->node_count, values = l->host->value_count;
    for (int n = 0; n < values; n++) l->made[n] = -1;
    for (int n = 0; n < nodes; n++)
        if (!note_outputs(l, n)) return false;
    for (int n = 0; n < values; n++)
        if (!take_value(l, n)) return false;
    for (int n = 0; n < nodes; n++)
        if (!take_node(l, n) || !check_inputs(l, n) || !check_types(l, n) || !check_places(l, n))
            return false;
    place_values(l);
    return true;
}

struct rt_host *rt_host_load(struct ctx *c, struct arena *a, const char *file,
                             const struct svpe_program *p) {
    struct rt_host *h = arena_alloc(a, sizeof *h);
    struct load l = {.c = c, .a = a, .file = file, .p = p, .host = h, .scratch = arena_new(c)};
    size_t values = (size_t)p->host_value_count;
    h->node_count = p->host_node_count;
    h->value_count = p->host_value_count;
    h->nodes = arena_array(a, (size_t)p->host_node_count, sizeof *h->nodes);
    h->values = arena_array(a, values, sizeof *h->values);
    h->at = arena_array(a, values, sizeof *h->at);
    h->read_at = arena_array(a, values, sizeof *h->read_at);
    l.made = arena_array(l.scratch, values, sizeof *l.made);
    l.places = arena_array(l.scratch, values, sizeof *l.places);
    bool good = take_all(&l);
    arena_free(l.scratch);
    return good ? h : NULL;
}
