/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * engine.c: the door of the core: one input in, dispatched to whom it concerns, then everything
 * that follows from it, until nothing more is due. See engine.h for the contract.
 */
#include <stdlib.h>
#include <string.h>

#include "core/state.h"
#include "wire/natpmp.h"
#include "wire/soap.h"

struct ph_engine *ph_engine_new(const struct ph_engine_config *config) {
    struct ph_engine *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->config = *config;
    e->network_error = PORTHOLE_ERR_NO_NETWORK;
    ph_link_init(&e->homeless);
    ph_link_init(&e->events);
    ph_link_init(&e->graveyard);
    ph_heap_init(&e->heap);
    if (!ph_table_init(&e->by_id) || !ph_table_init(&e->by_port) || !ph_table_init(&e->by_nonce) ||
        !ph_heap_reserve(&e->heap, &e->probe.timer, PH_TIMER_PROBE) ||
        !ph_heap_reserve(&e->heap, &e->stop_timer, PH_TIMER_STOP)) {
        ph_engine_free(e);
        return NULL;
    }
    return e;
}

/* Mappings that are not finished: their timers may be set. */
static void free_mappings(struct ph_engine *e, struct ph_link *list) {
    struct ph_link *next;
    for (struct ph_link *at = list->next; at != list; at = next) {
        struct ph_mapping *m = PH_CONTAINER(at, struct ph_mapping, in_gateway);
        next = at->next;
        ph_heap_release(&e->heap, &m->timer);
        ph_mapping_free(m);
    }
    ph_link_init(list);
}

static void bury(struct ph_engine *e) {
    struct ph_link *next;
    for (struct ph_link *at = e->graveyard.next; at != &e->graveyard; at = next) {
        next = at->next;
        ph_mapping_free(PH_CONTAINER(at, struct ph_mapping, in_events));
    }
    ph_link_init(&e->graveyard);
}

void ph_engine_free(struct ph_engine *e) {
    if (!e)
        return;
    /* Finished ones are in the event list only, all others in their gateway's. */
    struct ph_link *next;
    for (struct ph_link *at = e->events.next; at != &e->events; at = next) {
        struct ph_mapping *m = PH_CONTAINER(at, struct ph_mapping, in_events);
        next = at->next;
        ph_link_remove(at);
        if (m->state == PORTHOLE_DESTROYED)
            ph_mapping_free(m);
    }
    bury(e);
    free_mappings(e, &e->homeless);
    if (e->gateway)
        free_mappings(e, &e->gateway->mappings);
    ph_gateway_free(e->gateway);
    ph_table_done(&e->by_id);
    ph_table_done(&e->by_port);
    ph_table_done(&e->by_nonce);
    ph_heap_done(&e->heap);
    free(e->effects);
    free(e->bytes);
    free(e);
}

/* ---- Network --------------------------------------------------------------------------------- */

static bool is_same_path(const struct ph_path *a, const struct ph_path *b) {
    return ph_addr_equal(&a->gateway, &b->gateway) && ph_addr_equal(&a->source, &b->source) &&
           a->interface == b->interface;
}

static void rehome_all(struct ph_link *list, struct ph_gateway *to) {
    struct ph_link *next;
    for (struct ph_link *at = list->next; at != list; at = next) {
        struct ph_mapping *m = PH_CONTAINER(at, struct ph_mapping, in_gateway);
        next = at->next;
        if (m->state == PORTHOLE_DESTROYING)
            ph_mapping_finish(m);
        else
            ph_mapping_rehome(m, to);
    }
}

static int on_network(struct ph_engine *e, const struct ph_network *network) {
    struct ph_gateway *old = e->gateway;
    const struct ph_path *path = network->count ? &network->paths[0] : NULL;
    if (!path)
        e->network_error = network->error ? network->error : PORTHOLE_ERR_NO_NETWORK;
    if (path ? old && is_same_path(&old->path, path) : !old)
        return 0;
    struct ph_gateway *new = NULL;
    if (path) {
        new = ph_gateway_new(e, path);
        if (!new)
            return PORTHOLE_ERR_NO_MEMORY;
    }
    char from[PH_ADDR_TEXT_SIZE];
    char to[PH_ADDR_TEXT_SIZE];
    ph_trace(e, PORTHOLE_LOG_INFO, "network: gateway %s, from %s",
             path ? ph_addr_format(&path->gateway, to) : "none",
             path ? ph_addr_format(&path->source, from) : "nowhere");
    e->gateway = new;
    rehome_all(&e->homeless, new);
    if (old) {
        for (unsigned i = PORTHOLE_PCP; i <= PORTHOLE_UPNP; i++)
            old->methods[i].window = 0; /* nothing more goes there */
        rehome_all(&old->mappings, new);
        ph_upnp_search_stop(old);
        ph_effect_forget(e, old->id);
        ph_gateway_free(old);
    }
    ph_probe_end(e); /* what it knows is of another network */
    struct ph_link *list = new ? &new->mappings : &e->homeless;
    for (struct ph_link *at = list->next; at != list; at = at->next)
        ph_mapping_run(PH_CONTAINER(at, struct ph_mapping, in_gateway));
    return 0;
}

/* ---- From the network ------------------------------------------------------------------------ */

static void on_control(struct ph_gateway *g, const uint8_t *bytes, size_t len) {
    /* PCP and NAT-PMP share port and socket; the version is the first byte of both. Version 0 with
     * result 1, UNSUPP_VERSION, answers a PCP request when one is out: NAT-PMP requests are version
     * 0 themselves. */
    bool is_v0 = len >= 4 && bytes[0] == PH_NATPMP_VERSION;
    bool is_unsupported = is_v0 && bytes[2] == 0 && bytes[3] == PH_NATPMP_UNSUPP_VERSION;
    bool is_pcp_asked = g->methods[PORTHOLE_PCP].state != PH_METHOD_IDLE;
    if (is_v0 && !(is_unsupported && is_pcp_asked))
        ph_natpmp_client_datagram(g, bytes, len);
    else
        ph_pcp_client_datagram(g, bytes, len);
}

static void on_datagram(struct ph_engine *e, const struct ph_input *input) {
    struct ph_gateway *g = e->gateway;
    if (!g || g->id != input->u.datagram.gateway)
        return;
    if (input->u.datagram.channel == PH_CHANNEL_CONTROL) {
        /* The socket is connected; but what a driver promises is checked where it matters. */
        if (ph_addr_equal(&input->u.datagram.from.addr, &g->path.gateway) &&
            input->u.datagram.from.port == PH_PCP_PORT)
            on_control(g, input->u.datagram.bytes, input->u.datagram.len);
    } else {
        ph_upnp_search_datagram(g, &input->u.datagram.from, input->u.datagram.bytes,
                                input->u.datagram.len);
    }
}

static void on_unreachable(struct ph_engine *e, const struct ph_input *input) {
    struct ph_gateway *g = e->gateway;
    if (g && g->id == input->u.unreachable.gateway)
        ph_gateway_unreachable(g, input->u.unreachable.channel, input->u.unreachable.error);
}

static void on_http(struct ph_engine *e, uint32_t exchange, const struct ph_http_message *message,
                    int error) {
    struct ph_gateway *g = e->gateway;
    if (!g || exchange == 0)
        return;
    if (g->upnp.exchange == exchange) {
        if (message)
            ph_upnp_search_reply(g, message);
        else
            ph_upnp_search_failed(g, error);
        return;
    }
    for (unsigned i = 0; i < PH_HTTP_WINDOW; i++) {
        if (g->upnp.exchanges[i].id != exchange)
            continue;
        if (message)
            ph_upnp_action_reply(g, g->upnp.exchanges[i].mapping, message);
        else
            ph_upnp_action_failed(g, g->upnp.exchanges[i].mapping, error);
        return;
    }
}

/* ---- From the application -------------------------------------------------------------------- */

static int on_map(struct ph_engine *e, const struct ph_input *input) {
    const struct ph_map_request *request = input->u.map.request;
    if (e->is_stopping)
        return PORTHOLE_ERR_STATE;
    if (e->count >= PH_MAPPINGS_MAX)
        return PORTHOLE_ERR_LIMIT;
    uint64_t key = ph_mapping_port_key(request->protocol, request->internal_port);
    struct ph_node *node = ph_table_find(&e->by_port, key);
    for (; node; node = ph_table_find_next(node)) {
        const struct ph_mapping *other = PH_CONTAINER(node, struct ph_mapping, by_port);
        if (other->state != PORTHOLE_DESTROYING && !other->hidden)
            return PORTHOLE_ERR_EXISTS;
    }
    struct ph_mapping *m;
    int error = ph_mapping_new(e, input->u.map.id, request, false, &m);
    if (error < 0)
        return error;
    if (e->gateway)
        ph_gateway_wake(e->gateway);
    ph_mapping_run(m);
    return 0;
}

static int on_remove(struct ph_engine *e, const struct ph_input *input) {
    if (e->is_stopping)
        return PORTHOLE_ERR_STATE;
    if (e->alive >= PH_MAPPINGS_MAX)
        return PORTHOLE_ERR_LIMIT;
    int error = ph_errand_new(e, input->u.map.id, input->u.map.request);
    if (error == 0 && e->gateway)
        ph_gateway_wake(e->gateway);
    return error;
}

static void finish_all(struct ph_link *list) {
    while (!ph_list_is_empty(list))
        ph_mapping_finish(PH_CONTAINER(list->next, struct ph_mapping, in_gateway));
}

static void on_stop(struct ph_engine *e, ph_us deadline) {
    e->is_stopping = true;
    ph_probe_end(e);
    struct ph_link *lists[] = {&e->homeless, e->gateway ? &e->gateway->mappings : &e->homeless};
    for (unsigned i = 0; i < 2; i++) {
        struct ph_link *next;
        for (struct ph_link *at = lists[i]->next; at != lists[i]; at = next) {
            next = at->next;
            ph_mapping_unmap(PH_CONTAINER(at, struct ph_mapping, in_gateway));
        }
    }
    if (e->alive > 0)
        ph_heap_set(&e->heap, &e->stop_timer, deadline > e->now ? deadline : e->now);
}

static int on_id(struct ph_engine *e, enum ph_input_type type, porthole_id id) {
    struct ph_mapping *m = ph_mapping_find(e, id);
    if (!m || m->hidden)
        return PORTHOLE_ERR_UNKNOWN_ID;
    if (m->is_errand && type == PH_INPUT_UNMAP)
        ph_mapping_finish(m); /* it is given up */
    else if (type == PH_INPUT_UNMAP)
        ph_mapping_unmap(m);
    else
        ph_mapping_refresh(m);
    return 0;
}

/* ---- Time ------------------------------------------------------------------------------------ */

static void fire(struct ph_engine *e, struct ph_timer *timer) {
    switch ((enum ph_timer_kind)timer->kind) {
    case PH_TIMER_MAPPING:
        ph_mapping_run(PH_CONTAINER(timer, struct ph_mapping, timer));
        break;
    case PH_TIMER_PCP:
        ph_gateway_timer(e->gateway, PORTHOLE_PCP);
        break;
    case PH_TIMER_NATPMP:
        ph_gateway_timer(e->gateway, PORTHOLE_NATPMP);
        break;
    case PH_TIMER_UPNP:
        ph_gateway_timer(e->gateway, PORTHOLE_UPNP);
        break;
    case PH_TIMER_RECHECK:
        ph_recheck_timer(e->gateway);
        break;
    case PH_TIMER_PROBE:
        ph_probe_check(e);
        ph_probe_end(e);
        break;
    case PH_TIMER_STOP:
        finish_all(&e->homeless);
        if (e->gateway)
            finish_all(&e->gateway->mappings);
        break;
    }
}

/* Fires what is due. A timer is cleared before it fires, and what it sets anew lies in the future,
 * so each pass ends. */
static void fire_due(struct ph_engine *e) {
    struct ph_timer *timer = ph_heap_first(&e->heap);
    while (timer && timer->due <= e->now) {
        ph_heap_set(&e->heap, timer, PH_NEVER);
        fire(e, timer);
        timer = ph_heap_first(&e->heap);
    }
}

/* ---- Step ------------------------------------------------------------------------------------ */

static int dispatch(struct ph_engine *e, const struct ph_input *input) {
    if (ph_engine_is_stopped(e) && input->type <= PH_INPUT_HTTP_FAILED)
        return 0; /* nothing that comes from outside is looked at any more */
    switch (input->type) {
    case PH_INPUT_NETWORK:
        return on_network(e, input->u.network);
    case PH_INPUT_DATAGRAM:
        on_datagram(e, input);
        return 0;
    case PH_INPUT_UNREACHABLE:
        on_unreachable(e, input);
        return 0;
    case PH_INPUT_HTTP_REPLY:
        on_http(e, input->u.http_reply.exchange, input->u.http_reply.message, 0);
        return 0;
    case PH_INPUT_HTTP_FAILED:
        on_http(e, input->u.http_failed.exchange, NULL, input->u.http_failed.error);
        return 0;
    case PH_INPUT_TIMER:
        return 0; /* what is due is fired in every step */
    case PH_INPUT_MAP:
        return on_map(e, input);
    case PH_INPUT_REMOVE:
        return on_remove(e, input);
    case PH_INPUT_UNMAP:
    case PH_INPUT_REFRESH:
        return on_id(e, input->type, input->u.id);
    case PH_INPUT_PROBE:
        if (e->is_stopping)
            return PORTHOLE_ERR_STATE;
        return ph_probe_start(e, input->u.probe.deadline, input->u.probe.address_only);
    case PH_INPUT_STOP:
        on_stop(e, input->u.stop_deadline);
        return 0;
    }
    return PORTHOLE_ERR_INVALID;
}

int ph_engine_step(struct ph_engine *e, ph_us now, const struct ph_input *input,
                   struct ph_effects *ret_effects) {
    if (now > e->now)
        e->now = now;
    e->effect_count = 0;
    e->byte_count = 0;
    bury(e);
    int result = dispatch(e, input);
    for (bool is_settled = false; !is_settled;) {
        if (e->gateway)
            ph_gateway_settle(e->gateway);
        fire_due(e);
        ph_probe_check(e);
        is_settled = !(e->gateway && e->gateway->is_dirty) && ph_heap_due(&e->heap) > e->now;
    }
    if (ph_engine_is_stopped(e)) {
        ph_heap_set(&e->heap, &e->stop_timer, PH_NEVER);
        if (e->gateway)
            ph_gateway_silence(e->gateway);
    }
    *ret_effects = (struct ph_effects){e->effects, e->effect_count, e->bytes};
    return result;
}

ph_us ph_engine_deadline(const struct ph_engine *e) { return ph_heap_due(&e->heap); }

bool ph_engine_next_event(struct ph_engine *e, struct ph_event *ret) {
    if (ph_list_is_empty(&e->events))
        return false;
    struct ph_mapping *m = PH_CONTAINER(e->events.next, struct ph_mapping, in_events);
    ph_link_remove(&m->in_events);
    ret->type = (enum porthole_event_type)m->event;
    ph_mapping_info(m, &ret->info);
    m->event = 0;
    if (m->state == PORTHOLE_DESTROYED)
        ph_mapping_free(m);
    return true;
}

bool ph_engine_is_stopped(const struct ph_engine *e) { return e->is_stopping && e->alive == 0; }

bool ph_engine_query(const struct ph_engine *e, porthole_id id, struct ph_mapping_info *ret) {
    const struct ph_mapping *m = ph_mapping_find(e, id);
    if (!m || m->hidden)
        return false;
    ph_mapping_info(m, ret);
    return true;
}

size_t ph_engine_count(const struct ph_engine *e) { return e->count; }

void ph_engine_each(const struct ph_engine *e, void (*fn)(void *user, porthole_id id), void *user) {
    const struct ph_link *lists[] = {&e->homeless, e->gateway ? &e->gateway->mappings : NULL};
    for (unsigned i = 0; i < 2 && lists[i]; i++) {
        for (struct ph_link *at = lists[i]->next; at != lists[i]; at = at->next) {
            struct ph_mapping *m = PH_CONTAINER(at, struct ph_mapping, in_gateway);
            if (!m->hidden && m->state != PORTHOLE_DESTROYING)
                fn(user, m->id);
        }
    }
}

const struct ph_path *ph_engine_path(const struct ph_engine *e, uint32_t gateway) {
    return e->gateway && (gateway == 0 || gateway == e->gateway->id) ? &e->gateway->path : NULL;
}

const struct ph_probe_result *ph_engine_probe(const struct ph_engine *e) {
    return &e->probe.result;
}

const char *ph_code_text(enum porthole_method method, int code) {
    if (code <= 0 || method == PORTHOLE_NONE || method == PORTHOLE_DIRECT)
        return "";
    if (method == PORTHOLE_UPNP)
        return ph_upnp_error_name((unsigned)code);
    return method == PORTHOLE_PCP ? ph_pcp_result_name((unsigned)code)
                                  : ph_natpmp_result_name((unsigned)code);
}
