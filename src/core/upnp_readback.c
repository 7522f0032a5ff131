/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * upnp_readback.c: what GetSpecificPortMappingEntry tells of a mapping that the device says it
 * made: whether it is there, whether it leads to our port, who has it, and how long it will last.
 * It is asked once after a mapping was made or renewed, behind the event that tells of it, and at
 * each recheck. Another host's mapping is never overwritten nor deleted.
 */
#include "core/state.h"
#include "wire/soap.h"

/* An answer is rounded, and a moment old; but of a short lease that is much. */
#define SLACK_S 10U
#define SLACK_LEAST_S 2U

enum owner { OWNER_US, OWNER_US_FORCED, OWNER_OTHER };

/* Whether this client has it that the port leads to: then it does not show what the device does. */
static bool is_of_another(const struct ph_mapping *m, uint16_t internal_port) {
    struct ph_node *node =
        ph_table_find(&m->engine->by_port, ph_mapping_port_key(m->protocol, internal_port));
    for (; node; node = ph_table_find_next(node))
        if (PH_CONTAINER(node, struct ph_mapping, by_port)->gateway == m->gateway)
            return true;
    return false;
}

/* A value that is missing or makes no sense proves nothing. */
static enum owner owner_of(const struct ph_mapping *m, const struct ph_attempt *a,
                           const struct ph_soap_message *entry) {
    const char *client = ph_soap_value(entry, "NewInternalClient");
    const char *port = ph_soap_value(entry, "NewInternalPort");
    struct ph_addr addr;
    uint64_t number;
    if (client && ph_addr_parse(ph_span_trim(ph_span_of(client)), &addr) &&
        !ph_addr_equal(&addr, &m->gateway->path.source))
        return OWNER_OTHER;
    if (!port || !ph_span_to_u64(ph_span_trim(ph_span_of(port)), 65535, &number) ||
        number == m->internal_port)
        return OWNER_US;
    return number == a->port && !is_of_another(m, a->port) ? OWNER_US_FORCED : OWNER_OTHER;
}

bool ph_upnp_readback_is_ours(const struct ph_mapping *m, const struct ph_attempt *a,
                              const struct ph_soap_message *entry) {
    return owner_of(m, a, entry) == OWNER_US;
}

/* `asked` is when the question was sent that this answers. */
static void shorten_lease(struct ph_mapping *m, uint32_t left_s, ph_us asked) {
    m->expires = asked + PH_SECONDS(left_s);
    ph_us renew = asked + ph_retry_renewal(m->engine, PH_SECONDS(left_s));
    if (!(m->flags & PORTHOLE_LEASE) && renew < m->renew)
        m->renew = renew;
}

/* Believed is what is told; 0 is what devices say that do not tell. */
static void judge_lease(struct ph_mapping *m, unsigned told_s, unsigned readback, ph_us asked) {
    struct ph_upnp_facts *facts = m->gateway->upnp.facts;
    ph_us now = m->engine->now;
    if (told_s == 0 || now >= m->expires)
        return;
    uint64_t believed_s =
        m->expires == PH_NEVER ? UINT64_MAX / 2 : (m->expires - now) / PH_SECONDS(1);
    uint64_t slack_s = SLACK_LEAST_S + believed_s / 8;
    if (told_s + (slack_s < SLACK_S ? slack_s : SLACK_S) + told_s / 16 >= believed_s) {
        if (readback && told_s > facts->lease_cap_s + SLACK_S)
            facts->lease_cap_s = 0; /* it grants more than it did */
        return;
    }
    if (readback == PH_READBACK_RENEWED && m->expires != PH_NEVER) {
        ph_mapping_remake(m, PORTHOLE_UPNP, "its lease was not extended");
        return;
    }
    if (readback == PH_READBACK_MADE) {
        facts->lease_cap_s = told_s;
        m->granted_s = told_s;
    }
    shorten_lease(m, told_s, asked);
}

static uint32_t lease_of(const struct ph_soap_message *entry) {
    const char *text = ph_soap_value(entry, "NewLeaseDuration");
    uint64_t lease_s;
    bool is_told = text && ph_span_to_u64(ph_span_trim(ph_span_of(text)), UINT32_MAX, &lease_s);
    return is_told ? (uint32_t)lease_s : 0;
}

/* It gave the port to another host, or never took it from one. */
static void taken_by_other(struct ph_mapping *m, struct ph_attempt *a) {
    m->gateway->upnp.facts->overwrites = true;
    ph_mapping_lose(m, "another mapping is in its place");
    a->held = a->touched = false;
}

void ph_upnp_readback_told(struct ph_mapping *m, struct ph_attempt *a,
                           const struct ph_soap_message *entry) {
    unsigned readback = m->readback;
    struct ph_upnp_facts *facts = m->gateway->upnp.facts;
    facts->has_no_query &= !facts->is_query_odd; /* it has found one after all */
    facts->is_query_odd = false;
    m->readback = PH_READBACK_NONE;
    m->is_unverified = false;
    ph_attempt_answered(a, PH_ATTEMPT_IDLE);
    ph_us asked = a->sent;
    switch (owner_of(m, a, entry)) {
    case OWNER_US:
        judge_lease(m, lease_of(entry), readback, asked);
        break;
    case OWNER_US_FORCED:
        facts->has_same_port = true;
        ph_mapping_remake(m, PORTHOLE_UPNP, "it leads to another port of this host");
        break;
    case OWNER_OTHER:
        taken_by_other(m, a);
        break;
    }
    ph_mapping_run(m);
}

void ph_upnp_readback_faulted(struct ph_mapping *m, struct ph_attempt *a, unsigned code) {
    struct ph_upnp_facts *facts = m->gateway->upnp.facts;
    unsigned readback = m->readback;
    m->readback = PH_READBACK_NONE;
    ph_attempt_answered(a, PH_ATTEMPT_IDLE);
    /* One that does not find what it has just made cannot be asked: by its own word it is there. It
     * is made to say so again at each recheck, and asked behind that whether it finds it now: it
     * may have restarted in between. */
    if (code != PH_UPNP_NO_SUCH_ENTRY || readback != PH_READBACK_NONE) {
        facts->is_query_odd |= code == PH_UPNP_NO_SUCH_ENTRY && !facts->has_no_query;
        facts->has_no_query = true;
    } else {
        ph_mapping_lose(m, "the gateway forgot it");
        a->held = a->touched = false; /* nothing is left to delete */
    }
    if (m->state != PORTHOLE_SUCCESS)
        ph_recheck_others(m->gateway);
    m->is_unverified = facts->has_no_query && readback == PH_READBACK_NONE;
    ph_mapping_run(m);
}
