/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * story_upnp_lease.c: keeping a mapping that was made by UPnP-IGD: leases that never end, and
 * devices that change, move, restart or are gone for a while.
 */
#include "tests/story/igd.h"

/* ---- Leases without end ---------------------------------------------------------------------- */

static void router_that_knows_no_leases_is_asked_for_none(void **state) {
    (void)state;
    struct igd igd;
    igd_init(&igd);
    igd.fault = PH_UPNP_PERMANENT_LEASES_ONLY;
    igd.faults = 1;
    struct ph_world_options options = igd_options(&igd);
    struct ph_world *world = ph_world_new(&options);
    porthole_id first = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    story_assert_mapped(world, first, PORTHOLE_UPNP, STORY_PORT);
    assert_int_equal(igd.adds, 2);
    assert_int_equal(igd.lease_s, 0);
    assert_int_equal(ph_world_query(world, first).lifetime_s, 0);
    assert_true(ph_world_query(world, first).expires == PH_NEVER);
    /* It is remembered for the next one. */
    porthole_id second = ph_world_map(world, PORTHOLE_UDP, 9090);
    ph_world_run(world, PH_SECONDS(1));
    story_assert_mapped(world, second, PORTHOLE_UPNP, 9090);
    assert_int_equal(igd.adds, 3);
    assert_int_equal(igd.lease_s, 0);
    /* Looked after once an hour. */
    ph_world_run(world, PH_SECONDS(3590));
    assert_int_equal(igd.adds, 3);
    ph_world_run(world, PH_SECONDS(20));
    assert_int_equal(igd.adds, 5);
    ph_world_run(world, PH_SECONDS(3600));
    assert_int_equal(igd.adds, 7);
    assert_int_equal(world->event_count, 2);
    ph_world_unmap(world, first);
    ph_world_run(world, PH_SECONDS(1));
    story_assert_unmapped(world, first, PORTHOLE_FATE_REMOVED);
    /* One that cannot be removed stays for ever. */
    world->options.silent = true;
    ph_world_stop(world, PH_SECONDS(3));
    ph_world_run(world, PH_SECONDS(10));
    story_assert_unmapped(world, second, PORTHOLE_FATE_LEFT);
    ph_world_free(world);
}

/* ---- Keeping --------------------------------------------------------------------------------- */

static void renewed_and_the_new_address_told(void **state) {
    (void)state;
    struct igd igd;
    igd_init(&igd);
    struct ph_world_options options = igd_options(&igd);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    igd.addresses[0] = "5.6.7.8";
    world->server_config.external = ph_addr_v4(5, 6, 7, 8);
    ph_world_run(world, PH_SECONDS(5000));
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    assert_int_equal(igd.adds, 2);
    assert_int_equal(igd.lease_s, 7200);
    assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_CHANGED), 1);
    assert_int_equal(world->event_count, 2);
    ph_world_free(world);
}

static void uplink_that_goes_at_a_renewal_is_no_loss_until_the_lease_ends(void **state) {
    (void)state;
    struct igd igd;
    igd_init(&igd);
    struct ph_world_options options = igd_options(&igd);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(3500));
    igd.addresses[0] = "0.0.0.0";
    ph_world_run(world, PH_SECONDS(3000));
    assert_int_equal(ph_world_query(world, id).state, PORTHOLE_SUCCESS);
    igd.addresses[0] = "1.2.3.4";
    ph_world_run(world, PH_SECONDS(20000));
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    assert_int_equal(world->event_count, 1);
    ph_world_free(world);
}

static void device_that_is_gone_for_a_while_keeps_the_mapping(void **state) {
    (void)state;
    for (unsigned is_permanent = 0; is_permanent < 2; is_permanent++) {
        struct igd igd;
        igd_init(&igd);
        igd.fault = PH_UPNP_PERMANENT_LEASES_ONLY;
        igd.faults = is_permanent;
        struct ph_world_options options = igd_options(&igd);
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(3400));
        world->options.silent = true;
        ph_world_run(world, PH_SECONDS(3000));
        assert_int_equal(ph_world_query(world, id).state, PORTHOLE_SUCCESS);
        world->options.silent = false;
        ph_world_run(world, PH_SECONDS(20000));
        story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
        assert_int_equal(world->event_count, 1);
        ph_world_free(world);
    }
}

static void device_that_moves_to_another_port_is_found_again_with_all_it_holds(void **state) {
    (void)state;
    struct igd igd;
    igd_init(&igd);
    struct ph_world_options options = igd_options(&igd);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    igd.http_port = 49152;
    ph_world_run(world, PH_SECONDS(4510)); /* the latest renewal, and 10 s for all that follows */
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    assert_int_equal(igd.adds, 2);
    assert_int_equal(world->event_count, 1);
    ph_world_free(world);
}

static void device_that_restarts_on_another_port_is_found_and_told_again(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_UPNP);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    world->server_config.http_port = 49152;
    ph_world_restart_gateway(world);
    ph_world_run(world, PH_SECONDS(310)); /* a recheck, and 10 s for all that follows */
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    assert_int_equal(ph_gw_server_count(world->server), 1);
    assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_PENDING), 1);
    assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_MAPPED), 2);
    assert_int_equal(world->event_count, 3);
    ph_world_free(world);
}

static void control_url_that_is_not_found_is_searched_for_at_once(void **state) {
    (void)state;
    struct igd igd;
    igd_init(&igd);
    struct ph_world_options options = igd_options(&igd);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(10));
    igd.action_status = 404;
    igd.action_body = "<html>no</html>";
    ph_world_run(world, PH_SECONDS(51)); /* it tells no BOOTID: a recheck in 60 s */
    /* The first one was read back when it had been made. */
    const struct ph_world_sent *asked = story_http_sent(world, "#GetSpecificPortMappingEntry", 1);
    assert_non_null(asked);
    bool is_searched = false;
    for (size_t i = 0; i < world->sent_count; i++)
        is_searched |= world->sent[i].port == PH_WORLD_SSDP && world->sent[i].at >= asked->at &&
                       world->sent[i].at < asked->at + PH_MS(100);
    assert_true(is_searched);
    igd.action_status = 0;
    ph_world_run(world, PH_SECONDS(60));
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    assert_int_equal(world->event_count, 1);
    ph_world_free(world);
}

/* A late answer to a search that has ended begins it again; when nothing comes of it, the next
 * recheck must be free to search. */
static void late_answer_that_leads_nowhere_is_no_end_of_rechecks(void **state) {
    (void)state;
    struct igd igd;
    igd_init(&igd);
    struct ph_world_options options = igd_options(&igd);
    struct ph_world *world = ph_world_new(&options);
    struct ph_endpoint gateway = {world->path.gateway, PH_SSDP_PORT};
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(10));
    world->options.silent = true;
    ph_world_run(world, PH_SECONDS(60));
    assert_true(ph_world_traced(world, "upnp: asking -> dead: no gateway answered"));
    story_ssdp_answer(world, &gateway, PH_SSDP_TARGET_IGD1, "http://192.168.77.1:4/none.xml");
    ph_world_run(world, PH_SECONDS(20));
    assert_true(ph_world_traced(world, "upnp: describing -> searching"));
    memset(igd.entries, 0, sizeof igd.entries);
    world->options.silent = false;
    ph_world_run(world, PH_SECONDS(90));
    assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_PENDING), 1);
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    ph_world_free(world);
}

/* That a device does not find what it has just made tells of the device; when the question could
 * not be put for a minute, it tells of a loss. */
static void entry_that_is_missing_a_minute_later_is_lost(void **state) {
    (void)state;
    struct igd igd;
    igd_init(&igd);
    struct ph_world_options options = igd_options(&igd);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    igd.hangs_at = 3; /* its description, the address, the mapping */
    igd.hangs = 1;
    ph_world_run(world, PH_SECONDS(1));
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    world->options.silent = true;
    ph_world_run(world, PH_SECONDS(50));
    memset(igd.entries, 0, sizeof igd.entries);
    world->options.silent = false;
    ph_world_run(world, PH_SECONDS(40));
    assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_PENDING), 1);
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    ph_world_free(world);
}

/* What it is asked behind its yes is waited for no longer than a second. */
static void lease_that_is_not_read_back_is_told_all_the_same(void **state) {
    (void)state;
    struct igd igd;
    igd_init(&igd);
    struct ph_world_options options = igd_options(&igd);
    struct ph_world *world = ph_world_new(&options);
    porthole_id first = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    story_assert_mapped(world, first, PORTHOLE_UPNP, STORY_PORT);
    igd.hangs = 1;
    igd.hangs_at = 1;
    struct ph_map_request request = {.protocol = PORTHOLE_UDP,
                                     .internal_port = 9090,
                                     .external_port = 9090,
                                     .lifetime_s = 7200,
                                     .flags = PORTHOLE_LEASE};
    porthole_id second;
    ph_world_map_request(world, &request, &second);
    ph_world_run(world, PH_MS(900));
    assert_int_equal(ph_world_query(world, second).state, PORTHOLE_PENDING);
    ph_world_run(world, PH_MS(300));
    story_assert_mapped(world, second, PORTHOLE_UPNP, 9090);
    assert_int_equal(ph_world_count(world, second, PORTHOLE_EVENT_MAPPED), 1);
    assert_int_equal(igd.adds, 2);
    ph_world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(router_that_knows_no_leases_is_asked_for_none),
        cmocka_unit_test(lease_that_is_not_read_back_is_told_all_the_same),
        cmocka_unit_test(renewed_and_the_new_address_told),
        cmocka_unit_test(uplink_that_goes_at_a_renewal_is_no_loss_until_the_lease_ends),
        cmocka_unit_test(device_that_is_gone_for_a_while_keeps_the_mapping),
        cmocka_unit_test(device_that_moves_to_another_port_is_found_again_with_all_it_holds),
        cmocka_unit_test(control_url_that_is_not_found_is_searched_for_at_once),
        cmocka_unit_test(late_answer_that_leads_nowhere_is_no_end_of_rechecks),
        cmocka_unit_test(entry_that_is_missing_a_minute_later_is_lost),
        cmocka_unit_test(device_that_restarts_on_another_port_is_found_and_told_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
