/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * story_window.c: a thousand mappings at once: fast where the gateway is, gentle where it is slow,
 * all of them through loss, and few packets where nobody answers.
 */
#include "tests/story/story.h"

#define MANY 1000U
#define FIRST_PORT 5000U

static void map_many(struct ph_world *world) {
    for (unsigned i = 0; i < MANY; i++)
        assert_true(ph_world_map(world, PORTHOLE_UDP, (uint16_t)(FIRST_PORT + i)) == i + 1);
}

static bool are_all_mapped(struct ph_world *world) {
    unsigned mapped = 0;
    for (size_t i = 0; i < world->event_count; i++)
        mapped += world->events[i].type == PORTHOLE_EVENT_MAPPED;
    return mapped == MANY;
}

static bool are_all_told(struct ph_world *world) { return world->event_count == MANY; }

static void assert_many(struct ph_world *world, enum porthole_method method) {
    for (porthole_id id = 1; id <= MANY; id++)
        story_assert_mapped(world, id, method, (uint16_t)(FIRST_PORT + id - 1));
    assert_int_equal(ph_gw_server_count(world->server), MANY);
}

static bool is_map_request(const struct ph_world_sent *sent) {
    return sent->port == PH_WORLD_CONTROL && sent->bytes[1] != 0;
}

/* The most MAP requests that were without an answer at a time, all answers taking `rtt`. */
static unsigned most_in_flight(const struct ph_world *world, ph_us rtt) {
    unsigned most = 0;
    unsigned in_flight = 0;
    size_t oldest = 0;
    for (size_t i = 0; i < world->sent_count; i++) {
        if (!is_map_request(&world->sent[i]))
            continue;
        in_flight++;
        for (; world->sent[oldest].at + rtt <= world->sent[i].at; oldest++)
            in_flight -= is_map_request(&world->sent[oldest]);
        most = in_flight > most ? in_flight : most;
    }
    return most;
}

static void thousand_take_less_than_400_ms_with_at_most_64_in_flight(void **state) {
    (void)state;
    static const unsigned methods[] = {PORTHOLE_USE_PCP, PORTHOLE_USE_NATPMP};
    for (unsigned m = 0; m < LENGTH_OF(methods); m++) {
        struct ph_world_options options = story_options(methods[m]);
        struct ph_world *world = ph_world_new(&options);
        map_many(world);
        assert_true(ph_world_run_until(world, PH_MS(400), are_all_mapped));
        assert_many(world, (enum porthole_method)(m + PORTHOLE_PCP));
        assert_in_range(most_in_flight(world, PH_MS(10)), 32, 64);
        /* Not one request too many. */
        assert_int_equal(story_pcp_count(world) + story_natpmp_count(world, PH_NATPMP_MAP_UDP),
                         m == 0 ? MANY : MANY + 4);
        /* And away again as fast. */
        world->event_count = 0;
        ph_world_stop(world, PH_SECONDS(3));
        assert_true(ph_world_run_until(world, PH_MS(400), are_all_told));
        assert_int_equal(ph_gw_server_count(world->server), 0);
        ph_world_free(world);
    }
}

static void loss_of_a_fifth_each_way_delays_but_loses_none(void **state) {
    (void)state;
    static const unsigned methods[] = {PORTHOLE_USE_PCP, PORTHOLE_USE_NATPMP};
    for (unsigned m = 0; m < LENGTH_OF(methods); m++) {
        for (uint64_t seed = 1; seed <= 3; seed++) {
            struct ph_world_options options = story_options(methods[m]);
            options.loss_percent = 20;
            options.seed = seed;
            struct ph_world *world = ph_world_new(&options);
            map_many(world);
            /* A third of all requests need a second try after a quarter second: one at a time would
             * take minutes. */
            assert_true(ph_world_run_until(world, PH_SECONDS(30), are_all_mapped));
            assert_true(world->sent_control < 2 * MANY);
            assert_many(world, (enum porthole_method)(m + PORTHOLE_PCP));
            ph_world_free(world);
        }
    }
}

/* ---- A slow gateway -------------------------------------------------------------------------- */

#define SERVICE_TIME PH_MS(12)
#define SLOTS 64U

struct slow {
    ph_us busy_until;
    unsigned drops;
};

/* One request after the other, from a socket buffer of so many slots. */
static void serve_slowly(struct ph_world *world, enum ph_world_port port,
                         const struct ph_endpoint *from, const uint8_t *bytes, size_t len) {
    struct slow *slow = world->options.user;
    ph_us left = slow->busy_until > world->now ? slow->busy_until - world->now : 0;
    unsigned waiting = (unsigned)((left + SERVICE_TIME - 1) / SERVICE_TIME);
    if (waiting >= SLOTS) {
        slow->drops++;
        return;
    }
    slow->busy_until = world->now + left + SERVICE_TIME;
    ph_world_serve(world, port, from, bytes, len);
}

static void answer_slowly(struct ph_world *world, enum ph_world_port port,
                          const struct ph_endpoint *from, const uint8_t *bytes, size_t len) {
    const struct slow *slow = world->options.user;
    ph_world_answer_late(world, port, from, bytes, len, slow->busy_until - world->now);
}

static void slow_gateway_loses_none_and_is_never_idle(void **state) {
    (void)state;
    static const unsigned methods[] = {PORTHOLE_USE_PCP, PORTHOLE_USE_NATPMP};
    for (unsigned m = 0; m < LENGTH_OF(methods); m++) {
        struct slow slow = {.drops = 0};
        struct ph_world_options options = story_options(methods[m]);
        options.script = serve_slowly;
        options.meddle = answer_slowly;
        options.user = &slow;
        struct ph_world *world = ph_world_new(&options);
        map_many(world);
        assert_true(ph_world_run_until(world, PH_SECONDS(60), are_all_mapped));
        assert_many(world, (enum porthole_method)(m + PORTHOLE_PCP));
        assert_int_equal(slow.drops, 0);
        /* One at a time would be 22 s; 12 s is what its own work takes. */
        assert_true(world->now - world->started < PH_MS(12500));
        ph_world_free(world);
    }
}

/* ---- Few packets ----------------------------------------------------------------------------- */

static void refresh_of_one_asks_for_one(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    struct ph_world *world = ph_world_new(&options);
    map_many(world);
    ph_world_run(world, PH_SECONDS(10));
    assert_many(world, PORTHOLE_PCP);
    unsigned sent = world->sent_control;
    ph_us before = ph_world_query(world, 500).expires;
    ph_world_refresh(world, 500);
    ph_world_run(world, PH_SECONDS(1));
    assert_int_equal(world->sent_control, sent + 1);
    assert_true(ph_world_query(world, 500).expires > before + PH_SECONDS(9));
    assert_true(ph_world_query(world, 501).expires < before + PH_SECONDS(1));
    assert_int_equal(world->event_count, MANY);
    ph_world_free(world);
}

static void renewals_of_many_spread_over_an_eighth_of_the_lease(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    struct ph_world *world = ph_world_new(&options);
    map_many(world);
    ph_world_run(world, PH_SECONDS(3600));
    unsigned before = story_pcp_count(world);
    assert_int_equal(before, MANY);
    for (unsigned minute = 0; minute < 15; minute++) {
        ph_world_run(world, PH_SECONDS(60));
        unsigned now = story_pcp_count(world);
        assert_in_range(now - before, 30, 110);
        before = now;
    }
    assert_int_equal(before, 2 * MANY);
    assert_int_equal(world->event_count, MANY);
    ph_world_free(world);
}

static void silent_gateway_gets_few_packets_for_many_mappings(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
    options.silent = true;
    struct ph_world *world = ph_world_new(&options);
    map_many(world);
    ph_world_run(world, PH_SECONDS(4));
    assert_int_equal(world->event_count, MANY);
    /* Four mappings, four times, ask for all; NAT-PMP once, four times. */
    assert_int_equal(world->sent_control, 4 * 4 + 4);
    assert_int_equal(world->sent_search, 24);
    ph_world_run(world, PH_SECONDS(3600));
    assert_int_equal(world->event_count, MANY);
    assert_true(world->sent_control <= 22 * (4 * 4 + 4));
    /* And none of them is forgotten. */
    world->options.silent = false;
    ph_world_run(world, PH_SECONDS(305));
    assert_many(world, PORTHOLE_PCP);
    ph_world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thousand_take_less_than_400_ms_with_at_most_64_in_flight),
        cmocka_unit_test(loss_of_a_fifth_each_way_delays_but_loses_none),
        cmocka_unit_test(slow_gateway_loses_none_and_is_never_idle),
        cmocka_unit_test(refresh_of_one_asks_for_one),
        cmocka_unit_test(renewals_of_many_spread_over_an_eighth_of_the_lease),
        cmocka_unit_test(silent_gateway_gets_few_packets_for_many_mappings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
