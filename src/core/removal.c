/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * removal.c: giving a port back. Whatever method may have made something is asked to delete it: the
 * one that holds the mapping until it confirms, one that was asked and never answered by a single
 * request. The end is told once, with what became of the mapping on the gateway.
 */
#include "core/state.h"

/* Whether the gateway would take a delete of one for a delete of the other. PCP and NAT-PMP tell
 * two local addresses apart; UPnP knows external ports only. */
static bool is_one_to_gateway(const struct ph_mapping *m, const struct ph_mapping *other) {
    return ph_addr_equal(&m->ends->gateway, &other->ends->gateway) &&
           (ph_addr_equal(&m->ends->source, &other->ends->source) ||
            other->attempts[PORTHOLE_UPNP - 1].held);
}

/* A mapping of the same port that is being removed must be gone first: its delete would take the
 * new one along. So must a probe's, which is about to be removed, and a removal of all ports. */
bool ph_mapping_has_predecessor(const struct ph_mapping *m) {
    const uint64_t keys[] = {m->by_port.key, ph_mapping_port_key(m->protocol, 0)};
    for (unsigned i = 0; i < 2; i++) {
        struct ph_node *node = ph_table_find(&m->engine->by_port, keys[i]);
        for (; node; node = ph_table_find_next(node)) {
            const struct ph_mapping *other = PH_CONTAINER(node, struct ph_mapping, by_port);
            if (other != m && (other->state == PORTHOLE_DESTROYING || other->hidden) &&
                is_one_to_gateway(m, other))
                return true;
        }
    }
    return false;
}

static bool is_being_deleted(const struct ph_attempt *a) {
    return (a->purpose == PH_PURPOSE_DELETE || a->purpose == PH_PURPOSE_SHORTEN) &&
           (a->state == PH_ATTEMPT_QUEUED || a->state == PH_ATTEMPT_ASKED);
}

/* At a port that was only looked at there is nothing of ours, but perhaps somebody else's: what is
 * deleted is what was held before it, when that is known. */
static void aim_delete(struct ph_mapping *m, struct ph_attempt *a) {
    if (m->upnp_step != PH_UPNP_STEP_LOOK_BEFORE && m->upnp_step != PH_UPNP_STEP_LOOK_AFTER)
        return;
    a->held &= m->method == PORTHOLE_UPNP;
    a->touched = a->held;
    a->port = m->external.port;
}

static void delete_by(struct ph_mapping *m, struct ph_attempt *a) {
    struct ph_gateway *g = m->gateway;
    bool is_alive = g->methods[a->method].state == PH_METHOD_ALIVE;
    bool is_ready = a->method != PORTHOLE_UPNP || g->upnp.phase == PH_UPNP_READY;
    ph_attempt_drop(a, PH_ATTEMPT_IDLE);
    a->error = 0;
    if (a->method == PORTHOLE_UPNP)
        aim_delete(m, a);
    if (!is_ready || !a->touched)
        return;
    if (a->held || is_alive) {
        ph_attempt_start(a, PH_PURPOSE_DELETE);
        return;
    }
    /* Nothing was ever heard, so nothing is waited for. */
    a->purpose = PH_PURPOSE_DELETE;
    a->tries = 1;
    if (a->method == PORTHOLE_PCP)
        ph_pcp_client_send(m, a);
    else if (a->method == PORTHOLE_NATPMP)
        ph_natpmp_client_send(m, a);
}

void ph_mapping_unmap(struct ph_mapping *m) {
    struct ph_engine *e = m->engine;
    if (m->state == PORTHOLE_DESTROYING || m->state == PORTHOLE_DESTROYED)
        return;
    ph_mapping_move(m, PORTHOLE_DESTROYING);
    ph_link_remove(&m->in_events); /* what it was is of no interest any more */
    e->count -= m->hidden ? 0 : 1;
    m->retry = 0;
    bool is_left = e->is_stopping && (m->flags & PORTHOLE_LEASE);
    for (unsigned i = 0; i < 3 && m->gateway; i++) {
        if (is_left)
            ph_attempt_drop(&m->attempts[i], PH_ATTEMPT_IDLE);
        else
            delete_by(m, &m->attempts[i]);
    }
    ph_mapping_run(m);
}

void ph_mapping_deleted(struct ph_mapping *m, enum porthole_method method, int error, int code) {
    struct ph_attempt *a = &m->attempts[method - 1];
    if (a->purpose != PH_PURPOSE_DELETE || a->state != PH_ATTEMPT_ASKED)
        return;
    if (m->is_errand) {
        ph_errand_deleted(m, a, error, code);
        return;
    }
    if (error == 0) {
        a->held = a->touched = false;
    } else if (m->state == PORTHOLE_DESTROYING) {
        m->error = (int16_t)error;
        m->error_method = (uint8_t)method;
        m->code = (uint16_t)code;
    }
    /* The RFC knows of no such refusal; but a lease that ends soon is nearly as good. */
    if (error == PORTHOLE_ERR_NO_RESOURCES && method == PORTHOLE_PCP &&
        m->state == PORTHOLE_DESTROYING) {
        ph_attempt_answered(a, PH_ATTEMPT_IDLE);
        ph_attempt_start(a, PH_PURPOSE_SHORTEN);
        ph_mapping_run(m);
        return;
    }
    ph_attempt_answered(a, a->error ? PH_ATTEMPT_REFUSED : PH_ATTEMPT_IDLE);
    a->purpose = PH_PURPOSE_MAKE;
    ph_mapping_run(m);
}

void ph_mapping_shortened(struct ph_mapping *m, enum porthole_method method, uint32_t left_s) {
    struct ph_attempt *a = &m->attempts[method - 1];
    ph_us expires = m->engine->now + PH_SECONDS(left_s);
    if (a->purpose != PH_PURPOSE_SHORTEN || a->state != PH_ATTEMPT_ASKED)
        return;
    if (m->is_errand) {
        ph_errand_shortened(m, a, left_s);
        return;
    }
    if (left_s > 0 && expires < m->expires) {
        m->expires = expires;
        m->granted_s = left_s;
    }
    ph_attempt_answered(a, PH_ATTEMPT_IDLE);
    ph_mapping_run(m);
}

void ph_mapping_run_removal(struct ph_mapping *m) {
    bool is_waiting = false;
    for (unsigned i = 0; i < 3 && m->gateway; i++) {
        struct ph_attempt *a = &m->attempts[i];
        if (a->state == PH_ATTEMPT_ASKED && m->engine->now >= a->next) {
            if (a->tries < PH_TRIES_MAX)
                ph_attempt_send(a);
            else
                ph_attempt_drop(a, PH_ATTEMPT_IDLE);
        }
        is_waiting |= is_being_deleted(a);
    }
    if (!is_waiting)
        ph_mapping_finish(m);
}

static enum porthole_fate judge_fate(struct ph_mapping *m) {
    if (m->is_errand)
        return ph_errand_judge(m);
    for (unsigned i = 0; i < 3 && m->gateway; i++) {
        const struct ph_attempt *a = &m->attempts[i];
        bool may_hold = a->held || (a->touched && m->gateway->methods[a->method].heard);
        if (may_hold && m->engine->now < m->expires)
            return m->granted_s || !a->held ? PORTHOLE_FATE_EXPIRES : PORTHOLE_FATE_LEFT;
    }
    bool was_made = m->method != PORTHOLE_NONE && m->method != PORTHOLE_DIRECT;
    return was_made ? PORTHOLE_FATE_REMOVED : PORTHOLE_FATE_NONE;
}

void ph_mapping_finish(struct ph_mapping *m) {
    struct ph_engine *e = m->engine;
    uint64_t port_key = m->by_port.key;
    m->fate = (uint8_t)judge_fate(m);
    for (unsigned i = 0; i < 3 && m->gateway; i++)
        ph_attempt_drop(&m->attempts[i], PH_ATTEMPT_IDLE);
    ph_mapping_move(m, PORTHOLE_DESTROYED);
    ph_table_remove(&e->by_id, &m->by_id);
    ph_table_remove(&e->by_port, &m->by_port);
    ph_heap_release(&e->heap, &m->timer);
    ph_link_remove(&m->in_gateway);
    if (m->gateway && ph_list_is_empty(&m->gateway->mappings)) {
        ph_heap_set(&e->heap, &m->gateway->recheck, PH_NEVER);
        ph_hint_stop(m->gateway);
    }
    e->alive--;
    if (m->hidden)
        ph_list_append(&e->graveyard, &m->in_events);
    else
        ph_mapping_raise(m, PORTHOLE_EVENT_UNMAPPED);
    /* One of the same port may have waited for this, and any for a removal of all ports. */
    struct ph_node *node = ph_table_find(&e->by_port, port_key);
    for (; node; node = ph_table_find_next(node))
        ph_heap_set(&e->heap, &PH_CONTAINER(node, struct ph_mapping, by_port)->timer, e->now);
    if (m->internal_port == 0 && e->gateway)
        e->gateway->is_dirty = true;
}
