/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * ssdp_server.c: how the gateway is found by UPnP (UDA 1.1 §1.3): it answers searches for itself,
 * its devices and its services, also in an older version than its own, as §1.3.3 asks, and
 * announces them when it starts and ends. It never answers anything but a search.
 */
#include "wire/ssdp.h"

#include <stdio.h>
#include <string.h>

#include "gateway/upnp_parts.h"

#define MAX_AGE_S 1800U /* UDA 1.1 §1.2.2: at least that much */

struct search {
    const struct ph_gw_server *server;
    struct ph_span target;
    bool is_all;
    const char *notify; /* NULL = answers */
    ph_gw_emit_fn *emit;
    void *user;
    unsigned answers;
};

static void answer_search(struct search *search, const char *target, size_t device) {
    const struct ph_gw_config *config = &search->server->config;
    char uuid[PH_GW_UPNP_UUID_SIZE];
    char usn[PH_GW_UPNP_UUID_SIZE + PH_GW_UPNP_TYPE_SIZE + 8];
    char host[PH_ENDPOINT_TEXT_SIZE];
    char location[PH_ENDPOINT_TEXT_SIZE + 32];
    uint8_t bytes[PH_SSDP_SIZE_MAX];
    struct ph_endpoint at = {config->internal, config->http_port};
    ph_gw_upnp_uuid(search->server, device, uuid);
    /* §1.3.3: the USN of the device itself is the bare uuid. */
    bool is_uuid = strncmp(target, "uuid:", 5) == 0;
    snprintf(usn, sizeof usn, "uuid:%s%s%s", uuid, is_uuid ? "" : "::", is_uuid ? "" : target);
    if (ph_gw_has(search->server, PH_GW_QUIRK_LOOPBACK_LOCATION))
        (void)ph_addr_parse(PH_SPAN("::1"), &at.addr);
    snprintf(location, sizeof location, "http://%s" PH_GW_UPNP_DESCRIPTION_PATH,
             ph_endpoint_format(&at, host));
    struct ph_ssdp_answer answer = {.target = target,
                                    .usn = usn,
                                    .location = location,
                                    .server = PH_GW_UPNP_SERVER_TEXT,
                                    .boot_id = config->boot_id,
                                    .max_age_s = MAX_AGE_S};
    int n = ph_ssdp_encode_answer(&answer, search->notify, bytes, sizeof bytes);
    if (n <= 0)
        return;
    search->emit(search->user, bytes, (size_t)n);
    search->answers++;
}

static void try_name(struct search *search, const char *name, size_t device) {
    if (search->is_all || ph_span_equal(search->target, ph_span_of(name)))
        answer_search(search, name, device);
}

/* A type of ours, in the version that was asked for if we have it. */
static void try_type(struct search *search, const char *stem, unsigned version, size_t device) {
    char type[PH_GW_UPNP_TYPE_SIZE + 4];
    struct ph_span stem_span = ph_span_of(stem);
    uint64_t asked = version;
    if (!search->is_all) {
        struct ph_span target = search->target;
        if (!ph_span_starts_nocase(target, stem_span))
            return;
        target.at += stem_span.len;
        target.len -= stem_span.len;
        if (!ph_span_to_u64(target, version, &asked) || asked == 0)
            return;
    }
    snprintf(type, sizeof type, "%s%u", stem, (unsigned)asked);
    answer_search(search, type, device);
}

static void try_all(struct search *search) {
    const struct ph_gw_server *server = search->server;
    char uuid[PH_GW_UPNP_UUID_SIZE];
    char text[PH_GW_UPNP_TYPE_SIZE];
    try_name(search, "upnp:rootdevice", 0);
    for (size_t i = 0; i < PH_GW_UPNP_DEVICES; i++) {
        snprintf(text, sizeof text, "uuid:%s", ph_gw_upnp_uuid(server, i, uuid));
        try_name(search, text, i);
        try_type(search, ph_gw_upnp_device_stem(i), ph_gw_upnp_device_version(server), i);
        size_t service = ph_gw_upnp_service_in(server, i);
        try_type(search, ph_gw_upnp_service_stem(service, text),
                 ph_gw_upnp_service_version(server, service), i);
    }
}

static void announce_ssdp(void *user, const void *bytes, size_t len) {
    const struct ph_gw_hooks *hooks = user;
    hooks->announce(hooks->user, PH_SSDP_PORT, bytes, len);
}

void ph_gw_ssdp_notify(struct ph_gw_server *server, const char *notify) {
    struct search all = {.server = server,
                         .is_all = true,
                         .notify = notify,
                         .emit = announce_ssdp,
                         .user = &server->config.hooks};
    if (server->config.upnp && server->config.http_port != 0)
        try_all(&all);
}

static void tell_ssdp(const struct search *search, const struct ph_endpoint *from) {
    char target[100];
    char line[160];
    if (!ph_gw_server_tells(search->server))
        return;
    ph_span_print(search->target, target, sizeof target);
    snprintf(line, sizeof line, "upnp search %s: %u answer%s", target, search->answers,
             search->answers == 1 ? "" : "s");
    ph_gw_server_tell(search->server, from, line);
}

void ph_gw_server_ssdp(struct ph_gw_server *server, ph_us now, const struct ph_endpoint *from,
                       const void *bytes, size_t len, ph_gw_emit_fn *emit, void *user) {
    struct ph_ssdp_message message;
    ph_gw_server_tick(server, now);
    if (!server->config.upnp || server->config.http_port == 0 || from->port == 0)
        return;
    if (ph_ssdp_decode(bytes, len, &message) < 0 || message.type != PH_SSDP_SEARCH ||
        ph_gw_quirk_ignores_search(server, (struct ph_span){bytes, len}, message.target))
        return;
    struct search search = {.server = server,
                            .target = message.target,
                            .is_all = ph_span_equal(message.target, PH_SPAN(PH_SSDP_TARGET_ALL)),
                            .emit = emit,
                            .user = user};
    try_all(&search);
    tell_ssdp(&search, from);
}
