/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * sock.h: sockets as the gateway uses them, all non-blocking and bound to the address that answers
 * must come from; and the way between endpoints and the system's addresses.
 */
#ifndef PH_GATEWAY_SOCK_H
#define PH_GATEWAY_SOCK_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/addr.h"

socklen_t ph_gw_sock_encode(const struct ph_endpoint *endpoint, struct sockaddr_storage *ret);
struct ph_endpoint ph_gw_sock_decode(const struct sockaddr_storage *address);

/* All return a descriptor, or -1 with errno. */
int ph_gw_sock_udp(const struct ph_endpoint *bind_to, bool reuse);
int ph_gw_sock_listen(const struct ph_endpoint *bind_to);
/* Connects to `to`, which may still be under way. The connection comes from the address `from`
 * where that is one of this host's loopback addresses: then the application sees who called, as
 * behind a real NAT. */
int ph_gw_sock_connect(int type, const struct ph_endpoint *to, const struct ph_addr *from);
/* The port that it was bound to; 0 = unknown. */
uint16_t ph_gw_sock_port(int fd);

#endif
