/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * doctor_advice.c: says why a verdict is what it is, what to do next, and what else was noticed, in
 * words for somebody who knows the router's web page, not its protocols.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/doctor_judge.h"
#include "cli/output.h"

#define RESTARTED_S 600U
#define SLOW_MS 1000.0

/* ---- Lines ----------------------------------------------------------------------------------- */

static void set_reason(struct ph_doctor_report *report, const char *format, ...)
    PH_DOCTOR_PRINTF(2, 3);
static void add_advice(struct ph_doctor_report *report, const char *format, ...)
    PH_DOCTOR_PRINTF(2, 3);
static void add_note(struct ph_doctor_report *report, const char *format, ...)
    PH_DOCTOR_PRINTF(2, 3);

#define FORMAT_INTO(buffer, size, format)                                                          \
    do {                                                                                           \
        va_list arguments;                                                                         \
        va_start(arguments, format);                                                               \
        (void)vsnprintf(buffer, size, format, arguments);                                          \
        va_end(arguments);                                                                         \
    } while (0)

static void set_reason(struct ph_doctor_report *report, const char *format, ...) {
    FORMAT_INTO(report->reason, sizeof report->reason, format);
}

static void add_advice(struct ph_doctor_report *report, const char *format, ...) {
    if (report->advice_count < PH_DOCTOR_ADVICE_MAX)
        FORMAT_INTO(report->advice[report->advice_count++], sizeof report->advice[0], format);
}

static void add_note(struct ph_doctor_report *report, const char *format, ...) {
    if (report->note_count < PH_DOCTOR_NOTES_MAX)
        FORMAT_INTO(report->notes[report->note_count++], sizeof report->notes[0], format);
}

/* ---- Good news ------------------------------------------------------------------------------- */

static void advise_direct(struct ph_doctor_report *report) {
    set_reason(report,
               "%s is a public address: what is sent to it reaches this host, if no "
               "firewall on the way objects.",
               report->local.text);
    add_advice(report, "Start the service; nothing has to be opened on a router.");
    add_advice(report, "If it stays unreachable, look at the firewall of this host, of the router "
                       "or of the hosting provider.");
}

static void advise_mapped(struct ph_doctor_report *report, const struct ph_doctor_findings *f) {
    const struct ph_doctor_address *external = ph_doctor_external_of(f->told);
    if (f->granted)
        set_reason(report,
                   "The router opened a port for a moment by %s, at %s, which is a public address, "
                   "and gave it back when asked.",
                   ph_output_method(f->granted->method), external->text);
    else
        set_reason(report,
                   "The router answers by %s and tells %s, a public address. No port was opened "
                   "to try it (--no-map).",
                   ph_output_method(f->told->method), external->text);
    add_advice(report, "`porthole map PORT` opens a port and keeps it open.");
    add_advice(report, "If nobody gets in all the same: is the service running, and does it listen "
                       "on all addresses, not on 127.0.0.1 alone?");
}

static void advise_host_firewall(struct ph_doctor_report *report,
                                 const struct ph_doctor_findings *f) {
    const struct ph_doctor_firewall *firewall = &report->firewall;
    set_reason(report, "What comes in on %s port %u is dropped on this host, by the %s.",
               f->shut == &firewall->inbound_tcp ? "TCP" : "UDP", firewall->port, f->shut->rule);
    add_advice(report,
               "Allow it: `ufw allow %u`, `firewall-cmd --add-port=%u/tcp`, or a rule in "
               "nftables' input chain.",
               firewall->port, firewall->port);
}

/* ---- Something in the way -------------------------------------------------------------------- */

static void advise_double_nat(struct ph_doctor_report *report, const struct ph_doctor_findings *f) {
    const char *external = ph_doctor_external_of(f->told)->text;
    set_reason(report,
               "The router's own external address, %s, is a private one: it sits behind another "
               "router, which knows nothing of the ports that this one opens.",
               external);
    add_advice(report, "Set the outer box (often the provider's) to bridge or modem mode, so that "
                       "the inner router gets the public address.");
    add_advice(report,
               "Or make the inner router the outer one's exposed host (DMZ), or forward "
               "the ports there to %s by hand.",
               external);
    add_advice(report, "Or set the inner router to access-point mode, so that only one does NAT.");
}

static void advise_carrier_nat(struct ph_doctor_report *report,
                               const struct ph_doctor_findings *f) {
    const char *external = f->told ? ph_doctor_external_of(f->told)->text : report->local.text;
    set_reason(report,
               "%s is an address of 100.64.0.0/10: the provider's own NAT shares one public "
               "address among many customers, and opens no ports for them. No setting of the "
               "router changes that.",
               external);
    add_advice(report, "Ask the provider for a public IPv4 address; many give one on request.");
    add_advice(report, "Use IPv6, where both sides have it: no NAT is in its way.");
    add_advice(report, "Or use a VPN that forwards ports, or a relay on a rented server.");
}

static void advise_no_uplink(struct ph_doctor_report *report) {
    set_reason(report, "The router answers, but has no external address to open ports at: it is "
                       "not connected, or it is behind another NAT and refuses for that reason.");
    add_advice(report, "Look at the router's status page: is it connected, and what is its "
                       "Internet (WAN) address?");
    add_advice(report, "If that begins with 10., 172.16. to 172.31., 192.168. or 100.64. to "
                       "100.127., another NAT is in front of it.");
}

static void advise_refused(struct ph_doctor_report *report, const struct ph_doctor_findings *f) {
    const struct ph_doctor_method *method = f->refused;
    bool is_trial = method->error == 0;
    int error = is_trial ? method->trial_error : method->error;
    const char *text = is_trial ? method->trial_text : method->text;
    set_reason(report, "The router answers by %s, but does not open a port: %s.",
               ph_output_method(method->method), *text ? text : porthole_strerror(error));
    if (error == PORTHOLE_ERR_NO_RESOURCES) {
        add_advice(report, "Its table is full: remove what is stale (`porthole unmap --stale`), "
                           "look at its list of ports, or restart the router.");
        return;
    }
    if (error == PORTHOLE_ERR_PORT_TAKEN) {
        add_advice(report, "Look at the router's list of forwarded ports for entries that claim "
                           "them all.");
        return;
    }
    add_advice(report,
               "In the router's pages, allow this device (%s) to open ports itself; some "
               "ask for that device by device.",
               report->local.text);
    add_advice(report, "Some refuse guests' networks, or ports below 1024: try another network or "
                       "a higher port.");
    add_advice(report, "Or forward the port to %s by hand.", report->local.text);
}

static void advise_two_routers(struct ph_doctor_report *report,
                               const struct ph_doctor_findings *f) {
    const struct ph_doctor_device *used = ph_doctor_used_device(report);
    if (f->is_other_router)
        set_reason(report,
                   "This host sends to the Internet by %s, but the one that opens ports is %s. "
                   "What comes in there would be answered by the other way, and be lost.",
                   report->gateway, used->address);
    else
        set_reason(report,
                   "%s tells the external address %s, and %s tells %s: they are not the same "
                   "router, or one of them is out of date.",
                   ph_output_method(f->told->method), ph_doctor_external_of(f->told)->text,
                   ph_output_method(f->contrary->method), ph_doctor_external_of(f->contrary)->text);
    if (f->is_other_router) {
        add_advice(report, "Make %s this host's default gateway, or", used->address);
        add_advice(report, "switch on UPnP, NAT-PMP or PCP on %s.", report->gateway);
        add_advice(report, "Or set one of the two to access-point mode, so that one router is "
                           "left.");
        return;
    }
    add_advice(report, "Ask one alone: `porthole doctor -p pcp`, `-p natpmp`, `-p upnp`, and open "
                       "ports by the one that is right.");
    add_advice(report, "Restart the router; some forget to tell one of their services of a new "
                       "address.");
}

/* ---- No answer ------------------------------------------------------------------------------- */

static void advise_filtered(struct ph_doctor_report *report, const struct ph_doctor_findings *f) {
    if (f->is_gateway_gone) {
        set_reason(report,
                   "The router %s does not answer, not even on the link: nothing that is sent "
                   "to it arrives.",
                   report->gateway);
        add_advice(report,
                   "Is %s really the router? Look at the default route, the cable or the "
                   "Wi-Fi.",
                   report->gateway);
        add_advice(report, "Guests' networks often keep devices apart: use the main network.");
        return;
    }
    if (report->firewall.dropped_answers > 0) {
        const struct ph_doctor_firewall *firewall = &report->firewall;
        bool is_answers = firewall->answers.effect == PH_DOCTOR_EFFECT_DROPPED;
        const char *rule = is_answers ? firewall->answers.rule : firewall->strays.rule;
        set_reason(report,
                   "Answers to the UPnP search come as far as this host (%u of them), and its own "
                   "firewall drops them%s%s.",
                   firewall->dropped_answers, *rule ? ", by the " : "", rule);
        add_advice(report, "Allow UDP from %s%s.", report->gateway,
                   is_answers ? ", ports 1900 and 5351"
                              : ", any port: this router answers from another than it is asked at");
        return;
    }
    if (report->firewall.answers.effect == PH_DOCTOR_EFFECT_DROPPED) {
        set_reason(report,
                   "This host's own firewall drops what the router would answer, by the %s.",
                   report->firewall.answers.rule);
        add_advice(report, "Allow answers from %s: UDP from ports 1900 and 5351.", report->gateway);
        return;
    }
    set_reason(report, "Packets to %s go nowhere: the network says that it cannot be reached.",
               report->gateway);
    add_advice(report, "Look at the route to it, and at firewalls between here and there.");
}

static void advise_no_protocol(struct ph_doctor_report *report) {
    bool is_closed = false;
    for (size_t i = 0; i < PH_DOCTOR_METHODS; i++)
        is_closed = is_closed || (report->methods[i].is_asked &&
                                  report->methods[i].error == PORTHOLE_ERR_PORT_CLOSED);
    set_reason(report,
               is_closed ? "%s is there, and says itself that nothing of it listens to requests "
                           "for ports."
                         : "%s is there, but answers no request for a port.",
               report->gateway);
    add_advice(report, "In the router's pages, switch on UPnP (also called UPnP-IGD, or \"allow "
                       "devices to open ports\"), NAT-PMP or PCP; then run this again.");
    add_advice(report, "Or forward the port by hand (port forwarding, virtual server) to %s.",
               report->local.text);
    if (report->firewall.strays.effect == PH_DOCTOR_EFFECT_DROPPED)
        add_advice(report,
                   "If UPnP is on already: some routers answer from another port, and "
                   "this host's firewall drops that. Allow UDP from %s.",
                   report->gateway);
    else if (!report->firewall.is_read)
        add_advice(report, "If it is on already, this host's firewall may drop the answers: run "
                           "this as root, to see its rules too.");
}

static void advise_vpn(struct ph_doctor_report *report, const struct ph_doctor_findings *f) {
    if (f->is_beside_vpn)
        set_reason(report,
                   "Packets to the Internet leave by the tunnel %s, so the answers to whoever "
                   "comes in by the router %s would go another way, and be lost.",
                   report->way.interface, report->gateway);
    else
        set_reason(report,
                   "Packets to the Internet leave by the tunnel %s; whoever is at its far end "
                   "opens no ports for this host.",
                   report->way.interface);
    add_advice(report, "Disconnect the VPN, or keep the service out of it (split tunnel).");
    add_advice(report, "Or use a VPN provider that forwards ports; some do by NAT-PMP: "
                       "`porthole map PORT -g GATEWAY` with the gateway they name.");
}

static void advise_no_route(struct ph_doctor_report *report) {
    bool has_v6 = false;
    for (size_t i = 0; i < report->route_count; i++)
        has_v6 = has_v6 || strstr(report->routes[i].destination, "IPv6");
    set_reason(report,
               "There is no default route%s: this host does not know where to send what is for "
               "the Internet.",
               has_v6 ? " for IPv4, only one for IPv6" : "");
    add_advice(report, "Is the cable in, the Wi-Fi joined? `ip route` should show a default "
                       "route.");
    add_advice(report, "If the router is known, ask it by name: `porthole doctor -g ADDR`.");
}

static void advise_unclear(struct ph_doctor_report *report, const struct ph_doctor_findings *f) {
    if (f->odd) {
        set_reason(report, "Something answers by %s, but not in a way that can be used: %s.",
                   ph_output_method(f->odd->method), f->odd->text);
    } else if (f->tried > 0 && !f->granted) {
        set_reason(report, "The router answers, but what came of the port that it was asked for "
                           "is not known: see the attempts.");
    } else if (f->told) {
        const struct ph_doctor_address *external = ph_doctor_external_of(f->told);
        set_reason(report,
                   "The router's external address, %s, is one that the Internet does not "
                   "use (%s).",
                   external->text, porthole_reach_name(external->reach));
    } else {
        set_reason(report, "There is no router to ask on this network.");
    }
    add_advice(report, "`porthole doctor --redact --json` makes a report that can be posted: "
                       "please show it to those who maintain porthole.");
}

/* ---- What else was noticed ------------------------------------------------------------------- */

static void note_firewall(struct ph_doctor_report *report) {
    const struct ph_doctor_firewall *firewall = &report->firewall;
    const struct ph_doctor_filter *filter =
        firewall->is_tcp_wanted ? &firewall->inbound_tcp : &firewall->inbound_udp;
    if (report->verdict == PH_DOCTOR_HOST_FIREWALL || report->verdict == PH_DOCTOR_NO_ROUTE)
        return;
    if (!firewall->is_read && *firewall->hint)
        add_note(report, "This host's firewall was not read (%s), but %s: it may shut the port.",
                 firewall->what, firewall->hint);
    else if (filter->effect == PH_DOCTOR_EFFECT_DROPPED && firewall->port == 0)
        add_note(report,
                 "This host's firewall drops what comes in on a port that no rule names "
                 "(%s). `porthole doctor PORT` looks at one port.",
                 filter->rule);
    else if (filter->effect == PH_DOCTOR_EFFECT_UNSURE)
        add_note(report, "This host's firewall may drop what comes in, by the %s.", filter->rule);
}

static void note_method(struct ph_doctor_report *report, const struct ph_doctor_method *method,
                        const struct ph_doctor_findings *f) {
    const char *name = ph_output_method(method->method);
    if (method->is_tried && method->trial_error != 0 && f->granted)
        add_note(report, "%s answers, but did not open the port: %s.", name,
                 *method->trial_text ? method->trial_text : porthole_strerror(method->trial_error));
    if (method->is_asked && method->error <= PORTHOLE_ERR_REFUSED &&
        method->error != PORTHOLE_ERR_UNSUPPORTED && f->granted)
        add_note(report, "%s answers, but is of no use: %s.", name, method->text);
    if (method->is_tried && method->trial_error == 0 && method->trial_lifetime_s == 0)
        add_note(report,
                 "%s opens ports without end: what is left behind stays until it is "
                 "removed.",
                 name);
    if (method->is_tried && method->trial_error == 0 &&
        (method->trial_fate == PORTHOLE_FATE_EXPIRES || method->trial_fate == PORTHOLE_FATE_LEFT))
        add_note(report, "The trial's port %u (%s) could not be given back; %s.",
                 method->trial_external_port, name,
                 method->trial_fate == PORTHOLE_FATE_LEFT ? "remove it in the router's pages"
                                                          : "it ends with its lease");
    if (method->is_asked && method->error == 0 && method->rtt_ms > SLOW_MS)
        add_note(report, "%s takes %.1f s to answer.", name, method->rtt_ms / 1e3);
}

static void note_restart(struct ph_doctor_report *report) {
    for (size_t i = 0; i < PH_DOCTOR_METHODS; i++) {
        const struct ph_doctor_method *method = &report->methods[i];
        if (method->has_epoch && method->epoch_s < RESTARTED_S) {
            add_note(report,
                     "The router's port service started %u s ago: what was open before "
                     "may be gone.",
                     method->epoch_s);
            return;
        }
    }
}

static void note_others(struct ph_doctor_report *report) {
    for (size_t i = 0; i < report->device_count; i++) {
        const struct ph_doctor_device *device = &report->devices[i];
        if (!device->is_gateway && !device->is_used)
            add_note(report, "Another router answers UPnP at %s%s%s; it was not used.",
                     device->address, *device->name ? ": " : "", device->name);
    }
    for (size_t i = 0; i < report->interface_count; i++) {
        const struct ph_doctor_interface *one = &report->interfaces[i];
        for (size_t k = 0; one->link != PH_DOCTOR_LINK_TUNNEL && k < one->address_count; k++) {
            const struct ph_doctor_address *address = &one->addresses[k];
            if (address->is_v6 && address->reach == PORTHOLE_REACH_PUBLIC) {
                add_note(report, "This host has a public IPv6 address: whoever has IPv6 too needs "
                                 "no port opened by NAT, but the router's firewall must let it "
                                 "in.");
                return;
            }
        }
    }
}

static void note_all(struct ph_doctor_report *report, const struct ph_doctor_findings *f) {
    note_firewall(report);
    if (f->is_vpn && report->verdict != PH_DOCTOR_VPN)
        add_note(report, "All of this is by the VPN %s: ports are opened at its far end.",
                 report->way.interface);
    for (size_t i = 0; i < PH_DOCTOR_METHODS; i++)
        note_method(report, &report->methods[i], f);
    note_restart(report);
    note_others(report);
    if (f->asked > 0 && f->asked < PH_DOCTOR_METHODS)
        add_note(report, "Not all protocols were asked (--protocol).");
}

/* ---- All of it ------------------------------------------------------------------------------- */

void ph_doctor_advise(struct ph_doctor_report *report, const struct ph_doctor_findings *findings) {
    /* A report may be judged again, when it was redacted: no word of before stays. */
    memset(report->reason, 0, sizeof report->reason);
    memset(report->advice, 0, sizeof report->advice);
    memset(report->notes, 0, sizeof report->notes);
    report->advice_count = report->note_count = 0;
    switch (report->verdict) {
    case PH_DOCTOR_DIRECT:
        advise_direct(report);
        break;
    case PH_DOCTOR_MAPPED:
    case PH_DOCTOR_MAPPABLE:
        advise_mapped(report, findings);
        break;
    case PH_DOCTOR_HOST_FIREWALL:
        advise_host_firewall(report, findings);
        break;
    case PH_DOCTOR_DOUBLE_NAT:
        advise_double_nat(report, findings);
        break;
    case PH_DOCTOR_CARRIER_NAT:
        advise_carrier_nat(report, findings);
        break;
    case PH_DOCTOR_NO_UPLINK:
        advise_no_uplink(report);
        break;
    case PH_DOCTOR_REFUSED:
        advise_refused(report, findings);
        break;
    case PH_DOCTOR_TWO_ROUTERS:
        advise_two_routers(report, findings);
        break;
    case PH_DOCTOR_FILTERED:
        advise_filtered(report, findings);
        break;
    case PH_DOCTOR_NO_PROTOCOL:
        advise_no_protocol(report);
        break;
    case PH_DOCTOR_VPN:
        advise_vpn(report, findings);
        break;
    case PH_DOCTOR_NO_ROUTE:
        advise_no_route(report);
        break;
    case PH_DOCTOR_UNCLEAR:
        advise_unclear(report, findings);
        break;
    }
    note_all(report, findings);
}
