/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_heap.c: the heap of timers, also against a plain search through all timers.
 */
#include "base/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"

enum { TIMERS = 400, STEPS = 20000, TIMES = 200 };

static void new_heap_is_never_due(void **state) {
    struct ph_heap heap;
    (void)state;
    ph_heap_init(&heap);
    assert_null(ph_heap_first(&heap));
    assert_true(ph_heap_due(&heap) == PH_NEVER);
    ph_heap_done(&heap);
}

static void reserved_timer_is_not_set_and_has_its_kind(void **state) {
    struct ph_heap heap;
    struct ph_timer timer;
    (void)state;
    ph_heap_init(&heap);
    assert_true(ph_heap_reserve(&heap, &timer, 3));
    assert_true(timer.due == PH_NEVER);
    assert_int_equal(timer.kind, 3);
    assert_null(ph_heap_first(&heap));
    ph_heap_done(&heap);
}

static void earliest_comes_first(void **state) {
    struct ph_heap heap;
    struct ph_timer a, b, c;
    (void)state;
    ph_heap_init(&heap);
    assert_true(ph_heap_reserve(&heap, &a, 0) && ph_heap_reserve(&heap, &b, 0) &&
                ph_heap_reserve(&heap, &c, 0));
    ph_heap_set(&heap, &a, PH_MS(30));
    ph_heap_set(&heap, &b, PH_MS(10));
    ph_heap_set(&heap, &c, PH_MS(20));
    assert_ptr_equal(ph_heap_first(&heap), &b);
    assert_true(ph_heap_due(&heap) == 10000);
    ph_heap_set(&heap, &b, PH_NEVER);
    assert_ptr_equal(ph_heap_first(&heap), &c);
    ph_heap_set(&heap, &b, PH_NEVER);
    ph_heap_set(&heap, &c, PH_SECONDS(1));
    assert_ptr_equal(ph_heap_first(&heap), &a);
    ph_heap_set(&heap, &c, 0);
    assert_ptr_equal(ph_heap_first(&heap), &c);
    assert_true(ph_heap_due(&heap) == 0);
    ph_heap_done(&heap);
}

static void released_timer_leaves_and_gives_its_room_back(void **state) {
    struct ph_heap heap;
    struct ph_timer a, b;
    (void)state;
    ph_heap_init(&heap);
    assert_true(ph_heap_reserve(&heap, &a, 0) && ph_heap_reserve(&heap, &b, 0));
    ph_heap_set(&heap, &a, 1);
    ph_heap_set(&heap, &b, 2);
    ph_heap_release(&heap, &a);
    assert_true(a.due == PH_NEVER);
    assert_ptr_equal(ph_heap_first(&heap), &b);
    ph_heap_release(&heap, &b);
    assert_null(ph_heap_first(&heap));
    assert_int_equal(heap.reserved, 0);
    /* Owners come and go for years: the array must not grow with them. */
    for (int i = 0; i < 1000; i++) {
        assert_true(ph_heap_reserve(&heap, &a, 0));
        ph_heap_set(&heap, &a, 1);
        ph_heap_release(&heap, &a);
    }
    assert_true(heap.size < 100);
    ph_heap_done(&heap);
}

static ph_us search_earliest(const struct ph_timer *timers) {
    ph_us due = PH_NEVER;
    for (size_t i = 0; i < TIMERS; i++)
        if (timers[i].due < due)
            due = timers[i].due;
    return due;
}

/* The horizon is where it is put from time to time, as in an engine whose time goes on. */
static void keep_the_earliest_first(uint32_t horizon_below) {
    struct ph_seeded seeded = {42};
    const struct ph_random source = {ph_seeded_fill, &seeded};
    struct ph_timer timers[TIMERS];
    struct ph_heap heap;
    ph_heap_init(&heap);
    for (size_t i = 0; i < TIMERS; i++)
        assert_true(ph_heap_reserve(&heap, &timers[i], (unsigned)i));
    for (int step = 0; step < STEPS; step++) {
        struct ph_timer *timer = &timers[ph_random_below(&source, TIMERS)];
        /* Few different times, so that equal ones meet often. */
        ph_us due = ph_random_below(&source, 4) == 0 ? PH_NEVER : ph_random_below(&source, TIMES);
        if (horizon_below > 0 && ph_random_below(&source, 100) == 0)
            heap.horizon = ph_random_below(&source, horizon_below);
        if (ph_random_below(&source, 8) == 0) {
            ph_heap_release(&heap, timer);
            assert_true(ph_heap_reserve(&heap, timer, timer->kind));
        }
        ph_heap_set(&heap, timer, due);
        assert_true(timer->due == due);
        assert_true(ph_heap_due(&heap) == search_earliest(timers));
        const struct ph_timer *first = ph_heap_first(&heap);
        assert_int_equal(first != NULL, ph_heap_due(&heap) != PH_NEVER);
        if (first)
            assert_true(first->due == ph_heap_due(&heap));
    }
    ph_heap_done(&heap);
}

static void every_order_of_calls_keeps_the_earliest_first(void **state) {
    (void)state;
    keep_the_earliest_first(0);
}

static void so_it_does_when_those_due_soon_are_apart(void **state) {
    (void)state;
    keep_the_earliest_first(TIMES / 8);
    keep_the_earliest_first(2 * TIMES); /* more of them than have a place apart */
}

static void those_due_soon_do_not_move_the_others(void **state) {
    struct ph_timer timers[TIMERS];
    struct ph_heap heap;
    (void)state;
    ph_heap_init(&heap);
    heap.horizon = 10;
    for (size_t i = 0; i < TIMERS; i++) {
        assert_true(ph_heap_reserve(&heap, &timers[i], 0));
        ph_heap_set(&heap, &timers[i], 1000 + i);
    }
    ph_heap_set(&heap, &timers[TIMERS - 1], 5);
    assert_ptr_equal(ph_heap_first(&heap), &timers[TIMERS - 1]);
    for (size_t i = 0; i + 1 < TIMERS; i++)
        assert_int_equal(timers[i].at, i);
    ph_heap_done(&heap);
}

static void timers_come_out_in_order(void **state) {
    struct ph_seeded seeded = {43};
    const struct ph_random source = {ph_seeded_fill, &seeded};
    struct ph_timer timers[TIMERS];
    struct ph_heap heap;
    ph_us last = 0;
    size_t count = 0;
    (void)state;
    ph_heap_init(&heap);
    for (size_t i = 0; i < TIMERS; i++) {
        assert_true(ph_heap_reserve(&heap, &timers[i], 0));
        ph_heap_set(&heap, &timers[i], ph_random_below(&source, 1000));
    }
    for (struct ph_timer *first; (first = ph_heap_first(&heap)) != NULL; count++) {
        assert_true(first->due >= last);
        last = first->due;
        ph_heap_set(&heap, first, PH_NEVER);
    }
    assert_int_equal(count, TIMERS);
    ph_heap_done(&heap);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_heap_is_never_due),
        cmocka_unit_test(reserved_timer_is_not_set_and_has_its_kind),
        cmocka_unit_test(earliest_comes_first),
        cmocka_unit_test(released_timer_leaves_and_gives_its_room_back),
        cmocka_unit_test(every_order_of_calls_keeps_the_earliest_first),
        cmocka_unit_test(so_it_does_when_those_due_soon_are_apart),
        cmocka_unit_test(those_due_soon_do_not_move_the_others),
        cmocka_unit_test(timers_come_out_in_order),
    };
    return cmocka_run_group_tests_name("heap", tests, NULL, NULL);
}
