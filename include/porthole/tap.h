/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * tap.h: what a client sends and receives, byte by byte, for whoever has to find out why a gateway
 * does not do what it should: a diagnosis, a trace, a test. porthole.h is all that a program needs
 * to open ports; what it says of clients, threads and errors holds here too.
 */
#ifndef PORTHOLE_TAP_H
#define PORTHOLE_TAP_H

#include <porthole/porthole.h>

#ifdef __cplusplus
extern "C" {
#endif

enum porthole_tap_type {
    PORTHOLE_TAP_SENT = 1,     /* given to the system, which may refuse it; HTTP: to be sent */
    PORTHOLE_TAP_RECEIVED = 2, /* before anybody judged whether it is of any use */
    PORTHOLE_TAP_FAILED = 3,   /* see `error` */
    PORTHOLE_TAP_DROPPED = 4   /* HTTP: nobody waits for the answer any longer */
};

enum porthole_tap_channel {
    PORTHOLE_TAP_CONTROL = 1, /* PCP and NAT-PMP: UDP, port 5351 of the gateway */
    PORTHOLE_TAP_SEARCH = 2,  /* SSDP: UDP, port 1900 of the gateway or the group */
    PORTHOLE_TAP_HTTP = 3,    /* descriptions and SOAP */
    PORTHOLE_TAP_UNASKED = 4  /* announcements that were listened for */
};

/* Valid until the function has returned. */
struct porthole_packet {
    size_t size;
    enum porthole_tap_type type;
    enum porthole_tap_channel channel;
    uint32_t exchange; /* HTTP: the same for a request and what became of it; else 0 */
    char peer[PORTHOLE_ADDRESS_SIZE]; /* to whom, from whom; "" when it is as before, or unknown */
    uint16_t port;
    uint16_t local_port; /* SENT, but not HTTP: where an answer would come */
    int error;           /* FAILED: an enum porthole_error, such as PORT_CLOSED */
    unsigned status;     /* HTTP, RECEIVED: the answer's status code */
    const void *bytes;   /* the datagram; HTTP: the request with its head, or the answer's body */
    size_t len;
};

/* Called with a lock held, on whichever thread sends or receives, like porthole_log_fn: it must not
 * call the library. */
typedef void porthole_tap_fn(const struct porthole_packet *seen, void *user);

/* From now on fn is called for all that this client sends and receives; NULL = no longer. */
PORTHOLE_API int porthole_tap(struct porthole *client, porthole_tap_fn *fn, void *user);

#ifdef __cplusplus
}
#endif

#endif
