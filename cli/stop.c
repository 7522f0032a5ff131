/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * stop.c: see stop.h. The handlers call only what may be called from one: they write the signal's
 * number to a pipe, and the first wish to end puts the default actions back.
 */
#define _POSIX_C_SOURCE 200809L

#include "cli/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

static const int stop_signals[] = {SIGINT, SIGTERM, SIGHUP};
#define STOP_SIGNALS (sizeof stop_signals / sizeof *stop_signals)
static const int forward_signals[] = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT,
                                      SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH};
#define FORWARD_SIGNALS (sizeof forward_signals / sizeof *forward_signals)

static int stop_pipe[2] = {-1, -1};
/* SIGHUP is no wish to end. */
static volatile sig_atomic_t stop_not_by_hup;

/* Readable, even when the pipe is full: then it has enough of them. */
static void tell_signal(int number) {
    unsigned char byte = (unsigned char)number;
    int saved = errno;
    ssize_t written = write(stop_pipe[1], &byte, 1);
    (void)written;
    errno = saved;
}

static void on_stop_signal(int number) {
    int saved = errno;
    struct sigaction action = {.sa_handler = SIG_DFL};
    for (size_t i = 0; i < STOP_SIGNALS; i++)
        if (stop_signals[i] != SIGHUP || !stop_not_by_hup)
            sigaction(stop_signals[i], &action, NULL);
    tell_signal(number);
    errno = saved;
}

static void on_forward_signal(int number, siginfo_t *info, void *context) {
    (void)context;
    /* What the kernel sends for the terminal, it sends to the whole foreground group. */
    if (info->si_code == SI_USER || info->si_code == SI_QUEUE || info->si_code <= 0)
        tell_signal(number);
}

static bool is_ignored(int number) {
    struct sigaction action;
    return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

int ph_stop_catch(void) {
    if (pipe(stop_pipe) != 0)
        return -1;
    for (size_t i = 0; i < 2; i++) {
        fcntl(stop_pipe[i], F_SETFD, FD_CLOEXEC);
        fcntl(stop_pipe[i], F_SETFL, O_NONBLOCK); /* a handler must not wait */
    }
    struct sigaction action = {.sa_handler = on_stop_signal};
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < STOP_SIGNALS; i++)
        if (stop_signals[i] != SIGHUP || (!stop_not_by_hup && !is_ignored(SIGHUP)))
            sigaction(stop_signals[i], &action, NULL);
    return stop_pipe[0];
}

void ph_stop_catch_also(int number) {
    struct sigaction action = {.sa_handler = tell_signal};
    sigfillset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

void ph_stop_reload_by_hup(void) {
    stop_not_by_hup = 1;
    ph_stop_catch_also(SIGHUP);
}

void ph_stop_forward(void) {
    struct sigaction action = {.sa_sigaction = on_forward_signal, .sa_flags = SA_SIGINFO};
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < FORWARD_SIGNALS; i++)
        if (!is_ignored(forward_signals[i]))
            sigaction(forward_signals[i], &action, NULL);
}

void ph_stop_forward_end(void) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    for (size_t i = 0; i < FORWARD_SIGNALS; i++)
        if (!is_ignored(forward_signals[i]))
            sigaction(forward_signals[i], &action, NULL);
}

void ph_stop_leave_to_child(void) {
    static const int others[] = {SIGPIPE, SIGXFSZ, SIGCHLD};
    struct sigaction action = {.sa_handler = SIG_DFL};
    ph_stop_forward_end(); /* an ignored SIGHUP is the user's; what else is ignored is main()'s */
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        sigaction(others[i], &action, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

int ph_stop_next(int stop_fd) {
    unsigned char byte;
    return read(stop_fd, &byte, 1) == 1 ? byte : 0;
}
