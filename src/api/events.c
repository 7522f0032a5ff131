/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * events.c: see client.h. Events wait with their mapping, in room that was made with it, so that
 * none is lost for want of memory and a user who never dispatches cannot make them pile up. The
 * lock is free while a callback runs, and only one runs at a time.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>
#include <string.h>

#include "api/client.h"
#include "driver/clock.h"

/* How long callbacks follow each other before what has arrived is read. */
#define DELIVERY_MAX PH_MS(50)

static struct ph_record *find_record(struct porthole *client, porthole_id id) {
    struct ph_node *node = ph_table_find(&client->records, id);
    return node ? PH_CONTAINER(node, struct ph_record, by_id) : NULL;
}

static void free_record(struct porthole *client, struct ph_record *record) {
    ph_table_remove(&client->records, &record->by_id);
    ph_link_remove(&record->in_all);
    ph_link_remove(&record->in_ready);
    free(record);
}

/* Lets so many more events of the record wait for their callback. */
static void enqueue(struct porthole *client, struct ph_record *record, unsigned count) {
    client->event_count += count;
    if (count > 0 && !ph_link_is_in(&record->in_ready))
        ph_list_append(&client->ready, &record->in_ready);
}

void ph_events_take(void *user, const struct ph_event *event) {
    struct porthole *client = user;
    struct ph_record *record = find_record(client, event->info.id);
    client->has_news = true;
    if (!record)
        return;
    if (!record->on_event) {
        if (event->type == PORTHOLE_EVENT_UNMAPPED)
            ph_list_append(&client->finished, &record->in_ready);
        return;
    }
    if (record->event_count == PH_RECORD_EVENTS_MAX) {
        record->events[PH_RECORD_EVENTS_MAX - 1] = *event;
        return;
    }
    record->events[record->event_count++] = *event;
    if (!record->is_held)
        enqueue(client, record, 1);
}

void ph_events_release(struct porthole *client, porthole_id id) {
    struct ph_record *record = find_record(client, id);
    if (!record)
        return;
    record->is_held = false;
    enqueue(client, record, record->event_count);
}

void ph_events_silence(struct porthole *client, porthole_id id) {
    struct ph_record *record = find_record(client, id);
    if (!record || !record->on_event)
        return;
    unsigned count = record->event_count;
    record->on_event = NULL;
    record->event_count = 0;
    if (count > 0 && record->events[count - 1].type == PORTHOLE_EVENT_UNMAPPED)
        ph_list_append(&client->finished, &record->in_ready);
}

bool ph_events_ended(struct porthole *client, porthole_id id, struct porthole_mapping *ret) {
    const struct ph_record *record = find_record(client, id);
    if (!record || record->event_count == 0)
        return false;
    const struct ph_event *last = &record->events[record->event_count - 1];
    if (last->type != PORTHOLE_EVENT_UNMAPPED)
        return false;
    ph_facts_mapping(&last->info, record->user, ret);
    return true;
}

void ph_events_free_finished(struct porthole *client) {
    while (!ph_list_is_empty(&client->finished))
        free_record(client, PH_CONTAINER(client->finished.next, struct ph_record, in_ready));
}

/* Takes the oldest event of the first record that has one. */
static struct ph_event take_first(struct porthole *client, struct ph_record *record) {
    struct ph_event event = record->events[0];
    record->event_count--;
    client->event_count--;
    memmove(&record->events[0], &record->events[1], record->event_count * sizeof record->events[0]);
    ph_link_remove(&record->in_ready);
    if (record->event_count > 0)
        ph_list_append(&client->ready, &record->in_ready);
    return event;
}

static void deliver_one(struct porthole *client) {
    struct ph_record *record = PH_CONTAINER(client->ready.next, struct ph_record, in_ready);
    struct ph_event taken = take_first(client, record);
    struct porthole_event event = {.size = sizeof event, .type = taken.type};
    porthole_event_fn *on_event = record->on_event;
    void *user = record->user;
    ph_facts_mapping(&taken.info, user, &event.mapping);
    if (taken.type == PORTHOLE_EVENT_UNMAPPED)
        free_record(client, record);
    client->is_calling = true;
    client->caller = pthread_self();
    ph_client_settle(client);
    (void)pthread_mutex_unlock(&client->lock);
    on_event(client, &event, user);
    (void)pthread_mutex_lock(&client->lock);
    client->is_calling = false;
}

int ph_events_deliver(struct porthole *client, size_t most) {
    int count = 0;
    ph_us begun = ph_clock_now();
    /* Callbacks may take their time, one after another: what has become due or may have arrived
     * meanwhile comes before the next one. */
    while (most-- > 0 && client->event_count > 0) {
        deliver_one(client);
        count++;
        ph_us now = ph_clock_now();
        if (ph_driver_deadline(client->driver) <= now || now - begun >= DELIVERY_MAX)
            break;
    }
    return count;
}

int porthole_event_fd(struct porthole *client) {
    int error = ph_client_enter(client);
    if (error != 0)
        return error;
    bool is_ours = (client->flags & PORTHOLE_DISPATCH) != 0;
    return ph_client_leave(client, is_ours ? client->signal[0] : PORTHOLE_ERR_STATE);
}

int porthole_dispatch(struct porthole *client) {
    int error = ph_client_enter_blocking(client);
    if (error != 0)
        return error;
    if (!(client->flags & PORTHOLE_DISPATCH))
        return ph_client_leave(client, PORTHOLE_ERR_STATE);
    /* Another thread is at it, or porthole_close() is about to: they run them in order. */
    if (client->is_calling || client->is_closing)
        return ph_client_leave(client, 0);
    int count = 0;
    size_t most = client->event_count;
    client->inside++;
    while (most-- > 0 && !client->is_closing)
        count += ph_events_deliver(client, 1);
    client->inside--;
    if (client->is_signalled) {
        client->is_signalled = false;
        ph_client_lower(client->signal);
    }
    if (client->is_closing)
        (void)pthread_cond_broadcast(&client->changed);
    return ph_client_leave(client, count);
}
