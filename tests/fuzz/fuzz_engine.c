/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * fuzz_engine.c: the input is a script for the core: what the application asks, what the network
 * answers (in part made from what was sent, so that nonces and ports match), and how time goes.
 * Whatever happens, it sends only to whom it may, a mapping ends exactly once, time moves on, and
 * after STOP there is silence.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/engine.h"
#include "engine_answers.h"
#include "require.h"
#include "wire/natpmp.h"
#include "wire/pcp.h"
#include "wire/ssdp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LENGTH_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Exchanges: four at a time and the address asked for beside them, at each gateway: the present one
 * and those that are being left. */
enum { STEPS_MAX = 400, IDS_MAX = 64, SENT_MAX = 8, EXCHANGES_MAX = 5 * 6, REQUEST_MAX = 2048 };

enum fate { UNUSED, MAPPED, REMOVING, GONE };

struct exchange {
    uint32_t id;
    uint32_t gateway;
    char request[REQUEST_MAX];
};

struct play {
    const uint8_t *at;
    const uint8_t *end;
    struct ph_seeded random;
    struct ph_engine *engine;
    ph_us now;
    struct ph_path path;
    uint32_t gateway; /* as the engine last named it */
    uint32_t last_exchange;
    enum fate fates[IDS_MAX + 1];
    bool is_lease[IDS_MAX + 1];
    porthole_id last_id;
    uint8_t sent[SENT_MAX][64]; /* the last requests to the control port */
    size_t sent_len[SENT_MAX];
    size_t sent_count;
    struct exchange exchanges[EXCHANGES_MAX];
    ph_us stop_deadline;  /* PH_NEVER = not stopping */
    ph_us probe_deadline; /* PH_NEVER = not probing */
    ph_us list_deadline;  /* the same of a list */
};

/* The next byte of the script; 0 behind its end. */
static uint8_t take(struct play *play) { return play->at < play->end ? *play->at++ : 0; }

static size_t take_bytes(struct play *play, const uint8_t **ret) {
    size_t len = take(play);
    size_t left = (size_t)(play->end - play->at);
    len = len < left ? len : left;
    *ret = play->at;
    play->at += len;
    return len;
}

/* ---- What comes out -------------------------------------------------------------------------- */

static bool is_gateway(const struct play *play, const struct ph_effect *effect) {
    const struct ph_path *path = ph_engine_path(play->engine, effect->gateway);
    return path && ph_addr_equal(&effect->to.addr, &path->gateway);
}

static struct exchange *find_exchange(struct play *play, uint32_t id) {
    for (size_t i = 0; i < EXCHANGES_MAX; i++)
        if (play->exchanges[i].id == id)
            return &play->exchanges[i];
    return NULL;
}

static void see_send(struct play *play, const struct ph_effect *effect, const uint8_t *bytes) {
    bool is_control = effect->channel == PH_CHANNEL_CONTROL;
    REQUIRE(is_gateway(play, effect) ||
            (!is_control && ph_addr_equal(&effect->to.addr, &ph_ssdp_group_v4)));
    REQUIRE(effect->to.port == (is_control ? PH_PCP_PORT : PH_SSDP_PORT));
    REQUIRE(effect->len >= 2 && effect->len <= PH_SSDP_SIZE_MAX);
    if (!is_control)
        return;
    size_t slot = play->sent_count++ % SENT_MAX;
    REQUIRE(effect->len <= sizeof play->sent[slot]);
    memcpy(play->sent[slot], bytes, effect->len);
    play->sent_len[slot] = effect->len;
}

static void see_http(struct play *play, const struct ph_effect *effect, const uint8_t *bytes) {
    const struct ph_addr *to = &effect->to.addr;
    /* The gateway, or a neighbour on this host's own network. */
    REQUIRE(is_gateway(play, effect) ||
            (memcmp(to->b, ph_engine_path(play->engine, effect->gateway)->source.b, 15) == 0 &&
             !ph_addr_is_loopback(to) && !ph_addr_is_link_local(to)));
    REQUIRE(effect->to.port != 0);
    REQUIRE(effect->deadline > play->now && effect->deadline <= play->now + PH_SECONDS(10));
    REQUIRE(effect->exchange > play->last_exchange);
    play->last_exchange = effect->exchange;
    struct exchange *exchange = find_exchange(play, 0);
    REQUIRE(exchange);
    REQUIRE(effect->len < sizeof exchange->request);
    exchange->id = effect->exchange;
    exchange->gateway = effect->gateway;
    memcpy(exchange->request, bytes, effect->len);
    exchange->request[effect->len] = '\0';
    REQUIRE(strncmp(exchange->request, "GET /", 5) == 0 ||
            strncmp(exchange->request, "POST /", 6) == 0);
}

static void see_effects(struct play *play, const struct ph_effects *effects, bool was_stopped) {
    REQUIRE(effects->count <= 64 + 8 * IDS_MAX);
    for (size_t i = 0; i < effects->count; i++) {
        const struct ph_effect *effect = &effects->at[i];
        bool is_output = effect->type == PH_EFFECT_SEND || effect->type == PH_EFFECT_HTTP;
        if (is_output) {
            REQUIRE(!was_stopped);
            REQUIRE(ph_engine_path(play->engine, effect->gateway));
            play->gateway = effect->gateway;
        }
        if (effect->type == PH_EFFECT_SEND)
            see_send(play, effect, ph_effect_bytes(effects, effect));
        else if (effect->type == PH_EFFECT_HTTP)
            see_http(play, effect, ph_effect_bytes(effects, effect));
        if (effect->type == PH_EFFECT_CANCEL) {
            struct exchange *exchange = find_exchange(play, effect->exchange);
            REQUIRE(effect->exchange != 0 && exchange);
            exchange->id = 0;
        }
        if (effect->type == PH_EFFECT_FORGET)
            REQUIRE(!ph_engine_path(play->engine, effect->gateway));
    }
    for (size_t i = 0; i < EXCHANGES_MAX; i++)
        REQUIRE(play->exchanges[i].id == 0 ||
                ph_engine_path(play->engine, play->exchanges[i].gateway));
}

static void see_event(struct play *play, const struct ph_event *event) {
    const struct ph_mapping_info *info = &event->info;
    REQUIRE(info->id > 0 && info->id <= play->last_id);
    REQUIRE(play->fates[info->id] == MAPPED || play->fates[info->id] == REMOVING);
    bool is_made = event->type == PORTHOLE_EVENT_MAPPED || event->type == PORTHOLE_EVENT_CHANGED;
    if (event->type == PORTHOLE_EVENT_UNMAPPED) {
        REQUIRE(info->state == PORTHOLE_DESTROYED);
        REQUIRE(play->fates[info->id] == REMOVING || play->is_lease[info->id]);
        play->fates[info->id] = GONE;
        return;
    }
    REQUIRE(play->fates[info->id] == MAPPED);
    REQUIRE(is_made == (info->state == PORTHOLE_SUCCESS));
    if (is_made)
        REQUIRE(info->method != PORTHOLE_NONE && info->external.port != 0 &&
                !ph_addr_is_unspecified(&info->external.addr) && info->error == 0);
    if (event->type == PORTHOLE_EVENT_FAILED)
        REQUIRE(info->state == PORTHOLE_FAILURE && info->error < 0);
    if (event->type == PORTHOLE_EVENT_PENDING)
        REQUIRE(info->state == PORTHOLE_PENDING);
}

static void see_state(struct play *play) {
    size_t mapped = 0;
    for (porthole_id id = 1; id <= play->last_id; id++) {
        struct ph_mapping_info info;
        bool is_known = ph_engine_query(play->engine, id, &info);
        mapped += play->fates[id] == MAPPED;
        REQUIRE(is_known == (play->fates[id] == MAPPED || play->fates[id] == REMOVING));
        if (is_known)
            REQUIRE((info.state == PORTHOLE_DESTROYING) == (play->fates[id] == REMOVING));
    }
    REQUIRE(ph_engine_count(play->engine) == mapped);
    REQUIRE(ph_engine_deadline(play->engine) > play->now);
    if (ph_engine_is_stopped(play->engine)) {
        REQUIRE(mapped == 0 && ph_engine_deadline(play->engine) == PH_NEVER);
        REQUIRE(!find_exchange(play, play->last_exchange) || play->last_exchange == 0);
    }
    REQUIRE(play->now < play->stop_deadline || ph_engine_is_stopped(play->engine));
    REQUIRE(play->now < play->probe_deadline || ph_engine_probe(play->engine)->done);
    if (ph_engine_probe(play->engine)->done)
        play->probe_deadline = PH_NEVER;
    REQUIRE(play->now < play->list_deadline || ph_engine_list(play->engine)->done);
    if (ph_engine_list(play->engine)->done)
        play->list_deadline = PH_NEVER;
}

static int step(struct play *play, const struct ph_input *input) {
    struct ph_effects effects;
    struct ph_event event;
    bool was_stopped = ph_engine_is_stopped(play->engine);
    int result = ph_engine_step(play->engine, play->now, input, &effects);
    see_effects(play, &effects, was_stopped);
    if (result == 0 && input->type == PH_INPUT_MAP) {
        play->fates[input->u.map.id] = MAPPED;
        play->is_lease[input->u.map.id] = input->u.map.request->flags & PORTHOLE_LEASE;
    }
    if (result == 0 && input->type == PH_INPUT_REMOVE)
        play->fates[input->u.map.id] = REMOVING;
    for (porthole_id id = 1; id <= play->last_id && result == 0; id++)
        if (play->fates[id] == MAPPED &&
            (input->type == PH_INPUT_STOP || (input->type == PH_INPUT_UNMAP && input->u.id == id)))
            play->fates[id] = REMOVING;
    while (ph_engine_next_event(play->engine, &event))
        see_event(play, &event);
    /* A lease that came to its end is removed by itself. */
    for (porthole_id id = 1; id <= play->last_id; id++) {
        struct ph_mapping_info info;
        if (play->fates[id] == MAPPED && play->is_lease[id] &&
            ph_engine_query(play->engine, id, &info) && info.state == PORTHOLE_DESTROYING)
            play->fates[id] = REMOVING;
    }
    see_state(play);
    return result;
}

/* ---- The application ------------------------------------------------------------------------- */

static void play_map(struct play *play) {
    static const uint32_t lifetimes_s[] = {20, 60, 7200, UINT32_MAX};
    static const uint8_t key[PH_KEY_SIZE] = {1, 2, 3};
    uint8_t what = take(play);
    uint8_t more = take(play);
    bool is_removal = more & 128;
    bool is_for_all = is_removal && more & 64;
    struct ph_map_request request = {
        .protocol = what & 1 ? PORTHOLE_TCP : PORTHOLE_UDP,
        .internal_port = is_for_all ? 0
                         : what & 2 ? 9
                                    : (uint16_t)(1000 + (what >> 6)),
        .external_port = what & 4     ? 80
                         : is_removal ? 0
                                      : 1000,
        .flags = what >> 3 & (PORTHOLE_EXACT_PORT | PORTHOLE_LEASE),
        .lifetime_s = lifetimes_s[more % LENGTH_OF(lifetimes_s)],
        .refresh_s = more & 32 ? 4 : 0,
        .key = more & 16 ? key : NULL,
        .methods = more & 8 ? PORTHOLE_USE_UPNP : 0,
        .description = what & 32 ? "a description" : NULL,
    };
    if (play->last_id == IDS_MAX)
        return;
    struct ph_input input = {.type = is_removal ? PH_INPUT_REMOVE : PH_INPUT_MAP};
    input.u.map.id = ++play->last_id;
    input.u.map.request = &request;
    int result = step(play, &input);
    REQUIRE(result == 0 || result == PORTHOLE_ERR_EXISTS || result == PORTHOLE_ERR_STATE ||
            (is_removal && result == PORTHOLE_ERR_UNSUPPORTED));
}

static void play_id(struct play *play, enum ph_input_type type) {
    porthole_id id = play->last_id ? 1 + take(play) % play->last_id : 1;
    bool is_known = play->fates[id] == MAPPED || play->fates[id] == REMOVING;
    int result = step(play, &(struct ph_input){.type = type, .u.id = id});
    REQUIRE(result == (is_known ? 0 : PORTHOLE_ERR_UNKNOWN_ID));
}

static void play_unmap(struct play *play) { play_id(play, PH_INPUT_UNMAP); }

static void play_refresh(struct play *play) { play_id(play, PH_INPUT_REFRESH); }

static void play_list(struct play *play, ph_us duration) {
    struct ph_input input = {.type = PH_INPUT_LIST, .u.list_deadline = play->now + duration};
    int result = step(play, &input);
    REQUIRE(result == 0 || result == PORTHOLE_ERR_STATE || result == PORTHOLE_ERR_NO_NETWORK ||
            result == PORTHOLE_ERR_UNSUPPORTED);
    if (result == 0 && !ph_engine_list(play->engine)->done)
        play->list_deadline = input.u.list_deadline;
}

static void play_probe(struct play *play) {
    uint8_t what = take(play);
    if (what >= 0xc0) {
        play_list(play, PH_MS(130) * (what - 0xc0U));
        return;
    }
    struct ph_input input = {.type = PH_INPUT_PROBE};
    input.u.probe.deadline = play->now + PH_MS(13) * (what >> 1);
    input.u.probe.address_only = what & 1;
    int result = step(play, &input);
    REQUIRE(result == 0 || result == PORTHOLE_ERR_STATE || result == PORTHOLE_ERR_NO_NETWORK);
    if (result == 0 && !ph_engine_probe(play->engine)->done)
        play->probe_deadline = input.u.probe.deadline;
}

static void stop_within(struct play *play, ph_us duration) {
    ph_us deadline = play->now + duration;
    /* A device gets a moment to take its deletes, however short the time is. */
    play->stop_deadline = play->now + (duration > PH_MS(250) ? duration : PH_MS(250));
    step(play, &(struct ph_input){.type = PH_INPUT_STOP, .u.stop_deadline = deadline});
}

static void play_stop(struct play *play) { stop_within(play, PH_MS(50) * take(play)); }

static void play_network(struct play *play) {
    static const struct {
        uint8_t gateway;
        uint8_t source[4];
    } paths[] = {
        {1, {192, 168, 77, 2}}, {2, {192, 168, 77, 2}}, {1, {192, 168, 77, 3}}, {1, {8, 8, 8, 8}}};
    uint8_t what = take(play) % (LENGTH_OF(paths) + 2);
    struct ph_network network = {.error = PORTHOLE_ERR_NO_NETWORK};
    if (what > LENGTH_OF(paths)) {
        step(play, &(struct ph_input){.type = PH_INPUT_RESUMED});
        return;
    }
    if (what < LENGTH_OF(paths)) {
        const uint8_t *s = paths[what].source;
        network.count = 1;
        network.paths[0].source = ph_addr_v4(s[0], s[1], s[2], s[3]);
        network.paths[0].gateway = ph_addr_v4(192, 168, 77, paths[what].gateway);
    }
    play->path = network.paths[0];
    step(play, &(struct ph_input){.type = PH_INPUT_NETWORK, .u.network = &network});
}

/* ---- The network ----------------------------------------------------------------------------- */

static void play_datagram(struct play *play, enum ph_channel channel, struct ph_endpoint from,
                          const void *bytes, size_t len) {
    struct ph_input input = {.type = PH_INPUT_DATAGRAM};
    input.u.datagram.gateway = play->gateway;
    input.u.datagram.channel = channel;
    input.u.datagram.from = from;
    input.u.datagram.bytes = bytes;
    input.u.datagram.len = len;
    step(play, &input);
}

/* An answer to one of the last requests, right but for what the script spoils. */
static void play_answer(struct play *play) {
    static const uint8_t lifetimes[][4] = {{0, 0, 28, 32}, {0, 0, 0, 60}, {0, 0, 0, 0}, {255}};
    size_t which = take(play) % SENT_MAX;
    uint8_t result = take(play);
    uint8_t how = take(play);
    const uint8_t *lifetime = lifetimes[how & 3];
    uint8_t bytes[64] = {0};
    size_t len = play->sent_len[which];
    memcpy(bytes, play->sent[which], len);
    bool is_pcp = bytes[0] == PH_PCP_VERSION;
    bytes[1] |= 128;
    bytes[3] = result < 16 ? result : 0;
    if (is_pcp) {
        memcpy(bytes + 4, lifetime, 4);
        bytes[8] = 0;
        memcpy(bytes + 44, (uint8_t[]){0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 1, 2, 3, 4}, 16);
        bytes[43] ^= how & 4 ? 1 : 0; /* another external port */
        if (how & 8)
            memset(bytes + 44, 0, 16);
    } else if (len == 2) {
        memcpy(bytes + 8, (uint8_t[]){1, 2, 3, how & 4 ? 5 : 4}, 4);
        if (how & 8)
            memset(bytes + 8, 0, 4);
        len = 12;
    } else {
        memcpy(bytes + 8, bytes + 4, 4);
        memcpy(bytes + 4, (uint8_t[]){0, 0, 0, 9}, 4);
        memcpy(bytes + 12, lifetime, 4);
        bytes[11] ^= how & 4 ? 1 : 0;
        len = 16;
    }
    if (how & 16)
        len = take(play) % (len + 1);
    if (how & 32)
        bytes[take(play) % sizeof bytes] = take(play);
    struct ph_endpoint from = {play->path.gateway, PH_PCP_PORT};
    from.port ^= how & 64 ? 1 : 0;
    play_datagram(play, PH_CHANNEL_CONTROL, from, bytes, len);
}

/* Bytes of the script's own, from the gateway. */
static void play_raw(struct play *play, enum ph_channel channel, uint16_t port) {
    const uint8_t *bytes;
    size_t len = take_bytes(play, &bytes);
    play_datagram(play, channel, (struct ph_endpoint){play->path.gateway, port}, bytes, len);
}

static void play_control(struct play *play) { play_raw(play, PH_CHANNEL_CONTROL, PH_PCP_PORT); }

static void play_search(struct play *play) { play_raw(play, PH_CHANNEL_SEARCH, PH_SSDP_PORT); }

static void play_ssdp(struct play *play) {
    static const char *const locations[] = {
        "http://192.168.77.1:5000/a.xml", "http://192.168.77.1/b.xml",
        "http://192.168.77.66/c.xml",     "http://127.0.0.1:80/d.xml",
        "http://8.8.4.4/e.xml",           "http://[::1]/f.xml",
        "http://192.168.77.2:22/g.xml",   "nothing"};
    const struct ph_endpoint sources[] = {{play->path.gateway, 1900},
                                          {ph_addr_v4(192, 168, 77, 66), 40000},
                                          {ph_addr_v4(8, 8, 4, 4), 1900},
                                          {ph_addr_v4(127, 0, 0, 1), 1900}};
    uint8_t what = take(play);
    char bytes[512];
    int len = snprintf(bytes, sizeof bytes,
                       "HTTP/1.1 200 OK\r\nST: %s\r\nUSN: uuid:1\r\nLOCATION: %s\r\n\r\n",
                       what & 128 ? "upnp:rootdevice" : PH_SSDP_TARGET_IGD1,
                       locations[what % LENGTH_OF(locations)]);
    play_datagram(play, PH_CHANNEL_SEARCH, sources[what >> 4 & 3], bytes, (size_t)len);
}

/* What nobody asked for, from the gateway or from elsewhere. */
static void play_unasked(struct play *play) {
    uint8_t what = take(play);
    enum ph_channel channel = (enum ph_channel)(PH_CHANNEL_ANNOUNCE + what % 3);
    struct ph_endpoint from = {what & 4 ? ph_addr_v4(8, 8, 4, 4) : play->path.gateway, PH_PCP_PORT};
    uint8_t announce[24] = {what & 8 ? PH_PCP_VERSION : 0, 0x80};
    char bytes[512];
    int len;
    if (what & 16) {
        struct ph_input input = {.type = PH_INPUT_UNREACHABLE};
        input.u.unreachable.gateway = play->gateway;
        input.u.unreachable.channel = channel;
        input.u.unreachable.error = PORTHOLE_ERR_NOT_AVAILABLE;
        step(play, &input);
    } else if (channel != PH_CHANNEL_NOTIFY) {
        announce[what & 8 ? 11 : 7] = take(play);
        announce[8] = what & 8 ? 0 : 1; /* NAT-PMP: an address */
        play_datagram(play, channel, from, announce, what & 8 ? 24 : 12);
    } else {
        len = snprintf(bytes, sizeof bytes,
                       "NOTIFY * HTTP/1.1\r\nNT: %s\r\nNTS: ssdp:%s\r\nBOOTID.UPNP.ORG: %u\r\n"
                       "LOCATION: http://192.168.77.1:%u/a.xml\r\n\r\n",
                       PH_SSDP_TARGET_IGD1, what & 32 ? "byebye" : "alive", take(play) % 4U,
                       4999U + what / 64);
        play_datagram(play, channel, from, bytes, (size_t)len);
    }
}

static void play_unreachable(struct play *play) {
    uint8_t what = take(play);
    struct ph_input input = {.type = PH_INPUT_UNREACHABLE};
    input.u.unreachable.gateway = play->gateway;
    input.u.unreachable.channel = what & 1 ? PH_CHANNEL_SEARCH : PH_CHANNEL_CONTROL;
    input.u.unreachable.error = what & 2 ? PORTHOLE_ERR_UNREACHABLE : PORTHOLE_ERR_PORT_CLOSED;
    step(play, &input);
}

/* ---- HTTP ------------------------------------------------------------------------------------ */

static struct exchange *take_exchange(struct play *play) {
    size_t first = take(play);
    for (size_t i = 0; i < EXCHANGES_MAX; i++) {
        struct exchange *exchange = &play->exchanges[(first + i) % EXCHANGES_MAX];
        if (exchange->id)
            return exchange;
    }
    return NULL;
}

static void play_reply(struct play *play) {
    char body[PH_SOAP_BODY_SIZE];
    struct exchange *exchange = take_exchange(play);
    uint8_t kind = take(play) % 4;
    struct ph_http_message message = {.status = kind == 1 ? 500 : 200};
    if (!exchange)
        return;
    if (kind < 2) {
        message.body = (struct ph_span){
            body, write_body(exchange->request, kind, take(play), body, sizeof body)};
    } else {
        const uint8_t *bytes;
        message.status = 100 + take(play) * 2U;
        message.body.len = take_bytes(play, &bytes);
        message.body.at = (const char *)bytes;
    }
    struct ph_input input = {.type = PH_INPUT_HTTP_REPLY};
    input.u.http_reply.exchange = exchange->id;
    input.u.http_reply.message = &message;
    exchange->id = 0;
    step(play, &input);
}

static void play_failed(struct play *play) {
    static const int errors[] = {PORTHOLE_ERR_PORT_CLOSED, PORTHOLE_ERR_UNREACHABLE,
                                 PORTHOLE_ERR_TIMEOUT, PORTHOLE_ERR_MALFORMED};
    struct exchange *exchange = take_exchange(play);
    struct ph_input input = {.type = PH_INPUT_HTTP_FAILED};
    input.u.http_failed.error = errors[take(play) % LENGTH_OF(errors)];
    if (!exchange)
        return;
    input.u.http_failed.exchange = exchange->id;
    exchange->id = 0;
    step(play, &input);
}

/* ---- The script ------------------------------------------------------------------------------ */

static void play_timer(struct play *play) {
    ph_us due = ph_engine_deadline(play->engine);
    if (due != PH_NEVER)
        play->now = due;
    step(play, &(struct ph_input){.type = PH_INPUT_TIMER});
}

static void play_time(struct play *play) {
    uint8_t n = take(play);
    play->now += n & 128 ? PH_SECONDS(n & 127) * 30 : PH_MS(n);
    step(play, &(struct ph_input){.type = PH_INPUT_TIMER});
}

/* By the script's next byte; the corpus depends on the order. */
static void (*const plays[])(struct play *play) = {
    play_map,   play_unmap,  play_refresh,     play_time,    play_answer, play_control,
    play_ssdp,  play_search, play_unreachable, play_reply,   play_failed, play_network,
    play_probe, play_stop,   play_timer,       play_unasked,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct play play = {.at = data,
                        .end = data + size,
                        .now = PH_SECONDS(1000),
                        .stop_deadline = PH_NEVER,
                        .probe_deadline = PH_NEVER,
                        .list_deadline = PH_NEVER};
    uint8_t methods = take(&play) & PORTHOLE_USE_ALL;
    struct ph_engine_config config = {
        .methods = methods ? methods : PORTHOLE_USE_ALL,
        .discover_timeout = PH_SECONDS(10),
        .mapping_timeout = PH_SECONDS(10),
        .recheck_period = PH_SECONDS(300),
        .random = {ph_seeded_fill, &play.random},
    };
    play.engine = ph_engine_new(&config);
    REQUIRE(play.engine);
    for (unsigned i = 0; i < STEPS_MAX && play.at < play.end; i++)
        plays[take(&play) % LENGTH_OF(plays)](&play);
    /* Half of the scripts end in good order, the others by pulling the plug. */
    if (size % 2 == 0) {
        stop_within(&play, 0);
        play.now += PH_MS(250);
        step(&play, &(struct ph_input){.type = PH_INPUT_TIMER});
        for (porthole_id id = 1; id <= play.last_id; id++)
            REQUIRE(play.fates[id] == GONE || play.fates[id] == UNUSED);
    }
    ph_engine_free(play.engine);
    return 0;
}
