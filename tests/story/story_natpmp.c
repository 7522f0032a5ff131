/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * story_natpmp.c: mappings by NAT-PMP (RFC 6886): after PCP has been refused or was silent, with
 * the external address that comes apart from the mapping, and its changes.
 */
#include "tests/story/story.h"

/* ---- Making ---------------------------------------------------------------------------------- */

static void two_round_trips_when_pcp_is_refused_in_eight_bytes(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_NATPMP);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(60));
    story_assert_mapped(world, id, PORTHOLE_NATPMP, STORY_PORT);
    assert_true(story_event_time(world, id, PORTHOLE_EVENT_MAPPED) == PH_MS(20));
    story_assert_trace(
        world, 0,
        "    0.000 network: gateway 192.168.77.1, from 192.168.77.2\n"
        "    0.000 pcp: idle -> asking\n"
        "    0.000 tcp 8080: pcp MAP sent, lifetime 7200, external port 8080, try 1\n"
        "    0.000 natpmp: idle -> asking\n"
        "    0.000 natpmp: address request sent, try 1\n"
        "   10.000 pcp: asking -> dead: the gateway does not support it\n"
        "   10.000 natpmp: asking -> alive\n"
        "   10.000 tcp 8080: natpmp request sent, lifetime 7200, external port 8080, try 1\n"
        "   10.000 natpmp: address request sent, try 1\n"
        "   20.000 tcp 8080: pending -> success\n");
    ph_world_free(world);
}

static void silent_pcp_has_a_head_start_of_25_ms_and_no_more(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_NATPMP);
    options.silent_pcp = true;
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_MS(100));
    story_assert_mapped(world, id, PORTHOLE_NATPMP, STORY_PORT);
    assert_true(story_event_time(world, id, PORTHOLE_EVENT_MAPPED) == PH_MS(35));
    story_assert_trace(
        world, 0,
        "    0.000 network: gateway 192.168.77.1, from 192.168.77.2\n"
        "    0.000 pcp: idle -> asking\n"
        "    0.000 tcp 8080: pcp MAP sent, lifetime 7200, external port 8080, try 1\n"
        "    0.000 natpmp: idle -> asking\n"
        "    0.000 natpmp: address request sent, try 1\n"
        "   10.000 natpmp: asking -> alive\n"
        "   25.000 tcp 8080: natpmp request sent, lifetime 7200, external port 8080, try 1\n"
        "   25.000 natpmp: address request sent, try 1\n"
        "   35.000 tcp 8080: pending -> success\n");
    /* The next one waits for nobody. */
    porthole_id next = ph_world_map(world, PORTHOLE_TCP, 9090);
    ph_world_run(world, PH_MS(10));
    story_assert_mapped(world, next, PORTHOLE_NATPMP, 9090);
    ph_world_run(world, PH_SECONDS(60));
    assert_int_equal(world->event_count, 2);
    ph_world_free(world);
}

static void tcp_and_udp_of_one_port_are_two_mappings(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_NATPMP);
    struct ph_world *world = ph_world_new(&options);
    porthole_id tcp = ph_world_map(world, PORTHOLE_TCP, STORY_PORT);
    porthole_id udp = ph_world_map(world, PORTHOLE_UDP, STORY_PORT);
    ph_world_run(world, PH_SECONDS(1));
    story_assert_mapped(world, tcp, PORTHOLE_NATPMP, STORY_PORT);
    story_assert_mapped(world, udp, PORTHOLE_NATPMP, STORY_PORT);
    assert_int_equal(ph_gw_server_count(world->server), 2);
    ph_world_unmap(world, tcp);
    ph_world_run(world, PH_SECONDS(1));
    story_assert_unmapped(world, tcp, PORTHOLE_FATE_REMOVED);
    story_assert_mapped(world, udp, PORTHOLE_NATPMP, STORY_PORT);
    assert_int_equal(ph_gw_server_count(world->server), 1);
    ph_world_free(world);
}

static void server_of_version_2_only_ends_natpmp(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(60));
    story_assert_mapped(world, id, PORTHOLE_PCP, STORY_PORT);
    assert_true(ph_world_traced(world, "natpmp: asking -> dead: the gateway does not support it"));
    assert_int_equal(story_natpmp_count(world, PH_NATPMP_ADDRESS), 1);
    ph_world_free(world);
}

static void answers_for_other_ports_and_protocols_change_nothing(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_NATPMP);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_MS(12));
    assert_int_equal(story_natpmp_count(world, PH_NATPMP_MAP_TCP), 1);
    const struct ph_natpmp_response forged[] = {
        {.opcode = PH_NATPMP_MAP_UDP,
         .internal_port = STORY_PORT,
         .external_port = 1,
         .lifetime_s = 1},
        {.opcode = PH_NATPMP_MAP_TCP, .internal_port = 8081, .external_port = 2, .lifetime_s = 1},
        {.opcode = PH_NATPMP_MAP_TCP,
         .internal_port = STORY_PORT,
         .external_port = 0,
         .lifetime_s = 1},
        {.opcode = PH_NATPMP_MAP_TCP,
         .internal_port = STORY_PORT,
         .external_port = 3,
         .lifetime_s = 0},
        {.opcode = PH_NATPMP_MAP_UDP,
         .internal_port = STORY_PORT,
         .result = PH_NATPMP_NOT_AUTHORIZED},
    };
    for (unsigned i = 0; i < LENGTH_OF(forged); i++)
        story_natpmp_answer(world, &forged[i]);
    ph_world_run(world, PH_SECONDS(1));
    story_assert_mapped(world, id, PORTHOLE_NATPMP, STORY_PORT);
    assert_int_equal(ph_world_query(world, id).lifetime_s, 7200);
    assert_int_equal(world->event_count, 1);
    ph_world_free(world);
}

/* ---- The external address -------------------------------------------------------------------- */

/* Address answers are dropped as often as `user` says; -1 = always. */
static void drop_addresses(struct ph_world *world, enum ph_world_port port,
                           const struct ph_endpoint *from, const uint8_t *bytes, size_t len) {
    int *drops = world->options.user;
    bool is_address = bytes[0] == PH_NATPMP_VERSION && bytes[1] == PH_NATPMP_ANSWER;
    if (is_address && *drops != 0 && bytes[3] == PH_NATPMP_SUCCESS)
        *drops -= *drops > 0;
    else
        ph_world_answer(world, port, from, bytes, len);
}

static void success_waits_for_the_external_address(void **state) {
    (void)state;
    int drops = 2;
    struct ph_world_options options = story_options(PORTHOLE_USE_NATPMP);
    options.meddle = drop_addresses;
    options.user = &drops;
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_MS(25));
    /* Granted at 20 ms, but nobody could say what: the answer to the request behind it should have
     * been there a moment later, so the address is asked for again. */
    assert_int_equal(ph_gw_server_count(world->server), 1);
    assert_int_equal(ph_world_query(world, id).state, PORTHOLE_PENDING);
    ph_world_run(world, PH_SECONDS(1));
    assert_true(story_event_time(world, id, PORTHOLE_EVENT_MAPPED) == 37500);
    story_assert_mapped(world, id, PORTHOLE_NATPMP, STORY_PORT);
    assert_int_equal(story_natpmp_count(world, PH_NATPMP_ADDRESS), 3);
    ph_world_free(world);
}

static void drop_grants(struct ph_world *world, enum ph_world_port port,
                        const struct ph_endpoint *from, const uint8_t *bytes, size_t len) {
    int *drops = world->options.user;
    if (bytes[1] == (PH_NATPMP_ANSWER | PH_NATPMP_MAP_TCP) && *drops > 0)
        (*drops)--;
    else
        ph_world_answer(world, port, from, bytes, len);
}

/* The request for the address that follows a mapping's shows a round trip later that this was lost.
 */
static void lost_request_is_noticed_by_the_answer_to_the_one_behind_it(void **state) {
    (void)state;
    int drops = 1;
    struct ph_world_options options = story_options(PORTHOLE_USE_NATPMP);
    options.meddle = drop_grants;
    options.user = &drops;
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    assert_in_range(story_event_time(world, id, PORTHOLE_EVENT_MAPPED), PH_MS(30), PH_MS(40));
    assert_int_equal(story_natpmp_count(world, PH_NATPMP_MAP_TCP), 2);
    ph_world_free(world);
}

static void address_that_is_never_told_is_a_failure_and_the_mapping_is_given_back(void **state) {
    (void)state;
    int drops = -1;
    struct ph_world_options options = story_options(PORTHOLE_USE_NATPMP);
    options.meddle = drop_addresses;
    options.user = &drops;
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(14));
    story_assert_failed(world, id, PORTHOLE_ERR_TIMEOUT, PORTHOLE_NATPMP, 0);
    assert_true(story_event_time(world, id, PORTHOLE_EVENT_FAILED) <= PH_SECONDS(14));
    ph_world_unmap(world, id);
    ph_world_run(world, PH_SECONDS(1));
    /* Nobody was told of it. */
    story_assert_unmapped(world, id, PORTHOLE_FATE_NONE);
    assert_int_equal(ph_gw_server_count(world->server), 0);
    ph_world_free(world);
}

/* Address requests are answered with what `user` points to. */
static void tell_address(struct ph_world *world, enum ph_world_port port,
                         const struct ph_endpoint *from, const uint8_t *bytes, size_t len) {
    const struct ph_natpmp_response *response = world->options.user;
    struct ph_natpmp_request request;
    if (story_is_natpmp(port, bytes, len, &request) && request.opcode == response->opcode)
        story_natpmp_answer(world, response);
    else
        ph_world_serve(world, port, from, bytes, len);
}

static void gateway_without_an_uplink_is_told_so(void **state) {
    (void)state;
    struct ph_natpmp_response answers[] = {
        {.opcode = PH_NATPMP_ADDRESS, .external_addr = ph_addr_v4(0, 0, 0, 0)},
        {.opcode = PH_NATPMP_ADDRESS, .result = PH_NATPMP_NETWORK_FAILURE},
    };
    for (unsigned i = 0; i < LENGTH_OF(answers); i++) {
        struct ph_world_options options = story_options(PORTHOLE_USE_NATPMP);
        options.methods = PORTHOLE_USE_PCP | PORTHOLE_USE_NATPMP;
        options.script = tell_address;
        options.user = &answers[i];
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_MS(20));
        story_assert_failed(world, id, PORTHOLE_ERR_NO_UPLINK, PORTHOLE_NATPMP, answers[i].result);
        assert_true(story_event_time(world, id, PORTHOLE_EVENT_FAILED) == PH_MS(10));
        /* The uplink comes back. */
        world->options.script = NULL;
        ph_world_run(world, PH_SECONDS(10));
        story_assert_mapped(world, id, PORTHOLE_NATPMP, STORY_PORT);
        assert_int_equal(world->event_count, 2);
        ph_world_free(world);
    }
}

static void refused_mapping_is_told_with_its_code(void **state) {
    (void)state;
    static const struct {
        enum ph_natpmp_result result;
        int error;
    } refusals[] = {{PH_NATPMP_NOT_AUTHORIZED, PORTHOLE_ERR_NOT_AUTHORIZED},
                    {PH_NATPMP_NETWORK_FAILURE, PORTHOLE_ERR_NO_UPLINK},
                    {PH_NATPMP_OUT_OF_RESOURCES, PORTHOLE_ERR_NO_RESOURCES}};
    for (unsigned i = 0; i < LENGTH_OF(refusals); i++) {
        struct ph_natpmp_response answer = {.opcode = PH_NATPMP_MAP_TCP,
                                            .result = (uint16_t)refusals[i].result,
                                            .internal_port = STORY_PORT};
        struct ph_world_options options = story_options(PORTHOLE_USE_NATPMP);
        options.methods = PORTHOLE_USE_PCP | PORTHOLE_USE_NATPMP;
        options.script = tell_address;
        options.user = &answer;
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(1));
        story_assert_failed(world, id, refusals[i].error, PORTHOLE_NATPMP, (int)refusals[i].result);
        assert_true(story_event_time(world, id, PORTHOLE_EVENT_FAILED) == PH_MS(20));
        ph_world_free(world);
    }
}

/* ---- Exact ports ----------------------------------------------------------------------------- */

static void other_port_is_given_back_when_it_must_be_exact(void **state) {
    (void)state;
    /* Also when the address is not known yet: then the grant cannot be told at once. */
    for (int lost = 0; lost < 2; lost++) {
        int drops = lost;
        struct ph_world_options options = story_options(PORTHOLE_USE_NATPMP);
        options.meddle = drop_addresses;
        options.user = &drops;
        struct ph_world *world = ph_world_new(&options);
        struct ph_endpoint other = {ph_addr_v4(192, 168, 77, 3), 1000};
        const struct ph_natpmp_request taken = {.opcode = PH_NATPMP_MAP_TCP,
                                                .internal_port = STORY_PORT,
                                                .external_port = STORY_PORT,
                                                .lifetime_s = 7200};
        uint8_t bytes[PH_NATPMP_SIZE_MAX];
        uint8_t answer[PH_GW_CONTROL_SIZE];
        int len = ph_natpmp_encode_request(&taken, bytes, sizeof bytes);
        ph_gw_server_control(world->server, world->now, &other, bytes, (size_t)len, answer,
                             sizeof answer);
        porthole_id id = story_map(world, PORTHOLE_EXACT_PORT);
        ph_world_run(world, PH_SECONDS(1));
        assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_MAPPED), 0);
        ph_world_run(world, PH_SECONDS(4));
        story_assert_failed(world, id, PORTHOLE_ERR_PORT_TAKEN, PORTHOLE_NATPMP, 0);
        assert_int_equal(ph_gw_server_count(world->server), 1);
        ph_world_free(world);
    }
}

/* ---- Changes --------------------------------------------------------------------------------- */

static void external_port_that_changes_at_a_renewal_is_told(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_NATPMP);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    struct ph_natpmp_response moved = {.opcode = PH_NATPMP_MAP_TCP,
                                       .internal_port = STORY_PORT,
                                       .external_port = 4000,
                                       .lifetime_s = 7200};
    world->options.script = tell_address;
    world->options.user = &moved;
    ph_world_run(world, PH_SECONDS(4600));
    story_assert_mapped(world, id, PORTHOLE_NATPMP, 4000);
    assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_CHANGED), 1);
    assert_int_equal(world->event_count, 2);
    /* The port it listens on stays what it was; what is asked for follows what was given. */
    assert_int_equal(ph_world_query(world, id).internal_port, STORY_PORT);
    world->options.script = NULL;
    ph_world_refresh(world, id);
    const struct ph_world_sent *sent = story_natpmp_sent(world, PH_NATPMP_MAP_TCP, 2);
    assert_int_equal(sent->bytes[4] << 8 | sent->bytes[5], STORY_PORT);
    assert_int_equal(sent->bytes[6] << 8 | sent->bytes[7], 4000);
    ph_world_free(world);
}

static void external_address_that_changes_is_told_at_the_renewal(void **state) {
    (void)state;
    /* Also when the first answers with the new address are lost. */
    for (int lost = 0; lost < 3; lost++) {
        int drops = 0;
        struct ph_world_options options = story_options(PORTHOLE_USE_NATPMP);
        options.meddle = drop_addresses;
        options.user = &drops;
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(1));
        drops = lost;
        world->server_config.external = ph_addr_v4(5, 6, 7, 8);
        ph_world_restart_gateway(world);
        ph_world_run(world, PH_SECONDS(4600));
        story_assert_mapped(world, id, PORTHOLE_NATPMP, STORY_PORT);
        assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_CHANGED), 1);
        assert_int_equal(world->event_count, 2);
        ph_world_free(world);
    }
}

/* ---- Removing -------------------------------------------------------------------------------- */

static void delete_has_lifetime_and_external_port_zero(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_NATPMP);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    ph_world_unmap(world, id);
    ph_world_run(world, PH_SECONDS(1));
    /* RFC 6886 §3.4 */
    static const uint8_t wanted[] = {0, 2, 0, 0, STORY_PORT >> 8, STORY_PORT & 0xff, 0, 0,
                                     0, 0, 0, 0};
    const struct ph_world_sent *sent = story_natpmp_sent(world, PH_NATPMP_MAP_TCP, 1);
    assert_int_equal(sent->len, sizeof wanted);
    assert_memory_equal(sent->bytes, wanted, sizeof wanted);
    story_assert_unmapped(world, id, PORTHOLE_FATE_REMOVED);
    assert_int_equal(ph_gw_server_count(world->server), 0);
    ph_world_free(world);
}

static void delete_that_is_refused_leaves_it_to_its_lease(void **state) {
    (void)state;
    struct ph_natpmp_response refusal = {.opcode = PH_NATPMP_MAP_TCP,
                                         .result = PH_NATPMP_NOT_AUTHORIZED,
                                         .internal_port = STORY_PORT};
    struct ph_world_options options = story_options(PORTHOLE_USE_NATPMP);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    world->options.script = tell_address;
    world->options.user = &refusal;
    ph_world_unmap(world, id);
    ph_world_run(world, PH_SECONDS(1));
    story_assert_unmapped(world, id, PORTHOLE_FATE_EXPIRES);
    ph_world_free(world);
}

static void unmapped_while_the_request_is_in_flight_is_deleted(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_NATPMP);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_MS(12));
    assert_int_equal(story_natpmp_count(world, PH_NATPMP_MAP_TCP), 1);
    ph_world_unmap(world, id);
    ph_world_run(world, PH_SECONDS(1));
    assert_int_equal(world->event_count, 1);
    story_assert_unmapped(world, id, PORTHOLE_FATE_NONE);
    assert_int_equal(ph_gw_server_count(world->server), 0);
    ph_world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_round_trips_when_pcp_is_refused_in_eight_bytes),
        cmocka_unit_test(silent_pcp_has_a_head_start_of_25_ms_and_no_more),
        cmocka_unit_test(tcp_and_udp_of_one_port_are_two_mappings),
        cmocka_unit_test(server_of_version_2_only_ends_natpmp),
        cmocka_unit_test(answers_for_other_ports_and_protocols_change_nothing),
        cmocka_unit_test(success_waits_for_the_external_address),
        cmocka_unit_test(lost_request_is_noticed_by_the_answer_to_the_one_behind_it),
        cmocka_unit_test(address_that_is_never_told_is_a_failure_and_the_mapping_is_given_back),
        cmocka_unit_test(gateway_without_an_uplink_is_told_so),
        cmocka_unit_test(refused_mapping_is_told_with_its_code),
        cmocka_unit_test(other_port_is_given_back_when_it_must_be_exact),
        cmocka_unit_test(external_port_that_changes_at_a_renewal_is_told),
        cmocka_unit_test(external_address_that_changes_is_told_at_the_renewal),
        cmocka_unit_test(delete_has_lifetime_and_external_port_zero),
        cmocka_unit_test(delete_that_is_refused_leaves_it_to_its_lease),
        cmocka_unit_test(unmapped_while_the_request_is_in_flight_is_deleted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
