/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * story_quirk_add.c: router models that refuse AddPortMapping, or do not do what they say: what
 * they are asked for next, and what is told when nothing helps. Each is a quirk of the embedded
 * gateway; where it was met is in gateway/quirks.h.
 */
#include "tests/story/story.h"

static struct ph_world *world_of(enum ph_gw_quirk quirk) {
    struct ph_world_options options = story_quirk_options(PORTHOLE_USE_UPNP, quirk);
    return ph_world_new(&options);
}

static unsigned adds(const struct ph_world *world) {
    return story_http_count(world, "#AddPortMapping");
}

static porthole_id map_to(struct ph_world *world, uint16_t external_port, unsigned flags) {
    struct ph_map_request request = {.protocol = PORTHOLE_TCP,
                                     .internal_port = STORY_PORT,
                                     .external_port = external_port,
                                     .flags = flags,
                                     .lifetime_s = 7200};
    porthole_id id;
    assert_int_equal(ph_world_map_request(world, &request, &id), 0);
    return id;
}

/* ---- Leases ---------------------------------------------------------------------------------- */

static void lease_that_is_refused_is_followed_by_one_that_works(void **state) {
    (void)state;
    static const struct {
        enum ph_gw_quirk quirk;
        uint32_t asked_s;
        uint32_t granted_s;
        unsigned adds;
    } cases[] = {
        {PH_GW_QUIRK_PERMANENT_ONLY, 7200, 0, 2},
        {PH_GW_QUIRK_NO_FINITE_LEASE, 7200, 0, 4}, /* 7200, 604800, 3600, 0 */
        {PH_GW_QUIRK_WEEK_LEASE, 7200, 7200, 1},
        {PH_GW_QUIRK_WEEK_LEASE, 2000000, 604800, 2},
        {PH_GW_QUIRK_HOUR_LEASE, 7200, 3600, 3},
    };
    for (unsigned i = 0; i < LENGTH_OF(cases); i++) {
        struct ph_world_options options = story_quirk_options(PORTHOLE_USE_UPNP, cases[i].quirk);
        options.lease_max_s = 10000000;
        struct ph_world *world = ph_world_new(&options);
        world->server_config.behaviour.igd_version = 1;
        ph_world_restart_gateway(world);
        struct ph_map_request request = {.protocol = PORTHOLE_TCP,
                                         .internal_port = STORY_PORT,
                                         .external_port = STORY_PORT,
                                         .lifetime_s = cases[i].asked_s};
        porthole_id id;
        ph_world_map_request(world, &request, &id);
        ph_world_run(world, PH_SECONDS(1));
        story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
        assert_int_equal(ph_world_query(world, id).lifetime_s, cases[i].granted_s);
        assert_int_equal(adds(world), cases[i].adds);
        assert_int_equal(world->event_count, 1);
        /* The next one begins with what works. */
        request.internal_port = request.external_port = 9090;
        ph_world_map_request(world, &request, &id);
        ph_world_run(world, PH_SECONDS(1));
        story_assert_mapped(world, id, PORTHOLE_UPNP, 9090);
        assert_int_equal(adds(world), cases[i].adds + 1);
        ph_world_free(world);
    }
}

static void what_was_learned_of_a_device_goes_along_to_another_network(void **state) {
    (void)state;
    struct ph_world *world = world_of(PH_GW_QUIRK_PERMANENT_ONLY);
    snprintf(world->server_config.uuid, sizeof world->server_config.uuid,
             "11111111-2222-3333-4444-555555555555");
    ph_world_restart_gateway(world);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    assert_int_equal(adds(world), 2);
    /* The same device by another address. */
    ph_world_move(world, "10.1.1.1", "10.1.1.2");
    ph_world_run(world, PH_SECONDS(1));
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    assert_int_equal(adds(world), 3);
    /* Another device knows leases until it says otherwise. */
    world->server_config.uuid[0] = '9';
    ph_world_move(world, "10.2.1.1", "10.2.1.2");
    ph_world_run(world, PH_SECONDS(1));
    assert_int_equal(adds(world), 5);
    /* And the first is known still. */
    world->server_config.uuid[0] = '1';
    ph_world_move(world, "10.3.1.1", "10.3.1.2");
    ph_world_run(world, PH_SECONDS(1));
    assert_int_equal(adds(world), 6);
    ph_world_free(world);
}

static void pcp_and_natpmp_are_never_asked_for_no_time_to_mean_for_ever(void **state) {
    (void)state;
    static const unsigned methods[] = {PORTHOLE_USE_PCP, PORTHOLE_USE_NATPMP};
    for (unsigned i = 0; i < LENGTH_OF(methods); i++) {
        struct ph_world_options options =
            story_quirk_options(methods[i] | PORTHOLE_USE_UPNP, PH_GW_QUIRK_PERMANENT_ONLY);
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(86400));
        story_assert_mapped(world, id, (enum porthole_method)(i + PORTHOLE_PCP), STORY_PORT);
        assert_int_equal(ph_gw_server_count(world->server), 1);
        for (unsigned n = 0; n < story_pcp_count(world); n++)
            assert_int_not_equal(
                story_pcp_sent(world, n)->bytes[6] << 8 | story_pcp_sent(world, n)->bytes[7], 0);
        for (unsigned n = 0; n < story_natpmp_count(world, PH_NATPMP_MAP_TCP); n++)
            assert_int_not_equal(story_natpmp_sent(world, PH_NATPMP_MAP_TCP, n)->bytes[10] << 8 |
                                     story_natpmp_sent(world, PH_NATPMP_MAP_TCP, n)->bytes[11],
                                 0);
        assert_true(story_pcp_count(world) + story_natpmp_count(world, PH_NATPMP_MAP_TCP) > 10);
        ph_world_free(world);
    }
}

/* ---- Faults that end it ---------------------------------------------------------------------- */

static void fault_without_a_remedy_is_told_with_its_code_and_asked_seldom(void **state) {
    (void)state;
    static const struct {
        enum ph_gw_quirk quirk;
        int error;
        int code;
        unsigned adds;
    } cases[] = {
        {PH_GW_QUIRK_ADD_501, PORTHOLE_ERR_REFUSED, 501, 3}, /* and two other ports */
        {PH_GW_QUIRK_ADD_606, PORTHOLE_ERR_NOT_AUTHORIZED, 606, 1},
        {PH_GW_QUIRK_ADD_715, PORTHOLE_ERR_REFUSED, 715, 1},
        {PH_GW_QUIRK_ADD_716, PORTHOLE_ERR_REFUSED, 716, 1},
        {PH_GW_QUIRK_ADD_726, PORTHOLE_ERR_REFUSED, 726, 1},
        {PH_GW_QUIRK_ADD_727, PORTHOLE_ERR_REFUSED, 727, 1},
        {PH_GW_QUIRK_ADD_728, PORTHOLE_ERR_NO_RESOURCES, 728, 1},
        {PH_GW_QUIRK_ADD_729, PORTHOLE_ERR_PORT_TAKEN, 729, 11},
        {PH_GW_QUIRK_ADD_732, PORTHOLE_ERR_REFUSED, 732, 1},
        {PH_GW_QUIRK_ADD_733, PORTHOLE_ERR_REFUSED, 733, 1},
        {PH_GW_QUIRK_CONFLICT_ALWAYS, PORTHOLE_ERR_PORT_TAKEN, 718, 11},
    };
    for (unsigned i = 0; i < LENGTH_OF(cases); i++) {
        struct ph_world *world = world_of(cases[i].quirk);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(1));
        story_assert_failed(world, id, cases[i].error, PORTHOLE_UPNP, cases[i].code);
        assert_int_equal(adds(world), cases[i].adds);
        assert_true(strlen(ph_code_text(PORTHOLE_UPNP, cases[i].code)) > 3);
        /* Told once; from then on ever more seldom. */
        ph_world_run(world, PH_SECONDS(7200));
        assert_int_equal(world->event_count, 1);
        assert_in_range(adds(world), cases[i].adds + 20, cases[i].adds + 40 * 3);
        for (unsigned n = 0; n < adds(world); n++)
            assert_null(strstr((const char *)story_http_sent(world, "#AddPortMapping", n)->bytes,
                               "<NewExternalPort>0<"));
        ph_world_free(world);
    }
}

static void router_on_which_every_port_is_taken_is_tried_less_with_each_round(void **state) {
    (void)state;
    struct ph_world *world = world_of(PH_GW_QUIRK_CONFLICT_ALWAYS);
    for (uint16_t i = 0; i < 4; i++)
        ph_world_map(world, PORTHOLE_TCP, (uint16_t)(7000 + i));
    ph_world_run(world, PH_SECONDS(1));
    unsigned first = adds(world);
    ph_world_run(world, PH_SECONDS(2));
    unsigned second = adds(world) - first;
    assert_true(first <= 4 * 11);
    assert_true(second <= 4 * 3);
    assert_int_equal(world->event_count, 4);
    ph_world_free(world);
}

/* ---- Ports ----------------------------------------------------------------------------------- */

static void router_that_maps_same_ports_only_is_asked_for_the_same(void **state) {
    (void)state;
    struct ph_world *world = world_of(PH_GW_QUIRK_SAME_PORTS_ONLY);
    porthole_id id = map_to(world, 4000, 0);
    ph_world_run(world, PH_SECONDS(1));
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    assert_int_equal(adds(world), 2);
    ph_world_free(world);
}

static void same_port_is_no_answer_to_a_wish_that_must_be_exact(void **state) {
    (void)state;
    static const enum ph_gw_quirk quirks[] = {PH_GW_QUIRK_SAME_PORTS_ONLY,
                                              PH_GW_QUIRK_SAME_PORT_FORCED};
    for (unsigned i = 0; i < LENGTH_OF(quirks); i++) {
        struct ph_world *world = world_of(quirks[i]);
        porthole_id id = map_to(world, 4000, PORTHOLE_EXACT_PORT);
        ph_world_run(world, PH_SECONDS(1));
        story_assert_failed(world, id, PORTHOLE_ERR_REFUSED, PORTHOLE_UPNP, 724);
        assert_int_equal(adds(world), 1);
        assert_int_equal(ph_gw_server_count(world->server), 0);
        /* It is known now. */
        ph_world_run(world, PH_SECONDS(3600));
        assert_int_equal(adds(world), 1);
        ph_world_free(world);
    }
}

static void router_that_leads_elsewhere_is_found_out_and_asked_for_the_same_port(void **state) {
    (void)state;
    struct ph_world *world = world_of(PH_GW_QUIRK_SAME_PORT_FORCED);
    porthole_id id = map_to(world, 4000, 0);
    ph_world_run(world, PH_SECONDS(1));
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    assert_int_equal(ph_gw_server_count(world->server), 1);
    assert_int_equal(ph_gw_server_mapping(world->server, 0)->facts.internal_port, STORY_PORT);
    assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_PENDING), 1);
    /* It takes three round trips of a connection, and the next mapping none. */
    assert_int_equal(adds(world), 2);
    struct ph_map_request request = {
        .protocol = PORTHOLE_UDP, .internal_port = 9090, .external_port = 4001, .lifetime_s = 7200};
    ph_world_map_request(world, &request, &id);
    ph_world_run(world, PH_SECONDS(1));
    story_assert_mapped(world, id, PORTHOLE_UPNP, 9090);
    assert_int_equal(adds(world), 3);
    ph_world_free(world);
}

/* It is told once, and not before it is so: who leaves it to its lease is gone by then. */
static void lease_is_read_back_before_it_is_told(void **state) {
    (void)state;
    struct ph_world *world = world_of(PH_GW_QUIRK_SAME_PORT_FORCED);
    porthole_id id = map_to(world, 4000, PORTHOLE_LEASE);
    ph_world_run(world, PH_SECONDS(1));
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    assert_int_equal(world->event_count, 1);
    assert_int_equal(ph_gw_server_count(world->server), 1);
    assert_int_equal(story_http_count(world, "#GetSpecificPortMappingEntry"), 2);
    ph_world_free(world);
    /* A device that cannot be asked is believed. */
    world = world_of(PH_GW_QUIRK_NO_READ_BACK);
    id = map_to(world, 4000, PORTHOLE_LEASE);
    ph_world_run(world, PH_SECONDS(1));
    story_assert_mapped(world, id, PORTHOLE_UPNP, 4000);
    assert_int_equal(world->event_count, 1);
    ph_world_free(world);
}

/* ---- What is there already ------------------------------------------------------------------- */

/* Puts a mapping on the gateway as another host, or another process of this one, did before. */
static void occupy(struct ph_world *world, struct ph_addr client, uint16_t internal_port) {
    char text[PH_ADDR_TEXT_SIZE];
    char port[8];
    char body[PH_SOAP_BODY_SIZE];
    static uint8_t answer[PH_GW_HTTP_SIZE];
    snprintf(port, sizeof port, "%u", internal_port);
    const struct ph_soap_argument arguments[] = {
        {"NewRemoteHost", ""},
        {"NewExternalPort", "8080"},
        {"NewProtocol", "TCP"},
        {"NewInternalPort", port},
        {"NewInternalClient", ph_addr_format(&client, text)},
        {"NewEnabled", "1"},
        {"NewPortMappingDescription", "theirs"},
        {"NewLeaseDuration", "0"},
    };
    static const char type[] = "urn:schemas-upnp-org:service:WANIPConnection:1";
    int len = ph_soap_encode_request(type, "AddPortMapping", arguments, LENGTH_OF(arguments), body,
                                     sizeof body);
    assert_true(len > 0);
    static const char head[] = "POST /ctl/IPConn HTTP/1.1\r\n"
                               "SOAPAction: \"urn:schemas-upnp-org:service:WANIPConnection:1"
                               "#AddPortMapping\"\r\n\r\n";
    struct ph_http_message request = {.method = PH_SPAN("POST"),
                                      .target = PH_SPAN("/ctl/IPConn"),
                                      .head = PH_SPAN(head),
                                      .body = {body, (size_t)len}};
    struct ph_endpoint from = {client, 50000};
    assert_true(
        ph_gw_server_http(world->server, world->now, &from, &request, answer, sizeof answer) > 0);
    assert_int_equal(ph_gw_server_count(world->server), 1);
}

static void own_mapping_of_an_earlier_life_is_taken_over(void **state) {
    (void)state;
    for (unsigned exact = 0; exact < 2; exact++) {
        struct ph_world *world = world_of(PH_GW_QUIRK_OWN_CONFLICT);
        occupy(world, world->path.source, STORY_PORT);
        porthole_id id = map_to(world, STORY_PORT, exact ? PORTHOLE_EXACT_PORT : 0);
        ph_world_run(world, PH_SECONDS(1));
        story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
        assert_int_equal(ph_gw_server_count(world->server), 1);
        assert_string_equal(ph_gw_server_mapping(world->server, 0)->facts.description, "porthole");
        assert_int_equal(adds(world), 2);
        ph_world_free(world);
    }
}

static void mapping_of_somebody_else_is_left_alone(void **state) {
    (void)state;
    for (unsigned is_this_host = 0; is_this_host < 2; is_this_host++) {
        struct ph_world *world = world_of(PH_GW_QUIRK_OWN_CONFLICT);
        struct ph_addr other = story_neighbour(0).addr;
        /* Another host's, or another application's of this one. */
        occupy(world, is_this_host ? world->path.source : other, is_this_host ? 5555 : STORY_PORT);
        porthole_id id = map_to(world, STORY_PORT, 0);
        ph_world_run(world, PH_SECONDS(1));
        assert_int_equal(ph_world_query(world, id).state, PORTHOLE_SUCCESS);
        assert_int_not_equal(ph_world_query(world, id).external.port, STORY_PORT);
        assert_int_equal(ph_gw_server_count(world->server), 2);
        assert_int_equal(story_http_count(world, "#DeletePortMapping"), 0);
        /* Nor when it must be exact. */
        ph_world_unmap(world, id);
        ph_world_run(world, PH_SECONDS(1));
        id = map_to(world, STORY_PORT, PORTHOLE_EXACT_PORT);
        ph_world_run(world, PH_SECONDS(1));
        story_assert_failed(world, id, PORTHOLE_ERR_PORT_TAKEN, PORTHOLE_UPNP, 718);
        assert_int_equal(ph_gw_server_count(world->server), 1);
        ph_world_free(world);
    }
}

static void router_that_cannot_renew_what_is_there_keeps_it_open(void **state) {
    (void)state;
    struct ph_world *world = world_of(PH_GW_QUIRK_OWN_CONFLICT);
    porthole_id id = map_to(world, STORY_PORT, 0);
    for (unsigned hour = 0; hour < 24; hour++) {
        ph_world_run(world, PH_SECONDS(3600));
        story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
        assert_int_equal(ph_gw_server_count(world->server), 1);
    }
    assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_FAILED), 0);
    /* Made anew in good time, not when it is too late. */
    assert_false(ph_world_traced(world, "lost: its lease ended"));
    ph_world_free(world);
}

static void router_that_takes_mappings_away_starts_no_fight(void **state) {
    (void)state;
    struct ph_world *world = world_of(PH_GW_QUIRK_OVERWRITES);
    porthole_id id = map_to(world, STORY_PORT, 0);
    ph_world_run(world, PH_SECONDS(1));
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    occupy(world, story_neighbour(0).addr, STORY_PORT);
    ph_world_run(world, PH_SECONDS(310));
    assert_int_equal(ph_world_query(world, id).state, PORTHOLE_SUCCESS);
    assert_int_not_equal(ph_world_query(world, id).external.port, STORY_PORT);
    assert_int_equal(ph_gw_server_count(world->server), 2);
    /* Neither now nor at the end is the other's touched, nor by the next of ours. */
    struct ph_map_request request = {.protocol = PORTHOLE_TCP,
                                     .internal_port = 9090,
                                     .external_port = STORY_PORT,
                                     .lifetime_s = 7200};
    porthole_id next;
    ph_world_map_request(world, &request, &next);
    ph_world_run(world, PH_SECONDS(1));
    assert_int_not_equal(ph_world_query(world, next).external.port, STORY_PORT);
    ph_world_stop(world, PH_SECONDS(3));
    ph_world_run(world, PH_SECONDS(5));
    assert_int_equal(ph_gw_server_count(world->server), 1);
    assert_string_equal(ph_gw_server_mapping(world->server, 0)->facts.description, "theirs");
    ph_world_free(world);
}

static void exact_port_that_another_host_took_is_given_up_and_not_deleted(void **state) {
    (void)state;
    struct ph_world *world = world_of(PH_GW_QUIRK_OVERWRITES);
    porthole_id id = map_to(world, STORY_PORT, PORTHOLE_EXACT_PORT);
    ph_world_run(world, PH_SECONDS(1));
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    occupy(world, story_neighbour(0).addr, STORY_PORT);
    ph_world_run(world, PH_SECONDS(310));
    story_assert_failed(world, id, PORTHOLE_ERR_PORT_TAKEN, PORTHOLE_UPNP, 0);
    ph_world_unmap(world, id);
    ph_world_run(world, PH_SECONDS(5));
    assert_int_equal(adds(world), 1);
    assert_int_equal(story_http_count(world, "#DeletePortMapping"), 0);
    assert_int_equal(ph_gw_server_count(world->server), 1);
    ph_world_free(world);
}

/* libp2p/go-libp2p-nat#8: what it takes from another host at the first mapping is gone unseen. */
static void router_known_to_take_mappings_away_is_looked_at_first(void **state) {
    (void)state;
    for (unsigned is_exact = 0; is_exact <= 1; is_exact++) {
        struct ph_world *world = world_of(PH_GW_QUIRK_TP_LINK_OVERWRITES);
        occupy(world, story_neighbour(0).addr, STORY_PORT);
        porthole_id id = map_to(world, STORY_PORT, is_exact ? PORTHOLE_EXACT_PORT : 0);
        ph_world_run(world, PH_SECONDS(1));
        if (is_exact) {
            story_assert_failed(world, id, PORTHOLE_ERR_PORT_TAKEN, PORTHOLE_UPNP, 0);
        } else {
            assert_int_equal(ph_world_query(world, id).state, PORTHOLE_SUCCESS);
            assert_int_not_equal(ph_world_query(world, id).external.port, STORY_PORT);
        }
        assert_int_equal(adds(world), is_exact ? 0 : 1);
        ph_world_stop(world, PH_SECONDS(3));
        ph_world_run(world, PH_SECONDS(5));
        assert_int_equal(ph_gw_server_count(world->server), 1);
        assert_string_equal(ph_gw_server_mapping(world->server, 0)->facts.description, "theirs");
        ph_world_free(world);
    }
}

/* A port that is free, and one that is this host's own from an earlier life, are taken at once. */
static void look_in_front_of_a_mapping_costs_one_exchange(void **state) {
    (void)state;
    for (unsigned is_left = 0; is_left <= 1; is_left++) {
        struct ph_world *world = world_of(PH_GW_QUIRK_TP_LINK_OVERWRITES);
        if (is_left)
            occupy(world, world->path.source, STORY_PORT);
        porthole_id id = map_to(world, STORY_PORT, 0);
        ph_world_run(world, PH_SECONDS(1));
        story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
        assert_int_equal(adds(world), 1);
        const struct ph_world_sent *look = story_http_sent(world, "#GetSpecificPort", 0);
        const struct ph_world_sent *add = story_http_sent(world, "#AddPortMapping", 0);
        assert_true(look->at < add->at);
        assert_null(story_http_sent(world, "#GetSpecificPort", 2)); /* and the one read-back */
        ph_world_free(world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lease_that_is_refused_is_followed_by_one_that_works),
        cmocka_unit_test(what_was_learned_of_a_device_goes_along_to_another_network),
        cmocka_unit_test(pcp_and_natpmp_are_never_asked_for_no_time_to_mean_for_ever),
        cmocka_unit_test(fault_without_a_remedy_is_told_with_its_code_and_asked_seldom),
        cmocka_unit_test(router_on_which_every_port_is_taken_is_tried_less_with_each_round),
        cmocka_unit_test(router_that_maps_same_ports_only_is_asked_for_the_same),
        cmocka_unit_test(same_port_is_no_answer_to_a_wish_that_must_be_exact),
        cmocka_unit_test(lease_is_read_back_before_it_is_told),
        cmocka_unit_test(router_that_leads_elsewhere_is_found_out_and_asked_for_the_same_port),
        cmocka_unit_test(own_mapping_of_an_earlier_life_is_taken_over),
        cmocka_unit_test(mapping_of_somebody_else_is_left_alone),
        cmocka_unit_test(router_that_cannot_renew_what_is_there_keeps_it_open),
        cmocka_unit_test(router_that_takes_mappings_away_starts_no_fight),
        cmocka_unit_test(exact_port_that_another_host_took_is_given_up_and_not_deleted),
        cmocka_unit_test(router_known_to_take_mappings_away_is_looked_at_first),
        cmocka_unit_test(look_in_front_of_a_mapping_costs_one_exchange),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
