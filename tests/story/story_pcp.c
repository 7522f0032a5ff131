/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * story_pcp.c: mappings made and removed by PCP (RFC 6887), and what its refusals lead to.
 */
#include "tests/story/story.h"

/* ---- Making ---------------------------------------------------------------------------------- */

static void mapped_after_one_round_trip(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(60));
    story_assert_mapped(world, id, PORTHOLE_PCP, STORY_PORT);
    assert_true(story_event_time(world, id, PORTHOLE_EVENT_MAPPED) == PH_MS(10));
    assert_true(ph_world_query(world, id).elapsed == PH_MS(10));
    story_assert_trace(
        world, 0,
        "    0.000 network: gateway 192.168.77.1, from 192.168.77.2\n"
        "    0.000 pcp: idle -> asking\n"
        "    0.000 tcp 8080: pcp MAP sent, lifetime 7200, external port 8080, try 1\n"
        "    0.000 natpmp: idle -> asking\n"
        "    0.000 natpmp: address request sent, try 1\n"
        "   10.000 pcp: asking -> alive\n"
        "   10.000 tcp 8080: pending -> success\n"
        "   10.000 natpmp: asking -> alive\n");
    ph_world_free(world);
}

static void request_names_the_client_the_port_and_a_nonce(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    struct ph_world *world = ph_world_new(&options);
    story_map(world, 0);
    const struct ph_world_sent *sent = story_pcp_sent(world, 0);
    struct ph_pcp_request request;
    assert_int_equal(sent->len, 60);
    assert_int_equal(sent->to.port, 5351);
    assert_true(ph_addr_equal(&sent->to.addr, &world->path.gateway));
    assert_int_equal(ph_pcp_decode_request(sent->bytes, sent->len, &request), 60);
    assert_int_equal(request.lifetime_s, 7200);
    assert_true(ph_addr_equal(&request.client_addr, &world->path.source));
    assert_int_equal(request.map.protocol, PORTHOLE_TCP);
    assert_int_equal(request.map.internal_port, STORY_PORT);
    assert_int_equal(request.map.external_port, STORY_PORT);
    static const uint8_t zeros[PH_PCP_NONCE_SIZE];
    assert_memory_not_equal(request.map.nonce, zeros, sizeof zeros);
    ph_world_free(world);
}

/* The external port STORY_PORT belongs to somebody else. */
static void take_port(struct ph_world *world) {
    struct ph_endpoint other = {ph_addr_v4(192, 168, 77, 3), 1000};
    struct ph_pcp_request request = {.version = PH_PCP_VERSION,
                                     .opcode = PH_PCP_MAP,
                                     .lifetime_s = 86400,
                                     .client_addr = other.addr,
                                     .map = {.protocol = PORTHOLE_TCP,
                                             .internal_port = STORY_PORT,
                                             .external_port = STORY_PORT}};
    uint8_t bytes[PH_PCP_SIZE_MAX];
    int len = ph_pcp_encode_request(&request, bytes, sizeof bytes);
    uint8_t answer[PH_GW_CONTROL_SIZE];
    assert_true(ph_gw_server_control(world->server, world->now, &other, bytes, (size_t)len, answer,
                                     sizeof answer) == 60);
    assert_int_equal(answer[3], PH_PCP_SUCCESS);
}

static void another_external_port_is_taken_and_kept(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    struct ph_world *world = ph_world_new(&options);
    take_port(world);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(5000));
    uint16_t given = ph_world_query(world, id).external.port;
    assert_int_not_equal(given, STORY_PORT);
    story_assert_mapped(world, id, PORTHOLE_PCP, given);
    /* The renewal suggests what was given, not what was wished for (RFC 6887 §11.2.1). */
    struct ph_pcp_request renewal;
    assert_int_equal(story_pcp_count(world), 2);
    ph_pcp_decode_request(story_pcp_sent(world, 1)->bytes, 60, &renewal);
    assert_int_equal(renewal.map.external_port, given);
    assert_true(ph_addr_equal(&renewal.map.external_addr, &world->server_config.external));
    assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_CHANGED), 0);
    ph_world_free(world);
}

static void exact_port_that_is_taken_is_refused_by_every_method_in_turn(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
    struct ph_world *world = ph_world_new(&options);
    take_port(world);
    porthole_id id = story_map(world, PORTHOLE_EXACT_PORT);
    ph_world_run(world, PH_SECONDS(1));
    /* PREFER_FAILURE, RFC 6887 §13.2: code 2, no content. */
    const struct ph_world_sent *sent = story_pcp_sent(world, 0);
    assert_int_equal(sent->len, 64);
    assert_memory_equal(sent->bytes + 60, "\2\0\0\0", 4);
    story_assert_failed(world, id, PORTHOLE_ERR_PORT_TAKEN, PORTHOLE_PCP,
                        PH_PCP_CANNOT_PROVIDE_EXTERNAL);
    /* NAT-PMP cannot be told to fail, so what it gave instead was given back. */
    assert_int_equal(story_natpmp_count(world, PH_NATPMP_MAP_TCP), 2);
    assert_int_equal(ph_gw_server_count(world->server), 1);
    /* UPnP is told about the conflict once. */
    assert_int_equal(story_http_count(world, "#AddPortMapping"), 1);
    ph_world_free(world);
}

/* ---- Answers that are not ours --------------------------------------------------------------- */

enum forgery {
    WRONG_NONCE,
    WRONG_PORT,
    WRONG_PROTOCOL,
    WRONG_SOURCE,
    WRONG_SOURCE_PORT,
    A_REQUEST,
    ODD_LENGTH,
    ONE_BYTE_SHORT,
    FORGERIES
};

/* The first answer is replaced by the forgery; the second is let through. */
static void forge_first(struct ph_world *world, enum ph_world_port port,
                        const struct ph_endpoint *from, const uint8_t *bytes, size_t len) {
    enum forgery *forgery = world->options.user;
    uint8_t forged[PH_PCP_SIZE_MAX];
    struct ph_endpoint source = *from;
    memcpy(forged, bytes, len);
    if (bytes[0] != PH_PCP_VERSION)
        return;
    switch (*forgery) {
    case WRONG_NONCE:
        forged[24 + 11] ^= 1;
        break;
    case WRONG_PROTOCOL:
        forged[24 + 12] = PORTHOLE_UDP;
        break;
    case WRONG_PORT:
        forged[24 + 17] ^= 1;
        break;
    case WRONG_SOURCE:
        source = story_neighbour(PH_PCP_PORT);
        break;
    case WRONG_SOURCE_PORT:
        source.port = 5352;
        break;
    case A_REQUEST:
        forged[1] &= 0x7f;
        break;
    case ODD_LENGTH:
        forged[len++] = 0;
        break;
    case ONE_BYTE_SHORT:
        len--;
        break;
    case FORGERIES:
        break;
    }
    *forgery = FORGERIES;
    ph_world_answer(world, port, &source, forged, len);
}

static void answers_that_are_not_ours_change_nothing(void **state) {
    (void)state;
    for (unsigned i = 0; i < FORGERIES; i++) {
        enum forgery forgery = (enum forgery)i;
        struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
        options.methods = PORTHOLE_USE_PCP;
        options.meddle = forge_first;
        options.user = &forgery;
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_MS(200));
        assert_int_equal(forgery, FORGERIES);
        assert_int_equal(ph_world_query(world, id).state, PORTHOLE_PENDING);
        assert_int_equal(world->event_count, 0);
        ph_world_run(world, PH_SECONDS(1));
        story_assert_mapped(world, id, PORTHOLE_PCP, STORY_PORT);
        assert_int_equal(story_pcp_count(world), 2);
        ph_world_free(world);
    }
}

/* ---- Refusals -------------------------------------------------------------------------------- */

static void refusal_of_one_mapping_moves_only_that_one_to_natpmp(void **state) {
    (void)state;
    for (unsigned i = PH_PCP_NOT_AUTHORIZED; i <= PH_PCP_EXCESSIVE_REMOTE_PEERS + 1; i++) {
        struct story_pcp_reply refusal = {.result = (enum ph_pcp_result)i};
        if (i == PH_PCP_UNSUPP_OPCODE)
            continue;
        struct ph_world_options options = story_options(PORTHOLE_USE_PCP | PORTHOLE_USE_NATPMP);
        options.script = story_pcp_script;
        options.user = &refusal;
        struct ph_world *world = ph_world_new(&options);
        porthole_id refused = story_map(world, 0);
        porthole_id other = ph_world_map(world, PORTHOLE_TCP, 9090);
        ph_world_run(world, PH_SECONDS(1));
        story_assert_mapped(world, refused, PORTHOLE_NATPMP, STORY_PORT);
        story_assert_mapped(world, other, PORTHOLE_PCP, 9090);
        assert_true(story_event_time(world, refused, PORTHOLE_EVENT_MAPPED) == PH_MS(20));
        assert_int_equal(world->event_count, 2);
        ph_world_free(world);
    }
}

static void refusal_of_version_or_opcode_ends_pcp_for_all_mappings(void **state) {
    (void)state;
    static const enum ph_pcp_result results[] = {PH_PCP_UNSUPP_VERSION, PH_PCP_UNSUPP_OPCODE};
    for (unsigned i = 0; i < LENGTH_OF(results); i++) {
        struct story_pcp_reply refusal = {.result = results[i]};
        struct ph_world_options options = story_options(PORTHOLE_USE_PCP | PORTHOLE_USE_NATPMP);
        options.script = story_pcp_script;
        options.user = &refusal;
        struct ph_world *world = ph_world_new(&options);
        porthole_id first = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(1));
        porthole_id second = ph_world_map(world, PORTHOLE_TCP, 9090);
        ph_world_run(world, PH_SECONDS(1));
        story_assert_mapped(world, first, PORTHOLE_NATPMP, STORY_PORT);
        story_assert_mapped(world, second, PORTHOLE_NATPMP, 9090);
        assert_int_equal(story_pcp_count(world), 1);
        ph_world_free(world);
    }
}

static void refusal_by_the_only_method_is_told_with_its_code_and_tried_again(void **state) {
    (void)state;
    struct story_pcp_reply refusal = {.result = PH_PCP_NO_RESOURCES};
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    options.methods = PORTHOLE_USE_PCP;
    options.script = story_pcp_script;
    options.user = &refusal;
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(30));
    story_assert_failed(world, id, PORTHOLE_ERR_NO_RESOURCES, PORTHOLE_PCP, PH_PCP_NO_RESOURCES);
    assert_string_equal(ph_code_text(PORTHOLE_PCP, PH_PCP_NO_RESOURCES), "NO_RESOURCES");
    assert_true(story_event_time(world, id, PORTHOLE_EVENT_FAILED) == PH_MS(10));
    /* Told once, although it failed several times the same way. */
    assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_FAILED), 1);
    assert_in_range(story_pcp_count(world), 4, 5);
    ph_us last = PH_SECONDS(1);
    for (unsigned i = 1; i < story_pcp_count(world); i++) {
        ph_us gap = story_pcp_sent(world, i)->at - story_pcp_sent(world, i - 1)->at;
        assert_true(gap > last);
        last = gap;
    }
    world->options.script = NULL;
    ph_world_run(world, PH_SECONDS(60));
    story_assert_mapped(world, id, PORTHOLE_PCP, STORY_PORT);
    ph_world_free(world);
}

static void grant_without_address_or_port_is_none(void **state) {
    (void)state;
    struct story_pcp_reply grants[] = {{.external = {.port = STORY_PORT}},
                                       {.external = {ph_addr_v4(0, 0, 0, 0), STORY_PORT}},
                                       {.external = {ph_addr_v4(1, 2, 3, 4), 0}}};
    for (unsigned i = 0; i < LENGTH_OF(grants); i++) {
        struct ph_world_options options = story_options(PORTHOLE_USE_PCP | PORTHOLE_USE_NATPMP);
        options.script = story_pcp_script;
        options.user = &grants[i];
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(10));
        story_assert_mapped(world, id, PORTHOLE_NATPMP, STORY_PORT);
        /* Made by a request of its own, not by PCP's answer in NAT-PMP's name. */
        assert_int_equal(story_natpmp_count(world, PH_NATPMP_MAP_TCP), 1);
        ph_world_free(world);
    }
}

/* ---- Loss and delay -------------------------------------------------------------------------- */

static void requests_are_repeated_after_a_quarter_second_doubling(void **state) {
    (void)state;
    ph_us least[3] = {PH_NEVER, PH_NEVER, PH_NEVER};
    ph_us most[3] = {0, 0, 0};
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
        options.methods = PORTHOLE_USE_PCP;
        options.seed = seed;
        options.silent = true;
        struct ph_world *world = ph_world_new(&options);
        story_map(world, 0);
        ph_world_run(world, PH_MS(3250));
        assert_int_equal(story_pcp_count(world), 4);
        for (unsigned i = 0; i < 3; i++) {
            ph_us gap = story_pcp_sent(world, i + 1)->at - story_pcp_sent(world, i)->at;
            least[i] = gap < least[i] ? gap : least[i];
            most[i] = gap > most[i] ? gap : most[i];
        }
        ph_world_free(world);
    }
    for (unsigned i = 0; i < 3; i++) {
        ph_us whole = PH_MS(250) << i;
        /* Jitter shortens by up to a tenth, and uses all of it. */
        assert_true(least[i] >= whole - whole / 10 && least[i] < whole - whole * 9 / 100);
        assert_true(most[i] < whole && most[i] > whole - whole / 100);
    }
}

static void drop_first(struct ph_world *world, enum ph_world_port port,
                       const struct ph_endpoint *from, const uint8_t *bytes, size_t len) {
    unsigned *drops = world->options.user;
    if (bytes[0] == PH_PCP_VERSION && *drops > 0)
        --*drops;
    else
        ph_world_answer(world, port, from, bytes, len);
}

static void lost_answer_costs_a_quarter_second(void **state) {
    (void)state;
    unsigned drops = 1;
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    options.meddle = drop_first;
    options.user = &drops;
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    story_assert_mapped(world, id, PORTHOLE_PCP, STORY_PORT);
    assert_in_range(story_event_time(world, id, PORTHOLE_EVENT_MAPPED), PH_MS(235), PH_MS(260));
    assert_memory_equal(story_pcp_sent(world, 0)->bytes, story_pcp_sent(world, 1)->bytes, 60);
    ph_world_free(world);
}

static void slow_answer_counts_and_is_told_once(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    options.delay = PH_MS(400);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(60));
    assert_true(story_event_time(world, id, PORTHOLE_EVENT_MAPPED) == PH_MS(800));
    assert_int_equal(world->event_count, 1);
    story_assert_mapped(world, id, PORTHOLE_PCP, STORY_PORT);
    ph_world_free(world);
}

static void answer_after_the_verdict_counts_too(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    options.delay = PH_MS(2000);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(60));
    assert_true(story_event_time(world, id, PORTHOLE_EVENT_FAILED) <= PH_MS(3300));
    assert_true(story_event_time(world, id, PORTHOLE_EVENT_MAPPED) == PH_MS(4000));
    story_assert_mapped(world, id, PORTHOLE_PCP, STORY_PORT);
    ph_world_free(world);
}

static void late_grant_that_is_useless_is_given_back_while_the_mapping_rests(void **state) {
    (void)state;
    struct story_pcp_reply refusal = {.result = PH_PCP_NO_RESOURCES};
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    options.methods = PORTHOLE_USE_PCP;
    options.script = story_pcp_script;
    options.user = &refusal;
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(10));
    assert_int_equal(ph_world_query(world, id).state, PORTHOLE_FAILURE);
    unsigned sent = story_pcp_count(world);
    /* A grant without an address, and the delete that follows is not answered. */
    struct ph_pcp_request request;
    ph_pcp_decode_request(story_pcp_sent(world, 0)->bytes, 60, &request);
    story_pcp_answer(world, &request, PH_PCP_SUCCESS, 7200,
                     &(struct ph_endpoint){.port = STORY_PORT});
    world->options.delay = PH_SECONDS(100);
    ph_world_run(world, PH_SECONDS(2));
    assert_int_equal(story_pcp_count(world), sent + 4);
    assert_int_equal(story_pcp_sent(world, sent)->bytes[7], 0); /* lifetime 0 */
    assert_int_equal(world->event_count, 1);
    ph_world_free(world);
}

/* ---- Removing -------------------------------------------------------------------------------- */

static void deleted_by_its_nonce_until_confirmed(void **state) {
    (void)state;
    unsigned drops = 0;
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    options.meddle = drop_first;
    options.user = &drops;
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    drops = 3;
    ph_us asked = world->now;
    ph_world_unmap(world, id);
    assert_int_equal(ph_world_query(world, id).state, PORTHOLE_DESTROYING);
    ph_world_run(world, PH_SECONDS(10));
    story_assert_unmapped(world, id, PORTHOLE_FATE_REMOVED);
    assert_int_equal(ph_gw_server_count(world->server), 0);
    assert_int_equal(story_pcp_count(world), 5);
    for (unsigned i = 1; i < 5; i++) {
        struct ph_pcp_request request;
        const struct ph_world_sent *sent = story_pcp_sent(world, i);
        ph_pcp_decode_request(sent->bytes, sent->len, &request);
        assert_int_equal(request.lifetime_s, 0);
        assert_memory_equal(request.map.nonce, story_pcp_sent(world, 0)->bytes + 24, 12);
        assert_true(sent->at < asked + PH_MS(1800));
    }
    ph_world_free(world);
}

static void grant_that_the_delete_overtook_is_none(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    struct ph_world *world = ph_world_new(&options);
    story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    porthole_id id = ph_world_map(world, PORTHOLE_UDP, 9090);
    ph_world_run(world, PH_MS(3));
    ph_world_unmap(world, id);
    ph_world_run(world, PH_MS(8)); /* the grant has come, the delete's answer has not */
    assert_int_equal(ph_world_query(world, id).state, PORTHOLE_DESTROYING);
    ph_world_run(world, PH_SECONDS(1));
    story_assert_unmapped(world, id, PORTHOLE_FATE_NONE);
    assert_int_equal(ph_gw_server_count(world->server), 1);
    ph_world_free(world);
}

static void delete_that_is_refused_leaves_it_to_its_lease(void **state) {
    (void)state;
    struct story_pcp_reply refusal = {.result = PH_PCP_NOT_AUTHORIZED};
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    world->options.script = story_pcp_script;
    world->options.user = &refusal;
    ph_world_unmap(world, id);
    ph_world_run(world, PH_SECONDS(1));
    story_assert_unmapped(world, id, PORTHOLE_FATE_EXPIRES);
    assert_int_equal(story_pcp_count(world), 2);
    ph_world_free(world);
}

static void delete_that_nobody_answers_ends_after_four_tries(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    world->options.silent = true;
    ph_world_unmap(world, id);
    ph_world_run(world, PH_SECONDS(60));
    story_assert_unmapped(world, id, PORTHOLE_FATE_EXPIRES);
    assert_int_equal(story_pcp_count(world), 5);
    assert_true(story_event_time(world, id, PORTHOLE_EVENT_UNMAPPED) < PH_SECONDS(5));
    ph_world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mapped_after_one_round_trip),
        cmocka_unit_test(request_names_the_client_the_port_and_a_nonce),
        cmocka_unit_test(another_external_port_is_taken_and_kept),
        cmocka_unit_test(exact_port_that_is_taken_is_refused_by_every_method_in_turn),
        cmocka_unit_test(answers_that_are_not_ours_change_nothing),
        cmocka_unit_test(refusal_of_one_mapping_moves_only_that_one_to_natpmp),
        cmocka_unit_test(refusal_of_version_or_opcode_ends_pcp_for_all_mappings),
        cmocka_unit_test(refusal_by_the_only_method_is_told_with_its_code_and_tried_again),
        cmocka_unit_test(grant_without_address_or_port_is_none),
        cmocka_unit_test(requests_are_repeated_after_a_quarter_second_doubling),
        cmocka_unit_test(lost_answer_costs_a_quarter_second),
        cmocka_unit_test(slow_answer_counts_and_is_told_once),
        cmocka_unit_test(answer_after_the_verdict_counts_too),
        cmocka_unit_test(late_grant_that_is_useless_is_given_back_while_the_mapping_rests),
        cmocka_unit_test(deleted_by_its_nonce_until_confirmed),
        cmocka_unit_test(grant_that_the_delete_overtook_is_none),
        cmocka_unit_test(delete_that_is_refused_leaves_it_to_its_lease),
        cmocka_unit_test(delete_that_nobody_answers_ends_after_four_tries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
