/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * doctor_parts.h: what the files that gather a doctor's report share; nobody else includes it. Each
 * fills a part of the report; none judges.
 */
#ifndef PH_CLI_DOCTOR_PARTS_H
#define PH_CLI_DOCTOR_PARTS_H

#include <porthole/tap.h>

#include "base/bytes.h"
#include "cli/doctor.h"
#include "cli/options.h"

/* ---- doctor_words.c -------------------------------------------------------------------------- */

#if defined(__GNUC__)
#define PH_DOCTOR_PRINTF(at, first) __attribute__((format(printf, at, first)))
#else
#define PH_DOCTOR_PRINTF(at, first)
#endif

/* Like snprintf(), and what does not fit is cut off. */
void ph_doctor_format(char *ret, size_t size, const char *format, ...) PH_DOCTOR_PRINTF(3, 4);
/* The method's part of a report. */
struct ph_doctor_method *ph_doctor_method_of(struct ph_doctor_report *report,
                                             enum porthole_method method);
/* The interface that has this address; "" = none has. */
const char *ph_doctor_interface_of(const struct ph_doctor_report *report, const char *address);
/* "" and UNKNOWN for what is no address. */
void ph_doctor_set_address(struct ph_doctor_address *ret, const char *text);

/* ---- doctor_gather.c: the whole -------------------------------------------------------------- */

struct ph_doctor_wish {
    bool no_map;
    uint16_t port; /* whose way through the firewall is asked about; 0 = any */
    bool tcp;
    bool udp;
};
/* Fills an empty report. Returns an exit code other than 0 when there can be no report, and has
 * said why. */
int ph_doctor_gather(const struct ph_options *options, const struct ph_doctor_wish *wish,
                     struct ph_doctor_report *report);

/* ---- doctor_attempts.c: packets -> attempts and devices -------------------------------------- */

struct ph_doctor_attempts {
    struct ph_doctor_report *report;
    bool is_trial;                              /* what is sent from now on is */
    uint32_t exchanges[PH_DOCTOR_ATTEMPTS_MAX]; /* of each attempt; 0 = none */
    uint64_t requests[PH_DOCTOR_ATTEMPTS_MAX];  /* what tells repetitions apart; 0 = none */
    bool is_open[PH_DOCTOR_ATTEMPTS_MAX];       /* its answer may still come */
    char hosts[PH_DOCTOR_ATTEMPTS_MAX][PORTHOLE_ADDRESS_SIZE]; /* HTTP: who is asked */
};
/* A packet was seen at that time. */
void ph_doctor_attempts_see(struct ph_doctor_attempts *attempts,
                            const struct porthole_packet *packet, double at_ms);
/* What has no answer yet is taken for unanswered. */
void ph_doctor_attempts_end(struct ph_doctor_attempts *attempts, double at_ms);

/* ---- doctor_host.c: this host, as the system tells ------------------------------------------- */

/* Interfaces, routes, names. */
void ph_doctor_host_look(struct ph_doctor_report *report);
/* Neighbours, when packets have been sent; needs report->gateway and the devices. */
void ph_doctor_host_neighbours(struct ph_doctor_report *report);

/* Begins to look at what comes to an interface before the firewall does: a descriptor, -1 without
 * root or that. Then how many answers to a UPnP search came there for this address and
 * port. */
int ph_doctor_host_listen(const char *interface);
unsigned ph_doctor_host_heard(int fd, const char *local, uint16_t port);

/* ---- doctor_firewall.c, doctor_rules*.c: what the host's own firewall does ------------------- */

/* Reads the rules with the system's own programs, changes nothing; needs the rest of the report. */
void ph_doctor_firewall_look(struct ph_doctor_report *report, const struct ph_doctor_wish *wish);

/* A packet that comes in, as rules see it. */
struct ph_doctor_packet {
    enum porthole_protocol protocol;
    const char *interface;
    const char *source; /* "" = somebody on the Internet */
    const char *destination;
    uint16_t source_port;      /* 0 = any that no rule names */
    uint16_t destination_port; /* the same */
    bool is_answer;            /* of a connection that this host began */
};

enum ph_doctor_match { PH_DOCTOR_MATCH_NO, PH_DOCTOR_MATCH_YES, PH_DOCTOR_MATCH_PERHAPS };

enum ph_doctor_action {
    PH_DOCTOR_ACTION_NONE, /* goes on to the next rule */
    PH_DOCTOR_ACTION_ACCEPT,
    PH_DOCTOR_ACTION_DROP, /* or reject */
    PH_DOCTOR_ACTION_RETURN,
    PH_DOCTOR_ACTION_JUMP,
    PH_DOCTOR_ACTION_GOTO,
    PH_DOCTOR_ACTION_UNKNOWN /* out of our sight: a queue, a synproxy */
};

#define PH_DOCTOR_CHAINS_MAX 256U
#define PH_DOCTOR_RULES_MAX 4096U

/* Rules as one packet meets them, whatever language they were written in. */
struct ph_doctor_rule {
    uint16_t chain;
    uint16_t number; /* within its chain, from 1 */
    uint16_t target; /* JUMP, GOTO */
    uint8_t match;
    uint8_t action;
};
struct ph_doctor_chain {
    char name[PH_DOCTOR_NAME_SIZE * 2]; /* "inet filter input" */
    bool is_base;                       /* packets that come in go through it, ... */
    int priority;                       /* ... in this order */
    bool drops;                         /* its policy */
};
struct ph_doctor_rules {
    size_t chain_count;
    struct ph_doctor_chain chains[PH_DOCTOR_CHAINS_MAX];
    size_t rule_count;
    struct ph_doctor_rule rules[PH_DOCTOR_RULES_MAX];
    bool is_cut; /* there were more than there is room for */
};

/* Adds the rules of `nft -j list ruleset`, but for the IPv4 tables that belong to iptables when
 * skip_iptables; and of iptables-save. False: it is not understood at all. */
bool ph_doctor_rules_nft(struct ph_doctor_rules *rules, const struct ph_doctor_packet *packet,
                         const char *json, bool skip_iptables);
bool ph_doctor_rules_iptables(struct ph_doctor_rules *rules, const struct ph_doctor_packet *packet,
                              const char *text);
/* Where a chain of this name is, made when it is not there; PH_DOCTOR_CHAINS_MAX: no room. */
size_t ph_doctor_rules_chain(struct ph_doctor_rules *rules, const char *name);
void ph_doctor_rules_add(struct ph_doctor_rules *rules, const struct ph_doctor_rule *rule);
enum ph_doctor_match ph_doctor_rules_yes(bool yes);
/* An address against a network; "" is a stranger's, who is in no private one. */
enum ph_doctor_match ph_doctor_rules_network(const char *address, struct ph_span network,
                                             unsigned prefix);
/* A port against a range; of port 0, any, only a range of nearly all ports is sure to have it. */
enum ph_doctor_match ph_doctor_rules_port(uint16_t port, unsigned long low, unsigned long high);
/* What becomes of the packet. */
void ph_doctor_rules_judge(const struct ph_doctor_rules *rules, struct ph_doctor_filter *ret);

#endif
