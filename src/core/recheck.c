/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * recheck.c: whether the gateway still knows what it granted. Every answer of PCP and NAT-PMP
 * carries the gateway's clock, and a clock that does not run on is a restart; UPnP has none, so
 * each of its mappings is read back. Once a recheck period the cheapest request that tells is sent.
 * What is lost is made again at once.
 */
#include "core/state.h"

/* Between two mappings that are read back, when they are few. */
#define READ_BACK_GAP PH_MS(250)

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

static bool is_clock_steady(enum porthole_method method, uint32_t before_s, uint32_t now_s,
                            struct span client) {
    return method == PORTHOLE_PCP ? is_pcp_clock_steady(before_s, now_s, client)
                                  : is_natpmp_clock_steady(before_s, now_s, client);
}

/* Since the last answer that had the clock, for one that left the gateway after `asked`. */
static struct span span_since(const struct ph_method *status, ph_us asked, ph_us now) {
    return (struct span){
        .least_s = asked > status->epoch_at ? (asked - status->epoch_at) / PH_SECONDS(1) : 0,
        .most_s = (now - status->epoch_asked) / PH_SECONDS(1) + 1,
    };
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

/* What was refused before may be granted now. */
static void wake_resting(struct ph_gateway *g) {
    g->is_dirty = true;
    for (struct ph_link *at = g->mappings.next; at != &g->mappings; at = at->next) {
        struct ph_mapping *m = PH_CONTAINER(at, struct ph_mapping, in_gateway);
        if (m->state == PORTHOLE_FAILURE && m->retry > g->engine->now)
            m->retry = g->engine->now;
    }
}

static void renew(struct ph_mapping *m) {
    if (!(m->flags & PORTHOLE_LEASE))
        m->renew = m->engine->now;
}

void ph_recheck_epoch(struct ph_gateway *g, enum porthole_method method, uint32_t epoch_s,
                      ph_us asked) {
    struct ph_method *status = &g->methods[method];
    const char *name = porthole_method_name(method);
    ph_us now = g->engine->now;
    struct span elapsed = span_since(status, asked, now);
    bool is_first = status->epoch_at == 0;
    uint32_t before_s = status->epoch_s;
    bool is_steady = is_clock_steady(method, before_s, epoch_s, elapsed);
    /* A clock that jumps at every answer must not make every answer a restart. What is not judged
     * now must still show later, so the clock as it was stays. */
    bool is_too_soon = status->restarted_at && now < status->restarted_at + PH_RESTART_MIN;
    if (is_too_soon)
        return;
    status->epoch_s = epoch_s;
    status->epoch_at = now;
    status->epoch_asked = asked;
    if (is_first)
        return;
    bool is_exact = is_clock_exact(before_s, epoch_s, elapsed);
    if (!is_steady || !is_exact)
        status->restarted_at = now;
    if (!is_steady) {
        ph_trace(g->engine, PORTHOLE_LOG_INFO, "%s: the gateway restarted", name);
        for_holders(g, method, lose);
        wake_resting(g);
    } else if (!is_exact) {
        ph_trace(g->engine, PORTHOLE_LOG_DEBUG, "%s: the gateway's clock is not where it should be",
                 name);
        for_holders(g, method, renew);
    }
}

bool ph_recheck_is_expected(const struct ph_gateway *g, enum porthole_method method,
                            uint32_t epoch_s) {
    const struct ph_method *status = &g->methods[method];
    ph_us now = g->engine->now;
    struct span elapsed = span_since(status, now, now);
    return status->epoch_at != 0 && is_clock_steady(method, status->epoch_s, epoch_s, elapsed) &&
           is_clock_exact(status->epoch_s, epoch_s, elapsed);
}

/* ---- Once a period --------------------------------------------------------------------------- */

/* Where nothing would be heard of a restart, it is looked for more often. */
static ph_us period_of(const struct ph_gateway *g, enum porthole_method method) {
    const struct ph_engine_config *config = &g->engine->config;
    return ph_hint_tells(g, method) ? config->recheck_period : config->unhinted_period;
}

static void set_recheck_timer(struct ph_gateway *g, ph_us period) {
    /* Jitter shortens, so that the period is a bound. */
    ph_us jitter = period / 10240 * ph_random_below(&g->engine->config.random, 1024);
    ph_heap_set(&g->engine->heap, &g->recheck, g->engine->now + period - jitter);
}

void ph_recheck_start(struct ph_gateway *g, enum porthole_method method) {
    ph_us period = period_of(g, method);
    if (g->recheck.due > g->engine->now + period)
        set_recheck_timer(g, period);
    ph_hint_start(g);
}

static void read_back_at(struct ph_mapping *m, ph_us at) {
    if (at < m->wake)
        m->wake = at;
    if (at < m->timer.due)
        ph_heap_set(&m->engine->heap, &m->timer, at);
}

static void read_back(struct ph_mapping *m) { read_back_at(m, m->engine->now); }

void ph_recheck_others(struct ph_gateway *g) {
    struct ph_method *status = &g->methods[PORTHOLE_UPNP];
    ph_us now = g->engine->now;
    if (status->restarted_at && now < status->restarted_at + PH_RESTART_MIN)
        return; /* they are being looked at */
    status->restarted_at = now;
    for_holders(g, PORTHOLE_UPNP, read_back);
    ph_upnp_search_readdress(g); /* a router that has restarted often has another one */
}

/* READY with a connection that is down, because no other one would do. */
static bool is_makeshift(const struct ph_gateway *g) {
    const struct ph_upnp_client *u = &g->upnp;
    return u->phase == PH_UPNP_READY && u->is_fallback_down && u->service == u->fallback_service &&
           ph_addr_equal(&u->external, &u->fallback);
}

/* One after the other: the first tells of a restart, the others only of a loss of their own. */
static void read_all_back(struct ph_gateway *g, unsigned count, ph_us period) {
    ph_us gap = period / 2 / count;
    ph_us at = g->engine->now;
    for (struct ph_link *link = g->mappings.next; link != &g->mappings; link = link->next) {
        struct ph_mapping *m = PH_CONTAINER(link, struct ph_mapping, in_gateway);
        if (m->state != PORTHOLE_SUCCESS || m->method != PORTHOLE_UPNP ||
            (m->flags & PORTHOLE_LEASE))
            continue;
        read_back_at(m, at);
        at += gap < READ_BACK_GAP ? gap : READ_BACK_GAP;
    }
    ph_upnp_search_readdress(g);
    if (is_makeshift(g))
        ph_gateway_dead(g, PORTHOLE_UPNP, PORTHOLE_ERR_NO_UPLINK, 0);
    /* Lost, or set back to be asked when somebody wants something. */
    if (g->upnp.phase == PH_UPNP_OFF)
        ph_upnp_search_again(g);
}

void ph_recheck_timer(struct ph_gateway *g) {
    unsigned held[PORTHOLE_DIRECT + 1] = {0};
    ph_us period = PH_NEVER;
    for (struct ph_link *at = g->mappings.next; at != &g->mappings; at = at->next) {
        struct ph_mapping *m = PH_CONTAINER(at, struct ph_mapping, in_gateway);
        if (m->state == PORTHOLE_SUCCESS && !(m->flags & PORTHOLE_LEASE))
            held[m->method]++;
    }
    for (unsigned i = PORTHOLE_PCP; i <= PORTHOLE_UPNP; i++)
        if (held[i] && period_of(g, (enum porthole_method)i) < period)
            period = period_of(g, (enum porthole_method)i);
    if (held[PORTHOLE_PCP])
        ph_pcp_client_ask(g);
    if (held[PORTHOLE_NATPMP] && g->natpmp.next == PH_NEVER)
        ph_natpmp_client_ask(g);
    if (held[PORTHOLE_UPNP])
        read_all_back(g, held[PORTHOLE_UPNP], period);
    if (period != PH_NEVER)
        set_recheck_timer(g, period);
}
