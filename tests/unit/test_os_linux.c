/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_os_linux.c: what the kernel of this host tells about routes, in a network namespace of the
 * test's own, which needs root or user namespaces, and ip(8); skipped without. Nothing is sent.
 */
#define _GNU_SOURCE
#include "driver/os.h"

#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

extern char **environ;

static bool run(const char *script) {
    char *const arguments[] = {"sh", "-ec", (char *)(uintptr_t)script, NULL};
    pid_t pid;
    int status = 1;
    return posix_spawnp(&pid, "sh", NULL, NULL, arguments, environ) == 0 &&
           waitpid(pid, &status, 0) == pid && status == 0;
}

/* Two networks, 10.8.0.0/24 and 10.9.0.0/24, of which only this end exists. False: not allowed. */
static bool enter_namespace(void) {
    if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        return false;
    return run("exec 2>/dev/null\n"
               "ip link add lan8 type veth peer name far8\n"
               "ip link add lan9 type veth peer name far9\n"
               "ip addr add 10.8.0.2/24 dev lan8\n"
               "ip addr add 10.9.0.2/24 dev lan9\n"
               "for link in lo lan8 far8 lan9 far9; do ip link set $link up; done\n");
}

static struct ph_network look(const struct ph_os_choice *choice) {
    struct ph_network network;
    assert_int_equal(ph_os_network(choice, &network), 0);
    return network;
}

static void assert_path(const struct ph_path *path, const char *interface, uint8_t net,
                        uint8_t gateway) {
    struct ph_addr expected_gateway = ph_addr_v4(10, net, 0, gateway);
    struct ph_addr expected_source = ph_addr_v4(10, net, 0, 2);
    assert_true(ph_addr_equal(&path->gateway, &expected_gateway));
    assert_true(ph_addr_equal(&path->source, &expected_source));
    assert_int_equal(path->interface, interface ? if_nametoindex(interface) : 0);
}

static void host_without_a_default_route_has_no_network(void **state) {
    static const struct ph_os_choice any;
    (void)state;
    struct ph_network network = look(&any);
    assert_int_equal(network.count, 0);
    assert_int_equal(network.error, PORTHOLE_ERR_NO_NETWORK);
}

static void gateways_come_in_the_order_of_their_metrics(void **state) {
    static const struct ph_os_choice any;
    (void)state;
    assert_true(run("ip route add default via 10.9.0.1 metric 600\n"
                    "ip route add default via 10.8.0.1 metric 100\n"
                    "ip route add default dev lan9 metric 10\n"
                    "ip route add default via 10.9.0.9 table 100\n"
                    "ip route add unreachable default metric 5\n"));
    struct ph_network network = look(&any);
    assert_int_equal(network.count, 3);
    assert_int_equal(network.error, 0);
    assert_path(&network.paths[0], "lan8", 8, 1);
    assert_path(&network.paths[1], "lan9", 9, 1);
    assert_path(&network.paths[2], "lan9", 9, 9);
}

static void wanted_source_leaves_its_own_gateways(void **state) {
    struct ph_os_choice choice = {.source = ph_addr_v4(10, 9, 0, 2)};
    (void)state;
    struct ph_network network = look(&choice);
    assert_int_equal(network.count, 2);
    assert_path(&network.paths[0], "lan9", 9, 1);
    assert_path(&network.paths[1], "lan9", 9, 9);
    choice.source = ph_addr_v4(10, 7, 0, 2); /* nobody's */
    assert_int_equal(look(&choice).count, 0);
}

static void wanted_gateway_is_the_only_one(void **state) {
    struct ph_os_choice choice = {.gateway = ph_addr_v4(10, 9, 0, 77)};
    (void)state;
    struct ph_network network = look(&choice);
    assert_int_equal(network.count, 1);
    assert_path(&network.paths[0], NULL, 9, 77);
}

static void two_ways_to_one_gateway_are_one_path(void **state) {
    static const struct ph_os_choice any;
    (void)state;
    assert_true(run("ip route add default via 10.8.0.1 metric 700\n"));
    assert_int_equal(look(&any).count, 3);
}

static void routes_by_the_thousand_are_read_to_the_end(void **state) {
    static const struct ph_os_choice any;
    (void)state;
    /* The kernel tells table 100 before the main one: far more than fits into one part. */
    assert_true(
        run("i=0; while [ $i -lt 3000 ]; do i=$((i + 1))\n"
            "echo route add 172.$((16 + i / 250)).$((i % 250)).0/24 via 10.9.0.1 table 100\n"
            "done | ip -batch -\n"));
    struct ph_network network = look(&any);
    assert_int_equal(network.count, 3);
    assert_path(&network.paths[0], "lan8", 8, 1);
}

static void preferred_source_of_the_route_is_taken(void **state) {
    static const struct ph_os_choice any;
    struct ph_addr preferred = ph_addr_v4(10, 8, 0, 3);
    (void)state;
    assert_true(run("ip addr add 10.8.0.3/24 dev lan8\n"
                    "ip route add default via 10.8.0.1 metric 1 src 10.8.0.3\n"));
    struct ph_network network = look(&any);
    assert_true(ph_addr_equal(&network.paths[0].source, &preferred));
}

static void link_that_went_down_leads_nowhere(void **state) {
    static const struct ph_os_choice any;
    (void)state;
    assert_true(run("ip link set far8 down\n")); /* the cable is out */
    struct ph_network network = look(&any);
    /* The kernel takes notice of a carrier in its own time. */
    for (unsigned i = 0; i < 3000 && network.count != 2; i++) {
        (void)poll(NULL, 0, 10);
        network = look(&any);
    }
    assert_int_equal(network.count, 2);
    assert_path(&network.paths[0], "lan9", 9, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_without_a_default_route_has_no_network),
        cmocka_unit_test(gateways_come_in_the_order_of_their_metrics),
        cmocka_unit_test(wanted_source_leaves_its_own_gateways),
        cmocka_unit_test(wanted_gateway_is_the_only_one),
        cmocka_unit_test(two_ways_to_one_gateway_are_one_path),
        cmocka_unit_test(routes_by_the_thousand_are_read_to_the_end),
        cmocka_unit_test(preferred_source_of_the_route_is_taken),
        cmocka_unit_test(link_that_went_down_leads_nowhere),
    };
    if (!enter_namespace()) {
        puts("skipped: no network namespace can be had here");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
