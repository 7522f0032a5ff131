/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_gateway_quirks.c: the router models of the gateway: their table, and what each one does to a
 * request that the gateway otherwise answers as the standards say.
 */
#include <stdio.h>

#include "gateway_fixture.h"
#include "wire/soap.h"
#include "wire/ssdp.h"

#define TYPE "urn:schemas-upnp-org:service:WANIPConnection:"

static void set_quirk(struct gateway_fixture *f, enum ph_gw_quirk quirk) {
    f->config.behaviour.quirks = PH_GW_QUIRK_BIT(quirk);
    fixture_start(f);
}

/* ---- The table ------------------------------------------------------------------------------- */

static void every_quirk_has_a_name_of_its_own_and_a_source(void **state) {
    (void)state;
    assert_true(PH_GW_QUIRK_COUNT <= 64);
    for (size_t i = 0; i < PH_GW_QUIRK_COUNT; i++) {
        const struct ph_gw_quirk_row *row = ph_gw_quirk_row(i);
        uint64_t set = 0;
        struct ph_span unknown;
        assert_non_null(row);
        assert_true(row->summary[0] && row->source[0]);
        assert_null(strchr(row->name, ','));
        assert_true(ph_gw_quirk_parse(ph_span_of(row->name), &set, &unknown));
        assert_true(set == PH_GW_QUIRK_BIT(i));
    }
    assert_null(ph_gw_quirk_row(PH_GW_QUIRK_COUNT));
}

static void names_are_a_list_with_commas(void **state) {
    (void)state;
    uint64_t set = 0;
    struct ph_span unknown;
    assert_true(ph_gw_quirk_parse(PH_SPAN("add-501,ppp-only"), &set, &unknown));
    assert_true(set ==
                (PH_GW_QUIRK_BIT(PH_GW_QUIRK_ADD_501) | PH_GW_QUIRK_BIT(PH_GW_QUIRK_PPP_ONLY)));
    static const char *const wrong[] = {"", ",", "add-501,", ",add-501", "add-50", "add-501x"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(ph_gw_quirk_parse(ph_span_of(wrong[i]), &set, &unknown));
    assert_false(ph_gw_quirk_parse(PH_SPAN("add-501,what,ppp-only"), &set, &unknown));
    assert_true(ph_span_equal(unknown, PH_SPAN("what")));
}

/* ---- UPnP actions ---------------------------------------------------------------------------- */

struct wish {
    const char *external;
    const char *internal;
    const char *client;
    const char *lease;
    const char *description;
};
static const struct wish usual = {"8080", "8080", "192.168.1.50", "7200", "test"};

static struct ph_soap_message reply;

/* By a request as this client sends it, or with another version of the type, of HTTP, or prefix. */
struct form {
    char version;
    const char *http;
    const char *prefix;
};
static const struct form usual_form = {'1', "1.1", "u"};

static unsigned status_of(struct gateway_fixture *f, const char *path, const struct form *form,
                          const char *action, const struct ph_soap_argument *arguments,
                          size_t count) {
    char type[80];
    char body[PH_SOAP_BODY_SIZE];
    char text[PH_SOAP_BODY_SIZE + 512];
    snprintf(type, sizeof type, TYPE "%c", form->version);
    int n =
        ph_soap_encode_request_as(form->prefix, type, action, arguments, count, body, sizeof body);
    assert_true(n > 0);
    snprintf(text, sizeof text,
             "POST %s HTTP/%s\r\nHost: 192.168.1.1:5000\r\nSOAPAction: \"%s#%s\"\r\n"
             "Content-Type: text/xml\r\nContent-Length: %d\r\n\r\n%.*s",
             path, form->http, type, action, n, n, body);
    return fixture_http(f, text);
}

static unsigned code_of(struct gateway_fixture *f, const char *action,
                        const struct ph_soap_argument *arguments, size_t count) {
    status_of(f, "/ctl/IPConn", &usual_form, action, arguments, count);
    assert_int_equal(ph_soap_decode(ph_span_of(fixture_body(f)), &reply), 0);
    return reply.error_code;
}

static unsigned add(struct gateway_fixture *f, const struct wish *wish) {
    const struct ph_soap_argument arguments[] = {
        {"NewRemoteHost", ""},
        {"NewExternalPort", wish->external},
        {"NewProtocol", "TCP"},
        {"NewInternalPort", wish->internal},
        {"NewInternalClient", wish->client},
        {"NewEnabled", "1"},
        {"NewPortMappingDescription", wish->description},
        {"NewLeaseDuration", wish->lease},
    };
    return code_of(f, "AddPortMapping", arguments, 8);
}

static unsigned by_name(struct gateway_fixture *f, const char *action) {
    static const struct ph_soap_argument arguments[] = {
        {"NewRemoteHost", ""}, {"NewExternalPort", "8080"}, {"NewProtocol", "TCP"}};
    return code_of(f, action, arguments, 3);
}

static void faults_of_add_port_mapping(void **state) {
    struct gateway_fixture *f = *state;
    static const struct {
        enum ph_gw_quirk quirk;
        unsigned code;
    } cases[] = {
        {PH_GW_QUIRK_ADD_501, 501}, {PH_GW_QUIRK_ADD_606, 606},         {PH_GW_QUIRK_ADD_715, 715},
        {PH_GW_QUIRK_ADD_716, 716}, {PH_GW_QUIRK_ADD_726, 726},         {PH_GW_QUIRK_ADD_727, 727},
        {PH_GW_QUIRK_ADD_728, 728}, {PH_GW_QUIRK_ADD_729, 729},         {PH_GW_QUIRK_ADD_732, 732},
        {PH_GW_QUIRK_ADD_733, 733}, {PH_GW_QUIRK_CONFLICT_ALWAYS, 718}, {PH_GW_QUIRK_COUNT, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        f->config.behaviour.quirks =
            cases[i].quirk == PH_GW_QUIRK_COUNT ? 0 : PH_GW_QUIRK_BIT(cases[i].quirk);
        fixture_start(f);
        assert_int_equal(add(f, &usual), cases[i].code);
        assert_int_equal(ph_gw_server_count(f->server), cases[i].code ? 0 : 1);
    }
}

static void leases_that_are_refused(void **state) {
    struct gateway_fixture *f = *state;
    static const struct {
        enum ph_gw_quirk quirk;
        const char *lease;
        unsigned code;
    } cases[] = {
        {PH_GW_QUIRK_PERMANENT_ONLY, "7200", 725}, {PH_GW_QUIRK_PERMANENT_ONLY, "0", 0},
        {PH_GW_QUIRK_NO_FINITE_LEASE, "1", 402},   {PH_GW_QUIRK_NO_FINITE_LEASE, "0", 0},
        {PH_GW_QUIRK_WEEK_LEASE, "0", 402},        {PH_GW_QUIRK_WEEK_LEASE, "604801", 402},
        {PH_GW_QUIRK_WEEK_LEASE, "604800", 0},     {PH_GW_QUIRK_HOUR_LEASE, "3601", 402},
        {PH_GW_QUIRK_HOUR_LEASE, "3600", 0},       {PH_GW_QUIRK_HOUR_LEASE, "0", 402},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wish wish = usual;
        wish.lease = cases[i].lease;
        set_quirk(f, cases[i].quirk);
        assert_int_equal(add(f, &wish), cases[i].code);
    }
}

static void ports_that_must_be_or_are_made_the_same(void **state) {
    struct gateway_fixture *f = *state;
    struct wish other = usual;
    other.internal = "80";
    set_quirk(f, PH_GW_QUIRK_SAME_PORTS_ONLY);
    assert_int_equal(add(f, &other), 724);
    assert_int_equal(add(f, &usual), 0);
    set_quirk(f, PH_GW_QUIRK_SAME_PORT_FORCED);
    assert_int_equal(add(f, &other), 0);
    assert_int_equal(ph_gw_server_mapping(f->server, 0)->facts.internal_port, 8080);
}

static void whoever_has_a_port(void **state) {
    struct gateway_fixture *f = *state;
    struct wish other = usual;
    other.internal = "80";
    set_quirk(f, PH_GW_QUIRK_OWN_CONFLICT);
    assert_int_equal(add(f, &usual), 0);
    assert_int_equal(add(f, &usual), 718);
    static const enum ph_gw_quirk lax[] = {PH_GW_QUIRK_OVERWRITES, PH_GW_QUIRK_TP_LINK_OVERWRITES};
    for (unsigned i = 0; i < 2; i++) {
        set_quirk(f, lax[i]);
        assert_int_equal(add(f, &usual), 0);
        assert_int_equal(add(f, &other), 0);
        assert_int_equal(ph_gw_server_count(f->server), 1);
        assert_int_equal(ph_gw_server_mapping(f->server, 0)->facts.internal_port, 80);
        assert_int_equal(f->closed, 1);
    }
    assert_int_equal(fixture_http(f, "GET /rootDesc.xml HTTP/1.1\r\n\r\n"), 200);
    assert_non_null(strstr(fixture_body(f), "<manufacturer>TP-Link</manufacturer>"));
}

static void actions_that_are_missing_or_lie(void **state) {
    struct gateway_fixture *f = *state;
    set_quirk(f, PH_GW_QUIRK_NO_READ_BACK);
    assert_int_equal(add(f, &usual), 0);
    assert_int_equal(by_name(f, "GetSpecificPortMappingEntry"), 401);
    set_quirk(f, PH_GW_QUIRK_DELETE_GONE);
    assert_int_equal(add(f, &usual), 0);
    assert_int_equal(by_name(f, "DeletePortMapping"), 714);
    assert_int_equal(ph_gw_server_count(f->server), 0);
    set_quirk(f, PH_GW_QUIRK_NO_ADDRESS);
    assert_int_equal(code_of(f, "GetExternalIPAddress", NULL, 0), 501);
    set_quirk(f, PH_GW_QUIRK_WRONG_NAMESPACE);
    assert_int_equal(code_of(f, "GetExternalIPAddress", NULL, 0), 0);
    assert_non_null(strstr(fixture_body(f), "service:Layer3Forwarding:1"));
    assert_null(strstr(fixture_body(f), "WANIPConnection"));
}

static void external_address_is_what_the_model_says(void **state) {
    struct gateway_fixture *f = *state;
    static const uint8_t request[] = {0, 0};
    set_quirk(f, PH_GW_QUIRK_ZERO_ADDRESS);
    assert_int_equal(code_of(f, "GetExternalIPAddress", NULL, 0), 0);
    assert_string_equal(ph_soap_value(&reply, "NewExternalIPAddress"), "0.0.0.0");
    assert_int_equal(fixture_control(f, request, sizeof request), 12);
    assert_memory_equal(f->answer + 8, "\0\0\0\0", 4);
    set_quirk(f, PH_GW_QUIRK_SHARED_ADDRESS);
    assert_int_equal(code_of(f, "GetExternalIPAddress", NULL, 0), 0);
    assert_string_equal(ph_soap_value(&reply, "NewExternalIPAddress"), "100.64.0.9");
    assert_int_equal(fixture_control(f, request, sizeof request), 12);
    assert_memory_equal(f->answer + 8, "\x64\x40\0\x09", 4);
}

/* ---- UPnP requests and descriptions ---------------------------------------------------------- */

static void forms_of_a_request_that_are_refused(void **state) {
    struct gateway_fixture *f = *state;
    static const struct {
        enum ph_gw_quirk quirk;
        struct form form;
        unsigned status;
    } cases[] = {
        {PH_GW_QUIRK_HTTP10_ONLY, {'1', "1.1", "u"}, 505},
        {PH_GW_QUIRK_HTTP10_ONLY, {'1', "1.0", "u"}, 200},
        {PH_GW_QUIRK_M_PREFIX_ONLY, {'1', "1.1", "u"}, 500},
        {PH_GW_QUIRK_M_PREFIX_ONLY, {'1', "1.1", "m"}, 200},
        {PH_GW_QUIRK_V1_ACTIONS, {'2', "1.1", "u"}, 500},
        {PH_GW_QUIRK_V1_ACTIONS, {'1', "1.1", "u"}, 200},
        {PH_GW_QUIRK_V2_ONLY, {'1', "1.1", "u"}, 500},
        {PH_GW_QUIRK_V2_ONLY, {'2', "1.1", "u"}, 200},
        {PH_GW_QUIRK_STRICT_REQUESTS, {'2', "1.1", "u"}, 200},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        set_quirk(f, cases[i].quirk);
        assert_int_equal(
            status_of(f, "/ctl/IPConn", &cases[i].form, "GetExternalIPAddress", NULL, 0),
            cases[i].status);
    }
}

static void request_that_is_not_to_the_letter_is_refused(void **state) {
    struct gateway_fixture *f = *state;
    static const char body[] = "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\">"
                               "<s:Body><u:GetExternalIPAddress xmlns:u=\"" TYPE "1\"/></s:Body>"
                               "</s:Envelope>";
    static const struct {
        const char *type;
        const char *action;
        unsigned status;
    } cases[] = {
        {"text/xml", "\"" TYPE "1#GetExternalIPAddress\"", 200},
        {"text/xml", TYPE "1#GetExternalIPAddress", 503},
        {"text/xml", "\"" TYPE "2#GetExternalIPAddress\"", 503},
        {"text/plain", "\"" TYPE "1#GetExternalIPAddress\"", 503},
        {"text/xml", "\"\"", 503},
        {"text/xml", "\"#\"", 503},
        {"text/xml", "#", 503},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[1024];
        snprintf(text, sizeof text,
                 "POST /ctl/IPConn HTTP/1.1\r\nHost: 192.168.1.1:5000\r\nContent-Type: %s\r\n"
                 "SOAPAction: %s\r\nContent-Length: %u\r\n\r\n%s",
                 cases[i].type, cases[i].action, (unsigned)strlen(body), body);
        set_quirk(f, PH_GW_QUIRK_STRICT_REQUESTS);
        assert_int_equal(fixture_http(f, text), cases[i].status);
    }
}

static void empty_description_is_refused(void **state) {
    struct gateway_fixture *f = *state;
    set_quirk(f, PH_GW_QUIRK_NO_EMPTY_DESCRIPTION);
    assert_int_equal(add(f, &usual), 0);
    static const struct ph_soap_argument empty = {"NewPortMappingDescription", ""};
    assert_int_equal(status_of(f, "/ctl/IPConn", &usual_form, "AddPortMapping", &empty, 1), 500);
    assert_string_equal(fixture_body(f), "");
}

static const char *description_of(struct gateway_fixture *f) {
    assert_int_equal(
        fixture_http(f, "GET /rootDesc.xml HTTP/1.1\r\nHost: 192.168.1.1:5000\r\n\r\n"), 200);
    return fixture_body(f);
}

static void services_that_are_described(void **state) {
    struct gateway_fixture *f = *state;
    set_quirk(f, PH_GW_QUIRK_PPP_ONLY);
    assert_non_null(strstr(description_of(f), "WANPPPConnection:1"));
    assert_null(strstr(description_of(f), "WANIPConnection"));
    set_quirk(f, PH_GW_QUIRK_DEAD_CONNECTION);
    const char *text = description_of(f);
    assert_true(strstr(text, "WANPPPConnection:1") < strstr(text, "WANIPConnection:2"));
    set_quirk(f, PH_GW_QUIRK_ODD_SPACING);
    assert_non_null(strstr(description_of(f), "<controlURL\t odd = 'yes'  >\r\n\t/ctl/IPConn"));
    assert_int_equal(code_of(f, "GetExternalIPAddress", NULL, 0), 0);
    assert_string_equal(ph_soap_value(&reply, "NewExternalIPAddress"), "203.0.113.7");
}

static void dead_connection_says_yes_and_does_nothing(void **state) {
    struct gateway_fixture *f = *state;
    static const struct ph_soap_argument arguments[] = {{"NewRemoteHost", ""},
                                                        {"NewExternalPort", "8080"},
                                                        {"NewProtocol", "TCP"},
                                                        {"NewInternalPort", "8080"},
                                                        {"NewInternalClient", "192.168.1.50"},
                                                        {"NewEnabled", "1"},
                                                        {"NewPortMappingDescription", "x"},
                                                        {"NewLeaseDuration", "60"}};
    char text[2048];
    char body[1024];
    static const char type[] = "urn:schemas-upnp-org:service:WANPPPConnection:1";
    set_quirk(f, PH_GW_QUIRK_DEAD_CONNECTION);
    int n = ph_soap_encode_request(type, "AddPortMapping", arguments, 8, body, sizeof body);
    assert_true(n > 0);
    snprintf(text, sizeof text,
             "POST /ctl/PPPConn HTTP/1.1\r\nHost: 192.168.1.1:5000\r\nSOAPAction: "
             "\"%s#AddPortMapping\"\r\nContent-Length: %d\r\n\r\n%.*s",
             type, n, n, body);
    assert_int_equal(fixture_http(f, text), 200);
    assert_int_equal(ph_gw_server_count(f->server), 0);
}

static void control_url_moves_with_each_start(void **state) {
    struct gateway_fixture *f = *state;
    set_quirk(f, PH_GW_QUIRK_MOVING_CONTROL);
    assert_non_null(strstr(description_of(f), "<controlURL>/ctl/IPConn/77<"));
    assert_int_equal(status_of(f, "/ctl/IPConn/77", &usual_form, "GetExternalIPAddress", NULL, 0),
                     200);
    f->config.boot_id++;
    fixture_start(f);
    assert_int_equal(status_of(f, "/ctl/IPConn/77", &usual_form, "GetExternalIPAddress", NULL, 0),
                     404);
}

/* ---- SSDP ------------------------------------------------------------------------------------ */

static char location[200];

static void count_answer(void *user, const void *bytes, size_t len) {
    struct ph_ssdp_message message;
    *(unsigned *)user += 1;
    assert_int_equal(ph_ssdp_decode(bytes, len, &message), 0);
    ph_span_print(message.location, location, sizeof location);
}

static unsigned search(struct gateway_fixture *f, const char *host, const char *target) {
    char text[300];
    unsigned count = 0;
    snprintf(text, sizeof text,
             "M-SEARCH * HTTP/1.1\r\nHOST: %s:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\n"
             "ST: %s\r\n\r\n",
             host, target);
    ph_gw_server_ssdp(f->server, f->now, &f->client, text, strlen(text), count_answer, &count);
    return count;
}

static void searches_that_are_ignored(void **state) {
    struct gateway_fixture *f = *state;
    static const char group[] = "239.255.255.250";
    static const char own[] = "192.168.1.1";
    static const struct {
        enum ph_gw_quirk quirk;
        const char *host;
        const char *target;
        bool is_answered;
    } cases[] = {
        {PH_GW_QUIRK_MULTICAST_ONLY, own, PH_SSDP_TARGET_IGD1, false},
        {PH_GW_QUIRK_MULTICAST_ONLY, group, PH_SSDP_TARGET_IGD1, true},
        {PH_GW_QUIRK_UNICAST_ONLY, group, PH_SSDP_TARGET_IGD1, false},
        {PH_GW_QUIRK_UNICAST_ONLY, own, PH_SSDP_TARGET_IGD1, true},
        {PH_GW_QUIRK_ALL_ONLY, own, PH_SSDP_TARGET_IGD2, false},
        {PH_GW_QUIRK_ALL_ONLY, own, PH_SSDP_TARGET_ALL, true},
        {PH_GW_QUIRK_V2_ONLY, own, PH_SSDP_TARGET_IGD1, false},
        {PH_GW_QUIRK_V2_ONLY, own, PH_SSDP_TARGET_ALL, false},
        {PH_GW_QUIRK_V2_ONLY, own, PH_SSDP_TARGET_IGD2, true},
        {PH_GW_QUIRK_STRICT_REQUESTS, own, PH_SSDP_TARGET_IGD2, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        set_quirk(f, cases[i].quirk);
        assert_int_equal(search(f, cases[i].host, cases[i].target) > 0, cases[i].is_answered);
    }
    /* To the letter: no quotes, no end. */
    static const char *const sloppy[] = {
        "M-SEARCH * HTTP/1.1\r\nHOST: 192.168.1.1\r\nMAN: ssdp:discover\r\nST: ssdp:all\r\n\r\n",
        "M-SEARCH * HTTP/1.1\r\nHOST: 192.168.1.1\r\nMAN: \"ssdp:discover\"\r\nST: ssdp:all\r\n",
        "M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\nST: ssdp:all\r\n\r\n"};
    for (size_t i = 0; i < 3; i++) {
        unsigned count = 0;
        ph_gw_server_ssdp(f->server, f->now, &f->client, sloppy[i], strlen(sloppy[i]), count_answer,
                          &count);
        assert_int_equal(count, 0);
    }
}

static void manner_of_answers(void **state) {
    struct gateway_fixture *f = *state;
    struct ph_gw_ssdp_manner manner = ph_gw_server_ssdp_manner(f->server);
    assert_true(manner.delay == 0 && manner.port == PH_SSDP_PORT);
    set_quirk(f, PH_GW_QUIRK_LATE_ANSWERS);
    assert_true(ph_gw_server_ssdp_manner(f->server).delay == PH_SECONDS(4));
    set_quirk(f, PH_GW_QUIRK_RANDOM_SOURCE_PORT);
    assert_true(ph_gw_server_ssdp_manner(f->server).port >= 32768);
    set_quirk(f, PH_GW_QUIRK_LOOPBACK_LOCATION);
    assert_true(search(f, "192.168.1.1", PH_SSDP_TARGET_IGD1) > 0);
    assert_string_equal(location, "http://[::1]:5000/rootDesc.xml");
}

/* ---- PCP and NAT-PMP ------------------------------------------------------------------------- */

/* MAP of TCP 8080 with one nonce: its result code. *ret_lifetime_s is the answer's. */
static unsigned pcp_map(struct gateway_fixture *f, uint32_t lifetime_s, uint32_t *ret_lifetime_s) {
    uint8_t request[60] = {2, 1};
    for (unsigned i = 0; i < 4; i++)
        request[4 + i] = (uint8_t)(lifetime_s >> (24 - 8 * i));
    static const uint8_t client[] = {0xff, 0xff, 192, 168, 1, 50};
    memcpy(request + 18, client, sizeof client);
    memset(request + 24, 7, 12);
    request[36] = 6;
    request[40] = request[42] = 0x1f;
    request[41] = request[43] = 0x90;
    assert_int_equal(fixture_control(f, request, sizeof request), sizeof request);
    *ret_lifetime_s = (uint32_t)f->answer[4] << 24 | (uint32_t)f->answer[5] << 16 |
                      (uint32_t)f->answer[6] << 8 | f->answer[7];
    return f->answer[3];
}

static void pcp_refusals(void **state) {
    struct gateway_fixture *f = *state;
    uint32_t left_s;
    set_quirk(f, PH_GW_QUIRK_PCP_NO_RESOURCES);
    assert_int_equal(pcp_map(f, 3600, &left_s), 8);
    set_quirk(f, PH_GW_QUIRK_PCP_NO_RENEWAL);
    assert_int_equal(pcp_map(f, 3600, &left_s), 0);
    assert_int_equal(pcp_map(f, 3600, &left_s), 8);
    assert_int_equal(pcp_map(f, 0, &left_s), 0);
    assert_int_equal(ph_gw_server_count(f->server), 0);
    set_quirk(f, PH_GW_QUIRK_PCP_NO_DELETE);
    assert_int_equal(pcp_map(f, 3600, &left_s), 0);
    assert_int_equal(pcp_map(f, 0, &left_s), 8);
    assert_int_equal(ph_gw_server_count(f->server), 1);
    assert_int_equal(pcp_map(f, 120, &left_s), 0);
    assert_int_equal(left_s, 120);
    set_quirk(f, PH_GW_QUIRK_PCP_DELETE_MISSING);
    assert_int_equal(pcp_map(f, 3600, &left_s), 0);
    assert_int_equal(pcp_map(f, 0, &left_s), 0);
    assert_int_equal(pcp_map(f, 0, &left_s), 8);
}

static void version_is_refused_in_8_bytes(void **state) {
    struct gateway_fixture *f = *state;
    static const uint8_t request[24] = {2, 0};
    set_quirk(f, PH_GW_QUIRK_SHORT_REFUSAL);
    assert_int_equal(fixture_control(f, request, sizeof request), 8);
    /* RFC 6886 §3.5: version 0, the opcode and 128, UNSUPP_VERSION. */
    assert_memory_equal(f->answer, "\0\x80\0\1", 4);
}

static void renewal_extends_nothing(void **state) {
    struct gateway_fixture *f = *state;
    uint32_t left_s;
    set_quirk(f, PH_GW_QUIRK_LEASE_NOT_EXTENDED);
    assert_int_equal(pcp_map(f, 3600, &left_s), 0);
    f->now += PH_SECONDS(1000);
    assert_int_equal(pcp_map(f, 3600, &left_s), 0);
    assert_int_equal(left_s, 2600);
    assert_int_equal(fixture_map(f, 9000, 9000, 3600), 9000);
    f->now += PH_SECONDS(600);
    assert_int_equal(fixture_map(f, 9000, 9000, 3600), 9000);
    assert_memory_equal(f->answer + 12, "\0\0\x0b\xb8", 4);
    struct wish wish = usual;
    wish.external = wish.internal = "7000";
    assert_int_equal(add(f, &wish), 0);
    f->now += PH_SECONDS(200);
    assert_int_equal(add(f, &wish), 0);
    assert_int_equal(ph_gw_mapping_left_s(ph_gw_server_mapping(f->server, 2), f->now), 7000);
}

static void table_has_room_for_four(void **state) {
    struct gateway_fixture *f = *state;
    set_quirk(f, PH_GW_QUIRK_SMALL_TABLE);
    for (uint16_t i = 0; i < 4; i++)
        assert_true(fixture_map(f, (uint16_t)(9000 + i), 0, 60) > 0);
    assert_int_equal(fixture_map(f, 9004, 0, 60), 0);
    assert_int_equal(add(f, &usual), 728);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_quirk_has_a_name_of_its_own_and_a_source),
        cmocka_unit_test(names_are_a_list_with_commas),
        GATEWAY_TEST(faults_of_add_port_mapping),
        GATEWAY_TEST(leases_that_are_refused),
        GATEWAY_TEST(ports_that_must_be_or_are_made_the_same),
        GATEWAY_TEST(whoever_has_a_port),
        GATEWAY_TEST(actions_that_are_missing_or_lie),
        GATEWAY_TEST(external_address_is_what_the_model_says),
        GATEWAY_TEST(forms_of_a_request_that_are_refused),
        GATEWAY_TEST(request_that_is_not_to_the_letter_is_refused),
        GATEWAY_TEST(empty_description_is_refused),
        GATEWAY_TEST(services_that_are_described),
        GATEWAY_TEST(dead_connection_says_yes_and_does_nothing),
        GATEWAY_TEST(control_url_moves_with_each_start),
        GATEWAY_TEST(searches_that_are_ignored),
        GATEWAY_TEST(manner_of_answers),
        GATEWAY_TEST(pcp_refusals),
        GATEWAY_TEST(version_is_refused_in_8_bytes),
        GATEWAY_TEST(renewal_extends_nothing),
        GATEWAY_TEST(table_has_room_for_four),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
