/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_gateway_upnp_server.c: the gateway's HTTP face, byte by byte and against requests that no
 * honest client sends.
 */
#include <stdio.h>

#include "gateway_fixture.h"

#define ACTION "urn:schemas-upnp-org:service:WANIPConnection:1#GetExternalIPAddress"
#define ENVELOPE                                                                                   \
    "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>"                   \
    "<u:GetExternalIPAddress "                                                                     \
    "xmlns:u=\"urn:schemas-upnp-org:service:WANIPConnection:1\"></u:GetExternalIPAddress>"         \
    "</s:Body></s:Envelope>"

static unsigned post(struct gateway_fixture *f, const char *path, const char *headers,
                     const char *body) {
    char text[4096];
    snprintf(text, sizeof text, "POST %s HTTP/1.1\r\n%sContent-Length: %lu\r\n\r\n%s", path,
             headers, (unsigned long)strlen(body), body);
    return fixture_http(f, text);
}

/* UDA 1.1 §3.2.2 */
static void answer_is_written_as_the_architecture_says(void **state) {
    struct gateway_fixture *f = *state;
    static const char body[] =
        "<?xml version=\"1.0\"?>\r\n"
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\""
        " s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body>"
        "<u:GetExternalIPAddressResponse"
        " xmlns:u=\"urn:schemas-upnp-org:service:WANIPConnection:1\">"
        "<NewExternalIPAddress>203.0.113.7</NewExternalIPAddress>"
        "</u:GetExternalIPAddressResponse></s:Body></s:Envelope>\r\n";
    char expected[1024];
    snprintf(expected, sizeof expected,
             "HTTP/1.1 200 OK\r\n"
             "Server: POSIX UPnP/1.1 porthole/" PORTHOLE_VERSION "\r\n"
             "Content-Type: text/xml; charset=\"utf-8\"\r\n"
             "Content-Length: %lu\r\n"
             "Connection: close\r\n"
             "EXT:\r\n\r\n%s",
             (unsigned long)strlen(body), body);
    assert_int_equal(post(f, "/ctl/IPConn", "SOAPAction: \"" ACTION "\"\r\n", ENVELOPE), 200);
    assert_string_equal(f->answer, expected);
}

static void soap_action_without_quotes_is_understood(void **state) {
    struct gateway_fixture *f = *state;
    assert_int_equal(post(f, "/ctl/IPConn", "SOAPACTION: " ACTION "\r\n", ENVELOPE), 200);
}

static void header_and_body_must_agree(void **state) {
    struct gateway_fixture *f = *state;
    static const char *const headers[] = {
        "",
        "SOAPAction: \"\"\r\n",
        "SOAPAction: #\r\n",
        "SOAPAction: \"urn:schemas-upnp-org:service:WANIPConnection:1#GetStatusInfo\"\r\n",
        "SOAPAction: \"urn:schemas-upnp-org:service:WANIPConnection:1#\"\r\n",
        "SOAPAction: \"urn:schemas-upnp-org:service:WANIPConnection:0#GetExternalIPAddress\"\r\n",
        "SOAPAction: \"urn:schemas-upnp-org:service:WANIPConnection:#GetExternalIPAddress\"\r\n",
        "SOAPAction: \"" ACTION "\"\r\nSOAPAction: \"x#y\"\r\n",
    };
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        assert_int_equal(post(f, "/ctl/IPConn", headers[i], ENVELOPE), 500);
        assert_non_null(strstr(fixture_body(f), "<errorCode>401</errorCode>"));
    }
}

static void bodies_that_are_no_action_are_bad_requests(void **state) {
    struct gateway_fixture *f = *state;
    static const char *const bodies[] = {
        "",
        "hello",
        "<s:Envelope><s:Body></s:Body></s:Envelope>",
        "<!DOCTYPE x [<!ENTITY a \"b\">]>" ENVELOPE,
        "<s:Envelope xmlns:s=\"x\"><s:Body><s:Fault></s:Fault></s:Body></s:Envelope>",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        assert_int_equal(post(f, "/ctl/IPConn", "SOAPAction: \"" ACTION "\"\r\n", bodies[i]), 400);
}

static void unknown_paths_and_methods_are_refused(void **state) {
    struct gateway_fixture *f = *state;
    assert_int_equal(fixture_http(f, "GET / HTTP/1.1\r\n\r\n"), 404);
    assert_int_equal(fixture_http(f, "GET /rootDesc.xmlx HTTP/1.1\r\n\r\n"), 404);
    assert_int_equal(fixture_http(f, "GET /ctl/IPConn HTTP/1.1\r\n\r\n"), 404);
    assert_int_equal(post(f, "/rootDesc.xml", "", ENVELOPE), 404);
    assert_int_equal(fixture_http(f, "PUT /rootDesc.xml HTTP/1.1\r\n\r\n"), 405);
    assert_int_equal(fixture_http(f, "SUBSCRIBE /evt/IPConn HTTP/1.1\r\n\r\n"), 501);
    f->config.upnp = false;
    fixture_start(f);
    assert_int_equal(fixture_http(f, "GET /rootDesc.xml HTTP/1.1\r\n\r\n"), 404);
}

/* A web page may make a browser send requests here, under a name that its owner points at us. */
static void host_that_is_a_name_is_refused(void **state) {
    struct gateway_fixture *f = *state;
    static const struct {
        const char *host;
        unsigned status;
    } cases[] = {
        {"192.168.1.1:5000", 200},
        {"192.168.1.1", 200},
        {"[2001:db8::1]:5000", 200},
        {"evil.example", 403},
        {"evil.example:80", 403},
        {"192.168.1.1.example", 403},
        {"[2001:db8::1", 403},
        {"", 403},
        {":5000", 403},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[200];
        snprintf(text, sizeof text, "GET /rootDesc.xml HTTP/1.1\r\nHost: %s\r\n\r\n",
                 cases[i].host);
        assert_int_equal(fixture_http(f, text), cases[i].status);
    }
}

static void what_is_no_request_gets_a_status_too(void **state) {
    struct gateway_fixture *f = *state;
    static const struct {
        int error;
        const char *start;
    } cases[] = {
        {PORTHOLE_ERR_MALFORMED, "HTTP/1.1 400 Bad Request\r\n"},
        {PORTHOLE_ERR_TRUNCATED, "HTTP/1.1 400 Bad Request\r\n"},
        {PORTHOLE_ERR_TOO_LARGE, "HTTP/1.1 413 Content Too Large\r\n"},
        {PORTHOLE_ERR_NO_MEMORY, "HTTP/1.1 503 Service Unavailable\r\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        f->answer_len = ph_gw_server_http_refuse(cases[i].error, f->answer, sizeof f->answer);
        assert_memory_equal(f->answer, cases[i].start, strlen(cases[i].start));
        assert_string_equal(fixture_body(f) - 4, "\r\n\r\n");
    }
}

/* The reader lets no control character through; who calls without it may. */
static void requests_are_told_in_printable_words(void **state) {
    struct gateway_fixture *f = *state;
    struct ph_http_message request = {.method = PH_SPAN("GET"), .target = PH_SPAN("/\x1b[31m")};
    ph_gw_server_http(f->server, f->now, &f->client, &request, f->answer, sizeof f->answer);
    assert_string_equal(f->last_line, "upnp GET /?[31m: 404");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        GATEWAY_TEST(answer_is_written_as_the_architecture_says),
        GATEWAY_TEST(soap_action_without_quotes_is_understood),
        GATEWAY_TEST(header_and_body_must_agree),
        GATEWAY_TEST(bodies_that_are_no_action_are_bad_requests),
        GATEWAY_TEST(unknown_paths_and_methods_are_refused),
        GATEWAY_TEST(host_that_is_a_name_is_refused),
        GATEWAY_TEST(what_is_no_request_gets_a_status_too),
        GATEWAY_TEST(requests_are_told_in_printable_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
