/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * gateway_fixture.h: a sans-IO gateway at 192.168.1.1 with the external address 203.0.113.7, and a
 * client at 192.168.1.50, for tests of the gateway's servers. Its clock is a number, its ports are
 * what the hooks say.
 */
#ifndef TESTS_UNIT_GATEWAY_FIXTURE_H
#define TESTS_UNIT_GATEWAY_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/server.h"

#define FIXTURE_START PH_SECONDS(1000)

struct gateway_fixture {
    struct ph_gw_config config;
    struct ph_gw_server *server;
    struct ph_seeded seeded;
    ph_us now;
    struct ph_endpoint client;
    uint8_t answer[PH_GW_HTTP_SIZE];
    size_t answer_len;
    /* What the hooks saw. */
    unsigned opened;
    unsigned closed;
    enum ph_gw_end last_end;
    char last_line[200];
    /* What the open hook says. */
    uint16_t taken_port; /* PORT_TAKEN */
    int open_error;      /* for all ports, when it is not 0 */
};

static inline int fixture_open(void *user, struct ph_gw_mapping *mapping) {
    struct gateway_fixture *f = user;
    if (f->open_error)
        return f->open_error;
    if (mapping->facts.external_port == f->taken_port)
        return PORTHOLE_ERR_PORT_TAKEN;
    f->opened++;
    return 0;
}

static inline void fixture_close(void *user, struct ph_gw_mapping *mapping, enum ph_gw_end end) {
    struct gateway_fixture *f = user;
    assert_true(mapping->facts.external_port > 0);
    f->closed++;
    f->last_end = end;
}

static inline void fixture_request(void *user, const struct ph_endpoint *from, const char *line) {
    struct gateway_fixture *f = user;
    assert_true(from->port > 0);
    assert_true(strlen(line) < sizeof f->last_line);
    memcpy(f->last_line, line, strlen(line) + 1);
}

/* Starts the server with what the test made of the config. */
static inline void fixture_start(struct gateway_fixture *f) {
    ph_gw_server_free(f->server);
    f->opened = f->closed = 0;
    f->server = ph_gw_server_new(&f->config, f->now);
    assert_non_null(f->server);
}

static inline int fixture_setup(void **state) {
    struct gateway_fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    ph_gw_config_init(&f->config);
    f->config.internal = ph_addr_v4(192, 168, 1, 1);
    f->config.external = ph_addr_v4(203, 0, 113, 7);
    f->config.http_port = 5000;
    f->config.boot_id = 77;
    f->config.random = (struct ph_random){ph_seeded_fill, &f->seeded};
    f->config.hooks = (struct ph_gw_hooks){fixture_open, fixture_close, fixture_request, f, NULL};
    f->now = FIXTURE_START;
    f->client = (struct ph_endpoint){ph_addr_v4(192, 168, 1, 50), 40000};
    fixture_start(f);
    *state = f;
    return 0;
}

static inline int fixture_teardown(void **state) {
    struct gateway_fixture *f = *state;
    ph_gw_server_free(f->server);
    free(f);
    return 0;
}

#define GATEWAY_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

/* Sends a datagram to port 5351 from the fixture's client; the answer is in f->answer. */
static inline size_t fixture_control(struct gateway_fixture *f, const void *bytes, size_t len) {
    /* A copy of exactly its size, so that a sanitizer sees a read past its end. */
    uint8_t *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    f->answer_len =
        ph_gw_server_control(f->server, f->now, &f->client, copy, len, f->answer, sizeof f->answer);
    free(copy);
    return f->answer_len;
}

static inline void fixture_expect(const struct gateway_fixture *f, const void *bytes, size_t len) {
    assert_int_equal(f->answer_len, len);
    assert_memory_equal(f->answer, bytes, len);
}

/* Makes a mapping of the client by NAT-PMP: TCP, wished external port 0 = none. Returns the port it
 * got. */
static inline uint16_t fixture_map(struct gateway_fixture *f, uint16_t internal, uint16_t external,
                                   uint16_t lifetime_s) {
    uint8_t request[12] = {0,
                           2,
                           0,
                           0,
                           (uint8_t)(internal >> 8),
                           (uint8_t)internal,
                           (uint8_t)(external >> 8),
                           (uint8_t)external,
                           0,
                           0,
                           (uint8_t)(lifetime_s >> 8),
                           (uint8_t)lifetime_s};
    assert_int_equal(fixture_control(f, request, sizeof request), 16);
    return f->answer[3] == 0 ? (uint16_t)(f->answer[10] << 8 | f->answer[11]) : 0;
}

/* Sends an HTTP request of the fixture's client; the answer is text in f->answer. Returns its
 * status. */
static inline unsigned fixture_http(struct gateway_fixture *f, const char *text) {
    struct ph_http_reader *reader = ph_http_reader_new(PH_HTTP_REQUEST);
    assert_non_null(reader);
    assert_int_equal(ph_http_reader_feed(reader, text, strlen(text)), 1);
    struct ph_http_message request = ph_http_reader_message(reader);
    f->answer_len =
        ph_gw_server_http(f->server, f->now, &f->client, &request, f->answer, sizeof f->answer - 1);
    f->answer[f->answer_len] = '\0';
    ph_http_reader_free(reader);
    assert_true(f->answer_len > 12);
    assert_memory_equal(f->answer, "HTTP/1.1 ", 9);
    return (unsigned)strtoul((const char *)f->answer + 9, NULL, 10);
}

/* The body of the last HTTP answer, which its reader must find whole. */
static inline const char *fixture_body(const struct gateway_fixture *f) {
    struct ph_http_reader *reader = ph_http_reader_new(PH_HTTP_RESPONSE);
    assert_non_null(reader);
    assert_int_equal(ph_http_reader_feed(reader, f->answer, f->answer_len), 1);
    size_t len = ph_http_reader_message(reader).body.len;
    ph_http_reader_free(reader);
    assert_true(len <= f->answer_len);
    return (const char *)f->answer + f->answer_len - len;
}

#endif
