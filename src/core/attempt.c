/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * attempt.c: one request of one mapping by one method, and the window of such requests that may be
 * in flight to a gateway. Mappings are pipelined so that N of them cost N/window round trips; the
 * window grows with answers and shrinks with losses and with a gateway that gets slow, because what
 * overflows its socket is lost.
 */
#include "core/state.h"

/* The longest that a gateway is believed to be slow. */
#define SLOW_MAX PH_SECONDS(4)

struct ph_mapping *ph_attempt_mapping(struct ph_attempt *a) {
    return PH_CONTAINER(a - (a->method - 1), struct ph_mapping, attempts);
}

static struct ph_method *method_of(struct ph_attempt *a) {
    return &ph_attempt_mapping(a)->gateway->methods[a->method];
}

void ph_attempt_init(struct ph_attempt *a, enum porthole_method method) {
    *a = (struct ph_attempt){.method = (uint8_t)method};
    ph_attempt_move(a, PH_ATTEMPT_IDLE);
}

void ph_attempt_move(struct ph_attempt *a, enum ph_attempt_state state) {
    struct ph_mapping *m = ph_attempt_mapping(a);
    unsigned others = m->busy & ~(1U << a->method);
    a->state = (uint8_t)state;
    m->busy = (uint8_t)(others | (state == PH_ATTEMPT_IDLE ? 0 : 1U << a->method));
}

static void send_first(struct ph_attempt *a, struct ph_method *method) {
    method->in_flight++;
    ph_attempt_move(a, PH_ATTEMPT_ASKED);
    a->tries = 0;
    if (a->method == PORTHOLE_UPNP)
        ph_attempt_mapping(a)->upnp_step = PH_UPNP_STEP_BEGIN;
    a->first_sent = ph_attempt_mapping(a)->engine->now;
    ph_attempt_send(a);
}

void ph_attempt_start(struct ph_attempt *a, enum ph_purpose purpose) {
    struct ph_method *method = method_of(a);
    ph_attempt_drop(a, PH_ATTEMPT_IDLE);
    a->purpose = (uint8_t)purpose;
    if (method->in_flight < method->window) {
        send_first(a, method);
    } else {
        ph_attempt_move(a, PH_ATTEMPT_QUEUED);
        ph_list_append(&method->queue, &a->link);
    }
}

void ph_attempt_send(struct ph_attempt *a) {
    struct ph_mapping *m = ph_attempt_mapping(a);
    struct ph_engine *e = m->engine;
    ph_us before = a->sent;
    a->sent = e->now;
    if (a->tries < UINT8_MAX)
        a->tries++;
    if (a->method == PORTHOLE_UPNP) {
        a->next = PH_NEVER; /* the exchange has its own deadline */
        ph_upnp_action_send(m, a);
        return;
    }
    if (a->purpose != PH_PURPOSE_DELETE)
        a->touched = true;
    /* A gateway whose answers are slow for the length of the queue before it must not be asked
     * twice. */
    struct ph_method *method = method_of(a);
    ph_us delay = ph_retry_delay(e, a->tries);
    /* What took longer than that was no queue, but an answer to a question long forgotten. */
    ph_us slow = method->rtt * 2 < SLOW_MAX ? method->rtt * 2 : SLOW_MAX;
    a->next = e->now + (delay > slow ? delay : slow);
    /* Losses of one flight are one loss. */
    if (a->tries > 1 && before >= method->narrowed) {
        method->narrowed = e->now;
        if (method->window > PH_WINDOW_LEAST)
            method->window =
                method->window < 2 * PH_WINDOW_LEAST ? PH_WINDOW_LEAST : method->window / 2;
    }
    if (a->method == PORTHOLE_PCP)
        ph_pcp_client_send(m, a);
    else
        ph_natpmp_client_send(m, a);
}

void ph_attempt_serve(struct ph_method *method) {
    while (method->in_flight < method->window && !ph_list_is_empty(&method->queue)) {
        struct ph_attempt *a = PH_CONTAINER(method->queue.next, struct ph_attempt, link);
        ph_link_remove(&a->link);
        send_first(a, method);
        struct ph_mapping *m = ph_attempt_mapping(a);
        ph_heap_set(&m->engine->heap, &m->timer, m->engine->now);
    }
}

static void adjust_window(struct ph_method *method, ph_us rtt, unsigned most) {
    if (method->rtt_least == 0 || rtt < method->rtt_least)
        method->rtt_least = rtt;
    method->rtt = rtt ? rtt : 1;
    /* The queue at the gateway is what the round trip has grown by: twice the least is a full pipe,
     * 20 ms what a busy scheduler adds. */
    if (rtt > method->rtt_least * 3 + PH_MS(20)) {
        if (method->window > PH_WINDOW_LEAST)
            method->window--;
    } else if (method->window < most) {
        method->window++;
    }
}

void ph_attempt_answered(struct ph_attempt *a, enum ph_attempt_state state) {
    struct ph_method *method = method_of(a);
    struct ph_engine *e = ph_attempt_mapping(a)->engine;
    /* An answer to a request sent twice does not tell which of the two it answers (Karn). */
    if (a->state == PH_ATTEMPT_ASKED && a->tries == 1)
        adjust_window(method, e->now - a->sent,
                      a->method == PORTHOLE_UPNP ? PH_HTTP_WINDOW : PH_WINDOW_MAX);
    ph_attempt_drop(a, state);
}

void ph_attempt_drop(struct ph_attempt *a, enum ph_attempt_state state) {
    enum ph_attempt_state before = (enum ph_attempt_state)a->state;
    if (before == PH_ATTEMPT_QUEUED)
        ph_link_remove(&a->link);
    ph_attempt_move(a, state);
    if (before != PH_ATTEMPT_ASKED)
        return;
    if (a->method == PORTHOLE_UPNP)
        ph_upnp_action_forget(ph_attempt_mapping(a));
    struct ph_method *method = method_of(a);
    method->in_flight--;
    ph_attempt_serve(method);
}
