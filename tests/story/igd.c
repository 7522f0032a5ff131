/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * igd.c: see igd.h.
 */
#include "tests/story/igd.h"

void igd_init(struct igd *igd) {
    *igd = (struct igd){.types = {"WANIPConnection:1"}, .addresses = {"1.2.3.4"}};
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
    struct ph_endpoint at = {source.addr, IGD_PORT};
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

static size_t add_mapping(struct igd *igd, const struct ph_http_message *request, uint8_t *ret,
                          size_t size) {
    igd->adds++;
    igd->port = story_argument(request, "NewExternalPort");
    igd->lease_s = story_argument(request, "NewLeaseDuration");
    if (igd->faults > 0) {
        igd->faults--;
        return story_fault(igd->fault, ret, size);
    }
    return story_empty_reply("AddPortMapping", ret, size);
}

size_t igd_http(struct ph_world *world, const struct ph_endpoint *to,
                const struct ph_http_message *request, uint8_t *ret, size_t size) {
    struct igd *igd = world->options.user;
    (void)to;
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
    if (story_calls(request, "DeletePortMapping")) {
        igd->deletes++;
        return story_empty_reply("DeletePortMapping", ret, size);
    }
    if (igd->refusals > 0) {
        igd->refusals--;
        return 0;
    }
    if (story_calls(request, "GetSpecificPortMappingEntry"))
        return story_empty_reply("GetSpecificPortMappingEntry", ret, size);
    assert_true(story_calls(request, "AddPortMapping"));
    return add_mapping(igd, request, ret, size);
}
