/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_lookout.c: looking at the network with a gateway on loopback, and the alarm, read back from
 * the system instead of waited for. Nothing is sent.
 */
#define _GNU_SOURCE
#include "driver/lookout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/timerfd.h>

#include <cmocka.h>

#include "driver/clock.h"

static const struct ph_os_choice loopback = {
    .gateway = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 9}}};

/* Until it rings, in milliseconds; 0 = it is not set. */
static uint64_t left_ms(const struct ph_lookout *lookout) {
    struct itimerspec time;
    assert_int_equal(timerfd_gettime(lookout->alarm, &time), 0);
    return (uint64_t)time.it_value.tv_sec * 1000U + (uint64_t)time.it_value.tv_nsec / 1000000U;
}

static void network_is_news_until_it_was_told(void **state) {
    struct ph_lookout lookout;
    struct ph_network network;
    ph_us now = ph_clock_now();
    (void)state;
    ph_lookout_init(&lookout, &loopback);
    assert_int_equal(ph_lookout_look(&lookout, now, &network), 1);
    assert_int_equal(network.count, 1);
    /* The engine had no memory for it. */
    assert_int_equal(ph_lookout_look(&lookout, now, &network), 1);
    lookout.network = network;
    assert_int_equal(ph_lookout_look(&lookout, now, &network), 0);
    /* How far the network reaches is news as well. */
    lookout.network.paths[0].prefix_len = 9;
    assert_int_equal(ph_lookout_look(&lookout, now, &network), 1);
    ph_lookout_done(&lookout);
}

static void nothing_is_polled_before_a_mapping_is_wanted(void **state) {
    struct ph_lookout lookout;
    struct pollfd fds[2];
    ph_us now = ph_clock_now();
    (void)state;
    ph_lookout_init(&lookout, &loopback);
    assert_false(ph_lookout_turn(&lookout, now + PH_SECONDS(9)));
    ph_lookout_pollfds(&lookout, fds);
    assert_true(fds[0].fd == -1 && fds[1].fd == -1);
    ph_lookout_set_alarm(&lookout, now, now + PH_SECONDS(9)); /* there is none */
    ph_watch_want(&lookout.watch, now);
    assert_true(ph_lookout_turn(&lookout, now + PH_WATCH_OPEN_DELAY));
    /* What changed before is looked at, and then news are waited for. */
    assert_true(ph_watch_is_due(&lookout.watch, now + PH_WATCH_OPEN_DELAY));
    ph_watch_looked(&lookout.watch, now + PH_WATCH_OPEN_DELAY, true);
    ph_lookout_pollfds(&lookout, fds);
    assert_true(fds[0].fd >= 0 && fds[1].fd >= 0);
    assert_true(lookout.watch.has_news && !lookout.watch.has_all); /* a named gateway */
    ph_lookout_done(&lookout);
}

static void alarm_follows_the_deadline_a_little_behind(void **state) {
    struct ph_lookout lookout;
    ph_us now = ph_clock_now();
    (void)state;
    ph_lookout_init(&lookout, &loopback);
    lookout.alarm = ph_os_alarm_open();
    assert_int_equal(left_ms(&lookout), 0);
    ph_lookout_set_alarm(&lookout, now, now + PH_SECONDS(1000));
    assert_in_range(left_ms(&lookout), 999000, 1000100);
    ph_lookout_set_alarm(&lookout, now, now + PH_SECONDS(500)); /* sooner */
    assert_in_range(left_ms(&lookout), 499000, 500100);
    ph_lookout_set_alarm(&lookout, now, now + PH_SECONDS(2000)); /* later */
    assert_in_range(left_ms(&lookout), 1999000, 2000100);
    ph_lookout_set_alarm(&lookout, now,
                         now + PH_MS(1999)); /* poll() is late by no more than that */
    assert_int_equal(left_ms(&lookout), 0);
    ph_lookout_set_alarm(&lookout, now, now + PH_SECONDS(1000));
    assert_true(left_ms(&lookout) > 0);
    ph_lookout_set_alarm(&lookout, now, PH_NEVER);
    assert_int_equal(left_ms(&lookout), 0);
    ph_lookout_done(&lookout);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(network_is_news_until_it_was_told),
        cmocka_unit_test(nothing_is_polled_before_a_mapping_is_wanted),
        cmocka_unit_test(alarm_follows_the_deadline_a_little_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
