/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * story.c: see story.h.
 */
#include "tests/story/story.h"

/* ---- Beginning ------------------------------------------------------------------------------- */

struct ph_world_options story_options(unsigned methods_of_gateway) {
    struct ph_world_options options;
    ph_world_options_init(&options);
    options.pcp = methods_of_gateway & PORTHOLE_USE_PCP;
    options.natpmp = methods_of_gateway & PORTHOLE_USE_NATPMP;
    options.upnp = methods_of_gateway & PORTHOLE_USE_UPNP;
    return options;
}

struct ph_world_options story_quirk_options(unsigned methods_of_gateway, enum ph_gw_quirk quirk) {
    struct ph_world_options options = story_options(methods_of_gateway);
    options.quirks = PH_GW_QUIRK_BIT(quirk);
    return options;
}

porthole_id story_map(struct ph_world *world, unsigned flags) {
    struct ph_map_request request = {.protocol = PORTHOLE_TCP,
                                     .internal_port = STORY_PORT,
                                     .external_port = STORY_PORT,
                                     .flags = flags,
                                     .lifetime_s = 7200};
    porthole_id id;
    assert_int_equal(ph_world_map_request(world, &request, &id), 0);
    return id;
}

struct ph_endpoint story_neighbour(uint16_t port) {
    return (struct ph_endpoint){ph_addr_v4(192, 168, 77, 66), port};
}

struct ph_endpoint story_outsider(uint16_t port) {
    return (struct ph_endpoint){ph_addr_v4(8, 8, 4, 4), port};
}

/* ---- What became of it ----------------------------------------------------------------------- */

void story_assert_mapped(struct ph_world *world, porthole_id id, enum porthole_method method,
                         uint16_t external_port) {
    struct ph_mapping_info info = ph_world_query(world, id);
    assert_int_equal(info.state, PORTHOLE_SUCCESS);
    assert_int_equal(info.method, method);
    assert_int_equal(info.external.port, external_port);
    assert_true(ph_addr_equal(&info.external.addr, &world->server_config.external));
    assert_int_equal(info.error, 0);
}

void story_assert_failed(struct ph_world *world, porthole_id id, int error, enum porthole_method by,
                         int code) {
    struct ph_mapping_info info = ph_world_query(world, id);
    assert_int_equal(info.state, PORTHOLE_FAILURE);
    assert_string_equal(porthole_errname(info.error), porthole_errname(error));
    assert_int_equal(info.error_method, by);
    assert_int_equal(info.code, code);
}

ph_us story_event_time(const struct ph_world *world, porthole_id id,
                       enum porthole_event_type type) {
    for (size_t i = 0; i < world->event_count; i++)
        if (world->events[i].info.id == id && world->events[i].type == type)
            return world->event_times[i] - world->started;
    return PH_NEVER;
}

void story_assert_unmapped(struct ph_world *world, porthole_id id, enum porthole_fate fate) {
    const struct ph_event *last = NULL;
    for (size_t i = 0; i < world->event_count; i++)
        if (world->events[i].info.id == id)
            last = &world->events[i];
    assert_non_null(last);
    assert_int_equal(last->type, PORTHOLE_EVENT_UNMAPPED);
    assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_UNMAPPED), 1);
    assert_string_equal(porthole_fate_name(last->info.fate), porthole_fate_name(fate));
    assert_int_equal(ph_world_query(world, id).state, PORTHOLE_DESTROYED);
}

void story_assert_trace(const struct ph_world *world, size_t from, const char *text) {
    assert_string_equal(world->trace + from, text);
}

/* ---- What was sent --------------------------------------------------------------------------- */

static const struct ph_world_sent *control_sent(const struct ph_world *world, uint8_t version,
                                                uint8_t opcode, unsigned n) {
    for (size_t i = 0; i < world->sent_count; i++) {
        const struct ph_world_sent *sent = &world->sent[i];
        if (sent->port == PH_WORLD_CONTROL && sent->bytes[0] == version &&
            sent->bytes[1] == opcode && n-- == 0)
            return sent;
    }
    return NULL;
}

static unsigned control_count(const struct ph_world *world, uint8_t version, uint8_t opcode) {
    unsigned count = 0;
    while (control_sent(world, version, opcode, count))
        count++;
    return count;
}

const struct ph_world_sent *story_pcp_sent(const struct ph_world *world, unsigned n) {
    return control_sent(world, PH_PCP_VERSION, PH_PCP_MAP, n);
}

unsigned story_pcp_count(const struct ph_world *world) {
    return control_count(world, PH_PCP_VERSION, PH_PCP_MAP);
}

const struct ph_world_sent *story_natpmp_sent(const struct ph_world *world, uint8_t opcode,
                                              unsigned n) {
    return control_sent(world, PH_NATPMP_VERSION, opcode, n);
}

unsigned story_natpmp_count(const struct ph_world *world, uint8_t opcode) {
    return control_count(world, PH_NATPMP_VERSION, opcode);
}

const struct ph_world_sent *story_http_sent(const struct ph_world *world, const char *text,
                                            unsigned n) {
    for (size_t i = 0; i < world->sent_count; i++)
        if (world->sent[i].port == PH_WORLD_HTTP &&
            strstr((const char *)world->sent[i].bytes, text) && n-- == 0)
            return &world->sent[i];
    return NULL;
}

unsigned story_http_count(const struct ph_world *world, const char *text) {
    unsigned count = 0;
    while (story_http_sent(world, text, count))
        count++;
    return count;
}

/* ---- A router's answers ---------------------------------------------------------------------- */

bool story_is_pcp(enum ph_world_port port, const uint8_t *bytes, size_t len,
                  struct ph_pcp_request *ret) {
    return port == PH_WORLD_CONTROL && ph_pcp_decode_request(bytes, len, ret) > 0 &&
           ret->version == PH_PCP_VERSION;
}

bool story_is_natpmp(enum ph_world_port port, const uint8_t *bytes, size_t len,
                     struct ph_natpmp_request *ret) {
    return port == PH_WORLD_CONTROL && ph_natpmp_decode_request(bytes, len, ret) > 0 &&
           ret->version == PH_NATPMP_VERSION;
}

/* The gateway's clock, which has run since the world began. */
static uint32_t epoch_s(const struct ph_world *world) {
    return (uint32_t)((world->now - world->started) / PH_SECONDS(1));
}

void story_pcp_answer(struct ph_world *world, const struct ph_pcp_request *request,
                      enum ph_pcp_result result, uint32_t lifetime_s,
                      const struct ph_endpoint *external) {
    struct ph_pcp_response response = {.version = PH_PCP_VERSION,
                                       .opcode = request->opcode,
                                       .result = (uint8_t)result,
                                       .lifetime_s = lifetime_s,
                                       .epoch_s = epoch_s(world),
                                       .map = request->map};
    struct ph_endpoint from = {world->path.gateway, PH_PCP_PORT};
    uint8_t bytes[PH_PCP_SIZE_MAX];
    response.map.external_addr = external->addr;
    response.map.external_port = external->port;
    int len = ph_pcp_encode_response(&response, bytes, sizeof bytes);
    assert_true(len > 0);
    ph_world_answer(world, PH_WORLD_CONTROL, &from, bytes, (size_t)len);
}

void story_pcp_script(struct ph_world *world, enum ph_world_port port,
                      const struct ph_endpoint *from, const uint8_t *bytes, size_t len) {
    const struct story_pcp_reply *reply = world->options.user;
    struct ph_pcp_request request;
    if (story_is_pcp(port, bytes, len, &request) && request.map.internal_port == STORY_PORT)
        story_pcp_answer(world, &request, reply->result, request.lifetime_s, &reply->external);
    else
        ph_world_serve(world, port, from, bytes, len);
}

void story_natpmp_answer(struct ph_world *world, const struct ph_natpmp_response *response) {
    struct ph_endpoint from = {world->path.gateway, PH_PCP_PORT};
    uint8_t bytes[PH_NATPMP_SIZE_MAX];
    struct ph_natpmp_response timed = *response;
    timed.epoch_s = epoch_s(world);
    int len = ph_natpmp_encode_response(&timed, bytes, sizeof bytes);
    assert_true(len > 0);
    ph_world_answer(world, PH_WORLD_CONTROL, &from, bytes, (size_t)len);
}

void story_ssdp_answer(struct ph_world *world, const struct ph_endpoint *from, const char *target,
                       const char *location) {
    char usn[128];
    uint8_t bytes[PH_SSDP_SIZE_MAX];
    snprintf(usn, sizeof usn, "uuid:11111111-2222-3333-4444-555555555555::%s", target);
    struct ph_ssdp_answer answer = {.target = target,
                                    .usn = usn,
                                    .location = location,
                                    .server = "router/1.0",
                                    .max_age_s = 1800};
    int len = ph_ssdp_encode_answer(&answer, NULL, bytes, sizeof bytes);
    assert_true(len > 0);
    ph_world_answer(world, PH_WORLD_SSDP, from, bytes, (size_t)len);
}

size_t story_http_answer(unsigned status, const char *body, uint8_t *ret, size_t size) {
    int n = snprintf((char *)ret, size,
                     "HTTP/1.1 %u Whatever\r\nContent-Type: text/xml\r\nContent-Length: %u\r\n\r\n"
                     "%s",
                     status, (unsigned)strlen(body), body);
    assert_true(n > 0 && (size_t)n < size);
    return (size_t)n;
}

size_t story_description(const char *const *types, size_t count, const char *base, uint8_t *ret,
                         size_t size) {
    char body[8192];
    int n = snprintf(body, sizeof body,
                     "<?xml version=\"1.0\"?><root xmlns=\"urn:schemas-upnp-org:device-1-0\">"
                     "<device><friendlyName>router</friendlyName><serviceList>");
    for (size_t i = 0; i < count; i++)
        n += snprintf(body + n, sizeof body - (size_t)n,
                      "<service><serviceType>urn:schemas-upnp-org:service:%s</serviceType>"
                      "<controlURL>%s/ctl/%u</controlURL></service>",
                      types[i], base, (unsigned)i);
    snprintf(body + n, sizeof body - (size_t)n, "</serviceList></device></root>");
    return story_http_answer(200, body, ret, size);
}

static size_t soap_answer(unsigned status, const char *body, int len, uint8_t *ret, size_t size) {
    char text[PH_SOAP_BODY_SIZE + 1];
    assert_true(len > 0 && (size_t)len < sizeof text);
    memcpy(text, body, (size_t)len);
    text[len] = '\0';
    return story_http_answer(status, text, ret, size);
}

size_t story_fault(unsigned code, uint8_t *ret, size_t size) {
    char body[PH_SOAP_BODY_SIZE];
    int len = ph_soap_encode_fault(code, ph_upnp_error_name(code), body, sizeof body);
    return soap_answer(500, body, len, ret, size);
}

#define ANY_TYPE "urn:schemas-upnp-org:service:WANIPConnection:1"

size_t story_reply(const char *action, const struct ph_soap_argument *arguments, size_t count,
                   uint8_t *ret, size_t size) {
    char body[PH_SOAP_BODY_SIZE];
    int len = ph_soap_encode_reply(ANY_TYPE, action, arguments, count, body, sizeof body);
    return soap_answer(200, body, len, ret, size);
}

size_t story_address_reply(const char *address, uint8_t *ret, size_t size) {
    struct ph_soap_argument argument = {"NewExternalIPAddress", address};
    return story_reply("GetExternalIPAddress", &argument, 1, ret, size);
}

bool story_calls(const struct ph_http_message *request, const char *action) {
    static struct ph_soap_message in;
    return ph_soap_decode(request->body, &in) == 0 && strcmp(in.action, action) == 0;
}

void story_argument_text(const struct ph_http_message *request, const char *name, char *ret,
                         size_t size) {
    static struct ph_soap_message in;
    const char *value = ph_soap_decode(request->body, &in) == 0 ? ph_soap_value(&in, name) : NULL;
    ph_span_print(ph_span_of(value), ret, size);
}

unsigned story_argument(const struct ph_http_message *request, const char *name) {
    char text[16];
    story_argument_text(request, name, text, sizeof text);
    return (unsigned)strtoul(text, NULL, 10);
}
