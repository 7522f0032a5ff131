/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * stop.h: the wish to end. The first SIGINT, SIGTERM or SIGHUP makes a descriptor readable, so that
 * a loop can give its ports back; the second ends the process at once, as if none were caught.
 * SIGUSR1 is the wish to ask the gateway again now.
 */
#ifndef PH_CLI_STOP_H
#define PH_CLI_STOP_H

#include <stdbool.h>

/* The same descriptor is readable for SIGUSR1 once this was called. */
void ph_stop_catch_refresh(void);
/* Takes one signal from the descriptor: true = SIGUSR1, false = to end. */
bool ph_stop_is_refresh(int stop_fd);

/* Catches the signals; an ignored SIGHUP (nohup) stays ignored. Returns the descriptor, which lives
 * as long as the process, or -1. */
int ph_stop_catch(void);

#endif
