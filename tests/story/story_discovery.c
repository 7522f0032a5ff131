/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * story_discovery.c: what there is to ask: nothing at all, a gateway that comes later, no network,
 * another network, a local address that needs no gateway, methods that are not wanted.
 */
#include "tests/story/story.h"

/* ---- Nothing there --------------------------------------------------------------------------- */

static void silence_is_told_as_no_gateway_within_3300_ms(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
    options.silent = true;
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(4));
    story_assert_failed(world, id, PORTHOLE_ERR_NO_GATEWAY, PORTHOLE_NONE, 0);
    assert_true(story_event_time(world, id, PORTHOLE_EVENT_FAILED) <= PH_MS(3300));
    /* Four requests by each, the search being six datagrams. */
    assert_int_equal(world->sent_control, 8);
    assert_int_equal(world->sent_search, 24);
    assert_int_equal(world->strays, 0);
    ph_world_free(world);
}

static void verdict_is_earlier_with_a_shorter_timeout(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
    options.silent = true;
    options.discover_timeout = PH_MS(600);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    story_assert_failed(world, id, PORTHOLE_ERR_NO_GATEWAY, PORTHOLE_NONE, 0);
    assert_in_range(story_event_time(world, id, PORTHOLE_EVENT_FAILED), PH_MS(600), PH_MS(630));
    ph_world_free(world);
}

static void refusal_of_5351_and_no_upnp_is_told_as_no_gateway(void **state) {
    (void)state;
    struct ph_world_options options = story_options(0);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(4));
    story_assert_failed(world, id, PORTHOLE_ERR_NO_GATEWAY, PORTHOLE_NONE, 0);
    assert_int_equal(world->sent_control, 2);
    ph_world_free(world);
}

static void
silence_is_asked_again_ever_more_seldom_but_never_less_than_every_five_minutes(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
    options.silent = true;
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(7200));
    assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_FAILED), 1);
    assert_int_equal(world->event_count, 1);
    ph_us most = 0;
    unsigned rounds = 1;
    for (unsigned i = 1; i < story_pcp_count(world); i++) {
        ph_us gap = story_pcp_sent(world, i)->at - story_pcp_sent(world, i - 1)->at;
        if (gap <= PH_MS(1000))
            continue;
        /* Between rounds: never much shorter than the one before, and bounded. */
        assert_true(gap > most || gap > PH_SECONDS(225));
        assert_true(gap < PH_SECONDS(300) + PH_MS(3300));
        most = gap;
        rounds++;
    }
    assert_true(most > PH_SECONDS(225));
    assert_in_range(rounds, 30, 40);
    assert_int_equal(story_pcp_count(world), rounds * 4);
    ph_world_free(world);
}

static void gateway_that_comes_up_later_is_found(void **state) {
    (void)state;
    static const unsigned methods[] = {PORTHOLE_USE_PCP, PORTHOLE_USE_NATPMP, PORTHOLE_USE_UPNP};
    for (unsigned i = 0; i < LENGTH_OF(methods); i++) {
        struct ph_world_options options = story_options(methods[i]);
        options.silent = true;
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(600));
        world->options.silent = false;
        ph_world_run(world, PH_SECONDS(305));
        story_assert_mapped(world, id, (enum porthole_method)(i + PORTHOLE_PCP), STORY_PORT);
        assert_int_equal(world->event_count, 2);
        /* From then on a failure is no old one's. */
        ph_world_free(world);
    }
}

static void new_request_finds_it_at_once_and_for_all_others_too(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
    options.silent = true;
    struct ph_world *world = ph_world_new(&options);
    porthole_id first = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(600));
    world->options.silent = false;
    porthole_id second = ph_world_map(world, PORTHOLE_UDP, 9090);
    ph_world_run(world, PH_MS(20));
    story_assert_mapped(world, second, PORTHOLE_PCP, 9090);
    story_assert_mapped(world, first, PORTHOLE_PCP, STORY_PORT);
    ph_world_free(world);
}

static void refresh_asks_a_silent_gateway_at_once(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
    options.silent = true;
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(600));
    world->options.silent = false;
    ph_world_refresh(world, id);
    ph_world_run(world, PH_MS(10));
    story_assert_mapped(world, id, PORTHOLE_PCP, STORY_PORT);
    ph_world_free(world);
}

/* Two methods answer, so that each failure has a reason; PCP refuses, NAT-PMP is silent. */
static void refuse(struct ph_world *world, enum ph_world_port port, const struct ph_endpoint *from,
                   const uint8_t *bytes, size_t len) {
    struct ph_pcp_request request;
    (void)from;
    if (story_is_pcp(port, bytes, len, &request))
        story_pcp_answer(world, &request, PH_PCP_NO_RESOURCES, 30,
                         &(struct ph_endpoint){.port = 0});
}

static void refused_mapping_is_tried_again_soon_after_the_gateway_came_back(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
    options.methods = PORTHOLE_USE_PCP;
    options.silent = true;
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1200));
    /* It is there, but refuses: that is another story than silence, with its own back-off. */
    world->options.silent = false;
    world->options.script = refuse;
    ph_world_refresh(world, id);
    ph_world_run(world, PH_SECONDS(1));
    story_assert_failed(world, id, PORTHOLE_ERR_NO_RESOURCES, PORTHOLE_PCP, PH_PCP_NO_RESOURCES);
    porthole_id other = ph_world_map(world, PORTHOLE_UDP, 9090);
    ph_world_run(world, PH_SECONDS(1));
    assert_int_equal(ph_world_query(world, other).state, PORTHOLE_FAILURE);
    world->options.script = NULL;
    ph_world_run(world, PH_SECONDS(2));
    story_assert_mapped(world, other, PORTHOLE_PCP, 9090);
    ph_world_free(world);
}

static void failure_with_a_reason_of_its_own_keeps_to_the_rounds(void **state) {
    (void)state;
    /* A stranger's answer makes it UNTRUSTED instead of NO_GATEWAY; asked as often as without. */
    for (unsigned i = 0; i < 2; i++) {
        struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
        options.silent = true;
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        struct ph_endpoint stranger = story_outsider(1900);
        for (unsigned s = 0; s < 200; s++) {
            ph_world_run(world, PH_SECONDS(1));
            if (i == 1)
                story_ssdp_answer(world, &stranger, PH_SSDP_TARGET_IGD1, "http://8.8.4.4/");
        }
        story_assert_failed(world, id, i ? PORTHOLE_ERR_UNTRUSTED : PORTHOLE_ERR_NO_GATEWAY,
                            i ? PORTHOLE_UPNP : PORTHOLE_NONE, 0);
        assert_in_range(story_pcp_count(world), 6 * 4, 8 * 4);
        assert_true(story_pcp_sent(world, 4)->at <= world->started + PH_MS(5300));
        assert_int_equal(world->exchanges, 0);
        ph_world_free(world);
    }
}

/* ---- No gateway needed ----------------------------------------------------------------------- */

static void public_address_is_direct_without_a_packet(void **state) {
    (void)state;
    static const char *const clients[] = {"8.8.8.8", "9.9.9.9", "223.255.255.254",
                                          "2606:4700::1111"};
    for (unsigned i = 0; i < LENGTH_OF(clients); i++) {
        struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
        options.client = clients[i];
        options.external = clients[i];
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        assert_true(story_event_time(world, id, PORTHOLE_EVENT_MAPPED) == 0);
        story_assert_mapped(world, id, PORTHOLE_DIRECT, STORY_PORT);
        assert_true(ph_world_query(world, id).expires == PH_NEVER);
        ph_world_run(world, PH_SECONDS(100000));
        ph_world_refresh(world, id);
        ph_world_unmap(world, id);
        story_assert_unmapped(world, id, PORTHOLE_FATE_NONE);
        assert_int_equal(world->sent_count, 0);
        ph_world_free(world);
    }
}

static void direct_port_is_the_internal_one(void **state) {
    (void)state;
    for (unsigned exact = 0; exact < 2; exact++) {
        struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
        options.client = options.external = "8.8.8.8";
        struct ph_world *world = ph_world_new(&options);
        struct ph_map_request request = {.protocol = PORTHOLE_TCP,
                                         .internal_port = STORY_PORT,
                                         .external_port = 80,
                                         .flags = exact ? PORTHOLE_EXACT_PORT : 0,
                                         .lifetime_s = 7200};
        porthole_id id;
        ph_world_map_request(world, &request, &id);
        if (exact)
            story_assert_failed(world, id, PORTHOLE_ERR_UNSUPPORTED, PORTHOLE_DIRECT, 0);
        else
            story_assert_mapped(world, id, PORTHOLE_DIRECT, STORY_PORT);
        ph_world_run(world, PH_SECONDS(1000));
        assert_int_equal(world->event_count, 1);
        assert_int_equal(world->sent_count, 0);
        ph_world_free(world);
    }
}

static void addresses_that_are_not_global_are_not_direct(void **state) {
    (void)state;
    static const char *const clients[] = {
        "10.0.0.2",     "172.16.0.2",   "192.168.77.2", "100.64.0.2", "100.127.255.254",
        "198.18.0.2",   "198.51.100.2", "203.0.113.2",  "192.0.0.2",  "192.0.2.2",
        "169.254.77.2", "127.0.0.2",    "240.0.0.2",    "0.0.0.2",    "198.19.255.254"};
    for (unsigned i = 0; i < LENGTH_OF(clients); i++) {
        struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
        options.client = clients[i];
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(1));
        story_assert_mapped(world, id, PORTHOLE_PCP, STORY_PORT);
        ph_world_free(world);
    }
}

static void external_address_behind_another_nat_is_success_with_that_address(void **state) {
    (void)state;
    static const char *const externals[] = {"192.168.1.2", "100.64.0.9"};
    static const unsigned methods[] = {PORTHOLE_USE_PCP, PORTHOLE_USE_NATPMP, PORTHOLE_USE_UPNP};
    for (unsigned i = 0; i < LENGTH_OF(externals) * LENGTH_OF(methods); i++) {
        struct ph_world_options options = story_options(methods[i / 2]);
        options.external = externals[i % 2];
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(1));
        story_assert_mapped(world, id, (enum porthole_method)(i / 2 + PORTHOLE_PCP), STORY_PORT);
        ph_world_free(world);
    }
}

/* ---- Networks that come and go --------------------------------------------------------------- */

static void without_a_network_it_fails_at_once_and_is_made_when_one_appears(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
    options.no_network = true;
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    story_assert_failed(world, id, PORTHOLE_ERR_NO_NETWORK, PORTHOLE_NONE, 0);
    assert_true(ph_engine_deadline(world->engine) == PH_NEVER);
    ph_world_run(world, PH_SECONDS(3600));
    assert_int_equal(world->sent_count, 0);
    ph_world_network(world, true);
    ph_world_run(world, PH_MS(10));
    story_assert_mapped(world, id, PORTHOLE_PCP, STORY_PORT);
    assert_int_equal(world->event_count, 2);
    ph_world_free(world);
}

static void network_that_goes_takes_the_mappings_along_and_brings_them_back(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    ph_world_network(world, false);
    ph_world_run(world, PH_SECONDS(60));
    story_assert_failed(world, id, PORTHOLE_ERR_NO_NETWORK, PORTHOLE_NONE, 0);
    ph_world_network(world, true);
    ph_world_run(world, PH_SECONDS(1));
    /* The same gateway has it still and gives it back, because the nonce is the same. */
    story_assert_mapped(world, id, PORTHOLE_PCP, STORY_PORT);
    assert_memory_equal(story_pcp_sent(world, 0)->bytes + 24, story_pcp_sent(world, 1)->bytes + 24,
                        PH_PCP_NONCE_SIZE);
    assert_int_equal(ph_gw_server_count(world->server), 1);
    assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_MAPPED), 2);
    /* To be told the same again is nothing. */
    size_t sent = world->sent_count;
    ph_world_network(world, true);
    ph_world_run(world, PH_SECONDS(1));
    assert_int_equal(world->sent_count, sent);
    ph_world_free(world);
}

static void another_gateway_is_asked_anew_and_knows_nothing_of_the_first(void **state) {
    (void)state;
    static const unsigned methods[] = {PORTHOLE_USE_PCP, PORTHOLE_USE_NATPMP, PORTHOLE_USE_UPNP};
    for (unsigned i = 0; i < LENGTH_OF(methods); i++) {
        struct ph_world_options options = story_options(methods[i]);
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(1));
        world->server_config.external = ph_addr_v4(5, 6, 7, 8);
        ph_world_move(world, "10.1.1.1", "10.1.1.2");
        assert_int_equal(ph_world_last(world).type, PORTHOLE_EVENT_PENDING);
        ph_world_run(world, PH_SECONDS(1));
        story_assert_mapped(world, id, (enum porthole_method)(i + PORTHOLE_PCP), STORY_PORT);
        assert_int_equal(world->event_count, 3);
        struct ph_mapping_info info = ph_world_query(world, id);
        assert_true(ph_addr_equal(&info.gateway, &world->path.gateway));
        assert_true(ph_addr_equal(&info.source, &world->path.source));
        assert_int_equal(world->strays, 0);
        /* RFC 6887 §11.2: another nonce for another server. */
        if (methods[i] == PORTHOLE_USE_PCP)
            assert_memory_not_equal(story_pcp_sent(world, 0)->bytes + 24,
                                    story_pcp_sent(world, 2)->bytes + 24, PH_PCP_NONCE_SIZE);
        ph_world_free(world);
    }
}

static void removal_that_another_gateway_overtakes_ends_and_its_event_is_whole(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    options.cut_off = true;
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    ph_world_unmap(world, id);
    porthole_id next = ph_world_map(world, PORTHOLE_TCP, STORY_PORT);
    ph_world_move(world, "10.1.1.1", "10.1.1.2");
    ph_world_run(world, PH_SECONDS(1));
    story_assert_unmapped(world, id, PORTHOLE_FATE_EXPIRES);
    struct ph_addr first = ph_addr_v4(192, 168, 77, 1);
    for (size_t i = 0; i < world->event_count; i++)
        if (world->events[i].info.id == id)
            assert_true(ph_addr_equal(&world->events[i].info.gateway, &first));
    story_assert_mapped(world, next, PORTHOLE_PCP, STORY_PORT);
    assert_int_equal(world->strays, 0);
    ph_world_free(world);
}

static void answer_from_before_is_nothing_to_a_mapping_that_became_direct(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_MS(7));
    /* The answer to the old address is on its way; the gateway's address stays the same. */
    world->server_config.external = ph_addr_v4(8, 8, 8, 8);
    ph_world_move(world, "192.168.77.1", "8.8.8.8");
    story_assert_mapped(world, id, PORTHOLE_DIRECT, STORY_PORT);
    struct ph_pcp_request request;
    ph_pcp_decode_request(story_pcp_sent(world, 0)->bytes, 60, &request);
    world->gateway = 2; /* even if it came in by the new socket */
    story_pcp_answer(world, &request, PH_PCP_SUCCESS, 7200,
                     &(struct ph_endpoint){ph_addr_v4(1, 2, 3, 4), 4000});
    ph_world_run(world, PH_SECONDS(100));
    story_assert_mapped(world, id, PORTHOLE_DIRECT, STORY_PORT);
    assert_int_equal(story_pcp_count(world), 2); /* the request, and its delete */
    ph_world_free(world);
}

/* ---- Methods --------------------------------------------------------------------------------- */

static void methods_that_are_not_wanted_are_not_asked(void **state) {
    (void)state;
    for (unsigned methods = 2; methods < 16; methods += 2) {
        struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
        options.methods = methods;
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(10));
        enum porthole_method best = methods & PORTHOLE_USE_PCP      ? PORTHOLE_PCP
                                    : methods & PORTHOLE_USE_NATPMP ? PORTHOLE_NATPMP
                                                                    : PORTHOLE_UPNP;
        story_assert_mapped(world, id, best, STORY_PORT);
        assert_int_equal(story_pcp_count(world) > 0, (methods & PORTHOLE_USE_PCP) != 0);
        assert_int_equal(story_natpmp_count(world, PH_NATPMP_ADDRESS) > 0,
                         (methods & PORTHOLE_USE_NATPMP) != 0);
        assert_int_equal(world->sent_search > 0, best == PORTHOLE_UPNP);
        ph_world_free(world);
    }
}

static void gateway_that_fell_silent_is_noticed_by_the_next_mapping(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    struct ph_world *world = ph_world_new(&options);
    porthole_id first = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    world->options.silent = true;
    porthole_id second = ph_world_map(world, PORTHOLE_UDP, 9090);
    ph_world_run(world, PH_SECONDS(11));
    assert_int_equal(ph_world_query(world, first).state, PORTHOLE_SUCCESS);
    story_assert_failed(world, second, PORTHOLE_ERR_TIMEOUT, PORTHOLE_PCP, 0);
    world->options.silent = false;
    ph_world_run(world, PH_SECONDS(20));
    story_assert_mapped(world, second, PORTHOLE_PCP, 9090);
    story_assert_mapped(world, first, PORTHOLE_PCP, STORY_PORT);
    ph_world_free(world);
}

static void search_that_cannot_leave_everywhere_goes_on(void **state) {
    (void)state;
    /* A multicast without a route, as on some phones: the unicast beside it is answered. */
    struct ph_world_options options = story_options(PORTHOLE_USE_UPNP);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_MS(12));
    struct ph_input input = {.type = PH_INPUT_UNREACHABLE};
    input.u.unreachable.gateway = world->gateway;
    input.u.unreachable.channel = PH_CHANNEL_SEARCH;
    input.u.unreachable.error = PORTHOLE_ERR_UNREACHABLE;
    ph_world_step(world, &input);
    ph_world_run(world, PH_SECONDS(1));
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    ph_world_free(world);
}

static void method_that_dies_is_followed_by_the_next_when_the_lease_ends(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    world->server_config.pcp = world->server_config.natpmp = false;
    ph_world_restart_gateway(world);
    ph_world_run(world, PH_SECONDS(7201));
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_PENDING), 1);
    assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_FAILED), 0);
    ph_world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_is_told_as_no_gateway_within_3300_ms),
        cmocka_unit_test(verdict_is_earlier_with_a_shorter_timeout),
        cmocka_unit_test(refusal_of_5351_and_no_upnp_is_told_as_no_gateway),
        cmocka_unit_test(
            silence_is_asked_again_ever_more_seldom_but_never_less_than_every_five_minutes),
        cmocka_unit_test(gateway_that_comes_up_later_is_found),
        cmocka_unit_test(new_request_finds_it_at_once_and_for_all_others_too),
        cmocka_unit_test(refresh_asks_a_silent_gateway_at_once),
        cmocka_unit_test(refused_mapping_is_tried_again_soon_after_the_gateway_came_back),
        cmocka_unit_test(failure_with_a_reason_of_its_own_keeps_to_the_rounds),
        cmocka_unit_test(public_address_is_direct_without_a_packet),
        cmocka_unit_test(direct_port_is_the_internal_one),
        cmocka_unit_test(addresses_that_are_not_global_are_not_direct),
        cmocka_unit_test(external_address_behind_another_nat_is_success_with_that_address),
        cmocka_unit_test(without_a_network_it_fails_at_once_and_is_made_when_one_appears),
        cmocka_unit_test(network_that_goes_takes_the_mappings_along_and_brings_them_back),
        cmocka_unit_test(another_gateway_is_asked_anew_and_knows_nothing_of_the_first),
        cmocka_unit_test(removal_that_another_gateway_overtakes_ends_and_its_event_is_whole),
        cmocka_unit_test(answer_from_before_is_nothing_to_a_mapping_that_became_direct),
        cmocka_unit_test(methods_that_are_not_wanted_are_not_asked),
        cmocka_unit_test(gateway_that_fell_silent_is_noticed_by_the_next_mapping),
        cmocka_unit_test(search_that_cannot_leave_everywhere_goes_on),
        cmocka_unit_test(method_that_dies_is_followed_by_the_next_when_the_lease_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
