/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * story_lease.c: keeping a mapping: when it is renewed (RFC 6887 §11.2.1), and what becomes of it
 * when that does not succeed.
 */
#include "tests/story/igd.h"

static void renewed_between_half_and_five_eighths_of_what_was_granted(void **state) {
    (void)state;
    /* Less than asked, as asked, more than asked, and so much that only a day of it is trusted. */
    static const struct {
        uint32_t granted_s;
        uint32_t counted_s;
    } leases[] = {{60, 60}, {7200, 7200}, {40000, 40000}, {2592000, 86400}};
    for (unsigned i = 0; i < LENGTH_OF(leases); i++) {
        double least = 1;
        double most = 0;
        for (uint64_t seed = 0; seed < 200; seed++) {
            struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
            options.methods = PORTHOLE_USE_PCP;
            options.seed = seed;
            options.lease_max_s = leases[i].granted_s;
            struct ph_world *world = ph_world_new(&options);
            struct ph_map_request request = {
                .protocol = PORTHOLE_UDP,
                .internal_port = STORY_PORT,
                .external_port = STORY_PORT,
                .lifetime_s = leases[i].granted_s < 7200 ? 7200 : leases[i].granted_s};
            porthole_id id;
            ph_world_map_request(world, &request, &id);
            ph_world_run(world, PH_SECONDS(leases[i].counted_s) * 3 / 4);
            struct ph_mapping_info info = ph_world_query(world, id);
            assert_int_equal(info.lifetime_s, leases[i].granted_s);
            assert_int_equal(story_pcp_count(world), 2);
            const struct ph_world_sent *renewal = story_pcp_sent(world, 1);
            assert_memory_equal(renewal->bytes + 24, story_pcp_sent(world, 0)->bytes + 24, 20);
            assert_true(info.expires == renewal->at + PH_SECONDS(leases[i].granted_s));
            double part =
                (double)(renewal->at - world->started) / (double)PH_SECONDS(leases[i].counted_s);
            least = part < least ? part : least;
            most = part > most ? part : most;
            assert_int_equal(world->event_count, 1);
            ph_world_free(world);
        }
        assert_true(least >= 0.5 && least < 0.505);
        assert_true(most <= 0.625 && most > 0.62);
    }
}

static void lost_renewals_are_repeated_in_what_is_left_of_the_lease(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    options.methods = PORTHOLE_USE_PCP;
    options.lease_max_s = 240;
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    world->options.silent = true;
    ph_world_run(world, PH_SECONDS(238));
    assert_int_equal(ph_world_query(world, id).state, PORTHOLE_SUCCESS);
    assert_int_equal(world->event_count, 1);
    /* Each try is a burst of four, each burst at half to 5/8 of what is left then, at least 4 s
     * (RFC 6887 §11.2.1). */
    unsigned bursts = 0;
    for (unsigned i = 1; i + 4 <= story_pcp_count(world); i += 4, bursts++) {
        ph_us begins = story_pcp_sent(world, i)->at - world->started;
        ph_us ends = story_pcp_sent(world, i + 3)->at - world->started;
        assert_true(ends - begins >= PH_MS(1500) && ends - begins < PH_MS(1750));
        if (bursts == 0)
            assert_in_range(begins, PH_SECONDS(120), PH_SECONDS(150));
        else
            assert_true(begins >=
                        story_pcp_sent(world, i - 1)->at - world->started + PH_SECONDS(4));
    }
    assert_in_range(bursts, 4, 7);
    world->options.silent = false;
    ph_world_run(world, PH_SECONDS(60));
    /* It came back too late: lost at the lease's end, and made again. */
    assert_true(story_event_time(world, id, PORTHOLE_EVENT_PENDING) == PH_SECONDS(240));
    assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_MAPPED), 2);
    story_assert_mapped(world, id, PORTHOLE_PCP, STORY_PORT);
    ph_world_free(world);
}

/* What was granted lasts until its lease ends, whatever a renewal is answered (RFC 6887 §11.4), and
 * meanwhile others are asked. */
static void refused_renewal_is_taken_over_by_the_next_method(void **state) {
    (void)state;
    struct story_pcp_reply refusal = {.result = PH_PCP_NO_RESOURCES};
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP | PORTHOLE_USE_NATPMP);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    world->options.script = story_pcp_script;
    world->options.user = &refusal;
    ph_world_run(world, PH_SECONDS(5000));
    assert_int_equal(ph_world_query(world, id).state, PORTHOLE_SUCCESS);
    assert_int_equal(ph_world_query(world, id).method, PORTHOLE_NATPMP);
    assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_CHANGED), 1);
    assert_int_equal(world->event_count, 2);
    ph_world_free(world);
}

static void refused_renewal_is_asked_for_on_until_the_lease_ends(void **state) {
    (void)state;
    struct story_pcp_reply refusal = {.result = PH_PCP_NO_RESOURCES};
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    options.lease_max_s = 600;
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    world->options.script = story_pcp_script;
    world->options.user = &refusal;
    ph_world_run(world, PH_SECONDS(598));
    /* At 1/2, 3/4, 7/8, ... of the lease, and never closer than 4 s. */
    assert_in_range(story_pcp_count(world), 5, 9);
    assert_int_equal(world->event_count, 1);
    assert_int_equal(ph_world_query(world, id).state, PORTHOLE_SUCCESS);
    ph_world_run(world, PH_SECONDS(10));
    assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_PENDING) +
                         ph_world_count(world, id, PORTHOLE_EVENT_FAILED),
                     2);
    story_assert_failed(world, id, PORTHOLE_ERR_NO_RESOURCES, PORTHOLE_PCP, PH_PCP_NO_RESOURCES);
    ph_world_free(world);
}

static void refusal_that_is_taken_back_in_time_is_never_told(void **state) {
    (void)state;
    struct story_pcp_reply refusal = {.result = PH_PCP_NO_RESOURCES};
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    options.lease_max_s = 600;
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    world->options.script = story_pcp_script;
    world->options.user = &refusal;
    ph_world_run(world, PH_SECONDS(500));
    world->options.script = NULL;
    ph_world_run(world, PH_SECONDS(1000));
    story_assert_mapped(world, id, PORTHOLE_PCP, STORY_PORT);
    assert_int_equal(world->event_count, 1);
    ph_world_free(world);
}

/* A UPnP device is asked whether it holds the mapping at all. */
static void refused_renewal_of_what_is_gone_is_a_loss(void **state) {
    (void)state;
    for (unsigned is_gone = 0; is_gone < 2; is_gone++) {
        struct igd igd;
        igd_init(&igd);
        struct ph_world_options options = igd_options(&igd);
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(10));
        story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
        igd.fault = 501; /* ActionFailed, from now on */
        igd.faults = 1;
        if (is_gone)
            memset(igd.entries, 0, sizeof igd.entries);
        ph_world_refresh(world, id);
        ph_world_run(world, PH_SECONDS(10));
        story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
        assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_PENDING), is_gone);
        ph_world_free(world);
    }
}

static void exact_port_that_a_renewal_moves_is_lost(void **state) {
    (void)state;
    struct story_pcp_reply moved = {.external = {ph_addr_v4(1, 2, 3, 4), 4000}};
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    options.methods = PORTHOLE_USE_PCP;
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, PORTHOLE_EXACT_PORT);
    ph_world_run(world, PH_SECONDS(1));
    story_assert_mapped(world, id, PORTHOLE_PCP, STORY_PORT);
    world->options.script = story_pcp_script; /* something else, in this story */
    world->options.user = &moved;
    ph_world_run(world, PH_SECONDS(4600));
    assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_PENDING), 1);
    story_assert_failed(world, id, PORTHOLE_ERR_PORT_TAKEN, PORTHOLE_PCP, 0);
    ph_world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(renewed_between_half_and_five_eighths_of_what_was_granted),
        cmocka_unit_test(lost_renewals_are_repeated_in_what_is_left_of_the_lease),
        cmocka_unit_test(refused_renewal_is_taken_over_by_the_next_method),
        cmocka_unit_test(refused_renewal_is_asked_for_on_until_the_lease_ends),
        cmocka_unit_test(refusal_that_is_taken_back_in_time_is_never_told),
        cmocka_unit_test(refused_renewal_of_what_is_gone_is_a_loss),
        cmocka_unit_test(exact_port_that_a_renewal_moves_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
