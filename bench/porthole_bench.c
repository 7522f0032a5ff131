// SPDX-License-Identifier: MIT OR Apache-2.0
//
// bench-porthole: libporthole as an application uses it, timed from porthole_open() until N
// mappings are held (default 1), or with --verdict until the first failure is reported. With
// --beside a mapping is made and held for half a second first, by the same client. With --hold it
// stays until it is killed, and rechecks every --recheck ms.
// It leaves the mappings to run_bench.py, which empties the router's table after each run.
#define _GNU_SOURCE
#include "timing.h"
#include <getopt.h>
#include <poll.h>
#include <porthole/porthole.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_PORT = 20000, MAPPINGS_MAX = 20000, PATIENCE_MS = 120000 };

struct options {
    bool verdict;
    bool no_thread;
    bool beside;
    bool hold;
    int recheck_ms;
    int wanted;
};

// Callbacks of the client's thread write it, main waits for it.
struct progress {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    int mapped;
    int failed;
    bool held[MAPPINGS_MAX];
    char note[PORTHOLE_TEXT_SIZE];
};

static struct progress progress = {.lock = PTHREAD_MUTEX_INITIALIZER,
                                   .moved = PTHREAD_COND_INITIALIZER};

static void on_event(struct porthole *client, const struct porthole_event *event, void *user) {
    (void)client;
    bool *held = user;
    pthread_mutex_lock(&progress.lock);
    if (event->type == PORTHOLE_EVENT_MAPPED && !*held) {
        *held = true; // once: a mapping that was lost and made again is one mapping
        progress.mapped++;
        snprintf(progress.note, sizeof progress.note, "by %s",
                 porthole_method_name(event->mapping.method));
    } else if (event->type == PORTHOLE_EVENT_FAILED) {
        progress.failed++;
        snprintf(progress.note, sizeof progress.note, "%s", porthole_errname(event->mapping.error));
    }
    pthread_cond_signal(&progress.moved);
    pthread_mutex_unlock(&progress.lock);
}

static bool is_done(const struct options *options) {
    return options->verdict ? progress.failed > 0 : progress.mapped >= options->wanted;
}

static void wait_for_thread(const struct options *options) {
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += PATIENCE_MS / 1000;
    pthread_mutex_lock(&progress.lock);
    while (!is_done(options) &&
           pthread_cond_timedwait(&progress.moved, &progress.lock, &end) == 0) {
    }
    pthread_mutex_unlock(&progress.lock);
}

static void drive(struct porthole *client, const struct options *options, double started_ms) {
    while (!is_done(options) && timing_now_ms() - started_ms < PATIENCE_MS) {
        struct pollfd fds[64];
        int count = porthole_pollfds(client, fds, sizeof fds / sizeof fds[0]);
        if (count < 0 || count > (int)(sizeof fds / sizeof fds[0])) {
            return;
        }
        (void)poll(fds, (nfds_t)count, porthole_timeout_ms(client));
        if (porthole_process(client) < 0) {
            return;
        }
    }
}

static int ask(struct porthole *client, int i) {
    struct porthole_request request = PORTHOLE_REQUEST_INIT;
    porthole_id id;
    request.protocol = PORTHOLE_TCP;
    request.internal_port = (uint16_t)(FIRST_PORT + i);
    request.on_event = on_event;
    request.user = &progress.held[i];
    return porthole_map(client, &request, &id);
}

// The first mapping, which is not timed. When the time begins that is.
static double hold_one(struct porthole *client) {
    static const struct options one = {.wanted = 1};
    if (ask(client, MAPPINGS_MAX - 1) == 0) {
        wait_for_thread(&one);
    }
    (void)usleep(500000);
    progress.mapped = 0;
    return timing_now_ms();
}

static int run(const struct options *options) {
    double started_ms = timing_now_ms();
    struct porthole *client = NULL;
    struct porthole_config config = PORTHOLE_CONFIG_INIT;
    config.flags = options->no_thread ? PORTHOLE_NO_THREAD : 0;
    config.recheck_period_ms = options->recheck_ms;
    int error = porthole_open(&config, &client);
    if (error == 0 && options->beside) {
        started_ms = hold_one(client);
    }
    for (int i = 0; error == 0 && i < options->wanted; i++) {
        error = ask(client, i);
    }
    if (error != 0) {
        return timing_report(0, options->wanted, started_ms, porthole_errname(error));
    }
    if (options->no_thread) {
        drive(client, options, started_ms);
    } else {
        wait_for_thread(options);
    }
    if (options->verdict) {
        return timing_report(progress.failed > 0, 1, started_ms, progress.note);
    }
    int code = timing_report(progress.mapped, options->wanted, started_ms, progress.note);
    fflush(stdout);
    while (options->hold) {
        (void)pause();
    }
    return code;
}

int main(int argc, char **argv) {
    static const struct option names[] = {
        {"verdict", no_argument, NULL, 'v'},       {"no-thread", no_argument, NULL, 'n'},
        {"beside", no_argument, NULL, 'b'},        {"hold", no_argument, NULL, 'h'},
        {"recheck", required_argument, NULL, 'r'}, {NULL, 0, NULL, 0}};
    struct options options = {.wanted = 1};
    int c;
    while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
        options.verdict = options.verdict || c == 'v';
        options.no_thread = options.no_thread || c == 'n';
        options.beside = options.beside || c == 'b';
        options.hold = options.hold || c == 'h';
        if (c == 'r') {
            options.recheck_ms = atoi(optarg);
        }
        if (c == '?') {
            fputs("usage: bench-porthole [--verdict] [--no-thread] [--beside] [--hold] "
                  "[--recheck MS] [N]\n",
                  stderr);
            return 2;
        }
    }
    if (optind < argc) {
        options.wanted = atoi(argv[optind]);
    }
    if (options.wanted < 1 || options.wanted > MAPPINGS_MAX) {
        return 2;
    }
    int code = run(&options);
    fflush(stdout);
    _exit(code); // closing would remove the mappings, one more thing than is timed
}
