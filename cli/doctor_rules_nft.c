/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * doctor_rules_nft.c: reads what `nft -j list ruleset` prints (libnftables-json(5)) with one packet
 * in mind: of each rule it keeps whether that packet matches, and what then happens to it.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli/doctor_parts.h"

/* A packet passes prerouting before input. */
#define PREROUTING_FIRST (-1000000)

/* ---- What the packet has --------------------------------------------------------------------- */

/* A property of the packet: text, a number, or not known beforehand. */
struct property {
    enum { PROPERTY_UNKNOWN, PROPERTY_TEXT, PROPERTY_NUMBER, PROPERTY_PORT, PROPERTY_ADDRESS } kind;
    const char *text;
    uint32_t number; /* a port of 0 is one that no rule names */
};

static struct property text_property(const char *text) {
    return (struct property){.kind = PROPERTY_TEXT, .text = text};
}

static struct property meta_property(const struct ph_doctor_packet *packet, const char *key) {
    if (strcmp(key, "iifname") == 0 || strcmp(key, "iif") == 0)
        return text_property(packet->interface);
    if (strcmp(key, "l4proto") == 0)
        return text_property(packet->protocol == PORTHOLE_TCP ? "tcp" : "udp");
    if (strcmp(key, "nfproto") == 0)
        return text_property("ipv4");
    if (strcmp(key, "protocol") == 0)
        return text_property("ip");
    if (strcmp(key, "pkttype") == 0)
        return text_property("host");
    return (struct property){.kind = PROPERTY_UNKNOWN};
}

/* *ret_no: the packet has no such header at all. */
static struct property payload_property(const struct ph_doctor_packet *packet, const char *protocol,
                                        const char *field, bool *ret_no) {
    const char *own = packet->protocol == PORTHOLE_TCP ? "tcp" : "udp";
    if (strcmp(protocol, own) == 0 || strcmp(protocol, "th") == 0) {
        if (strcmp(field, "dport") == 0)
            return (struct property){.kind = PROPERTY_PORT, .number = packet->destination_port};
        if (strcmp(field, "sport") == 0)
            return (struct property){.kind = PROPERTY_PORT, .number = packet->source_port};
    } else if (strcmp(protocol, "ip") == 0) {
        if (strcmp(field, "saddr") == 0 || strcmp(field, "daddr") == 0)
            return (struct property){.kind = PROPERTY_ADDRESS,
                                     .text =
                                         field[0] == 's' ? packet->source : packet->destination};
        if (strcmp(field, "protocol") == 0)
            return text_property(own);
    } else if (strcmp(protocol, "ether") != 0) {
        *ret_no = true; /* tcp of a UDP packet, ip6, icmp, ... */
    }
    return (struct property){.kind = PROPERTY_UNKNOWN};
}

static const char *string_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static struct property property_of(const struct ph_doctor_packet *packet, const json_t *left,
                                   bool *ret_no) {
    const json_t *meta = json_object_get(left, "meta");
    const json_t *payload = json_object_get(left, "payload");
    const json_t *ct = json_object_get(left, "ct");
    if (meta)
        return meta_property(packet, string_of(meta, "key"));
    if (payload && json_object_get(payload, "protocol"))
        return payload_property(packet, string_of(payload, "protocol"), string_of(payload, "field"),
                                ret_no);
    if (ct && strcmp(string_of(ct, "key"), "state") == 0)
        return text_property(packet->is_answer ? "established" : "new");
    return (struct property){.kind = PROPERTY_UNKNOWN};
}

/* ---- Whether a value is meant ---------------------------------------------------------------- */

static enum ph_doctor_match equals(const struct property *property, const json_t *value);

static enum ph_doctor_match in_list(const struct property *property, const json_t *list) {
    enum ph_doctor_match best = PH_DOCTOR_MATCH_NO;
    size_t i;
    const json_t *one;
    json_array_foreach(list, i, one) {
        enum ph_doctor_match match = equals(property, one);
        if (match == PH_DOCTOR_MATCH_YES)
            return match;
        if (match == PH_DOCTOR_MATCH_PERHAPS)
            best = match;
    }
    return best;
}

static enum ph_doctor_match in_range(const struct property *property, const json_t *range) {
    const json_t *low = json_array_get(range, 0), *high = json_array_get(range, 1);
    if (property->kind != PROPERTY_PORT || !json_is_integer(low) || !json_is_integer(high))
        return PH_DOCTOR_MATCH_PERHAPS;
    return ph_doctor_rules_port((uint16_t)property->number, (unsigned long)json_integer_value(low),
                                (unsigned long)json_integer_value(high));
}

/* "eth*" is a beginning. */
static bool same_text(const char *text, const char *wanted) {
    size_t len = strlen(wanted);
    if (len > 0 && wanted[len - 1] == '*')
        return strncmp(text, wanted, len - 1) == 0;
    return strcmp(text, wanted) == 0;
}

static enum ph_doctor_match equals(const struct property *property, const json_t *value) {
    const json_t *prefix = json_object_get(value, "prefix");
    const json_t *range = json_object_get(value, "range");
    const json_t *set = json_object_get(value, "set");
    const json_t *element = json_object_get(value, "elem");
    const char *text = json_string_value(value);
    if (set)
        return in_list(property, set);
    if (json_is_array(value))
        return in_list(property, value);
    if (element)
        return equals(property, json_object_get(element, "val"));
    if (range)
        return in_range(property, range);
    if (prefix && property->kind == PROPERTY_ADDRESS)
        return ph_doctor_rules_network(
            property->text, ph_span_of(string_of(prefix, "addr")),
            (unsigned)json_integer_value(json_object_get(prefix, "len")));
    if (json_is_integer(value) && property->kind == PROPERTY_PORT)
        return ph_doctor_rules_port((uint16_t)property->number,
                                    (unsigned long)json_integer_value(value),
                                    (unsigned long)json_integer_value(value));
    if (!text || text[0] == '@' || property->kind == PROPERTY_PORT)
        return PH_DOCTOR_MATCH_PERHAPS;
    if (property->kind == PROPERTY_ADDRESS)
        return ph_doctor_rules_network(property->text, ph_span_of(text), 32);
    return property->kind == PROPERTY_TEXT ? ph_doctor_rules_yes(same_text(property->text, text))
                                           : PH_DOCTOR_MATCH_PERHAPS;
}

static enum ph_doctor_match match_of(const struct ph_doctor_packet *packet, const json_t *match) {
    bool is_absent = false;
    const char *operator= string_of(match, "op");
    struct property property = property_of(packet, json_object_get(match, "left"), &is_absent);
    if (is_absent)
        return PH_DOCTOR_MATCH_NO;
    if (property.kind == PROPERTY_UNKNOWN)
        return PH_DOCTOR_MATCH_PERHAPS;
    enum ph_doctor_match found = equals(&property, json_object_get(match, "right"));
    if (strcmp(operator, "==") == 0 || strcmp(operator, "in") == 0)
        return found;
    if (strcmp(operator, "!=") == 0 && found != PH_DOCTOR_MATCH_PERHAPS)
        return ph_doctor_rules_yes(found == PH_DOCTOR_MATCH_NO);
    return PH_DOCTOR_MATCH_PERHAPS;
}

/* ---- Rules ----------------------------------------------------------------------------------- */

static void chain_name(const json_t *object, const char *key, char ret[PH_DOCTOR_NAME_SIZE * 2]) {
    char text[PH_DOCTOR_NAME_SIZE * 2];
    ph_doctor_format(text, sizeof text, "%s %s %s", string_of(object, "family"),
                     string_of(object, "table"), string_of(object, key));
    ph_span_print(ph_span_of(text), ret, PH_DOCTOR_NAME_SIZE * 2);
}

/* False: this statement decides nothing. */
static bool action_of(struct ph_doctor_rules *rules, const json_t *where, const json_t *statement,
                      struct ph_doctor_rule *rule) {
    static const struct {
        const char *name;
        enum ph_doctor_action action;
    } known[] = {{"accept", PH_DOCTOR_ACTION_ACCEPT}, {"drop", PH_DOCTOR_ACTION_DROP},
                 {"reject", PH_DOCTOR_ACTION_DROP},   {"return", PH_DOCTOR_ACTION_RETURN},
                 {"queue", PH_DOCTOR_ACTION_UNKNOWN}, {"synproxy", PH_DOCTOR_ACTION_UNKNOWN}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (json_object_get(statement, known[i].name)) {
            rule->action = (uint8_t)known[i].action;
            return true;
        }
    }
    const json_t *jump = json_object_get(statement, "jump");
    const json_t *go = json_object_get(statement, "goto");
    if (!jump && !go)
        return false;
    char name[PH_DOCTOR_NAME_SIZE * 2], text[PH_DOCTOR_NAME_SIZE * 2];
    ph_doctor_format(text, sizeof text, "%s %s %s", string_of(where, "family"),
                     string_of(where, "table"), string_of(jump ? jump : go, "target"));
    ph_span_print(ph_span_of(text), name, sizeof name);
    rule->target = (uint16_t)ph_doctor_rules_chain(rules, name);
    rule->action = jump ? PH_DOCTOR_ACTION_JUMP : PH_DOCTOR_ACTION_GOTO;
    return true;
}

/* A verdict map: the key's first entry that matches decides. */
static void add_map(struct ph_doctor_rules *rules, const struct ph_doctor_packet *packet,
                    const json_t *where, const json_t *map, struct ph_doctor_rule *rule) {
    bool is_absent = false;
    struct property property = property_of(packet, json_object_get(map, "key"), &is_absent);
    const json_t *set = json_object_get(json_object_get(map, "data"), "set");
    enum ph_doctor_match outer = rule->match;
    size_t i;
    const json_t *pair;
    if (is_absent)
        return;
    if (!set) { /* a named map */
        rule->match = PH_DOCTOR_MATCH_PERHAPS;
        rule->action = PH_DOCTOR_ACTION_UNKNOWN;
        ph_doctor_rules_add(rules, rule);
        return;
    }
    json_array_foreach(set, i, pair) {
        enum ph_doctor_match match = equals(&property, json_array_get(pair, 0));
        struct ph_doctor_rule one = *rule;
        if (match == PH_DOCTOR_MATCH_NO || !action_of(rules, where, json_array_get(pair, 1), &one))
            continue;
        one.match = (uint8_t)(match == PH_DOCTOR_MATCH_YES ? outer : match);
        ph_doctor_rules_add(rules, &one);
    }
}

/* What neither asks nor decides anything. */
static bool is_neutral(const char *statement) {
    static const char *const names[] = {"counter", "log",       "mangle",
                                        "notrack", "ct helper", "meter"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(statement, names[i]) == 0)
            return true;
    return false;
}

static void add_rule(struct ph_doctor_rules *rules, const struct ph_doctor_packet *packet,
                     const json_t *object, uint16_t number) {
    char name[PH_DOCTOR_NAME_SIZE * 2];
    chain_name(object, "chain", name);
    struct ph_doctor_rule rule = {.chain = (uint16_t)ph_doctor_rules_chain(rules, name),
                                  .number = number,
                                  .match = PH_DOCTOR_MATCH_YES,
                                  .action = PH_DOCTOR_ACTION_NONE};
    size_t i;
    const json_t *statement;
    json_array_foreach(json_object_get(object, "expr"), i, statement) {
        const json_t *match = json_object_get(statement, "match");
        const json_t *map = json_object_get(statement, "vmap");
        const char *kind = json_object_iter_key(json_object_iter((json_t *)statement));
        if (match) {
            enum ph_doctor_match one = match_of(packet, match);
            if (one == PH_DOCTOR_MATCH_NO)
                return;
            if (one == PH_DOCTOR_MATCH_PERHAPS)
                rule.match = PH_DOCTOR_MATCH_PERHAPS;
        } else if (map) {
            add_map(rules, packet, object, map, &rule);
            return;
        } else if (action_of(rules, object, statement, &rule)) {
            ph_doctor_rules_add(rules, &rule);
            return;
        } else if (kind && !is_neutral(kind)) {
            rule.match = PH_DOCTOR_MATCH_PERHAPS; /* a limit, an extension of iptables */
        }
    }
    ph_doctor_rules_add(rules, &rule);
}

/* ---- The whole ------------------------------------------------------------------------------- */

static bool is_iptables(const json_t *object) {
    static const char *const tables[] = {"filter", "nat", "mangle", "raw", "security"};
    if (strcmp(string_of(object, "family"), "ip") != 0)
        return false;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (strcmp(string_of(object, "table"), tables[i]) == 0)
            return true;
    return false;
}

static bool is_for_ipv4(const json_t *object) {
    const char *family = string_of(object, "family");
    return strcmp(family, "ip") == 0 || strcmp(family, "inet") == 0;
}

static void add_chain(struct ph_doctor_rules *rules, const json_t *object) {
    char name[PH_DOCTOR_NAME_SIZE * 2];
    const char *hook = string_of(object, "hook");
    bool is_input = strcmp(hook, "input") == 0;
    chain_name(object, "name", name);
    size_t at = ph_doctor_rules_chain(rules, name);
    if (at == PH_DOCTOR_CHAINS_MAX || (!is_input && strcmp(hook, "prerouting") != 0))
        return;
    struct ph_doctor_chain *chain = &rules->chains[at];
    chain->is_base = true;
    chain->drops = strcmp(string_of(object, "policy"), "drop") == 0;
    chain->priority = (int)json_integer_value(json_object_get(object, "prio")) +
                      (is_input ? 0 : PREROUTING_FIRST);
}

bool ph_doctor_rules_nft(struct ph_doctor_rules *rules, const struct ph_doctor_packet *packet,
                         const char *json, bool skip_iptables) {
    json_t *whole = json_loads(json, 0, NULL);
    const json_t *list = json_object_get(whole, "nftables");
    bool is_list = json_is_array(list);
    char last[PH_DOCTOR_NAME_SIZE * 2] = "", name[PH_DOCTOR_NAME_SIZE * 2];
    uint16_t number = 0;
    size_t i;
    const json_t *item;
    json_array_foreach(list, i, item) {
        const json_t *chain = json_object_get(item, "chain"), *rule = json_object_get(item, "rule");
        const json_t *object = chain ? chain : rule;
        if (!object || !is_for_ipv4(object) || (skip_iptables && is_iptables(object)))
            continue;
        if (chain) {
            add_chain(rules, chain);
            continue;
        }
        chain_name(rule, "chain", name);
        number = strcmp(name, last) == 0 ? (uint16_t)(number + 1) : 1;
        memcpy(last, name, sizeof last);
        add_rule(rules, packet, rule, number);
    }
    json_decref(whole);
    return is_list;
}
