/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * driver.h: runs an engine on the real network: owns its sockets and exchanges, does what it asks
 * for, and tells it what happened. It never blocks, has no thread and no lock: whoever owns it
 * polls its descriptors.
 */
#ifndef PH_DRIVER_DRIVER_H
#define PH_DRIVER_DRIVER_H

#include <poll.h>

#include "core/engine.h"
#include "driver/os.h"
#include "driver/tap.h"

struct ph_driver;

/* An event of the engine, told within the call that made it; it must not call the driver. False: it
 * has no room for it; it is told again later, unless another one of the mapping takes its place. */
typedef bool ph_driver_event_fn(void *user, const struct ph_event *event);

struct ph_driver_config {
    struct ph_engine_config engine; /* its random source is the system's, whatever is set here */
    struct ph_os_choice choice;
    ph_driver_event_fn *on_event;
    void *user;
};

/* Reads the network, sends nothing. NOT_AVAILABLE, SYSTEM, NO_MEMORY. */
int ph_driver_new(const struct ph_driver_config *config, struct ph_driver **ret);
void ph_driver_free(struct ph_driver *driver); /* NULL is a no-op; sends nothing */

/* Shows all that is sent and received to this from now on; it must not call the driver. */
void ph_driver_tap(struct ph_driver *driver, struct ph_tap tap);

/* Gives the engine an input from the user and does what follows at once; returns what the step
 * did. */
int ph_driver_apply(struct ph_driver *driver, const struct ph_input *input);
/* Tells again what there was no room for. */
void ph_driver_tell(struct ph_driver *driver);
/* Does all that is due: reads what has arrived, in bounded batches, and looks at the timers. */
void ph_driver_process(struct ph_driver *driver);

/* Fills at most `count` entries and returns how many there are. */
size_t ph_driver_pollfds(const struct ph_driver *driver, struct pollfd *ret, size_t count);
/* Changes whenever the set of descriptors does. */
unsigned ph_driver_changes(const struct ph_driver *driver);
/* When ph_driver_process() is wanted at the latest; PH_NEVER = not before a descriptor is ready. */
ph_us ph_driver_deadline(const struct ph_driver *driver);

/* For questions. */
const struct ph_engine *ph_driver_engine(const struct ph_driver *driver);
/* The way out in use, else the best one there is, looked up anew when that was long ago; NULL =
 * no network. */
const struct ph_path *ph_driver_path(struct ph_driver *driver);

#endif
