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
    if (e->config.unhinted_period == 0)
        e->config.unhinted_period = e->config.recheck_period;
    e->network_error = PORTHOLE_ERR_NO_NETWORK;
    e->is_offline = true;
    e->nowhere.users = 1; /* it is never freed */
    ph_link_init(&e->former);
    ph_link_init(&e->homeless);
    ph_link_init(&e->events);
    ph_link_init(&e->graveyard);
    ph_heap_init(&e->heap);
    if (!ph_table_init(&e->by_id) || !ph_table_init(&e->by_port) ||
        !ph_heap_reserve(&e->heap, &e->probe.timer, PH_TIMER_PROBE) ||
        !ph_heap_reserve(&e->heap, &e->list.timer, PH_TIMER_LIST) ||
        !ph_heap_reserve(&e->heap, &e->offline_timer, PH_TIMER_OFFLINE) ||
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
        ph_list_append(&e->former, &e->gateway->link);
    for (struct ph_link *at = e->former.next; at != &e->former; at = next) {
        struct ph_gateway *g = PH_CONTAINER(at, struct ph_gateway, link);
        next = at->next;
        free_mappings(e, &g->mappings);
        ph_gateway_free(g);
    }
    ph_table_done(&e->by_id);
    ph_table_done(&e->by_port);
    ph_heap_done(&e->heap);
    free(e->list.result.entries);
    free(e->effects);
    free(e->bytes);
    free(e);
}

/* The present gateway or a former one. */
static struct ph_gateway *find_gateway(const struct ph_engine *e, uint32_t id) {
    if (e->gateway && e->gateway->id == id)
        return e->gateway;
    for (struct ph_link *at = e->former.next; at != &e->former; at = at->next) {
        struct ph_gateway *g = PH_CONTAINER(at, struct ph_gateway, link);
        if (g->id == id)
            return g;
    }
    return NULL;
}

/* ---- From the network ------------------------------------------------------------------------ */

static void on_control(struct ph_gateway *g, const uint8_t *bytes, size_t len) {
    /* PCP and NAT-PMP share port and socket; the version is the first byte of both. Version 0 with
     * result 1, UNSUPP_VERSION, answers a PCP request when one is out: NAT-PMP requests are version
     * 0 themselves. */
    bool is_v0 = len >= 4 && bytes[0] == PH_NATPMP_VERSION;
    bool is_unsupported = is_v0 && bytes[2] == 0 && bytes[3] == PH_NATPMP_UNSUPP_VERSION;
    bool is_pcp_asked = g->methods[PORTHOLE_PCP].state != PH_METHOD_IDLE || g->pcp.tries > 0;
    if (is_v0 && !(is_unsupported && is_pcp_asked))
        ph_natpmp_client_datagram(g, bytes, len);
    else
        ph_pcp_client_datagram(g, bytes, len);
}

static void on_datagram(struct ph_engine *e, const struct ph_input *input) {
    struct ph_gateway *g = find_gateway(e, input->u.datagram.gateway);
    if (!g)
        return;
    if (input->u.datagram.channel == PH_CHANNEL_CONTROL) {
        /* The socket is connected; but what a driver promises is checked where it matters. */
        if (ph_addr_equal(&input->u.datagram.from.addr, &g->path.gateway) &&
            input->u.datagram.from.port == PH_PCP_PORT)
            on_control(g, input->u.datagram.bytes, input->u.datagram.len);
    } else if (input->u.datagram.channel >= PH_CHANNEL_ANNOUNCE) {
        ph_hint_datagram(g, input->u.datagram.channel, &input->u.datagram.from,
                         input->u.datagram.bytes, input->u.datagram.len);
    } else {
        ph_upnp_search_datagram(g, &input->u.datagram.from, input->u.datagram.bytes,
                                input->u.datagram.len);
    }
}

static void on_unreachable(struct ph_engine *e, const struct ph_input *input) {
    struct ph_gateway *g = find_gateway(e, input->u.unreachable.gateway);
    if (!g)
        return;
    ph_gateway_unreachable(g, input->u.unreachable.channel, input->u.unreachable.error);
    for (unsigned i = PORTHOLE_PCP; i <= PORTHOLE_NATPMP; i++)
        if (input->u.unreachable.error == PORTHOLE_ERR_PORT_CLOSED &&
            ph_network_is_doubted(g, (enum porthole_method)i))
            ph_network_denied(g, (enum porthole_method)i);
}

/* Whether the exchange was this gateway's. */
static bool on_http_of(struct ph_gateway *g, uint32_t exchange,
                       const struct ph_http_message *message, int error) {
    if (g->upnp.exchange == exchange) {
        if (message)
            ph_upnp_search_reply(g, message);
        else
            ph_upnp_search_failed(g, error);
        return true;
    }
    for (unsigned i = 0; i < PH_HTTP_WINDOW; i++) {
        if (g->upnp.exchanges[i].id != exchange)
            continue;
        if (message)
            ph_upnp_action_reply(g, g->upnp.exchanges[i].mapping, message);
        else
            ph_upnp_action_failed(g, g->upnp.exchanges[i].mapping, error);
        return true;
    }
    return ph_listing_answer(g, exchange, message, error);
}

static void on_http(struct ph_engine *e, uint32_t exchange, const struct ph_http_message *message,
                    int error) {
    bool is_taken = exchange == 0;
    if (!is_taken && e->gateway)
        is_taken = on_http_of(e->gateway, exchange, message, error);
    for (struct ph_link *at = e->former.next; at != &e->former && !is_taken; at = at->next)
        is_taken = on_http_of(PH_CONTAINER(at, struct ph_gateway, link), exchange, message, error);
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

/* Whatever the gateways still hold. */
static void finish_all(struct ph_engine *e) {
    while (!ph_list_is_empty(&e->homeless))
        ph_mapping_finish(PH_CONTAINER(e->homeless.next, struct ph_mapping, in_gateway));
    if (e->gateway)
        ph_network_finish(e->gateway);
    for (struct ph_link *at = e->former.next; at != &e->former; at = at->next)
        ph_network_finish(PH_CONTAINER(at, struct ph_gateway, link));
}

/* Datagrams are out when they are asked to go; a delete that needs a connection is not. */
static bool is_handing_over(const struct ph_engine *e) {
    for (unsigned i = 0; e->gateway && i < PH_HTTP_WINDOW; i++)
        if (e->gateway->upnp.exchanges[i].id != 0)
            return true;
    return false;
}

static void on_stop(struct ph_engine *e, ph_us deadline) {
    e->is_stopping = true;
    ph_probe_end(e);
    ph_list_end(e, PORTHOLE_ERR_CANCELLED);
    struct ph_link *lists[] = {&e->homeless, e->gateway ? &e->gateway->mappings : &e->homeless};
    for (unsigned i = 0; i < 2; i++) {
        struct ph_link *next;
        for (struct ph_link *at = lists[i]->next; at != lists[i]; at = next) {
            next = at->next;
            ph_mapping_unmap(PH_CONTAINER(at, struct ph_mapping, in_gateway));
        }
    }
    ph_us least = e->now + (is_handing_over(e) ? PH_HANDOVER : 0);
    if (e->alive > 0)
        ph_heap_set(&e->heap, &e->stop_timer, deadline > least ? deadline : least);
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

#define METHOD_OWNER(timer, method) PH_CONTAINER(timer, struct ph_gateway, methods[method].timer)

static void fire(struct ph_engine *e, struct ph_timer *timer) {
    switch ((enum ph_timer_kind)timer->kind) {
    case PH_TIMER_MAPPING:
        ph_mapping_run(PH_CONTAINER(timer, struct ph_mapping, timer));
        break;
    case PH_TIMER_PCP:
        ph_gateway_timer(METHOD_OWNER(timer, PORTHOLE_PCP), PORTHOLE_PCP);
        break;
    case PH_TIMER_NATPMP:
        ph_gateway_timer(METHOD_OWNER(timer, PORTHOLE_NATPMP), PORTHOLE_NATPMP);
        break;
    case PH_TIMER_UPNP:
        ph_gateway_timer(METHOD_OWNER(timer, PORTHOLE_UPNP), PORTHOLE_UPNP);
        break;
    case PH_TIMER_RECHECK:
        ph_recheck_timer(PH_CONTAINER(timer, struct ph_gateway, recheck));
        break;
    case PH_TIMER_DOUBT:
        ph_network_doubt_timer(PH_CONTAINER(timer, struct ph_gateway, doubt));
        break;
    case PH_TIMER_LEAVE:
        ph_network_finish(PH_CONTAINER(timer, struct ph_gateway, leave));
        break;
    case PH_TIMER_OFFLINE:
        ph_network_offline_timer(e);
        break;
    case PH_TIMER_HINT:
        ph_hint_timer(PH_CONTAINER(timer, struct ph_gateway, hints.timer));
        break;
    case PH_TIMER_PROBE:
        ph_probe_check(e);
        ph_probe_end(e);
        break;
    case PH_TIMER_LIST:
        ph_list_end(e, PORTHOLE_ERR_TIMEOUT);
        break;
    case PH_TIMER_STOP:
        finish_all(e);
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
        return ph_network_change(e, input->u.network);
    case PH_INPUT_RESUMED:
        ph_network_resumed(e);
        return 0;
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
    case PH_INPUT_LIST:
        return e->is_stopping ? PORTHOLE_ERR_STATE : ph_list_start(e, input->u.list_deadline);
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
    e->heap.horizon = e->now + PH_SOON;
    e->effect_count = 0;
    e->byte_count = 0;
    bury(e);
    ph_network_forget(e);
    int result = dispatch(e, input);
    for (bool is_settled = false; !is_settled;) {
        if (e->gateway)
            ph_gateway_settle(e->gateway);
        ph_network_settle(e);
        fire_due(e);
        if (e->gateway)
            ph_listing_run(e->gateway);
        ph_probe_check(e);
        is_settled = !(e->gateway && e->gateway->is_dirty) && ph_heap_due(&e->heap) > e->now;
    }
    ph_network_settle(e);
    if (ph_engine_is_stopped(e)) {
        ph_heap_set(&e->heap, &e->stop_timer, PH_NEVER);
        ph_network_silence(e);
        if (e->gateway)
            ph_gateway_silence(e->gateway);
    }
    *ret_effects = (struct ph_effects){e->effects, e->effect_count, e->bytes};
    return result;
}

ph_us ph_engine_deadline(const struct ph_engine *e) { return ph_heap_due(&e->heap); }

bool ph_engine_first_event(const struct ph_engine *e, struct ph_event *ret) {
    if (ph_list_is_empty(&e->events))
        return false;
    const struct ph_mapping *m = PH_CONTAINER(e->events.next, struct ph_mapping, in_events);
    ret->type = (enum porthole_event_type)m->event;
    ph_mapping_info(m, &ret->info);
    return true;
}

void ph_engine_drop_event(struct ph_engine *e) {
    struct ph_mapping *m = PH_CONTAINER(e->events.next, struct ph_mapping, in_events);
    ph_link_remove(&m->in_events);
    m->event = 0;
    if (m->state == PORTHOLE_DESTROYED)
        ph_mapping_free(m);
}

bool ph_engine_next_event(struct ph_engine *e, struct ph_event *ret) {
    bool is_there = ph_engine_first_event(e, ret);
    if (is_there)
        ph_engine_drop_event(e);
    return is_there;
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
                fn(user, m->by_id.key);
        }
    }
}

const struct ph_path *ph_engine_path(const struct ph_engine *e, uint32_t gateway) {
    const struct ph_gateway *g = gateway == 0 ? e->gateway : find_gateway(e, gateway);
    return g && (gateway != 0 || !e->is_offline) ? &g->path : NULL;
}

const struct ph_probe_result *ph_engine_probe(const struct ph_engine *e) {
    return &e->probe.result;
}

const struct ph_list_result *ph_engine_list(const struct ph_engine *e) { return &e->list.result; }

porthole_id ph_engine_holder(const struct ph_engine *e, const struct ph_portlist_entry *entry) {
    uint64_t key = ph_mapping_port_key(entry->protocol, entry->internal_port);
    struct ph_node *node = ph_table_find(&e->by_port, key);
    for (; node; node = ph_table_find_next(node)) {
        const struct ph_mapping *m = PH_CONTAINER(node, struct ph_mapping, by_port);
        if (m->state == PORTHOLE_SUCCESS && !m->hidden && m->external.port == entry->external_port)
            return m->by_id.key;
    }
    return 0;
}

const char *ph_code_text(enum porthole_method method, int code) {
    if (code <= 0 || method == PORTHOLE_NONE || method == PORTHOLE_DIRECT)
        return "";
    if (method == PORTHOLE_UPNP)
        return ph_upnp_error_name((unsigned)code);
    return method == PORTHOLE_PCP ? ph_pcp_result_name((unsigned)code)
                                  : ph_natpmp_result_name((unsigned)code);
}
