/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * tap.h: shows what the driver sends and receives to whoever asked to see it. Without anybody who
 * did, each of these is one comparison.
 */
#ifndef PH_DRIVER_TAP_H
#define PH_DRIVER_TAP_H

#include <porthole/tap.h>

#include "core/engine.h"

struct ph_tap {
    porthole_tap_fn *fn; /* NULL = nobody */
    void *user;
};

/* fd: the socket that it was sent by; -1 for what was received. */
void ph_tap_datagram(const struct ph_tap *tap, int fd, enum ph_channel channel,
                     const struct ph_endpoint *peer, const void *bytes, size_t len);
/* A channel failed. */
void ph_tap_unreachable(const struct ph_tap *tap, enum ph_channel channel, int error);
void ph_tap_request(const struct ph_tap *tap, uint32_t exchange, const struct ph_endpoint *to,
                    const void *bytes, size_t len);
void ph_tap_reply(const struct ph_tap *tap, uint32_t exchange,
                  const struct ph_http_message *message);
/* An exchange came to nothing; error 0: it was cancelled. */
void ph_tap_no_reply(const struct ph_tap *tap, uint32_t exchange, int error);

#endif
