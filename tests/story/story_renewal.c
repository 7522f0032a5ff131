/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * story_renewal.c: leases of every length that occurs, from 20 s to more than a day and without
 * end: each is renewed in time when answers come, and when none come it is asked for again in what
 * is left, never closer than 4 s and never after its end (RFC 6887 §11.2.1).
 */
#include "story.h"

static const uint32_t leases_s[] = {20, 60, 120, 3600, 7200, 86400, 604800};
static const enum porthole_method all_methods[] = {PORTHOLE_PCP, PORTHOLE_NATPMP, PORTHOLE_UPNP};

static struct ph_world *leased_world(enum porthole_method method, uint32_t lease_s, uint64_t seed,
                                     porthole_id *ret_id) {
    struct ph_world_options options = story_options(1U << method);
    options.methods = 1U << method;
    options.seed = seed;
    options.lease_max_s = UINT32_MAX;
    options.recheck_period = PH_SECONDS(10000000); /* renewals are to be seen alone */
    struct ph_world *world = ph_world_new(&options);
    struct ph_map_request request = {.protocol = PORTHOLE_TCP,
                                     .internal_port = STORY_PORT,
                                     .external_port = STORY_PORT,
                                     .lifetime_s = lease_s};
    assert_int_equal(ph_world_map_request(world, &request, ret_id), 0);
    assert_true(ph_world_run_until(world, PH_SECONDS(5), ph_world_has_result));
    story_assert_mapped(world, *ret_id, method, STORY_PORT);
    return world;
}

/* The requests for the mapping itself. */
static const struct ph_world_sent *request_sent(const struct ph_world *world,
                                                enum porthole_method method, unsigned n) {
    if (method == PORTHOLE_PCP)
        return story_pcp_sent(world, n);
    return method == PORTHOLE_NATPMP ? story_natpmp_sent(world, PH_NATPMP_MAP_TCP, n)
                                     : story_http_sent(world, "#AddPortMapping", n);
}

static void lease_of_any_length_is_kept_for_ten_of_it(void **state) {
    (void)state;
    for (unsigned i = 0; i < LENGTH_OF(leases_s) * LENGTH_OF(all_methods); i++) {
        enum porthole_method method = all_methods[i / LENGTH_OF(leases_s)];
        uint32_t lease_s = leases_s[i % LENGTH_OF(leases_s)];
        porthole_id id;
        struct ph_world *world = leased_world(method, lease_s, 1, &id);
        ph_world_run(world, PH_SECONDS(lease_s) * 10);
        story_assert_mapped(world, id, method, STORY_PORT);
        assert_int_equal(world->event_count, 1);
        assert_int_equal(ph_gw_server_count(world->server), 1);
        /* Each renewal is at half to 5/8 of the lease, or of the day that is trusted. */
        uint32_t counted_s = lease_s < 86400 ? lease_s : 86400;
        for (unsigned n = 1; request_sent(world, method, n); n++) {
            ph_us gap = request_sent(world, method, n)->at - request_sent(world, method, n - 1)->at;
            assert_true(gap >= PH_SECONDS(counted_s) / 2);
            assert_true(gap <= PH_SECONDS(counted_s) * 5 / 8 + PH_MS(100));
        }
        ph_world_free(world);
    }
}

static void silent_gateway_is_asked_until_the_lease_ends_and_not_in_a_storm(void **state) {
    (void)state;
    for (unsigned i = 0; i < LENGTH_OF(leases_s); i++) {
        porthole_id id;
        struct ph_world *world = leased_world(PORTHOLE_PCP, leases_s[i], 3, &id);
        ph_us end = ph_world_query(world, id).expires;
        ph_us made = world->now;
        world->options.silent = true;
        ph_world_run(world, end - made - PH_MS(1));
        assert_int_equal(ph_world_query(world, id).state, PORTHOLE_SUCCESS);
        unsigned bursts = 0;
        ph_us last = 0;
        for (unsigned n = 1; story_pcp_sent(world, n); n++) {
            ph_us at = story_pcp_sent(world, n)->at;
            assert_true(at < end);
            if (last == 0 || at >= last + PH_SECONDS(2)) {
                bursts++;
                assert_true(last == 0 || at >= last + PH_SECONDS(2));
            }
            last = at;
        }
        /* The last one is within 4 s and a burst of the end, or half of it for the shortest. */
        assert_in_range(bursts, 2, 20);
        assert_true(last + PH_SECONDS(12) >= end);
        ph_world_run(world, PH_MS(2));
        assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_PENDING), 1);
        ph_world_free(world);
    }
}

/* The gateway is away for the first three quarters of what is left after the renewal was due. */
static void gateway_that_is_back_before_the_end_costs_nothing(void **state) {
    (void)state;
    for (unsigned i = 1; i < LENGTH_OF(leases_s); i++) {
        for (uint64_t seed = 1; seed <= 20; seed++) {
            porthole_id id;
            struct ph_world *world = leased_world(PORTHOLE_NATPMP, leases_s[i], seed, &id);
            world->options.silent = true;
            ph_world_run(world, PH_SECONDS(leases_s[i]) * 3 / 4);
            world->options.silent = false;
            ph_world_run(world, PH_SECONDS(leases_s[i]) / 4);
            story_assert_mapped(world, id, PORTHOLE_NATPMP, STORY_PORT);
            assert_int_equal(world->event_count, 1);
            ph_world_free(world);
        }
    }
}

static void lease_without_end_is_asked_for_again_every_hour(void **state) {
    (void)state;
    porthole_id id;
    struct ph_world *world = leased_world(PORTHOLE_UPNP, 0, 1, &id);
    assert_true(ph_world_query(world, id).expires == PH_NEVER);
    ph_world_run(world, PH_SECONDS(3590));
    assert_null(request_sent(world, PORTHOLE_UPNP, 1));
    ph_world_restart_gateway(world); /* it forgets what was to last for ever */
    ph_world_run(world, PH_SECONDS(20));
    assert_non_null(request_sent(world, PORTHOLE_UPNP, 1));
    assert_int_equal(ph_gw_server_count(world->server), 1);
    ph_world_run(world, PH_SECONDS(3600) * 10);
    assert_non_null(request_sent(world, PORTHOLE_UPNP, 11));
    assert_null(request_sent(world, PORTHOLE_UPNP, 12));
    assert_int_equal(world->event_count, 1);
    ph_world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lease_of_any_length_is_kept_for_ten_of_it),
        cmocka_unit_test(silent_gateway_is_asked_until_the_lease_ends_and_not_in_a_storm),
        cmocka_unit_test(gateway_that_is_back_before_the_end_costs_nothing),
        cmocka_unit_test(lease_without_end_is_asked_for_again_every_hour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
