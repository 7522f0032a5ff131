/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * forward_udp.c: relays of UDP datagrams. Every peer that sends to a mapped port gets a flow, with
 * a socket of its own towards the client, so that answers find their way back. A flow that has
 * been idle for two minutes ends.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/forward_parts.h"
#include "gateway/sock.h"

struct udp_flow {
    struct ph_gw_source source; /* towards the client */
    struct ph_gw_listener *listener;
    struct ph_endpoint peer;
    struct ph_node node;
    struct ph_link in_listener;
    struct ph_link idle;
    ph_us used;
};

/* Different for all IPv4 peers; a match is always checked in full. */
static uint64_t flow_key(const struct ph_gw_listener *listener, const struct ph_endpoint *peer) {
    uint64_t key = listener->port;
    for (size_t i = 12; i < 16; i++)
        key = key << 8 | peer->addr.b[i];
    return key << 16 | peer->port;
}

static void end_flow(struct udp_flow *flow) {
    struct ph_gw_forward *forward = flow->listener->forward;
    ph_gw_loop_close(forward->loop, &flow->source);
    ph_table_remove(&forward->flows, &flow->node);
    ph_link_remove(&flow->in_listener);
    ph_link_remove(&flow->idle);
    free(flow);
}

static void use_flow(struct udp_flow *flow, ph_us now) {
    flow->used = now;
    ph_link_remove(&flow->idle);
    ph_list_append(&flow->listener->forward->idle_flows, &flow->idle);
}

static struct udp_flow *oldest_flow(const struct ph_gw_forward *forward) {
    if (ph_list_is_empty(&forward->idle_flows))
        return NULL;
    return PH_CONTAINER(forward->idle_flows.next, struct udp_flow, idle);
}

/* What the client says goes back to the peer, from the mapped port. */
static void on_flow(struct ph_gw_source *source, ph_us now, bool failed) {
    struct udp_flow *flow = PH_CONTAINER(source, struct udp_flow, source);
    struct ph_gw_forward *forward = flow->listener->forward;
    struct sockaddr_storage address;
    socklen_t len = ph_gw_sock_encode(&flow->peer, &address);
    (void)failed; /* an ICMP error, as when nobody listens there: recv takes it away */
    for (unsigned i = 0; i < PH_GW_BURST_MAX; i++) {
        ssize_t n = recv(source->fd, forward->datagram, sizeof forward->datagram, 0);
        if (n < 0)
            break;
        (void)sendto(flow->listener->source.fd, forward->datagram, (size_t)n, MSG_NOSIGNAL,
                     (struct sockaddr *)&address, len);
    }
    use_flow(flow, now);
}

static struct udp_flow *find_flow(const struct ph_gw_listener *listener,
                                  const struct ph_endpoint *peer) {
    struct ph_node *node = ph_table_find(&listener->forward->flows, flow_key(listener, peer));
    for (; node; node = ph_table_find_next(node)) {
        struct udp_flow *flow = PH_CONTAINER(node, struct udp_flow, node);
        if (flow->listener == listener && ph_endpoint_equal(&flow->peer, peer))
            return flow;
    }
    return NULL;
}

/* NULL: the system refused. */
static struct udp_flow *start_flow(struct ph_gw_listener *listener,
                                   const struct ph_endpoint *peer) {
    struct ph_gw_forward *forward = listener->forward;
    if (forward->flows.count >= PH_GW_UDP_FLOWS_MAX)
        end_flow(oldest_flow(forward));
    struct udp_flow *flow = calloc(1, sizeof *flow);
    if (!flow)
        return NULL;
    flow->listener = listener;
    flow->peer = *peer;
    flow->source.on_ready = on_flow;
    flow->source.fd = ph_gw_sock_connect(SOCK_DGRAM, &listener->target, &peer->addr);
    if (flow->source.fd < 0 || !ph_gw_forward_may_keep(forward, flow->source.fd)) {
        free(flow);
        return NULL;
    }
    if (!ph_gw_loop_add(forward->loop, &flow->source, PH_GW_READ)) {
        close(flow->source.fd);
        free(flow);
        return NULL;
    }
    ph_table_add(&forward->flows, &flow->node, flow_key(listener, peer));
    ph_link_init(&flow->in_listener);
    ph_link_init(&flow->idle);
    ph_list_append(&listener->relays, &flow->in_listener);
    return flow;
}

/* False: nothing waits. */
static bool take_datagram(struct ph_gw_listener *listener, ph_us now) {
    struct ph_gw_forward *forward = listener->forward;
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof address;
    ssize_t n = recvfrom(listener->source.fd, forward->datagram, sizeof forward->datagram, 0,
                         (struct sockaddr *)&address, &len);
    if (n < 0)
        return errno != EAGAIN && errno != EWOULDBLOCK;
    struct ph_endpoint peer = ph_gw_sock_decode(&address);
    struct udp_flow *flow = find_flow(listener, &peer);
    if (!flow)
        flow = start_flow(listener, &peer);
    if (!flow)
        return true;
    use_flow(flow, now);
    /* An ICMP error about an earlier datagram is reported here once, instead of sending: again. */
    for (unsigned i = 0; i < 2; i++)
        if (send(flow->source.fd, forward->datagram, (size_t)n, MSG_NOSIGNAL) >= 0 ||
            errno != ECONNREFUSED)
            break;
    return true;
}

void ph_gw_udp_on_listener(struct ph_gw_source *source, ph_us now, bool failed) {
    struct ph_gw_listener *listener = PH_CONTAINER(source, struct ph_gw_listener, source);
    (void)failed;
    for (unsigned i = 0; i < PH_GW_BURST_MAX && take_datagram(listener, now); i++)
        continue;
}

void ph_gw_udp_end_all(struct ph_gw_listener *listener) {
    while (!ph_list_is_empty(&listener->relays))
        end_flow(PH_CONTAINER(listener->relays.next, struct udp_flow, in_listener));
}

ph_us ph_gw_udp_deadline(const struct ph_gw_forward *forward) {
    const struct udp_flow *oldest = oldest_flow(forward);
    return oldest ? oldest->used + PH_GW_UDP_IDLE : PH_NEVER;
}

void ph_gw_udp_expire(struct ph_gw_forward *forward, ph_us now) {
    while (ph_gw_udp_deadline(forward) <= now)
        end_flow(oldest_flow(forward));
}
