/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * forward_parts.h: what the files of the forwarder share among themselves; nobody else includes it.
 */
#ifndef PH_GATEWAY_FORWARD_PARTS_H
#define PH_GATEWAY_FORWARD_PARTS_H

#include "base/list.h"
#include "base/table.h"
#include "gateway/forward.h"

#define PH_GW_TCP_RELAYS_MAX 1024U     /* two sockets and 32 KiB each */
#define PH_GW_UDP_FLOWS_MAX 1024U      /* one socket each; the one idle for longest makes room */
#define PH_GW_UDP_IDLE PH_SECONDS(120) /* RFC 4787 §4.3: at least that long */
#define PH_GW_BURST_MAX 64U /* datagrams or connections of one socket before others have a turn */
#define PH_GW_DATAGRAM_SIZE 65536U

struct ph_gw_forward {
    struct ph_gw_loop *loop;
    struct ph_addr external;
    int fd_max; /* descriptors from here on are left to the gateway's own sockets */
    struct ph_link listeners;
    struct ph_link busy_relays; /* could go on at once, but others had to have a turn */
    unsigned relay_count;
    struct ph_table flows;     /* by listener and peer */
    struct ph_link idle_flows; /* all flows, the one idle for longest first */
    uint8_t datagram[PH_GW_DATAGRAM_SIZE];
};

/* An open port. */
struct ph_gw_listener {
    struct ph_gw_source source;
    struct ph_gw_forward *forward;
    struct ph_link in_forward;
    uint16_t port;
    struct ph_endpoint target;
    struct ph_link relays; /* TCP connections or UDP flows */
};

/* False, and the descriptor is closed: too many are open. */
bool ph_gw_forward_may_keep(const struct ph_gw_forward *forward, int fd);

/* ---- forward_tcp.c --------------------------------------------------------------------------- */

void ph_gw_tcp_on_listener(struct ph_gw_source *source, ph_us now, bool failed);
void ph_gw_tcp_end_all(struct ph_gw_listener *listener);
void ph_gw_tcp_run_busy(struct ph_gw_forward *forward);

/* ---- forward_udp.c --------------------------------------------------------------------------- */

void ph_gw_udp_on_listener(struct ph_gw_source *source, ph_us now, bool failed);
void ph_gw_udp_end_all(struct ph_gw_listener *listener);
ph_us ph_gw_udp_deadline(const struct ph_gw_forward *forward);
void ph_gw_udp_expire(struct ph_gw_forward *forward, ph_us now);

#endif
