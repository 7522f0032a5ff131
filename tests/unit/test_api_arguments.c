/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_api_arguments.c: what the public functions refuse, and how structs of older and newer
 * versions are understood. No gateway is needed: nothing is answered, and sockets of 127.92.0.1
 * only are asked.
 */
#include <porthole/porthole.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/client.h"

#define GATEWAY "127.92.0.1"

static int open_and_close(const struct porthole_config *config) {
    struct porthole *client = NULL;
    int result = porthole_open(config, &client);
    assert_int_equal(result == 0, client != NULL);
    porthole_close(client, 0);
    return result;
}

static struct porthole_config good_config(void) {
    struct porthole_config config = PORTHOLE_CONFIG_INIT;
    config.gateway = GATEWAY;
    config.flags = PORTHOLE_NO_THREAD;
    return config;
}

static int setup(void **state) {
    struct porthole_config config = good_config();
    struct porthole *client;
    config.methods = PORTHOLE_USE_PCP;
    int error = porthole_open(&config, &client);
    *state = client;
    return error;
}

static int teardown(void **state) { return porthole_close(*state, 0); }

/* ---- porthole_open() ------------------------------------------------------------------------- */

#define REFUSES(field, value)                                                                      \
    do {                                                                                           \
        struct porthole_config config = good_config();                                             \
        config.field = (value);                                                                    \
        assert_int_equal(open_and_close(&config), PORTHOLE_ERR_INVALID);                           \
    } while (0)

#define ACCEPTS(field, value)                                                                      \
    do {                                                                                           \
        struct porthole_config config = good_config();                                             \
        config.field = (value);                                                                    \
        assert_int_equal(open_and_close(&config), 0);                                              \
    } while (0)

static void open_refuses_what_it_does_not_know(void **state) {
    (void)state;
    REFUSES(flags, 1U << 2);
    REFUSES(flags, PORTHOLE_NO_THREAD | PORTHOLE_DISPATCH);
    REFUSES(methods, 1U);
    REFUSES(methods, PORTHOLE_USE_ALL | 1U << PORTHOLE_DIRECT);
    REFUSES(discover_timeout_ms, -1);
    REFUSES(mapping_timeout_ms, -1);
    REFUSES(recheck_period_ms, -1);
    REFUSES(lifetime_s, 19);
    ACCEPTS(lifetime_s, 20);
    REFUSES(log_level, (enum porthole_log_level)5);
    REFUSES(log_level, (enum porthole_log_level) - 1);
    ACCEPTS(log_level, PORTHOLE_LOG_TRACE);
    assert_int_equal(porthole_open(NULL, NULL), PORTHOLE_ERR_INVALID);
}

static void open_refuses_addresses_that_are_no_hosts(void **state) {
    static const char *const texts[] = {
        "",           "gateway", "127.0.0",        "127.0.0.256", "0.0.0.0",         "224.0.0.1",
        "127.0.0.1 ", "::",      "127.0.0.1:5351", "ff02::1",     "http://127.0.0.1"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        REFUSES(gateway, texts[i]);
        REFUSES(bind_address, texts[i]);
    }
    REFUSES(bind_address, "::1"); /* of another family than the gateway's */
    ACCEPTS(bind_address, "127.0.0.1");
}

static void open_reads_structs_of_all_versions(void **state) {
    struct {
        struct porthole_config config;
        char newer[64];
    } given = {.config = good_config()};
    (void)state;
    given.config.size = sizeof given; /* a newer program that asks for nothing new */
    assert_int_equal(open_and_close(&given.config), 0);
    given.newer[63] = 1; /* for something that this version cannot do */
    assert_int_equal(open_and_close(&given.config), PORTHOLE_ERR_INVALID);
    given.config.size = offsetof(struct porthole_config, lifetime_s); /* an older one */
    given.config.lifetime_s = 1;
    assert_int_equal(open_and_close(&given.config), 0);
    given.config.size = 0;
    assert_int_equal(open_and_close(&given.config), PORTHOLE_ERR_INVALID);
    given.config.size = sizeof(size_t) - 1;
    assert_int_equal(open_and_close(&given.config), PORTHOLE_ERR_INVALID);
    given.config.size = (size_t)-1;
    assert_int_equal(open_and_close(&given.config), PORTHOLE_ERR_INVALID);
}

static void count_lines(enum porthole_log_level level, const char *line, void *user) {
    unsigned *count = user;
    assert_in_range(level, PORTHOLE_LOG_WARN, PORTHOLE_LOG_INFO);
    assert_null(strchr(line, '\n'));
    ++*count;
}

static void log_goes_where_the_config_says(void **state) {
    struct porthole_config config = good_config();
    unsigned count = 0;
    (void)state;
    config.log_level = PORTHOLE_LOG_INFO;
    config.on_log = count_lines;
    config.log_user = &count;
    assert_int_equal(open_and_close(&config), 0);
    assert_true(count > 0);
    count = 0;
    config.log_level = PORTHOLE_LOG_NONE;
    assert_int_equal(open_and_close(&config), 0);
    assert_int_equal(count, 0);
}

/* ---- porthole_map() -------------------------------------------------------------------------- */

static struct porthole_request good_request(void) {
    struct porthole_request request = PORTHOLE_REQUEST_INIT;
    request.protocol = PORTHOLE_UDP;
    request.internal_port = 8080;
    return request;
}

static int map_and_unmap(struct porthole *client, const struct porthole_request *request) {
    porthole_id id = 0;
    int result = porthole_map(client, request, &id);
    assert_int_equal(result == 0, id != 0);
    if (result == 0)
        assert_int_equal(porthole_unmap(client, id), 0);
    return result;
}

#define MAP(expected, field, value)                                                                \
    do {                                                                                           \
        struct porthole_request tried = good_request();                                            \
        tried.field = (value);                                                                     \
        assert_int_equal(map_and_unmap(client, &tried), (expected));                               \
    } while (0)

static void map_refuses_what_it_does_not_know(void **state) {
    struct porthole *client = *state;
    struct porthole_request request = good_request();
    porthole_id id;
    MAP(PORTHOLE_ERR_INVALID, protocol, (enum porthole_protocol)0);
    MAP(PORTHOLE_ERR_INVALID, protocol, (enum porthole_protocol)1);
    MAP(PORTHOLE_ERR_INVALID, internal_port, 0);
    MAP(PORTHOLE_ERR_INVALID, flags, 1U << 2);
    MAP(PORTHOLE_ERR_INVALID, lifetime_s, 19);
    MAP(0, lifetime_s, 20);
    MAP(0, flags, PORTHOLE_EXACT_PORT | PORTHOLE_LEASE);
    assert_int_equal(porthole_map(client, NULL, &id), PORTHOLE_ERR_INVALID);
    assert_int_equal(porthole_map(client, &request, NULL), PORTHOLE_ERR_INVALID);
    assert_int_equal(porthole_map(NULL, &request, &id), PORTHOLE_ERR_INVALID);
    assert_int_equal(porthole_mapping_count(client), 0);
}

static void descriptions_are_short_printable_ascii(void **state) {
    struct porthole *client = *state;
    char text[65];
    memset(text, 'x', sizeof text);
    text[63] = '\0';
    MAP(0, description, text);
    text[63] = 'x';
    text[64] = '\0';
    MAP(PORTHOLE_ERR_INVALID, description, text);
    MAP(0, description, "a <b> & \"c\" ~");
    MAP(0, description, "");
    MAP(PORTHOLE_ERR_INVALID, description, "two\nlines");
    MAP(PORTHOLE_ERR_INVALID, description, "\x7f");
    MAP(PORTHOLE_ERR_INVALID, description, "caf\xc3\xa9");
}

static void null_and_unset_structs_are_refused(void **state) {
    struct porthole *client = *state;
    struct porthole_mapping mapping = {.size = 0};
    struct porthole_probe probe = {.size = 0};
    struct porthole_request request = good_request();
    porthole_id id;
    char text[PORTHOLE_ADDRESS_SIZE];
    assert_int_equal(porthole_map(client, &request, &id), 0);
    assert_int_equal(porthole_query(client, id, NULL), PORTHOLE_ERR_INVALID);
    assert_int_equal(porthole_query(client, id, &mapping), PORTHOLE_ERR_INVALID);
    assert_int_equal(porthole_wait(client, id, 0, &mapping), PORTHOLE_ERR_INVALID);
    assert_int_equal(porthole_map_wait(client, &request, 0, &mapping), PORTHOLE_ERR_INVALID);
    assert_int_equal(porthole_probe(client, 0, NULL), PORTHOLE_ERR_INVALID);
    assert_int_equal(porthole_probe(client, 0, &probe), PORTHOLE_ERR_INVALID);
    assert_int_equal(porthole_external_address(client, 0, NULL, 64), PORTHOLE_ERR_INVALID);
    assert_int_equal(porthole_external_address(client, -1, text, 64), PORTHOLE_ERR_INVALID);
    assert_int_equal(porthole_process(NULL), PORTHOLE_ERR_INVALID);
    assert_int_equal(porthole_event_fd(NULL), PORTHOLE_ERR_INVALID);
}

static void query_fills_structs_of_all_versions(void **state) {
    struct porthole *client = *state;
    struct {
        struct porthole_mapping mapping;
        char newer[8];
    } given;
    struct porthole_request request = good_request();
    porthole_id id;
    assert_int_equal(porthole_map(client, &request, &id), 0);
    memset(&given, 'n', sizeof given);
    given.mapping.size = sizeof given;
    assert_int_equal(porthole_query(client, id, &given.mapping), 0);
    assert_int_equal(given.mapping.size, sizeof given);
    assert_true(given.mapping.id == id);
    assert_memory_equal(given.newer, "nnnnnnnn", sizeof given.newer);
    memset(&given, 'o', sizeof given);
    given.mapping.size = offsetof(struct porthole_mapping, gateway);
    assert_int_equal(porthole_query(client, id, &given.mapping), 0);
    assert_int_equal(given.mapping.internal_port, 8080);
    assert_int_equal(given.mapping.gateway[0], 'o');
}

static void count_events(struct porthole *client, const struct porthole_event *event, void *user) {
    unsigned *count = user;
    (void)client;
    assert_int_equal(event->size, sizeof *event);
    assert_int_equal(event->mapping.size, sizeof event->mapping);
    assert_int_equal(event->mapping.error, PORTHOLE_ERR_NO_NETWORK);
    ++*count;
}

/* 203.0.113.0/24 is nobody's (RFC 5737): a host without that address has no way out by it. */
static void callback_that_waits_wants_to_be_run_at_once(void **state) {
    struct porthole_config config = good_config();
    struct porthole_request request = good_request();
    struct porthole *client;
    porthole_id id;
    unsigned count = 0;
    (void)state;
    config.bind_address = "203.0.113.9";
    assert_int_equal(porthole_open(&config, &client), 0);
    assert_int_equal(porthole_timeout_ms(client), -1);
    request.on_event = count_events;
    request.user = &count;
    assert_int_equal(porthole_map(client, &request, &id), 0);
    assert_int_equal(count, 0);
    assert_int_equal(porthole_timeout_ms(client), 0);
    assert_int_equal(porthole_process(client), 0);
    assert_int_equal(count, 1);
    assert_in_range(porthole_timeout_ms(client), 1, 5000);
    assert_int_equal(porthole_wait(client, id, -1, NULL), PORTHOLE_ERR_NO_NETWORK);
    assert_int_equal(porthole_close(client, -1), 0);
    assert_int_equal(count, 2);
}

static void probe_without_network_tells_so_of_each_method(void **state) {
    struct porthole_config config = good_config();
    struct porthole_probe probe = PORTHOLE_PROBE_INIT;
    struct porthole *client;
    (void)state;
    config.bind_address = "203.0.113.9";
    assert_int_equal(porthole_open(&config, &client), 0);
    memset((char *)&probe + sizeof probe.size, 'o', sizeof probe - sizeof probe.size);
    assert_int_equal(porthole_probe(client, 0, &probe), PORTHOLE_ERR_NO_NETWORK);
    assert_string_equal(probe.gateway, "");
    assert_int_equal(probe.pcp.error, PORTHOLE_ERR_NO_NETWORK);
    assert_int_equal(probe.natpmp.error, PORTHOLE_ERR_NO_NETWORK);
    assert_int_equal(probe.upnp.error, PORTHOLE_ERR_NO_NETWORK);
    assert_string_not_equal(probe.upnp.text, "");
    assert_int_equal(porthole_close(client, -1), 0);
}

/* ---- Words ----------------------------------------------------------------------------------- */

static void text_tells_the_gateways_word_or_ours(void **state) {
    char text[PORTHOLE_TEXT_SIZE];
    (void)state;
    ph_facts_text(0, PORTHOLE_NONE, 0, text);
    assert_string_equal(text, "");
    ph_facts_text(PORTHOLE_ERR_NO_GATEWAY, PORTHOLE_NONE, 0, text);
    assert_string_equal(text, "no gateway answered");
    ph_facts_text(PORTHOLE_ERR_NO_RESOURCES, PORTHOLE_PCP, 8, text);
    assert_string_equal(text, "NO_RESOURCES (8)");
    ph_facts_text(PORTHOLE_ERR_PORT_TAKEN, PORTHOLE_UPNP, 718, text);
    assert_string_equal(text, "ConflictInMappingEntry (718)");
    ph_facts_text(PORTHOLE_ERR_REFUSED, PORTHOLE_UPNP, 899, text);
    assert_string_equal(text, "upnp code 899");
}

int main(void) {
#define CLIENT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_refuses_what_it_does_not_know),
        cmocka_unit_test(open_refuses_addresses_that_are_no_hosts),
        cmocka_unit_test(open_reads_structs_of_all_versions),
        cmocka_unit_test(log_goes_where_the_config_says),
        CLIENT(map_refuses_what_it_does_not_know),
        CLIENT(descriptions_are_short_printable_ascii),
        CLIENT(null_and_unset_structs_are_refused),
        CLIENT(query_fills_structs_of_all_versions),
        cmocka_unit_test(callback_that_waits_wants_to_be_run_at_once),
        cmocka_unit_test(probe_without_network_tells_so_of_each_method),
        cmocka_unit_test(text_tells_the_gateways_word_or_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
