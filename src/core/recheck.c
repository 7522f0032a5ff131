/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * recheck.c: whether the gateway still knows what it granted. Every answer of PCP and NAT-PMP
 * carries the gateway's clock, and a clock that does not run on is a restart; UPnP has none, so
 * each of its mappings is read back. Once a recheck period the cheapest request that tells is sent.
 * What is lost is made again at once.
 */
#include "core/state.h"

/* The time between two answers as it may have been here, in seconds. When an answer left the
 * gateway is known only to lie between its request and now, and now may be late when a callback
 * took its time. */
struct span {
    uint64_t least_s;
    uint64_t most_s;
};

/* RFC 6887 §8.5: a server whose clock went back, or runs differently from ours by more than 1/16
 * and 2 s. */
static bool is_pcp_clock_steady(uint32_t before_s, uint32_t now_s, struct span client) {
    if (now_s < before_s)
        return before_s - now_s <= 1;
    uint64_t server_s = now_s - before_s;
    return client.most_s + 2 >= server_s - server_s / 16 &&
           server_s + 2 >= client.least_s - client.least_s / 16;
}

/* RFC 6886 §3.6: at least 7/8 of the time that has passed here, less 2 s. */
static bool is_natpmp_clock_steady(uint32_t before_s, uint32_t now_s, struct span client) {
    return (uint64_t)now_s + 2 >= before_s + client.least_s * 7 / 8;
}

/* A restart soon after the last answer hides within those tolerances: 10 s in 5 minutes. It costs
 * little to renew. */
static bool is_clock_exact(uint32_t before_s, uint32_t now_s, struct span client) {
    int64_t server_s = (int64_t)now_s - before_s;
    return server_s <= (int64_t)client.most_s + 2 && server_s + 2 >= (int64_t)client.least_s;
}

static void for_holders(struct ph_gateway *g, enum porthole_method method,
                        void (*fn)(struct ph_mapping *m)) {
    for (struct ph_link *at = g->mappings.next; at != &g->mappings; at = at->next) {
        struct ph_mapping *m = PH_CONTAINER(at, struct ph_mapping, in_gateway);
        if (m->state == PORTHOLE_SUCCESS && m->method == method)
            fn(m);
    }
    g->is_dirty = true;
}

static void lose(struct ph_mapping *m) { ph_mapping_lose(m, "the gateway restarted"); }

static void renew(struct ph_mapping *m) {
    if (!(m->flags & PORTHOLE_LEASE))
        m->renew = m->engine->now;
}

void ph_recheck_epoch(struct ph_gateway *g, enum porthole_method method, uint32_t epoch_s,
                      ph_us asked) {
    struct ph_method *status = &g->methods[method];
    const char *name = porthole_method_name(method);
    ph_us now = g->engine->now;
    struct span elapsed = {
        .least_s = asked > status->epoch_at ? (asked - status->epoch_at) / PH_SECONDS(1) : 0,
        .most_s = (now - status->epoch_asked) / PH_SECONDS(1) + 1,
    };
    bool is_first = status->epoch_at == 0;
    uint32_t before_s = status->epoch_s;
    bool is_steady = method == PORTHOLE_PCP ? is_pcp_clock_steady(before_s, epoch_s, elapsed)
                                            : is_natpmp_clock_steady(before_s, epoch_s, elapsed);
    status->epoch_s = epoch_s;
    status->epoch_at = now;
    status->epoch_asked = asked;
    /* A clock that jumps at every answer must not make every answer a restart. */
    bool is_too_soon = status->restarted_at && now < status->restarted_at + PH_RESTART_MIN;
    if (is_first || is_too_soon)
        return;
    bool is_exact = is_clock_exact(before_s, epoch_s, elapsed);
    if (!is_steady || !is_exact)
        status->restarted_at = now;
    if (!is_steady) {
        ph_trace(g->engine, PORTHOLE_LOG_INFO, "%s: the gateway restarted", name);
        for_holders(g, method, lose);
    } else if (!is_exact) {
        ph_trace(g->engine, PORTHOLE_LOG_DEBUG, "%s: the gateway's clock is not where it should be",
                 name);
        for_holders(g, method, renew);
    }
}

static void set_recheck_timer(struct ph_gateway *g) {
    /* Jitter shortens, so that the period is a bound. */
    ph_us period = g->engine->config.recheck_period;
    ph_us jitter = period / 10240 * ph_random_below(&g->engine->config.random, 1024);
    ph_heap_set(&g->engine->heap, &g->recheck, g->engine->now + period - jitter);
}

void ph_recheck_start(struct ph_gateway *g) {
    if (g->recheck.due == PH_NEVER)
        set_recheck_timer(g);
}

void ph_recheck_timer(struct ph_gateway *g) {
    bool is_held[PORTHOLE_DIRECT + 1] = {false};
    for (struct ph_link *at = g->mappings.next; at != &g->mappings; at = at->next) {
        struct ph_mapping *m = PH_CONTAINER(at, struct ph_mapping, in_gateway);
        if (m->state != PORTHOLE_SUCCESS || (m->flags & PORTHOLE_LEASE))
            continue;
        is_held[m->method] = true;
        if (m->method == PORTHOLE_UPNP) {
            m->is_unverified = true;
            ph_heap_set(&g->engine->heap, &m->timer, g->engine->now);
        }
    }
    if (is_held[PORTHOLE_PCP])
        ph_pcp_client_ask(g);
    if (is_held[PORTHOLE_NATPMP] && g->natpmp.next == PH_NEVER)
        ph_natpmp_client_ask(g);
    if (is_held[PORTHOLE_UPNP] && g->methods[PORTHOLE_UPNP].state == PH_METHOD_DEAD)
        ph_upnp_search_again(g);
    if (is_held[PORTHOLE_PCP] || is_held[PORTHOLE_NATPMP] || is_held[PORTHOLE_UPNP])
        set_recheck_timer(g);
}
