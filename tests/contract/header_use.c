/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * header_use.c: what a program writes with porthole.h and list.h, as C and as C++, old and new:
 * everything that is a macro, and the declarations that differ. header_test.py compiles it in many
 * ways and runs it. Nothing is linked to it.
 */
#include <porthole/list.h>
#include <porthole/porthole.h>
#include <stdio.h>

/* Anywhere where a struct may be initialised. */
static struct porthole_config config = PORTHOLE_CONFIG_INIT;
static const struct porthole_request usual = PORTHOLE_REQUEST_INIT;

struct application {
    struct porthole_mapping mapping;
    porthole_id id;
};

static unsigned events;
static struct porthole_entry entry = PORTHOLE_SIZED_(struct porthole_entry);

static void on_event(struct porthole *client, const struct porthole_event *event, void *user) {
    (void)client;
    (void)user;
    if (event->type == PORTHOLE_EVENT_MAPPED && event->mapping.reach == PORTHOLE_REACH_PUBLIC)
        events++;
}

static void on_log(enum porthole_log_level level, const char *line, void *user) {
    (void)level;
    (void)line;
    (void)user;
}

static size_t use_mapping(void) {
    struct application application = {PORTHOLE_MAPPING_INIT, 0};
    const struct porthole_mapping *mapping = &application.mapping;
    return mapping->id == 0 && !mapping->user && mapping->text[0] == '\0' ? mapping->size : 0;
}

static size_t use_probe(void) {
    struct porthole_probe probe = PORTHOLE_PROBE_INIT;
    return probe.upnp.error == 0 && probe.upnp.url[255] == '\0' ? probe.size : 0;
}

static size_t use_listing(const struct porthole_listing *listing) {
    size_t ours = 0;
    for (size_t i = 0; i < listing->count; i++)
        ours += listing->entries[i]->is_local && listing->entries[i]->id != 0 ? 1 : 0;
    return listing->flags & (PORTHOLE_LIST_CUT | PORTHOLE_LIST_CHANGED) ? 0 : ours;
}

static size_t use_request(void) {
    struct porthole_request request = PORTHOLE_REQUEST_INIT;
    if (request.internal_port != 0 || request.flags != 0 || request.description)
        return 0;
    request = usual;
    request.protocol = PORTHOLE_UDP;
    request.flags = PORTHOLE_EXACT_PORT | PORTHOLE_LEASE;
    request.on_event = on_event;
    return request.size;
}

static int count_errors(void) {
    int count = 0;
#define COUNT(upper, number, name, text) count += PORTHOLE_ERR_##upper == (number) ? 1 : 0;
    PORTHOLE_ERROR_TABLE(COUNT)
#undef COUNT
    return count;
}

static const struct porthole_entry *const entries[] = {&entry};

int main(void) {
    struct porthole_listing listing = PORTHOLE_SIZED_(struct porthole_listing);
    listing.count = 1;
    listing.entries = entries;
    entry.is_local = 1;
    entry.id = 1;
    int good = config.size == sizeof config && !config.gateway && config.flags == 0;
    config.flags = PORTHOLE_NO_THREAD;
    config.methods = PORTHOLE_USE_ALL & ~PORTHOLE_USE_UPNP;
    config.on_log = on_log;
    good = good && config.methods == ((1U << PORTHOLE_PCP) | (1U << PORTHOLE_NATPMP));
    good = good && use_mapping() == sizeof(struct porthole_mapping);
    good = good && use_probe() == sizeof(struct porthole_probe);
    good = good && use_request() == sizeof(struct porthole_request);
    good = good && use_listing(&listing) == 1;
    good = good && count_errors() > 20 && PORTHOLE_ERR_NO_MEMORY < PORTHOLE_ERR_OK;
    good = good && events == 0;
    printf("%s %d.%d.%d\n", PORTHOLE_VERSION, PORTHOLE_VERSION_MAJOR, PORTHOLE_VERSION_MINOR,
           PORTHOLE_VERSION_PATCH);
    return good ? 0 : 1;
}
