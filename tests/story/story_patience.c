/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * story_patience.c: the host sleeps and wakes, and failure is a report and not an end: the pauses
 * between tries grow to five minutes, and any sign of change ends them.
 */
#include "tests/story/story.h"

static const enum porthole_method all_methods[] = {PORTHOLE_PCP, PORTHOLE_NATPMP, PORTHOLE_UPNP};

static struct ph_world *mapped_world(enum porthole_method method, porthole_id *ret_id) {
    struct ph_world_options options = story_options(1U << method);
    struct ph_world *world = ph_world_new(&options);
    *ret_id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(10));
    story_assert_mapped(world, *ret_id, method, STORY_PORT);
    return world;
}

/* ---- Sleep ----------------------------------------------------------------------------------- */

static void resume(struct ph_world *world, ph_us slept) {
    world->now += slept;
    ph_world_step(world, &(struct ph_input){.type = PH_INPUT_RESUMED});
}

static void after_a_sleep_what_is_held_is_verified_and_stays(void **state) {
    (void)state;
    for (unsigned i = 0; i < LENGTH_OF(all_methods); i++) {
        porthole_id id;
        struct ph_world *world = mapped_world(all_methods[i], &id);
        size_t sent = world->sent_count;
        resume(world, PH_SECONDS(60)); /* sooner than anything is due */
        ph_world_run(world, PH_SECONDS(1));
        assert_in_range(world->sent_count - sent, 1, 2);
        story_assert_mapped(world, id, all_methods[i], STORY_PORT);
        assert_int_equal(world->event_count, 1);
        ph_world_free(world);
    }
}

static void restart_during_a_sleep_is_found_at_once(void **state) {
    (void)state;
    for (unsigned i = 0; i < LENGTH_OF(all_methods); i++) {
        porthole_id id;
        struct ph_world *world = mapped_world(all_methods[i], &id);
        ph_world_run(world, PH_SECONDS(300));
        ph_world_restart_gateway(world);
        resume(world, PH_SECONDS(60));
        ph_world_run(world, PH_SECONDS(1));
        story_assert_mapped(world, id, all_methods[i], STORY_PORT);
        assert_int_equal(ph_gw_server_count(world->server), 1);
        ph_world_free(world);
    }
}

static void lease_that_ended_in_a_sleep_is_not_believed(void **state) {
    (void)state;
    for (unsigned i = 0; i < LENGTH_OF(all_methods); i++) {
        porthole_id id;
        struct ph_world *world = mapped_world(all_methods[i], &id);
        ph_us woken = world->now + PH_SECONDS(8000);
        resume(world, PH_SECONDS(8000));
        assert_int_equal(ph_world_last(world).type, PORTHOLE_EVENT_PENDING);
        ph_world_run(world, PH_SECONDS(2));
        story_assert_mapped(world, id, all_methods[i], STORY_PORT);
        assert_true(world->event_times[2] <= woken + PH_SECONDS(1));
        ph_world_free(world);
    }
}

static void what_nobody_confirms_after_a_sleep_is_not_believed_for_long(void **state) {
    (void)state;
    for (unsigned i = 0; i < LENGTH_OF(all_methods); i++) {
        porthole_id id;
        struct ph_world *world = mapped_world(all_methods[i], &id);
        world->options.silent = true;
        resume(world, PH_SECONDS(60));
        ph_us woken = world->now;
        assert_int_equal(ph_world_query(world, id).state, PORTHOLE_SUCCESS);
        ph_world_run(world, PH_SECONDS(4));
        assert_true(story_event_time(world, id, PORTHOLE_EVENT_PENDING) + world->started <=
                    woken + PH_MS(3250));
        world->options.silent = false;
        ph_world_run(world, PH_SECONDS(10));
        story_assert_mapped(world, id, all_methods[i], STORY_PORT);
        ph_world_free(world);
    }
}

/* ---- Never gives up -------------------------------------------------------------------------- */

static void pauses_grow_to_five_minutes_and_no_further(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
    options.silent = true;
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(6 * 3600));
    size_t before = world->sent_count;
    ph_us last = world->sent[before - 1].at;
    ph_us longest = 0;
    ph_world_run(world, PH_SECONDS(3600));
    for (size_t i = before; i < world->sent_count; i++) {
        longest = world->sent[i].at - last > longest ? world->sent[i].at - last : longest;
        last = world->sent[i].at;
    }
    assert_in_range(longest, PH_SECONDS(225), PH_SECONDS(302));
    assert_int_equal(world->event_count, 1); /* told once */
    /* Whoever comes up is found within the pause. */
    world->options.silent = false;
    ph_world_run(world, PH_SECONDS(305));
    assert_int_equal(ph_world_query(world, id).state, PORTHOLE_SUCCESS);
    ph_world_free(world);
}

static struct ph_world *long_failed_world(porthole_id *ret_id) {
    struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
    options.silent = true;
    struct ph_world *world = ph_world_new(&options);
    *ret_id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(6 * 3600));
    /* Into the middle of a pause. */
    for (size_t sent = 0; sent != world->sent_count;) {
        sent = world->sent_count;
        ph_world_run(world, PH_SECONDS(20));
    }
    return world;
}

static void any_sign_of_change_ends_the_pause_and_resets_it(void **state) {
    (void)state;
    for (unsigned sign = 0; sign < 3; sign++) {
        porthole_id id;
        struct ph_world *world = long_failed_world(&id);
        for (unsigned turn = 0; turn < 2; turn++) {
            size_t sent = world->sent_count;
            if (turn == 1) {
                /* The pause began at 2 s again. */
                ph_world_run(world, PH_SECONDS(6));
                assert_true(world->sent_count > sent);
                break;
            }
            if (sign == 0)
                ph_world_network(world, true);
            else if (sign == 1)
                ph_world_refresh(world, id);
            else
                ph_world_step(world, &(struct ph_input){.type = PH_INPUT_RESUMED});
            assert_true(world->sent_count > sent);
            ph_world_run(world, PH_MS(3300));
        }
        ph_world_free(world);
    }
}

static void refusals_are_tried_again_at_a_sign_of_change(void **state) {
    (void)state;
    struct story_pcp_reply refusal = {.result = PH_PCP_NOT_AUTHORIZED};
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    options.methods = PORTHOLE_USE_PCP;
    options.script = story_pcp_script;
    options.user = &refusal;
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(6 * 3600));
    story_assert_failed(world, id, PORTHOLE_ERR_NOT_AUTHORIZED, PORTHOLE_PCP,
                        PH_PCP_NOT_AUTHORIZED);
    assert_int_equal(world->event_count, 1);
    world->options.script = NULL;
    ph_world_network(world, true);
    ph_world_run(world, PH_MS(100));
    story_assert_mapped(world, id, PORTHOLE_PCP, STORY_PORT);
    ph_world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_a_sleep_what_is_held_is_verified_and_stays),
        cmocka_unit_test(restart_during_a_sleep_is_found_at_once),
        cmocka_unit_test(lease_that_ended_in_a_sleep_is_not_believed),
        cmocka_unit_test(what_nobody_confirms_after_a_sleep_is_not_believed_for_long),
        cmocka_unit_test(pauses_grow_to_five_minutes_and_no_further),
        cmocka_unit_test(any_sign_of_change_ends_the_pause_and_resets_it),
        cmocka_unit_test(refusals_are_tried_again_at_a_sign_of_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
