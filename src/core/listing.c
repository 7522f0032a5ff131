/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * listing.c: what a UPnP device has mapped, for whoever wants to know: the application, and errands
 * that look for what is to be removed. A device of version 2 is asked for its list, and the index
 * behind it for whether that was all; any other is asked index by index, several at a time, until
 * two readings agree. Nothing is changed at the device.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/state.h"
#include "wire/soap.h"

/* Nobody waits longer for an action that there is another way for. */
#define LIST_DEADLINE PH_SECONDS(5)
#define NO_END UINT32_MAX

const struct ph_portlist_entry *ph_listing_next(const struct ph_gateway *g, unsigned protocol,
                                                const struct ph_addr *client, unsigned above) {
    const struct ph_listing_table *told = &g->listing->told;
    for (size_t i = 0; i < told->count; i++) {
        const struct ph_portlist_entry *entry = ph_listing_table_at(told, i);
        if (entry->external_port > above && entry->protocol == protocol &&
            ph_addr_equal(&entry->client, client))
            return entry;
    }
    return NULL;
}

/* ---- Exchanges ------------------------------------------------------------------------------- */

static unsigned count_slots(const struct ph_listing *l) {
    unsigned count = 0;
    for (unsigned i = 0; i < PH_LISTING_SLOTS; i++)
        count += l->slots[i].exchange != 0;
    return count;
}

static uint32_t post_index(struct ph_gateway *g, uint32_t index) {
    char text[12];
    snprintf(text, sizeof text, "%lu", (unsigned long)index);
    const struct ph_soap_argument arguments[] = {{"NewPortMappingIndex", text}};
    return ph_upnp_action_post(g, "GetGenericPortMappingEntry", arguments, 1,
                               g->engine->now + PH_HTTP_DEADLINE);
}

/* NewManage 1: those of others as well; NewNumberOfPorts 0: all (WANIPConnection:2 §2.5.21). */
static uint32_t post_list(struct ph_gateway *g, enum porthole_protocol protocol) {
    const struct ph_soap_argument arguments[] = {
        {"NewStartPort", "0"},
        {"NewEndPort", "65535"},
        {"NewProtocol", protocol == PORTHOLE_TCP ? "TCP" : "UDP"},
        {"NewManage", "1"},
        {"NewNumberOfPorts", "0"},
    };
    return ph_upnp_action_post(g, "GetListOfPortMappings", arguments, 5,
                               g->engine->now + LIST_DEADLINE);
}

/* In a slot that has a place in the window; false: out of memory. */
static bool send_slot(struct ph_gateway *g, struct ph_listing_slot *slot) {
    bool is_list = g->listing->phase == PH_LISTING_ASKED;
    slot->tries++;
    slot->exchange = is_list ? post_list(g, slot->index ? PORTHOLE_UDP : PORTHOLE_TCP)
                             : post_index(g, slot->index);
    return slot->exchange != 0;
}

static void free_slot(struct ph_gateway *g, struct ph_listing_slot *slot) {
    struct ph_method *method = &g->methods[PORTHOLE_UPNP];
    slot->exchange = 0;
    method->in_flight--;
    ph_attempt_serve(method);
}

static void cancel_slots(struct ph_gateway *g) {
    for (unsigned i = 0; i < PH_LISTING_SLOTS; i++) {
        struct ph_listing_slot *slot = &g->listing->slots[i];
        if (slot->exchange == 0)
            continue;
        ph_effect_cancel(g->engine, slot->exchange);
        free_slot(g, slot);
    }
}

/* ---- Beginning and end ----------------------------------------------------------------------- */

bool ph_listing_want(struct ph_gateway *g) {
    if (!g->listing)
        g->listing = calloc(1, sizeof *g->listing);
    if (!g->listing)
        return false;
    if (!g->listing->is_wanted)
        g->listing->has_searched = false;
    g->listing->is_wanted = true;
    return true;
}

bool ph_listing_is_wanted(const struct ph_gateway *g) {
    return g->listing && g->listing->is_wanted;
}

void ph_listing_drop(struct ph_gateway *g) {
    struct ph_listing *l = g->listing;
    if (!l)
        return;
    cancel_slots(g);
    l->phase = PH_LISTING_IDLE;
}

void ph_listing_stop(struct ph_gateway *g) {
    ph_listing_drop(g);
    if (g->listing)
        g->listing->is_wanted = false;
}

void ph_listing_free(struct ph_gateway *g) {
    if (!g->listing)
        return;
    ph_listing_table_free(&g->listing->now);
    ph_listing_table_free(&g->listing->before);
    ph_listing_table_free(&g->listing->told);
    free(g->listing);
    g->listing = NULL;
}

static void begin_pass(struct ph_gateway *g, enum ph_listing_phase phase) {
    struct ph_listing *l = g->listing;
    l->phase = (uint8_t)phase;
    l->now.count = 0;
    l->next = l->past = 0;
    l->end = NO_END;
    l->repeats = l->end_code = 0;
    l->memory = 0;
}

static void begin_walk(struct ph_gateway *g) {
    g->listing->passes = 0;
    begin_pass(g, PH_LISTING_WALK);
}

static void begin(struct ph_gateway *g) {
    struct ph_listing *l = g->listing;
    const struct ph_igd_service *service = &g->upnp.description->services[g->upnp.service];
    const struct ph_upnp_facts *facts = g->upnp.facts;
    bool has_list = service->version >= 2 && !facts->is_old && !facts->has_no_list;
    l->is_cut = false;
    begin_walk(g);
    if (has_list)
        begin_pass(g, PH_LISTING_ASKED);
}

/* A reading that is broken off may have less than the one before it. */
static struct ph_listing_table *best_table(struct ph_listing *l, bool is_broken) {
    bool is_less = l->passes > 0 && l->before.count > l->now.count;
    return is_broken && is_less ? &l->before : &l->now;
}

/* The walk is over: told to all who wait for it. */
static void end(struct ph_gateway *g, int error, int code, unsigned flags) {
    struct ph_listing *l = g->listing;
    struct ph_link *next;
    struct ph_listing_table *best = best_table(l, error != 0);
    cancel_slots(g);
    ph_listing_table_free(&l->told);
    l->told = *best;
    *best = (struct ph_listing_table){.at = NULL};
    ph_listing_table_free(&l->now);
    ph_listing_table_free(&l->before);
    l->phase = PH_LISTING_IDLE;
    l->is_wanted = false;
    l->error = error;
    l->code = code;
    l->flags = flags | (l->is_cut ? PORTHOLE_LIST_CUT : 0);
    ph_trace(g->engine, PORTHOLE_LOG_DEBUG, "upnp: the list has %u entries: %s, code %d%s%s",
             (unsigned)l->told.count, porthole_strerror(error), code, l->is_cut ? ", cut" : "",
             flags & PORTHOLE_LIST_CHANGED ? ", and changes" : "");
    if (g == g->engine->gateway)
        ph_list_end(g->engine, error);
    for (struct ph_link *at = g->mappings.next; at != &g->mappings; at = next) {
        struct ph_mapping *m = PH_CONTAINER(at, struct ph_mapping, in_gateway);
        next = at->next;
        if (m->is_errand)
            ph_errand_listed(m);
    }
}

/* ---- A pass along the index ------------------------------------------------------------------ */

/* Whether an index is still to be asked for. Some count from 1 (indutny/node-nat-upnp#29). */
static bool has_next(const struct ph_listing *l) {
    if (l->memory || l->is_cut)
        return false;
    if (l->phase == PH_LISTING_ASKED)
        return l->next < 2; /* protocols */
    if (l->phase == PH_LISTING_CHECKED)
        return l->next == l->now.count;
    return l->end == NO_END || (l->end == 0 && l->next <= 1);
}

static bool is_end_code(unsigned code) {
    return code == 0 || code == PH_UPNP_ARRAY_INDEX_INVALID || code == PH_UPNP_NO_SUCH_ENTRY ||
           code == PH_UPNP_INVALID_ARGS || code == PH_UPNP_ACTION_FAILED ||
           code == PH_UPNP_PORT_MAPPING_NOT_FOUND;
}

static void end_pass(struct ph_gateway *g) {
    struct ph_listing *l = g->listing;
    bool is_agreed = l->passes > 0 && ph_listing_table_is_same(&l->now, &l->before);
    if (l->memory || l->is_cut || is_agreed) {
        end(g, l->memory, 0, 0);
    } else if (l->now.count == 0 && l->passes == 0) {
        bool is_empty = is_end_code(l->end_code);
        end(g, is_empty ? 0 : ph_upnp_error_error(l->end_code), is_empty ? 0 : (int)l->end_code, 0);
    } else if (++l->passes == PH_LISTING_PASSES_MAX) {
        end(g, 0, 0, PORTHOLE_LIST_CHANGED);
    } else {
        struct ph_listing_table again = l->before;
        l->before = l->now;
        l->now = again;
        begin_pass(g, PH_LISTING_WALK);
    }
}

/* By the places that mappings leave. False: the pass was over. */
static bool pump(struct ph_gateway *g) {
    struct ph_listing *l = g->listing;
    struct ph_method *method = &g->methods[PORTHOLE_UPNP];
    for (unsigned i = 0; i < PH_LISTING_SLOTS && has_next(l); i++) {
        if (l->slots[i].exchange != 0 || method->in_flight >= method->window)
            continue;
        method->in_flight++;
        l->slots[i] = (struct ph_listing_slot){.index = l->next++};
        if (!send_slot(g, &l->slots[i])) {
            free_slot(g, &l->slots[i]);
            l->memory = PORTHOLE_ERR_NO_MEMORY;
        }
    }
    bool is_over =
        count_slots(l) == 0 && (l->phase == PH_LISTING_WALK || l->memory) && !has_next(l);
    if (is_over)
        end_pass(g);
    return !is_over;
}

/* True: there is nothing more to do now. */
static bool run_once(struct ph_gateway *g) {
    struct ph_listing *l = g->listing;
    const struct ph_method *status = &g->methods[PORTHOLE_UPNP];
    if (!l || !l->is_wanted)
        return true;
    if (status->state == PH_METHOD_ALIVE && g->upnp.phase == PH_UPNP_READY) {
        if (l->phase == PH_LISTING_IDLE)
            begin(g);
        return pump(g);
    } else if (status->state == PH_METHOD_DEAD) {
        end(g, status->error, status->code, 0);
    } else if (g != g->engine->gateway) {
        end(g, PORTHOLE_ERR_NO_GATEWAY, 0, 0);
    } else {
        ph_gateway_ask(g, PORTHOLE_UPNP);
    }
    return true;
}

void ph_listing_run(struct ph_gateway *g) {
    while (!run_once(g)) {
    }
}

/* ---- Answers --------------------------------------------------------------------------------- */

static void add_entry(struct ph_listing *l, const struct ph_portlist_entry *entry) {
    if (l->now.count == PH_LISTING_MAX) {
        l->is_cut = true;
        return;
    }
    int added = ph_listing_table_add(&l->now, entry);
    if (added < 0)
        l->memory = added;
    l->repeats = added == 0 ? l->repeats + 1 : 0;
}

static void listed(void *user, const struct ph_portlist_entry *entry) { add_entry(user, entry); }

static void list_answered(struct ph_gateway *g, const struct ph_http_message *message) {
    struct ph_listing *l = g->listing;
    unsigned fault = 0;
    int error = message ? ph_portlist_read(message->body, listed, l, &fault) : PORTHOLE_ERR_TIMEOUT;
    bool is_told = error == 0 && (fault == 0 || fault == PH_UPNP_PORT_MAPPING_NOT_FOUND);
    if (message && !is_told)
        g->upnp.facts->has_no_list = true;
    if (!is_told || l->is_cut) {
        cancel_slots(g);
        l->is_cut = false;
        begin_walk(g);
    } else if (++l->past == 2) {
        l->phase = PH_LISTING_CHECKED;
        l->next = (uint32_t)l->now.count;
    }
}

/* Nothing is at that index, by a fault or by an answer that makes no sense. */
static void found_none(struct ph_gateway *g, uint32_t index, unsigned code) {
    struct ph_listing *l = g->listing;
    if (l->phase == PH_LISTING_CHECKED) {
        end(g, 0, 0, 0);
        return;
    }
    if (index == 0 || l->end_code == 0)
        l->end_code = code;
    if (index >= l->past && index < l->end)
        l->end = index;
}

static void found(struct ph_gateway *g, uint32_t index, const struct ph_portlist_entry *entry) {
    struct ph_listing *l = g->listing;
    if (l->phase == PH_LISTING_CHECKED) {
        /* It told less than it has (miniupnp/miniupnp#462). */
        ph_trace(g->engine, PORTHOLE_LOG_DEBUG, "upnp: the list is not whole");
        begin_walk(g);
        return;
    }
    add_entry(l, entry);
    l->is_cut |= l->repeats >= PH_LISTING_REPEATS_MAX;
    if (index >= l->past)
        l->past = index + 1;
    if (l->end != NO_END && index > l->end)
        l->end = NO_END; /* a gap */
}

/* The device is gone, or was never where it was asked: it is looked for once. */
static void lose_device(struct ph_gateway *g, int error) {
    ph_us found_at = g->methods[PORTHOLE_UPNP].asked;
    bool is_new = g->engine->now < found_at + PH_HTTP_DEADLINE;
    if (g->listing->has_searched || is_new || g != g->engine->gateway) {
        end(g, error, 0, 0);
        return;
    }
    g->listing->has_searched = true;
    ph_gateway_dead(g, PORTHOLE_UPNP, error, 0);
    ph_upnp_search_lost(g);
}

static void index_failed(struct ph_gateway *g, struct ph_listing_slot *slot, int error,
                         bool is_moved) {
    if (!is_moved && slot->tries < PH_LISTING_TRIES_MAX && send_slot(g, slot))
        return;
    bool is_check = g->listing->phase == PH_LISTING_CHECKED;
    free_slot(g, slot);
    if (is_moved)
        lose_device(g, error);
    else
        end(g, is_check ? 0 : error, 0, 0); /* who cannot tell it cannot deny the list */
}

static void index_answered(struct ph_gateway *g, struct ph_listing_slot *slot,
                           const struct ph_http_message *message) {
    struct ph_soap_message reply;
    struct ph_portlist_entry entry;
    uint32_t index = slot->index;
    int error = ph_soap_decode(message->body, &reply);
    if (error < 0 || (message->status != 200 && reply.error_code == 0)) {
        index_failed(g, slot, error < 0 ? error : PORTHOLE_ERR_REFUSED, message->status == 404);
        return;
    }
    free_slot(g, slot);
    if (reply.error_code == 0 && ph_portlist_from_reply(&reply, &entry) == 0)
        found(g, index, &entry);
    else
        found_none(g, index, reply.error_code);
}

bool ph_listing_answer(struct ph_gateway *g, uint32_t exchange,
                       const struct ph_http_message *message, int error) {
    struct ph_listing *l = g->listing;
    struct ph_listing_slot *slot = NULL;
    for (unsigned i = 0; l && i < PH_LISTING_SLOTS; i++)
        if (l->slots[i].exchange == exchange)
            slot = &l->slots[i];
    if (!slot)
        return false;
    if (message)
        g->methods[PORTHOLE_UPNP].heard = g->engine->now;
    if (l->phase == PH_LISTING_ASKED) {
        free_slot(g, slot);
        list_answered(g, message);
    } else if (message) {
        index_answered(g, slot, message);
    } else {
        index_failed(g, slot, error, error == PORTHOLE_ERR_PORT_CLOSED);
    }
    return true;
}

/* ---- The application's question -------------------------------------------------------------- */

int ph_list_start(struct ph_engine *e, ph_us deadline) {
    struct ph_gateway *g = e->gateway;
    struct ph_list_request *list = &e->list;
    if (list->is_active)
        return PORTHOLE_ERR_STATE;
    free(list->result.entries);
    list->result = (struct ph_list_result){.has_path = g && !e->is_offline};
    if (!list->result.has_path)
        return e->network_error;
    list->result.path = g->path;
    if (!(e->config.methods & PORTHOLE_USE_UPNP))
        return PORTHOLE_ERR_UNSUPPORTED;
    if (!ph_listing_want(g))
        return PORTHOLE_ERR_NO_MEMORY;
    list->is_active = true;
    list->started = e->now;
    ph_heap_set(&e->heap, &list->timer, deadline);
    ph_gateway_reset(g);
    return 0;
}

static void copy_entries(const struct ph_listing_table *from, struct ph_list_result *ret) {
    if (from->count == 0)
        return;
    ret->entries = malloc(from->count * sizeof *ret->entries);
    if (!ret->entries) {
        ret->error = PORTHOLE_ERR_NO_MEMORY;
        return;
    }
    ret->count = from->count;
    for (size_t i = 0; i < from->count; i++)
        ret->entries[i] = *ph_listing_table_at(from, i);
}

static bool has_errands(const struct ph_gateway *g) {
    for (const struct ph_link *at = g->mappings.next; at != &g->mappings; at = at->next)
        if (PH_CONTAINER(at, struct ph_mapping, in_gateway)->is_errand)
            return true;
    return false;
}

void ph_list_end(struct ph_engine *e, int error) {
    struct ph_list_request *list = &e->list;
    if (!list->is_active)
        return;
    struct ph_listing *l = e->gateway->listing;
    bool is_over = !l->is_wanted;
    list->is_active = false;
    ph_heap_set(&e->heap, &list->timer, PH_NEVER);
    list->result.done = true;
    list->result.elapsed = e->now - list->started;
    list->result.error = error;
    list->result.code = is_over ? l->code : 0;
    list->result.flags = is_over ? l->flags : 0;
    ph_probe_describe(e->gateway, list->result.device);
    copy_entries(is_over ? &l->told : best_table(l, true), &list->result);
    /* An errand may wait for the same walk. */
    if (!is_over && !has_errands(e->gateway))
        ph_listing_stop(e->gateway);
}
