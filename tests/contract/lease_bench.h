/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * lease_bench.h: a bench whose gateway grants 20 s at most and whose clock runs faster, so that
 * tests live through leases; the gateway notes a lease that it sees ending.
 */
#ifndef TESTS_CONTRACT_LEASE_BENCH_H
#define TESTS_CONTRACT_LEASE_BENCH_H

#include "tests/contract/fast_clock.h"
#include "tests/unit/api_bench.h"

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

/* So many times as fast: a machine that is busy must still answer in time. */
static inline void lease_open(struct bench *bench, unsigned factor) {
    struct ph_gw_io_config config;
    fast_clock_set(factor);
    ph_gw_io_config_init(&config);
    config.server.behaviour.lease_max_s = LEASE_S;
    config.on_event = lease_note_end;
    config.user = bench;
    bench_start_gateway_as(bench, &config);
    bench_open(bench, PORTHOLE_USE_PCP);
}

/* Lets that much time pass. */
static inline void lease_live(struct bench *bench, unsigned ms) {
    uint64_t end = fast_clock_ms() + ms;
    while (fast_clock_ms() < end) {
        if (bench->way == 0)
            poll(NULL, 0, 100);
        else
            bench_turn(bench);
    }
}

#endif
