/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_gateway_forward.c: the forwarder with real sockets on loopback addresses of this process
 * alone: an application behind the gateway, a peer outside. Nothing sleeps: the loop runs until
 * what is waited for is there, or five seconds are over.
 */
#define _GNU_SOURCE

#include "gateway/forward.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "gateway/forward_parts.h"
#include "gateway/sock.h"

#define LIMIT PH_SECONDS(60)
#define EXTERNAL_PORT 20080
#define MIB 1048576U

struct scene {
    struct ph_gw_loop *loop;
    struct ph_gw_forward *forward;
    void *listener;
    struct ph_endpoint outside; /* the mapped port */
    struct ph_addr peer_addr;
    int app;  /* the application's listening or UDP socket */
    int peer; /* -1 until it is there, as inner */
    int inner;
};

static struct scene scene;

static struct ph_addr own_address(uint8_t last) {
    unsigned pid = (unsigned)getpid();
    return ph_addr_v4(127, (uint8_t)(128 + pid / 256 % 64), (uint8_t)pid, last);
}

static void open_scene(enum porthole_protocol protocol) {
    struct ph_endpoint app = {own_address(3), 0};
    scene = (struct scene){.peer = -1, .inner = -1, .peer_addr = own_address(2)};
    scene.outside = (struct ph_endpoint){own_address(1), EXTERNAL_PORT};
    scene.loop = ph_gw_loop_new();
    assert_non_null(scene.loop);
    scene.forward = ph_gw_forward_new(scene.loop, &scene.outside.addr);
    assert_non_null(scene.forward);
    scene.app = protocol == PORTHOLE_TCP ? ph_gw_sock_listen(&app) : ph_gw_sock_udp(&app, false);
    assert_true(scene.app >= 0);
    struct ph_gw_facts facts = {.made_by = PORTHOLE_PCP,
                                .protocol = (uint8_t)protocol,
                                .client = app.addr,
                                .internal_port = ph_gw_sock_port(scene.app),
                                .external_port = EXTERNAL_PORT};
    assert_int_equal(ph_gw_forward_open(scene.forward, &facts, &scene.listener), 0);
}

static void close_fd(int fd) {
    if (fd >= 0)
        close(fd);
}

static int close_scene(void **state) {
    (void)state;
    close_fd(scene.peer);
    close_fd(scene.inner);
    close_fd(scene.app);
    ph_gw_forward_free(scene.forward);
    ph_gw_loop_free(scene.loop);
    return 0;
}

/* Runs the forwarder once, for at most a few milliseconds. Fails when the time is over. */
static void turn(ph_us since) {
    ph_us now = ph_gw_loop_now();
    ph_us until = now + PH_MS(5);
    assert_true(now - since < LIMIT);
    if (ph_gw_forward_deadline(scene.forward) < until)
        until = ph_gw_forward_deadline(scene.forward);
    assert_true(ph_gw_loop_wait(scene.loop, until));
    ph_gw_forward_tick(scene.forward, ph_gw_loop_now());
}

/* Reads exactly `len` bytes. */
static void read_all(int fd, uint8_t *ret, size_t len) {
    ph_us since = ph_gw_loop_now();
    for (size_t done = 0; done < len;) {
        ssize_t n = recv(fd, ret + done, len - done, 0);
        assert_true(n > 0 || (n < 0 && errno == EAGAIN));
        done += n > 0 ? (size_t)n : 0;
        if (n < 0)
            turn(since);
    }
}

/* The errno with which a connection ends, 0 = in order; nothing may be left to read. */
static int read_end(int fd) {
    ph_us since = ph_gw_loop_now();
    uint8_t byte;
    for (;;) {
        ssize_t n = recv(fd, &byte, 1, 0);
        assert_true(n <= 0);
        if (n == 0)
            return 0;
        if (errno != EAGAIN)
            return errno;
        turn(since);
    }
}

static void connect_peer(void) {
    scene.peer = ph_gw_sock_connect(SOCK_STREAM, &scene.outside, &scene.peer_addr);
    assert_true(scene.peer >= 0);
}

static struct ph_endpoint accept_inner(void) {
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof address;
    ph_us since = ph_gw_loop_now();
    while ((scene.inner = accept4(scene.app, (struct sockaddr *)&address, &len, SOCK_NONBLOCK)) < 0)
        turn(since);
    return ph_gw_sock_decode(&address);
}

static void open_connection(void) {
    open_scene(PORTHOLE_TCP);
    connect_peer();
    accept_inner();
}

/* ---- TCP ------------------------------------------------------------------------------------- */

static void tcp_flows_both_ways(void **state) {
    uint8_t got[5];
    (void)state;
    open_connection();
    assert_int_equal(send(scene.peer, "hello", 5, 0), 5);
    read_all(scene.inner, got, 5);
    assert_memory_equal(got, "hello", 5);
    assert_int_equal(send(scene.inner, "world", 5, 0), 5);
    read_all(scene.peer, got, 5);
    assert_memory_equal(got, "world", 5);
}

static void application_sees_the_callers_address(void **state) {
    (void)state;
    open_scene(PORTHOLE_TCP);
    connect_peer();
    struct ph_endpoint from = accept_inner();
    assert_true(ph_addr_equal(&from.addr, &scene.peer_addr));
}

static void end_of_one_direction_leaves_the_other(void **state) {
    uint8_t got[8];
    (void)state;
    open_connection();
    assert_int_equal(send(scene.peer, "question", 8, 0), 8);
    assert_int_equal(shutdown(scene.peer, SHUT_WR), 0);
    read_all(scene.inner, got, 8);
    assert_int_equal(read_end(scene.inner), 0);
    assert_int_equal(scene.forward->relay_count, 1);
    assert_int_equal(send(scene.inner, "answer..", 8, 0), 8);
    read_all(scene.peer, got, 8);
    assert_memory_equal(got, "answer..", 8);
    assert_int_equal(shutdown(scene.inner, SHUT_WR), 0);
    assert_int_equal(read_end(scene.peer), 0);
    assert_int_equal(scene.forward->relay_count, 0);
}

static uint8_t pattern_at(size_t i) { return (uint8_t)(i * 31 + i / 251); }

/* Sends the pattern from `sent` on; returns how much went. */
static size_t send_some(int fd, size_t sent) {
    static uint8_t bytes[65536];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = pattern_at(sent + i);
    ssize_t n = send(fd, bytes, sizeof bytes, 0);
    return n > 0 ? (size_t)n : 0;
}

static void expect_pattern(int fd, size_t len) {
    static uint8_t bytes[65536];
    ph_us since = ph_gw_loop_now();
    for (size_t got = 0; got < len;) {
        ssize_t n = recv(fd, bytes, sizeof bytes, 0);
        for (ssize_t i = 0; i < n; i++)
            assert_int_equal(bytes[i], pattern_at(got + (size_t)i));
        got += n > 0 ? (size_t)n : 0;
        turn(since);
    }
}

/* One end sends until nothing more goes, while the other does not read; then it reads all. */
static void transfer(int from, int to) {
    size_t sent = 0;
    ph_us since = ph_gw_loop_now();
    for (unsigned stuck = 0; stuck < 10;) {
        size_t n = send_some(from, sent);
        sent += n;
        stuck = n > 0 ? 0 : stuck + 1;
        turn(since);
        assert_true(sent < 64 * MIB); /* what is not read must not pile up in our memory */
    }
    assert_true(sent >= MIB);
    expect_pattern(to, sent);
}

static void mebibytes_arrive_whole_past_a_slow_reader(void **state) {
    (void)state;
    open_connection();
    transfer(scene.peer, scene.inner);
    transfer(scene.inner, scene.peer);
}

/* A connection with much to read goes on later, without another sign from its sockets. */
static void busy_connection_lets_others_have_a_turn(void **state) {
    size_t sent = 0;
    size_t n;
    (void)state;
    open_connection();
    while ((n = send_some(scene.peer, sent)) > 0)
        sent += n;
    assert_true(sent > MIB / 2); /* more than one turn takes */
    ph_us since = ph_gw_loop_now();
    while (ph_gw_forward_deadline(scene.forward) != 0) {
        assert_true(ph_gw_loop_now() - since < LIMIT);
        assert_true(ph_gw_loop_wait(scene.loop, since + LIMIT));
    }
    expect_pattern(scene.inner, sent);
    assert_int_equal(ph_gw_forward_deadline(scene.forward), PH_NEVER);
}

static void refusal_of_the_application_resets_the_peer(void **state) {
    (void)state;
    open_scene(PORTHOLE_TCP);
    close(scene.app);
    scene.app = -1;
    connect_peer();
    assert_int_equal(read_end(scene.peer), ECONNRESET);
    assert_int_equal(scene.forward->relay_count, 0);
}

static void reset_is_passed_on(void **state) {
    struct linger hard = {1, 0};
    (void)state;
    open_connection();
    assert_int_equal(setsockopt(scene.peer, SOL_SOCKET, SO_LINGER, &hard, sizeof hard), 0);
    close(scene.peer);
    scene.peer = -1;
    assert_int_equal(read_end(scene.inner), ECONNRESET);
    assert_int_equal(scene.forward->relay_count, 0);
}

static void end_of_the_mapping_ends_its_relays_and_shuts_the_port(void **state) {
    (void)state;
    open_connection();
    ph_gw_forward_close(scene.forward, scene.listener);
    assert_int_equal(read_end(scene.peer), ECONNRESET);
    assert_int_equal(read_end(scene.inner), ECONNRESET);
    close(scene.peer);
    connect_peer();
    assert_int_equal(read_end(scene.peer), ECONNREFUSED);
}

static void many_connections_are_relayed_at_once(void **state) {
    int peers[100];
    (void)state;
    open_scene(PORTHOLE_TCP);
    for (size_t i = 0; i < 100; i++) {
        connect_peer();
        peers[i] = scene.peer;
        assert_int_equal(send(peers[i], &(uint8_t){(uint8_t)i}, 1, 0), 1);
        accept_inner();
        uint8_t got;
        read_all(scene.inner, &got, 1);
        assert_int_equal(got, i);
        close(scene.inner);
    }
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(read_end(peers[i]), 0);
        close(peers[i]);
    }
    scene.peer = scene.inner = -1;
}

/* ---- UDP ------------------------------------------------------------------------------------- */

static int open_udp_peer(void) {
    int fd = ph_gw_sock_connect(SOCK_DGRAM, &scene.outside, &scene.peer_addr);
    assert_true(fd >= 0);
    return fd;
}

/* What comes next at the application, and from whom. */
static size_t take_datagram(void *ret, size_t size, struct ph_endpoint *ret_from) {
    ph_us since = ph_gw_loop_now();
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof address;
    ssize_t n;
    while ((n = recvfrom(scene.app, ret, size, 0, (struct sockaddr *)&address, &len)) < 0)
        turn(since);
    *ret_from = ph_gw_sock_decode(&address);
    return (size_t)n;
}

static void answer_to(const struct ph_endpoint *to, const char *text) {
    struct sockaddr_storage address;
    socklen_t len = ph_gw_sock_encode(to, &address);
    assert_int_equal(sendto(scene.app, text, strlen(text), 0, (struct sockaddr *)&address, len),
                     strlen(text));
}

static void udp_flows_both_ways_for_each_peer(void **state) {
    struct ph_endpoint one;
    struct ph_endpoint other;
    uint8_t got[100];
    (void)state;
    open_scene(PORTHOLE_UDP);
    scene.peer = open_udp_peer();
    scene.inner = open_udp_peer(); /* a second peer */
    assert_int_equal(send(scene.peer, "one", 3, 0), 3);
    assert_int_equal(take_datagram(got, sizeof got, &one), 3);
    assert_memory_equal(got, "one", 3);
    assert_int_equal(send(scene.inner, "other", 5, 0), 5);
    assert_int_equal(take_datagram(got, sizeof got, &other), 5);
    assert_memory_equal(got, "other", 5);
    assert_true(ph_addr_equal(&one.addr, &scene.peer_addr));
    answer_to(&other, "to the other");
    answer_to(&one, "to one");
    read_all(scene.peer, got, 6); /* connected sockets: it came from the mapped port */
    assert_memory_equal(got, "to one", 6);
    read_all(scene.inner, got, 12);
    assert_memory_equal(got, "to the other", 12);
}

static void datagrams_of_every_size_arrive(void **state) {
    struct ph_endpoint from;
    static uint8_t bytes[60000];
    static uint8_t got[60001];
    (void)state;
    open_scene(PORTHOLE_UDP);
    scene.peer = open_udp_peer();
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = pattern_at(i);
    assert_int_equal(send(scene.peer, bytes, sizeof bytes, 0), sizeof bytes);
    assert_int_equal(take_datagram(got, sizeof got, &from), sizeof bytes);
    assert_memory_equal(bytes, got, sizeof bytes);
    assert_int_equal(send(scene.peer, bytes, 0, 0), 0);
    assert_int_equal(take_datagram(got, sizeof got, &from), 0);
}

static void flow_lives_as_long_as_it_is_used(void **state) {
    struct ph_endpoint from;
    uint8_t got[10];
    (void)state;
    open_scene(PORTHOLE_UDP);
    scene.peer = open_udp_peer();
    assert_int_equal(ph_gw_forward_deadline(scene.forward), PH_NEVER);
    assert_int_equal(send(scene.peer, "a", 1, 0), 1);
    take_datagram(got, sizeof got, &from);
    ph_us due = ph_gw_forward_deadline(scene.forward);
    assert_in_range(due, ph_gw_loop_now(), ph_gw_loop_now() + PH_GW_UDP_IDLE);
    answer_to(&from, "b");
    read_all(scene.peer, got, 1); /* an answer counts as use */
    assert_true(ph_gw_forward_deadline(scene.forward) > due);
    due = ph_gw_forward_deadline(scene.forward);
    ph_gw_forward_tick(scene.forward, due - 1);
    assert_int_equal(scene.forward->flows.count, 1);
    ph_gw_forward_tick(scene.forward, due);
    assert_int_equal(scene.forward->flows.count, 0);
    assert_int_equal(ph_gw_forward_deadline(scene.forward), PH_NEVER);
    assert_int_equal(send(scene.peer, "c", 1, 0), 1); /* and begins anew */
    assert_int_equal(take_datagram(got, sizeof got, &from), 1);
}

static void datagrams_arrive_once_the_application_listens(void **state) {
    struct ph_endpoint from;
    uint8_t got[10];
    (void)state;
    open_scene(PORTHOLE_UDP);
    struct ph_endpoint app = {own_address(3), ph_gw_sock_port(scene.app)};
    close(scene.app);
    scene.peer = open_udp_peer();
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(send(scene.peer, "lost", 4, 0), 4);
        turn(ph_gw_loop_now());
    }
    scene.app = ph_gw_sock_udp(&app, false);
    assert_true(scene.app >= 0);
    assert_int_equal(send(scene.peer, "found", 5, 0), 5);
    assert_int_equal(take_datagram(got, sizeof got, &from), 5);
    assert_memory_equal(got, "found", 5);
}

static void flood_of_peers_is_capped(void **state) {
    struct ph_endpoint from;
    uint8_t got[10];
    (void)state;
    open_scene(PORTHOLE_UDP);
    for (unsigned i = 0; i < PH_GW_UDP_FLOWS_MAX + 50; i++) {
        int fd = open_udp_peer();
        assert_int_equal(send(fd, "x", 1, 0), 1);
        assert_int_equal(take_datagram(got, sizeof got, &from), 1);
        close(fd);
        assert_true(scene.forward->flows.count <= PH_GW_UDP_FLOWS_MAX);
    }
    assert_int_equal(scene.forward->flows.count, PH_GW_UDP_FLOWS_MAX);
    ph_gw_forward_close(scene.forward, scene.listener);
    assert_int_equal(scene.forward->flows.count, 0);
}

/* ---- Opening --------------------------------------------------------------------------------- */

static int open_again(enum porthole_protocol protocol, struct ph_addr client) {
    struct ph_gw_facts facts = {.made_by = PORTHOLE_PCP,
                                .protocol = (uint8_t)protocol,
                                .client = client,
                                .internal_port = 80,
                                .external_port = scene.outside.port};
    void *listener;
    return ph_gw_forward_open(scene.forward, &facts, &listener);
}

static void taken_port_is_reported(void **state) {
    (void)state;
    open_scene(PORTHOLE_UDP);
    assert_int_equal(open_again(PORTHOLE_UDP, own_address(3)), PORTHOLE_ERR_PORT_TAKEN);
    assert_int_equal(open_again(PORTHOLE_TCP, own_address(3)), 0);
    assert_int_equal(open_again(PORTHOLE_TCP, own_address(3)), PORTHOLE_ERR_PORT_TAKEN);
}

static void external_address_is_no_client(void **state) {
    (void)state;
    open_scene(PORTHOLE_UDP);
    assert_int_equal(open_again(PORTHOLE_TCP, own_address(1)), PORTHOLE_ERR_NO_RESOURCES);
}

static void last_descriptors_are_left_to_others(void **state) {
    (void)state;
    open_scene(PORTHOLE_TCP);
    int fd_max = dup(scene.app);
    close(fd_max);
    assert_int_equal(open_again(PORTHOLE_UDP, own_address(3)), 0);
    scene.forward->fd_max = fd_max;
    connect_peer();
    assert_int_equal(read_end(scene.peer), ECONNRESET);
    struct ph_endpoint to = scene.outside;
    int udp = ph_gw_sock_connect(SOCK_DGRAM, &to, &scene.peer_addr);
    assert_int_equal(send(udp, "x", 1, 0), 1);
    turn(ph_gw_loop_now());
    assert_int_equal(scene.forward->flows.count, 0);
    close(udp);
    scene.outside.port++;
    assert_int_equal(open_again(PORTHOLE_TCP, own_address(3)), PORTHOLE_ERR_NO_RESOURCES);
    scene.forward->fd_max = INT_MAX;
    assert_int_equal(open_again(PORTHOLE_TCP, own_address(3)), 0);
}

#define FORWARD_TEST(name) cmocka_unit_test_teardown(name, close_scene)

int main(void) {
    const struct CMUnitTest tests[] = {
        FORWARD_TEST(tcp_flows_both_ways),
        FORWARD_TEST(application_sees_the_callers_address),
        FORWARD_TEST(end_of_one_direction_leaves_the_other),
        FORWARD_TEST(mebibytes_arrive_whole_past_a_slow_reader),
        FORWARD_TEST(busy_connection_lets_others_have_a_turn),
        FORWARD_TEST(refusal_of_the_application_resets_the_peer),
        FORWARD_TEST(reset_is_passed_on),
        FORWARD_TEST(end_of_the_mapping_ends_its_relays_and_shuts_the_port),
        FORWARD_TEST(many_connections_are_relayed_at_once),
        FORWARD_TEST(udp_flows_both_ways_for_each_peer),
        FORWARD_TEST(datagrams_of_every_size_arrive),
        FORWARD_TEST(flow_lives_as_long_as_it_is_used),
        FORWARD_TEST(datagrams_arrive_once_the_application_listens),
        FORWARD_TEST(flood_of_peers_is_capped),
        FORWARD_TEST(taken_port_is_reported),
        FORWARD_TEST(external_address_is_no_client),
        FORWARD_TEST(last_descriptors_are_left_to_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
