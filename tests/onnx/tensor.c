/* TensorProto to numbers. Source: onnx.proto, TensorProto.DataType; IEEE 754; for 8 bits "FP8
 * formats for deep learning" (E4M3FN, E5M2), their FNUZ variants, OCP microscaling (E2M1, E8M0). */
#include "tests/onnx/tensor.h"

#include "base/file.h"

#include <onnx/onnx.pb-c.h>

#include <float.h>
#include <math.h>
#include <string.h>

/* ONNX's own runner asks for 10⁻³, of bfloat16 for two of its last digits. */
static const double absolute = 1e-7;

#define REAL(bits, relative, exponent, mantissa, bias, specials)                                   \
    IR_F32, true, bits, relative, exponent, mantissa, bias, SPECIALS_##specials
#define INTEGERS(dtype, bits) IR_##dtype, false, bits, 0, 0, 0, 0, SPECIALS_NONE

static const struct test_type types[] = {
    [1] = {"float", REAL(32, 1e-3, 8, 23, 127, IEEE)},
    [2] = {"uint8", INTEGERS(U8, 8)},
    [3] = {"int8", INTEGERS(I8, 8)},
    [4] = {"uint16", INTEGERS(U16, 16)},
    [5] = {"int16", INTEGERS(I16, 16)},
    [6] = {"int32", INTEGERS(I32, 32)},
    [7] = {"int64", INTEGERS(I64, 64)},
    [9] = {"bool", INTEGERS(BOOL, 8)},
    [10] = {"float16", REAL(16, 1e-3, 5, 10, 15, IEEE)},
    [11] = {"double", REAL(64, 1e-3, 11, 52, 1023, IEEE)},
    [12] = {"uint32", INTEGERS(U32, 32)},
    [13] = {"uint64", INTEGERS(U64, 64)},
    [16] = {"bfloat16", REAL(16, 0x1p-6, 8, 7, 127, IEEE)},
    [17] = {"float8e4m3fn", REAL(8, 0, 4, 3, 7, TOP)},
    [18] = {"float8e4m3fnuz", REAL(8, 0, 4, 3, 8, ZERO)},
    [19] = {"float8e5m2", REAL(8, 0, 5, 2, 15, IEEE)},
    [20] = {"float8e5m2fnuz", REAL(8, 0, 5, 2, 16, ZERO)},
    [21] = {"uint4", INTEGERS(U8, 4)},
    [22] = {"int4", INTEGERS(I8, 4)},
    [23] = {"float4e2m1", REAL(4, 0, 2, 1, 1, NONE)},
    [24] = {"float8e8m0", REAL(8, 0, 8, 0, 127, TOP)},
    [25] = {"uint2", INTEGERS(U8, 2)},
    [26] = {"int2", INTEGERS(I8, 2)},
};
enum { TYPES = sizeof types / sizeof *types, SCALE = 24 };

const struct test_type *test_type(int32_t number) {
    return number > 0 && number < TYPES && types[number].name ? &types[number] : NULL;
}

/* A float of few bits, sign first; scales have no sign and no zero. */
static double narrow(const struct test_type *t, uint32_t code) {
    uint32_t top = (1u << (t->exponent + t->mantissa)) - 1, body = code & top;
    bool negative = t != &types[SCALE] && code > top;
    int e = (int)(body >> t->mantissa);
    double f = body & ((1u << t->mantissa) - 1), one = ldexp(1, t->mantissa);
    if (t == &types[SCALE]) return body == top ? NAN : ldexp(1, e - t->bias);
    if (t->specials == SPECIALS_TOP && body == top) return NAN;
    if (t->specials == SPECIALS_ZERO && body == 0 && negative) return NAN;
    if (t->specials == SPECIALS_IEEE && e == (1 << t->exponent) - 1)
        return f > 0 ? NAN : negative ? -INFINITY : INFINITY;
    double v = ldexp(e ? one + f : f, (e ? e : 1) - t->bias - t->mantissa);
    return negative ? -v : v;
}

/* The bits of an element, in the low end. */
static uint64_t code_at(const struct test_type *t, const uint8_t *p, int64_t i) {
    uint64_t code = 0;
    if (t->bits >= 8)
        memcpy(&code, p + i * (t->bits / 8), (size_t)t->bits / 8);
    else
        code = (uint64_t)p[i * t->bits / 8] >> (i * t->bits % 8) & ((1u << t->bits) - 1);
    return code;
}

static double real_of(const struct test_type *t, uint64_t code) {
    float f;
    double d;
    memcpy(&f, &code, sizeof f);
    memcpy(&d, &code, sizeof d);
    return t->bits == 64 ? d : t->bits == 32 ? (double)f : narrow(t, (uint32_t)code);
}

static int64_t whole_of(const struct test_type *t, uint64_t code) {
    bool sign = t->name[0] == 'i' && t->bits < 64 && code >> (t->bits - 1);
    return (int64_t)(sign ? code - ((uint64_t)1 << t->bits) : code);
}

/* The bits of an element of a typed field; those of fewer than 8 are packed there, too. */
static uint64_t field_code(const Onnx__TensorProto *p, const struct test_type *t, int64_t i) {
    uint64_t code = 0;
    if (p->n_float_data)
        memcpy(&code, &p->float_data[i], sizeof *p->float_data);
    else if (p->n_double_data)
        memcpy(&code, &p->double_data[i], sizeof code);
    else if (p->n_int64_data)
        code = (uint64_t)p->int64_data[i];
    else if (p->n_uint64_data)
        code = p->uint64_data[i];
    else if (t->bits < 8)
        code =
            (uint64_t)p->int32_data[i * t->bits / 8] >> (i * t->bits % 8) & ((1u << t->bits) - 1);
    else
        code = (uint32_t)p->int32_data[i];
    return t->bits < 64 ? code & (((uint64_t)1 << t->bits) - 1) : code;
}

bool test_tensor_of(struct arena *a, const Onnx__TensorProto *p, struct test_tensor *out) {
    *out =
        (struct test_tensor){.type = test_type(p->data_type), .rank = (int)p->n_dims, .count = 1};
    if (!out->type || p->n_dims > IR_MAX_RANK) return false;
    for (size_t i = 0; i < p->n_dims; i++) out->count *= out->dims[i] = p->dims[i];
    size_t packed = ((size_t)out->count * (size_t)out->type->bits + 7) / 8;
    if (p->has_raw_data && p->raw_data.len != packed) return false;
    size_t fields =
        p->n_float_data + p->n_double_data + p->n_int64_data + p->n_int32_data + p->n_uint64_data;
    if (!p->has_raw_data && fields * 8 < packed) return false;
    out->real = arena_array(a, (size_t)out->count, sizeof *out->real);
    out->whole = arena_array(a, (size_t)out->count, sizeof *out->whole);
    for (int64_t i = 0; i < out->count; i++) {
        uint64_t code =
            p->has_raw_data ? code_at(out->type, p->raw_data.data, i) : field_code(p, out->type, i);
        if (out->type->real)
            out->real[i] = real_of(out->type, code);
        else
            out->whole[i] = whole_of(out->type, code);
    }
    return true;
}

bool test_tensor_read(struct ctx *c, struct arena *a, const char *path, struct test_tensor *out) {
    struct file_view f;
    if (!file_map(c, path, &f)) return false;
    Onnx__TensorProto *p = onnx__tensor_proto__unpack(NULL, f.size, f.data);
    bool ok = p && test_tensor_of(a, p, out);
    if (p) onnx__tensor_proto__free_unpacked(p, NULL);
    return ok;
}

const void *test_tensor_data(struct arena *a, const struct test_tensor *t, enum ir_dtype to) {
    size_t size = ir_dtype_size(to);
    uint8_t *data = arena_array(a, (size_t)t->count, size);
    for (int64_t i = 0; i < t->count; i++) {
        float f = (float)(t->type->real ? t->real[i] : (double)t->whole[i]);
        int64_t n = t->type->real ? (int64_t)t->real[i] : t->whole[i]; /* the low bytes */
        memcpy(data + (size_t)i * size, to == IR_F32 ? (const void *)&f : (const void *)&n, size);
    }
    return data;
}

static bool near(const struct test_type *t, double a, double b) {
    if (fabs(b) > FLT_MAX) return isinf(a) && (a > 0) == (b > 0); /* beyond single precision */
    return (isnan(a) && isnan(b)) || a == b || fabs(a - b) <= absolute + t->relative * fabs(b);
}

static const char *shape_differs(struct arena *a, const struct test_tensor *want,
                                 const struct ir_value *v) {
    bool same = v->rank == want->rank;
    for (int i = 0; same && i < v->rank; i++) same = v->dims[i] == want->dims[i];
    if (!same) return arena_printf(a, "output %s has another shape", v->name);
    if (v->dtype == want->type->dtype) return NULL;
    return arena_printf(a, "output %s is %s, expected %s", v->name, ir_dtype_name(v->dtype),
                        want->type->name);
}

const char *test_tensor_differs(struct arena *a, const struct test_tensor *want,
                                const struct ir_value *v, const void *data) {
    const char *why = shape_differs(a, want, v);
    size_t size = ir_dtype_size(v->dtype);
    for (int64_t i = 0; i < want->count && !why; i++) {
        int64_t n = 0;
        if (want->type->real) {
            double x = (double)((const float *)data)[i];
            if (!near(want->type, x, want->real[i]))
                why = arena_printf(a, "output %s, element %lld: %.9g, expected %.9g", v->name,
                                   (long long)i, x, want->real[i]);
            continue;
        }
        memcpy(&n, (const uint8_t *)data + (size_t)i * size, size);
        if (memcmp(&n, &want->whole[i], size) != 0)
            why = arena_printf(a, "output %s, element %lld: %llx, expected %llx (low bytes)",
                               v->name, (long long)i, (long long)n, (long long)want->whole[i]);
    }
    return why;
}
