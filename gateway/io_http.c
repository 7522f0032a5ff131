/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * io_http.c: see io_http.h. A client that sends slowly, or nothing, holds one of the connections
 * for ten seconds and nothing else.
 */
#define _GNU_SOURCE

#include "gateway/io_http.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/list.h"
#include "gateway/sock.h"
#include "wire/http.h"

#define CONNECTIONS_MAX 128U /* further ones wait in the system's queue */
#define CONNECTION_TIME PH_SECONDS(10)

enum connection_state {
    CONNECTION_READS,
    CONNECTION_WRITES,
    CONNECTION_DRAINS /* to close with bytes unread would reset what the client has yet to read */
};

struct http_connection {
    struct ph_gw_source source;
    struct ph_gw_http *http;
    struct ph_link link;
    enum connection_state state;
    ph_us due;
    struct ph_endpoint from;
    struct ph_http_reader *reader;
    size_t len;
    size_t sent;
    uint8_t answer[PH_GW_HTTP_SIZE];
};

struct ph_gw_http {
    struct ph_gw_source source;
    struct ph_gw_loop *loop;
    struct ph_gw_server *server;
    struct ph_link connections; /* the oldest first: its time is over first */
    unsigned count;
};

static void close_connection(struct http_connection *connection) {
    struct ph_gw_http *http = connection->http;
    ph_gw_loop_close(http->loop, &connection->source);
    ph_link_remove(&connection->link);
    ph_http_reader_free(connection->reader);
    free(connection);
    if (http->count-- == CONNECTIONS_MAX)
        (void)ph_gw_loop_add(http->loop, &http->source, PH_GW_READ);
}

static void send_answer(struct http_connection *connection) {
    ssize_t n = send(connection->source.fd, connection->answer + connection->sent,
                     connection->len - connection->sent, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        close_connection(connection);
        return;
    }
    connection->sent += n > 0 ? (size_t)n : 0;
    bool is_whole = connection->sent == connection->len;
    if (is_whole)
        (void)shutdown(connection->source.fd, SHUT_WR);
    connection->state = is_whole ? CONNECTION_DRAINS : CONNECTION_WRITES;
    ph_gw_loop_change(connection->http->loop, &connection->source,
                      is_whole ? PH_GW_READ : PH_GW_WRITE);
}

/* With what the reader said of the bytes so far: 1, or an error. */
static void answer_request(struct http_connection *connection, ph_us now, int result) {
    if (result == 1) {
        struct ph_http_message request = ph_http_reader_message(connection->reader);
        connection->len = ph_gw_server_http(connection->http->server, now, &connection->from,
                                            &request, connection->answer, PH_GW_HTTP_SIZE);
    } else {
        connection->len = ph_gw_server_http_refuse(result, connection->answer, PH_GW_HTTP_SIZE);
    }
    send_answer(connection);
}

static void read_request(struct http_connection *connection, ph_us now) {
    uint8_t bytes[8192];
    ssize_t n = recv(connection->source.fd, bytes, sizeof bytes, 0);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (n < 0 || (n == 0 && connection->state == CONNECTION_DRAINS)) {
        close_connection(connection);
        return;
    }
    if (connection->state == CONNECTION_DRAINS)
        return;
    int result = n > 0 ? ph_http_reader_feed(connection->reader, bytes, (size_t)n)
                       : ph_http_reader_end(connection->reader);
    if (result != 0)
        answer_request(connection, now, result);
}

static void on_connection(struct ph_gw_source *source, ph_us now, bool failed) {
    struct http_connection *connection = PH_CONTAINER(source, struct http_connection, source);
    if (failed)
        close_connection(connection);
    else if (connection->state == CONNECTION_WRITES)
        send_answer(connection);
    else
        read_request(connection, now);
}

/* Owns the descriptor, also when it fails. */
static void open_connection(struct ph_gw_http *http, ph_us now, int fd,
                            const struct ph_endpoint *from) {
    struct http_connection *connection = calloc(1, sizeof *connection);
    struct ph_http_reader *reader = ph_http_reader_new(PH_HTTP_REQUEST);
    if (connection)
        connection->source = (struct ph_gw_source){fd, on_connection};
    if (!connection || !reader || !ph_gw_loop_add(http->loop, &connection->source, PH_GW_READ)) {
        ph_http_reader_free(reader);
        free(connection);
        close(fd);
        return;
    }
    connection->http = http;
    connection->reader = reader;
    connection->from = *from;
    connection->due = now + CONNECTION_TIME;
    ph_link_init(&connection->link);
    ph_list_append(&http->connections, &connection->link);
    if (++http->count == CONNECTIONS_MAX)
        ph_gw_loop_remove(http->loop, &http->source);
}

static void on_http_listener(struct ph_gw_source *source, ph_us now, bool failed) {
    struct ph_gw_http *http = PH_CONTAINER(source, struct ph_gw_http, source);
    (void)failed;
    while (http->count < CONNECTIONS_MAX) {
        struct sockaddr_storage address = {0};
        socklen_t len = sizeof address;
        int fd =
            accept4(source->fd, (struct sockaddr *)&address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        struct ph_endpoint from = ph_gw_sock_decode(&address);
        open_connection(http, now, fd, &from);
    }
}

struct ph_gw_http *ph_gw_http_new(struct ph_gw_loop *loop, struct ph_gw_server *server,
                                  int listen_fd) {
    struct ph_gw_http *http = calloc(1, sizeof *http);
    if (http) {
        *http = (struct ph_gw_http){{listen_fd, on_http_listener}, loop, server, {NULL, NULL}, 0};
        ph_link_init(&http->connections);
        if (ph_gw_loop_add(loop, &http->source, PH_GW_READ))
            return http;
    }
    free(http);
    close(listen_fd);
    return NULL;
}

void ph_gw_http_free(struct ph_gw_http *http) {
    if (!http)
        return;
    ph_gw_http_tick(http, PH_NEVER);
    ph_gw_loop_close(http->loop, &http->source);
    free(http);
}

ph_us ph_gw_http_deadline(const struct ph_gw_http *http) {
    if (ph_list_is_empty(&http->connections))
        return PH_NEVER;
    return PH_CONTAINER(http->connections.next, struct http_connection, link)->due;
}

void ph_gw_http_tick(struct ph_gw_http *http, ph_us now) {
    while (!ph_list_is_empty(&http->connections) && ph_gw_http_deadline(http) <= now)
        close_connection(PH_CONTAINER(http->connections.next, struct http_connection, link));
}
