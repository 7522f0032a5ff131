/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * story_quirk_search.c: router models that are hard to find or to talk to: how they answer
 * searches, what they describe, which requests they take. Each is a quirk of the embedded gateway;
 * where it was met is in gateway/quirks.h.
 */
#include "tests/story/story.h"

/* A mapping by UPnP at a router with this quirk is made in this time, at no other host. */
static struct ph_world *mapped_in(enum ph_gw_quirk quirk, ph_us limit) {
    struct ph_world_options options = story_quirk_options(PORTHOLE_USE_UPNP, quirk);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, limit);
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    assert_int_equal(ph_gw_server_count(world->server), 1);
    assert_int_equal(world->strays, 0);
    return world;
}

/* What it costs when nothing is odd: 80 ms, told in story_upnp.c. */
#define AT_ONCE PH_MS(80)

static void answers_from_any_port_count(void **state) {
    (void)state;
    ph_world_free(mapped_in(PH_GW_QUIRK_RANDOM_SOURCE_PORT, AT_ONCE));
}

static void router_that_answers_only_one_kind_of_search_is_found_at_once(void **state) {
    (void)state;
    static const enum ph_gw_quirk quirks[] = {PH_GW_QUIRK_MULTICAST_ONLY, PH_GW_QUIRK_UNICAST_ONLY,
                                              PH_GW_QUIRK_ALL_ONLY, PH_GW_QUIRK_V2_ONLY};
    for (unsigned i = 0; i < LENGTH_OF(quirks); i++)
        ph_world_free(mapped_in(quirks[i], AT_ONCE));
}

static void answer_that_comes_after_the_verdict_counts(void **state) {
    (void)state;
    struct ph_world_options options =
        story_quirk_options(PORTHOLE_USE_UPNP, PH_GW_QUIRK_LATE_ANSWERS);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_MS(3990));
    story_assert_failed(world, id, PORTHOLE_ERR_NO_GATEWAY, PORTHOLE_NONE, 0);
    /* 4 s after the search, and what it takes from there. */
    ph_world_run(world, PH_MS(100));
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    assert_int_equal(world->event_count, 2);
    ph_world_free(world);
}

static void late_answer_to_a_search_that_is_long_over_is_none(void **state) {
    (void)state;
    struct ph_world_options options = story_options(0);
    struct ph_world *world = ph_world_new(&options);
    struct ph_endpoint from = {world->path.gateway, PH_SSDP_PORT};
    story_map(world, 0);
    /* Amid the rest after a round, and more than 10 s after its search. */
    ph_world_run(world, PH_SECONDS(200));
    while (ph_engine_deadline(world->engine) < world->now + PH_SECONDS(30) ||
           world->sent[world->sent_count - 1].at + PH_SECONDS(11) > world->now)
        ph_world_run(world, PH_SECONDS(1));
    size_t before = world->trace_len;
    story_ssdp_answer(world, &from, PH_SSDP_TARGET_IGD1, "http://192.168.77.1:5000/root.xml");
    ph_world_run(world, PH_SECONDS(1));
    assert_int_equal(world->exchanges, 0);
    story_assert_trace(world, before, "");
    ph_world_free(world);
}

static void location_on_loopback_is_asked_where_the_answer_came_from(void **state) {
    (void)state;
    /* Not before the gateway has had its time to say something better. */
    ph_world_free(mapped_in(PH_GW_QUIRK_LOOPBACK_LOCATION, PH_MS(250) + AT_ONCE));
}

static void odd_descriptions_and_answers_are_read(void **state) {
    (void)state;
    static const enum ph_gw_quirk quirks[] = {PH_GW_QUIRK_ODD_SPACING, PH_GW_QUIRK_PPP_ONLY,
                                              PH_GW_QUIRK_WRONG_NAMESPACE};
    for (unsigned i = 0; i < LENGTH_OF(quirks); i++)
        ph_world_free(mapped_in(quirks[i], AT_ONCE));
}

static void requests_are_to_the_letter(void **state) {
    (void)state;
    static const enum ph_gw_quirk quirks[] = {PH_GW_QUIRK_STRICT_REQUESTS,
                                              PH_GW_QUIRK_NO_EMPTY_DESCRIPTION};
    for (unsigned i = 0; i < LENGTH_OF(quirks); i++)
        ph_world_free(mapped_in(quirks[i], AT_ONCE));
}

static void connection_that_is_down_is_passed_over(void **state) {
    (void)state;
    struct ph_world *world = mapped_in(PH_GW_QUIRK_DEAD_CONNECTION, AT_ONCE + PH_MS(40));
    assert_int_equal(story_http_count(world, "/ctl/PPPConn"), 1);
    assert_non_null(strstr((const char *)story_http_sent(world, "/ctl/PPPConn", 0)->bytes,
                           "GetExternalIPAddress"));
    ph_world_free(world);
}

static void connection_that_tells_an_old_address_is_passed_over(void **state) {
    (void)state;
    struct ph_world *world = mapped_in(PH_GW_QUIRK_STALE_CONNECTION, AT_ONCE + PH_MS(60));
    assert_int_equal(story_http_count(world, "#GetStatusInfo"), 2);
    assert_int_equal(story_http_count(world, "/ctl/PPPConn"), 2);
    /* Where there is no choice it is not asked. */
    ph_world_free(world);
    world = mapped_in(PH_GW_QUIRK_PPP_ONLY, AT_ONCE);
    assert_int_equal(story_http_count(world, "#GetStatusInfo"), 0);
    ph_world_free(world);
}

/* ---- Forms of a request ---------------------------------------------------------------------- */

static void second_dialect_is_tried_after_an_answer_that_is_no_soap(void **state) {
    (void)state;
    static const enum ph_gw_quirk quirks[] = {PH_GW_QUIRK_HTTP10_ONLY, PH_GW_QUIRK_M_PREFIX_ONLY};
    for (unsigned i = 0; i < LENGTH_OF(quirks); i++) {
        struct ph_world *world = mapped_in(quirks[i], AT_ONCE + PH_MS(20));
        assert_int_equal(story_http_count(world, "#GetExternalIPAddress"), 2);
        assert_int_equal(story_http_count(world, "#AddPortMapping"), 1);
        /* It is remembered when the device is found again. */
        ph_world_move(world, "192.168.77.1", "192.168.77.9");
        ph_world_run(world, PH_SECONDS(1));
        assert_int_equal(story_http_count(world, "#GetExternalIPAddress"), 3);
        assert_int_equal(ph_gw_server_count(world->server), 1);
        ph_world_free(world);
    }
}

/* One that takes the question for the address in any form, and the mapping in the second only. */
static size_t refuse_adding_in_u(struct ph_world *world, const struct ph_endpoint *to,
                                 const struct ph_http_message *request, uint8_t *ret, size_t size) {
    (void)to;
    const char *line = memchr(request->head.at, '\r', request->head.len);
    if (story_calls(request, "AddPortMapping") && memcmp(line - 8, "HTTP/1.0", 8) != 0)
        return story_http_answer(500, "<html>error -911</html>", ret, size);
    return ph_world_serve_http(world, request, ret, size);
}

static void second_dialect_is_tried_for_the_mapping_itself(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_UPNP);
    options.http = refuse_adding_in_u;
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, AT_ONCE + PH_MS(20));
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    porthole_id second = ph_world_map(world, PORTHOLE_UDP, 9090);
    ph_world_run(world, PH_SECONDS(1));
    story_assert_mapped(world, second, PORTHOLE_UPNP, 9090);
    assert_int_equal(story_http_count(world, "#AddPortMapping"), 3);
    ph_world_free(world);
}

static void device_of_version_2_that_takes_version_1_only_is_asked_so(void **state) {
    (void)state;
    struct ph_world *world = mapped_in(PH_GW_QUIRK_V1_ACTIONS, AT_ONCE + PH_MS(20));
    assert_int_equal(story_http_count(world, "WANIPConnection:2#GetExternalIPAddress"), 1);
    assert_int_equal(story_http_count(world, "WANIPConnection:1#AddPortMapping"), 1);
    assert_int_equal(story_http_count(world, "WANIPConnection:2#AddPortMapping"), 0);
    ph_world_free(world);
}

/* ---- The address ----------------------------------------------------------------------------- */

static void nothing_is_mapped_before_the_address_is_known(void **state) {
    (void)state;
    static const struct {
        enum ph_gw_quirk quirk;
        int error;
        int code;
    } cases[] = {{PH_GW_QUIRK_NO_ADDRESS, PORTHOLE_ERR_REFUSED, 501},
                 {PH_GW_QUIRK_ZERO_ADDRESS, PORTHOLE_ERR_NO_UPLINK, 0}};
    for (unsigned i = 0; i < LENGTH_OF(cases); i++) {
        struct ph_world_options options = story_quirk_options(PORTHOLE_USE_UPNP, cases[i].quirk);
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(4));
        story_assert_failed(world, id, cases[i].error, PORTHOLE_UPNP, cases[i].code);
        ph_world_run(world, PH_SECONDS(3600));
        assert_int_equal(story_http_count(world, "#AddPortMapping"), 0);
        ph_world_free(world);
    }
}

static void address_of_0_is_no_uplink_by_every_method(void **state) {
    (void)state;
    static const unsigned methods[] = {PORTHOLE_USE_PCP, PORTHOLE_USE_NATPMP, PORTHOLE_USE_UPNP};
    for (unsigned i = 0; i < LENGTH_OF(methods); i++) {
        struct ph_world_options options = story_quirk_options(methods[i], PH_GW_QUIRK_ZERO_ADDRESS);
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(4));
        assert_int_equal(ph_world_query(world, id).error, PORTHOLE_ERR_NO_UPLINK);
        /* Nothing stays behind of what was granted all the same. */
        ph_world_unmap(world, id);
        ph_world_run(world, PH_SECONDS(4));
        assert_int_equal(ph_gw_server_count(world->server), 0);
        ph_world_free(world);
    }
}

static void address_behind_another_nat_is_told(void **state) {
    (void)state;
    static const unsigned methods[] = {PORTHOLE_USE_PCP, PORTHOLE_USE_NATPMP, PORTHOLE_USE_UPNP};
    for (unsigned i = 0; i < LENGTH_OF(methods); i++) {
        struct ph_world_options options =
            story_quirk_options(methods[i], PH_GW_QUIRK_SHARED_ADDRESS);
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(1));
        struct ph_mapping_info info = ph_world_query(world, id);
        struct ph_addr shared = ph_addr_v4(100, 64, 0, 9);
        assert_int_equal(info.state, PORTHOLE_SUCCESS);
        assert_true(ph_addr_equal(&info.external.addr, &shared));
        ph_world_free(world);
    }
}

/* ---- Moving ---------------------------------------------------------------------------------- */

/* The next mapping finds out, and does not wait for a round. */
static void device_that_moved_is_searched_for_at_once(void **state) {
    (void)state;
    for (unsigned is_port = 0; is_port < 2; is_port++) {
        struct ph_world *world = mapped_in(PH_GW_QUIRK_MOVING_CONTROL, AT_ONCE);
        ph_world_run(world, PH_SECONDS(10));
        if (is_port)
            world->server_config.http_port = 49152;
        ph_world_restart_gateway(world);
        ph_us before = world->now;
        porthole_id id = ph_world_map(world, PORTHOLE_UDP, 9090);
        ph_world_run(world, PH_SECONDS(2));
        story_assert_mapped(world, id, PORTHOLE_UPNP, 9090);
        assert_true(world->started + story_event_time(world, id, PORTHOLE_EVENT_MAPPED) <
                    before + PH_MS(300));
        /* And what it forgot is back, too. */
        assert_int_equal(ph_gw_server_count(world->server), 2);
        ph_world_free(world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_from_any_port_count),
        cmocka_unit_test(router_that_answers_only_one_kind_of_search_is_found_at_once),
        cmocka_unit_test(answer_that_comes_after_the_verdict_counts),
        cmocka_unit_test(late_answer_to_a_search_that_is_long_over_is_none),
        cmocka_unit_test(location_on_loopback_is_asked_where_the_answer_came_from),
        cmocka_unit_test(odd_descriptions_and_answers_are_read),
        cmocka_unit_test(requests_are_to_the_letter),
        cmocka_unit_test(connection_that_is_down_is_passed_over),
        cmocka_unit_test(connection_that_tells_an_old_address_is_passed_over),
        cmocka_unit_test(second_dialect_is_tried_after_an_answer_that_is_no_soap),
        cmocka_unit_test(second_dialect_is_tried_for_the_mapping_itself),
        cmocka_unit_test(device_of_version_2_that_takes_version_1_only_is_asked_so),
        cmocka_unit_test(nothing_is_mapped_before_the_address_is_known),
        cmocka_unit_test(address_of_0_is_no_uplink_by_every_method),
        cmocka_unit_test(address_behind_another_nat_is_told),
        cmocka_unit_test(device_that_moved_is_searched_for_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
