/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * upnp_search.c: finding the InternetGatewayDevice: M-SEARCH to the gateway and to the group, the
 * description of whoever answers, and the external address of its WAN connections, which must be
 * there before anything is mapped. Nobody is trusted: a description is fetched only from the host
 * that answered, and controlled there only.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/state.h"
#include "wire/soap.h"
#include "wire/ssdp.h"

/* Who does not say whether it is connected is believed to be. */
#define STATUS_DEADLINE PH_SECONDS(1)

static void try_next_candidate(struct ph_gateway *g);

static void move_search(struct ph_gateway *g, enum ph_upnp_phase phase) {
    static const char *const names[] = {"off", "searching", "describing", "addressing", "ready"};
    ph_trace(g->engine, PORTHOLE_LOG_DEBUG, "upnp: %s -> %s", names[g->upnp.phase], names[phase]);
    g->upnp.phase = phase;
}

static void set_search_timer(struct ph_gateway *g) {
    struct ph_method *status = &g->methods[PORTHOLE_UPNP];
    ph_us due = PH_NEVER;
    if (g->upnp.phase == PH_UPNP_SEARCHING) {
        ph_us verdict = status->asked + ph_gateway_verdict(g);
        due = g->upnp.next < verdict ? g->upnp.next : verdict;
    }
    ph_heap_set(&g->engine->heap, &status->timer, due);
}

/* ---- Search ---------------------------------------------------------------------------------- */

static void send_search(struct ph_gateway *g) {
    /* Unicast first: it opens the way for the answers in this host's firewall, and some gateways
     * answer only that; others answer only the multicast. Some know one target only. */
    static const char *const targets[] = {PH_SSDP_TARGET_IGD2, PH_SSDP_TARGET_IGD1,
                                          PH_SSDP_TARGET_ALL};
    struct ph_upnp_client *u = &g->upnp;
    const struct ph_endpoint hosts[] = {{g->path.gateway, PH_SSDP_PORT},
                                        {ph_ssdp_group_v4, PH_SSDP_PORT}};
    uint8_t bytes[512];
    for (unsigned h = 0; h < 2; h++) {
        for (unsigned t = 0; t < 3; t++) {
            int len =
                ph_ssdp_encode_search(&hosts[h], targets[t], h == 0 ? 0 : 1, bytes, sizeof bytes);
            if (len > 0)
                ph_effect_send(g, PH_CHANNEL_SEARCH, &hosts[h], bytes, (size_t)len);
        }
    }
    u->sent = g->engine->now;
    u->tries++;
    u->next = g->engine->now + ph_retry_delay(g->engine, u->tries);
    ph_trace(g->engine, PORTHOLE_LOG_TRACE, "upnp: M-SEARCH sent, try %u", u->tries);
}

void ph_upnp_search_start(struct ph_gateway *g) {
    struct ph_upnp_client *u = &g->upnp;
    if (u->exchange)
        ph_effect_cancel(g->engine, u->exchange); /* of a late answer to the search before */
    u->exchange = 0;
    u->candidate_count = u->fetches = 0;
    u->tries = 0;
    u->error = 0;
    u->code = 0;
    move_search(g, PH_UPNP_SEARCHING);
    send_search(g);
    set_search_timer(g);
}

void ph_upnp_search_again(struct ph_gateway *g) {
    ph_gateway_reset(g);
    ph_gateway_ask(g, PORTHOLE_UPNP);
}

void ph_upnp_search_lost(struct ph_gateway *g) {
    ph_us now = g->engine->now;
    if (now >= g->upnp.lost_at + PH_BACKOFF_FIRST || g->upnp.lost_at == 0)
        ph_upnp_search_again(g);
    g->upnp.lost_at = now;
}

void ph_upnp_search_stop(struct ph_gateway *g) {
    struct ph_upnp_client *u = &g->upnp;
    if (u->exchange)
        ph_effect_cancel(g->engine, u->exchange);
    u->exchange = 0;
    u->next = PH_NEVER;
    free(u->description);
    u->description = NULL;
    if (u->phase != PH_UPNP_OFF)
        move_search(g, PH_UPNP_OFF);
    set_search_timer(g);
}

void ph_upnp_search_timer(struct ph_gateway *g) {
    struct ph_upnp_client *u = &g->upnp;
    struct ph_method *status = &g->methods[PORTHOLE_UPNP];
    ph_us now = g->engine->now;
    if (u->phase != PH_UPNP_SEARCHING)
        return;
    try_next_candidate(g);
    if (u->phase != PH_UPNP_SEARCHING || status->state != PH_METHOD_ASKING)
        return;
    if (now >= status->asked + ph_gateway_verdict(g)) {
        ph_gateway_dead(g, PORTHOLE_UPNP, u->error ? u->error : PORTHOLE_ERR_NO_GATEWAY, u->code);
        return;
    }
    if (now >= u->next) {
        if (ph_gateway_is_wanted(g, PORTHOLE_UPNP))
            send_search(g);
        else
            u->next = PH_NEVER;
    }
    set_search_timer(g);
}

/* ---- Candidates ------------------------------------------------------------------------------ */

/* Whether a device that is not the gateway is on this host's own network. Where the prefix length
 * is not known, a /24 holds nearly every home network and excludes everything far away; the address
 * of a point-to-point link is a network of its own. */
static bool is_neighbour(const struct ph_path *path, const struct ph_addr *addr) {
    unsigned before = ph_addr_is_v4(addr) ? 96 : 0;
    unsigned len = before + path->prefix_len;
    if (path->prefix_len == 0)
        len = ph_addr_is_v4(addr) ? 120 : 64;
    if (len > 128)
        len = 128;
    unsigned rest = len % 8;
    unsigned mask = rest ? 0xffU << (8 - rest) & 0xffU : 0;
    return memcmp(path->source.b, addr->b, len / 8) == 0 &&
           (rest == 0 || ((path->source.b[len / 8] ^ addr->b[len / 8]) & mask) == 0);
}

static const char *distrust(const struct ph_gateway *g, const struct ph_endpoint *from,
                            const struct ph_url *url) {
    const struct ph_addr *host = &url->host.addr;
    bool is_gateway = ph_addr_equal(host, &g->path.gateway);
    if (!is_gateway && !ph_addr_equal(host, &from->addr))
        return "it points to another host";
    if (is_gateway)
        return NULL;
    if (ph_addr_is_loopback(host) || ph_addr_is_link_local(host) || ph_addr_is_multicast(host) ||
        ph_addr_is_unspecified(host))
        return "its host cannot be a gateway";
    return is_neighbour(&g->path, host) ? NULL : "its host is not on this network";
}

bool ph_upnp_search_knows(const struct ph_upnp_client *u, const struct ph_url *url) {
    for (unsigned i = 0; i < u->candidate_count; i++)
        if (ph_endpoint_equal(&u->candidates[i].url.host, &url->host) &&
            strcmp(u->candidates[i].url.path, url->path) == 0)
            return true;
    return false;
}

/* Keeps room for the gateway itself: strangers who answer first, or who claim to be the gateway,
 * must not fill the list. What was tried and did not do makes room. */
static struct ph_upnp_candidate *room_for(struct ph_upnp_client *u, bool is_gateway) {
    if (u->candidate_count < PH_CANDIDATES_MAX - (is_gateway ? 0 : 1))
        return &u->candidates[u->candidate_count++];
    for (unsigned i = 0; i < u->candidate_count; i++) {
        const struct ph_upnp_candidate *old = &u->candidates[i];
        bool is_in_use = u->phase != PH_UPNP_SEARCHING && i == u->candidate;
        if (!is_in_use && (old->tried || (is_gateway && !old->is_gateway)))
            return &u->candidates[i];
    }
    return NULL;
}

/* Where the gateway is on this host itself, another of its addresses is another host. */
static bool leads_back(const struct ph_gateway *g, const struct ph_addr *host) {
    bool is_elsewhere = !ph_addr_is_loopback(&g->path.gateway) ||
                        ph_addr_is_v4(host) != ph_addr_is_v4(&g->path.gateway);
    return ph_addr_is_unspecified(host) || (ph_addr_is_loopback(host) && is_elsewhere);
}

/* Some devices take seconds; what comes after the verdict counts while the discovery timeout of its
 * search runs. */
static bool is_awaited(const struct ph_gateway *g) {
    const struct ph_method *status = &g->methods[PORTHOLE_UPNP];
    bool is_late = g == g->engine->gateway && status->state == PH_METHOD_DEAD &&
                   g->upnp.tries > 0 &&
                   g->engine->now < status->asked + g->engine->config.discover_timeout &&
                   !g->engine->is_stopping;
    return g->upnp.phase != PH_UPNP_OFF || is_late;
}

void ph_upnp_search_datagram(struct ph_gateway *g, const struct ph_endpoint *from,
                             const void *bytes, size_t len) {
    struct ph_engine *e = g->engine;
    struct ph_upnp_client *u = &g->upnp;
    struct ph_ssdp_message message;
    struct ph_url url;
    if (!is_awaited(g) || ph_ssdp_decode(bytes, len, &message) < 0 ||
        message.type != PH_SSDP_ANSWER ||
        !(ph_ssdp_is_gateway(message.target) || ph_ssdp_is_gateway(message.usn)))
        return;
    char host[PH_ENDPOINT_TEXT_SIZE];
    ph_endpoint_format(from, host);
    int error = ph_url_parse(message.location, &url);
    /* A device that names itself by an address that leads back to us is asked at its own, when
     * nobody better answers. */
    bool is_replaced = error >= 0 && leads_back(g, &url.host.addr);
    if (is_replaced)
        url.host.addr = from->addr;
    const char *why = error < 0 ? porthole_strerror(error) : distrust(g, from, &url);
    if (why) {
        ph_trace(e, PORTHOLE_LOG_DEBUG, "upnp: the answer of %s is ignored: %s", host, why);
        if (u->error == 0)
            u->error = error < 0 ? error : PORTHOLE_ERR_UNTRUSTED;
        return;
    }
    /* Whoever merely points at the gateway may be a stranger. */
    bool is_gateway = !is_replaced && ph_addr_equal(&url.host.addr, &g->path.gateway) &&
                      ph_addr_equal(&from->addr, &g->path.gateway);
    struct ph_upnp_candidate *candidate =
        ph_upnp_search_knows(u, &url) ? NULL : room_for(u, is_gateway);
    if (!candidate)
        return;
    *candidate = (struct ph_upnp_candidate){
        .url = url, .boot_id = message.boot_id, .is_gateway = is_gateway};
    ph_trace(e, PORTHOLE_LOG_DEBUG, "upnp: %s answers, described at %s", host, url.path);
    if (u->tries == 1 && g->methods[PORTHOLE_UPNP].rtt == 0)
        g->methods[PORTHOLE_UPNP].rtt = e->now - u->sent;
    if (u->phase == PH_UPNP_OFF)
        move_search(g, PH_UPNP_SEARCHING);
    if (u->phase == PH_UPNP_SEARCHING)
        try_next_candidate(g);
}

static void candidate_failed(struct ph_gateway *g, int error, int code) {
    struct ph_upnp_client *u = &g->upnp;
    ph_trace(g->engine, PORTHOLE_LOG_DEBUG, "upnp: this device will not do: %s, code %d",
             porthole_strerror(error), code);
    u->error = error;
    u->code = code;
    free(u->description);
    u->description = NULL;
    if (u->phase == PH_UPNP_READY) {
        /* It was in use: everything is asked anew. */
        ph_gateway_dead(g, PORTHOLE_UPNP, error, code);
        ph_upnp_search_lost(g);
        return;
    }
    move_search(g, PH_UPNP_SEARCHING);
    try_next_candidate(g);
    if (u->phase == PH_UPNP_SEARCHING && g->methods[PORTHOLE_UPNP].state != PH_METHOD_ASKING) {
        /* It was a late answer to a search that has had its verdict. */
        ph_upnp_search_stop(g);
        return;
    }
    /* The search goes on to its verdict: gateways with two UPnP servers exist. */
    set_search_timer(g);
}

/* Of the next exchange. All that it takes to find the device ends within the discovery timeout,
 * however many candidates and services there are. */
static ph_us search_deadline(const struct ph_gateway *g) {
    const struct ph_engine *e = g->engine;
    ph_us limit = e->now + PH_HTTP_DEADLINE;
    ph_us end = g->methods[PORTHOLE_UPNP].asked + e->config.discover_timeout;
    return g->upnp.phase == PH_UPNP_READY || limit < end ? limit : end;
}

static void fetch_description(struct ph_gateway *g) {
    struct ph_upnp_client *u = &g->upnp;
    const struct ph_url *url = &u->candidates[u->candidate].url;
    struct ph_http_request request = {.method = "GET", .url = url};
    uint8_t bytes[1024];
    int len = ph_http_encode_request(&request, bytes, sizeof bytes);
    if (len > 0)
        u->exchange = ph_effect_http(g, &url->host, bytes, (size_t)len, search_deadline(g));
    if (len < 0 || u->exchange == 0) {
        candidate_failed(g, len < 0 ? len : PORTHOLE_ERR_NO_MEMORY, 0);
        return;
    }
    move_search(g, PH_UPNP_DESCRIBING);
    set_search_timer(g);
}

static void try_next_candidate(struct ph_gateway *g) {
    struct ph_upnp_client *u = &g->upnp;
    /* The first IGD that answers is used at once if it is the gateway; for another one the gateway
     * is given the time of a retransmission. */
    bool any = g->engine->now >= g->methods[PORTHOLE_UPNP].asked + PH_STRANGER_DELAY;
    bool is_over = search_deadline(g) <= g->engine->now || u->fetches >= PH_FETCHES_MAX;
    for (unsigned i = 0; i < u->candidate_count && !is_over; i++) {
        struct ph_upnp_candidate *candidate = &u->candidates[i];
        /* How far the network reaches may have become known since it answered. */
        const struct ph_addr *host = &candidate->url.host.addr;
        bool is_near = ph_addr_equal(host, &g->path.gateway) || is_neighbour(&g->path, host);
        if (candidate->tried || !is_near || !(candidate->is_gateway || any))
            continue;
        candidate->tried = true;
        u->fetches++;
        u->candidate = i;
        fetch_description(g);
        return;
    }
}

/* ---- Services -------------------------------------------------------------------------------- */

static void ask_address(struct ph_gateway *g) {
    struct ph_upnp_client *u = &g->upnp;
    u->exchange = ph_upnp_action_post(g, "GetExternalIPAddress", NULL, 0, search_deadline(g));
    if (u->exchange == 0)
        candidate_failed(g, PORTHOLE_ERR_NO_MEMORY, 0);
}

static bool choose_service(struct ph_gateway *g, unsigned service) {
    struct ph_upnp_client *u = &g->upnp;
    u->service = service;
    u->dialects = 1;
    u->has_status = false;
    int error = ph_igd_service_url(u->description, &u->description->services[service],
                                   &u->candidates[u->candidate].url, &u->control);
    if (error < 0)
        u->error = error;
    return error >= 0;
}

/* What the device before could never give, this one may. */
static void wake_hopeless(struct ph_gateway *g) {
    for (struct ph_link *at = g->mappings.next; at != &g->mappings; at = at->next) {
        struct ph_mapping *m = PH_CONTAINER(at, struct ph_mapping, in_gateway);
        if (m->state == PORTHOLE_FAILURE && m->retry > g->engine->now &&
            m->code == PH_UPNP_SAME_PORT_REQUIRED && !ph_upnp_ladder_is_hopeless(m))
            m->retry = g->engine->now;
    }
}

/* A device that was lost and is found may have lost in turn what it held. */
static void doubt_all(struct ph_gateway *g) {
    for (struct ph_link *at = g->mappings.next; at != &g->mappings; at = at->next) {
        struct ph_mapping *m = PH_CONTAINER(at, struct ph_mapping, in_gateway);
        m->is_unverified |= m->state == PORTHOLE_SUCCESS && m->method == PORTHOLE_UPNP;
        m->readback = PH_READBACK_NONE; /* what was made is no news any more */
    }
}

static void become_ready(struct ph_gateway *g) {
    struct ph_upnp_client *u = &g->upnp;
    char address[PH_ADDR_TEXT_SIZE];
    ph_trace(g->engine, PORTHOLE_LOG_DEBUG, "upnp: %s at %s, external address %s",
             u->description->services[u->service].type, u->control.path,
             ph_addr_format(&u->external, address));
    if (u->phase != PH_UPNP_READY)
        doubt_all(g);
    move_search(g, PH_UPNP_READY);
    wake_hopeless(g);
    u->error = u->code = 0;
    ph_gateway_alive(g, PORTHOLE_UPNP);
    g->is_dirty = true;
    set_search_timer(g);
}

/* Asks the first service from this one on that can be asked; behind the last, settles for what
 * there is. */
static void ask_service_from(struct ph_gateway *g, unsigned service) {
    struct ph_upnp_client *u = &g->upnp;
    bool is_over = search_deadline(g) <= g->engine->now;
    for (; service < u->description->service_count && !is_over; service++) {
        if (!choose_service(g, service))
            continue;
        move_search(g, PH_UPNP_ADDRESSING);
        ask_address(g);
        return;
    }
    if (!ph_addr_is_unspecified(&u->fallback)) {
        choose_service(g, u->fallback_service);
        u->has_status = true;
        u->external = u->fallback;
        become_ready(g);
    } else {
        int none = is_over ? PORTHOLE_ERR_TIMEOUT : PORTHOLE_ERR_UNSUPPORTED;
        candidate_failed(g, u->error ? u->error : none, u->code);
    }
}

static void described(struct ph_gateway *g, const struct ph_http_message *message) {
    struct ph_upnp_client *u = &g->upnp;
    if (message->status != 200) {
        candidate_failed(g, PORTHOLE_ERR_REFUSED, (int)message->status);
        return;
    }
    free(u->description);
    u->description = malloc(sizeof *u->description);
    int error = PORTHOLE_ERR_NO_MEMORY;
    if (u->description)
        error = ph_igd_parse(message->body, u->description);
    if (error < 0) {
        candidate_failed(g, error, 0);
        return;
    }
    u->fallback = ph_addr_none;
    u->asks_status = false;
    ph_upnp_ladder_identify(g);
    u->error = u->code = 0;
    ask_service_from(g, 0);
}

/* A service that cannot tell its address is no use: NO_UPLINK, unless it gave a reason of its own.
 */
static void address_failed(struct ph_gateway *g, int error, int code) {
    struct ph_upnp_client *u = &g->upnp;
    if (u->phase == PH_UPNP_READY) {
        candidate_failed(g, error, code);
        return;
    }
    u->error = error;
    u->code = code;
    ask_service_from(g, u->service + 1);
}

/* Another connection of the same device may be the one that leads out. */
static void pass_over(struct ph_gateway *g, const struct ph_addr *address, bool is_down) {
    struct ph_upnp_client *u = &g->upnp;
    if (ph_addr_is_unspecified(&u->fallback) || (u->is_fallback_down && !is_down)) {
        u->fallback = *address;
        u->fallback_service = u->service;
        u->is_fallback_down = is_down;
    }
    ask_service_from(g, u->service + 1);
}

/* A connection that is down may tell the address that it had. With one connection there is no
 * choice, and no round trip for it. */
static bool ask_status(struct ph_gateway *g) {
    struct ph_upnp_client *u = &g->upnp;
    /* When it is asked once more, nobody waits for it. */
    bool is_awaited = u->phase != PH_UPNP_READY;
    ph_us deadline = g->engine->now + (is_awaited ? STATUS_DEADLINE : PH_HTTP_DEADLINE);
    if (search_deadline(g) < deadline)
        deadline = search_deadline(g);
    if (deadline <= g->engine->now)
        return false;
    u->exchange = ph_upnp_action_post(g, "GetStatusInfo", NULL, 0, deadline);
    u->asks_status = u->exchange != 0;
    return u->asks_status;
}

/* Whether there is a form of the question that has not been tried: another dialect where the answer
 * was no SOAP, version 1 where the action was unknown. */
static bool can_ask_otherwise(struct ph_gateway *g, unsigned status, unsigned code) {
    struct ph_upnp_client *u = &g->upnp;
    if (search_deadline(g) <= g->engine->now)
        return false;
    if (code == PH_UPNP_INVALID_ACTION)
        return ph_upnp_ladder_older(g);
    if (status < 400 || u->facts->has_dialect || u->dialects == 2)
        return false;
    u->dialects = 2;
    u->facts->dialect = !u->facts->dialect;
    return true;
}

static void addressed(struct ph_gateway *g, const struct ph_http_message *message) {
    struct ph_upnp_client *u = &g->upnp;
    struct ph_soap_message reply;
    struct ph_addr address;
    int error = ph_soap_decode(message->body, &reply);
    if (can_ask_otherwise(g, error < 0 ? message->status : 0, error < 0 ? 0 : reply.error_code)) {
        ask_address(g);
        return;
    }
    if (error < 0 || reply.error_code) {
        address_failed(g, error < 0 ? error : ph_upnp_error_error(reply.error_code),
                       error < 0 ? 0 : (int)reply.error_code);
        return;
    }
    const char *text = ph_soap_value(&reply, "NewExternalIPAddress");
    if (!text || !ph_addr_parse(ph_span_trim(ph_span_of(text)), &address) ||
        ph_addr_is_v4(&address) != ph_addr_is_v4(&g->path.gateway) ||
        !ph_mapping_is_host(&address)) {
        address_failed(g, PORTHOLE_ERR_NO_UPLINK, 0);
        return;
    }
    if (u->phase == PH_UPNP_ADDRESSING && ph_addr_reach(&address) != PORTHOLE_REACH_PUBLIC) {
        pass_over(g, &address, false);
        return;
    }
    u->external = address;
    /* What was asked and not answered may have been lost, so it is asked again with the address. */
    if (u->has_status || u->description->service_count == 1 || !ask_status(g))
        become_ready(g);
}

/* Only a device that says it is not connected is not; many say nothing of the kind. */
static void status_told(struct ph_gateway *g, const struct ph_http_message *message) {
    struct ph_upnp_client *u = &g->upnp;
    struct ph_soap_message reply;
    const char *status = NULL;
    u->asks_status = false;
    u->has_status = message != NULL;
    if (message && ph_soap_decode(message->body, &reply) >= 0)
        status = ph_soap_value(&reply, "NewConnectionStatus");
    static const char *const down[] = {"Disconnected", "Unconfigured"};
    for (unsigned i = 0; status && i < 2; i++)
        if (ph_span_equal_nocase(ph_span_trim(ph_span_of(status)), ph_span_of(down[i]))) {
            struct ph_addr address = u->external;
            if (u->phase == PH_UPNP_READY)
                candidate_failed(g, PORTHOLE_ERR_NO_UPLINK, 0);
            else
                pass_over(g, &address, true);
            return;
        }
    become_ready(g);
}

void ph_upnp_search_reply(struct ph_gateway *g, const struct ph_http_message *message) {
    g->upnp.exchange = 0;
    if (g->upnp.phase == PH_UPNP_DESCRIBING)
        described(g, message);
    else if (g->upnp.asks_status)
        status_told(g, message);
    else if (g->upnp.phase == PH_UPNP_ADDRESSING || g->upnp.phase == PH_UPNP_READY)
        addressed(g, message);
}

void ph_upnp_search_failed(struct ph_gateway *g, int error) {
    g->upnp.exchange = 0;
    if (g->upnp.phase == PH_UPNP_DESCRIBING)
        candidate_failed(g, error, 0);
    else if (g->upnp.asks_status)
        status_told(g, NULL);
    else if (g->upnp.phase == PH_UPNP_ADDRESSING || g->upnp.phase == PH_UPNP_READY)
        address_failed(g, error, 0);
}

void ph_upnp_search_readdress(struct ph_gateway *g) {
    if (g->upnp.phase == PH_UPNP_READY && g->upnp.exchange == 0)
        ask_address(g);
}
