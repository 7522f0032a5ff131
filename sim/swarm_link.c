/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * swarm_link.c: the link: datagrams that are lost, doubled, late and out of order, ICMP errors, and
 * HTTP exchanges, which TCP makes slow and not lossy. What arrives at a gateway is answered by the
 * embedded one.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/swarm_parts.h"
#include "wire/ssdp.h"

/* ---- The queue ------------------------------------------------------------------------------- */

static bool is_sooner(const struct swarm_item *a, const struct swarm_item *b) {
    return a->due < b->due || (a->due == b->due && a->sequence < b->sequence);
}

struct swarm_item *ph_swarm_link_post(struct swarm *s, enum swarm_item_kind kind, ph_us delay,
                                      const void *bytes, size_t len) {
    if (s->queue_count == s->queue_size) {
        s->queue_size = s->queue_size * 2 + 64;
        s->queue = ph_swarm_need(realloc(s->queue, s->queue_size * sizeof *s->queue));
    }
    struct swarm_item *item = ph_swarm_need(calloc(1, sizeof *item));
    item->due = s->now + delay;
    item->sequence = ++s->sequence;
    item->kind = kind;
    item->round = s->round;
    item->len = len;
    if (len > 0) {
        item->bytes = ph_swarm_need(malloc(len));
        memcpy(item->bytes, bytes, len);
    }
    size_t at = s->queue_count++;
    for (; at > 0 && is_sooner(item, s->queue[(at - 1) / 2]); at = (at - 1) / 2)
        s->queue[at] = s->queue[(at - 1) / 2];
    s->queue[at] = item;
    return item;
}

struct swarm_item *ph_swarm_link_take(struct swarm *s) {
    struct swarm_item *first = s->queue[0];
    struct swarm_item *last = s->queue[--s->queue_count];
    size_t at = 0;
    for (;;) {
        size_t child = at * 2 + 1;
        if (child + 1 < s->queue_count && is_sooner(s->queue[child + 1], s->queue[child]))
            child++;
        if (child >= s->queue_count || is_sooner(last, s->queue[child]))
            break;
        s->queue[at] = s->queue[child];
        at = child;
    }
    s->queue[at] = last;
    return first;
}

ph_us ph_swarm_link_due(const struct swarm *s) {
    return s->queue_count ? s->queue[0]->due : PH_NEVER;
}

void ph_swarm_link_free_item(struct swarm_item *item) {
    free(item->bytes);
    free(item);
}

void ph_swarm_link_free(struct swarm *s) {
    for (size_t i = 0; i < s->queue_count; i++)
        ph_swarm_link_free_item(s->queue[i]);
    free(s->queue);
}

/* ---- Fate of a packet ------------------------------------------------------------------------ */

static bool is_lost(struct swarm *s, const struct swarm_client *c) {
    return c->is_cut || (!s->is_calm && ph_swarm_chance(&s->link_seed, s->options.loss));
}

/* One way. In a storm some are very late, and so overtaken. */
static ph_us way(struct swarm *s) {
    ph_us delay = s->options.delay;
    if (s->is_calm || s->options.jitter == 0)
        return delay;
    unsigned share = ph_swarm_chance(&s->link_seed, 10) ? 1024 : 64;
    return delay + s->options.jitter / 1024 * ph_swarm_below(&s->link_seed, share);
}

static unsigned copies(struct swarm *s) {
    bool is_doubled = !s->is_calm && ph_swarm_chance(&s->link_seed, s->options.duplication);
    return is_doubled ? 2 : 1;
}

/* ---- Ways out of a client -------------------------------------------------------------------- */

bool ph_swarm_link_is_present(const struct swarm_client *c, const struct ph_path *path) {
    return ph_addr_equal(&path->gateway, &c->path.gateway) &&
           ph_addr_equal(&path->source, &c->path.source) && path->interface == c->path.interface;
}

/* Whether packets still go that way: the link that a client has left may be there for a while, but
 * never an address that it has given back. */
static bool is_open(const struct swarm_client *c, const struct ph_path *path) {
    if (!path || !c->has_network || !ph_addr_equal(&path->source, &c->path.source))
        return false;
    return ph_swarm_link_is_present(c, path) || c->is_former_there;
}

static struct swarm_gateway *gateway_of(struct swarm *s, const struct ph_path *path) {
    return &s->gateways[path->interface - SWARM_INTERFACE];
}

static bool hears_control(const struct swarm_gateway *g) {
    return g->config.pcp || g->config.natpmp || g->config.behaviour.silent_pcp;
}

/* ---- From a client --------------------------------------------------------------------------- */

static uint16_t port_of(uint32_t channel, enum swarm_port port) {
    return (uint16_t)(40000 + channel % 10000 * 2 + (port == SWARM_SEARCH));
}

static void send_datagram(struct swarm *s, struct swarm_client *c, const struct ph_effect *effect,
                          const uint8_t *bytes) {
    const struct ph_path *path = ph_engine_path(c->engine, effect->gateway);
    bool is_group = ph_addr_equal(&effect->to.addr, &ph_ssdp_group_v4);
    enum swarm_port port = effect->channel == PH_CHANNEL_CONTROL ? SWARM_CONTROL : SWARM_SEARCH;
    if (!is_open(c, path)) {
        struct swarm_item *failure = ph_swarm_link_post(s, ITEM_ICMP, 0, "", 0);
        failure->client = c->index;
        failure->port = port;
        failure->channel = effect->gateway;
        failure->error = PORTHOLE_ERR_UNREACHABLE;
        return;
    }
    for (unsigned i = copies(s); i > 0; i--) {
        if (is_lost(s, c))
            continue;
        struct swarm_item *item =
            ph_swarm_link_post(s, ITEM_TO_GATEWAY, way(s), bytes, effect->len);
        item->port = port;
        item->client = c->index;
        item->gateway = gateway_of(s, path)->index;
        item->channel = effect->gateway;
        item->to = effect->to;
        item->from = (struct ph_endpoint){path->source, port_of(effect->gateway, port)};
    }
    if (!ph_swarm_link_is_present(c, path))
        return;
    c->channel = effect->gateway;
    if (is_group && !c->is_cut)
        ph_swarm_attacker_search(s, c);
    if (port == SWARM_CONTROL && !c->is_cut)
        ph_swarm_attacker_control(s, c, bytes, effect->len);
}

/* TCP repeats what is lost: a second later, then two. */
static ph_us http_way(struct swarm *s, const struct swarm_client *c, unsigned trips) {
    ph_us delay = 0;
    for (unsigned i = 0; i < trips; i++) {
        delay += way(s);
        for (unsigned tries = 0; tries < 3 && !c->is_cut && is_lost(s, c); tries++)
            delay += PH_SECONDS(1) << tries;
    }
    return delay;
}

static void start_exchange(struct swarm *s, struct swarm_client *c, const struct ph_effect *effect,
                           const uint8_t *bytes) {
    const struct ph_path *path = ph_engine_path(c->engine, effect->gateway);
    ph_us deadline = effect->deadline - c->clock_ahead;
    /* The connection takes a round trip before the request is on its way. */
    struct swarm_item *item =
        ph_swarm_link_post(s, ITEM_HTTP_REQUEST, http_way(s, c, 3), bytes, effect->len);
    item->client = c->index;
    item->channel = effect->gateway;
    item->exchange = effect->exchange;
    item->deadline = deadline > s->now ? deadline : s->now;
    item->to = effect->to;
    item->gateway = path ? gateway_of(s, path)->index : 0;
    item->from = (struct ph_endpoint){path ? path->source : ph_addr_none, 50000};
}

/* A request that has left arrives all the same; its answer finds nobody. */
static void cancel_exchange(struct swarm *s, const struct swarm_client *c, uint32_t exchange) {
    for (size_t i = 0; i < s->queue_count; i++)
        if (s->queue[i]->client == c->index && s->queue[i]->exchange == exchange)
            s->queue[i]->exchange = 0;
}

/* Where the ports cannot be had, the engine is told. */
static void listen(struct swarm *s, struct swarm_client *c, uint32_t gateway) {
    c->listening = s->options.is_deaf ? 0 : gateway;
    for (unsigned i = 0; i < 2 && s->options.is_deaf; i++) {
        struct swarm_item *failure = ph_swarm_link_post(s, ITEM_ICMP, 0, "", 0);
        failure->client = c->index;
        failure->port = i == 0 ? SWARM_ANNOUNCE : SWARM_NOTIFY;
        failure->channel = gateway;
        failure->error = PORTHOLE_ERR_UNREACHABLE;
    }
}

static void forget(struct swarm_client *c, const struct ph_effect *effect) {
    if (c->listening == effect->gateway)
        c->listening = 0;
    if (effect->type == PH_EFFECT_FORGET && c->channel == effect->gateway)
        c->channel = 0;
}

void ph_swarm_link_effect(struct swarm *s, struct swarm_client *c, const struct ph_effects *effects,
                          const struct ph_effect *effect) {
    const uint8_t *bytes = NULL;
    if (effect->type == PH_EFFECT_SEND || effect->type == PH_EFFECT_HTTP) {
        bytes = ph_effect_bytes(effects, effect);
        s->result->sent++;
        ph_swarm_trace_mix(s, bytes, effect->len);
        ph_swarm_trace_datagram(s, "sends to", c, &effect->to, bytes, effect->len);
        ph_swarm_oracle_sent(s, c, effect, bytes);
    }
    if (effect->type == PH_EFFECT_SEND)
        send_datagram(s, c, effect, bytes);
    else if (effect->type == PH_EFFECT_HTTP)
        start_exchange(s, c, effect, bytes);
    else if (effect->type == PH_EFFECT_CANCEL)
        cancel_exchange(s, c, effect->exchange);
    else if (effect->type == PH_EFFECT_LISTEN)
        listen(s, c, effect->gateway);
    else
        forget(c, effect);
}

void ph_swarm_link_announce(struct swarm *s, const struct swarm_gateway *g, uint16_t port,
                            const void *bytes, size_t len) {
    struct ph_endpoint from = {g->address, port == PH_SSDP_PORT ? port : PH_PCP_PORT};
    for (unsigned i = 0; i < s->options.clients; i++) {
        struct swarm_client *c = &s->clients[i];
        if (c->gateway == g->index && c->listening)
            ph_swarm_link_to_client(s, c, port == PH_SSDP_PORT ? SWARM_NOTIFY : SWARM_ANNOUNCE,
                                    &from, bytes, len);
    }
}

/* ---- At a gateway ---------------------------------------------------------------------------- */

void ph_swarm_link_to_client(struct swarm *s, struct swarm_client *c, enum swarm_port port,
                             const struct ph_endpoint *from, const void *bytes, size_t len) {
    for (unsigned i = copies(s); i > 0; i--) {
        if (is_lost(s, c))
            continue;
        struct swarm_item *item = ph_swarm_link_post(s, ITEM_TO_CLIENT, way(s), bytes, len);
        item->client = c->index;
        item->port = port;
        item->channel = port >= SWARM_ANNOUNCE ? c->listening : c->channel;
        item->from = *from;
        item->to.addr = c->path.source;
    }
}

struct emission {
    struct swarm *swarm;
    const struct swarm_item *item;
};

static void answer(struct swarm *s, const struct swarm_item *asked, struct ph_gw_ssdp_manner manner,
                   const void *bytes, size_t len) {
    struct swarm_client *c = &s->clients[asked->client];
    const struct swarm_gateway *g = &s->gateways[asked->gateway];
    struct ph_endpoint from = {g->address, manner.port};
    if (asked->port == SWARM_CONTROL && len <= sizeof s->overheard) {
        memcpy(s->overheard, bytes, len);
        s->overheard_len = len;
    }
    for (unsigned i = copies(s); i > 0; i--) {
        if (is_lost(s, c))
            continue;
        struct swarm_item *item =
            ph_swarm_link_post(s, ITEM_TO_CLIENT, way(s) + manner.delay, bytes, len);
        item->client = c->index;
        item->port = asked->port;
        item->channel = asked->channel;
        item->from = from;
        item->to = asked->from;
    }
}

static void emit_ssdp(void *user, const void *bytes, size_t len) {
    struct emission *emission = user;
    struct ph_gw_server *server = emission->swarm->gateways[emission->item->gateway].server;
    answer(emission->swarm, emission->item, ph_gw_server_ssdp_manner(server), bytes, len);
}

static void at_gateway(struct swarm *s, struct swarm_item *item) {
    struct swarm_gateway *g = &s->gateways[item->gateway];
    struct emission emission = {s, item};
    uint8_t bytes[PH_GW_CONTROL_SIZE];
    if (!g->server)
        return;
    ph_us now = ph_swarm_gateway_now(s, g);
    if (item->port == SWARM_SEARCH) {
        ph_gw_server_ssdp(g->server, now, &item->from, item->bytes, item->len, emit_ssdp,
                          &emission);
        return;
    }
    if (!hears_control(g)) {
        struct swarm_item *icmp = ph_swarm_link_post(s, ITEM_ICMP, way(s), "", 0);
        icmp->client = item->client;
        icmp->channel = item->channel;
        icmp->error = PORTHOLE_ERR_PORT_CLOSED;
        return;
    }
    size_t len = ph_gw_server_control(g->server, now, &item->from, item->bytes, item->len, bytes,
                                      sizeof bytes);
    if (len > 0)
        answer(s, item, (struct ph_gw_ssdp_manner){.port = PH_PCP_PORT}, bytes, len);
}

/* ---- HTTP ------------------------------------------------------------------------------------ */

/* At the server: the answer's length, 0 = refused, SIZE_MAX = nobody answers. */
static size_t serve(struct swarm *s, const struct swarm_item *item, uint8_t *ret, size_t size) {
    struct swarm_gateway *g = &s->gateways[item->gateway];
    for (unsigned i = 0; i < SWARM_LIARS; i++)
        if (ph_addr_equal(&item->to.addr, &ph_swarm_attacker_hosts[i]))
            return ph_swarm_attacker_http(s, i, ret, size);
    if (!g->server || !ph_addr_equal(&item->to.addr, &g->address))
        return SIZE_MAX;
    if (!g->config.upnp || item->to.port != g->config.http_port)
        return 0;
    size_t len = 0;
    struct ph_http_reader *reader = ph_swarm_need(ph_http_reader_new(PH_HTTP_REQUEST));
    if (ph_http_reader_feed(reader, item->bytes, item->len) == 1) {
        struct ph_http_message request = ph_http_reader_message(reader);
        len = ph_gw_server_http(g->server, ph_swarm_gateway_now(s, g), &item->from, &request, ret,
                                size);
    }
    ph_http_reader_free(reader);
    return len;
}

static void fail_exchange(struct swarm *s, const struct swarm_item *item, ph_us delay, int error) {
    struct swarm_item *back = ph_swarm_link_post(s, ITEM_HTTP_FAILED, delay, "", 0);
    back->client = item->client;
    back->exchange = item->exchange;
    back->error = error;
}

static void at_http_server(struct swarm *s, struct swarm_item *item) {
    static uint8_t bytes[PH_HTTP_HEAD_MAX + PH_HTTP_BODY_MAX + 4096];
    struct swarm_client *c = &s->clients[item->client];
    ph_us left = item->deadline > s->now ? item->deadline - s->now : 0;
    if (!is_open(c, ph_engine_path(c->engine, item->channel))) {
        fail_exchange(s, item, 0, PORTHOLE_ERR_UNREACHABLE);
        return;
    }
    if (c->is_cut || left == 0) {
        fail_exchange(s, item, left, PORTHOLE_ERR_TIMEOUT);
        return;
    }
    size_t len = serve(s, item, bytes, sizeof bytes);
    if (len == 0) {
        fail_exchange(s, item, s->options.delay < left ? s->options.delay : left,
                      PORTHOLE_ERR_PORT_CLOSED);
        return;
    }
    ph_us delay = http_way(s, c, 1);
    if (len == SIZE_MAX || delay > left) {
        fail_exchange(s, item, left, PORTHOLE_ERR_TIMEOUT);
        return;
    }
    struct swarm_item *back = ph_swarm_link_post(s, ITEM_HTTP_ANSWER, delay, bytes, len);
    back->client = item->client;
    back->exchange = item->exchange;
    back->channel = item->channel;
    back->deadline = item->deadline;
    back->to = item->from;
}

static void give_failure(struct swarm *s, struct swarm_client *c, uint32_t exchange, int error) {
    struct ph_input input = {.type = PH_INPUT_HTTP_FAILED};
    input.u.http_failed.exchange = exchange;
    input.u.http_failed.error = error;
    ph_swarm_trace_line(s, "client %u: exchange %u failed: %s", c->index, (unsigned)exchange,
                        porthole_strerror(error));
    ph_swarm_step(s, c, &input);
}

static void give_reply(struct swarm *s, struct swarm_client *c, const struct swarm_item *item) {
    struct ph_input input = {.type = PH_INPUT_HTTP_REPLY};
    struct ph_http_reader *reader = ph_swarm_need(ph_http_reader_new(PH_HTTP_RESPONSE));
    int result = ph_http_reader_feed(reader, item->bytes, item->len);
    if (result == 0)
        result = ph_http_reader_end(reader);
    if (result == 1) {
        struct ph_http_message message = ph_http_reader_message(reader);
        input.u.http_reply.exchange = item->exchange;
        input.u.http_reply.message = &message;
        ph_swarm_trace_line(s, "client %u: exchange %u answered %u", c->index,
                            (unsigned)item->exchange, message.status);
        ph_swarm_step(s, c, &input);
    } else {
        give_failure(s, c, item->exchange, result);
    }
    ph_http_reader_free(reader);
}

static void at_client_http(struct swarm *s, struct swarm_item *item) {
    struct swarm_client *c = &s->clients[item->client];
    if (item->exchange == 0)
        return;
    if (c->is_asleep) {
        fail_exchange(s, item, c->wakes > s->now ? c->wakes - s->now : 1, PORTHOLE_ERR_TIMEOUT);
        return;
    }
    /* The connection is of the address that it was made from. */
    bool is_broken = item->kind == ITEM_HTTP_ANSWER &&
                     (c->is_cut || !is_open(c, ph_engine_path(c->engine, item->channel)));
    if (is_broken)
        give_failure(s, c, item->exchange, PORTHOLE_ERR_TIMEOUT);
    else if (item->kind == ITEM_HTTP_FAILED)
        give_failure(s, c, item->exchange, item->error);
    else
        give_reply(s, c, item);
}

void ph_swarm_link_expire(struct swarm *s, struct swarm_client *c, ph_us until) {
    for (size_t i = 0; i < s->queue_count; i++) {
        struct swarm_item *item = s->queue[i];
        bool is_exchange = item->kind >= ITEM_HTTP_REQUEST && item->kind <= ITEM_HTTP_FAILED;
        if (!is_exchange || item->client != c->index || item->exchange == 0 ||
            item->deadline > until)
            continue;
        uint32_t exchange = item->exchange;
        item->exchange = 0;
        give_failure(s, c, exchange, PORTHOLE_ERR_TIMEOUT);
        i = SIZE_MAX; /* the queue has changed: from the beginning */
    }
}

void ph_swarm_link_close(struct swarm *s, const struct swarm_client *c) {
    for (size_t i = 0; i < s->queue_count; i++)
        if (s->queue[i]->client == c->index && s->queue[i]->kind <= ITEM_HTTP_FAILED)
            s->queue[i]->channel = s->queue[i]->exchange = 0;
}

static const enum ph_channel channels[] = {
    [SWARM_CONTROL] = PH_CHANNEL_CONTROL,
    [SWARM_SEARCH] = PH_CHANNEL_SEARCH,
    [SWARM_ANNOUNCE] = PH_CHANNEL_ANNOUNCE,
    [SWARM_NOTIFY] = PH_CHANNEL_NOTIFY,
};

/* ---- At a client ----------------------------------------------------------------------------- */

/* Its socket is still there, and the way to it. */
static bool is_reachable(const struct swarm_client *c, const struct swarm_item *item) {
    const struct ph_path *path = ph_engine_path(c->engine, item->channel);
    return item->channel != 0 && !c->is_asleep && !c->is_cut && is_open(c, path) &&
           ph_addr_equal(&item->to.addr, &path->source);
}

static void at_client(struct swarm *s, struct swarm_item *item) {
    struct swarm_client *c = &s->clients[item->client];
    if (!is_reachable(c, item))
        return;
    struct ph_input input = {.type = PH_INPUT_DATAGRAM};
    input.u.datagram.gateway = item->channel;
    input.u.datagram.channel = channels[item->port];
    input.u.datagram.from = item->from;
    input.u.datagram.bytes = item->bytes;
    input.u.datagram.len = item->len;
    ph_swarm_trace_mix(s, item->bytes, item->len);
    ph_swarm_trace_datagram(s, "hears", c, &item->from, item->bytes, item->len);
    ph_swarm_step(s, c, &input);
}

static void at_client_icmp(struct swarm *s, struct swarm_item *item) {
    struct swarm_client *c = &s->clients[item->client];
    bool is_own = item->error == PORTHOLE_ERR_UNREACHABLE; /* its own system says so */
    if (c->is_asleep || (c->is_cut && !is_own) || item->channel == 0)
        return;
    struct ph_input input = {.type = PH_INPUT_UNREACHABLE};
    input.u.unreachable.gateway = item->channel;
    input.u.unreachable.channel = channels[item->port];
    input.u.unreachable.error = item->error;
    ph_swarm_trace_line(s, "client %u hears: %s", c->index, porthole_strerror(item->error));
    ph_swarm_step(s, c, &input);
}

void ph_swarm_link_deliver(struct swarm *s, struct swarm_item *item) {
    if (item->kind == ITEM_TO_GATEWAY)
        at_gateway(s, item);
    else if (item->kind == ITEM_TO_CLIENT)
        at_client(s, item);
    else if (item->kind == ITEM_ICMP)
        at_client_icmp(s, item);
    else if (item->kind == ITEM_HTTP_REQUEST)
        at_http_server(s, item);
    else
        at_client_http(s, item);
}
