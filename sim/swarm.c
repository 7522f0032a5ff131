/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * swarm.c: the run: what is earliest happens next, be it a packet, a fault, the application or an
 * engine's deadline. Storms, in which faults happen, and calms, in which everything must mend
 * itself, take turns; in the end every client is stopped.
 */
#include "sim/swarm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/swarm_parts.h"

size_t *ph_swarm_memory;

/* ---- Chance and time ------------------------------------------------------------------------- */

void *ph_swarm_need(void *memory) {
    if (!memory) {
        fputs("sim: out of memory\n", stderr);
        abort();
    }
    return memory;
}

uint32_t ph_swarm_below(struct ph_seeded *seed, uint32_t below) {
    struct ph_random source = {ph_seeded_fill, seed};
    return ph_random_below(&source, below);
}

bool ph_swarm_chance(struct ph_seeded *seed, unsigned percent) {
    return ph_swarm_below(seed, 100) < percent;
}

ph_us ph_swarm_interval(struct ph_seeded *seed, ph_us mean) {
    return mean / 1024 * (1 + ph_swarm_below(seed, 2048)) + 1;
}

ph_us ph_swarm_client_now(const struct swarm *s, const struct swarm_client *c) {
    return s->now + c->clock_ahead;
}

ph_us ph_swarm_gateway_now(const struct swarm *s, const struct swarm_gateway *g) {
    ph_us passed = s->now - g->clock_at;
    int64_t drift = (int64_t)(passed / 1000000) * g->options.drift_ppm;
    return g->clock_base + passed + (ph_us)drift;
}

/* ---- Engines --------------------------------------------------------------------------------- */

static void on_line(void *user, enum porthole_log_level level, const char *line) {
    struct swarm *s = user;
    (void)level;
    ph_swarm_trace_line(s, "    %s", line);
}

int ph_swarm_step(struct swarm *s, struct swarm_client *c, const struct ph_input *input) {
    struct ph_effects effects;
    struct ph_event event;
    s->result->steps++;
    ph_swarm_memory = &c->memory;
    int result = ph_engine_step(c->engine, ph_swarm_client_now(s, c), input, &effects);
    ph_swarm_memory = NULL;
    for (size_t i = 0; i < effects.count; i++)
        ph_swarm_link_effect(s, c, &effects, &effects.at[i]);
    for (;;) {
        ph_swarm_memory = &c->memory;
        bool is_there = ph_engine_next_event(c->engine, &event);
        ph_swarm_memory = NULL;
        if (!is_there)
            break;
        s->result->events++;
        ph_swarm_oracle_event(s, c, &event);
    }
    ph_swarm_oracle_stepped(s, c, input);
    return result;
}

void ph_swarm_network(struct swarm *s, struct swarm_client *c) {
    struct ph_network network = {.error = PORTHOLE_ERR_NO_NETWORK};
    struct ph_input input = {.type = PH_INPUT_NETWORK, .u.network = &network};
    c->path.gateway = s->gateways[c->gateway].address;
    /* A nonce is for one server; an engine that has been at another one draws anew. */
    if (c->has_network && !ph_addr_equal(&c->path.gateway, &c->asked_gateway))
        for (size_t i = 0; i < c->mapping_count; i++)
            c->mappings[i].nonce_for = ph_addr_none;
    if (c->has_network)
        c->asked_gateway = c->path.gateway;
    c->path.interface = SWARM_INTERFACE + c->gateway;
    if (c->has_network) {
        network.count = 1;
        network.paths[0] = c->path;
    }
    ph_swarm_step(s, c, &input);
}

bool ph_swarm_is_public(const struct swarm_client *c) {
    return ph_addr_reach(&c->path.source) == PORTHOLE_REACH_PUBLIC;
}

void ph_swarm_start(struct swarm *s, struct swarm_client *c) {
    const struct swarm_options *o = &s->options;
    struct ph_engine_config config = {
        .methods = o->methods,
        .discover_timeout = PH_SECONDS(10),
        .mapping_timeout = o->mapping_timeout,
        .recheck_period = o->recheck_period,
        .unhinted_period = o->unhinted_period,
        .random = {ph_seeded_fill, &c->random},
        .log_level = PORTHOLE_LOG_TRACE,
        .log = s->trace ? on_line : NULL,
        .log_user = s,
    };
    ph_swarm_memory = &c->memory;
    c->engine = ph_swarm_need(ph_engine_new(&config));
    ph_swarm_memory = NULL;
    ph_swarm_network(s, c);
}

static void start_client(struct swarm *s, struct swarm_client *c, unsigned index) {
    const struct swarm_options *o = &s->options;
    c->index = index;
    c->random.state = o->seed * 31 + index;
    c->path.source = ph_addr_v4(192, 168, 77, (uint8_t)(10 + index));
    c->path.prefix_len = 24;
    c->gateway = ph_swarm_below(&s->application_seed, o->gateways);
    c->has_network = true;
    c->renewal_least = 1.0;
    c->window = c->long_window = c->disturbed = c->severed = s->now;
    ph_swarm_start(s, c);
    unsigned first = 1 + ph_swarm_below(&s->application_seed, o->mappings);
    for (unsigned i = 0; i < first; i++)
        ph_swarm_application_map(s, c);
}

/* ---- Time ------------------------------------------------------------------------------------ */

static struct swarm_client *next_client(struct swarm *s, ph_us *ret_due) {
    struct swarm_client *next = NULL;
    *ret_due = PH_NEVER;
    for (unsigned i = 0; i < s->options.clients; i++) {
        struct swarm_client *c = &s->clients[i];
        ph_us due = c->engine && !c->is_asleep ? ph_engine_deadline(c->engine) : PH_NEVER;
        if (due == PH_NEVER)
            continue;
        due = due > c->clock_ahead ? due - c->clock_ahead : 0;
        if (due < *ret_due) {
            *ret_due = due;
            next = c;
        }
    }
    return next;
}

/* When a gateway has something to say unasked, or a lease ends; by true time, not too early. */
static struct swarm_gateway *next_gateway(struct swarm *s, ph_us *ret_due) {
    struct swarm_gateway *next = NULL;
    *ret_due = PH_NEVER;
    for (unsigned i = 0; i < s->options.gateways && s->options.announces; i++) {
        struct swarm_gateway *g = &s->gateways[i];
        ph_us due = g->server ? ph_gw_server_deadline(g->server) : PH_NEVER;
        if (due == PH_NEVER)
            continue;
        ph_us now = ph_swarm_gateway_now(s, g);
        due = s->now + (due > now ? (due - now) / 100 * 101 + PH_MS(1) : PH_MS(1));
        if (due < *ret_due) {
            *ret_due = due;
            next = g;
        }
    }
    return next;
}

static void happen(struct swarm *s, struct swarm_item *item) {
    bool is_stale = item->round != s->round || s->is_calm;
    if (item->kind > ITEM_HEAL && is_stale)
        return; /* its storm is over */
    if (item->kind == ITEM_FAULT)
        ph_swarm_faults_next(s);
    else if (item->kind == ITEM_HEAL)
        ph_swarm_faults_heal(s, item);
    else if (item->kind == ITEM_ATTACK)
        ph_swarm_attacker_next(s);
    else if (item->kind == ITEM_APPLICATION)
        ph_swarm_application_next(s, &s->clients[item->client]);
    else
        ph_swarm_link_deliver(s, item);
}

static void run(struct swarm *s, ph_us duration) {
    ph_us until = s->now + duration;
    while (!s->result->failed) {
        ph_us due;
        struct swarm_client *c = next_client(s, &due);
        bool is_item = ph_swarm_link_due(s) <= due;
        if (is_item)
            due = ph_swarm_link_due(s);
        ph_us gateway_due;
        struct swarm_gateway *g = next_gateway(s, &gateway_due);
        bool is_gateway = gateway_due < due;
        if (is_gateway)
            due = gateway_due;
        ph_swarm_truth_check(s, due);
        if (due > until) {
            s->now = until;
            break;
        }
        s->now = due > s->now ? due : s->now;
        for (unsigned i = 0; i < s->options.clients; i++)
            ph_swarm_truth_disturb(s, &s->clients[i]);
        if (is_gateway) {
            ph_gw_server_tick(g->server, ph_swarm_gateway_now(s, g));
        } else if (is_item) {
            struct swarm_item *item = ph_swarm_link_take(s);
            happen(s, item);
            ph_swarm_link_free_item(item);
        } else {
            ph_swarm_step(s, c, &(struct ph_input){.type = PH_INPUT_TIMER});
        }
    }
    ph_swarm_truth_check(s, PH_NEVER);
}

static void storm(struct swarm *s) {
    const struct swarm_options *o = &s->options;
    ph_swarm_trace_line(s, "---- a storm of %u s", (unsigned)(o->storm / PH_SECONDS(1)));
    s->is_calm = false;
    s->round++;
    if (o->faults)
        ph_swarm_link_post(s, ITEM_FAULT, ph_swarm_interval(&s->fault_seed, o->fault_interval), "",
                           0);
    if (o->attacker)
        ph_swarm_link_post(s, ITEM_ATTACK, PH_SECONDS(1), "", 0);
    for (unsigned i = 0; i < o->clients; i++)
        ph_swarm_link_post(s, ITEM_APPLICATION, PH_SECONDS(1), "", 0)->client = i;
    run(s, o->storm);
}

static void calm(struct swarm *s) {
    ph_us length = ph_swarm_options_calm(&s->options);
    ph_swarm_trace_line(s, "---- a calm of %u s", (unsigned)(length / PH_SECONDS(1)));
    s->is_calm = true;
    s->calm_since = s->now;
    ph_swarm_faults_stop(s);
    run(s, length);
    if (!s->result->failed)
        ph_swarm_truth_settled(s);
}

static void stop_client(struct swarm *s, struct swarm_client *c) {
    struct ph_input input = {.type = PH_INPUT_STOP};
    ph_us deadline = PH_SECONDS(30);
    input.u.stop_deadline = ph_swarm_client_now(s, c) + deadline;
    ph_swarm_trace_line(s, "---- client %u stops", c->index);
    c->is_stopping = true;
    for (size_t i = 0; i < c->mapping_count; i++)
        c->mappings[i].is_to_go = !(c->mappings[i].flags & PORTHOLE_LEASE);
    ph_swarm_step(s, c, &input);
    run(s, deadline + PH_SECONDS(1));
    if (s->result->failed)
        return;
    if (!ph_engine_is_stopped(c->engine) || c->mapping_count > 0)
        ph_swarm_trace_breach(s, "client %u: not stopped at the deadline", c->index);
}

/* ---- A run ----------------------------------------------------------------------------------- */

static void set_up(struct swarm *s) {
    for (unsigned i = 0; i < s->options.gateways; i++) {
        struct swarm_gateway *g = &s->gateways[i];
        g->swarm = s;
        g->index = i;
        g->options = s->options.gateway[i];
        g->address = ph_addr_v4(192, 168, 77, i == 0 || s->options.same_address ? 1 : 254);
        g->random.state = s->options.seed * 17 + i;
        ph_swarm_faults_boot(s, g);
    }
    for (unsigned i = 0; i < s->options.clients; i++)
        start_client(s, &s->clients[i], i);
}

static void tear_down(struct swarm *s) {
    for (unsigned i = 0; i < s->options.clients; i++) {
        ph_swarm_memory = &s->clients[i].memory;
        ph_engine_free(s->clients[i].engine);
        ph_swarm_memory = NULL;
        if (s->clients[i].memory > 0)
            ph_swarm_trace_breach(s, "client %u: %zu bytes are lost", i, s->clients[i].memory);
    }
    for (unsigned i = 0; i < s->options.gateways; i++)
        ph_gw_server_free(s->gateways[i].server);
    ph_swarm_link_free(s);
}

void ph_swarm_run(uint64_t seed, ph_swarm_trace_fn *trace, void *user,
                  struct ph_swarm_result *ret) {
    struct swarm *s = ph_swarm_need(calloc(1, sizeof *s));
    *ret = (struct ph_swarm_result){.hash = seed};
    s->result = ret;
    s->trace = trace;
    s->trace_user = user;
    ph_swarm_options_draw(seed, &s->options);
    s->now = s->started = PH_SECONDS(1000); /* not 0: clocks that have run for a while */
    s->link_seed.state = seed * 7 + 1;
    s->fault_seed.state = seed * 7 + 2;
    s->application_seed.state = seed * 7 + 3;
    s->attack_seed.state = seed * 7 + 4;
    set_up(s);
    for (unsigned i = 0; i < s->options.cycles && !ret->failed; i++) {
        storm(s);
        if (!ret->failed)
            calm(s);
    }
    for (unsigned i = 0; i < s->options.clients && !ret->failed; i++)
        stop_client(s, &s->clients[i]);
    if (!ret->failed)
        run(s, PH_SECONDS(3600)); /* in which no stopped client may do anything */
    ret->simulated = s->now - s->started;
    tear_down(s);
    free(s);
}
