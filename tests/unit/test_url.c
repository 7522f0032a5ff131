/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_url.c: URLs with an IP literal (src/wire/url.c). A URL from the network decides where the
 * client connects and what it writes into a request line, so most cases here are refusals.
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

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* "host:port path", to compare all of a URL at once. */
static const char *show(const struct ph_url *url) {
    static char text[PH_ENDPOINT_TEXT_SIZE + PH_HTTP_PATH_MAX + 1];
    ph_endpoint_format(&url->host, text);
    strcat(text, " ");
    strcat(text, url->path);
    return text;
}

static void assert_parses(const char *text, const char *expected) {
    struct ph_url url;
    memset(&url, 0xff, sizeof url);
    assert_int_equal(ph_url_parse(ph_span_of(text), &url), 0);
    assert_string_equal(show(&url), expected);
}

static void assert_resolves(const char *base, const char *reference, const char *expected) {
    struct ph_url from, url;
    assert_int_equal(ph_url_parse(ph_span_of(base), &from), 0);
    assert_int_equal(ph_url_resolve(&from, ph_span_of(reference), &url), 0);
    assert_string_equal(show(&url), expected);
}

static void host_port_and_path_are_taken_apart(void **state) {
    (void)state;
    assert_parses("http://192.168.1.1:5000/rootDesc.xml", "192.168.1.1:5000 /rootDesc.xml");
    assert_parses("http://[fe80::1]:49152/a/b?c=d", "[fe80::1]:49152 /a/b?c=d");
    assert_parses("HTTP://10.0.0.1:65535/", "10.0.0.1:65535 /");
    assert_parses("http://10.0.0.1:00080/x", "10.0.0.1:80 /x");
}

static void port_and_path_have_defaults(void **state) {
    (void)state;
    assert_parses("http://10.0.0.1", "10.0.0.1:80 /");
    assert_parses("http://10.0.0.1/", "10.0.0.1:80 /");
    assert_parses("http://10.0.0.1:/x", "10.0.0.1:80 /x"); /* RFC 3986 §3.2.3 */
    assert_parses("http://[2001:db8::1]", "[2001:db8::1]:80 /");
    assert_parses("http://10.0.0.1?x=y", "10.0.0.1:80 /?x=y");
}

static void fragment_is_dropped(void **state) {
    (void)state;
    assert_parses("http://10.0.0.1/a#b/c?d", "10.0.0.1:80 /a");
    assert_parses("http://10.0.0.1#x", "10.0.0.1:80 /");
    assert_parses("http://10.0.0.1#@10.9.9.9/", "10.0.0.1:80 /");
}

static void an_at_sign_in_the_path_is_no_user_name(void **state) {
    (void)state;
    assert_parses("http://10.0.0.1/@10.9.9.9/", "10.0.0.1:80 /@10.9.9.9/");
}

static void all_else_is_refused(void **state) {
    static const char *const texts[] = {
        "",
        "/rootDesc.xml",
        "10.0.0.1/",
        "http:",
        "http:/10.0.0.1/",
        "http://",
        "http:///x",
        "http://:80/",
        "https://10.0.0.1/",
        "ftp://10.0.0.1/",
        " http://10.0.0.1/",
        "http://10.0.0.1/ ",
        /* Host names, and what some resolvers would take for an address. */
        "http://router.lan/",
        "http://localhost/",
        "http://10.1/",
        "http://0x0a000001/",
        "http://167772161/",
        "http://010.0.0.1/",
        "http://10.0.0.1.evil.example/",
        "http://10.0.0.256/",
        /* User names. */
        "http://user@10.0.0.1/",
        "http://user:secret@10.0.0.1/",
        "http://10.0.0.1:80@10.9.9.9/",
        "http://10.0.0.1@",
        /* Ports. */
        "http://10.0.0.1:0/",
        "http://10.0.0.1:65536/",
        "http://10.0.0.1:99999999999999999999/",
        "http://10.0.0.1:-80/",
        "http://10.0.0.1:+80/",
        "http://10.0.0.1:80a/",
        "http://10.0.0.1:80:80/",
        /* Brackets. */
        "http://fe80::1/",
        "http://[fe80::1",
        "http://[fe80::1]x/",
        "http://[[fe80::1]]/",
        "http://[]/",
        "http://[10.0.0.1]/",
        "http://[fe80::1%25eth0]/",
        "http://[fe80::1%eth0]/",
        /* What would break out of a request line. */
        "http://10.0.0.1/a b",
        "http://10.0.0.1/a\r\nX: y",
        "http://10.0.0.1/a\tb",
        "http://10.0.0.1/\x7f",
        "http://10.0.0.1/\xc3\xa4",
        "http://10.0.0.1\n/",
        "http://10.0.0.1/#\x01",
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(texts); i++) {
        struct ph_url url;
        if (ph_url_parse(ph_span_of(texts[i]), &url) != PORTHOLE_ERR_MALFORMED)
            fail_msg("taken: %s", texts[i]);
    }
}

static void embedded_nul_is_refused(void **state) {
    struct ph_url url;
    (void)state;
    assert_int_equal(ph_url_parse(PH_SPAN("http://10.0.0.1/a\0b"), &url), PORTHOLE_ERR_MALFORMED);
    assert_int_equal(ph_url_parse(PH_SPAN("http://10.0.0.1\0/"), &url), PORTHOLE_ERR_MALFORMED);
    assert_int_equal(ph_url_parse((struct ph_span){NULL, 0}, &url), PORTHOLE_ERR_MALFORMED);
}

static void refusal_leaves_the_result_alone(void **state) {
    struct ph_url url = {.host.port = 7, .path = "/kept"};
    (void)state;
    assert_int_equal(ph_url_parse(PH_SPAN("http://10.0.0.1:0/x"), &url), PORTHOLE_ERR_MALFORMED);
    assert_int_equal(url.host.port, 7);
    assert_string_equal(url.path, "/kept");
}

static void path_has_a_cap(void **state) {
    char text[64 + PH_HTTP_PATH_MAX] = "http://10.0.0.1/";
    size_t start = strlen("http://10.0.0.1");
    struct ph_url url;
    (void)state;
    memset(text + start + 1, 'a', PH_HTTP_PATH_MAX);
    struct ph_span span = {text, start + PH_HTTP_PATH_MAX - 1};
    assert_int_equal(ph_url_parse(span, &url), 0);
    assert_int_equal(strlen(url.path), PH_HTTP_PATH_MAX - 1);
    span.len++;
    assert_int_equal(ph_url_parse(span, &url), PORTHOLE_ERR_TOO_LARGE);
    /* The cap is on what a base and a reference make together, too. */
    struct ph_url base;
    span.len = start + PH_HTTP_PATH_MAX - 10;
    assert_int_equal(ph_url_parse(span, &base), 0);
    strcpy(strrchr(base.path, 'a'), "/");
    assert_int_equal(ph_url_resolve(&base, PH_SPAN("123456789"), &url), 0);
    assert_int_equal(ph_url_resolve(&base, PH_SPAN("1234567890"), &url), PORTHOLE_ERR_TOO_LARGE);
}

/* RFC 3986 §5.2.2, without dot segments. */
static void references_resolve_against_the_base(void **state) {
    static const char base[] = "http://10.0.0.1:5000/igd/desc.xml?v=/1";
    (void)state;
    assert_resolves(base, "/ctl/IPConn", "10.0.0.1:5000 /ctl/IPConn");
    assert_resolves(base, "ctl/IPConn", "10.0.0.1:5000 /igd/ctl/IPConn");
    assert_resolves(base, "ctl?a=b#c", "10.0.0.1:5000 /igd/ctl?a=b");
    assert_resolves(base, "?a", "10.0.0.1:5000 /igd/desc.xml?a");
    assert_resolves(base, "", "10.0.0.1:5000 /igd/desc.xml?v=/1");
    assert_resolves(base, "#c", "10.0.0.1:5000 /igd/desc.xml?v=/1");
    assert_resolves(base, "//10.0.0.2/x", "10.0.0.2:80 /x");
    assert_resolves(base, "http://10.0.0.3:81/y", "10.0.0.3:81 /y");
    assert_resolves("http://10.0.0.1", "ctl", "10.0.0.1:80 /ctl");
    assert_resolves("http://10.0.0.1?x/y", "ctl", "10.0.0.1:80 /ctl");
}

static void a_colon_in_a_path_is_no_scheme(void **state) {
    (void)state;
    assert_resolves("http://10.0.0.1/d.xml", "uuid:1234-5678/WANIPConnection:1",
                    "10.0.0.1:80 /uuid:1234-5678/WANIPConnection:1");
    assert_resolves("http://10.0.0.1/d.xml", "ctl?to=http://10.9.9.9/",
                    "10.0.0.1:80 /ctl?to=http://10.9.9.9/");
}

static void bad_references_are_refused(void **state) {
    static const char *const texts[] = {"https://10.0.0.1/ctl",
                                        "ftp://10.0.0.1/",
                                        "://x",
                                        "http://router/ctl",
                                        "//router/ctl",
                                        "//",
                                        "http://10.0.0.1:0/",
                                        "/ctl HTTP/1.1\r\n",
                                        "ctl\n",
                                        "/c t",
                                        "/\xe4",
                                        "ctl\x01"};
    const struct ph_url base = {.host = {ph_addr_v4(10, 0, 0, 1), 80}, .path = "/d.xml"};
    (void)state;
    for (size_t i = 0; i < LENGTH(texts); i++) {
        struct ph_url url;
        if (ph_url_resolve(&base, ph_span_of(texts[i]), &url) != PORTHOLE_ERR_MALFORMED)
            fail_msg("taken: %s", texts[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_port_and_path_are_taken_apart),
        cmocka_unit_test(port_and_path_have_defaults),
        cmocka_unit_test(fragment_is_dropped),
        cmocka_unit_test(an_at_sign_in_the_path_is_no_user_name),
        cmocka_unit_test(all_else_is_refused),
        cmocka_unit_test(embedded_nul_is_refused),
        cmocka_unit_test(refusal_leaves_the_result_alone),
        cmocka_unit_test(path_has_a_cap),
        cmocka_unit_test(references_resolve_against_the_base),
        cmocka_unit_test(a_colon_in_a_path_is_no_scheme),
        cmocka_unit_test(bad_references_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
