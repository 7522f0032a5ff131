/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * consumer.c: the least that a program does with porthole: open a client and close it. It asks for
 * nothing, so nothing is sent.
 */
#include <porthole/porthole.h>
#include <stdio.h>
#include <string.h>

int main(void) {
    struct porthole_config config = PORTHOLE_CONFIG_INIT;
    struct porthole *client = NULL;
    config.flags = PORTHOLE_NO_THREAD;
    config.gateway = "127.0.0.1";
    config.bind_address = "127.0.0.1";
    int error = porthole_open(&config, &client);
    if (error == 0)
        error = porthole_close(client, 0);
    printf("porthole %s: %s\n", porthole_version(), porthole_strerror(error));
    return error == 0 && strcmp(porthole_version(), PORTHOLE_VERSION) == 0 ? 0 : 1;
}
