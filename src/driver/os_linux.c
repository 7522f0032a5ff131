/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * os_linux.c: os.h on Linux, by rtnetlink(7). The socket that asks is not bound: Android forbids
 * that to applications, and the kernel gives it an address by itself. The one that hears of changes
 * must be; where it may not, there are no news.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
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

/* The default routes if wanted, and where the addresses are that ret->addresses asks for. */
static int read_tables(bool with_routes, struct ph_netlink_dump *ret) {
    /* The kernel has its answer ready when it is asked, so that this is never reached. */
    const struct timeval patience = {.tv_sec = 1};
    const struct ph_netlink_dump fresh = *ret;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0)
        return table_error();
    int error = setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0
                    ? 0
                    : PORTHOLE_ERR_SYSTEM;
    uint32_t sequence = 0;
    for (unsigned i = 0; error == 0 && i < READINGS_MAX; i++) {
        /* A table that changes without end is taken as it was read last. */
        *ret = fresh;
        ret->sequence = sequence;
        if (with_routes)
            error = read_table(fd, RTM_GETROUTE, ret);
        if (error == 0 && ret->address_count > 0)
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
    if (dump->address_count > 0) {
        const struct ph_netlink_address *source = &dump->addresses[0];
        ret->source = source->wanted;
        ret->prefix_len = source->prefix_len;
        return source->interface != 0 && source->interface == route->interface;
    }
    return !ph_addr_is_unspecified(&ret->source) ||
           ph_sock_source(&ret->gateway, ret->interface, &ph_addr_none, &ret->source) == 0;
}

int ph_os_network(const struct ph_os_choice *choice, struct ph_network *ret) {
    struct ph_netlink_dump dump = {.count = 0};
    if (!ph_addr_is_unspecified(&choice->gateway))
        return ph_sock_network(choice, ret);
    if (!ph_addr_is_unspecified(&choice->source))
        dump.addresses[dump.address_count++].wanted = choice->source;
    int error = read_tables(true, &dump);
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

/* ---- More about them, and news --------------------------------------------------------------- */

static bool is_link_up(uint32_t interface) {
    struct ifreq request = {.ifr_ifindex = (int)interface};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool is_known =
        fd >= 0 && ioctl(fd, SIOCGIFNAME, &request) == 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0;
    if (fd >= 0)
        (void)close(fd);
    return !is_known || (request.ifr_flags & IFF_RUNNING) != 0;
}

void ph_os_examine(const struct ph_os_choice *choice, struct ph_network *network) {
    _Static_assert(PH_PATHS_MAX <= PH_NETLINK_ADDRESSES_MAX, "room for each path's source");
    struct ph_netlink_dump dump = {.count = 0};
    for (unsigned i = 0; i < network->count; i++)
        dump.addresses[dump.address_count++].wanted = network->paths[i].source;
    if (network->count == 0 || read_tables(false, &dump) != 0)
        return;
    for (unsigned i = 0; i < network->count; i++)
        network->paths[i].prefix_len = dump.addresses[i].prefix_len;
    /* The routes tell of a cable that is out; who names a gateway does not ask them. */
    bool is_named = !ph_addr_is_unspecified(&choice->gateway);
    if (is_named && dump.addresses[0].interface != 0 && !is_link_up(dump.addresses[0].interface))
        *network = (struct ph_network){.error = PORTHOLE_ERR_NO_NETWORK};
}

/* Other people's routes change by the thousand, on a router or where containers come and go; the
 * kernel leaves out all but default routes. The fields are in the host's byte order, and a filter
 * compares in the network's. */
static void leave_out_routes(int fd) {
    enum { TYPE_AT = 4, DST_LEN_AT = 17 };
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, TYPE_AT),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWROUTE), 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELROUTE), 0, 3),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, DST_LEN_AT),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };
    struct sock_fprog filter = {.len = sizeof steps / sizeof *steps, .filter = steps};
    (void)setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
}

int ph_os_news_open(const struct ph_os_choice *choice) {
    /* Little room: that there was news is all we want to know, and when it overflows there was. */
    const int room = 16 * 1024;
    struct sockaddr_nl self = {.nl_family = AF_NETLINK,
                               .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE};
    bool is_named = !ph_addr_is_unspecified(&choice->gateway);
    if (is_named && !ph_addr_is_v4(&choice->gateway))
        self.nl_groups = RTMGRP_LINK | RTMGRP_IPV6_IFADDR | RTMGRP_IPV6_ROUTE;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (fd < 0)
        return PORTHOLE_ERR_NOT_AVAILABLE;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    leave_out_routes(fd);
    if (bind(fd, (struct sockaddr *)&self, sizeof self) != 0) {
        (void)close(fd);
        return PORTHOLE_ERR_NOT_AVAILABLE;
    }
    return fd;
}

bool ph_os_news_read(int fd) {
    uint8_t bytes[64];
    bool is_any = false;
    for (;;) {
        ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT | MSG_TRUNC);
        if (n < 0 && errno == EINTR)
            continue;
        /* ENOBUFS: news were lost, more of them may be there. */
        if (n < 0 && errno != ENOBUFS)
            return is_any;
        is_any = true;
    }
}

int ph_os_alarm_open(void) {
    int fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    return fd < 0 ? PORTHOLE_ERR_NOT_AVAILABLE : fd;
}

void ph_os_alarm_set(int fd, ph_us delay) {
    struct itimerspec time = {.it_value = {.tv_sec = (time_t)(delay / PH_SECONDS(1)),
                                           .tv_nsec = (long)(delay % PH_SECONDS(1) * 1000U)}};
    (void)timerfd_settime(fd, 0, &time, NULL);
}

int ph_os_wake_pair(int ret_fds[2]) {
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        return PORTHOLE_ERR_SYSTEM;
    ret_fds[0] = ret_fds[1] = fd;
    return 0;
}
