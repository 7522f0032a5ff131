/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * events.c: see client.h. An event that there is no memory for stays with the engine until the
 * spare place is free, so that none is lost; and a user who never dispatches cannot make them pile
 * up. The lock is free while a callback runs, and only one runs at a time.
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
    free(record);
}

/* It is over, and nobody wants to hear of it. */
static void finish_record(struct porthole *client, struct ph_record *record) {
    ph_link_remove(&record->in_all);
    ph_list_append(&client->finished, &record->in_all);
}

void ph_events_free_finished(struct porthole *client) {
    while (!ph_list_is_empty(&client->finished))
        free_record(client, PH_CONTAINER(client->finished.next, struct ph_record, in_all));
}

/* ---- What waits ------------------------------------------------------------------------------ */

static struct ph_news *new_news(struct porthole *client) {
    struct ph_news *news = malloc(sizeof *news);
    if (news || client->is_spare_used)
        return news;
    client->is_spare_used = true;
    return &client->spare;
}

static void free_news(struct porthole *client, struct ph_news *news) {
    ph_link_remove(&news->link);
    if (news != &client->spare) {
        free(news);
        return;
    }
    client->is_spare_used = false;
    ph_driver_tell(client->driver); /* what it has kept may come now */
}

static void enqueue(struct porthole *client, struct ph_news *news) {
    client->event_count++;
    ph_list_append(&client->ready, &news->link);
}

bool ph_events_take(void *user, const struct ph_event *event) {
    struct porthole *client = user;
    struct ph_record *record = find_record(client, event->info.id);
    client->has_news = true;
    if (!record)
        return true;
    if (!record->on_event) {
        if (event->type == PORTHOLE_EVENT_UNMAPPED)
            finish_record(client, record);
        return true;
    }
    if (record->event_count == PH_RECORD_EVENTS_MAX) {
        record->last->event = *event;
        return true;
    }
    struct ph_news *news = new_news(client);
    if (!news)
        return false;
    ph_link_init(&news->link);
    news->record = record;
    news->event = *event;
    record->last = news;
    record->event_count++;
    if (record->is_held)
        ph_list_append(&client->held, &news->link);
    else
        enqueue(client, news);
    return true;
}

/* Of all that is held back, which is little, what is this record's. */
static void for_held(struct porthole *client, const struct ph_record *record,
                     void (*fn)(struct porthole *client, struct ph_news *news)) {
    struct ph_link *next;
    for (struct ph_link *link = client->held.next; link != &client->held; link = next) {
        struct ph_news *news = PH_CONTAINER(link, struct ph_news, link);
        next = link->next;
        if (news->record != record)
            continue;
        ph_link_remove(link);
        fn(client, news);
    }
}

void ph_events_release(struct porthole *client, porthole_id id) {
    struct ph_record *record = find_record(client, id);
    if (!record)
        return;
    record->is_held = false;
    for_held(client, record, enqueue);
}

void ph_events_silence(struct porthole *client, porthole_id id) {
    struct ph_record *record = find_record(client, id);
    if (!record || !record->on_event)
        return;
    bool is_over = record->last && record->last->event.type == PORTHOLE_EVENT_UNMAPPED;
    record->on_event = NULL;
    record->last = NULL;
    record->event_count = 0;
    for_held(client, record, free_news);
    if (is_over)
        finish_record(client, record);
}

bool ph_events_ended(struct porthole *client, porthole_id id, struct porthole_mapping *ret) {
    const struct ph_record *record = find_record(client, id);
    if (!record || !record->last || record->last->event.type != PORTHOLE_EVENT_UNMAPPED)
        return false;
    ph_facts_mapping(&record->last->event.info, record->user, ret);
    return true;
}

void ph_events_done(struct porthole *client) {
    struct ph_link *lists[] = {&client->ready, &client->held};
    for (unsigned i = 0; i < 2; i++) {
        while (!ph_list_is_empty(lists[i])) {
            struct ph_news *news = PH_CONTAINER(lists[i]->next, struct ph_news, link);
            ph_link_remove(&news->link);
            if (news != &client->spare)
                free(news);
        }
    }
}

/* ---- Telling it ------------------------------------------------------------------------------ */

static void deliver_one(struct porthole *client) {
    struct ph_news *news = PH_CONTAINER(client->ready.next, struct ph_news, link);
    struct ph_record *record = news->record;
    struct porthole_event event = {.size = sizeof event, .type = news->event.type};
    porthole_event_fn *on_event = record->on_event;
    void *user = record->user;
    ph_facts_mapping(&news->event.info, user, &event.mapping);
    client->event_count--;
    if (--record->event_count == 0)
        record->last = NULL;
    if (event.type == PORTHOLE_EVENT_UNMAPPED)
        free_record(client, record);
    free_news(client, news);
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
