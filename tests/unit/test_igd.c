/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_igd.c: device descriptions (src/wire/igd.c) as the field has them: IGD:1 and IGD:2, nested
 * and flat, tidy and untidy, and some with ill intent. The texts are made up after the UPnP forum's
 * templates.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <porthole/porthole.h>

#include "wire/igd.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#define DEVICE_TYPE(type) "<deviceType>urn:schemas-upnp-org:device:" type "</deviceType>"
#define SERVICE(type, url)                                                                         \
    "<service><serviceType>" type "</serviceType>"                                                 \
    "<serviceId>urn:upnp-org:serviceId:1</serviceId><SCPDURL>/scpd.xml</SCPDURL>"                  \
    "<controlURL>" url "</controlURL><eventSubURL>/evt</eventSubURL></service>"
#define UPNP_SERVICE(name, url) SERVICE("urn:schemas-upnp-org:service:" name, url)
#define ROOT_OPEN                                                                                  \
    "<?xml version=\"1.0\"?>\n<root xmlns=\"urn:schemas-upnp-org:device-1-0\">"                    \
    "<specVersion><major>1</major><minor>0</minor></specVersion>"
/* The smallest description around a list of services. */
#define DESCRIPTION(services)                                                                      \
    ROOT_OPEN "<device>" DEVICE_TYPE("InternetGatewayDevice:1") "<serviceList>" services           \
                                                                "</serviceList></device></root>"

/* An IGD:2 as a Linux router serves it. */
static const char linux_igd2[] =
    "<?xml version=\"1.0\"?>\n"
    "<root xmlns=\"urn:schemas-upnp-org:device-1-0\" configId=\"1337\">"
    "<specVersion><major>1</major><minor>1</minor></specVersion>"
    "<device>" DEVICE_TYPE(
        "InternetGatewayDevice:2") "<friendlyName>Attic router</friendlyName>"
                                   "<manufacturer>Example Networks</manufacturer>"
                                   "<manufacturerURL>http://example.net/</manufacturerURL>"
                                   "<modelDescription>Example router</modelDescription>"
                                   "<modelName>EX-1</modelName><modelNumber>20240229</modelNumber>"
                                   "<serialNumber>00000000</serialNumber>"
                                   "<UDN>uuid:00000000-0000-0000-0000-000000000000</UDN>"
                                   "<serviceList>" UPNP_SERVICE(
                                       "Layer3Forwarding:1",
                                       "/ctl/L3F") "</serviceList>"
                                                   "<deviceList><device>" DEVICE_TYPE(
                                                       "WANDevice:2") "<friendlyName>WANDevice</"
                                                                      "friendlyName><manufacturer>"
                                                                      "Inner</manufacturer>"
                                                                      "<modelName>WAN "
                                                                      "Device</"
                                                                      "modelName><modelNumber>2</"
                                                                      "modelNumber><UDN>uuid:1</"
                                                                      "UDN>"
                                                                      "<serviceList>" UPNP_SERVICE(
                                                                          "WANCommonInterfaceConfig"
                                                                          ":1",
                                                                          "/ctl/CmnIfCfg") "</"
                                                                                           "service"
                                                                                           "List>"
                                                                                           "<device"
                                                                                           "List><"
                                                                                           "device"
                                                                                           ">" DEVICE_TYPE(
                                                                                               "WAN"
                                                                                               "Con"
                                                                                               "nec"
                                                                                               "tio"
                                                                                               "nDe"
                                                                                               "vic"
                                                                                               "e:"
                                                                                               "2") "<friendlyName>WANConnectionDevice</friendlyName><UDN>uuid:2</UDN>"
                                                                                                    "<serviceList>" UPNP_SERVICE(
                                                                                                        "WANIPConnection:2",
                                                                                                        "/ctl/IPConn")
                                                                                                        UPNP_SERVICE(
                                                                                                            "WANIPv6FirewallControl:1",
                                                                                                            "/ctl/IP6FCtl") "</serviceList>"
                                                                                                                            "</device></deviceList></device></deviceList>"
                                                                                                                            "<presentationURL>http://192.168.1.1/</presentationURL></device></root>\r\n";

/* A DSL router with PPP only, attributes and blanks where nobody expects them, and what belongs to
 * the root device after its inner devices. */
static const char untidy_ppp[] =
    "\r\n<?xml version=\"1.0\" encoding=\"utf-8\" ?>\r\n"
    "<root  xmlns = \"urn:schemas-upnp-org:device-1-0\" >\r\n"
    "  <URLBase>http://192.168.1.1:49152/</URLBase >\r\n"
    "  <device type='x' >\r\n"
    "    <deviceList >\r\n      <device>\r\n        <deviceList>\r\n          <device>\r\n"
    "            <friendlyName>inner</friendlyName>\r\n"
    "            <serviceList   count=\"1\">\r\n              <service id=\"0\" >\r\n"
    "                <serviceType dt=\"string\">\r\n"
    "                  urn:schemas-upnp-org:service:WANPPPConnection:1\r\n"
    "                </serviceType>\r\n"
    "                <controlURL\r\n>  upnp/control/WANPPP  </controlURL\t>\r\n"
    "              </service>\r\n            </serviceList>\r\n"
    "          </device>\r\n        </deviceList>\r\n      </device>\r\n    </deviceList>\r\n"
    "    <friendlyName >  R&D router  </friendlyName>\r\n"
    "    <modelName xml:lang=\"en\">Vigor-like</modelName>\r\n"
    "  </device>\r\n</root>\r\n\0";

static struct ph_igd_description parsed(struct ph_span document) {
    struct ph_igd_description d;
    char *copy = malloc(document.len);
    assert_non_null(copy);
    memcpy(copy, document.at, document.len);
    memset(&d, 0xff, sizeof d);
    int r = ph_igd_parse((struct ph_span){copy, document.len}, &d);
    free(copy);
    if (r != 0)
        fail_msg("%.200s: %d", document.at, r);
    return d;
}

static void assert_service(const struct ph_igd_description *d, unsigned i, enum ph_igd_kind kind,
                           unsigned version, const char *type, const char *control_url) {
    assert_true(i < d->service_count);
    assert_int_equal(d->services[i].kind, kind);
    assert_int_equal(d->services[i].version, version);
    assert_string_equal(d->services[i].type, type);
    assert_string_equal(d->services[i].control_url, control_url);
}

/* ---- What devices describe ------------------------------------------------------------------- */

static void igd2_is_read(void **state) {
    struct ph_igd_description d = parsed(PH_SPAN(linux_igd2));
    (void)state;
    assert_int_equal(d.service_count, 1);
    assert_service(&d, 0, PH_IGD_WAN_IP, 2, "urn:schemas-upnp-org:service:WANIPConnection:2",
                   "/ctl/IPConn");
    assert_string_equal(d.url_base, "");
    assert_string_equal(d.friendly_name, "Attic router");
    assert_string_equal(d.manufacturer, "Example Networks");
    assert_string_equal(d.model_name, "EX-1");
    assert_string_equal(d.model_number, "20240229");
    assert_string_equal(d.udn, "uuid:00000000-0000-0000-0000-000000000000");
}

static void untidy_ppp_router_is_read(void **state) {
    struct ph_igd_description d = parsed(PH_SPAN(untidy_ppp));
    (void)state;
    assert_int_equal(d.service_count, 1);
    assert_service(&d, 0, PH_IGD_WAN_PPP, 1, "urn:schemas-upnp-org:service:WANPPPConnection:1",
                   "upnp/control/WANPPP");
    assert_string_equal(d.url_base, "http://192.168.1.1:49152/");
    assert_string_equal(d.friendly_name, "R&D router");
    assert_string_equal(d.model_name, "Vigor-like");
    assert_string_equal(d.manufacturer, "");
}

static void several_connections_come_in_their_order(void **state) {
    struct ph_igd_description d = parsed(PH_SPAN(
        ROOT_OPEN
        "<device><deviceList><device><deviceList>"
        "<device><serviceList>" UPNP_SERVICE("WANPPPConnection:1", "/ppp1") UPNP_SERVICE(
            "WANIPConnection:1",
            "/ip1") "</serviceList></device>"
                    "<device><serviceList>" UPNP_SERVICE("WANIPConnection:2", "/ip2") UPNP_SERVICE(
                        "WANPPPConnection:2",
                        "/ppp2") "</serviceList></device>"
                                 "</deviceList></device></deviceList></device></root>"));
    (void)state;
    assert_int_equal(d.service_count, 4);
    assert_service(&d, 0, PH_IGD_WAN_PPP, 1, "urn:schemas-upnp-org:service:WANPPPConnection:1",
                   "/ppp1");
    assert_service(&d, 1, PH_IGD_WAN_IP, 1, "urn:schemas-upnp-org:service:WANIPConnection:1",
                   "/ip1");
    assert_service(&d, 2, PH_IGD_WAN_IP, 2, "urn:schemas-upnp-org:service:WANIPConnection:2",
                   "/ip2");
    assert_service(&d, 3, PH_IGD_WAN_PPP, 2, "urn:schemas-upnp-org:service:WANPPPConnection:2",
                   "/ppp2");
}

static void wrong_namespaces_do_not_matter(void **state) {
    struct ph_igd_description d = parsed(
        PH_SPAN("<d:root xmlns:d=\"urn:example\"><d:device><friendlyName xmlns=\"y\">F"
                "</friendlyName><u:serviceList><q:service>"
                "<q:serviceType>urn:example-com:service:WANIPConnection:1</q:serviceType>"
                "<q:controlURL>/c</q:controlURL></q:service></u:serviceList></d:device></d:root>"));
    (void)state;
    assert_int_equal(d.service_count, 1);
    assert_service(&d, 0, PH_IGD_WAN_IP, 1, "urn:example-com:service:WANIPConnection:1", "/c");
    assert_string_equal(d.friendly_name, "F");
}

static void newer_versions_are_kept(void **state) {
    struct ph_igd_description d =
        parsed(PH_SPAN(DESCRIPTION(UPNP_SERVICE("WANIPConnection:17", "/c"))));
    (void)state;
    assert_service(&d, 0, PH_IGD_WAN_IP, 17, "urn:schemas-upnp-org:service:WANIPConnection:17",
                   "/c");
}

static void order_within_a_service_does_not_matter(void **state) {
    struct ph_igd_description d = parsed(PH_SPAN(DESCRIPTION(
        "<service><controlURL>/c</controlURL><x><controlURL>/wrong</controlURL><serviceType>wrong"
        "</serviceType></x><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1"
        "</serviceType></service>")));
    (void)state;
    assert_int_equal(d.service_count, 1);
    assert_string_equal(d.services[0].control_url, "/c");
}

static void service_inherits_nothing_from_the_one_before(void **state) {
    struct ph_igd_description d = parsed(PH_SPAN(DESCRIPTION(
        UPNP_SERVICE("WANIPConnection:1",
                     "/c") "<service><serviceType>"
                           "urn:schemas-upnp-org:service:WANIPConnection:1</serviceType></service>"
                           "<service><controlURL>/d</controlURL></service>")));
    (void)state;
    assert_int_equal(d.service_count, 1);
}

static void descriptions_without_a_service_are_no_error(void **state) {
    static const char *const texts[] = {
        "<html><body>Log in</body></html>",
        DESCRIPTION(""),
        DESCRIPTION(UPNP_SERVICE("ContentDirectory:1", "/c")),
        DESCRIPTION(UPNP_SERVICE("WANIPConnection", "/c")),
        DESCRIPTION(UPNP_SERVICE("WANIPConnection:", "/c")),
        DESCRIPTION(UPNP_SERVICE("WANIPConnection:0", "/c")),
        DESCRIPTION(UPNP_SERVICE("WANIPConnection:-1", "/c")),
        DESCRIPTION(UPNP_SERVICE("WANIPConnection:1x", "/c")),
        DESCRIPTION(UPNP_SERVICE("WANIPConnection:99999999999999999999", "/c")),
        DESCRIPTION(UPNP_SERVICE("XWANIPConnection:1", "/c")),
        DESCRIPTION(UPNP_SERVICE("WANIPConnection:1", "")),
        DESCRIPTION("<service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1"
                    "</serviceType></service>"),
        DESCRIPTION("<service><controlURL>/c</controlURL></service>"),
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(texts); i++)
        if (parsed(ph_span_of(texts[i])).service_count != 0)
            fail_msg("taken: %s", texts[i]);
}

/* ---- Malice ---------------------------------------------------------------------------------- */

/* The type goes into a header and the URL into a request line. */
static void services_that_break_a_request_are_left_out(void **state) {
    struct ph_igd_description d = parsed(PH_SPAN(
        DESCRIPTION(SERVICE("urn:x&#13;&#10;X: y:service:WANIPConnection:1", "/c")
                        SERVICE("urn:x&quot;:service:WANIPConnection:1", "/c")
                            SERVICE("urn:x y:service:WANIPConnection:1", "/c")
                                SERVICE("urn:\xc3\xa4:service:WANIPConnection:1", "/c")
                                    UPNP_SERVICE("WANIPConnection:1", "/c HTTP/1.1&#13;&#10;X: y")
                                        UPNP_SERVICE("WANIPConnection:1", "/c&#9;d")
                                            UPNP_SERVICE("WANIPConnection:1", "/\xc3\xa4")
                                                UPNP_SERVICE("WANIPConnection:1", "/good"))));
    (void)state;
    assert_int_equal(d.service_count, 1);
    assert_string_equal(d.services[0].control_url, "/good");
}

static void what_does_not_fit_is_left_out(void **state) {
    char text[2048], longest[PH_IGD_URL_SIZE], url[PH_IGD_URL_SIZE + 1];
    (void)state;
    memset(longest, 'x', sizeof longest);
    longest[0] = '/';
    longest[sizeof longest - 1] = '\0';
    snprintf(url, sizeof url, "%sx", longest);
    snprintf(text, sizeof text,
             DESCRIPTION(UPNP_SERVICE("WANIPConnection:1", "%s") UPNP_SERVICE(
                 "WANIPConnection:1", "%s") SERVICE("urn:%.80s:WANIPConnection:1", "/c")),
             url, longest, longest);
    struct ph_igd_description d = parsed(ph_span_of(text));
    assert_int_equal(d.service_count, 1);
    assert_string_equal(d.services[0].control_url, longest);
}

static void names_are_cut_off_and_made_printable(void **state) {
    struct ph_igd_description d = parsed(
        PH_SPAN("<root><device><friendlyName>\xc3\xa4&#9;\xe2\x80\xaex</friendlyName><modelName>"
                "0123456789012345678901234567890123456789012345678901234567890123456789"
                "</modelName></device></root>"));
    (void)state;
    assert_string_equal(d.friendly_name, "??\?\?\?\?x");
    assert_string_equal(d.model_name,
                        "012345678901234567890123456789012345678901234567890123456789012");
}

static void second_root_device_names_nothing(void **state) {
    struct ph_igd_description d =
        parsed(PH_SPAN("<root><device><friendlyName>first</friendlyName><friendlyName>again"
                       "</friendlyName></device><device><friendlyName>second</friendlyName>"
                       "<modelName>second</modelName></device></root>"));
    (void)state;
    assert_string_equal(d.friendly_name, "first");
    assert_string_equal(d.model_name, "");
}

static void more_services_than_fit_are_dropped(void **state) {
#define PAIR UPNP_SERVICE("WANIPConnection:1", "/a") UPNP_SERVICE("WANIPConnection:1", "/b")
    struct ph_igd_description d =
        parsed(PH_SPAN(DESCRIPTION(PAIR PAIR PAIR PAIR UPNP_SERVICE("WANIPConnection:1", "/z"))));
    (void)state;
    assert_int_equal(d.service_count, PH_IGD_SERVICES_MAX);
    assert_string_equal(d.services[PH_IGD_SERVICES_MAX - 1].control_url, "/b");
}

static int parse_devices(size_t count) {
    char text[1024] = "<root>";
    struct ph_igd_description d;
    for (size_t i = 0; i < count; i++)
        strcat(text, "<device></device>");
    strcat(text, "</root>");
    return ph_igd_parse(ph_span_of(text), &d);
}

static void devices_have_a_cap(void **state) {
    (void)state;
    assert_int_equal(parse_devices(PH_IGD_DEVICES_MAX), 0);
    assert_int_equal(parse_devices(PH_IGD_DEVICES_MAX + 1), PORTHOLE_ERR_TOO_LARGE);
    assert_int_equal(parse_devices(40), PORTHOLE_ERR_TOO_LARGE);
}

static void broken_documents_are_refused(void **state) {
    struct ph_igd_description d;
    (void)state;
    assert_int_equal(ph_igd_parse(PH_SPAN(""), &d), PORTHOLE_ERR_MALFORMED);
    assert_int_equal(ph_igd_parse(PH_SPAN("<!DOCTYPE root><root/>"), &d), PORTHOLE_ERR_MALFORMED);
    size_t end = (size_t)(strstr(linux_igd2, "</root>") - linux_igd2) + strlen("</root>");
    for (size_t len = 0; len < end; len++)
        assert_int_equal(ph_igd_parse((struct ph_span){linux_igd2, len}, &d),
                         PORTHOLE_ERR_MALFORMED);
    assert_int_equal(ph_igd_parse((struct ph_span){linux_igd2, end}, &d), 0);
}

/* The second try of a document that is not well formed starts from nothing. */
static void second_try_counts_nothing_twice(void **state) {
    struct ph_igd_description d = parsed(PH_SPAN(
        "<root><URLBase>http://10.0.0.1/?a&amp;b</URLBase><device><friendlyName>one</friendlyName>"
        "<serviceList>" UPNP_SERVICE(
            "WANIPConnection:1",
            "/c?a&amp;b") "</serviceList><modelName>R&D</modelName></device></root>"));
    (void)state;
    assert_int_equal(d.service_count, 1);
    assert_string_equal(d.services[0].control_url, "/c?a&b");
    assert_string_equal(d.url_base, "http://10.0.0.1/?a&b");
    assert_string_equal(d.friendly_name, "one");
    assert_string_equal(d.model_name, "R&D");
}

/* ---- Where a service is controlled ----------------------------------------------------------- */

/* "host:port path", or the name of the error. */
static const char *resolve(const char *url_base, const char *control_url) {
    static char text[PH_ENDPOINT_TEXT_SIZE + PH_HTTP_PATH_MAX + 1];
    struct ph_igd_description d = {0};
    struct ph_igd_service service = {0};
    struct ph_url location, url = {0};
    assert_int_equal(ph_url_parse(PH_SPAN("http://10.0.0.1:5000/igd/desc.xml"), &location), 0);
    snprintf(d.url_base, sizeof d.url_base, "%s", url_base);
    snprintf(service.control_url, sizeof service.control_url, "%s", control_url);
    int r = ph_igd_service_url(&d, &service, &location, &url);
    if (r != 0)
        return porthole_errname(r);
    ph_endpoint_format(&url.host, text);
    strcat(text, " ");
    return strcat(text, url.path);
}

static void control_url_is_taken_from_the_location(void **state) {
    (void)state;
    assert_string_equal(resolve("", "/ctl"), "10.0.0.1:5000 /ctl");
    assert_string_equal(resolve("", "ctl"), "10.0.0.1:5000 /igd/ctl");
    assert_string_equal(resolve("", "http://10.0.0.1:5000/ctl"), "10.0.0.1:5000 /ctl");
    assert_string_equal(resolve("", "http://10.0.0.1:49152/ctl"), "10.0.0.1:49152 /ctl");
    assert_string_equal(resolve("", "http://[::ffff:10.0.0.1]/ctl"), "10.0.0.1:80 /ctl");
}

static void url_base_comes_before_the_location(void **state) {
    (void)state;
    assert_string_equal(resolve("http://10.0.0.1:81/base/", "ctl"), "10.0.0.1:81 /base/ctl");
    assert_string_equal(resolve("http://10.0.0.1:81", "/ctl"), "10.0.0.1:81 /ctl");
}

static void unusable_url_base_is_ignored(void **state) {
    (void)state;
    assert_string_equal(resolve("http://router.lan/", "/ctl"), "10.0.0.1:5000 /ctl");
    assert_string_equal(resolve("http://10.0.0.1:0/", "/ctl"), "10.0.0.1:5000 /ctl");
    assert_string_equal(resolve("/", "/ctl"), "10.0.0.1:5000 /ctl");
    /* Routers keep the base of an address that they had before. */
    assert_string_equal(resolve("http://10.0.0.2:5000/", "/ctl"), "10.0.0.1:5000 /ctl");
}

static void another_host_is_not_trusted(void **state) {
    (void)state;
    assert_string_equal(resolve("", "http://10.0.0.2:5000/ctl"), "untrusted");
    assert_string_equal(resolve("", "//10.0.0.2/ctl"), "untrusted");
    assert_string_equal(resolve("", "http://127.0.0.1:5000/ctl"), "untrusted");
    assert_string_equal(resolve("", "http://[::1]:5000/ctl"), "untrusted");
    assert_string_equal(resolve("http://10.0.0.2/", "http://10.0.0.1/ctl"), "10.0.0.1:80 /ctl");
}

static void bad_control_url_is_refused(void **state) {
    (void)state;
    assert_string_equal(resolve("", "http://router.lan/ctl"), "malformed");
    assert_string_equal(resolve("", "https://10.0.0.1/ctl"), "malformed");
    assert_string_equal(resolve("", "http://u@10.0.0.1/ctl"), "malformed");
    assert_string_equal(resolve("", "/c\r\nX: y"), "malformed");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(igd2_is_read),
        cmocka_unit_test(untidy_ppp_router_is_read),
        cmocka_unit_test(several_connections_come_in_their_order),
        cmocka_unit_test(wrong_namespaces_do_not_matter),
        cmocka_unit_test(newer_versions_are_kept),
        cmocka_unit_test(order_within_a_service_does_not_matter),
        cmocka_unit_test(service_inherits_nothing_from_the_one_before),
        cmocka_unit_test(descriptions_without_a_service_are_no_error),
        cmocka_unit_test(services_that_break_a_request_are_left_out),
        cmocka_unit_test(what_does_not_fit_is_left_out),
        cmocka_unit_test(names_are_cut_off_and_made_printable),
        cmocka_unit_test(second_root_device_names_nothing),
        cmocka_unit_test(more_services_than_fit_are_dropped),
        cmocka_unit_test(devices_have_a_cap),
        cmocka_unit_test(broken_documents_are_refused),
        cmocka_unit_test(second_try_counts_nothing_twice),
        cmocka_unit_test(control_url_is_taken_from_the_location),
        cmocka_unit_test(url_base_comes_before_the_location),
        cmocka_unit_test(unusable_url_base_is_ignored),
        cmocka_unit_test(another_host_is_not_trusted),
        cmocka_unit_test(bad_control_url_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
