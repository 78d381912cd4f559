/* What the host runs, as the container holds it: nodes with their attributes, the values they read
 * and write, the contents of constants. isa/isa.h says what each member means.
 *
 * Attributes are written in the order of ops.def: numbers and texts with the defaults filled in,
 * lists that say what the default says left out, whose length goes with the rank. So the same node
 * gives the same records however its model spelled it. */
#include "backend/internal.h"

#include <string.h>

struct host_tables {
    struct be_lower *lo;
    struct svpe_program *program;
    int *of_value; /* by value id: index of its host value + 1 */
    struct writer data;
};

/* ---- Values ---------------------------------------------------------------------------------- */

int be_host_tensor_room(const struct be_plan *p) {
    int room = 0;
    for (int i = 0; i < p->host_count; i++) {
        const struct ir_node *n = p->hosts[i].node;
        room += n ? n->in_count + n->out_count : 2;
    }
    return room;
}

static int add_tensor(struct host_tables *t, struct svpe_tensor tensor) {
    struct svpe_program *p = t->program;
    p->tensors[p->tensor_count] = tensor;
    return p->tensor_count++;
}

static int add_value(struct host_tables *t, const struct ir_value *v, const char *name,
                     int tensor) {
    struct svpe_program *p = t->program;
    struct svpe_host_value *h = &p->host_values[p->host_value_count];
    *h = (struct svpe_host_value){
        .name = name, .dtype = ir_dtype_name(v->dtype), .rank = v->rank, .tensor = tensor};
    for (int i = 0; i < v->rank; i++) h->dims[i] = v->dims[i];
    return p->host_value_count++;
}

static void add_data(struct host_tables *t, struct svpe_host_value *h, const struct ir_value *v) {
    h->bytes = (uint64_t)ir_elements(v) * ir_dtype_size(v->dtype);
    if (!h->bytes) return;
    write_align(&t->data, 64);
    h->at = t->data.size;
    write_bytes(&t->data, v->data, (size_t)h->bytes);
}

static int value_read(struct host_tables *t, const struct ir_value *v) {
    const struct be_buffer *b = t->lo->plan->of_value[v->id];
    int *index = &t->of_value[v->id];
    if (*index) return *index - 1;
    *index = add_value(t, v, v->name, b ? add_tensor(t, be_tensor(b, v, false)) : -1) + 1;
    if (ir_is_const(v)) add_data(t, &t->program->host_values[*index - 1], v);
    return *index - 1;
}

static int value_made(struct host_tables *t, const struct ir_value *v) {
    const struct be_buffer *b = t->lo->plan->into[v->id];
    int tensor = b ? add_tensor(t, be_tensor(b, v, b->output)) : -1;
    return (t->of_value[v->id] = add_value(t, v, v->name, tensor) + 1) - 1;
}

/* ---- Nodes ----------------------------------------------------------------------------------- */

static int add_item(struct host_tables *t, int64_t v) {
    t->program->host_lists[t->program->host_list_count] = v;
    return t->program->host_list_count++;
}

static void add_ints(struct host_tables *t, struct svpe_host_attr *a, const int64_t *v, int count) {
    a->first = t->program->host_list_count;
    a->count = count;
    for (int i = 0; i < count; i++) add_item(t, v[i]);
}

static void add_attr(struct host_tables *t, const struct ir_node *n,
                     const struct ir_attr_info *info) {
    static const enum svpe_attr_kind kinds[] = {[IR_ATTR_INT] = SVPE_ATTR_INT,
                                                [IR_ATTR_FLOAT] = SVPE_ATTR_FLOAT,
                                                [IR_ATTR_STRING] = SVPE_ATTR_STRING,
                                                [IR_ATTR_INTS] = SVPE_ATTR_INTS};
    struct svpe_host_attr *a = &t->program->host_attrs[t->program->host_attr_count++];
    *a = (struct svpe_host_attr){.kind = kinds[info->kind], .s = ""};
    a->name = arena_strdup(t->lo->arena, info->name);
    int count;
    const int64_t *ints;
    switch (info->kind) {
    case IR_ATTR_INT:
        a->i = ir_attr_int(n, info->name);
        break;
    case IR_ATTR_FLOAT:
        a->f = ir_attr_float(n, info->name);
        break;
    case IR_ATTR_STRING:
        a->s = ir_attr_string(n, info->name);
        break;
    case IR_ATTR_INTS:
        ints = ir_attr_ints(n, info->name, &count);
        add_ints(t, a, ints, count);
        break;
    }
}

/* The list is the default's; of one that repeats a number, as strides and pads do, any length. */
static bool is_preset_list(const struct ir_node *n, const char *name) {
    const struct ir_node bare = {.op = n->op};
    int count, most;
    const int64_t *list = ir_attr_ints(n, name, &count);
    const int64_t *preset = ir_attr_ints(&bare, name, &most);
    bool repeats = true, equal = true;
    for (int i = 1; i < most; i++) repeats = repeats && preset[i] == preset[0];
    if (!preset || (!repeats && count != most)) return false;
    for (int i = 0; i < count; i++) equal = equal && list[i] == preset[repeats ? 0 : i];
    return equal;
}

/* The reason is for people: it stands in the layer table. */
static bool is_kept(const struct ir_node *n, const struct ir_attr_info *info) {
    bool given = ir_attr_find(n, info->name) != NULL;
    if (strcmp(info->name, "host") == 0) return false;
    if (info->kind == IR_ATTR_INTS) return given && !is_preset_list(n, info->name);
    return given || info->preset;
}

static void add_attrs(struct host_tables *t, const struct ir_node *n, struct svpe_host_node *h) {
    struct ir_attr_info info;
    h->attr_first = t->program->host_attr_count;
    for (int i = 0; ir_attr_schema(n->op, i, &info); i++)
        if (is_kept(n, &info)) add_attr(t, n, &info);
    h->attr_count = t->program->host_attr_count - h->attr_first;
}

static void fill_node(struct host_tables *t, const struct ir_node *n, struct svpe_host_node *h) {
    h->op = ir_op_info(n->op)->name;
    h->in_first = t->program->host_list_count;
    h->in_count = n->in_count;
    for (int i = 0; i < n->in_count; i++) add_item(t, n->in[i] ? value_read(t, n->in[i]) : -1);
    h->out_first = t->program->host_list_count;
    h->out_count = n->out_count;
    for (int i = 0; i < n->out_count; i++) add_item(t, n->out[i] ? value_made(t, n->out[i]) : -1);
    add_attrs(t, n, h);
}

/* Its result is another value than what it copies, which may have been rounded by then. */
static void fill_copy(struct host_tables *t, const struct be_host *from, struct svpe_host_node *h) {
    const struct be_buffer *b = from->to;
    h->op = ir_op_info(IR_OP_identity)->name;
    h->in_count = h->out_count = 1;
    h->in_first = add_item(t, value_read(t, from->from));
    int tensor = add_tensor(t, be_tensor(b, from->from, b->output));
    h->out_first = add_item(t, add_value(t, from->from, b->value->name, tensor));
    h->attr_first = t->program->host_attr_count;
}

/* ---- All of it ------------------------------------------------------------------------------- */

static void make_room(struct host_tables *t) {
    const struct be_plan *p = t->lo->plan;
    struct svpe_program *q = t->program;
    size_t values = (size_t)be_host_tensor_room(p), attrs = 0, items = values;
    for (int i = 0; i < p->host_count; i++) {
        struct ir_attr_info info;
        const struct ir_node *n = p->hosts[i].node;
        for (int k = 0; n && ir_attr_schema(n->op, k, &info); k++) {
            int count = 0;
            if (info.kind == IR_ATTR_INTS) ir_attr_ints(n, info.name, &count);
            items += (size_t)count;
            attrs++;
        }
    }
    q->host_nodes = arena_array(t->lo->arena, (size_t)p->host_count, sizeof *q->host_nodes);
    q->host_values = arena_array(t->lo->arena, values, sizeof *q->host_values);
    q->host_attrs = arena_array(t->lo->arena, attrs, sizeof *q->host_attrs);
    q->host_lists = arena_array(t->lo->arena, items, sizeof *q->host_lists);
    size_t ids = (size_t)p->graph->value_count;
    t->of_value = arena_array(t->lo->scratch, ids, sizeof *t->of_value);
    writer_init(&t->data, t->lo->arena);
}

void be_fill_hosts(struct be_lower *lo, struct svpe_program *program) {
    struct host_tables t = {.lo = lo, .program = program};
    make_room(&t);
    for (int i = 0; i < lo->plan->host_count; i++) {
        const struct be_host *from = &lo->plan->hosts[i];
        struct svpe_host_node *h = &program->host_nodes[program->host_node_count++];
        *h = (struct svpe_host_node){.name = from->name, .layer = from->index};
        if (from->node)
            fill_node(&t, from->node, h);
        else
            fill_copy(&t, from, h);
    }
    program->host_data = t.data.data;
    program->host_data_bytes = t.data.size;
}
