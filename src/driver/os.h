/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * os.h: what differs between operating systems, each in an os_*.c of its own; CMake chooses one.
 * Nothing here sends a packet.
 */
#ifndef PH_DRIVER_OS_H
#define PH_DRIVER_OS_H

#include "core/engine.h"

/* What the user wants; ph_addr_none = whatever the system has. */
struct ph_os_choice {
    struct ph_addr gateway;
    struct ph_addr source;
};

/* The ways out of this host, the best first; none is no error: ret->error then is NO_NETWORK. With
 * a wanted gateway it is the only one. With a wanted source, only ways that leave from it.
 *   NOT_AVAILABLE  this system's routes cannot be read by us, and no gateway is wanted
 *   SYSTEM         the system refused; *ret is untouched in both cases */
int ph_os_network(const struct ph_os_choice *choice, struct ph_network *ret);

/* A pair of descriptors to wake a sleeping poll(): [0] is polled, [1] is written to. They may be
 * the same. SYSTEM. */
int ph_os_wake_pair(int ret_fds[2]);

#endif
