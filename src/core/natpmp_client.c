/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * natpmp_client.c: NAT-PMP (RFC 6886): the external address request, which is also the question
 * whether the gateway speaks NAT-PMP, and the mapping requests. Answers have no nonce: they count
 * only from the connected gateway and only for a port that is being asked for.
 */
#include "core/state.h"
#include "wire/natpmp.h"

static void send_natpmp(struct ph_gateway *g, const struct ph_natpmp_request *request) {
    uint8_t bytes[PH_NATPMP_SIZE_MAX];
    int len = ph_natpmp_encode_request(request, bytes, sizeof bytes);
    struct ph_endpoint to = {g->path.gateway, PH_PCP_PORT};
    if (len > 0)
        ph_effect_send(g, PH_CHANNEL_CONTROL, &to, bytes, (size_t)len);
}

/* ---- The external address -------------------------------------------------------------------- */

static void set_natpmp_timer(struct ph_gateway *g) {
    struct ph_method *status = &g->methods[PORTHOLE_NATPMP];
    ph_us due = g->natpmp.next;
    if (status->state == PH_METHOD_ASKING && status->asked + ph_gateway_verdict(g) < due)
        due = status->asked + ph_gateway_verdict(g);
    ph_heap_set(&g->engine->heap, &status->timer, due);
}

static void send_address_request(struct ph_gateway *g) {
    struct ph_natpmp_request request = {.opcode = PH_NATPMP_ADDRESS};
    struct ph_natpmp_client *c = &g->natpmp;
    c->sent = g->engine->now;
    if (c->tries < UINT8_MAX)
        c->tries++;
    if (c->open == 0)
        c->asked = c->sent;
    if (c->open < UINT8_MAX)
        c->open++;
    c->next = g->engine->now + ph_retry_delay(g->engine, c->tries);
    ph_trace(g->engine, PORTHOLE_LOG_TRACE, "natpmp: address request sent, try %u", c->tries);
    send_natpmp(g, &request);
    set_natpmp_timer(g);
}

void ph_natpmp_client_ask(struct ph_gateway *g) {
    g->natpmp.tries = 0;
    send_address_request(g);
}

/* Requests are answered in their order: when a later one's answer is here and an earlier one's is
 * not a little later, it is lost, and nobody need wait for its retransmission. */
static ph_us overtaken(const struct ph_gateway *g) {
    return g->engine->now + PH_MS(5) + g->methods[PORTHOLE_NATPMP].rtt / 4;
}

static void hurry_address(struct ph_gateway *g) {
    struct ph_natpmp_client *c = &g->natpmp;
    if (overtaken(g) < c->next)
        c->next = overtaken(g);
    c->tries = 0;
    set_natpmp_timer(g);
}

void ph_natpmp_client_hint(struct ph_gateway *g) {
    /* The address request went out behind the PCP request that this answers. */
    struct ph_method *status = &g->methods[PORTHOLE_NATPMP];
    /* One that had no uplink is of use when it tells an address, and not before. */
    if (status->error == PORTHOLE_ERR_NO_UPLINK)
        return;
    unsigned failures = g->failures;
    ph_gateway_alive(g, PORTHOLE_NATPMP);
    g->failures = failures; /* it has not granted anything by that */
    if (status->rtt == 0 && g->natpmp.open == 1)
        status->rtt = g->engine->now - g->natpmp.sent;
    if (ph_addr_is_unspecified(&g->natpmp.external))
        hurry_address(g);
    set_natpmp_timer(g);
}

void ph_natpmp_client_want(struct ph_gateway *g, ph_us asked) {
    if (g->natpmp.next == PH_NEVER)
        ph_natpmp_client_ask(g); /* the answer was that there is none, yet */
    else if (g->natpmp.sent <= asked)
        hurry_address(g);
}

void ph_natpmp_client_timer(struct ph_gateway *g) {
    struct ph_method *status = &g->methods[PORTHOLE_NATPMP];
    ph_us now = g->engine->now;
    if (status->state == PH_METHOD_ASKING && now >= status->asked + ph_gateway_verdict(g)) {
        ph_gateway_dead(g, PORTHOLE_NATPMP, PORTHOLE_ERR_NO_GATEWAY, 0);
        return;
    }
    if (now >= g->natpmp.next) {
        if (ph_gateway_is_wanted(g, PORTHOLE_NATPMP) && g->natpmp.tries < UINT8_MAX) {
            send_address_request(g);
            return;
        }
        g->natpmp.next = PH_NEVER;
    }
    set_natpmp_timer(g);
}

/* Whether an answer belongs to the last request: no other is open, or the one before it would have
 * come sooner. */
static bool is_to_last(const struct ph_gateway *g) {
    ph_us age = g->engine->now - g->natpmp.sent;
    return g->natpmp.open == 1 || age >= g->methods[PORTHOLE_NATPMP].rtt * 3 / 4;
}

/* Mappings that were asked for before the address was, and are not answered. */
static void hurry_mappings(struct ph_gateway *g) {
    unsigned left = g->methods[PORTHOLE_NATPMP].in_flight;
    for (struct ph_link *at = g->mappings.next; at != &g->mappings && left > 0; at = at->next) {
        struct ph_mapping *m = PH_CONTAINER(at, struct ph_mapping, in_gateway);
        struct ph_attempt *a = &m->attempts[PORTHOLE_NATPMP - 1];
        /* Only the first try: they are few, and must not be used up by losses close together. */
        bool is_overtaken =
            a->state == PH_ATTEMPT_ASKED && a->tries == 1 && a->sent <= g->natpmp.sent;
        left -= a->state == PH_ATTEMPT_ASKED;
        if (!is_overtaken || overtaken(g) >= a->next)
            continue;
        a->next = overtaken(g);
        if (a->next < m->timer.due)
            ph_heap_set(&g->engine->heap, &m->timer, a->next);
    }
}

/* When the request was sent that this answers, at the earliest. What was not answered for so long
 * will not be: counted in, it would make the time so uncertain that a restart hides in it. */
static ph_us earliest_question(const struct ph_gateway *g) {
    ph_us now = g->engine->now;
    ph_us limit = g->engine->config.mapping_timeout;
    return now - g->natpmp.asked > limit ? now - limit : g->natpmp.asked;
}

static void answered_address(struct ph_gateway *g, const struct ph_natpmp_response *r) {
    struct ph_method *status = &g->methods[PORTHOLE_NATPMP];
    struct ph_natpmp_client *c = &g->natpmp;
    if (c->open == 0 && status->state != PH_METHOD_DEAD)
        return; /* not asked, or answered already */
    if (c->open > 0 && r->result == PH_NATPMP_SUCCESS)
        ph_recheck_epoch(g, PORTHOLE_NATPMP, r->epoch_s, earliest_question(g));
    if (c->open == 1)
        status->rtt = g->engine->now - c->sent;
    if (is_to_last(g)) {
        hurry_mappings(g);
        c->open = 0;
    }
    c->next = PH_NEVER;
    if (r->result != PH_NATPMP_SUCCESS || !ph_mapping_is_host(&r->external_addr)) {
        /* 0.0.0.0 is how a gateway without an uplink answers, beside result 3 (RFC 6886 §3.5). */
        int error = r->result ? ph_natpmp_result_error(r->result) : PORTHOLE_ERR_NO_UPLINK;
        ph_gateway_dead(g, PORTHOLE_NATPMP, error, r->result);
        return;
    }
    bool is_new = !ph_addr_equal(&c->external, &r->external_addr);
    c->external = r->external_addr;
    ph_gateway_alive(g, PORTHOLE_NATPMP);
    g->is_dirty |= is_new;
    set_natpmp_timer(g);
}

/* ---- Mappings -------------------------------------------------------------------------------- */

void ph_natpmp_client_send(struct ph_mapping *m, struct ph_attempt *a) {
    bool is_delete = a->purpose == PH_PURPOSE_DELETE;
    struct ph_natpmp_request request = {
        .opcode = m->protocol == PORTHOLE_TCP ? PH_NATPMP_MAP_TCP : PH_NATPMP_MAP_UDP,
        .internal_port = m->internal_port,
        .lifetime_s = is_delete ? 0 : m->lifetime_s,
    };
    /* A delete carries external port 0 (§3.4). */
    if (!is_delete)
        request.external_port = m->external.port ? m->external.port : m->wished_port;
    char name[PH_MAPPING_NAME_SIZE];
    ph_trace(m->engine, PORTHOLE_LOG_TRACE,
             "%s: natpmp request sent, lifetime %u, external port %u, try %u",
             ph_trace_mapping(m, name), (unsigned)request.lifetime_s, request.external_port,
             a->tries);
    send_natpmp(m->gateway, &request);
    /* When it is the only request out, one for the address follows it: the answer to that shows the
     * loss of this one a round trip later, and not after 250 ms. */
    bool is_alone = m->gateway->methods[PORTHOLE_NATPMP].in_flight == 1;
    /* A slow gateway has it from the first try, and it is repeated by itself. */
    bool is_followed = a->tries > 1 && m->gateway->natpmp.next != PH_NEVER;
    if (a->purpose == PH_PURPOSE_MAKE && is_alone && !is_followed)
        ph_natpmp_client_ask(m->gateway);
    if (a->purpose == PH_PURPOSE_RENEW && m->gateway->natpmp.next == PH_NEVER)
        ph_natpmp_client_ask(m->gateway); /* the address may have changed; it costs one datagram */
}

static struct ph_mapping *find_by_port(struct ph_gateway *g, const struct ph_natpmp_response *r) {
    unsigned protocol = r->opcode == PH_NATPMP_MAP_TCP ? PORTHOLE_TCP : PORTHOLE_UDP;
    struct ph_node *node =
        ph_table_find(&g->engine->by_port, ph_mapping_port_key(protocol, r->internal_port));
    for (; node; node = ph_table_find_next(node)) {
        struct ph_mapping *m = PH_CONTAINER(node, struct ph_mapping, by_port);
        if (m->gateway == g && m->attempts[PORTHOLE_NATPMP - 1].touched)
            return m;
    }
    return NULL;
}

static void answered_mapping(struct ph_gateway *g, const struct ph_natpmp_response *r) {
    if (r->result == PH_NATPMP_UNSUPP_OPCODE && r->internal_port == 0) {
        /* It echoes the request, or is too short to name a port (§3.5), and speaks of the server
         * anyway. */
        ph_gateway_dead(g, PORTHOLE_NATPMP, PORTHOLE_ERR_UNSUPPORTED, r->result);
        return;
    }
    struct ph_mapping *m = find_by_port(g, r);
    if (!m) {
        ph_trace(g->engine, PORTHOLE_LOG_DEBUG, "natpmp: answer ignored: no request for port %u",
                 r->internal_port);
        return;
    }
    struct ph_attempt *a = &m->attempts[PORTHOLE_NATPMP - 1];
    /* A gateway without an uplink may grant all the same, which is of no use: only an address shows
     * that it has one again. */
    if (g->methods[PORTHOLE_NATPMP].error != PORTHOLE_ERR_NO_UPLINK)
        ph_gateway_alive(g, PORTHOLE_NATPMP);
    if (a->state == PH_ATTEMPT_ASKED && r->result == PH_NATPMP_SUCCESS)
        ph_recheck_epoch(g, PORTHOLE_NATPMP, r->epoch_s, a->first_sent);
    bool is_delete = a->purpose == PH_PURPOSE_DELETE;
    if (r->result != PH_NATPMP_SUCCESS) {
        int error = ph_natpmp_result_error(r->result);
        if (is_delete)
            ph_mapping_deleted(m, PORTHOLE_NATPMP, error, r->result);
        else
            ph_mapping_refused(m, PORTHOLE_NATPMP, error, r->result);
    } else if (r->lifetime_s == 0) {
        if (is_delete)
            ph_mapping_deleted(m, PORTHOLE_NATPMP, 0, 0);
    } else if (!is_delete && r->external_port != 0) {
        struct ph_endpoint external = {g->natpmp.external, r->external_port};
        ph_mapping_granted(m, PORTHOLE_NATPMP, r->lifetime_s, &external);
    }
}

void ph_natpmp_client_datagram(struct ph_gateway *g, const void *bytes, size_t len) {
    struct ph_natpmp_response r;
    int used = ph_natpmp_decode_response(bytes, len, &r);
    if (used < 0) {
        ph_trace(g->engine, PORTHOLE_LOG_DEBUG, "natpmp: answer ignored: %s",
                 porthole_strerror(used));
        return;
    }
    if (r.opcode == PH_NATPMP_ADDRESS)
        answered_address(g, &r);
    else if (r.opcode == PH_NATPMP_MAP_UDP || r.opcode == PH_NATPMP_MAP_TCP)
        answered_mapping(g, &r);
}
