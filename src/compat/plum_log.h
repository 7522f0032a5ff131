/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * plum_log.h: porthole's log in libplum's levels, to the user's callback or to standard output.
 */
#ifndef PH_COMPAT_PLUM_LOG_H
#define PH_COMPAT_PLUM_LOG_H

#include <plum/plum.h>
#include <porthole/porthole.h>
#include <stdbool.h>

/* Directs the log of a client that is about to be opened. */
void ph_plum_log_init(const plum_config_t *config, struct porthole_config *ret);
/* Whether this thread is in the user's log callback, where porthole must not be called. */
bool ph_plum_log_is_running(void);

#endif
