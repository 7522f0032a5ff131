/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * netlink.h: reads the dumps of routes and addresses that Linux gives (rtnetlink(7)): bytes to
 * structs, bounded, without a system call. Default routes with a gateway are kept, the best first.
 */
#ifndef PH_DRIVER_NETLINK_H
#define PH_DRIVER_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define PH_NETLINK_ROUTES_MAX 16
#define PH_NETLINK_ADDRESSES_MAX 8

struct ph_netlink_route {
    struct ph_addr gateway;
    struct ph_addr source; /* as the route prefers; none = it does not say */
    uint32_t interface;
    uint32_t metric;
    bool is_main; /* in the main table; others apply to some of the traffic only */
};

/* An address of this host that is looked for, and where it was found. */
struct ph_netlink_address {
    struct ph_addr wanted;
    uint32_t interface; /* 0 = none has it so far */
    unsigned prefix_len;
};

/* What one dump, or several one after another, said. Start with zeros. */
struct ph_netlink_dump {
    uint32_t sequence;      /* of the request; messages with another one are skipped */
    bool is_interrupted;    /* the tables changed while they were read: better read them again */
    unsigned address_count; /* that are looked for */
    struct ph_netlink_address addresses[PH_NETLINK_ADDRESSES_MAX];
    unsigned count; /* routes; of more than there is room for, the best */
    struct ph_netlink_route routes[PH_NETLINK_ROUTES_MAX];
};

/* Takes the next part, as one read from the socket gave it. Returns 0 = more parts follow, 1 = this
 * was the last, or MALFORMED, SYSTEM (the kernel refused). */
int ph_netlink_read(struct ph_netlink_dump *dump, const void *bytes, size_t len);

#endif
