/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_watch.c: when the network is looked at, in a time that the test steps itself.
 */
#include "driver/watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define START PH_SECONDS(1000)

static struct ph_watch a_watch_with_news(void) {
    struct ph_watch watch;
    ph_watch_init(&watch, 0);
    ph_watch_want(&watch, START);
    assert_true(ph_watch_shall_open(&watch, START + PH_WATCH_OPEN_DELAY));
    watch.has_news = watch.has_all = true;
    ph_watch_hasten(&watch, START + PH_WATCH_OPEN_DELAY);
    ph_watch_looked(&watch, START + PH_WATCH_OPEN_DELAY, true);
    return watch;
}

/* The driver's part: news come in every `interval` of [now, until), and it is looked at what is
 * due, with this result. How many looks, and how many times somebody was woken. */
struct count {
    unsigned looks;
    unsigned wakes;
    ph_us last;
};

static struct count play(struct ph_watch *watch, ph_us now, ph_us until, ph_us interval,
                         bool is_new) {
    struct count count = {0, 0, 0};
    ph_us news = now;
    bool is_unread = false;
    while (now < until) {
        bool is_news_next = news <= ph_watch_deadline(watch) && news < until;
        ph_us next = is_news_next ? news : ph_watch_deadline(watch);
        if (next >= until)
            break;
        now = next > now ? next : now;
        if (is_news_next) {
            news += interval;
            is_unread = true;
            if (!ph_watch_shall_poll(watch))
                continue; /* it sleeps on */
        }
        count.wakes++;
        if (ph_watch_shall_read(watch, now)) {
            ph_watch_read(watch, now, is_unread);
            is_unread = false;
        }
        if (ph_watch_is_due(watch, now)) {
            count.looks++;
            count.last = now;
            ph_watch_looked(watch, now, is_new);
        }
    }
    return count;
}

static void nothing_is_opened_before_a_mapping_is_wanted(void **state) {
    struct ph_watch watch;
    (void)state;
    ph_watch_init(&watch, 0);
    assert_false(ph_watch_shall_open(&watch, START));
    assert_true(ph_watch_deadline(&watch) == PH_NEVER);
    ph_watch_want(&watch, START);
    assert_false(ph_watch_shall_open(&watch, START + PH_WATCH_OPEN_DELAY - 1));
    assert_true(ph_watch_deadline(&watch) == START + PH_WATCH_OPEN_DELAY);
    assert_true(ph_watch_shall_open(&watch, START + PH_WATCH_OPEN_DELAY));
    /* Once. */
    ph_watch_want(&watch, START + PH_SECONDS(1));
    assert_false(ph_watch_shall_open(&watch, START + PH_SECONDS(9)));
    assert_true(ph_watch_deadline(&watch) == PH_NEVER);
}

static void quiet_network_wakes_nobody(void **state) {
    struct ph_watch watch = a_watch_with_news();
    (void)state;
    assert_true(ph_watch_shall_poll(&watch));
    assert_true(ph_watch_deadline(&watch) == PH_NEVER);
    ph_watch_trouble(&watch); /* the system will tell when it is over */
    assert_true(ph_watch_deadline(&watch) == PH_NEVER);
}

static void single_change_is_looked_at_when_it_is_quiet(void **state) {
    struct ph_watch watch = a_watch_with_news();
    ph_us now = START + PH_SECONDS(10);
    (void)state;
    struct count count = play(&watch, now, now + PH_SECONDS(60), PH_SECONDS(100), true);
    assert_int_equal(count.looks, 1);
    assert_true(count.last == now + PH_WATCH_QUIET);
    assert_int_equal(count.wakes, 2);
    assert_true(ph_watch_shall_poll(&watch));
}

static void bunch_of_changes_is_one(void **state) {
    struct ph_watch watch = a_watch_with_news();
    ph_us now = START + PH_SECONDS(10);
    (void)state;
    struct count count = play(&watch, now, now + PH_MS(300), PH_MS(30), true);
    assert_int_equal(count.looks, 0);
    count = play(&watch, now + PH_MS(300), now + PH_SECONDS(60), PH_SECONDS(100), true);
    assert_int_equal(count.looks, 1);
    assert_true(count.last <= now + PH_MS(300) + 2 * PH_WATCH_QUIET);
}

static void changes_without_end_are_looked_at_after_a_second(void **state) {
    struct ph_watch watch = a_watch_with_news();
    ph_us now = START + PH_SECONDS(10);
    (void)state;
    struct count count = play(&watch, now, now + PH_MS(1001), PH_MS(1), true);
    assert_int_equal(count.looks, 1);
    assert_true(count.last <= now + PH_WATCH_LATEST);
}

/* Ten thousand changes a second that are nothing to us. */
static void flood_of_vain_news_costs_little(void **state) {
    struct ph_watch watch = a_watch_with_news();
    ph_us now = START + PH_SECONDS(10);
    (void)state;
    struct count count = play(&watch, now, now + PH_SECONDS(60), 100, false);
    assert_in_range(count.looks, 20, 40);
    assert_in_range(count.wakes, 60, 260);
    /* And when it is over, the next change is looked at as soon as ever. */
    now += PH_SECONDS(70);
    (void)play(&watch, now - PH_SECONDS(10), now, PH_SECONDS(100), false);
    count = play(&watch, now, now + PH_SECONDS(5), PH_SECONDS(100), true);
    assert_int_equal(count.looks, 1);
    assert_true(count.last == now + PH_WATCH_QUIET);
}

static void rest_is_over_by_itself(void **state) {
    struct ph_watch watch = a_watch_with_news();
    ph_us now = START + PH_SECONDS(10);
    (void)state;
    for (unsigned i = 0; i <= PH_WATCH_VAIN_MAX; i++) {
        assert_true(ph_watch_shall_poll(&watch));
        ph_watch_read(&watch, now, true);
        now += PH_WATCH_QUIET;
        ph_watch_looked(&watch, now, false);
    }
    assert_false(ph_watch_shall_poll(&watch));
    assert_false(ph_watch_shall_read(&watch, now + PH_WATCH_REST - 1));
    assert_true(ph_watch_deadline(&watch) == now + PH_WATCH_REST);
    assert_true(ph_watch_shall_read(&watch, now + PH_WATCH_REST));
    ph_watch_read(&watch, now + PH_WATCH_REST, false);
    assert_true(ph_watch_shall_poll(&watch));
    assert_true(ph_watch_deadline(&watch) == PH_NEVER);
}

static void system_that_tells_nothing_is_looked_at_while_something_is_wrong(void **state) {
    struct ph_watch watch;
    (void)state;
    ph_watch_init(&watch, 0);
    ph_watch_looked(&watch, START, true);
    assert_true(ph_watch_deadline(&watch) == PH_NEVER);
    ph_watch_trouble(&watch);
    ph_watch_trouble(&watch);
    assert_true(ph_watch_deadline(&watch) == START + PH_WATCH_PERIOD);
    assert_false(ph_watch_is_due(&watch, START + PH_WATCH_PERIOD - 1));
    assert_true(ph_watch_is_due(&watch, START + PH_WATCH_PERIOD));
    ph_watch_looked(&watch, START + PH_WATCH_PERIOD, false);
    assert_true(ph_watch_deadline(&watch) == PH_NEVER);
}

/* News are not told of every route by which a gateway may be reached. */
static void trouble_that_no_news_would_end_is_looked_at_now_and_then(void **state) {
    struct ph_watch watch = a_watch_with_news();
    ph_us looked = watch.looked;
    (void)state;
    watch.has_all = false;
    ph_watch_trouble(&watch);
    assert_true(ph_watch_deadline(&watch) == looked + PH_WATCH_PERIOD);
    assert_true(ph_watch_shall_poll(&watch));
    /* What the engine could not be told is looked at again in any case. */
    watch = a_watch_with_news();
    ph_watch_again(&watch);
    assert_true(ph_watch_deadline(&watch) == looked + PH_WATCH_PERIOD);
}

static void look_is_stale_after_a_period(void **state) {
    struct ph_watch watch;
    (void)state;
    ph_watch_init(&watch, 0);
    ph_watch_looked(&watch, START, true);
    assert_false(ph_watch_is_stale(&watch, START + PH_WATCH_PERIOD - 1));
    assert_true(ph_watch_is_stale(&watch, START + PH_WATCH_PERIOD));
}

static void sleep_is_noticed_once_and_drift_is_none(void **state) {
    struct ph_watch watch;
    (void)state;
    ph_watch_init(&watch, PH_SECONDS(5000)); /* it slept before, too */
    assert_false(ph_watch_slept(&watch, PH_SECONDS(5000)));
    assert_false(ph_watch_slept(&watch, PH_SECONDS(5000) + PH_MS(999)));
    assert_false(ph_watch_slept(&watch, PH_SECONDS(4999)));
    assert_true(ph_watch_slept(&watch, PH_SECONDS(5001)));
    assert_false(ph_watch_slept(&watch, PH_SECONDS(5001)));
    assert_true(ph_watch_slept(&watch, PH_SECONDS(9000)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_opened_before_a_mapping_is_wanted),
        cmocka_unit_test(quiet_network_wakes_nobody),
        cmocka_unit_test(single_change_is_looked_at_when_it_is_quiet),
        cmocka_unit_test(bunch_of_changes_is_one),
        cmocka_unit_test(changes_without_end_are_looked_at_after_a_second),
        cmocka_unit_test(flood_of_vain_news_costs_little),
        cmocka_unit_test(rest_is_over_by_itself),
        cmocka_unit_test(system_that_tells_nothing_is_looked_at_while_something_is_wrong),
        cmocka_unit_test(trouble_that_no_news_would_end_is_looked_at_now_and_then),
        cmocka_unit_test(look_is_stale_after_a_period),
        cmocka_unit_test(sleep_is_noticed_once_and_drift_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
