/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * event_fd.c: opens TCP port 8080 until Ctrl-C. The client has a thread of its own, and callbacks
 * run in this program's poll() loop. Take this way when your program has an event loop and should
 * not have to care for threads: it is the simplest one to fit into a loop.
 */
#define _POSIX_C_SOURCE 200809L
#include <poll.h>

#include "shared.h"

int main(int argc, char **argv) {
    struct porthole_config config = example_config(argc, argv);
    struct porthole_request request = example_request();
    struct porthole *client;
    porthole_id id;

    config.flags = PORTHOLE_DISPATCH;
    int error = porthole_open(&config, &client);
    if (error != 0)
        return example_fail("porthole_open", error);
    error = porthole_map(client, &request, &id);
    if (error != 0)
        return example_fail("porthole_map", error);

    /* The descriptors of your program, and one more. It stays the same for the client's life. */
    struct pollfd fds[] = {
        {.fd = example_stop_fd(), .events = POLLIN},
        {.fd = porthole_event_fd(client), .events = POLLIN},
    };
    while (fds[0].revents == 0) {
        if (poll(fds, 2, -1) < 0)
            continue; /* a signal */
        /* Callbacks wait. They run now, on this thread, in here and nowhere else. */
        if (fds[1].revents != 0)
            porthole_dispatch(client);
    }

    /* Runs the last callback too, the one that tells what became of the port. */
    porthole_close(client, -1);
    return 0;
}
