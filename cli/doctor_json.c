/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * doctor_json.c: the report for machines: one object. The names of its members are listed in
 * porthole-doctor(1) and do not change; what is not known is null.
 */
#include <jansson.h>
#include <string.h>

#include "cli/doctor.h"
#include "cli/exitcode.h"
#include "cli/output.h"

/* ---- Parts ----------------------------------------------------------------------------------- */

static json_t *address_json(const struct ph_doctor_address *address) {
    if (!*address->text)
        return json_null();
    return json_pack("{s:s, s:s}", "address", address->text, "reach",
                     porthole_reach_name(address->reach));
}

static json_t *interface_json(const struct ph_doctor_interface *one) {
    json_t *addresses = json_array();
    for (size_t i = 0; i < one->address_count; i++)
        (void)json_array_append_new(
            addresses, json_pack("{s:s, s:I, s:s}", "address", one->addresses[i].text, "prefix",
                                 (json_int_t)one->addresses[i].prefix, "reach",
                                 porthole_reach_name(one->addresses[i].reach)));
    return json_pack("{s:s, s:s, s:o, s:o, s:I, s:b, s:b, s:o}", "name", one->name, "link",
                     ph_doctor_link_name(one->link), "kind", ph_output_text(one->kind), "mac",
                     ph_output_text(one->mac), "mtu", (json_int_t)one->mtu, "up", one->is_up,
                     "running", one->is_running, "addresses", addresses);
}

static json_t *route_json(const struct ph_doctor_route *route) {
    return json_pack("{s:s, s:o, s:o, s:I}", "destination", route->destination, "gateway",
                     ph_output_text(route->gateway), "interface", ph_output_text(route->interface),
                     "metric", (json_int_t)route->metric);
}

static json_t *neighbour_json(const struct ph_doctor_neighbour *one) {
    return json_pack("{s:s, s:o, s:o, s:b, s:b}", "address", one->address, "interface",
                     ph_output_text(one->interface), "mac", ph_output_text(one->mac), "gateway",
                     one->is_gateway, "resolved", one->is_resolved);
}

static json_t *way_json(const struct ph_doctor_way *way) {
    if (!way->is_there)
        return json_null();
    return json_pack("{s:o, s:o, s:o, s:s}", "gateway", ph_output_text(way->gateway), "interface",
                     ph_output_text(way->interface), "source", ph_output_text(way->source), "link",
                     ph_doctor_link_name(way->link));
}

static json_t *filter_json(const struct ph_doctor_filter *filter) {
    return json_pack("{s:s, s:o}", "effect", ph_doctor_effect_name(filter->effect), "rule",
                     ph_output_text(filter->rule));
}

static json_t *firewall_json(const struct ph_doctor_firewall *firewall) {
    json_t *port = firewall->port ? json_integer(firewall->port) : json_null();
    return json_pack(
        "{s:b, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o}", "read", firewall->is_read, "what",
        ph_output_text(firewall->what), "hint", ph_output_text(firewall->hint), "port", port,
        "answers", filter_json(&firewall->answers), "strays", filter_json(&firewall->strays),
        "dropped_answers", (json_int_t)firewall->dropped_answers, "inbound_tcp",
        filter_json(&firewall->inbound_tcp), "inbound_udp", filter_json(&firewall->inbound_udp));
}

static json_t *number_or_null(int number, bool is_known) {
    return is_known ? json_integer(number) : json_null();
}

static json_t *trial_json(const struct ph_doctor_method *method) {
    if (!method->is_tried)
        return json_null();
    bool is_open = method->trial_error == 0;
    json_t *external = json_null(), *lifetime = json_null();
    if (is_open) {
        external =
            json_pack("{s:o, s:s, s:i}", "address", ph_output_text(method->trial_external.text),
                      "reach", porthole_reach_name(method->trial_external.reach), "port",
                      (int)method->trial_external_port);
        lifetime = json_integer((json_int_t)method->trial_lifetime_s);
    }
    return json_pack("{s:b, s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:s}", "opened", is_open,
                     "protocol", porthole_protocol_name(method->trial_protocol), "internal_port",
                     (int)method->trial_internal_port, "external", external, "lifetime_s", lifetime,
                     "error", ph_output_text(is_open ? "" : porthole_errname(method->trial_error)),
                     "code", number_or_null(method->trial_code, method->trial_code != 0), "text",
                     ph_output_text(method->trial_text), "elapsed_ms",
                     ph_output_ms(method->trial_ms), "fate",
                     porthole_fate_name(method->trial_fate));
}

static json_t *method_json(const struct ph_doctor_method *method) {
    bool is_answered = method->is_asked && method->error == 0;
    bool is_failed = method->is_asked && method->error != 0;
    return json_pack(
        "{s:s, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "via",
        porthole_method_name(method->method), "asked", method->is_asked, "answered", is_answered,
        "error", ph_output_text(is_failed ? porthole_errname(method->error) : ""), "code",
        number_or_null(method->code, method->code != 0), "text", ph_output_text(method->text),
        "rtt_ms", is_answered ? ph_output_ms(method->rtt_ms) : json_null(), "external",
        address_json(&method->external), "epoch_s",
        method->has_epoch ? json_integer((json_int_t)method->epoch_s) : json_null(), "trial",
        trial_json(method));
}

static json_t *device_json(const struct ph_doctor_device *device) {
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:b}", "address", device->address,
                     "url", ph_output_text(device->url), "server", ph_output_text(device->server),
                     "name", ph_output_text(device->name), "maker", ph_output_text(device->maker),
                     "model", ph_output_text(device->model), "service",
                     ph_output_text(device->service), "gateway", device->is_gateway, "used",
                     device->is_used);
}

static json_t *attempt_json(const struct ph_doctor_attempt *one) {
    json_t *sent = json_array();
    for (size_t i = 0; i < one->send_count && i < PH_DOCTOR_SENDS_MAX; i++)
        (void)json_array_append_new(sent, ph_output_ms(one->send_ms[i]));
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:I, s:s, s:o, s:o, s:b}", "via",
                     porthole_method_name(one->method), "what", one->what, "to", one->to, "from",
                     ph_output_text(one->from), "start_ms", ph_output_ms(one->start_ms), "end_ms",
                     ph_output_ms(one->end_ms), "sent_ms", sent, "sent",
                     (json_int_t)one->send_count, "outcome", ph_doctor_outcome_name(one->outcome),
                     "code", number_or_null(one->code, one->code >= 0), "text",
                     ph_output_text(one->text), "trial", one->is_trial);
}

static json_t *hop_json(const struct ph_doctor_hop *hop) {
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "kind",
                     ph_doctor_hop_kind_name(hop->kind), "state",
                     ph_doctor_hop_state_name(hop->state), "label", hop->label, "name",
                     ph_output_text(hop->name), "inside", ph_output_text(hop->inside), "outside",
                     ph_output_text(hop->outside), "note", ph_output_text(hop->note));
}

/* ---- Lists ----------------------------------------------------------------------------------- */

/* Of `count` things of one kind, each by its function. */
#define LIST(name, type, function)                                                                 \
    static json_t *name(const type *things, size_t count) {                                        \
        json_t *list = json_array();                                                               \
        for (size_t i = 0; i < count; i++)                                                         \
            (void)json_array_append_new(list, function(&things[i]));                               \
        return list;                                                                               \
    }
LIST(interfaces_json, struct ph_doctor_interface, interface_json)
LIST(routes_json, struct ph_doctor_route, route_json)
LIST(neighbours_json, struct ph_doctor_neighbour, neighbour_json)
LIST(methods_json, struct ph_doctor_method, method_json)
LIST(devices_json, struct ph_doctor_device, device_json)
LIST(attempts_json, struct ph_doctor_attempt, attempt_json)
LIST(hops_json, struct ph_doctor_hop, hop_json)

static json_t *lines_json(const char (*lines)[PH_DOCTOR_LINE_SIZE], size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(list, json_string(lines[i]));
    return list;
}

/* ---- All of it ------------------------------------------------------------------------------- */

static json_t *verdict_json(const struct ph_doctor_report *report) {
    return json_pack("{s:s, s:s, s:b, s:i, s:s, s:o, s:o, s:o}", "verdict",
                     ph_doctor_verdict_name(report->verdict), "title",
                     ph_doctor_verdict_title(report->verdict), "good",
                     ph_doctor_is_good(report->verdict), "exit_code",
                     ph_doctor_exitcode(report->verdict), "reason", report->reason, "advice",
                     lines_json(report->advice, report->advice_count), "notes",
                     lines_json(report->notes, report->note_count), "path",
                     hops_json(report->hops, report->hop_count));
}

static json_t *facts_json(const struct ph_doctor_report *report) {
    return json_pack(
        "{s:s, s:o, s:o, s:s, s:o, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
        "s:I}",
        "version", report->version, "system", ph_output_text(report->system), "host",
        ph_output_text(report->host), "begun", report->begun, "elapsed_ms",
        ph_output_ms(report->elapsed_ms), "redacted", report->is_redacted, "map_allowed",
        report->is_map_allowed, "interfaces",
        interfaces_json(report->interfaces, report->interface_count), "routes",
        routes_json(report->routes, report->route_count), "neighbours",
        neighbours_json(report->neighbours, report->neighbour_count), "internet",
        way_json(&report->way), "firewall", firewall_json(&report->firewall), "gateway",
        ph_output_text(report->gateway), "local", address_json(&report->local), "protocols",
        methods_json(report->methods, PH_DOCTOR_METHODS), "devices",
        devices_json(report->devices, report->device_count), "attempts",
        attempts_json(report->attempts, report->attempt_count), "attempts_left_out",
        (json_int_t)report->attempts_left_out);
}

void ph_doctor_print_json(const struct ph_doctor_report *report) {
    json_t *object = verdict_json(report), *facts = facts_json(report);
    if (!object || !facts || json_object_update(object, facts) != 0) {
        json_decref(object);
        object = NULL; /* counts as a failed write */
    }
    json_decref(facts);
    ph_output_json(object);
}
