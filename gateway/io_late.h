/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * io_late.h: datagrams that a router model sends in a manner of its own: after a delay, or from a
 * port that nobody listens to. A few at a time; what does not fit is lost, as on any link.
 */
#ifndef PH_GATEWAY_IO_LATE_H
#define PH_GATEWAY_IO_LATE_H

#include <sys/socket.h>

#include "base/addr.h"
#include "base/time.h"

#define PH_GW_LATE_MAX 32U
#define PH_GW_LATE_SIZE 1024U

struct ph_gw_late {
    struct {
        ph_us due; /* 0 = free */
        struct ph_endpoint from;
        struct sockaddr_storage to;
        socklen_t to_len;
        size_t len;
        unsigned char bytes[PH_GW_LATE_SIZE];
    } at[PH_GW_LATE_MAX];
};

void ph_gw_late_add(struct ph_gw_late *late, ph_us due, const struct ph_endpoint *from,
                    const void *to, socklen_t to_len, const void *bytes, size_t len);
/* Sends what is due; what comes from SSDP's own port by this socket. */
void ph_gw_late_tick(struct ph_gw_late *late, ph_us now, int ssdp_fd);
/* When the next is; PH_NEVER = none. */
ph_us ph_gw_late_deadline(const struct ph_gw_late *late);

#endif
