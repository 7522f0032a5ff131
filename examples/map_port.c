/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * map_port.c: opens TCP port 8080 to the Internet, says where, keeps it open until Enter or Ctrl-C,
 * and gives it back.
 */
#define _POSIX_C_SOURCE 200809L
#include <porthole/porthole.h>
#include <signal.h>
#include <stdio.h>

static void on_interrupt(int number) { (void)number; }

int main(void) {
    struct porthole_request request = PORTHOLE_REQUEST_INIT;
    struct porthole_mapping mapping = PORTHOLE_MAPPING_INIT;
    struct sigaction interrupt = {.sa_handler = on_interrupt}; /* getchar() returns then */
    struct porthole *client = NULL;

    request.protocol = PORTHOLE_TCP;
    request.internal_port = 8080;
    int error = porthole_open(NULL, &client);
    if (error == 0)
        error = porthole_map_wait(client, &request, 10000, &mapping);
    if (error == 0) {
        printf("%s port %u is open, by %s. Enter closes it.\n", mapping.external_address,
               mapping.external_port, porthole_method_name(mapping.method));
        sigaction(SIGINT, &interrupt, NULL);
        getchar();
    } else {
        fprintf(stderr, "no port: %s (%s)\n", porthole_strerror(error), mapping.text);
    }
    porthole_close(client, -1);
    return error == 0 ? 0 : 1;
}
