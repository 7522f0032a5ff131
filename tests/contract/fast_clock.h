/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * fast_clock.h: a clock that runs faster, for client, embedded gateway and callbacks alike, so that
 * a test lives through whole leases in a second. A program that links fast_clock.c is linked with
 * the options that put its functions in the place of the system's.
 */
#ifndef TESTS_CONTRACT_FAST_CLOCK_H
#define TESTS_CONTRACT_FAST_CLOCK_H

#include <stdint.h>

/* From now on so many times as fast; 1 at the start. Never goes back. */
void fast_clock_set(unsigned factor);
/* So much passes at once. Who sleeps in poll() or epoll_wait() sleeps on. */
void fast_clock_skip(unsigned ms);
/* Milliseconds of the faster clock. */
uint64_t fast_clock_ms(void);

#endif
