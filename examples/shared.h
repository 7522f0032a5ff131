/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * shared.h: what the examples have in common, so that each shows one thing: the arguments, what
 * they ask for, a callback that prints, and a descriptor that becomes readable at Ctrl-C.
 */
#ifndef EXAMPLES_SHARED_H
#define EXAMPLES_SHARED_H

#include <porthole/porthole.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* PROGRAM [GATEWAY [ADDRESS]]: the router to ask, and this host's address to ask it from. Without
 * them porthole looks both up. To try an example without a router: `porthole gateway` is one, at
 * 127.77.0.1, for programs that ask from 127.0.0.1. */
static inline struct porthole_config example_config(int argc, char **argv) {
    struct porthole_config config = PORTHOLE_CONFIG_INIT;
    config.gateway = argc > 1 ? argv[1] : NULL;
    config.bind_address = argc > 2 ? argv[2] : NULL;
    return config;
}

/* Called for whatever becomes of the mapping. */
static inline void example_print(struct porthole *client, const struct porthole_event *event,
                                 void *user) {
    const struct porthole_mapping *mapping = &event->mapping;
    (void)client;
    (void)user; /* request.user: your own object */
    switch (event->type) {
    case PORTHOLE_EVENT_MAPPED:
    case PORTHOLE_EVENT_CHANGED:
        printf("open: %s port %u, by %s\n", mapping->external_address, mapping->external_port,
               porthole_method_name(mapping->method));
        if (mapping->reach != PORTHOLE_REACH_PUBLIC)
            printf("      another NAT is in the way: that address is not public\n");
        break;
    case PORTHOLE_EVENT_PENDING:
        printf("lost, and being opened again\n");
        break;
    case PORTHOLE_EVENT_FAILED:
        printf("not open: %s (%s); it is tried again\n", porthole_strerror(mapping->error),
               mapping->text);
        break;
    case PORTHOLE_EVENT_UNMAPPED:
        printf("closed: %s\n", porthole_fate_name(mapping->fate));
        break;
    }
    fflush(stdout);
}

/* TCP port 8080, with the callback above. */
static inline struct porthole_request example_request(void) {
    struct porthole_request request = PORTHOLE_REQUEST_INIT;
    request.protocol = PORTHOLE_TCP;
    request.internal_port = 8080;
    request.description = "porthole example"; /* the name in the router's list */
    request.on_event = example_print;
    return request;
}

/* Tells what went wrong and returns the exit code. */
static inline int example_fail(const char *what, int error) {
    fprintf(stderr, "%s: %s\n", what, porthole_strerror(error));
    return 1;
}

static int example_stop_pipe[2];

static inline void example_on_interrupt(int number) {
    (void)number;
    (void)!write(example_stop_pipe[1], "", 1);
}

/* Readable from the first Ctrl-C on; -1 when that cannot be had. */
static inline int example_stop_fd(void) {
    struct sigaction interrupt = {.sa_handler = example_on_interrupt, .sa_flags = SA_RESTART};
    if (pipe(example_stop_pipe) != 0 || sigaction(SIGINT, &interrupt, NULL) != 0)
        return -1;
    return example_stop_pipe[0];
}

#endif
