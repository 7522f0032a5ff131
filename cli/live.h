/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * live.h: the ports on a terminal, a line each that is changed in place, so that a long wait and a
 * lease that runs can be watched. Lines of other kinds are printed above it. Where it cannot be,
 * there is none, and its caller prints plain lines.
 */
#ifndef PH_CLI_LIVE_H
#define PH_CLI_LIVE_H

#include <porthole/porthole.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ph_live;
struct ph_hold;

/* Of the wishes of a hold, which do not change. With its `once` a line tells how long it has
 * waited, and no more; results are printed. NULL: standard output is no terminal, or a dumb one, or
 * too low.
 */
struct ph_live *ph_live_new(const struct ph_hold *hold);
/* All below take NULL. What is on the terminal stays there. */
void ph_live_free(struct ph_live *live);

/* True: the event is shown by the next draw. False: it is the caller's to print. */
bool ph_live_post(struct ph_live *live, size_t wish, const struct porthole_event *event);
/* Brings the terminal up to date, at the size that it has now. */
void ph_live_draw(struct ph_live *live);
/* When what it shows is out of date by itself; -1 = never. */
int64_t ph_live_due_ms(const struct ph_live *live);

#endif
