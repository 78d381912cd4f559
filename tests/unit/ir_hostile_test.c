/* Operators of the float level on whatever there may be in a program file: random types, shapes,
 * attributes and data. What shape inference lets through is evaluated in buffers of exactly the
 * sizes it gave, twice, over different bytes: under the sanitizers nothing outside is touched, and
 * every element is written, the same each time. */
#include "test.h"

#include "base/ops/ops.h"

#include <math.h>
#include <stdlib.h>

enum {
    ROUNDS = 12000,
    ENOUGH = 600,
    MAX_IN = 8,
    MAX_OUT = 4,
    MAX_ATTR = 24,
    ELEMENTS = 2000,
    MOST = 1 << 16,
    LIST = 8
};

struct trial {
    struct ctx c;
    struct arena *a;
    struct rng r;
    struct ir_value values[MAX_IN + MAX_OUT];
    struct ir_value *in[MAX_IN], *out[MAX_OUT];
    struct ir_tensor data[MAX_IN + MAX_OUT];
    struct ir_attr attrs[MAX_ATTR];
    struct ir_node node;
};

static const char *const words[] = {"NOTSET",
                                    "SAME_UPPER",
                                    "SAME_LOWER",
                                    "VALID",
                                    "constant",
                                    "reflect",
                                    "edge",
                                    "wrap",
                                    "linear",
                                    "nearest",
                                    "cubic",
                                    "floor",
                                    "ceil",
                                    "half_pixel",
                                    "asymmetric",
                                    "none",
                                    "relu",
                                    "clip",
                                    "add",
                                    "mul",
                                    "min",
                                    "max",
                                    "f32",
                                    "i64",
                                    "u8",
                                    "i8",
                                    "bool",
                                    "avg",
                                    "DCR",
                                    "CRD",
                                    "tanh",
                                    "stretch",
                                    "not_larger",
                                    "not_smaller",
                                    "round_prefer_floor",
                                    "odd",
                                    "tf_crop_and_resize",
                                    "align_corners",
                                    "pytorch_half_pixel",
                                    "round_prefer_ceil",
                                    "half_pixel_symmetric",
                                    "output_half_pixel",
                                    ""};
enum { WORDS = sizeof words / sizeof *words };

static int64_t number(struct rng *r) {
    static const int64_t odd[] = {INT64_MIN, INT64_MAX, INT32_MAX, INT32_MIN, 1 << 24, -100, 100};
    if (rng_below(r, 12) == 0) return odd[rng_below(r, 7)];
    return (int64_t)rng_below(r, 8) - (rng_below(r, 3) == 0 ? 4 : 0);
}

static double real(struct rng *r) {
    static const double odd[] = {NAN, INFINITY, -INFINITY, 1e300, -1e38, 1e-40, 0};
    return rng_below(r, 12) == 0 ? odd[rng_below(r, 7)] : 3 * rng_normal(r);
}

static enum ir_dtype random_type(struct rng *r) {
    uint32_t n = rng_below(r, 8);
    return n < 4 ? IR_F32 : n < 6 ? IR_I64 : (enum ir_dtype)rng_below(r, IR_DTYPE_COUNT);
}

/* There are no elements, whatever the other dimensions say. */
static void huge_shape(struct rng *r, struct ir_value *v) {
    static const int64_t huge[] = {INT64_MAX, INT64_MAX - 1, (int64_t)1 << 40, INT32_MAX, 1 << 16};
    for (int d = 0; d < v->rank; d++)
        if (v->dims[d] != 0 && rng_below(r, 3) == 0) v->dims[d] = huge[rng_below(r, 5)];
}

/* Often that of the value before, or one that goes with it: a list with an entry for each dimension
 * or each channel, a kernel, or something to be broadcast. */
static void random_shape(struct rng *r, const struct ir_value *like, struct ir_value *v) {
    enum { ANY, LIST_OF, KERNEL, BROADCAST, SAME } kind = like ? rng_below(r, 6) : ANY;
    v->rank = kind == ANY ? (int)rng_below(r, 6) : kind == LIST_OF ? 1 : like->rank;
    for (int d = 0; d < v->rank; d++) {
        int64_t drawn = rng_below(r, 24) ? 1 + rng_below(r, 5) : 0;
        bool other = kind == ANY || kind == LIST_OF || (kind == KERNEL && d != 1);
        v->dims[d] = other ? drawn : kind == BROADCAST && rng_below(r, 2) ? 1 : like->dims[d];
    }
    if (ir_elements(v) == 0 && v->rank > 1 && rng_below(r, 2)) huge_shape(r, v);
    if (kind != LIST_OF || v->dtype == IR_BOOL) return;
    const int64_t counts[] = {like->rank, 2 * like->rank, like->rank > 1 ? like->dims[1] : 1, 1};
    if (rng_below(r, 5)) v->dims[0] = counts[rng_below(r, 4)];
}

static void *random_data(struct rng *r, const struct ir_value *v) {
    size_t count = (size_t)ir_elements(v), size = ir_dtype_size(v->dtype);
    void *data = malloc(count > 0 ? count * size : 1);
    assert_non_null(data);
    for (size_t n = 0; n < count; n++) {
        if (v->dtype == IR_F32)
            ((float *)data)[n] = (float)real(r);
        else if (v->dtype == IR_F64)
            ((double *)data)[n] = real(r);
        else
            ir_store_int(v->dtype, data, (int64_t)n, number(r));
    }
    return data;
}

static void random_inputs(struct trial *t, const struct ir_op_info *info) {
    int most = info->max_in < 0 ? 4 : info->max_in, more = most - info->min_in;
    t->node.in = t->in;
    t->node.in_count = info->min_in + (int)rng_below(&t->r, (uint32_t)more + 1);
    assert_true(most <= MAX_IN);
    for (int n = 0; n < t->node.in_count; n++) {
        struct ir_value *v = t->in[n] = &t->values[n];
        if (n >= info->min_in && info->max_in >= 0 && rng_below(&t->r, 4) == 0) {
            t->in[n] = NULL;
            continue;
        }
        const struct ir_value *like = n > 0 && t->in[n - 1] ? t->in[n - 1] : NULL;
        *v = (struct ir_value){.id = n, .name = "in"};
        v->dtype = like && rng_below(&t->r, 2) ? like->dtype : random_type(&t->r);
        random_shape(&t->r, like, v);
        if (ir_elements(v) > MOST) v->rank = 0;
        t->data[n].data = random_data(&t->r, v);
        if (n > 0 && rng_below(&t->r, 3)) v->data = t->data[n].data;
    }
}

/* Of spatial dimensions, all of them, or both ends of them. */
static int list_length(struct trial *t) {
    int rank = t->node.in_count > 0 && t->in[0] ? t->in[0]->rank : 0;
    const int lengths[] = {rank - 2, 2 * (rank - 2), rank, (int)rng_below(&t->r, LIST + 1)};
    int n = lengths[rng_below(&t->r, 4)];
    return n < 0 ? 0 : n > LIST ? LIST : n;
}

static void random_attrs(struct trial *t) {
    struct ir_attr_info info;
    int count = 0;
    for (int n = 0; ir_attr_schema(t->node.op, n, &info); n++) {
        if (rng_below(&t->r, 2)) continue;
        struct ir_attr *a = &t->attrs[count++];
        int64_t *list = arena_array(t->a, LIST, sizeof *list);
        *a = (struct ir_attr){.name = arena_strdup(t->a, info.name), .kind = info.kind, .s = ""};
        if (info.kind == IR_ATTR_INT) a->i = number(&t->r);
        if (info.kind == IR_ATTR_FLOAT) a->f = real(&t->r);
        if (info.kind == IR_ATTR_STRING) a->s = words[rng_below(&t->r, WORDS)];
        if (info.kind == IR_ATTR_INTS) {
            a->ints = list;
            a->count = list_length(t);
            bool small = rng_below(&t->r, 4) != 0;
            for (int i = 0; i < a->count; i++)
                list[i] = small ? (int64_t)rng_below(&t->r, 4) : number(&t->r);
        }
    }
    t->node.attrs = t->attrs;
    t->node.attr_count = count;
}

/* False: shape inference refuses, or the shapes are open or large. */
static bool give_outputs(struct trial *t, const struct ir_op_info *info) {
    int most = info->max_out < 0 ? MAX_OUT : info->max_out;
    struct ir_type types[MAX_OUT];
    assert_true(most <= MAX_OUT);
    t->node.out = t->out;
    t->node.out_count = info->min_out + (int)rng_below(&t->r, (uint32_t)(most - info->min_out) + 1);
    for (int n = 0; n < t->node.out_count; n++) {
        t->out[n] = &t->values[MAX_IN + n];
        *t->out[n] = (struct ir_value){.id = MAX_IN + n, .name = "out", .rank = -1};
        t->out[n]->dtype = random_type(&t->r);
    }
    if (!ir_op_types(t->a, &t->node, NULL, types)) return false;
    for (int n = 0; n < t->node.out_count; n++) {
        t->out[n]->dtype = types[n].dtype;
        t->out[n]->rank = types[n].rank;
        memcpy(t->out[n]->dims, types[n].dims, sizeof types[n].dims);
        int64_t elements = ir_elements(t->out[n]);
        if (elements < 0 || elements > ELEMENTS) return false;
    }
    return true;
}

static size_t bytes_of(const struct ir_value *v) {
    return (size_t)ir_elements(v) * ir_dtype_size(v->dtype);
}

/* False: it says that it cannot be evaluated. */
static bool evaluate(struct trial *t, int fill) {
    for (int n = 0; n < t->node.out_count; n++) {
        size_t bytes = bytes_of(t->out[n]);
        t->data[MAX_IN + n].data = malloc(bytes ? bytes : 1);
        assert_non_null(t->data[MAX_IN + n].data);
        memset(t->data[MAX_IN + n].data, fill, bytes);
    }
    return ir_op_eval(t->a, &t->node, t->data);
}

static void assert_same(struct trial *t, const struct ir_tensor *first, uint64_t seed) {
    for (int n = 0; n < t->node.out_count; n++)
        if (memcmp(first[n].data, t->data[MAX_IN + n].data, bytes_of(t->out[n])) != 0)
            fail_msg("%s, seed %llu: output %d depends on what was there",
                     ir_op_info(t->node.op)->name, (unsigned long long)seed, n);
}

static void forget(struct trial *t) {
    for (int n = 0; n < MAX_IN + MAX_OUT; n++) free(t->data[n].data);
}

/* Whether it was evaluated. */
static bool try_once(enum ir_op op, uint64_t seed) {
    static struct trial t; /* survives the jump out of memory */
    static struct ir_tensor first[MAX_OUT];
    static bool ran;
    memset(&t, 0, sizeof t);
    memset(first, 0, sizeof first);
    ran = false;
    ctx_init(&t.c, "test", NULL);
    t.c.limit = 64 << 20;
    if (setjmp(t.c.oom) == 0) {
        const struct ir_op_info *info = ir_op_info(op);
        t.a = arena_new(&t.c);
        t.r = (struct rng){seed * IR_OP_COUNT + (uint64_t)op};
        t.node = (struct ir_node){.op = op, .name = "n"};
        random_inputs(&t, info);
        random_attrs(&t);
        if (give_outputs(&t, info) && evaluate(&t, 0xa5)) {
            memcpy(first, &t.data[MAX_IN], sizeof first);
            ran = evaluate(&t, 0x5a);
            assert_same(&t, first, seed);
        } else if (t.c.errors == 0 && t.node.out_count > 0 && t.data[MAX_IN].data) {
            fail_msg("%s, seed %llu: failed and said nothing", info->name,
                     (unsigned long long)seed);
        }
    }
    for (int n = 0; n < MAX_OUT; n++) free(first[n].data);
    forget(&t);
    ctx_free(&t.c);
    return ran;
}

static void every_operator(void **state) {
    (void)state;
    const char *only = getenv("NBQ_TEST_OP");
    long all = 0, runs = 0;
    for (int op = 0; op < IR_OP_COUNT; op++) {
        if (!ir_op_runs((enum ir_op)op) ||
            (only && strcmp(only, ir_op_info((enum ir_op)op)->name) != 0))
            continue;
        long ran = 0, tried = 0;
        while (ran < ENOUGH && tried < ROUNDS) ran += try_once((enum ir_op)op, (uint64_t)++tried);
        if (only || getenv("NBQ_TEST_SAY"))
            print_message("%s %ld\n", ir_op_info((enum ir_op)op)->name, ran);
        all += tried;
        runs += ran;
    }
    assert_true(runs > all / 50);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_operator)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
