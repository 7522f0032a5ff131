/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * swarm_oracle.c: what must hold at every step of a client: where it sends, what it asks, how often
 * and how much memory it holds, and what it tells its application. It judges by what is seen from
 * outside, never by the state inside the engine.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "sim/swarm_parts.h"
#include "wire/natpmp.h"
#include "wire/portlist.h"
#include "wire/ssdp.h"

/* ---- Bounds ---------------------------------------------------------------------------------- */

/* What one client may send in 10 s: a round of questions to all methods with all repetitions, a few
 * times over because applications and faults may begin new ones, and for each mapping its requests
 * by each method. */
#define WINDOW PH_SECONDS(10)
#define WINDOW_BASE 150U
#define WINDOW_MAPPING 40U
/* In 10 minutes: as many rounds as the longest back-off allows, a dozen that its doubling adds, as
 * many again because applications begin new ones, and a few for each fault, which resets it. */
#define LONG_WINDOW PH_SECONDS(600)
#define LONG_ROUNDS 24U
/* A new mapping's own back-off doubles from 2 s: four rounds in its first half minute. They are
 * whole rounds where one method answers and cannot grant, so that no back-off of all counts. */
#define LONG_BEGUN 4U
#define ROUND_BASE 36U
#define ROUND_MAPPING 12U
/* TIMER steps in 10 s. */
#define IDLE_BASE 400U
#define IDLE_MAPPING 60U
/* Renewals that are closer may have one reason. */
#define RENEWALS_GAP PH_SECONDS(15)
/* What an engine may hold, a description of a device included, and for each mapping. */
#define MEMORY_BASE (48U * 1024U)
#define MEMORY_MAPPING 1536U
/* A removal reads the device's list twice, beside the one that was read before; tables double. */
#define MEMORY_ENTRY (6U * (sizeof(struct ph_portlist_entry) + sizeof(uint16_t)))
#define ENTRIES_LEAST 16U

static void note_percent(unsigned *most, uint64_t value, uint64_t bound) {
    unsigned percent = (unsigned)(value * 100 / bound);
    if (percent > *most)
        *most = percent;
}

/* ---- Mappings -------------------------------------------------------------------------------- */

static struct swarm_mapping *by_id(struct swarm_client *c, porthole_id id) {
    for (size_t i = 0; i < c->mapping_count; i++)
        if (c->mappings[i].id == id)
            return &c->mappings[i];
    return NULL;
}

/* Given up, or at its end by itself, as a lease that is left alone. */
static bool is_over(const struct swarm_client *c, const struct swarm_mapping *m) {
    struct ph_mapping_info info;
    return m->is_unmapped || !ph_engine_query(c->engine, m->id, &info) ||
           info.state == PORTHOLE_DESTROYING;
}

static struct swarm_mapping *by_port(struct swarm_client *c, unsigned protocol, unsigned port,
                                     unsigned *ret_count) {
    struct swarm_mapping *found = NULL;
    *ret_count = 0;
    for (size_t i = 0; i < c->mapping_count; i++) {
        struct swarm_mapping *m = &c->mappings[i];
        if ((unsigned)m->protocol != protocol || m->internal_port != port)
            continue;
        ++*ret_count;
        if (!found || is_over(c, found))
            found = m;
    }
    return found;
}

static bool is_probe(const struct swarm_client *c, unsigned protocol, unsigned port) {
    return c->has_probed && protocol == PORTHOLE_UDP && port == 9;
}

/* Whether the application relies on what a delete by this method would remove. */
static bool is_held(const struct swarm_client *c, const struct swarm_mapping *m,
                    enum porthole_method method) {
    struct ph_mapping_info info;
    return m && ph_engine_query(c->engine, m->id, &info) && info.state == PORTHOLE_SUCCESS &&
           info.method == method;
}

/* ---- What is sent ---------------------------------------------------------------------------- */

#define ANY_PORT UINT_MAX

/* Whether something is being removed that this life has not asked for. */
static bool has_errand(const struct swarm_client *c, unsigned protocol, unsigned port) {
    for (size_t i = 0; i < c->mapping_count; i++) {
        const struct swarm_mapping *m = &c->mappings[i];
        if (m->is_errand && (unsigned)m->protocol == protocol &&
            (port == ANY_PORT || m->internal_port == 0 || m->internal_port == port))
            return true;
    }
    return false;
}

static uint8_t *asked_byte(struct swarm_client *c, enum porthole_method method, unsigned protocol,
                           unsigned port) {
    return &c->asked[method - 1][protocol == PORTHOLE_TCP][port >> 3];
}

static bool was_asked(struct swarm_client *c, enum porthole_method method, unsigned protocol,
                      unsigned port) {
    return (*asked_byte(c, method, protocol, port) & 1U << (port & 7)) != 0;
}

static void note_asked(struct swarm_client *c, enum porthole_method method, unsigned protocol,
                       unsigned port) {
    *asked_byte(c, method, protocol, port) |= (uint8_t)(1U << (port & 7));
}

/* A renewal by this method is seen when nothing was in the way since the lease was given. */
static void judge_renewal(struct swarm *s, struct swarm_client *c, struct swarm_mapping *m) {
    struct ph_mapping_info info;
    if (ph_swarm_is_public(c))
        ph_swarm_trace_breach(s, "client %u: asks for a mapping of its public address", c->index);
    if (!m || !ph_engine_query(c->engine, m->id, &info) || info.state != PORTHOLE_SUCCESS ||
        info.expires == PH_NEVER || info.lifetime_s == 0)
        return;
    ph_us now = ph_swarm_client_now(s, c);
    ph_us lease = PH_SECONDS(info.lifetime_s);
    if (info.expires < lease || now < info.expires - lease)
        return;
    double part = (double)(now - (info.expires - lease)) / (double)lease;
    /* What is asked sooner has another reason than the lease. */
    if (part < 0.4 || part > 0.64 || info.lifetime_s > 86400 || s->now - c->disturbed < lease)
        return;
    if (m->renewed == info.expires)
        return; /* a repetition */
    m->renewed = info.expires;
    /* What one recheck or one look at the gateway's clock renews is one sample, however many
     * mappings it renews. */
    if (c->renewals > 0 && s->now < c->renewal_seen + RENEWALS_GAP)
        return;
    c->renewal_seen = s->now;
    c->renewals++;
    c->renewal_least = part < c->renewal_least ? part : c->renewal_least;
    c->renewal_most = part > c->renewal_most ? part : c->renewal_most;
}

static void judge_nonce(struct swarm *s, struct swarm_client *c, struct swarm_mapping *m,
                        const struct ph_pcp_map *map, bool is_delete) {
    bool is_new = !ph_addr_equal(&m->nonce_for, &c->path.gateway);
    if (is_new && is_delete && !m->is_errand)
        ph_swarm_trace_breach(s, "client %u: deletes by PCP what it never asked for: id %u",
                              c->index, (unsigned)m->id);
    if (is_new) {
        m->nonce_for = c->path.gateway;
        memcpy(m->nonce, map->nonce, sizeof m->nonce);
        for (size_t i = 0; i < c->mapping_count; i++)
            if (&c->mappings[i] != m &&
                memcmp(c->mappings[i].nonce, m->nonce, sizeof m->nonce) == 0)
                ph_swarm_trace_breach(s, "client %u: two mappings have the same nonce", c->index);
    } else if (memcmp(m->nonce, map->nonce, sizeof m->nonce) != 0) {
        ph_swarm_trace_breach(s, "client %u: id %u has another nonce than before", c->index,
                              (unsigned)m->id);
    }
}

/* A gateway that was left is given back what it holds, and asked for nothing. */
static bool is_parting(const struct swarm_client *c, const struct ph_path *path) {
    const struct ph_path *current = ph_engine_path(c->engine, 0);
    return !ph_swarm_link_is_present(c, path) || (current && current != path);
}

static void judge_parting(struct swarm *s, const struct swarm_client *c, bool is_delete) {
    bool is_errand = has_errand(c, PORTHOLE_TCP, ANY_PORT) || has_errand(c, PORTHOLE_UDP, ANY_PORT);
    if (!is_delete && !is_errand)
        ph_swarm_trace_breach(s, "client %u: asks a gateway that it has left", c->index);
}

static void judge_pcp(struct swarm *s, struct swarm_client *c, const struct ph_path *path,
                      const uint8_t *bytes, size_t len) {
    struct ph_pcp_request r;
    unsigned count;
    if (ph_pcp_decode_request(bytes, len, &r) < 24 || r.unknown_option || r.opcode > PH_PCP_MAP) {
        ph_swarm_trace_breach(s, "client %u: a PCP request that is none", c->index);
        return;
    }
    /* A lease of a second is how a gateway is made to forget that refuses to delete. */
    bool is_delete = r.lifetime_s <= 1;
    if (!ph_addr_equal(&r.client_addr, &path->source))
        ph_swarm_trace_breach(s, "client %u: PCP with another client address", c->index);
    if (is_parting(c, path)) {
        judge_parting(s, c, r.opcode == PH_PCP_MAP && is_delete);
        return;
    }
    if (r.opcode == PH_PCP_ANNOUNCE) {
        if (r.lifetime_s != 0)
            ph_swarm_trace_breach(s, "client %u: ANNOUNCE with a lifetime", c->index);
        return;
    }
    if (is_probe(c, r.map.protocol, r.map.internal_port))
        return;
    struct swarm_mapping *m = by_port(c, r.map.protocol, r.map.internal_port, &count);
    if (!m) {
        ph_swarm_trace_breach(s, "client %u: PCP for port %u, which nobody wants", c->index,
                              r.map.internal_port);
        return;
    }
    /* Of two of one port, the older is being deleted, and the other may be asked for already. */
    if (count == 1 || !is_delete)
        judge_nonce(s, c, m, &r.map, is_delete);
    if (is_delete && count == 1 && is_held(c, m, PORTHOLE_PCP))
        ph_swarm_trace_breach(s, "client %u: PCP lifetime 0 for id %u, which is in use", c->index,
                              (unsigned)m->id);
    if (!is_delete && m->is_unmapped)
        ph_swarm_trace_breach(s, "client %u: PCP asks for id %u, which was given up", c->index,
                              (unsigned)m->id);
    if (!is_delete)
        judge_renewal(s, c, m);
}

static void judge_natpmp(struct swarm *s, struct swarm_client *c, const struct ph_path *path,
                         const uint8_t *bytes, size_t len) {
    struct ph_natpmp_request r;
    unsigned count;
    if (ph_natpmp_decode_request(bytes, len, &r) < 2 || r.opcode > PH_NATPMP_MAP_TCP) {
        ph_swarm_trace_breach(s, "client %u: a NAT-PMP request that is none", c->index);
        return;
    }
    if (is_parting(c, path)) {
        judge_parting(s, c, r.opcode != PH_NATPMP_ADDRESS && r.lifetime_s == 0);
        return;
    }
    if (r.opcode == PH_NATPMP_ADDRESS)
        return;
    unsigned protocol = r.opcode == PH_NATPMP_MAP_TCP ? PORTHOLE_TCP : PORTHOLE_UDP;
    if (is_probe(c, protocol, r.internal_port))
        return;
    struct swarm_mapping *m = by_port(c, protocol, r.internal_port, &count);
    if (r.lifetime_s == 0) {
        bool was_wanted =
            r.internal_port != 0 && was_asked(c, PORTHOLE_NATPMP, protocol, r.internal_port);
        if (!was_wanted && !has_errand(c, protocol, r.internal_port))
            ph_swarm_trace_breach(s, "client %u: NAT-PMP deletes port %u, never asked for",
                                  c->index, r.internal_port);
        if (count == 1 && is_held(c, m, PORTHOLE_NATPMP))
            ph_swarm_trace_breach(s, "client %u: NAT-PMP lifetime 0 for id %u, which is in use",
                                  c->index, (unsigned)m->id);
        return;
    }
    note_asked(c, PORTHOLE_NATPMP, protocol, r.internal_port);
    if (!m || m->is_unmapped)
        ph_swarm_trace_breach(s, "client %u: NAT-PMP for port %u, which nobody wants", c->index,
                              r.internal_port);
    judge_renewal(s, c, m);
}

/* The number between <name> and </name>; UINT_MAX = it is not there. */
static unsigned number_of(const char *text, const char *name) {
    const char *at = strstr(text, name);
    if (!at)
        return UINT32_MAX;
    uint64_t number;
    at += strlen(name) + 1;
    struct ph_span span = {at, strcspn(at, "<")};
    return ph_span_to_u64(span, UINT32_MAX - 1, &number) ? (unsigned)number : UINT32_MAX;
}

static void judge_soap(struct swarm *s, struct swarm_client *c, const struct ph_path *path,
                       const char *text) {
    char source[PH_ADDR_TEXT_SIZE + 2] = ">";
    bool is_add = strstr(text, "#AddPortMapping") || strstr(text, "#AddAnyPortMapping");
    bool is_delete = strstr(text, "#DeletePortMapping") != NULL;
    if (is_parting(c, path))
        judge_parting(s, c, is_delete);
    if (!is_add && !is_delete)
        return;
    unsigned protocol = strstr(text, "<NewProtocol>TCP<") ? PORTHOLE_TCP : PORTHOLE_UDP;
    unsigned external = number_of(text, "<NewExternalPort");
    unsigned internal = number_of(text, "<NewInternalPort");
    unsigned count;
    if (external == 0 || external > 65535) {
        ph_swarm_trace_breach(s, "client %u: SOAP for the external port %u", c->index, external);
        return;
    }
    if (is_delete) {
        const struct swarm_gateway *g = &s->gateways[c->gateway];
        const struct ph_gw_mapping *held =
            g->server ? ph_gw_server_at_external(g->server, (uint8_t)protocol, (uint16_t)external)
                      : NULL;
        bool is_own = !held || ph_addr_equal(&held->facts.client, &path->source);
        if (!was_asked(c, PORTHOLE_UPNP, protocol, external) &&
            !(is_own && has_errand(c, protocol, ANY_PORT)))
            ph_swarm_trace_breach(s, "client %u: UPnP deletes port %u, never asked for", c->index,
                                  external);
        return;
    }
    note_asked(c, PORTHOLE_UPNP, protocol, external);
    ph_addr_format(&path->source, source + 1);
    struct swarm_mapping *m = by_port(c, protocol, internal, &count);
    if (!strstr(text, source))
        ph_swarm_trace_breach(s, "client %u: UPnP maps to another host", c->index);
    if (is_probe(c, protocol, internal))
        return;
    if (!m || m->is_unmapped)
        ph_swarm_trace_breach(s, "client %u: UPnP for port %u, which nobody wants", c->index,
                              internal);
    judge_renewal(s, c, m);
}

static void judge_http(struct swarm *s, struct swarm_client *c, const struct ph_path *path,
                       const struct ph_effect *effect, const uint8_t *bytes) {
    char host[PH_ENDPOINT_TEXT_SIZE];
    bool is_allowed = ph_addr_equal(&effect->to.addr, &path->gateway);
    for (unsigned i = 0; i < SWARM_LIARS; i++)
        is_allowed |=
            c->has_heard[i] && ph_addr_equal(&effect->to.addr, &ph_swarm_attacker_hosts[i]);
    if (!is_allowed)
        ph_swarm_trace_breach(s, "client %u: HTTP to %s, which nobody may be sent to", c->index,
                              ph_endpoint_format(&effect->to, host));
    if (effect->deadline <= ph_swarm_client_now(s, c))
        ph_swarm_trace_breach(s, "client %u: an exchange that is over before it begins", c->index);
    char text[8192];
    size_t len = effect->len < sizeof text ? effect->len : sizeof text - 1;
    memcpy(text, bytes, len);
    text[len] = '\0';
    if (strncmp(text, "POST ", 5) == 0)
        judge_soap(s, c, path, text);
    else if (strncmp(text, "GET ", 4) != 0)
        ph_swarm_trace_breach(s, "client %u: HTTP that is neither GET nor POST", c->index);
}

static void judge_datagram(struct swarm *s, struct swarm_client *c, const struct ph_path *path,
                           const struct ph_effect *effect, const uint8_t *bytes) {
    bool is_gateway = ph_addr_equal(&effect->to.addr, &path->gateway);
    bool is_group = ph_addr_equal(&effect->to.addr, &ph_ssdp_group_v4);
    char host[PH_ENDPOINT_TEXT_SIZE];
    bool is_control = effect->channel == PH_CHANNEL_CONTROL;
    if (!(is_control ? is_gateway && effect->to.port == PH_PCP_PORT
                     : (is_gateway || is_group) && effect->to.port == PH_SSDP_PORT))
        ph_swarm_trace_breach(s, "client %u: a datagram to %s", c->index,
                              ph_endpoint_format(&effect->to, host));
    if (effect->len < 2 || effect->len > PH_PCP_SIZE_MAX)
        ph_swarm_trace_breach(s, "client %u: a datagram of %zu bytes", c->index, effect->len);
    else if (is_control && bytes[0] == PH_PCP_VERSION)
        judge_pcp(s, c, path, bytes, effect->len);
    else if (is_control)
        judge_natpmp(s, c, path, bytes, effect->len);
}

/* An entry of a list: for each removal it is read three times at most, begun anew once when the
 * device was lost meanwhile, and a little beyond. */
static bool judge_list(struct swarm *s, struct swarm_client *c, const struct ph_effect *effect,
                       const uint8_t *bytes) {
    static const char name[] = "#GetGenericPortMappingEntry";
    uint64_t bound = (c->long_window_errands + 1) * 6 * (c->entries + ENTRIES_LEAST);
    bool is_list = false;
    for (size_t i = 0; effect->type == PH_EFFECT_HTTP && i + sizeof name < effect->len; i++)
        is_list |= bytes[i] == '#' && memcmp(bytes + i, name, sizeof name - 1) == 0;
    if (is_list && ++c->long_window_listed > bound)
        ph_swarm_trace_breach(s, "client %u: a storm of lists: %u in 600 s", c->index,
                              c->long_window_listed);
    return is_list;
}

static void judge_rate(struct swarm *s, struct swarm_client *c) {
    uint64_t bound = WINDOW_BASE + WINDOW_MAPPING * c->mapping_count;
    ph_us backoff =
        s->options.recheck_period < PH_SECONDS(300) ? s->options.recheck_period : PH_SECONDS(300);
    uint64_t rounds = LONG_ROUNDS + LONG_WINDOW / (PH_SECONDS(3) + backoff * 3 / 4);
    if (s->options.faults)
        rounds += 4 * (LONG_WINDOW / s->options.fault_interval);
    rounds += LONG_BEGUN * c->long_window_begun;
    uint64_t long_bound = rounds * (ROUND_BASE + ROUND_MAPPING * (c->mapping_count + 1));
    if (s->now >= c->window + WINDOW) {
        c->window = s->now;
        c->window_sent = c->idle_steps = 0;
    }
    if (s->now >= c->long_window + LONG_WINDOW) {
        c->long_window = s->now;
        c->long_window_sent = c->long_window_begun = 0;
        c->long_window_errands = c->long_window_listed = 0;
    }
    note_percent(&s->result->rate_percent, ++c->window_sent, bound);
    note_percent(&s->result->rate_percent, ++c->long_window_sent, long_bound);
    if (c->window_sent > bound || c->long_window_sent > long_bound)
        ph_swarm_trace_breach(s, "client %u: a storm of packets: %u in %u s", c->index,
                              c->window_sent > bound ? c->window_sent : c->long_window_sent,
                              c->window_sent > bound ? 10 : 600);
}

void ph_swarm_oracle_sent(struct swarm *s, struct swarm_client *c, const struct ph_effect *effect,
                          const uint8_t *bytes) {
    if (ph_engine_is_stopped(c->engine) && c->mapping_count == 0)
        ph_swarm_trace_breach(s, "client %u: a packet after it stopped", c->index);
    const struct ph_path *path = ph_engine_path(c->engine, effect->gateway);
    if (!judge_list(s, c, effect, bytes))
        judge_rate(s, c);
    if (!path)
        ph_swarm_trace_breach(s, "client %u: a packet on no way out", c->index);
    else if (effect->type == PH_EFFECT_HTTP)
        judge_http(s, c, path, effect, bytes);
    else
        judge_datagram(s, c, path, effect, bytes);
}

/* ---- What is told ---------------------------------------------------------------------------- */

static bool does_state_fit(const struct ph_event *event) {
    switch (event->type) {
    case PORTHOLE_EVENT_PENDING:
        return event->info.state == PORTHOLE_PENDING;
    case PORTHOLE_EVENT_MAPPED:
    case PORTHOLE_EVENT_CHANGED:
        return event->info.state == PORTHOLE_SUCCESS && event->info.external.port != 0 &&
               !ph_addr_is_unspecified(&event->info.external.addr);
    case PORTHOLE_EVENT_FAILED:
        return event->info.state == PORTHOLE_FAILURE && event->info.error != 0;
    case PORTHOLE_EVENT_UNMAPPED:
        return event->info.state == PORTHOLE_DESTROYED;
    }
    return false;
}

/* What a storm held up may still undo a removal; and a lease ends a little later at the gateway. */
static void judge_removal(struct swarm *s, const struct swarm_client *c,
                          const struct swarm_mapping *m, const struct ph_event *event) {
    const struct ph_gw_mapping *held = ph_swarm_truth_find(s, c, &event->info);
    const struct swarm_gateway *g = &s->gateways[c->gateway];
    bool is_to_go = m->is_to_go && ph_swarm_models_deletes(g, event->info.method) &&
                    ph_swarm_models_speaks(&s->options, &g->options, event->info.method);
    /* An answer may be for the delete before, or for a renewal that was repeated; and what is made
     * by a request that came behind its delete is refused from then on. */
    if (ph_swarm_models_remakes(g, event->info.method) &&
        (s->options.jitter || s->options.duplication || s->options.delay > PH_MS(110)))
        return;
    bool is_quiet = s->is_calm && s->now > s->calm_since + PH_SECONDS(15);
    if (!held || held->facts.made_by != event->info.method || !is_quiet ||
        !(event->info.fate == PORTHOLE_FATE_REMOVED || is_to_go) ||
        held->lease.due < ph_swarm_gateway_now(s, &s->gateways[c->gateway]) + PH_SECONDS(10))
        return;
    ph_swarm_trace_breach(s, "client %u: id %u is %s and is still at the gateway", c->index,
                          (unsigned)m->id, is_to_go ? "given up" : "told to be removed");
}

/* Nothing is left of what it was for, when nothing was in its way. */
static void judge_errand(struct swarm *s, const struct swarm_client *c,
                         const struct swarm_mapping *m, const struct ph_event *event) {
    const struct swarm_options *o = &s->options;
    bool is_noisy = o->loss || o->duplication || o->jitter || o->attacker;
    if (is_noisy || o->delay > PH_MS(200) || s->now < c->disturbed + PH_SECONDS(30) ||
        event->info.error || event->info.fate == PORTHOLE_FATE_EXPIRES ||
        !ph_addr_equal(&event->info.source, &c->path.source))
        return;
    const struct ph_gw_mapping *left = ph_swarm_truth_left(s, c, m);
    if (left)
        ph_swarm_trace_breach(s, "client %u: id %u is removed and %s still has port %u", c->index,
                              (unsigned)m->id, porthole_method_name(left->facts.made_by),
                              left->facts.external_port);
}

void ph_swarm_oracle_event(struct swarm *s, struct swarm_client *c, const struct ph_event *event) {
    char external[PH_ENDPOINT_TEXT_SIZE];
    struct swarm_mapping *m = by_id(c, event->info.id);
    const char *name = porthole_event_name(event->type);
    ph_swarm_trace_mix(s, &event->type, sizeof event->type);
    ph_swarm_trace_line(s, "client %u tells: %s id %u by %s at %s%s%s", c->index, name,
                        (unsigned)event->info.id, porthole_method_name(event->info.method),
                        ph_endpoint_format(&event->info.external, external),
                        event->info.error ? ": " : "",
                        event->info.error ? porthole_strerror(event->info.error) : "");
    if (!m) {
        ph_swarm_trace_breach(s, "client %u: %s of id %u, which was never made or is no more",
                              c->index, name, (unsigned)event->info.id);
        return;
    }
    if (!does_state_fit(event))
        ph_swarm_trace_breach(s, "client %u: %s of id %u in the wrong state", c->index, name,
                              (unsigned)m->id);
    if (m->is_unmapped && event->type != PORTHOLE_EVENT_UNMAPPED)
        ph_swarm_trace_breach(s, "client %u: %s of id %u, which was given up", c->index, name,
                              (unsigned)m->id);
    if (event->type == PORTHOLE_EVENT_CHANGED && !m->was_mapped)
        ph_swarm_trace_breach(s, "client %u: id %u changed and was not mapped", c->index,
                              (unsigned)m->id);
    if ((m->flags & PORTHOLE_EXACT_PORT) && event->info.state == PORTHOLE_SUCCESS &&
        event->info.external.port != m->wished_port)
        ph_swarm_trace_breach(s, "client %u: id %u got port %u and wants exactly %u", c->index,
                              (unsigned)m->id, event->info.external.port, m->wished_port);
    /* A belief of its own from here on. */
    m->false_since = m->address_false_since = m->lease_false_since = 0;
    m->was_mapped = event->info.state == PORTHOLE_SUCCESS;
    m->told = event->info.external;
    if (event->type != PORTHOLE_EVENT_UNMAPPED)
        return;
    if (!m->is_unmapped && !c->is_stopping && !(m->flags & PORTHOLE_LEASE))
        ph_swarm_trace_breach(s, "client %u: id %u was unmapped and nobody asked", c->index,
                              (unsigned)m->id);
    if (m->is_errand)
        judge_errand(s, c, m, event);
    else
        judge_removal(s, c, m, event);
    c->unmapped[m->protocol == PORTHOLE_TCP][m->internal_port % SWARM_PORTS] = s->now;
    *m = c->mappings[--c->mapping_count];
}

/* ---- After each step ------------------------------------------------------------------------- */

static uint64_t memory_bound_of(const struct swarm *s, struct swarm_client *c) {
    const struct swarm_gateway *g = &s->gateways[c->gateway];
    size_t entries = g->server ? ph_gw_server_count(g->server) : 0;
    if (entries < ENTRIES_LEAST)
        entries = ENTRIES_LEAST;
    if ((has_errand(c, PORTHOLE_TCP, ANY_PORT) || has_errand(c, PORTHOLE_UDP, ANY_PORT)) &&
        entries > c->entries)
        c->entries = entries;
    return MEMORY_BASE + MEMORY_MAPPING * SWARM_MAPPINGS_MAX + MEMORY_ENTRY * c->entries;
}

void ph_swarm_oracle_stepped(struct swarm *s, struct swarm_client *c,
                             const struct ph_input *input) {
    ph_us now = ph_swarm_client_now(s, c);
    ph_us deadline = ph_engine_deadline(c->engine);
    uint64_t bound = IDLE_BASE + IDLE_MAPPING * c->mapping_count;
    uint64_t memory_bound = memory_bound_of(s, c);
    ph_swarm_trace_mix(s, &deadline, sizeof deadline);
    if (deadline <= now)
        ph_swarm_trace_breach(s, "client %u: a deadline that is over after the step", c->index);
    if (ph_engine_is_stopped(c->engine) && deadline != PH_NEVER)
        ph_swarm_trace_breach(s, "client %u: a deadline after it stopped", c->index);
    if (s->now >= c->window + WINDOW) {
        c->window = s->now;
        c->window_sent = c->idle_steps = 0;
    }
    if (input->type == PH_INPUT_TIMER && ++c->idle_steps > bound)
        ph_swarm_trace_breach(s, "client %u: a storm of timers: %u in 10 s", c->index,
                              c->idle_steps);
    note_percent(&s->result->memory_percent, c->memory, memory_bound);
    if (c->memory > memory_bound)
        ph_swarm_trace_breach(s, "client %u: its engine holds %zu bytes", c->index, c->memory);
    ph_swarm_truth_told(s, c);
    if (ph_engine_count(c->engine) > c->mapping_count)
        ph_swarm_trace_breach(s, "client %u: more mappings than were asked for", c->index);
}
