/* The functions of a model (FunctionProto), and operators that expand.c spells out: every call
 * becomes the function's nodes, with the names of the call's inputs and outputs, fresh names for
 * what lies between, and the call's attributes where nodes refer to them. Source: onnx.proto,
 * FunctionProto (IR version 8 on; defaults of attributes 9, overloads 10: fields newer than the
 * definitions this may be built with). In the same way an If becomes the nodes of the branch that
 * its condition takes, where that follows from constants and shapes: branch.c. */
#include "frontend/import.h"

#include <onnx/onnx.pb-c.h>

#include "frontend/diag.h"

#include <string.h>

enum { NODE_OVERLOAD = 8, FUNCTION_OVERLOAD = 13 }; /* numbers of fields */

static const size_t bytes_max = (size_t)32 << 20; /* of all copies */

struct function {
    const Onnx__FunctionProto *proto;
    int64_t opset;
    Onnx__AttributeProto **defaults;
    size_t default_count;
};

struct fe_inliner {
    struct fe_state *s;
    struct function *functions;
    struct fe_names by_key, taken; /* index: of functions; taken: names of the whole model */
    size_t room, bytes;
    int fresh;
    size_t branches; /* Ifs met so far */
    bool full, deep; /* the call of the graph that is being inlined cannot be */
};

/* One call, or one branch of an If, being inlined. */
struct call {
    const Onnx__NodeProto *proto;
    const struct function *f; /* NULL: a branch, */
    struct call *scope;       /* which reads the names of this one; NULL: those of the graph */
    struct fe_names names;    /* of the function or the branch; maker: what stands for them */
};

static const char *domain_of(const char *domain) {
    return !domain || !strcmp(domain, "ai.onnx") ? "" : domain;
}

/* A text in a field that the definitions may not know; "" where there is none. */
static const char *newer_text(struct arena *a, const ProtobufCMessage *m, uint32_t number) {
    const ProtobufCFieldDescriptor *d =
        protobuf_c_message_descriptor_get_field(m->descriptor, number);
    if (d) {
        const char *known;
        memcpy(&known, (const uint8_t *)m + d->offset, sizeof known);
        return known ? known : "";
    }
    for (unsigned i = 0; i < m->n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *f = &m->unknown_fields[i];
        if (f->tag != number || f->wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) continue;
        size_t at = 0;
        while (at < f->len && f->data[at] & 0x80) at++; /* the length, checked by wire.c */
        if (at < f->len) return arena_strndup(a, (const char *)f->data + at + 1, f->len - at - 1);
    }
    return "";
}

/* Domain, name and overload together, so that no two are taken for each other. */
#define KEY_FORMAT "%zu %zu %s %s %s"
enum { KEY_MAX = 1024 }; /* a function of a longer name is called by nobody */

static int64_t opset_of(const struct fe_state *s, const Onnx__FunctionProto *f) {
    for (size_t i = 0; i < f->n_opset_import; i++) {
        const Onnx__OperatorSetIdProto *o = f->opset_import[i];
        if (!domain_of(o->domain)[0] && o->version > 0 && o->version <= FE_OPSET_MAX)
            return o->version;
    }
    return s->model_opset;
}

static void list_functions(struct fe_inliner *in) {
    const struct fe_state *s = in->s;
    const Onnx__ModelProto *m = s->model;
    in->functions = arena_array(s->arena, m->n_functions, sizeof *in->functions);
    for (size_t i = 0; i < m->n_functions; i++) {
        const Onnx__FunctionProto *f = m->functions[i];
        struct function *to = &in->functions[i];
        const char *overload = newer_text(s->arena, &f->base, FUNCTION_OVERLOAD);
        const char *domain = domain_of(f->domain), *name = f->name ? f->name : "";
        const char *key = arena_printf(s->arena, KEY_FORMAT, strlen(domain), strlen(name), domain,
                                       name, overload);
        *to = (struct function){.proto = f, .opset = opset_of(s, f)};
        to->defaults = fe_unpack_defaults(s->c, s->arena, s->file, f, &to->default_count);
        struct fe_entry *e = fe_names_add(&in->by_key, key);
        if (!e->uses++) e->index = (int)i;
    }
}

static const struct function *find_function(struct fe_inliner *in, const Onnx__NodeProto *p) {
    if (!in->s->model->n_functions) return NULL;
    const char *domain = domain_of(p->domain), *op = p->op_type ? p->op_type : "";
    const char *overload = newer_text(in->s->arena, &p->base, NODE_OVERLOAD);
    char key[KEY_MAX];
    int n = snprintf(key, sizeof key, KEY_FORMAT, strlen(domain), strlen(op), domain, op, overload);
    const struct fe_entry *e = n < KEY_MAX ? fe_names_find(&in->by_key, key) : NULL;
    return e ? &in->functions[e->index] : NULL;
}

static struct fe_item *add_item(struct fe_inliner *in, const Onnx__NodeProto *p, int64_t opset) {
    struct fe_state *s = in->s;
    if (s->node_count == in->room) {
        s->nodes = arena_grow(s->arena, s->nodes, in->room, in->room * 2 + 16, sizeof *s->nodes);
        in->room = in->room * 2 + 16;
    }
    s->nodes[s->node_count] = (struct fe_item){.proto = p, .opset = opset};
    return &s->nodes[s->node_count++];
}

/* Memory of copies; NULL: they are too large. */
static void *copy_room(struct fe_inliner *in, size_t size) {
    if (in->full) return NULL;
    in->bytes += size;
    if (in->bytes <= bytes_max && in->s->node_count < FE_NODES_MAX)
        return arena_alloc(in->s->arena, size);
    in->full = true;
    return NULL;
}

static const char *fresh(struct fe_inliner *in, const Onnx__NodeProto *call, const char *inner) {
    const char *prefix = fe_node_name(in->s, call);
    size_t size = strlen(prefix) + strlen(inner) + 16;
    char *name = copy_room(in, size);
    if (!name) return "";
    snprintf(name, size, "%s/%s", prefix, inner);
    while (fe_names_find(&in->taken, name))
        snprintf(name, size, "%s/%s_%d", prefix, inner, ++in->fresh);
    fe_names_add(&in->taken, name);
    return name;
}

/* What a name of the function is called outside; a new one on first sight. What a branch makes is
 * bound already; what it only reads is of where it stands. */
static char *outer(struct fe_inliner *in, struct call *k, const char *inner) {
    if (!inner[0]) return (char *)"";
    for (; k && !k->f; k = k->scope) {
        const struct fe_entry *e = fe_names_find(&k->names, inner);
        if (e && e->maker) return (char *)e->maker;
    }
    if (!k) return (char *)inner;
    struct fe_entry *e = fe_names_add(&k->names, inner);
    if (!e->maker) e->maker = fresh(in, k->proto, inner);
    return (char *)e->maker; /* protobuf-c's lists are of char *, which nobody writes to */
}

static const Onnx__AttributeProto *named(Onnx__AttributeProto *const *list, size_t count,
                                         const char *name) {
    for (size_t i = 0; i < count; i++)
        if (list[i]->name && !strcmp(list[i]->name, name)) return list[i];
    return NULL;
}

/* The attribute as the call gives it; NULL: the call leaves it out, and it has no default. */
static Onnx__AttributeProto *resolved(struct fe_inliner *in, const struct call *k,
                                      Onnx__AttributeProto *a) {
    if (!a->ref_attr_name || !a->ref_attr_name[0]) return a;
    while (k && !k->f) k = k->scope;
    if (!k) return a;
    const Onnx__AttributeProto *given =
        named(k->proto->attribute, k->proto->n_attribute, a->ref_attr_name);
    if (!given) given = named(k->f->defaults, k->f->default_count, a->ref_attr_name);
    Onnx__AttributeProto *copy = given ? copy_room(in, sizeof *copy) : NULL;
    if (!copy) return NULL;
    *copy = *given;
    copy->name = a->name;
    return copy;
}

static char **outer_list(struct fe_inliner *in, struct call *k, char *const *names, size_t count) {
    char **to = copy_room(in, count * sizeof *to);
    for (size_t i = 0; to && i < count; i++) to[i] = outer(in, k, names[i]);
    return to;
}

/* A node of the function as it stands in the graph; NULL: no room. */
static Onnx__NodeProto *copy_node(struct fe_inliner *in, struct call *k, const Onnx__NodeProto *p) {
    Onnx__NodeProto *to = copy_room(in, sizeof *to);
    if (!to) return NULL;
    *to = *p;
    to->name = (char *)fresh(in, k->proto, fe_node_name(in->s, p));
    to->input = outer_list(in, k, p->input, p->n_input);
    to->output = outer_list(in, k, p->output, p->n_output);
    to->attribute = copy_room(in, p->n_attribute * sizeof *to->attribute);
    to->n_attribute = 0;
    for (size_t i = 0; to->attribute && i < p->n_attribute; i++) {
        Onnx__AttributeProto *a = resolved(in, k, p->attribute[i]);
        if (a) to->attribute[to->n_attribute++] = a;
    }
    return in->full ? NULL : to;
}

/* An output of the function that is an input of it. */
static void add_identity(struct fe_inliner *in, const char *from, char *to) {
    Onnx__NodeProto *p = copy_room(in, sizeof *p);
    char **names = copy_room(in, 2 * sizeof *names);
    if (!names) return;
    onnx__node_proto__init(p);
    p->op_type = (char *)"Identity";
    names[0] = (char *)from;
    names[1] = to;
    p->input = &names[0];
    p->output = &names[1];
    p->n_input = p->n_output = 1;
    add_item(in, p, in->s->model_opset);
}

static void bind(struct fe_inliner *in, struct call *k) {
    const Onnx__FunctionProto *f = k->f->proto;
    const Onnx__NodeProto *p = k->proto;
    for (size_t i = 0; i < f->n_input; i++)
        fe_names_add(&k->names, f->input[i])->maker = i < p->n_input ? p->input[i] : "";
    for (size_t i = 0; i < f->n_output && i < p->n_output; i++) {
        struct fe_entry *e = fe_names_add(&k->names, f->output[i]);
        if (!p->output[i][0]) continue;
        if (e->maker)
            add_identity(in, e->maker, p->output[i]);
        else
            e->maker = p->output[i];
    }
}

/* --- branches --- */

/* An initializer of a branch is a node of the graph: a Constant. */
static void add_constant(struct fe_inliner *in, Onnx__TensorProto *t, char *name) {
    struct {
        Onnx__NodeProto node;
        Onnx__AttributeProto attr, *attrs[1];
        char *outputs[1];
    } *m = copy_room(in, sizeof *m);
    if (!m) return;
    onnx__node_proto__init(&m->node);
    onnx__attribute_proto__init(&m->attr);
    m->attr.name = (char *)"value";
    m->attr.has_type = 1;
    m->attr.type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR;
    m->attr.t = t;
    m->attrs[0] = &m->attr;
    m->outputs[0] = name;
    m->node.op_type = (char *)"Constant";
    m->node.name = name;
    m->node.attribute = m->attrs;
    m->node.output = m->outputs;
    m->node.n_attribute = m->node.n_output = 1;
    add_item(in, &m->node, FE_OPSET_MAX);
}

/* A name that the branch makes: that of the If's output, or a fresh one. */
static void bind_made(struct fe_inliner *in, struct call *k, const char *inner) {
    if (!inner || !inner[0]) return;
    struct fe_entry *e = fe_names_add(&k->names, inner);
    if (!e->maker) e->maker = e->uses ? k->proto->output[e->index] : fresh(in, k->proto, inner);
}

static void bind_branch(struct fe_inliner *in, struct call *k, const Onnx__GraphProto *g) {
    const Onnx__NodeProto *p = k->proto;
    for (size_t i = 0; i < p->n_output; i++) {
        struct fe_entry *e = fe_names_add(&k->names, g->output[i]->name);
        if (p->output[i][0] && !e->uses++) e->index = (int)i;
    }
    for (size_t i = 0; i < g->n_initializer; i++) {
        bind_made(in, k, g->initializer[i]->name);
        char *name = g->initializer[i]->name;
        if (name && name[0]) add_constant(in, g->initializer[i], outer(in, k, name));
    }
    for (size_t i = 0; i < g->n_node; i++)
        for (size_t o = 0; o < g->node[i]->n_output; o++) bind_made(in, k, g->node[i]->output[o]);
    for (size_t i = 0; i < p->n_output; i++) {
        const char *from = outer(in, k, g->output[i]->name);
        if (p->output[i][0] && strcmp(from, p->output[i]) != 0)
            add_identity(in, from, p->output[i]);
    }
}

/* NULL: the node is no If, or not one that can be decided. */
static const Onnx__GraphProto *branch_of(struct fe_inliner *in, const Onnx__NodeProto *p) {
    if (!p->op_type || strcmp(p->op_type, "If") != 0 || domain_of(p->domain)[0]) return NULL;
    return fe_branch(in->s, p, in->branches++);
}

/* --- what expand.c makes nodes with --- */

static Onnx__AttributeProto *new_attr(struct fe_expand *x, const char *name) {
    Onnx__AttributeProto *a = copy_room(x->in, sizeof *a);
    if (!a) return NULL;
    onnx__attribute_proto__init(a);
    a->name = (char *)name;
    a->has_type = 1;
    return a;
}

Onnx__AttributeProto *fe_expand_int(struct fe_expand *x, const char *name, int64_t v) {
    Onnx__AttributeProto *a = new_attr(x, name);
    if (!a) return NULL;
    a->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
    a->has_i = 1;
    a->i = v;
    return a;
}

const char *fe_expand_one(struct fe_expand *x) {
    Onnx__AttributeProto *a = new_attr(x, "value_float");
    if (!a) return "";
    a->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT;
    a->has_f = 1;
    a->f = 1;
    return fe_expand_node(x, "Constant", NULL, NULL, 0, &a, 1);
}

const char *fe_expand_node(struct fe_expand *x, const char *op, const char *to,
                           const char *const *from, size_t count,
                           Onnx__AttributeProto *const *attrs, size_t attr_count) {
    struct fe_inliner *in = x->in;
    Onnx__NodeProto *p = copy_room(in, sizeof *p);
    char **names = copy_room(in, (count + 1) * sizeof *names);
    Onnx__AttributeProto **list = copy_room(in, attr_count * sizeof(Onnx__AttributeProto *));
    if (!to) to = fresh(in, x->proto, op);
    if (in->full) return "";
    onnx__node_proto__init(p);
    for (size_t i = 0; i < count; i++) names[i] = (char *)from[i];
    names[count] = (char *)to;
    for (size_t i = 0; i < attr_count; i++) list[i] = attrs[i];
    p->op_type = (char *)op;
    p->name = (char *)fe_node_name(in->s, x->proto);
    p->input = names;
    p->n_input = count;
    p->output = &names[count];
    p->n_output = 1;
    p->attribute = list;
    p->n_attribute = attr_count;
    add_item(in, p, x->opset);
    return to;
}

static void expand_or_add(struct fe_inliner *in, const Onnx__NodeProto *p, int64_t opset) {
    enum { LEAST_OPSET = 13 }; /* of what the nodes are written in */
    fe_expander *expand = fe_find_expander(p);
    size_t count = in->s->node_count;
    struct fe_expand x = {in, p, opset < LEAST_OPSET ? LEAST_OPSET : opset};
    if (expand && expand(&x) && !in->full) return;
    in->s->node_count = count;
    add_item(in, p, opset);
}

static bool arity_fits(const Onnx__NodeProto *p, const Onnx__FunctionProto *f) {
    return p->n_input <= f->n_input && p->n_output <= f->n_output;
}

void fe_say_call(struct fe_state *s, const struct fe_item *n, const char *where) {
    const Onnx__NodeProto *p = n->proto;
    const Onnx__FunctionProto *f = n->call;
    if (n->fault == FE_CALL_DEPTH)
        diag(s->c, fe_call_depth, where, FE_CALL_DEPTH_MAX);
    else if (n->fault == FE_CALL_SIZE)
        diag(s->c, fe_call_size, where, FE_NODES_MAX, bytes_max);
    else
        diag(s->c, fe_call_arity, where, p->n_input, p->n_output, f->n_input, f->n_output);
}

/* Where a node stands. */
struct place {
    int64_t opset;
    int depth;
    struct call *scope;
};

static void add_node(struct fe_inliner *in, const Onnx__NodeProto *p, struct place at);

/* NOLINTNEXTLINE(misc-no-recursion): no deeper than FE_CALL_DEPTH_MAX */
static void add_nodes(struct fe_inliner *in, struct call *k, Onnx__NodeProto *const *nodes,
                      size_t count, struct place at) {
    for (size_t i = 0; i < count && !in->full && !in->deep; i++) {
        const Onnx__NodeProto *inner = copy_node(in, k, nodes[i]);
        if (inner) add_node(in, inner, at);
    }
}

/* NOLINTNEXTLINE(misc-no-recursion): no deeper than FE_CALL_DEPTH_MAX */
static void add_node(struct fe_inliner *in, const Onnx__NodeProto *p, struct place at) {
    const struct function *f = find_function(in, p);
    const Onnx__GraphProto *branch = f ? NULL : branch_of(in, p);
    if (!f && !branch) {
        expand_or_add(in, p, at.opset);
        return;
    }
    in->deep |= at.depth == FE_CALL_DEPTH_MAX;
    if (in->deep) return;
    if (f && !arity_fits(p, f->proto)) {
        add_item(in, p, at.opset)->call = f->proto;
        return;
    }
    struct call k = {.proto = p, .f = f, .scope = at.scope};
    struct arena *scratch = arena_new(in->s->c);
    fe_names_init_keyed(&k.names, scratch, in->taken.key);
    struct place inside = {f ? f->opset : at.opset, at.depth + 1, &k};
    if (f) {
        bind(in, &k);
        add_nodes(in, &k, f->proto->node, f->proto->n_node, inside);
    } else {
        bind_branch(in, &k, branch);
        add_nodes(in, &k, branch->node, branch->n_node, inside);
    }
    arena_free(scratch);
}

/* A node of the graph; a call that cannot be inlined to its end stays the call it is. */
static void add_root(struct fe_inliner *in, const Onnx__NodeProto *p) {
    size_t count = in->s->node_count;
    in->deep = false;
    add_node(in, p, (struct place){in->s->model_opset, 0, NULL});
    if (in->s->node_count == count + 1 && in->s->nodes[count].proto == p) return;
    if (!in->full && !in->deep) return;
    in->s->node_count = count;
    struct fe_item *n = add_item(in, p, in->s->model_opset);
    const struct function *f = find_function(in, p);
    if (f) n->call = f->proto;
    n->fault = in->deep ? FE_CALL_DEPTH : FE_CALL_SIZE;
}

static void take_names(struct fe_inliner *in) {
    const Onnx__GraphProto *g = in->s->model->graph;
    struct fe_names *t = &in->taken;
    for (size_t i = 0; i < g->n_initializer; i++)
        if (g->initializer[i]->name) fe_names_add(t, g->initializer[i]->name);
    for (size_t i = 0; i < g->n_input; i++)
        if (g->input[i]->name) fe_names_add(t, g->input[i]->name);
    for (size_t i = 0; i < g->n_node; i++) {
        const Onnx__NodeProto *p = g->node[i];
        for (size_t k = 0; k < p->n_input; k++) fe_names_add(t, p->input[k]);
        for (size_t k = 0; k < p->n_output; k++) fe_names_add(t, p->output[k]);
    }
}

void fe_list_nodes(struct fe_state *s) {
    const Onnx__GraphProto *g = s->model->graph;
    struct arena *scratch = arena_new(s->c);
    struct fe_inliner in = {.s = s, .room = g->n_node};
    s->nodes = arena_array(s->arena, g->n_node, sizeof *s->nodes);
    fe_names_init(&in.by_key, scratch);
    fe_names_init(&in.taken, scratch);
    list_functions(&in);
    take_names(&in);
    for (size_t i = 0; i < g->n_node; i++) add_root(&in, g->node[i]);
    arena_free(scratch);
}
