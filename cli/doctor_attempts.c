/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * doctor_attempts.c: makes a list of attempts out of what a client sends and receives: a request
 * with its repetitions and its answer. It decides nothing and asks nobody; the library's own codecs
 * read the packets. What comes from the network is made printable here.
 */
#include <stdio.h>
#include <string.h>

#include "cli/doctor_parts.h"
#include "wire/igd.h"
#include "wire/natpmp.h"
#include "wire/pcp.h"
#include "wire/soap.h"
#include "wire/ssdp.h"

#define HTTP_OK 200
/* Datagrams of one search go out together. */
#define TOGETHER_MS 2.0
#define RECENT_MS 500.0

/* ---- The list -------------------------------------------------------------------------------- */

static void note_send(struct ph_doctor_attempt *attempt, double at_ms) {
    if (attempt->send_count < PH_DOCTOR_SENDS_MAX)
        attempt->send_ms[attempt->send_count] = at_ms;
    attempt->send_count++;
}

/* NULL: there is no room. */
static struct ph_doctor_attempt *begin_attempt(struct ph_doctor_attempts *list,
                                               enum porthole_method method, uint64_t request,
                                               double at_ms) {
    struct ph_doctor_report *report = list->report;
    if (report->attempt_count == PH_DOCTOR_ATTEMPTS_MAX) {
        report->attempts_left_out++;
        return NULL;
    }
    size_t at = report->attempt_count++;
    struct ph_doctor_attempt *attempt = &report->attempts[at];
    *attempt = (struct ph_doctor_attempt){.method = method,
                                          .start_ms = at_ms,
                                          .end_ms = -1,
                                          .outcome = PH_DOCTOR_OUTCOME_SILENT,
                                          .code = -1,
                                          .is_trial = list->is_trial};
    list->requests[at] = request;
    list->exchanges[at] = 0;
    list->is_open[at] = true;
    note_send(attempt, at_ms);
    return attempt;
}

static size_t index_of(const struct ph_doctor_attempts *list,
                       const struct ph_doctor_attempt *attempt) {
    return (size_t)(attempt - list->report->attempts);
}

/* The newest that may still be answered and has this mark; with mask 0 of any mark. */
static struct ph_doctor_attempt *find_open(const struct ph_doctor_attempts *list,
                                           enum porthole_method method, uint64_t request,
                                           uint64_t mask) {
    for (size_t i = list->report->attempt_count; i-- > 0;) {
        struct ph_doctor_attempt *attempt = &list->report->attempts[i];
        if (list->is_open[i] && attempt->method == method && list->exchanges[i] == 0 &&
            (list->requests[i] & mask) == (request & mask))
            return attempt;
    }
    return NULL;
}

static struct ph_doctor_attempt *find_exchange(const struct ph_doctor_attempts *list,
                                               uint32_t exchange) {
    for (size_t i = 0; i < list->report->attempt_count; i++)
        if (exchange != 0 && list->is_open[i] && list->exchanges[i] == exchange)
            return &list->report->attempts[i];
    return NULL;
}

static void end_attempt(struct ph_doctor_attempts *list, struct ph_doctor_attempt *attempt,
                        enum ph_doctor_outcome outcome, double at_ms) {
    attempt->outcome = outcome;
    attempt->end_ms = at_ms;
    list->is_open[index_of(list, attempt)] = false;
}

static void set_peer(char ret[PH_DOCTOR_ENDPOINT_SIZE], const struct porthole_packet *packet) {
    ph_doctor_format(ret, PH_DOCTOR_ENDPOINT_SIZE, strchr(packet->peer, ':') ? "[%s]:%u" : "%s:%u",
                     packet->peer, packet->port);
}

static const char *protocol_name(unsigned number) {
    return number == PORTHOLE_TCP ? "tcp" : number == PORTHOLE_UDP ? "udp" : "all";
}

/* ---- PCP and NAT-PMP ------------------------------------------------------------------------- */

/* The parts of a mark: the opcode, the internal port, whether it removes, the nonce's beginning. */
#define MARK_OPCODE 0xffULL
#define MARK_PORT 0xffff00ULL
#define MARK_REMOVES (1ULL << 24)
#define MARK_NONCE 0xffffffff00000000ULL

static uint64_t mark_of(unsigned opcode, unsigned port, bool removes, const uint8_t *nonce) {
    uint64_t mark = opcode | (uint64_t)port << 8 | (removes ? MARK_REMOVES : 0);
    for (unsigned i = 0; nonce && i < 4; i++)
        mark |= (uint64_t)nonce[i] << (32 + 8 * i);
    return mark;
}

static void say_lifetime(struct ph_doctor_attempt *attempt, uint32_t lifetime_s) {
    size_t len = strlen(attempt->what);
    if (lifetime_s == 0)
        ph_doctor_format(attempt->what + len, sizeof attempt->what - len, ", remove");
    else
        ph_doctor_format(attempt->what + len, sizeof attempt->what - len, " for %u s", lifetime_s);
}

/* The attempt that this request repeats, or a new one, of which *ret_is_new tells. */
static struct ph_doctor_attempt *sent_again(struct ph_doctor_attempts *list,
                                            enum porthole_method method, uint64_t mark,
                                            const struct porthole_packet *packet, double at_ms,
                                            bool *ret_is_new) {
    struct ph_doctor_attempt *attempt = find_open(list, method, mark, UINT64_MAX);
    *ret_is_new = !attempt;
    if (attempt) {
        note_send(attempt, at_ms);
        return attempt;
    }
    attempt = begin_attempt(list, method, mark, at_ms);
    if (attempt)
        set_peer(attempt->to, packet);
    return attempt;
}

static void see_pcp_request(struct ph_doctor_attempts *list, const struct porthole_packet *packet,
                            double at_ms) {
    struct ph_pcp_request request;
    bool is_new;
    if (ph_pcp_decode_request(packet->bytes, packet->len, &request) < 0)
        return;
    bool is_map = request.opcode == PH_PCP_MAP;
    uint64_t mark = mark_of(request.opcode, request.map.internal_port,
                            is_map && request.lifetime_s == 0, is_map ? request.map.nonce : NULL);
    struct ph_doctor_attempt *attempt =
        sent_again(list, PORTHOLE_PCP, mark, packet, at_ms, &is_new);
    if (!attempt || !is_new)
        return;
    if (!is_map) {
        ph_doctor_format(attempt->what, sizeof attempt->what, "ANNOUNCE");
        return;
    }
    ph_doctor_format(attempt->what, sizeof attempt->what, "MAP %s %u",
                     protocol_name(request.map.protocol), request.map.internal_port);
    say_lifetime(attempt, request.lifetime_s);
}

static void see_natpmp_request(struct ph_doctor_attempts *list,
                               const struct porthole_packet *packet, double at_ms) {
    struct ph_natpmp_request request;
    bool is_new;
    if (ph_natpmp_decode_request(packet->bytes, packet->len, &request) < 0)
        return;
    bool is_map = request.opcode != PH_NATPMP_ADDRESS;
    uint64_t mark = mark_of(request.opcode, is_map ? request.internal_port : 0,
                            is_map && request.lifetime_s == 0, NULL);
    struct ph_doctor_attempt *attempt =
        sent_again(list, PORTHOLE_NATPMP, mark, packet, at_ms, &is_new);
    if (!attempt || !is_new)
        return;
    if (!is_map) {
        ph_doctor_format(attempt->what, sizeof attempt->what, "external address");
        return;
    }
    ph_doctor_format(attempt->what, sizeof attempt->what, "map %s %u",
                     request.opcode == PH_NATPMP_MAP_TCP ? "tcp" : "udp", request.internal_port);
    say_lifetime(attempt, request.lifetime_s);
}

/* What was granted, in words. */
static void say_granted(struct ph_doctor_attempt *attempt, const struct ph_addr *external,
                        uint16_t port, uint32_t lifetime_s, uint32_t epoch_s) {
    char host[PH_ADDR_TEXT_SIZE];
    if (lifetime_s == 0)
        ph_doctor_format(attempt->text, sizeof attempt->text, "removed, epoch %u s", epoch_s);
    else
        ph_doctor_format(
            attempt->text, sizeof attempt->text, "granted %s port %u for %u s, epoch %u s",
            external ? ph_addr_format(external, host) : "external", port, lifetime_s, epoch_s);
}

static void see_pcp_answer(struct ph_doctor_attempts *list, const struct ph_pcp_response *response,
                           const struct porthole_packet *packet, double at_ms) {
    bool is_map = response->opcode == PH_PCP_MAP && response->version != 0;
    bool is_empty = response->map.internal_port == 0;
    uint64_t mark = mark_of(response->opcode, response->map.internal_port,
                            response->lifetime_s == 0, is_map ? response->map.nonce : NULL);
    uint64_t mask = response->version == 0 || is_empty ? 0 : MARK_OPCODE | MARK_PORT | MARK_NONCE;
    /* The lifetime of an error is no removal's. */
    if (mask != 0 && response->result == 0)
        mask |= MARK_REMOVES;
    struct ph_doctor_attempt *attempt = find_open(list, PORTHOLE_PCP, mark, mask);
    if (!attempt)
        return;
    bool is_good = response->result == PH_PCP_SUCCESS;
    attempt->code = response->result;
    set_peer(attempt->from, packet);
    if (!is_good)
        ph_doctor_format(attempt->text, sizeof attempt->text, "%s%s",
                         ph_pcp_result_name(response->result),
                         response->version == 0 ? ", by a NAT-PMP server" : "");
    else if (is_map)
        say_granted(attempt, &response->map.external_addr, response->map.external_port,
                    response->lifetime_s, response->epoch_s);
    else
        ph_doctor_format(attempt->text, sizeof attempt->text, "epoch %u s", response->epoch_s);
    end_attempt(list, attempt, is_good ? PH_DOCTOR_OUTCOME_ANSWERED : PH_DOCTOR_OUTCOME_REFUSED,
                at_ms);
}

static void see_natpmp_answer(struct ph_doctor_attempts *list, const struct porthole_packet *packet,
                              double at_ms) {
    struct ph_natpmp_response response;
    char host[PH_ADDR_TEXT_SIZE];
    if (ph_natpmp_decode_response(packet->bytes, packet->len, &response) < 0)
        return;
    bool is_good = response.result == PH_NATPMP_SUCCESS;
    uint64_t mask = MARK_OPCODE;
    if (response.opcode != PH_NATPMP_ADDRESS && response.internal_port != 0)
        mask |= MARK_PORT | (is_good ? MARK_REMOVES : 0);
    uint64_t mark =
        mark_of(response.opcode, response.internal_port, response.lifetime_s == 0, NULL);
    struct ph_doctor_attempt *attempt = find_open(list, PORTHOLE_NATPMP, mark, mask);
    if (!attempt)
        return;
    attempt->code = response.result;
    set_peer(attempt->from, packet);
    if (!is_good)
        ph_doctor_format(attempt->text, sizeof attempt->text, "%s",
                         ph_natpmp_result_name(response.result));
    else if (response.opcode == PH_NATPMP_ADDRESS)
        ph_doctor_format(attempt->text, sizeof attempt->text, "%s, epoch %u s",
                         ph_addr_format(&response.external_addr, host), response.epoch_s);
    else
        say_granted(attempt, NULL, response.external_port, response.lifetime_s, response.epoch_s);
    end_attempt(list, attempt, is_good ? PH_DOCTOR_OUTCOME_ANSWERED : PH_DOCTOR_OUTCOME_REFUSED,
                at_ms);
}

static void see_control_answer(struct ph_doctor_attempts *list,
                               const struct porthole_packet *packet, double at_ms) {
    struct ph_pcp_response response;
    int used = ph_pcp_decode_response(packet->bytes, packet->len, &response);
    /* A NAT-PMP server's refusal of version 2 looks like one of its own requests; it means PCP's
     * when one waits. */
    if (used > 0 && (response.version != 0 || find_open(list, PORTHOLE_PCP, 0, 0)))
        see_pcp_answer(list, &response, packet, at_ms);
    else
        see_natpmp_answer(list, packet, at_ms);
}

/* An error of the network is not told which request it belongs to. */
static void see_failure(struct ph_doctor_attempts *list, bool is_search, int error, double at_ms) {
    for (size_t i = 0; i < list->report->attempt_count; i++) {
        struct ph_doctor_attempt *attempt = &list->report->attempts[i];
        if (!list->is_open[i] || list->exchanges[i] != 0 ||
            (attempt->method == PORTHOLE_UPNP) != is_search)
            continue;
        ph_doctor_format(attempt->text, sizeof attempt->text, "%s", porthole_strerror(error));
        attempt->outcome =
            error == PORTHOLE_ERR_PORT_CLOSED ? PH_DOCTOR_OUTCOME_CLOSED : PH_DOCTOR_OUTCOME_FAILED;
        attempt->end_ms = at_ms;
        /* The group may still answer what the gateway refused. */
        list->is_open[i] = is_search;
    }
}

/* ---- UPnP: the search ------------------------------------------------------------------------ */

static void see_search(struct ph_doctor_attempts *list, const struct porthole_packet *packet,
                       double at_ms) {
    struct ph_doctor_attempt *attempt = find_open(list, PORTHOLE_UPNP, 0, 0);
    char to[PH_DOCTOR_ENDPOINT_SIZE];
    set_peer(to, packet);
    if (!attempt) {
        attempt = begin_attempt(list, PORTHOLE_UPNP, 0, at_ms);
        if (!attempt)
            return;
        ph_doctor_format(attempt->what, sizeof attempt->what, "M-SEARCH");
        ph_doctor_format(attempt->to, sizeof attempt->to, "%s", to);
        return;
    }
    size_t last =
        attempt->send_count < PH_DOCTOR_SENDS_MAX ? attempt->send_count : PH_DOCTOR_SENDS_MAX;
    if (at_ms - attempt->send_ms[last - 1] > TOGETHER_MS)
        note_send(attempt, at_ms);
    size_t len = strlen(attempt->to);
    if (!strstr(attempt->to, to))
        ph_doctor_format(attempt->to + len, sizeof attempt->to - len, ", %s", to);
}

static struct ph_doctor_device *device_at(struct ph_doctor_report *report, const char *address,
                                          const char *url) {
    for (size_t i = 0; i < report->device_count; i++)
        if (strcmp(report->devices[i].address, address) == 0 &&
            (!url || !*url || strcmp(report->devices[i].url, url) == 0))
            return &report->devices[i];
    return NULL;
}

static void see_search_answer(struct ph_doctor_attempts *list, const struct porthole_packet *packet,
                              double at_ms) {
    struct ph_doctor_report *report = list->report;
    struct ph_ssdp_message message;
    char url[PH_DOCTOR_URL_SIZE];
    if (ph_ssdp_decode(packet->bytes, packet->len, &message) != 0 || message.type != PH_SSDP_ANSWER)
        return;
    /* ssdp:all is answered by printers and televisions too. */
    if (!ph_ssdp_is_gateway(message.target) && !ph_ssdp_is_gateway(message.usn))
        return;
    ph_span_print(message.location, url, sizeof url);
    if (!device_at(report, packet->peer, url) && report->device_count < PH_DOCTOR_DEVICES_MAX) {
        struct ph_doctor_device *device = &report->devices[report->device_count++];
        *device = (struct ph_doctor_device){0};
        memcpy(device->address, packet->peer, sizeof device->address);
        memcpy(device->url, url, sizeof device->url);
        ph_span_print(message.server, device->server, sizeof device->server);
    }
    struct ph_doctor_attempt *attempt = find_open(list, PORTHOLE_UPNP, 0, 0);
    bool is_gateway = strcmp(packet->peer, report->gateway) == 0;
    if (!attempt || (attempt->outcome == PH_DOCTOR_OUTCOME_ANSWERED && !is_gateway))
        return;
    set_peer(attempt->from, packet);
    ph_doctor_format(attempt->text, sizeof attempt->text, "described at %s", url);
    end_attempt(list, attempt, PH_DOCTOR_OUTCOME_ANSWERED, at_ms);
    /* Another router may be quicker; the gateway's answer counts. */
    list->is_open[index_of(list, attempt)] = !is_gateway;
}

/* ---- UPnP: descriptions and actions ---------------------------------------------------------- */

static const char *value_or_dash(const struct ph_soap_message *message, const char *name) {
    const char *value = ph_soap_value(message, name);
    return value && *value ? value : "-";
}

/* The action and what matters of its arguments. */
static void say_action(struct ph_doctor_attempt *attempt, struct ph_span body) {
    struct ph_soap_message message;
    char text[PH_DOCTOR_LINE_SIZE];
    if (ph_soap_decode(body, &message) != 0) {
        ph_doctor_format(attempt->what, sizeof attempt->what, "SOAP");
    } else if (!ph_soap_value(&message, "NewExternalPort")) {
        ph_doctor_format(attempt->what, sizeof attempt->what, "%s", message.action);
    } else {
        const char *lease = ph_soap_value(&message, "NewLeaseDuration");
        bool is_endless = lease && strcmp(lease, "0") == 0;
        ph_doctor_format(text, sizeof text, "%s %s %s%s%s%s", message.action,
                         value_or_dash(&message, "NewProtocol"),
                         value_or_dash(&message, "NewExternalPort"),
                         is_endless ? " without end"
                         : lease    ? " for "
                                    : "",
                         lease && !is_endless ? lease : "", lease && !is_endless ? " s" : "");
        ph_span_print(ph_span_of(text), attempt->what, sizeof attempt->what);
    }
}

static void see_request(struct ph_doctor_attempts *list, const struct porthole_packet *packet,
                        double at_ms) {
    struct ph_doctor_attempt *attempt = begin_attempt(list, PORTHOLE_UPNP, 0, at_ms);
    struct ph_http_reader *reader = ph_http_reader_new(PH_HTTP_REQUEST);
    if (attempt) {
        list->exchanges[index_of(list, attempt)] = packet->exchange;
        set_peer(attempt->to, packet);
        memcpy(list->hosts[index_of(list, attempt)], packet->peer, sizeof list->hosts[0]);
    }
    if (attempt && reader && ph_http_reader_feed(reader, packet->bytes, packet->len) == 1) {
        struct ph_http_message message = ph_http_reader_message(reader);
        char target[PH_DOCTOR_LINE_SIZE];
        ph_span_print(message.target, target, sizeof target);
        if (message.body.len > 0)
            say_action(attempt, message.body);
        else
            ph_doctor_format(attempt->what, sizeof attempt->what, "GET %.240s", target);
    }
    ph_http_reader_free(reader);
}

static void take_description(struct ph_doctor_attempts *list, struct ph_doctor_attempt *attempt,
                             struct ph_span body) {
    struct ph_igd_description description;
    if (ph_igd_parse(body, &description) != 0) {
        ph_doctor_format(attempt->text, sizeof attempt->text, "no device description");
        attempt->outcome = PH_DOCTOR_OUTCOME_REFUSED;
        return;
    }
    ph_doctor_format(attempt->text, sizeof attempt->text, "%s, %s, %u service%s for mappings",
                     description.friendly_name, description.model_name, description.service_count,
                     description.service_count == 1 ? "" : "s");
    /* The request's target is the end of the description's URL. */
    const char *address = list->hosts[index_of(list, attempt)];
    for (size_t i = 0; i < list->report->device_count; i++) {
        struct ph_doctor_device *device = &list->report->devices[i];
        if (strcmp(device->address, address) != 0 || !strstr(device->url, attempt->what + 4))
            continue;
        ph_doctor_format(device->name, sizeof device->name, "%s", description.friendly_name);
        ph_doctor_format(device->maker, sizeof device->maker, "%s", description.manufacturer);
        ph_doctor_format(device->model, sizeof device->model, "%s%s%s", description.model_name,
                         *description.model_number ? " " : "", description.model_number);
        if (description.service_count > 0)
            ph_doctor_format(device->service, sizeof device->service, "WAN%sConnection:%u",
                             description.services[0].kind == PH_IGD_WAN_IP ? "IP" : "PPP",
                             description.services[0].version);
    }
}

static void take_action_reply(struct ph_doctor_attempt *attempt, struct ph_span body) {
    static const char *const told[] = {"NewExternalIPAddress", "NewConnectionStatus",
                                       "NewReservedPort", "NewInternalClient"};
    struct ph_soap_message message;
    if (ph_soap_decode(body, &message) != 0) {
        if (attempt->code == HTTP_OK)
            ph_doctor_format(attempt->text, sizeof attempt->text, "no SOAP answer");
        attempt->outcome = PH_DOCTOR_OUTCOME_REFUSED;
        return;
    }
    if (message.error_code != 0) {
        const char *name = ph_upnp_error_name(message.error_code);
        attempt->code = (int)message.error_code;
        attempt->outcome = PH_DOCTOR_OUTCOME_REFUSED;
        ph_doctor_format(attempt->text, sizeof attempt->text, "%s",
                         name[0] != '?' ? name : message.error_text);
        return;
    }
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        const char *value = ph_soap_value(&message, told[i]);
        if (value)
            ph_span_print(ph_span_of(value), attempt->text, sizeof attempt->text);
    }
}

static void see_reply(struct ph_doctor_attempts *list, const struct porthole_packet *packet,
                      double at_ms) {
    struct ph_doctor_attempt *attempt = find_exchange(list, packet->exchange);
    if (!attempt)
        return;
    struct ph_span body = {packet->bytes, packet->len};
    bool is_get = strncmp(attempt->what, "GET ", 4) == 0;
    memcpy(attempt->from, attempt->to, sizeof attempt->from);
    attempt->code = (int)packet->status;
    end_attempt(list, attempt,
                packet->status == HTTP_OK ? PH_DOCTOR_OUTCOME_ANSWERED : PH_DOCTOR_OUTCOME_REFUSED,
                at_ms);
    if (packet->status != HTTP_OK)
        ph_doctor_format(attempt->text, sizeof attempt->text, "HTTP status %u", packet->status);
    if (!is_get)
        take_action_reply(attempt, body);
    else if (packet->status == HTTP_OK)
        take_description(list, attempt, body);
}

static void see_no_reply(struct ph_doctor_attempts *list, const struct porthole_packet *packet,
                         double at_ms) {
    struct ph_doctor_attempt *attempt = find_exchange(list, packet->exchange);
    if (!attempt)
        return;
    bool is_dropped = packet->type == PORTHOLE_TAP_DROPPED;
    ph_doctor_format(attempt->text, sizeof attempt->text, "%s",
                     is_dropped ? "no longer waited for" : porthole_strerror(packet->error));
    end_attempt(list, attempt,
                is_dropped                                  ? PH_DOCTOR_OUTCOME_DROPPED
                : packet->error == PORTHOLE_ERR_PORT_CLOSED ? PH_DOCTOR_OUTCOME_CLOSED
                : packet->error == PORTHOLE_ERR_TIMEOUT     ? PH_DOCTOR_OUTCOME_SILENT
                                                            : PH_DOCTOR_OUTCOME_FAILED,
                at_ms);
}

/* ---- All of them ----------------------------------------------------------------------------- */

static void see_http(struct ph_doctor_attempts *list, const struct porthole_packet *packet,
                     double at_ms) {
    if (packet->type == PORTHOLE_TAP_SENT)
        see_request(list, packet, at_ms);
    else if (packet->type == PORTHOLE_TAP_RECEIVED)
        see_reply(list, packet, at_ms);
    else
        see_no_reply(list, packet, at_ms);
}

void ph_doctor_attempts_see(struct ph_doctor_attempts *attempts,
                            const struct porthole_packet *packet, double at_ms) {
    bool is_search = packet->channel == PORTHOLE_TAP_SEARCH;
    const uint8_t *bytes = packet->bytes;
    if (packet->channel == PORTHOLE_TAP_UNASKED)
        return;
    if (packet->channel == PORTHOLE_TAP_HTTP) {
        see_http(attempts, packet, at_ms);
    } else if (packet->type == PORTHOLE_TAP_FAILED) {
        see_failure(attempts, is_search, packet->error, at_ms);
    } else if (packet->type == PORTHOLE_TAP_RECEIVED) {
        if (is_search)
            see_search_answer(attempts, packet, at_ms);
        else
            see_control_answer(attempts, packet, at_ms);
    } else if (is_search) {
        see_search(attempts, packet, at_ms);
    } else if (packet->len > 0 && bytes[0] == PH_PCP_VERSION) {
        see_pcp_request(attempts, packet, at_ms);
    } else {
        see_natpmp_request(attempts, packet, at_ms);
    }
}

void ph_doctor_attempts_end(struct ph_doctor_attempts *attempts, double at_ms) {
    struct ph_doctor_report *report = attempts->report;
    for (size_t i = 0; i < report->attempt_count; i++) {
        if (!attempts->is_open[i])
            continue;
        /* What was sent a moment ago may be answered while something else is under way. */
        attempts->is_open[i] = at_ms - report->attempts[i].start_ms < RECENT_MS;
        if (report->attempts[i].end_ms < 0)
            report->attempts[i].end_ms = at_ms;
    }
}
