/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * doctor_tables.c: see doctor_tables.h. On a phone each row stands on its own, without the heads of
 * its columns: what is in a cell says by itself what it is.
 */
#include "cli/doctor_tables.h"

#include <string.h>

#include "cli/doctor_svg.h"
#include "cli/markup.h"

/* ---- Pieces ---------------------------------------------------------------------------------- */

void ph_doctor_section_begin(FILE *out, const char *title) {
    ph_markup_print(out, "<section><h2>%s</h2>\n", title);
}

void ph_doctor_section_end(FILE *out) { fputs("</section>\n", out); }

/* Roles are said again, because a browser may forget them where the style sheet makes rows of a
 * phone's screen out of them. */
static void print_table(FILE *out, const char *const *columns) {
    fputs("<table role=\"table\"><thead><tr role=\"row\">", out);
    for (; *columns; columns++)
        ph_markup_print(out, "<th role=\"columnheader\" scope=\"col\">%s</th>", *columns);
    fputs("</tr></thead>\n<tbody>\n", out);
}

static void end_table(FILE *out) { fputs("</tbody></table>\n", out); }

static void print_row(FILE *out, const char *head) {
    ph_markup_print(out, "<tr role=\"row\"><th role=\"rowheader\" scope=\"row\">%s</th>", head);
}

static void begin_cell(FILE *out) { fputs("<td role=\"cell\">", out); }

static void end_cell(FILE *out) { fputs("</td>", out); }

static void print_cell(FILE *out, const char *text) {
    ph_markup_print(out, "<td role=\"cell\">%s</td>", text);
}

static void end_row(FILE *out) { fputs("</tr>\n", out); }

/* Nothing where nothing is known. */
static void print_code_fact(FILE *out, const char *name, const char *text) {
    if (*text)
        ph_markup_print(out, "<dt>%s</dt><dd><code>%s</code></dd>\n", name, text);
}

static const char *reach_words(enum porthole_reach reach) {
    return reach == PORTHOLE_REACH_UNKNOWN ? "" : porthole_reach_name(reach);
}

/* "192.0.2.1 (public)", with the prefix where the network has one. */
static void print_address(FILE *out, const struct ph_doctor_address *address) {
    ph_markup_print(out, "<code>%s", address->text);
    if (address->prefix)
        ph_markup_print(out, "/%u", address->prefix);
    fputs("</code>", out);
    const char *words = reach_words(address->reach);
    if (*words)
        ph_markup_print(out, " <small>%s</small>", words);
}

/* ---- What the protocols told ----------------------------------------------------------------- */

static void print_trial(FILE *out, const struct ph_doctor_method *method) {
    if (!method->is_tried) {
        fputs("no trial was made", out);
        return;
    }
    if (method->trial_error != 0) {
        char reason[PH_OUTPUT_REASON_SIZE];
        ph_markup_print(
            out, "<span class=\"no\">failed</span>: %s",
            ph_output_reason(method->trial_error, method->trial_code, method->trial_text, reason));
        return;
    }
    ph_markup_print(out, "<span class=\"yes\">opened</span> %s port %u",
                    porthole_protocol_name(method->trial_protocol),
                    (unsigned)method->trial_external_port);
    if (*method->trial_external.text) {
        fputs(" of ", out);
        print_address(out, &method->trial_external);
    }
    if (method->trial_lifetime_s)
        ph_markup_print(out, " for %u s", (unsigned)method->trial_lifetime_s);
    ph_markup_print(out, " after %f ms, then %s", method->trial_ms,
                    porthole_fate_name(method->trial_fate));
}

static void print_method(FILE *out, const struct ph_doctor_method *method) {
    print_row(out, ph_output_method(method->method));
    begin_cell(out);
    if (!method->is_asked) {
        fputs("was not asked", out);
    } else if (method->error != 0) {
        char reason[PH_OUTPUT_REASON_SIZE];
        ph_markup_print(out, "<span class=\"no\">no</span>: %s",
                        ph_output_reason(method->error, method->code, method->text, reason));
    } else {
        ph_markup_print(out, "<span class=\"yes\">yes</span>, after %f ms", method->rtt_ms);
        if (method->has_epoch)
            ph_markup_print(out, "; its clock says %u s", (unsigned)method->epoch_s);
    }
    end_cell(out);
    begin_cell(out);
    if (*method->external.text)
        print_address(out, &method->external);
    else
        fputs("no address told", out);
    end_cell(out);
    begin_cell(out);
    print_trial(out, method);
    end_cell(out);
    end_row(out);
}

static void print_methods(FILE *out, const struct ph_doctor_report *report) {
    static const char *const columns[] = {"Protocol", "Answers", "External address",
                                          "Trial mapping", NULL};
    ph_doctor_section_begin(out, "External addresses");
    print_table(out, columns);
    for (size_t i = 0; i < PH_DOCTOR_METHODS; i++)
        print_method(out, &report->methods[i]);
    end_table(out);
    ph_doctor_section_end(out);
}

/* ---- The gateway ----------------------------------------------------------------------------- */

static void print_neighbours(FILE *out, const struct ph_doctor_report *report) {
    for (size_t i = 0; i < report->neighbour_count; i++) {
        const struct ph_doctor_neighbour *neighbour = &report->neighbours[i];
        ph_markup_print(out, "<dt>%s</dt><dd><code>%s</code>", "On the link", neighbour->address);
        if (neighbour->is_resolved)
            ph_markup_print(out, " is <code>%s</code>", neighbour->mac);
        else
            fputs(" <span class=\"no\">does not answer</span>", out);
        if (*neighbour->interface)
            ph_markup_print(out, " on %s", neighbour->interface);
        fputs("</dd>\n", out);
    }
}

static void print_devices(FILE *out, const struct ph_doctor_report *report) {
    static const char *const columns[] = {"UPnP device", "Description", "Service", NULL};
    print_table(out, columns);
    for (size_t i = 0; i < report->device_count; i++) {
        const struct ph_doctor_device *device = &report->devices[i];
        print_row(out, *device->name ? device->name : device->address);
        begin_cell(out);
        if (*device->maker || *device->model)
            ph_markup_print(out, "<p>%s %s</p>", device->maker, device->model);
        ph_markup_print(out, "<p><code>%s</code></p>", device->url);
        if (*device->server)
            ph_markup_print(out, "<p><small>%s</small></p>", device->server);
        end_cell(out);
        begin_cell(out);
        ph_markup_print(out, "<p>%s</p>", *device->service ? device->service : "none of use");
        fputs(device->is_used ? "<p><small>the one that is used</small></p>" : "", out);
        fputs(device->is_gateway ? "" : "<p><small>not at the gateway's address</small></p>", out);
        end_cell(out);
        end_row(out);
    }
    end_table(out);
}

static void print_gateway(FILE *out, const struct ph_doctor_report *report) {
    if (!*report->gateway && report->device_count == 0)
        return;
    ph_doctor_section_begin(out, "Gateway");
    fputs("<dl>\n", out);
    print_code_fact(out, "Asked", report->gateway);
    if (*report->local.text) {
        fputs("<dt>From</dt><dd>", out);
        print_address(out, &report->local);
        fputs("</dd>\n", out);
    }
    print_neighbours(out, report);
    fputs("</dl>\n", out);
    if (report->device_count)
        print_devices(out, report);
    ph_doctor_section_end(out);
}

/* ---- This host ------------------------------------------------------------------------------- */

static void print_interface(FILE *out, const struct ph_doctor_interface *interface) {
    print_row(out, interface->name);
    begin_cell(out);
    for (size_t i = 0; i < interface->address_count; i++) {
        fputs("<p>", out);
        print_address(out, &interface->addresses[i]);
        fputs("</p>", out);
    }
    end_cell(out);
    begin_cell(out);
    const char *link = ph_doctor_link_name(interface->link);
    ph_markup_print(out, "<p>%s%s%s%s</p>", link,
                    *interface->kind && strcmp(interface->kind, link) != 0 ? ", " : "",
                    strcmp(interface->kind, link) != 0 ? interface->kind : "",
                    !interface->is_up        ? ", switched off"
                    : !interface->is_running ? ", not connected"
                                             : "");
    ph_markup_print(out, "<p><small>%s%s", interface->mac, *interface->mac ? ", " : "");
    ph_markup_print(out, "MTU %u</small></p>", interface->mtu);
    end_cell(out);
    end_row(out);
}

static void print_route(FILE *out, const struct ph_doctor_route *route) {
    print_row(out, route->destination);
    begin_cell(out);
    if (*route->gateway)
        ph_markup_print(out, "<code>%s</code> on %s", route->gateway, route->interface);
    else
        ph_markup_print(out, "%s itself", route->interface);
    end_cell(out);
    ph_markup_print(out, "<td role=\"cell\">metric %u</td>", (unsigned)route->metric);
    end_row(out);
}

static void print_host(FILE *out, const struct ph_doctor_report *report) {
    static const char *const interfaces[] = {"Interface", "Addresses", "Link", NULL};
    static const char *const routes[] = {"Route", "By way of", "Metric", NULL};
    ph_doctor_section_begin(out, "Interfaces and routes");
    if (report->interface_count) {
        print_table(out, interfaces);
        for (size_t i = 0; i < report->interface_count; i++)
            print_interface(out, &report->interfaces[i]);
        end_table(out);
    }
    if (report->route_count) {
        print_table(out, routes);
        for (size_t i = 0; i < report->route_count; i++)
            print_route(out, &report->routes[i]);
        end_table(out);
    }
    if (report->way.is_there)
        ph_markup_print(out,
                        "<p class=\"more\">To the Internet it goes from <code>%s</code> by %s%s"
                        "<code>%s</code>.</p>\n",
                        report->way.source, report->way.interface,
                        *report->way.gateway ? " and " : "", report->way.gateway);
    else
        fputs("<p class=\"more\">There is no way to the Internet.</p>\n", out);
    ph_doctor_section_end(out);
}

static void print_filter(FILE *out, const char *what, const struct ph_doctor_filter *filter) {
    print_row(out, what);
    print_cell(out, ph_doctor_effect_name(filter->effect));
    print_cell(out, filter->rule);
    end_row(out);
}

static void print_inbound(FILE *out, const char *protocol, uint16_t port,
                          const struct ph_doctor_filter *filter) {
    char what[32];
    if (port)
        snprintf(what, sizeof what, "%s to port %u", protocol, (unsigned)port);
    else
        snprintf(what, sizeof what, "%s to any port", protocol);
    print_filter(out, what, filter);
}

static void print_firewall(FILE *out, const struct ph_doctor_report *report) {
    static const char *const columns[] = {"Packet", "Is", "By", NULL};
    const struct ph_doctor_firewall *firewall = &report->firewall;
    ph_doctor_section_begin(out, "Firewall of this host");
    if (firewall->is_read) {
        print_table(out, columns);
        print_filter(out, "Answers", &firewall->answers);
        print_filter(out, "Answers from other ports", &firewall->strays);
        if (firewall->is_tcp_wanted)
            print_inbound(out, "TCP", firewall->port, &firewall->inbound_tcp);
        if (firewall->is_udp_wanted)
            print_inbound(out, "UDP", firewall->port, &firewall->inbound_udp);
        end_table(out);
    }
    ph_markup_print(out, "<p class=\"more\">%s%s%s</p>\n", firewall->what,
                    *firewall->what && *firewall->hint ? "; " : "", firewall->hint);
    if (firewall->dropped_answers)
        ph_markup_print(out,
                        "<p class=\"more\">UPnP answers that came to this host and no further: "
                        "%u.</p>\n",
                        firewall->dropped_answers);
    ph_doctor_section_end(out);
}

/* ---- Every request --------------------------------------------------------------------------- */

static void print_sends(FILE *out, const struct ph_doctor_attempt *attempt) {
    if (attempt->send_count < 2)
        return;
    ph_markup_print(out, "<p><small>sent %zu times, at ", attempt->send_count);
    for (size_t i = 0; i < attempt->send_count && i < PH_DOCTOR_SENDS_MAX; i++)
        ph_markup_print(out, "%s%f", i ? ", " : "", attempt->send_ms[i]);
    fputs(attempt->send_count > PH_DOCTOR_SENDS_MAX ? ", \xe2\x80\xa6 ms</small></p>"
                                                    : " ms</small></p>",
          out);
}

static void print_attempt(FILE *out, const struct ph_doctor_attempt *attempt) {
    ph_markup_print(out,
                    "<tr role=\"row\"><th class=\"time\" role=\"rowheader\" scope=\"row\">%f ms"
                    "</th>",
                    attempt->start_ms);
    begin_cell(out);
    ph_markup_print(out, "<p>%s: %s</p><p><small>to %s%s</small></p>",
                    ph_output_method(attempt->method), attempt->what, attempt->to,
                    attempt->is_trial ? ", for the trial mapping" : "");
    print_sends(out, attempt);
    end_cell(out);
    begin_cell(out);
    bool is_yes = attempt->outcome == PH_DOCTOR_OUTCOME_ANSWERED;
    bool is_no = !is_yes && attempt->outcome != PH_DOCTOR_OUTCOME_SILENT &&
                 attempt->outcome != PH_DOCTOR_OUTCOME_DROPPED;
    ph_markup_print(out, "<p><span class=\"%s\">%s</span>",
                    is_yes  ? "yes"
                    : is_no ? "no"
                            : "soft",
                    ph_doctor_svg_outcome(attempt->outcome));
    if (attempt->end_ms >= attempt->start_ms && attempt->start_ms >= 0)
        ph_markup_print(out, " after %f ms", attempt->end_ms - attempt->start_ms);
    if (attempt->code >= 0)
        ph_markup_print(out, ", code %d", attempt->code);
    fputs("</p>", out);
    if (*attempt->text)
        ph_markup_print(out, "<p>%s</p>", attempt->text);
    if (*attempt->from && strcmp(attempt->from, attempt->to) != 0)
        ph_markup_print(out, "<p><small>from %s</small></p>", attempt->from);
    end_cell(out);
    end_row(out);
}

static void print_attempts(FILE *out, const struct ph_doctor_report *report) {
    static const char *const columns[] = {"Time", "Request", "Answer", NULL};
    if (report->attempt_count == 0)
        return;
    ph_doctor_section_begin(out, "Every request");
    print_table(out, columns);
    for (size_t i = 0; i < report->attempt_count; i++)
        print_attempt(out, &report->attempts[i]);
    end_table(out);
    if (report->attempts_left_out)
        ph_markup_print(out, "<p class=\"more\">%zu more are not shown.</p>\n",
                        report->attempts_left_out);
    ph_doctor_section_end(out);
}

void ph_doctor_tables_print(FILE *out, const struct ph_doctor_report *report) {
    print_methods(out, report);
    print_gateway(out, report);
    print_host(out, report);
    print_firewall(out, report);
    print_attempts(out, report);
}
