/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * upnp_action.c: the SOAP actions of WANIPConnection and WANPPPConnection that make and remove
 * mappings, and what their faults mean: another port after 718, a lease without end after 725.
 */
#include <stdio.h>
#include <string.h>

#include "core/state.h"
#include "wire/soap.h"

uint32_t ph_upnp_action_post(struct ph_gateway *g, const char *type, const char *action,
                             const struct ph_soap_argument *arguments, size_t count,
                             ph_us deadline) {
    char body[PH_SOAP_BODY_SIZE];
    char soap_action[PH_IGD_TYPE_SIZE + PH_SOAP_NAME_SIZE + 2];
    uint8_t bytes[PH_SOAP_BODY_SIZE + 2048];
    int body_len = ph_soap_encode_request(type, action, arguments, count, body, sizeof body);
    snprintf(soap_action, sizeof soap_action, "%s#%s", type, action);
    if (body_len < 0)
        return 0;
    struct ph_http_request request = {
        .method = "POST",
        .url = &g->upnp.control,
        .soap_action = soap_action,
        .body = {body, (size_t)body_len},
    };
    int len = ph_http_encode_request(&request, bytes, sizeof bytes);
    if (len < 0)
        return 0;
    return ph_effect_http(g, &g->upnp.control.host, bytes, (size_t)len, deadline);
}

static const char *service_type(const struct ph_gateway *g) {
    return g->upnp.description->services[g->upnp.service].type;
}

static uint32_t post_add(struct ph_mapping *m, struct ph_attempt *a, ph_us deadline) {
    struct ph_gateway *g = m->gateway;
    char external[8];
    char internal[8];
    char lease[12];
    char client[PH_ADDR_TEXT_SIZE];
    if (a->port == 0)
        a->port = m->external.port ? m->external.port : m->wished_port;
    snprintf(external, sizeof external, "%u", a->port);
    snprintf(internal, sizeof internal, "%u", m->internal_port);
    snprintf(lease, sizeof lease, "%u", g->upnp.permanent_only ? 0U : (unsigned)m->lifetime_s);
    /* Upper-case protocol and a description that is never empty: some gateways refuse anything
     * else. */
    const struct ph_soap_argument arguments[] = {
        {"NewRemoteHost", ""},
        {"NewExternalPort", external},
        {"NewProtocol", m->protocol == PORTHOLE_TCP ? "TCP" : "UDP"},
        {"NewInternalPort", internal},
        {"NewInternalClient", ph_addr_format(&g->path.source, client)},
        {"NewEnabled", "1"},
        {"NewPortMappingDescription", m->description ? m->description : "porthole"},
        {"NewLeaseDuration", lease},
    };
    return ph_upnp_action_post(g, service_type(g), "AddPortMapping", arguments, 8, deadline);
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
    return ph_upnp_action_post(g, service_type(g), action, arguments, 3, deadline);
}

static uint32_t post_by_index(struct ph_mapping *m, struct ph_attempt *a, ph_us deadline) {
    char index[12];
    snprintf(index, sizeof index, "%u", (unsigned)a->index);
    const struct ph_soap_argument arguments[] = {{"NewPortMappingIndex", index}};
    return ph_upnp_action_post(m->gateway, service_type(m->gateway), "GetGenericPortMappingEntry",
                               arguments, 1, deadline);
}

static const char *action_of(const struct ph_attempt *a) {
    switch ((enum ph_purpose)a->purpose) {
    case PH_PURPOSE_DELETE:
        return "DeletePortMapping";
    case PH_PURPOSE_VERIFY:
        return "GetSpecificPortMappingEntry";
    case PH_PURPOSE_LIST:
        return "GetGenericPortMappingEntry";
    case PH_PURPOSE_MAKE:
    case PH_PURPOSE_RENEW:
        break;
    }
    return "AddPortMapping";
}

static uint32_t post_action(struct ph_mapping *m, struct ph_attempt *a) {
    ph_us deadline = m->engine->now + PH_HTTP_DEADLINE;
    if (a->purpose == PH_PURPOSE_LIST)
        return post_by_index(m, a, deadline);
    if (a->purpose == PH_PURPOSE_DELETE || a->purpose == PH_PURPOSE_VERIFY)
        return post_by_port(m, a, action_of(a), deadline);
    return post_add(m, a, deadline);
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
    a->exchange = 0;
    if (free_at < PH_HTTP_WINDOW && u->phase == PH_UPNP_READY)
        a->exchange = post_action(m, a);
    if (a->exchange == 0) {
        /* Out of memory, or the device is gone: as if the exchange had failed, a moment later. */
        a->next = m->engine->now + PH_RETRY_FIRST;
        return;
    }
    u->exchanges[free_at].id = a->exchange;
    u->exchanges[free_at].mapping = m;
    char name[PH_MAPPING_NAME_SIZE];
    ph_trace(m->engine, PORTHOLE_LOG_TRACE, "%s: upnp %s sent, external port %u, try %u",
             ph_trace_mapping(m, name), action_of(a), a->port, a->tries);
}

static void free_exchange(struct ph_gateway *g, uint32_t exchange) {
    for (unsigned i = 0; i < PH_HTTP_WINDOW; i++)
        if (g->upnp.exchanges[i].id == exchange)
            g->upnp.exchanges[i].id = 0;
}

void ph_upnp_action_forget(struct ph_mapping *m, struct ph_attempt *a) {
    if (a->exchange == 0)
        return;
    ph_effect_cancel(m->engine, a->exchange);
    free_exchange(m->gateway, a->exchange);
    a->exchange = 0;
}

/* What a read-back tells; also nothing at all, when the device has no such action. */
static void verified(struct ph_mapping *m, struct ph_attempt *a, bool is_there) {
    if (m->is_errand) {
        ph_errand_verified(m, a, is_there);
        return;
    }
    ph_attempt_answered(a, PH_ATTEMPT_IDLE);
    m->is_unverified = m->gateway->upnp.has_no_query;
    if (!is_there) {
        ph_mapping_lose(m, "the gateway forgot it");
        ph_recheck_others(m->gateway);
    }
    ph_mapping_run(m);
}

/* Whether an entry is this mapping, and not another host's that took its place. */
static bool is_entry_of(const struct ph_mapping *m, const struct ph_soap_message *entry) {
    const char *client = ph_soap_value(entry, "NewInternalClient");
    const char *port = ph_soap_value(entry, "NewInternalPort");
    struct ph_addr addr;
    uint64_t number;
    /* A value that is missing or makes no sense proves nothing. */
    if (client && ph_addr_parse(ph_span_trim(ph_span_of(client)), &addr) &&
        !ph_addr_equal(&addr, &m->gateway->path.source))
        return false;
    return !port || !ph_span_to_u64(ph_span_trim(ph_span_of(port)), 65535, &number) ||
           number == m->internal_port;
}

static void action_faulted(struct ph_mapping *m, struct ph_attempt *a, unsigned code) {
    struct ph_engine *e = m->engine;
    struct ph_gateway *g = m->gateway;
    bool is_conflict = code == PH_UPNP_CONFLICT || code == PH_UPNP_CONFLICT_OTHER_MECHANISM;
    if (a->purpose == PH_PURPOSE_DELETE) {
        int error = code == PH_UPNP_NO_SUCH_ENTRY ? 0 : ph_upnp_error_error(code);
        ph_mapping_deleted(m, PORTHOLE_UPNP, error, error ? (int)code : 0);
    } else if (a->purpose == PH_PURPOSE_LIST) {
        ph_errand_unlisted(m, a, code);
    } else if (a->purpose == PH_PURPOSE_VERIFY) {
        g->upnp.has_no_query = code != PH_UPNP_NO_SUCH_ENTRY;
        verified(m, a, g->upnp.has_no_query);
    } else if (code == PH_UPNP_PERMANENT_LEASES_ONLY && !g->upnp.permanent_only) {
        g->upnp.permanent_only = true;
        ph_attempt_send(a);
    } else if (is_conflict && a->purpose == PH_PURPOSE_MAKE && !(m->flags & PORTHOLE_EXACT_PORT) &&
               a->port_tries < PH_PORT_TRIES_MAX) {
        a->port_tries++;
        a->port = (uint16_t)(1024 + ph_random_below(&e->config.random, 65536 - 1024));
        ph_attempt_send(a);
    } else {
        a->port = a->port_tries = 0;
        ph_mapping_refused(m, PORTHOLE_UPNP, ph_upnp_error_error(code), (int)code);
    }
}

void ph_upnp_action_reply(struct ph_gateway *g, struct ph_mapping *m,
                          const struct ph_http_message *message) {
    struct ph_attempt *a = &m->attempts[PORTHOLE_UPNP - 1];
    struct ph_soap_message reply;
    free_exchange(g, a->exchange);
    a->exchange = 0;
    g->methods[PORTHOLE_UPNP].heard = m->engine->now;
    int error = ph_soap_decode(message->body, &reply);
    if (error < 0) {
        /* No SOAP at all: a status page, or a device that is not what it said. */
        action_failed(m, a, error, message->status == 404);
    } else if (reply.error_code) {
        action_faulted(m, a, reply.error_code);
    } else if (message->status != 200) {
        action_failed(m, a, PORTHOLE_ERR_REFUSED, message->status == 404);
    } else if (a->purpose == PH_PURPOSE_DELETE) {
        ph_mapping_deleted(m, PORTHOLE_UPNP, 0, 0);
    } else if (a->purpose == PH_PURPOSE_LIST) {
        ph_errand_listed(m, a, &reply);
    } else if (a->purpose == PH_PURPOSE_VERIFY) {
        verified(m, a, is_entry_of(m, &reply));
    } else {
        struct ph_endpoint external = {g->upnp.external, a->port};
        uint32_t lease_s = g->upnp.permanent_only ? 0 : m->lifetime_s;
        if (a->purpose == PH_PURPOSE_RENEW)
            ph_upnp_search_readdress(g);
        ph_mapping_granted(m, PORTHOLE_UPNP, lease_s, &external);
    }
}

void ph_upnp_action_failed(struct ph_gateway *g, struct ph_mapping *m, int error) {
    struct ph_attempt *a = &m->attempts[PORTHOLE_UPNP - 1];
    free_exchange(g, a->exchange);
    a->exchange = 0;
    action_failed(m, a, error, error == PORTHOLE_ERR_PORT_CLOSED);
}
