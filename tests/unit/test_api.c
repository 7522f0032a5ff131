/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_api.c: what porthole.h promises, the same tests in each of the three ways to drive a client,
 * against the embedded gateway on loopback addresses.
 */
#define _GNU_SOURCE
#include "api_bench.h"

#include <sys/wait.h>

static unsigned way;

static int setup(void **state) {
    *state = bench_new(way);
    return 0;
}

static int teardown(void **state) {
    bench_free(*state);
    return 0;
}

/* ---- Mappings -------------------------------------------------------------------------------- */

static void assert_is_mapped(const struct bench *bench, const struct porthole_mapping *mapping,
                             enum porthole_method method) {
    assert_int_equal(mapping->state, PORTHOLE_SUCCESS);
    assert_int_equal(mapping->method, method);
    assert_int_equal(mapping->protocol, PORTHOLE_TCP);
    assert_int_equal(mapping->internal_port, 8080);
    assert_int_equal(mapping->external_port, 8080);
    assert_string_equal(mapping->internal_address, "127.0.0.1");
    assert_string_equal(mapping->gateway, bench->gateway);
    assert_int_equal(mapping->reach, PORTHOLE_REACH_LOOPBACK);
    assert_int_equal(mapping->lifetime_s, 7200);
    assert_in_range(mapping->expires_in_ms, 7190000, 7200000);
    assert_true(mapping->elapsed_ms > 0);
    assert_int_equal(mapping->error, 0);
    assert_string_equal(mapping->text, "");
    assert_ptr_equal(mapping->user, bench);
}

static void map_wait_by(struct bench *bench, enum porthole_method method) {
    struct porthole_mapping mapping = PORTHOLE_MAPPING_INIT;
    struct porthole_request request = bench_request(bench, 8080);
    bench_start_gateway(bench);
    bench_open(bench, 1U << method);
    assert_int_equal(porthole_map_wait(bench->client, &request, 10000, &mapping), 0);
    assert_is_mapped(bench, &mapping, method);
    bench_until(bench, 1);
    assert_int_equal(bench->events[0].type, PORTHOLE_EVENT_MAPPED);
    assert_is_mapped(bench, &bench->events[0].mapping, method);
}

static void map_wait_tells_all_by_pcp(void **state) { map_wait_by(*state, PORTHOLE_PCP); }

static void map_wait_tells_all_by_natpmp(void **state) { map_wait_by(*state, PORTHOLE_NATPMP); }

static void map_wait_tells_all_by_upnp(void **state) { map_wait_by(*state, PORTHOLE_UPNP); }

static void map_returns_at_once_and_the_event_tells(void **state) {
    struct bench *bench = *state;
    struct porthole_mapping mapping = PORTHOLE_MAPPING_INIT;
    bench_start_gateway(bench);
    bench_open(bench, 0);
    porthole_id id = bench_map(bench, 8080);
    assert_int_equal(porthole_has_mapping(bench->client, id), 1);
    assert_int_equal(porthole_mapping_count(bench->client), 1);
    bench_until(bench, 1);
    assert_int_equal(bench->events[0].type, PORTHOLE_EVENT_MAPPED);
    assert_true(bench->events[0].mapping.id == id);
    assert_int_equal(porthole_query(bench->client, id, &mapping), 0);
    assert_is_mapped(bench, &mapping, PORTHOLE_PCP);
}

static void each_mapping_ends_with_one_unmapped(void **state) {
    struct bench *bench = *state;
    bench_start_gateway(bench);
    bench_open(bench, 0);
    porthole_id first = bench_map(bench, 8080);
    porthole_id second = bench_map(bench, 8081);
    assert_true(first != second);
    bench_until(bench, 2);
    assert_int_equal(porthole_unmap(bench->client, first), 0);
    assert_int_equal(porthole_unmap(bench->client, first), 0);
    assert_int_equal(porthole_has_mapping(bench->client, first), 0);
    assert_int_equal(porthole_mapping_count(bench->client), 1);
    bench_until(bench, 3);
    assert_int_equal(bench->events[2].type, PORTHOLE_EVENT_UNMAPPED);
    assert_true(bench->events[2].mapping.id == first);
    assert_int_equal(bench->events[2].mapping.state, PORTHOLE_DESTROYED);
    assert_int_equal(bench->events[2].mapping.fate, PORTHOLE_FATE_REMOVED);
    bench_close(bench, -1);
    assert_int_equal(bench_count(bench), 4);
    assert_int_equal(bench->events[3].type, PORTHOLE_EVENT_UNMAPPED);
    assert_true(bench->events[3].mapping.id == second);
}

static void unmap_all_unmaps_all(void **state) {
    struct bench *bench = *state;
    struct porthole_request request = bench_request(bench, 9000);
    porthole_id id;
    bench_start_gateway(bench);
    bench_open(bench, 0);
    for (uint16_t i = 0; i < 20; i++)
        (void)bench_map(bench, (uint16_t)(8000 + i));
    request.on_event = NULL;
    assert_int_equal(porthole_map(bench->client, &request, &id), 0);
    bench_until(bench, 20);
    assert_int_equal(porthole_unmap_all(bench->client), 0);
    assert_int_equal(porthole_mapping_count(bench->client), 0);
    bench_until(bench, 40);
    for (unsigned i = 20; i < 40; i++)
        assert_int_equal(bench->events[i].type, PORTHOLE_EVENT_UNMAPPED);
}

static void many_at_once_are_all_mapped(void **state) {
    struct bench *bench = *state;
    bench_start_gateway(bench);
    bench_open(bench, 0);
    for (uint16_t i = 0; i < 200; i++)
        (void)bench_map(bench, (uint16_t)(8000 + i));
    bench_until(bench, 200);
    bench_close(bench, -1);
    assert_int_equal(bench_count(bench), 400);
    for (unsigned i = 200; i < 400; i++)
        assert_int_equal(bench->events[i].mapping.fate, PORTHOLE_FATE_REMOVED);
}

static void same_port_is_mapped_once_until_it_is_given_back(void **state) {
    struct bench *bench = *state;
    struct porthole_request request = bench_request(bench, 8080);
    porthole_id id = 77;
    bench_start_gateway(bench);
    bench_open(bench, 0);
    porthole_id first = bench_map(bench, 8080);
    assert_int_equal(porthole_map(bench->client, &request, &id), PORTHOLE_ERR_EXISTS);
    assert_true(id == 77);
    request.protocol = PORTHOLE_UDP;
    assert_int_equal(porthole_map(bench->client, &request, &id), 0);
    bench_until(bench, 2);
    assert_int_equal(porthole_unmap(bench->client, first), 0);
    assert_true(bench_map(bench, 8080) > id);
    bench_until(bench, 4);
    assert_int_equal(porthole_mapping_count(bench->client), 2);
}

static void unknown_ids_are_told_apart(void **state) {
    struct bench *bench = *state;
    struct porthole_mapping mapping = PORTHOLE_MAPPING_INIT;
    bench_open(bench, 0);
    assert_int_equal(porthole_query(bench->client, 5, &mapping), PORTHOLE_ERR_UNKNOWN_ID);
    assert_int_equal(porthole_wait(bench->client, 5, 0, NULL), PORTHOLE_ERR_UNKNOWN_ID);
    assert_int_equal(porthole_refresh(bench->client, 5), PORTHOLE_ERR_UNKNOWN_ID);
    assert_int_equal(porthole_unmap(bench->client, 5), 0);
    assert_int_equal(porthole_unmap_all(bench->client), 0);
    assert_int_equal(porthole_has_mapping(bench->client, 5), 0);
    assert_int_equal(porthole_has_mapping(bench->client, 0), 0);
    assert_int_equal(porthole_mapping_count(bench->client), 0);
}

/* ---- Waiting and failing --------------------------------------------------------------------- */

static void wait_times_out_and_the_mapping_goes_on(void **state) {
    struct bench *bench = *state;
    struct porthole_mapping mapping = PORTHOLE_MAPPING_INIT;
    int silence = bench_start_silence(bench);
    bench_open(bench, PORTHOLE_USE_PCP);
    porthole_id id = bench_map(bench, 8080);
    assert_int_equal(porthole_wait(bench->client, id, 0, NULL), PORTHOLE_ERR_TIMEOUT);
    assert_int_equal(porthole_wait(bench->client, id, 20, &mapping), PORTHOLE_ERR_TIMEOUT);
    assert_int_equal(mapping.state, PORTHOLE_PENDING);
    assert_int_equal(porthole_has_mapping(bench->client, id), 1);
    close(silence);
    bench_start_gateway(bench);
    assert_int_equal(porthole_wait(bench->client, id, -1, &mapping), 0);
    assert_int_equal(mapping.state, PORTHOLE_SUCCESS);
    assert_int_equal(porthole_wait(bench->client, id, 0, NULL), 0);
}

static void map_wait_gives_up_what_it_did_not_get(void **state) {
    struct bench *bench = *state;
    struct porthole_mapping mapping = PORTHOLE_MAPPING_INIT;
    struct porthole_request request = bench_request(bench, 8080);
    int silence = bench_start_silence(bench);
    bench_open(bench, PORTHOLE_USE_PCP);
    assert_int_equal(porthole_map_wait(bench->client, &request, 20, &mapping),
                     PORTHOLE_ERR_TIMEOUT);
    assert_int_equal(mapping.state, PORTHOLE_PENDING);
    assert_int_equal(mapping.internal_port, 8080);
    assert_int_equal(porthole_mapping_count(bench->client), 0);
    assert_int_equal(porthole_has_mapping(bench->client, mapping.id), 0);
    bench_close(bench, 0);
    assert_int_equal(bench_count(bench), 0); /* what `user` points to may be gone by now */
    close(silence);
}

static void nobody_there_fails_and_says_so(void **state) {
    struct bench *bench = *state;
    struct porthole_mapping mapping = PORTHOLE_MAPPING_INIT;
    bench_open(bench, PORTHOLE_USE_PCP | PORTHOLE_USE_NATPMP);
    porthole_id id = bench_map(bench, 8080);
    assert_int_equal(porthole_wait(bench->client, id, 10000, &mapping), PORTHOLE_ERR_NO_GATEWAY);
    assert_int_equal(mapping.state, PORTHOLE_FAILURE);
    assert_int_equal(mapping.error, PORTHOLE_ERR_NO_GATEWAY);
    assert_int_equal(mapping.code, 0);
    assert_string_equal(mapping.text, porthole_strerror(PORTHOLE_ERR_NO_GATEWAY));
    bench_until(bench, 1);
    assert_int_equal(bench->events[0].type, PORTHOLE_EVENT_FAILED);
    assert_int_equal(porthole_has_mapping(bench->client, id), 1);
}

static void refusal_carries_the_gateways_code_and_words(void **state) {
    struct bench *bench = *state;
    struct ph_gw_io_config config;
    struct porthole_mapping mapping = PORTHOLE_MAPPING_INIT;
    struct porthole_request request = bench_request(bench, 8081);
    ph_gw_io_config_init(&config);
    config.server.behaviour.mappings_max = 1;
    bench_start_gateway_as(bench, &config);
    bench_open(bench, PORTHOLE_USE_PCP);
    (void)bench_map(bench, 8080);
    bench_until(bench, 1);
    assert_int_equal(porthole_map_wait(bench->client, &request, 10000, &mapping),
                     PORTHOLE_ERR_NO_RESOURCES);
    assert_int_equal(mapping.state, PORTHOLE_FAILURE);
    assert_int_equal(mapping.code, 8); /* RFC 6887 §7.4 */
    assert_string_equal(mapping.text, "NO_RESOURCES (8)");
    bench_close(bench, -1);
    assert_int_equal(bench_count(bench),
                     2); /* of the first mapping: this one was given up untold */
}

static void note_description(void *user, const struct ph_gw_event *event) {
    struct bench *bench = user;
    if (event->type != PH_GW_EVENT_OPENED)
        return;
    pthread_mutex_lock(&bench->lock);
    snprintf(bench->note, sizeof bench->note, "%s", event->mapping->facts.description);
    pthread_mutex_unlock(&bench->lock);
}

/* Some routers answer an empty description with an error. */
static void empty_description_becomes_the_default(void **state) {
    struct bench *bench = *state;
    struct ph_gw_io_config config;
    struct porthole_request request = bench_request(bench, 8080);
    ph_gw_io_config_init(&config);
    config.on_event = note_description;
    config.user = bench;
    bench_start_gateway_as(bench, &config);
    bench_open(bench, PORTHOLE_USE_UPNP);
    request.description = "";
    assert_int_equal(porthole_map_wait(bench->client, &request, 10000, NULL), 0);
    bench_stop_gateway(bench);
    assert_string_equal(bench->note, "porthole");
}

static void refresh_asks_again(void **state) {
    struct bench *bench = *state;
    struct porthole_mapping mapping = PORTHOLE_MAPPING_INIT;
    bench_start_gateway(bench);
    bench_open(bench, 0);
    porthole_id id = bench_map(bench, 8080);
    bench_until(bench, 1);
    assert_int_equal(porthole_refresh(bench->client, id), 0);
    assert_int_equal(porthole_wait(bench->client, id, 1000, &mapping), 0);
    assert_int_equal(mapping.state, PORTHOLE_SUCCESS);
}

/* ---- Callbacks ------------------------------------------------------------------------------- */

static void try_what_blocks(struct bench *bench, const struct porthole_event *event) {
    struct porthole_probe probe = PORTHOLE_PROBE_INIT;
    struct porthole_request request = bench_request(bench, 9000);
    char text[PORTHOLE_ADDRESS_SIZE];
    struct porthole *client = bench->client;
    int *answers = bench->answers;
    if (event->type != PORTHOLE_EVENT_MAPPED || answers[0] != 0)
        return;
    *answers++ = porthole_close(client, 0);
    *answers++ = porthole_wait(client, event->mapping.id, 0, NULL);
    *answers++ = porthole_map_wait(client, &request, 0, NULL);
    *answers++ = porthole_probe(client, 0, &probe);
    *answers++ = porthole_external_address(client, 0, text, sizeof text);
    *answers++ = porthole_dispatch(client);
    *answers++ = porthole_process(client);
}

static void what_blocks_is_refused_in_a_callback(void **state) {
    struct bench *bench = *state;
    bench_start_gateway(bench);
    bench_open(bench, 0);
    bench->in_callback = try_what_blocks;
    (void)bench_map(bench, 8080);
    bench_until(bench, 1);
    bench_close(bench, -1); /* which waits for the callback */
    for (unsigned i = 0; i < 7; i++)
        assert_int_equal(bench->answers[i], PORTHOLE_ERR_REENTRANT);
    assert_int_equal(bench_count(bench), 2);
}

static void map_the_next_and_unmap_this(struct bench *bench, const struct porthole_event *event) {
    struct porthole_mapping mapping = PORTHOLE_MAPPING_INIT;
    struct porthole_request request = bench_request(bench, 8081);
    porthole_id id;
    if (event->type != PORTHOLE_EVENT_MAPPED || event->mapping.internal_port != 8080)
        return;
    bench->answers[0] = porthole_map(bench->client, &request, &id);
    bench->answers[1] = porthole_query(bench->client, event->mapping.id, &mapping);
    bench->answers[2] = porthole_unmap(bench->client, event->mapping.id);
    bench->answers[3] = porthole_mapping_count(bench->client);
}

static void callback_may_map_query_and_unmap(void **state) {
    struct bench *bench = *state;
    bench_start_gateway(bench);
    bench_open(bench, 0);
    bench->in_callback = map_the_next_and_unmap_this;
    (void)bench_map(bench, 8080);
    bench_until(bench, 3);
    bench_close(bench, -1);
    assert_int_equal(bench->answers[0], 0);
    assert_int_equal(bench->answers[1], 0);
    assert_int_equal(bench->answers[2], 0);
    assert_int_equal(bench->answers[3], 1);
    assert_int_equal(bench_count(bench), 4);
}

static void map_at_the_end(struct bench *bench, const struct porthole_event *event) {
    struct porthole_request request = bench_request(bench, 9000);
    porthole_id id;
    if (event->type == PORTHOLE_EVENT_UNMAPPED)
        bench->answers[0] = porthole_map(bench->client, &request, &id);
}

static void nothing_is_mapped_while_closing(void **state) {
    struct bench *bench = *state;
    bench_start_gateway(bench);
    bench_open(bench, 0);
    bench->in_callback = map_at_the_end;
    (void)bench_map(bench, 8080);
    bench_until(bench, 1);
    bench_close(bench, -1);
    assert_int_equal(bench->answers[0], PORTHOLE_ERR_STATE);
    assert_int_equal(bench_count(bench), 2);
}

/* ---- Closing --------------------------------------------------------------------------------- */

static void close_of_null_is_nothing(void **state) {
    (void)state;
    assert_int_equal(porthole_close(NULL, 0), 0);
}

static void close_without_patience_leaves_leases_to_end(void **state) {
    struct bench *bench = *state;
    bench_start_gateway(bench);
    bench_open(bench, 0);
    (void)bench_map(bench, 8080);
    bench_until(bench, 1);
    bench_close(bench, 0);
    assert_int_equal(bench_count(bench), 2);
    assert_int_equal(bench->events[1].type, PORTHOLE_EVENT_UNMAPPED);
    assert_int_equal(bench->events[1].mapping.fate, PORTHOLE_FATE_EXPIRES);
}

static void close_does_not_wait_for_a_gateway_that_is_gone(void **state) {
    struct bench *bench = *state;
    bench_start_gateway(bench);
    bench_open(bench, PORTHOLE_USE_PCP);
    for (uint16_t i = 0; i < 10; i++)
        (void)bench_map(bench, (uint16_t)(8000 + i));
    bench_until(bench, 10);
    bench_stop_gateway(bench);
    int silence = bench_start_silence(bench);
    bench_close(bench, 50);
    assert_int_equal(bench_count(bench), 20);
    for (unsigned i = 10; i < 20; i++)
        assert_int_equal(bench->events[i].mapping.fate, PORTHOLE_FATE_EXPIRES);
    close(silence);
}

static void forked_child_has_no_client(void **state) {
    struct bench *bench = *state;
    struct porthole_request request = bench_request(bench, 9000);
    porthole_id id;
    int status = 0;
    bench_start_gateway(bench);
    bench_open(bench, 0);
    (void)bench_map(bench, 8080);
    bench_until(bench, 1);
    pid_t child = fork();
    if (child == 0) {
        bool is_good = porthole_map(bench->client, &request, &id) == PORTHOLE_ERR_STATE &&
                       porthole_mapping_count(bench->client) == PORTHOLE_ERR_STATE &&
                       porthole_close(bench->client, -1) == 0;
        _exit(is_good ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(bench_count(bench), 1);
    bench_close(bench, -1);
    assert_int_equal(bench->events[1].mapping.fate, PORTHOLE_FATE_REMOVED);
}

/* ---- The network ----------------------------------------------------------------------------- */

static void addresses_towards_the_gateway_are_told(void **state) {
    struct bench *bench = *state;
    char text[PORTHOLE_ADDRESS_SIZE];
    bench_open(bench, 0);
    assert_int_equal(porthole_local_address(bench->client, text, sizeof text), 0);
    assert_string_equal(text, "127.0.0.1");
    assert_int_equal(porthole_gateway_address(bench->client, text, sizeof text), 0);
    assert_string_equal(text, bench->gateway);
    assert_int_equal(porthole_local_address(bench->client, text, 9), PORTHOLE_ERR_INVALID);
    assert_int_equal(porthole_local_address(bench->client, text, 10), 0);
    assert_int_equal(porthole_local_address(bench->client, NULL, 0), PORTHOLE_ERR_INVALID);
}

static void probe_tells_what_each_method_answered(void **state) {
    struct bench *bench = *state;
    struct porthole_probe probe = PORTHOLE_PROBE_INIT;
    struct ph_gw_io_config config;
    ph_gw_io_config_init(&config);
    config.server.natpmp = false;
    bench_start_gateway_as(bench, &config);
    bench_open(bench, 0);
    assert_int_equal(porthole_probe(bench->client, 0, &probe), 2);
    assert_string_equal(probe.gateway, bench->gateway);
    assert_int_equal(probe.local_reach, PORTHOLE_REACH_LOOPBACK);
    assert_int_equal(probe.pcp.error, 0);
    assert_string_equal(probe.pcp.text, "");
    assert_true(probe.pcp.rtt_ms > 0);
    assert_int_equal(probe.pcp.reach, PORTHOLE_REACH_LOOPBACK);
    assert_int_not_equal(probe.natpmp.error, 0);
    assert_string_not_equal(probe.natpmp.text, "");
    assert_int_equal(probe.upnp.error, 0);
    assert_string_not_equal(probe.upnp.device, "");
    assert_true(strncmp(probe.upnp.url + 7, bench->gateway, strlen(bench->gateway)) == 0);
    assert_int_equal(porthole_mapping_count(bench->client), 0);
}

static void probe_of_nobody_is_no_gateway(void **state) {
    struct bench *bench = *state;
    struct porthole_probe probe = PORTHOLE_PROBE_INIT;
    bench_open(bench, PORTHOLE_USE_PCP | PORTHOLE_USE_NATPMP);
    assert_int_equal(porthole_probe(bench->client, 0, &probe), PORTHOLE_ERR_NO_GATEWAY);
    assert_int_equal(probe.pcp.error, PORTHOLE_ERR_PORT_CLOSED);
    assert_int_equal(probe.upnp.error, PORTHOLE_ERR_CANCELLED);
    assert_string_equal(probe.gateway, bench->gateway);
}

static void external_address_is_told_by_any_method(void **state) {
    struct bench *bench = *state;
    char text[PORTHOLE_ADDRESS_SIZE];
    bench_start_gateway(bench);
    for (unsigned method = PORTHOLE_PCP; method <= PORTHOLE_UPNP; method++) {
        bench_open(bench, 1U << method);
        assert_int_equal(porthole_external_address(bench->client, 0, text, sizeof text), 0);
        assert_string_equal(text, bench->external);
        assert_int_equal(porthole_external_address(bench->client, 0, text, 5),
                         PORTHOLE_ERR_INVALID);
        bench_close(bench, 0);
    }
}

/* ---- Ways ------------------------------------------------------------------------------------ */

static void other_ways_calls_are_refused(void **state) {
    struct bench *bench = *state;
    bool has_loop = way == PORTHOLE_NO_THREAD;
    bool has_fd = way == PORTHOLE_DISPATCH;
    bench_open(bench, 0);
    assert_int_equal(porthole_event_fd(bench->client) >= 0, has_fd);
    assert_int_equal(porthole_dispatch(bench->client), has_fd ? 0 : PORTHOLE_ERR_STATE);
    assert_int_equal(porthole_process(bench->client), has_loop ? 0 : PORTHOLE_ERR_STATE);
    assert_int_equal(porthole_pollfds(bench->client, NULL, 0), has_loop ? 0 : PORTHOLE_ERR_STATE);
    assert_int_equal(porthole_timeout_ms(bench->client), has_loop ? -1 : PORTHOLE_ERR_STATE);
}

int main(void) {
    static const unsigned ways[] = {0, PORTHOLE_DISPATCH, PORTHOLE_NO_THREAD};
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(map_wait_tells_all_by_pcp),
        TEST(map_wait_tells_all_by_natpmp),
        TEST(map_wait_tells_all_by_upnp),
        TEST(map_returns_at_once_and_the_event_tells),
        TEST(each_mapping_ends_with_one_unmapped),
        TEST(unmap_all_unmaps_all),
        TEST(many_at_once_are_all_mapped),
        TEST(same_port_is_mapped_once_until_it_is_given_back),
        TEST(unknown_ids_are_told_apart),
        TEST(wait_times_out_and_the_mapping_goes_on),
        TEST(map_wait_gives_up_what_it_did_not_get),
        TEST(nobody_there_fails_and_says_so),
        TEST(refusal_carries_the_gateways_code_and_words),
        TEST(empty_description_becomes_the_default),
        TEST(refresh_asks_again),
        TEST(what_blocks_is_refused_in_a_callback),
        TEST(callback_may_map_query_and_unmap),
        TEST(nothing_is_mapped_while_closing),
        TEST(close_of_null_is_nothing),
        TEST(close_without_patience_leaves_leases_to_end),
        TEST(close_does_not_wait_for_a_gateway_that_is_gone),
        TEST(forked_child_has_no_client),
        TEST(addresses_towards_the_gateway_are_told),
        TEST(probe_tells_what_each_method_answered),
        TEST(probe_of_nobody_is_no_gateway),
        TEST(external_address_is_told_by_any_method),
        TEST(other_ways_calls_are_refused),
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
