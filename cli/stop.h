/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * stop.h: signals as bytes of a descriptor, so that a loop can wait for them beside its sockets.
 * The first SIGINT, SIGTERM or SIGHUP is the wish to end, to give ports back before; the second
 * ends the process at once, as if none were caught.
 */
#ifndef PH_CLI_STOP_H
#define PH_CLI_STOP_H

/* Catches those signals; an ignored SIGHUP (nohup) stays ignored. Returns the descriptor, which
 * lives as long as the process, or -1. */
int ph_stop_catch(void);
/* From now on the descriptor tells of this signal too, every time: SIGUSR1, SIGCHLD, SIGWINCH. */
void ph_stop_catch_also(int number);
/* The same of SIGHUP, which is no wish to end then, also where it was ignored. Before
 * ph_stop_catch().
 */
void ph_stop_reload_by_hup(void);
/* From now on it tells of every signal that is to be handed on to a command in the same process
 * group, every time; not of those that the terminal sends to the whole group. */
void ph_stop_forward(void);
/* The next of those ends the process at once. */
void ph_stop_forward_end(void);
/* For a child, whose signals are blocked, before it becomes a command: what was caught or ignored
 * here has its default action, and none is blocked. */
void ph_stop_leave_to_child(void);

/* Takes one signal from the descriptor: its number, 0 = none is there. */
int ph_stop_next(int stop_fd);

#endif
