/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * doctor_rules_iptables.c: reads what `iptables-save` prints with one packet in mind: of each rule
 * it keeps whether that packet matches, and what then happens to it. Extensions that it does not
 * know may or may not match.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/doctor_parts.h"

#define LINE_SIZE 1024U
#define WORDS_MAX 64U
/* Tables in the order in which a packet that comes in passes them, as priorities of nftables. */
#define PREROUTING_FIRST (-1000000)

struct words {
    char line[LINE_SIZE];
    size_t count;
    char *at[WORDS_MAX];
};

/* Splits at blanks; what is in quotes is one word. */
static void split_line(struct words *words) {
    char *at = words->line;
    words->count = 0;
    while (*at && words->count < WORDS_MAX) {
        while (*at == ' ')
            at++;
        if (!*at)
            return;
        char end = *at == '"' ? '"' : ' ';
        if (end == '"')
            at++;
        words->at[words->count++] = at;
        at += strcspn(at, end == '"' ? "\"" : " ");
        if (*at)
            *at++ = '\0';
    }
}

/* ---- Conditions ------------------------------------------------------------------------------ */

/* "8080", "1000:2000", ":1024", and several of these with commas. */
static enum ph_doctor_match match_ports(const char *list, uint16_t port) {
    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        char *end;
        unsigned long low = strtoul(at, &end, 10), high = low;
        if (*end == ':')
            high = end[1] >= '0' && end[1] <= '9' ? strtoul(end + 1, NULL, 10) : 65535;
        if (ph_doctor_rules_port(port, low, high) == PH_DOCTOR_MATCH_YES)
            return PH_DOCTOR_MATCH_YES;
    }
    return PH_DOCTOR_MATCH_NO;
}

/* "192.168.0.0/16" */
static enum ph_doctor_match match_network(const char *network, const char *address) {
    size_t len = strcspn(network, "/");
    unsigned long prefix = network[len] == '/' ? strtoul(network + len + 1, NULL, 10) : 32;
    return ph_doctor_rules_network(address, (struct ph_span){network, len}, (unsigned)prefix);
}

static enum ph_doctor_match match_interface(const char *wanted, const char *name) {
    size_t len = strlen(wanted);
    if (len > 0 && wanted[len - 1] == '+')
        return ph_doctor_rules_yes(strncmp(name, wanted, len - 1) == 0);
    return ph_doctor_rules_yes(strcmp(name, wanted) == 0);
}

static enum ph_doctor_match match_states(const char *list, bool is_answer) {
    return ph_doctor_rules_yes(strstr(list, is_answer ? "ESTABLISHED" : "NEW") != NULL);
}

/* The condition that begins at words[*at], which is moved to its last word. */
static enum ph_doctor_match condition(const struct words *words, size_t *at,
                                      const struct ph_doctor_packet *packet) {
    const char *name = words->at[*at];
    const char *value = *at + 1 < words->count ? words->at[*at + 1] : "";
    const char *own = packet->protocol == PORTHOLE_TCP ? "tcp" : "udp";
    enum ph_doctor_match match;
    if (strcmp(name, "-m") == 0 || strcmp(name, "--match") == 0 /* its options follow */
        || strcmp(name, "--comment") == 0)
        match = PH_DOCTOR_MATCH_YES;
    else if (strcmp(name, "-p") == 0)
        match = ph_doctor_rules_yes(strcmp(value, own) == 0 || strcmp(value, "all") == 0);
    else if (strcmp(name, "-i") == 0)
        match = match_interface(value, packet->interface);
    else if (strcmp(name, "-s") == 0)
        match = match_network(value, packet->source);
    else if (strcmp(name, "-d") == 0)
        match = match_network(value, packet->destination);
    else if (strcmp(name, "--dport") == 0 || strcmp(name, "--dports") == 0)
        match = match_ports(value, packet->destination_port);
    else if (strcmp(name, "--sport") == 0 || strcmp(name, "--sports") == 0)
        match = match_ports(value, packet->source_port);
    else if (strcmp(name, "--ctstate") == 0 || strcmp(name, "--state") == 0)
        match = match_states(value, packet->is_answer);
    else if (strcmp(name, "--dst-type") == 0)
        match = ph_doctor_rules_yes(strstr(value, "LOCAL") != NULL);
    else
        match = PH_DOCTOR_MATCH_PERHAPS;
    while (*at + 1 < words->count && words->at[*at + 1][0] != '-' &&
           strcmp(words->at[*at + 1], "!") != 0)
        ++*at;
    return match;
}

static enum ph_doctor_match invert(enum ph_doctor_match match) {
    if (match == PH_DOCTOR_MATCH_PERHAPS)
        return match;
    return ph_doctor_rules_yes(match == PH_DOCTOR_MATCH_NO);
}

/* ---- Lines ----------------------------------------------------------------------------------- */

struct table {
    char name[PH_DOCTOR_NAME_SIZE];
    int priority;
};

static int priority_of(const char *table) {
    static const struct {
        const char *name;
        int priority;
    } known[] = {{"raw", -300}, {"mangle", -150}, {"nat", -100}, {"filter", 0}, {"security", 50}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, table) == 0)
            return known[i].priority;
    return 0;
}

static size_t chain_of(struct ph_doctor_rules *rules, const struct table *table,
                       const char *chain) {
    char name[PH_DOCTOR_NAME_SIZE * 2], text[PH_DOCTOR_NAME_SIZE * 2];
    ph_doctor_format(text, sizeof text, "%s %.30s", table->name, chain);
    ph_span_print(ph_span_of(text), name, sizeof name);
    return ph_doctor_rules_chain(rules, name);
}

/* ":INPUT DROP [0:0]" */
static void take_chain(struct ph_doctor_rules *rules, const struct table *table,
                       const struct words *words) {
    if (words->count < 2)
        return;
    const char *name = words->at[0] + 1;
    size_t at = chain_of(rules, table, name);
    bool is_input = strcmp(name, "INPUT") == 0;
    if (at == PH_DOCTOR_CHAINS_MAX || (!is_input && strcmp(name, "PREROUTING") != 0))
        return;
    rules->chains[at].is_base = true;
    rules->chains[at].drops = strcmp(words->at[1], "DROP") == 0;
    rules->chains[at].priority = table->priority + (is_input ? 0 : PREROUTING_FIRST);
}

static void set_target(struct ph_doctor_rules *rules, const struct table *table, const char *target,
                       bool is_goto, struct ph_doctor_rule *rule) {
    static const struct {
        const char *name;
        enum ph_doctor_action action;
    } known[] = {{"ACCEPT", PH_DOCTOR_ACTION_ACCEPT},  {"DROP", PH_DOCTOR_ACTION_DROP},
                 {"REJECT", PH_DOCTOR_ACTION_DROP},    {"RETURN", PH_DOCTOR_ACTION_RETURN},
                 {"LOG", PH_DOCTOR_ACTION_NONE},       {"NFLOG", PH_DOCTOR_ACTION_NONE},
                 {"MARK", PH_DOCTOR_ACTION_NONE},      {"CONNMARK", PH_DOCTOR_ACTION_NONE},
                 {"NFQUEUE", PH_DOCTOR_ACTION_UNKNOWN}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i].name, target) == 0) {
            rule->action = (uint8_t)known[i].action;
            return;
        }
    }
    rule->action = is_goto ? PH_DOCTOR_ACTION_GOTO : PH_DOCTOR_ACTION_JUMP;
    rule->target = (uint16_t)chain_of(rules, table, target);
}

/* "-A INPUT -p udp -m udp --dport 1900 -j ACCEPT" */
static void take_rule(struct ph_doctor_rules *rules, const struct table *table,
                      const struct words *words, const struct ph_doctor_packet *packet,
                      uint16_t number) {
    struct ph_doctor_rule rule = {.chain = (uint16_t)chain_of(rules, table, words->at[1]),
                                  .number = number,
                                  .match = PH_DOCTOR_MATCH_YES,
                                  .action = PH_DOCTOR_ACTION_NONE};
    for (size_t i = 2; i < words->count; i++) {
        bool is_jump = strcmp(words->at[i], "-j") == 0, is_goto = strcmp(words->at[i], "-g") == 0;
        if ((is_jump || is_goto) && i + 1 < words->count) {
            set_target(rules, table, words->at[i + 1], is_goto, &rule);
            break; /* the target's own options follow */
        }
        bool is_inverted = strcmp(words->at[i], "!") == 0 && i + 1 < words->count;
        i += is_inverted ? 1 : 0;
        enum ph_doctor_match match = condition(words, &i, packet);
        if (is_inverted)
            match = invert(match);
        if (match == PH_DOCTOR_MATCH_NO)
            return;
        if (match == PH_DOCTOR_MATCH_PERHAPS)
            rule.match = PH_DOCTOR_MATCH_PERHAPS;
    }
    ph_doctor_rules_add(rules, &rule);
}

bool ph_doctor_rules_iptables(struct ph_doctor_rules *rules, const struct ph_doctor_packet *packet,
                              const char *text) {
    struct table table = {"", 0};
    struct words words = {.line = ""};
    char last[PH_DOCTOR_NAME_SIZE] = "";
    uint16_t number = 0;
    bool is_any = false;
    while (*text) {
        size_t len = strcspn(text, "\n");
        ph_doctor_format(words.line, sizeof words.line, "%.*s", (int)(len < LINE_SIZE ? len : 0),
                         text);
        text += text[len] ? len + 1 : len;
        if (words.line[0] == '*') {
            ph_doctor_format(table.name, sizeof table.name, "%.31s", words.line + 1);
            table.priority = priority_of(table.name);
            is_any = true;
            continue;
        }
        bool is_chain = words.line[0] == ':';
        split_line(&words);
        if (is_chain) {
            take_chain(rules, &table, &words);
        } else if (words.count > 2 && strcmp(words.at[0], "-A") == 0) {
            number = strcmp(last, words.at[1]) == 0 ? (uint16_t)(number + 1) : 1;
            ph_doctor_format(last, sizeof last, "%.31s", words.at[1]);
            take_rule(rules, &table, &words, packet, number);
        }
    }
    return is_any;
}
