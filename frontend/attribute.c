/* Attributes of a node: taken over where ops.def has them, else by the rows of import.def. */
#include "frontend/import.h"

#include <onnx/onnx.pb-c.h>

#include "frontend/diag.h"

#include "base/options.h"

#include <string.h>

enum action { INPUT, DROP, READ, MUST, DEFAULT, SET, HIDDEN };
enum { ANY = -1, NAME_MAX_ROWS = 64 };
/* Arguments of READ. */
enum {
    FLOAT = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT,
    INT = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT,
    STRING = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING,
    TENSOR = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR,
    FLOATS = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS,
    INTS = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS
};

struct rule {
    int op; /* enum ir_op, or ANY */
    const char *name;
    int first, last; /* opsets; last 0: no end */
    enum action action;
    int argument;
};

static const struct rule rules[] = {
#define IR_OP_ANY ANY
#define FE_ATTR(op, name, first, last, action, argument)                                           \
    {IR_OP_##op, name, first, last, action, argument},
#include "frontend/import.def"
#undef IR_OP_ANY
};
enum { RULES = sizeof rules / sizeof *rules };

static const struct {
    int kind; /* enum ir_attr_kind, −1: the IR has none */
    const char *name;
} kinds[] = {
    [ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__UNDEFINED] = {-1, "undefined"},
    [ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT] = {IR_ATTR_FLOAT, "float"},
    [ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT] = {IR_ATTR_INT, "int"},
    [ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING] = {IR_ATTR_STRING, "string"},
    [ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR] = {-1, "tensor"},
    [ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH] = {-1, "graph"},
    [ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS] = {-1, "floats"},
    [ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS] = {IR_ATTR_INTS, "ints"},
    [ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRINGS] = {-1, "strings"},
    [ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSORS] = {-1, "tensors"},
    [ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPHS] = {-1, "graphs"},
    [ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__SPARSE_TENSOR] = {-1, "sparse tensor"},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

const Onnx__AttributeProto *fe_attr(const struct fe_node *n, const char *name) {
    for (size_t i = 0; i < n->proto->n_attribute; i++) {
        const Onnx__AttributeProto *a = n->proto->attribute[i];
        if (a->name && !strcmp(a->name, name)) return a;
    }
    return NULL;
}

/* Models of IR version 1 leave the type out: then it is what is there. */
static unsigned type_of(const Onnx__AttributeProto *a) {
    if (a->type) return (unsigned)a->type;
    if (a->has_f) return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT;
    if (a->has_i) return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
    if (a->has_s) return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING;
    if (a->t) return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR;
    if (a->g) return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH;
    if (a->n_floats) return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS;
    if (a->n_graphs) return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPHS;
    return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
}

static int kind_of(const Onnx__AttributeProto *a) {
    unsigned type = type_of(a);
    return type < KINDS ? kinds[type].kind : -1;
}

static const char *type_name(const Onnx__AttributeProto *a) {
    unsigned type = type_of(a);
    return type < KINDS && kinds[type].name ? kinds[type].name : "unknown";
}

static bool at_opset(const struct rule *r, const struct fe_node *n) {
    return n->s->opset >= r->first && (!r->last || n->s->opset <= r->last);
}

/* The row for an attribute that is present, or NULL. */
static const struct rule *find_rule(const struct fe_node *n, const char *name) {
    for (int i = 0; i < RULES; i++) {
        const struct rule *r = &rules[i];
        if ((r->op == ANY || r->op == (int)n->op) && r->action != DEFAULT && r->action != SET &&
            !strcmp(r->name, name) && at_opset(r, n))
            return r;
    }
    return NULL;
}

bool fe_attr_hidden(enum ir_op op, const char *name) {
    for (int i = 0; i < RULES; i++)
        if ((rules[i].op == ANY || rules[i].op == (int)op) && rules[i].action == HIDDEN &&
            !strcmp(rules[i].name, name))
            return true;
    return false;
}

static struct ir_attr *add_attr(struct fe_node *n, const char *name, enum ir_attr_kind kind) {
    struct arena *a = n->s->g->arena;
    for (int i = 0; i < n->attr_count; i++)
        if (!strcmp(n->attrs[i].name, name)) {
            n->attrs[i].kind = kind;
            return &n->attrs[i];
        }
    n->attrs =
        arena_grow(a, n->attrs, (size_t)n->attr_count, (size_t)n->attr_count + 1, sizeof *n->attrs);
    struct ir_attr *to = &n->attrs[n->attr_count++];
    *to = (struct ir_attr){.name = arena_strdup(a, name), .kind = kind};
    return to;
}

void fe_node_set_int(struct fe_node *n, const char *name, int64_t v) {
    add_attr(n, name, IR_ATTR_INT)->i = v;
}

void fe_node_set_float(struct fe_node *n, const char *name, double v) {
    add_attr(n, name, IR_ATTR_FLOAT)->f = v;
}

void fe_node_set_string(struct fe_node *n, const char *name, const char *v) {
    add_attr(n, name, IR_ATTR_STRING)->s = arena_strdup(n->s->g->arena, v);
}

/* Takes an attribute over into the IR. */
static void copy_attr(struct fe_node *n, const Onnx__AttributeProto *a) {
    struct arena *arena = n->s->g->arena;
    struct ir_attr *to = add_attr(n, a->name, (enum ir_attr_kind)kind_of(a));
    switch (to->kind) {
    case IR_ATTR_INT:
        to->i = a->i;
        break;
    case IR_ATTR_FLOAT:
        to->f = (double)a->f;
        break;
    case IR_ATTR_STRING:
        to->s = arena_strndup(arena, (const char *)a->s.data, a->s.len);
        break;
    case IR_ATTR_INTS:
        to->ints = arena_copy(arena, a->ints, a->n_ints * sizeof *a->ints);
        to->count = (int)a->n_ints;
        break;
    }
}

static void say_kind(const struct fe_node *n, const Onnx__AttributeProto *a, const char *want) {
    diag(n->s->c, fe_attr_kind, n->where, a->name, type_name(a), want);
}

/* An attribute of old becomes an input of today. */
static void make_input(struct fe_node *n, const Onnx__AttributeProto *a, int index) {
    const char *name = arena_printf(n->s->arena, "%s.%s", n->name, a->name);
    struct ir_value *v;
    if (kind_of(a) == IR_ATTR_INTS)
        v = fe_const_ints(n->s, name, 1, a->ints, (int)a->n_ints);
    else if (kind_of(a) == IR_ATTR_INT)
        v = fe_const_ints(n->s, name, 1, &a->i, 1);
    else if (kind_of(a) == IR_ATTR_FLOAT)
        v = fe_const_floats(n->s, name, 0, &a->f, 1);
    else if (type_of(a) == FLOATS)
        v = fe_const_floats(n->s, name, 1, a->floats, (int)a->n_floats);
    else {
        say_kind(n, a, "ints, int, float or floats");
        return;
    }
    if (n->in_count > index && n->in[index]) {
        diag(n->s->c, fe_attr_twice, n->where, a->name);
        return;
    }
    n->in[index] = v;
    if (n->in_count <= index) n->in_count = index + 1;
}

/* Any number of the attribute that is not the one supported. */
static void must_be(const struct fe_node *n, const Onnx__AttributeProto *a, int64_t value) {
    if (kind_of(a) != IR_ATTR_INT && kind_of(a) != IR_ATTR_INTS) {
        say_kind(n, a, "int or ints");
        return;
    }
    size_t count = kind_of(a) == IR_ATTR_INT ? 1 : a->n_ints;
    const int64_t *v = kind_of(a) == IR_ATTR_INT ? &a->i : a->ints;
    for (size_t i = 0; i < count; i++)
        if (v[i] != value) {
            diag(n->s->c, fe_attr_value, n->where, a->name, (long long)v[i], (long long)value);
            return;
        }
}

static void say_unknown(const struct fe_node *n, const char *name) {
    const char *names[NAME_MAX_ROWS];
    struct ir_attr_info info[NAME_MAX_ROWS];
    int count = 0;
    for (int i = 0; count < NAME_MAX_ROWS && ir_attr_schema(n->op, i, &info[count]); i++) {
        const struct rule *r = find_rule(n, info[count].name);
        names[count] = info[count].name;
        if (!r || r->action != HIDDEN) count++;
    }
    const char *near = nearest_name(name, names, count);
    if (near)
        diag(n->s->c, fe_attr_unknown_near, n->where, name, (long long)n->s->opset, near);
    else
        diag(n->s->c, fe_attr_unknown, n->where, name, (long long)n->s->opset);
}

static void take_known(struct fe_node *n, const Onnx__AttributeProto *a) {
    struct ir_attr_info info;
    if (!ir_attr_schema_find(n->op, a->name, &info)) {
        say_unknown(n, a->name);
        return;
    }
    if (kind_of(a) == (int)info.kind)
        copy_attr(n, a);
    else
        say_kind(n, a, ir_attr_kind_name(info.kind));
}

/* For a hook, which reads the attribute as one of this type. */
static void check_type(struct fe_node *n, const Onnx__AttributeProto *a, unsigned type) {
    if (type_of(a) == type) return;
    say_kind(n, a, kinds[type].name);
    n->unreadable = true;
}

static void take_attribute(struct fe_node *n, const Onnx__AttributeProto *a) {
    struct ctx *c = n->s->c;
    if (!a->name || !a->name[0]) {
        diag(c, fe_nameless, n->where, "attribute", (size_t)0);
        return;
    }
    const struct rule *r = find_rule(n, a->name);
    if (fe_attr(n, a->name) != a)
        diag(c, fe_attr_twice, n->where, a->name);
    else if (a->ref_attr_name && a->ref_attr_name[0])
        diag(c, fe_attr_reference, n->where, a->name);
    else if (a->n_ints > FE_LIST_MAX || a->n_floats > FE_LIST_MAX)
        diag(c, fe_attr_count, n->where, a->name, a->n_ints + a->n_floats, FE_LIST_MAX);
    else if (!r)
        take_known(n, a);
    else if (r->action == INPUT)
        make_input(n, a, r->argument);
    else if (r->action == READ)
        check_type(n, a, (unsigned)r->argument);
    else if (r->action == MUST)
        must_be(n, a, r->argument);
    else if (r->action == HIDDEN)
        say_unknown(n, a->name);
}

void fe_attributes(struct fe_node *n) {
    for (size_t i = 0; i < n->proto->n_attribute; i++) take_attribute(n, n->proto->attribute[i]);
    for (int i = 0; i < RULES; i++) {
        const struct rule *r = &rules[i];
        if (r->op != (int)n->op || !at_opset(r, n)) continue;
        if (r->action == SET || (r->action == DEFAULT && !fe_attr(n, r->name)))
            fe_node_set_int(n, r->name, r->argument);
    }
}
