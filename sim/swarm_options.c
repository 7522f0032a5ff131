/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * swarm_options.c: what one seed draws: how many clients, which gateways, which faults, how long.
 * Each feature is on or off by the seed, because a run with everything on finds other things than
 * one with a single fault, and the bounds that follow from what was drawn.
 */
#include <stdio.h>

#include "sim/swarm_parts.h"

/* A run is as long as this many packets are likely to last. */
#define PACKETS_WANTED 20000.0

static ph_us draw_delay(struct ph_seeded *seed) {
    static const unsigned most_ms[] = {2, 10, 30, 100, 300, 1400, 3000};
    return PH_MS(1 + ph_swarm_below(seed, most_ms[ph_swarm_below(seed, 7)]));
}

static void draw_gateway(struct ph_seeded *seed, struct swarm_gateway_options *g) {
    static const unsigned sets[] = {
        PORTHOLE_USE_PCP,
        PORTHOLE_USE_NATPMP,
        PORTHOLE_USE_UPNP,
        PORTHOLE_USE_PCP | PORTHOLE_USE_NATPMP,
        PORTHOLE_USE_NATPMP | PORTHOLE_USE_UPNP,
        PORTHOLE_USE_ALL,
    };
    static const uint32_t leases_s[] = {86400, 86400, 86400, 604800, 3600, 600, 120};
    g->methods = sets[ph_swarm_below(seed, 6)];
    g->silent_pcp = ph_swarm_chance(seed, 10);
    g->igd_version = ph_swarm_chance(seed, 50) ? 2 : 1;
    g->lease_max_s = leases_s[ph_swarm_below(seed, 7)];
    g->mappings_max = ph_swarm_chance(seed, 15) ? 1 + ph_swarm_below(seed, 12) : 16384;
    if (ph_swarm_chance(seed, 30))
        g->drift_ppm = (int)ph_swarm_below(seed, 8000) - 4000;
}

/* Packets a second that a calm client makes, roughly. */
static double rate_of(const struct swarm_options *o) {
    double lease_s = o->shortest_lease_s < 7200 ? o->shortest_lease_s : 7200;
    double recheck_s = (double)o->unhinted_period / 1e6;
    double renewals = o->mappings * 4.0 / lease_s;
    double rechecks = (2.0 + 4.0 * o->mappings) / recheck_s;
    double faults = o->faults ? 40.0 * 1e6 / (double)o->fault_interval : 0.0;
    return o->clients * (renewals + rechecks + faults + (o->churn ? 0.02 : 0.0));
}

static void draw_times(struct ph_seeded *seed, struct swarm_options *o) {
    static const unsigned recheck_s[] = {5, 30, 60, 300, 300, 300, 600};
    static const uint32_t leases_s[] = {20, 60, 120, 600, 3600, 7200, 86400};
    o->recheck_period = PH_SECONDS(recheck_s[ph_swarm_below(seed, 7)]);
    o->unhinted_period = o->recheck_period / (1 + ph_swarm_below(seed, 5));
    o->mapping_timeout = PH_SECONDS(10);
    o->shortest_lease_s = leases_s[ph_swarm_below(seed, 7)];
    o->fault_interval = PH_SECONDS(30 << ph_swarm_below(seed, 9));
    o->cycles = 1 + ph_swarm_below(seed, 4);
    double budget = PACKETS_WANTED / rate_of(o) / o->cycles;
    /* Between the shortest and the longest that make sense; some runs are short in any case. */
    double most_s = budget < 600 ? 600 : budget > 1209600 ? 1209600 : budget;
    double part = 0.25 + ph_swarm_below(seed, 750) / 1000.0;
    o->storm = (ph_us)(most_s * part * 1e6);
}

void ph_swarm_options_draw(uint64_t seed_number, struct swarm_options *o) {
    struct ph_seeded seed = {seed_number * 2654435761U + 1};
    *o = (struct swarm_options){.seed = seed_number};
    o->clients = 1 + (ph_swarm_chance(&seed, 50) ? ph_swarm_below(&seed, SWARM_CLIENTS_MAX) : 0);
    o->gateways = 1 + (ph_swarm_chance(&seed, 40) ? 1 : 0);
    struct ph_seeded models = {seed_number * 40503 + 7};
    for (unsigned i = 0; i < SWARM_GATEWAYS_MAX; i++)
        draw_gateway(&seed, &o->gateway[i]);
    o->methods = ph_swarm_chance(&seed, 75) ? PORTHOLE_USE_ALL
                                            : PORTHOLE_USE_ALL & ~(2U << ph_swarm_below(&seed, 3));
    o->mappings = 1 + ph_swarm_below(&seed, ph_swarm_chance(&seed, 50) ? 3 : 8);
    o->flags = ph_swarm_chance(&seed, 40);
    o->same_address = ph_swarm_chance(&seed, 30);
    o->shared_ports = ph_swarm_chance(&seed, 40);
    o->churn = ph_swarm_chance(&seed, 50);
    o->probes = ph_swarm_chance(&seed, 20);
    o->delay = draw_delay(&seed);
    o->loss = ph_swarm_chance(&seed, 50) ? 1 + ph_swarm_below(&seed, 40) : 0;
    o->duplication = ph_swarm_chance(&seed, 30) ? 1 + ph_swarm_below(&seed, 30) : 0;
    o->jitter = ph_swarm_chance(&seed, 40) ? PH_MS(1 + ph_swarm_below(&seed, 3000)) : 0;
    for (unsigned i = 0; i < SWARM_DEATH; i++)
        if (ph_swarm_chance(&seed, 30))
            o->faults |= 1U << i;
    o->attacker = ph_swarm_chance(&seed, 30);
    o->announces = ph_swarm_chance(&seed, 50);
    o->is_deaf = ph_swarm_chance(&seed, 20);
    o->faults |= ph_swarm_chance(&models, 20) ? 1U << SWARM_DEATH : 0;
    o->removals = ph_swarm_chance(&models, 30);
    o->public = ph_swarm_chance(&models, 25);
    for (unsigned i = 0; i < SWARM_GATEWAYS_MAX; i++)
        o->gateway[i].models = ph_swarm_models_draw(&models, o->delay);
    draw_times(&seed, o);
}

/* ---- Bounds ---------------------------------------------------------------------------------- */

/* How long a mapping may be believed in that the gateway lacks, when packets get through: a period,
 * the question with its repetitions, 5 s in which a second restart is not believed, and for UPnP
 * the search for a device that moved, exchanges that hang from before, and one reading for each
 * mapping, four at a time. */
ph_us ph_swarm_options_belief(const struct swarm_options *o, enum porthole_method method) {
    ph_us bound = o->recheck_period + PH_SECONDS(9) + 4 * o->delay;
    if (method == PORTHOLE_UPNP)
        bound += PH_SECONDS(15) + 4 * o->delay * (o->mappings / 4 + 2);
    return bound;
}

/* How long a mapping may not be made that the gateway can grant, when packets get through: it rests
 * for the longest back-off, and asks all methods until their timeouts. */
ph_us ph_swarm_options_liveness(const struct swarm_options *o) {
    ph_us backoff = o->recheck_period < PH_SECONDS(300) ? o->recheck_period : PH_SECONDS(300);
    /* Where answers come after the verdict on silence, a round may end before they are heard. */
    unsigned rounds = 2 * o->delay > PH_SECONDS(3) ? 2 : 1;
    return rounds * backoff + 2 * o->mapping_timeout + PH_SECONDS(15);
}

/* Long enough for both bounds, one after the other. */
ph_us ph_swarm_options_calm(const struct swarm_options *o) {
    return ph_swarm_options_belief(o, PORTHOLE_UPNP) + ph_swarm_options_liveness(o) +
           PH_SECONDS(30);
}

/* ---- In words -------------------------------------------------------------------------------- */

void ph_swarm_describe(uint64_t seed, char *ret, size_t size) {
    struct swarm_options o;
    ph_swarm_options_draw(seed, &o);
    snprintf(ret, size,
             "%u clients with %u mappings each, %u gateways, methods %#x at %#x %#x, models %#llx "
             "%#llx, leases from "
             "%u s, recheck %u s, delay %u ms, loss %u %%, twice %u %%, jitter %u ms, faults %#x "
             "each %u s, attacker %d, announced %d, deaf %d, %u storms of %u s",
             o.clients, o.mappings, o.gateways, o.methods, o.gateway[0].methods,
             o.gateway[1].methods, (unsigned long long)o.gateway[0].models,
             (unsigned long long)o.gateway[1].models, (unsigned)o.shortest_lease_s,
             (unsigned)(o.recheck_period / PH_SECONDS(1)), (unsigned)(o.delay / 1000), o.loss,
             o.duplication, (unsigned)(o.jitter / 1000), o.faults,
             (unsigned)(o.fault_interval / PH_SECONDS(1)), o.attacker, o.announces, o.is_deaf,
             o.cycles, (unsigned)(o.storm / PH_SECONDS(1)));
}
