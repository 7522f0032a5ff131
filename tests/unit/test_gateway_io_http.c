/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_gateway_io_http.c: the gateway's HTTP connections on real sockets of a loopback address of
 * this process alone, with clients that are slow, silent or hostile. The ten seconds that each of
 * them has are stepped, not waited for.
 */
#define _GNU_SOURCE

#include "gateway/io_http.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/sock.h"
#include "gateway_fixture.h"

#define LIMIT PH_SECONDS(60)

static struct ph_gw_loop *loop;
static struct ph_gw_http *http;
static struct ph_endpoint at;

static int http_setup(void **state) {
    unsigned pid = (unsigned)getpid();
    fixture_setup(state);
    struct gateway_fixture *f = *state;
    at =
        (struct ph_endpoint){ph_addr_v4(127, (uint8_t)(128 + pid / 256 % 64), (uint8_t)pid, 11), 0};
    int fd = ph_gw_sock_listen(&at);
    assert_true(fd >= 0);
    at.port = ph_gw_sock_port(fd);
    f->now = ph_gw_loop_now();
    f->config.internal = at.addr;
    f->config.http_port = at.port;
    fixture_start(f);
    loop = ph_gw_loop_new();
    assert_non_null(loop);
    http = ph_gw_http_new(loop, f->server, fd);
    assert_non_null(http);
    return 0;
}

static int http_teardown(void **state) {
    ph_gw_http_free(http);
    ph_gw_loop_free(loop);
    return fixture_teardown(state);
}

static int open_client(void) {
    int fd = ph_gw_sock_connect(SOCK_STREAM, &at, &at.addr);
    assert_true(fd >= 0);
    return fd;
}

static void turn(ph_us since) {
    ph_us now = ph_gw_loop_now();
    assert_true(now - since < LIMIT);
    assert_true(ph_gw_loop_wait(loop, now + PH_MS(5)));
}

static void send_text(int fd, const char *text) {
    ph_us since = ph_gw_loop_now();
    for (size_t sent = 0; sent < strlen(text);) {
        ssize_t n = send(fd, text + sent, strlen(text) - sent, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != ENOTCONN)
            return; /* refused halfway: the answer tells */
        sent += n > 0 ? (size_t)n : 0;
        turn(since);
    }
}

/* Everything until the server ends the connection, then closes it. Returns the status, 0 = no
 * answer came. */
static unsigned read_answer(int fd, char *ret, size_t size) {
    ph_us since = ph_gw_loop_now();
    size_t len = 0;
    for (;;) {
        assert_true(len < size - 1);
        ssize_t n = recv(fd, ret + len, size - 1 - len, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != ENOTCONN))
            break;
        len += n > 0 ? (size_t)n : 0;
        turn(since);
    }
    ret[len] = '\0';
    close(fd);
    return len > 12 ? (unsigned)strtoul(ret + 9, NULL, 10) : 0;
}

static unsigned ask(const char *text) {
    static char answer[20000];
    int fd = open_client();
    send_text(fd, text);
    return read_answer(fd, answer, sizeof answer);
}

static void request_in_one_piece_is_answered(void **state) {
    (void)state;
    assert_int_equal(ask("GET /rootDesc.xml HTTP/1.1\r\n\r\n"), 200);
    assert_int_equal(ask("GET / HTTP/1.0\n\n"), 404);
}

static void request_byte_by_byte_is_answered(void **state) {
    (void)state;
    static char answer[20000];
    int fd = open_client();
    for (const char *c = "GET /WANIPCn.xml HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"; *c; c++)
        send_text(fd, (char[]){*c, '\0'});
    assert_int_equal(read_answer(fd, answer, sizeof answer), 200);
    struct ph_http_reader *reader = ph_http_reader_new(PH_HTTP_RESPONSE);
    assert_int_equal(ph_http_reader_feed(reader, answer, strlen(answer)), 1);
    ph_http_reader_free(reader);
}

static void bytes_that_are_no_request_are_refused(void **state) {
    (void)state;
    assert_int_equal(ask("hello\r\n\r\n"), 400);
    assert_int_equal(ask("GET / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"), 400);
    assert_int_equal(ask("POST / HTTP/1.1\r\nContent-Length: 1073741824\r\n\r\n"), 413);
    static char head[12000];
    memset(head, 'a', sizeof head - 1);
    memcpy(head, "GET /", 5);
    assert_int_equal(ask(head), 413);
}

static void client_that_leaves_halfway_is_forgotten(void **state) {
    (void)state;
    static char answer[20000];
    int fd = open_client();
    send_text(fd, "GET /rootDesc.xml HTT");
    shutdown(fd, SHUT_WR);
    assert_int_equal(read_answer(fd, answer, sizeof answer), 400);
    turn(ph_gw_loop_now());
    assert_int_equal(ph_gw_http_deadline(http), PH_NEVER);
}

static void silent_client_has_ten_seconds(void **state) {
    (void)state;
    static char answer[100];
    ph_us before = ph_gw_loop_now();
    int fd = open_client();
    turn(before);
    ph_us due = ph_gw_http_deadline(http);
    assert_in_range(due, before + PH_SECONDS(10), ph_gw_loop_now() + PH_SECONDS(10));
    send_text(fd, "GET ");
    assert_int_equal(ph_gw_http_deadline(http), due); /* dribbling does not buy time */
    ph_gw_http_tick(http, due - 1);
    assert_int_equal(ph_gw_http_deadline(http), due);
    ph_gw_http_tick(http, due);
    assert_int_equal(ph_gw_http_deadline(http), PH_NEVER);
    assert_int_equal(read_answer(fd, answer, sizeof answer), 0);
}

static void silent_clients_leave_room_again(void **state) {
    (void)state;
    int fds[200];
    static char answer[20000];
    for (size_t i = 0; i < 200; i++) {
        fds[i] = open_client();
        turn(ph_gw_loop_now());
    }
    int fd = open_client(); /* waits in the queue */
    send_text(fd, "GET /rootDesc.xml HTTP/1.1\r\n\r\n");
    assert_int_equal(recv(fd, answer, sizeof answer, 0), -1);
    ph_us until = ph_gw_loop_now() + PH_MS(5);
    assert_true(ph_gw_loop_wait(loop, until));
    assert_true(ph_gw_loop_now() >= until); /* the queue does not keep us awake */
    for (unsigned i = 0; i < 2; i++) {      /* two times 128 are more than 200 */
        ph_gw_http_tick(http, ph_gw_http_deadline(http) + PH_SECONDS(10));
        turn(ph_gw_loop_now());
        turn(ph_gw_loop_now());
    }
    assert_int_equal(read_answer(fd, answer, sizeof answer), 200);
    for (size_t i = 0; i < 200; i++)
        close(fds[i]);
}

#define HTTP_TEST(name) cmocka_unit_test_setup_teardown(name, http_setup, http_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        HTTP_TEST(request_in_one_piece_is_answered),
        HTTP_TEST(request_byte_by_byte_is_answered),
        HTTP_TEST(bytes_that_are_no_request_are_refused),
        HTTP_TEST(client_that_leaves_halfway_is_forgotten),
        HTTP_TEST(silent_client_has_ten_seconds),
        HTTP_TEST(silent_clients_leave_room_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
