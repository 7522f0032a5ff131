// SPDX-License-Identifier: MIT OR Apache-2.0
//
// bench-hold: what many held mappings cost: bytes allocated for each, processor time of a renewal,
// and how often the process wakes while nothing is due. Prints one line of each.
//
//     bench-hold N
#define _GNU_SOURCE
#include <malloc.h>
#include <poll.h>
#include <porthole/porthole.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { FIRST_PORT = 20000, MAPPINGS_MAX = 20000, BATCH = 100, ROUNDS = 25, IDLE_MS = 3000 };
// Until what did not answer at the start is given up.
enum { START_MS = 4000 };

static porthole_id ids[MAPPINGS_MAX];

static _Noreturn void fail(const char *what, int error) {
    fprintf(stderr, "bench-hold: %s: %s\n", what, porthole_strerror(error));
    exit(1);
}

static double processor_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// Sleeps until something is due, at most so long; 1 = something was.
static int turn(struct porthole *client, int most_ms) {
    struct pollfd fds[64];
    int count = porthole_pollfds(client, fds, 64);
    int timeout_ms = porthole_timeout_ms(client);
    int is_own = timeout_ms >= 0 && timeout_ms < most_ms;
    int ready = poll(fds, (nfds_t)(count < 64 ? count : 64), is_own ? timeout_ms : most_ms);
    if (ready == 0 && !is_own)
        return 0;
    porthole_process(client);
    return 1;
}

// Until nothing has happened for a while.
static void settle(struct porthole *client) {
    while (turn(client, 50))
        continue;
}

static size_t allocated(void) {
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static void map(struct porthole *client, int from, int to) {
    for (int i = from; i < to; i++) {
        struct porthole_request request = PORTHOLE_REQUEST_INIT;
        request.protocol = PORTHOLE_UDP;
        request.internal_port = (uint16_t)(FIRST_PORT + i);
        int error = porthole_map(client, &request, &ids[i]);
        if (error != 0)
            fail("map", error);
    }
    settle(client);
    for (int i = from; i < to; i++) {
        struct porthole_mapping mapping = PORTHOLE_MAPPING_INIT;
        int error = porthole_query(client, ids[i], &mapping);
        if (error != 0 || mapping.state != PORTHOLE_SUCCESS)
            fail("not held", error ? error : mapping.error);
    }
}

// Renews some of them at a time, the same number however many there are.
static void time_renewals(struct porthole *client, int count) {
    printf("renewal_us");
    for (int round = 0; round < ROUNDS; round++) {
        double start_us = processor_us();
        for (int i = 0; i < BATCH; i++)
            porthole_refresh(client, ids[(round * BATCH + i * 7) % count]);
        settle(client);
        printf(" %.3f", (processor_us() - start_us) / BATCH);
    }
    putchar('\n');
}

static int count_wakes(struct porthole *client, int duration_ms) {
    int wakes = 0;
    int64_t end_ms = now_ms() + duration_ms;
    while (now_ms() < end_ms)
        wakes += turn(client, (int)(end_ms - now_ms()));
    return wakes;
}

int main(int argc, char **argv) {
    int count = argc == 2 ? atoi(argv[1]) : 0;
    struct porthole *client;
    struct porthole_config config = PORTHOLE_CONFIG_INIT;
    if (count < BATCH || count > MAPPINGS_MAX)
        return 2;
    config.flags = PORTHOLE_NO_THREAD;
    int error = porthole_open(&config, &client);
    if (error != 0)
        fail("open", error);
    map(client, 0, 1);
    size_t base = allocated();
    map(client, 1, count);
    count_wakes(client, START_MS);
    printf("bytes_each %.1f\n", (double)(allocated() - base) / (count - 1));
    time_renewals(client, count);
    printf("wakes %d\n", count_wakes(client, IDLE_MS));
    porthole_close(client, 0);
    return 0;
}
