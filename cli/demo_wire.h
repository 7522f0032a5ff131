/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * demo_wire.h: the demo's own connections: the computer behind the gateway, which listens, and the
 * stranger outside, who knocks. IPv4 only, blocking, and nothing waits longer than a second or two.
 */
#ifndef PH_CLI_DEMO_WIRE_H
#define PH_CLI_DEMO_WIRE_H

#include <porthole/porthole.h>
#include <stddef.h>
#include <stdint.h>

/* Functions that return a descriptor or a length return a negative errno when they fail. */

/* Listens on a free port of an address. */
int ph_demo_wire_listen(enum porthole_protocol protocol, const char *address, uint16_t *ret_port);
/* From one address to another: TCP's handshake is done when this returns. */
int ph_demo_wire_connect(enum porthole_protocol protocol, const char *from, const char *to,
                         uint16_t port);
int ph_demo_wire_send(int fd, const char *text);
/* Waits for text, which is terminated. -ETIMEDOUT after timeout_ms. */
int ph_demo_wire_receive(int fd, char *ret, size_t size, int timeout_ms);
/* Who has come to the listener: for TCP a new descriptor for the connection, for UDP the listener
 * itself, set to answer whoever sent what waits there. */
int ph_demo_wire_accept(enum porthole_protocol protocol, int listener, int timeout_ms);
/* Ends what ph_demo_wire_accept() began. */
void ph_demo_wire_leave(enum porthole_protocol protocol, int fd);

#endif
