/* ONNX's own backend test cases through importer and float evaluator: their expected outputs are
 * the oracle.
 *
 *     onnx_cases FOLDER... [-v]
 *
 * A FOLDER holds one folder per case: model.onnx, test_data_set_N/input_K.pb and output_K.pb. A
 * case whose model is refused with a message counts as refused; one that gives other numbers, as
 * failed. Prints the counts. */
#include "base/file.h"
#include "frontend/frontend.h"

#include <onnx/onnx.pb-c.h>

#include <dirent.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The ONNX project's own tolerances, with room for half precision computed in single. */
static const double relative = 1e-3, absolute = 1e-6;

enum outcome { PASSED, REFUSED, FAILED };

struct values { /* of one tensor, whatever its type */
    int rank;
    int64_t dims[IR_MAX_RANK], count;
    double *v;
};

struct test {
    struct ctx *c;
    struct arena *a;
    const char *folder; /* of the data set */
    const char *why;    /* it failed */
};

static double half(uint16_t h) {
    double f = h & 1023, sign = h & 0x8000 ? -1 : 1;
    int e = h >> 10 & 31;
    if (e == 31) return f > 0 ? NAN : sign * INFINITY;
    return sign * (e ? ldexp(1024 + f, e - 25) : ldexp(f, -24));
}

static double brain(uint16_t h) {
    uint32_t bits = (uint32_t)h << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return (double)f;
}

/* Element i of raw bytes. */
static double raw_value(int32_t type, const uint8_t *p, int64_t i) {
#define CASE(number, c_type, expression)                                                           \
    case number: {                                                                                 \
        c_type x;                                                                                  \
        memcpy(&x, p + (size_t)i * sizeof x, sizeof x);                                            \
        return expression;                                                                         \
    }
    switch (type) {
        CASE(ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, float, (double)x)
        CASE(ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE, double, x)
        CASE(ONNX__TENSOR_PROTO__DATA_TYPE__UINT8, uint8_t, x)
        CASE(ONNX__TENSOR_PROTO__DATA_TYPE__BOOL, uint8_t, x)
        CASE(ONNX__TENSOR_PROTO__DATA_TYPE__INT8, int8_t, x)
        CASE(ONNX__TENSOR_PROTO__DATA_TYPE__INT16, int16_t, x)
        CASE(ONNX__TENSOR_PROTO__DATA_TYPE__INT32, int32_t, x)
        CASE(ONNX__TENSOR_PROTO__DATA_TYPE__INT64, int64_t, (double)x)
        CASE(ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16, uint16_t, half(x))
        CASE(ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16, uint16_t, brain(x))
    }
#undef CASE
    return NAN;
}

static double typed_value(const Onnx__TensorProto *t, int64_t i) {
    if (i < (int64_t)t->n_float_data) return (double)t->float_data[i];
    if (i < (int64_t)t->n_double_data) return t->double_data[i];
    if (i < (int64_t)t->n_int64_data) return (double)t->int64_data[i];
    if (i >= (int64_t)t->n_int32_data) return NAN;
    if (t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16)
        return half((uint16_t)t->int32_data[i]);
    if (t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16)
        return brain((uint16_t)t->int32_data[i]);
    return t->int32_data[i];
}

/* Reads KIND_INDEX.pb of the data set. */
static bool read_tensor(struct test *t, const char *kind, int index, struct values *out) {
    struct file_view f;
    const char *path = arena_printf(t->a, "%s/%s_%d.pb", t->folder, kind, index);
    if (!file_map(t->c, path, &f)) return false;
    Onnx__TensorProto *p = onnx__tensor_proto__unpack(NULL, f.size, f.data);
    if (!p || p->n_dims > IR_MAX_RANK) return false;
    *out = (struct values){.rank = (int)p->n_dims, .count = 1};
    for (size_t i = 0; i < p->n_dims; i++) out->count *= out->dims[i] = p->dims[i];
    out->v = arena_array(t->a, (size_t)out->count, sizeof *out->v);
    for (int64_t i = 0; i < out->count; i++)
        out->v[i] =
            p->has_raw_data ? raw_value(p->data_type, p->raw_data.data, i) : typed_value(p, i);
    onnx__tensor_proto__free_unpacked(p, NULL);
    return true;
}

/* The numbers in the form the evaluator takes. */
static const void *stored(struct test *t, const struct ir_value *v, const struct values *from) {
    uint8_t *to = arena_array(t->a, (size_t)from->count, ir_dtype_size(v->dtype));
    for (int64_t i = 0; i < from->count; i++) {
        float f = (float)from->v[i];
        int64_t n = v->dtype == IR_F32 ? 0 : (int64_t)from->v[i]; /* little-endian: the low bytes */
        memcpy(to + (size_t)i * ir_dtype_size(v->dtype),
               v->dtype == IR_F32 ? (const void *)&f : (const void *)&n, ir_dtype_size(v->dtype));
    }
    return to;
}

static double result(const struct ir_value *v, int64_t i) {
    const void *data = v->data;
    switch (v->dtype) {
    case IR_F32:
        return (double)((const float *)data)[i];
    case IR_I64:
        return (double)((const int64_t *)data)[i];
    case IR_I32:
        return ((const int32_t *)data)[i];
    case IR_I16:
        return ((const int16_t *)data)[i];
    case IR_I8:
        return ((const int8_t *)data)[i];
    case IR_U8:
    case IR_BOOL:
        return ((const uint8_t *)data)[i];
    default:
        return NAN;
    }
}

static bool near(double a, double b) {
    if (fabs(b) > FLT_MAX) return isinf(a) && (a > 0) == (b > 0); /* beyond single precision */
    return (isnan(a) && isnan(b)) || a == b || fabs(a - b) <= absolute + relative * fabs(b);
}

static bool compare(struct test *t, const struct ir_value *v, const struct values *want) {
    bool same = v->rank == want->rank;
    for (int i = 0; same && i < v->rank; i++) same = v->dims[i] == want->dims[i];
    if (!same) t->why = arena_printf(t->a, "output %s has another shape", v->name);
    for (int64_t i = 0; same && i < want->count; i++)
        if (!near(result(v, i), want->v[i])) {
            t->why = arena_printf(t->a, "output %s, element %lld: %g, expected %g", v->name,
                                  (long long)i, result(v, i), want->v[i]);
            return false;
        }
    return same;
}

/* Node by node, every value a constant at once: some cases give shapes and axes as inputs. */
static bool evaluate(struct test *t, struct ir_graph *g) {
    struct ir_tensor *values = arena_array(t->a, (size_t)g->value_count, sizeof *values);
    for (struct ir_node *n = g->first; n; n = n->next) {
        if (!ir_infer_node(g, n) || !ir_eval_node(g, t->a, n, values)) {
            t->why = t->c->last->message;
            return false;
        }
        for (int i = 0; i < n->out_count; i++) n->out[i]->data = values[n->out[i]->id].data;
    }
    return true;
}

static bool run_set(struct test *t, struct ir_graph *g) {
    struct values v;
    t->why = "a tensor of the data set cannot be read";
    for (int i = 0; i < g->input_count; i++) {
        if (!read_tensor(t, "input", i, &v) || v.count != ir_elements(g->inputs[i])) return false;
        g->inputs[i]->data = stored(t, g->inputs[i], &v);
    }
    if (!evaluate(t, g)) return false;
    for (int i = 0; i < g->output_count; i++)
        if (!read_tensor(t, "output", i, &v) || !compare(t, g->outputs[i], &v)) return false;
    return true;
}

static enum outcome run_case(const char *folder, bool verbose) {
    struct ctx c;
    ctx_init(&c, NULL, NULL);
    if (setjmp(c.oom)) {
        ctx_free(&c);
        return FAILED;
    }
    struct test t = {.c = &c, .a = arena_new(&c)};
    struct ir_graph *g = fe_import(&c, arena_printf(t.a, "%s/model.onnx", folder), NULL);
    t.folder = arena_printf(t.a, "%s/test_data_set_0", folder);
    enum outcome o = FAILED;
    if (!g && c.errors) o = REFUSED;
    if (g && run_set(&t, g)) o = PASSED;
    if (o == FAILED) printf("failed %s: %s\n", folder, t.why ? t.why : "no message");
    if (o == REFUSED && verbose) printf("refused %s\n", c.first->message);
    ctx_free(&c);
    return o;
}

static int is_case(const struct dirent *d) {
    return !strncmp(d->d_name, "test_", 5);
}

int main(int argc, char **argv) {
    int counts[3] = {0};
    bool verbose = argc > 1 && !strcmp(argv[argc - 1], "-v");
    for (int i = 1; i < argc - (verbose ? 1 : 0); i++) {
        struct dirent **list;
        int n = scandir(argv[i], &list, is_case, alphasort);
        for (int k = 0; k < n; k++) {
            char folder[4096];
            snprintf(folder, sizeof folder, "%s/%s", argv[i], list[k]->d_name);
            counts[run_case(folder, verbose)]++;
            free(list[k]);
        }
        if (n >= 0) free(list);
    }
    printf("%d passed, %d refused, %d failed\n", counts[PASSED], counts[REFUSED], counts[FAILED]);
    return counts[FAILED] != 0 || counts[PASSED] == 0;
}
