/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * client.c: see client.h. Way (a) and (b) have a thread that turns the client round; in way (c) the
 * user does, or a blocking call on the user's behalf. A call that changes something sends its
 * packets itself and wakes the thread only when that would sleep too long or poll the wrong
 * descriptors.
 */
#define _POSIX_C_SOURCE 200809L
#include "api/client.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "driver/clock.h"

/* While there is no memory for all descriptors, those that are not polled are looked at this
 * often. */
#define BLIND_MS 100

/* ---- The lock -------------------------------------------------------------------------------- */

int ph_client_enter(struct porthole *client) {
    if (!client)
        return PORTHOLE_ERR_INVALID;
    /* The child has neither the thread nor a lock that can be relied on, and the sockets are its
     * parent's as well. */
    if (client->pid != getpid())
        return PORTHOLE_ERR_STATE;
    (void)pthread_mutex_lock(&client->lock);
    return 0;
}

int ph_client_enter_blocking(struct porthole *client) {
    int error = ph_client_enter(client);
    if (error == 0 && client->is_calling && pthread_equal(client->caller, pthread_self())) {
        (void)pthread_mutex_unlock(&client->lock);
        return PORTHOLE_ERR_REENTRANT;
    }
    return error;
}

void ph_client_raise(int fds[2]) {
    static const uint64_t one = 1; /* what an eventfd takes; a pipe takes anything */
    ssize_t n;
    do {
        n = write(fds[1], &one, sizeof one);
    } while (n < 0 && errno == EINTR);
}

void ph_client_lower(int fds[2]) {
    uint64_t counts[8];
    ssize_t n;
    do {
        n = read(fds[0], counts, sizeof counts);
    } while (n < 0 && errno == EINTR);
}

/* Whether the one in poll() must come out of it. */
static bool is_outdated(const struct porthole *client) {
    return client->is_closing || ph_driver_deadline(client->driver) < client->wakes_at ||
           ph_driver_changes(client->driver) != client->changes_seen ||
           (client->event_count > 0 && !(client->flags & PORTHOLE_DISPATCH));
}

void ph_client_settle(struct porthole *client) {
    ph_events_free_finished(client);
    if (client->inside > 0 &&
        (client->has_news || client->is_probing || client->is_listing || client->is_closing))
        (void)pthread_cond_broadcast(&client->changed);
    client->has_news = false;
    if (!client->is_signalled && client->event_count > 0 && client->signal[1] >= 0) {
        client->is_signalled = true;
        ph_client_raise(client->signal);
    }
    if (client->is_asleep && client->wake[1] >= 0 && is_outdated(client)) {
        client->is_asleep = false;
        ph_client_raise(client->wake);
    }
}

int ph_client_leave(struct porthole *client, int result) {
    ph_client_settle(client);
    (void)pthread_mutex_unlock(&client->lock);
    return result;
}

/* ---- Turning it round ------------------------------------------------------------------------ */

/* Fills client->fds and returns how many of the wanted ones are in it. */
static size_t fill_pollfds(struct porthole *client, size_t *ret_wanted) {
    size_t own = client->wake[0] >= 0 ? 1 : 0;
    size_t wanted = own + ph_driver_pollfds(client->driver, NULL, 0);
    if (wanted > client->fds_size) {
        struct pollfd *grown = malloc(wanted * sizeof *grown);
        if (grown) {
            if (client->fds != client->few)
                free(client->fds);
            client->fds = grown;
            client->fds_size = wanted;
        }
    }
    if (own)
        client->fds[0] = (struct pollfd){.fd = client->wake[0], .events = POLLIN};
    (void)ph_driver_pollfds(client->driver, client->fds + own, client->fds_size - own);
    *ret_wanted = wanted;
    return wanted < client->fds_size ? wanted : client->fds_size;
}

void ph_client_turn(struct porthole *client, ph_us until) {
    size_t wanted;
    size_t count = fill_pollfds(client, &wanted);
    ph_us deadline = ph_driver_deadline(client->driver);
    bool is_busy = client->event_count > 0 && !(client->flags & PORTHOLE_DISPATCH);
    client->wakes_at = deadline < until ? deadline : until;
    client->changes_seen = ph_driver_changes(client->driver);
    client->is_asleep = true;
    int left_ms = is_busy ? 0 : ph_clock_left_ms(ph_clock_now(), client->wakes_at);
    if (wanted > count && (left_ms < 0 || left_ms > BLIND_MS))
        left_ms = BLIND_MS;
    (void)pthread_mutex_unlock(&client->lock);
    int ready = poll(client->fds, (nfds_t)count, left_ms);
    (void)pthread_mutex_lock(&client->lock);
    client->is_asleep = false;
    if (ready > 0 && client->wake[0] >= 0 && client->fds[0].revents != 0)
        ph_client_lower(client->wake);
    ph_driver_process(client->driver);
    if (!(client->flags & PORTHOLE_DISPATCH))
        (void)ph_events_deliver(client, client->event_count);
    ph_client_settle(client);
}

/* ---- Waiting --------------------------------------------------------------------------------- */

ph_us ph_client_deadline(int timeout_ms) {
    return timeout_ms < 0 ? PH_NEVER : ph_clock_now() + PH_MS((unsigned)timeout_ms);
}

/* Until something has changed, or until then. */
static void sleep_until(struct porthole *client, ph_us now, ph_us deadline) {
    struct timespec t;
    if (deadline == PH_NEVER) {
        (void)pthread_cond_wait(&client->changed, &client->lock);
        return;
    }
    /* The condition's clock stands still while the host sleeps and ours does not, so that only what
     * is left can be told it. */
    ph_us left = deadline - now;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    ph_us nanoseconds = (ph_us)t.tv_nsec + left % PH_SECONDS(1) * 1000U;
    t.tv_sec += (time_t)(left / PH_SECONDS(1) + nanoseconds / 1000000000U);
    t.tv_nsec = (long)(nanoseconds % 1000000000U);
    (void)pthread_cond_timedwait(&client->changed, &client->lock, &t);
}

int ph_client_wait(struct porthole *client, ph_us deadline, ph_client_done_fn *done, void *user) {
    int result = 0;
    client->inside++;
    ph_client_settle(client);
    while (!done(client, user)) {
        ph_us now = ph_clock_now();
        bool is_late = now >= deadline;
        if (client->is_closing)
            result = PORTHOLE_ERR_CANCELLED;
        else if (client->flags & PORTHOLE_NO_THREAD)
            ph_client_turn(client, deadline);
        else if (!is_late)
            sleep_until(client, now, deadline);
        if (result == 0 && is_late && !done(client, user))
            result = PORTHOLE_ERR_TIMEOUT;
        if (result != 0)
            break;
    }
    client->inside--;
    if (client->is_closing)
        (void)pthread_cond_broadcast(&client->changed);
    return result;
}
