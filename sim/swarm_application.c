/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * swarm_application.c: what the application of a client wants: mappings that come and go, are
 * refreshed, or asked for twice; now and then a probe. In calms it leaves things alone.
 */
#include "sim/swarm_parts.h"

/* Few, so that a port is wanted again while it is being removed. */
#define PORTS 10U
#define PAUSE PH_SECONDS(600) /* between two wishes, on average */

static unsigned draw(struct swarm *s, unsigned below) {
    return ph_swarm_below(&s->application_seed, below);
}

static bool flip(struct swarm *s, unsigned percent) {
    return ph_swarm_chance(&s->application_seed, percent);
}

static void draw_request(struct swarm *s, const struct swarm_client *c,
                         struct ph_map_request *request) {
    static const uint32_t leases_s[] = {20, 60, 120, 600, 3600, 7200, 7200, 86400, 604800};
    const struct swarm_options *o = &s->options;
    uint32_t lifetime_s = leases_s[draw(s, 9)];
    uint16_t port = (uint16_t)(5000 + 100 * c->index + draw(s, PORTS));
    *request = (struct ph_map_request){
        .protocol = flip(s, 50) ? PORTHOLE_TCP : PORTHOLE_UDP,
        .internal_port = port,
        .external_port = port,
        .lifetime_s = lifetime_s < o->shortest_lease_s ? o->shortest_lease_s : lifetime_s,
    };
    if (o->shared_ports && flip(s, 60))
        request->external_port = (uint16_t)(7000 + draw(s, 6));
    if (o->flags && flip(s, 30))
        request->flags |= PORTHOLE_EXACT_PORT;
    if (o->flags && flip(s, 20))
        request->flags |= PORTHOLE_LEASE;
}

/* A lease that is over may be being removed already. */
static bool does_hold(const struct swarm_client *c, const struct ph_map_request *request) {
    struct ph_mapping_info info;
    for (size_t i = 0; i < c->mapping_count; i++) {
        const struct swarm_mapping *m = &c->mappings[i];
        if (!m->is_unmapped && m->protocol == request->protocol &&
            m->internal_port == request->internal_port &&
            ph_engine_query(c->engine, m->id, &info) && info.state != PORTHOLE_DESTROYING)
            return true;
    }
    return false;
}

static void map_request(struct swarm *s, struct swarm_client *c,
                        const struct ph_map_request *request) {
    struct ph_input input = {.type = PH_INPUT_MAP};
    if (c->mapping_count == SWARM_MAPPINGS_MAX)
        return;
    bool is_there = does_hold(c, request);
    input.u.map.id = ++c->last_id;
    input.u.map.request = request;
    ph_swarm_trace_line(s, "client %u wants %s %u, external %u, flags %u, for %u s: id %u",
                        c->index, porthole_protocol_name(request->protocol), request->internal_port,
                        request->external_port, request->flags, (unsigned)request->lifetime_s,
                        (unsigned)c->last_id);
    if (!is_there)
        c->mappings[c->mapping_count++] = (struct swarm_mapping){
            .id = c->last_id,
            .protocol = request->protocol,
            .internal_port = request->internal_port,
            .wished_port = request->external_port,
            .flags = request->flags,
            .lifetime_s = request->lifetime_s,
        };
    int error = ph_swarm_step(s, c, &input);
    if (error != (is_there ? PORTHOLE_ERR_EXISTS : 0))
        ph_swarm_trace_breach(s, "client %u: map returns %s", c->index, porthole_strerror(error));
}

void ph_swarm_application_map(struct swarm *s, struct swarm_client *c) {
    struct ph_map_request request;
    draw_request(s, c, &request);
    map_request(s, c, &request);
}

static struct swarm_mapping *any_mapping(struct swarm *s, struct swarm_client *c) {
    return c->mapping_count ? &c->mappings[draw(s, (unsigned)c->mapping_count)] : NULL;
}

static void unmap(struct swarm *s, struct swarm_client *c) {
    struct swarm_mapping *m = any_mapping(s, c);
    if (!m)
        return;
    ph_swarm_trace_line(s, "client %u gives up id %u", c->index, (unsigned)m->id);
    struct ph_map_request again;
    draw_request(s, c, &again);
    again.protocol = m->protocol;
    again.internal_port = m->internal_port;
    m->is_unmapped = true;
    ph_swarm_step(s, c, &(struct ph_input){.type = PH_INPUT_UNMAP, .u.id = m->id});
    if (!flip(s, 30))
        return;
    map_request(s, c, &again); /* while it is being removed */
    struct swarm_mapping *last = &c->mappings[c->mapping_count - (c->mapping_count > 0)];
    last->is_successor |= last->id == c->last_id;
}

static void refresh(struct swarm *s, struct swarm_client *c) {
    const struct swarm_mapping *m = any_mapping(s, c);
    if (m && !m->is_unmapped)
        ph_swarm_step(s, c, &(struct ph_input){.type = PH_INPUT_REFRESH, .u.id = m->id});
}

static void probe(struct swarm *s, struct swarm_client *c) {
    struct ph_input input = {.type = PH_INPUT_PROBE};
    input.u.probe.deadline = ph_swarm_client_now(s, c) + PH_MS(3250);
    input.u.probe.address_only = flip(s, 50);
    c->has_probed = true;
    ph_swarm_trace_line(s, "client %u probes", c->index);
    ph_swarm_step(s, c, &input);
}

void ph_swarm_application_next(struct swarm *s, struct swarm_client *c) {
    const struct swarm_options *o = &s->options;
    ph_us pause = o->storm / 40 < PAUSE ? o->storm / 40 + PH_MS(100) : PAUSE;
    ph_swarm_link_post(s, ITEM_APPLICATION, ph_swarm_interval(&s->application_seed, pause), "", 0)
        ->client = c->index;
    if (c->is_asleep)
        return;
    if (c->mapping_count < o->mappings && (o->churn || c->mapping_count == 0))
        ph_swarm_application_map(s, c);
    else if (o->probes && flip(s, 20))
        probe(s, c);
    else if (o->churn && flip(s, 40))
        unmap(s, c);
    else if (o->churn && flip(s, 50))
        refresh(s, c);
}
