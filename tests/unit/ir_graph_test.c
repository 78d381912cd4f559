/* Building and editing graphs. */
#include "ir_test.h"

struct chain { /* x → a → b, c = b + a */
    struct ctx c;
    struct ir_graph *g;
    struct ir_value *x, *a, *b, *y;
    struct ir_node *first, *second, *third;
};

static struct ir_value *value(struct ir_graph *g, const char *name) {
    return ir_value_new(g, name, IR_F32, 2, (int64_t[]){2, 3});
}

static struct ir_node *node(struct ir_graph *g, struct ir_node *before, enum ir_op op,
                            struct ir_value *p, struct ir_value *q, struct ir_value *out) {
    return ir_node_new(g, before, op, NULL, (struct ir_value *[]){p, q}, q == NULL ? 1 : 2, &out,
                       1);
}

static void make(struct chain *k) {
    ctx_init(&k->c, "test", NULL);
    k->g = ir_graph_new(&k->c, "chain");
    k->x = value(k->g, "x");
    k->a = value(k->g, "a");
    k->b = value(k->g, "b");
    k->y = value(k->g, "y");
    ir_add_input(k->g, k->x);
    ir_add_output(k->g, k->y);
    k->third = node(k->g, NULL, IR_OP_add, k->b, k->a, k->y);
    k->first = node(k->g, k->third, IR_OP_relu, k->x, NULL, k->a);
    k->second = node(k->g, k->third, IR_OP_identity, k->a, NULL, k->b);
}

static void test_order(void **state) {
    (void)state;
    struct chain k;
    make(&k);
    assert_ptr_equal(k.g->first, k.first);
    assert_ptr_equal(k.first->next, k.second);
    assert_ptr_equal(k.second->next, k.third);
    assert_ptr_equal(k.g->last, k.third);
    assert_ptr_equal(k.third->prev, k.second);
    assert_null(k.first->prev);
    assert_ptr_equal(k.b->producer, k.second);
    assert_true(ir_verify(k.g, "test"));
    ctx_free(&k.c);
}

static void test_uses(void **state) {
    (void)state;
    struct chain k;
    make(&k);
    assert_int_equal(ir_use_count(k.g, k.a), 2);
    assert_int_equal(ir_use_count(k.g, k.y), 1);
    assert_null(ir_single_user(k.g, k.a));
    assert_null(ir_single_user(k.g, k.y)); /* an output of the graph is no node */
    assert_ptr_equal(ir_single_user(k.g, k.b), k.third);
    ir_set_input(k.g, k.third, 0, k.a);
    assert_ptr_equal(ir_single_user(k.g, k.x), k.first);
    assert_int_equal(ir_use_count(k.g, k.b), 0);
    assert_null(ir_single_user(k.g, k.b));
    ctx_free(&k.c);
}

static void test_replace_and_remove(void **state) {
    (void)state;
    struct chain k;
    make(&k);
    ir_replace_uses(k.g, k.b, k.a);
    ir_node_remove(k.g, k.second);
    assert_null(k.g->values[k.b->id]);
    assert_int_equal(ir_use_count(k.g, k.a), 2);
    assert_true(ir_verify(k.g, "test"));
    ir_replace_uses(k.g, k.y, k.a);
    ir_node_remove(k.g, k.third);
    assert_ptr_equal(k.g->outputs[0], k.a);
    assert_ptr_equal(k.g->last, k.first);
    assert_true(ir_verify(k.g, "test"));
    ir_replace_uses(k.g, k.a, k.x);
    ir_node_remove(k.g, k.first);
    assert_null(k.g->first);
    assert_null(k.g->last);
    ctx_free(&k.c);
}

/* A new node may take over the output of the one it replaces. */
static void test_output_moves(void **state) {
    (void)state;
    struct chain k;
    make(&k);
    struct ir_node *n = node(k.g, k.second, IR_OP_relu, k.a, NULL, k.b);
    ir_node_remove(k.g, k.second);
    assert_ptr_equal(k.b->producer, n);
    assert_ptr_equal(k.g->values[k.b->id], k.b);
    assert_true(ir_verify(k.g, "test"));
    ctx_free(&k.c);
}

static void test_names(void **state) {
    (void)state;
    struct chain k;
    make(&k);
    assert_string_equal(ir_unique_name(k.g, "new"), "new");
    assert_string_equal(ir_unique_name(k.g, "a"), "a_1");
    value(k.g, "a_7");
    value(k.g, "a_07");
    value(k.g, "ab_90");
    assert_string_equal(ir_unique_name(k.g, "a"), "a_8");
    struct ir_value *v = ir_value_new(k.g, NULL, IR_F32, 0, NULL);
    struct ir_value *w = ir_value_new(k.g, NULL, IR_F32, 0, NULL);
    assert_true(v->name[0] != '\0' && strcmp(v->name, w->name) != 0);
    ctx_free(&k.c);
}

/* A name that is free again may be taken; numbers that were given stay given. */
static void test_names_change(void **state) {
    (void)state;
    struct chain k;
    make(&k);
    ir_value_rename(k.g, k.b, "a_3");
    assert_string_equal(k.b->name, "a_3");
    assert_string_equal(ir_unique_name(k.g, "b"), "b");
    assert_string_equal(ir_unique_name(k.g, "a"), "a_4");
    assert_string_equal(ir_unique_name(k.g, "a_3"), "a_3_1");
    value(k.g, "a_999999999");
    value(k.g, "a_1000000000"); /* of more digits than are kept */
    assert_string_equal(ir_unique_name(k.g, "a"), "a_1000000001");
    struct ir_value *loose = value(k.g, "loose");
    assert_string_equal(ir_unique_name(k.g, "loose"), "loose_1");
    ir_value_remove(k.g, loose);
    ir_value_remove(k.g, loose);
    assert_string_equal(ir_unique_name(k.g, "loose"), "loose");
    ctx_free(&k.c);
}

/* 200,000 names of one stem, and a value that all nodes read, taken away one by one: seconds where
 * each step looks at what is there, and hours where each looks at everything. */
static void test_many_names_and_uses(void **state) {
    (void)state;
    enum { MANY = 200000 };
    struct chain k;
    make(&k);
    for (int i = 0; i < MANY; i++) {
        struct ir_value *v = value(k.g, ir_unique_name(k.g, "v"));
        node(k.g, NULL, IR_OP_add, k.x, k.x, v);
    }
    assert_string_equal(k.g->last->out[0]->name, "v_199999");
    assert_int_equal(ir_use_count(k.g, k.x), 1 + 2 * MANY);
    assert_null(ir_single_user(k.g, k.x));
    assert_true(ir_verify(k.g, "test"));
    ir_replace_uses(k.g, k.x, k.a); /* one of them is the relu that makes it */
    ir_set_input(k.g, k.first, 0, k.x);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(ir_use_count(k.g, k.a), 2 + 2 * (MANY - i));
        ir_node_remove(k.g, i % 2 == 0 ? k.g->last : k.third->next);
    }
    assert_ptr_equal(ir_single_user(k.g, k.x), k.first);
    assert_true(ir_verify(k.g, "test"));
    ctx_free(&k.c);
}

/* What is kept about uses is what a look at all nodes finds, after any edits. */
static void test_uses_at_random(void **state) {
    (void)state;
    struct chain k;
    struct rng r = {20261123};
    make(&k);
    for (int step = 0; step < 3000; step++) {
        struct ir_value *v[4];
        for (int i = 0; i < 4; i++) {
            do v[i] = k.g->values[rng_below(&r, (uint32_t)k.g->value_count)];
            while (v[i] == NULL);
        }
        uint32_t what = rng_below(&r, 8);
        if (what < 2) node(k.g, NULL, IR_OP_add, v[0], v[1], value(k.g, ir_unique_name(k.g, "n")));
        if (what == 2) ir_replace_uses(k.g, v[0], v[1]);
        if (what == 3 && v[0]->producer != NULL)
            ir_set_input(k.g, v[0]->producer, (int)rng_below(&r, 5), v[1]);
        if (what == 4 && ir_use_count(k.g, v[0]) == 0 && v[0]->producer != NULL)
            ir_node_remove(k.g, v[0]->producer);
        if (what == 5) ir_set_output(k.g, 0, v[0]);
        if (what == 6) ir_value_rename(k.g, v[0], ir_unique_name(k.g, "n_5"));
        if (what == 7 && step % 64 == 0) ir_add_output(k.g, v[1]);
        int uses = 0, outputs = 0;
        struct ir_node *user = NULL;
        for (struct ir_node *n = k.g->first; n != NULL; n = n->next)
            for (int i = 0; i < n->in_count; i++) {
                if (n->in[i] != v[2]) continue;
                uses++;
                user = n;
            }
        for (int i = 0; i < k.g->output_count; i++) outputs += k.g->outputs[i] == v[2];
        assert_int_equal(ir_use_count(k.g, v[2]), uses + outputs);
        assert_ptr_equal(ir_single_user(k.g, v[2]), uses == 1 && outputs == 0 ? user : NULL);
        if (v[0] != v[3]) assert_string_not_equal(v[0]->name, v[3]->name);
    }
    ctx_free(&k.c);
}

static void test_many_values(void **state) {
    (void)state;
    struct chain k;
    make(&k);
    for (int i = 4; i < 1000; i++) {
        char name[16];
        snprintf(name, sizeof name, "v%d", i);
        assert_int_equal(value(k.g, name)->id, i);
    }
    assert_string_equal(k.g->values[0]->name, "x");
    assert_string_equal(k.g->values[999]->name, "v999");
    ctx_free(&k.c);
}

static void test_attributes(void **state) {
    (void)state;
    struct chain k;
    make(&k);
    struct ir_node *n = k.third;
    int count;
    ir_set_string(k.g, n, "act", "clip");
    ir_set_float(k.g, n, "act_min", -0.5);
    ir_set_ints(k.g, n, "list", (int64_t[]){3, 1, 2}, 3);
    ir_set_string(k.g, n, "act", ir_attr_string(n, "act")); /* from itself */
    assert_string_equal(ir_attr_string(n, "act"), "clip");
    assert_int_equal(n->attr_count, 3);
    ir_attr_remove(n, "act");
    ir_attr_remove(n, "act");
    assert_string_equal(ir_attr_string(n, "act"), "none"); /* the default again */
    assert_true(ir_attr_float(n, "act_min") == -0.5);
    assert_int_equal(ir_attr_ints(n, "list", &count)[2], 2);
    assert_int_equal(count, 3);
    ctx_free(&k.c);
}

static void test_elements(void **state) {
    (void)state;
    struct chain k;
    make(&k);
    struct ir_value v = {.rank = 3, .dims = {4, 5, 6}};
    assert_int_equal(ir_elements(&v), 120);
    v.dims[1] = -1;
    assert_int_equal(ir_elements(&v), -1);
    v.dims[1] = INT64_MAX;
    assert_int_equal(ir_elements(&v), INT64_MAX); /* more than fits */
    v.dims[2] = 0;
    assert_int_equal(ir_elements(&v), 0);
    v.rank = 0;
    assert_int_equal(ir_elements(&v), 1);
    v.rank = -1;
    assert_int_equal(ir_elements(&v), -1);
    ctx_free(&k.c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_uses),
        cmocka_unit_test(test_replace_and_remove),
        cmocka_unit_test(test_output_moves),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_names_change),
        cmocka_unit_test(test_many_names_and_uses),
        cmocka_unit_test(test_uses_at_random),
        cmocka_unit_test(test_many_values),
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_elements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
