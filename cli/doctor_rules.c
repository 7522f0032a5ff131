/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * doctor_rules.c: walks the rules of a firewall as one packet would, without sending it. A rule
 * whose condition is not known beforehand may or may not match; when that could change the end, the
 * end is unsure. It reads no rules itself and changes none.
 */
#include <string.h>

#include "base/addr.h"
#include "cli/doctor_parts.h"

#define DEPTH_MAX 16U /* jumps within jumps; the kernel has as many */
#define STEPS_MAX 100000U

size_t ph_doctor_rules_chain(struct ph_doctor_rules *rules, const char *name) {
    for (size_t i = 0; i < rules->chain_count; i++)
        if (strcmp(rules->chains[i].name, name) == 0)
            return i;
    if (rules->chain_count == PH_DOCTOR_CHAINS_MAX) {
        rules->is_cut = true;
        return PH_DOCTOR_CHAINS_MAX;
    }
    struct ph_doctor_chain *chain = &rules->chains[rules->chain_count];
    *chain = (struct ph_doctor_chain){0};
    ph_doctor_format(chain->name, sizeof chain->name, "%s", name);
    return rules->chain_count++;
}

void ph_doctor_rules_add(struct ph_doctor_rules *rules, const struct ph_doctor_rule *rule) {
    if (rules->rule_count == PH_DOCTOR_RULES_MAX || rule->chain >= PH_DOCTOR_CHAINS_MAX ||
        rule->target >= PH_DOCTOR_CHAINS_MAX) {
        rules->is_cut = true;
        return;
    }
    rules->rules[rules->rule_count++] = *rule;
}

/* ---- Conditions ------------------------------------------------------------------------------ */

enum ph_doctor_match ph_doctor_rules_yes(bool yes) {
    return yes ? PH_DOCTOR_MATCH_YES : PH_DOCTOR_MATCH_NO;
}

static uint32_t v4_number(const struct ph_addr *addr) {
    const uint8_t *b = ph_addr_v4_bytes(addr);
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

enum ph_doctor_match ph_doctor_rules_network(const char *address, struct ph_span network,
                                             unsigned prefix) {
    struct ph_addr ours, theirs;
    if (!ph_addr_parse(network, &theirs) || !ph_addr_is_v4(&theirs))
        return PH_DOCTOR_MATCH_PERHAPS;
    if (prefix == 0)
        return PH_DOCTOR_MATCH_YES;
    if (!ph_addr_parse(ph_span_of(address), &ours) || !ph_addr_is_v4(&ours))
        return ph_addr_reach(&theirs) == PORTHOLE_REACH_PUBLIC ? PH_DOCTOR_MATCH_PERHAPS
                                                               : PH_DOCTOR_MATCH_NO;
    uint32_t mask = prefix >= 32 ? UINT32_MAX : ~(UINT32_MAX >> prefix);
    return ph_doctor_rules_yes((v4_number(&ours) & mask) == (v4_number(&theirs) & mask));
}

enum ph_doctor_match ph_doctor_rules_port(uint16_t port, unsigned long low, unsigned long high) {
    if (port == 0)
        return ph_doctor_rules_yes(low <= 1024 && high == 65535);
    return ph_doctor_rules_yes(port >= low && port <= high);
}

/* ---- One packet ------------------------------------------------------------------------------ */

enum end { END_OPEN, END_ACCEPT, END_DROP };

struct walk {
    const struct ph_doctor_rules *rules;
    unsigned steps;
    bool may_accept; /* a rule that perhaps matches would */
    bool may_drop;
    char decided[PH_DOCTOR_LINE_SIZE]; /* by which rule */
    char perhaps[PH_DOCTOR_LINE_SIZE]; /* the first that perhaps matches and matters */
};

static void name_rule(const struct walk *walk, const struct ph_doctor_rule *rule,
                      char ret[PH_DOCTOR_LINE_SIZE]) {
    ph_doctor_format(ret, PH_DOCTOR_LINE_SIZE, "rule %u of chain %s", rule->number,
                     walk->rules->chains[rule->chain].name);
}

/* A rule that perhaps matches would end it so. */
static void note_perhaps(struct walk *walk, const struct ph_doctor_rule *rule, enum end end) {
    walk->may_accept = walk->may_accept || end == END_ACCEPT;
    walk->may_drop = walk->may_drop || end == END_DROP;
    if (!*walk->perhaps)
        name_rule(walk, rule, walk->perhaps);
}

static enum end walk_chain(struct walk *walk, size_t chain, unsigned depth, bool *ret_perhaps);

/* Takes a jump that is sure or perhaps. END_OPEN: it goes on behind it. */
static enum end take_jump(struct walk *walk, const struct ph_doctor_rule *rule, unsigned depth,
                          bool *ret_perhaps) {
    char decided[PH_DOCTOR_LINE_SIZE];
    bool is_perhaps = rule->match == PH_DOCTOR_MATCH_PERHAPS;
    memcpy(decided, walk->decided, sizeof decided);
    enum end end = walk_chain(walk, rule->target, depth + 1, ret_perhaps);
    if (!is_perhaps || end == END_OPEN)
        return end;
    memcpy(walk->decided, decided, sizeof decided);
    note_perhaps(walk, rule, end);
    return END_OPEN;
}

/* *ret_perhaps: a rule that perhaps returns was passed. */
static enum end walk_chain(struct walk *walk, size_t chain, unsigned depth, bool *ret_perhaps) {
    const struct ph_doctor_rules *rules = walk->rules;
    if (depth > DEPTH_MAX)
        return END_OPEN;
    for (size_t i = 0; i < rules->rule_count; i++) {
        const struct ph_doctor_rule *rule = &rules->rules[i];
        if (rule->chain != chain || rule->match == PH_DOCTOR_MATCH_NO || walk->steps++ > STEPS_MAX)
            continue;
        bool is_sure = rule->match == PH_DOCTOR_MATCH_YES && !*ret_perhaps;
        enum end end = END_OPEN;
        switch ((enum ph_doctor_action)rule->action) {
        case PH_DOCTOR_ACTION_NONE:
            continue;
        case PH_DOCTOR_ACTION_ACCEPT:
            end = END_ACCEPT;
            break;
        case PH_DOCTOR_ACTION_DROP:
            end = END_DROP;
            break;
        case PH_DOCTOR_ACTION_RETURN:
            if (is_sure)
                return END_OPEN;
            *ret_perhaps = true;
            continue;
        case PH_DOCTOR_ACTION_UNKNOWN:
            note_perhaps(walk, rule, END_DROP);
            note_perhaps(walk, rule, END_ACCEPT);
            continue;
        case PH_DOCTOR_ACTION_JUMP:
        case PH_DOCTOR_ACTION_GOTO: {
            bool inner = false;
            end = take_jump(walk, rule, depth, &inner);
            if (end != END_OPEN && is_sure)
                return end;
            if (end != END_OPEN)
                note_perhaps(walk, rule, end);
            else if (rule->action == PH_DOCTOR_ACTION_GOTO && is_sure)
                return END_OPEN;
            continue;
        }
        }
        if (is_sure) {
            name_rule(walk, rule, walk->decided);
            return end;
        }
        note_perhaps(walk, rule, end);
    }
    return END_OPEN;
}

static enum end walk_base(struct walk *walk, size_t chain) {
    const struct ph_doctor_chain *base = &walk->rules->chains[chain];
    bool is_perhaps = false;
    enum end end = walk_chain(walk, chain, 0, &is_perhaps);
    if (end != END_OPEN)
        return end;
    if (base->drops)
        ph_doctor_format(walk->decided, sizeof walk->decided, "policy of chain %s", base->name);
    return base->drops ? END_DROP : END_ACCEPT;
}

/* ---- All chains ------------------------------------------------------------------------------ */

/* The base chain that comes next; CHAINS_MAX: none is left. */
static size_t next_base(const struct ph_doctor_rules *rules, const bool *done) {
    size_t best = PH_DOCTOR_CHAINS_MAX;
    for (size_t i = 0; i < rules->chain_count; i++)
        if (rules->chains[i].is_base && !done[i] &&
            (best == PH_DOCTOR_CHAINS_MAX ||
             rules->chains[i].priority < rules->chains[best].priority))
            best = i;
    return best;
}

/* Every base chain must let it pass; within one the first rule that decides does. */
void ph_doctor_rules_judge(const struct ph_doctor_rules *rules, struct ph_doctor_filter *ret) {
    bool done[PH_DOCTOR_CHAINS_MAX] = {false};
    bool may_drop = rules->is_cut;
    char perhaps[PH_DOCTOR_LINE_SIZE] = "";
    *ret = (struct ph_doctor_filter){.effect = PH_DOCTOR_EFFECT_ACCEPTED};
    for (size_t at; (at = next_base(rules, done)) != PH_DOCTOR_CHAINS_MAX;) {
        struct walk walk = {.rules = rules};
        done[at] = true;
        enum end end = walk_base(&walk, at);
        if (end == END_DROP && !walk.may_accept) {
            ret->effect = PH_DOCTOR_EFFECT_DROPPED;
            memcpy(ret->rule, walk.decided, sizeof ret->rule);
            return;
        }
        if (end == END_DROP || walk.may_drop) {
            may_drop = true;
            if (!*perhaps)
                memcpy(perhaps, *walk.perhaps ? walk.perhaps : walk.decided, sizeof perhaps);
        } else if (*walk.decided) {
            memcpy(ret->rule, walk.decided, sizeof ret->rule);
        }
    }
    if (may_drop) {
        ret->effect = PH_DOCTOR_EFFECT_UNSURE;
        memcpy(ret->rule, perhaps, sizeof ret->rule);
    }
}
