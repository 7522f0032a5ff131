/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_driver.c: the driver with a true engine, against a gateway that the test plays itself on
 * loopback sockets. There is one thread: what the driver does not do in a call is not done.
 */
#define _GNU_SOURCE
#include "driver/driver.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "driver/clock.h"
#include "driver/sock.h"
#include "loopback.h"
#include "wire/pcp.h"
#include "wire/ssdp.h"

#define GATEWAY (loopback_net() + 1U)
#define OTHER (loopback_net() + 2U)
#define SOURCE (loopback_net() + 7U)
#define EVENTS_MAX 8U

struct bench {
    struct ph_driver *driver;
    int gateway; /* its port 5351; -1 = closed */
    unsigned event_count;
    struct ph_event events[EVENTS_MAX];
};

static struct sockaddr_in address(uint32_t host, uint16_t port) {
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(host)};
}

static struct ph_addr addr_of(uint32_t host) {
    return ph_addr_v4((uint8_t)(host >> 24), (uint8_t)(host >> 16), (uint8_t)(host >> 8),
                      (uint8_t)host);
}

static int open_udp(uint32_t host, uint16_t port) {
    struct sockaddr_in at = address(host, port);
    int one = 1;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

static bool collect(void *user, const struct ph_event *event) {
    struct bench *bench = user;
    assert_true(bench->event_count < EVENTS_MAX);
    bench->events[bench->event_count++] = *event;
    return true;
}

static void open_driver(struct bench *bench, uint32_t source, unsigned methods) {
    struct ph_driver_config config = {.engine = {.methods = methods,
                                                 .discover_timeout = PH_SECONDS(10),
                                                 .mapping_timeout = PH_SECONDS(10),
                                                 .recheck_period = PH_SECONDS(300)},
                                      .choice.gateway = addr_of(GATEWAY),
                                      .on_event = collect,
                                      .user = bench};
    if (source != 0)
        config.choice.source = addr_of(source);
    assert_int_equal(ph_driver_new(&config, &bench->driver), 0);
}

static int setup(void **state) {
    struct bench *bench = calloc(1, sizeof *bench);
    if (!bench)
        return -1;
    bench->gateway = open_udp(GATEWAY, PH_PCP_PORT);
    *state = bench;
    return 0;
}

static int teardown(void **state) {
    struct bench *bench = *state;
    ph_driver_free(bench->driver);
    if (bench->gateway >= 0)
        close(bench->gateway);
    free(bench);
    return 0;
}

static int ask_for_a_mapping(struct bench *bench) {
    static porthole_id last_id;
    static const struct ph_map_request request = {
        .protocol = PORTHOLE_TCP, .internal_port = 8080, .external_port = 8080, .lifetime_s = 7200};
    struct ph_input input = {.type = PH_INPUT_MAP};
    input.u.map.id = ++last_id;
    input.u.map.request = &request;
    return ph_driver_apply(bench->driver, &input);
}

/* What arrived at the gateway: the length, 0 = nothing. */
static size_t arrived(int fd, void *ret, size_t size, struct sockaddr_in *ret_from) {
    socklen_t len = sizeof *ret_from;
    ssize_t n = recvfrom(fd, ret, size, 0, (struct sockaddr *)ret_from, &len);
    return n > 0 ? (size_t)n : 0;
}

static struct ph_pcp_request take_pcp_request(struct bench *bench, struct sockaddr_in *ret_from) {
    uint8_t bytes[PH_PCP_SIZE_MAX];
    struct ph_pcp_request request;
    size_t len = arrived(bench->gateway, bytes, sizeof bytes, ret_from);
    assert_int_equal(ph_pcp_decode_request(bytes, len, &request), len);
    assert_int_equal(request.opcode, PH_PCP_MAP);
    return request;
}

static void answer_from(int fd, const struct ph_pcp_request *request,
                        const struct sockaddr_in *to) {
    uint8_t bytes[PH_PCP_SIZE_MAX];
    struct ph_pcp_response response = {.version = PH_PCP_VERSION,
                                       .opcode = request->opcode,
                                       .lifetime_s = request->lifetime_s,
                                       .epoch_s = 1000,
                                       .map = request->map};
    response.map.external_port = 40000;
    response.map.external_addr = ph_addr_v4(203, 0, 113, 7);
    int len = ph_pcp_encode_response(&response, bytes, sizeof bytes);
    assert_true(len > 0);
    assert_int_equal(sendto(fd, bytes, (size_t)len, 0, (const struct sockaddr *)to, sizeof *to),
                     len);
}

/* The only channel's, behind those by which the system tells of changes, if it is that late. */
static struct pollfd only_pollfd(const struct bench *bench) {
    struct pollfd fds[3];
    size_t count = ph_driver_pollfds(bench->driver, fds, 3);
    assert_in_range(count, 1, 3);
    return fds[count - 1];
}

/* How long the host has slept, in this test. */
static ph_us slept;
ph_us __wrap_ph_clock_slept(void);
ph_us __wrap_ph_clock_slept(void) { return slept; }

/* ---- Tests ----------------------------------------------------------------------------------- */

static void opening_sends_nothing_and_wants_nothing(void **state) {
    struct bench *bench = *state;
    struct sockaddr_in from;
    char byte;
    open_driver(bench, 0, PORTHOLE_USE_ALL);
    ph_driver_process(bench->driver);
    assert_int_equal(arrived(bench->gateway, &byte, 1, &from), 0);
    assert_int_equal(ph_driver_pollfds(bench->driver, NULL, 0), 0);
    assert_true(ph_driver_deadline(bench->driver) == PH_NEVER);
}

static void present_path_is_known_at_once(void **state) {
    struct bench *bench = *state;
    struct ph_addr gateway = addr_of(GATEWAY);
    open_driver(bench, 0, PORTHOLE_USE_ALL);
    const struct ph_path *path = ph_driver_path(bench->driver);
    assert_non_null(path);
    assert_true(ph_addr_equal(&path->gateway, &gateway));
    assert_true(ph_addr_is_loopback(&path->source));
}

static void request_leaves_within_the_call_from_the_chosen_source(void **state) {
    struct bench *bench = *state;
    struct sockaddr_in from;
    open_driver(bench, SOURCE, PORTHOLE_USE_PCP);
    unsigned changes = ph_driver_changes(bench->driver);
    assert_int_equal(ask_for_a_mapping(bench), 0);
    struct ph_pcp_request request = take_pcp_request(bench, &from);
    assert_int_equal(ntohl(from.sin_addr.s_addr), SOURCE);
    assert_int_equal(request.map.internal_port, 8080);
    assert_true(ph_driver_changes(bench->driver) != changes);
    assert_int_equal(only_pollfd(bench).events, POLLIN);
    assert_true(ph_driver_deadline(bench->driver) != PH_NEVER);
}

static void answer_makes_the_mapping(void **state) {
    struct bench *bench = *state;
    struct sockaddr_in from;
    open_driver(bench, 0, PORTHOLE_USE_PCP);
    assert_int_equal(ask_for_a_mapping(bench), 0);
    struct ph_pcp_request request = take_pcp_request(bench, &from);
    answer_from(bench->gateway, &request, &from);
    ph_driver_process(bench->driver);
    assert_int_equal(bench->event_count, 1);
    assert_int_equal(bench->events[0].type, PORTHOLE_EVENT_MAPPED);
    assert_int_equal(bench->events[0].info.external.port, 40000);
}

static void nonces_differ_from_mapping_to_mapping(void **state) {
    struct bench *bench = *state;
    struct sockaddr_in from;
    struct ph_pcp_request first;
    open_driver(bench, 0, PORTHOLE_USE_PCP);
    assert_int_equal(ask_for_a_mapping(bench), 0);
    first = take_pcp_request(bench, &from);
    ph_driver_free(bench->driver);
    open_driver(bench, 0, PORTHOLE_USE_PCP);
    assert_int_equal(ask_for_a_mapping(bench), 0);
    struct ph_pcp_request second = take_pcp_request(bench, &from);
    assert_memory_not_equal(first.map.nonce, second.map.nonce, PH_PCP_NONCE_SIZE);
}

static void right_answer_from_another_address_never_arrives(void **state) {
    struct bench *bench = *state;
    struct sockaddr_in from;
    int other = open_udp(OTHER, PH_PCP_PORT);
    open_driver(bench, 0, PORTHOLE_USE_PCP);
    assert_int_equal(ask_for_a_mapping(bench), 0);
    struct ph_pcp_request request = take_pcp_request(bench, &from);
    answer_from(other, &request, &from);
    struct pollfd fd = only_pollfd(bench);
    assert_int_equal(poll(&fd, 1, 0), 0);
    ph_driver_process(bench->driver);
    assert_int_equal(bench->event_count, 0);
    close(other);
}

static void closed_port_is_a_failure_at_once(void **state) {
    struct bench *bench = *state;
    close(bench->gateway);
    bench->gateway = -1;
    open_driver(bench, 0, PORTHOLE_USE_PCP | PORTHOLE_USE_NATPMP);
    assert_int_equal(ask_for_a_mapping(bench), 0);
    ph_driver_process(bench->driver);
    assert_int_equal(bench->event_count, 1);
    assert_int_equal(bench->events[0].type, PORTHOLE_EVENT_FAILED);
}

/* 203.0.113.0/24 is nobody's (RFC 5737). */
static void source_that_this_host_lacks_is_no_network_until_it_has_it(void **state) {
    struct bench *bench = *state;
    open_driver(bench, 0xcb007109U, PORTHOLE_USE_ALL);
    assert_null(ph_driver_path(bench->driver));
    assert_true(ph_driver_deadline(bench->driver) == PH_NEVER);
    assert_int_equal(ask_for_a_mapping(bench), 0);
    assert_int_equal(bench->event_count, 1);
    assert_int_equal(bench->events[0].type, PORTHOLE_EVENT_FAILED);
    assert_int_equal(bench->events[0].info.error, PORTHOLE_ERR_NO_NETWORK);
    assert_true(ph_driver_deadline(bench->driver) <= ph_clock_now() + PH_SECONDS(5));
}

static struct bench *mapped_bench(void **state) {
    struct bench *bench = *state;
    struct sockaddr_in from;
    open_driver(bench, SOURCE, PORTHOLE_USE_PCP);
    assert_int_equal(ask_for_a_mapping(bench), 0);
    struct ph_pcp_request request = take_pcp_request(bench, &from);
    answer_from(bench->gateway, &request, &from);
    ph_driver_process(bench->driver);
    assert_int_equal(bench->event_count, 1);
    return bench;
}

static void what_is_held_is_verified_after_a_sleep(void **state) {
    struct bench *bench = mapped_bench(state);
    struct sockaddr_in from;
    uint8_t bytes[PH_PCP_SIZE_MAX];
    struct ph_pcp_request request;
    slept += PH_MS(900); /* not worth it */
    ph_driver_process(bench->driver);
    assert_int_equal(arrived(bench->gateway, bytes, sizeof bytes, &from), 0);
    slept += PH_SECONDS(60);
    ph_driver_process(bench->driver);
    size_t len = arrived(bench->gateway, bytes, sizeof bytes, &from);
    assert_int_equal(ph_pcp_decode_request(bytes, len, &request), len);
    assert_int_equal(request.opcode, PH_PCP_ANNOUNCE);
    ph_driver_process(bench->driver);
    assert_int_equal(arrived(bench->gateway, bytes, sizeof bytes, &from), 0);
    assert_int_equal(bench->event_count, 1);
}

/* News and alarm are polled a little after the first mapping was asked for, and so are the sockets
 * for announcements, and wake nobody. */
static void changes_are_waited_for_and_quiet_costs_nothing(void **state) {
    struct bench *bench = mapped_bench(state);
    struct pollfd fds[8];
    size_t count = ph_driver_pollfds(bench->driver, fds, 8);
    for (unsigned i = 0; i < 500 && count < 5; i++) {
        (void)poll(NULL, 0, 10);
        ph_driver_process(bench->driver);
        count = ph_driver_pollfds(bench->driver, fds, 8);
    }
    assert_int_equal(count, 5);
    assert_int_equal(poll(fds, 5, 300), 0);
    /* The next thing that is due is the recheck. */
    assert_true(ph_driver_deadline(bench->driver) >= ph_clock_now() + PH_SECONDS(200));
}

static void flood_is_read_in_batches(void **state) {
    struct bench *bench = *state;
    struct sockaddr_in from;
    char junk[32] = {0};
    int waiting = 0;
    unsigned turns = 0;
    open_driver(bench, 0, PORTHOLE_USE_PCP);
    assert_int_equal(ask_for_a_mapping(bench), 0);
    struct ph_pcp_request request = take_pcp_request(bench, &from);
    for (unsigned i = 0; i < 150; i++)
        assert_int_equal(
            sendto(bench->gateway, junk, sizeof junk, 0, (struct sockaddr *)&from, sizeof from),
            sizeof junk);
    answer_from(bench->gateway, &request, &from);
    do {
        ph_driver_process(bench->driver);
        turns++;
        assert_int_equal(ioctl(only_pollfd(bench).fd, FIONREAD, &waiting), 0);
    } while (waiting > 0);
    assert_int_equal(turns, 3); /* 151 of 64 each */
    assert_int_equal(bench->event_count, 1);
}

static void empty_and_oversized_datagrams_are_none(void **state) {
    static uint8_t much[PH_SSDP_SIZE_MAX + 1];
    struct bench *bench = *state;
    struct sockaddr_in from;
    open_driver(bench, 0, PORTHOLE_USE_PCP);
    assert_int_equal(ask_for_a_mapping(bench), 0);
    struct ph_pcp_request request = take_pcp_request(bench, &from);
    assert_int_equal(sendto(bench->gateway, much, 0, 0, (struct sockaddr *)&from, sizeof from), 0);
    assert_int_equal(
        sendto(bench->gateway, much, sizeof much, 0, (struct sockaddr *)&from, sizeof from),
        sizeof much);
    answer_from(bench->gateway, &request, &from);
    ph_driver_process(bench->driver);
    assert_int_equal(bench->event_count, 1);
    assert_int_equal(bench->events[0].type, PORTHOLE_EVENT_MAPPED);
}

/* Listens to the group on the loopback interface, and first shows that it hears. */
static int open_group(void) {
    struct sockaddr_in group = address(0xeffffffaU, PH_SSDP_PORT);
    struct ip_mreq member = {.imr_multiaddr = group.sin_addr,
                             .imr_interface.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in from;
    char heard[2];
    int fd = open_udp(0xeffffffaU, PH_SSDP_PORT);
    int speaker = open_udp(INADDR_LOOPBACK, 0);
    assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &member, sizeof member), 0);
    assert_int_equal(setsockopt(speaker, IPPROTO_IP, IP_MULTICAST_IF, &member.imr_interface,
                                sizeof member.imr_interface),
                     0);
    assert_int_equal(sendto(speaker, "?", 1, 0, (struct sockaddr *)&group, sizeof group), 1);
    assert_int_equal(arrived(fd, heard, sizeof heard, &from), 1);
    close(speaker);
    return fd;
}

static void no_multicast_is_sent_for_a_gateway_on_this_host(void **state) {
    struct bench *bench = *state;
    int group = open_group();
    int device = open_udp(GATEWAY, PH_SSDP_PORT);
    struct sockaddr_in from;
    char text[PH_SSDP_SIZE_MAX];
    open_driver(bench, 0, PORTHOLE_USE_UPNP);
    assert_int_equal(ask_for_a_mapping(bench), 0);
    assert_true(arrived(device, text, sizeof text, &from) > 0);
    assert_memory_equal(text, "M-SEARCH", 8);
    assert_int_equal(arrived(group, text, sizeof text, &from), 0);
    close(group);
    close(device);
}

static void multicast_is_for_gateways_on_the_network_only(void **state) {
    struct ph_path path = {.gateway = ph_addr_v4(192, 168, 1, 1),
                           .source = ph_addr_v4(192, 168, 1, 20)};
    struct ph_endpoint group = {ph_ssdp_group_v4, PH_SSDP_PORT};
    struct ph_endpoint device = {ph_addr_v4(127, 0, 0, 1), PH_SSDP_PORT};
    (void)state;
    assert_true(ph_sock_may_send(&path, &group));
    path.source = ph_addr_v4(127, 0, 0, 1);
    assert_false(ph_sock_may_send(&path, &group));
    assert_true(ph_sock_may_send(&path, &device));
    path.source = ph_addr_v4(192, 168, 1, 20);
    path.gateway = ph_addr_v4(127, 0, 0, 1);
    assert_false(ph_sock_may_send(&path, &group));
}

static void unmapping_sends_the_delete_and_its_answer_ends_it(void **state) {
    struct bench *bench = *state;
    struct sockaddr_in from;
    open_driver(bench, 0, PORTHOLE_USE_PCP);
    assert_int_equal(ask_for_a_mapping(bench), 0);
    struct ph_pcp_request request = take_pcp_request(bench, &from);
    answer_from(bench->gateway, &request, &from);
    ph_driver_process(bench->driver);
    assert_int_equal(bench->event_count, 1);
    struct ph_input input = {.type = PH_INPUT_UNMAP, .u.id = bench->events[0].info.id};
    assert_int_equal(ph_driver_apply(bench->driver, &input), 0);
    request = take_pcp_request(bench, &from);
    assert_int_equal(request.lifetime_s, 0);
    answer_from(bench->gateway, &request, &from);
    ph_driver_process(bench->driver);
    assert_int_equal(bench->event_count, 2);
    assert_int_equal(bench->events[1].type, PORTHOLE_EVENT_UNMAPPED);
    assert_int_equal(bench->events[1].info.fate, PORTHOLE_FATE_REMOVED);
}

static void time_left_is_rounded_up_to_milliseconds(void **state) {
    (void)state;
    assert_int_equal(ph_clock_left_ms(1000, PH_NEVER), -1);
    assert_int_equal(ph_clock_left_ms(1000, 1000), 0);
    assert_int_equal(ph_clock_left_ms(1000, 0), 0);
    assert_int_equal(ph_clock_left_ms(1000, 1001), 1);
    assert_int_equal(ph_clock_left_ms(1000, 2000), 1);
    assert_int_equal(ph_clock_left_ms(1000, 2001), 2);
    assert_int_equal(ph_clock_left_ms(0, PH_NEVER - 1), INT32_MAX);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(opening_sends_nothing_and_wants_nothing),
        TEST(present_path_is_known_at_once),
        TEST(request_leaves_within_the_call_from_the_chosen_source),
        TEST(answer_makes_the_mapping),
        TEST(nonces_differ_from_mapping_to_mapping),
        TEST(right_answer_from_another_address_never_arrives),
        TEST(closed_port_is_a_failure_at_once),
        TEST(source_that_this_host_lacks_is_no_network_until_it_has_it),
        TEST(what_is_held_is_verified_after_a_sleep),
        TEST(changes_are_waited_for_and_quiet_costs_nothing),
        TEST(flood_is_read_in_batches),
        TEST(empty_and_oversized_datagrams_are_none),
        TEST(no_multicast_is_sent_for_a_gateway_on_this_host),
        TEST(multicast_is_for_gateways_on_the_network_only),
        TEST(unmapping_sends_the_delete_and_its_answer_ends_it),
        cmocka_unit_test(time_left_is_rounded_up_to_milliseconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
