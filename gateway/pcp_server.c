/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * pcp_server.c: the gateway's PCP (RFC 6887): ANNOUNCE and MAP of TCP and UDP ports. Mappings are
 * guarded by their nonce (the Simple Threat Model, §18.1). PEER, other protocols, and the options
 * THIRD_PARTY and FILTER are refused as the RFC asks of servers that lack them.
 */
#include "wire/pcp.h"

#include <stdio.h>
#include <string.h>

#include "gateway/server_parts.h"

/* How long an error is expected to stay, §7.4. */
#define SHORT_ERROR_S 30U
#define LONG_ERROR_S 1800U

static uint32_t error_lifetime_s(enum ph_pcp_result result) {
    bool is_short = result == PH_PCP_NETWORK_FAILURE || result == PH_PCP_NO_RESOURCES ||
                    result == PH_PCP_USER_EX_QUOTA || result == PH_PCP_CANNOT_PROVIDE_EXTERNAL;
    return is_short ? SHORT_ERROR_S : LONG_ERROR_S;
}

static bool owns_map(const struct ph_gw_mapping *mapping, const struct ph_pcp_request *request) {
    return memcmp(mapping->facts.nonce, request->map.nonce, PH_GW_NONCE_SIZE) == 0;
}

/* All of this client's mappings that have its nonce; protocol 0 stands for all protocols. Goes
 * backwards, because removing one moves the last into its place. */
static void delete_all(struct ph_gw_server *server, const struct ph_pcp_request *request) {
    for (size_t i = server->table.count; i-- > 0;) {
        struct ph_gw_mapping *mapping = server->table.all[i];
        if (mapping->facts.made_by == PORTHOLE_PCP && owns_map(mapping, request) &&
            ph_addr_equal(&mapping->facts.client, &request->client_addr) &&
            (request->map.protocol == 0 || request->map.protocol == mapping->facts.protocol))
            ph_gw_server_close(server, mapping, PH_GW_REMOVED);
    }
}

static enum ph_pcp_result renew_map(struct ph_gw_server *server, ph_us now,
                                    struct ph_gw_mapping *mapping,
                                    const struct ph_pcp_request *request) {
    uint16_t wish = request->map.external_port;
    bool is_delete = request->lifetime_s == 0;
    /* A shorter lease is no renewal. */
    bool is_renewal = !is_delete && request->lifetime_s >= ph_gw_mapping_left_s(mapping, now);
    if ((is_delete && ph_gw_has(server, PH_GW_QUIRK_PCP_NO_DELETE)) ||
        (is_renewal && ph_gw_has(server, PH_GW_QUIRK_PCP_NO_RENEWAL)))
        return PH_PCP_NO_RESOURCES;
    if (is_delete) {
        ph_gw_server_close(server, mapping, PH_GW_REMOVED);
        return PH_PCP_SUCCESS;
    }
    if (request->prefer_failure && wish != 0 && wish != mapping->facts.external_port)
        return PH_PCP_CANNOT_PROVIDE_EXTERNAL;
    ph_gw_server_renew(server, now, mapping, ph_gw_server_clamp_s(server, request->lifetime_s));
    return PH_PCP_SUCCESS;
}

static enum ph_pcp_result create_map(struct ph_gw_server *server, ph_us now,
                                     const struct ph_pcp_request *request,
                                     struct ph_gw_mapping **ret) {
    const struct ph_pcp_map *map = &request->map;
    struct ph_gw_facts facts = {.made_by = PORTHOLE_PCP,
                                .protocol = map->protocol,
                                .internal_port = map->internal_port,
                                .external_port = map->external_port,
                                .client = request->client_addr};
    memcpy(facts.nonce, map->nonce, sizeof facts.nonce);
    bool exact = request->prefer_failure && map->external_port != 0;
    if (ph_gw_has(server, PH_GW_QUIRK_PCP_NO_RESOURCES))
        return PH_PCP_NO_RESOURCES;
    int error = ph_gw_server_open(server, now, &facts, exact,
                                  ph_gw_server_clamp_s(server, request->lifetime_s), ret);
    if (error == PORTHOLE_ERR_PORT_TAKEN)
        return PH_PCP_CANNOT_PROVIDE_EXTERNAL;
    return error < 0 ? PH_PCP_NO_RESOURCES : PH_PCP_SUCCESS;
}

/* §11.3. *ret_mapping is the mapping that the answer is about, also one of a refusal. */
static enum ph_pcp_result do_map(struct ph_gw_server *server, ph_us now,
                                 const struct ph_pcp_request *request,
                                 struct ph_gw_mapping **ret_mapping) {
    const struct ph_pcp_map *map = &request->map;
    bool is_delete = request->lifetime_s == 0;
    if (is_delete && (map->protocol == 0 || map->internal_port == 0)) {
        delete_all(server, request);
        return PH_PCP_SUCCESS;
    }
    if ((map->protocol != PORTHOLE_TCP && map->protocol != PORTHOLE_UDP) || map->internal_port == 0)
        return PH_PCP_UNSUPP_PROTOCOL;
    if (!is_delete && request->prefer_failure && !ph_addr_is_unspecified(&map->external_addr) &&
        !ph_addr_equal(&map->external_addr, &server->config.external))
        return PH_PCP_CANNOT_PROVIDE_EXTERNAL;
    struct ph_gw_mapping *mapping = ph_gw_table_of_client(
        &server->table, PORTHOLE_PCP, &request->client_addr, map->protocol, map->internal_port);
    if (!mapping && is_delete)
        return ph_gw_has(server, PH_GW_QUIRK_PCP_DELETE_MISSING) ? PH_PCP_NO_RESOURCES
                                                                 : PH_PCP_SUCCESS;
    if (!mapping)
        return create_map(server, now, request, ret_mapping);
    if (!is_delete || !owns_map(mapping, request))
        *ret_mapping = mapping;
    return owns_map(mapping, request) ? renew_map(server, now, mapping, request)
                                      : PH_PCP_NOT_AUTHORIZED;
}

/* §8.2 and §8.3: everything that is refused before the opcode is looked at. */
static enum ph_pcp_result judge_header(int decoded, const struct ph_endpoint *from,
                                       const struct ph_pcp_request *request) {
    if (request->version != PH_PCP_VERSION)
        return PH_PCP_UNSUPP_VERSION;
    if (request->malformed_option)
        return PH_PCP_MALFORMED_OPTION;
    if (decoded < 0)
        return PH_PCP_MALFORMED_REQUEST;
    if (request->opcode != PH_PCP_ANNOUNCE && request->opcode != PH_PCP_MAP)
        return PH_PCP_UNSUPP_OPCODE;
    if (request->unknown_option != 0)
        return PH_PCP_UNSUPP_OPTION;
    if (!ph_addr_equal(&request->client_addr, &from->addr))
        return PH_PCP_ADDRESS_MISMATCH;
    return PH_PCP_SUCCESS;
}

static void tell_pcp(const struct ph_gw_server *server, const struct ph_endpoint *from,
                     const struct ph_pcp_response *response) {
    const struct ph_pcp_map *map = &response->map;
    char line[160];
    const char *result = ph_pcp_result_name(response->result);
    if (!ph_gw_server_tells(server))
        return;
    if (response->opcode != PH_PCP_MAP || response->result == PH_PCP_UNSUPP_VERSION)
        snprintf(line, sizeof line, "pcp opcode %u: %s", response->opcode, result);
    else if (response->result != PH_PCP_SUCCESS || response->lifetime_s == 0)
        snprintf(line, sizeof line, "pcp %s %s %u: %s",
                 response->result == PH_PCP_SUCCESS ? "delete" : "map",
                 porthole_protocol_name(map->protocol), map->internal_port, result);
    else
        snprintf(line, sizeof line, "pcp map %s %u -> %u for %u s: %s",
                 porthole_protocol_name(map->protocol), map->external_port, map->internal_port,
                 (unsigned)response->lifetime_s, result);
    ph_gw_server_tell(server, from, line);
}

size_t ph_gw_pcp_answer(struct ph_gw_server *server, ph_us now, const struct ph_endpoint *from,
                        const void *bytes, size_t len, void *ret, size_t size) {
    struct ph_pcp_request request;
    struct ph_gw_mapping *mapping = NULL;
    int decoded = ph_pcp_decode_request(bytes, len, &request);
    enum ph_pcp_result result = judge_header(decoded, from, &request);
    if (result == PH_PCP_SUCCESS && request.opcode == PH_PCP_MAP)
        result = do_map(server, now, &request, &mapping);
    /* §11.1: the external fields of a refusal and of a deletion are those of the request. */
    struct ph_pcp_response response = {.version = PH_PCP_VERSION,
                                       .opcode = request.opcode,
                                       .result = (uint8_t)result,
                                       .epoch_s = ph_gw_server_pcp_epoch_s(server, now),
                                       .map = request.map};
    if (result != PH_PCP_SUCCESS)
        response.lifetime_s = error_lifetime_s(result);
    if (mapping && result == PH_PCP_SUCCESS) {
        response.map.external_port = mapping->facts.external_port;
        response.map.external_addr = ph_gw_quirk_external(server);
    }
    /* §11.3: a refusal for the nonce lasts as long as the mapping that is in the way. */
    if (mapping && (result == PH_PCP_SUCCESS || result == PH_PCP_NOT_AUTHORIZED))
        response.lifetime_s = ph_gw_mapping_left_s(mapping, now);
    tell_pcp(server, from, &response);
    int n = ph_pcp_encode_response(&response, ret, size);
    return n > 0 ? (size_t)n : 0;
}
