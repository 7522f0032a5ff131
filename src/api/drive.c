/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * drive.c: way (c): the user's own loop turns the client round. See porthole.h for what each
 * function promises.
 */
#include "api/client.h"
#include "driver/clock.h"

/* As ph_client_enter(), for what only a client without a thread can do. */
static int enter_threadless(struct porthole *client) {
    int error = ph_client_enter(client);
    if (error == 0 && !(client->flags & PORTHOLE_NO_THREAD))
        return ph_client_leave(client, PORTHOLE_ERR_STATE);
    return error;
}

int porthole_pollfds(struct porthole *client, struct pollfd *ret_fds, size_t count) {
    int error = enter_threadless(client);
    if (error != 0)
        return error;
    size_t wanted = ph_driver_pollfds(client->driver, ret_fds, ret_fds ? count : 0);
    return ph_client_leave(client, (int)wanted);
}

int porthole_timeout_ms(struct porthole *client) {
    int error = enter_threadless(client);
    if (error != 0)
        return error;
    ph_us deadline = client->event_count > 0 ? 0 : ph_driver_deadline(client->driver);
    return ph_client_leave(client, ph_clock_left_ms(ph_clock_now(), deadline));
}

int porthole_process(struct porthole *client) {
    int error = ph_client_enter_blocking(client);
    if (error != 0)
        return error;
    if (!(client->flags & PORTHOLE_NO_THREAD))
        return ph_client_leave(client, PORTHOLE_ERR_STATE);
    ph_driver_process(client->driver);
    (void)ph_events_deliver(client, client->event_count);
    return ph_client_leave(client, 0);
}
