/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * swarm.h: one seed is one run: some clients and gateways on one link, hours to weeks of simulated
 * time, faults and lies as the seed draws them, and an oracle that checks what must always hold and
 * what must hold again once the faults stop. docs/simulation.md has the properties and their
 * bounds. Nothing here opens a socket, reads a clock or waits.
 */
#ifndef PH_SIM_SWARM_H
#define PH_SIM_SWARM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

/* One line of the trace, without a newline; `at` since the start of the run. */
typedef void ph_swarm_trace_fn(void *user, ph_us at, const char *line);

#define PH_SWARM_FAULT_KINDS 13U

struct ph_swarm_result {
    bool failed;
    char why[400];   /* which property, for whom */
    uint64_t hash;   /* of everything that happened: equal for equal runs */
    ph_us simulated; /* how long the run was */
    uint64_t steps;  /* of all engines */
    uint64_t sent;   /* datagrams and HTTP requests of all clients */
    uint64_t events; /* told to applications */
    uint64_t faults;
    unsigned fault_kinds[PH_SWARM_FAULT_KINDS];
    uint64_t models;   /* router models that gateways were, a bit each */
    uint64_t lies;     /* packets of the attacker */
    unsigned direct;   /* mappings at a public address */
    unsigned removals; /* of what was another life's */
    unsigned success;  /* mappings that were SUCCESS when the last faults were over */
    unsigned blocked;  /* mappings that the gateway could not grant then */
    /* How near the run came to the bounds, in percent. */
    unsigned rate_percent;
    unsigned memory_percent;
    unsigned belief_percent;
};

/* trace NULL = none. A run ends at its first breach. */
void ph_swarm_run(uint64_t seed, ph_swarm_trace_fn *trace, void *user, struct ph_swarm_result *ret);

/* What the seed draws, in a few words; always terminated. */
void ph_swarm_describe(uint64_t seed, char *ret, size_t size);

/* The names of a fault and of a router model; NULL behind the last. */
const char *ph_swarm_fault_name(unsigned index);
const char *ph_swarm_model_name(unsigned index);

/* Where a program that counts memory keeps the books of the engine that is running: the bytes that
 * it holds; NULL outside of engines. See tests/sim/memory.c. */
extern size_t *ph_swarm_memory;

#endif
