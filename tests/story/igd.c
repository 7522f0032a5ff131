/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * igd.c: see igd.h.
 */
#include "tests/story/igd.h"

void igd_init(struct igd *igd) {
    *igd =
        (struct igd){.types = {"WANIPConnection:1"}, .addresses = {"1.2.3.4"}, .http_port = 5000};
}

struct ph_world_options igd_options(struct igd *igd) {
    struct ph_world_options options = story_options(PORTHOLE_USE_UPNP);
    options.script = igd_script;
    options.http = igd_http;
    options.user = igd;
    return options;
}

void igd_script(struct ph_world *world, enum ph_world_port port, const struct ph_endpoint *from,
                const uint8_t *bytes, size_t len) {
    const struct igd *igd = world->options.user;
    struct ph_ssdp_message search;
    (void)from;
    if (port != PH_WORLD_SSDP || ph_ssdp_decode(bytes, len, &search) < 0 ||
        !ph_span_equal(search.target, PH_SPAN(PH_SSDP_TARGET_IGD1)))
        return;
    struct ph_endpoint source = {world->path.gateway, PH_SSDP_PORT};
    if (igd->answers_from.port)
        source = igd->answers_from;
    char host[PH_ENDPOINT_TEXT_SIZE];
    char location[128];
    struct ph_endpoint at = {source.addr, igd->http_port};
    snprintf(location, sizeof location, "http://%s/root.xml", ph_endpoint_format(&at, host));
    story_ssdp_answer(world, &source, PH_SSDP_TARGET_IGD1,
                      igd->location ? igd->location : location);
}

static size_t describe(const struct igd *igd, uint8_t *ret, size_t size) {
    size_t count = 0;
    if (igd->description_body)
        return story_http_answer(igd->description_status ? igd->description_status : 200,
                                 igd->description_body, ret, size);
    while (igd->types[count])
        count++;
    return story_description(igd->types, count, igd->base ? igd->base : "", ret, size);
}

/* The entry of the port and protocol that the request names; NULL = none. For port 0 a free one. */
static struct igd_entry *find_entry(struct igd *igd, unsigned port, bool is_udp) {
    for (unsigned i = 0; i < IGD_ENTRIES_MAX; i++)
        if (igd->entries[i].external_port == port &&
            (port == 0 || igd->entries[i].is_udp == is_udp))
            return &igd->entries[i];
    return NULL;
}

static struct igd_entry *named_entry(struct igd *igd, const struct ph_http_message *request) {
    char protocol[8];
    story_argument_text(request, "NewProtocol", protocol, sizeof protocol);
    return find_entry(igd, story_argument(request, "NewExternalPort"),
                      strcmp(protocol, "UDP") == 0);
}

static size_t tell_entry(struct igd *igd, const struct ph_http_message *request, uint8_t *ret,
                         size_t size) {
    const struct igd_entry *entry = named_entry(igd, request);
    if (igd->has_no_query)
        return story_fault(PH_UPNP_INVALID_ACTION, ret, size);
    if (!entry)
        return story_fault(PH_UPNP_NO_SUCH_ENTRY, ret, size);
    char port[12];
    snprintf(port, sizeof port, "%u", entry->internal_port);
    const struct ph_soap_argument arguments[] = {{"NewInternalPort", port},
                                                 {"NewInternalClient", entry->client}};
    return story_reply("GetSpecificPortMappingEntry", arguments, LENGTH_OF(arguments), ret, size);
}

/* By its place among the entries that are in use. */
static size_t tell_nth_entry(const struct igd *igd, const struct ph_http_message *request,
                             uint8_t *ret, size_t size) {
    unsigned index = story_argument(request, "NewPortMappingIndex");
    for (unsigned i = 0; i < IGD_ENTRIES_MAX; i++) {
        const struct igd_entry *entry = &igd->entries[i];
        if (entry->external_port == 0 || index-- > 0)
            continue;
        char external[12];
        char internal[12];
        snprintf(external, sizeof external, "%u", entry->external_port);
        snprintf(internal, sizeof internal, "%u", entry->internal_port);
        const struct ph_soap_argument arguments[] = {
            {"NewRemoteHost", ""},
            {"NewExternalPort", external},
            {"NewProtocol", entry->is_udp ? "UDP" : "TCP"},
            {"NewInternalPort", internal},
            {"NewInternalClient", entry->client},
        };
        return story_reply("GetGenericPortMappingEntry", arguments, LENGTH_OF(arguments), ret,
                           size);
    }
    return story_fault(PH_UPNP_ARRAY_INDEX_INVALID, ret, size);
}

static size_t delete_mapping(struct igd *igd, const struct ph_http_message *request, uint8_t *ret,
                             size_t size) {
    struct igd_entry *entry = named_entry(igd, request);
    igd->deletes++;
    if (!entry)
        return story_fault(PH_UPNP_NO_SUCH_ENTRY, ret, size);
    entry->external_port = 0;
    return story_reply("DeletePortMapping", NULL, 0, ret, size);
}

static size_t add_mapping(struct igd *igd, const struct ph_http_message *request, uint8_t *ret,
                          size_t size) {
    igd->adds++;
    igd->port = story_argument(request, "NewExternalPort");
    igd->lease_s = story_argument(request, "NewLeaseDuration");
    story_argument_text(request, "NewPortMappingDescription", igd->description,
                        sizeof igd->description);
    if (igd->faults > 0) {
        igd->faults--;
        return story_fault(igd->fault, ret, size);
    }
    struct igd_entry *entry = named_entry(igd, request);
    char protocol[8];
    if (!entry)
        entry = find_entry(igd, 0, false);
    assert_non_null(entry);
    story_argument_text(request, "NewProtocol", protocol, sizeof protocol);
    story_argument_text(request, "NewInternalClient", entry->client, sizeof entry->client);
    entry->external_port = igd->port;
    entry->internal_port = story_argument(request, "NewInternalPort");
    entry->is_udp = strcmp(protocol, "UDP") == 0;
    return story_reply("AddPortMapping", NULL, 0, ret, size);
}

size_t igd_http(struct ph_world *world, const struct ph_endpoint *to,
                const struct ph_http_message *request, uint8_t *ret, size_t size) {
    struct igd *igd = world->options.user;
    if (to->port != igd->http_port)
        return 0;
    if (igd->hangs > 0 && igd->hangs_at == 0) {
        igd->hangs--;
        return PH_WORLD_NO_ANSWER;
    }
    igd->hangs_at -= igd->hangs_at > 0;
    if (ph_span_equal(request->method, PH_SPAN("GET")))
        return describe(igd, ret, size);
    unsigned service = (unsigned)request->target.at[request->target.len - 1] - '0';
    assert_true(service < IGD_SERVICES_MAX);
    igd->service = service;
    if (story_calls(request, "GetExternalIPAddress"))
        return igd->addresses[service] ? story_address_reply(igd->addresses[service], ret, size)
                                       : story_fault(PH_UPNP_ACTION_FAILED, ret, size);
    if (story_calls(request, "GetStatusInfo"))
        return story_fault(PH_UPNP_INVALID_ACTION, ret, size);
    if (igd->action_status)
        return story_http_answer(igd->action_status, igd->action_body, ret, size);
    if (story_calls(request, "DeletePortMapping"))
        return delete_mapping(igd, request, ret, size);
    if (story_calls(request, "GetSpecificPortMappingEntry"))
        return tell_entry(igd, request, ret, size);
    if (story_calls(request, "GetGenericPortMappingEntry"))
        return tell_nth_entry(igd, request, ret, size);
    if (igd->refusals > 0) {
        igd->refusals--;
        return 0;
    }
    assert_true(story_calls(request, "AddPortMapping"));
    return add_mapping(igd, request, ret, size);
}
