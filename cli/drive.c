/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * drive.c: see drive.h. The set of descriptors is asked for again in each round, because every call
 * of the client may change it.
 */
#define _POSIX_C_SOURCE 200809L

#include "cli/drive.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <time.h>

/* The stop descriptor's and the client's. A client has a few for each gateway and one for each HTTP
 * exchange, of which it has few at a time; what does not fit waits a round. */
#define FDS_MAX 256

int64_t ph_drive_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* How long poll() may sleep: the client's limit and the caller's. */
static int sleep_ms(struct porthole *client, int64_t until_ms) {
    int limit = porthole_timeout_ms(client);
    if (until_ms < 0)
        return limit;
    int64_t left = until_ms - ph_drive_now_ms();
    if (left < 0)
        left = 0;
    if (left > INT_MAX)
        left = INT_MAX;
    return limit < 0 || left < limit ? (int)left : limit;
}

int ph_drive(struct porthole *client, int stop_fd, int64_t until_ms) {
    struct pollfd fds[FDS_MAX];
    fds[0] = (struct pollfd){.fd = stop_fd, .events = POLLIN};
    int count = porthole_pollfds(client, fds + 1, FDS_MAX - 1);
    if (count < 0)
        return count;
    if (count > FDS_MAX - 1)
        count = FDS_MAX - 1;
    int ready = poll(fds, (nfds_t)count + 1, sleep_ms(client, until_ms));
    if (ready < 0)
        return errno == EINTR ? 0 : PORTHOLE_ERR_SYSTEM;
    if (fds[0].revents != 0)
        return 1;
    return porthole_process(client);
}
