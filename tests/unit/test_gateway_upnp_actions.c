/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_gateway_upnp_actions.c: what the gateway's UPnP actions do, by the rules of
 * WANIPConnection:1 and :2, and with which errorCode they refuse.
 */
#include <stdio.h>

#include "gateway_fixture.h"
#include "wire/soap.h"

#define WAN_IP_1 "urn:schemas-upnp-org:service:WANIPConnection:1"
#define WAN_IP_2 "urn:schemas-upnp-org:service:WANIPConnection:2"
#define COMMON "urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1"
#define LAYER3 "urn:schemas-upnp-org:service:Layer3Forwarding:1"

struct call {
    const char *service;
    const char *action;
    struct ph_soap_argument arguments[PH_SOAP_ARGUMENTS_MAX];
    size_t count;
};

static struct ph_soap_message answer;

/* Calls an action and decodes its answer. Returns the errorCode, 0 = done. */
static unsigned run_call(struct gateway_fixture *f, const char *path, const struct call *call) {
    char body[PH_SOAP_BODY_SIZE];
    char text[PH_SOAP_BODY_SIZE + 512];
    int n = ph_soap_encode_request(call->service, call->action, call->arguments, call->count, body,
                                   sizeof body);
    assert_true(n > 0);
    snprintf(text, sizeof text,
             "POST %s HTTP/1.1\r\nHost: 192.168.1.1:5000\r\nSOAPAction: \"%s#%s\"\r\n"
             "Content-Length: %d\r\n\r\n%.*s",
             path, call->service, call->action, n, n, body);
    unsigned status = fixture_http(f, text);
    assert_int_equal(ph_soap_decode(ph_span_of(fixture_body(f)), &answer), 0);
    assert_int_equal(status, answer.error_code ? 500 : 200);
    return answer.error_code;
}

/* A good AddPortMapping: TCP 8080 to our 80 for an hour. */
static struct call add_call(void) {
    return (struct call){.service = WAN_IP_1,
                         .action = "AddPortMapping",
                         .arguments = {{"NewRemoteHost", ""},
                                       {"NewExternalPort", "8080"},
                                       {"NewProtocol", "TCP"},
                                       {"NewInternalPort", "80"},
                                       {"NewInternalClient", "192.168.1.50"},
                                       {"NewEnabled", "1"},
                                       {"NewPortMappingDescription", "a <test>"},
                                       {"NewLeaseDuration", "3600"}},
                         .count = 8};
}

/* Where they are in add_call(). */
enum { REMOTE_HOST, EXTERNAL, PROTOCOL, INTERNAL, CLIENT, ENABLED, DESCRIPTION, LEASE };

static unsigned run_add(struct gateway_fixture *f, const struct call *call) {
    return run_call(f, "/ctl/IPConn", call);
}

static unsigned add_with(struct gateway_fixture *f, size_t argument, const char *value) {
    struct call call = add_call();
    call.arguments[argument].value = value;
    return run_add(f, &call);
}

/* The actions that name a mapping: DeletePortMapping, GetSpecificPortMappingEntry. */
static unsigned run_named(struct gateway_fixture *f, const char *action, const char *port,
                          const char *protocol) {
    struct call call = {
        .service = WAN_IP_1,
        .action = action,
        .arguments = {{"NewRemoteHost", ""}, {"NewExternalPort", port}, {"NewProtocol", protocol}},
        .count = 3};
    return run_call(f, "/ctl/IPConn", &call);
}

static unsigned run_plain(struct gateway_fixture *f, const char *action) {
    struct call call = {.service = WAN_IP_1, .action = action};
    return run_call(f, "/ctl/IPConn", &call);
}

static void expect_out(const char *name, const char *value) {
    assert_non_null(ph_soap_value(&answer, name));
    assert_string_equal(ph_soap_value(&answer, name), value);
}

/* ---- AddPortMapping -------------------------------------------------------------------------- */

static void add_makes_the_mapping(void **state) {
    struct gateway_fixture *f = *state;
    struct call call = add_call();
    assert_int_equal(run_add(f, &call), 0);
    assert_string_equal(answer.action, "AddPortMappingResponse");
    assert_int_equal(answer.value_count, 0);
    const struct ph_gw_facts *facts = &ph_gw_server_mapping(f->server, 0)->facts;
    assert_int_equal(facts->made_by, PORTHOLE_UPNP);
    assert_int_equal(facts->protocol, PORTHOLE_TCP);
    assert_int_equal(facts->external_port, 8080);
    assert_int_equal(facts->internal_port, 80);
    assert_string_equal(facts->description, "a <test>");
    assert_int_equal(ph_gw_server_deadline(f->server), f->now + PH_SECONDS(3600));
    assert_string_equal(f->last_line, "upnp AddPortMapping 8080: 0 OK");
}

static void same_add_again_renews(void **state) {
    struct gateway_fixture *f = *state;
    struct call call = add_call();
    assert_int_equal(run_add(f, &call), 0);
    f->now += PH_SECONDS(1800);
    assert_int_equal(run_add(f, &call), 0);
    assert_int_equal(ph_gw_server_deadline(f->server), f->now + PH_SECONDS(3600));
    assert_int_equal(f->opened, 1);
}

/* WANIPConnection:1 §2.4.16.4 */
static void taken_port_is_a_conflict(void **state) {
    struct gateway_fixture *f = *state;
    struct call call = add_call();
    assert_int_equal(run_add(f, &call), 0);
    assert_int_equal(add_with(f, INTERNAL, "81"), 718);
    assert_string_equal(f->last_line, "upnp AddPortMapping 8080: 718 ConflictInMappingEntry");
    f->client.addr = ph_addr_v4(192, 168, 1, 51);
    assert_int_equal(add_with(f, CLIENT, "192.168.1.51"), 718);
    assert_int_equal(add_with(f, PROTOCOL, "UDP"), 606);
    assert_int_equal(ph_gw_server_count(f->server), 1);
}

static void port_of_another_protocol_is_a_conflict(void **state) {
    struct gateway_fixture *f = *state;
    struct call call = add_call();
    assert_int_equal(fixture_map(f, 80, 8080, 60), 8080); /* by NAT-PMP, the same in all */
    assert_int_equal(run_add(f, &call), 718);
}

static void port_that_the_host_has_taken_is_a_conflict(void **state) {
    struct gateway_fixture *f = *state;
    struct call call = add_call();
    f->taken_port = 8080;
    assert_int_equal(run_add(f, &call), 718);
}

/* Also from a web page in another host's browser: nobody maps what is not his. */
static void other_hosts_cannot_be_mapped(void **state) {
    struct gateway_fixture *f = *state;
    assert_int_equal(add_with(f, CLIENT, "192.168.1.51"), 606);
    assert_int_equal(add_with(f, CLIENT, "192.168.1.1"), 606);
    assert_int_equal(ph_gw_server_count(f->server), 0);
}

static void bad_arguments_are_refused(void **state) {
    struct gateway_fixture *f = *state;
    static const struct {
        size_t argument;
        const char *value;
        unsigned code;
    } cases[] = {
        {REMOTE_HOST, "198.51.100.1", 726},
        {EXTERNAL, "0", 716},
        {EXTERNAL, "65536", 402},
        {EXTERNAL, "-1", 402},
        {EXTERNAL, "", 402},
        {PROTOCOL, "tcp", 402},
        {PROTOCOL, "", 402},
        {PROTOCOL, "SCTP", 402},
        {INTERNAL, "0", 402},
        {INTERNAL, "80x", 402},
        {CLIENT, "", 402},
        {CLIENT, "myhost", 402},
        {ENABLED, "0", 501},
        {ENABLED, "maybe", 402},
        {LEASE, "forever", 402},
        {LEASE, "4294967296", 402},
        {LEASE, "-5", 402},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(add_with(f, cases[i].argument, cases[i].value), cases[i].code);
    for (size_t i = 0; i < 8; i++) {
        struct call call = add_call();
        call.arguments[i].name = "NewOther";
        assert_int_equal(run_add(f, &call), 402);
    }
    assert_int_equal(ph_gw_server_count(f->server), 0);
}

static void empty_description_and_words_for_enabled_are_fine(void **state) {
    struct gateway_fixture *f = *state;
    assert_int_equal(add_with(f, DESCRIPTION, ""), 0);
    assert_int_equal(add_with(f, ENABLED, "true"), 0);
}

/* In IGD:1 a lease of 0 has no end; in IGD:2 it means a week, and none is longer. */
static void lease_of_zero_depends_on_the_version(void **state) {
    struct gateway_fixture *f = *state;
    f->config.behaviour.lease_max_s = UINT32_MAX;
    fixture_start(f);
    assert_int_equal(add_with(f, LEASE, "0"), 0);
    assert_int_equal(ph_gw_server_deadline(f->server), f->now + PH_SECONDS(604800));
    assert_int_equal(add_with(f, LEASE, "604801"), 0);
    assert_int_equal(ph_gw_server_deadline(f->server), f->now + PH_SECONDS(604800));
    f->config.behaviour.igd_version = 1;
    fixture_start(f);
    assert_int_equal(add_with(f, LEASE, "0"), 0);
    assert_int_equal(ph_gw_server_deadline(f->server), PH_NEVER);
    assert_int_equal(run_named(f, "GetSpecificPortMappingEntry", "8080", "TCP"), 0);
    expect_out("NewLeaseDuration", "0");
}

static void lease_is_cut_to_the_limit(void **state) {
    struct gateway_fixture *f = *state;
    struct call call = add_call();
    f->config.behaviour.lease_max_s = 60;
    fixture_start(f);
    assert_int_equal(run_add(f, &call), 0);
    assert_int_equal(run_named(f, "GetSpecificPortMappingEntry", "8080", "TCP"), 0);
    expect_out("NewLeaseDuration", "60");
}

static void full_gateway_has_no_ports(void **state) {
    struct gateway_fixture *f = *state;
    struct call call = add_call();
    f->config.behaviour.mappings_max = 0;
    fixture_start(f);
    assert_int_equal(run_add(f, &call), 728);
    f->config.behaviour.igd_version = 1; /* which has no code for that */
    fixture_start(f);
    assert_int_equal(run_add(f, &call), 501);
}

/* ---- AddAnyPortMapping ----------------------------------------------------------------------- */

static void add_any_gives_another_port(void **state) {
    struct gateway_fixture *f = *state;
    struct call call = add_call();
    assert_int_equal(fixture_map(f, 22, 8080, 60), 8080);
    call.service = WAN_IP_2;
    call.action = "AddAnyPortMapping";
    assert_int_equal(run_add(f, &call), 0);
    char port[8];
    assert_non_null(ph_soap_value(&answer, "NewReservedPort"));
    snprintf(port, sizeof port, "%s", ph_soap_value(&answer, "NewReservedPort"));
    assert_string_not_equal(port, "8080");
    assert_int_equal(run_named(f, "GetSpecificPortMappingEntry", port, "TCP"), 0);
    expect_out("NewInternalPort", "80");
    call.arguments[EXTERNAL].value = port;
    assert_int_equal(run_add(f, &call), 0); /* again: renewed */
    expect_out("NewReservedPort", port);
    assert_int_equal(ph_gw_server_count(f->server), 2);
}

static void add_any_takes_port_zero_as_no_wish(void **state) {
    struct gateway_fixture *f = *state;
    struct call call = add_call();
    call.service = WAN_IP_2;
    call.action = "AddAnyPortMapping";
    call.arguments[EXTERNAL].value = "0";
    call.arguments[INTERNAL].value = "8000";
    assert_int_equal(run_add(f, &call), 0);
    expect_out("NewReservedPort", "8000");
}

static void add_any_is_not_in_version_one(void **state) {
    struct gateway_fixture *f = *state;
    struct call call = add_call();
    call.action = "AddAnyPortMapping";
    f->config.behaviour.igd_version = 1;
    fixture_start(f);
    assert_int_equal(run_add(f, &call), 401);
}

/* ---- DeletePortMapping ----------------------------------------------------------------------- */

static void delete_removes(void **state) {
    struct gateway_fixture *f = *state;
    struct call call = add_call();
    assert_int_equal(run_add(f, &call), 0);
    assert_int_equal(run_named(f, "DeletePortMapping", "8080", "UDP"), 714);
    assert_int_equal(run_named(f, "DeletePortMapping", "8080", "TCP"), 0);
    assert_int_equal(ph_gw_server_count(f->server), 0);
    assert_int_equal(f->last_end, PH_GW_REMOVED);
    assert_int_equal(run_named(f, "DeletePortMapping", "8080", "TCP"), 714);
}

static void delete_touches_only_ones_own(void **state) {
    struct gateway_fixture *f = *state;
    struct call call = add_call();
    assert_int_equal(run_add(f, &call), 0);
    assert_int_equal(fixture_map(f, 80, 9090, 60), 9090);
    assert_int_equal(run_named(f, "DeletePortMapping", "9090", "TCP"), 606);
    f->client.addr = ph_addr_v4(192, 168, 1, 51);
    assert_int_equal(run_named(f, "DeletePortMapping", "8080", "TCP"), 606);
    assert_int_equal(ph_gw_server_count(f->server), 2);
}

/* ---- Looking --------------------------------------------------------------------------------- */

static void specific_entry_tells_all(void **state) {
    struct gateway_fixture *f = *state;
    struct call call = add_call();
    assert_int_equal(run_add(f, &call), 0);
    f->now += PH_SECONDS(600);
    assert_int_equal(run_named(f, "GetSpecificPortMappingEntry", "8080", "TCP"), 0);
    assert_int_equal(answer.value_count, 5);
    expect_out("NewInternalPort", "80");
    expect_out("NewInternalClient", "192.168.1.50");
    expect_out("NewEnabled", "1");
    expect_out("NewPortMappingDescription", "a <test>");
    expect_out("NewLeaseDuration", "3000");
    assert_int_equal(run_named(f, "GetSpecificPortMappingEntry", "8081", "TCP"), 714);
    assert_int_equal(run_named(f, "GetSpecificPortMappingEntry", "", "TCP"), 402);
}

static unsigned run_generic(struct gateway_fixture *f, const char *index) {
    struct call call = {.service = WAN_IP_1,
                        .action = "GetGenericPortMappingEntry",
                        .arguments = {{"NewPortMappingIndex", index}},
                        .count = 1};
    return run_call(f, "/ctl/IPConn", &call);
}

static void generic_entries_list_all(void **state) {
    struct gateway_fixture *f = *state;
    struct call call = add_call();
    assert_int_equal(run_generic(f, "0"), 713);
    assert_int_equal(run_add(f, &call), 0);
    fixture_map(f, 22, 2222, 60);
    assert_int_equal(run_generic(f, "0"), 0);
    assert_int_equal(answer.value_count, 8);
    expect_out("NewRemoteHost", "");
    expect_out("NewExternalPort", "8080");
    expect_out("NewProtocol", "TCP");
    assert_int_equal(run_generic(f, "1"), 0);
    expect_out("NewExternalPort", "2222");
    expect_out("NewPortMappingDescription", "");
    assert_int_equal(run_generic(f, "2"), 713);
    assert_int_equal(run_generic(f, "4294967295"), 713);
    assert_int_equal(run_generic(f, "x"), 402);
}

static void external_address_and_status_are_told(void **state) {
    struct gateway_fixture *f = *state;
    f->now += PH_SECONDS(5);
    assert_int_equal(run_plain(f, "GetExternalIPAddress"), 0);
    expect_out("NewExternalIPAddress", "203.0.113.7");
    assert_int_equal(run_plain(f, "GetStatusInfo"), 0);
    expect_out("NewConnectionStatus", "Connected");
    expect_out("NewLastConnectionError", "ERROR_NONE");
    expect_out("NewUptime", "5");
    assert_int_equal(run_plain(f, "GetConnectionTypeInfo"), 0);
    expect_out("NewConnectionType", "IP_Routed");
    assert_int_equal(run_plain(f, "GetNATRSIPStatus"), 0);
    expect_out("NewNATEnabled", "1");
}

static void other_services_answer(void **state) {
    struct gateway_fixture *f = *state;
    struct call call = {.service = COMMON, .action = "GetCommonLinkProperties"};
    assert_int_equal(run_call(f, "/ctl/CmnIfCfg", &call), 0);
    expect_out("NewPhysicalLinkStatus", "Up");
    call = (struct call){.service = LAYER3, .action = "GetDefaultConnectionService"};
    assert_int_equal(run_call(f, "/ctl/L3F", &call), 0);
    assert_int_equal(run_call(f, "/ctl/IPConn", &call), 401); /* of another service */
    call.action = "GetExternalIPAddress";
    assert_int_equal(run_call(f, "/ctl/L3F", &call), 401);
}

static void answer_has_the_type_that_was_asked(void **state) {
    struct gateway_fixture *f = *state;
    struct call call = {.service = WAN_IP_1, .action = "GetExternalIPAddress"};
    assert_int_equal(run_call(f, "/ctl/IPConn", &call), 0);
    assert_non_null(strstr(fixture_body(f), "xmlns:u=\"" WAN_IP_1 "\""));
    call.service = WAN_IP_2;
    assert_int_equal(run_call(f, "/ctl/IPConn", &call), 0);
    assert_non_null(strstr(fixture_body(f), "xmlns:u=\"" WAN_IP_2 "\""));
    call.service = "urn:schemas-upnp-org:service:WANIPConnection:3";
    assert_int_equal(run_call(f, "/ctl/IPConn", &call), 401);
    call.service = "urn:schemas-upnp-org:service:WANPPPConnection:1";
    assert_int_equal(run_call(f, "/ctl/IPConn", &call), 401);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        GATEWAY_TEST(add_makes_the_mapping),
        GATEWAY_TEST(same_add_again_renews),
        GATEWAY_TEST(taken_port_is_a_conflict),
        GATEWAY_TEST(port_of_another_protocol_is_a_conflict),
        GATEWAY_TEST(port_that_the_host_has_taken_is_a_conflict),
        GATEWAY_TEST(other_hosts_cannot_be_mapped),
        GATEWAY_TEST(bad_arguments_are_refused),
        GATEWAY_TEST(empty_description_and_words_for_enabled_are_fine),
        GATEWAY_TEST(lease_of_zero_depends_on_the_version),
        GATEWAY_TEST(lease_is_cut_to_the_limit),
        GATEWAY_TEST(full_gateway_has_no_ports),
        GATEWAY_TEST(add_any_gives_another_port),
        GATEWAY_TEST(add_any_takes_port_zero_as_no_wish),
        GATEWAY_TEST(add_any_is_not_in_version_one),
        GATEWAY_TEST(delete_removes),
        GATEWAY_TEST(delete_touches_only_ones_own),
        GATEWAY_TEST(specific_entry_tells_all),
        GATEWAY_TEST(generic_entries_list_all),
        GATEWAY_TEST(external_address_and_status_are_told),
        GATEWAY_TEST(other_services_answer),
        GATEWAY_TEST(answer_has_the_type_that_was_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
