/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * server_parts.h: what the files of the sans-IO gateway share among themselves; nobody else
 * includes it. server.c opens and closes mappings, each protocol's file speaks its language and
 * decides by that protocol's rules.
 */
#ifndef PH_GATEWAY_SERVER_PARTS_H
#define PH_GATEWAY_SERVER_PARTS_H

#include "gateway/server.h"
#include "gateway/table.h"

struct ph_gw_server {
    struct ph_gw_config config;
    struct ph_gw_table table;
    ph_us started;
    ph_us pcp_started;    /* or renumbered */
    ph_us announce_at;    /* the next time; PH_NEVER = all is said */
    unsigned announced;   /* so often */
    unsigned index_calls; /* GetGenericPortMappingEntry so far */
};

/* ---- server.c -------------------------------------------------------------------------------- */

/* Seconds since the start: the epoch of NAT-PMP (RFC 6886 §3.6) and of PCP (RFC 6887 §8.5), which
 * a new external address starts too. */
uint32_t ph_gw_server_epoch_s(const struct ph_gw_server *server, ph_us now);
uint32_t ph_gw_server_pcp_epoch_s(const struct ph_gw_server *server, ph_us now);

/* Makes a mapping. facts->external_port is a wish, 0 = none; when it is taken, another one is
 * given unless `exact`. lease_s 0 = without end. Returns 0, PORT_TAKEN (only with `exact`),
 * NO_RESOURCES, or what the open hook refused with. */
int ph_gw_server_open(struct ph_gw_server *server, ph_us now, const struct ph_gw_facts *facts,
                      bool exact, uint32_t lease_s, struct ph_gw_mapping **ret);
void ph_gw_server_renew(struct ph_gw_server *server, ph_us now, struct ph_gw_mapping *mapping,
                        uint32_t lease_s);
void ph_gw_server_close(struct ph_gw_server *server, struct ph_gw_mapping *mapping,
                        enum ph_gw_end end);
/* A wished lifetime within the gateway's limit. */
uint32_t ph_gw_server_clamp_s(const struct ph_gw_server *server, uint32_t lifetime_s);

/* Whether anybody listens to ph_gw_server_tell(); lines need not be made otherwise. */
bool ph_gw_server_tells(const struct ph_gw_server *server);
void ph_gw_server_tell(const struct ph_gw_server *server, const struct ph_endpoint *from,
                       const char *line);

/* ---- pcp_server.c, natpmp_server.c ----------------------------------------------------------- */

size_t ph_gw_pcp_answer(struct ph_gw_server *server, ph_us now, const struct ph_endpoint *from,
                        const void *bytes, size_t len, void *ret, size_t size);
size_t ph_gw_natpmp_answer(struct ph_gw_server *server, ph_us now, const struct ph_endpoint *from,
                           const void *bytes, size_t len, void *ret, size_t size);
/* What a NAT-PMP server says to a version that it does not know: 8 bytes (RFC 6886 §3.5). */
size_t ph_gw_natpmp_refuse_version(struct ph_gw_server *server, ph_us now,
                                   const struct ph_endpoint *from, const void *bytes, void *ret,
                                   size_t size);

/* ---- announce.c, ssdp_server.c --------------------------------------------------------------- */

void ph_gw_announce_begin(struct ph_gw_server *server, ph_us now);
void ph_gw_announce_tick(struct ph_gw_server *server, ph_us now);
/* "ssdp:alive" or "ssdp:byebye" of all devices and services, by the announce hook. */
void ph_gw_ssdp_notify(struct ph_gw_server *server, const char *notify);

/* ---- quirks.c -------------------------------------------------------------------------------- */

bool ph_gw_has(const struct ph_gw_server *server, enum ph_gw_quirk quirk);
struct ph_addr ph_gw_quirk_external(const struct ph_gw_server *server);
uint32_t ph_gw_quirk_mappings_max(const struct ph_gw_server *server);
bool ph_gw_quirk_ignores_search(const struct ph_gw_server *server, struct ph_span datagram,
                                struct ph_span target);
/* Of AddPortMapping: an errorCode, or 0. */
unsigned ph_gw_quirk_add_fault(const struct ph_gw_server *server, const struct ph_gw_facts *facts,
                               uint32_t lease_s);
/* A status without a fault, or 0. */
unsigned ph_gw_quirk_refuses_post(const struct ph_gw_server *server,
                                  const struct ph_http_message *request);
/* An XML text with attributes and blanks wherever they may be. The bytes, or TOO_LARGE. */
int ph_gw_quirk_odd_spacing(struct ph_span body, void *ret, size_t size);

#endif
