/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * os_linux.c: os.h on Linux, by rtnetlink(7). The socket is not bound: Android forbids that to
 * applications, and the kernel gives it an address by itself.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "driver/netlink.h"
#include "driver/os.h"
#include "driver/sock.h"

#define PART_SIZE (32U * 1024U) /* the kernel makes no larger ones */
#define READINGS_MAX 4U
#define FAMILY AF_INET

/* Why the tables cannot be read: a sandbox that forbids it is not this host's passing trouble. */
static int table_error(void) {
    return errno == EACCES || errno == EPERM || errno == EAFNOSUPPORT || errno == EPROTONOSUPPORT
               ? PORTHOLE_ERR_NOT_AVAILABLE
               : PORTHOLE_ERR_SYSTEM;
}

static int send_request(int fd, unsigned type, uint32_t sequence) {
    struct {
        struct nlmsghdr head;
        struct rtgenmsg body;
    } request;
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    memset(&request, 0, sizeof request);
    request.head.nlmsg_len = NLMSG_LENGTH(sizeof request.body);
    request.head.nlmsg_type = (uint16_t)type;
    request.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request.head.nlmsg_seq = sequence;
    request.body.rtgen_family = FAMILY;
    ssize_t n;
    do {
        n = sendto(fd, &request, request.head.nlmsg_len, 0, (struct sockaddr *)&kernel,
                   sizeof kernel);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? table_error() : 0;
}

/* One part of an answer, from the kernel and nobody else: how many bytes, or SYSTEM. */
static int receive_part(int fd, void *ret, size_t size) {
    for (;;) {
        struct sockaddr_nl from = {.nl_family = AF_NETLINK};
        struct iovec part = {.iov_base = ret, .iov_len = size};
        struct msghdr message = {
            .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1};
        ssize_t n = recvmsg(fd, &message, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || (message.msg_flags & MSG_TRUNC) != 0)
            return PORTHOLE_ERR_SYSTEM;
        if (from.nl_pid == 0)
            return (int)n;
    }
}

static int read_table(int fd, unsigned type, struct ph_netlink_dump *dump) {
    union {
        struct nlmsghdr align;
        uint8_t bytes[PART_SIZE];
    } part;
    int result;
    dump->sequence++;
    int error = send_request(fd, type, dump->sequence);
    if (error != 0)
        return error;
    do {
        int n = receive_part(fd, part.bytes, sizeof part.bytes);
        if (n < 0)
            return n;
        result = ph_netlink_read(dump, part.bytes, (size_t)n);
    } while (result == 0);
    return result == 1 ? 0 : PORTHOLE_ERR_SYSTEM;
}

/* The default routes; and when a source is wanted, the interface that has it. */
static int read_tables(const struct ph_addr *wanted, struct ph_netlink_dump *ret) {
    /* The kernel has its answer ready when it is asked, so that this is never reached. */
    const struct timeval patience = {.tv_sec = 1};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0)
        return table_error();
    int error = setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0
                    ? 0
                    : PORTHOLE_ERR_SYSTEM;
    uint32_t sequence = 0;
    for (unsigned i = 0; error == 0 && i < READINGS_MAX; i++) {
        /* A table that changes without end is taken as it was read last. */
        *ret = (struct ph_netlink_dump){.sequence = sequence, .wanted = *wanted};
        error = read_table(fd, RTM_GETROUTE, ret);
        if (error == 0 && !ph_addr_is_unspecified(wanted))
            error = read_table(fd, RTM_GETADDR, ret);
        sequence = ret->sequence;
        if (!ret->is_interrupted)
            break;
    }
    (void)close(fd);
    return error;
}

static bool has_path(const struct ph_network *network, const struct ph_path *path) {
    for (unsigned i = 0; i < network->count; i++)
        if (ph_addr_equal(&network->paths[i].gateway, &path->gateway) &&
            network->paths[i].interface == path->interface)
            return true;
    return false;
}

/* A route's path; false when it does not leave from the wanted source, or from none at all. */
static bool path_of(const struct ph_netlink_dump *dump, const struct ph_netlink_route *route,
                    struct ph_path *ret) {
    *ret = (struct ph_path){
        .gateway = route->gateway, .source = route->source, .interface = route->interface};
    if (!ph_addr_is_unspecified(&dump->wanted)) {
        ret->source = dump->wanted;
        return dump->interface != 0 && dump->interface == route->interface;
    }
    return !ph_addr_is_unspecified(&ret->source) ||
           ph_sock_source(&ret->gateway, ret->interface, &ph_addr_none, &ret->source) == 0;
}

int ph_os_network(const struct ph_os_choice *choice, struct ph_network *ret) {
    struct ph_netlink_dump dump;
    if (!ph_addr_is_unspecified(&choice->gateway))
        return ph_sock_network(choice, ret);
    int error = read_tables(&choice->source, &dump);
    if (error != 0)
        return error;
    struct ph_network network = {.count = 0};
    for (unsigned i = 0; i < dump.count && network.count < PH_PATHS_MAX; i++) {
        struct ph_path path;
        if (path_of(&dump, &dump.routes[i], &path) && !has_path(&network, &path))
            network.paths[network.count++] = path;
    }
    network.error = network.count > 0 ? 0 : PORTHOLE_ERR_NO_NETWORK;
    *ret = network;
    return 0;
}

int ph_os_wake_pair(int ret_fds[2]) {
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        return PORTHOLE_ERR_SYSTEM;
    ret_fds[0] = ret_fds[1] = fd;
    return 0;
}
