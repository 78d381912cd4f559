/* Attributes of nodes: typed values under names; defaults come from the schema in ops.def. */
#include "ir/ir.h"

#include <stdlib.h>
#include <string.h>

/* Defaults that are not numbers, in memory that can be pointed to. The unit test asserts that each
 * such default of ops.def stands here. */
static const char *const preset_strings[] = {"none", "NOTSET", "constant", "pow2"};
static const struct {
    const char *text;
    int64_t ints[4];
    int count;
} preset_lists[] = {{"0,0,0,0", {0, 0, 0, 0}, 4}, {"1,1", {1, 1}, 2}};

static bool preset_is(const char *preset, const char *text) {
    size_t n = strcspn(preset, " ");
    return strlen(text) == n && memcmp(preset, text, n) == 0;
}

const struct ir_attr *ir_attr_find(const struct ir_node *n, const char *name) {
    for (int i = 0; i < n->attr_count; i++)
        if (strcmp(n->attrs[i].name, name) == 0) return &n->attrs[i];
    return NULL;
}

/* The text of the default, or NULL. */
static const char *preset_of(const struct ir_node *n, const char *name, enum ir_attr_kind kind) {
    struct ir_attr_info info;
    if (!ir_attr_schema_find(n->op, name, &info) || info.kind != kind) return NULL;
    return info.preset;
}

int64_t ir_attr_int(const struct ir_node *n, const char *name) {
    const struct ir_attr *a = ir_attr_find(n, name);
    if (a != NULL) return a->i;
    const char *preset = preset_of(n, name, IR_ATTR_INT);
    return preset == NULL ? 0 : strtoll(preset, NULL, 10);
}

double ir_attr_float(const struct ir_node *n, const char *name) {
    const struct ir_attr *a = ir_attr_find(n, name);
    if (a != NULL) return a->f;
    const char *preset = preset_of(n, name, IR_ATTR_FLOAT);
    return preset == NULL ? 0 : strtod(preset, NULL);
}

const char *ir_attr_string(const struct ir_node *n, const char *name) {
    const struct ir_attr *a = ir_attr_find(n, name);
    if (a != NULL) return a->s;
    const char *preset = preset_of(n, name, IR_ATTR_STRING);
    if (preset == NULL) return NULL;
    for (size_t i = 0; i < sizeof preset_strings / sizeof preset_strings[0]; i++)
        if (preset_is(preset, preset_strings[i])) return preset_strings[i];
    return NULL;
}

const int64_t *ir_attr_ints(const struct ir_node *n, const char *name, int *count) {
    const struct ir_attr *a = ir_attr_find(n, name);
    *count = a == NULL ? 0 : a->count;
    if (a != NULL) return a->ints;
    const char *preset = preset_of(n, name, IR_ATTR_INTS);
    if (preset == NULL) return NULL;
    for (size_t i = 0; i < sizeof preset_lists / sizeof preset_lists[0]; i++) {
        if (!preset_is(preset, preset_lists[i].text)) continue;
        *count = preset_lists[i].count;
        return preset_lists[i].ints;
    }
    return NULL;
}

/* The attribute of that name, made if it is not there; its value is cleared. */
static struct ir_attr *slot(struct ir_graph *g, struct ir_node *n, const char *name,
                            enum ir_attr_kind kind) {
    struct ir_attr *a = (struct ir_attr *)ir_attr_find(n, name);
    if (a == NULL) {
        size_t old = (size_t)n->attr_count;
        n->attrs = arena_grow(g->arena, n->attrs, old, old + 1, sizeof *n->attrs);
        n->attr_count++;
        a = &n->attrs[old];
        name = arena_strdup(g->arena, name);
    } else {
        name = a->name;
    }
    *a = (struct ir_attr){.name = name, .kind = kind};
    return a;
}

void ir_set_int(struct ir_graph *g, struct ir_node *n, const char *name, int64_t v) {
    slot(g, n, name, IR_ATTR_INT)->i = v;
}

void ir_set_float(struct ir_graph *g, struct ir_node *n, const char *name, double v) {
    slot(g, n, name, IR_ATTR_FLOAT)->f = v;
}

/* The copies are made before the slot is cleared: v may be the old value of the same attribute. */
void ir_set_string(struct ir_graph *g, struct ir_node *n, const char *name, const char *v) {
    const char *copy = arena_strdup(g->arena, v);
    slot(g, n, name, IR_ATTR_STRING)->s = copy;
}

void ir_set_ints(struct ir_graph *g, struct ir_node *n, const char *name, const int64_t *v,
                 int count) {
    const int64_t *copy = arena_copy(g->arena, v, (size_t)count * sizeof *v);
    struct ir_attr *a = slot(g, n, name, IR_ATTR_INTS);
    a->ints = copy;
    a->count = count;
}

void ir_attr_remove(struct ir_node *n, const char *name) {
    struct ir_attr *a = (struct ir_attr *)ir_attr_find(n, name);
    if (a == NULL) return;
    size_t after = (size_t)(n->attrs + n->attr_count - (a + 1));
    memmove(a, a + 1, after * sizeof *a);
    n->attr_count--;
}
