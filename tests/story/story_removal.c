/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * story_removal.c: giving ports back: in every state, one at a time and all at the end, with a
 * gateway that answers and with one that is gone.
 */
#include "tests/story/story.h"

static const unsigned each_method[] = {PORTHOLE_USE_PCP, PORTHOLE_USE_NATPMP, PORTHOLE_USE_UPNP};

/* ---- In every state -------------------------------------------------------------------------- */

static void unmapped_at_any_moment_ends_once_and_leaves_nothing(void **state) {
    (void)state;
    for (unsigned m = 0; m < LENGTH_OF(each_method); m++) {
        for (unsigned ms = 0; ms <= 110; ms++) {
            struct ph_world_options options = story_options(each_method[m]);
            struct ph_world *world = ph_world_new(&options);
            porthole_id id = story_map(world, 0);
            ph_world_run(world, PH_MS(ms));
            bool was_made = ph_world_query(world, id).state == PORTHOLE_SUCCESS;
            ph_world_unmap(world, id);
            ph_world_unmap(world, id); /* a no-op */
            ph_world_run(world, PH_SECONDS(10));
            story_assert_unmapped(world, id, was_made ? PORTHOLE_FATE_REMOVED : PORTHOLE_FATE_NONE);
            assert_int_equal(world->event_count, was_made ? 2 : 1);
            assert_int_equal(ph_gw_server_count(world->server), 0);
            ph_world_free(world);
        }
    }
}

static void unmapped_without_a_network_ends_at_once(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
    options.no_network = true;
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_unmap(world, id);
    story_assert_unmapped(world, id, PORTHOLE_FATE_NONE);
    assert_int_equal(world->event_count, 2);
    ph_world_free(world);
}

static void unmapped_while_it_rests_after_a_failure_ends_at_once(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
    options.silent = true;
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(4));
    assert_int_equal(ph_world_query(world, id).state, PORTHOLE_FAILURE);
    ph_world_unmap(world, id);
    story_assert_unmapped(world, id, PORTHOLE_FATE_NONE);
    assert_int_equal(world->event_count, 2);
    ph_world_free(world);
}

static void unmapped_while_it_waits_for_its_turn_is_never_sent(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    struct ph_world *world = ph_world_new(&options);
    for (uint16_t i = 0; i < 20; i++)
        ph_world_map(world, PORTHOLE_UDP, (uint16_t)(5000 + i));
    unsigned sent = story_pcp_count(world);
    assert_true(sent < 20);
    ph_world_unmap(world, 20);
    story_assert_unmapped(world, 20, PORTHOLE_FATE_NONE);
    assert_int_equal(world->event_count, 1);
    ph_world_run(world, PH_SECONDS(10));
    assert_int_equal(ph_gw_server_count(world->server), 19);
    assert_int_equal(story_pcp_count(world), 19);
    ph_world_free(world);
}

static void unknown_ids_are_told_as_such(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
    struct ph_world *world = ph_world_new(&options);
    struct ph_input input = {.type = PH_INPUT_UNMAP, .u.id = 77};
    assert_int_equal(ph_world_step(world, &input), PORTHOLE_ERR_UNKNOWN_ID);
    input.type = PH_INPUT_REFRESH;
    assert_int_equal(ph_world_step(world, &input), PORTHOLE_ERR_UNKNOWN_ID);
    ph_world_free(world);
}

/* ---- The same port again --------------------------------------------------------------------- */

static void same_port_again_waits_for_the_delete_and_is_made(void **state) {
    (void)state;
    for (unsigned m = 0; m < LENGTH_OF(each_method); m++) {
        struct ph_world_options options = story_options(each_method[m]);
        struct ph_world *world = ph_world_new(&options);
        porthole_id first = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(1));
        ph_world_unmap(world, first);
        size_t sent = world->sent_count;
        porthole_id second = story_map(world, 0);
        assert_int_equal(world->sent_count, sent);
        ph_world_run(world, PH_SECONDS(1));
        story_assert_unmapped(world, first, PORTHOLE_FATE_REMOVED);
        story_assert_mapped(world, second, (enum porthole_method)(m + PORTHOLE_PCP), STORY_PORT);
        assert_int_equal(ph_gw_server_count(world->server), 1);
        ph_world_unmap(world, second);
        ph_world_run(world, PH_SECONDS(1));
        story_assert_unmapped(world, second, PORTHOLE_FATE_REMOVED);
        assert_int_equal(ph_gw_server_count(world->server), 0);
        ph_world_free(world);
    }
}

static void waiting_for_a_delete_that_nobody_answers_ends_too(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_NATPMP);
    struct ph_world *world = ph_world_new(&options);
    porthole_id first = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    world->options.silent = true;
    ph_world_unmap(world, first);
    porthole_id second = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(2));
    world->options.loss_percent = 0;
    ph_world_run(world, PH_SECONDS(3));
    story_assert_unmapped(world, first, PORTHOLE_FATE_EXPIRES);
    world->options.silent = false;
    ph_world_run(world, PH_SECONDS(30));
    story_assert_mapped(world, second, PORTHOLE_NATPMP, STORY_PORT);
    ph_world_free(world);
}

static void third_of_the_same_port_waits_for_both(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    struct ph_world *world = ph_world_new(&options);
    porthole_id first = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    ph_world_unmap(world, first);
    porthole_id second = story_map(world, 0);
    ph_world_unmap(world, second);
    story_assert_unmapped(world, second, PORTHOLE_FATE_NONE);
    porthole_id third = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    story_assert_unmapped(world, first, PORTHOLE_FATE_REMOVED);
    story_assert_mapped(world, third, PORTHOLE_PCP, STORY_PORT);
    ph_world_free(world);
}

static void port_that_is_mapped_exists_and_one_being_removed_does_not(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    struct ph_world *world = ph_world_new(&options);
    struct ph_map_request request = {.protocol = PORTHOLE_TCP,
                                     .internal_port = STORY_PORT,
                                     .external_port = 80,
                                     .lifetime_s = 7200};
    porthole_id first = story_map(world, 0);
    porthole_id id;
    assert_int_equal(ph_world_map_request(world, &request, &id), PORTHOLE_ERR_EXISTS);
    request.protocol = PORTHOLE_UDP;
    assert_int_equal(ph_world_map_request(world, &request, &id), 0);
    ph_world_run(world, PH_SECONDS(1));
    request.protocol = PORTHOLE_TCP;
    assert_int_equal(ph_world_map_request(world, &request, &id), PORTHOLE_ERR_EXISTS);
    ph_world_unmap(world, first);
    assert_int_equal(ph_world_map_request(world, &request, &id), 0);
    assert_int_equal(ph_engine_count(world->engine), 2);
    ph_world_free(world);
}

static void count_id(void *user, porthole_id id) {
    unsigned *count = user;
    assert_true(id != 0);
    (*count)++;
}

/* All ports of one protocol, and as many of the other as are allowed. */
static void more_than_65535_mappings_are_too_many(void **state) {
    (void)state;
    struct ph_world_options options = story_options(0);
    options.no_network = true;
    struct ph_world *world = ph_world_new(&options);
    for (uint32_t port = 1; port <= 65535; port++)
        assert_true(ph_world_map(world, PORTHOLE_TCP, (uint16_t)port) != 0);
    struct ph_map_request request = {
        .protocol = PORTHOLE_UDP, .internal_port = 1, .external_port = 1, .lifetime_s = 7200};
    porthole_id id;
    assert_int_equal(ph_world_map_request(world, &request, &id), PORTHOLE_ERR_LIMIT);
    ph_world_unmap(world, 5);
    assert_int_equal(ph_world_map_request(world, &request, &id), 0);
    assert_int_equal(ph_engine_count(world->engine), 65535);
    unsigned count = 0;
    ph_engine_each(world->engine, count_id, &count);
    assert_int_equal(count, 65535);
    ph_world_free(world);
}

/* ---- Leases that are left -------------------------------------------------------------------- */

static void lease_is_neither_renewed_nor_missed(void **state) {
    (void)state;
    for (unsigned m = 0; m < LENGTH_OF(each_method); m++) {
        struct ph_world_options options = story_options(each_method[m]);
        struct ph_world *world = ph_world_new(&options);
        struct ph_map_request request = {.protocol = PORTHOLE_TCP,
                                         .internal_port = STORY_PORT,
                                         .external_port = STORY_PORT,
                                         .flags = PORTHOLE_LEASE,
                                         .lifetime_s = 600};
        porthole_id id;
        ph_world_map_request(world, &request, &id);
        ph_world_run(world, PH_SECONDS(1));
        size_t sent = world->sent_count;
        ph_world_run(world, PH_SECONDS(598));
        story_assert_mapped(world, id, (enum porthole_method)(m + PORTHOLE_PCP), STORY_PORT);
        assert_int_equal(world->sent_count, sent);
        ph_world_run(world, PH_SECONDS(2));
        assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_UNMAPPED), 1);
        assert_int_equal(world->event_count, 2);
        ph_world_free(world);
    }
}

static void lease_can_be_renewed_and_removed_on_request(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, PORTHOLE_LEASE);
    ph_world_run(world, PH_SECONDS(1000));
    ph_world_refresh(world, id);
    ph_world_run(world, PH_SECONDS(1));
    assert_int_equal(story_pcp_count(world), 2);
    assert_true(ph_world_query(world, id).expires > world->now + PH_SECONDS(7190));
    ph_world_unmap(world, id);
    ph_world_run(world, PH_SECONDS(1));
    story_assert_unmapped(world, id, PORTHOLE_FATE_REMOVED);
    ph_world_free(world);
}

/* ---- All at the end -------------------------------------------------------------------------- */

static bool is_stopped(struct ph_world *world) { return ph_engine_is_stopped(world->engine); }

static void stop_removes_all_at_once_and_sends_nothing_after(void **state) {
    (void)state;
    for (unsigned m = 0; m < LENGTH_OF(each_method); m++) {
        struct ph_world_options options = story_options(each_method[m]);
        struct ph_world *world = ph_world_new(&options);
        for (uint16_t i = 0; i < 40; i++)
            ph_world_map(world, PORTHOLE_UDP, (uint16_t)(5000 + i));
        ph_world_run(world, PH_SECONDS(5));
        assert_int_equal(ph_gw_server_count(world->server), 40);
        ph_us began = world->now;
        ph_world_stop(world, PH_SECONDS(3));
        assert_true(ph_world_run_until(world, PH_SECONDS(3), is_stopped));
        /* UPnP has four connections at a time, of 20 ms each; the others have a window of 40. */
        assert_true(world->now - began <= (m == 2 ? PH_MS(200) : PH_MS(30)));
        for (porthole_id id = 1; id <= 40; id++)
            story_assert_unmapped(world, id, PORTHOLE_FATE_REMOVED);
        assert_int_equal(ph_gw_server_count(world->server), 0);
        assert_int_equal(world->event_count, 80);
        assert_true(ph_engine_deadline(world->engine) == PH_NEVER);
        size_t sent = world->sent_count;
        ph_world_run(world, PH_SECONDS(10000));
        assert_int_equal(world->sent_count, sent);
        ph_world_free(world);
    }
}

static void stop_keeps_its_deadline_when_the_gateway_is_gone(void **state) {
    (void)state;
    for (unsigned m = 0; m < LENGTH_OF(each_method); m++) {
        struct ph_world_options options = story_options(each_method[m]);
        struct ph_world *world = ph_world_new(&options);
        for (uint16_t i = 0; i < 20; i++)
            ph_world_map(world, PORTHOLE_UDP, (uint16_t)(5000 + i));
        ph_world_run(world, PH_SECONDS(5));
        world->options.silent = true;
        ph_us began = world->now;
        ph_world_stop(world, PH_MS(700));
        assert_true(ph_world_run_until(world, PH_SECONDS(60), is_stopped));
        assert_true(world->now == began + PH_MS(700));
        for (porthole_id id = 1; id <= 20; id++)
            story_assert_unmapped(world, id, PORTHOLE_FATE_EXPIRES);
        size_t sent = world->sent_count;
        ph_world_run(world, PH_SECONDS(10000));
        assert_int_equal(world->sent_count, sent);
        ph_world_free(world);
    }
}

static void stop_now_sends_every_delete_once_and_waits_for_none(void **state) {
    (void)state;
    for (unsigned m = 0; m < 2; m++) {
        struct ph_world_options options = story_options(each_method[m]);
        struct ph_world *world = ph_world_new(&options);
        for (uint16_t i = 0; i < 100; i++)
            ph_world_map(world, PORTHOLE_UDP, (uint16_t)(5000 + i));
        ph_world_run(world, PH_SECONDS(5));
        ph_world_stop(world, 0);
        assert_true(ph_engine_is_stopped(world->engine));
        for (porthole_id id = 1; id <= 100; id++)
            story_assert_unmapped(world, id, PORTHOLE_FATE_EXPIRES);
        ph_world_run(world, PH_SECONDS(60));
        assert_int_equal(ph_gw_server_count(world->server), 0);
        assert_int_equal(world->event_count, 200);
        ph_world_free(world);
    }
}

/* A UPnP device can only be asked over a connection, which takes a moment whatever the deadline. */
static void stop_now_gives_a_upnp_device_a_moment(void **state) {
    (void)state;
    for (unsigned is_silent = 0; is_silent < 2; is_silent++) {
        struct ph_world_options options = story_options(PORTHOLE_USE_UPNP);
        struct ph_world *world = ph_world_new(&options);
        for (uint16_t i = 0; i < 8; i++)
            ph_world_map(world, PORTHOLE_UDP, (uint16_t)(5000 + i));
        ph_world_run(world, PH_SECONDS(10));
        assert_int_equal(ph_gw_server_count(world->server), 8);
        world->options.silent = is_silent;
        ph_us began = world->now;
        ph_world_stop(world, 0);
        assert_true(ph_world_run_until(world, PH_SECONDS(60), is_stopped));
        for (porthole_id id = 1; id <= 8; id++)
            story_assert_unmapped(world, id,
                                  is_silent ? PORTHOLE_FATE_EXPIRES : PORTHOLE_FATE_REMOVED);
        if (is_silent)
            assert_true(world->now == began + PH_MS(250));
        else
            assert_true(world->now < began + PH_MS(100));
        assert_int_equal(ph_gw_server_count(world->server), is_silent ? 8 : 0);
        ph_world_free(world);
    }
}

static void stop_has_all_deletes_in_flight_together(void **state) {
    (void)state;
    for (unsigned m = 0; m < 2; m++) {
        struct ph_world_options options = story_options(each_method[m]);
        options.delay = PH_MS(50);
        struct ph_world *world = ph_world_new(&options);
        for (uint16_t i = 0; i < 200; i++)
            ph_world_map(world, PORTHOLE_UDP, (uint16_t)(5000 + i));
        ph_world_run(world, PH_SECONDS(20));
        ph_us began = world->now;
        ph_world_stop(world, PH_SECONDS(3));
        assert_true(ph_world_run_until(world, PH_SECONDS(60), is_stopped));
        /* One after another would take 20 s. */
        assert_true(world->now <= began + PH_SECONDS(1));
        for (porthole_id id = 1; id <= 200; id++)
            story_assert_unmapped(world, id, PORTHOLE_FATE_REMOVED);
        assert_int_equal(ph_gw_server_count(world->server), 0);
        ph_world_free(world);
    }
}

static void stop_leaves_leases_to_their_end(void **state) {
    (void)state;
    for (unsigned m = 0; m < LENGTH_OF(each_method); m++) {
        struct ph_world_options options = story_options(each_method[m]);
        struct ph_world *world = ph_world_new(&options);
        porthole_id lease = story_map(world, PORTHOLE_LEASE);
        porthole_id other = ph_world_map(world, PORTHOLE_UDP, 9090);
        ph_world_run(world, PH_SECONDS(1));
        ph_world_stop(world, PH_SECONDS(3));
        ph_world_run(world, PH_SECONDS(1));
        story_assert_unmapped(world, lease, PORTHOLE_FATE_EXPIRES);
        story_assert_unmapped(world, other, PORTHOLE_FATE_REMOVED);
        assert_int_equal(ph_gw_server_count(world->server), 1);
        ph_world_free(world);
    }
}

static void stop_at_any_moment_is_silent_after_its_end(void **state) {
    (void)state;
    for (unsigned m = 0; m < LENGTH_OF(each_method); m++) {
        for (unsigned ms = 0; ms <= 110; ms += 2) {
            struct ph_world_options options = story_options(each_method[m]);
            struct ph_world *world = ph_world_new(&options);
            story_map(world, 0);
            ph_world_run(world, PH_MS(ms));
            ph_world_stop(world, ms % 4 ? PH_SECONDS(3) : 0);
            assert_true(ph_world_run_until(world, PH_SECONDS(4), is_stopped));
            assert_true(ph_engine_deadline(world->engine) == PH_NEVER);
            assert_int_equal(world->exchanges_open, 0);
            size_t sent = world->sent_count;
            size_t events = world->event_count;
            ph_world_run(world, PH_SECONDS(10000));
            assert_int_equal(world->sent_count, sent);
            assert_int_equal(world->event_count, events);
            assert_int_equal(ph_world_count(world, 1, PORTHOLE_EVENT_UNMAPPED), 1);
            ph_world_free(world);
        }
    }
}

static void nothing_is_taken_up_after_stop(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
    struct ph_world *world = ph_world_new(&options);
    story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    ph_world_stop(world, PH_SECONDS(3));
    struct ph_map_request request = {
        .protocol = PORTHOLE_UDP, .internal_port = 1, .external_port = 1, .lifetime_s = 7200};
    porthole_id id;
    assert_int_equal(ph_world_map_request(world, &request, &id), PORTHOLE_ERR_STATE);
    assert_int_equal(ph_world_probe(world, PH_SECONDS(1), false), PORTHOLE_ERR_STATE);
    ph_world_run(world, PH_SECONDS(1));
    assert_true(ph_engine_is_stopped(world->engine));
    assert_int_equal(ph_world_map_request(world, &request, &id), PORTHOLE_ERR_STATE);
    size_t sent = world->sent_count;
    ph_world_move(world, "10.1.1.1", "10.1.1.2");
    ph_world_network(world, false);
    ph_world_network(world, true);
    ph_world_stop(world, PH_SECONDS(3));
    ph_world_run(world, PH_SECONDS(100));
    assert_int_equal(world->sent_count, sent);
    assert_int_equal(world->event_count, 2);
    ph_world_free(world);
}

static void engine_can_be_freed_with_events_that_wait(void **state) {
    (void)state;
    struct ph_seeded seeded = {1};
    struct ph_engine_config config = {.methods = PORTHOLE_USE_ALL,
                                      .discover_timeout = PH_SECONDS(10),
                                      .mapping_timeout = PH_SECONDS(10),
                                      .recheck_period = PH_SECONDS(300),
                                      .random = {ph_seeded_fill, &seeded}};
    struct ph_map_request request = {
        .protocol = PORTHOLE_TCP, .internal_port = 1, .external_port = 1, .lifetime_s = 7200};
    struct ph_effects effects;
    struct ph_engine *engine = ph_engine_new(&config);
    struct ph_input input = {.type = PH_INPUT_MAP};
    for (porthole_id id = 1; id <= 2; id++) {
        request.internal_port = (uint16_t)id;
        input.u.map.id = id;
        input.u.map.request = &request;
        assert_int_equal(ph_engine_step(engine, 1, &input, &effects), 0);
    }
    /* One FAILED, for want of a network, and one UNMAPPED. */
    input = (struct ph_input){.type = PH_INPUT_UNMAP, .u.id = 1};
    assert_int_equal(ph_engine_step(engine, 1, &input, &effects), 0);
    assert_int_equal(ph_engine_count(engine), 1);
    ph_engine_free(engine);
    ph_engine_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unmapped_at_any_moment_ends_once_and_leaves_nothing),
        cmocka_unit_test(unmapped_without_a_network_ends_at_once),
        cmocka_unit_test(unmapped_while_it_rests_after_a_failure_ends_at_once),
        cmocka_unit_test(unmapped_while_it_waits_for_its_turn_is_never_sent),
        cmocka_unit_test(unknown_ids_are_told_as_such),
        cmocka_unit_test(same_port_again_waits_for_the_delete_and_is_made),
        cmocka_unit_test(waiting_for_a_delete_that_nobody_answers_ends_too),
        cmocka_unit_test(third_of_the_same_port_waits_for_both),
        cmocka_unit_test(port_that_is_mapped_exists_and_one_being_removed_does_not),
        cmocka_unit_test(more_than_65535_mappings_are_too_many),
        cmocka_unit_test(lease_is_neither_renewed_nor_missed),
        cmocka_unit_test(lease_can_be_renewed_and_removed_on_request),
        cmocka_unit_test(stop_removes_all_at_once_and_sends_nothing_after),
        cmocka_unit_test(stop_keeps_its_deadline_when_the_gateway_is_gone),
        cmocka_unit_test(stop_now_sends_every_delete_once_and_waits_for_none),
        cmocka_unit_test(stop_now_gives_a_upnp_device_a_moment),
        cmocka_unit_test(stop_has_all_deletes_in_flight_together),
        cmocka_unit_test(stop_leaves_leases_to_their_end),
        cmocka_unit_test(stop_at_any_moment_is_silent_after_its_end),
        cmocka_unit_test(nothing_is_taken_up_after_stop),
        cmocka_unit_test(engine_can_be_freed_with_events_that_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
