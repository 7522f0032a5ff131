/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * no_thread.c: opens TCP port 8080 until Ctrl-C, without any thread but the program's own: its
 * poll() loop looks after the client's sockets and timers. Take this way where threads are
 * unwanted, or where everything has to happen in one loop.
 */
#define _POSIX_C_SOURCE 200809L
#include <poll.h>

#include "shared.h"

/* A client has two sockets for its router, and one for each HTTP exchange, of which it has few. */
#define FDS_MAX 64

/* Waits until the program or the client has something to do; whether it is the program. */
static int wait_for_work(struct porthole *client, int stop_fd) {
    struct pollfd fds[1 + FDS_MAX] = {{.fd = stop_fd, .events = POLLIN}};

    /* Both may change with every call on the client, so they are asked for in each round. */
    int count = porthole_pollfds(client, fds + 1, FDS_MAX);
    int timeout_ms = porthole_timeout_ms(client);
    if (count < 0 || count > FDS_MAX)
        return 1;
    /* A program with timers of its own would sleep for the shorter time of the two. */
    if (poll(fds, (nfds_t)count + 1, timeout_ms) < 0)
        return 0; /* a signal */
    return fds[0].revents != 0;
}

int main(int argc, char **argv) {
    struct porthole_config config = example_config(argc, argv);
    struct porthole_request request = example_request();
    struct porthole *client;
    porthole_id id;

    int stop_fd = example_stop_fd();
    config.flags = PORTHOLE_NO_THREAD;
    int error = porthole_open(&config, &client);
    if (error != 0)
        return example_fail("porthole_open", error);
    error = porthole_map(client, &request, &id);
    if (error != 0)
        return example_fail("porthole_map", error);

    /* Which descriptor was ready, and whether one was, makes no difference: the client looks
     * itself. Callbacks run in here. */
    while (!wait_for_work(client, stop_fd))
        porthole_process(client);

    /* Blocks until the port is given back, for 3 s at most, and runs the last callback. A program
     * that must not block calls porthole_unmap(), goes on with its loop until UNMAPPED was told,
     * and closes the client then. */
    porthole_close(client, -1);
    return 0;
}
