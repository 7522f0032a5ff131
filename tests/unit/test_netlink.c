/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_netlink.c: dumps of routes and addresses as rtnetlink(7) describes them, put together by
 * hand, whole, in parts, cut off and corrupted.
 */
#include "driver/netlink.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <porthole/porthole.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "hostile.h"

#define SEQUENCE 7U

/* A dump being written; `message` is where the open message began. */
struct dump {
    uint8_t bytes[4096];
    size_t len;
    size_t message;
};

static void put(struct dump *d, const void *bytes, size_t len) {
    assert_true(d->len + len + 4 <= sizeof d->bytes);
    memcpy(d->bytes + d->len, bytes, len);
    d->len += len;
    while (d->len % 4 != 0)
        d->bytes[d->len++] = 0;
}

static void begin(struct dump *d, unsigned type, unsigned flags, uint32_t sequence) {
    struct nlmsghdr head = {.nlmsg_type = (uint16_t)type,
                            .nlmsg_flags = (uint16_t)(NLM_F_MULTI | flags),
                            .nlmsg_seq = sequence};
    d->message = d->len;
    put(d, &head, sizeof head);
}

static void end(struct dump *d) {
    uint32_t len = (uint32_t)(d->len - d->message);
    memcpy(d->bytes + d->message, &len, sizeof len);
}

static void put_attribute(struct dump *d, unsigned type, const void *value, size_t len) {
    struct rtattr head = {.rta_len = (uint16_t)(sizeof head + len), .rta_type = (uint16_t)type};
    put(d, &head, sizeof head);
    put(d, value, len);
}

static void put_number(struct dump *d, unsigned type, uint32_t value) {
    put_attribute(d, type, &value, sizeof value);
}

static void put_v4(struct dump *d, unsigned type, uint8_t last) {
    put_attribute(d, type, (uint8_t[]){192, 168, 1, last}, 4);
}

static struct rtmsg a_default_route(void) {
    return (struct rtmsg){.rtm_family = AF_INET,
                          .rtm_table = RT_TABLE_MAIN,
                          .rtm_protocol = RTPROT_DHCP,
                          .rtm_type = RTN_UNICAST};
}

static void begin_route(struct dump *d, const struct rtmsg *route) {
    begin(d, RTM_NEWROUTE, 0, SEQUENCE);
    put(d, route, sizeof *route);
}

/* default via 192.168.1.GATEWAY dev INTERFACE metric METRIC, in a table of its own or main */
static void put_route(struct dump *d, uint32_t table, uint8_t gateway, uint32_t interface,
                      uint32_t metric) {
    struct rtmsg route = a_default_route();
    route.rtm_table = (uint8_t)(table < 256 ? table : RT_TABLE_COMPAT);
    begin_route(d, &route);
    put_number(d, RTA_TABLE, table);
    put_number(d, RTA_PRIORITY, metric);
    put_v4(d, RTA_GATEWAY, gateway);
    put_number(d, RTA_OIF, interface);
    end(d);
}

static void put_done(struct dump *d, int error) {
    begin(d, NLMSG_DONE, 0, SEQUENCE);
    put(d, &error, sizeof error);
    end(d);
}

static struct ph_netlink_dump fresh(void) { return (struct ph_netlink_dump){.sequence = SEQUENCE}; }

static struct ph_netlink_dump read_whole(const struct dump *d) {
    struct ph_netlink_dump read = fresh();
    assert_int_equal(ph_netlink_read(&read, d->bytes, d->len), 1);
    return read;
}

static void assert_gateway(const struct ph_netlink_route *route, uint8_t last) {
    struct ph_addr addr = ph_addr_v4(192, 168, 1, last);
    assert_true(ph_addr_equal(&route->gateway, &addr));
}

static void default_route_gives_gateway_interface_and_metric(void **state) {
    struct dump d = {.len = 0};
    (void)state;
    put_route(&d, RT_TABLE_MAIN, 1, 3, 600);
    put_done(&d, 0);
    struct ph_netlink_dump read = read_whole(&d);
    assert_int_equal(read.count, 1);
    assert_gateway(&read.routes[0], 1);
    assert_int_equal(read.routes[0].interface, 3);
    assert_int_equal(read.routes[0].metric, 600);
    assert_true(read.routes[0].is_main);
    assert_true(ph_addr_is_unspecified(&read.routes[0].source));
    assert_false(read.is_interrupted);
}

static void preferred_source_is_read(void **state) {
    struct dump d = {.len = 0};
    struct rtmsg route = a_default_route();
    struct ph_addr source = ph_addr_v4(192, 168, 1, 20);
    (void)state;
    begin_route(&d, &route);
    put_v4(&d, RTA_GATEWAY, 1);
    put_v4(&d, RTA_PREFSRC, 20);
    end(&d);
    put_done(&d, 0);
    struct ph_netlink_dump read = read_whole(&d);
    assert_int_equal(read.count, 1);
    assert_true(ph_addr_equal(&read.routes[0].source, &source));
}

static void lowest_metric_comes_first_and_equals_keep_their_order(void **state) {
    struct dump d = {.len = 0};
    (void)state;
    put_route(&d, RT_TABLE_MAIN, 1, 3, 600);
    put_route(&d, RT_TABLE_MAIN, 2, 2, 100);
    put_route(&d, RT_TABLE_MAIN, 3, 4, 600);
    put_route(&d, RT_TABLE_MAIN, 4, 5, 0);
    put_done(&d, 0);
    struct ph_netlink_dump read = read_whole(&d);
    assert_int_equal(read.count, 4);
    assert_gateway(&read.routes[0], 4);
    assert_gateway(&read.routes[1], 2);
    assert_gateway(&read.routes[2], 1);
    assert_gateway(&read.routes[3], 3);
}

static void main_table_comes_before_others_whatever_the_metric(void **state) {
    struct dump d = {.len = 0};
    (void)state;
    put_route(&d, 51820, 9, 7, 0);
    put_route(&d, RT_TABLE_MAIN, 1, 3, 600);
    put_route(&d, 100, 8, 7, 0);
    put_done(&d, 0);
    struct ph_netlink_dump read = read_whole(&d);
    assert_int_equal(read.count, 3);
    assert_gateway(&read.routes[0], 1);
    assert_gateway(&read.routes[1], 9);
    assert_false(read.routes[1].is_main);
    assert_gateway(&read.routes[2], 8);
}

static void several_parts_are_one_dump(void **state) {
    struct dump first = {.len = 0};
    struct dump second = {.len = 0};
    struct dump third = {.len = 0};
    struct ph_netlink_dump read = fresh();
    (void)state;
    put_route(&first, RT_TABLE_MAIN, 1, 3, 600);
    put_route(&second, RT_TABLE_MAIN, 2, 2, 100);
    put_done(&third, 0);
    assert_int_equal(ph_netlink_read(&read, first.bytes, first.len), 0);
    assert_int_equal(ph_netlink_read(&read, second.bytes, second.len), 0);
    assert_int_equal(ph_netlink_read(&read, third.bytes, third.len), 1);
    assert_int_equal(read.count, 2);
    assert_gateway(&read.routes[0], 2);
}

static void put_hop(struct dump *d, uint8_t gateway, int interface, unsigned flags) {
    struct rtnexthop hop = {
        .rtnh_len = sizeof hop + 8, .rtnh_flags = (uint8_t)flags, .rtnh_ifindex = interface};
    put(d, &hop, sizeof hop);
    put_v4(d, RTA_GATEWAY, gateway);
}

static void each_living_hop_of_a_multipath_route_is_a_way_out(void **state) {
    struct dump hops = {.len = 0};
    struct dump d = {.len = 0};
    struct rtmsg route = a_default_route();
    (void)state;
    put_hop(&hops, 1, 3, 0);
    put_hop(&hops, 2, 4, RTNH_F_LINKDOWN);
    put_hop(&hops, 3, 5, 0);
    begin_route(&d, &route);
    put_number(&d, RTA_PRIORITY, 20);
    put_attribute(&d, RTA_MULTIPATH, hops.bytes, hops.len);
    end(&d);
    put_done(&d, 0);
    struct ph_netlink_dump read = read_whole(&d);
    assert_int_equal(read.count, 2);
    assert_gateway(&read.routes[0], 1);
    assert_int_equal(read.routes[0].interface, 3);
    assert_int_equal(read.routes[0].metric, 20);
    assert_gateway(&read.routes[1], 3);
    assert_int_equal(read.routes[1].interface, 5);
}

static void put_odd_route(struct dump *d, const struct rtmsg *route) {
    begin_route(d, route);
    put_v4(d, RTA_GATEWAY, 1);
    end(d);
}

static void routes_that_lead_to_no_gateway_of_ours_are_skipped(void **state) {
    struct dump d = {.len = 0};
    struct rtmsg route = a_default_route();
    (void)state;
    route.rtm_dst_len = 24; /* a subnet's */
    put_odd_route(&d, &route);
    route = a_default_route();
    route.rtm_src_len = 8; /* for some senders only */
    put_odd_route(&d, &route);
    route = a_default_route();
    route.rtm_tos = 8; /* for some traffic only */
    put_odd_route(&d, &route);
    route = a_default_route();
    route.rtm_type = RTN_UNREACHABLE;
    put_odd_route(&d, &route);
    route = a_default_route();
    route.rtm_flags = RTNH_F_DEAD;
    put_odd_route(&d, &route);
    route = a_default_route();
    route.rtm_flags = RTM_F_CLONED;
    put_odd_route(&d, &route);
    route = a_default_route(); /* on the link: a tunnel without a gateway */
    begin_route(&d, &route);
    put_number(&d, RTA_OIF, 9);
    end(&d);
    begin_route(&d, &route); /* a gateway of another family */
    put_attribute(&d, RTA_GATEWAY, (uint8_t[16]){0xfe, 0x80}, 16);
    end(&d);
    put_done(&d, 0);
    assert_int_equal(read_whole(&d).count, 0);
}

static void ipv6_default_route_is_read_alike(void **state) {
    static const uint8_t gateway[16] = {0xfe, 0x80, [15] = 1};
    struct dump d = {.len = 0};
    struct rtmsg route = a_default_route();
    (void)state;
    route.rtm_family = AF_INET6;
    begin_route(&d, &route);
    put_attribute(&d, RTA_GATEWAY, gateway, sizeof gateway);
    put_number(&d, RTA_OIF, 4);
    end(&d);
    put_done(&d, 0);
    struct ph_netlink_dump read = read_whole(&d);
    assert_int_equal(read.count, 1);
    assert_memory_equal(read.routes[0].gateway.b, gateway, sizeof gateway);
}

static void more_routes_than_there_is_room_for_leave_the_best(void **state) {
    struct dump d = {.len = 0};
    (void)state;
    for (uint32_t i = 0; i < 2 * PH_NETLINK_ROUTES_MAX; i++)
        put_route(&d, RT_TABLE_MAIN, (uint8_t)(100 - i), 1, 100 - i);
    put_done(&d, 0);
    struct ph_netlink_dump read = read_whole(&d);
    assert_int_equal(read.count, PH_NETLINK_ROUTES_MAX);
    for (unsigned i = 0; i < PH_NETLINK_ROUTES_MAX; i++)
        assert_int_equal(read.routes[i].metric, 100 - 2 * PH_NETLINK_ROUTES_MAX + 1 + i);
}

static void answers_to_another_request_are_skipped(void **state) {
    struct dump d = {.len = 0};
    struct ph_netlink_dump read = fresh();
    (void)state;
    put_route(&d, RT_TABLE_MAIN, 1, 3, 600);
    put_done(&d, 0);
    read.sequence = SEQUENCE + 1;
    assert_int_equal(ph_netlink_read(&read, d.bytes, d.len), 0);
    assert_int_equal(read.count, 0);
}

static void interrupted_dump_is_noted(void **state) {
    struct dump d = {.len = 0};
    struct rtmsg route = a_default_route();
    (void)state;
    begin(&d, RTM_NEWROUTE, NLM_F_DUMP_INTR, SEQUENCE);
    put(&d, &route, sizeof route);
    put_v4(&d, RTA_GATEWAY, 1);
    end(&d);
    put_done(&d, 0);
    struct ph_netlink_dump read = read_whole(&d);
    assert_true(read.is_interrupted);
    assert_int_equal(read.count, 1);
}

static void refusal_of_the_kernel_is_an_error(void **state) {
    struct dump d = {.len = 0};
    struct dump broken_off = {.len = 0};
    struct nlmsgerr refusal = {.error = -13};
    struct ph_netlink_dump read = fresh();
    (void)state;
    begin(&d, NLMSG_ERROR, 0, SEQUENCE);
    put(&d, &refusal, sizeof refusal);
    end(&d);
    assert_int_equal(ph_netlink_read(&read, d.bytes, d.len), PORTHOLE_ERR_SYSTEM);
    put_done(&broken_off, -4);
    assert_int_equal(ph_netlink_read(&read, broken_off.bytes, broken_off.len), PORTHOLE_ERR_SYSTEM);
}

static void put_address(struct dump *d, uint32_t interface, uint8_t local, uint8_t peer,
                        uint8_t prefix_len) {
    struct ifaddrmsg head = {
        .ifa_family = AF_INET, .ifa_prefixlen = prefix_len, .ifa_index = interface};
    begin(d, RTM_NEWADDR, 0, SEQUENCE);
    put(d, &head, sizeof head);
    put_v4(d, IFA_ADDRESS, peer);
    put_v4(d, IFA_LOCAL, local);
    end(d);
}

static struct ph_netlink_dump wanting(uint8_t last) {
    struct ph_netlink_dump read = fresh();
    read.addresses[read.address_count++].wanted = ph_addr_v4(192, 168, 1, last);
    return read;
}

static void interface_and_prefix_of_the_wanted_address_are_found(void **state) {
    struct dump d = {.len = 0};
    struct ph_netlink_dump read = wanting(20);
    (void)state;
    put_address(&d, 2, 5, 5, 24);
    put_address(&d, 6, 30, 20, 32); /* point to point: 20 is the other end */
    put_address(&d, 3, 20, 20, 22);
    put_done(&d, 0);
    assert_int_equal(ph_netlink_read(&read, d.bytes, d.len), 1);
    assert_int_equal(read.addresses[0].interface, 3);
    assert_int_equal(read.addresses[0].prefix_len, 22);
    read = wanting(77); /* nobody's */
    assert_int_equal(ph_netlink_read(&read, d.bytes, d.len), 1);
    assert_int_equal(read.addresses[0].interface, 0);
}

static void several_addresses_are_found_in_one_reading(void **state) {
    struct dump d = {.len = 0};
    struct ph_netlink_dump read = wanting(20);
    (void)state;
    read.addresses[read.address_count++].wanted = ph_addr_v4(192, 168, 1, 5);
    put_address(&d, 2, 5, 5, 16);
    put_address(&d, 3, 20, 20, 25);
    put_address(&d, 4, 20, 20, 8); /* of two interfaces that have it, the first */
    put_done(&d, 0);
    assert_int_equal(ph_netlink_read(&read, d.bytes, d.len), 1);
    assert_int_equal(read.addresses[0].interface, 3);
    assert_int_equal(read.addresses[0].prefix_len, 25);
    assert_int_equal(read.addresses[1].interface, 2);
    assert_int_equal(read.addresses[1].prefix_len, 16);
}

static void prefix_that_is_none_is_not_believed(void **state) {
    struct dump d = {.len = 0};
    struct ph_netlink_dump read = wanting(20);
    (void)state;
    put_address(&d, 3, 20, 20, 33);
    put_done(&d, 0);
    assert_int_equal(ph_netlink_read(&read, d.bytes, d.len), 1);
    assert_int_equal(read.addresses[0].interface, 3);
    assert_int_equal(read.addresses[0].prefix_len, 0);
}

/* ---- Cut off and corrupted ------------------------------------------------------------------- */

/* One of everything. */
static struct dump a_full_dump(void) {
    struct dump hops = {.len = 0};
    struct dump d = {.len = 0};
    struct rtmsg route = a_default_route();
    put_route(&d, RT_TABLE_MAIN, 1, 3, 600);
    put_hop(&hops, 2, 4, 0);
    put_hop(&hops, 3, 5, 0);
    begin_route(&d, &route);
    put_attribute(&d, RTA_MULTIPATH, hops.bytes, hops.len);
    put_v4(&d, RTA_PREFSRC, 20);
    end(&d);
    put_address(&d, 3, 20, 20, 24);
    put_done(&d, 0);
    return d;
}

static void check_cut(const uint8_t *bytes, size_t len, size_t whole) {
    struct ph_netlink_dump read = fresh();
    int result = ph_netlink_read(&read, bytes, len);
    if (len == whole)
        assert_int_equal(result, 1);
    else
        assert_true(result == 0 || result == PORTHOLE_ERR_MALFORMED);
    assert_true(read.count <= 3);
    for (unsigned i = 0; i < read.count; i++)
        assert_true(ph_addr_is_v4(&read.routes[i].gateway));
}

static void dump_cut_off_at_any_byte_is_no_whole_one(void **state) {
    struct dump d = a_full_dump();
    (void)state;
    hostile_truncate(d.bytes, d.len, check_cut);
}

static void check_corrupted(const uint8_t *bytes, size_t len, size_t whole) {
    struct ph_netlink_dump read = wanting(20);
    (void)whole;
    int result = ph_netlink_read(&read, bytes, len);
    assert_true(result == 0 || result == 1 || result == PORTHOLE_ERR_MALFORMED ||
                result == PORTHOLE_ERR_SYSTEM);
    assert_true(read.count <= PH_NETLINK_ROUTES_MAX);
}

static void no_corrupted_byte_is_read_past(void **state) {
    struct dump d = a_full_dump();
    (void)state;
    hostile_corrupt(d.bytes, d.len, check_corrupted);
}

/* A message of no length must not be looked at for ever. */
static void message_of_length_zero_is_malformed(void **state) {
    struct ph_netlink_dump read = fresh();
    uint8_t zeros[64] = {0};
    (void)state;
    assert_int_equal(ph_netlink_read(&read, zeros, sizeof zeros), PORTHOLE_ERR_MALFORMED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(default_route_gives_gateway_interface_and_metric),
        cmocka_unit_test(preferred_source_is_read),
        cmocka_unit_test(lowest_metric_comes_first_and_equals_keep_their_order),
        cmocka_unit_test(main_table_comes_before_others_whatever_the_metric),
        cmocka_unit_test(several_parts_are_one_dump),
        cmocka_unit_test(each_living_hop_of_a_multipath_route_is_a_way_out),
        cmocka_unit_test(routes_that_lead_to_no_gateway_of_ours_are_skipped),
        cmocka_unit_test(ipv6_default_route_is_read_alike),
        cmocka_unit_test(more_routes_than_there_is_room_for_leave_the_best),
        cmocka_unit_test(answers_to_another_request_are_skipped),
        cmocka_unit_test(interrupted_dump_is_noted),
        cmocka_unit_test(refusal_of_the_kernel_is_an_error),
        cmocka_unit_test(interface_and_prefix_of_the_wanted_address_are_found),
        cmocka_unit_test(several_addresses_are_found_in_one_reading),
        cmocka_unit_test(prefix_that_is_none_is_not_believed),
        cmocka_unit_test(dump_cut_off_at_any_byte_is_no_whole_one),
        cmocka_unit_test(no_corrupted_byte_is_read_past),
        cmocka_unit_test(message_of_length_zero_is_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
