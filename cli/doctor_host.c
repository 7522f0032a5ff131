/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * doctor_host.c: interfaces, routes, neighbours and names of this host, as Linux tells them by
 * rtnetlink(7), which anybody may ask. It only reads. What cannot be read stays empty.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/addr.h"
#include "cli/doctor_parts.h"
#include "wire/ssdp.h"

#define PART_SIZE (32U * 1024U) /* the kernel makes no larger ones */
#define PATIENCE_S 2

/* ---- Asking the kernel ----------------------------------------------------------------------- */

/* What one message of an answer is handed to. */
typedef void message_fn(struct ph_doctor_report *report, const struct nlmsghdr *message);

/* A request that is a header of its own kind, and room for one attribute. */
struct request {
    struct nlmsghdr head;
    union {
        struct rtgenmsg any;
        struct rtmsg route;
    } body;
    struct rtattr attribute;
    uint8_t value[4];
};

static void read_answer(int fd, bool is_dump, struct ph_doctor_report *report, message_fn *take) {
    union {
        struct nlmsghdr align;
        uint8_t bytes[PART_SIZE];
    } part;
    for (;;) {
        ssize_t n = recv(fd, part.bytes, sizeof part.bytes, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        size_t left = (size_t)n;
        for (struct nlmsghdr *message = &part.align; NLMSG_OK(message, left);
             message = NLMSG_NEXT(message, left)) {
            if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR)
                return;
            take(report, message);
        }
        if (!is_dump)
            return;
    }
}

static void ask_kernel(struct request *request, size_t body_len, bool is_dump,
                       struct ph_doctor_report *report, message_fn *take) {
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    struct timeval patience = {.tv_sec = PATIENCE_S};
    if (fd < 0)
        return;
    request->head.nlmsg_len = (uint32_t)NLMSG_LENGTH(body_len);
    request->head.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | (is_dump ? NLM_F_DUMP : 0));
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (sendto(fd, request, request->head.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof kernel) >
        0)
        read_answer(fd, is_dump, report, take);
    (void)close(fd);
}

static void dump_table(unsigned type, struct ph_doctor_report *report, message_fn *take) {
    struct request request = {.head.nlmsg_type = (uint16_t)type};
    request.body.any.rtgen_family = AF_UNSPEC;
    ask_kernel(&request, sizeof request.body.any, true, report, take);
}

/* ---- Attributes ------------------------------------------------------------------------------ */

#define ATTRIBUTES_MAX 64U

struct attributes {
    struct ph_span at[ATTRIBUTES_MAX]; /* by type; `at` NULL = it is not there */
};

static void read_attributes(struct ph_span left, struct attributes *ret) {
    memset(ret, 0, sizeof *ret);
    while (left.len >= sizeof(struct rtattr)) {
        struct rtattr head;
        memcpy(&head, left.at, sizeof head);
        if (head.rta_len < sizeof head || head.rta_len > left.len)
            return;
        unsigned type = head.rta_type & (unsigned)NLA_TYPE_MASK;
        if (type < ATTRIBUTES_MAX)
            ret->at[type] = (struct ph_span){left.at + sizeof head, head.rta_len - sizeof head};
        size_t step = RTA_ALIGN(head.rta_len);
        step = step < left.len ? step : left.len;
        left.at += step;
        left.len -= step;
    }
}

/* The attributes that follow a header of this size. False: the message is too short for that. */
static bool read_message(const struct nlmsghdr *message, void *ret_head, size_t size,
                         struct attributes *ret) {
    const char *payload = (const char *)message + NLMSG_HDRLEN;
    size_t len = message->nlmsg_len - NLMSG_HDRLEN;
    if (len < size)
        return false;
    memcpy(ret_head, payload, size);
    size_t skip = NLMSG_ALIGN(size) < len ? NLMSG_ALIGN(size) : len;
    read_attributes((struct ph_span){payload + skip, len - skip}, ret);
    return true;
}

static uint32_t number_of(struct ph_span value) {
    uint32_t number = 0;
    if (value.len == sizeof number)
        memcpy(&number, value.at, sizeof number);
    return number;
}

static void text_of(struct ph_span value, char *ret, size_t size) {
    while (value.len > 0 && value.at[value.len - 1] == '\0')
        value.len--;
    ph_span_print(value, ret, size);
}

static void address_of(struct ph_span value, char ret[PORTHOLE_ADDRESS_SIZE]) {
    struct ph_addr addr = ph_addr_none;
    char text[PH_ADDR_TEXT_SIZE];
    const uint8_t *b = (const uint8_t *)value.at;
    if (value.len == 4)
        addr = ph_addr_v4(b[0], b[1], b[2], b[3]);
    else if (value.len == sizeof addr.b)
        memcpy(addr.b, b, sizeof addr.b);
    ph_doctor_format(ret, PORTHOLE_ADDRESS_SIZE, "%s", ph_addr_format(&addr, text));
}

static void mac_of(struct ph_span value, char ret[PH_DOCTOR_MAC_SIZE]) {
    const uint8_t *b = (const uint8_t *)value.at;
    if (value.len == 6)
        ph_doctor_format(ret, PH_DOCTOR_MAC_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2],
                         b[3], b[4], b[5]);
}

static void interface_name(uint32_t index, char ret[PH_DOCTOR_NAME_SIZE]) {
    char name[IF_NAMESIZE];
    ret[0] = '\0';
    if (if_indextoname(index, name))
        ph_span_print(ph_span_of(name), ret, PH_DOCTOR_NAME_SIZE);
}

static struct ph_doctor_interface *find_interface(struct ph_doctor_report *report,
                                                  const char *name) {
    for (size_t i = 0; i < report->interface_count; i++)
        if (*name && strcmp(report->interfaces[i].name, name) == 0)
            return &report->interfaces[i];
    return NULL;
}

/* ---- Interfaces ------------------------------------------------------------------------------ */

static enum ph_doctor_link link_of(unsigned hardware, const char *kind) {
    static const char *const tunnels[] = {"tun",    "wireguard", "ipip", "gre", "sit",
                                          "ip6tnl", "vti",       "vti6", "xfrm"};
    for (size_t i = 0; i < sizeof tunnels / sizeof *tunnels; i++)
        if (strcmp(kind, tunnels[i]) == 0)
            return PH_DOCTOR_LINK_TUNNEL;
    if (strcmp(kind, "bridge") == 0)
        return PH_DOCTOR_LINK_BRIDGE;
    switch (hardware) {
    case ARPHRD_LOOPBACK:
        return PH_DOCTOR_LINK_LOOPBACK;
    case ARPHRD_ETHER:
        return PH_DOCTOR_LINK_ETHERNET;
    case ARPHRD_PPP:
        return PH_DOCTOR_LINK_PPP;
    case ARPHRD_NONE: /* tun and WireGuard have no addresses on the link */
    case ARPHRD_TUNNEL:
    case ARPHRD_TUNNEL6:
    case ARPHRD_IPGRE:
    case ARPHRD_SIT:
        return PH_DOCTOR_LINK_TUNNEL;
    default:
        return PH_DOCTOR_LINK_OTHER;
    }
}

static void take_link(struct ph_doctor_report *report, const struct nlmsghdr *message) {
    struct ifinfomsg head;
    struct attributes attributes, information;
    if (message->nlmsg_type != RTM_NEWLINK || report->interface_count == PH_DOCTOR_INTERFACES_MAX ||
        !read_message(message, &head, sizeof head, &attributes))
        return;
    struct ph_doctor_interface *one = &report->interfaces[report->interface_count++];
    *one = (struct ph_doctor_interface){0};
    text_of(attributes.at[IFLA_IFNAME], one->name, sizeof one->name);
    read_attributes(attributes.at[IFLA_LINKINFO], &information);
    text_of(information.at[IFLA_INFO_KIND], one->kind, sizeof one->kind);
    one->link = link_of(head.ifi_type, one->kind);
    if (one->link == PH_DOCTOR_LINK_ETHERNET || one->link == PH_DOCTOR_LINK_BRIDGE)
        mac_of(attributes.at[IFLA_ADDRESS], one->mac);
    one->mtu = number_of(attributes.at[IFLA_MTU]);
    one->is_up = (head.ifi_flags & IFF_UP) != 0;
    one->is_running = (head.ifi_flags & IFF_RUNNING) != 0;
}

static void take_address(struct ph_doctor_report *report, const struct nlmsghdr *message) {
    struct ifaddrmsg head;
    struct attributes attributes;
    char name[PH_DOCTOR_NAME_SIZE], text[PORTHOLE_ADDRESS_SIZE];
    if (message->nlmsg_type != RTM_NEWADDR ||
        !read_message(message, &head, sizeof head, &attributes))
        return;
    interface_name(head.ifa_index, name);
    struct ph_doctor_interface *one = find_interface(report, name);
    if (!one || one->address_count == PH_DOCTOR_ADDRESSES_MAX)
        return;
    /* On a point-to-point link IFA_ADDRESS is the peer's and IFA_LOCAL ours. */
    bool has_local = attributes.at[IFA_LOCAL].at != NULL;
    address_of(attributes.at[has_local ? IFA_LOCAL : IFA_ADDRESS], text);
    struct ph_doctor_address *address = &one->addresses[one->address_count++];
    ph_doctor_set_address(address, text);
    address->prefix = head.ifa_prefixlen;
}

/* ---- Routes ---------------------------------------------------------------------------------- */

/* The whole Internet, or half of it. */
static void take_route(struct ph_doctor_report *report, const struct nlmsghdr *message) {
    struct rtmsg head;
    struct attributes attributes;
    if (message->nlmsg_type != RTM_NEWROUTE || report->route_count == PH_DOCTOR_ROUTES_MAX ||
        !read_message(message, &head, sizeof head, &attributes))
        return;
    if (head.rtm_dst_len > 1 || head.rtm_type != RTN_UNICAST || head.rtm_table != RT_TABLE_MAIN ||
        (head.rtm_flags & RTM_F_CLONED) != 0 ||
        (head.rtm_family != AF_INET && head.rtm_family != AF_INET6))
        return;
    struct ph_doctor_route *route = &report->routes[report->route_count++];
    *route = (struct ph_doctor_route){0};
    char address[PORTHOLE_ADDRESS_SIZE];
    address_of(attributes.at[RTA_DST], address);
    bool is_v4 = head.rtm_family == AF_INET;
    if (head.rtm_dst_len == 0)
        ph_doctor_format(route->destination, sizeof route->destination, "%s",
                         is_v4 ? "default" : "default (IPv6)");
    else
        ph_doctor_format(route->destination, sizeof route->destination, "%s/%u",
                         *address ? address
                         : is_v4  ? "0.0.0.0"
                                  : "::",
                         (unsigned)head.rtm_dst_len);
    address_of(attributes.at[RTA_GATEWAY], route->gateway);
    interface_name(number_of(attributes.at[RTA_OIF]), route->interface);
    route->metric = number_of(attributes.at[RTA_PRIORITY]);
}

static void take_way(struct ph_doctor_report *report, const struct nlmsghdr *message) {
    struct rtmsg head;
    struct attributes attributes;
    struct ph_doctor_way *way = &report->way;
    if (message->nlmsg_type != RTM_NEWROUTE ||
        !read_message(message, &head, sizeof head, &attributes) || head.rtm_type != RTN_UNICAST)
        return;
    way->is_there = true;
    address_of(attributes.at[RTA_GATEWAY], way->gateway);
    address_of(attributes.at[RTA_PREFSRC], way->source);
    interface_name(number_of(attributes.at[RTA_OIF]), way->interface);
    const struct ph_doctor_interface *one = find_interface(report, way->interface);
    way->link = one ? one->link : PH_DOCTOR_LINK_OTHER;
}

/* Which way a packet would take, without sending one: policy routing counts, as WireGuard uses it.
 * The address is one of the Internet's, of no meaning. */
static void find_way(struct ph_doctor_report *report) {
    static const uint8_t somewhere[4] = {1, 2, 3, 4};
    struct request request = {.head.nlmsg_type = RTM_GETROUTE};
    request.body.route = (struct rtmsg){.rtm_family = AF_INET, .rtm_dst_len = 32};
    /* The attribute follows the body, which is as long as a route's. */
    request.attribute =
        (struct rtattr){.rta_len = RTA_LENGTH(sizeof somewhere), .rta_type = RTA_DST};
    memcpy(request.value, somewhere, sizeof somewhere);
    ask_kernel(&request, sizeof request.body.route + request.attribute.rta_len, false, report,
               take_way);
}

/* ---- Neighbours ------------------------------------------------------------------------------ */

static bool is_interesting(const struct ph_doctor_report *report, const char *address) {
    if (strcmp(report->gateway, address) == 0 || strcmp(report->way.gateway, address) == 0)
        return true;
    for (size_t i = 0; i < report->route_count; i++)
        if (strcmp(report->routes[i].gateway, address) == 0)
            return true;
    for (size_t i = 0; i < report->device_count; i++)
        if (strcmp(report->devices[i].address, address) == 0)
            return true;
    return false;
}

static void take_neighbour(struct ph_doctor_report *report, const struct nlmsghdr *message) {
    struct ndmsg head;
    struct attributes attributes;
    char address[PORTHOLE_ADDRESS_SIZE];
    if (message->nlmsg_type != RTM_NEWNEIGH ||
        report->neighbour_count == PH_DOCTOR_NEIGHBOURS_MAX ||
        !read_message(message, &head, sizeof head, &attributes))
        return;
    address_of(attributes.at[NDA_DST], address);
    if (!*address || !is_interesting(report, address) || (head.ndm_state & NUD_NOARP) != 0)
        return;
    struct ph_doctor_neighbour *one = &report->neighbours[report->neighbour_count++];
    *one = (struct ph_doctor_neighbour){0};
    memcpy(one->address, address, sizeof one->address);
    interface_name((uint32_t)head.ndm_ifindex, one->interface);
    one->is_resolved = (head.ndm_state & (NUD_INCOMPLETE | NUD_FAILED)) == 0;
    if (one->is_resolved)
        mac_of(attributes.at[NDA_LLADDR], one->mac);
    one->is_gateway = strcmp(report->gateway, address) == 0;
}

/* ---- What comes to an interface -------------------------------------------------------------- */

#define PACKET_SIZE 1600U
#define UDP_HEADER_SIZE 8U

/* A socket that sees packets before the firewall does; of those, UDP. */
int ph_doctor_host_listen(const char *interface) {
    static struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9), /* the protocol of an IPv4 header */
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, PACKET_SIZE),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    const struct sock_fprog program = {sizeof code / sizeof *code, code};
    struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP)};
    at.sll_ifindex = (int)if_nametoindex(interface);
    if (at.sll_ifindex == 0)
        return -1;
    /* With protocol 0 nothing comes in before the filter is there. */
    int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0 &&
        bind(fd, (struct sockaddr *)&at, sizeof at) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

/* An answer to an M-SEARCH, to this address and port: where UDP's payload begins like one of HTTP.
 */
static bool is_search_answer(struct ph_span packet, const struct ph_endpoint *local) {
    const uint8_t *b = (const uint8_t *)packet.at;
    size_t head = packet.len > 0 ? (b[0] & 15U) * 4U : 0;
    if (head < 20 || packet.len < head + UDP_HEADER_SIZE || b[0] >> 4 != 4 ||
        memcmp(b + 16, ph_addr_v4_bytes(&local->addr), 4) != 0 ||
        (b[head + 2] << 8 | b[head + 3]) != local->port)
        return false;
    struct ph_span text = {packet.at + head + UDP_HEADER_SIZE, packet.len - head - UDP_HEADER_SIZE};
    struct ph_ssdp_message message;
    return ph_ssdp_decode(text.at, text.len, &message) == 0 && message.type == PH_SSDP_ANSWER &&
           (ph_ssdp_is_gateway(message.target) || ph_ssdp_is_gateway(message.usn));
}

unsigned ph_doctor_host_heard(int fd, const char *local, uint16_t port) {
    struct ph_endpoint at = {.port = port};
    char bytes[PACKET_SIZE];
    unsigned count = 0;
    if (fd < 0)
        return 0;
    bool is_v4 = ph_addr_parse(ph_span_of(local), &at.addr) && ph_addr_is_v4(&at.addr);
    for (ssize_t n; (n = recv(fd, bytes, sizeof bytes, 0)) >= 0;)
        if (is_v4 && is_search_answer((struct ph_span){bytes, (size_t)n}, &at))
            count++;
    (void)close(fd);
    return count;
}

/* ---- All of it ------------------------------------------------------------------------------- */

void ph_doctor_host_look(struct ph_doctor_report *report) {
    struct utsname system;
    char name[PORTHOLE_TEXT_SIZE];
    if (uname(&system) == 0) {
        char text[PORTHOLE_TEXT_SIZE];
        ph_doctor_format(text, sizeof text, "%.20s %.60s %.20s", system.sysname, system.release,
                         system.machine);
        ph_span_print(ph_span_of(text), report->system, sizeof report->system);
    }
    if (gethostname(name, sizeof name) == 0) {
        name[sizeof name - 1] = '\0';
        ph_span_print(ph_span_of(name), report->host, sizeof report->host);
    }
    dump_table(RTM_GETLINK, report, take_link);
    dump_table(RTM_GETADDR, report, take_address);
    dump_table(RTM_GETROUTE, report, take_route);
    find_way(report);
}

void ph_doctor_host_neighbours(struct ph_doctor_report *report) {
    report->neighbour_count = 0;
    dump_table(RTM_GETNEIGH, report, take_neighbour);
}
