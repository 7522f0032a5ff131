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

#define PH_HOOK_LIMIT_S 30U

/* `text` is the user's command, `command` the subcommand's name for messages, and `count` how many
 * mappings there are. `is_machine_read`: standard output is a stream for programs, so the hook's
 * goes to standard error. SIGCHLD must end the caller's sleep. NULL: no memory. */
struct ph_hook *ph_hook_new(const char *text, const char *command, uint32_t limit_s,
                            bool is_machine_read, size_t count);
/* All below take NULL for no hook. A hook that runs is left to itself. */
void ph_hook_free(struct ph_hook *hook);

/* The event is told as soon as the hook is free. One of the same mapping that waits still is
 * replaced: the newest is told last, and what was over before it could be told is not. */
void ph_hook_post(struct ph_hook *hook, size_t mapping, const struct porthole_event *event);
/* Sees to the one that runs, and starts the next. */
void ph_hook_turn(struct ph_hook *hook);
/* When ph_hook_turn() is due though no SIGCHLD comes, by ph_drive_now_ms(); -1 = never. */
int64_t ph_hook_due_ms(const struct ph_hook *hook);
/* Tells all that waits, for at most the time limit of one. */
void ph_hook_finish(struct ph_hook *hook, int stop_fd);

#endif
