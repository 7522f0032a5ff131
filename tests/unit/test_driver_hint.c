/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_driver_hint.c: the driver's sockets for what a gateway sends unasked, on loopback addresses:
 * when they are there, where they are bound, and what becomes of a port that somebody else has.
 */
#define _GNU_SOURCE
#include "driver/driver.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
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
#define PATIENCE PH_SECONDS(10)

struct bench {
    struct ph_driver *driver;
    int gateway; /* its port 5351 */
    unsigned mapped;
};

static struct sockaddr_in address(uint32_t host, uint16_t port) {
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(host)};
}

static struct ph_addr addr_of(uint32_t host) {
    return ph_addr_v4((uint8_t)(host >> 24), (uint8_t)(host >> 16), (uint8_t)(host >> 8),
                      (uint8_t)host);
}

/* Not to be shared; -1 = somebody has it. */
static int take_port(uint32_t host, uint16_t port) {
    struct sockaddr_in at = address(host, port);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) == 0)
        return fd;
    close(fd);
    return -1;
}

static bool count(void *user, const struct ph_event *event) {
    struct bench *bench = user;
    bench->mapped += event->type == PORTHOLE_EVENT_MAPPED;
    return true;
}

static int setup(void **state) {
    struct bench *bench = calloc(1, sizeof *bench);
    if (!bench)
        return -1;
    struct ph_driver_config config = {.engine = {.methods = PORTHOLE_USE_PCP,
                                                 .discover_timeout = PH_SECONDS(10),
                                                 .mapping_timeout = PH_SECONDS(10),
                                                 .recheck_period = PH_SECONDS(300),
                                                 .unhinted_period = PH_SECONDS(60)},
                                      .choice = {addr_of(GATEWAY), addr_of(SOURCE)},
                                      .on_event = count,
                                      .user = bench};
    bench->gateway = take_port(GATEWAY, PH_PCP_PORT);
    *state = bench;
    return ph_driver_new(&config, &bench->driver);
}

static int teardown(void **state) {
    struct bench *bench = *state;
    ph_driver_free(bench->driver);
    close(bench->gateway);
    free(bench);
    return 0;
}

static void turn(struct bench *bench) {
    struct pollfd fds[8];
    size_t n = ph_driver_pollfds(bench->driver, fds, 8);
    assert_true(n <= 8);
    ph_us now = ph_clock_now();
    (void)poll(fds, (nfds_t)n, ph_clock_left_ms(now, ph_driver_deadline(bench->driver)) % 100 + 1);
    ph_driver_process(bench->driver);
}

static void answer_request(struct bench *bench) {
    uint8_t bytes[PH_PCP_SIZE_MAX];
    struct sockaddr_in from;
    socklen_t from_len = sizeof from;
    struct ph_pcp_request request;
    ssize_t n =
        recvfrom(bench->gateway, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &from_len);
    assert_true(n > 0 && ph_pcp_decode_request(bytes, (size_t)n, &request) == n);
    struct ph_pcp_response response = {.version = PH_PCP_VERSION,
                                       .opcode = request.opcode,
                                       .lifetime_s = request.lifetime_s,
                                       .epoch_s = 1000,
                                       .map = request.map};
    response.map.external_addr = ph_addr_v4(203, 0, 113, 7);
    int len = ph_pcp_encode_response(&response, bytes, sizeof bytes);
    assert_int_equal(
        sendto(bench->gateway, bytes, (size_t)len, 0, (struct sockaddr *)&from, sizeof from), len);
}

static void apply_map(struct bench *bench, unsigned flags) {
    struct ph_map_request request = {.protocol = PORTHOLE_TCP,
                                     .internal_port = 8080,
                                     .external_port = 8080,
                                     .flags = flags,
                                     .lifetime_s = 7200};
    struct ph_input input = {.type = PH_INPUT_MAP};
    input.u.map.id = 1;
    input.u.map.request = &request;
    assert_int_equal(ph_driver_apply(bench->driver, &input), 0);
    answer_request(bench);
    while (bench->mapped == 0)
        turn(bench);
}

static bool is_listening(void) {
    int fd = take_port(SOURCE, PH_PCP_CLIENT_PORT);
    if (fd >= 0)
        close(fd);
    return fd < 0;
}

static void turn_for(struct bench *bench, ph_us duration) {
    ph_us until = ph_clock_now() + duration;
    while (ph_clock_now() < until)
        turn(bench);
}

/* Until it listens; false = it did not begin to. */
static bool hold_and_listen(struct bench *bench) {
    apply_map(bench, 0);
    assert_false(is_listening()); /* nobody waits for sockets before the result */
    ph_us give_up = ph_clock_now() + PATIENCE;
    while (!is_listening() && ph_clock_now() < give_up)
        turn(bench);
    return is_listening();
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static void holder_listens_at_its_own_loopback_address_only(void **state) {
    struct bench *bench = *state;
    assert_true(hold_and_listen(bench));
    assert_int_equal(take_port(SOURCE, PH_PCP_CLIENT_PORT), -1);
    assert_int_equal(take_port(SOURCE, PH_SSDP_PORT), -1);
    int elsewhere[2] = {take_port(OTHER, PH_PCP_CLIENT_PORT), take_port(OTHER, PH_SSDP_PORT)};
    assert_true(elsewhere[0] >= 0 && elsewhere[1] >= 0);
    close(elsewhere[0]);
    close(elsewhere[1]);
}

static void who_holds_nothing_does_not_listen(void **state) {
    struct bench *bench = *state;
    apply_map(bench, PORTHOLE_LEASE);
    turn_for(bench, PH_MS(300));
    assert_false(is_listening());
    struct ph_input input = {.type = PH_INPUT_UNMAP, .u.id = 1};
    ph_driver_apply(bench->driver, &input);
}

static void announcement_from_the_gateway_brings_a_check_forward(void **state) {
    struct bench *bench = *state;
    static const uint8_t announce[24] = {2,
                                         0x80, [11] = 1}; /* the clock is at 1 s: RFC 6887 §14.1 */
    struct sockaddr_in to = address(SOURCE, PH_PCP_CLIENT_PORT);
    assert_true(hold_and_listen(bench));
    int stranger = take_port(OTHER, PH_PCP_PORT);
    turn_for(bench, PH_MS(500)); /* the network is watched from now on */
    ph_us far = ph_clock_now() + PH_SECONDS(100);
    assert_true(ph_driver_deadline(bench->driver) > far);
    assert_int_equal(sendto(stranger, announce, 24, 0, (struct sockaddr *)&to, sizeof to), 24);
    ph_driver_process(bench->driver);
    assert_true(ph_driver_deadline(bench->driver) > far);
    assert_int_equal(sendto(bench->gateway, announce, 24, 0, (struct sockaddr *)&to, sizeof to),
                     24);
    ph_driver_process(bench->driver);
    assert_true(ph_driver_deadline(bench->driver) <= ph_clock_now() + PH_SECONDS(5));
    close(stranger);
}

static void port_that_somebody_has_costs_the_hint_only(void **state) {
    struct bench *bench = *state;
    int taken[2] = {take_port(SOURCE, PH_PCP_CLIENT_PORT), take_port(SOURCE, PH_SSDP_PORT)};
    apply_map(bench, 0);
    /* It is rechecked more often instead. */
    ph_us give_up = ph_clock_now() + PATIENCE;
    while (ph_driver_deadline(bench->driver) > ph_clock_now() + PH_SECONDS(60) ||
           ph_driver_deadline(bench->driver) < ph_clock_now() + PH_SECONDS(30)) {
        assert_true(ph_clock_now() < give_up);
        turn(bench);
    }
    close(taken[0]);
    close(taken[1]);
}

static void listening_ends_with_the_last_mapping(void **state) {
    struct bench *bench = *state;
    assert_true(hold_and_listen(bench));
    struct ph_input input = {.type = PH_INPUT_UNMAP, .u.id = 1};
    assert_int_equal(ph_driver_apply(bench->driver, &input), 0);
    ph_us give_up = ph_clock_now() + PATIENCE;
    while (is_listening() && ph_clock_now() < give_up)
        turn(bench); /* the delete is not answered, and given up */
    int free_again = take_port(SOURCE, PH_PCP_CLIENT_PORT);
    assert_true(free_again >= 0);
    close(free_again);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(holder_listens_at_its_own_loopback_address_only),
        TEST(who_holds_nothing_does_not_listen),
        TEST(announcement_from_the_gateway_brings_a_check_forward),
        TEST(port_that_somebody_has_costs_the_hint_only),
        TEST(listening_ends_with_the_last_mapping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
