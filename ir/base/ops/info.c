/* The tables of operators, element types and attribute schemas, expanded from ops.def and
 * dtypes.def. */
#include "base/ops/ops.h"

#include <string.h>

static const struct ir_op_info ops[IR_OP_COUNT] = {
#define IR_OP(name, text, onnx, since_min, since_max, min_in, max_in, min_out, max_out, attrs,     \
              level, place, meaning)                                                               \
    [IR_OP_##name] = {text,    onnx,    since_min, since_max,        min_in,           max_in,     \
                      min_out, max_out, attrs,     IR_LEVEL_##level, IR_PLACE_##place, meaning},
#include "base/ops/ops.def"
#undef IR_OP
};

static const struct {
    const char *text;
    size_t size;
} dtypes[IR_DTYPE_COUNT] = {
#define IR_DTYPE(name, text, size) [IR_##name] = {text, size},
#include "base/ops/dtypes.def"
#undef IR_DTYPE
};

static const struct {
    const char *code, *text;
} kinds[] = {
    [IR_ATTR_INT] = {"i", "an integer"},
    [IR_ATTR_FLOAT] = {"f", "a number"},
    [IR_ATTR_STRING] = {"s", "a string"},
    [IR_ATTR_INTS] = {"is", "a list of integers"},
};
/* Attributes of all rows of a level, in the same form as those of one row. */
static const char *const common[IR_LEVEL_COUNT] = {
#define IR_OP(...)
#define IR_COMMON(level, attrs, meaning) [IR_LEVEL_##level] = attrs,
#include "base/ops/ops.def"
#undef IR_OP
};

enum { KIND_COUNT = sizeof kinds / sizeof kinds[0] };

const struct ir_op_info *ir_op_info(enum ir_op op) {
    return &ops[op];
}

enum ir_op ir_op_by_name(const char *text) {
    for (int i = 0; i < IR_OP_COUNT; i++)
        if (strcmp(ops[i].name, text) == 0) return (enum ir_op)i;
    return IR_OP_COUNT;
}

enum ir_op ir_op_by_onnx(const char *onnx) {
    for (int i = 0; i < IR_OP_COUNT; i++)
        if (ops[i].onnx[0] != '\0' && strcmp(ops[i].onnx, onnx) == 0) return (enum ir_op)i;
    return IR_OP_COUNT;
}

const char *ir_dtype_name(enum ir_dtype t) {
    return dtypes[t].text;
}
size_t ir_dtype_size(enum ir_dtype t) {
    return dtypes[t].size;
}

enum ir_dtype ir_dtype_by_name(const char *text) {
    for (int i = 0; i < IR_DTYPE_COUNT; i++)
        if (strcmp(dtypes[i].text, text) == 0) return (enum ir_dtype)i;
    return IR_DTYPE_COUNT;
}

const char *ir_attr_kind_name(enum ir_attr_kind k) {
    return kinds[k].text;
}

/* Reads "name:kind[=default]" at p; the table is ours, so it is taken as well-formed. */
static void read_schema(const char *p, struct ir_attr_info *out) {
    size_t name = strcspn(p, ":");
    if (name >= sizeof out->name)
        name = sizeof out->name - 1; /* the unit test refuses such a row */
    memcpy(out->name, p, name);
    out->name[name] = '\0';
    p += name + 1;
    size_t code = strcspn(p, "= ");
    out->kind = IR_ATTR_INT;
    for (int k = 0; k < KIND_COUNT; k++)
        if (strlen(kinds[k].code) == code && memcmp(kinds[k].code, p, code) == 0)
            out->kind = (enum ir_attr_kind)k;
    out->preset = p[code] == '=' ? p + code + 1 : NULL;
}

static const char *next_entry(const char *p) {
    while (*p != '\0' && *p != ' ') p++;
    while (*p == ' ') p++;
    return p;
}

/* The index-th entry of a list; NULL: *index is how many there were too few. */
static const char *entry(const char *p, int *index) {
    for (; p != NULL && *p != '\0'; p = next_entry(p))
        if ((*index)-- == 0) return p;
    return NULL;
}

bool ir_attr_schema(enum ir_op op, int index, struct ir_attr_info *out) {
    const char *p = entry(ops[op].attrs, &index);
    if (p == NULL) p = entry(common[ops[op].level], &index);
    if (p == NULL) return false;
    read_schema(p, out);
    return true;
}

static const char *find_entry(const char *p, const char *name) {
    size_t n = strlen(name);
    for (; p != NULL && *p != '\0'; p = next_entry(p))
        if (strncmp(p, name, n) == 0 && p[n] == ':') return p;
    return NULL;
}

/* Asked often, of every attribute at every turn. */
bool ir_attr_schema_find(enum ir_op op, const char *name, struct ir_attr_info *out) {
    const char *p = find_entry(ops[op].attrs, name);
    if (p == NULL) p = find_entry(common[ops[op].level], name);
    if (p == NULL) return false;
    read_schema(p, out);
    return true;
}

bool ir_is_host(const struct ir_node *n) {
    return ops[n->op].level != IR_LEVEL_QUANT &&
           (ops[n->op].place == IR_PLACE_HOST || ir_attr_find(n, "host") != NULL);
}
