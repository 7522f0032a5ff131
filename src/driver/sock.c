/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * sock.c: see sock.h. All sends name no other address than the core's effect did.
 */
#define _GNU_SOURCE
#include "driver/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/pcp.h"
#include "wire/ssdp.h"

/* Room for the answers to a full window of requests, asked for in one burst. */
#define RECEIVE_BUFFER_SIZE (256 * 1024)
/* Routers of one home; UDA 1.1 §1.3.2 says SHOULD be 2. */
#define MULTICAST_TTL 2

#if defined(MSG_NOSIGNAL)
#define SEND_FLAGS MSG_NOSIGNAL
#else
#define SEND_FLAGS 0
#endif

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_storage room;
};

int ph_sock_error(int error_number) {
    switch (error_number) {
    case EAGAIN:
#if EWOULDBLOCK != EAGAIN
    case EWOULDBLOCK:
#endif
    case EINTR:
    case EINPROGRESS:
    case ENOTCONN: /* some systems' answer to a write while connect() is under way */
    case ENOBUFS:  /* a full queue: as good as a packet lost on the way */
        return PH_SOCK_NOT_NOW;
    case ECONNREFUSED:
        return PORTHOLE_ERR_PORT_CLOSED;
    case ECONNRESET:
    case EPIPE:
        return PORTHOLE_ERR_TRUNCATED;
    case ETIMEDOUT:
        return PORTHOLE_ERR_TIMEOUT;
    case EMFILE:
    case ENFILE:
    case EBADF:
    case EINVAL:
        return PORTHOLE_ERR_SYSTEM;
    case ENOMEM:
        return PORTHOLE_ERR_NO_MEMORY;
    default: /* no route, link down, source address gone, a local firewall's EPERM */
        return PORTHOLE_ERR_UNREACHABLE;
    }
}

static socklen_t to_system(const struct ph_addr *addr, uint16_t port, uint32_t interface,
                           union address *ret) {
    memset(ret, 0, sizeof *ret);
    if (ph_addr_is_v4(addr)) {
        ret->v4.sin_family = AF_INET;
        ret->v4.sin_port = htons(port);
        memcpy(&ret->v4.sin_addr, ph_addr_v4_bytes(addr), 4);
        return sizeof ret->v4;
    }
    ret->v6.sin6_family = AF_INET6;
    ret->v6.sin6_port = htons(port);
    memcpy(&ret->v6.sin6_addr, addr->b, sizeof addr->b);
    if (ph_addr_is_link_local(addr) || ph_addr_is_multicast(addr))
        ret->v6.sin6_scope_id = interface;
    return sizeof ret->v6;
}

static struct ph_endpoint from_system(const union address *address) {
    struct ph_endpoint endpoint = {ph_addr_none, 0};
    if (address->any.sa_family == AF_INET) {
        uint8_t b[4];
        memcpy(b, &address->v4.sin_addr, sizeof b);
        endpoint.addr = ph_addr_v4(b[0], b[1], b[2], b[3]);
        endpoint.port = ntohs(address->v4.sin_port);
    } else if (address->any.sa_family == AF_INET6) {
        memcpy(endpoint.addr.b, &address->v6.sin6_addr, sizeof endpoint.addr.b);
        endpoint.port = ntohs(address->v6.sin6_port);
    }
    return endpoint;
}

/* Closes the socket and tells what the system's last error means. */
static int give_up(int fd) {
    int error = ph_sock_error(errno);
    if (fd >= 0)
        (void)close(fd);
    return error == PH_SOCK_NOT_NOW ? PORTHOLE_ERR_SYSTEM : error;
}

static int set_option(int fd, int level, int option, int value) {
    return setsockopt(fd, level, option, &value, sizeof value);
}

/* At once where the system can, so that no fork() in another thread gets in between. */
static int open_socket(int family, int type) {
#if defined(SOCK_CLOEXEC) && defined(SOCK_NONBLOCK)
    return socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
#else
    int fd = socket(family, type, 0);
    if (fd >= 0) {
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
        (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    }
    return fd;
#endif
}

/* Bound to a source address, none = any, and a port that the system chooses. */
static int open_bound(int type, const struct ph_addr *family_of, const struct ph_addr *source,
                      uint32_t interface) {
    int fd = open_socket(ph_addr_is_v4(family_of) ? AF_INET : AF_INET6, type);
    if (fd < 0)
        return give_up(fd);
#if defined(SO_NOSIGPIPE)
    (void)set_option(fd, SOL_SOCKET, SO_NOSIGPIPE, 1);
#endif
    if (!ph_addr_is_unspecified(source)) {
        union address local;
        socklen_t len = to_system(source, 0, interface, &local);
        if (bind(fd, &local.any, len) != 0)
            return give_up(fd);
    }
    return fd;
}

static int connect_to(int fd, const struct ph_addr *addr, uint16_t port, uint32_t interface) {
    union address peer;
    socklen_t len = to_system(addr, port, interface, &peer);
    /* An interrupted connect() goes on in the background, as one that is in progress does. */
    if (connect(fd, &peer.any, len) != 0 && errno != EINPROGRESS && errno != EINTR)
        return give_up(fd);
    return fd;
}

int ph_sock_control(const struct ph_path *path) {
    int fd = open_bound(SOCK_DGRAM, &path->gateway, &path->source, path->interface);
    if (fd < 0)
        return fd;
    (void)set_option(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER_SIZE);
    return connect_to(fd, &path->gateway, PH_PCP_PORT, path->interface);
}

int ph_sock_search(const struct ph_path *path) {
    int fd = open_bound(SOCK_DGRAM, &path->source, &path->source, path->interface);
    if (fd < 0)
        return fd;
    (void)set_option(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER_SIZE);
    if (ph_addr_is_v4(&path->source)) {
        struct in_addr source;
        memcpy(&source, ph_addr_v4_bytes(&path->source), sizeof source);
        (void)setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &source, sizeof source);
        (void)set_option(fd, IPPROTO_IP, IP_MULTICAST_TTL, MULTICAST_TTL);
    } else {
        (void)set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, (int)path->interface);
        (void)set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, MULTICAST_TTL);
    }
    return fd;
}

int ph_sock_stream(const struct ph_path *path, const struct ph_endpoint *to) {
    int fd = open_bound(SOCK_STREAM, &to->addr, &path->source, path->interface);
    if (fd < 0)
        return fd;
    return connect_to(fd, &to->addr, to->port, path->interface);
}

/* ---- Listening ------------------------------------------------------------------------------- */

static bool is_on_loopback(const struct ph_path *path) {
    return ph_addr_is_loopback(&path->gateway) || ph_addr_is_loopback(&path->source);
}

/* The interface that has the address; 0 = none. A gateway that the user named comes without one. */
static uint32_t interface_of(const struct ph_addr *source) {
    struct ifaddrs *all;
    uint32_t found = 0;
    if (getifaddrs(&all) != 0)
        return 0;
    for (const struct ifaddrs *one = all; one && found == 0; one = one->ifa_next) {
        union address address;
        if (!one->ifa_addr || one->ifa_addr->sa_family != AF_INET6)
            continue;
        memset(&address, 0, sizeof address);
        memcpy(&address.v6, one->ifa_addr, sizeof address.v6);
        struct ph_addr addr = from_system(&address).addr;
        if (ph_addr_equal(&addr, source))
            found = if_nametoindex(one->ifa_name);
    }
    freeifaddrs(all);
    return found;
}

static int join_group(int fd, const struct ph_path *path, const struct ph_addr *group,
                      uint32_t interface) {
    if (!ph_addr_is_v4(group)) {
        struct ipv6_mreq membership = {.ipv6mr_interface = interface};
        memcpy(&membership.ipv6mr_multiaddr, group->b, sizeof group->b);
        return setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &membership, sizeof membership);
    }
    struct ip_mreq membership;
    memcpy(&membership.imr_multiaddr, ph_addr_v4_bytes(group), sizeof membership.imr_multiaddr);
    memcpy(&membership.imr_interface, ph_addr_v4_bytes(&path->source),
           sizeof membership.imr_interface);
#if defined(IP_MULTICAST_ALL)
    /* Else what arrives on interfaces that others on this host have joined is heard too. */
    (void)set_option(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
#endif
    return setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership, sizeof membership);
}

int ph_sock_hint(const struct ph_path *path, enum ph_channel channel) {
    static const struct ph_addr all_nodes_v6 = {{0xff, 0x02, [15] = 1}};
    bool is_notify = channel == PH_CHANNEL_NOTIFY;
    bool is_v4 = ph_addr_is_v4(&path->source);
    bool is_unicast = channel == PH_CHANNEL_ANNOUNCE_UNICAST || is_on_loopback(path);
    if (channel == PH_CHANNEL_ANNOUNCE_UNICAST && is_on_loopback(path))
        return PH_SOCK_NOT_NOW;
    if (is_notify && !is_v4)
        return PORTHOLE_ERR_NOT_AVAILABLE;
    struct ph_addr group = is_v4 ? ph_addr_v4(224, 0, 0, 1) : all_nodes_v6;
    if (is_notify)
        group = ph_ssdp_group_v4;
    int fd = open_socket(is_v4 ? AF_INET : AF_INET6, SOCK_DGRAM);
    if (fd < 0)
        return give_up(fd);
    /* Other clients on this host listen there too. What is sent to the group reaches all of them,
     * but only when each allows it; what is sent to our address reaches one. */
    (void)set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
#if defined(SO_REUSEPORT)
    if (!is_unicast)
        (void)set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
#endif
    union address local;
    uint32_t interface = path->interface;
    if (interface == 0 && !is_v4)
        interface = interface_of(&path->source);
    uint16_t port = is_notify ? PH_SSDP_PORT : PH_PCP_CLIENT_PORT;
    socklen_t len = to_system(is_unicast ? &path->source : &group, port, interface, &local);
    if (bind(fd, &local.any, len) != 0 ||
        (!is_unicast && join_group(fd, path, &group, interface) != 0))
        return give_up(fd);
    return fd;
}

/* ---- Sending and receiving ------------------------------------------------------------------- */

bool ph_sock_may_send(const struct ph_path *path, const struct ph_endpoint *to) {
    return !ph_addr_is_multicast(&to->addr) || !is_on_loopback(path);
}

int ph_sock_send(int fd, const struct ph_path *path, const struct ph_endpoint *to,
                 const void *bytes, size_t len) {
    union address peer;
    socklen_t peer_len = to ? to_system(&to->addr, to->port, path->interface, &peer) : 0;
    ssize_t n;
    do {
        n = to ? sendto(fd, bytes, len, SEND_FLAGS, &peer.any, peer_len)
               : send(fd, bytes, len, SEND_FLAGS);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? ph_sock_error(errno) : (int)n;
}

int ph_sock_receive(int fd, struct ph_endpoint *ret_from, void *ret, size_t size) {
    union address peer;
    struct iovec part = {.iov_base = ret, .iov_len = size};
    struct msghdr message;
    ssize_t n;
    memset(&peer, 0, sizeof peer);
    do {
        memset(&message, 0, sizeof message);
        message.msg_name = &peer;
        message.msg_namelen = sizeof peer;
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        n = recvmsg(fd, &message, 0);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return ph_sock_error(errno);
    if (ret_from)
        *ret_from = from_system(&peer);
    return message.msg_flags & MSG_TRUNC ? 0 : (int)n;
}

uint16_t ph_sock_port(int fd) {
    union address address = {{0}};
    socklen_t len = sizeof address;
    if (getsockname(fd, &address.any, &len) != 0)
        return 0;
    return from_system(&address).port;
}

int ph_sock_pending_error(int fd) {
    int error_number = 0;
    socklen_t len = sizeof error_number;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error_number, &len) != 0)
        return ph_sock_error(errno);
    return error_number == 0 ? 0 : ph_sock_error(error_number);
}

int ph_sock_source(const struct ph_addr *to, uint32_t interface, const struct ph_addr *wanted,
                   struct ph_addr *ret) {
    union address local;
    socklen_t len = sizeof local;
    int fd = open_bound(SOCK_DGRAM, to, wanted, interface);
    if (fd < 0)
        return fd;
#if defined(SO_BINDTOIFINDEX)
    /* Tells two networks of the same numbers apart. Older systems refuse it to ordinary users, and
     * then the route decides. */
    if (interface != 0)
        (void)set_option(fd, SOL_SOCKET, SO_BINDTOIFINDEX, (int)interface);
#endif
    fd = connect_to(fd, to, PH_PCP_PORT, interface);
    if (fd < 0)
        return fd;
    memset(&local, 0, sizeof local);
    if (getsockname(fd, &local.any, &len) != 0)
        return give_up(fd);
    (void)close(fd);
    *ret = from_system(&local).addr;
    return ph_addr_is_unspecified(ret) ? PORTHOLE_ERR_UNREACHABLE : 0;
}

int ph_sock_network(const struct ph_os_choice *choice, struct ph_network *ret) {
    struct ph_network network = {.count = 1, .paths = {{.gateway = choice->gateway}}};
    int error = ph_sock_source(&choice->gateway, 0, &choice->source, &network.paths[0].source);
    if (error == PORTHOLE_ERR_SYSTEM || error == PORTHOLE_ERR_NO_MEMORY)
        return error;
    if (error != 0)
        network = (struct ph_network){.error = PORTHOLE_ERR_NO_NETWORK};
    *ret = network;
    return 0;
}
