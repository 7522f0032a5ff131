/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * network.c: what a change of the host's network does to mappings. A network that is gone is waited
 * for before anybody is told; one that comes back the same is asked what it still holds; another
 * one gets the mappings at once, while what the old gateway holds is deleted there, for as long as
 * it can be reached and a few seconds at most.
 */
#include <stdlib.h>
#include <string.h>

#include "core/state.h"

static bool is_same_path(const struct ph_path *a, const struct ph_path *b) {
    return ph_addr_equal(&a->gateway, &b->gateway) && ph_addr_equal(&a->source, &b->source) &&
           a->interface == b->interface;
}

static void run_all(struct ph_link *list) {
    struct ph_link *next;
    for (struct ph_link *at = list->next; at != list; at = next) {
        next = at->next;
        ph_mapping_run(PH_CONTAINER(at, struct ph_mapping, in_gateway));
    }
}

/* ---- Verifying ------------------------------------------------------------------------------- */

/* Whether a mapping is held by a method that can be asked about it. */
static bool is_held_by(const struct ph_mapping *m, enum porthole_method method) {
    return m->state == PORTHOLE_SUCCESS && m->method == method && !(m->flags & PORTHOLE_LEASE);
}

bool ph_network_is_doubted(const struct ph_gateway *g, enum porthole_method method) {
    return g->doubt.due != PH_NEVER && !g->engine->is_offline &&
           g->methods[method].heard < g->doubted;
}

void ph_network_denied(struct ph_gateway *g, enum porthole_method method) {
    ph_gateway_dead(g, method, PORTHOLE_ERR_NO_GATEWAY, 0);
    for (struct ph_link *at = g->mappings.next; at != &g->mappings; at = at->next) {
        struct ph_mapping *m = PH_CONTAINER(at, struct ph_mapping, in_gateway);
        if (is_held_by(m, method)) {
            ph_mapping_lose(m, "nobody confirms it");
            g->is_dirty = true;
        }
    }
}

static bool is_any_held_by(const struct ph_gateway *g, enum porthole_method method) {
    for (const struct ph_link *at = g->mappings.next; at != &g->mappings; at = at->next)
        if (is_held_by(PH_CONTAINER(at, struct ph_mapping, in_gateway), method))
            return true;
    return false;
}

void ph_network_doubt_timer(struct ph_gateway *g) {
    /* While there is no network nobody can confirm anything; it begins anew when there is. */
    for (unsigned i = PORTHOLE_PCP; i <= PORTHOLE_UPNP && !g->engine->is_offline; i++)
        if (g->methods[i].heard < g->doubted && is_any_held_by(g, (enum porthole_method)i))
            ph_network_denied(g, (enum porthole_method)i);
}

/* Everything held is asked about at once, and stays believed until the answers are due. */
static void verify(struct ph_gateway *g) {
    struct ph_engine *e = g->engine;
    if (g->doubt.due != PH_NEVER && e->now < g->doubted + PH_DOUBT_MIN)
        return; /* the questions are on their way */
    if (!is_any_held_by(g, PORTHOLE_PCP) && !is_any_held_by(g, PORTHOLE_NATPMP) &&
        !is_any_held_by(g, PORTHOLE_UPNP))
        return;
    ph_trace(e, PORTHOLE_LOG_INFO, "network: what is held is verified");
    g->doubted = e->now;
    ph_heap_set(&e->heap, &g->doubt, e->now + ph_gateway_verdict(g));
    ph_recheck_timer(g);
}

/* What failed is tried again now: the reason may be gone. */
static void hurry(struct ph_gateway *g) {
    for (struct ph_link *at = g->mappings.next; at != &g->mappings; at = at->next) {
        struct ph_mapping *m = PH_CONTAINER(at, struct ph_mapping, in_gateway);
        g->is_dirty |= m->state == PORTHOLE_FAILURE || m->state == PORTHOLE_PENDING;
        if (m->state != PORTHOLE_FAILURE)
            continue;
        m->failures = 0;
        m->retry = g->engine->now;
        g->failures = 0;
        g->next_round = 0; /* what is dead is asked again as well */
    }
}

void ph_network_resumed(struct ph_engine *e) {
    if (!e->gateway || e->is_offline)
        return;
    verify(e->gateway);
    hurry(e->gateway);
}

/* ---- Leaving a gateway ----------------------------------------------------------------------- */

static bool may_hold(const struct ph_mapping *m) {
    for (unsigned i = 0; i < 3; i++)
        if (m->attempts[i].held || m->attempts[i].touched)
            return true;
    return false;
}

/* Stands at the old gateway for a mapping that moves on: it is deleted there, and nobody hears of
 * it. Out of memory: what is there ends with its lease. */
static void leave_behind(struct ph_mapping *m) {
    struct ph_engine *e = m->engine;
    struct ph_mapping *left = may_hold(m) ? calloc(1, sizeof *left) : NULL;
    if (!left)
        return;
    if (!ph_heap_reserve(&e->heap, &left->timer, PH_TIMER_MAPPING)) {
        free(left);
        return;
    }
    left->engine = e;
    left->gateway = m->gateway;
    left->ends = ph_gateway_share(m->ends);
    left->expires = m->expires;
    left->renew = left->wake = PH_NEVER;
    left->lifetime_s = m->lifetime_s;
    left->granted_s = m->granted_s;
    left->external = m->external;
    left->internal_port = m->internal_port;
    left->wished_port = m->wished_port;
    memcpy(left->nonce, m->nonce, sizeof left->nonce);
    left->protocol = m->protocol;
    left->state = PORTHOLE_PENDING;
    left->method = m->method;
    left->methods = m->methods;
    left->upnp_step = m->upnp_step;
    left->hidden = true;
    for (unsigned i = 0; i < 3; i++) {
        ph_attempt_init(&left->attempts[i], (enum porthole_method)(i + 1));
        left->attempts[i].held = m->attempts[i].held;
        left->attempts[i].touched = m->attempts[i].touched;
        left->attempts[i].port = m->attempts[i].port;
    }
    ph_link_init(&left->in_events);
    ph_link_init(&left->in_gateway);
    ph_list_append(&m->gateway->mappings, &left->in_gateway);
    ph_table_add(&e->by_id, &left->by_id, UINT64_MAX - e->last_hidden++);
    ph_table_add(&e->by_port, &left->by_port, m->by_port.key);
    e->alive++;
}

/* Its methods ask nothing any more, but for the deletes that are to come. */
static void quiet(struct ph_gateway *g) {
    struct ph_engine *e = g->engine;
    for (unsigned i = PORTHOLE_PCP; i <= PORTHOLE_UPNP; i++)
        ph_heap_set(&e->heap, &g->methods[i].timer, PH_NEVER);
    ph_heap_set(&e->heap, &g->recheck, PH_NEVER);
    ph_heap_set(&e->heap, &g->doubt, PH_NEVER);
    g->pcp.next = g->natpmp.next = PH_NEVER;
    if (g->upnp.phase != PH_UPNP_READY)
        ph_upnp_search_stop(g);
    else if (g->upnp.exchange)
        ph_effect_cancel(e, g->upnp.exchange);
    g->upnp.exchange = 0;
}

static void unmap_all(struct ph_gateway *g) {
    struct ph_link *next;
    for (struct ph_link *at = g->mappings.next; at != &g->mappings; at = next) {
        next = at->next;
        ph_mapping_unmap(PH_CONTAINER(at, struct ph_mapping, in_gateway));
    }
}

void ph_network_finish(struct ph_gateway *g) {
    while (!ph_list_is_empty(&g->mappings))
        ph_mapping_finish(PH_CONTAINER(g->mappings.next, struct ph_mapping, in_gateway));
}

/* Whether a mapping moves on; one that is being removed has its end told from where it is. */
static bool is_moving(const struct ph_mapping *m) {
    return m->state != PORTHOLE_DESTROYING && !m->hidden;
}

/* What waits to be asked is not asked here any more. */
static void clear_queues(struct ph_gateway *g) {
    for (struct ph_link *at = g->mappings.next; at != &g->mappings; at = at->next) {
        struct ph_mapping *m = PH_CONTAINER(at, struct ph_mapping, in_gateway);
        for (unsigned i = 0; i < 3 && is_moving(m); i++)
            if (m->attempts[i].state == PH_ATTEMPT_QUEUED)
                ph_attempt_drop(&m->attempts[i], PH_ATTEMPT_IDLE);
    }
}

/* The mappings move; what they leave at the old gateway is deleted there first, so that a gateway
 * that stays and only sees us come from elsewhere has the ports free when it is asked again. */
static void leave(struct ph_gateway *old, struct ph_gateway *new) {
    struct ph_engine *e = old->engine;
    struct ph_link moving;
    struct ph_link *next;
    ph_link_init(&moving);
    for (struct ph_link *at = old->mappings.next; at != &old->mappings; at = next) {
        next = at->next;
        if (!is_moving(PH_CONTAINER(at, struct ph_mapping, in_gateway)))
            continue;
        ph_link_remove(at);
        ph_list_append(&moving, at);
    }
    while (!ph_list_is_empty(&moving)) {
        struct ph_mapping *m = PH_CONTAINER(moving.next, struct ph_mapping, in_gateway);
        leave_behind(m);
        ph_mapping_rehome(m, new);
    }
    quiet(old);
    ph_hint_stop(old);
    unmap_all(old);
    ph_list_append(&e->former, &old->link);
    ph_heap_set(&e->heap, &old->leave, e->now + PH_LEAVE_MAX);
    /* A network that keeps changing must not pile them up. */
    if (++e->former_count > PH_FORMER_MAX)
        ph_network_finish(PH_CONTAINER(e->former.next, struct ph_gateway, link));
}

static bool has_errand(const struct ph_gateway *g) {
    for (const struct ph_link *at = g->mappings.next; at != &g->mappings; at = at->next)
        if (PH_CONTAINER(at, struct ph_mapping, in_gateway)->is_errand)
            return true;
    return false;
}

void ph_network_settle(struct ph_engine *e) {
    for (struct ph_link *at = e->former.next; at != &e->former; at = at->next) {
        struct ph_gateway *g = PH_CONTAINER(at, struct ph_gateway, link);
        ph_gateway_settle(g);
        ph_listing_run(g);
        if (!has_errand(g)) /* which alone asks for more there than to be rid of something */
            ph_listing_stop(g);
        /* Not in this step: its path is needed to send what the step sends. */
        if (ph_list_is_empty(&g->mappings) && g->leave.due > e->now + PH_MS(1))
            ph_heap_set(&e->heap, &g->leave, e->now + PH_MS(1));
    }
}

void ph_network_forget(struct ph_engine *e) {
    struct ph_link *next;
    for (struct ph_link *at = e->former.next; at != &e->former; at = next) {
        struct ph_gateway *g = PH_CONTAINER(at, struct ph_gateway, link);
        next = at->next;
        if (!ph_list_is_empty(&g->mappings))
            continue;
        ph_link_remove(&g->link);
        e->former_count--;
        ph_upnp_search_stop(g);
        ph_effect_forget(e, g->id);
        ph_gateway_free(g);
    }
}

void ph_network_silence(struct ph_engine *e) {
    for (struct ph_link *at = e->former.next; at != &e->former; at = at->next) {
        struct ph_gateway *g = PH_CONTAINER(at, struct ph_gateway, link);
        ph_gateway_silence(g);
        ph_heap_set(&e->heap, &g->leave, PH_NEVER);
    }
    ph_heap_set(&e->heap, &e->offline_timer, PH_NEVER);
}

/* ---- Changes --------------------------------------------------------------------------------- */

static void go_online(struct ph_engine *e) {
    e->is_offline = false;
    ph_heap_set(&e->heap, &e->offline_timer, PH_NEVER);
}

static int move(struct ph_engine *e, const struct ph_path *path) {
    struct ph_gateway *old = e->gateway;
    struct ph_gateway *new = ph_gateway_new(e, path);
    char from[PH_ADDR_TEXT_SIZE];
    char to[PH_ADDR_TEXT_SIZE];
    if (!new)
        return PORTHOLE_ERR_NO_MEMORY;
    ph_trace(e, PORTHOLE_LOG_INFO, "network: gateway %s, from %s",
             ph_addr_format(&path->gateway, to), ph_addr_format(&path->source, from));
    go_online(e);
    ph_list_end(e, PORTHOLE_ERR_NO_NETWORK);
    e->gateway = new;
    if (old)
        clear_queues(old); /* before a place in the window gets free there */
    ph_probe_end(e);       /* what it knows is of another network */
    if (old)
        leave(old, new);
    while (!ph_list_is_empty(&e->homeless))
        ph_mapping_rehome(PH_CONTAINER(e->homeless.next, struct ph_mapping, in_gateway), new);
    run_all(&new->mappings);
    return 0;
}

static void go_offline(struct ph_engine *e) {
    ph_trace(e, PORTHOLE_LOG_INFO, "network: none");
    e->is_offline = true;
    ph_probe_end(e);
    ph_list_end(e, e->network_error);
    if (e->gateway)
        ph_heap_set(&e->heap, &e->offline_timer, e->now + PH_OFFLINE_GRACE);
}

void ph_network_offline_timer(struct ph_engine *e) {
    struct ph_link *next;
    for (struct ph_link *at = e->gateway->mappings.next; at != &e->gateway->mappings; at = next) {
        struct ph_mapping *m = PH_CONTAINER(at, struct ph_mapping, in_gateway);
        next = at->next;
        /* What the gateway holds is remembered: it may be given back meanwhile, and the network may
         * come back before the lease ends. */
        if (m->state == PORTHOLE_SUCCESS)
            ph_mapping_move(m, PORTHOLE_PENDING);
        ph_mapping_run(m);
    }
}

int ph_network_change(struct ph_engine *e, const struct ph_network *network) {
    const struct ph_path *path = network->count ? &network->paths[0] : NULL;
    if (!path) {
        e->network_error = network->error ? network->error : PORTHOLE_ERR_NO_NETWORK;
        if (!e->is_offline)
            go_offline(e);
        return 0;
    }
    if (!e->gateway || !is_same_path(&e->gateway->path, path))
        return move(e, path);
    bool is_prefix_news = e->gateway->path.prefix_len != path->prefix_len;
    e->gateway->path.prefix_len = path->prefix_len;
    if (e->is_offline) {
        go_online(e);
        ph_trace(e, PORTHOLE_LOG_INFO, "network: it is back");
        verify(e->gateway);
        ph_gateway_reset(e->gateway); /* who could not be reached is not dead */
        hurry(e->gateway);
    } else if (!is_prefix_news) {
        hurry(e->gateway);
    }
    return 0;
}
