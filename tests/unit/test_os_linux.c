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

/* ---- More about paths, and news -------------------------------------------------------------- */

static void prefix_of_each_source_is_told(void **state) {
    static const struct ph_os_choice any;
    (void)state;
    struct ph_network network = look(&any);
    assert_int_equal(network.paths[0].prefix_len, 0);
    assert_true(run("ip addr add 10.9.1.2/20 dev lan9\n"
                    "ip route add default via 10.9.1.1 src 10.9.1.2\n"));
    network = look(&any);
    ph_os_examine(&any, &network);
    assert_int_equal(network.paths[0].prefix_len, 20);
    assert_int_equal(network.paths[1].prefix_len, 24);
    assert_true(run("ip addr del 10.9.1.2/20 dev lan9\n"));
}

static void named_gateway_behind_a_cable_that_is_out_is_no_network(void **state) {
    struct ph_os_choice choice = {.gateway = ph_addr_v4(10, 9, 0, 77)};
    (void)state;
    struct ph_network network = look(&choice);
    ph_os_examine(&choice, &network);
    assert_int_equal(network.count, 1);
    assert_int_equal(network.paths[0].prefix_len, 24);
    assert_int_equal(network.paths[0].interface, 0);
    assert_true(run("ip link set far9 down\n"));
    for (unsigned i = 0; i < 300 && network.count != 0; i++) {
        (void)poll(NULL, 0, 10);
        network = look(&choice);
        ph_os_examine(&choice, &network);
    }
    assert_int_equal(network.count, 0);
    assert_int_equal(network.error, PORTHOLE_ERR_NO_NETWORK);
    assert_true(run("ip link set far9 up\n"));
}

/* Within 2 s: whether there was anything to read. */
static bool has_news(int fd) {
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    return poll(&entry, 1, 2000) == 1 && ph_os_news_read(fd);
}

static void silence(int fd, int quiet_ms) {
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    while (poll(&entry, 1, quiet_ms) == 1)
        (void)ph_os_news_read(fd);
    assert_false(ph_os_news_read(fd));
}

static void changes_of_links_addresses_and_default_routes_are_news(void **state) {
    static const struct ph_os_choice any;
    static const char *const changes[] = {
        "ip addr add 10.8.0.9/24 dev lan8",
        "ip addr del 10.8.0.9/24 dev lan8",
        "ip route add default via 10.9.0.1 metric 50",
        "ip route del default via 10.9.0.1 metric 50",
        "ip link set far9 down",
        "ip link set far9 up",
    };
    (void)state;
    int fd = ph_os_news_open(&any);
    assert_true(fd >= 0);
    for (unsigned i = 0; i < sizeof changes / sizeof *changes; i++) {
        silence(fd, i < 4 ? 50 : 300); /* links take their time */
        assert_true(run(changes[i]));
        assert_true(has_news(fd));
    }
    (void)close(fd);
}

static void routes_of_others_are_no_news(void **state) {
    static const struct ph_os_choice any;
    struct ph_os_choice named = {.gateway = ph_addr_v4(10, 9, 0, 77)};
    int fds[2] = {ph_os_news_open(&any), ph_os_news_open(&named)};
    struct pollfd entry = {.events = POLLIN};
    (void)state;
    for (unsigned i = 0; i < 2; i++)
        silence(fds[i], 300);
    assert_true(run("i=0; while [ $i -lt 3000 ]; do i=$((i + 1))\n"
                    "echo route add 172.$((16 + i / 250)).$((i % 250)).0/24 dev lan9 table 200\n"
                    "done | ip -batch -\n"
                    "ip route flush table 200\n"));
    for (unsigned i = 0; i < 2; i++) {
        entry.fd = fds[i];
        assert_int_equal(poll(&entry, 1, 100), 0);
        (void)close(fds[i]);
    }
}

/* More than there is room for: what was lost counts as news, and the next is heard again. */
static void news_that_overflow_are_news(void **state) {
    static const struct ph_os_choice any;
    (void)state;
    int fd = ph_os_news_open(&any);
    silence(fd, 50);
    assert_true(run("i=0; while [ $i -lt 500 ]; do i=$((i + 1))\n"
                    "echo addr add 10.77.$((i / 250)).$((i % 250))/32 dev lo\n"
                    "done | ip -batch -\n"));
    assert_true(has_news(fd));
    silence(fd, 50);
    assert_true(run("ip addr add 10.78.0.1/32 dev lo\n"));
    assert_true(has_news(fd));
    (void)close(fd);
}

static void alarm_rings_when_it_is_time_and_is_silent_when_set_anew(void **state) {
    (void)state;
    int fd = ph_os_alarm_open();
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    assert_true(fd >= 0);
    assert_int_equal(poll(&entry, 1, 0), 0);
    ph_os_alarm_set(fd, PH_MS(10));
    assert_int_equal(poll(&entry, 1, 5000), 1);
    ph_os_alarm_set(fd, PH_SECONDS(1000));
    assert_int_equal(poll(&entry, 1, 0), 0);
    ph_os_alarm_set(fd, PH_MS(1));
    ph_os_alarm_set(fd, 0);
    assert_int_equal(poll(&entry, 1, 50), 0);
    (void)close(fd);
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
        cmocka_unit_test(prefix_of_each_source_is_told),
        cmocka_unit_test(link_that_went_down_leads_nowhere),
        cmocka_unit_test(named_gateway_behind_a_cable_that_is_out_is_no_network),
        cmocka_unit_test(changes_of_links_addresses_and_default_routes_are_news),
        cmocka_unit_test(routes_of_others_are_no_news),
        cmocka_unit_test(news_that_overflow_are_news),
        cmocka_unit_test(alarm_rings_when_it_is_time_and_is_silent_when_set_anew),
    };
    if (!enter_namespace()) {
        puts("skipped: no network namespace can be had here");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
