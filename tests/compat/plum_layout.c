/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * plum_layout.c: names, values, sizes and offsets of plum.h against numbers written out by hand:
 * for Linux and others where int has 4 bytes and pointers have 8. Sends nothing.
 */
#include <stddef.h>

#include "plum_check.h"

/* The types of all functions and callbacks; a difference does not compile. */
static int (*const init_function)(const plum_config_t *) = plum_init;
static int (*const cleanup_function)(void) = plum_cleanup;
static int (*const create_function)(const plum_mapping_t *,
                                    plum_mapping_callback_t) = plum_create_mapping;
static int (*const query_function)(int, plum_state_t *, plum_mapping_t *) = plum_query_mapping;
static int (*const destroy_function)(int) = plum_destroy_mapping;
static int (*const address_function)(char *, size_t) = plum_get_local_address;
static int (*const certificate_function)(plum_dummytls_cert_type_t, char *,
                                         size_t) = plum_get_dummytls_certificate;
static int (*const host_function)(const char *, char *, size_t) = plum_get_dummytls_host;

static void take_line(plum_log_level_t level, const char *message) {
    (void)level;
    (void)message;
}

static void take_state(int id, plum_state_t state, const plum_mapping_t *mapping) {
    (void)id;
    (void)state;
    (void)mapping;
}

static void functions_have_their_types(void) {
    plum_log_callback_t log_callback = take_line;
    plum_mapping_callback_t callback = take_state;
    CHECK(log_callback && callback && init_function && cleanup_function && create_function);
    CHECK(query_function && destroy_function && address_function);
    CHECK(certificate_function && host_function);
}

static void config_has_its_layout(void) {
    CHECK_EQUAL(sizeof(plum_config_t), 40);
    CHECK_EQUAL(offsetof(plum_config_t, log_level), 0);
    CHECK_EQUAL(offsetof(plum_config_t, log_callback), 8);
    CHECK_EQUAL(offsetof(plum_config_t, dummytls_domain), 16);
    CHECK_EQUAL(offsetof(plum_config_t, discover_timeout), 24);
    CHECK_EQUAL(offsetof(plum_config_t, mapping_timeout), 28);
    CHECK_EQUAL(offsetof(plum_config_t, recheck_period), 32);
    CHECK_EQUAL(offsetof(plum_config_t, protocol), 36);
}

static void mapping_has_its_layout(void) {
    CHECK_EQUAL(sizeof(plum_mapping_t), 280);
    CHECK_EQUAL(offsetof(plum_mapping_t, protocol), 0);
    CHECK_EQUAL(offsetof(plum_mapping_t, mapping_protocol), 4);
    CHECK_EQUAL(offsetof(plum_mapping_t, internal_port), 8);
    CHECK_EQUAL(offsetof(plum_mapping_t, external_port), 10);
    CHECK_EQUAL(offsetof(plum_mapping_t, external_host), 12);
    CHECK_EQUAL(offsetof(plum_mapping_t, user_ptr), 272);
    CHECK_EQUAL(sizeof(((plum_mapping_t *)NULL)->external_host), 256);
    CHECK_EQUAL(PLUM_MAX_HOST_LEN, 256);
    CHECK_EQUAL(PLUM_MAX_ADDRESS_LEN, 64);
}

static void enums_are_ints(void) {
    CHECK_EQUAL(sizeof(plum_log_level_t), 4);
    CHECK_EQUAL(sizeof(plum_protocol_t), 4);
    CHECK_EQUAL(sizeof(plum_ip_protocol_t), 4);
    CHECK_EQUAL(sizeof(plum_state_t), 4);
    CHECK_EQUAL(sizeof(plum_mapping_protocol_t), 4);
    CHECK_EQUAL(sizeof(plum_dummytls_cert_type_t), 4);
}

static void errors_have_their_values(void) {
    CHECK_EQUAL(PLUM_ERR_SUCCESS, 0);
    CHECK_EQUAL(PLUM_ERR_INVALID, -1);
    CHECK_EQUAL(PLUM_ERR_FAILED, -2);
    CHECK_EQUAL(PLUM_ERR_NOT_AVAIL, -3);
}

static void log_levels_have_their_values(void) {
    CHECK_EQUAL(PLUM_LOG_LEVEL_VERBOSE, 0);
    CHECK_EQUAL(PLUM_LOG_LEVEL_DEBUG, 1);
    CHECK_EQUAL(PLUM_LOG_LEVEL_INFO, 2);
    CHECK_EQUAL(PLUM_LOG_LEVEL_WARN, 3);
    CHECK_EQUAL(PLUM_LOG_LEVEL_ERROR, 4);
    CHECK_EQUAL(PLUM_LOG_LEVEL_FATAL, 5);
    CHECK_EQUAL(PLUM_LOG_LEVEL_NONE, 6);
}

static void states_have_their_values(void) {
    CHECK_EQUAL(PLUM_STATE_DESTROYED, 0);
    CHECK_EQUAL(PLUM_STATE_PENDING, 1);
    CHECK_EQUAL(PLUM_STATE_SUCCESS, 2);
    CHECK_EQUAL(PLUM_STATE_FAILURE, 3);
    CHECK_EQUAL(PLUM_STATE_DESTROYING, 4);
}

static void protocols_have_their_values(void) {
    CHECK_EQUAL(PLUM_IP_PROTOCOL_TCP, 0);
    CHECK_EQUAL(PLUM_IP_PROTOCOL_UDP, 1);
    CHECK_EQUAL(PLUM_PROTOCOL_ANY, 0);
    CHECK_EQUAL(PLUM_PROTOCOL_PCP, 1);
    CHECK_EQUAL(PLUM_PROTOCOL_UPNP, 2);
    CHECK_EQUAL(PLUM_MAPPING_PROTOCOL_UNKNOWN, 0);
    CHECK_EQUAL(PLUM_MAPPING_PROTOCOL_PCP, 1);
    CHECK_EQUAL(PLUM_MAPPING_PROTOCOL_NATPMP, 2);
    CHECK_EQUAL(PLUM_MAPPING_PROTOCOL_UPNP, 3);
    CHECK_EQUAL(PLUM_MAPPING_PROTOCOL_DIRECT, 4);
    CHECK_EQUAL(PLUM_DUMMYTLS_PEM_CERT, 0);
    CHECK_EQUAL(PLUM_DUMMYTLS_PEM_CHAIN, 1);
    CHECK_EQUAL(PLUM_DUMMYTLS_PEM_FULLCHAIN, 2);
    CHECK_EQUAL(PLUM_DUMMYTLS_PEM_PRIVKEY, 3);
}

void run_layout_tests(void) {
    RUN(functions_have_their_types);
    RUN(config_has_its_layout);
    RUN(mapping_has_its_layout);
    RUN(enums_are_ints);
    RUN(errors_have_their_values);
    RUN(log_levels_have_their_values);
    RUN(states_have_their_values);
    RUN(protocols_have_their_values);
}
