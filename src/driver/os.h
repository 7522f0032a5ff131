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

/* Adds what takes a little longer to find out: how far the network of each source reaches. With a
 * wanted gateway, a path whose cable is out is taken away; without one there is none. It does
 * nothing where the system does not tell. */
void ph_os_examine(const struct ph_os_choice *choice, struct ph_network *network);

/* A descriptor that is readable after links, addresses or default routes may have changed.
 * NOT_AVAILABLE: this system does not tell. */
int ph_os_news_open(const struct ph_os_choice *choice);
/* Reads all there is without waiting: whether there was anything, or may have been. */
bool ph_os_news_read(int fd);

/* A descriptor that is readable when a time has come that went on while the host slept; poll()'s
 * own does not. NOT_AVAILABLE. */
int ph_os_alarm_open(void);
/* So long from now; 0 = not at all. It is not readable before that. */
void ph_os_alarm_set(int fd, ph_us delay);

/* A pair of descriptors to wake a sleeping poll(): [0] is polled, [1] is written to. They may be
 * the same. SYSTEM. */
int ph_os_wake_pair(int ret_fds[2]);

#endif
