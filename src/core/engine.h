/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * engine.h: the core, a state machine without I/O. One input goes in with the time; what is to be
 * sent comes out as effects, what became of mappings as events, and when it wants to be called next
 * as a deadline. It reads no clock, opens no socket, starts no thread, and draws no random number
 * of its own.
 */
#ifndef PH_CORE_ENGINE_H
#define PH_CORE_ENGINE_H

#include <porthole/list.h>
#include <porthole/porthole.h>
#include <stdbool.h>

#include "base/addr.h"
#include "base/rng.h"
#include "base/time.h"
#include "wire/http.h"
#include "wire/portlist.h"

/* ---- The network as the core sees it --------------------------------------------------------- */

/* A way out of this host: a gateway and the local address from which it is asked. Two paths are the
 * same when these and the interface are; how long the prefix is may become known later. */
struct ph_path {
    struct ph_addr gateway;
    struct ph_addr source;
    uint32_t interface;  /* index; 0 = whichever the system chooses */
    unsigned prefix_len; /* of the source's network; 0 = not known */
};

#define PH_PATHS_MAX 8

/* The best path first. count 0 = no network, and `error` tells why (NO_NETWORK). */
struct ph_network {
    unsigned count;
    int error;
    struct ph_path paths[PH_PATHS_MAX];
};

/* The sockets of one gateway. CONTROL: UDP, bound to the path's source and connected to the
 * gateway's port 5351, so that the system drops what others send and reports ICMP errors. SEARCH:
 * UDP, bound to the source, for SSDP; its multicasts leave by the path's interface with TTL 2.
 * The others are only listened to, from LISTEN to DEAFEN, for what is sent unasked. ANNOUNCE: port
 * 5350 of the group 224.0.0.1 or ff02::1 on the path's interface (RFC 6886 §3.2.1, RFC 6887
 * §14.1). ANNOUNCE_UNICAST: the same port of the path's source. NOTIFY: SSDP's port and group. */
enum ph_channel {
    PH_CHANNEL_CONTROL,
    PH_CHANNEL_SEARCH,
    PH_CHANNEL_ANNOUNCE,
    PH_CHANNEL_ANNOUNCE_UNICAST,
    PH_CHANNEL_NOTIFY
};
#define PH_CHANNELS 5U

/* ---- Inputs ---------------------------------------------------------------------------------- */

/* A PCP mapping's nonce, by which the gateway knows its owner. */
#define PH_KEY_SIZE 12U

struct ph_map_request {
    enum porthole_protocol protocol;
    uint16_t internal_port;
    uint16_t external_port; /* wished for; never 0 but for REMOVE, where it is looked up then */
    unsigned flags;         /* PORTHOLE_EXACT_PORT, PORTHOLE_LEASE, PORTHOLE_ALL_PORTS */
    uint32_t lifetime_s;
    uint32_t refresh_s;      /* renewed at least this often; 0 = as the lease demands */
    unsigned methods;        /* PORTHOLE_USE_*; 0 = all of the engine's */
    const uint8_t *key;      /* PH_KEY_SIZE bytes, the nonce for PCP; NULL = one that is drawn */
    const char *description; /* copied; NULL = "porthole" */
};

enum ph_input_type {
    PH_INPUT_NETWORK,     /* the paths, at the start and whenever they change */
    PH_INPUT_RESUMED,     /* the host slept: what is held is verified before it is believed */
    PH_INPUT_DATAGRAM,    /* something arrived on a gateway's channel */
    PH_INPUT_UNREACHABLE, /* a channel's send or receive failed: PORT_CLOSED or UNREACHABLE; or a
                             channel that is listened to could not be opened: NOT_AVAILABLE */
    PH_INPUT_HTTP_REPLY,  /* an exchange ended with a whole answer */
    PH_INPUT_HTTP_FAILED, /* an exchange ended without one */
    PH_INPUT_TIMER,       /* the deadline has come */
    PH_INPUT_MAP,
    PH_INPUT_REMOVE, /* what is not this engine's; UNMAPPED tells the end */
    PH_INPUT_UNMAP,
    PH_INPUT_REFRESH,
    PH_INPUT_PROBE, /* ask every method; the result by ph_engine_probe() */
    PH_INPUT_LIST,  /* ask the UPnP device for its mappings; the result by ph_engine_list() */
    PH_INPUT_STOP   /* remove all, within the deadline; UPnP deletes get 250 ms at the least */
};

/* Pointers are borrowed for the step. */
struct ph_input {
    enum ph_input_type type;
    union {
        const struct ph_network *network;
        struct {
            uint32_t gateway; /* the id from the effect that opened the channel */
            enum ph_channel channel;
            struct ph_endpoint from;
            const void *bytes;
            size_t len;
        } datagram;
        struct {
            uint32_t gateway;
            enum ph_channel channel;
            int error;
        } unreachable;
        struct {
            uint32_t exchange;
            const struct ph_http_message *message;
        } http_reply;
        struct {
            uint32_t exchange;
            int error; /* PORT_CLOSED, UNREACHABLE, TIMEOUT, MALFORMED, TRUNCATED, TOO_LARGE,
                          NO_MEMORY, SYSTEM */
        } http_failed;
        struct {
            porthole_id id; /* drawn by the caller: never 0, never used before */
            const struct ph_map_request *request;
        } map;          /* MAP, REMOVE */
        porthole_id id; /* UNMAP, REFRESH */
        struct {
            ph_us deadline;
            bool address_only; /* end at the first external address */
        } probe;
        ph_us list_deadline;
        ph_us stop_deadline;
    } u;
};

/* ---- Effects --------------------------------------------------------------------------------- */

enum ph_effect_type {
    PH_EFFECT_SEND,   /* one datagram */
    PH_EFFECT_HTTP,   /* connect, write the request, read one answer, close */
    PH_EFFECT_CANCEL, /* drop an exchange; nothing more is heard of it */
    PH_EFFECT_LISTEN, /* open the gateway's channels ANNOUNCE, ANNOUNCE_UNICAST and NOTIFY */
    PH_EFFECT_DEAFEN, /* close them */
    PH_EFFECT_FORGET  /* the gateway is gone: close its channels. Its id is not used again */
};

struct ph_effect {
    enum ph_effect_type type;
    uint32_t gateway;  /* all but CANCEL; see ph_engine_path() */
    uint32_t exchange; /* HTTP, CANCEL; never 0, never used again */
    enum ph_channel channel;
    struct ph_endpoint to; /* SEND, HTTP */
    ph_us deadline;        /* HTTP: the exchange fails with TIMEOUT at this time */
    size_t offset;         /* of the bytes to send; see ph_effect_bytes() */
    size_t len;
};

/* Owned by the engine, valid until its next step. */
struct ph_effects {
    const struct ph_effect *at;
    size_t count;
    const uint8_t *bytes;
};

static inline const uint8_t *ph_effect_bytes(const struct ph_effects *effects,
                                             const struct ph_effect *effect) {
    return effects->bytes + effect->offset;
}

/* ---- What is known of a mapping -------------------------------------------------------------- */

struct ph_mapping_info {
    porthole_id id;
    enum porthole_state state;
    enum porthole_protocol protocol;
    enum porthole_method method;
    uint16_t internal_port;
    struct ph_endpoint external;
    struct ph_addr source;
    struct ph_addr gateway;
    uint32_t lifetime_s;
    ph_us expires; /* PH_NEVER = without end, or no lease */
    ph_us granted; /* when the request was sent that the gateway granted last; 0 = never */
    ph_us elapsed; /* from MAP to the first success, 0 before it */
    int error;
    enum porthole_method error_method; /* whose result `code` is; NONE = no code */
    int code;
    enum porthole_fate fate;
    uint8_t key[PH_KEY_SIZE];
};

struct ph_event {
    enum porthole_event_type type;
    struct ph_mapping_info info;
};

struct ph_probe_answer {
    int error; /* 0 = answered; CANCELLED = not asked */
    enum porthole_method error_method;
    int code;
    ph_us rtt;
    struct ph_addr external; /* none = not told */
    uint32_t epoch_s;
    char device[PORTHOLE_TEXT_SIZE];
    char url[256];
};

struct ph_probe_result {
    bool done;
    struct ph_path path;
    bool has_path;
    ph_us elapsed;
    struct ph_probe_answer answers[4]; /* by enum porthole_method: PCP, NATPMP, UPNP */
};

/* What a UPnP device has mapped; by external port, each once. */
struct ph_list_result {
    bool done;
    bool has_path;
    struct ph_path path;
    ph_us elapsed;
    int error;      /* 0 = the list came to its end; else this is what was read until then */
    int code;       /* the device's own, of UPnP */
    unsigned flags; /* PORTHOLE_LIST_* */
    char device[PORTHOLE_TEXT_SIZE];
    struct ph_portlist_entry *entries;
    size_t count;
};

/* ---- The engine ------------------------------------------------------------------------------ */

struct ph_engine;

/* One line of the log, without a newline. */
typedef void ph_log_fn(void *user, enum porthole_log_level level, const char *line);

struct ph_engine_config {
    unsigned methods; /* PORTHOLE_USE_*, never 0 */
    ph_us discover_timeout;
    ph_us mapping_timeout;
    ph_us recheck_period;
    ph_us unhinted_period; /* the same, where no announcement would tell of a restart; 0 = as it */
    struct ph_random random; /* nonces come from it */
    enum porthole_log_level log_level;
    ph_log_fn *log; /* NULL = none */
    void *log_user;
};

/* NULL: out of memory. */
struct ph_engine *ph_engine_new(const struct ph_engine_config *config);
void ph_engine_free(struct ph_engine *engine); /* NULL is a no-op; sends nothing */

/* Takes one input. `now` must not be smaller than in the step before. Returns 0, or for MAP:
 * EXISTS, LIMIT, STATE, NO_MEMORY; for REMOVE the same; for UNMAP and REFRESH: UNKNOWN_ID; for
 * PROBE: STATE, NO_NETWORK, NO_MEMORY; for LIST the same and UNSUPPORTED. An input that names a
 * gateway or exchange that is no more is ignored. */
int ph_engine_step(struct ph_engine *engine, ph_us now, const struct ph_input *input,
                   struct ph_effects *ret_effects);
/* When TIMER is wanted next; PH_NEVER = not before something else happens. */
ph_us ph_engine_deadline(const struct ph_engine *engine);

/* Takes the next event out; false when there is none. Call it after each step until false: the
 * state is final then. A mapping has at most one event waiting: of two changes within a step the
 * later is told. */
bool ph_engine_next_event(struct ph_engine *engine, struct ph_event *ret);
/* The same in two steps, for who may have no room for it. */
bool ph_engine_first_event(const struct ph_engine *engine, struct ph_event *ret);
void ph_engine_drop_event(struct ph_engine *engine); /* there must be one */

/* True once STOP is done: no mapping is left. Its events may still wait. */
bool ph_engine_is_stopped(const struct ph_engine *engine);

/* False: no such mapping. */
bool ph_engine_query(const struct ph_engine *engine, porthole_id id, struct ph_mapping_info *ret);
/* Mappings that are not being removed. */
size_t ph_engine_count(const struct ph_engine *engine);
/* The ids of all of them, for unmap_all: calls fn for each; it must not call the engine. */
void ph_engine_each(const struct ph_engine *engine, void (*fn)(void *user, porthole_id id),
                    void *user);
/* The path of a gateway by its id, also of one that is being left; NULL when it is gone. Gateway 0
 * = the present one, NULL while there is no network. */
const struct ph_path *ph_engine_path(const struct ph_engine *engine, uint32_t gateway);
/* The result of the last PROBE; `done` is false while it runs. */
const struct ph_probe_result *ph_engine_probe(const struct ph_engine *engine);
/* The result of the last LIST; `done` is false while it runs. */
const struct ph_list_result *ph_engine_list(const struct ph_engine *engine);
/* The mapping of this engine that an entry which leads to its address stands for; 0 = none. */
porthole_id ph_engine_holder(const struct ph_engine *engine, const struct ph_portlist_entry *entry);

/* What a gateway's result code means, such as "NO_RESOURCES" or "ConflictInMappingEntry"; "" for
 * none. Static. */
const char *ph_code_text(enum porthole_method method, int code);

#endif
