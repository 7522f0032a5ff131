/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * upnp_action.c: the SOAP actions of WANIPConnection and WANPPPConnection that make, look at and
 * remove mappings: what is sent, and who takes the answer. What is asked for after a fault is in
 * upnp_ladder.c.
 */
#include <stdio.h>
#include <string.h>

#include "core/state.h"
#include "wire/soap.h"

/* For a look that is good to have: who cannot take it is believed. */
#define CONFIRM_DEADLINE PH_SECONDS(1)

uint32_t ph_upnp_action_post(struct ph_gateway *g, const char *action,
                             const struct ph_soap_argument *arguments, size_t count,
                             ph_us deadline) {
    char type[PH_IGD_TYPE_SIZE];
    char body[PH_SOAP_BODY_SIZE];
    char soap_action[PH_IGD_TYPE_SIZE + PH_SOAP_NAME_SIZE + 2];
    uint8_t bytes[PH_SOAP_BODY_SIZE + 2048];
    bool is_other_dialect = g->upnp.facts->dialect;
    int body_len =
        ph_soap_encode_request_as(is_other_dialect ? "m" : "u", ph_upnp_ladder_type(g, type),
                                  action, arguments, count, body, sizeof body);
    snprintf(soap_action, sizeof soap_action, "%s#%s", type, action);
    if (body_len < 0)
        return 0;
    struct ph_http_request request = {
        .method = "POST",
        .url = &g->upnp.control,
        .soap_action = soap_action,
        .is_http10 = is_other_dialect,
        .body = {body, (size_t)body_len},
    };
    int len = ph_http_encode_request(&request, bytes, sizeof bytes);
    if (len < 0)
        return 0;
    return ph_effect_http(g, &g->upnp.control.host, bytes, (size_t)len, deadline);
}

static uint32_t post_add(struct ph_mapping *m, struct ph_attempt *a, ph_us deadline) {
    struct ph_gateway *g = m->gateway;
    char external[8];
    char internal[8];
    char lease[12];
    char client[PH_ADDR_TEXT_SIZE];
    a->touched = true;
    m->lease_step = g->upnp.facts->lease_step;
    ph_upnp_ladder_port(m, a);
    snprintf(external, sizeof external, "%u", a->port);
    snprintf(internal, sizeof internal, "%u", m->internal_port);
    snprintf(lease, sizeof lease, "%u", (unsigned)ph_upnp_ladder_lease_s(m));
    /* Upper-case protocol and a description that is never empty: some gateways refuse anything
     * else. */
    const struct ph_soap_argument arguments[] = {
        {"NewRemoteHost", ""},
        {"NewExternalPort", external},
        {"NewProtocol", m->protocol == PORTHOLE_TCP ? "TCP" : "UDP"},
        {"NewInternalPort", internal},
        {"NewInternalClient", ph_addr_format(&g->path.source, client)},
        {"NewEnabled", "1"},
        {"NewPortMappingDescription", m->description[0] ? m->description : "porthole"},
        {"NewLeaseDuration", lease},
    };
    return ph_upnp_action_post(g, "AddPortMapping", arguments, 8, deadline);
}

/* DeletePortMapping and GetSpecificPortMappingEntry name a mapping in the same way. */
static uint32_t post_by_port(struct ph_mapping *m, struct ph_attempt *a, const char *action,
                             ph_us deadline) {
    struct ph_gateway *g = m->gateway;
    char external[8];
    snprintf(external, sizeof external, "%u", a->port);
    const struct ph_soap_argument arguments[] = {
        {"NewRemoteHost", ""},
        {"NewExternalPort", external},
        {"NewProtocol", m->protocol == PORTHOLE_TCP ? "TCP" : "UDP"},
    };
    return ph_upnp_action_post(g, action, arguments, 3, deadline);
}

static const char *action_of(const struct ph_mapping *m, const struct ph_attempt *a) {
    switch ((enum ph_purpose)a->purpose) {
    case PH_PURPOSE_DELETE:
    case PH_PURPOSE_SHORTEN:
        return "DeletePortMapping";
    case PH_PURPOSE_VERIFY:
        return "GetSpecificPortMappingEntry";
    case PH_PURPOSE_LIST:
    case PH_PURPOSE_MAKE:
    case PH_PURPOSE_RENEW:
        break;
    }
    switch ((enum ph_upnp_step)m->upnp_step) {
    case PH_UPNP_STEP_LOOK_BEFORE:
    case PH_UPNP_STEP_LOOK_AFTER:
    case PH_UPNP_STEP_CONFIRM:
        return "GetSpecificPortMappingEntry";
    case PH_UPNP_STEP_CLEAR:
        return "DeletePortMapping";
    case PH_UPNP_STEP_BEGIN:
    case PH_UPNP_STEP_ADD:
        break;
    }
    return "AddPortMapping";
}

static bool is_adding(const struct ph_attempt *a) {
    return a->purpose == PH_PURPOSE_MAKE || a->purpose == PH_PURPOSE_RENEW;
}

static bool is_confirming(const struct ph_mapping *m, const struct ph_attempt *a) {
    return a->purpose == PH_PURPOSE_MAKE && m->upnp_step == PH_UPNP_STEP_CONFIRM;
}

static uint32_t post_action(struct ph_mapping *m, struct ph_attempt *a) {
    ph_us deadline = m->engine->now + (is_confirming(m, a) ? CONFIRM_DEADLINE : PH_HTTP_DEADLINE);
    if (is_adding(a) && m->upnp_step == PH_UPNP_STEP_BEGIN)
        ph_upnp_ladder_begin(m, a);
    m->dialect = m->gateway->upnp.facts->dialect;
    if (is_adding(a) && m->upnp_step == PH_UPNP_STEP_ADD)
        return post_add(m, a, deadline);
    if (is_adding(a))
        ph_upnp_ladder_port(m, a);
    return post_by_port(m, a, action_of(m, a), deadline);
}

static void tell_added(struct ph_mapping *m) {
    struct ph_gateway *g = m->gateway;
    struct ph_endpoint external = {g->upnp.external, m->attempts[PORTHOLE_UPNP - 1].port};
    ph_mapping_granted(m, PORTHOLE_UPNP, ph_upnp_ladder_granted_s(m), &external);
}

/* No exchange came about or none was answered: another try a little later, then the end. Nobody is
 * at the control URL when `is_moved`. */
static void action_failed(struct ph_mapping *m, struct ph_attempt *a, int error, bool is_moved) {
    struct ph_gateway *g = m->gateway;
    /* A device that closed its port is searched for; one that lets a removal hang is not asked
     * twice. */
    /* What has just been found and refuses is there, though. */
    is_moved &= a->purpose != PH_PURPOSE_MAKE ||
                m->engine->now >= g->methods[PORTHOLE_UPNP].asked + PH_HTTP_DEADLINE;
    bool is_hanging = (error == PORTHOLE_ERR_TIMEOUT || error == PORTHOLE_ERR_UNREACHABLE) &&
                      a->purpose == PH_PURPOSE_DELETE;
    if (is_confirming(m, a)) {
        tell_added(m); /* by its own word it is there */
        return;
    }
    if (a->tries < PH_TRIES_MAX && g->upnp.phase == PH_UPNP_READY && !is_moved && !is_hanging) {
        a->next = m->engine->now + ph_retry_delay(m->engine, a->tries);
        ph_mapping_run(m);
        return;
    }
    if (a->purpose == PH_PURPOSE_DELETE) {
        ph_mapping_deleted(m, PORTHOLE_UPNP, error, 0);
        return;
    }
    ph_gateway_dead(g, PORTHOLE_UPNP, error, 0);
    /* The device may have restarted, perhaps at another port: it is searched for at once, and then
     * it is asked what it still knows. */
    if (m->state == PORTHOLE_SUCCESS) {
        m->is_unverified = true;
        m->is_overdue = a->purpose == PH_PURPOSE_RENEW;
        m->readback = PH_READBACK_NONE; /* what was made is no news any more */
    }
    if (m->state == PORTHOLE_SUCCESS || is_moved)
        ph_upnp_search_lost(g);
}

void ph_upnp_action_send(struct ph_mapping *m, struct ph_attempt *a) {
    struct ph_gateway *g = m->gateway;
    struct ph_upnp_client *u = &g->upnp;
    unsigned free_at = 0;
    while (free_at < PH_HTTP_WINDOW && u->exchanges[free_at].id != 0)
        free_at++;
    m->exchange = 0;
    if (free_at < PH_HTTP_WINDOW && u->phase == PH_UPNP_READY)
        m->exchange = post_action(m, a);
    if (m->exchange == 0) {
        /* Out of memory, or the device is gone: as if the exchange had failed, a moment later. */
        a->next = m->engine->now + PH_RETRY_FIRST;
        return;
    }
    u->exchanges[free_at].id = m->exchange;
    u->exchanges[free_at].mapping = m;
    char name[PH_MAPPING_NAME_SIZE];
    ph_trace(m->engine, PORTHOLE_LOG_TRACE, "%s: upnp %s sent, external port %u, try %u",
             ph_trace_mapping(m, name), action_of(m, a), a->port, a->tries);
}

static void free_exchange(struct ph_gateway *g, uint32_t exchange) {
    for (unsigned i = 0; i < PH_HTTP_WINDOW; i++)
        if (g->upnp.exchanges[i].id == exchange)
            g->upnp.exchanges[i].id = 0;
}

void ph_upnp_action_forget(struct ph_mapping *m) {
    if (m->exchange == 0)
        return;
    ph_effect_cancel(m->engine, m->exchange);
    free_exchange(m->gateway, m->exchange);
    m->exchange = 0;
}

/* ---- Answers --------------------------------------------------------------------------------- */

/* Asks at once for what the ladder has set: an answer came, so this is no retransmission. */
static void ask_next(struct ph_attempt *a) {
    a->tries = 0;
    ph_attempt_send(a);
}

static void refused_by_device(struct ph_mapping *m, struct ph_attempt *a, int error,
                              unsigned code) {
    /* What is held may have to be deleted, by its port. */
    if (!a->held)
        a->port = 0;
    else if (m->method == PORTHOLE_UPNP)
        a->port = m->external.port;
    a->port_tries = 0;
    ph_mapping_refused(m, PORTHOLE_UPNP, error, (int)code);
}

/* It knows nothing of such a port, or cannot tell. */
static void looked_in_vain(struct ph_mapping *m, struct ph_attempt *a) {
    bool is_before = m->upnp_step == PH_UPNP_STEP_LOOK_BEFORE;
    m->upnp_step = PH_UPNP_STEP_ADD;
    if (is_before || ph_upnp_ladder_taken(m, a))
        ask_next(a);
    else
        refused_by_device(m, a, PORTHOLE_ERR_PORT_TAKEN, PH_UPNP_CONFLICT);
}

static void looked(struct ph_mapping *m, struct ph_attempt *a,
                   const struct ph_soap_message *reply) {
    bool is_after = m->upnp_step == PH_UPNP_STEP_LOOK_AFTER;
    if (ph_upnp_readback_is_ours(m, a, reply)) {
        m->upnp_step = is_after ? PH_UPNP_STEP_CLEAR : PH_UPNP_STEP_ADD;
        ask_next(a);
    } else if (ph_upnp_ladder_taken(m, a)) {
        ask_next(a);
    } else {
        refused_by_device(m, a, PORTHOLE_ERR_PORT_TAKEN, is_after ? PH_UPNP_CONFLICT : 0);
    }
}

static void add_faulted(struct ph_mapping *m, struct ph_attempt *a, unsigned code) {
    if (code == PH_UPNP_CONFLICT && a->purpose == PH_PURPOSE_RENEW) {
        /* What is in the way may be the mapping itself; the way to a new one finds that out. */
        ph_attempt_answered(a, PH_ATTEMPT_IDLE);
        ph_mapping_lose(m, "its renewal is in conflict");
        ph_mapping_run(m);
    } else if (ph_upnp_ladder_next(m, a, code)) {
        ask_next(a);
    } else if (code == PH_UPNP_INVALID_ACTION &&
               m->engine->now >= m->gateway->methods[PORTHOLE_UPNP].asked + PH_HTTP_DEADLINE) {
        /* No such service has no such action: it may be another device than the one described. */
        action_failed(m, a, PORTHOLE_ERR_UNSUPPORTED, true);
    } else {
        refused_by_device(m, a, ph_upnp_error_error(code), code);
    }
}

static void action_faulted(struct ph_mapping *m, struct ph_attempt *a, unsigned code) {
    struct ph_upnp_facts *facts = m->gateway->upnp.facts;
    if (a->purpose == PH_PURPOSE_DELETE) {
        int error = code == PH_UPNP_NO_SUCH_ENTRY ? 0 : ph_upnp_error_error(code);
        ph_mapping_deleted(m, PORTHOLE_UPNP, error, error ? (int)code : 0);
    } else if (a->purpose == PH_PURPOSE_VERIFY && m->is_errand) {
        facts->has_no_query = code != PH_UPNP_NO_SUCH_ENTRY;
        ph_errand_verified(m, a, false);
    } else if (a->purpose == PH_PURPOSE_VERIFY) {
        ph_upnp_readback_faulted(m, a, code);
    } else if (m->upnp_step == PH_UPNP_STEP_ADD) {
        add_faulted(m, a, code);
    } else if (m->upnp_step == PH_UPNP_STEP_CLEAR && code == PH_UPNP_NO_SUCH_ENTRY) {
        m->upnp_step = PH_UPNP_STEP_ADD;
        ask_next(a);
    } else if (m->upnp_step == PH_UPNP_STEP_CONFIRM) {
        facts->has_no_query = true; /* also when it does not find what it has just made */
        tell_added(m);
    } else {
        if (m->upnp_step != PH_UPNP_STEP_CLEAR)
            facts->has_no_query |= code != PH_UPNP_NO_SUCH_ENTRY;
        looked_in_vain(m, a);
    }
}

/* Who leaves a mapping to its lease hears of it once, and is gone. */
static bool must_confirm(const struct ph_mapping *m, const struct ph_attempt *a) {
    return a->purpose == PH_PURPOSE_MAKE && (m->flags & PORTHOLE_LEASE) && !m->hidden &&
           !m->gateway->upnp.facts->has_no_query;
}

static void confirmed(struct ph_mapping *m, struct ph_attempt *a,
                      const struct ph_soap_message *reply) {
    tell_added(m);
    if (m->state != PORTHOLE_SUCCESS || m->method != PORTHOLE_UPNP)
        return;
    m->readback = PH_READBACK_MADE;
    ph_upnp_readback_told(m, a, reply);
}

static void added(struct ph_mapping *m, struct ph_attempt *a) {
    struct ph_gateway *g = m->gateway;
    bool is_renewal = a->purpose == PH_PURPOSE_RENEW;
    ph_upnp_ladder_done(m);
    if (must_confirm(m, a)) {
        a->held = true;
        m->upnp_step = PH_UPNP_STEP_CONFIRM;
        ask_next(a);
        return;
    }
    if (is_renewal)
        ph_upnp_search_readdress(g);
    tell_added(m);
    if (m->state != PORTHOLE_SUCCESS || m->method != PORTHOLE_UPNP || m->hidden ||
        (g->upnp.facts->has_no_query && !g->upnp.facts->is_query_odd))
        return;
    /* It is told as made; whether it is so is looked at behind that. */
    m->readback = is_renewal ? PH_READBACK_RENEWED : PH_READBACK_MADE;
    m->is_unverified = true;
    ph_mapping_run(m);
}

/* Not even a fault: a status page, another dialect, or a device that is not what it said. */
static void action_garbled(struct ph_mapping *m, struct ph_attempt *a, unsigned status, int error) {
    if (is_adding(a) && status >= 400 && a->tries < PH_TRIES_MAX && ph_upnp_ladder_dialect(m) &&
        a->tries == 1)
        ph_attempt_send(a);
    else
        action_failed(m, a, error, status == 404);
}

static void action_succeeded(struct ph_mapping *m, struct ph_attempt *a,
                             const struct ph_soap_message *reply) {
    if (a->purpose == PH_PURPOSE_DELETE) {
        ph_mapping_deleted(m, PORTHOLE_UPNP, 0, 0);
    } else if (a->purpose == PH_PURPOSE_VERIFY && m->is_errand) {
        ph_errand_verified(m, a, ph_upnp_readback_is_ours(m, a, reply));
    } else if (a->purpose == PH_PURPOSE_VERIFY) {
        ph_upnp_readback_told(m, a, reply);
    } else if (m->upnp_step == PH_UPNP_STEP_ADD) {
        added(m, a);
    } else if (m->upnp_step == PH_UPNP_STEP_CLEAR) {
        m->upnp_step = PH_UPNP_STEP_ADD;
        ask_next(a);
    } else if (m->upnp_step == PH_UPNP_STEP_CONFIRM) {
        confirmed(m, a, reply);
    } else {
        looked(m, a, reply);
    }
}

void ph_upnp_action_reply(struct ph_gateway *g, struct ph_mapping *m,
                          const struct ph_http_message *message) {
    struct ph_attempt *a = &m->attempts[PORTHOLE_UPNP - 1];
    struct ph_soap_message reply;
    free_exchange(g, m->exchange);
    m->exchange = 0;
    g->methods[PORTHOLE_UPNP].heard = m->engine->now;
    int error = ph_soap_decode(message->body, &reply);
    if (error < 0)
        action_garbled(m, a, message->status, error);
    else if (reply.error_code)
        action_faulted(m, a, reply.error_code);
    else if (message->status != 200)
        action_garbled(m, a, message->status, PORTHOLE_ERR_REFUSED);
    else
        action_succeeded(m, a, &reply);
}

void ph_upnp_action_failed(struct ph_gateway *g, struct ph_mapping *m, int error) {
    struct ph_attempt *a = &m->attempts[PORTHOLE_UPNP - 1];
    free_exchange(g, m->exchange);
    m->exchange = 0;
    action_failed(m, a, error, error == PORTHOLE_ERR_PORT_CLOSED);
}
