/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * libuv.c: opens TCP port 8080 until Ctrl-C, in a program that lives in a libuv loop. The client
 * has a thread of its own, and one descriptor brings its callbacks into the loop. The way without a
 * thread does not fit here: libuv must be told before a descriptor is closed, and the client closes
 * its own when it has done with them.
 */
#define _POSIX_C_SOURCE 200809L
#include <uv.h>

#include "shared.h"

struct application {
    uv_loop_t loop;
    uv_poll_t events; /* of the client */
    uv_signal_t interrupt;
    struct porthole *client;
};

static void on_readable(uv_poll_t *handle, int status, int events) {
    struct application *application = handle->data;
    (void)events;
    if (status == 0)
        porthole_dispatch(application->client); /* calls example_print() */
}

static void on_interrupt(uv_signal_t *handle, int number) {
    struct application *application = handle->data;
    (void)number;
    /* First the loop lets go of the client's descriptor, then the client is closed. */
    uv_close((uv_handle_t *)&application->events, NULL);
    uv_close((uv_handle_t *)&application->interrupt, NULL);
}

static void start_watching(struct application *application) {
    uv_poll_init(&application->loop, &application->events, porthole_event_fd(application->client));
    application->events.data = application;
    uv_poll_start(&application->events, UV_READABLE, on_readable);
    uv_signal_init(&application->loop, &application->interrupt);
    application->interrupt.data = application;
    uv_signal_start(&application->interrupt, on_interrupt, SIGINT);
}

int main(int argc, char **argv) {
    struct porthole_config config = example_config(argc, argv);
    struct porthole_request request = example_request();
    struct application application;
    porthole_id id;

    config.flags = PORTHOLE_DISPATCH;
    int error = porthole_open(&config, &application.client);
    if (error != 0)
        return example_fail("porthole_open", error);
    if (uv_loop_init(&application.loop) != 0)
        return 1;
    start_watching(&application);
    error = porthole_map(application.client, &request, &id);
    if (error != 0)
        return example_fail("porthole_map", error);

    /* Until both handles are closed. */
    uv_run(&application.loop, UV_RUN_DEFAULT);
    uv_loop_close(&application.loop);

    /* Gives the port back, which may take up to 3 s, and runs the last callback. */
    porthole_close(application.client, -1);
    return 0;
}
