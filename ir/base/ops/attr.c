/* Attributes of nodes: typed values under names; defaults come from the schema in ops.def. */
#include "base/ops/ops.h"

#include "base/ops/diag.h"

#include <stdlib.h>
#include <string.h>

/* Defaults that are not numbers, in memory that can be pointed to. The unit test asserts that each
 * such default of ops.def stands here. */
static const char *const preset_strings[] = {
    "none",       "NOTSET",  "constant",           "pow2", "DCR",   "nearest",
    "half_pixel", "stretch", "round_prefer_floor", "up",   "ROUND", "FLOOR",
    "avg",
};
static const struct {
    const char *text;
    int64_t ints[4];
    int count;
} preset_lists[] = {{"0,0,0,0", {0, 0, 0, 0}, 4}, {"1,1", {1, 1}, 2}, {"0,2,3", {0, 2, 3}, 3}};

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

bool ir_check_attrs(struct ctx *c, const char *where, const struct ir_node *n) {
    int before = c->errors;
    for (int i = 0; i < n->attr_count; i++) {
        const struct ir_attr *a = &n->attrs[i];
        struct ir_attr_info info;
        if (!ir_attr_schema_find(n->op, a->name, &info))
            diag(c, ir_attr_unknown, where, a->name, ir_op_info(n->op)->name);
        else if (info.kind != a->kind)
            diag(c, ir_attr_kind, where, a->name, ir_attr_kind_name(a->kind),
                 ir_attr_kind_name(info.kind));
        else if (ir_attr_find(n, a->name) != a)
            diag(c, ir_attr_twice, where, a->name);
    }
    return c->errors == before;
}
