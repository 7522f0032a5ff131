/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * hint.c: what the gateway tells unasked: PCP's ANNOUNCE and NAT-PMP's address announcement at port
 * 5350, SSDP's NOTIFY. Anybody on the link can forge these, so they are never believed: one that
 * says something new makes the gateway be asked, once, after a random wait, and not more often than
 * a forger's flood may cost. What follows is the answer's doing.
 */
#include "core/state.h"
#include "wire/natpmp.h"
#include "wire/ssdp.h"

/* After the first grant, so that nobody who waits for it waits for the sockets. */
#define LISTEN_DELAY PH_MS(100)
/* Many clients hear an announcement at once, and each waits up to 5 s (RFC 6887 §14.1.3, RFC 6886
 * §3.7). What finds a restart at its own random time, as the recheck does, need not. */
#define RFC_WAIT PH_SECONDS(5)
/* UPnP asks for none; but the hosts of a network need not all come at once. */
#define UPNP_WAIT PH_SECONDS(1)
/* Checks are paid for: 2 s for each packet that one may take, of which 16 s may be owed. A lone
 * announcement is looked into at once, a flood of them costs a packet in 2 s. */
#define PACKET_COST PH_SECONDS(2)
#define CREDIT PH_SECONDS(16)
#define CHECK_GAP PH_SECONDS(1)
#define HTTP_PACKETS 8U /* TCP's own included */
#define SEARCH_PACKETS 24U

bool ph_hint_init(struct ph_gateway *g) {
    struct ph_hints *h = &g->hints;
    h->listen_at = PH_NEVER;
    for (unsigned i = 0; i <= PORTHOLE_UPNP; i++)
        h->due[i] = PH_NEVER;
    return ph_heap_reserve(&g->engine->heap, &h->timer, PH_TIMER_HINT);
}

void ph_hint_done(struct ph_gateway *g) { ph_heap_release(&g->engine->heap, &g->hints.timer); }

bool ph_hint_tells(const struct ph_gateway *g, enum porthole_method method) {
    const struct ph_hints *h = &g->hints;
    const struct ph_upnp_client *u = &g->upnp;
    if (method == PORTHOLE_UPNP)
        return !h->is_deaf_notify && u->candidates[u->candidate].boot_id != 0;
    return !h->is_deaf_announce;
}

/* ---- When ------------------------------------------------------------------------------------ */

/* The method that has waited longest; NONE = none waits. */
static enum porthole_method first_due(const struct ph_hints *h) {
    enum porthole_method first = PORTHOLE_NONE;
    for (unsigned i = PORTHOLE_PCP; i <= PORTHOLE_UPNP; i++)
        if (h->due[i] < (first ? h->due[first] : PH_NEVER))
            first = (enum porthole_method)i;
    return first;
}

static void set_hint_timer(struct ph_gateway *g) {
    struct ph_hints *h = &g->hints;
    enum porthole_method first = first_due(h);
    ph_us due = first ? h->due[first] : PH_NEVER;
    if (first && due < h->spent)
        due = h->spent;
    if (first && h->checked && due < h->checked + CHECK_GAP)
        due = h->checked + CHECK_GAP;
    ph_heap_set(&g->engine->heap, &h->timer, due < h->listen_at ? due : h->listen_at);
}

void ph_hint_start(struct ph_gateway *g) {
    struct ph_hints *h = &g->hints;
    if (h->is_listening || h->listen_at != PH_NEVER)
        return;
    h->listen_at = g->engine->now + LISTEN_DELAY;
    set_hint_timer(g);
}

void ph_hint_stop(struct ph_gateway *g) {
    struct ph_hints *h = &g->hints;
    if (h->is_listening)
        ph_effect_deafen(g);
    h->is_listening = h->is_deaf_announce = h->is_deaf_notify = false;
    h->listen_at = PH_NEVER;
    for (unsigned i = 0; i <= PORTHOLE_UPNP; i++)
        h->due[i] = PH_NEVER;
    set_hint_timer(g);
}

void ph_hint_deaf(struct ph_gateway *g, enum ph_channel channel) {
    bool is_notify = channel == PH_CHANNEL_NOTIFY;
    ph_trace(g->engine, PORTHOLE_LOG_DEBUG, "hints: %s is not available, so nothing is heard there",
             is_notify                        ? "SSDP's group"
             : channel == PH_CHANNEL_ANNOUNCE ? "port 5350"
                                              : "port 5350 of our address");
    if (channel == PH_CHANNEL_ANNOUNCE_UNICAST)
        return; /* few send there */
    *(is_notify ? &g->hints.is_deaf_notify : &g->hints.is_deaf_announce) = true;
    ph_recheck_start(g, is_notify ? PORTHOLE_UPNP : PORTHOLE_PCP);
}

/* ---- The check ------------------------------------------------------------------------------- */

static void pay(struct ph_gateway *g, unsigned packets) {
    struct ph_hints *h = &g->hints;
    ph_us now = g->engine->now;
    ph_us least = now > CREDIT ? now - CREDIT : 0;
    h->checked = now;
    h->spent = (h->spent > least ? h->spent : least) + packets * PACKET_COST;
}

/* A mapping that this method holds, or one that rests after a failure and might be made by it. */
static struct ph_mapping *find_concerned(const struct ph_gateway *g, enum porthole_method method) {
    for (struct ph_link *at = g->mappings.next; at != &g->mappings; at = at->next) {
        struct ph_mapping *m = PH_CONTAINER(at, struct ph_mapping, in_gateway);
        bool is_held = m->state == PORTHOLE_SUCCESS && m->method == method;
        bool is_resting = m->state == PORTHOLE_FAILURE && (m->methods & 1U << method);
        if ((is_held || is_resting) && !(m->flags & PORTHOLE_LEASE))
            return m;
    }
    return NULL;
}

static void check_upnp(struct ph_gateway *g, struct ph_mapping *m) {
    struct ph_upnp_client *u = &g->upnp;
    enum ph_method_state state = g->methods[PORTHOLE_UPNP].state;
    if (m->state == PORTHOLE_SUCCESS)
        m->wake = g->engine->now;
    if (u->phase == PH_UPNP_READY) {
        /* One tells of all: see ph_recheck_others(). */
        pay(g, g->hints.is_renumbered ? 2 * HTTP_PACKETS : HTTP_PACKETS);
        if (g->hints.boot_id)
            u->candidates[u->candidate].boot_id = g->hints.boot_id;
        if (g->hints.is_renumbered)
            ph_upnp_search_readdress(g);
        g->hints.is_renumbered = false;
    } else if (state == PH_METHOD_DEAD || state == PH_METHOD_IDLE) {
        pay(g, SEARCH_PACKETS);
        ph_upnp_search_again(g);
    }
    ph_mapping_run(m);
}

static void check(struct ph_gateway *g, enum porthole_method method) {
    struct ph_mapping *m = find_concerned(g, method);
    if (!m)
        return;
    ph_trace(g->engine, PORTHOLE_LOG_DEBUG, "%s: the gateway announces something, so it is asked",
             porthole_method_name(method));
    if (method == PORTHOLE_UPNP) {
        check_upnp(g, m);
    } else if (method == PORTHOLE_PCP && g->pcp.next == PH_NEVER) {
        pay(g, 1);
        ph_pcp_client_ask(g);
    } else if (method == PORTHOLE_NATPMP && g->natpmp.next == PH_NEVER) {
        pay(g, 1);
        ph_natpmp_client_ask(g);
    }
}

void ph_hint_timer(struct ph_gateway *g) {
    struct ph_hints *h = &g->hints;
    ph_us now = g->engine->now;
    if (now >= h->listen_at) {
        h->listen_at = PH_NEVER;
        h->is_listening = true;
        ph_effect_listen(g);
    }
    enum porthole_method method = first_due(h);
    bool may_check = now >= h->spent && (h->checked == 0 || now >= h->checked + CHECK_GAP);
    if (method && h->due[method] <= now && may_check) {
        h->due[method] = PH_NEVER;
        check(g, method);
    }
    set_hint_timer(g);
}

static void want_check(struct ph_gateway *g, enum porthole_method method) {
    struct ph_engine *e = g->engine;
    ph_us wait = method == PORTHOLE_UPNP ? UPNP_WAIT : RFC_WAIT;
    if (g->hints.due[method] != PH_NEVER || !(e->config.methods & 1U << method))
        return;
    g->hints.due[method] = e->now + wait / 1024 * ph_random_below(&e->config.random, 1024);
    set_hint_timer(g);
}

/* ---- What is heard --------------------------------------------------------------------------- */

/* Whether the clock in an announcement says something new about a method. One of another protocol
 * tells when the gateway started: since the method's last answer, or before it. */
static bool is_news(const struct ph_gateway *g, enum porthole_method method,
                    enum porthole_method speaks, uint32_t epoch_s) {
    const struct ph_method *status = &g->methods[method];
    if (method == speaks)
        return !ph_recheck_is_expected(g, method, epoch_s);
    return status->heard != 0 &&
           status->heard + PH_SECONDS(epoch_s) + PH_SECONDS(2) < g->engine->now;
}

/* Some gateways announce themselves by one protocol and speak others too. */
static void heard_clock(struct ph_gateway *g, enum porthole_method speaks, uint32_t epoch_s) {
    for (unsigned i = PORTHOLE_PCP; i <= PORTHOLE_UPNP; i++)
        if (is_news(g, (enum porthole_method)i, speaks, epoch_s))
            want_check(g, (enum porthole_method)i);
}

static void heard_natpmp(struct ph_gateway *g, const void *bytes, size_t len) {
    struct ph_natpmp_response r;
    if (ph_natpmp_decode_response(bytes, len, &r) < 0 || r.opcode != PH_NATPMP_ADDRESS ||
        r.result != PH_NATPMP_SUCCESS)
        return;
    heard_clock(g, PORTHOLE_NATPMP, r.epoch_s);
    if (!ph_addr_equal(&r.external_addr, &g->natpmp.external))
        want_check(g, PORTHOLE_NATPMP);
    if (g->upnp.phase == PH_UPNP_READY && !ph_addr_equal(&r.external_addr, &g->upnp.external)) {
        g->hints.is_renumbered = true;
        want_check(g, PORTHOLE_UPNP);
    }
}

static void heard_announce(struct ph_gateway *g, const uint8_t *bytes, size_t len) {
    struct ph_pcp_response r;
    if (len > 0 && bytes[0] == PH_NATPMP_VERSION)
        heard_natpmp(g, bytes, len);
    else if (ph_pcp_decode_response(bytes, len, &r) >= 0 && r.opcode == PH_PCP_ANNOUNCE &&
             r.result == PH_PCP_SUCCESS)
        heard_clock(g, PORTHOLE_PCP, r.epoch_s);
}

/* FNV-1a: to know a LOCATION again that was looked into. */
static uint32_t digest(struct ph_span text) {
    uint32_t sum = 2166136261U;
    for (size_t i = 0; i < text.len; i++)
        sum = (sum ^ (uint8_t)text.at[i]) * 16777619U;
    return sum;
}

/* Whether the device is described at a place that the last search did not find. */
static bool has_moved(struct ph_gateway *g, struct ph_span location) {
    const struct ph_upnp_client *u = &g->upnp;
    struct ph_url url;
    if (location.len == 0 || ph_url_parse(location, &url) < 0 ||
        digest(location) == g->hints.location || ph_upnp_search_knows(u, &url))
        return false;
    g->hints.location = digest(location);
    return true;
}

static bool has_restarted(struct ph_gateway *g, uint32_t boot_id) {
    const struct ph_upnp_client *u = &g->upnp;
    uint32_t known = u->candidates[u->candidate].boot_id;
    if (known == 0)
        known = g->hints.boot_id; /* its answers have none, but its announcements do */
    if (boot_id == 0)
        return false;
    g->hints.boot_id = boot_id;
    return known != 0 && boot_id != known;
}

static void heard_notify(struct ph_gateway *g, const void *bytes, size_t len) {
    struct ph_ssdp_message message;
    if (ph_ssdp_decode(bytes, len, &message) < 0 || message.type == PH_SSDP_ANSWER ||
        message.type == PH_SSDP_SEARCH ||
        !(ph_ssdp_is_gateway(message.target) || ph_ssdp_is_gateway(message.usn)))
        return;
    bool is_news = g->upnp.phase == PH_UPNP_OFF;
    if (message.type == PH_SSDP_BYEBYE) {
        is_news = !is_news;
    } else {
        is_news |= has_restarted(g, message.boot_id);
        is_news |= has_moved(g, message.location);
    }
    if (is_news)
        want_check(g, PORTHOLE_UPNP);
}

void ph_hint_datagram(struct ph_gateway *g, enum ph_channel channel, const struct ph_endpoint *from,
                      const void *bytes, size_t len) {
    /* Who sends from another address is not the gateway; who forges its address is not kept out by
     * this, but by the rest. */
    bool is_gateway = ph_addr_equal(&from->addr, &g->path.gateway);
    bool is_device = channel == PH_CHANNEL_NOTIFY && g->upnp.phase == PH_UPNP_READY &&
                     ph_addr_equal(&from->addr, &g->upnp.control.host.addr);
    if (!g->hints.is_listening || g->engine->is_stopping || !(is_gateway || is_device))
        return;
    if (channel == PH_CHANNEL_NOTIFY)
        heard_notify(g, bytes, len);
    else
        heard_announce(g, bytes, len);
}
