/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * defect_switch.c: switches the defect on whose number is in the environment, before main(), in a
 * program that knows nothing of defects.
 */
#include <stdlib.h>

#include "tests/sim/defects.h"

__attribute__((constructor)) static void switch_defect(void) {
    const char *number = getenv("PH_DEFECT");
    if (number)
        ph_defects_active = (unsigned)strtoul(number, NULL, 10);
}
