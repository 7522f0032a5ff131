/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * callback.c: opens TCP port 8080 until Ctrl-C. The client has a thread of its own, which is the
 * default, and calls back on it. Take this way when your program can be called from another thread
 * at any time.
 */
#define _POSIX_C_SOURCE 200809L
#include "shared.h"

int main(int argc, char **argv) {
    struct porthole_config config = example_config(argc, argv);
    struct porthole_request request = example_request();
    struct porthole *client;
    porthole_id id;
    char byte;

    int stop_fd = example_stop_fd();
    int error = porthole_open(&config, &client);
    if (error != 0)
        return example_fail("porthole_open", error);

    /* Returns at once. From here on example_print() is called, on the client's thread: for the
     * first time when the port is open or cannot be opened, and again whenever that changes. */
    error = porthole_map(client, &request, &id);
    if (error != 0)
        return example_fail("porthole_map", error);

    /* The program's own work, which here is to wait. The client renews the port meanwhile. A
     * program may ask how things are at any time:
     *
     *     struct porthole_mapping mapping = PORTHOLE_MAPPING_INIT;
     *     porthole_query(client, id, &mapping);
     */
    (void)!read(stop_fd, &byte, 1);

    /* Gives the port back, waits for the router's answer for 3 s at most (that is what -1 says),
     * and for the last callback. porthole_unmap(client, id) would do this for one of several ports.
     */
    porthole_close(client, -1);
    return 0;
}
