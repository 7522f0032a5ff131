/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * plum.c: the functions of plum.h, each a few calls of porthole.h. What the user sees of a mapping
 * is kept here and changed by porthole's events, so that a query needs no call. Our lock is never
 * held while porthole or the user is called: either may come back to us.
 */
#define _POSIX_C_SOURCE 200809L
#include <plum/plum.h>
#include <porthole/porthole.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compat/plum_ids.h"
#include "compat/plum_log.h"

enum phase {
    PHASE_ENDED,
    PHASE_STARTING, /* one thread is in porthole_open() */
    PHASE_RUNNING,
    PHASE_ENDING /* one thread waits for `users` to leave, or is in porthole_close() */
};

/* The one instance of a process. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t left; /* users became 0 */
    enum phase phase;
    struct porthole *client;
    unsigned users; /* threads that are in a call of porthole with this client */
    struct ph_plum_ids ids;
} plum = {.lock = PTHREAD_MUTEX_INITIALIZER, .left = PTHREAD_COND_INITIALIZER};

static _Thread_local bool is_in_callback;

static void lock_plum(void) { (void)pthread_mutex_lock(&plum.lock); }

static void unlock_plum(void) { (void)pthread_mutex_unlock(&plum.lock); }

static int unlock_with(int result) {
    unlock_plum();
    return result;
}

/* ---- Starting and ending --------------------------------------------------------------------- */

static int methods_of(plum_protocol_t protocol, unsigned *ret) {
    switch (protocol) {
    case PLUM_PROTOCOL_ANY:
        *ret = PORTHOLE_USE_ALL;
        return PLUM_ERR_SUCCESS;
    case PLUM_PROTOCOL_PCP:
        *ret = PORTHOLE_USE_PCP | PORTHOLE_USE_NATPMP;
        return PLUM_ERR_SUCCESS;
    case PLUM_PROTOCOL_UPNP:
        *ret = PORTHOLE_USE_UPNP;
        return PLUM_ERR_SUCCESS;
    default:
        return PLUM_ERR_INVALID;
    }
}

static int error_of(int result) {
    if (result >= 0)
        return PLUM_ERR_SUCCESS;
    return result == PORTHOLE_ERR_INVALID ? PLUM_ERR_INVALID : PLUM_ERR_FAILED;
}

int plum_init(const plum_config_t *config) {
    struct porthole_config asked = PORTHOLE_CONFIG_INIT;
    struct porthole *client = NULL;
    if (!config || methods_of(config->protocol, &asked.methods) != PLUM_ERR_SUCCESS)
        return PLUM_ERR_INVALID;
    asked.discover_timeout_ms = config->discover_timeout;
    asked.mapping_timeout_ms = config->mapping_timeout;
    asked.recheck_period_ms = config->recheck_period;
    lock_plum();
    if (plum.phase != PHASE_ENDED)
        return unlock_with(PLUM_ERR_FAILED);
    plum.phase = PHASE_STARTING;
    unlock_plum();

    ph_plum_log_init(config, &asked);
    int result = error_of(porthole_open(&asked, &client));

    lock_plum();
    plum.client = client;
    plum.phase = result == PLUM_ERR_SUCCESS ? PHASE_RUNNING : PHASE_ENDED;
    return unlock_with(result);
}

int plum_cleanup(void) {
    if (is_in_callback || ph_plum_log_is_running())
        return PLUM_ERR_FAILED;
    lock_plum();
    if (plum.phase != PHASE_RUNNING)
        return unlock_with(PLUM_ERR_FAILED);
    plum.phase = PHASE_ENDING;
    for (size_t i = 0; i < plum.ids.count; i++)
        plum.ids.entries[i]->state = PLUM_STATE_DESTROYING;
    while (plum.users > 0)
        (void)pthread_cond_wait(&plum.left, &plum.lock);
    struct porthole *client = plum.client;
    unlock_plum();

    (void)porthole_close(client, -1);

    lock_plum();
    plum.client = NULL;
    /* Nothing is left, but in a forked child, where porthole tells no ends. */
    ph_plum_ids_done(&plum.ids);
    plum.phase = PHASE_ENDED;
    return unlock_with(PLUM_ERR_SUCCESS);
}

/* With the lock held: holds off the end of the client. False: it may not be called now. */
static bool enter_client(void) {
    if (plum.phase != PHASE_RUNNING || ph_plum_log_is_running())
        return false;
    plum.users++;
    return true;
}

/* With the lock held. */
static void leave_client(void) {
    if (--plum.users == 0)
        (void)pthread_cond_signal(&plum.left);
}

/* ---- What porthole tells --------------------------------------------------------------------- */

static void take_facts(plum_mapping_t *mapping, const struct porthole_mapping *facts) {
    mapping->mapping_protocol = (plum_mapping_protocol_t)facts->method;
    mapping->external_port = facts->external_port;
    (void)snprintf(mapping->external_host, sizeof mapping->external_host, "%s",
                   facts->external_address);
}

static void drop_facts(plum_mapping_t *mapping) {
    mapping->mapping_protocol = PLUM_MAPPING_PROTOCOL_UNKNOWN;
    mapping->external_port = 0;
    mapping->external_host[0] = '\0';
}

/* Changes what the user sees; whether the user is told. */
static bool take_event(struct ph_plum_entry *entry, const struct porthole_event *event) {
    plum_state_t told = entry->told;
    if (entry->state == PLUM_STATE_DESTROYING && event->type != PORTHOLE_EVENT_UNMAPPED)
        return false;
    switch (event->type) {
    case PORTHOLE_EVENT_PENDING:
        entry->state = PLUM_STATE_PENDING;
        return false;
    case PORTHOLE_EVENT_MAPPED:
    case PORTHOLE_EVENT_CHANGED:
        take_facts(&entry->mapping, &event->mapping);
        entry->state = entry->told = PLUM_STATE_SUCCESS;
        return true;
    case PORTHOLE_EVENT_FAILED:
        drop_facts(&entry->mapping);
        entry->state = entry->told = PLUM_STATE_FAILURE;
        return told != PLUM_STATE_FAILURE; /* for another reason: still a failure */
    case PORTHOLE_EVENT_UNMAPPED:
        entry->state = PLUM_STATE_DESTROYED;
        return true;
    default:
        return false;
    }
}

static void on_event(struct porthole *client, const struct porthole_event *event, void *user) {
    struct ph_plum_entry *entry = user;
    (void)client;
    lock_plum();
    bool is_told = take_event(entry, event) && entry->callback;
    const plum_state_t state = entry->state;
    const plum_mapping_t seen = entry->mapping;
    if (state == PLUM_STATE_DESTROYED)
        ph_plum_ids_remove(&plum.ids, entry->id);
    unlock_plum();

    if (is_told) {
        is_in_callback = true;
        entry->callback(entry->id, state, &seen);
        is_in_callback = false;
    }
    if (state == PLUM_STATE_DESTROYED)
        free(entry);
}

/* ---- Mappings -------------------------------------------------------------------------------- */

static int read_request(const plum_mapping_t *mapping, struct porthole_request *ret) {
    if (!mapping || mapping->internal_port == 0)
        return PLUM_ERR_INVALID;
    if (mapping->protocol != PLUM_IP_PROTOCOL_TCP && mapping->protocol != PLUM_IP_PROTOCOL_UDP)
        return PLUM_ERR_INVALID;
    ret->protocol = mapping->protocol == PLUM_IP_PROTOCOL_TCP ? PORTHOLE_TCP : PORTHOLE_UDP;
    ret->internal_port = mapping->internal_port;
    ret->external_port = mapping->external_port;
    ret->on_event = on_event;
    return PLUM_ERR_SUCCESS;
}

static struct ph_plum_entry *new_entry(const plum_mapping_t *mapping,
                                       plum_mapping_callback_t callback) {
    struct ph_plum_entry *entry = calloc(1, sizeof *entry);
    if (!entry)
        return NULL;
    entry->state = entry->told = PLUM_STATE_PENDING;
    entry->callback = callback;
    entry->mapping.protocol = mapping->protocol;
    entry->mapping.internal_port = mapping->internal_port;
    entry->mapping.user_ptr = mapping->user_ptr;
    return entry;
}

/* With the lock held; gives it back. Callbacks may come before porthole_map() returns, and end the
 * mapping: by then only its id is sure. */
static int map_entry(struct ph_plum_entry *entry, struct porthole_request *request) {
    const int id = entry->id;
    struct porthole *client = plum.client;
    porthole_id handle = 0;
    bool is_unwanted = false;
    request->user = entry;
    unlock_plum();
    int result = porthole_map(client, request, &handle);
    lock_plum();
    struct ph_plum_entry *found = ph_plum_ids_find(&plum.ids, id);
    if (result < 0) {
        ph_plum_ids_remove(&plum.ids, id);
        free(entry);
    } else if (found) {
        found->handle = handle;
        is_unwanted = found->state == PLUM_STATE_DESTROYING;
    }
    unlock_plum();
    if (is_unwanted)
        (void)porthole_unmap(client, handle);
    return result < 0 ? PLUM_ERR_FAILED : id;
}

int plum_create_mapping(const plum_mapping_t *mapping, plum_mapping_callback_t callback) {
    struct porthole_request request = PORTHOLE_REQUEST_INIT;
    lock_plum();
    if (!enter_client())
        return unlock_with(PLUM_ERR_FAILED);
    int result = read_request(mapping, &request);
    struct ph_plum_entry *entry = result == PLUM_ERR_SUCCESS ? new_entry(mapping, callback) : NULL;
    if (entry && ph_plum_ids_add(&plum.ids, entry)) {
        result = map_entry(entry, &request);
        lock_plum();
    } else if (result == PLUM_ERR_SUCCESS) {
        free(entry);
        result = PLUM_ERR_FAILED;
    }
    leave_client();
    return unlock_with(result);
}

/* With the lock held: the mapping of an id that the user gave. */
static int find_entry(int id, struct ph_plum_entry **ret) {
    if (plum.phase != PHASE_RUNNING && plum.phase != PHASE_ENDING)
        return PLUM_ERR_FAILED;
    if (id < 0)
        return PLUM_ERR_INVALID;
    *ret = ph_plum_ids_find(&plum.ids, id);
    return *ret ? PLUM_ERR_SUCCESS : PLUM_ERR_NOT_AVAIL;
}

int plum_query_mapping(int id, plum_state_t *state, plum_mapping_t *mapping) {
    struct ph_plum_entry *entry;
    lock_plum();
    int result = find_entry(id, &entry);
    if (result == PLUM_ERR_SUCCESS && state)
        *state = entry->state;
    if (result == PLUM_ERR_SUCCESS && mapping)
        *mapping = entry->mapping;
    return unlock_with(result);
}

int plum_destroy_mapping(int id) {
    struct ph_plum_entry *entry;
    lock_plum();
    int result = find_entry(id, &entry);
    if (result != PLUM_ERR_SUCCESS || entry->state == PLUM_STATE_DESTROYING)
        return unlock_with(result);
    if (!enter_client())
        return unlock_with(PLUM_ERR_FAILED);
    entry->state = PLUM_STATE_DESTROYING;
    const porthole_id handle = entry->handle;
    struct porthole *client = plum.client;
    unlock_plum();
    if (handle != 0) /* else whoever is creating it sees that it is unwanted */
        (void)porthole_unmap(client, handle);
    lock_plum();
    leave_client();
    return unlock_with(PLUM_ERR_SUCCESS);
}

/* ---- Facts about the network ----------------------------------------------------------------- */

int plum_get_local_address(char *buffer, size_t size) {
    struct porthole_config config = PORTHOLE_CONFIG_INIT;
    struct porthole *client;
    char text[PORTHOLE_ADDRESS_SIZE];
    if (!buffer || size == 0)
        return PLUM_ERR_INVALID;
    /* A client of its own, because libplum answers without being started. It sends nothing. */
    config.flags = PORTHOLE_NO_THREAD;
    int error = porthole_open(&config, &client);
    if (error >= 0) {
        error = porthole_local_address(client, text, sizeof text);
        (void)porthole_close(client, 0);
    }
    if (error == PORTHOLE_ERR_NO_NETWORK || error == PORTHOLE_ERR_NOT_AVAILABLE)
        return PLUM_ERR_NOT_AVAIL;
    if (error < 0 || strlen(text) >= size)
        return PLUM_ERR_FAILED;
    return snprintf(buffer, size, "%s", text);
}

/* ---- Not supported --------------------------------------------------------------------------- */

int plum_get_dummytls_certificate(plum_dummytls_cert_type_t type, char *buffer, size_t size) {
    (void)type;
    (void)buffer;
    (void)size;
    return PLUM_ERR_NOT_AVAIL;
}

int plum_get_dummytls_host(const char *address, char *buffer, size_t size) {
    (void)address;
    (void)buffer;
    (void)size;
    return PLUM_ERR_NOT_AVAIL;
}
