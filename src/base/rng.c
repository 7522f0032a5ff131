/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * rng.c: see rng.h.
 */
#include "base/rng.h"

#include <string.h>

uint32_t ph_random_below(const struct ph_random *source, uint32_t below) {
    /* 64 random bits scaled to the range: the bias is below 2^-32, far under what jitter or a port
     * needs. */
    uint64_t bits;
    source->fill(source->user, &bits, sizeof bits);
    return (uint32_t)(((bits >> 32) * below) >> 32);
}

static uint64_t splitmix64(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

void ph_seeded_fill(void *user, void *ret, size_t len) {
    struct ph_seeded *seeded = user;
    uint8_t *at = ret;
    while (len > 0) {
        uint64_t bits = splitmix64(&seeded->state);
        size_t n = len < sizeof bits ? len : sizeof bits;
        memcpy(at, &bits, n);
        at += n;
        len -= n;
    }
}
