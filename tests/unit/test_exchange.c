/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_exchange.c: one HTTP exchange over real sockets of 127.88.0.0/16, against a peer in the same
 * thread that answers well, badly or not at all. Deadlines are stepped, not waited for.
 */
#define _GNU_SOURCE
#include "driver/exchange.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define DEADLINE PH_SECONDS(10)
#define PATIENCE_MS 60000

static const char request[] = "GET /x HTTP/1.1\r\nHost: 127.88.0.1\r\n\r\n";

/* The peer: a listening socket, and the connection once it is there. */
struct peer {
    int listener;
    int fd;
    struct ph_endpoint at;
    struct ph_exchange *exchange;
};

static struct ph_path a_path(void) {
    return (struct ph_path){.gateway = ph_addr_v4(127, 88, 0, 1),
                            .source = ph_addr_v4(127, 88, 0, 7)};
}

static int setup(void **state) {
    static struct peer peer;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f580001)};
    socklen_t len = sizeof at;
    peer = (struct peer){.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .fd = -1};
    if (bind(peer.listener, (struct sockaddr *)&at, len) != 0 || listen(peer.listener, 4) != 0 ||
        getsockname(peer.listener, (struct sockaddr *)&at, &len) != 0)
        return -1;
    peer.at = (struct ph_endpoint){ph_addr_v4(127, 88, 0, 1), ntohs(at.sin_port)};
    *state = &peer;
    return 0;
}

static int teardown(void **state) {
    struct peer *peer = *state;
    ph_exchange_free(peer->exchange);
    if (peer->fd >= 0)
        close(peer->fd);
    if (peer->listener >= 0)
        close(peer->listener);
    return 0;
}

static void begin(struct peer *peer, const void *bytes, size_t len) {
    struct ph_path path = a_path();
    peer->exchange = ph_exchange_new(&path, &peer->at, bytes, len, DEADLINE);
    assert_non_null(peer->exchange);
}

/* Turns the exchange round until it has a result. */
static int finish(struct peer *peer) {
    int result = ph_exchange_run(peer->exchange, 0);
    while (result == 0) {
        struct pollfd fd = ph_exchange_pollfd(peer->exchange);
        assert_int_equal(poll(&fd, 1, PATIENCE_MS), 1);
        result = ph_exchange_run(peer->exchange, 0);
    }
    return result;
}

/* Takes the connection and the whole request off it. */
static void take_request(struct peer *peer) {
    char bytes[sizeof request];
    assert_int_equal(ph_exchange_run(peer->exchange, 0), 0);
    peer->fd = accept4(peer->listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(peer->fd >= 0);
    assert_int_equal(ph_exchange_run(peer->exchange, 0), 0);
    assert_int_equal(recv(peer->fd, bytes, sizeof request - 1, MSG_WAITALL), sizeof request - 1);
    assert_memory_equal(bytes, request, sizeof request - 1);
}

static void answer(struct peer *peer, const char *text) {
    assert_int_equal(send(peer->fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void hang_up(struct peer *peer) {
    close(peer->fd);
    peer->fd = -1;
}

/* By a reset, as a system does for a program that leaves with bytes unread. */
static void break_off(struct peer *peer) {
    struct linger at_once = {.l_onoff = 1};
    setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    hang_up(peer);
}

static void assert_body(const struct peer *peer, const char *text) {
    struct ph_http_message message = ph_exchange_message(peer->exchange);
    assert_int_equal(message.status, 200);
    assert_true(ph_span_equal(message.body, ph_span_of(text)));
}

static void whole_answer_is_given(void **state) {
    struct peer *peer = *state;
    begin(peer, request, sizeof request - 1);
    take_request(peer);
    answer(peer, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    assert_int_equal(finish(peer), 1);
    assert_body(peer, "hello");
}

static void answer_in_single_bytes_is_put_together(void **state) {
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    struct peer *peer = *state;
    begin(peer, request, sizeof request - 1);
    take_request(peer);
    for (size_t i = 0; i < sizeof text - 1; i++) {
        assert_int_equal(ph_exchange_run(peer->exchange, 0), 0);
        answer(peer, (char[]){text[i], '\0'});
    }
    assert_int_equal(finish(peer), 1);
    assert_body(peer, "hello");
}

static void connection_comes_from_the_paths_source(void **state) {
    struct peer *peer = *state;
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    begin(peer, request, sizeof request - 1);
    take_request(peer);
    assert_int_equal(getpeername(peer->fd, (struct sockaddr *)&from, &len), 0);
    assert_int_equal(ntohl(from.sin_addr.s_addr), 0x7f580007);
}

static void end_of_the_connection_ends_an_answer_without_length(void **state) {
    struct peer *peer = *state;
    begin(peer, request, sizeof request - 1);
    take_request(peer);
    answer(peer, "HTTP/1.0 200 OK\r\n\r\nhello");
    assert_int_equal(ph_exchange_run(peer->exchange, 0), 0);
    hang_up(peer);
    assert_int_equal(finish(peer), 1);
    assert_body(peer, "hello");
}

static void reset_after_a_whole_answer_is_an_end_too(void **state) {
    struct peer *peer = *state;
    begin(peer, request, sizeof request - 1);
    take_request(peer);
    answer(peer, "HTTP/1.0 200 OK\r\n\r\nhello");
    break_off(peer);
    assert_int_equal(finish(peer), 1);
    assert_body(peer, "hello");
}

static void closed_early_is_truncated(void **state) {
    struct peer *peer = *state;
    begin(peer, request, sizeof request - 1);
    take_request(peer);
    answer(peer, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello");
    hang_up(peer);
    assert_int_equal(finish(peer), PORTHOLE_ERR_TRUNCATED);
}

static void closed_or_reset_without_a_word_is_truncated(void **state) {
    struct peer *peer = *state;
    begin(peer, request, sizeof request - 1);
    take_request(peer);
    hang_up(peer);
    assert_int_equal(finish(peer), PORTHOLE_ERR_TRUNCATED);
    ph_exchange_free(peer->exchange);
    begin(peer, request, sizeof request - 1);
    take_request(peer);
    break_off(peer);
    assert_int_equal(finish(peer), PORTHOLE_ERR_TRUNCATED);
}

static void refused_connection_is_port_closed(void **state) {
    struct peer *peer = *state;
    close(peer->listener);
    peer->listener = -1;
    begin(peer, request, sizeof request - 1);
    assert_int_equal(finish(peer), PORTHOLE_ERR_PORT_CLOSED);
}

/* 203.0.113.0/24 is nobody's (RFC 5737): binding to it fails before anything is sent. */
static void source_that_is_gone_is_unreachable(void **state) {
    struct peer *peer = *state;
    struct ph_path path = a_path();
    path.source = ph_addr_v4(203, 0, 113, 9);
    peer->exchange = ph_exchange_new(&path, &peer->at, request, sizeof request - 1, DEADLINE);
    assert_non_null(peer->exchange);
    assert_int_equal(ph_exchange_run(peer->exchange, 0), PORTHOLE_ERR_UNREACHABLE);
}

static void silence_ends_at_the_deadline(void **state) {
    struct peer *peer = *state;
    begin(peer, request, sizeof request - 1);
    take_request(peer);
    assert_int_equal(ph_exchange_run(peer->exchange, DEADLINE - 1), 0);
    assert_int_equal(ph_exchange_run(peer->exchange, DEADLINE), PORTHOLE_ERR_TIMEOUT);
    assert_int_equal(ph_exchange_run(peer->exchange, 0), PORTHOLE_ERR_TIMEOUT);
}

static void a_byte_a_second_ends_at_the_deadline(void **state) {
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 5";
    struct peer *peer = *state;
    int result = 0;
    unsigned second = 0;
    begin(peer, request, sizeof request - 1);
    take_request(peer);
    for (; result == 0; second++) {
        answer(peer, (char[]){text[second], '\0'});
        result = ph_exchange_run(peer->exchange, PH_SECONDS(second));
    }
    assert_int_equal(result, PORTHOLE_ERR_TIMEOUT);
    assert_int_equal(PH_SECONDS(second - 1), DEADLINE);
}

/* The last bytes and the deadline come in the same turn. */
static void answer_in_hand_beats_the_deadline(void **state) {
    struct peer *peer = *state;
    begin(peer, request, sizeof request - 1);
    take_request(peer);
    answer(peer, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    struct pollfd fd = ph_exchange_pollfd(peer->exchange);
    assert_int_equal(poll(&fd, 1, PATIENCE_MS), 1);
    assert_int_equal(ph_exchange_run(peer->exchange, DEADLINE), 1);
}

static void announced_gigabyte_is_refused_at_once(void **state) {
    struct peer *peer = *state;
    begin(peer, request, sizeof request - 1);
    take_request(peer);
    answer(peer, "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n");
    assert_int_equal(finish(peer), PORTHOLE_ERR_TOO_LARGE);
}

/* Sends as much as fits and turns the exchange round, until that has had enough. */
static int flood(struct peer *peer, const char *text, size_t bytes_max) {
    size_t len = strlen(text);
    size_t sent = 0;
    int result = 0;
    while (result == 0) {
        ssize_t n = send(peer->fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        assert_true(n >= 0 || errno == EAGAIN);
        sent += n > 0 ? (size_t)n : 0;
        assert_true(sent <= bytes_max);
        result = ph_exchange_run(peer->exchange, 0);
    }
    return result;
}

static void body_without_end_is_too_large(void **state) {
    static char much[4096];
    struct peer *peer = *state;
    memset(much, 'x', sizeof much - 1);
    begin(peer, request, sizeof request - 1);
    take_request(peer);
    answer(peer, "HTTP/1.1 200 OK\r\n\r\n");
    assert_int_equal(flood(peer, much, 64 * PH_HTTP_BODY_MAX), PORTHOLE_ERR_TOO_LARGE);
}

static void header_block_without_end_is_too_large(void **state) {
    struct peer *peer = *state;
    begin(peer, request, sizeof request - 1);
    take_request(peer);
    answer(peer, "HTTP/1.1 200 OK\r\n");
    assert_int_equal(flood(peer, "X-Filler: 0123456789\r\n", 1 << 20), PORTHOLE_ERR_TOO_LARGE);
}

static void answer_that_is_not_http_is_malformed(void **state) {
    struct peer *peer = *state;
    begin(peer, request, sizeof request - 1);
    take_request(peer);
    answer(peer, "220 mail.example ESMTP\r\n\r\n");
    assert_int_equal(finish(peer), PORTHOLE_ERR_MALFORMED);
}

static void answer_before_the_request_is_read_is_taken(void **state) {
    enum { SIZE = 8 << 20 };
    struct peer *peer = *state;
    char *much = calloc(1, SIZE);
    assert_non_null(much);
    begin(peer, much, SIZE);
    free(much);
    assert_int_equal(ph_exchange_run(peer->exchange, 0), 0);
    peer->fd = accept4(peer->listener, NULL, NULL, SOCK_CLOEXEC);
    assert_int_equal(ph_exchange_run(peer->exchange, 0), 0);
    answer(peer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    break_off(peer);
    assert_int_equal(finish(peer), 1);
}

static void request_larger_than_the_sockets_buffer_is_written_whole(void **state) {
    enum { SIZE = 8 << 20 };
    struct peer *peer = *state;
    char *much = malloc(SIZE);
    char *got = malloc(SIZE);
    size_t len = 0;
    assert_true(much && got);
    for (size_t i = 0; i < SIZE; i++)
        much[i] = (char)(i % 251);
    begin(peer, much, SIZE);
    assert_int_equal(ph_exchange_run(peer->exchange, 0), 0);
    peer->fd = accept4(peer->listener, NULL, NULL, SOCK_CLOEXEC);
    while (len < SIZE) {
        assert_int_equal(ph_exchange_run(peer->exchange, 0), 0);
        ssize_t n = recv(peer->fd, got + len, SIZE - len, MSG_DONTWAIT);
        len += n > 0 ? (size_t)n : 0;
    }
    assert_memory_equal(got, much, SIZE);
    free(much);
    free(got);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(whole_answer_is_given),
        TEST(answer_in_single_bytes_is_put_together),
        TEST(connection_comes_from_the_paths_source),
        TEST(end_of_the_connection_ends_an_answer_without_length),
        TEST(reset_after_a_whole_answer_is_an_end_too),
        TEST(closed_early_is_truncated),
        TEST(closed_or_reset_without_a_word_is_truncated),
        TEST(refused_connection_is_port_closed),
        TEST(source_that_is_gone_is_unreachable),
        TEST(silence_ends_at_the_deadline),
        TEST(a_byte_a_second_ends_at_the_deadline),
        TEST(answer_in_hand_beats_the_deadline),
        TEST(announced_gigabyte_is_refused_at_once),
        TEST(body_without_end_is_too_large),
        TEST(header_block_without_end_is_too_large),
        TEST(answer_that_is_not_http_is_malformed),
        TEST(answer_before_the_request_is_read_is_taken),
        TEST(request_larger_than_the_sockets_buffer_is_written_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
