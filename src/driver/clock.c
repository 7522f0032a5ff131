/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * clock.c: see clock.h. CLOCK_BOOTTIME is Linux's; others' CLOCK_MONOTONIC may stand still while
 * the host sleeps, and then a lease seems to last longer than it does.
 */
#define _GNU_SOURCE
#include "driver/clock.h"

#include <assert.h>
#include <limits.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>
#if defined(__APPLE__)
#include <sys/random.h>
#endif

#define ENTROPY_MAX 256U /* getentropy() gives no more at once */

static ph_us read_clock(clockid_t clock) {
    struct timespec t;
    if (clock_gettime(clock, &t) != 0)
        (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return PH_SECONDS((ph_us)t.tv_sec) + (ph_us)t.tv_nsec / 1000U;
}

ph_us ph_clock_now(void) {
#if defined(CLOCK_BOOTTIME)
    return read_clock(CLOCK_BOOTTIME);
#else
    return read_clock(CLOCK_MONOTONIC);
#endif
}

ph_us ph_clock_slept(void) {
    /* In this order, so that what passes between the two is not taken for a sleep. */
    ph_us awake = ph_clock_now();
    ph_us running = read_clock(CLOCK_MONOTONIC);
    return awake > running ? awake - running : 0;
}

int ph_clock_left_ms(ph_us now, ph_us then) {
    if (then == PH_NEVER)
        return -1;
    if (then <= now)
        return 0;
    ph_us left_ms = (then - now - 1U) / 1000U + 1U;
    return left_ms < INT_MAX ? (int)left_ms : INT_MAX;
}

bool ph_clock_has_random(void) {
    uint8_t byte;
    return getentropy(&byte, sizeof byte) == 0;
}

void ph_clock_random(void *user, void *ret, size_t len) {
    uint8_t *at = ret;
    (void)user;
    while (len > 0) {
        size_t n = len < ENTROPY_MAX ? len : ENTROPY_MAX;
        int failed = getentropy(at, n);
        /* A guessable nonce would let others on the network steal the mapping (RFC 6887 §18.2). */
        assert(failed == 0);
        (void)failed;
        at += n;
        len -= n;
    }
}
