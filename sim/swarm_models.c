/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * swarm_models.c: which router models (gateway/quirks.h) a gateway of the swarm is, and what can be
 * expected of it: by which methods it grants anything at all, how much, and what it tells. A model
 * that makes a method useless is drawn too: then another method must do, or nothing can.
 */
#include "sim/swarm_parts.h"

#define SMALL_TABLE_SIZE 4U

#define BIT(id) PH_GW_QUIRK_BIT(PH_GW_QUIRK_##id)

/* Of each group a gateway has one at most: two of one group contradict each other, or leave nothing
 * that could be asked for. */
static const uint64_t groups[] = {
    BIT(PERMANENT_ONLY) | BIT(NO_FINITE_LEASE) | BIT(WEEK_LEASE) | BIT(HOUR_LEASE),
    BIT(SAME_PORTS_ONLY),
    /* Where the port leads to must be told. */
    BIT(SAME_PORT_FORCED) | BIT(NO_READ_BACK),
    BIT(RANDOM_SOURCE_PORT) | BIT(LATE_ANSWERS) | BIT(LOOPBACK_LOCATION),
    BIT(MULTICAST_ONLY) | BIT(UNICAST_ONLY) | BIT(ALL_ONLY),
    BIT(DEAD_CONNECTION) | BIT(STALE_CONNECTION) | BIT(PPP_ONLY),
    BIT(V2_ONLY) | BIT(V1_ACTIONS),
    BIT(ZERO_ADDRESS) | BIT(SHARED_ADDRESS) | BIT(NO_ADDRESS),
    BIT(PCP_NO_RESOURCES) | BIT(PCP_NO_RENEWAL) | BIT(PCP_NO_DELETE) | BIT(SHORT_REFUSAL),
    BIT(LEASE_NOT_EXTENDED) | BIT(SMALL_TABLE),
    BIT(ODD_SPACING) | BIT(WRONG_NAMESPACE) | BIT(STRICT_REQUESTS),
    BIT(MOVING_CONTROL) | BIT(NO_EMPTY_DESCRIPTION),
    BIT(CONFLICT_ALWAYS) | BIT(OWN_CONFLICT) | BIT(OVERWRITES) | BIT(DELETE_GONE),
    BIT(HTTP10_ONLY) | BIT(M_PREFIX_ONLY),
    BIT(ADD_501) | BIT(ADD_606) | BIT(ADD_715) | BIT(ADD_716) | BIT(ADD_726) | BIT(ADD_727) |
        BIT(ADD_728) | BIT(ADD_729) | BIT(ADD_732) | BIT(ADD_733),
};
#define GROUPS (sizeof groups / sizeof groups[0])

/* Models by which a method grants nothing. */
#define NO_UPNP                                                                                    \
    (BIT(NO_ADDRESS) | BIT(ZERO_ADDRESS) | BIT(CONFLICT_ALWAYS) | BIT(ADD_501) | BIT(ADD_606) |    \
     BIT(ADD_715) | BIT(ADD_716) | BIT(ADD_726) | BIT(ADD_727) | BIT(ADD_728) | BIT(ADD_729) |     \
     BIT(ADD_732) | BIT(ADD_733))
#define NO_PCP (BIT(ZERO_ADDRESS) | BIT(PCP_NO_RESOURCES) | BIT(SHORT_REFUSAL))

static uint64_t one_of(struct ph_seeded *seed, uint64_t group) {
    unsigned count = 0;
    for (unsigned i = 0; i < PH_GW_QUIRK_COUNT; i++)
        count += (group >> i & 1) != 0;
    unsigned nth = ph_swarm_below(seed, count);
    for (unsigned i = 0;; i++)
        if ((group >> i & 1) && nth-- == 0)
            return UINT64_C(1) << i;
}

uint64_t ph_swarm_models_draw(struct ph_seeded *seed, ph_us delay) {
    uint64_t models = 0;
    unsigned count = ph_swarm_chance(seed, 40) ? 0 : 1 + ph_swarm_below(seed, 4);
    for (; count > 0; count--) {
        uint64_t group = groups[ph_swarm_below(seed, GROUPS)];
        if (!(models & group))
            models |= one_of(seed, group);
    }
    /* Who does not say in a second whether it is connected is believed to be. */
    if (delay > PH_MS(150))
        models &= ~BIT(STALE_CONNECTION);
    /* One does not know ssdp:all, and the other nothing else. */
    if (models & BIT(V2_ONLY))
        models &= ~BIT(ALL_ONLY);
    /* Where nothing tells that a lease was not extended, or who has the port now, nobody can know.
     */
    if (models & BIT(NO_READ_BACK))
        models &= ~(BIT(LEASE_NOT_EXTENDED) | BIT(OVERWRITES));
    return models;
}

/* A search and two exchanges must fit into the discovery's 10 s, and several mappings, one after
 * the other, into theirs. Each model of UPnP may cost an exchange more, until its ways are known.
 */
static ph_us upnp_delay_most(const struct swarm_gateway_options *g) {
    if (g->models & BIT(LATE_ANSWERS))
        return PH_MS(150);
    return g->models ? PH_MS(250) : PH_MS(500);
}

unsigned ph_swarm_models_igd_version(const struct swarm_gateway_options *g) {
    return g->models & (BIT(V2_ONLY) | BIT(V1_ACTIONS)) ? 2 : g->igd_version;
}

bool ph_swarm_models_speaks(const struct swarm_options *o, const struct swarm_gateway_options *g,
                            enum porthole_method method) {
    if (!(g->methods & 1U << method))
        return false;
    if (method == PORTHOLE_PCP)
        return !g->silent_pcp && !(g->models & BIT(SHORT_REFUSAL));
    if (method != PORTHOLE_UPNP || g->models == 0)
        return true;
    /* Where nothing can be read back, only a renewal could tell. */
    if ((g->models & BIT(NO_READ_BACK)) && (g->models & NO_UPNP))
        return false;
    return !(g->models & (BIT(NO_ADDRESS) | BIT(ZERO_ADDRESS))) && o->delay <= upnp_delay_most(g);
}

unsigned ph_swarm_models_methods(const struct swarm_options *o,
                                 const struct swarm_gateway_options *g) {
    unsigned methods = g->methods & o->methods;
    if (o->delay > upnp_delay_most(g) || (g->models & NO_UPNP))
        methods &= ~(unsigned)PORTHOLE_USE_UPNP;
    if (g->silent_pcp || (g->models & NO_PCP))
        methods &= ~(unsigned)PORTHOLE_USE_PCP;
    if (g->models & BIT(ZERO_ADDRESS))
        methods &= ~(unsigned)PORTHOLE_USE_NATPMP;
    return methods;
}

size_t ph_swarm_models_room(const struct swarm_gateway *g) {
    size_t most = g->config.behaviour.mappings_max;
    return g->options.models & BIT(SMALL_TABLE) && most > SMALL_TABLE_SIZE ? SMALL_TABLE_SIZE
                                                                           : most;
}

struct ph_addr ph_swarm_models_external(const struct swarm_gateway *g) {
    if (g->options.models & BIT(ZERO_ADDRESS))
        return ph_addr_none;
    return g->options.models & BIT(SHARED_ADDRESS) ? ph_addr_v4(100, 64, 0, 9) : g->config.external;
}

bool ph_swarm_models_has_same_port(const struct swarm_gateway *g) {
    return (g->options.models & (BIT(SAME_PORT_FORCED) | BIT(SAME_PORTS_ONLY))) != 0;
}

bool ph_swarm_models_renews(const struct swarm_gateway *g, enum porthole_method method) {
    return !(method == PORTHOLE_PCP && (g->options.models & BIT(PCP_NO_RENEWAL)));
}

bool ph_swarm_models_overwrites(const struct swarm_gateway *g) {
    return (g->options.models & BIT(OVERWRITES)) != 0;
}

bool ph_swarm_models_has_two_connections(const struct swarm_gateway *g) {
    return (g->options.models & (BIT(DEAD_CONNECTION) | BIT(STALE_CONNECTION))) != 0;
}

bool ph_swarm_models_extends(const struct swarm_gateway *g) {
    return !(g->options.models & BIT(LEASE_NOT_EXTENDED));
}

bool ph_swarm_models_remakes(const struct swarm_gateway *g, enum porthole_method method) {
    return method != PORTHOLE_UPNP &&
           !(ph_swarm_models_extends(g) && ph_swarm_models_renews(g, method));
}

bool ph_swarm_models_deletes(const struct swarm_gateway *g, enum porthole_method method) {
    return !(method == PORTHOLE_PCP && (g->options.models & BIT(PCP_NO_DELETE)));
}

const char *ph_swarm_model_name(unsigned index) {
    const struct ph_gw_quirk_row *row = ph_gw_quirk_row(index);
    return row ? row->name : NULL;
}
