/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * upnp_server.c: the gateway's HTTP face: which document or action a request means (UDA 1.1 §2.11
 * and §3.2), and the answer around it. What actions do is in upnp_actions.c. Events are not
 * offered.
 */
#include <stdio.h>
#include <string.h>

#include "gateway/upnp_parts.h"

#define HEAD_SIZE 512U

static const char *reason_of(unsigned status) {
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 413:
        return "Content Too Large";
    case 500:
        return "Internal Server Error";
    case 501:
        return "Not Implemented";
    default:
        return "Service Unavailable";
    }
}

/* Head and body; 0 when it does not fit, which its callers' sizes exclude. */
static size_t write_answer(unsigned status, struct ph_span body, void *ret, size_t size) {
    struct ph_writer w;
    char head[HEAD_SIZE];
    snprintf(head, sizeof head,
             "HTTP/1.1 %u %s\r\n"
             "Server: " PH_GW_UPNP_SERVER_TEXT "\r\n"
             "Content-Type: text/xml; charset=\"utf-8\"\r\n"
             "Content-Length: %lu\r\n"
             "Connection: close\r\n"
             "EXT:\r\n\r\n",
             status, reason_of(status), (unsigned long)body.len);
    ph_writer_init(&w, ret, size);
    ph_write_text(&w, head);
    ph_write_span(&w, body);
    int n = ph_writer_result(&w);
    return n > 0 ? (size_t)n : 0;
}

size_t ph_gw_server_http_refuse(int error, void *ret, size_t size) {
    unsigned status = 400;
    if (error == PORTHOLE_ERR_TOO_LARGE)
        status = 413;
    else if (error == PORTHOLE_ERR_NO_MEMORY)
        status = 503;
    return write_answer(status, (struct ph_span){NULL, 0}, ret, size);
}

/* ---- Actions --------------------------------------------------------------------------------- */

/* Splits SOAPACTION: "urn:schemas-upnp-org:service:NAME:VERSION#ACTION". The type is kept as the
 * client wrote it, because the answer must have the same. */
static bool split_soap_action(struct ph_span head, char ret_type[PH_GW_UPNP_TYPE_SIZE],
                              struct ph_span *ret_action) {
    struct ph_span text;
    bool conflict = false;
    if (!ph_http_find_header(head, PH_SPAN("SOAPACTION"), &text, &conflict) || conflict)
        return false;
    if (text.len >= 2 && text.at[0] == '"' && text.at[text.len - 1] == '"') {
        text.at++;
        text.len -= 2;
    }
    const char *hash = text.len > 0 ? memchr(text.at, '#', text.len) : NULL;
    if (!hash || (size_t)(hash - text.at) >= PH_GW_UPNP_TYPE_SIZE)
        return false;
    ph_span_print((struct ph_span){text.at, (size_t)(hash - text.at)}, ret_type,
                  PH_GW_UPNP_TYPE_SIZE);
    *ret_action = (struct ph_span){hash + 1, text.len - (size_t)(hash + 1 - text.at)};
    return true;
}

/* A service of version 2 answers for version 1 as well. */
static bool offers_type(const struct ph_gw_server *server, size_t service, const char *type) {
    char stem[PH_GW_UPNP_TYPE_SIZE];
    struct ph_span text = ph_span_of(type);
    struct ph_span stem_span = ph_span_of(ph_gw_upnp_service_stem(service, stem));
    uint64_t version;
    unsigned most = ph_gw_upnp_service_version(server, service);
    unsigned least = ph_gw_has(server, PH_GW_QUIRK_V2_ONLY) ? most : 1;
    if (ph_gw_has(server, PH_GW_QUIRK_V1_ACTIONS))
        most = 1;
    if (text.len < stem_span.len || memcmp(text.at, stem_span.at, stem_span.len) != 0)
        return false;
    text.at += stem_span.len;
    text.len -= stem_span.len;
    return ph_span_to_u64(text, most, &version) && version >= least;
}

static const struct ph_gw_upnp_action *find_action(const struct ph_gw_server *server,
                                                   size_t service, struct ph_span name) {
    const struct ph_gw_upnp_service *s = &ph_gw_upnp_services[service];
    for (size_t i = 0; i < s->action_count; i++)
        if (ph_span_equal(name, ph_span_of(s->actions[i].name)) &&
            s->actions[i].version <= ph_gw_upnp_service_version(server, service))
            return &s->actions[i];
    return NULL;
}

static void tell_action(const struct ph_gw_call *call, const char *action, unsigned error) {
    char line[160];
    char name[PH_SOAP_NAME_SIZE];
    char port[8] = "";
    const char *external_port = ph_soap_value(call->in, "NewExternalPort");
    if (!ph_gw_server_tells(call->server))
        return;
    ph_span_print(ph_span_of(action), name, sizeof name);
    if (external_port)
        ph_span_print(ph_span_of(external_port), port, sizeof port);
    snprintf(line, sizeof line, "upnp %s%s%s: %u %s", name, port[0] ? " " : "", port, error,
             error ? ph_upnp_error_name(error) : "OK");
    ph_gw_server_tell(call->server, call->from, line);
}

/* As the router model lays it out. */
static size_t write_xml(const struct ph_gw_server *server, unsigned status, struct ph_span body,
                        void *ret, size_t size) {
    char odd[PH_GW_HTTP_SIZE - HEAD_SIZE];
    if (ph_gw_has(server, PH_GW_QUIRK_ODD_SPACING)) {
        int n = ph_gw_quirk_odd_spacing(body, odd, sizeof odd);
        if (n > 0)
            body = (struct ph_span){odd, (size_t)n};
    }
    return write_answer(status, body, ret, size);
}

/* What an unknown action's fault is for, too: an action that this router model lacks. */
static bool lacks_action(const struct ph_gw_server *server, struct ph_span name) {
    return ph_gw_has(server, PH_GW_QUIRK_NO_READ_BACK) &&
           ph_span_equal(name, PH_SPAN("GetSpecificPortMappingEntry"));
}

static size_t run_action(struct ph_gw_call *call, size_t service,
                         const struct ph_http_message *request, void *ret, size_t size) {
    char body[PH_GW_HTTP_SIZE - HEAD_SIZE];
    char type[PH_GW_UPNP_TYPE_SIZE];
    struct ph_span name;
    const struct ph_gw_upnp_action *action = NULL;
    if (split_soap_action(request->head, type, &name) && offers_type(call->server, service, type) &&
        ph_span_equal(name, ph_span_of(call->in->action)) && !lacks_action(call->server, name))
        action = find_action(call->server, service, name);
    unsigned error = action ? action->run(call) : PH_UPNP_INVALID_ACTION;
    tell_action(call, call->in->action, error);
    if (ph_gw_has(call->server, PH_GW_QUIRK_WRONG_NAMESPACE))
        snprintf(type, sizeof type, "urn:schemas-upnp-org:service:Layer3Forwarding:1");
    int n = error ? ph_soap_encode_fault(error, ph_upnp_error_name(error), body, sizeof body)
                  : ph_soap_encode_reply(type, action->name, call->out, call->out_count, body,
                                         sizeof body);
    if (n < 0)
        return write_answer(500, (struct ph_span){NULL, 0}, ret, size);
    /* UDA 1.1 §3.2.2 and §3.2.5: a fault travels as 500. */
    return write_xml(call->server, error ? 500 : 200, (struct ph_span){body, (size_t)n}, ret, size);
}

/* ---- Requests -------------------------------------------------------------------------------- */

/* A web page that a browser loads can point a name of its own at our address; it cannot do that
 * with an IP literal. So the Host of an honest client is an IP literal. */
static bool is_host_honest(struct ph_span head) {
    struct ph_span host;
    struct ph_addr addr;
    if (!ph_http_find_header(head, PH_SPAN("HOST"), &host, NULL))
        return true;
    if (host.len > 0 && host.at[0] == '[') {
        const char *end = memchr(host.at, ']', host.len);
        if (end)
            host.len = (size_t)(end - host.at) + 1;
    } else {
        const char *colon = host.len > 0 ? memchr(host.at, ':', host.len) : NULL;
        if (colon)
            host.len = (size_t)(colon - host.at);
    }
    return ph_addr_parse(host, &addr);
}

/* Writes the document at a path and returns 200, or 404. */
static unsigned write_document(const struct ph_gw_server *server, struct ph_span target,
                               struct ph_writer *w) {
    if (ph_span_equal(target, PH_SPAN(PH_GW_UPNP_DESCRIPTION_PATH))) {
        ph_gw_upnp_write_description(server, w);
        return 200;
    }
    for (size_t i = 0; i < PH_GW_UPNP_SERVICES; i++)
        if (ph_span_equal(target, ph_span_of(ph_gw_upnp_services[i].scpd_path))) {
            ph_gw_upnp_write_scpd(server, i, w);
            return 200;
        }
    return 404;
}

static size_t answer_get(const struct ph_gw_server *server, const struct ph_endpoint *from,
                         struct ph_span target, void *ret, size_t size) {
    char body[PH_GW_HTTP_SIZE - HEAD_SIZE];
    char line[160];
    char path[100];
    struct ph_writer w;
    ph_writer_init(&w, body, sizeof body);
    unsigned status = write_document(server, target, &w);
    int n = ph_writer_result(&w);
    if (n < 0)
        status = 500;
    if (ph_gw_server_tells(server)) {
        ph_span_print(target, path, sizeof path);
        snprintf(line, sizeof line, "upnp GET %s: %u", path, status);
        ph_gw_server_tell(server, from, line);
    }
    return write_xml(server, status, (struct ph_span){body, n > 0 ? (size_t)n : 0}, ret, size);
}

static size_t answer_post(struct ph_gw_server *server, ph_us now, const struct ph_endpoint *from,
                          const struct ph_http_message *request, void *ret, size_t size) {
    struct ph_soap_message in;
    struct ph_gw_call call = {.server = server, .now = now, .from = from, .in = &in};
    char path[PH_GW_UPNP_PATH_SIZE];
    unsigned status = ph_gw_quirk_refuses_post(server, request);
    if (status)
        return write_answer(status, (struct ph_span){NULL, 0}, ret, size);
    for (size_t i = 0; i < PH_GW_UPNP_SERVICES; i++)
        if (ph_gw_upnp_has_service(server, i) &&
            ph_span_equal(request->target, ph_span_of(ph_gw_upnp_control_path(server, i, path)))) {
            call.service = i;
            if (ph_soap_decode(request->body, &in) < 0 || in.error_code != 0)
                return write_answer(400, (struct ph_span){NULL, 0}, ret, size);
            return run_action(&call, i, request, ret, size);
        }
    return write_answer(404, (struct ph_span){NULL, 0}, ret, size);
}

size_t ph_gw_server_http(struct ph_gw_server *server, ph_us now, const struct ph_endpoint *from,
                         const struct ph_http_message *request, void *ret, size_t size) {
    unsigned status = 405;
    ph_gw_server_tick(server, now);
    if (!is_host_honest(request->head))
        status = 403;
    else if (!server->config.upnp)
        status = 404;
    else if (ph_span_equal(request->method, PH_SPAN("GET")))
        return answer_get(server, from, request->target, ret, size);
    else if (ph_span_equal(request->method, PH_SPAN("POST")))
        return answer_post(server, now, from, request, ret, size);
    else if (ph_span_equal(request->method, PH_SPAN("SUBSCRIBE")))
        status = 501; /* UDA 1.1 §4 has no better word for services without events */
    return write_answer(status, (struct ph_span){NULL, 0}, ret, size);
}
