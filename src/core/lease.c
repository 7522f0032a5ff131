/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * lease.c: a mapping that the gateway holds: it is renewed in good time, by the ladder of RFC 6887
 * §11.2.1 when answers fail to come, and made again from the beginning when it is lost.
 */
#include <string.h>

#include "core/state.h"

/* Between two rounds of questions to the methods that do not hold a mapping. */
#define OTHERS_GAP PH_SECONDS(60)

bool ph_mapping_is_host(const struct ph_addr *addr) {
    static const uint8_t broadcast[4] = {255, 255, 255, 255};
    bool is_broadcast =
        ph_addr_is_v4(addr) && memcmp(ph_addr_v4_bytes(addr), broadcast, sizeof broadcast) == 0;
    return !ph_addr_is_unspecified(addr) && !ph_addr_is_multicast(addr) && !is_broadcast;
}

/* NAT-PMP and UPnP tell the external address apart from the mapping; it may change under it. */
static const struct ph_addr *address_of(const struct ph_mapping *m) {
    const struct ph_gateway *g = m->gateway;
    if (m->method == PORTHOLE_NATPMP)
        return &g->natpmp.external;
    if (m->method == PORTHOLE_UPNP && g->upnp.phase == PH_UPNP_READY)
        return &g->upnp.external;
    return &ph_addr_none;
}

static void follow_address(struct ph_mapping *m) {
    const struct ph_addr *address = address_of(m);
    if (ph_addr_is_unspecified(address) || ph_addr_equal(address, &m->external.addr))
        return;
    m->external.addr = *address;
    ph_mapping_raise(m, PORTHOLE_EVENT_CHANGED);
}

/* After a renewal that came to nothing: what is left of the lease decides when to ask again. */
static void schedule_renewal(struct ph_mapping *m) {
    struct ph_engine *e = m->engine;
    if (m->expires == PH_NEVER) {
        m->renew = e->now + ph_retry_backoff(e, ++m->failures);
        return;
    }
    ph_us delay = ph_retry_renewal(e, m->expires - e->now);
    /* Nobody answered. What is held may be lost, and no later recheck need tell of it when this was
     * asked because of the gateway's clock. */
    if (!m->is_shaky && delay > e->config.recheck_period)
        delay = e->config.recheck_period;
    m->renew = e->now + delay;
}

static void retransmit_renewal(struct ph_mapping *m) {
    for (unsigned i = PORTHOLE_PCP; i <= PORTHOLE_UPNP; i++) {
        struct ph_attempt *a = &m->attempts[i - 1];
        bool is_busy = m->busy & 1U << i;
        if (!is_busy || a->state != PH_ATTEMPT_ASKED || m->engine->now < a->next)
            continue;
        bool is_substitute = m->is_shaky && a->method != m->method;
        if (a->tries < PH_TRIES_MAX)
            ph_attempt_send(a);
        else
            ph_attempt_drop(a, is_substitute ? PH_ATTEMPT_REFUSED : PH_ATTEMPT_IDLE);
    }
}

/* The mapping still stands, but will not for long: whoever grants it first takes it over. */
static void ask_others(struct ph_mapping *m) {
    struct ph_gateway *g = m->gateway;
    for (unsigned i = PORTHOLE_PCP; i <= PORTHOLE_UPNP; i++) {
        struct ph_attempt *a = &m->attempts[i - 1];
        if (i == m->method || !(m->methods & 1U << i))
            continue;
        ph_gateway_ask(g, (enum porthole_method)i);
        bool is_to_ask = g->methods[i].state == PH_METHOD_ALIVE ||
                         (i == PORTHOLE_PCP && g->methods[i].state == PH_METHOD_ASKING);
        /* An address that is not known yet is asked for first. */
        if (i == PORTHOLE_NATPMP && ph_addr_is_unspecified(&g->natpmp.external))
            is_to_ask = false;
        if (is_to_ask && a->state == PH_ATTEMPT_IDLE)
            ph_attempt_start(a, PH_PURPOSE_MAKE);
    }
}

void ph_mapping_shake(struct ph_mapping *m) {
    char name[PH_MAPPING_NAME_SIZE];
    ph_trace(m->engine, PORTHOLE_LOG_INFO, "%s: its renewal was refused; its lease goes on",
             ph_trace_mapping(m, name));
    m->is_shaky = true;
    m->attempts[m->method - 1].port = m->external.port;
    /* A UPnP device can say whether it is still there at all. */
    m->is_unverified = m->method == PORTHOLE_UPNP && !m->gateway->upnp.facts->has_no_query;
    /* Those that did not answer are asked again, but not at each refusal of a lease of seconds. */
    ph_us asked = 0;
    for (unsigned i = PORTHOLE_PCP; i <= PORTHOLE_UPNP; i++)
        if (i != m->method && m->gateway->methods[i].asked > asked)
            asked = m->gateway->methods[i].asked;
    if (m->engine->now >= asked + OTHERS_GAP)
        ph_gateway_reset(m->gateway);
    for (unsigned i = PORTHOLE_PCP; i <= PORTHOLE_UPNP; i++)
        if (i != m->method && m->attempts[i - 1].state == PH_ATTEMPT_REFUSED)
            ph_attempt_move(&m->attempts[i - 1], PH_ATTEMPT_IDLE);
}

static void start_renewal(struct ph_mapping *m) {
    struct ph_gateway *g = m->gateway;
    struct ph_attempt *a = &m->attempts[m->method - 1];
    if (m->method == PORTHOLE_UPNP && g->upnp.phase != PH_UPNP_READY) {
        /* The device was lost; it is searched for, and the renewal follows when it is found. */
        ph_gateway_reset(g);
        ph_gateway_ask(g, PORTHOLE_UPNP);
        schedule_renewal(m);
        m->is_overdue = true;
        return;
    }
    m->renew = PH_NEVER;
    m->is_overdue = false;
    ph_attempt_start(a, PH_PURPOSE_RENEW);
}

/* A device that cannot tell of one mapping is asked to make it again, which changes nothing when it
 * is there. Until it has answered the mapping stays unverified: the device may be lost meanwhile.
 */
static void start_verification(struct ph_mapping *m) {
    const struct ph_upnp_facts *facts = m->gateway->upnp.facts;
    bool is_asked = facts->is_query_odd && m->readback != PH_READBACK_NONE;
    if (facts->has_no_query && !is_asked) {
        m->is_unverified = false;
        start_renewal(m);
    } else {
        ph_attempt_start(&m->attempts[PORTHOLE_UPNP - 1], PH_PURPOSE_VERIFY);
    }
}

void ph_mapping_run_lease(struct ph_mapping *m) {
    ph_us now = m->engine->now;
    retransmit_renewal(m); /* also what is deleted beside it */
    if (m->method == PORTHOLE_DIRECT)
        return;
    if (now >= m->expires) {
        if (m->flags & PORTHOLE_LEASE) {
            ph_mapping_unmap(m);
        } else if (m->is_shaky && m->method == PORTHOLE_PCP) {
            /* Some servers cannot renew what is there; but they can delete and make. */
            ph_mapping_remake(m, PORTHOLE_PCP, "its lease ended");
            ph_mapping_run(m);
        } else {
            ph_mapping_lose(m, "its lease ended");
            ph_mapping_run(m);
        }
        return;
    }
    follow_address(m);
    if (now >= m->wake) {
        m->wake = PH_NEVER;
        m->is_unverified = true;
    }
    const struct ph_attempt *a = &m->attempts[m->method - 1];
    bool is_ready = m->method == PORTHOLE_UPNP && m->gateway->upnp.phase == PH_UPNP_READY;
    bool is_asking = a->state == PH_ATTEMPT_QUEUED || a->state == PH_ATTEMPT_ASKED;
    if (is_asking && a->purpose == PH_PURPOSE_RENEW)
        m->renew = PH_NEVER;
    else if (m->is_unverified && is_ready && !is_asking)
        start_verification(m);
    else if (now >= m->renew || (m->is_overdue && is_ready))
        start_renewal(m);
    else if (m->renew == PH_NEVER && !(m->flags & PORTHOLE_LEASE))
        schedule_renewal(m);
    if (m->is_shaky)
        ask_others(m);
}

static void drop_lease(struct ph_mapping *m, const char *why) {
    struct ph_gateway *g = m->gateway;
    struct ph_attempt *a = &m->attempts[m->method - 1];
    struct ph_method *status = &g->methods[m->method];
    char name[PH_MAPPING_NAME_SIZE];
    ph_trace(m->engine, PORTHOLE_LOG_INFO, "%s: lost: %s", ph_trace_mapping(m, name), why);
    ph_mapping_move(m, PORTHOLE_PENDING);
    ph_mapping_raise(m, PORTHOLE_EVENT_PENDING);
    m->expires = m->renew = m->wake = PH_NEVER;
    m->retry = 0;
    m->is_shaky = false;
    if (status->state == PH_METHOD_ALIVE && status->heard < a->first_sent)
        ph_gateway_dead(g, (enum porthole_method)m->method, PORTHOLE_ERR_NO_GATEWAY, 0);
    /* What another method has granted beside it, and is deleting, is asked for behind that: the
     * delete would take it along. */
    for (unsigned i = 0; i < 3; i++)
        if (m->attempts[i].purpose != PH_PURPOSE_DELETE ||
            m->attempts[i].state == PH_ATTEMPT_REFUSED)
            ph_attempt_drop(&m->attempts[i], PH_ATTEMPT_IDLE);
}

void ph_mapping_lose(struct ph_mapping *m, const char *why) {
    drop_lease(m, why);
    ph_gateway_reset(m->gateway);
}

void ph_mapping_remake(struct ph_mapping *m, enum porthole_method method, const char *why) {
    struct ph_attempt *a = &m->attempts[method - 1];
    drop_lease(m, why); /* the method is there, so the others need not be asked */
    a->error = 0;
    a->code = 0;
    if (m->gateway->methods[method].state == PH_METHOD_ALIVE)
        ph_attempt_start(a, PH_PURPOSE_DELETE);
}

void ph_mapping_refresh(struct ph_mapping *m) {
    if (m->state == PORTHOLE_SUCCESS && m->method != PORTHOLE_DIRECT) {
        m->renew = m->engine->now;
    } else if (m->state == PORTHOLE_FAILURE && m->gateway && m->retry > m->engine->now) {
        m->retry = m->engine->now;
        m->failures = 0;
        m->gateway->failures = 0;
        m->gateway->next_round = m->engine->now;
    }
    ph_mapping_run(m);
}
