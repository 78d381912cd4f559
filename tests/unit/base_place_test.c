/* Placing by lifetime, against its contract and against the plain quadratic way of doing it. */
#include "test.h"

#include "base/bytes.h"
#include "base/place.h"

#include <stdlib.h>
#include <time.h>

static struct placed *random_items(struct arena *a, struct rng *r, int count, int steps) {
    struct placed *items = arena_array(a, (size_t)count, sizeof *items);
    for (int i = 0; i < count; i++) {
        int life = rng_below(r, 5) ? 3 : steps; /* mostly short */
        items[i].first = (int)rng_below(r, (uint32_t)steps);
        items[i].last = items[i].first + (int)rng_below(r, (uint32_t)life);
        items[i].bytes = rng_below(r, 4) ? rng_below(r, 4000) : 64 * rng_below(r, 9);
    }
    return items;
}

static uint64_t end_of(const struct placed *p) {
    return p->at + (p->bytes + PLACE_ALIGN - 1) / PLACE_ALIGN * PLACE_ALIGN;
}

static bool together(const struct placed *a, const struct placed *b) {
    return a->first <= b->last && b->first <= a->last;
}

static uint64_t least(const struct placed *items, int count) {
    uint64_t most = 0;
    for (int i = 0; i < count; i++) { /* the maximum is reached where some item begins */
        uint64_t alive = 0;
        for (int k = 0; k < count; k++)
            if (items[k].first <= items[i].first && items[i].first <= items[k].last)
                alive += end_of(&items[k]) - items[k].at;
        most = alive > most ? alive : most;
    }
    return most;
}

/* Where the rule puts an item, tried place by place. */
static uint64_t plain_place(const struct placed *items, int count, const struct placed *item) {
    uint64_t best = UINT64_MAX, best_gap = UINT64_MAX, size = end_of(item) - item->at, top = 0;
    for (int i = -1; i < count; i++) { /* a gap begins at 0 or behind a neighbour */
        if (i >= 0 && !together(&items[i], item)) continue;
        uint64_t from = i < 0 ? 0 : end_of(&items[i]), to = UINT64_MAX;
        bool free = true;
        for (int k = 0; k < count; k++) {
            if (!together(&items[k], item) || end_of(&items[k]) == items[k].at) continue;
            if (items[k].at >= from && items[k].at < to) to = items[k].at;
            if (items[k].at < from && end_of(&items[k]) > from) free = false;
        }
        top = from > top ? from : top;
        if (!free || to == UINT64_MAX || to - from < size || to == from) continue;
        if (to - from < best_gap || (to - from == best_gap && from < best))
            best = from, best_gap = to - from;
    }
    return best != UINT64_MAX ? best : top;
}

static int by_size(const void *x, const void *y) {
    const struct placed *a = x, *b = y;
    if (a->bytes != b->bytes) return a->bytes < b->bytes ? 1 : -1;
    return a->first < b->first ? -1 : a->first > b->first;
}

static void nothing_overlaps(void **state) {
    (void)state;
    struct rng r = {71};
    for (int round = 0; round < 300; round++) {
        TEST_CTX(c);
        int count = 1 + (int)rng_below(&r, 60);
        struct placed *items = random_items(arena_new(&c), &r, count, 1 + (int)rng_below(&r, 50));
        uint64_t total = place_all(&c, items, count), top = 0;
        for (int i = 0; i < count; i++) {
            assert_int_equal(items[i].at % PLACE_ALIGN, 0);
            top = end_of(&items[i]) > top ? end_of(&items[i]) : top;
            for (int k = 0; k < i; k++)
                if (together(&items[i], &items[k]))
                    assert_true(items[i].at >= end_of(&items[k]) ||
                                items[k].at >= end_of(&items[i]));
        }
        assert_int_equal(total, top);
        assert_int_equal(place_least(&c, items, count), least(items, count));
        assert_true(total >= place_least(&c, items, count));
        ctx_free(&c);
    }
}

/* Distinct sizes and beginnings, so that the order is one. */
static void follows_the_rule(void **state) {
    (void)state;
    struct rng r = {72};
    for (int round = 0; round < 200; round++) {
        TEST_CTX(c);
        int count = 1 + (int)rng_below(&r, 40);
        struct placed *items = random_items(arena_new(&c), &r, count, 40);
        for (int i = 0; i < count; i++) items[i].bytes = items[i].bytes * 64 + (uint64_t)i + 1;
        place_all(&c, items, count);
        qsort(items, (size_t)count, sizeof *items, by_size);
        for (int i = 0; i < count; i++)
            assert_int_equal(items[i].at, plain_place(items, i, &items[i]));
        ctx_free(&c);
    }
}

static void a_chain_takes_two(void **state) {
    (void)state;
    TEST_CTX(c);
    enum { LONG = 20000 };
    struct placed *items = arena_array(arena_new(&c), LONG, sizeof *items);
    for (int i = 0; i < LONG; i++) items[i] = (struct placed){i, i + 1, 1000, 0};
    assert_int_equal(place_all(&c, items, LONG), 2 * 1024);
    assert_int_equal(place_least(&c, items, LONG), 2 * 1024);
    assert_int_equal(place_all(&c, items, 0), 0);
    assert_int_equal(place_least(&c, items, 0), 0);
    ctx_free(&c);
}

/* More than gaps are looked for among; each behind those before it, in a moment. */
static void a_crowd_is_stacked(void **state) {
    (void)state;
    TEST_CTX(c);
    enum { MANY = 100000 };
    struct placed *items = arena_array(arena_new(&c), MANY, sizeof *items);
    for (int i = 0; i < MANY; i++) items[i] = (struct placed){i, MANY, 64, 0};
    clock_t start = clock();
    assert_int_equal(place_all(&c, items, MANY), (uint64_t)64 * MANY);
    assert_true(clock() - start < 20 * CLOCKS_PER_SEC);
    for (int i = 0; i < MANY; i++) assert_int_equal(items[i].at, 64 * (uint64_t)i);
    ctx_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_overlaps),
        cmocka_unit_test(follows_the_rule),
        cmocka_unit_test(a_chain_takes_two),
        cmocka_unit_test(a_crowd_is_stacked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
