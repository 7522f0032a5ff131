/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * mapping.c: a mapping until it is made: which method is asked, when a worse one is used beside it,
 * what a grant and a refusal mean, and failure, which is a report and not an end.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/sm.h"
#include "core/state.h"
#include "wire/soap.h"

static const struct ph_sm_state states[] = {
    [PORTHOLE_DESTROYED] = {"destroyed", 0},
    [PORTHOLE_PENDING] = {"pending", PH_SM(PORTHOLE_SUCCESS) | PH_SM(PORTHOLE_FAILURE) |
                                         PH_SM(PORTHOLE_DESTROYING)},
    [PORTHOLE_SUCCESS] = {"success", PH_SM(PORTHOLE_PENDING) | PH_SM(PORTHOLE_DESTROYING)},
    [PORTHOLE_FAILURE] = {"failure", PH_SM(PORTHOLE_SUCCESS) | PH_SM(PORTHOLE_PENDING) |
                                         PH_SM(PORTHOLE_DESTROYING)},
    [PORTHOLE_DESTROYING] = {"destroying", PH_SM(PORTHOLE_DESTROYED)},
};

void ph_mapping_move(struct ph_mapping *m, enum porthole_state state) {
    char name[PH_MAPPING_NAME_SIZE];
    assert(ph_sm_allows(states, m->state, state));
    ph_trace(m->engine, PORTHOLE_LOG_DEBUG, "%s: %s -> %s", ph_trace_mapping(m, name),
             states[m->state].name, states[state].name);
    m->state = (uint8_t)state;
}

void ph_mapping_raise(struct ph_mapping *m, enum porthole_event_type type) {
    if (m->hidden)
        return;
    if (m->event == PORTHOLE_EVENT_MAPPED && type == PORTHOLE_EVENT_CHANGED)
        return; /* nobody has heard of what changed */
    if (m->event == PORTHOLE_EVENT_MAPPED && type == PORTHOLE_EVENT_PENDING && !m->hides_loss) {
        ph_link_remove(&m->in_events); /* nor of what is over */
        m->event = 0;
        return;
    }
    m->hides_loss = type == PORTHOLE_EVENT_MAPPED && m->event == PORTHOLE_EVENT_PENDING;
    m->event = (uint8_t)type;
    if (!ph_link_is_in(&m->in_events))
        ph_list_append(&m->engine->events, &m->in_events);
}

uint64_t ph_mapping_port_key(unsigned protocol, uint16_t internal_port) {
    return (uint64_t)protocol << 16 | internal_port;
}

struct ph_mapping *ph_mapping_find(const struct ph_engine *e, porthole_id id) {
    struct ph_node *node = ph_table_find(&e->by_id, id);
    return node ? PH_CONTAINER(node, struct ph_mapping, by_id) : NULL;
}

/* ---- Beginning ------------------------------------------------------------------------------- */

/* RFC 6887 §11.2: another one for each server, unguessable; the same for the same server, which
 * would refuse to renew by another. */
static void draw_nonce(struct ph_mapping *m) {
    struct ph_engine *e = m->engine;
    e->config.random.fill(e->config.random.user, m->nonce, sizeof m->nonce);
}

static void enter_gateway(struct ph_mapping *m, struct ph_gateway *g) {
    m->gateway = g;
    m->ends = ph_gateway_share(g ? g->ends : &m->engine->nowhere);
    for (unsigned i = 0; i < 3; i++)
        ph_attempt_init(&m->attempts[i], (enum porthole_method)(i + 1));
    ph_list_append(g ? &g->mappings : &m->engine->homeless, &m->in_gateway);
}

int ph_mapping_new(struct ph_engine *e, porthole_id id, const struct ph_map_request *request,
                   bool hidden, struct ph_mapping **ret) {
    const char *description = request->description ? request->description : "";
    size_t size = offsetof(struct ph_mapping, description) + strlen(description) + 1;
    struct ph_mapping *m = calloc(1, size > sizeof *m ? size : sizeof *m);
    if (!m)
        return PORTHOLE_ERR_NO_MEMORY;
    if (!ph_heap_reserve(&e->heap, &m->timer, PH_TIMER_MAPPING)) {
        free(m);
        return PORTHOLE_ERR_NO_MEMORY;
    }
    memcpy(m->description, description, strlen(description) + 1);
    m->engine = e;
    m->elapsed = e->now;
    m->expires = m->renew = m->wake = PH_NEVER;
    m->lifetime_s = request->lifetime_s;
    m->internal_port = request->internal_port;
    m->wished_port = request->external_port;
    m->protocol = (uint8_t)request->protocol;
    m->state = PORTHOLE_PENDING;
    m->flags = (uint8_t)request->flags;
    m->methods = (uint8_t)(request->methods ? request->methods : e->config.methods);
    m->refresh_s = request->refresh_s;
    m->hidden = hidden;
    ph_link_init(&m->in_events);
    ph_link_init(&m->in_gateway);
    ph_table_add(&e->by_id, &m->by_id, id);
    ph_table_add(&e->by_port, &m->by_port, ph_mapping_port_key(m->protocol, m->internal_port));
    if (request->key)
        memcpy(m->nonce, request->key, sizeof m->nonce);
    else
        draw_nonce(m);
    e->alive++;
    e->count += hidden ? 0 : 1;
    enter_gateway(m, e->gateway);
    *ret = m;
    return 0;
}

void ph_mapping_free(struct ph_mapping *m) {
    if (!m)
        return;
    ph_gateway_unshare(m->ends);
    free(m);
}

void ph_mapping_rehome(struct ph_mapping *m, struct ph_gateway *g) {
    for (unsigned i = 0; i < 3; i++)
        if (m->gateway)
            ph_attempt_drop(&m->attempts[i], PH_ATTEMPT_IDLE);
    ph_link_remove(&m->in_gateway);
    if (m->state == PORTHOLE_SUCCESS) {
        ph_mapping_move(m, PORTHOLE_PENDING);
        ph_mapping_raise(m, PORTHOLE_EVENT_PENDING);
    }
    m->external = (struct ph_endpoint){.port = 0};
    m->method = PORTHOLE_NONE;
    m->expires = m->renew = m->wake = PH_NEVER;
    m->retry = 0;
    m->failures = 0;
    m->is_overdue = m->is_unverified = m->is_shaky = false;
    /* One that no gateway has seen stays: it may be the application's key. */
    bool is_seen = m->ends != &m->engine->nowhere;
    if (is_seen && !ph_addr_equal(&m->ends->gateway, &g->path.gateway))
        draw_nonce(m);
    ph_gateway_unshare(m->ends);
    enter_gateway(m, g);
}

/* ---- Trying ---------------------------------------------------------------------------------- */

bool ph_mapping_wants(const struct ph_mapping *m, enum porthole_method method) {
    if (m->state == PORTHOLE_PENDING || m->state == PORTHOLE_FAILURE)
        return m->retry == 0 && (m->methods & 1U << method);
    if (m->is_errand)
        return ph_errand_wants(m, method);
    if (m->state == PORTHOLE_SUCCESS && m->is_shaky && m->method != method)
        return (m->methods & 1U << method) && m->attempts[method - 1].state == PH_ATTEMPT_IDLE;
    if (m->state != PORTHOLE_SUCCESS || m->method != method)
        return false;
    /* Whether the address under it has changed, but not at any price. */
    if (method == PORTHOLE_NATPMP)
        return m->gateway->natpmp.tries < PH_TRIES_MAX;
    return method == PORTHOLE_UPNP && (m->is_overdue || m->is_unverified);
}

static void take_grant(struct ph_mapping *m, enum porthole_method method, uint32_t lifetime_s,
                       const struct ph_endpoint *external, ph_us since);

static bool take_direct(struct ph_mapping *m) {
    const struct ph_path *path = &m->gateway->path;
    if (m->hidden || ph_addr_reach(&path->source) != PORTHOLE_REACH_PUBLIC)
        return false;
    if ((m->flags & PORTHOLE_EXACT_PORT) && m->wished_port != m->internal_port) {
        ph_mapping_fail(m, PORTHOLE_ERR_UNSUPPORTED, PORTHOLE_DIRECT, 0);
        return true;
    }
    struct ph_endpoint external = {path->source, m->internal_port};
    take_grant(m, PORTHOLE_DIRECT, 0, &external, m->engine->now);
    return true;
}

enum outlook {
    OUTLOOK_OUT,  /* nothing will come from this method in this try */
    OUTLOOK_OPEN, /* something may still come, but others need not wait for it */
    OUTLOOK_WAIT  /* others wait for it */
};

static enum outlook consider_alive(struct ph_mapping *m, struct ph_attempt *a) {
    struct ph_gateway *g = m->gateway;
    if (a->state == PH_ATTEMPT_IDLE)
        ph_attempt_start(a, PH_PURPOSE_MAKE);
    if (a->state == PH_ATTEMPT_GRANTED && ph_addr_is_unspecified(&g->natpmp.external)) {
        ph_natpmp_client_want(g, a->sent);
    } else if (a->state == PH_ATTEMPT_GRANTED) {
        struct ph_endpoint external = {g->natpmp.external, a->port};
        ph_attempt_move(a, PH_ATTEMPT_IDLE);
        take_grant(m, PORTHOLE_NATPMP, a->granted_s, &external, a->sent);
    }
    return a->state == PH_ATTEMPT_ASKED && a->tries > PH_TRIES_MAX ? OUTLOOK_OPEN : OUTLOOK_WAIT;
}

static enum outlook consider(struct ph_mapping *m, enum porthole_method method) {
    struct ph_method *status = &m->gateway->methods[method];
    struct ph_attempt *a = &m->attempts[method - 1];
    if (!(m->methods & 1U << method) || a->state == PH_ATTEMPT_REFUSED)
        return OUTLOOK_OUT;
    if (method == PORTHOLE_UPNP && a->state == PH_ATTEMPT_IDLE && ph_upnp_ladder_is_hopeless(m)) {
        a->error = PORTHOLE_ERR_REFUSED;
        a->code = PH_UPNP_SAME_PORT_REQUIRED;
        ph_attempt_move(a, PH_ATTEMPT_REFUSED);
        ph_upnp_search_readdress(m->gateway); /* it may be another device by now */
        return OUTLOOK_OUT;
    }
    ph_gateway_ask(m->gateway, method);
    if (status->state == PH_METHOD_DEAD)
        return OUTLOOK_OUT;
    if (status->state == PH_METHOD_ALIVE)
        return consider_alive(m, a);
    if (method == PORTHOLE_PCP && a->state == PH_ATTEMPT_IDLE)
        ph_attempt_start(a, PH_PURPOSE_MAKE);
    ph_us head_start = status->asked + PH_HEAD_START;
    if (m->engine->now >= head_start)
        return OUTLOOK_OPEN;
    if (head_start < m->wake)
        m->wake = head_start;
    return OUTLOOK_WAIT;
}

static void retransmit_making(struct ph_mapping *m) {
    struct ph_engine *e = m->engine;
    for (unsigned i = PORTHOLE_PCP; i <= PORTHOLE_UPNP; i++) {
        struct ph_attempt *a = &m->attempts[i - 1];
        struct ph_method *status = &m->gateway->methods[i];
        bool is_late = e->now >= a->first_sent + e->config.mapping_timeout;
        if ((a->state == PH_ATTEMPT_ASKED || a->state == PH_ATTEMPT_GRANTED) && is_late &&
            status->state == PH_METHOD_ALIVE) {
            bool is_silent = status->heard < a->first_sent;
            a->error = PORTHOLE_ERR_TIMEOUT;
            a->code = 0;
            ph_attempt_drop(a, PH_ATTEMPT_REFUSED);
            if (is_silent)
                ph_gateway_dead(m->gateway, (enum porthole_method)i, PORTHOLE_ERR_TIMEOUT, 0);
        } else if (a->state == PH_ATTEMPT_ASKED && e->now >= a->next) {
            if (a->purpose == PH_PURPOSE_DELETE && a->tries >= PH_TRIES_MAX)
                ph_attempt_drop(a, a->error ? PH_ATTEMPT_REFUSED : PH_ATTEMPT_IDLE);
            else
                ph_attempt_send(a);
        }
    }
}

static bool is_any_idle(const struct ph_mapping *m) {
    for (unsigned i = PORTHOLE_PCP; i <= PORTHOLE_UPNP; i++)
        if ((m->methods & 1U << i) && m->gateway->methods[i].state == PH_METHOD_IDLE)
            return true;
    return false;
}

static void begin_try(struct ph_mapping *m) {
    struct ph_gateway *g = m->gateway;
    /* Where one may be asked before the next round, because something was heard of the gateway, the
     * others are asked beside it: else its silence alone would put that off. */
    if (m->engine->now >= g->next_round || is_any_idle(m))
        ph_gateway_reset(g);
    m->retry = 0;
    for (unsigned i = 0; i < 3; i++)
        if (m->attempts[i].state == PH_ATTEMPT_REFUSED)
            ph_attempt_move(&m->attempts[i], PH_ATTEMPT_IDLE);
}

static bool is_any_alive(const struct ph_mapping *m) {
    for (unsigned i = PORTHOLE_PCP; i <= PORTHOLE_UPNP; i++)
        if ((m->methods & 1U << i) && m->gateway->methods[i].state == PH_METHOD_ALIVE)
            return true;
    return false;
}

static void run_making(struct ph_mapping *m) {
    struct ph_gateway *g = m->gateway;
    m->wake = PH_NEVER;
    if (!g) {
        if (m->retry == 0)
            ph_mapping_fail(m, m->engine->network_error, PORTHOLE_NONE, 0);
        return;
    }
    retransmit_making(m); /* also of a delete that goes on while it rests */
    if (m->engine->is_offline) {
        bool is_told = m->engine->offline_timer.due == PH_NEVER;
        if (is_told && (m->state != PORTHOLE_FAILURE || m->error != m->engine->network_error))
            ph_mapping_fail(m, m->engine->network_error, PORTHOLE_NONE, 0);
        return; /* it is run again when there is a network */
    }
    bool is_found = m->error == PORTHOLE_ERR_NO_GATEWAY && is_any_alive(m);
    if ((m->retry > m->engine->now && !is_found) || ph_mapping_has_predecessor(m))
        return;
    if (m->retry != 0)
        begin_try(m);
    if (take_direct(m))
        return;
    enum outlook best = OUTLOOK_OUT;
    for (unsigned i = PORTHOLE_PCP; i <= PORTHOLE_UPNP && best != OUTLOOK_WAIT; i++) {
        enum outlook outlook = consider(m, (enum porthole_method)i);
        best = outlook > best ? outlook : best;
        /* PCP and NAT-PMP are asked at the same moment, so that a gateway without PCP costs no
         * round trip more. */
        if (i == PORTHOLE_PCP && (m->methods & PORTHOLE_USE_NATPMP) &&
            g->methods[i].state != PH_METHOD_ALIVE)
            ph_gateway_ask(g, PORTHOLE_NATPMP);
    }
    if (best == OUTLOOK_OUT)
        ph_mapping_fail_for_best(m);
}

void ph_mapping_fail(struct ph_mapping *m, int error, enum porthole_method method, int code) {
    struct ph_gateway *g = m->gateway;
    struct ph_engine *e = m->engine;
    for (unsigned i = 0; g && i < 3; i++)
        if (m->attempts[i].state != PH_ATTEMPT_REFUSED)
            ph_attempt_drop(&m->attempts[i], PH_ATTEMPT_IDLE);
    bool is_news = !m->has_failed || m->error != error || m->code != code;
    m->error = (int16_t)error;
    m->error_method = (uint8_t)method;
    m->code = (uint16_t)code;
    m->has_failed = true;
    if (!g || e->is_offline)
        m->retry = PH_NEVER; /* until there is a network */
    else if (g->next_round > e->now)
        m->retry = g->next_round; /* nobody is there to be asked before */
    else
        m->retry = e->now + ph_retry_backoff(e, ++m->failures);
    if (m->state != PORTHOLE_FAILURE)
        ph_mapping_move(m, PORTHOLE_FAILURE);
    if (is_news)
        ph_mapping_raise(m, PORTHOLE_EVENT_FAILED);
}

/* ---- Answers --------------------------------------------------------------------------------- */

static void take_grant(struct ph_mapping *m, enum porthole_method method, uint32_t lifetime_s,
                       const struct ph_endpoint *external, ph_us since) {
    struct ph_engine *e = m->engine;
    bool is_change = !ph_endpoint_equal(&m->external, external) || m->method != method;
    for (unsigned i = PORTHOLE_PCP; i <= PORTHOLE_UPNP; i++) {
        if (i == method || !(m->busy & 1U << i))
            continue;
        /* A better method that was asked and has not spoken yet is asked on: it may have granted,
         * and then the answer was lost. */
        bool is_open = i < method && m->attempts[i - 1].state == PH_ATTEMPT_ASKED &&
                       m->gateway->methods[i].state == PH_METHOD_ASKING;
        if (!is_open)
            ph_attempt_drop(&m->attempts[i - 1], PH_ATTEMPT_IDLE);
    }
    m->external = *external;
    m->method = (uint8_t)method;
    m->granted_s = lifetime_s;
    m->expires = m->renew = PH_NEVER;
    if (lifetime_s > 0) {
        uint32_t trusted_s = lifetime_s < PH_LEASE_TRUSTED_S ? lifetime_s : PH_LEASE_TRUSTED_S;
        m->expires = since + PH_SECONDS(lifetime_s);
        m->renew = since + ph_retry_renewal(e, PH_SECONDS(trusted_s));
    } else if (method != PORTHOLE_DIRECT) {
        m->renew = since + PH_PERMANENT_RECHECK;
    }
    ph_us refresh = since + PH_SECONDS(m->refresh_s);
    if (m->refresh_s > 0 && method != PORTHOLE_DIRECT && refresh < m->renew)
        m->renew = refresh;
    if (m->flags & PORTHOLE_LEASE)
        m->renew = PH_NEVER;
    m->granted = method == PORTHOLE_DIRECT ? 0 : since;
    m->error = 0;
    m->code = 0;
    m->error_method = PORTHOLE_NONE;
    m->failures = 0;
    m->retry = 0;
    m->wake = PH_NEVER;
    m->has_failed = m->is_overdue = m->is_unverified = m->is_shaky = false;
    if (method != PORTHOLE_DIRECT && !(m->flags & PORTHOLE_LEASE) && !m->hidden)
        ph_recheck_start(m->gateway, method);
    if (m->state == PORTHOLE_SUCCESS) {
        if (is_change)
            ph_mapping_raise(m, PORTHOLE_EVENT_CHANGED);
        return;
    }
    if (!m->was_made)
        m->elapsed = e->now - m->elapsed;
    m->was_made = true;
    ph_mapping_move(m, PORTHOLE_SUCCESS);
    ph_mapping_raise(m, PORTHOLE_EVENT_MAPPED);
}

/* A second method has granted the same mapping, late. */
static void granted_beside(struct ph_mapping *m, struct ph_attempt *a, uint32_t lifetime_s,
                           const struct ph_endpoint *external, ph_us since) {
    if (!m->is_shaky && !ph_endpoint_equal(&m->external, external))
        ph_attempt_start(a, PH_PURPOSE_DELETE);
    else if (m->is_shaky || a->method < m->method)
        take_grant(m, (enum porthole_method)a->method, lifetime_s, external, since);
}

/* Why a grant is none to be kept; 0 = it is. NAT-PMP tells the address apart. */
static int fault_of_grant(const struct ph_mapping *m, enum porthole_method method,
                          const struct ph_endpoint *external) {
    if ((m->flags & PORTHOLE_EXACT_PORT) && external->port != m->wished_port)
        return PORTHOLE_ERR_PORT_TAKEN;
    if (method != PORTHOLE_NATPMP && !ph_mapping_is_host(&external->addr))
        return PORTHOLE_ERR_NO_UPLINK;
    return 0;
}

/* A renewal that was granted what was left anyway, by a clock that is not quite ours. */
static bool is_unextended(const struct ph_mapping *m, ph_us since, uint32_t lifetime_s) {
    return lifetime_s > 0 && m->expires != PH_NEVER && lifetime_s < m->granted_s / 4 * 3 &&
           since + PH_SECONDS(lifetime_s) <= m->expires + PH_SECONDS(2 + m->granted_s / 128);
}

void ph_mapping_granted(struct ph_mapping *m, enum porthole_method method, uint32_t lifetime_s,
                        const struct ph_endpoint *external) {
    struct ph_attempt *a = &m->attempts[method - 1];
    bool is_answer = a->state == PH_ATTEMPT_ASKED && a->purpose != PH_PURPOSE_DELETE;
    bool is_renewal = is_answer && m->state == PORTHOLE_SUCCESS && m->method == method;
    /* The renewal was given up, and its answer was only late. */
    bool is_late = a->state == PH_ATTEMPT_IDLE && a->purpose == PH_PURPOSE_RENEW;
    /* Of a request that is given up it is not known which of its repetitions was granted. */
    bool is_open = a->state == PH_ATTEMPT_ASKED || a->state == PH_ATTEMPT_GRANTED;
    ph_us since = is_open ? a->sent : a->first_sent;
    if (m->state == PORTHOLE_DESTROYING || m->state == PORTHOLE_DESTROYED ||
        a->purpose == PH_PURPOSE_DELETE ||
        (m->state == PORTHOLE_SUCCESS && m->method == method && !is_answer && !is_late))
        return; /* a duplicate, or overtaken by a delete */
    a->purpose = PH_PURPOSE_MAKE;
    ph_attempt_answered(a, PH_ATTEMPT_IDLE);
    a->held = true;
    a->touched = true;
    a->port = external->port;
    a->error = 0;
    int fault = fault_of_grant(m, method, external);
    if (fault) {
        if (m->state == PORTHOLE_SUCCESS && m->method == method)
            ph_mapping_lose(m, "its renewal gave something else");
        a->error = (int16_t)fault;
        a->code = 0;
        ph_attempt_start(a, PH_PURPOSE_DELETE);
    } else if (ph_addr_is_unspecified(&external->addr)) {
        ph_attempt_move(a, PH_ATTEMPT_GRANTED);
        a->granted_s = lifetime_s;
    } else if (m->state == PORTHOLE_SUCCESS && m->method != method) {
        granted_beside(m, a, lifetime_s, external, since);
    } else if (is_renewal && is_unextended(m, since, lifetime_s)) {
        ph_mapping_remake(m, method, "its lease was not extended");
    } else {
        take_grant(m, method, lifetime_s, external, since);
    }
    ph_mapping_run(m);
}

void ph_mapping_refused(struct ph_mapping *m, enum porthole_method method, int error, int code) {
    struct ph_attempt *a = &m->attempts[method - 1];
    bool is_late = a->state == PH_ATTEMPT_IDLE && a->purpose == PH_PURPOSE_RENEW;
    if ((a->state != PH_ATTEMPT_ASKED && !is_late) || a->purpose == PH_PURPOSE_DELETE)
        return;
    a->purpose = PH_PURPOSE_MAKE;
    a->error = (int16_t)error;
    a->code = (uint16_t)code;
    a->touched = a->held;
    ph_attempt_answered(a, PH_ATTEMPT_REFUSED);
    ph_trace(m->engine, PORTHOLE_LOG_DEBUG, "%s: refused: %s, code %d",
             porthole_method_name(method), porthole_strerror(error), code);
    /* Another method's late refusal is nothing to the one that holds it. */
    if (m->state == PORTHOLE_SUCCESS && m->method == method)
        ph_mapping_shake(m);
    ph_mapping_run(m);
}

/* ---- Running --------------------------------------------------------------------------------- */

static void set_mapping_timer(struct ph_mapping *m) {
    ph_us due = PH_NEVER;
    bool is_made = m->state == PORTHOLE_SUCCESS;
    if (m->retry > m->engine->now)
        due = m->retry;
    if (is_made)
        due = m->renew < m->expires ? m->renew : m->expires;
    if (m->state != PORTHOLE_DESTROYING && m->wake < due)
        due = m->wake;
    for (unsigned i = PORTHOLE_PCP; i <= PORTHOLE_UPNP; i++) {
        if (!(m->busy & 1U << i))
            continue;
        const struct ph_attempt *a = &m->attempts[i - 1];
        ph_us limit = a->first_sent + m->engine->config.mapping_timeout;
        bool is_open = a->state == PH_ATTEMPT_ASKED || a->state == PH_ATTEMPT_GRANTED;
        if (a->state == PH_ATTEMPT_ASKED && a->next < due)
            due = a->next;
        if (is_open && limit > m->engine->now && limit < due)
            due = limit;
    }
    ph_heap_set(&m->engine->heap, &m->timer, due);
}

void ph_mapping_run(struct ph_mapping *m) {
    switch ((enum porthole_state)m->state) {
    case PORTHOLE_PENDING:
    case PORTHOLE_FAILURE:
        run_making(m);
        break;
    case PORTHOLE_SUCCESS:
        ph_mapping_run_lease(m);
        break;
    case PORTHOLE_DESTROYING:
        if (m->is_errand)
            ph_errand_run(m);
        else
            ph_mapping_run_removal(m);
        break;
    case PORTHOLE_DESTROYED:
        break;
    }
    if (m->state != PORTHOLE_DESTROYED)
        set_mapping_timer(m);
}

void ph_mapping_info(const struct ph_mapping *m, struct ph_mapping_info *ret) {
    *ret = (struct ph_mapping_info){
        .id = m->by_id.key,
        .state = (enum porthole_state)m->state,
        .protocol = (enum porthole_protocol)m->protocol,
        .method = (enum porthole_method)m->method,
        .internal_port = m->internal_port,
        .external = m->external,
        .source = m->ends->source,
        .gateway = m->ends->gateway,
        .lifetime_s = m->granted_s,
        .expires = m->expires,
        .elapsed = m->was_made ? m->elapsed : 0,
        .error = m->error,
        .error_method = (enum porthole_method)m->error_method,
        .code = m->code,
        .fate = (enum porthole_fate)m->fate,
        .granted = m->granted,
    };
    memcpy(ret->key, m->nonce, sizeof ret->key);
}
