/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_gateway_upnp_list.c: the gateway's list of mappings, as a whole and by index, by the rules
 * of WANIPConnection:2 §2.5.21 and with the faults of router models.
 */
#include <stdio.h>

#include "gateway/upnp_parts.h"
#include "gateway_fixture.h"
#include "wire/portlist.h"

#define WAN_IP_2 "urn:schemas-upnp-org:service:WANIPConnection:2"
#define KEPT_MAX 8U

struct kept {
    unsigned count;
    struct ph_portlist_entry entries[KEPT_MAX];
};

static void keep(void *user, const struct ph_portlist_entry *entry) {
    struct kept *kept = user;
    if (kept->count < KEPT_MAX)
        kept->entries[kept->count] = *entry;
    kept->count++;
}

struct range {
    const char *first;
    const char *last;
    const char *protocol;
    const char *manage;
    const char *most;
};
static const struct range all_tcp = {"0", "65535", "TCP", "1", "0"};

/* Asks for a list; the errorCode, 0 = done. */
static unsigned list_range(struct gateway_fixture *f, const struct range *range, struct kept *ret) {
    char body[PH_SOAP_BODY_SIZE];
    char text[PH_SOAP_BODY_SIZE + 512];
    const struct ph_soap_argument arguments[] = {{"NewStartPort", range->first},
                                                 {"NewEndPort", range->last},
                                                 {"NewProtocol", range->protocol},
                                                 {"NewManage", range->manage},
                                                 {"NewNumberOfPorts", range->most}};
    unsigned fault;
    int n =
        ph_soap_encode_request(WAN_IP_2, "GetListOfPortMappings", arguments, 5, body, sizeof body);
    assert_true(n > 0);
    snprintf(text, sizeof text,
             "POST /ctl/IPConn HTTP/1.1\r\nHost: 192.168.1.1:5000\r\n"
             "SOAPAction: \"" WAN_IP_2 "#GetListOfPortMappings\"\r\n"
             "Content-Length: %d\r\n\r\n%.*s",
             n, n, body);
    ret->count = 0;
    unsigned status = fixture_http(f, text);
    assert_int_equal(ph_portlist_read(ph_span_of(fixture_body(f)), keep, ret, &fault), 0);
    assert_int_equal(status, fault ? 500 : 200);
    return fault;
}

static void add_of(struct gateway_fixture *f, uint8_t protocol, uint16_t port, uint8_t host,
                   const char *description) {
    struct ph_gw_facts facts = {.made_by = PORTHOLE_UPNP,
                                .protocol = protocol,
                                .internal_port = 80,
                                .external_port = port,
                                .client = ph_addr_v4(192, 168, 1, host)};
    struct ph_gw_mapping *mapping;
    snprintf(facts.description, sizeof facts.description, "%s", description);
    assert_int_equal(ph_gw_server_open(f->server, f->now, &facts, true, 600, &mapping), 0);
}

static void list_has_what_was_asked_for(void **state) {
    struct gateway_fixture *f = *state;
    struct kept kept;
    assert_int_equal(list_range(f, &all_tcp, &kept), 730);
    add_of(f, PORTHOLE_TCP, 1000, 50, "a <b> & \"c\"");
    add_of(f, PORTHOLE_TCP, 2000, 51, "");
    add_of(f, PORTHOLE_UDP, 3000, 50, "");
    assert_int_equal(list_range(f, &all_tcp, &kept), 0);
    assert_int_equal(kept.count, 2);
    const struct ph_portlist_entry *entry = &kept.entries[0];
    assert_int_equal(entry->external_port, 1000);
    assert_int_equal(entry->internal_port, 80);
    assert_int_equal(entry->protocol, PORTHOLE_TCP);
    assert_int_equal(entry->lease_s, 600);
    assert_true(entry->is_enabled);
    assert_string_equal(entry->client_name, "192.168.1.50");
    assert_string_equal(entry->description, "a <b> & \"c\"");
    static const struct {
        struct range range;
        unsigned fault;
        unsigned count;
    } cases[] = {
        {{"0", "65535", "UDP", "1", "0"}, 0, 1},     {{"1000", "1000", "TCP", "1", "0"}, 0, 1},
        {{"1001", "1999", "TCP", "1", "0"}, 730, 0}, {{"0", "65535", "TCP", "0", "0"}, 0, 1},
        {{"0", "65535", "TCP", "1", "1"}, 0, 1},     {{"2", "1", "TCP", "1", "0"}, 733, 0},
        {{"0", "65536", "TCP", "1", "0"}, 402, 0},   {{"0", "65535", "tcp", "1", "0"}, 402, 0},
        {{"0", "65535", "TCP", "", "0"}, 402, 0},    {{"0", "65535", "TCP", "1", ""}, 402, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(list_range(f, &cases[i].range, &kept), cases[i].fault);
        assert_int_equal(kept.count, cases[i].count);
    }
}

/* A part must not pass for the whole. */
static void list_that_does_not_fit_is_a_fault(void **state) {
    struct gateway_fixture *f = *state;
    struct kept kept;
    char longest[PH_GW_DESCRIPTION_SIZE];
    unsigned count = 0;
    unsigned fault = 0;
    memset(longest, '&', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    for (; fault == 0 && count < 500; count++) {
        add_of(f, PORTHOLE_TCP, (uint16_t)(1000 + count), 50, longest);
        fault = list_range(f, &all_tcp, &kept);
        if (fault == 0)
            assert_int_equal(kept.count, count + 1);
    }
    assert_int_equal(fault, 501);
    assert_in_range(count, 20, 200);
}

static void version_1_has_no_list(void **state) {
    struct gateway_fixture *f = *state;
    struct kept kept;
    f->config.behaviour.igd_version = 1;
    fixture_start(f);
    assert_int_equal(list_range(f, &all_tcp, &kept), 401);
    f->config.behaviour.igd_version = 2;
    f->config.behaviour.quirks = PH_GW_QUIRK_BIT(PH_GW_QUIRK_NO_LIST);
    fixture_start(f);
    assert_int_equal(list_range(f, &all_tcp, &kept), 401);
    f->config.behaviour.quirks = PH_GW_QUIRK_BIT(PH_GW_QUIRK_SHORT_LIST);
    fixture_start(f);
    for (uint16_t i = 0; i < 3; i++)
        add_of(f, PORTHOLE_TCP, (uint16_t)(1000 + i), 50, "");
    assert_int_equal(list_range(f, &all_tcp, &kept), 0);
    assert_int_equal(kept.count, 2);
}

/* The external port at an index, or the errorCode as a negative number. */
static int at(struct gateway_fixture *f, uint32_t index) {
    const struct ph_gw_mapping *mapping;
    unsigned fault = ph_gw_upnp_entry_at(f->server, index, &mapping);
    return fault ? -(int)fault : mapping->facts.external_port;
}

static void index_has_the_ways_of_router_models(void **state) {
    struct gateway_fixture *f = *state;
    static const struct {
        uint64_t quirks;
        int at[6]; /* index 0, 1, ... one after the other */
    } cases[] = {
        {0, {1000, 1001, -713, -713, -713, -713}},
        {PH_GW_QUIRK_BIT(PH_GW_QUIRK_INDEX_FROM_ONE), {-713, 1000, 1001, -713, -713, -713}},
        {PH_GW_QUIRK_BIT(PH_GW_QUIRK_INDEX_END_501), {1000, 1001, -501, -501, -501, -501}},
        {PH_GW_QUIRK_BIT(PH_GW_QUIRK_NO_INDEX), {-401, -401, -401, -401, -401, -401}},
        {PH_GW_QUIRK_BIT(PH_GW_QUIRK_ENDLESS_LIST), {1000, 1001, 1001, 1001, 1001, 1001}},
        {PH_GW_QUIRK_BIT(PH_GW_QUIRK_LIST_SHRINKS), {7, 1000, 1001, -713, -713, -713}},
        {PH_GW_QUIRK_BIT(PH_GW_QUIRK_LIST_GROWS), {1000, 1001, -713, -713, -713, -713}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        f->config.behaviour.quirks = cases[i].quirks;
        fixture_start(f);
        add_of(f, PORTHOLE_TCP, 1000, 50, "");
        add_of(f, PORTHOLE_UDP, 1001, 50, "");
        for (uint32_t n = 0; n < 6; n++)
            assert_int_equal(at(f, n), cases[i].at[n]);
    }
    /* The last of them has grown by now, and the one before is shrunk. */
    assert_int_equal(at(f, 0), 7);
    assert_int_equal(at(f, 2), 1001);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        GATEWAY_TEST(list_has_what_was_asked_for),
        GATEWAY_TEST(list_that_does_not_fit_is_a_fault),
        GATEWAY_TEST(version_1_has_no_list),
        GATEWAY_TEST(index_has_the_ways_of_router_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
