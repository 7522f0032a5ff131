/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * stepped_clock.h: a clock that stands still while any thread of the program has something to do
 * (but for a microsecond with each look at it), and jumps to the next timer when all of them sleep:
 * a test lives through whole leases in no time, and a machine that is too busy to run it delays
 * nothing. For client, embedded gateway and callbacks alike. A test that is STEPPED in its
 * CMakeLists.txt has this clock; it sleeps in nothing but poll, epoll_wait, conditions, joins and
 * mutexes, and does not wait for another process.
 */
#ifndef TESTS_UNIT_STEPPED_CLOCK_H
#define TESTS_UNIT_STEPPED_CLOCK_H

#include <stdint.h>

uint64_t stepped_clock_ms(void);
uint64_t stepped_clock_us(void);

#endif
