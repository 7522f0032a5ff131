/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * forward_tcp.c: relays of TCP connections. Each direction has one buffer, which is filled only
 * when it is empty, so that a slow reader holds up the writer on the other side; the end of one
 * direction is passed on alone (half-close), and an error on one side resets the other.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/forward_parts.h"
#include "gateway/sock.h"

#define PIPE_SIZE 16384U
#define PIPE_TURNS 32U /* fillings of a buffer before other sockets have a turn */

/* One direction. */
struct tcp_pipe {
    size_t start;
    size_t len;
    bool is_ended; /* the reading side has no more */
    bool is_shut;  /* and the writing side has been told */
    uint8_t bytes[PIPE_SIZE];
};

struct tcp_relay {
    struct ph_gw_source outside;
    struct ph_gw_source inside;
    struct ph_gw_forward *forward;
    struct ph_link in_listener;
    struct ph_link busy;
    bool is_connected; /* the inside */
    struct tcp_pipe inward;
    struct tcp_pipe outward;
};

enum pipe_result { PIPE_WAITS, PIPE_BUSY, PIPE_FAILED };

static bool is_would_block(void) {
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* `reset`: the peers see an error, not an orderly end. */
static void end_relay(struct tcp_relay *relay, bool reset) {
    struct linger hard = {1, 0};
    if (reset) {
        (void)setsockopt(relay->outside.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        (void)setsockopt(relay->inside.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    }
    ph_gw_loop_close(relay->forward->loop, &relay->outside);
    ph_gw_loop_close(relay->forward->loop, &relay->inside);
    ph_link_remove(&relay->in_listener);
    ph_link_remove(&relay->busy);
    relay->forward->relay_count--;
    free(relay);
}

/* Reads when the buffer is empty. False: nothing came, for now or for ever. */
static bool fill_pipe(struct tcp_pipe *pipe, int from, enum pipe_result *ret) {
    if (pipe->len > 0)
        return true;
    if (pipe->is_ended)
        return false;
    ssize_t n = recv(from, pipe->bytes, sizeof pipe->bytes, 0);
    if (n < 0 && !is_would_block())
        *ret = PIPE_FAILED;
    if (n == 0)
        pipe->is_ended = true;
    pipe->start = 0;
    pipe->len = n > 0 ? (size_t)n : 0;
    return n > 0;
}

/* Writes what the buffer has. False: it did not all go. */
static bool drain_pipe(struct tcp_pipe *pipe, int to, enum pipe_result *ret) {
    ssize_t n = send(to, pipe->bytes + pipe->start, pipe->len, MSG_NOSIGNAL);
    if (n < 0) {
        if (!is_would_block())
            *ret = PIPE_FAILED;
        return false;
    }
    pipe->start += (size_t)n;
    pipe->len -= (size_t)n;
    return pipe->len == 0;
}

static enum pipe_result run_pipe(struct tcp_pipe *pipe, int from, int to) {
    enum pipe_result result = PIPE_WAITS;
    unsigned turns = 0;
    while (turns < PIPE_TURNS && fill_pipe(pipe, from, &result) && drain_pipe(pipe, to, &result))
        turns++;
    if (pipe->is_ended && pipe->len == 0 && !pipe->is_shut) {
        (void)shutdown(to, SHUT_WR);
        pipe->is_shut = true;
    }
    return turns == PIPE_TURNS ? PIPE_BUSY : result;
}

static void run_relay(struct tcp_relay *relay) {
    ph_link_remove(&relay->busy);
    enum pipe_result inward = run_pipe(&relay->inward, relay->outside.fd, relay->inside.fd);
    enum pipe_result outward = run_pipe(&relay->outward, relay->inside.fd, relay->outside.fd);
    if (inward == PIPE_FAILED || outward == PIPE_FAILED)
        end_relay(relay, true);
    else if (relay->inward.is_shut && relay->outward.is_shut)
        end_relay(relay, false);
    else if (inward == PIPE_BUSY || outward == PIPE_BUSY)
        ph_list_append(&relay->forward->busy_relays, &relay->busy);
}

static void on_outside(struct ph_gw_source *source, ph_us now, bool failed) {
    struct tcp_relay *relay = PH_CONTAINER(source, struct tcp_relay, outside);
    (void)now;
    if (failed)
        end_relay(relay, true);
    else if (relay->is_connected)
        run_relay(relay);
}

static void on_inside(struct ph_gw_source *source, ph_us now, bool failed) {
    struct tcp_relay *relay = PH_CONTAINER(source, struct tcp_relay, inside);
    (void)now;
    relay->is_connected = true; /* the first news is that of the connection */
    if (failed)
        end_relay(relay, true);
    else
        run_relay(relay);
}

/* A refusal as the peer would see it from the client's own host. */
static void refuse_connection(int fd) {
    struct linger hard = {1, 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(fd);
}

/* Owns both descriptors, also when it fails. */
static void start_relay(struct ph_gw_listener *listener, int outside, int inside) {
    struct ph_gw_forward *forward = listener->forward;
    struct tcp_relay *relay = calloc(1, sizeof *relay);
    if (!relay) {
        refuse_connection(outside);
        refuse_connection(inside);
        return;
    }
    relay->forward = forward;
    relay->outside = (struct ph_gw_source){outside, on_outside};
    relay->inside = (struct ph_gw_source){inside, on_inside};
    ph_link_init(&relay->in_listener);
    ph_link_init(&relay->busy);
    ph_list_append(&listener->relays, &relay->in_listener);
    forward->relay_count++;
    if (!ph_gw_loop_add(forward->loop, &relay->outside, PH_GW_EDGES) ||
        !ph_gw_loop_add(forward->loop, &relay->inside, PH_GW_EDGES))
        end_relay(relay, true);
}

/* False: no connection waits. */
static bool accept_one(struct ph_gw_listener *listener) {
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof address;
    int outside = accept4(listener->source.fd, (struct sockaddr *)&address, &len,
                          SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (outside < 0)
        return errno == ECONNABORTED || errno == EINTR;
    struct ph_endpoint peer = ph_gw_sock_decode(&address);
    int inside = -1;
    if (listener->forward->relay_count < PH_GW_TCP_RELAYS_MAX)
        inside = ph_gw_sock_connect(SOCK_STREAM, &listener->target, &peer.addr);
    if (inside < 0 || !ph_gw_forward_may_keep(listener->forward, inside))
        refuse_connection(outside);
    else
        start_relay(listener, outside, inside);
    return true;
}

void ph_gw_tcp_on_listener(struct ph_gw_source *source, ph_us now, bool failed) {
    struct ph_gw_listener *listener = PH_CONTAINER(source, struct ph_gw_listener, source);
    (void)now;
    (void)failed;
    for (unsigned i = 0; i < PH_GW_BURST_MAX && accept_one(listener); i++)
        continue;
}

void ph_gw_tcp_end_all(struct ph_gw_listener *listener) {
    while (!ph_list_is_empty(&listener->relays))
        end_relay(PH_CONTAINER(listener->relays.next, struct tcp_relay, in_listener), true);
}

/* Each of those that are busy now has one turn; they may queue up again behind. */
void ph_gw_tcp_run_busy(struct ph_gw_forward *forward) {
    unsigned turns = forward->relay_count;
    while (turns-- > 0 && !ph_list_is_empty(&forward->busy_relays))
        run_relay(PH_CONTAINER(forward->busy_relays.next, struct tcp_relay, busy));
}
