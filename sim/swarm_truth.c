/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * swarm_truth.c: what clients believe beside what gateways hold. A belief may be wrong for as long
 * as the bound allows, counted from when packets get through again; at the end of a calm every
 * mapping that the gateway can grant must be made, and after a stop nothing may be left.
 */
#include <string.h>

#include "sim/swarm_parts.h"

#define CHECK_INTERVAL PH_MS(500)
/* Losses make each question likely to fail; that so many fail in a row is out of the question. */
#define LOSSY_FACTOR 12U

const struct ph_gw_mapping *ph_swarm_truth_find(const struct swarm *s, const struct swarm_client *c,
                                                const struct ph_mapping_info *info) {
    const struct swarm_gateway *g = &s->gateways[c->gateway];
    if (!g->server)
        return NULL;
    const struct ph_gw_mapping *m =
        ph_gw_server_at_external(g->server, (uint8_t)info->protocol, info->external.port);
    /* What UPnP reads back does not tell by which method it was made. */
    bool is_made_so = m && (m->facts.made_by == info->method || info->method == PORTHOLE_UPNP ||
                            ph_swarm_models_overwrites(g));
    if (!is_made_so || m->facts.internal_port != info->internal_port ||
        !ph_addr_equal(&m->facts.client, &c->path.source))
        return NULL;
    return m;
}

const struct ph_gw_mapping *ph_swarm_truth_left(const struct swarm *s, const struct swarm_client *c,
                                                const struct swarm_mapping *m) {
    const struct swarm_gateway *g = &s->gateways[c->gateway];
    unsigned methods = ph_swarm_models_methods(&s->options, &g->options);
    if (ph_swarm_models_has_same_port(g))
        methods &= ~(unsigned)PORTHOLE_USE_UPNP;
    for (size_t i = 0; g->server && i < ph_gw_server_count(g->server); i++) {
        const struct ph_gw_mapping *held = ph_gw_server_mapping(g->server, i);
        const struct ph_gw_facts *facts = &held->facts;
        bool is_its = facts->made_by != PORTHOLE_PCP ||
                      memcmp(facts->nonce, m->nonce, sizeof facts->nonce) == 0;
        bool is_named = facts->made_by != PORTHOLE_UPNP || m->wished_port == 0 ||
                        m->wished_port == facts->external_port;
        if (is_its && is_named && (methods & 1U << facts->made_by) &&
            facts->protocol == m->protocol && ph_addr_equal(&facts->client, &c->path.source) &&
            (m->internal_port == 0 || m->internal_port == facts->internal_port))
            return held;
    }
    return NULL;
}

/* ---- Beliefs --------------------------------------------------------------------------------- */

static void note_since(struct swarm *s, ph_us *since, bool is_wrong) {
    if (!is_wrong)
        *since = 0;
    else if (*since == 0)
        *since = s->now;
}

/* How long it has been wrong in a time in which packets get through. */
static ph_us wrong_for(const struct swarm *s, ph_us since, ph_us disturbed) {
    ph_us from = since > disturbed ? since : disturbed;
    return since == 0 || s->now < from ? 0 : s->now - from;
}

/* A gateway that comes back without a method is silent in it, as one that is away: what it held is
 * given up with its lease. */
static bool is_served(const struct swarm *s, const struct swarm_client *c,
                      enum porthole_method method) {
    return ph_swarm_models_speaks(&s->options, &s->gateways[c->gateway].options, method);
}

static void judge_belief(struct swarm *s, struct swarm_client *c, struct swarm_mapping *m,
                         const struct ph_mapping_info *info) {
    ph_us bound = ph_swarm_options_belief(&s->options, info->method);
    ph_us since =
        m->false_since > m->unserved || m->false_since == 0 ? m->false_since : m->unserved;
    ph_us quiet = wrong_for(s, since, c->disturbed);
    ph_us lossy = wrong_for(s, since, c->severed);
    unsigned percent = (unsigned)(quiet * 100 / bound);
    if (percent > s->result->belief_percent)
        s->result->belief_percent = percent;
    /* Lies may keep UPnP from being found for as long as they are told, and so do losses when each
     * repetition of TCP eats up the discovery's 10 s. */
    bool has_two = ph_swarm_models_has_two_connections(&s->gateways[c->gateway]);
    if (info->method == PORTHOLE_UPNP &&
        (s->options.attacker || s->options.delay > PH_MS(300) || (has_two && s->options.loss > 20)))
        lossy = 0;
    if (quiet > bound || lossy > bound * LOSSY_FACTOR)
        ph_swarm_trace_breach(
            s, "client %u: id %u is believed to be mapped by %s and has not been for %u s",
            c->index, (unsigned)m->id, porthole_method_name(info->method),
            (unsigned)((s->now - m->false_since) / PH_SECONDS(1)));
    /* NAT-PMP is asked for the address each period; the others tell it with a renewal. */
    ph_us renewal = info->lifetime_s && info->lifetime_s < 86400 ? PH_SECONDS(info->lifetime_s)
                                                                 : PH_SECONDS(86400);
    ph_us address_bound = info->method == PORTHOLE_NATPMP ? bound : renewal;
    if (wrong_for(s, m->address_false_since, c->disturbed) > address_bound)
        ph_swarm_trace_breach(s, "client %u: id %u has the wrong external address for %u s",
                              c->index, (unsigned)m->id,
                              (unsigned)((s->now - m->address_false_since) / PH_SECONDS(1)));
}

/* The client must not count on a lease for longer than the gateway does. The gateway's answers are
 * in whole seconds, and its clock drifts. */
static void judge_lease(struct swarm *s, struct swarm_client *c, struct swarm_mapping *m,
                        const struct ph_mapping_info *info, const struct ph_gw_mapping *held) {
    const struct swarm_gateway *g = &s->gateways[c->gateway];
    ph_us there = held->lease.due;
    /* A device that cuts leases and cannot be asked about them keeps it to itself. What is asked
     * for may be longer than what is wished for, where certain leases only are taken. */
    uint32_t asked_s = m->lifetime_s > info->lifetime_s ? m->lifetime_s : info->lifetime_s;
    bool is_cut = info->method == PORTHOLE_UPNP && g->config.behaviour.lease_max_s < asked_s;
    if (is_cut || there == PH_NEVER || info->expires == PH_NEVER || s->options.jitter ||
        s->options.loss)
        return;
    ph_us gateway_now = ph_swarm_gateway_now(s, g);
    ph_us now = ph_swarm_client_now(s, c);
    ph_us left_here = info->expires > now ? info->expires - now : 0;
    ph_us left_there = there > gateway_now ? there - gateway_now : 0;
    ph_us tolerance = info->method == PORTHOLE_NATPMP ? PH_MS(100) : PH_MS(1100);
    /* The first of several repetitions decides, and the client cannot know which one came first. */
    if (!ph_swarm_models_extends(g))
        tolerance += s->options.mapping_timeout + PH_SECONDS(info->lifetime_s) / 16;
    if (!ph_swarm_models_renews(g, info->method))
        tolerance += s->options.mapping_timeout;
    if (g->options.drift_ppm)
        tolerance += PH_MS(5) * info->lifetime_s;
    /* Only before a clock has jumped; and the answer with the lease may be under way. */
    bool is_wrong = left_here > left_there + tolerance && c->clock_ahead == 0 &&
                    g->clock_base == PH_SECONDS(100);
    note_since(s, &m->lease_false_since, is_wrong);
    /* UPnP tells the lease only when it is read back, behind what else is asked then. */
    unsigned trips = info->method == PORTHOLE_UPNP ? 4 * (s->options.mappings / 4 + 3) : 4;
    ph_us bound = PH_SECONDS(1) + trips * s->options.delay;
    ph_us severed = 0;
    /* Where nothing gets through meanwhile, or the client sleeps, it is asked behind that. */
    if (info->method == PORTHOLE_UPNP && c->severed >= m->lease_false_since) {
        severed = c->severed;
        bound = ph_swarm_options_belief(&s->options, info->method);
    }
    if (wrong_for(s, m->lease_false_since, severed) > bound)
        ph_swarm_trace_breach(s, "client %u: id %u counts on %u s, the gateway on %u s", c->index,
                              (unsigned)m->id, (unsigned)(left_here / PH_SECONDS(1)),
                              (unsigned)(left_there / PH_SECONDS(1)));
}

/* In good time: 5/8 of the lease, a period more for what only the recheck finds, and repetitions.
 */
static void judge_overdue(struct swarm *s, struct swarm_client *c, struct swarm_mapping *m,
                          const struct ph_mapping_info *info) {
    /* UPnP tells what is left, which a jump of the gateway's clock shortens. */
    bool has_jumped = s->gateways[c->gateway].clock_base != PH_SECONDS(100);
    if (!ph_swarm_models_renews(&s->gateways[c->gateway], info->method))
        return; /* it lasts until its end, and is made again then */
    if (info->expires == PH_NEVER || info->lifetime_s > 86400 ||
        (info->method == PORTHOLE_UPNP && has_jumped))
        return;
    ph_us now = ph_swarm_client_now(s, c);
    ph_us lease = PH_SECONDS(info->lifetime_s);
    ph_us left = info->expires > now ? info->expires - now : 0;
    ph_us quiet_since = c->jumped > c->disturbed ? c->jumped : c->disturbed;
    note_since(s, &m->overdue_since, left < lease * 3 / 8 && s->now - quiet_since > lease);
    ph_us bound = PH_SECONDS(5) + 8 * s->options.delay;
    /* What is left of a lease that was not extended is noticed when it is short by so much. */
    if (info->method == PORTHOLE_UPNP && !ph_swarm_models_extends(&s->gateways[c->gateway]))
        bound += s->options.mapping_timeout + lease / 16;
    if (m->overdue_since && s->now - m->overdue_since > bound)
        ph_swarm_trace_breach(s, "client %u: id %u is not renewed in good time: %u s of %u s left",
                              c->index, (unsigned)m->id, (unsigned)(left / PH_SECONDS(1)),
                              (unsigned)info->lifetime_s);
}

/* At a public address nobody need be asked. */
static void judge_direct(struct swarm *s, const struct swarm_client *c, struct swarm_mapping *m,
                         const struct ph_mapping_info *info) {
    const struct ph_endpoint own = {c->path.source, m->internal_port};
    m->false_since = m->address_false_since = m->unmade_since = m->overdue_since = 0;
    m->lease_false_since = 0;
    s->result->direct++;
    if (!ph_swarm_is_public(c) || info->expires != PH_NEVER ||
        !ph_endpoint_equal(&info->external, &own))
        ph_swarm_trace_breach(s, "client %u: id %u is direct at an address that is not its own",
                              c->index, (unsigned)m->id);
}

static bool has_older_self(const struct swarm_gateway *g, const struct swarm_client *c,
                           const struct swarm_mapping *m) {
    for (size_t i = 0; i < ph_gw_server_count(g->server); i++) {
        const struct ph_gw_facts *facts = &ph_gw_server_mapping(g->server, i)->facts;
        if (facts->internal_port == m->internal_port && facts->protocol == m->protocol &&
            ph_addr_equal(&facts->client, &c->path.source))
            return true;
    }
    return false;
}

/* What keeps a gateway from granting a mapping. */
static bool is_blocked(const struct swarm *s, const struct swarm_client *c,
                       const struct swarm_mapping *m) {
    const struct swarm_gateway *g = &s->gateways[c->gateway];
    unsigned methods = ph_swarm_models_methods(&s->options, &g->options);
    if (ph_swarm_is_public(c))
        return (m->flags & PORTHOLE_EXACT_PORT) && m->wished_port != m->internal_port;
    if (!g->server || methods == 0 || ph_gw_server_count(g->server) >= ph_swarm_models_room(g))
        return true;
    /* The port is another's, or an older self's: of another method, address or nonce. */
    const struct ph_gw_mapping *held =
        ph_gw_server_at_external(g->server, (uint8_t)m->protocol, m->wished_port);
    if ((m->flags & PORTHOLE_EXACT_PORT) && held)
        return true;
    if (ph_swarm_models_has_same_port(g) &&
        (((m->flags & PORTHOLE_EXACT_PORT) && m->wished_port != m->internal_port) ||
         ph_gw_server_at_external(g->server, (uint8_t)m->protocol, m->internal_port)))
        methods &= ~(unsigned)PORTHOLE_USE_UPNP;
    if ((methods & PORTHOLE_USE_PCP) && has_older_self(g, c, m))
        methods &= ~(unsigned)PORTHOLE_USE_PCP;
    return methods == 0;
}

/* What the gateway can grant is made within the longest back-off and the timeouts. */
static void judge_liveness(struct swarm *s, struct swarm_client *c, const struct swarm_mapping *m,
                           const struct ph_mapping_info *info) {
    ph_us since = m->unmade_since > m->blocked ? m->unmade_since : m->blocked;
    if (wrong_for(s, since, c->disturbed) > ph_swarm_options_liveness(&s->options))
        ph_swarm_trace_breach(s, "client %u: id %u is not made for %u s: %s", c->index,
                              (unsigned)m->id, (unsigned)((s->now - since) / PH_SECONDS(1)),
                              info->error ? porthole_strerror(info->error) : "no error is told");
}

static void check_mapping(struct swarm *s, struct swarm_client *c, struct swarm_mapping *m) {
    struct ph_mapping_info info;
    if (m->is_unmapped || !ph_engine_query(c->engine, m->id, &info))
        return;
    bool is_made = info.state == PORTHOLE_SUCCESS;
    if (is_made && info.method == PORTHOLE_DIRECT) {
        judge_direct(s, c, m, &info);
        return;
    }
    const struct swarm_gateway *g = &s->gateways[c->gateway];
    const struct ph_gw_mapping *held = is_made ? ph_swarm_truth_find(s, c, &info) : NULL;
    const struct ph_addr told = ph_swarm_models_external(g);
    bool is_left_alone = (m->flags & PORTHOLE_LEASE) != 0;
    /* NAT-PMP's answers do not tell whether they are for a mapping or for the one before it of the
     * same port, when both may be under way, so that the lease may be the other's; and a delete
     * that is overtaken takes both along. */
    bool is_mistakable = info.method == PORTHOLE_NATPMP && m->is_successor &&
                         (s->options.jitter || s->options.delay > PH_MS(110));
    if (is_mistakable)
        is_left_alone = true;
    /* What another request has put in its place has a lease of its own. */
    is_mistakable |= held && info.method != PORTHOLE_UPNP && held->facts.made_by != info.method;
    /* A request by UPnP may have taken the port from it, which UPnP alone would tell. */
    if (info.method != PORTHOLE_UPNP && ph_swarm_models_overwrites(g))
        is_left_alone = true;
    /* As for a successor, where a lease can only be had anew by deleting what is there. */
    if (ph_swarm_models_remakes(g, info.method) &&
        (s->options.jitter || s->options.duplication || s->options.delay > PH_MS(110)))
        is_left_alone = true;
    note_since(s, &m->false_since, is_made && !held && !is_left_alone);
    note_since(s, &m->address_false_since,
               is_made && held && !is_left_alone && !ph_addr_is_unspecified(&told) &&
                   !ph_addr_equal(&info.external.addr, &told));
    if (!is_made && is_blocked(s, c, m))
        m->blocked = s->now;
    note_since(s, &m->unmade_since, !is_made);
    if (!is_made)
        judge_liveness(s, c, m, &info);
    /* Nobody renews by a method that the gateway does not speak any more. */
    bool is_renewed = held && !is_left_alone && is_served(s, c, info.method);
    if (!is_renewed)
        m->overdue_since = 0;
    /* A renewal that is refused for want of room is no loss for the client: its lease goes on. */
    bool is_full = g->server && ph_gw_server_count(g->server) >= ph_swarm_models_room(g);
    if (is_made && (is_full || !is_served(s, c, info.method)))
        m->unserved = s->now;
    if (is_made)
        judge_belief(s, c, m, &info);
    /* What cannot be used may say that it renewed, as a connection that is down does. */
    if (held && !is_mistakable && is_served(s, c, info.method))
        judge_lease(s, c, m, &info, held);
    else
        m->lease_false_since = 0;
    if (is_renewed)
        judge_overdue(s, c, m, &info);
}

void ph_swarm_truth_disturb(struct swarm *s, struct swarm_client *c) {
    const struct swarm_options *o = &s->options;
    const struct swarm_gateway *g = &s->gateways[c->gateway];
    bool is_severed = c->is_cut || c->is_asleep || !c->has_network || !g->server;
    bool is_noisy = !s->is_calm && (o->loss || o->duplication || o->jitter || o->attacker);
    if (is_severed)
        c->severed = s->now;
    if (is_severed || is_noisy)
        c->disturbed = s->now;
}

/* ---- What is left behind --------------------------------------------------------------------- */

#define LEAVE_TIME PH_SECONDS(10)

void ph_swarm_truth_leave(struct swarm *s, struct swarm_client *c) {
    c->left_count = 0;
    c->left_at = s->now;
    c->left_gateway = c->gateway;
    ph_swarm_truth_disturb(s, c);
    if (c->disturbed == s->now || s->options.delay > PH_MS(500))
        return;
    for (size_t i = 0; i < c->mapping_count; i++) {
        struct ph_mapping_info info;
        const struct swarm_mapping *m = &c->mappings[i];
        if (m->is_unmapped || !ph_engine_query(c->engine, m->id, &info) ||
            info.state != PORTHOLE_SUCCESS || !ph_swarm_truth_find(s, c, &info))
            continue;
        /* A device that was given up while nothing got through has yet to be found again. */
        bool is_reached = info.method != PORTHOLE_UPNP ||
                          s->now > c->disturbed + ph_swarm_options_belief(&s->options, info.method);
        if (is_reached && ph_swarm_models_deletes(&s->gateways[c->gateway], info.method))
            c->left[c->left_count++] =
                (struct swarm_left){info.method, (uint8_t)info.protocol, info.external.port};
    }
}

static void check_left(struct swarm *s, struct swarm_client *c) {
    const struct swarm_gateway *g = &s->gateways[c->left_gateway];
    if (c->disturbed > c->left_at || c->gateway == c->left_gateway || !g->server ||
        g->booted > c->left_at)
        c->left_count = 0; /* nothing can be said */
    if (s->now < c->left_at + LEAVE_TIME)
        return;
    for (size_t i = 0; i < c->left_count; i++) {
        const struct swarm_left *left = &c->left[i];
        const struct ph_gw_mapping *m =
            ph_gw_server_at_external(g->server, left->protocol, left->port);
        if (m && m->facts.made_by == left->method &&
            ph_addr_equal(&m->facts.client, &c->path.source))
            ph_swarm_trace_breach(s, "client %u: port %u is left behind at gateway %u", c->index,
                                  left->port, c->left_gateway);
    }
    c->left_count = 0;
}

/* ---- Now and then ---------------------------------------------------------------------------- */

void ph_swarm_truth_check(struct swarm *s, ph_us next) {
    /* Of many things in a row it is enough to look at the last. */
    if (s->now < s->checked + CHECK_INTERVAL && next < s->checked + CHECK_INTERVAL)
        return;
    s->checked = s->now;
    for (unsigned i = 0; i < s->options.gateways; i++)
        if (s->gateways[i].server)
            ph_gw_server_tick(s->gateways[i].server, ph_swarm_gateway_now(s, &s->gateways[i]));
    for (unsigned i = 0; i < s->options.clients; i++) {
        struct swarm_client *c = &s->clients[i];
        ph_swarm_truth_disturb(s, c);
        check_left(s, c);
        for (size_t at = 0; at < c->mapping_count; at++)
            check_mapping(s, c, &c->mappings[at]);
    }
}

void ph_swarm_truth_told(struct swarm *s, struct swarm_client *c) {
    for (size_t i = 0; i < c->mapping_count; i++) {
        const struct swarm_mapping *m = &c->mappings[i];
        struct ph_mapping_info info;
        if (m->is_unmapped || !ph_engine_query(c->engine, m->id, &info))
            continue;
        bool is_made = info.state == PORTHOLE_SUCCESS;
        if (info.state != PORTHOLE_DESTROYING && is_made != m->was_mapped)
            ph_swarm_trace_breach(s, "client %u: id %u is %smapped, and that was not told",
                                  c->index, (unsigned)m->id, is_made ? "" : "not ");
        if (is_made && m->was_mapped && !ph_endpoint_equal(&m->told, &info.external))
            ph_swarm_trace_breach(s, "client %u: id %u is mapped elsewhere, and that was not told",
                                  c->index, (unsigned)m->id);
    }
}

/* ---- The end of a calm ----------------------------------------------------------------------- */

static void judge_jitter(struct swarm *s, const struct swarm_client *c) {
    if (c->renewals >= 10 && c->renewal_most - c->renewal_least < 0.01)
        ph_swarm_trace_breach(s, "client %u: %u renewals, all at %.3f of the lease", c->index,
                              c->renewals, c->renewal_most);
}

void ph_swarm_truth_settled(struct swarm *s) {
    s->result->success = s->result->blocked = 0;
    for (unsigned i = 0; i < s->options.clients; i++) {
        struct swarm_client *c = &s->clients[i];
        judge_jitter(s, c);
        for (size_t at = 0; at < c->mapping_count; at++) {
            struct swarm_mapping *m = &c->mappings[at];
            struct ph_mapping_info info;
            if (m->is_unmapped || !ph_engine_query(c->engine, m->id, &info)) {
                ph_swarm_trace_breach(s, "client %u: id %u is still being removed", i,
                                      (unsigned)m->id);
                continue;
            }
            /* Whether it is late is judged all the time. */
            bool is_made = info.state == PORTHOLE_SUCCESS;
            s->result->success += is_made;
            s->result->blocked += !is_made;
        }
    }
}
