/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * swarm_application.c: what the application of a client wants: mappings that come and go, are
 * refreshed, or asked for twice; now and then a probe. In calms it leaves things alone.
 */
#include <string.h>

#include "sim/swarm_parts.h"

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
    uint16_t port = (uint16_t)(5000 + 100 * c->index + draw(s, SWARM_PORTS));
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

/* Its delete, or one that was sent twice, may still be on the way. */
static bool was_just_removed(const struct swarm *s, const struct swarm_client *c,
                             const struct ph_map_request *request) {
    ph_us at = c->unmapped[request->protocol == PORTHOLE_TCP][request->internal_port % SWARM_PORTS];
    return at != 0 && s->now < at + PH_SECONDS(1) + s->options.jitter + 2 * s->options.delay;
}

static void map_request(struct swarm *s, struct swarm_client *c,
                        const struct ph_map_request *request) {
    struct ph_input input = {.type = PH_INPUT_MAP};
    if (c->mapping_count == SWARM_MAPPINGS_MAX)
        return;
    bool is_there = does_hold(c, request);
    c->long_window_begun++;
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
            .is_successor = was_just_removed(s, c, request),
        };
    if (!is_there && request->key) {
        struct swarm_mapping *m = &c->mappings[c->mapping_count - 1];
        m->nonce_for = c->path.gateway;
        memcpy(m->nonce, request->key, sizeof m->nonce);
    }
    int error = ph_swarm_step(s, c, &input);
    if (error != (is_there ? PORTHOLE_ERR_EXISTS : 0))
        ph_swarm_trace_breach(s, "client %u: map returns %s", c->index, porthole_strerror(error));
}

/* ---- Removing what another life left ----------------------------------------------------------
 */

static bool is_any_like(const struct swarm_client *c, const struct swarm_mapping *m) {
    for (size_t i = 0; i < c->mapping_count; i++)
        if (c->mappings[i].protocol == m->protocol &&
            (m->internal_port == 0 || c->mappings[i].internal_port == m->internal_port ||
             c->mappings[i].internal_port == 0))
            return true;
    return false;
}

static void remove_request(struct swarm *s, struct swarm_client *c, struct swarm_mapping m,
                           bool has_key) {
    struct ph_map_request request = {
        .protocol = m.protocol,
        .internal_port = m.internal_port,
        .external_port = flip(s, 50) ? 0 : m.wished_port,
        .key = has_key ? m.nonce : NULL,
    };
    struct ph_input input = {.type = PH_INPUT_REMOVE};
    if (c->mapping_count == SWARM_MAPPINGS_MAX || is_any_like(c, &m))
        return;
    m.id = input.u.map.id = ++c->last_id;
    input.u.map.request = &request;
    m.is_unmapped = m.is_errand = true;
    c->long_window_errands++;
    m.wished_port = request.external_port;
    m.nonce_for = has_key ? c->path.gateway : ph_addr_none;
    ph_swarm_trace_line(s, "client %u removes %s %u, external %u: id %u", c->index,
                        porthole_protocol_name(m.protocol), m.internal_port, request.external_port,
                        (unsigned)m.id);
    c->mappings[c->mapping_count++] = m;
    s->result->removals++;
    int error = ph_swarm_step(s, c, &input);
    /* All of a protocol cannot be removed by PCP. */
    bool is_hopeless = m.internal_port == 0 && s->options.methods == PORTHOLE_USE_PCP;
    if (error != (is_hopeless ? PORTHOLE_ERR_UNSUPPORTED : 0))
        ph_swarm_trace_breach(s, "client %u: remove returns %s", c->index,
                              porthole_strerror(error));
}

static void remove_any(struct swarm *s, struct swarm_client *c) {
    struct ph_map_request request;
    draw_request(s, c, &request);
    bool is_all = flip(s, 20);
    struct swarm_mapping m = {.protocol = request.protocol,
                              .internal_port = is_all ? 0 : request.internal_port,
                              .wished_port = is_all ? 0 : request.external_port};
    remove_request(s, c, m, false);
}

void ph_swarm_application_revive(struct swarm *s, struct swarm_client *c,
                                 const struct swarm_mapping *before, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const struct swarm_mapping *m = &before[i];
        bool has_key = ph_addr_equal(&m->nonce_for, &c->path.gateway);
        struct ph_map_request request = {
            .protocol = m->protocol,
            .internal_port = m->internal_port,
            .external_port = m->wished_port,
            .flags = m->flags,
            .lifetime_s = m->lifetime_s,
            .key = has_key ? m->nonce : NULL,
        };
        unsigned choice = draw(s, 10);
        struct swarm_mapping errand = {.protocol = m->protocol,
                                       .internal_port = m->internal_port,
                                       .wished_port = m->told.port};
        memcpy(errand.nonce, m->nonce, sizeof errand.nonce);
        if (m->is_unmapped) /* its deletes are on the way */
            c->unmapped[m->protocol == PORTHOLE_TCP][m->internal_port % SWARM_PORTS] = s->now;
        else if (choice < 5)
            map_request(s, c, &request);
        else if (choice < 8)
            remove_request(s, c, errand, has_key);
    }
}

/* ---- What it does ------------------------------------------------------------------------------
 */

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
    /* A removal of all ports has none that could be asked for. */
    if (!flip(s, 30) || again.internal_port == 0)
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
    else if (o->removals && flip(s, 15))
        remove_any(s, c);
    else if (o->churn && flip(s, 40))
        unmap(s, c);
    else if (o->churn && flip(s, 50))
        refresh(s, c);
}
