/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_gateway_pcp_server.c: the gateway's PCP against bytes written out from RFC 6887: what is
 * mapped, renewed, deleted and refused, and with which lifetime.
 */
#include "wire/pcp.h"

#include "gateway_fixture.h"

/* §7.1 and §11.1: 192.168.1.50 asks for TCP port 8080 for an hour. */
static const uint8_t map_request[60] = {
    2,    1,    0,    0,                                  /* version, MAP, reserved */
    0x00, 0x00, 0x0e, 0x10,                               /* requested lifetime 3600 */
    0,    0,    0,    0,    0, 0, 0, 0, 0, 0, 0xff, 0xff, /* ... */
    192,  168,  1,    50,                                 /* the client's address */
    0xa0, 0xa1, 0xa2, 0xa3,                               /* mapping nonce */
    0xa4, 0xa5, 0xa6, 0xa7,                               /* ... */
    0xa8, 0xa9, 0xaa, 0xab,                               /* ... */
    6,    0,    0,    0,                                  /* TCP, reserved */
    0x1f, 0x90, 0x9c, 0x40,                               /* internal 8080, suggested 40000 */
    0,    0,    0,    0,    0, 0, 0, 0, 0, 0, 0xff, 0xff, /* ... */
    0,    0,    0,    0,                                  /* suggested address: none */
};

/* §7.2 and §11.1, ten seconds after the start. */
static const uint8_t map_answer[60] = {
    2,    0x81, 0,    0,                               /* version, R and MAP, reserved, SUCCESS */
    0x00, 0x00, 0x0e, 0x10,                            /* lifetime 3600 */
    0x00, 0x00, 0x00, 0x0a,                            /* epoch 10 */
    0,    0,    0,    0,    0, 0, 0, 0, 0, 0, 0,    0, /* reserved */
    0xa0, 0xa1, 0xa2, 0xa3,                            /* mapping nonce */
    0xa4, 0xa5, 0xa6, 0xa7,                            /* ... */
    0xa8, 0xa9, 0xaa, 0xab,                            /* ... */
    6,    0,    0,    0,                               /* TCP, reserved */
    0x1f, 0x90, 0x9c, 0x40,                            /* internal port 8080, assigned 40000 */
    0,    0,    0,    0,    0, 0, 0, 0, 0, 0, 0xff, 0xff, /* ... */
    203,  0,    113,  7,                                  /* the external address */
};

/* Where things are in a MAP request and its answer. */
enum { AT_RESULT = 3, AT_LIFETIME = 4, AT_CLIENT = 20, AT_NONCE = 24, AT_PROTOCOL = 36 };
enum { AT_INTERNAL = 40, AT_EXTERNAL = 42, AT_ADDRESS = 44 };

static void set_u16(uint8_t *bytes, unsigned value) {
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

static void set_lifetime(uint8_t *request, uint32_t value) {
    set_u16(request + AT_LIFETIME, value >> 16);
    set_u16(request + AT_LIFETIME + 2, value & 0xffffU);
}

static unsigned answer_u16(const struct gateway_fixture *f, size_t at) {
    return (unsigned)f->answer[at] << 8 | f->answer[at + 1];
}

static uint32_t answer_lifetime(const struct gateway_fixture *f) {
    return (uint32_t)answer_u16(f, AT_LIFETIME) << 16 | answer_u16(f, AT_LIFETIME + 2);
}

/* Sends it and checks result and lifetime of the answer. */
static void expect_result(struct gateway_fixture *f, const uint8_t *request, size_t len,
                          unsigned result, uint32_t lifetime_s) {
    assert_true(fixture_control(f, request, len) >= 24);
    assert_int_equal(f->answer_len % 4, 0);
    assert_int_equal(f->answer[0], 2);
    assert_int_equal(f->answer[1], request[1] | 0x80);
    assert_int_equal(f->answer[AT_RESULT], result);
    assert_int_equal(answer_lifetime(f), lifetime_s);
}

static void map_gives_the_wished_port(void **state) {
    struct gateway_fixture *f = *state;
    f->now += PH_SECONDS(10);
    fixture_control(f, map_request, sizeof map_request);
    fixture_expect(f, map_answer, sizeof map_answer);
    const struct ph_gw_facts *facts = &ph_gw_server_mapping(f->server, 0)->facts;
    assert_int_equal(facts->made_by, PORTHOLE_PCP);
    assert_int_equal(facts->protocol, PORTHOLE_TCP);
    assert_true(ph_addr_equal(&facts->client, &f->client.addr));
    assert_string_equal(f->last_line, "pcp map tcp 40000 -> 8080 for 3600 s: SUCCESS");
}

static void announce_tells_the_epoch(void **state) {
    struct gateway_fixture *f = *state;
    static const uint8_t request[24] = {2, 0, 0, 0, 0, 0, 0,    0,    0,   0,   0, 0,
                                        0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 168, 1, 50};
    static const uint8_t answer[24] = {2, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 0x51, 0x80};
    f->now += PH_SECONDS(86400);
    fixture_control(f, request, sizeof request);
    fixture_expect(f, answer, sizeof answer);
}

static void repeated_request_gets_the_same_answer(void **state) {
    struct gateway_fixture *f = *state;
    uint8_t first[60];
    expect_result(f, map_request, sizeof map_request, PH_PCP_SUCCESS, 3600);
    memcpy(first, f->answer, sizeof first);
    expect_result(f, map_request, sizeof map_request, PH_PCP_SUCCESS, 3600);
    assert_memory_equal(f->answer, first, sizeof first);
    assert_int_equal(f->opened, 1);
}

/* §15: a renewal counts from now, and the port stays, whatever is suggested. */
static void renewal_keeps_the_port_and_counts_anew(void **state) {
    struct gateway_fixture *f = *state;
    uint8_t request[60];
    memcpy(request, map_request, sizeof request);
    expect_result(f, request, sizeof request, PH_PCP_SUCCESS, 3600);
    f->now += PH_SECONDS(1800);
    set_u16(request + AT_EXTERNAL, 50000);
    expect_result(f, request, sizeof request, PH_PCP_SUCCESS, 3600);
    assert_int_equal(answer_u16(f, AT_EXTERNAL), 40000);
    assert_int_equal(ph_gw_server_deadline(f->server), f->now + PH_SECONDS(3600));
}

/* §11.3: refused for as long as the mapping that is in the way will be there. */
static void renewal_with_another_nonce_is_not_authorized(void **state) {
    struct gateway_fixture *f = *state;
    uint8_t request[60];
    memcpy(request, map_request, sizeof request);
    expect_result(f, request, sizeof request, PH_PCP_SUCCESS, 3600);
    request[AT_NONCE + 11] ^= 1;
    f->now += PH_SECONDS(600);
    expect_result(f, request, sizeof request, PH_PCP_NOT_AUTHORIZED, 3000);
    assert_memory_equal(f->answer + AT_NONCE, request + AT_NONCE, PH_PCP_NONCE_SIZE);
    set_lifetime(request, 0);
    expect_result(f, request, sizeof request, PH_PCP_NOT_AUTHORIZED, 3000);
    assert_int_equal(ph_gw_server_count(f->server), 1);
    assert_int_equal(f->closed, 0);
}

static void lifetime_is_cut_to_the_limit(void **state) {
    struct gateway_fixture *f = *state;
    uint8_t request[60];
    f->config.behaviour.lease_max_s = 120;
    fixture_start(f);
    memcpy(request, map_request, sizeof request);
    set_lifetime(request, UINT32_MAX);
    expect_result(f, request, sizeof request, PH_PCP_SUCCESS, 120);
    set_lifetime(request, 1);
    expect_result(f, request, sizeof request, PH_PCP_SUCCESS, 1);
}

/* §15.1: the external fields of a deletion's answer are those of the request. */
static void delete_removes_and_confirms(void **state) {
    struct gateway_fixture *f = *state;
    uint8_t request[60];
    memcpy(request, map_request, sizeof request);
    expect_result(f, request, sizeof request, PH_PCP_SUCCESS, 3600);
    set_lifetime(request, 0);
    set_u16(request + AT_EXTERNAL, 0);
    expect_result(f, request, sizeof request, PH_PCP_SUCCESS, 0);
    assert_memory_equal(f->answer + AT_NONCE, request + AT_NONCE, 36);
    assert_int_equal(ph_gw_server_count(f->server), 0);
    assert_int_equal(f->last_end, PH_GW_REMOVED);
    assert_string_equal(f->last_line, "pcp delete tcp 8080: SUCCESS");
    expect_result(f, request, sizeof request, PH_PCP_SUCCESS, 0); /* again: nothing is there */
}

static void make_three(struct gateway_fixture *f, uint8_t request[60]) {
    memcpy(request, map_request, 60);
    expect_result(f, request, 60, PH_PCP_SUCCESS, 3600);
    set_u16(request + AT_INTERNAL, 8081);
    expect_result(f, request, 60, PH_PCP_SUCCESS, 3600);
    request[AT_PROTOCOL] = PORTHOLE_UDP;
    expect_result(f, request, 60, PH_PCP_SUCCESS, 3600);
    assert_int_equal(ph_gw_server_count(f->server), 3);
}

static void delete_of_port_zero_removes_all_of_a_protocol(void **state) {
    struct gateway_fixture *f = *state;
    uint8_t request[60];
    make_three(f, request);
    set_lifetime(request, 0);
    set_u16(request + AT_INTERNAL, 0);
    request[AT_PROTOCOL] = PORTHOLE_TCP;
    expect_result(f, request, sizeof request, PH_PCP_SUCCESS, 0);
    assert_int_equal(ph_gw_server_count(f->server), 1);
    assert_int_equal(ph_gw_server_mapping(f->server, 0)->facts.protocol, PORTHOLE_UDP);
}

static void delete_of_protocol_zero_removes_all_with_the_nonce(void **state) {
    struct gateway_fixture *f = *state;
    uint8_t request[60];
    make_three(f, request);
    request[AT_NONCE] ^= 1; /* a fourth one, by somebody else on that host */
    set_u16(request + AT_INTERNAL, 9000);
    expect_result(f, request, sizeof request, PH_PCP_SUCCESS, 3600);
    request[AT_NONCE] ^= 1;
    set_lifetime(request, 0);
    set_u16(request + AT_INTERNAL, 0);
    request[AT_PROTOCOL] = 0;
    expect_result(f, request, sizeof request, PH_PCP_SUCCESS, 0);
    assert_int_equal(ph_gw_server_count(f->server), 1);
    assert_int_equal(ph_gw_server_mapping(f->server, 0)->facts.internal_port, 9000);
}

/* §13.2: with PREFER_FAILURE exactly the suggested port and address, or none. */
static void prefer_failure_refuses_what_is_taken(void **state) {
    struct gateway_fixture *f = *state;
    uint8_t request[64] = {0};
    memcpy(request, map_request, sizeof map_request);
    request[60] = 2; /* the option, without data */
    assert_int_equal(fixture_map(f, 22, 40000, 60), 40000);
    expect_result(f, request, sizeof request, PH_PCP_CANNOT_PROVIDE_EXTERNAL, 30);
    assert_int_equal(answer_u16(f, AT_EXTERNAL), 40000);
    expect_result(f, request, 60, PH_PCP_SUCCESS, 3600); /* without it: another port */
    assert_int_not_equal(answer_u16(f, AT_EXTERNAL), 40000);
    /* And now that the mapping has another port. */
    expect_result(f, request, sizeof request, PH_PCP_CANNOT_PROVIDE_EXTERNAL, 30);
}

static void prefer_failure_refuses_another_address(void **state) {
    struct gateway_fixture *f = *state;
    uint8_t request[64] = {0};
    memcpy(request, map_request, sizeof map_request);
    request[60] = 2;
    memcpy(request + AT_ADDRESS + 12, "\xc6\x33\x64\x01", 4);
    expect_result(f, request, sizeof request, PH_PCP_CANNOT_PROVIDE_EXTERNAL, 30);
    memcpy(request + AT_ADDRESS + 12, "\xcb\x00\x71\x07", 4);
    expect_result(f, request, sizeof request, PH_PCP_SUCCESS, 3600);
}

static void suggested_address_is_only_a_wish(void **state) {
    struct gateway_fixture *f = *state;
    uint8_t request[60];
    memcpy(request, map_request, sizeof request);
    memcpy(request + AT_ADDRESS + 12, "\xc6\x33\x64\x01", 4);
    expect_result(f, request, sizeof request, PH_PCP_SUCCESS, 3600);
    assert_memory_equal(f->answer + AT_ADDRESS, map_answer + AT_ADDRESS, 16);
}

/* §8.2 and §7.4: a NAT between client and server shows in the address that the client believes to
 * have; a long error. */
static void address_mismatch_is_refused(void **state) {
    struct gateway_fixture *f = *state;
    uint8_t request[60];
    memcpy(request, map_request, sizeof request);
    request[AT_CLIENT + 3] = 51;
    expect_result(f, request, sizeof request, PH_PCP_ADDRESS_MISMATCH, 1800);
    uint8_t announce[24] = {2};
    expect_result(f, announce, sizeof announce, PH_PCP_ADDRESS_MISMATCH, 1800);
    assert_int_equal(ph_gw_server_count(f->server), 0);
}

static void malformed_requests_are_refused(void **state) {
    struct gateway_fixture *f = *state;
    uint8_t request[1104] = {0};
    memcpy(request, map_request, sizeof map_request);
    expect_result(f, request, 24, PH_PCP_MALFORMED_REQUEST, 1800); /* a MAP without its body */
    expect_result(f, request, 2, PH_PCP_MALFORMED_REQUEST, 1800);
    expect_result(f, request, 58, PH_PCP_MALFORMED_REQUEST, 1800);
    expect_result(f, request, 1104, PH_PCP_MALFORMED_REQUEST, 1800); /* §7: at most 1100 */
    assert_int_equal(ph_gw_server_count(f->server), 0);
}

/* §7.3: an option that does not fit. */
static void malformed_option_is_refused(void **state) {
    struct gateway_fixture *f = *state;
    uint8_t request[64] = {0};
    memcpy(request, map_request, sizeof map_request);
    request[60] = 2;
    request[63] = 4;
    expect_result(f, request, sizeof request, PH_PCP_MALFORMED_OPTION, 1800);
}

static void unknown_options_are_refused_only_when_mandatory(void **state) {
    struct gateway_fixture *f = *state;
    uint8_t request[64] = {0};
    memcpy(request, map_request, sizeof map_request);
    request[60] = 127;
    expect_result(f, request, sizeof request, PH_PCP_UNSUPP_OPTION, 1800);
    request[60] = 1; /* THIRD_PARTY is one that this server does not have */
    expect_result(f, request, sizeof request, PH_PCP_UNSUPP_OPTION, 1800);
    request[60] = 128;
    expect_result(f, request, sizeof request, PH_PCP_SUCCESS, 3600);
}

static void other_opcodes_and_protocols_are_refused(void **state) {
    struct gateway_fixture *f = *state;
    uint8_t request[80] = {0};
    memcpy(request, map_request, sizeof map_request);
    request[1] = 2; /* PEER, §12 */
    expect_result(f, request, sizeof request, PH_PCP_UNSUPP_OPCODE, 1800);
    request[1] = 1;
    request[AT_PROTOCOL] = 132; /* SCTP */
    expect_result(f, request, 60, PH_PCP_UNSUPP_PROTOCOL, 1800);
    request[AT_PROTOCOL] = 0; /* all protocols: not from one address shared by many hosts */
    expect_result(f, request, 60, PH_PCP_UNSUPP_PROTOCOL, 1800);
    request[AT_PROTOCOL] = 6;
    set_u16(request + AT_INTERNAL, 0);
    expect_result(f, request, 60, PH_PCP_UNSUPP_PROTOCOL, 1800);
}

static void full_gateway_says_no_resources_for_a_short_time(void **state) {
    struct gateway_fixture *f = *state;
    f->config.behaviour.mappings_max = 0;
    fixture_start(f);
    expect_result(f, map_request, sizeof map_request, PH_PCP_NO_RESOURCES, 30);
    assert_string_equal(f->last_line, "pcp map tcp 8080: NO_RESOURCES");
}

static void natpmp_mapping_of_the_same_port_is_left_alone(void **state) {
    struct gateway_fixture *f = *state;
    uint8_t request[60];
    assert_int_equal(fixture_map(f, 8080, 40000, 60), 40000);
    memcpy(request, map_request, sizeof request);
    expect_result(f, request, sizeof request, PH_PCP_SUCCESS, 3600);
    assert_int_not_equal(answer_u16(f, AT_EXTERNAL), 40000);
    set_lifetime(request, 0);
    request[AT_PROTOCOL] = 0;
    expect_result(f, request, sizeof request, PH_PCP_SUCCESS, 0);
    assert_int_equal(ph_gw_server_count(f->server), 1);
    assert_int_equal(ph_gw_server_mapping(f->server, 0)->facts.made_by, PORTHOLE_NATPMP);
}

static void no_byte_of_a_request_is_harmful(void **state) {
    struct gateway_fixture *f = *state;
    uint8_t request[64] = {0};
    memcpy(request, map_request, sizeof map_request);
    request[60] = 2;
    for (size_t len = 0; len <= sizeof request; len++)
        fixture_control(f, request, len);
    for (size_t i = 0; i < sizeof request; i++)
        for (unsigned value = 0; value < 256; value += 5) {
            uint8_t was = request[i];
            request[i] = (uint8_t)value;
            fixture_control(f, request, sizeof request);
            assert_int_equal(f->answer_len % 4, 0);
            request[i] = was;
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        GATEWAY_TEST(map_gives_the_wished_port),
        GATEWAY_TEST(announce_tells_the_epoch),
        GATEWAY_TEST(repeated_request_gets_the_same_answer),
        GATEWAY_TEST(renewal_keeps_the_port_and_counts_anew),
        GATEWAY_TEST(renewal_with_another_nonce_is_not_authorized),
        GATEWAY_TEST(lifetime_is_cut_to_the_limit),
        GATEWAY_TEST(delete_removes_and_confirms),
        GATEWAY_TEST(delete_of_port_zero_removes_all_of_a_protocol),
        GATEWAY_TEST(delete_of_protocol_zero_removes_all_with_the_nonce),
        GATEWAY_TEST(prefer_failure_refuses_what_is_taken),
        GATEWAY_TEST(prefer_failure_refuses_another_address),
        GATEWAY_TEST(suggested_address_is_only_a_wish),
        GATEWAY_TEST(address_mismatch_is_refused),
        GATEWAY_TEST(malformed_requests_are_refused),
        GATEWAY_TEST(malformed_option_is_refused),
        GATEWAY_TEST(unknown_options_are_refused_only_when_mandatory),
        GATEWAY_TEST(other_opcodes_and_protocols_are_refused),
        GATEWAY_TEST(full_gateway_says_no_resources_for_a_short_time),
        GATEWAY_TEST(natpmp_mapping_of_the_same_port_is_left_alone),
        GATEWAY_TEST(no_byte_of_a_request_is_harmful),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
