/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * hook.h: --exec: the user's command, run by /bin/sh at every event of a mapping, one at a time,
 * with the facts in its environment and nowhere else: what comes from the network is never a part
 * of what a shell reads. Its failure is said, and changes nothing.
 */
#ifndef PH_CLI_HOOK_H
#define PH_CLI_HOOK_H

#include <porthole/porthole.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ph_hook;
/* An event that waits. */
struct ph_hook_event;

#define PH_HOOK_LIMIT_S 30U

/* `text` is the user's command, `section` whose it is ("" = nobody's), `command` the subcommand's
 * name for messages; all three outlive it. `is_machine_read`: standard output is a stream for
 * programs, so the hook's goes to standard error. limit_s 0: PH_HOOK_LIMIT_S. SIGCHLD must end the
 * caller's sleep. NULL: no memory. */
struct ph_hook *ph_hook_new(const char *text, const char *section, const char *command,
                            uint32_t limit_s, bool is_machine_read);
/* All below take NULL for no hook. A hook that runs is left to itself. */
void ph_hook_free(struct ph_hook *hook);
/* Its texts and its time are these from now on. */
void ph_hook_set(struct ph_hook *hook, const char *text, const char *section, uint32_t limit_s);

/* The event is told as soon as the hook is free. One that *place knows of waits still, and is
 * replaced: the newest is told last, and what was over before it could be told is not. *place is
 * NULL at first. */
void ph_hook_post(struct ph_hook *hook, struct ph_hook_event **place,
                  const struct porthole_event *event);
/* *place is given up; what waits is told all the same. Takes NULL places. */
void ph_hook_leave(struct ph_hook_event **place);
/* Sees to the one that runs, and starts the next. */
void ph_hook_turn(struct ph_hook *hook);
/* When ph_hook_turn() is due though no SIGCHLD comes, by ph_drive_now_ms(); -1 = never. */
int64_t ph_hook_due_ms(const struct ph_hook *hook);
/* All that waits is told within the time limit of one, and within `limit_s`, or not at all. */
void ph_hook_end(struct ph_hook *hook, uint32_t limit_s);
/* None runs, and nothing waits. */
bool ph_hook_is_idle(const struct ph_hook *hook);

#endif
