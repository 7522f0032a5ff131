/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * tap.c: see tap.h. Bytes are shown as they are; whoever prints them must make them printable.
 */
#include "driver/tap.h"

#include <string.h>

#include "driver/sock.h"

static enum porthole_tap_channel public_channel(enum ph_channel channel) {
    switch (channel) {
    case PH_CHANNEL_CONTROL:
        return PORTHOLE_TAP_CONTROL;
    case PH_CHANNEL_SEARCH:
        return PORTHOLE_TAP_SEARCH;
    case PH_CHANNEL_ANNOUNCE:
    case PH_CHANNEL_ANNOUNCE_UNICAST:
    case PH_CHANNEL_NOTIFY:
        break;
    }
    return PORTHOLE_TAP_UNASKED;
}

static void show(const struct ph_tap *tap, struct porthole_packet *seen,
                 const struct ph_endpoint *peer) {
    if (peer) {
        char text[PH_ADDR_TEXT_SIZE];
        memcpy(seen->peer, ph_addr_format(&peer->addr, text), sizeof text);
        seen->port = peer->port;
    }
    tap->fn(seen, tap->user);
}

void ph_tap_datagram(const struct ph_tap *tap, int fd, enum ph_channel channel,
                     const struct ph_endpoint *peer, const void *bytes, size_t len) {
    if (!tap->fn)
        return;
    struct porthole_packet seen = {.size = sizeof seen,
                                   .type = fd < 0 ? PORTHOLE_TAP_RECEIVED : PORTHOLE_TAP_SENT,
                                   .channel = public_channel(channel),
                                   .local_port = fd < 0 ? 0 : ph_sock_port(fd),
                                   .bytes = bytes,
                                   .len = len};
    show(tap, &seen, peer);
}

void ph_tap_unreachable(const struct ph_tap *tap, enum ph_channel channel, int error) {
    if (!tap->fn)
        return;
    struct porthole_packet seen = {.size = sizeof seen,
                                   .type = PORTHOLE_TAP_FAILED,
                                   .channel = public_channel(channel),
                                   .error = error};
    show(tap, &seen, NULL);
}

void ph_tap_request(const struct ph_tap *tap, uint32_t exchange, const struct ph_endpoint *to,
                    const void *bytes, size_t len) {
    if (!tap->fn)
        return;
    struct porthole_packet seen = {.size = sizeof seen,
                                   .type = PORTHOLE_TAP_SENT,
                                   .channel = PORTHOLE_TAP_HTTP,
                                   .exchange = exchange,
                                   .bytes = bytes,
                                   .len = len};
    show(tap, &seen, to);
}

void ph_tap_reply(const struct ph_tap *tap, uint32_t exchange,
                  const struct ph_http_message *message) {
    if (!tap->fn)
        return;
    struct porthole_packet seen = {.size = sizeof seen,
                                   .type = PORTHOLE_TAP_RECEIVED,
                                   .channel = PORTHOLE_TAP_HTTP,
                                   .exchange = exchange,
                                   .status = message->status,
                                   .bytes = message->body.at,
                                   .len = message->body.len};
    show(tap, &seen, NULL);
}

void ph_tap_no_reply(const struct ph_tap *tap, uint32_t exchange, int error) {
    if (!tap->fn)
        return;
    struct porthole_packet seen = {.size = sizeof seen,
                                   .type = error ? PORTHOLE_TAP_FAILED : PORTHOLE_TAP_DROPPED,
                                   .channel = PORTHOLE_TAP_HTTP,
                                   .exchange = exchange,
                                   .error = error};
    show(tap, &seen, NULL);
}
