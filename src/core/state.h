/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * state.h: what the core remembers, and who may call whom inside it. An engine has gateways, a
 * gateway has the state of each method and the mappings made through it, a mapping has one attempt
 * a method. Every handler changes state and then lets ph_mapping_run() draw the consequences; it is
 * idempotent.
 */
#ifndef PH_CORE_STATE_H
#define PH_CORE_STATE_H

#include "base/heap.h"
#include "base/list.h"
#include "base/table.h"
#include "core/engine.h"
#include "core/hint.h"
#include "core/listing.h"
#include "core/numbers.h"
#include "core/upnp_ladder.h"
#include "wire/igd.h"
#include "wire/pcp.h"

/* ---- Timers ---------------------------------------------------------------------------------- */

enum ph_timer_kind {
    PH_TIMER_MAPPING,
    PH_TIMER_PCP,    /* verdict */
    PH_TIMER_NATPMP, /* retransmission, verdict */
    PH_TIMER_UPNP,   /* retransmission, verdict */
    PH_TIMER_RECHECK,
    PH_TIMER_DOUBT,
    PH_TIMER_LEAVE,
    PH_TIMER_HINT,
    PH_TIMER_PROBE,
    PH_TIMER_LIST,
    PH_TIMER_OFFLINE,
    PH_TIMER_STOP
};

/* ---- A method at a gateway ------------------------------------------------------------------- */

enum ph_method_state {
    PH_METHOD_IDLE,   /* not asked */
    PH_METHOD_ASKING, /* asked, nothing heard */
    PH_METHOD_ALIVE,  /* it answers */
    PH_METHOD_DEAD    /* refused, or silent until the verdict */
};

struct ph_method {
    enum ph_method_state state;
    int error; /* DEAD: why */
    int code;
    ph_us asked;        /* when ASKING began */
    ph_us heard;        /* the last answer */
    ph_us rtt;          /* of the last answer to a request sent once; 0 = none */
    uint32_t epoch_s;   /* the gateway's clock in the last answer that had it */
    ph_us epoch_at;     /* when that came; 0 = never */
    ph_us epoch_asked;  /* when it was asked for, at the earliest */
    ph_us restarted_at; /* when it was last seen to have restarted; 0 = never */
    unsigned window;    /* requests that may be in flight */
    unsigned in_flight;
    ph_us narrowed; /* when a loss last halved the window */
    ph_us rtt_least;
    struct ph_link queue; /* attempts that wait for a place in the window */
    struct ph_timer timer;
};

/* ---- A mapping ------------------------------------------------------------------------------- */

enum ph_attempt_state {
    PH_ATTEMPT_IDLE,
    PH_ATTEMPT_QUEUED,  /* waits for a place in the window */
    PH_ATTEMPT_ASKED,   /* in flight */
    PH_ATTEMPT_GRANTED, /* NAT-PMP: granted, the external address is still to come */
    PH_ATTEMPT_REFUSED  /* out until the mapping's next try */
};

enum ph_purpose {
    PH_PURPOSE_MAKE,
    PH_PURPOSE_RENEW,
    PH_PURPOSE_VERIFY, /* UPnP: is it still there? */
    PH_PURPOSE_LIST,   /* UPnP: waits for the list, QUEUED in no queue */
    PH_PURPOSE_DELETE,
    PH_PURPOSE_SHORTEN /* PCP: a delete was refused, so the shortest lease is asked for */
};

/* What one method was asked for one mapping. There are three in each of thousands of mappings. */
struct ph_attempt {
    union {
        struct ph_link link; /* QUEUED: in the method's queue */
        struct {             /* ASKED, GRANTED: */
            ph_us sent;
            ph_us next; /* next retransmission; PH_NEVER while an exchange is in flight */
        };
    };
    ph_us first_sent;   /* of the last request and its repetitions */
    uint32_t granted_s; /* GRANTED: its lease */
    int16_t error;      /* REFUSED: why */
    uint16_t code;      /* REFUSED: the gateway's code */
    uint16_t port;      /* external port asked for, or granted */
    uint8_t method;
    uint8_t state;
    uint8_t purpose;
    uint8_t tries;      /* requests sent */
    uint8_t port_tries; /* UPnP: conflicts so far; an errand of PCP: made, to be deleted */
    bool touched : 1;   /* a request was sent that the gateway may have granted */
    bool held : 1;      /* it was granted and not deleted since */
};

/* What a renewal looks at comes first: of thousands of mappings none is in a processor's cache when
 * its time has come. */
struct ph_mapping {
    struct ph_node by_id;
    struct ph_node by_port;
    struct ph_engine *engine;
    struct ph_gateway *gateway; /* NULL = no network */
    struct ph_timer timer;
    ph_us expires;       /* SUCCESS: end of the lease */
    ph_us renew;         /* SUCCESS: next renewal */
    ph_us retry;         /* FAILURE: rests until then; 0 = at work */
    ph_us wake;          /* when a head start ends; SUCCESS: when it is to be read back */
    ph_us granted;       /* when what was granted last was asked for; 0 = never */
    uint32_t lifetime_s; /* asked */
    uint32_t refresh_s;  /* renewed at least this often; 0 = as the lease demands */
    uint32_t granted_s;
    uint32_t exchange; /* UPnP: in flight; 0 = none */
    int16_t error;
    uint16_t code;
    uint16_t failures; /* in a row, for the back-off */
    struct ph_endpoint external;
    uint16_t internal_port;
    uint16_t wished_port;
    uint8_t nonce[PH_PCP_NONCE_SIZE]; /* the one for the gateway in `ends` */
    uint8_t protocol;
    uint8_t state; /* enum porthole_state */
    uint8_t method;
    uint8_t error_method;
    uint8_t flags;
    uint8_t busy;                  /* PORTHOLE_USE_* of the attempts that are not IDLE */
    bool hidden : 1;               /* a probe's: no events, no count */
    bool hides_loss : 1;           /* the MAPPED that waits took the place of a PENDING */
    bool is_errand : 1;            /* no mapping, but the removal of one that is not ours */
    bool was_made : 1;             /* it was SUCCESS once */
    bool has_failed : 1;           /* FAILED was told and not taken back by a success */
    bool is_overdue : 1;           /* SUCCESS: its renewal waits for the UPnP device */
    bool has_looked : 1;           /* a conflict was looked into */
    bool dialect : 1;              /* of the last request, see ph_upnp_facts */
    bool is_unverified : 1;        /* SUCCESS: to be read back from the UPnP device */
    bool is_shaky : 1;             /* SUCCESS: its renewal was refused, and others are asked */
    struct ph_attempt attempts[3]; /* by method - 1 */

    struct ph_ends *ends;      /* the gateway's */
    struct ph_link in_gateway; /* or in the engine's list of those without a gateway */
    struct ph_link in_events;  /* or in the graveyard */
    ph_us elapsed;             /* from MAP to the first success; until then, when MAP came */
    uint8_t methods;           /* PORTHOLE_USE_* */
    uint8_t event;             /* enum porthole_event_type that waits; 0 = none */
    uint8_t fate;
    uint8_t upnp_step;   /* enum ph_upnp_step */
    uint8_t lease_step;  /* of the ladder, in the last AddPortMapping */
    uint8_t lease_tries; /* in this ladder */
    uint8_t port_turn;   /* other ports so far, see upnp_ladder.c */
    uint8_t readback;    /* enum ph_readback */
    char description[];  /* "" = "porthole" */
};

/* ---- A gateway ------------------------------------------------------------------------------- */

/* A gateway's address and ours towards it. Its mappings tell of them to their last event, which may
 * come after the gateway is gone; so whoever of them is left last frees this. */
struct ph_ends {
    size_t users;
    struct ph_addr gateway;
    struct ph_addr source;
};

struct ph_pcp_client {
    ph_us asked; /* when the first ANNOUNCE of this question was sent */
    ph_us next;  /* next ANNOUNCE request; PH_NEVER = none wanted */
    uint8_t tries;
};

struct ph_natpmp_client {
    struct ph_addr external; /* none = not told yet */
    ph_us asked;             /* when the first of the open requests was sent */
    ph_us sent;
    ph_us next;    /* next address request; PH_NEVER = none wanted */
    uint8_t tries; /* of this question */
    uint8_t open;  /* requests since the last answer */
};

enum ph_upnp_phase {
    PH_UPNP_OFF,
    PH_UPNP_SEARCHING,  /* M-SEARCH is out */
    PH_UPNP_DESCRIBING, /* a candidate's description is being fetched */
    PH_UPNP_ADDRESSING, /* a service is being asked for its external address */
    PH_UPNP_READY
};

struct ph_upnp_candidate {
    struct ph_url url;
    uint32_t boot_id; /* 0 = it tells none */
    bool is_gateway;  /* it answered from the gateway's address */
    bool tried;
};

struct ph_upnp_client {
    enum ph_upnp_phase phase;
    uint8_t tries;
    ph_us sent;
    ph_us next;
    unsigned fetches; /* in this search */
    unsigned candidate_count;
    unsigned candidate; /* in use */
    struct ph_upnp_candidate candidates[PH_CANDIDATES_MAX];
    struct ph_igd_description *description; /* of the candidate; NULL = none */
    unsigned service;                       /* index in it, in use */
    struct ph_addr external;                /* as the service in use says */
    unsigned fallback_service;              /* a service with an address that is not public; ... */
    struct ph_addr fallback;                /* ... none = there is no such service */
    bool is_fallback_down;                  /* that says it is not connected */
    bool asks_status;                       /* `exchange` is about the status, not the address */
    bool has_status; /* the service in use was asked, or is the last resort */
    struct ph_url control;
    uint32_t exchange;           /* the discovery's, in flight; 0 = none */
    ph_us lost_at;               /* when it was last found gone; 0 = never */
    unsigned dialects;           /* tried for the address of this service */
    struct ph_upnp_facts *facts; /* of the device in the description; NULL = none yet */
    int error;                   /* of the last candidate that failed */
    int code;
    struct {
        uint32_t id; /* 0 = free */
        struct ph_mapping *mapping;
    } exchanges[PH_HTTP_WINDOW];
};

struct ph_gateway {
    struct ph_engine *engine;
    struct ph_link link; /* in the engine's former ones */
    uint32_t id;
    struct ph_path path;
    struct ph_ends *ends;
    struct ph_method methods[PORTHOLE_UPNP + 1]; /* by enum porthole_method; [0] is not used */
    struct ph_pcp_client pcp;
    struct ph_natpmp_client natpmp;
    struct ph_upnp_client upnp;
    struct ph_listing *listing; /* NULL = was never wanted */
    struct ph_link mappings;
    unsigned failures; /* rounds in a row in which every method was dead */
    ph_us next_round;  /* when dead methods are asked again; 0 = they are not all dead */
    struct ph_timer recheck;
    struct ph_hints hints;
    ph_us doubted;         /* when all that is held was last doubted; ... */
    struct ph_timer doubt; /* ... until then it must be confirmed */
    struct ph_timer leave; /* a former one is forgotten then */
    bool is_dirty;         /* a method's state changed: every mapping is to be run */
};

struct ph_probe {
    bool is_active;
    bool address_only;
    ph_us started;
    struct ph_timer timer;
    porthole_id mapping; /* the hidden one */
    struct ph_probe_result result;
};

struct ph_engine {
    struct ph_engine_config config;
    ph_us now; /* set once a step */
    struct ph_heap heap;
    struct ph_table by_id;
    struct ph_table by_port; /* protocol << 16 | internal port */
    size_t count;            /* mappings that are neither hidden nor being removed */
    size_t alive;            /* all mappings that are not finished */
    struct ph_ends nowhere;  /* of mappings that have not had a gateway yet */
    struct ph_gateway *gateway;
    struct ph_link former; /* gateways that only delete what they still hold of ours */
    unsigned former_count;
    bool is_offline; /* there is no network; the gateway is the last one's, if there was one */
    struct ph_timer offline_timer; /* it is waited for, and nobody is told until then */
    int network_error;             /* why there is no network */
    struct ph_link homeless;       /* mappings without a gateway */
    struct ph_link events;         /* mappings whose event waits */
    struct ph_link graveyard;      /* finished hidden mappings, freed at the next step */
    struct ph_upnp_facts facts[PH_FACTS_MAX];
    uint64_t facts_used;
    uint32_t last_gateway;
    uint32_t last_exchange;
    uint64_t last_hidden;
    struct ph_probe probe;
    struct ph_list_request list;
    bool is_stopping;
    struct ph_timer stop_timer;
    /* Effects of the running step. */
    struct ph_effect *effects;
    size_t effect_count;
    size_t effect_size;
    uint8_t *bytes;
    size_t byte_count;
    size_t byte_size;
};

/* ---- effect.c: what is to be done outside ---------------------------------------------------- */

/* False or 0: out of memory. A datagram that is lost so is as good as one lost on the way. */
bool ph_effect_send(struct ph_gateway *g, enum ph_channel channel, const struct ph_endpoint *to,
                    const void *bytes, size_t len);
uint32_t ph_effect_http(struct ph_gateway *g, const struct ph_endpoint *to, const void *bytes,
                        size_t len, ph_us deadline);
void ph_effect_cancel(struct ph_engine *e, uint32_t exchange);
void ph_effect_forget(struct ph_engine *e, uint32_t gateway);
void ph_effect_listen(struct ph_gateway *g);
void ph_effect_deafen(struct ph_gateway *g);

/* ---- trace.c: one line a decision ------------------------------------------------------------ */

#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
void ph_trace(const struct ph_engine *e, enum porthole_log_level level, const char *format, ...);
/* "tcp 8080", for lines about a mapping. */
#define PH_MAPPING_NAME_SIZE 16
const char *ph_trace_mapping(const struct ph_mapping *m, char ret[PH_MAPPING_NAME_SIZE]);

/* ---- retry.c: when to try again -------------------------------------------------------------- */

/* After the tries-th request, 1 or more. */
ph_us ph_retry_delay(struct ph_engine *e, unsigned tries);
/* After the failures-th failure in a row, 1 or more. */
ph_us ph_retry_backoff(struct ph_engine *e, unsigned failures);
/* Into what is left of a lease (RFC 6887 §11.2.1). */
ph_us ph_retry_renewal(struct ph_engine *e, ph_us left);

/* ---- gateway.c: which methods a gateway has -------------------------------------------------- */

struct ph_gateway *ph_gateway_new(struct ph_engine *e, const struct ph_path *path);
void ph_gateway_free(struct ph_gateway *g);
struct ph_ends *ph_gateway_share(struct ph_ends *ends);
void ph_gateway_unshare(struct ph_ends *ends);
/* IDLE -> ASKING: the method's first request goes out; for PCP the caller's MAP is it. */
void ph_gateway_ask(struct ph_gateway *g, enum porthole_method method);
void ph_gateway_alive(struct ph_gateway *g, enum porthole_method method);
void ph_gateway_dead(struct ph_gateway *g, enum porthole_method method, int error, int code);
/* How long a method may be silent until it counts as dead. */
ph_us ph_gateway_verdict(const struct ph_gateway *g);
/* Dead methods may be asked again. */
void ph_gateway_reset(struct ph_gateway *g);
/* Something new is wanted: when nobody is there, it is not made to wait for the next round. */
void ph_gateway_wake(struct ph_gateway *g);
/* Nothing is asked any more: the engine has stopped. */
void ph_gateway_silence(struct ph_gateway *g);
void ph_gateway_timer(struct ph_gateway *g, enum porthole_method method);
/* Whether somebody still waits for what this method would say. */
bool ph_gateway_is_wanted(const struct ph_gateway *g, enum porthole_method method);
void ph_gateway_unreachable(struct ph_gateway *g, enum ph_channel channel, int error);
/* Runs every mapping while methods keep changing. */
void ph_gateway_settle(struct ph_gateway *g);

/* ---- network.c: where the gateways are ------------------------------------------------------- */

int ph_network_change(struct ph_engine *e, const struct ph_network *network);
void ph_network_resumed(struct ph_engine *e);
/* What the method holds is to be confirmed, and was not yet. */
bool ph_network_is_doubted(const struct ph_gateway *g, enum porthole_method method);
/* Nobody is there who could confirm it: it is lost. */
void ph_network_denied(struct ph_gateway *g, enum porthole_method method);
void ph_network_doubt_timer(struct ph_gateway *g);
void ph_network_offline_timer(struct ph_engine *e);
/* Ends all mappings of a gateway now. */
void ph_network_finish(struct ph_gateway *g);
/* Runs what former gateways still have to do; forgets those that were done in an earlier step. */
void ph_network_settle(struct ph_engine *e);
void ph_network_forget(struct ph_engine *e);
/* Nothing is waited for any more: the engine has stopped. */
void ph_network_silence(struct ph_engine *e);

/* ---- attempt.c: the window of requests in flight --------------------------------------------- */

struct ph_mapping *ph_attempt_mapping(struct ph_attempt *a);
void ph_attempt_init(struct ph_attempt *a, enum porthole_method method);
void ph_attempt_move(struct ph_attempt *a, enum ph_attempt_state state);
/* Sends now, or when the window has a place. */
void ph_attempt_start(struct ph_attempt *a, enum ph_purpose purpose);
/* Sends again and sets the next retransmission. */
void ph_attempt_send(struct ph_attempt *a);
/* An answer came: takes the round-trip time, moves the window, frees the place. */
void ph_attempt_answered(struct ph_attempt *a, enum ph_attempt_state state);
/* A place is free for one that waits. */
void ph_attempt_serve(struct ph_method *method);
/* Gives up without an answer: frees the place. */
void ph_attempt_drop(struct ph_attempt *a, enum ph_attempt_state state);

/* ---- mapping.c, lease.c, removal.c: one mapping's life --------------------------------------- */

int ph_mapping_new(struct ph_engine *e, porthole_id id, const struct ph_map_request *request,
                   bool hidden, struct ph_mapping **ret);
void ph_mapping_free(struct ph_mapping *m);
struct ph_mapping *ph_mapping_find(const struct ph_engine *e, porthole_id id);
uint64_t ph_mapping_port_key(unsigned protocol, uint16_t internal_port);
/* Does what is due and sets the timer. Idempotent. */
void ph_mapping_run(struct ph_mapping *m);
void ph_mapping_move(struct ph_mapping *m, enum porthole_state state);
void ph_mapping_raise(struct ph_mapping *m, enum porthole_event_type type);
/* Whether it waits for what this method would say. */
bool ph_mapping_wants(const struct ph_mapping *m, enum porthole_method method);
void ph_mapping_info(const struct ph_mapping *m, struct ph_mapping_info *ret);
/* To a gateway: everything begins anew. */
void ph_mapping_rehome(struct ph_mapping *m, struct ph_gateway *g);

/* Whether an external address can be a host's at all: 0.0.0.0 and a multicast address cannot. */
bool ph_mapping_is_host(const struct ph_addr *addr);

/* Answers, from the methods' clients. */
void ph_mapping_granted(struct ph_mapping *m, enum porthole_method method, uint32_t lifetime_s,
                        const struct ph_endpoint *external);
void ph_mapping_refused(struct ph_mapping *m, enum porthole_method method, int error, int code);
/* The answer to SHORTEN: seconds that are left, 0 = it refused. */
void ph_mapping_shortened(struct ph_mapping *m, enum porthole_method method, uint32_t left_s);
/* error 0 = the gateway confirms; else why not, and its code. */
void ph_mapping_deleted(struct ph_mapping *m, enum porthole_method method, int error, int code);

void ph_mapping_fail(struct ph_mapping *m, int error, enum porthole_method method, int code);
/* No method is left: for the reason that tells most. */
void ph_mapping_fail_for_best(struct ph_mapping *m);
/* SUCCESS -> PENDING: made again from the beginning. */
void ph_mapping_lose(struct ph_mapping *m, const char *why);
/* SUCCESS stays until the lease ends: a renewal was refused, and all are asked (RFC 6887 §11.4). */
void ph_mapping_shake(struct ph_mapping *m);
/* The same, after what there is was deleted. */
void ph_mapping_remake(struct ph_mapping *m, enum porthole_method method, const char *why);
void ph_mapping_refresh(struct ph_mapping *m);
/* The renewal's part of ph_mapping_run(). */
void ph_mapping_run_lease(struct ph_mapping *m);
void ph_mapping_unmap(struct ph_mapping *m);
/* One of the same port is being removed, and must be gone before this is asked for. */
bool ph_mapping_has_predecessor(const struct ph_mapping *m);
/* The removal's part of ph_mapping_run(). */
void ph_mapping_run_removal(struct ph_mapping *m);
void ph_mapping_finish(struct ph_mapping *m); /* now, whatever the gateway still holds */

/* ---- errand.c: removing what another client of this host left behind ------------------------- */

int ph_errand_new(struct ph_engine *e, porthole_id id, const struct ph_map_request *request);
void ph_errand_run(struct ph_mapping *m);
bool ph_errand_wants(const struct ph_mapping *m, enum porthole_method method);
enum porthole_fate ph_errand_judge(struct ph_mapping *m);
/* Answers: a delete's, an entry's by its port, and the whole list. */
void ph_errand_deleted(struct ph_mapping *m, struct ph_attempt *a, int error, int code);
void ph_errand_shortened(struct ph_mapping *m, struct ph_attempt *a, uint32_t left_s);
void ph_errand_verified(struct ph_mapping *m, struct ph_attempt *a, bool is_ours);
void ph_errand_listed(struct ph_mapping *m);

/* ---- The methods' clients -------------------------------------------------------------------- */

void ph_pcp_client_send(struct ph_mapping *m, struct ph_attempt *a);
/* What is the time? The cheapest request that tells of a restart. */
void ph_pcp_client_ask(struct ph_gateway *g);
void ph_pcp_client_timer(struct ph_gateway *g);
void ph_pcp_client_datagram(struct ph_gateway *g, const void *bytes, size_t len);

void ph_natpmp_client_ask(struct ph_gateway *g); /* the external address */
/* A mapping that was asked for at this time is granted, and waits for the address. */
void ph_natpmp_client_want(struct ph_gateway *g, ph_us asked);
/* Something else told that the gateway speaks NAT-PMP. */
void ph_natpmp_client_hint(struct ph_gateway *g);
void ph_natpmp_client_timer(struct ph_gateway *g);
void ph_natpmp_client_send(struct ph_mapping *m, struct ph_attempt *a);
void ph_natpmp_client_datagram(struct ph_gateway *g, const void *bytes, size_t len);

/* A device that was lost is searched for at once. */
void ph_upnp_search_again(struct ph_gateway *g);
/* The same, but not again and again. */
void ph_upnp_search_lost(struct ph_gateway *g);
void ph_upnp_search_start(struct ph_gateway *g);
void ph_upnp_search_timer(struct ph_gateway *g);
void ph_upnp_search_stop(struct ph_gateway *g);
void ph_upnp_search_datagram(struct ph_gateway *g, const struct ph_endpoint *from,
                             const void *bytes, size_t len);
void ph_upnp_search_reply(struct ph_gateway *g, const struct ph_http_message *message);
void ph_upnp_search_failed(struct ph_gateway *g, int error);
/* Whether a device described there has answered the search. */
bool ph_upnp_search_knows(const struct ph_upnp_client *u, const struct ph_url *url);
/* The external address once more, at a service that is READY. */
void ph_upnp_search_readdress(struct ph_gateway *g);

void ph_upnp_action_send(struct ph_mapping *m, struct ph_attempt *a);
void ph_upnp_action_forget(struct ph_mapping *m);
void ph_upnp_action_reply(struct ph_gateway *g, struct ph_mapping *m,
                          const struct ph_http_message *message);
void ph_upnp_action_failed(struct ph_gateway *g, struct ph_mapping *m, int error);
/* A SOAP action as an exchange: its id, 0 = out of memory. */
struct ph_soap_argument;
uint32_t ph_upnp_action_post(struct ph_gateway *g, const char *action,
                             const struct ph_soap_argument *arguments, size_t count,
                             ph_us deadline);

/* ---- recheck.c: whether the gateway still knows what it granted ------------------------------ */

/* The gateway's clock came with the answer to a request that was first sent at `asked`. */
void ph_recheck_epoch(struct ph_gateway *g, enum porthole_method method, uint32_t epoch_s,
                      ph_us asked);
/* Whether this is what the gateway's clock should show now; changes nothing. */
bool ph_recheck_is_expected(const struct ph_gateway *g, enum porthole_method method,
                            uint32_t epoch_s);
/* Something is held by this method from now on, or it tells of no restart any more. */
void ph_recheck_start(struct ph_gateway *g, enum porthole_method method);
void ph_recheck_timer(struct ph_gateway *g);
/* A UPnP mapping was found gone: the others are looked at too. */
void ph_recheck_others(struct ph_gateway *g);

/* ---- probe.c --------------------------------------------------------------------------------- */

int ph_probe_start(struct ph_engine *e, ph_us deadline, bool address_only);
/* To be called at the end of each step. */
void ph_probe_check(struct ph_engine *e);
void ph_probe_end(struct ph_engine *e);
/* "friendlyName (modelName)" of the UPnP device; "" when there is none. */
void ph_probe_describe(const struct ph_gateway *g, char ret[PORTHOLE_TEXT_SIZE]);

#endif
