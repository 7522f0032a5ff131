/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * rng.h: where random numbers come from. The core draws none of its own: its owner hands it a
 * source, the system's in the driver, a seeded one in simulations, so that one seed is one run.
 */
#ifndef PH_BASE_RNG_H
#define PH_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/* Fills `len` bytes; cannot fail. Nonces are drawn from it, so in production it must be
 * unpredictable. */
typedef void ph_random_fn(void *user, void *ret, size_t len);

struct ph_random {
    ph_random_fn *fill;
    void *user;
};

/* Uniform in [0, below); below is at least 1. */
uint32_t ph_random_below(const struct ph_random *source, uint32_t below);

/* A small seeded generator (splitmix64) for simulations, tests and the gateway's loss; never for
 * nonces in production. Its address is the `user` of ph_seeded_fill. */
struct ph_seeded {
    uint64_t state;
};
void ph_seeded_fill(void *user, void *ret, size_t len);

#endif
