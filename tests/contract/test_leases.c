/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_leases.c: how long a mapping lasts, by the clock of whoever embeds the library: renewed for
 * as long as it is wanted, counted anew by a refresh, or left to its lease. In each of the three
 * ways to drive a client, on a stepped clock.
 */
#define _GNU_SOURCE
#include "tests/contract/lease_bench.h"

static unsigned way;

static int setup(void **state) {
    *state = bench_new(way);
    return 0;
}

static int teardown(void **state) {
    bench_free(*state);
    return 0;
}

static struct porthole_mapping query(struct bench *bench, porthole_id id) {
    struct porthole_mapping mapping = PORTHOLE_MAPPING_INIT;
    assert_int_equal(porthole_query(bench->client, id, &mapping), 0);
    return mapping;
}

static porthole_id map_lease(struct bench *bench) {
    struct porthole_request request = bench_request(bench, 8080);
    porthole_id id = 0;
    request.flags = PORTHOLE_LEASE;
    assert_int_equal(porthole_map(bench->client, &request, &id), 0);
    bench_until(bench, 1);
    assert_int_equal(bench->events[0].type, PORTHOLE_EVENT_MAPPED);
    return id;
}

static void mapping_outlives_its_lease(void **state) {
    struct bench *bench = *state;
    lease_open(bench);
    porthole_id id = bench_map(bench, 8080);
    bench_until(bench, 1);
    assert_int_equal(query(bench, id).lifetime_s, LEASE_S);
    assert_in_range(query(bench, id).expires_in_ms, LEASE_S * 900, LEASE_S * 1000);
    lease_live(bench, LEASE_S * 1000 + 6000);
    assert_int_equal(query(bench, id).state, PORTHOLE_SUCCESS);
    assert_true(query(bench, id).expires_in_ms > 0);
    assert_int_equal(bench_count(bench), 1);
    bench_stop_gateway(bench);
    assert_string_equal(bench->note, "");
}

static void refresh_counts_the_lease_anew(void **state) {
    struct bench *bench = *state;
    lease_open(bench);
    porthole_id id = bench_map(bench, 8080);
    bench_until(bench, 1);
    lease_live(bench, 5000);
    assert_in_range(query(bench, id).expires_in_ms, 1, LEASE_S * 1000 - 5000);
    assert_int_equal(porthole_refresh(bench->client, id), 0);
    lease_live(bench, 1000);
    assert_in_range(query(bench, id).expires_in_ms, LEASE_S * 1000 - 4000, LEASE_S * 1000);
    assert_int_equal(bench_count(bench), 1); /* nothing has changed that would be told */
}

static void lease_ends_by_itself(void **state) {
    struct bench *bench = *state;
    lease_open(bench);
    porthole_id id = map_lease(bench);
    lease_live(bench, LEASE_S * 1000 * 3 / 4);
    assert_int_equal(bench_count(bench), 1);
    assert_int_equal(porthole_has_mapping(bench->client, id), 1);
    bench_until(bench, 2);
    assert_int_equal(bench->events[1].type, PORTHOLE_EVENT_UNMAPPED);
    assert_int_equal(porthole_has_mapping(bench->client, id), 0);
}

static void lease_is_left_by_close_and_lasts(void **state) {
    struct bench *bench = *state;
    lease_open(bench);
    (void)map_lease(bench);
    bench_close(bench, -1);
    assert_int_equal(bench_count(bench), 2);
    assert_int_equal(bench->events[1].type, PORTHOLE_EVENT_UNMAPPED);
    assert_int_equal(bench->events[1].mapping.fate, PORTHOLE_FATE_EXPIRES);
    poll(NULL, 0, (int)LEASE_S * 1000 + 2000);
    bench_stop_gateway(bench);
    assert_string_equal(bench->note, "port 8080 ended with its lease");
}

static void lease_is_removed_when_that_is_asked_for(void **state) {
    struct bench *bench = *state;
    lease_open(bench);
    assert_int_equal(porthole_unmap(bench->client, map_lease(bench)), 0);
    bench_until(bench, 2);
    assert_int_equal(bench->events[1].mapping.fate, PORTHOLE_FATE_REMOVED);
}

int main(void) {
    static const unsigned ways[] = {0, PORTHOLE_DISPATCH, PORTHOLE_NO_THREAD};
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(mapping_outlives_its_lease),
        TEST(refresh_counts_the_lease_anew),
        TEST(lease_ends_by_itself),
        TEST(lease_is_left_by_close_and_lasts),
        TEST(lease_is_removed_when_that_is_asked_for),
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
