/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_gateway_natpmp_server.c: the gateway's NAT-PMP against bytes written out from RFC 6886.
 */
#include "gateway_fixture.h"

/* §3.3: UDP 5000 by 6000 for an hour, and the answer ten seconds after the start. */
static const uint8_t map_udp[12] = {0, 1, 0, 0, 0x13, 0x88, 0x17, 0x70, 0, 0, 0x0e, 0x10};
static const uint8_t map_udp_answer[16] = {0,    129,  0,    0,    0, 0, 0,    10,
                                           0x13, 0x88, 0x17, 0x70, 0, 0, 0x0e, 0x10};
/* §3.4: the same with lifetime 0 and no external port, and its answer at the start. */
static const uint8_t delete_udp[12] = {0, 1, 0, 0, 0x13, 0x88, 0, 0, 0, 0, 0, 0};
static const uint8_t delete_udp_answer[16] = {0, 129, 0, 0, 0, 0, 0, 0, 0x13, 0x88};

/* §3.2 */
static void address_request_tells_address_and_epoch(void **state) {
    struct gateway_fixture *f = *state;
    static const uint8_t request[2] = {0, 0};
    static const uint8_t answer[12] = {0, 128, 0, 0, 0, 0, 0, 10, 203, 0, 113, 7};
    f->now += PH_SECONDS(10);
    fixture_control(f, request, sizeof request);
    fixture_expect(f, answer, sizeof answer);
}

/* §3.5: NETWORK_FAILURE, without an address. */
static void address_request_fails_without_an_ipv4_address(void **state) {
    struct gateway_fixture *f = *state;
    static const uint8_t request[2] = {0, 0};
    static const uint8_t answer[12] = {0, 128, 0, 3};
    assert_true(ph_addr_parse(PH_SPAN("2001:db8::7"), &f->config.external));
    fixture_start(f);
    fixture_control(f, request, sizeof request);
    fixture_expect(f, answer, sizeof answer);
}

static void map_gives_the_wished_port(void **state) {
    struct gateway_fixture *f = *state;
    f->now += PH_SECONDS(10);
    fixture_control(f, map_udp, sizeof map_udp);
    fixture_expect(f, map_udp_answer, sizeof map_udp_answer);
    const struct ph_gw_facts *facts = &ph_gw_server_mapping(f->server, 0)->facts;
    assert_int_equal(facts->made_by, PORTHOLE_NATPMP);
    assert_int_equal(facts->protocol, PORTHOLE_UDP);
    assert_int_equal(facts->internal_port, 5000);
    assert_int_equal(facts->external_port, 6000);
}

/* §3.3: TCP and UDP of one port are two mappings. */
static void tcp_and_udp_share_no_ports(void **state) {
    struct gateway_fixture *f = *state;
    fixture_control(f, map_udp, sizeof map_udp);
    assert_int_equal(fixture_map(f, 5000, 6000, 60), 6000); /* TCP */
    assert_int_equal(ph_gw_server_count(f->server), 2);
}

static void lifetime_is_cut_to_the_limit(void **state) {
    struct gateway_fixture *f = *state;
    f->config.behaviour.lease_max_s = 120;
    fixture_start(f);
    fixture_control(f, map_udp, sizeof map_udp);
    assert_int_equal(f->answer[15], 120);
    assert_int_equal(f->answer[14], 0);
}

static void port_of_another_client_is_not_given_twice(void **state) {
    struct gateway_fixture *f = *state;
    fixture_control(f, map_udp, sizeof map_udp);
    f->client.addr = ph_addr_v4(192, 168, 1, 51);
    fixture_control(f, map_udp, sizeof map_udp);
    assert_int_equal(f->answer[3], 0);
    assert_memory_not_equal(f->answer + 10, map_udp + 6, 2);
    assert_int_equal(ph_gw_server_count(f->server), 2);
}

static void delete_removes_and_confirms(void **state) {
    struct gateway_fixture *f = *state;
    fixture_control(f, map_udp, sizeof map_udp);
    fixture_control(f, delete_udp, sizeof delete_udp);
    fixture_expect(f, delete_udp_answer, sizeof delete_udp_answer);
    assert_int_equal(ph_gw_server_count(f->server), 0);
    assert_int_equal(f->last_end, PH_GW_REMOVED);
}

/* §3.4: to delete what is not there succeeds. */
static void delete_of_nothing_succeeds(void **state) {
    struct gateway_fixture *f = *state;
    fixture_control(f, delete_udp, sizeof delete_udp);
    fixture_expect(f, delete_udp_answer, sizeof delete_udp_answer);
}

static void delete_touches_no_other_client(void **state) {
    struct gateway_fixture *f = *state;
    fixture_control(f, map_udp, sizeof map_udp);
    f->client.addr = ph_addr_v4(192, 168, 1, 51);
    fixture_control(f, delete_udp, sizeof delete_udp);
    assert_int_equal(ph_gw_server_count(f->server), 1);
}

/* §3.4: internal port 0 stands for all of this client's mappings of the protocol. */
static void delete_of_port_zero_removes_all_of_the_protocol(void **state) {
    struct gateway_fixture *f = *state;
    static const uint8_t delete_all_tcp[12] = {0, 2};
    static const uint8_t answer[16] = {0, 130};
    fixture_control(f, map_udp, sizeof map_udp);
    for (uint16_t port = 2000; port < 2020; port++)
        fixture_map(f, port, port, 60);
    f->client.addr = ph_addr_v4(192, 168, 1, 51);
    fixture_map(f, 80, 3000, 60);
    f->client.addr = ph_addr_v4(192, 168, 1, 50);
    fixture_control(f, delete_all_tcp, sizeof delete_all_tcp);
    fixture_expect(f, answer, sizeof answer);
    assert_int_equal(ph_gw_server_count(f->server), 2);
    assert_int_equal(f->closed, 20);
}

/* §3.5: OUT_OF_RESOURCES. */
static void full_gateway_is_out_of_resources(void **state) {
    struct gateway_fixture *f = *state;
    static const uint8_t answer[16] = {0, 129, 0, 4, 0, 0, 0, 0, 0x13, 0x88};
    f->config.behaviour.mappings_max = 0;
    fixture_start(f);
    fixture_control(f, map_udp, sizeof map_udp);
    fixture_expect(f, answer, sizeof answer);
}

static void port_zero_cannot_be_mapped(void **state) {
    struct gateway_fixture *f = *state;
    static const uint8_t request[12] = {0, 1, 0, 0, 0, 0, 0x17, 0x70, 0, 0, 0x0e, 0x10};
    fixture_control(f, request, sizeof request);
    assert_int_equal(f->answer_len, 16);
    assert_int_equal(f->answer[3], 2);
    assert_int_equal(ph_gw_server_count(f->server), 0);
}

/* §3.5: UNSUPP_OPCODE, in the 8 bytes that all answers have. */
static void unknown_opcode_is_refused(void **state) {
    struct gateway_fixture *f = *state;
    static const uint8_t request[2] = {0, 3};
    static const uint8_t answer[8] = {0, 131, 0, 5};
    fixture_control(f, request, sizeof request);
    fixture_expect(f, answer, sizeof answer);
    assert_string_equal(f->last_line, "natpmp opcode 3: UNSUPP_OPCODE");
}

static void truncated_map_is_not_answered(void **state) {
    struct gateway_fixture *f = *state;
    for (size_t len = 2; len < sizeof map_udp; len++)
        assert_int_equal(fixture_control(f, map_udp, len), 0);
    assert_int_equal(ph_gw_server_count(f->server), 0);
}

/* §3: what follows a request is for later versions. */
static void bytes_after_a_request_are_not_looked_at(void **state) {
    struct gateway_fixture *f = *state;
    uint8_t request[40] = {0};
    memcpy(request, map_udp, sizeof map_udp);
    assert_int_equal(fixture_control(f, request, sizeof request), 16);
    assert_int_equal(f->answer[3], 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        GATEWAY_TEST(address_request_tells_address_and_epoch),
        GATEWAY_TEST(address_request_fails_without_an_ipv4_address),
        GATEWAY_TEST(map_gives_the_wished_port),
        GATEWAY_TEST(tcp_and_udp_share_no_ports),
        GATEWAY_TEST(lifetime_is_cut_to_the_limit),
        GATEWAY_TEST(port_of_another_client_is_not_given_twice),
        GATEWAY_TEST(delete_removes_and_confirms),
        GATEWAY_TEST(delete_of_nothing_succeeds),
        GATEWAY_TEST(delete_touches_no_other_client),
        GATEWAY_TEST(delete_of_port_zero_removes_all_of_the_protocol),
        GATEWAY_TEST(full_gateway_is_out_of_resources),
        GATEWAY_TEST(port_zero_cannot_be_mapped),
        GATEWAY_TEST(unknown_opcode_is_refused),
        GATEWAY_TEST(truncated_map_is_not_answered),
        GATEWAY_TEST(bytes_after_a_request_are_not_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
