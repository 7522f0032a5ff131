/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_api_list.c: the router's own list as an application gets it: what is in it, whose it is, why
 * there is none, and how it ends when the client does; in each of the three ways to drive a client.
 */
#define _GNU_SOURCE
#include <porthole/list.h>

#include "api/client.h"
#include "api_bench.h"

#define LONG_MS 20000

static unsigned way;

static int setup(void **state) {
    *state = bench_new(way);
    return 0;
}

static int teardown(void **state) {
    bench_free(*state);
    return 0;
}

static void start_gateway(struct bench *bench, uint64_t quirks) {
    struct ph_gw_io_config config;
    ph_gw_io_config_init(&config);
    config.server.behaviour.quirks = quirks;
    bench_start_gateway_as(bench, &config);
}

/* A mapping of this client's; by the method's own way. */
static porthole_id map_one(struct bench *bench, unsigned method, uint16_t port) {
    struct porthole_request request = bench_request(bench, port);
    struct porthole_mapping mapping = PORTHOLE_MAPPING_INIT;
    request.on_event = NULL;
    request.methods = method;
    request.description = "mine";
    assert_int_equal(porthole_map_wait(bench->client, &request, LONG_MS, &mapping), 0);
    return mapping.id;
}

static void list_tells_of_this_client_and_of_another_host(void **state) {
    struct bench *bench = *state;
    struct porthole_config config = bench_config(bench);
    struct porthole_listing *listing = NULL;
    struct porthole *neighbour;
    struct porthole_request request = PORTHOLE_REQUEST_INIT;
    start_gateway(bench, 0);
    config.flags = PORTHOLE_NO_THREAD;
    config.methods = PORTHOLE_USE_UPNP;
    config.bind_address = "127.0.0.9";
    assert_int_equal(porthole_open(&config, &neighbour), 0);
    request.protocol = PORTHOLE_UDP;
    request.internal_port = 9000;
    request.external_port = 9001;
    assert_int_equal(porthole_map_wait(neighbour, &request, LONG_MS, NULL), 0);

    bench_open(bench, 0);
    porthole_id id = map_one(bench, PORTHOLE_USE_UPNP, 8080);
    assert_int_equal(porthole_list(bench->client, 0, &listing), 2);
    assert_int_equal(listing->size, sizeof *listing);
    assert_int_equal(listing->count, 2);
    assert_int_equal(listing->error, 0);
    assert_int_equal(listing->flags, 0);
    assert_string_equal(listing->text, "");
    assert_string_equal(listing->gateway, bench->gateway);
    assert_string_equal(listing->device, "porthole gateway");
    assert_true(listing->elapsed_ms > 0);
    const struct porthole_entry *mine = listing->entries[0];
    const struct porthole_entry *other = listing->entries[1];
    assert_int_equal(mine->size, sizeof *mine);
    assert_int_equal(mine->external_port, 8080);
    assert_int_equal(mine->internal_port, 8080);
    assert_int_equal(mine->protocol, PORTHOLE_TCP);
    assert_string_equal(mine->internal_address, listing->local_address);
    assert_string_equal(mine->description, "mine");
    assert_string_equal(mine->remote_host, "");
    assert_true(mine->is_local && mine->is_enabled);
    assert_true(mine->id == id);
    assert_in_range(mine->lifetime_s, 7100, 7200);
    assert_int_equal(other->external_port, 9001);
    assert_int_equal(other->internal_port, 9000);
    assert_int_equal(other->protocol, PORTHOLE_UDP);
    assert_string_equal(other->internal_address, "127.0.0.9");
    assert_false(other->is_local);
    assert_true(other->id == 0);
    /* It is the caller's, and knows of no client. */
    bench_close(bench, -1);
    assert_string_equal(listing->entries[1]->internal_address, "127.0.0.9");
    porthole_listing_free(listing);
    porthole_close(neighbour, -1);
}

static void empty_list_is_a_listing_too(void **state) {
    struct bench *bench = *state;
    struct porthole_listing *listing = NULL;
    start_gateway(bench, 0);
    bench_open(bench, PORTHOLE_USE_UPNP);
    for (unsigned i = 0; i < 2; i++) { /* found, and known */
        assert_int_equal(porthole_list(bench->client, 0, &listing), 0);
        assert_int_equal(listing->count, 0);
        porthole_listing_free(listing);
    }
}

static void reason_is_told_with_a_listing(void **state) {
    struct bench *bench = *state;
    struct porthole_listing *listing = NULL;
    start_gateway(bench,
                  PH_GW_QUIRK_BIT(PH_GW_QUIRK_NO_LIST) | PH_GW_QUIRK_BIT(PH_GW_QUIRK_NO_INDEX));
    bench_open(bench, 0);
    assert_int_equal(porthole_list(bench->client, 0, &listing), PORTHOLE_ERR_UNSUPPORTED);
    assert_int_equal(listing->error, PORTHOLE_ERR_UNSUPPORTED);
    assert_int_equal(listing->code, 401);
    assert_string_equal(listing->text, "InvalidAction (401)");
    assert_string_equal(listing->gateway, bench->gateway);
    porthole_listing_free(listing);
    bench_close(bench, -1);
    bench_open(bench, PORTHOLE_USE_PCP);
    assert_int_equal(porthole_list(bench->client, 0, &listing), PORTHOLE_ERR_UNSUPPORTED);
    assert_int_equal(listing->code, 0);
    assert_int_equal(listing->count, 0);
    porthole_listing_free(listing);
}

static void nobody_there_is_no_gateway(void **state) {
    struct bench *bench = *state;
    struct porthole_listing *listing = NULL;
    bench_open(bench, 0);
    assert_int_equal(porthole_list(bench->client, 0, &listing), PORTHOLE_ERR_NO_GATEWAY);
    assert_string_equal(listing->text, "no gateway answered");
    porthole_listing_free(listing);
    porthole_listing_free(NULL);
}

static void time_that_is_up_is_a_timeout(void **state) {
    struct bench *bench = *state;
    struct porthole_listing *listing = NULL;
    bench_open(bench, 0);
    assert_int_equal(porthole_list(bench->client, 50, &listing), PORTHOLE_ERR_TIMEOUT);
    porthole_listing_free(listing);
}

static void wrong_arguments_are_refused(void **state) {
    struct bench *bench = *state;
    struct porthole_listing *listing = (struct porthole_listing *)(void *)bench;
    bench_open(bench, 0);
    assert_int_equal(porthole_list(bench->client, -1, &listing), PORTHOLE_ERR_INVALID);
    assert_int_equal(porthole_list(bench->client, 0, NULL), PORTHOLE_ERR_INVALID);
    assert_int_equal(porthole_list(NULL, 0, &listing), PORTHOLE_ERR_INVALID);
    assert_ptr_equal(listing, bench);
}

static void ask_within(struct bench *bench, const struct porthole_event *event) {
    struct porthole_listing *listing;
    (void)event;
    bench->answers[0] = porthole_list(bench->client, 0, &listing);
}

static void callback_may_not_ask(void **state) {
    struct bench *bench = *state;
    start_gateway(bench, 0);
    bench->in_callback = ask_within;
    bench_open(bench, 0);
    (void)bench_map(bench, 8080);
    bench_until(bench, 1);
    assert_int_equal(bench->answers[0], PORTHOLE_ERR_REENTRANT);
}

/* ---- From several threads -------------------------------------------------------------------- */

struct call {
    pthread_t thread;
    struct bench *bench;
    int result;
};

static void *list_it(void *user) {
    struct call *call = user;
    struct porthole_listing *listing = NULL;
    call->result = porthole_list(call->bench->client, 60000, &listing);
    porthole_listing_free(listing);
    return NULL;
}

static void close_cancels_it_and_there_is_one_at_a_time(void **state) {
    struct bench *bench = *state;
    struct call call = {.bench = bench, .result = 1};
    struct porthole_listing *listing = NULL;
    unsigned inside = 0;
    if (way == PORTHOLE_NO_THREAD)
        return; /* one thread at a time */
    bench_open(bench, PORTHOLE_USE_UPNP);
    assert_int_equal(pthread_create(&call.thread, NULL, list_it, &call), 0);
    while (inside == 0) {
        poll(NULL, 0, 1);
        pthread_mutex_lock(&bench->client->lock);
        inside = bench->client->inside;
        pthread_mutex_unlock(&bench->client->lock);
    }
    assert_int_equal(porthole_list(bench->client, 0, &listing), PORTHOLE_ERR_STATE);
    bench_close(bench, 0);
    assert_int_equal(pthread_join(call.thread, NULL), 0);
    assert_int_equal(call.result, PORTHOLE_ERR_CANCELLED);
    assert_null(listing);
}

int main(void) {
    static const unsigned ways[] = {0, PORTHOLE_DISPATCH, PORTHOLE_NO_THREAD};
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(list_tells_of_this_client_and_of_another_host),
        TEST(empty_list_is_a_listing_too),
        TEST(reason_is_told_with_a_listing),
        TEST(nobody_there_is_no_gateway),
        TEST(time_that_is_up_is_a_timeout),
        TEST(wrong_arguments_are_refused),
        TEST(callback_may_not_ask),
        TEST(close_cancels_it_and_there_is_one_at_a_time),
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
