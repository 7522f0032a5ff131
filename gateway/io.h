/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * io.h: the gateway on real sockets: port 5351/udp for PCP and NAT-PMP, 1900/udp for SSDP, a TCP
 * port for UPnP, and the user-space forwarder behind them, in one loop and one thread. It needs no
 * privileges on loopback addresses. All decisions are server.h's.
 */
#ifndef PH_GATEWAY_IO_H
#define PH_GATEWAY_IO_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/server.h"

enum ph_gw_event_type {
    PH_GW_EVENT_REQUEST, /* from, text; only with report_requests */
    PH_GW_EVENT_OPENED,  /* mapping, lifetime_s */
    PH_GW_EVENT_CLOSED   /* mapping, end */
};

struct ph_gw_event {
    enum ph_gw_event_type type;
    const struct ph_endpoint *from;
    const char *text; /* printable ASCII */
    const struct ph_gw_mapping *mapping;
    uint32_t lifetime_s; /* 0 = without end */
    enum ph_gw_end end;
};

struct ph_gw_io_config {
    /* Addresses, methods, behaviour, names. http_port 0 = any free one. boot_id 0 = the time of
     * day. A random source is chosen when it has none; its hooks must be empty. */
    struct ph_gw_config server;
    struct ph_addr listen_external; /* where mapped ports are opened; none = server.external */
    /* A client, or 224.0.0.1, which is for all of the network that `server.internal` is in: told of
     * the start and the end, unasked. None = nobody is. */
    struct ph_addr announce_to;
    bool forward;          /* open the mapped ports and relay; else mappings exist in name only */
    unsigned loss_percent; /* of the datagrams to and from 5351 and 1900, each way, dropped */
    uint64_t seed;         /* of the loss */
    bool report_requests;  /* make an event of each */
    /* Called for what happens, on the loop's thread; may be NULL. It must not call back. */
    void (*on_event)(void *user, const struct ph_gw_event *event);
    void *user;
};

/* ph_gw_config_init() with the internal address 127.77.0.1, the external one 127.77.1.1, and
 * forwarding. */
void ph_gw_io_config_init(struct ph_gw_io_config *config);

struct ph_gw_io;

#define PH_GW_PROBLEM_SIZE 160U

/* Binds all sockets, so that a client may ask as soon as it returns. When it forwards, the
 * process's limit of open files is raised as far as allowed: every mapping is a socket. Errors:
 * INVALID, SYSTEM, NO_MEMORY; ret_problem (may be NULL) then says in words what failed. */
int ph_gw_io_new(const struct ph_gw_io_config *config, struct ph_gw_io **ret,
                 char ret_problem[PH_GW_PROBLEM_SIZE]);
/* Serves until stop_fd is readable or closed at its other end; -1 = for ever. 0, or SYSTEM. */
int ph_gw_io_run(struct ph_gw_io *io, int stop_fd);
/* Ends all mappings and relays and closes all sockets; NULL is a no-op. */
void ph_gw_io_free(struct ph_gw_io *io);

/* Where UPnP is served; 0 when it is off. */
uint16_t ph_gw_io_http_port(const struct ph_gw_io *io);

#endif
