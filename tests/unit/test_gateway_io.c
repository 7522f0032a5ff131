/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_gateway_io.c: the whole gateway on its standard ports, on loopback addresses of this process
 * alone, in a thread of its own: from a client's request to bytes that come in from outside.
 */
#define _GNU_SOURCE

#include "gateway/io.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "gateway/sock.h"
#include "wire/pcp.h"
#include "wire/soap.h"
#include "wire/ssdp.h"

#define WAIT_MS 60000

static struct ph_gw_io_config config;
static struct ph_gw_io *io;
static pthread_t thread;
static int stop_pipe[2];
static int run_result;
/* Written by the gateway's thread, read after it has ended. */
static unsigned opened;
static unsigned closed;
static unsigned stopped;
static char last_request[200];

static struct ph_addr own_address(uint8_t last) {
    unsigned pid = (unsigned)getpid();
    return ph_addr_v4(127, (uint8_t)(192 + pid / 256 % 60), (uint8_t)pid, last);
}

static void on_event(void *user, const struct ph_gw_event *event) {
    (void)user;
    opened += event->type == PH_GW_EVENT_OPENED;
    closed += event->type == PH_GW_EVENT_CLOSED;
    stopped += event->type == PH_GW_EVENT_CLOSED && event->end == PH_GW_STOPPED;
    if (event->type == PH_GW_EVENT_REQUEST)
        snprintf(last_request, sizeof last_request, "%s", event->text);
}

static int io_setup(void **state) {
    (void)state;
    ph_gw_io_config_init(&config);
    config.server.internal = own_address(1);
    config.server.external = own_address(2);
    config.on_event = on_event;
    opened = closed = stopped = 0;
    last_request[0] = '\0';
    return pipe(stop_pipe);
}

static void *serve(void *nothing) {
    run_result = ph_gw_io_run(io, stop_pipe[0]);
    return nothing;
}

static void start(void) {
    char problem[PH_GW_PROBLEM_SIZE];
    int error = ph_gw_io_new(&config, &io, problem);
    if (error)
        print_error("%s\n", problem);
    assert_int_equal(error, 0);
    assert_int_equal(pthread_create(&thread, NULL, serve, NULL), 0);
}

static void stop(void) {
    close(stop_pipe[1]);
    stop_pipe[1] = -1;
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(run_result, 0);
    ph_gw_io_free(io);
    io = NULL;
}

static int io_teardown(void **state) {
    (void)state;
    if (io)
        stop();
    close(stop_pipe[0]);
    if (stop_pipe[1] >= 0)
        close(stop_pipe[1]);
    return 0;
}

/* ---- A client -------------------------------------------------------------------------------- */

static int open_client(int type, struct ph_addr to, uint16_t port) {
    struct ph_endpoint endpoint = {to, port};
    struct ph_addr from = own_address(3);
    int fd = ph_gw_sock_connect(type, &endpoint, &from);
    assert_true(fd >= 0);
    return fd;
}

static bool is_ready(int fd, short events, int timeout_ms) {
    struct pollfd ready = {.fd = fd, .events = events};
    return poll(&ready, 1, timeout_ms) == 1;
}

static size_t receive(int fd, void *ret, size_t size) {
    assert_true(is_ready(fd, POLLIN, WAIT_MS));
    ssize_t n = recv(fd, ret, size, 0);
    assert_true(n >= 0);
    return (size_t)n;
}

static size_t map_request(uint8_t protocol, uint16_t port, uint8_t *ret, size_t size) {
    struct ph_pcp_request request = {.version = PH_PCP_VERSION,
                                     .opcode = PH_PCP_MAP,
                                     .lifetime_s = 600,
                                     .client_addr = own_address(3),
                                     .map = {.protocol = protocol,
                                             .internal_port = port,
                                             .external_port = port,
                                             .nonce = {1, 2, 3}}};
    int n = ph_pcp_encode_request(&request, ret, size);
    assert_true(n > 0);
    return (size_t)n;
}

/* Maps a port by PCP and returns the external one. */
static uint16_t map_port(int fd, uint8_t protocol, uint16_t port) {
    uint8_t bytes[PH_PCP_SIZE_MAX];
    struct ph_pcp_response response;
    size_t len = map_request(protocol, port, bytes, sizeof bytes);
    assert_int_equal(send(fd, bytes, len, 0), len);
    len = receive(fd, bytes, sizeof bytes);
    assert_true(ph_pcp_decode_response(bytes, len, &response) > 0);
    assert_int_equal(response.result, PH_PCP_SUCCESS);
    return response.map.external_port;
}

/* One HTTP exchange; the body goes to *ret. Returns the status. */
static unsigned exchange(const struct ph_url *url, const char *action, struct ph_span body,
                         char *ret, size_t size) {
    struct ph_http_request request = {
        .method = body.at ? "POST" : "GET", .url = url, .soap_action = action, .body = body};
    struct ph_http_reader *reader = ph_http_reader_new(PH_HTTP_RESPONSE);
    char bytes[8192];
    int n = ph_http_encode_request(&request, bytes, sizeof bytes);
    int fd = open_client(SOCK_STREAM, url->host.addr, url->host.port);
    int result = 0;
    assert_true(n > 0 && is_ready(fd, POLLOUT, WAIT_MS));
    assert_int_equal(send(fd, bytes, (size_t)n, 0), n);
    while (result == 0)
        result = ph_http_reader_feed(reader, bytes, receive(fd, bytes, sizeof bytes));
    assert_int_equal(result, 1);
    struct ph_http_message message = ph_http_reader_message(reader);
    snprintf(ret, size, "%.*s", (int)message.body.len, message.body.at);
    ph_http_reader_free(reader);
    close(fd);
    return message.status;
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static void bytes_come_in_through_a_port_mapped_by_pcp(void **state) {
    struct ph_endpoint app = {own_address(3), 0};
    char got[5];
    (void)state;
    start();
    int listener = ph_gw_sock_listen(&app);
    int control = open_client(SOCK_DGRAM, own_address(1), PH_PCP_PORT);
    uint16_t port = map_port(control, PORTHOLE_TCP, ph_gw_sock_port(listener));
    int peer = open_client(SOCK_STREAM, own_address(2), port);
    assert_true(is_ready(listener, POLLIN, WAIT_MS));
    int inner = accept(listener, NULL, NULL);
    assert_true(is_ready(peer, POLLOUT, WAIT_MS));
    assert_int_equal(send(peer, "hello", 5, 0), 5);
    assert_int_equal(receive(inner, got, 5), 5);
    assert_memory_equal(got, "hello", 5);
    stop(); /* the relay ends with the gateway */
    assert_true(is_ready(peer, POLLIN, WAIT_MS));
    assert_int_equal(recv(peer, got, 5, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    assert_int_equal(opened, 1);
    assert_int_equal(closed, 1);
    assert_int_equal(stopped, 1);
    close(inner);
    close(peer);
    close(control);
    close(listener);
}

static void datagrams_come_in_through_a_port_mapped_by_pcp(void **state) {
    struct ph_endpoint app = {own_address(3), 0};
    char got[5];
    (void)state;
    start();
    int inner = ph_gw_sock_udp(&app, false);
    int control = open_client(SOCK_DGRAM, own_address(1), PH_PCP_PORT);
    uint16_t port = map_port(control, PORTHOLE_UDP, ph_gw_sock_port(inner));
    int peer = open_client(SOCK_DGRAM, own_address(2), port);
    assert_int_equal(send(peer, "hello", 5, 0), 5);
    assert_int_equal(receive(inner, got, 5), 5);
    assert_memory_equal(got, "hello", 5);
    close(peer);
    close(control);
    close(inner);
}

static void wished_port_that_the_host_uses_is_replaced(void **state) {
    struct ph_endpoint taken = {own_address(2), 0};
    (void)state;
    start();
    int holder = ph_gw_sock_udp(&taken, false);
    taken.port = ph_gw_sock_port(holder);
    int control = open_client(SOCK_DGRAM, own_address(1), PH_PCP_PORT);
    assert_int_not_equal(map_port(control, PORTHOLE_UDP, taken.port), taken.port);
    assert_int_equal(map_port(control, PORTHOLE_TCP, taken.port), taken.port);
    close(control);
    close(holder);
}

/* From the search to the mapping, as a client goes. */
static void upnp_is_found_and_maps(void **state) {
    static char body[16384];
    char text[PH_SSDP_SIZE_MAX];
    struct ph_ssdp_message message;
    struct ph_url url;
    struct ph_endpoint host = {own_address(1), PH_SSDP_PORT};
    (void)state;
    config.report_requests = true;
    start();
    int fd = open_client(SOCK_DGRAM, own_address(1), PH_SSDP_PORT);
    int n = ph_ssdp_encode_search(&host, PH_SSDP_TARGET_IGD1, 0, text, sizeof text);
    assert_int_equal(send(fd, text, (size_t)n, 0), n);
    assert_int_equal(ph_ssdp_decode(text, receive(fd, text, sizeof text), &message), 0);
    assert_true(message.boot_id > 0);
    assert_int_equal(ph_url_parse(message.location, &url), 0);
    assert_int_equal(url.host.port, ph_gw_io_http_port(io));
    close(fd);
    assert_int_equal(exchange(&url, NULL, (struct ph_span){NULL, 0}, body, sizeof body), 200);
    assert_non_null(strstr(body, "<controlURL>/ctl/IPConn</controlURL>"));
    snprintf(url.path, sizeof url.path, "/ctl/IPConn");
    char client[PH_ADDR_TEXT_SIZE];
    struct ph_addr addr = own_address(3);
    const struct ph_soap_argument arguments[] = {
        {"NewRemoteHost", ""},
        {"NewExternalPort", "20000"},
        {"NewProtocol", "TCP"},
        {"NewInternalPort", "80"},
        {"NewInternalClient", ph_addr_format(&addr, client)},
        {"NewEnabled", "1"},
        {"NewPortMappingDescription", "test"},
        {"NewLeaseDuration", "60"}};
    n = ph_soap_encode_request("urn:schemas-upnp-org:service:WANIPConnection:1", "AddPortMapping",
                               arguments, 8, text, sizeof text);
    assert_true(n > 0);
    assert_int_equal(exchange(&url, "urn:schemas-upnp-org:service:WANIPConnection:1#AddPortMapping",
                              (struct ph_span){text, (size_t)n}, body, sizeof body),
                     200);
    assert_non_null(strstr(body, "AddPortMappingResponse"));
    stop();
    assert_int_equal(opened, 1);
    assert_string_equal(last_request, "upnp AddPortMapping 20000: 0 OK");
}

static void burst_of_a_thousand_requests_is_answered_whole(void **state) {
    uint8_t bytes[PH_PCP_SIZE_MAX];
    unsigned answers = 0;
    int room = 4 * 1024 * 1024;
    (void)state;
    config.forward = false;
    start();
    int fd = open_client(SOCK_DGRAM, own_address(1), PH_PCP_PORT);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    for (unsigned i = 0; i < 1000; i++) {
        size_t len = map_request(PORTHOLE_UDP, (uint16_t)(2000 + i), bytes, sizeof bytes);
        assert_int_equal(send(fd, bytes, len, 0), len);
        /* A window of 64, as clients have. */
        while (i + 1 - answers >= (i < 999 ? 64 : 1)) {
            receive(fd, bytes, sizeof bytes);
            answers++;
        }
    }
    close(fd);
    stop();
    assert_int_equal(opened, 1000);
    assert_int_equal(closed, 1000);
}

/* TCP is not lost: when two exchanges are done, all datagrams sent before have been seen too. */
static void wait_for_datagrams(void) {
    static char body[16384];
    struct ph_url url = {{own_address(1), ph_gw_io_http_port(io)}, "/rootDesc.xml"};
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(exchange(&url, NULL, (struct ph_span){NULL, 0}, body, sizeof body), 200);
}

/* Sends 100 address requests and returns how many were answered. */
static unsigned count_answers(void) {
    unsigned answers = 0;
    uint8_t bytes[16];
    int fd = open_client(SOCK_DGRAM, own_address(1), PH_PCP_PORT);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(send(fd, "\0\0", 2, 0), 2);
    wait_for_datagrams();
    while (recv(fd, bytes, sizeof bytes, 0) > 0)
        answers++;
    close(fd);
    return answers;
}

static void loss_is_as_asked_and_the_same_for_a_seed(void **state) {
    unsigned answers[2];
    (void)state;
    config.loss_percent = 30;
    for (unsigned i = 0; i < 2; i++) {
        start();
        answers[i] = count_answers();
        stop();
        assert_int_equal(pipe(stop_pipe), 0);
    }
    assert_int_equal(answers[0], answers[1]);
    assert_in_range(answers[0], 30, 70); /* 49 of 100 are expected: lost there or back */
}

static void what_is_off_is_closed(void **state) {
    uint8_t byte;
    (void)state;
    config.server.pcp = config.server.natpmp = config.server.upnp = false;
    start();
    static const uint16_t ports[] = {PH_PCP_PORT, PH_SSDP_PORT};
    for (unsigned i = 0; i < 2; i++) {
        int fd = open_client(SOCK_DGRAM, own_address(1), ports[i]);
        assert_int_equal(send(fd, "\0\0", 2, 0), 2);
        assert_true(is_ready(fd, POLLIN, WAIT_MS));
        assert_int_equal(recv(fd, &byte, 1, 0), -1);
        assert_int_equal(errno, ECONNREFUSED);
        close(fd);
    }
    assert_int_equal(ph_gw_io_http_port(io), 0);
}

static void problem_names_the_address(void **state) {
    char problem[PH_GW_PROBLEM_SIZE];
    char expected[PH_GW_PROBLEM_SIZE];
    char text[PH_ENDPOINT_TEXT_SIZE];
    struct ph_endpoint at = {own_address(1), PH_PCP_PORT};
    struct ph_gw_io *second = NULL;
    (void)state;
    start();
    assert_int_equal(ph_gw_io_new(&config, &second, problem), PORTHOLE_ERR_SYSTEM);
    snprintf(expected, sizeof expected, "cannot bind %s: %s", ph_endpoint_format(&at, text),
             strerror(EADDRINUSE));
    assert_string_equal(problem, expected);
    assert_int_equal(ph_gw_io_new(&config, &second, NULL), PORTHOLE_ERR_SYSTEM);
    config.server.internal = own_address(4);
    config.server.external = ph_addr_v4(192, 0, 2, 1); /* RFC 5737: nobody's */
    assert_int_equal(ph_gw_io_new(&config, &second, problem), PORTHOLE_ERR_SYSTEM);
    assert_non_null(strstr(problem, "192.0.2.1"));
    assert_null(second);
}

static void external_address_may_be_another_than_the_one_told(void **state) {
    uint8_t bytes[16];
    (void)state;
    config.server.external = ph_addr_v4(203, 0, 113, 9);
    config.listen_external = own_address(2);
    start();
    int control = open_client(SOCK_DGRAM, own_address(1), PH_PCP_PORT);
    assert_int_equal(send(control, "\0\0", 2, 0), 2);
    assert_int_equal(receive(control, bytes, sizeof bytes), 12);
    assert_memory_equal(bytes + 8, "\xcb\x00\x71\x09", 4);
    assert_int_equal(map_port(control, PORTHOLE_TCP, 20001), 20001);
    int peer = open_client(SOCK_STREAM, own_address(2), 20001);
    assert_true(is_ready(peer, POLLOUT, WAIT_MS));
    close(peer);
    close(control);
}

static void start_is_announced_to_the_client_that_was_named(void **state) {
    (void)state;
    struct ph_endpoint at[2] = {{own_address(9), PH_PCP_CLIENT_PORT},
                                {own_address(9), PH_SSDP_PORT}};
    int fds[2] = {ph_gw_sock_udp(&at[0], false), ph_gw_sock_udp(&at[1], false)};
    uint8_t bytes[PH_SSDP_SIZE_MAX];
    config.announce_to = own_address(9);
    start();
    for (unsigned i = 0; i < 2; i++) {
        struct sockaddr_storage from;
        socklen_t len = sizeof from;
        assert_true(is_ready(fds[i], POLLIN, WAIT_MS));
        assert_true(recvfrom(fds[i], bytes, sizeof bytes, 0, (struct sockaddr *)&from, &len) > 0);
        struct ph_endpoint server = ph_gw_sock_decode(&from);
        struct ph_addr internal = own_address(1);
        assert_true(ph_addr_equal(&server.addr, &internal));
        assert_int_equal(server.port, i == 0 ? PH_PCP_PORT : PH_SSDP_PORT);
        assert_memory_equal(bytes, i == 0 ? "\2\200" : "NO", 2);
    }
    stop();
    close(fds[0]);
    close(fds[1]);
}

#define IO_TEST(name) cmocka_unit_test_setup_teardown(name, io_setup, io_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        IO_TEST(bytes_come_in_through_a_port_mapped_by_pcp),
        IO_TEST(datagrams_come_in_through_a_port_mapped_by_pcp),
        IO_TEST(wished_port_that_the_host_uses_is_replaced),
        IO_TEST(upnp_is_found_and_maps),
        IO_TEST(burst_of_a_thousand_requests_is_answered_whole),
        IO_TEST(loss_is_as_asked_and_the_same_for_a_seed),
        IO_TEST(what_is_off_is_closed),
        IO_TEST(problem_names_the_address),
        IO_TEST(start_is_announced_to_the_client_that_was_named),
        IO_TEST(external_address_may_be_another_than_the_one_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
