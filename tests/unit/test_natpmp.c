/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_natpmp.c: NAT-PMP messages against bytes written out from RFC 6886, and against what
 * networks and routers make of them.
 */
#include "wire/natpmp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "hostile.h"

/* §3.2 */
static const uint8_t address_request[2] = {0, 0};
static const uint8_t address_answer[12] = {
    0,    128,  0,    0,    /* version, opcode, SUCCESS */
    0x00, 0x01, 0xe2, 0x40, /* epoch 123456 */
    203,  0,    113,  7,    /* external address */
};

/* §3.3 */
static const uint8_t map_request[12] = {
    0,    2,    0,    0,    /* version, map TCP, reserved */
    0x1f, 0x90, 0x1f, 0x91, /* internal port 8080, suggested 8081 */
    0x00, 0x00, 0x1c, 0x20, /* lifetime 7200 */
};
static const uint8_t map_answer[16] = {
    0,    130,  0,    0,    /* version, opcode, SUCCESS */
    0x00, 0x01, 0xe2, 0x40, /* epoch 123456 */
    0x1f, 0x90, 0x9c, 0x40, /* internal port 8080, mapped 40000 */
    0x00, 0x00, 0x0e, 0x10, /* lifetime 3600 */
};

static const struct ph_natpmp_request a_map_request = {
    .opcode = PH_NATPMP_MAP_TCP, .internal_port = 8080, .external_port = 8081, .lifetime_s = 7200};
static const struct ph_natpmp_response a_map_response = {.opcode = PH_NATPMP_MAP_TCP,
                                                         .epoch_s = 123456,
                                                         .internal_port = 8080,
                                                         .external_port = 40000,
                                                         .lifetime_s = 3600};

static struct ph_natpmp_response an_address_response(void) {
    return (struct ph_natpmp_response){.opcode = PH_NATPMP_ADDRESS,
                                       .epoch_s = 123456,
                                       .external_addr = ph_addr_v4(203, 0, 113, 7)};
}

static void assert_request_equal(const struct ph_natpmp_request *a,
                                 const struct ph_natpmp_request *b) {
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->opcode, b->opcode);
    assert_int_equal(a->internal_port, b->internal_port);
    assert_int_equal(a->external_port, b->external_port);
    assert_int_equal(a->lifetime_s, b->lifetime_s);
}

static void assert_response_equal(const struct ph_natpmp_response *a,
                                  const struct ph_natpmp_response *b) {
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->opcode, b->opcode);
    assert_int_equal(a->result, b->result);
    assert_int_equal(a->epoch_s, b->epoch_s);
    assert_memory_equal(a->external_addr.b, b->external_addr.b, 16);
    assert_int_equal(a->internal_port, b->internal_port);
    assert_int_equal(a->external_port, b->external_port);
    assert_int_equal(a->lifetime_s, b->lifetime_s);
}

/* ---- Requests -------------------------------------------------------------------------------- */

static void address_request_is_two_bytes(void **state) {
    const struct ph_natpmp_request request = {.opcode = PH_NATPMP_ADDRESS};
    struct ph_natpmp_request again;
    uint8_t bytes[2] = {0xee, 0xee};
    (void)state;
    assert_int_equal(ph_natpmp_encode_request(&request, bytes, sizeof bytes), 2);
    assert_memory_equal(bytes, address_request, 2);
    assert_int_equal(ph_natpmp_decode_request(bytes, 2, &again), 2);
    assert_request_equal(&again, &request);
}

static void map_request_is_written_and_read(void **state) {
    struct ph_natpmp_request again;
    uint8_t bytes[12];
    (void)state;
    assert_int_equal(ph_natpmp_encode_request(&a_map_request, bytes, sizeof bytes), 12);
    assert_memory_equal(bytes, map_request, 12);
    assert_int_equal(ph_natpmp_decode_request(map_request, 12, &again), 12);
    assert_request_equal(&again, &a_map_request);
    for (size_t size = 0; size < 12; size++)
        assert_int_equal(ph_natpmp_encode_request(&a_map_request, bytes, size),
                         PORTHOLE_ERR_TOO_LARGE);
}

static void udp_is_opcode_1(void **state) {
    struct ph_natpmp_request request = a_map_request;
    uint8_t bytes[12];
    (void)state;
    request.opcode = PH_NATPMP_MAP_UDP;
    assert_int_equal(ph_natpmp_encode_request(&request, bytes, sizeof bytes), 12);
    assert_int_equal(bytes[1], 1);
}

static void reserved_and_surplus_bytes_are_not_looked_at(void **state) {
    uint8_t bytes[20];
    struct ph_natpmp_request request;
    struct ph_natpmp_response response;
    (void)state;
    memset(bytes, 0xff, sizeof bytes);
    memcpy(bytes, map_request, 12);
    bytes[2] = bytes[3] = 0xff;
    assert_int_equal(ph_natpmp_decode_request(bytes, sizeof bytes, &request), 12);
    assert_request_equal(&request, &a_map_request);
    memset(bytes, 0xff, sizeof bytes);
    memcpy(bytes, map_answer, 16);
    assert_int_equal(ph_natpmp_decode_response(bytes, sizeof bytes, &response), 16);
    assert_response_equal(&response, &a_map_response);
}

/* §3.5: what a server has to answer, it must be able to read. */
static void unknown_requests_are_their_first_two_bytes(void **state) {
    struct ph_natpmp_request request;
    (void)state;
    assert_int_equal(ph_natpmp_decode_request((const uint8_t[]){2, 1, 9, 9}, 4, &request), 2);
    assert_int_equal(request.version, 2);
    assert_int_equal(request.opcode, 1);
    assert_int_equal(ph_natpmp_decode_request((const uint8_t[]){0, 3, 9, 9}, 4, &request), 2);
    assert_int_equal(request.version, 0);
    assert_int_equal(request.opcode, 3);
    assert_int_equal(request.internal_port, 0);
}

/* §3.5: ignored silently. */
static void answer_is_no_request(void **state) {
    struct ph_natpmp_request request;
    (void)state;
    assert_int_equal(ph_natpmp_decode_request(map_answer, 16, &request), PORTHOLE_ERR_MALFORMED);
}

static void encoders_refuse_other_versions_and_opcodes(void **state) {
    struct ph_natpmp_request request = a_map_request;
    struct ph_natpmp_response response = a_map_response;
    uint8_t bytes[16];
    (void)state;
    request.version = response.version = 2;
    assert_int_equal(ph_natpmp_encode_request(&request, bytes, 16), PORTHOLE_ERR_MALFORMED);
    assert_int_equal(ph_natpmp_encode_response(&response, bytes, 16), PORTHOLE_ERR_MALFORMED);
    request.version = response.version = 0;
    request.opcode = response.opcode = 128;
    assert_int_equal(ph_natpmp_encode_request(&request, bytes, 16), PORTHOLE_ERR_MALFORMED);
    assert_int_equal(ph_natpmp_encode_response(&response, bytes, 16), PORTHOLE_ERR_MALFORMED);
}

/* ---- Answers --------------------------------------------------------------------------------- */

static void address_answer_is_read_and_written(void **state) {
    const struct ph_natpmp_response expected = an_address_response();
    struct ph_natpmp_response response;
    uint8_t bytes[12];
    (void)state;
    assert_int_equal(ph_natpmp_decode_response(address_answer, 12, &response), 12);
    assert_response_equal(&response, &expected);
    assert_int_equal(ph_natpmp_encode_response(&expected, bytes, sizeof bytes), 12);
    assert_memory_equal(bytes, address_answer, 12);
    for (size_t size = 0; size < 12; size++)
        assert_int_equal(ph_natpmp_encode_response(&expected, bytes, size), PORTHOLE_ERR_TOO_LARGE);
}

static void map_answer_is_read_and_written(void **state) {
    struct ph_natpmp_response response;
    uint8_t bytes[16];
    (void)state;
    assert_int_equal(ph_natpmp_decode_response(map_answer, 16, &response), 16);
    assert_response_equal(&response, &a_map_response);
    assert_int_equal(ph_natpmp_encode_response(&a_map_response, bytes, sizeof bytes), 16);
    assert_memory_equal(bytes, map_answer, 16);
    for (size_t size = 0; size < 16; size++)
        assert_int_equal(ph_natpmp_encode_response(&a_map_response, bytes, size),
                         PORTHOLE_ERR_TOO_LARGE);
}

static void address_answer_must_be_ipv4(void **state) {
    struct ph_natpmp_response response = an_address_response();
    uint8_t bytes[12];
    (void)state;
    response.external_addr = ph_addr_none;
    assert_int_equal(ph_natpmp_encode_response(&response, bytes, 12), PORTHOLE_ERR_MALFORMED);
}

static void request_or_other_version_is_no_answer(void **state) {
    struct ph_natpmp_response response;
    uint8_t bytes[16];
    (void)state;
    assert_int_equal(ph_natpmp_decode_response(map_request, 12, &response), PORTHOLE_ERR_MALFORMED);
    memcpy(bytes, map_answer, 16);
    bytes[0] = 2;
    assert_int_equal(ph_natpmp_decode_response(bytes, 16, &response), PORTHOLE_ERR_MALFORMED);
    /* A grant of what we have no word for. */
    assert_int_equal(ph_natpmp_decode_response((const uint8_t[16]){0, 131}, 16, &response),
                     PORTHOLE_ERR_MALFORMED);
}

static void refusal_is_read_as_far_as_it_goes(void **state) {
    struct ph_natpmp_response response;
    uint8_t bytes[16];
    (void)state;
    memcpy(bytes, map_answer, 16);
    bytes[3] = PH_NATPMP_OUT_OF_RESOURCES;
    for (size_t len = 4; len <= 16; len++) {
        int n = ph_natpmp_decode_response(bytes, len, &response);
        assert_in_range(n, 4, len);
        assert_int_equal(response.opcode, PH_NATPMP_MAP_TCP);
        assert_int_equal(response.result, PH_NATPMP_OUT_OF_RESOURCES);
        assert_int_equal(response.epoch_s, len >= 8 ? 123456 : 0);
        assert_int_equal(response.internal_port, len >= 10 ? 8080 : 0);
        assert_int_equal(response.external_port, len >= 12 ? 40000 : 0);
        assert_int_equal(response.lifetime_s, len >= 16 ? 3600 : 0);
    }
}

/* §3.2: on an error the address is undefined. */
static void refused_address_is_none(void **state) {
    struct ph_natpmp_response response;
    uint8_t bytes[12];
    (void)state;
    memcpy(bytes, address_answer, 12);
    bytes[3] = PH_NATPMP_NETWORK_FAILURE;
    assert_int_equal(ph_natpmp_decode_response(bytes, 12, &response), 8);
    assert_true(ph_addr_equal(&response.external_addr, &ph_addr_none));
    assert_int_equal(response.epoch_s, 123456);
    response.external_addr = ph_addr_v4(203, 0, 113, 7);
    assert_int_equal(ph_natpmp_encode_response(&response, bytes, 12), 12);
    assert_memory_equal(bytes + 8, "\0\0\0\0", 4);
}

/* §3.5. Some routers send no more than these 8 bytes for any error. */
static void unsupported_version_is_eight_bytes(void **state) {
    static const uint8_t expected[8] = {0, 129, 0, 1, 0, 0, 0x12, 0x34};
    const struct ph_natpmp_response response = {
        .opcode = PH_NATPMP_MAP_UDP, .result = PH_NATPMP_UNSUPP_VERSION, .epoch_s = 0x1234};
    struct ph_natpmp_response again;
    uint8_t bytes[16];
    (void)state;
    assert_int_equal(ph_natpmp_encode_response(&response, bytes, sizeof bytes), 8);
    assert_memory_equal(bytes, expected, 8);
    assert_in_range(ph_natpmp_decode_response(expected, 8, &again), 4, 8);
    assert_response_equal(&again, &response);
}

/* §3.5: the request comes back with the result in it; its ports must not be taken for a clock. */
static void unsupported_opcode_has_no_epoch(void **state) {
    static const uint8_t echo[12] = {0, 130, 0, 5, 0x1f, 0x90, 0x1f, 0x91, 0, 0, 0x1c, 0x20};
    const struct ph_natpmp_response expected = {.opcode = PH_NATPMP_MAP_TCP,
                                                .result = PH_NATPMP_UNSUPP_OPCODE};
    struct ph_natpmp_response response = {
        .opcode = 3, .result = PH_NATPMP_UNSUPP_OPCODE, .epoch_s = 7};
    uint8_t bytes[16];
    (void)state;
    assert_int_equal(ph_natpmp_encode_response(&response, bytes, sizeof bytes), 8);
    assert_memory_equal(bytes, "\0\x83\0\5\0\0\0\7", 8);
    assert_int_equal(ph_natpmp_decode_response(echo, 12, &response), 4);
    assert_response_equal(&response, &expected);
}

/* ---- What a network does --------------------------------------------------------------------- */

static void check_truncated_request(const uint8_t *bytes, size_t len, size_t whole) {
    struct ph_natpmp_request request;
    assert_int_equal(ph_natpmp_decode_request(bytes, len, &request),
                     len == whole ? (int)len : PORTHOLE_ERR_TRUNCATED);
}

static void check_truncated_answer(const uint8_t *bytes, size_t len, size_t whole) {
    struct ph_natpmp_response response;
    assert_int_equal(ph_natpmp_decode_response(bytes, len, &response),
                     len == whole ? (int)len : PORTHOLE_ERR_TRUNCATED);
}

static void check_corrupt_request(const uint8_t *bytes, size_t len, size_t whole) {
    struct ph_natpmp_request request, again;
    uint8_t written[PH_NATPMP_SIZE_MAX];
    (void)whole;
    int n = ph_natpmp_decode_request(bytes, len, &request);
    if (n < 0) {
        assert_true(n == PORTHOLE_ERR_MALFORMED || n == PORTHOLE_ERR_TRUNCATED);
        return;
    }
    int written_len = ph_natpmp_encode_request(&request, written, sizeof written);
    if (request.version != PH_NATPMP_VERSION) {
        assert_int_equal(n, 2);
        assert_int_equal(written_len, PORTHOLE_ERR_MALFORMED);
        return;
    }
    assert_int_equal(written_len, n);
    assert_int_equal(ph_natpmp_decode_request(written, (size_t)n, &again), n);
    assert_request_equal(&again, &request);
}

static void check_corrupt_answer(const uint8_t *bytes, size_t len, size_t whole) {
    struct ph_natpmp_response response, again;
    uint8_t written[PH_NATPMP_SIZE_MAX];
    (void)whole;
    int n = ph_natpmp_decode_response(bytes, len, &response);
    if (n < 0) {
        assert_true(n == PORTHOLE_ERR_MALFORMED || n == PORTHOLE_ERR_TRUNCATED);
        return;
    }
    assert_in_range(n, 4, len);
    n = ph_natpmp_encode_response(&response, written, sizeof written);
    assert_in_range(n, 8, sizeof written);
    assert_true(ph_natpmp_decode_response(written, (size_t)n, &again) > 0);
    assert_response_equal(&again, &response);
}

static void messages_survive_truncation_at_every_byte(void **state) {
    (void)state;
    hostile_truncate(address_request, sizeof address_request, check_truncated_request);
    hostile_truncate(map_request, sizeof map_request, check_truncated_request);
    hostile_truncate(address_answer, sizeof address_answer, check_truncated_answer);
    hostile_truncate(map_answer, sizeof map_answer, check_truncated_answer);
}

static void messages_survive_corruption_of_every_byte(void **state) {
    (void)state;
    hostile_corrupt(address_request, sizeof address_request, check_corrupt_request);
    hostile_corrupt(map_request, sizeof map_request, check_corrupt_request);
    hostile_corrupt(address_answer, sizeof address_answer, check_corrupt_answer);
    hostile_corrupt(map_answer, sizeof map_answer, check_corrupt_answer);
}

/* ---- Result codes, §3.5 ---------------------------------------------------------------------- */

static void results_have_names_and_errors(void **state) {
    static const struct {
        const char *name;
        unsigned result;
        int error;
    } cases[] = {
        {"UNSUPP_VERSION", 1, PORTHOLE_ERR_UNSUPPORTED},
        {"NOT_AUTHORIZED", 2, PORTHOLE_ERR_NOT_AUTHORIZED},
        {"NETWORK_FAILURE", 3, PORTHOLE_ERR_NO_UPLINK},
        {"OUT_OF_RESOURCES", 4, PORTHOLE_ERR_NO_RESOURCES},
        {"UNSUPP_OPCODE", 5, PORTHOLE_ERR_UNSUPPORTED},
        {"?", 6, PORTHOLE_ERR_REFUSED},
        {"?", 65535, PORTHOLE_ERR_REFUSED},
    };
    (void)state;
    assert_string_equal(ph_natpmp_result_name(0), "SUCCESS");
    assert_int_not_equal(ph_natpmp_result_error(0), PORTHOLE_ERR_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(ph_natpmp_result_name(cases[i].result), cases[i].name);
        assert_int_equal(ph_natpmp_result_error(cases[i].result), cases[i].error);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(address_request_is_two_bytes),
        cmocka_unit_test(map_request_is_written_and_read),
        cmocka_unit_test(udp_is_opcode_1),
        cmocka_unit_test(reserved_and_surplus_bytes_are_not_looked_at),
        cmocka_unit_test(unknown_requests_are_their_first_two_bytes),
        cmocka_unit_test(answer_is_no_request),
        cmocka_unit_test(encoders_refuse_other_versions_and_opcodes),
        cmocka_unit_test(address_answer_is_read_and_written),
        cmocka_unit_test(map_answer_is_read_and_written),
        cmocka_unit_test(address_answer_must_be_ipv4),
        cmocka_unit_test(request_or_other_version_is_no_answer),
        cmocka_unit_test(refusal_is_read_as_far_as_it_goes),
        cmocka_unit_test(refused_address_is_none),
        cmocka_unit_test(unsupported_version_is_eight_bytes),
        cmocka_unit_test(unsupported_opcode_has_no_epoch),
        cmocka_unit_test(messages_survive_truncation_at_every_byte),
        cmocka_unit_test(messages_survive_corruption_of_every_byte),
        cmocka_unit_test(results_have_names_and_errors),
    };
    return cmocka_run_group_tests_name("natpmp", tests, NULL, NULL);
}
