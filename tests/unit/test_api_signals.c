/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_api_signals.c: signals that arrive all the time, with handlers that interrupt system calls:
 * nothing ends sooner or later for them, and each mapping's end is told once.
 */
#define _GNU_SOURCE
#include "api_bench.h"

#include <signal.h>
#include <sys/time.h>

static const unsigned ways[] = {0, PORTHOLE_DISPATCH, PORTHOLE_NO_THREAD};
#define WAYS (sizeof ways / sizeof ways[0])
#define PORTS 5U

static volatile sig_atomic_t signal_count;

static void on_alarm(int number) {
    (void)number;
    signal_count++;
}

/* A thousand signals a second, or none. */
static void storm(bool is_on) {
    struct sigaction action = {.sa_handler = is_on ? on_alarm : SIG_IGN}; /* without SA_RESTART */
    struct itimerval timer = {{0, is_on ? 1000 : 0}, {0, is_on ? 1000 : 0}};
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void assert_ends(const struct bench *bench, enum porthole_fate fate) {
    unsigned ends = 0;
    for (unsigned i = 0; i < bench->count; i++) {
        if (bench->events[i].type != PORTHOLE_EVENT_UNMAPPED)
            continue;
        ends++;
        assert_int_equal(bench->events[i].mapping.fate, fate);
    }
    assert_int_equal(ends, PORTS);
}

static void close_removes_all_in_a_storm_of_signals(void **state) {
    (void)state;
    for (unsigned i = 0; i < WAYS; i++) {
        struct bench *bench = bench_new(ways[i]);
        bench_start_gateway(bench);
        storm(true);
        bench_open(bench, PORTHOLE_USE_ALL);
        for (uint16_t port = 0; port < PORTS; port++)
            bench_map(bench, (uint16_t)(8000 + port));
        bench_until(bench, PORTS);
        bench_close(bench, 5000);
        storm(false);
        assert_ends(bench, PORTHOLE_FATE_REMOVED);
        bench_free(bench);
    }
}

static void close_keeps_its_deadline_in_a_storm_of_signals(void **state) {
    (void)state;
    for (unsigned i = 0; i < WAYS; i++) {
        struct bench *bench = bench_new(ways[i]);
        bench_start_gateway(bench);
        bench_open(bench, PORTHOLE_USE_PCP);
        for (uint16_t port = 0; port < PORTS; port++)
            bench_map(bench, (uint16_t)(8000 + port));
        bench_until(bench, PORTS);
        bench_stop_gateway(bench);
        int silence = bench_start_silence(bench);
        signal_count = 0;
        storm(true);
        double began_s = now_s();
        bench_close(bench, 300);
        double took_s = now_s() - began_s;
        storm(false);
        assert_true(took_s >= 0.29);
        assert_true(took_s < 5.0);
        assert_true(signal_count > 10);
        assert_ends(bench, PORTHOLE_FATE_EXPIRES);
        close(silence);
        bench_free(bench);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(close_removes_all_in_a_storm_of_signals),
        cmocka_unit_test(close_keeps_its_deadline_in_a_storm_of_signals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
