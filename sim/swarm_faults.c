/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * swarm_faults.c: what goes wrong in a storm: gateways that restart, go away or come back as
 * another; clients that are cut off, move, sleep, or whose clock jumps. What lasts is healed by an
 * item in the queue, and all of it when the calm begins.
 */
#include <stdio.h>
#include <string.h>

#include "sim/swarm_parts.h"

/* What a gateway's clock shows when it starts. */
#define BOOT_READING PH_SECONDS(100)
/* A gateway that restarts again before it has run for this long cannot be told by its clock from
 * one that did not: the tolerance of the clock rules, the time of an answer and drift. */
#define UPTIME_LEAST PH_SECONDS(30)

static unsigned draw(struct swarm *s, unsigned below) {
    return ph_swarm_below(&s->fault_seed, below);
}

static bool flip(struct swarm *s, unsigned percent) {
    return ph_swarm_chance(&s->fault_seed, percent);
}

const char *ph_swarm_fault_name(unsigned index) {
    static const char *const names[] = {
        [SWARM_RESTART] = "restart",
        [SWARM_DOWN] = "down",
        [SWARM_CHANGED] = "changed",
        [SWARM_PARTITION] = "partition",
        [SWARM_RENUMBER] = "renumber",
        [SWARM_ROAM] = "roam",
        [SWARM_NO_NETWORK] = "no-network",
        [SWARM_EXTERNAL] = "external",
        [SWARM_SLEEP] = "sleep",
        [SWARM_CLOCK] = "clock",
        [SWARM_GATEWAY_CLOCK] = "gateway-clock",
        [SWARM_FORGET] = "forget",
        [SWARM_DEATH] = "death",
    };
    return index < SWARM_FAULTS ? names[index] : NULL;
}

/* ---- Gateways -------------------------------------------------------------------------------- */

static struct ph_addr external_of(const struct swarm_gateway *g, unsigned number) {
    return ph_addr_v4(5, (uint8_t)(6 + g->index), 7, (uint8_t)(8 + number));
}

static void on_announce(void *user, uint16_t port, const void *bytes, size_t len) {
    const struct swarm_gateway *g = user;
    ph_swarm_link_announce(g->swarm, g, port, bytes, len);
}

/* When its life began, by its clock: true time, but for jumps. */
static ph_us birth_of(const struct swarm *s, const struct swarm_gateway *g) {
    ph_us uptime = ph_swarm_gateway_now(s, g) - BOOT_READING;
    return s->now > uptime ? s->now - uptime : 0;
}

static void bury(struct swarm *s, struct swarm_gateway *g) {
    g->births[g->birth_count++ % SWARM_BIRTHS_MAX] = birth_of(s, g);
}

/* Half of them say farewell; the others had no time for it. */
static void shut_down(struct swarm *s, struct swarm_gateway *g) {
    if (g->server)
        bury(s, g);
    if (g->server && flip(s, 50))
        ph_gw_server_farewell(g->server);
    ph_gw_server_free(g->server);
    g->server = NULL;
}

void ph_swarm_faults_boot(struct swarm *s, struct swarm_gateway *g) {
    const struct swarm_gateway_options *o = &g->options;
    uint32_t boot_id = g->config.boot_id;
    uint16_t http_port = g->config.http_port;
    struct ph_addr external = g->config.external;
    shut_down(s, g);
    ph_gw_config_init(&g->config);
    g->config.internal = g->address;
    g->config.external = boot_id ? external : external_of(g, 0);
    g->config.pcp = (o->methods & PORTHOLE_USE_PCP) != 0;
    g->config.natpmp = (o->methods & PORTHOLE_USE_NATPMP) != 0;
    g->config.upnp = (o->methods & PORTHOLE_USE_UPNP) != 0;
    g->config.behaviour.silent_pcp = o->silent_pcp;
    g->config.behaviour.igd_version = ph_swarm_models_igd_version(o);
    g->config.behaviour.lease_max_s = o->lease_max_s;
    g->config.behaviour.mappings_max = o->mappings_max;
    g->config.behaviour.quirks = o->models;
    snprintf(g->config.uuid, sizeof g->config.uuid, "00000000-0000-4000-8000-%06x%06x", g->index,
             g->device & 0xffffffU);
    s->result->models |= o->models;
    g->config.http_port = http_port ? http_port : 5000;
    g->config.boot_id = boot_id + 1;
    g->config.random = (struct ph_random){ph_seeded_fill, &g->random};
    g->config.hooks.announce = s->options.announces ? on_announce : NULL;
    g->config.hooks.user = g;
    g->booted = g->clock_at = s->now;
    g->clock_base = BOOT_READING;
    g->server = ph_swarm_need(ph_gw_server_new(&g->config, g->clock_base));
    ph_swarm_trace_line(s, "gateway %u starts, methods %#x, models %#llx", g->index, o->methods,
                        (unsigned long long)o->models);
}

static void heal_later(struct swarm *s, enum swarm_fault fault, unsigned who, ph_us delay) {
    struct swarm_item *item = ph_swarm_link_post(s, ITEM_HEAL, delay, "", 0);
    item->fault = fault;
    item->client = item->gateway = who;
}

static void change(struct swarm *s, struct swarm_gateway *g) {
    static const unsigned sets[] = {PORTHOLE_USE_PCP, PORTHOLE_USE_NATPMP, PORTHOLE_USE_UPNP,
                                    PORTHOLE_USE_ALL};
    if (flip(s, 50))
        g->config.http_port = (uint16_t)(5000 + draw(s, 10));
    if (flip(s, 30))
        g->options.methods = sets[draw(s, 4)];
    if (flip(s, 30))
        g->options.lease_max_s = 120U << draw(s, 10);
    if (flip(s, 20))
        g->options.igd_version = 3 - g->options.igd_version;
    /* Another device in its place: what was learned of the one before is nothing to it. */
    if (flip(s, 20)) {
        g->options.models = ph_swarm_models_draw(&s->fault_seed, s->options.delay);
        g->device++;
        g->config.http_port = (uint16_t)(5000 + (g->config.http_port - 4999U + draw(s, 9)) % 10);
    }
}

static void restart(struct swarm *s, struct swarm_gateway *g, enum swarm_fault fault) {
    if (s->now < g->booted + UPTIME_LEAST)
        return;
    if (fault == SWARM_CHANGED)
        change(s, g);
    if (fault == SWARM_RESTART) {
        ph_swarm_faults_boot(s, g);
        return;
    }
    ph_swarm_trace_line(s, "gateway %u goes down", g->index);
    shut_down(s, g);
    heal_later(s, SWARM_DOWN, g->index, PH_SECONDS(1 + draw(s, fault == SWARM_DOWN ? 600 : 60)));
}

/* A PCP server that loses its mappings must tell by its clock (RFC 6887 §8.5); the other methods
 * keep them, at another address. */
static void readdress(struct swarm *s, struct swarm_gateway *g) {
    if (s->now < g->booted + UPTIME_LEAST)
        return;
    struct ph_addr external = external_of(g, 1 + draw(s, 100));
    char text[PH_ADDR_TEXT_SIZE];
    g->config.external = external;
    ph_swarm_trace_line(s, "gateway %u has the external address %s", g->index,
                        ph_addr_format(&external, text));
    if (g->config.pcp)
        ph_swarm_faults_boot(s, g);
    else
        ph_gw_server_renumber(g->server, ph_swarm_gateway_now(s, g), &external);
}

/* A clock that jumps to just where that of an earlier life would be by now hides that there was
 * another one since, from everybody. */
static bool is_hiding(const struct swarm *s, const struct swarm_gateway *g) {
    ph_us birth = birth_of(s, g);
    for (unsigned i = 0; i < g->birth_count && i < SWARM_BIRTHS_MAX; i++) {
        ph_us other = g->births[i];
        ph_us slack =
            PH_SECONDS(10) + 4 * s->options.delay + s->options.jitter + (s->now - other) / 64;
        if (birth < other + slack && other < birth + slack)
            return true;
    }
    return false;
}

static void jump_gateway(struct swarm *s, struct swarm_gateway *g) {
    ph_us jump = PH_SECONDS(1 + draw(s, 1U << draw(s, 14)));
    ph_us base = g->clock_base;
    g->clock_base += jump;
    if (is_hiding(s, g)) {
        g->clock_base = base;
        return;
    }
    ph_swarm_trace_line(s, "gateway %u: its clock jumps by %u s", g->index,
                        (unsigned)(jump / PH_SECONDS(1)));
}

/* Somebody removes one of its UPnP mappings, which nothing announces. */
static void forget(struct swarm *s, struct swarm_gateway *g) {
    static uint8_t answer[PH_GW_HTTP_SIZE];
    size_t count = ph_gw_server_count(g->server);
    const struct ph_gw_mapping *m =
        count ? ph_gw_server_mapping(g->server, draw(s, (unsigned)count)) : NULL;
    if (!m || m->facts.made_by != PORTHOLE_UPNP)
        return;
    char port[8];
    snprintf(port, sizeof port, "%u", m->facts.external_port);
    const struct ph_soap_argument arguments[] = {
        {"NewRemoteHost", ""},
        {"NewExternalPort", port},
        {"NewProtocol", m->facts.protocol == PORTHOLE_TCP ? "TCP" : "UDP"},
    };
    static const char type[] = "urn:schemas-upnp-org:service:WANIPConnection:1";
    char body[PH_SOAP_BODY_SIZE];
    char head[300];
    int len = ph_soap_encode_request(type, "DeletePortMapping", arguments, 3, body, sizeof body);
    snprintf(head, sizeof head, "SOAPAction: \"%s#DeletePortMapping\"\r\n", type);
    struct ph_http_message request = {
        .method = PH_SPAN("POST"),
        .target = PH_SPAN("/ctl/IPConn"),
        .head = ph_span_of(head),
        .body = {body, len > 0 ? (size_t)len : 0},
    };
    struct ph_endpoint from = {m->facts.client, 50001};
    ph_swarm_trace_line(s, "gateway %u: somebody removes port %s", g->index, port);
    ph_gw_server_http(g->server, ph_swarm_gateway_now(s, g), &from, &request, answer,
                      sizeof answer);
}

static void hit_gateway(struct swarm *s, enum swarm_fault fault) {
    struct swarm_gateway *g = &s->gateways[draw(s, s->options.gateways)];
    if (!g->server)
        return;
    if (fault == SWARM_EXTERNAL)
        readdress(s, g);
    else if (fault == SWARM_GATEWAY_CLOCK)
        jump_gateway(s, g);
    else if (fault == SWARM_FORGET)
        forget(s, g);
    else
        restart(s, g, fault);
}

/* ---- Clients --------------------------------------------------------------------------------- */

static void wake(struct swarm *s, struct swarm_client *c) {
    c->is_asleep = false;
    ph_swarm_trace_line(s, "client %u wakes", c->index);
    ph_swarm_step(s, c, &(struct ph_input){.type = PH_INPUT_RESUMED});
    ph_swarm_link_expire(s, c, PH_NEVER);
}

static void jump_client(struct swarm *s, struct swarm_client *c) {
    ph_us jump = PH_SECONDS(1 + draw(s, 1U << draw(s, 16)));
    c->clock_ahead += jump;
    c->jumped = s->now;
    ph_swarm_trace_line(s, "client %u: its clock jumps by %u s", c->index,
                        (unsigned)(jump / PH_SECONDS(1)));
    ph_swarm_step(s, c, &(struct ph_input){.type = PH_INPUT_TIMER});
    ph_swarm_link_expire(s, c, s->now + jump);
}

/* Another address that nobody else has. */
static void renumber(struct swarm *s, struct swarm_client *c) {
    uint8_t host = (uint8_t)(10 + c->index + 4 * draw(s, 4));
    bool is_public = s->options.public && flip(s, 50);
    struct ph_addr source = is_public ? ph_addr_v4(5, 9, 77, host) : ph_addr_v4(192, 168, 77, host);
    char text[PH_ADDR_TEXT_SIZE];
    if (ph_addr_equal(&c->path.source, &source))
        return;
    c->path.source = source;
    ph_swarm_trace_line(s, "client %u has the address %s", c->index, ph_addr_format(&source, text));
    ph_swarm_network(s, c);
}

static void kill_client(struct swarm *s, struct swarm_client *c) {
    struct swarm_mapping before[SWARM_MAPPINGS_MAX];
    size_t count = c->mapping_count;
    memcpy(before, c->mappings, sizeof before);
    ph_swarm_trace_line(s, "client %u is killed and starts again", c->index);
    ph_swarm_link_close(s, c);
    ph_swarm_memory = &c->memory;
    ph_engine_free(c->engine);
    ph_swarm_memory = NULL;
    if (c->memory > 0)
        ph_swarm_trace_breach(s, "client %u: %zu bytes are lost", c->index, c->memory);
    c->memory = c->mapping_count = c->left_count = c->entries = 0;
    c->listening = c->channel = 0;
    ph_swarm_start(s, c);
    ph_swarm_application_revive(s, c, before, count);
}

static void hit_client(struct swarm *s, enum swarm_fault fault) {
    struct swarm_client *c = &s->clients[draw(s, s->options.clients)];
    ph_us length = PH_SECONDS(1 + draw(s, 2U << draw(s, 11)));
    if (c->is_asleep)
        return;
    if (fault == SWARM_PARTITION && !c->is_cut) {
        c->is_cut = true;
        ph_swarm_trace_line(s, "client %u is cut off", c->index);
        heal_later(s, fault, c->index, length);
    } else if (fault == SWARM_RENUMBER && c->has_network) {
        renumber(s, c);
    } else if (fault == SWARM_ROAM && c->has_network && s->options.gateways > 1) {
        c->is_former_there = flip(s, 50);
        if (c->is_former_there)
            ph_swarm_truth_leave(s, c);
        c->gateway = 1 - c->gateway;
        ph_swarm_trace_line(s, "client %u goes to gateway %u", c->index, c->gateway);
        ph_swarm_network(s, c);
    } else if (fault == SWARM_NO_NETWORK && c->has_network) {
        c->has_network = false;
        ph_swarm_trace_line(s, "client %u has no network", c->index);
        ph_swarm_network(s, c);
        heal_later(s, fault, c->index, length);
    } else if (fault == SWARM_SLEEP) {
        c->is_asleep = true;
        c->wakes = s->now + length;
        ph_swarm_trace_line(s, "client %u sleeps", c->index);
        heal_later(s, fault, c->index, length);
    } else if (fault == SWARM_CLOCK) {
        jump_client(s, c);
    } else if (fault == SWARM_DEATH && c->has_network) {
        kill_client(s, c);
    }
}

/* ---- One after the other --------------------------------------------------------------------- */

void ph_swarm_faults_next(struct swarm *s) {
    enum swarm_fault fault;
    do
        fault = (enum swarm_fault)draw(s, SWARM_FAULTS);
    while (!(s->options.faults & 1U << fault));
    s->result->faults++;
    s->result->fault_kinds[fault]++;
    ph_swarm_trace_mix(s, &fault, sizeof fault);
    if (fault == SWARM_RESTART || fault == SWARM_DOWN || fault == SWARM_CHANGED ||
        fault == SWARM_EXTERNAL || fault == SWARM_GATEWAY_CLOCK || fault == SWARM_FORGET)
        hit_gateway(s, fault);
    else
        hit_client(s, fault);
    ph_swarm_link_post(s, ITEM_FAULT, ph_swarm_interval(&s->fault_seed, s->options.fault_interval),
                       "", 0);
}

void ph_swarm_faults_heal(struct swarm *s, const struct swarm_item *item) {
    struct swarm_client *c = &s->clients[item->client];
    if (item->fault == SWARM_DOWN) {
        if (!s->gateways[item->gateway].server)
            ph_swarm_faults_boot(s, &s->gateways[item->gateway]);
    } else if (item->fault == SWARM_PARTITION && c->is_cut) {
        c->is_cut = false;
        ph_swarm_trace_line(s, "client %u is back on the link", c->index);
    } else if (item->fault == SWARM_NO_NETWORK && !c->has_network && !c->is_asleep) {
        c->has_network = true;
        ph_swarm_trace_line(s, "client %u has a network again", c->index);
        ph_swarm_network(s, c);
    } else if (item->fault == SWARM_NO_NETWORK && c->is_asleep) {
        heal_later(s, SWARM_NO_NETWORK, c->index, PH_SECONDS(60));
    } else if (item->fault == SWARM_SLEEP && c->is_asleep && s->now >= c->wakes) {
        wake(s, c);
    }
}

void ph_swarm_faults_stop(struct swarm *s) {
    for (unsigned i = 0; i < s->options.gateways; i++)
        if (!s->gateways[i].server)
            ph_swarm_faults_boot(s, &s->gateways[i]);
    for (unsigned i = 0; i < s->options.clients; i++) {
        struct swarm_client *c = &s->clients[i];
        c->is_cut = false;
        if (c->is_asleep)
            wake(s, c);
        if (!c->has_network) {
            c->has_network = true;
            ph_swarm_network(s, c);
        }
    }
}
