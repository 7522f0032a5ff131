/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * io_late.c: see io_late.h. A socket of its own is opened for each odd port and closed behind it:
 * this is no way that has to be fast.
 */
#define _GNU_SOURCE

#include "gateway/io_late.h"

#include <string.h>
#include <unistd.h>

#include "gateway/sock.h"
#include "wire/ssdp.h"

void ph_gw_late_add(struct ph_gw_late *late, ph_us due, const struct ph_endpoint *from,
                    const void *to, socklen_t to_len, const void *bytes, size_t len) {
    for (size_t i = 0; i < PH_GW_LATE_MAX; i++) {
        if (late->at[i].due != 0 || len > PH_GW_LATE_SIZE || to_len > sizeof late->at[i].to)
            continue;
        late->at[i].due = due;
        late->at[i].from = *from;
        memcpy(&late->at[i].to, to, to_len);
        late->at[i].to_len = to_len;
        memcpy(late->at[i].bytes, bytes, len);
        late->at[i].len = len;
        return;
    }
}

void ph_gw_late_tick(struct ph_gw_late *late, ph_us now, int ssdp_fd) {
    for (size_t i = 0; i < PH_GW_LATE_MAX; i++) {
        if (late->at[i].due == 0 || late->at[i].due > now)
            continue;
        late->at[i].due = 0;
        bool is_other = late->at[i].from.port != PH_SSDP_PORT;
        int fd = is_other ? ph_gw_sock_udp(&late->at[i].from, true) : ssdp_fd;
        if (fd < 0)
            continue;
        (void)sendto(fd, late->at[i].bytes, late->at[i].len, MSG_NOSIGNAL,
                     (const struct sockaddr *)&late->at[i].to, late->at[i].to_len);
        if (is_other)
            close(fd);
    }
}

ph_us ph_gw_late_deadline(const struct ph_gw_late *late) {
    ph_us due = PH_NEVER;
    for (size_t i = 0; i < PH_GW_LATE_MAX; i++)
        if (late->at[i].due != 0 && late->at[i].due < due)
            due = late->at[i].due;
    return due;
}
