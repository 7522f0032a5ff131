/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * plum_arguments.c: what the functions of plum.h answer to what is wrong, and in which order they
 * may be called. No mapping is made here: nothing is sent.
 */
#include <string.h>

#include "plum_check.h"

static plum_mapping_t request_of(plum_ip_protocol_t protocol, uint16_t port) {
    plum_mapping_t request;
    memset(&request, 0, sizeof request);
    request.protocol = protocol;
    request.internal_port = port;
    return request;
}

static void init_without_config_is_invalid(void) {
    CHECK_EQUAL(plum_init(NULL), PLUM_ERR_INVALID);
    CHECK_EQUAL(plum_cleanup(), PLUM_ERR_FAILED); /* it started nothing */
    start_quietly();
    CHECK_EQUAL(plum_init(NULL), PLUM_ERR_INVALID);
    stop();
}

static void init_twice_fails_and_the_first_goes_on(void) {
    plum_config_t config = quiet_config();
    start(&config);
    CHECK_EQUAL(plum_init(&config), PLUM_ERR_FAILED);
    CHECK_EQUAL(plum_query_mapping(0, NULL, NULL), PLUM_ERR_NOT_AVAIL);
    stop();
    CHECK_EQUAL(plum_cleanup(), PLUM_ERR_FAILED); /* there was one to end */
}

static void cleanup_without_init_fails(void) { CHECK_EQUAL(plum_cleanup(), PLUM_ERR_FAILED); }

static void cleanup_twice_fails(void) {
    start_quietly();
    stop();
    CHECK_EQUAL(plum_cleanup(), PLUM_ERR_FAILED);
}

static void it_can_be_started_again(void) {
    for (int i = 0; i < 5; i++) {
        start_quietly();
        stop();
    }
}

static void config_of_zeros_is_the_default(void) {
    plum_config_t config;
    memset(&config, 0, sizeof config);
    start(&config);
    stop();
}

static void negative_timeouts_are_invalid(void) {
    plum_config_t config = quiet_config();
    config.discover_timeout = -1;
    CHECK_EQUAL(plum_init(&config), PLUM_ERR_INVALID);
    config = quiet_config();
    config.mapping_timeout = -1;
    CHECK_EQUAL(plum_init(&config), PLUM_ERR_INVALID);
    config = quiet_config();
    config.recheck_period = -1;
    CHECK_EQUAL(plum_init(&config), PLUM_ERR_INVALID);
    CHECK_EQUAL(plum_cleanup(), PLUM_ERR_FAILED);
}

static void filter_beyond_the_enum_is_invalid(void) {
    plum_config_t config = quiet_config();
    config.protocol = (plum_protocol_t)3;
    CHECK_EQUAL(plum_init(&config), PLUM_ERR_INVALID);
}

static void log_level_beyond_the_enum_is_silence(void) {
    plum_config_t config = quiet_config();
    config.log_level = (plum_log_level_t)7;
    start(&config);
    stop();
}

static void nothing_works_before_init(void) {
    const plum_mapping_t request = request_of(PLUM_IP_PROTOCOL_TCP, 8000);
    CHECK_EQUAL(plum_create_mapping(&request, NULL), PLUM_ERR_FAILED);
    CHECK_EQUAL(plum_query_mapping(0, NULL, NULL), PLUM_ERR_FAILED);
    CHECK_EQUAL(plum_destroy_mapping(0), PLUM_ERR_FAILED);
}

static void nothing_works_after_cleanup(void) {
    start_quietly();
    stop();
    nothing_works_before_init();
}

static void create_refuses_what_is_no_mapping(void) {
    const plum_mapping_t no_port = request_of(PLUM_IP_PROTOCOL_TCP, 0);
    const plum_mapping_t no_protocol = request_of((plum_ip_protocol_t)2, 8000);
    start_quietly();
    CHECK_EQUAL(plum_create_mapping(NULL, NULL), PLUM_ERR_INVALID);
    CHECK_EQUAL(plum_create_mapping(&no_port, NULL), PLUM_ERR_INVALID);
    CHECK_EQUAL(plum_create_mapping(&no_protocol, NULL), PLUM_ERR_INVALID);
    CHECK_EQUAL(plum_query_mapping(0, NULL, NULL), PLUM_ERR_NOT_AVAIL); /* none was made */
    stop();
}

static void unknown_ids_are_not_available(void) {
    plum_state_t state = PLUM_STATE_PENDING;
    plum_mapping_t mapping = request_of(PLUM_IP_PROTOCOL_UDP, 77);
    start_quietly();
    CHECK_EQUAL(plum_query_mapping(999, &state, &mapping), PLUM_ERR_NOT_AVAIL);
    CHECK_EQUAL(plum_query_mapping(999, NULL, NULL), PLUM_ERR_NOT_AVAIL);
    CHECK_EQUAL(plum_destroy_mapping(999), PLUM_ERR_NOT_AVAIL);
    CHECK_EQUAL(state, PLUM_STATE_PENDING); /* neither is touched */
    CHECK_EQUAL(mapping.internal_port, 77);
    stop();
}

static void negative_ids_are_invalid(void) {
    start_quietly();
    CHECK_EQUAL(plum_query_mapping(-1, NULL, NULL), PLUM_ERR_INVALID);
    CHECK_EQUAL(plum_destroy_mapping(-1), PLUM_ERR_INVALID);
    stop();
}

static void local_address_needs_a_buffer(void) {
    char buffer[PLUM_MAX_ADDRESS_LEN];
    CHECK_EQUAL(plum_get_local_address(NULL, sizeof buffer), PLUM_ERR_INVALID);
    CHECK_EQUAL(plum_get_local_address(buffer, 0), PLUM_ERR_INVALID);
}

static void dummytls_is_not_available(void) {
    char buffer[PLUM_MAX_HOST_LEN];
    const plum_dummytls_cert_type_t type = PLUM_DUMMYTLS_PEM_CERT;
    CHECK_EQUAL(plum_get_dummytls_certificate(type, buffer, sizeof buffer), PLUM_ERR_NOT_AVAIL);
    CHECK_EQUAL(plum_get_dummytls_host("192.0.2.1", buffer, sizeof buffer), PLUM_ERR_NOT_AVAIL);
    plum_config_t config = quiet_config();
    config.dummytls_domain = "example.com";
    start(&config);
    CHECK_EQUAL(plum_get_dummytls_certificate(type, NULL, 0), PLUM_ERR_NOT_AVAIL);
    CHECK_EQUAL(plum_get_dummytls_host(NULL, NULL, 0), PLUM_ERR_NOT_AVAIL);
    stop();
}

void run_argument_tests(void) {
    RUN(nothing_works_before_init);
    RUN(cleanup_without_init_fails);
    RUN(init_without_config_is_invalid);
    RUN(init_twice_fails_and_the_first_goes_on);
    RUN(cleanup_twice_fails);
    RUN(it_can_be_started_again);
    RUN(config_of_zeros_is_the_default);
    RUN(negative_timeouts_are_invalid);
    RUN(filter_beyond_the_enum_is_invalid);
    RUN(log_level_beyond_the_enum_is_silence);
    RUN(nothing_works_after_cleanup);
    RUN(create_refuses_what_is_no_mapping);
    RUN(unknown_ids_are_not_available);
    RUN(negative_ids_are_invalid);
    RUN(local_address_needs_a_buffer);
    RUN(dummytls_is_not_available);
}
