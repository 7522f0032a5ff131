/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * exitcode.c: see exitcode.h. Errors are told apart by what a script can do about them, so whole
 * ranges of the library's numbers share a code.
 */
#include "cli/exitcode.h"

#include <porthole/porthole.h>

/* enum porthole_error: -300 to -399 are refusals by the gateway. */
#define REFUSALS_FROM (-399)
#define REFUSALS_TO (-300)

int ph_exitcode_of(int error) {
    if (error >= 0)
        return PH_EXITCODE_DONE;
    if (error >= REFUSALS_FROM && error <= REFUSALS_TO)
        return PH_EXITCODE_REFUSED;
    switch (error) {
    case PORTHOLE_ERR_NO_NETWORK:
    case PORTHOLE_ERR_NO_GATEWAY:
    case PORTHOLE_ERR_UNREACHABLE:
    case PORTHOLE_ERR_PORT_CLOSED:
        return PH_EXITCODE_NO_GATEWAY;
    case PORTHOLE_ERR_TIMEOUT:
        return PH_EXITCODE_TIMEOUT;
    case PORTHOLE_ERR_INVALID:
        return PH_EXITCODE_USAGE;
    default:
        return PH_EXITCODE_FAILED;
    }
}
