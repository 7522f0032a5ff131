/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * story_network.c: the host's network changes under its mappings: it flaps, is gone for a while,
 * and comes back the same or as another one.
 */
#include "tests/story/igd.h"

static const enum porthole_method all_methods[] = {PORTHOLE_PCP, PORTHOLE_NATPMP, PORTHOLE_UPNP};

static struct ph_world *mapped_world(enum porthole_method method, porthole_id *ret_id) {
    struct ph_world_options options = story_options(1U << method);
    struct ph_world *world = ph_world_new(&options);
    *ret_id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(10));
    story_assert_mapped(world, *ret_id, method, STORY_PORT);
    return world;
}

/* ---- Gone and back --------------------------------------------------------------------------- */

static void network_that_is_gone_for_two_seconds_is_no_event(void **state) {
    (void)state;
    for (unsigned i = 0; i < LENGTH_OF(all_methods); i++) {
        porthole_id id;
        struct ph_world *world = mapped_world(all_methods[i], &id);
        unsigned adds = story_http_count(world, "#AddPortMapping");
        unsigned maps = story_pcp_count(world);
        world->options.silent = true;
        ph_world_network(world, false);
        ph_world_run(world, PH_SECONDS(2));
        world->options.silent = false;
        ph_world_network(world, true);
        ph_world_run(world, PH_SECONDS(20));
        story_assert_mapped(world, id, all_methods[i], STORY_PORT);
        assert_int_equal(world->event_count, 1);
        /* It was asked about, and not made again. */
        assert_int_equal(story_pcp_count(world), maps);
        assert_int_equal(story_http_count(world, "#AddPortMapping"), adds);
        assert_int_equal(ph_gw_server_count(world->server), 1);
        ph_world_free(world);
    }
}

static void what_is_held_is_verified_as_soon_as_the_network_is_back(void **state) {
    (void)state;
    for (unsigned i = 0; i < LENGTH_OF(all_methods); i++) {
        porthole_id id;
        struct ph_world *world = mapped_world(all_methods[i], &id);
        ph_world_network(world, false);
        ph_world_run(world, PH_SECONDS(2));
        ph_world_restart_gateway(world); /* it was its cable */
        ph_us back = world->now;
        ph_world_network(world, true);
        ph_world_run(world, PH_SECONDS(2));
        story_assert_mapped(world, id, all_methods[i], STORY_PORT);
        assert_int_equal(ph_gw_server_count(world->server), 1);
        assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_PENDING), 1);
        assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_MAPPED), 2);
        assert_true(world->event_times[world->event_count - 1] <= back + PH_MS(200));
        ph_world_free(world);
    }
}

static void network_that_is_gone_for_longer_is_told_once_and_in_time(void **state) {
    (void)state;
    for (unsigned i = 0; i < LENGTH_OF(all_methods); i++) {
        porthole_id id;
        struct ph_world *world = mapped_world(all_methods[i], &id);
        ph_us gone = world->now;
        world->options.silent = true;
        ph_world_network(world, false);
        ph_world_run(world, PH_SECONDS(30));
        story_assert_failed(world, id, PORTHOLE_ERR_NO_NETWORK, PORTHOLE_NONE, 0);
        assert_true(world->event_times[1] == gone + PH_SECONDS(5));
        assert_true(ph_engine_deadline(world->engine) >= gone + PH_SECONDS(200)); /* the recheck */
        world->options.silent = false;
        ph_us back = world->now;
        ph_world_network(world, true);
        ph_world_run(world, PH_SECONDS(5));
        /* Asked for by its nonce and port, so that the gateway has one mapping and the same. */
        story_assert_mapped(world, id, all_methods[i], STORY_PORT);
        assert_int_equal(ph_gw_server_count(world->server), 1);
        assert_int_equal(world->event_count, 3);
        assert_true(world->event_times[2] <= back + PH_MS(200));
        ph_world_free(world);
    }
}

static void mapping_that_is_asked_for_while_the_network_flaps_waits_for_it(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
    struct ph_world *world = ph_world_new(&options);
    ph_world_network(world, false);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(2));
    assert_int_equal(world->event_count, 0);
    assert_int_equal(world->sent_count, 0);
    ph_world_network(world, true);
    ph_world_run(world, PH_MS(100));
    story_assert_mapped(world, id, PORTHOLE_PCP, STORY_PORT);
    assert_int_equal(world->event_count, 1);
    ph_world_free(world);
}

static void network_that_never_comes_is_told_after_the_grace_only(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
    struct ph_world *world = ph_world_new(&options);
    ph_world_network(world, false);
    ph_world_run(world, PH_SECONDS(60));
    porthole_id id = story_map(world, 0);
    story_assert_failed(world, id, PORTHOLE_ERR_NO_NETWORK, PORTHOLE_NONE, 0);
    ph_world_run(world, PH_SECONDS(3600));
    assert_int_equal(world->event_count, 1);
    assert_int_equal(world->sent_count, 0);
    assert_true(ph_engine_deadline(world->engine) == PH_NEVER);
    ph_world_free(world);
}

static void mapping_that_is_given_up_without_a_network_ends_with_its_lease(void **state) {
    (void)state;
    for (unsigned i = 0; i < LENGTH_OF(all_methods); i++) {
        porthole_id id;
        struct ph_world *world = mapped_world(all_methods[i], &id);
        world->options.silent = true;
        ph_world_network(world, false);
        ph_world_run(world, PH_SECONDS(30));
        ph_world_unmap(world, id);
        ph_world_run(world, PH_SECONDS(30));
        story_assert_unmapped(world, id, PORTHOLE_FATE_EXPIRES);
        ph_world_free(world);
    }
}

/* Another router of the same address: it answers, but not this. */
static void what_nobody_confirms_after_a_change_is_made_again(void **state) {
    (void)state;
    porthole_id id;
    struct ph_world *world = mapped_world(PORTHOLE_PCP, &id);
    ph_world_network(world, false);
    ph_world_run(world, PH_SECONDS(2));
    world->server_config.pcp = false;
    world->server_config.natpmp = true;
    ph_world_restart_gateway(world);
    ph_us back = world->now;
    ph_world_network(world, true);
    ph_world_run(world, PH_SECONDS(5));
    story_assert_mapped(world, id, PORTHOLE_NATPMP, STORY_PORT);
    assert_true(world->event_times[world->event_count - 1] <= back + PH_MS(300));
    assert_int_equal(ph_gw_server_count(world->server), 1);
    assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_PENDING), 1);
    ph_world_free(world);
}

static void port_that_is_closed_after_a_change_needs_no_patience(void **state) {
    (void)state;
    porthole_id id;
    struct ph_world *world = mapped_world(PORTHOLE_PCP, &id);
    ph_world_network(world, false);
    ph_world_run(world, PH_SECONDS(2));
    world->server_config.pcp = false;
    world->server_config.upnp = true;
    ph_world_restart_gateway(world);
    ph_us back = world->now;
    ph_world_network(world, true);
    ph_world_run(world, PH_SECONDS(1));
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    assert_true(world->event_times[world->event_count - 1] <= back + PH_MS(300));
    ph_world_free(world);
}

/* ---- Elsewhere ------------------------------------------------------------------------------- */

static void change_of_address_moves_the_mapping_and_leaves_nothing(void **state) {
    (void)state;
    for (unsigned i = 0; i < LENGTH_OF(all_methods); i++) {
        porthole_id id;
        struct ph_world *world = mapped_world(all_methods[i], &id);
        ph_us moved = world->now;
        ph_world_readdress(world, "192.168.77.3");
        assert_int_equal(ph_world_last(world).type, PORTHOLE_EVENT_PENDING);
        ph_world_run(world, PH_SECONDS(1));
        /* The same external port: the delete was there before the request. */
        story_assert_mapped(world, id, all_methods[i], STORY_PORT);
        assert_int_equal(world->event_count, 3);
        assert_true(world->event_times[2] <= moved + PH_MS(200));
        struct ph_mapping_info info = ph_world_query(world, id);
        assert_true(ph_addr_equal(&info.source, &world->path.source));
        assert_int_equal(ph_gw_server_count(world->server), 1);
        ph_world_free(world);
    }
}

static void change_of_address_without_the_old_one_is_as_quick(void **state) {
    (void)state;
    for (unsigned i = 0; i < LENGTH_OF(all_methods); i++) {
        porthole_id id;
        struct ph_world *world = mapped_world(all_methods[i], &id);
        world->options.cut_off = true;
        ph_us moved = world->now;
        ph_world_readdress(world, "192.168.77.3");
        ph_world_run(world, PH_SECONDS(10));
        assert_int_equal(ph_world_query(world, id).state, PORTHOLE_SUCCESS);
        assert_int_equal(world->event_count, 3);
        assert_true(world->event_times[2] <= moved + PH_SECONDS(1));
        ph_world_free(world);
    }
}

static void another_router_gets_the_mappings_and_the_old_one_is_cleared(void **state) {
    (void)state;
    for (unsigned i = 0; i < LENGTH_OF(all_methods); i++) {
        porthole_id id;
        struct ph_world *world = mapped_world(all_methods[i], &id);
        for (uint16_t port = 1; port < 100; port++)
            ph_world_map(world, PORTHOLE_UDP, (uint16_t)(9000 + port));
        ph_world_run(world, PH_SECONDS(5));
        assert_int_equal(ph_gw_server_count(world->server), 100);
        ph_us moved = world->now;
        ph_world_move(world, "10.1.1.1", "10.1.1.2");
        ph_world_run(world, PH_SECONDS(4));
        assert_int_equal(ph_gw_server_count(world->former), 0);
        assert_int_equal(ph_gw_server_count(world->server), 100);
        assert_true(world->event_times[world->event_count - 1] <= moved + PH_SECONDS(2));
        assert_int_equal(world->strays, 0);
        assert_null(ph_engine_path(world->engine, 1)); /* and is forgotten */
        ph_world_free(world);
    }
}

static void silent_old_router_delays_nobody_and_is_forgotten(void **state) {
    (void)state;
    for (unsigned i = 0; i < LENGTH_OF(all_methods); i++) {
        porthole_id id;
        struct ph_world *world = mapped_world(all_methods[i], &id);
        ph_gw_server_free(world->server);
        world->server = NULL;
        ph_us moved = world->now;
        ph_world_move(world, "10.1.1.1", "10.1.1.2");
        assert_non_null(ph_engine_path(world->engine, 1));
        ph_world_run(world, PH_SECONDS(3));
        story_assert_mapped(world, id, all_methods[i], STORY_PORT);
        assert_true(world->event_times[world->event_count - 1] <= moved + PH_MS(200));
        ph_world_run(world, PH_MS(1010));
        assert_null(ph_engine_path(world->engine, 1));
        ph_world_free(world);
    }
}

/* The first one gets an error page. */
static size_t stumble_over_a_delete(struct ph_world *world, const struct ph_endpoint *to,
                                    const struct ph_http_message *request, uint8_t *ret,
                                    size_t size) {
    bool *has_stumbled = world->options.user;
    (void)to;
    if (!story_calls(request, "DeletePortMapping") || *has_stumbled)
        return ph_world_serve_http(world, request, ret, size);
    *has_stumbled = true;
    return story_http_answer(500, "busy", ret, size);
}

/* A UPnP device knows a mapping by its external port alone: a late delete would take the new
 * mapping along. */
static void upnp_mapping_waits_for_the_delete_at_the_same_device(void **state) {
    bool has_stumbled = false;
    porthole_id id;
    (void)state;
    struct ph_world *world = mapped_world(PORTHOLE_UPNP, &id);
    world->options.http = stumble_over_a_delete;
    world->options.user = &has_stumbled;
    ph_us moved = world->now;
    ph_world_readdress(world, "192.168.77.3");
    ph_world_run(world, PH_SECONDS(2));
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    assert_true(world->event_times[world->event_count - 1] <= moved + PH_SECONDS(1));
    assert_int_equal(story_http_count(world, "#DeletePortMapping"), 2);
    assert_true(story_http_sent(world, "#AddPortMapping", 1)->at >
                story_http_sent(world, "#DeletePortMapping", 1)->at);
    assert_int_equal(ph_gw_server_count(world->server), 1);
    ph_world_free(world);
}

static void back_at_once_waits_for_its_own_deletes(void **state) {
    (void)state;
    for (unsigned i = 0; i < LENGTH_OF(all_methods); i++) {
        porthole_id id;
        struct ph_world *world = mapped_world(all_methods[i], &id);
        struct ph_path home = world->path;
        /* A second address for a moment, of the same router. */
        ph_world_readdress(world, "192.168.77.3");
        world->path = home;
        ph_world_network(world, true);
        ph_world_run(world, PH_SECONDS(5));
        story_assert_mapped(world, id, all_methods[i], STORY_PORT);
        assert_int_equal(ph_gw_server_count(world->server), 1);
        ph_world_free(world);
    }
}

static void hear_no_deletes(struct ph_world *world, enum ph_world_port port,
                            const struct ph_endpoint *from, const uint8_t *bytes, size_t len) {
    struct ph_pcp_request request;
    if (!story_is_pcp(port, bytes, len, &request) || request.lifetime_s > 0)
        ph_world_serve(world, port, from, bytes, len);
}

static void network_that_keeps_changing_piles_nothing_up(void **state) {
    (void)state;
    porthole_id id;
    struct ph_world *world = mapped_world(PORTHOLE_PCP, &id);
    world->options.script = hear_no_deletes;
    for (unsigned i = 0; i < 100; i++) {
        char client[16];
        snprintf(client, sizeof client, "192.168.77.%u", 3 + i);
        ph_world_readdress(world, client);
        ph_world_run(world, PH_MS(20));
    }
    unsigned count = 0;
    for (uint32_t gateway = 1; gateway <= 101; gateway++)
        count += ph_engine_path(world->engine, gateway) ? 1 : 0;
    assert_int_equal(count, 5); /* the present one, and the last four */
    ph_world_run(world, PH_SECONDS(10));
    assert_int_equal(ph_world_query(world, id).state, PORTHOLE_SUCCESS);
    ph_world_free(world);
}

static void stop_waits_for_what_is_left_at_the_old_router(void **state) {
    (void)state;
    for (unsigned i = 0; i < LENGTH_OF(all_methods); i++) {
        porthole_id id;
        struct ph_world *world = mapped_world(all_methods[i], &id);
        ph_world_move(world, "10.1.1.1", "10.1.1.2");
        ph_world_stop(world, PH_SECONDS(3));
        ph_world_run(world, PH_SECONDS(3));
        assert_true(ph_engine_is_stopped(world->engine));
        assert_int_equal(ph_gw_server_count(world->former), 0);
        assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_UNMAPPED), 1);
        assert_true(ph_engine_deadline(world->engine) == PH_NEVER);
        ph_world_free(world);
    }
}

/* Another host than the gateway is taken for the IGD when it is on this host's own network. */
static void network_reaches_as_far_as_its_prefix(void **state) {
    static const struct {
        unsigned prefix_len;
        uint8_t third;
        uint8_t last;
        bool is_ours;
    } cases[] = {
        {0, 77, 66, true},    {0, 78, 66, false},  {24, 77, 66, true}, {24, 78, 66, false},
        {23, 76, 66, true},   {23, 78, 66, false}, {16, 1, 66, true},  {25, 77, 127, true},
        {25, 77, 128, false}, {30, 77, 3, true},   {30, 77, 4, false}, {32, 77, 66, false},
    };
    (void)state;
    for (unsigned i = 0; i < LENGTH_OF(cases); i++) {
        struct igd igd;
        igd_init(&igd);
        igd.answers_from =
            (struct ph_endpoint){ph_addr_v4(192, 168, cases[i].third, cases[i].last), PH_SSDP_PORT};
        struct ph_world_options options = igd_options(&igd);
        struct ph_world *world = ph_world_new(&options);
        world->path.prefix_len = cases[i].prefix_len; /* known after the first request */
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_MS(150));
        ph_world_network(world, true);
        ph_world_run(world, PH_SECONDS(3));
        assert_int_equal(ph_world_query(world, id).state == PORTHOLE_SUCCESS, cases[i].is_ours);
        assert_int_equal(world->exchanges > 0, cases[i].is_ours);
        ph_world_free(world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(network_that_is_gone_for_two_seconds_is_no_event),
        cmocka_unit_test(what_is_held_is_verified_as_soon_as_the_network_is_back),
        cmocka_unit_test(network_that_is_gone_for_longer_is_told_once_and_in_time),
        cmocka_unit_test(mapping_that_is_asked_for_while_the_network_flaps_waits_for_it),
        cmocka_unit_test(network_that_never_comes_is_told_after_the_grace_only),
        cmocka_unit_test(mapping_that_is_given_up_without_a_network_ends_with_its_lease),
        cmocka_unit_test(what_nobody_confirms_after_a_change_is_made_again),
        cmocka_unit_test(port_that_is_closed_after_a_change_needs_no_patience),
        cmocka_unit_test(change_of_address_moves_the_mapping_and_leaves_nothing),
        cmocka_unit_test(change_of_address_without_the_old_one_is_as_quick),
        cmocka_unit_test(another_router_gets_the_mappings_and_the_old_one_is_cleared),
        cmocka_unit_test(silent_old_router_delays_nobody_and_is_forgotten),
        cmocka_unit_test(upnp_mapping_waits_for_the_delete_at_the_same_device),
        cmocka_unit_test(back_at_once_waits_for_its_own_deletes),
        cmocka_unit_test(network_that_keeps_changing_piles_nothing_up),
        cmocka_unit_test(stop_waits_for_what_is_left_at_the_old_router),
        cmocka_unit_test(network_reaches_as_far_as_its_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
