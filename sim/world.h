/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * world.h: one engine, one gateway and the link between them, in simulated time: one seed is one
 * run. The link delays, loses and forges; the gateway is the embedded one, silent, refusing, or a
 * test's own. Nothing here opens a socket or waits. Stories are written on it.
 */
#ifndef PH_SIM_WORLD_H
#define PH_SIM_WORLD_H

#include <stdbool.h>

#include "core/engine.h"
#include "gateway/server.h"

struct ph_world;

enum ph_world_port {
    PH_WORLD_CONTROL,
    PH_WORLD_SSDP,
    PH_WORLD_HTTP,
    PH_WORLD_ANNOUNCE, /* unasked, to the client's port 5350 */
    PH_WORLD_NOTIFY    /* unasked, to SSDP's group */
};

/* What the gateway's host does with a datagram when the test speaks for it: ph_world_answer() as
 * often as it likes, or ph_world_serve() to let the embedded gateway answer this one. */
typedef void ph_world_script_fn(struct ph_world *world, enum ph_world_port port,
                                const struct ph_endpoint *from, const uint8_t *bytes, size_t len);
/* The same for HTTP: returns the answer's bytes in `ret`, and their number; 0 = the connection is
 * refused, PH_WORLD_NO_ANSWER = it hangs until the client's deadline. */
#define PH_WORLD_NO_ANSWER SIZE_MAX
typedef size_t ph_world_http_fn(struct ph_world *world, const struct ph_endpoint *to,
                                const struct ph_http_message *request, uint8_t *ret, size_t size);
/* Stands on the way of the embedded gateway's answers: ph_world_answer() passes one on. */
typedef void ph_world_meddle_fn(struct ph_world *world, enum ph_world_port port,
                                const struct ph_endpoint *from, const uint8_t *bytes, size_t len);

struct ph_world_options {
    uint64_t seed;
    ph_us delay;           /* each way */
    unsigned loss_percent; /* of datagrams, each way */
    unsigned methods;      /* PORTHOLE_USE_* of the client; 0 = all */
    bool no_network;       /* the client has no route at first */
    bool pcp;
    bool natpmp;
    bool upnp;
    bool silent; /* the gateway host answers nothing, no ICMP errors either */
    bool silent_pcp;
    bool cut_off;           /* where the client was before it moved cannot be reached any more */
    bool announces;         /* the gateway tells when it starts and is renumbered */
    bool deaf;              /* the client can have neither port 5350 nor SSDP's group */
    const char *gateway;    /* NULL = 192.168.77.1 */
    const char *client;     /* NULL = 192.168.77.2 */
    const char *external;   /* NULL = 1.2.3.4 */
    uint32_t lease_max_s;   /* 0 = 86400 */
    uint64_t quirks;        /* of the gateway: PH_GW_QUIRK_BIT() */
    ph_us discover_timeout; /* of the client; 0 = 10 s */
    ph_us recheck_period;   /* of the client; 0 = 300 s */
    ph_world_script_fn *script; /* NULL = the embedded gateway */
    ph_world_http_fn *http;     /* NULL = the embedded gateway */
    ph_world_meddle_fn *meddle; /* NULL = nobody */
    void *user;                 /* the test's */
};
/* All three methods on, 5 ms each way, no loss. */
void ph_world_options_init(struct ph_world_options *options);

/* One thing that the client sent: a datagram, or an HTTP request with its connection. */
#define PH_WORLD_SENT_SIZE 512U
struct ph_world_sent {
    ph_us at;
    enum ph_world_port port;
    struct ph_endpoint to;
    size_t len;
    uint8_t bytes[PH_WORLD_SENT_SIZE]; /* the first ones, and a NUL */
};

#define PH_WORLD_EVENTS_MAX 4096

struct ph_world {
    struct ph_world_options options; /* may be changed at any time */
    struct ph_seeded random;
    struct ph_engine *engine;
    struct ph_gw_server *server; /* NULL while the gateway is down */
    struct ph_gw_server *former; /* of the gateway before ph_world_move(); NULL = none */
    struct ph_addr former_gateway;
    struct ph_gw_config server_config;
    ph_us started;
    ph_us now;
    struct ph_path path;
    bool is_listening;               /* the client, to what is sent unasked; ... */
    uint32_t listener;               /* ... the gateway for which */
    uint32_t gateway;                /* the id by which the client last named it */
    struct ph_world_packet *packets; /* on their way, in no order */
    size_t packet_count;
    size_t packet_size;
    uint64_t sequence;
    struct ph_event events[PH_WORLD_EVENTS_MAX];
    ph_us event_times[PH_WORLD_EVENTS_MAX];
    size_t event_count;
    porthole_id last_id;
    struct ph_world_sent *sent;
    size_t sent_count;
    size_t sent_size;
    unsigned sent_control; /* datagrams that the client sent */
    unsigned sent_search;
    unsigned exchanges;
    unsigned exchanges_open; /* at this moment, and at most */
    unsigned exchanges_most;
    unsigned strays; /* effects that named a host other than the gateway or the SSDP group */
    char *trace;     /* all lines, each with its time in ms since the start */
    size_t trace_len;
    size_t trace_size;
};

/* Ends the process with a message when memory is short: a test cannot go on. */
struct ph_world *ph_world_new(const struct ph_world_options *options);
void ph_world_free(struct ph_world *world);

/* Gives the engine an input now. */
int ph_world_step(struct ph_world *world, const struct ph_input *input);
/* Lets time pass until `until`, or until the condition holds (then true). */
void ph_world_run(struct ph_world *world, ph_us duration);
bool ph_world_run_until(struct ph_world *world, ph_us limit, bool (*holds)(struct ph_world *));

porthole_id ph_world_map(struct ph_world *world, enum porthole_protocol protocol, uint16_t port);
int ph_world_map_request(struct ph_world *world, const struct ph_map_request *request,
                         porthole_id *ret_id);
int ph_world_remove(struct ph_world *world, const struct ph_map_request *request,
                    porthole_id *ret_id);
void ph_world_unmap(struct ph_world *world, porthole_id id);
void ph_world_refresh(struct ph_world *world, porthole_id id);
int ph_world_list(struct ph_world *world, ph_us duration);
int ph_world_probe(struct ph_world *world, ph_us duration, bool address_only);
void ph_world_stop(struct ph_world *world, ph_us duration);
/* The path is world->path. */
void ph_world_network(struct ph_world *world, bool is_there);

/* The client's process is killed, and the next one is started: an engine that knows nothing. What
 * is on its way is lost. */
void ph_world_restart_client(struct ph_world *world);
/* The client finds that somebody else has the ports at which it would listen. */
void ph_world_deafen(struct ph_world *world);
/* The gateway loses its state and starts again, with what is now in world->server_config. */
void ph_world_restart_gateway(struct ph_world *world);
/* The gateway has another external address, and still what it had mapped. */
void ph_world_renumber(struct ph_world *world, const char *external);
/* The client has another address on the same network, and is told. */
void ph_world_readdress(struct ph_world *world, const char *client);
/* The client is elsewhere from now on: another gateway, and it is told. The gateway that it left
 * runs on; of the same address, it is restarted. */
void ph_world_move(struct ph_world *world, const char *gateway, const char *client);
/* From the gateway's (or, with another address, somebody's) side, for scripts and forgers; held up
 * for `extra` on top of the link's delay. */
void ph_world_answer_late(struct ph_world *world, enum ph_world_port port,
                          const struct ph_endpoint *from, const void *bytes, size_t len,
                          ph_us extra);
static inline void ph_world_answer(struct ph_world *world, enum ph_world_port port,
                                   const struct ph_endpoint *from, const void *bytes, size_t len) {
    ph_world_answer_late(world, port, from, bytes, len, 0);
}
/* The embedded gateway answers, for scripts that meddle with some requests only. */
void ph_world_serve(struct ph_world *world, enum ph_world_port port, const struct ph_endpoint *from,
                    const uint8_t *bytes, size_t len);
size_t ph_world_serve_http(struct ph_world *world, const struct ph_http_message *request,
                           uint8_t *ret, size_t size);

struct ph_mapping_info ph_world_query(struct ph_world *world, porthole_id id);
/* Events of one mapping and type. */
unsigned ph_world_count(const struct ph_world *world, porthole_id id,
                        enum porthole_event_type type);
/* The last event; its type is 0 when there was none. */
struct ph_event ph_world_last(const struct ph_world *world);
/* True when the last event is one of the first results. */
bool ph_world_has_result(struct ph_world *world);
/* Whether the trace has the line, without its time. */
bool ph_world_traced(const struct ph_world *world, const char *line);

#endif
