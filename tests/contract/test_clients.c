/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_clients.c: several clients in one process keep out of each other's way, and a wait that is
 * cancelled ends at once, with its own error and with no callback to come. The clock is stepped, so
 * that "at once" is no matter of the machine.
 */
#define _GNU_SOURCE
#include "api/client.h"
#include "tests/unit/api_bench.h"
#include "tests/unit/stepped_clock.h"

#define AT_ONCE_US 500 /* looks at the clock: no timer is waited for */
#define CLOSING_MS 1500
#define A_WHILE_MS 50 /* for what must not come */

static unsigned way;

static int setup(void **state) {
    *state = bench_new(way);
    return 0;
}

static int teardown(void **state) {
    bench_free(*state);
    return 0;
}

/* ---- Several --------------------------------------------------------------------------------- */

/* Of another way, with nobody to drive it but who calls. */
static struct porthole *open_another(const struct bench *bench) {
    struct porthole_config config = bench_config(bench);
    struct porthole *client = NULL;
    config.flags = way == PORTHOLE_NO_THREAD ? 0 : PORTHOLE_NO_THREAD;
    config.methods = PORTHOLE_USE_PCP;
    assert_int_equal(porthole_open(&config, &client), 0);
    return client;
}

static porthole_id map_quietly(struct porthole *client, uint16_t port) {
    struct porthole_request request = PORTHOLE_REQUEST_INIT;
    struct porthole_mapping mapping = PORTHOLE_MAPPING_INIT;
    request.protocol = PORTHOLE_TCP;
    request.internal_port = port;
    assert_int_equal(porthole_map_wait(client, &request, 10000, &mapping), 0);
    return mapping.id;
}

static void clients_know_their_own_mappings_only(void **state) {
    struct bench *bench = *state;
    bench_start_gateway(bench);
    bench_open(bench, 0);
    struct porthole *other = open_another(bench);
    porthole_id theirs[] = {map_quietly(other, 9000), map_quietly(other, 9001)};
    porthole_id ours = bench_map(bench, 8080);
    bench_until(bench, 1);
    assert_int_equal(porthole_mapping_count(bench->client), 1);
    assert_int_equal(porthole_mapping_count(other), 2);
    assert_int_equal(porthole_unmap_all(bench->client), 0);
    bench_until(bench, 2);
    assert_int_equal(porthole_mapping_count(other), 2);
    assert_int_equal(porthole_has_mapping(bench->client, ours), 0);
    bench_close(bench, -1);
    assert_int_equal(porthole_refresh(other, theirs[0]), 0);
    assert_int_equal(porthole_wait(other, theirs[1], -1, NULL), 0);
    assert_int_equal(porthole_close(other, -1), 0);
    assert_int_equal(bench_count(bench), 2);
}

/* RFC 6887 §11.3: what one has by its nonce another cannot have. */
static void port_of_one_is_refused_to_another_until_it_is_given_back(void **state) {
    struct bench *bench = *state;
    struct porthole_mapping mapping = PORTHOLE_MAPPING_INIT;
    bench_start_gateway(bench);
    bench_open(bench, PORTHOLE_USE_PCP);
    struct porthole *other = open_another(bench);
    porthole_id theirs = map_quietly(other, 8080);
    porthole_id ours = bench_map(bench, 8080);
    assert_int_equal(porthole_wait(bench->client, ours, 10000, &mapping),
                     PORTHOLE_ERR_NOT_AUTHORIZED);
    assert_int_equal(porthole_query(other, theirs, &mapping), 0);
    assert_int_equal(mapping.state, PORTHOLE_SUCCESS);
    assert_int_equal(porthole_close(other, -1), 0);
    assert_int_equal(porthole_refresh(bench->client, ours), 0);
    bench_until(bench, 2);
    assert_int_equal(bench->events[0].type, PORTHOLE_EVENT_FAILED);
    assert_int_equal(bench->events[1].type, PORTHOLE_EVENT_MAPPED);
}

static void fifty_follow_each_other(void **state) {
    struct bench *bench = *state;
    bench_start_gateway(bench);
    for (unsigned i = 0; i < 50; i++) {
        bench_open(bench, PORTHOLE_USE_PCP);
        (void)bench_map(bench, 8080);
        bench_until(bench, 2 * i + 1);
        bench_close(bench, i % 2 ? -1 : 1000);
        assert_int_equal(bench_count(bench), 2 * i + 2);
        assert_int_equal(bench->events[2 * i + 1].mapping.fate, PORTHOLE_FATE_REMOVED);
    }
}

/* ---- Cancelled ------------------------------------------------------------------------------- */

/* A blocking call in a thread of its own, and when it returned. */
struct call {
    pthread_t thread;
    struct bench *bench;
    porthole_id id; /* 0: porthole_map_wait() */
    struct porthole_mapping facts;
    int result;
    uint64_t returned_us;
};

static void *block(void *user) {
    struct call *call = user;
    struct porthole_request request = bench_request(call->bench, 8080);
    call->facts = (struct porthole_mapping)PORTHOLE_MAPPING_INIT;
    call->result = call->id ? porthole_wait(call->bench->client, call->id, -1, &call->facts)
                            : porthole_map_wait(call->bench->client, &request, -1, &call->facts);
    call->returned_us = stepped_clock_us();
    return NULL;
}

/* Returns when the thread is inside the call. */
static void start(struct call *call, struct bench *bench, porthole_id id) {
    unsigned inside = 0;
    *call = (struct call){.bench = bench, .id = id};
    assert_int_equal(pthread_create(&call->thread, NULL, block, call), 0);
    while (inside == 0) {
        poll(NULL, 0, 1);
        pthread_mutex_lock(&bench->client->lock);
        inside = bench->client->inside;
        pthread_mutex_unlock(&bench->client->lock);
    }
}

static void finish(struct call *call, uint64_t since_us) {
    assert_int_equal(pthread_join(call->thread, NULL), 0);
    assert_int_equal(call->result, PORTHOLE_ERR_CANCELLED);
    assert_in_range(call->returned_us - since_us, 1, AT_ONCE_US);
}

/* A mapping is there that cannot be removed, so that closing takes all the time it is given. */
static int open_for_slow_close(struct bench *bench) {
    bench_start_gateway(bench);
    bench_open(bench, PORTHOLE_USE_PCP);
    (void)bench_map(bench, 9000);
    bench_until(bench, 1);
    bench_stop_gateway(bench);
    return bench_start_silence(bench);
}

static void close_cancels_map_wait_at_once(void **state) {
    struct bench *bench = *state;
    struct call call;
    int silence = open_for_slow_close(bench);
    start(&call, bench, 0);
    uint64_t now_us = stepped_clock_us();
    bench_close(bench, CLOSING_MS);
    assert_true(stepped_clock_us() - now_us >= CLOSING_MS * 1000);
    finish(&call, now_us);
    assert_int_equal(call.facts.internal_port, 8080);
    assert_int_not_equal(call.facts.state, PORTHOLE_SUCCESS);
    /* Of the other mapping only: this one was never made. */
    assert_int_equal(bench_count(bench), 2);
    assert_int_equal(bench->events[1].mapping.internal_port, 9000);
    close(silence);
}

static void unmap_cancels_a_wait_at_once(void **state) {
    struct bench *bench = *state;
    struct call call;
    int silence = bench_start_silence(bench);
    bench_open(bench, PORTHOLE_USE_PCP);
    porthole_id id = bench_map(bench, 8080);
    start(&call, bench, id);
    uint64_t now_us = stepped_clock_us();
    assert_int_equal(porthole_unmap(bench->client, id), 0);
    finish(&call, now_us);
    bench_until(bench, 1);
    poll(NULL, 0, A_WHILE_MS);
    bench_close(bench, 0);
    assert_int_equal(bench_count(bench), 1);
    assert_int_equal(bench->events[0].type, PORTHOLE_EVENT_UNMAPPED);
    close(silence);
}

static void unmap_all_cancels_map_wait_at_once(void **state) {
    struct bench *bench = *state;
    struct call call;
    int silence = bench_start_silence(bench);
    bench_open(bench, PORTHOLE_USE_PCP);
    start(&call, bench, 0);
    uint64_t now_us = stepped_clock_us();
    assert_int_equal(porthole_unmap_all(bench->client), 0);
    finish(&call, now_us);
    assert_int_equal(porthole_mapping_count(bench->client), 0);
    poll(NULL, 0, A_WHILE_MS);
    bench_close(bench, 0);
    assert_int_equal(bench_count(bench), 0);
    close(silence);
}

static void unmap_the_other(struct bench *bench, const struct porthole_event *event) {
    (void)porthole_unmap(bench->client, event->mapping.id - 1);
}

static void callback_cancels_a_wait(void **state) {
    struct bench *bench = *state;
    int silence = bench_start_silence(bench);
    if (way != PORTHOLE_DISPATCH) { /* where nobody runs callbacks meanwhile */
        bench_open(bench, PORTHOLE_USE_PCP);
        bench->in_callback = unmap_the_other;
        porthole_id id = bench_map(bench, 8080);
        porthole_id next = bench_map(bench, 8081);
        assert_true(next == id + 1);
        assert_int_equal(porthole_unmap(bench->client, next), 0);
        int result = porthole_wait(bench->client, id, 10000, NULL);
        assert_true(result == PORTHOLE_ERR_CANCELLED || result == PORTHOLE_ERR_UNKNOWN_ID);
    }
    close(silence);
}

int main(void) {
    static const unsigned ways[] = {0, PORTHOLE_DISPATCH, PORTHOLE_NO_THREAD};
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(clients_know_their_own_mappings_only),
        TEST(port_of_one_is_refused_to_another_until_it_is_given_back),
        TEST(fifty_follow_each_other),
        TEST(callback_cancels_a_wait),
    };
    const struct CMUnitTest threaded[] = {
        TEST(close_cancels_map_wait_at_once),
        TEST(unmap_cancels_a_wait_at_once),
        TEST(unmap_all_cancels_map_wait_at_once),
    };
    int failures = 0;
    for (unsigned i = 0; i < 3; i++) {
        static const char *const names[] = {"own thread", "dispatch", "no thread"};
        way = ways[i];
        printf("---- %s\n", names[i]);
        failures += cmocka_run_group_tests(tests, NULL, NULL);
        if (way != PORTHOLE_NO_THREAD)
            failures += cmocka_run_group_tests(threaded, NULL, NULL);
    }
    return failures;
}
