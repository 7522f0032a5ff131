/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_oom.c: three stories over the public interface, told again and again, each time with another
 * allocation that fails, until none is left to fail. Whatever is missing when: calls say so, what
 * was accepted comes about once there is memory again and ends as usual, and nothing is left
 * behind. And that no memory at all keeps no end from being told. Without a thread, on a stepped
 * clock.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <porthole/list.h>

#include "tests/contract/scarce_memory.h"
#include "tests/unit/api_bench.h"
#include "tests/unit/stepped_clock.h"

#define PATIENCE_MS 7200000 /* tries that fail one after another have pauses of up to 5 minutes */
#define LEASE_S 20U
#define MANY 10U
#define FOR_A_WHILE 6U /* allocations that fail in a row */

struct story {
    struct bench *bench;
    unsigned failures; /* in a row */
    unsigned accepted; /* mappings */
    unsigned opened;   /* on the gateway */
    unsigned closed;
    unsigned left; /* to their leases, because no request to remove them could be made */
};

static int setup(void **state) {
    struct story *story = calloc(1, sizeof *story);
    if (!story)
        return -1;
    story->bench = bench_new(PORTHOLE_NO_THREAD);
    *state = story;
    return 0;
}

static int teardown(void **state) {
    struct story *story = *state;
    (void)scarce_end();
    bench_free(story->bench);
    free(story);
    return 0;
}

/* ---- The gateway, which has all the memory it wants ------------------------------------------ */

static void note_mapping(void *user, const struct ph_gw_event *event) {
    struct story *story = user;
    pthread_mutex_lock(&story->bench->lock);
    story->opened += event->type == PH_GW_EVENT_OPENED ? 1 : 0;
    story->closed += event->type == PH_GW_EVENT_CLOSED ? 1 : 0;
    pthread_mutex_unlock(&story->bench->lock);
}

static void *serve_spared(void *user) {
    scarce_spare_thread();
    return bench_serve(user);
}

static void start_gateway(struct story *story) {
    struct bench *bench = story->bench;
    struct ph_gw_io_config config;
    ph_gw_io_config_init(&config);
    config.server.behaviour.lease_max_s = LEASE_S;
    config.on_event = note_mapping;
    config.user = story;
    bench_prepare_gateway(bench, &config);
    assert_int_equal(pthread_create(&bench->io_thread, NULL, serve_spared, bench), 0);
}

/* ---- What the stories are made of ------------------------------------------------------------ */

/* An error that tells that memory was missing. */
static void assert_is_told(int error) {
    assert_int_equal(error, PORTHOLE_ERR_NO_MEMORY);
    assert_true(scarce_has_failed());
}

static void open_client(struct story *story, unsigned methods) {
    struct porthole_config config = bench_config(story->bench);
    int error = PORTHOLE_ERR_NO_MEMORY;
    config.methods = methods;
    for (unsigned i = 0; i <= FOR_A_WHILE && error != 0; i++) {
        error = porthole_open(&config, &story->bench->client);
        if (error != 0) {
            assert_is_told(error);
            assert_null(story->bench->client);
            assert_int_equal(scarce_left(), 0);
        }
    }
    assert_int_equal(error, 0);
}

static porthole_id map_port(struct story *story, uint16_t port) {
    struct porthole_request request = bench_request(story->bench, port);
    porthole_id id = 0;
    int error = PORTHOLE_ERR_NO_MEMORY;
    for (unsigned i = 0; i <= FOR_A_WHILE && error != 0; i++) {
        int count = porthole_mapping_count(story->bench->client);
        error = porthole_map(story->bench->client, &request, &id);
        if (error != 0) {
            assert_is_told(error);
            assert_int_equal(porthole_mapping_count(story->bench->client), count);
        }
    }
    assert_int_equal(error, 0);
    story->accepted++;
    return id;
}

static void drive(struct bench *bench) {
    struct pollfd fds[16];
    int count = porthole_pollfds(bench->client, fds, 16);
    int timeout_ms = porthole_timeout_ms(bench->client);
    assert_in_range(count, 0, 16);
    poll(fds, (nfds_t)count, timeout_ms);
    assert_int_equal(porthole_process(bench->client), 0);
}

static enum porthole_state state_of(struct bench *bench, porthole_id id) {
    struct porthole_mapping mapping = PORTHOLE_MAPPING_INIT;
    int error = porthole_query(bench->client, id, &mapping);
    if (error != PORTHOLE_ERR_UNKNOWN_ID)
        assert_int_equal(error, 0);
    return error == 0 ? mapping.state : PORTHOLE_DESTROYED;
}

static void until_state(struct bench *bench, porthole_id id, enum porthole_state state) {
    uint64_t end = stepped_clock_ms() + PATIENCE_MS;
    while (state_of(bench, id) != state) {
        if (stepped_clock_ms() > end)
            fail_msg("the mapping is stuck: %s", porthole_state_name(state_of(bench, id)));
        drive(bench);
    }
}

static void live(struct bench *bench, unsigned ms) {
    uint64_t end = stepped_clock_ms() + ms;
    while (stepped_clock_ms() < end)
        drive(bench);
}

/* A failure is told as what it is, or as the silence that a lost datagram is; an end tells truly
 * what is left. */
static void assert_events_are_right(struct story *story) {
    const struct bench *bench = story->bench;
    unsigned ends = 0;
    for (unsigned i = 0; i < bench->count; i++) {
        const struct porthole_mapping *mapping = &bench->events[i].mapping;
        if (bench->events[i].type == PORTHOLE_EVENT_FAILED)
            assert_true(mapping->error == PORTHOLE_ERR_NO_MEMORY ||
                        mapping->error == PORTHOLE_ERR_NO_GATEWAY);
        if (bench->events[i].type == PORTHOLE_EVENT_UNMAPPED) {
            ends++;
            assert_true(mapping->fate == PORTHOLE_FATE_REMOVED ||
                        (mapping->fate == PORTHOLE_FATE_EXPIRES && story->failures > 1));
            story->left += mapping->fate == PORTHOLE_FATE_EXPIRES ? 1 : 0;
        }
    }
    assert_int_equal(ends, story->accepted);
}

static void close_client(struct story *story) {
    bench_close(story->bench, -1);
    assert_int_equal(scarce_left(), 0);
    assert_events_are_right(story);
    pthread_mutex_lock(&story->bench->lock);
    unsigned unclosed = story->opened - story->closed;
    pthread_mutex_unlock(&story->bench->lock);
    assert_true(unclosed <= story->left);
    story->bench->count = 0;
    story->accepted = 0;
}

/* ---- The stories ----------------------------------------------------------------------------- */

static void map_renew_and_unmap_by_pcp(struct story *story) {
    open_client(story, PORTHOLE_USE_PCP);
    porthole_id id = map_port(story, 8080);
    until_state(story->bench, id, PORTHOLE_SUCCESS);
    live(story->bench, LEASE_S * 1000 * 3 / 4);
    until_state(story->bench, id, PORTHOLE_SUCCESS);
    assert_int_equal(porthole_unmap(story->bench->client, id), 0);
    until_state(story->bench, id, PORTHOLE_DESTROYED);
    close_client(story);
}

static void map_and_unmap_by_upnp(struct story *story) {
    open_client(story, PORTHOLE_USE_UPNP);
    porthole_id id = map_port(story, 8080);
    until_state(story->bench, id, PORTHOLE_SUCCESS);
    assert_int_equal(porthole_unmap(story->bench->client, id), 0);
    until_state(story->bench, id, PORTHOLE_DESTROYED);
    close_client(story);
}

static void probe_map_several_and_close(struct story *story) {
    struct porthole_probe probe = PORTHOLE_PROBE_INIT;
    porthole_id ids[10];
    open_client(story, 0);
    int answers = porthole_probe(story->bench->client, 0, &probe);
    if (answers < 0 && answers != PORTHOLE_ERR_NO_GATEWAY)
        assert_is_told(answers);
    assert_true(answers == 3 || scarce_has_failed());
    for (uint16_t i = 0; i < 10; i++)
        ids[i] = map_port(story, (uint16_t)(8000 + i));
    for (uint16_t i = 0; i < 10; i++)
        until_state(story->bench, ids[i], PORTHOLE_SUCCESS);
    close_client(story);
}

static void list_and_close(struct story *story) {
    struct porthole_listing *listing = NULL;
    open_client(story, PORTHOLE_USE_UPNP);
    porthole_id id = map_port(story, 8080);
    until_state(story->bench, id, PORTHOLE_SUCCESS);
    int count = porthole_list(story->bench->client, 0, &listing);
    assert_true(count == 1 || scarce_has_failed());
    assert_true(count != PORTHOLE_ERR_NO_MEMORY || !listing);
    porthole_listing_free(listing);
    close_client(story);
}

/* Tells the story until it needs no more memory than there is. Each time so many allocations fail,
 * from the first on, from a later one on, and so forth. */
static void tell(struct story *story, void (*story_of)(struct story *), unsigned failures) {
    bool has_failed = true;
    story->failures = failures;
    start_gateway(story);
    for (unsigned first = 1; has_failed; first += failures) {
        scarce_begin(first, failures);
        story_of(story);
        scarce_end();
        has_failed = scarce_has_failed();
    }
    bench_stop_gateway(story->bench);
}

static void one_allocation_fails_in_a_story_of_pcp(void **state) {
    tell(*state, map_renew_and_unmap_by_pcp, 1);
}

static void one_allocation_fails_in_a_story_of_upnp(void **state) {
    tell(*state, map_and_unmap_by_upnp, 1);
}

static void one_allocation_fails_in_a_story_of_all(void **state) {
    tell(*state, probe_map_several_and_close, 1);
}

static void one_allocation_fails_in_a_story_of_the_list(void **state) {
    tell(*state, list_and_close, 1);
}

static void many_allocations_fail_in_a_story_of_the_list(void **state) {
    tell(*state, list_and_close, FOR_A_WHILE);
}

static void many_allocations_fail_in_a_story_of_pcp(void **state) {
    tell(*state, map_renew_and_unmap_by_pcp, FOR_A_WHILE);
}

static void many_allocations_fail_in_a_story_of_upnp(void **state) {
    tell(*state, map_and_unmap_by_upnp, FOR_A_WHILE);
}

static void many_allocations_fail_in_a_story_of_all(void **state) {
    tell(*state, probe_map_several_and_close, FOR_A_WHILE);
}

/* ---- No memory at all ------------------------------------------------------------------------ */

/* Mappings that nobody answers, so that all of them can end in one moment. */
static void map_many_in_vain(struct story *story) {
    open_client(story, 0);
    for (uint16_t i = 0; i < MANY; i++)
        (void)map_port(story, (uint16_t)(8000 + i));
}

static void assert_each_has_ended_once(const struct bench *bench) {
    unsigned ends[MANY] = {0};
    for (unsigned i = 0; i < bench->count; i++)
        if (bench->events[i].type == PORTHOLE_EVENT_UNMAPPED)
            ends[bench->events[i].mapping.internal_port - 8000]++;
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(ends[i], 1);
}

static void every_end_is_told_without_memory(void **state) {
    struct story *story = *state;
    map_many_in_vain(story);
    scarce_begin(1, UINT_MAX);
    assert_int_equal(porthole_unmap_all(story->bench->client), 0);
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(porthole_process(story->bench->client), 0);
    assert_true(scarce_has_failed());
    assert_each_has_ended_once(story->bench);
    bench_close(story->bench, -1);
    assert_each_has_ended_once(story->bench);
}

static void every_end_is_told_by_a_close_without_memory(void **state) {
    struct story *story = *state;
    map_many_in_vain(story);
    scarce_begin(1, UINT_MAX);
    bench_close(story->bench, 0);
    assert_true(scarce_has_failed());
    assert_each_has_ended_once(story->bench);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(one_allocation_fails_in_a_story_of_pcp),
        TEST(one_allocation_fails_in_a_story_of_upnp),
        TEST(one_allocation_fails_in_a_story_of_all),
        TEST(one_allocation_fails_in_a_story_of_the_list),
        TEST(many_allocations_fail_in_a_story_of_the_list),
        TEST(many_allocations_fail_in_a_story_of_pcp),
        TEST(many_allocations_fail_in_a_story_of_upnp),
        TEST(many_allocations_fail_in_a_story_of_all),
        TEST(every_end_is_told_without_memory),
        TEST(every_end_is_told_by_a_close_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
