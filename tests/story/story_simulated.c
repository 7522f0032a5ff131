/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * story_simulated.c: what the simulation of many seeds (sim/swarm.h) found in the engine, each told
 * as the shortest story that shows it.
 */
#include "tests/story/igd.h"

/* PREFER_FAILURE makes a demand of what is suggested; the address that the gateway had before is
 * nothing to demand (RFC 6887 §13.2). */
static void exact_port_is_mapped_again_at_the_gateways_new_address(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, PORTHOLE_EXACT_PORT);
    ph_world_run(world, PH_SECONDS(100));
    world->server_config.external = ph_addr_v4(5, 6, 7, 8);
    ph_world_restart_gateway(world);
    ph_world_run(world, PH_SECONDS(301));
    story_assert_mapped(world, id, PORTHOLE_PCP, STORY_PORT);
    ph_world_free(world);
}

static void five_seconds_late(struct ph_world *world, enum ph_world_port port,
                              const struct ph_endpoint *from, const uint8_t *bytes, size_t len) {
    ph_world_answer_late(world, port, from, bytes, len, PH_SECONDS(5));
}

/* All repetitions are sent before the first answer comes. */
static void renewal_that_is_answered_late_counts(void **state) {
    (void)state;
    for (unsigned method = PORTHOLE_PCP; method <= PORTHOLE_NATPMP; method++) {
        struct ph_world_options options = story_options(1U << method);
        options.lease_max_s = 60;
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(10));
        world->options.meddle = five_seconds_late;
        ph_world_run(world, PH_SECONDS(600));
        story_assert_mapped(world, id, (enum porthole_method)method, STORY_PORT);
        assert_int_equal(world->event_count, 1);
        /* From when it was asked for, not from when the answer came. */
        struct ph_mapping_info info = ph_world_query(world, id);
        assert_true(info.expires <= ph_gw_server_deadline(world->server));
        ph_world_free(world);
    }
}

static void renewal_that_is_refused_late_is_refused_all_the_same(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(10));
    world->options.meddle = five_seconds_late;
    world->server_config.behaviour.mappings_max = 0;
    ph_world_restart_gateway(world);
    ph_world_refresh(world, id);
    ph_world_run(world, PH_SECONDS(10));
    assert_true(ph_world_traced(world, "tcp 8080: its renewal was refused; its lease goes on"));
    ph_world_free(world);
}

/* A PCP server reads a NAT-PMP request for a TCP port as opcode PEER of version 0 (RFC 6887 §9). */
static void refusal_of_natpmp_by_a_pcp_server_is_none_of_pcp(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    uint8_t refusal[24] = {PH_PCP_VERSION, 0x80 | PH_PCP_PEER, 0, PH_PCP_UNSUPP_VERSION};
    struct ph_endpoint from = {world->path.gateway, PH_PCP_PORT};
    ph_world_answer(world, PH_WORLD_CONTROL, &from, refusal, sizeof refusal);
    ph_world_run(world, PH_MS(8));
    assert_true(ph_world_traced(world, "natpmp: asking -> dead: the gateway does not support it"));
    ph_world_run(world, PH_SECONDS(1));
    story_assert_mapped(world, id, PORTHOLE_PCP, STORY_PORT);
    assert_false(ph_world_traced(world, "pcp: asking -> dead"));
    ph_world_free(world);
}

static porthole_id map_by(struct ph_world *world, unsigned methods, uint16_t port) {
    struct ph_map_request request = {.protocol = PORTHOLE_UDP,
                                     .internal_port = port,
                                     .external_port = port,
                                     .lifetime_s = 7200,
                                     .methods = methods};
    porthole_id id;
    ph_world_map_request(world, &request, &id);
    return id;
}

/* The question is asked of a method that was set back to be asked anew. */
static void refusal_of_an_announce_is_none_of_natpmp(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP | PORTHOLE_USE_NATPMP);
    struct ph_world *world = ph_world_new(&options);
    map_by(world, PORTHOLE_USE_PCP, 9000);
    porthole_id id = map_by(world, PORTHOLE_USE_NATPMP, 9001);
    ph_world_run(world, PH_SECONDS(100));
    story_assert_mapped(world, id, PORTHOLE_NATPMP, 9001);
    struct ph_input input = {.type = PH_INPUT_UNREACHABLE};
    input.u.unreachable.gateway = world->gateway;
    input.u.unreachable.channel = PH_CHANNEL_CONTROL;
    input.u.unreachable.error = PORTHOLE_ERR_PORT_CLOSED;
    ph_world_step(world, &input);
    world->server_config.pcp = false;
    ph_world_restart_gateway(world);
    ph_world_refresh(world, id);
    ph_world_run(world, PH_SECONDS(10));
    story_assert_mapped(world, id, PORTHOLE_NATPMP, 9001);
    ph_world_run(world, PH_SECONDS(310));
    assert_false(ph_world_traced(world, "natpmp: alive -> dead: the gateway does not support it"));
    ph_world_free(world);
}

/* And so does the answer to a recheck; also where no answer was ever in time. */
static void restart_is_noticed_by_a_late_answer(void **state) {
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        enum porthole_method method = i % 2 ? PORTHOLE_NATPMP : PORTHOLE_PCP;
        struct ph_world_options options = story_options(1U << method);
        options.meddle = i / 2 ? five_seconds_late : NULL;
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(100));
        story_assert_mapped(world, id, method, STORY_PORT);
        ph_world_restart_gateway(world);
        world->options.meddle = five_seconds_late;
        ph_world_run(world, PH_SECONDS(320));
        story_assert_mapped(world, id, method, STORY_PORT);
        assert_int_equal(ph_gw_server_count(world->server), 1);
        ph_world_free(world);
    }
}

/* Questions that nobody answered must not make the next answer's time uncertain. */
static void restart_in_a_long_silence_is_noticed(void **state) {
    (void)state;
    for (unsigned method = PORTHOLE_PCP; method <= PORTHOLE_NATPMP; method++) {
        struct ph_world_options options = story_options(1U << method);
        options.recheck_period = PH_SECONDS(5);
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(100));
        world->options.silent = true;
        ph_world_run(world, PH_SECONDS(200));
        ph_world_restart_gateway(world);
        ph_world_run(world, PH_SECONDS(200)); /* its clock is ahead of what it last told */
        world->options.silent = false;
        ph_world_run(world, PH_SECONDS(10));
        story_assert_mapped(world, id, (enum porthole_method)method, STORY_PORT);
        assert_int_equal(ph_gw_server_count(world->server), 1);
        ph_world_free(world);
    }
}

/* Restarts are not believed close together; the second one shows a little later. */
static void second_restart_soon_after_the_first_is_noticed(void **state) {
    (void)state;
    for (unsigned method = PORTHOLE_PCP; method <= PORTHOLE_NATPMP; method++) {
        struct ph_world_options options = story_options(1U << method);
        options.recheck_period = PH_SECONDS(3);
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(100));
        world->options.silent = true;
        ph_world_restart_gateway(world);
        ph_world_run(world, PH_SECONDS(20));
        world->options.silent = false;
        ph_world_run(world, PH_MS(3100));
        assert_int_equal(ph_gw_server_count(world->server), 1);
        ph_world_restart_gateway(world);
        ph_world_run(world, PH_MS(8100));
        story_assert_mapped(world, id, (enum porthole_method)method, STORY_PORT);
        assert_int_equal(ph_gw_server_count(world->server), 1);
        ph_world_free(world);
    }
}

/* The first reading finds that the device has moved, which ends the others. */
static void each_mapping_of_a_device_that_moved_is_read_back(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_UPNP);
    struct ph_world *world = ph_world_new(&options);
    for (uint16_t port = 0; port < 10; port++)
        ph_world_map(world, PORTHOLE_UDP, (uint16_t)(9000 + port));
    ph_world_run(world, PH_SECONDS(5));
    world->server_config.http_port = 49152;
    ph_world_restart_gateway(world);
    ph_world_run(world, PH_SECONDS(310));
    assert_int_equal(ph_gw_server_count(world->server), 10);
    ph_world_free(world);
}

/* Another mapping's news sets the dead methods back; that is no search yet. */
static void device_that_was_given_up_is_searched_for_at_the_next_recheck(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP | PORTHOLE_USE_UPNP);
    options.recheck_period = PH_SECONDS(30);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = map_by(world, PORTHOLE_USE_UPNP, 9000);
    porthole_id other = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(100));
    story_assert_mapped(world, id, PORTHOLE_UPNP, 9000);
    world->options.silent = true;
    ph_world_run(world, PH_SECONDS(200));
    ph_world_restart_gateway(world);
    world->options.silent = false;
    ph_world_refresh(world, other); /* tells of the restart */
    ph_world_run(world, PH_SECONDS(70));
    assert_int_equal(ph_gw_server_count(world->server), 2);
    ph_world_free(world);
}

/* The end of a probe frees a place in the window, for which others wait. */
static void gateway_that_is_left_is_asked_for_nothing_more(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    options.silent = true;
    struct ph_world *world = ph_world_new(&options);
    struct ph_addr old = world->path.gateway;
    ph_world_probe(world, PH_SECONDS(3), false);
    for (uint16_t port = 0; port < 10; port++)
        ph_world_map(world, PORTHOLE_TCP, (uint16_t)(9000 + port));
    ph_world_run(world, PH_MS(100));
    size_t before = world->sent_count;
    ph_world_move(world, "192.168.78.1", "192.168.78.2");
    ph_world_run(world, PH_SECONDS(1));
    unsigned deletes = 0;
    for (size_t i = before; i < world->sent_count; i++) {
        struct ph_pcp_request request;
        if (!ph_addr_equal(&world->sent[i].to.addr, &old) ||
            !story_is_pcp(world->sent[i].port, world->sent[i].bytes, world->sent[i].len, &request))
            continue;
        assert_int_equal(request.lifetime_s, 0);
        deletes++;
    }
    assert_true(deletes > 0);
    ph_world_free(world);
}

/* What is granted without an address must not make the method be asked again, and again. */
static void gateway_without_uplink_makes_no_storm(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_NATPMP);
    options.external = "0.0.0.0";
    options.delay = PH_MS(1);
    struct ph_world *world = ph_world_new(&options);
    for (uint16_t port = 0; port < 4; port++)
        ph_world_map(world, PORTHOLE_TCP, (uint16_t)(9000 + port));
    ph_world_run(world, PH_SECONDS(10));
    assert_in_range(world->sent_control, 1, 100);
    ph_world_free(world);
}

/* Each address that comes late shows an older request's loss, or so it seems. */
static void slow_gateway_is_not_asked_again_and_again(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_NATPMP);
    options.delay = PH_MS(1750);
    options.recheck_period = PH_SECONDS(30);
    struct ph_world *world = ph_world_new(&options);
    world->server_config.behaviour.mappings_max = 0;
    ph_world_restart_gateway(world);
    ph_world_map(world, PORTHOLE_TCP, 8080);
    ph_world_run(world, PH_SECONDS(600));
    assert_in_range(world->sent_control, 1, 300); /* two dozen rounds */
    ph_world_free(world);
}

/* One at a time, where each takes seconds, is so slow that leases end meanwhile. */
static void losses_leave_two_places_in_the_window(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    struct ph_world *world = ph_world_new(&options);
    for (uint16_t port = 0; port < 2; port++)
        ph_world_map(world, PORTHOLE_TCP, (uint16_t)(9000 + port)); /* the window gets even */
    ph_world_run(world, PH_SECONDS(1));
    world->options.silent = true;
    ph_world_refresh(world, 1);
    ph_world_run(world, PH_SECONDS(10));
    world->options.silent = false;
    unsigned before = story_pcp_count(world);
    for (uint16_t port = 2; port < 8; port++)
        ph_world_map(world, PORTHOLE_TCP, (uint16_t)(9000 + port));
    assert_int_equal(story_pcp_count(world) - before, 2);
    ph_world_free(world);
}

/* ---- Deletes by UPnP ------------------------------------------------------------------------- */

/* A mapping that is refused at its renewal, and in all tries after it. */
static struct ph_world *refused_world(struct igd *igd, porthole_id *ret_id) {
    igd_init(igd);
    struct ph_world_options options = igd_options(igd);
    struct ph_world *world = ph_world_new(&options);
    *ret_id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    igd->fault = PH_UPNP_ACTION_FAILED;
    igd->faults = 1000;
    return world;
}

static void refused_renewal_is_deleted_by_the_port_that_it_had(void **state) {
    (void)state;
    struct igd igd;
    porthole_id id;
    struct ph_world *world = refused_world(&igd, &id);
    ph_world_refresh(world, id);
    ph_world_run(world, PH_SECONDS(8000)); /* the lease ends meanwhile */
    assert_int_equal(ph_world_query(world, id).state, PORTHOLE_FAILURE);
    ph_world_unmap(world, id);
    ph_world_run(world, PH_SECONDS(1));
    assert_int_equal(story_http_count(world, "#DeletePortMapping"), 1);
    assert_int_equal(story_http_count(world, "<NewExternalPort>0<"), 0);
    assert_int_equal(igd.entries[0].external_port, 0);
    ph_world_free(world);
}

static void what_the_device_forgot_is_not_deleted(void **state) {
    (void)state;
    struct igd igd;
    porthole_id id;
    struct ph_world *world = refused_world(&igd, &id);
    memset(igd.entries, 0, sizeof igd.entries);
    ph_world_run(world, PH_SECONDS(400)); /* a recheck finds it */
    assert_int_equal(ph_world_query(world, id).state, PORTHOLE_FAILURE);
    ph_world_unmap(world, id);
    ph_world_run(world, PH_SECONDS(1));
    assert_int_equal(story_http_count(world, "#DeletePortMapping"), 0);
    ph_world_free(world);
}

/* The device gives ports away that others have, so each is looked at before it is asked for. */
static void port_that_is_only_looked_at_is_not_deleted(void **state) {
    (void)state;
    struct igd igd;
    igd_init(&igd);
    struct ph_world_options options = igd_options(&igd);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    snprintf(igd.entries[0].client, sizeof igd.entries[0].client, "192.168.77.99");
    igd.fault = PH_UPNP_ACTION_FAILED;
    igd.faults = 1000;
    for (unsigned ms = 0; ms < 400000 && igd.adds < 2; ms++)
        ph_world_run(world, PH_MS(1)); /* a recheck finds it */
    assert_int_equal(igd.adds, 2);
    unsigned looks = story_http_count(world, "#GetSpecificPortMappingEntry");
    for (unsigned ms = 0;
         ms < 1000 && story_http_count(world, "#GetSpecificPortMappingEntry") == looks; ms++)
        ph_world_run(world, PH_MS(1));
    ph_world_unmap(world, id);
    ph_world_run(world, PH_SECONDS(1));
    assert_int_equal(igd.adds, 2);
    assert_int_equal(story_http_count(world, "#DeletePortMapping"), 0);
    ph_world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_port_is_mapped_again_at_the_gateways_new_address),
        cmocka_unit_test(renewal_that_is_answered_late_counts),
        cmocka_unit_test(renewal_that_is_refused_late_is_refused_all_the_same),
        cmocka_unit_test(refusal_of_natpmp_by_a_pcp_server_is_none_of_pcp),
        cmocka_unit_test(refusal_of_an_announce_is_none_of_natpmp),
        cmocka_unit_test(restart_is_noticed_by_a_late_answer),
        cmocka_unit_test(restart_in_a_long_silence_is_noticed),
        cmocka_unit_test(second_restart_soon_after_the_first_is_noticed),
        cmocka_unit_test(each_mapping_of_a_device_that_moved_is_read_back),
        cmocka_unit_test(device_that_was_given_up_is_searched_for_at_the_next_recheck),
        cmocka_unit_test(gateway_that_is_left_is_asked_for_nothing_more),
        cmocka_unit_test(gateway_without_uplink_makes_no_storm),
        cmocka_unit_test(slow_gateway_is_not_asked_again_and_again),
        cmocka_unit_test(losses_leave_two_places_in_the_window),
        cmocka_unit_test(refused_renewal_is_deleted_by_the_port_that_it_had),
        cmocka_unit_test(what_the_device_forgot_is_not_deleted),
        cmocka_unit_test(port_that_is_only_looked_at_is_not_deleted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
