/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * server.c: the part of the gateway that its protocols share: which of them a datagram is for, and
 * how mappings are opened, renewed and ended.
 */
#include "gateway/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/server_parts.h"
#include "wire/natpmp.h"
#include "wire/pcp.h"

#define FREE_PORT_MIN 1024U /* ports below need privileges, and nobody expects to be given one */
#define REFUSALS_MAX 16U    /* ports that the open hook may find taken before we give up */

void ph_gw_config_init(struct ph_gw_config *config) {
    *config = (struct ph_gw_config){
        .pcp = true,
        .natpmp = true,
        .upnp = true,
        .behaviour = {.lease_max_s = 86400, .mappings_max = 16384, .igd_version = 2},
        .friendly_name = "porthole gateway",
        .manufacturer = "porthole",
        .model_name = "porthole gateway",
        .model_number = PORTHOLE_VERSION,
    };
}

/* A UUID that stays the same from start to start, as UDA 1.1 §1.1.4 wants it: version 8 (RFC 9562
 * §5.8), the name of the project and the address. */
static void derive_uuid(const struct ph_addr *internal, char ret[37]) {
    const uint8_t *b = internal->b + 8;
    snprintf(ret, 37, "706f7274-686f-8c65-8%02x%x-%02x%02x%02x%02x%02x%02x", b[0], b[1] & 0xfU,
             b[2], b[3], b[4], b[5], b[6], b[7]);
}

struct ph_gw_server *ph_gw_server_new(const struct ph_gw_config *config, ph_us now) {
    struct ph_gw_server *server = calloc(1, sizeof *server);
    if (!server)
        return NULL;
    server->config = *config;
    server->started = server->pcp_started = now;
    /* In the table a lease of 0 has no end: no wish may be cut down to it. */
    if (config->behaviour.lease_max_s == 0)
        server->config.behaviour.lease_max_s = 1;
    if (config->uuid[0] == '\0')
        derive_uuid(&config->internal, server->config.uuid);
    if (!ph_gw_table_init(&server->table)) {
        ph_gw_server_free(server);
        return NULL;
    }
    ph_gw_announce_begin(server, now);
    return server;
}

void ph_gw_server_free(struct ph_gw_server *server) {
    if (!server)
        return;
    while (server->table.count > 0)
        ph_gw_server_close(server, server->table.all[server->table.count - 1], PH_GW_STOPPED);
    ph_gw_table_done(&server->table);
    free(server);
}

/* ---- Mappings -------------------------------------------------------------------------------- */

uint32_t ph_gw_server_epoch_s(const struct ph_gw_server *server, ph_us now) {
    return (uint32_t)((now - server->started) / 1000000U);
}

uint32_t ph_gw_server_pcp_epoch_s(const struct ph_gw_server *server, ph_us now) {
    return (uint32_t)((now - server->pcp_started) / 1000000U);
}

uint32_t ph_gw_server_clamp_s(const struct ph_gw_server *server, uint32_t lifetime_s) {
    uint32_t max_s = server->config.behaviour.lease_max_s;
    return lifetime_s < max_s ? lifetime_s : max_s;
}

static ph_us end_of_lease(ph_us now, uint32_t lease_s) {
    return lease_s > 0 ? now + PH_SECONDS(lease_s) : PH_NEVER;
}

void ph_gw_server_renew(struct ph_gw_server *server, ph_us now, struct ph_gw_mapping *mapping,
                        uint32_t lease_s) {
    if (!ph_gw_has(server, PH_GW_QUIRK_LEASE_NOT_EXTENDED))
        ph_gw_table_set_lease(&server->table, mapping, end_of_lease(now, lease_s));
}

void ph_gw_server_close(struct ph_gw_server *server, struct ph_gw_mapping *mapping,
                        enum ph_gw_end end) {
    const struct ph_gw_hooks *hooks = &server->config.hooks;
    if (hooks->close)
        hooks->close(hooks->user, mapping, end);
    ph_gw_table_remove(&server->table, mapping);
}

/* On exactly the port in the facts. */
static int open_at(struct ph_gw_server *server, const struct ph_gw_facts *facts, ph_us ends,
                   struct ph_gw_mapping **ret) {
    const struct ph_gw_hooks *hooks = &server->config.hooks;
    if (ph_gw_table_at_external(&server->table, facts->protocol, facts->external_port))
        return PORTHOLE_ERR_PORT_TAKEN;
    struct ph_gw_mapping *mapping = ph_gw_table_add(&server->table, facts);
    if (!mapping)
        return PORTHOLE_ERR_NO_RESOURCES;
    ph_gw_table_set_lease(&server->table, mapping, ends);
    int error = hooks->open ? hooks->open(hooks->user, mapping) : 0;
    if (error < 0) {
        ph_gw_table_remove(&server->table, mapping);
        return error;
    }
    *ret = mapping;
    return 0;
}

/* From a random port upwards, so that two clients without a wish seldom meet. */
static int open_anywhere(struct ph_gw_server *server, const struct ph_gw_facts *facts, ph_us ends,
                         struct ph_gw_mapping **ret) {
    const uint32_t ports = 65536U - FREE_PORT_MIN;
    uint32_t start = ph_random_below(&server->config.random, ports);
    unsigned refusals = 0;
    for (uint32_t i = 0; i < ports && refusals < REFUSALS_MAX; i++) {
        struct ph_gw_facts here = *facts;
        here.external_port = (uint16_t)(FREE_PORT_MIN + (start + i) % ports);
        if (ph_gw_table_at_external(&server->table, here.protocol, here.external_port))
            continue;
        int error = open_at(server, &here, ends, ret);
        if (error != PORTHOLE_ERR_PORT_TAKEN)
            return error;
        refusals++;
    }
    return PORTHOLE_ERR_NO_RESOURCES;
}

int ph_gw_server_open(struct ph_gw_server *server, ph_us now, const struct ph_gw_facts *facts,
                      bool exact, uint32_t lease_s, struct ph_gw_mapping **ret) {
    struct ph_gw_facts wish = *facts;
    ph_us ends = end_of_lease(now, lease_s);
    if (server->table.count >= ph_gw_quirk_mappings_max(server))
        return PORTHOLE_ERR_NO_RESOURCES;
    /* Without a wish the port stays the same where it can: many applications assume it. */
    if (wish.external_port == 0 && wish.internal_port >= FREE_PORT_MIN)
        wish.external_port = wish.internal_port;
    int error = PORTHOLE_ERR_PORT_TAKEN;
    if (wish.external_port > 0)
        error = open_at(server, &wish, ends, ret);
    if (error == PORTHOLE_ERR_PORT_TAKEN && !exact)
        error = open_anywhere(server, &wish, ends, ret);
    return error;
}

/* ---- Time and datagrams ---------------------------------------------------------------------- */

ph_us ph_gw_server_deadline(const struct ph_gw_server *server) {
    ph_us lease = ph_heap_due(&server->table.leases);
    return lease < server->announce_at ? lease : server->announce_at;
}

void ph_gw_server_tick(struct ph_gw_server *server, ph_us now) {
    struct ph_gw_mapping *mapping;
    while ((mapping = ph_gw_table_expired(&server->table, now)) != NULL)
        ph_gw_server_close(server, mapping, PH_GW_EXPIRED);
    ph_gw_announce_tick(server, now);
}

size_t ph_gw_server_control(struct ph_gw_server *server, ph_us now, const struct ph_endpoint *from,
                            const void *bytes, size_t len, void *ret, size_t size) {
    const uint8_t *at = bytes;
    const struct ph_gw_config *config = &server->config;
    ph_gw_server_tick(server, now);
    /* The upper half of the opcodes are answers: to answer one could go on for ever (RFC 6887 §8.2,
     * RFC 6886 §3.5). */
    if (len < 2 || at[1] >= PH_NATPMP_ANSWER || from->port == 0)
        return 0;
    if (at[0] == PH_NATPMP_VERSION && config->natpmp)
        return ph_gw_natpmp_answer(server, now, from, bytes, len, ret, size);
    if (config->behaviour.silent_pcp)
        return 0;
    if (ph_gw_has(server, PH_GW_QUIRK_SHORT_REFUSAL))
        return ph_gw_natpmp_refuse_version(server, now, from, bytes, ret, size);
    if (config->pcp)
        return ph_gw_pcp_answer(server, now, from, bytes, len, ret, size);
    return config->natpmp ? ph_gw_natpmp_refuse_version(server, now, from, bytes, ret, size) : 0;
}

bool ph_gw_server_tells(const struct ph_gw_server *server) {
    return server->config.hooks.request != NULL;
}

void ph_gw_server_tell(const struct ph_gw_server *server, const struct ph_endpoint *from,
                       const char *line) {
    if (server->config.hooks.request)
        server->config.hooks.request(server->config.hooks.user, from, line);
}

/* ---- Looking in ------------------------------------------------------------------------------ */

size_t ph_gw_server_count(const struct ph_gw_server *server) { return server->table.count; }

const struct ph_gw_mapping *ph_gw_server_mapping(const struct ph_gw_server *server, size_t index) {
    return index < server->table.count ? server->table.all[index] : NULL;
}

const struct ph_gw_mapping *ph_gw_server_at_external(const struct ph_gw_server *server,
                                                     uint8_t protocol, uint16_t port) {
    return ph_gw_table_at_external(&server->table, protocol, port);
}

const struct ph_gw_config *ph_gw_server_config(const struct ph_gw_server *server) {
    return &server->config;
}
