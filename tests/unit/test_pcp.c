/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_pcp.c: PCP messages against bytes written out from RFC 6887, and against what networks and
 * routers make of them.
 */
#include "wire/pcp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "hostile.h"

#define NONCE 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab
#define MAPPED 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff /* RFC 4291 §2.5.5.2 */

/* §7.1 and §11.1: 192.168.1.2 asks for TCP port 8080 for two hours, with a wish for 8081. */
static const uint8_t map_request[60] = {
    2,      1,    0,    0,       /* version, MAP, reserved */
    0x00,   0x00, 0x1c, 0x20,    /* requested lifetime 7200 */
    MAPPED, 192,  168,  1,    2, /* the client's address */
    NONCE,                       /* of the mapping */
    6,      0,    0,    0,       /* TCP, reserved */
    0x1f,   0x90, 0x1f, 0x91,    /* internal port 8080, suggested 8081 */
    MAPPED, 0,    0,    0,    0, /* suggested address: none of IPv4 */
};

/* §7.2 and §11.1: granted for an hour, from 203.0.113.7 port 40000. */
static const uint8_t map_answer[60] = {
    2,      0x81, 0,    0,                            /* version, R and MAP, reserved, SUCCESS */
    0x00,   0x00, 0x0e, 0x10,                         /* lifetime 3600 */
    0x00,   0x01, 0xe2, 0x40,                         /* epoch 123456 */
    0,      0,    0,    0,    0, 0, 0, 0, 0, 0, 0, 0, /* reserved */
    NONCE,                                            /* of the mapping */
    6,      0,    0,    0,                            /* TCP, reserved */
    0x1f,   0x90, 0x9c, 0x40,                         /* internal port 8080, assigned 40000 */
    MAPPED, 203,  0,    113,  7,                      /* assigned address */
};

static struct ph_pcp_request a_map_request(void) {
    return (struct ph_pcp_request){.version = PH_PCP_VERSION,
                                   .opcode = PH_PCP_MAP,
                                   .lifetime_s = 7200,
                                   .client_addr = ph_addr_v4(192, 168, 1, 2),
                                   .map = {.nonce = {NONCE},
                                           .protocol = PORTHOLE_TCP,
                                           .internal_port = 8080,
                                           .external_port = 8081,
                                           .external_addr = ph_addr_v4(0, 0, 0, 0)}};
}

static struct ph_pcp_response a_map_response(void) {
    return (struct ph_pcp_response){.version = PH_PCP_VERSION,
                                    .opcode = PH_PCP_MAP,
                                    .lifetime_s = 3600,
                                    .epoch_s = 123456,
                                    .map = {.nonce = {NONCE},
                                            .protocol = PORTHOLE_TCP,
                                            .internal_port = 8080,
                                            .external_port = 40000,
                                            .external_addr = ph_addr_v4(203, 0, 113, 7)}};
}

static void assert_map_equal(const struct ph_pcp_map *a, const struct ph_pcp_map *b) {
    assert_memory_equal(a->nonce, b->nonce, sizeof a->nonce);
    assert_int_equal(a->protocol, b->protocol);
    assert_int_equal(a->internal_port, b->internal_port);
    assert_int_equal(a->external_port, b->external_port);
    assert_memory_equal(a->external_addr.b, b->external_addr.b, 16);
}

static void assert_request_equal(const struct ph_pcp_request *a, const struct ph_pcp_request *b) {
    assert_true(a->version == b->version && a->opcode == b->opcode);
    assert_int_equal(a->lifetime_s, b->lifetime_s);
    assert_memory_equal(a->client_addr.b, b->client_addr.b, 16);
    assert_int_equal(a->prefer_failure, b->prefer_failure);
    assert_map_equal(&a->map, &b->map);
}

static void assert_response_equal(const struct ph_pcp_response *a,
                                  const struct ph_pcp_response *b) {
    assert_true(a->version == b->version && a->opcode == b->opcode && a->result == b->result);
    assert_int_equal(a->lifetime_s, b->lifetime_s);
    assert_int_equal(a->epoch_s, b->epoch_s);
    assert_map_equal(&a->map, &b->map);
}

/* A message with `tail_len` bytes of options behind its first 60. */
static size_t with_tail(uint8_t *ret, const uint8_t *message, const void *tail, size_t tail_len) {
    memcpy(ret, message, 60);
    memcpy(ret + 60, tail, tail_len);
    return 60 + tail_len;
}

/* The largest message: one optional option fills it (§7, §7.3). There is room for 4 bytes more. */
static const uint8_t *largest_of(const uint8_t *message) {
    static uint8_t bytes[PH_PCP_SIZE_MAX + 4];
    memset(bytes, 0, sizeof bytes);
    with_tail(bytes, message, (const uint8_t[]){0x80, 0, 1036 >> 8, 1036 & 0xff}, 4);
    return bytes;
}

/* ---- Requests -------------------------------------------------------------------------------- */

static void map_request_is_written_and_read(void **state) {
    const struct ph_pcp_request request = a_map_request();
    struct ph_pcp_request again;
    uint8_t bytes[60];
    (void)state;
    assert_int_equal(ph_pcp_encode_request(&request, bytes, sizeof bytes), 60);
    assert_memory_equal(bytes, map_request, 60);
    assert_int_equal(ph_pcp_decode_request(map_request, 60, &again), 60);
    assert_request_equal(&again, &request);
    assert_int_equal(again.unknown_option, 0);
}

/* §5, §11.1: the all-zeros address is ::ffff:0.0.0.0 when IPv4 is meant, :: when IPv6 is. */
static void no_wish_is_the_zero_address_of_the_client_s_family(void **state) {
    struct ph_pcp_request request = a_map_request();
    uint8_t bytes[60];
    (void)state;
    request.map.external_addr = ph_addr_none;
    assert_int_equal(ph_pcp_encode_request(&request, bytes, sizeof bytes), 60);
    assert_memory_equal(bytes + 44, ((const uint8_t[16]){MAPPED}), 16);
    request.client_addr = (struct ph_addr){{0x20, 0x01, 0x0d, 0xb8, [15] = 5}};
    assert_int_equal(ph_pcp_encode_request(&request, bytes, sizeof bytes), 60);
    assert_memory_equal(bytes + 8, request.client_addr.b, 16);
    assert_memory_equal(bytes + 44, ph_addr_none.b, 16);
    request = a_map_request();
    request.map.external_addr = ph_addr_v4(203, 0, 113, 7);
    assert_int_equal(ph_pcp_encode_request(&request, bytes, sizeof bytes), 60);
    assert_memory_equal(bytes + 44, request.map.external_addr.b, 16);
}

static void prefer_failure_is_option_2_without_data(void **state) {
    struct ph_pcp_request request = a_map_request();
    struct ph_pcp_request again;
    uint8_t bytes[64];
    (void)state;
    request.prefer_failure = true;
    for (size_t size = 0; size < 64; size++)
        assert_int_equal(ph_pcp_encode_request(&request, bytes, size), PORTHOLE_ERR_TOO_LARGE);
    assert_int_equal(ph_pcp_encode_request(&request, bytes, 64), 64);
    assert_memory_equal(bytes, map_request, 60);
    assert_memory_equal(bytes + 60, "\2\0\0\0", 4);
    assert_int_equal(ph_pcp_decode_request(bytes, 64, &again), 64);
    assert_request_equal(&again, &request);
}

/* §14.1: no body, no lifetime. */
static void announce_request_is_a_header_alone(void **state) {
    static const uint8_t expected[24] = {2, 0, [8] = MAPPED, 10, 0, 0, 9};
    struct ph_pcp_request request = {.version = PH_PCP_VERSION,
                                     .opcode = PH_PCP_ANNOUNCE,
                                     .client_addr = ph_addr_v4(10, 0, 0, 9)};
    struct ph_pcp_request again;
    uint8_t bytes[24];
    (void)state;
    assert_int_equal(ph_pcp_encode_request(&request, bytes, sizeof bytes), 24);
    assert_memory_equal(bytes, expected, 24);
    assert_int_equal(ph_pcp_decode_request(bytes, sizeof bytes, &again), 24);
    assert_request_equal(&again, &request);
}

static void encoders_refuse_other_versions_and_opcodes(void **state) {
    static const uint8_t heads[][2] = {{0, PH_PCP_MAP}, {1, PH_PCP_MAP}, {3, 0}, {2, 128}};
    uint8_t bytes[60];
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        struct ph_pcp_request request = {.version = heads[i][0], .opcode = heads[i][1]};
        struct ph_pcp_response response = {.version = heads[i][0], .opcode = heads[i][1]};
        assert_int_equal(ph_pcp_encode_request(&request, bytes, 60), PORTHOLE_ERR_MALFORMED);
        assert_int_equal(ph_pcp_encode_response(&response, bytes, 60), PORTHOLE_ERR_MALFORMED);
    }
}

/* §9: a server must be able to tell the client which versions it speaks. */
static void request_of_another_version_is_its_first_two_bytes(void **state) {
    static const uint8_t heads[][4] = {{0, 0, 0xff, 0xff}, {1, 1, 0xff, 0xff}, {3, 2, 0xff, 0xff}};
    struct ph_pcp_request request;
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        for (size_t len = 2; len <= 4; len++) {
            assert_int_equal(ph_pcp_decode_request(heads[i], len, &request), 2);
            assert_int_equal(request.version, heads[i][0]);
            assert_int_equal(request.opcode, heads[i][1]);
        }
}

/* §8.2: dropped, whatever else is in it. */
static void answer_is_no_request(void **state) {
    struct ph_pcp_request request;
    (void)state;
    assert_int_equal(ph_pcp_decode_request(map_answer, 60, &request), PORTHOLE_ERR_MALFORMED);
    assert_int_equal(request.opcode, 0x81);
    assert_false(request.malformed_option);
    assert_int_equal(ph_pcp_decode_request((const uint8_t[]){1, 0x80}, 2, &request),
                     PORTHOLE_ERR_MALFORMED);
}

static void request_length_is_a_multiple_of_4_up_to_1100(void **state) {
    const uint8_t *bytes = largest_of(map_request);
    struct ph_pcp_request request;
    (void)state;
    assert_int_equal(ph_pcp_decode_request(bytes, 1100, &request), 1100);
    assert_int_equal(ph_pcp_decode_request(bytes, 1104, &request), PORTHOLE_ERR_TOO_LARGE);
    assert_int_equal(request.version, 2);
    assert_int_equal(request.opcode, PH_PCP_MAP);
    for (size_t len = 61; len < 64; len++) {
        assert_int_equal(ph_pcp_decode_request(bytes, len, &request), PORTHOLE_ERR_MALFORMED);
        assert_false(request.malformed_option);
        assert_int_equal(request.map.internal_port, 8080);
    }
}

static void request_of_an_unknown_opcode_is_its_header(void **state) {
    uint8_t bytes[80] = {2, PH_PCP_PEER, 0, 0, 0, 0, 0, 9, MAPPED, 10, 0, 0, 9};
    struct ph_pcp_request request;
    (void)state;
    memset(bytes + 24, 0xff, sizeof bytes - 24);
    assert_int_equal(ph_pcp_decode_request(bytes, sizeof bytes, &request), sizeof bytes);
    assert_int_equal(request.opcode, PH_PCP_PEER);
    assert_int_equal(request.lifetime_s, 9);
    assert_map_equal(&request.map, &(struct ph_pcp_map){.protocol = 0});
    assert_int_equal(request.unknown_option, 0);
}

/* ---- Options of requests, §7.3 --------------------------------------------------------------- */

static void unknown_optional_options_are_skipped(void **state) {
    /* Lengths 0, 1, 4 and 5, padded; then PREFER_FAILURE. */
    static const uint8_t tail[] = {128, 0, 0, 0, 129, 0xff, 0,    1,    0xee, 0, 0, 0,
                                   254, 0, 0, 4, 1,   2,    3,    4,    255,  0, 0, 5,
                                   2,   0, 0, 0, 2,   0xaa, 0xaa, 0xaa, 2,    0, 0, 0};
    struct ph_pcp_request request;
    uint8_t bytes[60 + sizeof tail];
    (void)state;
    size_t len = with_tail(bytes, map_request, tail, sizeof tail);
    assert_int_equal(ph_pcp_decode_request(bytes, len, &request), len);
    assert_true(request.prefer_failure);
    assert_int_equal(request.unknown_option, 0);
}

static void first_unknown_mandatory_option_is_told(void **state) {
    static const uint8_t tail[] = {2, 0, 0, 0, 200, 0, 0, 0, 127, 0, 0, 2, 9, 9, 0, 0, 3, 0, 0, 0};
    /* §13.2: PREFER_FAILURE is for MAP only. */
    static const uint8_t announce[28] = {2, 0, [8] = MAPPED, 10, 0, 0, 9, 2, 0, 0, 0};
    struct ph_pcp_request request;
    uint8_t bytes[60 + sizeof tail];
    (void)state;
    size_t len = with_tail(bytes, map_request, tail, sizeof tail);
    assert_int_equal(ph_pcp_decode_request(bytes, len, &request), len);
    assert_int_equal(request.unknown_option, 127);
    assert_true(request.prefer_failure);
    assert_int_equal(ph_pcp_decode_request(announce, sizeof announce, &request), sizeof announce);
    assert_int_equal(request.unknown_option, 2);
    assert_false(request.prefer_failure);
}

static void malformed_options_are_told_from_malformed_requests(void **state) {
    static const struct {
        size_t len;
        uint8_t tail[12];
    } cases[] = {
        {4, {128, 0, 0, 1}},             /* longer than the message, by its padded byte */
        {4, {128, 0, 0xff, 0xff}},       /* by far */
        {8, {128, 0, 0, 5, 1, 2, 3, 4}}, /* its padding is missing */
        {8, {128, 0, 0, 0, 2, 0, 0, 4}}, /* the second one */
        {8, {2, 0, 0, 4, 0, 0, 0, 0}},   /* §13.2: length 0 */
        {8, {2, 0, 0, 0, 2, 0, 0, 0}},   /* §13.2: at most once */
        {4, {0, 0, 0, 0}},               /* §19.4: reserved */
    };
    struct ph_pcp_request request;
    uint8_t bytes[72];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t len = with_tail(bytes, map_request, cases[i].tail, cases[i].len);
        assert_int_equal(ph_pcp_decode_request(bytes, len, &request), PORTHOLE_ERR_MALFORMED);
        assert_true(request.malformed_option);
        /* All that a server needs for its answer is there. */
        assert_memory_equal(request.map.nonce, map_request + 24, PH_PCP_NONCE_SIZE);
        assert_int_equal(request.map.external_port, 8081);
    }
}

/* ---- Answers --------------------------------------------------------------------------------- */

static void map_answer_is_read_and_written(void **state) {
    const struct ph_pcp_response expected = a_map_response();
    struct ph_pcp_response response;
    uint8_t bytes[60];
    (void)state;
    assert_int_equal(ph_pcp_decode_response(map_answer, 60, &response), 60);
    assert_response_equal(&response, &expected);
    assert_int_equal(ph_pcp_encode_response(&expected, bytes, sizeof bytes), 60);
    assert_memory_equal(bytes, map_answer, 60);
    for (size_t size = 0; size < 60; size++)
        assert_int_equal(ph_pcp_encode_response(&expected, bytes, size), PORTHOLE_ERR_TOO_LARGE);
}

/* §14.1.2: the answer that a restarted server sends to everybody. */
static void announce_answer_is_a_header_alone(void **state) {
    static const uint8_t announce[24] = {2, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5};
    struct ph_pcp_response response;
    uint8_t bytes[24];
    (void)state;
    assert_int_equal(ph_pcp_decode_response(announce, 24, &response), 24);
    assert_int_equal(response.epoch_s, 5);
    assert_int_equal(ph_pcp_encode_response(&response, bytes, sizeof bytes), 24);
    assert_memory_equal(bytes, announce, 24);
}

static void reserved_bytes_of_answers_are_not_looked_at(void **state) {
    const struct ph_pcp_response expected = a_map_response();
    struct ph_pcp_response response;
    uint8_t bytes[60];
    (void)state;
    memcpy(bytes, map_answer, 60);
    bytes[2] = 0xff;
    memset(bytes + 12, 0xff, 12);
    memset(bytes + 37, 0xff, 3);
    assert_int_equal(ph_pcp_decode_response(bytes, 60, &response), 60);
    assert_response_equal(&response, &expected);
}

static void request_or_other_version_is_no_answer(void **state) {
    struct ph_pcp_response response;
    uint8_t bytes[60];
    (void)state;
    assert_int_equal(ph_pcp_decode_response(map_request, 60, &response), PORTHOLE_ERR_MALFORMED);
    memcpy(bytes, map_answer, 60);
    for (unsigned version = 0; version < 256; version++) {
        bytes[0] = (uint8_t)version;
        assert_int_equal(ph_pcp_decode_response(bytes, 60, &response),
                         version == 2 ? 60 : PORTHOLE_ERR_MALFORMED);
    }
}

static void answer_length_is_a_multiple_of_4_up_to_1100(void **state) {
    const uint8_t *bytes = largest_of(map_answer);
    struct ph_pcp_response response;
    (void)state;
    assert_int_equal(ph_pcp_decode_response(bytes, 1100, &response), 1100);
    assert_int_equal(ph_pcp_decode_response(bytes, 1104, &response), PORTHOLE_ERR_TOO_LARGE);
    for (size_t len = 1097; len < 1100; len++)
        assert_int_equal(ph_pcp_decode_response(bytes, len, &response), PORTHOLE_ERR_MALFORMED);
}

/* §8.3: MALFORMED_OPTION may come with the very option that it is about. */
static void options_are_judged_in_a_grant_only(void **state) {
    static const uint8_t good[] = {2, 0, 0, 0, 7, 0, 0, 3, 1, 1, 1, 0};
    static const uint8_t bad[] = {2, 0, 0, 0, 7, 0, 0, 5, 1, 1, 1, 0};
    struct ph_pcp_response response;
    uint8_t bytes[72];
    (void)state;
    with_tail(bytes, map_answer, good, sizeof good);
    assert_int_equal(ph_pcp_decode_response(bytes, 72, &response), 72);
    with_tail(bytes, map_answer, bad, sizeof bad);
    assert_int_equal(ph_pcp_decode_response(bytes, 72, &response), PORTHOLE_ERR_MALFORMED);
    bytes[3] = PH_PCP_MALFORMED_OPTION;
    assert_int_equal(ph_pcp_decode_response(bytes, 72, &response), 72);
    assert_int_equal(response.result, PH_PCP_MALFORMED_OPTION);
}

static void refusal_may_be_a_header_alone(void **state) {
    const struct ph_pcp_map nothing = {.protocol = 0};
    struct ph_pcp_response response;
    uint8_t bytes[60];
    (void)state;
    memcpy(bytes, map_answer, 60);
    bytes[3] = PH_PCP_NO_RESOURCES;
    for (size_t len = 24; len < 60; len += 4) {
        assert_int_equal(ph_pcp_decode_response(bytes, len, &response), len);
        assert_int_equal(response.result, PH_PCP_NO_RESOURCES);
        assert_int_equal(response.lifetime_s, 3600);
        assert_map_equal(&response.map, &nothing);
    }
    assert_int_equal(ph_pcp_decode_response(bytes, 60, &response), 60);
    assert_memory_equal(response.map.nonce, map_answer + 24, PH_PCP_NONCE_SIZE);
}

/* RFC 6886 §3.5: a NAT-PMP server's answer to a version that it does not know; 8 bytes, but some
 * servers fill up to an address answer. Some routers copy the opcode, the RFC draws 0. */
static void natpmp_refusal_is_version_0(void **state) {
    static const uint8_t opcodes[] = {0, 128, 129};
    struct ph_pcp_response response;
    (void)state;
    for (size_t i = 0; i < sizeof opcodes; i++)
        for (size_t len = 8; len <= 16; len++) {
            const uint8_t bytes[16] = {0, opcodes[i], 0, 1, 0, 0, 0x12, 0x34, 10, 0, 0, 1};
            assert_int_equal(ph_pcp_decode_response(bytes, len, &response), len);
            assert_int_equal(response.version, 0);
            assert_int_equal(response.opcode, opcodes[i] & 0x7f);
            assert_int_equal(response.result, PH_PCP_UNSUPP_VERSION);
            assert_int_equal(response.epoch_s, 0);
        }
}

static void other_natpmp_answers_are_malformed(void **state) {
    static const uint8_t bad[][8] = {{0, 128, 0, 0}, {0, 128, 0, 5}, {0, 128, 1, 0},
                                     {0, 128, 1, 1}, {0, 130, 0, 1}, {0, 1, 0, 1},
                                     {0, 2, 0, 1},   {0, 255, 0, 1}};
    struct ph_pcp_response response;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(ph_pcp_decode_response(bad[i], 8, &response), PORTHOLE_ERR_MALFORMED);
    for (size_t len = 0; len < 8; len++)
        assert_int_equal(ph_pcp_decode_response((const uint8_t[8]){0, 129, 0, 1}, len, &response),
                         PORTHOLE_ERR_TRUNCATED);
}

/* ---- What a network does --------------------------------------------------------------------- */

static void check_truncated_request(const uint8_t *bytes, size_t len, size_t whole) {
    struct ph_pcp_request request;
    int n = ph_pcp_decode_request(bytes, len, &request);
    if (len == whole || len == 60) /* the rest is an option */
        assert_int_equal(n, len);
    else
        assert_int_equal(n, len < 60 ? PORTHOLE_ERR_TRUNCATED : PORTHOLE_ERR_MALFORMED);
    assert_int_equal(request.version, len >= 1 ? 2 : 0);
    assert_int_equal(request.opcode, len >= 2 ? PH_PCP_MAP : 0);
}

static void check_truncated_answer(const uint8_t *bytes, size_t len, size_t whole) {
    struct ph_pcp_response response;
    int n = ph_pcp_decode_response(bytes, len, &response);
    if (len == whole)
        assert_int_equal(n, len);
    else
        assert_int_equal(n, len < 24 || len % 4 == 0 ? PORTHOLE_ERR_TRUNCATED
                                                     : PORTHOLE_ERR_MALFORMED);
}

static void check_corrupt_request(const uint8_t *bytes, size_t len, size_t whole) {
    struct ph_pcp_request request, again;
    uint8_t written[64];
    (void)whole;
    int n = ph_pcp_decode_request(bytes, len, &request);
    if (n < 0) {
        assert_int_equal(n, PORTHOLE_ERR_MALFORMED);
        return;
    }
    assert_int_equal(n, request.version == PH_PCP_VERSION ? (int)len : 2);
    n = ph_pcp_encode_request(&request, written, sizeof written);
    if (request.version != PH_PCP_VERSION) {
        assert_int_equal(n, PORTHOLE_ERR_MALFORMED);
        return;
    }
    assert_int_equal(ph_pcp_decode_request(written, (size_t)n, &again), n);
    assert_request_equal(&again, &request);
}

static void check_corrupt_answer(const uint8_t *bytes, size_t len, size_t whole) {
    struct ph_pcp_response response, again;
    uint8_t written[60];
    (void)whole;
    int n = ph_pcp_decode_response(bytes, len, &response);
    if (n < 0) {
        assert_int_equal(n, PORTHOLE_ERR_MALFORMED);
        return;
    }
    assert_int_equal(n, len);
    n = ph_pcp_encode_response(&response, written, sizeof written);
    assert_int_equal(ph_pcp_decode_response(written, (size_t)n, &again), n);
    assert_response_equal(&again, &response);
}

static void messages_survive_what_a_network_does(void **state) {
    uint8_t request[64];
    (void)state;
    with_tail(request, map_request, (const uint8_t[]){2, 0, 0, 0}, 4);
    hostile_truncate(request, sizeof request, check_truncated_request);
    hostile_truncate(map_answer, sizeof map_answer, check_truncated_answer);
    hostile_corrupt(request, sizeof request, check_corrupt_request);
    hostile_corrupt(map_answer, sizeof map_answer, check_corrupt_answer);
}

/* ---- Result codes, §7.4 ---------------------------------------------------------------------- */

static void results_have_names_and_errors(void **state) {
#define ROW(result, error)                                                                         \
    { #result, PH_PCP_##result, PORTHOLE_ERR_##error }
    static const struct {
        const char *name;
        unsigned result;
        int error;
    } rows[] = {
        ROW(SUCCESS, REFUSED), /* never OK */
        ROW(UNSUPP_VERSION, UNSUPPORTED),
        ROW(NOT_AUTHORIZED, NOT_AUTHORIZED),
        ROW(MALFORMED_REQUEST, REFUSED),
        ROW(UNSUPP_OPCODE, UNSUPPORTED),
        ROW(UNSUPP_OPTION, UNSUPPORTED),
        ROW(MALFORMED_OPTION, REFUSED),
        ROW(NETWORK_FAILURE, NO_UPLINK),
        ROW(NO_RESOURCES, NO_RESOURCES),
        ROW(UNSUPP_PROTOCOL, UNSUPPORTED),
        ROW(USER_EX_QUOTA, NO_RESOURCES),
        ROW(CANNOT_PROVIDE_EXTERNAL, PORT_TAKEN),
        ROW(ADDRESS_MISMATCH, REFUSED),
        ROW(EXCESSIVE_REMOTE_PEERS, NO_RESOURCES),
        {"?", 14, PORTHOLE_ERR_REFUSED},
        {"?", 255, PORTHOLE_ERR_REFUSED},
    };
#undef ROW
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(rows[i].result == i || i == 15); /* in the order of §7.4, 0 to 14 */
        assert_string_equal(ph_pcp_result_name(rows[i].result), rows[i].name);
        assert_int_equal(ph_pcp_result_error(rows[i].result), rows[i].error);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(map_request_is_written_and_read),
        cmocka_unit_test(no_wish_is_the_zero_address_of_the_client_s_family),
        cmocka_unit_test(prefer_failure_is_option_2_without_data),
        cmocka_unit_test(announce_request_is_a_header_alone),
        cmocka_unit_test(encoders_refuse_other_versions_and_opcodes),
        cmocka_unit_test(request_of_another_version_is_its_first_two_bytes),
        cmocka_unit_test(answer_is_no_request),
        cmocka_unit_test(request_length_is_a_multiple_of_4_up_to_1100),
        cmocka_unit_test(request_of_an_unknown_opcode_is_its_header),
        cmocka_unit_test(unknown_optional_options_are_skipped),
        cmocka_unit_test(first_unknown_mandatory_option_is_told),
        cmocka_unit_test(malformed_options_are_told_from_malformed_requests),
        cmocka_unit_test(map_answer_is_read_and_written),
        cmocka_unit_test(announce_answer_is_a_header_alone),
        cmocka_unit_test(reserved_bytes_of_answers_are_not_looked_at),
        cmocka_unit_test(request_or_other_version_is_no_answer),
        cmocka_unit_test(answer_length_is_a_multiple_of_4_up_to_1100),
        cmocka_unit_test(options_are_judged_in_a_grant_only),
        cmocka_unit_test(refusal_may_be_a_header_alone),
        cmocka_unit_test(natpmp_refusal_is_version_0),
        cmocka_unit_test(other_natpmp_answers_are_malformed),
        cmocka_unit_test(messages_survive_what_a_network_does),
        cmocka_unit_test(results_have_names_and_errors),
    };
    return cmocka_run_group_tests_name("pcp", tests, NULL, NULL);
}
