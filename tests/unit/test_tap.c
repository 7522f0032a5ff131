/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_tap.c: whoever watches a client sees what it sends and what comes back, on each channel, and
 * nothing once it no longer wants to.
 */
#define _GNU_SOURCE
#include "api_bench.h"

#include <porthole/tap.h>

#include "driver/tap.h"

#define CHANNELS 5U

/* How much of each type was seen, by channel. */
struct sight {
    unsigned count[CHANNELS];
    unsigned sent[CHANNELS];
    unsigned received[CHANNELS];
    unsigned failed[CHANNELS];
    uint16_t port[CHANNELS]; /* of ours, that was told last */
    struct porthole_packet last;
    struct porthole_packet last_reply;
};

static void watch(const struct porthole_packet *packet, void *user) {
    struct sight *sight = user;
    sight->count[packet->channel]++;
    sight->sent[packet->channel] += packet->type == PORTHOLE_TAP_SENT;
    sight->received[packet->channel] += packet->type == PORTHOLE_TAP_RECEIVED;
    sight->failed[packet->channel] += packet->type == PORTHOLE_TAP_FAILED;
    if (packet->local_port != 0)
        sight->port[packet->channel] = packet->local_port;
    sight->last = *packet;
    if (packet->type == PORTHOLE_TAP_RECEIVED)
        sight->last_reply = *packet;
}

/* ---- A client -------------------------------------------------------------------------------- */

static void a_mapping_is_seen(unsigned methods, enum porthole_tap_channel channel) {
    struct sight sight = {.count = {0}};
    struct bench *bench = bench_new(PORTHOLE_NO_THREAD);
    bench_start_gateway(bench);
    bench_open(bench, methods);
    assert_int_equal(porthole_tap(bench->client, watch, &sight), 0);
    bench_map(bench, 8000);
    bench_until(bench, 1);
    assert_int_equal(bench->events[0].type, PORTHOLE_EVENT_MAPPED);
    assert_true(sight.sent[channel] > 0);
    assert_true(sight.received[channel] > 0);
    assert_int_equal(sight.port[channel] != 0, channel != PORTHOLE_TAP_HTTP);
    assert_int_equal(sight.last_reply.size, sizeof sight.last_reply);
    assert_true(sight.last_reply.len > 0);
    bench_free(bench);
}

static void pcp_is_seen(void **state) {
    (void)state;
    a_mapping_is_seen(PORTHOLE_USE_PCP, PORTHOLE_TAP_CONTROL);
}

static void natpmp_is_seen(void **state) {
    (void)state;
    a_mapping_is_seen(PORTHOLE_USE_NATPMP, PORTHOLE_TAP_CONTROL);
}

static void the_search_is_seen(void **state) {
    (void)state;
    a_mapping_is_seen(PORTHOLE_USE_UPNP, PORTHOLE_TAP_SEARCH);
}

static void descriptions_and_actions_are_seen(void **state) {
    (void)state;
    a_mapping_is_seen(PORTHOLE_USE_UPNP, PORTHOLE_TAP_HTTP);
}

static void a_closed_port_is_seen(void **state) {
    (void)state;
    struct sight sight = {.count = {0}};
    struct bench *bench = bench_new(PORTHOLE_NO_THREAD);
    bench_open(bench, PORTHOLE_USE_PCP | PORTHOLE_USE_NATPMP);
    assert_int_equal(porthole_tap(bench->client, watch, &sight), 0);
    bench_map(bench, 8000);
    bench_until(bench, 1);
    /* What the system refused to send counts as sent: that is what was tried. */
    assert_true(sight.sent[PORTHOLE_TAP_CONTROL] >= 2);
    assert_true(sight.failed[PORTHOLE_TAP_CONTROL] >= 1);
    assert_int_equal(sight.received[PORTHOLE_TAP_CONTROL], 0);
    bench_free(bench);
}

static void who_stops_watching_sees_no_more(void **state) {
    (void)state;
    struct sight sight = {.count = {0}};
    struct bench *bench = bench_new(PORTHOLE_NO_THREAD);
    bench_start_gateway(bench);
    bench_open(bench, PORTHOLE_USE_PCP);
    assert_int_equal(porthole_tap(bench->client, watch, &sight), 0);
    assert_int_equal(porthole_tap(bench->client, NULL, NULL), 0);
    bench_map(bench, 8000);
    bench_until(bench, 1);
    for (unsigned i = 0; i < CHANNELS; i++)
        assert_int_equal(sight.count[i], 0);
    assert_int_equal(porthole_tap(NULL, watch, &sight), PORTHOLE_ERR_INVALID);
    bench_free(bench);
}

/* ---- What is shown --------------------------------------------------------------------------- */

static void each_kind_is_shown_with_its_facts(void **state) {
    (void)state;
    struct sight sight = {.count = {0}};
    const struct ph_tap tap = {watch, &sight};
    const struct ph_endpoint peer = {ph_addr_v4(192, 168, 1, 1), 5351};
    const struct ph_http_message message = {.status = 500, .body = {"x", 1}};
    ph_tap_datagram(&tap, 99, PH_CHANNEL_CONTROL, &peer, "ab", 2);
    assert_int_equal(sight.last.type, PORTHOLE_TAP_SENT);
    assert_string_equal(sight.last.peer, "192.168.1.1");
    assert_int_equal(sight.last.port, 5351);
    assert_int_equal(sight.last.len, 2);
    ph_tap_datagram(&tap, -1, PH_CHANNEL_NOTIFY, &peer, "ab", 2);
    assert_int_equal(sight.last.channel, PORTHOLE_TAP_UNASKED);
    ph_tap_unreachable(&tap, PH_CHANNEL_SEARCH, PORTHOLE_ERR_UNREACHABLE);
    assert_int_equal(sight.last.channel, PORTHOLE_TAP_SEARCH);
    assert_int_equal(sight.last.error, PORTHOLE_ERR_UNREACHABLE);
    ph_tap_request(&tap, 7, &peer, "GET", 3);
    assert_int_equal(sight.last.exchange, 7);
    ph_tap_reply(&tap, 7, &message);
    assert_int_equal(sight.last.status, 500);
    assert_int_equal(sight.last.len, 1);
    assert_string_equal(sight.last.peer, "");
    ph_tap_no_reply(&tap, 8, 0);
    assert_int_equal(sight.last.type, PORTHOLE_TAP_DROPPED);
    ph_tap_no_reply(&tap, 9, PORTHOLE_ERR_TIMEOUT);
    assert_int_equal(sight.last.type, PORTHOLE_TAP_FAILED);
}

static void nobody_is_shown_nothing(void **state) {
    (void)state;
    const struct ph_tap tap = {NULL, NULL};
    const struct ph_http_message message = {.status = 200};
    ph_tap_datagram(&tap, -1, PH_CHANNEL_CONTROL, NULL, "", 0);
    ph_tap_unreachable(&tap, PH_CHANNEL_CONTROL, PORTHOLE_ERR_UNREACHABLE);
    ph_tap_request(&tap, 1, NULL, "", 0);
    ph_tap_reply(&tap, 1, &message);
    ph_tap_no_reply(&tap, 1, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pcp_is_seen),
        cmocka_unit_test(natpmp_is_seen),
        cmocka_unit_test(the_search_is_seen),
        cmocka_unit_test(descriptions_and_actions_are_seen),
        cmocka_unit_test(a_closed_port_is_seen),
        cmocka_unit_test(who_stops_watching_sees_no_more),
        cmocka_unit_test(each_kind_is_shown_with_its_facts),
        cmocka_unit_test(nobody_is_shown_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
