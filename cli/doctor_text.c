/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * doctor_text.c: the report for people: the verdict and what to do first, then the path, then every
 * fact, for whoever has to look closer. Sentences are wrapped; tables are not.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/doctor.h"
#include "cli/exitcode.h"
#include "cli/output.h"

#define WIDTH 80U

/* ---- Lines ----------------------------------------------------------------------------------- */

/* Sentences after `lead`, later lines as far in as that is long. */
static void print_wrapped(const char *lead, const char *text) {
    size_t indent = strlen(lead), room = WIDTH - 1 - indent;
    const char *at = text;
    bool is_first = true;
    while (is_first || *at) {
        size_t len = strlen(at);
        if (len > room) {
            len = room;
            while (len > 0 && at[len] != ' ')
                len--;
            if (len == 0)
                len = strcspn(at, " ");
        }
        ph_output_line("%*s%.*s", (int)indent, is_first ? lead : "", (int)len, at);
        is_first = false;
        at += len;
        while (*at == ' ')
            at++;
    }
}

static const char *or_dash(const char *text) { return *text ? text : "-"; }

static void print_head(const char *title) {
    ph_output_line("%s", "");
    ph_output_line("%s", title);
}

/* ---- What matters most ----------------------------------------------------------------------- */

static void print_verdict(const struct ph_doctor_report *report) {
    print_wrapped("", ph_doctor_verdict_title(report->verdict));
    ph_output_line("%s", "");
    print_wrapped("  Why   ", report->reason);
    for (size_t i = 0; i < report->advice_count; i++)
        print_wrapped(i == 0 ? "  Next  - " : "        - ", report->advice[i]);
    for (size_t i = 0; i < report->note_count; i++)
        print_wrapped(i == 0 ? "  Also  - " : "        - ", report->notes[i]);
}

static void print_path(const struct ph_doctor_report *report) {
    static const char *const marks[] = {"ok", "X", "?"};
    print_head("The path");
    for (size_t i = 0; i < report->hop_count; i++) {
        const struct ph_doctor_hop *hop = &report->hops[i];
        char where[2 * PORTHOLE_ADDRESS_SIZE + 8];
        (void)snprintf(where, sizeof where, "%s%s%s", hop->inside,
                       *hop->inside && *hop->outside ? " | " : "", hop->outside);
        if (i > 0)
            ph_output_line("       |");
        bool is_more = *hop->name || *hop->note;
        ph_output_line("  [%2s] %-*s%-*s%s%s%s", marks[hop->state], *where || is_more ? 15 : 0,
                       hop->label, is_more ? 34 : 0, where, hop->name,
                       *hop->name && *hop->note ? ": " : "", hop->note);
    }
}

/* ---- This host ------------------------------------------------------------------------------- */

static void print_interface(const struct ph_doctor_interface *one) {
    if (!one->is_up && one->address_count == 0)
        return; /* of no use to anybody */
    ph_output_line("  %-12s %s%s%s%s, %s, mtu %u%s%s", one->name, ph_doctor_link_name(one->link),
                   *one->kind ? " (" : "", one->kind, *one->kind ? ")" : "",
                   !one->is_up       ? "down"
                   : one->is_running ? "up"
                                     : "up, but not connected",
                   one->mtu, *one->mac ? ", " : "", one->mac);
    for (size_t i = 0; i < one->address_count; i++)
        ph_output_line("  %-12s %s/%u (%s)", "", one->addresses[i].text, one->addresses[i].prefix,
                       porthole_reach_name(one->addresses[i].reach));
}

static void print_routes(const struct ph_doctor_report *report) {
    print_head("Routes");
    for (size_t i = 0; i < report->route_count; i++) {
        const struct ph_doctor_route *route = &report->routes[i];
        ph_output_line("  %-14s via %s on %s, metric %u", route->destination,
                       *route->gateway ? route->gateway : "the link", or_dash(route->interface),
                       route->metric);
    }
    if (report->way.is_there)
        ph_output_line("  packets to the Internet leave by %s, from %s, via %s",
                       or_dash(report->way.interface), or_dash(report->way.source),
                       *report->way.gateway ? report->way.gateway : "the link");
    else
        ph_output_line("  there is no way to the Internet");
    for (size_t i = 0; i < report->neighbour_count; i++) {
        const struct ph_doctor_neighbour *one = &report->neighbours[i];
        ph_output_line("  neighbour %s on %s: %s%s", one->address, or_dash(one->interface),
                       one->is_resolved ? or_dash(one->mac) : "does not answer",
                       one->is_gateway ? ", the gateway" : "");
    }
}

static void print_filter(const char *what, const struct ph_doctor_filter *filter) {
    ph_output_line("  %-38s %s%s%s", what, ph_doctor_effect_name(filter->effect),
                   *filter->rule ? ": " : "", filter->rule);
}

static void print_inbound(const struct ph_doctor_firewall *firewall, const char *protocol,
                          const struct ph_doctor_filter *filter) {
    char what[64];
    if (firewall->port)
        (void)snprintf(what, sizeof what, "%s from outside to port %u", protocol, firewall->port);
    else
        (void)snprintf(what, sizeof what, "%s from outside to any port", protocol);
    print_filter(what, filter);
}

static void print_firewall(const struct ph_doctor_firewall *firewall) {
    print_head("This host's firewall");
    ph_output_line("  %s%s%s", firewall->what, *firewall->hint ? "; " : "", firewall->hint);
    if (firewall->dropped_answers > 0)
        ph_output_line("  %-38s %u", "UPnP answers that came this far only",
                       firewall->dropped_answers);
    if (!firewall->is_read)
        return;
    print_filter("answers of the router", &firewall->answers);
    print_filter("answers from another port than asked", &firewall->strays);
    if (firewall->is_tcp_wanted)
        print_inbound(firewall, "TCP", &firewall->inbound_tcp);
    if (firewall->is_udp_wanted)
        print_inbound(firewall, "UDP", &firewall->inbound_udp);
}

static void print_host(const struct ph_doctor_report *report) {
    print_head("This host");
    ph_output_line("  %s, %s, porthole %s, %s", or_dash(report->host), or_dash(report->system),
                   report->version, report->begun);
    for (size_t i = 0; i < report->interface_count; i++)
        print_interface(&report->interfaces[i]);
    print_routes(report);
    print_firewall(&report->firewall);
}

/* ---- Protocols ------------------------------------------------------------------------------- */

static void print_trial(const struct ph_doctor_method *method) {
    char endpoint[PH_OUTPUT_ENDPOINT_SIZE], reason[PH_OUTPUT_REASON_SIZE], lease[32];
    if (method->trial_error != 0) {
        ph_output_line(
            "  %-8s trial   %s port %u, not opened, after %.1f ms: %s", "",
            porthole_protocol_name(method->trial_protocol), method->trial_internal_port,
            method->trial_ms,
            ph_output_reason(method->trial_error, method->trial_code, method->trial_text, reason));
        return;
    }
    (void)snprintf(lease, sizeof lease, method->trial_lifetime_s ? "for %u s" : "without end",
                   method->trial_lifetime_s);
    ph_output_line(
        "  %-8s trial   %s port %u opened as %s %s, after %.1f ms; %s", "",
        porthole_protocol_name(method->trial_protocol), method->trial_internal_port,
        ph_output_endpoint(method->trial_external.text, method->trial_external_port, endpoint),
        lease, method->trial_ms, porthole_fate_name(method->trial_fate));
}

static void print_method(const struct ph_doctor_method *method) {
    const char *name = ph_output_method(method->method);
    char reason[PH_OUTPUT_REASON_SIZE], epoch[48] = "";
    if (!method->is_asked) {
        ph_output_line("  %-8s not asked", name);
    } else if (method->error != 0) {
        ph_output_line("  %-8s no      %s", name,
                       ph_output_reason(method->error, method->code, method->text, reason));
    } else {
        bool is_told = *method->external.text != '\0';
        if (method->has_epoch)
            (void)snprintf(epoch, sizeof epoch, ", epoch %u s", method->epoch_s);
        ph_output_line("  %-8s yes     %.1f ms, external address %s%s%s%s%s", name, method->rtt_ms,
                       is_told ? method->external.text : "not told", is_told ? " (" : "",
                       is_told ? porthole_reach_name(method->external.reach) : "",
                       is_told ? ")" : "", epoch);
    }
    if (method->is_tried)
        print_trial(method);
}

static void print_device(const struct ph_doctor_device *device) {
    ph_output_line("  %-15s %s%s%s", device->address, *device->name ? device->name : "(not asked)",
                   device->is_used ? ", used" : "", device->is_gateway ? "" : ", not the gateway");
    if (*device->maker || *device->model || *device->service)
        ph_output_line("  %-15s %s%s%s%s%s", "", device->maker,
                       *device->maker && *device->model ? " " : "", device->model,
                       *device->service ? ", " : "", device->service);
    if (*device->server)
        ph_output_line("  %-15s %s", "", device->server);
    ph_output_line("  %-15s %s", "", device->url);
}

static void print_protocols(const struct ph_doctor_report *report) {
    print_head("Protocols");
    ph_output_line("  asked: %s, from %s (%s)", *report->gateway ? report->gateway : "nobody",
                   or_dash(report->local.text), porthole_reach_name(report->local.reach));
    for (size_t i = 0; i < PH_DOCTOR_METHODS; i++)
        print_method(&report->methods[i]);
    if (!report->is_map_allowed)
        ph_output_line("  no port was opened to try it (--no-map)");
    if (report->device_count > 0)
        print_head("UPnP gateways");
    for (size_t i = 0; i < report->device_count; i++)
        print_device(&report->devices[i]);
}

static void print_attempts(const struct ph_doctor_report *report) {
    if (report->attempt_count > 0)
        print_head("Attempts, in milliseconds since the start");
    for (size_t i = 0; i < report->attempt_count; i++) {
        const struct ph_doctor_attempt *one = &report->attempts[i];
        char code[16] = "", times[40] = "";
        if (one->code >= 0)
            (void)snprintf(code, sizeof code, " %d", one->code);
        if (one->send_count > 1)
            (void)snprintf(times, sizeof times, ", sent %zu times", one->send_count);
        ph_output_line("  %8.1f %8.1f  %-8s %s to %s%s: %s%s%s%s", one->start_ms, one->end_ms,
                       ph_output_method(one->method), one->what, one->to, times,
                       ph_doctor_outcome_name(one->outcome), code, *one->text ? ", " : "",
                       one->text);
    }
    if (report->attempts_left_out > 0)
        ph_output_line("  and %zu more", report->attempts_left_out);
}

/* ---- All of it ------------------------------------------------------------------------------- */

void ph_doctor_print_text(const struct ph_doctor_report *report) {
    print_verdict(report);
    print_path(report);
    print_host(report);
    print_protocols(report);
    print_attempts(report);
    print_head("Verdict");
    ph_output_line("  %s, exit code %d, after %.1f ms%s", ph_doctor_verdict_name(report->verdict),
                   ph_doctor_exitcode(report->verdict), report->elapsed_ms,
                   report->is_redacted ? "; names and addresses are replaced" : "");
}
