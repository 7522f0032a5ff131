/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * server.h: a NAT gateway that answers PCP (RFC 6887), NAT-PMP (RFC 6886) and UPnP-IGD, without
 * any input or output of its own: a datagram or an HTTP request goes in with the time, the answer
 * comes out. It reads no clock, opens no socket and draws no random number, so that the same code
 * answers on sockets (io.h) and in a simulation. It must survive any bytes.
 */
#ifndef PH_GATEWAY_SERVER_H
#define PH_GATEWAY_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/rng.h"
#include "base/time.h"
#include "gateway/quirks.h"
#include "gateway/table.h"
#include "wire/http.h"

/* How to drive it
 *   - ph_gw_config_init(), set addresses and a random source, ph_gw_server_new().
 *   - Hand what arrives at port 5351 to ph_gw_server_control(), at port 1900 to
 *     ph_gw_server_ssdp(), a whole HTTP request to ph_gw_server_http().
 *   - Call ph_gw_server_tick() at ph_gw_server_deadline(), so that leases end. Every other entry
 *     ticks as well: an expired mapping is never seen.
 *   - A restart of the gateway is ph_gw_server_free() and ph_gw_server_new() with a higher boot_id.
 * Time must never go back. */

#define PH_GW_NAME_SIZE 64U
#define PH_GW_CONTROL_SIZE 1100U /* room that one PCP or NAT-PMP answer needs */
#define PH_GW_HTTP_SIZE 65536U   /* room that one HTTP answer needs, its head included */

/* How a mapping ended. */
enum ph_gw_end {
    PH_GW_REMOVED, /* a client asked for it */
    PH_GW_EXPIRED, /* its lease was over */
    PH_GW_STOPPED  /* the gateway stops */
};

/* What the owner does for the server; each may be NULL. They must not call the server. */
struct ph_gw_hooks {
    /* A mapping is about to exist: start to forward. 0, PORT_TAKEN (the server tries another port
     * where the request allows it), or any other error, which refuses the request. */
    int (*open)(void *user, struct ph_gw_mapping *mapping);
    /* A mapping whose open returned 0 has ended; it is freed afterwards. */
    void (*close)(void *user, struct ph_gw_mapping *mapping, enum ph_gw_end end);
    /* One line of printable ASCII for each request, with its outcome. */
    void (*request)(void *user, const struct ph_endpoint *from, const char *line);
    void *user;
    /* A datagram for all clients, to port 5350 or 1900: the gateway has started or was renumbered.
     * NULL = nothing is announced. */
    void (*announce)(void *user, uint16_t port, const void *bytes, size_t len);
};

/* How this gateway behaves where gateways differ. */
struct ph_gw_behaviour {
    bool silent_pcp;       /* PCP requests get no answer at all */
    uint32_t lease_max_s;  /* longer wishes are cut to it */
    uint32_t mappings_max; /* more are refused */
    unsigned igd_version;  /* 1 or 2: of the device and its WANIPConnection */
    uint64_t quirks;       /* router models: PH_GW_QUIRK_BIT() of quirks.h */
};

struct ph_gw_config {
    struct ph_addr internal; /* where clients reach it */
    struct ph_addr external; /* what it says its external address is */
    bool pcp;
    bool natpmp;
    bool upnp;
    struct ph_gw_behaviour behaviour;
    uint16_t http_port; /* where the owner takes HTTP; 0 = no UPnP answers are given */
    uint32_t boot_id;   /* UPnP's BOOTID; must grow from start to start. 0 = none is sent */
    char uuid[37];      /* of the root device; "" = made from the internal address */
    char friendly_name[PH_GW_NAME_SIZE];
    char manufacturer[PH_GW_NAME_SIZE];
    char model_name[PH_GW_NAME_SIZE];
    char model_number[PH_GW_NAME_SIZE];
    struct ph_random random; /* for external ports that nobody wished for */
    struct ph_gw_hooks hooks;
};

/* Everything on, IGD:2, leases of at most a day, 16384 mappings; no addresses, no random source. */
void ph_gw_config_init(struct ph_gw_config *config);

struct ph_gw_server;

/* The config is copied. NULL: out of memory. */
struct ph_gw_server *ph_gw_server_new(const struct ph_gw_config *config, ph_us now);
/* Ends all mappings; NULL is a no-op. */
void ph_gw_server_free(struct ph_gw_server *server);

/* A datagram to port 5351. Fills the answer, which goes back to `from`, and returns its length;
 * 0 = no answer. `size` is at least PH_GW_CONTROL_SIZE. */
size_t ph_gw_server_control(struct ph_gw_server *server, ph_us now, const struct ph_endpoint *from,
                            const void *bytes, size_t len, void *ret, size_t size);

typedef void ph_gw_emit_fn(void *user, const void *bytes, size_t len);

/* A datagram to port 1900, by multicast or not. Calls emit for each answer, which goes back to
 * `from`. They are given at once: MX is only an upper limit of the delay (UDA 1.1 §1.3.3). */
void ph_gw_server_ssdp(struct ph_gw_server *server, ph_us now, const struct ph_endpoint *from,
                       const void *bytes, size_t len, ph_gw_emit_fn *emit, void *user);

/* How they are to be sent: the owner does what the server cannot. */
struct ph_gw_ssdp_manner {
    ph_us delay;   /* to be held up so long */
    uint16_t port; /* to come from; 1900 as a rule */
};
struct ph_gw_ssdp_manner ph_gw_server_ssdp_manner(struct ph_gw_server *server);

/* A whole HTTP request, as ph_http_reader gives it. Fills the answer, head included, and returns
 * its length; the connection is closed after it. `size` is at least PH_GW_HTTP_SIZE. */
size_t ph_gw_server_http(struct ph_gw_server *server, ph_us now, const struct ph_endpoint *from,
                         const struct ph_http_message *request, void *ret, size_t size);
/* The answer to bytes that are no request, by the reader's error. */
size_t ph_gw_server_http_refuse(int error, void *ret, size_t size);

/* It has another external address from now on. */
void ph_gw_server_renumber(struct ph_gw_server *server, ph_us now, const struct ph_addr *external);
/* Says by SSDP that it goes; to be called before ph_gw_server_free() of one that ends in order. */
void ph_gw_server_farewell(struct ph_gw_server *server);

/* When the next lease ends, or something is to be announced; PH_NEVER when neither is. */
ph_us ph_gw_server_deadline(const struct ph_gw_server *server);
void ph_gw_server_tick(struct ph_gw_server *server, ph_us now);

/* The mappings, in no particular order; for tests and displays. */
size_t ph_gw_server_count(const struct ph_gw_server *server);
const struct ph_gw_mapping *ph_gw_server_mapping(const struct ph_gw_server *server, size_t index);
/* The one at an external port; NULL when there is none. */
const struct ph_gw_mapping *ph_gw_server_at_external(const struct ph_gw_server *server,
                                                     uint8_t protocol, uint16_t port);
const struct ph_gw_config *ph_gw_server_config(const struct ph_gw_server *server);

#endif
