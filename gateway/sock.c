/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * sock.c: see sock.h.
 */
#define _GNU_SOURCE

#include "gateway/sock.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 256

socklen_t ph_gw_sock_encode(const struct ph_endpoint *endpoint, struct sockaddr_storage *ret) {
    memset(ret, 0, sizeof *ret);
    if (ph_addr_is_v4(&endpoint->addr)) {
        struct sockaddr_in *in = (struct sockaddr_in *)ret;
        in->sin_family = AF_INET;
        in->sin_port = htons(endpoint->port);
        memcpy(&in->sin_addr, ph_addr_v4_bytes(&endpoint->addr), 4);
        return sizeof *in;
    }
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(endpoint->port);
    memcpy(&in6->sin6_addr, endpoint->addr.b, 16);
    return sizeof *in6;
}

struct ph_endpoint ph_gw_sock_decode(const struct sockaddr_storage *address) {
    struct ph_endpoint endpoint = {.port = 0};
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)address;
        uint8_t b[4];
        memcpy(b, &in->sin_addr, 4);
        endpoint.addr = ph_addr_v4(b[0], b[1], b[2], b[3]);
        endpoint.port = ntohs(in->sin_port);
    } else if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
        memcpy(endpoint.addr.b, &in6->sin6_addr, 16);
        endpoint.port = ntohs(in6->sin6_port);
    }
    return endpoint;
}

static int open_plain_socket(const struct ph_endpoint *like, int type) {
    int family = ph_addr_is_v4(&like->addr) ? AF_INET : AF_INET6;
    return socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static int close_failed(int fd) {
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static int open_bound_socket(const struct ph_endpoint *bind_to, int type, bool reuse) {
    struct sockaddr_storage address;
    socklen_t len = ph_gw_sock_encode(bind_to, &address);
    int on = 1;
    int fd = open_plain_socket(bind_to, type);
    if (fd < 0)
        return -1;
    if (reuse)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, len) < 0)
        return close_failed(fd);
    return fd;
}

int ph_gw_sock_udp(const struct ph_endpoint *bind_to, bool reuse) {
    return open_bound_socket(bind_to, SOCK_DGRAM, reuse);
}

int ph_gw_sock_listen(const struct ph_endpoint *bind_to) {
    /* Else a port could not be opened again for a minute after its connections ended. */
    int fd = open_bound_socket(bind_to, SOCK_STREAM, true);
    if (fd >= 0 && listen(fd, BACKLOG) < 0)
        return close_failed(fd);
    return fd;
}

int ph_gw_sock_connect(int type, const struct ph_endpoint *to, const struct ph_addr *from) {
    struct sockaddr_storage address;
    int fd = open_plain_socket(to, type);
    if (fd < 0)
        return -1;
    if (ph_addr_is_loopback(from) && ph_addr_is_loopback(&to->addr) &&
        ph_addr_is_v4(from) == ph_addr_is_v4(&to->addr)) {
        struct ph_endpoint source = {*from, 0};
        socklen_t source_len = ph_gw_sock_encode(&source, &address);
        (void)bind(fd, (struct sockaddr *)&address, source_len);
    }
    socklen_t len = ph_gw_sock_encode(to, &address);
    if (connect(fd, (struct sockaddr *)&address, len) < 0 && errno != EINPROGRESS)
        return close_failed(fd);
    return fd;
}

uint16_t ph_gw_sock_port(int fd) {
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &len) < 0)
        return 0;
    return ph_gw_sock_decode(&address).port;
}
