/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * notify.h: what the service manager is told, by the protocol of sd_notify(3): a datagram of text
 * to the socket that NOTIFY_SOCKET names. That is all of the protocol, so it is written here, and
 * libsystemd is not needed. Where nobody listens there is none.
 */
#ifndef PH_CLI_NOTIFY_H
#define PH_CLI_NOTIFY_H

#include <stdint.h>

struct ph_notify;

/* By the environment, from which it is taken, so that no hook has it. NULL: nobody wants to know,
 * or no socket or memory can be had. */
struct ph_notify *ph_notify_new(void);
/* All below take NULL. */
void ph_notify_free(struct ph_notify *notify);

/* All is as the configuration wants it: the first time, and after ph_notify_reloading(). */
void ph_notify_ready(struct ph_notify *notify);
void ph_notify_reloading(struct ph_notify *notify);
void ph_notify_stopping(struct ph_notify *notify);
/* A line for people, printable; told when it is another than before. */
void ph_notify_status(struct ph_notify *notify, const char *line);

/* Tells the watchdog that the loop goes on, when that is due: after a half of its time. */
void ph_notify_turn(struct ph_notify *notify);
/* When it is, by ph_drive_now_ms(); -1 = no watchdog. */
int64_t ph_notify_due_ms(const struct ph_notify *notify);

#endif
