/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * story_quirk_keep.c: router models that are bad at keeping a mapping, or at giving it up: renewals
 * that extend nothing, deletes that are refused, tables that are soon full. Each is a quirk of the
 * embedded gateway; where it was met is in gateway/quirks.h.
 */
#include "tests/story/story.h"

static struct ph_world *world_of(unsigned methods, enum ph_gw_quirk quirk) {
    struct ph_world_options options = story_quirk_options(methods, quirk);
    return ph_world_new(&options);
}

static const unsigned each_method[] = {PORTHOLE_USE_PCP, PORTHOLE_USE_NATPMP, PORTHOLE_USE_UPNP};

/* A minute goes by; what is being made anew at its end has a second for it. */
static void minute(struct ph_world *world, porthole_id id, enum porthole_method method) {
    ph_world_run(world, PH_SECONDS(60));
    if (ph_world_query(world, id).state == PORTHOLE_PENDING)
        ph_world_run(world, PH_SECONDS(1));
    story_assert_mapped(world, id, method, STORY_PORT);
    assert_int_equal(ph_gw_server_count(world->server), 1);
}

/* ---- Renewing -------------------------------------------------------------------------------- */

static void lease_that_is_not_extended_is_made_anew_before_it_ends(void **state) {
    (void)state;
    for (unsigned i = 0; i < LENGTH_OF(each_method); i++) {
        struct ph_world *world = world_of(each_method[i], PH_GW_QUIRK_LEASE_NOT_EXTENDED);
        porthole_id id = story_map(world, 0);
        for (unsigned n = 0; n < 24 * 60; n++)
            minute(world, id, (enum porthole_method)(i + PORTHOLE_PCP));
        assert_true(ph_world_traced(world, "lost: its lease was not extended"));
        assert_false(ph_world_traced(world, "lost: its lease ended"));
        assert_false(ph_world_traced(world, "lost: the gateway forgot it"));
        /* Once a lease, and told each time. */
        assert_in_range(ph_world_count(world, id, PORTHOLE_EVENT_PENDING), 19, 24);
        ph_world_free(world);
    }
}

static void lease_that_the_device_cuts_is_renewed_in_time(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_UPNP);
    options.lease_max_s = 600;
    options.recheck_period = PH_SECONDS(3600);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    for (unsigned n = 0; n < 180; n++)
        minute(world, id, PORTHOLE_UPNP);
    assert_int_equal(ph_world_query(world, id).lifetime_s, 600);
    assert_int_equal(world->event_count, 1);
    ph_world_free(world);
}

static void server_that_cannot_renew_is_asked_to_delete_and_make(void **state) {
    (void)state;
    struct ph_world *world = world_of(PORTHOLE_USE_PCP, PH_GW_QUIRK_PCP_NO_RENEWAL);
    porthole_id id = story_map(world, 0);
    for (unsigned n = 0; n < 12 * 60; n++)
        minute(world, id, PORTHOLE_PCP);
    assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_FAILED), 0);
    assert_in_range(ph_world_count(world, id, PORTHOLE_EVENT_PENDING), 5, 6);
    assert_true(ph_world_traced(world, "pcp MAP sent, lifetime 0"));
    ph_world_free(world);
}

static void device_without_read_back_is_believed_and_asked_to_map_again(void **state) {
    (void)state;
    struct ph_world *world = world_of(PORTHOLE_USE_UPNP, PH_GW_QUIRK_NO_READ_BACK);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(100));
    assert_int_equal(story_http_count(world, "#AddPortMapping"), 1);
    ph_world_restart_gateway(world);
    ph_world_run(world, PH_SECONDS(310));
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    assert_int_equal(ph_gw_server_count(world->server), 1);
    assert_int_equal(story_http_count(world, "#GetSpecificPortMappingEntry"), 1);
    assert_int_equal(world->event_count, 1);
    ph_world_free(world);
}

static void permanent_mapping_is_looked_after_and_removed_at_the_end(void **state) {
    (void)state;
    struct ph_world *world = world_of(PORTHOLE_USE_UPNP, PH_GW_QUIRK_PERMANENT_ONLY);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(86400));
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    assert_int_equal(ph_gw_server_count(world->server), 1);
    assert_int_equal(world->event_count, 1);
    assert_in_range(story_http_count(world, "#AddPortMapping"), 24, 27);
    ph_world_stop(world, PH_SECONDS(3));
    ph_world_run(world, PH_SECONDS(5));
    story_assert_unmapped(world, id, PORTHOLE_FATE_REMOVED);
    assert_int_equal(ph_gw_server_count(world->server), 0);
    ph_world_free(world);
}

/* ---- Another method -------------------------------------------------------------------------- */

static void pcp_without_resources_leaves_it_to_the_next_method(void **state) {
    (void)state;
    static const unsigned methods[] = {PORTHOLE_USE_NATPMP, PORTHOLE_USE_UPNP};
    for (unsigned i = 0; i < LENGTH_OF(methods); i++) {
        struct ph_world *world =
            world_of(PORTHOLE_USE_PCP | methods[i], PH_GW_QUIRK_PCP_NO_RESOURCES);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(5));
        story_assert_mapped(world, id, (enum porthole_method)(i + PORTHOLE_NATPMP), STORY_PORT);
        assert_int_equal(world->event_count, 1);
        ph_world_free(world);
    }
}

static void refusal_of_8_bytes_costs_no_time(void **state) {
    (void)state;
    struct ph_world *world =
        world_of(PORTHOLE_USE_PCP | PORTHOLE_USE_NATPMP, PH_GW_QUIRK_SHORT_REFUSAL);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_MS(25));
    story_assert_mapped(world, id, PORTHOLE_NATPMP, STORY_PORT);
    ph_world_free(world);
}

/* ---- Giving up ------------------------------------------------------------------------------- */

static void delete_that_pcp_refuses_is_followed_by_a_short_lease(void **state) {
    (void)state;
    struct ph_world *world = world_of(PORTHOLE_USE_PCP, PH_GW_QUIRK_PCP_NO_DELETE);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    ph_world_unmap(world, id);
    ph_world_run(world, PH_SECONDS(5));
    story_assert_unmapped(world, id, PORTHOLE_FATE_EXPIRES);
    ph_gw_server_tick(world->server, world->now);
    assert_int_equal(ph_gw_server_count(world->server), 0);
    /* A MAP, a delete, a MAP for a second, all of one nonce. */
    assert_int_equal(story_pcp_count(world), 3);
    for (unsigned i = 1; i < 3; i++)
        assert_memory_equal(story_pcp_sent(world, 0)->bytes + 24,
                            story_pcp_sent(world, i)->bytes + 24, PH_PCP_NONCE_SIZE);
    ph_world_free(world);
}

static void delete_of_what_is_gone_is_done(void **state) {
    (void)state;
    struct ph_world *world = world_of(PORTHOLE_USE_UPNP, PH_GW_QUIRK_DELETE_GONE);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    ph_world_unmap(world, id);
    ph_world_run(world, PH_SECONDS(1));
    story_assert_unmapped(world, id, PORTHOLE_FATE_REMOVED);
    assert_int_equal(story_http_count(world, "#DeletePortMapping"), 1);
    ph_world_free(world);
}

static struct ph_event remove_by_pcp(struct ph_world *world, const uint8_t *key) {
    struct ph_map_request request = {.protocol = PORTHOLE_TCP,
                                     .internal_port = STORY_PORT,
                                     .external_port = STORY_PORT,
                                     .methods = PORTHOLE_USE_PCP,
                                     .lifetime_s = 7200,
                                     .key = key};
    porthole_id id;
    assert_int_equal(ph_world_remove(world, &request, &id), 0);
    ph_world_run(world, PH_SECONDS(5));
    assert_int_equal(ph_world_last(world).type, PORTHOLE_EVENT_UNMAPPED);
    ph_gw_server_tick(world->server, world->now);
    assert_int_equal(ph_gw_server_count(world->server), 0);
    return ph_world_last(world);
}

static void removal_of_what_is_gone_is_told_from_a_refusal(void **state) {
    (void)state;
    struct ph_world *world = world_of(PORTHOLE_USE_PCP, PH_GW_QUIRK_PCP_DELETE_MISSING);
    struct ph_event event = remove_by_pcp(world, NULL);
    assert_int_equal(event.info.fate, PORTHOLE_FATE_REMOVED);
    assert_int_equal(event.info.error, 0);
    /* A delete, a MAP for a second, a delete. */
    assert_int_equal(story_pcp_count(world), 3);
    ph_world_free(world);
    world = world_of(PORTHOLE_USE_PCP, PH_GW_QUIRK_PCP_NO_DELETE);
    struct ph_mapping_info left = ph_world_query(world, story_map(world, PORTHOLE_LEASE));
    ph_world_run(world, PH_SECONDS(1));
    ph_world_restart_client(world);
    event = remove_by_pcp(world, left.key);
    assert_int_equal(event.info.fate, PORTHOLE_FATE_EXPIRES);
    assert_int_equal(event.info.error, PORTHOLE_ERR_NO_RESOURCES);
    assert_int_equal(story_pcp_count(world), 4);
    ph_world_free(world);
    /* Where nothing can be made, nothing can be told apart. */
    struct ph_world_options options =
        story_quirk_options(PORTHOLE_USE_PCP, PH_GW_QUIRK_PCP_DELETE_MISSING);
    options.quirks |= PH_GW_QUIRK_BIT(PH_GW_QUIRK_PCP_NO_RESOURCES);
    world = ph_world_new(&options);
    event = remove_by_pcp(world, NULL);
    assert_int_equal(event.info.fate, PORTHOLE_FATE_EXPIRES);
    assert_int_equal(event.info.error, PORTHOLE_ERR_NO_RESOURCES);
    assert_int_equal(story_pcp_count(world), 2);
    ph_world_free(world);
}

/* ---- Little room ----------------------------------------------------------------------------- */

static void small_table_is_never_filled_by_one_mapping(void **state) {
    (void)state;
    for (unsigned i = 0; i < LENGTH_OF(each_method); i++) {
        struct ph_world *world = world_of(each_method[i], PH_GW_QUIRK_SMALL_TABLE);
        for (unsigned life = 0; life < 6; life++) {
            /* Each life of the application begins anew, and the gateway remembers the last. */
            porthole_id id = story_map(world, 0);
            ph_world_run(world, PH_SECONDS(86400));
            assert_int_equal(ph_world_query(world, id).state, PORTHOLE_SUCCESS);
            assert_int_equal(ph_gw_server_count(world->server), 1);
            ph_world_unmap(world, id);
            ph_world_run(world, PH_SECONDS(1));
            assert_int_equal(ph_gw_server_count(world->server), 0);
        }
        ph_world_free(world);
    }
}

static void full_table_is_told_and_found_free_later(void **state) {
    (void)state;
    for (unsigned i = 0; i < LENGTH_OF(each_method); i++) {
        struct ph_world *world = world_of(each_method[i], PH_GW_QUIRK_SMALL_TABLE);
        porthole_id ids[5];
        for (uint16_t n = 0; n < 5; n++)
            ids[n] = ph_world_map(world, PORTHOLE_TCP, (uint16_t)(7000 + n));
        ph_world_run(world, PH_SECONDS(5));
        assert_int_equal(ph_gw_server_count(world->server), 4);
        assert_int_equal(ph_world_query(world, ids[4]).error, PORTHOLE_ERR_NO_RESOURCES);
        ph_world_unmap(world, ids[0]);
        ph_world_run(world, PH_SECONDS(305));
        assert_int_equal(ph_world_query(world, ids[4]).state, PORTHOLE_SUCCESS);
        assert_int_equal(ph_gw_server_count(world->server), 4);
        ph_world_free(world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lease_that_is_not_extended_is_made_anew_before_it_ends),
        cmocka_unit_test(lease_that_the_device_cuts_is_renewed_in_time),
        cmocka_unit_test(server_that_cannot_renew_is_asked_to_delete_and_make),
        cmocka_unit_test(device_without_read_back_is_believed_and_asked_to_map_again),
        cmocka_unit_test(permanent_mapping_is_looked_after_and_removed_at_the_end),
        cmocka_unit_test(pcp_without_resources_leaves_it_to_the_next_method),
        cmocka_unit_test(refusal_of_8_bytes_costs_no_time),
        cmocka_unit_test(delete_that_pcp_refuses_is_followed_by_a_short_lease),
        cmocka_unit_test(delete_of_what_is_gone_is_done),
        cmocka_unit_test(removal_of_what_is_gone_is_told_from_a_refusal),
        cmocka_unit_test(small_table_is_never_filled_by_one_mapping),
        cmocka_unit_test(full_table_is_told_and_found_free_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
