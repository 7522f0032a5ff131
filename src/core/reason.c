/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * reason.c: which of the reasons that the methods gave a mapping's failure is told by: the one that
 * tells most. It decides nothing else.
 */
#include "core/state.h"

/* How much an error tells somebody who asks why there is no mapping. */
static int weight(int error) {
    switch (error) {
    case 0:
        return -1;
    case PORTHOLE_ERR_NO_GATEWAY:
    case PORTHOLE_ERR_PORT_CLOSED:
    case PORTHOLE_ERR_UNREACHABLE:
        return 0;
    case PORTHOLE_ERR_UNSUPPORTED:
        return 1;
    default:
        return 2;
    }
}

void ph_mapping_fail_for_best(struct ph_mapping *m) {
    int error = 0;
    int code = 0;
    enum porthole_method by = PORTHOLE_NONE;
    for (unsigned i = PORTHOLE_PCP; i <= PORTHOLE_UPNP; i++) {
        const struct ph_attempt *a = &m->attempts[i - 1];
        const struct ph_method *status = &m->gateway->methods[i];
        bool is_refused = a->state == PH_ATTEMPT_REFUSED;
        int why = is_refused ? a->error : status->error;
        if (!(m->methods & 1U << i) || (!is_refused && status->state != PH_METHOD_DEAD) ||
            weight(why) <= weight(error))
            continue;
        error = why;
        code = is_refused ? a->code : status->code;
        by = (enum porthole_method)i;
    }
    if (weight(error) < 1)
        ph_mapping_fail(m, PORTHOLE_ERR_NO_GATEWAY, PORTHOLE_NONE, 0);
    else
        ph_mapping_fail(m, error, by, code);
}
