/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * errand.c: removing what this host was granted and no mapping of this engine stands for: the lease
 * of an earlier process, or all of a protocol's. An errand is a mapping that is being removed from
 * its beginning. Every method is asked, and none is believed to have held what another refuses to
 * give up. UPnP lets anybody delete anything, so only entries of this host's own address are.
 */
#include "core/state.h"
#include "wire/pcp.h"

/* Times that the list is read once more, after one that changed while it was. */
#define LISTS_MORE_MAX 2U

/* The method has said all it will: error 0 = nothing is there any more. */
static void conclude(struct ph_attempt *a, int error, int code) {
    a->error = (int16_t)error;
    a->code = (uint16_t)code;
    ph_attempt_drop(a, PH_ATTEMPT_REFUSED);
}

static bool is_for_all(const struct ph_mapping *m) { return m->internal_port == 0; }

int ph_errand_new(struct ph_engine *e, porthole_id id, const struct ph_map_request *request) {
    uint64_t key = ph_mapping_port_key(request->protocol, request->internal_port);
    const struct ph_link *lists[] = {&e->homeless, e->gateway ? &e->gateway->mappings : NULL};
    for (unsigned i = 0; i < 2 && lists[i]; i++) {
        for (struct ph_link *at = lists[i]->next; at != lists[i]; at = at->next) {
            const struct ph_mapping *other = PH_CONTAINER(at, struct ph_mapping, in_gateway);
            bool is_same = request->internal_port ? other->by_port.key == key
                                                  : other->protocol == request->protocol;
            if (is_same && !other->hidden)
                return PORTHOLE_ERR_EXISTS;
        }
    }
    struct ph_map_request asked = *request;
    if (asked.methods == 0)
        asked.methods = e->config.methods;
    if (asked.internal_port == 0)
        /* A PCP server deletes by a nonce, which is each mapping's own (RFC 6887 §15). */
        asked.methods &= ~PORTHOLE_USE_PCP;
    if (asked.methods == 0)
        return PORTHOLE_ERR_UNSUPPORTED;
    struct ph_mapping *m;
    int error = ph_mapping_new(e, id, &asked, false, &m);
    if (error < 0)
        return error;
    e->count--; /* no mapping: it is being removed */
    m->is_errand = true;
    ph_mapping_move(m, PORTHOLE_DESTROYING);
    ph_mapping_run(m);
    return 0;
}

/* ---- Asking ---------------------------------------------------------------------------------- */

/* For entries behind the port that the attempt has come to. */
static void wait_for_list(struct ph_mapping *m, struct ph_attempt *a) {
    ph_attempt_drop(a, PH_ATTEMPT_QUEUED);
    ph_link_init(&a->link);
    a->purpose = PH_PURPOSE_LIST;
    if (!ph_listing_want(m->gateway))
        conclude(a, PORTHOLE_ERR_NO_MEMORY, 0);
}

static void begin_list(struct ph_mapping *m, struct ph_attempt *a) {
    a->port = 0;
    wait_for_list(m, a);
}

static void start_upnp(struct ph_mapping *m, struct ph_attempt *a) {
    a->port = m->wished_port;
    if (a->port && !m->gateway->upnp.facts->has_no_query)
        ph_attempt_start(a, PH_PURPOSE_VERIFY);
    else
        begin_list(m, a);
}

/* Whether the method has said all it will. */
static bool ask(struct ph_mapping *m, enum porthole_method method) {
    struct ph_gateway *g = m->gateway;
    struct ph_attempt *a = &m->attempts[method - 1];
    const struct ph_method *status = &g->methods[method];
    if (!(m->methods & 1U << method) || a->state == PH_ATTEMPT_REFUSED)
        return true;
    ph_gateway_ask(g, method);
    if (status->state == PH_METHOD_DEAD) {
        conclude(a, status->error, status->code);
        return true;
    }
    bool is_open = status->state == PH_METHOD_ALIVE || method == PORTHOLE_PCP;
    if (!is_open || a->state != PH_ATTEMPT_IDLE)
        return false;
    if (method == PORTHOLE_UPNP)
        start_upnp(m, a);
    else
        ph_attempt_start(a, PH_PURPOSE_DELETE);
    /* The answer is looked for at what may have been granted. */
    a->touched = true;
    return false;
}

static void retransmit_errand(struct ph_mapping *m, struct ph_attempt *a) {
    ph_us now = m->engine->now;
    if (a->state != PH_ATTEMPT_ASKED)
        return;
    bool is_late = now >= a->first_sent + m->engine->config.mapping_timeout;
    bool is_due = now >= a->next;
    /* A method that has not spoken yet is given up by its own verdict. */
    bool is_vain = is_due && a->tries >= PH_TRIES_MAX &&
                   m->gateway->methods[a->method].state == PH_METHOD_ALIVE;
    if (is_late || is_vain)
        conclude(a, PORTHOLE_ERR_TIMEOUT, 0);
    else if (is_due)
        ph_attempt_send(a);
}

void ph_errand_run(struct ph_mapping *m) {
    bool is_done = true;
    for (unsigned i = PORTHOLE_PCP; i <= PORTHOLE_UPNP && m->gateway; i++) {
        retransmit_errand(m, &m->attempts[i - 1]);
        if (!ask(m, (enum porthole_method)i))
            is_done = false;
    }
    if (is_done)
        ph_mapping_finish(m);
}

bool ph_errand_wants(const struct ph_mapping *m, enum porthole_method method) {
    return (m->methods & 1U << method) && m->attempts[method - 1].state != PH_ATTEMPT_REFUSED;
}

/* ---- Answers --------------------------------------------------------------------------------- */

static bool is_wanted_entry(const struct ph_mapping *m, const struct ph_portlist_entry *entry) {
    return (is_for_all(m) || entry->internal_port == m->internal_port) &&
           (m->wished_port == 0 || m->wished_port == entry->external_port);
}

/* The next entry of this host, by the address that the errand is asked from, or the end. */
static void look_on(struct ph_mapping *m, struct ph_attempt *a) {
    const struct ph_listing *l = m->gateway->listing;
    const struct ph_portlist_entry *entry;
    unsigned above = a->port;
    do {
        entry = ph_listing_next(m->gateway, m->protocol, &m->gateway->path.source, above);
        above = entry ? entry->external_port : above;
    } while (entry && !is_wanted_entry(m, entry));
    if (entry) {
        a->port = entry->external_port;
        ph_attempt_start(a, PH_PURPOSE_DELETE);
    } else if (l->error) {
        conclude(a, l->error, l->code);
    } else if (l->flags & PORTHOLE_LIST_CUT) {
        conclude(a, PORTHOLE_ERR_TOO_LARGE, 0);
    } else if ((l->flags & PORTHOLE_LIST_CHANGED) && m->failures < LISTS_MORE_MAX) {
        m->failures++; /* an errand has no others */
        begin_list(m, a);
    } else {
        conclude(a, 0, 0);
    }
}

void ph_errand_listed(struct ph_mapping *m) {
    struct ph_attempt *a = &m->attempts[PORTHOLE_UPNP - 1];
    if (a->purpose != PH_PURPOSE_LIST || a->state != PH_ATTEMPT_QUEUED)
        return;
    ph_attempt_drop(a, PH_ATTEMPT_IDLE);
    look_on(m, a);
    ph_mapping_run(m);
}

/* miniupnpd says NO_RESOURCES when there is nothing to delete, where RFC 6887 §15 wants success;
 * some say so of what is there. To tell the two apart, it is made, for the shortest time, and
 * deleted. */
static bool must_make_first(struct ph_attempt *a, int error) {
    if (a->method != PORTHOLE_PCP || error != PORTHOLE_ERR_NO_RESOURCES || a->port_tries > 0)
        return false;
    a->port_tries++;
    return true;
}

void ph_errand_shortened(struct ph_mapping *m, struct ph_attempt *a, uint32_t left_s) {
    ph_attempt_answered(a, PH_ATTEMPT_IDLE);
    if (left_s > 0)
        ph_attempt_start(a, PH_PURPOSE_DELETE);
    else
        conclude(a, PORTHOLE_ERR_NO_RESOURCES, PH_PCP_NO_RESOURCES);
    ph_mapping_run(m);
}

void ph_errand_deleted(struct ph_mapping *m, struct ph_attempt *a, int error, int code) {
    ph_attempt_answered(a, PH_ATTEMPT_IDLE);
    if (must_make_first(a, error)) {
        ph_attempt_start(a, PH_PURPOSE_SHORTEN);
        ph_mapping_run(m);
        return;
    }
    if (error == 0) {
        a->held = true; /* it was here, and is no more */
        m->method = a->method;
        if (a->method == PORTHOLE_UPNP)
            m->external.port = a->port;
    } else {
        m->error = (int16_t)error;
        m->error_method = a->method;
        m->code = (uint16_t)code;
    }
    bool is_by_list = a->method == PORTHOLE_UPNP && m->wished_port == 0;
    if (is_by_list && ph_listing_is_wanted(m->gateway))
        wait_for_list(m, a);
    else if (is_by_list)
        look_on(m, a);
    else
        conclude(a, error, code);
    ph_mapping_run(m);
}

void ph_errand_verified(struct ph_mapping *m, struct ph_attempt *a, bool is_ours) {
    ph_attempt_answered(a, PH_ATTEMPT_IDLE);
    if (m->gateway->upnp.facts->has_no_query) {
        begin_list(m, a);
    } else if (is_ours) {
        ph_attempt_start(a, PH_PURPOSE_DELETE);
    } else {
        conclude(a, 0, 0);
    }
    ph_mapping_run(m);
}

/* ---- The end --------------------------------------------------------------------------------- */

/* Whether the method is there and did not do it; else it holds nothing. */
static bool is_in_doubt(const struct ph_mapping *m, const struct ph_attempt *a) {
    bool is_there = m->gateway->methods[a->method].state == PH_METHOD_ALIVE ||
                    a->error == PORTHOLE_ERR_NO_UPLINK;
    bool is_open = a->state != PH_ATTEMPT_REFUSED && a->touched;
    bool is_refused = a->state == PH_ATTEMPT_REFUSED && a->error != 0;
    return is_there && (is_open || is_refused);
}

enum porthole_fate ph_errand_judge(struct ph_mapping *m) {
    bool is_removed = false;
    bool is_doubtful = m->error != 0; /* an entry of a list was refused */
    bool has_answered = is_doubtful;
    for (unsigned i = 0; i < 3 && m->gateway; i++) {
        const struct ph_attempt *a = &m->attempts[i];
        has_answered |= a->state == PH_ATTEMPT_REFUSED && a->error == 0;
        is_removed |= a->held;
        if (!is_in_doubt(m, a))
            continue;
        is_doubtful = has_answered = true;
        m->error = a->error ? a->error : PORTHOLE_ERR_TIMEOUT;
        m->error_method = a->method;
        m->code = a->code;
    }
    if (!has_answered && m->gateway && !m->engine->is_offline)
        m->error = PORTHOLE_ERR_NO_GATEWAY;
    else if (!has_answered)
        m->error = (int16_t)m->engine->network_error;
    if (is_doubtful)
        return PORTHOLE_FATE_EXPIRES;
    return is_removed ? PORTHOLE_FATE_REMOVED : PORTHOLE_FATE_NONE;
}
