/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * lookout.h: looks at the host's network when watch.h says so, hears what the system tells of
 * changes, and has an alarm for what falls due while the host sleeps. It tells the driver, which
 * tells the engine.
 */
#ifndef PH_DRIVER_LOOKOUT_H
#define PH_DRIVER_LOOKOUT_H

#include <poll.h>

#include "driver/os.h"
#include "driver/watch.h"

struct ph_lookout {
    struct ph_watch watch;
    struct ph_os_choice choice;
    struct ph_network network; /* as the engine was told last */
    int news;                  /* -1 = the system tells nothing, or was not asked to yet */
    int alarm;                 /* -1 = none */
    ph_us alarm_at;            /* 0 = it is not set */
};

void ph_lookout_init(struct ph_lookout *lookout, const struct ph_os_choice *choice);
void ph_lookout_done(struct ph_lookout *lookout);

/* 1 = it is another network, in *ret, which becomes lookout->network once the engine was told; 0 =
 * it is the same; or the errors of ph_os_network(). */
int ph_lookout_look(struct ph_lookout *lookout, ph_us now, struct ph_network *ret);
/* Does what is due but for the look itself. True: other descriptors are to be polled now. */
bool ph_lookout_turn(struct ph_lookout *lookout, ph_us now);
/* True: the host slept since the last time. */
bool ph_lookout_slept(struct ph_lookout *lookout);
/* The two entries for poll(); one with fd -1 is none. */
void ph_lookout_pollfds(const struct ph_lookout *lookout, struct pollfd ret[2]);
/* Sets the alarm for when the driver wants to be called next. */
void ph_lookout_set_alarm(struct ph_lookout *lookout, ph_us now, ph_us deadline);

#endif
