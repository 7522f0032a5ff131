/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * natpmp_server.c: the gateway's NAT-PMP (RFC 6886): the external address, mappings and their
 * deletion. It has no nonces: a mapping belongs to whoever has its client's address.
 */
#include "wire/natpmp.h"

#include <stdio.h>

#include "gateway/server_parts.h"

#define PROVIDER_PORT_MIN 32768U

static uint8_t protocol_of(uint8_t opcode) {
    return opcode == PH_NATPMP_MAP_TCP ? PORTHOLE_TCP : PORTHOLE_UDP;
}

/* §3.4: all mappings of one protocol that this client made. Goes backwards, because removing one
 * moves the last into its place. */
static void forget_client(struct ph_gw_server *server, const struct ph_addr *client,
                          uint8_t protocol) {
    for (size_t i = server->table.count; i-- > 0;) {
        const struct ph_gw_facts *facts = &server->table.all[i]->facts;
        if (facts->made_by == PORTHOLE_NATPMP && facts->protocol == protocol &&
            ph_addr_equal(&facts->client, client))
            ph_gw_server_close(server, server->table.all[i], PH_GW_REMOVED);
    }
}

/* §3.4: lifetime 0. To delete what is not there succeeds. */
static void delete_mapping(struct ph_gw_server *server, const struct ph_addr *client,
                           const struct ph_natpmp_request *request) {
    uint8_t protocol = protocol_of(request->opcode);
    if (request->internal_port == 0)
        forget_client(server, client, protocol);
    struct ph_gw_mapping *mapping = ph_gw_table_of_client(&server->table, PORTHOLE_NATPMP, client,
                                                          protocol, request->internal_port);
    if (mapping)
        ph_gw_server_close(server, mapping, PH_GW_REMOVED);
}

/* Of a provider, which knows no wishes: for this client and internal port, at this time. */
static uint16_t provider_port(const struct ph_gw_server *server, ph_us now,
                              const struct ph_gw_facts *facts) {
    uint64_t period_s = UINT64_C(2) * server->config.behaviour.lease_max_s;
    struct ph_seeded chance = {.state = ph_gw_server_epoch_s(server, now) / period_s};
    const struct ph_random source = {.fill = ph_seeded_fill, .user = &chance};
    for (size_t i = 0; i < sizeof facts->client.b; i++)
        chance.state = chance.state * 0x100000001b3U + facts->client.b[i];
    chance.state ^= (uint64_t)facts->internal_port << 32;
    return (uint16_t)(PROVIDER_PORT_MIN + ph_random_below(&source, 65536U - PROVIDER_PORT_MIN));
}

/* §3.3. The answer's port is the one that is mapped, whatever was wished for. */
static enum ph_natpmp_result make_mapping(struct ph_gw_server *server, ph_us now,
                                          const struct ph_addr *client,
                                          const struct ph_natpmp_request *request,
                                          struct ph_natpmp_response *response) {
    struct ph_gw_facts facts = {.made_by = PORTHOLE_NATPMP,
                                .protocol = protocol_of(request->opcode),
                                .internal_port = request->internal_port,
                                .external_port = request->external_port,
                                .client = *client};
    uint32_t lease_s = ph_gw_server_clamp_s(server, request->lifetime_s);
    struct ph_gw_mapping *mapping = ph_gw_table_of_client(&server->table, PORTHOLE_NATPMP, client,
                                                          facts.protocol, facts.internal_port);
    if (facts.internal_port == 0)
        return PH_NATPMP_NOT_AUTHORIZED;
    if (ph_gw_has(server, PH_GW_QUIRK_PROVIDER_PORT)) {
        facts.external_port = provider_port(server, now, &facts);
        if (mapping && mapping->facts.external_port != facts.external_port) {
            ph_gw_server_close(server, mapping, PH_GW_REMOVED);
            mapping = NULL;
        }
    }
    if (mapping)
        ph_gw_server_renew(server, now, mapping, lease_s);
    else if (ph_gw_server_open(server, now, &facts, false, lease_s, &mapping) < 0)
        return PH_NATPMP_OUT_OF_RESOURCES;
    response->external_port = mapping->facts.external_port;
    response->lifetime_s = ph_gw_has(server, PH_GW_QUIRK_LEASE_NOT_EXTENDED)
                               ? ph_gw_mapping_left_s(mapping, now)
                               : lease_s;
    return PH_NATPMP_SUCCESS;
}

static enum ph_natpmp_result obey_natpmp(struct ph_gw_server *server, ph_us now,
                                         const struct ph_addr *client,
                                         const struct ph_natpmp_request *request,
                                         struct ph_natpmp_response *response) {
    if (request->opcode == PH_NATPMP_ADDRESS) {
        response->external_addr = ph_gw_quirk_external(server);
        /* §3.5: what NETWORK_FAILURE is for; an IPv6 address has no room in the answer. */
        return ph_addr_is_v4(&server->config.external) ? PH_NATPMP_SUCCESS
                                                       : PH_NATPMP_NETWORK_FAILURE;
    }
    if (request->opcode != PH_NATPMP_MAP_UDP && request->opcode != PH_NATPMP_MAP_TCP)
        return PH_NATPMP_UNSUPP_OPCODE;
    response->internal_port = request->internal_port;
    if (request->lifetime_s > 0)
        return make_mapping(server, now, client, request, response);
    delete_mapping(server, client, request);
    return PH_NATPMP_SUCCESS;
}

static void tell_natpmp(const struct ph_gw_server *server, const struct ph_endpoint *from,
                        const struct ph_natpmp_response *response) {
    char line[160];
    const char *result = ph_natpmp_result_name(response->result);
    const char *protocol = porthole_protocol_name(protocol_of(response->opcode));
    if (!ph_gw_server_tells(server))
        return;
    if (response->result == PH_NATPMP_UNSUPP_VERSION || response->opcode == PH_NATPMP_ADDRESS ||
        response->opcode > PH_NATPMP_MAP_TCP)
        snprintf(line, sizeof line, "natpmp opcode %u: %s", response->opcode, result);
    else if (response->lifetime_s == 0)
        snprintf(line, sizeof line, "natpmp %s %s %u: %s",
                 response->result == PH_NATPMP_SUCCESS ? "delete" : "map", protocol,
                 response->internal_port, result);
    else
        snprintf(line, sizeof line, "natpmp map %s %u -> %u for %u s: %s", protocol,
                 response->external_port, response->internal_port, (unsigned)response->lifetime_s,
                 result);
    ph_gw_server_tell(server, from, line);
}

static size_t finish_natpmp(const struct ph_gw_server *server, const struct ph_endpoint *from,
                            const struct ph_natpmp_response *response, void *ret, size_t size) {
    tell_natpmp(server, from, response);
    int n = ph_natpmp_encode_response(response, ret, size);
    return n > 0 ? (size_t)n : 0;
}

size_t ph_gw_natpmp_answer(struct ph_gw_server *server, ph_us now, const struct ph_endpoint *from,
                           const void *bytes, size_t len, void *ret, size_t size) {
    struct ph_natpmp_request request;
    struct ph_natpmp_response response = {.epoch_s = ph_gw_server_epoch_s(server, now)};
    /* The RFC has no result code for a request that is cut short. */
    if (ph_natpmp_decode_request(bytes, len, &request) < 0)
        return 0;
    response.opcode = request.opcode;
    response.result = (uint16_t)obey_natpmp(server, now, &from->addr, &request, &response);
    return finish_natpmp(server, from, &response, ret, size);
}

size_t ph_gw_natpmp_refuse_version(struct ph_gw_server *server, ph_us now,
                                   const struct ph_endpoint *from, const void *bytes, void *ret,
                                   size_t size) {
    struct ph_natpmp_response response = {.opcode = ((const uint8_t *)bytes)[1],
                                          .result = PH_NATPMP_UNSUPP_VERSION,
                                          .epoch_s = ph_gw_server_epoch_s(server, now)};
    return finish_natpmp(server, from, &response, ret, size);
}
