/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * map_port.c: opens TCP port 8080 to the Internet, says where, keeps it open until Ctrl-C, and
 * gives it back. The shortest way: one call that waits for the result, and no callbacks.
 */
#define _POSIX_C_SOURCE 200809L
#include "shared.h"

int main(int argc, char **argv) {
    struct porthole_config config = example_config(argc, argv);
    struct porthole_request request = PORTHOLE_REQUEST_INIT;
    struct porthole_mapping mapping = PORTHOLE_MAPPING_INIT;
    struct porthole *client;
    char byte;

    int stop_fd = example_stop_fd();
    int error = porthole_open(&config, &client);
    if (error != 0)
        return example_fail("porthole_open", error);

    /* Waits for at most 10 s. When there is no port then, nothing is left of the attempt. */
    request.protocol = PORTHOLE_TCP;
    request.internal_port = 8080;
    error = porthole_map_wait(client, &request, 10000, &mapping);
    if (error == 0) {
        printf("open: %s port %u, by %s\n", mapping.external_address, mapping.external_port,
               porthole_method_name(mapping.method));
        fflush(stdout);
        (void)!read(stop_fd, &byte, 1); /* your program; the client renews the port meanwhile */
    } else {
        fprintf(stderr, "not open: %s (%s)\n", porthole_strerror(error), mapping.text);
    }

    porthole_close(client, -1);
    return error == 0 ? 0 : 1;
}
