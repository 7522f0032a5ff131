/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * doctor.h: the report of `porthole doctor`, and who makes what of it. Facts are gathered into one
 * struct, judged, made anonymous where that is asked for, and only then printed: text, JSON and
 * HTML all show this struct and nothing else. It holds no pointers, so that it can be copied.
 */
#ifndef PH_CLI_DOCTOR_H
#define PH_CLI_DOCTOR_H

#include <porthole/porthole.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All text is printable ASCII and terminated; "" = not known, or there is none. Times are in
 * milliseconds since the report was begun; a negative one is unknown. */
#define PH_DOCTOR_NAME_SIZE 32
#define PH_DOCTOR_MAC_SIZE 24
#define PH_DOCTOR_ENDPOINT_SIZE (PORTHOLE_ADDRESS_SIZE + 8)
#define PH_DOCTOR_URL_SIZE 256
#define PH_DOCTOR_LINE_SIZE 256
#define PH_DOCTOR_REASON_SIZE 512

#define PH_DOCTOR_INTERFACES_MAX 24U
#define PH_DOCTOR_ADDRESSES_MAX 8U
#define PH_DOCTOR_ROUTES_MAX 24U
#define PH_DOCTOR_NEIGHBOURS_MAX 24U
#define PH_DOCTOR_DEVICES_MAX 8U
#define PH_DOCTOR_ATTEMPTS_MAX 64U
#define PH_DOCTOR_SENDS_MAX 8U
#define PH_DOCTOR_METHODS 3U /* PCP, NAT-PMP, UPnP, in this order */
#define PH_DOCTOR_ADVICE_MAX 6U
#define PH_DOCTOR_NOTES_MAX 8U
#define PH_DOCTOR_HOPS_MAX 5U

/* ---- This host ------------------------------------------------------------------------------- */

enum ph_doctor_link {
    PH_DOCTOR_LINK_OTHER,
    PH_DOCTOR_LINK_LOOPBACK,
    PH_DOCTOR_LINK_ETHERNET, /* what looks like it: veth and wireless ones too */
    PH_DOCTOR_LINK_BRIDGE,
    PH_DOCTOR_LINK_PPP,
    PH_DOCTOR_LINK_TUNNEL /* tun, tap, WireGuard, IPsec, GRE and so on: a VPN */
};

struct ph_doctor_address {
    char text[PORTHOLE_ADDRESS_SIZE];
    enum porthole_reach reach;
    bool is_v6;
    unsigned prefix; /* length of the network's, 0 where that means nothing */
};

struct ph_doctor_interface {
    char name[PH_DOCTOR_NAME_SIZE];
    enum ph_doctor_link link;
    char kind[PH_DOCTOR_NAME_SIZE]; /* the system's own word, such as "wireguard"; "" = hardware */
    char mac[PH_DOCTOR_MAC_SIZE];
    unsigned mtu;
    bool is_up;      /* it is switched on */
    bool is_running; /* ... and has a cable, a radio link or a peer */
    size_t address_count;
    struct ph_doctor_address addresses[PH_DOCTOR_ADDRESSES_MAX];
};

/* A default route of the main table, or one of the halves of 0.0.0.0/0 that VPNs set. */
struct ph_doctor_route {
    char destination[PORTHOLE_ADDRESS_SIZE]; /* "default", "0.0.0.0/1", ... */
    char gateway[PORTHOLE_ADDRESS_SIZE];     /* "" = the link itself */
    char interface[PH_DOCTOR_NAME_SIZE];
    uint32_t metric;
};

/* Where packets to the Internet go, by all of the system's rules. */
struct ph_doctor_way {
    bool is_there;
    char gateway[PORTHOLE_ADDRESS_SIZE];
    char interface[PH_DOCTOR_NAME_SIZE];
    char source[PORTHOLE_ADDRESS_SIZE];
    enum ph_doctor_link link; /* of that interface */
};

/* Only gateways of routes and who answered are listed. */
struct ph_doctor_neighbour {
    char address[PORTHOLE_ADDRESS_SIZE];
    char interface[PH_DOCTOR_NAME_SIZE];
    char mac[PH_DOCTOR_MAC_SIZE];
    bool is_gateway;  /* the one that was asked */
    bool is_resolved; /* it answers on the link; false = it was looked for in vain */
};

/* What this host's own firewall would do with a packet. */
enum ph_doctor_effect {
    PH_DOCTOR_EFFECT_UNKNOWN, /* the rules could not be read */
    PH_DOCTOR_EFFECT_ACCEPTED,
    PH_DOCTOR_EFFECT_DROPPED,
    PH_DOCTOR_EFFECT_UNSURE /* a rule asks something that is not known beforehand */
};

struct ph_doctor_filter {
    enum ph_doctor_effect effect;
    char rule[PH_DOCTOR_LINE_SIZE]; /* which rule or policy decides; "" = none */
};

struct ph_doctor_firewall {
    bool is_read;
    char what[PH_DOCTOR_LINE_SIZE]; /* "nftables, 12 rules for input", or why it is not read */
    char hint[PH_DOCTOR_LINE_SIZE]; /* what can be seen without reading the rules: "ufw is on" */
    uint16_t port;      /* the user's, which inbound_* are about; 0 = any port that no rule names */
    bool is_tcp_wanted; /* of that port; of any port both are */
    bool is_udp_wanted;
    struct ph_doctor_filter answers; /* the gateway's to what was asked: UDP from 5351 and 1900 */
    struct ph_doctor_filter strays;  /* the same from another port, as some routers send them */
    unsigned dropped_answers; /* to the UPnP search, which came to the interface and no further;
                                 only root can see that */
    struct ph_doctor_filter inbound_tcp; /* a new connection from outside to a mapped port */
    struct ph_doctor_filter inbound_udp;
};

/* ---- What was asked, and answered ------------------------------------------------------------ */

enum ph_doctor_outcome {
    PH_DOCTOR_OUTCOME_SILENT,   /* nothing came back */
    PH_DOCTOR_OUTCOME_ANSWERED, /* it says yes */
    PH_DOCTOR_OUTCOME_REFUSED,  /* it answers with an error: see code */
    PH_DOCTOR_OUTCOME_CLOSED,   /* the gateway's system says that nothing listens there */
    PH_DOCTOR_OUTCOME_FAILED,   /* could not be sent, or the connection failed: see text */
    PH_DOCTOR_OUTCOME_DROPPED   /* not waited for any longer: another answer was enough */
};

/* One request with its repetitions; its answer, if any, ends it. */
struct ph_doctor_attempt {
    enum porthole_method method;
    double start_ms; /* the first time it was sent */
    double end_ms;   /* its answer, or when it was given up */
    size_t send_count;
    double send_ms[PH_DOCTOR_SENDS_MAX]; /* each time it was sent, the first PH_DOCTOR_SENDS_MAX */
    char what[PH_DOCTOR_LINE_SIZE];      /* "MAP udp 9 for 60 s", "GET /rootDesc.xml", ... */
    char to[PH_DOCTOR_ENDPOINT_SIZE];    /* "192.168.1.1:5351" */
    char from[PH_DOCTOR_ENDPOINT_SIZE];  /* who answered; "" = nobody */
    enum ph_doctor_outcome outcome;
    int code; /* raw: PCP or NAT-PMP result, HTTP status, UPnP errorCode; -1 = none came */
    char text[PH_DOCTOR_LINE_SIZE]; /* the answer in words: "granted 1.2.3.4:9 for 60 s" */
    bool is_trial;                  /* part of the trial mapping, not of the probe */
};

/* A protocol: what the probe made of it, and the trial mapping by it. */
struct ph_doctor_method {
    enum porthole_method method;
    bool is_asked; /* false: left out by --protocol, or there was nobody to ask */
    int error;     /* enum porthole_error; 0 = it answered */
    int code;      /* raw, 0 = none */
    char text[PH_DOCTOR_LINE_SIZE];
    double rtt_ms;
    struct ph_doctor_address external;
    uint32_t epoch_s; /* the gateway's clock: seconds since its last restart. PCP and NAT-PMP */
    bool has_epoch;
    /* The trial: a port that is opened for a moment and given back. */
    bool is_tried;
    enum porthole_protocol trial_protocol;
    uint16_t trial_internal_port;
    uint16_t trial_external_port;
    struct ph_doctor_address trial_external;
    uint32_t trial_lifetime_s; /* granted; 0 = without end */
    int trial_error;           /* 0 = granted */
    int trial_code;
    char trial_text[PH_DOCTOR_LINE_SIZE];
    double trial_ms; /* how long it took */
    enum porthole_fate trial_fate;
};

/* A device that answered the search for UPnP gateways. */
struct ph_doctor_device {
    char address[PORTHOLE_ADDRESS_SIZE];
    char url[PH_DOCTOR_URL_SIZE];
    char server[PH_DOCTOR_LINE_SIZE]; /* its SERVER line: system, UPnP version, product */
    char name[PORTHOLE_TEXT_SIZE];    /* friendlyName; "" = its description was not read */
    char maker[PORTHOLE_TEXT_SIZE];
    char model[PORTHOLE_TEXT_SIZE];
    char service[PH_DOCTOR_NAME_SIZE]; /* "WANIPConnection:1"; "" = none was found */
    bool is_gateway;                   /* it has the gateway's own address */
    bool is_used;                      /* the one that mappings are made by */
};

/* ---- The verdict ----------------------------------------------------------------------------- */

/* X(NAME, name, title): PH_DOCTOR_NAME. Names are for machines and never change. The exit code of
 * each is ph_doctor_exitcode()'s. */
#define PH_DOCTOR_VERDICT_TABLE(X)                                                                 \
    X(DIRECT, "direct", "Nothing is in the way: this host has a public address")                   \
    X(MAPPED, "mapped", "Ports can be opened: the router does it, and its address is public")      \
    X(MAPPABLE, "mappable", "Ports can probably be opened: the router answers")                    \
    X(HOST_FIREWALL, "host_firewall",                                                              \
      "The way is open, but this host's own firewall shuts the port")                              \
    X(DOUBLE_NAT, "double_nat", "Two routers in a row: the second one is in the way")              \
    X(CARRIER_NAT, "carrier_nat", "The provider shares one public address among many customers")   \
    X(NO_UPLINK, "no_uplink", "The router has no external address")                                \
    X(REFUSED, "refused", "The router answers, but refuses to open ports")                         \
    X(TWO_ROUTERS, "two_routers", "Two routers answer on this network")                            \
    X(FILTERED, "filtered", "Packets or their answers are dropped on the way")                     \
    X(NO_PROTOCOL, "no_protocol", "The router is there, but opens ports for nobody")               \
    X(VPN, "vpn", "Everything goes through a VPN, which opens no ports")                           \
    X(NO_ROUTE, "no_route", "This host has no way to the Internet")                                \
    X(UNCLEAR, "unclear", "Not enough is known to say")

enum ph_doctor_verdict {
#define PH_DOCTOR_VERDICT_ENUM_(upper, name, title) PH_DOCTOR_##upper,
    PH_DOCTOR_VERDICT_TABLE(PH_DOCTOR_VERDICT_ENUM_)
#undef PH_DOCTOR_VERDICT_ENUM_
};

/* The way from here to the Internet, nearest first. */
enum ph_doctor_hop_kind {
    PH_DOCTOR_HOP_HOST,
    PH_DOCTOR_HOP_TUNNEL,  /* a VPN's far end */
    PH_DOCTOR_HOP_GATEWAY, /* the router */
    PH_DOCTOR_HOP_NAT,     /* a second NAT: the provider's, or another router */
    PH_DOCTOR_HOP_INTERNET
};

enum ph_doctor_hop_state {
    PH_DOCTOR_HOP_FINE,
    PH_DOCTOR_HOP_BLOCKED, /* here it ends */
    PH_DOCTOR_HOP_UNKNOWN  /* it is not known whether it lets anything in */
};

struct ph_doctor_hop {
    enum ph_doctor_hop_kind kind;
    enum ph_doctor_hop_state state;
    char label[PH_DOCTOR_NAME_SIZE];     /* "this host", "router", "carrier NAT", "Internet" */
    char name[PORTHOLE_TEXT_SIZE];       /* its own: host name, device name; "" = not known */
    char inside[PORTHOLE_ADDRESS_SIZE];  /* its address towards this host; the host's own */
    char outside[PORTHOLE_ADDRESS_SIZE]; /* its address towards the Internet; "" = not known */
    char note[PH_DOCTOR_LINE_SIZE];      /* what is wrong or special here */
};

/* ---- The report ------------------------------------------------------------------------------ */

struct ph_doctor_report {
    char version[PH_DOCTOR_NAME_SIZE]; /* porthole's */
    char system[PORTHOLE_TEXT_SIZE];   /* "Linux 6.1.0 x86_64" */
    char host[PORTHOLE_TEXT_SIZE];     /* the host's name */
    char begun[PH_DOCTOR_NAME_SIZE];   /* "2026-03-01T12:00:00Z" */
    double elapsed_ms;
    bool is_redacted;
    bool is_map_allowed; /* false: --no-map */

    size_t interface_count;
    struct ph_doctor_interface interfaces[PH_DOCTOR_INTERFACES_MAX];
    size_t route_count;
    struct ph_doctor_route routes[PH_DOCTOR_ROUTES_MAX];
    size_t neighbour_count;
    struct ph_doctor_neighbour neighbours[PH_DOCTOR_NEIGHBOURS_MAX];
    struct ph_doctor_way way;
    struct ph_doctor_firewall firewall;

    int probe_error;                     /* enum porthole_error, of the probe as a whole; or 0 */
    char gateway[PORTHOLE_ADDRESS_SIZE]; /* the one that was asked */
    struct ph_doctor_address local;      /* asked from here */
    struct ph_doctor_method methods[PH_DOCTOR_METHODS];
    size_t device_count;
    struct ph_doctor_device devices[PH_DOCTOR_DEVICES_MAX];
    size_t attempt_count; /* in the order in which they were begun */
    struct ph_doctor_attempt attempts[PH_DOCTOR_ATTEMPTS_MAX];
    size_t attempts_left_out; /* there was no room for so many more */

    enum ph_doctor_verdict verdict;
    char reason[PH_DOCTOR_REASON_SIZE]; /* why, in full sentences */
    size_t advice_count;                /* what to do next, most promising first */
    char advice[PH_DOCTOR_ADVICE_MAX][PH_DOCTOR_LINE_SIZE];
    size_t note_count; /* what else is worth knowing */
    char notes[PH_DOCTOR_NOTES_MAX][PH_DOCTOR_LINE_SIZE];
    size_t hop_count;
    struct ph_doctor_hop hops[PH_DOCTOR_HOPS_MAX];
};

/* Machines' names for all of these, lower case, static: "carrier_nat", "tunnel", "dropped",
 * "answered", "gateway", "fine". */
const char *ph_doctor_verdict_name(enum ph_doctor_verdict verdict);
const char *ph_doctor_verdict_title(enum ph_doctor_verdict verdict); /* for people */
const char *ph_doctor_link_name(enum ph_doctor_link link);
const char *ph_doctor_effect_name(enum ph_doctor_effect effect);
const char *ph_doctor_outcome_name(enum ph_doctor_outcome outcome);
const char *ph_doctor_hop_kind_name(enum ph_doctor_hop_kind kind);
const char *ph_doctor_hop_state_name(enum ph_doctor_hop_state state);
/* True for DIRECT, MAPPED and MAPPABLE. */
bool ph_doctor_is_good(enum ph_doctor_verdict verdict);
/* An exit code of exitcode.h. */
int ph_doctor_exitcode(enum ph_doctor_verdict verdict);

/* Facts -> verdict, reason, advice, notes and hops. Reads nothing but the report. */
void ph_doctor_judge(struct ph_doctor_report *report);
/* Replaces in every text what would tell who or where this is; the same by the same. */
void ph_doctor_redact(struct ph_doctor_report *report);
void ph_doctor_print_text(const struct ph_doctor_report *report);
void ph_doctor_print_json(const struct ph_doctor_report *report);

#endif
