/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_ssdp.c: SSDP datagrams against the UPnP Device Architecture 1.1 §1, and against what devices
 * and networks make of them.
 */
#include "wire/ssdp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "hostile.h"

#define SPAN_IS(span, text) assert_true(ph_span_equal((span), PH_SPAN(text)))

static int decode(const char *text, struct ph_ssdp_message *ret) {
    return ph_ssdp_decode(text, strlen(text), ret);
}

static void assert_refused(const char *text) {
    struct ph_ssdp_message message;
    if (decode(text, &message) != PORTHOLE_ERR_MALFORMED)
        fail_msg("taken: %s", text);
}

/* ---- Searching ------------------------------------------------------------------------------- */

/* §1.3.2 */
static void multicast_search_is_written_to_the_byte(void **state) {
    static const char expected[] = "M-SEARCH * HTTP/1.1\r\n"
                                   "HOST: 239.255.255.250:1900\r\n"
                                   "MAN: \"ssdp:discover\"\r\n"
                                   "MX: 2\r\n"
                                   "ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n"
                                   "\r\n";
    const struct ph_endpoint group = {ph_ssdp_group_v4, PH_SSDP_PORT};
    char bytes[256];
    (void)state;
    assert_int_equal(ph_ssdp_encode_search(&group, PH_SSDP_TARGET_IGD1, 2, bytes, sizeof bytes),
                     sizeof expected - 1);
    assert_memory_equal(bytes, expected, sizeof expected - 1);
}

/* §1.3.2: its HOST is the device, and it has no MX. */
static void unicast_search_has_no_mx(void **state) {
    static const char expected[] = "M-SEARCH * HTTP/1.1\r\n"
                                   "HOST: 192.168.1.1:1900\r\n"
                                   "MAN: \"ssdp:discover\"\r\n"
                                   "ST: ssdp:all\r\n"
                                   "\r\n";
    const struct ph_endpoint router = {ph_addr_v4(192, 168, 1, 1), PH_SSDP_PORT};
    char bytes[256];
    (void)state;
    assert_int_equal(ph_ssdp_encode_search(&router, PH_SSDP_TARGET_ALL, 0, bytes, sizeof bytes),
                     sizeof expected - 1);
    assert_memory_equal(bytes, expected, sizeof expected - 1);
    for (size_t size = 0; size < sizeof expected - 1; size++)
        assert_int_equal(ph_ssdp_encode_search(&router, PH_SSDP_TARGET_ALL, 0, bytes, size),
                         PORTHOLE_ERR_TOO_LARGE);
}

static void search_to_an_ipv6_host_has_brackets(void **state) {
    const struct ph_endpoint group = {{{0xff, 0x02, [15] = 0x0c}}, PH_SSDP_PORT};
    char bytes[256];
    (void)state;
    int n = ph_ssdp_encode_search(&group, PH_SSDP_TARGET_IGD2, 1, bytes, sizeof bytes);
    assert_true(n > 0);
    assert_memory_equal(bytes, "M-SEARCH * HTTP/1.1\r\nHOST: [ff02::c]:1900\r\n", 43);
}

static void search_is_read_by_the_gateway(void **state) {
    const struct ph_endpoint group = {ph_ssdp_group_v4, PH_SSDP_PORT};
    struct ph_ssdp_message message;
    char bytes[256];
    (void)state;
    int n = ph_ssdp_encode_search(&group, PH_SSDP_TARGET_IGD2, 5, bytes, sizeof bytes);
    assert_int_equal(ph_ssdp_decode(bytes, (size_t)n, &message), 0);
    assert_int_equal(message.type, PH_SSDP_SEARCH);
    SPAN_IS(message.target, PH_SSDP_TARGET_IGD2);
    assert_int_equal(message.mx_s, 5);
    assert_int_equal(message.location.len, 0);
}

/* §1.3.2: MAN is in quotes; servers answer no other search. */
static void search_without_a_quoted_man_is_refused(void **state) {
    (void)state;
    assert_refused("M-SEARCH * HTTP/1.1\r\nST: ssdp:all\r\n\r\n");
    assert_refused("M-SEARCH * HTTP/1.1\r\nMAN: ssdp:discover\r\nST: ssdp:all\r\n\r\n");
    assert_refused("M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:other\"\r\nST: ssdp:all\r\n\r\n");
    assert_refused("M-SEARCH /x HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\nST: ssdp:all\r\n\r\n");
}

/* ---- Answers --------------------------------------------------------------------------------- */

/* §1.3.3 */
static const char an_answer[] =
    "HTTP/1.1 200 OK\r\n"
    "CACHE-CONTROL: max-age=120\r\n"
    "ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n"
    "USN: uuid:a::urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n"
    "EXT:\r\n"
    "SERVER: Debian UPnP/1.1 MiniUPnPd/2.3.1\r\n"
    "LOCATION: http://192.168.1.1:5000/rootDesc.xml\r\n"
    "BOOTID.UPNP.ORG: 1700000000\r\n"
    "CONFIGID.UPNP.ORG: 1337\r\n"
    "\r\n";

static void answer_is_read(void **state) {
    struct ph_ssdp_message message;
    (void)state;
    assert_int_equal(decode(an_answer, &message), 0);
    assert_int_equal(message.type, PH_SSDP_ANSWER);
    SPAN_IS(message.target, PH_SSDP_TARGET_IGD1);
    SPAN_IS(message.usn, "uuid:a::" PH_SSDP_TARGET_IGD1);
    SPAN_IS(message.location, "http://192.168.1.1:5000/rootDesc.xml");
    SPAN_IS(message.server, "Debian UPnP/1.1 MiniUPnPd/2.3.1");
    assert_int_equal(message.boot_id, 1700000000);
    assert_int_equal(message.config_id, 1337);
    assert_int_equal(message.mx_s, 0);
}

/* Seen on routers: LF alone, no empty line at the end, any case, blanks around the values, none
 * behind the colon, HTTP/1.0, no reason. */
static void sloppy_answers_are_read(void **state) {
    static const char *const texts[] = {
        "HTTP/1.1 200 OK\nLocation: http://10.0.0.1/\nst: x\n\n",
        "HTTP/1.0 200 OK\r\nLOCATION:http://10.0.0.1/\r\nST:x",
        "HTTP/1.1 200\r\nlocation:\thttp://10.0.0.1/ \t\r\nSt:   x  \r\n",
        "HTTP/1.1  200  OK \r\nLOCATION: http://10.0.0.1/\r\nST: x\r\nST: x\r\n\r\n",
    };
    struct ph_ssdp_message message;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(decode(texts[i], &message), 0);
        assert_int_equal(message.type, PH_SSDP_ANSWER);
        SPAN_IS(message.location, "http://10.0.0.1/");
        SPAN_IS(message.target, "x");
        assert_int_equal(message.usn.len, 0);
        assert_int_equal(message.server.len, 0);
        assert_int_equal(message.boot_id, 0);
    }
}

static void headers_count_at_line_starts_only(void **state) {
    struct ph_ssdp_message message;
    (void)state;
    assert_int_equal(decode("HTTP/1.1 200 OK\r\n"
                            "SERVER: x LOCATION: http://10.6.6.6/ ST: evil\r\n"
                            "X-LOCATION: http://10.7.7.7/\r\n"
                            "ST: good\r\n"
                            "\r\n"
                            "LOCATION: http://10.8.8.8/\r\n",
                            &message),
                     0);
    assert_int_equal(message.location.len, 0);
    SPAN_IS(message.target, "good");
}

static void contradictions_are_refused(void **state) {
    struct ph_ssdp_message message;
    (void)state;
    assert_refused("HTTP/1.1 200 OK\r\nLOCATION: http://a/\r\nLOCATION: http://b/\r\n\r\n");
    assert_refused("HTTP/1.1 200 OK\r\nST: a\r\nST: b\r\n\r\n");
    assert_refused("HTTP/1.1 200 OK\r\nUSN: a\r\nUSN: b\r\n\r\n");
    assert_refused("NOTIFY * HTTP/1.1\r\nNTS: ssdp:alive\r\nNTS: ssdp:byebye\r\n\r\n");
    assert_refused("NOTIFY * HTTP/1.1\r\nNTS: ssdp:alive\r\nNT: a\r\nNT: b\r\n\r\n");
    /* Said twice is said once; and what decides nothing may contradict itself. */
    assert_int_equal(decode("HTTP/1.1 200 OK\r\nLOCATION: http://a/\r\nlocation: http://a/\r\n"
                            "SERVER: a\r\nSERVER: b\r\nBOOTID.UPNP.ORG: 1\r\n"
                            "BOOTID.UPNP.ORG: 2\r\n\r\n",
                            &message),
                     0);
    SPAN_IS(message.location, "http://a/");
    assert_int_equal(message.boot_id, 0);
}

static void what_is_no_ssdp_is_refused(void **state) {
    static const char with_nul[] = "HTTP/1.1 200 OK\r\nST: a\0b\r\n\r\n";
    struct ph_ssdp_message message;
    (void)state;
    assert_refused("");
    assert_refused("\r\n\r\n");
    assert_refused("HTTP/1.1 404 Not Found\r\nST: a\r\n\r\n");
    assert_refused("HTTP/1.1 2000 OK\r\nST: a\r\n\r\n");
    assert_refused("HTTP/1.1 20\r\nST: a\r\n\r\n");
    assert_refused("HTTP/1.\r\n200 OK\r\n");
    assert_refused("HTTP/2 200 OK\r\n\r\n");
    assert_refused("GET / HTTP/1.1\r\n\r\n");
    assert_refused(" HTTP\r\nHTTP/1.1 200 OK\r\n\r\n");
    assert_int_equal(ph_ssdp_decode(with_nul, sizeof with_nul - 1, &message),
                     PORTHOLE_ERR_MALFORMED);
    assert_int_equal(ph_ssdp_decode(NULL, 0, &message), PORTHOLE_ERR_MALFORMED);
}

static void datagram_has_a_largest_size(void **state) {
    static const char line[] = {'H', 'T', 'T', 'P', '/', '1', '.', '1', ' ', '2', '0', '0', '\n'};
    static char bytes[PH_SSDP_SIZE_MAX + 1];
    struct ph_ssdp_message message;
    (void)state;
    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes, line, sizeof line);
    assert_int_equal(ph_ssdp_decode(bytes, PH_SSDP_SIZE_MAX, &message), 0);
    assert_int_equal(ph_ssdp_decode(bytes, PH_SSDP_SIZE_MAX + 1, &message), PORTHOLE_ERR_TOO_LARGE);
}

static void numbers_that_are_none_count_as_absent(void **state) {
    static const char *const bad[] = {"", "-1", "0x10", "1 2", "4294967296", "abc"};
    char text[128];
    struct ph_ssdp_message message;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct ph_writer w;
        ph_writer_init(&w, text, sizeof text);
        ph_write_text(&w, "HTTP/1.1 200 OK\r\nBOOTID.UPNP.ORG: ");
        ph_write_text(&w, bad[i]);
        assert_int_equal(ph_ssdp_decode(text, (size_t)ph_writer_result(&w), &message), 0);
        assert_int_equal(message.boot_id, 0);
    }
    assert_int_equal(decode("HTTP/1.1 200 OK\r\nBOOTID.UPNP.ORG: 4294967295", &message), 0);
    assert_int_equal(message.boot_id, UINT32_MAX);
}

/* ---- Announcements --------------------------------------------------------------------------- */

/* §1.2 */
static void announcements_are_told_apart(void **state) {
    static const struct {
        const char *text;
        enum ph_ssdp_type type;
    } cases[] = {
        {"NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nNTS: ssdp:alive\r\nNT: n\r\n\r\n",
         PH_SSDP_ALIVE},
        {"NOTIFY * HTTP/1.1\r\nNT: n\r\nNTS: ssdp:byebye\r\nST: other\r\n\r\n", PH_SSDP_BYEBYE},
        {"notify * http/1.0\r\nnt:n\r\nnts:SSDP:UPDATE", PH_SSDP_UPDATE},
    };
    struct ph_ssdp_message message;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(decode(cases[i].text, &message), 0);
        assert_int_equal(message.type, cases[i].type);
        SPAN_IS(message.target, "n");
    }
    assert_refused("NOTIFY * HTTP/1.1\r\nNT: n\r\n\r\n");
    assert_refused("NOTIFY * HTTP/1.1\r\nNT: n\r\nNTS: ssdp:hello\r\n\r\n");
    assert_refused("NOTIFY * HTTP/1.1\r\nNT: n\r\nNTS: upnp:propchange\r\n\r\n");
}

/* ---- The gateway's side ---------------------------------------------------------------------- */

static const struct ph_ssdp_answer our_answer = {.target = PH_SSDP_TARGET_IGD1,
                                                 .usn = "uuid:a::" PH_SSDP_TARGET_IGD1,
                                                 .location = "http://127.0.0.1:5000/d.xml",
                                                 .server = "Linux UPnP/1.1 porthole/0.1",
                                                 .boot_id = 42,
                                                 .max_age_s = 1800};

static void assert_encodes(const struct ph_ssdp_answer *answer, const char *notify,
                           const char *expected) {
    char bytes[1024];
    size_t len = strlen(expected);
    assert_int_equal(ph_ssdp_encode_answer(answer, notify, bytes, sizeof bytes), len);
    assert_memory_equal(bytes, expected, len);
    for (size_t size = 0; size < len; size++)
        assert_int_equal(ph_ssdp_encode_answer(answer, notify, bytes, size),
                         PORTHOLE_ERR_TOO_LARGE);
}

static void answer_is_written_to_the_byte(void **state) {
    struct ph_ssdp_answer answer = our_answer;
    (void)state;
    assert_encodes(&answer, NULL,
                   "HTTP/1.1 200 OK\r\n"
                   "EXT:\r\n"
                   "ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n"
                   "USN: uuid:a::urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n"
                   "CACHE-CONTROL: max-age=1800\r\n"
                   "LOCATION: http://127.0.0.1:5000/d.xml\r\n"
                   "SERVER: Linux UPnP/1.1 porthole/0.1\r\n"
                   "BOOTID.UPNP.ORG: 42\r\n"
                   "\r\n");
}

static void announcement_is_written_to_the_byte(void **state) {
    struct ph_ssdp_answer answer = our_answer;
    (void)state;
    answer.boot_id = 0;
    assert_encodes(&answer, "ssdp:alive",
                   "NOTIFY * HTTP/1.1\r\n"
                   "HOST: 239.255.255.250:1900\r\n"
                   "NT: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n"
                   "NTS: ssdp:alive\r\n"
                   "USN: uuid:a::urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n"
                   "CACHE-CONTROL: max-age=1800\r\n"
                   "LOCATION: http://127.0.0.1:5000/d.xml\r\n"
                   "SERVER: Linux UPnP/1.1 porthole/0.1\r\n"
                   "\r\n");
}

/* §1.2.3 */
static void farewell_has_no_location(void **state) {
    (void)state;
    assert_encodes(&our_answer, "ssdp:byebye",
                   "NOTIFY * HTTP/1.1\r\n"
                   "HOST: 239.255.255.250:1900\r\n"
                   "NT: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n"
                   "NTS: ssdp:byebye\r\n"
                   "USN: uuid:a::urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n"
                   "BOOTID.UPNP.ORG: 42\r\n"
                   "\r\n");
}

static void what_is_written_reads_back(void **state) {
    static const char *const notifies[] = {NULL, "ssdp:alive", "ssdp:byebye"};
    static const enum ph_ssdp_type types[] = {PH_SSDP_ANSWER, PH_SSDP_ALIVE, PH_SSDP_BYEBYE};
    struct ph_ssdp_message message;
    char bytes[1024];
    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        int n = ph_ssdp_encode_answer(&our_answer, notifies[i], bytes, sizeof bytes);
        assert_int_equal(ph_ssdp_decode(bytes, (size_t)n, &message), 0);
        assert_int_equal(message.type, types[i]);
        assert_true(ph_span_equal(message.target, ph_span_of(our_answer.target)));
        assert_true(ph_span_equal(message.usn, ph_span_of(our_answer.usn)));
        assert_true(ph_span_equal(message.location, types[i] == PH_SSDP_BYEBYE
                                                        ? PH_SPAN("")
                                                        : ph_span_of(our_answer.location)));
        assert_int_equal(message.boot_id, 42);
    }
}

/* ---- Targets --------------------------------------------------------------------------------- */

static void gateways_are_known_by_target_and_usn(void **state) {
    static const char *const yes[] = {
        "urn:schemas-upnp-org:device:InternetGatewayDevice:1",
        "urn:schemas-upnp-org:device:InternetGatewayDevice:2",
        "urn:schemas-upnp-org:service:WANIPConnection:1",
        "urn:schemas-upnp-org:service:WANIPConnection:10",
        "urn:schemas-upnp-org:service:WANPPPConnection:1",
        "urn:dslforum-org:device:InternetGatewayDevice:1",
        "URN:Schemas-UPnP-org:Device:internetgatewaydevice:1",
        "uuid:00000000-0000::urn:schemas-upnp-org:service:WANIPConnection:1",
    };
    static const char *const no[] = {
        "",
        "ssdp:all",
        "upnp:rootdevice",
        "uuid:a",
        "uuid:a::upnp:rootdevice",
        "uuid:a:device:InternetGatewayDevice:1",
        "urn:",
        "urn:schemas-upnp-org",
        "urn:schemas-upnp-org:device:InternetGatewayDevice",
        "urn:schemas-upnp-org:device:InternetGatewayDevice:",
        "urn:schemas-upnp-org:device:InternetGatewayDevice:x",
        "urn:schemas-upnp-org:device:InternetGatewayDevice:1x",
        "urn:schemas-upnp-org:service:InternetGatewayDevice:1",
        "urn:schemas-upnp-org:device:WANIPConnection:1",
        "urn:schemas-upnp-org:device:WANDevice:1",
        "urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1",
        "urn:schemas-upnp-org:device:MediaServer:1",
        "x urn:schemas-upnp-org:device:InternetGatewayDevice:1",
    };
    (void)state;
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        if (!ph_ssdp_is_gateway(ph_span_of(yes[i])))
            fail_msg("no gateway: %s", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        if (ph_ssdp_is_gateway(ph_span_of(no[i])))
            fail_msg("a gateway: %s", no[i]);
    assert_false(ph_ssdp_is_gateway((struct ph_span){NULL, 0}));
}

/* ---- What a network does --------------------------------------------------------------------- */

/* Every span lies in the datagram and has no line end in it. */
static void check_span(struct ph_span span, const uint8_t *bytes, size_t len) {
    if (span.len == 0)
        return;
    const uint8_t *at = (const uint8_t *)span.at;
    assert_true(at >= bytes && at + span.len <= bytes + len);
    assert_null(memchr(at, '\n', span.len));
    assert_null(memchr(at, '\0', span.len));
}

static void check_datagram(const uint8_t *bytes, size_t len, size_t whole) {
    struct ph_ssdp_message message;
    int error = ph_ssdp_decode(bytes, len, &message);
    (void)whole;
    if (error != 0) {
        assert_int_equal(error, PORTHOLE_ERR_MALFORMED);
        return;
    }
    check_span(message.target, bytes, len);
    check_span(message.usn, bytes, len);
    check_span(message.location, bytes, len);
    check_span(message.server, bytes, len);
    (void)ph_ssdp_is_gateway(message.target);
    (void)ph_ssdp_is_gateway(message.usn);
}

static void datagrams_survive_truncation_at_every_byte(void **state) {
    (void)state;
    hostile_truncate((const uint8_t *)an_answer, sizeof an_answer - 1, check_datagram);
}

static void datagrams_survive_corruption_of_every_byte(void **state) {
    (void)state;
    hostile_corrupt((const uint8_t *)an_answer, sizeof an_answer - 1, check_datagram);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(multicast_search_is_written_to_the_byte),
        cmocka_unit_test(unicast_search_has_no_mx),
        cmocka_unit_test(search_to_an_ipv6_host_has_brackets),
        cmocka_unit_test(search_is_read_by_the_gateway),
        cmocka_unit_test(search_without_a_quoted_man_is_refused),
        cmocka_unit_test(answer_is_read),
        cmocka_unit_test(sloppy_answers_are_read),
        cmocka_unit_test(headers_count_at_line_starts_only),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(what_is_no_ssdp_is_refused),
        cmocka_unit_test(datagram_has_a_largest_size),
        cmocka_unit_test(numbers_that_are_none_count_as_absent),
        cmocka_unit_test(announcements_are_told_apart),
        cmocka_unit_test(answer_is_written_to_the_byte),
        cmocka_unit_test(announcement_is_written_to_the_byte),
        cmocka_unit_test(farewell_has_no_location),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(gateways_are_known_by_target_and_usn),
        cmocka_unit_test(datagrams_survive_truncation_at_every_byte),
        cmocka_unit_test(datagrams_survive_corruption_of_every_byte),
    };
    return cmocka_run_group_tests_name("ssdp", tests, NULL, NULL);
}
