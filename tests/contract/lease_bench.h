/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * lease_bench.h: a bench whose gateway grants 20 s at most, on a clock that is stepped, so that
 * tests live through leases; the gateway notes a lease that it sees ending.
 */
#ifndef TESTS_CONTRACT_LEASE_BENCH_H
#define TESTS_CONTRACT_LEASE_BENCH_H

#include "tests/unit/api_bench.h"
#include "tests/unit/stepped_clock.h"

#define LEASE_S 20U

static inline void lease_note_end(void *user, const struct ph_gw_event *event) {
    struct bench *bench = user;
    if (event->type != PH_GW_EVENT_CLOSED || event->end != PH_GW_EXPIRED)
        return;
    pthread_mutex_lock(&bench->lock);
    snprintf(bench->note, sizeof bench->note, "port %u ended with its lease",
             event->mapping->facts.external_port);
    pthread_mutex_unlock(&bench->lock);
}

static inline void lease_open(struct bench *bench) {
    struct ph_gw_io_config config;
    ph_gw_io_config_init(&config);
    config.server.behaviour.lease_max_s = LEASE_S;
    config.on_event = lease_note_end;
    config.user = bench;
    bench_start_gateway_as(bench, &config);
    bench_open(bench, PORTHOLE_USE_PCP);
}

/* Lets that much time pass. */
static inline void lease_live(struct bench *bench, unsigned ms) {
    uint64_t end = stepped_clock_ms() + ms;
    while (stepped_clock_ms() < end)
        bench_turn(bench);
}

#endif
