/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * probe.c: asking every method what it is and what external address it tells. NAT-PMP and UPnP have
 * requests for that; PCP has none, so a mapping of UDP port 9, discard, is made and removed again
 * (RFC 6887 §11.6).
 */
#include <stdio.h>
#include <string.h>

#include "core/state.h"

#define DISCARD_PORT 9
/* Long enough for the answer and the delete to be repeated, short enough to be no burden if both
 * are lost. */
#define DISCARD_LIFETIME_S 60

void ph_probe_describe(const struct ph_gateway *g, char ret[PORTHOLE_TEXT_SIZE]) {
    const struct ph_igd_description *d = g->upnp.description;
    bool has_model = d && d->model_name[0] && strcmp(d->model_name, d->friendly_name) != 0;
    ret[0] = '\0';
    if (d)
        snprintf(ret, PORTHOLE_TEXT_SIZE, "%.60s%s%.60s%s", d->friendly_name, has_model ? " (" : "",
                 has_model ? d->model_name : "", has_model ? ")" : "");
}

static void answer_from(struct ph_probe_answer *answer, const struct ph_method *status,
                        const struct ph_addr *external) {
    bool is_alive = status->state == PH_METHOD_ALIVE;
    answer->error = is_alive ? 0 : status->error ? status->error : PORTHOLE_ERR_NO_GATEWAY;
    answer->code = status->code;
    answer->rtt = status->rtt;
    answer->epoch_s = status->epoch_s;
    answer->external = is_alive ? *external : ph_addr_none;
}

static bool is_settled(const struct ph_method *status) {
    return status->state == PH_METHOD_ALIVE || status->state == PH_METHOD_DEAD;
}

/* Each returns whether the method has said all it will. */

static bool look_at_pcp(struct ph_engine *e, struct ph_probe_answer *answer) {
    const struct ph_mapping *m = ph_mapping_find(e, e->probe.mapping);
    const struct ph_method *status = &e->gateway->methods[PORTHOLE_PCP];
    bool is_made = m && m->state == PORTHOLE_SUCCESS;
    bool is_by_pcp = is_made && m->method == PORTHOLE_PCP;
    answer_from(answer, status, is_by_pcp ? &m->external.addr : &ph_addr_none);
    answer->error_method = PORTHOLE_PCP;
    if (m && m->has_failed && status->state == PH_METHOD_ALIVE) {
        answer->error = m->error;
        answer->code = m->code;
    }
    return !m || is_made || m->has_failed || status->state == PH_METHOD_DEAD;
}

static bool look_at_natpmp(struct ph_engine *e, struct ph_probe_answer *answer) {
    const struct ph_gateway *g = e->gateway;
    const struct ph_method *status = &g->methods[PORTHOLE_NATPMP];
    answer_from(answer, status, &g->natpmp.external);
    answer->error_method = PORTHOLE_NATPMP;
    return is_settled(status) && g->natpmp.next == PH_NEVER;
}

static bool look_at_upnp(struct ph_engine *e, struct ph_probe_answer *answer) {
    const struct ph_gateway *g = e->gateway;
    const struct ph_upnp_client *u = &g->upnp;
    const struct ph_method *status = &g->methods[PORTHOLE_UPNP];
    answer_from(answer, status, &u->external);
    if (status->state == PH_METHOD_ASKING && u->error) {
        answer->error = u->error;
        answer->code = u->code;
    }
    answer->error_method = PORTHOLE_UPNP;
    if (u->description) {
        ph_probe_describe(g, answer->device);
        char host[PH_ENDPOINT_TEXT_SIZE];
        const struct ph_url *url = &u->candidates[u->candidate].url;
        snprintf(answer->url, sizeof answer->url, "http://%s%.190s",
                 ph_endpoint_format(&url->host, host), url->path);
    }
    return is_settled(status) && u->exchange == 0;
}

static bool look(struct ph_engine *e, enum porthole_method method) {
    struct ph_probe_answer *answer = &e->probe.result.answers[method];
    if (!(e->config.methods & 1U << method)) {
        answer->error = PORTHOLE_ERR_CANCELLED;
        return true;
    }
    if (method == PORTHOLE_PCP)
        return look_at_pcp(e, answer);
    return method == PORTHOLE_NATPMP ? look_at_natpmp(e, answer) : look_at_upnp(e, answer);
}

void ph_probe_check(struct ph_engine *e) {
    struct ph_probe *p = &e->probe;
    if (!p->is_active)
        return;
    bool is_done = e->gateway == NULL;
    if (e->gateway) {
        is_done = true;
        bool has_address = false;
        for (unsigned i = PORTHOLE_PCP; i <= PORTHOLE_UPNP; i++) {
            is_done &= look(e, (enum porthole_method)i);
            has_address |= !ph_addr_is_unspecified(&p->result.answers[i].external);
        }
        is_done |= p->address_only && has_address;
    }
    if (is_done)
        ph_probe_end(e);
}

void ph_probe_end(struct ph_engine *e) {
    struct ph_probe *p = &e->probe;
    if (!p->is_active)
        return;
    p->is_active = false;
    p->result.done = true;
    p->result.elapsed = e->now - p->started;
    ph_heap_set(&e->heap, &p->timer, PH_NEVER);
    struct ph_mapping *m = ph_mapping_find(e, p->mapping);
    if (m && m->hidden)
        ph_mapping_unmap(m);
}

static int start_pcp(struct ph_engine *e) {
    struct ph_map_request request = {
        .protocol = PORTHOLE_UDP,
        .internal_port = DISCARD_PORT,
        .external_port = DISCARD_PORT,
        .lifetime_s = DISCARD_LIFETIME_S,
    };
    struct ph_mapping *m;
    /* The application may have this very port mapped: two mappings of it would disturb each other,
     * and one tells all there is to know. */
    struct ph_node *node =
        ph_table_find(&e->by_port, ph_mapping_port_key(PORTHOLE_UDP, DISCARD_PORT));
    for (; node; node = ph_table_find_next(node)) {
        m = PH_CONTAINER(node, struct ph_mapping, by_port);
        if (m->state != PORTHOLE_DESTROYING) {
            e->probe.mapping = m->by_id.key;
            return 0;
        }
    }
    /* Ids of hidden mappings count down from the top, where no caller's get. */
    int error = ph_mapping_new(e, UINT64_MAX - e->last_hidden++, &request, true, &m);
    if (error < 0)
        return error;
    m->methods = PORTHOLE_USE_PCP;
    e->probe.mapping = m->by_id.key;
    ph_mapping_run(m);
    return 0;
}

int ph_probe_start(struct ph_engine *e, ph_us deadline, bool address_only) {
    struct ph_probe *p = &e->probe;
    struct ph_gateway *g = e->gateway;
    if (p->is_active)
        return PORTHOLE_ERR_STATE;
    p->result = (struct ph_probe_result){.has_path = g && !e->is_offline};
    p->mapping = 0;
    if (!p->result.has_path) {
        for (unsigned i = PORTHOLE_PCP; i <= PORTHOLE_UPNP; i++)
            p->result.answers[i].error = PORTHOLE_ERR_NO_NETWORK;
        return PORTHOLE_ERR_NO_NETWORK;
    }
    p->result.path = g->path;
    p->is_active = true;
    p->address_only = address_only;
    p->started = e->now;
    ph_heap_set(&e->heap, &p->timer, deadline);
    ph_gateway_reset(g);
    if (e->config.methods & PORTHOLE_USE_PCP) {
        int error = start_pcp(e);
        if (error < 0) {
            p->is_active = false;
            return error;
        }
    }
    if (e->config.methods & PORTHOLE_USE_NATPMP) {
        ph_gateway_ask(g, PORTHOLE_NATPMP);
        if (g->natpmp.next == PH_NEVER)
            ph_natpmp_client_ask(g);
    }
    if (e->config.methods & PORTHOLE_USE_UPNP) {
        ph_gateway_ask(g, PORTHOLE_UPNP);
        ph_upnp_search_readdress(g);
    }
    return 0;
}
