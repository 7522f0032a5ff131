/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * upnp_ladder.c: what a UPnP device refuses, and what it is asked for next: another lease, another
 * port, an older version of the service, another dialect of the request. What was learned of a
 * device is kept by its identity for the engine's life, so that the next mapping begins with what
 * works. Every ladder ends; none goes round.
 */
#include <stdio.h>
#include <string.h>

#include "core/state.h"
#include "wire/soap.h"

/* The longest that WANIPConnection:2 §2.3.16 allows, an hour, and without end. The first step is
 * what the application asked for. */
static const uint32_t leases_s[] = {0, 604800, 3600, 0};
#define LEASES_COUNT 4U
#define LEASE_ENDLESS (LEASES_COUNT - 1)

/* Other external ports tried, when the device says that one is taken, when it has said so of every
 * port before, and when it says nothing but that it failed. */
#define PORT_TRIES_MAX 10U
#define PORT_TRIES_CROWDED 2U
#define PORT_TRIES_FAILED 2U

/* ---- What is known of a device --------------------------------------------------------------- */

/* Makers whose routers are known to give one host's port to the next who asks, so that it is too
 * late to learn it from them: the first mapping may be the one that takes it from another
 * (libp2p/go-libp2p-nat#8). */
static bool is_known_to_overwrite(const struct ph_igd_description *d) {
    static const char *const makers[] = {"TP-Link"};
    for (unsigned i = 0; i < sizeof makers / sizeof makers[0]; i++)
        if (ph_span_starts_nocase(ph_span_of(d->manufacturer), ph_span_of(makers[i])))
            return true;
    return false;
}

/* Of the identity; else the one that was not used for longest, made anew. */
static struct ph_upnp_facts *facts_by(struct ph_engine *e, const char *identity,
                                      const struct ph_igd_description *d) {
    struct ph_upnp_facts *oldest = &e->facts[0];
    for (unsigned i = 0; i < PH_FACTS_MAX; i++) {
        struct ph_upnp_facts *facts = &e->facts[i];
        if (strcmp(facts->identity, identity) == 0)
            return facts;
        if (facts->used < oldest->used)
            oldest = facts;
    }
    *oldest = (struct ph_upnp_facts){.overwrites = is_known_to_overwrite(d)};
    snprintf(oldest->identity, sizeof oldest->identity, "%s", identity);
    return oldest;
}

void ph_upnp_ladder_identify(struct ph_gateway *g) {
    struct ph_upnp_client *u = &g->upnp;
    char address[PH_ADDR_TEXT_SIZE];
    const char *identity = u->description->udn;
    if (identity[0] == '\0')
        identity = ph_addr_format(&u->candidates[u->candidate].url.host.addr, address);
    u->facts = facts_by(g->engine, identity, u->description);
    u->facts->used = ++g->engine->facts_used;
}

const char *ph_upnp_ladder_type(const struct ph_gateway *g, char ret[PH_IGD_TYPE_SIZE]) {
    const struct ph_igd_service *service = &g->upnp.description->services[g->upnp.service];
    memcpy(ret, service->type, PH_IGD_TYPE_SIZE);
    char *version = strrchr(ret, ':');
    if (g->upnp.facts->is_old && version)
        memcpy(version, ":1", sizeof ":1");
    return ret;
}

bool ph_upnp_ladder_older(struct ph_gateway *g) {
    struct ph_upnp_facts *facts = g->upnp.facts;
    if (facts->is_old || g->upnp.description->services[g->upnp.service].version < 2)
        return false;
    facts->is_old = true;
    return true;
}

/* ---- Leases ---------------------------------------------------------------------------------- */

uint32_t ph_upnp_ladder_lease_s(const struct ph_mapping *m) {
    return m->lease_step == 0 ? m->lifetime_s : leases_s[m->lease_step];
}

uint32_t ph_upnp_ladder_granted_s(const struct ph_mapping *m) {
    const struct ph_upnp_facts *facts = m->gateway->upnp.facts;
    uint32_t lease_s = ph_upnp_ladder_lease_s(m);
    return facts->lease_cap_s && lease_s > facts->lease_cap_s ? facts->lease_cap_s : lease_s;
}

/* Errors 725 and 402. The latter may mean any argument; then every lease gets it. */
static bool climb_leases(struct ph_mapping *m, unsigned code) {
    struct ph_upnp_facts *facts = m->gateway->upnp.facts;
    if (++m->lease_tries >= LEASES_COUNT) {
        facts->lease_step = facts->lease_good;
        return false;
    }
    if (m->lease_step != facts->lease_step)
        return true; /* another mapping has met it before */
    if (code == PH_UPNP_PERMANENT_LEASES_ONLY) {
        if (facts->lease_step == LEASE_ENDLESS)
            return false;
        facts->lease_step = LEASE_ENDLESS;
        return true;
    }
    facts->lease_step = (facts->lease_step + 1) % LEASES_COUNT;
    if (facts->lease_step > 0 && leases_s[facts->lease_step] == m->lifetime_s)
        facts->lease_step = (facts->lease_step + 1) % LEASES_COUNT;
    return true;
}

/* ---- Ports ----------------------------------------------------------------------------------- */

bool ph_upnp_ladder_is_hopeless(const struct ph_mapping *m) {
    const struct ph_upnp_client *u = &m->gateway->upnp;
    return u->phase == PH_UPNP_READY && u->facts->has_same_port &&
           (m->flags & PORTHOLE_EXACT_PORT) && m->wished_port != m->internal_port;
}

void ph_upnp_ladder_port(struct ph_mapping *m, struct ph_attempt *a) {
    if (m->gateway->upnp.facts->has_same_port)
        a->port = m->internal_port;
    else if (a->port == 0)
        a->port = m->external.port ? m->external.port : m->wished_port;
}

/* Any, but the next process, which has the nonce from this one if that should die, will come upon
 * the same ports in the same order, and so upon the one that this one was given. */
static uint16_t draw_port(struct ph_mapping *m) {
    struct ph_seeded chance = {.state = m->port_turn++};
    const struct ph_random source = {.fill = ph_seeded_fill, .user = &chance};
    for (size_t i = 0; i < sizeof m->nonce; i++)
        chance.state = chance.state * 0x100000001b3U + m->nonce[i];
    return (uint16_t)(1024 + ph_random_below(&source, 65536 - 1024));
}

static bool other_port(struct ph_mapping *m, struct ph_attempt *a, unsigned most) {
    if (m->flags & PORTHOLE_EXACT_PORT || m->gateway->upnp.facts->has_same_port ||
        a->port_tries >= most)
        return false;
    a->port_tries++;
    a->touched = a->held; /* the device made nothing at the port before, and is yet to be asked */
    a->port = draw_port(m);
    m->upnp_step = PH_UPNP_STEP_ADD;
    if (m->gateway->upnp.facts->overwrites)
        m->upnp_step = PH_UPNP_STEP_LOOK_BEFORE;
    return true;
}

bool ph_upnp_ladder_taken(struct ph_mapping *m, struct ph_attempt *a) {
    struct ph_upnp_facts *facts = m->gateway->upnp.facts;
    if (other_port(m, a, facts->is_crowded ? PORT_TRIES_CROWDED : PORT_TRIES_MAX))
        return true;
    if (!(m->flags & PORTHOLE_EXACT_PORT))
        facts->is_crowded = true;
    return false;
}

/* Error 718, which may be for a mapping of our own that an earlier life left behind. */
static bool met_conflict(struct ph_mapping *m, struct ph_attempt *a) {
    if (a->port_tries > 0 || m->has_looked || m->gateway->upnp.facts->has_no_query)
        return ph_upnp_ladder_taken(m, a);
    m->has_looked = true;
    m->upnp_step = PH_UPNP_STEP_LOOK_AFTER;
    return true;
}

static bool must_be_same(struct ph_mapping *m, struct ph_attempt *a) {
    struct ph_upnp_facts *facts = m->gateway->upnp.facts;
    bool is_news = a->port != m->internal_port;
    facts->has_same_port = true;
    return is_news && !ph_upnp_ladder_is_hopeless(m);
}

/* ---- Steps ----------------------------------------------------------------------------------- */

void ph_upnp_ladder_begin(struct ph_mapping *m, struct ph_attempt *a) {
    const struct ph_upnp_facts *facts = m->gateway->upnp.facts;
    bool must_look = a->purpose == PH_PURPOSE_MAKE && facts->overwrites && !facts->has_no_query;
    m->lease_tries = 0;
    m->has_looked = false;
    m->upnp_step = must_look ? PH_UPNP_STEP_LOOK_BEFORE : PH_UPNP_STEP_ADD;
}

bool ph_upnp_ladder_next(struct ph_mapping *m, struct ph_attempt *a, unsigned code) {
    switch (code) {
    case PH_UPNP_INVALID_ACTION:
        return ph_upnp_ladder_older(m->gateway);
    case PH_UPNP_INVALID_ARGS:
    case PH_UPNP_PERMANENT_LEASES_ONLY:
        return climb_leases(m, code);
    case PH_UPNP_ACTION_FAILED:
        /* Some say so of a port that is taken. */
        return a->purpose == PH_PURPOSE_MAKE && other_port(m, a, PORT_TRIES_FAILED);
    case PH_UPNP_CONFLICT:
        return a->purpose == PH_PURPOSE_MAKE && met_conflict(m, a);
    case PH_UPNP_CONFLICT_OTHER_MECHANISM:
        return a->purpose == PH_PURPOSE_MAKE && ph_upnp_ladder_taken(m, a);
    case PH_UPNP_SAME_PORT_REQUIRED:
        return must_be_same(m, a);
    default:
        return false;
    }
}

void ph_upnp_ladder_done(struct ph_mapping *m) {
    struct ph_upnp_facts *facts = m->gateway->upnp.facts;
    if (m->lease_step == facts->lease_step)
        facts->lease_good = facts->lease_step;
    facts->is_crowded = false;
    facts->has_dialect = true;
}

bool ph_upnp_ladder_dialect(struct ph_mapping *m) {
    struct ph_upnp_facts *facts = m->gateway->upnp.facts;
    if (facts->has_dialect)
        return false;
    if (m->dialect == facts->dialect)
        facts->dialect = !facts->dialect;
    return true;
}
