/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * story_restart.c: a gateway that restarts and forgets. Nothing announces it here: the recheck
 * finds it, by the gateway's clock (RFC 6887 §8.5, RFC 6886 §3.6) or by reading the mapping back,
 * and the mapping is there again.
 */
#include "story.h"

static const enum porthole_method all_methods[] = {PORTHOLE_PCP, PORTHOLE_NATPMP, PORTHOLE_UPNP};

static struct ph_world *mapped_world(enum porthole_method method, ph_us recheck_period,
                                     porthole_id *ret_id) {
    struct ph_world_options options = story_options(1U << method);
    options.recheck_period = recheck_period;
    struct ph_world *world = ph_world_new(&options);
    *ret_id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(10));
    story_assert_mapped(world, *ret_id, method, STORY_PORT);
    assert_int_equal(world->event_count, 1);
    return world;
}

static void restart_is_noticed_within_the_recheck_period(void **state) {
    (void)state;
    static const ph_us periods[] = {PH_MS(500), PH_SECONDS(5), PH_SECONDS(300)};
    for (unsigned i = 0; i < LENGTH_OF(all_methods) * LENGTH_OF(periods); i++) {
        enum porthole_method method = all_methods[i % LENGTH_OF(all_methods)];
        ph_us period = periods[i / LENGTH_OF(all_methods)];
        porthole_id id;
        struct ph_world *world = mapped_world(method, period, &id);
        ph_world_run(world, period); /* so that the clock has been heard since */
        ph_world_restart_gateway(world);
        assert_int_equal(ph_gw_server_count(world->server), 0);
        ph_world_run(world, period + PH_MS(100)); /* and the round trips */
        story_assert_mapped(world, id, method, STORY_PORT);
        assert_int_equal(ph_gw_server_count(world->server), 1);
        assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_PENDING), 1);
        assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_MAPPED), 2);
        assert_int_equal(world->event_count, 3);
        ph_world_free(world);
    }
}

/* The clock rule allows for 1/16 of five minutes, and this restart hides in that. */
static void restart_that_the_clock_hardly_shows_is_mended(void **state) {
    (void)state;
    for (unsigned i = 0; i < LENGTH_OF(all_methods); i++) {
        porthole_id id;
        struct ph_world *world = mapped_world(all_methods[i], PH_SECONDS(300), &id);
        ph_world_restart_gateway(world);
        ph_world_run(world, PH_SECONDS(301));
        story_assert_mapped(world, id, all_methods[i], STORY_PORT);
        assert_int_equal(ph_gw_server_count(world->server), 1);
        ph_world_free(world);
    }
}

static void steady_gateway_is_asked_once_a_period_and_nothing_happens(void **state) {
    (void)state;
    for (unsigned i = 0; i < LENGTH_OF(all_methods); i++) {
        porthole_id id;
        struct ph_world *world = mapped_world(all_methods[i], PH_SECONDS(60), &id);
        unsigned before = (unsigned)world->sent_count;
        ph_world_run(world, PH_SECONDS(1200));
        /* The period's jitter shortens it by at most a tenth. UPnP tells the external address apart
         * from the mapping. */
        unsigned requests = all_methods[i] == PORTHOLE_UPNP ? 2 : 1;
        assert_in_range(world->sent_count - before, 20 * requests, 23 * requests);
        assert_int_equal(world->event_count, 1);
        ph_world_free(world);
    }
}

static void all_mappings_are_put_back_with_their_ports(void **state) {
    (void)state;
    for (unsigned i = 0; i < LENGTH_OF(all_methods); i++) {
        porthole_id id;
        struct ph_world *world = mapped_world(all_methods[i], PH_SECONDS(30), &id);
        for (uint16_t port = 1; port < 100; port++)
            ph_world_map(world, PORTHOLE_UDP, (uint16_t)(9000 + port));
        ph_world_run(world, PH_SECONDS(5));
        assert_int_equal(ph_gw_server_count(world->server), 100);
        ph_world_restart_gateway(world);
        ph_world_run(world, PH_SECONDS(32));
        assert_int_equal(ph_gw_server_count(world->server), 100);
        for (uint16_t port = 1; port < 100; port++) {
            struct ph_mapping_info info = ph_world_query(world, (porthole_id)(port + 1));
            assert_int_equal(info.state, PORTHOLE_SUCCESS);
            assert_int_equal(info.external.port, 9000 + port);
        }
        ph_world_free(world);
    }
}

static void gateway_that_is_away_for_a_while_is_found_again(void **state) {
    (void)state;
    for (unsigned i = 0; i < LENGTH_OF(all_methods); i++) {
        porthole_id id;
        struct ph_world *world = mapped_world(all_methods[i], PH_SECONDS(5), &id);
        ph_gw_server_free(world->server);
        world->server = NULL;
        ph_world_run(world, PH_SECONDS(60));
        ph_world_restart_gateway(world);
        ph_world_run(world, PH_SECONDS(15));
        story_assert_mapped(world, id, all_methods[i], STORY_PORT);
        assert_int_equal(ph_gw_server_count(world->server), 1);
        assert_true(ph_world_count(world, id, PORTHOLE_EVENT_MAPPED) >= 2);
        ph_world_free(world);
    }
}

static void lost_recheck_is_repeated(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
        options.seed = seed;
        options.recheck_period = PH_SECONDS(30);
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(10));
        world->options.loss_percent = 20;
        ph_world_restart_gateway(world);
        ph_world_run(world, PH_SECONDS(100));
        story_assert_mapped(world, id, PORTHOLE_PCP, STORY_PORT);
        assert_int_equal(ph_gw_server_count(world->server), 1);
        ph_world_free(world);
    }
}

static void lease_that_is_not_held_is_not_rechecked(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    options.recheck_period = PH_SECONDS(5);
    struct ph_world *world = ph_world_new(&options);
    story_map(world, PORTHOLE_LEASE);
    ph_world_run(world, PH_SECONDS(4));
    unsigned before = (unsigned)world->sent_count;
    ph_world_run(world, PH_SECONDS(100));
    assert_int_equal(world->sent_count, before);
    ph_world_free(world);
}

/* A clock that jumps at every answer. */
static void jump(struct ph_world *world, enum ph_world_port port, const struct ph_endpoint *from,
                 const uint8_t *bytes, size_t len) {
    static uint8_t answer[PH_GW_CONTROL_SIZE];
    static uint8_t clock;
    size_t at = bytes[0] == PH_PCP_VERSION ? 8 : 4;
    memcpy(answer, bytes, len);
    if (port == PH_WORLD_CONTROL && len >= at + 4)
        answer[at] = clock++; /* the highest byte of the epoch */
    ph_world_answer(world, port, from, answer, len);
}

static void clock_that_jumps_at_every_answer_makes_no_storm(void **state) {
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        porthole_id id;
        struct ph_world *world = mapped_world(all_methods[i], PH_SECONDS(60), &id);
        for (uint16_t port = 1; port < 10; port++)
            ph_world_map(world, PORTHOLE_UDP, (uint16_t)(9000 + port));
        ph_world_run(world, PH_SECONDS(1));
        world->options.meddle = jump;
        ph_world_refresh(world, id);
        unsigned before = (unsigned)world->sent_count;
        ph_world_run(world, PH_SECONDS(50));
        /* At most one restart in 5 s, and with each at most a few requests a mapping. */
        assert_in_range(world->sent_count - before, 1, 10 * 10 * 3);
        story_assert_mapped(world, id, all_methods[i], STORY_PORT);
        ph_world_free(world);
    }
}

/* A read-back that another host's mapping answers. */
static size_t stolen_entry(struct ph_world *world, const struct ph_endpoint *to,
                           const struct ph_http_message *request, uint8_t *ret, size_t size) {
    (void)to;
    static const char body[] =
        "<s:Envelope><s:Body><u:GetSpecificPortMappingEntryResponse>"
        "<NewInternalPort>8080</NewInternalPort><NewInternalClient>192.168.77.9</NewInternalClient>"
        "</u:GetSpecificPortMappingEntryResponse></s:Body></s:Envelope>";
    if (story_calls(request, "GetSpecificPortMappingEntry") &&
        story_argument(request, "NewExternalPort") == STORY_PORT)
        return story_http_answer(200, body, ret, size);
    return ph_world_serve_http(world, request, ret, size);
}

static void mapping_that_another_host_took_is_made_elsewhere(void **state) {
    (void)state;
    porthole_id id;
    struct ph_world *world = mapped_world(PORTHOLE_UPNP, PH_SECONDS(5), &id);
    world->options.http = stolen_entry;
    ph_world_run(world, PH_SECONDS(6));
    assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_PENDING), 1);
    assert_true(ph_world_traced(world, "lost: another mapping is in its place"));
    /* Elsewhere: the other host keeps what it has. */
    ph_world_run(world, PH_SECONDS(1));
    assert_int_equal(ph_world_query(world, id).state, PORTHOLE_SUCCESS);
    assert_int_not_equal(ph_world_query(world, id).external.port, STORY_PORT);
    assert_int_equal(story_http_count(world, "#AddPortMapping"), 2);
    ph_world_free(world);
}

static size_t no_such_action(struct ph_world *world, const struct ph_endpoint *to,
                             const struct ph_http_message *request, uint8_t *ret, size_t size) {
    (void)to;
    if (story_calls(request, "GetSpecificPortMappingEntry"))
        return story_fault(PH_UPNP_INVALID_ACTION, ret, size);
    return ph_world_serve_http(world, request, ret, size);
}

static void device_without_read_back_is_asked_to_map_again(void **state) {
    (void)state;
    porthole_id id;
    struct ph_world *world = mapped_world(PORTHOLE_UPNP, PH_SECONDS(5), &id);
    unsigned before = story_http_count(world, "#GetSpecificPortMappingEntry");
    world->options.http = no_such_action;
    ph_world_run(world, PH_SECONDS(11));
    assert_int_equal(story_http_count(world, "#GetSpecificPortMappingEntry"), before + 1);
    ph_world_restart_gateway(world);
    ph_world_run(world, PH_SECONDS(6));
    assert_int_equal(story_http_count(world, "#GetSpecificPortMappingEntry"), before + 1);
    assert_int_equal(ph_gw_server_count(world->server), 1);
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    ph_world_free(world);
}

/* The first answer after a restart: a lease of a second, which was long over when it came. */
static void restart_with_a_moment(struct ph_world *world, enum ph_world_port port,
                                  const struct ph_endpoint *from, const uint8_t *bytes,
                                  size_t len) {
    static uint8_t answer[PH_GW_CONTROL_SIZE];
    memcpy(answer, bytes, len);
    if (port == PH_WORLD_CONTROL && len >= 12) {
        memset(answer + 4, 0, 8); /* lifetime and epoch, RFC 6887 §7.2 */
        answer[7] = 1;
    }
    ph_world_answer(world, port, from, answer, len);
}

static void loss_is_told_also_when_what_came_instead_is_over(void **state) {
    (void)state;
    porthole_id id;
    struct ph_world *world = mapped_world(PORTHOLE_PCP, PH_SECONDS(300), &id);
    ph_world_run(world, PH_SECONDS(20));
    world->options.delay = PH_MS(600);
    world->options.meddle = restart_with_a_moment;
    ph_world_refresh(world, id);
    ph_world_run(world, PH_MS(1300));
    struct ph_mapping_info info;
    assert_true(ph_engine_query(world->engine, id, &info));
    assert_int_equal(info.state, PORTHOLE_PENDING);
    assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_PENDING), 1);
    assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_MAPPED), 1);
    world->options.delay = PH_MS(5);
    world->options.meddle = NULL;
    ph_world_run(world, PH_SECONDS(10));
    story_assert_mapped(world, id, PORTHOLE_PCP, STORY_PORT);
    assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_MAPPED), 2);
    ph_world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(restart_is_noticed_within_the_recheck_period),
        cmocka_unit_test(restart_that_the_clock_hardly_shows_is_mended),
        cmocka_unit_test(steady_gateway_is_asked_once_a_period_and_nothing_happens),
        cmocka_unit_test(all_mappings_are_put_back_with_their_ports),
        cmocka_unit_test(gateway_that_is_away_for_a_while_is_found_again),
        cmocka_unit_test(lost_recheck_is_repeated),
        cmocka_unit_test(lease_that_is_not_held_is_not_rechecked),
        cmocka_unit_test(clock_that_jumps_at_every_answer_makes_no_storm),
        cmocka_unit_test(mapping_that_another_host_took_is_made_elsewhere),
        cmocka_unit_test(device_without_read_back_is_asked_to_map_again),
        cmocka_unit_test(loss_is_told_also_when_what_came_instead_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
