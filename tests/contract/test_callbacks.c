/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_callbacks.c: what a callback may do to its client, and what one that takes its time must not
 * do to the other mappings; in each of the three ways to drive a client, on a stepped clock.
 */
#define _GNU_SOURCE
#include "tests/contract/lease_bench.h"

#define SLEEP_MS 2000
#define NAP_MS 2000
#define SLEEPERS (LEASE_S * 1000 / NAP_MS + 4)
#define KEPT 20U

static unsigned way;

static int setup(void **state) {
    *state = bench_new(way);
    return 0;
}

static int teardown(void **state) {
    bench_free(*state);
    return 0;
}

static unsigned count_of(struct bench *bench, enum porthole_event_type type) {
    unsigned count = 0;
    for (unsigned i = 0; i < bench_count(bench); i++)
        count += bench->events[i].type == type ? 1 : 0;
    return count;
}

/* ---- Whatever it calls ----------------------------------------------------------------------- */

static void end_itself_and_ask_on(struct bench *bench, const struct porthole_event *event) {
    struct porthole_mapping mapping = PORTHOLE_MAPPING_INIT;
    porthole_id id = event->mapping.id;
    if (event->type == PORTHOLE_EVENT_MAPPED) {
        bench->answers[0] = porthole_unmap(bench->client, id);
        bench->answers[1] = porthole_unmap(bench->client, id);
        bench->answers[2] = porthole_has_mapping(bench->client, id);
    } else if (event->type == PORTHOLE_EVENT_UNMAPPED) {
        bench->answers[3] = porthole_query(bench->client, id, &mapping);
        bench->answers[4] = porthole_refresh(bench->client, id);
        bench->answers[5] = porthole_unmap(bench->client, id);
    }
}

static void one_that_ends_itself_is_called_once_more(void **state) {
    struct bench *bench = *state;
    bench_start_gateway(bench);
    bench_open(bench, 0);
    bench->in_callback = end_itself_and_ask_on;
    (void)bench_map(bench, 8080);
    bench_until(bench, 2);
    bench_close(bench, -1);
    assert_int_equal(bench_count(bench), 2);
    assert_int_equal(bench->events[1].type, PORTHOLE_EVENT_UNMAPPED);
    assert_int_equal(bench->events[1].mapping.fate, PORTHOLE_FATE_REMOVED);
    assert_int_equal(bench->answers[0], 0);
    assert_int_equal(bench->answers[1], 0);
    assert_int_equal(bench->answers[2], 0);
    assert_int_equal(bench->answers[3], PORTHOLE_ERR_UNKNOWN_ID);
    assert_int_equal(bench->answers[4], PORTHOLE_ERR_UNKNOWN_ID);
    assert_int_equal(bench->answers[5], 0);
}

static void end_all(struct bench *bench, const struct porthole_event *event) {
    if (event->type == PORTHOLE_EVENT_MAPPED)
        (void)porthole_unmap_all(bench->client);
}

static void one_that_ends_all_leaves_each_its_end(void **state) {
    struct bench *bench = *state;
    bench_start_gateway(bench);
    bench_open(bench, 0);
    bench->in_callback = end_all;
    for (uint16_t i = 0; i < 20; i++)
        (void)bench_map(bench, (uint16_t)(8000 + i));
    while (porthole_mapping_count(bench->client) > 0)
        bench_until(bench, bench_count(bench) + 1);
    bench_close(bench, -1);
    assert_int_equal(count_of(bench, PORTHOLE_EVENT_UNMAPPED), 20);
    assert_true(bench_count(bench) <= 40);
}

static void map_anew(struct bench *bench, const struct porthole_event *event) {
    struct porthole_request request = bench_request(bench, event->mapping.internal_port);
    porthole_id id;
    if (event->type == PORTHOLE_EVENT_MAPPED)
        (void)porthole_unmap(bench->client, event->mapping.id);
    else if (event->type == PORTHOLE_EVENT_UNMAPPED && bench->answers[1]++ < 5)
        bench->answers[0] |= porthole_map(bench->client, &request, &id);
}

static void one_may_map_the_same_port_at_its_end(void **state) {
    struct bench *bench = *state;
    bench_start_gateway(bench);
    bench_open(bench, 0);
    bench->in_callback = map_anew;
    (void)bench_map(bench, 8080);
    bench_until(bench, 12);
    bench_close(bench, -1);
    assert_int_equal(bench->answers[0], 0);
    assert_int_equal(bench_count(bench), 12);
    for (unsigned i = 2; i < 12; i += 2)
        assert_true(bench->events[i].mapping.id > bench->events[i - 1].mapping.id);
}

/* ---- However long it takes ------------------------------------------------------------------- */

/* At the first event of the ports from 9000 on, at the last one of those from 9100 on. */
static void sleep_if_asked(struct bench *bench, const struct porthole_event *event) {
    uint16_t port = event->mapping.internal_port;
    bool is_last = event->type == PORTHOLE_EVENT_UNMAPPED;
    (void)bench;
    if (port >= 9100 && is_last)
        poll(NULL, 0, NAP_MS);
    else if (port >= 9000 && port < 9100 && !is_last)
        poll(NULL, 0, SLEEP_MS);
}

/* No lease has ended, and nothing had to be made again. */
static void assert_nothing_was_lost(struct bench *bench, unsigned left, unsigned mapped) {
    assert_int_equal(porthole_mapping_count(bench->client), left);
    bench_close(bench, -1);
    bench_stop_gateway(bench);
    assert_string_equal(bench->note, "");
    assert_int_equal(count_of(bench, PORTHOLE_EVENT_MAPPED), mapped);
    assert_int_equal(count_of(bench, PORTHOLE_EVENT_UNMAPPED), mapped);
    assert_int_equal(bench_count(bench), 2 * mapped);
    for (unsigned i = 0; i < bench_count(bench); i++)
        if (bench->events[i].type == PORTHOLE_EVENT_UNMAPPED)
            assert_int_equal(bench->events[i].mapping.fate, PORTHOLE_FATE_REMOVED);
}

static void while_one_sleeps_the_others_are_renewed_in_time(void **state) {
    struct bench *bench = *state;
    lease_open(bench);
    bench->in_callback = sleep_if_asked;
    for (uint16_t i = 0; i < KEPT; i++)
        (void)bench_map(bench, (uint16_t)(8000 + i));
    bench_until(bench, KEPT);
    assert_int_equal(bench->events[0].mapping.lifetime_s, LEASE_S);
    /* Renewals are due from 10 s on, in the middle of the second sleep. */
    lease_live(bench, 5000);
    for (uint16_t i = 0; i < 4; i++) {
        (void)bench_map(bench, (uint16_t)(9000 + i));
        lease_live(bench, 4500);
    }
    assert_nothing_was_lost(bench, KEPT + 4, KEPT + 4);
}

/* All of them together sleep for longer than a lease. */
static void while_one_after_another_sleeps_the_others_are_renewed_in_time(void **state) {
    struct bench *bench = *state;
    porthole_id ids[SLEEPERS];
    lease_open(bench);
    bench->in_callback = sleep_if_asked;
    (void)bench_map(bench, 8000);
    (void)bench_map(bench, 8001);
    for (unsigned i = 0; i < SLEEPERS; i++)
        ids[i] = bench_map(bench, (uint16_t)(9100 + i));
    bench_until(bench, 2 + SLEEPERS);
    for (unsigned i = 0; i < SLEEPERS; i++)
        (void)porthole_unmap(bench->client, ids[i]);
    bench_until(bench, 2 + 2 * SLEEPERS);
    lease_live(bench, SLEEP_MS);
    assert_nothing_was_lost(bench, 2, 2 + SLEEPERS);
}

int main(void) {
    static const unsigned ways[] = {0, PORTHOLE_DISPATCH, PORTHOLE_NO_THREAD};
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(one_that_ends_itself_is_called_once_more),
        TEST(one_that_ends_all_leaves_each_its_end),
        TEST(one_may_map_the_same_port_at_its_end),
        TEST(while_one_sleeps_the_others_are_renewed_in_time),
        TEST(while_one_after_another_sleeps_the_others_are_renewed_in_time),
    };
    int failures = 0;
    for (unsigned i = 0; i < 3; i++) {
        static const char *const names[] = {"own thread", "dispatch", "no thread"};
        way = ways[i];
        printf("---- %s\n", names[i]);
        failures += cmocka_run_group_tests(tests, NULL, NULL);
    }
    return failures;
}
