/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * announce.c: what the gateway tells unasked, for clients that keep mappings: that it has started,
 * and that its external address is another one. By PCP's ANNOUNCE (RFC 6887 §14.1) and NAT-PMP's
 * address announcement (RFC 6886 §3.2.1) to port 5350, by SSDP to port 1900. Where these go is the
 * owner's affair.
 */
#include "gateway/server_parts.h"
#include "wire/natpmp.h"
#include "wire/pcp.h"

/* RFC 6886 §3.2.1 and RFC 6887 §14.1.1: ten times, after 250 ms, 500 ms, 1 s, ... */
#define ANNOUNCEMENTS 10U
#define FIRST_GAP PH_MS(250)

static void announce_pcp(struct ph_gw_server *server, ph_us now) {
    struct ph_pcp_response response = {.version = PH_PCP_VERSION,
                                       .opcode = PH_PCP_ANNOUNCE,
                                       .epoch_s = ph_gw_server_pcp_epoch_s(server, now)};
    uint8_t bytes[PH_PCP_SIZE_MAX];
    int n = ph_pcp_encode_response(&response, bytes, sizeof bytes);
    if (n > 0)
        server->config.hooks.announce(server->config.hooks.user, PH_PCP_CLIENT_PORT, bytes,
                                      (size_t)n);
}

static void announce_natpmp(struct ph_gw_server *server, ph_us now) {
    struct ph_natpmp_response response = {.opcode = PH_NATPMP_ADDRESS,
                                          .epoch_s = ph_gw_server_epoch_s(server, now),
                                          .external_addr = server->config.external};
    uint8_t bytes[PH_NATPMP_SIZE_MAX];
    int n = ph_natpmp_encode_response(&response, bytes, sizeof bytes);
    if (n > 0)
        server->config.hooks.announce(server->config.hooks.user, PH_PCP_CLIENT_PORT, bytes,
                                      (size_t)n);
}

void ph_gw_announce_begin(struct ph_gw_server *server, ph_us now) {
    server->announce_at = server->config.hooks.announce ? now : PH_NEVER;
    server->announced = 0;
}

void ph_gw_announce_tick(struct ph_gw_server *server, ph_us now) {
    if (now < server->announce_at)
        return;
    const struct ph_gw_config *config = &server->config;
    if (config->pcp && !config->behaviour.silent_pcp)
        announce_pcp(server, now);
    if (config->natpmp && ph_addr_is_v4(&config->external))
        announce_natpmp(server, now);
    /* UDA 1.1 §1.2.2: each more than once, since datagrams get lost. */
    if (server->announced < 2)
        ph_gw_ssdp_notify(server, "ssdp:alive");
    server->announce_at = now + (FIRST_GAP << server->announced);
    if (++server->announced == ANNOUNCEMENTS)
        server->announce_at = PH_NEVER;
}

void ph_gw_server_farewell(struct ph_gw_server *server) {
    if (server->config.hooks.announce)
        ph_gw_ssdp_notify(server, "ssdp:byebye");
}

void ph_gw_server_renumber(struct ph_gw_server *server, ph_us now, const struct ph_addr *external) {
    server->config.external = *external;
    /* RFC 6887 §8.5: a new external address is a new epoch; RFC 6886 §3.6 names no such thing. */
    server->pcp_started = now;
    ph_gw_announce_begin(server, now);
}
