/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_gateway_upnp_description.c: the documents that the gateway serves say what it is, and are
 * well formed, whatever names it was given.
 */
#include <stdio.h>

#include "gateway_fixture.h"
#include "wire/igd.h"
#include "wire/xml.h"

static struct ph_igd_description read_description(struct gateway_fixture *f) {
    struct ph_igd_description description;
    assert_int_equal(fixture_http(f, "GET /rootDesc.xml HTTP/1.1\r\n\r\n"), 200);
    assert_int_equal(ph_igd_parse(ph_span_of(fixture_body(f)), &description), 0);
    return description;
}

static void description_offers_the_service(void **state) {
    struct gateway_fixture *f = *state;
    struct ph_url location;
    struct ph_url control;
    assert_int_equal(ph_url_parse(PH_SPAN("http://192.168.1.1:5000/rootDesc.xml"), &location), 0);
    struct ph_igd_description description = read_description(f);
    assert_int_equal(description.service_count, 1);
    assert_string_equal(description.services[0].type,
                        "urn:schemas-upnp-org:service:WANIPConnection:2");
    assert_int_equal(
        ph_igd_service_url(&description, &description.services[0], &location, &control), 0);
    assert_string_equal(control.path, "/ctl/IPConn");
    assert_string_equal(description.friendly_name, "porthole gateway");
    assert_string_equal(description.udn, "uuid:706f7274-686f-8c65-8000-ffffc0a80101");
}

static void version_one_is_described_as_such(void **state) {
    struct gateway_fixture *f = *state;
    f->config.behaviour.igd_version = 1;
    fixture_start(f);
    struct ph_igd_description description = read_description(f);
    assert_string_equal(description.services[0].type,
                        "urn:schemas-upnp-org:service:WANIPConnection:1");
    assert_non_null(strstr(fixture_body(f), "InternetGatewayDevice:1"));
}

static void names_are_escaped(void **state) {
    struct gateway_fixture *f = *state;
    snprintf(f->config.friendly_name, sizeof f->config.friendly_name, "</friendlyName>&\"<b>'");
    snprintf(f->config.model_name, sizeof f->config.model_name, "]]><x>");
    fixture_start(f);
    struct ph_igd_description description = read_description(f);
    assert_string_equal(description.friendly_name, "</friendlyName>&\"<b>'");
    assert_string_equal(description.model_name, "]]><x>");
}

/* Counts elements of a name. */
struct tally {
    const char *name;
    unsigned count;
};

static bool count_element(void *user, const char *name, struct ph_span text, unsigned depth) {
    struct tally *tally = user;
    (void)text;
    (void)depth;
    tally->count += strcmp(name, tally->name) == 0;
    return true;
}

static bool pass_element(void *user, const char *name, unsigned depth) {
    (void)user;
    (void)name;
    (void)depth;
    return true;
}

static unsigned count_in_body(const struct gateway_fixture *f, const char *name) {
    struct tally tally = {name, 0};
    struct ph_xml_handler handler = {.open = pass_element, .close = count_element, .user = &tally};
    assert_int_equal(ph_xml_parse(ph_span_of(fixture_body(f)), &handler, NULL), 0);
    return tally.count;
}

static void service_descriptions_are_well_formed(void **state) {
    struct gateway_fixture *f = *state;
    assert_int_equal(fixture_http(f, "GET /WANIPCn.xml HTTP/1.1\r\n\r\n"), 200);
    assert_int_equal(count_in_body(f, "action"), 10);
    assert_int_equal(count_in_body(f, "argument"), count_in_body(f, "relatedStateVariable"));
    assert_int_equal(count_in_body(f, "stateVariable"), 19);
    assert_non_null(strstr(fixture_body(f), "<name>NewReservedPort</name>"));
    assert_int_equal(fixture_http(f, "GET /WANCfg.xml HTTP/1.1\r\n\r\n"), 200);
    assert_int_equal(count_in_body(f, "argument"), 4);
    assert_int_equal(fixture_http(f, "GET /L3F.xml HTTP/1.1\r\n\r\n"), 200);
    assert_int_equal(count_in_body(f, "action"), 1);
}

static void actions_of_version_two_are_not_in_version_one(void **state) {
    struct gateway_fixture *f = *state;
    f->config.behaviour.igd_version = 1;
    fixture_start(f);
    assert_int_equal(fixture_http(f, "GET /WANIPCn.xml HTTP/1.1\r\n\r\n"), 200);
    assert_int_equal(count_in_body(f, "action"), 8);
    assert_null(strstr(fixture_body(f), "AddAnyPortMapping"));
}

/* Every variable that an argument refers to is in the table. */
static void arguments_refer_to_variables_that_exist(void **state) {
    struct gateway_fixture *f = *state;
    static const char *const paths[] = {"/WANIPCn.xml", "/WANCfg.xml", "/L3F.xml"};
    for (size_t i = 0; i < 3; i++) {
        char request[100];
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n\r\n", paths[i]);
        assert_int_equal(fixture_http(f, request), 200);
        const char *table = strstr(fixture_body(f), "<serviceStateTable>");
        const char *at = fixture_body(f);
        assert_non_null(table);
        while ((at = strstr(at, "<relatedStateVariable>")) != NULL) {
            char name[100];
            at += strlen("<relatedStateVariable>");
            snprintf(name, sizeof name, "<name>%.*s</name>", (int)strcspn(at, "<"), at);
            assert_non_null(strstr(table, name));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        GATEWAY_TEST(description_offers_the_service),
        GATEWAY_TEST(version_one_is_described_as_such),
        GATEWAY_TEST(names_are_escaped),
        GATEWAY_TEST(service_descriptions_are_well_formed),
        GATEWAY_TEST(actions_of_version_two_are_not_in_version_one),
        GATEWAY_TEST(arguments_refer_to_variables_that_exist),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
