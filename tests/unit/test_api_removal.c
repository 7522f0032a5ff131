/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_api_removal.c: leases that outlive the process that made them, as its successors see them:
 * renewed and removed by their key, one at a time and all at once; in each of the three ways to
 * drive a client.
 */
#define _GNU_SOURCE
#include "api_bench.h"

#define PORT 8080
#define LONG_MS 20000

static unsigned way;

static int setup(void **state) {
    *state = bench_new(way);
    bench_start_gateway(*state);
    return 0;
}

static int teardown(void **state) {
    bench_free(*state);
    return 0;
}

/* An earlier process: what it learned of its lease; nothing is left of the rest. */
static struct porthole_mapping leave_lease(struct bench *bench, unsigned methods, uint16_t port) {
    struct porthole_request request = bench_request(bench, port);
    struct porthole_mapping mapping = PORTHOLE_MAPPING_INIT;
    request.on_event = NULL;
    request.flags = PORTHOLE_LEASE;
    bench_open(bench, methods);
    assert_int_equal(porthole_map_wait(bench->client, &request, LONG_MS, &mapping), 0);
    bench_close(bench, -1);
    return mapping;
}

static struct porthole_request removal_of(struct bench *bench, uint16_t port) {
    struct porthole_request request = PORTHOLE_REQUEST_INIT;
    request.protocol = PORTHOLE_TCP;
    request.internal_port = port;
    request.user = bench;
    return request;
}

static void key_is_told_and_taken_back(void **state) {
    struct bench *bench = *state;
    struct porthole_mapping left = leave_lease(bench, PORTHOLE_USE_PCP, PORT);
    struct porthole_mapping mapping = PORTHOLE_MAPPING_INIT;
    assert_int_equal(strlen(left.key), PORTHOLE_KEY_SIZE - 1);
    assert_int_equal(strspn(left.key, "0123456789abcdef"), PORTHOLE_KEY_SIZE - 1);
    assert_in_range(left.granted_ago_ms, 1, LONG_MS);
    struct porthole_request request = bench_request(bench, PORT);
    request.on_event = NULL;
    bench_open(bench, PORTHOLE_USE_PCP);
    /* Nobody else's: another nonce is refused for as long as the lease lasts. */
    assert_int_equal(porthole_map_wait(bench->client, &request, LONG_MS, &mapping),
                     PORTHOLE_ERR_NOT_AUTHORIZED);
    request.key = left.key;
    assert_int_equal(porthole_map_wait(bench->client, &request, LONG_MS, &mapping), 0);
    assert_string_equal(mapping.key, left.key);
    assert_int_equal(mapping.external_port, left.external_port);
}

static void lease_is_removed_and_the_wait_tells_it(void **state) {
    struct bench *bench = *state;
    for (unsigned method = PORTHOLE_PCP; method <= PORTHOLE_UPNP; method++) {
        struct porthole_mapping left = leave_lease(bench, 1U << method, PORT);
        struct porthole_mapping gone = PORTHOLE_MAPPING_INIT;
        struct porthole_request request = removal_of(bench, PORT);
        request.key = left.key;
        request.methods = 1U << method;
        bench_open(bench, 0);
        assert_int_equal(porthole_remove_wait(bench->client, &request, LONG_MS, &gone), 0);
        assert_int_equal(gone.state, PORTHOLE_DESTROYED);
        assert_int_equal(gone.fate, PORTHOLE_FATE_REMOVED);
        assert_int_equal(gone.method, method);
        assert_int_equal(gone.error, 0);
        assert_ptr_equal(gone.user, bench);
        /* It is free for everybody. */
        struct porthole_request other = bench_request(bench, PORT);
        other.on_event = NULL;
        other.flags = PORTHOLE_EXACT_PORT;
        other.methods = 1U << method;
        assert_int_equal(porthole_map_wait(bench->client, &other, LONG_MS, NULL), 0);
        bench_close(bench, -1);
    }
}

static void end_is_told_once_to_the_callback(void **state) {
    struct bench *bench = *state;
    struct porthole_mapping left = leave_lease(bench, PORTHOLE_USE_PCP, PORT);
    struct porthole_request request = removal_of(bench, PORT);
    porthole_id id;
    request.key = left.key;
    request.on_event = bench_take;
    bench_open(bench, PORTHOLE_USE_PCP);
    assert_int_equal(porthole_remove(bench->client, &request, &id), 0);
    assert_int_equal(porthole_has_mapping(bench->client, id), 0);
    assert_int_equal(porthole_mapping_count(bench->client), 0);
    bench_until(bench, 1);
    assert_int_equal(bench->events[0].type, PORTHOLE_EVENT_UNMAPPED);
    assert_true(bench->events[0].mapping.id == id);
    assert_int_equal(bench->events[0].mapping.fate, PORTHOLE_FATE_REMOVED);
    assert_int_equal(porthole_unmap(bench->client, id), 0);
    /* The waiting form tells the callback as well. */
    assert_int_equal(porthole_remove_wait(bench->client, &request, LONG_MS, NULL), 0);
    bench_until(bench, 2);
    bench_close(bench, -1);
    assert_int_equal(bench_count(bench), 2);
}

static void refusal_is_told_with_its_code(void **state) {
    struct bench *bench = *state;
    struct porthole_mapping gone = PORTHOLE_MAPPING_INIT;
    struct porthole_request request = removal_of(bench, PORT);
    (void)leave_lease(bench, PORTHOLE_USE_PCP, PORT);
    bench_open(bench, PORTHOLE_USE_PCP);
    assert_int_equal(porthole_remove_wait(bench->client, &request, LONG_MS, &gone),
                     PORTHOLE_ERR_NOT_AUTHORIZED);
    assert_int_equal(gone.fate, PORTHOLE_FATE_EXPIRES);
    assert_int_equal(gone.error, PORTHOLE_ERR_NOT_AUTHORIZED);
    assert_int_equal(gone.code, 2);
    assert_string_equal(gone.text, "NOT_AUTHORIZED (2)");
}

static void all_ports_of_this_host_go(void **state) {
    struct bench *bench = *state;
    for (uint16_t i = 0; i < 3; i++)
        (void)leave_lease(bench, i % 2 ? PORTHOLE_USE_NATPMP : PORTHOLE_USE_UPNP,
                          (uint16_t)(PORT + i));
    struct porthole_request request = removal_of(bench, 0);
    request.flags = PORTHOLE_ALL_PORTS;
    bench_open(bench, 0);
    assert_int_equal(porthole_remove_wait(bench->client, &request, LONG_MS, NULL), 0);
    bench_close(bench, -1);
    for (uint16_t i = 0; i < 3; i++) {
        struct porthole_mapping anew = leave_lease(
            bench, i % 2 ? PORTHOLE_USE_UPNP : PORTHOLE_USE_NATPMP, (uint16_t)(PORT + i));
        assert_int_equal(anew.external_port, PORT + i);
    }
}

static void wait_that_times_out_gives_it_up(void **state) {
    struct bench *bench = *state;
    struct porthole_request request = removal_of(bench, PORT);
    bench_stop_gateway(bench);
    int silence = bench_start_silence(bench);
    bench_open(bench, PORTHOLE_USE_PCP);
    request.on_event = bench_take;
    assert_int_equal(porthole_remove_wait(bench->client, &request, 30, NULL), PORTHOLE_ERR_TIMEOUT);
    /* It is no more: the same can be asked again. */
    assert_int_equal(porthole_remove_wait(bench->client, &request, 0, NULL), PORTHOLE_ERR_TIMEOUT);
    bench_close(bench, 0);
    assert_int_equal(bench_count(bench), 0);
    close(silence);
}

static void arguments_that_make_no_sense_are_refused(void **state) {
    struct bench *bench = *state;
    porthole_id id;
    bench_open(bench, PORTHOLE_USE_PCP | PORTHOLE_USE_UPNP);
#define REMOVE(expected, field, value)                                                             \
    do {                                                                                           \
        struct porthole_request tried = removal_of(bench, PORT);                                   \
        tried.field = (value);                                                                     \
        assert_int_equal(porthole_remove(bench->client, &tried, &id), (expected));                 \
        if ((expected) == 0)                                                                       \
            assert_int_equal(porthole_unmap(bench->client, id), 0);                                \
    } while (0)
    REMOVE(0, internal_port, PORT);
    REMOVE(PORTHOLE_ERR_INVALID, internal_port, 0);
    REMOVE(PORTHOLE_ERR_INVALID, flags, PORTHOLE_ALL_PORTS);
    REMOVE(PORTHOLE_ERR_INVALID, flags, PORTHOLE_LEASE);
    REMOVE(PORTHOLE_ERR_INVALID, protocol, (enum porthole_protocol)0);
    REMOVE(PORTHOLE_ERR_INVALID, size, 0);
    REMOVE(PORTHOLE_ERR_INVALID, methods, PORTHOLE_USE_NATPMP);
    REMOVE(0, methods, PORTHOLE_USE_UPNP);
    REMOVE(PORTHOLE_ERR_INVALID, key, "0123456789abcdef0123456");
    REMOVE(PORTHOLE_ERR_INVALID, key, "0123456789abcdef012345678");
    REMOVE(PORTHOLE_ERR_INVALID, key, "0123456789abcdef0123456g");
    REMOVE(0, key, "0123456789ABCDEF01234567");
    REMOVE(0, key, "");
    struct porthole_request all = removal_of(bench, 0);
    all.flags = PORTHOLE_ALL_PORTS;
    all.methods = PORTHOLE_USE_PCP;
    assert_int_equal(porthole_remove(bench->client, &all, &id), PORTHOLE_ERR_UNSUPPORTED);
    all.external_port = 1;
    assert_int_equal(porthole_remove(bench->client, &all, &id), PORTHOLE_ERR_INVALID);
    assert_int_equal(porthole_remove(bench->client, NULL, &id), PORTHOLE_ERR_INVALID);
    assert_int_equal(porthole_remove(bench->client, &all, NULL), PORTHOLE_ERR_INVALID);
    assert_int_equal(porthole_remove(NULL, &all, &id), PORTHOLE_ERR_INVALID);
    assert_int_equal(porthole_remove_wait(bench->client, NULL, 0, NULL), PORTHOLE_ERR_INVALID);
    struct porthole_request request = bench_request(bench, PORT);
    request.refresh_s = 3;
    assert_int_equal(porthole_map(bench->client, &request, &id), PORTHOLE_ERR_INVALID);
    request.refresh_s = 4;
    request.flags = PORTHOLE_ALL_PORTS;
    assert_int_equal(porthole_map(bench->client, &request, &id), PORTHOLE_ERR_INVALID);
    request.flags = 0;
    assert_int_equal(porthole_map(bench->client, &request, &id), 0);
    REMOVE(PORTHOLE_ERR_EXISTS, internal_port, PORT);
}

static void remove_and_wait_in_a_callback(struct bench *bench, const struct porthole_event *event) {
    struct porthole_request request = removal_of(bench, PORT + 1);
    porthole_id id;
    if (event->type != PORTHOLE_EVENT_MAPPED)
        return;
    bench->answers[0] = porthole_remove_wait(bench->client, &request, LONG_MS, NULL);
    bench->answers[1] = porthole_remove(bench->client, &request, &id);
}

static void callback_may_ask_but_not_wait(void **state) {
    struct bench *bench = *state;
    bench_open(bench, PORTHOLE_USE_PCP);
    bench->in_callback = remove_and_wait_in_a_callback;
    (void)bench_map(bench, PORT);
    bench_until(bench, 1);
    bench_close(bench, -1);
    assert_int_equal(bench->answers[0], PORTHOLE_ERR_REENTRANT);
    assert_int_equal(bench->answers[1], 0);
}

int main(void) {
    static const unsigned ways[] = {0, PORTHOLE_DISPATCH, PORTHOLE_NO_THREAD};
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(key_is_told_and_taken_back),
        TEST(lease_is_removed_and_the_wait_tells_it),
        TEST(end_is_told_once_to_the_callback),
        TEST(refusal_is_told_with_its_code),
        TEST(all_ports_of_this_host_go),
        TEST(wait_that_times_out_gives_it_up),
        TEST(arguments_that_make_no_sense_are_refused),
        TEST(callback_may_ask_but_not_wait),
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
