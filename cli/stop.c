/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * stop.c: see stop.h. The handler calls only what may be called from one: it puts the default
 * actions back and writes a byte to a pipe.
 */
#define _POSIX_C_SOURCE 200809L

#include "cli/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static const int stop_signals[] = {SIGINT, SIGTERM, SIGHUP};
#define STOP_SIGNALS (sizeof stop_signals / sizeof *stop_signals)

static int stop_pipe[2] = {-1, -1};

static void on_stop_signal(int number) {
    (void)number;
    int saved = errno;
    struct sigaction action = {.sa_handler = SIG_DFL};
    for (size_t i = 0; i < STOP_SIGNALS; i++)
        sigaction(stop_signals[i], &action, NULL);
    ssize_t written = write(stop_pipe[1], "", 1); /* readable, even when the pipe is full */
    (void)written;
    errno = saved;
}

/* One byte for each; a pipe that is full has enough of them. */
static void on_refresh_signal(int number) {
    (void)number;
    int saved = errno;
    ssize_t written = write(stop_pipe[1], "r", 1);
    (void)written;
    errno = saved;
}

void ph_stop_catch_refresh(void) {
    struct sigaction action = {.sa_handler = on_refresh_signal};
    sigfillset(&action.sa_mask);
    sigaction(SIGUSR1, &action, NULL);
}

bool ph_stop_is_refresh(int stop_fd) {
    char what = '\0';
    return read(stop_fd, &what, 1) == 1 && what == 'r';
}

int ph_stop_catch(void) {
    if (pipe(stop_pipe) != 0)
        return -1;
    for (size_t i = 0; i < 2; i++) {
        fcntl(stop_pipe[i], F_SETFD, FD_CLOEXEC);
        fcntl(stop_pipe[i], F_SETFL, O_NONBLOCK); /* a handler must not wait */
    }
    struct sigaction action;
    bool keep_hangup = sigaction(SIGHUP, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
    action = (struct sigaction){.sa_handler = on_stop_signal};
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < STOP_SIGNALS; i++)
        if (stop_signals[i] != SIGHUP || !keep_hangup)
            sigaction(stop_signals[i], &action, NULL);
    return stop_pipe[0];
}
