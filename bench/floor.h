// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The two halves of bench-floor: datagrams (floor.c) and UPnP (floor_upnp.c). They share a socket
// helper and nothing else.
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include <netinet/in.h>

// A connected socket; ends the program when there is none.
int floor_connect(int type, const struct in_addr *address, unsigned port);

// The address the kernel chose for a connected socket.
void floor_own_address(int fd, unsigned char ret_address[4]);

// Opens a TCP port over UPnP and reports; gives the exit code.
int floor_upnp(int port);

#endif
