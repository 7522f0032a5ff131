/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * forward.c: the mapped ports of forward.h; what comes in through them is in forward_tcp.c and
 * forward_udp.c.
 */
#define _GNU_SOURCE

#include "gateway/forward.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "gateway/forward_parts.h"
#include "gateway/sock.h"

#define FD_RESERVE 192 /* for the sockets of the servers, HTTP connections included */

/* Raises the limit of open files as far as allowed. Returns the first descriptor that mapped ports
 * and relays must leave alone: were they to take the last ones, connections to the servers could
 * not even be refused. */
static int raise_fd_max(void) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return INT_MAX;
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    (void)getrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur > INT_MAX)
        return INT_MAX;
    int limit = (int)files.rlim_cur;
    return limit > 2 * FD_RESERVE ? limit - FD_RESERVE : limit / 2;
}

bool ph_gw_forward_may_keep(const struct ph_gw_forward *forward, int fd) {
    if (fd < forward->fd_max)
        return true;
    close(fd);
    errno = EMFILE;
    return false;
}

struct ph_gw_forward *ph_gw_forward_new(struct ph_gw_loop *loop, const struct ph_addr *external) {
    struct ph_gw_forward *forward = calloc(1, sizeof *forward);
    if (!forward)
        return NULL;
    forward->loop = loop;
    forward->external = *external;
    ph_link_init(&forward->listeners);
    ph_link_init(&forward->busy_relays);
    ph_link_init(&forward->idle_flows);
    if (!ph_table_init(&forward->flows)) {
        free(forward);
        return NULL;
    }
    forward->fd_max = raise_fd_max();
    return forward;
}

void ph_gw_forward_free(struct ph_gw_forward *forward) {
    if (!forward)
        return;
    while (!ph_list_is_empty(&forward->listeners))
        ph_gw_forward_close(
            forward, PH_CONTAINER(forward->listeners.next, struct ph_gw_listener, in_forward));
    ph_table_done(&forward->flows);
    free(forward);
}

static int open_error(int number) {
    /* A port below 1024 may be denied to us: as good as taken. */
    bool is_taken = number == EADDRINUSE || number == EACCES;
    return is_taken ? PORTHOLE_ERR_PORT_TAKEN : PORTHOLE_ERR_NO_RESOURCES;
}

int ph_gw_forward_open(struct ph_gw_forward *forward, const struct ph_gw_facts *facts, void **ret) {
    bool is_tcp = facts->protocol == PORTHOLE_TCP;
    struct ph_endpoint at = {forward->external, facts->external_port};
    /* Mappings from the external address to itself could be chained to a circle, in which one
     * datagram goes round for ever. Whoever has that address is not behind this gateway anyway. */
    if (ph_addr_equal(&facts->client, &forward->external))
        return PORTHOLE_ERR_NO_RESOURCES;
    struct ph_gw_listener *listener = calloc(1, sizeof *listener);
    if (!listener)
        return PORTHOLE_ERR_NO_RESOURCES;
    listener->forward = forward;
    listener->port = facts->external_port;
    listener->target = (struct ph_endpoint){facts->client, facts->internal_port};
    ph_link_init(&listener->relays);
    listener->source.on_ready = is_tcp ? ph_gw_tcp_on_listener : ph_gw_udp_on_listener;
    listener->source.fd = is_tcp ? ph_gw_sock_listen(&at) : ph_gw_sock_udp(&at, false);
    if (listener->source.fd < 0 || !ph_gw_forward_may_keep(forward, listener->source.fd)) {
        int error = open_error(errno);
        free(listener);
        return error;
    }
    if (!ph_gw_loop_add(forward->loop, &listener->source, PH_GW_READ)) {
        close(listener->source.fd);
        free(listener);
        return PORTHOLE_ERR_NO_RESOURCES;
    }
    ph_link_init(&listener->in_forward);
    ph_list_append(&forward->listeners, &listener->in_forward);
    *ret = listener;
    return 0;
}

void ph_gw_forward_close(struct ph_gw_forward *forward, void *listener_pointer) {
    struct ph_gw_listener *listener = listener_pointer;
    if (listener->source.on_ready == ph_gw_tcp_on_listener)
        ph_gw_tcp_end_all(listener);
    else
        ph_gw_udp_end_all(listener);
    ph_gw_loop_close(forward->loop, &listener->source);
    ph_link_remove(&listener->in_forward);
    free(listener);
}

ph_us ph_gw_forward_deadline(const struct ph_gw_forward *forward) {
    return ph_list_is_empty(&forward->busy_relays) ? ph_gw_udp_deadline(forward) : 0;
}

void ph_gw_forward_tick(struct ph_gw_forward *forward, ph_us now) {
    ph_gw_tcp_run_busy(forward);
    ph_gw_udp_expire(forward, now);
}
