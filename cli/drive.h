/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * drive.h: the command's loop around a client that has no thread: sleep until something is due,
 * then let the client do it.
 */
#ifndef PH_CLI_DRIVE_H
#define PH_CLI_DRIVE_H

#include <porthole/porthole.h>
#include <stdint.h>

/* Milliseconds of a clock that never goes back. */
int64_t ph_drive_now_ms(void);

/* One round: sleeps until the client has work, `stop_fd` is readable, or `until_ms` (-1 = no limit)
 * has come; then lets the client do what is due, and callbacks run. Returns 1 when stop_fd is
 * readable, 0 otherwise, or a negative enum porthole_error. */
int ph_drive(struct porthole *client, int stop_fd, int64_t until_ms);

#endif
