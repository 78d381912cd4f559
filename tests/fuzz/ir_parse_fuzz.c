/* Any bytes as IR text: parsing gives a graph or a message; a graph prints, and what it prints
 * parses to the same text; the verifier says yes or no; what it passes, if it is small, is
 * evaluated, each input in memory of exactly its size. */
#include "ir/ir.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_VALUE = 2000, MAX_ALL = 8000, MAX_NUMBER = 50 };

static const char *print(const struct ir_graph *g, unsigned flags, size_t *size) {
    struct writer w;
    writer_init(&w, g->arena);
    ir_print(g, flags, &w);
    *size = w.size;
    return writer_string(&w);
}

static void check(struct ctx *c, struct ir_graph *g, unsigned flags) {
    size_t size, again_size;
    const char *text = print(g, flags, &size);
    struct ir_graph *again = ir_parse(c, "printed", text, size);
    if (again == NULL) abort();
    const char *again_text = print(again, flags, &again_size);
    if (size != again_size || memcmp(text, again_text, size) != 0) abort();
}

/* The time a node takes is bounded by what it reads and makes, and by its windows. */
static bool has_small_numbers(const struct ir_node *n) {
    for (int i = 0; i < n->attr_count; i++)
        for (int k = 0; n->attrs[i].kind == IR_ATTR_INTS && k < n->attrs[i].count; k++)
            if (n->attrs[i].ints[k] > MAX_NUMBER || n->attrs[i].ints[k] < -MAX_NUMBER) return false;
    return true;
}

static bool is_small(const struct ir_graph *g) {
    int64_t all = 0;
    for (int i = 0; i < g->value_count; i++) {
        if (g->values[i] == NULL) continue;
        int64_t count = ir_elements(g->values[i]);
        if (count < 0 || count > MAX_VALUE) return false;
        all += count;
    }
    for (const struct ir_node *n = g->first; n != NULL; n = n->next)
        if (!has_small_numbers(n)) return false;
    return all <= MAX_ALL;
}

static void evaluate(struct ctx *c, struct ir_graph *g) {
    struct arena *a = arena_new(c);
    const void **in = arena_array(a, (size_t)g->input_count, sizeof *in);
    struct ir_tensor *values = arena_array(a, (size_t)g->value_count, sizeof *values);
    for (int i = 0; i < g->input_count; i++) {
        const struct ir_value *v = g->inputs[i];
        size_t bytes = (size_t)ir_elements(v) * ir_dtype_size(v->dtype);
        uint8_t *exact = malloc(bytes > 0 ? bytes : 1);
        if (exact == NULL) ctx_oom(c);
        ctx_defer(c, free, exact);
        memset(exact, 1, bytes);
        in[i] = exact;
    }
    int errors = c->errors;
    /* cppcheck-suppress knownConditionTrueFalse ; g has c */
    if (!ir_eval(g, a, in, values) && c->errors == errors) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ctx c;
    ctx_init(&c, "fuzz", NULL);
    if (setjmp(c.oom) == 0) {
        struct ir_graph *g = ir_parse(&c, "fuzz", (const char *)data, size);
        if (g == NULL && c.errors == 0) abort();
        if (g != NULL) {
            check(&c, g, 0);
            check(&c, g, IR_PRINT_DATA);
            if (ir_verify(g, "fuzz") && is_small(g)) evaluate(&c, g);
        }
    }
    ctx_free(&c);
    return 0;
}
