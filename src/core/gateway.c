/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * gateway.c: which methods a gateway has. All are asked at once; each ends as ALIVE or DEAD, by an
 * answer, by an error or by the verdict on silence. When all are dead the round is over, and after
 * a back-off the next one begins: giving up for good is what a gateway that comes up later does not
 * deserve.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/sm.h"
#include "core/state.h"

static const struct ph_sm_state method_states[] = {
    [PH_METHOD_IDLE] = {"idle",
                        PH_SM(PH_METHOD_ASKING) | PH_SM(PH_METHOD_ALIVE) | PH_SM(PH_METHOD_DEAD)},
    [PH_METHOD_ASKING] = {"asking",
                          PH_SM(PH_METHOD_IDLE) | PH_SM(PH_METHOD_ALIVE) | PH_SM(PH_METHOD_DEAD)},
    [PH_METHOD_ALIVE] = {"alive", PH_SM(PH_METHOD_DEAD) | PH_SM(PH_METHOD_IDLE)},
    [PH_METHOD_DEAD] = {"dead", PH_SM(PH_METHOD_IDLE) | PH_SM(PH_METHOD_ALIVE)},
};

static void move_method(struct ph_gateway *g, enum porthole_method method,
                        enum ph_method_state state) {
    struct ph_method *status = &g->methods[method];
    if (status->state == state)
        return;
    assert(ph_sm_allows(method_states, status->state, state));
    ph_trace(g->engine, PORTHOLE_LOG_DEBUG, "%s: %s -> %s%s%s", porthole_method_name(method),
             method_states[status->state].name, method_states[state].name,
             state == PH_METHOD_DEAD ? ": " : "",
             state == PH_METHOD_DEAD ? porthole_strerror(status->error) : "");
    status->state = state;
    g->is_dirty = true;
}

static void release_timers(struct ph_gateway *g) {
    ph_heap_release(&g->engine->heap, &g->recheck);
    ph_heap_release(&g->engine->heap, &g->doubt);
    ph_heap_release(&g->engine->heap, &g->leave);
    ph_hint_done(g);
}

/* Those that are no method's: all or none. */
static bool reserve_timers(struct ph_gateway *g) {
    struct ph_heap *heap = &g->engine->heap;
    if (!ph_heap_reserve(heap, &g->recheck, PH_TIMER_RECHECK))
        return false;
    if (!ph_heap_reserve(heap, &g->doubt, PH_TIMER_DOUBT)) {
        ph_heap_release(heap, &g->recheck);
        return false;
    }
    if (!ph_heap_reserve(heap, &g->leave, PH_TIMER_LEAVE)) {
        ph_heap_release(heap, &g->recheck);
        ph_heap_release(heap, &g->doubt);
        return false;
    }
    if (!ph_hint_init(g)) {
        ph_heap_release(heap, &g->recheck);
        ph_heap_release(heap, &g->doubt);
        ph_heap_release(heap, &g->leave);
        return false;
    }
    return true;
}

static struct ph_ends *new_ends(const struct ph_path *path) {
    struct ph_ends *ends = malloc(sizeof *ends);
    if (ends)
        *ends = (struct ph_ends){.users = 1, .gateway = path->gateway, .source = path->source};
    return ends;
}

struct ph_gateway *ph_gateway_new(struct ph_engine *e, const struct ph_path *path) {
    static const enum ph_timer_kind kinds[] = {
        [PORTHOLE_PCP] = PH_TIMER_PCP,
        [PORTHOLE_NATPMP] = PH_TIMER_NATPMP,
        [PORTHOLE_UPNP] = PH_TIMER_UPNP,
    };
    struct ph_gateway *g = calloc(1, sizeof *g);
    if (!g)
        return NULL;
    g->engine = e;
    g->id = ++e->last_gateway;
    g->path = *path;
    g->ends = new_ends(path);
    g->natpmp.next = g->pcp.next = PH_NEVER;
    ph_link_init(&g->mappings);
    ph_link_init(&g->link);
    if (!g->ends || !reserve_timers(g)) {
        free(g->ends);
        free(g);
        return NULL;
    }
    for (unsigned i = PORTHOLE_PCP; i <= PORTHOLE_UPNP; i++) {
        g->methods[i].window = PH_WINDOW_FIRST;
        ph_link_init(&g->methods[i].queue);
        if (!ph_heap_reserve(&e->heap, &g->methods[i].timer, kinds[i])) {
            while (--i >= PORTHOLE_PCP)
                ph_heap_release(&e->heap, &g->methods[i].timer);
            release_timers(g);
            free(g->ends);
            free(g);
            return NULL;
        }
    }
    return g;
}

void ph_gateway_free(struct ph_gateway *g) {
    if (!g)
        return;
    for (unsigned i = PORTHOLE_PCP; i <= PORTHOLE_UPNP; i++)
        ph_heap_release(&g->engine->heap, &g->methods[i].timer);
    release_timers(g);
    ph_listing_free(g);
    free(g->upnp.description);
    ph_gateway_unshare(g->ends);
    free(g);
}

struct ph_ends *ph_gateway_share(struct ph_ends *ends) {
    ends->users++;
    return ends;
}

void ph_gateway_unshare(struct ph_ends *ends) {
    if (--ends->users == 0)
        free(ends);
}

ph_us ph_gateway_verdict(const struct ph_gateway *g) {
    ph_us limit = g->engine->config.discover_timeout;
    return limit < PH_VERDICT ? limit : PH_VERDICT;
}

void ph_gateway_ask(struct ph_gateway *g, enum porthole_method method) {
    struct ph_method *status = &g->methods[method];
    if (status->state != PH_METHOD_IDLE)
        return;
    status->asked = g->engine->now;
    move_method(g, method, PH_METHOD_ASKING);
    if (method == PORTHOLE_NATPMP)
        ph_natpmp_client_ask(g);
    else if (method == PORTHOLE_UPNP)
        ph_upnp_search_start(g);
    else
        ph_heap_set(&g->engine->heap, &status->timer, g->engine->now + ph_gateway_verdict(g));
}

void ph_gateway_alive(struct ph_gateway *g, enum porthole_method method) {
    g->methods[method].heard = g->engine->now;
    g->methods[method].error = 0;
    g->methods[method].code = 0;
    g->failures = 0;
    g->next_round = 0;
    if (method == PORTHOLE_PCP)
        ph_heap_set(&g->engine->heap, &g->methods[method].timer, g->pcp.next); /* no verdict */
    move_method(g, method, PH_METHOD_ALIVE);
}

static bool is_all_dead(const struct ph_gateway *g) {
    for (unsigned i = PORTHOLE_PCP; i <= PORTHOLE_UPNP; i++)
        if ((g->engine->config.methods & 1U << i) && g->methods[i].state != PH_METHOD_DEAD)
            return false;
    return true;
}

void ph_gateway_dead(struct ph_gateway *g, enum porthole_method method, int error, int code) {
    struct ph_engine *e = g->engine;
    struct ph_method *status = &g->methods[method];
    if (status->state == PH_METHOD_DEAD)
        return;
    status->error = error;
    status->code = code;
    move_method(g, method, PH_METHOD_DEAD);
    ph_heap_set(&e->heap, &status->timer, PH_NEVER);
    if (method == PORTHOLE_PCP)
        g->pcp.next = PH_NEVER;
    else if (method == PORTHOLE_NATPMP)
        g->natpmp.next = PH_NEVER;
    else if (method == PORTHOLE_UPNP)
        ph_upnp_search_stop(g);
    status->window = PH_WINDOW_FIRST;
    /* Nobody was there who could have granted what was asked. */
    bool is_nobody = error == PORTHOLE_ERR_UNSUPPORTED || error == PORTHOLE_ERR_PORT_CLOSED;
    /* Requests to it wait for nothing, those in the queue first, so that none of them takes a place
     * that gets free. Removals end unconfirmed. */
    while (!ph_list_is_empty(&status->queue))
        ph_attempt_drop(PH_CONTAINER(status->queue.next, struct ph_attempt, link), PH_ATTEMPT_IDLE);
    for (struct ph_link *at = g->mappings.next; at != &g->mappings; at = at->next) {
        struct ph_mapping *m = PH_CONTAINER(at, struct ph_mapping, in_gateway);
        struct ph_attempt *a = &m->attempts[method - 1];
        if (is_nobody)
            a->touched = a->held;
        if (a->state == PH_ATTEMPT_ASKED || a->state == PH_ATTEMPT_GRANTED)
            ph_attempt_drop(a, PH_ATTEMPT_IDLE);
    }
    if (method == PORTHOLE_UPNP)
        ph_listing_drop(g);
    if (is_all_dead(g)) {
        g->failures++;
        g->next_round = e->now + ph_retry_backoff(e, g->failures);
    }
}

static bool is_any_awake(const struct ph_gateway *g) {
    for (unsigned i = PORTHOLE_PCP; i <= PORTHOLE_UPNP; i++)
        if (g->methods[i].state == PH_METHOD_ALIVE || g->methods[i].state == PH_METHOD_ASKING)
            return true;
    return false;
}

void ph_gateway_wake(struct ph_gateway *g) {
    if (!is_any_awake(g))
        ph_gateway_reset(g);
}

void ph_gateway_reset(struct ph_gateway *g) {
    for (unsigned i = PORTHOLE_PCP; i <= PORTHOLE_UPNP; i++)
        if (g->methods[i].state == PH_METHOD_DEAD)
            move_method(g, (enum porthole_method)i, PH_METHOD_IDLE);
}

void ph_gateway_silence(struct ph_gateway *g) {
    ph_listing_stop(g);
    ph_upnp_search_stop(g);
    for (unsigned i = PORTHOLE_PCP; i <= PORTHOLE_UPNP; i++)
        ph_heap_set(&g->engine->heap, &g->methods[i].timer, PH_NEVER);
    ph_heap_set(&g->engine->heap, &g->recheck, PH_NEVER);
    ph_heap_set(&g->engine->heap, &g->doubt, PH_NEVER);
    ph_hint_stop(g);
}

void ph_gateway_timer(struct ph_gateway *g, enum porthole_method method) {
    if (method == PORTHOLE_NATPMP)
        ph_natpmp_client_timer(g);
    else if (method == PORTHOLE_UPNP)
        ph_upnp_search_timer(g);
    else
        ph_pcp_client_timer(g);
}

bool ph_gateway_is_wanted(const struct ph_gateway *g, enum porthole_method method) {
    if (g->engine->probe.is_active || (method == PORTHOLE_UPNP && ph_listing_is_wanted(g)))
        return true;
    for (struct ph_link *at = g->mappings.next; at != &g->mappings; at = at->next)
        if (ph_mapping_wants(PH_CONTAINER(at, struct ph_mapping, in_gateway), method))
            return true;
    return false;
}

void ph_gateway_unreachable(struct ph_gateway *g, enum ph_channel channel, int error) {
    if (channel >= PH_CHANNEL_ANNOUNCE) {
        ph_hint_deaf(g, channel);
        return;
    }
    if (channel == PH_CHANNEL_SEARCH) {
        /* A multicast that cannot leave says nothing about the unicast beside it, so the search
         * runs to its verdict; but the reason is kept for it. */
        if (g->upnp.error == 0)
            g->upnp.error = error;
        return;
    }
    /* PCP and NAT-PMP share the port, so an ICMP error ends both turns at once. */
    ph_gateway_dead(g, PORTHOLE_PCP, error, 0);
    ph_gateway_dead(g, PORTHOLE_NATPMP, error, 0);
}

void ph_gateway_settle(struct ph_gateway *g) {
    while (g->is_dirty) {
        g->is_dirty = false;
        struct ph_link *next;
        for (struct ph_link *at = g->mappings.next; at != &g->mappings; at = next) {
            next = at->next;
            ph_mapping_run(PH_CONTAINER(at, struct ph_mapping, in_gateway));
        }
    }
}
