/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * sock.h: sockets as the driver uses them: non-blocking, not inherited by other programs, never a
 * SIGPIPE, and bound to the source address that the core chose. Addresses are converted here and
 * nowhere else.
 */
#ifndef PH_DRIVER_SOCK_H
#define PH_DRIVER_SOCK_H

#include <limits.h>
#include <stddef.h>

#include "core/engine.h"
#include "driver/os.h"

/* No error: there is nothing to read, or no room to write, at the moment. */
#define PH_SOCK_NOT_NOW INT_MIN

/* What an error number of the system means: PORT_CLOSED, UNREACHABLE, TIMEOUT (the peer fell
 * silent), TRUNCATED (it broke off), SYSTEM or NO_MEMORY (this host's trouble), PH_SOCK_NOT_NOW. */
int ph_sock_error(int error_number);

/* Each returns a descriptor, or an error as above. */
int ph_sock_control(const struct ph_path *path);
int ph_sock_search(const struct ph_path *path);
/* One of the channels that are only listened to, shared with whoever shares it too. When gateway or
 * source are loopback it is bound to the source and joins nothing, and for ANNOUNCE_UNICAST, which
 * would be the same, there is PH_SOCK_NOT_NOW. SSDP's group by IPv6 is NOT_AVAILABLE. */
int ph_sock_hint(const struct ph_path *path, enum ph_channel channel);
/* Bound to the path's source; the connection is under way when it returns. */
int ph_sock_stream(const struct ph_path *path, const struct ph_endpoint *to);

/* Whether the driver may send this datagram at all. False for a multicast when gateway or source
 * are loopback: a client of a gateway on this host, a test for one, has no business on the real
 * network, to which the system would send it. */
bool ph_sock_may_send(const struct ph_path *path, const struct ph_endpoint *to);

/* How many bytes went, or an error. `to` NULL: to the peer that the socket is connected to. */
int ph_sock_send(int fd, const struct ph_path *path, const struct ph_endpoint *to,
                 const void *bytes, size_t len);
/* How many bytes came, or an error; 0 also at a stream's end. A datagram of more than `size` bytes
 * is none of ours: 0. ret_from (may be NULL) is filled for datagrams. */
int ph_sock_receive(int fd, struct ph_endpoint *ret_from, void *ret, size_t size);
/* The port that a datagram socket is bound to, 0 = not known. */
uint16_t ph_sock_port(int fd);
/* Why a connection failed, 0 = it did not or not yet. */
int ph_sock_pending_error(int fd);

/* The address from which this host asks `to`, found without sending a packet: by interface (0 =
 * any), and `wanted` or nothing (none = any). 0, or an error. */
int ph_sock_source(const struct ph_addr *to, uint32_t interface, const struct ph_addr *wanted,
                   struct ph_addr *ret);

/* ph_os_network() when the user wants a gateway; the same on all systems. */
int ph_sock_network(const struct ph_os_choice *choice, struct ph_network *ret);

#endif
