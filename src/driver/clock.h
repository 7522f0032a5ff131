/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * clock.h: the host's clock and its random numbers, the only place in the library that reads
 * either.
 */
#ifndef PH_DRIVER_CLOCK_H
#define PH_DRIVER_CLOCK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/time.h"

/* A clock that never goes back and, where the system has one, counts while the host sleeps: a lease
 * goes on running then. */
ph_us ph_clock_now(void);
/* How long the host has slept since it was started, as far as that clock counts it; where it does
 * not, always 0. */
ph_us ph_clock_slept(void);
/* Until a time, in milliseconds for poll(): rounded up, so that a timer that woke the caller is
 * due; 0 = it is past, -1 = PH_NEVER. */
int ph_clock_left_ms(ph_us now, ph_us then);

/* The system's random numbers, unpredictable enough for nonces. False: it has none to give. */
bool ph_clock_has_random(void);
/* A ph_random_fn; `user` is not looked at. ph_clock_has_random() must have been true once. */
void ph_clock_random(void *user, void *ret, size_t len);

#endif
