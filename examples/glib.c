/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * glib.c: opens TCP port 8080 until Ctrl-C, in a program that lives in a GLib main loop, without
 * another thread: the client becomes a GSource. A program that does not mind a thread can do with
 * less: PORTHOLE_DISPATCH, and g_unix_fd_add() on porthole_event_fd(), as libuv.c does.
 */
#define _POSIX_C_SOURCE 200809L
#include <glib-unix.h>
#include <glib.h>
#include <poll.h>

#include "shared.h"

#define FDS_MAX 64 /* see no_thread.c */

struct client_source {
    GSource source; /* the first, so that GLib's pointer is ours */
    struct porthole *client;
    int count;
    GPollFD fds[FDS_MAX]; /* that the loop polls */
};

static gboolean is_same(const GPollFD *ours, const struct pollfd *wanted) {
    return ours->fd == wanted->fd && ours->events == (gushort)wanted->events;
}

/* Makes the loop poll what the client wants polled. Changes wake the loop, so that only those that
 * are some may be made. */
static void follow_fds(struct client_source *self) {
    struct pollfd wanted[FDS_MAX];
    int count = porthole_pollfds(self->client, wanted, FDS_MAX);
    int same = 0;
    count = count < FDS_MAX ? count : FDS_MAX;
    while (same < count && same < self->count && is_same(&self->fds[same], &wanted[same]))
        same++;
    while (self->count > same)
        g_source_remove_poll(&self->source, &self->fds[--self->count]);
    for (; self->count < count; self->count++) {
        GPollFD *fd = &self->fds[self->count];
        *fd =
            (GPollFD){.fd = wanted[self->count].fd, .events = (gushort)wanted[self->count].events};
        g_source_add_poll(&self->source, fd);
    }
}

/* Before the loop sleeps: on which descriptors, and how long. TRUE = there is something to do. */
static gboolean prepare(GSource *source, gint *ret_timeout_ms) {
    struct client_source *self = (struct client_source *)source;
    follow_fds(self);
    *ret_timeout_ms = porthole_timeout_ms(self->client);
    return *ret_timeout_ms == 0;
}

/* After it has slept. */
static gboolean check(GSource *source) {
    struct client_source *self = (struct client_source *)source;
    for (int i = 0; i < self->count; i++)
        if (self->fds[i].revents != 0)
            return TRUE;
    return porthole_timeout_ms(self->client) == 0;
}

static gboolean dispatch(GSource *source, GSourceFunc function, gpointer data) {
    (void)function;
    (void)data;
    porthole_process(((struct client_source *)source)->client); /* calls example_print() */
    return G_SOURCE_CONTINUE;
}

static gboolean on_interrupt(gpointer loop) {
    g_main_loop_quit(loop);
    return G_SOURCE_REMOVE;
}

int main(int argc, char **argv) {
    static GSourceFuncs functions = {.prepare = prepare, .check = check, .dispatch = dispatch};
    struct porthole_config config = example_config(argc, argv);
    struct porthole_request request = example_request();
    struct porthole *client;
    porthole_id id;

    config.flags = PORTHOLE_NO_THREAD;
    int error = porthole_open(&config, &client);
    if (error != 0)
        return example_fail("porthole_open", error);
    GSource *source = g_source_new(&functions, sizeof(struct client_source));
    ((struct client_source *)source)->client = client;
    g_source_attach(source, NULL);
    error = porthole_map(client, &request, &id);
    if (error != 0)
        return example_fail("porthole_map", error);

    GMainLoop *loop = g_main_loop_new(NULL, FALSE);
    g_unix_signal_add(SIGINT, on_interrupt, loop);
    g_main_loop_run(loop);
    g_main_loop_unref(loop);

    /* First the loop lets go of the client, then that is closed. */
    g_source_destroy(source);
    g_source_unref(source);
    porthole_close(client, -1);
    return 0;
}
