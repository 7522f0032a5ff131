/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * pcp_client.c: PCP's MAP requests (RFC 6887 §11) for mappings, and what its answers mean. There is
 * no probe: the first mapping's own MAP is the question whether the gateway speaks PCP. An answer
 * counts only with the nonce, protocol and port of a request that is out.
 */
#include <string.h>

#include "core/state.h"

/* Servers make of it what is least to them, 120 s as a rule (RFC 6887 §15). */
#define SHORTEST_S 1U

void ph_pcp_client_send(struct ph_mapping *m, struct ph_attempt *a) {
    struct ph_gateway *g = m->gateway;
    bool is_delete = a->purpose == PH_PURPOSE_DELETE;
    struct ph_pcp_request request = {
        .version = PH_PCP_VERSION,
        .opcode = PH_PCP_MAP,
        .lifetime_s = is_delete                          ? 0
                      : a->purpose == PH_PURPOSE_SHORTEN ? SHORTEST_S
                                                         : m->lifetime_s,
        .client_addr = g->path.source,
        .map = {.protocol = m->protocol, .internal_port = m->internal_port},
        .prefer_failure = !is_delete && (m->flags & PORTHOLE_EXACT_PORT),
    };
    memcpy(request.map.nonce, m->nonce, sizeof m->nonce);
    /* A renewal suggests what it has (§11.2.1), so that a gateway that forgot gives the same again.
     */
    request.map.external_port = m->external.port ? m->external.port : m->wished_port;
    /* But with PREFER_FAILURE a suggestion is a demand (§13.2), and the address that the gateway
     * had is not wished for: it may have another one by now. */
    if (m->external.port && m->method == PORTHOLE_PCP && !request.prefer_failure)
        request.map.external_addr = m->external.addr;
    if (is_delete && !a->held)
        request.map.external_port = 0;
    uint8_t bytes[PH_PCP_SIZE_MAX];
    int len = ph_pcp_encode_request(&request, bytes, sizeof bytes);
    struct ph_endpoint to = {g->path.gateway, PH_PCP_PORT};
    if (len > 0)
        ph_effect_send(g, PH_CHANNEL_CONTROL, &to, bytes, (size_t)len);
    char name[PH_MAPPING_NAME_SIZE];
    ph_trace(m->engine, PORTHOLE_LOG_TRACE,
             "%s: pcp MAP sent, lifetime %u, external port %u, try %u", ph_trace_mapping(m, name),
             (unsigned)request.lifetime_s, request.map.external_port, a->tries);
}

/* ---- ANNOUNCE -------------------------------------------------------------------------------- */

static void set_pcp_timer(struct ph_gateway *g) {
    struct ph_method *status = &g->methods[PORTHOLE_PCP];
    ph_us due = g->pcp.next;
    if (status->state == PH_METHOD_ASKING && status->asked + ph_gateway_verdict(g) < due)
        due = status->asked + ph_gateway_verdict(g);
    ph_heap_set(&g->engine->heap, &status->timer, due);
}

static void send_announce(struct ph_gateway *g) {
    const struct ph_pcp_request request = {
        .version = PH_PCP_VERSION,
        .opcode = PH_PCP_ANNOUNCE,
        .client_addr = g->path.source,
    };
    uint8_t bytes[PH_PCP_SIZE_MAX];
    int len = ph_pcp_encode_request(&request, bytes, sizeof bytes);
    struct ph_endpoint to = {g->path.gateway, PH_PCP_PORT};
    if (len > 0)
        ph_effect_send(g, PH_CHANNEL_CONTROL, &to, bytes, (size_t)len);
    g->pcp.tries++;
    g->pcp.next = g->engine->now + ph_retry_delay(g->engine, g->pcp.tries);
    ph_trace(g->engine, PORTHOLE_LOG_TRACE, "pcp: ANNOUNCE sent, try %u", g->pcp.tries);
    set_pcp_timer(g);
}

void ph_pcp_client_ask(struct ph_gateway *g) {
    g->pcp.tries = 0;
    g->pcp.asked = g->engine->now;
    send_announce(g);
}

void ph_pcp_client_timer(struct ph_gateway *g) {
    const struct ph_method *status = &g->methods[PORTHOLE_PCP];
    ph_us now = g->engine->now;
    if (status->state == PH_METHOD_ASKING && now >= status->asked + ph_gateway_verdict(g)) {
        ph_gateway_dead(g, PORTHOLE_PCP, PORTHOLE_ERR_NO_GATEWAY, 0);
        return;
    }
    if (now >= g->pcp.next && g->pcp.tries < PH_TRIES_MAX) {
        send_announce(g);
        return;
    }
    if (now >= g->pcp.next)
        g->pcp.next = PH_NEVER; /* the next recheck, or a renewal, asks again */
    set_pcp_timer(g);
}

/* ---- Answers --------------------------------------------------------------------------------- */

static struct ph_mapping *find_by_nonce(struct ph_gateway *g, const struct ph_pcp_map *map) {
    struct ph_node *node =
        ph_table_find(&g->engine->by_port, ph_mapping_port_key(map->protocol, map->internal_port));
    for (; node; node = ph_table_find_next(node)) {
        struct ph_mapping *m = PH_CONTAINER(node, struct ph_mapping, by_port);
        /* The nonce is kept on the way to another path to the same gateway, where it is nobody's
         * answer until something is asked there. */
        if (m->gateway == g && m->attempts[PORTHOLE_PCP - 1].tries > 0 &&
            memcmp(m->nonce, map->nonce, sizeof m->nonce) == 0)
            return m;
    }
    return NULL;
}

/* Errors that speak of the server and not of one mapping. */
static bool answered_for_server(struct ph_gateway *g, const struct ph_pcp_response *r) {
    if (r->result != PH_PCP_UNSUPP_VERSION && r->result != PH_PCP_UNSUPP_OPCODE)
        return false;
    enum porthole_method method = PORTHOLE_PCP;
    /* A refusal that echoes a MAP must echo one of ours. */
    static const uint8_t no_nonce[PH_PCP_NONCE_SIZE];
    if (r->opcode == PH_PCP_MAP && memcmp(r->map.nonce, no_nonce, sizeof no_nonce) != 0 &&
        !find_by_nonce(g, &r->map))
        return true;
    /* A PCP server reads our NAT-PMP requests as version 0, opcode ANNOUNCE, MAP or PEER, and
     * refuses the version (RFC 6887 §9); we never ask for PEER, and our own ANNOUNCE goes only to
     * servers that have granted something. */
    if (r->version == PH_PCP_VERSION && r->opcode != PH_PCP_MAP)
        method = PORTHOLE_NATPMP;
    /* A server that has granted something by a method is believed in that, but perhaps another one
     * has taken its place. */
    bool is_doubted = ph_network_is_doubted(g, method);
    if (g->methods[method].state != PH_METHOD_ALIVE || is_doubted)
        ph_gateway_dead(g, method, PORTHOLE_ERR_UNSUPPORTED, r->result);
    if (is_doubted)
        ph_network_denied(g, method);
    /* Version 0 is a NAT-PMP server's answer to PCP, and so tells of NAT-PMP too. */
    if (r->version == 0 && g->methods[PORTHOLE_NATPMP].state == PH_METHOD_ASKING)
        ph_natpmp_client_hint(g);
    return true;
}

static void answered_map(struct ph_mapping *m, const struct ph_pcp_response *r) {
    struct ph_attempt *a = &m->attempts[PORTHOLE_PCP - 1];
    if (a->purpose == PH_PURPOSE_SHORTEN) {
        ph_mapping_shortened(m, PORTHOLE_PCP, r->result == PH_PCP_SUCCESS ? r->lifetime_s : 0);
        return;
    }
    if (r->result != PH_PCP_SUCCESS) {
        if (a->purpose == PH_PURPOSE_DELETE)
            ph_mapping_deleted(m, PORTHOLE_PCP, ph_pcp_result_error(r->result), r->result);
        else
            ph_mapping_refused(m, PORTHOLE_PCP, ph_pcp_result_error(r->result), r->result);
        return;
    }
    if (r->lifetime_s == 0) {
        /* Only a delete is answered so; a grant of no time at all is none. */
        if (a->purpose == PH_PURPOSE_DELETE)
            ph_mapping_deleted(m, PORTHOLE_PCP, 0, 0);
        return;
    }
    if (a->purpose == PH_PURPOSE_DELETE && a->state == PH_ATTEMPT_ASKED)
        return; /* an earlier MAP's answer, overtaken by the delete */
    if (r->map.external_port == 0) {
        ph_mapping_refused(m, PORTHOLE_PCP, PORTHOLE_ERR_MALFORMED, 0);
        return;
    }
    struct ph_endpoint external = {r->map.external_addr, r->map.external_port};
    ph_mapping_granted(m, PORTHOLE_PCP, r->lifetime_s, &external);
}

/* An answer may come after the last repetition. */
static bool is_announce_asked(const struct ph_gateway *g) {
    const struct ph_engine *e = g->engine;
    return g->pcp.tries > 0 && e->now < g->pcp.asked + e->config.mapping_timeout;
}

void ph_pcp_client_datagram(struct ph_gateway *g, const void *bytes, size_t len) {
    struct ph_engine *e = g->engine;
    struct ph_pcp_response r;
    int used = ph_pcp_decode_response(bytes, len, &r);
    if (used < 0) {
        ph_trace(e, PORTHOLE_LOG_DEBUG, "pcp: answer ignored: %s", porthole_strerror(used));
        return;
    }
    if (answered_for_server(g, &r))
        return;
    if (r.opcode == PH_PCP_ANNOUNCE && is_announce_asked(g) && r.result == PH_PCP_SUCCESS) {
        g->pcp.next = PH_NEVER;
        g->pcp.tries = 0;
        set_pcp_timer(g);
        ph_gateway_alive(g, PORTHOLE_PCP);
        ph_recheck_epoch(g, PORTHOLE_PCP, r.epoch_s, g->pcp.asked);
    }
    if (r.opcode != PH_PCP_MAP)
        return;
    struct ph_mapping *m = find_by_nonce(g, &r.map);
    if (!m) {
        ph_trace(e, PORTHOLE_LOG_DEBUG, "pcp: answer ignored: no request has this nonce and port");
        return;
    }
    ph_gateway_alive(g, PORTHOLE_PCP);
    set_pcp_timer(g); /* there is no verdict to come */
    /* The clock in an answer that comes a second time is old, but better than none. */
    const struct ph_attempt *a = &m->attempts[PORTHOLE_PCP - 1];
    if (a->state == PH_ATTEMPT_ASKED || g->methods[PORTHOLE_PCP].epoch_at == 0)
        ph_recheck_epoch(g, PORTHOLE_PCP, r.epoch_s, a->first_sent);
    answered_map(m, &r);
}
