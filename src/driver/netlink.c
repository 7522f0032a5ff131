/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * netlink.c: see netlink.h. Headers are copied out before they are looked at, for bytes need not be
 * aligned; each length is checked against what is left.
 */
#include "driver/netlink.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <porthole/porthole.h>
#include <string.h>
#include <sys/socket.h>

struct bytes {
    const uint8_t *at;
    size_t len;
};

/* Takes `len` bytes off the front, and what aligns the rest to four. */
static struct bytes take_aligned(struct bytes *left, size_t len) {
    struct bytes taken = {left->at, len};
    size_t aligned = NLMSG_ALIGN(len);
    size_t n = aligned < left->len ? aligned : left->len;
    left->at += n;
    left->len -= n;
    return taken;
}

/* Copies a header of `size` off the front of *bytes. False: it is cut off. */
static bool take_header(struct bytes *bytes, void *ret, size_t size) {
    if (bytes->len < size)
        return false;
    memcpy(ret, bytes->at, size);
    (void)take_aligned(bytes, size);
    return true;
}

/* The next attribute; false at the end, and when what is left is none. */
static bool next_attribute(struct bytes *left, unsigned *ret_type, struct bytes *ret_value) {
    struct rtattr attribute;
    if (left->len < sizeof attribute)
        return false;
    memcpy(&attribute, left->at, sizeof attribute);
    if (attribute.rta_len < sizeof attribute || attribute.rta_len > left->len)
        return false;
    *ret_value = take_aligned(left, attribute.rta_len);
    ret_value->at += sizeof attribute;
    ret_value->len -= sizeof attribute;
    *ret_type = attribute.rta_type & (unsigned)NLA_TYPE_MASK;
    return true;
}

static uint32_t value_u32(struct bytes value) {
    uint32_t v = 0;
    if (value.len == sizeof v)
        memcpy(&v, value.at, sizeof v);
    return v;
}

/* None when its length is not the family's. */
static struct ph_addr value_address(struct bytes value, unsigned family) {
    struct ph_addr addr = ph_addr_none;
    if (family == AF_INET && value.len == 4)
        addr = ph_addr_v4(value.at[0], value.at[1], value.at[2], value.at[3]);
    else if (family == AF_INET6 && value.len == sizeof addr.b)
        memcpy(addr.b, value.at, sizeof addr.b);
    return addr;
}

/* ---- Routes ---------------------------------------------------------------------------------- */

static bool is_better(const struct ph_netlink_route *a, const struct ph_netlink_route *b) {
    return a->is_main != b->is_main ? a->is_main : a->metric < b->metric;
}

/* Into its place; of equals the one that came first stays first. */
static void add_route(struct ph_netlink_dump *dump, const struct ph_netlink_route *route) {
    unsigned at = dump->count;
    while (at > 0 && is_better(route, &dump->routes[at - 1]))
        at--;
    if (at == PH_NETLINK_ROUTES_MAX)
        return;
    if (dump->count < PH_NETLINK_ROUTES_MAX)
        dump->count++;
    memmove(&dump->routes[at + 1], &dump->routes[at],
            (dump->count - 1 - at) * sizeof dump->routes[0]);
    dump->routes[at] = *route;
}

/* A way that leads nowhere now: its interface is down, or its cable is out. */
static bool is_dead(unsigned flags) { return (flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN)) != 0; }

/* The next hops of a route over several gateways: each is a way out. */
static void add_hops(struct ph_netlink_dump *dump, struct bytes hops, unsigned family,
                     const struct ph_netlink_route *route) {
    struct rtnexthop hop;
    while (hops.len >= sizeof hop) {
        memcpy(&hop, hops.at, sizeof hop);
        if (hop.rtnh_len < sizeof hop || hop.rtnh_len > hops.len)
            return;
        struct bytes left = take_aligned(&hops, hop.rtnh_len);
        struct ph_netlink_route one = *route;
        unsigned type;
        struct bytes value;
        (void)take_aligned(&left, sizeof hop);
        one.interface = (uint32_t)hop.rtnh_ifindex;
        one.gateway = ph_addr_none;
        while (next_attribute(&left, &type, &value))
            if (type == RTA_GATEWAY)
                one.gateway = value_address(value, family);
        if (!is_dead(hop.rtnh_flags) && !ph_addr_is_unspecified(&one.gateway))
            add_route(dump, &one);
    }
}

static void read_route(struct ph_netlink_dump *dump, struct bytes left) {
    struct rtmsg head;
    if (!take_header(&left, &head, sizeof head))
        return;
    if (head.rtm_dst_len != 0 || head.rtm_src_len != 0 || head.rtm_tos != 0 ||
        head.rtm_type != RTN_UNICAST || (head.rtm_flags & RTM_F_CLONED) != 0)
        return;

    struct ph_netlink_route route = {.metric = 0};
    struct bytes hops = {NULL, 0};
    unsigned type;
    struct bytes value;
    while (next_attribute(&left, &type, &value)) {
        switch (type) {
        case RTA_PRIORITY:
            route.metric = value_u32(value);
            break;
        case RTA_OIF:
            route.interface = value_u32(value);
            break;
        case RTA_GATEWAY:
            route.gateway = value_address(value, head.rtm_family);
            break;
        case RTA_PREFSRC:
            route.source = value_address(value, head.rtm_family);
            break;
        case RTA_MULTIPATH:
            hops = value;
            break;
        default:
            break;
        }
    }
    route.is_main = head.rtm_table == RT_TABLE_MAIN;
    /* A route without a gateway is on the link: a point-to-point tunnel, whose far end is no
     * gateway that we could ask. */
    if (!ph_addr_is_unspecified(&route.gateway) && !is_dead(head.rtm_flags))
        add_route(dump, &route);
    add_hops(dump, hops, head.rtm_family, &route);
}

/* ---- Addresses and messages ------------------------------------------------------------------ */

static void read_address(struct ph_netlink_dump *dump, struct bytes left) {
    struct ifaddrmsg head;
    unsigned type;
    struct bytes value;
    if (dump->address_count == 0 || !take_header(&left, &head, sizeof head))
        return;
    unsigned most = head.ifa_family == AF_INET ? 32 : 128;
    while (next_attribute(&left, &type, &value)) {
        /* On a point-to-point link IFA_ADDRESS is the peer's and IFA_LOCAL ours; IPv6 has only
         * IFA_ADDRESS. */
        bool is_ours = type == IFA_LOCAL || (type == IFA_ADDRESS && head.ifa_family == AF_INET6);
        struct ph_addr addr = value_address(value, head.ifa_family);
        for (unsigned i = 0; is_ours && i < dump->address_count; i++) {
            struct ph_netlink_address *a = &dump->addresses[i];
            if (a->interface != 0 || !ph_addr_equal(&addr, &a->wanted))
                continue;
            a->interface = head.ifa_index;
            a->prefix_len = head.ifa_prefixlen <= most ? head.ifa_prefixlen : 0;
        }
    }
}

/* The error number at the front of a DONE or ERROR message; 0 = all is well. */
static int end_of_dump(struct bytes payload) {
    int error = 0;
    (void)take_header(&payload, &error, sizeof error);
    return error == 0 ? 1 : PORTHOLE_ERR_SYSTEM;
}

int ph_netlink_read(struct ph_netlink_dump *dump, const void *bytes, size_t len) {
    struct bytes left = {bytes, len};
    struct nlmsghdr head;
    while (left.len > 0) {
        if (left.len < sizeof head)
            return PORTHOLE_ERR_MALFORMED;
        memcpy(&head, left.at, sizeof head);
        if (head.nlmsg_len < sizeof head || head.nlmsg_len > left.len)
            return PORTHOLE_ERR_MALFORMED;
        struct bytes payload = take_aligned(&left, head.nlmsg_len);
        (void)take_aligned(&payload, sizeof head);
        if (head.nlmsg_seq != dump->sequence)
            continue;
        if (head.nlmsg_flags & NLM_F_DUMP_INTR)
            dump->is_interrupted = true;
        if (head.nlmsg_type == NLMSG_DONE || head.nlmsg_type == NLMSG_ERROR)
            return end_of_dump(payload);
        if (head.nlmsg_type == RTM_NEWROUTE)
            read_route(dump, payload);
        else if (head.nlmsg_type == RTM_NEWADDR)
            read_address(dump, payload);
    }
    return 0;
}
