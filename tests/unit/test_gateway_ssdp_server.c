/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_gateway_ssdp_server.c: which searches (UDA 1.1 §1.3) the gateway answers, how often, and
 * with what.
 */
#include <stdio.h>

#include "gateway_fixture.h"
#include "wire/ssdp.h"

#define UUID_ROOT "uuid:706f7274-686f-8c65-8000-ffffc0a80101"
#define IGD "urn:schemas-upnp-org:device:InternetGatewayDevice:"
#define WAN_IP "urn:schemas-upnp-org:service:WANIPConnection:"

struct answers {
    unsigned count;
    char last[PH_SSDP_SIZE_MAX];
    char targets[16][100];
};

static void keep_answer(void *user, const void *bytes, size_t len) {
    struct answers *answers = user;
    struct ph_ssdp_message message;
    assert_in_range(len, 1, sizeof answers->last - 1);
    memcpy(answers->last, bytes, len);
    answers->last[len] = '\0';
    assert_int_equal(ph_ssdp_decode(bytes, len, &message), 0);
    assert_int_equal(message.type, PH_SSDP_ANSWER);
    assert_in_range(answers->count, 0, 15);
    ph_span_print(message.target, answers->targets[answers->count++], 100);
}

static struct answers send_text(struct gateway_fixture *f, const char *text) {
    struct answers answers = {.count = 0};
    ph_gw_server_ssdp(f->server, f->now, &f->client, text, strlen(text), keep_answer, &answers);
    return answers;
}

static struct answers search_for(struct gateway_fixture *f, const char *target) {
    char text[300];
    snprintf(text, sizeof text,
             "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\n"
             "MX: 3\r\nST: %s\r\n\r\n",
             target);
    return send_text(f, text);
}

/* UDA 1.1 §1.3.3 */
static void answer_has_every_field(void **state) {
    struct gateway_fixture *f = *state;
    struct answers answers = search_for(f, IGD "2");
    assert_int_equal(answers.count, 1);
    assert_string_equal(answers.last, "HTTP/1.1 200 OK\r\n"
                                      "EXT:\r\n"
                                      "ST: " IGD "2\r\n"
                                      "USN: " UUID_ROOT "::" IGD "2\r\n"
                                      "CACHE-CONTROL: max-age=1800\r\n"
                                      "LOCATION: http://192.168.1.1:5000/rootDesc.xml\r\n"
                                      "SERVER: POSIX UPnP/1.1 porthole/" PORTHOLE_VERSION "\r\n"
                                      "BOOTID.UPNP.ORG: 77\r\n"
                                      "\r\n");
    assert_string_equal(f->last_line, "upnp search " IGD "2: 1 answer");
}

/* §1.3.3: a device answers for the lower versions as well, in the words of the search. */
static void older_version_is_answered_as_asked(void **state) {
    struct gateway_fixture *f = *state;
    struct answers answers = search_for(f, IGD "1");
    assert_int_equal(answers.count, 1);
    assert_string_equal(answers.targets[0], IGD "1");
    assert_non_null(strstr(answers.last, "USN: " UUID_ROOT "::" IGD "1\r\n"));
    assert_int_equal(search_for(f, WAN_IP "1").count, 1);
    assert_int_equal(search_for(f, WAN_IP "2").count, 1);
}

static void newer_version_is_not_answered(void **state) {
    struct gateway_fixture *f = *state;
    assert_int_equal(search_for(f, IGD "3").count, 0);
    assert_int_equal(search_for(f, IGD "0").count, 0);
    assert_int_equal(search_for(f, IGD).count, 0);
    assert_int_equal(search_for(f, IGD "4294967297").count, 0);
    f->config.behaviour.igd_version = 1;
    fixture_start(f);
    assert_int_equal(search_for(f, IGD "2").count, 0);
    assert_int_equal(search_for(f, WAN_IP "2").count, 0);
    assert_int_equal(search_for(f, IGD "1").count, 1);
}

/* §1.3.3, table 1-4: three for the root device, two for each one in it, one for each service. */
static void search_for_all_gets_all(void **state) {
    struct gateway_fixture *f = *state;
    static const char *const expected[] = {
        "upnp:rootdevice",
        UUID_ROOT,
        IGD "2",
        "urn:schemas-upnp-org:service:Layer3Forwarding:1",
        "uuid:706f7274-686f-8c65-8000-ffffc0a80102",
        "urn:schemas-upnp-org:device:WANDevice:2",
        "urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1",
        "uuid:706f7274-686f-8c65-8000-ffffc0a80103",
        "urn:schemas-upnp-org:device:WANConnectionDevice:2",
        WAN_IP "2",
    };
    struct answers answers = search_for(f, "ssdp:all");
    assert_int_equal(answers.count, 10);
    for (unsigned i = 0; i < 10; i++)
        assert_string_equal(answers.targets[i], expected[i]);
}

static void root_and_uuid_are_answered(void **state) {
    struct gateway_fixture *f = *state;
    struct answers answers = search_for(f, "upnp:rootdevice");
    assert_int_equal(answers.count, 1);
    assert_non_null(strstr(answers.last, "USN: " UUID_ROOT "::upnp:rootdevice\r\n"));
    answers = search_for(f, UUID_ROOT);
    assert_int_equal(answers.count, 1);
    assert_non_null(strstr(answers.last, "USN: " UUID_ROOT "\r\n"));
}

static void other_devices_are_not_answered_for(void **state) {
    struct gateway_fixture *f = *state;
    assert_int_equal(search_for(f, "urn:schemas-upnp-org:device:MediaServer:1").count, 0);
    assert_int_equal(search_for(f, "urn:schemas-upnp-org:service:WANPPPConnection:1").count, 0);
    assert_int_equal(search_for(f, "uuid:706f7274-686f-8c65-8000-ffffc0a80199").count, 0);
    assert_int_equal(search_for(f, "").count, 0);
}

static void only_searches_are_answered(void **state) {
    struct gateway_fixture *f = *state;
    assert_int_equal(send_text(f, "M-SEARCH * HTTP/1.1\r\nST: ssdp:all\r\n\r\n").count, 0);
    assert_int_equal(
        send_text(f, "NOTIFY * HTTP/1.1\r\nNTS: ssdp:alive\r\nNT: ssdp:all\r\n\r\n").count, 0);
    assert_int_equal(send_text(f, "HTTP/1.1 200 OK\r\nST: ssdp:all\r\n\r\n").count, 0);
    assert_int_equal(send_text(f, "").count, 0);
    assert_int_equal(send_text(f, "GET / HTTP/1.1\r\n\r\n").count, 0);
}

static void nothing_is_answered_when_upnp_is_off(void **state) {
    struct gateway_fixture *f = *state;
    f->config.upnp = false;
    fixture_start(f);
    assert_int_equal(search_for(f, "ssdp:all").count, 0);
    f->config.upnp = true;
    f->config.http_port = 0;
    fixture_start(f);
    assert_int_equal(search_for(f, "ssdp:all").count, 0);
}

static void given_uuid_is_used(void **state) {
    struct gateway_fixture *f = *state;
    memcpy(f->config.uuid, "12345678-9abc-4def-8000-00000000000f", 37);
    fixture_start(f);
    struct answers answers = search_for(f, "ssdp:all");
    assert_string_equal(answers.targets[1], "uuid:12345678-9abc-4def-8000-00000000000f");
    assert_string_equal(answers.targets[4], "uuid:12345678-9abc-4def-8000-000000000000");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        GATEWAY_TEST(answer_has_every_field),
        GATEWAY_TEST(older_version_is_answered_as_asked),
        GATEWAY_TEST(newer_version_is_not_answered),
        GATEWAY_TEST(search_for_all_gets_all),
        GATEWAY_TEST(root_and_uuid_are_answered),
        GATEWAY_TEST(other_devices_are_not_answered_for),
        GATEWAY_TEST(only_searches_are_answered),
        GATEWAY_TEST(nothing_is_answered_when_upnp_is_off),
        GATEWAY_TEST(given_uuid_is_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
