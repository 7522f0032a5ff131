/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * demo_wire.c: see demo_wire.h. Every socket is bound to a loopback address, so that nothing can
 * leave the machine.
 */
#define _DEFAULT_SOURCE

#include "cli/demo_wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECT_MS 2000

static struct sockaddr_in socket_address(const char *text, uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, text, &address.sin_addr);
    return address;
}

/* Closes the descriptor and hands on why. */
static int give_up(int fd) {
    int error = errno;
    close(fd);
    return -error;
}

static int bound_socket(enum porthole_protocol protocol, const char *address) {
    int fd = socket(AF_INET, protocol == PORTHOLE_TCP ? SOCK_STREAM : SOCK_DGRAM, 0);
    if (fd < 0)
        return -errno;
    struct sockaddr_in local = socket_address(address, 0);
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 ||
        bind(fd, (struct sockaddr *)&local, sizeof local) != 0)
        return give_up(fd);
    return fd;
}

static int wait_for(int fd, short events, int timeout_ms) {
    struct pollfd waiting = {.fd = fd, .events = events};
    int ready;
    do
        ready = poll(&waiting, 1, timeout_ms);
    while (ready < 0 && errno == EINTR);
    if (ready == 0)
        errno = ETIMEDOUT;
    return ready == 1 ? 0 : -errno;
}

int ph_demo_wire_listen(enum porthole_protocol protocol, const char *address, uint16_t *ret_port) {
    int fd = bound_socket(protocol, address);
    if (fd < 0)
        return fd;
    struct sockaddr_in local;
    socklen_t size = sizeof local;
    if ((protocol == PORTHOLE_TCP && listen(fd, 1) != 0) ||
        getsockname(fd, (struct sockaddr *)&local, &size) != 0)
        return give_up(fd);
    *ret_port = ntohs(local.sin_port);
    return fd;
}

int ph_demo_wire_connect(enum porthole_protocol protocol, const char *from, const char *to,
                         uint16_t port) {
    int fd = bound_socket(protocol, from);
    if (fd < 0)
        return fd;
    struct sockaddr_in peer = socket_address(to, port);
    if (connect(fd, (struct sockaddr *)&peer, sizeof peer) == 0)
        return fd;
    int error = 0;
    socklen_t size = sizeof error;
    if (errno != EINPROGRESS || wait_for(fd, POLLOUT, CONNECT_MS) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        return give_up(fd);
    errno = error;
    return error ? give_up(fd) : fd;
}

int ph_demo_wire_send(int fd, const char *text) {
    ssize_t sent = send(fd, text, strlen(text), 0);
    return sent < 0 ? -errno : (int)sent;
}

int ph_demo_wire_receive(int fd, char *ret, size_t size, int timeout_ms) {
    int waited = wait_for(fd, POLLIN, timeout_ms);
    if (waited < 0)
        return waited;
    ssize_t len = recv(fd, ret, size - 1, 0);
    if (len < 0)
        return -errno;
    ret[len] = '\0';
    return (int)len;
}

int ph_demo_wire_accept(enum porthole_protocol protocol, int listener, int timeout_ms) {
    int waited = wait_for(listener, POLLIN, timeout_ms);
    if (waited < 0)
        return waited;
    struct sockaddr_in peer;
    socklen_t size = sizeof peer;
    if (protocol == PORTHOLE_TCP) {
        int fd = accept(listener, (struct sockaddr *)&peer, &size);
        return fd < 0 ? -errno : fd;
    }
    char byte;
    if (recvfrom(listener, &byte, 1, MSG_PEEK, (struct sockaddr *)&peer, &size) < 0 ||
        connect(listener, (struct sockaddr *)&peer, size) != 0)
        return -errno;
    return listener;
}

void ph_demo_wire_leave(enum porthole_protocol protocol, int fd) {
    if (protocol == PORTHOLE_TCP) {
        close(fd);
        return;
    }
    /* A datagram socket without a peer hears everybody again. */
    struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    (void)connect(fd, &nobody, sizeof nobody);
}
