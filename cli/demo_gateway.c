/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * demo_gateway.c: see demo_gateway.h. The child reports through one pipe and is stopped through
 * another, which the kernel closes should the parent die.
 */
#define _DEFAULT_SOURCE

#include "cli/demo_gateway.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif

#include "gateway/io.h"

#define TRIES 8 /* pairs of networks: 127.77.0 and 127.77.1, 127.77.2 and 127.77.3, ... */
#define START_MS 5000
#define STOP_MS 1000

/* What the child says once: which pair it has, or why it has none. */
struct report {
    int error;
    unsigned pair;
    char problem[PH_DEMO_GATEWAY_PROBLEM_SIZE];
};
_Static_assert(PH_DEMO_GATEWAY_PROBLEM_SIZE >= PH_GW_PROBLEM_SIZE, "the gateway's words fit");

/* ---- The child ------------------------------------------------------------------------------- */

static int make_gateway(struct report *report, struct ph_gw_io **ret) {
    for (report->pair = 0; report->pair < TRIES; report->pair++) {
        struct ph_gw_io_config config;
        uint8_t third = (uint8_t)(2 * report->pair);
        ph_gw_io_config_init(&config);
        config.server.internal = ph_addr_v4(127, 77, third, 1);
        config.server.external = ph_addr_v4(127, 77, (uint8_t)(third + 1), 1);
        report->error = ph_gw_io_new(&config, ret, report->problem);
        /* SYSTEM: most likely somebody else has the ports of this address. */
        if (report->error != PORTHOLE_ERR_SYSTEM)
            break;
    }
    return report->error;
}

static void serve(pid_t parent, int report_fd, int stop_fd) {
#if defined(__linux__)
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
#else
    (void)parent;
#endif
    struct report report = {.error = 0};
    struct ph_gw_io *io = NULL;
    int error = make_gateway(&report, &io);
    /* A pipe takes this much at once or not at all (PIPE_BUF). */
    if (write(report_fd, &report, sizeof report) != (ssize_t)sizeof report || error != 0)
        _exit(1);
    ph_gw_io_run(io, stop_fd);
    ph_gw_io_free(io);
    _exit(0);
}

/* ---- The parent ------------------------------------------------------------------------------ */

static void close_fds(const int *fds, size_t count) {
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
}

static bool read_report(struct ph_demo_gateway *gateway, char *ret_problem) {
    struct report report;
    struct pollfd readable = {.fd = gateway->alive_fd, .events = POLLIN};
    if (poll(&readable, 1, START_MS) != 1 ||
        read(gateway->alive_fd, &report, sizeof report) != (ssize_t)sizeof report) {
        snprintf(ret_problem, PH_DEMO_GATEWAY_PROBLEM_SIZE, "its process did not come up");
        return false;
    }
    if (report.error != 0) {
        report.problem[sizeof report.problem - 1] = '\0';
        snprintf(ret_problem, PH_DEMO_GATEWAY_PROBLEM_SIZE, "%s",
                 *report.problem ? report.problem : porthole_strerror(report.error));
        return false;
    }
    unsigned inside = 2 * report.pair, outside = inside + 1;
    snprintf(gateway->internal, sizeof gateway->internal, "127.77.%u.1", inside);
    snprintf(gateway->external, sizeof gateway->external, "127.77.%u.1", outside);
    snprintf(gateway->outside, sizeof gateway->outside, "127.77.%u.9", outside);
    return true;
}

bool ph_demo_gateway_start(struct ph_demo_gateway *gateway,
                           char ret_problem[PH_DEMO_GATEWAY_PROBLEM_SIZE]) {
    int fds[4]; /* the report's pipe, then the stop pipe */
    if (pipe(fds) != 0) {
        snprintf(ret_problem, PH_DEMO_GATEWAY_PROBLEM_SIZE, "%s", strerror(errno));
        return false;
    }
    if (pipe(fds + 2) != 0) {
        snprintf(ret_problem, PH_DEMO_GATEWAY_PROBLEM_SIZE, "%s", strerror(errno));
        close_fds(fds, 2);
        return false;
    }
    fflush(NULL); /* or what waits in the buffers would be printed twice */
    pid_t parent = getpid();
    gateway->pid = fork();
    if (gateway->pid == 0) {
        close(fds[0]);
        close(fds[3]);
        serve(parent, fds[1], fds[2]);
    }
    if (gateway->pid < 0) {
        snprintf(ret_problem, PH_DEMO_GATEWAY_PROBLEM_SIZE, "%s", strerror(errno));
        close_fds(fds, 4);
        return false;
    }
    close(fds[1]);
    close(fds[2]);
    gateway->alive_fd = fds[0];
    gateway->stop_fd = fds[3];
    if (read_report(gateway, ret_problem))
        return true;
    ph_demo_gateway_stop(gateway);
    return false;
}

void ph_demo_gateway_stop(struct ph_demo_gateway *gateway) {
    close(gateway->stop_fd);
    struct pollfd gone = {.fd = gateway->alive_fd, .events = POLLIN};
    if (poll(&gone, 1, STOP_MS) != 1)
        kill(gateway->pid, SIGKILL);
    while (waitpid(gateway->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    close(gateway->alive_fd);
}
