/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * time.h: the one unit of time inside the library, microseconds of a clock that never goes back and
 * counts while the host sleeps. Nothing below the driver reads a clock: time is a parameter.
 */
#ifndef PH_BASE_TIME_H
#define PH_BASE_TIME_H

#include <stdint.h>

typedef uint64_t ph_us;

#define PH_NEVER UINT64_MAX
#define PH_MS(n) ((ph_us)(n)*1000U)
#define PH_SECONDS(n) ((ph_us)(n)*1000000U)

#endif
