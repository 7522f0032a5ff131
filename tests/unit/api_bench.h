/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * api_bench.h: what the tests of the public API stand on: an embedded gateway in a thread, on
 * addresses of its own, a client that is driven in one of the three ways, and a record of its
 * events. Waiting ends as soon as what is waited for is there. A callback may run on another
 * thread, where no assertion may fail: it notes what is wrong for bench_check().
 */
#ifndef TESTS_UNIT_API_BENCH_H
#define TESTS_UNIT_API_BENCH_H

#include <poll.h>
#include <porthole/porthole.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "gateway/io.h"
#include "gateway/sock.h"
#include "loopback.h"

#define BENCH_EVENTS_MAX 512U
#define BENCH_PATIENCE_S 60 /* of a machine that is busy with other things */

struct bench {
    unsigned way; /* 0, PORTHOLE_DISPATCH, PORTHOLE_NO_THREAD */
    char gateway[32];
    char external[32];
    struct ph_gw_io *io; /* NULL = none runs */
    pthread_t io_thread;
    int io_stop;
    struct porthole *client;
    int told; /* an eventfd: readable when an event came */
    pthread_mutex_t lock;
    unsigned count;      /* see bench_count() */
    const char *mistake; /* the first of a callback; NULL = none */
    struct porthole_event events[BENCH_EVENTS_MAX];
    void (*in_callback)(struct bench *bench, const struct porthole_event *event);
    int answers[8]; /* in_callback's notes */
    char note[64];  /* the gateway's */
};

/* Every test has addresses of its own: the gateway's, which is odd, and the next as its outside. */
static inline struct bench *bench_new(unsigned way) {
    static uint32_t last;
    uint32_t net = loopback_net();
    struct bench *bench = calloc(1, sizeof *bench);
    if (!bench)
        abort();
    bench->way = way;
    last = (last + 2) % 250;
    snprintf(bench->gateway, sizeof bench->gateway, "127.%u.%u.%u", net >> 16 & 255, net >> 8 & 255,
             last + 1);
    snprintf(bench->external, sizeof bench->external, "127.%u.%u.%u", net >> 16 & 255,
             net >> 8 & 255, last + 2);
    bench->told = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&bench->lock, NULL);
    return bench;
}

static inline void *bench_serve(void *user) {
    struct bench *bench = user;
    ph_gw_io_run(bench->io, bench->io_stop);
    return NULL;
}

/* All but the thread, which runs bench_serve(). */
static inline void bench_prepare_gateway(struct bench *bench, struct ph_gw_io_config *config) {
    char problem[PH_GW_PROBLEM_SIZE];
    config->forward = false;
    assert_true(ph_addr_parse(ph_span_of(bench->gateway), &config->server.internal));
    assert_true(ph_addr_parse(ph_span_of(bench->external), &config->server.external));
    if (ph_gw_io_new(config, &bench->io, problem) != 0)
        fail_msg("%s", problem);
    bench->io_stop = eventfd(0, EFD_CLOEXEC);
}

static inline void bench_start_gateway_as(struct bench *bench, struct ph_gw_io_config *config) {
    bench_prepare_gateway(bench, config);
    assert_int_equal(pthread_create(&bench->io_thread, NULL, bench_serve, bench), 0);
}

static inline void bench_start_gateway(struct bench *bench) {
    struct ph_gw_io_config config;
    ph_gw_io_config_init(&config);
    bench_start_gateway_as(bench, &config);
}

/* Something that takes requests and never answers, in the gateway's place. */
static inline int bench_start_silence(const struct bench *bench) {
    struct ph_endpoint at = {.port = 5351};
    assert_true(ph_addr_parse(ph_span_of(bench->gateway), &at.addr));
    int fd = ph_gw_sock_udp(&at, false);
    assert_true(fd >= 0);
    return fd;
}

static inline struct porthole_config bench_config(const struct bench *bench) {
    struct porthole_config config = PORTHOLE_CONFIG_INIT;
    config.flags = bench->way;
    config.gateway = bench->gateway;
    return config;
}

static inline void bench_open(struct bench *bench, unsigned methods) {
    struct porthole_config config = bench_config(bench);
    config.methods = methods;
    assert_int_equal(porthole_open(&config, &bench->client), 0);
}

static inline void bench_take(struct porthole *client, const struct porthole_event *event,
                              void *user) {
    struct bench *bench = user;
    uint64_t one = 1;
    if (bench->in_callback)
        bench->in_callback(bench, event);
    pthread_mutex_lock(&bench->lock);
    if (event->mapping.user != bench || client != bench->client)
        bench->mistake = "an event is told with what does not belong to it";
    if (bench->count < BENCH_EVENTS_MAX)
        bench->events[bench->count++] = *event;
    else
        bench->mistake = "there are too many events";
    pthread_mutex_unlock(&bench->lock);
    if (write(bench->told, &one, sizeof one) != sizeof one)
        abort();
}

static inline struct porthole_request bench_request(struct bench *bench, uint16_t port) {
    struct porthole_request request = PORTHOLE_REQUEST_INIT;
    request.protocol = PORTHOLE_TCP;
    request.internal_port = port;
    request.on_event = bench_take;
    request.user = bench;
    return request;
}

static inline porthole_id bench_map(struct bench *bench, uint16_t port) {
    struct porthole_request request = bench_request(bench, port);
    porthole_id id = 0;
    assert_int_equal(porthole_map(bench->client, &request, &id), 0);
    assert_true(id != 0);
    return id;
}

/* Waits a little for something to happen, and runs the callbacks that are due where the client's
 * way leaves that to its user. */
static inline void bench_turn(struct bench *bench) {
    struct pollfd fds[16];
    uint64_t ignored;
    if (bench->way == 0) {
        fds[0] = (struct pollfd){.fd = bench->told, .events = POLLIN};
        if (poll(fds, 1, 100) > 0 && read(bench->told, &ignored, sizeof ignored) < 0)
            abort();
    } else if (bench->way == PORTHOLE_NO_THREAD) {
        int count = porthole_pollfds(bench->client, fds, 16);
        assert_true(count >= 0 && count <= 16);
        int timeout_ms = porthole_timeout_ms(bench->client);
        bool is_long = timeout_ms < 0 || timeout_ms > 100;
        poll(fds, (nfds_t)count, is_long ? 100 : timeout_ms);
        assert_int_equal(porthole_process(bench->client), 0);
    } else {
        fds[0] = (struct pollfd){.fd = porthole_event_fd(bench->client), .events = POLLIN};
        if (poll(fds, 1, 100) > 0)
            assert_true(porthole_dispatch(bench->client) >= 0);
    }
}

/* How many events have been told, and in_callback has returned of. */
static inline unsigned bench_count(struct bench *bench) {
    pthread_mutex_lock(&bench->lock);
    unsigned count = bench->count;
    pthread_mutex_unlock(&bench->lock);
    return count;
}

static inline void bench_check(struct bench *bench) {
    pthread_mutex_lock(&bench->lock);
    const char *mistake = bench->mistake;
    pthread_mutex_unlock(&bench->lock);
    if (mistake)
        fail_msg("%s", mistake);
}

/* Until so many events have been told. */
static inline void bench_until(struct bench *bench, unsigned count) {
    time_t end = time(NULL) + BENCH_PATIENCE_S;
    while (bench_count(bench) < count) {
        if (time(NULL) > end)
            fail_msg("%u events in %d s, not %u", bench_count(bench), BENCH_PATIENCE_S, count);
        bench_turn(bench);
    }
    bench_check(bench);
}

static inline void bench_close(struct bench *bench, int deadline_ms) {
    assert_int_equal(porthole_close(bench->client, deadline_ms), 0);
    bench->client = NULL;
    bench_check(bench);
}

static inline void bench_stop_gateway(struct bench *bench) {
    uint64_t one = 1;
    if (!bench->io)
        return;
    if (write(bench->io_stop, &one, sizeof one) != sizeof one)
        abort();
    pthread_join(bench->io_thread, NULL);
    close(bench->io_stop);
    ph_gw_io_free(bench->io);
    bench->io = NULL;
}

static inline void bench_free(struct bench *bench) {
    porthole_close(bench->client, 0);
    bench_stop_gateway(bench);
    const char *mistake = bench->mistake;
    close(bench->told);
    pthread_mutex_destroy(&bench->lock);
    free(bench);
    if (mistake)
        fail_msg("%s", mistake);
}

#endif
