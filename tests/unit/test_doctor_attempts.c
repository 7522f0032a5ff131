/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_doctor_attempts.c: packets that a client sends and receives become attempts: repetitions and
 * answers are told apart, raw codes are kept, and what a peer sends is printable.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/doctor_parts.h"

#define GATEWAY "192.168.1.1"
#define OTHER "192.168.1.3"

static struct ph_doctor_report report;
static struct ph_doctor_attempts attempts;

static int setup(void **state) {
    (void)state;
    report = (struct ph_doctor_report){.attempt_count = 0};
    attempts = (struct ph_doctor_attempts){.report = &report};
    return 0;
}

static void see(enum porthole_tap_type type, enum porthole_tap_channel channel, const char *peer,
                uint16_t port, const void *bytes, size_t len, double at_ms) {
    struct porthole_packet packet = {.size = sizeof packet,
                                     .type = type,
                                     .channel = channel,
                                     .port = port,
                                     .bytes = bytes,
                                     .len = len};
    ph_doctor_format(packet.peer, sizeof packet.peer, "%s", peer);
    ph_doctor_attempts_see(&attempts, &packet, at_ms);
}

static void see_control(enum porthole_tap_type type, const void *bytes, size_t len, double at_ms) {
    see(type, PORTHOLE_TAP_CONTROL, GATEWAY, 5351, bytes, len, at_ms);
}

static void see_search(enum porthole_tap_type type, const char *peer, const char *text,
                       double at_ms) {
    see(type, PORTHOLE_TAP_SEARCH, peer, 1900, text, strlen(text), at_ms);
}

static void see_failure(enum porthole_tap_channel channel, int error, double at_ms) {
    struct porthole_packet packet = {
        .size = sizeof packet, .type = PORTHOLE_TAP_FAILED, .channel = channel, .error = error};
    ph_doctor_attempts_see(&attempts, &packet, at_ms);
}

static void see_http(enum porthole_tap_type type, uint32_t exchange, unsigned status, int error,
                     const char *text, double at_ms) {
    bool is_sent = type == PORTHOLE_TAP_SENT;
    struct porthole_packet packet = {.size = sizeof packet,
                                     .type = type,
                                     .channel = PORTHOLE_TAP_HTTP,
                                     .exchange = exchange,
                                     .port = is_sent ? 5000 : 0,
                                     .status = status,
                                     .error = error,
                                     .bytes = text,
                                     .len = strlen(text)};
    if (is_sent)
        ph_doctor_format(packet.peer, sizeof packet.peer, GATEWAY);
    ph_doctor_attempts_see(&attempts, &packet, at_ms);
}

static const struct ph_doctor_attempt *only(void) {
    assert_int_equal(report.attempt_count, 1);
    return &report.attempts[0];
}

/* ---- PCP and NAT-PMP ------------------------------------------------------------------------- */

/* RFC 6887 §7.1, §11.1: version, opcode; lifetime; client; nonce, protocol, ports, address. */
static const uint8_t map_request[60] = {
    2,   1,   0, 0, 0, 0, 0, 60, 0, 0, 0, 0, 0, 0,  0,    0,    0,  0, 0xff, 0xff,
    192, 168, 1, 5, 1, 2, 3, 4,  5, 6, 7, 8, 9, 10, 11,   12,   17, 0, 0,    0,
    0,   9,   0, 9, 0, 0, 0, 0,  0, 0, 0, 0, 0, 0,  0xff, 0xff, 0,  0, 0,    0};
/* §7.2: result 0, 60 s, epoch 1000. */
static const uint8_t map_answer[60] = {2, 129, 0, 0,  0,  0,  0,  60, 0, 0,    0x03, 0xe8, 0, 0, 0,
                                       0, 0,   0, 0,  0,  0,  0,  0,  0, 1,    2,    3,    4, 5, 6,
                                       7, 8,   9, 10, 11, 12, 17, 0,  0, 0,    0,    9,    0, 9, 0,
                                       0, 0,   0, 0,  0,  0,  0,  0,  0, 0xff, 0xff, 1,    2, 3, 4};

static void a_repeated_request_is_one_attempt(void **state) {
    (void)state;
    see_control(PORTHOLE_TAP_SENT, map_request, sizeof map_request, 1);
    see_control(PORTHOLE_TAP_SENT, map_request, sizeof map_request, 251);
    see_control(PORTHOLE_TAP_RECEIVED, map_answer, sizeof map_answer, 260);
    const struct ph_doctor_attempt *one = only();
    assert_int_equal(one->method, PORTHOLE_PCP);
    assert_int_equal(one->outcome, PH_DOCTOR_OUTCOME_ANSWERED);
    assert_int_equal(one->send_count, 2);
    assert_true(one->send_ms[1] == 251 && one->start_ms == 1 && one->end_ms == 260);
    assert_int_equal(one->code, 0);
    assert_string_equal(one->what, "MAP udp 9 for 60 s");
    assert_string_equal(one->to, GATEWAY ":5351");
    assert_string_equal(one->from, GATEWAY ":5351");
    assert_string_equal(one->text, "granted 1.2.3.4 port 9 for 60 s, epoch 1000 s");
}

static void more_repetitions_than_there_is_room_for_are_counted(void **state) {
    (void)state;
    for (unsigned i = 0; i < PH_DOCTOR_SENDS_MAX + 3; i++)
        see_control(PORTHOLE_TAP_SENT, map_request, sizeof map_request, i);
    assert_int_equal(only()->send_count, PH_DOCTOR_SENDS_MAX + 3);
}

static void a_refusal_keeps_its_raw_code(void **state) {
    (void)state;
    uint8_t refusal[60];
    memcpy(refusal, map_answer, sizeof refusal);
    refusal[3] = 2; /* NOT_AUTHORIZED, §7.4 */
    see_control(PORTHOLE_TAP_SENT, map_request, sizeof map_request, 1);
    see_control(PORTHOLE_TAP_RECEIVED, refusal, sizeof refusal, 2);
    assert_int_equal(only()->outcome, PH_DOCTOR_OUTCOME_REFUSED);
    assert_int_equal(only()->code, 2);
    assert_string_equal(only()->text, "NOT_AUTHORIZED");
}

static void a_natpmp_server_refuses_pcp(void **state) {
    (void)state;
    static const uint8_t refusal[8] = {0, 129, 0, 1}; /* RFC 6886 §3.5, RFC 6887 §9 */
    see_control(PORTHOLE_TAP_SENT, map_request, sizeof map_request, 1);
    see_control(PORTHOLE_TAP_RECEIVED, refusal, sizeof refusal, 2);
    assert_int_equal(only()->method, PORTHOLE_PCP);
    assert_int_equal(only()->outcome, PH_DOCTOR_OUTCOME_REFUSED);
    assert_int_equal(only()->code, 1);
    assert_string_equal(only()->text, "UNSUPP_VERSION, by a NAT-PMP server");
}

static void an_answer_with_another_nonce_is_none(void **state) {
    (void)state;
    uint8_t other[60];
    memcpy(other, map_answer, sizeof other);
    other[24] = 99;
    see_control(PORTHOLE_TAP_SENT, map_request, sizeof map_request, 1);
    see_control(PORTHOLE_TAP_RECEIVED, other, sizeof other, 2);
    ph_doctor_attempts_end(&attempts, 3000);
    assert_int_equal(only()->outcome, PH_DOCTOR_OUTCOME_SILENT);
    assert_int_equal(only()->code, -1);
    assert_true(only()->end_ms == 3000);
}

static void natpmp_tells_its_address_and_maps(void **state) {
    (void)state;
    /* RFC 6886 §3.2, §3.3. */
    static const uint8_t ask[2] = {0, 0}, map[12] = {0, 2, 0, 0, 0x1f, 0x90, 0, 80, 0, 0, 0, 120};
    static const uint8_t address[12] = {0, 128, 0, 0, 0, 0, 0, 5, 1, 2, 3, 4};
    static const uint8_t mapped[16] = {0, 130, 0, 0, 0, 0, 0, 5, 0x1f, 0x90, 0, 81, 0, 0, 0, 60};
    see_control(PORTHOLE_TAP_SENT, ask, sizeof ask, 1);
    see_control(PORTHOLE_TAP_SENT, map, sizeof map, 1);
    see_control(PORTHOLE_TAP_RECEIVED, mapped, sizeof mapped, 2);
    see_control(PORTHOLE_TAP_RECEIVED, address, sizeof address, 3);
    assert_int_equal(report.attempt_count, 2);
    assert_string_equal(report.attempts[0].what, "external address");
    assert_string_equal(report.attempts[0].text, "1.2.3.4, epoch 5 s");
    assert_string_equal(report.attempts[1].what, "map tcp 8080 for 120 s");
    assert_string_equal(report.attempts[1].text, "granted external port 81 for 60 s, epoch 5 s");
    assert_true(report.attempts[0].end_ms == 3 && report.attempts[1].end_ms == 2);
}

static void a_closed_port_ends_all_that_was_asked_there(void **state) {
    (void)state;
    static const uint8_t ask[2] = {0, 0};
    see_control(PORTHOLE_TAP_SENT, map_request, sizeof map_request, 1);
    see_control(PORTHOLE_TAP_SENT, ask, sizeof ask, 1);
    see_search(PORTHOLE_TAP_SENT, GATEWAY, "M-SEARCH * HTTP/1.1\r\n\r\n", 1);
    see_failure(PORTHOLE_TAP_CONTROL, PORTHOLE_ERR_PORT_CLOSED, 2);
    assert_int_equal(report.attempts[0].outcome, PH_DOCTOR_OUTCOME_CLOSED);
    assert_int_equal(report.attempts[1].outcome, PH_DOCTOR_OUTCOME_CLOSED);
    assert_int_equal(report.attempts[2].outcome, PH_DOCTOR_OUTCOME_SILENT);
    assert_true(report.attempts[2].end_ms < 0);
}

static void what_follows_the_probe_belongs_to_the_trial(void **state) {
    (void)state;
    see_control(PORTHOLE_TAP_SENT, map_request, sizeof map_request, 1);
    attempts.is_trial = true;
    ph_doctor_attempts_end(&attempts, 2);
    see_control(PORTHOLE_TAP_RECEIVED, map_answer, sizeof map_answer, 3);
    assert_int_equal(only()->outcome, PH_DOCTOR_OUTCOME_ANSWERED); /* late, and still counted */
    assert_false(only()->is_trial);
    see_control(PORTHOLE_TAP_SENT, map_request, sizeof map_request, 4);
    assert_true(report.attempts[1].is_trial);
}

static void a_flood_is_counted_and_not_kept(void **state) {
    (void)state;
    uint8_t request[12] = {0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 120};
    for (unsigned i = 0; i < PH_DOCTOR_ATTEMPTS_MAX + 5; i++) {
        request[5] = (uint8_t)(i + 1);
        see_control(PORTHOLE_TAP_SENT, request, sizeof request, i);
    }
    assert_int_equal(report.attempt_count, PH_DOCTOR_ATTEMPTS_MAX);
    assert_int_equal(report.attempts_left_out, 5);
}

/* ---- UPnP ------------------------------------------------------------------------------------ */

static const char search_answer[] =
    "HTTP/1.1 200 OK\r\nST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n"
    "USN: uuid:1::urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n"
    "SERVER: Box\x1b[31m UPnP/1.0\r\nLOCATION: http://192.168.1.1:5000/desc.xml\r\n\r\n";
static const char description[] =
    "<root xmlns=\"urn:schemas-upnp-org:device-1-0\"><device>"
    "<deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:1</deviceType>"
    "<friendlyName>The Box</friendlyName><manufacturer>Maker</manufacturer>"
    "<modelName>B1</modelName><modelNumber>7</modelNumber><serviceList><service>"
    "<serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType>"
    "<controlURL>/ctl</controlURL></service></serviceList></device></root>";

static void a_search_is_one_attempt_to_all_whom_it_asks(void **state) {
    (void)state;
    for (unsigned wave = 0; wave < 2; wave++)
        for (unsigned i = 0; i < 6; i++)
            see_search(PORTHOLE_TAP_SENT, i < 3 ? GATEWAY : "239.255.255.250", "M-SEARCH",
                       wave * 250);
    see_search(PORTHOLE_TAP_RECEIVED, GATEWAY, search_answer, 300);
    see_search(PORTHOLE_TAP_RECEIVED, GATEWAY, search_answer, 301);
    assert_int_equal(only()->send_count, 2);
    assert_string_equal(only()->to, GATEWAY ":1900, 239.255.255.250:1900");
    assert_string_equal(only()->from, GATEWAY ":1900");
    assert_string_equal(only()->text, "described at http://192.168.1.1:5000/desc.xml");
    assert_true(only()->end_ms == 300);
    assert_int_equal(report.device_count, 1);
    assert_string_equal(report.devices[0].server, "Box?[31m UPnP/1.0");
}

static void the_group_answers_what_the_gateway_refused(void **state) {
    (void)state;
    see_search(PORTHOLE_TAP_SENT, GATEWAY, "M-SEARCH", 1);
    see_failure(PORTHOLE_TAP_SEARCH, PORTHOLE_ERR_PORT_CLOSED, 2);
    assert_int_equal(only()->outcome, PH_DOCTOR_OUTCOME_CLOSED);
    see_search(PORTHOLE_TAP_RECEIVED, OTHER, search_answer, 3);
    assert_int_equal(only()->outcome, PH_DOCTOR_OUTCOME_ANSWERED);
    assert_string_equal(report.devices[0].address, OTHER);
}

static void the_gateways_answer_counts_though_another_is_quicker(void **state) {
    (void)state;
    ph_doctor_format(report.gateway, sizeof report.gateway, GATEWAY);
    see_search(PORTHOLE_TAP_SENT, "239.255.255.250", "M-SEARCH", 1);
    see_search(PORTHOLE_TAP_RECEIVED, OTHER, search_answer, 2);
    assert_string_equal(only()->from, OTHER ":1900");
    see_search(PORTHOLE_TAP_RECEIVED, "192.168.1.4", search_answer, 3);
    assert_string_equal(only()->from, OTHER ":1900");
    see_search(PORTHOLE_TAP_RECEIVED, GATEWAY, search_answer, 4);
    assert_string_equal(only()->from, GATEWAY ":1900");
    assert_true(only()->end_ms == 4);
    assert_int_equal(report.device_count, 3);
}

static void printers_are_no_gateways(void **state) {
    (void)state;
    see_search(PORTHOLE_TAP_SENT, "239.255.255.250", "M-SEARCH", 1);
    see_search(PORTHOLE_TAP_RECEIVED, "192.168.1.9",
               "HTTP/1.1 200 OK\r\nST: urn:schemas-upnp-org:device:Printer:1\r\n"
               "USN: uuid:2\r\nLOCATION: http://192.168.1.9/\r\n\r\n",
               2);
    assert_int_equal(only()->outcome, PH_DOCTOR_OUTCOME_SILENT);
    assert_int_equal(report.device_count, 0);
}

static void a_description_names_the_device(void **state) {
    (void)state;
    see_search(PORTHOLE_TAP_SENT, GATEWAY, "M-SEARCH", 1);
    see_search(PORTHOLE_TAP_RECEIVED, GATEWAY, search_answer, 2);
    see_http(PORTHOLE_TAP_SENT, 7, 0, 0, "GET /desc.xml HTTP/1.1\r\nHost: x\r\n\r\n", 3);
    see_http(PORTHOLE_TAP_RECEIVED, 7, 200, 0, description, 4);
    assert_string_equal(report.devices[0].name, "The Box");
    assert_string_equal(report.devices[0].maker, "Maker");
    assert_string_equal(report.devices[0].model, "B1 7");
    assert_string_equal(report.devices[0].service, "WANIPConnection:1");
    assert_string_equal(report.attempts[1].what, "GET /desc.xml");
    assert_string_equal(report.attempts[1].text, "The Box, B1, 1 service for mappings");
    assert_int_equal(report.attempts[1].code, 200);
}

static void a_fault_keeps_its_error_code(void **state) {
    (void)state;
    see_http(PORTHOLE_TAP_SENT, 9, 0, 0,
             "POST /ctl HTTP/1.1\r\nHost: x\r\nContent-Length: 241\r\n\r\n"
             "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>"
             "<u:AddPortMapping xmlns:u=\"x\"><NewExternalPort>8080</NewExternalPort>"
             "<NewProtocol>TCP</NewProtocol><NewLeaseDuration>120</NewLeaseDuration>"
             "</u:AddPortMapping></s:Body></s:Envelope>",
             1);
    see_http(PORTHOLE_TAP_RECEIVED, 9, 500, 0,
             "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><s:Fault>"
             "<detail><UPnPError><errorCode>718</errorCode></UPnPError></detail></s:Fault></s:Body>"
             "</s:Envelope>",
             2);
    assert_string_equal(only()->what, "AddPortMapping TCP 8080 for 120 s");
    assert_int_equal(only()->outcome, PH_DOCTOR_OUTCOME_REFUSED);
    assert_int_equal(only()->code, 718);
    assert_string_equal(only()->text, "ConflictInMappingEntry");
}

static void an_exchange_may_fail_or_be_dropped(void **state) {
    (void)state;
    for (uint32_t i = 1; i <= 4; i++)
        see_http(PORTHOLE_TAP_SENT, i, 0, 0, "GET /d HTTP/1.1\r\nHost: x\r\n\r\n", 1);
    see_http(PORTHOLE_TAP_FAILED, 1, 0, PORTHOLE_ERR_PORT_CLOSED, "", 2);
    see_http(PORTHOLE_TAP_FAILED, 2, 0, PORTHOLE_ERR_TIMEOUT, "", 3);
    see_http(PORTHOLE_TAP_DROPPED, 3, 0, 0, "", 4);
    see_http(PORTHOLE_TAP_RECEIVED, 4, 404, 0, "", 5);
    assert_int_equal(report.attempts[0].outcome, PH_DOCTOR_OUTCOME_CLOSED);
    assert_int_equal(report.attempts[1].outcome, PH_DOCTOR_OUTCOME_SILENT);
    assert_int_equal(report.attempts[2].outcome, PH_DOCTOR_OUTCOME_DROPPED);
    assert_int_equal(report.attempts[3].outcome, PH_DOCTOR_OUTCOME_REFUSED);
    assert_int_equal(report.attempts[3].code, 404);
    assert_string_equal(report.attempts[3].text, "HTTP status 404");
}

static void nonsense_is_no_answer(void **state) {
    (void)state;
    see_control(PORTHOLE_TAP_SENT, map_request, sizeof map_request, 1);
    see_control(PORTHOLE_TAP_RECEIVED, "", 0, 2);
    see_control(PORTHOLE_TAP_RECEIVED, "\377\377\377\377\377\377\377\377", 8, 2);
    see_control(PORTHOLE_TAP_SENT, "", 0, 3);
    see_search(PORTHOLE_TAP_RECEIVED, GATEWAY, "\1\2\3", 4);
    see_http(PORTHOLE_TAP_RECEIVED, 77, 200, 0, "<", 5);
    assert_int_equal(only()->outcome, PH_DOCTOR_OUTCOME_SILENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_repeated_request_is_one_attempt, setup),
        cmocka_unit_test_setup(more_repetitions_than_there_is_room_for_are_counted, setup),
        cmocka_unit_test_setup(a_refusal_keeps_its_raw_code, setup),
        cmocka_unit_test_setup(a_natpmp_server_refuses_pcp, setup),
        cmocka_unit_test_setup(an_answer_with_another_nonce_is_none, setup),
        cmocka_unit_test_setup(natpmp_tells_its_address_and_maps, setup),
        cmocka_unit_test_setup(a_closed_port_ends_all_that_was_asked_there, setup),
        cmocka_unit_test_setup(what_follows_the_probe_belongs_to_the_trial, setup),
        cmocka_unit_test_setup(a_flood_is_counted_and_not_kept, setup),
        cmocka_unit_test_setup(a_search_is_one_attempt_to_all_whom_it_asks, setup),
        cmocka_unit_test_setup(the_group_answers_what_the_gateway_refused, setup),
        cmocka_unit_test_setup(the_gateways_answer_counts_though_another_is_quicker, setup),
        cmocka_unit_test_setup(printers_are_no_gateways, setup),
        cmocka_unit_test_setup(a_description_names_the_device, setup),
        cmocka_unit_test_setup(a_fault_keeps_its_error_code, setup),
        cmocka_unit_test_setup(an_exchange_may_fail_or_be_dropped, setup),
        cmocka_unit_test_setup(nonsense_is_no_answer, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
