/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * world.c: see world.h. A packet is anything that happens later: a datagram either way, an ICMP
 * error, an HTTP exchange on its way there or back. The earliest goes first; equal times keep the
 * order of sending.
 */
#include "sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/pcp.h"
#include "wire/ssdp.h"

enum packet_kind {
    PACKET_TO_GATEWAY,
    PACKET_TO_CLIENT,
    PACKET_ICMP,
    PACKET_HTTP_REQUEST,
    PACKET_HTTP_ANSWER,
    PACKET_HTTP_FAILED,
    PACKET_NOTHING /* dropped before it left */
};

struct ph_world_packet {
    ph_us due;
    uint64_t sequence;
    enum packet_kind kind;
    enum ph_world_port port;
    uint32_t gateway;
    uint32_t exchange;
    int error;
    ph_us deadline;          /* of an exchange */
    struct ph_endpoint from; /* of a datagram */
    struct ph_endpoint to;   /* of what the client sent */
    uint8_t *bytes;
    size_t len;
};

static void *need(void *memory) {
    if (!memory) {
        fputs("sim: out of memory\n", stderr);
        abort();
    }
    return memory;
}

static struct ph_addr address(const char *text) {
    struct ph_addr addr = ph_addr_none;
    if (!ph_addr_parse(ph_span_of(text), &addr)) {
        fprintf(stderr, "sim: %s is no address\n", text);
        abort();
    }
    return addr;
}

void ph_world_options_init(struct ph_world_options *options) {
    *options = (struct ph_world_options){
        .seed = 1, .delay = PH_MS(5), .pcp = true, .natpmp = true, .upnp = true};
}

static void on_log(void *user, enum porthole_log_level level, const char *line) {
    struct ph_world *world = user;
    (void)level;
    size_t len = strlen(line) + 32;
    if (world->trace_size - world->trace_len < len) {
        world->trace_size = world->trace_size * 2 + len;
        world->trace = need(realloc(world->trace, world->trace_size));
    }
    world->trace_len += (size_t)snprintf(world->trace + world->trace_len, len, "%9.3f %s\n",
                                         (double)(world->now - world->started) / 1000.0, line);
}

static void on_announce(void *user, uint16_t port, const void *bytes, size_t len) {
    struct ph_world *world = user;
    struct ph_endpoint from = {world->path.gateway, port == PH_SSDP_PORT ? port : PH_PCP_PORT};
    ph_world_answer(world, port == PH_SSDP_PORT ? PH_WORLD_NOTIFY : PH_WORLD_ANNOUNCE, &from, bytes,
                    len);
}

void ph_world_restart_gateway(struct ph_world *world) {
    ph_gw_server_free(world->server);
    world->server_config.hooks.announce = world->options.announces ? on_announce : NULL;
    world->server_config.hooks.user = world;
    world->server_config.boot_id++;
    world->server = need(ph_gw_server_new(&world->server_config, world->now));
}

static void new_engine(struct ph_world *world) {
    const struct ph_world_options *options = &world->options;
    struct ph_engine_config engine = {
        .methods = options->methods ? options->methods : PORTHOLE_USE_ALL,
        .discover_timeout = options->discover_timeout ? options->discover_timeout : PH_SECONDS(10),
        .mapping_timeout = PH_SECONDS(10),
        .recheck_period = options->recheck_period ? options->recheck_period : PH_SECONDS(300),
        .unhinted_period = options->recheck_period ? options->recheck_period : PH_SECONDS(60),
        .random = {ph_seeded_fill, &world->random},
        .log_level = PORTHOLE_LOG_TRACE,
        .log = on_log,
        .log_user = world,
    };
    world->engine = need(ph_engine_new(&engine));
}

struct ph_world *ph_world_new(const struct ph_world_options *options) {
    struct ph_world *world = need(calloc(1, sizeof *world));
    world->options = *options;
    world->random.state = options->seed;
    world->now = world->started = PH_SECONDS(1000); /* not 0: a clock that has run for a while */
    world->path.gateway = address(options->gateway ? options->gateway : "192.168.77.1");
    world->path.source = address(options->client ? options->client : "192.168.77.2");
    struct ph_gw_config *config = &world->server_config;
    ph_gw_config_init(config);
    config->internal = world->path.gateway;
    config->external = address(options->external ? options->external : "1.2.3.4");
    config->pcp = options->pcp;
    config->natpmp = options->natpmp;
    config->upnp = options->upnp;
    config->behaviour.silent_pcp = options->silent_pcp;
    config->behaviour.quirks = options->quirks;
    if (options->lease_max_s)
        config->behaviour.lease_max_s = options->lease_max_s;
    config->http_port = 5000;
    config->random = (struct ph_random){ph_seeded_fill, &world->random};
    ph_world_restart_gateway(world);
    new_engine(world);
    ph_world_network(world, !options->no_network);
    return world;
}

void ph_world_free(struct ph_world *world) {
    if (!world)
        return;
    for (size_t i = 0; i < world->packet_count; i++)
        free(world->packets[i].bytes);
    free(world->packets);
    free(world->sent);
    free(world->trace);
    ph_engine_free(world->engine);
    ph_gw_server_free(world->server);
    ph_gw_server_free(world->former);
    free(world);
}

void ph_world_restart_client(struct ph_world *world) {
    for (size_t i = 0; i < world->packet_count; i++)
        free(world->packets[i].bytes);
    world->packet_count = 0;
    ph_engine_free(world->engine);
    new_engine(world);
    ph_world_network(world, !world->options.no_network);
}

/* ---- The link -------------------------------------------------------------------------------- */

static struct ph_world_packet *post(struct ph_world *world, enum packet_kind kind, ph_us delay,
                                    const void *bytes, size_t len) {
    if (world->packet_count == world->packet_size) {
        world->packet_size = world->packet_size * 2 + 16;
        world->packets = need(realloc(world->packets, world->packet_size * sizeof *world->packets));
    }
    struct ph_world_packet *packet = &world->packets[world->packet_count++];
    *packet = (struct ph_world_packet){
        .due = world->now + delay, .sequence = world->sequence++, .kind = kind, .len = len};
    packet->bytes = need(malloc(len ? len : 1));
    memcpy(packet->bytes, bytes, len);
    return packet;
}

static bool is_lost(struct ph_world *world) {
    struct ph_random random = {ph_seeded_fill, &world->random};
    return ph_random_below(&random, 100) < world->options.loss_percent;
}

static bool is_closed(const struct ph_world *world) {
    const struct ph_gw_config *config = &world->server_config;
    return !world->server || (!config->pcp && !config->natpmp);
}

static bool is_gateway(const struct ph_world *world, const struct ph_endpoint *to) {
    return ph_addr_equal(&to->addr, &world->path.gateway);
}

static void note(struct ph_world *world, enum ph_world_port port, const struct ph_effects *effects,
                 const struct ph_effect *effect) {
    if (world->sent_count == world->sent_size) {
        world->sent_size = world->sent_size * 2 + 64;
        world->sent = need(realloc(world->sent, world->sent_size * sizeof *world->sent));
    }
    struct ph_world_sent *sent = &world->sent[world->sent_count++];
    *sent = (struct ph_world_sent){
        .at = world->now, .port = port, .to = effect->to, .len = effect->len};
    memcpy(sent->bytes, ph_effect_bytes(effects, effect),
           effect->len < sizeof sent->bytes ? effect->len : sizeof sent->bytes - 1);
    world->gateway = effect->gateway;
    bool is_former = world->former && ph_addr_equal(&effect->to.addr, &world->former_gateway);
    if (!is_gateway(world, &effect->to) && !is_former &&
        (port == PH_WORLD_HTTP || !ph_addr_equal(&effect->to.addr, &ph_ssdp_group_v4)))
        world->strays++;
}

/* Whether it belongs to where the client was before it moved. */
static bool is_of_former(const struct ph_world *world, uint32_t gateway) {
    const struct ph_path *path = ph_engine_path(world->engine, gateway);
    return path && !(ph_addr_equal(&path->gateway, &world->path.gateway) &&
                     ph_addr_equal(&path->source, &world->path.source));
}

static struct ph_addr source_of(const struct ph_world *world, const struct ph_effect *effect) {
    const struct ph_path *path = ph_engine_path(world->engine, effect->gateway);
    return path ? path->source : world->path.source;
}

static void send(struct ph_world *world, const struct ph_effects *effects,
                 const struct ph_effect *effect) {
    bool is_control = effect->channel == PH_CHANNEL_CONTROL;
    note(world, is_control ? PH_WORLD_CONTROL : PH_WORLD_SSDP, effects, effect);
    *(is_control ? &world->sent_control : &world->sent_search) += 1;
    if (world->options.cut_off && is_of_former(world, effect->gateway)) {
        struct ph_world_packet *failure = post(world, PACKET_ICMP, 0, "", 0);
        failure->gateway = effect->gateway;
        failure->error = PORTHOLE_ERR_UNREACHABLE;
        return;
    }
    if (is_lost(world) || world->options.silent)
        return;
    if (is_control && !world->options.script && is_closed(world)) {
        struct ph_world_packet *icmp = post(world, PACKET_ICMP, world->options.delay * 2, "", 0);
        icmp->gateway = effect->gateway;
        icmp->error = PORTHOLE_ERR_PORT_CLOSED;
        return;
    }
    struct ph_world_packet *packet = post(world, PACKET_TO_GATEWAY, world->options.delay,
                                          ph_effect_bytes(effects, effect), effect->len);
    packet->port = is_control ? PH_WORLD_CONTROL : PH_WORLD_SSDP;
    packet->to = effect->to;
    packet->gateway = effect->gateway;
    packet->from = (struct ph_endpoint){source_of(world, effect), is_control ? 40000 : 40001};
}

static void start_http(struct ph_world *world, const struct ph_effects *effects,
                       const struct ph_effect *effect) {
    note(world, PH_WORLD_HTTP, effects, effect);
    world->exchanges++;
    if (++world->exchanges_open > world->exchanges_most)
        world->exchanges_most = world->exchanges_open;
    /* A connection takes a round trip before the request is on its way. */
    bool is_cut_off = world->options.cut_off && is_of_former(world, effect->gateway);
    bool is_silent = world->options.silent;
    ph_us delay = is_silent ? effect->deadline - world->now : world->options.delay * 3;
    if (is_cut_off)
        delay = 0;
    struct ph_world_packet *packet =
        post(world, is_silent || is_cut_off ? PACKET_HTTP_FAILED : PACKET_HTTP_REQUEST, delay,
             ph_effect_bytes(effects, effect), effect->len);
    packet->exchange = effect->exchange;
    packet->deadline = effect->deadline;
    packet->to = effect->to;
    packet->from = (struct ph_endpoint){source_of(world, effect), 40002};
    packet->error = is_cut_off ? PORTHOLE_ERR_UNREACHABLE : PORTHOLE_ERR_TIMEOUT;
}

/* A request that has left arrives all the same; its answer finds nobody. */
static void cancel(struct ph_world *world, uint32_t exchange) {
    for (size_t i = 0; i < world->packet_count; i++) {
        struct ph_world_packet *packet = &world->packets[i];
        if (packet->exchange != exchange)
            continue;
        packet->exchange = 0;
        world->exchanges_open--;
        if (packet->kind == PACKET_HTTP_REQUEST && packet->due > world->now + world->options.delay)
            packet->kind = PACKET_NOTHING;
    }
}

int ph_world_step(struct ph_world *world, const struct ph_input *input) {
    struct ph_effects effects;
    int result = ph_engine_step(world->engine, world->now, input, &effects);
    for (size_t i = 0; i < effects.count; i++) {
        const struct ph_effect *effect = &effects.at[i];
        if (effect->type == PH_EFFECT_SEND)
            send(world, &effects, effect);
        else if (effect->type == PH_EFFECT_HTTP)
            start_http(world, &effects, effect);
        else if (effect->type == PH_EFFECT_CANCEL)
            cancel(world, effect->exchange);
        else if (effect->type == PH_EFFECT_LISTEN || effect->gateway == world->listener)
            world->listener = effect->type == PH_EFFECT_LISTEN ? effect->gateway : 0;
    }
    bool was_listening = world->is_listening;
    world->is_listening = world->listener != 0;
    struct ph_event event;
    while (ph_engine_next_event(world->engine, &event))
        if (world->event_count < PH_WORLD_EVENTS_MAX) {
            world->event_times[world->event_count] = world->now;
            world->events[world->event_count++] = event;
        }
    if (world->is_listening && !was_listening && world->options.deaf)
        ph_world_deafen(world);
    return result;
}

/* ---- Delivery -------------------------------------------------------------------------------- */

void ph_world_answer_late(struct ph_world *world, enum ph_world_port port,
                          const struct ph_endpoint *from, const void *bytes, size_t len,
                          ph_us extra) {
    if (is_lost(world))
        return;
    struct ph_world_packet *packet =
        post(world, PACKET_TO_CLIENT, world->options.delay + extra, bytes, len);
    packet->port = port;
    packet->gateway = world->gateway;
    packet->from = *from;
}

static void emit(struct ph_world *world, enum ph_world_port port, const void *bytes, size_t len) {
    struct ph_gw_ssdp_manner manner = {.port = PH_PCP_PORT};
    if (port == PH_WORLD_SSDP)
        manner = ph_gw_server_ssdp_manner(world->server);
    struct ph_endpoint from = {world->path.gateway, manner.port};
    if (world->options.meddle)
        world->options.meddle(world, port, &from, bytes, len);
    else
        ph_world_answer_late(world, port, &from, bytes, len, manner.delay);
}

static void emit_ssdp(void *user, const void *bytes, size_t len) {
    emit(user, PH_WORLD_SSDP, bytes, len);
}

void ph_world_serve(struct ph_world *world, enum ph_world_port port, const struct ph_endpoint *from,
                    const uint8_t *bytes, size_t len) {
    if (world->server && port == PH_WORLD_SSDP)
        ph_gw_server_ssdp(world->server, world->now, from, bytes, len, emit_ssdp, world);
    if (!world->server || port != PH_WORLD_CONTROL)
        return;
    uint8_t answer[PH_GW_CONTROL_SIZE];
    size_t answer_len =
        ph_gw_server_control(world->server, world->now, from, bytes, len, answer, sizeof answer);
    if (answer_len)
        emit(world, PH_WORLD_CONTROL, answer, answer_len);
}

static void at_gateway(struct ph_world *world, const struct ph_world_packet *packet) {
    bool is_group = ph_addr_equal(&packet->to.addr, &ph_ssdp_group_v4);
    world->gateway = packet->gateway;
    if (world->options.silent || !(is_gateway(world, &packet->to) || is_group))
        return;
    if (world->options.script)
        world->options.script(world, packet->port, &packet->from, packet->bytes, packet->len);
    else
        ph_world_serve(world, packet->port, &packet->from, packet->bytes, packet->len);
}

size_t ph_world_serve_http(struct ph_world *world, const struct ph_http_message *request,
                           uint8_t *ret, size_t size) {
    struct ph_endpoint from = {world->path.source, 40002};
    if (!world->server || !world->server_config.upnp)
        return 0;
    return ph_gw_server_http(world->server, world->now, &from, request, ret, size);
}

static void at_http_server(struct ph_world *world, const struct ph_world_packet *packet) {
    static uint8_t answer[PH_HTTP_HEAD_MAX + PH_HTTP_BODY_MAX + 4096];
    struct ph_http_reader *reader = need(ph_http_reader_new(PH_HTTP_REQUEST));
    bool is_ours =
        is_gateway(world, &packet->to) && packet->to.port == world->server_config.http_port;
    size_t len = 0;
    if (ph_http_reader_feed(reader, packet->bytes, packet->len) == 1) {
        struct ph_http_message request = ph_http_reader_message(reader);
        if (world->options.http)
            len = world->options.http(world, &packet->to, &request, answer, sizeof answer);
        else if (is_ours)
            len = ph_world_serve_http(world, &request, answer, sizeof answer);
    }
    ph_http_reader_free(reader);
    bool is_late =
        len == PH_WORLD_NO_ANSWER || world->now + world->options.delay > packet->deadline;
    ph_us delay = is_late ? packet->deadline - world->now : world->options.delay;
    struct ph_world_packet *back = len && !is_late
                                       ? post(world, PACKET_HTTP_ANSWER, delay, answer, len)
                                       : post(world, PACKET_HTTP_FAILED, delay, "", 0);
    back->exchange = packet->exchange;
    back->error = is_late ? PORTHOLE_ERR_TIMEOUT : PORTHOLE_ERR_PORT_CLOSED;
}

static void at_client_http(struct ph_world *world, const struct ph_world_packet *packet) {
    if (packet->exchange == 0)
        return;
    world->exchanges_open--;
    struct ph_input input = {.type = PH_INPUT_HTTP_FAILED};
    input.u.http_failed.exchange = packet->exchange;
    input.u.http_failed.error = packet->error;
    struct ph_http_reader *reader = need(ph_http_reader_new(PH_HTTP_RESPONSE));
    struct ph_http_message message;
    if (packet->kind == PACKET_HTTP_ANSWER) {
        int result = ph_http_reader_feed(reader, packet->bytes, packet->len);
        if (result == 0)
            result = ph_http_reader_end(reader);
        if (result == 1) {
            message = ph_http_reader_message(reader);
            input.type = PH_INPUT_HTTP_REPLY;
            input.u.http_reply.exchange = packet->exchange;
            input.u.http_reply.message = &message;
        } else {
            input.u.http_failed.error = result;
        }
    }
    ph_world_step(world, &input);
    ph_http_reader_free(reader);
}

static void at_client(struct ph_world *world, const struct ph_world_packet *packet) {
    static const enum ph_channel channels[] = {
        [PH_WORLD_CONTROL] = PH_CHANNEL_CONTROL,
        [PH_WORLD_SSDP] = PH_CHANNEL_SEARCH,
        [PH_WORLD_ANNOUNCE] = PH_CHANNEL_ANNOUNCE,
        [PH_WORLD_NOTIFY] = PH_CHANNEL_NOTIFY,
    };
    struct ph_input input = {.type = PH_INPUT_DATAGRAM};
    bool is_unasked = packet->port == PH_WORLD_ANNOUNCE || packet->port == PH_WORLD_NOTIFY;
    if ((is_unasked && (!world->is_listening || world->options.deaf)) ||
        (world->options.cut_off && is_of_former(world, packet->gateway)))
        return;
    input.u.datagram.gateway = packet->gateway;
    input.u.datagram.channel = channels[packet->port];
    input.u.datagram.from = packet->from;
    input.u.datagram.bytes = packet->bytes;
    input.u.datagram.len = packet->len;
    ph_world_step(world, &input);
}

/* At the gateway that it was sent to, from where it was sent. */
static void arrive(struct ph_world *world, const struct ph_world_packet *packet,
                   void (*at)(struct ph_world *world, const struct ph_world_packet *packet)) {
    struct ph_path path = world->path;
    struct ph_gw_server *server = world->server;
    bool is_former = world->former && ph_addr_equal(&packet->to.addr, &world->former_gateway);
    if (is_former) {
        world->path.gateway = world->former_gateway;
        world->server = world->former;
    }
    world->path.source = packet->from.addr;
    at(world, packet);
    world->path = path;
    if (is_former)
        world->server = server;
}

static void deliver(struct ph_world *world, const struct ph_world_packet *packet) {
    struct ph_input input = {.type = PH_INPUT_UNREACHABLE};
    switch (packet->kind) {
    case PACKET_TO_GATEWAY:
        arrive(world, packet, at_gateway);
        break;
    case PACKET_TO_CLIENT:
        at_client(world, packet);
        break;
    case PACKET_ICMP:
        input.u.unreachable.gateway = packet->gateway;
        input.u.unreachable.channel = PH_CHANNEL_CONTROL;
        input.u.unreachable.error = packet->error;
        ph_world_step(world, &input);
        break;
    case PACKET_HTTP_REQUEST:
        arrive(world, packet, at_http_server);
        break;
    case PACKET_HTTP_ANSWER:
    case PACKET_HTTP_FAILED:
        at_client_http(world, packet);
        break;
    case PACKET_NOTHING:
        break;
    }
}

static size_t earliest(const struct ph_world *world) {
    size_t best = 0;
    for (size_t i = 1; i < world->packet_count; i++) {
        const struct ph_world_packet *a = &world->packets[i];
        const struct ph_world_packet *b = &world->packets[best];
        if (a->due < b->due || (a->due == b->due && a->sequence < b->sequence))
            best = i;
    }
    return best;
}

bool ph_world_run_until(struct ph_world *world, ph_us limit, bool (*holds)(struct ph_world *)) {
    ph_us until = world->now + limit;
    while (!(holds && holds(world))) {
        ph_us timer = ph_engine_deadline(world->engine);
        ph_us tick = world->server ? ph_gw_server_deadline(world->server) : PH_NEVER;
        size_t index = earliest(world);
        bool is_packet = world->packet_count > 0 && world->packets[index].due <= timer;
        ph_us due = is_packet ? world->packets[index].due : timer;
        if (tick < due && tick <= until) {
            world->now = tick > world->now ? tick : world->now;
            ph_gw_server_tick(world->server, world->now);
            continue;
        }
        if (due > until) {
            world->now = until;
            return false;
        }
        world->now = due > world->now ? due : world->now;
        if (!is_packet) {
            ph_world_step(world, &(struct ph_input){.type = PH_INPUT_TIMER});
            continue;
        }
        struct ph_world_packet packet = world->packets[index];
        world->packets[index] = world->packets[--world->packet_count];
        deliver(world, &packet);
        free(packet.bytes);
    }
    return true;
}

void ph_world_run(struct ph_world *world, ph_us duration) {
    ph_world_run_until(world, duration, NULL);
}

/* ---- The gateway or the host moves ----------------------------------------------------------- */

void ph_world_renumber(struct ph_world *world, const char *external) {
    world->server_config.external = address(external);
    ph_gw_server_renumber(world->server, world->now, &world->server_config.external);
}

void ph_world_readdress(struct ph_world *world, const char *client) {
    world->path.source = address(client);
    ph_world_network(world, true);
}

void ph_world_move(struct ph_world *world, const char *gateway, const char *client) {
    struct ph_addr to = address(gateway);
    if (!ph_addr_equal(&to, &world->path.gateway)) {
        ph_gw_server_free(world->former);
        world->former = world->server;
        world->former_gateway = world->path.gateway;
        world->server = NULL;
    }
    world->path.gateway = world->server_config.internal = address(gateway);
    world->path.source = address(client);
    ph_world_restart_gateway(world);
    ph_world_network(world, true);
}
