/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * stop.h: the wish to end. The first SIGINT, SIGTERM or SIGHUP makes a descriptor readable, so that
 * a loop can give its ports back; the second ends the process at once, as if none were caught.
 */
#ifndef PH_CLI_STOP_H
#define PH_CLI_STOP_H

/* Catches the signals; an ignored SIGHUP (nohup) stays ignored. Returns the descriptor, which lives
 * as long as the process, or -1. */
int ph_stop_catch(void);

#endif
