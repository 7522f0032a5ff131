/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * swarm_parts.h: what the files of the swarm share among themselves; nobody else includes it.
 * Each draws from a random stream of its own, so that what one of them does differently does not
 * change what the others do.
 */
#ifndef PH_SIM_SWARM_PARTS_H
#define PH_SIM_SWARM_PARTS_H

#include "core/engine.h"
#include "gateway/server.h"
#include "sim/swarm.h"
#include "wire/pcp.h"
#include "wire/soap.h"

#define SWARM_CLIENTS_MAX 4U
#define SWARM_GATEWAYS_MAX 2U
#define SWARM_MAPPINGS_MAX 12U /* of one client at a time */
#define SWARM_INTERFACE 2U     /* of the first gateway's link */
#define SWARM_BIRTHS_MAX 16U   /* lives of a gateway that are remembered */
#define SWARM_PORTS 10U        /* few, so that one is wanted again while it is being removed */
#define SWARM_LIARS 2U         /* neighbours that lie; the attacker's hosts */

/* ---- Options: what the seed draws ------------------------------------------------------------ */

enum swarm_fault {
    SWARM_RESTART,       /* a gateway restarts, its state is lost */
    SWARM_DOWN,          /* the same, and it is away for a while */
    SWARM_CHANGED,       /* the same, with other methods, limits or another HTTP port */
    SWARM_PARTITION,     /* nothing gets through to or from a client */
    SWARM_RENUMBER,      /* a client gets another address */
    SWARM_ROAM,          /* a client gets another gateway */
    SWARM_NO_NETWORK,    /* a client has none for a while */
    SWARM_EXTERNAL,      /* a gateway gets another external address */
    SWARM_SLEEP,         /* a client sleeps; its clock runs on */
    SWARM_CLOCK,         /* a client's clock jumps */
    SWARM_GATEWAY_CLOCK, /* a gateway's clock jumps */
    SWARM_FORGET,        /* somebody removes a UPnP mapping at the gateway */
    SWARM_DEATH,         /* a client's process is killed, and started again */
    SWARM_FAULTS
};

struct swarm_gateway_options {
    unsigned methods; /* PORTHOLE_USE_* */
    bool silent_pcp;
    unsigned igd_version;
    uint32_t lease_max_s;
    uint32_t mappings_max;
    int drift_ppm;   /* of its clock */
    uint64_t models; /* PH_GW_QUIRK_BIT() */
};

struct swarm_options {
    uint64_t seed;
    unsigned clients;
    unsigned gateways;
    struct swarm_gateway_options gateway[SWARM_GATEWAYS_MAX];
    unsigned methods; /* of the clients */
    ph_us recheck_period;
    ph_us unhinted_period; /* the same, where no announcement can be heard */
    bool announces;        /* gateways tell of their starts and addresses */
    bool is_deaf;          /* clients cannot listen for that */
    ph_us mapping_timeout;
    unsigned mappings; /* how many a client wants to have */
    uint32_t shortest_lease_s;
    bool flags;           /* exact ports and leases that are left alone */
    bool same_address;    /* the gateways have the same address, each on its link */
    bool shared_ports;    /* clients wish for the same ports */
    bool churn;           /* mappings come and go all the time, and only in the beginning else */
    bool probes;          /* the application probes now and then */
    bool removals;        /* it removes what is not its own now and then */
    bool public;          /* clients have public addresses now and then */
    ph_us delay;          /* each way */
    unsigned loss;        /* percent, in storms */
    unsigned duplication; /* percent, in storms */
    ph_us jitter;         /* at most this much more, in storms */
    unsigned faults;      /* bits 1 << enum swarm_fault */
    ph_us fault_interval; /* on average */
    bool attacker;
    unsigned cycles; /* of a storm and the calm after it */
    ph_us storm;     /* length of one */
};

/* ---- State ----------------------------------------------------------------------------------- */

struct swarm_mapping {
    porthole_id id;
    enum porthole_protocol protocol;
    uint16_t internal_port;
    uint16_t wished_port;
    unsigned flags;
    uint32_t lifetime_s;
    bool is_unmapped;        /* the application gave it up */
    bool is_errand;          /* none, but the removal of one of an earlier life; port 0 = of all */
    bool was_mapped;         /* MAPPED was told, and nothing against it since */
    bool is_successor;       /* of one of the same port that was being removed */
    bool is_to_go;           /* the stop must remove it from the gateway */
    ph_us renewed;           /* the end of the lease whose renewal was seen last */
    struct ph_endpoint told; /* where it was told to be mapped */
    uint8_t nonce[PH_PCP_NONCE_SIZE];
    struct ph_addr nonce_for; /* none = no nonce seen yet */
    /* When what the client believes became wrong; 0 = it is right. */
    ph_us false_since;
    ph_us address_false_since;
    ph_us lease_false_since;
    ph_us overdue_since;
    ph_us unmade_since; /* not SUCCESS; 0 = it is */
    ph_us unserved;     /* when the gateway was last seen not to speak its method */
    ph_us blocked;      /* when the gateway was last seen unable to grant it */
};

/* What a client held at a gateway when it left that. */
struct swarm_left {
    enum porthole_method method;
    uint8_t protocol;
    uint16_t port;
};

struct swarm_client {
    unsigned index;
    struct ph_engine *engine;
    struct ph_seeded random; /* of the engine */
    struct ph_path path;
    struct ph_addr asked_gateway; /* that the engine was told of last */
    unsigned gateway;             /* index */
    bool has_network;
    bool is_former_there; /* the link of the gateway that it left can still be used */
    bool is_cut;
    bool is_asleep;
    bool is_stopping;
    bool has_probed;
    ph_us wakes;
    ph_us clock_ahead;  /* of true time */
    ph_us disturbed;    /* the last moment at which anything was in the way */
    ph_us severed;      /* the last moment at which nothing got through */
    ph_us jumped;       /* the last jump of its clock */
    uint32_t listening; /* the id of the gateway that it listens to; 0 = none */
    uint32_t channel;   /* the id of its gateway, once it has sent to it; 0 = not yet */
    porthole_id last_id;
    struct swarm_mapping mappings[SWARM_MAPPINGS_MAX];
    size_t mapping_count;
    struct swarm_left left[SWARM_MAPPINGS_MAX];
    size_t left_count;
    unsigned left_gateway; /* index */
    ph_us left_at;
    ph_us unmapped[2][SWARM_PORTS];        /* when a port was given back last: UDP, TCP */
    bool has_heard[SWARM_LIARS];           /* that one answered a search with its own address */
    uint8_t asked[PORTHOLE_UPNP][2][8192]; /* ports named in requests: NAT-PMP, UPnP */
    size_t memory;                         /* held by the engine */
    size_t entries;                        /* most of a list that it may hold */
    ph_us window;                          /* since when ... */
    unsigned window_sent;                  /* ... it has sent so much */
    ph_us long_window;                     /* a longer one */
    unsigned long_window_sent;
    unsigned long_window_begun; /* mappings that the application began */
    unsigned long_window_errands;
    unsigned long_window_listed; /* requests for entries of a list, which are counted apart */
    unsigned idle_steps;         /* TIMER steps in the window */
    unsigned renewals;           /* seen in quiet times */
    ph_us renewal_seen;          /* the last of them */
    double renewal_least;
    double renewal_most; /* of the lease */
};

struct swarm_gateway {
    struct swarm *swarm;
    unsigned index;
    struct ph_addr address;
    struct ph_gw_server *server; /* NULL = it is down */
    struct ph_gw_config config;
    struct swarm_gateway_options options;
    struct ph_seeded random;
    ph_us booted;                   /* true time */
    unsigned device;                /* how many different ones it has been */
    ph_us births[SWARM_BIRTHS_MAX]; /* when earlier lives began, as their clocks told in the end */
    unsigned birth_count;
    ph_us clock_base; /* its clock's reading at ... */
    ph_us clock_at;   /* ... this true time */
};

enum swarm_item_kind {
    ITEM_TO_GATEWAY,
    ITEM_TO_CLIENT,
    ITEM_ICMP,
    ITEM_HTTP_REQUEST,
    ITEM_HTTP_ANSWER,
    ITEM_HTTP_FAILED,
    ITEM_HEAL,        /* of what `fault` says */
    ITEM_APPLICATION, /* the application of a client does something */
    ITEM_FAULT,
    ITEM_ATTACK
};

/* ANNOUNCE and NOTIFY are what is told unasked. */
enum swarm_port { SWARM_CONTROL, SWARM_SEARCH, SWARM_ANNOUNCE, SWARM_NOTIFY };

struct swarm_item {
    ph_us due;
    uint64_t sequence;
    enum swarm_item_kind kind;
    enum swarm_port port;
    enum swarm_fault fault;
    unsigned client;  /* index */
    unsigned gateway; /* index */
    uint32_t channel; /* of the client, at its end */
    uint32_t exchange;
    unsigned round; /* the storm that it belongs to */
    ph_us deadline; /* of an exchange, by true time */
    int error;
    struct ph_endpoint from;
    struct ph_endpoint to;
    uint8_t *bytes; /* owned */
    size_t len;
};

struct swarm {
    struct swarm_options options;
    ph_us started;
    ph_us now;
    bool is_calm;
    ph_us calm_since;
    ph_us checked;
    unsigned round; /* storms so far */
    struct swarm_client clients[SWARM_CLIENTS_MAX];
    struct swarm_gateway gateways[SWARM_GATEWAYS_MAX];
    struct swarm_item **queue; /* a binary heap by due and sequence */
    size_t queue_count;
    size_t queue_size;
    uint64_t sequence;
    struct ph_seeded link_seed;
    struct ph_seeded fault_seed;
    struct ph_seeded application_seed;
    struct ph_seeded attack_seed;
    uint8_t overheard[256]; /* the last answer of a gateway, for the attacker to copy */
    size_t overheard_len;
    ph_swarm_trace_fn *trace;
    void *trace_user;
    struct ph_swarm_result *result;
};

/* ---- swarm.c --------------------------------------------------------------------------------- */

/* Uniform in [0, below). */
uint32_t ph_swarm_below(struct ph_seeded *seed, uint32_t below);
bool ph_swarm_chance(struct ph_seeded *seed, unsigned percent);
/* Around `mean`, never 0. */
ph_us ph_swarm_interval(struct ph_seeded *seed, ph_us mean);
void *ph_swarm_need(void *memory);

ph_us ph_swarm_client_now(const struct swarm *s, const struct swarm_client *c);
ph_us ph_swarm_gateway_now(const struct swarm *s, const struct swarm_gateway *g);
/* Gives the engine an input, does what it says and lets the oracle look. */
int ph_swarm_step(struct swarm *s, struct swarm_client *c, const struct ph_input *input);
/* Tells the client what its network is. */
void ph_swarm_network(struct swarm *s, struct swarm_client *c);

/* A new engine, as of a process that starts, and what its network is. */
void ph_swarm_start(struct swarm *s, struct swarm_client *c);
/* Whether its address is public: then no gateway is asked for anything. */
bool ph_swarm_is_public(const struct swarm_client *c);

/* ---- swarm_options.c ------------------------------------------------------------------------- */

void ph_swarm_options_draw(uint64_t seed, struct swarm_options *ret);
/* The bounds that follow from them. */
ph_us ph_swarm_options_belief(const struct swarm_options *o, enum porthole_method method);
ph_us ph_swarm_options_liveness(const struct swarm_options *o);
ph_us ph_swarm_options_calm(const struct swarm_options *o);

/* ---- swarm_models.c: router models ----------------------------------------------------------- */

uint64_t ph_swarm_models_draw(struct ph_seeded *seed, ph_us delay);
unsigned ph_swarm_models_igd_version(const struct swarm_gateway_options *g);
/* Whether it can be asked by the method what it holds. */
bool ph_swarm_models_speaks(const struct swarm_options *o, const struct swarm_gateway_options *g,
                            enum porthole_method method);
/* By which of the clients' methods the gateway can grant anything in the time that there is. */
unsigned ph_swarm_models_methods(const struct swarm_options *o,
                                 const struct swarm_gateway_options *g);
size_t ph_swarm_models_room(const struct swarm_gateway *g);
/* What it says its external address is; none = that it has none. */
struct ph_addr ph_swarm_models_external(const struct swarm_gateway *g);
/* UPnP: internal and external port cannot differ. */
bool ph_swarm_models_has_same_port(const struct swarm_gateway *g);
bool ph_swarm_models_renews(const struct swarm_gateway *g, enum porthole_method method);
/* It gives a port to whoever asks for it, by whatever method it was given before. */
bool ph_swarm_models_overwrites(const struct swarm_gateway *g);
/* UPnP: of which one is down. */
bool ph_swarm_models_has_two_connections(const struct swarm_gateway *g);
bool ph_swarm_models_extends(const struct swarm_gateway *g);
/* PCP, NAT-PMP: a lease can only be had anew by deleting what is there. */
bool ph_swarm_models_remakes(const struct swarm_gateway *g, enum porthole_method method);
bool ph_swarm_models_deletes(const struct swarm_gateway *g, enum porthole_method method);

/* ---- swarm_trace.c --------------------------------------------------------------------------- */

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void ph_swarm_trace_line(struct swarm *s, const char *format, ...);
/* The run ends here: the first breach is told. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void ph_swarm_trace_breach(struct swarm *s, const char *format, ...);
/* Into the hash. */
void ph_swarm_trace_mix(struct swarm *s, const void *bytes, size_t len);
void ph_swarm_trace_datagram(struct swarm *s, const char *what, const struct swarm_client *c,
                             const struct ph_endpoint *peer, const uint8_t *bytes, size_t len);

/* ---- swarm_link.c: packets and exchanges on their way ---------------------------------------- */

struct swarm_item *ph_swarm_link_post(struct swarm *s, enum swarm_item_kind kind, ph_us delay,
                                      const void *bytes, size_t len);
/* The earliest, taken out; the caller frees it. */
struct swarm_item *ph_swarm_link_take(struct swarm *s);
ph_us ph_swarm_link_due(const struct swarm *s);
void ph_swarm_link_free_item(struct swarm_item *item);
void ph_swarm_link_free(struct swarm *s);
void ph_swarm_link_effect(struct swarm *s, struct swarm_client *c, const struct ph_effects *effects,
                          const struct ph_effect *effect);
void ph_swarm_link_deliver(struct swarm *s, struct swarm_item *item);
/* Whether it is the client's way out now, and not one that it has left. */
bool ph_swarm_link_is_present(const struct swarm_client *c, const struct ph_path *path);
/* From somebody to a client's socket. */
void ph_swarm_link_to_client(struct swarm *s, struct swarm_client *c, enum swarm_port port,
                             const struct ph_endpoint *from, const void *bytes, size_t len);
/* To all clients that listen on the gateway's link; port 5350 or 1900. */
void ph_swarm_link_announce(struct swarm *s, const struct swarm_gateway *g, uint16_t port,
                            const void *bytes, size_t len);
/* The client's clock jumped, or it slept: exchanges whose deadline is not after this are over. */
void ph_swarm_link_expire(struct swarm *s, struct swarm_client *c, ph_us until);

/* The client's sockets are closed: nothing that is on its way finds anybody. */
void ph_swarm_link_close(struct swarm *s, const struct swarm_client *c);

/* ---- swarm_faults.c -------------------------------------------------------------------------- */

void ph_swarm_faults_boot(struct swarm *s, struct swarm_gateway *g);
void ph_swarm_faults_next(struct swarm *s);
void ph_swarm_faults_heal(struct swarm *s, const struct swarm_item *item);
/* The faults stop: everything is mended at once. */
void ph_swarm_faults_stop(struct swarm *s);

/* ---- swarm_application.c --------------------------------------------------------------------- */

void ph_swarm_application_next(struct swarm *s, struct swarm_client *c);
void ph_swarm_application_map(struct swarm *s, struct swarm_client *c);
/* The process begins anew: what it had before is asked for again, removed or forgotten. */
void ph_swarm_application_revive(struct swarm *s, struct swarm_client *c,
                                 const struct swarm_mapping *before, size_t count);

/* ---- swarm_attacker.c ------------------------------------------------------------------------ */

extern const struct ph_addr ph_swarm_attacker_hosts[SWARM_LIARS];
void ph_swarm_attacker_next(struct swarm *s);
/* A search that reached the group. */
void ph_swarm_attacker_search(struct swarm *s, struct swarm_client *c);
/* A datagram to the gateway's port 5351. */
void ph_swarm_attacker_control(struct swarm *s, struct swarm_client *c, const uint8_t *bytes,
                               size_t len);
/* An HTTP request to one of its hosts: the answer's length; 0 = refused, SIZE_MAX = none. */
size_t ph_swarm_attacker_http(struct swarm *s, unsigned liar, uint8_t *ret, size_t size);

/* ---- swarm_oracle.c -------------------------------------------------------------------------- */

void ph_swarm_oracle_sent(struct swarm *s, struct swarm_client *c, const struct ph_effect *effect,
                          const uint8_t *bytes);
void ph_swarm_oracle_event(struct swarm *s, struct swarm_client *c, const struct ph_event *event);
/* After each step of an engine. */
void ph_swarm_oracle_stepped(struct swarm *s, struct swarm_client *c, const struct ph_input *input);

/* ---- swarm_truth.c: what clients believe beside what gateways hold --------------------------- */

/* Notes what is in the client's way now; to be called when time has gone on. */
void ph_swarm_truth_disturb(struct swarm *s, struct swarm_client *c);
/* To be called before the client leaves its gateway, whose link it keeps for a while. */
void ph_swarm_truth_leave(struct swarm *s, struct swarm_client *c);
/* To be called before time goes on to `next`. */
void ph_swarm_truth_check(struct swarm *s, ph_us next);
/* At the end of a calm: everything that can be granted is. */
void ph_swarm_truth_settled(struct swarm *s);
/* What the client tells its application, beside what it says when it is asked. */
void ph_swarm_truth_told(struct swarm *s, struct swarm_client *c);
/* What is still there of what a removal was for; NULL = nothing. */
const struct ph_gw_mapping *ph_swarm_truth_left(const struct swarm *s, const struct swarm_client *c,
                                                const struct swarm_mapping *m);
/* NULL = the gateway does not hold it for this client. */
const struct ph_gw_mapping *ph_swarm_truth_find(const struct swarm *s, const struct swarm_client *c,
                                                const struct ph_mapping_info *info);

#endif
