/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * progress.c: see progress.h. Some waits are a single call of the library, so the line is drawn by
 * a signal's handler: it may only write what it has put together itself.
 */
#define _XOPEN_SOURCE 700 /* setitimer() */

#include "cli/progress.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "cli/output.h"

#define DIGITS 8

static struct sigaction progress_former;
static volatile sig_atomic_t progress_s;
static bool progress_runs;

static void write_progress(const char *text, size_t len) {
    /* A terminal that takes nothing gets no progress. */
    ssize_t written = write(STDERR_FILENO, text, len);
    (void)written;
}

static void on_second(int number) {
    static const char head[] = "\rasking the gateway, ", tail[] = " s";
    char line[sizeof head + DIGITS + sizeof tail], digits[DIGITS];
    size_t len = sizeof head - 1, count = 0;
    int saved = errno;
    (void)number;
    progress_s = progress_s + 1;
    for (unsigned long rest = (unsigned long)progress_s; rest > 0 && count < DIGITS; rest /= 10)
        digits[count++] = (char)('0' + rest % 10);
    memcpy(line, head, len);
    while (count > 0)
        line[len++] = digits[--count];
    memcpy(line + len, tail, sizeof tail - 1);
    write_progress(line, len + sizeof tail - 1);
    errno = saved;
}

static void make_way(void *unused) {
    (void)unused;
    ph_progress_end();
}

static void set_timer(time_t seconds) {
    const struct itimerval every = {{seconds, 0}, {seconds, 0}};
    setitimer(ITIMER_REAL, &every, NULL);
}

void ph_progress_begin(const struct ph_options *options) {
    const char *term = getenv("TERM");
    struct sigaction action = {.sa_handler = on_second, .sa_flags = SA_RESTART};
    if (options->json || options->verbosity > 0 || !isatty(STDERR_FILENO) || !term || !*term ||
        strcmp(term, "dumb") == 0)
        return;
    sigfillset(&action.sa_mask);
    progress_s = 0;
    progress_runs = sigaction(SIGALRM, &action, &progress_former) == 0;
    if (!progress_runs)
        return;
    ph_output_before(make_way, NULL);
    set_timer(1);
}

void ph_progress_end(void) {
    static const char erase[] = "\r\x1b[J";
    if (!progress_runs)
        return;
    progress_runs = false;
    set_timer(0); /* a signal that is on its way is handled before this returns */
    sigaction(SIGALRM, &progress_former, NULL);
    ph_output_before(NULL, NULL);
    if (progress_s > 0)
        write_progress(erase, sizeof erase - 1);
}
