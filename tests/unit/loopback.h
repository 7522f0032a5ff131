/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * loopback.h: loopback addresses of the test's own. Ports 5351 and 1900 are fixed by the protocols,
 * so tests that run at the same time, also those of another build, must differ by address.
 */
#ifndef TESTS_UNIT_LOOPBACK_H
#define TESTS_UNIT_LOOPBACK_H

#include <stdint.h>
#include <unistd.h>

/* The network of this process, as a number: 127.A.B.0, with A from 128 on. */
static inline uint32_t loopback_net(void) {
    uint32_t process = (uint32_t)getpid();
    return 0x7f800000U | (process & 0x7fffU) << 8;
}

#endif
