/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_gateway_server.c: which protocol a datagram to port 5351 is for, which external port a
 * mapping gets, and when it ends.
 */
#include "gateway/server.h"

#include "gateway_fixture.h"

/* A PCP ANNOUNCE (RFC 6887 §14.1) of 192.168.1.50. */
static const uint8_t announce[24] = {2, 0, 0, 0, 0, 0, 0,    0,    0,   0,   0, 0,
                                     0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 168, 1, 50};
static const uint8_t ask_address[2] = {0, 0};

/* RFC 6886 §3.5: with the second word of its answers, the epoch. */
static void pcp_is_refused_in_natpmp_words_when_only_natpmp_is_on(void **state) {
    struct gateway_fixture *f = *state;
    static const uint8_t refusal[8] = {0, 128, 0, 1, 0, 0, 0, 3};
    f->config.pcp = false;
    fixture_start(f);
    f->now += PH_SECONDS(3);
    fixture_control(f, announce, sizeof announce);
    fixture_expect(f, refusal, sizeof refusal);
    static const uint8_t map_refusal[8] = {0, 129, 0, 1, 0, 0, 0, 3};
    uint8_t map[60] = {2, 1};
    fixture_control(f, map, sizeof map);
    fixture_expect(f, map_refusal, sizeof map_refusal);
}

/* RFC 6887 §9: UNSUPP_VERSION, and the version that it speaks; a long lifetime (§7.4). */
static void natpmp_is_refused_in_pcp_words_when_only_pcp_is_on(void **state) {
    struct gateway_fixture *f = *state;
    static const uint8_t refusal[24] = {2, 0x80, 0, 1, 0, 0, 0x07, 0x08};
    f->config.natpmp = false;
    fixture_start(f);
    fixture_control(f, ask_address, sizeof ask_address);
    fixture_expect(f, refusal, sizeof refusal);
}

static void unknown_versions_are_refused_by_pcp_first(void **state) {
    struct gateway_fixture *f = *state;
    uint8_t version_one[24] = {1, 0};
    uint8_t version_max[2] = {255, 0};
    assert_int_equal(fixture_control(f, version_one, sizeof version_one), 24);
    assert_int_equal(f->answer[0], 2);
    assert_int_equal(f->answer[3], 1);
    assert_int_equal(fixture_control(f, version_max, sizeof version_max), 24);
    f->config.pcp = false;
    fixture_start(f);
    assert_int_equal(fixture_control(f, version_one, sizeof version_one), 8);
    assert_int_equal(f->answer[0], 0);
}

static void silent_pcp_leaves_natpmp_alone(void **state) {
    struct gateway_fixture *f = *state;
    f->config.behaviour.silent_pcp = true;
    fixture_start(f);
    assert_int_equal(fixture_control(f, announce, sizeof announce), 0);
    assert_int_equal(fixture_control(f, ask_address, sizeof ask_address), 12);
    f->config.natpmp = false;
    fixture_start(f);
    assert_int_equal(fixture_control(f, ask_address, sizeof ask_address), 0);
}

static void nothing_is_answered_when_both_are_off(void **state) {
    struct gateway_fixture *f = *state;
    f->config.pcp = f->config.natpmp = false;
    fixture_start(f);
    assert_int_equal(fixture_control(f, announce, sizeof announce), 0);
    assert_int_equal(fixture_control(f, ask_address, sizeof ask_address), 0);
}

static void answers_and_scraps_are_never_answered(void **state) {
    struct gateway_fixture *f = *state;
    uint8_t answer[60] = {2, 0x81};
    uint8_t natpmp_answer[16] = {0, 0x80};
    assert_int_equal(fixture_control(f, answer, sizeof answer), 0);
    assert_int_equal(fixture_control(f, natpmp_answer, sizeof natpmp_answer), 0);
    assert_string_equal(f->last_line, ""); /* they are no requests */
    assert_int_equal(fixture_control(f, announce, 1), 0);
    assert_int_equal(fixture_control(f, announce, 0), 0);
    f->client.port = 0;
    assert_int_equal(fixture_control(f, announce, sizeof announce), 0);
}

static void wished_port_is_given_when_it_is_free(void **state) {
    struct gateway_fixture *f = *state;
    assert_int_equal(fixture_map(f, 80, 8080, 60), 8080);
    assert_int_equal(f->opened, 1);
    const struct ph_gw_mapping *mapping = ph_gw_server_mapping(f->server, 0);
    assert_int_equal(mapping->facts.internal_port, 80);
    assert_null(ph_gw_server_mapping(f->server, 1));
}

static void without_a_wish_the_port_stays_the_same(void **state) {
    struct gateway_fixture *f = *state;
    assert_int_equal(fixture_map(f, 6881, 0, 60), 6881);
}

static void without_a_wish_a_privileged_port_becomes_a_high_one(void **state) {
    struct gateway_fixture *f = *state;
    assert_in_range(fixture_map(f, 80, 0, 60), 1024, 65535);
}

static void another_port_is_given_when_the_wished_one_is_mapped(void **state) {
    struct gateway_fixture *f = *state;
    assert_int_equal(fixture_map(f, 80, 8080, 60), 8080);
    uint16_t port = fixture_map(f, 81, 8080, 60);
    assert_in_range(port, 1024, 65535);
    assert_int_not_equal(port, 8080);
}

static void another_port_is_given_when_the_host_has_taken_the_wished_one(void **state) {
    struct gateway_fixture *f = *state;
    f->taken_port = 8080;
    uint16_t port = fixture_map(f, 80, 8080, 60);
    assert_in_range(port, 1024, 65535);
    assert_int_not_equal(port, 8080);
    assert_int_equal(f->opened, 1);
}

static void refusal_of_the_host_leaves_no_mapping(void **state) {
    struct gateway_fixture *f = *state;
    f->open_error = PORTHOLE_ERR_NO_RESOURCES;
    assert_int_equal(fixture_map(f, 80, 8080, 60), 0);
    f->open_error = PORTHOLE_ERR_PORT_TAKEN; /* whichever is tried: it gives up */
    assert_int_equal(fixture_map(f, 80, 8080, 60), 0);
    assert_int_equal(ph_gw_server_count(f->server), 0);
    assert_int_equal(ph_gw_server_deadline(f->server), PH_NEVER);
    assert_int_equal(f->closed, 0);
}

static void mappings_have_a_limit(void **state) {
    struct gateway_fixture *f = *state;
    f->config.behaviour.mappings_max = 2;
    fixture_start(f);
    assert_int_equal(fixture_map(f, 1, 2001, 60), 2001);
    assert_int_equal(fixture_map(f, 2, 2002, 60), 2002);
    assert_int_equal(fixture_map(f, 3, 2003, 60), 0);
    assert_int_equal(fixture_map(f, 1, 2001, 60), 2001); /* renewals go on */
}

static void every_free_port_can_be_had(void **state) {
    struct gateway_fixture *f = *state;
    f->config.behaviour.mappings_max = 65535;
    fixture_start(f);
    for (unsigned port = 1; port <= 64512; port++)
        assert_in_range(fixture_map(f, (uint16_t)port, 2000, 60), 1024, 65535);
    assert_int_equal(ph_gw_server_count(f->server), 64512);
    assert_int_equal(fixture_map(f, 64513, 2000, 60), 0);
}

static void lease_ends_at_the_deadline(void **state) {
    struct gateway_fixture *f = *state;
    fixture_map(f, 80, 8080, 60);
    assert_int_equal(ph_gw_server_deadline(f->server), FIXTURE_START + PH_SECONDS(60));
    f->now = FIXTURE_START + PH_SECONDS(60) - 1;
    ph_gw_server_tick(f->server, f->now);
    assert_int_equal(ph_gw_server_count(f->server), 1);
    f->now++;
    ph_gw_server_tick(f->server, f->now);
    assert_int_equal(ph_gw_server_count(f->server), 0);
    assert_int_equal(f->closed, 1);
    assert_int_equal(f->last_end, PH_GW_EXPIRED);
    assert_int_equal(ph_gw_server_deadline(f->server), PH_NEVER);
}

static void renewal_moves_the_end(void **state) {
    struct gateway_fixture *f = *state;
    fixture_map(f, 80, 8080, 60);
    f->now += PH_SECONDS(30);
    assert_int_equal(fixture_map(f, 80, 9999, 60), 8080); /* and keeps the port */
    assert_int_equal(ph_gw_server_deadline(f->server), FIXTURE_START + PH_SECONDS(90));
    assert_int_equal(f->opened, 1);
}

static void expired_mapping_is_never_seen_by_a_late_request(void **state) {
    struct gateway_fixture *f = *state;
    fixture_map(f, 80, 8080, 60);
    f->now += PH_SECONDS(61);
    assert_int_equal(fixture_map(f, 81, 8080, 60), 8080);
    assert_int_equal(f->closed, 1);
}

static void stopping_ends_all_mappings(void **state) {
    struct gateway_fixture *f = *state;
    for (uint16_t port = 2000; port < 2010; port++)
        fixture_map(f, port, port, 60);
    unsigned opened = f->opened;
    ph_gw_server_free(f->server);
    f->server = NULL;
    assert_int_equal(opened, 10);
    assert_int_equal(f->closed, 10);
    assert_int_equal(f->last_end, PH_GW_STOPPED);
}

static void lease_limit_of_zero_does_not_make_leases_endless(void **state) {
    struct gateway_fixture *f = *state;
    f->config.behaviour.lease_max_s = 0;
    fixture_start(f);
    fixture_map(f, 80, 8080, 60);
    assert_int_equal(ph_gw_server_deadline(f->server), FIXTURE_START + PH_SECONDS(1));
}

static void requests_are_told_in_words(void **state) {
    struct gateway_fixture *f = *state;
    fixture_map(f, 80, 8080, 60);
    assert_string_equal(f->last_line, "natpmp map tcp 8080 -> 80 for 60 s: SUCCESS");
    fixture_map(f, 80, 8080, 0);
    assert_string_equal(f->last_line, "natpmp delete tcp 80: SUCCESS");
    fixture_control(f, announce, sizeof announce);
    assert_string_equal(f->last_line, "pcp opcode 0: SUCCESS");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        GATEWAY_TEST(pcp_is_refused_in_natpmp_words_when_only_natpmp_is_on),
        GATEWAY_TEST(natpmp_is_refused_in_pcp_words_when_only_pcp_is_on),
        GATEWAY_TEST(unknown_versions_are_refused_by_pcp_first),
        GATEWAY_TEST(silent_pcp_leaves_natpmp_alone),
        GATEWAY_TEST(nothing_is_answered_when_both_are_off),
        GATEWAY_TEST(answers_and_scraps_are_never_answered),
        GATEWAY_TEST(wished_port_is_given_when_it_is_free),
        GATEWAY_TEST(without_a_wish_the_port_stays_the_same),
        GATEWAY_TEST(without_a_wish_a_privileged_port_becomes_a_high_one),
        GATEWAY_TEST(another_port_is_given_when_the_wished_one_is_mapped),
        GATEWAY_TEST(another_port_is_given_when_the_host_has_taken_the_wished_one),
        GATEWAY_TEST(refusal_of_the_host_leaves_no_mapping),
        GATEWAY_TEST(mappings_have_a_limit),
        GATEWAY_TEST(every_free_port_can_be_had),
        GATEWAY_TEST(lease_ends_at_the_deadline),
        GATEWAY_TEST(renewal_moves_the_end),
        GATEWAY_TEST(expired_mapping_is_never_seen_by_a_late_request),
        GATEWAY_TEST(stopping_ends_all_mappings),
        GATEWAY_TEST(lease_limit_of_zero_does_not_make_leases_endless),
        GATEWAY_TEST(requests_are_told_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
