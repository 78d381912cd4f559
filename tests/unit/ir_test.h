/* What the tests of the IR share: a context, graphs from text, and the oracle's answer compared
 * with written numbers. */
#ifndef NBQ_TESTS_UNIT_IR_TEST_H
#define NBQ_TESTS_UNIT_IR_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ir/internal.h"

#include <math.h>
#include <string.h>

/* The graph of the statements in `lines`, returning %y; failing the test if it does not parse. */
static inline struct ir_graph *ir_test_parse(struct ctx *c, const char *lines) {
    struct arena *a = arena_new(c);
    const char *text = arena_printf(a, "graph \"t\" {\n%s\nreturn %%y\n}\n", lines);
    struct ir_graph *g = ir_parse(c, "t.nir", text, strlen(text));
    if (g == NULL) fail_msg("%s\n%s", c->first->message, text);
    return g;
}

static inline bool ir_test_close(double found, double want) {
    if (isnan(want)) return isnan(found);
    return found == want || fabs(found - want) <= 1e-6 * (1 + fabs(want));
}

/* A graph of constants and one operator, and the elements of %y it has to give; integers are
 * compared exactly. */
struct ir_test_case {
    const char *name, *lines;
    double want[80];
    int count;
};

static inline void ir_test_evaluate(const struct ir_test_case *t) {
    struct ctx c;
    ctx_init(&c, "test", NULL);
    struct ir_graph *g = ir_test_parse(&c, t->lines);
    if (!ir_verify(g, "test")) fail_msg("%s: %s: %s", t->name, c.first->where, c.first->message);
    struct ir_tensor *values = arena_array(g->arena, (size_t)g->value_count, sizeof *values);
    if (!ir_eval(g, g->arena, NULL, values)) fail_msg("%s: %s", t->name, c.first->message);
    const struct ir_value *y = g->outputs[0];
    assert_int_equal(ir_elements(y), t->count);
    for (int i = 0; i < t->count; i++) {
        double found = ir_load_float(y->dtype, values[y->id].data, i);
        bool exact = y->dtype != IR_F32;
        if (exact ? found == t->want[i] : ir_test_close(found, t->want[i])) continue;
        fail_msg("%s: element %d is %.9g, expected %.9g", t->name, i, found, t->want[i]);
    }
    ctx_free(&c);
}

#endif
