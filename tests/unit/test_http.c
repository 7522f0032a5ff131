/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_http.c: header blocks and requests (src/wire/http.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <porthole/porthole.h>

#include "wire/http.h"

/* ---- Header blocks --------------------------------------------------------------------------- */

/* The value as a string; NULL when the header is not there. */
static const char *find(struct ph_span head, const char *name, bool *ret_conflict) {
    static char text[256];
    struct ph_span value = {NULL, 0};
    if (!ph_http_find_header(head, ph_span_of(name), &value, ret_conflict))
        return NULL;
    assert_true(value.len < sizeof text);
    memcpy(text, value.at, value.len);
    text[value.len] = '\0';
    return text;
}

static void header_is_found_without_case_and_trimmed(void **state) {
    struct ph_span head = PH_SPAN("HTTP/1.1 200 OK\r\n"
                                  "LOCATION: http://10.0.0.1/\r\n"
                                  "st:upnp:rootdevice\r\n"
                                  "Usn \t:\t uuid:1 \t\r\n"
                                  "EXT:\r\n"
                                  "Last: x");
    (void)state;
    assert_string_equal(find(head, "Location", NULL), "http://10.0.0.1/");
    assert_string_equal(find(head, "ST", NULL), "upnp:rootdevice");
    assert_string_equal(find(head, "USN", NULL), "uuid:1");
    assert_string_equal(find(head, "ext", NULL), "");
    assert_string_equal(find(head, "last", NULL), "x");
    assert_null(find(head, "Server", NULL));
}

static void lines_may_end_in_lf(void **state) {
    struct ph_span head = PH_SPAN("NOTIFY * HTTP/1.1\nNT: a\nUSN: b\n\n");
    (void)state;
    assert_string_equal(find(head, "nt", NULL), "a");
    assert_string_equal(find(head, "usn", NULL), "b");
}

static void name_counts_at_line_starts_only(void **state) {
    struct ph_span head = PH_SPAN("GET / HTTP/1.1 Location: a\r\n"
                                  "User-Agent: x Location: b\r\n"
                                  "X-Location: c\r\n"
                                  "Location2: d\r\n"
                                  " Location: e\r\n"
                                  "\tLocation: f\r\n"
                                  "X: y\rLocation: g\r\n"
                                  "Location\r\n"
                                  "Loca tion: h\r\n");
    (void)state;
    assert_null(find(head, "Location", NULL));
}

static void start_line_is_no_header(void **state) {
    (void)state;
    assert_null(find(PH_SPAN("Location: a\r\n"), "Location", NULL));
    assert_null(find(PH_SPAN(""), "Location", NULL));
    assert_null(find((struct ph_span){NULL, 0}, "Location", NULL));
}

static void nothing_is_found_behind_the_empty_line(void **state) {
    (void)state;
    assert_null(find(PH_SPAN("GET / HTTP/1.1\r\nA: b\r\n\r\nLocation: a\r\n"), "Location", NULL));
    assert_null(find(PH_SPAN("GET / HTTP/1.1\nA: b\n\nLocation: a\n"), "Location", NULL));
}

static void conflict_is_told_for_different_values_only(void **state) {
    struct ph_span head = PH_SPAN("HTTP/1.1 200 OK\r\n"
                                  "Same: 5\r\nsame:5 \r\n"
                                  "Other: 5\r\nOTHER: 6\r\nother: 5\r\n"
                                  "Case: a\r\nCase: A\r\n"
                                  "Once: 1\r\n");
    bool conflict = true;
    (void)state;
    assert_string_equal(find(head, "Same", &conflict), "5");
    assert_false(conflict);
    assert_string_equal(find(head, "Other", &conflict), "5");
    assert_true(conflict);
    assert_string_equal(find(head, "Case", &conflict), "a");
    assert_true(conflict);
    assert_string_equal(find(head, "Once", &conflict), "1");
    assert_false(conflict);
    conflict = true;
    assert_null(find(head, "None", &conflict));
    assert_false(conflict);
}

/* ---- Requests -------------------------------------------------------------------------------- */

static void assert_request(const struct ph_http_request *request, const char *expected) {
    char buffer[1024];
    size_t len = strlen(expected);
    int n = ph_http_encode_request(request, buffer, sizeof buffer - 1);
    assert_true(n >= 0);
    buffer[n] = '\0';
    assert_string_equal(buffer, expected);
    assert_int_equal(ph_http_encode_request(request, buffer, len), len);
    assert_int_equal(ph_http_encode_request(request, buffer, len - 1), PORTHOLE_ERR_TOO_LARGE);
}

/* RFC 9110 §7.2: the port of Host is left out when it is the default one. */
static void get_request_is_byte_for_byte(void **state) {
    const struct ph_url url = {.host = {ph_addr_v4(192, 168, 1, 1), 80}, .path = "/rootDesc.xml"};
    (void)state;
    assert_request(&(struct ph_http_request){.method = "GET", .url = &url},
                   "GET /rootDesc.xml HTTP/1.1\r\n"
                   "Host: 192.168.1.1\r\n"
                   "User-Agent: UPnP/1.1 porthole/" PORTHOLE_VERSION "\r\n"
                   "Connection: close\r\n"
                   "\r\n");
}

/* UDA 1.1 §3.2.1: SOAPACTION in quotes. */
static void post_request_is_byte_for_byte(void **state) {
    const struct ph_url url = {.host = {ph_addr_v4(10, 0, 0, 1), 5000}, .path = "/ctl?a=b"};
    (void)state;
    assert_request(
        &(struct ph_http_request){
            .method = "POST",
            .url = &url,
            .soap_action = "urn:schemas-upnp-org:service:WANIPConnection:1#AddPortMapping",
            .body = PH_SPAN("<x/>")},
        "POST /ctl?a=b HTTP/1.1\r\n"
        "Host: 10.0.0.1:5000\r\n"
        "User-Agent: UPnP/1.1 porthole/" PORTHOLE_VERSION "\r\n"
        "Connection: close\r\n"
        "SOAPAction: \"urn:schemas-upnp-org:service:WANIPConnection:1#AddPortMapping\"\r\n"
        "Content-Type: text/xml; charset=\"utf-8\"\r\n"
        "Content-Length: 4\r\n"
        "\r\n"
        "<x/>");
}

static void empty_body_is_sent_as_such(void **state) {
    const struct ph_url url = {.host = {ph_addr_v4(10, 0, 0, 1), 80}, .path = "/"};
    char buffer[512];
    (void)state;
    int n = ph_http_encode_request(
        &(struct ph_http_request){.method = "POST", .url = &url, .body = PH_SPAN("")}, buffer,
        sizeof buffer);
    assert_true(n > 0);
    assert_string_equal(find((struct ph_span){buffer, (size_t)n}, "Content-Length", NULL), "0");
}

static void ipv6_host_stands_in_brackets(void **state) {
    struct ph_url url;
    char buffer[512];
    (void)state;
    assert_int_equal(ph_url_parse(PH_SPAN("http://[fe80::1]/x"), &url), 0);
    struct ph_http_request request = {.method = "GET", .url = &url};
    int n = ph_http_encode_request(&request, buffer, sizeof buffer);
    assert_string_equal(find((struct ph_span){buffer, (size_t)n}, "Host", NULL), "[fe80::1]");
    url.host.port = 8080;
    n = ph_http_encode_request(&request, buffer, sizeof buffer);
    assert_string_equal(find((struct ph_span){buffer, (size_t)n}, "Host", NULL), "[fe80::1]:8080");
}

/* What one side writes the other side reads. */
static void own_reader_reads_the_request(void **state) {
    const struct ph_url url = {.host = {ph_addr_v4(10, 0, 0, 1), 5000}, .path = "/ctl"};
    char buffer[512];
    (void)state;
    int n = ph_http_encode_request(
        &(struct ph_http_request){
            .method = "POST", .url = &url, .soap_action = "t#a", .body = PH_SPAN("<x/>")},
        buffer, sizeof buffer);
    struct ph_http_reader *reader = ph_http_reader_new(PH_HTTP_REQUEST);
    assert_int_equal(ph_http_reader_feed(reader, buffer, (size_t)n), 1);
    struct ph_http_message message = ph_http_reader_message(reader);
    assert_true(ph_span_equal(message.method, PH_SPAN("POST")));
    assert_true(ph_span_equal(message.target, PH_SPAN("/ctl")));
    assert_true(ph_span_equal(message.body, PH_SPAN("<x/>")));
    assert_string_equal(find(message.head, "SOAPACTION", NULL), "\"t#a\"");
    ph_http_reader_free(reader);
}

static void request_of_http_10_says_so_and_nothing_else_changes(void **state) {
    (void)state;
    struct ph_url url;
    assert_int_equal(ph_url_parse(PH_SPAN("http://192.168.1.1:5000/ctl"), &url), 0);
    struct ph_http_request request = {.method = "POST", .url = &url, .body = PH_SPAN("x")};
    char usual[512];
    char old[512];
    int usual_len = ph_http_encode_request(&request, usual, sizeof usual);
    request.is_http10 = true;
    int old_len = ph_http_encode_request(&request, old, sizeof old);
    assert_true(usual_len > 0 && old_len == usual_len);
    static const char line[] = "POST /ctl HTTP/1.0\r\n";
    assert_memory_equal(old, line, sizeof line - 1);
    assert_memory_equal(old + sizeof line - 1, usual + sizeof line - 1,
                        (size_t)old_len - sizeof line + 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_is_found_without_case_and_trimmed),
        cmocka_unit_test(lines_may_end_in_lf),
        cmocka_unit_test(name_counts_at_line_starts_only),
        cmocka_unit_test(start_line_is_no_header),
        cmocka_unit_test(nothing_is_found_behind_the_empty_line),
        cmocka_unit_test(conflict_is_told_for_different_values_only),
        cmocka_unit_test(get_request_is_byte_for_byte),
        cmocka_unit_test(post_request_is_byte_for_byte),
        cmocka_unit_test(empty_body_is_sent_as_such),
        cmocka_unit_test(ipv6_host_stands_in_brackets),
        cmocka_unit_test(own_reader_reads_the_request),
        cmocka_unit_test(request_of_http_10_says_so_and_nothing_else_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
